//! What the engine relies on: everything that `Reads` and `Applies` promise.

use conclave_client::{Applies as _, Change, Delivery, Loss, MessageBody, MessageRow, Reads, Table};
use conclave_protocol::{EnvelopeId, ErrorCode, RoomId, Timestamp};

use super::{ROOM, file_store, message, own, put, room};
use crate::{Store, StoreError};

/// What the engine sees of a store, and nothing else.
fn engine(store: &Store) -> &impl Reads {
    store
}

/// Runs a part of the contract in both native homes.
fn everywhere(check: impl Fn(&mut Store)) {
    let (_folder, mut store) = file_store();
    check(&mut store);
    check(&mut Store::open_in_memory().unwrap());
}

#[test]
fn a_record_is_found_by_its_table_and_key_until_it_is_deleted() {
    everywhere(|store| {
        for (number, table) in (0_u8..).zip(Table::ALL) {
            store
                .apply(vec![put(table, b"key", &[number]), put(table, b"", &[])])
                .unwrap();
        }
        for (number, table) in (0_u8..).zip(Table::ALL) {
            assert_eq!(
                engine(store)
                    .find_record(table, b"key")
                    .unwrap()
                    .unwrap()
                    .as_slice(),
                [number]
            );
            assert_eq!(
                engine(store).find_record(table, b"").unwrap().unwrap().as_slice(),
                b""
            );
            assert_eq!(engine(store).find_record(table, b"ke").unwrap(), None);
        }
        store.apply(vec![put(Table::Own, b"key", b"new")]).unwrap();
        assert_eq!(
            engine(store)
                .find_record(Table::Own, b"key")
                .unwrap()
                .unwrap()
                .as_slice(),
            b"new"
        );

        let gone = || Change::DeleteRecord {
            table: Table::Own,
            key: b"key".to_vec(),
        };
        store.apply(vec![gone(), gone()]).unwrap();
        assert_eq!(engine(store).find_record(Table::Own, b"key").unwrap(), None);
        assert!(
            engine(store)
                .find_record(Table::Sessions, b"key")
                .unwrap()
                .is_some()
        );
    });
}

#[test]
fn records_are_listed_by_prefix_in_order_up_to_a_limit() {
    everywhere(|store| {
        let keys: [&[u8]; 7] = [b"", b"a", b"a\x00", b"a\xFF", b"a\xFF\xFF", b"b", b"\xFF\xFF"];
        store
            .apply(
                keys.iter()
                    .rev()
                    .map(|key| put(Table::Outbox, key, key))
                    .collect(),
            )
            .unwrap();
        store
            .apply(vec![put(Table::Receipts, b"a", b"another table")])
            .unwrap();

        let list = |prefix: &[u8], limit| -> Vec<Vec<u8>> {
            let rows = engine(store).list_records(Table::Outbox, prefix, limit).unwrap();
            assert!(rows.iter().all(|(key, value)| key == value.as_slice()));
            rows.into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(list(b"", 100), keys);
        assert_eq!(list(b"a", 100), keys[1..5]);
        assert_eq!(list(b"a\xFF", 100), keys[3..5]);
        assert_eq!(list(b"\xFF", 100), keys[6..]);
        assert_eq!(list(b"a", 2), keys[1..3]);
        assert!(list(b"a", 0).is_empty());
        assert!(list(b"c", 100).is_empty());
    });
}

#[test]
fn a_later_change_of_a_list_wins() {
    everywhere(|store| {
        let gone = Change::DeleteRecord {
            table: Table::Own,
            key: b"2".to_vec(),
        };
        let first = vec![put(Table::Own, b"1", b"old"), put(Table::Own, b"1", b"new")];
        let second = vec![put(Table::Own, b"2", b""), gone];
        store.apply(first.into_iter().chain(second).collect()).unwrap();
        assert_eq!(
            engine(store)
                .find_record(Table::Own, b"1")
                .unwrap()
                .unwrap()
                .as_slice(),
            b"new"
        );
        assert_eq!(engine(store).find_record(Table::Own, b"2").unwrap(), None);

        let edited = MessageRow {
            body: MessageBody::Unsupported,
            ..message(1, None)
        };
        store
            .apply(vec![
                Change::PutMessage(message(1, None)),
                Change::PutMessage(edited.clone()),
            ])
            .unwrap();
        assert_eq!(engine(store).find_message(edited.id).unwrap(), Some(edited));
    });
}

#[test]
fn rooms_and_messages_come_back_as_they_were_put() {
    everywhere(|store| {
        for number in [0, 1, u64::MAX >> 1, u64::MAX] {
            let row = room(ROOM, number, number);
            store.apply(vec![Change::PutRoom(row.clone())]).unwrap();
            assert_eq!(engine(store).find_room(ROOM).unwrap(), Some(row));
        }
        assert_eq!(engine(store).find_room(RoomId([8; 32])).unwrap(), None);

        let failures = ErrorCode::ALL.iter().map(|code| Delivery::Failed(*code));
        let deliveries = [
            Delivery::Queued,
            Delivery::Sent,
            Delivery::Delivered,
            Delivery::Read,
            Delivery::Received,
        ];
        for (number, delivery) in (1..).zip(deliveries.into_iter().chain(failures)) {
            let row = own(number, Some(number), delivery);
            store.apply(vec![Change::PutMessage(row.clone())]).unwrap();
            assert_eq!(engine(store).find_message(row.id).unwrap(), Some(row));
        }
        let text = || MessageBody::Text("žluťoučký 🐎\0".into());
        let bodies = [
            text(),
            MessageBody::Unsupported,
            MessageBody::Unopened,
            MessageBody::RestoredHere,
            MessageBody::Lost(Loss::TooOld),
            MessageBody::Lost(Loss::SentHere),
        ];
        for body in bodies {
            let largest = u64::MAX;
            let row = MessageRow {
                body,
                sequence: Some(largest),
                sent_at: Timestamp(largest),
                missing_before: u32::MAX,
                ..message(largest, None)
            };
            store.apply(vec![Change::PutMessage(row.clone())]).unwrap();
            assert_eq!(engine(store).find_message(row.id).unwrap(), Some(row.clone()));
            store
                .apply(vec![Change::DeleteMessage(row.id), Change::DeleteMessage(row.id)])
                .unwrap();
            assert_eq!(engine(store).find_message(row.id).unwrap(), None);
        }
    });
}

#[test]
fn a_room_is_cleared_up_to_a_sequence_and_of_no_other_room_and_of_nothing_that_waits() {
    everywhere(|store| {
        let elsewhere = MessageRow {
            room: RoomId([8; 32]),
            ..message(4, Some(1))
        };
        let rows = [
            message(1, Some(1)),
            message(2, Some(2)),
            message(3, Some(3)),
            elsewhere,
            own(5, None, Delivery::Queued),
        ];
        store
            .apply(rows.iter().cloned().map(Change::PutMessage).collect())
            .unwrap();
        let clears = Change::ClearRoom { room: ROOM, up_to: 2 };
        let again = Change::PutMessage(rows[0].clone());
        store.apply(vec![clears, again]).unwrap();
        let left = rows.map(|row| engine(store).find_message(row.id).unwrap().is_some());
        assert_eq!(left, [true, false, true, true, true]);
    });
}

#[test]
fn own_messages_below_read_are_listed_newest_first() {
    everywhere(|store| {
        let rows = [
            own(1, Some(1), Delivery::Read),
            own(2, Some(2), Delivery::Sent),
            own(3, Some(3), Delivery::Delivered),
            message(4, Some(4)),
            own(5, Some(5), Delivery::Queued),
            own(6, Some(6), Delivery::Failed(ErrorCode::Internal)),
            MessageRow {
                room: RoomId([8; 32]),
                ..own(7, Some(7), Delivery::Sent)
            },
            own(8, Some(8), Delivery::Sent),
            own(9, None, Delivery::Queued),
        ];
        store
            .apply(rows.into_iter().map(Change::PutMessage).collect())
            .unwrap();

        let list = |up_to, limit| -> Vec<u64> {
            let rows = engine(store).list_own_unread(ROOM, up_to, limit).unwrap();
            rows.into_iter().map(|row| row.ordinal).collect()
        };
        assert_eq!(list(u64::MAX, 100), [8, 5, 3, 2]);
        assert_eq!(list(7, 100), [5, 3, 2]);
        assert_eq!(list(3, 1), [3]);
        assert!(list(1, 100).is_empty());
    });
}

#[test]
fn the_last_ordinal_is_the_highest_of_all_rooms() {
    everywhere(|store| {
        assert_eq!(engine(store).last_ordinal().unwrap(), 0);
        let elsewhere = MessageRow {
            room: RoomId([8; 32]),
            ..message(9, None)
        };
        let changes = vec![message(3, Some(3)), elsewhere, message(5, Some(1))];
        store
            .apply(changes.into_iter().map(Change::PutMessage).collect())
            .unwrap();
        assert_eq!(engine(store).last_ordinal().unwrap(), 9);
    });
}

#[test]
fn a_list_that_fails_leaves_nothing_behind() {
    let (_folder, mut store) = file_store();
    store.apply(vec![put(Table::Own, b"kept", b"1")]).unwrap();
    store
        .connection
        .execute_batch(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();

    let changes = vec![
        put(Table::Own, b"new", b"2"),
        Change::DeleteRecord {
            table: Table::Own,
            key: b"kept".to_vec(),
        },
        Change::PutRoom(room(ROOM, 1, 0)),
        Change::PutMessage(message(1, None)),
    ];
    assert!(matches!(store.apply(changes), Err(StoreError::Failed(_))));
    assert_eq!(
        store
            .find_record(Table::Own, b"kept")
            .unwrap()
            .unwrap()
            .as_slice(),
        b"1"
    );
    assert_eq!(engine(&store).find_record(Table::Own, b"new").unwrap(), None);
    assert_eq!(engine(&store).find_room(ROOM).unwrap(), None);
    assert_eq!(engine(&store).find_message(EnvelopeId([0; 16])).unwrap(), None);

    store.connection.execute_batch("DROP TRIGGER refuse").unwrap();
    store.apply(vec![put(Table::Own, b"new", b"2")]).unwrap();
    assert!(engine(&store).find_record(Table::Own, b"new").unwrap().is_some());
}

#[test]
fn a_body_that_only_a_newer_version_knows_is_unsupported() {
    let (_folder, mut store) = file_store();
    store
        .apply(vec![Change::PutMessage(message(1, Some(1)))])
        .unwrap();
    // A variant with a number that was never given out.
    store
        .connection
        .execute("UPDATE messages SET body = x'8218638101'", [])
        .unwrap();
    assert_eq!(
        engine(&store)
            .find_message(message(1, None).id)
            .unwrap()
            .unwrap()
            .body,
        MessageBody::Unsupported
    );
}

#[test]
fn a_wipe_leaves_what_follows_it_and_nothing_else() {
    everywhere(|store| {
        let everything = |store: &mut Store| {
            let mut changes: Vec<Change> = Table::ALL.map(|table| put(table, b"key", b"old")).into();
            changes.push(Change::PutRoom(room(ROOM, 5, 0)));
            changes.push(Change::PutMessage(message(1, Some(1))));
            store.apply(changes).unwrap();
        };
        everything(store);
        store
            .apply(vec![
                put(Table::Own, b"before", b"old"),
                Change::Wipe,
                put(Table::Own, b"after", b"new"),
            ])
            .unwrap();
        for table in Table::ALL {
            let left = engine(store).list_records(table, b"", 100).unwrap();
            let keys: Vec<Vec<u8>> = left.into_iter().map(|(key, _)| key).collect();
            let expected: &[Vec<u8>] = if table == Table::Own {
                &[b"after".to_vec()]
            } else {
                &[]
            };
            assert_eq!(keys, expected);
        }
        assert!(store.list_chats().unwrap().is_empty());
        assert_eq!(engine(store).find_message(message(1, None).id).unwrap(), None);
        everything(store);
        assert_eq!(store.list_chats().unwrap().len(), 1, "it goes on after that");
    });
}

#[cfg(unix)]
#[test]
fn nothing_that_was_wiped_is_left_in_the_file() {
    use std::os::unix::fs::MetadataExt as _;
    let (folder, mut store) = file_store();
    let path = folder.path().join("device.db");
    for number in 0..50_u8 {
        let value = vec![number; 20_000];
        store.apply(vec![put(Table::Own, &[number], &value)]).unwrap();
    }
    store.apply(vec![Change::Wipe]).unwrap();
    let blocks: u64 = ["", "-wal"]
        .iter()
        .filter_map(|end| std::fs::metadata(format!("{}{end}", path.display())).ok())
        .map(|data| data.size())
        .sum();
    assert!(
        blocks < 200_000,
        "a million bytes are not there any more: {blocks}"
    );
    let free: u32 = store
        .connection
        .query_row("PRAGMA freelist_count", [], |row| row.get(0))
        .unwrap();
    assert_eq!(free, 0);
}
