//! What this device keeps of a group or community: its verified chain, and how its person stands to it.
//!
//! Invariant: a chain is kept in the same transaction as the rows that follow from its entries, so no entry is told
//! twice or not at all.

use std::sync::Arc;

use conclave_protocol::{AccountId, Bytes, PlaceId, RoomId};
use conclave_sigchain::room::{PlaceKind, RoomChain};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::machine::Engine;
use crate::posting::Roll;
use crate::reads::ReadError;
use crate::rows::{RoomKind, RoomRow};
use crate::work::Work;

const PLACE: &[u8] = b"place/";
const ROOM: &[u8] = b"room/";

/// A place that is followed here.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) chain: Arc<RoomChain>,
    pub(crate) kept: Kept,
}

/// What is kept of a place beside its chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Kept {
    /// How the own account stands to it.
    #[n(0)]
    pub(crate) standing: Standing,
    /// The server showed its chain in another version, or shorter than it was.
    #[n(1)]
    pub(crate) disputed: Option<Dispute>,
    /// Accounts whose acts the state relies on, in order: nothing is sealed here before what the chain claims of
    /// them was compared with their own chains.
    #[n(2)]
    pub(crate) actors: Vec<AccountId>,
    /// Who brought the own account in, to be asked first for keys.
    #[n(3)]
    pub(crate) brought_by: Option<AccountId>,
}

/// How the own account stands to a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Standing {
    /// It is a member.
    #[default]
    #[n(0)]
    Member,
    /// It waits to be let in.
    #[n(1)]
    Waiting,
    /// It left, or took its request back.
    #[n(2)]
    Left,
    /// It was removed by somebody; why, where that was said.
    #[n(3)]
    Removed(#[n(0)] AccountId, #[n(1)] Option<String>),
    /// It was banned by somebody; why, where that was said.
    #[n(4)]
    Banned(#[n(0)] AccountId, #[n(1)] Option<String>),
    /// It asked, and was not let in.
    #[n(5)]
    Declined,
    /// The server does not list it any more, and shows no entry that says why.
    #[n(6)]
    Unlisted,
}

/// Why a place is disputed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Dispute {
    #[n(0)]
    pub(crate) why: DisputeKind,
    /// The entry that shows it, where there is one.
    #[n(1)]
    pub(crate) entry: Option<Bytes>,
}

/// What the server did to a place's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum DisputeKind {
    /// Another version from some entry on.
    #[n(0)]
    Fork,
    /// Shorter than it was.
    #[n(1)]
    Shorter,
    /// An entry that breaks the rules, or of a kind that this version does not know.
    #[n(2)]
    Refused,
    /// An entry in the name of an account whose own chain says otherwise.
    #[n(3)]
    FalseClaim,
    /// Members name entries that the server does not show.
    #[n(4)]
    Withheld,
}

/// The stored form.
#[derive(Encode, Decode)]
struct PlaceRecord {
    #[n(0)]
    chain: Bytes,
    #[n(1)]
    kept: Kept,
}

impl Place {
    /// A place of which nothing was told yet.
    pub(crate) fn new(chain: RoomChain) -> Self {
        Self {
            chain: Arc::new(chain),
            kept: Kept::default(),
        }
    }

    pub(crate) fn id(&self) -> PlaceId {
        self.chain.place()
    }
}

impl Work<'_> {
    pub(crate) fn find_place(&self, place: PlaceId) -> Result<Option<Place>, ReadError> {
        let Some(record) = self.find::<PlaceRecord>(Table::Places, &place_key(place))? else {
            return Ok(None);
        };
        Ok(Some(read(record)?))
    }

    /// Every place that is known here, by id.
    pub(crate) fn list_place_ids(&self) -> Result<Vec<PlaceId>, ReadError> {
        let all = self.list_bytes(Table::Places, PLACE, u32::MAX)?;
        Ok(all
            .iter()
            .filter_map(|(key, _)| Some(PlaceId(key.strip_prefix(PLACE)?.try_into().ok()?)))
            .collect())
    }

    pub(crate) fn find_place_of(&self, room: RoomId) -> Result<Option<PlaceId>, ReadError> {
        self.find(Table::Places, &[ROOM, &room.0].concat())
    }

    /// Notes of which place a room is.
    pub(crate) fn put_place_of(&mut self, room: RoomId, place: PlaceId) {
        self.put(Table::Places, &[ROOM, &room.0].concat(), &place);
    }

    /// Makes the row of a place's room in the list, if it is missing.
    pub(crate) fn ensure_place_room(&mut self, row: RoomRow) -> Result<(), ReadError> {
        if let Some(place) = row.place() {
            self.put_place_of(row.room, place);
        }
        if self.find_room(row.room)?.is_none() {
            self.put_room(row);
        }
        Ok(())
    }
}

impl Engine {
    /// A place that is followed here.
    pub(crate) fn place(&mut self, work: &Work<'_>, place: PlaceId) -> Result<Option<Arc<Place>>, ReadError> {
        if let Some(known) = self.places.known.get(&place) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(found) = work.find_place(place)? else {
            return Ok(None);
        };
        let found = Arc::new(found);
        self.places.known.insert(place, Arc::clone(&found));
        Ok(Some(found))
    }

    /// Keeps a place as it is now.
    pub(crate) fn keep_place(&mut self, work: &mut Work<'_>, place: Place) {
        let id = place.id();
        let record = PlaceRecord {
            chain: Bytes(place.chain.to_bytes()),
            kept: place.kept.clone(),
        };
        work.put(Table::Places, &place_key(id), &record);
        self.places.known.insert(id, Arc::new(place));
        work.show(crate::views::Event::Places {
            place: id.to_string(),
        });
        work.show(crate::views::Event::Chats);
    }

    /// The verified chain of a place.
    pub(crate) fn place_chain(
        &mut self,
        work: &Work<'_>,
        place: PlaceId,
    ) -> Result<Option<Arc<RoomChain>>, ReadError> {
        Ok(self.place(work, place)?.map(|place| Arc::clone(&place.chain)))
    }

    /// The place that a room is of; none for direct rooms and unknown ones.
    pub(crate) fn place_of(&self, work: &Work<'_>, room: RoomId) -> Result<Option<PlaceId>, ReadError> {
        work.place_of(room)
    }
}

/// The rooms of a place that an account reads, or once it is out those that it has read, as what they stand in the list
/// of chats.
pub(crate) fn rooms_read(chain: &RoomChain, roll: &Roll, account: AccountId) -> Vec<(RoomId, RoomKind)> {
    let (state, place) = (chain.state(), chain.place());
    state
        .rooms()
        .filter(|room| {
            let is_out = state.member(account).is_none();
            state.is_reader(account, *room) || (is_out && roll.has_read(*room, account))
        })
        .map(|room| {
            let kind = match (state.kind(), state.channel_of(room)) {
                (PlaceKind::Community, Some(channel)) => RoomKind::Channel {
                    place,
                    channel: channel.0,
                },
                _ => RoomKind::Group { place },
            };
            (room, kind)
        })
        .collect()
}

fn place_key(place: PlaceId) -> Vec<u8> {
    [PLACE, &place.0].concat()
}

fn read(record: PlaceRecord) -> Result<Place, ReadError> {
    let chain = RoomChain::from_bytes(record.chain.as_slice())
        .map_err(|_| ReadError("the log of a group or community is damaged".into()))?;
    Ok(Place {
        chain: Arc::new(chain),
        kept: record.kept,
    })
}
