//! The store's contract, on files and in memory, and what its files survive.

mod annotations;
mod contract;
mod file;
mod kill;
mod pages;
mod search;

use conclave_client::{Change, Delivery, MessageBody, MessageRow, RoomKind, RoomRow, Table};
use conclave_protocol::{AccountId, DeviceId, EnvelopeId, RoomId, Timestamp};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::{Store, StoreKey};

const ROOM: RoomId = RoomId([7; 32]);
const FRIEND: AccountId = AccountId([2; 32]);

fn key() -> StoreKey {
    StoreKey::from_bytes([42; 32])
}

/// A store in a file that goes with the folder.
fn file_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_native(&folder.path().join("device.db"), &key()).unwrap();
    (folder, store)
}

fn put(table: Table, key: &[u8], value: &[u8]) -> Change {
    Change::PutRecord {
        table,
        key: key.to_vec(),
        value: Zeroizing::new(value.to_vec()),
    }
}

fn room(room: RoomId, active_at: u64, read_up_to: u64) -> RoomRow {
    let username = "mia".to_owned();
    RoomRow {
        room,
        kind: RoomKind::Direct {
            peer: FRIEND,
            username: username.clone(),
        },
        title: username,
        active_at: Timestamp(active_at),
        read_up_to,
    }
}

fn message(number: u64, sequence: Option<u64>) -> MessageRow {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    MessageRow {
        id: EnvelopeId(id),
        room: ROOM,
        sequence,
        ordinal: number,
        author: FRIEND,
        device: DeviceId(3),
        mine: false,
        sent_at: Timestamp(1_700_000_000_000 + number % 1_000_000),
        counts: true,
        delivery: Delivery::Received,
        missing_before: 0,
        body: MessageBody::Text(format!("message {number}").into()),
    }
}

fn own(number: u64, sequence: Option<u64>, delivery: Delivery) -> MessageRow {
    MessageRow {
        mine: true,
        counts: false,
        delivery,
        ..message(number, sequence)
    }
}
