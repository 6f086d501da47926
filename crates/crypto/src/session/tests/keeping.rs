//! What is kept, for how long, and in which form.

use super::met;
use crate::limits::{
    MAX_INACTIVE_SESSIONS, MAX_SESSIONS_STATE, MAX_SKIPPED_PER_JUMP, REPLACED_SESSION_LIFETIME,
    SKIPPED_KEY_LIFETIME, UNANSWERED_SESSION_LIFETIME,
};
use crate::tests::{AD, Device, NOW, rng};
use crate::{OpenError, PairwiseMessage, PrekeyKind, Purpose, SealError, Sessions, StateError};

#[test]
fn an_unanswered_session_expires_and_its_late_answer_still_opens() {
    let mut rng = rng(9);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin_at(
        &mut bob,
        PrekeyKind::OneTime,
        NOW - UNANSWERED_SESSION_LIFETIME,
        &mut rng,
    );
    assert!(alice.sessions.has_active(NOW) && alice.sessions.is_unanswered());
    let first = alice.send(b"hello", &mut rng);
    assert!(!alice.sessions.has_active(NOW + 1));
    let refused = alice.sessions.seal(Purpose::Control, AD, b"x", NOW + 1, &mut rng);
    assert_eq!(refused, Err(SealError::NoSession));
    bob.receive(&alice.remote(), &first).unwrap();
    let answer = bob.send(b"late", &mut rng);
    assert_eq!(alice.receive(&bob.remote(), &answer).unwrap(), b"late");
    assert!(
        alice.sessions.has_active(NOW + 1),
        "an answered session does not expire"
    );
}

#[test]
fn at_most_five_inactive_sessions_are_kept_the_latest_used() {
    let (mut alice, mut bob, mut rng) = met(11);
    let on_the_oldest = bob.send(b"too late", &mut rng);
    let mut on_the_second = None;
    for _ in 0..=MAX_INACTIVE_SESSIONS {
        alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
        let first = alice.send(b"again", &mut rng);
        bob.receive(&alice.remote(), &first).unwrap();
        on_the_second.get_or_insert(bob.send(b"in time", &mut rng));
    }
    assert_eq!(alice.sessions.list.len(), MAX_INACTIVE_SESSIONS + 1);
    assert_eq!(
        alice.receive(&bob.remote(), &on_the_oldest),
        Err(OpenError::NotAuthentic)
    );
    assert_eq!(
        alice.receive(&bob.remote(), &on_the_second.unwrap()).unwrap(),
        b"in time"
    );
}

#[test]
fn a_replaced_session_ends_after_thirty_days_and_so_does_what_a_thief_of_it_can_write() {
    let (mut alice, mut bob, mut rng) = met(26);
    let mut thief = Sessions::from_bytes(&alice.sessions.to_bytes()).unwrap();
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"anew", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();

    let mut write = |sessions: &mut Sessions, now| {
        let bytes = sessions
            .seal(Purpose::Control, AD, b"old", now, &mut rng)
            .unwrap();
        match PairwiseMessage::from_bytes(&bytes).unwrap() {
            PairwiseMessage::Ratchet(message) => message,
            PairwiseMessage::Prekey(prekey) => prekey.message,
        }
    };
    let (last, over) = (
        write(&mut thief, NOW + REPLACED_SESSION_LIFETIME),
        write(&mut thief, NOW + REPLACED_SESSION_LIFETIME + 1),
    );
    // Mail that was long on its way opens until then.
    let mut late = Sessions::from_bytes(&bob.sessions.to_bytes()).unwrap();
    assert!(
        late.open(Purpose::Control, AD, &last, NOW + REPLACED_SESSION_LIFETIME)
            .is_ok()
    );
    let refused = bob
        .sessions
        .open(Purpose::Control, AD, &over, NOW + REPLACED_SESSION_LIFETIME + 1);
    assert!(refused.is_err());
    assert_eq!(bob.sessions.list.len(), 2, "a refusal changes nothing");
    bob.sessions.expire(NOW + REPLACED_SESSION_LIFETIME);
    assert_eq!(bob.sessions.list.len(), 2);
    bob.sessions.expire(NOW + REPLACED_SESSION_LIFETIME + 1);
    assert_eq!(bob.sessions.list.len(), 1);
    assert!(bob.sessions.has_active(NOW + REPLACED_SESSION_LIFETIME + 1));
}

#[test]
fn nothing_is_replaced_by_a_session_that_nobody_answered() {
    let (mut alice, mut bob, mut rng) = met(27);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let later = NOW + UNANSWERED_SESSION_LIFETIME.max(REPLACED_SESSION_LIFETIME) + 1;
    alice.sessions.expire(later);
    assert_eq!(alice.sessions.list.len(), 2);
}

#[test]
fn skipped_keys_are_counted_and_dropped_on_request() {
    let (mut alice, mut bob, mut rng) = met(12);
    for _ in 0..10 {
        alice.send(b"lost", &mut rng);
    }
    let message = alice.send(b"kept", &mut rng);
    bob.receive(&alice.remote(), &message).unwrap();
    assert_eq!(bob.sessions.skipped_keys(), 10);
    bob.sessions.drop_skipped_keys(4);
    assert_eq!(bob.sessions.skipped_keys(), 6);
    bob.sessions.drop_skipped_keys(usize::MAX);
    assert_eq!(bob.sessions.skipped_keys(), 0);
}

#[test]
fn skipped_keys_of_silent_sessions_expire_when_asked() {
    let (mut alice, mut bob, mut rng) = met(17);
    alice.send(b"lost", &mut rng);
    let message = alice.send(b"kept", &mut rng);
    bob.receive(&alice.remote(), &message).unwrap();
    bob.sessions.expire(NOW + SKIPPED_KEY_LIFETIME);
    assert_eq!(bob.sessions.skipped_keys(), 1);
    bob.sessions.expire(NOW + SKIPPED_KEY_LIFETIME + 1);
    assert_eq!(bob.sessions.skipped_keys(), 0);
}

#[test]
fn opening_on_one_session_expires_the_skipped_keys_of_all() {
    let (mut alice, mut bob, mut rng) = met(21);
    alice.send(b"lost", &mut rng);
    let message = alice.send(b"kept", &mut rng);
    bob.receive(&alice.remote(), &message).unwrap();
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"again", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    assert_eq!(bob.sessions.skipped_keys(), 1);
    let PairwiseMessage::Prekey(next) = PairwiseMessage::from_bytes(&alice.send(b"next", &mut rng)).unwrap()
    else {
        panic!("an unanswered session repeats its header");
    };
    let later = NOW + SKIPPED_KEY_LIFETIME + 1;
    assert!(
        bob.sessions
            .open_prekey(&next, Purpose::Control, AD, later)
            .unwrap()
            .is_ok()
    );
    assert_eq!(bob.sessions.skipped_keys(), 0);
}

#[test]
fn a_full_state_saves_and_loads_exactly() {
    let (mut alice, mut bob, mut rng) = met(13);
    for _ in 0..MAX_INACTIVE_SESSIONS {
        alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
        for _ in 0..MAX_SKIPPED_PER_JUMP {
            alice.send(b"lost", &mut rng);
        }
        let message = alice.send(b"kept", &mut rng);
        bob.receive(&alice.remote(), &message).unwrap();
    }
    assert_eq!(bob.sessions.skipped_keys(), 5_000);
    bob.restart();
    alice.restart();
    let steady = bob.send(b"still", &mut rng);
    assert_eq!(alice.receive(&bob.remote(), &steady).unwrap(), b"still");
}

#[test]
fn a_stored_responder_with_a_header_to_repeat_is_refused() {
    let mut rng = rng(22);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let mut state = alice.sessions.to_bytes();
    let role = Sessions::default().to_bytes().len();
    assert_eq!(state[role], 0);
    state[role] = 1;
    assert!(Sessions::from_bytes(&state).is_err());
}

#[test]
fn a_stored_state_over_its_limit_is_refused_whatever_it_says() {
    assert_eq!(
        Sessions::from_bytes(&vec![0; MAX_SESSIONS_STATE + 1]).err(),
        Some(StateError::OverLimit)
    );
}
