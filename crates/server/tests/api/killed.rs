//! The server is killed with -9 while members of a group write and act: what it acknowledged is there, once and in
//! order, and the rest can be sent again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conclave_protocol::EnvelopeId;
use conclave_protocol::frames::{ClientFrame, Post, ServerFrame};
use conclave_protocol::messages::EnvelopesPage;
use conclave_sigchain::room::RoomBody;
use futures_util::{SinkExt, StreamExt};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Server, Socket};
use crate::place::{Place, accepted, page};

/// Kills.
const KILLS: u64 = 4;
/// Messages before each kill.
const BURST: usize = 60;

fn process(server: &Server) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_conclave-server"))
        .args(["--data", &server.folder.path().display().to_string()])
        .args(["--listen", &server.address.to_string(), "serve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let listens = |line: std::io::Result<String>| line.is_ok_and(|line| line.contains("listens on"));
    assert!(lines.any(listens), "the server starts");
    // The pipe stays open so that printing never fails.
    std::thread::spawn(move || lines.count());
    child
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_server_while_a_group_writes_loses_and_doubles_nothing_that_was_acknowledged() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let server = server.stopped().await;

    let mut sent: Vec<Post> = Vec::new();
    let mut acknowledged: BTreeMap<EnvelopeId, u64> = BTreeMap::new();
    for kill in 0..KILLS {
        let mut child = process(&server);
        // An entry whose answer came is there behind the kill.
        let nickname = RoomBody::Nickname {
            account: ben.account,
            sealed: kill.to_be_bytes().to_vec(),
        };
        group.act(&server, &ben, nickname).await;
        let (mut socket, _) = Socket::open(&server, &mia).await;
        let posts: Vec<Post> = (0..BURST)
            .map(|number| group.post(group.room(), &number.to_be_bytes()))
            .collect();
        let killing = tokio::spawn(async move {
            sleep(Duration::from_millis(40 + 35 * kill)).await;
            child.kill().unwrap();
            child.wait().unwrap();
        });
        for post in &posts {
            let frame = ClientFrame::Post(post.clone()).to_bytes();
            if socket.0.send(Message::Binary(frame.into())).await.is_err() {
                break;
            }
        }
        while let Some(Ok(message)) = socket.0.next().await {
            let Message::Binary(bytes) = message else { continue };
            if let ServerFrame::Accepted(accepted) = ServerFrame::from_bytes(&bytes).unwrap() {
                acknowledged.insert(accepted.id, accepted.sequence);
            }
        }
        killing.await.unwrap();
        sent.extend(posts);
    }

    let mut child = process(&server);
    assert_eq!(
        group.verified(&server, &ben).await.state(),
        group.chain.state(),
        "every entry that was acknowledged is there"
    );
    assert!(
        !acknowledged.is_empty(),
        "something was acknowledged before a kill"
    );
    // Everything is sent once more: what was stored keeps its place, the rest gets one.
    let (mut socket, _) = Socket::open(&server, &mia).await;
    for post in &sent {
        let again = accepted(&mut socket, post).await;
        let first = *acknowledged.entry(post.id).or_insert(again.sequence);
        assert_eq!(again.sequence, first);
    }
    let mut stored = Vec::new();
    loop {
        let query = format!("?after={}", stored.len());
        let page: EnvelopesPage = page(&server, &ben, group.room(), &query).await.json();
        if page.envelopes.is_empty() {
            break;
        }
        stored.extend(page.envelopes);
    }
    assert_eq!(stored.len(), sent.len(), "each once");
    for (envelope, sequence) in stored.iter().zip(1..) {
        assert_eq!(envelope.sequence, sequence);
        assert_eq!(acknowledged.get(&envelope.id), Some(&sequence));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
