//! An account's chain as it grows, and what an entry changes: devices, logins, the account itself.

use std::collections::BTreeSet;

use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, PlaceId, RoomId, Timestamp};

use crate::audit::note;
use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLOSE_ACCOUNT, DELETE_BACKUP_CODES, DELETE_CLAIMED_PREKEYS, DELETE_LAST_RESORT, DELETE_MAILBOX,
    DELETE_PREKEYS, DELETE_SECOND_STEP, DELETE_VAULT, DELETE_VAULT_KEYS, DELETE_VAULT_RECORDS,
    DESCRIBE_DEVICES, FIND_ENTRY, FIND_HEAD, INSERT_DEVICE, INSERT_ENTRY, LIST_PEERS, LOCK_ACCOUNT,
    LOCK_DEVICES_OF_ACCOUNT, LOCK_PLACES_OF_ACCOUNT, LOCK_ROOMS_OF_ACCOUNT, OWE_IN_PLACES_OF_ACCOUNT,
    REPLACE_PASSWORD, REVISE_PLACES_OF_ACCOUNT, REVOKE_DEVICE, REVOKE_LOGINS_OF_DEVICE, UPSERT_RECOVERY_KEY,
};
use crate::{Db, DbError, DeviceDescribed, EndedLogin, EntryStored, NewEntry, Noted};

type DescribedRow = (
    Column<DeviceId>,
    Column<Timestamp>,
    Option<Column<Timestamp>>,
    Column<u64>,
);

impl Db {
    /// Appends an entry to an account's chain, if it is still the next one, with everything that it changes,
    /// in one transaction.
    ///
    /// Whether the chain's rules allow it, the caller has judged on the chain as far as `sequence`. A chain only
    /// grows, so that judgement holds exactly as long as `sequence` is the next place.
    pub async fn append_entry(&self, new: &NewEntry) -> Result<EntryStored, DbError> {
        let engine = self.engine();
        let stored = on_engine!(
            self,
            transaction | transaction | {
                // Invariant: account, places, rooms, devices, logins, in this order, here and everywhere else. `append`
                // reads who is active behind the locks of a room and its devices, so behind these it sees the
                // devices either before this entry or after it.
                let account: Option<(Option<Column<Timestamp>>,)> = sqlx::query_as(LOCK_ACCOUNT.on(engine))
                    .bind(Column(new.account))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let stands: Option<(Vec<u8>,)> = sqlx::query_as(FIND_ENTRY.on(engine))
                    .bind(Column(new.account))
                    .bind(Column(new.sequence))
                    .fetch_optional(&mut *transaction)
                    .await?;
                if let Some((bytes,)) = stands {
                    let same = bytes == new.bytes;
                    return Ok(if same {
                        EntryStored::Already
                    } else {
                        EntryStored::Moved
                    });
                }
                let head: Option<(Column<u32>, Vec<u8>)> = sqlx::query_as(FIND_HEAD.on(engine))
                    .bind(Column(new.account))
                    .fetch_optional(&mut *transaction)
                    .await?;
                let next = head.and_then(|(sequence, _)| sequence.0.checked_add(1));
                if account.is_none() || next != Some(new.sequence) {
                    return Ok(EntryStored::Moved);
                }
                if !new.revokes.is_empty() {
                    // What is posted in these places from here on was judged by somebody who knows that the
                    // account's lost device has to be observed first.
                    let _: Vec<(Column<PlaceId>,)> = sqlx::query_as(LOCK_PLACES_OF_ACCOUNT.on(engine))
                        .bind(Column(new.account))
                        .fetch_all(&mut *transaction)
                        .await?;
                    sqlx::query(REVISE_PLACES_OF_ACCOUNT.on(engine))
                        .bind(Column(new.account))
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(OWE_IN_PLACES_OF_ACCOUNT.on(engine))
                        .bind(Column(new.account))
                        .bind(Column(new.sequence))
                        .execute(&mut *transaction)
                        .await?;
                }
                if new.adds || !new.revokes.is_empty() {
                    let _: Vec<(Column<RoomId>,)> = sqlx::query_as(LOCK_ROOMS_OF_ACCOUNT.on(engine))
                        .bind(Column(new.account))
                        .fetch_all(&mut *transaction)
                        .await?;
                    let _: Vec<(Column<DeviceId>,)> = sqlx::query_as(LOCK_DEVICES_OF_ACCOUNT.on(engine))
                        .bind(Column(new.account))
                        .fetch_all(&mut *transaction)
                        .await?;
                }

                sqlx::query(INSERT_ENTRY.on(engine))
                    .bind(Column(new.account))
                    .bind(Column(new.sequence))
                    .bind(new.bytes.as_slice())
                    .execute(&mut *transaction)
                    .await?;
                if new.adds {
                    sqlx::query(INSERT_DEVICE.on(engine))
                        .bind(Column(new.account))
                        .bind(Column(DeviceId(new.sequence)))
                        .bind(Column(new.now))
                        .execute(&mut *transaction)
                        .await?;
                }
                let mut ended = Vec::new();
                for device in &new.revokes {
                    sqlx::query(REVOKE_DEVICE.on(engine))
                        .bind(Column(new.account))
                        .bind(Column(*device))
                        .bind(Column(new.now))
                        .execute(&mut *transaction)
                        .await?;
                    let logins: Vec<(Column<[u8; 16]>,)> = sqlx::query_as(REVOKE_LOGINS_OF_DEVICE.on(engine))
                        .bind(Column(new.account))
                        .bind(Column(*device))
                        .bind(Column(new.now))
                        .fetch_all(&mut *transaction)
                        .await?;
                    ended.extend(logins.into_iter().map(|(id,)| EndedLogin {
                        id: id.0,
                        address: DeviceAddress {
                            account: new.account,
                            device: *device,
                        },
                    }));
                    for statement in [
                        DELETE_MAILBOX,
                        DELETE_PREKEYS,
                        DELETE_LAST_RESORT,
                        DELETE_CLAIMED_PREKEYS,
                    ] {
                        sqlx::query(statement.on(engine))
                            .bind(Column(new.account))
                            .bind(Column(*device))
                            .execute(&mut *transaction)
                            .await?;
                    }
                }
                if let Some(recovery) = new.recovery {
                    sqlx::query(UPSERT_RECOVERY_KEY.on(engine))
                        .bind(Column(new.account))
                        .bind(Column(recovery))
                        .execute(&mut *transaction)
                        .await?;
                }
                if let Some(record) = &new.password {
                    sqlx::query(REPLACE_PASSWORD.on(engine))
                        .bind(Column(new.account))
                        .bind(record.as_slice())
                        .execute(&mut *transaction)
                        .await?;
                }
                if new.closes {
                    sqlx::query(CLOSE_ACCOUNT.on(engine))
                        .bind(Column(new.account))
                        .bind(Column(new.now))
                        .execute(&mut *transaction)
                        .await?;
                    let noted = Noted {
                        actor: Some(new.account),
                        act: "account closed",
                        subject: new.account.to_string(),
                        now: new.now,
                    };
                    note!(transaction, engine, &noted);
                    for statement in [
                        DELETE_VAULT_RECORDS,
                        DELETE_VAULT_KEYS,
                        DELETE_VAULT,
                        DELETE_BACKUP_CODES,
                        DELETE_SECOND_STEP,
                    ] {
                        sqlx::query(statement.on(engine))
                            .bind(Column(new.account))
                            .execute(&mut *transaction)
                            .await?;
                    }
                }
                EntryStored::Done(ended)
            }
        );
        Ok(stored)
    }

    /// The newest entry of an account's chain: its sequence and bytes.
    pub async fn find_head(&self, account: AccountId) -> Result<Option<(u32, Bytes)>, DbError> {
        let statement = FIND_HEAD.on(self.engine());
        let row: Option<(Column<u32>, Vec<u8>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(sequence, bytes)| (sequence.0, Bytes(bytes))))
    }

    /// The active devices of an account, in order of their ids. A login that was not refreshed since
    /// `in_force_since` is over.
    pub async fn describe_devices(
        &self,
        account: AccountId,
        in_force_since: Timestamp,
    ) -> Result<Vec<DeviceDescribed>, DbError> {
        let statement = DESCRIBE_DEVICES.on(self.engine());
        let rows: Vec<DescribedRow> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .bind(Column(in_force_since))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        Ok(rows
            .into_iter()
            .map(|(device, added_at, seen_at, logins)| DeviceDescribed {
                device: device.0,
                added_at: added_at.0,
                seen_at: seen_at.map(|time| time.0),
                signed_in: logins.0 > 0,
            })
            .collect())
    }

    /// The other accounts with which an account shares a direct room, in order.
    pub async fn list_peers(&self, account: AccountId) -> Result<Vec<AccountId>, DbError> {
        let statement = LIST_PEERS.on(self.engine());
        let rows: Vec<(Column<AccountId>, Column<AccountId>)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_all(&mut *connection)
                    .await?
            }
        );
        let mut peers: BTreeSet<AccountId> =
            rows.into_iter().flat_map(|(low, high)| [low.0, high.0]).collect();
        peers.remove(&account);
        Ok(peers.into_iter().collect())
    }
}
