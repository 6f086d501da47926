//! Conversations over sessions, by what they show.

mod keeping;
mod opening;
mod settling;

use crate::PrekeyKind;
use crate::tests::{Device, rng};

/// Which handshake a device sends on.
fn active(device: &Device) -> [u8; 32] {
    device.sessions.list[0].handshake
}

/// Two devices with an answered session that the first began.
fn met(seed: u8) -> (Device, Device, rand_chacha::ChaCha20Rng) {
    let mut rng = rng(seed);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(b"hello", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    let answer = bob.send(b"welcome", &mut rng);
    alice.receive(&bob.remote(), &answer).unwrap();
    (alice, bob, rng)
}
