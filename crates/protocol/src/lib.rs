//! What the server and every client share: ids, REST bodies, frames, error codes and limits.
//!
//! This crate is data. It must never do I/O, hold a key or decide anything. JSON travels over REST, CBOR with
//! numbered fields over the socket; a reader skips the fields it does not know.
//!
//! One more REST body goes into the file of its feature's word; one more frame into [`frames`].
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod accounts;
pub mod admin;
pub mod announcements;
pub mod blobs;
pub mod bytes;
pub mod devices;
pub mod error;
pub mod frames;
pub mod ids;
pub mod invites;
pub mod limits;
pub mod links;
pub mod logins;
pub mod messages;
pub mod places;
pub mod prekeys;
pub mod presence;
pub mod push;
pub mod recoveries;
pub mod reports;
pub mod resets;
pub mod rooms;
#[cfg(feature = "schema")]
mod schema;
pub mod second_step;
pub mod time;
pub mod vault;

pub use bytes::{Bytes, Token};
pub use error::{ErrorCode, Problem};
pub use ids::{
    AccountId, AnnouncementId, BlobId, DeviceAddress, DeviceId, EnvelopeId, Hash, IdError, LinkId, LoginId,
    PlaceId, ReportId, RestoreEpoch, RoomId, ServerKey, Username,
};
pub use time::Timestamp;

/// Version of the protocol that this build speaks; there is no negotiation inside a version.
pub const PROTOCOL_VERSION: u8 = 1;
