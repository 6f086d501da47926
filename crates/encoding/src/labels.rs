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
    /// What a new device signs to join an account.
    DEVICE_POSSESSION = "conclave/v1/device-possession";
    /// What a new recovery key signs to become an account's.
    RECOVERY_POSSESSION = "conclave/v1/recovery-possession";
    /// Two entries that show an account's chain in two versions.
    ACCOUNT_FORK = "conclave/v1/account-fork";
    /// Hash of a chain entry with its signatures.
    ENTRY_HASH = "conclave/v1/entry-hash";
    /// An entry of a group's or community's chain: what its author signs.
    ROOM_ENTRY = "conclave/v1/room-entry";
    /// Id of a channel's room, from the community's id and the channel's number.
    ROOM_CHANNEL = "conclave/v1/room-channel";
    /// What the key of an invite signs for somebody who joins by it.
    ROOM_JOIN = "conclave/v1/room-join";
    /// Seed of an invite's Ed25519 key, from the secret in its link.
    ROOM_INVITE_KEY = "conclave/v1/room-invite-key";
    /// The whole state of a group or community, as checkpoints hash it.
    ROOM_STATE = "conclave/v1/room-state";
    /// A room chain as a device or server keeps it.
    ROOM_CHAIN = "conclave/v1/room-chain";
    /// What the key of an invite signs for somebody who reads the chain before joining.
    PLACE_INVITE_READ = "conclave/v1/place-invite-read";
    /// Associated data of a sealed name, topic, nickname or reason in a place's chain.
    PLACE_VALUE = "conclave/v1/place-value";
    /// Expansion of a place's key to the key and commitment of one sealed value.
    PLACE_KEY = "conclave/v1/place-key";
    /// Name of a place's key.
    PLACE_KEY_ID = "conclave/v1/place-key-id";
    /// Associated data of a message in a room of a group or community, as the engine gives it to the sender key.
    ROOM_MESSAGE = "conclave/v1/room-message";
    /// What the device of a new account signs to take the name of the one before.
    RESET = "conclave/v1/reset";
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
    /// Expansion of a message key to key and commitment.
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
    /// Expansion of a content key to key and commitment.
    CONTENT_KEY = "conclave/v1/content-key";
    /// Hash that travels with a content key and is the link in the sender's chain of messages.
    MESSAGE_HASH = "conclave/v1/message-hash";
    /// A device's signed word on one of its sender-key chains.
    SENDER_KEY_STATEMENT = "conclave/v1/sender-key-statement";
    /// A chain as its own device hands it to a member.
    SENDER_KEY_DISTRIBUTION = "conclave/v1/sender-key-distribution";
    /// A chain as a member hands it on to a newcomer, or keeps it in the vault.
    SENDER_KEY_SEED = "conclave/v1/sender-key-seed";
    /// Expansion of a room message's key to key and commitment.
    SENDER_KEY_MESSAGE = "conclave/v1/sender-key-message";
    /// Associated data of a room message.
    SENDER_KEY_ASSOCIATED_DATA = "conclave/v1/sender-key-associated-data";
    /// What the chain's signature key signs for each room message.
    SENDER_KEY_SIGNATURE = "conclave/v1/sender-key-signature";
    /// Context of the chunked encryption of a file.
    ATTACHMENT = "conclave/v1/attachment";
    /// A device's signed word on one way into the vault.
    VAULT_SLOT = "conclave/v1/vault-slot";
    /// Seed of the recovery slot, from the recovery key.
    VAULT_SLOT_RECOVERY = "conclave/v1/vault-slot-recovery";
    /// Seed of the password slot, from OPAQUE's export key.
    VAULT_SLOT_PASSWORD = "conclave/v1/vault-slot-password";
    /// Seed of the passkey slot, from the authenticator's PRF.
    VAULT_SLOT_PASSKEY = "conclave/v1/vault-slot-passkey";
    /// A vault key wrapped to one slot, signed by a device.
    VAULT_WRAPPED_KEY = "conclave/v1/vault-wrapped-key";
    /// Expansion of the slot's shared secret to key and commitment.
    VAULT_WRAPPING_KEY = "conclave/v1/vault-wrapping-key";
    /// Associated data and hash of a vault record.
    VAULT_RECORD = "conclave/v1/vault-record";
    /// Expansion of the vault key to the key and commitment of one record.
    VAULT_RECORD_KEY = "conclave/v1/vault-record-key";
    /// Keyed name of a vault record, so that the server does not learn the real one.
    VAULT_RECORD_NAME = "conclave/v1/vault-record-name";
    /// The two fingerprints that people compare by scanning.
    SAFETY_CODE = "conclave/v1/safety-code";
    /// What a reporter reveals of one message.
    FRANKING_PROOF = "conclave/v1/franking-proof";
    /// What the server signs to say something to everybody.
    ANNOUNCEMENT = "conclave/v1/announcement";
    /// What the server signs to take back what it said.
    ANNOUNCEMENT_WITHDRAWAL = "conclave/v1/announcement-withdrawal";
    /// What a device signs to bind a new login to itself.
    LOGIN = "conclave/v1/login";
    /// What a device signs when an account is registered.
    REGISTRATION = "conclave/v1/registration";
    /// What the recovery key signs to show itself to the server.
    RECOVERY_PROOF = "conclave/v1/recovery-proof";
    /// What a device signs that the recovery key adds.
    RECOVERY = "conclave/v1/recovery";
    /// Derivation of the recovery signing key from the recovery key.
    RECOVERY_SIGNING_KEY = "conclave/v1/recovery-signing-key";
    /// What a new device commits to before it sees the other's answer.
    LINK_COMMITMENT = "conclave/v1/link-commitment";
    /// Transcript of the linking of a new device.
    LINK_TRANSCRIPT = "conclave/v1/link-transcript";
    /// The six digits that people carry from one device to the other.
    LINK_DIGITS = "conclave/v1/link-digits";
    /// HKDF label of the key for what goes to the new device.
    LINK_KEY_TO_NEW = "conclave/v1/link-key-to-new";
    /// HKDF label of the key for what comes from the new device.
    LINK_KEY_TO_OLD = "conclave/v1/link-key-to-old";
    /// A message between two devices that link, and the associated data of what is sealed in it.
    LINK_MESSAGE = "conclave/v1/link-message";
    /// Expansion of a direction's key to key and commitment of one message.
    LINK_MESSAGE_KEY = "conclave/v1/link-message-key";
    /// What a new device shows for scanning.
    LINK_CODE = "conclave/v1/link-code";
    /// Hash under which the server keeps tokens (refresh, invite, set-up).
    TOKEN_HASH = "conclave/v1/token-hash";
    /// Digest by which the server recognises a repeated send.
    SEND_DIGEST = "conclave/v1/send-digest";
    /// Hash of a whole blob, from its size and the hashes of its chunks.
    BLOB = "conclave/v1/blob";
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
