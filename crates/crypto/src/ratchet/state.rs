//! The state of one Double Ratchet.
//!
//! Sealing and opening work on copies of the few keys that change and put them in place last, so whatever fails
//! leaves the state as it was.

use core::fmt;
use core::marker::PhantomData;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::chain::{Chain, OvertakenKey};
use super::message_key::MessageKey;
use super::ratchet_key::RatchetKey;
use super::root_key::RootKey;
use crate::kdf::random;
use crate::keys::{X25519Public, X25519Secret};
use crate::limits::MAX_SKIPPED_PER_SESSION;
use crate::message::{MessageHeader, Purpose, RatchetMessage};
use crate::skipped::SkippedKeys;
use crate::suite::Suite;
use crate::{KeyError, OpenError, SealError};

/// One Double Ratchet with the algorithms and labels of `S`.
pub(crate) struct Ratchet<S> {
    pub(super) root: RootKey,
    /// The peer's current ratchet key; at first the initiator's idea of it, the signed prekey.
    pub(super) remote: X25519Public,
    /// Ours. Absent after a receive: it is made when there is something to send, so its secret lives shorter, and
    /// our old secret is gone at once.
    pub(super) sending: Option<Sending>,
    /// Messages sent on our previous chain.
    pub(super) previous: u32,
    /// The chain of `remote`. Absent with the initiator until the first answer.
    pub(super) receiving: Option<Chain>,
    pub(super) skipped: SkippedKeys<X25519Public>,
    pub(super) suite: PhantomData<S>,
}

pub(super) struct Sending {
    pub(super) ratchet: RatchetKey,
    pub(super) chain: Chain,
}

/// What opening one message changes, put aside until the message proved authentic.
struct Advance {
    message_key: MessageKey,
    receiving: Chain,
    /// Overtaken keys of the chain that the message belongs to.
    skipped: Vec<OvertakenKey>,
    /// Present when the message begins a chain.
    turn: Option<Turn>,
}

/// The peer's new ratchet key and what follows from it.
struct Turn {
    root: RootKey,
    remote: X25519Public,
}

impl<S: Suite> Ratchet<S> {
    /// The initiator's ratchet: it sends first, against the peer's signed prekey.
    pub(crate) fn initiator(root: RootKey, remote: X25519Public) -> Self {
        Self::new(root, remote, None)
    }

    /// The responder's ratchet: its signed prekey answers the initiator's first ratchet key.
    pub(crate) fn responder(
        root: &RootKey,
        own: &X25519Secret,
        remote: X25519Public,
    ) -> Result<Self, KeyError> {
        let (root, chain) = root.step::<S>(&*own.agree(&remote)?);
        Ok(Self::new(root, remote, Some(Chain::new(chain))))
    }

    fn new(root: RootKey, remote: X25519Public, receiving: Option<Chain>) -> Self {
        Self {
            root,
            remote,
            sending: None,
            previous: 0,
            receiving,
            skipped: SkippedKeys::default(),
            suite: PhantomData,
        }
    }

    /// Whether a message with this ratchet key can belong to no other ratchet: keys are random and never shared.
    pub(crate) fn recognises(&self, ratchet_key: &X25519Public) -> bool {
        (self.receiving.is_some() && self.remote == *ratchet_key) || self.skipped.has_chain(*ratchet_key)
    }

    /// Seals one message, bound to the session and to the caller's associated data.
    pub(crate) fn seal(
        &mut self,
        session: &[u8; 32],
        purpose: Purpose,
        associated_data: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<RatchetMessage, SealError> {
        let turn = if self.sending.is_none() {
            Some(self.begin_sending(rng)?)
        } else {
            None
        };
        let (ratchet_key, (message_key, chain)) = match (&turn, &self.sending) {
            (Some((_, sending)), _) | (None, Some(sending)) => (
                sending.ratchet.public(),
                sending.chain.step().ok_or(SealError::CounterExhausted)?,
            ),
            // Invariant: a missing half was made just above.
            (None, None) => return Err(SealError::NoSession),
        };
        let header = MessageHeader {
            purpose,
            ratchet_key,
            previous: self.previous,
            index: message_key.index,
            random: *random(rng),
        };
        let bound = header.associated_data(session, associated_data);
        let sealed = S::seal(message_key.key, &header.random, &bound, plaintext)?;

        if let Some((root, sending)) = turn {
            self.root = root;
            self.sending = Some(sending);
        }
        if let Some(sending) = &mut self.sending {
            sending.chain = chain;
        }
        Ok(RatchetMessage { header, sealed })
    }

    /// Opens one message. Changes nothing unless it is authentic.
    pub(crate) fn open(
        &mut self,
        session: &[u8; 32],
        associated_data: &[u8],
        message: &RatchetMessage,
        now: u64,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let RatchetMessage { header, sealed } = message;
        let bound = header.associated_data(session, associated_data);
        if let Some((position, key)) = self.skipped.find(header.ratchet_key, header.index, now) {
            let plaintext = S::open(key, &header.random, &bound, sealed)?;
            self.skipped.remove(position);
            self.skipped.expire(now);
            return Ok(plaintext);
        }
        let advance = self.advance(header)?;
        let plaintext = S::open(&advance.message_key, &header.random, &bound, sealed)?;
        // Keys of the old chain that were not used; the chain itself is deleted. They are derived after the message
        // opened, so that a forged one does not cost them.
        let rest = match (&advance.turn, &self.receiving) {
            (Some(_), Some(old)) => old.skip_to(header.previous)?.0,
            _ => Vec::new(),
        };
        self.commit(advance, rest, now);
        Ok(plaintext)
    }

    pub(crate) fn skipped_keys(&self) -> usize {
        self.skipped.len()
    }

    pub(crate) fn expire_skipped(&mut self, now: u64) {
        self.skipped.expire(now);
    }

    pub(crate) fn drop_oldest_skipped(&mut self, count: usize) {
        self.skipped.drop_oldest(count);
    }

    /// A new pair of ours against the peer's current key.
    fn begin_sending(&self, rng: &mut impl CryptoRng) -> Result<(RootKey, Sending), KeyError> {
        let ratchet = RatchetKey::generate(rng);
        let (root, chain) = self.root.step::<S>(&*ratchet.secret().agree(&self.remote)?);
        Ok((
            root,
            Sending {
                ratchet,
                chain: Chain::new(chain),
            },
        ))
    }

    fn advance(&self, header: &MessageHeader) -> Result<Advance, OpenError> {
        if header.ratchet_key == self.remote {
            // Nobody sends with a signed prekey as ratchet key: without a chain of the peer there is none to use.
            let chain = self.receiving.as_ref().ok_or(OpenError::NotAuthentic)?;
            if header.index < chain.next {
                return Err(OpenError::KeyGone);
            }
            return Self::advance_chain(chain, header.index, None);
        }
        if self.skipped.has_chain(header.ratchet_key) {
            // An older chain: its key is deleted, and the message's own was used.
            return Err(OpenError::KeyGone);
        }
        // A new key of the peer answers our current one; where we have none, it answers nothing.
        let sending = self.sending.as_ref().ok_or(OpenError::NotAuthentic)?;
        if let Some(old) = &self.receiving {
            old.jump_to(header.previous)?;
        }
        let shared = sending
            .ratchet
            .secret()
            .agree(&header.ratchet_key)
            .map_err(|_| OpenError::NotAuthentic)?;
        let (root, chain) = self.root.step::<S>(&shared);
        let turn = Turn {
            root,
            remote: header.ratchet_key,
        };
        Self::advance_chain(&Chain::new(chain), header.index, Some(turn))
    }

    fn advance_chain(chain: &Chain, index: u32, turn: Option<Turn>) -> Result<Advance, OpenError> {
        let (skipped, chain) = chain.skip_to(index)?;
        let (message_key, receiving) = chain.step().ok_or(OpenError::TooFarAhead)?;
        Ok(Advance {
            message_key: message_key.key,
            receiving,
            skipped,
            turn,
        })
    }

    fn commit(&mut self, advance: Advance, rest: Vec<OvertakenKey>, now: u64) {
        self.skipped.expire(now);
        if let Some(turn) = advance.turn {
            self.skipped
                .insert(self.remote, rest, now, MAX_SKIPPED_PER_SESSION);
            self.root = turn.root;
            self.remote = turn.remote;
            if let Some(sending) = self.sending.take() {
                self.previous = sending.chain.next;
            }
        }
        self.skipped
            .insert(self.remote, advance.skipped, now, MAX_SKIPPED_PER_SESSION);
        self.receiving = Some(advance.receiving);
    }
}

impl<S> fmt::Debug for Ratchet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ratchet(..)")
    }
}
