//! What is sealed: the body of a message, and control payloads between devices.
//!
//! One more content kind is one more variant of [`Body`] with a number never used before, in a file of its word;
//! older versions read it as `Unsupported`. Kinds from [`ANNOTATIONS`] on say something about another message and
//! travel as annotations. Formats are pinned by the tests of `kinds`.

mod annotation;
#[cfg(test)]
mod kinds;
mod poll;
mod text;

use conclave_encoding::{Writer, labels};
use conclave_protocol::frames::{Class, Heads};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, EnvelopeId, Hash, PlaceId, RoomId, Timestamp};
use minicbor::{Decode, Encode};
use thiserror::Error;

pub(crate) use self::annotation::is_emoji;
pub use self::annotation::{Act, Annotation};
pub(crate) use self::poll::OPTIONS_MAX;
pub use self::poll::Poll;
pub(crate) use self::text::{DISAPPEARS_MAX, MENTIONS_MAX};
pub use self::text::{Text, With};
use crate::codec::{KeyAndHash, Secret32, SecretBytes};
use crate::places::keys::PlaceHead;

/// The sealed content cannot be read, though it was genuine.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the content cannot be read")]
pub(crate) struct ContentError;

/// A message's content: its place in the sender's own chain of messages in this room, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Counts the sender device's messages in the room from 0. A 0 after others begins a new chain (the device
    /// was restored from an older copy).
    pub(crate) counter: u32,
    /// Hash of the sender device's message before; zeros in the first.
    pub(crate) previous: Hash,
    pub(crate) body: Body,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Text(Text),
    Poll(Poll),
    /// After how many seconds new messages of a direct chat disappear. Revisions as of an [`Annotation`].
    Timer {
        revision: u32,
        seconds: u32,
    },
    Annotation(Annotation),
    /// Of a kind that this version does not know, or beyond a bound of its kind.
    Unsupported,
}

const KIND_TEXT: u32 = 0;
const KIND_POLL: u32 = 1;
const KIND_TIMER: u32 = 2;
/// From this kind on, contents are annotations.
const ANNOTATIONS: u32 = 16;
const KIND_EDIT: u32 = ANNOTATIONS;
const KIND_DELETE: u32 = 17;
const KIND_REACT: u32 = 18;
const KIND_PIN: u32 = 19;
const KIND_VOTE: u32 = 20;
const KIND_CLOSE: u32 = 21;

type EncodeError = minicbor::encode::Error<core::convert::Infallible>;
type DecodeError = minicbor::decode::Error;
type Encoder = minicbor::Encoder<Vec<u8>>;
type Decoder<'b> = minicbor::Decoder<'b>;

impl Content {
    /// CBOR: `[counter, previous, [kind, …]]`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = minicbor::Encoder::new(Vec::with_capacity(256));
        // Invariant: encoding into a vector cannot fail.
        let _ = self.write(&mut encoder);
        encoder.into_writer()
    }

    fn write(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.array(3)?.u32(self.counter)?.bytes(&self.previous.0)?;
        self.body.write(encoder)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ContentError> {
        Self::read(&mut minicbor::Decoder::new(bytes)).map_err(|_| ContentError)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        if decoder.array()?.is_none_or(|fields| fields < 3) {
            return Err(malformed());
        }
        let counter = decoder.u32()?;
        let previous = decoder.bytes()?.try_into().map(Hash).map_err(|_| malformed())?;
        let body = Body::read(decoder)?;
        Ok(Self {
            counter,
            previous,
            body,
        })
    }
}

fn malformed() -> DecodeError {
    minicbor::decode::Error::message("content")
}

impl Body {
    /// How the server sorts it: only what is new to read counts and wakes.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Annotation(_) => Class::Annotation,
            Self::Text(_) | Self::Poll(_) | Self::Timer { .. } | Self::Unsupported => Class::Message,
        }
    }

    /// The message that it is said about: in clear in the envelope, too.
    pub(crate) fn target(&self) -> Option<EnvelopeId> {
        match self {
            Self::Annotation(annotation) => Some(annotation.target),
            Self::Text(_) | Self::Poll(_) | Self::Timer { .. } | Self::Unsupported => None,
        }
    }

    /// The message from which its thread hangs: in clear in envelopes of rooms of places, so that a thread is found.
    pub(crate) fn thread(&self) -> Option<EnvelopeId> {
        match self {
            Self::Text(text) => text.with.thread,
            _ => None,
        }
    }

    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Text(Text { text, with, .. }) => {
                e.array(if with.is_empty() { 2 } else { 3 })?
                    .u32(KIND_TEXT)?
                    .str(text)?;
                write_with(e, with)
            }
            Self::Poll(poll) => {
                e.array(if poll.with.is_empty() { 5 } else { 6 })?
                    .u32(KIND_POLL)?;
                e.str(&poll.question)?.encode(&poll.options)?;
                e.bool(poll.multiple)?.encode(poll.closes_at)?;
                write_with(e, &poll.with)
            }
            Self::Timer { revision, seconds } => {
                e.array(3)?.u32(KIND_TIMER)?.u32(*revision)?.u32(*seconds)?;
                Ok(())
            }
            Self::Annotation(annotation) => annotation.write(e),
            // Invariant: nothing unsupported is ever sent.
            Self::Unsupported => {
                e.array(2)?.u32(KIND_TEXT)?.str("")?;
                Ok(())
            }
        }
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let Some(fields) = d.array()?.filter(|fields| *fields > 0) else {
            return Err(malformed());
        };
        let kind = d.u32()?;
        let body = match kind {
            KIND_TEXT => Self::Text(Text {
                text: d.str()?.to_owned(),
                with: read_with(d, fields, 2)?,
                expires_at: None,
            }),
            KIND_POLL => Self::Poll(Poll {
                question: d.str()?.to_owned(),
                options: d.decode()?,
                multiple: d.bool()?,
                closes_at: d.decode()?,
                with: read_with(d, fields, 5)?,
                expires_at: None,
            }),
            KIND_TIMER => Self::Timer {
                revision: d.u32()?,
                seconds: d.u32()?,
            },
            KIND_EDIT..=KIND_CLOSE => Self::Annotation(Annotation::read(d, kind, fields)?),
            _ => Self::Unsupported,
        };
        let valid = match &body {
            Self::Text(text) => text.is_valid(),
            Self::Poll(poll) => poll.is_valid(),
            Self::Timer { seconds, .. } => *seconds <= DISAPPEARS_MAX,
            Self::Annotation(annotation) => annotation.is_valid(),
            Self::Unsupported => true,
        };
        Ok(if valid { body } else { Self::Unsupported })
    }
}

impl Annotation {
    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        let (fields, kind) = match &self.act {
            Act::Edit(text) if text.with.is_empty() => (4, KIND_EDIT),
            Act::Edit(_) => (5, KIND_EDIT),
            Act::Delete => (2, KIND_DELETE),
            Act::React(..) => (5, KIND_REACT),
            Act::Pin(_) => (4, KIND_PIN),
            Act::Vote(_) => (4, KIND_VOTE),
            Act::Close => (2, KIND_CLOSE),
        };
        e.array(fields)?.u32(kind)?.encode(self.target)?;
        if !matches!(self.act, Act::Delete | Act::Close) {
            e.u32(self.revision)?;
        }
        match &self.act {
            Act::Edit(text) => {
                e.str(&text.text)?;
                write_with(e, &text.with)?;
            }
            Act::React(emoji, on) => {
                e.str(emoji)?.bool(*on)?;
            }
            Act::Pin(on) => {
                e.bool(*on)?;
            }
            Act::Vote(choices) => {
                e.encode(choices)?;
            }
            Act::Delete | Act::Close => {}
        }
        Ok(())
    }

    fn read(d: &mut Decoder<'_>, kind: u32, fields: u64) -> Result<Self, DecodeError> {
        let target = d.decode()?;
        let revision = match kind {
            KIND_DELETE | KIND_CLOSE => 0,
            _ => d.u32()?,
        };
        let act = match kind {
            KIND_EDIT => Act::Edit(Text {
                text: d.str()?.to_owned(),
                with: read_with(d, fields, 4)?,
                expires_at: None,
            }),
            KIND_DELETE => Act::Delete,
            KIND_REACT => Act::React(d.str()?.to_owned(), d.bool()?),
            KIND_PIN => Act::Pin(d.bool()?),
            KIND_VOTE => Act::Vote(d.decode()?),
            _ => Act::Close,
        };
        Ok(Self {
            target,
            revision,
            act,
        })
    }
}

fn write_with(e: &mut Encoder, with: &With) -> Result<(), EncodeError> {
    if !with.is_empty() {
        e.encode(with)?;
    }
    Ok(())
}

/// What goes with a text or a poll, where a field is there for it.
fn read_with(d: &mut Decoder<'_>, fields: u64, known: u64) -> Result<With, DecodeError> {
    if fields > known {
        d.decode()
    } else {
        Ok(With::default())
    }
}

/// A payload between two devices outside any room's history.
#[derive(Debug, Encode, Decode)]
pub(crate) enum Control {
    /// What arrived and what was seen.
    #[n(0)]
    Receipt(#[n(0)] Receipt),
    /// The session that carries it, and which messages of the receiving device could not be opened: it is asked
    /// to repeat their keys. None where it names none.
    #[n(1)]
    SessionStart(#[n(0)] Option<Vec<EnvelopeId>>),
    /// Keys of messages that the sending device sent before, for the one that asked.
    #[n(2)]
    Repeat(#[n(0)] Vec<Repeated>),
    /// To own devices: what the person has seen, and what others were told.
    #[n(3)]
    Seen(#[n(0)] Seen),
    /// To own devices: what one of them is called.
    #[n(4)]
    DeviceNamed(#[n(0)] DeviceName),
    /// The key of a generation of the account's vault, for own devices alone.
    #[n(5)]
    VaultKey(#[n(0)] u32, #[n(1)] Secret32),
    /// To own devices: messages that the person deleted for themselves.
    #[n(6)]
    Removed(#[n(0)] Vec<EnvelopeId>),
    /// To own devices: what the person said about somebody's identity.
    #[n(20)]
    Marked(#[n(0)] crate::trust::Mark),
    /// A sender key of the sending device in a room of a place: a distribution.
    #[n(10)]
    SenderKey(#[n(0)] SecretBytes),
    /// Sender keys of a room that the sending device lacks, by their chains' ids.
    #[n(11)]
    SenderKeyWanted(#[n(0)] RoomId, #[n(1)] Vec<ChainId>),
    /// Sender keys of a room for the one that asked: seeds, with which the past is read.
    #[n(12)]
    Seeds(#[n(0)] RoomId, #[n(1)] Vec<SecretBytes>),
    /// Keys of what is sealed in a place's chain, for devices of its members, with the chain's head as the sender
    /// sees it.
    #[n(13)]
    PlaceKeys(#[n(0)] PlaceId, #[n(1)] PlaceHead, #[n(2)] Vec<Secret32>),
    /// The sending device lacks keys of a place.
    #[n(14)]
    PlaceKeysWanted(#[n(0)] PlaceId, #[n(1)] PlaceHead),
    /// To own devices: what the person set.
    #[n(30)]
    UserStore(#[n(0)] Vec<crate::user_store::Entry>),
}

/// The id of one chain of sender keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct ChainId(#[cbor(n(0), with = "minicbor::bytes")] pub(crate) [u8; 16]);

/// What the other devices of the account need not do any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Seen {
    /// How far the person has read.
    #[n(0)]
    pub(crate) read: Vec<ReadUpTo>,
    /// Messages whose author was told that they arrived.
    #[n(1)]
    pub(crate) told: Vec<EnvelopeId>,
}

/// Where the person is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct ReadUpTo {
    #[n(0)]
    pub(crate) room: RoomId,
    /// The newest message that was seen.
    #[n(1)]
    pub(crate) message: EnvelopeId,
    /// Its sequence: a device that lacks the message, or refused it, knows what stands before it.
    #[n(2)]
    pub(crate) sequence: Option<u64>,
}

/// What a device of the own account is called.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct DeviceName {
    #[n(0)]
    pub(crate) device: DeviceId,
    #[n(1)]
    pub(crate) name: String,
    /// When it was named so; of several names the newest is kept.
    #[n(2)]
    pub(crate) at: Timestamp,
}

/// The key of one message, again.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Repeated {
    /// The message's room.
    #[n(0)]
    pub(crate) room: RoomId,
    /// The message.
    #[n(1)]
    pub(crate) id: EnvelopeId,
    /// As it went to each device with the message.
    #[n(2)]
    pub(crate) key: KeyAndHash,
}

/// Receipts for messages of one room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Receipt {
    /// Messages that this device stored.
    #[n(0)]
    pub(crate) delivered: Vec<EnvelopeId>,
    /// The newest message that the person has seen.
    #[n(1)]
    pub(crate) read: Option<EnvelopeId>,
    /// In a room of a place: where that message stands. A device of its author that lacks it knows by this what was
    /// seen before it.
    #[n(2)]
    pub(crate) read_at: Option<StandsAt>,
}

/// A place in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct StandsAt {
    #[n(0)]
    pub(crate) room: RoomId,
    #[n(1)]
    pub(crate) sequence: u64,
}

/// What binds a direct message's body to its place: seal and open with exactly these bytes.
pub(crate) struct MessageContext {
    pub(crate) room: RoomId,
    pub(crate) heads: Heads,
    pub(crate) low_head: Hash,
    pub(crate) high_head: Hash,
    pub(crate) sender: DeviceAddress,
    pub(crate) id: EnvelopeId,
    pub(crate) class: Class,
    pub(crate) target: Option<EnvelopeId>,
}

impl MessageContext {
    /// Associated data of the body.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        Writer::new(labels::DIRECT_MESSAGE)
            .u8(conclave_protocol::PROTOCOL_VERSION)
            .fixed(&self.room.0)
            .u32(self.heads.low)
            .fixed(&self.low_head.0)
            .u32(self.heads.high)
            .fixed(&self.high_head.0)
            .fixed(&self.sender.account.0)
            .u32(self.sender.device.0)
            .fixed(&self.id.0)
            .u8(match self.class {
                Class::Message => 0,
                Class::Annotation => 1,
            })
            .option_fixed(self.target.as_ref().map(|target| &target.0))
            .finish()
    }
}

/// Associated data of the pairwise message that carries a body's key to one device.
pub(crate) fn key_context(room: RoomId, id: EnvelopeId, from: DeviceAddress, to: DeviceAddress) -> Vec<u8> {
    Writer::new(labels::PAIRWISE_MESSAGE_KEY)
        .fixed(&room.0)
        .fixed(&id.0)
        .fixed(&from.account.0)
        .u32(from.device.0)
        .fixed(&to.account.0)
        .u32(to.device.0)
        .finish()
}

/// Associated data of a control payload to one device.
pub(crate) fn control_context(id: EnvelopeId, from: DeviceAddress, to: DeviceAddress) -> Vec<u8> {
    Writer::new(labels::PAIRWISE_CONTROL)
        .fixed(&id.0)
        .fixed(&from.account.0)
        .u32(from.device.0)
        .fixed(&to.account.0)
        .u32(to.device.0)
        .finish()
}

/// The two accounts of a direct room in order.
pub(crate) fn in_order(one: AccountId, other: AccountId) -> (AccountId, AccountId) {
    if one <= other { (one, other) } else { (other, one) }
}

/// The head that a message names of an account's chain, in the direct room of these two.
pub(crate) fn head_of(heads: Heads, account: AccountId, other: AccountId) -> u32 {
    if account <= other { heads.low } else { heads.high }
}

/// A device address from a stored key: account, then device.
pub(crate) fn address_key(address: DeviceAddress) -> [u8; 36] {
    let mut key = [0; 36];
    let (account, device) = key.split_at_mut(32);
    account.copy_from_slice(&address.account.0);
    device.copy_from_slice(&address.device.0.to_be_bytes());
    key
}

/// The address of a stored key.
pub(crate) fn address_of_key(key: &[u8]) -> Option<DeviceAddress> {
    let (account, device) = key.split_at_checked(32)?;
    Some(DeviceAddress {
        account: AccountId(account.try_into().ok()?),
        device: DeviceId(u32::from_be_bytes(device.try_into().ok()?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Content {
        Content {
            counter: 3,
            previous: Hash([7; 32]),
            body: Body::Text(text.into()),
        }
    }

    #[test]
    fn content_keeps_its_value_and_a_prefix_of_it_is_refused() {
        let bytes = content("hello").to_bytes();
        assert_eq!(Content::from_bytes(&bytes), Ok(content("hello")));
        for length in 0..bytes.len() {
            assert_eq!(
                Content::from_bytes(&bytes[..length]),
                Err(ContentError),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_100_byte_text_takes_142_bytes_at_most_up_to_65535_messages() {
        let mut long = content(&"x".repeat(100));
        long.counter = 65_535;
        assert_eq!(long.to_bytes().len(), 142);
    }

    #[test]
    fn a_kind_of_a_later_version_reads_as_unsupported_with_its_place_in_the_chain() {
        let mut bytes = content("").to_bytes();
        let kind = bytes.len() - 2;
        bytes[kind] = 23;
        let read = Content::from_bytes(&bytes).unwrap();
        assert_eq!((read.counter, read.body), (3, Body::Unsupported));
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }

    #[test]
    fn a_session_start_names_messages_and_one_of_an_earlier_version_names_none() {
        let plain = minicbor::to_vec(Control::SessionStart(None)).unwrap();
        assert_eq!(hex(&plain), "820180");
        assert!(matches!(
            minicbor::decode(&plain),
            Ok(Control::SessionStart(None))
        ));
        let names = vec![EnvelopeId([9; 16])];
        let asking = minicbor::to_vec(Control::SessionStart(Some(names.clone()))).unwrap();
        assert_eq!(hex(&asking), format!("8201818150{}", "09".repeat(16)));
        let Ok(Control::SessionStart(Some(read))) = minicbor::decode(&asking) else {
            panic!("it names one");
        };
        assert_eq!(read, names);
    }

    #[test]
    fn a_repeat_holds_room_message_and_key_and_ten_fit_one_pairwise_message() {
        let repeated = || Repeated {
            room: RoomId([8; 32]),
            id: EnvelopeId([9; 16]),
            key: KeyAndHash::new(&[1; 32], &[2; 32]),
        };
        let bytes = minicbor::to_vec(Control::Repeat(vec![repeated()])).unwrap();
        let expected = format!(
            "82028181835820{}50{}5840{}{}",
            "08".repeat(32),
            "09".repeat(16),
            "01".repeat(32),
            "02".repeat(32)
        );
        assert_eq!(hex(&bytes), expected);
        let ten = minicbor::to_vec(Control::Repeat((0..10).map(|_| repeated()).collect())).unwrap();
        // Prekey header and everything around the payload take less than the rest.
        assert!(conclave_crypto::pad(&ten).len() < conclave_protocol::limits::PAIRWISE_MAX - 1_129 - 256);
    }

    #[test]
    fn what_own_devices_tell_each_other_has_one_form() {
        let seen = Seen {
            read: vec![ReadUpTo {
                room: RoomId([8; 32]),
                message: EnvelopeId([9; 16]),
                sequence: Some(4),
            }],
            told: vec![EnvelopeId([10; 16])],
        };
        let bytes = minicbor::to_vec(Control::Seen(seen)).unwrap();
        let (room, read, told) = ("08".repeat(32), "09".repeat(16), "0a".repeat(16));
        assert_eq!(hex(&bytes), format!("8203818281835820{room}50{read}048150{told}"));
        let named = DeviceName {
            device: DeviceId(3),
            name: "Den".into(),
            at: Timestamp(5),
        };
        let bytes = minicbor::to_vec(Control::DeviceNamed(named)).unwrap();
        assert_eq!(hex(&bytes), "82048183036344656e05");
        let marked = crate::trust::Mark {
            account: AccountId([7; 32]),
            username: "mia".into(),
            judgment: crate::trust::Judgment::Verified,
            at: Timestamp(5),
        };
        let bytes = minicbor::to_vec(Control::Marked(marked)).unwrap();
        assert_eq!(
            hex(&bytes),
            format!("821481845820{}636d69610105", "07".repeat(32))
        );
    }

    #[test]
    fn as_much_as_is_told_at_once_fits_one_pairwise_message() {
        let seen = Seen {
            read: vec![
                ReadUpTo {
                    room: RoomId([8; 32]),
                    message: EnvelopeId([9; 16]),
                    sequence: Some(u64::MAX),
                };
                crate::receipts::READS_MAX
            ],
            told: vec![EnvelopeId([10; 16]); crate::receipts::RECEIPT_MAX],
        };
        let bytes = minicbor::to_vec(Control::Seen(seen)).unwrap();
        assert!(conclave_crypto::pad(&bytes).len() < conclave_protocol::limits::PAIRWISE_MAX - 1_129 - 256);
    }

    #[test]
    fn what_is_said_about_sender_keys_has_one_form_and_as_much_as_is_said_at_once_fits() {
        let bytes = |times| SecretBytes(zeroize::Zeroizing::new(vec![7; times]));
        let key = minicbor::to_vec(Control::SenderKey(bytes(3))).unwrap();
        assert_eq!(hex(&key), "820a8143070707");
        let wanted = Control::SenderKeyWanted(RoomId([8; 32]), vec![ChainId([9; 16])]);
        let (room, chain) = ("08".repeat(32), "09".repeat(16));
        assert_eq!(
            hex(&minicbor::to_vec(wanted).unwrap()),
            format!("820b825820{room}8150{chain}")
        );
        let seeds = minicbor::to_vec(Control::Seeds(RoomId([8; 32]), vec![bytes(1)])).unwrap();
        assert_eq!(hex(&seeds), format!("820c825820{room}814107"));
        let most = (0..crate::posting::WANTED_MAX).map(|_| bytes(289)).collect();
        let most = minicbor::to_vec(Control::Seeds(RoomId([8; 32]), most)).unwrap();
        assert!(conclave_crypto::pad(&most).len() <= conclave_crypto::limits::MAX_PAIRWISE_PLAINTEXT);
        let wanted = vec![ChainId([9; 16]); crate::posting::WANTED_MAX];
        let wanted = minicbor::to_vec(Control::SenderKeyWanted(RoomId([8; 32]), wanted)).unwrap();
        assert!(conclave_crypto::pad(&wanted).len() <= conclave_crypto::limits::MAX_PAIRWISE_PLAINTEXT);
        assert_eq!(format!("{:?}", bytes(3)), "SecretBytes(..)");
    }

    #[test]
    fn keys_of_a_place_have_one_form_and_as_many_as_are_told_at_once_fit_one_pairwise_message() {
        let head = PlaceHead {
            sequence: 5,
            hash: Hash([7; 32]),
        };
        let wanted = minicbor::to_vec(Control::PlaceKeysWanted(PlaceId([8; 32]), head)).unwrap();
        let (place, hash) = ("08".repeat(32), "07".repeat(32));
        assert_eq!(hex(&wanted), format!("820e825820{place}82055820{hash}"));
        let keys = vec![Secret32([9; 32])];
        let told = minicbor::to_vec(Control::PlaceKeys(PlaceId([8; 32]), head, keys)).unwrap();
        let key = "09".repeat(32);
        assert_eq!(hex(&told), format!("820d835820{place}82055820{hash}815820{key}"));
        let keys = (0..crate::places::keys::KEYS_MAX)
            .map(|_| Secret32([9; 32]))
            .collect();
        let bytes = minicbor::to_vec(Control::PlaceKeys(PlaceId([8; 32]), head, keys)).unwrap();
        assert!(conclave_crypto::pad(&bytes).len() < conclave_protocol::limits::PAIRWISE_MAX - 1_129 - 256);
    }

    #[test]
    fn an_address_survives_its_key() {
        let address = DeviceAddress {
            account: AccountId([5; 32]),
            device: DeviceId(9),
        };
        assert_eq!(address_of_key(&address_key(address)), Some(address));
        assert_eq!(address_of_key(&[0; 35]), None);
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_survives_its_bytes(counter in any::<u32>(), previous in any::<[u8; 32]>(), text in ".{0,300}") {
            let content = Content { counter, previous: Hash(previous), body: Body::Text(text.into()) };
            prop_assert_eq!(Content::from_bytes(&content.to_bytes()), Ok(content));
        }

        #[test]
        fn no_sealed_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Content::from_bytes(&bytes);
            let _ = minicbor::decode::<Control>(&bytes);
        }
    }
}
