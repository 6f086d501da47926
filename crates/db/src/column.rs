//! How the protocol's types stand in a column: ids as their bytes, numbers and times as 64-bit integers.
//!
//! One more type of column is one more [`Stored`].

use conclave_protocol::announcements::AnnouncementKind;
use conclave_protocol::frames::Class;
use conclave_protocol::links::LinkWay;
use conclave_protocol::presence::{Availability, LastSeen};
use conclave_protocol::push::PushLevel;
use conclave_protocol::reports::Reason;
use conclave_protocol::{
    AccountId, AnnouncementId, BlobId, DeviceId, EnvelopeId, Hash, LinkId, PlaceId, ReportId, RestoreEpoch,
    RoomId, Timestamp, Username,
};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

use crate::PendingKind;

/// A value on its way into or out of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<T>(pub(crate) T);

/// A type that a column can hold.
pub(crate) trait Stored: Sized {
    /// What both engines know it as.
    type Raw;

    fn to_raw(&self) -> Self::Raw;
    fn from_raw(raw: Self::Raw) -> Result<Self, BoxDynError>;
}

impl<DB: Database, T: Stored<Raw: Type<DB>>> Type<DB> for Column<T> {
    fn type_info() -> DB::TypeInfo {
        T::Raw::type_info()
    }

    fn compatible(found: &DB::TypeInfo) -> bool {
        T::Raw::compatible(found)
    }
}

impl<'q, DB: Database, T: Stored<Raw: Encode<'q, DB>>> Encode<'q, DB> for Column<T> {
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.to_raw().encode(buffer)
    }
}

impl<'r, DB: Database, T: Stored<Raw: Decode<'r, DB>>> Decode<'r, DB> for Column<T> {
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        T::from_raw(T::Raw::decode(value)?).map(Self)
    }
}

macro_rules! bytes {
    ($($name:ident)*) => {
        $(impl Stored for $name {
            type Raw = Vec<u8>;

            fn to_raw(&self) -> Vec<u8> {
                self.0.to_vec()
            }

            fn from_raw(raw: Vec<u8>) -> Result<Self, BoxDynError> {
                raw.try_into().map(Self).map_err(|_| concat!("not a ", stringify!($name)).into())
            }
        })*
    };
}

bytes!(AccountId AnnouncementId ReportId BlobId RoomId PlaceId Hash EnvelopeId LinkId RestoreEpoch);

impl<const N: usize> Stored for [u8; N] {
    type Raw = Vec<u8>;

    fn to_raw(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn from_raw(raw: Vec<u8>) -> Result<Self, BoxDynError> {
        raw.try_into().map_err(|_| "bytes of another length".into())
    }
}

/// Numbers that the engines cannot hold stand as the largest that they can: a bound that came from outside
/// (`after`, `up_to`) then still means "beyond everything", and no clock or counter reaches it.
impl Stored for u64 {
    type Raw = i64;

    fn to_raw(&self) -> i64 {
        i64::try_from(*self).unwrap_or(i64::MAX)
    }

    fn from_raw(raw: i64) -> Result<Self, BoxDynError> {
        Ok(raw.try_into()?)
    }
}

impl Stored for u32 {
    type Raw = i64;

    fn to_raw(&self) -> i64 {
        i64::from(*self)
    }

    fn from_raw(raw: i64) -> Result<Self, BoxDynError> {
        Ok(raw.try_into()?)
    }
}

impl Stored for DeviceId {
    type Raw = i64;

    fn to_raw(&self) -> i64 {
        self.0.to_raw()
    }

    fn from_raw(raw: i64) -> Result<Self, BoxDynError> {
        u32::from_raw(raw).map(Self)
    }
}

impl Stored for Timestamp {
    type Raw = i64;

    fn to_raw(&self) -> i64 {
        self.0.to_raw()
    }

    fn from_raw(raw: i64) -> Result<Self, BoxDynError> {
        u64::from_raw(raw).map(Self)
    }
}

impl Stored for Username {
    type Raw = String;

    fn to_raw(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        Ok(raw.parse()?)
    }
}

impl Stored for Class {
    type Raw = String;

    fn to_raw(&self) -> String {
        match self {
            Self::Message => "message",
            Self::Annotation => "annotation",
        }
        .to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        match raw.as_str() {
            "message" => Ok(Self::Message),
            "annotation" => Ok(Self::Annotation),
            _ => Err("not a class".into()),
        }
    }
}

impl Stored for Availability {
    type Raw = String;

    fn to_raw(&self) -> String {
        match self {
            Self::Automatic => "automatic",
            Self::DoNotDisturb => "do_not_disturb",
            Self::Invisible => "invisible",
        }
        .to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        match raw.as_str() {
            "automatic" => Ok(Self::Automatic),
            "do_not_disturb" => Ok(Self::DoNotDisturb),
            "invisible" => Ok(Self::Invisible),
            _ => Err("not an availability".into()),
        }
    }
}

impl Stored for LastSeen {
    type Raw = String;

    fn to_raw(&self) -> String {
        match self {
            Self::Everyone => "everyone",
            Self::Contacts => "contacts",
            Self::Approximate => "approximate",
            Self::Nobody => "nobody",
        }
        .to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        match raw.as_str() {
            "everyone" => Ok(Self::Everyone),
            "contacts" => Ok(Self::Contacts),
            "approximate" => Ok(Self::Approximate),
            "nobody" => Ok(Self::Nobody),
            _ => Err("not a choice of who is told".into()),
        }
    }
}

impl Stored for PushLevel {
    type Raw = String;

    fn to_raw(&self) -> String {
        match self {
            Self::Softly => "softly",
            Self::Never => "never",
        }
        .to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        match raw.as_str() {
            "softly" => Ok(Self::Softly),
            "never" => Ok(Self::Never),
            _ => Err("not a level of waking".into()),
        }
    }
}

impl Stored for AnnouncementKind {
    type Raw = String;

    fn to_raw(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        Ok(raw.parse()?)
    }
}

impl Stored for Reason {
    type Raw = String;

    fn to_raw(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        Ok(raw.parse()?)
    }
}

impl Stored for LinkWay {
    type Raw = String;

    fn to_raw(&self) -> String {
        match self {
            Self::Scan => "scan",
            Self::Code => "code",
        }
        .to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        match raw.as_str() {
            "scan" => Ok(Self::Scan),
            "code" => Ok(Self::Code),
            _ => Err("not a way of linking".into()),
        }
    }
}

impl Stored for PendingKind {
    type Raw = String;

    fn to_raw(&self) -> String {
        match self {
            Self::Login => "login",
            Self::Recovery => "recovery",
        }
        .to_owned()
    }

    fn from_raw(raw: String) -> Result<Self, BoxDynError> {
        match raw.as_str() {
            "login" => Ok(Self::Login),
            "recovery" => Ok(Self::Recovery),
            _ => Err("not a kind of pending token".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_beyond_the_engines_stands_as_their_largest() {
        assert_eq!(u64::MAX.to_raw(), i64::MAX);
        assert_eq!(u64::from_raw(7).unwrap(), 7);
        assert!(u64::from_raw(-1).is_err());
        assert!(u32::from_raw(i64::from(u32::MAX) + 1).is_err());
    }

    #[test]
    fn bytes_of_another_length_are_no_id() {
        assert!(AccountId::from_raw(vec![0; 31]).is_err());
        assert!(EnvelopeId::from_raw(vec![0; 17]).is_err());
    }
}
