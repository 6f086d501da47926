//! A new password while signed in, and the end of an account by its owner.

use conclave_auth::client::ClientRegistration;
use conclave_auth::statements::registration_statement;
use conclave_protocol::accounts::{PasswordChangeFinish, PasswordChangeStart, PasswordChangeStarted};
use conclave_protocol::logins::LoginsEnded;
use conclave_protocol::{Bytes, DeviceId, ErrorCode};
use conclave_sigchain::AccountBody;
use ed25519_dalek::Signer;
use getrandom::SysRng;
use http::StatusCode;
use rand_core::UnwrapErr;

use crate::harness::{Answer, Person, Server, Socket};

const START: &str = "/api/v1/account/password/start";
const FINISH: &str = "/api/v1/account/password/finish";
const OWN: &str = "/api/v1/logins";

async fn change(server: &Server, person: &Person, new: &str, end_others: bool) -> Answer {
    let (registration, request) = ClientRegistration::start(new.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
    let start = PasswordChangeStart {
        opaque: Bytes(request),
    };
    let answer = server.post(START, Some(&person.access), &start).await;
    if !answer.status.is_success() {
        return answer;
    }
    let started: PasswordChangeStarted = answer.json();
    let upload = registration
        .finish(new.as_bytes(), started.opaque.as_slice(), &mut UnwrapErr(SysRng))
        .unwrap()
        .message;
    let statement = registration_statement(&person.name, "password change", &upload);
    let finish = PasswordChangeFinish {
        opaque: Bytes(upload),
        signature: Bytes(person.key.sign(&statement).to_bytes().to_vec()),
        end_others,
    };
    server.post(FINISH, Some(&person.access), &finish).await
}

#[tokio::test]
async fn a_new_password_takes_the_place_of_the_old_and_other_logins_may_stay() {
    let server = Server::start().await;
    let mut mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let pending = mia.pending(&server).await;
    let ended: LoginsEnded = change(&server, &mia, "quite another password", false)
        .await
        .json();
    assert_eq!(ended.ended, 0);
    assert!(server.get(OWN, Some(&phone.access)).await.status.is_success());
    let entries = format!("/api/v1/accounts/{}/entries", mia.account);
    assert_eq!(
        server.get(&entries, Some(&pending.token)).await.code(),
        ErrorCode::SignInNeeded,
        "what the old password opened is closed"
    );
    mia.password = "quite another password".to_owned();
    assert!(mia.sign_in(&server, true, DeviceId(0)).await.status.is_success());
}

#[tokio::test]
async fn other_logins_end_where_that_is_wanted_and_this_one_stays() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let (mut socket, _) = Socket::open_with(&server, &phone.access).await;
    let ended: LoginsEnded = change(&server, &mia, "quite another password", true).await.json();
    assert_eq!(ended.ended, 1);
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::LoginRevoked);
    assert!(server.get(OWN, Some(&mia.access)).await.status.is_success());
}

#[tokio::test]
async fn a_password_is_changed_by_who_has_just_shown_the_old_one_only() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    server.clock.shift(11 * 60 * 1000);
    let refused = change(&server, &mia, "quite another password", false).await;
    assert_eq!(refused.code(), ErrorCode::FreshSignInNeeded);
    mia.prove(&server, &mia.access, None).await;
    let changed = change(&server, &mia, "quite another password", false).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_record_that_the_device_did_not_sign_is_refused() {
    let server = Server::start().await;
    let mut mia = server.administrator().await;
    let right = mia.key.clone();
    mia.key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let refused = change(&server, &mia, "quite another password", false).await;
    assert_eq!(refused.code(), ErrorCode::WrongCredentials);
    mia.key = right;
    assert!(mia.sign_in(&server, true, DeviceId(0)).await.status.is_success());
}

#[tokio::test]
async fn an_account_ends_by_who_has_just_shown_the_password_and_its_name_stays_taken() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    server.clock.shift(11 * 60 * 1000);
    let entry = ben.entry(&server, AccountBody::Close {}).await;
    assert_eq!(
        ben.offer(&server, &entry).await.code(),
        ErrorCode::FreshSignInNeeded
    );
    ben.prove(&server, &ben.access, None).await;
    assert_eq!(ben.offer(&server, &entry).await.status, StatusCode::OK);
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::AccountClosed);
    let refused = ben.sign_in(&server, true, DeviceId(0)).await;
    assert_eq!(refused.code(), ErrorCode::AccountClosed);
    let invite = server.invite(&mia).await;
    assert_eq!(
        Person::register(&server, "ben", &invite).await.err(),
        Some(ErrorCode::UsernameTaken)
    );
}

#[tokio::test]
async fn the_last_administrator_cannot_go() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let entry = mia.entry(&server, AccountBody::Close {}).await;
    assert_eq!(
        mia.offer(&server, &entry).await.code(),
        ErrorCode::LastAdministrator
    );
}
