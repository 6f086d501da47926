//! What happens to messages in a group, told one by one.

use conclave_crypto::sender_keys::SenderKeyMessage;
use conclave_protocol::frames::{Class, Post, RoomMessage, ServerFrame};
use conclave_protocol::{EnvelopeId, ErrorCode, Timestamp};
use conclave_sigchain::room::{History, Policy, RoomBody};

use super::sim::Sim;
use crate::codec::SecretBytes;
use crate::content::ChainId;
use crate::rows::{Delivery, Loss, MessageBody};
use crate::{Reads as _, Table};
use zeroize::Zeroizing;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn shared() -> Policy {
    Policy {
        history: History::All,
        ..Policy::default()
    }
}

fn not_genuine() -> String {
    format!("{:?}", MessageBody::Lost(Loss::NotGenuine))
}

#[test]
fn a_message_reaches_every_device_of_everybody_once_and_in_order() {
    let mut sim = Sim::group(3, 2, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.sends(0, "two");
    sim.runs(1_000);
    sim.sends(2, "three");
    sim.runs(1_000);
    let room = sim.room();
    for device in &sim.devices {
        assert_eq!(
            device.texts(room),
            ["one", "two", "three"],
            "{:?}",
            device.address
        );
        assert!(device.timeline(room).iter().all(|row| row.missing_before == 0));
        assert!(device.warnings.is_empty());
    }
}

#[test]
fn what_was_told_of_a_group_s_messages_is_not_told_again() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    assert_eq!(
        sim.devices[0].timeline(sim.room())[0].delivery,
        Delivery::Delivered
    );
    for device in &sim.devices {
        let owed = device.disk.list_records(Table::Receipts, &[], 10).unwrap();
        assert_eq!(owed.len(), 0, "{:?} still owes receipts", device.address);
    }
}

#[test]
fn a_key_is_handed_out_once_and_the_message_leaves_when_the_server_has_it() {
    let mut sim = Sim::group(3, 2, Policy::default());
    sim.runs(1_000);
    let alice = sim.devices[0].address;
    sim.sends(0, "one");
    sim.runs(200);
    assert_eq!((sim.server.distributed[&alice], sim.server.posts), (1, 1));
    for n in 0..5 {
        sim.sends(0, &format!("more {n}"));
    }
    sim.runs(200);
    assert_eq!((sim.server.distributed[&alice], sim.server.posts), (1, 6));
}

#[test]
fn a_device_without_prekeys_holds_nobody_up_and_reads_it_later() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    let carol = sim.of(3)[0];
    let address = sim.devices[carol].address;
    sim.server.without_prekeys.insert(address);
    sim.sends(0, "one");
    sim.runs(500);
    let room = sim.room();
    assert_eq!(sim.devices[1].texts(room), ["one"]);
    assert_eq!(sim.devices[carol].texts(room), ["Unopened"]);
    sim.server.without_prekeys.clear();
    sim.runs(10 * MINUTE);
    assert_eq!(sim.devices[carol].texts(room), ["one"]);
}

#[test]
fn a_lost_key_is_given_by_its_device() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    let bob = sim.devices[1].address;
    sim.server.swallows.insert(bob);
    sim.sends(0, "one");
    sim.runs(500);
    sim.server.swallows.clear();
    sim.sends(0, "two");
    sim.runs(MINUTE);
    let room = sim.room();
    assert_eq!(sim.devices[1].texts(room), ["one", "two"]);
    assert!(
        sim.devices[1]
            .timeline(room)
            .iter()
            .all(|row| row.missing_before == 0)
    );
}

#[test]
fn a_lost_key_is_given_by_another_member_when_its_device_is_away() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    let carol = sim.devices[2].address;
    sim.server.swallows.insert(carol);
    sim.sends(0, "one");
    sim.runs(500);
    sim.server.swallows.clear();
    sim.disconnects(0);
    sim.runs(MINUTE);
    let room = sim.room();
    assert_eq!(sim.devices[2].texts(room), ["one"]);
}

#[test]
fn a_key_that_nobody_gives_is_given_up_after_a_week_and_says_so() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    let bob = sim.devices[1].address;
    sim.server.swallows.insert(bob);
    sim.sends(0, "one");
    sim.runs(500);
    sim.disconnects(0);
    sim.runs(8 * DAY);
    let room = sim.room();
    assert_eq!(
        sim.devices[1].timeline(room)[0].body,
        MessageBody::Lost(Loss::KeyNotGiven)
    );
}

#[test]
fn whoever_was_removed_reads_nothing_that_comes_after() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "before");
    sim.runs(1_000);
    sim.removes(1, 3);
    sim.all_learn();
    let alice = sim.devices[0].address;
    let before = sim.server.distributed[&alice];
    sim.sends(0, "after");
    sim.runs(1_000);
    assert_eq!(
        sim.server.distributed[&alice],
        before + 1,
        "a new key, for those who are left"
    );
    let room = sim.room();
    assert_eq!(sim.devices[1].texts(room), ["before", "after"]);
    assert_eq!(sim.devices[2].texts(room), ["before"]);
    // Even where the server hands it the envelope.
    let told = sim.server.envelopes[1].clone();
    let message = RoomMessage {
        room,
        sequence: 2,
        id: told.id,
        sender: sim.devices[0].address,
        time: Timestamp(told.received_at),
        class: told.class,
        epoch: told.epoch.unwrap(),
        head: told.head.unwrap(),
        target: None,
        thread: None,
        expires: None,
        body: told.body,
    };
    sim.tells(2, &ServerFrame::Posted(message));
    sim.runs(10 * MINUTE);
    assert_ne!(sim.devices[2].texts(room).last().unwrap(), "after");
}

#[test]
fn a_message_sealed_under_an_epoch_that_ended_is_sealed_anew_in_order() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "before");
    sim.runs(1_000);
    sim.removes(1, 3);
    // The sender does not know it yet.
    sim.sends(1, "one");
    sim.sends(1, "two");
    sim.runs(100);
    assert_eq!(sim.server.posts, 1, "both were refused");
    sim.all_learn();
    sim.runs(5_000);
    let room = sim.room();
    for at in [0, 1] {
        assert_eq!(sim.devices[at].texts(room), ["before", "one", "two"]);
        assert!(
            sim.devices[at]
                .timeline(room)
                .iter()
                .all(|row| row.missing_before == 0)
        );
    }
}

#[test]
fn slow_mode_and_the_like_wait_and_a_room_that_is_closed_to_the_sender_fails() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.server.refuse_next = Some(ErrorCode::TooFast);
    sim.sends(1, "one");
    sim.runs(5_000);
    let room = sim.room();
    assert_eq!(sim.devices[0].texts(room), ["one"]);
    sim.says(
        1,
        RoomBody::Policy {
            channel: None,
            policy: Policy {
                read_only: true,
                ..Policy::default()
            },
        },
    );
    sim.all_learn();
    sim.sends(1, "two");
    sim.runs(1_000);
    let last = sim.devices[1].timeline(room).last().unwrap().delivery;
    assert_eq!(last, Delivery::Failed(ErrorCode::PostRefused));
}

#[test]
fn a_late_message_of_somebody_removed_is_refused_though_the_server_takes_it() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(2, "before");
    sim.runs(1_000);
    let head = sim.chain().head();
    let epoch = sim.server.envelopes[0].epoch.unwrap();
    sim.removes(1, 3);
    for at in [0, 1] {
        sim.learns(at, u32::MAX);
    }
    // The removed device goes on under its old key, and the server plays along.
    let late = seals_by_itself(&mut sim, 2, "into the past");
    assert_eq!((late.head, late.epoch), (head, epoch));
    let from = sim.devices[2].address;
    let sequence = sim.stores(from, &late);
    sim.posted(sequence);
    sim.runs(MINUTE);
    let room = sim.room();
    for at in [0, 1] {
        assert_eq!(sim.devices[at].texts(room), ["before"]);
    }
    // A new chain under the old epoch is no way around it.
    sim.devices[2].with(sim.now, |_, work| work.forget_own_chains().unwrap());
    let late = seals_by_itself(&mut sim, 2, "on a new chain");
    let sequence = sim.stores(from, &late);
    sim.posted(sequence);
    sim.runs(MINUTE);
    for at in [0, 1] {
        assert_eq!(sim.devices[at].texts(room), ["before"]);
    }
}

#[test]
fn newcomers_read_the_past_where_the_policy_says_so_and_nowhere_else() {
    for (policy, wanted) in [
        (shared(), vec!["one", "two", "three"]),
        (Policy::default(), vec!["three"]),
    ] {
        let mut sim = Sim::group(2, 1, policy);
        sim.runs(1_000);
        sim.sends(0, "one");
        sim.runs(1_000);
        sim.sends(1, "two");
        sim.runs(1_000);
        let carol = sim.joins(1, 9);
        sim.all_learn();
        sim.runs(1_000);
        sim.sends(0, "three");
        // One of the two is away: the other has all the keys.
        sim.runs(2_000);
        sim.disconnects(1);
        sim.runs(10 * MINUTE);
        let room = sim.room();
        assert_eq!(sim.devices[carol].texts(room), wanted);
    }
}

#[test]
fn a_newcomer_gets_no_key_from_before_they_came_however_they_ask() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(1_000);
    let carol = sim.joins(1, 9);
    sim.all_learn();
    sim.sends(0, "two");
    sim.runs(MINUTE);
    let room = sim.room();
    assert_eq!(sim.devices[carol].texts(room), ["two"]);
    // The server shows what it should not, so the device asks for its key, which it has in part.
    let old = sim.server.envelopes[0].clone();
    let message = RoomMessage {
        room,
        sequence: 900,
        id: old.id,
        sender: sim.devices[0].address,
        time: Timestamp(old.received_at),
        class: old.class,
        epoch: old.epoch.unwrap(),
        head: old.head.unwrap(),
        target: None,
        thread: None,
        expires: None,
        body: old.body,
    };
    sim.tells(carol, &ServerFrame::Posted(message));
    sim.runs(10 * MINUTE);
    assert!(!sim.devices[carol].texts(room).contains(&"one".to_owned()));
}

#[test]
fn lost_live_frames_are_made_good_by_page() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(1_000);
    let bob = sim.devices[1].address;
    sim.server.deaf.insert(bob);
    sim.sends(0, "two");
    sim.sends(0, "three");
    sim.runs(1_000);
    sim.server.deaf.clear();
    let room = sim.room();
    assert_eq!(sim.devices[1].texts(room), ["one"]);
    sim.sends(0, "four");
    sim.runs(5_000);
    assert_eq!(sim.devices[1].texts(room), ["one", "two", "three", "four"]);
    assert!(
        sim.devices[1]
            .timeline(room)
            .iter()
            .all(|row| row.missing_before == 0)
    );
}

#[test]
fn what_a_page_brings_behind_a_later_message_is_late_and_begins_nothing_anew() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    // Bob came after the beginning, so he cannot know what a device said before.
    let bob = sim.devices[1].address;
    sim.server.deaf.insert(bob);
    sim.sends(0, "one");
    sim.runs(1_000);
    sim.server.deaf.clear();
    for text in ["two", "three", "four"] {
        sim.sends(0, text);
        sim.runs(2_000);
    }
    let room = sim.room();
    assert_eq!(sim.devices[1].texts(room), ["one", "two", "three", "four"]);
    let missing: Vec<u32> = sim.devices[1]
        .timeline(room)
        .iter()
        .map(|row| row.missing_before)
        .collect();
    assert_eq!(missing, [0; 4]);
}

#[test]
fn whatever_restarts_in_between_nothing_is_lost_or_doubled() {
    let mut sim = Sim::group(3, 2, Policy::default());
    sim.runs(1_000);
    for round in 0..6 {
        sim.sends(round % 3, &format!("message {round}"));
        sim.restarts(round % 6);
        sim.runs(10);
        sim.restarts((round + 1) % 6);
        sim.runs(2_000);
    }
    sim.runs(MINUTE);
    let room = sim.room();
    let wanted: Vec<String> = (0..6).map(|round| format!("message {round}")).collect();
    for device in &sim.devices {
        let mut texts = device.texts(room);
        texts.sort();
        assert_eq!(texts, wanted, "{:?}", device.address);
    }
}

#[test]
fn a_message_that_the_server_swallows_is_missed_by_the_next() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.sends(0, "two");
    sim.runs(1_000);
    // It takes the second one out, and what comes gets its number.
    sim.server.envelopes.remove(1);
    sim.disconnects(1);
    let room = sim.room();
    sim.devices[1].disk = super::sim::Disk::default();
    let bob = sim.devices.remove(1);
    sim.arrives_again(2, bob.address);
    sim.sends(0, "three");
    sim.runs(MINUTE);
    let at = sim.of(2)[0];
    let missing: Vec<u32> = sim.devices[at]
        .timeline(room)
        .iter()
        .map(|row| row.missing_before)
        .collect();
    assert_eq!(
        missing.iter().sum::<u32>(),
        1,
        "{:?}",
        sim.devices[at].texts(room)
    );
}

#[test]
fn what_the_server_changes_is_shown_as_not_genuine() {
    type Change = fn(&mut RoomMessage);
    let changes: [Change; 5] = [
        |message| message.class = Class::Annotation,
        |message| message.target = Some(EnvelopeId([1; 16])),
        |message| message.expires = Some(message.time.plus(60_000)),
        |message| message.body.0[40] ^= 1,
        |message| message.id = EnvelopeId::new(message.id.time(), [3; 10]),
    ];
    for change in changes {
        let mut sim = Sim::group(2, 1, Policy::default());
        sim.runs(1_000);
        sim.sends(0, "one");
        sim.runs(1_000);
        let bob = sim.devices[1].address;
        sim.server.deaf.insert(bob);
        sim.sends(0, "two");
        sim.runs(1_000);
        let told = sim.server.envelopes[1].clone();
        let room = sim.room();
        let mut message = RoomMessage {
            room,
            sequence: 2,
            id: told.id,
            sender: sim.devices[0].address,
            time: Timestamp(told.received_at),
            class: told.class,
            epoch: told.epoch.unwrap(),
            head: told.head.unwrap(),
            target: None,
            thread: None,
            expires: None,
            body: told.body,
        };
        change(&mut message);
        sim.tells(1, &ServerFrame::Posted(message));
        sim.runs(MINUTE);
        assert_eq!(sim.devices[1].texts(room), ["one".to_owned(), not_genuine()]);
    }
}

#[test]
fn a_message_said_to_be_another_members_shows_no_words() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "hello");
    sim.sends(1, "hello");
    sim.runs(1_000);
    let forged = seals_by_itself(&mut sim, 2, "I am alice");
    let alice = sim.devices[0].address;
    let sequence = sim.stores(alice, &forged);
    sim.posted(sequence);
    sim.runs(MINUTE);
    let room = sim.room();
    assert!(!sim.devices[1].texts(room).contains(&"I am alice".to_owned()));
}

#[test]
fn a_new_device_gets_the_key_before_the_next_message() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(1_000);
    let alice = sim.devices[0].address;
    let before = sim.server.distributed[&alice];
    let second = sim.adds_device(2);
    sim.all_learn();
    sim.runs(1_000);
    sim.sends(0, "two");
    sim.runs(MINUTE);
    let room = sim.room();
    assert!(sim.devices[second].texts(room).contains(&"two".to_owned()));
    assert!(sim.server.distributed[&alice] > before);
}

#[test]
fn all_devices_of_an_author_show_how_far_a_message_got() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "hello");
    sim.runs(MINUTE);
    let room = sim.room();
    let states = |sim: &Sim| [0, 1].map(|at| sim.devices[at].timeline(room)[0].delivery);
    assert_eq!(states(&sim), [Delivery::Delivered; 2]);
    let message = sim.devices[0].timeline(room)[0].id;
    sim.reads(2, message);
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Read; 2]);
}

#[test]
fn in_a_small_group_a_message_is_delivered_and_read_once_everybody_says_so() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    sim.disconnects(2);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    let room = sim.room();
    let state = |sim: &Sim| sim.devices[0].timeline(room)[0].delivery;
    assert_eq!(state(&sim), Delivery::Sent);
    sim.connects(2);
    sim.runs(MINUTE);
    assert_eq!(state(&sim), Delivery::Delivered);
    let id = sim.devices[0].timeline(room)[0].id;
    sim.reads(1, id);
    sim.runs(MINUTE);
    assert_eq!(state(&sim), Delivery::Delivered);
    sim.reads(2, id);
    sim.runs(MINUTE);
    assert_eq!(state(&sim), Delivery::Read);
}

#[test]
fn an_entry_that_is_not_known_yet_holds_a_message_up_until_it_is() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(1_000);
    sim.says(
        1,
        RoomBody::Policy {
            channel: None,
            policy: shared(),
        },
    );
    sim.learns(0, u32::MAX);
    sim.server.hides_entries = true;
    sim.sends(0, "two");
    sim.runs(2_000);
    let room = sim.room();
    assert_ne!(sim.devices[1].texts(room).last().unwrap(), "two");
    sim.learns(1, u32::MAX);
    sim.runs(MINUTE);
    assert_eq!(sim.devices[1].texts(room), ["one", "two"]);
}

/// A device seals a message for itself, whatever the place has become since: it knows nothing of that.
fn seals_by_itself(sim: &mut Sim, at: usize, text: &str) -> Post {
    let room = sim.room();
    let now = sim.now;
    let text = text.to_owned();
    let device = &mut sim.devices[at];
    device.with(now, |engine, work| {
        let id = work.make_id().unwrap();
        let text = crate::content::Text {
            text,
            ..crate::content::Text::default()
        };
        let said = crate::content::Body::Text(text);
        let mut sealed = engine.seal_post(work, id, room, said.clone()).unwrap();
        if let crate::outbox::Sealing::Waits = sealed {
            // Nobody has to have the key.
            let mut kept = work.own_chain(room).unwrap().unwrap();
            kept.pending.clear();
            work.put_own_chain(room, &kept);
            sealed = engine.seal_post(work, id, room, said).unwrap();
        }
        let crate::outbox::Sealing::Ready(sealed) = sealed else {
            panic!("it seals");
        };
        match conclave_protocol::frames::ClientFrame::from_bytes(sealed.frame.as_slice()).unwrap() {
            conclave_protocol::frames::ClientFrame::Post(post) => post,
            _ => panic!("a post"),
        }
    })
}

#[test]
fn a_seed_that_nobody_asked_for_or_that_opens_nothing_is_not_kept() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    let carol = sim.devices[2].address;
    let room = sim.room();
    let now = sim.now;
    // Bob has alice's key, and hands it to carol unasked.
    sim.server.swallows.insert(carol);
    sim.sends(0, "one");
    sim.runs(500);
    sim.server.swallows.clear();
    let chain = {
        let sealed = sim.server.envelopes[0].body.clone();
        let message = SenderKeyMessage::from_bytes(sealed.as_slice()).unwrap();
        ChainId(message.chain_id())
    };
    let bob = sim.devices[1].address;
    let seed = sim.devices[1].with(now, |_, work| {
        work.seed(room, chain).unwrap().unwrap().bytes.0.to_vec()
    });
    let hands = |sim: &mut Sim, bytes: &[u8]| {
        let bytes = SecretBytes(Zeroizing::new(bytes.to_vec()));
        sim.devices[2].with(now, |engine, work| {
            engine.take_seeds(work, bob, room, vec![bytes]).unwrap();
            work.seed(room, chain).unwrap().is_some()
        })
    };
    assert!(!hands(&mut sim, &seed), "nobody asked bob");
    sim.devices[2].with(now, |_, work| {
        let mut ask = work.ask(room, chain).unwrap().unwrap();
        ask.asked.push(bob);
        work.put_ask(room, chain, &ask);
    });
    let mut wrong = seed.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert!(!hands(&mut sim, &wrong), "the key is not the chain's");
    assert_eq!(sim.devices[2].texts(room), ["Unopened"]);
    let mut forged = seed.clone();
    forged[60] ^= 1;
    assert!(!hands(&mut sim, &forged), "the statement is not alice's");
    assert!(hands(&mut sim, &seed));
    assert_eq!(sim.devices[2].texts(room), ["one"]);
}

#[test]
fn nobody_gets_a_key_that_they_may_not_read_by_and_nobody_more_than_their_share() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(1_000);
    let room = sim.room();
    let chain = {
        let sealed = sim.server.envelopes[0].body.clone();
        ChainId(
            SenderKeyMessage::from_bytes(sealed.as_slice())
                .unwrap()
                .chain_id(),
        )
    };
    let (bob, carol) = (sim.devices[1].address, sim.devices[2].address);
    sim.removes(1, 3);
    sim.learns(1, u32::MAX);
    let now = sim.now;
    let given = |sim: &mut Sim, to| {
        sim.devices[1].with(now, |engine, work| {
            engine.seeds_for(work, to, room, &[chain]).unwrap().is_some()
        })
    };
    assert!(!given(&mut sim, carol), "she was removed");
    let alice = sim.devices[0].address;
    assert!(given(&mut sim, alice));
    sim.connects(0);
    let mut answered = 0;
    for _ in 0..500 {
        let before = sim.devices[0].with(now, |_, work| {
            work.answers(bob).unwrap().map_or(0, |one| one.count)
        });
        sim.devices[0].with(now, |engine, work| {
            engine.take_sender_key_wanted(work, bob, room, &[]).unwrap();
        });
        let after = sim.devices[0].with(now, |_, work| {
            work.answers(bob).unwrap().map_or(0, |one| one.count)
        });
        answered += after - before;
    }
    assert_eq!(answered, 240);
}

#[test]
fn what_was_said_in_an_earlier_stay_is_unread_on_a_device_that_reads_it_only_now() {
    let policy = Policy {
        history: History::All,
        ..Policy::default()
    };
    let mut sim = Sim::group(3, 2, policy);
    sim.runs(1_000);
    // One device of the second account hears it at once, the other one after their return.
    sim.disconnects(3);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    sim.removes(1, 2);
    sim.all_learn();
    sim.adds(1, 2);
    sim.all_learn();
    sim.connects(3);
    sim.runs(MINUTE);
    let room = sim.room();
    for at in [2, 3] {
        assert_eq!(sim.devices[at].texts(room), ["one"]);
        let read = sim.devices[at].disk.find_room(room).unwrap().unwrap().read_up_to;
        assert_eq!(read, 0, "device {at}");
    }
}
