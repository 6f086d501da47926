//! People, groups and devices that write and read in them: what most rows begin with.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::door::{Door, PATIENCE};
use super::ledger::{self, Found, Kept};
use super::people::{Group, Person, try_stored};
use super::process::House;
use super::reader::Reader;
use super::writer::{Phase, Writer};

/// Devices of one account at most.
const DEVICES_MAX: usize = 16;
/// Devices that write in one group.
const WRITERS_IN_A_GROUP: usize = 16;

pub(crate) struct Scene {
    pub(crate) people: Vec<Person>,
    pub(crate) groups: Vec<Group>,
}

impl Scene {
    /// The first of the people reads everything and writes nothing; `writers` devices of the others write.
    pub(crate) async fn set(house: &House, writers: usize) -> Self {
        Self::set_with(house, writers, 1).await
    }

    /// As [`Self::set`], with several reading devices.
    pub(crate) async fn set_with(house: &House, writers: usize, readers: usize) -> Self {
        let door = house.door();
        let mut mia = Person::register(door, "mia", &house.setup_token()).await;
        while mia.devices.len() < readers {
            mia.add_device(door).await;
        }
        let mut people = vec![mia];
        let accounts = writers.div_ceil(DEVICES_MAX).max(2);
        for account in 0..accounts {
            let invite = people[0].invite(door).await;
            let mut person = Person::register(door, &format!("writer{account}"), &invite).await;
            let devices = writers / accounts + usize::from(account < writers % accounts);
            while person.devices.len() < devices {
                person.add_device(door).await;
            }
            people.push(person);
        }
        let mut groups = Vec::new();
        let everybody: Vec<&Person> = people.iter().collect();
        for _ in 0..writers.div_ceil(WRITERS_IN_A_GROUP).max(2) {
            groups.push(Group::make(door, &everybody).await);
        }
        Self { people, groups }
    }

    /// A writer for each writing device, spread over the groups.
    pub(crate) fn writers(&self) -> Vec<Writer> {
        let devices = self.people.iter().skip(1).flat_map(|person| &person.devices);
        let groups = self.groups.iter().cycle();
        let numbered = (0..).zip(devices.zip(groups));
        numbered
            .map(|(number, (device, group))| Writer::new(number, device.clone(), group.clone()))
            .collect()
    }

    pub(crate) fn reader(&self) -> Reader {
        let rooms = self.groups.iter().map(|group| group.room);
        Reader::new(self.people[0].devices[0].clone(), rooms)
    }

    /// What the server has of all groups. Right behind a fault it may say to come back: one comes back.
    pub(crate) async fn kept(&self, door: Door) -> Kept {
        let began = Instant::now();
        let mut kept = Kept::new();
        for group in &self.groups {
            let stored = loop {
                if let Some(stored) = try_stored(door, self.people[0].access(), group.room, 0).await {
                    break stored;
                }
                assert!(began.elapsed() < PATIENCE, "the server answers");
                sleep(Duration::from_millis(50)).await;
            };
            kept.insert(group.room, stored);
        }
        kept
    }

    /// Compares everybody's books with what the server has.
    pub(crate) async fn compare(&self, door: Door, writers: &[Writer]) -> Found {
        ledger::compare(writers, &self.kept(door).await)
    }
}

/// Writers and a reader at work.
pub(crate) struct Work {
    phase: watch::Sender<Phase>,
    writing: Vec<JoinHandle<Writer>>,
    reading: JoinHandle<Reader>,
}

impl Work {
    pub(crate) fn begin(door: Door, writers: Vec<Writer>, reader: Reader) -> Self {
        let (phase, seen) = watch::channel(Phase::Write);
        let writing = writers
            .into_iter()
            .map(|writer| tokio::spawn(writer.run(door, door, seen.clone())));
        Self {
            writing: writing.collect(),
            reading: tokio::spawn(reader.run(door, seen)),
            phase,
        }
    }

    /// Lets the writers hear the answers to what they sent and the reader read it all.
    pub(crate) async fn finish(self) -> (Vec<Writer>, Reader) {
        self.end(Phase::Finish).await
    }

    /// Tells all to stop where they stand; what was answered already is still taken in.
    pub(crate) fn halt(&self) {
        self.phase.send_replace(Phase::Halt);
    }

    /// Waits until all have stopped.
    pub(crate) async fn halted(self) -> (Vec<Writer>, Reader) {
        self.end(Phase::Halt).await
    }

    async fn end(self, phase: Phase) -> (Vec<Writer>, Reader) {
        self.phase.send_replace(phase);
        let mut writers = Vec::with_capacity(self.writing.len());
        for writing in self.writing {
            writers.push(writing.await.expect("a writer does not panic"));
        }
        // Behind the writers: now it stands as it will stay.
        if phase == Phase::Finish {
            self.phase.send_replace(Phase::Written);
        }
        (writers, self.reading.await.expect("the reader does not panic"))
    }
}
