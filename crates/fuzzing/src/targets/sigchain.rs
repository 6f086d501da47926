//! `conclave-sigchain`: one form of each entry, and only signed, connected entries make a chain.

use std::sync::LazyLock;

use conclave_crypto::SigningKey;
use conclave_protocol::{AccountId, Timestamp};
use conclave_sigchain::{AccountChain, AccountEntry, DeviceKeys};

use crate::people::{NOW, Person};
use crate::script::Script;

/// A real genesis entry, and what else its device signed.
pub(crate) struct Chain {
    pub(crate) account: AccountId,
    pub(crate) genesis: Vec<u8>,
    /// Genuinely signed, but of another chain or out of place.
    pub(crate) strays: Vec<Vec<u8>>,
}

fn signed(mut entry: AccountEntry, key: &SigningKey) -> AccountEntry {
    entry.signature = key.sign(&entry.signed_bytes());
    entry
}

pub(crate) static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let person = Person::new(1);
    let keys = DeviceKeys {
        signing: person.signing.public().to_bytes(),
        identity: person.identity.public().to_bytes(),
    };
    let recovery = Person::new(2).signing.public().to_bytes();
    let entry = |time| AccountEntry::genesis(keys, recovery, Timestamp(time));
    let genesis = signed(entry(NOW), &person.signing);
    let account = AccountId(genesis.hash().0);
    let second = AccountEntry {
        account: Some(account),
        sequence: 1,
        previous: Some(genesis.hash()),
        ..entry(NOW + 1)
    };
    Chain {
        account,
        genesis: genesis.to_bytes(),
        strays: vec![
            signed(entry(NOW + 1), &person.signing).to_bytes(),
            signed(second, &person.signing).to_bytes(),
        ],
    }
});

/// The first byte chooses between arbitrary bytes and an altered real entry.
///
/// Law: an entry that parses has these bytes and no other.
pub(crate) fn account_entry(input: &[u8]) {
    let mut script = Script::new(input);
    let bytes = match script.byte() % 4 {
        0 => script.rest().to_vec(),
        1 => script.alter(&CHAIN.genesis, &CHAIN.strays[0]),
        number => script.alter(&CHAIN.strays[usize::from(number) - 2], &CHAIN.genesis),
    };
    if let Ok(entry) = AccountEntry::from_bytes(&bytes) {
        assert_eq!(entry.to_bytes(), bytes, "an entry has two forms");
        let _ = AccountChain::begin(&entry);
    }
}

/// A list of up to four entries, each real, altered or arbitrary.
///
/// Laws: a chain that is accepted begins with the real genesis entry, unaltered, and no entry is accepted twice;
/// whoever appends the same entries one by one comes to the same verdict, and a refused one leaves no trace.
pub(crate) fn account_chain(input: &[u8]) {
    let mut script = Script::new(input);
    let count = 1 + script.below(4);
    let entries: Vec<Vec<u8>> = (0..count)
        .map(|_| match script.byte() % 8 {
            0..=2 => CHAIN.genesis.clone(),
            3 => script.bytes(300).to_vec(),
            4 => CHAIN.strays[0].clone(),
            5 => CHAIN.strays[1].clone(),
            6 => script.alter(&CHAIN.genesis, &CHAIN.strays[0]),
            _ => script.alter(&CHAIN.strays[1], &CHAIN.genesis),
        })
        .collect();
    let verdict = AccountChain::verify(CHAIN.account, entries.iter().map(Vec::as_slice));
    let mut one_by_one = None;
    let mut is_sound = true;
    for bytes in &entries {
        let Ok(entry) = AccountEntry::from_bytes(bytes) else {
            is_sound = false;
            break;
        };
        match &mut one_by_one {
            None => match AccountChain::begin(&entry) {
                Ok(chain) if chain.account() == CHAIN.account => one_by_one = Some(chain),
                _ => {
                    is_sound = false;
                    break;
                }
            },
            Some(chain) => {
                let before = chain.clone();
                if chain.append(&entry).is_err() {
                    assert_eq!(*chain, before, "a refusal changed the chain");
                    is_sound = false;
                    break;
                }
            }
        }
    }
    assert_eq!(verdict.is_ok(), is_sound);
    if let Ok(chain) = verdict {
        assert_eq!(Some(&chain), one_by_one.as_ref());
        assert_eq!(entries[0], CHAIN.genesis);
        assert_eq!(usize::try_from(chain.head()), Ok(entries.len() - 1));
    }
}
