//! What the vault's records hold: lists of items, CBOR, in the order in which they were put.
//!
//! One more kind of item is one more variant with a number never used before; older versions pass it over.

use conclave_protocol::{AccountId, EnvelopeId, Hash, RoomId};
use minicbor::{Decode, Decoder, Encode};
use zeroize::Zeroizing;

use crate::codec::{KeyAndHash, Secret32, SecretBytes};
use crate::user_store::Entry;

/// One thing that a new device needs.
#[derive(Encode, Decode)]
pub(crate) enum Item {
    /// What opens a message of a room: `[room, sequence, envelope, content key ‖ message hash]`.
    #[n(0)]
    Message(
        #[n(0)] RoomId,
        #[n(1)] u64,
        #[n(2)] EnvelopeId,
        #[n(3)] KeyAndHash,
    ),
    /// How far a contact's chain was seen: `[account, sequence, hash of that entry]`.
    #[n(1)]
    Head(#[n(0)] AccountId, #[n(1)] u32, #[n(2)] Hash),
    /// A vault key that was replaced, in a record of a later generation: `[generation, key]`.
    #[n(2)]
    Key(#[n(0)] u32, #[n(1)] Secret32),
    /// What the person said about somebody's identity: `[[account, name, judgment, time]]`.
    #[n(20)]
    Mark(#[n(0)] crate::trust::Mark),
    /// An account with its name, and since when it is known: `[[account, name, time]]`.
    #[n(21)]
    Known(#[n(0)] crate::trust::Known),
    /// A sender key of a room of a place, with which its messages are read: `[room, seed]`.
    #[n(3)]
    Seed(#[n(0)] RoomId, #[n(1)] SecretBytes),
    /// A message that the person deleted for themselves: `[envelope]`.
    #[n(10)]
    Removed(#[n(0)] EnvelopeId),
    /// Something that the person set: `[[name, value, time, device]]`.
    #[n(30)]
    Setting(#[n(0)] Entry),
    /// An account that the person had before they started again, and a key of its vault: `[account, generation, key]`.
    #[n(40)]
    Former(#[n(0)] AccountId, #[n(1)] u32, #[n(2)] Secret32),
}

/// How many messages an item is as long as, at most.
pub(super) fn weight(item: &Item) -> usize {
    match item {
        Item::Message(..)
        | Item::Head(..)
        | Item::Key(..)
        | Item::Removed(..)
        | Item::Mark(_)
        | Item::Former(..)
        | Item::Known(_) => 1,
        Item::Setting(entry) => entry
            .size()
            .checked_div(160)
            .unwrap_or_default()
            .saturating_add(1),
        Item::Seed(_, seed) => seed
            .0
            .len()
            .checked_div(160)
            .unwrap_or_default()
            .saturating_add(2),
    }
}

/// The content of a record.
pub(super) fn to_bytes(items: &[Item]) -> Zeroizing<Vec<u8>> {
    // Room enough that keys are not left behind by growth.
    let capacity = items
        .iter()
        .map(weight)
        .fold(0_usize, usize::saturating_add)
        .saturating_mul(160)
        .saturating_add(16);
    let mut out = Zeroizing::new(Vec::with_capacity(capacity));
    // Invariant: encoding into a vector cannot fail.
    let _ = minicbor::encode(items, &mut *out);
    out
}

/// The items of a record that this version knows; none where it is no list at all.
pub(super) fn from_bytes(bytes: &[u8]) -> Vec<Item> {
    let mut decoder = Decoder::new(bytes);
    let Ok(Some(count)) = decoder.array() else {
        return Vec::new();
    };
    let mut items = Vec::new();
    for _ in 0..count {
        let at = decoder.position();
        if let Ok(item) = decoder.decode() {
            items.push(item);
            continue;
        }
        decoder.set_position(at);
        if decoder.skip().is_err() {
            break;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_bytes_and_what_a_later_version_adds_is_passed_over() {
        let items = [
            Item::Message(
                RoomId([1; 32]),
                300,
                EnvelopeId([2; 16]),
                KeyAndHash::new(&[3; 32], &[4; 32]),
            ),
            Item::Head(AccountId([5; 32]), 7, Hash([6; 32])),
            Item::Key(8, Secret32([9; 32])),
            Item::Removed(EnvelopeId([2; 16])),
            Item::Mark(crate::trust::Mark {
                account: AccountId([10; 32]),
                username: "mia".into(),
                judgment: crate::trust::Judgment::Accepted,
                at: conclave_protocol::Timestamp(11),
            }),
            Item::Known(crate::trust::Known {
                account: AccountId([12; 32]),
                username: "mia".into(),
                since: conclave_protocol::Timestamp(13),
            }),
        ];
        let bytes = to_bytes(&items);
        let hex = |n: &str, times| n.repeat(times);
        let expected = format!(
            "868200845820{}19012c50{}5840{}{}8201835820{}075820{}820282085820{}820a8150{}\
             821481845820{}636d6961020b821581835820{}636d69610d",
            hex("01", 32),
            hex("02", 16),
            hex("03", 32),
            hex("04", 32),
            hex("05", 32),
            hex("06", 32),
            hex("09", 32),
            hex("02", 16),
            hex("0a", 32),
            hex("0c", 32)
        );
        let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown.concat(), expected);

        let mut later = vec![0x87, 0x82, 0x18, 0x63, 0x81, 0x01];
        later.extend_from_slice(&bytes[1..]);
        assert_eq!(to_bytes(&from_bytes(&later)), bytes);
    }

    #[test]
    fn a_seed_is_room_and_bytes_and_as_many_as_weigh_two_hundred_messages_fit_one_record() {
        let seed = || Item::Seed(RoomId([1; 32]), SecretBytes(Zeroizing::new(vec![2; 289])));
        let bytes = to_bytes(&[seed()]);
        let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = format!("818203825820{}590121{}", "01".repeat(32), "02".repeat(289));
        assert_eq!(shown.concat(), expected);
        assert_eq!(to_bytes(&from_bytes(&bytes)), bytes);
        assert_eq!(weight(&seed()), 3);
        let many: Vec<Item> = (0..super::super::BATCH_MAX / 3).map(|_| seed()).collect();
        let bytes = to_bytes(&many);
        assert!(bytes.len() < 160 * 3 * many.len());
        assert!(bytes.len() <= conclave_crypto::limits::MAX_VAULT_RECORD / 2);
    }

    #[test]
    fn two_hundred_messages_fit_one_record() {
        let items: Vec<Item> = (0..super::super::BATCH_MAX)
            .map(|_| {
                let key = KeyAndHash::new(&[3; 32], &[4; 32]);
                Item::Message(RoomId([1; 32]), u64::MAX, EnvelopeId([2; 16]), key)
            })
            .collect();
        let bytes = to_bytes(&items);
        assert!(bytes.len() < 160 * items.len());
        assert!(bytes.len() <= conclave_crypto::limits::MAX_VAULT_RECORD / 2);
    }

    proptest::proptest! {
        #[test]
        fn no_content_of_a_record_makes_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = from_bytes(&bytes);
        }
    }
}
