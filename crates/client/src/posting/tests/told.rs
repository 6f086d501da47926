//! How far a message got is the same on all devices of its author, whatever each of them heard first.

use conclave_protocol::EnvelopeId;
use conclave_sigchain::room::{History, Policy};

use super::sim::Sim;
use crate::content::{Receipt, StandsAt};
use crate::rows::Delivery;
use crate::user_store::views::PersonChange;

const MINUTE: u64 = 60_000;

/// How far the newest message got, on the first devices of the list.
fn states<const N: usize>(sim: &Sim) -> [Delivery; N] {
    let room = sim.room();
    std::array::from_fn(|at| sim.devices[at].timeline(room).last().unwrap().delivery)
}

/// Reads the newest message on a device.
fn reads_all(sim: &mut Sim, at: usize) {
    let room = sim.room();
    let newest = sim.devices[at].timeline(room).last().unwrap().id;
    sim.reads(at, newest);
}

#[test]
fn a_device_that_was_away_hears_how_far_the_messages_of_another_own_device_got() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    sim.disconnects(1);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    sim.sends(0, "two");
    sim.runs(MINUTE);
    reads_all(&mut sim, 2);
    sim.runs(MINUTE);
    sim.sends(0, "three");
    sim.runs(MINUTE);
    sim.connects(1);
    sim.runs(MINUTE);
    let room = sim.room();
    for at in 0..2 {
        let rows = sim.devices[at].timeline(room);
        let states: Vec<_> = rows.iter().map(|row| row.delivery).collect();
        assert_eq!(
            states,
            [Delivery::Read, Delivery::Read, Delivery::Delivered],
            "device {at}"
        );
    }
}

#[test]
fn a_receipt_for_what_is_not_here_yet_survives_the_end_of_the_program() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    sim.disconnects(1);
    sim.sends(0, "one");
    sim.runs(0);
    // Of the receipts only what is given by hand below reaches the second device.
    let away = sim.devices[1].address;
    sim.server.swallows.insert(away);
    sim.runs(MINUTE);
    reads_all(&mut sim, 2);
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Read]);
    let from = sim.devices[2].address.account;
    let id = sim.devices[0].timeline(sim.room())[0].id;
    let receipt = Receipt {
        delivered: vec![id],
        read: Some(id),
        read_at: None,
    };
    let now = sim.now;
    sim.devices[1].with(now, |engine, work| {
        engine.take_receipt(work, from, &receipt).unwrap();
    });
    sim.restarts(1);
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Read; 2]);
}

#[test]
fn a_receipt_for_what_was_lost_live_has_the_room_read() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    let deaf = sim.devices[1].address;
    sim.server.deaf.insert(deaf);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered; 2]);
}

#[test]
fn a_device_that_had_no_prekeys_hears_later_how_far_messages_got() {
    let mut sim = Sim::group(2, 2, Policy::default());
    let bare = sim.devices[1].address;
    sim.server.without_prekeys.insert(bare);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    reads_all(&mut sim, 2);
    sim.runs(MINUTE);
    assert_eq!(states::<1>(&sim), [Delivery::Read]);
    sim.server.without_prekeys.clear();
    sim.runs(20 * MINUTE);
    assert_eq!(states(&sim), [Delivery::Read; 2]);
}

#[test]
fn what_was_seen_before_a_message_that_an_own_device_lacks_is_read_there_too() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered; 2]);
    let from = sim.devices[2].address.account;
    let room = sim.room();
    let receipt = Receipt {
        delivered: Vec::new(),
        read: Some(EnvelopeId([9; 16])),
        read_at: Some(StandsAt { room, sequence: 2 }),
    };
    let now = sim.now;
    sim.devices[1].with(now, |engine, work| {
        engine.take_receipt(work, from, &receipt).unwrap();
    });
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered, Delivery::Read]);
}

#[test]
fn what_was_told_while_the_account_was_out_counts_once_its_messages_are_here() {
    let policy = Policy {
        history: History::All,
        ..Policy::default()
    };
    let mut sim = Sim::group(3, 2, policy);
    sim.runs(1_000);
    // The second device of the second account was away when the first one said something.
    sim.disconnects(3);
    sim.sends(2, "one");
    sim.runs(MINUTE);
    sim.removes(1, 2);
    sim.all_learn();
    sim.connects(3);
    sim.runs(20 * MINUTE);
    assert!(sim.devices[3].texts(sim.room()).is_empty());
    sim.adds(1, 2);
    sim.all_learn();
    sim.runs(MINUTE);
    let room = sim.room();
    for at in [2, 3] {
        let rows = sim.devices[at].timeline(room);
        let states: Vec<_> = rows.iter().map(|row| row.delivery).collect();
        assert_eq!(states, [Delivery::Delivered], "device {at}");
    }
}

#[test]
fn receipts_for_what_never_comes_have_the_rooms_read_once_in_a_while() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    let before = sim.server.pages;
    let from = sim.devices[1].address.account;
    for number in 0..20 {
        let receipt = Receipt {
            delivered: vec![EnvelopeId([number; 16])],
            ..Receipt::default()
        };
        let now = sim.now;
        sim.devices[0].with(now, |engine, work| {
            engine.take_receipt(work, from, &receipt).unwrap();
        });
        sim.runs(20_000);
    }
    assert_eq!(sim.server.pages - before, 1);
    reads_all(&mut sim, 1);
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Read], "and keep nothing back");
}

#[test]
fn whoever_leaves_is_not_waited_for_on_any_device() {
    let mut sim = Sim::group(3, 2, Policy::default());
    sim.runs(1_000);
    for away in [1, 4, 5] {
        sim.disconnects(away);
    }
    sim.sends(0, "one");
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Sent]);
    sim.removes(1, 3);
    sim.all_learn();
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered]);
    sim.adds(1, 3);
    sim.all_learn();
    sim.runs(MINUTE);
    sim.connects(1);
    sim.runs(MINUTE);
    assert_eq!(
        states(&sim),
        [Delivery::Delivered; 2],
        "also where they came back"
    );
}

#[test]
fn whoever_comes_later_is_not_waited_for_on_any_device() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    for away in 1..4 {
        sim.disconnects(away);
    }
    sim.sends(0, "one");
    sim.runs(MINUTE);
    sim.joins(1, 3);
    sim.all_learn();
    sim.runs(MINUTE);
    for back in 1..4 {
        sim.connects(back);
    }
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered; 2]);
}

#[test]
fn where_all_who_had_it_left_a_message_got_as_far_as_they_said() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    sim.disconnects(1);
    sim.sends(0, "one");
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered]);
    sim.removes(1, 2);
    sim.all_learn();
    // What strangers say who share no place is not heard, so they are known to each other.
    let (now, bob) = (sim.now, sim.id(2));
    let accepted = PersonChange {
        accepted: true,
        ..PersonChange::default()
    };
    sim.devices[1].with(now, |engine, work| {
        engine.set_person(work, 1, bob, &accepted).unwrap();
    });
    sim.connects(1);
    sim.runs(MINUTE);
    assert_eq!(states(&sim), [Delivery::Delivered; 2]);
}

#[test]
fn whoever_is_let_in_again_reads_what_was_said_meanwhile_before_anything_else_is_said() {
    let policy = Policy {
        history: History::All,
        ..Policy::default()
    };
    let mut sim = Sim::group(2, 1, policy);
    sim.runs(1_000);
    sim.sends(0, "before");
    sim.runs(MINUTE);
    sim.removes(1, 2);
    sim.all_learn();
    sim.sends(0, "meanwhile");
    sim.runs(MINUTE);
    sim.adds(1, 2);
    sim.all_learn();
    sim.runs(MINUTE);
    assert_eq!(sim.devices[1].texts(sim.room()), ["before", "meanwhile"]);
}

#[test]
fn while_a_message_of_somebody_is_not_opened_nothing_is_recorded_about_their_lost_devices() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.runs(1_000);
    let place = sim.chain().place();
    let author = sim.devices[0].address.account;
    let has_read = |sim: &mut Sim, at: usize| {
        let now = sim.now;
        sim.devices[at].with(now, |engine, work| {
            let chain = engine.place_chain(work, place).unwrap().unwrap();
            engine.has_read_all_of(work, &chain, author).unwrap()
        })
    };
    sim.sends(0, "one");
    sim.runs(MINUTE);
    assert!(has_read(&mut sim, 1));
    // The key of what is said next is lost.
    sim.removes(1, 3);
    sim.all_learn();
    sim.server.swallows.insert(sim.devices[1].address);
    sim.sends(0, "two");
    sim.runs(1);
    assert!(!has_read(&mut sim, 1));
    sim.server.swallows.clear();
    sim.runs(30 * MINUTE);
    assert!(has_read(&mut sim, 1));
}
