use hkdf::Hkdf;
use sha2::Sha256;

use super::*;

#[test]
fn without_the_kem_share_the_derivation_is_that_of_x3dh() {
    let shares = |one_time: Option<[u8; 32]>| Shares {
        identity_to_signed: Zeroizing::new([1; 32]),
        ephemeral_to_identity: Zeroizing::new([2; 32]),
        ephemeral_to_signed: Zeroizing::new([3; 32]),
        ephemeral_to_one_time: one_time.map(Zeroizing::new),
        kem: None,
    };
    for one_time in [None, Some([4; 32])] {
        // X3DH section 2.2: KDF(KM) with input F ‖ KM, a salt of zeros and the application's info.
        let mut ikm = [vec![0xff; 32], vec![1; 32], vec![2; 32], vec![3; 32]].concat();
        ikm.extend(one_time.into_iter().flatten());
        let mut expected = [0; 32];
        Hkdf::<Sha256>::new(Some(&[0; 32]), &ikm)
            .expand(b"application", &mut expected)
            .unwrap();
        assert_eq!(
            *shares(one_time).root_key(b"application", b"").as_bytes(),
            expected
        );
    }
}
