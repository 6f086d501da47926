//! The exact stored form of each state: `from(to(x)) = x` and `to(from(b)) = b`.

use conclave_encoding::{DecodeError, Reader, Writer};
use zeroize::Zeroizing;

use super::channel::Side;
use super::secrets::{LinkKey, LinkSecret, LinkSeed};
use super::transcript::{Agreement, LinkShare};
use super::{
    AwaitingGrant, ConfirmedLink, LinkAnswer, LinkChannel, LinkOffer, NewDeviceKeys, UnconfirmedLink,
};
use crate::StateError;
use crate::limits::MAX_LINK_MESSAGES;
use crate::state::{self, Record};
use crate::vault::x_wing::{CIPHERTEXT_LENGTH, PUBLIC_KEY_LENGTH};

/// Bytes of an agreement, at most.
const AGREEMENT_LENGTH: usize = 2 * PUBLIC_KEY_LENGTH + CIPHERTEXT_LENGTH + 256;

impl LinkOffer {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = write_secret(
            state::write(Record::LinkOffer, 192).fixed(&self.link),
            self.secret.as_ref(),
        )
        .fixed(self.seed.as_bytes())
        .fixed(&self.nonce);
        Zeroizing::new(self.keys.write(writer).finish())
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::LinkOffer, bytes)?;
        let offer = Self {
            link: reader.fixed()?,
            secret: read_secret(&mut reader)?,
            seed: read_seed(&mut reader)?,
            nonce: Zeroizing::new(reader.fixed()?),
            keys: NewDeviceKeys::read::<StateError>(&mut reader)?,
        };
        reader.finish()?;
        Ok(offer)
    }
}

impl AwaitingGrant {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = state::write(Record::AwaitingGrant, AGREEMENT_LENGTH).fixed(self.seed.as_bytes());
        Zeroizing::new(write_agreement(writer, &self.agreement).finish())
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::AwaitingGrant, bytes)?;
        let seed = read_seed(&mut reader)?;
        let agreement = read_agreement(&mut reader)?;
        reader.finish()?;
        if seed.public() != agreement.new.public {
            return Err(DecodeError::InvalidValue.into());
        }
        Ok(Self { agreement, seed })
    }
}

impl LinkAnswer {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = write_secret(
            state::write(Record::LinkAnswer, 192).fixed(&self.link),
            self.secret.as_ref(),
        );
        Zeroizing::new(
            writer
                .fixed(&self.commitment)
                .fixed(self.seed.as_bytes())
                .fixed(&self.nonce)
                .finish(),
        )
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::LinkAnswer, bytes)?;
        let answer = Self {
            link: reader.fixed()?,
            secret: read_secret(&mut reader)?,
            commitment: reader.fixed()?,
            seed: read_seed(&mut reader)?,
            nonce: reader.fixed()?,
        };
        reader.finish()?;
        Ok(answer)
    }
}

impl UnconfirmedLink {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = state::write(Record::UnconfirmedLink, AGREEMENT_LENGTH);
        Zeroizing::new(write_agreement(writer, &self.0).finish())
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::UnconfirmedLink, bytes)?;
        let agreement = read_agreement(&mut reader)?;
        reader.finish()?;
        if agreement.secret.is_some() {
            return Err(DecodeError::InvalidValue.into());
        }
        Ok(Self(agreement))
    }
}

impl ConfirmedLink {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let writer = state::write(Record::ConfirmedLink, AGREEMENT_LENGTH);
        Zeroizing::new(write_agreement(writer, &self.0).finish())
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::ConfirmedLink, bytes)?;
        let agreement = read_agreement(&mut reader)?;
        reader.finish()?;
        Ok(Self(agreement))
    }
}

impl LinkChannel {
    /// The stored form.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let side = match self.side {
            Side::New => 0,
            Side::Old => 1,
        };
        Zeroizing::new(
            state::write(Record::LinkChannel, 128)
                .u8(side)
                .fixed(&self.transcript)
                .fixed(self.to_new.as_bytes())
                .fixed(self.to_old.as_bytes())
                .u8(self.sent)
                .u8(self.received)
                .finish(),
        )
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = state::read(Record::LinkChannel, bytes)?;
        let side = match reader.u8()? {
            0 => Side::New,
            1 => Side::Old,
            _ => return Err(DecodeError::InvalidValue.into()),
        };
        let channel = Self {
            side,
            transcript: reader.fixed()?,
            to_new: read_key(&mut reader)?,
            to_old: read_key(&mut reader)?,
            sent: reader.u8()?,
            received: reader.u8()?,
        };
        reader.finish()?;
        if channel.sent > MAX_LINK_MESSAGES || channel.received > MAX_LINK_MESSAGES {
            return Err(StateError::OverLimit);
        }
        Ok(channel)
    }
}

fn write_agreement(writer: Writer, agreement: &Agreement) -> Writer {
    let writer = write_secret(writer.fixed(&agreement.link), agreement.secret.as_ref());
    let writer = agreement.new.write(agreement.old.write(writer));
    agreement
        .keys
        .write(writer)
        .fixed(&agreement.to_old)
        .fixed(agreement.to_old_secret.as_bytes())
}

fn read_agreement(reader: &mut Reader<'_>) -> Result<Agreement, StateError> {
    Ok(Agreement {
        link: reader.fixed()?,
        secret: read_secret(reader)?,
        old: LinkShare::read::<StateError>(reader)?,
        new: LinkShare::read::<StateError>(reader)?,
        keys: NewDeviceKeys::read::<StateError>(reader)?,
        to_old: Box::new(reader.fixed()?),
        to_old_secret: read_key(reader)?,
    })
}

fn write_secret(writer: Writer, secret: Option<&LinkSecret>) -> Writer {
    writer.option_fixed(secret.map(LinkSecret::as_bytes))
}

fn read_secret(reader: &mut Reader<'_>) -> Result<Option<LinkSecret>, StateError> {
    match reader.u8()? {
        0 => Ok(None),
        1 => Ok(Some(LinkSecret::from_bytes(&Zeroizing::new(reader.fixed()?)))),
        _ => Err(DecodeError::InvalidValue.into()),
    }
}

fn read_seed(reader: &mut Reader<'_>) -> Result<LinkSeed, StateError> {
    Ok(LinkSeed::from_bytes(&Zeroizing::new(reader.fixed()?)))
}

fn read_key(reader: &mut Reader<'_>) -> Result<LinkKey, StateError> {
    Ok(LinkKey::from_bytes(&Zeroizing::new(reader.fixed()?)))
}
