//! The bounds of account chains, each with its reason.

/// Entries that everybody entitled may append. A person who adds, replaces and names the vault's head each day for
/// ten years stays below, and a chain of this length is verified in well under a second.
pub const ACCOUNT_ENTRIES_MAX: usize = 4_096;
/// Entries in all. Those behind [`ACCOUNT_ENTRIES_MAX`] are kept for the recovery key, and for devices that revoke:
/// a stolen device that fills the chain must not shut out the account's owner.
pub const ACCOUNT_ENTRIES_WITH_RESERVE_MAX: usize = 4_352;
/// Ways into the vault in force at a time: the recovery key, a password, and a few passkeys.
pub const VAULT_SLOTS_MAX: usize = 8;
