//! Chains that were verified once and are held in memory, each behind a lock of its own.
//!
//! Invariant: who appends holds the place's lock for writing until the entry is on disk and everybody was told; who
//! judges, tells or hands out by a chain holds it for reading. So nobody who was removed is told anything behind the
//! entry that did it.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_db::{Db, DbError, PlaceSnapshot};
use conclave_protocol::{AccountId, Bytes, PlaceId, RoomId};
use conclave_sigchain::room::{RoomChain, RoomChainError};
use conclave_sigchain::{AccountChain, AccountEntry};
use dashmap::DashMap;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Places and rooms beyond which the longest unused are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Account chains beyond which the memory begins anew; that costs reads, never a wrong answer.
const ACCOUNTS_MAX: usize = 20_000;
/// What all chains together may weigh, in parts of about 200 bytes: a few hundred megabytes.
const WEIGHT_MAX: u64 = 2_000_000;
/// Entries that one read brings, so that verifying a long chain lets others go on in between.
const READ_AT_ONCE: u32 = 250;
/// Bytes of entries that one read brings.
const READ_BYTES: usize = 1024 * 1024;
/// Entries that a start verifies anew at most; a chain that has grown by as many is kept as it is.
const KEPT_EVERY: u32 = 250;
/// A chain of which this many entries had to be verified is kept, so that the next start need not.
const KEPT_AFTER_LOADING: u32 = 50;

/// The memory of all places.
#[derive(Default)]
pub(crate) struct Places {
    slots: DashMap<PlaceId, Arc<Slot>>,
    rooms: DashMap<RoomId, PlaceId>,
    accounts: DashMap<AccountId, Arc<AccountChain>>,
    /// Counts uses, to know which were long ago.
    uses: AtomicU64,
}

#[derive(Default)]
struct Slot {
    used: AtomicU64,
    weight: AtomicU64,
    place: Arc<RwLock<Option<Place>>>,
}

/// A place as it was verified.
pub(crate) struct Place {
    pub(crate) chain: RoomChain,
    /// Members who lost a device that the chain does not say yet, with the entry of their own chain.
    pub(super) owed: BTreeMap<AccountId, u32>,
    /// The place's revision in the database that all this was judged by.
    pub(crate) revision: u64,
    /// Sequence up to which the chain is kept in the database; none where it is not.
    pub(super) kept: Option<u32>,
}

/// A place that nobody changes meanwhile.
pub(crate) struct Reading(OwnedRwLockReadGuard<Option<Place>, Place>);

impl Deref for Reading {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

/// A place that nobody else reads or changes meanwhile. Taken out and not put back, it is read anew next time.
pub(super) struct Held {
    guard: OwnedRwLockWriteGuard<Option<Place>>,
    slot: Arc<Slot>,
}

impl Held {
    /// Takes the place out to change it. Whatever happens before it is put back (a refusal, a failure, a request that
    /// is given up), nobody sees a change that is not on disk.
    pub(super) fn take(&mut self) -> Option<Place> {
        self.guard.take()
    }

    pub(super) fn put(&mut self, place: Place) -> &Place {
        self.slot.weight.store(place.weight(), Ordering::Relaxed);
        self.guard.insert(place)
    }

    /// The place, read from the database where it is not here.
    pub(super) async fn loaded(&mut self, db: &Db, id: PlaceId) -> Result<Option<&Place>, DbError> {
        if self.guard.is_none()
            && let Some(place) = load(db, id).await?
        {
            self.put(place);
        }
        Ok(self.guard.as_ref())
    }
}

impl Place {
    /// A place that was just made.
    pub(super) fn made(chain: RoomChain, revision: u64) -> Self {
        Self {
            chain,
            owed: BTreeMap::new(),
            revision,
            kept: None,
        }
    }

    fn weight(&self) -> u64 {
        let state = self.chain.state();
        // Of an entry only its hash is held, a sixth of a part.
        let parts = state.member_count() * 2 + state.channels().count() + self.entries() / 6 + 1;
        u64::try_from(parts).unwrap_or(u64::MAX)
    }

    fn entries(&self) -> usize {
        usize::try_from(self.chain.head()).unwrap_or(usize::MAX)
    }

    /// The chain to keep, once it has grown enough since it was kept last.
    pub(super) fn snapshot_due(&mut self) -> Option<PlaceSnapshot> {
        let grown = self.chain.head().saturating_sub(self.kept.unwrap_or(0));
        (grown >= KEPT_EVERY).then(|| self.snapshot())
    }

    fn snapshot(&mut self) -> PlaceSnapshot {
        let sequence = self.chain.head();
        self.kept = Some(sequence);
        PlaceSnapshot {
            sequence,
            bytes: self.chain.to_bytes(),
        }
    }
}

impl Places {
    /// A place to read from; none where there is none.
    pub(crate) async fn read(&self, db: &Db, id: PlaceId) -> Result<Option<Reading>, DbError> {
        loop {
            let Some(slot) = self.slot(db, id).await? else {
                return Ok(None);
            };
            let guard = Arc::clone(&slot.place).read_owned().await;
            if let Ok(place) = OwnedRwLockReadGuard::try_map(guard, Option::as_ref) {
                return Ok(Some(Reading(place)));
            }
            let mut held = hold(slot).await;
            if held.loaded(db, id).await?.is_none() {
                return Ok(None);
            }
        }
    }

    /// A place to change; none where there is none.
    pub(super) async fn hold(&self, db: &Db, id: PlaceId) -> Result<Option<Held>, DbError> {
        let Some(slot) = self.slot(db, id).await? else {
            return Ok(None);
        };
        let mut held = hold(slot).await;
        Ok(held.loaded(db, id).await?.is_some().then_some(held))
    }

    /// A place that is being made: nobody else knows it yet.
    pub(super) async fn hold_new(&self, id: PlaceId) -> Held {
        let slot = Arc::clone(&self.slots.entry(id).or_default());
        hold(slot).await
    }

    /// Reads from the database what a place has become since `revision`; nothing where somebody did so meanwhile.
    pub(crate) async fn refresh(&self, db: &Db, id: PlaceId, revision: u64) -> Result<(), DbError> {
        let Some(mut held) = self.hold(db, id).await? else {
            return Ok(());
        };
        let Some(place) = held.take() else { return Ok(()) };
        if place.revision != revision {
            held.put(place);
            return Ok(());
        }
        if let Some(place) = catch_up(db, id, place).await? {
            held.put(place);
        }
        Ok(())
    }

    /// The place of a room, where it is one of a place.
    pub(crate) async fn of_room(&self, db: &Db, room: RoomId) -> Result<Option<PlaceId>, DbError> {
        if let Some(place) = self.rooms.get(&room) {
            return Ok(Some(*place));
        }
        let found = db.find_place_room(room).await?.map(|room| room.place);
        if let Some(place) = found {
            if self.rooms.len() >= REMEMBERED_MAX {
                self.rooms.clear();
            }
            self.rooms.insert(room, place);
        }
        Ok(found)
    }

    /// The verified chain of an account as it is stored now; none where there is no such account.
    pub(super) async fn account(
        &self,
        db: &Db,
        account: AccountId,
    ) -> Result<Option<Arc<AccountChain>>, DbError> {
        let mut chain = self.accounts.get(&account).map(|chain| Arc::clone(&chain));
        loop {
            let after = chain.as_ref().map(|chain| chain.head());
            let entries = db.list_entries(account, after, READ_AT_ONCE).await?;
            if entries.is_empty() {
                break;
            }
            chain = Some(Arc::new(extend(chain, account, &entries).map_err(|error| {
                DbError::Internal(format!("a stored account chain breaks its rules: {error}"))
            })?));
        }
        if let Some(chain) = &chain {
            if self.accounts.len() >= ACCOUNTS_MAX {
                self.accounts.clear();
            }
            self.accounts.insert(account, Arc::clone(chain));
        }
        Ok(chain)
    }

    /// The place's slot. Only a place that exists gets one, so that asking for others costs no memory.
    async fn slot(&self, db: &Db, id: PlaceId) -> Result<Option<Arc<Slot>>, DbError> {
        let found = self.slots.get(&id).map(|slot| Arc::clone(&slot));
        let slot = match found {
            Some(slot) => slot,
            None if db.find_place(id).await?.is_none() => return Ok(None),
            None => {
                self.make_room();
                Arc::clone(&self.slots.entry(id).or_default())
            }
        };
        slot.used
            .store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Ok(Some(slot))
    }

    /// Forgets the half that was not used for longest when there are too many or they weigh too much.
    fn make_room(&self) {
        let weigh = |slot: &Slot| slot.weight.load(Ordering::Relaxed);
        let weight: u64 = self.slots.iter().map(|slot| weigh(&slot)).sum();
        if self.slots.len() < REMEMBERED_MAX && weight < WEIGHT_MAX {
            return;
        }
        let mut used: Vec<u64> = self
            .slots
            .iter()
            .map(|slot| slot.used.load(Ordering::Relaxed))
            .collect();
        used.sort_unstable();
        let middle = used.get(used.len() / 2).copied().unwrap_or_default();
        // One that somebody holds stays: a second slot for it would be a second truth.
        self.slots.retain(|_, slot| {
            slot.used.load(Ordering::Relaxed) >= middle
                || Arc::strong_count(slot) > 1
                || Arc::strong_count(&slot.place) > 1
        });
    }
}

async fn hold(slot: Arc<Slot>) -> Held {
    Held {
        guard: Arc::clone(&slot.place).write_owned().await,
        slot,
    }
}

fn extend(
    chain: Option<Arc<AccountChain>>,
    account: AccountId,
    entries: &[Bytes],
) -> Result<AccountChain, conclave_sigchain::ChainError> {
    let Some(chain) = chain else {
        return AccountChain::verify(account, entries.iter().map(Bytes::as_slice));
    };
    let mut chain = (*chain).clone();
    for entry in entries {
        chain.append(&AccountEntry::from_bytes(entry.as_slice())?)?;
    }
    Ok(chain)
}

/// A place from the database: the kept chain and what lies behind it, or the whole chain.
async fn load(db: &Db, id: PlaceId) -> Result<Option<Place>, DbError> {
    if let Some(kept) = db.find_place_snapshot(id).await? {
        match RoomChain::from_bytes(&kept.bytes) {
            Ok(chain) if chain.place() == id => {
                let place = Place {
                    kept: Some(kept.sequence),
                    ..Place::made(chain, 0)
                };
                if let Some(place) = catch_up(db, id, place).await? {
                    return Ok(Some(place));
                }
            }
            // As after an update that keeps chains in another form.
            Ok(_) | Err(_) => tracing::info!("a kept chain of a place is verified anew"),
        }
        db.delete_place_snapshot(id).await?;
    }
    // The first entry makes the chain.
    let Some(first) = db.list_place_entries(id, None, None, 1, READ_BYTES).await?.pop() else {
        return Ok(None);
    };
    let begun = conclave_sigchain::room::RoomEntry::from_bytes(first.as_slice())
        .and_then(|entry| RoomChain::begin(&entry));
    match begun {
        Ok((chain, _)) if chain.place() == id => catch_up(db, id, Place::made(chain, 0)).await,
        _ => Err(broken(RoomChainError::Genesis)),
    }
}

/// A place with everything that the database has behind it; none where that does not continue a kept chain.
async fn catch_up(db: &Db, id: PlaceId, mut place: Place) -> Result<Option<Place>, DbError> {
    // Read first: what is read behind it can only be newer, and then the revision is noticed to be old.
    let Some(stands) = db.find_place(id).await? else {
        return Ok(None);
    };
    let owed = db.list_owed(id).await?;
    let before = place.chain.head();
    while place.chain.head() < stands.head {
        let after = Some(place.chain.head());
        let entries = db
            .list_place_entries(id, after, None, READ_AT_ONCE, READ_BYTES)
            .await?;
        if entries.is_empty() {
            return Err(broken(RoomChainError::Gap));
        }
        for entry in &entries {
            match place.chain.append_bytes(entry.as_slice()) {
                Ok(_) => {}
                Err(error) if place.kept.is_none() => return Err(broken(error)),
                Err(_) => return Ok(None),
            }
        }
    }
    place.owed = owed.into_iter().collect();
    place.revision = stands.revision;
    if place.chain.head().saturating_sub(before) >= KEPT_AFTER_LOADING {
        let snapshot = place.snapshot();
        db.upsert_place_snapshot(id, &snapshot).await?;
    }
    Ok(Some(place))
}

fn broken(error: RoomChainError) -> DbError {
    DbError::Internal(format!("a stored chain of a place breaks its rules: {error}"))
}
