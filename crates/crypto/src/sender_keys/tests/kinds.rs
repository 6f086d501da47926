//! Every kind of message against every way of opening one.

use super::{AD, Author, NOW};
use crate::sender_keys::SenderKeyMessage;
use crate::tests::{Device, rng};
use crate::{
    ContentKey, PairwiseMessage, ParseError, PrekeyKind, Purpose, Sessions, open_content, seal_content,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    MessageKey,
    Control,
    PrekeyMessageKey,
    PrekeyControl,
    Room,
    DirectContent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    /// A session that both know, opened for a purpose.
    Session(Purpose),
    /// A session that begins, opened for a purpose.
    FirstContact(Purpose),
    Room,
    Direct,
}

const KINDS: [Kind; 6] = [
    Kind::MessageKey,
    Kind::Control,
    Kind::PrekeyMessageKey,
    Kind::PrekeyControl,
    Kind::Room,
    Kind::DirectContent,
];

const CHANNELS: [Channel; 6] = [
    Channel::Session(Purpose::MessageKey),
    Channel::Session(Purpose::Control),
    Channel::FirstContact(Purpose::MessageKey),
    Channel::FirstContact(Purpose::Control),
    Channel::Room,
    Channel::Direct,
];

fn belongs(kind: Kind, channel: Channel) -> bool {
    matches!(
        (kind, channel),
        (Kind::MessageKey, Channel::Session(Purpose::MessageKey))
            | (Kind::Control, Channel::Session(Purpose::Control))
            | (Kind::PrekeyMessageKey, Channel::FirstContact(Purpose::MessageKey))
            | (Kind::PrekeyControl, Channel::FirstContact(Purpose::Control))
            | (Kind::Room, Channel::Room)
            | (Kind::DirectContent, Channel::Direct)
    )
}

/// Two devices that share a session, a room's chain and a content key, all bound to the same data.
struct World {
    alice: Device,
    bob: Device,
    /// Bob's, who has no session with Alice yet.
    fresh: Sessions,
    author: Author,
    rng: rand_chacha::ChaCha20Rng,
}

impl World {
    fn new() -> Self {
        let mut rng = rng(12);
        let mut alice = Device::new(1, &mut rng);
        let mut bob = Device::new(2, &mut rng);
        alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
        let first = alice.send(b"hello", &mut rng);
        bob.receive(&alice.remote(), &first).unwrap();
        let answer = bob.send(b"welcome", &mut rng);
        alice.receive(&bob.remote(), &answer).unwrap();
        Self {
            alice,
            bob,
            fresh: Sessions::default(),
            author: Author::new(1),
            rng,
        }
    }

    fn seal(&mut self, kind: Kind) -> Vec<u8> {
        let rng = &mut self.rng;
        let mut pairwise =
            |sessions: &mut Sessions, purpose| sessions.seal(purpose, AD, b"text", NOW, rng).unwrap();
        match kind {
            Kind::MessageKey => pairwise(&mut self.alice.sessions, Purpose::MessageKey),
            Kind::Control => pairwise(&mut self.alice.sessions, Purpose::Control),
            Kind::PrekeyMessageKey | Kind::PrekeyControl => {
                let purpose = if kind == Kind::PrekeyControl {
                    Purpose::Control
                } else {
                    Purpose::MessageKey
                };
                let remote = self.bob.remote();
                let bundle = self
                    .bob
                    .publish(PrekeyKind::OneTime, rng)
                    .verify(&remote)
                    .unwrap();
                let mut sessions = Sessions::default();
                sessions
                    .initiate(&self.alice.local(), &remote, &bundle, NOW, rng)
                    .unwrap();
                sessions.seal(purpose, AD, b"text", NOW, rng).unwrap()
            }
            Kind::Room => self.author.say(b"text"),
            Kind::DirectContent => seal_content(&ContentKey::from_bytes(&[3; 32]), AD, b"text").unwrap(),
        }
    }

    /// What a caller does that takes the bytes for what belongs to the channel.
    fn open(&mut self, channel: Channel, bytes: &[u8]) -> Option<Vec<u8>> {
        match channel {
            Channel::Session(purpose) => match PairwiseMessage::from_bytes(bytes).ok()? {
                PairwiseMessage::Ratchet(message) => {
                    let opened = self.bob.sessions.open(purpose, AD, &message, NOW).ok()?;
                    Some(opened.to_vec())
                }
                PairwiseMessage::Prekey(_) => None,
            },
            Channel::FirstContact(purpose) => match PairwiseMessage::from_bytes(bytes).ok()? {
                PairwiseMessage::Prekey(_) => {
                    std::mem::swap(&mut self.bob.sessions, &mut self.fresh);
                    let opened = self.bob.receive_as(&self.alice.remote(), bytes, purpose, AD);
                    std::mem::swap(&mut self.bob.sessions, &mut self.fresh);
                    opened.ok()
                }
                PairwiseMessage::Ratchet(_) => None,
            },
            Channel::Room => {
                let message = SenderKeyMessage::from_bytes(bytes).ok()?;
                let mut reader = Author::new(1).reader();
                let opened = reader.0.open(&message, AD, NOW).ok()?;
                Some(opened.content.to_vec())
            }
            Channel::Direct => {
                let opened = open_content(&ContentKey::from_bytes(&[3; 32]), AD, bytes).ok()?;
                Some(opened.to_vec())
            }
        }
    }
}

#[test]
fn every_kind_of_message_opens_through_its_own_channel_and_no_other() {
    for kind in KINDS {
        for channel in CHANNELS {
            let mut world = World::new();
            let bytes = world.seal(kind);
            let opened = world.open(channel, &bytes);
            let expected = belongs(kind, channel).then(|| b"text".to_vec());
            assert_eq!(opened, expected, "{kind:?} through {channel:?}");
        }
    }
}

#[test]
fn a_first_byte_names_one_parser_only() {
    let mut world = World::new();
    for kind in KINDS {
        let bytes = world.seal(kind);
        for first in 0..=u8::MAX {
            let mut renamed = bytes.clone();
            renamed[0] = first;
            let pairwise = PairwiseMessage::from_bytes(&renamed);
            let room = SenderKeyMessage::from_bytes(&renamed);
            if !(0x10..=0x12).contains(&first) {
                assert_eq!(pairwise.err(), Some(ParseError::UnknownType), "{first:#x}");
            }
            if first != 0x13 {
                assert_eq!(room.err(), Some(ParseError::UnknownType), "{first:#x}");
            }
        }
    }
}

#[test]
fn a_room_message_renamed_to_a_pairwise_one_and_the_reverse_opens_nowhere() {
    for kind in KINDS {
        for first in 0x10..=0x13 {
            let mut world = World::new();
            let mut bytes = world.seal(kind);
            if bytes[0] == first {
                continue;
            }
            bytes[0] = first;
            for channel in CHANNELS {
                assert_eq!(
                    world.open(channel, &bytes),
                    None,
                    "{kind:?} as {first:#x} through {channel:?}"
                );
            }
        }
    }
}
