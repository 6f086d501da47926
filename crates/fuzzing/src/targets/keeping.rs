//! `conclave-crypto`: files, the vault, safety numbers.

use std::sync::LazyLock;

use conclave_crypto::attachments::{AttachmentReference, REFERENCE_LENGTH, open_attachment, seal_attachment};
use conclave_crypto::safety_numbers::SafetyNumber;
use conclave_crypto::vault::{SlotSecret, VaultKey, VaultLog, VaultRecord, VaultSlot, WrappedVaultKey};

use crate::people::{NOW, Person, rng};
use crate::script::Script;

/// The first byte chooses what is altered: the ciphertext of a short or a longer file, or its reference.
///
/// Laws: only the very file opens, or what a longer length makes of it; a reference has one form.
pub(crate) fn attachments(input: &[u8]) {
    let mut script = Script::new(input);
    let choice = script.byte();
    let file = vec![0x5a; [0, 1, 100, 16_384][usize::from(choice % 4)]];
    let (reference, ciphertext) = seal_attachment(&file, &mut rng(60)).expect("a short file is sealed");
    if choice & 0x80 == 0 {
        let altered = script.alter(&ciphertext, &[0; 200]);
        match open_attachment(&reference, &altered) {
            Ok(opened) => {
                assert!(altered == ciphertext, "something opened that nobody sealed");
                assert!(*opened == file);
            }
            Err(_) => assert!(altered != ciphertext, "what was sealed does not open"),
        }
        return;
    }
    let altered = script.alter(&*reference.to_bytes(), &[0xff; 80]);
    let Ok(bytes) = <[u8; REFERENCE_LENGTH]>::try_from(altered) else {
        return;
    };
    if let Ok(parsed) = AttachmentReference::from_bytes(&bytes) {
        assert_eq!(*parsed.to_bytes(), bytes);
        match open_attachment(&parsed, &ciphertext) {
            // The reference is believed: a length may say that some of the filling belongs to the file.
            Ok(opened) => {
                let filling = opened.strip_prefix(file.as_slice());
                assert!(filling.is_some_and(|filling| filling.iter().all(|byte| *byte == 0)));
            }
            Err(_) => assert!(bytes != *reference.to_bytes(), "what was sealed does not open"),
        }
    }
}

pub(crate) struct Vault {
    owner: Person,
    pub(crate) slot: Vec<u8>,
    pub(crate) wrapped: Vec<u8>,
    /// The first record of the log.
    pub(crate) record: Vec<u8>,
}

pub(crate) static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let owner = Person::new(1);
    let address = owner.remote().address();
    let slot = VaultSlot::sign(address, &owner.signing, &secret(), NOW);
    let verified = slot
        .verify(&owner.remote())
        .expect("a device's own slot verifies");
    let key = VaultKey::generate(&mut rng(61));
    let wrapped = WrappedVaultKey::wrap(&key, &verified, address, &owner.signing, &mut rng(62))
        .expect("a key is wrapped to a slot of its account");
    let record = key
        .seal_record(&VaultLog::new(owner.account), &NAME, b"content", &mut rng(63))
        .expect("a short record is sealed");
    Vault {
        slot: slot.to_bytes(),
        wrapped: wrapped.to_bytes(),
        record: record.to_bytes(),
        owner,
    }
});

const NAME: [u8; 32] = [0x6e; 32];

fn secret() -> SlotSecret {
    SlotSecret::from_prf_output(&[9; 32])
}

/// The first byte chooses a form and whether a real one is altered.
///
/// Laws: each form has one encoding; slots, wrapped keys and records are believed unaltered only, and a refused
/// record leaves the log as it was.
pub(crate) fn vault(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*VAULT;
    let bytes = match script.byte() % 4 {
        0 => script.rest().to_vec(),
        1 => script.alter(&real.slot, &real.wrapped),
        3 => script.alter(&real.record, &real.slot),
        _ => script.alter(&real.wrapped, &real.slot),
    };
    let device = real.owner.remote();
    if let Ok(slot) = VaultSlot::from_bytes(&bytes) {
        assert_eq!(slot.to_bytes(), bytes, "a slot has two forms");
        assert_eq!(slot.verify(&device).is_ok(), bytes == real.slot);
    }
    if let Ok(wrapped) = WrappedVaultKey::from_bytes(&bytes) {
        assert_eq!(wrapped.to_bytes(), bytes, "a wrapped key has two forms");
        let verified = wrapped.verify(&device);
        assert_eq!(verified.is_ok(), bytes == real.wrapped);
        if let Ok(verified) = verified {
            let slot = VaultSlot::from_bytes(&real.slot).expect("a real slot parses");
            let slot = slot.verify(&device).expect("a real slot verifies");
            assert!(verified.open(&slot, &secret()).is_ok());
        }
    }
    if let Ok(record) = VaultRecord::from_bytes(&bytes) {
        assert_eq!(record.to_bytes(), bytes, "a record has two forms");
        let key = VaultKey::generate(&mut rng(61));
        let is_real = bytes == real.record;
        let opened = key.open_record(&real.owner.account, &NAME, &record);
        assert_eq!(opened.is_ok(), is_real);
        let mut log = VaultLog::new(real.owner.account);
        let before = log.clone();
        if log.open_next(&key, &record).is_err() {
            assert_eq!(log, before, "a refused record changed the log");
            assert!(!is_real);
        } else {
            assert!(is_real);
        }
    }
}

static NUMBERS: LazyLock<[SafetyNumber; 2]> = LazyLock::new(|| {
    [
        SafetyNumber::new(&[1; 32], &[2; 32]),
        SafetyNumber::new(&[2; 32], &[1; 32]),
    ]
});

/// A scanned code: altered by the script.
///
/// Law: only the very code of the other side is theirs.
pub(crate) fn safety_numbers(input: &[u8]) {
    let mut script = Script::new(input);
    let [ours, theirs] = &*NUMBERS;
    let code = theirs.code();
    let scanned = if script.byte().is_multiple_of(4) {
        script.rest().to_vec()
    } else {
        script.alter(&code, &ours.code())
    };
    assert_eq!(ours.compare(&scanned).is_ok(), scanned == code);
    assert_eq!(ours.digits(), theirs.digits());
}
