//! Pages of a timeline and the list of chats.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use conclave_client::views::Position;
use conclave_client::{Act, Applies as _, Change, Engine, MessageBody, MessageRow};
use conclave_protocol::{RoomId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{ROOM, file_store, message, own, room};
use crate::Store;

const OTHER_ROOM: RoomId = RoomId([8; 32]);

fn position(row: &MessageRow) -> Position {
    Position {
        sequence: row.sequence,
        ordinal: row.ordinal,
    }
}

/// The order that pages promise.
fn place(row: &MessageRow) -> (bool, Option<u64>, u64) {
    (row.sequence.is_none(), row.sequence, row.ordinal)
}

fn rows_elsewhere(store: &Store) -> Vec<MessageRow> {
    store.list_messages(OTHER_ROOM, None, 100).unwrap()
}

fn sequences() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        Just(None),
        (0..20_u64).prop_map(Some),
        (u64::MAX - 3..=u64::MAX).prop_map(Some)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_the_timeline_cut_into_pieces(rows in vec((sequences(), any::<bool>()), 0..60), limit in 1..9_u32) {
        let mut store = Store::open_in_memory().unwrap();
        let rows = (1..).zip(rows).map(|(number, (sequence, here))| {
            let room = if here { ROOM } else { OTHER_ROOM };
            MessageRow { room, ..message(number, sequence) }
        });
        let rows: Vec<_> = rows.collect();
        store.apply(rows.iter().cloned().map(Change::PutMessage).collect()).unwrap();

        let mut expected: Vec<_> = rows.into_iter().filter(|row| row.room == ROOM).collect();
        expected.sort_by_key(place);
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page = store.list_messages(ROOM, before, limit).unwrap();
            let Some(first) = page.first() else { break };
            prop_assert!(page.len() <= limit as usize);
            before = Some(position(first));
            pages.splice(0..0, page);
        }
        prop_assert_eq!(&pages, &expected);

        // From the front, page by page.
        let mut forward: Vec<MessageRow> = expected.iter().take(1).cloned().collect();
        while let Some(last) = forward.last() {
            let page = store.list_messages_after(ROOM, position(last), limit).unwrap();
            prop_assert!(page.len() <= limit as usize);
            if page.is_empty() { break }
            forward.extend(page);
        }
        prop_assert_eq!(&forward, &expected);

        // From each message on both sides.
        for (at, row) in expected.iter().enumerate() {
            let around = store.list_messages_around(ROOM, row.id, limit).unwrap().unwrap();
            let (each, end) = (limit as usize, expected.len());
            prop_assert_eq!(&around, &expected[at.saturating_sub(each)..(at + each + 1).min(end)]);
        }
        let elsewhere = rows_elsewhere(&store);
        prop_assert!(elsewhere.iter().all(|row| store.list_messages_around(ROOM, row.id, limit).unwrap().is_none()));
    }

    #[test]
    fn the_list_of_chats_tells_the_newest_message_and_the_unread_ones(
        messages in vec((0..4_u8, sequences(), any::<bool>(), any::<bool>()), 0..60),
        chats in vec((0..5_u64, 0..25_u64), 4),
    ) {
        let mut store = Store::open_in_memory().unwrap();
        let messages = (1..).zip(messages).map(|(number, (room, sequence, mine, counts))| {
            MessageRow { room: RoomId([room; 32]), mine, counts, ..message(number, sequence) }
        });
        let messages: Vec<_> = messages.collect();
        let chats = (0_u8..).zip(chats).map(|(id, (active_at, read))| room(RoomId([id; 32]), active_at, read));
        let mut chats: Vec<_> = chats.collect();
        let changes = chats.iter().cloned().map(Change::PutRoom);
        store.apply(changes.chain(messages.iter().cloned().map(Change::PutMessage)).collect()).unwrap();

        chats.sort_by_key(|room| (Reverse(room.active_at), room.room));
        let expected: Vec<_> = chats.into_iter().map(|room| {
            let inside = || messages.iter().filter(|row| row.room == room.room);
            let last = inside().max_by_key(|row| place(row)).cloned();
            let is_unread = |row: &&MessageRow| !row.mine && row.counts && row.sequence > Some(room.read_up_to);
            let unread = u32::try_from(inside().filter(is_unread).count()).unwrap();
            (room, last, unread)
        }).collect();
        prop_assert_eq!(store.list_chats().unwrap(), expected);
    }
}

#[test]
fn a_message_moves_to_its_place_when_the_server_names_it() {
    let mut store = Store::open_in_memory().unwrap();
    let sent = conclave_client::Delivery::Sent;
    let rows = [
        message(1, Some(1)),
        own(2, None, sent),
        own(3, None, sent),
        message(4, Some(2)),
    ];
    store
        .apply(rows.into_iter().map(Change::PutMessage).collect())
        .unwrap();
    let order = |store: &Store| -> Vec<u64> {
        store
            .list_messages(ROOM, None, 50)
            .unwrap()
            .into_iter()
            .map(|row| row.ordinal)
            .collect()
    };
    assert_eq!(order(&store), [1, 4, 2, 3]);
    store
        .apply(vec![Change::PutMessage(own(2, Some(3), sent))])
        .unwrap();
    assert_eq!(order(&store), [1, 4, 2, 3]);
    store
        .apply(vec![Change::PutMessage(message(5, Some(4)))])
        .unwrap();
    assert_eq!(order(&store), [1, 4, 2, 5, 3]);
}

#[test]
fn every_query_of_a_front_end_goes_by_an_index() {
    let (_folder, store) = file_store();
    store.list_chats().unwrap();
    let plan = |statement: &str| -> String {
        let mut statement = store
            .connection
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap();
        // Unbound parameters are null; the plan is the same.
        let steps = statement
            .raw_query()
            .mapped(|row| row.get::<_, String>(3))
            .collect::<Result<Vec<_>, _>>();
        steps.unwrap().join("; ")
    };
    let expected = BTreeMap::from([
        (
            "SELECT * FROM messages WHERE room = ?1 AND sequence IS NOT NULL AND shown = 1
                 AND (sequence, ordinal) < (?2, ?3)
             ORDER BY sequence DESC, ordinal DESC LIMIT ?4",
            "messages_placed",
        ),
        (
            "SELECT * FROM messages WHERE room = ?1 AND sequence IS NULL AND shown = 1
                 AND (?2 IS NULL OR ordinal < ?2)
             ORDER BY ordinal DESC LIMIT ?3",
            "messages_waiting",
        ),
        (
            "SELECT * FROM messages WHERE room = ?1 AND sequence IS NOT NULL AND shown = 1 AND (sequence, ordinal) > (?2, ?3)
             ORDER BY sequence, ordinal LIMIT ?4",
            "messages_placed",
        ),
        (
            "SELECT * FROM messages WHERE room = ?1 AND sequence IS NULL AND shown = 1 AND (?2 IS NULL OR ordinal > ?2)
             ORDER BY ordinal LIMIT ?3",
            "messages_waiting",
        ),
        (
            "SELECT count(*) FROM messages
             WHERE room = ?1 AND sequence > ?2 AND mine = 0 AND counts = 1 AND sequence IS NOT NULL",
            "COVERING INDEX messages_unread",
        ),
        (
            "SELECT * FROM messages
             WHERE room = ?1 AND sequence <= ?2 AND mine = 1 AND delivery < 3 AND sequence IS NOT NULL
                 AND shown = 1 ORDER BY sequence DESC LIMIT ?3",
            "messages_not_read",
        ),
        ("SELECT max(ordinal) FROM messages", "messages_ordinal"),
        (
            "SELECT * FROM messages WHERE target = ?1 AND target IS NOT NULL ORDER BY id LIMIT ?2",
            "messages_target",
        ),
        (
            "SELECT count(*), min(id) FROM messages WHERE room = ?1 AND author = ?2 AND astray = 1",
            "COVERING INDEX messages_astray",
        ),
        (
            "SELECT count(*), max(sent_at) FROM messages WHERE thread = ?1 AND room = ?2 AND thread IS NOT NULL",
            "COVERING INDEX messages_thread",
        ),
        (
            "SELECT * FROM messages WHERE room = ?1 AND sequence <= ?2 AND disappears = 1 AND mine = 0
             ORDER BY sequence LIMIT ?3",
            "messages_disappear",
        ),
        (
            "SELECT * FROM messages WHERE expires_at <= ?1 AND expires_at IS NOT NULL
             ORDER BY expires_at LIMIT ?2",
            "messages_expire",
        ),
        (
            "UPDATE messages SET astray = 0 WHERE target = ?1 AND astray = 1",
            "messages_target",
        ),
    ]);
    for (statement, index) in expected {
        let plan = plan(statement);
        assert!(
            plan.contains(index) && !plan.contains("TEMP B-TREE"),
            "{statement}: {plan}"
        );
    }
}

/// `cargo test -p conclave-store --release -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn a_hundred_thousand_messages() {
    let (_folder, mut store) = file_store();
    let timed = |what: &str, work: &mut dyn FnMut()| -> Duration {
        let start = std::time::Instant::now();
        work();
        println!("{what}: {:?}", start.elapsed());
        start.elapsed()
    };
    timed("storing", &mut || {
        for chunk in 0..1000_u64 {
            let rows = (chunk * 100..chunk * 100 + 100).map(|number| {
                let body =
                    MessageBody::Text("a message of the usual length, give or take a few words".into());
                let number_of_room = if number % 2 == 0 {
                    0
                } else {
                    number.to_le_bytes()[0]
                };
                let room = RoomId([number_of_room; 32]);
                Change::PutMessage(MessageRow {
                    room,
                    body,
                    ..message(number, Some(number))
                })
            });
            store.apply(rows.collect()).unwrap();
        }
    });
    timed("storing 20,000 reactions", &mut || {
        for chunk in 0..200_u64 {
            let rows = (chunk * 100..chunk * 100 + 100).map(|number| {
                let target = message(number * 4, None).id;
                Change::PutMessage(super::annotations::said(
                    1_000_000 + number,
                    target,
                    Act::React("👍".into(), true),
                ))
            });
            store.apply(rows.collect()).unwrap();
        }
    });
    for id in 0..=255_u8 {
        store
            .apply(vec![Change::PutRoom(room(
                RoomId([id; 32]),
                u64::from(id),
                99_000,
            ))])
            .unwrap();
    }
    let big = RoomId([0; 32]);
    timed("newest page", &mut || {
        assert_eq!(store.list_messages(big, None, 50).unwrap().len(), 50);
    });
    timed("newest page, shown", &mut || {
        let rows = store.list_messages(big, None, 50).unwrap();
        let engine = Engine::new(true);
        let now = Timestamp(1_800_000_000_000);
        assert_eq!(engine.show_messages(&store, &rows, now).unwrap().len(), 50);
    });
    let middle = Some(Position {
        sequence: Some(50_000),
        ordinal: 50_000,
    });
    timed("page in the middle, shown", &mut || {
        let rows = store.list_messages(big, middle, 50).unwrap();
        let engine = Engine::new(true);
        let now = Timestamp(1_800_000_000_000);
        assert_eq!(engine.show_messages(&store, &rows, now).unwrap().len(), 50);
    });
    timed("page in the middle", &mut || {
        assert_eq!(store.list_messages(big, middle, 50).unwrap().len(), 50);
    });
    timed("list of chats", &mut || {
        assert_eq!(store.list_chats().unwrap().len(), 256);
    });
    timed("list of chats again", &mut || {
        assert_eq!(store.list_chats().unwrap().len(), 256);
    });
}
