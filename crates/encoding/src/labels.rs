//! Every purpose label of the protocol, in one list, so that no two purposes can share one by accident.

/// Names what a canonical encoding is for. Labels are at most 255 bytes of ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(&'static str);

impl Label {
    /// The label's bytes as they are hashed, signed or given to HKDF.
    pub const fn as_bytes(self) -> &'static [u8] {
        self.0.as_bytes()
    }

    /// The label's text, for documents and vectors.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

macro_rules! labels {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$meta])* pub const $name: Label = Label($text);)*

        /// All labels, for the test that no two are equal and for the document.
        pub const ALL: &[Label] = &[$($name),*];
    };
}

labels! {
    /// An entry of an account chain: what its author signs and what its hash covers.
    ACCOUNT_ENTRY = "conclave/v1/account-entry";
    /// Hash of a chain entry with its signatures.
    ENTRY_HASH = "conclave/v1/entry-hash";
    /// Id of a direct room, from both account ids in order.
    DIRECT_ROOM = "conclave/v1/direct-room";
    /// A signed entry of the prekey directory.
    PREKEY_ENTRY = "conclave/v1/prekey-entry";
    /// Transcript of a handshake.
    HANDSHAKE_TRANSCRIPT = "conclave/v1/handshake-transcript";
    /// HKDF label of the handshake.
    HANDSHAKE_KEY = "conclave/v1/handshake-key";
    /// KDF_RK of the Double Ratchet.
    RATCHET_ROOT = "conclave/v1/ratchet-root";
    /// Expansion of a message key to key, nonce and commitment.
    RATCHET_MESSAGE = "conclave/v1/ratchet-message";
    /// Associated data of a ratchet message.
    RATCHET_ASSOCIATED_DATA = "conclave/v1/ratchet-associated-data";
    /// Serialized state of a session.
    SESSION_STATE = "conclave/v1/session-state";
    /// Associated data of a pairwise payload that carries a direct message's content key.
    PAIRWISE_MESSAGE_KEY = "conclave/v1/pairwise-message-key";
    /// Associated data of a pairwise control payload (receipts, session start).
    PAIRWISE_CONTROL = "conclave/v1/pairwise-control";
    /// Associated data of a direct message's body.
    DIRECT_MESSAGE = "conclave/v1/direct-message";
    /// Expansion of a content key to key, nonce and commitment.
    CONTENT_KEY = "conclave/v1/content-key";
    /// Hash that travels with a content key and is the link in the sender's chain of messages.
    MESSAGE_HASH = "conclave/v1/message-hash";
    /// What a device signs to bind a new login to itself.
    LOGIN = "conclave/v1/login";
    /// What a device signs when an account is registered.
    REGISTRATION = "conclave/v1/registration";
    /// Derivation of the recovery signing key from the recovery key.
    RECOVERY_SIGNING_KEY = "conclave/v1/recovery-signing-key";
    /// Hash under which the server keeps tokens (refresh, invite, set-up).
    TOKEN_HASH = "conclave/v1/token-hash";
    /// Digest by which the server recognises a repeated send.
    SEND_DIGEST = "conclave/v1/send-digest";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_labels_are_equal_and_all_carry_the_version() {
        for (index, label) in ALL.iter().enumerate() {
            assert!(label.as_str().starts_with("conclave/v1/"));
            assert!(label.as_str().is_ascii() && label.as_bytes().len() < 256);
            assert!(!ALL[index + 1..].contains(label), "{label:?} is used twice");
        }
    }
}
