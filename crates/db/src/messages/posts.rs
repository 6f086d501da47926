//! What becomes of a place's posts in a batch. Whether somebody may post was judged before, by a revision of the place
//! that has to be the one behind the lock.

use std::collections::BTreeSet;

use conclave_protocol::{AccountId, PlaceId, RoomId, Timestamp};

use super::plan::{Outcome, Place, Send, State};
use crate::{Append, Appended, NewPost, PlaceRoom};

/// The places and rooms of a batch's posts, and whose time of writing last matters, in the order of the locks.
pub(super) fn post_scope(batch: &[Append]) -> (Vec<PlaceId>, Vec<RoomId>, Vec<(RoomId, AccountId)>) {
    let (mut places, mut rooms, mut paused) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for item in batch {
        if let Append::Post(post) = item {
            places.insert(post.place);
            rooms.insert(post.room);
            if post.pause.is_some() {
                paused.insert((post.room, post.sender.account));
            }
        }
    }
    (
        places.into_iter().collect(),
        rooms.into_iter().collect(),
        paused.into_iter().collect(),
    )
}

pub(super) fn plan_post<'a>(
    post: &'a NewPost,
    state: &mut State,
    outcome: &mut Outcome<'a>,
    now: Timestamp,
) -> Appended {
    if let Some(before) = state.sends.get(&(post.id, post.sender)) {
        return match before.place {
            Some(place) if before.digest == post.digest => Appended::Envelope {
                sequence: place.sequence,
                time: before.time,
                repeat: true,
            },
            _ => Appended::IdReused,
        };
    }
    if state.places.get(&post.place) != Some(&post.revision) {
        return Appended::Outdated;
    }
    let Some((room, _)) = state
        .place_rooms
        .get(&post.room)
        .filter(|(room, _)| room.place == post.place)
    else {
        return Appended::UnknownRoom;
    };
    let sequence = room.head.saturating_add(1);
    if !state.devices.contains_key(&post.sender) {
        return Appended::StaleDevices;
    }
    if !state.holds(&post.blobs) {
        return Appended::BlobMissing;
    }
    let writer = (post.room, post.sender.account);
    if let Some(pause) = post.pause {
        if let Some((last, _)) = state.post_times.get(&writer) {
            let left = pause.saturating_sub(now.since(*last));
            // A clock that was set back makes nobody wait longer than the pause.
            if left > 0 {
                return Appended::TooFast(left);
            }
        }
        state.post_times.insert(writer, (now, true));
    }

    let place = Place {
        room: post.room,
        sequence,
    };
    if let Some((room, moved)) = state.place_rooms.get_mut(&post.room) {
        room.head = sequence;
        *moved = true;
    }
    state.accept(
        post.id,
        post.sender,
        Send {
            digest: post.digest,
            place: Some(place),
            time: now,
        },
        outcome,
    );
    outcome.claim(&post.blobs, place, post.expires_at(now));
    outcome.posts.push((sequence, post));
    Appended::Envelope {
        sequence,
        time: now,
        repeat: false,
    }
}

impl State {
    pub(super) fn moved_place_rooms(&self) -> Vec<PlaceRoom> {
        let rooms = self.place_rooms.values().filter(|(_, moved)| *moved);
        rooms.map(|(room, _)| *room).collect()
    }

    pub(super) fn moved_post_times(&self) -> Vec<((RoomId, AccountId), Timestamp)> {
        let times = self.post_times.iter().filter(|(_, (_, moved))| *moved);
        times.map(|(writer, (time, _))| (*writer, *time)).collect()
    }
}
