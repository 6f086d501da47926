//! What becomes of an act when another entry came first.

use conclave_protocol::Timestamp;

use super::people::{
    Person, Place, add, ban, channel_definition, definition, leave, link, mute, observe, remove, set_roles,
    terms,
};
use crate::room::{Audience, MetadataField, Permissions, Rebase, RoomBody, RoomChainError};

fn rebase(place: &Place, by: &Person, body: &RoomBody) -> Rebase {
    place
        .chain
        .state()
        .rebase(&by.author, Timestamp(0), body, place.changes.last())
}

#[test]
fn an_act_that_lost_the_race_is_done_again_or_was_done_or_is_moot() {
    let people = [1, 2, 3, 4].map(Person::new);
    let [owner, one, two, other] = &people;
    let mut place = Place::community(owner);
    let all = Permissions::ALL;
    let role = place.role(owner, 10, all);
    for person in [one, two] {
        place.does(owner, add(person, &[role]));
    }
    place.add(owner, other);

    // Two remove the same member; a third wants to mute them, a fourth to ban them.
    let mut raced = place.clone();
    raced.does(one, remove(other));
    assert_eq!(rebase(&raced, two, &remove(other)), Rebase::AlreadyDone);
    assert_eq!(rebase(&raced, other, &leave()), Rebase::AlreadyDone);
    let later = raced.time + 9;
    assert_eq!(rebase(&raced, two, &mute(other, later)), Rebase::Moot);
    assert_eq!(rebase(&raced, two, &set_roles(other, &[])), Rebase::Moot);
    assert_eq!(rebase(&raced, two, &observe(other, 3)), Rebase::Moot);
    assert_eq!(rebase(&raced, two, &ban(other)), Rebase::Allowed);

    // The author was removed meanwhile.
    let mut raced = place.clone();
    raced.does(owner, remove(one));
    assert_eq!(
        rebase(&raced, one, &remove(other)),
        Rebase::Refused(RoomChainError::NotMember)
    );

    // The author lost the role.
    let mut raced = place.clone();
    raced.give(owner, one, &[]);
    assert_eq!(
        rebase(&raced, one, &remove(other)),
        Rebase::Refused(RoomChainError::Permission)
    );

    let mut raced = place.clone();
    raced.does(owner, RoomBody::Close);
    assert_eq!(rebase(&raced, one, &remove(other)), Rebase::Moot);
    assert_eq!(rebase(&raced, owner, &RoomBody::Close), Rebase::AlreadyDone);

    let mut raced = place.clone();
    let low = raced.role(owner, 2, Permissions::NONE);
    raced.does(one, RoomBody::RemoveRole { role: low });
    assert_eq!(
        rebase(&raced, two, &RoomBody::RemoveRole { role: low }),
        Rebase::AlreadyDone
    );
    let update = RoomBody::UpdateRole {
        role: low,
        definition: definition(3, Permissions::NONE),
    };
    assert_eq!(rebase(&raced, two, &update), Rebase::Moot);

    let mut raced = place.clone();
    raced.does(one, observe(other, 5));
    assert_eq!(rebase(&raced, two, &observe(other, 5)), Rebase::AlreadyDone);
    assert_eq!(rebase(&raced, two, &observe(other, 4)), Rebase::AlreadyDone);
    assert_eq!(rebase(&raced, two, &observe(other, 6)), Rebase::Allowed);
}

#[test]
fn a_one_use_invite_that_another_was_faster_with_is_gone() {
    let (owner, fast, slow) = (Person::new(1), Person::new(2), Person::new(3));
    let mut place = Place::group(&owner);
    let key = link(1);
    let mut once = terms(&key);
    once.uses = Some(1);
    let invite = place.invite(&owner, once);
    let (first, second) = (place.join(&fast, invite, &key), place.join(&slow, invite, &key));
    assert_eq!(rebase(&place, &slow, &second), Rebase::Allowed);
    place.does(&fast, first.clone());
    assert_eq!(
        rebase(&place, &slow, &second),
        Rebase::Refused(RoomChainError::NoSuchInvite)
    );
    assert_eq!(rebase(&place, &fast, &first), Rebase::AlreadyDone);
}

#[test]
fn an_act_that_would_undo_what_somebody_did_meanwhile_is_asked_again() {
    let (owner, one) = (Person::new(1), Person::new(2));
    let mut place = Place::community(&owner);
    let role = place.role(&owner, 10, Permissions::ALL);
    place.does(&owner, add(&one, &[role]));
    let (channel, _) = place.channel(&owner, Audience::Everyone);
    // One renames the channel while the owner closes it: the new name would open it again.
    let rename = RoomBody::UpdateChannel {
        channel,
        definition: crate::room::ChannelDefinition {
            sealed: vec![9],
            ..channel_definition(Audience::Everyone)
        },
    };
    let close = RoomBody::UpdateChannel {
        channel,
        definition: channel_definition(Audience::Roles(vec![role])),
    };
    place.does(&owner, close);
    assert_eq!(rebase(&place, &one, &rename), Rebase::Overtaken);
    // Somebody else's other act is in nobody's way.
    place.does(
        &owner,
        RoomBody::Metadata {
            field: MetadataField::Name,
            sealed: vec![1],
        },
    );
    assert_eq!(rebase(&place, &one, &rename), Rebase::Allowed);
}
