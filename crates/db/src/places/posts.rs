//! The history of places' rooms, and what becomes of it in time. Posts are stored by [`Db::append`].

use conclave_protocol::frames::Class;
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, Hash, RoomId, Timestamp};

use crate::blobs::Released;
use crate::column::Column;
use crate::engine::on_engine;
use crate::messages::reached;
use crate::statements::{
    DELETE_GONE_ROOM, DELETE_POSTS_OF_ROOM, EXPIRE_POST_TIMES, EXPIRE_POSTS, FIND_GONE_ROOM, FIND_PLACE_ROOM,
    FIND_SEND, LIST_POSTS, LIST_POSTS_BEFORE,
};
use crate::{Appended, Db, DbError, PageBound};

/// Messages that one statement deletes at most.
const DELETED_AT_ONCE: u32 = 1_000;
/// Longest pause that a room's slow mode asks for: what is older says nothing.
const PAUSE_MAX_MS: u64 = 6 * 60 * 60 * 1000;

/// A send that was stored: its digest, its sequence where it has one, its time.
type SendRow = (Column<Hash>, Option<Column<u64>>, Column<Timestamp>);

type PostRow = (
    Column<u64>,
    Column<EnvelopeId>,
    Column<AccountId>,
    Column<DeviceId>,
    Column<Timestamp>,
    Column<Class>,
    Column<u32>,
    Column<u32>,
    Option<Column<EnvelopeId>>,
    Option<Column<EnvelopeId>>,
    Option<Column<Timestamp>>,
    Vec<u8>,
);

impl Db {
    /// A page of a place's room in order, of what was sent by those who saw the entry `since` of the place's chain
    /// and has not expired; and the room's newest sequence, zero for no such room.
    pub async fn list_posts(
        &self,
        room: RoomId,
        bound: PageBound,
        since: u32,
        now: Timestamp,
        limit: u32,
    ) -> Result<EnvelopesPage, DbError> {
        let engine = self.engine();
        let (statement, sequence) = match bound {
            PageBound::After(sequence) => (LIST_POSTS.on(engine), sequence),
            PageBound::Before(sequence) => (LIST_POSTS_BEFORE.on(engine), sequence),
        };
        let (rows, head): (Vec<PostRow>, u64) = on_engine!(
            self,
            read | connection | {
                // Read first: a device takes a page for everything up to this. What is posted in between may stand in the
                // page and lie beyond it, and never the other way round.
                let found = sqlx::query_as(FIND_PLACE_ROOM.on(engine))
                    .bind(Column(room))
                    .fetch_optional(&mut *connection)
                    .await?;
                let rows = sqlx::query_as(statement)
                    .bind(Column(room))
                    .bind(Column(sequence))
                    .bind(Column(since))
                    .bind(Column(now))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?;
                (rows, found.map_or(0, |row| super::place_room(row).head))
            }
        );
        let mut envelopes: Vec<StoredEnvelope> = rows.into_iter().map(envelope).collect();
        if matches!(bound, PageBound::Before(_)) {
            envelopes.reverse();
        }
        let head = reached(head, &envelopes);
        Ok(EnvelopesPage { envelopes, head })
    }

    /// What a device was answered for a room's message with this id: as a repeat, or that it used the id for other
    /// bytes. None where it never used the id.
    pub async fn find_send(
        &self,
        id: EnvelopeId,
        sender: DeviceAddress,
        digest: Hash,
    ) -> Result<Option<Appended>, DbError> {
        let statement = FIND_SEND.on(self.engine());
        let row: Option<SendRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .bind(Column(sender.account))
                    .bind(Column(sender.device))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(stored, sequence, time)| match sequence {
            Some(sequence) if stored.0 == digest => Appended::Envelope {
                sequence: sequence.0,
                time: time.0,
                repeat: true,
            },
            _ => Appended::IdReused,
        }))
    }

    /// Deletes the messages whose time is over and those of deleted channels; answers how many. Their ids stay, so
    /// that a repeat is still known.
    pub async fn expire_posts(&self, now: Timestamp) -> Result<u64, DbError> {
        let engine = self.engine();
        let mut expired = 0;
        // Claims go first: a blob that is released is only swept once it has no other claim.
        while self.release_blobs(Released::Expired, now).await? {}
        loop {
            // One transaction each, so that none holds its locks for long.
            let some = on_engine!(
                self,
                write | connection | {
                    sqlx::query(EXPIRE_POSTS.on(engine))
                        .bind(Column(now))
                        .bind(Column(DELETED_AT_ONCE))
                        .execute(&mut *connection)
                        .await?
                        .rows_affected()
                }
            );
            expired += some;
            if some < u64::from(DELETED_AT_ONCE) {
                break;
            }
        }
        while let Some(room) = self.find_gone_room().await? {
            while self.release_blobs(Released::Room(room), now).await? {}
            loop {
                let some = on_engine!(
                    self,
                    write | connection | {
                        sqlx::query(DELETE_POSTS_OF_ROOM.on(engine))
                            .bind(Column(room))
                            .bind(Column(DELETED_AT_ONCE))
                            .execute(&mut *connection)
                            .await?
                            .rows_affected()
                    }
                );
                expired += some;
                if some < u64::from(DELETED_AT_ONCE) {
                    break;
                }
            }
            on_engine!(
                self,
                write | connection | {
                    sqlx::query(DELETE_GONE_ROOM.on(engine))
                        .bind(Column(room))
                        .execute(&mut *connection)
                        .await?;
                }
            );
        }
        let before = Timestamp(now.0.saturating_sub(PAUSE_MAX_MS));
        on_engine!(
            self,
            write | connection | {
                sqlx::query(EXPIRE_POST_TIMES.on(engine))
                    .bind(Column(before))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(expired)
    }

    async fn find_gone_room(&self) -> Result<Option<RoomId>, DbError> {
        let statement = FIND_GONE_ROOM.on(self.engine());
        let row: Option<(Column<RoomId>,)> = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_optional(&mut *connection).await? }
        );
        Ok(row.map(|(room,)| room.0))
    }
}

fn envelope(row: PostRow) -> StoredEnvelope {
    let (sequence, id, account, device, received_at, class, epoch, head, target, thread, expires_at, body) =
        row;
    StoredEnvelope {
        sequence: sequence.0,
        id: id.0,
        account: account.0,
        device: device.0,
        received_at: received_at.0.0,
        class: class.0,
        heads: None,
        epoch: Some(epoch.0),
        head: Some(head.0),
        target: target.map(|id| id.0),
        thread: thread.map(|id| id.0),
        expires_at: expires_at.map(|time| time.0.0),
        body: Bytes(body),
    }
}
