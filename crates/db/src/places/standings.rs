//! What an account is in which places, and which rooms those have.

use conclave_protocol::places::PlaceFound;
use conclave_protocol::{AccountId, PlaceId, RoomId};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    FIND_PLACE_DEPARTURE, FIND_PLACE_MEMBER, FIND_PLACE_ROOM, LIST_PLACE_ROOMS, LIST_PLACES,
};
use crate::{Db, DbError, PlaceRoom, PlaceStanding};

/// A row of [`PlaceRoom`].
pub(crate) type RoomRow = (Column<RoomId>, Column<PlaceId>, Option<Column<u32>>, Column<u64>);

impl Db {
    /// The places where an account is a member or waits to be let in, in order of their ids.
    pub async fn list_places(&self, account: AccountId) -> Result<Vec<PlaceFound>, DbError> {
        let statement = LIST_PLACES.on(self.engine());
        let rows: Vec<(Column<PlaceId>, Column<u32>, bool)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows
            .into_iter()
            .map(|(place, head, member)| PlaceFound {
                place: place.0,
                head: head.0,
                member,
            })
            .collect())
    }

    /// What an account is in a place; a stranger also where there is no such place.
    pub async fn place_standing(&self, place: PlaceId, account: AccountId) -> Result<PlaceStanding, DbError> {
        let statement = FIND_PLACE_MEMBER.on(self.engine());
        let row: Option<(bool,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .bind(Column(place))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(match row {
            Some((true,)) => PlaceStanding::Member,
            Some((false,)) => PlaceStanding::Waiting,
            None => PlaceStanding::Stranger,
        })
    }

    /// The entry by which an account last left a place, was put out of it or was not let in; none for who is in it or
    /// never was.
    pub async fn place_departure(&self, place: PlaceId, account: AccountId) -> Result<Option<u32>, DbError> {
        let statement = FIND_PLACE_DEPARTURE.on(self.engine());
        let row: Option<(Column<u32>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .bind(Column(place))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(sequence,)| sequence.0))
    }

    /// A room of a place, where there is one.
    pub async fn find_place_room(&self, room: RoomId) -> Result<Option<PlaceRoom>, DbError> {
        let statement = FIND_PLACE_ROOM.on(self.engine());
        let row: Option<RoomRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(room))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(place_room))
    }

    /// The rooms in which something was written of all places of which an account is a member, whether it reads them
    /// or not, in order of their places.
    pub async fn list_place_rooms(&self, account: AccountId) -> Result<Vec<PlaceRoom>, DbError> {
        let statement = LIST_PLACE_ROOMS.on(self.engine());
        let rows: Vec<RoomRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(place_room).collect())
    }
}

pub(crate) fn place_room((id, place, channel, head): RoomRow) -> PlaceRoom {
    PlaceRoom {
        id: id.0,
        place: place.0,
        channel: channel.map(|channel| channel.0),
        head: head.0,
    }
}
