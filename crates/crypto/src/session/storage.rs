//! The exact serialized form of the sessions with one peer device.

use conclave_encoding::{DecodeError, Reader, Writer};
use zeroize::Zeroizing;

use super::list::Sessions;
use super::one::{Role, Session};
use crate::handshake::PrekeyHeader;
use crate::limits::{MAX_INACTIVE_SESSIONS, MAX_SESSIONS_STATE};
use crate::ratchet::Ratchet;
use crate::state::{self, Record};
use crate::{DeviceAddress, StateError};

/// Bytes of a session without its ratchet, at most.
const FIXED_LENGTH: usize = 192 + PrekeyHeader::LENGTH;

impl Sessions {
    /// The stored form: everything, skipped keys included.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let capacity = self.list.iter().fold(0usize, |sum, session| {
            sum.saturating_add(session.ratchet.serialized_length())
                .saturating_add(FIXED_LENGTH)
        });
        // Invariant: the list never holds more than its limit, which fits.
        let writer =
            state::write(Record::Sessions, capacity).u8(u8::try_from(self.list.len()).unwrap_or(u8::MAX));
        let writer = self
            .list
            .iter()
            .fold(writer, |writer, session| session.write(writer));
        Zeroizing::new(writer.finish())
    }

    /// Reads the stored form. State of another version or suite, or over a limit, is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        if bytes.len() > MAX_SESSIONS_STATE {
            return Err(StateError::OverLimit);
        }
        let mut reader = state::read(Record::Sessions, bytes)?;
        let count = usize::from(reader.u8()?);
        if count > MAX_INACTIVE_SESSIONS.saturating_add(1) {
            return Err(StateError::OverLimit);
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(Session::read(&mut reader)?);
        }
        reader.finish()?;
        Ok(Self { list })
    }
}

impl Session {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer.u8(match self.role {
            Role::Initiator => 0,
            Role::Responder => 1,
        });
        let writer = [&self.initiator, &self.responder]
            .into_iter()
            .fold(writer, |writer, address| {
                writer.fixed(&address.account).u32(address.device)
            });
        let writer = writer
            .u64(self.created_at)
            .fixed(&self.handshake)
            .fixed(&self.associated_data)
            .option_fixed(self.unanswered.as_ref().map(PrekeyHeader::to_bytes).as_ref());
        self.ratchet.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let role = match reader.u8()? {
            0 => Role::Initiator,
            1 => Role::Responder,
            _ => return Err(DecodeError::InvalidValue.into()),
        };
        let initiator = read_address(reader)?;
        let responder = read_address(reader)?;
        let created_at = reader.u64()?;
        let handshake = reader.fixed()?;
        let associated_data = reader.fixed()?;
        let unanswered = reader
            .option_fixed::<{ PrekeyHeader::LENGTH }>()?
            .map(|bytes| PrekeyHeader::split_from(&bytes).map(|(header, _)| header))
            .transpose()?;
        if role == Role::Responder && unanswered.is_some() {
            return Err(DecodeError::InvalidValue.into());
        }
        let ratchet = Ratchet::read(reader)?;
        Ok(Self {
            role,
            initiator,
            responder,
            created_at,
            handshake,
            associated_data,
            unanswered,
            ratchet,
        })
    }
}

fn read_address(reader: &mut Reader<'_>) -> Result<DeviceAddress, DecodeError> {
    Ok(DeviceAddress {
        account: reader.fixed()?,
        device: reader.u32()?,
    })
}
