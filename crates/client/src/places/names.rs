//! What is sealed in a place's chain, as words: names, topics, nicknames, reasons.

use std::collections::BTreeMap;

use conclave_crypto::{PlaceKey, PlaceKeyId, place_key_of};
use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, PlaceId};
use conclave_sigchain::room::{MetadataField, RoomState};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::changes::Table;
use crate::codec::Secret32;
use crate::reads::ReadError;
use crate::work::Work;

/// Which of the sealed values of a place, so that none stands for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Metadata(MetadataField),
    Nickname(AccountId),
    Role,
    Channel,
    Category,
    /// Why somebody was removed, banned or muted.
    Reason(AccountId),
}

/// What a sealed value says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Words {
    /// The name or text.
    #[n(0)]
    pub(crate) text: String,
    /// The topic of a channel, the colour of a role.
    #[n(1)]
    pub(crate) more: Option<String>,
}

/// The keys of a place that are here.
pub(crate) struct Names {
    place: PlaceId,
    keys: BTreeMap<PlaceKeyId, PlaceKey>,
}

impl Names {
    /// With these keys.
    pub(crate) fn new(place: PlaceId, keys: impl IntoIterator<Item = PlaceKey>) -> Self {
        Self {
            place,
            keys: keys.into_iter().map(|key| (key.id(), key)).collect(),
        }
    }

    /// One key.
    pub(crate) fn key(&self, id: PlaceKeyId) -> Option<&PlaceKey> {
        self.keys.get(&id)
    }

    /// What a value says; none where its key is not here or it was made up.
    pub(crate) fn open(&self, value: Value, sealed: &[u8]) -> Option<Words> {
        let key = self.keys.get(&place_key_of(sealed)?)?;
        let opened = key.open(&context(self.place, value), sealed).ok()?;
        minicbor::decode(&opened).ok()
    }

    /// One of the place's own texts; none where there is none, or where it cannot be opened.
    pub(crate) fn text(&self, state: &RoomState, field: MetadataField) -> Option<String> {
        let (_, value) = state.metadata().find(|(found, _)| *found == field)?;
        Some(self.open(Value::Metadata(field), &value.sealed)?.text)
    }

    pub(crate) fn nickname(&self, account: AccountId, sealed: &[u8]) -> Option<String> {
        Some(self.open(Value::Nickname(account), sealed)?.text)
    }

    /// Why somebody had to go; none where nothing was said, or where it cannot be opened.
    pub(crate) fn reason(&self, account: AccountId, sealed: &[u8]) -> Option<String> {
        Some(self.open(Value::Reason(account), sealed)?.text)
    }
}

/// Seals a value for the members of a place.
pub(crate) fn seal(
    key: &PlaceKey,
    place: PlaceId,
    value: Value,
    words: &Words,
    rng: &mut impl CryptoRng,
) -> Option<Vec<u8>> {
    let bytes = crate::codec::encode(words);
    key.seal(&context(place, value), &bytes, rng).ok()
}

/// Every sealed value of a state, with the sequence of the entry that brought it.
pub(crate) fn sealed_values(state: &RoomState) -> impl Iterator<Item = (u32, &[u8])> {
    let metadata = state
        .metadata()
        .map(|(_, value)| (value.sequence, value.sealed.as_slice()));
    let nicknames = state
        .members()
        .filter_map(|(_, member)| member.nickname.as_ref())
        .map(|value| (value.sequence, value.sealed.as_slice()));
    let roles = state
        .roles()
        .map(|role| (role.named, role.definition.sealed.as_slice()));
    let channels = state
        .channels()
        .map(|(_, channel)| (channel.named, channel.sealed.as_slice()));
    let categories = state
        .categories()
        .map(|(_, category)| (category.named, category.definition.sealed.as_slice()));
    metadata
        .chain(roles)
        .chain(channels)
        .chain(categories)
        .chain(nicknames)
        .filter(|(_, sealed)| !sealed.is_empty())
}

/// What binds a value to its place and meaning.
fn context(place: PlaceId, value: Value) -> Vec<u8> {
    let writer = Writer::new(labels::PLACE_VALUE).fixed(place.as_bytes());
    match value {
        Value::Metadata(field) => writer.u8(0).u8(field_number(field)),
        Value::Nickname(account) => writer.u8(1).fixed(account.as_bytes()),
        Value::Role => writer.u8(2),
        Value::Channel => writer.u8(3),
        Value::Category => writer.u8(4),
        Value::Reason(account) => writer.u8(5).fixed(account.as_bytes()),
    }
    .finish()
}

/// As an entry numbers it.
fn field_number(field: MetadataField) -> u8 {
    match field {
        MetadataField::Name => 0,
        MetadataField::Topic => 1,
        MetadataField::Icon => 2,
        MetadataField::Description => 3,
        MetadataField::Banner => 4,
        MetadataField::Emoji => 5,
    }
}

impl Work<'_> {
    /// The keys of a place that are here.
    pub(crate) fn place_names(&self, place: PlaceId) -> Result<Names, ReadError> {
        let mut keys = Vec::new();
        for (_, bytes) in self.list_bytes(Table::PlaceKeys, &place.0, u32::MAX)? {
            let key: Secret32 = crate::codec::decode(&bytes, "place key")?;
            keys.push(PlaceKey::from_bytes(&key.0));
        }
        Ok(Names::new(place, keys))
    }

    /// Keeps a key of a place. True where it is new here.
    pub(crate) fn put_place_key(&mut self, place: PlaceId, key: &PlaceKey) -> Result<bool, ReadError> {
        let record = [place.0.as_slice(), &key.id()].concat();
        if self.find_bytes(Table::PlaceKeys, &record)?.is_some() {
            return Ok(false);
        }
        self.put(Table::PlaceKeys, &record, &Secret32(*key.as_bytes()));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::testing::rng;

    const PLACE: PlaceId = PlaceId([7; 32]);

    #[test]
    fn a_value_opens_in_its_own_place_and_meaning_alone() {
        let key = PlaceKey::from_bytes(&[3; 32]);
        let name = Value::Metadata(MetadataField::Name);
        let words = Words {
            text: "Friends".into(),
            more: Some("for tea".into()),
        };
        let sealed = seal(&key, PLACE, name, &words, &mut rng()).unwrap();
        let names = Names::new(PLACE, [PlaceKey::from_bytes(&[3; 32])]);
        assert_eq!(names.open(name, &sealed), Some(words));
        let others = [
            Value::Metadata(MetadataField::Topic),
            Value::Nickname(AccountId([1; 32])),
            Value::Role,
            Value::Channel,
            Value::Category,
            Value::Reason(AccountId([1; 32])),
        ];
        for other in others {
            assert_eq!(names.open(other, &sealed), None, "{other:?}");
        }
        let elsewhere = Names::new(PlaceId([8; 32]), [PlaceKey::from_bytes(&[3; 32])]);
        assert_eq!(elsewhere.open(name, &sealed), None);
        assert_eq!(Names::new(PLACE, []).open(name, &sealed), None, "no key");
        assert_eq!(names.open(name, b""), None);
    }

    #[test]
    fn one_accounts_nickname_is_not_anothers() {
        let key = PlaceKey::from_bytes(&[3; 32]);
        let (mia, noa) = (AccountId([1; 32]), AccountId([2; 32]));
        let words = Words {
            text: "The quiet one".into(),
            more: None,
        };
        let sealed = seal(&key, PLACE, Value::Nickname(mia), &words, &mut rng()).unwrap();
        let names = Names::new(PLACE, [key]);
        assert_eq!(names.nickname(mia, &sealed).as_deref(), Some("The quiet one"));
        assert_eq!(names.nickname(noa, &sealed), None);
        assert_eq!(names.reason(mia, &sealed), None);
    }
}
