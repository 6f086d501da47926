//! The ways out, mutes, and observed accounts.

use conclave_protocol::{Hash, Timestamp};

use super::people::{Person, Place, add, ban, head, leave, link, mute, observe, remove, terms};
use crate::room::limits::{CLOSINGS_MAX, MUTE_MAX_MS, ROOM_ENTRY_MAX};
use crate::room::{
    ClosedChain, Departure, Permissions, PostRefusal, RoomBody, RoomChainError, RoomEntry, RoomEvent,
};

fn closing(number: u16) -> ClosedChain {
    let mut chain = [0; 16];
    chain[..2].copy_from_slice(&number.to_be_bytes());
    ClosedChain {
        chain,
        iteration: 7,
        hash: Hash([1; 32]),
    }
}

#[test]
fn every_way_out_ends_the_epoch_and_closes_the_chains_that_it_names() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let closings = vec![closing(1), closing(2)];
    let account = other.id();
    let ways = [
        (
            &other,
            RoomBody::Leave {
                closings: closings.clone(),
            },
        ),
        (
            &owner,
            RoomBody::Remove {
                account,
                reason: vec![1],
                closings: closings.clone(),
            },
        ),
        (
            &owner,
            RoomBody::Ban {
                account,
                reason: vec![1],
                closings: closings.clone(),
            },
        ),
        (
            &owner,
            RoomBody::Observe {
                account,
                head: head(1),
                closings: closings.clone(),
            },
        ),
    ];
    for (by, body) in ways {
        let mut place = Place::group(&owner);
        let room = place.group_room();
        place.add(&owner, &other);
        assert_eq!(place.epoch(room), 0);
        let stays = matches!(body, RoomBody::Observe { .. });
        let change = place.does(by, body);
        assert_eq!(place.epoch(room), change.sequence);
        assert!(change.events.contains(&RoomEvent::EpochEnded(room)));
        assert!(
            change
                .events
                .contains(&RoomEvent::ChainsClosed(account, closings.clone()))
        );
        assert_eq!(place.is_member(&other), stays);
        assert_eq!(
            place.chain.state().readers(room).any(|reader| reader == account),
            stays
        );
    }
}

#[test]
fn what_only_adds_somebody_ends_no_epoch() {
    let (owner, other, third) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    let room = place.group_room();
    let key = link(1);
    place.add(&owner, &other);
    let invite = place.invite(&owner, terms(&key));
    let join = place.join(&third, invite, &key);
    place.does(&third, join);
    place.role(&owner, 3, Permissions::ALL);
    place.does(&owner, mute(&other, place.time + 5));
    assert_eq!(place.epoch(room), 0);
    // A ban of somebody who is no member shrinks nothing either.
    place.does(&owner, ban(&Person::new(9)));
    assert_eq!(place.epoch(room), 0);
}

#[test]
fn the_owner_stays_until_there_is_another() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    assert_eq!(place.refuses(&owner, leave()), RoomChainError::Owner);
    place.does(&owner, RoomBody::Transfer { account: other.id() });
    let change = place.does(&owner, leave());
    assert_eq!(
        change.events.first(),
        Some(&RoomEvent::Departed(owner.id(), Departure::Left))
    );
    assert_eq!(place.refuses(&owner, leave()), RoomChainError::NotMember);
}

#[test]
fn closed_chains_are_bounded_in_order_and_fit_an_entry() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    let most = u16::try_from(CLOSINGS_MAX).unwrap();
    let body = |closings: Vec<ClosedChain>| RoomBody::Ban {
        account: other.id(),
        reason: vec![0; 1024],
        closings,
    };
    let many: Vec<_> = (0..=most).map(closing).collect();
    assert_eq!(place.refuses(&owner, body(many.clone())), RoomChainError::Limit);
    assert_eq!(
        place.refuses(&owner, body(vec![closing(2), closing(1)])),
        RoomChainError::Order
    );
    assert_eq!(
        place.refuses(&owner, body(vec![closing(1), closing(1)])),
        RoomChainError::Order
    );
    place.does(&owner, body(many[1..].to_vec()));
    let bytes = place.entries.last().unwrap();
    assert!(bytes.len() < ROOM_ENTRY_MAX);
    assert!(RoomEntry::from_bytes(bytes).is_ok());
}

#[test]
fn a_muted_member_posts_nothing_until_then_not_even_by_coming_back() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    let room = place.group_room();
    place.add(&owner, &other);
    let now = place.time;
    for until in [now, now - 1, now + 400 * 24 * 60 * 60 * 1000] {
        assert_eq!(place.refuses(&owner, mute(&other, until)), RoomChainError::Limit);
    }
    place.does(&owner, mute(&other, now + 100));
    assert_eq!(
        place.refuses(&owner, mute(&other, now + 100)),
        RoomChainError::NoChange
    );
    let may = |place: &Place, time| place.chain.state().may_post(other.id(), room, Timestamp(time));
    let muted = Err(PostRefusal::Muted(Timestamp(now + 100)));
    assert_eq!(may(&place, now + 99), muted);
    assert_eq!(may(&place, now + 100), Ok(()));
    place.does(&other, leave());
    place.add(&owner, &other);
    assert_eq!(may(&place, now + 99), muted);
    place.does(&owner, mute(&other, 0));
    assert_eq!(may(&place, now), Ok(()));
    assert_eq!(place.refuses(&owner, mute(&other, 0)), RoomChainError::NoChange);
    assert_eq!(
        place.refuses(&other, mute(&owner, now + 5)),
        RoomChainError::Permission
    );
}

#[test]
fn any_member_records_a_new_head_of_a_member_once() {
    let (owner, one, other, stranger) = (Person::new(1), Person::new(2), Person::new(3), Person::new(4));
    let mut place = Place::group(&owner);
    let room = place.group_room();
    place.add(&owner, &one);
    place.add(&owner, &other);
    assert_eq!(
        place.refuses(&stranger, observe(&other, 2)),
        RoomChainError::NotMember
    );
    assert_eq!(
        place.refuses(&one, observe(&stranger, 2)),
        RoomChainError::NoSuchMember
    );
    let sequence = place.does(&one, observe(&other, 2)).sequence;
    assert_eq!(place.epoch(room), sequence);
    assert_eq!(place.refuses(&one, observe(&other, 2)), RoomChainError::NoChange);
    assert_eq!(
        place.refuses(&one, observe(&other, 1)),
        RoomChainError::HeadBehind
    );
    // A device that does not know the new head yet says nothing until it does.
    assert_eq!(place.refuses(&other, leave()), RoomChainError::HeadBehind);
    // An own entry with a later head is no observation: the epoch ends by one alone.
    place.does(
        &other.later(5),
        RoomBody::Nickname {
            account: other.id(),
            sealed: vec![1],
        },
    );
    assert_eq!(place.epoch(room), sequence);
    assert_eq!(place.chain.state().account(other.id()).unwrap().observed, 2);
    place.does(&one, observe(&other, 5));
    assert_eq!(place.chain.state().account(other.id()).unwrap().observed, 5);
}

#[test]
fn a_removed_member_may_come_back_and_starts_anew() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    let room = place.group_room();
    place.add(&owner, &other);
    let role = place.role(&owner, 3, Permissions::KICK);
    place.give(&owner, &other, &[role]);
    place.does(
        &other,
        RoomBody::Nickname {
            account: other.id(),
            sealed: vec![1],
        },
    );
    place.does(&owner, remove(&other));
    assert_eq!(
        place.refuses(&owner, remove(&other)),
        RoomChainError::NoSuchMember
    );
    let back = place.does(&owner, add(&other, &[])).sequence;
    let state = place.chain.state();
    let member = state.member(other.id()).unwrap();
    assert_eq!((member.joined, member.nickname.is_none()), (back, true));
    assert_eq!(state.roles_of(other.id()).count(), 0);
    assert_eq!(state.history_from(other.id(), room), Some(back));
}

#[test]
fn a_mute_lasts_for_as_long_as_the_limit_says_and_not_a_moment_more() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    let longest = place.time + MUTE_MAX_MS;
    assert_eq!(
        place.refuses(&owner, mute(&other, longest + 1)),
        RoomChainError::Limit
    );
    place.does(&owner, mute(&other, longest));
}
