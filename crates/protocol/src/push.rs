//! Waking a device whose browser is closed: where, and for which rooms. Nothing that is pushed says what was written.

use serde::{Deserialize, Serialize};

use crate::{Bytes, RoomId};

/// Whether devices can be woken: `GET /api/v1/push`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PushState {
    /// The server's public key for it (RFC 8292), a point of P-256 without compression; absent where the server wakes
    /// nobody.
    pub key: Option<Bytes>,
    /// The asking device is woken.
    pub subscribed: bool,
}

/// Where the asking device is woken: `PUT /api/v1/push/subscription`. It takes the place of what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PushSubscribe {
    /// The address at the push service of the browser's maker.
    pub endpoint: String,
    /// The browser's public key, a point of P-256 without compression.
    pub p256dh: Bytes,
    /// The browser's secret of 16 bytes.
    pub auth: Bytes,
    /// Rooms that do not wake it as others do, each once.
    pub rooms: Vec<PushRoom>,
}

/// A room that does not wake a device as others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PushRoom {
    /// The room.
    pub room: RoomId,
    /// How it wakes.
    pub level: PushLevel,
    /// Until then, Unix milliseconds; for good where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// How a room wakes a device, where it does not as others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PushLevel {
    /// Without a sound: only what the server cannot see says whether somebody wants to hear of it.
    Softly,
    /// Not at all.
    Never,
}

/// What is pushed, before it is sealed: always as many bytes.
///
/// | byte | what |
/// |---|---|
/// | 0 | version, 1 |
/// | 1 | 1 where nothing of it comes from a room that wakes with a sound, else 0 |
/// | 2 | 1 where the room follows, else 0 |
/// | 3–34 | the one room that it is about, or zeros |
/// | 35–63 | zeros |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPayload {
    /// Without a sound.
    pub softly: bool,
    /// The one room that it is about.
    pub room: Option<RoomId>,
}

impl PushPayload {
    /// Bytes of it.
    pub const LENGTH: usize = 64;

    /// As it is sealed.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let room = self.room.map_or([0; 32], |room| room.0);
        let head = [1, u8::from(self.softly), u8::from(self.room.is_some())];
        let all = head.into_iter().chain(room);
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_says_only_in_which_room_and_how_loud_and_is_always_as_long() {
        let payload = |softly, room| PushPayload { softly, room }.to_bytes();
        let mut one = [0; 64];
        one[0] = 1;
        assert_eq!(payload(false, None), one);
        one[1] = 1;
        assert_eq!(payload(true, None), one);
        one[2] = 1;
        one[3..35].copy_from_slice(&[7; 32]);
        assert_eq!(payload(true, Some(RoomId([7; 32]))), one);
    }
}
