//! Who and what a message is about.

use std::fmt;
use std::str::FromStr;

use conclave_encoding::{hash_parts, labels};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;
use uuid::Uuid;

use crate::Timestamp;
use crate::bytes::{from_base64, to_base64};
use crate::limits::{USERNAME_MAX, USERNAME_MIN};

/// Why a text is not an id or a username.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IdError {
    /// The text is not this kind of id.
    #[error("this is not a valid id")]
    Malformed,
    /// The username breaks the rule for usernames.
    #[error(
        "a name has 2 to 32 small letters, digits, dots, dashes or underscores, and begins with a letter"
    )]
    Username,
}

macro_rules! hash_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

        impl $name {
            /// The id's bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_base64(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = to_base64(&self.0);
                write!(f, concat!(stringify!($name), "({}…)"), text.get(..6).unwrap_or_default())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = from_base64(text).ok_or(IdError::Malformed)?;
                bytes.try_into().map(Self).map_err(|_| IdError::Malformed)
            }
        }

        text_serde!($name);
    };
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(de::Error::custom)
            }
        }
    };
}

hash_id! {
    /// An account: the hash of its chain's genesis entry. A username is only a handle for it.
    AccountId
}
hash_id! {
    /// A room. A direct room's id follows from its two accounts.
    RoomId
}
hash_id! {
    /// A place: a group or a community. The hash of its chain's first entry.
    PlaceId
}
hash_id! {
    /// A hash of the protocol: a chain entry, a sealed message.
    Hash
}

macro_rules! random_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_base64(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = to_base64(&self.0);
                write!(f, concat!(stringify!($name), "({}…)"), text.get(..6).unwrap_or_default())
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = from_base64(text).ok_or(IdError::Malformed)?;
                bytes.try_into().map(Self).map_err(|_| IdError::Malformed)
            }
        }

        text_serde!($name);
    };
}

random_id! {
    /// A meeting place of two devices of one account, made at random by the new one.
    LinkId
}

random_id! {
    /// Which restore from a backup a server lives behind, made at random by the restore.
    RestoreEpoch
}

hash_id! {
    /// The public half of the key with which a server signs what it says to everybody.
    ServerKey
}

random_id! {
    /// Something that the server says to everybody.
    AnnouncementId
}

random_id! {
    /// A report of a message.
    ReportId
}

random_id! {
    /// A blob, made at random by the device that uploads it. Who knows it may do nothing with it by that alone.
    BlobId
}

random_id! {
    /// A login: one sign-in of a device, for as long as it is refreshed. It names, and opens nothing.
    LoginId
}

impl RoomId {
    /// The direct room of two accounts: the hash of both ids in order. With one account twice, the room of
    /// its saved messages.
    pub fn direct(one: AccountId, other: AccountId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        Self(hash_parts(
            labels::DIRECT_ROOM,
            &[low.as_bytes(), high.as_bytes()],
        ))
    }

    /// The one room of a group: the group's own id.
    pub fn group(group: PlaceId) -> Self {
        Self(group.0)
    }

    /// A channel's room: the hash of the community's id and the channel's number.
    pub fn channel(community: PlaceId, channel: u32) -> Self {
        Self(hash_parts(
            labels::ROOM_CHANNEL,
            &[community.as_bytes(), &channel.to_be_bytes()],
        ))
    }
}

/// A device of an account: the sequence of the chain entry that added it (the genesis device is 0).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(transparent)]
#[serde(transparent)]
pub struct DeviceId(#[n(0)] pub u32);

/// A device anywhere on this server.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cbor(array)]
pub struct DeviceAddress {
    /// Whose device it is.
    #[n(0)]
    pub account: AccountId,
    /// Which one.
    #[n(1)]
    pub device: DeviceId,
}

/// An envelope, named by the device that made it: a UUIDv7, so that it carries its time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct EnvelopeId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl EnvelopeId {
    /// A new id from the caller's clock and randomness (RFC 9562, version 7).
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        Self(
            uuid::Builder::from_unix_timestamp_millis(now.0, &random)
                .into_uuid()
                .into_bytes(),
        )
    }

    /// When its maker says it was made.
    pub fn time(self) -> Timestamp {
        // RFC 9562: the first 48 bits are the milliseconds.
        Timestamp(u64::try_from(u128::from_be_bytes(self.0) >> 80).unwrap_or_default())
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Uuid::from_bytes(self.0), f)
    }
}

impl fmt::Debug for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvelopeId({self})")
    }
}

impl FromStr for EnvelopeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Uuid::parse_str(text)
            .map(|id| Self(id.into_bytes()))
            .map_err(|_| IdError::Malformed)
    }
}

text_serde!(EnvelopeId);

/// An account's handle: 2 to 32 of `a-z 0-9 . - _`, beginning with a letter. Capitals typed by a person are
/// folded on parsing, so one spelling exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// The handle's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let text = text.trim().trim_start_matches('@').to_ascii_lowercase();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        let fits = (USERNAME_MIN..=USERNAME_MAX).contains(&text.len());
        if fits && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(IdError::Username)
        }
    }
}

text_serde!(Username);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direct_room_is_the_same_from_both_sides() {
        let (a, b) = (AccountId([1; 32]), AccountId([2; 32]));
        assert_eq!(RoomId::direct(a, b), RoomId::direct(b, a));
        assert_ne!(RoomId::direct(a, b), RoomId::direct(a, a));
    }

    #[test]
    fn ids_keep_their_value_through_text() {
        let id = AccountId([0xAB; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        let envelope = EnvelopeId::new(Timestamp(1_700_000_000_123), [9; 10]);
        assert_eq!(envelope.to_string().parse(), Ok(envelope));
        assert_eq!(envelope.time(), Timestamp(1_700_000_000_123));
        let link = LinkId([0xCD; 16]);
        assert_eq!(link.to_string().parse(), Ok(link));
    }

    #[test]
    fn a_username_has_one_spelling_and_a_clear_rule() {
        assert_eq!(" @Mia.K ".parse::<Username>().unwrap().as_str(), "mia.k");
        for refused in ["", "a", "1abc", "-ab", "a b", "ä-umlaut", &"x".repeat(33)] {
            assert_eq!(refused.parse::<Username>(), Err(IdError::Username), "{refused}");
        }
    }
}
