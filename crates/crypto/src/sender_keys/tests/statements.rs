//! A device's word on its chain.

use super::{AD, Author, EPOCH, HEAD, NOW, ROOM};
use crate::sender_keys::binding::ChainBinding;
use crate::sender_keys::{
    SenderKeyDistribution, SenderKeyMessage, SenderKeySeed, SenderKeyStatement, VerifiedStatement,
};
use crate::{OpenError, ParseError, SenderKeyError};

#[test]
fn a_statement_says_what_its_device_said() {
    let alice = Author::new(1);
    let statement = alice.chain.statement();
    let bytes = statement.to_bytes();
    assert_eq!(SenderKeyStatement::from_bytes(&bytes).unwrap(), statement);
    let verified = statement.verify(&alice.device.remote()).unwrap();
    assert_eq!(verified.room(), &ROOM);
    assert_eq!(verified.epoch(), EPOCH);
    assert_eq!(
        (*verified.account(), verified.device()),
        (alice.device.account, 1)
    );
    assert_eq!(verified.chain_id(), statement.chain_id());
    assert_eq!(*verified.signature_key(), alice.chain.signature_key.public());
    assert_eq!(verified.statement(), statement);
}

#[test]
fn every_flipped_bit_of_a_statement_is_refused() {
    let alice = Author::new(1);
    let bytes = alice.chain.statement().to_bytes();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[position] ^= 1 << bit;
            if let Ok(statement) = SenderKeyStatement::from_bytes(&altered) {
                assert_eq!(statement.to_bytes(), altered);
                let refused = statement.verify(&alice.device.remote()).unwrap_err();
                assert!(
                    matches!(refused, SenderKeyError::Signature | SenderKeyError::WrongDevice),
                    "{position}"
                );
            }
        }
    }
    for length in 0..bytes.len() {
        assert!(SenderKeyStatement::from_bytes(&bytes[..length]).is_err());
    }
    assert!(SenderKeyStatement::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_signed_statement_with_a_weak_signature_key_is_refused() {
    // A key of small order would make one signature fit many messages. Its device can sign for it all the same.
    let alice = Author::new(1);
    let mut small = [0; 32];
    small[0] = 1;
    let mut bytes = alice.chain.statement().to_bytes();
    let key = bytes.len() - 64 - 32;
    bytes[key..key + 32].copy_from_slice(&small);
    let signature = alice.device.signing.sign(&bytes[..key + 32]);
    bytes[key + 32..].copy_from_slice(&signature);
    let refused = SenderKeyStatement::from_bytes(&bytes)
        .unwrap()
        .verify(&alice.device.remote());
    assert!(matches!(refused, Err(SenderKeyError::Key(_))));
}

#[test]
fn distributions_and_seeds_parse_exactly_and_never_as_each_other() {
    let mut alice = Author::new(1);
    alice.say(b"");
    let distribution = alice.chain.distribution(9, &HEAD);
    let seed = alice.chain.seed();
    let parsed = SenderKeyDistribution::from_bytes(&distribution).unwrap();
    assert_eq!(*parsed.to_bytes(), *distribution);
    assert_eq!(
        (parsed.head_sequence(), parsed.head_hash(), parsed.iteration()),
        (9, &HEAD, 1)
    );
    assert_eq!(*parsed.seed(), *seed);
    let parsed = SenderKeySeed::from_bytes(&seed).unwrap();
    assert_eq!(*parsed.to_bytes(), *seed);
    assert_eq!(parsed.iteration(), 1);
    assert!(SenderKeyDistribution::from_bytes(&seed).is_err());
    assert!(SenderKeySeed::from_bytes(&distribution).is_err());
    for length in 0..distribution.len() {
        assert!(SenderKeyDistribution::from_bytes(&distribution[..length]).is_err());
    }
    for length in 0..seed.len() {
        assert!(SenderKeySeed::from_bytes(&seed[..length]).is_err());
    }
    assert!(SenderKeyDistribution::from_bytes(&[&distribution[..], &[0]].concat()).is_err());
    assert!(SenderKeySeed::from_bytes(&[&seed[..], &[0]].concat()).is_err());
}

#[test]
fn another_version_or_suite_is_refused() {
    let alice = Author::new(1);
    let statement = alice.chain.statement().to_bytes();
    let label = usize::from(statement[0]) + 1;
    for offset in [label, label + 1] {
        let mut other = statement.clone();
        other[offset] = 2;
        assert_eq!(
            SenderKeyStatement::from_bytes(&other).err(),
            Some(ParseError::UnknownType)
        );
    }
    let seed = alice.chain.seed();
    for offset in [usize::from(seed[0]) + 1, usize::from(seed[0]) + 2] {
        let mut other = seed.to_vec();
        other[offset] = 2;
        assert_eq!(
            SenderKeySeed::from_bytes(&other).err(),
            Some(ParseError::UnknownType)
        );
    }
}

#[test]
fn a_reported_message_opens_with_its_own_key_and_opens_no_other() {
    let mut alice = Author::new(1);
    let mut bob = alice.reader();
    let messages = [alice.say(b"bad"), alice.say(b"private")];
    let opened = bob.open_whole(&messages[0], AD, NOW).unwrap();
    let judge: VerifiedStatement = alice.chain.statement().verify(&alice.device.remote()).unwrap();
    let [bad, private] = [0, 1].map(|index| SenderKeyMessage::from_bytes(&messages[index]).unwrap());
    let judged = judge.open_with(&opened.opening, &bad, AD).unwrap();
    assert_eq!((&**judged.content, judged.hash), (&b"bad"[..], opened.hash));
    let refused = judge.open_with(&opened.opening, &private, AD).err();
    assert_eq!(refused, Some(OpenError::NotAuthentic));
    let refused = judge.open_with(&opened.opening, &bad, b"elsewhere").err();
    assert_eq!(refused, Some(OpenError::NotAuthentic));
    // Another chain's word does not vouch for it.
    let other = Author::new(3).chain.statement;
    let refused = other.open_with(&opened.opening, &bad, AD).err();
    assert_eq!(refused, Some(OpenError::UnknownChain));
    let claimed = VerifiedStatement {
        binding: ChainBinding {
            chain_id: bad.chain_id(),
            ..other.binding
        },
        ..other
    };
    let refused = claimed.open_with(&opened.opening, &bad, AD).err();
    assert_eq!(refused, Some(OpenError::NotAuthentic));
}
