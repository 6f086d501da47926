//! Two devices and their conversation, all of it from one seed, so that an input means the same on each run.

use std::sync::LazyLock;

use conclave_crypto::{
    HandshakeError, IdentityKey, LocalDevice, OpenError, PairwiseMessage, PrekeyBundle, PrekeyKind,
    PrekeyMessage, PrekeySecret, Purpose, RemoteDevice, Sessions, SignedPrekey, SigningKey,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) const NOW: u64 = 1_750_000_000_000;
pub(crate) const AD: &[u8] = b"what the engine binds";

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A device with its sessions with one peer.
pub(crate) struct Person {
    pub(crate) account: [u8; 32],
    pub(crate) signing: SigningKey,
    pub(crate) identity: IdentityKey,
    pub(crate) signed: SignedPrekey,
    pub(crate) secrets: Vec<PrekeySecret>,
    pub(crate) sessions: Sessions,
    next_prekey: u32,
}

impl Person {
    /// `number` decides all of its keys.
    pub(crate) fn new(number: u8) -> Self {
        let mut rng = rng(number);
        Self {
            account: [number; 32],
            signing: SigningKey::generate(&mut rng),
            identity: IdentityKey::generate(&mut rng),
            signed: SignedPrekey::generate(7, NOW, &mut rng),
            secrets: Vec::new(),
            sessions: Sessions::default(),
            next_prekey: 100,
        }
    }

    pub(crate) fn local(&self) -> LocalDevice<'_> {
        LocalDevice {
            account: self.account,
            device: 1,
            entry_hash: [0xe0; 32],
            identity: &self.identity,
        }
    }

    pub(crate) fn remote(&self) -> RemoteDevice {
        RemoteDevice {
            account: self.account,
            device: 1,
            entry_hash: [0xe0; 32],
            identity: self.identity.public(),
            signing: self.signing.public(),
        }
    }

    pub(crate) fn publish(&mut self, kind: PrekeyKind, rng: &mut ChaCha20Rng) -> PrekeyBundle {
        let secret = PrekeySecret::generate(kind, self.next_prekey, NOW, rng);
        self.next_prekey += 1;
        let bundle = PrekeyBundle::sign(&self.account, 1, &self.signing, &self.signed, &secret, NOW + 7);
        self.secrets.push(secret);
        bundle
    }

    pub(crate) fn begin(&mut self, peer: &mut Self, kind: PrekeyKind, rng: &mut ChaCha20Rng) {
        let bundle = peer
            .publish(kind, rng)
            .verify(&peer.remote())
            .expect("a device's own bundle verifies");
        let mut sessions = std::mem::take(&mut self.sessions);
        sessions
            .initiate(&self.local(), &peer.remote(), &bundle, NOW, rng)
            .expect("a verified bundle begins a session");
        self.sessions = sessions;
    }

    pub(crate) fn send(&mut self, text: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
        self.sessions
            .seal(Purpose::Control, AD, text, NOW, rng)
            .expect("there is a session to send on")
    }

    /// Opens what the mailbox brought, as the engine does.
    ///
    /// # Panics
    /// When a refusal changed anything.
    pub(crate) fn receive(
        &mut self,
        from: &RemoteDevice,
        bytes: &[u8],
    ) -> Option<Result<Vec<u8>, OpenError>> {
        let message = PairwiseMessage::from_bytes(bytes).ok()?;
        let before = self.sessions.to_bytes();
        let result = match &message {
            PairwiseMessage::Ratchet(message) => self
                .sessions
                .open(Purpose::Control, AD, message, NOW)
                .map(|text| text.to_vec()),
            PairwiseMessage::Prekey(message) => {
                match self.sessions.open_prekey(message, Purpose::Control, AD, NOW) {
                    Some(result) => result.map(|text| text.to_vec()),
                    None => self.respond(from, message),
                }
            }
        };
        if result.is_err() {
            assert_eq!(*self.sessions.to_bytes(), *before, "a refusal changed the state");
        }
        Some(result)
    }

    fn respond(&mut self, from: &RemoteDevice, message: &PrekeyMessage) -> Result<Vec<u8>, OpenError> {
        let place = self
            .secrets
            .iter()
            .position(|secret| secret.id() == message.prekey_id())
            .ok_or(HandshakeError::WrongPrekey)?;
        let mut sessions = std::mem::take(&mut self.sessions);
        let result = sessions.respond(
            &self.local(),
            from,
            &self.signed,
            &self.secrets[place],
            message,
            Purpose::Control,
            AD,
            NOW,
        );
        self.sessions = sessions;
        if result.is_ok() && message.prekey_kind() == PrekeyKind::OneTime {
            self.secrets.remove(place);
        }
        result.map(|text| text.to_vec())
    }
}

/// A conversation that stopped in the middle, with everything in it that may still arrive.
pub(crate) struct Story {
    /// Reads the messages: two sessions, both begun by Alice, with skipped keys and a chain that goes on.
    pub(crate) bob: Person,
    pub(crate) alice: RemoteDevice,
    /// Alice's state at the same time.
    pub(crate) alice_state: Vec<u8>,
    pub(crate) bob_state: Vec<u8>,
    /// What opens, with its text.
    pub(crate) open: Vec<(Vec<u8>, Vec<u8>)>,
    /// What was opened before, or was sealed by Bob himself.
    pub(crate) spent: Vec<Vec<u8>>,
    /// First messages of sessions that Bob does not know yet, for a one-time and for a last-resort prekey.
    pub(crate) first: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Made once: every target begins from here.
pub(crate) static STORY: LazyLock<Story> = LazyLock::new(|| {
    let mut rng = rng(90);
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let (mut open, mut spent) = (Vec::new(), Vec::new());
    let opened = |bob: &mut Person, alice: &Person, bytes: &[u8]| {
        let result = bob.receive(&alice.remote(), bytes);
        assert!(matches!(result, Some(Ok(_))), "the story's messages open");
    };
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"hello", &mut rng);
    opened(&mut bob, &alice, &first);
    spent.push(first);
    let answer = bob.send(b"welcome", &mut rng);
    alice.receive(&bob.remote(), &answer);
    spent.push(answer);
    // A chain of which the fourth message came first.
    for number in 0u8..6 {
        let text = vec![number; usize::from(number)];
        let bytes = alice.send(&text, &mut rng);
        if number == 3 {
            opened(&mut bob, &alice, &bytes);
            spent.push(bytes);
        } else {
            open.push((bytes, text));
        }
    }
    // A turn that Bob has not seen yet.
    let turn = bob.send(b"turn", &mut rng);
    alice.receive(&bob.remote(), &turn);
    spent.push(turn);
    for number in 10u8..13 {
        let text = vec![number; 40];
        open.push((alice.send(&text, &mut rng), text));
    }
    // A second session, known to Bob and not answered.
    alice.begin(&mut bob, PrekeyKind::LastResort, &mut rng);
    let again = alice.send(b"again", &mut rng);
    opened(&mut bob, &alice, &again);
    spent.push(again);
    for number in 20u8..22 {
        let text = vec![number; 3];
        open.push((alice.send(&text, &mut rng), text));
    }
    let alice_state = alice.sessions.to_bytes().to_vec();
    let mut first = Vec::new();
    for kind in [PrekeyKind::OneTime, PrekeyKind::LastResort] {
        let mut other = Person::new(1);
        other.begin(&mut bob, kind, &mut rng);
        first.push((other.send(b"first", &mut rng), b"first".to_vec()));
    }
    Story {
        alice: alice.remote(),
        alice_state,
        bob_state: bob.sessions.to_bytes().to_vec(),
        bob,
        open,
        spent,
        first,
    }
});
