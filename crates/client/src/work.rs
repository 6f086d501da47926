//! One handling of one input: committed state below, what this handling changes above, what follows beside.
//!
//! Everything the engine reads goes through here, so it sees its own changes before they are stored.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_protocol::{AccountId, EnvelopeId, PlaceId, RoomId, Timestamp};
use conclave_sigchain::room::RoomChain;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::changes::{Change, Table};
use crate::codec;
use crate::effects::{Effects, Request};
use crate::reads::{ReadError, Reads, Record};
use crate::rows::{Delivery, MessageRow, RoomRow};
use crate::views::Event;

/// Annotations of one message that are looked at: more than honest people make.
const ANNOTATIONS_MAX: u32 = 10_000;

/// A changed record: its new value, or nothing where it goes.
type Value = Option<Zeroizing<Vec<u8>>>;

pub(crate) struct Work<'a> {
    store: &'a dyn Reads,
    /// Everything in the store goes before this handling's changes.
    wiped: bool,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) now: Timestamp,
    records: BTreeMap<(Table, Vec<u8>), Value>,
    rooms: BTreeMap<RoomId, RoomRow>,
    messages: BTreeMap<EnvelopeId, Option<MessageRow>>,
    /// Rooms whose messages go up to a sequence.
    cleared: BTreeMap<RoomId, u64>,
    /// Chains of places that were looked at, as they are in this handling: a page asks for the same one often.
    chains: RefCell<BTreeMap<PlaceId, Option<Arc<RoomChain>>>>,
    /// Of which places the rooms are that were looked at: a page asks for each of its messages.
    places: RefCell<BTreeMap<RoomId, Option<PlaceId>>>,
    requests: Vec<Request>,
    events: Vec<Event>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(store: &'a dyn Reads, rng: &'a mut dyn CryptoRng, now: Timestamp) -> Self {
        Self {
            store,
            wiped: false,
            rng,
            now,
            records: BTreeMap::new(),
            rooms: BTreeMap::new(),
            messages: BTreeMap::new(),
            cleared: BTreeMap::new(),
            chains: RefCell::default(),
            places: RefCell::default(),
            requests: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn finish(self) -> Effects {
        let records = self.records.into_iter().map(|((table, key), value)| match value {
            Some(value) => Change::PutRecord { table, key, value },
            None => Change::DeleteRecord { table, key },
        });
        let rooms = self.rooms.into_values().map(Change::PutRoom);
        let cleared = self.cleared.into_iter();
        let cleared = cleared.map(|(room, up_to)| Change::ClearRoom { room, up_to });
        let messages = self.messages.into_iter().map(|(id, row)| match row {
            Some(row) => Change::PutMessage(row),
            None => Change::DeleteMessage(id),
        });
        Effects {
            changes: self
                .wiped
                .then_some(Change::Wipe)
                .into_iter()
                .chain(records)
                .chain(rooms)
                .chain(cleared)
                .chain(messages)
                .collect(),
            requests: self.requests,
            events: self.events,
        }
    }

    /// Everything on this device goes, what this handling changed so far as well.
    pub(crate) fn wipe(&mut self) {
        self.wiped = true;
        self.records.clear();
        self.rooms.clear();
        self.messages.clear();
        self.cleared.clear();
        self.chains.borrow_mut().clear();
        self.places.borrow_mut().clear();
        self.store = &Empty;
    }

    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.rng.fill_bytes(&mut out);
        out
    }

    pub(crate) fn request(&mut self, request: Request) {
        self.requests.push(request);
    }

    #[cfg(test)]
    pub(crate) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Shows an event; one that would only repeat an earlier one of this handling is left out.
    pub(crate) fn show(&mut self, event: Event) {
        if matches!(event, Event::Answer { .. } | Event::Warning { .. }) || !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    pub(crate) fn find_bytes(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        match self.records.get(&(table, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.store.find_record(table, key),
        }
    }

    pub(crate) fn find<T: for<'b> Decode<'b, ()>>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, ReadError> {
        match self.find_bytes(table, key)? {
            Some(bytes) => codec::decode(&bytes, &format!("{table:?}")).map(Some),
            None => Ok(None),
        }
    }

    fn changes_chain(&mut self, table: Table) {
        if table == Table::Places {
            self.chains.get_mut().clear();
            self.places.get_mut().clear();
        }
    }

    /// The place that a room is of; none for a direct room.
    pub(crate) fn place_of(&self, room: RoomId) -> Result<Option<PlaceId>, ReadError> {
        if let Some(place) = self.places.borrow().get(&room) {
            return Ok(*place);
        }
        let place = self.find_place_of(room)?;
        self.places.borrow_mut().insert(room, place);
        Ok(place)
    }

    /// The chain of a place as it is known here now.
    pub(crate) fn chain_of_place(&self, place: PlaceId) -> Result<Option<Arc<RoomChain>>, ReadError> {
        if let Some(chain) = self.chains.borrow().get(&place) {
            return Ok(chain.clone());
        }
        let chain = self.find_place(place)?.map(|place| place.chain);
        self.chains.borrow_mut().insert(place, chain.clone());
        Ok(chain)
    }

    pub(crate) fn put_bytes(&mut self, table: Table, key: &[u8], value: Zeroizing<Vec<u8>>) {
        self.changes_chain(table);
        self.records.insert((table, key.to_vec()), Some(value));
    }

    pub(crate) fn put<T: Encode<()>>(&mut self, table: Table, key: &[u8], value: &T) {
        self.put_bytes(table, key, codec::encode(value));
    }

    pub(crate) fn delete(&mut self, table: Table, key: &[u8]) {
        self.changes_chain(table);
        self.records.insert((table, key.to_vec()), None);
    }

    /// Records of a table by key, at most `limit`, this handling's changes included.
    pub(crate) fn list_bytes(
        &self,
        table: Table,
        prefix: &[u8],
        limit: u32,
    ) -> Result<Vec<Record>, ReadError> {
        let changed = self
            .records
            .iter()
            .filter(|((t, key), _)| *t == table && key.starts_with(prefix));
        let removed = u32::try_from(changed.clone().count()).unwrap_or(u32::MAX);
        let stored = self
            .store
            .list_records(table, prefix, limit.saturating_add(removed))?;
        let mut all: BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>> = stored.into_iter().collect();
        for ((_, key), value) in changed {
            match value {
                Some(value) => all.insert(key.clone(), value.clone()),
                None => all.remove(key),
            };
        }
        Ok(all
            .into_iter()
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }

    pub(crate) fn list<T: for<'b> Decode<'b, ()>>(
        &self,
        table: Table,
        limit: u32,
    ) -> Result<Vec<(Vec<u8>, T)>, ReadError> {
        self.list_bytes(table, &[], limit)?
            .into_iter()
            .map(|(key, bytes)| Ok((key, codec::decode(&bytes, &format!("{table:?}"))?)))
            .collect()
    }

    pub(crate) fn find_room(&self, room: RoomId) -> Result<Option<RoomRow>, ReadError> {
        match self.rooms.get(&room) {
            Some(row) => Ok(Some(row.clone())),
            None => self.store.find_room(room),
        }
    }

    pub(crate) fn put_room(&mut self, row: RoomRow) {
        self.show(Event::Chats);
        self.rooms.insert(row.room, row);
    }

    pub(crate) fn find_message(&self, id: EnvelopeId) -> Result<Option<MessageRow>, ReadError> {
        if let Some(row) = self.messages.get(&id) {
            return Ok(row.clone());
        }
        let stored = self.store.find_message(id)?;
        Ok(stored.filter(|row| !self.is_cleared(row)))
    }

    fn is_cleared(&self, row: &MessageRow) -> bool {
        let up_to = self.cleared.get(&row.room);
        row.sequence
            .zip(up_to)
            .is_some_and(|(sequence, up_to)| sequence <= *up_to)
    }

    /// The messages of a room up to a sequence go.
    pub(crate) fn clear_room(&mut self, room: RoomId, up_to: u64) {
        self.show(Event::Chats);
        self.show(Event::Timeline {
            room: room.to_string(),
        });
        let known = self.cleared.entry(room).or_default();
        *known = up_to.max(*known);
        for row in self.messages.values_mut() {
            let goes = |row: &MessageRow| row.room == room && row.sequence.is_some_and(|at| at <= up_to);
            if row.as_ref().is_some_and(goes) {
                *row = None;
            }
        }
    }

    pub(crate) fn put_message(&mut self, row: MessageRow) {
        self.forget_opening(&row);
        self.show(Event::Chats);
        self.show(Event::Timeline {
            room: row.room.to_string(),
        });
        self.messages.insert(row.id, Some(row));
    }

    pub(crate) fn delete_message(&mut self, row: &MessageRow) {
        self.show(Event::Chats);
        self.show(Event::Timeline {
            room: row.room.to_string(),
        });
        self.messages.insert(row.id, None);
    }

    /// Own messages of a room up to a sequence that were not read yet.
    pub(crate) fn list_own_unread(&self, room: RoomId, up_to: u64) -> Result<Vec<MessageRow>, ReadError> {
        let stored = self.store.list_own_unread(room, up_to, 1_000)?;
        let mut all: BTreeMap<EnvelopeId, MessageRow> = stored.into_iter().map(|row| (row.id, row)).collect();
        for (id, row) in &self.messages {
            all.remove(id);
            let Some(row) = row else { continue };
            let reached = row.sequence.is_some_and(|sequence| sequence <= up_to);
            let waits = matches!(row.delivery, Delivery::Sent | Delivery::Delivered);
            if row.room == room && row.mine && reached && waits && row.is_shown() {
                all.insert(*id, row.clone());
            }
        }
        Ok(all.into_values().collect())
    }

    /// The rows that this handling put.
    #[cfg(test)]
    pub(crate) fn changed_messages(&self) -> impl Iterator<Item = &MessageRow> {
        self.messages.values().flatten()
    }

    #[cfg(test)]
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    #[cfg(test)]
    pub(crate) fn warnings(&self) -> Vec<&str> {
        let codes = self.events.iter().filter_map(|event| match event {
            Event::Warning { failure } => Some(failure.code.as_str()),
            _ => None,
        });
        codes.collect()
    }

    /// Rows of the store with this handling's changes, those that are `wanted`, by id.
    fn changed_too(
        &self,
        stored: Vec<MessageRow>,
        wanted: impl Fn(&MessageRow) -> bool,
    ) -> BTreeMap<EnvelopeId, MessageRow> {
        let mut all: BTreeMap<EnvelopeId, MessageRow> = stored.into_iter().map(|row| (row.id, row)).collect();
        for (id, row) in &self.messages {
            all.remove(id);
            if let Some(row) = row.as_ref().filter(|row| wanted(row)) {
                all.insert(*id, row.clone());
            }
        }
        all
    }

    /// Annotations of a message that still say something, by id.
    pub(crate) fn list_annotations(&self, target: EnvelopeId) -> Result<Vec<MessageRow>, ReadError> {
        let stored = self.store.list_annotations(target, ANNOTATIONS_MAX)?;
        let all = self.changed_too(stored, |row| row.body.target() == Some(target));
        Ok(all.into_values().collect())
    }

    /// As [`Reads::astray`], by what was stored before this handling.
    pub(crate) fn astray(
        &self,
        room: RoomId,
        author: AccountId,
    ) -> Result<(u32, Option<EnvelopeId>), ReadError> {
        self.store.astray(room, author)
    }

    /// As [`Reads::thread`], by what was stored before this handling.
    pub(crate) fn thread(&self, room: RoomId, root: EnvelopeId) -> Result<(u32, Timestamp), ReadError> {
        self.store.thread(room, root)
    }

    /// Messages of others in a room up to a sequence that disappear and whose time has not begun.
    pub(crate) fn list_disappearing(&self, room: RoomId, up_to: u64) -> Result<Vec<MessageRow>, ReadError> {
        let stored = self.store.list_disappearing(room, up_to, u32::MAX)?;
        let all = self.changed_too(stored, |row| {
            let reached = row.sequence.is_some_and(|sequence| sequence <= up_to);
            row.room == room && !row.mine && reached && row.body.disappears().is_some()
        });
        Ok(all.into_values().collect())
    }

    /// Messages that have to be gone by now.
    pub(crate) fn list_expired(&self, limit: u32) -> Result<Vec<MessageRow>, ReadError> {
        let stored = self.store.list_expired(self.now, limit)?;
        let all = self.changed_too(stored, |row| {
            row.body.expires_at().is_some_and(|at| at <= self.now)
        });
        Ok(all.into_values().collect())
    }

    /// When the next message has to go: not later than that.
    pub(crate) fn next_expiry(&self) -> Result<Option<Timestamp>, ReadError> {
        let changed = self.messages.values().flatten();
        let changed = changed.filter_map(|row| row.body.expires_at());
        Ok(changed.chain(self.store.next_expiry()?).min())
    }

    pub(crate) fn stored_last_ordinal(&self) -> Result<u64, ReadError> {
        self.store.last_ordinal()
    }
}

/// A store with nothing in it: what a handling sees after a wipe.
pub(crate) struct Empty;

impl Reads for Empty {
    fn find_record(&self, _: Table, _: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        Ok(None)
    }

    fn list_records(&self, _: Table, _: &[u8], _: u32) -> Result<Vec<Record>, ReadError> {
        Ok(Vec::new())
    }

    fn find_room(&self, _: RoomId) -> Result<Option<RoomRow>, ReadError> {
        Ok(None)
    }

    fn find_message(&self, _: EnvelopeId) -> Result<Option<MessageRow>, ReadError> {
        Ok(None)
    }

    fn list_own_unread(&self, _: RoomId, _: u64, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn last_ordinal(&self) -> Result<u64, ReadError> {
        Ok(0)
    }

    fn list_annotations(&self, _: EnvelopeId, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn astray(&self, _: RoomId, _: AccountId) -> Result<(u32, Option<EnvelopeId>), ReadError> {
        Ok((0, None))
    }

    fn thread(&self, _: RoomId, _: EnvelopeId) -> Result<(u32, Timestamp), ReadError> {
        Ok((0, Timestamp(0)))
    }

    fn list_disappearing(&self, _: RoomId, _: u64, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn list_expired(&self, _: Timestamp, _: u32) -> Result<Vec<MessageRow>, ReadError> {
        Ok(Vec::new())
    }

    fn next_expiry(&self) -> Result<Option<Timestamp>, ReadError> {
        Ok(None)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use conclave_crypto::{IdentityKey, RecoveryKey, SigningKey};
    use conclave_protocol::accounts::AccountFound;
    use conclave_protocol::{AccountId, Bytes, DeviceId};
    use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::own::OwnIdentity;

    /// A handling sees what it changes itself.
    pub(crate) use super::Empty as EmptyStore;

    pub(crate) fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(1)
    }

    /// The device belongs to this account.
    pub(crate) fn signed_up(work: &mut Work<'_>, account: AccountId) {
        let own = OwnIdentity::new(
            &"bob".parse().unwrap(),
            account,
            &SigningKey::from_bytes(&[1; 32]),
            &IdentityKey::from_bytes(&[2; 32]),
            &RecoveryKey::from_bytes(&[3; 32]),
            Vec::new(),
        );
        work.put_own(&own);
    }

    /// An account with a genuine chain, whose devices do what a test wants.
    #[derive(Clone)]
    pub(crate) struct Account {
        pub(crate) chain: AccountChain,
        pub(crate) entries: Vec<Bytes>,
        seed: u8,
    }

    impl Account {
        /// An account with one device. Each seed makes another one.
        pub(crate) fn new(seed: u8) -> Self {
            let recovery = RecoveryKey::from_bytes(&[seed; 32]);
            let recovery = recovery.signing_key().public().to_bytes();
            let signing = signing_key(seed, 0);
            let genesis = AccountEntry::genesis(keys(seed, 0), recovery, Timestamp(1_000))
                .signed_with(|bytes| signing.sign(bytes));
            Self {
                chain: AccountChain::begin(&genesis).unwrap(),
                entries: vec![Bytes(genesis.to_bytes())],
                seed,
            }
        }

        pub(crate) fn id(&self) -> AccountId {
            self.chain.account()
        }

        /// The keys of the device that comes next, and its proof of having them.
        pub(crate) fn next_keys(&self) -> (DeviceKeys, [u8; 64]) {
            let number = self.chain.head() + 1;
            let keys = keys(self.seed, number);
            let possession = signing_key(self.seed, number).sign(&keys.possession_bytes(self.id()));
            (keys, possession)
        }

        pub(crate) fn adds(&mut self, by: u32) -> DeviceId {
            let (keys, possession) = self.next_keys();
            self.says(by, AccountBody::AddDevice { keys, possession });
            DeviceId(self.chain.head())
        }

        pub(crate) fn revokes(&mut self, by: u32, device: DeviceId) {
            self.says(by, AccountBody::RevokeDevice { device });
        }

        pub(crate) fn says(&mut self, by: u32, body: AccountBody) {
            let signing = signing_key(self.seed, by);
            let author = Author::Device(DeviceId(by));
            let entry = self
                .chain
                .next_entry(author, self.chain.time().plus(1_000), body)
                .signed_with(|bytes| signing.sign(bytes));
            self.chain.append(&entry).unwrap();
            self.entries.push(Bytes(entry.to_bytes()));
        }

        /// One of its devices, as its own store has it.
        pub(crate) fn own(&self, device: u32) -> OwnIdentity {
            let (signing, identity) = (signing_key(self.seed, device), identity_key(self.seed, device));
            let mut own = OwnIdentity::joined(
                &"bob".parse().unwrap(),
                self.id(),
                DeviceId(device),
                &signing,
                &identity,
                self.entries.clone(),
            );
            own.registered = true;
            own
        }

        pub(crate) fn found(&self) -> AccountFound {
            AccountFound {
                account: self.id(),
                username: "mia".parse().unwrap(),
                entries: self.entries.clone(),
            }
        }
    }

    pub(crate) fn signing_key(seed: u8, device: u32) -> SigningKey {
        SigningKey::from_bytes(&secret(seed, 1, device))
    }

    pub(crate) fn identity_key(seed: u8, device: u32) -> IdentityKey {
        IdentityKey::from_bytes(&secret(seed, 2, device))
    }

    fn keys(seed: u8, device: u32) -> DeviceKeys {
        DeviceKeys {
            signing: signing_key(seed, device).public().to_bytes(),
            identity: identity_key(seed, device).public().to_bytes(),
        }
    }

    fn secret(seed: u8, kind: u8, device: u32) -> [u8; 32] {
        let mut secret = [seed; 32];
        secret[0] = kind;
        secret[1..5].copy_from_slice(&device.to_be_bytes());
        secret
    }
}
