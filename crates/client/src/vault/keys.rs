//! The vault's keys: the first one, a new one after each revocation, and getting them back.
//!
//! A key that is being made is kept with what was wrapped and signed, so that a device that is stopped in between
//! goes on with the same one. The account's chain decides whose key counts where two devices make one.

use conclave_crypto::vault::{SlotSecret, VaultKey, VaultSlot, VerifiedSlot, WrappedVaultKey};
use conclave_crypto::{RemoteDevice, VaultError, VerifyingKey};
use conclave_encoding::labels;
use conclave_protocol::vault::{VaultKeyBytes, VaultKeys};
use conclave_protocol::{Bytes, DeviceId, Hash};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, Vault, VaultSlotInForce};
use minicbor::{Decode, Encode};

use super::{LogState, VaultNeed};
use crate::calls::Need;
use crate::changes::Table;
use crate::codec::Secret32;
use crate::content::Control;
use crate::machine::Engine;
use crate::meeting;
use crate::own::OwnIdentity;
use crate::people::side_of;
use crate::reads::ReadError;
use crate::work::Work;

const MAKING: &[u8] = b"making";
const KEY: &[u8] = b"key/";
const SLOT: &[u8] = b"slot/";
/// A new key that the revoking device does not make is made by the others in turn, so long after each other.
const TURN_MS: u64 = 60 * 1000;
/// Turns that the maker of a key has to name it in the chain once it stands in the log.
const TURNS_OF_A_MAKER: u64 = 10;
/// Slots that the server did not show are asked for again after this.
const SLOTS_AGAIN_MS: u64 = 10 * 60 * 1000;
/// Keys of one generation that are tried. Two devices that make one at once are the reason for the second.
const KEYS_OF_ONE_MAX: usize = 4;

/// A key that is being made.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Making {
    #[n(0)]
    generation: u32,
    #[n(1)]
    key: Secret32,
    #[n(2)]
    wrapped: Vec<Wrapped>,
    #[n(3)]
    step: Step,
    /// Head of the own chain when it was made. A device that was revoked behind it was told this key.
    #[n(4)]
    head: u32,
}

/// A slot, and the key wrapped to it.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Wrapped {
    #[n(0)]
    slot: Hash,
    #[n(1)]
    slot_bytes: Bytes,
    #[n(2)]
    hash: Hash,
    #[n(3)]
    bytes: Bytes,
}

/// What comes next for a key that is being made.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
enum Step {
    /// The server keeps the wrapped keys.
    #[n(0)]
    Upload,
    /// A first record is sealed with it, which holds the keys before it.
    #[n(1)]
    Record,
    /// The account's chain names it.
    #[n(2)]
    Entry,
}

impl Making {
    fn names(&self, slots: &[VaultSlotInForce]) -> bool {
        self.wrapped
            .iter()
            .any(|one| slots.iter().any(|slot| slot.wrapped == one.hash))
    }
}

fn key_prefix(generation: u32) -> Vec<u8> {
    [KEY, &generation.to_be_bytes()].concat()
}

impl Work<'_> {
    /// The keys of a generation: one, but for a moment when two devices made one at once.
    pub(super) fn vault_keys(&self, generation: u32) -> Result<Vec<VaultKey>, ReadError> {
        let records = self.list_bytes(Table::Vault, &key_prefix(generation), u32::MAX)?;
        let bytes = records.iter().filter_map(|(_, value)| value.first_chunk());
        Ok(bytes
            .map(|bytes| VaultKey::from_parts(generation, bytes))
            .collect())
    }

    /// Keeps a vault key that came from an own device or out of a slot.
    pub(crate) fn put_vault_key(&mut self, generation: u32, key: &[u8; 32]) -> Result<(), ReadError> {
        if self.vault_keys(generation)?.len() < KEYS_OF_ONE_MAX {
            self.put_bytes(Table::Vault, &key_name(generation, key), key.to_vec().into());
        }
        Ok(())
    }

    /// This key opened a record of its generation: others of that generation are none.
    pub(super) fn vault_key_proved(&mut self, proved: &VaultKey) -> Result<(), ReadError> {
        let generation = proved.generation();
        let keep = key_name(generation, proved.as_bytes());
        for (name, _) in self.list_bytes(Table::Vault, &key_prefix(generation), u32::MAX)? {
            if name != keep {
                self.delete(Table::Vault, &name);
            }
        }
        Ok(())
    }

    /// The key that records are sealed with now.
    pub(super) fn sealing_key(&self, generation: u32) -> Result<Option<VaultKey>, ReadError> {
        let mut keys = self.vault_keys(generation)?;
        // While it is not decided which of two it is, nothing is sealed.
        Ok(keys.pop().filter(|_| keys.is_empty()))
    }

    /// The control payload that tells own devices the key of a generation, while it is certain which one that is.
    pub(crate) fn vault_key_to_tell(&self, generation: u32) -> Result<Option<Control>, ReadError> {
        let key = self.sealing_key(generation)?;
        Ok(key.map(|key| Control::VaultKey(generation, Secret32(*key.as_bytes()))))
    }

    /// Every key before this generation, for whoever reads on from its first record.
    fn older_keys(&self, generation: u32) -> Result<Vec<(u32, Secret32)>, ReadError> {
        let all = self.list_bytes(Table::Vault, KEY, u32::MAX)?;
        let keys = all.iter().filter_map(|(name, value)| {
            let older = u32::from_be_bytes(*name.get(KEY.len()..)?.first_chunk()?);
            Some((older, Secret32(*value.first_chunk()?))).filter(|_| older < generation)
        });
        Ok(keys.collect())
    }

    fn making(&self) -> Result<Option<Making>, ReadError> {
        self.find(Table::Vault, MAKING)
    }

    pub(super) fn keys_to_upload(&self) -> Result<Option<VaultKeys>, ReadError> {
        Ok(self.making()?.map(|making| {
            let keys = making.wrapped.into_iter().flat_map(|one| {
                [(one.slot, one.slot_bytes), (one.hash, one.bytes)]
                    .map(|(hash, bytes)| VaultKeyBytes { hash, bytes })
            });
            VaultKeys { keys: keys.collect() }
        }))
    }

    pub(super) fn keys_uploaded(&mut self) -> Result<(), ReadError> {
        self.making_goes_on(|making| {
            if making.step == Step::Upload {
                making.step = match making.generation {
                    0 => Step::Entry,
                    _ => Step::Record,
                };
            }
        })
    }

    /// A record of this generation is in the log, sealed with this key.
    pub(super) fn key_is_in_the_log(&mut self, key: &VaultKey) -> Result<(), ReadError> {
        self.vault_key_proved(key)?;
        self.making_goes_on(|making| {
            if making.generation == key.generation() && making.key.0 == *key.as_bytes() {
                making.step = Step::Entry;
            }
        })
    }

    fn making_goes_on(&mut self, change: impl FnOnce(&mut Making)) -> Result<(), ReadError> {
        if let Some(mut making) = self.making()? {
            change(&mut making);
            self.put(Table::Vault, MAKING, &making);
        }
        Ok(())
    }

    /// Wraps a key to slots and keeps it as one that is being made.
    fn put_making(
        &mut self,
        own: &OwnIdentity,
        key: &VaultKey,
        slots: &[(VerifiedSlot, Bytes)],
        head: u32,
    ) -> Result<(), VaultError> {
        let signing = own.signing_key();
        let address = crypto_address(own);
        let mut wrapped = Vec::with_capacity(slots.len());
        for (slot, slot_bytes) in slots {
            let bytes = WrappedVaultKey::wrap(key, slot, address, &signing, &mut self.rng)?.to_bytes();
            wrapped.push(Wrapped {
                slot: Hash(*slot.hash()),
                slot_bytes: slot_bytes.clone(),
                hash: wrapped_hash(&bytes),
                bytes: Bytes(bytes),
            });
        }
        // As the chain wants them.
        wrapped.sort_unstable_by_key(|one| one.slot);
        let making = Making {
            generation: key.generation(),
            key: Secret32(*key.as_bytes()),
            wrapped,
            step: Step::Upload,
            head,
        };
        self.put(Table::Vault, MAKING, &making);
        Ok(())
    }

    /// A slot that the chain names, as it was kept here.
    pub(super) fn vault_slot(
        &self,
        chain: &AccountChain,
        hash: Hash,
    ) -> Result<Option<(VerifiedSlot, Bytes)>, ReadError> {
        let bytes = self.find_bytes(Table::Vault, &[SLOT, &hash.0].concat())?;
        Ok(bytes.and_then(|bytes| {
            let slot = verified_slot(chain, hash, &bytes)?;
            Some((slot, Bytes(bytes.to_vec())))
        }))
    }

    /// The vault key for a device that joins the account, once there is a vault.
    pub(crate) fn vault_for_newcomer(&self) -> Result<Option<meeting::VaultKey>, ReadError> {
        let Some(named) = self.own()?.chain()?.vault().map(|named| named.generation) else {
            return Ok(None);
        };
        let written = self.log_state()?.map_or(0, |state| state.generation);
        let key = self.sealing_key(named.max(written))?;
        Ok(key.map(|key| meeting::VaultKey {
            generation: key.generation(),
            key: Secret32(*key.as_bytes()),
        }))
    }
}

impl Engine {
    /// A vault key came, from the device that added this one or from another own device.
    pub(crate) fn take_vault_key(
        &mut self,
        work: &mut Work<'_>,
        generation: u32,
        key: &[u8; 32],
    ) -> Result<(), ReadError> {
        self.vault_soon(work.now);
        work.put_vault_key(generation, key)
    }

    /// Makes the first key of the account's vault, where the recovery key is at hand for its first slot.
    pub(super) fn make_first_key(&mut self, work: &mut Work<'_>, own: &OwnIdentity) -> Result<(), ReadError> {
        let Some(recovery) = own.recovery_key() else {
            return Ok(());
        };
        let chain = own.chain()?;
        let secret = SlotSecret::from_recovery_key(&recovery);
        let slot = VaultSlot::sign_by_recovery(own.account.0, &recovery, &secret, work.now.0);
        let bytes = slot.to_bytes();
        let hash = slot_hash(&bytes);
        let key = VaultKey::generate(&mut work.rng);
        let made = verified_slot(&chain, hash, &bytes).is_some_and(|slot| {
            work.put_making(own, &key, &[(slot, Bytes(bytes))], chain.head())
                .is_ok()
        });
        if made {
            self.need(work, Need::Vault(VaultNeed::PutKeys))?;
        }
        Ok(())
    }

    /// Goes on with a key that is being made. False while everything else waits for it.
    pub(super) fn go_on_making(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        chain: &AccountChain,
    ) -> Result<bool, ReadError> {
        let Some(making) = work.making()? else {
            return Ok(true);
        };
        let named = chain.vault();
        if let Some(named) = named.filter(|named| named.generation >= making.generation) {
            // One of this generation counts now: this one, or another that was faster.
            work.delete(Table::Vault, MAKING);
            if making.names(&named.slots) {
                work.put_vault_key(making.generation, &making.key.0)?;
                for one in &making.wrapped {
                    let name = [SLOT, &one.slot.0].concat();
                    work.put_bytes(Table::Vault, &name, one.slot_bytes.0.clone().into());
                }
                if making.generation == 0 {
                    work.put_log_state(&LogState::EMPTY);
                    work.queue_what_was_sent()?;
                }
                self.enqueue_vault_key(work, own.account, making.generation)?;
            }
            self.vault_soon(work.now);
            return Ok(true);
        }
        let was_told_to_a_revoked_device = chain
            .known_devices()
            .any(|(_, device)| device.revoked.is_some_and(|revoked| revoked > making.head));
        if making.generation > 0 && was_told_to_a_revoked_device {
            work.delete(Table::Vault, MAKING);
            self.vault.takes_over = true;
            self.vault_soon(work.now);
            return Ok(true);
        }
        match making.step {
            Step::Upload => {
                self.need(work, Need::Vault(VaultNeed::PutKeys))?;
                Ok(false)
            }
            Step::Record => Ok(true),
            Step::Entry => {
                let state = work.log_state()?.unwrap_or(LogState::EMPTY);
                let slots = making.wrapped.iter().map(|one| VaultSlotInForce {
                    slot: one.slot,
                    wrapped: one.hash,
                });
                let body = Vault {
                    generation: making.generation,
                    slots: slots.collect(),
                    records: state.count,
                    head: state.hash,
                };
                self.append_vault_entry(work, body)?;
                Ok(making.generation > 0)
            }
        }
    }

    /// A new key is made: a device was revoked, and the device that did so makes it, or the others in turn; or a person
    /// changes here what opens the vault.
    pub(super) fn replace_key(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
        chain: &AccountChain,
        named: &Vault,
    ) -> Result<(), ReadError> {
        let state = work.log_state()?.unwrap_or(LogState::EMPTY);
        if let Some(making) = work.making()? {
            if making.step != Step::Record {
                return Ok(());
            }
            if state.generation >= making.generation {
                // Another device's new key is in the log; the chain will name it.
                work.delete(Table::Vault, MAKING);
                return Ok(());
            }
            let older = work.older_keys(making.generation)?;
            let key = VaultKey::from_parts(making.generation, &making.key.0);
            return self.append_first_of(work, own, &state, &key, older);
        }
        let since = *self.vault.stale_since.get_or_insert(work.now);
        let mut turn = if chain.vault_is_stale() {
            turn_of(own, chain)
        } else {
            0
        };
        if state.generation > named.generation && !self.vault.takes_over {
            // The log goes on with a new key that the chain does not name yet. Its maker has time to name it; then
            // another one is made, or the vault would stand still for ever.
            turn = turn.saturating_add(TURNS_OF_A_MAKER);
        }
        let at = since.plus(TURN_MS.saturating_mul(turn));
        if at > work.now {
            self.vault_soon(at);
            return Ok(());
        }
        let Some(slots) = work.slots_to_be(chain, named)? else {
            if !self.vault.slots_missing {
                return self.need(work, Need::Vault(VaultNeed::Keys));
            }
            // The server does not show one. Without it no key is made: nothing more is recorded, and nothing is
            // sealed for the revoked device. The person was warned; it is asked for again later.
            self.vault.slots_missing = false;
            self.vault_soon(work.now.plus(SLOTS_AGAIN_MS));
            return Ok(());
        };
        // Of the key before, only the number counts.
        let last = named.generation.max(state.generation);
        let Ok(key) = VaultKey::from_parts(last, &[0; 32]).next(&mut work.rng) else {
            return Ok(());
        };
        if work.put_making(own, &key, &slots, chain.head()).is_ok() {
            work.put_vault_key(key.generation(), key.as_bytes())?;
            // Own devices have the key before the log needs it.
            self.enqueue_vault_key(work, own.account, key.generation())?;
            self.need(work, Need::Vault(VaultNeed::PutKeys))?;
        }
        Ok(())
    }

    /// Each device keeps the account's ways into the vault as soon as it can, so that the server cannot take them away
    /// from whoever makes the next key.
    pub(super) fn keep_slots(&mut self, work: &mut Work<'_>, named: &Vault) -> Result<(), ReadError> {
        if self.vault.slots_missing {
            return Ok(());
        }
        for slot in &named.slots {
            if work
                .find_bytes(Table::Vault, &[SLOT, &slot.slot.0].concat())?
                .is_none()
            {
                return self.need(work, Need::Vault(VaultNeed::Keys));
            }
        }
        Ok(())
    }

    /// Opens the vault with the recovery key, where this device has it.
    pub(crate) fn open_vault_with_recovery(
        &mut self,
        work: &mut Work<'_>,
        own: &OwnIdentity,
    ) -> Result<(), ReadError> {
        if own.recovery_key().is_some() {
            self.need(work, Need::Vault(VaultNeed::Keys))?;
        }
        Ok(())
    }

    /// Slots and wrapped keys came. Those that the chain names are kept and, with the recovery key, opened.
    pub(super) fn take_keys(&mut self, work: &mut Work<'_>, keys: VaultKeys) -> Result<(), ReadError> {
        let own = work.own()?;
        let chain = own.chain()?;
        let Some(named) = chain.vault() else {
            return Ok(());
        };
        let find = |hash: Hash| {
            let key = keys.keys.iter().find(|key| key.hash == hash);
            key.map(|key| key.bytes.as_slice())
        };
        let mut missing = false;
        let mut opened = false;
        for names in &named.slots {
            let Some((bytes, slot)) =
                find(names.slot).and_then(|bytes| Some((bytes, verified_slot(&chain, names.slot, bytes)?)))
            else {
                missing = true;
                continue;
            };
            let name = [SLOT, &names.slot.0].concat();
            work.put_bytes(Table::Vault, &name, bytes.to_vec().into());
            let Some(recovery) = own.recovery_key() else {
                continue;
            };
            let secret = SlotSecret::from_recovery_key(&recovery);
            let key = find(names.wrapped)
                .and_then(|bytes| opened_key(&chain, names.wrapped, bytes, &slot, &secret))
                .filter(|key| key.generation() == named.generation);
            if let Some(key) = key {
                work.put_vault_key(key.generation(), key.as_bytes())?;
                opened = true;
            }
        }
        let needs_one = own.recovery_key().is_some() && work.vault_keys(named.generation)?.is_empty();
        if needs_one && !opened || missing && !self.vault.slots_missing {
            self.vault.slots_missing = true;
            if needs_one {
                self.vault_trouble(work);
            } else {
                work.show(crate::views::Event::Warning {
                    failure: crate::failure::Failure::vault_broken(),
                });
            }
        }
        Ok(())
    }
}

/// Whose turn it is to make a new key: 0 for the device that revoked, then the others in order.
fn turn_of(own: &OwnIdentity, chain: &AccountChain) -> u64 {
    let revoked_by = own.entries.iter().rev().find_map(|bytes| {
        let entry = AccountEntry::from_bytes(bytes.as_slice()).ok()?;
        match entry.body {
            AccountBody::RevokeDevice { .. } | AccountBody::RotateRecovery { revoke_all: true, .. } => {
                Some(entry.author)
            }
            _ => None,
        }
    });
    if revoked_by == Some(Author::Device(own.device)) {
        return 0;
    }
    let before = chain.devices().filter(|(device, _)| *device < own.device).count();
    u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)
}

fn crypto_address(own: &OwnIdentity) -> conclave_crypto::DeviceAddress {
    conclave_crypto::DeviceAddress {
        account: own.account.0,
        device: own.device.0,
    }
}

fn key_name(generation: u32, key: &[u8; 32]) -> Vec<u8> {
    let Hash(hash) = wrapped_hash(key);
    let (short, _) = hash.split_at(8);
    [&key_prefix(generation), short].concat()
}

pub(super) fn slot_hash(bytes: &[u8]) -> Hash {
    Hash(conclave_encoding::hash(labels::VAULT_SLOT, bytes))
}

/// The hash by which the chain names a wrapped key.
fn wrapped_hash(bytes: &[u8]) -> Hash {
    Hash(conclave_encoding::hash(labels::VAULT_WRAPPED_KEY, bytes))
}

/// A device of the chain, also one that was revoked since: the chain named what it made while it spoke for the
/// account, or another device of the account named it again.
fn maker(chain: &AccountChain, device: u32) -> Option<RemoteDevice> {
    let id = DeviceId(device);
    side_of(chain, id, chain.known_device(id)?)
}

pub(super) fn verified_slot(chain: &AccountChain, hash: Hash, bytes: &[u8]) -> Option<VerifiedSlot> {
    if slot_hash(bytes) != hash {
        return None;
    }
    // Only what the recovery key in force signed is a way in: no device of the account can make one that lasts longer
    // than itself.
    let recovery = VerifyingKey::from_bytes(chain.recovery()).ok()?;
    let slot = VaultSlot::from_bytes(bytes).ok()?;
    slot.verify_by_recovery(chain.account().0, &recovery).ok()
}

/// The key of an account's vault, opened with the secret of one of the slots that its chain names; none where it names no
/// such slot, or the server does not show it.
pub(crate) fn opened_by(chain: &AccountChain, keys: &VaultKeys, secret: &SlotSecret) -> Option<VaultKey> {
    let named = chain.vault()?;
    let find = |hash: Hash| {
        let key = keys.keys.iter().find(|key| key.hash == hash);
        key.map(|key| key.bytes.as_slice())
    };
    named.slots.iter().find_map(|names| {
        let slot = verified_slot(chain, names.slot, find(names.slot)?)?;
        let key = opened_key(chain, names.wrapped, find(names.wrapped)?, &slot, secret)?;
        (key.generation() == named.generation).then_some(key)
    })
}

fn opened_key(
    chain: &AccountChain,
    hash: Hash,
    bytes: &[u8],
    slot: &VerifiedSlot,
    secret: &SlotSecret,
) -> Option<VaultKey> {
    if wrapped_hash(bytes) != hash {
        return None;
    }
    let wrapped = WrappedVaultKey::from_bytes(bytes).ok()?;
    let maker = maker(chain, wrapped.maker().device)?;
    wrapped.verify(&maker).ok()?.open(slot, secret).ok()
}
