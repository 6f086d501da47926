//! The exact bytes that a device signs, so that a password alone neither registers nor signs in.

use conclave_encoding::{Writer, hash, labels};

/// The account's device wants this handle and this password record. Signed at registration.
pub fn registration_statement(username: &str, invite: &str, upload: &[u8]) -> Vec<u8> {
    Writer::new(labels::REGISTRATION)
        .bytes(username.as_bytes())
        .bytes(invite.as_bytes())
        .fixed(&hash(labels::REGISTRATION, upload))
        .finish()
}

/// This device takes part in this sign-in attempt.
pub fn login_statement(account: &[u8; 32], device: u32, attempt: &str) -> Vec<u8> {
    Writer::new(labels::LOGIN)
        .fixed(account)
        .u32(device)
        .bytes(attempt.as_bytes())
        .finish()
}

/// Whoever signs this holds the recovery key and wants this attempt for this handle.
pub fn recovery_proof_statement(username: &str, attempt: &str) -> Vec<u8> {
    Writer::new(labels::RECOVERY_PROOF)
        .bytes(username.as_bytes())
        .bytes(attempt.as_bytes())
        .finish()
}

/// The device that the recovery key adds wants this entry and this password record.
pub fn recovery_statement(token: &str, entry: &[u8], upload: &[u8]) -> Vec<u8> {
    Writer::new(labels::RECOVERY)
        .bytes(token.as_bytes())
        .fixed(&hash(labels::ENTRY_HASH, entry))
        .fixed(&hash(labels::RECOVERY, upload))
        .finish()
}

/// The device of a new account wants the name of the account whose password this token proves.
pub fn reset_statement(username: &str, token: &str, genesis: &[u8]) -> Vec<u8> {
    Writer::new(labels::RESET)
        .bytes(username.as_bytes())
        .bytes(token.as_bytes())
        .fixed(&hash(labels::ENTRY_HASH, genesis))
        .finish()
}
