//! What the engine knows of a room: who is in it, how far it was read, and each sender's chain of messages.

use conclave_protocol::frames::Cursor;
use conclave_protocol::{AccountId, DeviceAddress, EnvelopeId, Hash, RoomId};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::progress::{self, Progress};
pub(crate) use crate::progress::{Link, Missing, Place};
use crate::reads::ReadError;
use crate::rows::{RoomKind, RoomRow};
use crate::work::Work;

/// How far another device's chain of messages was seen.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
struct Sender {
    #[n(0)]
    address: DeviceAddress,
    #[n(1)]
    progress: Progress,
}

/// The engine's record of a direct room.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct RoomState {
    /// The other account, or the own one.
    #[n(0)]
    pub(crate) peer: AccountId,
    /// The server has confirmed the room.
    #[n(1)]
    pub(crate) opened: bool,
    /// Every sequence up to here was applied.
    #[n(2)]
    pub(crate) cursor: u64,
    /// Applied sequences beyond a gap.
    #[n(3)]
    ahead: Vec<u64>,
    /// Own chain of messages as sealed last.
    #[n(4)]
    pub(crate) sealed: Link,
    /// Own chain of messages as accepted by the server last.
    #[n(5)]
    pub(crate) accepted: Link,
    #[n(6)]
    senders: Vec<Sender>,
    /// What came up to here, came before this device was one of the account's. None where it has the room from its
    /// beginning.
    #[n(7)]
    pub(crate) history_from: Option<u64>,
    /// The person wrote here, on some own device.
    #[n(8)]
    pub(crate) wrote: bool,
    /// The person opened it here by themselves.
    #[n(9)]
    pub(crate) begun_here: bool,
}

impl RoomState {
    pub(crate) fn new(peer: AccountId, opened: bool) -> Self {
        Self {
            peer,
            opened,
            cursor: 0,
            ahead: Vec::new(),
            sealed: Link::START,
            accepted: Link::START,
            senders: Vec::new(),
            history_from: None,
            wrote: false,
            begun_here: false,
        }
    }

    /// The highest sequence that was applied.
    pub(crate) fn reached(&self) -> u64 {
        self.ahead.iter().copied().fold(self.cursor, u64::max)
    }

    /// How many messages of the room came before this device was one of the account's.
    pub(crate) fn before_joining(&self) -> u64 {
        self.history_from.unwrap_or_default()
    }

    /// This device has the room from behind a sequence on: it was added to the account while the room stood there.
    fn begin_at(&mut self, sequence: u64) {
        self.cursor = sequence;
        self.history_from = Some(sequence);
    }

    /// A message was addressed to this device, so it was one of the account's by then.
    pub(crate) fn came_here(&mut self, sequence: u64) {
        let before = sequence.saturating_sub(1);
        self.history_from = self.history_from.map(|from| from.min(before));
    }

    /// Notes that a sequence was applied.
    pub(crate) fn apply(&mut self, sequence: u64) {
        progress::apply(&mut self.cursor, &mut self.ahead, sequence);
    }

    /// Notes that the server has nothing more between the cursor and `sequence`.
    pub(crate) fn apply_up_to(&mut self, sequence: u64) {
        progress::apply_up_to(&mut self.cursor, &mut self.ahead, sequence);
    }

    /// True when sequences before the newest applied one are missing.
    pub(crate) fn has_gap(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Takes a message of another device into that device's chain.
    pub(crate) fn place(
        &mut self,
        address: DeviceAddress,
        counter: u32,
        previous: Hash,
        hash: Hash,
        id: EnvelopeId,
    ) -> Place {
        if let Some(progress) = self.progress_of(address) {
            return progress.place(counter, previous, hash, id);
        }
        // What a device sent before this one was there is not missing.
        let expected = if self.history_from.is_some() { counter } else { 0 };
        let (progress, place) = Progress::begin(expected, counter, hash, id);
        self.senders.push(Sender { address, progress });
        place
    }

    /// Notes the room sequence of a message that was placed.
    pub(crate) fn note_placed(&mut self, address: DeviceAddress, sequence: u64) {
        if let Some(progress) = self.progress_of(address) {
            progress.note_placed(sequence);
        }
    }

    /// Takes a message that stood closed before into its device's chain; see [`Progress::place_opened_later`].
    pub(crate) fn place_opened_later(
        &mut self,
        address: DeviceAddress,
        (counter, previous, hash): (u32, Hash, Hash),
        (id, sequence): (EnvelopeId, u64),
        explained: Option<Missing>,
    ) -> (Place, Option<EnvelopeId>) {
        match self.progress_of(address) {
            Some(progress) => {
                progress.place_opened_later((counter, previous, hash), (id, sequence), explained)
            }
            None => (self.place(address, counter, previous, hash, id), None),
        }
    }

    /// A missing message of this device was found, though it cannot be opened: it is shown in its own place
    /// now, and not counted before a later one.
    pub(crate) fn explain_missing(&mut self, address: DeviceAddress, sequence: u64) -> Option<Missing> {
        self.progress_of(address)?.explain_missing(sequence)
    }

    fn progress_of(&mut self, address: DeviceAddress) -> Option<&mut Progress> {
        let sender = self.senders.iter_mut().find(|sender| sender.address == address)?;
        Some(&mut sender.progress)
    }

    /// Begins the own chain of messages anew: this device was restored from an older copy.
    pub(crate) fn begin_anew(&mut self) {
        self.sealed = Link::START;
        self.accepted = Link::START;
    }
}

fn joins_key(room: RoomId) -> Vec<u8> {
    [b"joins/", room.0.as_slice()].concat()
}

impl Work<'_> {
    pub(crate) fn room_state(&self, room: RoomId) -> Result<Option<RoomState>, ReadError> {
        self.find(Table::Rooms, &room.0)
    }

    pub(crate) fn put_room_state(&mut self, room: RoomId, state: &RoomState) {
        self.put(Table::Rooms, &room.0, state);
    }

    /// Every room, by id.
    pub(crate) fn list_room_states(&self) -> Result<Vec<(RoomId, RoomState)>, ReadError> {
        let all = self.list::<RoomState>(Table::Rooms, u32::MAX)?;
        Ok(all
            .into_iter()
            .filter_map(|(key, state)| Some((RoomId(key.try_into().ok()?), state)))
            .collect())
    }

    /// Makes the room's record and its row in the list, if they are missing.
    pub(crate) fn ensure_room(
        &mut self,
        room: RoomId,
        peer: AccountId,
        username: &str,
        opened: bool,
    ) -> Result<(), ReadError> {
        let joins_at = self.joins_at(room)?;
        if self.room_state(room)?.is_none() {
            let mut state = RoomState::new(peer, opened);
            if let Some(sequence) = joins_at {
                state.begin_at(sequence);
                self.delete(Table::Own, &joins_key(room));
            }
            self.put_room_state(room, &state);
        }
        if self.find_room(room)?.is_none() {
            let active_at = self.now;
            let name = self.pinned_name(peer)?.unwrap_or_else(|| username.to_owned());
            self.put_room(RoomRow {
                room,
                kind: RoomKind::Direct {
                    peer,
                    username: name.clone(),
                },
                title: name,
                active_at,
                read_up_to: joins_at.unwrap_or(0),
            });
            self.put_identity_line(room, peer)?;
        }
        Ok(())
    }

    /// Where a room of the account stood when this device, added to the account later, was welcomed first; none
    /// once the room is here.
    pub(crate) fn joins_at(&self, room: RoomId) -> Result<Option<u64>, ReadError> {
        self.find(Table::Own, &joins_key(room))
    }

    /// The first welcome of a device that was added to its account says where the account's rooms stand.
    pub(crate) fn join_rooms(&mut self, rooms: &[Cursor]) {
        for cursor in rooms {
            self.put(Table::Own, &joins_key(cursor.room), &cursor.sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_protocol::DeviceId;
    use proptest::prelude::*;

    fn sender() -> DeviceAddress {
        DeviceAddress {
            account: AccountId([1; 32]),
            device: DeviceId(0),
        }
    }

    fn id(n: u8) -> EnvelopeId {
        EnvelopeId([n; 16])
    }

    fn hash(n: u8) -> Hash {
        Hash([n; 32])
    }

    #[test]
    fn a_skipped_message_shows_as_a_gap_that_closes_when_it_comes_late() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        assert_eq!(
            room.place(sender(), 0, Hash([0; 32]), hash(1), id(1)),
            Place::Next
        );
        assert_eq!(
            room.place(sender(), 2, hash(2), hash(3), id(3)),
            Place::AfterGap(1)
        );
        assert_eq!(
            room.place(sender(), 1, hash(1), hash(2), id(2)),
            Place::Late(id(3))
        );
        assert_eq!(room.place(sender(), 3, hash(3), hash(4), id(4)), Place::Next);
    }

    #[test]
    fn a_message_that_names_another_predecessor_shows_as_a_gap() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        room.place(sender(), 0, Hash([0; 32]), hash(1), id(1));
        assert_eq!(
            room.place(sender(), 1, hash(9), hash(2), id(2)),
            Place::AfterGap(1)
        );
    }

    #[test]
    fn a_missing_message_that_is_found_closed_is_no_longer_counted() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        room.place(sender(), 2, hash(2), hash(3), id(3));
        room.note_placed(sender(), 9);
        assert_eq!(room.explain_missing(sender(), 10), None, "it is newer");
        let rows: Vec<_> = (7..10)
            .map(|sequence| {
                room.explain_missing(sender(), sequence)
                    .map(|missing| missing.shown_before)
            })
            .collect();
        assert_eq!(rows, [Some(id(3)), Some(id(3)), None]);
        assert_eq!(room.place(sender(), 1, hash(1), hash(2), id(2)), Place::Next);
        assert_eq!(room.place(sender(), 3, hash(3), hash(4), id(4)), Place::Next);
    }

    #[test]
    fn a_message_opened_later_is_no_longer_missing_and_leaves_the_chain_where_it_is() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        room.place(sender(), 0, Hash([0; 32]), hash(1), id(1));
        room.note_placed(sender(), 1);
        assert_eq!(
            room.place(sender(), 3, hash(3), hash(4), id(4)),
            Place::AfterGap(2)
        );
        room.note_placed(sender(), 4);
        let later = room.place_opened_later(sender(), (2, hash(2), hash(3)), (id(3), 3), None);
        assert_eq!(later, (Place::Late(id(4)), None));
        let again = room.place_opened_later(sender(), (2, hash(2), hash(3)), (id(3), 3), None);
        assert_eq!(again, (Place::Next, None));
        assert_eq!(room.place(sender(), 4, hash(4), hash(5), id(5)), Place::Next);
    }

    #[test]
    fn a_closed_message_that_turns_out_to_be_another_than_thought_changes_what_is_counted() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        room.place(sender(), 2, hash(2), hash(3), id(3));
        room.note_placed(sender(), 3);
        let explained = room.explain_missing(sender(), 2);
        assert_eq!(explained.map(|missing| missing.counter()), Some(0));
        let later = room.place_opened_later(sender(), (1, hash(1), hash(2)), (id(2), 2), explained);
        assert_eq!(later, (Place::Late(id(3)), Some(id(3))), "one less and one more");
        assert_eq!(
            room.place(sender(), 0, Hash([0; 32]), hash(1), id(1)),
            Place::Late(id(3))
        );
    }

    #[test]
    fn the_newest_message_opened_later_goes_on_with_the_chain() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        room.place(sender(), 0, Hash([0; 32]), hash(1), id(1));
        room.note_placed(sender(), 1);
        let later = room.place_opened_later(sender(), (1, hash(1), hash(2)), (id(2), 2), None);
        assert_eq!(later, (Place::Next, None));
        room.note_placed(sender(), 2);
        assert_eq!(room.place(sender(), 2, hash(2), hash(3), id(3)), Place::Next);
    }

    #[test]
    fn a_message_from_before_a_restored_senders_new_chain_does_not_disturb_that_chain() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        for n in 0..5 {
            room.place(sender(), u32::from(n), hash(n), hash(n + 1), id(n));
            room.note_placed(sender(), u64::from(n) + 1);
        }
        // Counter 5 stayed closed at sequence 6; then the sender began anew.
        room.place(sender(), 0, Hash([0; 32]), hash(20), id(20));
        room.note_placed(sender(), 7);
        let later = room.place_opened_later(sender(), (5, hash(5), hash(6)), (id(6), 6), None);
        assert_eq!(later, (Place::Next, None));
        assert_eq!(room.place(sender(), 1, hash(20), hash(21), id(21)), Place::Next);
    }

    #[test]
    fn a_restored_device_begins_a_new_chain_without_a_gap() {
        let mut room = RoomState::new(AccountId([1; 32]), true);
        for n in 0..5 {
            room.place(sender(), u32::from(n), hash(n), hash(n + 1), id(n));
        }
        assert_eq!(
            room.place(sender(), 0, Hash([0; 32]), hash(9), id(9)),
            Place::Next
        );
        assert_eq!(room.place(sender(), 1, hash(9), hash(10), id(10)), Place::Next);
    }

    proptest! {
        #[test]
        fn the_cursor_is_the_end_of_the_sequences_without_a_gap(mut sequences in proptest::collection::vec(1_u64..40, 0..60)) {
            let mut room = RoomState::new(AccountId([1; 32]), true);
            for sequence in &sequences {
                room.apply(*sequence);
            }
            sequences.sort_unstable();
            sequences.dedup();
            let expected = sequences.iter().zip(1..).take_while(|(have, want)| **have == *want).count() as u64;
            prop_assert_eq!(room.cursor, expected);
            prop_assert_eq!(room.has_gap(), sequences.last().copied().unwrap_or(0) > expected);
        }
    }
}
