//! Channels, their readers and epochs, and policies.

use conclave_protocol::Timestamp;

use super::people::{Person, Place, channel, channel_definition, leave, observe, remove};
use crate::room::{
    Audience, CategoryDefinition, CategoryId, ChannelDefinition, ChannelId, ChannelKind, History,
    Permissions, Policy, PostRefusal, RoleDefinition, RoleId, RoomBody, RoomChainError, RoomEvent,
};

/// An owner, a holder of a role and a plain member, with an open and a private channel.
struct Scene {
    place: Place,
    people: [Person; 3],
    role: RoleId,
    open: (ChannelId, conclave_protocol::RoomId),
    private: (ChannelId, conclave_protocol::RoomId),
}

fn scene() -> Scene {
    let people = [1, 2, 3].map(Person::new);
    let mut place = Place::community(&people[0]);
    let role = place.role(&people[0], 5, Permissions::MANAGE_CHANNELS);
    place.add(&people[0], &people[1]);
    place.add(&people[0], &people[2]);
    place.give(&people[0], &people[1], &[role]);
    let open = place.channel(&people[0], Audience::Everyone);
    let private = place.channel(&people[0], Audience::Roles(vec![role]));
    Scene {
        place,
        people,
        role,
        open,
        private,
    }
}

fn update(channel: ChannelId, access: Audience) -> RoomBody {
    RoomBody::UpdateChannel {
        channel,
        definition: channel_definition(access),
    }
}

#[test]
fn a_private_channel_is_read_by_its_roles_and_the_owner() {
    let Scene {
        place,
        people: [owner, holder, plain],
        open,
        private,
        ..
    } = scene();
    let state = place.chain.state();
    assert_eq!(state.readers(open.1).count(), 3);
    for (person, reads) in [(&owner, true), (&holder, true), (&plain, false)] {
        assert_eq!(state.is_reader(person.id(), private.1), reads);
        assert_eq!(state.may(person.id(), Permissions::POST, Some(private.1)), reads);
    }
    assert_eq!(state.rooms().count(), 2);
    assert_eq!(state.channel_of(private.1), Some(private.0));
}

#[test]
fn an_entry_ends_the_epochs_of_the_channels_that_somebody_lost_and_of_no_other() {
    let Scene {
        mut place,
        people: [owner, holder, plain],
        role,
        open,
        private,
    } = scene();
    let before = place.epoch(private.1);
    // A plain member goes: the private channel does not care.
    let gone = place.does(&plain, leave()).sequence;
    assert_eq!((place.epoch(open.1), place.epoch(private.1)), (gone, before));
    // A second way to read: losing one of two roles loses nothing.
    let second = place.role(&owner, 4, Permissions::NONE);
    place.does(&owner, update(private.0, Audience::Roles(vec![role, second])));
    place.give(&owner, &holder, &[role, second]);
    place.give(&owner, &holder, &[second]);
    assert_eq!(place.epoch(private.1), before);
    let change = place.give(&owner, &holder, &[]);
    assert_eq!(
        (place.epoch(open.1), place.epoch(private.1)),
        (gone, change.sequence)
    );
    assert!(change.events.contains(&RoomEvent::EpochEnded(private.1)));
    place.give(&owner, &holder, &[role]);
    let observed = place.does(&owner, observe(&holder, 3)).sequence;
    assert_eq!(
        (place.epoch(open.1), place.epoch(private.1)),
        (observed, observed)
    );
}

#[test]
fn closing_a_channel_to_somebody_ends_its_epoch_and_opening_it_does_not() {
    let Scene {
        mut place,
        people: [owner, ..],
        role,
        open,
        private,
    } = scene();
    let before = place.epoch(private.1);
    place.does(&owner, update(private.0, Audience::Everyone));
    assert_eq!(place.epoch(private.1), before);
    let closed = place
        .does(&owner, update(private.0, Audience::Roles(vec![role])))
        .sequence;
    assert_eq!(place.epoch(private.1), closed);
    // To nobody but those who read it before.
    let other = place.role(&owner, 3, Permissions::NONE);
    place.does(&owner, update(private.0, Audience::Roles(vec![role, other])));
    place.does(&owner, update(private.0, Audience::Roles(vec![role])));
    assert_eq!(place.epoch(private.1), closed);
    assert!(place.epoch(open.1) < closed);
}

#[test]
fn a_channel_is_managed_by_those_who_read_it_and_have_the_permission() {
    let Scene {
        mut place,
        people: [owner, holder, plain],
        role,
        open,
        private,
    } = scene();
    assert_eq!(
        place.refuses(&plain, channel(ChannelKind::Text, Audience::Everyone)),
        RoomChainError::Permission
    );
    assert_eq!(
        place.refuses(&plain, RoomBody::DeleteChannel { channel: open.0 }),
        RoomChainError::Permission
    );
    let manager = place.role(&owner, 2, Permissions::MANAGE_CHANNELS);
    place.give(&owner, &plain, &[manager]);
    assert_eq!(
        place.refuses(&plain, update(private.0, Audience::Everyone)),
        RoomChainError::NotReader
    );
    // They neither let a higher role in nor shut it out.
    assert_eq!(
        place.refuses(&plain, channel(ChannelKind::Text, Audience::Roles(vec![role]))),
        RoomChainError::Rank
    );
    place.does(&owner, update(private.0, Audience::Roles(vec![role, manager])));
    assert_eq!(
        place.refuses(&plain, update(private.0, Audience::Roles(vec![manager]))),
        RoomChainError::Rank
    );
    place.does(&holder, update(private.0, Audience::Roles(vec![role])));
    let own = Audience::Roles(vec![manager]);
    let own_channel = place.channel(&plain, own.clone());
    assert!(place.chain.state().is_reader(plain.id(), own_channel.1));
    place.does(
        &plain,
        RoomBody::DeleteChannel {
            channel: own_channel.0,
        },
    );
    assert_eq!(
        place.refuses(
            &plain,
            RoomBody::DeleteChannel {
                channel: own_channel.0
            }
        ),
        RoomChainError::NoSuchChannel
    );
    assert_eq!(place.chain.state().epoch(own_channel.1), None);
    assert_eq!(
        place.refuses(&holder, update(private.0, Audience::Roles(vec![RoleId(99)]))),
        RoomChainError::NoSuchRole
    );
}

#[test]
fn a_group_has_no_channels_or_categories() {
    let owner = Person::new(1);
    let mut place = Place::group(&owner);
    let category = CategoryDefinition {
        position: 0,
        sealed: vec![1],
    };
    for body in [
        channel(ChannelKind::Text, Audience::Everyone),
        update(ChannelId(1), Audience::Everyone),
        RoomBody::CreateCategory(category),
        RoomBody::Policy {
            channel: Some(ChannelId(1)),
            policy: Policy::default(),
        },
    ] {
        assert_eq!(place.refuses(&owner, body), RoomChainError::NotInGroup);
    }
}

#[test]
fn a_category_that_ends_leaves_its_channels() {
    let Scene {
        mut place,
        people: [owner, _, plain],
        open,
        ..
    } = scene();
    let definition = |position| CategoryDefinition {
        position,
        sealed: vec![1],
    };
    assert_eq!(
        place.refuses(&plain, RoomBody::CreateCategory(definition(1))),
        RoomChainError::Permission
    );
    let id = CategoryId(
        place
            .does(&owner, RoomBody::CreateCategory(definition(1)))
            .sequence,
    );
    let into = |category| {
        let mut definition = channel_definition(Audience::Everyone);
        definition.category = Some(category);
        RoomBody::UpdateChannel {
            channel: open.0,
            definition,
        }
    };
    assert_eq!(
        place.refuses(&owner, into(CategoryId(77))),
        RoomChainError::NoSuchCategory
    );
    place.does(&owner, into(id));
    assert_eq!(place.refuses(&owner, into(id)), RoomChainError::NoChange);
    let update = |position| RoomBody::UpdateCategory {
        category: id,
        definition: definition(position),
    };
    assert_eq!(place.refuses(&owner, update(1)), RoomChainError::NoChange);
    place.does(&owner, update(2));
    place.does(&owner, RoomBody::DeleteCategory { category: id });
    assert_eq!(place.chain.state().channel(open.0).unwrap().category, None);
    assert_eq!(place.refuses(&owner, update(3)), RoomChainError::NoSuchCategory);
}

#[test]
fn who_may_post_follows_from_kind_permission_policy_and_roles() {
    let Scene {
        mut place,
        people: [owner, holder, plain],
        role,
        open,
        private,
    } = scene();
    let news = ChannelId(
        place
            .does(&owner, channel(ChannelKind::Announcement, Audience::Everyone))
            .sequence,
    );
    let news_room = place.room(news);
    let may = |place: &Place, who: &Person, room| {
        place
            .chain
            .state()
            .may_post(who.id(), room, Timestamp(place.time))
    };
    assert_eq!(may(&place, &plain, open.1), Ok(()));
    assert_eq!(may(&place, &plain, private.1), Err(PostRefusal::NotReader));
    assert_eq!(may(&place, &plain, news_room), Err(PostRefusal::Forbidden));
    assert_eq!(may(&place, &owner, news_room), Ok(()));
    assert_eq!(
        may(&place, &plain, place.group_room()),
        Err(PostRefusal::NoSuchRoom)
    );
    let set = |channel, policy| RoomBody::Policy { channel, policy };
    let only = Policy {
        posting: Audience::Roles(vec![role]),
        ..Policy::default()
    };
    place.does(&owner, set(Some(open.0), only.clone()));
    assert_eq!(may(&place, &plain, open.1), Err(PostRefusal::Forbidden));
    assert_eq!(may(&place, &holder, open.1), Ok(()));
    assert_eq!(may(&place, &owner, open.1), Ok(()));
    assert_eq!(
        place.refuses(&owner, set(Some(open.0), only)),
        RoomChainError::NoChange
    );
    for (policy, refusal) in [
        (
            Policy {
                read_only: true,
                ..Policy::default()
            },
            PostRefusal::ReadOnly,
        ),
        (
            Policy {
                archived: true,
                ..Policy::default()
            },
            PostRefusal::Archived,
        ),
    ] {
        // The community's policy holds in each channel.
        place.does(&owner, set(None, policy));
        assert_eq!(may(&place, &owner, open.1), Err(refusal));
    }
    assert_eq!(
        place.refuses(&holder, set(None, Policy::default())),
        RoomChainError::Permission
    );
    place.does(&owner, RoomBody::Close);
    assert_eq!(may(&place, &owner, open.1), Err(PostRefusal::Closed));
}

#[test]
fn in_a_channel_the_narrower_of_two_policies_holds() {
    let Scene {
        mut place,
        people: [owner, ..],
        role,
        open,
        ..
    } = scene();
    place.does(
        &owner,
        RoomBody::Policy {
            channel: None,
            policy: Policy {
                history: History::All,
                disappearing: 100,
                slow_mode: 5,
                keep_nothing: true,
                ..Policy::default()
            },
        },
    );
    place.does(
        &owner,
        RoomBody::Policy {
            channel: Some(open.0),
            policy: Policy {
                disappearing: 50,
                slow_mode: 3,
                posting: Audience::Roles(vec![role]),
                ..Policy::default()
            },
        },
    );
    assert_eq!(
        place.chain.state().policy(open.1),
        Some(Policy {
            history: History::SinceJoining,
            disappearing: 50,
            slow_mode: 5,
            posting: Audience::Roles(vec![role]),
            read_only: false,
            archived: false,
            keep_nothing: true,
        })
    );
    let too_slow = Policy {
        slow_mode: u16::MAX,
        ..Policy::default()
    };
    let body = RoomBody::Policy {
        channel: None,
        policy: too_slow,
    };
    assert_eq!(place.refuses(&owner, body), RoomChainError::Limit);
}

#[test]
fn whoever_gets_a_role_reads_its_channels_from_then_on() {
    let Scene {
        mut place,
        people: [owner, holder, plain],
        role,
        private,
        ..
    } = scene();
    let state = place.chain.state();
    assert_eq!(
        state.history_from(holder.id(), private.1),
        Some(private.0.0),
        "the channel is younger than the role"
    );
    assert_eq!(state.history_from(plain.id(), private.1), None);
    let given = place.give(&owner, &plain, &[role]).sequence;
    let state = place.chain.state();
    assert_eq!(state.history_from(plain.id(), private.1), Some(given));
    place.does(&owner, remove(&plain));
    assert_eq!(place.chain.state().history_from(plain.id(), private.1), None);
}

#[test]
fn a_channel_shares_what_was_sent_while_both_policies_shared_it() {
    let share = |channel| RoomBody::Policy {
        channel,
        policy: Policy {
            history: History::All,
            ..Policy::default()
        },
    };
    for channel_first in [true, false] {
        let Scene {
            mut place,
            people: [owner, ..],
            open,
            ..
        } = scene();
        let newcomer = Person::new(9);
        let order = if channel_first {
            [Some(open.0), None]
        } else {
            [None, Some(open.0)]
        };
        let [_, second] = order.map(|channel| place.does(&owner, share(channel)).sequence);
        place.does(
            &owner,
            RoomBody::Metadata {
                field: crate::room::MetadataField::Name,
                sealed: vec![1],
            },
        );
        let joined = place.add(&owner, &newcomer).sequence;
        let from = |place: &Place| place.chain.state().history_from(newcomer.id(), open.1);
        assert_eq!(from(&place), Some(second));
        // One of the two is enough to end it.
        place.does(
            &owner,
            RoomBody::Policy {
                channel: order[0],
                policy: Policy::default(),
            },
        );
        assert_eq!(from(&place), Some(joined));
    }
}

#[test]
fn a_name_belongs_to_the_entry_that_sealed_it_and_to_no_later_one() {
    let Scene {
        mut place,
        people: [owner, ..],
        role,
        open,
        ..
    } = scene();
    let made = place.chain.state().channel(open.0).unwrap().named;
    assert_eq!(made, open.0.0);
    let moved = |sealed: &[u8], position| RoomBody::UpdateChannel {
        channel: open.0,
        definition: ChannelDefinition {
            position,
            sealed: sealed.to_vec(),
            ..channel_definition(Audience::Everyone)
        },
    };
    let sealed = channel_definition(Audience::Everyone).sealed;
    let moved_only = place.does(&owner, moved(&sealed, 9));
    assert_eq!(moved_only.events, [RoomEvent::ChannelUpdated(open.0)]);
    let channel = place.chain.state().channel(open.0).unwrap();
    assert_eq!((channel.named, channel.position), (made, 9));
    let renamed = place.does(&owner, moved(&[7; 20], 9)).sequence;
    let channel = place.chain.state().channel(open.0).unwrap();
    assert_eq!(
        (channel.named, channel.sealed.as_slice()),
        (renamed, &[7; 20][..])
    );

    let category = |sealed: &[u8], position| CategoryDefinition {
        position,
        sealed: sealed.to_vec(),
    };
    let made = place
        .does(&owner, RoomBody::CreateCategory(category(&[1], 1)))
        .sequence;
    let id = CategoryId(made);
    let update = |definition| RoomBody::UpdateCategory {
        category: id,
        definition,
    };
    let moved_only = place.does(&owner, update(category(&[1], 2)));
    assert_eq!(moved_only.events, [RoomEvent::CategoryUpdated(id)]);
    let known = |place: &Place| {
        let (_, category) = place.chain.state().categories().next().unwrap();
        (category.named, category.definition.clone())
    };
    assert_eq!(known(&place), (made, category(&[1], 2)));
    let renamed = place.does(&owner, update(category(&[2], 2))).sequence;
    assert_eq!(known(&place), (renamed, category(&[2], 2)));

    let role_of = |place: &Place| {
        let role = place.chain.state().role(role).unwrap();
        (role.named, role.definition.clone())
    };
    let (made, definition) = role_of(&place);
    assert_eq!(made, role.0);
    let update = |definition: &RoleDefinition| RoomBody::UpdateRole {
        role,
        definition: definition.clone(),
    };
    let less = RoleDefinition {
        permissions: Permissions::NONE,
        ..definition
    };
    place.does(&owner, update(&less));
    assert_eq!(role_of(&place), (made, less.clone()));
    let renamed = RoleDefinition {
        sealed: vec![8],
        ..less
    };
    let sequence = place.does(&owner, update(&renamed)).sequence;
    assert_eq!(role_of(&place), (sequence, renamed));
}
