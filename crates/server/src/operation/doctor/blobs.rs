//! Files that people sent: whether their store answers, is this server's own, and holds what the database names.

use conclave_db::Db;
use conclave_protocol::BlobId;
use conclave_protocol::blobs::chunk_length;

use super::{Finding, good, warning, wrong};
use crate::blobs::{BlobStore, Chunk, SETTING, StoreError};
use crate::config::Config;

const SUBJECT: &str = "files";
/// Files that are looked at; a larger store is compared in part, so that this ends.
const LOOKED_AT: usize = 20_000;
/// Rows read at a time.
const PAGE: u32 = 500;

pub(super) async fn files(config: &Config) -> Vec<Finding> {
    let Ok(address) = config.database_address() else {
        return Vec::new();
    };
    // What is wrong with the database says another finding.
    let Ok(db) = Db::open_existing(&address).await else {
        return Vec::new();
    };
    let findings = with_rows(config, &db).await;
    db.close().await;
    findings
}

async fn with_rows(config: &Config, db: &Db) -> Vec<Finding> {
    let Ok(first) = db.list_blobs(BlobId([0; 16]), 1).await else {
        return Vec::new();
    };
    let folder = config.blobs.folder_in(&config.data);
    if config.blobs.s3.is_none() && !folder.is_dir() {
        let shown = folder.display();
        return vec![if first.is_empty() {
            good(
                SUBJECT,
                format!("{shown} is made by the first start; nobody has sent a file"),
            )
        } else {
            wrong(
                SUBJECT,
                format!(
                    "{shown} is not there, and the database names files in it: put it back, or name it with `blobs.folder`"
                ),
            )
        }];
    }
    let store = match BlobStore::open(&config.blobs, &config.data) {
        Ok(store) => store,
        Err(error) => return vec![wrong(SUBJECT, error.to_string())],
    };
    let mut findings = Vec::new();
    let own = db.find_setting(SETTING).await.ok().flatten();
    match store.owner().await {
        Ok(Some(owner)) if own.is_none_or(|own| own != owner) => findings.push(wrong(
            SUBJECT,
            "the store belongs to another server's database, so nothing in it is cleared away: give each server a bucket, prefix or folder of its own",
        )),
        Ok(_) => {}
        Err(error) => {
            return vec![wrong(
                SUBJECT,
                format!("{error}; look at `blobs` in the configuration, and whether the service runs"),
            )];
        }
    }
    match missing(db, &store).await {
        Ok((looked_at, 0)) => findings.push(good(SUBJECT, format!("{looked_at} looked at, all are there"))),
        Ok((looked_at, missing)) => findings.push(warning(
            SUBJECT,
            format!(
                "of {looked_at} that were looked at {missing} are missing or cut: people are told that they are lost. Put them back from a copy of the store"
            ),
        )),
        Err(why) => findings.push(warning(SUBJECT, format!("not all could be looked at: {why}"))),
    }
    findings
}

/// How many whole blobs were looked at, and of how many a chunk is not there as it should be.
async fn missing(db: &Db, store: &BlobStore) -> Result<(usize, usize), String> {
    let (mut looked_at, mut missing) = (0, 0);
    let mut after = BlobId([0; 16]);
    while looked_at < LOOKED_AT {
        let page = db
            .list_blobs(after, PAGE)
            .await
            .map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for blob in page.into_iter().filter(|blob| blob.finished) {
            looked_at += 1;
            let chunks = db
                .list_blob_chunks(blob.id)
                .await
                .map_err(|error| error.to_string())?;
            for (number, hash) in chunks {
                let chunk = Chunk {
                    object: blob.object,
                    number,
                    hash,
                };
                let is_whole = match store.length(chunk).await {
                    Ok(length) => chunk_length(blob.size, number.into()) == Some(length),
                    Err(StoreError::Missing) => false,
                    Err(error) => return Err(error.to_string()),
                };
                if !is_whole {
                    missing += 1;
                    break;
                }
            }
        }
    }
    Ok((looked_at, missing))
}
