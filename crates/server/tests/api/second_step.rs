//! The second step of sign-in: codes by time and backup codes.

use conclave_protocol::logins::{LoggedIn, PendingLogin};
use conclave_protocol::second_step::{BackupCodes, SecondStepBegun, SecondStepConfirm, SecondStepFound};
use conclave_protocol::{DeviceId, ErrorCode};
use conclave_server::config::LimitsConfig;
use http::StatusCode;
use totp_rs::{Builder, Secret, Totp};

use crate::harness::{Person, Server};

const PATH: &str = "/api/v1/account/second-step";
const CONFIRM: &str = "/api/v1/account/second-step/confirm";
const CODES: &str = "/api/v1/account/second-step/backup-codes";

/// An authenticator app.
struct App(Totp);

impl App {
    fn of(begun: &SecondStepBegun) -> Self {
        let secret = Secret::try_from_base32(&begun.secret).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap())
    }

    fn code(&self, server: &Server) -> String {
        self.0.generate(server.clock.now().0 / 1000).to_string()
    }
}

async fn begin(server: &Server, person: &Person) -> App {
    let begun: SecondStepBegun = server.post(PATH, Some(&person.access), &()).await.json();
    assert!(begun.link.contains(&begun.secret) && begun.link.contains(&person.name));
    App::of(&begun)
}

async fn switched_on(server: &Server, person: &Person) -> (App, Vec<String>) {
    let app = begin(server, person).await;
    let confirm = SecondStepConfirm {
        code: app.code(server),
    };
    let codes: BackupCodes = server.post(CONFIRM, Some(&person.access), &confirm).await.json();
    // The next code is one that was not shown yet.
    server.clock.shift(30_000);
    (app, codes.codes)
}

async fn sign_in(server: &Server, person: &Person, code: Option<&str>) -> Result<LoggedIn, ErrorCode> {
    let answer = person.sign_in_with(server, true, DeviceId(0), code).await;
    if answer.status.is_success() {
        Ok(answer.json())
    } else {
        Err(answer.code())
    }
}

async fn found(server: &Server, person: &Person) -> SecondStepFound {
    server.get(PATH, Some(&person.access)).await.json()
}

#[tokio::test]
async fn once_confirmed_a_code_is_asked_for_behind_the_password() {
    let server = Server::start().await;
    let mut mia = server.administrator().await;
    assert!(!found(&server, &mia).await.on);
    let app = begin(&server, &mia).await;
    // What was only begun asks for nothing.
    mia.access = sign_in(&server, &mia, None).await.unwrap().access_token;
    let wrong = SecondStepConfirm {
        code: "000000".to_owned(),
    };
    if app.code(&server) != wrong.code {
        let refused = server.post(CONFIRM, Some(&mia.access), &wrong).await;
        assert_eq!(refused.code(), ErrorCode::SecondStepWrong);
    }
    let (app, codes) = switched_on(&server, &mia).await;
    let state = found(&server, &mia).await;
    assert!(state.on && state.since.is_some());
    assert_eq!((codes.len(), state.backup_codes), (10, 10));

    assert_eq!(
        sign_in(&server, &mia, None).await.err(),
        Some(ErrorCode::SecondStepNeeded)
    );
    let code = app.code(&server);
    assert!(sign_in(&server, &mia, Some(&code)).await.is_ok());
    let server = server.restart().await;
    server.clock.shift(30_000);
    let code = app.code(&server);
    assert!(sign_in(&server, &mia, Some(&code)).await.is_ok());
}

#[tokio::test]
async fn a_code_is_taken_once_and_the_one_that_confirmed_is_used() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let app = begin(&server, &mia).await;
    let code = app.code(&server);
    let confirm = SecondStepConfirm { code: code.clone() };
    let answer = server.post(CONFIRM, Some(&mia.access), &confirm).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        sign_in(&server, &mia, Some(&code)).await.err(),
        Some(ErrorCode::SecondStepWrong)
    );
    server.clock.shift(30_000);
    let next = app.code(&server);
    assert!(sign_in(&server, &mia, Some(&next)).await.is_ok());
    assert_eq!(
        sign_in(&server, &mia, Some(&next)).await.err(),
        Some(ErrorCode::SecondStepWrong)
    );
    assert_eq!(
        sign_in(&server, &mia, Some(&code)).await.err(),
        Some(ErrorCode::SecondStepWrong),
        "one from before is not taken either, though its time is not over"
    );
}

#[tokio::test]
async fn a_backup_code_is_taken_once_and_new_ones_replace_the_old() {
    let server = Server::start().await;
    let mut mia = server.administrator().await;
    let (_, codes) = switched_on(&server, &mia).await;
    let spelled = codes[0].to_uppercase();
    mia.access = sign_in(&server, &mia, Some(&spelled)).await.unwrap().access_token;
    assert_eq!(
        sign_in(&server, &mia, Some(&codes[0])).await.err(),
        Some(ErrorCode::SecondStepWrong)
    );
    assert_eq!(found(&server, &mia).await.backup_codes, 9);
    let renewed: BackupCodes = server.post(CODES, Some(&mia.access), &()).await.json();
    assert_eq!(
        sign_in(&server, &mia, Some(&codes[1])).await.err(),
        Some(ErrorCode::SecondStepWrong)
    );
    assert!(sign_in(&server, &mia, Some(&renewed.codes[1])).await.is_ok());
}

#[tokio::test]
async fn a_wrong_password_is_told_nothing_of_a_second_step() {
    let server = Server::start().await;
    let mut mia = server.administrator().await;
    switched_on(&server, &mia).await;
    let (attempt, _) = mia.password_shown(&server).await;
    let body = PendingLogin {
        attempt,
        opaque: conclave_protocol::Bytes(vec![7; 64]),
        code: None,
    };
    let refused = server.post("/api/v1/logins/pending", None, &body).await;
    assert_eq!(refused.code(), ErrorCode::WrongCredentials);
    mia.password.push('x');
    assert!(found(&server, &mia).await.on);
}

#[tokio::test]
async fn a_new_device_is_asked_too_before_it_learns_anything() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (app, _) = switched_on(&server, &mia).await;
    let (attempt, opaque) = mia.password_shown(&server).await;
    let body = PendingLogin {
        attempt,
        opaque,
        code: None,
    };
    let refused = server.post("/api/v1/logins/pending", None, &body).await;
    assert_eq!(refused.code(), ErrorCode::SecondStepNeeded);
    let (attempt, opaque) = mia.password_shown(&server).await;
    let body = PendingLogin {
        attempt,
        opaque,
        code: Some(app.code(&server)),
    };
    let answer = server.post("/api/v1/logins/pending", None, &body).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn tries_are_limited_for_who_has_the_password_and_nobody_elses_sign_in_suffers() {
    let server = Server::start_with(|config| {
        config.limits = LimitsConfig {
            second_step: LimitsConfig::default().second_step,
            ..LimitsConfig::unlimited()
        };
    })
    .await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    // One try of the five confirms.
    switched_on(&server, &mia).await;
    for _ in 0..4 {
        let refused = sign_in(&server, &mia, Some("zzzzz-zzzzz")).await;
        assert_eq!(refused.err(), Some(ErrorCode::SecondStepWrong));
    }
    let answer = mia
        .sign_in_with(&server, true, DeviceId(0), Some("zzzzz-zzzzz"))
        .await;
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(answer.code(), ErrorCode::TooFast);
    assert!(sign_in(&server, &ben, None).await.is_ok());
    assert!(
        server.get(PATH, Some(&mia.access)).await.status.is_success(),
        "who is signed in stays so"
    );
}

#[tokio::test]
async fn switching_it_on_and_off_needs_a_fresh_proof_which_itself_needs_a_code() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (app, _) = switched_on(&server, &mia).await;
    server.clock.shift(11 * 60 * 1000);
    for answer in [
        server.delete(PATH, Some(&mia.access)).await,
        server.post(CODES, Some(&mia.access), &()).await,
        server.post(PATH, Some(&mia.access), &()).await,
    ] {
        assert_eq!(answer.code(), ErrorCode::FreshSignInNeeded);
    }
    assert_eq!(
        mia.prove(&server, &mia.access, None).await.code(),
        ErrorCode::SecondStepNeeded
    );
    let code = app.code(&server);
    let proved = mia.prove(&server, &mia.access, Some(&code)).await;
    assert_eq!(proved.status, StatusCode::NO_CONTENT);
    assert_eq!(
        server.post(PATH, Some(&mia.access), &()).await.code(),
        ErrorCode::SecondStepOn
    );
    assert_eq!(
        server.delete(PATH, Some(&mia.access)).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(sign_in(&server, &mia, None).await.is_ok());
}

#[tokio::test]
async fn a_proof_of_one_person_does_not_count_for_another() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    server.clock.shift(11 * 60 * 1000);
    assert_eq!(
        ben.prove(&server, &mia.access, None).await.code(),
        ErrorCode::WrongCredentials
    );
    assert_eq!(
        server.post(PATH, Some(&mia.access), &()).await.code(),
        ErrorCode::FreshSignInNeeded
    );
}

#[tokio::test]
async fn a_device_that_another_one_approved_showed_no_password() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    assert_eq!(
        server.post(PATH, Some(&phone.access), &()).await.code(),
        ErrorCode::FreshSignInNeeded
    );
}

#[tokio::test]
async fn the_secret_stands_nowhere_in_the_database_as_it_is() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let begun: SecondStepBegun = server.post(PATH, Some(&mia.access), &()).await.json();
    let secret = Secret::try_from_base32(&begun.secret).unwrap();
    let server = server.stopped().await;
    for file in std::fs::read_dir(server.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let plain = bytes
                .windows(secret.as_bytes().len())
                .any(|part| part == secret.as_bytes());
            let spelled = bytes
                .windows(begun.secret.len())
                .any(|part| part == begun.secret.as_bytes());
            assert!(!plain && !spelled, "{}", path.display());
        }
    }
}
