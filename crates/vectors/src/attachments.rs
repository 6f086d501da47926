//! `attachments.json`: sealed files, large ones by their hash.

use conclave_crypto::attachments::{AttachmentReference, open_attachment, seal_attachment};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::file::{Counts, file, read};
use crate::hex::Alteration;
use crate::random::{Fixed, Script};
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "attachments.json";

const ABOUT: &[&str] = &[
    "Byte i of each file is i mod 251. Sealing draws the key and then the salt. Of the ciphertext stand here its length, \
     its SHA-256, its first 120 bytes and its last 60.",
    "A refusal offers the ciphertext of a file with one byte altered, or cut to a length, under the same reference.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachments {
    files: Vec<Attachment>,
    refused_files: Vec<Refused>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachment {
    length: usize,
    key: Hex,
    salt: Hex,
    reference: Hex,
    sealed_length: usize,
    sealed_sha256: Hex,
    sealed_first: Hex,
    sealed_last: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    file: usize,
    altered: Option<Alteration>,
    cut_to: Option<usize>,
    reason: String,
}

const LENGTHS: [usize; 8] = [0, 1, 4_096, 4_097, 16_383, 16_384, 16_385, 200_000];

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("attachments");
    let files = LENGTHS
        .iter()
        .map(|&length| {
            let (key, salt) = (rng.array::<32>().into(), rng.array::<24>().into());
            Ok(seal(length, key, salt)?.0)
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let mut refused_files = Vec::new();
    for (index, vector) in files.iter().enumerate() {
        let (length, sealed) = (vector.sealed_length, reseal(vector)?);
        let places = [0, 23, 24, 55, 56, 57, length / 2, length - 17, length - 1];
        let altered = places.map(|position| (Some(Alteration { position, xor: 0x10 }), None));
        let cuts = [0, 55, 56, length - 16, length - 1].map(|cut| (None, Some(cut)));
        for (altered, cut_to) in altered.into_iter().chain(cuts) {
            let mut refusal = Refused {
                file: index,
                altered,
                cut_to,
                reason: String::new(),
            };
            refusal.reason = open(vector, &sealed, &refusal)?.expect_err("an altered file is refused");
            refused_files.push(refusal);
        }
    }
    Ok(file(NAME, ABOUT, Attachments { files, refused_files }))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Attachments = read(NAME, json)?;
    let mut counts = Counts::default();
    let mut sealed = Vec::new();
    for vector in &vectors.files {
        sealed.push(verify(vector).context(format!("a file of {} bytes", vector.length))?);
        counts.add("attachment", 1);
    }
    for refusal in &vectors.refused_files {
        let file = vectors.files.get(refusal.file).zip(sealed.get(refusal.file));
        let (vector, sealed) = file.ok_or_else(|| Refusal::new("a refusal names no file"))?;
        refused(open(vector, sealed, refusal)?, &refusal.reason).context("an altered file")?;
        counts.add("attachment, altered refused", 1);
    }
    Ok(counts)
}

fn content(length: usize) -> Vec<u8> {
    (0..251).cycle().take(length).collect()
}

fn seal(length: usize, key: Hex, salt: Hex) -> Result<(Attachment, Vec<u8>), Refusal> {
    let (reference, sealed) =
        Script::play([&key, &salt], |rng| seal_attachment(&content(length), rng))?.context("sealing")?;
    let last = sealed.len().saturating_sub(60);
    let vector = Attachment {
        length,
        key,
        salt,
        reference: reference.to_bytes().as_slice().into(),
        sealed_length: sealed.len(),
        sealed_sha256: Sha256::digest(&sealed).into(),
        sealed_first: sealed[..120].into(),
        sealed_last: sealed[last..].into(),
    };
    Ok((vector, sealed))
}

fn reseal(vector: &Attachment) -> Result<Vec<u8>, Refusal> {
    Ok(seal(vector.length, vector.key.clone(), vector.salt.clone())?.1)
}

/// Seals anew, compares, opens; gives what was sealed.
fn verify(vector: &Attachment) -> Result<Vec<u8>, Refusal> {
    let (again, sealed) = seal(vector.length, vector.key.clone(), vector.salt.clone())?;
    same("the reference", again.reference, vector.reference.clone())?;
    same("the sealed length", again.sealed_length, vector.sealed_length)?;
    same("the hash", again.sealed_sha256, vector.sealed_sha256.clone())?;
    same("the first bytes", again.sealed_first, vector.sealed_first.clone())?;
    same("the last bytes", again.sealed_last, vector.sealed_last.clone())?;
    let reference = AttachmentReference::from_bytes(&vector.reference.array()?).context("the reference")?;
    let opened = open_attachment(&reference, &sealed).context("opening")?;
    same("the file", Hex(opened.to_vec()), Hex(content(vector.length)))?;
    Ok(sealed)
}

fn open(vector: &Attachment, sealed: &[u8], refusal: &Refused) -> Result<Result<(), String>, Refusal> {
    let mut sealed = match refusal.altered {
        Some(altered) => Hex::from(sealed).altered(altered)?,
        None => sealed.to_vec(),
    };
    if let Some(length) = refusal.cut_to {
        sealed.truncate(length);
    }
    let reference = AttachmentReference::from_bytes(&vector.reference.array()?).context("the reference")?;
    Ok(open_attachment(&reference, &sealed)
        .map(|_| ())
        .map_err(|error| error.to_string()))
}
