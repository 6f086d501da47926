//! The examples of the SDK against a real server: what they do, they do here.

use conclave_sdk::Inbox;
use conclave_testing::World;
use serde_json::{Value, json};

#[expect(dead_code, reason = "its main is for the command line")]
#[path = "../../sdk/examples/echo_bot.rs"]
mod echo_bot;
#[expect(dead_code, reason = "its main is for the command line")]
#[path = "../../sdk/examples/webhook_gateway.rs"]
mod webhook_gateway;

const SECRET: &str = "a secret of sixteen";

#[tokio::test(flavor = "multi_thread")]
async fn the_echo_bot_answers_whoever_writes_to_it_and_what_came_while_it_was_away() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bot = world.registers("echo").await;
    alice.sends("before it ran").to(&bot).await;
    bot.sees(&["before it ran"]).from(&alice).await;
    let bot = bot.begins_again().await;
    let device = bot.device().clone();
    let runs = tokio::spawn(async move { echo_bot::run(&device).await });
    alice
        .sees(&["before it ran", "before it ran"])
        .in_the_chat_with(&bot)
        .await;
    alice.sends("and now").to(&bot).await;
    alice
        .sees(&["before it ran", "before it ran", "and now", "and now"])
        .in_the_chat_with(&bot)
        .await;
    runs.abort();
    // What it answered is read, and is not answered again.
    assert_eq!(bot.unread_from(&alice).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_hands_out_each_message_once_and_again_after_a_restart_until_it_is_done() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    for text in ["one", "two", "three"] {
        alice.sends(text).to(&bob).await;
    }
    bob.sees(&["one", "two", "three"]).from(&alice).await;
    let mut inbox = Inbox::new(bob.device());
    let one = inbox.next().await.unwrap();
    let two = inbox.next().await.unwrap();
    assert_ne!(one.id, two.id);
    inbox.done(&one).await.unwrap();
    // The program is killed here: the second was handed out, and nothing says that it was dealt with.
    drop(inbox);
    let mut inbox = Inbox::new(bob.device());
    assert_eq!(inbox.next().await.unwrap().id, two.id);
    let three = inbox.next().await.unwrap();
    inbox.done(&three).await.unwrap();
    alice.sends("four").to(&bob).await;
    let four = inbox.next().await.unwrap();
    assert!(four.message.position.ordinal > three.message.position.ordinal);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_posts_a_text_once_as_a_member_and_refuses_strangers_and_nonsense() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let alerts = world.registers("alerts").await;
    let group = alice.makes_a_group("Operations", &[&alerts]).await;
    alerts.is_in(group).await;
    let mut room = None;
    while room.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        room = webhook_gateway::room_called(alerts.device(), "Operations")
            .await
            .unwrap();
    }
    let room = room.expect("it has the group's name by now");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = webhook_gateway::routes(alerts.device().clone(), room, SECRET.into());
    let serves = tokio::spawn(async move { axum::serve(listener, routes).await });

    let text = json!({ "text": "Disk of web-3 is at 91 %" }).to_string();
    let key = Some("0193b1d2-7c1a-7a3b-8c4d-5e6f708192a3");
    assert_eq!(post(address, SECRET, key, &text).await.0, 202);
    let (status, repeated) = post(address, SECRET, key, &text).await;
    assert_eq!((status, repeated["id"].as_str()), (202, key));
    alice.sees_in(group, &["Disk of web-3 is at 91 %"]).await;

    assert_eq!(post(address, "another secret here", None, &text).await.0, 401);
    assert_eq!(post(address, SECRET, Some("seven"), &text).await.0, 400);
    for nonsense in ["", "text", "{}", r#"{"text":7}"#, r#"{"text":"  "}"#] {
        assert_eq!(post(address, SECRET, None, nonsense).await.0, 422, "{nonsense}");
    }
    let long = json!({ "text": "x".repeat(40_000) }).to_string();
    let (status, refusal) = post(address, SECRET, None, &long).await;
    assert_eq!((status, refusal["code"].is_string()), (422, true));
    assert_eq!(post(address, SECRET, None, &"x".repeat(70_000)).await.0, 413);
    assert_eq!(alice.texts_of(group).await, ["Disk of web-3 is at 91 %"]);
    serves.abort();
}

/// Sends one request over a connection of its own.
async fn post(address: std::net::SocketAddr, secret: &str, key: Option<&str>, body: &str) -> (u16, Value) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nAuthorization: Bearer {secret}\r\n{key}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // What is too long may be refused before it was sent.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}
