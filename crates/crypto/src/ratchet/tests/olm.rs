//! Our ratchet with Olm's labels, cipher and message format against `vodozemac`, in both roles.
//!
//! Olm has no previous counter, no random bytes and other associated data: the counter is told from what was
//! sent, the random bytes are left out, and Olm's MAC covers Olm's own header. Everything between is ours.

use std::collections::HashMap;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use conclave_encoding::{Reader, labels};
use core::marker::PhantomData;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::Sha256;
use vodozemac::Curve25519PublicKey;
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};
use zeroize::Zeroizing;

use super::{SESSION, Side, bytes};
use crate::kdf::hkdf;
use crate::keys::{X25519Public, X25519Secret};
use crate::message::{MessageHeader, Purpose, RatchetMessage};
use crate::ratchet::chain::Chain;
use crate::ratchet::chain_key::ChainKey;
use crate::ratchet::ratchet_key::RatchetKey;
use crate::ratchet::state::{Ratchet, Sending};
use crate::ratchet::{MessageKey, RootKey};
use crate::skipped::SkippedKeys;
use crate::suite::Suite;
use crate::tests::{cases, for_all, rng};
use crate::{OpenError, SealError};

/// Olm with that many bytes of MAC: 8 in version 1 (messages of version 3), 32 in version 2 (of version 4).
struct Olm<const MAC: usize>;

impl<const MAC: usize> Olm<MAC> {
    const MESSAGE_VERSION: u8 = if MAC == 8 { 3 } else { 4 };

    fn config() -> SessionConfig {
        if MAC == 8 {
            SessionConfig::version_1()
        } else {
            SessionConfig::version_2()
        }
    }

    fn mac(key: &[u8], position: &Position, ciphertext: &[u8]) -> [u8; MAC] {
        let mac = Hmac::<Sha256>::new_from_slice(key)
            .unwrap()
            .chain_update(position.encode(Self::MESSAGE_VERSION, ciphertext))
            .finalize()
            .into_bytes();
        mac[..MAC].try_into().unwrap()
    }
}

impl<const MAC: usize> Suite for Olm<MAC> {
    const ROOT_INFO: &'static [u8] = b"OLM_RATCHET";

    fn seal(key: MessageKey, _: &[u8; 16], bound: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let (aes, mac, iv) = expand(&key);
        let ciphertext =
            cbc::Encryptor::<Aes256>::new(&aes.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(plaintext);
        let mac = Self::mac(&mac, &Position::of(bound), &ciphertext);
        Ok([&ciphertext[..], &mac].concat())
    }

    fn open(
        key: &MessageKey,
        _: &[u8; 16],
        bound: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (aes, mac, iv) = expand(key);
        let (ciphertext, tag) = sealed.split_last_chunk::<MAC>().ok_or(OpenError::NotAuthentic)?;
        if Self::mac(&mac, &Position::of(bound), ciphertext) != *tag {
            return Err(OpenError::NotAuthentic);
        }
        cbc::Decryptor::<Aes256>::new(&aes.into(), &iv.into())
            .decrypt_padded_vec::<Pkcs7>(ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::NotAuthentic)
    }
}

fn expand(key: &MessageKey) -> ([u8; 32], [u8; 32], [u8; 16]) {
    let okm = hkdf::<80>(&[], key.as_bytes(), &[b"OLM_KEYS"]);
    (
        okm[..32].try_into().unwrap(),
        okm[32..64].try_into().unwrap(),
        okm[64..].try_into().unwrap(),
    )
}

/// What Olm's header says.
#[derive(Clone, Copy)]
struct Position {
    ratchet_key: [u8; 32],
    index: u32,
}

impl Position {
    /// Taken from the associated data of our own header, as the suite receives it.
    fn of(bound: &[u8]) -> Self {
        let mut reader = Reader::new(labels::RATCHET_ASSOCIATED_DATA, bound).unwrap();
        reader.fixed::<2>().unwrap();
        assert_eq!(reader.fixed::<32>().unwrap(), SESSION);
        reader.bytes(100).unwrap();
        let header = reader.bytes(100).unwrap();
        let (_previous, rest) = varint(&header[33..]);
        let (index, _random) = varint(rest);
        Self {
            ratchet_key: header[1..33].try_into().unwrap(),
            index,
        }
    }

    /// `version ‖ 0A key ‖ 10 index ‖ 22 ciphertext`: what the MAC covers and what travels before it.
    fn encode(&self, version: u8, ciphertext: &[u8]) -> Vec<u8> {
        let mut message = vec![version];
        put_bytes(&mut message, 0x0a, &self.ratchet_key);
        message.push(0x10);
        put_varint(&mut message, self.index);
        put_bytes(&mut message, 0x22, ciphertext);
        message
    }

    /// Takes such a message apart, without its MAC.
    fn decode(message: &[u8], version: u8) -> (Self, &[u8]) {
        assert_eq!(message[0], version);
        let (ratchet_key, rest) = take_bytes(&message[1..], 0x0a);
        assert_eq!(rest[0], 0x10);
        let (index, rest) = varint(&rest[1..]);
        let (ciphertext, rest) = take_bytes(rest, 0x22);
        assert_eq!(rest, b"");
        let ratchet_key = ratchet_key.try_into().unwrap();
        (Self { ratchet_key, index }, ciphertext)
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

fn varint(bytes: &[u8]) -> (u32, &[u8]) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let value = bytes[..length]
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | u32::from(byte & 0x7f));
    (value, &bytes[length..])
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    put_varint(out, u32::try_from(bytes.len()).unwrap());
    out.extend_from_slice(bytes);
}

fn take_bytes(bytes: &[u8], tag: u8) -> (&[u8], &[u8]) {
    assert_eq!(bytes[0], tag);
    let (length, rest) = varint(&bytes[1..]);
    rest.split_at(usize::try_from(length).unwrap())
}

/// Olm's prekey message around another: `3 ‖ 0A one-time key ‖ 12 base key ‖ 1A identity key ‖ 22 message`.
struct Prekey<'a> {
    one_time: [u8; 32],
    base: [u8; 32],
    identity: [u8; 32],
    message: &'a [u8],
}

impl<'a> Prekey<'a> {
    /// Of prekey messages, whichever the version of the message inside.
    const VERSION: u8 = 3;

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        put_bytes(&mut bytes, 0x0a, &self.one_time);
        put_bytes(&mut bytes, 0x12, &self.base);
        put_bytes(&mut bytes, 0x1a, &self.identity);
        put_bytes(&mut bytes, 0x22, self.message);
        bytes
    }

    fn decode(bytes: &'a [u8]) -> Self {
        assert_eq!(bytes[0], Self::VERSION);
        let (one_time, rest) = take_bytes(&bytes[1..], 0x0a);
        let (base, rest) = take_bytes(rest, 0x12);
        let (identity, rest) = take_bytes(rest, 0x1a);
        let (message, rest) = take_bytes(rest, 0x22);
        assert_eq!(rest, b"");
        Self {
            one_time: one_time.try_into().unwrap(),
            base: base.try_into().unwrap(),
            identity: identity.try_into().unwrap(),
            message,
        }
    }
}

/// Root and first chain of Olm's triple agreement.
fn olm_root(shares: [Zeroizing<[u8; 32]>; 3]) -> (RootKey, Chain) {
    let okm = hkdf::<64>(&[], &shares.map(|share| *share).concat(), &[b"OLM_ROOT"]);
    let half = |half: &[u8]| half.try_into().unwrap();
    (
        RootKey::from_bytes(&half(&okm[..32])),
        Chain::new(ChainKey::from_bytes(&half(&okm[32..]))),
    )
}

fn public(key: Curve25519PublicKey) -> X25519Public {
    X25519Public::from_bytes(&key.to_bytes()).unwrap()
}

/// A message on its way.
struct Letter {
    text: Vec<u8>,
    position: Position,
    /// Length of the sender's chain before, which our header tells and Olm's does not.
    previous: u32,
    /// `ciphertext ‖ MAC` for us, the whole Olm message for the other.
    bytes: Vec<u8>,
    /// Which chain of its sender it belongs to.
    chain: usize,
}

/// Chains of a sender, in order, with the number of messages in each.
#[derive(Default)]
struct Chains(Vec<([u8; 32], u32)>);

impl Chains {
    /// Notes a message and tells in which chain it is and how long the one before was.
    fn note(&mut self, position: &Position) -> (usize, u32) {
        if self.0.last().is_none_or(|(key, _)| *key != position.ratchet_key) {
            self.0.push((position.ratchet_key, 0));
        }
        let chain = self.0.len() - 1;
        assert_eq!(
            self.0[chain].1, position.index,
            "a counter was left out or used twice"
        );
        self.0[chain].1 += 1;
        (chain, chain.checked_sub(1).map_or(0, |before| self.0[before].1))
    }
}

/// Our ratchet on one side, theirs on the other, and what is between them.
struct World<const MAC: usize> {
    ours: Side<Olm<MAC>>,
    theirs: Session,
    /// What our prekey messages say, while we are the initiator and were not answered.
    unanswered: Option<([u8; 32], [u8; 32], [u8; 32])>,
    sent: HashMap<bool, Chains>,
    to_us: Vec<Letter>,
    to_them: Vec<Letter>,
    opened: usize,
}

/// What vodozemac keeps: five chains of a peer with 40 overtaken keys each. The mailbox stays below.
const CHAINS_ON_THE_WAY: usize = 3;
const MOST_IN_A_CHAIN: u32 = 40;

impl<const MAC: usize> World<MAC> {
    const VERSION: u8 = Olm::<MAC>::MESSAGE_VERSION;

    /// They begin: we answer with an identity and a one-time key.
    fn they_begin() -> Self {
        let identity = X25519Secret::generate(&mut rng(31));
        let one_time = X25519Secret::generate(&mut rng(32));
        let key = |secret: &X25519Secret| Curve25519PublicKey::from_bytes(secret.public().to_bytes());
        let mut theirs = Account::new()
            .create_outbound_session(Olm::<MAC>::config(), key(&identity), key(&one_time))
            .unwrap();
        let first = theirs.encrypt("first").unwrap();
        let OlmMessage::PreKey(first) = first else {
            panic!("a session begins with a prekey message");
        };
        let first = first.to_bytes();
        let prekey = Prekey::decode(&first);
        assert_eq!(prekey.one_time, one_time.public().to_bytes());
        let base = X25519Public::from_bytes(&prekey.base).unwrap();
        let (root, chain) = olm_root([
            one_time
                .agree(&X25519Public::from_bytes(&prekey.identity).unwrap())
                .unwrap(),
            identity.agree(&base).unwrap(),
            one_time.agree(&base).unwrap(),
        ]);
        let position = Self::read(prekey.message).0;
        let ratchet = Ratchet {
            root,
            remote: X25519Public::from_bytes(&position.ratchet_key).unwrap(),
            sending: None,
            previous: 0,
            receiving: Some(chain),
            skipped: SkippedKeys::default(),
            suite: PhantomData,
        };
        let mut world = Self::new(ratchet, theirs, None);
        world.receive_from_them(b"first".to_vec(), prekey.message);
        world
    }

    /// We begin, with keys of theirs.
    fn we_begin() -> Self {
        let mut account = Account::new();
        account.generate_one_time_keys(1);
        let one_time = *account.one_time_keys().values().next().unwrap();
        let identity = X25519Secret::generate(&mut rng(33));
        let base = X25519Secret::generate(&mut rng(34));
        let (root, chain) = olm_root([
            identity.agree(&public(one_time)).unwrap(),
            base.agree(&public(account.curve25519_key())).unwrap(),
            base.agree(&public(one_time)).unwrap(),
        ]);
        let ratchet = Ratchet {
            root,
            // Not used before their first answer brings their ratchet key.
            remote: public(one_time),
            sending: Some(Sending {
                ratchet: RatchetKey::generate(&mut rng(35)),
                chain,
            }),
            previous: 0,
            receiving: None,
            skipped: SkippedKeys::default(),
            suite: PhantomData,
        };
        let header = (
            one_time.to_bytes(),
            base.public().to_bytes(),
            identity.public().to_bytes(),
        );
        let mut ours = Side(ratchet, rng(36));
        let (position, bytes) = Self::seal(&mut ours, b"first");
        let OlmMessage::PreKey(first) = OlmMessage::from_parts(0, &Self::prekey(&header, &bytes)).unwrap()
        else {
            panic!("that is a prekey message");
        };
        let their_view = Curve25519PublicKey::from_bytes(header.2);
        let inbound = account
            .create_inbound_session(Olm::<MAC>::config(), their_view, &first)
            .unwrap();
        assert_eq!(inbound.plaintext, b"first");
        let mut world = Self::new(ours.0, inbound.session, Some(header));
        world.ours.1 = ours.1;
        world.sent.get_mut(&true).unwrap().note(&position);
        world
    }

    fn new(
        ratchet: Ratchet<Olm<MAC>>,
        theirs: Session,
        unanswered: Option<([u8; 32], [u8; 32], [u8; 32])>,
    ) -> Self {
        Self {
            ours: Side(ratchet, rng(37)),
            theirs,
            unanswered,
            sent: HashMap::from([(true, Chains::default()), (false, Chains::default())]),
            to_us: Vec::new(),
            to_them: Vec::new(),
            opened: 0,
        }
    }

    fn prekey(header: &([u8; 32], [u8; 32], [u8; 32]), message: &[u8]) -> Vec<u8> {
        let &(one_time, base, identity) = header;
        Prekey {
            one_time,
            base,
            identity,
            message,
        }
        .encode()
    }

    /// An Olm message as position and `ciphertext ‖ MAC`.
    fn read(message: &[u8]) -> (Position, Vec<u8>) {
        let (body, mac) = message.split_last_chunk::<MAC>().unwrap();
        let (position, ciphertext) = Position::decode(body, Self::VERSION);
        (position, [ciphertext, mac].concat())
    }

    fn seal(ours: &mut Side<Olm<MAC>>, text: &[u8]) -> (Position, Vec<u8>) {
        let message = ours.seal(text);
        let position = Position {
            ratchet_key: message.header.ratchet_key.to_bytes(),
            index: message.header.index,
        };
        let (ciphertext, mac) = message.sealed.split_last_chunk::<MAC>().unwrap();
        let body = position.encode(Self::VERSION, ciphertext);
        (position, [&body[..], mac].concat())
    }

    fn is_full(&self, by_us: bool) -> bool {
        let chains = &self.sent[&by_us].0;
        chains.last().is_some_and(|(_, count)| *count >= MOST_IN_A_CHAIN)
    }

    fn we_send(&mut self, text: Vec<u8>) {
        let (position, bytes) = Self::seal(&mut self.ours, &text);
        let (chain, previous) = self.sent.get_mut(&true).unwrap().note(&position);
        let bytes = match &self.unanswered {
            Some(header) => Self::prekey(header, &bytes),
            None => bytes,
        };
        self.to_them.push(Letter {
            text,
            position,
            previous,
            bytes,
            chain,
        });
        self.to_them
            .retain(|letter| letter.chain + CHAINS_ON_THE_WAY > chain);
    }

    fn they_send(&mut self, text: Vec<u8>) {
        let (_, bytes) = self.theirs.encrypt(&text).unwrap().to_parts();
        let message = if self.theirs.has_received_message() {
            bytes
        } else {
            Prekey::decode(&bytes).message.to_vec()
        };
        self.letter_from_them(text, &message);
    }

    fn letter_from_them(&mut self, text: Vec<u8>, message: &[u8]) {
        let (position, bytes) = Self::read(message);
        let (chain, previous) = self.sent.get_mut(&false).unwrap().note(&position);
        self.to_us.push(Letter {
            text,
            position,
            previous,
            bytes,
            chain,
        });
        self.to_us
            .retain(|letter| letter.chain + CHAINS_ON_THE_WAY > chain);
    }

    fn receive_from_them(&mut self, text: Vec<u8>, message: &[u8]) {
        self.letter_from_them(text, message);
        let letter = self.to_us.pop().unwrap();
        self.we_open(&letter, 0);
    }

    /// Opens a letter once: an altered copy before and the same one after are refused, leaving no trace.
    fn we_open(&mut self, letter: &Letter, flip: usize) {
        let message = |bytes: &[u8]| RatchetMessage {
            header: MessageHeader {
                purpose: Purpose::Control,
                ratchet_key: X25519Public::from_bytes(&letter.position.ratchet_key).unwrap(),
                previous: letter.previous,
                index: letter.position.index,
                random: [0; 16],
            },
            sealed: bytes.to_vec(),
        };
        let mut altered = letter.bytes.clone();
        let bit = flip % (altered.len() * 8);
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(self.ours.open(&message(&altered)), Err(OpenError::NotAuthentic));
        assert_eq!(self.ours.open(&message(&letter.bytes)).unwrap(), letter.text);
        assert!(self.ours.open(&message(&letter.bytes)).is_err(), "opened twice");
        self.unanswered = None;
        self.opened += 1;
    }

    fn they_open(&mut self, letter: &Letter) {
        let is_prekey = Self::is_prekey(&letter.bytes);
        let message = OlmMessage::from_parts(usize::from(!is_prekey), &letter.bytes).unwrap();
        assert_eq!(self.theirs.decrypt(&message).unwrap(), letter.text);
        assert!(self.theirs.decrypt(&message).is_err(), "opened twice");
        self.opened += 1;
    }

    /// A prekey message has the base key where another has its counter.
    fn is_prekey(bytes: &[u8]) -> bool {
        bytes[35] == 0x12
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Send { by_us: true, text } if !self.is_full(true) => self.we_send(text.clone()),
            Step::Send { by_us: false, text } if !self.is_full(false) => self.they_send(text.clone()),
            Step::Deliver { to_us, pick, flip } => {
                let letters = if *to_us {
                    &mut self.to_us
                } else {
                    &mut self.to_them
                };
                if letters.is_empty() {
                    return;
                }
                let letter = letters.remove(pick % letters.len());
                if *to_us {
                    self.we_open(&letter, *flip);
                } else {
                    self.they_open(&letter);
                }
            }
            Step::Lose { to_us, pick } => {
                let letters = if *to_us {
                    &mut self.to_us
                } else {
                    &mut self.to_them
                };
                if !letters.is_empty() {
                    letters.remove(pick % letters.len());
                }
            }
            Step::Restart => {
                let stored = bytes(&self.ours.0);
                let mut reader = Reader::new(labels::SESSION_STATE, &stored).unwrap();
                self.ours.0 = Ratchet::read(&mut reader).unwrap();
                assert_eq!(bytes(&self.ours.0), stored);
            }
            Step::Send { .. } => {}
        }
    }

    fn goes_through(mut self, steps: &[Step]) -> usize {
        for step in steps {
            self.run(step);
        }
        // Whatever happened, both still read each other, over several turns.
        for _ in 0..3 {
            self.they_send(b"there".to_vec());
            let letter = self.to_us.pop().unwrap();
            self.we_open(&letter, 3);
            self.we_send(b"back".to_vec());
            let letter = self.to_them.pop().unwrap();
            self.they_open(&letter);
        }
        self.opened
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send {
        by_us: bool,
        text: Vec<u8>,
    },
    Deliver {
        to_us: bool,
        pick: usize,
        flip: usize,
    },
    Lose {
        to_us: bool,
        pick: usize,
    },
    /// Our side is stored and read back.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = prop::collection::vec(any::<u8>(), 0..50);
    let step = prop_oneof![
        8 => (any::<bool>(), text).prop_map(|(by_us, text)| Step::Send { by_us, text }),
        8 => (any::<bool>(), any::<usize>(), any::<usize>())
            .prop_map(|(to_us, pick, flip)| Step::Deliver { to_us, pick, flip }),
        1 => (any::<bool>(), any::<usize>()).prop_map(|(to_us, pick)| Step::Lose { to_us, pick }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 20..120)
}

#[test]
fn with_olms_labels_the_ratchet_and_vodozemac_read_each_other_whoever_begins() {
    let opened = core::cell::Cell::new(0);
    for_all("vodozemac: conversations", 64, steps(), |steps| {
        let sum = World::<8>::they_begin().goes_through(&steps)
            + World::<8>::we_begin().goes_through(&steps)
            + World::<32>::they_begin().goes_through(&steps)
            + World::<32>::we_begin().goes_through(&steps);
        opened.set(opened.get() + sum);
    });
    cases("vodozemac: messages opened", opened.get());
}
