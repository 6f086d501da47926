//! Every bound of this crate, each with its why. Nothing else here may hold a bare number that limits input.

use crate::aead::OVERHEAD;
use crate::padding::padded_length;

/// Bytes of plaintext in one pairwise message: what is left of [`MAX_PAIRWISE_MESSAGE`] behind the longest
/// headers (1,189 bytes), commitment and tag (48). Bigger control payloads are cut into several.
pub const MAX_PAIRWISE_PLAINTEXT: usize = 2_816;

/// Bytes of one message's content before padding. A text of this length fills dozens of screens, and its sealed
/// body stays within the 32 KiB that the server takes.
pub const MAX_CONTENT: usize = 28 * 1024;

/// Bytes of one sealed content: padded, with commitment and tag.
pub const MAX_SEALED_CONTENT: usize = padded_length(MAX_CONTENT).saturating_add(OVERHEAD);

/// Bytes of one room message: the longest sealed content behind type, chain id, iteration of five bytes and random
/// bytes, and before the signature. Longer input is refused before it is looked at.
pub const MAX_ROOM_MESSAGE: usize =
    MAX_SEALED_CONTENT.saturating_add(1 + 16 + 5 + MESSAGE_RANDOM_LENGTH + 64);

/// Bytes of one serialized pairwise message, as frames carry it. Longer input is refused before it is looked at.
pub const MAX_PAIRWISE_MESSAGE: usize = 4 * 1024;

/// Message keys skipped in one jump of one chain. Each costs two HMACs before the message is authenticated, so this
/// bounds what a forged counter costs: one jump in each of at most six sessions, about ten milliseconds in all. A
/// mailbox rarely loses as many in a row.
pub const MAX_SKIPPED_PER_JUMP: u32 = 1_000;

/// Skipped message keys kept in one session, the oldest dropped first. Two full jumps (the rest of an old chain
/// and the start of a new one) fit into one step.
pub const MAX_SKIPPED_PER_SESSION: usize = 2_000;

/// Skipped message keys that the caller keeps over all sessions of an account. A peer with many devices must
/// not fill the store; see [`crate::Sessions::skipped_keys`].
pub const MAX_SKIPPED_PER_ACCOUNT: usize = 20_000;

/// How long a skipped message key is kept (30 days): as long as the mailbox keeps what it is for.
pub const SKIPPED_KEY_LIFETIME: u64 = 30 * DAY;

/// How long an initiated session without an answer stays usable (30 days): the peer keeps the secrets of a
/// replaced signed prekey for as long.
pub const UNANSWERED_SESSION_LIFETIME: u64 = 30 * DAY;

/// How long a session still opens messages after another took its place (30 days): as long as the mailbox keeps what
/// it is for. Use does not prolong it, so whoever stole an old session is shut out in the end.
pub const REPLACED_SESSION_LIFETIME: u64 = 30 * DAY;

/// Sessions kept beside the active one. Simultaneous starts and restored devices make a few; more would only
/// give an attacker more states to keep alive.
pub const MAX_INACTIVE_SESSIONS: usize = 5;

/// Smallest length of padded content. Most chat lines fit, so they all look alike.
pub const PADDING_FLOOR: usize = 64;

/// Fresh random bytes in each message key's expansion: a device restored from an old image repeats a counter,
/// and two draws of 128 bits do not collide.
pub const MESSAGE_RANDOM_LENGTH: usize = 16;

/// Messages of one sender-key chain, after which its device makes a new one: so much follows from one stolen chain
/// key at most.
pub const MAX_CHAIN_MESSAGES: u32 = 500;

/// How long a device sends on one chain (7 days), for the same reason.
pub const MAX_CHAIN_AGE: u64 = 7 * DAY;

/// How far before a chain's beginning the clock may stand (1 day) until its device makes a new one: a clock that was
/// set back must not make a chain old.
pub const MAX_CHAIN_CLOCK_BACK: u64 = DAY;

/// Keys skipped in one jump of a sender-key chain: twice what a chain of this version can have.
pub const MAX_CHAIN_JUMP: u32 = 1_000;

/// Skipped keys kept in one sender-key chain, the oldest dropped first, each for [`SKIPPED_KEY_LIFETIME`].
pub const MAX_SKIPPED_PER_CHAIN: usize = 1_000;

/// Replaced chains kept for each device in a room, for messages that come late.
pub const MAX_OLD_CHAINS: usize = 5;

/// How long a replaced chain is kept (7 days).
pub const OLD_CHAIN_LIFETIME: u64 = 7 * DAY;

/// Bytes of the stored chains of one device in a room: six chains full of skipped keys (44 bytes each).
pub const MAX_CHAINS_STATE: usize = 288 * 1024;

/// Bytes of one attachment (4 GiB). Far below what the format allows; a larger file is a case for other tools.
pub const MAX_ATTACHMENT: u64 = 4 * 1024 * 1024 * 1024;

/// Chunks of one ciphertext, as the format bounds them: the counter must leave enough of the nonce at random. What
/// [`MAX_ATTACHMENT`] allows has 2^18.
pub const MAX_ATTACHMENT_CHUNKS: u64 = 1 << 38;

/// Smallest length to which a file is filled: thumbnails and voice notes look alike.
pub const ATTACHMENT_FLOOR: u64 = 4 * 1024;

/// Bytes of one vault record's content before padding. More is cut into several records.
pub const MAX_VAULT_RECORD: usize = 64 * 1024;

/// Names in one vault: what a device keeps of each (40 bytes) fills 40 MiB at most. A hundred a day fit for 28 years.
pub const MAX_VAULT_NAMES: usize = 1024 * 1024;

/// Heads of a vault that one check of its records waits for. The newest few that the account chain names do.
pub const MAX_PINNED_HEADS: usize = 1_000;

/// Bytes of what one message between two devices that link carries, before padding. Keys of an account and of its
/// vault fill a hundredth; what is bigger comes through the vault.
pub const MAX_LINK_PAYLOAD: usize = 64 * 1024;

/// Bytes of one message of a link, as the server passes it on: a grant with the longest payload behind label, version,
/// suite and type (28), X-Wing ciphertext (1,120), number, random bytes and length.
pub const MAX_LINK_MESSAGE: usize = padded_length(MAX_LINK_PAYLOAD)
    .saturating_add(OVERHEAD)
    .saturating_add(28 + 1_120 + 1 + MESSAGE_RANDOM_LENGTH + 4);

/// Messages in one direction of a link, the grant among them. A link is over after a handful; nothing may live on it.
pub const MAX_LINK_MESSAGES: u8 = 16;

/// Rounds of SHA-512 behind a safety number, as libsignal's: they make a search for similar numbers slow.
pub const FINGERPRINT_ROUNDS: u32 = 5_200;

/// Bytes of a serialized list of sessions: six sessions full of skipped keys (76 bytes each) and their headers.
pub const MAX_SESSIONS_STATE: usize = 1024 * 1024;

const DAY: u64 = 24 * 60 * 60 * 1000;

// A chain of sender keys is stepped by the ratchet's own code, whose limit must not be the narrower one.
const _: () = assert!(MAX_CHAIN_JUMP <= MAX_SKIPPED_PER_JUMP);
const _: () = assert!(MAX_SKIPPED_PER_SESSION >= 2 * MAX_SKIPPED_PER_JUMP as usize);
