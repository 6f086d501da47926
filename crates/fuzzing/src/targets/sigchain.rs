//! `conclave-sigchain`: one form of each entry, and only signed, connected entries make a chain.

use std::sync::LazyLock;

use conclave_crypto::SigningKey;
use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use conclave_sigchain::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, Vault, VaultSlotInForce,
    recovery_possession_bytes,
};

use crate::people::{NOW, Person};
use crate::script::Script;

/// A real genesis entry, and what else its device signed.
pub(crate) struct Chain {
    pub(crate) account: AccountId,
    pub(crate) genesis: Vec<u8>,
    /// What follows it, each entry behind the one before, with every kind of body.
    pub(crate) following: Vec<Vec<u8>>,
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
    let following = following(&genesis, &person.signing);
    Chain {
        account,
        following,
        genesis: genesis.to_bytes(),
        strays: vec![
            signed(entry(NOW + 1), &person.signing).to_bytes(),
            signed(second, &person.signing).to_bytes(),
        ],
    }
});

/// Real entries of every kind behind a genesis entry.
fn following(genesis: &AccountEntry, first: &SigningKey) -> Vec<Vec<u8>> {
    let mut chain = AccountChain::begin(genesis).expect("a genesis entry");
    let account = chain.account();
    let (second, recovery, next) = (Person::new(3), Person::new(2).signing, Person::new(4).signing);
    let keys = DeviceKeys {
        signing: second.signing.public().to_bytes(),
        identity: second.identity.public().to_bytes(),
    };
    let possession = second.signing.sign(&keys.possession_bytes(account));
    let new = next.public().to_bytes();
    let slot = VaultSlotInForce {
        slot: Hash([1; 32]),
        wrapped: Hash([2; 32]),
    };
    let vault = Vault {
        generation: 1,
        slots: vec![slot],
        records: 2,
        head: Hash([3; 32]),
    };
    let rotation = AccountBody::RotateRecovery {
        recovery: new,
        possession: next.sign(&recovery_possession_bytes(account, &new)),
        revoke_all: false,
    };
    let device = Author::Device(DeviceId(0));
    let said = [
        (device, first, AccountBody::AddDevice { keys, possession }),
        (device, first, AccountBody::Vault(vault)),
        (Author::Recovery, &recovery, rotation),
        (device, first, AccountBody::RevokeDevice { device: DeviceId(1) }),
        (device, first, AccountBody::Close {}),
    ];
    said.into_iter()
        .map(|(author, key, body)| {
            let entry = signed(chain.next_entry(author, Timestamp(NOW), body), key);
            chain.append(&entry).expect("a sound entry");
            entry.to_bytes()
        })
        .collect()
}

/// The first byte chooses between arbitrary bytes and an altered real entry.
///
/// Law: an entry that parses has these bytes and no other.
pub(crate) fn account_entry(input: &[u8]) {
    let mut script = Script::new(input);
    let bytes = match script.byte() % 9 {
        0 => script.rest().to_vec(),
        1 => script.alter(&CHAIN.genesis, &CHAIN.strays[0]),
        number @ 2..=3 => script.alter(&CHAIN.strays[usize::from(number) - 2], &CHAIN.genesis),
        number => script.alter(&CHAIN.following[usize::from(number) - 4], &CHAIN.genesis),
    };
    if let Ok(entry) = AccountEntry::from_bytes(&bytes) {
        assert_eq!(entry.to_bytes(), bytes, "an entry has two forms");
        let _ = AccountChain::begin(&entry);
    }
}

/// A list of up to seven entries, each real, altered or arbitrary.
///
/// Laws: a chain that is accepted begins with the real genesis entry, unaltered, and no entry is accepted twice;
/// whoever appends the same entries one by one comes to the same verdict, and a refused one leaves no trace.
pub(crate) fn account_chain(input: &[u8]) {
    let mut script = Script::new(input);
    let count = 1 + script.below(7);
    let entries: Vec<Vec<u8>> = (0..count)
        .map(|place| match script.byte() % 16 {
            // The real entry of this place, or of any, or an altered one.
            8..=12 if place > 0 => CHAIN.following[(place - 1) % 5].clone(),
            13 => script.pick(&CHAIN.following).clone(),
            14 | 15 if place > 0 => script.alter(&CHAIN.following[(place - 1) % 5], &CHAIN.genesis),
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
        // Nobody else has the keys, so what is accepted is the real chain or its beginning.
        assert!(
            CHAIN.following.starts_with(&entries[1..]),
            "a forged entry was accepted"
        );
        assert_eq!(usize::try_from(chain.head()), Ok(entries.len() - 1));
    }
}
