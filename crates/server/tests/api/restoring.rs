//! A server goes back in time under people who go on: what was sent behind the backup is lost to the server, and
//! nobody is left unable to write or to read.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use conclave_client::views::BodyView;
use conclave_protocol::RoomId;
use conclave_sdk::{Device, Options};
use conclave_server::config::LimitsConfig;
use conclave_server::{Config, Running, start};
use tokio::time::{Instant, sleep};

const PASSWORD: &str = "vier ruhige Otter im Regen";
const PASSPHRASE: &str = "sieben stille Steine am See";
const PATIENCE: Duration = Duration::from_secs(90);

async fn serve(data: &Path, port: u16) -> Running {
    let config = Config {
        listen: format!("127.0.0.1:{port}").parse().unwrap(),
        data: data.to_owned(),
        limits: LimitsConfig::unlimited(),
        ..Config::default()
    };
    start(config).await.unwrap()
}

fn program(data: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_conclave-server"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .env("CONCLAVE_BACKUP_PASSPHRASE", PASSPHRASE)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What a device shows of a room: texts, and anything that it could not open under a word of its own.
async fn shown(device: &Device, room: RoomId) -> Vec<String> {
    let rows = device.list_messages(room, None, 10_000).await.unwrap();
    rows.iter()
        .map(|row| match &row.body {
            BodyView::Text { text } => text.clone(),
            other => format!("{other:?}"),
        })
        .collect()
}

async fn waits_for(device: &Device, room: RoomId, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !shown(device, room).await.iter().any(|shown| shown == text) {
        assert!(
            Instant::now() < deadline,
            "{text:?} never came: {:?}",
            shown(device, room).await
        );
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_go_on_behind_a_restore_of_a_backup_that_was_taken_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("server");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = serve(&data, port).await;
    let device = |name: &str| {
        let address = format!("http://127.0.0.1:{port}");
        Device::open(Options::new(address, folder.path().join(name))).unwrap()
    };
    let (mia, noa) = (device("mia"), device("noa"));
    mia.register(
        "mia",
        PASSWORD,
        server.setup_link.as_deref().unwrap().rsplit('/').next().unwrap(),
    )
    .await
    .unwrap();
    noa.register("noa", PASSWORD, &mia.make_invite().await.unwrap().token)
        .await
        .unwrap();
    noa.wait_until_online(PATIENCE).await.unwrap();
    let person = mia.find_person("noa", None).await.unwrap();
    let room = mia.open_chat(person.account).await.unwrap();
    mia.send_text(room, "first").await.unwrap();
    waits_for(&noa, room, "first").await;
    noa.send_text(room, "answer").await.unwrap();
    waits_for(&mia, room, "answer").await;

    // The backup is taken while messages are committed.
    let file = folder.path().join("night.backup");
    let name = file.to_str().unwrap();
    for number in 0..40 {
        mia.send_text(room, &format!("before {number}")).await.unwrap();
    }
    program(&data, &["backup", name]);
    program(&data, &["verify-backup", name]);
    // Behind the backup: the server forgets these, people do not.
    for number in 0..10 {
        mia.send_text(room, &format!("behind {number}")).await.unwrap();
    }
    waits_for(&noa, room, "behind 9").await;
    noa.send_text(room, "answer behind").await.unwrap();
    waits_for(&mia, room, "answer behind").await;
    mia.wait_until_outbox_is_empty(PATIENCE).await.unwrap();

    server.stop().await;
    let restored = folder.path().join("restored");
    program(&restored, &["restore", name]);
    let server = serve(&restored, port).await;

    mia.send_text(room, "after").await.unwrap();
    waits_for(&noa, room, "after").await;
    noa.send_text(room, "answer after").await.unwrap();
    waits_for(&mia, room, "answer after").await;
    // A person who is new finds prekeys to write to.
    let eva = device("eva");
    eva.register("eva", PASSWORD, &mia.make_invite().await.unwrap().token)
        .await
        .unwrap();
    let person = eva.find_person("noa", None).await.unwrap();
    let new_room = eva.open_chat(person.account).await.unwrap();
    eva.send_text(new_room, "new here").await.unwrap();
    waits_for(&noa, new_room, "new here").await;

    let mut expected = vec!["first".to_owned(), "answer".to_owned()];
    expected.extend((0..40).map(|number| format!("before {number}")));
    expected.extend((0..10).map(|number| format!("behind {number}")));
    expected.extend(["answer behind", "after", "answer after"].map(str::to_owned));
    for device in [&mia, &noa] {
        assert_eq!(
            shown(device, room).await,
            expected,
            "nothing is lost, doubled or closed"
        );
    }
    for device in [mia, noa, eva] {
        device.close().await.unwrap();
    }
    server.stop().await;
}
