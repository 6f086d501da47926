//! `conclave`: a complete client without pixels.
//!
//! Each command opens the device, does one thing and closes it. What a command does stands in `commands`, what
//! it is asked in `args`, what it prints in `print`. Nothing here decides what the engine decides.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod error;
mod format;
mod links;
mod messages;
mod notices;
mod password;
mod print;
mod session;
mod settings;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::print::Printer;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Ok(filter) = EnvFilter::try_from_env("CONCLAVE_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
    let printer = Printer::new(args.common.json);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.failed(&error.into());
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(commands::run(args, &printer));
    // A name that is still being looked up must not keep anybody waiting.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.failed(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
