//! Every bound that both sides know, in one place, each with its reason.

/// Shortest username: one letter is too easy to mistake.
pub const USERNAME_MIN: usize = 2;
/// Longest username: it fits a list row.
pub const USERNAME_MAX: usize = 32;
/// Shortest password accepted; the client also checks against common ones.
pub const PASSWORD_MIN: usize = 8;
/// Longest password, so that stretching stays bounded.
pub const PASSWORD_MAX: usize = 1024;
/// Longest text of a message in bytes of UTF-8. Longer texts become files.
pub const TEXT_MAX: usize = 16 * 1024;
/// A sealed body: a text of the largest size, padded, with its commitment and tag.
pub const BODY_MAX: usize = 32 * 1024;
/// A pairwise message: the first one carries handshake keys and a KEM ciphertext of 1,088 bytes.
pub const PAIRWISE_MAX: usize = 4 * 1024;
/// Devices that may be active in one account at a time.
pub const DEVICES_MAX: usize = 16;
/// Largest frame from a device, and the largest the server sends.
pub const FRAME_MAX: usize = 256 * 1024;
/// Largest JSON body: a hundred prekey bundles of some 1.4 KiB in base64, with room.
pub const REQUEST_BODY_MAX: usize = 512 * 1024;
/// One entry of a chain.
pub const ENTRY_MAX: usize = 4 * 1024;
/// Entries of a chain in one answer.
pub const ENTRIES_PAGE: usize = 500;
/// One prekey bundle.
pub const PREKEY_BUNDLE_MAX: usize = 2 * 1024;
/// One-time prekeys that a device keeps on the server.
pub const ONE_TIME_PREKEYS: usize = 100;
/// A device refills when fewer are left.
pub const ONE_TIME_PREKEYS_LOW: usize = 33;
/// Rooms that one `Hello` may name; the rest arrives through the mailbox.
pub const CURSORS_MAX: usize = 4_000;
/// Pairwise messages in one `Distribute`.
pub const DISTRIBUTE_MAX: usize = 128;
/// Envelopes in one history page.
pub const ENVELOPES_PAGE: u32 = 200;
/// Deliveries in flight to a device that has not acknowledged them.
pub const DELIVERY_WINDOW: u32 = 128;
/// Time for the first frame after the upgrade, in milliseconds.
pub const HELLO_WITHIN_MS: u64 = 10_000;
/// Life of a socket ticket, in milliseconds.
pub const TICKET_LIFE_MS: u64 = 30_000;
/// Life of an access token, in milliseconds.
pub const ACCESS_TOKEN_LIFE_MS: u64 = 15 * 60 * 1000;
/// A login that was not refreshed for this long ends, in milliseconds.
pub const REFRESH_TOKEN_IDLE_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Life of a registration invite, in milliseconds.
pub const INVITE_LIFE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// How far a chain entry's time may lie from the server's clock, in milliseconds.
pub const ENTRY_CLOCK_SKEW_MS: u64 = 2 * 60 * 1000;
/// A client sends a heartbeat when it heard nothing for this long, in milliseconds.
pub const HEARTBEAT_MS: u64 = 25_000;
/// Life of a meeting place of two devices, in milliseconds.
pub const LINK_LIFE_MS: u64 = 10 * 60 * 1000;
/// One message of a meeting place: a sealed answer may hold an account's whole chain.
pub const LINK_MESSAGE_MAX: usize = 128 * 1024;
/// The message that opens a meeting place, which may come from anybody: a commitment and its frame.
pub const LINK_OPENING_MAX: usize = 1024;
/// Bytes of a meeting place's messages in one answer.
pub const LINK_PAGE_BYTES: usize = 256 * 1024;
/// Messages of a meeting place, both sides together.
pub const LINK_MESSAGES_MAX: u32 = 16;
/// Meeting places by code open at a time for one account.
pub const LINKS_MAX: usize = 8;
/// How long after it was added a device may sign in for the first time without the password, in milliseconds.
pub const FIRST_LOGIN_WITHIN_MS: u64 = 15 * 60 * 1000;
/// Life of the token of somebody who gave the right password on a device that is not the account's yet, or
/// who proved the recovery key, in milliseconds.
pub const PENDING_LOGIN_LIFE_MS: u64 = 15 * 60 * 1000;
/// One record of a vault.
pub const VAULT_RECORD_MAX: usize = 64 * 1024;
/// Records in one append.
pub const VAULT_APPEND_MAX: usize = 64;
/// Records in one answer.
pub const VAULT_RECORDS_PAGE: u32 = 1_000;
/// Bytes of records in one answer.
pub const VAULT_PAGE_BYTES: usize = 256 * 1024;
/// Records of one vault.
pub const VAULT_RECORDS_MAX: u64 = 1_000_000;
/// Slots and wrapped keys kept for one vault: those in force and a few before them.
pub const VAULT_KEYS_MAX: usize = 64;
/// One slot or wrapped key.
pub const VAULT_KEY_MAX: usize = 4 * 1024;

/// Bytes of one chunk of an upload: few requests for a long file, and little to send again after a broken one.
pub const BLOB_CHUNK: u64 = 8 * 1024 * 1024;

/// Largest blob: a file of 4 GiB, filled and sealed. A server may set less.
pub const BLOB_MAX: u64 = 4_299_161_672;

/// Blobs that one envelope may claim: an album, each picture with its preview.
pub const BLOBS_CLAIMED_MAX: usize = 32;

/// Uploads of one account that are begun and not finished.
pub const UPLOADS_MAX: u32 = 16;

/// How long a blob that no envelope claims, and an upload at which nothing happens, are kept, in milliseconds.
pub const BLOB_UNCLAIMED_MS: u64 = 24 * 60 * 60 * 1000;

/// Entries of a place's chain in one answer.
pub const PLACE_ENTRIES_PAGE: u32 = 1_000;

/// Bytes of a place's entries in one answer, before base64.
pub const PLACE_PAGE_BYTES: usize = 512 * 1024;

/// Places that an account is in or waits for: each is a chain that every device follows.
pub const PLACES_MAX: u32 = 500;

/// How long a proof of the password opens what needs a fresh sign-in, in milliseconds.
pub const PROOF_LIFE_MS: u64 = 10 * 60 * 1000;

/// Backup codes that a second step comes with.
pub const BACKUP_CODES: usize = 10;

/// People who may register with one invite at most.
pub const INVITE_USES_MAX: u32 = 1_000;

/// Days that an invite lives at most.
pub const INVITE_DAYS_MAX: u32 = 90;

/// Accounts, logins or lines of the audit log in one answer.
pub const ADMIN_PAGE: u32 = 100;

/// Bytes of what an announcement says: a banner, and no page.
pub const ANNOUNCEMENT_MAX: usize = 1_000;

/// Announcements that have not ended, the withdrawn ones included: all of them go to each device.
pub const ANNOUNCEMENTS_MAX: u32 = 10;

/// How long an announcement is shown at most, in milliseconds; so its withdrawal need not be kept for good.
pub const ANNOUNCEMENT_LIFE_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// Bytes of what a reporter writes to a report.
pub const REPORT_NOTE_MAX: usize = 1_000;

/// Accounts that one device watches at most: a frame of some 18 KiB.
pub const WATCHED_MAX: usize = 500;

/// Accounts in one frame about presence.
pub const PRESENCE_PAGE: usize = 100;

/// How long somebody is shown as writing without hearing of it again, in milliseconds.
pub const TYPING_SHOWN_MS: u64 = 6_000;

/// Readers of a room beyond whom nobody is told who writes: there it would be noise.
pub const TYPING_READERS_MAX: usize = 200;

/// Rooms that do not wake a device as others do.
pub const PUSH_ROOMS_MAX: usize = 1_000;

/// The address of a device at a push service.
pub const PUSH_ENDPOINT_MAX: usize = 1024;

/// How long the server remembers when an account was there last, in milliseconds.
pub const LAST_SEEN_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
