//! Invites, requests to join, and the proof that somebody holds an invite's link.

use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, PlaceId, Timestamp};

use super::role::RoleSet;
use super::{AccountHead, RoleId};
use crate::signature;

/// An invite, named by the sequence of the entry that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteId(pub u32);

/// What an invite offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteTerms {
    /// Public half of the Ed25519 key that grows from the 128-bit secret in the link.
    pub key: [u8; 32],
    /// How many accounts may use it; none for any number.
    pub uses: Option<u32>,
    /// The entry time after which it is void; none for never.
    pub expires: Option<Timestamp>,
    /// Whether somebody with [`super::Permissions::APPROVE`] must agree.
    pub approval: bool,
    /// Roles that it gives, in ascending order.
    pub roles: Vec<RoleId>,
}

/// An invite in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Who made it.
    pub by: AccountId,
    /// The key that signs for those who have the link.
    pub key: [u8; 32],
    /// How many more accounts may use it; none for any number.
    pub uses_left: Option<u32>,
    /// The entry time after which it is void.
    pub expires: Option<Timestamp>,
    /// Whether somebody must agree.
    pub approval: bool,
    pub(super) roles: RoleSet,
}

impl Invite {
    /// Whether the invite's key made this signature.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        signature::verify(&self.key, message, signature).is_ok()
    }

    /// Whether the invite is void at a time.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| now > expires)
    }
}

/// Somebody who waits to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// By which invite, which may have ended since.
    pub invite: InviteId,
    /// The sequence of the request.
    pub sequence: u32,
    pub(super) roles: RoleSet,
}

/// What the invite's key signs for an account that joins by it.
pub fn join_proof_bytes(place: PlaceId, invite: InviteId, account: AccountId, head: AccountHead) -> Vec<u8> {
    Writer::new(labels::ROOM_JOIN)
        .fixed(place.as_bytes())
        .u32(invite.0)
        .fixed(account.as_bytes())
        .u32(head.sequence)
        .fixed(head.hash.as_bytes())
        .finish()
}

/// What the invite's key signs for an account that reads the place's chain before it joins.
pub fn invite_read_bytes(place: PlaceId, invite: InviteId, account: AccountId) -> Vec<u8> {
    Writer::new(labels::PLACE_INVITE_READ)
        .fixed(place.as_bytes())
        .u32(invite.0)
        .fixed(account.as_bytes())
        .finish()
}
