//! The number of each kind of body. Numbers are never used again.

pub(super) const CREATE: u8 = 0;
pub(super) const DEFINE_ROLE: u8 = 1;
pub(super) const UPDATE_ROLE: u8 = 2;
pub(super) const REMOVE_ROLE: u8 = 3;
pub(super) const SET_ROLES: u8 = 4;
pub(super) const INVITE: u8 = 5;
pub(super) const REVOKE_INVITE: u8 = 6;
pub(super) const JOIN: u8 = 7;
pub(super) const REQUEST: u8 = 8;
pub(super) const APPROVE: u8 = 9;
pub(super) const DECLINE: u8 = 10;
pub(super) const ADD: u8 = 11;
pub(super) const LEAVE: u8 = 12;
pub(super) const REMOVE: u8 = 13;
pub(super) const BAN: u8 = 14;
pub(super) const UNBAN: u8 = 15;
pub(super) const MUTE_UNTIL: u8 = 16;
pub(super) const POLICY: u8 = 17;
pub(super) const METADATA: u8 = 18;
pub(super) const NICKNAME: u8 = 19;
pub(super) const CREATE_CHANNEL: u8 = 20;
pub(super) const UPDATE_CHANNEL: u8 = 21;
pub(super) const DELETE_CHANNEL: u8 = 22;
pub(super) const CREATE_CATEGORY: u8 = 23;
pub(super) const UPDATE_CATEGORY: u8 = 24;
pub(super) const DELETE_CATEGORY: u8 = 25;
pub(super) const TRANSFER: u8 = 26;
pub(super) const OBSERVE: u8 = 27;
pub(super) const CHECKPOINT: u8 = 28;
/// The last number that this version knows.
pub(super) const CLOSE: u8 = 29;
