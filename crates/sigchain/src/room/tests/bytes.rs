//! One form of each entry, and no bytes that make a reader panic.

use conclave_encoding::{Writer, labels};
use conclave_protocol::{Hash, PlaceId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::people::{Person, every_body, start_entry};
use crate::room::{RoomChain, RoomChainError, RoomEntry, RoomState};

#[test]
fn every_kind_of_entry_survives_its_bytes_and_nothing_near_it_does() {
    let author = Person::new(1).author;
    let bodies = every_body();
    assert_eq!(bodies.len(), 30, "one of each kind");
    for (kind, body) in bodies.into_iter().enumerate() {
        let entry = RoomEntry {
            place: Some(PlaceId([1; 32])),
            sequence: 7,
            previous: Some(Hash([2; 32])),
            author,
            time: Timestamp(9),
            body,
            signature: [3; 64],
        };
        let bytes = entry.to_bytes();
        assert_eq!(RoomEntry::from_bytes(&bytes), Ok(entry.clone()), "kind {kind}");
        for length in 0..bytes.len() {
            assert!(RoomEntry::from_bytes(&bytes[..length]).is_err());
        }
        assert!(RoomEntry::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = RoomEntry::from_bytes(&changed) {
                assert_eq!(other.to_bytes(), changed, "kind {kind}, bit {bit}: two forms");
                assert_ne!(other, entry);
            }
        }
    }
}

#[test]
fn a_newer_version_and_a_newer_kind_are_named_as_such() {
    let entry = start_entry();
    let signed = entry.signed_bytes();
    let wrap = |signed: &[u8]| {
        Writer::new(labels::ENTRY_HASH)
            .bytes(signed)
            .fixed(&[0; 64])
            .finish()
    };
    let label = labels::ROOM_ENTRY.as_bytes().len() + 1;
    let mut version = signed.clone();
    version[label] = 2;
    assert_eq!(
        RoomEntry::from_bytes(&wrap(&version)),
        Err(RoomChainError::Unsupported)
    );
    // Version, no place, sequence, no previous, account, device, head, key, time.
    let kind = label + 1 + 1 + 4 + 1 + 32 + 4 + 36 + 32 + 8;
    assert_eq!(signed[kind], 0);
    let mut unknown = signed;
    unknown[kind] = 30;
    assert_eq!(
        RoomEntry::from_bytes(&wrap(&unknown)),
        Err(RoomChainError::Unsupported)
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(RoomEntry::from_bytes(&bytes).is_err());
        prop_assert!(RoomState::from_bytes(&bytes).is_err());
        prop_assert!(RoomChain::from_bytes(&bytes).is_err());
        for label in [labels::ROOM_ENTRY, labels::ROOM_STATE, labels::ROOM_CHAIN] {
            let labelled = [Writer::new(label).u8(1).finish(), bytes.clone()].concat();
            let _ = RoomState::from_bytes(&labelled);
            let _ = RoomChain::from_bytes(&labelled);
            let entry = Writer::new(labels::ENTRY_HASH).bytes(&labelled).fixed(&[0; 64]).finish();
            if let Ok(read) = RoomEntry::from_bytes(&entry) {
                prop_assert_eq!(read.to_bytes(), entry);
            }
        }
    }
}
