//! `vault.json`: slots, wrapped keys, and a chain of records.

use conclave_crypto::RecoveryKey;
use conclave_crypto::vault::{
    SlotKind, SlotSecret, VaultKey, VaultLog, VaultRecord, VaultSlot, VerifiedSlot, WrappedVaultKey,
};
use serde::{Deserialize, Serialize};

use crate::device::{Device, NOW};
use crate::file::{Counts, file, read};
use crate::hex::Alteration;
use crate::random::{Fixed, Script};
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "vault.json";

const ABOUT: &[&str] = &[
    "The device makes slots from their secrets (recovery key, export key, PRF output), wraps the keys of both \
     generations to each of them, and seals records. Wrapping draws 64 bytes: ML-KEM's, then the X25519 ephemeral \
     secret. Sealing a record draws its nonce.",
    "Records stand in order; head is the vault head after the last. An order that is refused names records by their \
     places.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vault {
    device: Device,
    vault_keys: Vec<Hex>,
    slots: Vec<Slot>,
    wrapped_keys: Vec<Wrapped>,
    records: Vec<Record>,
    head: Head,
    refused_slots: Vec<Refused>,
    refused_wrapped_keys: Vec<Refused>,
    refused_records: Vec<Refused>,
    refused_orders: Vec<RefusedOrder>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot {
    kind: u8,
    secret: Hex,
    created: u64,
    slot: Hex,
    slot_hash: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    slot: usize,
    generation: u32,
    randomness: Hex,
    wrapped_key: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    generation: u32,
    real_name: String,
    name: Hex,
    version: u64,
    nonce: Hex,
    content: Hex,
    record: Hex,
    record_hash: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    count: u64,
    hash: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    place: usize,
    altered: Alteration,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedOrder {
    order: Vec<usize>,
    reason: String,
}

/// Generation, name and length of the content of each record.
const RECORDS: [(u32, &str, usize); 6] = [
    (0, "settings", 10),
    (0, "seeds/1", 500),
    (0, "settings", 70),
    (1, "settings", 0),
    (1, "seeds/2", 64),
    (1, "seeds/1", 3_000),
];

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("vault");
    let device = Device::make(2, &mut rng);
    let vault_keys = vec![rng.array::<32>().into(), rng.array::<32>().into()];
    let slots = [32, 64, 32]
        .into_iter()
        .zip(0..)
        .map(|(length, kind)| make_slot(&device, kind, rng.bytes(length).into(), NOW + u64::from(kind)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut vault = Vault {
        device,
        vault_keys,
        slots,
        wrapped_keys: Vec::new(),
        records: Vec::new(),
        head: Head {
            count: 0,
            hash: Hex(vec![0; 32]),
        },
        refused_slots: Vec::new(),
        refused_wrapped_keys: Vec::new(),
        refused_records: Vec::new(),
        refused_orders: Vec::new(),
    };
    for generation in [0, 1] {
        for slot in 0..vault.slots.len() {
            let randomness = Hex(rng.bytes(64));
            let wrapped_key = vault.wrap(slot, generation, &randomness)?;
            vault.wrapped_keys.push(Wrapped {
                slot,
                generation,
                randomness,
                wrapped_key,
            });
        }
    }
    let mut log = VaultLog::new(vault.device.account.array()?);
    for (generation, real_name, length) in RECORDS {
        let (content, nonce) = (Hex(rng.bytes(length)), Hex(rng.bytes(24)));
        let record = vault.seal(&mut log, generation, real_name, &content, &nonce)?;
        vault.records.push(record);
    }
    vault.head = Head {
        count: log.head().count,
        hash: log.head().hash.into(),
    };
    vault.refuse()?;
    Ok(file(NAME, ABOUT, vault))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vault: Vault = read(NAME, json)?;
    let mut counts = Counts::default();
    for slot in &vault.slots {
        let again = make_slot(&vault.device, slot.kind, slot.secret.clone(), slot.created)?;
        same("the slot", again.slot, slot.slot.clone())?;
        same("the slot's hash", again.slot_hash, slot.slot_hash.clone())?;
    }
    counts.add("vault, slot", vault.slots.len());
    for vector in &vault.wrapped_keys {
        let again = vault.wrap(vector.slot, vector.generation, &vector.randomness)?;
        same("the wrapped key", again, vector.wrapped_key.clone())?;
        let key = vault
            .unwrap(vector.slot, &vector.wrapped_key.0)?
            .context("a wrapped key")?;
        same(
            "the vault key",
            key,
            (vector.generation, vault.key_bytes(vector.generation)?),
        )?;
    }
    counts.add("vault, wrapped key", vault.wrapped_keys.len());
    let mut log = VaultLog::new(vault.device.account.array()?);
    for record in &vault.records {
        let again = vault.seal(
            &mut log,
            record.generation,
            &record.real_name,
            &record.content,
            &record.nonce,
        )?;
        same("the record", again.record, record.record.clone())?;
        same("the record's hash", again.record_hash, record.record_hash.clone())?;
        same("the record's name", again.name, record.name.clone())?;
        same("the record's version", again.version, record.version)?;
        let opened = vault.open(record, &record.record.0)?.context("a record")?;
        same("the content", opened, record.content.clone())?;
    }
    counts.add("vault, record", vault.records.len());
    same("the head's count", log.head().count, vault.head.count)?;
    same("the head's hash", log.head().hash.into(), vault.head.hash.clone())?;
    counts.add("vault, head", 1);
    for refusal in &vault.refused_slots {
        refused(vault.try_slot(refusal.place, refusal.altered)?, &refusal.reason)?;
    }
    counts.add("vault, altered slot refused", vault.refused_slots.len());
    for refusal in &vault.refused_wrapped_keys {
        refused(
            vault.try_wrapped(refusal.place, refusal.altered)?,
            &refusal.reason,
        )?;
    }
    counts.add(
        "vault, altered wrapped key refused",
        vault.refused_wrapped_keys.len(),
    );
    for refusal in &vault.refused_records {
        refused(vault.try_record(refusal.place, refusal.altered)?, &refusal.reason)?;
    }
    counts.add("vault, altered record refused", vault.refused_records.len());
    for refusal in &vault.refused_orders {
        refused(vault.try_order(&refusal.order)?, &refusal.reason)?;
    }
    counts.add("vault, order refused", vault.refused_orders.len());
    Ok(counts)
}

fn secret(kind: u8, secret: &Hex) -> Result<SlotSecret, Refusal> {
    let found = match kind {
        0 => SlotSecret::from_recovery_key(&RecoveryKey::from_bytes(&secret.array()?)),
        1 => SlotSecret::from_export_key(&secret.array()?),
        2 => SlotSecret::from_prf_output(&secret.array()?),
        _ => return Err(Refusal::new("no such kind of slot")),
    };
    same(
        "the kind",
        SlotKind::ALL.get(usize::from(kind)).copied(),
        Some(found.kind()),
    )?;
    Ok(found)
}

fn make_slot(device: &Device, kind: u8, bytes: Hex, created: u64) -> Result<Slot, Refusal> {
    let end = device.end()?;
    let made = VaultSlot::sign(
        end.remote().address(),
        &end.signing,
        &secret(kind, &bytes)?,
        created,
    );
    let verified = made.verify(&end.remote()).context("a slot")?;
    Ok(Slot {
        kind,
        secret: bytes,
        created,
        slot: made.to_bytes().into(),
        slot_hash: verified.hash().into(),
    })
}

impl Vault {
    fn key_bytes(&self, generation: u32) -> Result<Hex, Refusal> {
        self.vault_keys
            .get(generation as usize)
            .cloned()
            .ok_or_else(|| Refusal::new("no such generation"))
    }

    fn key(&self, generation: u32) -> Result<VaultKey, Refusal> {
        Ok(VaultKey::from_parts(
            generation,
            &self.key_bytes(generation)?.array()?,
        ))
    }

    fn slot(&self, place: usize) -> Result<(&Slot, VerifiedSlot), Refusal> {
        let slot = self
            .slots
            .get(place)
            .ok_or_else(|| Refusal::new("no such slot"))?;
        let parsed = VaultSlot::from_bytes(&slot.slot.0).context("a slot")?;
        let verified = parsed.verify(&self.device.end()?.remote()).context("a slot")?;
        Ok((slot, verified))
    }

    fn wrap(&self, slot: usize, generation: u32, randomness: &Hex) -> Result<Hex, Refusal> {
        let (end, key) = (self.device.end()?, self.key(generation)?);
        let (_, slot) = self.slot(slot)?;
        let wrapped = Script::play([randomness], |rng| {
            WrappedVaultKey::wrap(&key, &slot, end.remote().address(), &end.signing, rng)
        })?;
        Ok(wrapped.context("wrapping")?.to_bytes().into())
    }

    fn unwrap(&self, slot: usize, wrapped: &[u8]) -> Result<Result<(u32, Hex), String>, Refusal> {
        let (vector, slot) = self.slot(slot)?;
        let secret = secret(vector.kind, &vector.secret)?;
        let device = self.device.end()?.remote();
        Ok(WrappedVaultKey::from_bytes(wrapped)
            .and_then(|wrapped| wrapped.verify(&device)?.open(&slot, &secret))
            .map(|key| (key.generation(), key.as_bytes().into()))
            .map_err(|error| error.to_string()))
    }

    fn seal(
        &self,
        log: &mut VaultLog,
        generation: u32,
        real_name: &str,
        content: &Hex,
        nonce: &Hex,
    ) -> Result<Record, Refusal> {
        let name = self.key(0)?.record_name(real_name.as_bytes()).context("a name")?;
        let key = self.key(generation)?;
        let record = Script::play([nonce], |rng| key.seal_record(log, &name, &content.0, rng))?
            .context("sealing a record")?;
        log.append(&record).context("the next record")?;
        Ok(Record {
            generation,
            real_name: real_name.into(),
            name: name.into(),
            version: record.version(),
            nonce: nonce.clone(),
            content: content.clone(),
            record: record.to_bytes().into(),
            record_hash: record.hash().into(),
        })
    }

    fn open(&self, vector: &Record, record: &[u8]) -> Result<Result<Hex, String>, Refusal> {
        let (key, account) = (self.key(vector.generation)?, self.device.account.array()?);
        let name = vector.name.array()?;
        Ok(VaultRecord::from_bytes(record)
            .and_then(|record| key.open_record(&account, &name, &record))
            .map(|content| content.as_slice().into())
            .map_err(|error| error.to_string()))
    }

    /// Fills the tables of what is refused.
    fn refuse(&mut self) -> Result<(), Refusal> {
        let alterations = |length: usize, step: usize| {
            (0..length).step_by(step).map(|position| Alteration {
                position,
                xor: 1 << (position % 8),
            })
        };
        for altered in alterations(self.slots[0].slot.0.len(), 67) {
            let reason = self
                .try_slot(0, altered)?
                .expect_err("an altered slot is refused");
            self.refused_slots.push(Refused {
                place: 0,
                altered,
                reason,
            });
        }
        for altered in alterations(self.wrapped_keys[1].wrapped_key.0.len(), 67) {
            let reason = self
                .try_wrapped(1, altered)?
                .expect_err("an altered wrapped key is refused");
            self.refused_wrapped_keys.push(Refused {
                place: 1,
                altered,
                reason,
            });
        }
        for altered in alterations(self.records[0].record.0.len(), 7) {
            // Sequence, previous and version are the log's to judge, but the seal binds them too.
            let reason = self
                .try_record(0, altered)?
                .expect_err("an altered record is refused");
            self.refused_records.push(Refused {
                place: 0,
                altered,
                reason,
            });
        }
        for order in [
            vec![1],
            vec![0, 2],
            vec![0, 0],
            vec![0, 1, 3],
            vec![0, 1, 2, 4],
            vec![1, 0],
            vec![0, 1, 2, 3, 5, 4],
        ] {
            let reason = self.try_order(&order)?.expect_err("another order is refused");
            self.refused_orders.push(RefusedOrder { order, reason });
        }
        Ok(())
    }

    fn try_slot(&self, place: usize, altered: Alteration) -> Result<Result<(), String>, Refusal> {
        let bytes = self
            .slots
            .get(place)
            .ok_or_else(|| Refusal::new("no such slot"))?
            .slot
            .altered(altered)?;
        let device = self.device.end()?.remote();
        Ok(VaultSlot::from_bytes(&bytes)
            .and_then(|slot| slot.verify(&device))
            .map(|_| ())
            .map_err(|error| error.to_string()))
    }

    fn try_wrapped(&self, place: usize, altered: Alteration) -> Result<Result<(), String>, Refusal> {
        let vector = self
            .wrapped_keys
            .get(place)
            .ok_or_else(|| Refusal::new("no such wrapped key"))?;
        let bytes = vector.wrapped_key.altered(altered)?;
        Ok(self.unwrap(vector.slot, &bytes)?.map(|_| ()))
    }

    fn try_record(&self, place: usize, altered: Alteration) -> Result<Result<(), String>, Refusal> {
        let vector = self
            .records
            .get(place)
            .ok_or_else(|| Refusal::new("no such record"))?;
        let bytes = vector.record.altered(altered)?;
        Ok(self.open(vector, &bytes)?.map(|_| ()))
    }

    fn try_order(&self, order: &[usize]) -> Result<Result<(), String>, Refusal> {
        let mut log = VaultLog::new(self.device.account.array()?);
        for &place in order {
            let vector = self
                .records
                .get(place)
                .ok_or_else(|| Refusal::new("no such record"))?;
            let record = VaultRecord::from_bytes(&vector.record.0).context("a record")?;
            if let Err(error) = log.append(&record) {
                return Ok(Err(error.to_string()));
            }
        }
        Ok(Ok(()))
    }
}
