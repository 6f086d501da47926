//! Where the bytes of files lie, and how much they may take.

use std::path::{Path, PathBuf};

use conclave_db::BlobQuota;
use conclave_protocol::limits::BLOB_MAX;
use serde::{Deserialize, Serialize};

/// Files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlobsConfig {
    /// Their folder; `{data}/blobs` when absent.
    pub folder: Option<PathBuf>,
    /// A service that speaks S3, instead of a folder.
    pub s3: Option<S3Config>,
    /// Bytes of one sealed file at most.
    pub largest: u64,
    /// Bytes that the files of one account may take; 0 for no bound.
    pub quota: u64,
    /// Bytes that all files together may take; 0 for no bound but the disk.
    pub quota_all: u64,
    /// Lets devices fetch files from the S3 service itself, by addresses that are good for a minute. The service then
    /// sees who fetches what; a browser does not do it.
    pub signed_links: bool,
}

/// A service that speaks S3.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3Config {
    /// Its address, for example `https://s3.example.org`; that of Amazon's region when absent.
    pub endpoint: Option<String>,
    /// The bucket, which has to be there.
    pub bucket: String,
    /// The region.
    pub region: String,
    /// The access key's id.
    pub key_id: String,
    /// A file that holds the secret key, so that it stands neither here nor in an environment.
    pub secret_file: Option<PathBuf>,
    /// Names the bucket in the path, as most services but Amazon's want it, and not in the host.
    pub path_style: bool,
    /// What every name in the bucket begins with. Two servers must not share one.
    pub prefix: String,
}

impl BlobsConfig {
    /// The folder, where it is one.
    pub(crate) fn folder_in(&self, data: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| data.join("blobs"))
    }

    /// Bytes of one blob at most.
    pub(crate) fn largest(&self) -> u64 {
        self.largest.min(BLOB_MAX)
    }

    /// How much may be stored.
    pub(crate) fn quotas(&self) -> BlobQuota {
        let bound = |bytes| (bytes > 0).then_some(bytes);
        BlobQuota {
            account: bound(self.quota),
            all: bound(self.quota_all),
        }
    }
}

impl Default for BlobsConfig {
    fn default() -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        Self {
            folder: None,
            s3: None,
            largest: 2 * GIB,
            quota: 20 * GIB,
            quota_all: 0,
            signed_links: false,
        }
    }
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            bucket: String::new(),
            region: "us-east-1".to_owned(),
            key_id: String::new(),
            secret_file: None,
            path_style: true,
            prefix: String::new(),
        }
    }
}
