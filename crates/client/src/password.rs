//! What a password has to be before it is stretched: long enough and not among the first that are tried.

use conclave_protocol::limits::{PASSWORD_MAX, PASSWORD_MIN};

use crate::failure::Failure;

/// Common passwords of at least eight characters, lower case. Shorter ones are refused by length.
const COMMON: &[&str] = &[
    "00000000",
    "11111111",
    "11223344",
    "12121212",
    "123123123",
    "1234567890",
    "12345678",
    "123456789",
    "12345678910",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "87654321",
    "987654321",
    "aa123456",
    "aaaaaaaa",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "administrator",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "baseball",
    "basketball",
    "changeme",
    "changeme123",
    "charlie1",
    "chocolate",
    "computer",
    "conclave",
    "correcthorsebatterystaple",
    "dragon123",
    "facebook",
    "football",
    "football1",
    "iloveyou",
    "iloveyou1",
    "internet",
    "jennifer",
    "letmein1",
    "letmein123",
    "liverpool",
    "master123",
    "michelle",
    "monkey123",
    "p@ssw0rd",
    "passw0rd",
    "password",
    "password!",
    "password1",
    "password12",
    "password123",
    "password1234",
    "princess",
    "princess1",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qazwsxedc",
    "qwer1234",
    "qwerty12",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "samantha",
    "starwars",
    "sunshine",
    "sunshine1",
    "superman",
    "superman1",
    "test1234",
    "trustno1",
    "trustno1!",
    "welcome1",
    "welcome123",
    "whatever",
    "zaq12wsx",
    "zxcvbnm1",
    "zxcvbnm123",
];

/// Refuses a password that is too short, too long, common, or the name itself.
pub(crate) fn check(password: &str, username: &str) -> Result<(), Failure> {
    if password.chars().count() < PASSWORD_MIN {
        return Err(Failure::password_short());
    }
    if password.len() > PASSWORD_MAX {
        return Err(Failure::password_long());
    }
    let folded = password.to_lowercase();
    let one_letter = folded.chars().all(|c| folded.starts_with(c));
    if COMMON.contains(&folded.as_str()) || one_letter || folded.trim() == username {
        return Err(Failure::password_common());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_common_and_own_name_passwords_are_refused_with_their_own_sentence() {
        let code = |password: &str| check(password, "mia.kowalski").err().map(|failure| failure.code);
        assert_eq!(code("short"), Some("password_short".into()));
        assert_eq!(code(&"x7".repeat(600)), Some("password_long".into()));
        for common in ["Password123", "zzzzzzzzzz", "mia.kowalski"] {
            assert_eq!(code(common), Some("password_common".into()), "{common}");
        }
        assert_eq!(code("vier ruhige Otter"), None);
        assert_eq!(code("äöüäöüäö"), None, "characters are counted, not bytes");
    }
}
