//! A device of the account: it answers, makes sure who asks, and grants.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

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

/// The account's device after it answered a commitment.
pub struct LinkAnswer {
    pub(super) link: [u8; 16],
    pub(super) secret: Option<LinkSecret>,
    pub(super) commitment: [u8; 32],
    pub(super) seed: LinkSeed,
    pub(super) nonce: [u8; 32],
}

/// The new device has revealed what it committed to. Nobody knows yet whether it is the person's own.
pub struct UnconfirmedLink(pub(super) Agreement);

/// The new device is the one whose digits were typed in, or whose code was scanned.
pub struct ConfirmedLink(pub(super) Agreement);

/// What a reveal leads to: digits are to be confirmed, a scanned code is enough.
#[derive(Debug)]
pub enum RevealedLink {
    /// The person types in the digits that the new device shows.
    Unconfirmed(UnconfirmedLink),
    /// The code was scanned.
    Confirmed(ConfirmedLink),
}

redacted!(LinkAnswer, UnconfirmedLink, ConfirmedLink);

impl LinkAnswer {
    /// Answers message 1: one for each time that a person asks for it on this device, never one on the server's word.
    /// Each answer gives the digits anew, and a server that could ask for a million of them would get the ones it needs.
    pub fn to_commitment(message: &CommitmentMessage, rng: &mut impl CryptoRng) -> Self {
        Self::new(message.link, message.commitment, None, rng)
    }

    /// Answers what was scanned.
    pub fn to_code(code: &LinkCode, rng: &mut impl CryptoRng) -> Self {
        Self::new(code.link, code.commitment, Some(code.secret.copy()), rng)
    }

    fn new(
        link: [u8; 16],
        commitment: [u8; 32],
        secret: Option<LinkSecret>,
        rng: &mut impl CryptoRng,
    ) -> Self {
        Self {
            link,
            secret,
            commitment,
            seed: LinkSeed::generate(rng),
            nonce: *random(rng),
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

    /// Message 2.
    pub fn message(&self) -> AnswerMessage {
        AnswerMessage { share: self.share() }
    }

    /// Takes message 3 if it reveals what was committed to.
    pub fn revealed(self, message: &RevealMessage) -> Result<RevealedLink, LinkError> {
        let found = commitment(&message.share, &message.keys);
        if !bool::from(found.ct_eq(&self.commitment)) {
            return Err(LinkError::OtherCommitment);
        }
        let to_old_secret = self.seed.expand().decapsulate(&message.ciphertext)?;
        let way = self.way();
        let agreement = Agreement {
            link: self.link,
            old: self.share(),
            secret: self.secret,
            new: message.share.clone(),
            keys: message.keys,
            to_old: message.ciphertext.clone(),
            to_old_secret: LinkKey::from_bytes(&to_old_secret),
        };
        Ok(match way {
            LinkWay::Code => RevealedLink::Unconfirmed(UnconfirmedLink(agreement)),
            LinkWay::Scan => RevealedLink::Confirmed(ConfirmedLink(agreement)),
        })
    }

    fn share(&self) -> LinkShare {
        LinkShare {
            public: self.seed.public(),
            nonce: self.nonce,
        }
    }
}

impl UnconfirmedLink {
    /// Compares what the person typed in. There is one try: with wrong digits the link is over. The caller deletes the
    /// stored state before, so that no restart gives another.
    pub fn confirm(self, digits: LinkDigits) -> Result<ConfirmedLink, LinkError> {
        if digits == self.0.digits() {
            Ok(ConfirmedLink(self.0))
        } else {
            Err(LinkError::WrongDigits)
        }
    }

    /// Under which the server keeps the messages of this link.
    pub const fn link_id(&self) -> &[u8; 16] {
        &self.0.link
    }
}

impl ConfirmedLink {
    /// The keys that the account adds.
    pub const fn keys(&self) -> &NewDeviceKeys {
        &self.0.keys
    }

    /// Under which the server keeps the messages of this link.
    pub const fn link_id(&self) -> &[u8; 16] {
        &self.0.link
    }

    /// Makes message 4 with its payload. The channel must be stored before it is sent.
    pub fn grant(
        self,
        payload: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(LinkChannel, GrantMessage), LinkError> {
        let (ciphertext, secret) = self.0.new.public.encapsulate(rng)?;
        let mut channel = self.0.channel(Side::Old, &ciphertext, &secret);
        let sealed = channel.seal_behind(GrantMessage::head(&ciphertext), payload, rng)?;
        Ok((channel, GrantMessage { ciphertext, sealed }))
    }
}
