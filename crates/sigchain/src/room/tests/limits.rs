//! That everything ends somewhere.

use conclave_protocol::AccountId;

use super::people::{Person, Place, add, ban, channel, leave, link, remove, terms};
use crate::room::limits::{
    BANS_MAX, CATEGORIES_MAX, CHANNELS_MAX, ENTRIES_LAST, ENTRIES_MAX, GROUP_INVITES_MAX, GROUP_MEMBERS_MAX,
    INVITES_MAX, MEMBERS_MAX, REQUESTS_MAX, SEALED_MAX, SEALED_NAME_MAX, SEALED_NICKNAME_MAX,
    SEALED_REASON_MAX,
};
use crate::room::{
    Audience, Ban, CategoryDefinition, CategoryId, ChannelId, ChannelKind, InviteId, InviteTerms,
    MetadataField, RoomBody, RoomChain, RoomChainError, RoomState,
};

/// The place, with a state that somebody else made.
fn with_state(place: &mut Place, change: impl FnOnce(&mut RoomState)) {
    let mut state = place.chain.state().clone();
    change(&mut state);
    place.chain = RoomChain::of_state(state);
}

fn account(number: usize) -> AccountId {
    let mut id = [0xcc; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    AccountId(id)
}

#[test]
fn a_place_has_no_more_of_anything_than_its_limits_say() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let key = link(1);

    let members = |place: &mut Place, count: usize| {
        with_state(place, |state| {
            let (member, known) = (
                state.members[&owner.id()].clone(),
                state.accounts[&owner.id()].clone(),
            );
            for number in state.members.len()..count {
                state.members.insert(account(number), member.clone());
                state.accounts.insert(account(number), known.clone());
            }
        });
    };
    for (mut place, most, invites) in [
        (Place::group(&owner), GROUP_MEMBERS_MAX, GROUP_INVITES_MAX),
        (Place::community(&owner), MEMBERS_MAX, INVITES_MAX),
    ] {
        members(&mut place, most - 1);
        let mut full = place.clone();
        place.add(&owner, &other);
        members(&mut full, most);
        assert_eq!(full.refuses(&owner, add(&other, &[])), RoomChainError::TooMany);
        let invite = full.invite(&owner, terms(&key));
        let join = full.join(&other, invite, &key);
        assert_eq!(full.refuses(&other, join), RoomChainError::TooMany);
        with_state(&mut full, |state| {
            let invite = state.invites[&invite].clone();
            for number in 1..u32::try_from(invites).unwrap() {
                state.invites.insert(InviteId(1_000_000 + number), invite.clone());
            }
        });
        assert_eq!(
            full.refuses(&owner, RoomBody::Invite(terms(&key))),
            RoomChainError::TooMany
        );
    }

    let mut place = Place::community(&owner);
    let open = || channel(ChannelKind::Text, Audience::Everyone);
    let category = || {
        RoomBody::CreateCategory(CategoryDefinition {
            position: 0,
            sealed: vec![1],
        })
    };
    let (id, _) = place.channel(&owner, Audience::Everyone);
    let first = CategoryId(place.does(&owner, category()).sequence);
    let asked = place.invite(
        &owner,
        InviteTerms {
            approval: true,
            ..terms(&key)
        },
    );
    let request = place.request(&other, asked, &key);
    place.does(&other, request);
    with_state(&mut place, |state| {
        let (channel, category) = (state.channels[&id].clone(), state.categories[&first].clone());
        let request = state.requests[&other.id()];
        for number in 1..u32::try_from(CHANNELS_MAX).unwrap() {
            state
                .channels
                .insert(ChannelId(1_000_000 + number), channel.clone());
        }
        for number in 1..u32::try_from(CATEGORIES_MAX).unwrap() {
            state
                .categories
                .insert(CategoryId(1_000_000 + number), category.clone());
        }
        for number in 1..REQUESTS_MAX {
            state.requests.insert(account(number), request);
        }
        for number in 0..BANS_MAX {
            let ban = Ban {
                by: owner.id(),
                sequence: 0,
            };
            state.bans.insert(account(1_000_000 + number), ban);
        }
    });
    assert_eq!(place.refuses(&owner, open()), RoomChainError::TooMany);
    assert_eq!(place.refuses(&owner, category()), RoomChainError::TooMany);
    assert_eq!(place.refuses(&owner, ban(&other)), RoomChainError::TooMany);
    let third = Person::new(3);
    let request = place.request(&third, asked, &key);
    assert_eq!(place.refuses(&third, request), RoomChainError::TooMany);
}

#[test]
fn sealed_values_have_their_lengths() {
    let (owner, other) = (Person::new(1), Person::new(2));
    let mut place = Place::community(&owner);
    place.add(&owner, &other);
    let account = other.id();
    let of = |length: usize| vec![1; length];
    let bodies: [(usize, &dyn Fn(usize) -> RoomBody); 5] = [
        (SEALED_MAX, &|length| RoomBody::Metadata {
            field: MetadataField::Name,
            sealed: of(length),
        }),
        (SEALED_NICKNAME_MAX, &|length| RoomBody::Nickname {
            account,
            sealed: of(length),
        }),
        (SEALED_NAME_MAX, &|length| {
            RoomBody::CreateCategory(CategoryDefinition {
                position: 0,
                sealed: of(length),
            })
        }),
        (SEALED_REASON_MAX, &|length| RoomBody::MuteUntil {
            account,
            until: conclave_protocol::Timestamp(super::people::START + 5),
            reason: of(length),
        }),
        (SEALED_REASON_MAX, &|length| RoomBody::Remove {
            account,
            reason: of(length),
            closings: Vec::new(),
        }),
    ];
    for (most, body) in bodies {
        assert_eq!(place.refuses(&owner, body(most + 1)), RoomChainError::Limit);
        place.does(&owner, body(most));
    }
}

#[test]
fn a_full_chain_still_takes_what_ends_something() {
    let (owner, other, third) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    place.add(&owner, &other);
    place.add(&owner, &third);
    with_state(&mut place, |state| state.sequence = ENTRIES_MAX - 1);
    place.does(
        &owner,
        RoomBody::Metadata {
            field: MetadataField::Name,
            sealed: vec![1],
        },
    );
    assert_eq!(
        place.refuses(&owner, RoomBody::Invite(terms(&link(1)))),
        RoomChainError::Full
    );
    place.does(&owner, remove(&other));
    // The last of all, and what would come behind it.
    with_state(&mut place, |state| state.sequence = ENTRIES_LAST - 1);
    assert_eq!(place.refuses(&owner, add(&other, &[])), RoomChainError::Full);
    assert_eq!(place.does(&third, leave()).sequence, ENTRIES_LAST);
    assert_eq!(place.refuses(&owner, RoomBody::Close), RoomChainError::Full);
}
