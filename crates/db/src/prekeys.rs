//! The directory of prekey bundles.
//!
//! Invariant: a one-time bundle is given to one claimer at most, also when its device repeats an upload whose
//! answer was lost. So a claim leaves the id and a hash of its bundle behind.

use std::collections::{HashMap, HashSet};

use conclave_protocol::limits::ONE_TIME_PREKEYS;
use conclave_protocol::{DeviceAddress, Hash};
use sha2::{Digest, Sha256};

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLAIM_PREKEY, COUNT_PREKEYS, DELETE_CLAIMED_PREKEYS, DELETE_PREKEYS, FIND_LAST_RESORT,
    INSERT_CLAIMED_PREKEYS, INSERT_PREKEYS, LIST_CLAIMED_PREKEYS, LIST_PREKEY_IDS, LOCK_DEVICE,
    UPSERT_LAST_RESORT, pieces,
};
use crate::{Db, DbError, Prekey};

impl Db {
    /// Adds one-time bundles, in the same step takes over the last-resort one, and answers what
    /// [`Self::count_prekeys`] would.
    ///
    /// An id that is stored or was claimed is ignored, and so is what goes beyond
    /// [`ONE_TIME_PREKEYS`]. With `replace` every one-time bundle stored before goes first; then only a
    /// bundle that was claimed in these very bytes is ignored. A device that is not active stores nothing.
    pub async fn insert_prekeys(
        &self,
        owner: DeviceAddress,
        one_time: &[Prekey],
        last_resort: Option<&Prekey>,
        replace: bool,
    ) -> Result<(u32, bool), DbError> {
        let engine = self.engine();
        let first = one_time.iter().map(|prekey| prekey.id).min().unwrap_or_default();
        let last = one_time.iter().map(|prekey| prekey.id).max().unwrap_or_default();
        on_engine!(
            self,
            transaction | transaction | {
                let active = sqlx::query(LOCK_DEVICE.on(engine))
                    .bind(Column(owner.account))
                    .bind(Column(owner.device))
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if active == 0 {
                    return Ok((0, false));
                }
                // A claim in flight holds its bundle: the deletion waits for it, and what it leaves behind is
                // read afterwards. The order of these statements is what keeps a claimed bundle claimed.
                if replace {
                    sqlx::query(DELETE_PREKEYS.on(engine))
                        .bind(Column(owner.account))
                        .bind(Column(owner.device))
                        .execute(&mut *transaction)
                        .await?;
                }
                let stored: Vec<(Column<u32>,)> = sqlx::query_as(LIST_PREKEY_IDS.on(engine))
                    .bind(Column(owner.account))
                    .bind(Column(owner.device))
                    .fetch_all(&mut *transaction)
                    .await?;
                let claimed: Vec<(Column<u32>, Column<Hash>)> =
                    sqlx::query_as(LIST_CLAIMED_PREKEYS.on(engine))
                        .bind(Column(owner.account))
                        .bind(Column(owner.device))
                        .bind(Column(first))
                        .bind(Column(last))
                        .fetch_all(&mut *transaction)
                        .await?;
                let claimed = claimed.into_iter().map(|(id, digest)| (id.0, digest.0)).collect();
                let choice = choose(
                    one_time,
                    stored.into_iter().map(|(id,)| id.0).collect(),
                    &claimed,
                    replace,
                );

                if replace {
                    sqlx::query(DELETE_CLAIMED_PREKEYS.on(engine))
                        .bind(Column(owner.account))
                        .bind(Column(owner.device))
                        .execute(&mut *transaction)
                        .await?;
                    for piece in pieces(&choice.still_claimed) {
                        let mut query = INSERT_CLAIMED_PREKEYS.start();
                        query.push_values(piece, |mut row, (id, digest)| {
                            row.push_bind(Column(owner.account))
                                .push_bind(Column(owner.device))
                                .push_bind(Column(*id))
                                .push_bind(Column(*digest));
                        });
                        query.push(INSERT_CLAIMED_PREKEYS.end(engine));
                        query.build().execute(&mut *transaction).await?;
                    }
                }
                for piece in pieces(&choice.taken) {
                    let mut query = INSERT_PREKEYS.start();
                    query.push_values(piece, |mut row, prekey| {
                        row.push_bind(Column(owner.account))
                            .push_bind(Column(owner.device))
                            .push_bind(Column(prekey.id))
                            .push_bind(prekey.bundle.as_slice());
                    });
                    query.push(INSERT_PREKEYS.end(engine));
                    query.build().execute(&mut *transaction).await?;
                }
                if let Some(prekey) = last_resort {
                    sqlx::query(UPSERT_LAST_RESORT.on(engine))
                        .bind(Column(owner.account))
                        .bind(Column(owner.device))
                        .bind(Column(prekey.id))
                        .bind(prekey.bundle.as_slice())
                        .execute(&mut *transaction)
                        .await?;
                }
            }
        );
        self.count_prekeys(owner).await
    }

    /// How many one-time bundles a device has left, and whether it has a last-resort one.
    pub async fn count_prekeys(&self, owner: DeviceAddress) -> Result<(u32, bool), DbError> {
        let statement = COUNT_PREKEYS.on(self.engine());
        let (one_time, last_resort): (Column<u32>, Column<u32>) = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(owner.account))
                    .bind(Column(owner.device))
                    .fetch_one(&mut *connection)
                    .await?
            }
        );
        Ok((one_time.0, last_resort.0 > 0))
    }

    /// Takes one one-time bundle out, which nobody else gets; where none is left, the last-resort one.
    pub async fn claim_prekey(&self, owner: DeviceAddress) -> Result<Option<Vec<u8>>, DbError> {
        match self.claim_one_time_prekey(owner).await? {
            Some(bundle) => Ok(Some(bundle)),
            None => self.find_last_resort(owner).await,
        }
    }

    async fn claim_one_time_prekey(&self, owner: DeviceAddress) -> Result<Option<Vec<u8>>, DbError> {
        let engine = self.engine();
        let claimed = on_engine!(
            self,
            transaction | transaction | {
                let rows: Vec<(Column<u32>, Vec<u8>)> = sqlx::query_as(CLAIM_PREKEY.on(engine))
                    .bind(Column(owner.account))
                    .bind(Column(owner.device))
                    .fetch_all(&mut *transaction)
                    .await?;
                let Some((id, bundle)) = rows.into_iter().next() else {
                    return Ok(None);
                };
                let mut query = INSERT_CLAIMED_PREKEYS.start();
                query.push_values([digest(&bundle)], |mut row, digest| {
                    row.push_bind(Column(owner.account))
                        .push_bind(Column(owner.device))
                        .push_bind(id)
                        .push_bind(Column(digest));
                });
                query.push(INSERT_CLAIMED_PREKEYS.end(engine));
                query.build().execute(&mut *transaction).await?;
                bundle
            }
        );
        Ok(Some(claimed))
    }

    /// The last-resort bundle of a device.
    pub async fn find_last_resort(&self, owner: DeviceAddress) -> Result<Option<Vec<u8>>, DbError> {
        let statement = FIND_LAST_RESORT.on(self.engine());
        let row: Option<(Vec<u8>,)> = on_engine!(
            self,
            read | connection | {
                sqlx::query_as(statement)
                    .bind(Column(owner.account))
                    .bind(Column(owner.device))
                    .fetch_optional(&mut *connection)
                    .await?
            }
        );
        Ok(row.map(|(bundle,)| bundle))
    }
}

/// What becomes of an upload.
struct Choice<'a> {
    taken: Vec<&'a Prekey>,
    still_claimed: Vec<(u32, Hash)>,
}

fn choose<'a>(
    upload: &'a [Prekey],
    mut stored: HashSet<u32>,
    claimed: &HashMap<u32, Hash>,
    replace: bool,
) -> Choice<'a> {
    let mut choice = Choice {
        taken: Vec::new(),
        still_claimed: Vec::new(),
    };
    for prekey in upload {
        if let Some(&before) = claimed.get(&prekey.id) {
            if !replace {
                continue;
            }
            if before == digest(&prekey.bundle) {
                choice.still_claimed.push((prekey.id, before));
                continue;
            }
        }
        if stored.len() < ONE_TIME_PREKEYS && stored.insert(prekey.id) {
            choice.taken.push(prekey);
        }
    }
    // A list in which an id stands twice must not reach one statement twice.
    choice.still_claimed.sort_unstable();
    choice.still_claimed.dedup();
    choice
}

fn digest(bundle: &[u8]) -> Hash {
    Hash(Sha256::digest(bundle).into())
}
