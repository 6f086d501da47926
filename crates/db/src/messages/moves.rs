//! Which rooms of a batch got messages that may wake devices: noted in the same commit, one row for each room, and
//! looked at behind it.

use std::collections::BTreeMap;

use conclave_protocol::frames::Class;
use conclave_protocol::{RoomId, Timestamp};

use super::plan::Outcome;
use crate::PushMove;

/// Nobody is woken sooner: a device that is connected has acknowledged by then, and what comes in a burst is one wake.
const SETTLED_MS: u64 = 2_000;

/// In order of the rooms, and when each is due.
pub(super) fn moves(outcome: &Outcome<'_>, now: Timestamp) -> Vec<(PushMove, Timestamp)> {
    let envelopes = outcome.envelopes.iter().filter(|(_, envelope)| {
        // What somebody saves for themselves wakes none of their devices.
        envelope.class == Class::Message && envelope.room.low != envelope.room.high
    });
    let posts = outcome
        .posts
        .iter()
        .filter(|(_, post)| post.class == Class::Message);
    let stored = envelopes
        .map(|(sequence, envelope)| (envelope.room.id, *sequence))
        .chain(posts.map(|(sequence, post)| (post.room, *sequence)));
    let mut moved: BTreeMap<RoomId, (u64, u64)> = BTreeMap::new();
    for (room, sequence) in stored {
        let (since, up_to) = moved.entry(room).or_insert((sequence, sequence));
        *since = sequence.min(*since);
        *up_to = sequence.max(*up_to);
    }
    let due_at = now.plus(SETTLED_MS);
    let moved = moved
        .into_iter()
        .map(|(room, (since, up_to))| PushMove { room, since, up_to });
    moved.map(|moved| (moved, due_at)).collect()
}
