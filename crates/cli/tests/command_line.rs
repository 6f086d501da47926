//! The program as a script sees it, without a server: what it prints where, and its exit codes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Nothing listens here, and connecting fails at once.
const NOWHERE: &str = "http://127.0.0.1:1";

fn conclave(home: &Path, line: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_conclave"))
        .args(line)
        .env("CONCLAVE_HOME", home)
        .env_remove("CONCLAVE_PASSWORD")
        .env_remove("CONCLAVE_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_command_line_that_is_not_right_says_so_and_ends_with_2() {
    let home = tempfile::tempdir().unwrap();
    for line in [
        &[][..],
        &["dance"],
        &["send", "mia"],
        &["send", "m", "hello"],
        &["register", "mia", "not an invite"],
        &["--server", "ftp://x", "status"],
    ] {
        let output = conclave(home.path(), line, "");
        assert_eq!(code(&output), Some(2), "{line:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{line:?}");
    }
    for line in [
        &["register", "mia", "token"][..],
        &["sign-in", "mia"],
        &["recover", "mia"],
        &["link"],
    ] {
        let output = conclave(home.path(), line, "");
        assert_eq!(code(&output), Some(2), "no server is named anywhere: {line:?}");
        assert!(text(&output.stderr).starts_with("Which server?"), "{line:?}");
    }
}

#[test]
fn a_device_without_an_account_wants_one_and_leaves_nothing_behind() {
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("device");
    for line in [
        &["status"][..],
        &["chats"],
        &["listen"],
        &["send", "mia", "hello"],
        &["sign-in", "--password-stdin"],
        &["approve"],
        &["contact-link"],
        &["recovery-key"],
        &["group", "create", "Friends"],
        &["community", "list"],
        &["join", "https://chat.example.org/#/join/AQ"],
        &["members", "Friends", "add", "mia"],
    ] {
        let output = conclave(&home, line, "");
        assert_eq!(code(&output), Some(77), "{line:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{line:?}");
    }
    assert!(!home.exists());
}

#[test]
fn an_error_is_json_for_those_who_want_it() {
    let home = tempfile::tempdir().unwrap();
    let output = conclave(home.path(), &["chats", "--json"], "");
    assert_eq!(code(&output), Some(77));
    assert!(output.stderr.is_empty());
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["error"]["code"], "no_account");
}

#[test]
fn a_server_that_is_not_there_is_69_and_a_bad_password_is_not_sent() {
    let home = tempfile::tempdir().unwrap();
    let link = format!("{NOWHERE}/#/setup/token");
    let line = ["register", "mia", &link, "--password-stdin", "--json"];

    let output = conclave(home.path(), &line, "vier ruhige Otter\n");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (code(&output), &value["error"]["code"]),
        (Some(69), &"offline".into())
    );

    let output = conclave(home.path(), &line, "kurz\n");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (code(&output), &value["error"]["code"]),
        (Some(1), &"password_short".into())
    );
}

#[test]
fn plain_http_to_another_machine_has_to_be_allowed_and_links_have_to_fit() {
    let home = tempfile::tempdir().unwrap();
    let link = "http://chat.example.org/#/invite/token";
    let output = conclave(
        home.path(),
        &["register", "mia", link, "--password-stdin"],
        "vier ruhige Otter\n",
    );
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("https://"));

    let line = [
        "register",
        "mia",
        link,
        "--server",
        "https://other.example.org",
        "--password-stdin",
    ];
    let output = conclave(home.path(), &line, "vier ruhige Otter\n");
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("https://other.example.org"));
}
