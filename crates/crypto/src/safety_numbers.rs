//! What two people compare to know that nobody stands between them.
//!
//! The function is libsignal's numeric fingerprint, over account ids in place of telephone numbers: an account's id is
//! the hash of its chain's genesis, so whoever stands between two people has to show each of them another id. The
//! rounds slow down whoever searches ids with similar digits. Whether two people did compare is not known here.

use conclave_encoding::{Reader, Writer, labels};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;

use crate::SafetyCodeError;
use crate::limits::FINGERPRINT_ROUNDS;
use crate::suite::VERSION;

/// Digits of a safety number.
pub const SAFETY_NUMBER_LENGTH: usize = 60;

const FINGERPRINT_LENGTH: usize = 64;
const CODE_HALF_LENGTH: usize = 32;
/// What libsignal writes in front of a Curve25519 key.
const KEY_TYPE: u8 = 5;
/// libsignal's version of the function.
const FUNCTION_VERSION: [u8; 2] = [0, 0];
/// Groups of five digits in one account's half.
const GROUPS: usize = 6;

/// The numbers of two accounts, made once for both ways of comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    own: [u8; FINGERPRINT_LENGTH],
    other: [u8; FINGERPRINT_LENGTH],
}

impl SafetyNumber {
    /// Of one's own account and another, by their ids from the verified chains. Takes some milliseconds.
    pub fn new(own_account: &[u8; 32], other_account: &[u8; 32]) -> Self {
        Self {
            own: account_fingerprint(own_account),
            other: account_fingerprint(other_account),
        }
    }

    /// 60 digits, for reading aloud: the same on both sides. Shown in twelve groups of five.
    pub fn digits(&self) -> String {
        let own = digits(&self.own);
        let other = digits(&self.other);
        if own < other { own + &other } else { other + &own }
    }

    /// What this side shows for scanning.
    pub fn code(&self) -> Vec<u8> {
        Writer::new(labels::SAFETY_CODE)
            .u8(VERSION)
            .fixed(&half(&self.own))
            .fixed(&half(&self.other))
            .finish()
    }

    /// Compares with what the other side shows, in constant time.
    pub fn compare(&self, scanned: &[u8]) -> Result<(), SafetyCodeError> {
        let mut reader = Reader::new(labels::SAFETY_CODE, scanned)?;
        if reader.u8()? != VERSION {
            return Err(SafetyCodeError::OtherVersion);
        }
        let shower: [u8; CODE_HALF_LENGTH] = reader.fixed()?;
        let scanner: [u8; CODE_HALF_LENGTH] = reader.fixed()?;
        reader.finish()?;
        let is_same = half(&self.other).ct_eq(&shower) & half(&self.own).ct_eq(&scanner);
        if bool::from(is_same) {
            Ok(())
        } else {
            Err(SafetyCodeError::OtherPeople)
        }
    }
}

fn account_fingerprint(account: &[u8; 32]) -> [u8; FINGERPRINT_LENGTH] {
    let mut key = [KEY_TYPE; 33];
    key[1..].copy_from_slice(account);
    fingerprint(account, &key)
}

/// libsignal's function, for any identifier and key.
fn fingerprint(identifier: &[u8], key: &[u8; 33]) -> [u8; FINGERPRINT_LENGTH] {
    let mut hash = Sha512::new()
        .chain_update(FUNCTION_VERSION)
        .chain_update(key)
        .chain_update(identifier)
        .chain_update(key)
        .finalize();
    for _ in 1..FINGERPRINT_ROUNDS {
        hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
    }
    hash.into()
}

fn digits(fingerprint: &[u8; FINGERPRINT_LENGTH]) -> String {
    let mut digits = String::with_capacity(SAFETY_NUMBER_LENGTH);
    for group in fingerprint.chunks_exact(5).take(GROUPS) {
        let mut number = group
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mut five = [0; 5];
        for digit in five.iter_mut().rev() {
            *digit = number % 10;
            number /= 10;
        }
        digits.extend(five.iter().map(u64::to_string));
    }
    digits
}

fn half(fingerprint: &[u8; FINGERPRINT_LENGTH]) -> [u8; CODE_HALF_LENGTH] {
    let mut half = [0; CODE_HALF_LENGTH];
    half.copy_from_slice(&fingerprint[..CODE_HALF_LENGTH]);
    half
}
