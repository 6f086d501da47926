//! The server is killed with -9 in the middle of a burst: what it acknowledged is there, once and in order.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conclave_client::views::{BodyView, DeliveryView, MessageView};
use conclave_protocol::{AccountId, RoomId};
use conclave_sdk::{Device, Options};
use tokio::time::{Instant, sleep};

const PASSWORD: &str = "vier ruhige Otter im Regen";
const PATIENCE: Duration = Duration::from_mins(1);
/// Messages in the burst.
const BURST: usize = 300;
/// Kills during the burst.
const KILLS: usize = 4;

struct Process {
    child: Child,
    setup: Option<String>,
}

impl Process {
    fn start(data: &Path, port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_conclave-server"))
            .args([
                "--data",
                &data.display().to_string(),
                "--listen",
                &format!("127.0.0.1:{port}"),
                "serve",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut setup = None;
        let mut listens = false;
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        while let Some(Ok(line)) = lines.next() {
            listens |= line.contains("listens on");
            if let Some((_, token)) = line.split_once("/#/setup/") {
                setup = Some(token.trim().to_owned());
                break;
            }
            if listens && data.join("setup-was-used").exists() {
                break;
            }
        }
        // The pipe stays open so that printing never fails.
        std::thread::spawn(move || lines.count());
        Self { child, setup }
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_server_in_a_burst_loses_and_doubles_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("server");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut server = Process::start(&data, port);
    let device = |name: &str| {
        Device::open(Options::new(
            format!("http://127.0.0.1:{port}"),
            folder.path().join(name),
        ))
        .unwrap()
    };
    let (mia, noa) = (device("mia"), device("noa"));
    mia.register("mia", PASSWORD, &server.setup.clone().expect("a set-up link"))
        .await
        .unwrap();
    std::fs::write(data.join("setup-was-used"), "").unwrap();
    noa.register("noa", PASSWORD, &mia.make_invite().await.unwrap().token)
        .await
        .unwrap();
    noa.wait_until_online(PATIENCE).await.unwrap();
    let person = mia.find_person("noa", None).await.unwrap();
    let room = mia.open_chat(person.account).await.unwrap();

    let mut acknowledged = BTreeMap::new();
    for n in 0..BURST {
        mia.send_text(room, &format!("message {n}")).await.unwrap();
        if n % (BURST / (KILLS + 1)) == BURST / (KILLS + 1) - 1 {
            // Some of what was sent is acknowledged, some under way, some not yet sent.
            sleep(Duration::from_millis(30 + 17 * (n as u64 % 5))).await;
            server.kill();
            acknowledged.extend(acknowledged_by(&mia, room).await);
            server = Process::start(&data, port);
        }
    }

    let expected: Vec<String> = (0..BURST).map(|n| format!("message {n}")).collect();
    let author = account_of(&noa, "mia").await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let timeline = noa.list_messages(room, None, 10_000).await.unwrap();
        let texts: Vec<String> = timeline
            .iter()
            .filter(|row| row.author == author)
            .map(text)
            .collect();
        if texts == expected {
            assert!(
                timeline.iter().all(|row| row.missing_before == 0),
                "nothing is missing in between"
            );
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{} of {BURST} arrived: {texts:?}",
            texts.len()
        );
        sleep(Duration::from_millis(100)).await;
    }
    let sent = mia.list_messages(room, None, 10_000).await.unwrap();
    assert_eq!(sent.len(), BURST);
    let sequences: Vec<_> = sent
        .iter()
        .map(|row| row.position.sequence.expect("all are acknowledged"))
        .collect();
    assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]));
    // Every place that was ever acknowledged is the place that the other side sees.
    let received = noa.list_messages(room, None, 10_000).await.unwrap();
    assert!(acknowledged.len() > 1, "something was acknowledged before a kill");
    for (id, sequence) in acknowledged {
        let row = received
            .iter()
            .find(|row| row.id == id)
            .expect("an acknowledged message is there");
        assert_eq!(row.position.sequence, Some(sequence));
    }
    server.kill();
}

/// Messages that the server said it has, with the place it gave them.
async fn acknowledged_by(device: &Device, room: RoomId) -> BTreeMap<String, u64> {
    let rows = device.list_messages(room, None, 10_000).await.unwrap();
    rows.into_iter()
        .filter(|row| row.delivery != DeliveryView::Queued)
        .filter_map(|row| Some((row.id.clone(), row.position.sequence?)))
        .collect()
}

async fn account_of(device: &Device, name: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let chats = device.list_chats().await.unwrap();
        let mut people = chats.iter().filter_map(|chat| chat.person.as_ref());
        if let Some(person) = people.find(|person| person.username == name) {
            return person.account.parse::<AccountId>().unwrap().to_string();
        }
        assert!(Instant::now() < deadline, "{name} never wrote");
        sleep(Duration::from_millis(100)).await;
    }
}

fn text(row: &MessageView) -> String {
    match &row.body {
        BodyView::Text { text } => text.clone(),
        other => format!("{other:?}"),
    }
}
