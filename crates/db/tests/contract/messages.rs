use std::time::Duration;

use conclave_db::{Append, Appended, Db, NewDistribution, NewEnvelope};
use conclave_protocol::frames::{Class, Heads, Item, Side};
use conclave_protocol::{DeviceAddress, EnvelopeId, RoomId};
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{
    NOW, account, append, body, device, hash, id, join, message, open_room, pairwise, room,
};

on_both_engines! {
    a_message_is_stored_once_and_waits_for_each_addressed_device
    pairwise_messages_wait_for_their_devices_and_enter_no_room
    a_batch_is_answered_in_order_with_dense_sequences
    a_batch_larger_than_a_statement_is_stored_whole
    an_empty_batch_is_nothing
    a_repeat_gets_the_first_answer_also_after_the_mailbox_was_emptied
    a_repeat_within_a_batch_is_a_repeat
    an_id_with_other_bytes_is_refused
    messages_and_pairwise_messages_share_the_ids_of_a_device
    two_devices_may_use_one_id
    exactly_the_active_devices_but_the_sending_one_are_addressed
    pairwise_messages_go_to_active_devices_only_and_to_each_once
    a_revoked_device_sends_nothing_more
    saved_messages_of_a_single_device_need_no_keys
    an_unknown_room_a_wrong_pair_and_a_stranger_are_refused
    a_refused_item_leaves_nothing_behind_and_the_others_are_stored
    the_last_accepted_id_is_known
    history_comes_in_pages_with_the_newest_sequence
    history_also_comes_backwards_with_the_newest_before_a_sequence_in_order
    a_page_holds_everything_up_to_the_sequence_that_it_names_while_others_send
    appends_of_two_nodes_give_dense_sequences_and_no_deadlock
    one_message_sent_twenty_times_at_once_is_stored_once
    an_append_that_is_given_up_leaves_nothing_in_the_way
}

fn distribution(sender: DeviceAddress, to: &[DeviceAddress], number: u64) -> NewDistribution {
    NewDistribution {
        id: id(sender, number),
        sender,
        messages: to.iter().map(|to| (*to, pairwise(*to, number))).collect(),
        receipts: false,
        digest: hash(number),
    }
}

fn stored(sequence: u64) -> Appended {
    Appended::Envelope {
        sequence,
        time: NOW,
        repeat: false,
    }
}

fn repeated(sequence: u64) -> Appended {
    Appended::Envelope {
        sequence,
        time: NOW,
        repeat: true,
    }
}

async fn send(db: &Db, item: Append) -> Appended {
    db.append(vec![item], NOW).await.unwrap().remove(0)
}

async fn send_message(db: &Db, envelope: NewEnvelope) -> Appended {
    send(db, Append::Envelope(envelope)).await
}

/// Mailbox sequences and ids of everything that waits for a device.
async fn waiting(db: &Db, device: DeviceAddress) -> Vec<(u64, EnvelopeId)> {
    let items = db.list_mailbox(device, 0, 10_000, usize::MAX).await.unwrap();
    items.into_iter().map(|item| (item.mailbox, item.id)).collect()
}

async fn sequences(db: &Db, room: RoomId) -> Vec<u64> {
    let page = db.list_envelopes(room, 0, 10_000).await.unwrap();
    assert_eq!(page.head, page.envelopes.len() as u64);
    page.envelopes.iter().map(|envelope| envelope.sequence).collect()
}

async fn a_message_is_stored_once_and_waits_for_each_addressed_device(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let (phone, tablet) = (device(1, 1), device(2, 3));
    stage.add_device(phone).await;
    stage.add_device(tablet).await;
    let direct = open_room(&stage, mia, noah).await;
    let sent = NewEnvelope {
        class: Class::Annotation,
        heads: Heads { low: 3, high: 4 },
        target: Some(id(noah, 77)),
        ..message(direct, mia, &[tablet, phone, noah], 1)
    };
    assert_eq!(send_message(&stage, sent.clone()).await, stored(1));

    for to in [phone, noah, tablet] {
        let items = stage.list_mailbox(to, 0, 10, 10_000).await.unwrap();
        let [item] = items.as_slice() else {
            panic!("{to:?} has {} items", items.len())
        };
        assert_eq!((item.mailbox, item.id), (1, sent.id));
        assert_eq!(item.pairwise.0, pairwise(to, 1));
        let Item::Message(delivered) = &item.item else {
            panic!("not a message")
        };
        assert_eq!((delivered.room, delivered.sequence), (direct.id, 1));
        assert_eq!((delivered.side, delivered.device), (Side::Low, mia.device));
        assert_eq!((delivered.time, delivered.class), (NOW, Class::Annotation));
        assert_eq!(delivered.heads, Heads { low: 3, high: 4 });
        assert_eq!(delivered.target, Some(id(noah, 77)));
        assert_eq!(delivered.body.0, body(1));
    }
    assert!(waiting(&stage, mia).await.is_empty());

    let page = stage.list_envelopes(direct.id, 0, 10).await.unwrap();
    let [envelope] = page.envelopes.as_slice() else {
        panic!("{} envelopes", page.envelopes.len())
    };
    assert_eq!((envelope.sequence, envelope.id), (1, sent.id));
    assert_eq!((envelope.account, envelope.device), (mia.account, mia.device));
    assert_eq!((envelope.received_at, envelope.class), (NOW.0, Class::Annotation));
    assert_eq!((envelope.heads, &envelope.body.0), (Some((3, 4)), &body(1)));

    send_message(&stage, message(direct, tablet, &[noah, mia, phone], 2)).await;
    let items = stage.list_mailbox(mia, 0, 10, 10_000).await.unwrap();
    let Item::Message(answer) = &items[0].item else {
        panic!("not a message")
    };
    assert_eq!(
        (answer.side, answer.device, answer.sequence),
        (Side::High, tablet.device, 2)
    );
    assert_eq!((answer.target, answer.class), (None, Class::Message));
}

async fn pairwise_messages_wait_for_their_devices_and_enter_no_room(stage: Stage) {
    let [mia, noah, zoe] = join(&stage, [1, 2, 3]).await;
    let direct = open_room(&stage, mia, noah).await;
    let sent = distribution(mia, &[zoe, noah], 1);
    assert_eq!(
        send(&stage, Append::Distribution(sent.clone())).await,
        Appended::Distribution
    );
    assert_eq!(
        send(&stage, Append::Distribution(distribution(mia, &[], 2))).await,
        Appended::Distribution
    );
    for to in [noah, zoe] {
        let items = stage.list_mailbox(to, 0, 10, 10_000).await.unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!((items[0].mailbox, items[0].id), (1, sent.id));
        assert_eq!(items[0].pairwise.0, pairwise(to, 1));
        assert_eq!(items[0].item, Item::Control(mia));
    }
    assert_eq!(stage.list_envelopes(direct.id, 0, 10).await.unwrap().head, 0);
}

async fn a_batch_is_answered_in_order_with_dense_sequences(stage: Stage) {
    let [mia, noah, zoe] = join(&stage, [1, 2, 3]).await;
    let with_noah = open_room(&stage, mia, noah).await;
    let with_zoe = open_room(&stage, mia, zoe).await;
    let batch = vec![
        append(with_noah, mia, &[noah], 1),
        append(with_zoe, mia, &[zoe], 2),
        Append::Distribution(distribution(zoe, &[mia], 3)),
        append(with_noah, noah, &[mia], 4),
        append(with_zoe, zoe, &[mia], 5),
        append(with_noah, mia, &[noah], 6),
    ];
    let answers = stage.append(batch, NOW).await.unwrap();
    assert_eq!(
        answers,
        [
            stored(1),
            stored(1),
            Appended::Distribution,
            stored(2),
            stored(2),
            stored(3)
        ]
    );
    assert_eq!(
        waiting(&stage, mia).await,
        [(1, id(zoe, 3)), (2, id(noah, 4)), (3, id(zoe, 5))]
    );
    assert_eq!(waiting(&stage, noah).await, [(1, id(mia, 1)), (2, id(mia, 6))]);
    assert_eq!(send(&stage, append(with_noah, noah, &[mia], 7)).await, stored(4));
    assert_eq!(waiting(&stage, mia).await.last(), Some(&(4, id(noah, 7))));
}

async fn a_batch_larger_than_a_statement_is_stored_whole(stage: Stage) {
    let people = join(&stage, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]).await;
    let mut batch = Vec::new();
    let mut rooms = Vec::new();
    for (index, one) in people.iter().enumerate() {
        for other in &people[index + 1..] {
            let direct = open_room(&stage, *one, *other).await;
            rooms.push(direct);
            for number in 0..3 {
                let number = rooms.len() as u64 * 10 + number;
                batch.push(append(direct, *one, &[*other], number));
            }
        }
    }
    assert_eq!(batch.len(), 198);
    let answers = stage.append(batch.clone(), NOW).await.unwrap();
    assert!(
        answers
            .chunks(3)
            .all(|answers| *answers == [stored(1), stored(2), stored(3)])
    );
    for direct in rooms {
        assert_eq!(sequences(&stage, direct.id).await, [1, 2, 3]);
    }
    let places: Vec<u64> = waiting(&stage, people[11])
        .await
        .iter()
        .map(|(place, _)| *place)
        .collect();
    assert_eq!(places, (1..=33).collect::<Vec<_>>());
    let answers = stage.append(batch, NOW.plus(9)).await.unwrap();
    assert!(
        answers
            .chunks(3)
            .all(|answers| *answers == [repeated(1), repeated(2), repeated(3)])
    );
}

async fn an_empty_batch_is_nothing(stage: Stage) {
    assert!(stage.append(Vec::new(), NOW).await.unwrap().is_empty());
}

async fn a_repeat_gets_the_first_answer_also_after_the_mailbox_was_emptied(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    let first = vec![
        append(direct, mia, &[noah], 1),
        Append::Distribution(distribution(mia, &[noah], 2)),
    ];
    stage.append(first.clone(), NOW).await.unwrap();
    let expected = [repeated(1), Appended::Distribution];
    assert_eq!(stage.append(first.clone(), NOW.plus(5)).await.unwrap(), expected);
    assert_eq!(stage.acknowledge(noah, 2).await.unwrap(), 2);
    assert_eq!(stage.append(first.clone(), NOW.plus(9)).await.unwrap(), expected);
    // Also when the devices have changed since.
    stage.add_device(device(2, 1)).await;
    assert_eq!(stage.append(first, NOW.plus(9)).await.unwrap(), expected);
    assert!(waiting(&stage, noah).await.is_empty());
    assert_eq!(sequences(&stage, direct.id).await, [1]);
}

async fn a_repeat_within_a_batch_is_a_repeat(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    let one = append(direct, mia, &[noah], 1);
    let batch = vec![one.clone(), append(direct, mia, &[noah], 2), one];
    assert_eq!(
        stage.append(batch, NOW).await.unwrap(),
        [stored(1), stored(2), repeated(1)]
    );
    assert_eq!(waiting(&stage, noah).await.len(), 2);
}

async fn an_id_with_other_bytes_is_refused(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    send(&stage, append(direct, mia, &[noah], 1)).await;
    let other = NewEnvelope {
        digest: hash(99),
        ..message(direct, mia, &[noah], 1)
    };
    assert_eq!(send_message(&stage, other).await, Appended::IdReused);
    send(&stage, Append::Distribution(distribution(mia, &[noah], 2))).await;
    let other = NewDistribution {
        digest: hash(99),
        ..distribution(mia, &[noah], 2)
    };
    assert_eq!(
        send(&stage, Append::Distribution(other)).await,
        Appended::IdReused
    );
    assert_eq!(sequences(&stage, direct.id).await, [1]);
    assert_eq!(waiting(&stage, noah).await.len(), 2);
}

async fn messages_and_pairwise_messages_share_the_ids_of_a_device(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    send(&stage, append(direct, mia, &[noah], 1)).await;
    let crossed = Append::Distribution(distribution(mia, &[noah], 1));
    assert_eq!(send(&stage, crossed).await, Appended::IdReused);
    send(&stage, Append::Distribution(distribution(mia, &[noah], 2))).await;
    assert_eq!(
        send(&stage, append(direct, mia, &[noah], 2)).await,
        Appended::IdReused
    );
}

async fn two_devices_may_use_one_id(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    assert_eq!(send(&stage, append(direct, mia, &[noah], 1)).await, stored(1));
    let same = NewEnvelope {
        id: id(mia, 1),
        ..message(direct, noah, &[mia], 2)
    };
    assert_eq!(send_message(&stage, same).await, stored(2));
}

async fn exactly_the_active_devices_but_the_sending_one_are_addressed(stage: Stage) {
    let [mia, noah, zoe] = join(&stage, [1, 2, 3]).await;
    let (phone, tablet, old) = (device(1, 1), device(2, 1), device(2, 2));
    for extra in [phone, tablet, old] {
        stage.add_device(extra).await;
    }
    stage.revoke_device(old).await;
    let direct = open_room(&stage, mia, noah).await;
    let refused: [&[DeviceAddress]; 9] = [
        &[],
        &[phone, noah],
        &[noah, tablet],
        &[phone, noah, tablet, old],
        &[phone, noah, tablet, zoe],
        &[phone, noah, tablet, device(2, 9)],
        &[phone, noah, tablet, mia],
        &[phone, noah, tablet, tablet],
        &[phone, noah, noah],
    ];
    for to in refused {
        assert_eq!(
            send(&stage, append(direct, mia, to, 1)).await,
            Appended::StaleDevices,
            "{to:?}"
        );
    }
    // A refusal uses up no id.
    assert_eq!(
        send(&stage, append(direct, mia, &[tablet, phone, noah], 1)).await,
        stored(1)
    );
    assert_eq!(
        send(&stage, append(direct, phone, &[tablet, mia, noah], 2)).await,
        stored(2)
    );

    let saved = open_room(&stage, mia, mia).await;
    assert_eq!(
        send(&stage, append(saved, mia, &[], 3)).await,
        Appended::StaleDevices
    );
    assert_eq!(
        send(&stage, append(saved, mia, &[phone, phone], 3)).await,
        Appended::StaleDevices
    );
    assert_eq!(send(&stage, append(saved, mia, &[phone], 3)).await, stored(1));
}

async fn pairwise_messages_go_to_active_devices_only_and_to_each_once(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    stage.add_device(device(2, 1)).await;
    stage.revoke_device(device(2, 1)).await;
    let refused: [&[DeviceAddress]; 3] = [&[noah, device(2, 1)], &[noah, device(2, 9)], &[noah, noah]];
    for to in refused {
        let item = Append::Distribution(distribution(mia, to, 1));
        assert_eq!(send(&stage, item).await, Appended::StaleDevices, "{to:?}");
    }
    assert!(waiting(&stage, noah).await.is_empty());
    let item = Append::Distribution(distribution(mia, &[noah], 1));
    assert_eq!(send(&stage, item).await, Appended::Distribution);
}

async fn a_revoked_device_sends_nothing_more(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    assert_eq!(send(&stage, append(direct, mia, &[noah], 1)).await, stored(1));
    stage.revoke_device(mia).await;
    assert_eq!(
        send(&stage, append(direct, mia, &[noah], 2)).await,
        Appended::StaleDevices
    );
    let item = Append::Distribution(distribution(mia, &[noah], 2));
    assert_eq!(send(&stage, item).await, Appended::StaleDevices);
    assert_eq!(send(&stage, append(direct, mia, &[noah], 1)).await, repeated(1));
}

async fn saved_messages_of_a_single_device_need_no_keys(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let saved = open_room(&stage, mia, mia).await;
    assert_eq!(send(&stage, append(saved, mia, &[], 1)).await, stored(1));
    assert_eq!(send(&stage, append(saved, mia, &[], 2)).await, stored(2));
    assert_eq!(sequences(&stage, saved.id).await, [1, 2]);
}

async fn an_unknown_room_a_wrong_pair_and_a_stranger_are_refused(stage: Stage) {
    let [mia, noah, zoe] = join(&stage, [1, 2, 3]).await;
    let never_opened = room(mia, noah);
    assert_eq!(
        send(&stage, append(never_opened, mia, &[noah], 1)).await,
        Appended::UnknownRoom
    );
    let direct = open_room(&stage, mia, noah).await;
    let mut wrong = direct;
    wrong.high = account(3);
    assert_eq!(
        send(&stage, append(wrong, mia, &[zoe], 1)).await,
        Appended::UnknownRoom
    );
    assert_eq!(
        send(&stage, append(direct, zoe, &[mia, noah], 1)).await,
        Appended::UnknownRoom
    );
}

async fn a_refused_item_leaves_nothing_behind_and_the_others_are_stored(stage: Stage) {
    let [mia, noah, zoe] = join(&stage, [1, 2, 3]).await;
    let direct = open_room(&stage, mia, noah).await;
    send(&stage, append(direct, mia, &[noah], 1)).await;
    let counts = "SELECT (SELECT count(*) FROM sends) * 10000 + (SELECT count(*) FROM envelopes) * 100
        + (SELECT count(*) FROM mailbox)";
    assert_eq!(stage.number(counts).await, 10_101);
    let reused = NewEnvelope {
        digest: hash(99),
        ..message(direct, mia, &[noah], 1)
    };
    let batch = vec![
        append(room(mia, zoe), mia, &[zoe], 2),
        append(direct, mia, &[], 3),
        Append::Envelope(reused),
        Append::Distribution(distribution(mia, &[noah, device(2, 9)], 4)),
    ];
    let refused = [
        Appended::UnknownRoom,
        Appended::StaleDevices,
        Appended::IdReused,
        Appended::StaleDevices,
    ];
    assert_eq!(stage.append(batch.clone(), NOW).await.unwrap(), refused);
    assert_eq!(stage.number(counts).await, 10_101);
    assert_eq!(
        stage.device_state(mia).await.unwrap().last_accepted,
        Some(id(mia, 1))
    );

    let mixed: Vec<Append> = batch
        .into_iter()
        .enumerate()
        .flat_map(|(index, refused)| [refused, append(direct, mia, &[noah], 10 + index as u64)])
        .collect();
    let answers = stage.append(mixed, NOW).await.unwrap();
    for (index, pair) in answers.chunks(2).enumerate() {
        assert_eq!(pair, [refused[index].clone(), stored(index as u64 + 2)]);
    }
    assert_eq!(stage.number(counts).await, 50_505);
    let places: Vec<u64> = waiting(&stage, noah)
        .await
        .iter()
        .map(|(place, _)| *place)
        .collect();
    assert_eq!(places, [1, 2, 3, 4, 5]);
}

async fn the_last_accepted_id_is_known(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    assert_eq!(stage.device_state(mia).await.unwrap().last_accepted, None);
    send(&stage, append(direct, mia, &[noah], 1)).await;
    assert_eq!(
        stage.device_state(mia).await.unwrap().last_accepted,
        Some(id(mia, 1))
    );
    send(&stage, Append::Distribution(distribution(mia, &[noah], 2))).await;
    assert_eq!(
        stage.device_state(mia).await.unwrap().last_accepted,
        Some(id(mia, 2))
    );
    // A repeat of the first is not a later one.
    send(&stage, append(direct, mia, &[noah], 1)).await;
    assert_eq!(
        stage.device_state(mia).await.unwrap().last_accepted,
        Some(id(mia, 2))
    );
    assert_eq!(stage.device_state(noah).await.unwrap().last_accepted, None);
}

async fn history_comes_in_pages_with_the_newest_sequence(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    stage
        .append(
            (0..10)
                .map(|number| append(direct, mia, &[noah], number))
                .collect(),
            NOW,
        )
        .await
        .unwrap();
    let page = stage.list_envelopes(direct.id, 3, 4).await.unwrap();
    assert_eq!(page.head, 10);
    assert_eq!(
        page.envelopes
            .iter()
            .map(|envelope| envelope.sequence)
            .collect::<Vec<_>>(),
        [4, 5, 6, 7]
    );
    let end = stage.list_envelopes(direct.id, u64::MAX, 4).await.unwrap();
    assert_eq!((end.head, end.envelopes.len()), (10, 0));
    let unknown = stage.list_envelopes(room(mia, mia).id, 0, 4).await.unwrap();
    assert_eq!((unknown.head, unknown.envelopes.len()), (0, 0));
}

async fn history_also_comes_backwards_with_the_newest_before_a_sequence_in_order(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    let batch = (0..10).map(|number| append(direct, mia, &[noah], number));
    stage.append(batch.collect(), NOW).await.unwrap();
    for (before, expected) in [
        (u64::MAX, vec![7, 8, 9, 10]),
        (7, vec![3, 4, 5, 6]),
        (3, vec![1, 2]),
        (1, vec![]),
        (0, vec![]),
    ] {
        let page = stage.list_envelopes_before(direct.id, before, 4).await.unwrap();
        let sequences: Vec<u64> = page.envelopes.iter().map(|envelope| envelope.sequence).collect();
        assert_eq!((page.head, sequences), (10, expected), "before {before}");
    }
}

async fn a_page_holds_everything_up_to_the_sequence_that_it_names_while_others_send(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    let (end, db) = (200, &*stage);
    let sends = async {
        for number in 0..end {
            send(db, append(direct, mia, &[noah], number)).await;
        }
    };
    let reads = async {
        let mut head = 0;
        while head < end {
            let newest = db
                .list_envelopes_before(direct.id, u64::MAX, 1_000)
                .await
                .unwrap();
            let behind = db.list_envelopes(direct.id, head, 1_000).await.unwrap();
            assert_eq!(newest.envelopes.len() as u64, newest.head);
            assert_eq!(behind.envelopes.len() as u64, behind.head - head);
            head = behind.head;
        }
    };
    futures_util::future::join(sends, reads).await;
}

async fn appends_of_two_nodes_give_dense_sequences_and_no_deadlock(stage: Stage) {
    const WRITERS: u64 = 8;
    const BATCHES: u64 = 12;

    let people = join(&stage, [1, 2, 3, 4]).await;
    let mut rooms = Vec::new();
    for one in people {
        for other in people {
            rooms.push((open_room(&stage, one, other).await, one, other));
        }
    }
    let second = stage.second_node().await;
    let writers = (0..WRITERS).map(|writer| {
        let node = if writer % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        let mut rooms = rooms.clone();
        // Each writer meets the rooms in another order.
        let turn = usize::try_from(writer).unwrap() * 3 % rooms.len();
        rooms.rotate_left(turn);
        if writer % 3 == 0 {
            rooms.reverse();
        }
        tokio::spawn(async move {
            for batch in 0..BATCHES {
                let items = rooms.iter().enumerate().map(|(index, (direct, one, other))| {
                    let number = writer * 1_000_000 + batch * 1000 + index as u64;
                    let to: &[DeviceAddress] = if one == other { &[] } else { &[*other] };
                    append(*direct, *one, to, number)
                });
                let answers = node.append(items.collect(), NOW).await.unwrap();
                assert!(
                    answers
                        .iter()
                        .all(|answer| matches!(answer, Appended::Envelope { repeat: false, .. }))
                );
            }
        })
    });
    // Acknowledging goes on meanwhile.
    let reader = {
        let stage = stage.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                for person in people {
                    let last = stage.list_mailbox(person, 0, 3, usize::MAX).await.unwrap().pop();
                    if let Some(last) = last {
                        stage.acknowledge(person, last.mailbox).await.unwrap();
                    }
                }
            }
        })
    };
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    reader.await.unwrap();

    for (direct, one, other) in rooms {
        let senders = if one == other { 1 } else { 2 };
        let expected: Vec<u64> = (1..=WRITERS * BATCHES * senders).collect();
        assert_eq!(sequences(&stage, direct.id).await, expected);
    }
    for person in people {
        let acknowledged = stage.device_state(person).await.unwrap().acknowledged;
        let places: Vec<u64> = waiting(&stage, person)
            .await
            .iter()
            .map(|(place, _)| *place)
            .collect();
        assert_eq!(
            places,
            (acknowledged + 1..=WRITERS * BATCHES * 6 / 2).collect::<Vec<_>>()
        );
    }
}

async fn one_message_sent_twenty_times_at_once_is_stored_once(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    let second = stage.second_node().await;
    let sends = (0..20).map(|number| {
        let node = if number % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        tokio::spawn(async move { send(&node, append(direct, mia, &[noah], 1)).await })
    });
    let answers: Vec<Appended> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| **answer == stored(1)).count(), 1);
    assert_eq!(
        answers.iter().filter(|answer| **answer == repeated(1)).count(),
        19
    );
    assert_eq!(waiting(&stage, noah).await.len(), 1);
}

async fn an_append_that_is_given_up_leaves_nothing_in_the_way(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    for number in 0..40 {
        let given_up = stage.append(vec![append(direct, mia, &[noah], number)], NOW);
        let _ = tokio::time::timeout(Duration::from_micros(number * 40), given_up).await;
    }
    let head = stage.list_envelopes(direct.id, 0, 1).await.unwrap().head;
    let answer = send(&stage, append(direct, mia, &[noah], 1000)).await;
    let Appended::Envelope { sequence, .. } = answer else {
        panic!("{answer:?}")
    };
    assert!(sequence > head);
    let expected: Vec<u64> = (1..=sequence).collect();
    assert_eq!(sequences(&stage, direct.id).await, expected);
    assert_eq!(waiting(&stage, noah).await.len() as u64, sequence);
}
