//! Starting again under one's name with the password alone.

use conclave_auth::statements::reset_statement;
use conclave_protocol::accounts::AccountFound;
use conclave_protocol::logins::{LoggedIn, LoginPending};
use conclave_protocol::resets::ResetIdentity;
use conclave_protocol::{AccountId, Bytes, DeviceId, ErrorCode, Problem};
use conclave_sigchain::{AccountEntry, DeviceKeys};
use ed25519_dalek::{Signer, SigningKey};

use crate::harness::{Answer, Person, Server, random};

const HOUR: i64 = 60 * 60 * 1000;

/// A new account that wants the name of the one whose password was proven.
fn body(server: &Server, name: &str, pending: &LoginPending) -> (AccountId, ResetIdentity) {
    let key = SigningKey::from_bytes(&random());
    let keys = DeviceKeys {
        signing: key.verifying_key().to_bytes(),
        identity: random(),
    };
    let recovery = SigningKey::from_bytes(&random()).verifying_key().to_bytes();
    let genesis = AccountEntry::genesis(keys, recovery, server.clock.now())
        .signed_with(|bytes| key.sign(bytes).to_bytes());
    let (account, genesis) = (AccountId(genesis.hash().0), genesis.to_bytes());
    let statement = reset_statement(name, pending.token.as_str(), &genesis);
    let body = ResetIdentity {
        token: pending.token.clone(),
        genesis: Bytes(genesis),
        signature: Bytes(key.sign(&statement).to_bytes().to_vec()),
        native: true,
    };
    (account, body)
}

async fn reset(server: &Server, body: &ResetIdentity) -> Answer {
    server.post("/api/v1/resets", None, body).await
}

async fn server_without_pause() -> Server {
    Server::start_with(|config| config.reset_pause_hours = 0).await
}

#[tokio::test]
async fn the_password_alone_gives_the_name_to_a_new_account_and_ends_the_old_one() {
    let server = server_without_pause().await;
    let mia = server.administrator().await;
    let tom = Person::register(&server, "tom", &server.invite(&mia).await)
        .await
        .unwrap();
    let pending = mia.pending(&server).await;
    let (account, body) = body(&server, "mia", &pending);
    let logged_in: LoggedIn = reset(&server, &body).await.json();
    assert_eq!((logged_in.account, logged_in.device), (account, DeviceId(0)));
    assert_eq!(logged_in.username.as_str(), "mia");
    assert!(!logged_in.administrator, "a password makes no administrator");

    // The old account's device is out, its token opens nothing.
    let devices = server.get("/api/v1/devices", Some(&mia.access)).await;
    assert_eq!(devices.code(), ErrorCode::SignInNeeded);
    let again = reset(&server, &body).await;
    assert_eq!(again.code(), ErrorCode::WrongCredentials, "once");

    // Others see the new account under the name, and the old one's log as it was, under the name that it had.
    let found: AccountFound = server
        .get("/api/v1/accounts/by-username/mia", Some(&tom.access))
        .await
        .json();
    assert_eq!(found.account, account);
    let path = format!("/api/v1/accounts/{}", mia.account);
    let old: AccountFound = server.get(&path, Some(&tom.access)).await.json();
    assert_eq!(old.username.as_str(), "mia");
    assert_eq!(old.entries, [Bytes(mia.genesis.clone())]);

    // The password is the new account's now.
    assert_eq!(mia.pending(&server).await.account, account);
}

#[tokio::test]
async fn while_a_device_is_there_nobody_starts_again_and_is_told_when_they_may() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let pending = mia.pending(&server).await;
    let refused = reset(&server, &body(&server, "mia", &pending).1).await;
    assert_eq!(refused.code(), ErrorCode::ResetTooSoon);
    let wait = serde_json::from_slice::<Problem>(&refused.body)
        .unwrap()
        .retry_after
        .unwrap();
    assert!(wait > 23 * 60 * 60 && wait <= 24 * 60 * 60, "{wait}");
    let devices = server.get("/api/v1/devices", Some(&mia.access)).await;
    assert!(devices.status.is_success(), "nothing happened");

    server.clock.shift(24 * HOUR);
    let pending = mia.pending(&server).await;
    let done = reset(&server, &body(&server, "mia", &pending).1).await;
    assert!(done.status.is_success());
}

#[tokio::test]
async fn whose_devices_are_all_signed_out_may_start_again_at_once() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let out = server
        .post(
            "/api/v1/logins/sign-out",
            Some(&mia.access),
            &serde_json::json!({ "refresh_token": mia.refresh.as_str() }),
        )
        .await;
    assert!(out.status.is_success());
    let pending = mia.pending(&server).await;
    let done = reset(&server, &body(&server, "mia", &pending).1).await;
    assert!(done.status.is_success());
}

#[tokio::test]
async fn without_the_password_or_the_new_devices_signature_nothing_happens() {
    let server = server_without_pause().await;
    let mia = server.administrator().await;
    let pending = mia.pending(&server).await;
    let (_, good) = body(&server, "mia", &pending);
    let mut unsigned = good.clone();
    unsigned.signature.0[0] ^= 1;
    assert_eq!(reset(&server, &unsigned).await.code(), ErrorCode::ChainRefused);
    let (_, other_name) = body(&server, "tom", &pending);
    assert_eq!(reset(&server, &other_name).await.code(), ErrorCode::ChainRefused);
    let mut unknown = good.clone();
    unknown.token.0 = "nobody's".to_owned();
    assert_eq!(reset(&server, &unknown).await.code(), ErrorCode::WrongCredentials);
    let path = "/api/v1/accounts/by-username/mia";
    let found: AccountFound = server.get(path, Some(&mia.access)).await.json();
    assert_eq!(found.account, mia.account);
}
