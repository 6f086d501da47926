//! A service that speaks S3. Its secret stands in a file, and nothing is asked of it before it is needed.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use object_store::RetryConfig;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::signer::Signer;

use super::BlobStore;
use super::connector::Connector;
use crate::config::S3Config;
use crate::error::StartError;

/// So long is tried again by itself before a person is told to come back.
const TRIED_FOR: Duration = Duration::from_secs(8);
/// So often is tried again by itself.
const TRIES: usize = 3;

pub(super) fn open(config: &S3Config, signed_links: bool) -> Result<BlobStore, StartError> {
    let refused = |why: &str| StartError::Config(format!("blobs.s3: {why}"));
    if config.bucket.is_empty() {
        return Err(refused("name the bucket"));
    }
    let secret_file = config
        .secret_file
        .as_ref()
        .ok_or_else(|| refused("name the file that holds the secret key with `secret_file`"))?;
    let secret = fs::read_to_string(secret_file).map_err(|error| StartError::File {
        path: secret_file.clone(),
        error,
    })?;
    let is_plain = config
        .endpoint
        .as_deref()
        .is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_access_key_id(&config.key_id)
        .with_secret_access_key(secret.trim())
        .with_virtual_hosted_style_request(!config.path_style)
        .with_allow_http(is_plain)
        .with_retry(RetryConfig {
            max_retries: TRIES,
            retry_timeout: TRIED_FOR,
            ..RetryConfig::default()
        })
        .with_http_connector(Connector);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = builder.build().map_err(|error| refused(&error.to_string()))?;
    let store = Arc::new(store);
    Ok(BlobStore {
        signer: signed_links.then(|| Arc::clone(&store) as Arc<dyn Signer>),
        inner: store,
        prefix: Path::from(config.prefix.as_str()),
        folder: None,
    })
}
