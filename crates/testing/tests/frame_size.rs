//! A 100-byte text in an established direct chat is one frame of at most 450 bytes, all fields included.

use conclave_protocol::frames::{ClientFrame, Item, ServerFrame};
use conclave_sdk::Direction;
use conclave_testing::World;

const LIMIT: usize = 450;

#[tokio::test(flavor = "multi_thread")]
async fn a_100_byte_text_in_an_established_chat_is_one_frame_of_at_most_450_bytes() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hello").to(&bob).await;
    bob.sees(&["hello"]).from(&alice).await;
    bob.sends("hello").to(&alice).await;
    alice.sees(&["hello"]).from(&bob).await;

    alice.wire().forget();
    bob.wire().forget();
    let text = "x".repeat(100);
    alice.sends(&text).to(&bob).await;
    bob.sees(&["hello", &text]).from(&alice).await;

    let (sent, send) = alice
        .wire()
        .records()
        .into_iter()
        .filter(|record| record.direction == Direction::Sent)
        .find_map(|record| match ClientFrame::from_bytes(&record.bytes) {
            Ok(ClientFrame::Send(send)) => Some((record.bytes.len(), send)),
            _ => None,
        })
        .expect("the text was sent in a frame");
    let (received, deliver) = bob
        .wire()
        .records()
        .into_iter()
        .filter(|record| record.direction == Direction::Received)
        .find_map(|record| match ServerFrame::from_bytes(&record.bytes) {
            Ok(ServerFrame::Deliver(deliver)) if matches!(deliver.item, Item::Message(_)) => {
                Some((record.bytes.len(), deliver))
            }
            _ => None,
        })
        .expect("the text was delivered in a frame");

    let body = send.body.0.len();
    let keys: usize = send.keys.iter().map(|key| key.pairwise.0.len()).sum();
    println!("sent frame: {sent} bytes of {LIMIT}");
    println!("  sealed body (100 bytes of text, counter, previous hash, padding, commitment, tag): {body}");
    println!(
        "  key for {} device (ratchet header, randomness, key, hash, commitment, tag): {keys}",
        send.keys.len()
    );
    println!(
        "  id 16, room 32, heads, class, device, CBOR: {}",
        sent - body - keys
    );
    println!("delivered frame: {received} bytes of {LIMIT}");
    println!(
        "  beyond body and key: {}",
        received - body - deliver.pairwise.0.len()
    );
    assert_eq!(send.keys.len(), 1, "one device on the other side");
    assert!(sent <= LIMIT, "sent {sent}");
    assert!(received <= LIMIT, "delivered {received}");
}
