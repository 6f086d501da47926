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

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _};
    use std::net::{SocketAddr, TcpListener};
    use std::thread::{self, JoinHandle};

    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, Stream};

    use super::*;

    /// Speaks TLS with whoever comes first, under a certificate for this machine that nobody trusts; gives what it read.
    fn imitate() -> (SocketAddr, JoinHandle<io::Result<Vec<u8>>>) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut tcp, _) = listener.accept()?;
            tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
            let mut tls = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
            let mut read = vec![0; 1024];
            let length = Stream::new(&mut tls, &mut tcp).read(&mut read)?;
            read.truncate(length);
            Ok(read)
        });
        (address, served)
    }

    #[tokio::test]
    async fn a_server_whose_certificate_nobody_trusts_is_told_nothing() {
        let (address, served) = imitate();
        let server: ServerAddress = format!("https://{address}").parse().unwrap();
        let client = Client::builder(TokioExecutor::new()).build(connector(&server).unwrap());
        let request = Request::builder()
            .uri(server.http("/api/v1/server").unwrap())
            .header("authorization", "Bearer secret")
            .body(Full::new(Bytes::from_static(b"something")))
            .unwrap();
        let error = client.request(request).await.unwrap_err();
        let said = with_causes(&error);
        assert!(said.contains("certificate"), "{said}");
        let read = served.join().unwrap();
        assert!(
            read.is_err(),
            "{:?}",
            read.map(|read| String::from_utf8_lossy(&read).into_owned())
        );
    }
}
