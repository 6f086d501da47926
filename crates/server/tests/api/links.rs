//! Meeting places of a new device and one of its account's devices.

use conclave_protocol::frames::ServerFrame;
use conclave_protocol::limits::{LINK_LIFE_MS, LINK_MESSAGE_MAX, LINK_OPENING_MAX, LINKS_MAX};
use conclave_protocol::links::{LinkMessage, LinkMessages, LinkOpened, LinkWay, LinksWaiting, OpenLink};
use conclave_protocol::{Bytes, ErrorCode, LinkId, Token};
use conclave_server::config::LimitsConfig;
use http::{Method, StatusCode};
use http_body_util::Full;

use crate::harness::{Answer, Server, Socket, random};

fn opening(way: LinkWay) -> OpenLink {
    OpenLink {
        id: LinkId(random()),
        way,
        message: Bytes(vec![1; 40]),
    }
}

async fn open(server: &Server, body: &OpenLink, token: Option<&Token>) -> LinkOpened {
    server.post("/api/v1/links", token, body).await.json()
}

async fn say(server: &Server, link: LinkId, token: &Token, number: u32, byte: u8) -> Answer {
    let message = LinkMessage {
        number,
        message: Bytes(vec![byte; 40]),
    };
    let path = format!("/api/v1/links/{link}/messages");
    server.post(&path, Some(token), &message).await
}

async fn read(server: &Server, link: LinkId, token: &Token, after: u32) -> Answer {
    let path = format!("/api/v1/links/{link}/messages?after={after}");
    server.get(&path, Some(token)).await
}

async fn close(server: &Server, link: LinkId, token: &Token) -> Answer {
    let request = server
        .request(Method::DELETE, &format!("/api/v1/links/{link}"))
        .header("authorization", format!("Bearer {}", token.as_str()));
    server.ask(request.body(Full::default()).unwrap()).await
}

fn numbers(answer: &Answer) -> Vec<u32> {
    let found: LinkMessages = answer.json();
    found.messages.into_iter().map(|message| message.number).collect()
}

#[tokio::test]
async fn by_scan_anybody_opens_a_place_and_one_device_takes_it() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let phone = mia.device_added(&server).await;
    let body = opening(LinkWay::Scan);
    let opened = open(&server, &body, None).await;
    assert_eq!(numbers(&read(&server, body.id, &mia.access, 0).await), [1]);

    for _ in 0..2 {
        let answer = say(&server, body.id, &mia.access, 2, 2).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "a repeat is safe");
    }
    assert_eq!(
        say(&server, body.id, &mia.access, 2, 9).await.code(),
        ErrorCode::IdReused
    );
    assert_eq!(
        say(&server, body.id, &phone.access, 2, 2).await.code(),
        ErrorCode::LinkTaken
    );
    assert_eq!(
        say(&server, body.id, &ben.access, 2, 2).await.code(),
        ErrorCode::LinkGone
    );
    assert_eq!(
        say(&server, body.id, &opened.token, 5, 5).await.code(),
        ErrorCode::Malformed
    );
    assert!(
        say(&server, body.id, &opened.token, 3, 3)
            .await
            .status
            .is_success()
    );
    assert_eq!(
        numbers(&read(&server, body.id, &opened.token, 0).await),
        [1, 2, 3]
    );
    assert_eq!(numbers(&read(&server, body.id, &mia.access, 2).await), [3]);
    assert_eq!(
        read(&server, body.id, &ben.access, 0).await.code(),
        ErrorCode::LinkGone
    );
    let found: LinksWaiting = server.get("/api/v1/links", Some(&mia.access)).await.json();
    assert!(found.links.is_empty(), "a scanned place waits in no list");
}

#[tokio::test]
async fn by_code_the_password_opens_a_place_that_the_accounts_devices_hear_of() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let (mut own, _) = Socket::open(&server, &mia).await;
    own.drain().await;
    let (mut bens, _) = Socket::open(&server, &ben).await;
    bens.drain().await;

    let body = opening(LinkWay::Code);
    for token in [None, Some(&mia.access)] {
        let refused = server.post("/api/v1/links", token, &body).await;
        assert_eq!(refused.code(), ErrorCode::SignInNeeded);
    }
    let pending = mia.pending(&server).await;
    let opened = open(&server, &body, Some(&pending.token)).await;
    assert_eq!(own.hear().await, ServerFrame::LinkWaiting(body.id));
    assert!(bens.is_quiet().await);

    let waiting: LinksWaiting = server.get("/api/v1/links", Some(&mia.access)).await.json();
    assert_eq!(waiting.links.len(), 1);
    assert_eq!(
        (waiting.links[0].id, waiting.links[0].expires),
        (body.id, opened.expires)
    );
    assert_eq!(
        read(&server, body.id, &ben.access, 0).await.code(),
        ErrorCode::LinkGone
    );
    assert!(say(&server, body.id, &mia.access, 2, 2).await.status.is_success());
    let waiting: LinksWaiting = server.get("/api/v1/links", Some(&mia.access)).await.json();
    assert!(waiting.links.is_empty());
}

#[tokio::test]
async fn either_side_ends_a_place_and_its_time_does_too() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    for by_newcomer in [true, false] {
        let body = opening(LinkWay::Scan);
        let opened = open(&server, &body, None).await;
        say(&server, body.id, &mia.access, 2, 2).await;
        let (ends, other) = if by_newcomer {
            (&opened.token, &mia.access)
        } else {
            (&mia.access, &opened.token)
        };
        for _ in 0..2 {
            assert_eq!(close(&server, body.id, ends).await.status, StatusCode::NO_CONTENT);
        }
        assert_eq!(read(&server, body.id, other, 0).await.code(), ErrorCode::LinkGone);
    }
    let body = opening(LinkWay::Scan);
    let opened = open(&server, &body, None).await;
    server.clock.shift(i64::try_from(LINK_LIFE_MS).unwrap());
    assert_eq!(
        read(&server, body.id, &opened.token, 0).await.code(),
        ErrorCode::LinkGone
    );
}

#[tokio::test]
async fn a_device_declines_who_waits_by_code() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let pending = mia.pending(&server).await;
    let body = opening(LinkWay::Code);
    let opened = open(&server, &body, Some(&pending.token)).await;
    assert_eq!(
        close(&server, body.id, &mia.access).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        say(&server, body.id, &opened.token, 3, 3).await.code(),
        ErrorCode::LinkGone
    );
}

#[tokio::test]
async fn messages_and_places_have_their_bounds() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let large = OpenLink {
        message: Bytes(vec![1; LINK_OPENING_MAX + 1]),
        ..opening(LinkWay::Scan)
    };
    let refused = server.post("/api/v1/links", None, &large).await;
    assert_eq!(refused.code(), ErrorCode::TooLarge);

    let body = opening(LinkWay::Scan);
    let opened = open(&server, &body, None).await;
    let path = format!("/api/v1/links/{}/messages", body.id);
    let message = |number, length| LinkMessage {
        number,
        message: Bytes(vec![1; length]),
    };
    let refused = server
        .post(&path, Some(&mia.access), &message(2, LINK_MESSAGE_MAX + 1))
        .await;
    assert_eq!(refused.code(), ErrorCode::TooLarge);
    for number in 2..=5 {
        let token = if number % 2 == 0 {
            &mia.access
        } else {
            &opened.token
        };
        let answer = server
            .post(&path, Some(token), &message(number, LINK_MESSAGE_MAX))
            .await;
        assert!(answer.status.is_success());
    }
    // An answer is bounded; whoever wants the rest asks behind what it has.
    assert_eq!(numbers(&read(&server, body.id, &mia.access, 1).await), [2, 3]);
    assert_eq!(numbers(&read(&server, body.id, &mia.access, 3).await), [4, 5]);

    let pending = mia.pending(&server).await;
    for _ in 0..LINKS_MAX {
        open(&server, &opening(LinkWay::Code), Some(&pending.token)).await;
    }
    let refused = server
        .post("/api/v1/links", Some(&pending.token), &opening(LinkWay::Code))
        .await;
    assert_eq!(refused.code(), ErrorCode::TooFast);
}

#[tokio::test]
async fn one_address_opens_ten_places_at_once_and_then_waits() {
    let server = Server::start_with(|config| {
        config.limits = LimitsConfig {
            links: LimitsConfig::default().links,
            ..LimitsConfig::unlimited()
        };
    })
    .await;
    for _ in 0..10 {
        open(&server, &opening(LinkWay::Scan), None).await;
    }
    let refused = server.post("/api/v1/links", None, &opening(LinkWay::Scan)).await;
    assert_eq!(refused.code(), ErrorCode::TooFast);
    assert!(refused.headers.contains_key("retry-after"));
}
