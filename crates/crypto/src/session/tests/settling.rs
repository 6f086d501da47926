//! Which of several sessions both sides come to send on.

use super::{active, met};
use crate::limits::UNANSWERED_SESSION_LIFETIME;
use crate::tests::{Device, NOW, rng};
use crate::{PrekeyKind, Sessions};

#[test]
fn when_both_begin_at_once_both_first_messages_open_and_both_settle_on_one() {
    for kinds in [
        (PrekeyKind::OneTime, PrekeyKind::OneTime),
        (PrekeyKind::LastResort, PrekeyKind::OneTime),
    ] {
        let mut rng = rng(5);
        let mut alice = Device::new(1, &mut rng);
        let mut bob = Device::new(2, &mut rng);
        alice.begin(&mut bob, kinds.0, &mut rng);
        bob.begin(&mut alice, kinds.1, &mut rng);
        let smaller = active(&alice);
        let from_alice = alice.send(b"from alice", &mut rng);
        let from_bob = bob.send(b"from bob", &mut rng);
        assert_eq!(alice.receive(&bob.remote(), &from_bob).unwrap(), b"from bob");
        assert_eq!(bob.receive(&alice.remote(), &from_alice).unwrap(), b"from alice");
        assert_eq!((active(&alice), active(&bob)), (smaller, smaller));
        // What was still on its way on the other session opens and changes nothing.
        let answer = bob.send(b"answer", &mut rng);
        assert_eq!(alice.receive(&bob.remote(), &answer).unwrap(), b"answer");
        assert_eq!((active(&alice), active(&bob)), (smaller, smaller));
    }
}

#[test]
fn both_settle_on_one_session_even_when_its_first_message_comes_late() {
    // Alice's answer overtakes her own first message.
    let mut rng = rng(6);
    let mut alice = Device::new(2, &mut rng);
    let mut bob = Device::new(1, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    bob.begin(&mut alice, PrekeyKind::OneTime, &mut rng);
    let smaller = active(&bob);
    let late = alice.send(b"late", &mut rng);
    let from_bob = bob.send(b"from bob", &mut rng);
    alice.receive(&bob.remote(), &from_bob).unwrap();
    let answer = alice.send(b"answer", &mut rng);
    bob.receive(&alice.remote(), &answer).unwrap();
    bob.receive(&alice.remote(), &late).unwrap();
    assert_ne!(
        active(&bob),
        smaller,
        "an answered session gives way to one that the peer began"
    );
    for _ in 0..2 {
        let there = alice.send(b"there", &mut rng);
        bob.receive(&alice.remote(), &there).unwrap();
        let back = bob.send(b"back", &mut rng);
        alice.receive(&bob.remote(), &back).unwrap();
    }
    assert_eq!((active(&alice), active(&bob)), (smaller, smaller));
}

#[test]
fn a_peer_that_lost_its_sessions_begins_anew_and_is_followed() {
    // Bob has the larger address, so the rule for simultaneous starts alone would keep the dead session.
    let (mut alice, mut bob, mut rng) = met(7);
    bob.sessions = Sessions::default();
    bob.begin(&mut alice, PrekeyKind::OneTime, &mut rng);
    let anew = bob.send(b"anew", &mut rng);
    assert_eq!(alice.receive(&bob.remote(), &anew).unwrap(), b"anew");
    let answer = alice.send(b"answer", &mut rng);
    assert_eq!(bob.receive(&alice.remote(), &answer).unwrap(), b"answer");
    assert_eq!(active(&alice), active(&bob));
}

#[test]
fn the_initiator_of_two_sessions_is_followed_to_the_one_it_sends_on() {
    let mut rng = rng(8);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let older = alice.send(b"older", &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let newer = alice.send(b"newer", &mut rng);
    bob.receive(&alice.remote(), &newer).unwrap();
    bob.receive(&alice.remote(), &older).unwrap();
    let next = alice.send(b"next", &mut rng);
    bob.receive(&alice.remote(), &next).unwrap();
    assert_eq!(active(&alice), active(&bob));
    // An answer on the older one does not bring its initiator back.
    let answer = bob.send(b"answer", &mut rng);
    alice.receive(&bob.remote(), &answer).unwrap();
    assert_eq!(active(&alice), active(&bob));
}

#[test]
fn an_answer_on_an_older_session_does_not_bring_the_initiator_of_both_back_to_it() {
    let mut rng = rng(9);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let older = alice.send(b"older", &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let newer = active(&alice);
    // Bob heard of the older one alone and answers there.
    bob.receive(&alice.remote(), &older).unwrap();
    let answer = bob.send(b"answer", &mut rng);
    assert_eq!(alice.receive(&bob.remote(), &answer).unwrap(), b"answer");
    assert_eq!(active(&alice), newer);
}

#[test]
fn an_expired_initiation_gives_way_to_the_session_that_the_peer_uses() {
    // Alice has the smaller address, so only the time makes hers give way.
    for bob_begins_late in [false, true] {
        let mut rng = rng(18);
        let mut alice = Device::new(1, &mut rng);
        let mut bob = Device::new(2, &mut rng);
        alice.begin_at(
            &mut bob,
            PrekeyKind::OneTime,
            NOW - UNANSWERED_SESSION_LIFETIME,
            &mut rng,
        );
        if bob_begins_late {
            alice.sessions.list[0].created_at -= 1;
        }
        bob.begin(&mut alice, PrekeyKind::OneTime, &mut rng);
        let first = bob.send(b"first", &mut rng);
        alice.receive(&bob.remote(), &first).unwrap();
        assert_eq!(active(&alice) == active(&bob), bob_begins_late);
        alice
            .sessions
            .list
            .iter_mut()
            .for_each(|session| session.created_at -= 1);
        let second = bob.send(b"second", &mut rng);
        alice.receive(&bob.remote(), &second).unwrap();
        assert_eq!(active(&alice), active(&bob));
        assert!(alice.sessions.has_active(NOW));
    }
}

#[test]
fn a_session_that_the_peer_cannot_open_is_given_up_for_the_one_it_began() {
    let mut rng = rng(10);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    bob.prekeys.clear();
    let first = alice.send(b"hello", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap_err();
    bob.begin(&mut alice, PrekeyKind::OneTime, &mut rng);
    let complaint = bob.send(b"I cannot read you", &mut rng);
    alice.receive(&bob.remote(), &complaint).unwrap();
    assert!(
        alice.sessions.is_unanswered(),
        "the rule for simultaneous starts kept ours"
    );
    assert!(alice.sessions.abandon_unanswered());
    let again = alice.send(b"hello again", &mut rng);
    assert_eq!(bob.receive(&alice.remote(), &again).unwrap(), b"hello again");
    assert!(
        !alice.sessions.abandon_unanswered(),
        "an answered session is not given up"
    );
}
