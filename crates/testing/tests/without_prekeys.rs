//! A device that has published no prekeys holds up nobody, and gets what it missed once it has.

use conclave_client::views::BodyView;
use conclave_protocol::{DeviceAddress, DeviceId};
use conclave_testing::{Person, World};

async fn shows(reader: &Person, author: &Person, wanted: &[BodyView]) {
    reader
        .waits("what is shown", async || {
            let rows = reader.timeline_with(author).await;
            let seen: Vec<BodyView> = rows.into_iter().map(|row| row.body).collect();
            if seen == wanted {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
}

fn text(text: &str) -> BodyView {
    BodyView::Text { text: text.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_prekeys_holds_up_nobody_and_asks_for_what_it_missed() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let account = bob.account().await;
    // What bob's second device publishes never reaches the directory.
    hostile.hears(move |traveller, path, asked| {
        let second = |device: DeviceAddress| device.account == account && device.device != DeviceId(0);
        if traveller.is_some_and(second) && path.ends_with("/devices/prekeys") {
            asked["one_time"] = serde_json::Value::Array(Vec::new());
            asked["last_resort"] = serde_json::Value::Null;
        }
    });
    let phone = bob.adds_a_device("phone").await;
    alice.sends("one").to(&bob).await;
    bob.sees(&["one"]).from(&alice).await;
    // It sees that there is something which it cannot open yet.
    shows(&phone, &alice, &[BodyView::Unopened]).await;
    bob.sends("two").to(&alice).await;
    alice.sees(&["two"]).from(&bob).await;

    hostile.behaves();
    phone.goes_offline().await;
    phone.comes_back().await;
    // Prekeys are published after a while, so that they do not say who is there.
    world.time_passes(std::time::Duration::from_mins(5));
    bob.sends("three").to(&alice).await;
    shows(&phone, &alice, &[text("one"), text("two"), text("three")]).await;
    // What comes later is sealed to it like to any other.
    alice.sends("four").to(&bob).await;
    shows(
        &phone,
        &alice,
        &[text("one"), text("two"), text("three"), text("four")],
    )
    .await;
}
