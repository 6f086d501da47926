//! Who read what when, and where chains end.

use conclave_protocol::RoomId;
use conclave_sigchain::room::{AccountHead, ClosedChain, Policy, RoomBody};

use super::sim::Sim;
use crate::content::ChainId;
use crate::posting::Roll;
use crate::posting::roll::End;

fn closed(chain: u8, iteration: u32) -> ClosedChain {
    ClosedChain {
        chain: [chain; 16],
        iteration,
        hash: conclave_protocol::Hash([chain; 32]),
    }
}

#[test]
fn a_reader_is_one_from_their_entry_on_until_they_depart_and_again_when_they_come_back() {
    let mut sim = Sim::group(2, 1, Policy::default());
    let (alice, bob, room) = (sim.id(1), sim.id(2), sim.room());
    let joined = sim.chain().head();
    sim.removes(1, 2);
    let left = sim.chain().head();
    sim.adds(1, 2);
    let back = sim.chain().head();
    let roll = sim.roll();
    for (head, reads) in [
        (joined - 1, false),
        (joined, true),
        (left - 1, true),
        (left, false),
        (back, true),
        (back + 5, true),
    ] {
        assert_eq!(roll.was_reader(room, bob, head), reads, "at {head}");
        assert!(roll.was_reader(room, alice, head));
    }
    assert_eq!(roll.reads_since(room, bob), Some(back));
    assert_eq!(roll.reads_since(room, alice), Some(0));
    assert!(!roll.was_reader(RoomId([9; 32]), alice, 0));
}

#[test]
fn epochs_begin_with_departures_and_end_with_the_next() {
    let mut sim = Sim::group(3, 1, Policy::default());
    let room = sim.room();
    sim.removes(1, 2);
    let first = sim.chain().head();
    sim.removes(1, 3);
    let second = sim.chain().head();
    let roll = sim.roll();
    assert_eq!(roll.epoch_at(room, first - 1), Some(0));
    assert_eq!(roll.epoch_at(room, first), Some(first));
    assert_eq!(roll.epoch_at(room, second + 9), Some(second));
    assert_eq!(roll.epoch_end(room, 0), Some(first));
    assert_eq!(roll.epoch_end(room, second), None);
    assert!(roll.has_epoch(room, first) && !roll.has_epoch(room, second + 1));
}

#[test]
fn chains_end_where_the_entry_says_and_those_it_does_not_name_end_at_once() {
    let mut sim = Sim::group(3, 1, Policy::default());
    let (bob, carol, room) = (sim.id(2), sim.id(3), sim.room());
    let epoch = sim.chain().state().epoch(room).unwrap();
    sim.says(
        1,
        RoomBody::Remove {
            account: bob,
            reason: Vec::new(),
            closings: vec![closed(1, 7)],
        },
    );
    let roll = sim.roll();
    let end = |account, chain, epoch| roll.end_of(room, account, None, (ChainId([chain; 16]), epoch));
    assert_eq!(end(bob, 1, epoch), End::Behind(7));
    assert_eq!(end(bob, 2, epoch), End::AtOnce);
    assert_eq!(end(carol, 2, epoch), End::Open);
    let next = sim.chain().head();
    assert_eq!(end(bob, 2, next), End::Open, "an epoch that it did not end");
}

#[test]
fn an_observation_ends_the_chains_of_the_revoked_device_alone() {
    let mut sim = Sim::group(2, 2, Policy::default());
    let (bob, room) = (sim.id(2), sim.room());
    let epoch = sim.chain().state().epoch(room).unwrap();
    let account = sim.server.accounts.get_mut(&bob).unwrap();
    account.revokes(0, conclave_protocol::DeviceId(1));
    let head = AccountHead {
        sequence: account.chain.head(),
        hash: account.chain.head_hash(),
    };
    let revoked = head.sequence;
    let before = sim.chain().head();
    sim.says(
        1,
        RoomBody::Observe {
            account: bob,
            head,
            closings: vec![closed(3, 2)],
        },
    );
    let roll = sim.roll();
    let end = |revoked, chain| roll.end_of(room, bob, revoked, (ChainId([chain; 16]), epoch));
    assert_eq!(end(Some(revoked), 3), End::Behind(2));
    assert_eq!(end(Some(revoked), 4), End::AtOnce);
    assert_eq!(end(None, 4), End::Open, "the other device goes on");
    assert!(!roll.had_observed(bob, revoked, before));
    assert!(roll.had_observed(bob, revoked, before + 1));
}

#[test]
fn a_roll_of_a_state_alone_knows_who_reads_now() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.removes(1, 3);
    let room = sim.room();
    let roll = Roll::of_state(sim.chain().state());
    let head = sim.chain().head();
    assert!(roll.is_of(head) && !roll.is_of(head + 1));
    assert!(roll.was_reader(room, sim.id(2), head));
    assert!(!roll.was_reader(room, sim.id(3), head));
    assert_eq!(roll.epoch_at(room, head), Some(head));
}

#[test]
fn a_roll_keeps_its_value_in_the_store() {
    let mut sim = Sim::group(3, 1, Policy::default());
    sim.removes(1, 3);
    let bytes = crate::codec::encode(&sim.roll());
    let read: Roll = crate::codec::decode(&bytes, "roll").unwrap();
    assert_eq!(read, sim.roll());
}
