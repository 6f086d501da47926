//! `conclave-crypto`: sender keys, and the reports of what they sealed.

use std::sync::LazyLock;

use conclave_crypto::franking::FrankingProof;
use conclave_crypto::sender_keys::{
    ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SenderKeySeed, SenderKeyStatement, SendingChain,
};

use crate::people::{AD, NOW, Person, rng};
use crate::script::Script;

const ROOM: [u8; 32] = [0x70; 32];
const EPOCH: u32 = 3;

/// A chain of Alice's as Bob holds it: the third message came first, the fourth is still to come.
pub(crate) struct Room {
    alice: Person,
    pub(crate) statement: Vec<u8>,
    pub(crate) distribution: Vec<u8>,
    pub(crate) seed: Vec<u8>,
    pub(crate) sending_state: Vec<u8>,
    pub(crate) receiving_state: Vec<u8>,
    /// What opens, with its text.
    pub(crate) open: Vec<(Vec<u8>, Vec<u8>)>,
    spent: Vec<u8>,
    proof: Vec<u8>,
}

pub(crate) static REAL: LazyLock<Room> = LazyLock::new(|| {
    let mut random = rng(70);
    let alice = Person::new(1);
    let address = alice.remote().address();
    let mut sending = SendingChain::begin(&ROOM, EPOCH, address, &alice.signing, NOW, &mut random);
    let distribution = sending.distribution(9, &[0xe1; 32]).to_vec();
    let seed = sending.seed().to_vec();
    let mut receiving = ReceivingChains::new(&ROOM, address);
    let parsed = SenderKeyDistribution::from_bytes(&distribution).expect("a real distribution parses");
    receiving
        .accept(&parsed, &alice.remote(), EPOCH, NOW)
        .expect("a device's own chain is accepted");
    let mut open: Vec<(Vec<u8>, Vec<u8>)> = (0u8..4)
        .map(|number| {
            let text = vec![number; 20];
            let sealed = sending
                .seal(AD, &text, NOW, &mut random)
                .expect("a fresh chain seals");
            (sealed.bytes, text)
        })
        .collect();
    let (spent, _) = open.remove(2);
    let message = SenderKeyMessage::from_bytes(&spent).expect("a real message parses");
    let opened = receiving.open(&message, AD, NOW).expect("a real message opens");
    Room {
        statement: sending.statement().to_bytes(),
        distribution,
        seed,
        sending_state: sending.to_bytes().to_vec(),
        receiving_state: receiving.to_bytes().to_vec(),
        open,
        spent,
        proof: FrankingProof::room(&opened.opening).to_bytes().to_vec(),
        alice,
    }
});

/// The first bytes choose a real room message, the rest alters it.
///
/// Laws: only what was sealed opens, once and to its own text; a refusal leaves the state byte-identical, and the
/// real message opens afterwards; the chain of the vault and a report say the same.
pub(crate) fn sender_key_message(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*REAL;
    let (message, text) = script.pick(&real.open);
    let base = if script.byte().is_multiple_of(4) {
        &real.spent
    } else {
        message
    };
    let (other, _) = script.pick(&real.open);
    let bytes = script.alter(base, other);
    let mut state = ReceivingChains::from_bytes(&real.receiving_state).expect("a stored state loads");
    let is_real = real.open.iter().any(|(open, _)| *open == bytes);
    assert_eq!(open(&mut state, &bytes, AD).is_some(), is_real);
    assert_eq!(open(&mut state, &bytes, AD), None, "opened twice");
    if bytes != *message {
        assert_eq!(open(&mut state, message, b"other data"), None);
        assert_eq!(open(&mut state, message, AD).as_ref(), Some(text));
    }
    let seed = SenderKeySeed::from_bytes(&real.seed).expect("a real seed parses");
    let history = seed
        .verify(&real.alice.remote(), &ROOM, EPOCH)
        .expect("a real seed verifies");
    if let Ok(parsed) = SenderKeyMessage::from_bytes(&bytes) {
        assert_eq!(history.open(&parsed, AD).is_ok(), is_real || bytes == real.spent);
    }
    let proof = FrankingProof::from_bytes(&real.proof).expect("a real proof parses");
    let statement = SenderKeyStatement::from_bytes(&real.statement).expect("a real statement parses");
    let statement = statement
        .verify(&real.alice.remote())
        .expect("a real statement verifies");
    let tag = [0; 32];
    assert!(proof.judge_room(&tag, &bytes, AD, &statement).is_err());
}

fn open(state: &mut ReceivingChains, bytes: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let message = SenderKeyMessage::from_bytes(bytes).ok()?;
    let before = state.to_bytes();
    let result = state.open(&message, data, NOW);
    if result.is_err() {
        assert_eq!(*state.to_bytes(), *before, "a refusal changed the state");
    }
    Some(result.ok()?.content.to_vec())
}

/// The first byte chooses a form and whether a real one is altered.
///
/// Laws: each form has one encoding; a statement, a distribution and a seed are believed only with the author's own
/// statement in them; whatever state loads can be used without a panic.
pub(crate) fn sender_key_forms(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*REAL;
    let forms = [
        &real.statement,
        &real.distribution,
        &real.seed,
        &real.sending_state,
        &real.receiving_state,
        &real.proof,
    ];
    let choice = usize::from(script.byte());
    let bytes = match forms.get(choice % 8) {
        Some(form) => script.alter(form, forms[(choice / 8) % forms.len()]),
        None => script.rest().to_vec(),
    };
    let alice = real.alice.remote();
    if let Ok(statement) = SenderKeyStatement::from_bytes(&bytes) {
        assert_eq!(statement.to_bytes(), bytes);
        assert_eq!(statement.verify(&alice).is_ok(), bytes == real.statement);
    }
    if let Ok(distribution) = SenderKeyDistribution::from_bytes(&bytes) {
        assert_eq!(*distribution.to_bytes(), *bytes);
        let mut chains = ReceivingChains::new(&ROOM, alice.address());
        let before = chains.to_bytes();
        let is_accepted = chains.accept(&distribution, &alice, EPOCH, NOW).is_ok();
        assert_eq!(is_accepted, distribution.statement().to_bytes() == real.statement);
        if !is_accepted {
            assert_eq!(*chains.to_bytes(), *before, "a refusal changed the state");
        }
    }
    if let Ok(seed) = SenderKeySeed::from_bytes(&bytes) {
        assert_eq!(*seed.to_bytes(), *bytes);
        let is_believed = seed.verify(&alice, &ROOM, EPOCH).is_ok();
        assert_eq!(is_believed, seed.statement().to_bytes() == real.statement);
    }
    if let Ok(mut chain) = SendingChain::from_bytes(&bytes) {
        assert_eq!(*chain.to_bytes(), *bytes);
        let _ = chain.seal(AD, b"text", NOW, &mut rng(1));
    }
    if let Ok(mut chains) = ReceivingChains::from_bytes(&bytes) {
        assert_eq!(*chains.to_bytes(), *bytes);
        for (message, _) in &real.open {
            let _ = open(&mut chains, message, AD);
        }
        chains.expire(u64::MAX);
        let stored = chains.to_bytes();
        let again = ReceivingChains::from_bytes(&stored).expect("what was stored loads");
        assert_eq!(*again.to_bytes(), *stored);
    }
    if let Ok(proof) = FrankingProof::from_bytes(&bytes) {
        assert_eq!(*proof.to_bytes(), *bytes);
    }
}
