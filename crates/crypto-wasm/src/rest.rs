//! What no row measures: stored sessions, the vault, reports, linking, safety numbers. It is here so that the
//! cryptography is weighed whole.

use conclave_crypto::franking::FrankingProof;
use conclave_crypto::linking::{LinkAnswer, LinkOffer, LinkWay, NewDeviceKeys, RevealedLink};
use conclave_crypto::safety_numbers::SafetyNumber;
use conclave_crypto::vault::{SlotSecret, VaultKey, VaultLog, VaultRecord, VaultSlot, WrappedVaultKey};
use conclave_crypto::{RecoveryKey, Sessions};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::randomness::Randomness;
use crate::{BOUND, Conversation, Device, NOW};

/// What the one kind of record is called.
const RECORD: &[u8] = b"journal";

/// One account's vault, and the key that it is opened by at last.
#[wasm_bindgen]
pub struct Vault {
    key: VaultKey,
    log: VaultLog,
    recovery: RecoveryKey,
}

#[wasm_bindgen]
impl Vault {
    /// An empty vault of the account whose id is this byte, 32 times.
    #[wasm_bindgen(constructor)]
    pub fn new(account: u8) -> Self {
        Self {
            key: VaultKey::generate(&mut Randomness),
            log: VaultLog::new([account; 32]),
            recovery: RecoveryKey::generate(&mut Randomness),
        }
    }

    /// Seals the next record.
    pub fn seal(&mut self, content: &[u8]) -> Result<Vec<u8>, JsError> {
        let name = self.key.record_name(RECORD)?;
        let record = self.key.seal_record(&self.log, &name, content, &mut Randomness)?;
        self.log.append(&record)?;
        Ok(record.to_bytes())
    }

    /// Opens a record, wherever it stands.
    pub fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, JsError> {
        let (record, name) = (VaultRecord::from_bytes(bytes)?, self.key.record_name(RECORD)?);
        let mut content = self.key.open_record(self.log.account(), &name, &record)?;
        Ok(core::mem::take(&mut *content))
    }

    /// Wraps the key to the recovery key's slot, and opens it from there.
    pub fn recover(&mut self, device: &Device) -> Result<(), JsError> {
        let maker = device.peer().0;
        let secret = SlotSecret::from_recovery_key(&self.recovery);
        let slot = VaultSlot::sign(maker.address(), &device.signing, &secret, NOW).to_bytes();
        let slot = VaultSlot::from_bytes(&slot)?.verify(&maker)?;
        let wrapped = WrappedVaultKey::wrap(
            &self.key,
            &slot,
            maker.address(),
            &device.signing,
            &mut Randomness,
        )?
        .to_bytes();
        let wrapped = WrappedVaultKey::from_bytes(&wrapped)?.verify(&maker)?;
        self.key = wrapped.open(&slot, &secret)?;
        Ok(())
    }
}

/// Sessions, stored and read again.
#[wasm_bindgen]
pub fn stored(conversation: &Conversation) -> Result<Conversation, JsError> {
    Ok(Conversation(Sessions::from_bytes(&conversation.0.to_bytes())?))
}

/// Judges the report of a direct message.
#[wasm_bindgen]
pub fn judge(proof: &[u8], tag: &[u8], body: &[u8]) -> Result<Vec<u8>, JsError> {
    let mut content = FrankingProof::from_bytes(proof)?.judge_direct(tag.try_into()?, body, &BOUND)?;
    Ok(core::mem::take(&mut *content))
}

/// Both sides of linking by digits, from the offer to what the new device is told.
#[wasm_bindgen]
pub fn link(new: &Device, told: &[u8]) -> Result<Vec<u8>, JsError> {
    let peer = new.peer().0;
    let keys = NewDeviceKeys {
        signing: peer.signing,
        identity: peer.identity,
    };
    let offer = LinkOffer::new(LinkWay::Code, keys, &mut Randomness);
    let answer = LinkAnswer::to_commitment(&offer.message(), &mut Randomness);
    let awaiting = offer.answered(&answer.message(), &mut Randomness)?;
    let RevealedLink::Unconfirmed(unconfirmed) = answer.revealed(&awaiting.message())? else {
        return Err(JsError::new("a link by digits waits for them"));
    };
    let Some(digits) = awaiting.digits() else {
        return Err(JsError::new("a link by digits shows them"));
    };
    let (_, grant) = unconfirmed.confirm(digits)?.grant(told, &mut Randomness)?;
    let (_, mut payload) = awaiting.granted(&grant)?;
    Ok(core::mem::take(&mut *payload))
}

/// The safety number of two accounts whose ids are these bytes, 32 times.
#[wasm_bindgen]
pub fn safety_number(one: u8, other: u8) -> String {
    SafetyNumber::new(&[one; 32], &[other; 32]).digits()
}
