//! Every bound of this crate, each with its why. Nothing else here may hold a bare number that limits input.

/// Bytes of plaintext in one pairwise message. The largest control payload planned (a batch of sender keys or
/// of repeated messages) stays below; bigger things travel as attachments.
pub const MAX_PAIRWISE_PLAINTEXT: usize = 64 * 1024;

/// Bytes of one direct message's content before padding. A text of this length fills dozens of screens, and
/// its frame stays below the socket's limit of 256 KiB with the keys for 32 devices.
pub const MAX_CONTENT: usize = 64 * 1024;

/// Bytes of one serialized pairwise message: the plaintext's limit and room for both headers, the commitment
/// and the tag. Longer input is refused before it is looked at.
pub const MAX_PAIRWISE_MESSAGE: usize = MAX_PAIRWISE_PLAINTEXT + 2 * 1024;

/// Message keys skipped in one jump of one chain. Each costs two HMACs before the message is authenticated, so
/// this bounds what a forged counter costs (under two milliseconds); a mailbox rarely loses as many in a row.
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

/// Sessions kept beside the active one. Simultaneous starts and restored devices make a few; more would only
/// give an attacker more states to keep alive.
pub const MAX_INACTIVE_SESSIONS: usize = 5;

/// Smallest length of padded content. Most chat lines fit, so they all look alike.
pub const PADDING_FLOOR: usize = 64;

/// Fresh random bytes in each message key's expansion: a device restored from an old image repeats a counter,
/// and two draws of 128 bits do not collide.
pub const MESSAGE_RANDOM_LENGTH: usize = 16;

/// Bytes of a serialized list of sessions: six sessions full of skipped keys (76 bytes each) and their headers.
pub const MAX_SESSIONS_STATE: usize = 1024 * 1024;

const DAY: u64 = 24 * 60 * 60 * 1000;

const _: () = assert!(MAX_SKIPPED_PER_SESSION >= 2 * MAX_SKIPPED_PER_JUMP as usize);
