//! Signing in, staying signed in, signing out.

use conclave_auth::client::ClientLogin;
use conclave_protocol::bytes::to_base64;
use conclave_protocol::frames::ClientFrame;
use conclave_protocol::limits::ACCESS_TOKEN_LIFE_MS;
use conclave_protocol::logins::{HeldLogin, LoggedIn, LoginFinish, LoginStart, LoginStarted, Refresh};
use conclave_protocol::{Bytes, DeviceId, ErrorCode, Token};
use conclave_server::config::LimitsConfig;
use ed25519_dalek::{Signer, SigningKey};
use getrandom::SysRng;
use http::{Method, StatusCode};
use rand_core::UnwrapErr;

use crate::harness::{Person, Server, Socket, random};

const REFRESH: &str = "/api/v1/logins/refresh";
const SIGN_OUT: &str = "/api/v1/logins/sign-out";
const SERVER_OF_ONE: &str = "/api/v1/devices/prekeys";

/// An attempt like no other.
fn attempt() -> Token {
    Token::from_random(random())
}

fn native(token: &Token) -> Refresh {
    native_by(token, &attempt())
}

fn native_by(token: &Token, attempt: &Token) -> Refresh {
    Refresh {
        refresh_token: Some(token.clone()),
        attempt: attempt.clone(),
    }
}

/// In a browser the token comes as the cookie.
fn browser() -> Refresh {
    Refresh {
        refresh_token: None,
        attempt: attempt(),
    }
}

fn held(token: &Token) -> HeldLogin {
    HeldLogin {
        refresh_token: Some(token.clone()),
    }
}

/// A server that people reach by https, by something in front.
async fn by_tls() -> Server {
    Server::start_with(|config| config.public_url = Some("https://chat.example.org".to_owned())).await
}

/// What stands behind the name of a cookie.
fn value_of(cookie: &str) -> &str {
    let pair = cookie.split(';').next().unwrap();
    pair.split_once('=').unwrap().1
}

async fn is_signed_in(server: &Server, access: &Token) -> bool {
    let answer = server.get(SERVER_OF_ONE, Some(access)).await;
    if answer.status.is_success() {
        return true;
    }
    assert_eq!(answer.code(), ErrorCode::SignInNeeded);
    false
}

#[tokio::test]
async fn a_password_and_the_device_together_sign_in() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let logged_in: LoggedIn = mia.sign_in(&server, true, DeviceId(0)).await.json();
    assert_eq!(
        (logged_in.account, logged_in.username.as_str()),
        (mia.account, "mia")
    );
    assert!(logged_in.administrator && logged_in.refresh_token.is_some());
    assert!(is_signed_in(&server, &logged_in.access_token).await);
    let server = server.restart().await;
    assert!(mia.sign_in(&server, true, DeviceId(0)).await.status.is_success());
}

#[tokio::test]
async fn a_device_that_is_not_in_the_chain_does_not_sign_in() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    assert_eq!(
        mia.sign_in(&server, true, DeviceId(1)).await.code(),
        ErrorCode::WrongCredentials
    );
}

#[tokio::test]
async fn the_right_password_without_the_devices_signature_does_not_sign_in() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (login, request) = ClientLogin::start(mia.password.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
    let start = LoginStart {
        username: "mia".parse().unwrap(),
        opaque: Bytes(request),
    };
    let started: LoginStarted = server.post("/api/v1/logins/start", None, &start).await.json();
    let finished = login
        .finish(
            mia.password.as_bytes(),
            started.opaque.as_slice(),
            &mut UnwrapErr(SysRng),
        )
        .unwrap();
    let mut finish = LoginFinish {
        code: None,
        attempt: started.attempt,
        opaque: Bytes(finished.message),
        device: DeviceId(0),
        signature: Bytes(vec![1; 64]),
        native: true,
    };
    let path = "/api/v1/logins/finish";
    assert_eq!(
        server.post(path, None, &finish).await.code(),
        ErrorCode::WrongCredentials
    );
    // The attempt is used up, so a second guess at it needs a new one.
    finish.signature = Bytes(vec![2; 63]);
    assert_eq!(
        server.post(path, None, &finish).await.code(),
        ErrorCode::WrongCredentials
    );
}

#[tokio::test]
async fn an_unknown_handle_and_a_wrong_password_are_answered_alike() {
    let server = Server::start().await;
    server.administrator().await;
    let mut answers = Vec::new();
    for name in ["mia", "nobody"] {
        let (_, request) = ClientLogin::start(b"wrong password", &mut UnwrapErr(SysRng)).unwrap();
        let start = LoginStart {
            username: name.parse().unwrap(),
            opaque: Bytes(request),
        };
        let started: LoginStarted = server.post("/api/v1/logins/start", None, &start).await.json();
        let finish = LoginFinish {
            code: None,
            attempt: started.attempt.clone(),
            opaque: Bytes(vec![7; 64]),
            device: DeviceId(0),
            signature: Bytes(vec![7; 64]),
            native: true,
        };
        let refused = server.post("/api/v1/logins/finish", None, &finish).await;
        assert_eq!(refused.code(), ErrorCode::WrongCredentials);
        let names: Vec<_> = refused.headers.keys().cloned().collect();
        answers.push((
            started.opaque.as_slice().len(),
            started.attempt.as_str().len(),
            refused.status,
            names,
            refused.body,
        ));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn the_same_unknown_handle_always_looks_like_the_same_person() {
    let server = Server::start().await;
    let (_, request) = ClientLogin::start(b"wrong password", &mut UnwrapErr(SysRng)).unwrap();
    let start = LoginStart {
        username: "nobody".parse().unwrap(),
        opaque: Bytes(request),
    };
    let mut evaluated = Vec::new();
    for _ in 0..2 {
        let started: LoginStarted = server.post("/api/v1/logins/start", None, &start).await.json();
        evaluated.push(started.opaque.as_slice()[..32].to_vec());
    }
    assert_eq!(
        evaluated[0], evaluated[1],
        "the oblivious part follows from the handle and the seed"
    );
}

#[tokio::test]
async fn a_refresh_token_is_rotated_and_its_reuse_ends_the_login() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let second: LoggedIn = server.post(REFRESH, None, &native(&mia.refresh)).await.json();
    let second_refresh = second.refresh_token.clone().unwrap();
    assert_ne!(second_refresh, mia.refresh);
    let third: LoggedIn = server.post(REFRESH, None, &native(&second_refresh)).await.json();

    assert_eq!(
        server.post(REFRESH, None, &native(&mia.refresh)).await.code(),
        ErrorCode::LoginRevoked
    );
    for access in [&mia.access, &second.access_token, &third.access_token] {
        assert!(!is_signed_in(&server, access).await);
    }
    let (closing, _) = socket.end().await;
    assert_eq!(closing.unwrap().code, ErrorCode::LoginRevoked);
    let last = third.refresh_token.unwrap();
    assert!(
        !server
            .post(REFRESH, None, &native(&last))
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_repeated_whenever_the_client_is_back() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let asked = native_by(&mia.refresh, &attempt());
    let lost: LoggedIn = server.post(REFRESH, None, &asked).await.json();
    server.clock.shift(20 * 24 * 60 * 60 * 1000);
    let server = server.restart().await;
    let repeated: LoggedIn = server.post(REFRESH, None, &asked).await.json();
    assert_eq!(
        lost.refresh_token, repeated.refresh_token,
        "two answers on the way at once carry the same"
    );
    assert!(is_signed_in(&server, &repeated.access_token).await);
    let next = native(&repeated.refresh_token.unwrap());
    assert!(server.post(REFRESH, None, &next).await.status.is_success());
    assert_eq!(
        server.post(REFRESH, None, &asked).await.code(),
        ErrorCode::LoginRevoked,
        "whoever showed the next one had the answer"
    );
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_by_another_attempt_was_copied() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let first: LoggedIn = server.post(REFRESH, None, &native(&mia.refresh)).await.json();
    assert_eq!(
        server.post(REFRESH, None, &native(&mia.refresh)).await.code(),
        ErrorCode::LoginRevoked
    );
    assert!(!is_signed_in(&server, &first.access_token).await);
}

#[tokio::test]
async fn a_refresh_that_names_no_attempt_is_no_refresh() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let answer = server.post(REFRESH, None, &held(&mia.refresh)).await;
    assert_eq!(answer.code(), ErrorCode::Malformed);
    assert!(
        server
            .post(REFRESH, None, &native(&mia.refresh))
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn a_browser_whose_cookie_was_not_stored_gets_the_same_one_again() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let cookie = mia.sign_in(&server, false, DeviceId(0)).await.cookie().unwrap();
    let pair = cookie.split(';').next().unwrap();
    let asked = browser();
    let ask = async |asked: &Refresh| {
        let headers = [("cookie", pair)];
        server.send(Method::POST, REFRESH, None, &headers, asked).await
    };
    let [lost, again] = [ask(&asked).await, ask(&asked).await].map(|answer| answer.cookie().unwrap());
    assert_eq!(lost, again);
    // The cookie alone, without what the engine keeps, is worth nothing.
    assert_eq!(ask(&browser()).await.code(), ErrorCode::LoginRevoked);
}

#[tokio::test]
async fn a_browser_gets_its_refresh_token_as_a_cookie_that_scripts_cannot_read() {
    let server = by_tls().await;
    let mia = server.administrator().await;
    let answer = mia.sign_in(&server, false, DeviceId(0)).await;
    assert_eq!(answer.json::<LoggedIn>().refresh_token, None);
    let cookie = answer.cookie().unwrap();
    for part in [
        "__Secure-conclave_refresh=",
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
        "Path=/api/v1/logins",
        "Max-Age=",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let ours = [("cookie", pair), ("origin", "https://chat.example.org")];
    let answer = server.send(Method::POST, REFRESH, None, &ours, &browser()).await;
    assert_eq!(answer.json::<LoggedIn>().refresh_token, None);
    let next = answer.cookie().unwrap();
    assert_ne!(next.split(';').next(), Some(pair));

    let pair = next.split(';').next().unwrap();
    let out = server
        .send(
            Method::POST,
            SIGN_OUT,
            None,
            &[("cookie", pair)],
            &HeldLogin::default(),
        )
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let gone = out.cookie().unwrap();
    assert!(
        gone.starts_with("__Secure-conclave_refresh=;")
            && gone.contains("Path=/api/v1/logins")
            && gone.contains("Secure"),
        "{gone}"
    );
    let refused = server
        .send(Method::POST, REFRESH, None, &[("cookie", pair)], &browser())
        .await;
    assert_eq!(refused.code(), ErrorCode::SignInNeeded);
}

#[tokio::test]
async fn the_cookie_has_the_prefix_where_people_come_by_tls_and_a_plain_name_on_this_machine() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let cookie = mia.sign_in(&server, false, DeviceId(0)).await.cookie().unwrap();
    assert!(
        cookie.starts_with("conclave_refresh=") && !cookie.contains("; Secure"),
        "{cookie}"
    );
    let server = by_tls().await;
    let mia = server.administrator().await;
    let cookie = mia.sign_in(&server, false, DeviceId(0)).await.cookie().unwrap();
    assert!(cookie.starts_with("__Secure-conclave_refresh="), "{cookie}");
}

#[tokio::test]
async fn a_browser_with_the_cookie_of_before_stays_signed_in_and_gets_the_one_with_the_prefix() {
    let server = by_tls().await;
    let mia = server.administrator().await;
    let cookie = mia.sign_in(&server, false, DeviceId(0)).await.cookie().unwrap();
    let value = value_of(&cookie);
    let of_before = format!("conclave_refresh={value}");
    let ask = async |cookies: &str| {
        let headers = [("cookie", cookies)];
        server
            .send(Method::POST, REFRESH, None, &headers, &browser())
            .await
    };
    let answer = ask(&of_before).await;
    assert_eq!(answer.status, StatusCode::OK);
    let set: Vec<String> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect();
    let [removed, given] = ["conclave_refresh=", "__Secure-conclave_refresh="]
        .map(|name| set.iter().find(|cookie| cookie.starts_with(name)).unwrap());
    assert_eq!(set.len(), 2);
    assert!(removed.starts_with("conclave_refresh=;") && removed.contains("Max-Age=0"));

    // Somebody who can set a cookie without TLS puts nothing in the place of the one with the prefix.
    let both = format!(
        "conclave_refresh=planted; __Secure-conclave_refresh={}",
        value_of(given)
    );
    let answer = ask(&both).await;
    assert_eq!(answer.status, StatusCode::OK);
    // Signed out, neither is left.
    let given = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .find(|cookie| cookie.starts_with("__Secure-conclave_refresh="))
        .unwrap();
    let both = format!(
        "conclave_refresh=planted; __Secure-conclave_refresh={}",
        value_of(&given)
    );
    let out = server
        .send(
            Method::POST,
            SIGN_OUT,
            None,
            &[("cookie", &both)],
            &HeldLogin::default(),
        )
        .await;
    assert_eq!(out.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(ask(&both).await.code(), ErrorCode::SignInNeeded);
}

#[tokio::test]
async fn signing_in_anew_ends_what_the_device_had_before_and_leaves_other_devices_alone() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let again: LoggedIn = mia.sign_in(&server, true, DeviceId(0)).await.json();
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::SignInNeeded);
    assert!(!is_signed_in(&server, &mia.access).await);
    let refused = server.post(REFRESH, None, &native(&mia.refresh)).await;
    assert_eq!(refused.code(), ErrorCode::SignInNeeded);
    for access in [&again.access_token, &phone.access] {
        assert!(is_signed_in(&server, access).await);
    }
    let next = native(&again.refresh_token.unwrap());
    assert!(server.post(REFRESH, None, &next).await.status.is_success());
    let server = server.restart().await;
    assert!(!is_signed_in(&server, &mia.access).await, "a restart remembers");
}

#[tokio::test]
async fn a_login_outlives_neither_the_longest_life_that_is_set_nor_ends_without_one() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    for (days, lives) in [(0, true), (40, true), (20, false)] {
        let server = Server::start_with(|config| config.longest_login_days = days).await;
        let mia = server.administrator().await;
        server.clock.shift(15 * DAY);
        let used: LoggedIn = server.post(REFRESH, None, &native(&mia.refresh)).await.json();
        server.clock.shift(15 * DAY);
        let answer = server
            .post(REFRESH, None, &native(&used.refresh_token.unwrap()))
            .await;
        assert_eq!(answer.status.is_success(), lives, "{days}");
        if !lives {
            assert_eq!(answer.code(), ErrorCode::SignInNeeded);
            let again = mia.sign_in(&server, true, DeviceId(0)).await;
            assert!(again.status.is_success(), "the password signs in anew");
        }
    }
}

#[tokio::test]
async fn another_website_can_use_neither_the_cookie_nor_the_socket() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let cookie = mia.sign_in(&server, false, DeviceId(0)).await.cookie().unwrap();
    let pair = cookie.split(';').next().unwrap();
    for path in [REFRESH, SIGN_OUT] {
        for origin in ["https://evil.example", "null"] {
            let headers = [("cookie", pair), ("origin", origin)];
            let answer = server.send(Method::POST, path, None, &headers, &browser()).await;
            assert_eq!(answer.code(), ErrorCode::OriginRefused);
        }
    }
    let foreign = server
        .request(Method::GET, "/api/v1/ws")
        .header("origin", "https://evil.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(http_body_util::Full::default())
        .unwrap();
    assert_eq!(server.ask(foreign).await.code(), ErrorCode::OriginRefused);
    let own = format!("http://{}", server.address);
    let headers = [("cookie", pair), ("origin", own.as_str())];
    assert!(
        server
            .send(Method::POST, REFRESH, None, &headers, &browser())
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn signing_out_ends_access_and_sockets_at_once() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let began = tokio::time::Instant::now();
    let out = server.post(SIGN_OUT, None, &held(&mia.refresh)).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let (closing, _) = socket.end().await;
    assert_eq!(closing.unwrap().code, ErrorCode::SignInNeeded);
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    assert!(!is_signed_in(&server, &mia.access).await);
    assert_eq!(
        server.post(SIGN_OUT, None, &held(&mia.refresh)).await.status,
        StatusCode::NO_CONTENT
    );

    let server = server.restart().await;
    assert!(
        !is_signed_in(&server, &mia.access).await,
        "the restarted server remembers"
    );
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_only_for_a_moment() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ticket = crate::harness::ticket(&server, &mia.access).await;
    let mut first = Socket::silent(&server).await;
    first.say(&crate::harness::hello(ticket.clone())).await;
    first.hear().await;
    let late = crate::harness::ticket(&server, &mia.access).await;
    server.clock.shift(31_000);
    for refused in [ticket, late] {
        let mut socket = Socket::silent(&server).await;
        socket.say(&crate::harness::hello(refused)).await;
        let (closing, code) = socket.end().await;
        assert_eq!((closing.unwrap().code, code), (ErrorCode::TicketInvalid, 1008));
    }
    first.say(&ClientFrame::Ping(1)).await;
}

#[tokio::test]
async fn an_expired_access_token_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    server
        .clock
        .shift(i64::try_from(ACCESS_TOKEN_LIFE_MS).unwrap() - 5_000);
    assert!(is_signed_in(&server, &mia.access).await);
    server.clock.shift(5_000);
    assert!(!is_signed_in(&server, &mia.access).await);
    assert!(
        server
            .post(REFRESH, None, &native(&mia.refresh))
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn a_login_that_was_idle_for_a_month_ends() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    server.clock.shift(31 * 24 * 60 * 60 * 1000);
    assert_eq!(
        server.post(REFRESH, None, &native(&mia.refresh)).await.code(),
        ErrorCode::SignInNeeded
    );
}

#[tokio::test]
async fn a_forged_access_token_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (signed, signature) = mia.access.as_str().rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let sign =
        |key: [u8; 32], text: &str| to_base64(&SigningKey::from_bytes(&key).sign(text.as_bytes()).to_bytes());
    let real: [u8; 32] = std::fs::read(server.folder.path().join("secrets/token-key"))
        .unwrap()
        .try_into()
        .unwrap();
    let none = to_base64(br#"{"alg":"none","typ":"JWT"}"#);
    let unsigned = format!("{none}.{claims}");
    let forged = [
        format!("{signed}.{}", sign(random(), signed)),
        format!("{unsigned}."),
        format!("{unsigned}.{}", sign(real, &unsigned)),
        format!("{header}.{}.{signature}", to_base64(b"{}")),
        format!("{header}.{claims}"),
        String::new(),
    ];
    for token in forged {
        assert!(!is_signed_in(&server, &Token(token)).await);
    }
    assert!(is_signed_in(&server, &Token(format!("{signed}.{}", sign(real, signed)))).await);
}

#[tokio::test]
async fn signing_in_is_limited_for_each_address_behind_a_trusted_proxy() {
    let server = Server::start_with(|config| {
        config.limits = LimitsConfig {
            sign_in: LimitsConfig::default().sign_in,
            ..LimitsConfig::unlimited()
        };
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let (_, request) = ClientLogin::start(b"password", &mut UnwrapErr(SysRng)).unwrap();
    let start = LoginStart {
        username: "mia".parse().unwrap(),
        opaque: Bytes(request),
    };
    let ask = async |address: &str| {
        let headers = [("x-forwarded-for", address)];
        server
            .send(Method::POST, "/api/v1/logins/start", None, &headers, &start)
            .await
    };
    for _ in 0..10 {
        assert_eq!(ask("192.0.2.1").await.status, StatusCode::OK);
    }
    let refused = ask("192.0.2.1").await;
    assert_eq!(refused.code(), ErrorCode::TooFast);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(ask("192.0.2.2").await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_person_signing_out_leaves_the_other_alone() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben: Person = server.person("ben", &mia).await;
    server.post(SIGN_OUT, None, &held(&mia.refresh)).await;
    assert!(is_signed_in(&server, &ben.access).await);
}
