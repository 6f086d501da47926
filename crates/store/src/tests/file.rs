//! What holds for the file: sealed, refused with a wrong key or a newer version, whole when the disk is full.

use std::fs;
use std::path::Path;

use conclave_client::{Applies as _, Change, MessageBody, MessageRow, Table};

use super::{file_store, key, message, put, room};
use crate::schema::VERSION;
use crate::tests::ROOM;
use crate::{Store, StoreError, StoreKey};

#[test]
fn a_store_is_as_it_was_when_it_is_opened_again() {
    let (folder, mut store) = file_store();
    let path = folder.path().join("device.db");
    let changes = vec![
        put(Table::Own, b"k", b"v"),
        Change::PutRoom(room(ROOM, 1, 0)),
        Change::PutMessage(message(1, None)),
    ];
    store.apply(changes).unwrap();
    let chats = store.list_chats().unwrap();

    store.close().unwrap();
    let store = Store::open_native(&path, &key()).unwrap();
    assert_eq!(
        store.find_record(Table::Own, b"k").unwrap().unwrap().as_slice(),
        b"v"
    );
    assert_eq!(store.list_chats().unwrap(), chats);
}

#[test]
fn a_wrong_key_is_refused_and_changes_nothing() {
    let (folder, mut store) = file_store();
    let path = folder.path().join("device.db");
    store.apply(vec![put(Table::Own, b"k", b"v")]).unwrap();
    store.close().unwrap();
    let before = fs::read(&path).unwrap();

    let wrong = StoreKey::from_bytes([43; 32]);
    assert!(matches!(
        Store::open_native(&path, &wrong),
        Err(StoreError::Locked)
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    let store = Store::open_native(&path, &key()).unwrap();
    assert!(store.find_record(Table::Own, b"k").unwrap().is_some());
}

#[test]
fn a_file_that_is_no_store_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    fs::write(&path, "Dear Mia, ".repeat(1000)).unwrap();
    assert!(matches!(
        Store::open_native(&path, &key()),
        Err(StoreError::Locked)
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), "Dear Mia, ".repeat(1000));
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_kept() {
    let (folder, store) = file_store();
    let path = folder.path().join("device.db");
    store
        .connection
        .pragma_update(None, "user_version", VERSION + 1)
        .unwrap();
    store.close().unwrap();
    let before = fs::read(&path).unwrap();

    let newer = StoreError::Newer {
        found: VERSION + 1,
        known: VERSION,
    };
    assert_eq!(Store::open_native(&path, &key()).err(), Some(newer));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_store_has_one_owner() {
    let (folder, mut store) = file_store();
    let path = folder.path().join("device.db");
    assert!(matches!(
        Store::open_native(&path, &key()),
        Err(StoreError::InUse)
    ));
    store.apply(vec![put(Table::Own, b"k", b"v")]).unwrap();
    drop(store);
    Store::open_native(&path, &key()).unwrap();
}

#[test]
fn on_a_full_disk_nothing_is_half_stored_and_it_goes_on_when_there_is_room() {
    let (_folder, mut store) = file_store();
    store.apply(vec![put(Table::Own, b"k", b"before")]).unwrap();
    let pages: u32 = store
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    let set_limit = |store: &Store, pages: u32| {
        store
            .connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
    };
    set_limit(&store, pages + 2);

    let large = || {
        vec![
            put(Table::Own, b"k", b"after"),
            put(Table::Own, b"large", &[1; 100_000]),
        ]
    };
    assert_eq!(store.apply(large()), Err(StoreError::Full));
    assert_eq!(
        store.find_record(Table::Own, b"k").unwrap().unwrap().as_slice(),
        b"before"
    );
    assert_eq!(store.find_record(Table::Own, b"large").unwrap(), None);

    set_limit(&store, u32::MAX - 1);
    store.apply(large()).unwrap();
    assert_eq!(
        store.find_record(Table::Own, b"k").unwrap().unwrap().as_slice(),
        b"after"
    );
}

#[test]
fn nothing_can_be_read_in_the_files_without_the_key() {
    let (folder, mut store) = file_store();
    let words: [&[u8]; 5] = [
        b"attack at dawn",
        b"a secret of ours",
        b"of the table",
        b"miranda",
        b"SQLite",
    ];
    for number in 0..200 {
        let mut chat = room(ROOM, number, 0);
        chat.title = "miranda".to_owned();
        let text = MessageBody::Text("attack at dawn, ".repeat(20).into());
        let changes = vec![
            put(Table::Own, b"of the table", &b"a secret of ours, ".repeat(20)),
            Change::PutRoom(chat),
            Change::PutMessage(MessageRow {
                body: text,
                ..message(number, None)
            }),
        ];
        store.apply(changes).unwrap();
    }
    // Once with the write-ahead log beside it, once after it went into the file.
    assert_absent(folder.path(), &words);
    store.close().unwrap();
    assert_absent(folder.path(), &words);
}

fn assert_absent(folder: &Path, words: &[&[u8]]) {
    let mut total = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        total += bytes.len();
        for word in words {
            let found = bytes.windows(word.len()).any(|window| window == *word);
            assert!(!found, "{} in {}", String::from_utf8_lossy(word), path.display());
        }
    }
    assert!(total > 100_000, "the files were looked into: {total}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, mut store) = file_store();
    store.apply(vec![put(Table::Own, b"k", b"v")]).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        files += 1;
        assert_eq!(
            entry.unwrap().metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    assert_eq!(files, 2, "the file and its log");
}
