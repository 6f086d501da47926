//! Devices, and how two of them begin.

use conclave_crypto::{
    IdentityKey, LocalDevice, PairwiseMessage, PrekeyBundle, PrekeyKind, PrekeySecret, Purpose, RemoteDevice,
    Sessions, SignedPrekey, SigningKey,
};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::randomness::Randomness;
use crate::{BOUND, Conversation, NOW};

/// The hash of the chain entry that added a device; the same for all.
pub(crate) const ENTRY: [u8; 32] = [0xe0; 32];

/// A device with its keys, and the prekey that it published last.
#[wasm_bindgen]
pub struct Device {
    account: [u8; 32],
    pub(crate) signing: SigningKey,
    identity: IdentityKey,
    signed: SignedPrekey,
    prekey: Option<PrekeySecret>,
}

/// What others know of a device from its account's chain.
#[wasm_bindgen]
pub struct Peer(pub(crate) RemoteDevice);

#[wasm_bindgen]
impl Device {
    /// A new device of the account whose id is this byte, 32 times.
    #[wasm_bindgen(constructor)]
    pub fn new(account: u8) -> Self {
        let mut rng = Randomness;
        Self {
            account: [account; 32],
            signing: SigningKey::generate(&mut rng),
            identity: IdentityKey::generate(&mut rng),
            signed: SignedPrekey::generate(7, NOW, &mut rng),
            prekey: None,
        }
    }

    /// As others see it.
    pub fn peer(&self) -> Peer {
        Peer(RemoteDevice {
            account: self.account,
            device: 1,
            entry_hash: ENTRY,
            identity: self.identity.public(),
            signing: self.signing.public(),
        })
    }

    /// Makes a one-time prekey and gives its entry as the directory serves it.
    pub fn publish(&mut self) -> Vec<u8> {
        let secret = PrekeySecret::generate(PrekeyKind::OneTime, 9, NOW, &mut Randomness);
        let bundle = PrekeyBundle::sign(&self.account, 1, &self.signing, &self.signed, &secret, NOW);
        self.prekey = Some(secret);
        bundle.to_bytes()
    }

    /// Begins a session from an entry, checking its signature and keys. Nothing is sealed yet.
    pub fn begin(&self, peer: &Peer, bundle: &[u8]) -> Result<Conversation, JsError> {
        let bundle = PrekeyBundle::from_bytes(bundle)?.verify(&peer.0)?;
        let mut sessions = Sessions::default();
        sessions.initiate(&self.local(), &peer.0, &bundle, NOW, &mut Randomness)?;
        Ok(Conversation(sessions))
    }

    /// Opens the first message of a session with the prekey published last, which stays for the next measurement.
    pub fn answer(&self, peer: &Peer, first: &[u8]) -> Result<Conversation, JsError> {
        let PairwiseMessage::Prekey(message) = PairwiseMessage::from_bytes(first)? else {
            return Err(JsError::new("it is no first message"));
        };
        let Some(prekey) = &self.prekey else {
            return Err(JsError::new("nothing was published"));
        };
        let mut sessions = Sessions::default();
        sessions.respond(
            &self.local(),
            &peer.0,
            &self.signed,
            prekey,
            &message,
            Purpose::MessageKey,
            &BOUND,
            NOW,
        )?;
        Ok(Conversation(sessions))
    }

    fn local(&self) -> LocalDevice<'_> {
        LocalDevice {
            account: self.account,
            device: 1,
            entry_hash: ENTRY,
            identity: &self.identity,
        }
    }
}
