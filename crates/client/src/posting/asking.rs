//! Sender keys that are missing here, and answers to those who lack them.
//!
//! A message whose key is not here waits as a placeholder, and the key is asked for: of the device that made it, a
//! little later of the own other devices, then of other members' devices, ever less often, for a week. An answer is
//! taken from those who were asked, and only with the signed word of the chain's device; it opens what waits, in place.
//! Newcomers get the past in the same way: they ask, and who has the keys hands on what the room's policy lets them
//! read.
//!
//! Invariant: a key goes to devices of accounts that read the room by the verified chain, and nothing of it that lies
//! before what they may read.

use conclave_crypto::sender_keys::SenderKeySeed;
use conclave_protocol::{AccountId, DeviceAddress, EnvelopeId, RoomId};

use super::Spot;
use super::records::{Answers, Ask, Seed};
use super::sealing::keeps_nothing;
use crate::codec::SecretBytes;
use crate::content::{ChainId, Control};
use crate::machine::Engine;
use crate::people::side_of;
use crate::reads::ReadError;
use crate::work::Work;

/// Chains named in one request, and seeds in one answer: they fit one pairwise message.
pub(crate) const WANTED_MAX: usize = 8;
/// A key that is on its way through the mailbox comes within this time.
const GRACE_MS: u64 = 1_000;
/// After the author's device was asked, others are after this; then after twice as long each time.
const NEXT_FIRST_MS: u64 = 5_000;
const NEXT_LAST_MS: u64 = 6 * 60 * 60 * 1000;
/// A key that nobody gave in this time will not come.
pub(super) const ASK_FOR_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// What waits for the own vault is asked of others after this.
const VAULT_FIRST_MS: u64 = 30_000;
/// Requests to one device are this far apart.
const SPACING_MS: u64 = 500;
/// Other members' devices that are asked at a time.
const OTHERS_AT_ONCE: usize = 2;
/// Own devices that are asked at a time.
const OWN_AT_ONCE: usize = 4;
/// Devices whose answer is taken for one key: those that were asked last.
const ASKED_MAX: usize = 64;
/// A device is answered so often within an hour: the keys of a long history, and no more than that.
const ANSWERS_MAX: u32 = 240;
const HOUR_MS: u64 = 60 * 60 * 1000;
/// Messages that are too old to be waited for are looked for in steps.
const TALLIES_STEP: u32 = 1_000;
/// A tally is kept as long.
pub(super) const TALLY_MS: u64 = 30 * 24 * 60 * 60 * 1000;

impl Engine {
    /// The key of a chain is missing.
    pub(super) fn ask_for(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        chain: ChainId,
        author: DeviceAddress,
    ) -> Result<(), ReadError> {
        if work.ask(room, chain)?.is_none() {
            let next = work.now.plus(GRACE_MS);
            let ask = Ask {
                author,
                began: work.now,
                next,
                rounds: 0,
                asked: Vec::new(),
            };
            work.put_ask(room, chain, &ask);
            self.posting_soon(next);
        }
        Ok(())
    }

    /// A key came: what waits for it is opened.
    pub(super) fn key_came(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        chain: ChainId,
    ) -> Result<(), ReadError> {
        if work.ask(spot.room, chain)?.is_none() {
            return Ok(());
        }
        self.try_waiting_in(work, spot.room, Some(chain))?;
        self.forget_ask_if_done(work, spot.room, chain)
    }

    fn forget_ask_if_done(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        chain: ChainId,
    ) -> Result<(), ReadError> {
        let waits = work.list_waiting(Some(room))?;
        if waits.iter().all(|waiting| waiting.chain != Some(chain)) {
            work.forget_ask(room, chain);
        }
        Ok(())
    }

    /// Keeps a seed, and has it recorded in the vault, unless one that reaches as far back is here.
    pub(crate) fn keep_seed(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        author: DeviceAddress,
        chain: ChainId,
        mut seed: Seed,
    ) -> Result<(), ReadError> {
        let Some(begins) = begins_at(&seed) else {
            return Ok(());
        };
        if let Some(known) = work.seed(room, chain)? {
            if begins_at(&known).is_some_and(|known| known <= begins) {
                return Ok(());
            }
            for (head, iteration) in known.marks {
                seed.mark(head, iteration);
            }
        }
        work.put_seed(room, chain, &seed);
        self.record_seed(work, room, author, chain, &seed.bytes.0)
    }

    /// The vault holds a seed that another own device recorded.
    pub(crate) fn seed_from_vault(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        bytes: SecretBytes,
    ) -> Result<(), ReadError> {
        let Some(chain) = SenderKeySeed::from_bytes(&bytes.0)
            .ok()
            .map(|seed| ChainId(*seed.statement().chain_id()))
        else {
            return Ok(());
        };
        let seed = Seed {
            bytes,
            marks: Vec::new(),
        };
        let reaches = begins_at(&seed);
        let known = work.seed(room, chain)?;
        let known = known.as_ref().and_then(begins_at);
        if known.is_none_or(|known| reaches.is_some_and(|begins| begins < known)) {
            work.put_seed(room, chain, &seed);
        }
        if let Some(spot) = self.spot(work, room)? {
            self.key_came(work, &spot, chain)?;
        }
        Ok(())
    }

    /// What could not be judged before is tried again.
    pub(super) fn try_waiting(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let mut rooms: Vec<RoomId> = work
            .list_waiting(None)?
            .iter()
            .filter(|waiting| waiting.chain.is_none())
            .map(|waiting| waiting.message.room)
            .collect();
        rooms.sort_unstable();
        rooms.dedup();
        for room in rooms {
            self.try_waiting_in(work, room, None)?;
        }
        Ok(())
    }

    /// Asks for what may be asked for now.
    pub(super) fn drive_asks(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let now = work.now;
        let vault_first = !self.vault_is_read(work)?;
        let mut requests: Vec<(DeviceAddress, RoomId, Vec<ChainId>)> = Vec::new();
        for (room, chain, mut ask) in work.list_asks()? {
            if now.since(ask.began) > ASK_FOR_MS {
                self.give_up_chain(work, room, chain)?;
                continue;
            }
            let next = if vault_first {
                ask.next.max(ask.began.plus(VAULT_FIRST_MS))
            } else {
                ask.next
            };
            if next > now {
                self.posting_soon(next);
                continue;
            }
            let Some(spot) = self.spot(work, room)? else {
                continue;
            };
            let mut targets = Vec::new();
            let mut empty = 0_usize;
            while targets.is_empty() && empty < 3 {
                targets = self.whom_to_ask(work, &spot, &ask)?;
                ask.rounds = ask.rounds.saturating_add(1);
                empty = empty.saturating_add(usize::from(targets.is_empty()));
            }
            let mut full = false;
            for target in targets {
                if add_request(&mut requests, target, room, chain) {
                    ask.asked.retain(|asked| *asked != target);
                    ask.asked.push(target);
                } else {
                    full = true;
                }
            }
            let beyond = ask.asked.len().saturating_sub(ASKED_MAX);
            ask.asked.drain(..beyond);
            if full {
                // More than one request holds: the rest follows at once.
                ask.rounds = ask.rounds.saturating_sub(1);
                ask.next = now.plus(SPACING_MS);
            } else {
                let doubled = 1_u64
                    .checked_shl(ask.rounds.saturating_sub(1))
                    .unwrap_or(u64::MAX);
                ask.next = now.plus(NEXT_FIRST_MS.saturating_mul(doubled).min(NEXT_LAST_MS));
            }
            self.posting_soon(ask.next);
            work.put_ask(room, chain, &ask);
        }
        for (to, room, chains) in requests {
            let control = Control::SenderKeyWanted(room, chains);
            self.enqueue_control(work, to.account, Some(to.device), &control)?;
        }
        Ok(())
    }

    /// Whom this round asks: first the chain's device, then the own others, then some of other members, and from time
    /// to time the first ones again.
    fn whom_to_ask(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        ask: &Ask,
    ) -> Result<Vec<DeviceAddress>, ReadError> {
        let own = work.own()?.address();
        let again = ask.rounds % 2 == 1;
        let mut whom = Vec::new();
        if ask.rounds == 0 || again && ask.rounds > 1 {
            let is_there = ask.author != own
                && spot.chain.state().is_reader(ask.author.account, spot.room)
                && self.remote(work, ask.author)?.is_some();
            whom.extend(is_there.then_some(ask.author));
        }
        if again {
            let me = self.person(work, own.account)?;
            let others = me
                .iter()
                .flat_map(|me| me.addresses())
                .filter(|one| *one != own && !whom.contains(one));
            let others: Vec<DeviceAddress> = others.take(OWN_AT_ONCE).collect();
            whom.extend(others);
        }
        if ask.rounds > 1 {
            whom.extend(self.some_members(work, spot, own.account, ask.author)?);
        }
        Ok(whom)
    }

    /// Devices of some other readers, by chance.
    fn some_members(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        own: AccountId,
        author: DeviceAddress,
    ) -> Result<Vec<DeviceAddress>, ReadError> {
        let readers: Vec<AccountId> = spot
            .chain
            .state()
            .readers(spot.room)
            .filter(|account| *account != own)
            .collect();
        let start = u32::from_be_bytes(work.random());
        let start = usize::try_from(start)
            .unwrap_or_default()
            .checked_rem(readers.len())
            .unwrap_or_default();
        let mut some = Vec::new();
        for account in readers.iter().cycle().skip(start).take(readers.len()) {
            let Some(person) = self.person(work, *account)? else {
                continue;
            };
            let devices: Vec<DeviceAddress> = person.addresses().filter(|one| *one != author).collect();
            let [chance] = work.random::<1>();
            let at = usize::from(chance).checked_rem(devices.len()).unwrap_or_default();
            some.extend(devices.get(at));
            if some.len() >= OTHERS_AT_ONCE {
                break;
            }
        }
        Ok(some)
    }

    /// Nobody gave a key: what waits for it says so.
    fn give_up_chain(&mut self, work: &mut Work<'_>, room: RoomId, chain: ChainId) -> Result<(), ReadError> {
        work.forget_ask(room, chain);
        let Some(mut flow) = work.place_room(room)? else {
            return Ok(());
        };
        for waiting in work.list_waiting(Some(room))? {
            if waiting.chain == Some(chain) {
                self.give_up_post(work, &mut flow, &waiting)?;
            }
        }
        work.put_place_room(room, &flow);
        Ok(())
    }

    /// Answers a device that lacks keys, where it may have them, and else does nothing.
    pub(crate) fn take_sender_key_wanted(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        room: RoomId,
        chains: &[ChainId],
    ) -> Result<(), ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        if !spot.chain.state().is_reader(from.account, room) || !self.may_answer(work, from)? {
            return Ok(());
        }
        let mut having = Vec::new();
        for chain in chains.iter().take(WANTED_MAX) {
            if self.seed_for(work, &spot, from.account, *chain)?.is_some() {
                having.push(*chain);
            }
        }
        // A device that lost this one's own key, or never got it, gets it for what comes, too.
        if let Some(kept) = work.own_chain(room)? {
            let own = ChainId(*kept.chain()?.statement().chain_id());
            if chains.contains(&own)
                && let Some(mut handed) = work.handed(room)?.filter(|handed| handed.chain == own)
            {
                self.enqueue_sender_key(work, room, own, vec![from])?;
                handed.add(&[from]);
                work.put_handed(room, &handed);
            }
        }
        if !having.is_empty() {
            self.enqueue_seeds(work, from, room, having)?;
        }
        Ok(())
    }

    /// Counts an answer to a device. False where it had enough of them for now.
    fn may_answer(&mut self, work: &mut Work<'_>, device: DeviceAddress) -> Result<bool, ReadError> {
        let now = work.now;
        let known = work
            .answers(device)?
            .filter(|answers| answers.since <= now && now.since(answers.since) < HOUR_MS);
        let mut answers = known.unwrap_or(Answers { since: now, count: 0 });
        if answers.count >= ANSWERS_MAX {
            return Ok(false);
        }
        answers.count = answers.count.saturating_add(1);
        work.put_answers(device, &answers);
        Ok(true)
    }

    /// The seeds of these chains for a device, as far as it may have them now.
    pub(crate) fn seeds_for(
        &mut self,
        work: &mut Work<'_>,
        to: DeviceAddress,
        room: RoomId,
        chains: &[ChainId],
    ) -> Result<Option<Control>, ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(None);
        };
        let mut seeds = Vec::new();
        for chain in chains.iter().take(WANTED_MAX) {
            seeds.extend(self.seed_for(work, &spot, to.account, *chain)?);
        }
        Ok((!seeds.is_empty()).then_some(Control::Seeds(room, seeds)))
    }

    /// What an account may have of a chain.
    fn seed_for(
        &mut self,
        work: &Work<'_>,
        spot: &Spot,
        account: AccountId,
        chain: ChainId,
    ) -> Result<Option<SecretBytes>, ReadError> {
        let Some(kept) = work.seed(spot.room, chain)? else {
            return Ok(None);
        };
        let Ok(seed) = SenderKeySeed::from_bytes(&kept.bytes.0) else {
            return Ok(None);
        };
        let Some(from) = spot.chain.state().history_from(account, spot.room) else {
            return Ok(None);
        };
        let epoch = seed.statement().epoch();
        if from <= epoch {
            return Ok(Some(SecretBytes(seed.to_bytes())));
        }
        if spot
            .roll()
            .epoch_end(spot.room, epoch)
            .is_some_and(|end| end <= from)
        {
            return Ok(None);
        }
        // They came in while it lasted: from the first message on whose sender had seen them come.
        let seed = kept
            .first_since(from)
            .and_then(|iteration| seed.from_iteration(iteration.max(seed.iteration())));
        Ok(seed.map(|seed| SecretBytes(seed.to_bytes())))
    }

    /// Takes keys that were asked for. Anything else in it is ignored.
    pub(crate) fn take_seeds(
        &mut self,
        work: &mut Work<'_>,
        from: DeviceAddress,
        room: RoomId,
        seeds: Vec<SecretBytes>,
    ) -> Result<(), ReadError> {
        let Some(spot) = self.spot(work, room)? else {
            return Ok(());
        };
        for bytes in seeds.into_iter().take(WANTED_MAX) {
            self.take_seed(work, &spot, from, bytes)?;
        }
        Ok(())
    }

    fn take_seed(
        &mut self,
        work: &mut Work<'_>,
        spot: &Spot,
        from: DeviceAddress,
        bytes: SecretBytes,
    ) -> Result<(), ReadError> {
        let room = spot.room;
        let Ok(seed) = SenderKeySeed::from_bytes(&bytes.0) else {
            return Ok(());
        };
        let chain = ChainId(*seed.statement().chain_id());
        let Some(ask) = work.ask(room, chain)? else {
            return Ok(());
        };
        if !ask.asked.contains(&from) || seed.statement().device() != crypto_address(ask.author) {
            return Ok(());
        }
        let Some(person) = self.person(work, ask.author.account)? else {
            return Ok(());
        };
        let author = person
            .chain
            .known_device(ask.author.device)
            .and_then(|device| side_of(&person.chain, ask.author.device, device));
        let epoch = seed.statement().epoch();
        let is_genuine = author.is_some_and(|author| seed.verify(&author, &room.0, epoch).is_ok());
        if !is_genuine || !spot.roll().has_epoch(room, epoch) {
            return Ok(());
        }
        let before = work.seed(room, chain)?;
        let waiting = work.list_waiting(Some(room))?;
        // Who hands on a key cannot make up the statement; the key itself proves itself by what it opens.
        work.put_seed(room, chain, &Seed::new(seed.to_bytes()));
        let mut proved = false;
        for one in waiting.iter().filter(|waiting| waiting.chain == Some(chain)) {
            if self.is_opened_by_seed(work, spot, one)? {
                proved = true;
                break;
            }
        }
        match before {
            Some(before) => work.put_seed(room, chain, &before),
            None => work.forget_seed(room, chain),
        }
        if !proved {
            return Ok(());
        }
        let seed = Seed::new(seed.to_bytes());
        if keeps_nothing(spot) {
            // It opens what waits and is gone.
            work.put_seed(room, chain, &seed);
            self.key_came(work, spot, chain)?;
            work.forget_seed(room, chain);
            return Ok(());
        }
        self.keep_seed(work, room, ask.author, chain, seed)?;
        self.key_came(work, spot, chain)
    }

    /// Part of the daily round: what is counted for own messages goes after its time.
    pub(crate) fn forget_old_tallies(work: &mut Work<'_>) -> Result<(), ReadError> {
        loop {
            let oldest = work.list_tallies(TALLIES_STEP)?;
            let old: Vec<EnvelopeId> = oldest
                .iter()
                .take_while(|id| work.now.since(id.time()) > TALLY_MS)
                .copied()
                .collect();
            for id in &old {
                work.forget_tally(*id);
            }
            if old.len() < oldest.len() || oldest.is_empty() {
                return Ok(());
            }
        }
    }
}

/// The first message that a seed opens.
fn begins_at(seed: &Seed) -> Option<u32> {
    let seed = SenderKeySeed::from_bytes(&seed.bytes.0).ok()?;
    Some(seed.iteration())
}

/// Adds a chain to the request to a device. False where that is full.
fn add_request(
    requests: &mut Vec<(DeviceAddress, RoomId, Vec<ChainId>)>,
    to: DeviceAddress,
    room: RoomId,
    chain: ChainId,
) -> bool {
    let known = requests
        .iter_mut()
        .find(|(whom, which, _)| *whom == to && *which == room);
    match known {
        Some((_, _, chains)) if chains.len() >= WANTED_MAX => false,
        Some((_, _, chains)) => {
            chains.push(chain);
            true
        }
        None => {
            requests.push((to, room, vec![chain]));
            true
        }
    }
}

pub(super) fn crypto_address(address: DeviceAddress) -> conclave_crypto::DeviceAddress {
    conclave_crypto::DeviceAddress {
        account: address.account.0,
        device: address.device.0,
    }
}
