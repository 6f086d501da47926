//! A second device that reads what others write, live and by page, as a client does: it applies each sequence once and
//! fetches what is missing in between.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_protocol::frames::{Cursor, RoomMessage, ServerFrame};
use conclave_protocol::{EnvelopeId, RoomId};
use tokio::sync::watch;
use tokio::time::sleep;

use super::door::Door;
use super::ledger::Kept;
use super::people::{Device, try_stored};
use super::socket::{NotYet, Socket};
use super::writer::Phase;

pub(crate) struct Reader {
    device: Device,
    /// What was read of each room, in order.
    rooms: BTreeMap<RoomId, Vec<(u64, EnvelopeId)>>,
    /// Messages that came as they were posted.
    pub(crate) live: usize,
}

impl Reader {
    pub(crate) fn new(device: Device, rooms: impl Iterator<Item = RoomId>) -> Self {
        Self {
            device,
            rooms: rooms.map(|room| (room, Vec::new())).collect(),
            live: 0,
        }
    }

    /// What it read is what the server has: nothing twice, nothing missing, in order.
    pub(crate) fn assert_read(&self, kept: &Kept) {
        for (room, read) in &self.rooms {
            let stored: Vec<_> = kept[room]
                .iter()
                .map(|envelope| (envelope.sequence, envelope.id))
                .collect();
            assert!(
                *read == stored,
                "the second device read {} of {} messages, or other ones",
                read.len(),
                stored.len()
            );
        }
    }

    pub(crate) async fn run(mut self, door: Door, mut phase: watch::Receiver<Phase>) -> Self {
        while !matches!(*phase.borrow_and_update(), Phase::Halt) {
            let cursors = self.cursors();
            let access = self.device.access.clone();
            match Socket::try_open(door, door, &access, cursors).await {
                Ok((socket, welcome)) => {
                    for cursor in welcome.moved {
                        self.catch_up(door, cursor.room).await;
                    }
                    if self.over(door, socket, &mut phase).await {
                        break;
                    }
                }
                Err(NotYet::Away) => sleep(Duration::from_millis(50)).await,
                Err(NotYet::Later(after)) => sleep(after).await,
                Err(NotYet::Refused(why)) => panic!("the reader is refused: {why}"),
            }
        }
        self
    }

    /// Reads over one connection; true when there is nothing more to read.
    async fn over(&mut self, door: Door, mut socket: Socket, phase: &mut watch::Receiver<Phase>) -> bool {
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Halt => return true,
                Phase::Written => {
                    // Live messages may be lost, and then the next one shows it; behind the last there is none.
                    let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
                    for room in rooms {
                        // Who is told to come back right behind a fault comes back: there is no other connection.
                        while !self.catch_up(door, room).await {
                            if matches!(*phase.borrow(), Phase::Halt) {
                                return true;
                            }
                            sleep(Duration::from_millis(50)).await;
                        }
                    }
                    return true;
                }
                Phase::Write | Phase::Finish => {}
            }
            tokio::select! {
                frame = socket.hear() => match frame {
                    Ok(ServerFrame::Posted(message)) => self.posted(door, &message).await,
                    Ok(ServerFrame::RoomMoved(cursor)) => {
                        self.catch_up(door, cursor.room).await;
                    }
                    Ok(_) => {}
                    Err(_) => return false,
                },
                _ = phase.changed() => {}
            }
        }
    }

    async fn posted(&mut self, door: Door, message: &RoomMessage) {
        let last = self.last(message.room);
        if message.sequence > last + 1 {
            self.catch_up(door, message.room).await;
        } else if let Some(read) = self.rooms.get_mut(&message.room) {
            if message.sequence == last + 1 {
                self.live += 1;
                read.push((message.sequence, message.id));
            } else {
                let known = (message.sequence, message.id);
                assert!(
                    read.contains(&known),
                    "a sequence was given to two messages: {known:?}"
                );
            }
        }
    }

    /// Reads what is stored behind the last one; false when the server was not there. Then the next connection says
    /// again what moved.
    async fn catch_up(&mut self, door: Door, room: RoomId) -> bool {
        let last = self.last(room);
        let stored = try_stored(door, &self.device.access, room, last).await;
        let answered = stored.is_some();
        if let Some(read) = self.rooms.get_mut(&room) {
            let stored = stored.into_iter().flatten();
            read.extend(stored.map(|envelope| (envelope.sequence, envelope.id)));
        }
        answered
    }

    fn last(&self, room: RoomId) -> u64 {
        let read = self.rooms.get(&room).and_then(|read| read.last());
        read.map_or(0, |(sequence, _)| *sequence)
    }

    fn cursors(&self) -> Vec<Cursor> {
        let rooms = self.rooms.keys();
        rooms
            .map(|room| Cursor {
                room: *room,
                sequence: self.last(*room),
            })
            .collect()
    }
}
