//! What the store keeps in columns, because pages and lists are asked of it.

use conclave_protocol::{AccountId, DeviceId, EnvelopeId, ErrorCode, PlaceId, RoomId, Timestamp};
use minicbor::{Decode, Encode};

use crate::content::{Annotation, Poll, Text, With};
pub use crate::places::notices::{Entry, Notice};

/// A room in the list of chats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Its id.
    pub room: RoomId,
    /// Whose room it is.
    pub kind: RoomKind,
    /// What it is called: the other person's handle, the opened name of a group or channel; empty while that is
    /// not known here.
    pub title: String,
    /// When something last happened; the list is sorted by it, newest first.
    pub active_at: Timestamp,
    /// Messages of others up to this room sequence were read here. Unread are those of others with class
    /// `message` beyond it.
    pub read_up_to: u64,
}

/// Whose room it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// Of two people, or of one with their saved messages.
    Direct {
        /// The other person, or the own account for saved messages.
        peer: AccountId,
        /// Their handle, as the server said it.
        username: String,
    },
    /// A group's one room.
    Group {
        /// The group.
        place: PlaceId,
    },
    /// A channel of a community.
    Channel {
        /// The community.
        place: PlaceId,
        /// The channel's number in it.
        channel: u32,
    },
}

impl RoomRow {
    /// The other person of a direct room.
    pub fn peer(&self) -> Option<AccountId> {
        match self.kind {
            RoomKind::Direct { peer, .. } => Some(peer),
            RoomKind::Group { .. } | RoomKind::Channel { .. } => None,
        }
    }

    /// The group or community that the room is of.
    pub fn place(&self) -> Option<PlaceId> {
        match self.kind {
            RoomKind::Direct { .. } => None,
            RoomKind::Group { place } | RoomKind::Channel { place, .. } => Some(place),
        }
    }
}

/// A message in a room's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id.
    pub id: EnvelopeId,
    /// The room.
    pub room: RoomId,
    /// Its place in the room; none while it waits in the outbox. Rows without a sequence come after all others,
    /// in order of `ordinal`.
    pub sequence: Option<u64>,
    /// Order in which this device made or received it.
    pub ordinal: u64,
    /// Who sent it.
    pub author: AccountId,
    /// From which device.
    pub device: DeviceId,
    /// Sent by the own account.
    pub mine: bool,
    /// When its sender says it was sent.
    pub sent_at: Timestamp,
    /// Counts as unread when it comes from somebody else.
    pub counts: bool,
    /// How far it got; only of meaning for own messages.
    pub delivery: Delivery,
    /// Messages of the same sender that are missing just before this one.
    pub missing_before: u32,
    /// What it says.
    pub body: MessageBody,
}

impl MessageRow {
    /// The room's sequence up to which everything was read by whoever has read this. A notice stands before the
    /// message whose sequence it has.
    pub(crate) fn place_read(&self) -> Option<u64> {
        let sequence = self.sequence?;
        Some(match self.body {
            MessageBody::Notice(_) => sequence.saturating_sub(1),
            _ => sequence,
        })
    }
}

/// How far an own message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Delivery {
    /// It waits in the outbox.
    #[n(0)]
    Queued,
    /// The server acknowledged it: it is on the server's disk.
    #[n(1)]
    Sent,
    /// A device of the other person has stored it, says its sealed receipt.
    #[n(2)]
    Delivered,
    /// The other person has seen it, says their sealed receipt.
    #[n(3)]
    Read,
    /// It was refused and stays here until it is retried or discarded.
    #[n(4)]
    Failed(#[n(0)] ErrorCode),
    /// Somebody else's message.
    #[n(5)]
    Received,
}

/// What a message says, or why it says nothing. The store keeps it as one sealed value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MessageBody {
    /// A text.
    #[n(0)]
    Text(#[n(0)] Text),
    /// Content of a kind that this version does not know.
    #[n(1)]
    Unsupported,
    /// It arrived and could not be opened here yet. Its sender is asked for its key again.
    #[n(2)]
    Unopened,
    /// This device was restored from an older copy at this point.
    #[n(3)]
    RestoredHere,
    /// It could not be opened here, and its key will not come any more.
    #[n(4)]
    Lost(#[n(0)] Loss),
    /// A poll.
    #[n(10)]
    Poll(#[n(0)] Poll),
    /// After how many seconds new messages disappear: revision and seconds.
    #[n(11)]
    Timer(#[n(0)] u32, #[n(1)] u32),
    /// Said about another message; not shown as one.
    #[n(12)]
    Annotation(#[n(0)] Annotation),
    /// Deleted for everyone, by its author or by somebody else who may.
    #[n(13)]
    Deleted(#[n(0)] bool),
    /// Nothing of it is kept or shown: deleted for the own account, disappeared, or an annotation that was refused
    /// or that a later one replaced. Its row stays, so that it does not come again.
    #[n(14)]
    Removed,
    /// The person's name belonged to another identity before.
    #[n(30)]
    IdentityChanged,
    /// What the chain of a group or community says that happened. It was derived here and never sent.
    #[n(20)]
    Notice(#[n(0)] Notice),
}

/// Why the key of a message will not come any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Loss {
    /// It is older than what a sender repeats.
    #[n(0)]
    TooOld,
    /// This very device sent it, in a time of which its store holds nothing any more.
    #[n(1)]
    SentHere,
    /// It is not what its sender sealed, or not bound to where the server shows it.
    #[n(2)]
    NotGenuine,
    /// Nobody who was asked gave its key.
    #[n(3)]
    KeyNotGiven,
}

impl MessageBody {
    /// True for a placeholder, which gives way to the message when that can be opened after all.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Unopened | Self::Lost(_))
    }

    /// True for what stands in a timeline.
    pub fn is_shown(&self) -> bool {
        !matches!(self, Self::Annotation(_) | Self::Removed)
    }

    /// True for what is new to read; placeholders may be.
    pub fn is_news(&self) -> bool {
        self.is_shown()
            && !matches!(
                self,
                Self::Timer(..) | Self::Deleted(_) | Self::RestoredHere | Self::Notice(_)
            )
    }

    /// True for what somebody wrote and others may react to.
    pub fn is_content(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Poll(_) | Self::Unsupported)
    }

    /// What is said about another message.
    pub fn annotation(&self) -> Option<&Annotation> {
        match self {
            Self::Annotation(annotation) => Some(annotation),
            _ => None,
        }
    }

    /// The message that an annotation belongs to.
    pub fn target(&self) -> Option<EnvelopeId> {
        self.annotation().map(|annotation| annotation.target)
    }

    /// What goes with it.
    pub fn with(&self) -> Option<&With> {
        match self {
            Self::Text(text) => Some(&text.with),
            Self::Poll(poll) => Some(&poll.with),
            _ => None,
        }
    }

    /// Seconds after which it disappears, where that time has not begun.
    pub fn disappears(&self) -> Option<u32> {
        self.with()
            .and_then(|with| with.disappears)
            .filter(|_| self.expires_at().is_none())
    }

    /// When it disappears here.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => text.expires_at,
            Self::Poll(poll) => poll.expires_at,
            _ => None,
        }
    }

    /// The time after which it disappears begins.
    pub(crate) fn starts_to_disappear(&mut self, from: Timestamp) {
        let Some(seconds) = self.disappears() else { return };
        let at = Some(from.plus(u64::from(seconds).saturating_mul(1_000)));
        match self {
            Self::Text(text) => text.expires_at = at,
            Self::Poll(poll) => poll.expires_at = at,
            _ => {}
        }
    }
}

impl MessageRow {
    /// True when the timeline has a place for it: it shows something, or that something is missing before it.
    pub fn is_shown(&self) -> bool {
        self.body.is_shown() || self.missing_before > 0
    }

    /// Nothing of it is kept.
    pub(crate) fn remove(&mut self) {
        self.body = MessageBody::Removed;
        self.counts = false;
    }
}
