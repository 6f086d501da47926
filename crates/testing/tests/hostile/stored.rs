//! What a server may do to what it stores.

use conclave_client::views::BodyView;
use conclave_testing::World;
use rusqlite::Connection;

use super::text;

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_envelope_shows_once_and_a_tampered_one_is_readable_in_the_end() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("one").to(&bob).await;
    bob.sees(&["one"]).from(&alice).await;
    bob.sends("ok").to(&alice).await;
    alice.sees(&["ok"]).from(&bob).await;

    bob.goes_offline().await;
    for words in ["two", "three", "four"] {
        let id = alice.sends(words).to(&bob).await;
        alice
            .device()
            .wait_until_sent(id, std::time::Duration::from_secs(20))
            .await
            .unwrap();
    }
    world.server_stops().await;
    tamper(&world);
    world.server_starts().await;
    bob.comes_back().await;

    bob.waits("what arrived", async || {
        let timeline = bob.timeline_with(&alice).await;
        let seen: Vec<BodyView> = timeline
            .into_iter()
            .filter(|row| !row.mine)
            .map(|row| row.body)
            .collect();
        let wanted = [text("one"), text("two"), text("three"), text("four")];
        if seen == wanted {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
    // A new session was begun by itself, the key came once more, and both sides go on.
    alice.sends("five").to(&bob).await;
    bob.sends("six").to(&alice).await;
    alice.sees(&["ok", "six"]).from(&bob).await;
    bob.waits("the newest message", async || {
        let timeline = bob.timeline_with(&alice).await;
        if timeline.iter().any(|row| row.body == text("five")) {
            Ok(())
        } else {
            Err("nothing new".into())
        }
    })
    .await;
}

/// One bit of the first waiting message is flipped; the last one is put into the mailbox a second time.
fn tamper(world: &World) {
    let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
    let (first, last): (i64, i64) = database
        .query_row(
            "SELECT min(sequence), max(sequence) FROM mailbox WHERE room IS NOT NULL",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let mut pairwise: Vec<u8> = database
        .query_row(
            "SELECT pairwise FROM mailbox WHERE sequence = ?1 AND room IS NOT NULL",
            [first],
            |row| row.get(0),
        )
        .unwrap();
    *pairwise.last_mut().unwrap() ^= 1;
    database
        .execute(
            "UPDATE mailbox SET pairwise = ?1 WHERE sequence = ?2 AND room IS NOT NULL",
            (&pairwise, first),
        )
        .unwrap();
    let again = "INSERT INTO mailbox (account, device, sequence, room, envelope, pairwise)
        SELECT account, device, sequence + 1, room, envelope, pairwise FROM mailbox
        WHERE sequence = ?1 AND room IS NOT NULL";
    assert_eq!(database.execute(again, [last]).unwrap(), 1);
    let head = "UPDATE devices SET mailbox_head = mailbox_head + 1
        WHERE (account, device) IN (SELECT account, device FROM mailbox WHERE room IS NOT NULL)";
    assert_eq!(database.execute(head, []).unwrap(), 1);
}
