//! Devices that are woken, by a push service of this test that opens what it is given with the keys of the browser.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _};
use axum::Router;
use axum::response::IntoResponse;
use conclave_protocol::frames::{Ack, ClientFrame, Heads, Send, ServerFrame};
use conclave_protocol::limits::PUSH_ROOMS_MAX;
use conclave_protocol::logins::LoggedIn;
use conclave_protocol::presence::{Availability, Choices};
use conclave_protocol::push::{PushLevel, PushPayload, PushRoom, PushState, PushSubscribe};
use conclave_protocol::{Bytes, DeviceId, ErrorCode, RoomId, Token};
use conclave_sigchain::AccountBody;
use hkdf::Hkdf;
use http::{HeaderMap, Method, StatusCode, header};
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::harness::{Answer, Person, Server, Socket, random};
use crate::place::{Place, accepted};

/// Longer than a wake takes that is made at once.
const WAKES_WITHIN: Duration = Duration::from_secs(15);
/// Within this a wake that is made at once would have come.
const QUIET: Duration = Duration::from_secs(4);

type Queue<T> = Arc<Mutex<VecDeque<T>>>;

/// A browser's push service, and the browser that opens what it is sent.
struct Service {
    address: String,
    key: SecretKey,
    secret: [u8; 16],
    heard: Queue<(HeaderMap, Vec<u8>)>,
    answers: Queue<(StatusCode, Option<&'static str>)>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/wake", listener.local_addr().unwrap());
        let heard: Queue<_> = Arc::default();
        let answers: Queue<(StatusCode, Option<&'static str>)> = Arc::default();
        let (hear, answer) = (Arc::clone(&heard), Arc::clone(&answers));
        let router = Router::new().fallback(move |headers: HeaderMap, body: bytes::Bytes| {
            hear.lock().unwrap().push_back((headers, body.to_vec()));
            let next = answer.lock().unwrap().pop_front();
            let (status, after) = next.unwrap_or((StatusCode::CREATED, None));
            let mut response = status.into_response();
            if let Some(after) = after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, after.parse().unwrap());
            }
            // Nobody follows it.
            let elsewhere = "http://127.0.0.1:9/".parse().unwrap();
            response.headers_mut().insert(header::LOCATION, elsewhere);
            async { response }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            key: SecretKey::from_slice(&[random::<31>().as_slice(), &[1]].concat()).unwrap(),
            secret: random(),
            heard,
            answers,
        }
    }

    fn answers(&self, status: StatusCode, after: Option<&'static str>) {
        self.answers.lock().unwrap().push_back((status, after));
    }

    fn subscribe(&self, rooms: Vec<PushRoom>) -> PushSubscribe {
        PushSubscribe {
            endpoint: self.address.clone(),
            p256dh: Bytes(self.key.public_key().to_sec1_bytes().to_vec()),
            auth: Bytes(self.secret.to_vec()),
            rooms,
        }
    }

    /// What the next wake says.
    async fn wake(&self) -> (HeaderMap, PushPayload) {
        let next = timeout(WAKES_WITHIN, async {
            loop {
                if let Some(heard) = self.heard.lock().unwrap().pop_front() {
                    return heard;
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        let (headers, body) = next.await.expect("nobody was woken");
        assert_eq!(headers["content-encoding"], "aes128gcm");
        let payload: [u8; PushPayload::LENGTH] = self.open(&body).try_into().unwrap();
        let room = (payload[2] == 1).then(|| RoomId(payload[3..35].try_into().unwrap()));
        let read = PushPayload {
            softly: payload[1] == 1,
            room,
        };
        assert_eq!(read.to_bytes(), payload);
        (headers, read)
    }

    /// What a browser makes of it (RFC 8291).
    fn open(&self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        assert_eq!(rest[4], 65);
        let (theirs, sealed) = rest[5..].split_at(65);
        let shared = self
            .key
            .diffie_hellman(&PublicKey::from_sec1_bytes(theirs).unwrap());
        let own = self.key.public_key().to_sec1_bytes();
        let info = [b"WebPush: info\0".as_slice(), &own, theirs].concat();
        let input: [u8; 32] = expand(&self.secret, shared.raw_secret_bytes(), &info);
        let key: [u8; 16] = expand(salt, &input, b"Content-Encoding: aes128gcm\0");
        let nonce: [u8; 12] = expand(salt, &input, b"Content-Encoding: nonce\0");
        let cipher = Aes128Gcm::new_from_slice(&key).unwrap();
        let mut opened = cipher.decrypt(&nonce.into(), sealed).unwrap();
        assert_eq!(opened.pop(), Some(2));
        opened
    }

    async fn is_quiet(&self) -> bool {
        sleep(QUIET).await;
        self.heard.lock().unwrap().is_empty()
    }
}

fn expand<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    Hkdf::<Sha256>::new(Some(salt), input)
        .expand(info, &mut bytes)
        .unwrap();
    bytes
}

async fn started() -> Server {
    Server::start_with(|config| config.push.loopback = true).await
}

async fn put(server: &Server, access: &Token, subscribe: &PushSubscribe) -> Answer {
    let path = "/api/v1/push/subscription";
    server.send(Method::PUT, path, Some(access), &[], subscribe).await
}

/// A person whose device is woken.
async fn subscribed(server: &Server, person: &Person, rooms: Vec<PushRoom>) -> Service {
    let service = Service::start().await;
    let answer = put(server, &person.access, &service.subscribe(rooms)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    service
}

async fn state(server: &Server, access: &Token) -> PushState {
    server.get("/api/v1/push", Some(access)).await.json()
}

async fn send(socket: &mut Socket, message: Send) {
    let id = message.id;
    socket.say(&ClientFrame::Send(message)).await;
    loop {
        match socket.hear().await {
            ServerFrame::Accepted(accepted) if accepted.id == id => return,
            ServerFrame::Refused(refused) => panic!("{refused:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_device_that_is_away_is_woken_once_for_a_hundred_messages_and_no_word_of_them_is_told() {
    let server = started().await;
    let (mia, ben, room) = server.pair().await;
    let service = subscribed(&server, &ben, Vec::new()).await;
    let own = subscribed(&server, &mia, Vec::new()).await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    for number in 0..100_u32 {
        send(
            &mut socket,
            mia.message(&ben, room, &number.to_be_bytes().repeat(20)),
        )
        .await;
    }
    let (headers, payload) = service.wake().await;
    let expected = PushPayload {
        softly: false,
        room: Some(room),
    };
    assert_eq!(payload, expected);
    assert!(headers["urgency"] == "high" && headers["topic"] == "wake");
    let life: u64 = headers["ttl"].to_str().unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&life), "{life}");
    let key = state(&server, &ben.access).await.key.unwrap();
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(
        authorization.starts_with("vapid t=ey") && authorization.ends_with(&format!(", k={}", key.to_text()))
    );
    assert!(service.is_quiet().await && own.is_quiet().await);
}

#[tokio::test]
async fn who_is_connected_and_has_the_message_is_not_woken() {
    let server = started().await;
    let (mia, ben, room) = server.pair().await;
    let service = subscribed(&server, &ben, Vec::new()).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    send(&mut from, mia.message(&ben, room, b"hello")).await;
    loop {
        if let ServerFrame::Deliver(deliver) = to.hear().await {
            to.say(&ClientFrame::Ack(Ack {
                mailbox: deliver.mailbox,
            }))
            .await;
            break;
        }
    }
    assert!(service.is_quiet().await);

    // Of what is posted in a group the server knows it by any word of the device that comes after.
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    accepted(&mut from, &group.post(group.room(), b"all")).await;
    sleep(Duration::from_secs(3)).await;
    to.say(&ClientFrame::Ping(1)).await;
    sleep(Duration::from_secs(6)).await;
    drop(to);
    assert!(service.is_quiet().await);
    accepted(&mut from, &group.post(group.room(), b"again")).await;
    assert_eq!(service.wake().await.1.room, Some(group.room()));
}

#[tokio::test]
async fn a_group_wakes_who_reads_it_and_not_who_wrote_or_was_put_out() {
    let server = started().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    group.add(&server, &mia, &eve).await;
    let reader = subscribed(&server, &ben, Vec::new()).await;
    let former = subscribed(&server, &eve, Vec::new()).await;
    let writer = subscribed(&server, &mia, Vec::new()).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    accepted(&mut from, &group.post(group.room(), b"all")).await;
    // In the moments in which a burst is waited for.
    group.remove(&server, &mia, &eve).await;
    assert_eq!(reader.wake().await.1.room, Some(group.room()));
    assert!(former.is_quiet().await && writer.is_quiet().await);
}

#[tokio::test]
async fn a_quiet_room_wakes_nobody_and_one_of_mentions_without_a_sound() {
    let server = started().await;
    let (mia, ben, room) = server.pair().await;
    let level = |level, until| vec![PushRoom { room, level, until }];
    let mut service = subscribed(&server, &ben, level(PushLevel::Never, None)).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    send(&mut from, mia.message(&ben, room, b"one")).await;
    assert!(service.is_quiet().await);

    let softly = service.subscribe(level(PushLevel::Softly, None));
    assert_eq!(
        put(&server, &ben.access, &softly).await.status,
        StatusCode::NO_CONTENT
    );
    send(&mut from, mia.message(&ben, room, b"two")).await;
    let (headers, payload) = service.wake().await;
    assert!(payload.softly && headers["urgency"] == "normal");

    service = subscribed(&server, &ben, level(PushLevel::Never, Some(server.clock.now().0))).await;
    send(&mut from, mia.message(&ben, room, b"three")).await;
    assert!(!service.wake().await.1.softly, "a mute ends by itself");

    let undisturbed = Choices {
        availability: Availability::DoNotDisturb,
        ..Choices::default()
    };
    let path = "/api/v1/account/presence";
    server
        .send(Method::PUT, path, Some(&ben.access), &[], &undisturbed)
        .await;
    service = subscribed(&server, &ben, Vec::new()).await;
    send(&mut from, mia.message(&ben, room, b"four")).await;
    assert!(service.is_quiet().await);
}

#[tokio::test]
async fn an_address_that_is_gone_is_forgotten() {
    let server = started().await;
    let (mia, ben, room) = server.pair().await;
    let service = subscribed(&server, &ben, Vec::new()).await;
    assert!(state(&server, &ben.access).await.subscribed);
    service.answers(StatusCode::GONE, None);
    let (mut from, _) = Socket::open(&server, &mia).await;
    send(&mut from, mia.message(&ben, room, b"one")).await;
    service.wake().await;
    send(&mut from, mia.message(&ben, room, b"two")).await;
    assert!(service.is_quiet().await);
    assert!(!state(&server, &ben.access).await.subscribed);
}

#[tokio::test]
async fn a_push_service_in_trouble_is_asked_again_and_not_before_it_said() {
    let server = started().await;
    let (mia, ben, room) = server.pair().await;
    let service = subscribed(&server, &ben, Vec::new()).await;
    service.answers(StatusCode::SERVICE_UNAVAILABLE, None);
    service.answers(StatusCode::TOO_MANY_REQUESTS, Some("100"));
    service.answers(StatusCode::TEMPORARY_REDIRECT, None);
    let (mut from, _) = Socket::open(&server, &mia).await;
    send(&mut from, mia.message(&ben, room, b"one")).await;
    service.wake().await;
    // Each is the pause behind the answer before; any message has the queue looked at.
    for (early, late) in [(8_000, 3_000), (95_000, 6_000), (35_000, 6_000)] {
        server.clock.shift(early);
        send(&mut from, mia.message(&ben, room, b"more")).await;
        sleep(Duration::from_millis(800)).await;
        assert!(service.heard.lock().unwrap().is_empty(), "too early by {late}");
        server.clock.shift(late);
        send(&mut from, mia.message(&ben, room, b"more")).await;
        service.wake().await;
    }
    assert!(service.is_quiet().await, "one wake tells of all");
}

#[tokio::test]
async fn who_was_signed_out_or_whose_device_was_taken_out_is_not_woken() {
    let server = started().await;
    let (mia, mut ben, room) = server.pair().await;
    let service = subscribed(&server, &ben, Vec::new()).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let device = ben.device_added(&server).await;
    let ended = server
        .send(Method::DELETE, "/api/v1/logins", Some(&device.access), &[], &())
        .await;
    assert!(ended.status.is_success(), "{ended:?}");
    let mut message = mia.message(&ben, room, b"one");
    let mut other = message.keys[0].clone();
    other.device = DeviceId(1);
    message.keys.push(other);
    message.heads = heads(&mia, &ben, 1);
    send(&mut from, message.clone()).await;
    assert!(service.is_quiet().await);

    let service = Service::start().await;
    put(&server, &device.access, &service.subscribe(Vec::new())).await;
    assert!(state(&server, &device.access).await.subscribed);
    let signed_in = ben.sign_in(&server, true, DeviceId(0)).await;
    ben.access = signed_in.json::<LoggedIn>().access_token;
    let body = AccountBody::RevokeDevice { device: DeviceId(1) };
    let entry = ben.entry(&server, body).await;
    let offered = ben.offer(&server, &entry).await;
    assert!(offered.status.is_success(), "{offered:?}");
    let mut message = mia.message(&ben, room, b"two");
    message.heads = heads(&mia, &ben, 2);
    send(&mut from, message).await;
    assert!(service.is_quiet().await);
}

/// Heads where the one account's chain has its beginning alone.
fn heads(one: &Person, other: &Person, head: u32) -> Heads {
    let (low, high) = if one.account < other.account {
        (0, head)
    } else {
        (head, 0)
    };
    Heads { low, high }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_between_the_commit_and_the_wake_wakes_when_it_is_back() {
    let server = started().await;
    let (mia, ben, room) = server.pair().await;
    let service = subscribed(&server, &ben, Vec::new()).await;
    let server = server.stopped().await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_conclave-server"))
        .args(["--data", &server.folder.path().display().to_string()])
        .args(["--listen", &server.address.to_string(), "serve"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let up = timeout(WAKES_WITHIN, async {
        while tokio::net::TcpStream::connect(server.address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    up.await.expect("the server starts");
    let (mut from, _) = Socket::open(&server, &mia).await;
    send(&mut from, mia.message(&ben, room, b"one")).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(service.heard.lock().unwrap().is_empty());

    let server = server.restart().await;
    assert_eq!(service.wake().await.1.room, Some(room));
    assert!(service.is_quiet().await);
    drop(server);
}

#[tokio::test]
async fn nobody_is_woken_where_no_browser_takes_part_and_nowhere_but_at_known_services() {
    let plain = Server::start().await;
    let mia = plain.administrator().await;
    assert_eq!(
        state(&plain, &mia.access).await,
        PushState {
            key: None,
            subscribed: false
        }
    );
    let service = Service::start().await;
    let subscribe = service.subscribe(Vec::new());
    assert_eq!(
        put(&plain, &mia.access, &subscribe).await.code(),
        ErrorCode::PushOff
    );

    let server = Server::start_with(|config| {
        config.push.loopback = true;
        config.public_url = Some("https://chat.example.org".to_owned());
    })
    .await;
    let mia = server.administrator().await;
    for elsewhere in [
        "https://127.0.0.1/a",
        "https://push.example.org/a",
        "http://fcm.googleapis.com/a",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost:8080/a",
        "",
    ] {
        let refused = PushSubscribe {
            endpoint: elsewhere.to_owned(),
            ..subscribe.clone()
        };
        let code = put(&server, &mia.access, &refused).await.code();
        assert_eq!(code, ErrorCode::PushServiceUnknown, "{elsewhere}");
    }
    let mut no_point = subscribe.clone();
    no_point.p256dh.0[64] ^= 1;
    let mut short = subscribe.clone();
    short.auth.0.pop();
    for refused in [no_point, short] {
        assert_eq!(
            put(&server, &mia.access, &refused).await.code(),
            ErrorCode::Malformed
        );
    }
    let room = |number: usize| {
        let mut room = [0; 32];
        room[..8].copy_from_slice(&number.to_be_bytes());
        PushRoom {
            room: RoomId(room),
            level: PushLevel::Never,
            until: None,
        }
    };
    let most: Vec<_> = (0..PUSH_ROOMS_MAX).map(room).collect();
    let mut beyond = most.clone();
    beyond.push(room(PUSH_ROOMS_MAX));
    let refused = put(&server, &mia.access, &service.subscribe(beyond)).await;
    assert_eq!(refused.code(), ErrorCode::TooLarge);
    let answer = put(&server, &mia.access, &service.subscribe(most)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(state(&server, &mia.access).await.subscribed);
    let path = "/api/v1/push/subscription";
    let ended = server
        .send(Method::DELETE, path, Some(&mia.access), &[], &())
        .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert!(!state(&server, &mia.access).await.subscribed);
}

#[tokio::test]
async fn where_a_device_is_woken_is_said_only_so_often() {
    let server = Server::start_with(|config| {
        config.push.loopback = true;
        config.limits.push = conclave_server::config::LimitsConfig::default().push;
    })
    .await;
    let mia = server.administrator().await;
    let service = Service::start().await;
    let subscribe = service.subscribe(Vec::new());
    let mut codes = Vec::new();
    for _ in 0..31 {
        codes.push(put(&server, &mia.access, &subscribe).await.status);
    }
    assert!(codes[..30].iter().all(|status| *status == StatusCode::NO_CONTENT));
    assert_eq!(codes[30], StatusCode::TOO_MANY_REQUESTS);
}
