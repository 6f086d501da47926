//! A place's chain: appending an entry with all that follows, reading, and the snapshots of long ones.

use conclave_protocol::limits::PLACES_MAX;
use conclave_protocol::{AccountId, Bytes, PlaceId};
use futures_util::TryStreamExt;

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    COUNT_PLACES, DELETE_OWED, DELETE_PLACE_DEPARTURE, DELETE_PLACE_MEMBER, DELETE_PLACE_SNAPSHOT,
    END_PLACE_ROOM, FIND_HEAD_SEQUENCE, FIND_PLACE, FIND_PLACE_ENTRY, FIND_PLACE_MEMBER, FIND_PLACE_SNAPSHOT,
    HOLD_ACCOUNT, INSERT_PLACE, INSERT_PLACE_ENTRY, INSERT_PLACE_ROOM, LIST_OWED, LIST_PLACE_ENTRIES,
    LOCK_PLACE, MOVE_PLACE, UPSERT_OWED, UPSERT_PLACE_DEPARTURE, UPSERT_PLACE_MEMBER, UPSERT_PLACE_SNAPSHOT,
};
use crate::{Db, DbError, NewPlaceEntry, PlaceEntryStored, PlaceSnapshot, PlaceStanding, PlaceState};

impl Db {
    /// Appends an entry to a place's chain, if it is still the next one and was judged by the account chains as they
    /// are, with everything that it changes, in one transaction. An entry of sequence 0 makes the place.
    pub async fn append_place_entry(&self, new: &NewPlaceEntry) -> Result<PlaceEntryStored, DbError> {
        let engine = self.engine();
        // In the order in which everybody locks accounts.
        let mut judged_by = new.judged_by.clone();
        judged_by.sort_unstable();
        judged_by.dedup();
        let stored = on_engine!(
            self,
            transaction | transaction | {
                let mut is_judged = true;
                for (account, head) in &judged_by {
                    sqlx::query(HOLD_ACCOUNT.on(engine))
                        .bind(Column(*account))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let found: Option<(Option<Column<u32>>,)> = sqlx::query_as(FIND_HEAD_SEQUENCE.on(engine))
                        .bind(Column(*account))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let found = found.and_then(|(head,)| head).map(|head| head.0);
                    is_judged &= found == Some(*head);
                }
                if new.sequence == 0 {
                    sqlx::query(INSERT_PLACE.on(engine))
                        .bind(Column(new.place))
                        .execute(&mut *transaction)
                        .await?;
                }
                let place: Option<(Column<u32>, Column<u64>)> = sqlx::query_as(LOCK_PLACE.on(engine))
                    .bind(Column(new.place))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let stands: Option<(Vec<u8>,)> = sqlx::query_as(FIND_PLACE_ENTRY.on(engine))
                    .bind(Column(new.place))
                    .bind(Column(new.sequence))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if let Some((bytes,)) = stands {
                    return Ok(if bytes == new.bytes {
                        PlaceEntryStored::Already
                    } else {
                        PlaceEntryStored::Moved
                    });
                }
                let Some((head, revision)) = place else {
                    return Ok(PlaceEntryStored::Moved);
                };
                // A place that was made just now has no entry yet.
                if new.sequence != 0 && head.0.checked_add(1) != Some(new.sequence) {
                    return Ok(PlaceEntryStored::Moved);
                }
                if !is_judged {
                    return Ok(PlaceEntryStored::JudgedByOthers);
                }

                sqlx::query(INSERT_PLACE_ENTRY.on(engine))
                    .bind(Column(new.place))
                    .bind(Column(new.sequence))
                    .bind(new.bytes.as_slice())
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(MOVE_PLACE.on(engine))
                    .bind(Column(new.place))
                    .bind(Column(new.sequence))
                    .execute(&mut *transaction)
                    .await?;
                for (account, standing) in &new.standings {
                    if *standing == PlaceStanding::Stranger {
                        sqlx::query(DELETE_PLACE_MEMBER.on(engine))
                            .bind(Column(*account))
                            .bind(Column(new.place))
                            .execute(&mut *transaction)
                            .await?;
                        sqlx::query(UPSERT_PLACE_DEPARTURE.on(engine))
                            .bind(Column(*account))
                            .bind(Column(new.place))
                            .bind(Column(new.sequence))
                            .execute(&mut *transaction)
                            .await?;
                        continue;
                    }
                    sqlx::query(DELETE_PLACE_DEPARTURE.on(engine))
                        .bind(Column(*account))
                        .bind(Column(new.place))
                        .execute(&mut *transaction)
                        .await?;
                    let was: Option<(bool,)> = sqlx::query_as(FIND_PLACE_MEMBER.on(engine))
                        .bind(Column(*account))
                        .bind(Column(new.place))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let (count,): (Column<u32>,) = sqlx::query_as(COUNT_PLACES.on(engine))
                        .bind(Column(*account))
                        .fetch_one(&mut *transaction)
                        .await?;
                    if was.is_none() && count.0 >= PLACES_MAX {
                        return Ok(PlaceEntryStored::TooMany);
                    }
                    sqlx::query(UPSERT_PLACE_MEMBER.on(engine))
                        .bind(Column(*account))
                        .bind(Column(new.place))
                        .bind(*standing == PlaceStanding::Member)
                        .execute(&mut *transaction)
                        .await?;
                }
                for (room, channel) in &new.opens {
                    sqlx::query(INSERT_PLACE_ROOM.on(engine))
                        .bind(Column(*room))
                        .bind(Column(new.place))
                        .bind(channel.map(Column))
                        .execute(&mut *transaction)
                        .await?;
                }
                for room in &new.ends {
                    sqlx::query(END_PLACE_ROOM.on(engine))
                        .bind(Column(*room))
                        .execute(&mut *transaction)
                        .await?;
                }
                for account in &new.settles {
                    sqlx::query(DELETE_OWED.on(engine))
                        .bind(Column(new.place))
                        .bind(Column(*account))
                        .execute(&mut *transaction)
                        .await?;
                }
                for (account, sequence) in &new.owes {
                    sqlx::query(UPSERT_OWED.on(engine))
                        .bind(Column(new.place))
                        .bind(Column(*account))
                        .bind(Column(*sequence))
                        .execute(&mut *transaction)
                        .await?;
                }
                PlaceEntryStored::Done(revision.0.saturating_add(1))
            }
        );
        Ok(stored)
    }

    /// How far a place is, where it exists.
    pub async fn find_place(&self, place: PlaceId) -> Result<Option<PlaceState>, DbError> {
        let statement = FIND_PLACE.on(self.engine());
        let row: Option<(Column<u32>, Column<u64>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(place))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(head, revision)| PlaceState {
            head: head.0,
            revision: revision.0,
        }))
    }

    /// A chain's entries behind a sequence, from the first where none is named, and up to another one, where one is
    /// named: at most `limit`, and no more than `byte_limit` bytes together, but at least one.
    pub async fn list_place_entries(
        &self,
        place: PlaceId,
        after: Option<u32>,
        until: Option<u32>,
        limit: u32,
        byte_limit: usize,
    ) -> Result<Vec<Bytes>, DbError> {
        let statement = LIST_PLACE_ENTRIES.on(self.engine());
        let mut entries = Vec::new();
        let mut bytes = 0_usize;
        on_engine!(
            self,
            read | connection | {
                let mut rows = sqlx::query_as::<_, (Vec<u8>,)>(statement)
                    .bind(Column(place))
                    .bind(after.map_or(-1, i64::from))
                    .bind(until.map_or(i64::MAX, i64::from))
                    .bind(Column(limit))
                    .fetch(&mut *connection);
                while let Some((entry,)) = rows.try_next().await? {
                    bytes = bytes.saturating_add(entry.len());
                    if bytes > byte_limit && !entries.is_empty() {
                        break;
                    }
                    entries.push(Bytes(entry));
                }
            }
        );
        Ok(entries)
    }

    /// The members of a place who lost a device that its chain does not say yet, with the entry of their own chain
    /// that took the last one away.
    pub async fn list_owed(&self, place: PlaceId) -> Result<Vec<(AccountId, u32)>, DbError> {
        let statement = LIST_OWED.on(self.engine());
        let rows: Vec<(Column<AccountId>, Column<u32>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(place))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows
            .into_iter()
            .map(|(account, sequence)| (account.0, sequence.0))
            .collect())
    }

    /// Keeps a chain as it was verified, in the place of an older one; a newer one stays.
    pub async fn upsert_place_snapshot(
        &self,
        place: PlaceId,
        snapshot: &PlaceSnapshot,
    ) -> Result<(), DbError> {
        let statement = UPSERT_PLACE_SNAPSHOT.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(place))
                    .bind(Column(snapshot.sequence))
                    .bind(snapshot.bytes.as_slice())
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// The kept chain of a place.
    pub async fn find_place_snapshot(&self, place: PlaceId) -> Result<Option<PlaceSnapshot>, DbError> {
        let statement = FIND_PLACE_SNAPSHOT.on(self.engine());
        let row: Option<(Column<u32>, Vec<u8>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(place))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(sequence, bytes)| PlaceSnapshot {
            sequence: sequence.0,
            bytes,
        }))
    }

    /// Forgets the kept chain of a place, as when it is of a form that is read no more.
    pub async fn delete_place_snapshot(&self, place: PlaceId) -> Result<(), DbError> {
        let statement = DELETE_PLACE_SNAPSHOT.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(place))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }
}
