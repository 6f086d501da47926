//! The primitives that the rows are made of, each alone, so that a profile says where a row's time goes.
//!
//! Each method does its work as often as it is told within one call, but for [`Parts::echo`], which is the call.

use core::hint::black_box;

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use libcrux_ml_kem::mlkem768;
use rand_core::Rng;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;
use x25519_dalek::{PublicKey, StaticSecret};

use crate::randomness::Randomness;

/// What a short message binds: label, session, purpose, header, and what the engine adds.
const PAIRWISE_BOUND: [u8; 320] = [0x62; 320];
/// As long as a short message.
const TEXT: [u8; 100] = [0x61; 100];
/// As long as a bundle.
const SIGNED: [u8; 1_400] = [0x73; 1_400];

/// Keys, and what was made with them.
#[wasm_bindgen]
pub struct Parts {
    secret: StaticSecret,
    public: PublicKey,
    seed: [u8; 64],
    kem_public: mlkem768::MlKem768PublicKey,
    ciphertext: mlkem768::MlKem768Ciphertext,
    verifying: VerifyingKey,
    signature: Signature,
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    Randomness.fill_bytes(&mut bytes);
    bytes
}

#[wasm_bindgen]
impl Parts {
    /// With keys of their own.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "JavaScript knows constructors alone")]
    pub fn new() -> Self {
        let seed = random();
        let (_, kem_public) = mlkem768::generate_key_pair(seed).into_parts();
        let (ciphertext, _) = mlkem768::encapsulate(&kem_public, random());
        let signing = SigningKey::from_bytes(&random());
        Self {
            secret: StaticSecret::from(random::<32>()),
            public: PublicKey::from(&StaticSecret::from(random::<32>())),
            seed,
            kem_public,
            ciphertext,
            verifying: signing.verifying_key(),
            signature: signing.sign(&SIGNED),
        }
    }

    /// An X25519 agreement.
    pub fn agree(&self, times: u32) {
        for _ in 0..times {
            black_box(self.secret.diffie_hellman(black_box(&self.public)));
        }
    }

    /// The public half of an X25519 pair.
    pub fn pair(&self, times: u32) {
        for _ in 0..times {
            black_box(PublicKey::from(black_box(&self.secret)));
        }
    }

    /// An ML-KEM key checked, and a secret sent to it.
    pub fn encapsulate(&self, times: u32) {
        for _ in 0..times {
            black_box(mlkem768::validate_public_key(black_box(&self.kem_public)));
            black_box(mlkem768::encapsulate(&self.kem_public, random()));
        }
    }

    /// An ML-KEM pair expanded from its seed, and a secret received with it.
    pub fn decapsulate(&self, times: u32) {
        for _ in 0..times {
            let pair = mlkem768::generate_key_pair(black_box(self.seed));
            black_box(mlkem768::decapsulate(pair.private_key(), &self.ciphertext));
        }
    }

    /// An Ed25519 signature over a bundle, checked strictly.
    pub fn verify(&self, times: u32) -> Result<(), JsError> {
        for _ in 0..times {
            black_box(&self.verifying).verify_strict(&SIGNED, &self.signature)?;
        }
        Ok(())
    }

    /// A compression of SHA-256.
    pub fn compress(&self, times: u32) {
        let mut state = [0; 8];
        for _ in 0..times {
            sha2::block_api::compress256(&mut state, black_box(&[[0x68; 64]]));
        }
        black_box(state);
    }

    /// A short message sealed without HKDF.
    pub fn seal(&self, times: u32) -> Result<(), JsError> {
        for _ in 0..times {
            let mut text = TEXT;
            let cipher = ChaCha20Poly1305::new(black_box(&[0x6b; 32]).into());
            let tag = cipher
                .encrypt_inout_detached(&[0; 12].into(), &PAIRWISE_BOUND, text.as_mut_slice().into())
                .map_err(|_| JsError::new("it is too long"))?;
            black_box((text, tag));
        }
        Ok(())
    }

    /// The call itself, with bytes in and bytes out.
    pub fn echo(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
}
