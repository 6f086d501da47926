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
