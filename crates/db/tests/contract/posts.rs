//! Messages in rooms of places.

use std::sync::Arc;

use conclave_db::{Append, Appended, Db, NewPlaceEntry, NewPost, PageBound, PlaceEntryStored};
use conclave_protocol::frames::Class;
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::{DeviceAddress, DeviceId, PlaceId, RoomId};
use futures_util::future::{join, join_all};

use crate::group::{ROOM, entry, group, post};
use crate::support::Stage;
use crate::support::people::{NOW, append, body, hash, id, open_room};

on_both_engines! {
    a_post_is_stored_once_and_a_repeat_gets_the_first_answer
    a_post_that_was_judged_by_another_revision_is_not_stored
    posts_and_direct_messages_of_one_batch_have_their_own_sequences
    a_post_to_no_room_or_of_no_device_is_refused
    slow_mode_asks_for_a_pause_between_two_posts_of_an_account
    newcomers_get_what_was_sent_by_those_who_saw_them_come
    what_has_expired_is_not_handed_out_and_goes_and_its_id_stays
    the_posts_of_a_deleted_channel_go
    a_post_stands_before_an_entry_or_is_judged_behind_it
    a_page_of_posts_holds_everything_up_to_the_sequence_that_it_names_while_others_post
    posts_of_two_nodes_give_dense_sequences_and_no_deadlock
}

pub(crate) fn stored(sequence: u64) -> Appended {
    Appended::Envelope {
        sequence,
        time: NOW,
        repeat: false,
    }
}

pub(crate) async fn send(db: &Db, post: NewPost) -> Appended {
    db.append(vec![Append::Post(Arc::new(post))], NOW)
        .await
        .unwrap()
        .remove(0)
}

async fn page(db: &Db, since: u32) -> EnvelopesPage {
    db.list_posts(ROOM, PageBound::After(0), since, NOW, 1_000)
        .await
        .unwrap()
}

async fn bodies(db: &Db, since: u32) -> Vec<Vec<u8>> {
    let page = page(db, since).await;
    page.envelopes
        .into_iter()
        .map(|envelope| envelope.body.0)
        .collect()
}

async fn a_post_is_stored_once_and_a_repeat_gets_the_first_answer(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let sent = NewPost {
        class: Class::Annotation,
        epoch: 4,
        head: 5,
        target: Some(id(mia, 70)),
        thread: Some(id(mia, 71)),
        expires_in: Some(1_000),
        ..post(mia, 1)
    };
    assert_eq!(send(&stage, sent.clone()).await, stored(1));
    let repeated = Appended::Envelope {
        sequence: 1,
        time: NOW,
        repeat: true,
    };
    // Also where the place has gone on meanwhile, and within one batch.
    let late = NewPost {
        revision: 9,
        ..sent.clone()
    };
    let both = vec![Append::Post(Arc::new(sent.clone())), Append::Post(Arc::new(late))];
    let answers = stage.append(both, NOW.plus(5)).await.unwrap();
    assert_eq!(answers, [repeated.clone(), repeated.clone()]);
    assert_eq!(
        stage.find_send(sent.id, mia, sent.digest).await.unwrap(),
        Some(repeated)
    );
    assert_eq!(
        stage.find_send(sent.id, mia, hash(99)).await.unwrap(),
        Some(Appended::IdReused)
    );
    assert_eq!(stage.find_send(id(mia, 2), mia, hash(2)).await.unwrap(), None);
    let other = NewPost {
        digest: hash(99),
        ..sent.clone()
    };
    assert_eq!(send(&stage, other).await, Appended::IdReused);

    let page = page(&stage, 0).await;
    let [envelope] = page.envelopes.as_slice() else {
        panic!("{} envelopes", page.envelopes.len())
    };
    assert_eq!(
        (page.head, envelope.sequence, envelope.id, envelope.class),
        (1, 1, sent.id, Class::Annotation)
    );
    assert_eq!(
        (envelope.account, envelope.device, envelope.received_at),
        (mia.account, mia.device, NOW.0)
    );
    assert_eq!(
        (envelope.heads, envelope.epoch, envelope.head),
        (None, Some(4), Some(5))
    );
    assert_eq!(
        (envelope.target, envelope.thread, envelope.expires_at),
        (sent.target, sent.thread, Some(NOW.0 + 1_000))
    );
    assert_eq!(envelope.body.0, body(1));
    let state = stage.device_state(mia).await.unwrap();
    assert_eq!(state.last_accepted, Some(sent.id));
}

async fn a_post_that_was_judged_by_another_revision_is_not_stored(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    stage.append_place_entry(&entry(1)).await.unwrap();
    let judged_by = |revision| NewPost {
        revision,
        ..post(mia, 1)
    };
    for revision in [1, 3] {
        assert_eq!(send(&stage, judged_by(revision)).await, Appended::Outdated);
    }
    assert_eq!(send(&stage, judged_by(2)).await, stored(1));
    let nowhere = NewPost {
        place: PlaceId([8; 32]),
        ..post(mia, 2)
    };
    assert_eq!(send(&stage, nowhere).await, Appended::Outdated);
}

async fn posts_and_direct_messages_of_one_batch_have_their_own_sequences(stage: Stage) {
    let [mia, ben] = group(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, ben).await;
    let batch = vec![
        Append::Post(Arc::new(post(mia, 1))),
        append(direct, mia, &[ben], 2),
        Append::Post(Arc::new(post(ben, 3))),
        append(direct, ben, &[mia], 4),
        append(direct, ben, &[], 5),
    ];
    assert_eq!(
        stage.append(batch, NOW).await.unwrap(),
        [stored(1), stored(1), stored(2), stored(2), Appended::StaleDevices]
    );
    assert_eq!(bodies(&stage, 0).await, [body(1), body(3)]);
    assert_eq!(stage.list_envelopes(direct.id, 0, 10).await.unwrap().head, 2);
}

async fn a_post_to_no_room_or_of_no_device_is_refused(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let nowhere = NewPost {
        room: RoomId([9; 32]),
        ..post(mia, 1)
    };
    assert_eq!(send(&stage, nowhere).await, Appended::UnknownRoom);
    let nobody = DeviceAddress {
        device: DeviceId(4),
        ..mia
    };
    assert_eq!(send(&stage, post(nobody, 1)).await, Appended::StaleDevices);
    assert!(bodies(&stage, 0).await.is_empty());
    assert_eq!(stage.number("SELECT count(*) FROM sends").await, 0);
}

async fn slow_mode_asks_for_a_pause_between_two_posts_of_an_account(stage: Stage) {
    let [mia, ben] = group(&stage, [1, 2]).await;
    let slowed = |sender, number| {
        Append::Post(Arc::new(NewPost {
            pause: Some(1_000),
            ..post(sender, number)
        }))
    };
    let batch = vec![slowed(mia, 1), slowed(mia, 2), slowed(ben, 3)];
    assert_eq!(
        stage.append(batch, NOW).await.unwrap(),
        [stored(1), Appended::TooFast(1_000), stored(2)]
    );
    let early = stage.append(vec![slowed(mia, 4)], NOW.plus(400)).await.unwrap();
    assert_eq!(early, [Appended::TooFast(600)]);
    // Who need not wait does not, and is not counted.
    assert_eq!(send(&stage, post(mia, 5)).await, stored(3));
    let late = stage.append(vec![slowed(mia, 4)], NOW.plus(1_000)).await.unwrap();
    assert!(matches!(late[..], [Appended::Envelope { sequence: 4, .. }]));
    stage.expire_posts(NOW.plus(7 * 60 * 60 * 1000)).await.unwrap();
    assert_eq!(stage.number("SELECT count(*) FROM post_times").await, 0);
}

async fn newcomers_get_what_was_sent_by_those_who_saw_them_come(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    for (number, head) in [(1, 0), (2, 3), (3, 2), (4, 5)] {
        let sent = NewPost {
            head,
            ..post(mia, number)
        };
        send(&stage, sent).await;
    }
    assert_eq!(bodies(&stage, 3).await, [body(2), body(4)]);
    let page = |bound, limit| stage.list_posts(ROOM, bound, 2, NOW, limit);
    let shown = |page: EnvelopesPage| {
        let sequences: Vec<u64> = page.envelopes.iter().map(|envelope| envelope.sequence).collect();
        (page.head, sequences)
    };
    let after = page(PageBound::After(2), 10).await.unwrap();
    assert_eq!(shown(after), (4, vec![3, 4]));
    let before = page(PageBound::Before(4), 2).await.unwrap();
    assert_eq!(shown(before), (4, vec![2, 3]));
    let newest = page(PageBound::Before(u64::MAX), 1).await.unwrap();
    assert_eq!(shown(newest), (4, vec![4]));
}

async fn what_has_expired_is_not_handed_out_and_goes_and_its_id_stays(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let short = NewPost {
        expires_in: Some(10),
        ..post(mia, 1)
    };
    send(&stage, short.clone()).await;
    send(&stage, post(mia, 2)).await;
    let page = stage
        .list_posts(ROOM, PageBound::After(0), 0, NOW.plus(10), 10)
        .await
        .unwrap();
    assert_eq!((page.head, page.envelopes.len()), (2, 1));
    assert_eq!(stage.expire_posts(NOW.plus(9)).await.unwrap(), 0);
    assert_eq!(stage.expire_posts(NOW.plus(10)).await.unwrap(), 1);
    assert_eq!(stage.expire_posts(NOW.plus(10)).await.unwrap(), 0);
    assert_eq!(bodies(&stage, 0).await, [body(2)]);
    let again = send(&stage, short).await;
    assert_eq!(
        again,
        Appended::Envelope {
            sequence: 1,
            time: NOW,
            repeat: true
        }
    );
}

async fn the_posts_of_a_deleted_channel_go(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let channel = RoomId([5; 32]);
    let opens = NewPlaceEntry {
        opens: vec![(channel, Some(1))],
        ..entry(1)
    };
    stage.append_place_entry(&opens).await.unwrap();
    for (number, room) in [(1, channel), (2, ROOM), (3, channel)] {
        let sent = NewPost {
            room,
            revision: 2,
            ..post(mia, number)
        };
        send(&stage, sent).await;
    }
    let ends = NewPlaceEntry {
        ends: vec![channel],
        ..entry(2)
    };
    stage.append_place_entry(&ends).await.unwrap();
    assert_eq!(stage.expire_posts(NOW).await.unwrap(), 2);
    assert_eq!(stage.expire_posts(NOW).await.unwrap(), 0);
    assert_eq!(bodies(&stage, 0).await, [body(2)]);
    assert_eq!(stage.number("SELECT count(*) FROM place_rooms").await, 1);
}

async fn a_post_stands_before_an_entry_or_is_judged_behind_it(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let node = stage.second_node().await;
    for round in 0..10_u32 {
        let revision = u64::from(round) + 1;
        let posts = (0..8).map(|number| {
            let post = NewPost {
                revision,
                head: round,
                ..post(mia, u64::from(round) * 100 + number)
            };
            let db = stage.db.clone();
            async move { send(&db, post).await }
        });
        let next = entry(round + 1);
        let (entered, posts) = join(node.append_place_entry(&next), join_all(posts)).await;
        assert_eq!(entered.unwrap(), PlaceEntryStored::Done(revision + 1));
        assert!(
            posts
                .iter()
                .all(|post| matches!(post, Appended::Envelope { .. } | Appended::Outdated))
        );
    }
    // Nothing that was judged before an entry stands behind something that was judged after it.
    let page = page(&stage, 0).await;
    assert!(page.envelopes.is_sorted_by_key(|envelope| envelope.head));
    node.close().await;
}

async fn a_page_of_posts_holds_everything_up_to_the_sequence_that_it_names_while_others_post(stage: Stage) {
    let [mia, _ben] = group(&stage, [1, 2]).await;
    let (end, db) = (200, &*stage);
    let posts = async {
        for number in 0..end {
            send(db, post(mia, number)).await;
        }
    };
    let reads = async {
        let mut head = 0;
        while head < end {
            let page = |bound| db.list_posts(ROOM, bound, 0, NOW, 1_000);
            let newest = page(PageBound::Before(u64::MAX)).await.unwrap();
            let behind = page(PageBound::After(head)).await.unwrap();
            assert_eq!(newest.envelopes.len() as u64, newest.head);
            assert_eq!(behind.envelopes.len() as u64, behind.head - head);
            head = behind.head;
        }
    };
    join(posts, reads).await;
}

async fn posts_of_two_nodes_give_dense_sequences_and_no_deadlock(stage: Stage) {
    let [mia, ben] = group(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, ben).await;
    let node = stage.second_node().await;
    let batches = (0..20_u64).map(|number| {
        let (db, sender, other) = if number % 2 == 0 {
            (stage.db.clone(), mia, ben)
        } else {
            (node.clone(), ben, mia)
        };
        async move {
            let batch = vec![
                append(direct, sender, &[other], number * 10),
                Append::Post(Arc::new(post(sender, number * 10 + 1))),
                Append::Post(Arc::new(post(sender, number * 10 + 2))),
            ];
            db.append(batch, NOW).await.unwrap()
        }
    });
    let answers = join_all(batches).await;
    assert!(
        answers
            .iter()
            .flatten()
            .all(|answer| matches!(answer, Appended::Envelope { repeat: false, .. }))
    );
    let page = page(&stage, 0).await;
    let sequences: Vec<u64> = page.envelopes.iter().map(|envelope| envelope.sequence).collect();
    assert_eq!(sequences, (1..=40).collect::<Vec<_>>());
    node.close().await;
}
