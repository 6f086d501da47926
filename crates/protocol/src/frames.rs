//! Frames of the live connection at `/api/v1/ws`: CBOR arrays with numbered fields.
//!
//! A device says [`Hello`] with its ticket and cursors; the server answers [`Welcome`], drains the device's
//! mailbox and goes on live. What a device sends is answered by [`Accepted`] or [`Distributed`] after the
//! commit, or by [`Refused`]; what a device receives it acknowledges with [`Ack`] after its own commit.
//!
//! One more frame is one more variant with a number that was never used, one arm in the server's
//! `realtime::connection` and one in the client.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::announcements::Signed;
use crate::presence::{Choices, Presence, Typing, TypingOf, Watched};
use crate::{
    AccountId, BlobId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, LinkId, PlaceId, RestoreEpoch,
    RoomId, ServerKey, Timestamp, Token,
};

/// Whether an envelope counts as unread and may wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A message to people.
    #[n(0)]
    Message,
    /// Something about another message (an edit, a reaction).
    #[n(1)]
    Annotation,
}

/// From a device to the server.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ClientFrame {
    /// First frame of a connection.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// A message to a room.
    #[n(1)]
    Send(#[n(0)] Send),
    /// Pairwise messages that belong to no room's history.
    #[n(2)]
    Distribute(#[n(0)] Distribute),
    /// Everything in the mailbox up to here is stored on the device.
    #[n(3)]
    Ack(#[n(0)] Ack),
    /// After a refusal: the device has seen it and sends the room's messages anew, in order.
    #[n(4)]
    Restart(#[n(0)] Restart),
    /// Asks for a [`ServerFrame::Pong`], so that a dead connection is noticed.
    #[n(5)]
    Ping(#[n(0)] u32),
    /// A message to a room of a group or community.
    #[n(6)]
    Post(#[n(0)] Post),
    /// Receipts, in the form of a `Distribute`. Refused where the own account gives none; what is for an account that
    /// gets none is dropped.
    #[n(20)]
    Receipts(#[n(0)] Distribute),
    /// The person writes in a room, or stopped. A signal: not answered, and dropped where it comes too often.
    #[n(21)]
    Typing(#[n(0)] Typing),
    /// Somebody uses this device, or nobody does. A connection begins with somebody.
    #[n(22)]
    Active(#[n(0)] bool),
    /// Whom this device wants to hear of, and who may hear of its account; all of them each time.
    #[n(23)]
    Watch(#[n(0)] Vec<Watched>),
}

/// From the server to a device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ServerFrame {
    /// The answer to `Hello`.
    #[n(0)]
    Welcome(#[n(0)] Welcome),
    /// A `Send` was stored.
    #[n(1)]
    Accepted(#[n(0)] Accepted),
    /// A `Distribute` was stored.
    #[n(2)]
    Distributed(#[n(0)] Distributed),
    /// A `Send` or `Distribute` was refused and left nothing behind.
    #[n(3)]
    Refused(#[n(0)] Refused),
    /// One message from the mailbox.
    #[n(4)]
    Deliver(#[n(0)] Deliver),
    /// The mailbox has been delivered whole; what follows is live.
    #[n(5)]
    Drained,
    /// The answer to `Ping`.
    #[n(6)]
    Pong(#[n(0)] u32),
    /// The connection ends, and why.
    #[n(7)]
    Closing(#[n(0)] Closing),
    /// One-time prekeys run low.
    #[n(8)]
    PrekeysLow(#[n(0)] u32),
    /// The chain of the own account, or of somebody with whom it shares a room, has grown.
    #[n(9)]
    ChainMoved(#[n(0)] ChainMoved),
    /// A new device waits for approval by one of this account's devices.
    #[n(10)]
    LinkWaiting(#[n(0)] LinkId),
    /// A message in a room of a group or community, as it was posted. Lossy: what is not told this way is found
    /// by the room's sequence.
    #[n(11)]
    Posted(#[n(0)] RoomMessage),
    /// A room of a group or community stands at this sequence; the device reads what it lacks by page.
    #[n(12)]
    RoomMoved(#[n(0)] Cursor),
    /// The chain of a group or community has grown, or the account is in it no longer.
    #[n(13)]
    PlaceMoved(#[n(0)] PlaceMoved),
    /// Somebody with whom the own account shares a room, direct or of a place, started again under their name.
    #[n(14)]
    Returned(#[n(0)] Returned),
    /// Somebody writes in a room, or stopped.
    #[n(20)]
    Typing(#[n(0)] TypingOf),
    /// Who is there, of those who are watched. Of whom nothing was said since the connection began, nothing is to be
    /// said.
    #[n(21)]
    Presence(#[n(0)] Vec<Presence>),
    /// What the own account chose: told behind `Welcome` where it chose anything, and when it changed.
    #[n(22)]
    Choices(#[n(0)] Choices),
    /// What the server says to everybody, and what it took back of it: told behind `Welcome` where there is any, and
    /// whole when it changed.
    #[n(26)]
    Announcements(#[n(0)] Vec<Signed>),
}

/// Opens a connection.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`].
    #[n(0)]
    pub version: u8,
    /// From `POST /api/v1/ws/ticket`.
    #[n(1)]
    pub ticket: Token,
    /// For each room the last sequence that the device has applied without a gap.
    #[n(2)]
    pub cursors: Vec<Cursor>,
}

/// How far a device, or the server, is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Cursor {
    /// The room.
    #[n(0)]
    pub room: RoomId,
    /// The sequence.
    #[n(1)]
    pub sequence: u64,
}

/// The server's answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Welcome {
    /// The server's clock.
    #[n(0)]
    pub time: Timestamp,
    /// Rooms of this account that stand further than the device's cursor says, with their newest sequence.
    #[n(1)]
    pub moved: Vec<Cursor>,
    /// The last envelope that was accepted from this very device. A device that does not know it was restored
    /// from an older copy.
    #[n(2)]
    pub last_accepted: Option<EnvelopeId>,
    /// One-time prekeys left for this device.
    #[n(3)]
    pub one_time_prekeys: u32,
    /// The highest mailbox sequence that this device acknowledged; zero when none. A device whose own number
    /// is lower was restored from an older copy.
    #[n(4)]
    pub acknowledged: u64,
    /// Sequence of the newest entry of the own account's chain.
    #[n(5)]
    pub head: Option<u32>,
    /// Absent until the server was put back from a backup, and another one after each time. A device that sees one
    /// that it does not know offers its prekeys anew and uploads again what the server lacks.
    #[n(6)]
    pub restore: Option<RestoreEpoch>,
    /// The key with which the server signs what it says to everybody.
    #[n(7)]
    pub server_key: Option<ServerKey>,
}

/// A chain has grown.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ChainMoved {
    /// Whose chain.
    #[n(0)]
    pub account: AccountId,
    /// Sequence of its newest entry.
    #[n(1)]
    pub head: u32,
    /// The newest entry, so that a device that is being revoked sees the proof before its connection ends.
    #[n(2)]
    pub entry: Bytes,
}

/// A sealed message to a room and its key for each device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Send {
    /// The envelope's id, made by the device. Repeats get the same answer.
    #[n(0)]
    pub id: EnvelopeId,
    /// The room.
    #[n(1)]
    pub room: RoomId,
    /// Whether it counts as unread.
    #[n(2)]
    pub class: Class,
    /// The chain heads that the sender saw, as sequences; their hashes are in the associated data.
    #[n(3)]
    pub heads: Heads,
    /// The message that an annotation belongs to.
    #[n(4)]
    pub target: Option<EnvelopeId>,
    /// The body, sealed once.
    #[n(5)]
    pub body: Bytes,
    /// Its key for each other active device of both accounts, and for no other.
    #[n(6)]
    pub keys: Vec<MessageKey>,
    /// The blobs that belong to it, which its readers may fetch. Left out where there are none.
    #[cbor(n(7), default, skip_if = "Vec::is_empty")]
    pub blobs: Vec<BlobId>,
}

/// A message to a room of a group or community, sealed once for all its readers. Answered by [`Accepted`] or
/// [`Refused`]; after a refusal nothing more is taken for the room until [`Restart`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Post {
    /// The envelope's id, made by the device. Repeats get the same answer.
    #[n(0)]
    pub id: EnvelopeId,
    /// The room.
    #[n(1)]
    pub room: RoomId,
    /// Whether it counts as unread.
    #[n(2)]
    pub class: Class,
    /// The room's epoch under whose keys it is sealed.
    #[n(3)]
    pub epoch: u32,
    /// The newest entry of the place's chain that the sender saw; its hash is in the associated data.
    #[n(4)]
    pub head: u32,
    /// The message that an annotation belongs to.
    #[n(5)]
    pub target: Option<EnvelopeId>,
    /// The first message of the thread that it belongs to.
    #[n(6)]
    pub thread: Option<EnvelopeId>,
    /// Seconds after which the server deletes it: what the room's policy says when it is sealed; none for never.
    #[n(7)]
    pub expires: Option<u32>,
    /// The sealed message.
    #[n(8)]
    pub body: Bytes,
    /// The blobs that belong to it, which its readers may fetch. Left out where there are none.
    #[cbor(n(9), default, skip_if = "Vec::is_empty")]
    pub blobs: Vec<BlobId>,
}

/// Sequences of both accounts' chain heads in a direct room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Heads {
    /// Of the lower account id.
    #[n(0)]
    pub low: u32,
    /// Of the higher account id.
    #[n(1)]
    pub high: u32,
}

/// Which of a direct room's two accounts: ids in byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Side {
    /// The account with the lower id.
    #[n(0)]
    Low,
    /// The account with the higher id.
    #[n(1)]
    High,
}

/// A message's key, sealed for one device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct MessageKey {
    /// Whose device.
    #[n(0)]
    pub side: Side,
    /// Which one.
    #[n(1)]
    pub device: DeviceId,
    /// The pairwise message that carries it.
    #[n(2)]
    pub pairwise: Bytes,
}

/// Pairwise messages outside any room's history: keys, session starts, what own devices tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Distribute {
    /// Made by the device. Repeats get the same answer.
    #[n(0)]
    pub id: EnvelopeId,
    /// One message for each addressed device.
    #[n(1)]
    pub messages: Vec<Pairwise>,
}

/// A pairwise message and the device it is for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Pairwise {
    /// The device.
    #[n(0)]
    pub to: DeviceAddress,
    /// The sealed bytes.
    #[n(1)]
    pub bytes: Bytes,
}

/// Everything up to this mailbox sequence is stored on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Ack {
    /// The mailbox sequence.
    #[n(0)]
    pub mailbox: u64,
}

/// Sends to a room begin anew after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Restart {
    /// The room.
    #[n(0)]
    pub room: RoomId,
}

/// A `Send` is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Accepted {
    /// The envelope.
    #[n(0)]
    pub id: EnvelopeId,
    /// Its place in the room.
    #[n(1)]
    pub sequence: u64,
    /// When it was accepted.
    #[n(2)]
    pub time: Timestamp,
}

/// A `Distribute` is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Distributed {
    /// Its id.
    #[n(0)]
    pub id: EnvelopeId,
}

/// A `Send` or `Distribute` was refused; its id was not used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Refused {
    /// Its id.
    #[n(0)]
    pub id: EnvelopeId,
    /// Why.
    #[n(1)]
    pub code: ErrorCode,
    /// Milliseconds after which to try again.
    #[n(2)]
    pub retry_after: Option<u32>,
}

/// One message from a device's mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Deliver {
    /// Its place in the mailbox.
    #[n(0)]
    pub mailbox: u64,
    /// The id that its sender gave it.
    #[n(1)]
    pub id: EnvelopeId,
    /// The pairwise message.
    #[n(2)]
    pub pairwise: Bytes,
    /// What it came with.
    #[n(3)]
    pub item: Item,
}

/// What a mailbox message belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Item {
    /// A message in a direct room, with its body.
    #[n(0)]
    Message(#[n(0)] DirectMessage),
    /// A control message from this device.
    #[n(1)]
    Control(#[n(0)] DeviceAddress),
    /// A receipt from this device. A receipt that comes as anything else is none.
    #[n(2)]
    Receipt(#[n(0)] DeviceAddress),
}

/// An envelope of a direct room as it is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct DirectMessage {
    /// The room.
    #[n(0)]
    pub room: RoomId,
    /// Its place in the room.
    #[n(1)]
    pub sequence: u64,
    /// Which of the two accounts sent it.
    #[n(2)]
    pub side: Side,
    /// From which device.
    #[n(3)]
    pub device: DeviceId,
    /// When the server accepted it.
    #[n(4)]
    pub time: Timestamp,
    /// Whether it counts as unread.
    #[n(5)]
    pub class: Class,
    /// The chain heads that the sender saw.
    #[n(6)]
    pub heads: Heads,
    /// The message that an annotation belongs to.
    #[n(7)]
    pub target: Option<EnvelopeId>,
    /// The sealed body.
    #[n(8)]
    pub body: Bytes,
}

/// An envelope of a room of a group or community as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RoomMessage {
    /// The room.
    #[n(0)]
    pub room: RoomId,
    /// Its place in the room.
    #[n(1)]
    pub sequence: u64,
    /// The id its sender gave it.
    #[n(2)]
    pub id: EnvelopeId,
    /// Who sent it, as the server says.
    #[n(3)]
    pub sender: DeviceAddress,
    /// When the server accepted it.
    #[n(4)]
    pub time: Timestamp,
    /// Whether it counts as unread.
    #[n(5)]
    pub class: Class,
    /// The epoch under whose keys it is sealed.
    #[n(6)]
    pub epoch: u32,
    /// The newest entry of the place's chain that the sender saw.
    #[n(7)]
    pub head: u32,
    /// The message that an annotation belongs to.
    #[n(8)]
    pub target: Option<EnvelopeId>,
    /// The first message of its thread.
    #[n(9)]
    pub thread: Option<EnvelopeId>,
    /// When the server deletes it.
    #[n(10)]
    pub expires: Option<Timestamp>,
    /// The sealed message.
    #[n(11)]
    pub body: Bytes,
}

/// The chain of a group or community has grown.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PlaceMoved {
    /// The place.
    #[n(0)]
    pub place: PlaceId,
    /// Sequence of its newest entry.
    #[n(1)]
    pub head: u32,
    /// The newest entry. An account that was removed gets the entry that did it, and nothing more of the place.
    #[n(2)]
    pub entry: Bytes,
}

/// Somebody started again under their name: an account ended, and another has its name. So the server says; nothing
/// but the password proves that it is the same person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(array)]
pub struct Returned {
    /// The account that ended.
    #[n(0)]
    pub former: AccountId,
    /// The account that has its name now.
    #[n(1)]
    pub account: AccountId,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Closing {
    /// The reason.
    #[n(0)]
    pub code: ErrorCode,
    /// Milliseconds after which to come back.
    #[n(1)]
    pub retry_after: Option<u32>,
}

/// A frame could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not a frame of this protocol")]
pub struct FrameError;

macro_rules! frame_bytes {
    ($name:ident) => {
        impl $name {
            /// The frame's bytes.
            pub fn to_bytes(&self) -> Vec<u8> {
                // Invariant: encoding into a vector cannot fail.
                minicbor::to_vec(self).unwrap_or_default()
            }

            /// The frame of these bytes; bytes behind it are refused.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
                let mut decoder = minicbor::Decoder::new(bytes);
                let frame = decoder.decode().map_err(|_| FrameError)?;
                if decoder.position() == bytes.len() {
                    Ok(frame)
                } else {
                    Err(FrameError)
                }
            }
        }
    };
}

frame_bytes!(ClientFrame);
frame_bytes!(ServerFrame);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::{PresenceState, Seen, Span};

    fn send() -> ClientFrame {
        ClientFrame::Send(Send {
            id: EnvelopeId([7; 16]),
            room: RoomId([8; 32]),
            class: Class::Message,
            heads: Heads { low: 0, high: 0 },
            target: None,
            body: Bytes(vec![1; 192]),
            keys: vec![MessageKey {
                side: Side::High,
                device: DeviceId(0),
                pairwise: Bytes(vec![2; 166]),
            }],
            blobs: Vec::new(),
        })
    }

    #[test]
    fn claimed_blobs_are_the_last_field_and_cost_nothing_where_there_are_none() {
        let ClientFrame::Send(bare) = send() else {
            panic!("no Send")
        };
        let bare_bytes = minicbor::to_vec(&bare).unwrap();
        assert_eq!(bare_bytes.first(), Some(&0x87));
        let claiming = Send {
            blobs: vec![BlobId([9; 16]), BlobId([10; 16])],
            ..bare
        };
        let bytes = minicbor::to_vec(&claiming).unwrap();
        let claims = [&[0x82, 0x50][..], &[9; 16], &[0x50], &[10; 16]].concat();
        assert_eq!(bytes, [&[0x88], &bare_bytes[1..], &claims].concat());
        assert_eq!(minicbor::decode::<Send>(&bytes).unwrap(), claiming);
    }

    #[test]
    fn frames_keep_their_value_and_refuse_every_prefix_and_tail() {
        let bytes = send().to_bytes();
        assert_eq!(ClientFrame::from_bytes(&bytes), Ok(send()));
        for length in 0..bytes.len() {
            assert!(ClientFrame::from_bytes(&bytes[..length]).is_err());
        }
        assert!(ClientFrame::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn a_field_of_a_later_version_is_skipped() {
        let ack = ClientFrame::Ack(Ack { mailbox: 5 }).to_bytes();
        // [3, [5]] becomes [3, [5, "new"]]
        assert_eq!(ack, [0x82, 3, 0x81, 0x81, 5], "the shape this test extends");
        let extended = [0x82, 3, 0x81, 0x82, 5, 0x63, b'n', b'e', b'w'];
        assert_eq!(
            ClientFrame::from_bytes(&extended),
            Ok(ClientFrame::Ack(Ack { mailbox: 5 }))
        );
    }

    #[test]
    fn an_established_100_byte_text_leaves_room_in_450_bytes() {
        assert!(send().to_bytes().len() <= 450, "{}", send().to_bytes().len());
        let deliver = ServerFrame::Deliver(Deliver {
            mailbox: 100_000,
            id: EnvelopeId([7; 16]),
            pairwise: Bytes(vec![2; 166]),
            item: Item::Message(DirectMessage {
                room: RoomId([8; 32]),
                sequence: 100_000,
                side: Side::Low,
                device: DeviceId(0),
                time: Timestamp(1_800_000_000_000),
                class: Class::Message,
                heads: Heads { low: 0, high: 0 },
                target: None,
                body: Bytes(vec![1; 192]),
            }),
        });
        assert!(deliver.to_bytes().len() <= 450, "{}", deliver.to_bytes().len());
    }

    #[test]
    fn signals_are_small_and_stand_as_they_are_written_down() {
        let (room, account) = (RoomId([8; 32]), AccountId([7; 32]));
        let typing = ClientFrame::Typing(Typing { room, active: true }).to_bytes();
        let expected = [&[0x82, 21, 0x81, 0x82, 0x58, 32][..], &[8; 32], &[0xf5]].concat();
        assert_eq!(typing, expected);
        assert_eq!(ClientFrame::Active(false).to_bytes(), [0x82, 22, 0x81, 0xf4]);
        let watched = Watched {
            account,
            contact: true,
        };
        let watch = ClientFrame::Watch(vec![watched]).to_bytes();
        let expected = [&[0x82, 23, 0x81, 0x81, 0x82, 0x58, 32][..], &[7; 32], &[0xf5]].concat();
        assert_eq!(watch, expected);
        let of = |state, seen| ServerFrame::Presence(vec![Presence { account, state, seen }]).to_bytes();
        let begin = |fields| [&[0x82, 21, 0x81, 0x81, fields, 0x58, 32][..], &[7; 32]].concat();
        let online = of(PresenceState::Online, None);
        assert_eq!(online, [&begin(0x82)[..], &[3]].concat());
        let seen = of(PresenceState::Offline, Some(Seen::Within(Span::Week)));
        assert_eq!(seen, [&begin(0x83)[..], &[0, 0x82, 1, 0x81, 1]].concat());
        let choices = ServerFrame::Choices(Choices::default()).to_bytes();
        assert_eq!(choices, [0x82, 22, 0x81, 0x84, 0, 1, 0xf5, 0xf5]);
        let full = ClientFrame::Watch(vec![watched; crate::limits::WATCHED_MAX]);
        assert!(full.to_bytes().len() <= 64 * 1024, "a control frame");
    }

    #[test]
    fn an_address_is_an_array_of_account_and_device() {
        let address = DeviceAddress {
            account: AccountId([1; 32]),
            device: DeviceId(3),
        };
        assert_eq!(minicbor::to_vec(address).unwrap().len(), 1 + 34 + 1);
    }
}
