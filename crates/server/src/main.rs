//! `conclave-server`: starts the server, makes invites, and does to its data what an operator asks for.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conclave_db::TableSum;
use conclave_protocol::Username;
use conclave_server::config::Overrides;
use conclave_server::operation::{
    Backup, Level, Moving, PassphraseFrom, backup, doctor, list_jobs, move_database, restore, verify_backup,
};
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
    /// Moves everything from one database into another, empty one: SQLite to PostgreSQL or back.
    ///
    /// Stop the server first: what is written meanwhile is not moved. The source is not changed. The target
    /// holds everything, compared by a hash for each table, or nothing.
    MoveDatabase(Moving),
    /// Writes the database and the secrets into one sealed file, while the server runs.
    Backup {
        /// The file to write; it must not be there yet.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseFrom,
    },
    /// Reads a backup to its end and compares every checksum in it; nothing is written.
    VerifyBackup {
        /// The backup.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseFrom,
    },
    /// Puts a backup back into an empty data folder and database.
    ///
    /// Stop the server first. A damaged backup changes nothing.
    Restore {
        /// The backup.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseFrom,
    },
    /// Looks at what the server stands on, and says what is wrong and what to do.
    ///
    /// Ends with 0 when all is well, with 2 when somebody should look at something, and with 1 when something is
    /// wrong.
    Doctor,
    /// Shows the server's jobs: when each ran last, how long it took and why it failed.
    Jobs,
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
        Ok(code) => code,
        Err(error) => {
            eprintln!("conclave-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, StartError> {
    let config = Config::load(&arguments.overrides)?;
    match arguments.command {
        Command::Doctor => return Ok(examine(&config).await),
        Command::Serve => serve(config).await?,
        Command::Invite { by } => {
            let made = invite(&config, by.as_ref()).await?;
            println!("{}", made.link);
            if made.expires.is_some() {
                eprintln!("One person can register with this link within 7 days.");
            }
        }
        Command::Account {
            what: AccountCommand::SecondStepOff { name },
        } => {
            if switch_second_step_off(&config, &name).await? {
                println!("The second step of {name} is off. Their password alone signs in again.");
            } else {
                println!("{name} has no second step.");
            }
        }
        Command::Audit => {
            let lines = check_audit(&config).await?;
            println!("The audit log is whole: {lines} lines.");
        }
        Command::Migrate => {
            open_database(&config).await?.close().await;
            println!("The database is up to date.");
        }
        Command::Backup { file, passphrase } => {
            print_backup(&backup(&config, &file, &passphrase).await?);
            println!("Written to {}.", file.display());
        }
        Command::VerifyBackup { file, passphrase } => {
            print_backup(&verify_backup(&file, &passphrase)?);
            println!("Every checksum is right.");
        }
        Command::Restore { file, passphrase } => {
            print_backup(&restore(&config, &file, &passphrase).await?);
            println!("Everything was put back and reads as it was written. Start the server.");
        }
        Command::Jobs => {
            for job in list_jobs(&config).await? {
                println!("{job}");
            }
        }
        Command::MoveDatabase(moving) => {
            let sums = move_database(&moving).await?;
            print_sums(&sums);
            println!("Everything was moved and reads the same in both. Now set `database` to the new one.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what is found; the code tells the worst of it.
async fn examine(config: &Config) -> ExitCode {
    let findings = doctor(config).await;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Wrong) => ExitCode::FAILURE,
        Some(Level::Warning) => ExitCode::from(2),
        Some(Level::Good) | None => ExitCode::SUCCESS,
    }
}

/// The beginning of a hash, enough to compare two by eye.
fn short(hash: &[u8; 32]) -> String {
    let beginning = hash.first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(beginning))
}

/// Rows and the beginning of the hash of each table that holds any.
fn print_sums(sums: &[TableSum]) {
    for sum in sums.iter().filter(|sum| sum.rows > 0) {
        println!("{:<22} {:>10} rows  {}", sum.table, sum.rows, short(&sum.hash));
    }
}

fn print_backup(backup: &Backup) {
    print_sums(&backup.sums);
    println!(
        "Conclave {}, schema {}, made at {} ms, secrets: {}; {} bytes, SHA-256 {}",
        backup.head.version,
        backup.head.schema,
        backup.head.made_at.0,
        backup.secrets.join(", "),
        backup.size,
        backup.sha256
    );
}

async fn serve(config: Config) -> Result<(), StartError> {
    telemetry::begin(&config)?;
    let running = start(config).await?;
    println!("Conclave listens on http://{}", running.address);
    if let Some(address) = running.metrics_address {
        println!("Metrics are at http://{address}/metrics");
    }
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
