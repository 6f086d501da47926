//! Appending messages, the hot path, and reading a room's history.

mod moves;
mod plan;
mod posts;

use conclave_protocol::frames::Class;
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::{
    AccountId, BlobId, Bytes, DeviceAddress, DeviceId, EnvelopeId, Hash, PlaceId, RoomId, Timestamp,
};

use crate::column::Column;
use crate::engine::on_engine;
use crate::messages::moves::moves;
use crate::messages::plan::{Device, Place, Room, Scope, State, plan};
use crate::places::{RoomRow as PlaceRoomRow, place_room};

use crate::statements::{
    FIND_POST_TIME, FIND_ROOM_HEAD, FIND_SENDS, HAS_PUSH, INSERT_CLAIMS, INSERT_ENVELOPES, INSERT_MAILBOX,
    INSERT_POSTS, INSERT_SENDS, KEEP_CLAIMED_BLOBS, LIST_ENVELOPES, LIST_ENVELOPES_BEFORE,
    LIST_WITHOUT_RECEIPTS, LOCK_BLOBS, LOCK_DEVICES, LOCK_PLACE_ROOMS, LOCK_PLACES, LOCK_ROOMS, MOVE_DEVICES,
    MOVE_PLACE_ROOMS, MOVE_PUSH, MOVE_ROOMS, UPSERT_POST_TIME, padded_pieces, pieces,
};
use crate::{Append, Appended, Db, DbError, DirectRoom};

type RoomRow = (
    Column<RoomId>,
    Column<AccountId>,
    Column<AccountId>,
    Column<u64>,
    Column<Timestamp>,
);
type DeviceRow = (
    Column<AccountId>,
    Column<DeviceId>,
    Column<Timestamp>,
    Column<u64>,
    Column<u64>,
    Option<Column<EnvelopeId>>,
);
type SendRow = (
    Column<EnvelopeId>,
    Column<AccountId>,
    Column<DeviceId>,
    Column<Hash>,
    Option<Column<RoomId>>,
    Option<Column<u64>>,
    Column<Timestamp>,
);
type EnvelopeRow = (
    Column<u64>,
    Column<EnvelopeId>,
    Column<AccountId>,
    Column<DeviceId>,
    Column<Timestamp>,
    Column<Class>,
    Column<u32>,
    Column<u32>,
    Option<Column<EnvelopeId>>,
    Vec<u8>,
);

impl Db {
    /// Stores a batch in one commit and says of each item, in the order given, what became of it. An item
    /// that is refused leaves nothing behind and does not keep the others from being stored; on an error
    /// nothing of the batch is stored.
    ///
    /// The rooms' and devices' rows are read under locks, everything is decided in memory by [`plan`], and the
    /// outcome is written in a few statements over many rows. Sequences are dense because nobody else can
    /// take one between the lock and the commit.
    pub async fn append(&self, batch: Vec<Append>, now: Timestamp) -> Result<Vec<Appended>, DbError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let engine = self.engine();
        let scope = Scope::of(&batch);
        let appended = on_engine!(
            self,
            messages | transaction | {
                // Invariant: locks are taken places first, then rooms, then devices, each in the order of their keys,
                // here and everywhere else; two batches can wait for each other but never in a circle.
                let mut state = State::default();
                for piece in padded_pieces(&scope.places) {
                    let mut query = LOCK_PLACES.start();
                    let mut ids = query.separated(", ");
                    for place in piece {
                        ids.push_bind(Column(place));
                    }
                    query.push(LOCK_PLACES.end(engine));
                    let rows: Vec<(Column<PlaceId>, Column<u64>)> =
                        query.build_query_as().fetch_all(&mut *transaction).await?;
                    state
                        .places
                        .extend(rows.into_iter().map(|(place, revision)| (place.0, revision.0)));
                }
                for piece in padded_pieces(&scope.rooms) {
                    let mut query = LOCK_ROOMS.start();
                    let mut ids = query.separated(", ");
                    for room in piece {
                        ids.push_bind(Column(room));
                    }
                    query.push(LOCK_ROOMS.end(engine));
                    let rows: Vec<RoomRow> = query.build_query_as().fetch_all(&mut *transaction).await?;
                    state.rooms.extend(rows.into_iter().map(room));
                }
                for piece in padded_pieces(&scope.place_rooms) {
                    let mut query = LOCK_PLACE_ROOMS.start();
                    let mut ids = query.separated(", ");
                    for room in piece {
                        ids.push_bind(Column(room));
                    }
                    query.push(LOCK_PLACE_ROOMS.end(engine));
                    let rows: Vec<PlaceRoomRow> = query.build_query_as().fetch_all(&mut *transaction).await?;
                    state.place_rooms.extend(rows.into_iter().map(|row| {
                        let room = place_room(row);
                        (room.id, (room, false))
                    }));
                }
                for (room, account) in &scope.paused {
                    let time: Option<(Column<Timestamp>,)> = sqlx::query_as(FIND_POST_TIME.on(engine))
                        .bind(Column(*room))
                        .bind(Column(*account))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    if let Some((time,)) = time {
                        state.post_times.insert((*room, *account), (time.0, false));
                    }
                }
                for piece in padded_pieces(&scope.accounts) {
                    let mut query = LOCK_DEVICES.start();
                    let mut accounts = query.separated(", ");
                    for account in piece {
                        accounts.push_bind(Column(account));
                    }
                    query.push(LOCK_DEVICES.end(engine));
                    let rows: Vec<DeviceRow> = query.build_query_as().fetch_all(&mut *transaction).await?;
                    state.devices.extend(rows.into_iter().map(device));
                }
                for piece in padded_pieces(&scope.receipts) {
                    let mut query = LIST_WITHOUT_RECEIPTS.start();
                    let mut accounts = query.separated(", ");
                    for account in piece {
                        accounts.push_bind(Column(account));
                    }
                    query.push(LIST_WITHOUT_RECEIPTS.end(engine));
                    let rows: Vec<(Column<AccountId>,)> =
                        query.build_query_as().fetch_all(&mut *transaction).await?;
                    state
                        .without_receipts
                        .extend(rows.into_iter().map(|(account,)| account.0));
                }
                // Behind the locks of the senders' devices, so that a repeat in another batch is seen.
                for piece in padded_pieces(&scope.ids) {
                    let mut query = FIND_SENDS.start();
                    let mut ids = query.separated(", ");
                    for id in piece {
                        ids.push_bind(Column(id));
                    }
                    query.push(FIND_SENDS.end(engine));
                    let rows: Vec<SendRow> = query.build_query_as().fetch_all(&mut *transaction).await?;
                    state.sends.extend(rows.into_iter().map(send));
                }

                // Last of the locks. Until the commit nobody deletes these blobs, and what was deleted before is missing.
                for piece in padded_pieces(&scope.blobs) {
                    let mut query = LOCK_BLOBS.start();
                    let mut ids = query.separated(", ");
                    for id in piece {
                        ids.push_bind(Column(id));
                    }
                    query.push(LOCK_BLOBS.end(engine));
                    let rows: Vec<(Column<BlobId>,)> =
                        query.build_query_as().fetch_all(&mut *transaction).await?;
                    state.blobs.extend(rows.into_iter().map(|(blob,)| blob.0));
                }

                let outcome = plan(&batch, &mut state, now);

                for piece in pieces(&outcome.sends) {
                    let mut query = INSERT_SENDS.start();
                    query.push_values(piece, |mut row, (id, sender, send)| {
                        row.push_bind(Column(*id))
                            .push_bind(Column(sender.account))
                            .push_bind(Column(sender.device))
                            .push_bind(Column(send.digest))
                            .push_bind(send.place.map(|place| Column(place.room)))
                            .push_bind(send.place.map(|place| Column(place.sequence)))
                            .push_bind(Column(send.time));
                    });
                    query
                        .push(INSERT_SENDS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&outcome.envelopes) {
                    let mut query = INSERT_ENVELOPES.start();
                    query.push_values(piece, |mut row, (sequence, envelope)| {
                        row.push_bind(Column(envelope.room.id))
                            .push_bind(Column(*sequence))
                            .push_bind(Column(envelope.id))
                            .push_bind(Column(envelope.sender.account))
                            .push_bind(Column(envelope.sender.device))
                            .push_bind(Column(now))
                            .push_bind(Column(envelope.class))
                            .push_bind(Column(envelope.heads.low))
                            .push_bind(Column(envelope.heads.high))
                            .push_bind(envelope.target.map(Column))
                            .push_bind(envelope.body.as_slice());
                    });
                    query
                        .push(INSERT_ENVELOPES.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&outcome.posts) {
                    let mut query = INSERT_POSTS.start();
                    query.push_values(piece, |mut row, (sequence, post)| {
                        row.push_bind(Column(post.room))
                            .push_bind(Column(*sequence))
                            .push_bind(Column(post.id))
                            .push_bind(Column(post.sender.account))
                            .push_bind(Column(post.sender.device))
                            .push_bind(Column(now))
                            .push_bind(Column(post.class))
                            .push_bind(Column(post.epoch))
                            .push_bind(Column(post.head))
                            .push_bind(post.target.map(Column))
                            .push_bind(post.thread.map(Column))
                            .push_bind(post.expires_at(now).map(Column))
                            .push_bind(post.body.as_slice());
                    });
                    query
                        .push(INSERT_POSTS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&outcome.claims) {
                    let mut query = INSERT_CLAIMS.start();
                    query.push_values(piece, |mut row, claim| {
                        row.push_bind(Column(claim.blob))
                            .push_bind(Column(claim.place.room))
                            .push_bind(Column(claim.place.sequence))
                            .push_bind(claim.expires_at.map(Column));
                    });
                    query
                        .push(INSERT_CLAIMS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                let mut claimed: Vec<BlobId> = outcome.claims.iter().map(|claim| claim.blob).collect();
                claimed.sort_unstable();
                claimed.dedup();
                for piece in padded_pieces(&claimed) {
                    let mut query = KEEP_CLAIMED_BLOBS.start();
                    let mut ids = query.separated(", ");
                    for id in piece {
                        ids.push_bind(Column(id));
                    }
                    query
                        .push(KEEP_CLAIMED_BLOBS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&state.moved_place_rooms()) {
                    let mut query = MOVE_PLACE_ROOMS.start();
                    query.push_values(piece, |mut row, room| {
                        row.push_bind(Column(room.id))
                            .push_bind(Column(room.place))
                            .push_bind(room.channel.map(Column))
                            .push_bind(Column(room.head))
                            .push_bind(false);
                    });
                    query
                        .push(MOVE_PLACE_ROOMS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for ((room, account), time) in state.moved_post_times() {
                    sqlx::query(UPSERT_POST_TIME.on(engine))
                        .bind(Column(room))
                        .bind(Column(account))
                        .bind(Column(time))
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&outcome.mailbox) {
                    let mut query = INSERT_MAILBOX.start();
                    query.push_values(piece, |mut row, item| {
                        let place = item.origin.place();
                        let sender = item.origin.sender();
                        row.push_bind(Column(item.to.account))
                            .push_bind(Column(item.to.device))
                            .push_bind(Column(item.sequence))
                            .push_bind(place.map(|place| Column(place.room)))
                            .push_bind(place.map(|place| Column(place.sequence)))
                            .push_bind(sender.map(|(id, _)| Column(id)))
                            .push_bind(sender.map(|(_, sender)| Column(sender.account)))
                            .push_bind(sender.map(|(_, sender)| Column(sender.device)))
                            .push_bind(item.pairwise)
                            .push_bind(item.origin.is_receipt());
                    });
                    query
                        .push(INSERT_MAILBOX.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&state.moved_rooms()) {
                    let mut query = MOVE_ROOMS.start();
                    query.push_values(piece, |mut row, room| {
                        row.push_bind(Column(room.pair.id))
                            .push_bind(Column(room.pair.low))
                            .push_bind(Column(room.pair.high))
                            .push_bind(Column(room.head))
                            .push_bind(Column(room.created_at));
                    });
                    query
                        .push(MOVE_ROOMS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                for piece in pieces(&state.moved_devices()) {
                    let mut query = MOVE_DEVICES.start();
                    query.push_values(piece, |mut row, (address, device)| {
                        row.push_bind(Column(address.account))
                            .push_bind(Column(address.device))
                            .push_bind(Column(device.created_at))
                            .push_bind(Column(device.mailbox_head))
                            .push_bind(Column(device.acknowledged))
                            .push_bind(device.last_accepted.map(Column));
                    });
                    query
                        .push(MOVE_DEVICES.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                // Last, so that it holds nobody up. Whom it concerns is found out behind the commit.
                let moves = moves(&outcome, now);
                if !moves.is_empty()
                    && sqlx::query(HAS_PUSH.on(engine))
                        .fetch_optional(&mut *transaction)
                        .await?
                        .is_some()
                {
                    for piece in pieces(&moves) {
                        let mut query = MOVE_PUSH.start();
                        query.push_values(piece, |mut row, (moved, due_at)| {
                            row.push_bind(Column(moved.room))
                                .push_bind(Column(moved.since))
                                .push_bind(Column(moved.up_to))
                                .push_bind(Column(*due_at));
                        });
                        query
                            .push(MOVE_PUSH.end(engine))
                            .build()
                            .execute(&mut *transaction)
                            .await?;
                    }
                }
                outcome.appended
            }
        );
        Ok(appended)
    }

    /// A page of a room's history behind a sequence, and the room's newest sequence, zero for no such room.
    pub async fn list_envelopes(
        &self,
        room: RoomId,
        after: u64,
        limit: u32,
    ) -> Result<EnvelopesPage, DbError> {
        self.page(LIST_ENVELOPES.on(self.engine()), room, after, limit)
            .await
    }

    /// The newest envelopes of a room that lie before a sequence, in order, and the room's newest sequence.
    pub async fn list_envelopes_before(
        &self,
        room: RoomId,
        before: u64,
        limit: u32,
    ) -> Result<EnvelopesPage, DbError> {
        let statement = LIST_ENVELOPES_BEFORE.on(self.engine());
        let mut page = self.page(statement, room, before, limit).await?;
        page.envelopes.reverse();
        Ok(page)
    }

    async fn page(
        &self,
        statement: &'static str,
        room: RoomId,
        bound: u64,
        limit: u32,
    ) -> Result<EnvelopesPage, DbError> {
        let engine = self.engine();
        let (rows, head): (Vec<EnvelopeRow>, Option<(Column<u64>,)>) = on_engine!(
            self,
            read | connection | {
                // Read first: a device takes a page for everything up to this. What is sent in between may stand in the
                // page and lie beyond it, and never the other way round.
                let head = sqlx::query_as(FIND_ROOM_HEAD.on(engine))
                    .bind(Column(room))
                    .fetch_optional(&mut *connection)
                    .await?;
                let rows = sqlx::query_as(statement)
                    .bind(Column(room))
                    .bind(Column(bound))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?;
                (rows, head)
            }
        );
        let envelopes: Vec<StoredEnvelope> = rows.into_iter().map(envelope).collect();
        let head = head.map(|(head,)| head.0).unwrap_or_default();
        Ok(EnvelopesPage {
            head: reached(head, &envelopes),
            envelopes,
        })
    }
}

/// Where a room stands, of which these envelopes were read after its head.
pub(crate) fn reached(head: u64, envelopes: &[StoredEnvelope]) -> u64 {
    let newest = envelopes.iter().map(|envelope| envelope.sequence).max();
    head.max(newest.unwrap_or_default())
}

fn room((id, low, high, head, created_at): RoomRow) -> (RoomId, Room) {
    let pair = DirectRoom {
        id: id.0,
        low: low.0,
        high: high.0,
    };
    (
        id.0,
        Room {
            pair,
            head: head.0,
            created_at: created_at.0,
            moved: false,
        },
    )
}

fn device(row: DeviceRow) -> (DeviceAddress, Device) {
    let (account, device, created_at, mailbox_head, acknowledged, last_accepted) = row;
    let device_state = Device {
        created_at: created_at.0,
        mailbox_head: mailbox_head.0,
        acknowledged: acknowledged.0,
        last_accepted: last_accepted.map(|id| id.0),
        moved: false,
    };
    (
        DeviceAddress {
            account: account.0,
            device: device.0,
        },
        device_state,
    )
}

fn send(row: SendRow) -> ((EnvelopeId, DeviceAddress), plan::Send) {
    let (id, account, device, digest, room, sequence, time) = row;
    let place = room.zip(sequence).map(|(room, sequence)| Place {
        room: room.0,
        sequence: sequence.0,
    });
    let sender = DeviceAddress {
        account: account.0,
        device: device.0,
    };
    (
        (id.0, sender),
        plan::Send {
            digest: digest.0,
            place,
            time: time.0,
        },
    )
}

fn envelope(row: EnvelopeRow) -> StoredEnvelope {
    let (sequence, id, account, device, received_at, class, low, high, target, body) = row;
    StoredEnvelope {
        sequence: sequence.0,
        id: id.0,
        account: account.0,
        device: device.0,
        received_at: received_at.0.0,
        class: class.0,
        heads: Some((low.0, high.0)),
        epoch: None,
        head: None,
        target: target.map(|target| target.0),
        thread: None,
        expires_at: None,
        body: Bytes(body),
    }
}
