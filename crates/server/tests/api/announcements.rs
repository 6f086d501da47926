//! What the server says to everybody: who may have it say something, how it is signed, and when it ends.

use conclave_protocol::admin::AuditPage;
use conclave_protocol::announcements::{
    Announce, Announced, AnnouncementKind, AnnouncementsFound, Signed, Statement,
};
use conclave_protocol::frames::ServerFrame;
use conclave_protocol::limits::{ANNOUNCEMENT_LIFE_MS, ANNOUNCEMENT_MAX, ANNOUNCEMENTS_MAX};
use conclave_protocol::{ErrorCode, ServerKey};
use ed25519_dalek::{Signature, VerifyingKey};
use http::{Method, StatusCode};

use crate::harness::{Person, Server, Socket};

const ANNOUNCEMENTS: &str = "/api/v1/admin/announcements";

fn words(text: &str) -> Announce {
    Announce {
        kind: AnnouncementKind::Maintenance,
        text: text.to_owned(),
        ends_at: None,
    }
}

async fn announce(server: &Server, mia: &Person, announce: &Announce) -> Announced {
    server
        .post(ANNOUNCEMENTS, Some(&mia.access), announce)
        .await
        .json()
}

/// What the list says, each statement under the key.
fn opened(key: ServerKey, list: &[Signed]) -> Vec<Statement> {
    let key = VerifyingKey::from_bytes(&key.0).unwrap();
    list.iter()
        .map(|signed| {
            let signature = Signature::from_slice(signed.signature.as_slice()).unwrap();
            key.verify_strict(signed.statement.as_slice(), &signature)
                .unwrap();
            Statement::from_bytes(signed.statement.as_slice()).unwrap()
        })
        .collect()
}

async fn told(socket: &mut Socket) -> Vec<Signed> {
    match socket.hear_news().await {
        ServerFrame::Announcements(list) => list,
        other => panic!("{other:?}"),
    }
}

fn texts(statements: &[Statement]) -> Vec<&str> {
    let texts = statements.iter().map(|statement| match statement {
        Statement::Announcement(said) => said.text.as_str(),
        Statement::Withdrawal { .. } => "withdrawn",
    });
    texts.collect()
}

#[tokio::test]
async fn what_is_announced_comes_signed_to_who_is_there_and_to_who_comes() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let (mut there, welcome) = Socket::open(&server, &ben).await;
    let key = welcome.server_key.unwrap();
    let announced = announce(&server, &mia, &words("  Away at nine.  ")).await;
    let said = opened(key, &told(&mut there).await);
    assert_eq!(texts(&said), ["Away at nine."]);
    let Statement::Announcement(said) = &said[0] else {
        panic!("{said:?}")
    };
    assert_eq!(
        (said.id, said.ends_at.0),
        (announced.announcement, announced.ends_at)
    );

    // The key outlives the process, and what is in force with it.
    drop(there);
    let server = server.restart().await;
    let (mut comes, welcome) = Socket::open(&server, &ben).await;
    assert_eq!(welcome.server_key, Some(key));
    let list = told(&mut comes).await;
    assert_eq!(texts(&opened(key, &list)), ["Away at nine."]);

    let path = format!("{ANNOUNCEMENTS}/{}", announced.announcement);
    let withdrawn = server
        .send(Method::DELETE, &path, Some(&mia.access), &[], &())
        .await;
    assert_eq!(withdrawn.status, StatusCode::NO_CONTENT);
    assert_eq!(texts(&opened(key, &told(&mut comes).await)), ["withdrawn"]);
    let again = server
        .send(Method::DELETE, &path, Some(&mia.access), &[], &())
        .await;
    assert_eq!(again.code(), ErrorCode::NotFound);
    // Who comes later hears that it was taken back.
    let zoe = server.person("zoe", &mia).await;
    let (mut later, _) = Socket::open(&server, &zoe).await;
    assert_eq!(texts(&opened(key, &told(&mut later).await)), ["withdrawn"]);
}

#[tokio::test]
async fn a_server_that_has_nothing_to_say_says_nothing() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    assert!(socket.drain().await.is_empty());
    assert!(socket.is_quiet().await);
}

#[tokio::test]
async fn what_is_announced_is_short_plain_and_ends() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let now = server.clock.now().0;
    let refused = [
        (words(""), ErrorCode::SettingInvalid),
        (words(" \n "), ErrorCode::SettingInvalid),
        (words("a\u{7}b"), ErrorCode::SettingInvalid),
        (words(&"x".repeat(ANNOUNCEMENT_MAX + 1)), ErrorCode::TooLarge),
        (
            Announce {
                ends_at: Some(now - 1),
                ..words("late")
            },
            ErrorCode::SettingInvalid,
        ),
        (
            Announce {
                ends_at: Some(now + ANNOUNCEMENT_LIFE_MS + 60_000),
                ..words("long")
            },
            ErrorCode::SettingInvalid,
        ),
    ];
    for (asked, code) in refused {
        let answer = server.post(ANNOUNCEMENTS, Some(&mia.access), &asked).await;
        assert_eq!(answer.code(), code, "{asked:?}");
    }
    for number in 0..ANNOUNCEMENTS_MAX {
        announce(&server, &mia, &words(&format!("number {number}"))).await;
    }
    let full = server
        .post(ANNOUNCEMENTS, Some(&mia.access), &words("one more"))
        .await;
    assert_eq!(full.code(), ErrorCode::AnnouncementsFull);
    let found: AnnouncementsFound = server.get(ANNOUNCEMENTS, Some(&mia.access)).await.json();
    assert_eq!(found.announcements.len(), ANNOUNCEMENTS_MAX as usize);
    assert!(
        found
            .announcements
            .iter()
            .all(|one| one.said_by.as_str() == "mia")
    );
}

#[tokio::test]
async fn each_announcement_and_its_withdrawal_stand_in_the_audit_log() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let id = announce(&server, &mia, &words("hello")).await.announcement;
    let path = format!("{ANNOUNCEMENTS}/{id}");
    server
        .send(Method::DELETE, &path, Some(&mia.access), &[], &())
        .await;
    let page: AuditPage = server.get("/api/v1/admin/audit", Some(&mia.access)).await.json();
    let lines: Vec<_> = page
        .lines
        .iter()
        .map(|line| (line.act.as_str(), line.subject.clone()))
        .collect();
    assert_eq!(
        lines,
        [
            ("announcement made", id.to_string()),
            ("announcement withdrawn", id.to_string())
        ]
    );
}
