//! One session.

use conclave_encoding::{hash, labels};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::handshake::{self, PrekeyHeader};
use crate::limits::UNANSWERED_SESSION_LIFETIME;
use crate::message::{PrekeyMessage, RatchetMessage};
use crate::prekeys::{PrekeySecret, SignedPrekey, VerifiedBundle};
use crate::ratchet::Ratchet;
use crate::redacted::redacted;
use crate::suite::Conclave1;
use crate::{DeviceAddress, HandshakeError, LocalDevice, OpenError, Purpose, RemoteDevice, SealError};

/// A ratchet with what its handshake left behind.
pub(super) struct Session {
    pub(super) role: Role,
    pub(super) initiator: DeviceAddress,
    pub(super) responder: DeviceAddress,
    pub(super) created_at: u64,
    /// Names the handshake, so that its repeated header is recognised.
    pub(super) handshake: [u8; 32],
    /// Hash of the handshake's transcript, bound into every message.
    pub(super) associated_data: [u8; 32],
    /// The header to repeat. Present exactly while this side is the initiator and was not answered.
    pub(super) unanswered: Option<PrekeyHeader>,
    pub(super) ratchet: Ratchet<Conclave1>,
}

/// Which side of the handshake this device was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Initiator,
    Responder,
}

redacted!(Session);

impl Session {
    pub(super) fn initiate(
        local: &LocalDevice<'_>,
        remote: &RemoteDevice,
        bundle: &VerifiedBundle,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, HandshakeError> {
        let (agreement, header) = handshake::initiate(local, remote, bundle, rng)?;
        Ok(Self {
            role: Role::Initiator,
            initiator: local.address(),
            responder: remote.address(),
            created_at: now,
            handshake: name(&header),
            associated_data: agreement.associated_data,
            unanswered: Some(header),
            ratchet: Ratchet::initiator(agreement.root, bundle.signed_prekey),
        })
    }

    pub(super) fn respond(
        local: &LocalDevice<'_>,
        remote: &RemoteDevice,
        signed: &SignedPrekey,
        secret: &PrekeySecret,
        message: &PrekeyMessage,
        now: u64,
    ) -> Result<Self, HandshakeError> {
        let PrekeyMessage { header, message } = message;
        let agreement = handshake::respond(local, remote, signed, secret, header)?;
        Ok(Self {
            role: Role::Responder,
            initiator: remote.address(),
            responder: local.address(),
            created_at: now,
            handshake: name(header),
            associated_data: agreement.associated_data,
            unanswered: None,
            ratchet: Ratchet::responder(&agreement.root, signed.secret(), message.header.ratchet_key)?,
        })
    }

    pub(super) fn seal(
        &mut self,
        purpose: Purpose,
        associated_data: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let message = self
            .ratchet
            .seal(&self.associated_data, purpose, associated_data, plaintext, rng)?;
        Ok(match &self.unanswered {
            Some(header) => message.to_bytes_behind(header),
            None => message.to_bytes(),
        })
    }

    pub(super) fn open(
        &mut self,
        purpose: Purpose,
        associated_data: &[u8],
        message: &RatchetMessage,
        now: u64,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if message.purpose() != purpose {
            return Err(OpenError::WrongPurpose);
        }
        let plaintext = self
            .ratchet
            .open(&self.associated_data, associated_data, message, now)?;
        self.unanswered = None;
        Ok(plaintext)
    }

    /// Whether this is the session that a repeated header belongs to.
    pub(super) fn began_with(&self, message: &PrekeyMessage) -> bool {
        self.role == Role::Responder && self.handshake == name(&message.header)
    }

    pub(super) fn recognises(&self, message: &RatchetMessage) -> bool {
        self.ratchet.recognises(&message.header.ratchet_key)
    }

    /// Whether nobody answered it in time. Answers that come later are still opened.
    pub(super) fn is_expired(&self, now: u64) -> bool {
        self.unanswered.is_some() && now.saturating_sub(self.created_at) > UNANSWERED_SESSION_LIFETIME
    }

    /// Whether a message that opened here shows that the peer sends on this session rather than on the active one.
    ///
    /// When both sides began one at once, both settle on the one whose initiator has the smaller address. When the
    /// peer began both, it alone knows which it began last, so it is followed.
    pub(super) fn replaces(&self, active: &Self) -> bool {
        match self.initiator.cmp(&active.initiator) {
            core::cmp::Ordering::Less => true,
            core::cmp::Ordering::Equal => self.role == Role::Responder,
            core::cmp::Ordering::Greater => false,
        }
    }
}

/// A name for a handshake inside stored state; it never travels.
fn name(header: &PrekeyHeader) -> [u8; 32] {
    hash(labels::SESSION_STATE, &header.to_bytes())
}
