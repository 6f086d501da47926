//! A vault with three ways in, and a server that tries everything with its records.

use ::x_wing::{Decapsulate, KeyExport, TryKeyInit};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use sha2::{Digest, Sha256};

use super::x_wing::{CIPHERTEXT_LENGTH, XWingPublic};
use super::*;
use crate::limits::{MAX_PINNED_HEADS, MAX_VAULT_NAMES, MAX_VAULT_RECORD};
use crate::tests::{Device, NOW, bytes, rng, unhex};
use crate::{KeyError, RecoveryKey, VaultError};

/// Three seeds and what the draft says comes of them: the encapsulator's random bytes, the shared secret, and SHA-256
/// of public key and ciphertext.
const DRAFT: [[&str; 5]; 3] = [
    [
        "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
        "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2 \
         35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
        "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384",
        "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb",
        "17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33",
    ],
    [
        "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
        "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdef \
         aee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
        "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150",
        "c42ba5f8430d7d2c83739338203819f090e8303ce9c8b02107c272bfa5376916",
        "1661ea86d608a1924ba30840cb0a65f13ae051e3aec9cf0f064efc0bc92f2154",
    ],
    [
        "ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
        "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619 \
         f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
        "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f",
        "6b080d6b84f095342092fa7a22423e58bd681397ad0ef00eac92bd254db4fa95",
        "d3ca5578500344b5896cffc4fd740c9311946b82951df155e6fd86a7966b43c6",
    ],
];

#[test]
fn x_wing_gives_what_its_draft_publishes() {
    for [seed, randomness, secret, public_hash, ciphertext_hash] in DRAFT {
        let pair = XWingSecret::expand(&bytes(seed));
        let public = pair.public();
        assert_eq!(Sha256::digest(*public.to_bytes())[..], unhex(public_hash)[..]);
        let (ciphertext, shared) = public.encapsulate_with(&bytes(randomness)).unwrap();
        assert_eq!(Sha256::digest(*ciphertext)[..], unhex(ciphertext_hash)[..]);
        assert_eq!(shared[..], unhex(secret)[..]);
        assert_eq!(*pair.decapsulate(&ciphertext).unwrap(), *shared);
    }
}

#[test]
fn x_wing_agrees_with_another_implementation_both_ways() {
    let mut rng = rng(1);
    for _ in 0..20 {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let ours = XWingSecret::expand(&seed);
        let theirs = ::x_wing::DecapsulationKey::from(seed);
        let public = ours.public();
        let their_public = ::x_wing::EncapsulationKey::new_from_slice(public.to_bytes().as_slice()).unwrap();
        assert_eq!(::x_wing::Decapsulator::encapsulation_key(&theirs), &their_public);
        assert!(XWingPublic::from_bytes(&their_public.to_bytes().0).unwrap() == public);

        let (ciphertext, secret) = public.encapsulate(&mut rng).unwrap();
        assert_eq!(theirs.decapsulate(&(*ciphertext).into())[..], secret[..]);
        let (ciphertext, secret) = ::x_wing::Encapsulate::encapsulate_with_rng(&their_public, &mut rng);
        assert_eq!(ours.decapsulate(&ciphertext.0).unwrap()[..], secret[..]);

        // Also where the ML-KEM half is wrong, and rejected silently.
        let mut altered = ciphertext.0;
        altered[7] ^= 1;
        assert_eq!(
            ours.decapsulate(&altered).unwrap()[..],
            theirs.decapsulate(&altered.into())[..]
        );
    }
}

#[test]
fn x_wing_refuses_points_that_fix_the_secret() {
    let pair = XWingSecret::expand(&[1; 32]);
    let mut ciphertext = [0; CIPHERTEXT_LENGTH];
    assert_eq!(pair.decapsulate(&ciphertext).err(), Some(KeyError::SmallOrder));
    ciphertext[CIPHERTEXT_LENGTH - 32..].fill(0xff);
    assert_eq!(pair.decapsulate(&ciphertext).err(), Some(KeyError::NonCanonical));
    let mut public = *pair.public().to_bytes();
    public[1184..].fill(0);
    assert_eq!(XWingPublic::from_bytes(&public).err(), Some(KeyError::SmallOrder));
    public[..1184].fill(0xff);
    assert_eq!(
        XWingPublic::from_bytes(&public).err(),
        Some(KeyError::InvalidKemKey)
    );
}

fn secrets() -> [SlotSecret; 3] {
    [
        SlotSecret::from_recovery_key(&RecoveryKey::from_bytes(&[5; 32])),
        SlotSecret::from_export_key(&[5; 64]),
        SlotSecret::from_prf_output(&[5; 32]),
    ]
}

fn slot(device: &Device, secret: &SlotSecret) -> VerifiedSlot {
    let slot = VaultSlot::sign(device.remote().address(), &device.signing, secret, NOW);
    VaultSlot::from_bytes(&slot.to_bytes())
        .unwrap()
        .verify(&device.remote())
        .unwrap()
}

fn wrap(key: &VaultKey, slot: &VerifiedSlot, device: &Device, rng: &mut ChaCha20Rng) -> WrappedVaultKey {
    WrappedVaultKey::wrap(key, slot, device.remote().address(), &device.signing, rng).unwrap()
}

#[test]
fn every_kind_of_slot_opens_what_any_device_wrapped_to_it() {
    let mut rng = rng(2);
    let laptop = Device::new(1, &mut rng);
    let mut phone = Device::new(1, &mut rng);
    phone.number = 2;
    let first = VaultKey::generate(&mut rng);
    let second = first.next(&mut rng).unwrap();
    for (secret, kind) in secrets().iter().zip(SlotKind::ALL) {
        assert_eq!(secret.kind(), kind);
        let slot = slot(&laptop, secret);
        assert_eq!(
            (slot.kind(), slot.created(), *slot.account()),
            (kind, NOW, [1; 32])
        );
        for key in [&first, &second] {
            let wrapped = wrap(key, &slot, &phone, &mut rng).to_bytes();
            let wrapped = WrappedVaultKey::from_bytes(&wrapped).unwrap();
            assert_eq!(wrapped.maker(), phone.remote().address());
            let opened = wrapped
                .verify(&phone.remote())
                .unwrap()
                .open(&slot, secret)
                .unwrap();
            assert_eq!(opened.as_bytes(), key.as_bytes());
            assert_eq!(opened.generation(), key.generation());
        }
    }
}

#[test]
fn the_same_bytes_open_no_slot_of_another_kind() {
    let mut rng = rng(3);
    let device = Device::new(1, &mut rng);
    let key = VaultKey::generate(&mut rng);
    let secrets = secrets();
    for (index, secret) in secrets.iter().enumerate() {
        let slot = slot(&device, secret);
        let wrapped = wrap(&key, &slot, &device, &mut rng)
            .verify(&device.remote())
            .unwrap();
        for (other_index, other) in secrets.iter().enumerate() {
            assert_eq!(wrapped.open(&slot, other).is_ok(), index == other_index);
        }
    }
}

#[test]
fn a_slot_by_the_recovery_key_is_believed_of_that_key_and_account_alone() {
    let mut rng = rng(4);
    let device = Device::new(1, &mut rng);
    let account = device.remote().account;
    let [key, other] = [1, 2].map(|byte| RecoveryKey::from_bytes(&[byte; 32]));
    let secret = SlotSecret::from_recovery_key(&key);
    let slot = VaultSlot::sign_by_recovery(account, &key, &secret, NOW);
    let slot = VaultSlot::from_bytes(&slot.to_bytes()).unwrap();
    let public = key.signing_key().public();
    assert!(slot.verify_by_recovery(account, &public).is_ok());
    assert_eq!(
        slot.verify_by_recovery([9; 32], &public).err(),
        Some(VaultError::OtherDevice)
    );
    let refused = slot.verify_by_recovery(account, &other.signing_key().public());
    assert_eq!(refused.err(), Some(VaultError::Signature));
    assert_eq!(slot.verify(&device.remote()).err(), Some(VaultError::OtherDevice));
    // What a device signed is none of the recovery key's, whatever it says of itself.
    let planted = VaultSlot::sign(device.remote().address(), &device.signing, &secret, NOW);
    assert_eq!(
        planted.verify_by_recovery(account, &public).err(),
        Some(VaultError::OtherDevice)
    );
    let mut claims = device.remote().address();
    claims.device = VaultSlot::BY_RECOVERY;
    let claims = VaultSlot::sign(claims, &device.signing, &secret, NOW);
    assert_eq!(
        claims.verify_by_recovery(account, &public).err(),
        Some(VaultError::Signature)
    );
}

#[test]
fn a_slot_is_believed_only_of_its_device_and_unaltered() {
    let mut rng = rng(4);
    let device = Device::new(1, &mut rng);
    let mut other = Device::new(1, &mut rng);
    let stranger = Device::new(9, &mut rng);
    let bytes = VaultSlot::sign(device.remote().address(), &device.signing, &secrets()[0], NOW).to_bytes();
    let parsed = VaultSlot::from_bytes(&bytes).unwrap();
    assert_eq!(parsed.verify(&other.remote()).err(), Some(VaultError::Signature));
    other.number = 2;
    assert_eq!(
        parsed.verify(&other.remote()).err(),
        Some(VaultError::OtherDevice)
    );
    assert_eq!(
        parsed.verify(&stranger.remote()).err(),
        Some(VaultError::OtherDevice)
    );
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        let judged = VaultSlot::from_bytes(&altered).and_then(|slot| slot.verify(&device.remote()));
        assert!(judged.is_err(), "byte {position}");
        assert!(VaultSlot::from_bytes(&bytes[..position]).is_err());
    }
    assert!(VaultSlot::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn nobody_else_plants_a_vault_key_and_no_byte_of_one_is_altered() {
    let mut rng = rng(5);
    let device = Device::new(1, &mut rng);
    let thief = Device::new(1, &mut rng);
    let secret = &secrets()[0];
    let slot = slot(&device, secret);
    let planted = wrap(&VaultKey::generate(&mut rng), &slot, &thief, &mut rng);
    assert_eq!(
        planted.verify(&device.remote()).err(),
        Some(VaultError::Signature)
    );

    let bytes = wrap(&VaultKey::generate(&mut rng), &slot, &device, &mut rng).to_bytes();
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 0x80;
        let judged =
            WrappedVaultKey::from_bytes(&altered).and_then(|wrapped| wrapped.verify(&device.remote()));
        assert!(judged.is_err(), "byte {position}");
        assert!(WrappedVaultKey::from_bytes(&bytes[..position]).is_err());
    }
}

#[test]
fn a_wrapped_key_opens_with_the_slot_that_it_names_only() {
    let mut rng = rng(6);
    let device = Device::new(1, &mut rng);
    let key = VaultKey::generate(&mut rng);
    let secret = &secrets()[0];
    let slot_of = |created| {
        VaultSlot::sign(device.remote().address(), &device.signing, secret, created)
            .verify(&device.remote())
            .unwrap()
    };
    let (one, other) = (slot_of(NOW), slot_of(NOW + 1));
    let wrapped = wrap(&key, &one, &device, &mut rng)
        .verify(&device.remote())
        .unwrap();
    assert_eq!(wrapped.slot(), one.hash());
    assert!(wrapped.open(&one, secret).is_ok());
    // The same key pair, announced anew: another slot.
    assert_eq!(wrapped.open(&other, secret).err(), Some(VaultError::OtherSlot));

    let stranger = Device::new(9, &mut rng);
    let foreign = slot(&stranger, secret);
    assert_eq!(
        wrapped.open(&foreign, secret).err(),
        Some(VaultError::OtherAccount)
    );
    assert_eq!(
        WrappedVaultKey::wrap(
            &key,
            &foreign,
            device.remote().address(),
            &device.signing,
            &mut rng
        )
        .err(),
        Some(VaultError::OtherAccount)
    );
}

#[test]
fn names_are_keyed_by_the_first_generation_only() {
    let mut rng = rng(7);
    let key = VaultKey::generate(&mut rng);
    let other = VaultKey::generate(&mut rng);
    assert_eq!(key.record_name(b"settings"), key.record_name(b"settings"));
    assert_ne!(key.record_name(b"settings"), key.record_name(b"drafts"));
    assert_ne!(key.record_name(b"settings"), other.record_name(b"settings"));
    let next = key.next(&mut rng).unwrap();
    assert_eq!(next.generation(), 1);
    assert_eq!(next.record_name(b"settings"), Err(VaultError::OtherGeneration));
    assert_eq!(
        VaultKey::from_parts(u32::MAX, &[0; 32]).next(&mut rng).err(),
        Some(VaultError::Exhausted)
    );
}

const ACCOUNT: [u8; 32] = [1; 32];

/// Records of three names over two generations, the keys, and the log behind them.
fn vault(count: u64, rng: &mut ChaCha20Rng) -> (Vec<VaultRecord>, [VaultKey; 2], VaultLog) {
    let first = VaultKey::generate(rng);
    let second = first.next(rng).unwrap();
    let mut log = VaultLog::new(ACCOUNT);
    let mut records = Vec::new();
    for number in 0..count {
        let key = if number < count / 2 { &first } else { &second };
        let name = first.record_name(&[u8::try_from(number % 3).unwrap()]).unwrap();
        let record = key
            .seal_record(&log, &name, format!("record {number}").as_bytes(), rng)
            .unwrap();
        let record = VaultRecord::from_bytes(&record.to_bytes()).unwrap();
        log.append(&record).unwrap();
        records.push(record);
    }
    (records, [first, second], log)
}

#[test]
fn records_come_back_in_order_and_open_under_their_key_and_name_only() {
    let mut rng = rng(8);
    let (records, keys, log) = vault(8, &mut rng);
    let mut reading = VaultLog::new(ACCOUNT);
    reading.pin(log.head(), 0).unwrap();
    assert_eq!(reading.complete(), Err(VaultError::RolledBack));
    for (number, record) in records.iter().enumerate() {
        reading.append(record).unwrap();
        let [right, wrong] = if number < 4 {
            [&keys[0], &keys[1]]
        } else {
            [&keys[1], &keys[0]]
        };
        let open = |key: &VaultKey, account, name: &[u8; 32]| key.open_record(account, name, record);
        assert_eq!(
            *open(right, &ACCOUNT, record.name()).unwrap(),
            format!("record {number}").as_bytes()
        );
        assert_eq!(
            open(wrong, &ACCOUNT, record.name()).err(),
            Some(VaultError::OtherGeneration)
        );
        assert_eq!(
            open(right, &[2; 32], record.name()).err(),
            Some(VaultError::OtherAccount)
        );
        assert_eq!(open(right, &ACCOUNT, &[0; 32]).err(), Some(VaultError::OtherName));
        let forged = VaultKey::from_parts(right.generation(), &[7; 32]);
        assert_eq!(
            open(&forged, &ACCOUNT, record.name()).err(),
            Some(VaultError::NotAuthentic)
        );
    }
    assert_eq!(reading.complete(), Ok(log.head()));
    assert_eq!(reading, log);
}

#[test]
fn every_byte_of_a_record_is_bound() {
    let mut rng = rng(9);
    let (records, keys, _) = vault(1, &mut rng);
    let bytes = records[0].to_bytes();
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 0x10;
        // Opened by whoever believes what the record says of itself.
        let opened = VaultRecord::from_bytes(&altered).and_then(|record| {
            assert_eq!(record.to_bytes(), altered);
            let key = VaultKey::from_parts(record.generation(), keys[1].as_bytes());
            key.open_record(&record.account, record.name(), &record)
        });
        assert!(opened.is_err(), "byte {position}");
        assert!(VaultRecord::from_bytes(&bytes[..position]).is_err());
    }
}

#[test]
fn records_are_padded_and_bounded() {
    let mut rng = rng(10);
    let key = VaultKey::generate(&mut rng);
    let log = VaultLog::new(ACCOUNT);
    let mut seal = |content: &[u8]| key.seal_record(&log, &[1; 32], content, &mut rng);
    assert_eq!(
        seal(b"").unwrap().to_bytes().len(),
        seal(&[1; 63]).unwrap().to_bytes().len()
    );
    let longest = seal(&vec![7; MAX_VAULT_RECORD]).unwrap();
    let longest = VaultRecord::from_bytes(&longest.to_bytes()).unwrap();
    assert_eq!(
        *key.open_record(&ACCOUNT, &[1; 32], &longest).unwrap(),
        vec![7; MAX_VAULT_RECORD]
    );
    assert_eq!(
        seal(&vec![7; MAX_VAULT_RECORD + 1]).err(),
        Some(VaultError::TooLong)
    );
    let mut longer = longest;
    longer.sealed.push(0);
    assert_eq!(
        VaultRecord::from_bytes(&longer.to_bytes()).err(),
        Some(VaultError::Encoding(conclave_encoding::DecodeError::TooLong))
    );
}

#[test]
fn a_rollback_a_cut_a_swap_and_foreign_records_each_have_their_error() {
    let mut rng = rng(11);
    let (records, keys, log) = vault(6, &mut rng);
    let replay = |head: VaultHead, records: &[VaultRecord]| -> Result<VaultHead, VaultError> {
        let mut log = VaultLog::new(ACCOUNT);
        log.pin(head, 0)?;
        records.iter().try_for_each(|record| log.append(record))?;
        log.complete()
    };
    assert_eq!(replay(log.head(), &records), Ok(log.head()));
    assert_eq!(replay(log.head(), &records[..5]), Err(VaultError::RolledBack));
    assert_eq!(replay(log.head(), &[]), Err(VaultError::RolledBack));
    assert_eq!(replay(log.head(), &records[1..]), Err(VaultError::Gap));
    let mut swapped = records.clone();
    swapped.swap(2, 3);
    assert_eq!(replay(log.head(), &swapped), Err(VaultError::Gap));
    // As many records of the account itself, but others: sealed anew behind the third.
    let mut other = VaultLog::new(ACCOUNT);
    for record in &records[..3] {
        other.append(record).unwrap();
    }
    let mut forked = records[..3].to_vec();
    for _ in 3..6 {
        let record = keys[1].seal_record(&other, &[3; 32], b"other", &mut rng).unwrap();
        other.append(&record).unwrap();
        forked.push(record);
    }
    assert_eq!(replay(log.head(), &forked), Err(VaultError::Forked));
    assert_eq!(
        replay(log.head(), &[&forked[..5], &records[5..]].concat()),
        Err(VaultError::Forked)
    );
    let (foreign, ..) = {
        let mut log = VaultLog::new([2; 32]);
        let record = keys[0].seal_record(&log, &[3; 32], b"", &mut rng).unwrap();
        log.append(&record).unwrap();
        (record, log)
    };
    assert_eq!(
        replay(VaultHead::EMPTY, &[foreign]),
        Err(VaultError::OtherAccount)
    );

    // A head that was met, one of the same count that was not, one that was passed, and two ahead that contradict.
    let mut log = log;
    assert_eq!(
        log.pin(
            VaultHead {
                count: 5,
                hash: records[4].hash()
            },
            0
        ),
        Err(VaultError::PassedHead)
    );
    let head = log.head();
    log.pin(head, 0).unwrap();
    assert_eq!(
        log.pin(
            VaultHead {
                hash: [0; 32],
                ..head
            },
            0
        ),
        Err(VaultError::Forked)
    );
    let ahead = VaultHead {
        count: 9,
        hash: [1; 32],
    };
    log.pin(ahead, 0).unwrap();
    log.pin(ahead, 0).unwrap();
    assert_eq!(
        log.pin(
            VaultHead {
                hash: [2; 32],
                ..ahead
            },
            0
        ),
        Err(VaultError::Forked)
    );
}

#[test]
fn a_head_pinned_again_with_a_later_generation_demands_the_later_one() {
    let mut rng = rng(31);
    let (records, ..) = vault(2, &mut rng);
    let mut log = VaultLog::new(ACCOUNT);
    log.append(&records[0]).unwrap();
    let head = VaultHead {
        count: 2,
        hash: records[1].hash(),
    };
    for generation in [0, records[1].generation() + 1] {
        log.pin(head, generation).unwrap();
    }
    log.append(&records[1]).unwrap();
    assert_eq!(log.generation(), records[1].generation() + 1);
}

#[test]
fn a_replaced_generation_and_an_older_version_are_not_taken_back() {
    let mut rng = rng(12);
    let (_, [old, new], mut log) = vault(6, &mut rng);
    let name = old.record_name(&[0]).unwrap();
    assert_eq!(
        old.seal_record(&log, &name, b"", &mut rng).err(),
        Some(VaultError::OlderGeneration)
    );
    let next = new.seal_record(&log, &name, b"", &mut rng).unwrap();
    let mut older = next.clone();
    older.generation = 0;
    assert_eq!(log.append(&older), Err(VaultError::OlderGeneration));
    let mut same = next.clone();
    same.version -= 1;
    assert_eq!(log.append(&same), Err(VaultError::OlderVersion));
    let before = log.clone();
    let mut skipping = next;
    skipping.version = u64::MAX;
    log.append(&skipping).unwrap();
    assert_eq!(log.next_version(&name), Err(VaultError::Exhausted));
    assert_eq!(
        new.seal_record(&log, &name, b"", &mut rng).err(),
        Some(VaultError::Exhausted)
    );
    assert_eq!(before.next_version(&[9; 32]), Ok(0));
}

#[test]
fn a_record_that_does_not_open_is_not_taken() {
    let mut rng = rng(15);
    let (records, [key, _], _) = vault(2, &mut rng);
    let mut log = VaultLog::new(ACCOUNT);
    // What a server makes that knows all but the key.
    let forged = VaultKey::generate(&mut rng)
        .seal_record(&log, records[0].name(), b"forged", &mut rng)
        .unwrap();
    assert_eq!(log.open_next(&key, &forged).err(), Some(VaultError::NotAuthentic));
    assert_eq!(log, VaultLog::new(ACCOUNT));
    assert_eq!(*log.open_next(&key, &records[0]).unwrap(), b"record 0");
    assert_eq!(log.head().count, 1);
    assert_eq!(log.open_next(&key, &records[0]).err(), Some(VaultError::Gap));
}

#[test]
fn a_log_goes_on_from_where_it_was_kept() {
    let mut rng = rng(13);
    let (records, _, whole) = vault(6, &mut rng);
    let mut kept = VaultLog::new(ACCOUNT);
    for record in &records[..4] {
        kept.append(record).unwrap();
    }
    let mut resumed = VaultLog::resume(ACCOUNT, kept.head(), kept.generation(), kept.versions()).unwrap();
    assert_eq!(resumed, kept);
    for record in &records[4..] {
        resumed.append(record).unwrap();
    }
    assert_eq!(resumed, whole);
    for count in 7..7 + MAX_PINNED_HEADS as u64 {
        resumed.pin(VaultHead { count, hash: [0; 32] }, 0).unwrap();
    }
    assert_eq!(
        resumed.pin(
            VaultHead {
                count: 9_999,
                hash: [0; 32]
            },
            0
        ),
        Err(VaultError::TooMany)
    );
}

#[test]
fn heads_compare_as_newer_older_same_or_forked() {
    let head = |count, byte| VaultHead {
        count,
        hash: [byte; 32],
    };
    for (one, other, expected) in [
        (head(2, 1), head(2, 1), HeadComparison::Same),
        (head(2, 1), head(2, 2), HeadComparison::Forked),
        (head(3, 1), head(2, 1), HeadComparison::Newer),
        (head(1, 1), head(2, 1), HeadComparison::Older),
        (VaultHead::EMPTY, head(0, 0), HeadComparison::Same),
    ] {
        assert_eq!(one.compare(&other), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_log_with_one_alteration_is_refused(
        count in 1..12_u64,
        at: prop::sample::Index,
        other: prop::sample::Index,
        byte: prop::sample::Index,
        bits in 1..=u8::MAX,
        kind in 0..5_u8,
    ) {
        let (records, _, log) = vault(count, &mut rng(14));
        let (at, other) = (at.index(records.len()), other.index(records.len()));
        let mut stored: Vec<Vec<u8>> = records.iter().map(VaultRecord::to_bytes).collect();
        let original = stored.clone();
        match kind {
            0 => {
                let byte = byte.index(stored[at].len());
                stored[at][byte] ^= bits;
            }
            1 => {
                stored.remove(at);
            }
            2 => stored.swap(at, other),
            3 => stored[at] = original[other].clone(),
            _ => stored.insert(at, original[other].clone()),
        }
        prop_assume!(stored != original);
        let mut reading = VaultLog::new(ACCOUNT);
        reading.pin(log.head(), 0).unwrap();
        let judged = stored
            .iter()
            .try_for_each(|bytes| {
                let before = reading.clone();
                let result = VaultRecord::from_bytes(bytes).and_then(|record| reading.append(&record));
                assert!(result.is_ok() || before == reading, "a refused record changed the log");
                result
            })
            .and_then(|()| reading.complete());
        prop_assert!(judged.is_err());
    }
}

#[test]
fn a_key_that_was_replaced_seals_nothing_behind_the_head_of_its_revocation() {
    // The server hides the new key and every record under it. The account chain still says where it began.
    let mut rng = rng(71);
    let old = VaultKey::generate(&mut rng);
    let name = old.record_name(b"name").unwrap();
    let mut log = VaultLog::new(ACCOUNT);
    let first = old.seal_record(&log, &name, b"before", &mut rng).unwrap();
    log.append(&first).unwrap();
    let revoked_at = log.head();
    let forged = old
        .seal_record(&log, &name, b"by the revoked device", &mut rng)
        .unwrap();

    let mut reading = VaultLog::new(ACCOUNT);
    reading.pin(revoked_at, 1).unwrap();
    reading.append(&first).unwrap();
    assert_eq!(reading.generation(), 1);
    assert_eq!(
        reading.open_next(&old, &forged).err(),
        Some(VaultError::OlderGeneration)
    );
    let refused = old.seal_record(&reading, &name, b"after", &mut rng);
    assert_eq!(refused.err(), Some(VaultError::OlderGeneration));
    // Who stands at that head already learns it, too.
    log.pin(revoked_at, 1).unwrap();
    assert_eq!(log.append(&forged), Err(VaultError::OlderGeneration));
    let new = old.next(&mut rng).unwrap();
    let after = new.seal_record(&log, &name, b"after", &mut rng).unwrap();
    log.append(&after).unwrap();
}

/// Reads a vault from its end, a head pinned, and says how many records were taken.
fn read_backwards(
    count: u64,
    head: VaultHead,
    generation: u32,
    records: &[VaultRecord],
    keys: &[VaultKey; 2],
) -> Result<usize, VaultError> {
    let mut tail = VaultTail::new(ACCOUNT, count);
    tail.pin(head, generation)?;
    for record in records.iter().rev() {
        let key = keys.iter().find(|key| key.generation() == record.generation());
        tail.open_previous(key.unwrap(), record)?;
        // Kept and taken up again after each record.
        let versions: Vec<_> = tail.versions().collect();
        tail = VaultTail::resume(ACCOUNT, tail.place(), versions);
        if head.count <= tail.place().below {
            tail.pin(head, generation)?;
        }
    }
    Ok(records.len() - usize::try_from(tail.place().below).unwrap())
}

#[test]
fn a_vault_is_read_from_its_end_with_the_checks_of_reading_it_from_its_beginning() {
    let mut rng = rng(31);
    let (records, keys, log) = vault(8, &mut rng);
    let read = |head, records: &[VaultRecord]| read_backwards(8, head, 1, records, &keys);
    assert_eq!(read(log.head(), &records), Ok(8));
    let middle = VaultHead {
        count: 4,
        hash: records[3].hash(),
    };
    assert_eq!(read(middle, &records), Ok(8));
    assert_eq!(
        read_backwards(7, log.head(), 1, &records[..7], &keys),
        Err(VaultError::RolledBack),
        "a tail that was cut"
    );
    let other = VaultHead {
        count: 4,
        hash: [9; 32],
    };
    assert_eq!(read(other, &records), Err(VaultError::Forked));
    for at in 0..7 {
        let mut swapped = records.clone();
        swapped.swap(at, at + 1);
        assert_eq!(read(middle, &swapped), Err(VaultError::Gap), "{at}");
        let mut missing = records.clone();
        missing.remove(at);
        // Without the first, the others are in order, and the tail says that one is below.
        assert_eq!(read(middle, &missing).ok(), (at == 0).then_some(6), "{at}");
    }
    let (foreign, _, _) = vault(8, &mut rng);
    for at in 0..7 {
        let mut mixed = records.clone();
        mixed[at] = foreign[at].clone();
        assert_eq!(read(middle, &mixed), Err(VaultError::Forked), "{at}");
    }
    // The newest has nothing above it: it counts by its opening.
    let mut mixed = records.clone();
    mixed[7] = foreign[7].clone();
    assert_eq!(read(middle, &mixed), Err(VaultError::NotAuthentic));
}

#[test]
fn behind_the_head_of_a_revocation_a_tail_takes_no_record_of_the_replaced_key() {
    let mut rng = rng(32);
    let (mut records, keys, mut log) = vault(4, &mut rng);
    let head = log.head();
    // Written with the key that was replaced: the log itself was made to believe that it may be.
    log = VaultLog::resume(ACCOUNT, head, 0, log.versions().collect::<Vec<_>>()).unwrap();
    let name = keys[0].record_name(b"more").unwrap();
    records.push(keys[0].seal_record(&log, &name, b"forged", &mut rng).unwrap());
    assert_eq!(
        read_backwards(5, head, 1, &records, &keys),
        Err(VaultError::OlderGeneration)
    );
}

#[test]
fn a_record_is_passed_unopened_only_where_a_newer_one_vouches_for_it() {
    let mut rng = rng(33);
    let (records, keys, _) = vault(2, &mut rng);
    let mut tail = VaultTail::new(ACCOUNT, 2);
    assert_eq!(tail.pass_previous(&records[1]), Err(VaultError::NotAuthentic));
    tail.open_previous(&keys[1], &records[1]).unwrap();
    let before = tail.clone();
    let mut altered = records[0].clone();
    altered.sealed[3] ^= 1;
    assert_eq!(tail.pass_previous(&altered), Err(VaultError::Forked));
    assert_eq!(tail, before);
    tail.pass_previous(&records[0]).unwrap();
    assert_eq!(tail.place().below, 0);
}

#[test]
fn a_tail_takes_no_version_of_a_name_that_is_as_new_as_one_above_it() {
    let mut rng = rng(34);
    let key = VaultKey::generate(&mut rng);
    let name = key.record_name(b"draft").unwrap();
    // The server lets a device believe that it wrote less of the name than it did.
    let version_above = |log: &VaultLog, last: u64, rng: &mut ChaCha20Rng| {
        let mut log = VaultLog::resume(ACCOUNT, log.head(), 0, [(name, last)]).unwrap();
        let record = key.seal_record(&log, &name, b"", rng).unwrap();
        log.append(&record).unwrap();
        (record, log)
    };
    for (newest, refusal) in [
        (3, Some(VaultError::OlderVersion)),
        (4, Some(VaultError::OlderVersion)),
        (5, None),
    ] {
        let (below, log) = version_above(&VaultLog::new(ACCOUNT), 3, &mut rng);
        let (above, _) = version_above(&log, newest - 1, &mut rng);
        assert_eq!((below.version(), above.version()), (4, newest));
        let mut tail = VaultTail::new(ACCOUNT, 2);
        tail.open_previous(&key, &above).unwrap();
        assert_eq!(tail.open_previous(&key, &below).err(), refusal, "{newest}");
    }
}

#[test]
fn a_vault_has_names_up_to_its_limit_and_no_more() {
    let mut rng = rng(35);
    let key = VaultKey::generate(&mut rng);
    let name = |number: usize| {
        let mut name = [0x5a; 32];
        name[..8].copy_from_slice(&number.to_be_bytes());
        name
    };
    let names = |count: usize| (0..count).map(move |number| (name(number), 7));
    let resume = |count| VaultLog::resume(ACCOUNT, VaultHead::EMPTY, 0, names(count));
    assert_eq!(resume(MAX_VAULT_NAMES + 1).err(), Some(VaultError::TooMany));
    let mut log = resume(MAX_VAULT_NAMES - 1).unwrap();
    let last = key
        .seal_record(&log, &name(MAX_VAULT_NAMES), b"", &mut rng)
        .unwrap();
    let mut tail = VaultTail::resume(
        ACCOUNT,
        VaultTail::new(ACCOUNT, 1).place(),
        names(MAX_VAULT_NAMES - 1),
    );
    log.append(&last).unwrap();
    tail.open_previous(&key, &last).unwrap();
    assert_eq!(log.next_version(&name(0)), Ok(8));
    assert_eq!(log.next_version(&[1; 32]), Err(VaultError::TooMany));
    let full = VaultTail::resume(
        ACCOUNT,
        VaultTail::new(ACCOUNT, 1).place(),
        names(MAX_VAULT_NAMES),
    );
    assert_eq!(full.check_previous(&last), Err(VaultError::TooMany));
}
