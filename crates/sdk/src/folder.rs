//! The device's folder: who has it open, the key, the store.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use conclave_client::Failure;
use conclave_store::{Store, StoreKey};
use zeroize::Zeroizing;

use crate::SdkError;
use crate::randomness;

const LOCK: &str = "device.lock";
const KEY: &str = "device.key";
const UNFINISHED_KEY: &str = "device.key.part";
const STORE: &str = "device.db";

/// An open folder. As long as it lives, no other process opens it.
pub(crate) struct Folder {
    _lock: File,
}

impl Folder {
    /// Whether a store was ever made there.
    pub(crate) fn exists(path: &Path) -> bool {
        path.join(STORE).exists()
    }

    /// Opens the folder, or makes it with a new key and an empty store.
    pub(crate) fn open(path: &Path) -> Result<(Self, Store), SdkError> {
        make_private_folder(path).map_err(SdkError::Folder)?;
        let folder = Self {
            _lock: lock(&path.join(LOCK))?,
        };
        let key = find_or_make_key(path)?;
        let store = Store::open_native(&path.join(STORE), &key)?;
        Ok((folder, store))
    }
}

fn lock(path: &Path) -> Result<File, SdkError> {
    let file = private()
        .append(true)
        .create(true)
        .open(path)
        .map_err(SdkError::Folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SdkError::InUse),
        Err(TryLockError::Error(error)) => Err(SdkError::Folder(error)),
    }
}

fn find_or_make_key(folder: &Path) -> Result<StoreKey, SdkError> {
    match read_key(&folder.join(KEY)) {
        Ok(Some(key)) => Ok(key),
        // Not a key. What it once opened cannot be opened any more; a new key would not help.
        Ok(None) => Err(Failure::storage_locked().into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if Folder::exists(folder) {
                return Err(Failure::storage_locked().into());
            }
            make_key(folder).map_err(SdkError::Folder)
        }
        Err(error) => Err(SdkError::Folder(error)),
    }
}

fn read_key(path: &Path) -> io::Result<Option<StoreKey>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    File::open(path)?.take(33).read_to_end(&mut bytes)?;
    let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) else {
        return Ok(None);
    };
    let key = Zeroizing::new(key);
    Ok(Some(StoreKey::from_bytes(*key)))
}

/// The key is whole on disk before it has its name, and has its name before a store is made with it.
fn make_key(folder: &Path) -> io::Result<StoreKey> {
    let unfinished = folder.join(UNFINISHED_KEY);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let key = randomness::key();
    let mut file = private().write(true).create_new(true).open(&unfinished)?;
    file.write_all(&*key)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(KEY))?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(StoreKey::from_bytes(*key))
}

/// For a file that only its owner reads.
fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<(Folder, Store), SdkError>) -> Option<String> {
        result.err().and_then(|error| error.code().map(str::to_owned))
    }

    #[test]
    fn a_folder_is_made_and_opened_again_with_the_same_key() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new").join("device");
        drop(Folder::open(&path).unwrap());
        let key = fs::read(path.join(KEY)).unwrap();
        assert_eq!(key.len(), 32);
        drop(Folder::open(&path).unwrap());
        assert_eq!(fs::read(path.join(KEY)).unwrap(), key);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_the_folder() {
        use std::os::unix::fs::PermissionsExt as _;

        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("device");
        let _open = Folder::open(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        for name in [LOCK, KEY, STORE] {
            assert_eq!(mode(&path.join(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn two_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::open(folder.path()).unwrap();
        assert!(matches!(Folder::open(folder.path()), Err(SdkError::InUse)));
        drop(first);
        assert!(Folder::open(folder.path()).is_ok());
    }

    #[test]
    fn a_key_that_was_not_finished_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(UNFINISHED_KEY), b"half").unwrap();
        assert!(Folder::open(folder.path()).is_ok());
        assert!(!folder.path().join(UNFINISHED_KEY).exists());
    }

    #[test]
    fn a_lost_short_or_foreign_key_opens_nothing_and_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (open, store) = Folder::open(folder.path()).unwrap();
        store.close().unwrap();
        drop(open);
        let key = folder.path().join(KEY);
        for wrong in [&[1_u8; 31][..], &[1; 33], &[1; 32]] {
            fs::write(&key, wrong).unwrap();
            assert_eq!(code(Folder::open(folder.path())), Some("storage_locked".into()));
            assert_eq!(fs::read(&key).unwrap(), wrong);
        }
        fs::remove_file(&key).unwrap();
        assert_eq!(code(Folder::open(folder.path())), Some("storage_locked".into()));
        assert!(!key.exists());
    }
}
