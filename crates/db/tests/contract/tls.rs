//! TLS between the server and PostgreSQL, with a real one whose certificate an authority of the test's own signed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::LazyLock;

use conclave_db::{Db, DbError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::cluster::Cluster;

/// What its machines are told of: who comes by TCP has to speak TLS.
const ACCESS: &str = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";

struct Encrypted {
    cluster: Cluster,
    port: u16,
    /// The authorities' certificates: `right.pem` signed the server's, `wrong.pem` did not.
    authorities: TempDir,
}

/// A cluster that speaks TLS under the name `localhost`.
fn encrypted() -> &'static Encrypted {
    static ENCRYPTED: LazyLock<Encrypted> = LazyLock::new(start);
    &ENCRYPTED
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn start() -> Encrypted {
    let (right, wrong) = (authority(), authority());
    let authorities = tempfile::tempdir().unwrap();
    for (name, authority) in [("right.pem", &right), ("wrong.pem", &wrong)] {
        fs::write(authorities.path().join(name), authority.pem()).unwrap();
    }
    let key = KeyPair::generate().unwrap();
    let named = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = named.signed_by(&key, &right).unwrap();

    // Free now; nobody else on the machine of a test is likely to take just this one.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let cluster = Cluster::start_with(|folder| {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path.display().to_string()
        };
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", write("server.pem", &certificate.pem())),
            format!("ssl_key_file={}", write("server.key", &key.serialize_pem())),
            format!("hba_file={}", write("access", ACCESS)),
        ];
        settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting])
            .collect()
    });
    Encrypted {
        cluster,
        port,
        authorities,
    }
}

impl Encrypted {
    /// A fresh database of the cluster.
    async fn database(&self, name: &str) {
        let port = format!("&port={}", self.port);
        self.cluster
            .execute_at(
                &(self.cluster.address("postgres") + &port),
                &format!("CREATE DATABASE {name}"),
            )
            .await;
    }

    fn address(&self, host: &str, database: &str, rest: &str) -> String {
        format!("postgres://postgres@{host}:{}/{database}?{rest}", self.port)
    }

    fn root(&self, name: &str) -> String {
        let path: &Path = &self.authorities.path().join(name);
        format!("sslrootcert={}", path.display())
    }
}

async fn refused(address: &str) -> String {
    match Db::open(address).await {
        Err(DbError::Unavailable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened {address}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_shows_the_right_certificate_is_opened_by_tls() {
    let tls = encrypted();
    tls.database("shown").await;
    let verified = format!("sslmode=verify-full&{}", tls.root("right.pem"));
    let db = Db::open(&tls.address("localhost", "shown", &verified))
        .await
        .unwrap();
    db.ping().await.unwrap();
    assert_eq!(db.count_accounts().await.unwrap(), 0);
    // The pulse opens a connection of its own, by the same address.
    db.pulse().unwrap().beat().await.unwrap();
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_or_for_another_name_is_refused() {
    let tls = encrypted();
    tls.database("imitated").await;
    let wrong = format!("sslmode=verify-full&{}", tls.root("wrong.pem"));
    let why = refused(&tls.address("localhost", "imitated", &wrong)).await;
    assert!(
        why.contains("certificate") || why.contains("UnknownIssuer"),
        "{why}"
    );
    let nobody = "sslmode=verify-full";
    refused(&tls.address("localhost", "imitated", nobody)).await;
    // The certificate says `localhost`, and this is the same machine under another name.
    let right = format!("sslmode=verify-full&{}", tls.root("right.pem"));
    refused(&tls.address("127.0.0.1", "imitated", &right)).await;
    let authority_alone = format!("sslmode=verify-ca&{}", tls.root("right.pem"));
    let db = Db::open(&tls.address("127.0.0.1", "imitated", &authority_alone)).await;
    db.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_asks_for_tls_is_not_opened_without() {
    let tls = encrypted();
    tls.database("plain").await;
    let plain = Db::open(&tls.address("localhost", "plain", "sslmode=disable")).await;
    assert!(plain.is_err());
}
