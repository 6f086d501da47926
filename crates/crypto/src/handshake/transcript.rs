//! Everything that both sides must have seen alike.
//!
//! It names the accounts, the devices and the chain entries that added them, so keys that are right but belong to
//! somebody else give another session (no unknown key share), and every prekey and id, so nothing of the header can
//! be exchanged (no re-encapsulation).

use conclave_encoding::{Writer, labels};
use sha2::{Digest, Sha256};

use super::PrekeyHeader;
use crate::keys::X25519Public;
use crate::prekeys::KemPublicKey;
use crate::suite::{SUITE, VERSION};
use crate::{IdentityPublicKey, LocalDevice, RemoteDevice};

pub(super) struct Transcript<'a> {
    pub(super) initiator: Side,
    pub(super) responder: Side,
    pub(super) signed_prekey: &'a X25519Public,
    pub(super) one_time: Option<&'a X25519Public>,
    pub(super) kem: &'a KemPublicKey,
    pub(super) header: &'a PrekeyHeader,
}

/// One of the two devices.
pub(super) struct Side {
    account: [u8; 32],
    device: u32,
    entry_hash: [u8; 32],
    identity: IdentityPublicKey,
}

impl Side {
    pub(super) fn local(device: &LocalDevice<'_>) -> Self {
        Self {
            account: device.account,
            device: device.device,
            entry_hash: device.entry_hash,
            identity: device.identity.public(),
        }
    }

    pub(super) fn remote(device: &RemoteDevice) -> Self {
        Self {
            account: device.account,
            device: device.device,
            entry_hash: device.entry_hash,
            identity: device.identity,
        }
    }

    fn write(&self, writer: Writer) -> Writer {
        writer
            .fixed(&self.account)
            .u32(self.device)
            .fixed(&self.entry_hash)
            .fixed(&self.identity.to_bytes())
    }
}

impl Transcript<'_> {
    /// SHA-256 of the canonical encoding.
    pub(super) fn hash(&self) -> [u8; 32] {
        let writer = Writer::with_capacity(labels::HANDSHAKE_TRANSCRIPT, 2816)
            .u8(VERSION)
            .u8(SUITE);
        let writer = self.initiator.write(writer);
        let writer = self.responder.write(writer);
        let bytes = writer
            .u32(self.header.signed_prekey_id)
            .fixed(self.signed_prekey.as_bytes())
            .u8(self.header.kind.to_u8())
            .u32(self.header.prekey_id)
            .option_fixed(self.one_time.map(X25519Public::as_bytes))
            .fixed(self.kem.as_bytes())
            .fixed(self.header.ephemeral.as_bytes())
            .fixed(self.header.kem_ciphertext.as_bytes())
            .finish();
        Sha256::digest(bytes).into()
    }
}
