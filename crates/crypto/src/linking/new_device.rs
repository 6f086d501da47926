//! The new device: it offers, and waits for what the account grants it.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::channel::Side;
use super::secrets::{LinkKey, LinkSecret, LinkSeed};
use super::transcript::{Agreement, LinkShare, commitment};
use super::{
    AnswerMessage, CommitmentMessage, GrantMessage, LinkChannel, LinkCode, LinkDigits, LinkWay,
    NewDeviceKeys, RevealMessage,
};
use crate::LinkError;
use crate::kdf::random;
use crate::redacted::redacted;

/// The new device before anybody answered.
///
/// Its nonce is shown once and never again: with a second answer to the same commitment, whoever stands between could
/// choose the digits.
pub struct LinkOffer {
    pub(super) link: [u8; 16],
    pub(super) secret: Option<LinkSecret>,
    pub(super) seed: LinkSeed,
    pub(super) nonce: Zeroizing<[u8; 32]>,
    pub(super) keys: NewDeviceKeys,
}

/// The new device after it revealed its share.
pub struct AwaitingGrant {
    pub(super) agreement: Agreement,
    pub(super) seed: LinkSeed,
}

redacted!(LinkOffer, AwaitingGrant);

impl LinkOffer {
    /// Offers to link by digits, or by a code to scan. Keys of the new device are made before.
    pub fn new(way: LinkWay, keys: NewDeviceKeys, rng: &mut impl CryptoRng) -> Self {
        Self {
            link: *random(rng),
            seed: LinkSeed::generate(rng),
            nonce: random(rng),
            secret: match way {
                LinkWay::Code => None,
                LinkWay::Scan => Some(LinkSecret::generate(rng)),
            },
            keys,
        }
    }

    /// How the link is made sure of.
    pub const fn way(&self) -> LinkWay {
        LinkWay::of(self.secret.as_ref())
    }

    /// Under which the server keeps the messages of this link.
    pub const fn link_id(&self) -> &[u8; 16] {
        &self.link
    }

    /// Message 1. Whoever scans the code has no use for it.
    pub fn message(&self) -> CommitmentMessage {
        CommitmentMessage {
            link: self.link,
            commitment: self.commitment(),
        }
    }

    /// The code to show, in the way that is scanned.
    pub fn code(&self) -> Option<LinkCode> {
        self.secret.as_ref().map(|secret| LinkCode {
            link: self.link,
            commitment: self.commitment(),
            secret: secret.copy(),
        })
    }

    /// Takes message 2. The state that comes out holds message 3 and must be stored before that is sent.
    pub fn answered(
        self,
        message: &AnswerMessage,
        rng: &mut impl CryptoRng,
    ) -> Result<AwaitingGrant, LinkError> {
        let (to_old, to_old_secret) = message.share.public.encapsulate(rng)?;
        let agreement = Agreement {
            link: self.link,
            new: self.share(),
            secret: self.secret,
            old: message.share.clone(),
            keys: self.keys,
            to_old,
            to_old_secret: LinkKey::from_bytes(&to_old_secret),
        };
        Ok(AwaitingGrant {
            agreement,
            seed: self.seed,
        })
    }

    fn share(&self) -> LinkShare {
        LinkShare {
            public: self.seed.public(),
            nonce: *self.nonce,
        }
    }

    fn commitment(&self) -> [u8; 32] {
        commitment(&self.share(), &self.keys)
    }
}

impl AwaitingGrant {
    /// Message 3.
    pub fn message(&self) -> RevealMessage {
        RevealMessage {
            share: self.agreement.new.clone(),
            keys: self.agreement.keys,
            ciphertext: self.agreement.to_old.clone(),
        }
    }

    /// Under which the server keeps the messages of this link.
    pub const fn link_id(&self) -> &[u8; 16] {
        &self.agreement.link
    }

    /// The digits to show. There are none where a code was scanned.
    pub fn digits(&self) -> Option<LinkDigits> {
        match &self.agreement.secret {
            None => Some(self.agreement.digits()),
            Some(_) => None,
        }
    }

    /// Takes message 4, and gives its payload.
    ///
    /// With digits it is the other device alone that judges them. A payload proves that it comes from whoever answered;
    /// that this was the person's own device is known once *that device* says that the link stands.
    pub fn granted(self, message: &GrantMessage) -> Result<(LinkChannel, Zeroizing<Vec<u8>>), LinkError> {
        let secret = self.seed.expand().decapsulate(&message.ciphertext)?;
        let mut channel = self.agreement.channel(Side::New, &message.ciphertext, &secret);
        let payload = channel.open_behind(GrantMessage::head(&message.ciphertext), &message.sealed)?;
        Ok((channel, payload))
    }
}
