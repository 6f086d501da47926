//! Rooms: so far the direct room of two accounts.

use std::collections::HashMap;

use conclave_protocol::frames::Cursor;
use conclave_protocol::{AccountId, RoomId, Timestamp};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{FIND_DIRECT_ROOM, INSERT_DIRECT_ROOM, LIST_ROOM_HEADS};
use crate::{Db, DbError, DirectRoom};

impl Db {
    /// Opens a direct room, which may be open already; false when one of its accounts does not exist.
    pub async fn insert_direct_room(&self, room: &DirectRoom, now: Timestamp) -> Result<bool, DbError> {
        let statement = INSERT_DIRECT_ROOM.on(self.engine());
        let inserted = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(room.id))
                    .bind(Column(room.low))
                    .bind(Column(room.high))
                    .bind(Column(now))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(inserted > 0 || self.find_direct_room(room.id).await?.is_some())
    }

    /// The direct room of this id.
    pub async fn find_direct_room(&self, room: RoomId) -> Result<Option<DirectRoom>, DbError> {
        let statement = FIND_DIRECT_ROOM.on(self.engine());
        let row: Option<(Column<RoomId>, Column<AccountId>, Column<AccountId>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(room))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(id, low, high)| DirectRoom {
            id: id.0,
            low: low.0,
            high: high.0,
        }))
    }

    /// The account's rooms that stand further than their cursor, with their newest sequence. A room without a
    /// cursor counts from the beginning; a cursor of a room that is not the account's says nothing.
    pub async fn list_moved(&self, account: AccountId, cursors: &[Cursor]) -> Result<Vec<Cursor>, DbError> {
        let statement = LIST_ROOM_HEADS.on(self.engine());
        let rows: Vec<(Column<RoomId>, Column<u64>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let known: HashMap<RoomId, u64> = cursors
            .iter()
            .map(|cursor| (cursor.room, cursor.sequence))
            .collect();
        let moved = rows
            .into_iter()
            .map(|(room, head)| Cursor {
                room: room.0,
                sequence: head.0,
            })
            .filter(|head| head.sequence > known.get(&head.room).copied().unwrap_or_default());
        Ok(moved.collect())
    }
}
