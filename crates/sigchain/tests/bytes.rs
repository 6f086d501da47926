//! Entries from anybody: one encoding of each entry, and no bytes that make a reader panic.

use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, Timestamp};
use conclave_sigchain::{AccountChain, AccountEntry, DeviceKeys};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn an_entry_has_exactly_one_encoding(
        signing in any::<[u8; 32]>(),
        identity in any::<[u8; 32]>(),
        recovery in any::<[u8; 32]>(),
        time in any::<u64>(),
        signature in any::<[u8; 64]>(),
    ) {
        let keys = DeviceKeys { signing, identity };
        let mut entry = AccountEntry::genesis(keys, recovery, Timestamp(time));
        entry.signature = signature;
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
