//! The ways in.

use conclave_protocol::Timestamp;
use ed25519_dalek::Signer;

use super::people::{Person, Place, add, ban, head, leave, link, remove, terms};
use crate::room::{
    AccountHead, Entrance, History, InviteTerms, Permissions, PlaceKind, Policy, RoomBody, RoomChainError,
    RoomEvent, invite_read_bytes, join_proof_bytes,
};

#[test]
fn whoever_has_the_link_joins_and_nobody_else() {
    let (owner, friend, stranger) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    let key = link(1);
    let invite = place.invite(&owner, terms(&key));
    let body = place.join(&friend, invite, &key);
    // The proof is for one account, one head, one invite and one place.
    assert_eq!(place.refuses(&stranger, body.clone()), RoomChainError::Proof);
    assert_eq!(
        place.refuses(&friend.later(1), body.clone()),
        RoomChainError::Proof
    );
    let second = place.invite(&owner, terms(&link(2)));
    let crossed = place.join(&friend, second, &key);
    assert_eq!(place.refuses(&friend, crossed), RoomChainError::Proof);
    let elsewhere = RoomBody::Join {
        invite,
        proof: key
            .sign(&join_proof_bytes(
                conclave_protocol::PlaceId([1; 32]),
                invite,
                friend.id(),
                friend.author.head,
            ))
            .to_bytes(),
    };
    assert_eq!(place.refuses(&friend, elsewhere), RoomChainError::Proof);
    let change = place.does(&friend, body.clone());
    assert_eq!(
        change.events,
        [RoomEvent::Joined(friend.id(), Entrance::Invite(invite))]
    );
    assert_eq!(place.refuses(&friend, body), RoomChainError::AlreadyMember);
}

#[test]
fn what_lets_one_account_read_by_an_invite_lets_no_other_and_is_no_proof_of_joining() {
    let (owner, friend, stranger) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    let key = link(1);
    let ends = InviteTerms {
        expires: Some(Timestamp(place.time + 60_000)),
        ..terms(&key)
    };
    let id = place.invite(&owner, ends);
    let invite = place.chain.state().invite(id).unwrap().clone();
    let read = |who: &Person| invite_read_bytes(place.chain.place(), id, who.id());
    let proof = key.sign(&read(&friend)).to_bytes();
    assert!(invite.signed(&read(&friend), &proof));
    assert!(!invite.signed(&read(&stranger), &proof));
    let join = join_proof_bytes(place.chain.place(), id, friend.id(), friend.author.head);
    assert!(!invite.signed(&join, &proof));
    let expires = invite.expires.unwrap();
    assert!(!invite.has_expired(expires) && invite.has_expired(expires.plus(1)));
}

#[test]
fn an_invite_is_used_as_often_as_it_says() {
    let owner = Person::new(1);
    let mut place = Place::group(&owner);
    let key = link(1);
    let two = InviteTerms {
        uses: Some(2),
        ..terms(&key)
    };
    let none = InviteTerms {
        uses: Some(0),
        ..terms(&key)
    };
    assert_eq!(
        place.refuses(&owner, RoomBody::Invite(none)),
        RoomChainError::Limit
    );
    let invite = place.invite(&owner, two);
    for (number, error) in [(2, None), (3, None), (4, Some(RoomChainError::NoSuchInvite))] {
        let person = Person::new(number);
        let body = place.join(&person, invite, &key);
        assert_eq!(place.act(&person, body).err(), error);
    }
}

#[test]
fn an_invite_ends_by_entry_time_and_stays_ended() {
    let (owner, friend) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    let key = link(1);
    let until = |time| InviteTerms {
        expires: Some(Timestamp(time)),
        ..terms(&key)
    };
    let now = place.time;
    for time in [0, now, now + 400 * 24 * 60 * 60 * 1000] {
        assert_eq!(
            place.refuses(&owner, RoomBody::Invite(until(time))),
            RoomChainError::Limit
        );
    }
    let invite = place.invite(&owner, until(now + 10));
    let body = place.join(&friend, invite, &key);
    place.time = now + 11;
    assert_eq!(
        place.refuses(&friend, body.clone()),
        RoomChainError::InviteExpired
    );
    let mut on_time = place.clone();
    on_time.time = now + 10;
    on_time.does(&friend, body.clone());
    // Once an entry is past it, no earlier time is accepted any more.
    place.invite(&owner, terms(&link(2)));
    let mut entry = place.chain.next_entry(friend.author, Timestamp(place.time), body);
    entry.time = Timestamp(now + 10);
    assert_eq!(
        place.offer(&friend.sign(entry)),
        Err(RoomChainError::TimeBackwards)
    );
}

#[test]
fn an_invite_is_revoked_by_its_maker_or_by_a_manager_and_goes_with_its_maker() {
    let (owner, maker, other) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    place.add(&owner, &maker);
    place.add(&owner, &other);
    let key = link(1);
    let revoke = |invite| RoomBody::RevokeInvite { invite };
    let first = place.invite(&maker, terms(&key));
    assert_eq!(place.refuses(&other, revoke(first)), RoomChainError::Permission);
    place.does(&maker, revoke(first));
    assert_eq!(place.refuses(&maker, revoke(first)), RoomChainError::NoSuchInvite);
    let second = place.invite(&maker, terms(&key));
    place.does(&owner, revoke(second));
    let third = place.invite(&maker, terms(&key));
    let change = place.does(&owner, remove(&maker));
    assert!(change.events.contains(&RoomEvent::InviteEnded(third)));
    let back = place.join(&maker, third, &key);
    assert_eq!(place.refuses(&maker, back), RoomChainError::NoSuchInvite);
}

#[test]
fn an_invite_with_approval_needs_a_yes() {
    let (owner, guest, member) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    place.add(&owner, &member);
    let key = link(1);
    let invite = place.invite(
        &owner,
        InviteTerms {
            approval: true,
            uses: Some(3),
            ..terms(&key)
        },
    );
    let plain = place.invite(&owner, terms(&link(2)));
    let join = place.join(&guest, invite, &key);
    assert_eq!(place.refuses(&guest, join), RoomChainError::InviteKind);
    let wrong = place.request(&guest, plain, &link(2));
    assert_eq!(place.refuses(&guest, wrong), RoomChainError::InviteKind);
    let forged = place.request(&guest, invite, &link(2));
    assert_eq!(place.refuses(&guest, forged), RoomChainError::Proof);
    let request = place.request(&guest, invite, &key);
    place.does(&guest, request.clone());
    assert!(!place.is_member(&guest));
    assert_eq!(
        place.refuses(&guest, request.clone()),
        RoomChainError::AlreadyRequested
    );
    let (approve, decline) = (
        RoomBody::Approve { account: guest.id() },
        RoomBody::Decline { account: guest.id() },
    );
    assert_eq!(
        place.refuses(&member, approve.clone()),
        RoomChainError::Permission
    );
    assert_eq!(place.refuses(&guest, approve.clone()), RoomChainError::NotMember);
    // Taken back, declined, approved: three uses of the invite.
    place.does(&guest, leave());
    place.does(&guest, request.clone());
    place.does(&owner, decline.clone());
    assert_eq!(place.refuses(&owner, decline), RoomChainError::NoSuchRequest);
    place.does(&guest, request);
    let change = place.does(&owner, approve.clone());
    assert_eq!(
        change.events,
        [RoomEvent::Joined(guest.id(), Entrance::Approved(invite))]
    );
    assert_eq!(place.refuses(&owner, approve), RoomChainError::NoSuchRequest);
    assert!(place.chain.state().invite(invite).is_none());
}

#[test]
fn a_banned_account_comes_in_by_no_way() {
    let (owner, bad) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    let (key, asked) = (link(1), link(2));
    let invite = place.invite(&owner, terms(&key));
    let approval = place.invite(
        &owner,
        InviteTerms {
            approval: true,
            ..terms(&asked)
        },
    );
    let request = place.request(&bad, approval, &asked);
    place.does(&bad, request.clone());
    // The ban takes the request away.
    place.does(&owner, ban(&bad));
    assert_eq!(place.chain.state().requests().count(), 0);
    let join = place.join(&bad, invite, &key);
    assert_eq!(place.refuses(&bad, join.clone()), RoomChainError::Banned);
    assert_eq!(place.refuses(&bad, request), RoomChainError::Banned);
    assert_eq!(place.refuses(&owner, add(&bad, &[])), RoomChainError::Banned);
    assert_eq!(place.refuses(&owner, ban(&bad)), RoomChainError::Banned);
    place.does(&owner, RoomBody::Unban { account: bad.id() });
    assert_eq!(
        place.refuses(&owner, RoomBody::Unban { account: bad.id() }),
        RoomChainError::NotBanned
    );
    place.does(&bad, join);
}

#[test]
fn adding_and_inviting_need_their_permissions() {
    let (owner, member, other) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::new(&owner, PlaceKind::Group, Permissions::POST);
    place.add(&owner, &member);
    assert_eq!(
        place.refuses(&member, add(&other, &[])),
        RoomChainError::Permission
    );
    assert_eq!(
        place.refuses(&member, RoomBody::Invite(terms(&link(1)))),
        RoomChainError::Permission
    );
    assert_eq!(
        place.refuses(&other, add(&member, &[])),
        RoomChainError::NotMember
    );
    assert_eq!(
        place.refuses(&owner, add(&member, &[])),
        RoomChainError::AlreadyMember
    );
    let weak = InviteTerms {
        key: [0; 32],
        ..terms(&link(1))
    };
    assert_eq!(place.refuses(&owner, RoomBody::Invite(weak)), RoomChainError::Key);
}

#[test]
fn an_account_is_not_added_with_a_head_that_is_known_to_be_old() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::group(&owner);
    place.add(&owner, &other.later(5));
    place.does(&owner, remove(&other));
    assert_eq!(
        place.refuses(&owner, add(&other.later(4), &[])),
        RoomChainError::HeadBehind
    );
    let mut forked = other.later(5);
    forked.author.head = AccountHead {
        sequence: 5,
        ..head(6)
    };
    assert_eq!(place.refuses(&owner, add(&forked, &[])), RoomChainError::HeadFork);
    place.add(&owner, &other.later(6));
}

#[test]
fn history_for_newcomers_is_what_was_sent_under_a_policy_that_shares_it() {
    let (owner, early, late) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    let room = place.group_room();
    let joined = place.add(&owner, &early).sequence;
    assert_eq!(place.chain.state().history_from(early.id(), room), Some(joined));
    let share = |history| RoomBody::Policy {
        channel: None,
        policy: Policy {
            history,
            ..Policy::default()
        },
    };
    let shared = place.does(&owner, share(History::All)).sequence;
    place.add(&owner, &late);
    // Whoever joins later reads from the change on, and nobody loses what they had.
    let state = place.chain.state();
    assert_eq!(state.history_from(late.id(), room), Some(shared));
    assert_eq!(state.history_from(early.id(), room), Some(joined));
    assert_eq!(state.history_from(Person::new(9).id(), room), None);
}
