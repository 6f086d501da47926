//! One thing that the person set, and which of two is the later one.

use std::fmt;

use conclave_protocol::{AccountId, Bytes, DeviceId, RoomId, Timestamp};
use minicbor::{Decode, Encode};

/// Longest name.
pub(super) const NAME_MAX: usize = 72;
/// Longest value that is told to other devices: a batch with one of them fits one pairwise message.
pub(super) const VALUE_MAX: usize = 1_800;
/// Bytes around name and value.
const AROUND: usize = 32;

/// What was set, when and on which device. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Entry {
    /// What it is; of a kind that a later version added, it is kept and handed on as it is.
    #[n(0)]
    pub(crate) name: Bytes,
    /// None where it was taken back.
    #[n(1)]
    pub(crate) value: Option<Bytes>,
    #[n(2)]
    pub(crate) at: Timestamp,
    #[n(3)]
    pub(crate) device: DeviceId,
}

impl Entry {
    /// Something that was set of a person, whatever the chat with them is.
    pub(crate) fn is_of_person(&self) -> bool {
        of_person_name(self.name.as_slice()).is_some()
    }

    /// True where this one stands and not the other. Every device decides the same.
    pub(super) fn is_later_than(&self, other: &Self) -> bool {
        let order = |entry: &Self| {
            (
                entry.at,
                entry.device.0,
                entry.value.as_ref().map(|value| value.0.clone()),
            )
        };
        order(self) > order(other)
    }

    /// Of a size that devices tell each other.
    pub(super) fn is_bounded(&self) -> bool {
        let value = self.value.as_ref().map_or(0, |value| value.0.len());
        (1..=NAME_MAX).contains(&self.name.0.len()) && value <= VALUE_MAX
    }

    /// About how many bytes it takes in a message or record.
    pub(crate) fn size(&self) -> usize {
        let value = self.value.as_ref().map_or(0, |value| value.0.len());
        self.name.0.len().saturating_add(value).saturating_add(AROUND)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry(..)")
    }
}

/// What may be set of a chat. The numbers are part of the stored and sent form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Field {
    /// A boolean.
    Favourite = 1,
    /// Unix milliseconds.
    MutedUntil = 2,
    /// When, in Unix milliseconds.
    ArchivedAt = 3,
    /// A boolean.
    MarkedUnread = 4,
    /// 0 everything, 1 mentions, 2 nothing.
    Level = 5,
    /// A text.
    Draft = 6,
    /// A sequence: what came up to it was deleted.
    ClearedUpTo = 7,
}

impl Field {
    pub(super) const ALL: [Self; 7] = [
        Self::Favourite,
        Self::MutedUntil,
        Self::ArchivedAt,
        Self::MarkedUnread,
        Self::Level,
        Self::Draft,
        Self::ClearedUpTo,
    ];
}

/// What may be set of a person. The numbers are part of the stored and sent form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum PersonField {
    /// A boolean: their request was accepted, or they were written to.
    Accepted = 1,
    /// A boolean.
    Blocked = 2,
    /// A text: what the person calls them.
    Nickname = 3,
}

impl PersonField {
    pub(super) const ALL: [Self; 3] = [Self::Accepted, Self::Blocked, Self::Nickname];
}

/// Names of what is set of chats begin so, of people, of folders, of everything else.
pub(super) const CHATS: &[u8] = b"r";
pub(super) const PEOPLE: &[u8] = b"p";
pub(super) const FOLDERS: &[u8] = b"f";
pub(super) const SETTINGS: &[u8] = b"s";

pub(super) fn chat_name(room: RoomId, field: Field) -> Vec<u8> {
    [CHATS, &room.0, &[field as u8]].concat()
}

/// The room and the field of a name; none of a later version.
pub(super) fn of_chat_name(name: &[u8]) -> Option<(RoomId, Field)> {
    let (room, field) = name.strip_prefix(CHATS)?.split_first_chunk::<32>()?;
    let field = Field::ALL.into_iter().find(|known| field == [*known as u8])?;
    Some((RoomId(*room), field))
}

pub(super) fn person_name(account: AccountId, field: PersonField) -> Vec<u8> {
    [PEOPLE, &account.0, &[field as u8]].concat()
}

/// The person and the field of a name; none of a later version.
pub(super) fn of_person_name(name: &[u8]) -> Option<(AccountId, PersonField)> {
    let (account, field) = name.strip_prefix(PEOPLE)?.split_first_chunk::<32>()?;
    let field = PersonField::ALL
        .into_iter()
        .find(|known| field == [*known as u8])?;
    Some((AccountId(*account), field))
}

pub(super) fn folder_name(id: [u8; 8]) -> Vec<u8> {
    [FOLDERS, &id].concat()
}

pub(super) fn setting_name(name: &str) -> Vec<u8> {
    [SETTINGS, name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_keeps_its_form_and_is_never_printed() {
        use std::fmt::Write as _;

        let entry = Entry {
            name: Bytes(chat_name(RoomId([7; 32]), Field::Draft)),
            value: Some(Bytes(vec![1, 2])),
            at: Timestamp(5),
            device: DeviceId(3),
        };
        let bytes = minicbor::to_vec(&entry).unwrap();
        let hex: String = bytes.iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        });
        assert_eq!(hex, format!("84582272{}064201020503", "07".repeat(32)));
        assert_eq!(minicbor::decode::<Entry>(&bytes).unwrap(), entry);
        assert_eq!(format!("{entry:?}"), "Entry(..)");
        assert!(bytes.len() <= entry.size());
    }

    #[test]
    fn names_are_read_back_and_those_of_a_later_version_are_none() {
        for field in Field::ALL {
            let name = chat_name(RoomId([9; 32]), field);
            assert_eq!(of_chat_name(&name), Some((RoomId([9; 32]), field)));
            assert_eq!(of_chat_name(&name[1..]), None);
            assert_eq!(of_chat_name(&name[..33]), None);
        }
        for field in PersonField::ALL {
            let name = person_name(AccountId([9; 32]), field);
            assert_eq!(of_person_name(&name), Some((AccountId([9; 32]), field)));
            assert_eq!(of_person_name(&name[1..]), None);
            assert_eq!(of_person_name(&name[..33]), None);
            assert_eq!(of_chat_name(&name), None);
        }
        let mut later = chat_name(RoomId([9; 32]), Field::Draft);
        later[33] = 200;
        assert_eq!(of_chat_name(&later), None);
    }
}
