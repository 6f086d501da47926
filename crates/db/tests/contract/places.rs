//! Places: their chains, and what is found by account and by room.

use conclave_db::{
    Appended, EntryStored, NewEntry, NewPlaceEntry, NewPost, PlaceEntryStored, PlaceRoom, PlaceSnapshot,
    PlaceStanding, PlaceState,
};
use conclave_protocol::limits::PLACES_MAX;
use conclave_protocol::places::PlaceFound;
use conclave_protocol::{Bytes, DeviceId, PlaceId, RoomId};
use futures_util::future::{join, join_all};

use crate::group::{PLACE, entry, first, group, post};
use crate::posts::{send, stored};
use crate::support::Stage;
use crate::support::people::{NOW, account, join as people_join};

on_both_engines! {
    a_place_begins_with_its_first_entry_and_the_same_one_again_changes_nothing
    entries_follow_one_another_and_others_are_refused_without_effect
    of_a_hundred_entries_for_one_sequence_one_is_stored
    an_entry_that_was_judged_by_an_older_account_chain_is_not_stored
    a_chain_is_read_in_pages_of_entries_and_bytes
    who_is_in_and_who_waits_is_found_by_account
    nobody_is_in_more_places_than_an_account_may_be
    a_newer_snapshot_takes_the_place_of_an_older_one_and_never_the_other_way_round
    rooms_are_found_until_their_channel_is_deleted
    a_device_that_an_account_loses_is_owed_in_its_places_and_moves_their_revisions
    a_revocation_and_an_entry_at_once_leave_nobody_unnoticed
}

fn found(head: u32, member: bool) -> PlaceFound {
    PlaceFound {
        place: PLACE,
        head,
        member,
    }
}

fn account_entry(number: u8, sequence: u32, revokes: &[u32]) -> NewEntry {
    NewEntry {
        account: account(number),
        sequence,
        bytes: vec![1; 100],
        adds: revokes.is_empty(),
        revokes: revokes.iter().copied().map(DeviceId).collect(),
        recovery: None,
        closes: false,
        password: None,
        now: NOW,
    }
}

async fn a_place_begins_with_its_first_entry_and_the_same_one_again_changes_nothing(stage: Stage) {
    people_join(&stage, [1]).await;
    assert_eq!(stage.find_place(PLACE).await.unwrap(), None);
    let made = first(PLACE, &[account(1)]);
    for expected in [PlaceEntryStored::Done(1), PlaceEntryStored::Already] {
        assert_eq!(stage.append_place_entry(&made).await.unwrap(), expected);
    }
    let state = PlaceState { head: 0, revision: 1 };
    assert_eq!(stage.find_place(PLACE).await.unwrap(), Some(state));
    assert_eq!(stage.list_places(account(1)).await.unwrap(), [found(0, true)]);
}

async fn entries_follow_one_another_and_others_are_refused_without_effect(stage: Stage) {
    group(&stage, [1]).await;
    let of_nowhere = NewPlaceEntry {
        place: PlaceId([8; 32]),
        ..entry(1)
    };
    let other = NewPlaceEntry {
        bytes: vec![9],
        standings: vec![(account(1), PlaceStanding::Stranger)],
        ..entry(0)
    };
    for refused in [of_nowhere, other, entry(2)] {
        assert_eq!(
            stage.append_place_entry(&refused).await.unwrap(),
            PlaceEntryStored::Moved
        );
    }
    for expected in [PlaceEntryStored::Done(2), PlaceEntryStored::Already] {
        assert_eq!(stage.append_place_entry(&entry(1)).await.unwrap(), expected);
    }
    assert_eq!(stage.list_places(account(1)).await.unwrap(), [found(1, true)]);
}

async fn of_a_hundred_entries_for_one_sequence_one_is_stored(stage: Stage) {
    group(&stage, [1]).await;
    let node = stage.second_node().await;
    let entries = (0..100_u8).map(|number| {
        let db = if number % 2 == 0 {
            stage.db.clone()
        } else {
            node.clone()
        };
        let entry = NewPlaceEntry {
            bytes: vec![number; 100],
            standings: vec![(account(100 + number), PlaceStanding::Member)],
            ..entry(1)
        };
        async move { db.append_place_entry(&entry).await.unwrap() }
    });
    let outcomes = join_all(entries).await;
    let count = |what| outcomes.iter().filter(|outcome| **outcome == what).count();
    assert_eq!(
        (count(PlaceEntryStored::Done(2)), count(PlaceEntryStored::Moved)),
        (1, 99)
    );
    assert_eq!(stage.number("SELECT count(*) FROM place_members").await, 2);
    node.close().await;
}

async fn an_entry_that_was_judged_by_an_older_account_chain_is_not_stored(stage: Stage) {
    people_join(&stage, [1, 2]).await;
    stage
        .append_place_entry(&first(PLACE, &[account(1)]))
        .await
        .unwrap();
    let judged = |number, head| NewPlaceEntry {
        judged_by: vec![(account(number), head), (account(1), 0)],
        ..entry(1)
    };
    stage.append_entry(&account_entry(2, 1, &[])).await.unwrap();
    // By a chain as it was, as it is not yet, and of nobody.
    for wrong in [judged(2, 0), judged(2, 2), judged(9, 0)] {
        assert_eq!(
            stage.append_place_entry(&wrong).await.unwrap(),
            PlaceEntryStored::JudgedByOthers
        );
    }
    assert_eq!(
        stage.append_place_entry(&judged(2, 1)).await.unwrap(),
        PlaceEntryStored::Done(2)
    );
}

async fn a_chain_is_read_in_pages_of_entries_and_bytes(stage: Stage) {
    group(&stage, [1]).await;
    for sequence in 1..10 {
        stage.append_place_entry(&entry(sequence)).await.unwrap();
    }
    let page = |after, limit, bytes| stage.list_place_entries(PLACE, after, None, limit, bytes);
    let all = page(None, 100, 10_000).await.unwrap();
    let expected: Vec<Bytes> = (0..10).map(|sequence| Bytes(entry(sequence).bytes)).collect();
    assert_eq!(all, expected);
    assert_eq!(page(Some(3), 100, 10_000).await.unwrap(), all[4..]);
    assert_eq!(page(Some(3), 2, 10_000).await.unwrap(), all[4..6]);
    assert_eq!(page(None, 100, 650).await.unwrap(), all[..3]);
    assert_eq!(page(None, 100, 1).await.unwrap(), all[..1]);
    assert_eq!(page(Some(9), 100, 10_000).await.unwrap(), Vec::<Bytes>::new());
    let until = |until| stage.list_place_entries(PLACE, Some(3), Some(until), 100, 10_000);
    assert_eq!(until(5).await.unwrap(), all[4..6]);
    assert_eq!(until(3).await.unwrap(), Vec::<Bytes>::new());
}

async fn who_is_in_and_who_waits_is_found_by_account(stage: Stage) {
    group(&stage, [1]).await;
    let stand = |number, standing| NewPlaceEntry {
        standings: vec![(account(2), standing)],
        ..entry(number)
    };
    assert_eq!(
        stage.place_standing(PLACE, account(2)).await.unwrap(),
        PlaceStanding::Stranger
    );
    let steps = [
        (PlaceStanding::Waiting, vec![found(1, false)]),
        (PlaceStanding::Member, vec![found(2, true)]),
        (PlaceStanding::Stranger, Vec::new()),
    ];
    for (number, (standing, places)) in (1..).zip(steps) {
        stage.append_place_entry(&stand(number, standing)).await.unwrap();
        assert_eq!(stage.place_standing(PLACE, account(2)).await.unwrap(), standing);
        assert_eq!(stage.list_places(account(2)).await.unwrap(), places);
        let departed = (standing == PlaceStanding::Stranger).then_some(number);
        assert_eq!(stage.place_departure(PLACE, account(2)).await.unwrap(), departed);
    }
    stage
        .append_place_entry(&stand(4, PlaceStanding::Member))
        .await
        .unwrap();
    assert_eq!(stage.place_departure(PLACE, account(2)).await.unwrap(), None);
    let nowhere = stage.place_standing(PlaceId([8; 32]), account(1)).await.unwrap();
    assert_eq!(nowhere, PlaceStanding::Stranger);
}

async fn nobody_is_in_more_places_than_an_account_may_be(stage: Stage) {
    group(&stage, [1]).await;
    let mia = stage.literal(&account(1).0);
    let rows: Vec<String> = (1..PLACES_MAX)
        .map(|number| {
            let place = stage.literal(&[[9; 28].as_slice(), &number.to_be_bytes()].concat());
            format!("({mia}, {place}, TRUE)")
        })
        .collect();
    let rows = rows.join(", ");
    stage
        .execute(&format!(
            "INSERT INTO place_members (account, place, member) VALUES {rows}"
        ))
        .await;
    let other = first(PlaceId([8; 32]), &[account(1)]);
    assert_eq!(
        stage.append_place_entry(&other).await.unwrap(),
        PlaceEntryStored::TooMany
    );
    assert_eq!(stage.find_place(PlaceId([8; 32])).await.unwrap(), None);
    // Where somebody is in already they stay.
    let again = NewPlaceEntry {
        standings: vec![(account(1), PlaceStanding::Member)],
        ..entry(1)
    };
    assert_eq!(
        stage.append_place_entry(&again).await.unwrap(),
        PlaceEntryStored::Done(2)
    );
}

async fn a_newer_snapshot_takes_the_place_of_an_older_one_and_never_the_other_way_round(stage: Stage) {
    let snapshot = |sequence| PlaceSnapshot {
        sequence,
        bytes: vec![u8::try_from(sequence).unwrap(); 3_000],
    };
    assert_eq!(stage.find_place_snapshot(PLACE).await.unwrap(), None);
    for (put, kept) in [(5, 5), (3, 5), (9, 9)] {
        stage.upsert_place_snapshot(PLACE, &snapshot(put)).await.unwrap();
        assert_eq!(
            stage.find_place_snapshot(PLACE).await.unwrap(),
            Some(snapshot(kept))
        );
    }
    stage.delete_place_snapshot(PLACE).await.unwrap();
    assert_eq!(stage.find_place_snapshot(PLACE).await.unwrap(), None);
}

async fn rooms_are_found_until_their_channel_is_deleted(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let channel = RoomId([5; 32]);
    let opens = NewPlaceEntry {
        opens: vec![(channel, Some(1))],
        ..entry(1)
    };
    stage.append_place_entry(&opens).await.unwrap();
    let room = PlaceRoom {
        id: channel,
        place: PLACE,
        channel: Some(1),
        head: 0,
    };
    assert_eq!(stage.find_place_room(channel).await.unwrap(), Some(room));
    assert!(stage.list_place_rooms(account(1)).await.unwrap().is_empty());
    let sent = |revision, number| NewPost {
        room: channel,
        revision,
        ..post(mia, number)
    };
    assert_eq!(send(&stage, sent(2, 1)).await, stored(1));
    let written = PlaceRoom { head: 1, ..room };
    assert_eq!(stage.list_place_rooms(account(1)).await.unwrap(), [written]);
    assert!(stage.list_place_rooms(account(2)).await.unwrap().is_empty());
    let ends = NewPlaceEntry {
        ends: vec![channel],
        ..entry(2)
    };
    stage.append_place_entry(&ends).await.unwrap();
    assert_eq!(stage.find_place_room(channel).await.unwrap(), None);
    assert!(stage.list_place_rooms(account(1)).await.unwrap().is_empty());
    assert_eq!(send(&stage, sent(3, 2)).await, Appended::UnknownRoom);
}

async fn a_device_that_an_account_loses_is_owed_in_its_places_and_moves_their_revisions(stage: Stage) {
    group(&stage, [1, 2, 3]).await;
    let waits = NewPlaceEntry {
        standings: vec![(account(3), PlaceStanding::Waiting)],
        ..entry(1)
    };
    stage.append_place_entry(&waits).await.unwrap();
    for number in [1, 3] {
        stage.append_entry(&account_entry(number, 1, &[])).await.unwrap();
    }
    assert!(stage.list_owed(PLACE).await.unwrap().is_empty());
    let revision = |revision| PlaceState { head: 1, revision };
    assert_eq!(stage.find_place(PLACE).await.unwrap(), Some(revision(2)));
    for number in [1, 3] {
        stage.append_entry(&account_entry(number, 2, &[1])).await.unwrap();
    }
    assert_eq!(stage.find_place(PLACE).await.unwrap(), Some(revision(3)));
    assert_eq!(stage.list_owed(PLACE).await.unwrap(), [(account(1), 2)]);

    let observed = NewPlaceEntry {
        settles: vec![account(1)],
        owes: vec![(account(2), 7)],
        ..entry(2)
    };
    stage.append_place_entry(&observed).await.unwrap();
    assert_eq!(stage.list_owed(PLACE).await.unwrap(), [(account(2), 7)]);
}

async fn a_revocation_and_an_entry_at_once_leave_nobody_unnoticed(stage: Stage) {
    people_join(&stage, [1, 2]).await;
    stage.append_entry(&account_entry(2, 1, &[])).await.unwrap();
    let node = stage.second_node().await;
    // Somebody joins ten places by the chain that their account has before, while they take a device out.
    let places: Vec<PlaceId> = (0..10).map(|number| PlaceId([100 + number; 32])).collect();
    for place in &places {
        stage
            .append_place_entry(&first(*place, &[account(1)]))
            .await
            .unwrap();
    }
    let joins = places.iter().map(|place| {
        let join = NewPlaceEntry {
            place: *place,
            judged_by: vec![(account(2), 1)],
            standings: vec![(account(2), PlaceStanding::Member)],
            ..entry(1)
        };
        let db = node.clone();
        async move { db.append_place_entry(&join).await.unwrap() }
    });
    let revoke = account_entry(2, 2, &[1]);
    let (revoked, joined) = join(stage.append_entry(&revoke), join_all(joins)).await;
    assert!(matches!(revoked.unwrap(), EntryStored::Done(_)));
    for (place, outcome) in places.iter().zip(joined) {
        let owed = stage.list_owed(*place).await.unwrap();
        match outcome {
            PlaceEntryStored::Done(_) => assert_eq!(owed, [(account(2), 2)]),
            PlaceEntryStored::JudgedByOthers => assert_eq!(owed, []),
            other => panic!("{other:?}"),
        }
    }
    node.close().await;
}
