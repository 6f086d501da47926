//! What is kept of rooms of places: how far each was applied, this device's own sender key, what is known of other
//! devices, seeds, and what waits for a key.

use conclave_crypto::sender_keys::{ReceivingChains, SendingChain};
use conclave_protocol::frames::RoomMessage;
use conclave_protocol::{DeviceAddress, EnvelopeId, Hash, PlaceId, RoomId, Timestamp};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::changes::Table;
use crate::codec::{self, SecretBytes};
use crate::content::{ChainId, address_key, address_of_key};
use crate::progress::{self, Link, Missing, Progress};
use crate::reads::ReadError;
use crate::work::Work;

/// Chains remembered of one device in a room, for the entry that ends them.
const SAID_MAX: usize = 8;
/// Heads remembered of one chain: from which message on a newcomer may read it. Later ones are told apart no more.
const MARKS_MAX: usize = 1_000;
/// Keys held for rooms that are not known here yet.
const HELD_MAX: u32 = 500;

/// Records of [`Table::SendingKeys`] by what they are.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Part {
    /// This device's sender key in a room.
    Chain = 1,
    /// To whom it was handed.
    Handed = 2,
    /// A key that is missing here.
    Ask = 3,
    /// How often a device was answered.
    Answers = 4,
    /// Who has an own message.
    Tally = 5,
    /// Whose messages were not read here yet.
    Unread = 6,
    /// A key for a room that is not known here yet.
    Held = 7,
    /// A receipt for a message that is not known here yet.
    Early = 8,
}

impl Part {
    pub(super) fn key(self, rest: &[u8]) -> Vec<u8> {
        [&[self as u8], rest].concat()
    }
}

/// How far a room of a place was applied.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct PlaceRoom {
    #[n(0)]
    pub(crate) place: PlaceId,
    /// It is known where the room stood when this device first looked.
    #[n(1)]
    pub(crate) begun: bool,
    /// Every sequence up to here was applied, or lies in the past.
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
    /// What lies before this sequence was not read yet; none where everything was.
    #[n(6)]
    pub(crate) past: Option<u64>,
    /// Messages that wait for something.
    #[n(7)]
    pub(crate) waiting: u32,
    /// What this device said last on its chains, as the server accepted it.
    #[n(8)]
    pub(crate) said: Vec<Said>,
}

impl PlaceRoom {
    pub(crate) fn new(place: PlaceId) -> Self {
        Self {
            place,
            begun: false,
            cursor: 0,
            ahead: Vec::new(),
            sealed: Link::START,
            accepted: Link::START,
            past: None,
            waiting: 0,
            said: Vec::new(),
        }
    }

    /// The room stands here; what lies before `past` is read backwards.
    pub(crate) fn begin(&mut self, cursor: u64, past: Option<u64>) {
        self.begun = true;
        self.cursor = cursor;
        self.past = past;
    }

    pub(crate) fn has(&self, sequence: u64) -> bool {
        sequence <= self.cursor || self.ahead.contains(&sequence)
    }

    pub(crate) fn apply(&mut self, sequence: u64) {
        progress::apply(&mut self.cursor, &mut self.ahead, sequence);
    }

    pub(crate) fn apply_up_to(&mut self, sequence: u64) {
        progress::apply_up_to(&mut self.cursor, &mut self.ahead, sequence);
    }

    pub(crate) fn has_gap(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Begins the own chain of messages anew: this device was restored from an older copy.
    pub(crate) fn begin_anew(&mut self) {
        self.sealed = Link::START;
        self.accepted = Link::START;
    }
}

/// The newest message known of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Said {
    #[n(0)]
    pub(crate) chain: ChainId,
    #[n(1)]
    pub(crate) epoch: u32,
    #[n(2)]
    pub(crate) iteration: u32,
    #[n(3)]
    pub(crate) hash: Hash,
}

/// Notes a message of a chain. The chains heard of last are kept.
pub(crate) fn note_said(list: &mut Vec<Said>, said: Said) {
    let known = list.iter().position(|one| one.chain == said.chain);
    let newest = match known {
        Some(at) => {
            let before = list.remove(at);
            if before.iteration > said.iteration {
                before
            } else {
                said
            }
        }
        None => said,
    };
    list.push(newest);
    let beyond = list.len().saturating_sub(SAID_MAX);
    list.drain(..beyond);
}

/// What is known of another device in a room.
#[derive(Default, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Speaker {
    #[n(0)]
    chains: Option<SecretBytes>,
    /// Its chain of messages.
    #[n(1)]
    pub(crate) progress: Option<Progress>,
    #[n(2)]
    pub(crate) said: Vec<Said>,
}

impl Speaker {
    /// Its sender keys, where any came.
    pub(crate) fn chains(&self) -> Result<Option<ReceivingChains>, ReadError> {
        let Some(bytes) = &self.chains else {
            return Ok(None);
        };
        ReceivingChains::from_bytes(&bytes.0)
            .map(Some)
            .map_err(|_| ReadError("the sender keys of a device are damaged".into()))
    }

    pub(crate) fn set_chains(&mut self, chains: &ReceivingChains) {
        self.chains = Some(SecretBytes(chains.to_bytes()));
    }
}

/// This device's sender key in a room.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct OwnChain {
    #[n(0)]
    chain: SecretBytes,
    /// Distributions that the server has not stored yet.
    #[n(1)]
    pub(crate) pending: Vec<EnvelopeId>,
}

impl OwnChain {
    pub(crate) fn new(chain: &SendingChain) -> Self {
        Self {
            chain: SecretBytes(chain.to_bytes()),
            pending: Vec::new(),
        }
    }

    pub(crate) fn chain(&self) -> Result<SendingChain, ReadError> {
        SendingChain::from_bytes(&self.chain.0)
            .map_err(|_| ReadError("the own sender key of a room is damaged".into()))
    }

    pub(crate) fn set_chain(&mut self, chain: &SendingChain) {
        self.chain = SecretBytes(chain.to_bytes());
    }
}

/// To which devices a chain was handed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Handed {
    #[n(0)]
    pub(crate) chain: ChainId,
    /// Ascending.
    #[n(1)]
    to: Vec<DeviceAddress>,
}

impl Handed {
    pub(crate) fn new(chain: ChainId) -> Self {
        Self {
            chain,
            to: Vec::new(),
        }
    }

    pub(crate) fn has(&self, address: DeviceAddress) -> bool {
        self.to.binary_search(&address).is_ok()
    }

    pub(crate) fn add(&mut self, addresses: &[DeviceAddress]) {
        self.to.extend_from_slice(addresses);
        self.to.sort_unstable();
        self.to.dedup();
    }

    pub(crate) fn remove(&mut self, addresses: &[DeviceAddress]) {
        self.to.retain(|address| !addresses.contains(address));
    }
}

/// A sender key with which messages of the past are read.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct Seed {
    /// As [`conclave_crypto::sender_keys::SenderKeySeed`] writes it. Its statement is checked each time it is used.
    #[n(0)]
    pub(crate) bytes: SecretBytes,
    /// Ascending: a head of the place's chain, and the first message of the chain that named it or a later one.
    #[n(1)]
    pub(crate) marks: Vec<(u32, u32)>,
}

impl Seed {
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            bytes: SecretBytes(bytes),
            marks: Vec::new(),
        }
    }

    /// Notes which head a message of the chain named. True where that is news.
    pub(crate) fn mark(&mut self, head: u32, iteration: u32) -> bool {
        match self.marks.binary_search_by_key(&head, |(head, _)| *head) {
            Ok(at) => match self.marks.get_mut(at) {
                Some((_, first)) if *first > iteration => *first = iteration,
                _ => return false,
            },
            Err(at) if self.marks.len() < MARKS_MAX => self.marks.insert(at, (head, iteration)),
            Err(_) => return false,
        }
        true
    }

    /// The first message that is known to name this head or a later one.
    pub(crate) fn first_since(&self, head: u32) -> Option<u32> {
        let since = self.marks.iter().filter(|(named, _)| *named >= head);
        since.map(|(_, iteration)| *iteration).min()
    }
}

/// A message that waits for something.
#[derive(Encode, Decode)]
#[cbor(array)]
pub(crate) struct Waiting {
    /// As the server told it; not verified.
    #[n(0)]
    pub(crate) message: RoomMessage,
    /// The chain whose key is missing; none where something else was.
    #[n(1)]
    pub(crate) chain: Option<ChainId>,
    /// It is of the past: nothing is missed before it, nobody is told that it was read.
    #[n(2)]
    pub(crate) past: bool,
    /// What was taken off the count of missing messages when it was found.
    #[n(3)]
    pub(crate) explained: Option<Missing>,
    /// When it came.
    #[n(4)]
    pub(crate) since: Timestamp,
}

/// A key that is missing here, and who was asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Ask {
    /// Whose chain it is.
    #[n(0)]
    pub(crate) author: DeviceAddress,
    #[n(1)]
    pub(crate) began: Timestamp,
    /// When somebody is asked next.
    #[n(2)]
    pub(crate) next: Timestamp,
    /// How often somebody was asked.
    #[n(3)]
    pub(crate) rounds: u32,
    /// Whose answer is taken.
    #[n(4)]
    pub(crate) asked: Vec<DeviceAddress>,
}

/// How often a device was answered within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Answers {
    #[n(0)]
    pub(crate) since: Timestamp,
    #[n(1)]
    pub(crate) count: u32,
}

/// Who of a room's readers has an own message, and has seen it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Tally {
    #[n(0)]
    pub(crate) delivered: Vec<conclave_protocol::AccountId>,
    #[n(1)]
    pub(crate) read: Vec<conclave_protocol::AccountId>,
    /// The entry of the place's chain that the message names; none in a tally of an earlier version.
    #[n(2)]
    pub(crate) head: Option<u32>,
}

/// The newest message of each author in a small room that was not read here yet, with its sequence.
pub(crate) type Unread = Vec<(conclave_protocol::AccountId, EnvelopeId, u64)>;

fn applied_key(room: RoomId) -> Vec<u8> {
    [APPLIED, &room.0].concat()
}

const APPLIED: &[u8] = b"applied/";

fn in_room(room: RoomId, rest: &[u8]) -> Vec<u8> {
    [room.0.as_slice(), rest].concat()
}

impl Work<'_> {
    pub(crate) fn place_room(&self, room: RoomId) -> Result<Option<PlaceRoom>, ReadError> {
        self.find(Table::Places, &applied_key(room))
    }

    pub(crate) fn put_place_room(&mut self, room: RoomId, state: &PlaceRoom) {
        self.put(Table::Places, &applied_key(room), state);
    }

    /// Every room of a place that was looked at here.
    pub(crate) fn list_place_rooms(&self) -> Result<Vec<(RoomId, PlaceRoom)>, ReadError> {
        let mut rooms = Vec::new();
        for (key, bytes) in self.list_bytes(Table::Places, APPLIED, u32::MAX)? {
            let room = key.strip_prefix(APPLIED).and_then(|room| room.try_into().ok());
            if let Some(room) = room {
                rooms.push((RoomId(room), codec::decode(&bytes, "room of a place")?));
            }
        }
        Ok(rooms)
    }

    pub(crate) fn speaker(&self, room: RoomId, device: DeviceAddress) -> Result<Speaker, ReadError> {
        let speaker = self.find(Table::ReceivingKeys, &in_room(room, &address_key(device)))?;
        Ok(speaker.unwrap_or_default())
    }

    pub(crate) fn put_speaker(&mut self, room: RoomId, device: DeviceAddress, speaker: &Speaker) {
        self.put(
            Table::ReceivingKeys,
            &in_room(room, &address_key(device)),
            speaker,
        );
    }

    /// The devices of an account that said something in a room.
    pub(crate) fn list_speakers(
        &self,
        room: RoomId,
        account: conclave_protocol::AccountId,
    ) -> Result<Vec<(DeviceAddress, Speaker)>, ReadError> {
        let mut speakers = Vec::new();
        for (key, bytes) in self.list_bytes(Table::ReceivingKeys, &in_room(room, &account.0), u32::MAX)? {
            let device = key.get(32..).and_then(address_of_key);
            if let Some(device) = device {
                speakers.push((device, codec::decode(&bytes, "sender keys")?));
            }
        }
        Ok(speakers)
    }

    pub(crate) fn own_chain(&self, room: RoomId) -> Result<Option<OwnChain>, ReadError> {
        self.find(Table::SendingKeys, &Part::Chain.key(&room.0))
    }

    pub(crate) fn put_own_chain(&mut self, room: RoomId, chain: &OwnChain) {
        self.put(Table::SendingKeys, &Part::Chain.key(&room.0), chain);
    }

    pub(crate) fn handed(&self, room: RoomId) -> Result<Option<Handed>, ReadError> {
        self.find(Table::SendingKeys, &Part::Handed.key(&room.0))
    }

    pub(crate) fn put_handed(&mut self, room: RoomId, handed: &Handed) {
        self.put(Table::SendingKeys, &Part::Handed.key(&room.0), handed);
    }

    /// This device was restored from an older copy: none of its keys is used again.
    pub(crate) fn forget_own_chains(&mut self) -> Result<(), ReadError> {
        for part in [Part::Chain, Part::Handed] {
            for (key, _) in self.list_bytes(Table::SendingKeys, &part.key(&[]), u32::MAX)? {
                self.delete(Table::SendingKeys, &key);
            }
        }
        Ok(())
    }

    pub(crate) fn seed(&self, room: RoomId, chain: ChainId) -> Result<Option<Seed>, ReadError> {
        self.find(Table::Seeds, &in_room(room, &chain.0))
    }

    pub(crate) fn put_seed(&mut self, room: RoomId, chain: ChainId, seed: &Seed) {
        self.put(Table::Seeds, &in_room(room, &chain.0), seed);
    }

    pub(crate) fn forget_seed(&mut self, room: RoomId, chain: ChainId) {
        self.delete(Table::Seeds, &in_room(room, &chain.0));
    }

    pub(crate) fn waiting(&self, room: RoomId, sequence: u64) -> Result<Option<Waiting>, ReadError> {
        self.find(Table::Waiting, &in_room(room, &sequence.to_be_bytes()))
    }

    pub(crate) fn put_waiting(&mut self, room: RoomId, waiting: &Waiting) {
        let sequence = waiting.message.sequence.to_be_bytes();
        self.put(Table::Waiting, &in_room(room, &sequence), waiting);
    }

    pub(crate) fn forget_waiting(&mut self, room: RoomId, sequence: u64) {
        self.delete(Table::Waiting, &in_room(room, &sequence.to_be_bytes()));
    }

    /// What waits in a room, in order; in all rooms where none is named.
    pub(crate) fn list_waiting(&self, room: Option<RoomId>) -> Result<Vec<Waiting>, ReadError> {
        let prefix = room.map_or(Vec::new(), |room| room.0.to_vec());
        let all = self.list_bytes(Table::Waiting, &prefix, u32::MAX)?;
        all.iter()
            .map(|(_, bytes)| codec::decode(bytes, "waiting message"))
            .collect()
    }

    pub(crate) fn ask(&self, room: RoomId, chain: ChainId) -> Result<Option<Ask>, ReadError> {
        self.find(Table::SendingKeys, &Part::Ask.key(&in_room(room, &chain.0)))
    }

    pub(crate) fn put_ask(&mut self, room: RoomId, chain: ChainId, ask: &Ask) {
        self.put(Table::SendingKeys, &Part::Ask.key(&in_room(room, &chain.0)), ask);
    }

    pub(crate) fn forget_ask(&mut self, room: RoomId, chain: ChainId) {
        self.delete(Table::SendingKeys, &Part::Ask.key(&in_room(room, &chain.0)));
    }

    /// Everything that is asked for.
    pub(crate) fn list_asks(&self) -> Result<Vec<(RoomId, ChainId, Ask)>, ReadError> {
        let mut asks = Vec::new();
        for (key, bytes) in self.list_bytes(Table::SendingKeys, &Part::Ask.key(&[]), u32::MAX)? {
            let room = key.get(1..33).and_then(|room| room.try_into().ok());
            let chain = key.get(33..).and_then(|chain| chain.try_into().ok());
            if let (Some(room), Some(chain)) = (room, chain) {
                asks.push((RoomId(room), ChainId(chain), codec::decode(&bytes, "ask")?));
            }
        }
        Ok(asks)
    }

    pub(crate) fn answers(&self, device: DeviceAddress) -> Result<Option<Answers>, ReadError> {
        self.find(Table::SendingKeys, &Part::Answers.key(&address_key(device)))
    }

    pub(crate) fn put_answers(&mut self, device: DeviceAddress, answers: &Answers) {
        self.put(
            Table::SendingKeys,
            &Part::Answers.key(&address_key(device)),
            answers,
        );
    }

    pub(crate) fn tally(&self, id: EnvelopeId) -> Result<Option<Tally>, ReadError> {
        self.find(Table::SendingKeys, &Part::Tally.key(&id.0))
    }

    pub(crate) fn put_tally(&mut self, id: EnvelopeId, tally: &Tally) {
        self.put(Table::SendingKeys, &Part::Tally.key(&id.0), tally);
    }

    pub(crate) fn forget_tally(&mut self, id: EnvelopeId) {
        self.delete(Table::SendingKeys, &Part::Tally.key(&id.0));
    }

    pub(crate) fn unread(&self, room: RoomId) -> Result<Unread, ReadError> {
        let unread = self.find(Table::SendingKeys, &Part::Unread.key(&room.0))?;
        Ok(unread.unwrap_or_default())
    }

    pub(crate) fn put_unread(&mut self, room: RoomId, unread: &Unread) {
        if unread.is_empty() {
            self.delete(Table::SendingKeys, &Part::Unread.key(&room.0));
        } else {
            self.put(Table::SendingKeys, &Part::Unread.key(&room.0), unread);
        }
    }

    /// Keeps a key for a room that is not known here yet. Beyond a bound nothing more is kept: it is asked for.
    pub(crate) fn hold_key(
        &mut self,
        room: RoomId,
        from: DeviceAddress,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        let all = self.list_bytes(Table::SendingKeys, &Part::Held.key(&[]), HELD_MAX)?;
        if all.len() < usize::try_from(HELD_MAX).unwrap_or_default() {
            let key = Part::Held.key(&in_room(room, &address_key(from)));
            self.put_bytes(Table::SendingKeys, &key, Zeroizing::new(bytes.to_vec()));
        }
        Ok(())
    }

    /// Takes the keys that were held for a room.
    pub(crate) fn take_held(&mut self, room: RoomId) -> Result<Vec<(DeviceAddress, SecretBytes)>, ReadError> {
        let mut held = Vec::new();
        for (key, bytes) in self.list_bytes(Table::SendingKeys, &Part::Held.key(&room.0), u32::MAX)? {
            self.delete(Table::SendingKeys, &key);
            if let Some(from) = key.get(33..).and_then(address_of_key) {
                held.push((from, SecretBytes(bytes)));
            }
        }
        Ok(held)
    }

    /// The oldest tallies, by id.
    pub(crate) fn list_tallies(&self, limit: u32) -> Result<Vec<EnvelopeId>, ReadError> {
        let all = self.list_bytes(Table::SendingKeys, &Part::Tally.key(&[]), limit)?;
        Ok(all
            .iter()
            .filter_map(|(key, _)| key.get(1..)?.try_into().ok().map(EnvelopeId))
            .collect())
    }
}
