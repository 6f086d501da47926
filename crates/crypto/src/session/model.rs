//! Two devices under a hostile mailbox: loss, repetition, reordering and restarts, interleaved at random.

use std::collections::HashSet;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;

use crate::tests::{Device, for_all, rng};
use crate::{PairwiseMessage, PrekeyKind};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// One of the two seals a message; it begins a session first when it has none.
    Send { by_alice: bool },
    /// The mailbox hands over any message that is on its way, and perhaps keeps a copy.
    Deliver { pick: usize, twice: bool },
    /// The mailbox loses one.
    Lose { pick: usize },
    /// One of the two begins another session though it has one.
    Begin { by_alice: bool, last_resort: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => any::<bool>().prop_map(|by_alice| Step::Send { by_alice }),
        8 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(pick, twice)| Step::Deliver { pick, twice }),
        1 => any::<usize>().prop_map(|pick| Step::Lose { pick }),
    ];
    let begin = (any::<bool>(), any::<bool>()).prop_map(|(by_alice, last_resort)| Step::Begin {
        by_alice,
        last_resort,
    });
    // At most two further sessions, so that none falls off the end of the list.
    (
        prop::collection::vec(step, 1..60),
        prop::collection::vec((any::<prop::sample::Index>(), begin), 0..=2),
    )
        .prop_map(|(mut steps, begins)| {
            for (index, begin) in begins {
                steps.insert(index.index(steps.len() + 1), begin);
            }
            steps
        })
}

struct World {
    /// Whether both save and load everything after each step.
    restarts: bool,
    alice: Device,
    bob: Device,
    rng: ChaCha20Rng,
    mailbox: Vec<Letter>,
    opened: HashSet<u32>,
    used: HashSet<([u8; 32], u32)>,
    next: u32,
}

struct Letter {
    to_alice: bool,
    number: u32,
    bytes: Vec<u8>,
}

impl World {
    fn new(restarts: bool) -> Self {
        let mut rng = rng(77);
        Self {
            restarts,
            alice: Device::new(1, &mut rng),
            bob: Device::new(2, &mut rng),
            rng,
            mailbox: Vec::new(),
            opened: HashSet::new(),
            used: HashSet::new(),
            next: 0,
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Send { by_alice } => self.send(by_alice),
            Step::Deliver { pick, twice } if !self.mailbox.is_empty() => {
                let letter = self.mailbox.swap_remove(pick % self.mailbox.len());
                self.deliver(&letter);
                if twice {
                    self.deliver(&letter);
                }
            }
            Step::Lose { pick } if !self.mailbox.is_empty() => {
                self.mailbox.swap_remove(pick % self.mailbox.len());
            }
            Step::Begin {
                by_alice,
                last_resort,
            } => {
                self.begin(
                    by_alice,
                    if last_resort {
                        PrekeyKind::LastResort
                    } else {
                        PrekeyKind::OneTime
                    },
                );
            }
            Step::Deliver { .. } | Step::Lose { .. } => {}
        }
        if self.restarts {
            self.alice.restart();
            self.bob.restart();
        }
    }

    fn begin(&mut self, by_alice: bool, kind: PrekeyKind) {
        let Self { alice, bob, rng, .. } = self;
        let (from, to) = if by_alice { (alice, bob) } else { (bob, alice) };
        from.begin(to, kind, rng);
    }

    fn send(&mut self, by_alice: bool) {
        if self.sides(by_alice).0.sessions.is_empty() {
            self.begin(by_alice, PrekeyKind::OneTime);
        }
        let number = self.next;
        self.next += 1;
        let device = if by_alice { &mut self.alice } else { &mut self.bob };
        let bytes = device.send(&number.to_be_bytes(), &mut self.rng);
        let header = match PairwiseMessage::from_bytes(&bytes).unwrap() {
            PairwiseMessage::Prekey(prekey) => prekey.message.header,
            PairwiseMessage::Ratchet(message) => message.header,
        };
        assert!(
            self.used.insert((header.ratchet_key.to_bytes(), header.index)),
            "a key was used twice"
        );
        self.mailbox.push(Letter {
            to_alice: !by_alice,
            number,
            bytes,
        });
    }

    /// Invariant: a letter opens the first time, to its own text, and never again.
    fn deliver(&mut self, letter: &Letter) {
        let (to, from) = self.sides(letter.to_alice);
        let from = from.remote();
        let result = to.receive(&from, &letter.bytes);
        if self.opened.insert(letter.number) {
            assert_eq!(result.unwrap(), letter.number.to_be_bytes());
        } else {
            assert!(result.is_err(), "letter {} opened twice", letter.number);
        }
    }

    /// Once nothing is on its way, both send on the same session after two round trips.
    fn settles(&mut self) {
        while let Some(letter) = self.mailbox.pop() {
            self.deliver(&letter);
        }
        for _ in 0..2 {
            for by_alice in [true, false] {
                self.send(by_alice);
                let letter = self.mailbox.pop().unwrap();
                self.deliver(&letter);
            }
        }
        assert_eq!(
            self.alice.sessions.list[0].handshake,
            self.bob.sessions.list[0].handshake
        );
    }

    fn sides(&mut self, alice_first: bool) -> (&mut Device, &mut Device) {
        if alice_first {
            (&mut self.alice, &mut self.bob)
        } else {
            (&mut self.bob, &mut self.alice)
        }
    }
}

#[test]
fn whatever_the_mailbox_does_each_message_opens_once_and_both_settle() {
    for_all("mailbox schedules", 192, steps(), |steps| {
        let mut world = World::new(true);
        for step in steps {
            world.run(step);
        }
        world.settles();
    });
}

#[test]
fn a_state_saved_and_loaded_at_each_step_equals_one_that_never_was() {
    for_all("restarts of sessions", 192, steps(), |steps| {
        let (mut kept, mut restarted) = (World::new(false), World::new(true));
        for step in steps {
            kept.run(step);
            restarted.run(step);
            for (one, other) in [(&kept.alice, &restarted.alice), (&kept.bob, &restarted.bob)] {
                assert_eq!(*one.sessions.to_bytes(), *other.sessions.to_bytes());
            }
        }
    });
}
