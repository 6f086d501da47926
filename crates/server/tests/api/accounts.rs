//! Registration and finding people.

use conclave_protocol::accounts::{AccountFound, EntriesPage, RegistrationStart, ServerInfo};
use conclave_protocol::limits::ENTRY_CLOCK_SKEW_MS;
use conclave_protocol::{Bytes, ErrorCode, Token};
use http::StatusCode;

use crate::harness::{Person, Registration, Server, genesis};

const FINISH: &str = "/api/v1/accounts/registration/finish";

#[tokio::test]
async fn the_setup_link_makes_one_administrator_and_is_then_closed() {
    let server = Server::start().await;
    let setup = server.setup_token();
    assert!(
        server
            .get("/api/v1/server", None)
            .await
            .json::<ServerInfo>()
            .needs_setup
    );

    let mia = Person::register(&server, "mia", &setup).await.unwrap();
    assert!(
        !server
            .get("/api/v1/server", None)
            .await
            .json::<ServerInfo>()
            .needs_setup
    );
    assert_eq!(
        Person::register(&server, "eve", &setup).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
    server.invite(&mia).await;

    let server = server.restart().await;
    assert_eq!(server.running.as_ref().unwrap().setup_link, None);
    assert_eq!(
        Person::register(&server, "eve", &setup).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
}

#[tokio::test]
async fn two_who_open_the_setup_link_at_once_make_one_administrator() {
    let server = Server::start().await;
    let setup = server.setup_token();
    let one = Registration::begin(&server, "mia", &setup).await.unwrap();
    let other = Registration::begin(&server, "eve", &setup).await.unwrap();
    assert_eq!(
        server.post(FINISH, None, &one.body(true)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        server.post(FINISH, None, &other.body(true)).await.code(),
        ErrorCode::InviteNeeded
    );
}

#[tokio::test]
async fn an_invite_registers_one_person_and_ends_after_its_time() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let invite = server.invite(&mia).await;
    Person::register(&server, "ben", &invite).await.unwrap();
    assert_eq!(
        Person::register(&server, "eve", &invite).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
    let made_up = Token::from_random([1; 32]);
    assert_eq!(
        Person::register(&server, "eve", &made_up).await.err(),
        Some(ErrorCode::InviteNeeded)
    );

    let late = server.invite(&mia).await;
    server.clock.shift(8 * 24 * 60 * 60 * 1000);
    assert_eq!(
        Person::register(&server, "eve", &late).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
}

#[tokio::test]
async fn only_an_administrator_makes_invites() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    assert_eq!(
        server
            .post("/api/v1/invites", Some(&ben.access), &())
            .await
            .code(),
        ErrorCode::Forbidden
    );
    assert_eq!(
        server.post("/api/v1/invites", None, &()).await.code(),
        ErrorCode::SignInNeeded
    );
}

#[tokio::test]
async fn a_taken_handle_is_refused_and_leaves_the_invite_open() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let invite = server.invite(&mia).await;
    assert_eq!(
        Person::register(&server, "mia", &invite).await.err(),
        Some(ErrorCode::UsernameTaken)
    );

    let late = Registration::begin(&server, "ben", &invite).await.unwrap();
    server.person("ben", &mia).await;
    assert_eq!(
        server.post(FINISH, None, &late.body(true)).await.code(),
        ErrorCode::UsernameTaken
    );
    Person::register(&server, "ben2", &invite).await.unwrap();
}

#[tokio::test]
async fn a_handle_that_breaks_the_rule_is_named_as_the_reason() {
    let server = Server::start().await;
    let start = RegistrationStart {
        username: "mia".parse().unwrap(),
        invite: server.setup_token(),
        opaque: Bytes(vec![0; 32]),
    };
    let mut body = serde_json::to_value(&start).unwrap();
    body["username"] = "1 mia".into();
    let path = "/api/v1/accounts/registration/start";
    assert_eq!(
        server.post(path, None, &body).await.code(),
        ErrorCode::UsernameInvalid
    );
    assert_eq!(server.post(path, None, &start).await.code(), ErrorCode::Malformed);
}

#[tokio::test]
async fn whoever_lost_the_answer_hears_that_the_account_exists() {
    let server = Server::start().await;
    let registration = Registration::begin(&server, "mia", &server.setup_token())
        .await
        .unwrap();
    let body = registration.body(true);
    server.post(FINISH, None, &body).await.json::<serde_json::Value>();
    server.clock.shift(60 * 60 * 1000);
    assert_eq!(
        server.post(FINISH, None, &body).await.code(),
        ErrorCode::AlreadyRegistered
    );
}

#[tokio::test]
async fn a_genesis_of_another_time_is_refused() {
    let server = Server::start().await;
    let mut registration = Registration::begin(&server, "mia", &server.setup_token())
        .await
        .unwrap();
    let skew = ENTRY_CLOCK_SKEW_MS + 10_000;
    for time in [
        server.clock.now().plus(skew),
        conclave_protocol::Timestamp(server.clock.now().0 - skew),
    ] {
        registration.genesis = genesis(&registration.key, time);
        assert_eq!(
            server.post(FINISH, None, &registration.body(true)).await.code(),
            ErrorCode::ChainRefused
        );
    }
}

#[tokio::test]
async fn a_registration_that_its_device_did_not_sign_is_refused() {
    let server = Server::start().await;
    let registration = Registration::begin(&server, "mia", &server.setup_token())
        .await
        .unwrap();
    let other = Registration::begin(&server, "eve", &server.setup_token())
        .await
        .unwrap();
    // The server, or whoever stands between, puts another password record under the account.
    let mut swapped = registration.body(true);
    swapped.opaque = other.body(true).opaque;
    assert_eq!(
        server.post(FINISH, None, &swapped).await.code(),
        ErrorCode::ChainRefused
    );
    let mut renamed = registration.body(true);
    renamed.username = "eve".parse().unwrap();
    assert_eq!(
        server.post(FINISH, None, &renamed).await.code(),
        ErrorCode::ChainRefused
    );
    let mut broken = registration.body(true);
    *broken.genesis.0.last_mut().unwrap() ^= 1;
    assert_eq!(
        server.post(FINISH, None, &broken).await.code(),
        ErrorCode::ChainRefused
    );
    assert_eq!(
        server.post(FINISH, None, &registration.body(true)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn people_are_found_by_handle_and_by_id_with_their_chain() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    for path in [
        "by-username/ben".to_owned(),
        "by-username/BEN".to_owned(),
        ben.account.to_string(),
    ] {
        let answer = server
            .get(&format!("/api/v1/accounts/{path}"), Some(&mia.access))
            .await;
        let found: AccountFound = answer.json();
        assert_eq!((found.account, found.username.as_str()), (ben.account, "ben"));
        assert_eq!(found.entries, [Bytes(ben.genesis.clone())]);
    }
    let entries = format!("/api/v1/accounts/{}/entries", ben.account);
    let page: EntriesPage = server.get(&entries, Some(&mia.access)).await.json();
    assert_eq!((page.entries.len(), page.more), (1, false));
    let page: EntriesPage = server
        .get(&format!("{entries}?after=0"), Some(&mia.access))
        .await
        .json();
    assert_eq!(page.entries.len(), 0);
}

#[tokio::test]
async fn nobody_is_found_under_an_unknown_name_or_by_somebody_signed_out() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let nobody = conclave_protocol::AccountId([9; 32]);
    for path in [
        "by-username/zoe".to_owned(),
        "by-username/1".to_owned(),
        nobody.to_string(),
    ] {
        let path = format!("/api/v1/accounts/{path}");
        assert_eq!(
            server.get(&path, Some(&mia.access)).await.code(),
            ErrorCode::UnknownPerson
        );
        assert_eq!(server.get(&path, None).await.code(), ErrorCode::SignInNeeded);
    }
    let entries = format!("/api/v1/accounts/{nobody}/entries");
    assert_eq!(
        server.get(&entries, Some(&mia.access)).await.code(),
        ErrorCode::UnknownPerson
    );
    assert_eq!(
        server.get("/api/v1/accounts/x", Some(&mia.access)).await.code(),
        ErrorCode::NotFound
    );
}

#[tokio::test]
async fn looking_up_handles_is_limited_for_each_account() {
    let server = Server::start_with(|config| {
        config.limits.look_ups = conclave_server::config::LimitsConfig::default().look_ups;
    })
    .await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let path = "/api/v1/accounts/by-username/ben";
    let mut refused = None;
    for _ in 0..70 {
        let answer = server.get(path, Some(&mia.access)).await;
        refused = refused.or((answer.status == StatusCode::TOO_MANY_REQUESTS).then_some(answer));
    }
    let refused = refused.expect("the limit holds");
    assert_eq!(refused.code(), ErrorCode::TooFast);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.get(path, Some(&ben.access)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_registration_keeps_the_account_that_its_chain_names() {
    let server = Server::start().await;
    let registration = Registration::begin(&server, "mia", &server.setup_token())
        .await
        .unwrap();
    let answer = server.post(FINISH, None, &registration.body(false)).await;
    let logged_in: conclave_protocol::logins::LoggedIn = answer.json();
    assert_eq!(logged_in.account, registration.account());
    assert!(logged_in.administrator && logged_in.refresh_token.is_none() && answer.cookie().is_some());
}
