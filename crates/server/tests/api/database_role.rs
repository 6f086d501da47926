//! The role that Compose gives the server: made by the file that PostgreSQL's image runs at its first start, here on a
//! real PostgreSQL without the image.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use http::StatusCode;

use crate::harness::Server;
use crate::postgres;

const MADE_BY: &str = "docker/database.sql";
const PASSWORD_FILE: &str = "/run/secrets/database_password";

fn of_repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

/// What `psql` says at an address.
fn psql(address: &str, arguments: &[&str]) -> Output {
    Command::new("psql")
        .args([
            "--no-psqlrc",
            "--no-password",
            "--quiet",
            "--tuples-only",
            "--no-align",
        ])
        .args(["--dbname", address])
        .args(arguments)
        .output()
        .expect("these tests need PostgreSQL's client program")
}

fn asked(address: &str, query: &str) -> String {
    let output = psql(address, &["--command", query]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_of_compose_owns_its_database_and_nothing_else_and_the_server_works_as_it() {
    let superuser = postgres::fresh();
    let folder = tempfile::tempdir().unwrap();
    let (password, script) = (folder.path().join("password"), folder.path().join("database.sql"));
    fs::write(&password, "it's \"quoted\" \\ and odd").unwrap();
    let text = of_repository(MADE_BY).replace(PASSWORD_FILE, &password.display().to_string());
    fs::write(&script, text).unwrap();
    let made = psql(&superuser, &["--file", &script.display().to_string()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin
        FROM pg_roles WHERE rolname = 'conclave'";
    assert_eq!(asked(&superuser, rights), "f|f|f|f|f|t");
    let stored = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'conclave'";
    assert_eq!(asked(&superuser, stored), "t");
    let memberships = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
        WHERE r.rolname = 'conclave'";
    assert_eq!(asked(&superuser, memberships), "0");
    let owned = "SELECT string_agg(datname, ',') FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
        WHERE r.rolname = 'conclave'";
    assert_eq!(asked(&superuser, owned), "conclave");
    let by_everybody = "SELECT string_agg(datname, ',') FROM pg_database
        WHERE has_database_privilege('conclave', oid, 'CONNECT')
            AND datname IN ('conclave', 'postgres', 'template1')";
    assert_eq!(asked(&superuser, by_everybody), "conclave");

    let address = postgres::as_role("conclave", "conclave");
    let served = address.clone();
    let server = Server::start_with(|config| config.database = Some(served)).await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    assert_eq!(
        server.get("/api/v1/logins", Some(&ben.access)).await.status,
        StatusCode::OK
    );
    let server = server.restart().await;
    assert_eq!(
        server.get("/api/v1/logins", Some(&mia.access)).await.status,
        StatusCode::OK
    );
    server.stopped().await;
    assert_eq!(asked(&address, "SELECT count(*) FROM accounts"), "2");
    for refused in [
        "CREATE ROLE another",
        "CREATE DATABASE another",
        "ALTER ROLE conclave SUPERUSER",
        "COPY accounts TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/hostname')",
    ] {
        let output = psql(&address, &["--command", refused]);
        assert!(!output.status.success(), "{refused}");
    }
}
