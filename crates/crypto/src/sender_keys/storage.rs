//! The exact stored form of chains: `from(to(x)) = x` and `to(from(b)) = b`.

use conclave_encoding::{DecodeError, Reader, Writer};
use zeroize::Zeroizing;

use super::binding::ChainBinding;
use super::receiving::ReceivingChain;
use super::{ReceivingChains, SendingChain, VerifiedStatement};
use crate::limits::{MAX_CHAINS_STATE, MAX_OLD_CHAINS, MAX_SKIPPED_PER_CHAIN};
use crate::ratchet::{Chain, ChainKey, MessageKey, OvertakenKey};
use crate::skipped::{SkippedKey, SkippedKeys};
use crate::state::{self, Record};
use crate::{DeviceAddress, SigningKey, StateError, VerifyingKey};

/// Bytes of a sending chain.
const SENDING_LENGTH: usize = 256;
/// Bytes of room, device and number of chains.
const RECEIVING_LENGTH: usize = 80;
/// Bytes of one receiving chain without its skipped keys, at most.
const CHAIN_LENGTH: usize = 112;
/// Bytes of one skipped key.
const SKIPPED_LENGTH: usize = 4 + 8 + 32;

impl SendingChain {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let VerifiedStatement { binding, signature } = &self.statement;
        let writer = write_place(
            state::write(Record::SendingChain, SENDING_LENGTH),
            &binding.room,
            binding.device,
        )
        .u32(binding.epoch)
        .fixed(&binding.chain_id)
        .fixed(signature)
        .fixed(&self.signature_key.to_bytes())
        .u64(self.created_at);
        Zeroizing::new(write_chain(writer, &self.chain).finish())
    }

    /// Reads the stored form. State of another version or suite is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::SendingChain, bytes)?;
        let (room, device) = read_place(&mut reader)?;
        let epoch = reader.u32()?;
        let chain_id = reader.fixed()?;
        let signature = reader.fixed()?;
        let signature_key = SigningKey::from_bytes(&*secret(&mut reader)?);
        let created_at = reader.u64()?;
        let chain = read_chain(&mut reader)?;
        reader.finish()?;
        let binding = ChainBinding {
            room,
            epoch,
            device,
            chain_id,
            signature_key: signature_key.public(),
        };
        Ok(Self {
            statement: VerifiedStatement { binding, signature },
            signature_key,
            created_at,
            chain,
        })
    }
}

impl ReceivingChains {
    /// The stored form: everything, skipped keys included.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let capacity = self
            .list
            .len()
            .saturating_mul(CHAIN_LENGTH)
            .saturating_add(self.skipped_keys().saturating_mul(SKIPPED_LENGTH))
            .saturating_add(RECEIVING_LENGTH);
        // Invariant: the list never holds more than its limit, which fits.
        let writer = write_place(
            state::write(Record::ReceivingChains, capacity),
            &self.room,
            self.device,
        )
        .u8(u8::try_from(self.list.len()).unwrap_or(u8::MAX));
        let writer = self.list.iter().fold(writer, |writer, chain| chain.write(writer));
        Zeroizing::new(writer.finish())
    }

    /// Reads the stored form. State of another version or suite, or over a limit, is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        if bytes.len() > MAX_CHAINS_STATE {
            return Err(StateError::OverLimit);
        }
        let mut reader = state::read(Record::ReceivingChains, bytes)?;
        let (room, device) = read_place(&mut reader)?;
        let count = usize::from(reader.u8()?);
        if count > MAX_OLD_CHAINS.saturating_add(1) {
            return Err(StateError::OverLimit);
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(ReceivingChain::read(&mut reader, room, device)?);
        }
        reader.finish()?;
        Ok(Self { room, device, list })
    }
}

impl ReceivingChain {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer
            .u32(self.binding.epoch)
            .fixed(&self.binding.chain_id)
            .fixed(&self.binding.signature_key.to_bytes())
            .u64(self.replaced_at)
            .u32(self.end);
        let writer = match &self.chain {
            None => writer.u8(0),
            Some(chain) => write_chain(writer.u8(1), chain),
        };
        // Invariant: the store never holds more than its limit, which fits.
        let writer = writer.u32(u32::try_from(self.skipped.len()).unwrap_or(u32::MAX));
        self.skipped.iter().fold(writer, |writer, skipped| {
            writer
                .u32(skipped.key.index)
                .u64(skipped.stored_at)
                .fixed(skipped.key.key.as_bytes())
        })
    }

    fn read(reader: &mut Reader<'_>, room: [u8; 32], device: DeviceAddress) -> Result<Self, StateError> {
        let epoch = reader.u32()?;
        let chain_id = reader.fixed()?;
        let signature_key = VerifyingKey::from_bytes(&reader.fixed()?)?;
        let replaced_at = reader.u64()?;
        let end = reader.u32()?;
        let chain = match reader.u8()? {
            0 => None,
            1 => Some(read_chain(reader)?),
            _ => return Err(DecodeError::InvalidValue.into()),
        };
        let count = reader.u32()?;
        if usize::try_from(count).map_or(true, |count| count > MAX_SKIPPED_PER_CHAIN) {
            return Err(StateError::OverLimit);
        }
        let mut skipped = SkippedKeys::default();
        let mut before = None;
        for _ in 0..count {
            let index = reader.u32()?;
            // A chain goes one way, so its keys were kept in order.
            if before.is_some_and(|before| before >= index) {
                return Err(DecodeError::InvalidValue.into());
            }
            before = Some(index);
            skipped.push(SkippedKey {
                chain: (),
                stored_at: reader.u64()?,
                key: OvertakenKey {
                    index,
                    key: Box::new(MessageKey::from_bytes(&*secret(reader)?)),
                },
            });
        }
        Ok(Self {
            binding: ChainBinding {
                room,
                epoch,
                device,
                chain_id,
                signature_key,
            },
            end,
            chain,
            skipped,
            replaced_at,
        })
    }
}

fn write_place(writer: Writer, room: &[u8; 32], device: DeviceAddress) -> Writer {
    writer.fixed(room).fixed(&device.account).u32(device.device)
}

fn read_place(reader: &mut Reader<'_>) -> Result<([u8; 32], DeviceAddress), DecodeError> {
    let room = reader.fixed()?;
    let account = reader.fixed()?;
    let device = reader.u32()?;
    Ok((room, DeviceAddress { account, device }))
}

fn write_chain(writer: Writer, chain: &Chain) -> Writer {
    writer.fixed(chain.key.as_bytes()).u32(chain.next)
}

fn read_chain(reader: &mut Reader<'_>) -> Result<Chain, DecodeError> {
    Ok(Chain {
        key: ChainKey::from_bytes(&*secret(reader)?),
        next: reader.u32()?,
    })
}

fn secret(reader: &mut Reader<'_>) -> Result<Zeroizing<[u8; 32]>, DecodeError> {
    reader.fixed().map(Zeroizing::new)
}
