//! Reports: what a reader reveals of one message, and how it is judged.
//!
//! The server knows the sealed body and the associated data of each message, and so its hash: the franking tag. A
//! proof is the key of that one message. The seal commits to its key, so the body opens to one content only, whoever
//! reports it. A proof opens nothing else: a content key seals one body, and no other key follows from a message key.

use conclave_encoding::{Reader, Writer, labels};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::redacted::redacted;
use crate::sender_keys::{MessageOpening, SenderKeyMessage, VerifiedStatement};
use crate::suite::{SUITE, VERSION};
use crate::{ContentKey, FrankingError, hashes_equal, message_hash, open_content};

/// Bytes of a proof: label, version, suite, kind and key.
pub const PROOF_LENGTH: usize = 1 + labels::FRANKING_PROOF.as_bytes().len() + 3 + 32;

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

    /// The proof of a room message.
    pub fn room(opening: &MessageOpening) -> Self {
        Self {
            kind: FrankingKind::Room,
            key: *opening.as_bytes(),
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

    /// Judges a report of a room message: body is the whole message with its signature, associated data what the
    /// room's rules bind (the caller's data of the message), the statement its author's on the chain. Gives the
    /// content, and with it that the author's chain signed it.
    pub fn judge_room(
        &self,
        tag: &[u8; 32],
        body: &[u8],
        associated_data: &[u8],
        statement: &VerifiedStatement,
    ) -> Result<Zeroizing<Vec<u8>>, FrankingError> {
        if self.kind != FrankingKind::Room {
            return Err(FrankingError::OtherKind);
        }
        let message = SenderKeyMessage::from_bytes(body)?;
        let opening = MessageOpening::from_bytes(&self.key);
        let opened = statement.open_with(&opening, &message, associated_data)?;
        if !hashes_equal(&opened.hash, tag) {
            return Err(FrankingError::OtherMessage);
        }
        Ok(opened.content)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::sender_keys::{HistoryChain, SenderKeySeed, SendingChain};
    use crate::tests::{AD, Device, NOW, rng};
    use crate::{OpenError, seal_content};

    fn proof_of(byte: u8) -> FrankingProof {
        FrankingProof::direct(&ContentKey::from_bytes(&[byte; 32]))
    }

    #[test]
    fn a_report_of_a_direct_message_proves_what_was_sealed() {
        let body = seal_content(&ContentKey::from_bytes(&[3; 32]), AD, b"what was said").unwrap();
        let tag = message_hash(&body, AD);
        let sent = proof_of(3).to_bytes();
        assert_eq!((sent.len(), PROOF_LENGTH), (62, 62));
        let proof = FrankingProof::from_bytes(&sent).unwrap();
        assert_eq!(proof.kind(), FrankingKind::Direct);
        assert_eq!(*proof.judge_direct(&tag, &body, AD).unwrap(), b"what was said");
    }

    #[test]
    fn a_report_of_another_message_key_or_place_proves_nothing() {
        let body = seal_content(&ContentKey::from_bytes(&[3; 32]), AD, b"what was said").unwrap();
        let tag = message_hash(&body, AD);
        let other = seal_content(&ContentKey::from_bytes(&[4; 32]), AD, b"something worse").unwrap();
        // The reporter puts in a body that he sealed himself.
        assert_eq!(
            proof_of(4).judge_direct(&tag, &other, AD).err(),
            Some(FrankingError::OtherMessage)
        );
        // He claims another room or sender.
        assert_eq!(
            proof_of(3).judge_direct(&tag, &body, b"another place").err(),
            Some(FrankingError::OtherMessage)
        );
        // He reveals another key: the seal has one content only.
        assert_eq!(
            proof_of(4).judge_direct(&tag, &body, AD).err(),
            Some(FrankingError::Open(OpenError::NotAuthentic))
        );
        let room = FrankingProof::room(&MessageOpening::from_bytes(&[3; 32]));
        assert_eq!(
            room.judge_direct(&tag, &body, AD).err(),
            Some(FrankingError::OtherKind)
        );
    }

    #[test]
    fn a_proof_has_one_form() {
        let bytes = proof_of(9).to_bytes();
        for length in 0..bytes.len() {
            assert!(FrankingProof::from_bytes(&bytes[..length]).is_err());
        }
        assert!(FrankingProof::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let kind_at = bytes.len() - 33;
        for (position, error) in [
            (kind_at - 2, FrankingError::OtherVersion),
            (kind_at - 1, FrankingError::OtherVersion),
            (kind_at, FrankingError::UnknownKind),
        ] {
            let mut altered = bytes.clone();
            altered[position] = 7;
            assert_eq!(FrankingProof::from_bytes(&altered).err(), Some(error));
        }
    }

    /// A device's chain in a room, and what a member has who reads along.
    fn room(account: u8, rng: &mut ChaCha20Rng) -> (SendingChain, HistoryChain) {
        let device = Device::new(account, rng);
        let address = device.remote().address();
        let chain = SendingChain::begin(&[7; 32], 0, address, &device.signing, NOW, rng);
        let reader = SenderKeySeed::from_bytes(&chain.seed())
            .unwrap()
            .verify(&device.remote(), &[7; 32], 0)
            .unwrap();
        (chain, reader)
    }

    #[test]
    fn a_report_of_a_room_message_proves_what_its_author_signed() {
        let mut rng = rng(1);
        let (mut chain, reader) = room(1, &mut rng);
        let first = chain.seal(AD, b"first", NOW, &mut rng).unwrap();
        let second = chain.seal(AD, b"second", NOW, &mut rng).unwrap();
        let open = |bytes: &[u8]| {
            let message = SenderKeyMessage::from_bytes(bytes).unwrap();
            reader.open(&message, AD).unwrap()
        };
        let opened = open(&second.bytes);
        let proof = FrankingProof::from_bytes(&FrankingProof::room(&opened.opening).to_bytes()).unwrap();
        let judge = |tag, body: &[u8], ad: &[u8]| proof.judge_room(tag, body, ad, reader.statement());
        assert_eq!(*judge(&second.hash, &second.bytes, AD).unwrap(), b"second");

        // The key opens no other message of the chain, and no other message passes for this one.
        assert_eq!(
            judge(&first.hash, &first.bytes, AD).err(),
            Some(FrankingError::Open(OpenError::NotAuthentic))
        );
        assert_eq!(
            judge(&first.hash, &second.bytes, AD).err(),
            Some(FrankingError::OtherMessage)
        );
        assert!(judge(&second.hash, &second.bytes, b"another place").is_err());
        assert_eq!(
            proof.judge_direct(&second.hash, &second.bytes, AD).err(),
            Some(FrankingError::OtherKind)
        );
        for position in 0..second.bytes.len() {
            let mut altered = second.bytes.clone();
            altered[position] ^= 1;
            assert!(judge(&second.hash, &altered, AD).is_err(), "byte {position}");
        }
        assert!(judge(&second.hash, b"", AD).is_err());
    }

    #[test]
    fn a_report_against_somebody_who_did_not_write_proves_nothing() {
        let mut rng = rng(2);
        let (mut chain, reader) = room(1, &mut rng);
        let (_, accused) = room(2, &mut rng);
        let sealed = chain.seal(AD, b"text", NOW, &mut rng).unwrap();
        let opened = reader
            .open(&SenderKeyMessage::from_bytes(&sealed.bytes).unwrap(), AD)
            .unwrap();
        assert_eq!(
            FrankingProof::room(&opened.opening)
                .judge_room(&sealed.hash, &sealed.bytes, AD, accused.statement())
                .err(),
            Some(FrankingError::Open(OpenError::UnknownChain))
        );
    }
}
