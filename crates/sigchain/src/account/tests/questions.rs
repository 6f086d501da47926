//! What a chain answers about its past and present.

use conclave_protocol::{DeviceId, Hash};

use super::harness::{FIRST, Story, add, device, public, revoke, rotate, vault};
use crate::account::{AccountBody, Author};
use crate::head::HeadComparison;

#[test]
fn a_device_was_active_from_its_entry_to_its_revocation() {
    let mut story = Story::new();
    let id = story.add(1);
    story.first(vault(0, &[], 0, 0)).unwrap();
    story.first(revoke(id)).unwrap();
    story.first(vault(1, &[], 0, 0)).unwrap();
    let id = DeviceId(id);
    let active: Vec<bool> = (0..6)
        .map(|head| story.chain.device_at(id, head).is_some())
        .collect();
    assert_eq!(active, [false, true, true, false, false, false]);
    let first: Vec<bool> = (0..6)
        .map(|head| story.chain.device_at(DeviceId(0), head).is_some())
        .collect();
    assert_eq!(first, [true, true, true, true, true, false]);
    assert_eq!(story.chain.device(id), None);
    assert_eq!(story.chain.known_device(id).unwrap().revoked, Some(3));
    assert_eq!(story.chain.known_devices().count(), 2);
}

#[test]
fn devices_end_with_the_rotation_or_the_closing_that_revokes_them() {
    let mut story = Story::new();
    let body = rotate(story.account(), 101, true);
    story.recovery(body).unwrap();
    let body = add(story.account(), 1);
    story.say(Author::Recovery, 101, body).unwrap();
    story.say(device(2), 1, AccountBody::Close {}).unwrap();
    let revoked: Vec<Option<u32>> = story
        .chain
        .known_devices()
        .map(|(_, device)| device.revoked)
        .collect();
    assert_eq!(revoked, [Some(1), Some(3)]);
    assert_eq!(story.chain.recovery(), &public(101));
}

#[test]
fn a_named_head_is_the_same_or_behind_or_ahead_or_a_fork() {
    let story = Story::of_every_body();
    let head = story.chain.head();
    for (sequence, entry) in story.entries.iter().enumerate() {
        let sequence = u32::try_from(sequence).unwrap();
        let expected = if sequence == head {
            HeadComparison::Same
        } else {
            HeadComparison::Behind
        };
        assert_eq!(story.chain.compare(sequence, entry.hash()), expected);
        assert_eq!(story.chain.compare(sequence, Hash([1; 32])), HeadComparison::Fork);
    }
    assert_eq!(
        story.chain.compare(head + 1, Hash([1; 32])),
        HeadComparison::Ahead
    );
    assert_eq!(
        story.chain.compare(u32::MAX, Hash([1; 32])),
        HeadComparison::Ahead
    );
    assert_eq!(story.chain.head_hash(), story.entries.last().unwrap().hash());
}

#[test]
fn the_next_entry_fits_the_chain_and_wants_a_signature_alone() {
    let mut story = Story::new();
    story.add(1);
    let entry = story.chain.next_entry(device(0), super::harness::NOW, revoke(1));
    assert_eq!(entry.account, Some(story.account()));
    assert_eq!(
        (entry.sequence, entry.previous),
        (2, Some(story.chain.head_hash()))
    );
    assert_eq!(entry.signature, [0; 64]);
    assert_eq!(story.offer(super::harness::signed(entry, FIRST)), Ok(()));
}
