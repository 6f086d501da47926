//! The rules of a place's chain: who belongs to a group or community, what they may do, and whose devices a message
//! in each of its rooms is sealed to.
//!
//! The server runs these rules to enforce them, every client to trust: verdicts are functions of the state and the
//! entry alone. Nothing here holds a private key, does I/O or reads a clock. The bytes are in `docs/protocol.md`,
//! "Room and community chains".
//!
//! | module | owns |
//! |---|---|
//! | `entry`, `body` | what an entry is and its exact bytes |
//! | `chain` | entries in order, signatures, what was confirmed and audited |
//! | `state` | what a chain has led to |
//! | `reading` | who reads and writes in a room, and since when |
//! | `rules` | whether an act is allowed, and what it does |
//! | `epoch` | when a room needs new keys |
//! | `events` | what an entry changed |
//! | `rebase` | what becomes of an act when another entry came first |
//! | `checkpoint` | the state's one canonical form |
//! | `claims` | what is compared with account chains |
//! | `fork` | what proves that there are two versions of one chain |
//! | `manual` | why it is so, and which test plays each attack |
//! | `limits` | every bound with its reason |

mod body;
mod chain;
mod channel;
mod checkpoint;
mod claims;
mod entry;
mod epoch;
mod error;
mod events;
mod fork;
mod invite;
pub mod limits;
mod manual;
mod member;
mod permission;
mod policy;
mod reading;
mod rebase;
mod role;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use body::{ClosedChain, MetadataField, PlaceKind, RoomBody};
pub use chain::{RoomAudit, RoomChain};
pub use channel::{
    Category, CategoryDefinition, CategoryId, Channel, ChannelDefinition, ChannelId, ChannelKind,
};
pub use claims::Claim;
pub use entry::{RoomAuthor, RoomEntry};
pub use error::RoomChainError;
pub use events::{Departure, Entrance, RoomChange, RoomEvent};
pub use fork::RoomForkEvidence;
pub use invite::{Invite, InviteId, InviteTerms, JoinRequest, invite_read_bytes, join_proof_bytes};
pub use member::{AccountHead, Ban, DeviceClaim, KnownAccount, Member, SealedValue};
pub use permission::Permissions;
pub use policy::{Audience, History, Policy};
pub use reading::PostRefusal;
pub use rebase::Rebase;
pub use role::{Rank, Role, RoleDefinition, RoleId};
pub use state::{RoomState, Standing};
