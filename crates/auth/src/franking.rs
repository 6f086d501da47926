//! The franking check of who judges a report: opens one message by the key that a reader of it revealed.
//!
//! The server may not depend on the crate that seals, so this is a second reading of `docs/protocol.md`, "Reports":
//! it opens and can seal nothing. The vectors hold both to one form.
//!
//! Invariant: body and associated data are those on record, and never what a reporter says of them; what opens was
//! therefore sent there, then, by that device. Of a room message its author's signature is checked as well.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use conclave_encoding::{Label, Reader, Writer, hash_parts, labels};
use ed25519_dalek::{Signature, VerifyingKey};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

/// Version and suite of whatever is read here.
const VERSION_AND_SUITE: [u8; 2] = [1, 1];
/// First byte of a room message.
const TYPE_ROOM: u8 = 0x13;
/// Longest sealed body, with room for what stands around it.
const BODY_MAX: usize = 64 * 1024;
const PADDING_FLOOR: usize = 64;
const MARKER: u8 = 0x80;

/// Why a report proves nothing. Which check failed is said to nobody.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the report does not prove what was said")]
pub struct ProvesNothing;

/// The author's device, as the account's verified chain has it.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    /// Whose device it is.
    pub account: [u8; 32],
    /// Which one.
    pub device: u32,
    /// Its Ed25519 key.
    pub signing: [u8; 32],
}

/// Opens a direct message.
pub fn open_direct(
    proof: &[u8],
    body: &[u8],
    associated_data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ProvesNothing> {
    let key = key_of(proof, 0)?;
    open(&key, &[labels::CONTENT_KEY.as_bytes()], associated_data, body)
}

/// Opens a message in a room of a place: `statement` is what the reporter brings of the author's word on the chain,
/// room and epoch are those on record, and `associated_data` what the room's rules bind.
pub fn open_room(
    proof: &[u8],
    statement: &[u8],
    (room, epoch): (&[u8; 32], u32),
    author: &Author,
    body: &[u8],
    associated_data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ProvesNothing> {
    let key = key_of(proof, 1)?;
    let chain = Chain::verify(statement, (room, epoch), author)?;
    let message = Message::parse(body)?;
    if message.chain_id != chain.id {
        return Err(ProvesNothing);
    }
    let bound = Writer::new(labels::SENDER_KEY_ASSOCIATED_DATA)
        .fixed(&VERSION_AND_SUITE)
        .fixed(room)
        .u32(epoch)
        .fixed(&author.account)
        .u32(author.device)
        .fixed(&chain.id)
        .u32(message.iteration)
        .fixed(message.random)
        .bytes(associated_data)
        .finish();
    let hash = hash_parts(labels::MESSAGE_HASH, &[message.without_signature, &bound]);
    let signed = Writer::new(labels::SENDER_KEY_SIGNATURE).fixed(&hash).finish();
    verify(&chain.signature_key, &signed, message.signature)?;
    let info = [labels::SENDER_KEY_MESSAGE.as_bytes(), message.random];
    open(&key, &info, &bound, message.sealed)
}

/// The key in a proof of this kind.
fn key_of(proof: &[u8], kind: u8) -> Result<Zeroizing<[u8; 32]>, ProvesNothing> {
    let mut reader = begin(labels::FRANKING_PROOF, proof)?;
    if reader.u8().map_err(|_| ProvesNothing)? != kind {
        return Err(ProvesNothing);
    }
    let key = Zeroizing::new(reader.fixed().map_err(|_| ProvesNothing)?);
    reader.finish().map_err(|_| ProvesNothing)?;
    Ok(key)
}

fn begin(label: Label, bytes: &[u8]) -> Result<Reader<'_>, ProvesNothing> {
    let mut reader = Reader::new(label, bytes).map_err(|_| ProvesNothing)?;
    let found: [u8; 2] = reader.fixed().map_err(|_| ProvesNothing)?;
    if found == VERSION_AND_SUITE {
        Ok(reader)
    } else {
        Err(ProvesNothing)
    }
}

/// `commitment ‖ ciphertext ‖ tag` under a key that seals once: compares the commitment, opens, takes the padding off.
fn open(
    key: &[u8; 32],
    info: &[&[u8]],
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ProvesNothing> {
    if sealed.len() > BODY_MAX {
        return Err(ProvesNothing);
    }
    let mut expanded = Zeroizing::new([0_u8; 64]);
    Hkdf::<Sha256>::from_prk(key)
        .map_err(|_| ProvesNothing)?
        .expand_multi_info(info, expanded.as_mut_slice())
        .map_err(|_| ProvesNothing)?;
    let (cipher_key, commitment) = expanded.split_at(32);
    let (sent, rest) = sealed.split_first_chunk::<32>().ok_or(ProvesNothing)?;
    let (ciphertext, tag) = rest.split_last_chunk::<16>().ok_or(ProvesNothing)?;
    if !bool::from(commitment.ct_eq(sent)) {
        return Err(ProvesNothing);
    }
    let cipher = ChaCha20Poly1305::new_from_slice(cipher_key).map_err(|_| ProvesNothing)?;
    let mut content = Zeroizing::new(ciphertext.to_vec());
    cipher
        .decrypt_inout_detached(
            &[0; 12].into(),
            associated_data,
            content.as_mut_slice().into(),
            tag.into(),
        )
        .map_err(|_| ProvesNothing)?;
    let length = unpadded(&content)?;
    content.truncate(length);
    Ok(content)
}

/// How long the content is in front of its padding, which has one form.
fn unpadded(padded: &[u8]) -> Result<usize, ProvesNothing> {
    let marker = padded.iter().rposition(|byte| *byte != 0).ok_or(ProvesNothing)?;
    if padded.get(marker) == Some(&MARKER) && padded.len() == padded_length(marker.saturating_add(1)) {
        Ok(marker)
    } else {
        Err(ProvesNothing)
    }
}

fn padded_length(length: usize) -> usize {
    if length <= PADDING_FLOOR {
        return PADDING_FLOOR;
    }
    let exponent = length.ilog2();
    let significant = exponent.ilog2().saturating_add(1);
    let mask = (1_usize << exponent.saturating_sub(significant)).saturating_sub(1);
    length.saturating_add(mask) & !mask
}

/// A chain of which its device said that it is its own.
struct Chain {
    id: [u8; 16],
    signature_key: [u8; 32],
}

impl Chain {
    fn verify(
        statement: &[u8],
        (room, epoch): (&[u8; 32], u32),
        author: &Author,
    ) -> Result<Self, ProvesNothing> {
        let read = || -> Result<_, conclave_encoding::DecodeError> {
            let mut reader = Reader::new(labels::SENDER_KEY_STATEMENT, statement)?;
            let versions: [u8; 2] = reader.fixed()?;
            let place: ([u8; 32], u32) = (reader.fixed()?, reader.u32()?);
            let device: ([u8; 32], u32) = (reader.fixed()?, reader.u32()?);
            let chain = Self {
                id: reader.fixed()?,
                signature_key: reader.fixed()?,
            };
            let signature: [u8; 64] = reader.fixed()?;
            reader.finish()?;
            Ok((versions, place, device, chain, signature))
        };
        let (versions, place, device, chain, signature) = read().map_err(|_| ProvesNothing)?;
        let fits = versions == VERSION_AND_SUITE
            && place == (*room, epoch)
            && device == (author.account, author.device);
        let signed = statement.split_last_chunk::<64>().map(|(signed, _)| signed);
        let signed = signed.filter(|_| fits).ok_or(ProvesNothing)?;
        verify(&author.signing, signed, &signature)?;
        Ok(chain)
    }
}

/// A room message as it lies on record.
struct Message<'a> {
    without_signature: &'a [u8],
    chain_id: [u8; 16],
    iteration: u32,
    random: &'a [u8; 16],
    sealed: &'a [u8],
    signature: &'a [u8; 64],
}

impl<'a> Message<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ProvesNothing> {
        let parse = || {
            let (without_signature, signature) = bytes.split_last_chunk()?;
            let (kind, rest) = without_signature.split_first()?;
            let (chain_id, mut rest) = rest.split_first_chunk()?;
            if *kind != TYPE_ROOM {
                return None;
            }
            let mut iteration = 0_u32;
            for shift in [0_u32, 7, 14, 21, 28] {
                let (byte, behind) = rest.split_first()?;
                rest = behind;
                let part = u32::from(byte & 0x7f);
                iteration |= part.checked_shl(shift)?;
                if byte & 0x80 == 0 {
                    let (random, sealed) = rest.split_first_chunk()?;
                    return Some(Self {
                        without_signature,
                        chain_id: *chain_id,
                        iteration,
                        random,
                        sealed,
                        signature,
                    });
                }
            }
            None
        };
        parse().ok_or(ProvesNothing)
    }
}

fn verify(key: &[u8; 32], signed: &[u8], signature: &[u8; 64]) -> Result<(), ProvesNothing> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| ProvesNothing)?;
    key.verify_strict(signed, &Signature::from_bytes(signature))
        .map_err(|_| ProvesNothing)
}
