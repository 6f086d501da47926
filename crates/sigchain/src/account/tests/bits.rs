//! Nothing in an entry can be changed, cut or moved.

use super::harness::{Story, add, device, genesis, revoke, rotate, signed, vault, verify};
use crate::account::{AccountBody, AccountChain, AccountEntry, Author};
use crate::error::ChainError;

#[test]
fn no_bit_of_any_kind_of_entry_can_be_changed() {
    let story = Story::of_every_body();
    let entries = story.bytes();
    assert_eq!(verify(story.account(), &entries), Ok(story.chain));
    let account = story.entries[1].account.unwrap();
    for place in 0..entries.len() {
        let before = verify(account, &entries[..place]).ok();
        for bit in 0..entries[place].len() * 8 {
            let mut altered = entries[place].clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let refused = match &before {
                None => verify(account, &[altered]).is_err(),
                Some(before) => match AccountEntry::from_bytes(&altered) {
                    Err(_) => true,
                    Ok(entry) => before.clone().append(&entry).is_err(),
                },
            };
            assert!(refused, "entry {place}, bit {bit}");
        }
    }
}

#[test]
fn no_bit_of_a_possession_can_be_changed_by_the_author_who_signs_around_it() {
    let mut story = Story::new();
    for bit in 0..512 {
        let mut body = add(story.account(), 1);
        if let AccountBody::AddDevice { possession, .. } = &mut body {
            possession[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(
            story.first(body),
            Err(ChainError::Possession),
            "device, bit {bit}"
        );
        let mut body = rotate(story.account(), 101, false);
        if let AccountBody::RotateRecovery { possession, .. } = &mut body {
            possession[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(
            story.recovery(body),
            Err(ChainError::Possession),
            "recovery, bit {bit}"
        );
    }
}

#[test]
fn entries_survive_their_bytes_and_nothing_else_parses() {
    for entry in Story::of_every_body().entries {
        let bytes = entry.to_bytes();
        assert_eq!(AccountEntry::from_bytes(&bytes), Ok(entry));
        for length in 0..bytes.len() {
            assert!(AccountEntry::from_bytes(&bytes[..length]).is_err());
        }
        assert!(AccountEntry::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
}

#[test]
fn any_chain_with_entries_left_out_repeated_or_swapped_is_refused_or_shorter() {
    let story = Story::of_every_body();
    let entries = story.bytes();
    for place in 0..entries.len() {
        let mut without = entries.clone();
        without.remove(place);
        let shorter = verify(story.account(), &without);
        assert_eq!(
            shorter.is_ok(),
            place + 1 == entries.len(),
            "without entry {place}"
        );
        let mut repeated = entries.clone();
        repeated.insert(place, entries[place].clone());
        assert!(verify(story.account(), &repeated).is_err(), "entry {place} twice");
        for other in 0..place {
            let mut swapped = entries.clone();
            swapped.swap(other, place);
            assert!(
                verify(story.account(), &swapped).is_err(),
                "{other} and {place} swapped"
            );
        }
    }
}

#[test]
fn a_revoke_all_that_is_neither_yes_nor_no_and_too_many_slots_do_not_parse() {
    let story = Story::new();
    let entry = story.next(Author::Recovery, 100, rotate(story.account(), 101, true));
    let mut bytes = entry.to_bytes();
    let flag = bytes.len() - 65;
    assert_eq!(bytes[flag], 1);
    bytes[flag] = 2;
    assert!(matches!(
        AccountEntry::from_bytes(&bytes),
        Err(ChainError::Encoding(_))
    ));
    let many = story.next(device(0), 0, vault(0, &[1, 2, 3, 4, 5, 6, 7, 8, 9], 0, 0));
    assert!(matches!(
        AccountEntry::from_bytes(&many.to_bytes()),
        Err(ChainError::Encoding(_))
    ));
}

#[test]
fn an_empty_chain_and_unknown_kinds_have_their_own_error() {
    let account = AccountChain::begin(&genesis()).unwrap().account();
    assert_eq!(verify(account, &[]), Err(ChainError::Empty));
    let entry = genesis();
    for unknown in [5, 7, 200] {
        let mut signed = entry.signed_bytes();
        let kind = signed.len() - 97;
        signed[kind] = unknown;
        let bytes = conclave_encoding::Writer::new(conclave_encoding::labels::ENTRY_HASH)
            .bytes(&signed)
            .fixed(&[0; 64])
            .finish();
        assert_eq!(AccountEntry::from_bytes(&bytes), Err(ChainError::Unsupported));
    }
}

#[test]
fn the_number_of_the_recovery_key_is_no_device() {
    let mut story = Story::new();
    let entry = story
        .chain
        .next_entry(device(u32::MAX), super::harness::NOW, revoke(0));
    assert_eq!(story.offer(signed(entry.clone(), 0)), Err(ChainError::Author));
    assert_eq!(story.offer(signed(entry.clone(), 100)), Err(ChainError::Author));
    let read = AccountEntry::from_bytes(&entry.to_bytes()).unwrap();
    assert_eq!(read.author, Author::Recovery);
}
