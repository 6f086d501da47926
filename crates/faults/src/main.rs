//! `conclave-server` with two knobs that the real program must not have: it can be told not to flush what it
//! commits, and its clock can be moved while it runs.
//!
//! The rows of `tests/faults` run the real program; this one stands in where a row has to prove that it bites (a power
//! cut without flushing has to lose something) or needs another time. It must never be shipped: nothing depends on
//! this package, and the server's own program is built without what makes this possible.
#![forbid(unsafe_code)]

use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use conclave_server::config::Overrides;
use conclave_server::{Config, StartError, start, telemetry};

#[derive(Parser)]
struct Arguments {
    /// The configuration file.
    #[arg(long)]
    config: PathBuf,
    /// Leaves to the system when what was committed reaches the disk: SQLite's `synchronous=NORMAL`.
    #[arg(long)]
    unflushed: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until its input ends. Each line of it is a number of milliseconds by which the clock moves.
async fn run(arguments: Arguments) -> Result<(), StartError> {
    let mut config = Config::load(&Overrides {
        config: Some(arguments.config),
        ..Overrides::default()
    })?;
    config.unflushed = arguments.unflushed;
    telemetry::begin(&config)?;
    let clock = config.clock.clone();
    let running = start(config).await?;
    let moving = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(milliseconds) = line.trim().parse() {
                clock.shift(milliseconds);
            }
        }
    });
    let _ = moving.await;
    running.stop().await;
    Ok(())
}
