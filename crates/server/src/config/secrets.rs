//! The server's secrets: files of their own, because a stolen database alone must not be enough.
//!
//! | file | what it is |
//! |---|---|
//! | `opaque-setup` | OPAQUE seed and key pair; without it no password works |
//! | `token-key` | Ed25519 seed that signs access tokens |
//! | `token-key.previous` | the one before, still accepted; put there by whoever rotates |
//! | `push-key` | P-256 secret that names the server to push services; made anew, devices say again where they are |
//! | `server-key` | Ed25519 seed that signs announcements; clients keep its public half |
//! | `setup-token` | opens the set-up link until the first account exists |

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use conclave_auth::server::ServerSetup;
use conclave_protocol::Token;

use crate::access::AccessKeys;
use crate::error::StartError;
use crate::push::PushKey;
use crate::randomness;

/// What the secret files hold.
pub(crate) struct Secrets {
    pub(crate) opaque: ServerSetup,
    pub(crate) access: AccessKeys,
    pub(crate) push: PushKey,
    pub(crate) setup: Token,
    pub(crate) server_key: [u8; 32],
}

impl Secrets {
    /// Reads the secrets and makes the missing ones. The OPAQUE seed is made only while `fresh` says that no
    /// account exists: a new one would silently make every password wrong.
    pub(crate) fn open(folder: &Path, fresh: bool) -> Result<Self, StartError> {
        make_folder(folder)?;
        let opaque_path = folder.join("opaque-setup");
        let opaque = match read(&opaque_path)? {
            Some(bytes) => {
                ServerSetup::from_bytes(&bytes).map_err(|_| StartError::Secret { path: opaque_path })?
            }
            None if fresh => {
                let made = ServerSetup::generate(&mut randomness::system());
                write(&opaque_path, &made.to_bytes())?;
                made
            }
            None => return Err(StartError::SecretMissing { path: opaque_path }),
        };
        let current = seed(&folder.join("token-key"), randomness::bytes)?;
        let previous = find_seed(&folder.join("token-key.previous"))?;
        let access = AccessKeys::new(&current, previous.as_ref());

        let push_path = folder.join("push-key");
        let push = PushKey::from_bytes(&seed(&push_path, PushKey::generate)?);
        let push = push.ok_or(StartError::Secret { path: push_path })?;
        let server_key = seed(&folder.join("server-key"), randomness::bytes)?;

        let setup_path = folder.join("setup-token");
        let setup = if let Some(bytes) = read(&setup_path)? {
            let text = String::from_utf8(bytes).map_err(|_| StartError::Secret { path: setup_path })?;
            Token(text.trim().to_owned())
        } else {
            let made = randomness::token();
            write(&setup_path, made.as_str().as_bytes())?;
            made
        };
        Ok(Self {
            opaque,
            access,
            push,
            setup,
            server_key,
        })
    }
}

/// A seed of 32 bytes; made when missing.
fn seed(path: &Path, make: impl FnOnce() -> [u8; 32]) -> Result<[u8; 32], StartError> {
    if let Some(found) = find_seed(path)? {
        return Ok(found);
    }
    let made = make();
    write(path, &made)?;
    Ok(made)
}

/// A seed of 32 bytes, where there is one.
fn find_seed(path: &Path) -> Result<Option<[u8; 32]>, StartError> {
    let found = read(path)?.map(<[u8; 32]>::try_from).transpose();
    found.map_err(|_| StartError::Secret {
        path: path.to_owned(),
    })
}

/// Makes a folder that only its owner can look into.
pub(crate) fn make_folder(path: &Path) -> Result<(), StartError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(refused(path))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StartError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(path)(error)),
    }
}

/// Writes a secret whole or not at all, for its owner only.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), StartError> {
    let unfinished = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        // The name has to be on disk too: accounts will depend on this file.
        path.parent()
            .map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    });
    written.map_err(refused(path))
}

fn refused(path: &Path) -> impl Fn(std::io::Error) -> StartError {
    let path: PathBuf = path.to_owned();
    move |error| StartError::File {
        path: path.clone(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_stay_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let one = Secrets::open(&folder.path().join("secrets"), true).unwrap();
        let other = Secrets::open(&folder.path().join("secrets"), false).unwrap();
        assert_eq!(one.setup, other.setup);
        assert_eq!(one.opaque.to_bytes(), other.opaque.to_bytes());
        assert_eq!(one.push.public(), other.push.public());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("secrets");
        Secrets::open(&secrets, true).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&secrets), 0o700);
        for file in fs::read_dir(&secrets).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
    }

    #[test]
    fn a_lost_opaque_seed_is_not_replaced_while_accounts_depend_on_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Secrets::open(folder.path(), false),
            Err(StartError::SecretMissing { .. })
        ));
    }
}
