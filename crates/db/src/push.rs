//! Waking devices: where their browsers are reached, and the queue of those that have to be.
//!
//! A message notes in its own commit that its room moved ([`PushMove`]); behind it somebody looks who reads the room and
//! makes one wake for each device ([`PushWake`]), however many messages there are; a wake is taken with a lease and
//! deleted once it was sent. Each step takes only what it saw, so that two processes at once make one wake of one.

use conclave_protocol::push::PushLevel;
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, RoomId, Timestamp};
use sqlx::Row as _;

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLAIM_PUSH_WAKE, COUNT_PUSH, CUT_PUSH_MOVE, DELETE_GONE_PUSH, DELETE_PUSH, DELETE_PUSH_ELSEWHERE,
    DELETE_PUSH_LEVELS, DELETE_PUSH_WAKE, EXPIRE_PUSH, EXPIRE_PUSH_MOVES, EXPIRE_PUSH_WAKES, FIND_PUSH,
    INSERT_PUSH_LEVELS, LIST_PUSH_MOVES, LIST_PUSH_TARGETS, LIST_PUSH_TARGETS_OF_PLACE, LIST_PUSH_WAKES,
    LIST_PUSH_WRITERS, NEXT_PUSH, PAUSE_PUSH, POSTPONE_PUSH_WAKE, RENEW_PUSH_WAKE, TAKE_PUSH_MOVE,
    UPSERT_PUSH, UPSERT_PUSH_WAKE, pieces,
};
use crate::{Db, DbError};

/// Where a device is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    /// The device.
    pub device: DeviceAddress,
    /// The login that says so; it ends with it.
    pub login: [u8; 16],
    /// The address at the push service.
    pub endpoint: String,
    /// The browser's public key.
    pub key: [u8; 65],
    /// The browser's secret.
    pub secret: [u8; 16],
    /// Rooms that wake it softly or never, and until when.
    pub levels: Vec<(RoomId, PushLevel, Option<Timestamp>)>,
}

/// Messages of a room whose readers were not looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushMove {
    /// The room.
    pub room: RoomId,
    /// The first of them.
    pub since: u64,
    /// The last of them.
    pub up_to: u64,
}

/// Somebody who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushWriter {
    /// Who.
    pub account: AccountId,
    /// The newest entry of the place that they saw; 0 in direct rooms.
    pub head: u32,
}

/// A device that can be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushTarget {
    /// The device.
    pub device: DeviceAddress,
    /// What of the messages it has not acknowledged; none in rooms of places.
    pub mailbox: Option<u64>,
    /// How the room wakes it, where not as others do.
    pub level: Option<PushLevel>,
}

/// A wake to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewWake {
    /// Whom.
    pub device: DeviceAddress,
    /// The room.
    pub room: RoomId,
    /// Without a sound.
    pub softly: bool,
    /// What the device has to acknowledge to need no wake; none in rooms of places.
    pub mailbox: Option<u64>,
}

/// A device that has to be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushWake {
    /// The device.
    pub device: DeviceAddress,
    /// The one room that it is about.
    pub room: Option<RoomId>,
    /// Without a sound.
    pub softly: bool,
    /// Something in the mailbox is not acknowledged.
    pub mail: bool,
    /// Something is in rooms of places.
    pub posts: bool,
    /// When the first of it came.
    pub made_at: Timestamp,
    /// When the last of it came.
    pub moved_at: Timestamp,
    /// What it stands at.
    pub revision: u64,
    /// Since when it may be taken.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// The address at the push service.
    pub endpoint: String,
    /// The browser's public key.
    pub key: [u8; 65],
    /// The browser's secret.
    pub secret: [u8; 16],
    /// The login behind it is in force.
    pub signed_in: bool,
}

type DirectTargetRow = (
    Column<AccountId>,
    Column<DeviceId>,
    Option<Column<u64>>,
    Option<Column<PushLevel>>,
);
type PlaceTargetRow = (Column<AccountId>, Column<DeviceId>, Option<Column<PushLevel>>);

impl Db {
    /// Keeps where a device is woken, instead of what was kept before.
    pub async fn put_push(&self, subscription: &PushSubscription, now: Timestamp) -> Result<(), DbError> {
        let engine = self.engine();
        let PushSubscription {
            device,
            login,
            endpoint,
            key,
            secret,
            levels,
        } = subscription;
        on_engine!(
            self,
            transaction | transaction | {
                sqlx::query(DELETE_PUSH_ELSEWHERE.on(engine))
                    .bind(endpoint)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(UPSERT_PUSH.on(engine))
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .bind(Column(*login))
                    .bind(endpoint)
                    .bind(Column(*key))
                    .bind(Column(*secret))
                    .bind(Column(now))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(DELETE_PUSH_LEVELS.on(engine))
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .execute(&mut *transaction)
                    .await?;
                for piece in pieces(levels) {
                    let mut query = INSERT_PUSH_LEVELS.start();
                    query.push_values(piece, |mut row, (room, level, ends_at)| {
                        row.push_bind(Column(device.account))
                            .push_bind(Column(device.device))
                            .push_bind(Column(*room))
                            .push_bind(Column(*level))
                            .push_bind(ends_at.map(Column));
                    });
                    query
                        .push(INSERT_PUSH_LEVELS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
            }
        );
        Ok(())
    }

    /// The login by which a device is woken; none when it is not.
    pub async fn find_push(&self, device: DeviceAddress) -> Result<Option<[u8; 16]>, DbError> {
        let statement = FIND_PUSH.on(self.engine());
        let row: Option<(Column<[u8; 16]>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(login,)| login.0))
    }

    /// Wakes a device no more.
    pub async fn delete_push(&self, device: DeviceAddress) -> Result<(), DbError> {
        let statement = DELETE_PUSH.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Forgets an address that the push service does not know any more, unless the device gave another meanwhile.
    pub async fn delete_gone_push(&self, device: DeviceAddress, endpoint: &str) -> Result<(), DbError> {
        let statement = DELETE_GONE_PUSH.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .bind(endpoint)
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// The rooms whose readers are to be looked at, the longest waiting first.
    pub async fn list_push_moves(&self, now: Timestamp, limit: u32) -> Result<Vec<PushMove>, DbError> {
        let statement = LIST_PUSH_MOVES.on(self.engine());
        let rows: Vec<(Column<RoomId>, Column<u64>, Column<u64>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(now))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let moves = rows.into_iter().map(|(room, since, up_to)| PushMove {
            room: room.0,
            since: since.0,
            up_to: up_to.0,
        });
        Ok(moves.collect())
    }

    /// Who wrote these messages, of those that are still there.
    pub async fn list_push_writers(
        &self,
        moved: PushMove,
        now: Timestamp,
    ) -> Result<Vec<PushWriter>, DbError> {
        let statement = LIST_PUSH_WRITERS.on(self.engine());
        let rows: Vec<(Column<AccountId>, Column<u32>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(moved.room))
                    .bind(Column(moved.since))
                    .bind(Column(moved.up_to))
                    .bind(Column(now))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let writers = rows.into_iter().map(|(account, head)| PushWriter {
            account: account.0,
            head: head.0,
        });
        Ok(writers.collect())
    }

    /// The devices of a direct room's people that can be woken; none of who does not want to be disturbed.
    pub async fn list_push_targets(
        &self,
        moved: PushMove,
        now: Timestamp,
    ) -> Result<Vec<PushTarget>, DbError> {
        let statement = LIST_PUSH_TARGETS.on(self.engine());
        let rows: Vec<DirectTargetRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(moved.room))
                    .bind(Column(moved.since))
                    .bind(Column(moved.up_to))
                    .bind(Column(now))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let targets = rows
            .into_iter()
            .map(|(account, device, mailbox, level)| PushTarget {
                device: address(account, device),
                mailbox: mailbox.map(|mailbox| mailbox.0),
                level: level.map(|level| level.0),
            });
        Ok(targets.collect())
    }

    /// As [`Self::list_push_targets`], of all members of the place that a room is of: its chain says who reads it.
    pub async fn list_push_targets_of_place(
        &self,
        room: RoomId,
        now: Timestamp,
    ) -> Result<Vec<PushTarget>, DbError> {
        let statement = LIST_PUSH_TARGETS_OF_PLACE.on(self.engine());
        let rows: Vec<PlaceTargetRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(room))
                    .bind(Column(now))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let targets = rows.into_iter().map(|(account, device, level)| PushTarget {
            device: address(account, device),
            mailbox: None,
            level: level.map(|level| level.0),
        });
        Ok(targets.collect())
    }

    /// Makes wakes of a room's move, and the move goes. False when somebody else did so; then nothing was made.
    pub async fn take_push_move(
        &self,
        moved: PushMove,
        wakes: &[NewWake],
        now: Timestamp,
    ) -> Result<bool, DbError> {
        let engine = self.engine();
        Ok(on_engine!(
            self,
            transaction | transaction | {
                let taken = sqlx::query(TAKE_PUSH_MOVE.on(engine))
                    .bind(Column(moved.room))
                    .bind(Column(moved.since))
                    .bind(Column(moved.up_to))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                let cut = if taken == 0 {
                    sqlx::query(CUT_PUSH_MOVE.on(engine))
                        .bind(Column(moved.room))
                        .bind(Column(moved.since))
                        .bind(Column(moved.up_to))
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?
                        .rows_affected()
                } else {
                    0
                };
                if taken + cut == 0 {
                    return Ok(false);
                }
                for wake in wakes {
                    sqlx::query(UPSERT_PUSH_WAKE.on(engine))
                        .bind(Column(wake.device.account))
                        .bind(Column(wake.device.device))
                        .bind(Column(wake.room))
                        .bind(wake.softly)
                        .bind(Column(wake.mailbox.unwrap_or_default()))
                        .bind(wake.mailbox.is_none())
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?;
                }
                true
            }
        ))
    }

    /// The wakes that are due, the longest waiting first.
    pub async fn list_push_wakes(&self, now: Timestamp, limit: u32) -> Result<Vec<PushWake>, DbError> {
        let statement = LIST_PUSH_WAKES.on(self.engine());
        Ok(on_engine!(
            self,
            read | connection | {
                let rows = sqlx::query(statement)
                    .bind(Column(now))
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?;
                let mut wakes = Vec::with_capacity(rows.len());
                for row in rows {
                    let time = |at: usize| row.try_get::<Column<Timestamp>, _>(at);
                    let mailbox: Column<u64> = row.try_get(4)?;
                    let acknowledged: Column<u64> = row.try_get(14)?;
                    wakes.push(PushWake {
                        device: address(row.try_get(0)?, row.try_get(1)?),
                        room: row.try_get::<Option<Column<RoomId>>, _>(2)?.map(|room| room.0),
                        softly: row.try_get(3)?,
                        mail: mailbox.0 > acknowledged.0,
                        posts: row.try_get(5)?,
                        made_at: time(6)?.0,
                        moved_at: time(7)?.0,
                        revision: row.try_get::<Column<u64>, _>(8)?.0,
                        due_at: time(9)?.0,
                        attempts: row.try_get::<Column<u32>, _>(10)?.0,
                        endpoint: row.try_get(11)?,
                        key: row.try_get::<Column<[u8; 65]>, _>(12)?.0,
                        secret: row.try_get::<Column<[u8; 16]>, _>(13)?.0,
                        signed_in: row.try_get(15)?,
                    });
                }
                wakes
            }
        ))
    }

    /// Takes a wake until a time, in which nobody else takes it. False when somebody else has it.
    pub async fn claim_push_wake(&self, wake: &PushWake, until: Timestamp) -> Result<bool, DbError> {
        let statement = CLAIM_PUSH_WAKE.on(self.engine());
        let claimed = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(wake.device.account))
                    .bind(Column(wake.device.device))
                    .bind(Column(wake.due_at))
                    .bind(Column(until))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(claimed == 1)
    }

    /// A wake was sent, or is not needed: it goes, and nothing more is sent to the device before `not_before`. What was
    /// added since it was listed stays and waits till then.
    pub async fn end_push_wake(&self, wake: &PushWake, not_before: Timestamp) -> Result<(), DbError> {
        let engine = self.engine();
        let (account, device) = (Column(wake.device.account), Column(wake.device.device));
        on_engine!(
            self,
            transaction | transaction | {
                sqlx::query(DELETE_PUSH_WAKE.on(engine))
                    .bind(account)
                    .bind(device)
                    .bind(Column(wake.revision))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(RENEW_PUSH_WAKE.on(engine))
                    .bind(account)
                    .bind(device)
                    .bind(Column(wake.revision))
                    .bind(Column(not_before))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(PAUSE_PUSH.on(engine))
                    .bind(account)
                    .bind(device)
                    .bind(Column(not_before))
                    .execute(&mut *transaction)
                    .await?;
            }
        );
        Ok(())
    }

    /// Gives a wake back until `due_at`, with so many attempts behind it.
    pub async fn postpone_push_wake(
        &self,
        device: DeviceAddress,
        due_at: Timestamp,
        attempts: u32,
    ) -> Result<(), DbError> {
        let statement = POSTPONE_PUSH_WAKE.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(device.account))
                    .bind(Column(device.device))
                    .bind(Column(due_at))
                    .bind(Column(attempts))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// When there is something to do next; none when nothing waits.
    pub async fn next_push(&self) -> Result<Option<Timestamp>, DbError> {
        let statement = NEXT_PUSH.on(self.engine());
        let row: Option<(Option<Column<Timestamp>>,)> = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_optional(&mut *connection).await? }
        );
        Ok(row.and_then(|(due,)| due).map(|due| due.0))
    }

    /// Devices that can be woken, and those that wait to be.
    pub async fn count_push(&self) -> Result<(u64, u64), DbError> {
        let statement = COUNT_PUSH.on(self.engine());
        let row: (Column<u64>, Column<u64>) = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_one(&mut *connection).await? }
        );
        Ok((row.0.0, row.1.0))
    }

    /// Deletes subscriptions whose login has ended, and what waited since before `before`; answers how many.
    pub async fn expire_push(&self, before: Timestamp) -> Result<u64, DbError> {
        let engine = self.engine();
        let mut expired = on_engine!(
            self,
            write | connection | {
                sqlx::query(EXPIRE_PUSH.on(engine))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        for statement in [EXPIRE_PUSH_MOVES, EXPIRE_PUSH_WAKES] {
            expired += on_engine!(
                self,
                write | connection | {
                    sqlx::query(statement.on(engine))
                        .bind(Column(before))
                        .execute(&mut *connection)
                        .await?
                        .rows_affected()
                }
            );
        }
        Ok(expired)
    }
}

fn address(account: Column<AccountId>, device: Column<DeviceId>) -> DeviceAddress {
    DeviceAddress {
        account: account.0,
        device: device.0,
    }
}
