//! Who is there, who writes and who gives receipts, between real people with real devices.

use std::time::Duration;

use conclave_client::views::{ChoiceChange, DeliveryView, SignalsView};
use conclave_protocol::frames::{Item, ServerFrame};
use conclave_protocol::presence::{Availability, LastSeen};
use conclave_testing::{Person, World};

/// What was to come would have come by then.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// Two who wrote to each other.
async fn two_who_met(world: &World) -> (Person, Person) {
    let (alice, bob) = (world.registers("alice").await, world.registers("bob").await);
    alice.sends("hi").to(&bob).await;
    bob.sees(&["hi"]).from(&alice).await;
    bob.sends("hello").to(&alice).await;
    alice.sees(&["hi", "hello"]).in_the_chat_with(&bob).await;
    (alice, bob)
}

async fn signals(person: &Person) -> SignalsView {
    person.device().signals().await.expect("signals")
}

/// How one sees another.
async fn state_of(person: &Person, other: &Person) -> (&'static str, bool) {
    let account = other.account().await.to_string();
    let people = signals(person).await.people;
    let found = people.into_iter().find(|found| found.account == account);
    found.map_or(("offline", false), |found| (found.state, found.seen_at.is_some()))
}

async fn sees(person: &Person, other: &Person, wanted: (&'static str, bool)) {
    person
        .waits(&format!("{} is {wanted:?}", other.name()), async || {
            let found = state_of(person, other).await;
            (found == wanted).then_some(()).ok_or(format!("{found:?}"))
        })
        .await;
}

async fn sees_typing(person: &Person, names: &[&str]) {
    person
        .waits(&format!("{names:?} write"), async || {
            let typing = signals(person).await.typing;
            let people = typing.into_iter().flat_map(|of| of.people);
            let found: Vec<_> = people.map(|found| found.username).collect();
            (found == names).then_some(()).ok_or(format!("{found:?}"))
        })
        .await;
}

async fn chooses(person: &Person, change: ChoiceChange) {
    person.device().choose(change).await.expect("chosen");
}

fn seen_as(availability: Availability) -> ChoiceChange {
    ChoiceChange {
        availability: Some(availability),
        ..ChoiceChange::default()
    }
}

fn receipts(on: bool) -> ChoiceChange {
    ChoiceChange {
        receipts: Some(on),
        ..ChoiceChange::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_met_see_each_other_come_hide_and_go() {
    let world = World::begin().await;
    let (alice, bob) = two_who_met(&world).await;
    sees(&alice, &bob, ("online", false)).await;
    sees(&bob, &alice, ("online", false)).await;
    bob.device().set_active(false).await.unwrap();
    sees(&alice, &bob, ("idle", false)).await;
    bob.device().set_active(true).await.unwrap();
    chooses(&bob, seen_as(Availability::DoNotDisturb)).await;
    sees(&alice, &bob, ("do_not_disturb", false)).await;
    chooses(&bob, seen_as(Availability::Invisible)).await;
    sees(&alice, &bob, ("offline", true)).await;
    // He sees her all the same, and what he writes does not show him.
    sees(&bob, &alice, ("online", false)).await;
    let room = bob.room_with(&alice).await;
    bob.device().set_typing(room, true).await.unwrap();
    tokio::time::sleep(LONG_ENOUGH).await;
    sees_typing(&alice, &[]).await;
    assert_eq!(state_of(&alice, &bob).await, ("offline", true));
    let nobody = ChoiceChange {
        last_seen: Some(LastSeen::Nobody),
        ..ChoiceChange::default()
    };
    chooses(&bob, nobody).await;
    sees(&alice, &bob, ("offline", false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_blocked_people_see_nothing() {
    let world = World::begin().await;
    let (alice, bob) = two_who_met(&world).await;
    let eve = world.registers("eve").await;
    eve.sends("psst").unasked_to(&alice).await;
    alice.sees(&["psst"]).from(&eve).await;
    sees(&alice, &bob, ("online", false)).await;
    let room = eve.room_with(&alice).await;
    eve.device().set_typing(room, true).await.unwrap();
    tokio::time::sleep(LONG_ENOUGH).await;
    assert_eq!(state_of(&eve, &alice).await, ("offline", false));
    assert!(signals(&alice).await.typing.is_empty());
    // Blocked, one is as unknown as a stranger.
    bob.blocks(&alice, true).await;
    sees(&alice, &bob, ("offline", false)).await;
    sees(&bob, &alice, ("offline", false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_is_shown_until_the_message_is_sent_or_given_up() {
    let world = World::begin().await;
    let (alice, bob) = two_who_met(&world).await;
    let room = alice.room_with(&bob).await;
    alice.device().set_typing(room, true).await.unwrap();
    sees_typing(&bob, &["alice"]).await;
    alice.sends("how are you?").to(&bob).await;
    sees_typing(&bob, &[]).await;
    alice.device().set_typing(room, true).await.unwrap();
    sees_typing(&bob, &["alice"]).await;
    alice.device().set_typing(room, false).await.unwrap();
    sees_typing(&bob, &[]).await;
    // Whoever falls silent has stopped.
    alice.device().set_typing(room, true).await.unwrap();
    sees_typing(&bob, &["alice"]).await;
    sees_typing(&bob, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_no_receipts_gives_none_on_any_device_and_gets_none_and_own_devices_still_agree() {
    let world = World::begin().await;
    let (alice, bob) = two_who_met(&world).await;
    let desk = bob.adds_a_device("desk").await;
    chooses(&desk, receipts(false)).await;
    bob.waits("the choice on all devices", async || {
        let own = signals(&bob).await.own;
        (!own.receipts).then_some(()).ok_or(format!("{own:?}"))
    })
    .await;
    let lunch = alice.sends("lunch?").to(&bob).await;
    bob.sees(&["hi", "hello", "lunch?"])
        .in_the_chat_with(&alice)
        .await;
    let yes = bob.sends("yes").to(&alice).await;
    for device in [&bob, &desk] {
        device
            .sees(&["hi", "hello", "lunch?", "yes"])
            .in_the_chat_with(&alice)
            .await;
    }
    alice.reads_everything_from(&bob).await;
    bob.reads_everything_from(&alice).await;
    desk.waits("what was read elsewhere to be read", async || {
        let unread = desk.unread_from(&alice).await;
        (unread == 0).then_some(()).ok_or(format!("{unread} unread"))
    })
    .await;
    tokio::time::sleep(LONG_ENOUGH).await;
    alice.sees_delivery(&bob, lunch, &DeliveryView::Sent).await;
    bob.sees_delivery(&alice, yes, &DeliveryView::Sent).await;
    chooses(&bob, receipts(true)).await;
    let again = alice.sends("now?").to(&bob).await;
    alice.sees_delivery(&bob, again, &DeliveryView::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_the_server_does_not_know_for_one_is_none() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob) = two_who_met(&world).await;
    // As if a changed client had sent it for something else.
    hostile.delivers(|_, frame| match frame {
        ServerFrame::Deliver(mut deliver) => {
            if let Item::Receipt(from) = deliver.item {
                deliver.item = Item::Control(from);
            }
            vec![ServerFrame::Deliver(deliver)]
        }
        frame => vec![frame],
    });
    let lunch = alice.sends("lunch?").to(&bob).await;
    bob.sees(&["hi", "hello", "lunch?"])
        .in_the_chat_with(&alice)
        .await;
    bob.reads_everything_from(&alice).await;
    tokio::time::sleep(LONG_ENOUGH).await;
    alice.sees_delivery(&bob, lunch, &DeliveryView::Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_cannot_loosen_what_a_person_closed() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let (alice, bob) = two_who_met(&world).await;
    chooses(&bob, receipts(false)).await;
    hostile.delivers(|_, frame| match frame {
        ServerFrame::Choices(mut choices) => {
            choices.receipts = true;
            vec![ServerFrame::Choices(choices)]
        }
        frame => vec![frame],
    });
    bob.goes_offline().await;
    bob.comes_back().await;
    bob.is_online().await;
    let lunch = alice.sends("lunch?").to(&bob).await;
    bob.sees(&["hi", "hello", "lunch?"])
        .in_the_chat_with(&alice)
        .await;
    assert!(!signals(&bob).await.own.receipts);
    tokio::time::sleep(LONG_ENOUGH).await;
    alice.sees_delivery(&bob, lunch, &DeliveryView::Sent).await;
}
