//! What waits to be recorded, appending it, and reading what other devices appended.
//!
//! What is to be recorded is in the device's store before it counts, and stays there until the server has it in a
//! record. Each device of the account sees the same messages; one of them, chosen by the message's id, records a
//! message soon, and the others in turn if it does not. A message recorded twice does no harm.

use conclave_crypto::VaultError;
use conclave_crypto::sender_keys::SenderKeySeed;
use conclave_crypto::vault::{VaultHead, VaultKey, VaultRecord};
use conclave_protocol::vault::{AppendVaultRecords, VaultCount, VaultRecordsPage};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, EnvelopeId, ErrorCode, Hash, RoomId, Timestamp};
use conclave_sigchain::{AccountChain, Vault};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::{BATCH_MAX, Item, LogState, NAME, NAME_AFTER_RECORDS, VaultNeed, items};
use crate::calls::{Need, NeedState, Refusal};
use crate::changes::Table;
use crate::codec::{KeyAndHash, Secret32, SecretBytes};
use crate::content::ChainId;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::user_store::Entry;
use crate::work::Work;

/// Hashes of records that the chain may still name.
const HASH: &[u8] = b"at/";
/// What is to be recorded waits so long for company.
const GATHER_MS: u64 = 3_000;
/// So much company is enough.
const GATHERED_MAX: usize = 50;
/// A device records what another one should have recorded after this, and each further device so much later.
const TAKE_OVER_MS: u64 = 10 * 60 * 1000;
/// What waits while there is no vault is bounded; the oldest goes.
const QUEUE_MAX: usize = 20_000;
/// A record that came too late because another device was faster is sealed anew after about this.
const BEHIND_MS: u64 = 300;
/// Records whose key has not come are asked for again after about this.
pub(super) const WAITS_FOR_KEY_MS: u64 = 5_000;
/// They are asked for so often: for ten minutes and more.
const WAITS_FOR_KEY_MAX: u32 = 120;
/// A server that keeps no more records is asked again after this.
const FULL_MS: u64 = 60 * 60 * 1000;
/// The chain names a head that moved after this time, if it did not for the number of records.
const NAME_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Something that waits to be recorded.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Queued {
    #[n(0)]
    due: Timestamp,
    #[n(1)]
    item: Item,
}

/// A record on its way to the server.
pub(super) struct OnItsWay {
    record: VaultRecord,
    /// What it takes off the queue.
    queued: Vec<Vec<u8>>,
}

impl Work<'_> {
    /// This item is in a record.
    pub(super) fn is_recorded(&mut self, item: &Item) {
        if let Some(key) = queue_key(item) {
            self.delete(Table::VaultQueue, &key);
        }
    }

    fn queue(&mut self, item: Item, due: Timestamp) {
        if let Some(key) = queue_key(&item) {
            self.put(Table::VaultQueue, &key, &Queued { due, item });
        }
    }

    /// The vault is new: the keys of what this device sent in the last days are still here.
    pub(super) fn queue_what_was_sent(&mut self) -> Result<(), ReadError> {
        for (key, sent) in self.list::<crate::sent::Sent>(Table::Sent, u32::MAX)? {
            let Some(id) = key.as_slice().try_into().ok().map(EnvelopeId) else {
                continue;
            };
            if let Some(sequence) = self.find_message(id)?.and_then(|row| row.sequence) {
                let now = self.now;
                self.queue(Item::Message(sent.room, sequence, id, sent.key), now);
            }
        }
        Ok(())
    }

    /// Without a vault nothing is taken off the queue.
    pub(super) fn bound_queue(&mut self) -> Result<(), ReadError> {
        let all = self.list_bytes(Table::VaultQueue, &[], u32::MAX)?;
        let beyond = all.len().saturating_sub(QUEUE_MAX);
        // Keys of messages begin with their time.
        for (key, _) in all.iter().take(beyond) {
            self.delete(Table::VaultQueue, key);
        }
        Ok(())
    }
}

/// By envelope id, with a word behind it for a deletion, by the account that it is about, or by a seed's room and
/// chain.
fn queue_key(item: &Item) -> Option<Vec<u8>> {
    match item {
        Item::Message(_, _, id, _) => Some(id.0.to_vec()),
        Item::Head(account, ..) => Some(account.0.to_vec()),
        Item::Mark(mark) => Some([b"mark/", &mark.account.0[..], &mark.at.0.to_be_bytes()].concat()),
        Item::Known(known) => Some([b"known/", &known.account.0[..]].concat()),
        Item::Key(..) => None,
        Item::Seed(room, bytes) => {
            let seed = SenderKeySeed::from_bytes(&bytes.0).ok()?;
            Some([&room.0[..], seed.statement().chain_id()].concat())
        }
        Item::Removed(id) => Some([&id.0[..], b"removed"].concat()),
        Item::Former(account, ..) => Some([&account.0[..], b"former"].concat()),
        Item::Setting(entry) => Some(
            [
                &setting_prefix(entry)[..],
                &entry.at.0.to_be_bytes(),
                &entry.device.0.to_be_bytes(),
            ]
            .concat(),
        ),
    }
}

/// All that waits to be recorded of one name begins so. Behind it stands when it was set, so that what is recorded
/// takes nothing later off the queue.
fn setting_prefix(entry: &Entry) -> Vec<u8> {
    let length = u8::try_from(entry.name.0.len()).unwrap_or(u8::MAX);
    [b"setting/", &[length][..], &entry.name.0].concat()
}

/// How many other devices come before this one in recording a message: first the sending device, or the one that
/// the id chooses.
pub(super) fn rank(own: DeviceAddress, chain: &AccountChain, from: DeviceAddress, id: EnvelopeId) -> u64 {
    let devices: Vec<_> = chain.devices().map(|(device, _)| device).collect();
    let count = devices.len().max(1);
    let place = |wanted| devices.iter().position(|device| *device == wanted);
    let EnvelopeId([.., high, low]) = id;
    let chosen = usize::from(u16::from_be_bytes([high, low]));
    let first = place(from.device)
        .filter(|_| from.account == own.account)
        .unwrap_or_else(|| chosen.checked_rem(count).unwrap_or_default());
    let mine = place(own.device).unwrap_or_default();
    let rank = mine
        .saturating_add(count)
        .saturating_sub(first)
        .checked_rem(count);
    u64::try_from(rank.unwrap_or_default()).unwrap_or_default()
}

impl Engine {
    /// A message was opened here, or accepted by the server: what opens it is to be recorded.
    pub(crate) fn record_message(
        &mut self,
        work: &mut Work<'_>,
        (room, sequence): (RoomId, u64),
        (from, id): (DeviceAddress, EnvelopeId),
        key: &KeyAndHash,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        if from.account != own.account {
            work.keep_opening((room, sequence), id, key.key(), None);
        }
        let Some(me) = self.person(work, own.account)? else {
            return Ok(());
        };
        let later = rank(own.address(), &me.chain, from, id).saturating_mul(TAKE_OVER_MS);
        let due = work.now.plus(GATHER_MS.saturating_add(later));
        let key = KeyAndHash::new(key.key(), key.hash());
        work.queue(Item::Message(room, sequence, id, key), due);
        self.vault_soon(due);
        self.vault.gathered = self.vault.gathered.saturating_add(1);
        if self.vault.gathered >= GATHERED_MAX {
            self.vault_soon(work.now);
        }
        Ok(())
    }

    /// Something is to be recorded, soon.
    pub(crate) fn record(&mut self, work: &mut Work<'_>, item: Item) {
        let due = work.now.plus(GATHER_MS);
        work.queue(item, due);
        self.vault_soon(due);
    }

    /// Something was set here or on another own device: it is to be recorded after a pause, in place of what was set
    /// before and is not recorded yet.
    pub(crate) fn record_setting(
        &mut self,
        work: &mut Work<'_>,
        entry: &Entry,
        pause: u64,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        let Some(me) = self.person(work, own.account)? else {
            return Ok(());
        };
        let from = DeviceAddress {
            account: own.account,
            device: entry.device,
        };
        let later = rank(own.address(), &me.chain, from, EnvelopeId([0; 16])).saturating_mul(TAKE_OVER_MS);
        let mut due = work.now.plus(pause.saturating_add(later));
        for (key, bytes) in work.list_bytes(Table::VaultQueue, &setting_prefix(entry), u32::MAX)? {
            // What changes all the time is recorded all the same.
            let known: Queued = crate::codec::decode(&bytes, "vault queue")?;
            due = due.min(known.due);
            work.delete(Table::VaultQueue, &key);
        }
        work.queue(Item::Setting(entry.clone()), due);
        self.vault_soon(due);
        Ok(())
    }

    /// A sender key came here, or is this device's own: it is to be recorded.
    pub(crate) fn record_seed(
        &mut self,
        work: &mut Work<'_>,
        room: RoomId,
        from: DeviceAddress,
        chain: ChainId,
        seed: &[u8],
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        let Some(me) = self.person(work, own.account)? else {
            return Ok(());
        };
        let later = rank(own.address(), &me.chain, from, EnvelopeId(chain.0)).saturating_mul(TAKE_OVER_MS);
        let due = work.now.plus(GATHER_MS.saturating_add(later));
        let seed = SecretBytes(Zeroizing::new(seed.to_vec()));
        work.queue(Item::Seed(room, seed), due);
        self.vault_soon(due);
        Ok(())
    }

    /// The person deleted a message for themselves: devices that join later do the same.
    pub(crate) fn record_removed(&mut self, work: &mut Work<'_>, id: EnvelopeId) -> Result<(), ReadError> {
        let due = work.now.plus(GATHER_MS);
        work.queue(Item::Removed(id), due);
        self.vault_soon(due);
        Ok(())
    }

    /// A contact's chain was seen up to here: no device of this account takes a shorter or another one later.
    pub(crate) fn record_head(&mut self, work: &mut Work<'_>, chain: &AccountChain) -> Result<(), ReadError> {
        let own = work.own()?;
        let account = chain.account();
        if account == own.account {
            return Ok(());
        }
        let (head, hash) = (chain.head(), chain.head_hash());
        if work
            .pinned_head(account)?
            .is_some_and(|(pinned, _)| pinned >= head)
        {
            return Ok(());
        }
        let due = work.now.plus(GATHER_MS);
        work.queue(Item::Head(account, head, hash), due);
        self.vault_soon(due);
        Ok(())
    }

    /// Appends what is due.
    pub(super) fn append_due(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        named: &Vault,
        state: &LogState,
    ) -> Result<(), ReadError> {
        if self.record_again(work)? {
            return Ok(());
        }
        let mut queued = Vec::new();
        let mut batch = Vec::new();
        let mut weight = 0_usize;
        let mut next: Option<Timestamp> = None;
        let waiting = work.list::<Queued>(Table::VaultQueue, u32::MAX)?;
        let enough = self.vault.gathered >= GATHERED_MAX;
        // Once one of them has waited long enough, its company goes with it: people who write one message after the
        // other make a record from time to time, and not one for each message.
        let until = if enough || waiting.iter().any(|(_, one)| one.due <= work.now) {
            work.now.plus(GATHER_MS)
        } else {
            work.now
        };
        for (key, one) in waiting {
            let heavier = weight.saturating_add(items::weight(&one.item));
            if one.due > until || heavier > BATCH_MAX {
                next = Some(next.map_or(one.due, |next| next.min(one.due)));
                continue;
            }
            weight = heavier;
            queued.push(key);
            batch.push(one.item);
        }
        self.vault.gathered = 0;
        if let Some(next) = next {
            self.vault_soon(next.max(work.now));
        }
        if batch.is_empty() {
            return Ok(());
        }
        let generation = state.generation.max(named.generation);
        let Some(key) = work.sealing_key(generation)? else {
            return Ok(());
        };
        self.append_record(work, own, state, &key, &batch, queued)
    }

    /// Appends the first record of a new key: it holds those before.
    pub(super) fn append_first_of(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        state: &LogState,
        key: &VaultKey,
        older: Vec<(u32, Secret32)>,
    ) -> Result<(), ReadError> {
        if self.record_again(work)? {
            return Ok(());
        }
        let older: Vec<Item> = older.into_iter().map(|(n, key)| Item::Key(n, key)).collect();
        self.append_record(work, own, state, key, &older, Vec::new())
    }

    /// A record that is on its way, or is to be sent again with the same bytes.
    fn record_again(&mut self, work: &mut Work<'_>) -> Result<bool, ReadError> {
        if self.vault.sent.is_none() {
            return Ok(false);
        }
        self.need(work, Need::Vault(VaultNeed::Append))?;
        Ok(true)
    }

    fn append_record(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        state: &LogState,
        key: &VaultKey,
        batch: &[Item],
        queued: Vec<Vec<u8>>,
    ) -> Result<(), ReadError> {
        let Some(log) = state.log(own.account) else {
            return Ok(());
        };
        let known = state.named.map(|(name, _)| name.0);
        let first = work.vault_keys(0)?.pop();
        let Some(name) = known.or_else(|| first?.record_name(NAME).ok()) else {
            return Ok(());
        };
        if let Ok(record) = key.seal_record(&log, &name, &items::to_bytes(batch), &mut work.rng) {
            self.vault.sent = Some(OnItsWay { record, queued });
            self.need(work, Need::Vault(VaultNeed::Append))?;
        }
        Ok(())
    }

    pub(super) fn append_body(&self) -> Option<AppendVaultRecords> {
        let sent = self.vault.sent.as_ref()?;
        Some(AppendVaultRecords {
            first: sent.record.sequence(),
            records: vec![Bytes(sent.record.to_bytes())],
        })
    }

    /// The server has the record.
    pub(super) fn appended(&mut self, work: &mut Work<'_>, count: VaultCount) -> Result<(), ReadError> {
        self.vault.counted = Some(count.records);
        let (Some(sent), Some(mut state)) = (self.vault.sent.take(), work.log_state()?) else {
            self.vault.behind = true;
            return Ok(());
        };
        let taken = state.log(work.own()?.account).and_then(|mut log| {
            log.append(&sent.record).ok()?;
            state.follow(&log, &sent.record).then_some(())
        });
        if taken.is_none() {
            // The log went on while the answer was on its way; it is read.
            self.vault.behind = true;
            return Ok(());
        }
        for key in &sent.queued {
            work.delete(Table::VaultQueue, key);
        }
        for key in work.vault_keys(sent.record.generation())? {
            let name = *sent.record.name();
            if key
                .open_record(&work.own()?.account.0, &name, &sent.record)
                .is_ok()
            {
                work.key_is_in_the_log(&key)?;
            }
        }
        work.put_log_state(&state);
        work.keep_hash(&state);
        self.vault.behind = count.records > state.count;
        Ok(())
    }

    pub(super) fn append_refused(&mut self, refusal: &Refusal) {
        if refusal.is(ErrorCode::ChainMoved) {
            self.vault.behind = true;
            self.vault.sent = None;
        }
    }

    /// The pause before an append that was refused is tried again.
    pub(crate) fn vault_pause(need: VaultNeed, refusal: &Refusal) -> Option<u64> {
        if need != VaultNeed::Append {
            return None;
        }
        let full = refusal.is(ErrorCode::VaultFull).then_some(FULL_MS);
        full.or(refusal.is(ErrorCode::ChainMoved).then_some(BEHIND_MS))
    }

    /// The server said how many records there are. Fewer than this device or the chain knows are a rollback.
    pub(super) fn take_count(&mut self, work: &mut Work<'_>, count: VaultCount) -> Result<(), ReadError> {
        let chain = work.own()?.chain()?;
        let named = chain.vault().map_or(0, |named| named.records);
        let state = work.log_state()?;
        let known = state.as_ref().map_or(0, |state| state.count).max(named);
        if count.records < known {
            self.vault_trouble(work);
            return Ok(());
        }
        self.vault.counted = Some(count.records);
        match state {
            Some(state) => self.vault.behind = count.records > state.count,
            None if count.records == 0 => work.put_log_state(&LogState::EMPTY),
            None => {}
        }
        Ok(())
    }

    /// Records that other devices appended, or that this one did before it was stopped.
    pub(super) fn take_after(
        &mut self,
        work: &mut Work<'_>,
        page: VaultRecordsPage,
    ) -> Result<(), ReadError> {
        let Some(mut state) = work.log_state()?.filter(|state| state.count == page.first) else {
            return Ok(());
        };
        if page.records.is_empty() {
            self.vault.behind = false;
            return Ok(());
        }
        // What was sealed behind the log as it was is of no use.
        self.vault.sent = None;
        let own = work.own()?;
        let chain = own.chain()?;
        let Some(mut log) = state.log(own.account) else {
            return Ok(());
        };
        if let Some(named) = chain.vault() {
            let head = VaultHead {
                count: named.records,
                hash: named.head.0,
            };
            match log.pin(head, named.generation) {
                // A head that was passed was checked when its record came, or named by one of the own devices since.
                Ok(()) | Err(VaultError::PassedHead) => {}
                Err(_) => {
                    self.vault_trouble(work);
                    return Ok(());
                }
            }
        }
        for bytes in &page.records {
            let opened = match VaultRecord::from_bytes(bytes.as_slice()) {
                Ok(record) => {
                    let keys = work.vault_keys(record.generation())?;
                    if keys.is_empty() && record.generation() > state.generation {
                        // Its key is on the way from the device that made it.
                        self.wait_for_key(work, VaultNeed::After);
                        break;
                    }
                    let mut opened = None;
                    for key in keys {
                        if let Ok(content) = log.open_next(&key, &record) {
                            work.key_is_in_the_log(&key)?;
                            opened = Some((content, record));
                            break;
                        }
                    }
                    opened
                }
                Err(_) => None,
            };
            let Some((content, _)) = opened.filter(|(_, record)| state.follow(&log, record)) else {
                work.put_log_state(&state);
                self.vault_trouble(work);
                return Ok(());
            };
            work.put_log_state(&state);
            work.keep_hash(&state);
            self.take_items(work, &content)?;
        }
        Ok(())
    }

    /// A record is sealed with a key that has not come here yet. Where it does not come for long, there is none.
    pub(super) fn wait_for_key(&mut self, work: &mut Work<'_>, need: VaultNeed) {
        self.vault.waited = self.vault.waited.saturating_add(1);
        if self.vault.waited > WAITS_FOR_KEY_MAX {
            self.vault_trouble(work);
            return;
        }
        let later = self.jittered(work, WAITS_FOR_KEY_MS);
        self.needs.insert(Need::Vault(need), NeedState::RetryAt(later));
    }

    /// What the chain names is compared with what this device saw: another device may have been shown another vault.
    pub(super) fn compare_named(
        &mut self,
        work: &mut Work<'_>,
        named: &Vault,
        state: &LogState,
    ) -> Result<bool, ReadError> {
        let known = match named.records {
            0 => None,
            count if count == state.count => Some(state.hash),
            count => work.find(Table::Vault, &hash_key(count))?,
        };
        if known.is_some_and(|known| known != named.head) {
            self.vault_trouble(work);
            return Ok(false);
        }
        // What lies before it will not be asked for any more.
        let beyond = hash_key(named.records);
        let oldest = work.list_bytes(Table::Vault, HASH, 1)?;
        if oldest.iter().any(|(key, _)| *key < beyond) {
            for (key, _) in work.list_bytes(Table::Vault, HASH, u32::MAX)? {
                if key < beyond {
                    work.delete(Table::Vault, &key);
                }
            }
        }
        Ok(true)
    }

    /// The chain names the head anew, where much was recorded since or much time went by.
    pub(super) fn name_head(
        &mut self,
        work: &mut Work<'_>,
        chain: &AccountChain,
        named: &Vault,
        state: &LogState,
    ) -> Result<(), ReadError> {
        let more = state.count.saturating_sub(named.records);
        if more == 0 || self.vault.behind || self.vault.sent.is_some() {
            return Ok(());
        }
        let old = work.now.since(chain.time()) > NAME_AFTER_MS;
        if more < NAME_AFTER_RECORDS && !old {
            return Ok(());
        }
        let body = Vault {
            generation: state.generation.max(named.generation),
            slots: named.slots.clone(),
            records: state.count,
            head: state.hash,
        };
        // Only what a rotation named may raise the generation.
        if body.generation == named.generation {
            self.append_vault_entry(work, body)?;
        }
        Ok(())
    }
}

/// By number of records, so that they come in order.
fn hash_key(count: u64) -> Vec<u8> {
    [HASH, &count.to_be_bytes()].concat()
}

impl Work<'_> {
    /// Keeps the hash of a record until the chain names a later one.
    fn keep_hash(&mut self, state: &LogState) {
        self.put(Table::Vault, &hash_key(state.count), &state.hash);
    }

    /// How far some device of this account saw a contact's chain.
    pub(crate) fn pinned_head(&self, account: AccountId) -> Result<Option<(u32, Hash)>, ReadError> {
        self.find(Table::Vault, &[b"head/", &account.0[..]].concat())
    }

    pub(crate) fn pin_head(&mut self, account: AccountId, head: u32, hash: Hash) -> Result<(), ReadError> {
        if self.pinned_head(account)?.is_none_or(|(pinned, _)| pinned < head) {
            self.put(Table::Vault, &[b"head/", &account.0[..]].concat(), &(head, hash));
        }
        Ok(())
    }
}
