//! The frame of everything that this crate stores: label, version, suite, and which record it is.
//!
//! State of another version or suite is refused, never guessed at.

use conclave_encoding::{Reader, Writer, labels};

use crate::StateError;
use crate::suite::{SUITE, VERSION};

/// Which record a stored state is, so that one never loads as another.
#[derive(Clone, Copy)]
pub(crate) enum Record {
    Sessions = 0,
    SignedPrekey = 1,
    PrekeySecret = 2,
    SendingChain = 3,
    ReceivingChains = 4,
    LinkOffer = 5,
    AwaitingGrant = 6,
    LinkAnswer = 7,
    UnconfirmedLink = 8,
    ConfirmedLink = 9,
    LinkChannel = 10,
}

/// Bytes of the frame, for capacities.
pub(crate) const FRAME_LENGTH: usize = 64;

/// Begins a state. `capacity` must cover the whole of it, so that growth leaves no copies of secrets.
pub(crate) fn write(record: Record, capacity: usize) -> Writer {
    Writer::with_capacity(labels::SESSION_STATE, capacity.saturating_add(FRAME_LENGTH))
        .u8(VERSION)
        .u8(SUITE)
        .u8(record as u8)
}

/// Begins reading a state of the given record.
pub(crate) fn read(record: Record, bytes: &[u8]) -> Result<Reader<'_>, StateError> {
    let mut reader = Reader::new(labels::SESSION_STATE, bytes)?;
    if reader.u8()? != VERSION || reader.u8()? != SUITE {
        return Err(StateError::OtherVersion);
    }
    if reader.u8()? != record as u8 {
        return Err(StateError::OtherRecord);
    }
    Ok(reader)
}
