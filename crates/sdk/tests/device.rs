//! A device without a server: what it refuses, what it says, what it leaves behind.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_sdk::views::{AccountView, ConnectionState};
use conclave_sdk::{AddressError, Device, Direction, Options, SdkError};

const PASSWORD: &str = "vier ruhige Otter";
/// Nothing listens here, and connecting fails at once.
const NOWHERE: &str = "http://127.0.0.1:1";
const SOON: Duration = Duration::from_secs(20);

type Seen = Arc<Mutex<Vec<(Direction, Vec<u8>)>>>;

fn code<T>(result: Result<T, SdkError>) -> Option<String> {
    result.err().and_then(|error| error.code().map(str::to_owned))
}

#[tokio::test]
async fn a_new_device_is_empty_and_offline() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::open(Options::new(NOWHERE, folder.path())).unwrap();
    assert_eq!(device.account().await.unwrap(), AccountView::None);
    assert!(device.list_chats().await.unwrap().is_empty());
    assert_eq!(
        device.wait_until_settled(SOON).await.unwrap(),
        ConnectionState::Offline
    );
    assert!(matches!(
        device.wait_until_online(Duration::from_millis(20)).await,
        Err(SdkError::TimedOut)
    ));
    assert_eq!(code(device.recovery_words().await), Some("signed_out".into()));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_the_engines_words() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::open(Options::new(NOWHERE, folder.path())).unwrap();
    assert_eq!(
        code(device.register("mia", PASSWORD, "token").await),
        Some("offline".into())
    );
    assert_eq!(
        code(device.register("mia", "short", "token").await),
        Some("password_short".into())
    );
    device.wait_until_quiet(SOON).await.unwrap();
}

#[tokio::test]
async fn offline_nothing_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let device = Device::open(Options {
        start_offline: true,
        ..Options::new(server, folder.path())
    })
    .unwrap();
    assert_eq!(
        code(device.register("mia", PASSWORD, "token").await),
        Some("offline".into())
    );
    assert!(listener.accept().is_err(), "somebody connected");
}

#[tokio::test]
async fn a_device_whose_last_handle_is_dropped_has_closed_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let device = Device::open(Options::new(NOWHERE, folder.path())).unwrap();
        let clone = device.clone();
        drop(device);
        assert!(matches!(
            Device::open(Options::new(NOWHERE, folder.path())),
            Err(SdkError::InUse)
        ));
        drop(clone);
    }
}

#[tokio::test]
async fn going_offline_ends_what_is_under_way() {
    // Takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let device = Device::open(Options::new(server, folder.path())).unwrap();
    let registering = {
        let device = device.clone();
        tokio::spawn(async move { device.register("mia", PASSWORD, "token").await })
    };
    tokio::task::spawn_blocking(move || listener.accept().map(drop))
        .await
        .unwrap()
        .unwrap();
    device.go_offline().await.unwrap();
    assert_eq!(code(registering.await.unwrap()), Some("offline".into()));
}

#[tokio::test]
async fn the_tap_sees_what_crosses_the_wire_and_a_refusal_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let problem = r#"{"code":"invite_needed","status":403,"title":"No."}"#;
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.ends_with(b"}") {
            let read = stream.read(&mut part).unwrap();
            request.extend_from_slice(&part[..read]);
        }
        let length = problem.len();
        write!(
            stream,
            "HTTP/1.1 403 Forbidden\r\ncontent-length: {length}\r\n\r\n{problem}"
        )
        .unwrap();
        String::from_utf8(request).unwrap()
    });

    let seen: Seen = Arc::default();
    let tap = {
        let seen = Arc::clone(&seen);
        Arc::new(move |direction, bytes: &[u8]| seen.lock().unwrap().push((direction, bytes.to_vec())))
    };
    let folder = tempfile::tempdir().unwrap();
    let device = Device::open(Options {
        tap: Some(tap),
        ..Options::new(server, folder.path())
    })
    .unwrap();
    assert_eq!(
        code(device.register("Mia", PASSWORD, "token").await),
        Some("invite_needed".into())
    );

    let request = answering.join().unwrap();
    assert!(
        request.starts_with("POST /api/v1/accounts/registration/start HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\ncontent-type: application/json\r\n"),
        "{request}"
    );
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].0, Direction::Sent);
    assert!(request.ends_with(std::str::from_utf8(&seen[0].1).unwrap()));
    assert_eq!(seen[1], (Direction::Received, problem.as_bytes().to_vec()));
}

#[tokio::test]
async fn a_folder_has_one_device_at_a_time_and_is_free_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(NOWHERE, folder.path());
    let first = Device::open(options.clone()).unwrap();
    assert!(matches!(Device::open(options.clone()), Err(SdkError::InUse)));
    let mut events = first.events();
    let clone = first.clone();
    first.close().await.unwrap();
    assert!(matches!(clone.account().await, Err(SdkError::Closed)));
    assert!(matches!(clone.close().await, Err(SdkError::Closed)));
    assert!(matches!(
        clone.wait_until_online(SOON).await,
        Err(SdkError::Closed)
    ));
    assert!(events.recv().await.is_err());
    assert!(Device::open(options).is_ok());
}

#[tokio::test]
async fn a_device_that_nobody_holds_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(NOWHERE, folder.path());
    drop(Device::open(options.clone()).unwrap());
    let mut opened = Device::open(options.clone());
    for _ in 0..200 {
        if !matches!(opened, Err(SdkError::InUse)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        opened = Device::open(options.clone());
    }
    assert!(opened.is_ok());
}

#[tokio::test]
async fn plain_http_is_spoken_to_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Options::new("http://chat.example.org", folder.path());
    assert!(matches!(
        Device::open(plain.clone()),
        Err(SdkError::Address(AddressError::Plain))
    ));
    let allowed = Options {
        allow_plain_http: true,
        start_offline: true,
        ..plain
    };
    assert!(Device::open(allowed).is_ok());
}

#[test]
fn without_a_runtime_nothing_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(
        Device::open(Options::new(NOWHERE, folder.path())),
        Err(SdkError::NoRuntime)
    ));
}
