//! Sign-ins: attempts, logins with their refresh tokens, socket tickets.

use conclave_protocol::limits::REFRESH_TOKEN_IDLE_MS;
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, Hash, Timestamp};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLAIM_DEVICE_ATTEMPT, CLAIM_LOGIN_ATTEMPT, CLAIM_TICKET, DELETE_PENDING_TOKENS, END_LOGIN,
    END_OTHER_LOGINS, EXCHANGE_REFRESH_TOKEN, FIND_ENDED_DEVICE, FIND_ENDED_LOGIN, FIND_LOGIN, FIND_NEWCOMER,
    FIND_PENDING_TOKEN, FIND_PROOF, FIND_REFRESH_TOKEN, FIND_SUSPENDED, FORGET_REFRESH_TOKENS,
    INSERT_DEVICE_ATTEMPT, INSERT_LOGIN, INSERT_LOGIN_ATTEMPT, INSERT_PENDING_TOKEN, INSERT_REFRESH_TOKEN,
    INSERT_TICKET, LIST_LOGINS, LIST_REVOKED_LOGINS, LOCK_DEVICE, LOCK_LOGIN, PROVE_LOGIN, REFRESH_LOGIN,
    REVOKE_LOGIN, REVOKE_LOGINS_OF_DEVICE, ROTATE_LOGIN,
};
use crate::{
    Db, DbError, DeviceAttempt, Ended, EndedLogin, Exchange, Login, LoginAttempt, Noted, PendingKind,
    PendingToken, Refreshed,
};

/// Rotations for which used tokens are remembered: a day of refreshing every 15 minutes. An older token gives
/// nothing either; its use is only no longer taken for a theft.
const GENERATIONS_KEPT: u64 = 96;

type LoginRow = (
    Column<[u8; 16]>,
    Column<AccountId>,
    Column<DeviceId>,
    Column<Timestamp>,
    Column<Timestamp>,
);
type AttemptRow = (Option<Column<AccountId>>, Vec<u8>, Column<u64>, Column<Timestamp>);
type EndedRow = (
    Column<[u8; 16]>,
    Option<Column<Timestamp>>,
    Option<Column<Timestamp>>,
);
pub(crate) type EndedRows = (Column<[u8; 16]>, Column<DeviceId>);
type TokenRow = (
    Column<[u8; 16]>,
    Column<u64>,
    Option<Column<Hash>>,
    Option<Column<[u8; 32]>>,
);
type LockedRow = (
    Column<AccountId>,
    Column<DeviceId>,
    Column<Timestamp>,
    Column<Timestamp>,
    Column<u64>,
);

impl Db {
    /// Keeps a sign-in's state until its second request.
    pub async fn insert_login_attempt(&self, attempt: &LoginAttempt) -> Result<(), DbError> {
        let statement = INSERT_LOGIN_ATTEMPT.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(attempt.id))
                    .bind(attempt.account.map(Column))
                    .bind(attempt.state.as_slice())
                    .bind(Column(attempt.password))
                    .bind(Column(attempt.expires))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Takes an attempt out; nobody gets it twice, and nobody after its end.
    pub async fn claim_login_attempt(
        &self,
        id: Hash,
        now: Timestamp,
    ) -> Result<Option<LoginAttempt>, DbError> {
        let statement = CLAIM_LOGIN_ATTEMPT.on(self.engine());
        let rows: Vec<AttemptRow> = on_engine!(
            self,
            write | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().find(|(.., expires)| expires.0 > now).map(
            |(account, state, password, expires)| LoginAttempt {
                id,
                account: account.map(|account| account.0),
                state,
                password: password.0,
                expires: expires.0,
            },
        ))
    }

    /// Keeps a device's first sign-in until its second request.
    pub async fn insert_device_attempt(&self, attempt: &DeviceAttempt) -> Result<(), DbError> {
        let statement = INSERT_DEVICE_ATTEMPT.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(attempt.id))
                    .bind(Column(attempt.address.account))
                    .bind(Column(attempt.address.device))
                    .bind(Column(attempt.expires))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Takes a device's attempt out; nobody gets it twice, and nobody after its end.
    pub async fn claim_device_attempt(
        &self,
        id: Hash,
        now: Timestamp,
    ) -> Result<Option<DeviceAttempt>, DbError> {
        let statement = CLAIM_DEVICE_ATTEMPT.on(self.engine());
        let rows: Vec<(Column<AccountId>, Column<DeviceId>, Column<Timestamp>)> = on_engine!(
            self,
            write | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let live = rows.into_iter().find(|(.., expires)| expires.0 > now);
        Ok(live.map(|(account, device, expires)| DeviceAttempt {
            id,
            address: DeviceAddress {
                account: account.0,
                device: device.0,
            },
            expires: expires.0,
        }))
    }

    /// Keeps the token of somebody who belongs to an account and has no device of it yet.
    pub async fn insert_pending_token(&self, token: &PendingToken) -> Result<(), DbError> {
        let statement = INSERT_PENDING_TOKEN.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(token.id))
                    .bind(Column(token.account))
                    .bind(Column(token.kind))
                    .bind(Column(token.password))
                    .bind(Column(token.expires))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Whose token this is, while it is worth something: not after its end, not after the password by which it
    /// was got was replaced, not after the account was closed.
    pub async fn find_pending_token(
        &self,
        id: Hash,
        now: Timestamp,
    ) -> Result<Option<(AccountId, PendingKind)>, DbError> {
        let statement = FIND_PENDING_TOKEN.on(self.engine());
        let row: Option<(Column<AccountId>, Column<PendingKind>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .bind(Column(now))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(account, kind)| (account.0, kind.0)))
    }

    /// Stores a login of somebody who showed the password or the recovery key, and the hash of its first refresh
    /// token, and ends the logins that its device had before, which it gives; none when its device is not active or
    /// its account suspended.
    pub async fn insert_login(
        &self,
        login: &Login,
        refresh: Hash,
    ) -> Result<Option<Vec<EndedLogin>>, DbError> {
        self.insert_login_of(login, refresh, None).await
    }

    /// As [`Self::insert_login`], for a device that was added since a time and never had a login.
    pub async fn insert_first_login(
        &self,
        login: &Login,
        refresh: Hash,
        added_since: Timestamp,
    ) -> Result<Option<Vec<EndedLogin>>, DbError> {
        self.insert_login_of(login, refresh, Some(added_since)).await
    }

    async fn insert_login_of(
        &self,
        login: &Login,
        refresh: Hash,
        newcomer_since: Option<Timestamp>,
    ) -> Result<Option<Vec<EndedLogin>>, DbError> {
        let engine = self.engine();
        // Who was approved by another device showed no password.
        let proved_at = newcomer_since.is_none().then_some(login.created_at);
        let ended = on_engine!(
            self,
            transaction | transaction | {
                // Behind this lock the device is not revoked and has no other login that begins.
                let active = sqlx::query(LOCK_DEVICE.on(engine))
                    .bind(Column(login.address.account))
                    .bind(Column(login.address.device))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                // A suspension ends the logins behind the same lock, so it is seen here or ends this login, too.
                let suspended = sqlx::query(FIND_SUSPENDED.on(engine))
                    .bind(Column(login.address.account))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if active == 0 || suspended.is_some() {
                    return Ok(None);
                }
                if let Some(since) = newcomer_since {
                    let newcomer = sqlx::query(FIND_NEWCOMER.on(engine))
                        .bind(Column(login.address.account))
                        .bind(Column(login.address.device))
                        .bind(Column(since))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    if newcomer.is_none() {
                        return Ok(None);
                    }
                }
                let before: Vec<(Column<[u8; 16]>,)> = sqlx::query_as(REVOKE_LOGINS_OF_DEVICE.on(engine))
                    .bind(Column(login.address.account))
                    .bind(Column(login.address.device))
                    .bind(Column(login.created_at))
                    .fetch_all(&mut *transaction)
                    .await?;
                sqlx::query(INSERT_LOGIN.on(engine))
                    .bind(Column(login.id))
                    .bind(Column(login.address.account))
                    .bind(Column(login.address.device))
                    .bind(Column(login.created_at))
                    .bind(Column(login.refreshed_at))
                    .bind(proved_at.map(Column))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(INSERT_REFRESH_TOKEN.on(engine))
                    .bind(Column(refresh))
                    .bind(Column(login.id))
                    .bind(Column(0_u64))
                    .execute(&mut *transaction)
                    .await?;
                before
            }
        );
        let ended = ended.into_iter().map(|(id,)| EndedLogin {
            id: id.0,
            address: login.address,
        });
        Ok(Some(ended.collect()))
    }

    /// A login that has not been ended. Whether it was idle too long, [`Self::rotate_login`] says; the last
    /// access token of such a one ended long before.
    pub async fn find_login(&self, id: [u8; 16]) -> Result<Option<Login>, DbError> {
        let statement = FIND_LOGIN.on(self.engine());
        let row: Option<LoginRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(login_of))
    }

    /// Presents a refresh token and puts the next one in force, or finds out that the presented one was used.
    ///
    /// Each rotation opens a generation. The token of the generation before the current one may come again by the
    /// attempt that exchanged it, because its answer may have been lost: nothing changes, and the nonce says which
    /// token is in force. Whatever else comes a second time was copied, and ends the login.
    pub async fn rotate_login(&self, exchange: &Exchange, now: Timestamp) -> Result<Refreshed, DbError> {
        let engine = self.engine();
        let Exchange {
            presented,
            attempt,
            nonce,
            next,
            begun_since,
        } = *exchange;
        let refreshed = on_engine!(
            self,
            transaction | transaction | {
                let found: Option<TokenRow> = sqlx::query_as(FIND_REFRESH_TOKEN.on(engine))
                    .bind(Column(presented))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some((id, ..)) = found else {
                    return Ok(Refreshed::Unknown);
                };
                let locked: Vec<LockedRow> = sqlx::query_as(LOCK_LOGIN.on(engine))
                    .bind(id)
                    .fetch_all(&mut *transaction)
                    .await?;
                // Behind the lock the token is read again: another rotation may just have used it.
                let found: Option<TokenRow> = sqlx::query_as(FIND_REFRESH_TOKEN.on(engine))
                    .bind(Column(presented))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let (Some(state), Some((_, generation, attempted, made_with))) =
                    (locked.into_iter().next(), found)
                else {
                    let row: Option<EndedRow> = sqlx::query_as(FIND_ENDED_LOGIN.on(engine))
                        .bind(id)
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let why = row.map(ended).map(|(_, why)| why);
                    return Ok(why
                        .filter(|why| *why != Ended::SignedOut)
                        .map_or(Refreshed::Unknown, Refreshed::Ended));
                };
                let (account, device, created_at, refreshed_at, current) = state;
                if now.since(refreshed_at.0) > REFRESH_TOKEN_IDLE_MS {
                    return Ok(Refreshed::Unknown);
                }
                let login = Login {
                    id: id.0,
                    address: DeviceAddress {
                        account: account.0,
                        device: device.0,
                    },
                    created_at: created_at.0,
                    refreshed_at: now,
                };
                // Who showed the successor had the answer, so by then the attempt is over.
                let is_last = generation.0.checked_add(1) == Some(current.0);
                let repeated = made_with
                    .filter(|_| is_last && attempted.is_some_and(|attempted| attempted.0 == attempt));

                if created_at.0 < begun_since {
                    sqlx::query(REVOKE_LOGIN.on(engine))
                        .bind(id)
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?;
                    Refreshed::Outlived(Login {
                        refreshed_at: refreshed_at.0,
                        ..login
                    })
                } else if generation.0 == current.0 {
                    let opened = current.0.saturating_add(1);
                    sqlx::query(ROTATE_LOGIN.on(engine))
                        .bind(id)
                        .bind(Column(opened))
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(EXCHANGE_REFRESH_TOKEN.on(engine))
                        .bind(Column(presented))
                        .bind(Column(attempt))
                        .bind(Column(nonce))
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(INSERT_REFRESH_TOKEN.on(engine))
                        .bind(Column(next))
                        .bind(id)
                        .bind(Column(opened))
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(FORGET_REFRESH_TOKENS.on(engine))
                        .bind(id)
                        .bind(Column(opened.saturating_sub(GENERATIONS_KEPT)))
                        .execute(&mut *transaction)
                        .await?;
                    Refreshed::Rotated(login)
                } else if let Some(nonce) = repeated {
                    sqlx::query(REFRESH_LOGIN.on(engine))
                        .bind(id)
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?;
                    Refreshed::Repeated(login, nonce.0)
                } else {
                    sqlx::query(REVOKE_LOGIN.on(engine))
                        .bind(id)
                        .bind(Column(now))
                        .execute(&mut *transaction)
                        .await?;
                    // Somebody has a copy of it, or the device was put back to an earlier state.
                    let noted = Noted {
                        actor: None,
                        act: "used refresh token shown",
                        subject: account.0.to_string(),
                        now,
                    };
                    note!(transaction, engine, &noted);
                    Refreshed::Reused(Login {
                        refreshed_at: refreshed_at.0,
                        ..login
                    })
                }
            }
        );
        Ok(refreshed)
    }

    /// Ends a login; false when it was not live.
    pub async fn revoke_login(&self, id: [u8; 16], now: Timestamp) -> Result<bool, DbError> {
        let statement = REVOKE_LOGIN.on(self.engine());
        let revoked = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(id))
                    .bind(Column(now))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(revoked > 0)
    }

    /// Somebody showed the password on this login again; false when it was not live.
    pub async fn prove_login(&self, id: [u8; 16], now: Timestamp) -> Result<bool, DbError> {
        let statement = PROVE_LOGIN.on(self.engine());
        let proved = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(id))
                    .bind(Column(now))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(proved > 0)
    }

    /// When somebody showed the password or the recovery key on this login last.
    pub async fn find_proof(&self, id: [u8; 16]) -> Result<Option<Timestamp>, DbError> {
        let statement = FIND_PROOF.on(self.engine());
        let row: Option<(Column<Timestamp>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(time,)| time.0))
    }

    /// The live logins of an account, the newest first. One that was not refreshed since `in_force_since` is over.
    pub async fn list_logins(
        &self,
        account: AccountId,
        in_force_since: Timestamp,
    ) -> Result<Vec<Login>, DbError> {
        let statement = LIST_LOGINS.on(self.engine());
        let rows: Vec<LoginRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .bind(Column(in_force_since))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(login_of).collect())
    }

    /// Ends a login of an account; none when it was not a live one.
    pub async fn end_login(
        &self,
        account: AccountId,
        id: [u8; 16],
        now: Timestamp,
    ) -> Result<Option<EndedLogin>, DbError> {
        let statement = END_LOGIN.on(self.engine());
        let rows: Vec<EndedRows> = on_engine!(
            self,
            write | connection | {
                sqlx::query_as(statement)
                    .bind(Column(id))
                    .bind(Column(account))
                    .bind(Column(now))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(ended_logins(account, rows).into_iter().next())
    }

    /// Ends every login of an account but one, and what the password opened without a device.
    pub async fn end_other_logins(
        &self,
        account: AccountId,
        but: [u8; 16],
        now: Timestamp,
    ) -> Result<Vec<EndedLogin>, DbError> {
        let engine = self.engine();
        let rows: Vec<EndedRows> = on_engine!(
            self,
            transaction | transaction | {
                sqlx::query(DELETE_PENDING_TOKENS.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query_as(END_OTHER_LOGINS.on(engine))
                    .bind(Column(account))
                    .bind(Column(but))
                    .bind(Column(now))
                    .fetch_all(&mut *transaction)
                    .await?
            }
        );
        Ok(ended_logins(account, rows))
    }

    /// The logins that were revoked since a time, and why: those whose access tokens may still live.
    pub async fn list_revoked_logins(&self, since: Timestamp) -> Result<Vec<([u8; 16], Ended)>, DbError> {
        let statement = LIST_REVOKED_LOGINS.on(self.engine());
        let rows: Vec<EndedRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(since))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows.into_iter().map(ended).collect())
    }

    /// The account of a refresh token whose device was taken out of it, as the account's chain shows.
    pub async fn find_ended_device(&self, presented: Hash) -> Result<Option<AccountId>, DbError> {
        let statement = FIND_ENDED_DEVICE.on(self.engine());
        let row: Option<(Column<AccountId>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(presented))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(account,)| account.0))
    }

    /// Stores a single-use ticket for the socket.
    pub async fn insert_ticket(
        &self,
        ticket: Hash,
        login: [u8; 16],
        expires: Timestamp,
    ) -> Result<(), DbError> {
        let statement = INSERT_TICKET.on(self.engine());
        on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(Column(ticket))
                    .bind(Column(login))
                    .bind(Column(expires))
                    .execute(&mut *connection)
                    .await?;
            }
        );
        Ok(())
    }

    /// Takes a ticket out and answers its login when both are live.
    pub async fn claim_ticket(&self, ticket: Hash, now: Timestamp) -> Result<Option<Login>, DbError> {
        let statement = CLAIM_TICKET.on(self.engine());
        let rows: Vec<(Column<[u8; 16]>, Column<Timestamp>)> = on_engine!(
            self,
            write | connection | {
                sqlx::query_as(statement)
                    .bind(Column(ticket))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let Some((login, _)) = rows.into_iter().find(|(_, expires)| expires.0 > now) else {
            return Ok(None);
        };
        self.find_login(login.0).await
    }
}

fn login_of((id, account, device, created_at, refreshed_at): LoginRow) -> Login {
    Login {
        id: id.0,
        address: DeviceAddress {
            account: account.0,
            device: device.0,
        },
        created_at: created_at.0,
        refreshed_at: refreshed_at.0,
    }
}

/// Logins of an account as a statement that ended them answers.
pub(crate) fn ended_logins(account: AccountId, rows: Vec<EndedRows>) -> Vec<EndedLogin> {
    let ended = rows.into_iter().map(|(id, device)| EndedLogin {
        id: id.0,
        address: DeviceAddress {
            account,
            device: device.0,
        },
    });
    ended.collect()
}

/// Why a revoked login is over: what its device and its account say counts more than a sign-out before.
fn ended((id, device_revoked_at, closed_at): EndedRow) -> ([u8; 16], Ended) {
    let why = match (device_revoked_at, closed_at) {
        (_, Some(_)) => Ended::AccountClosed,
        (Some(_), None) => Ended::DeviceRevoked,
        (None, None) => Ended::SignedOut,
    };
    (id.0, why)
}
