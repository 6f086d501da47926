//! The public, signed entry of the prekey directory.

use conclave_encoding::{Reader, Writer, labels};

use super::kem::{KemPublicKey, PUBLIC_KEY_LENGTH};
use super::{PrekeyKind, PrekeySecret, SignedPrekey};
use crate::keys::X25519Public;
use crate::suite::{SUITE, VERSION};
use crate::{HandshakeError, ParseError, RemoteDevice, SigningKey};

/// One entry of the directory as it is served: parsed, but believed by nobody before [`PrekeyBundle::verify`].
#[derive(Clone, Debug)]
pub struct PrekeyBundle {
    account: [u8; 32],
    device: u32,
    id: u32,
    signed_prekey_id: u32,
    signed_prekey: [u8; 32],
    // Invariant: present exactly in a one-time entry; so this is the kind.
    one_time: Option<[u8; 32]>,
    kem: Box<[u8; PUBLIC_KEY_LENGTH]>,
    created: u64,
    expires: u64,
    signature: [u8; 64],
}

/// A bundle whose signature and keys were checked for one device. Only this starts a session.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    pub(crate) owner: RemoteDevice,
    pub(crate) kind: PrekeyKind,
    pub(crate) id: u32,
    pub(crate) signed_prekey_id: u32,
    pub(crate) signed_prekey: X25519Public,
    pub(crate) one_time: Option<X25519Public>,
    pub(crate) kem: KemPublicKey,
}

impl PrekeyBundle {
    /// Makes the entry for a prekey. `expires` tells others when the device meant to replace it; a late one is
    /// still good, because a device may be away for long.
    pub fn sign(
        account: &[u8; 32],
        device: u32,
        signing: &SigningKey,
        signed: &SignedPrekey,
        secret: &PrekeySecret,
        expires: u64,
    ) -> Self {
        let mut bundle = Self {
            account: *account,
            device,
            id: secret.id(),
            signed_prekey_id: signed.id(),
            signed_prekey: signed.public().to_bytes(),
            one_time: secret.one_time_public().map(X25519Public::to_bytes),
            kem: Box::new(*secret.expand_kem().public().as_bytes()),
            created: secret.created_at(),
            expires,
            signature: [0; 64],
        };
        bundle.signature = signing.sign(&bundle.signed_bytes().finish());
        bundle
    }

    /// The entry's bytes: what is signed, then the signature.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.signed_bytes().fixed(&self.signature).finish()
    }

    /// Parses an entry. Its keys and signature are checked by [`PrekeyBundle::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(labels::PREKEY_ENTRY, bytes)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(ParseError::UnknownType);
        }
        let account = reader.fixed()?;
        let device = reader.u32()?;
        let id = reader.u32()?;
        let kind = PrekeyKind::from_u8(reader.u8()?).ok_or(ParseError::NonCanonical)?;
        let bundle = Self {
            account,
            device,
            id,
            signed_prekey_id: reader.u32()?,
            signed_prekey: reader.fixed()?,
            one_time: reader.option_fixed()?,
            kem: Box::new(reader.fixed()?),
            created: reader.u64()?,
            expires: reader.u64()?,
            signature: reader.fixed()?,
        };
        reader.finish()?;
        if bundle.kind() != kind {
            return Err(ParseError::NonCanonical);
        }
        Ok(bundle)
    }

    /// Checks that `owner` made this entry and that its keys are acceptable.
    pub fn verify(&self, owner: &RemoteDevice) -> Result<VerifiedBundle, HandshakeError> {
        if self.account != owner.account || self.device != owner.device {
            return Err(HandshakeError::WrongOwner);
        }
        owner
            .signing
            .verify(&self.signed_bytes().finish(), &self.signature)
            .map_err(|_| HandshakeError::Signature)?;
        Ok(VerifiedBundle {
            owner: *owner,
            kind: self.kind(),
            id: self.id,
            signed_prekey_id: self.signed_prekey_id,
            signed_prekey: X25519Public::from_bytes(&self.signed_prekey)?,
            one_time: self.one_time.as_ref().map(X25519Public::from_bytes).transpose()?,
            kem: KemPublicKey::from_bytes(&self.kem)?,
        })
    }

    /// The entry's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it serves once or as a last resort.
    pub fn kind(&self) -> PrekeyKind {
        if self.one_time.is_some() {
            PrekeyKind::OneTime
        } else {
            PrekeyKind::LastResort
        }
    }

    /// The id of its signed prekey.
    pub fn signed_prekey_id(&self) -> u32 {
        self.signed_prekey_id
    }

    /// When its secret was made.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// When its device meant to replace it.
    pub fn expires(&self) -> u64 {
        self.expires
    }

    fn signed_bytes(&self) -> Writer {
        Writer::with_capacity(labels::PREKEY_ENTRY, 1536)
            .u8(VERSION)
            .u8(SUITE)
            .fixed(&self.account)
            .u32(self.device)
            .u32(self.id)
            .u8(self.kind().to_u8())
            .u32(self.signed_prekey_id)
            .fixed(&self.signed_prekey)
            .option_fixed(self.one_time.as_ref())
            .fixed(&self.kem)
            .u64(self.created)
            .u64(self.expires)
    }
}
