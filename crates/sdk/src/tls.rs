//! Connections to the server, the same for HTTP and the socket: TCP, and TLS by rustls over the system's roots.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

use crate::{SdkError, ServerAddress};

/// Opens connections.
pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// Time for one address of a host to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A connector for a server: one with `https` is never spoken to without.
pub(crate) fn connector(address: &ServerAddress) -> Result<Connector, SdkError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_WITHIN));
    tcp.set_keepalive(Some(Duration::from_mins(1)));

    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SdkError::Roots(std::io::Error::other(error)))?;
    if address.is_secure() {
        let config = config
            .with_native_roots()
            .map_err(SdkError::Roots)?
            .with_no_client_auth();
        Ok(HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(tcp))
    } else {
        // Reading the system's roots would be in vain.
        let config = config
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Ok(HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp))
    }
}

/// An error with what lies below it: only there stands, for instance, that a certificate is not trusted.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}
