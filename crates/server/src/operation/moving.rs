//! `move-database`: everything from one database into another, empty one, of the same or the other engine.

use std::path::PathBuf;

use clap::Args;
use conclave_db::{Db, TableSum};

use crate::error::StartError;

/// Where from and where to.
#[derive(Args)]
pub struct Moving {
    /// The database to read: sqlite:path or postgres://… It is not changed.
    #[arg(long, required_unless_present = "from_file")]
    from: Option<String>,
    /// A file that holds the address to read from, so that its password stands in no list of processes.
    #[arg(long, conflicts_with = "from")]
    from_file: Option<PathBuf>,
    /// The empty database to fill; a SQLite file is made when missing.
    #[arg(long, required_unless_present = "to_file")]
    to: Option<String>,
    /// A file that holds the address to fill.
    #[arg(long, conflicts_with = "to")]
    to_file: Option<PathBuf>,
}

/// Moves everything. What is answered was read again in the target and is equal there.
pub async fn move_database(moving: &Moving) -> Result<Vec<TableSum>, StartError> {
    let from = address(moving.from.as_deref(), moving.from_file.as_ref())?;
    let to = address(moving.to.as_deref(), moving.to_file.as_ref())?;
    let source = Db::open_existing(&from).await?;
    let target = Db::open(&to).await?;
    let moved = target.take_over(&source).await;
    target.close().await;
    source.close().await;
    Ok(moved?)
}

fn address(given: Option<&str>, file: Option<&PathBuf>) -> Result<String, StartError> {
    match (given, file) {
        (Some(address), _) => Ok(address.to_owned()),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| StartError::File {
                path: path.clone(),
                error,
            }),
        (None, None) => Err(StartError::Config("say from where and to where".to_owned())),
    }
}
