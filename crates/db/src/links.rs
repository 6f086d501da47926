//! Meeting places of a new device and one of its account's devices.
//!
//! Odd messages come from the newcomer, even ones from the device that took the account's side. Message 2
//! takes it. Who is nobody in a place is told that there is none.

use conclave_protocol::limits::{LINK_MESSAGES_MAX, LINKS_MAX};
use conclave_protocol::links::{LinkMessage, LinkWaiting, LinkWay};
use conclave_protocol::{AccountId, Bytes, DeviceId, Hash, LinkId, Timestamp};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    COUNT_LINK_MESSAGES, COUNT_LINKS, DELETE_LINK, FIND_LINK, FIND_LINK_MESSAGE, INSERT_LINK,
    INSERT_LINK_MESSAGE, LIST_LINK_MESSAGES, LIST_LINKS_WAITING, LOCK_ACCOUNT, LOCK_LINK, TAKE_LINK,
};
use crate::{Db, DbError, InLink, LinkOpened, LinkSide, NewLink};

type LinkRow = (
    Column<LinkWay>,
    Column<Hash>,
    Option<Column<AccountId>>,
    Option<Column<DeviceId>>,
);
type MessageRow = (Column<u32>, Vec<u8>);

/// A place as its row says.
struct Place {
    token: Hash,
    account: Option<AccountId>,
    device: Option<DeviceId>,
    way: LinkWay,
}

/// What somebody is in a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Newcomer,
    /// The device that took the account's side.
    Approver,
    /// A device that could take it.
    Candidate,
    /// A device that came too late.
    Late,
    Nobody,
}

impl Place {
    fn role(&self, side: LinkSide) -> Role {
        match side {
            LinkSide::Newcomer(token) if token == self.token => Role::Newcomer,
            LinkSide::Newcomer(_) => Role::Nobody,
            LinkSide::Device(address) if self.account.is_some_and(|account| account != address.account) => {
                Role::Nobody
            }
            LinkSide::Device(address) => match self.device {
                None => Role::Candidate,
                Some(device) if device == address.device => Role::Approver,
                Some(_) => Role::Late,
            },
        }
    }
}

impl Db {
    /// Opens a meeting place with its first message.
    pub async fn open_link(&self, new: &NewLink, now: Timestamp) -> Result<LinkOpened, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                if let Some(account) = new.account {
                    // Held, so that two at once do not both find the last free one.
                    let _: Option<(Option<Column<Timestamp>>,)> = sqlx::query_as(LOCK_ACCOUNT.on(engine))
                        .bind(Column(account))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let (open,): (Column<u64>,) = sqlx::query_as(COUNT_LINKS.on(engine))
                        .bind(Column(account))
                        .bind(Column(now))
                        .fetch_one(&mut *transaction)
                        .await?;
                    if usize::try_from(open.0).is_ok_and(|open| open >= LINKS_MAX) {
                        return Ok(LinkOpened::TooMany);
                    }
                }
                let inserted = sqlx::query(INSERT_LINK.on(engine))
                    .bind(Column(new.id))
                    .bind(Column(new.way))
                    .bind(Column(new.token))
                    .bind(new.account.map(Column))
                    .bind(Column(new.expires))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if inserted == 0 {
                    return Ok(LinkOpened::IdTaken);
                }
                sqlx::query(INSERT_LINK_MESSAGE.on(engine))
                    .bind(Column(new.id))
                    .bind(Column(1_u32))
                    .bind(new.message.as_slice())
                    .execute(&mut *transaction)
                    .await?;
            }
        );
        Ok(LinkOpened::Done)
    }

    /// Adds the next message of a side; the same one again is done already. The first one of a device takes
    /// the account's side.
    pub async fn add_link_message(
        &self,
        link: LinkId,
        side: LinkSide,
        message: &LinkMessage,
        now: Timestamp,
    ) -> Result<InLink<()>, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let rows: Vec<LinkRow> = sqlx::query_as(LOCK_LINK.on(engine))
                    .bind(Column(link))
                    .bind(Column(now))
                    .fetch_all(&mut *transaction)
                    .await?;
                let Some(place) = rows.into_iter().next().map(place) else {
                    return Ok(InLink::Gone);
                };
                let role = place.role(side);
                let newcomers_turn = message.number % 2 == 1;
                match role {
                    Role::Nobody => return Ok(InLink::Gone),
                    Role::Late => return Ok(InLink::Taken),
                    Role::Newcomer if !newcomers_turn => return Ok(InLink::OutOfTurn),
                    Role::Approver | Role::Candidate if newcomers_turn => return Ok(InLink::OutOfTurn),
                    Role::Newcomer | Role::Approver | Role::Candidate => {}
                }
                let before: Option<(Vec<u8>,)> = sqlx::query_as(FIND_LINK_MESSAGE.on(engine))
                    .bind(Column(link))
                    .bind(Column(message.number))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if let Some((before,)) = before {
                    let same = before == message.message.as_slice();
                    return Ok(if same {
                        InLink::Done(())
                    } else {
                        InLink::NumberReused
                    });
                }
                let (held,): (Column<u32>,) = sqlx::query_as(COUNT_LINK_MESSAGES.on(engine))
                    .bind(Column(link))
                    .fetch_one(&mut *transaction)
                    .await?;
                if held.0.checked_add(1) != Some(message.number) || message.number > LINK_MESSAGES_MAX {
                    return Ok(InLink::OutOfTurn);
                }
                if let (Role::Candidate, LinkSide::Device(address)) = (role, side) {
                    sqlx::query(TAKE_LINK.on(engine))
                        .bind(Column(link))
                        .bind(Column(address.account))
                        .bind(Column(address.device))
                        .execute(&mut *transaction)
                        .await?;
                }
                sqlx::query(INSERT_LINK_MESSAGE.on(engine))
                    .bind(Column(link))
                    .bind(Column(message.number))
                    .bind(message.message.as_slice())
                    .execute(&mut *transaction)
                    .await?;
            }
        );
        Ok(InLink::Done(()))
    }

    /// The messages behind a number, both sides', in order: as many as fit into `byte_limit`, but at least one.
    pub async fn list_link_messages(
        &self,
        link: LinkId,
        side: LinkSide,
        after: u32,
        byte_limit: usize,
        now: Timestamp,
    ) -> Result<InLink<Vec<LinkMessage>>, DbError> {
        let engine = self.engine();
        let (found, rows): (Option<LinkRow>, Vec<MessageRow>) = on_engine!(
            self,
            read | connection | {
                let found: Option<LinkRow> = sqlx::query_as(FIND_LINK.on(engine))
                    .bind(Column(link))
                    .bind(Column(now))
                    .fetch_optional(&mut *connection)
                    .await?;
                let rows = if found.is_some() {
                    sqlx::query_as(LIST_LINK_MESSAGES.on(engine))
                        .bind(Column(link))
                        .bind(Column(after))
                        .fetch_all(&mut *connection)
                        .await?
                } else {
                    Vec::new()
                };
                (found, rows)
            }
        );
        match found.map(|row| place(row).role(side)) {
            None | Some(Role::Nobody) => return Ok(InLink::Gone),
            Some(Role::Late) => return Ok(InLink::Taken),
            Some(Role::Newcomer | Role::Approver | Role::Candidate) => {}
        }
        let mut messages = Vec::new();
        let mut bytes = 0_usize;
        for (number, message) in rows {
            bytes = bytes.saturating_add(message.len());
            if bytes > byte_limit && !messages.is_empty() {
                break;
            }
            messages.push(LinkMessage {
                number: number.0,
                message: Bytes(message),
            });
        }
        Ok(InLink::Done(messages))
    }

    /// Ends a place, for either side; before anybody took the account's side, for each of its devices. What is
    /// gone already is done.
    pub async fn close_link(
        &self,
        link: LinkId,
        side: LinkSide,
        now: Timestamp,
    ) -> Result<InLink<()>, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let rows: Vec<LinkRow> = sqlx::query_as(LOCK_LINK.on(engine))
                    .bind(Column(link))
                    .bind(Column(now))
                    .fetch_all(&mut *transaction)
                    .await?;
                let Some(place) = rows.into_iter().next().map(place) else {
                    return Ok(InLink::Done(()));
                };
                match place.role(side) {
                    Role::Newcomer | Role::Approver => {}
                    Role::Candidate if place.way == LinkWay::Code => {}
                    Role::Late => return Ok(InLink::Taken),
                    Role::Candidate | Role::Nobody => return Ok(InLink::Gone),
                }
                sqlx::query(DELETE_LINK.on(engine))
                    .bind(Column(link))
                    .execute(&mut *transaction)
                    .await?;
            }
        );
        Ok(InLink::Done(()))
    }

    /// The places by code that wait for a device of the account, the newest first.
    pub async fn list_links_waiting(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<LinkWaiting>, DbError> {
        let statement = LIST_LINKS_WAITING.on(self.engine());
        let rows: Vec<(Column<LinkId>, Column<Timestamp>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .bind(Column(now))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows
            .into_iter()
            .map(|(id, expires)| LinkWaiting {
                id: id.0,
                expires: expires.0,
            })
            .collect())
    }
}

fn place((way, token, account, device): LinkRow) -> Place {
    Place {
        token: token.0,
        account: account.map(|account| account.0),
        device: device.map(|device| device.0),
        way: way.0,
    }
}
