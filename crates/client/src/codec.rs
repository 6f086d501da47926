//! Stored records as CBOR with numbered fields, written and read in one place.

use minicbor::{Decode, Encode};
use zeroize::{Zeroize, Zeroizing};

use crate::reads::ReadError;

/// 32 secret bytes inside a record. No `Debug`, no `Clone`; wiped on drop.
#[derive(Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Secret32(#[cbor(n(0), with = "minicbor::bytes")] pub(crate) [u8; 32]);

impl Drop for Secret32 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A record's bytes; they may hold secrets.
pub(crate) fn encode<T: Encode<()>>(value: &T) -> Zeroizing<Vec<u8>> {
    // Room enough that secrets are not left behind by growth; larger records hold no keys of their own.
    let mut out = Zeroizing::new(Vec::with_capacity(4096));
    // Invariant: encoding into a vector cannot fail.
    let _ = minicbor::encode(value, &mut *out);
    out
}

/// The record of these bytes.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], what: &str) -> Result<T, ReadError> {
    minicbor::decode(bytes).map_err(|_| ReadError(format!("the record «{what}» is damaged")))
}
