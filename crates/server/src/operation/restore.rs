//! `restore`: a backup into an empty folder or database. The database stands whole and compared, or not at all.

use std::fs::{self, File};
use std::path::Path;

use conclave_db::{Db, Filling, Restore, Row, Table, newest_schema};
use conclave_protocol::RestoreEpoch;

use super::archive::{Part, Reading};
use super::backup::{Backup, PassphraseFrom, refused, verify};
use super::sealing::{Opening, Passphrase, damaged};
use crate::config::{Config, make_folder, write_secret};
use crate::error::StartError;
use crate::randomness;

/// Rows written together.
const BATCH: usize = 64;

/// Puts a backup back. Devices learn from the server's restore epoch that it went back in time.
pub async fn restore(config: &Config, file: &Path, from: &PassphraseFrom) -> Result<Backup, StartError> {
    let passphrase = from.read()?;
    // All of it is read before anything is written: a damaged backup changes nothing.
    let backup = verify(file, &passphrase)?;
    if backup.head.schema != newest_schema() {
        return Err(StartError::Backup(format!(
            "this backup was written by Conclave {} with schema {}, and this version has schema {}: restore it with that version, then start this one",
            backup.head.version,
            backup.head.schema,
            newest_schema(),
        )));
    }
    make_folder(&config.data)?;
    let db = Db::open(&config.database_address()?).await?;
    let filled = fill(config, &db, file, &passphrase, &backup).await;
    db.close().await;
    filled.map(|()| backup)
}

async fn fill(
    config: &Config,
    db: &Db,
    file: &Path,
    passphrase: &Passphrase,
    backup: &Backup,
) -> Result<(), StartError> {
    let failed = |error| refused(file, error);
    let mut filling = db.fill().await?;
    let input = File::open(file).map_err(failed)?;
    let mut reading = Reading::begin(Opening::begin(input, passphrase).map_err(failed)?);
    let mut batch = Batch::default();
    loop {
        match reading.next().map_err(failed)? {
            Part::Head(_) => {}
            Part::Secret { name, bytes } => keep_secret(&config.secrets_folder(), &name, &bytes)?,
            Part::Table(table) => batch.table = Some(table),
            Part::Row(row) => {
                batch.rows.push(row);
                if batch.rows.len() == BATCH {
                    batch.write(&mut filling).await?;
                }
            }
            Part::TableEnd(sum) => {
                batch.write(&mut filling).await?;
                // The file may have been replaced since it was verified.
                if !backup.sums.contains(&sum) {
                    return Err(failed(damaged("it was changed while it was read")));
                }
            }
            Part::End => break,
        }
    }
    let restore = Restore {
        epoch: RestoreEpoch(randomness::bytes()),
        restored_at: config.clock.now(),
        made_at: backup.head.made_at,
    };
    Ok(filling.commit_restored(&backup.sums, &restore).await?)
}

#[derive(Default)]
struct Batch {
    table: Option<&'static Table>,
    rows: Vec<Row>,
}

impl Batch {
    async fn write(&mut self, filling: &mut Filling) -> Result<(), StartError> {
        if let Some(table) = self.table {
            filling.insert(table, &self.rows).await?;
        }
        self.rows.clear();
        Ok(())
    }
}

/// Writes a secret, unless it is there already with the same content, as after a restore that was interrupted. One
/// with other content belongs to another server and stays.
fn keep_secret(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StartError> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(StartError::Backup(format!(
            "{} is there already and is another one than the backup's; restore into an empty folder, or move it away",
            path.display()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            make_folder(folder)?;
            write_secret(&path, bytes)
        }
        Err(error) => Err(refused(&path, error)),
    }
}
