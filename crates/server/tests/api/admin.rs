//! Administration: accounts, logins, registration, invites, the audit log.

use conclave_db::{AuditBroken, verify_audit};
use conclave_protocol::accounts::{Registration, ServerInfo};
use conclave_protocol::admin::{AccountsPage, AuditPage, Figures, RegistrationSetting};
use conclave_protocol::invites::{InviteMade, InvitesFound};
use conclave_protocol::logins::LoginsFound;
use conclave_protocol::{DeviceId, ErrorCode, Hash, Token};
use http::{Method, StatusCode};

use crate::harness::{Person, Server, Socket};

const REGISTRATION: &str = "/api/v1/admin/registration";
const ACCOUNTS: &str = "/api/v1/admin/accounts";
const AUDIT: &str = "/api/v1/admin/audit";

async fn set_registration(server: &Server, mia: &Person, registration: Registration) {
    let body = RegistrationSetting { registration };
    let answer = server
        .send(Method::PUT, REGISTRATION, Some(&mia.access), &[], &body)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

async fn suspend(server: &Server, mia: &Person, person: &Person) -> StatusCode {
    let path = format!("{ACCOUNTS}/{}/suspend", person.account);
    server.post(&path, Some(&mia.access), &()).await.status
}

#[tokio::test]
async fn who_may_register_is_set_at_run_time_and_stays_set() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let nothing = Token(String::new());
    assert_eq!(
        Person::register(&server, "ben", &nothing).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
    set_registration(&server, &mia, Registration::Open).await;
    let ben = Person::register(&server, "ben", &nothing).await.unwrap();
    assert!(server.get(ACCOUNTS, Some(&ben.access)).await.code() == ErrorCode::Forbidden);
    let invite = server.invite(&mia).await;
    set_registration(&server, &mia, Registration::Closed).await;
    let server = server.restart().await;
    for token in [&nothing, &invite] {
        assert_eq!(
            Person::register(&server, "zoe", token).await.err(),
            Some(ErrorCode::RegistrationClosed)
        );
    }
    let info: ServerInfo = server.get("/api/v1/server", None).await.json();
    assert_eq!(info.registration, Registration::Closed);
    set_registration(&server, &mia, Registration::Invite).await;
    assert!(Person::register(&server, "zoe", &invite).await.is_ok());
}

#[tokio::test]
async fn open_registration_makes_no_administrator_of_the_first() {
    let server = Server::start().await;
    assert_eq!(
        Person::register(&server, "eve", &Token(String::new()))
            .await
            .err(),
        Some(ErrorCode::InviteNeeded)
    );
}

#[tokio::test]
async fn an_invite_for_two_admits_two_and_is_listed_with_its_uses() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let made: InviteMade = server
        .post("/api/v1/invites?uses=2&days=3", Some(&mia.access), &())
        .await
        .json();
    for name in ["ben", "zoe"] {
        Person::register(&server, name, &made.token).await.unwrap();
    }
    assert_eq!(
        Person::register(&server, "eve", &made.token).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
    let found: InvitesFound = server.get("/api/v1/invites", Some(&mia.access)).await.json();
    let invite = &found.invites[0];
    assert_eq!((invite.uses, invite.uses_max), (2, 2));
    assert_eq!(invite.expires_at, made.expires);
    assert_eq!(invite.made_by.as_str(), "mia");
    for query in ["uses=0", "uses=1001", "days=0", "days=91", "uses=x"] {
        let path = format!("/api/v1/invites?{query}");
        let refused = server.post(&path, Some(&mia.access), &()).await;
        assert_eq!(refused.code(), ErrorCode::Malformed, "{query}");
    }
}

#[tokio::test]
async fn a_withdrawn_invite_admits_nobody() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let token = server.invite(&mia).await;
    let found: InvitesFound = server.get("/api/v1/invites", Some(&mia.access)).await.json();
    let path = format!("/api/v1/invites/{}", found.invites[0].invite);
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.code(),
        ErrorCode::NotFound
    );
    assert_eq!(
        Person::register(&server, "ben", &token).await.err(),
        Some(ErrorCode::InviteNeeded)
    );
}

#[tokio::test]
async fn a_suspended_account_is_cut_off_at_once_and_comes_back_when_reactivated() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let pending = ben.pending(&server).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    let began = tokio::time::Instant::now();
    assert_eq!(suspend(&server, &mia, &ben).await, StatusCode::NO_CONTENT);
    let (closing, _) = socket.end().await;
    assert_eq!(closing.unwrap().code, ErrorCode::AccountSuspended);
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    assert!(
        !server
            .get("/api/v1/devices", Some(&ben.access))
            .await
            .status
            .is_success()
    );
    let entries = format!("/api/v1/accounts/{}/entries", ben.account);
    assert!(
        !server
            .get(&entries, Some(&pending.token))
            .await
            .status
            .is_success()
    );
    assert_eq!(
        ben.sign_in(&server, true, DeviceId(0)).await.code(),
        ErrorCode::AccountSuspended
    );
    let path = format!("{ACCOUNTS}/{}/reactivate", ben.account);
    server.post(&path, Some(&mia.access), &()).await;
    assert!(ben.sign_in(&server, true, DeviceId(0)).await.status.is_success());
}

#[tokio::test]
async fn the_last_administrator_is_not_suspended() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    assert_eq!(suspend(&server, &mia, &mia).await, StatusCode::CONFLICT);
    assert!(server.get(ACCOUNTS, Some(&mia.access)).await.status.is_success());
}

#[tokio::test]
async fn accounts_are_listed_in_pages_and_found_by_a_part_of_their_handle() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    for name in ["ben", "benny", "zoe_b"] {
        server.person(name, &mia).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let page: AccountsPage = server
            .get(&format!("{ACCOUNTS}{query}"), Some(&mia.access))
            .await
            .json();
        assert!(!page.more);
        page.accounts
            .iter()
            .map(|account| account.username.as_str().to_owned())
            .collect()
    };
    assert_eq!(names("").await, ["mia", "ben", "benny", "zoe_b"]);
    assert_eq!(names("?search=ben").await, ["ben", "benny"]);
    assert_eq!(names("?search=_").await, ["zoe_b"]);
    assert_eq!(names("?search=%25").await, Vec::<String>::new());
    let after = format!("?after={}", mia.account);
    assert_eq!(names(&after).await, ["ben", "benny", "zoe_b"]);
}

#[tokio::test]
async fn an_administrator_ends_a_login_of_somebody() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let (mut socket, _) = Socket::open(&server, &ben).await;
    let path = format!("{ACCOUNTS}/{}/logins", ben.account);
    let found: LoginsFound = server.get(&path, Some(&mia.access)).await.json();
    let path = format!("{path}/{}", found.logins[0].login);
    assert_eq!(
        server.delete(&path, Some(&mia.access)).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::LoginRevoked);
}

#[tokio::test]
async fn what_was_done_stands_in_the_audit_log_whose_hashes_hold() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    set_registration(&server, &mia, Registration::Open).await;
    suspend(&server, &mia, &ben).await;
    let page: AuditPage = server.get(AUDIT, Some(&mia.access)).await.json();
    let acts: Vec<&str> = page.lines.iter().map(|line| line.act.as_str()).collect();
    assert_eq!(acts, ["invite made", "registration set", "account suspended"]);
    assert!(page.lines.iter().all(|line| line.actor == Some(mia.account)));
    let begin = (0, Hash([0; 32]));
    assert_eq!(verify_audit(begin, &page.lines), Ok((page.head, page.head_hash)));
    let mut changed = page.lines.clone();
    changed[1].subject = "closed".to_owned();
    assert_eq!(verify_audit(begin, &changed), Err(AuditBroken::Changed(2)));
    let mut missing = page.lines;
    missing.remove(1);
    assert_eq!(verify_audit(begin, &missing), Err(AuditBroken::Missing(2)));
}

#[tokio::test]
async fn figures_count_and_name_nobody() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let answer = server.get("/api/v1/admin/figures", Some(&mia.access)).await;
    let figures: Figures = answer.json();
    assert!(figures.database_bytes > 0);
    assert_eq!(
        (figures.counts[0].name.as_str(), figures.counts[0].count),
        ("accounts", 1)
    );
    assert!(!String::from_utf8(answer.body.to_vec()).unwrap().contains("mia"));
}
