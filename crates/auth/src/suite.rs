//! The one suite: ristretto255, SHA-512, triple Diffie-Hellman, Argon2id.

use opaque_ke::errors::InternalError;
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::{CipherSuite, Ristretto255, TripleDh};

/// Context string that both sides bind into every exchange.
pub(crate) const CONTEXT: &[u8] = b"conclave/v1/opaque";

/// Memory of Argon2id in KiB (64 MiB), from the table of limits in the design; also the floor below which a
/// client refuses.
pub(crate) const MEMORY_KIB: u32 = 64 * 1024;
/// Passes of Argon2id.
pub(crate) const PASSES: u32 = 3;
/// Lanes of Argon2id.
pub(crate) const LANES: u32 = 1;

pub(crate) struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_opaque::Sha512>;
    type Ksf = Stretch;
}

/// Argon2id with the pinned parameters. The salt is constant as in RFC 9807: the OPRF output is already
/// individual to account and server.
#[derive(Default)]
pub(crate) struct Stretch;

impl opaque_ke::ksf::Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let mut output = GenericArray::default();
        argon2::Params::new(MEMORY_KIB, PASSES, LANES, Some(L::to_usize()))
            .and_then(|params| {
                argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                    .hash_password_into(&input, &[0; 16], &mut output)
            })
            .map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}
