//! Reports: what a reader reveals of one message, and how it is judged.
//!
//! The server knows the sealed body and the associated data of each message, and so its hash: the franking tag. A
//! proof is the key of that one message. The seal commits to its key, so the body opens to one content only, whoever
//! reports it. A proof opens nothing else: a content key seals one body, and no other key follows from a message key.

use conclave_encoding::{Reader, Writer, labels};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::redacted::redacted;
use crate::suite::{SUITE, VERSION};
use crate::{ContentKey, FrankingError, hashes_equal, message_hash, open_content};

/// Bytes of a proof: label, version, suite, kind and key.
pub const PROOF_LENGTH: usize = 61;

/// Which kind of message a proof opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrankingKind {
    /// A direct message: the key is its content key.
    Direct,
    /// A room message: the key is its message key.
    Room,
}

/// The key of one message. Secret until its holder decides to report.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct FrankingProof {
    #[zeroize(skip)]
    kind: FrankingKind,
    key: [u8; 32],
}

redacted!(FrankingProof);

impl FrankingProof {
    /// The proof of a direct message.
    pub fn direct(key: &ContentKey) -> Self {
        Self {
            kind: FrankingKind::Direct,
            key: *key.as_bytes(),
        }
    }

    /// Parses a proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrankingError> {
        let mut reader = Reader::new(labels::FRANKING_PROOF, bytes)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(FrankingError::OtherVersion);
        }
        let kind = match reader.u8()? {
            0 => FrankingKind::Direct,
            1 => FrankingKind::Room,
            _ => return Err(FrankingError::UnknownKind),
        };
        let key = Zeroizing::new(reader.fixed()?);
        reader.finish()?;
        Ok(Self { kind, key: *key })
    }

    /// The proof's bytes, for the report.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let proof = Writer::with_capacity(labels::FRANKING_PROOF, PROOF_LENGTH)
            .u8(VERSION)
            .u8(SUITE)
            .u8(match self.kind {
                FrankingKind::Direct => 0,
                FrankingKind::Room => 1,
            })
            .fixed(&self.key);
        Zeroizing::new(proof.finish())
    }

    /// Which kind of message it opens.
    pub const fn kind(&self) -> FrankingKind {
        self.kind
    }

    /// Judges a report of a direct message: body and associated data are those on record, `tag` is the message hash that
    /// was kept. Gives the content.
    pub fn judge_direct(
        &self,
        tag: &[u8; 32],
        body: &[u8],
        associated_data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, FrankingError> {
        if self.kind != FrankingKind::Direct {
            return Err(FrankingError::OtherKind);
        }
        if !hashes_equal(&message_hash(body, associated_data), tag) {
            return Err(FrankingError::OtherMessage);
        }
        Ok(open_content(
            &ContentKey::from_bytes(&self.key),
            associated_data,
            body,
        )?)
    }
}
