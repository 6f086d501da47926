//! Three devices in one room under a hostile server: loss, repetition, reordering, late chains, turns of the epoch
//! and restarts, interleaved at random and compared with a model that knows no cryptography.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;

use super::{
    Accepted, CHAIN_ID_LENGTH, ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SendingChain,
};
use crate::OpenError;
use crate::limits::{MAX_CHAIN_AGE, MAX_CHAIN_MESSAGES, MAX_OLD_CHAINS, OLD_CHAIN_LIFETIME};
use crate::tests::{AD, Device, NOW, rng};

const ROOM: [u8; 32] = [0x52; 32];
const DEVICES: usize = 3;
const DAY: u64 = 24 * 60 * 60 * 1000;

type ChainId = [u8; CHAIN_ID_LENGTH];

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A device says something; it begins a chain first when one is due.
    Say { author: usize },
    /// A device says much that nobody ever gets.
    SayInVain { author: usize, count: u32 },
    /// The server hands over any message or chain that is on its way, and perhaps keeps a copy of the message.
    Deliver { pick: usize, twice: bool },
    /// The server loses one message.
    Lose { pick: usize },
    /// Somebody left: the epoch ends.
    TurnEpoch,
    /// A device is removed: its chain ends, and what it says after that is refused. It comes back at once.
    Remove { author: usize },
    /// Time goes by.
    Wait { hours: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let author = 0..DEVICES;
    let step = prop_oneof![
        10 => author.clone().prop_map(|author| Step::Say { author }),
        1 => (author.clone(), 1..250u32).prop_map(|(author, count)| Step::SayInVain { author, count }),
        20 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(pick, twice)| Step::Deliver { pick, twice }),
        2 => any::<usize>().prop_map(|pick| Step::Lose { pick }),
        1 => Just(Step::TurnEpoch),
        1 => author.prop_map(|author| Step::Remove { author }),
        1 => (1..100u64).prop_map(|hours| Step::Wait { hours }),
    ];
    prop::collection::vec(step, 1..80)
}

struct World {
    /// Whether all save and load everything after each step.
    restarts: bool,
    members: Vec<Member>,
    rng: ChaCha20Rng,
    now: u64,
    epoch: u32,
    /// On their way, each to one reader.
    letters: Vec<Letter>,
    chains: Vec<Handed>,
    /// Ends of closed chains: the first iteration that opens no more.
    ends: HashMap<ChainId, u32>,
    used: HashSet<(ChainId, u32)>,
    next: u32,
}

struct Member {
    device: Device,
    sending: Option<SendingChain>,
    /// What it has of each device, its own place unused.
    receiving: Vec<ReceivingChains>,
    /// The same by the model: which chains are known, the current one first.
    known: Vec<Vec<KnownChain>>,
    opened: HashSet<u32>,
}

#[derive(Clone, Copy)]
struct KnownChain {
    id: ChainId,
    epoch: u32,
    replaced_at: u64,
}

#[derive(Clone)]
struct Letter {
    author: usize,
    reader: usize,
    chain: ChainId,
    iteration: u32,
    number: u32,
    bytes: Vec<u8>,
}

struct Handed {
    author: usize,
    reader: usize,
    epoch: u32,
    bytes: Vec<u8>,
}

impl World {
    fn new(restarts: bool) -> Self {
        let mut rng = rng(78);
        let devices: Vec<_> = (1..=3).map(|account| Device::new(account, &mut rng)).collect();
        let addresses: Vec<_> = devices.iter().map(|device| device.remote().address()).collect();
        let members = devices
            .into_iter()
            .map(|device| Member {
                device,
                sending: None,
                receiving: addresses
                    .iter()
                    .map(|address| ReceivingChains::new(&ROOM, *address))
                    .collect(),
                known: vec![Vec::new(); DEVICES],
                opened: HashSet::new(),
            })
            .collect();
        Self {
            restarts,
            members,
            rng,
            now: NOW,
            epoch: 0,
            letters: Vec::new(),
            chains: Vec::new(),
            ends: HashMap::new(),
            used: HashSet::new(),
            next: 0,
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Say { author } => self.say(author),
            Step::SayInVain { author, count } => self.say_in_vain(author, count),
            Step::Deliver { pick, twice } => self.deliver_any(pick, twice),
            Step::Lose { pick } => {
                if !self.letters.is_empty() {
                    self.letters.swap_remove(pick % self.letters.len());
                }
            }
            Step::TurnEpoch => self.epoch += 1,
            Step::Remove { author } => self.remove(author),
            // Skipped keys live for 30 days; a test of its own shows it.
            Step::Wait { hours } => self.now = (self.now + hours * DAY / 24).min(NOW + 29 * DAY),
        }
        if self.restarts {
            self.members.iter_mut().for_each(Member::restart);
        }
    }

    fn say(&mut self, author: usize) {
        self.begin_when_due(author);
        self.seal(author);
    }

    /// Invariant: no chain is sent on beyond its epoch, count and age.
    fn begin_when_due(&mut self, author: usize) {
        let Self { members, rng, .. } = self;
        let member = &mut members[author];
        let due = member
            .sending
            .as_ref()
            .is_none_or(|chain| chain.rotation_due(self.epoch, self.now).is_some());
        if !due {
            return;
        }
        let chain = SendingChain::begin(
            &ROOM,
            self.epoch,
            member.device.remote().address(),
            &member.device.signing,
            self.now,
            rng,
        );
        for reader in (0..DEVICES).filter(|reader| *reader != author) {
            self.chains.push(Handed {
                author,
                reader,
                epoch: self.epoch,
                bytes: chain.distribution(0, &[0; 32]).to_vec(),
            });
        }
        member.sending = Some(chain);
    }

    fn seal(&mut self, author: usize) {
        let number = self.next;
        self.next += 1;
        let chain = self.members[author].sending.as_mut().unwrap();
        let sealed = chain
            .seal(AD, &number.to_be_bytes(), self.now, &mut self.rng)
            .unwrap();
        assert_eq!(chain.statement().epoch(), self.epoch);
        assert!(chain.iteration() <= MAX_CHAIN_MESSAGES);
        assert!(self.now - chain.created_at() < MAX_CHAIN_AGE);
        let message = SenderKeyMessage::from_bytes(&sealed.bytes).unwrap();
        let (id, iteration) = (message.chain_id(), message.iteration());
        assert!(self.used.insert((id, iteration)), "a key was used twice");
        for reader in (0..DEVICES).filter(|reader| *reader != author) {
            self.letters.push(Letter {
                author,
                reader,
                chain: id,
                iteration,
                number,
                bytes: sealed.bytes.clone(),
            });
        }
    }

    fn say_in_vain(&mut self, author: usize, count: u32) {
        self.begin_when_due(author);
        let chain = self.members[author].sending.as_mut().unwrap();
        for _ in 0..count.min(MAX_CHAIN_MESSAGES - chain.iteration()) {
            chain.chain = chain.chain.step().unwrap().1;
        }
    }

    fn deliver_any(&mut self, pick: usize, twice: bool) {
        let waiting = self.letters.len() + self.chains.len();
        if waiting == 0 {
            return;
        }
        let pick = pick % waiting;
        if pick >= self.letters.len() {
            let handed = self.chains.swap_remove(pick - self.letters.len());
            self.hand_over(&handed);
            return;
        }
        let letter = self.letters[pick].clone();
        // What cannot be opened yet because its chain is late stays on its way.
        let result = self.deliver(&letter);
        if result != Err(OpenError::UnknownChain) && !twice {
            self.letters.swap_remove(pick);
        }
    }

    fn hand_over(&mut self, handed: &Handed) {
        let distribution = SenderKeyDistribution::from_bytes(&handed.bytes).unwrap();
        let id = *distribution.statement().chain_id();
        let from = self.members[handed.author].device.remote();
        let Self { members, now, .. } = self;
        let reader = &mut members[handed.reader];
        let accepted = reader.receiving[handed.author].accept(&distribution, &from, handed.epoch, *now);
        assert_eq!(accepted, Ok(Accepted::New));
        if let Some(end) = self.ends.get(&id) {
            assert!(reader.receiving[handed.author].close(&id, end.checked_sub(1)));
        }

        let known = &mut reader.known[handed.author];
        drop_expired(known, *now);
        let place = usize::from(known.first().is_some_and(|current| current.epoch > handed.epoch));
        if let (0, Some(current)) = (place, known.first_mut()) {
            current.replaced_at = *now;
        }
        known.insert(
            place,
            KnownChain {
                id,
                epoch: handed.epoch,
                replaced_at: *now,
            },
        );
        known.truncate(1 + MAX_OLD_CHAINS);
    }

    /// Invariant: a letter opens exactly once, to its own text, when its chain is known and was not closed before it.
    fn deliver(&mut self, letter: &Letter) -> Result<(), OpenError> {
        let reader = &mut self.members[letter.reader];
        let known = reader.known[letter.author]
            .iter()
            .position(|known| known.id == letter.chain)
            .filter(|place| {
                let known = &reader.known[letter.author][*place];
                *place == 0 || self.now - known.replaced_at <= OLD_CHAIN_LIFETIME
            });
        let beyond = self
            .ends
            .get(&letter.chain)
            .is_some_and(|end| letter.iteration >= *end);
        let expected = match known {
            None => Err(OpenError::UnknownChain),
            Some(_) if beyond => Err(OpenError::ChainClosed),
            Some(_) if reader.opened.contains(&letter.number) => Err(OpenError::KeyGone),
            Some(_) => Ok(letter.number.to_be_bytes().to_vec()),
        };
        let message = SenderKeyMessage::from_bytes(&letter.bytes).unwrap();
        let chains = &mut reader.receiving[letter.author];
        let before = chains.to_bytes();
        let result = chains
            .open(&message, AD, self.now)
            .map(|opened| opened.content.to_vec());
        assert_eq!(result, expected, "letter {}", letter.number);
        if let Err(refused) = result {
            assert_eq!(*chains.to_bytes(), *before, "a refused message changed the state");
            return Err(refused);
        }
        drop_expired(&mut reader.known[letter.author], self.now);
        reader.opened.insert(letter.number);
        Ok(())
    }

    fn remove(&mut self, author: usize) {
        self.begin_when_due(author);
        let chain = self.members[author].sending.as_ref().unwrap();
        let (id, end) = (*chain.statement().chain_id(), chain.iteration());
        self.ends.insert(id, end);
        for reader in (0..DEVICES).filter(|reader| *reader != author) {
            let member = &mut self.members[reader];
            let is_known = member.receiving[author].close(&id, end.checked_sub(1));
            assert_eq!(
                is_known,
                member.receiving[author]
                    .list
                    .iter()
                    .any(|c| c.binding.chain_id == id)
            );
        }
        // It goes on as though nothing had happened, as far as its chain goes.
        if end < MAX_CHAIN_MESSAGES {
            self.seal(author);
        }
        self.members[author].sending = None;
        self.epoch += 1;
    }

    /// Once every chain arrived, whatever is still on its way opens, unless its chain is gone or closed.
    fn settles(&mut self) {
        for handed in std::mem::take(&mut self.chains) {
            self.hand_over(&handed);
        }
        for letter in std::mem::take(&mut self.letters) {
            let _ = self.deliver(&letter);
        }
        for author in 0..DEVICES {
            self.say(author);
        }
        for handed in std::mem::take(&mut self.chains) {
            self.hand_over(&handed);
        }
        for letter in std::mem::take(&mut self.letters) {
            assert_eq!(self.deliver(&letter), Ok(()));
        }
    }
}

impl Member {
    fn restart(&mut self) {
        if let Some(chain) = &mut self.sending {
            let stored = chain.to_bytes();
            *chain = SendingChain::from_bytes(&stored).unwrap();
            assert_eq!(*chain.to_bytes(), *stored, "the state is not exact");
        }
        for chains in &mut self.receiving {
            let stored = chains.to_bytes();
            *chains = ReceivingChains::from_bytes(&stored).unwrap();
            assert_eq!(*chains.to_bytes(), *stored, "the state is not exact");
        }
    }

    fn state(&self) -> Vec<Vec<u8>> {
        self.sending
            .iter()
            .map(|chain| chain.to_bytes().to_vec())
            .chain(self.receiving.iter().map(|chains| chains.to_bytes().to_vec()))
            .collect()
    }
}

fn drop_expired(known: &mut Vec<KnownChain>, now: u64) {
    let mut place = 0;
    known.retain(|chain| {
        place += 1;
        place == 1 || now - chain.replaced_at <= OLD_CHAIN_LIFETIME
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_server_does_each_room_message_opens_once_for_each_reader(steps in steps()) {
        let mut world = World::new(true);
        for step in steps {
            world.run(step);
        }
        world.settles();
    }

    #[test]
    fn chains_saved_and_loaded_at_each_step_equal_those_that_never_were(steps in steps()) {
        let (mut kept, mut restarted) = (World::new(false), World::new(true));
        for step in steps {
            kept.run(step);
            restarted.run(step);
            for (one, other) in kept.members.iter().zip(&restarted.members) {
                prop_assert_eq!(one.state(), other.state());
            }
        }
    }
}
