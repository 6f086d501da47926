//! Devices with all their secrets, and the two ends of a conversation.

use conclave_crypto::{
    HandshakeError, IdentityKey, LocalDevice, OpenError, PairwiseMessage, PrekeyBundle, PrekeyKind,
    PrekeySecret, Purpose, RemoteDevice, SealError, Sessions, SignedPrekey, SigningKey,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::random::{Fixed, Script};
use crate::refusal::Context;
use crate::{Hex, Refusal};

/// The clock of all vectors: 1,800,000,000,000 ms.
pub(crate) const NOW: u64 = 1_800_000_000_000;

/// A device and its secrets; the public halves stand beside them for readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    pub(crate) account: Hex,
    pub(crate) device: u32,
    pub(crate) entry_hash: Hex,
    pub(crate) signing_seed: Hex,
    pub(crate) signing_key: Hex,
    pub(crate) identity_secret: Hex,
    pub(crate) identity_key: Hex,
}

/// Secrets of the prekeys that a device serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prekeys {
    pub(crate) signed_prekey_id: u32,
    pub(crate) signed_prekey_secret: Hex,
    pub(crate) prekey_id: u32,
    pub(crate) created: u64,
    pub(crate) expires: u64,
    /// Absent in a last-resort prekey.
    pub(crate) one_time_secret: Option<Hex>,
    /// The 64 bytes `d ‖ z` of FIPS 203.
    pub(crate) kem_seed: Hex,
}

impl Device {
    pub(crate) fn make(device: u32, rng: &mut Fixed) -> Self {
        let signing = SigningKey::from_bytes(&rng.array());
        let identity = IdentityKey::from_bytes(&rng.array());
        Self {
            account: rng.array::<32>().into(),
            device,
            entry_hash: rng.array::<32>().into(),
            signing_seed: signing.to_bytes().as_slice().into(),
            signing_key: signing.public().to_bytes().into(),
            identity_secret: identity.to_bytes().as_slice().into(),
            identity_key: identity.public().to_bytes().into(),
        }
    }

    pub(crate) fn signing(&self) -> Result<SigningKey, Refusal> {
        Ok(SigningKey::from_bytes(&self.signing_seed.array()?))
    }

    /// The end of a conversation that this device is. Refuses public halves that do not belong.
    pub(crate) fn end(&self) -> Result<End, Refusal> {
        let end = End {
            account: self.account.array()?,
            device: self.device,
            entry_hash: self.entry_hash.array()?,
            signing: self.signing()?,
            identity: IdentityKey::from_bytes(&self.identity_secret.array()?),
            sessions: Sessions::default(),
        };
        let is_whole = end.signing.public().to_bytes().as_slice() == self.signing_key.0
            && end.identity.public().to_bytes().as_slice() == self.identity_key.0;
        if is_whole {
            Ok(end)
        } else {
            Err(Refusal::new("a public key does not belong to its secret"))
        }
    }
}

impl Prekeys {
    pub(crate) fn make(kind: PrekeyKind, signed_prekey_id: u32, prekey_id: u32, rng: &mut Fixed) -> Self {
        Self {
            signed_prekey_id,
            signed_prekey_secret: rng.array::<32>().into(),
            prekey_id,
            created: NOW,
            expires: NOW + 7 * 24 * 60 * 60 * 1000,
            one_time_secret: (kind == PrekeyKind::OneTime).then(|| rng.array::<32>().into()),
            kem_seed: rng.array::<64>().into(),
        }
    }

    pub(crate) fn kind(&self) -> PrekeyKind {
        match self.one_time_secret {
            Some(_) => PrekeyKind::OneTime,
            None => PrekeyKind::LastResort,
        }
    }

    pub(crate) fn secrets(&self) -> Result<(SignedPrekey, PrekeySecret), Refusal> {
        let signed = Script::play([&self.signed_prekey_secret], |rng| {
            SignedPrekey::generate(self.signed_prekey_id, self.created, rng)
        })?;
        let draws = self.one_time_secret.iter().chain([&self.kem_seed]);
        let secret = Script::play(draws, |rng| {
            PrekeySecret::generate(self.kind(), self.prekey_id, self.created, rng)
        })?;
        Ok((signed, secret))
    }
}

/// One end of a conversation: a device with its sessions with the other.
pub(crate) struct End {
    pub(crate) account: [u8; 32],
    pub(crate) device: u32,
    pub(crate) entry_hash: [u8; 32],
    pub(crate) signing: SigningKey,
    pub(crate) identity: IdentityKey,
    pub(crate) sessions: Sessions,
}

impl End {
    pub(crate) fn remote(&self) -> RemoteDevice {
        RemoteDevice {
            account: self.account,
            device: self.device,
            entry_hash: self.entry_hash,
            identity: self.identity.public(),
            signing: self.signing.public(),
        }
    }

    pub(crate) fn bundle(&self, signed: &SignedPrekey, secret: &PrekeySecret, expires: u64) -> PrekeyBundle {
        PrekeyBundle::sign(&self.account, self.device, &self.signing, signed, secret, expires)
    }

    pub(crate) fn begin(
        &mut self,
        remote: &RemoteDevice,
        bundle: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(), Refusal> {
        let bundle = PrekeyBundle::from_bytes(bundle).context("the bundle")?;
        let bundle = bundle.verify(remote).context("the bundle")?;
        let local = LocalDevice {
            account: self.account,
            device: self.device,
            entry_hash: self.entry_hash,
            identity: &self.identity,
        };
        self.sessions
            .initiate(&local, remote, &bundle, NOW, rng)
            .context("the handshake")
    }

    pub(crate) fn seal(
        &mut self,
        purpose: Purpose,
        bound: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        self.sessions.seal(purpose, bound, plaintext, NOW, rng)
    }

    /// Opens a message, on a session of its own if it begins one with these prekeys.
    pub(crate) fn open(
        &mut self,
        from: &RemoteDevice,
        prekeys: Option<(&SignedPrekey, &PrekeySecret)>,
        purpose: Purpose,
        bound: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, String> {
        let opened = match PairwiseMessage::from_bytes(message).map_err(|error| error.to_string())? {
            PairwiseMessage::Ratchet(message) => self.sessions.open(purpose, bound, &message, NOW),
            PairwiseMessage::Prekey(message) => {
                if let Some(opened) = self.sessions.open_prekey(&message, purpose, bound, NOW) {
                    opened
                } else if let Some((signed, secret)) = prekeys {
                    let local = LocalDevice {
                        account: self.account,
                        device: self.device,
                        entry_hash: self.entry_hash,
                        identity: &self.identity,
                    };
                    self.sessions
                        .respond(&local, from, signed, secret, &message, purpose, bound, NOW)
                } else {
                    Err(OpenError::Handshake(HandshakeError::WrongPrekey))
                }
            }
        };
        opened
            .map(|plaintext| plaintext.to_vec())
            .map_err(|error| error.to_string())
    }

    /// SHA-256 of all that would be stored.
    pub(crate) fn state(&self) -> Hex {
        Sha256::digest(&*self.sessions.to_bytes()).into()
    }
}

/// How JSON names what a pairwise message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PurposeName {
    MessageKey,
    Control,
}

impl From<PurposeName> for Purpose {
    fn from(name: PurposeName) -> Self {
        match name {
            PurposeName::MessageKey => Self::MessageKey,
            PurposeName::Control => Self::Control,
        }
    }
}

/// What one sealing took and gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedMessage {
    pub(crate) purpose: PurposeName,
    /// The caller's data.
    pub(crate) bound: Hex,
    pub(crate) plaintext: Hex,
    /// Present where the sender made a new ratchet pair.
    pub(crate) ratchet_secret: Option<Hex>,
    pub(crate) random: Hex,
    pub(crate) message: Hex,
}

impl SealedMessage {
    pub(crate) fn make(
        end: &mut End,
        purpose: PurposeName,
        bound: &[u8],
        plaintext: &[u8],
        rng: &mut Fixed,
    ) -> Result<Self, Refusal> {
        let (message, mut drawn) = rng.record(|rng| end.seal(purpose.into(), bound, plaintext, rng));
        let random = drawn
            .pop()
            .ok_or_else(|| Refusal::new("nothing was drawn for a message"))?;
        Ok(Self {
            purpose,
            bound: bound.into(),
            plaintext: plaintext.into(),
            ratchet_secret: drawn.pop(),
            random,
            message: message.context("sealing")?.into(),
        })
    }

    /// Seals again and compares.
    pub(crate) fn check(&self, end: &mut End) -> Result<(), Refusal> {
        let draws = self.ratchet_secret.iter().chain([&self.random]);
        let message = Script::play(draws, |rng| {
            end.seal(self.purpose.into(), &self.bound.0, &self.plaintext.0, rng)
        })?
        .context("sealing")?;
        crate::refusal::same("the message", Hex(message), self.message.clone())
    }
}
