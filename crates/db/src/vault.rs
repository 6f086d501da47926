//! Vaults: opaque records in one order, and opaque keys under the hashes that the account's chain names.

use std::collections::HashSet;

use conclave_protocol::limits::{VAULT_KEYS_MAX, VAULT_RECORDS_MAX};
use conclave_protocol::{AccountId, Bytes, Hash};
use futures_util::TryStreamExt;

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    COUNT_VAULT_RECORDS, DELETE_VAULT_KEY, INSERT_VAULT, INSERT_VAULT_RECORDS, LIST_VAULT_KEYS,
    LIST_VAULT_RECORDS, LOCK_VAULT, MOVE_VAULT, UPSERT_VAULT_KEY, pieces,
};
use crate::{Db, DbError, VaultAppended, VaultKey};

type KeyRow = (Column<Hash>, Vec<u8>, Column<u64>);

impl Db {
    /// Appends records whose first has to be the next one, while all of them stay within a bound of bytes. The same
    /// bytes in the same place again are done already.
    pub async fn append_vault_records(
        &self,
        account: AccountId,
        first: u64,
        records: &[Bytes],
        quota: u64,
    ) -> Result<VaultAppended, DbError> {
        let engine = self.engine();
        let length = u64::try_from(records.len()).unwrap_or(u64::MAX);
        let after = first.saturating_add(length);
        let size = records
            .iter()
            .map(|record| record.as_slice().len())
            .sum::<usize>();
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        on_engine!(
            self,
            transaction | transaction | {
                sqlx::query(INSERT_VAULT.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                let held: Vec<(Column<u64>, Column<u64>)> = sqlx::query_as(LOCK_VAULT.on(engine))
                    .bind(Column(account))
                    .fetch_all(&mut *transaction)
                    .await?;
                let held = held.into_iter().next();
                let (held, bytes) = held.map_or((0, 0), |(records, bytes)| (records.0, bytes.0));
                if first < held && after <= held {
                    let stored: Vec<(Vec<u8>,)> = sqlx::query_as(LIST_VAULT_RECORDS.on(engine))
                        .bind(Column(account))
                        .bind(Column(first))
                        .bind(Column(length))
                        .fetch_all(&mut *transaction)
                        .await?;
                    let same = stored.iter().map(|(record,)| record.as_slice());
                    return Ok(if same.eq(records.iter().map(Bytes::as_slice)) {
                        VaultAppended::Done(held)
                    } else {
                        VaultAppended::Moved
                    });
                }
                if first != held {
                    return Ok(VaultAppended::Moved);
                }
                let bytes = bytes.saturating_add(size);
                if after > VAULT_RECORDS_MAX || (bytes > quota && size > 0) {
                    return Ok(VaultAppended::Full);
                }
                let numbered: Vec<(u64, &Bytes)> = (first..).zip(records).collect();
                for piece in pieces(&numbered) {
                    let mut query = INSERT_VAULT_RECORDS.start();
                    query.push_values(piece, |mut row, (number, record)| {
                        row.push_bind(Column(account))
                            .push_bind(Column(*number))
                            .push_bind(record.as_slice());
                    });
                    query
                        .push(INSERT_VAULT_RECORDS.end(engine))
                        .build()
                        .execute(&mut *transaction)
                        .await?;
                }
                sqlx::query(MOVE_VAULT.on(engine))
                    .bind(Column(account))
                    .bind(Column(after))
                    .bind(Column(bytes))
                    .execute(&mut *transaction)
                    .await?;
            }
        );
        Ok(VaultAppended::Done(after))
    }

    /// How many records an account's vault holds.
    pub async fn count_vault_records(&self, account: AccountId) -> Result<u64, DbError> {
        let statement = COUNT_VAULT_RECORDS.on(self.engine());
        let row: Option<(Column<u64>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(account))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(records,)| records.0).unwrap_or_default())
    }

    /// Records from a number, in order: at most `limit`, and as many as fit into `byte_limit`, but at least one
    /// where there are any.
    pub async fn list_vault_records(
        &self,
        account: AccountId,
        first: u64,
        limit: u32,
        byte_limit: usize,
    ) -> Result<Vec<Bytes>, DbError> {
        let statement = LIST_VAULT_RECORDS.on(self.engine());
        let mut records = Vec::new();
        let mut bytes = 0_usize;
        on_engine!(
            self,
            read | connection | {
                let mut rows = sqlx::query_as::<_, (Vec<u8>,)>(statement)
                    .bind(Column(account))
                    .bind(Column(first))
                    .bind(Column(limit))
                    .fetch(&mut *connection);
                while let Some((record,)) = rows.try_next().await? {
                    bytes = bytes.saturating_add(record.len());
                    if bytes > byte_limit && !records.is_empty() {
                        break;
                    }
                    records.push(Bytes(record));
                }
            }
        );
        Ok(records)
    }

    /// Keeps slots and wrapped keys. Beyond [`VAULT_KEYS_MAX`] the oldest that are not in force are forgotten;
    /// `in_force` are the hashes that the account's chain names.
    pub async fn put_vault_keys(
        &self,
        account: AccountId,
        keys: &[VaultKey],
        in_force: &[Hash],
    ) -> Result<(), DbError> {
        let engine = self.engine();
        on_engine!(
            self,
            transaction | transaction | {
                // The vault's row is the lock of its keys, too.
                sqlx::query(INSERT_VAULT.on(engine))
                    .bind(Column(account))
                    .execute(&mut *transaction)
                    .await?;
                let _: Vec<(Column<u64>,)> = sqlx::query_as(LOCK_VAULT.on(engine))
                    .bind(Column(account))
                    .fetch_all(&mut *transaction)
                    .await?;
                let rows: Vec<KeyRow> = sqlx::query_as(LIST_VAULT_KEYS.on(engine))
                    .bind(Column(account))
                    .fetch_all(&mut *transaction)
                    .await?;
                let newest = rows
                    .iter()
                    .map(|(.., position)| position.0)
                    .max()
                    .unwrap_or_default();
                let position = newest.saturating_add(1);
                for key in keys {
                    sqlx::query(UPSERT_VAULT_KEY.on(engine))
                        .bind(Column(account))
                        .bind(Column(key.hash))
                        .bind(key.bytes.as_slice())
                        .bind(Column(position))
                        .execute(&mut *transaction)
                        .await?;
                }
                let fresh: HashSet<Hash> = keys.iter().map(|key| key.hash).collect();
                let older: Vec<Hash> = rows
                    .into_iter()
                    .map(|(hash, ..)| hash.0)
                    .filter(|hash| !fresh.contains(hash))
                    .collect();
                let beyond = (older.len().saturating_add(fresh.len())).saturating_sub(VAULT_KEYS_MAX);
                let forgotten = older.iter().filter(|hash| !in_force.contains(hash)).take(beyond);
                for hash in forgotten {
                    sqlx::query(DELETE_VAULT_KEY.on(engine))
                        .bind(Column(account))
                        .bind(Column(*hash))
                        .execute(&mut *transaction)
                        .await?;
                }
            }
        );
        Ok(())
    }

    /// The slots and wrapped keys that are kept, the oldest first.
    pub async fn list_vault_keys(&self, account: AccountId) -> Result<Vec<VaultKey>, DbError> {
        let statement = LIST_VAULT_KEYS.on(self.engine());
        let rows: Vec<KeyRow> = on_engine!(
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
            .map(|(hash, bytes, _)| VaultKey { hash: hash.0, bytes })
            .collect())
    }
}
