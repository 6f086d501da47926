//! What the account will name of the new device.

use conclave_encoding::{DecodeError, Reader, Writer};

use crate::{IdentityPublicKey, KeyError, VerifyingKey};

/// Public keys of the new device. They are part of what it commits to, so the account adds these and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDeviceKeys {
    /// Its signing key.
    pub signing: VerifyingKey,
    /// Its identity key.
    pub identity: IdentityPublicKey,
}

impl NewDeviceKeys {
    pub(super) fn write(&self, writer: Writer) -> Writer {
        writer
            .fixed(&self.signing.to_bytes())
            .fixed(&self.identity.to_bytes())
    }

    /// Reads and checks both, for messages and for stored states.
    pub(super) fn read<E: From<DecodeError> + From<KeyError>>(reader: &mut Reader<'_>) -> Result<Self, E> {
        Ok(Self {
            signing: VerifyingKey::from_bytes(&reader.fixed()?)?,
            identity: IdentityPublicKey::from_bytes(&reader.fixed()?)?,
        })
    }
}
