//! `conclave-server`: starts the server, makes invites, brings the database up to date.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conclave_protocol::Username;
use conclave_server::config::Overrides;
use conclave_server::{
    Config, StartError, check_audit, invite, open_database, start, switch_second_step_off, telemetry,
};
use tokio::signal;

/// A self-hosted, end-to-end encrypted chat.
#[derive(Parser)]
#[command(name = "conclave-server", version)]
struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server.
    Serve,
    /// Makes a link by which one person may register.
    Invite {
        /// Whose invite it is: the name of an administrator.
        #[arg(long)]
        by: Option<Username>,
    },
    /// Helps people who cannot help themselves.
    Account {
        #[command(subcommand)]
        what: AccountCommand,
    },
    /// Verifies the audit log.
    Audit,
    /// Brings the database's tables up to date and ends.
    Migrate,
}

#[derive(Subcommand)]
enum AccountCommand {
    /// Switches somebody's second step of sign-in off. Make sure that it is them who ask.
    SecondStepOff {
        /// Their name.
        name: Username,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conclave-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    let config = Config::load(&arguments.overrides)?;
    match arguments.command {
        Command::Serve => serve(config).await,
        Command::Invite { by } => {
            let made = invite(&config, by.as_ref()).await?;
            println!("{}", made.link);
            if made.expires.is_some() {
                eprintln!("One person can register with this link within 7 days.");
            }
            Ok(())
        }
        Command::Account {
            what: AccountCommand::SecondStepOff { name },
        } => {
            if switch_second_step_off(&config, &name).await? {
                println!("The second step of {name} is off. Their password alone signs in again.");
            } else {
                println!("{name} has no second step.");
            }
            Ok(())
        }
        Command::Audit => {
            let lines = check_audit(&config).await?;
            println!("The audit log is whole: {lines} lines.");
            Ok(())
        }
        Command::Migrate => {
            open_database(&config).await?.close().await;
            println!("The database is up to date.");
            Ok(())
        }
    }
}

async fn serve(config: Config) -> Result<(), StartError> {
    telemetry::begin(&config)?;
    let running = start(config).await?;
    println!("Conclave listens on http://{}", running.address);
    if let Some(link) = &running.setup_link {
        println!("Nobody has an account yet. Become the administrator here:\n\n    {link}\n");
    }
    asked_to_stop().await;
    running.stop().await;
    Ok(())
}

/// Returns on Ctrl-C and on the system's request to end.
async fn asked_to_stop() {
    let interrupted = async {
        let _ = signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
