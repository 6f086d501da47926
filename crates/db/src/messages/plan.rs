//! What becomes of a batch, decided in memory over rows that are locked: no SQL, so that one piece of code
//! decides for both engines and an item that is refused has touched nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use conclave_protocol::{
    AccountId, BlobId, DeviceAddress, DeviceId, EnvelopeId, Hash, PlaceId, RoomId, Timestamp,
};

use super::posts::{plan_post, post_scope};
use crate::{Append, Appended, DirectRoom, NewDistribution, NewEnvelope, NewPost, PlaceRoom};

/// The rows that a batch is about, in the order in which they are locked.
pub(super) struct Scope {
    pub(super) places: Vec<PlaceId>,
    pub(super) rooms: Vec<RoomId>,
    pub(super) place_rooms: Vec<RoomId>,
    /// Whose time of writing last is asked for.
    pub(super) paused: Vec<(RoomId, AccountId)>,
    pub(super) accounts: Vec<AccountId>,
    /// Whose choice about receipts is asked for.
    pub(super) receipts: Vec<AccountId>,
    pub(super) ids: Vec<EnvelopeId>,
    /// The blobs that are claimed.
    pub(super) blobs: Vec<BlobId>,
}

impl Scope {
    pub(super) fn of(batch: &[Append]) -> Self {
        let mut rooms = BTreeSet::new();
        let mut accounts = BTreeSet::new();
        let mut receipts = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let mut blobs = BTreeSet::new();
        let (places, place_rooms, paused) = post_scope(batch);
        for item in batch {
            match item {
                Append::Envelope(envelope) => {
                    ids.insert(envelope.id);
                    blobs.extend(envelope.blobs.iter().copied());
                    rooms.insert(envelope.room.id);
                    accounts.extend([envelope.room.low, envelope.room.high, envelope.sender.account]);
                }
                Append::Distribution(distribution) => {
                    ids.insert(distribution.id);
                    let addressed = distribution.messages.iter().map(|(to, _)| to.account);
                    let concerned = addressed.chain([distribution.sender.account]);
                    if distribution.receipts {
                        receipts.extend(concerned.clone());
                    }
                    accounts.extend(concerned);
                }
                Append::Post(post) => {
                    ids.insert(post.id);
                    blobs.extend(post.blobs.iter().copied());
                    accounts.insert(post.sender.account);
                }
            }
        }
        Self {
            places,
            rooms: rooms.into_iter().collect(),
            place_rooms,
            paused,
            accounts: accounts.into_iter().collect(),
            receipts: receipts.into_iter().collect(),
            ids: ids.into_iter().collect(),
            blobs: blobs.into_iter().collect(),
        }
    }
}

/// The locked rows, as they were and then as they will be.
#[derive(Default)]
pub(super) struct State {
    /// Revisions of places.
    pub(super) places: BTreeMap<PlaceId, u64>,
    pub(super) rooms: BTreeMap<RoomId, Room>,
    /// Rooms of places, and whether they moved.
    pub(super) place_rooms: BTreeMap<RoomId, (PlaceRoom, bool)>,
    /// When accounts wrote last in rooms with slow mode, and whether that moved.
    pub(super) post_times: BTreeMap<(RoomId, AccountId), (Timestamp, bool)>,
    /// The active devices of every account in the batch's scope.
    pub(super) devices: BTreeMap<DeviceAddress, Device>,
    /// Accounts that give and get no receipts, of those that it matters of.
    pub(super) without_receipts: BTreeSet<AccountId>,
    /// What was sent under the batch's ids before, by any device.
    pub(super) sends: HashMap<(EnvelopeId, DeviceAddress), Send>,
    /// Those of the claimed blobs that are there whole.
    pub(super) blobs: BTreeSet<BlobId>,
}

#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) pair: DirectRoom,
    pub(super) head: u64,
    pub(super) created_at: Timestamp,
    pub(super) moved: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Device {
    pub(super) created_at: Timestamp,
    pub(super) mailbox_head: u64,
    pub(super) acknowledged: u64,
    pub(super) last_accepted: Option<EnvelopeId>,
    pub(super) moved: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Send {
    pub(super) digest: Hash,
    /// Where a room's message stands; none for pairwise messages.
    pub(super) place: Option<Place>,
    pub(super) time: Timestamp,
}

#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) room: RoomId,
    pub(super) sequence: u64,
}

/// Where a mailbox item comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    Envelope(Place),
    Control(EnvelopeId, DeviceAddress),
    Receipt(EnvelopeId, DeviceAddress),
}

impl Origin {
    pub(super) fn place(self) -> Option<Place> {
        match self {
            Self::Envelope(place) => Some(place),
            Self::Control(..) | Self::Receipt(..) => None,
        }
    }

    pub(super) fn sender(self) -> Option<(EnvelopeId, DeviceAddress)> {
        match self {
            Self::Envelope(_) => None,
            Self::Control(id, sender) | Self::Receipt(id, sender) => Some((id, sender)),
        }
    }

    pub(super) fn is_receipt(self) -> bool {
        matches!(self, Self::Receipt(..))
    }
}

pub(super) struct Mail<'a> {
    pub(super) to: DeviceAddress,
    pub(super) sequence: u64,
    pub(super) origin: Origin,
    pub(super) pairwise: &'a [u8],
}

/// What to write and what to answer.
#[derive(Default)]
pub(super) struct Outcome<'a> {
    pub(super) appended: Vec<Appended>,
    pub(super) sends: Vec<(EnvelopeId, DeviceAddress, Send)>,
    pub(super) envelopes: Vec<(u64, &'a NewEnvelope)>,
    pub(super) posts: Vec<(u64, &'a NewPost)>,
    pub(super) mailbox: Vec<Mail<'a>>,
    pub(super) claims: Vec<Claim>,
}

/// A blob that an envelope claims.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) blob: BlobId,
    pub(super) place: Place,
    pub(super) expires_at: Option<Timestamp>,
}

/// Decides a batch, item after item, each on the state that the ones before it left.
pub(super) fn plan<'a>(batch: &'a [Append], state: &mut State, now: Timestamp) -> Outcome<'a> {
    let mut outcome = Outcome::default();
    for item in batch {
        let appended = match item {
            Append::Envelope(envelope) => plan_envelope(envelope, state, &mut outcome, now),
            Append::Distribution(distribution) => plan_distribution(distribution, state, &mut outcome, now),
            Append::Post(post) => plan_post(post, state, &mut outcome, now),
        };
        outcome.appended.push(appended);
    }
    outcome
}

fn plan_envelope<'a>(
    envelope: &'a NewEnvelope,
    state: &mut State,
    outcome: &mut Outcome<'a>,
    now: Timestamp,
) -> Appended {
    if let Some(before) = state.sends.get(&(envelope.id, envelope.sender)) {
        return match before.place {
            Some(place) if before.digest == envelope.digest => Appended::Envelope {
                sequence: place.sequence,
                time: before.time,
                repeat: true,
            },
            _ => Appended::IdReused,
        };
    }
    let DirectRoom { low, high, .. } = envelope.room;
    let is_member = envelope.sender.account == low || envelope.sender.account == high;
    let Some(room) = state
        .rooms
        .get(&envelope.room.id)
        .filter(|room| room.pair == envelope.room && is_member)
    else {
        return Appended::UnknownRoom;
    };
    let sequence = room.head.saturating_add(1);
    let peer = if envelope.sender.account == low { high } else { low };
    if state.active(peer).is_empty() && peer != envelope.sender.account {
        return Appended::Deserted;
    }
    let mut expected = state.active(low);
    if high != low {
        expected.extend(state.active(high));
    }
    // A sender that was revoked is not among the active ones and must start anew like one that missed a device.
    let active = expected.len();
    expected.retain(|device| *device != envelope.sender);
    let is_active = expected.len() < active;
    // Invariant: both lists are sorted, so that they are equal exactly when each device is addressed once.
    let mut addressed: Vec<DeviceAddress> = envelope.keys.iter().map(|(to, _)| *to).collect();
    addressed.sort_unstable();
    if !is_active || addressed != expected {
        return Appended::StaleDevices;
    }
    if !state.holds(&envelope.blobs) {
        return Appended::BlobMissing;
    }

    let place = Place {
        room: envelope.room.id,
        sequence,
    };
    outcome.claim(&envelope.blobs, place, None);
    state.move_room(envelope.room.id, sequence);
    state.accept(
        envelope.id,
        envelope.sender,
        Send {
            digest: envelope.digest,
            place: Some(place),
            time: now,
        },
        outcome,
    );
    outcome.envelopes.push((sequence, envelope));
    state.deliver(&envelope.keys, Origin::Envelope(place), outcome);
    Appended::Envelope {
        sequence,
        time: now,
        repeat: false,
    }
}

fn plan_distribution<'a>(
    distribution: &'a NewDistribution,
    state: &mut State,
    outcome: &mut Outcome<'a>,
    now: Timestamp,
) -> Appended {
    if let Some(before) = state.sends.get(&(distribution.id, distribution.sender)) {
        let is_same = before.place.is_none() && before.digest == distribution.digest;
        return if is_same {
            Appended::Distribution
        } else {
            Appended::IdReused
        };
    }
    if distribution.receipts && state.without_receipts.contains(&distribution.sender.account) {
        return Appended::ReceiptsOff;
    }
    let mut addressed: Vec<DeviceAddress> = distribution.messages.iter().map(|(to, _)| *to).collect();
    addressed.sort_unstable();
    addressed.dedup();
    let each_once = addressed.len() == distribution.messages.len();
    // What goes to an account that has no device left reaches nobody, and must not hold up the others.
    let reached = |to: &DeviceAddress| state.devices.contains_key(to) || state.active(to.account).is_empty();
    let all_active = state.devices.contains_key(&distribution.sender) && addressed.iter().all(reached);
    if !each_once || !all_active {
        return Appended::StaleDevices;
    }

    let send = Send {
        digest: distribution.digest,
        place: None,
        time: now,
    };
    state.accept(distribution.id, distribution.sender, send, outcome);
    let origin = if distribution.receipts {
        Origin::Receipt
    } else {
        Origin::Control
    };
    state.deliver(
        &distribution.messages,
        origin(distribution.id, distribution.sender),
        outcome,
    );
    Appended::Distribution
}

impl Outcome<'_> {
    pub(super) fn claim(&mut self, blobs: &[BlobId], place: Place, expires_at: Option<Timestamp>) {
        let claims = blobs.iter().map(|blob| Claim {
            blob: *blob,
            place,
            expires_at,
        });
        self.claims.extend(claims);
    }
}

impl State {
    /// Whether all of these blobs are there whole.
    pub(super) fn holds(&self, blobs: &[BlobId]) -> bool {
        blobs.iter().all(|blob| self.blobs.contains(blob))
    }

    pub(super) fn moved_rooms(&self) -> Vec<Room> {
        self.rooms.values().filter(|room| room.moved).copied().collect()
    }

    pub(super) fn moved_devices(&self) -> Vec<(DeviceAddress, Device)> {
        let devices = self.devices.iter().filter(|(_, device)| device.moved);
        devices.map(|(address, device)| (*address, *device)).collect()
    }

    /// The active devices of an account, in order.
    fn active(&self, account: AccountId) -> Vec<DeviceAddress> {
        let first = DeviceAddress {
            account,
            device: DeviceId(0),
        };
        let last = DeviceAddress {
            account,
            device: DeviceId(u32::MAX),
        };
        self.devices
            .range(first..=last)
            .map(|(address, _)| *address)
            .collect()
    }

    fn move_room(&mut self, id: RoomId, head: u64) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.head = head;
            room.moved = true;
        }
    }

    pub(super) fn accept(
        &mut self,
        id: EnvelopeId,
        sender: DeviceAddress,
        send: Send,
        outcome: &mut Outcome<'_>,
    ) {
        if let Some(device) = self.devices.get_mut(&sender) {
            device.last_accepted = Some(id);
            device.moved = true;
        }
        self.sends.insert((id, sender), send);
        outcome.sends.push((id, sender, send));
    }

    fn deliver<'a>(
        &mut self,
        messages: &'a [(DeviceAddress, Vec<u8>)],
        origin: Origin,
        outcome: &mut Outcome<'a>,
    ) {
        for (to, pairwise) in messages {
            // Who gives no receipts gets none; whoever sends them does not hear of it.
            if origin.is_receipt() && self.without_receipts.contains(&to.account) {
                continue;
            }
            if let Some(device) = self.devices.get_mut(to) {
                device.mailbox_head = device.mailbox_head.saturating_add(1);
                device.moved = true;
                outcome.mailbox.push(Mail {
                    to: *to,
                    sequence: device.mailbox_head,
                    origin,
                    pairwise,
                });
            }
        }
    }
}
