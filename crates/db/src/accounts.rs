//! Accounts, their chains and their devices.

use conclave_protocol::{AccountId, Bytes, DeviceId, Timestamp, Username};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLAIM_INVITE, COUNT_ACCOUNTS, FIND_ACCOUNT, FIND_ACCOUNT_BY_USERNAME, FIND_SUCCESSOR, INSERT_ACCOUNT,
    INSERT_DEVICE, INSERT_ENTRY, INSERT_SETUP, LIST_DEVICES, LIST_ENTRIES, UPSERT_RECOVERY_KEY,
};
use crate::{Account, ActiveDevice, Db, DbError, Door, NewAccount, Registered};

type AccountRow = (
    Column<AccountId>,
    Column<Username>,
    bool,
    Vec<u8>,
    Column<u64>,
    Option<Column<Timestamp>>,
    Option<Column<Timestamp>>,
);

/// What became of a registration behind its door.
enum Opened {
    Stored,
    /// The door was open; the handle or the id is another account's.
    Taken,
    Closed,
}

impl Db {
    /// Stores an account with its genesis entry and device 0 and uses up what opened the door, or nothing.
    ///
    /// A repeat is answered before the door is looked at, because the first try closed it. An id that stands
    /// under another username is [`Registered::UsernameTaken`]: an account has one handle.
    pub async fn insert_account(&self, new: &NewAccount) -> Result<Registered, DbError> {
        if let Some(registered) = self.registered_before(new).await? {
            return Ok(registered);
        }
        match self.open_door(new).await? {
            Opened::Stored => Ok(Registered::Done),
            // The same registration may have come through meanwhile on another connection.
            Opened::Taken => self.registered_before_or(new, Registered::UsernameTaken).await,
            Opened::Closed => self.registered_before_or(new, Registered::DoorClosed).await,
        }
    }

    /// Goes through the door and stores the account, or leaves the door as it was.
    async fn open_door(&self, new: &NewAccount) -> Result<Opened, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let opened = match new.door {
                    Door::Setup => {
                        let first = sqlx::query(INSERT_SETUP.on(engine))
                            .bind(Column(new.now))
                            .execute(&mut *transaction)
                            .await?;
                        let (accounts,): (Column<u64>,) = sqlx::query_as(COUNT_ACCOUNTS.on(engine))
                            .fetch_one(&mut *transaction)
                            .await?;
                        first.rows_affected() == 1 && accounts.0 == 0
                    }
                    Door::Invite(hash) => {
                        let used = sqlx::query(CLAIM_INVITE.on(engine))
                            .bind(Column(hash))
                            .bind(Column(new.now))
                            .execute(&mut *transaction)
                            .await?;
                        used.rows_affected() == 1
                    }
                    // The first account is the administrator's, whatever is open.
                    Door::Open => {
                        let (accounts,): (Column<u64>,) = sqlx::query_as(COUNT_ACCOUNTS.on(engine))
                            .fetch_one(&mut *transaction)
                            .await?;
                        accounts.0 > 0
                    }
                };
                let stored = opened
                    && sqlx::query(INSERT_ACCOUNT.on(engine))
                        .bind(Column(new.id))
                        .bind(Column(new.username.clone()))
                        .bind(matches!(new.door, Door::Setup))
                        .bind(new.opaque_record.as_slice())
                        .bind(Column(new.now))
                        .execute(&mut *transaction)
                        .await?
                        .rows_affected()
                        == 1;
                if !stored {
                    return Ok(if opened { Opened::Taken } else { Opened::Closed });
                }
                sqlx::query(INSERT_ENTRY.on(engine))
                    .bind(Column(new.id))
                    .bind(Column(0_u32))
                    .bind(new.genesis.as_slice())
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(INSERT_DEVICE.on(engine))
                    .bind(Column(new.id))
                    .bind(Column(DeviceId(0)))
                    .bind(Column(new.now))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(UPSERT_RECOVERY_KEY.on(engine))
                    .bind(Column(new.id))
                    .bind(Column(new.recovery))
                    .execute(&mut *transaction)
                    .await?;
            }
        );
        Ok(Opened::Stored)
    }

    /// The account of this id.
    pub async fn find_account(&self, id: AccountId) -> Result<Option<Account>, DbError> {
        let statement = FIND_ACCOUNT.on(self.engine());
        let row: Option<AccountRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(account))
    }

    /// The account that took this one's name when its person started again.
    pub async fn find_successor(&self, id: AccountId) -> Result<Option<AccountId>, DbError> {
        let statement = FIND_SUCCESSOR.on(self.engine());
        let row: Option<(Option<Column<AccountId>>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row
            .and_then(|(successor,)| successor)
            .map(|successor| successor.0))
    }

    /// The account of this handle.
    pub async fn find_account_by_username(&self, username: &Username) -> Result<Option<Account>, DbError> {
        let statement = FIND_ACCOUNT_BY_USERNAME.on(self.engine());
        let row: Option<AccountRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(username.as_str())
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(account))
    }

    /// How many accounts there are.
    pub async fn count_accounts(&self) -> Result<u64, DbError> {
        let statement = COUNT_ACCOUNTS.on(self.engine());
        let (count,): (Column<u64>,) = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_one(&mut *connection).await? }
        );
        Ok(count.0)
    }

    /// The entries of an account's chain behind a sequence, or from the genesis, in order.
    pub async fn list_entries(
        &self,
        account: AccountId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<Vec<Bytes>, DbError> {
        let statement = LIST_ENTRIES.on(self.engine());
        let after = after.map_or(-1, i64::from);
        let rows: Vec<(Vec<u8>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .bind(after)
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(|(bytes,)| Bytes(bytes)).collect())
    }

    /// The devices that speak for an account now, in order of their ids.
    pub async fn list_devices(&self, account: AccountId) -> Result<Vec<ActiveDevice>, DbError> {
        let statement = LIST_DEVICES.on(self.engine());
        let rows: Vec<(Column<DeviceId>,)> = on_engine!(
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
            .map(|(device,)| ActiveDevice { device: device.0 })
            .collect())
    }

    async fn registered_before(&self, new: &NewAccount) -> Result<Option<Registered>, DbError> {
        let account = self.find_account(new.id).await?;
        Ok(account.map(|account| {
            if account.username == new.username {
                Registered::Already
            } else {
                Registered::UsernameTaken
            }
        }))
    }

    async fn registered_before_or(
        &self,
        new: &NewAccount,
        otherwise: Registered,
    ) -> Result<Registered, DbError> {
        Ok(self.registered_before(new).await?.unwrap_or(otherwise))
    }
}

fn account(row: AccountRow) -> Account {
    let (id, username, administrator, opaque_record, password, closed_at, suspended_at) = row;
    Account {
        id: id.0,
        username: username.0,
        administrator,
        opaque_record,
        password: password.0,
        closed: closed_at.is_some(),
        suspended: suspended_at.is_some(),
    }
}
