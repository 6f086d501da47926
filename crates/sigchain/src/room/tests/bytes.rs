//! One form of each entry, and no bytes that make a reader panic.

use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, PlaceId, Timestamp};
use ed25519_dalek::{Signer, SigningKey};
use proptest::collection::vec;
use proptest::prelude::*;

use super::people::{Person, every_body, one_of_each_kind, start_entry};
use crate::room::{
    AccountHead, Permissions, PlaceKind, Policy, RoomAuthor, RoomBody, RoomChain, RoomChainError, RoomEntry,
    RoomState,
};

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

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn the_bytes_of_places_are_what_they_were() {
    // The worked example of the document: its author's keys are made by hand, so that anybody can make it again.
    let key = SigningKey::from_bytes(&[7; 32]);
    let author = RoomAuthor {
        account: AccountId([1; 32]),
        device: DeviceId(0),
        head: AccountHead {
            sequence: 2,
            hash: Hash([3; 32]),
        },
        key: key.verifying_key().to_bytes(),
    };
    let body = RoomBody::Create {
        kind: PlaceKind::Group,
        nonce: [4; 16],
        everyone: Permissions::GROUP_DEFAULT,
        policy: Policy::default(),
    };
    let first = RoomEntry::create(author, Timestamp(1_800_000_000_000), body)
        .signed_with(|bytes| key.sign(bytes).to_bytes());
    let (chain, _) = RoomChain::begin(&first).unwrap();
    // One entry of each kind, and the state before its checkpoint.
    let place = one_of_each_kind();
    let found = [
        hex(&first.to_bytes()),
        hex(&chain.place().0),
        hex(&chain.state().hash().0),
        hex(&place.chain.head_hash().0),
        hex(&place.chain.state().hash().0),
    ];
    assert_eq!(found, PINNED, "the protocol changed: say so in docs/protocol.md");
}

const PINNED: [&str; 5] = [
    "16636f6e636c6176652f76312f656e7472792d68617368000000b316636f6e636c6176652f76312f726f6f6d2d656e74\
     727901000000000000010101010101010101010101010101010101010101010101010101010101010100000000000000\
     020303030303030303030303030303030303030303030303030303030303030303ea4a6c63e29c520abef5507b132ec5\
     f9954776aebebe7b92421eea691446d22c000001a3185c50000000040404040404040404040404040404040000000004\
     fbac30010000000000000000000056a940ab204c5029b5424ff827f2f74b4f37d44409177b65c5ff8616b788c893a727\
     c86092ffbc533d0197761b6c05312ca4f6b257a854ce15eb3c27531d7d09",
    "10dd3a6d21716ab789e5d58443e81eae28986b61eb4465f54eb026e52b09f716",
    "5edf5bc57586d4a65e0898b398a28b4303279b82caec40b02716b1171303c6a1",
    "5b260e53f43a52f29939ca2b80c7a423d21d5d7b858299d4cf4eb55bbd460fef",
    "b50484858056aa9fc7539a8590afd088d027ea0b6a56a6c991f9557537545226",
];
