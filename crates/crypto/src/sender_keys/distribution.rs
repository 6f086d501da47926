//! A chain as it is handed on: by its own device to a member, or by a member to a newcomer and to the vault.
//!
//! The two have different types and labels. A distribution becomes a live chain, a seed reads the past only.

use conclave_encoding::{Reader, Writer, labels};
use zeroize::Zeroizing;

use super::{HistoryChain, SenderKeyStatement};
use crate::limits::MAX_CHAIN_JUMP;
use crate::ratchet::{Chain, ChainKey};
use crate::redacted::redacted;
use crate::suite::{SUITE, VERSION};
use crate::{ParseError, RemoteDevice, SenderKeyError};

/// Bytes of a distribution or seed, at most.
const MAX_LENGTH: usize = 384;

/// A chain from its own device, for a member of the room. It is accepted by [`super::ReceivingChains::accept`].
pub struct SenderKeyDistribution {
    head_sequence: u32,
    head_hash: [u8; 32],
    pub(super) statement: SenderKeyStatement,
    pub(super) chain: Chain,
}

/// A chain from somebody who was given it: it opens messages of the past and never becomes a live chain.
pub struct SenderKeySeed {
    statement: SenderKeyStatement,
    chain: Chain,
}

redacted!(SenderKeyDistribution, SenderKeySeed);

impl SenderKeyDistribution {
    /// Parses a distribution. Whether it is believed is decided when it is accepted.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(labels::SENDER_KEY_DISTRIBUTION, bytes)?;
        let statement = read_statement(&mut reader)?;
        let head_sequence = reader.u32()?;
        let head_hash = reader.fixed()?;
        let chain = read_chain(&mut reader)?;
        reader.finish()?;
        Ok(Self {
            head_sequence,
            head_hash,
            statement,
            chain,
        })
    }

    pub(super) fn write(
        statement: &SenderKeyStatement,
        head_sequence: u32,
        head_hash: &[u8; 32],
        chain: &Chain,
    ) -> Zeroizing<Vec<u8>> {
        let writer = write_statement(
            Writer::with_capacity(labels::SENDER_KEY_DISTRIBUTION, MAX_LENGTH),
            statement,
        )
        .u32(head_sequence)
        .fixed(head_hash);
        Zeroizing::new(write_chain(writer, chain).finish())
    }

    /// The distribution's bytes.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Self::write(&self.statement, self.head_sequence, &self.head_hash, &self.chain)
    }

    /// The statement that came with it, unverified.
    pub fn statement(&self) -> &SenderKeyStatement {
        &self.statement
    }

    /// Sequence of the room chain's head as the sender saw it.
    pub fn head_sequence(&self) -> u32 {
        self.head_sequence
    }

    /// Hash of that head.
    pub fn head_hash(&self) -> &[u8; 32] {
        &self.head_hash
    }

    /// Number of the first message that the key opens.
    pub fn iteration(&self) -> u32 {
        self.chain.next
    }

    /// The same chain as a seed, for the vault: from here on the past can be read. To be kept only when the
    /// distribution was accepted and the room's rules let it be kept.
    pub fn seed(&self) -> Zeroizing<Vec<u8>> {
        SenderKeySeed::write(&self.statement, &self.chain)
    }
}

impl SenderKeySeed {
    /// Parses a seed. Its statement is checked by [`SenderKeySeed::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(labels::SENDER_KEY_SEED, bytes)?;
        let statement = read_statement(&mut reader)?;
        let chain = read_chain(&mut reader)?;
        reader.finish()?;
        Ok(Self { statement, chain })
    }

    pub(super) fn write(statement: &SenderKeyStatement, chain: &Chain) -> Zeroizing<Vec<u8>> {
        let writer = write_statement(
            Writer::with_capacity(labels::SENDER_KEY_SEED, MAX_LENGTH),
            statement,
        );
        Zeroizing::new(write_chain(writer, chain).finish())
    }

    /// The seed's bytes.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Self::write(&self.statement, &self.chain)
    }

    /// The statement that came with it, unverified.
    pub fn statement(&self) -> &SenderKeyStatement {
        &self.statement
    }

    /// Number of the first message that the key opens.
    pub fn iteration(&self) -> u32 {
        self.chain.next
    }

    /// The seed from a later message on: what lies before that stays closed to whoever gets it. None for a message
    /// before its own beginning, or further behind it than it reaches.
    #[must_use]
    pub fn from_iteration(&self, iteration: u32) -> Option<Self> {
        let distance = iteration
            .checked_sub(self.chain.next)
            .filter(|distance| *distance <= MAX_CHAIN_JUMP)?;
        let key = (0..distance).fold(self.chain.key.copy(), |key, _| key.step().1);
        Some(Self {
            statement: self.statement.clone(),
            chain: Chain { key, next: iteration },
        })
    }

    /// Checks that the chain is `author`'s, in this room and epoch, whoever handed it on.
    pub fn verify(
        &self,
        author: &RemoteDevice,
        room: &[u8; 32],
        epoch: u32,
    ) -> Result<HistoryChain, SenderKeyError> {
        let statement = self.statement.verify_for(author, room, epoch)?;
        Ok(HistoryChain {
            statement,
            chain: self.chain.copy(),
            end: u32::MAX,
        })
    }
}

fn write_statement(writer: Writer, statement: &SenderKeyStatement) -> Writer {
    writer.u8(VERSION).u8(SUITE).bytes(&statement.to_bytes())
}

fn read_statement(reader: &mut Reader<'_>) -> Result<SenderKeyStatement, ParseError> {
    if reader.u8()? != VERSION || reader.u8()? != SUITE {
        return Err(ParseError::UnknownType);
    }
    SenderKeyStatement::from_bytes(reader.bytes(SenderKeyStatement::LENGTH)?)
}

fn write_chain(writer: Writer, chain: &Chain) -> Writer {
    writer.u32(chain.next).fixed(chain.key.as_bytes())
}

fn read_chain(reader: &mut Reader<'_>) -> Result<Chain, ParseError> {
    let next = reader.u32()?;
    let key = ChainKey::from_bytes(&Zeroizing::new(reader.fixed()?));
    Ok(Chain { key, next })
}
