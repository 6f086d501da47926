//! Words of notices whose key is not here yet: a device that was just added reads the chain before another one hands it
//! the keys of names. They are kept sealed until the key comes, for the chain's entries are not kept.

use conclave_protocol::{Bytes, EnvelopeId, PlaceId, RoomId};
use conclave_sigchain::room::{Departure, MetadataField, RoomEvent, RoomState};
use minicbor::{Decode, Encode};

use super::names::{Names, Value};
use super::notices::Notice;
use crate::changes::Table;
use crate::codec;
use crate::reads::ReadError;
use crate::rows::MessageBody;
use crate::work::Work;

const UNOPENED: &[u8] = b"unopened/";
/// Words that are kept for one place; of more, the notices stay as they are.
const KEPT_MAX: usize = 1_000;

#[derive(Encode, Decode)]
struct Unopened {
    #[n(0)]
    row: EnvelopeId,
    #[n(1)]
    sealed: Bytes,
}

/// The sealed words of what a notice tells of, where the notice lacks them.
pub(super) fn sealed_words(state: &RoomState, event: &RoomEvent, notice: &Notice) -> Option<Vec<u8>> {
    let of_field = |field| {
        let found = state.metadata().find(|(found, _)| *found == field);
        found.map(|(_, value)| value.sealed.clone())
    };
    let sealed = match (notice, event) {
        (Notice::Renamed(None), _) => of_field(MetadataField::Name),
        (Notice::TopicChanged(None), _) => of_field(MetadataField::Topic),
        (Notice::NicknameChanged(account, None), _) => {
            let nickname = state.member(*account)?.nickname.as_ref();
            nickname.map(|value| value.sealed.clone())
        }
        (
            Notice::Removed(_, None) | Notice::Banned(_, None) | Notice::Muted(_, _, None),
            RoomEvent::Departed(_, Departure::Removed(reason) | Departure::Banned(reason))
            | RoomEvent::Banned(_, reason)
            | RoomEvent::Muted(_, _, reason),
        ) => Some(reason.clone()),
        _ => None,
    };
    sealed.filter(|sealed| !sealed.is_empty())
}

/// A notice with its words, once they open.
fn with_words(notice: &Notice, names: &Names, sealed: &[u8]) -> Option<Notice> {
    Some(match notice {
        Notice::Renamed(_) => {
            let words = names.open(Value::Metadata(MetadataField::Name), sealed)?;
            Notice::Renamed(Some(words.text))
        }
        Notice::TopicChanged(_) => {
            let words = names.open(Value::Metadata(MetadataField::Topic), sealed)?;
            Notice::TopicChanged(Some(words.text))
        }
        Notice::NicknameChanged(account, _) => {
            Notice::NicknameChanged(*account, Some(names.nickname(*account, sealed)?))
        }
        Notice::Removed(account, _) => Notice::Removed(*account, Some(names.reason(*account, sealed)?)),
        Notice::Banned(account, _) => Notice::Banned(*account, Some(names.reason(*account, sealed)?)),
        Notice::Muted(account, until, _) => {
            Notice::Muted(*account, *until, Some(names.reason(*account, sealed)?))
        }
        _ => return None,
    })
}

impl Work<'_> {
    /// Keeps the words of a notice until their key is here.
    pub(super) fn keep_unopened(
        &mut self,
        room: RoomId,
        row: EnvelopeId,
        sealed: Vec<u8>,
    ) -> Result<(), ReadError> {
        let Some(place) = self.place_of(room)? else {
            return Ok(());
        };
        let prefix = prefix(place);
        if self.list_bytes(Table::Places, &prefix, u32::MAX)?.len() < KEPT_MAX {
            let unopened = Unopened {
                row,
                sealed: Bytes(sealed),
            };
            self.put(Table::Places, &[&prefix, row.0.as_slice()].concat(), &unopened);
        }
        Ok(())
    }

    /// Keys came: notices say what they lacked.
    pub(super) fn open_notices(&mut self, place: PlaceId) -> Result<(), ReadError> {
        let names = self.place_names(place)?;
        for (key, bytes) in self.list_bytes(Table::Places, &prefix(place), u32::MAX)? {
            let unopened: Unopened = codec::decode(&bytes, "unopened notice")?;
            let Some(mut row) = self.find_message(unopened.row)? else {
                self.delete(Table::Places, &key);
                continue;
            };
            let MessageBody::Notice(notice) = &row.body else {
                self.delete(Table::Places, &key);
                continue;
            };
            if let Some(opened) = with_words(notice, &names, unopened.sealed.as_slice()) {
                row.body = MessageBody::Notice(opened);
                self.put_message(row);
                self.delete(Table::Places, &key);
            }
        }
        Ok(())
    }
}

fn prefix(place: PlaceId) -> Vec<u8> {
    [UNOPENED, &place.0].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::names::{Words, seal};
    use crate::work::testing::rng;
    use conclave_crypto::PlaceKey;
    use conclave_protocol::{AccountId, Timestamp};

    const PLACE: PlaceId = PlaceId([7; 32]);
    const MIA: AccountId = AccountId([1; 32]);

    #[test]
    fn every_notice_with_words_gets_them_from_the_key_that_comes_later_and_from_no_other() {
        let words = Words {
            text: "Otters".into(),
            more: None,
        };
        let text = || Some("Otters".to_owned());
        let until = Timestamp(7);
        let cases = [
            (
                Value::Metadata(MetadataField::Name),
                Notice::Renamed(None),
                Notice::Renamed(text()),
            ),
            (
                Value::Metadata(MetadataField::Topic),
                Notice::TopicChanged(None),
                Notice::TopicChanged(text()),
            ),
            (
                Value::Nickname(MIA),
                Notice::NicknameChanged(MIA, None),
                Notice::NicknameChanged(MIA, text()),
            ),
            (
                Value::Reason(MIA),
                Notice::Removed(MIA, None),
                Notice::Removed(MIA, text()),
            ),
            (
                Value::Reason(MIA),
                Notice::Banned(MIA, None),
                Notice::Banned(MIA, text()),
            ),
            (
                Value::Reason(MIA),
                Notice::Muted(MIA, until, None),
                Notice::Muted(MIA, until, text()),
            ),
        ];
        for (value, before, after) in cases {
            let key = PlaceKey::from_bytes(&[3; 32]);
            let sealed = seal(&key, PLACE, value, &words, &mut rng()).unwrap();
            let names = Names::new(PLACE, [key]);
            assert_eq!(with_words(&before, &names, &sealed), Some(after));
            let others = Names::new(PLACE, [PlaceKey::from_bytes(&[4; 32])]);
            assert_eq!(with_words(&before, &others, &sealed), None, "{before:?}");
        }
        let names = Names::new(PLACE, []);
        assert_eq!(with_words(&Notice::Created, &names, b"x"), None);
    }
}
