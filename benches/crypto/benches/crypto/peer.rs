//! vodozemac: Olm and Megolm as Matrix uses them.
//!
//! Messages are made and read as bytes, as with ours. Its handshake checks no signature and has no post-quantum
//! share, so those rows are shown without a goal.

use vodozemac::Curve25519PublicKey;
use vodozemac::megolm::{self, GroupSession, InboundGroupSession, MegolmMessage};
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};

use crate::rows::{By, Operation, Row, TEXT};

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        encrypt_steady(),
        decrypt_steady(),
        ping_pong(),
        group_encrypt(),
        group_decrypt(),
        first_initiator(),
        first_responder(),
    ]
}

fn one_time_key(account: &mut Account) -> Curve25519PublicKey {
    account.generate_one_time_keys(1);
    let key = account
        .one_time_keys()
        .into_values()
        .next()
        .expect("a key was made");
    account.mark_keys_as_published();
    key
}

fn send(session: &mut Session) -> (usize, Vec<u8>) {
    session.encrypt(TEXT).expect("the session encrypts").to_parts()
}

fn receive(session: &mut Session, (kind, bytes): &(usize, Vec<u8>)) -> Vec<u8> {
    let message = OlmMessage::from_parts(*kind, bytes).expect("it is a message");
    session.decrypt(&message).expect("it decrypts")
}

fn begin(from: &Account, to: &Account, key: Curve25519PublicKey) -> Session {
    from.create_outbound_session(SessionConfig::version_1(), to.curve25519_key(), key)
        .expect("the keys are good")
}

fn answer(to: &mut Account, from: &Account, (kind, bytes): &(usize, Vec<u8>)) -> (Session, Vec<u8>) {
    let Ok(OlmMessage::PreKey(message)) = OlmMessage::from_parts(*kind, bytes) else {
        panic!("it is a first message");
    };
    let created = to
        .create_inbound_session(SessionConfig::version_1(), from.curve25519_key(), &message)
        .expect("it decrypts");
    (created.session, created.plaintext)
}

/// Two sessions that know each other.
fn pair() -> (Session, Session) {
    let (from, mut to) = (Account::new(), Account::new());
    let key = one_time_key(&mut to);
    let mut alice = begin(&from, &to, key);
    let (mut bob, _) = answer(&mut to, &from, &send(&mut alice));
    receive(&mut alice, &send(&mut bob));
    let message = send(&mut alice);
    receive(&mut bob, &message);
    (alice, bob)
}

fn encrypt_steady() -> Operation {
    let (mut alice, _) = pair();
    Operation::repeated(Row::EncryptSteady, By::Vodozemac, move || send(&mut alice))
}

fn decrypt_steady() -> Operation {
    let (mut alice, mut bob) = pair();
    Operation::prepared(
        Row::DecryptSteady,
        By::Vodozemac,
        move || send(&mut alice),
        move |message| receive(&mut bob, message),
    )
}

fn ping_pong() -> Operation {
    let (mut alice, mut bob) = pair();
    Operation::repeated(Row::PingPong, By::Vodozemac, move || {
        let message = send(&mut alice);
        receive(&mut bob, &message);
        let answer = send(&mut bob);
        receive(&mut alice, &answer)
    })
}

fn group() -> (GroupSession, InboundGroupSession) {
    let config = megolm::SessionConfig::version_1();
    let sender = GroupSession::new(config);
    let receiver = InboundGroupSession::new(&sender.session_key(), config);
    (sender, receiver)
}

fn group_encrypt() -> Operation {
    let (mut sender, _) = group();
    Operation::repeated(Row::GroupEncrypt, By::Vodozemac, move || {
        sender.encrypt(TEXT).to_bytes()
    })
}

fn group_decrypt() -> Operation {
    let (mut sender, mut receiver) = group();
    Operation::prepared(
        Row::GroupDecrypt,
        By::Vodozemac,
        move || sender.encrypt(TEXT).to_bytes(),
        move |bytes| {
            let message = MegolmMessage::from_bytes(bytes).expect("it is a message");
            receiver.decrypt(&message).expect("it decrypts")
        },
    )
}

fn first_initiator() -> Operation {
    let (from, mut to) = (Account::new(), Account::new());
    let key = one_time_key(&mut to);
    Operation::repeated(Row::FirstInitiator, By::Vodozemac, move || {
        let mut session = begin(&from, &to, key);
        let message = send(&mut session);
        (session, message)
    })
}

fn first_responder() -> Operation {
    let from = Account::new();
    Operation::prepared(
        Row::FirstResponder,
        By::Vodozemac,
        {
            let from = Account::from_pickle(from.pickle());
            move || {
                let mut to = Account::new();
                let key = one_time_key(&mut to);
                let message = send(&mut begin(&from, &to, key));
                (std::cell::RefCell::new(to), message)
            }
        },
        move |(to, message)| answer(&mut to.borrow_mut(), &from, message),
    )
}
