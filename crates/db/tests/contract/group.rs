//! A place with people in it, and what they post.

use conclave_db::{NewPlaceEntry, NewPost, PlaceEntryStored, PlaceStanding};
use conclave_protocol::frames::Class;
use conclave_protocol::{AccountId, DeviceAddress, PlaceId, RoomId};

use crate::support::Stage;
use crate::support::people::{account, body, hash, id, join};

/// The place of most tests, a group.
pub(crate) const PLACE: PlaceId = PlaceId([7; 32]);
/// Its room.
pub(crate) const ROOM: RoomId = RoomId([7; 32]);

/// An entry that changes nothing beside the chain.
pub(crate) fn entry(sequence: u32) -> NewPlaceEntry {
    NewPlaceEntry {
        place: PLACE,
        sequence,
        bytes: vec![u8::try_from(sequence % 256).unwrap(); 200],
        judged_by: Vec::new(),
        standings: Vec::new(),
        opens: Vec::new(),
        ends: Vec::new(),
        owes: Vec::new(),
        settles: Vec::new(),
    }
}

/// The first entry of a group with these members.
pub(crate) fn first(place: PlaceId, members: &[AccountId]) -> NewPlaceEntry {
    let standing = |member: &AccountId| (*member, PlaceStanding::Member);
    NewPlaceEntry {
        place,
        standings: members.iter().map(standing).collect(),
        opens: vec![(RoomId::group(place), None)],
        ..entry(0)
    }
}

/// Registers people and makes [`PLACE`] of them.
pub(crate) async fn group<const N: usize>(stage: &Stage, numbers: [u8; N]) -> [DeviceAddress; N] {
    let people = join(stage, numbers).await;
    let made = first(PLACE, &numbers.map(account));
    assert_eq!(
        stage.append_place_entry(&made).await.unwrap(),
        PlaceEntryStored::Done(1)
    );
    people
}

/// A message with a number to [`ROOM`], judged by the first revision.
pub(crate) fn post(sender: DeviceAddress, number: u64) -> NewPost {
    NewPost {
        id: id(sender, number),
        room: ROOM,
        place: PLACE,
        revision: 1,
        sender,
        class: Class::Message,
        epoch: 0,
        head: 0,
        target: None,
        thread: None,
        expires_in: None,
        pause: None,
        body: body(number),
        blobs: Vec::new(),
        digest: hash(number),
    }
}
