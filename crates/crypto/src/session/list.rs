//! The sessions with one peer device.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::one::Session;
use crate::limits::{MAX_INACTIVE_SESSIONS, MAX_PAIRWISE_PLAINTEXT, REPLACED_SESSION_LIFETIME};
use crate::message::{PrekeyMessage, RatchetMessage};
use crate::prekeys::{PrekeySecret, SignedPrekey, VerifiedBundle};
use crate::redacted::redacted;
use crate::{HandshakeError, LocalDevice, OpenError, Purpose, RemoteDevice, SealError};

/// One active session, which sends, and up to five inactive ones, which only open what is still on its way.
///
/// The caller stores [`Sessions::to_bytes`] durably after each success and before anything sealed is sent.
#[derive(Default)]
pub struct Sessions {
    // Invariant: the active session is the first; the others follow, the latest used first.
    pub(super) list: Vec<Session>,
}

redacted!(Sessions);

impl Sessions {
    /// Whether no session was ever begun.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there is a session to send on. One that nobody answered for 30 days is none.
    pub fn has_active(&self, now: u64) -> bool {
        self.list.first().is_some_and(|active| !active.is_expired(now))
    }

    /// Whether the active session was begun here and not answered yet.
    pub fn is_unanswered(&self) -> bool {
        self.list
            .first()
            .is_some_and(|active| active.unanswered.is_some())
    }

    /// Begins a session with a device from its verified bundle. It becomes the active one.
    pub fn initiate(
        &mut self,
        local: &LocalDevice<'_>,
        remote: &RemoteDevice,
        bundle: &VerifiedBundle,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<(), HandshakeError> {
        let session = Session::initiate(local, remote, bundle, now, rng)?;
        self.insert(0, session);
        Ok(())
    }

    /// Seals a message on the active session and gives the bytes of a [`crate::PairwiseMessage`].
    pub fn seal(
        &mut self,
        purpose: Purpose,
        associated_data: &[u8],
        plaintext: &[u8],
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > MAX_PAIRWISE_PLAINTEXT {
            return Err(SealError::TooLong);
        }
        match self.list.first_mut() {
            Some(active) if !active.is_expired(now) => active.seal(purpose, associated_data, plaintext, rng),
            _ => Err(SealError::NoSession),
        }
    }

    /// Opens a message on whichever session it belongs to. A refused message changes nothing.
    pub fn open(
        &mut self,
        purpose: Purpose,
        associated_data: &[u8],
        message: &RatchetMessage,
        now: u64,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        // A session that knows the ratchet key is the only one that can open the message, so its verdict stands.
        if let Some(index) = self.list.iter().position(|session| session.recognises(message)) {
            return self.open_at(index, purpose, associated_data, message, now);
        }
        let mut refusal = OpenError::NoSession;
        for index in 0..self.list.len() {
            match self.open_at(index, purpose, associated_data, message, now) {
                Ok(plaintext) => return Ok(plaintext),
                Err(error) if index == 0 => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Opens a message whose handshake a session already knows; nothing when none does.
    pub fn open_prekey(
        &mut self,
        message: &PrekeyMessage,
        purpose: Purpose,
        associated_data: &[u8],
        now: u64,
    ) -> Option<Result<Zeroizing<Vec<u8>>, OpenError>> {
        let index = self.list.iter().position(|session| session.began_with(message))?;
        Some(self.open_at(index, purpose, associated_data, &message.message, now))
    }

    /// Opens the first message of a session that the peer began, with the prekeys which it names. After a success
    /// the caller deletes a one-time secret, and for a last-resort one remembers the message's ephemeral key.
    ///
    /// The new session becomes active, except when both sides began at once and ours is the one to settle on.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a different fact; a struct would only rename them"
    )]
    pub fn respond(
        &mut self,
        local: &LocalDevice<'_>,
        remote: &RemoteDevice,
        signed: &SignedPrekey,
        secret: &PrekeySecret,
        message: &PrekeyMessage,
        purpose: Purpose,
        associated_data: &[u8],
        now: u64,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if message.purpose() != purpose {
            return Err(OpenError::WrongPurpose);
        }
        if let Some(result) = self.open_prekey(message, purpose, associated_data, now) {
            return result;
        }
        let mut session = Session::respond(local, remote, signed, secret, message, now)?;
        let plaintext = session.open(purpose, associated_data, &message.message, now)?;
        let ours_stays = self.list.first().is_some_and(|active| {
            active.unanswered.is_some() && !active.is_expired(now) && active.initiator < session.initiator
        });
        self.insert(usize::from(ours_stays), session);
        Ok(plaintext)
    }

    /// Gives up a session that was begun here and that the peer says it cannot open; the latest of the others
    /// becomes active. Tells whether there was one.
    pub fn abandon_unanswered(&mut self) -> bool {
        let is_unanswered = self.is_unanswered();
        if is_unanswered {
            self.list.remove(0);
        }
        is_unanswered
    }

    /// Drops sessions that were replaced 30 days ago, and message keys that were kept for as long. Opening does so,
    /// too; the caller's daily round keeps the promise for peers that went silent.
    pub fn expire(&mut self, now: u64) {
        for index in (1..self.list.len()).rev() {
            if self.is_over(index, now) {
                self.list.remove(index);
            }
        }
        for session in &mut self.list {
            session.ratchet.expire_skipped(now);
        }
    }

    /// Message keys kept for messages that were overtaken. The caller sums them over an account and keeps the sum
    /// under [`crate::limits::MAX_SKIPPED_PER_ACCOUNT`].
    pub fn skipped_keys(&self) -> usize {
        self.list
            .iter()
            .map(|session| session.ratchet.skipped_keys())
            .sum()
    }

    /// Drops up to `count` kept message keys, those of the longest unused sessions and the oldest first.
    pub fn drop_skipped_keys(&mut self, count: usize) {
        let mut left = count;
        for session in self.list.iter_mut().rev() {
            let before = session.ratchet.skipped_keys();
            session.ratchet.drop_oldest_skipped(left);
            left = left.saturating_sub(before.saturating_sub(session.ratchet.skipped_keys()));
        }
    }

    fn open_at(
        &mut self,
        index: usize,
        purpose: Purpose,
        associated_data: &[u8],
        message: &RatchetMessage,
        now: u64,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if self.is_over(index, now) {
            return Err(OpenError::NoSession);
        }
        let session = self.list.get_mut(index).ok_or(OpenError::NoSession)?;
        let plaintext = session.open(purpose, associated_data, message, now)?;
        self.settle(index, now);
        self.expire(now);
        Ok(plaintext)
    }

    /// Whether a session's time is up because another has the place of the active one since long. Of the two, the one
    /// that began later here began the time; nothing took a place while the active one was never answered.
    fn is_over(&self, index: usize, now: u64) -> bool {
        match (self.list.first(), self.list.get(index)) {
            (Some(active), Some(session)) if index != 0 && !active.is_expired(now) => {
                let since = active.created_at.max(session.created_at);
                now.saturating_sub(since) > REPLACED_SESSION_LIFETIME
            }
            _ => false,
        }
    }

    /// After a message opened on a session: makes it the active one when it is the one to settle on, or when the
    /// active one can send no more.
    fn settle(&mut self, index: usize, now: u64) {
        if let (Some(active), Some(opened)) = (self.list.first(), self.list.get(index))
            && index != 0
            && (active.is_expired(now) || opened.replaces(active))
        {
            let session = self.list.remove(index);
            self.list.insert(0, session);
        }
    }

    fn insert(&mut self, index: usize, session: Session) {
        self.list.insert(index, session);
        self.list.truncate(MAX_INACTIVE_SESSIONS.saturating_add(1));
    }
}
