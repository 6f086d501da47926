//! Who may do what to whom.

use super::people::{Person, Place, add, ban, definition, link, mute, remove, set_roles, terms};
use crate::room::{
    Audience, InviteTerms, MetadataField, Permissions, PlaceKind, Rank, RoleId, RoomBody, RoomChainError,
};

/// An owner, two moderators of rank 10, a helper of rank 5 and a plain member.
fn ladder() -> (Place, [Person; 5], [RoleId; 2]) {
    let people = [1, 2, 3, 4, 5].map(Person::new);
    let [owner, ..] = &people;
    let mut place = Place::community(owner);
    let all = Permissions::ALL.without(Permissions::MENTION_EVERYONE);
    let moderator = place.role(owner, 10, all);
    let helper = place.role(owner, 5, Permissions::KICK.union(Permissions::MANAGE_ROLES));
    for person in &people[1..] {
        place.add(owner, person);
    }
    place.give(owner, &people[1], &[moderator]);
    place.give(owner, &people[2], &[moderator]);
    place.give(owner, &people[3], &[helper]);
    (place, people, [moderator, helper])
}

#[test]
fn nobody_acts_on_an_equal_or_higher_rank() {
    let (mut place, [owner, one, two, helper, member], _) = ladder();
    for (by, to) in [(&one, &two), (&one, &owner), (&helper, &one), (&one, &one)] {
        for body in [remove(to), ban(to), mute(to, place.time + 1000)] {
            let error = place.refuses(by, body);
            assert!(
                matches!(error, RoomChainError::Rank | RoomChainError::Permission),
                "{error}"
            );
        }
    }
    assert_eq!(place.refuses(&one, set_roles(&two, &[])), RoomChainError::Rank);
    assert_eq!(
        place.refuses(&member, remove(&helper)),
        RoomChainError::Permission
    );
    place.does(&helper, remove(&member));
    place.does(&one, remove(&helper));
    place.does(&owner, remove(&two));
}

#[test]
fn nobody_gives_a_role_at_or_above_their_own_or_a_permission_that_they_lack() {
    let (mut place, [owner, one, _, helper, member], [moderator, low]) = ladder();
    assert_eq!(
        place.refuses(&one, set_roles(&member, &[moderator])),
        RoomChainError::Rank
    );
    assert_eq!(
        place.refuses(&helper, set_roles(&member, &[low])),
        RoomChainError::Rank
    );
    assert_eq!(
        place.refuses(&one, RoomBody::DefineRole(definition(10, Permissions::NONE))),
        RoomChainError::Rank
    );
    let lacked = Permissions::MENTION_EVERYONE;
    assert_eq!(
        place.refuses(&one, RoomBody::DefineRole(definition(9, lacked))),
        RoomChainError::Permission
    );
    assert_eq!(
        place.refuses(
            &one,
            RoomBody::UpdateRole {
                role: low,
                definition: definition(5, lacked),
            }
        ),
        RoomChainError::Permission
    );
    let loud = place.role(&owner, 2, lacked);
    assert_eq!(
        place.refuses(&one, set_roles(&member, &[loud])),
        RoomChainError::Permission
    );
    place.give(&owner, &member, &[loud]);
    // What a role has already may stay.
    place.does(
        &one,
        RoomBody::UpdateRole {
            role: loud,
            definition: definition(3, lacked.union(Permissions::KICK)),
        },
    );
    place.give(&one, &member, &[low, loud]);
    assert_eq!(place.chain.state().standing(member.id()).unwrap().rank, Rank(5));
}

#[test]
fn a_role_is_never_raised_to_or_above_its_editor() {
    let (mut place, [_, one, ..], [moderator, low]) = ladder();
    let update = |role, rank| RoomBody::UpdateRole {
        role,
        definition: definition(rank, Permissions::NONE),
    };
    assert_eq!(place.refuses(&one, update(low, 10)), RoomChainError::Rank);
    assert_eq!(place.refuses(&one, update(low, 0)), RoomChainError::Limit);
    assert_eq!(place.refuses(&one, update(low, 1001)), RoomChainError::Limit);
    assert_eq!(place.refuses(&one, update(moderator, 3)), RoomChainError::Rank);
    assert_eq!(
        place.refuses(&one, update(RoleId(77), 3)),
        RoomChainError::NoSuchRole
    );
    assert_eq!(
        place.refuses(&one, RoomBody::RemoveRole { role: moderator }),
        RoomChainError::Rank
    );
    place.does(&one, update(low, 9));
}

#[test]
fn the_role_of_everyone_stays_and_has_no_rank() {
    let (mut place, [owner, one, _, _, member], _) = ladder();
    let everyone = RoleId::EVERYONE;
    assert_eq!(
        place.refuses(&owner, RoomBody::RemoveRole { role: everyone }),
        RoomChainError::Everyone
    );
    assert_eq!(
        place.refuses(&owner, set_roles(&member, &[everyone])),
        RoomChainError::Everyone
    );
    let update = |rank, permissions| RoomBody::UpdateRole {
        role: everyone,
        definition: definition(rank, permissions),
    };
    assert_eq!(
        place.refuses(&owner, update(1, Permissions::NONE)),
        RoomChainError::Everyone
    );
    place.does(&one, update(0, Permissions::POST));
    let state = place.chain.state();
    assert!(state.may(member.id(), Permissions::POST, None));
    assert!(!state.may(member.id(), Permissions::INVITE, None));
}

#[test]
fn everybody_may_lay_a_role_of_their_own_down_but_not_take_one() {
    let (mut place, [_, one, ..], [moderator, low]) = ladder();
    assert_eq!(
        place.refuses(&one, set_roles(&one, &[moderator])),
        RoomChainError::NoChange
    );
    place.give(&one, &one, &[moderator, low]);
    place.give(&one, &one, &[low]);
    assert_eq!(
        place.refuses(&one, set_roles(&one, &[moderator, low])),
        RoomChainError::Rank
    );
    place.give(&one, &one, &[]);
    assert_eq!(
        place.refuses(&one, set_roles(&one, &[low])),
        RoomChainError::Permission
    );
}

#[test]
fn a_removed_role_is_gone_from_members_channels_invites_and_policies() {
    let (mut place, [owner, _, _, helper, _], [moderator, low]) = ladder();
    let (channel, room) = place.channel(&owner, Audience::Roles(vec![moderator, low]));
    let key = link(1);
    let invite = place.invite(
        &owner,
        InviteTerms {
            roles: vec![low],
            ..terms(&key)
        },
    );
    let removal = place.does(&owner, RoomBody::RemoveRole { role: low }).sequence;
    let state = place.chain.state();
    assert_eq!(state.roles_of(helper.id()).count(), 0);
    assert_eq!(state.channel_roles(channel), Some(vec![moderator]));
    assert_eq!(state.roles_of_invite(invite).count(), 0);
    assert!(!state.is_reader(helper.id(), room));
    assert_eq!(state.epoch(room), Some(removal));
    // A role in the same slot is another one.
    let new = place.role(&owner, 5, Permissions::NONE);
    assert_ne!(new, low);
    assert!(place.chain.state().roles_of(helper.id()).next().is_none());
    assert_eq!(
        place.refuses(&owner, set_roles(&helper, &[low])),
        RoomChainError::NoSuchRole
    );
}

#[test]
fn roles_are_bounded_and_lists_of_them_are_in_order() {
    let owner = Person::new(1);
    let mut place = Place::new(&owner, PlaceKind::Community, Permissions::NONE);
    let roles: Vec<RoleId> = (0..63)
        .map(|_| place.role(&owner, 3, Permissions::NONE))
        .collect();
    let one_more = RoomBody::DefineRole(definition(3, Permissions::NONE));
    assert_eq!(place.refuses(&owner, one_more.clone()), RoomChainError::TooMany);
    place.give(&owner, &owner, &roles);
    place.does(&owner, RoomBody::RemoveRole { role: roles[30] });
    place.does(&owner, one_more);
    let mixed = set_roles(&owner, &[roles[2], roles[1]]);
    assert_eq!(place.refuses(&owner, mixed), RoomChainError::Order);
    let doubled = set_roles(&owner, &[roles[1], roles[1]]);
    assert_eq!(place.refuses(&owner, doubled), RoomChainError::Order);
    let mut group = Place::group(&owner);
    for _ in 0..7 {
        group.role(&owner, 3, Permissions::NONE);
    }
    assert_eq!(
        group.refuses(&owner, RoomBody::DefineRole(definition(3, Permissions::NONE))),
        RoomChainError::TooMany
    );
}

#[test]
fn the_owner_hands_the_place_over_and_keeps_only_their_roles() {
    let (mut place, [owner, one, _, _, member], [moderator, _]) = ladder();
    let (_, private) = place.channel(&owner, Audience::Roles(vec![moderator]));
    let stranger = Person::new(77);
    for (to, error) in [
        (&stranger, RoomChainError::NoSuchMember),
        (&owner, RoomChainError::NoChange),
    ] {
        assert_eq!(
            place.refuses(&owner, RoomBody::Transfer { account: to.id() }),
            error
        );
    }
    let transfer = RoomBody::Transfer { account: member.id() };
    assert_eq!(place.refuses(&one, transfer.clone()), RoomChainError::OwnerOnly);
    let sequence = place.does(&owner, transfer).sequence;
    let state = place.chain.state();
    assert_eq!(state.owner(), member.id());
    assert!(state.is_reader(member.id(), private) && !state.is_reader(owner.id(), private));
    assert_eq!(state.epoch(private), Some(sequence));
    assert_eq!(place.refuses(&owner, RoomBody::Close), RoomChainError::OwnerOnly);
    place.does(&one, remove(&owner));
}

#[test]
fn roles_are_given_on_joining_only_by_those_who_may_give_them() {
    let (mut place, [owner, one, _, helper, member], [moderator, low]) = ladder();
    let newcomer = Person::new(8);
    let everyone = RoomBody::UpdateRole {
        role: RoleId::EVERYONE,
        definition: definition(0, Permissions::ADD_MEMBERS.union(Permissions::INVITE)),
    };
    place.does(&owner, everyone);
    let with_role = |role| {
        RoomBody::Invite(InviteTerms {
            roles: vec![role],
            ..terms(&link(1))
        })
    };
    assert_eq!(
        place.refuses(&member, add(&newcomer, &[low])),
        RoomChainError::Permission
    );
    assert_eq!(place.refuses(&member, with_role(low)), RoomChainError::Permission);
    assert_eq!(
        place.refuses(&helper, add(&newcomer, &[low])),
        RoomChainError::Rank
    );
    assert_eq!(place.refuses(&one, with_role(moderator)), RoomChainError::Rank);
    place.does(&one, with_role(low));
    place.does(&one, add(&newcomer, &[low]));
    assert_eq!(place.chain.state().standing(newcomer.id()).unwrap().rank, Rank(5));
}

#[test]
fn emoji_have_a_permission_of_their_own() {
    let [owner, artist, editor] = [1, 2, 3].map(Person::new);
    let mut place = Place::community(&owner);
    for (person, permission) in [
        (&artist, Permissions::MANAGE_EMOJI),
        (&editor, Permissions::CHANGE_METADATA),
    ] {
        place.add(&owner, person);
        let role = place.role(&owner, 3, permission);
        place.give(&owner, person, &[role]);
    }
    let set = |field| RoomBody::Metadata {
        field,
        sealed: vec![1],
    };
    assert_eq!(
        place.refuses(&editor, set(MetadataField::Emoji)),
        RoomChainError::Permission
    );
    assert_eq!(
        place.refuses(&artist, set(MetadataField::Name)),
        RoomChainError::Permission
    );
    place.does(&artist, set(MetadataField::Emoji));
    place.does(&editor, set(MetadataField::Name));
}
