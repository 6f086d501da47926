//! The hostile server. Each test is an attack, and says how it ends: in refusal, or in something that people see.
//!
//! The server holds no keys, so everything here is done with what it has: it sees every frame and every answer, and
//! may alter, swap, repeat, withhold and invent them. `docs/threat-model.md` lists the attacks.

mod connection;
mod devices;
mod keys;
mod messages;
mod people;
mod places;
mod rooms;
mod stored;

use conclave_client::views::BodyView;
use conclave_testing::{Hostile, Person, World};

fn text(text: &str) -> BodyView {
    BodyView::Text { text: text.into() }
}

/// Alice and bob, who reach a server that will turn on them, and have said hello.
async fn two_who_met(world: &World) -> (Hostile, Person, Person) {
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hello").to(&bob).await;
    bob.sees(&["hello"]).from(&alice).await;
    bob.sends("hello, alice").to(&alice).await;
    alice.sees(&["hello, alice"]).from(&bob).await;
    (hostile, alice, bob)
}

/// Waits until the rows from somebody are exactly these.
async fn shows(reader: &Person, author: &Person, wanted: &[BodyView]) {
    reader
        .waits("what is shown", async || {
            let timeline = reader.timeline_with(author).await;
            let author = author.account().await.to_string();
            let seen: Vec<BodyView> = timeline
                .into_iter()
                .filter(|row| row.author == author)
                .map(|row| row.body)
                .collect();
            if seen == wanted {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
}
