//! Who read each room of a place from which entry to which, when its epochs began, and where a removal ended the
//! chains of whom.
//!
//! A place's chain as it is kept says how things are. A message names an earlier entry, and what held then follows
//! from this roll, which is written entry by entry.
//!
//! Invariant: everything here follows from verified entries alone.

use std::collections::BTreeSet;

use conclave_protocol::{AccountId, PlaceId, RoomId};
use conclave_sigchain::room::limits::CLOSINGS_MAX;
use conclave_sigchain::room::{RoomChange, RoomEvent, RoomState};
use minicbor::{Decode, Encode};

use crate::content::ChainId;

/// Where a place's roll is kept.
pub(super) fn key(place: PlaceId) -> Vec<u8> {
    [b"roll/", place.0.as_slice()].concat()
}

/// The roll of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Roll {
    /// The last entry that was noted.
    #[n(0)]
    up_to: u32,
    #[n(1)]
    members: Spells,
    /// Ascending.
    #[n(2)]
    rooms: Vec<RoomRoll>,
    #[n(3)]
    endings: Vec<Ending>,
}

/// What is noted of one room.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct RoomRoll {
    #[n(0)]
    room: RoomId,
    /// The entries with which its epochs began, ascending.
    #[n(1)]
    epochs: Vec<u32>,
    /// Who read it; none where that was always every member.
    #[n(2)]
    readers: Option<Spells>,
    /// The last entry that may have changed who posts here.
    #[n(3)]
    rights: u32,
}

/// Accounts in ascending order, each with the times in which they belonged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
struct Spells(#[n(0)] Vec<Belonging>);

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Belonging {
    #[n(0)]
    account: AccountId,
    #[n(1)]
    spells: Vec<Spell>,
}

/// From one entry on, until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Spell {
    #[n(0)]
    from: u32,
    #[n(1)]
    until: Option<u32>,
}

/// An entry that ended chains of an account: it departed, or a device of it was seen to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Ending {
    #[n(0)]
    sequence: u32,
    #[n(1)]
    account: AccountId,
    /// The head of the account's chain that was observed; none where the account departed.
    #[n(2)]
    observed: Option<u32>,
    /// Chains, and the last iteration that is taken of each.
    #[n(3)]
    chains: Vec<(ChainId, u32)>,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nowhere.
    Open,
    /// Behind this iteration.
    Behind(u32),
    /// Before its first message: nobody had seen one when its account departed.
    AtOnce,
}

impl Spells {
    fn find(&self, account: AccountId) -> Option<&Belonging> {
        let at = self.0.binary_search_by_key(&account, |one| one.account).ok()?;
        self.0.get(at)
    }

    /// Whether an account belonged when the chain ended with this entry.
    fn belonged(&self, account: AccountId, head: u32) -> bool {
        let spells = self.find(account).map_or(&[][..], |one| &one.spells);
        spells
            .iter()
            .any(|spell| spell.from <= head && spell.until.is_none_or(|until| head < until))
    }

    /// Since when an account belongs without a break.
    fn since(&self, account: AccountId) -> Option<u32> {
        let last = self.find(account)?.spells.last()?;
        last.until.is_none().then_some(last.from)
    }

    fn set(&mut self, account: AccountId, belongs: bool, sequence: u32) {
        if belongs == self.since(account).is_some() {
            return;
        }
        let at = match self.0.binary_search_by_key(&account, |one| one.account) {
            Ok(at) => at,
            Err(at) => {
                let spells = Vec::new();
                self.0.insert(at, Belonging { account, spells });
                at
            }
        };
        let Some(one) = self.0.get_mut(at) else { return };
        if belongs {
            one.spells.push(Spell {
                from: sequence,
                until: None,
            });
        } else if let Some(last) = one.spells.last_mut() {
            last.until = Some(sequence);
        }
    }

    fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.0.iter().map(|one| one.account)
    }
}

impl Roll {
    /// The roll of a chain of which only the state is known: what was before it is not.
    pub(crate) fn of_state(state: &RoomState) -> Self {
        let mut roll = Self {
            up_to: state.sequence(),
            ..Self::default()
        };
        for (account, member) in state.members() {
            roll.members.set(account, true, member.joined);
        }
        roll.follow_rooms(state, state.sequence(), true);
        for room in &mut roll.rooms {
            room.epochs = state.epoch(room.room).into_iter().collect();
            if let Some(readers) = &mut room.readers {
                *readers = Spells::default();
                for account in state.readers(room.room) {
                    let joined = state.member(account).map_or(0, |member| member.joined);
                    readers.set(account, true, joined);
                }
            }
        }
        roll
    }

    /// True for the roll of a chain that ends with this entry.
    pub(crate) fn is_of(&self, head: u32) -> bool {
        self.up_to == head && !self.members.0.is_empty()
    }

    /// Notes what an entry changed; `state` is what it led to.
    pub(crate) fn note(&mut self, state: &RoomState, change: &RoomChange) {
        let sequence = change.sequence;
        let follows = if sequence == 0 {
            self.members.0.is_empty()
        } else {
            self.up_to.checked_add(1) == Some(sequence)
        };
        if !follows {
            if sequence > self.up_to {
                *self = Self::of_state(state);
            }
            return;
        }
        self.up_to = sequence;
        let mut touched = BTreeSet::new();
        let mut everybody = sequence == 0;
        let mut rights = sequence == 0;
        for event in &change.events {
            match event {
                RoomEvent::Created => {
                    touched.insert(state.owner());
                }
                RoomEvent::Joined(account, _) => {
                    touched.insert(*account);
                }
                RoomEvent::Departed(account, _) => {
                    touched.insert(*account);
                    self.note_ending(change, *account, None);
                }
                RoomEvent::Observed(account, head) => self.note_ending(change, *account, Some(head.sequence)),
                RoomEvent::RolesSet { account, .. } => {
                    touched.insert(*account);
                    rights = true;
                }
                RoomEvent::ChannelCreated(_)
                | RoomEvent::ChannelUpdated(_)
                | RoomEvent::ChannelDeleted(_)
                | RoomEvent::RoleRemoved(_)
                | RoomEvent::OwnerChanged { .. } => {
                    everybody = true;
                    rights = true;
                }
                RoomEvent::RoleUpdated(_)
                | RoomEvent::PolicyChanged(_)
                | RoomEvent::Muted(..)
                | RoomEvent::Closed => rights = true,
                _ => {}
            }
        }
        for account in &touched {
            let is_member = state.member(*account).is_some();
            self.members.set(*account, is_member, sequence);
        }
        if everybody {
            self.follow_rooms(state, sequence, rights);
        } else {
            for room in &mut self.rooms {
                if rights {
                    room.rights = sequence;
                }
                if let Some(readers) = &mut room.readers {
                    for account in &touched {
                        readers.set(*account, state.is_reader(*account, room.room), sequence);
                    }
                }
            }
        }
        for event in &change.events {
            if let RoomEvent::EpochEnded(room) = event
                && let Ok(at) = self.position(*room)
                && let Some(room) = self.rooms.get_mut(at)
                && room.epochs.last().is_none_or(|last| *last < sequence)
            {
                room.epochs.push(sequence);
            }
        }
    }

    /// Whether an account read a room when the chain ended with this entry.
    pub(crate) fn was_reader(&self, room: RoomId, account: AccountId, head: u32) -> bool {
        let Some(found) = self.room(room) else {
            return false;
        };
        match &found.readers {
            Some(readers) => readers.belonged(account, head),
            None => {
                self.members.belonged(account, head)
                    && found.epochs.first().is_some_and(|first| *first <= head)
            }
        }
    }

    /// Whether an account reads a room, or read it once.
    pub(crate) fn has_read(&self, room: RoomId, account: AccountId) -> bool {
        let Some(found) = self.room(room) else {
            return false;
        };
        found
            .readers
            .as_ref()
            .unwrap_or(&self.members)
            .find(account)
            .is_some()
    }

    /// Whether an account has read a room without a break since it first did.
    pub(crate) fn is_first_stay(&self, room: RoomId, account: AccountId) -> bool {
        let Some(found) = self.room(room) else {
            return false;
        };
        let readers = found.readers.as_ref().unwrap_or(&self.members);
        readers.find(account).is_some_and(|one| one.spells.len() == 1)
    }

    /// Since which entry an account reads a room without a break.
    pub(crate) fn reads_since(&self, room: RoomId, account: AccountId) -> Option<u32> {
        let found = self.room(room)?;
        match &found.readers {
            Some(readers) => readers.since(account),
            None => Some(self.members.since(account)?.max(found.epochs.first().copied()?)),
        }
    }

    /// The epoch of a room when the chain ended with this entry.
    pub(crate) fn epoch_at(&self, room: RoomId, head: u32) -> Option<u32> {
        let epochs = &self.room(room)?.epochs;
        epochs.iter().rev().find(|epoch| **epoch <= head).copied()
    }

    /// The entry with which a room began.
    pub(crate) fn began(&self, room: RoomId) -> Option<u32> {
        self.room(room)?.epochs.first().copied()
    }

    /// True for an epoch that the room has or had.
    pub(crate) fn has_epoch(&self, room: RoomId, epoch: u32) -> bool {
        self.room(room)
            .is_some_and(|found| found.epochs.binary_search(&epoch).is_ok())
    }

    /// The entry that ended an epoch; none while it lasts.
    pub(crate) fn epoch_end(&self, room: RoomId, epoch: u32) -> Option<u32> {
        let epochs = &self.room(room)?.epochs;
        epochs.iter().find(|later| **later > epoch).copied()
    }

    /// True where who may post in a room is since this entry as it is now.
    pub(crate) fn rights_hold_since(&self, room: RoomId, head: u32) -> bool {
        self.room(room).is_some_and(|found| found.rights <= head)
    }

    /// True where a revocation at this place of an account's own chain was seen by this entry.
    pub(crate) fn had_observed(&self, account: AccountId, revoked: u32, head: u32) -> bool {
        self.endings.iter().any(|ending| {
            ending.account == account
                && ending.sequence <= head
                && ending.observed.is_some_and(|observed| observed >= revoked)
        })
    }

    /// Where a chain of an account's device ends, which it began in this epoch of the room. `revoked` is the place in
    /// the account's own chain at which the device was revoked.
    pub(crate) fn end_of(
        &self,
        room: RoomId,
        account: AccountId,
        revoked: Option<u32>,
        (chain, epoch): (ChainId, u32),
    ) -> End {
        let endings = || self.endings.iter().filter(|ending| ending.account == account);
        let named = endings()
            .flat_map(|ending| &ending.chains)
            .filter(|(closed, _)| *closed == chain)
            .map(|(_, iteration)| *iteration)
            .min();
        if let Some(iteration) = named {
            return End::Behind(iteration);
        }
        // Whoever ended the epoch named every chain of it that they had seen a message of.
        let unnamed = endings().any(|ending| {
            let all_gone = match ending.observed {
                None => true,
                Some(observed) => revoked.is_some_and(|revoked| revoked <= observed),
            };
            all_gone
                && ending.chains.len() < CLOSINGS_MAX
                && self.epoch_end(room, epoch) == Some(ending.sequence)
        });
        if unnamed { End::AtOnce } else { End::Open }
    }

    fn room(&self, room: RoomId) -> Option<&RoomRoll> {
        self.rooms.get(self.position(room).ok()?)
    }

    fn position(&self, room: RoomId) -> Result<usize, usize> {
        self.rooms.binary_search_by_key(&room, |found| found.room)
    }

    fn note_ending(&mut self, change: &RoomChange, account: AccountId, observed: Option<u32>) {
        let chains = change.events.iter().filter_map(|event| match event {
            RoomEvent::ChainsClosed(whose, chains) if *whose == account => Some(chains),
            _ => None,
        });
        let chains = chains
            .flatten()
            .map(|closed| (ChainId(closed.chain), closed.iteration))
            .collect();
        self.endings.push(Ending {
            sequence: change.sequence,
            account,
            observed,
            chains,
        });
    }

    /// Goes over every room: those that are new, those that were closed to some, those that are gone.
    fn follow_rooms(&mut self, state: &RoomState, sequence: u32, rights: bool) {
        for room in state.rooms() {
            let at = match self.position(room) {
                Ok(at) => at,
                Err(at) => {
                    let found = RoomRoll {
                        room,
                        epochs: state.epoch(room).into_iter().collect(),
                        readers: None,
                        rights: sequence,
                    };
                    self.rooms.insert(at, found);
                    at
                }
            };
            let is_private = state
                .channel_of(room)
                .is_some_and(|channel| state.channel_roles(channel).is_some());
            let Some(found) = self.rooms.get_mut(at) else {
                continue;
            };
            if rights {
                found.rights = sequence;
            }
            if is_private && found.readers.is_none() {
                let first = found.epochs.first().copied().unwrap_or(sequence);
                found.readers = Some(self.members.from(first));
            }
            if let Some(readers) = &mut found.readers {
                let accounts: BTreeSet<_> = readers.accounts().chain(state.readers(room)).collect();
                for account in accounts {
                    readers.set(account, state.is_reader(account, room), sequence);
                }
            }
        }
        // A room that is no more has no readers.
        for found in &mut self.rooms {
            if state.epoch(found.room).is_none() {
                let first = found.epochs.first().copied().unwrap_or(sequence);
                let readers = found.readers.get_or_insert_with(|| self.members.from(first));
                let accounts: Vec<_> = readers.accounts().collect();
                for account in accounts {
                    readers.set(account, false, sequence);
                }
            }
        }
    }
}

impl Spells {
    /// The same, as far as it lies behind an entry.
    fn from(&self, first: u32) -> Self {
        let behind = |spell: &Spell| {
            spell.until.is_none_or(|until| until > first).then(|| Spell {
                from: spell.from.max(first),
                until: spell.until,
            })
        };
        Self(
            self.0
                .iter()
                .map(|one| Belonging {
                    account: one.account,
                    spells: one.spells.iter().filter_map(behind).collect(),
                })
                .filter(|one| !one.spells.is_empty())
                .collect(),
        )
    }
}
