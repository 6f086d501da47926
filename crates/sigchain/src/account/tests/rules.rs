//! Who may say what, and when.

use conclave_protocol::limits::DEVICES_MAX;
use conclave_protocol::{AccountId, Hash, Timestamp};
use ed25519_dalek::Signer;

use super::harness::{
    FIRST, NOW, RECOVERY, Story, add, device, genesis, identity, key, keys, public, revoke, rotate, signed,
    vault, verify,
};
use crate::account::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, recovery_possession_bytes,
};
use crate::error::ChainError;
use crate::limits::{ACCOUNT_ENTRIES_MAX, ACCOUNT_ENTRIES_WITH_RESERVE_MAX};

/// A neutral element of Ed25519 as a key: of small order.
fn weak() -> [u8; 32] {
    let mut one = [0; 32];
    one[0] = 1;
    one
}

#[test]
fn an_account_is_the_hash_of_its_genesis_and_has_its_first_device() {
    let entry = genesis();
    let chain = AccountChain::begin(&entry).unwrap();
    assert_eq!(chain.account().0, entry.hash().0);
    assert_eq!(chain.devices().count(), 1);
    assert_eq!(verify(chain.account(), &[entry.to_bytes()]), Ok(chain));
}

#[test]
fn a_chain_offered_under_another_id_is_refused() {
    assert_eq!(
        verify(AccountId([0; 32]), &[genesis().to_bytes()]),
        Err(ChainError::WrongAccount)
    );
}

#[test]
fn weak_and_empty_keys_never_enter_a_genesis() {
    let begin = |keys, recovery| {
        let entry = signed(AccountEntry::genesis(keys, recovery, NOW), FIRST);
        AccountChain::begin(&entry)
    };
    let no_identity = DeviceKeys {
        identity: [0; 32],
        ..keys(FIRST)
    };
    assert_eq!(begin(no_identity, public(RECOVERY)), Err(ChainError::Key));
    assert_eq!(begin(keys(FIRST), [0; 32]), Err(ChainError::Key));
    assert_eq!(begin(keys(FIRST), weak()), Err(ChainError::Key));
    let weak_signing = DeviceKeys {
        signing: weak(),
        ..keys(FIRST)
    };
    assert_eq!(begin(weak_signing, public(RECOVERY)), Err(ChainError::Key));
}

#[test]
fn the_keys_of_a_genesis_are_three_different_ones() {
    for (keys, recovery) in [
        (keys(FIRST), public(FIRST)),
        (keys(FIRST), public(FIRST)),
        (
            DeviceKeys {
                identity: public(FIRST),
                ..keys(FIRST)
            },
            public(RECOVERY),
        ),
        (
            DeviceKeys {
                identity: public(RECOVERY),
                ..keys(FIRST)
            },
            public(RECOVERY),
        ),
    ] {
        let entry = signed(AccountEntry::genesis(keys, recovery, NOW), FIRST);
        assert_eq!(AccountChain::begin(&entry), Err(ChainError::KeyReused));
    }
}

#[test]
fn a_chain_begins_with_a_genesis_in_its_form_only() {
    let story = Story::new();
    let later = story.next(device(0), FIRST, revoke(0));
    assert_eq!(AccountChain::begin(&later), Err(ChainError::Genesis));
    let changes: [fn(&mut AccountEntry); 4] = [
        |entry| entry.account = Some(AccountId([1; 32])),
        |entry| entry.previous = Some(Hash([1; 32])),
        |entry| entry.sequence = 1,
        |entry| entry.author = Author::Recovery,
    ];
    for change in changes {
        let mut entry = genesis();
        change(&mut entry);
        assert_eq!(
            AccountChain::begin(&signed(entry, FIRST)),
            Err(ChainError::Genesis)
        );
    }
}

#[test]
fn a_second_genesis_a_gap_a_fork_and_a_foreign_entry_are_refused() {
    let mut story = Story::new();
    assert_eq!(story.offer(genesis()), Err(ChainError::Genesis));
    let second = AccountBody::Genesis {
        device: keys(1),
        recovery: public(101),
    };
    assert_eq!(story.first(second), Err(ChainError::Genesis));
    let sound = story.next(device(0), FIRST, add(story.account(), 1));
    let with = |change: fn(&mut AccountEntry)| {
        let mut entry = sound.clone();
        change(&mut entry);
        signed(entry, FIRST)
    };
    assert_eq!(
        story.offer(with(|entry| entry.sequence = 2)),
        Err(ChainError::Gap)
    );
    assert_eq!(
        story.offer(with(|entry| entry.sequence = 0)),
        Err(ChainError::Gap)
    );
    assert_eq!(
        story.offer(with(|entry| entry.previous = None)),
        Err(ChainError::Fork)
    );
    assert_eq!(
        story.offer(with(|entry| entry.previous = Some(Hash([1; 32])))),
        Err(ChainError::Fork)
    );
    assert_eq!(
        story.offer(with(|entry| entry.account = Some(AccountId([1; 32])))),
        Err(ChainError::OtherChain)
    );
    assert_eq!(
        story.offer(with(|entry| entry.account = None)),
        Err(ChainError::Genesis)
    );
    assert_eq!(story.offer(sound), Ok(()));
}

#[test]
fn time_stands_still_or_goes_on_and_never_back() {
    let mut story = Story::new();
    let mut entry = story.next(device(0), FIRST, vault(0, &[], 0, 0));
    entry.time = Timestamp(NOW.0 - 1);
    assert_eq!(
        story.offer(signed(entry.clone(), FIRST)),
        Err(ChainError::TimeBackwards)
    );
    entry.time = NOW;
    assert_eq!(story.offer(signed(entry, FIRST)), Ok(()));
    let later = story
        .chain
        .next_entry(device(0), Timestamp(5000), vault(0, &[], 0, 0));
    assert_eq!(story.offer(signed(later, FIRST)), Ok(()));
    assert_eq!(story.chain.time(), Timestamp(5000));
    let early = story.chain.next_entry(device(0), NOW, vault(0, &[], 0, 0));
    assert_eq!(early.time, Timestamp(5000));
}

#[test]
fn nobody_but_the_author_signs_an_entry() {
    let mut story = Story::new();
    story.add(1);
    let body = add(story.account(), 2);
    // A stranger, another device, the recovery key, and none of them in the other's name.
    for signer in [77, 1, RECOVERY] {
        assert_eq!(
            story.say(device(0), signer, body.clone()),
            Err(ChainError::Signature)
        );
    }
    for signer in [77, 0, 1] {
        assert_eq!(
            story.say(Author::Recovery, signer, body.clone()),
            Err(ChainError::Signature)
        );
    }
    assert_eq!(story.say(device(9), 77, body), Err(ChainError::Author));
}

#[test]
fn a_device_or_the_recovery_key_adds_a_device_whose_id_is_the_sequence() {
    let mut story = Story::new();
    assert_eq!(story.add(1), 1);
    let body = add(story.account(), 2);
    assert_eq!(story.say(device(1), 1, body), Ok(()));
    let body = add(story.account(), 3);
    assert_eq!(story.recovery(body), Ok(()));
    assert_eq!(story.active(), [0, 1, 2, 3]);
    let third = *story.chain.device(conclave_protocol::DeviceId(3)).unwrap();
    assert_eq!(third.keys, keys(3));
    assert_eq!((third.added, third.revoked), (3, None));
    assert_eq!(third.entry, story.chain.head_hash());
}

#[test]
fn a_device_is_added_with_its_own_word_only() {
    let mut story = Story::new();
    let account = story.account();
    let by = |number: u8, statement: &[u8]| key(number).sign(statement).to_bytes();
    let right = keys(1).possession_bytes(account);
    let other_identity = DeviceKeys {
        identity: identity(9),
        ..keys(1)
    };
    for possession in [
        // Signed by the author, by nobody, for another account, other keys or another purpose.
        by(FIRST, &right),
        [0; 64],
        by(1, &keys(1).possession_bytes(AccountId([1; 32]))),
        by(1, &other_identity.possession_bytes(account)),
        by(1, &recovery_possession_bytes(account, &public(1))),
    ] {
        let body = AccountBody::AddDevice {
            keys: keys(1),
            possession,
        };
        assert_eq!(story.first(body), Err(ChainError::Possession));
    }
    let body = add(account, 1);
    assert_eq!(story.first(body), Ok(()));
}

#[test]
fn a_device_with_a_weak_or_empty_key_is_not_added() {
    let mut story = Story::new();
    for keys in [
        DeviceKeys {
            identity: [0; 32],
            ..keys(1)
        },
        DeviceKeys {
            signing: weak(),
            ..keys(1)
        },
        DeviceKeys {
            signing: [2; 32],
            ..keys(1)
        },
    ] {
        let possession = key(1).sign(&keys.possession_bytes(story.account())).to_bytes();
        assert_eq!(
            story.first(AccountBody::AddDevice { keys, possession }),
            Err(ChainError::Key)
        );
    }
}

#[test]
fn no_key_that_ever_stood_in_the_chain_enters_it_again() {
    let mut story = Story::new();
    let account = story.account();
    let id = story.add(1);
    story.first(revoke(id)).unwrap();
    let body = rotate(account, 101, false);
    story.recovery(body).unwrap();
    // A device in force, one that was revoked, the recovery keys of now and before.
    for number in [FIRST, 1, RECOVERY, 101] {
        let body = add(account, number);
        assert_eq!(story.first(body), Err(ChainError::KeyReused), "device {number}");
        let body = rotate(account, number, false);
        assert_eq!(
            story.say(Author::Recovery, 101, body),
            Err(ChainError::KeyReused),
            "recovery {number}"
        );
    }
    for taken in [
        identity(FIRST),
        identity(1),
        public(FIRST),
        public(RECOVERY),
        public(2),
    ] {
        let keys = DeviceKeys {
            identity: taken,
            ..keys(2)
        };
        let possession = key(2).sign(&keys.possession_bytes(account)).to_bytes();
        assert_eq!(
            story.first(AccountBody::AddDevice { keys, possession }),
            Err(ChainError::KeyReused)
        );
    }
    let body = add(account, 2);
    assert_eq!(story.first(body), Ok(()));
}

#[test]
fn an_account_has_at_most_sixteen_devices_and_revoked_ones_do_not_count() {
    let mut story = Story::new();
    for number in 1..DEVICES_MAX {
        story.add(u8::try_from(number).unwrap());
    }
    let body = add(story.account(), 50);
    assert_eq!(story.first(body.clone()), Err(ChainError::TooManyDevices));
    assert_eq!(story.recovery(body.clone()), Err(ChainError::TooManyDevices));
    story.first(revoke(3)).unwrap();
    assert_eq!(story.first(body), Ok(()));
    assert_eq!(story.active().len(), DEVICES_MAX);
}

#[test]
fn a_revoked_device_says_nothing_more() {
    let mut story = Story::new();
    let id = story.add(1);
    story.first(revoke(id)).unwrap();
    let account = story.account();
    for body in [
        add(account, 2),
        revoke(0),
        vault(0, &[], 0, 0),
        AccountBody::Close {},
    ] {
        assert_eq!(story.say(device(id), 1, body), Err(ChainError::AuthorRevoked));
    }
    assert_eq!(story.active(), [0]);
}

#[test]
fn a_device_revokes_another_or_itself_once_and_no_unknown_one() {
    let mut story = Story::new();
    let one = story.add(1);
    let two = story.add(2);
    assert_eq!(story.first(revoke(9)), Err(ChainError::UnknownDevice));
    assert_eq!(story.first(revoke(u32::MAX)), Err(ChainError::UnknownDevice));
    assert_eq!(story.say(device(one), 1, revoke(two)), Ok(()));
    assert_eq!(
        story.say(device(one), 1, revoke(two)),
        Err(ChainError::AlreadyRevoked)
    );
    assert_eq!(story.say(device(one), 1, revoke(one)), Ok(()));
    assert_eq!(story.active(), [0]);
}

#[test]
fn only_the_recovery_key_revokes_the_last_device_and_adds_the_next() {
    let mut story = Story::new();
    assert_eq!(story.first(revoke(0)), Err(ChainError::LastDevice));
    assert_eq!(story.recovery(revoke(0)), Ok(()));
    assert!(story.active().is_empty());
    let body = add(story.account(), 1);
    assert_eq!(story.first(body.clone()), Err(ChainError::AuthorRevoked));
    assert_eq!(story.recovery(body), Ok(()));
    assert_eq!(story.active(), [2]);
}

#[test]
fn the_recovery_key_is_replaced_by_itself_only_and_says_nothing_after() {
    let mut story = Story::new();
    let account = story.account();
    let body = rotate(account, 101, false);
    assert_eq!(story.first(body.clone()), Err(ChainError::RecoveryOnly));
    // Not by the new key, either.
    assert_eq!(
        story.say(Author::Recovery, 101, body.clone()),
        Err(ChainError::Signature)
    );
    assert_eq!(story.recovery(body), Ok(()));
    assert_eq!(story.chain.recovery(), &public(101));
    assert_eq!(story.recovery(revoke(0)), Err(ChainError::Signature));
    assert_eq!(story.active(), [0]);
    assert_eq!(story.say(Author::Recovery, 101, revoke(0)), Ok(()));
}

#[test]
fn a_new_recovery_key_is_strong_and_gives_its_own_word() {
    let mut story = Story::new();
    let account = story.account();
    let rotation = |recovery, possession| AccountBody::RotateRecovery {
        recovery,
        possession,
        revoke_all: false,
    };
    for recovery in [[0; 32], weak(), [2; 32]] {
        assert_eq!(story.recovery(rotation(recovery, [0; 64])), Err(ChainError::Key));
    }
    let elsewhere = recovery_possession_bytes(AccountId([1; 32]), &public(101));
    for possession in [
        key(RECOVERY)
            .sign(&recovery_possession_bytes(account, &public(101)))
            .to_bytes(),
        key(101).sign(&elsewhere).to_bytes(),
        key(101).sign(&keys(101).possession_bytes(account)).to_bytes(),
    ] {
        assert_eq!(
            story.recovery(rotation(public(101), possession)),
            Err(ChainError::Possession)
        );
    }
}

#[test]
fn a_rotation_may_revoke_every_device_at_once() {
    let mut story = Story::new();
    story.add(1);
    let body = rotate(story.account(), 101, true);
    assert_eq!(story.recovery(body), Ok(()));
    assert!(story.active().is_empty());
    assert_eq!(story.first(vault(0, &[], 0, 0)), Err(ChainError::AuthorRevoked));
    let body = rotate(story.account(), 102, true);
    assert_eq!(story.say(Author::Recovery, 101, body), Ok(()));
}

#[test]
fn the_vault_never_goes_back() {
    let mut story = Story::new();
    assert_eq!(story.chain.vault(), None);
    assert_eq!(story.first(vault(2, &[1, 2], 5, 9)), Ok(()));
    assert_eq!(
        story.first(vault(1, &[1, 2], 6, 9)),
        Err(ChainError::VaultGeneration)
    );
    assert_eq!(
        story.first(vault(2, &[1, 2], 4, 9)),
        Err(ChainError::VaultRecords)
    );
    // A new generation does not begin the records anew.
    assert_eq!(
        story.recovery(vault(3, &[1], 4, 9)),
        Err(ChainError::VaultRecords)
    );
    assert_eq!(story.first(vault(3, &[1, 2], 5, 9)), Ok(()));
    assert_eq!(story.first(vault(3, &[1, 2], 6, 1)), Ok(()));
    let AccountBody::Vault(last) = vault(3, &[1, 2], 6, 1) else {
        unreachable!()
    };
    assert_eq!(story.chain.vault(), Some(&last));
}

#[test]
fn no_device_plants_a_way_into_the_vault_or_takes_one_away() {
    let mut story = Story::new();
    assert_eq!(story.first(vault(0, &[1, 2], 0, 0)), Ok(()));
    for slots in [&[1][..], &[], &[1, 3], &[1, 2, 3]] {
        for generation in [0, 1] {
            let body = vault(generation, slots, 0, 0);
            assert_eq!(
                story.first(body),
                Err(ChainError::VaultSlots),
                "{generation} {slots:?}"
            );
        }
        // Not even the recovery key within one generation: the key in force is known through the old ways.
        assert_eq!(story.recovery(vault(0, slots, 0, 0)), Err(ChainError::VaultSlots));
    }
    assert_eq!(story.recovery(vault(1, &[1, 3], 0, 0)), Ok(()));
    assert_eq!(story.first(vault(2, &[1, 3], 0, 0)), Ok(()));
}

#[test]
fn as_many_records_of_the_vault_are_the_same_records() {
    let mut story = Story::new();
    assert_eq!(story.first(vault(0, &[], 0, 1)), Err(ChainError::VaultHead));
    assert_eq!(story.first(vault(0, &[], 0, 0)), Ok(()));
    assert_eq!(story.first(vault(0, &[], 1, 5)), Ok(()));
    assert_eq!(story.first(vault(1, &[], 1, 6)), Err(ChainError::VaultHead));
}

#[test]
fn slots_of_the_vault_are_few_and_strictly_ascending() {
    let mut story = Story::new();
    for slots in [&[2, 1][..], &[1, 1], &[1, 2, 3, 4, 5, 6, 7, 8, 9]] {
        assert_eq!(story.first(vault(0, slots, 0, 0)), Err(ChainError::VaultSlots));
    }
    assert_eq!(story.first(vault(0, &[1, 2, 3, 4, 5, 6, 7, 8], 0, 0)), Ok(()));
}

#[test]
fn after_a_revocation_the_vault_wants_a_new_key() {
    let mut story = Story::new();
    let id = story.add(1);
    assert!(!story.chain.vault_is_stale());
    story.first(vault(0, &[1], 0, 0)).unwrap();
    assert!(!story.chain.vault_is_stale());
    story.first(revoke(id)).unwrap();
    assert!(story.chain.vault_is_stale());
    story.first(vault(0, &[1], 1, 5)).unwrap();
    assert!(story.chain.vault_is_stale(), "a head alone brings no new key");
    story.first(vault(1, &[1], 1, 5)).unwrap();
    assert!(!story.chain.vault_is_stale());
}

#[test]
fn a_closed_account_has_no_device_and_takes_nothing_more() {
    for (author, number) in [(device(0), FIRST), (Author::Recovery, RECOVERY)] {
        let mut story = Story::new();
        story.add(1);
        assert_eq!(story.say(author, number, AccountBody::Close {}), Ok(()));
        assert!(story.chain.is_closed());
        assert!(story.active().is_empty());
        let account = story.account();
        for body in [
            add(account, 2),
            revoke(0),
            rotate(account, 101, false),
            vault(0, &[], 0, 0),
            AccountBody::Close {},
        ] {
            assert_eq!(story.first(body.clone()), Err(ChainError::Closed));
            assert_eq!(story.recovery(body), Err(ChainError::Closed));
        }
    }
}

#[test]
fn the_end_of_a_chain_is_kept_for_the_recovery_key_and_for_revocations() {
    let mut story = Story::new();
    story.add(1);
    let account = story.account();
    while story.entries.len() < ACCOUNT_ENTRIES_MAX {
        let entry = story.next(device(0), FIRST, vault(0, &[], 0, 0));
        story.chain.append(&entry).unwrap();
        story.entries.push(entry);
    }
    for body in [add(account, 2), vault(0, &[], 0, 0), AccountBody::Close {}] {
        assert_eq!(story.first(body), Err(ChainError::Reserved));
    }
    assert_eq!(story.say(device(1), 1, revoke(0)), Ok(()));
    for body in [vault(1, &[], 0, 0), rotate(account, 101, true)] {
        assert_eq!(story.recovery(body), Ok(()));
    }
    let body = add(account, 2);
    assert_eq!(story.say(Author::Recovery, 101, body), Ok(()));
    while story.entries.len() < ACCOUNT_ENTRIES_WITH_RESERVE_MAX {
        let entry = story.next(Author::Recovery, 101, vault(1, &[], 0, 0));
        story.chain.append(&entry).unwrap();
        story.entries.push(entry);
    }
    for body in [revoke(4099), rotate(account, 102, true), AccountBody::Close {}] {
        assert_eq!(story.say(Author::Recovery, 101, body), Err(ChainError::Full));
    }
    assert_eq!(verify(account, &story.bytes()), Ok(story.chain));
}
