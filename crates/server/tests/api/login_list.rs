//! Where an account is signed in, and ending that.

use conclave_protocol::logins::{LoggedIn, LoginsEnded, LoginsFound};
use conclave_protocol::{DeviceId, ErrorCode};
use http::StatusCode;

use crate::harness::{Server, Socket};

const LOGINS: &str = "/api/v1/logins";

#[tokio::test]
async fn each_login_is_listed_with_its_device_and_the_current_one_marked() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    server.clock.shift(1_000);
    let phone = mia.device_added(&server).await;
    let (_socket, _) = Socket::open_with(&server, &phone.access).await;
    let found: LoginsFound = server.get(LOGINS, Some(&mia.access)).await.json();
    let seen: Vec<_> = found
        .logins
        .iter()
        .map(|login| (login.device, login.current, login.connected))
        .collect();
    assert_eq!(seen, [(DeviceId(1), false, true), (DeviceId(0), true, false)]);
    assert!(
        found
            .logins
            .iter()
            .all(|login| login.refreshed_at >= login.created_at)
    );
}

#[tokio::test]
async fn ending_a_login_cuts_its_socket_at_once_and_leaves_the_others() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    server.clock.shift(1_000);
    let phone = mia.device_added(&server).await;
    let (mut socket, _) = Socket::open_with(&server, &phone.access).await;
    let found: LoginsFound = server.get(LOGINS, Some(&mia.access)).await.json();
    let path = format!("{LOGINS}/{}", found.logins[0].login);
    let began = tokio::time::Instant::now();
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.status,
        StatusCode::NO_CONTENT
    );
    let (closing, _) = socket.end().await;
    assert_eq!(closing.unwrap().code, ErrorCode::LoginRevoked);
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    assert_eq!(
        server.get(LOGINS, Some(&phone.access)).await.code(),
        ErrorCode::SignInNeeded
    );
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.code(),
        ErrorCode::NotFound
    );
    let left: LoginsFound = server.get(LOGINS, Some(&mia.access)).await.json();
    assert_eq!(left.logins.len(), 1);
}

#[tokio::test]
async fn nobody_ends_anothers_login() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let found: LoginsFound = server.get(LOGINS, Some(&mia.access)).await.json();
    let path = format!("{LOGINS}/{}", found.logins[0].login);
    assert_eq!(
        server.delete(&path, Some(&ben.access)).await.code(),
        ErrorCode::NotFound
    );
    assert!(server.get(LOGINS, Some(&mia.access)).await.status.is_success());
}

#[tokio::test]
async fn signing_out_everywhere_else_leaves_this_login_alone() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let phone = mia.device_added(&server).await;
    let again: LoggedIn = mia.sign_in(&server, true, DeviceId(0)).await.json();
    let pending = mia.pending(&server).await;
    let (mut socket, _) = Socket::open_with(&server, &phone.access).await;
    let ended: LoginsEnded = server.delete(LOGINS, Some(&again.access_token)).await.json();
    assert_eq!(
        ended.ended, 1,
        "what this device had before ended with its sign-in"
    );
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::LoginRevoked);
    for access in [&mia.access, &phone.access] {
        assert_eq!(
            server.get(LOGINS, Some(access)).await.code(),
            ErrorCode::SignInNeeded
        );
    }
    let entries = format!("/api/v1/accounts/{}/entries", mia.account);
    assert_eq!(
        server.get(&entries, Some(&pending.token)).await.code(),
        ErrorCode::SignInNeeded,
        "a new device that waits has to show the password again"
    );
    for access in [&again.access_token, &ben.access] {
        assert!(server.get(LOGINS, Some(access)).await.status.is_success());
    }
    let server = server.restart().await;
    assert_eq!(
        server.get(LOGINS, Some(&phone.access)).await.code(),
        ErrorCode::SignInNeeded
    );
}
