//! Rows that no timeline shows, and what belongs to a message.

use conclave_client::{Act, Annotation, Applies as _, Change, MessageBody, MessageRow, Text, With};
use conclave_protocol::{EnvelopeId, RoomId, Timestamp};

use super::{FRIEND, ROOM, file_store, message};
use crate::Store;

pub(super) fn said(number: u64, target: EnvelopeId, act: Act) -> MessageRow {
    let annotation = Annotation {
        target,
        revision: 0,
        act,
    };
    MessageRow {
        counts: false,
        body: MessageBody::Annotation(annotation),
        ..message(number, Some(number))
    }
}

fn put(store: &mut Store, rows: impl IntoIterator<Item = MessageRow>) {
    store
        .apply(rows.into_iter().map(Change::PutMessage).collect())
        .unwrap();
}

fn with(number: u64, with: With) -> MessageRow {
    MessageRow {
        body: MessageBody::Text(Text {
            text: "hi".into(),
            with,
            expires_at: None,
        }),
        ..message(number, Some(number))
    }
}

fn numbers(rows: &[MessageRow]) -> Vec<u64> {
    rows.iter().map(|row| row.ordinal).collect()
}

#[test]
fn no_timeline_shows_an_annotation_unless_something_is_missing_before_it() {
    let (_folder, mut store) = file_store();
    let target = message(1, None).id;
    let mut gap = said(4, target, Act::Pin(true));
    gap.missing_before = 2;
    let removed = MessageRow {
        body: MessageBody::Removed,
        ..message(3, Some(3))
    };
    put(
        &mut store,
        [
            message(1, Some(1)),
            said(2, target, Act::Pin(true)),
            removed,
            gap.clone(),
        ],
    );
    assert_eq!(numbers(&store.list_messages(ROOM, None, 50).unwrap()), [1, 4]);
    gap.missing_before = 0;
    put(&mut store, [gap]);
    assert_eq!(numbers(&store.list_messages(ROOM, None, 50).unwrap()), [1]);
}

#[test]
fn annotations_are_found_by_their_target_until_they_say_nothing_more() {
    let (_folder, mut store) = file_store();
    let target = message(1, None).id;
    put(
        &mut store,
        [
            said(3, target, Act::Pin(true)),
            said(2, target, Act::Delete),
            message(1, Some(1)),
        ],
    );
    let found = |store: &Store| numbers(&store.list_annotations(target, 10).unwrap());
    assert_eq!(found(&store), [2, 3]);
    assert_eq!(numbers(&store.list_pinned(ROOM).unwrap()), [1]);
    assert_eq!(numbers(&store.list_pinned(RoomId([8; 32])).unwrap()), [0; 0]);
    put(
        &mut store,
        [MessageRow {
            body: MessageBody::Removed,
            ..said(3, target, Act::Pin(true))
        }],
    );
    assert_eq!(found(&store), [2]);
    assert_eq!(store.list_pinned(ROOM).unwrap(), []);
}

#[test]
fn annotations_of_messages_that_are_not_here_are_counted_until_those_come() {
    let (_folder, mut store) = file_store();
    let target = message(9, None).id;
    put(
        &mut store,
        [said(1, target, Act::Pin(true)), said(2, target, Act::Pin(false))],
    );
    assert_eq!(
        store.astray(ROOM, FRIEND).unwrap(),
        (2, Some(message(1, None).id))
    );
    put(&mut store, [message(9, Some(9))]);
    assert_eq!(store.astray(ROOM, FRIEND).unwrap(), (0, None));
    put(&mut store, [said(3, target, Act::Pin(true))]);
    assert_eq!(store.astray(ROOM, FRIEND).unwrap(), (0, None));
}

#[test]
fn a_thread_is_its_root_and_what_hangs_from_it_in_the_same_room() {
    let (_folder, mut store) = file_store();
    let root = message(1, None).id;
    let hangs = || With {
        thread: Some(root),
        ..With::default()
    };
    let elsewhere = MessageRow {
        room: RoomId([8; 32]),
        ..with(5, hangs())
    };
    put(
        &mut store,
        [
            message(1, Some(1)),
            message(2, Some(2)),
            with(3, hangs()),
            with(4, hangs()),
            elsewhere,
        ],
    );
    let last = message(4, None).sent_at;
    assert_eq!(store.thread(ROOM, root).unwrap(), (2, last));
    assert_eq!(numbers(&store.list_thread(root).unwrap()), [1, 3, 4]);
    assert_eq!(
        numbers(&store.list_thread(message(4, None).id).unwrap()),
        [1, 3, 4]
    );
    assert_eq!(store.list_thread(message(77, None).id).unwrap(), []);
}

#[test]
fn what_disappears_is_found_before_its_time_begins_and_when_it_is_over() {
    let (_folder, mut store) = file_store();
    let disappears = With {
        disappears: Some(60),
        ..With::default()
    };
    put(
        &mut store,
        [
            with(1, disappears.clone()),
            with(2, disappears.clone()),
            message(3, Some(3)),
        ],
    );
    assert_eq!(numbers(&store.list_disappearing(ROOM, 1, 10).unwrap()), [1]);
    assert_eq!(store.next_expiry().unwrap(), None);
    let mut begun = with(1, disappears);
    if let MessageBody::Text(text) = &mut begun.body {
        text.expires_at = Some(Timestamp(500));
    }
    put(&mut store, [begun]);
    assert_eq!(numbers(&store.list_disappearing(ROOM, 9, 10).unwrap()), [2]);
    assert_eq!(store.next_expiry().unwrap(), Some(Timestamp(500)));
    assert_eq!(store.list_expired(Timestamp(499), 10).unwrap(), []);
    assert_eq!(numbers(&store.list_expired(Timestamp(500), 10).unwrap()), [1]);
}
