//! Requests made up from the OpenAPI description, right and wrong ones, by Schemathesis. Run by `cargo xtask test api`,
//! which names the program.
//! `tests/schemathesis/schemathesis.toml` says what it does not judge, and why.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::Server;

/// Made-up requests for each operation and phase.
const EXAMPLES: &str = "40";
/// It would end the login that everything else is asked with.
const SIGN_OUT: &str = "/api/v1/logins/sign-out";

async fn ask(server: &Server, arguments: &[&str]) {
    let program = std::env::var_os("CONCLAVE_TEST_SCHEMATHESIS").expect("cargo xtask test api names it");
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis/schemathesis.toml");
    let ended = Command::new(Path::new(&program))
        .arg("--config-file")
        .arg(settings)
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", server.address))
        .args(["--max-examples", EXAMPLES])
        .args(["--phases", "coverage,fuzzing", "--continue-on-failure"])
        .args(["--warnings", "off", "--no-color", "--seed", "1"])
        .args(["--generation-database", "none"])
        .args(arguments)
        .env_remove("SCHEMATHESIS_HOOKS")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .status()
        .await
        .expect("schemathesis runs");
    assert!(ended.success(), "schemathesis found something; it stands above");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test api"]
async fn no_request_of_an_administrator_fails_the_server_or_is_answered_outside_the_description() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let access = format!("Authorization: Bearer {}", mia.access.as_str());
    ask(&server, &["--header", &access, "--exclude-path", SIGN_OUT]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test api"]
async fn no_request_of_nobody_fails_the_server_or_is_answered_outside_the_description() {
    let server = Server::start().await;
    ask(&server, &[]).await;
}
