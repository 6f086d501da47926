//! The same rows as bare calls into the primitives' crates: what is left of each when the protocol costs nothing.
//!
//! Inputs have the lengths that the protocol gives them, and each secret is drawn where the protocol draws one. A
//! key that the protocol keeps is kept here, too. Nothing is parsed, framed, stored or cleared.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use conclave_crypto::limits::MAX_CONTENT;
use conclave_crypto::padded_length;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use libcrux_ml_kem::mlkem768;
use rand_core::Rng as _;
use sha2::{Digest as _, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::ours::{BOUND, FILE};
use crate::rows::{By, Operation, Row, TEXT};

/// Bytes that a pairwise seal binds: label, version, suite, transcript, purpose, header, and the caller's.
const PAIRWISE_BOUND: usize = 36 + 2 + 32 + (4 + 31) + (4 + 52) + 4 + BOUND.len();
/// Bytes that a room message's seal binds: label, version, suite, the chain's place, iteration, random bytes, and the
/// caller's.
const ROOM_BOUND: usize = 38 + 2 + 32 + 4 + 36 + 16 + 4 + 16 + 4 + 128;
/// Bytes of a room message without its signature: header, commitment, padded text, tag.
const ROOM_MESSAGE: usize = 1 + 16 + 2 + 16 + 32 + 104 + 16;
/// Bytes that a room message's signature covers: label and hash.
const ROOM_SIGNED: usize = 32 + 32;
/// Signed bytes of a one-time prekey entry.
const BUNDLE: usize = 1337;
/// Bytes of a handshake's transcript with a one-time prekey.
const TRANSCRIPT: usize = 2610;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        encrypt_steady(),
        decrypt_steady(),
        ping_pong(),
        group_encrypt(),
        group_decrypt(),
        first_initiator(),
        first_responder(),
        seal(Row::Seal1K, 1000),
        open(Row::Open1K, 1000),
        seal(Row::SealLargest, MAX_CONTENT),
        open(Row::OpenLargest, MAX_CONTENT),
        seal_file(),
        open_file(),
    ]
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

fn hmac(key: &[u8; 32], byte: u8) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes every key");
    mac.update(&[byte]);
    mac.finalize().into_bytes().into()
}

fn hkdf<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; N] {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(Some(salt), input)
        .expand(info, &mut output)
        .expect("the output is short");
    output
}

/// The second half of HKDF alone.
fn expand(input: &[u8; 32], info: &[u8]) -> [u8; 64] {
    let mut output = [0; 64];
    Hkdf::<Sha256>::from_prk(input)
        .expect("the input is as long as a hash")
        .expand(info, &mut output)
        .expect("the output is short");
    output
}

fn keypair() -> (StaticSecret, PublicKey) {
    let secret = StaticSecret::from(random::<32>());
    let public = PublicKey::from(&secret);
    (secret, public)
}

/// Nonces cost the same whatever they are.
const NONCE: [u8; 12] = [0; 12];

fn cipher(expanded: &[u8; 64]) -> ChaCha20Poly1305 {
    let (key, _) = expanded.split_first_chunk::<32>().expect("64 bytes hold a key");
    ChaCha20Poly1305::new(key.into())
}

fn encrypt(expanded: &[u8; 64], bound: &[u8], text: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: text,
        aad: bound,
    };
    cipher(expanded)
        .encrypt(&NONCE.into(), payload)
        .expect("it encrypts")
}

fn decrypt(expanded: &[u8; 64], bound: &[u8], sealed: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: sealed,
        aad: bound,
    };
    cipher(expanded)
        .decrypt(&NONCE.into(), payload)
        .expect("it decrypts")
}

/// A symmetric chain, and the expansion of its message keys.
struct Chain([u8; 32]);

impl Chain {
    fn step(&mut self, random: &[u8; 16]) -> [u8; 64] {
        let message_key = hmac(&self.0, 1);
        self.0 = hmac(&self.0, 2);
        let mut info = [0x6d; 27 + 16];
        info[27..].copy_from_slice(random);
        expand(&message_key, &info)
    }

    fn encrypt(&mut self) -> ([u8; 16], Vec<u8>) {
        let random = random();
        (
            random,
            encrypt(&self.step(&random), &[0x62; PAIRWISE_BOUND], &TEXT),
        )
    }

    fn decrypt(&mut self, (random, sealed): &([u8; 16], Vec<u8>)) -> Vec<u8> {
        decrypt(&self.step(random), &[0x62; PAIRWISE_BOUND], sealed)
    }
}

/// KDF_RK.
fn turn(root: &mut [u8; 32], shared: &[u8; 32]) -> Chain {
    let output = hkdf::<64>(root, shared, &[0x72; 24]);
    let (next, chain) = output.split_first_chunk::<32>().expect("64 bytes hold two keys");
    *root = *next;
    Chain(*chain.first_chunk().expect("64 bytes hold two keys"))
}

fn encrypt_steady() -> Operation {
    let mut chain = Chain([1; 32]);
    Operation::repeated(Row::EncryptSteady, By::Primitives, move || chain.encrypt())
}

fn decrypt_steady() -> Operation {
    let (mut sending, mut receiving) = (Chain([1; 32]), Chain([1; 32]));
    Operation::prepared(
        Row::DecryptSteady,
        By::Primitives,
        move || sending.encrypt(),
        move |message| receiving.decrypt(message),
    )
}

/// One message in a new direction: a new pair and an agreement on each side.
fn ping(root: &mut [u8; 32], receiver: &(StaticSecret, PublicKey)) -> (StaticSecret, PublicKey) {
    let sender = keypair();
    let mut receiver_root = *root;
    let message = turn(root, sender.0.diffie_hellman(&receiver.1).as_bytes()).encrypt();
    turn(
        &mut receiver_root,
        receiver.0.diffie_hellman(&sender.1).as_bytes(),
    )
    .decrypt(&message);
    sender
}

fn ping_pong() -> Operation {
    let (mut root, mut last) = ([1; 32], keypair());
    Operation::repeated(Row::PingPong, By::Primitives, move || {
        last = ping(&mut root, &last);
        last = ping(&mut root, &last);
    })
}

/// Chain step, seal, hash of message and associated data, signature over the hash.
struct Room {
    chain: Chain,
    bound: [u8; ROOM_BOUND],
}

struct RoomMessage {
    random: [u8; 16],
    sealed: Vec<u8>,
    signature: Signature,
}

impl Room {
    fn new() -> Self {
        Self {
            chain: Chain([1; 32]),
            bound: [0x62; ROOM_BOUND],
        }
    }

    fn signed(&self, sealed: &[u8]) -> [u8; ROOM_SIGNED] {
        let mut message = [0x6d; ROOM_MESSAGE];
        let length = sealed.len().min(ROOM_MESSAGE);
        message[..length].copy_from_slice(&sealed[..length]);
        let hash = Sha256::new_with_prefix(message)
            .chain_update(self.bound)
            .finalize();
        let mut signed = [0x73; ROOM_SIGNED];
        signed[32..].copy_from_slice(&hash);
        signed
    }

    fn encrypt(&mut self, signing: &SigningKey) -> RoomMessage {
        let random = random();
        let sealed = encrypt(&self.chain.step(&random), &self.bound, &[0x61; 104]);
        let signature = signing.sign(&self.signed(&sealed));
        RoomMessage {
            random,
            sealed,
            signature,
        }
    }

    fn decrypt(&mut self, message: &RoomMessage, verifying: &VerifyingKey) -> Vec<u8> {
        verifying
            .verify_strict(&self.signed(&message.sealed), &message.signature)
            .expect("it is the sender's");
        decrypt(&self.chain.step(&message.random), &self.bound, &message.sealed)
    }
}

fn group_encrypt() -> Operation {
    let (mut room, signing) = (Room::new(), SigningKey::from_bytes(&[2; 32]));
    Operation::repeated(Row::GroupEncrypt, By::Primitives, move || room.encrypt(&signing))
}

fn group_decrypt() -> Operation {
    let signing = SigningKey::from_bytes(&[2; 32]);
    let verifying = signing.verifying_key();
    let (mut sending, mut receiving) = (Room::new(), Room::new());
    Operation::prepared(
        Row::GroupDecrypt,
        By::Primitives,
        move || sending.encrypt(&signing),
        move |message| receiving.decrypt(message, &verifying),
    )
}

/// The responder's keys.
struct Responder {
    identity: (StaticSecret, PublicKey),
    signed: (StaticSecret, PublicKey),
    one_time: (StaticSecret, PublicKey),
    kem_seed: [u8; 64],
    kem_public: [u8; 1184],
    verifying: VerifyingKey,
    bundle: [u8; BUNDLE],
    signature: Signature,
}

impl Responder {
    fn new() -> Self {
        let (signing, bundle) = (SigningKey::from_bytes(&[2; 32]), [0x73; BUNDLE]);
        let kem_seed = random();
        Self {
            identity: keypair(),
            signed: keypair(),
            one_time: keypair(),
            kem_seed,
            kem_public: *mlkem768::generate_key_pair(kem_seed).pk(),
            verifying: signing.verifying_key(),
            bundle,
            signature: signing.sign(&bundle),
        }
    }
}

/// What the initiator sends, as far as the primitives see it.
struct First {
    ephemeral: PublicKey,
    ciphertext: [u8; 1088],
    ratchet: PublicKey,
    message: ([u8; 16], Vec<u8>),
}

fn root_key(shares: &[&[u8]; 6]) -> [u8; 32] {
    let transcript = Sha256::digest([0x74; TRANSCRIPT]);
    let mut info = [0x68; 25 + 32];
    info[25..].copy_from_slice(&transcript);
    hkdf(&[0; 32], &shares.concat(), &info)
}

fn begin(identity: &(StaticSecret, PublicKey), peer: &Responder) -> First {
    peer.verifying
        .verify_strict(&peer.bundle, &peer.signature)
        .expect("it is the peer's");
    let kem_public = peer.kem_public.into();
    assert!(mlkem768::validate_public_key(&kem_public), "the key is good");
    let (ephemeral, ephemeral_public) = keypair();
    let (ciphertext, kem_secret) = mlkem768::encapsulate(&kem_public, random());
    let mut root = root_key(&[
        &[0xff; 32],
        identity.0.diffie_hellman(&peer.signed.1).as_bytes(),
        ephemeral.diffie_hellman(&peer.identity.1).as_bytes(),
        ephemeral.diffie_hellman(&peer.signed.1).as_bytes(),
        ephemeral.diffie_hellman(&peer.one_time.1).as_bytes(),
        &kem_secret,
    ]);
    let ratchet = keypair();
    let message = turn(&mut root, ratchet.0.diffie_hellman(&peer.signed.1).as_bytes()).encrypt();
    First {
        ephemeral: ephemeral_public,
        ciphertext: ciphertext.into(),
        ratchet: ratchet.1,
        message,
    }
}

fn answer(own: &Responder, identity: &PublicKey, first: &First) -> Vec<u8> {
    let kem = mlkem768::generate_key_pair(own.kem_seed);
    let kem_secret = mlkem768::decapsulate(kem.private_key(), &first.ciphertext.into());
    let mut root = root_key(&[
        &[0xff; 32],
        own.signed.0.diffie_hellman(identity).as_bytes(),
        own.identity.0.diffie_hellman(&first.ephemeral).as_bytes(),
        own.signed.0.diffie_hellman(&first.ephemeral).as_bytes(),
        own.one_time.0.diffie_hellman(&first.ephemeral).as_bytes(),
        &kem_secret,
    ]);
    turn(&mut root, own.signed.0.diffie_hellman(&first.ratchet).as_bytes()).decrypt(&first.message)
}

fn first_initiator() -> Operation {
    let (identity, peer) = (keypair(), Responder::new());
    Operation::repeated(Row::FirstInitiator, By::Primitives, move || {
        begin(&identity, &peer)
    })
}

fn first_responder() -> Operation {
    let (identity, own) = (keypair(), std::rc::Rc::new(Responder::new()));
    let peer = own.clone();
    let sender = identity.1;
    Operation::prepared(
        Row::FirstResponder,
        By::Primitives,
        move || begin(&identity, &peer),
        move |first| answer(&own, &sender, first),
    )
}

fn seal(row: Row, length: usize) -> Operation {
    let text = vec![0x61; padded_length(length)];
    Operation::prepared(row, By::Primitives, random::<32>, move |key| {
        encrypt(&expand(key, &[0x63; 23]), &BOUND, &text)
    })
}

fn open(row: Row, length: usize) -> Operation {
    let key: [u8; 32] = random();
    let sealed = encrypt(
        &expand(&key, &[0x63; 23]),
        &BOUND,
        &vec![0x61; padded_length(length)],
    );
    Operation::repeated(row, By::Primitives, move || {
        decrypt(&expand(&key, &[0x63; 23]), &BOUND, &sealed)
    })
}

/// Chunks of 16 KiB and the empty one that ends them, each under its own nonce, and the hash of the whole.
fn seal_file() -> Operation {
    let file = vec![0x61; FILE];
    Operation::prepared(Row::SealFile, By::Primitives, random::<32>, move |key| {
        let key = hkdf(&random::<24>(), key, &[0x63; 80]);
        let chunks: Vec<Vec<u8>> = chunks(&file).map(|chunk| encrypt(&key, &[], chunk)).collect();
        let mut hash = Sha256::new();
        for chunk in &chunks {
            hash.update(chunk);
        }
        (hash.finalize(), chunks)
    })
}

fn open_file() -> Operation {
    let (key, salt): ([u8; 32], [u8; 24]) = (random(), random());
    let file = vec![0x61; FILE];
    let derived = hkdf(&salt, &key, &[0x63; 80]);
    let sealed: Vec<Vec<u8>> = chunks(&file).map(|chunk| encrypt(&derived, &[], chunk)).collect();
    Operation::repeated(Row::OpenFile, By::Primitives, move || {
        let derived = hkdf(&salt, &key, &[0x63; 80]);
        let mut hash = Sha256::new();
        let opened: Vec<Vec<u8>> = sealed
            .iter()
            .map(|chunk| {
                hash.update(chunk);
                decrypt(&derived, &[], chunk)
            })
            .collect();
        (hash.finalize(), opened)
    })
}

fn chunks(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.chunks(16 * 1024).chain([&[][..]])
}
