//! Tells the connected readers of a room what was posted in it. One task, so that a room's messages go out in order;
//! beside the writer, so that no commit waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use conclave_db::NewPost;
use conclave_protocol::frames::{Cursor, RoomMessage, ServerFrame};
use conclave_protocol::{PlaceId, RoomId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::posts::Told;
use crate::error::code_of;
use crate::state::App;

/// Messages that wait to be told at most; beyond it the readers are told how far the room is.
const WAITING_MAX: usize = 1_024;

/// A message that is on disk.
pub(crate) struct Posted {
    pub(crate) post: Arc<NewPost>,
    pub(crate) sequence: u64,
    pub(crate) time: Timestamp,
}

/// What waits to be told.
#[derive(Clone, Default)]
pub(crate) struct Telling(Arc<Waiting>);

#[derive(Default)]
struct Waiting {
    posts: Mutex<Queue>,
    some: Notify,
}

#[derive(Default)]
struct Queue {
    posts: VecDeque<Posted>,
    /// Rooms whose messages found no room here, and how far they are.
    moved: BTreeMap<RoomId, (PlaceId, u64)>,
}

impl Telling {
    /// Has messages told, in order.
    pub(crate) fn add(&self, posted: Vec<Posted>) {
        if posted.is_empty() {
            return;
        }
        let mut queue = self.0.posts.lock().unwrap_or_else(PoisonError::into_inner);
        for posted in posted {
            let room = posted.post.room;
            if queue.posts.len() >= WAITING_MAX || queue.moved.contains_key(&room) {
                queue.moved.insert(room, (posted.post.place, posted.sequence));
            } else {
                queue.posts.push_back(posted);
            }
        }
        drop(queue);
        self.0.some.notify_one();
    }

    /// Runs until `stop`.
    pub(crate) async fn run(self, app: Arc<App>, stop: CancellationToken) {
        while stop.run_until_cancelled(self.0.some.notified()).await.is_some() {
            while let Some(posted) = self.next() {
                tell(&app, posted).await;
            }
            while let Some((room, place, sequence)) = self.next_moved() {
                tell_moved(&app, place, Cursor { room, sequence }).await;
            }
        }
    }

    fn next(&self) -> Option<Posted> {
        let mut queue = self.0.posts.lock().unwrap_or_else(PoisonError::into_inner);
        queue.posts.pop_front()
    }

    fn next_moved(&self) -> Option<(RoomId, PlaceId, u64)> {
        let mut queue = self.0.posts.lock().unwrap_or_else(PoisonError::into_inner);
        let (room, (place, sequence)) = queue.moved.pop_first()?;
        Some((room, place, sequence))
    }
}

async fn tell(app: &App, Posted { post, sequence, time }: Posted) {
    let frame = ServerFrame::Posted(RoomMessage {
        room: post.room,
        sequence,
        id: post.id,
        sender: post.sender,
        time,
        class: post.class,
        epoch: post.epoch,
        head: post.head,
        target: post.target,
        thread: post.thread,
        expires: post.expires_at(time),
        body: conclave_protocol::Bytes(post.body.clone()),
    });
    let told = Arc::new(Told {
        place: post.place,
        room: post.room,
        sequence,
        frame: Bytes::from(frame.to_bytes()),
    });
    let place = match app.places.read(&app.db, post.place).await {
        Ok(Some(place)) => place,
        Ok(None) => return,
        Err(error) => {
            // Devices find the message by the room's sequence when the next one comes or when they connect.
            code_of(&error);
            return;
        }
    };
    // By the chain as it is now, and while nobody can change it: who was put out meanwhile is told nothing.
    for reader in place.chain.state().readers(post.room) {
        if app.hub.has_connected(reader) && place.hands_out(reader, post.room, post.head) {
            app.hub.tell_post(reader, post.sender, &told);
        }
    }
}

async fn tell_moved(app: &App, place: PlaceId, cursor: Cursor) {
    match app.places.read(&app.db, place).await {
        Ok(Some(found)) => {
            for reader in found.chain.state().readers(cursor.room) {
                app.hub.room_moved(reader, place, cursor);
            }
        }
        Ok(None) => {}
        Err(error) => {
            code_of(&error);
        }
    }
}
