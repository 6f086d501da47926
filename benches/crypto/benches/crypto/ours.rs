//! `conclave-crypto`, used as the engine uses it: bytes come in, bytes go out.

use std::cell::RefCell;
use std::rc::Rc;

use conclave_crypto::attachments::{open_attachment, seal_attachment};
use conclave_crypto::limits::MAX_CONTENT;
use conclave_crypto::sender_keys::{
    OpenedRoomMessage, ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SendingChain,
};
use conclave_crypto::{
    ContentKey, IdentityKey, LocalDevice, PairwiseMessage, PrekeyBundle, PrekeyKind, PrekeySecret, Purpose,
    RemoteDevice, Sessions, SignedPrekey, SigningKey, open_content, seal_content,
};

use crate::rows::{By, Operation, Row, TEXT};

const NOW: u64 = 1_750_000_000_000;
/// As long as what the engine binds to a content key: label, room, envelope, both device addresses.
pub(crate) const BOUND: [u8; 155] = [0x62; 155];

/// Bytes of a file. It is its own padded length.
pub(crate) const FILE: usize = 64 * 1024;

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

struct Device {
    account: [u8; 32],
    signing: SigningKey,
    identity: IdentityKey,
    signed: SignedPrekey,
}

impl Device {
    fn new(account: u8) -> Self {
        let mut rng = rand::rng();
        Self {
            account: [account; 32],
            signing: SigningKey::generate(&mut rng),
            identity: IdentityKey::generate(&mut rng),
            signed: SignedPrekey::generate(7, NOW, &mut rng),
        }
    }

    fn local(&self) -> LocalDevice<'_> {
        LocalDevice {
            account: self.account,
            device: 1,
            entry_hash: [0xe0; 32],
            identity: &self.identity,
        }
    }

    fn remote(&self) -> RemoteDevice {
        RemoteDevice {
            account: self.account,
            device: 1,
            entry_hash: [0xe0; 32],
            identity: self.identity.public(),
            signing: self.signing.public(),
        }
    }

    /// A prekey as it lies in the store, and its entry as the directory serves it.
    fn publish(&self) -> (Vec<u8>, Vec<u8>) {
        let secret = PrekeySecret::generate(PrekeyKind::OneTime, 9, NOW, &mut rand::rng());
        let bundle = PrekeyBundle::sign(&self.account, 1, &self.signing, &self.signed, &secret, NOW);
        (secret.to_bytes().to_vec(), bundle.to_bytes())
    }

    /// Begins a session from an entry and seals its first message.
    fn begin(&self, peer: &RemoteDevice, bundle: &[u8]) -> (Sessions, Vec<u8>) {
        let bundle = PrekeyBundle::from_bytes(bundle).expect("it is an entry");
        let bundle = bundle.verify(peer).expect("it is the peer's");
        let mut sessions = Sessions::default();
        sessions
            .initiate(&self.local(), peer, &bundle, NOW, &mut rand::rng())
            .expect("the keys are good");
        let message = send(&mut sessions);
        (sessions, message)
    }

    /// Opens the first message of a session.
    fn answer(&self, peer: &RemoteDevice, secret: &[u8], message: &[u8]) -> Sessions {
        let secret = PrekeySecret::from_bytes(secret).expect("it is a prekey");
        let Ok(PairwiseMessage::Prekey(message)) = PairwiseMessage::from_bytes(message) else {
            panic!("it is a first message");
        };
        let mut sessions = Sessions::default();
        sessions
            .respond(
                &self.local(),
                peer,
                &self.signed,
                &secret,
                &message,
                Purpose::MessageKey,
                &BOUND,
                NOW,
            )
            .expect("it opens");
        sessions
    }
}

fn send(sessions: &mut Sessions) -> Vec<u8> {
    sessions
        .seal(Purpose::MessageKey, &BOUND, &TEXT, NOW, &mut rand::rng())
        .expect("the session seals")
}

fn receive(sessions: &mut Sessions, bytes: &[u8]) -> impl Sized + use<> {
    let Ok(PairwiseMessage::Ratchet(message)) = PairwiseMessage::from_bytes(bytes) else {
        panic!("it is a ratchet message");
    };
    sessions
        .open(Purpose::MessageKey, &BOUND, &message, NOW)
        .expect("it opens")
}

/// Two sessions that know each other.
fn pair() -> (Sessions, Sessions) {
    let (from, to) = (Device::new(1), Device::new(2));
    let (secret, bundle) = to.publish();
    let (mut alice, first) = from.begin(&to.remote(), &bundle);
    let mut bob = to.answer(&from.remote(), &secret, &first);
    receive(&mut alice, &send(&mut bob));
    let message = send(&mut alice);
    receive(&mut bob, &message);
    (alice, bob)
}

fn encrypt_steady() -> Operation {
    let (mut alice, _) = pair();
    Operation::repeated(Row::EncryptSteady, By::Ours, move || send(&mut alice))
}

fn decrypt_steady() -> Operation {
    let (mut alice, mut bob) = pair();
    Operation::prepared(
        Row::DecryptSteady,
        By::Ours,
        move || send(&mut alice),
        move |message| receive(&mut bob, message),
    )
}

fn ping_pong() -> Operation {
    let (mut alice, mut bob) = pair();
    Operation::repeated(Row::PingPong, By::Ours, move || {
        let message = send(&mut alice);
        receive(&mut bob, &message);
        let answer = send(&mut bob);
        receive(&mut alice, &answer)
    })
}

/// A device's chain in a room, begun anew as often as the protocol asks for it, and who receives it.
struct Room {
    device: Device,
    sending: SendingChain,
    receiving: ReceivingChains,
}

/// As long as what the engine binds to a room message: kind, envelope, target, head, the sender's previous message.
const ROOM_BOUND: [u8; 128] = [0x62; 128];
const ROOM: [u8; 32] = [0x72; 32];

impl Room {
    fn new() -> Self {
        let device = Device::new(1);
        let address = device.remote().address();
        let mut room = Self {
            sending: SendingChain::begin(&ROOM, 1, address, &device.signing, NOW, &mut rand::rng()),
            receiving: ReceivingChains::new(&ROOM, address),
            device,
        };
        room.hand_over();
        room
    }

    fn hand_over(&mut self) {
        let distribution = self.sending.distribution(1, &[0xe0; 32]);
        let distribution = SenderKeyDistribution::from_bytes(&distribution).expect("it is a distribution");
        self.receiving
            .accept(&distribution, &self.device.remote(), 1, NOW)
            .expect("it is the device's");
    }

    fn seal(&mut self) -> Vec<u8> {
        if self.sending.rotation_due(1, NOW).is_some() {
            let address = self.device.remote().address();
            self.sending =
                SendingChain::begin(&ROOM, 1, address, &self.device.signing, NOW, &mut rand::rng());
            self.hand_over();
        }
        self.sending
            .seal(&ROOM_BOUND, &TEXT, NOW, &mut rand::rng())
            .expect("the chain seals")
            .bytes
    }

    fn open(&mut self, bytes: &[u8]) -> OpenedRoomMessage {
        let message = SenderKeyMessage::from_bytes(bytes).expect("it is a room message");
        self.receiving.open(&message, &ROOM_BOUND, NOW).expect("it opens")
    }
}

fn group_encrypt() -> Operation {
    let mut room = Room::new();
    Operation::repeated(Row::GroupEncrypt, By::Ours, move || room.seal())
}

fn group_decrypt() -> Operation {
    let room = Rc::new(RefCell::new(Room::new()));
    let sender = Rc::clone(&room);
    Operation::prepared(
        Row::GroupDecrypt,
        By::Ours,
        move || sender.borrow_mut().seal(),
        move |message| room.borrow_mut().open(message),
    )
}

fn first_initiator() -> Operation {
    let (from, to) = (Device::new(1), Device::new(2));
    let (_, bundle) = to.publish();
    let peer = to.remote();
    Operation::repeated(Row::FirstInitiator, By::Ours, move || from.begin(&peer, &bundle))
}

fn first_responder() -> Operation {
    let (from, to) = (Device::new(1), Device::new(2));
    let (secret, bundle) = to.publish();
    let peer = to.remote();
    let sender = from.remote();
    Operation::prepared(
        Row::FirstResponder,
        By::Ours,
        move || from.begin(&peer, &bundle).1,
        move |message| to.answer(&sender, &secret, message),
    )
}

fn seal(row: Row, length: usize) -> Operation {
    let text = vec![0x61; length];
    Operation::prepared(
        row,
        By::Ours,
        || ContentKey::generate(&mut rand::rng()),
        move |key| seal_content(key, &BOUND, &text).expect("it seals"),
    )
}

fn open(row: Row, length: usize) -> Operation {
    let key = ContentKey::generate(&mut rand::rng());
    let sealed = seal_content(&key, &BOUND, &vec![0x61; length]).expect("it seals");
    Operation::repeated(row, By::Ours, move || {
        open_content(&key, &BOUND, &sealed).expect("it opens")
    })
}

fn seal_file() -> Operation {
    let file = vec![0x61; FILE];
    Operation::repeated(Row::SealFile, By::Ours, move || {
        seal_attachment(&file, &mut rand::rng()).expect("it seals")
    })
}

fn open_file() -> Operation {
    let (reference, ciphertext) = seal_attachment(&vec![0x61; FILE], &mut rand::rng()).expect("it seals");
    Operation::repeated(Row::OpenFile, By::Ours, move || {
        open_attachment(&reference, &ciphertext).expect("it opens")
    })
}
