//! Devices that do with this crate what the engine does, so that tests read like conversations.

use core::convert::Infallible;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{TryCryptoRng, TryRng};

use crate::{
    HandshakeError, IdentityKey, LocalDevice, OpenError, PairwiseMessage, PrekeyBundle, PrekeyKind,
    PrekeyMessage, PrekeySecret, Purpose, RemoteDevice, Sessions, SignedPrekey, SigningKey,
};

pub(crate) const NOW: u64 = 1_750_000_000_000;
pub(crate) const AD: &[u8] = b"what the engine binds";

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// "Randomness" that is given: for known answers and comparisons. Drawing more than there is fails the test.
pub(crate) struct Fixed(Vec<u8>);

impl Fixed {
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unimplemented_draw()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unimplemented_draw()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

fn unimplemented_draw() -> ! {
    panic!("this crate draws bytes alone")
}

/// A device with its sessions with one peer.
pub(crate) struct Device {
    pub(crate) account: [u8; 32],
    pub(crate) number: u32,
    pub(crate) signing: SigningKey,
    pub(crate) identity: IdentityKey,
    pub(crate) signed: SignedPrekey,
    pub(crate) prekeys: Vec<PrekeySecret>,
    pub(crate) sessions: Sessions,
    next_prekey: u32,
}

impl Device {
    /// `account` orders devices: the smaller one's session is settled on.
    pub(crate) fn new(account: u8, rng: &mut ChaCha20Rng) -> Self {
        Self {
            account: [account; 32],
            number: 1,
            signing: SigningKey::generate(rng),
            identity: IdentityKey::generate(rng),
            signed: SignedPrekey::generate(7, NOW, rng),
            prekeys: Vec::new(),
            sessions: Sessions::default(),
            next_prekey: 100,
        }
    }

    pub(crate) fn local(&self) -> LocalDevice<'_> {
        LocalDevice {
            account: self.account,
            device: self.number,
            entry_hash: [0xe0; 32],
            identity: &self.identity,
        }
    }

    pub(crate) fn remote(&self) -> RemoteDevice {
        RemoteDevice {
            account: self.account,
            device: self.number,
            entry_hash: [0xe0; 32],
            identity: self.identity.public(),
            signing: self.signing.public(),
        }
    }

    /// Publishes a new entry.
    pub(crate) fn publish(&mut self, kind: PrekeyKind, rng: &mut ChaCha20Rng) -> PrekeyBundle {
        let secret = PrekeySecret::generate(kind, self.next_prekey, NOW, rng);
        self.next_prekey += 1;
        let bundle = PrekeyBundle::sign(
            &self.account,
            self.number,
            &self.signing,
            &self.signed,
            &secret,
            NOW + 7,
        );
        self.prekeys.push(secret);
        PrekeyBundle::from_bytes(&bundle.to_bytes()).unwrap()
    }

    /// Claims an entry of the peer and begins a session.
    pub(crate) fn begin(&mut self, peer: &mut Self, kind: PrekeyKind, rng: &mut ChaCha20Rng) {
        self.begin_at(peer, kind, NOW, rng);
    }

    pub(crate) fn begin_at(&mut self, peer: &mut Self, kind: PrekeyKind, now: u64, rng: &mut ChaCha20Rng) {
        let remote = peer.remote();
        let bundle = peer.publish(kind, rng).verify(&remote).unwrap();
        let mut sessions = std::mem::take(&mut self.sessions);
        sessions
            .initiate(&self.local(), &remote, &bundle, now, rng)
            .unwrap();
        self.sessions = sessions;
    }

    pub(crate) fn send(&mut self, plaintext: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
        self.sessions
            .seal(Purpose::Control, AD, plaintext, NOW, rng)
            .unwrap()
    }

    pub(crate) fn receive(&mut self, from: &RemoteDevice, bytes: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.receive_as(from, bytes, Purpose::Control, AD)
    }

    /// As [`Device::receive`], with the check that a refusal changes nothing.
    pub(crate) fn receive_as(
        &mut self,
        from: &RemoteDevice,
        bytes: &[u8],
        purpose: Purpose,
        associated_data: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let before = self.sessions.to_bytes();
        let result = match PairwiseMessage::from_bytes(bytes).unwrap() {
            PairwiseMessage::Ratchet(message) => self
                .sessions
                .open(purpose, associated_data, &message, NOW)
                .map(|text| text.to_vec()),
            PairwiseMessage::Prekey(message) => self.receive_first(from, &message, purpose, associated_data),
        };
        if result.is_err() {
            assert_eq!(
                *self.sessions.to_bytes(),
                *before,
                "a refused message changed the state"
            );
        }
        result
    }

    fn receive_first(
        &mut self,
        from: &RemoteDevice,
        message: &PrekeyMessage,
        purpose: Purpose,
        associated_data: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        if let Some(result) = self.sessions.open_prekey(message, purpose, associated_data, NOW) {
            return result.map(|text| text.to_vec());
        }
        let Some(position) = self
            .prekeys
            .iter()
            .position(|secret| secret.id() == message.prekey_id())
        else {
            return Err(HandshakeError::WrongPrekey.into());
        };
        let mut sessions = std::mem::take(&mut self.sessions);
        let result = sessions.respond(
            &self.local(),
            from,
            &self.signed,
            &self.prekeys[position],
            message,
            purpose,
            associated_data,
            NOW,
        );
        self.sessions = sessions;
        let text = result?;
        if message.prekey_kind() == PrekeyKind::OneTime {
            self.prekeys.remove(position);
        }
        Ok(text.to_vec())
    }

    /// Saves and loads everything that is stored.
    pub(crate) fn restart(&mut self) {
        let stored = self.sessions.to_bytes();
        self.sessions = Sessions::from_bytes(&stored).unwrap();
        assert_eq!(*self.sessions.to_bytes(), *stored, "the state is not exact");
        self.signed = SignedPrekey::from_bytes(&self.signed.to_bytes()).unwrap();
        for secret in &mut self.prekeys {
            *secret = PrekeySecret::from_bytes(&secret.to_bytes()).unwrap();
        }
    }
}
