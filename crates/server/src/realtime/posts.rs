//! Messages of places' rooms on their way to connected devices: one encoding for all of them, a bounded queue for each.
//!
//! What does not fit into a device's queue it is not told; it hears instead how far the room is, and reads by page.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use conclave_protocol::frames::Cursor;
use conclave_protocol::{PlaceId, RoomId};

/// Messages that wait for one device at most.
const WAITING_MAX: usize = 128;
/// Bytes of them. With what is being written and what the system holds it makes less than 1 MiB.
const WAITING_BYTES: usize = 256 * 1024;
/// Rooms of which a device is told how far they are, at most; what is beyond, the device finds out later.
const BEHIND_MAX: usize = 1_000;

/// A stored message as every reader is told it.
pub(crate) struct Told {
    pub(super) place: PlaceId,
    pub(super) room: RoomId,
    pub(super) sequence: u64,
    /// The encoded [`conclave_protocol::frames::ServerFrame::Posted`].
    pub(super) frame: Bytes,
}

/// What waits for one device.
#[derive(Default)]
pub(super) struct Posts {
    waiting: VecDeque<(u64, Arc<Told>)>,
    bytes: usize,
    /// Counts what was put in.
    number: u64,
    /// Rooms that went on without the device, and how far they are.
    behind: BTreeMap<RoomId, (PlaceId, u64)>,
}

impl Posts {
    /// Puts a message in, or notes that its room went on.
    pub(super) fn add(&mut self, told: &Arc<Told>) {
        let is_full = self.waiting.len() >= WAITING_MAX || self.bytes >= WAITING_BYTES;
        if is_full || self.behind.contains_key(&told.room) {
            self.move_room(told.place, told.room, told.sequence);
            return;
        }
        self.number = self.number.saturating_add(1);
        self.bytes += told.frame.len();
        self.waiting.push_back((self.number, Arc::clone(told)));
    }

    /// Notes how far a room is.
    pub(super) fn move_room(&mut self, place: PlaceId, room: RoomId, sequence: u64) {
        if self.behind.len() < BEHIND_MAX || self.behind.contains_key(&room) {
            self.behind.insert(room, (place, sequence));
        }
    }

    /// What was put in up to now.
    pub(super) fn mark(&self) -> u64 {
        self.number
    }

    /// The next message that was put in before a mark.
    pub(super) fn next(&mut self, mark: u64) -> Option<Arc<Told>> {
        let (_, told) = self.waiting.pop_front_if(|(number, _)| *number <= mark)?;
        self.bytes -= told.frame.len();
        Some(told)
    }

    /// A room that went on without the device.
    pub(super) fn next_behind(&mut self) -> Option<Cursor> {
        let (room, (_, sequence)) = self.behind.pop_first()?;
        Some(Cursor { room, sequence })
    }

    /// Drops what waits in rooms of a place that are read no longer.
    pub(super) fn cut(&mut self, place: PlaceId, reads: impl Fn(RoomId) -> bool) {
        self.waiting
            .retain(|(_, told)| told.place != place || reads(told.room));
        self.bytes = self.waiting.iter().map(|(_, told)| told.frame.len()).sum();
        self.behind.retain(|room, (of, _)| *of != place || reads(*room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(place: u8, room: u8, sequence: u64, size: usize) -> Arc<Told> {
        Arc::new(Told {
            place: PlaceId([place; 32]),
            room: RoomId([room; 32]),
            sequence,
            frame: Bytes::from(vec![0; size]),
        })
    }

    fn taken(posts: &mut Posts) -> Vec<u64> {
        let mark = posts.mark();
        std::iter::from_fn(|| posts.next(mark).map(|told| told.sequence)).collect()
    }

    #[test]
    fn a_device_that_does_not_keep_up_is_told_how_far_the_room_is_instead() {
        let mut posts = Posts::default();
        for sequence in 1..=130 {
            posts.add(&told(1, 1, sequence, 10));
        }
        assert_eq!(taken(&mut posts), (1..=128).collect::<Vec<_>>());
        // Until it heard that, the room's later messages would stand behind a gap.
        posts.add(&told(1, 1, 131, 10));
        assert!(taken(&mut posts).is_empty());
        let behind = posts.next_behind().unwrap();
        assert_eq!((behind.room, behind.sequence), (RoomId([1; 32]), 131));
        posts.add(&told(1, 1, 132, 10));
        assert_eq!(taken(&mut posts), [132]);
        assert!(posts.next_behind().is_none());
    }

    #[test]
    fn what_waits_is_bounded_in_bytes() {
        let mut posts = Posts::default();
        for sequence in 1..=20 {
            posts.add(&told(1, 1, sequence, 32 * 1024));
        }
        assert_eq!(taken(&mut posts).len(), 8);
        assert_eq!(posts.bytes, 0);
    }

    #[test]
    fn what_waits_in_rooms_that_are_read_no_longer_is_dropped_and_nothing_else() {
        let mut posts = Posts::default();
        posts.add(&told(1, 1, 1, 10));
        posts.add(&told(1, 2, 2, 10));
        posts.add(&told(2, 3, 3, 10));
        posts.move_room(PlaceId([1; 32]), RoomId([4; 32]), 9);
        posts.cut(PlaceId([1; 32]), |room| room == RoomId([2; 32]));
        assert_eq!((taken(&mut posts), posts.bytes), (vec![2, 3], 0));
        assert!(posts.next_behind().is_none());
    }

    #[test]
    fn what_comes_behind_a_mark_waits() {
        let mut posts = Posts::default();
        posts.add(&told(1, 1, 1, 10));
        let mark = posts.mark();
        posts.add(&told(1, 1, 2, 10));
        assert!(posts.next(mark).is_some() && posts.next(mark).is_none());
        assert_eq!(taken(&mut posts), [2]);
    }
}
