//! What the server takes for the size of a sealed file is what sealing makes.

use std::collections::BTreeSet;

use conclave_crypto::attachments::sealed_length;
use conclave_crypto::limits::MAX_ATTACHMENT;
use conclave_protocol::blobs::is_sealed_size;
use conclave_protocol::limits::BLOB_MAX;

#[test]
fn the_server_takes_the_sizes_of_sealed_files_and_no_others() {
    let sealed: BTreeSet<u64> = (0..300_000).filter_map(sealed_length).collect();
    let most = sealed.iter().next_back().copied().unwrap();
    let taken: BTreeSet<u64> = (0..=most).filter(|size| is_sealed_size(*size)).collect();
    assert_eq!(taken, sealed);
    for length in
        (18..=32).flat_map(|power| [-1_i64, 0, 1].map(|step| (1_u64 << power).saturating_add_signed(step)))
    {
        if let Some(size) = sealed_length(length) {
            assert!(is_sealed_size(size), "{length}");
            assert!(!is_sealed_size(size + 1), "{length}");
        }
    }
    assert_eq!(sealed_length(MAX_ATTACHMENT), Some(BLOB_MAX));
}
