//! The exact serialized form of a ratchet: `from(to(x)) = x` and `to(from(b)) = b`.

use core::marker::PhantomData;

use conclave_encoding::{DecodeError, Reader, Writer};
use zeroize::Zeroizing;

use super::chain::{Chain, OvertakenKey};
use super::chain_key::ChainKey;
use super::message_key::MessageKey;
use super::ratchet_key::RatchetKey;
use super::root_key::RootKey;
use super::state::{Ratchet, Sending};
use crate::StateError;
use crate::keys::{X25519Public, X25519Secret};
use crate::limits::MAX_SKIPPED_PER_SESSION;
use crate::skipped::{SkippedKey, SkippedKeys};

/// Bytes of one skipped key.
const SKIPPED_LENGTH: usize = 32 + 4 + 8 + 32;
/// Bytes of everything else, at most.
const FIXED_LENGTH: usize = 256;

impl<S> Ratchet<S> {
    /// At most as many bytes as [`Ratchet::write`] appends.
    pub(crate) fn serialized_length(&self) -> usize {
        FIXED_LENGTH.saturating_add(self.skipped.len().saturating_mul(SKIPPED_LENGTH))
    }

    pub(crate) fn write(&self, writer: Writer) -> Writer {
        let mut writer = writer
            .fixed(self.root.as_bytes())
            .fixed(self.remote.as_bytes())
            .u32(self.previous);
        writer = match &self.sending {
            None => writer.u8(0),
            Some(Sending { ratchet, chain }) => write_chain(
                writer
                    .u8(1)
                    .fixed(ratchet.secret().as_bytes())
                    .fixed(ratchet.public().as_bytes()),
                chain,
            ),
        };
        writer = match &self.receiving {
            None => writer.u8(0),
            Some(chain) => write_chain(writer.u8(1), chain),
        };
        // Invariant: the store never holds more than its limit, which fits.
        writer = writer.u32(u32::try_from(self.skipped.len()).unwrap_or(u32::MAX));
        self.skipped.iter().fold(writer, |writer, skipped| {
            writer
                .fixed(skipped.chain.as_bytes())
                .u32(skipped.key.index)
                .u64(skipped.stored_at)
                .fixed(skipped.key.key.as_bytes())
        })
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let root = RootKey::from_bytes(&*secret(reader)?);
        let remote = X25519Public::from_bytes(&reader.fixed()?)?;
        let previous = reader.u32()?;
        let sending = if is_present(reader)? {
            let secret = X25519Secret::from_bytes(&*secret(reader)?);
            let public = X25519Public::from_bytes(&reader.fixed()?)?;
            Some(Sending {
                ratchet: RatchetKey::from_parts(secret, public),
                chain: read_chain(reader)?,
            })
        } else {
            None
        };
        let receiving = if is_present(reader)? {
            Some(read_chain(reader)?)
        } else {
            None
        };
        let count = reader.u32()?;
        if usize::try_from(count).map_or(true, |count| count > MAX_SKIPPED_PER_SESSION) {
            return Err(StateError::OverLimit);
        }
        let mut skipped = SkippedKeys::default();
        for _ in 0..count {
            let chain = X25519Public::from_bytes(&reader.fixed()?)?;
            let index = reader.u32()?;
            skipped.push(SkippedKey {
                chain,
                stored_at: reader.u64()?,
                key: OvertakenKey {
                    index,
                    key: Box::new(MessageKey::from_bytes(&*secret(reader)?)),
                },
            });
        }
        Ok(Self {
            root,
            remote,
            sending,
            previous,
            receiving,
            skipped,
            suite: PhantomData,
        })
    }
}

fn write_chain(writer: Writer, chain: &Chain) -> Writer {
    writer.fixed(chain.key.as_bytes()).u32(chain.next)
}

fn read_chain(reader: &mut Reader<'_>) -> Result<Chain, StateError> {
    Ok(Chain {
        key: ChainKey::from_bytes(&*secret(reader)?),
        next: reader.u32()?,
    })
}

fn secret(reader: &mut Reader<'_>) -> Result<Zeroizing<[u8; 32]>, DecodeError> {
    reader.fixed().map(Zeroizing::new)
}

fn is_present(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::InvalidValue),
    }
}
