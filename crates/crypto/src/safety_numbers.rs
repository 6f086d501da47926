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

/// Bytes of a safety code: label, version and two halves.
pub const SAFETY_CODE_LENGTH: usize = 1 + labels::SAFETY_CODE.as_bytes().len() + 1 + 2 * CODE_HALF_LENGTH;

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
        Writer::with_capacity(labels::SAFETY_CODE, SAFETY_CODE_LENGTH)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{bytes, unhex};

    const ALICE: &str = "05 06863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868";
    const BOB: &str = "05 f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b";

    /// The identifiers, keys and results of libsignal's published test.
    #[test]
    fn the_function_is_the_one_that_libsignal_publishes_answers_for() {
        let number = SafetyNumber {
            own: fingerprint(b"+14152222222", &bytes(ALICE)),
            other: fingerprint(b"+14153333333", &bytes(BOB)),
        };
        assert_eq!(
            half(&number.own)[..],
            unhex("1e301a0353dce3dbe7684cb8336e85136cdc0ee96219494ada305d62a7bd61df")[..]
        );
        assert_eq!(
            half(&number.other)[..],
            unhex("d62cbf73a11592015b6b9f1682ac306fea3aaf3885b84d12bca631e9d4fb3a4d")[..]
        );
        assert_eq!(
            number.digits(),
            "300354477692869396892869876765458257569162576843440918079131"
        );
    }

    #[test]
    fn both_sides_see_the_same_number_and_scan_each_other() {
        let mia = SafetyNumber::new(&[1; 32], &[2; 32]);
        let tom = SafetyNumber::new(&[2; 32], &[1; 32]);
        assert_eq!(mia.digits(), tom.digits());
        assert_eq!(mia.digits().len(), SAFETY_NUMBER_LENGTH);
        assert!(mia.digits().bytes().all(|digit| digit.is_ascii_digit()));
        assert_eq!(mia.compare(&tom.code()), Ok(()));
        assert_eq!(tom.compare(&mia.code()), Ok(()));
        assert_eq!((mia.code().len(), SAFETY_CODE_LENGTH), (89, 89));
    }

    #[test]
    fn whoever_stands_between_two_people_shows_them_different_numbers() {
        // The server shows each of them an account of its own.
        let mia = SafetyNumber::new(&[1; 32], &[8; 32]);
        let tom = SafetyNumber::new(&[2; 32], &[9; 32]);
        assert_ne!(mia.digits(), tom.digits());
        assert_eq!(mia.compare(&tom.code()), Err(SafetyCodeError::OtherPeople));
        // One of the two is right, and that is not enough.
        let ida = SafetyNumber::new(&[8; 32], &[2; 32]);
        assert_eq!(mia.compare(&ida.code()), Err(SafetyCodeError::OtherPeople));
        assert_eq!(
            mia.compare(&mia.code()),
            Err(SafetyCodeError::OtherPeople),
            "one's own code"
        );
    }

    #[test]
    fn an_altered_cut_or_foreign_code_is_refused_for_its_reason() {
        let mia = SafetyNumber::new(&[1; 32], &[2; 32]);
        let code = SafetyNumber::new(&[2; 32], &[1; 32]).code();
        let version_at = code.len() - 65;
        for position in 0..code.len() {
            let mut altered = code.clone();
            altered[position] ^= 1;
            let error = mia.compare(&altered).unwrap_err();
            match position.cmp(&version_at) {
                core::cmp::Ordering::Less => assert!(matches!(error, SafetyCodeError::Encoding(_))),
                core::cmp::Ordering::Equal => assert_eq!(error, SafetyCodeError::OtherVersion),
                core::cmp::Ordering::Greater => assert_eq!(error, SafetyCodeError::OtherPeople),
            }
            assert!(mia.compare(&code[..position]).is_err());
        }
        assert!(mia.compare(&[&code[..], &[0]].concat()).is_err());
    }
}
