//! What administrators see of accounts, and do to them. No content, no keys.

use conclave_protocol::admin::{AccountListed, Figure, Figures};
use conclave_protocol::{AccountId, DeviceId, Timestamp, Username};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::logins::{EndedRows, ended_logins};
use crate::statements::{
    CHANGE_PASSWORD, COUNT_ADMINISTRATORS, COUNT_EVERYTHING, DATABASE_BYTES, DELETE_PENDING_TOKENS,
    END_LOGIN, END_LOGINS, END_OTHER_LOGINS, FIND_PLACE_IN_LIST, LIST_ACCOUNTS, LOCK_ACCOUNT,
    LOCK_DEVICES_OF_ACCOUNT, REACTIVATE_ACCOUNT, SUSPEND_ACCOUNT,
};
use crate::{Db, DbError, EndedLogin, Noted};

type ListedRow = (
    Column<AccountId>,
    Column<Username>,
    bool,
    Column<Timestamp>,
    Option<Column<Timestamp>>,
    Option<Column<Timestamp>>,
    Option<Column<Timestamp>>,
    Column<u32>,
    Column<u32>,
    Column<u64>,
);
type CountsRow = (
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
    Column<u64>,
);

impl Db {
    /// Accounts whose handle contains a text, the oldest first, behind one of that time and id.
    pub async fn list_accounts(
        &self,
        search: &str,
        behind: (Timestamp, AccountId),
        limit: u32,
    ) -> Result<Vec<AccountListed>, DbError> {
        let statement = LIST_ACCOUNTS.on(self.engine());
        let escaped: String = search
            .chars()
            .flat_map(|letter| match letter {
                '!' | '%' | '_' => vec!['!', letter],
                _ => vec![letter],
            })
            .collect();
        let pattern = format!("%{escaped}%");
        let rows: Vec<ListedRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(behind.0))
                    .bind(Column(behind.1))
                    .bind(pattern.as_str())
                    .bind(Column(limit))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(listed).collect())
    }

    /// Where an account stands in the list: by when it was made.
    pub async fn find_place_in_list(&self, account: AccountId) -> Result<Option<Timestamp>, DbError> {
        let statement = FIND_PLACE_IN_LIST.on(self.engine());
        let row: Option<(Column<Timestamp>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(time,)| time.0))
    }

    /// Ends a login of an account for somebody else; none when it was not a live one.
    pub async fn end_login_noted(
        &self,
        account: AccountId,
        id: [u8; 16],
        noted: &Noted,
    ) -> Result<Option<EndedLogin>, DbError> {
        let engine = self.engine();
        let rows: Vec<EndedRows> = on_engine!(
            self,
            transaction | transaction | {
                let rows: Vec<EndedRows> = sqlx::query_as(END_LOGIN.on(engine))
                    .bind(Column(id))
                    .bind(Column(account))
                    .bind(Column(noted.now))
                    .fetch_all(&mut *transaction)
                    .await?;
                if rows.is_empty() {
                    return Ok(None);
                }
                note!(transaction, engine, noted);
                rows
            }
        );
        Ok(ended_logins(account, rows).into_iter().next())
    }

    /// How many administrators could sign in.
    pub async fn count_administrators(&self) -> Result<u64, DbError> {
        let statement = COUNT_ADMINISTRATORS.on(self.engine());
        let (count,): (Column<u64>,) = on_engine!(
            self,
            read | connection | { sqlx::query_as(statement).fetch_one(&mut *connection).await? }
        );
        Ok(count.0)
    }

    /// Keeps an account out and ends its logins, which are answered; none where it is suspended or closed already.
    pub async fn suspend_account(
        &self,
        account: AccountId,
        noted: &Noted,
    ) -> Result<Option<Vec<EndedLogin>>, DbError> {
        let engine = self.engine();
        let rows: Vec<EndedRows> = on_engine!(
            self,
            transaction | transaction | {
                // Invariant: account, devices, logins, in this order, as everywhere. Whoever signs in holds the
                // device's row and looks at the account behind it.
                let _: Option<(Option<Column<Timestamp>>,)> = sqlx::query_as(LOCK_ACCOUNT.on(engine))
                    .bind(Column(account))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let suspended = sqlx::query(SUSPEND_ACCOUNT.on(engine))
                    .bind(Column(account))
                    .bind(Column(noted.now))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if suspended == 0 {
                    return Ok(None);
                }
                let _: Vec<(Column<DeviceId>,)> = sqlx::query_as(LOCK_DEVICES_OF_ACCOUNT.on(engine))
                    .bind(Column(account))
                    .fetch_all(&mut *transaction)
                    .await?;
                let rows = sqlx::query_as(END_LOGINS.on(engine))
                    .bind(Column(account))
                    .bind(Column(noted.now))
                    .fetch_all(&mut *transaction)
                    .await?;
                note!(transaction, engine, noted);
                rows
            }
        );
        Ok(Some(ended_logins(account, rows)))
    }

    /// Lets a suspended account in again; false where it was not suspended.
    pub async fn reactivate_account(&self, account: AccountId, noted: &Noted) -> Result<bool, DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                let reactivated = sqlx::query(REACTIVATE_ACCOUNT.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if reactivated == 0 {
                    return Ok(false);
                }
                note!(transaction, engine, noted);
            }
        );
        Ok(true)
    }

    /// Replaces the password that was counted as `before`, and ends every login but one where that is wanted; none
    /// where the password was replaced meanwhile or the account closed.
    pub async fn change_password(
        &self,
        account: AccountId,
        before: u64,
        record: &[u8],
        end_all_but: Option<[u8; 16]>,
        noted: &Noted,
    ) -> Result<Option<Vec<EndedLogin>>, DbError> {
        let engine = self.engine();
        let rows: Vec<EndedRows> = on_engine!(
            self,
            transaction | transaction | {
                let changed = sqlx::query(CHANGE_PASSWORD.on(engine))
                    .bind(Column(account))
                    .bind(Column(before))
                    .bind(record)
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if changed == 0 {
                    return Ok(None);
                }
                sqlx::query(DELETE_PENDING_TOKENS.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                let rows = match end_all_but {
                    Some(but) => {
                        sqlx::query_as(END_OTHER_LOGINS.on(engine))
                            .bind(Column(account))
                            .bind(Column(but))
                            .bind(Column(noted.now))
                            .fetch_all(&mut *transaction)
                            .await?
                    }
                    None => Vec::new(),
                };
                note!(transaction, engine, noted);
                rows
            }
        );
        Ok(Some(ended_logins(account, rows)))
    }

    /// How much there is.
    pub async fn figures(&self) -> Result<Figures, DbError> {
        let engine = self.engine();
        let (bytes, counts): ((Column<u64>,), CountsRow) = on_engine!(
            self,
            read | connection | {
                let bytes = sqlx::query_as(DATABASE_BYTES.on(engine))
                    .fetch_one(&mut *connection)
                    .await?;
                let counts = sqlx::query_as(COUNT_EVERYTHING.on(engine))
                    .fetch_one(&mut *connection)
                    .await?;
                (bytes, counts)
            }
        );
        let (
            accounts,
            suspended,
            devices,
            logins,
            rooms,
            envelopes,
            places,
            posts,
            mailbox,
            vault,
            files,
            uploads,
            unclaimed,
            file_bytes,
        ) = counts;
        let counts = [
            ("accounts", accounts),
            ("suspended accounts", suspended),
            ("devices", devices),
            ("logins", logins),
            ("direct rooms", rooms),
            ("direct messages", envelopes),
            ("groups and communities", places),
            ("posts", posts),
            ("waiting in mailboxes", mailbox),
            ("vault records", vault),
            ("files", files),
            ("files that no message claims", unclaimed),
            ("uploads under way", uploads),
            ("bytes of files", file_bytes),
        ];
        Ok(Figures {
            database_bytes: bytes.0.0,
            counts: counts
                .into_iter()
                .map(|(name, count)| Figure {
                    name: name.to_owned(),
                    count: count.0,
                })
                .collect(),
        })
    }
}

fn listed(row: ListedRow) -> AccountListed {
    let (
        id,
        username,
        administrator,
        created_at,
        seen_at,
        suspended_at,
        closed_at,
        devices,
        second_step,
        stored,
    ) = row;
    AccountListed {
        account: id.0,
        username: username.0,
        administrator,
        created_at: created_at.0.0,
        seen_at: seen_at.map(|time| time.0.0),
        suspended_at: suspended_at.map(|time| time.0.0),
        closed_at: closed_at.map(|time| time.0.0),
        devices: devices.0,
        second_step: second_step.0 > 0,
        stored_bytes: stored.0,
    }
}
