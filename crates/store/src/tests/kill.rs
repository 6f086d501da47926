//! A store whose process is killed holds what was acknowledged, whole, and nothing of what was not.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use conclave_client::{Applies as _, Table};
use rusqlite::{Transaction, TransactionBehavior};

use super::{key, put};
use crate::Store;

/// Set for a child process: what it does and in which file.
const TASK: &str = "CONCLAVE_STORE_TASK";
const PATH: &str = "CONCLAVE_STORE_PATH";
/// Records of one transaction; all carry the transaction's number.
const RECORDS: u8 = 20;

#[test]
fn killed_at_any_moment_it_keeps_whole_transactions_and_every_acknowledged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    for round in 0..10_u64 {
        let before = count(&path);
        let mut child = start("write", &path);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged = |line: String| line.strip_prefix("stored ").and_then(|n| n.parse::<u64>().ok());
        let mut stored = lines.map_while(Result::ok).filter_map(acknowledged);
        // Another moment in each round.
        let mut last = stored.by_ref().nth(usize::try_from(round * 3).unwrap()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        last = stored.last().unwrap_or(last);

        let after = count(&path);
        assert!(last > before);
        assert!(
            after == last || after == last + 1,
            "acknowledged {last}, stored {after}"
        );
    }
}

#[test]
fn killed_in_a_transaction_it_keeps_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut store = Store::open_native(&path, &key()).unwrap();
    store.apply(transaction(1)).unwrap();
    store.close().unwrap();

    assert!(!start("abort", &path).wait().unwrap().success());
    assert_eq!(count(&path), 1);
}

/// Not a test: what the child processes of the tests above run.
#[test]
fn child() {
    let (Ok(task), Some(path)) = (env::var(TASK), env::var_os(PATH)) else {
        return;
    };
    let mut store = Store::open_native(Path::new(&path), &key()).unwrap();
    let first = find_number(&store) + 1;
    if task == "abort" {
        let open = Transaction::new_unchecked(&store.connection, TransactionBehavior::Immediate).unwrap();
        // Enough to spill from the cache into the log.
        let value = vec![9; 400_000];
        for record in 0..RECORDS {
            store.upsert_record(Table::Own, &[record], &value).unwrap();
        }
        std::mem::forget(open);
        std::process::abort();
    }
    let mut out = std::io::stdout();
    for number in first.. {
        store.apply(transaction(number)).unwrap();
        if writeln!(out, "stored {number}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
    }
}

fn start(task: &str, path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "tests::kill::child", "--nocapture"])
        .env(TASK, task)
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn transaction(number: u64) -> Vec<conclave_client::Change> {
    (0..RECORDS)
        .map(|record| put(Table::Own, &[record], &number.to_be_bytes().repeat(100)))
        .collect()
}

/// The number of the last transaction, after a look whether it is there whole.
fn count(path: &Path) -> u64 {
    let store = Store::open_native(path, &key()).unwrap();
    let number = find_number(&store);
    for (_, value) in store.list_records(Table::Own, b"", 100).unwrap() {
        assert_eq!(value.as_slice(), number.to_be_bytes().repeat(100));
    }
    let check: String = store
        .connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    number
}

fn find_number(store: &Store) -> u64 {
    let record = store.find_record(Table::Own, &[0]).unwrap();
    record.map_or(0, |value| u64::from_be_bytes(value[..8].try_into().unwrap()))
}
