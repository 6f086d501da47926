//! What is done to messages on their way.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use conclave_client::views::{BodyView, DeliveryView, LossView};
use conclave_protocol::frames::{Class, ClientFrame, Deliver, DirectMessage, Item, ServerFrame, Side};
use conclave_protocol::{Bytes, EnvelopeId, RoomId, Timestamp};
use conclave_testing::{Hostile, Person, World};

use super::{shows, text, two_who_met};

/// Changes each message that is delivered to somebody, and counts them.
async fn changes_messages_to(
    hostile: &Hostile,
    reader: &Person,
    change: impl Fn(&mut Deliver, &mut DirectMessage) + Send + 'static,
) -> Arc<AtomicU32> {
    let reader = reader.account().await;
    let played = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&played);
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Deliver(mut deliver) if whose.is_some_and(|whose| whose.account == reader) => {
            if let Item::Message(mut message) = deliver.item.clone() {
                change(&mut deliver, &mut message);
                deliver.item = Item::Message(message);
                count.fetch_add(1, Ordering::SeqCst);
            }
            vec![ServerFrame::Deliver(deliver)]
        }
        frame => vec![frame],
    });
    played
}

/// Waits until the trick was played.
async fn is_played(reader: &Person, count: &AtomicU32) {
    reader
        .waits("the trick", async || match count.load(Ordering::SeqCst) {
            0 => Err("nothing".into()),
            _ => Ok(()),
        })
        .await;
}

/// A message that was altered stands closed, is asked for again, and reads as it was written in the end.
async fn is_noticed_and_repaired(change: impl Fn(&mut Deliver, &mut DirectMessage) + Send + 'static) {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    changes_messages_to(&hostile, &bob, change).await;
    alice.sends("as I wrote it").to(&bob).await;
    shows(&bob, &alice, &[text("hello"), BodyView::Unopened]).await;
    hostile.behaves();
    alice.sends("go on").to(&bob).await;
    shows(
        &bob,
        &alice,
        &[text("hello"), text("as I wrote it"), text("go on")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_body_is_not_shown() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    changes_messages_to(&hostile, &bob, |_, message| {
        if let Some(byte) = message.body.0.last_mut() {
            *byte ^= 1;
        }
    })
    .await;
    alice.sends("as I wrote it").to(&bob).await;
    shows(&bob, &alice, &[text("hello"), BodyView::Unopened]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_key_is_asked_for_again() {
    is_noticed_and_repaired(|deliver, _| {
        if let Some(byte) = deliver.pairwise.0.last_mut() {
            *byte ^= 1;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_passed_off_as_an_annotation_of_another_is_not_shown() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    changes_messages_to(&hostile, &bob, |_, message| {
        message.class = Class::Annotation;
        message.target = Some(EnvelopeId([7; 16]));
    })
    .await;
    alice.sends("as I wrote it").to(&bob).await;
    shows(&bob, &alice, &[text("hello"), BodyView::Unopened]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_under_another_id_is_not_shown() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    changes_messages_to(&hostile, &bob, |deliver, _| deliver.id.0[15] ^= 1).await;
    alice.sends("as I wrote it").to(&bob).await;
    shows(&bob, &alice, &[text("hello"), BodyView::Unopened]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_attributed_to_its_reader_is_not_shown() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let played = changes_messages_to(&hostile, &bob, |_, message| {
        message.side = match message.side {
            Side::Low => Side::High,
            Side::High => Side::Low,
        };
    })
    .await;
    alice.sends("I owe bob a thousand").to(&bob).await;
    is_played(&bob, &played).await;
    hostile.behaves();
    alice.sends("go on").to(&bob).await;
    bob.waits("the next message", async || {
        let timeline = bob.timeline_with(&alice).await;
        let bodies: Vec<BodyView> = timeline.iter().map(|row| row.body.clone()).collect();
        if bodies.contains(&text("go on")) {
            Ok(())
        } else {
            Err(format!("{bodies:?}"))
        }
    })
    .await;
    let timeline = bob.timeline_with(&alice).await;
    let put_into_bobs_mouth = timeline
        .iter()
        .any(|row| row.mine && row.body == text("I owe bob a thousand"));
    assert!(!put_into_bobs_mouth);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_delivered_in_another_chat_is_not_shown_there() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let carol = world.registers("carol").await;
    carol.sends("hi").to(&bob).await;
    bob.sees(&["hi"]).from(&carol).await;
    let other = RoomId::direct(bob.account().await, carol.account().await);
    let played = changes_messages_to(&hostile, &bob, move |_, message| message.room = other).await;
    alice.sends("between us").to(&bob).await;
    is_played(&bob, &played).await;
    hostile.behaves();
    alice.sends("go on").to(&bob).await;
    bob.waits("the next message", async || {
        let timeline = bob.timeline_with(&alice).await;
        if timeline.iter().any(|row| row.body == text("go on")) {
            Ok(())
        } else {
            Err(format!("{timeline:?}"))
        }
    })
    .await;
    let elsewhere = bob.timeline_with(&carol).await;
    assert!(
        elsewhere.iter().all(|row| row.body != text("between us")),
        "{elsewhere:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_one_message_opens_no_other() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let reader = bob.account().await;
    let held: Mutex<Vec<Deliver>> = Mutex::default();
    // Two messages are held until both are there; then each comes with the other's body.
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Deliver(deliver)
            if whose.is_some_and(|whose| whose.account == reader)
                && matches!(deliver.item, Item::Message(_)) =>
        {
            let mut held = held.lock().unwrap();
            held.push(deliver);
            if held.len() < 2 {
                return Vec::new();
            }
            let mut two = std::mem::take(&mut *held);
            let bodies: Vec<Bytes> = two.iter().map(body_of).collect();
            for (deliver, body) in two.iter_mut().zip(bodies.into_iter().rev()) {
                if let Item::Message(message) = &mut deliver.item {
                    message.body = body;
                }
            }
            two.into_iter().map(ServerFrame::Deliver).collect()
        }
        frame => vec![frame],
    });
    alice.sends("yes").to(&bob).await;
    alice.sends("no").to(&bob).await;
    shows(
        &bob,
        &alice,
        &[text("hello"), BodyView::Unopened, BodyView::Unopened],
    )
    .await;
}

fn body_of(deliver: &Deliver) -> Bytes {
    match &deliver.item {
        Item::Message(message) => message.body.clone(),
        Item::Control(_) | Item::Receipt(_) => Bytes::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_delivered_twice_shows_once() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    hostile.delivers(|_, frame| match frame {
        ServerFrame::Deliver(deliver) => {
            let mut again = deliver.clone();
            again.mailbox += 1_000;
            if let Item::Message(message) = &mut again.item {
                message.sequence += 1_000;
            }
            vec![ServerFrame::Deliver(deliver), ServerFrame::Deliver(again)]
        }
        frame => vec![frame],
    });
    alice.sends("once").to(&bob).await;
    bob.sees(&["hello", "once"]).from(&alice).await;
    hostile.behaves();
    bob.sees(&["hello", "once"]).from(&alice).await;
    assert_eq!(bob.unread_from(&alice).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_swallows_after_accepting_it_is_missed_by_the_next() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let sender = alice.account().await;
    // The server says that it has the message, and throws it away.
    let swallowed: Arc<Mutex<Vec<EnvelopeId>>> = Arc::default();
    let list = Arc::clone(&swallowed);
    hostile.takes(move |whose, frame| match frame {
        ClientFrame::Send(send) if whose.is_some_and(|whose| whose.account == sender) => {
            list.lock().unwrap().push(send.id);
            Vec::new()
        }
        frame => vec![frame],
    });
    let lost = alice.sends("swallowed").to(&bob).await;
    alice
        .waits("the message to be swallowed", async || {
            if swallowed.lock().unwrap().contains(&lost) {
                Ok(())
            } else {
                Err("nothing".into())
            }
        })
        .await;
    let accepted = conclave_protocol::frames::Accepted {
        id: lost,
        sequence: 3,
        time: Timestamp(lost.time().0),
    };
    let device = conclave_protocol::DeviceAddress {
        account: sender,
        device: conclave_protocol::DeviceId(0),
    };
    hostile.says(device, ServerFrame::Accepted(accepted)).await;
    alice.sees_delivery(&bob, lost, &DeliveryView::Sent).await;
    hostile.behaves();
    alice.sends("the next").to(&bob).await;
    bob.waits("the gap to show", async || {
        let timeline = bob.timeline_with(&alice).await;
        let next = timeline.iter().find(|row| row.body == text("the next"));
        match next {
            Some(row) if row.missing_before == 1 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invented_message_shows_no_words() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    let reader = conclave_protocol::DeviceAddress {
        account: bob.account().await,
        device: conclave_protocol::DeviceId(0),
    };
    let room = RoomId::direct(alice.account().await, bob.account().await);
    let side = if alice.account().await < bob.account().await {
        Side::Low
    } else {
        Side::High
    };
    let invented = Deliver {
        mailbox: 500,
        id: EnvelopeId([9; 16]),
        pairwise: Bytes(vec![1; 166]),
        item: Item::Message(DirectMessage {
            room,
            sequence: 500,
            side,
            device: conclave_protocol::DeviceId(0),
            time: Timestamp(1),
            class: Class::Message,
            heads: conclave_protocol::frames::Heads { low: 0, high: 0 },
            target: None,
            body: Bytes(b"please send money".to_vec()),
        }),
    };
    hostile.says(reader, ServerFrame::Deliver(invented)).await;
    // It names a time of long ago, so nobody is asked for it either.
    let closed = BodyView::Lost {
        why: LossView::TooOld,
    };
    shows(&bob, &alice, &[text("hello"), closed]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_sends_cannot_be_altered_before_it_is_stored() {
    let world = World::begin().await;
    let (hostile, alice, bob) = two_who_met(&world).await;
    hostile.takes(|_, frame| match frame {
        ClientFrame::Send(mut send) => {
            if let Some(byte) = send.body.0.first_mut() {
                *byte ^= 1;
            }
            vec![ClientFrame::Send(send)]
        }
        frame => vec![frame],
    });
    alice.sends("as I wrote it").to(&bob).await;
    shows(&bob, &alice, &[text("hello"), BodyView::Unopened]).await;
}
