//! Keys of what is sealed in a place's chain: made, handed to members, asked for when missing.
//!
//! Invariant: a key goes to devices of members alone, as the verified chain says at the moment it is sealed for them.

use std::collections::BTreeMap;

use conclave_crypto::{PlaceKey, PlaceKeyId, place_key_of};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, Hash, PlaceId, Timestamp};
use conclave_sigchain::room::{Departure, RoomChange, RoomEvent};
use minicbor::{Decode, Encode};

use super::names::sealed_values;
use super::record::{Place, Standing};
use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::codec::Secret32;
use crate::content::Control;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::Event;
use crate::work::Work;

/// Keys in one message between devices, so that it fits one pairwise message.
pub(crate) const KEYS_MAX: usize = 48;
/// Keys of one place that are kept: of those in its chain, and of a few that come before their entry.
const KEPT_MAX: usize = 512;
/// Members who are handed a new key unasked; the others ask.
const TOLD_MAX: usize = 256;
/// Pause between two questions for one place's keys: at first, and at most.
const ASK_FIRST_MS: u64 = 4_000;
const ASK_LAST_MS: u64 = 10 * 60_000;
/// A device that asks again sooner than this is not answered.
const ANSWER_PAUSE_MS: u64 = 3_000;

/// The newest entry of a place's chain as a device sees it: two that were shown different chains find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct PlaceHead {
    #[n(0)]
    pub(crate) sequence: u32,
    #[n(1)]
    pub(crate) hash: Hash,
}

/// The key that this device made last for a place.
#[derive(Clone, Debug, Encode, Decode)]
struct Made {
    #[cbor(n(0), with = "minicbor::bytes")]
    id: PlaceKeyId,
    /// The place's epoch then.
    #[n(1)]
    epoch: u32,
    /// Members were told.
    #[n(2)]
    told: bool,
}

/// When a place's missing keys are asked for next, and of whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    at: Timestamp,
    turn: u32,
}

/// How keys are being looked for.
#[derive(Default)]
pub(crate) struct KeysRun {
    asking: BTreeMap<PlaceId, Asking>,
    answered: BTreeMap<(DeviceAddress, PlaceId), Timestamp>,
}

impl KeysRun {
    /// When somebody is asked next.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.asking.values().map(|asking| asking.at).min()
    }
}

impl Place {
    pub(crate) fn head(&self) -> PlaceHead {
        PlaceHead {
            sequence: self.chain.head(),
            hash: self.chain.head_hash(),
        }
    }
}

/// The sealed reason that an event names.
fn reason_of(event: &RoomEvent) -> Option<&[u8]> {
    match event {
        RoomEvent::Departed(_, Departure::Removed(reason) | Departure::Banned(reason))
        | RoomEvent::Banned(_, reason)
        | RoomEvent::Muted(_, _, reason) => Some(reason),
        _ => None,
    }
}

fn made_key(place: PlaceId) -> Vec<u8> {
    [b"made/", place.0.as_slice()].concat()
}

impl Engine {
    /// The key for what is sealed next: the one that is in force, or a new one after somebody left.
    pub(crate) fn key_in_force(&mut self, work: &mut Work<'_>, place: &Place) -> Result<PlaceKey, ReadError> {
        let state = place.chain.state();
        let names = work.place_names(place.id())?;
        let in_force = sealed_values(state)
            .filter(|(sequence, _)| *sequence >= state.place_epoch())
            .filter_map(|(sequence, sealed)| Some((sequence, place_key_of(sealed)?)))
            .filter(|(_, id)| names.key(*id).is_some())
            .max();
        let made: Option<Made> = work.find(Table::Places, &made_key(place.id()))?;
        let made = made
            .filter(|made| made.epoch == state.place_epoch())
            .map(|made| made.id);
        let id = in_force.map(|(_, id)| id).or(made);
        if let Some(key) = id.and_then(|id| names.key(id)) {
            return Ok(PlaceKey::from_bytes(key.as_bytes()));
        }
        let key = PlaceKey::generate(&mut work.rng);
        work.put_place_key(place.id(), &key)?;
        let made = Made {
            id: key.id(),
            epoch: state.place_epoch(),
            told: false,
        };
        work.put(Table::Places, &made_key(place.id()), &made);
        Ok(key)
    }

    /// Once a key that was made here seals something in the chain, members are handed it.
    pub(crate) fn tell_new_place_key(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        changes: &[RoomChange],
    ) -> Result<(), ReadError> {
        let Some(mut made) = work.find::<Made>(Table::Places, &made_key(place.id()))? else {
            return Ok(());
        };
        let state = place.chain.state();
        let is_used = sealed_values(state)
            .map(|(_, sealed)| sealed)
            .chain(
                changes
                    .iter()
                    .flat_map(|change| &change.events)
                    .filter_map(reason_of),
            )
            .any(|sealed| place_key_of(sealed) == Some(made.id));
        if made.told || !is_used {
            return Ok(());
        }
        made.told = true;
        work.put(Table::Places, &made_key(place.id()), &made);
        let members: Vec<AccountId> = state
            .members()
            .map(|(account, _)| account)
            .take(TOLD_MAX)
            .collect();
        for account in members {
            self.enqueue_place_keys(work, place.id(), account, None)?;
        }
        Ok(())
    }

    /// Somebody whom this device let in is handed the keys.
    pub(crate) fn tell_place_keys(
        &mut self,
        work: &mut Work<'_>,
        place: PlaceId,
        account: AccountId,
    ) -> Result<(), ReadError> {
        self.enqueue_place_keys(work, place, account, None)
    }

    /// What a device of a member is handed, looked up when it is sealed; none where it may not have it any more.
    pub(crate) fn place_keys_for(
        &mut self,
        work: &Work<'_>,
        id: PlaceId,
        account: AccountId,
    ) -> Result<Option<Control>, ReadError> {
        let Some(place) = self.place(work, id)? else {
            return Ok(None);
        };
        let own = work.own()?.account;
        let may = account == own || place.chain.state().member(account).is_some();
        if !may || place.kept.standing != Standing::Member || place.kept.disputed.is_some() {
            return Ok(None);
        }
        let names = work.place_names(id)?;
        let mut wanted: BTreeMap<PlaceKeyId, u32> = BTreeMap::new();
        for (sequence, sealed) in sealed_values(place.chain.state()) {
            if let Some(key) = place_key_of(sealed) {
                let newest = wanted.entry(key).or_default();
                *newest = (*newest).max(sequence);
            }
        }
        // Why somebody had to go is sealed, and kept nowhere.
        if let Some(made) = work.find::<Made>(Table::Places, &made_key(id))? {
            wanted.insert(made.id, u32::MAX);
        }
        let mut wanted: Vec<_> = wanted.into_iter().map(|(key, newest)| (newest, key)).collect();
        wanted.sort_unstable_by(|one, other| other.cmp(one));
        let keys: Vec<Secret32> = wanted
            .into_iter()
            .filter_map(|(_, id)| names.key(id))
            .take(KEYS_MAX)
            .map(|key| Secret32(*key.as_bytes()))
            .collect();
        Ok((!keys.is_empty()).then(|| Control::PlaceKeys(id, place.head(), keys)))
    }

    /// A member's device hands over keys of a place.
    pub(crate) fn take_place_keys(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        id: PlaceId,
        head: PlaceHead,
        keys: &[Secret32],
    ) -> Result<(), ReadError> {
        if !self.is_member_of(work, id, from.account)? {
            return Ok(());
        }
        let mut known = work.list_bytes(Table::PlaceKeys, &id.0, u32::MAX)?.len();
        let mut is_new = false;
        for key in keys.iter().take(KEYS_MAX) {
            if known >= KEPT_MAX {
                break;
            }
            if work.put_place_key(id, &PlaceKey::from_bytes(&key.0))? {
                known = known.saturating_add(1);
                is_new = true;
            }
        }
        self.place_head_named(work, id, head.sequence, head.hash)?;
        if let Some(place) = self.place(work, id)?
            && is_new
        {
            let own = work.own()?.account;
            self.show_place_rooms(work, &place, own)?;
            work.open_notices(id)?;
            work.show(Event::Places {
                place: id.to_string(),
            });
            work.show(Event::Chats);
            self.look_for_keys(work, &place)?;
        }
        Ok(())
    }

    /// A member's device lacks keys of a place.
    pub(crate) fn take_place_keys_wanted(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        id: PlaceId,
        head: PlaceHead,
    ) -> Result<(), ReadError> {
        if !self.is_member_of(work, id, from.account)? {
            // They may have joined by an entry that is not here yet.
            return self.place_head_named(work, id, head.sequence, head.hash);
        }
        self.place_head_named(work, id, head.sequence, head.hash)?;
        let lately = self.places.keys.answered.get(&(from, id));
        if lately.is_some_and(|at| work.now.since(*at) < ANSWER_PAUSE_MS) {
            return Ok(());
        }
        self.places.keys.answered.insert((from, id), work.now);
        self.enqueue_place_keys(work, id, from.account, Some(from.device))
    }

    /// Whether some place's verified chain names both accounts as members.
    pub(crate) fn shares_a_place(&mut self, work: &Work<'_>, account: AccountId) -> Result<bool, ReadError> {
        for id in work.list_place_ids()? {
            if self.is_member_of(work, id, account)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A place is on its way here of which nothing is known yet.
    pub(crate) fn a_place_is_on_its_way(&self) -> bool {
        self.needs.iter().any(|(need, state)| {
            *state == NeedState::Running && matches!(need, Need::Places | Need::PlaceEntries(_))
        })
    }

    fn is_member_of(&mut self, work: &Work<'_>, id: PlaceId, account: AccountId) -> Result<bool, ReadError> {
        let Some(place) = self.place(work, id)? else {
            return Ok(false);
        };
        Ok(place.kept.standing == Standing::Member && place.chain.state().member(account).is_some())
    }

    /// Notes whether keys of a place are missing.
    pub(crate) fn look_for_keys(&mut self, work: &mut Work<'_>, place: &Place) -> Result<(), ReadError> {
        let id = place.id();
        let names = work.place_names(id)?;
        let is_missing = place.kept.standing == Standing::Member
            && sealed_values(place.chain.state())
                .filter_map(|(_, sealed)| place_key_of(sealed))
                .any(|key| names.key(key).is_none());
        if !is_missing {
            self.places.keys.asking.remove(&id);
        } else if !self.places.keys.asking.contains_key(&id) {
            // Whoever brought this account in hands them over unasked.
            let at = self.jittered(work, ASK_FIRST_MS / 4);
            self.places.keys.asking.insert(id, Asking { at, turn: 0 });
        }
        Ok(())
    }

    /// Asks another member for keys that are missing: first whoever brought the account in, then the owner, then
    /// the others.
    pub(crate) fn ask_for_place_keys(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let due: Vec<PlaceId> = self
            .places
            .keys
            .asking
            .iter()
            .filter(|(_, asking)| asking.at <= work.now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Some(mut asking) = self.places.keys.asking.get(&id).copied() else {
                continue;
            };
            let Some(place) = self.place(work, id)? else {
                self.places.keys.asking.remove(&id);
                continue;
            };
            let own = work.own()?;
            let state = place.chain.state();
            let first = place
                .kept
                .brought_by
                .into_iter()
                .chain([state.owner(), own.account])
                .filter(|account| state.member(*account).is_some());
            let mut asked: Vec<AccountId> = first.collect();
            let others = state.members().map(|(account, _)| account);
            asked.extend(
                others
                    .filter(|account| !asked.contains(account))
                    .collect::<Vec<_>>(),
            );
            let turn = usize::try_from(asking.turn).unwrap_or(0);
            let whom = turn
                .checked_rem(asked.len())
                .and_then(|turn| asked.get(turn))
                .copied();
            let mut is_asked = true;
            if let Some(whom) = whom {
                if self.person(work, whom)?.is_some() {
                    let wanted = Control::PlaceKeysWanted(id, place.head());
                    self.enqueue_control(work, whom, None, &wanted)?;
                } else {
                    self.need(work, Need::Person(whom))?;
                    is_asked = false;
                }
            }
            if is_asked {
                asking.turn = asking.turn.saturating_add(1);
            }
            let doubled = ASK_FIRST_MS.saturating_mul(1_u64.checked_shl(asking.turn / 2).unwrap_or(u64::MAX));
            let pause = if is_asked {
                doubled.min(ASK_LAST_MS)
            } else {
                ASK_FIRST_MS / 4
            };
            asking.at = self.jittered(work, pause);
            self.places.keys.asking.insert(id, asking);
        }
        Ok(())
    }

    /// The devices of an account are handed a place's keys.
    fn enqueue_place_keys(
        &mut self,
        work: &mut Work<'_>,
        place: PlaceId,
        account: AccountId,
        device: Option<DeviceId>,
    ) -> Result<(), ReadError> {
        if self.person(work, account)?.is_none() {
            self.places.to_tell.insert((place, account));
            return self.need(work, Need::Person(account));
        }
        self.enqueue_keys_of_place(work, account, device, place)
    }

    /// People whose chains came meanwhile are handed what they were to be handed.
    pub(crate) fn hand_on_place_keys(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        for (place, account) in self.places.to_tell.clone() {
            if self.person(work, account)?.is_some() {
                self.places.to_tell.remove(&(place, account));
                self.enqueue_keys_of_place(work, account, None, place)?;
            } else {
                self.need(work, Need::Person(account))?;
            }
        }
        Ok(())
    }
}
