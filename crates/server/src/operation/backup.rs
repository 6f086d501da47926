//! `backup` and `verify-backup`: the whole database and the secrets in one sealed file, and whether such a file is
//! whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use conclave_db::{Db, Summing, TABLES, TableSum, newest_schema};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::archive::{FORMAT, Head, Part, Reading, Writing, hex};
use super::sealing::{Opening, Passphrase, Sealing, damaged};
use crate::config::Config;
use crate::error::StartError;
use crate::randomness;

/// Variable that holds the passphrase where no file does.
const PASSPHRASE: &str = "CONCLAVE_BACKUP_PASSPHRASE";

/// A secret's name and content.
type Secret = (String, Zeroizing<Vec<u8>>);

/// Where the passphrase comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct PassphraseFrom {
    /// A file that holds the passphrase; else the variable CONCLAVE_BACKUP_PASSPHRASE holds it.
    #[arg(long, env = "CONCLAVE_BACKUP_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl PassphraseFrom {
    pub(super) fn read(&self) -> Result<Passphrase, StartError> {
        let text = match &self.passphrase_file {
            Some(path) => fs::read_to_string(path).map_err(|error| refused(path, error))?,
            None => std::env::var(PASSPHRASE).map_err(|_| {
                StartError::Backup(format!(
                    "a backup is sealed with a passphrase: name a file that holds it with --passphrase-file, or set {PASSPHRASE}"
                ))
            })?,
        };
        Passphrase::new(Zeroizing::new(text)).map_err(|why| StartError::Backup(why.to_owned()))
    }
}

/// A backup that was written or read.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Its beginning.
    pub head: Head,
    /// What its tables hold.
    pub sums: Vec<TableSum>,
    /// Names of the secrets in it.
    pub secrets: Vec<String>,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, as `sha256sum` prints it.
    pub sha256: String,
}

/// Writes a backup to a file that must not be there yet. The server may run meanwhile: what is read is one moment.
pub async fn backup(config: &Config, file: &Path, from: &PassphraseFrom) -> Result<Backup, StartError> {
    let passphrase = from.read()?;
    if file.exists() {
        let taken = io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file of this name is there already",
        );
        return Err(refused(file, taken));
    }
    let db = Db::open_existing(&config.database_address()?).await?;
    let secrets = read_secrets(&config.secrets_folder())?;
    // Under the final name stands a whole backup or none.
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let written = write(config, &db, &secrets, &unfinished, &passphrase).await;
    db.close().await;
    let kept = match written {
        Ok(backup) => fs::rename(&unfinished, file)
            .and_then(|()| sync_folder(file))
            .map(|()| backup)
            .map_err(|error| refused(file, error)),
        Err(error) => Err(error),
    };
    if kept.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    kept
}

async fn write(
    config: &Config,
    db: &Db,
    secrets: &[Secret],
    path: &Path,
    passphrase: &Passphrase,
) -> Result<Backup, StartError> {
    let failed = |error| refused(path, error);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let out = Hashing::new(BufWriter::new(options.open(path).map_err(failed)?));
    let sealing = Sealing::begin(out, passphrase, randomness::bytes()).map_err(failed)?;

    let mut snapshot = db.snapshot().await?;
    let head = Head {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: newest_schema(),
        made_at: config.clock.now(),
    };
    let mut writing = Writing::begin(sealing, &head).map_err(failed)?;
    for (name, bytes) in secrets {
        writing.secret(name, bytes).map_err(failed)?;
    }
    let mut sums = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        writing.table(table).map_err(failed)?;
        let mut summing = Summing::new(table);
        let mut after = None;
        loop {
            let mut batch = snapshot.read(table, after.as_ref()).await?;
            for row in &batch {
                summing.add(row);
                writing.row(row).map_err(failed)?;
            }
            let Some(last) = batch.pop() else { break };
            after = Some(last);
        }
        let sum = summing.end();
        writing.table_end(&sum).map_err(failed)?;
        sums.push(sum);
    }
    let sealing = writing.finish().map_err(failed)?;
    let out = sealing.finish().map_err(failed)?;
    let (buffered, size, sha256) = out.end();
    let out = buffered
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    out.sync_all().map_err(failed)?;
    Ok(Backup {
        head,
        sums,
        secrets: secrets.iter().map(|(name, _)| name.clone()).collect(),
        size,
        sha256,
    })
}

/// Reads a backup to its end and compares every checksum in it.
pub fn verify_backup(file: &Path, from: &PassphraseFrom) -> Result<Backup, StartError> {
    let passphrase = from.read()?;
    verify(file, &passphrase)
}

pub(super) fn verify(file: &Path, passphrase: &Passphrase) -> Result<Backup, StartError> {
    read_through(file, passphrase).map_err(|error| refused(file, error))
}

fn read_through(file: &Path, passphrase: &Passphrase) -> io::Result<Backup> {
    let mut hashing = Hashing::new(File::open(file)?);
    let mut reading = Reading::begin(Opening::begin(&mut hashing, passphrase)?);
    let Part::Head(head) = reading.next()? else {
        return Err(damaged("it has no head"));
    };
    let (mut sums, mut secrets) = (Vec::new(), Vec::new());
    let mut summing = None;
    loop {
        match reading.next()? {
            Part::Head(_) => return Err(damaged("it has two heads")),
            Part::Secret { name, .. } => secrets.push(name),
            Part::Table(table) => summing = Some(Summing::new(table)),
            Part::Row(row) => {
                if let Some(summing) = &mut summing {
                    summing.add(&row);
                }
            }
            Part::TableEnd(sum) => {
                if summing.take().map(Summing::end).as_ref() != Some(&sum) {
                    return Err(damaged("a table in it has another checksum"));
                }
                sums.push(sum);
            }
            Part::End => break,
        }
    }
    let complete = TABLES.iter().map(|table| table.name);
    if head.schema == newest_schema() && !complete.eq(sums.iter().map(|sum| sum.table.as_str())) {
        return Err(damaged("a table is missing in it"));
    }
    drop(reading);
    let (_, size, sha256) = hashing.end();
    Ok(Backup {
        head,
        sums,
        secrets,
        size,
        sha256,
    })
}

/// The secret files, by name. Unfinished ones are left out.
fn read_secrets(folder: &Path) -> Result<Vec<Secret>, StartError> {
    let mut secrets = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| refused(folder, error))? {
        let path = entry.map_err(|error| refused(folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let unfinished = path.extension().is_some_and(|extension| extension == "new");
        if name.starts_with('.') || unfinished || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).map_err(|error| refused(&path, error))?;
        secrets.push((name.to_owned(), Zeroizing::new(bytes)));
    }
    secrets.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(secrets)
}

pub(super) fn refused(path: &Path, error: io::Error) -> StartError {
    StartError::File {
        path: path.to_owned(),
        error,
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Hashes and counts what passes.
struct Hashing<T> {
    inner: T,
    hash: Sha256,
    size: u64,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            size: 0,
        }
    }

    fn end(self) -> (T, u64, String) {
        (self.inner, self.size, hex(&self.hash.finalize()))
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or_default();
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: io::Read> io::Read for Hashing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.pass(&bytes[..read]);
        Ok(read)
    }
}
