//! Every bound of a group or community, each with its reason. Whoever runs the rules holds all of them, so state
//! and work stay bounded whatever a chain says.

use super::PlaceKind;

/// Bytes of one entry: a removal with its closed chains is the largest.
pub const ROOM_ENTRY_MAX: usize = 16 * 1024;
/// Entries after which a chain takes only what ends something, so that its state and its check stay bounded. A
/// community of 10,000 people with some ten acts each stays below.
pub const ENTRIES_MAX: u32 = 200_000;
/// Entries after which a chain takes nothing: what ends something had this room behind [`ENTRIES_MAX`].
pub const ENTRIES_LAST: u32 = 220_000;
/// Roles, the role of everyone included: a set of roles is one 64-bit word.
pub const ROLES_MAX: usize = 64;
/// Roles of a group: administrators and a few more.
pub const GROUP_ROLES_MAX: usize = 8;
/// Highest rank of a role. Above it is the owner alone.
pub const RANK_MAX: u16 = 1_000;
/// Members of a community: what a newcomer verifies in a second or two.
pub const MEMBERS_MAX: usize = 10_000;
/// Members of a group: every sender hands its key to each device.
pub const GROUP_MEMBERS_MAX: usize = 1_000;
/// Channels of a community: each removal looks at each of them.
pub const CHANNELS_MAX: usize = 500;
/// Categories: more are no order.
pub const CATEGORIES_MAX: usize = 100;
/// Banned accounts at a time, so that a state stays bounded.
pub const BANS_MAX: usize = 10_000;
/// Invites in force at a time.
pub const INVITES_MAX: usize = 1_000;
/// Invites of a group in force at a time.
pub const GROUP_INVITES_MAX: usize = 50;
/// Requests that wait for an answer, so that strangers with a link cannot fill the state.
pub const REQUESTS_MAX: usize = 1_000;
/// Life of an invite that ends, at most: a year. One without an end says so.
pub const INVITE_LIFE_MAX_MS: u64 = 366 * 24 * 60 * 60 * 1000;
/// Sealed name, topic, icon, description or banner of a place; pictures are files that it names.
pub const SEALED_MAX: usize = 4 * 1024;
/// Sealed name of a role, channel or category; a channel's also has its topic.
pub const SEALED_NAME_MAX: usize = 2 * 1024;
/// Sealed nickname of a member: there may be one for each.
pub const SEALED_NICKNAME_MAX: usize = 256;
/// Sealed word about why somebody was removed, banned or muted.
pub const SEALED_REASON_MAX: usize = 1024;
/// Closed chains in one entry: those of 16 devices in 16 rooms.
pub const CLOSINGS_MAX: usize = 256;
/// Longest mute: who is to stay silent for longer is removed.
pub const MUTE_MAX_MS: u64 = 366 * 24 * 60 * 60 * 1000;
/// Longest pause between two messages of a member, in seconds: six hours.
pub const SLOW_MODE_MAX: u16 = 6 * 60 * 60;
/// Longest life of disappearing messages, in seconds: a year.
pub const DISAPPEARING_MAX: u32 = 366 * 24 * 60 * 60;
/// Entries between two checkpoints at least, beside those that [`checkpoint_gap`] asks for a large state.
pub const CHECKPOINT_GAP: u32 = 16;
/// Parts of the state that are hashed for one entry, on average.
pub const CHECKPOINT_PARTS_PER_ENTRY: usize = 16;
/// Bytes of a snapshot: the largest state that the other limits allow, rounded up.
pub const SNAPSHOT_MAX: usize = 96 * 1024 * 1024;

/// Entries between two checkpoints of a state with this many parts: hashing a large state often would make a chain
/// slow to verify, so each entry pays for a few parts.
pub fn checkpoint_gap(parts: usize) -> u32 {
    let parts = u32::try_from(parts / CHECKPOINT_PARTS_PER_ENTRY).unwrap_or(u32::MAX);
    CHECKPOINT_GAP.saturating_add(parts)
}

/// What may differ between groups and communities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceLimits {
    /// Roles, the role of everyone included.
    pub roles: usize,
    /// Members.
    pub members: usize,
    /// Invites in force.
    pub invites: usize,
}

impl PlaceLimits {
    /// The limits of a kind of place.
    pub const fn of(kind: PlaceKind) -> Self {
        match kind {
            PlaceKind::Group => Self {
                roles: GROUP_ROLES_MAX,
                members: GROUP_MEMBERS_MAX,
                invites: GROUP_INVITES_MAX,
            },
            PlaceKind::Community => Self {
                roles: ROLES_MAX,
                members: MEMBERS_MAX,
                invites: INVITES_MAX,
            },
        }
    }
}
