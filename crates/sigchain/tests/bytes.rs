//! Entries from anybody: one encoding of each entry, and no bytes that make a reader panic.

use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use conclave_sigchain::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, VaultSlotInForce,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn bodies() -> impl Strategy<Value = AccountBody> {
    let key = any::<[u8; 32]>;
    let keys = move || (key(), key()).prop_map(|(signing, identity)| DeviceKeys { signing, identity });
    let signature = any::<[u8; 64]>;
    let slot = (key(), key()).prop_map(|(slot, wrapped)| VaultSlotInForce {
        slot: Hash(slot),
        wrapped: Hash(wrapped),
    });
    prop_oneof![
        (keys(), key()).prop_map(|(device, recovery)| AccountBody::Genesis { device, recovery }),
        (keys(), signature()).prop_map(|(keys, possession)| AccountBody::AddDevice { keys, possession }),
        any::<u32>().prop_map(|device| AccountBody::RevokeDevice {
            device: DeviceId(device)
        }),
        (key(), signature(), any::<bool>()).prop_map(|(recovery, possession, revoke_all)| {
            AccountBody::RotateRecovery {
                recovery,
                possession,
                revoke_all,
            }
        }),
        (any::<u32>(), vec(slot, 0..=8), any::<u64>(), key()).prop_map(
            |(generation, slots, records, head)| AccountBody::Vault(Vault {
                generation,
                slots,
                records,
                head: Hash(head),
            })
        ),
        Just(AccountBody::Close {}),
    ]
}

proptest! {
    #[test]
    fn an_entry_has_exactly_one_encoding(
        account in any::<Option<[u8; 32]>>(),
        sequence in any::<u32>(),
        previous in any::<Option<[u8; 32]>>(),
        author in prop_oneof![
            Just(Author::Recovery),
            (0..u32::MAX).prop_map(|id| Author::Device(DeviceId(id))),
        ],
        time in any::<u64>(),
        body in bodies(),
        signature in any::<[u8; 64]>(),
    ) {
        let entry = AccountEntry {
            account: account.map(AccountId),
            sequence,
            previous: previous.map(Hash),
            author,
            time: Timestamp(time),
            body,
            signature,
        };
        let bytes = entry.to_bytes();
        let read = AccountEntry::from_bytes(&bytes).unwrap();
        prop_assert_eq!(read.to_bytes(), bytes);
        prop_assert_eq!(read, entry);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(AccountEntry::from_bytes(&bytes).is_err());
        prop_assert!(AccountChain::verify(AccountId([0; 32]), [bytes.as_slice()]).is_err());
        let wrapped = Writer::new(labels::ENTRY_HASH).bytes(&bytes).fixed(&[0; 64]).finish();
        prop_assert!(AccountEntry::from_bytes(&wrapped).is_err());
    }
}
