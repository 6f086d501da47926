//! Folders, the files in them, and the disk below.

use std::fs;
use std::io;
use std::path::Path;

use conclave_auth::server::ServerSetup;

use super::{Finding, good, warning, wrong};

/// Less is reported, on the way to a full disk.
const DISK_LOW: u64 = 1024 * 1024 * 1024;
/// With less, sends are about to be refused.
const DISK_OUT: u64 = 100 * 1024 * 1024;

pub(super) fn data_folder(folder: &Path) -> Finding {
    let subject = "data";
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => warning(
            subject,
            format!(
                "{shown} is not there; the first start makes it. If this server ran before, the configuration names another folder than then"
            ),
        ),
        Err(error) => wrong(
            subject,
            format!("{shown} cannot be looked at ({error}); give it to the user that runs the server"),
        ),
        Ok(found) if !found.is_dir() => wrong(
            subject,
            format!("{shown} is not a folder; name another one with `data`"),
        ),
        Ok(found) if is_open(&found) => wrong(
            subject,
            format!("others on this machine can look into {shown}; type: chmod 700 {shown}"),
        ),
        Ok(_) => match tempfile_in(folder) {
            Ok(()) => good(subject, format!("{shown} can be written to, and by nobody else")),
            Err(error) => wrong(
                subject,
                format!(
                    "nothing can be written into {shown} ({error}); give it to the user that runs the server, and look whether the disk is full or read-only"
                ),
            ),
        },
    }
}

/// Makes a file and takes it away again.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

/// Whether others than the owner have any right.
#[cfg(unix)]
fn is_open(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

pub(super) fn secrets(folder: &Path, accounts: Option<u64>) -> Vec<Finding> {
    let subject = "secrets";
    let shown = folder.display();
    let has_accounts = accounts.is_some_and(|accounts| accounts > 0);
    let mut findings = Vec::new();
    match fs::metadata(folder) {
        Err(_) if has_accounts => {
            findings.push(wrong(subject, format!("{shown} is not there, and the passwords of all accounts depend on it: put it back from a backup")));
            return findings;
        }
        Err(_) => {
            findings.push(warning(
                subject,
                format!("{shown} is not there; the first start makes it"),
            ));
            return findings;
        }
        Ok(found) if is_open(&found) => {
            findings.push(wrong(
                subject,
                format!("others on this machine can look into {shown}; type: chmod 700 {shown}"),
            ));
        }
        Ok(_) => {}
    }
    let opaque = folder.join("opaque-setup");
    match fs::read(&opaque) {
        Ok(bytes) if ServerSetup::from_bytes(&bytes).is_ok() => {}
        Ok(_) => findings.push(wrong(
            subject,
            format!(
                "{} does not hold what it should: put it back from a backup",
                opaque.display()
            ),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !has_accounts => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => findings.push(wrong(
            subject,
            format!(
                "{} is missing, and the passwords of all accounts depend on it: put it back from a backup",
                opaque.display()
            ),
        )),
        Err(error) => findings.push(wrong(
            subject,
            format!(
                "{} cannot be read ({error}); give it to the user that runs the server",
                opaque.display()
            ),
        )),
    }
    let names = ["opaque-setup", "token-key", "token-key.previous", "setup-token"];
    for name in names {
        let path = folder.join(name);
        let Ok(found) = fs::metadata(&path) else { continue };
        if is_open(&found) {
            findings.push(wrong(
                subject,
                format!(
                    "others on this machine can read {0}; type: chmod 600 {0}",
                    path.display()
                ),
            ));
        }
        if name.starts_with("token-key") && found.len() != 32 {
            findings.push(wrong(subject, format!("{} has to hold 32 bytes; put it back from a backup, or take it away: then everybody is refreshed or signs in again", path.display())));
        }
    }
    if findings.is_empty() {
        findings.push(good(
            subject,
            format!("{shown} holds what it should, for nobody else to read"),
        ));
    }
    findings
}

#[cfg(unix)]
pub(super) fn disk(folder: &Path) -> Option<Finding> {
    let subject = "disk";
    // The folder, or the one in which it will be made.
    let there = folder
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."));
    let found = match rustix::fs::statvfs(there) {
        Ok(found) => found,
        Err(error) => {
            return Some(warning(
                subject,
                format!(
                    "nothing can be learnt of the disk of {} ({error})",
                    there.display()
                ),
            ));
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let mebibytes = free / 1024 / 1024;
    Some(if free < DISK_OUT {
        wrong(
            subject,
            format!(
                "{mebibytes} MiB are free for {}: messages are refused when it is full. Make room",
                there.display()
            ),
        )
    } else if free < DISK_LOW {
        warning(
            subject,
            format!(
                "{mebibytes} MiB are free for {}; make room in time",
                there.display()
            ),
        )
    } else {
        good(
            subject,
            format!("{mebibytes} MiB are free for {}", there.display()),
        )
    })
}

#[cfg(not(unix))]
pub(super) fn disk(_: &Path) -> Option<Finding> {
    None
}
