//! What people do with messages: reply, edit, delete, react, pin, vote, forward, let them disappear. Two people with
//! two devices each see the same, whatever comes first and whatever begins again.

use std::time::Duration;

use conclave_client::views::{BodyView, Event, MessageView, QuoteState};
use conclave_protocol::EnvelopeId;
use conclave_protocol::frames::{ClientFrame, Item, ServerFrame};
use conclave_sdk::TextWith;
use conclave_testing::{Person, World};

/// Two people at two devices each, and what one said to the other, which all four have.
struct Four {
    world: World,
    alice: Person,
    laptop: Person,
    bob: Person,
    phone: Person,
    hello: EnvelopeId,
}

impl Four {
    async fn meet() -> Self {
        let world = World::begin().await;
        let alice = world.registers("alice").await;
        let bob = world.registers("bob").await;
        let laptop = alice.adds_a_device("laptop").await;
        let phone = bob.adds_a_device("phone").await;
        let hello = alice.sends("hello").to(&bob).await;
        for (person, other) in [(&alice, &bob), (&laptop, &bob), (&bob, &alice), (&phone, &alice)] {
            person.sees(&["hello"]).in_the_chat_with(other).await;
        }
        Self {
            world,
            alice,
            laptop,
            bob,
            phone,
            hello,
        }
    }

    /// Waits until all four devices show a message so.
    async fn all_see(&self, message: EnvelopeId, what: &str, is_so: impl Fn(&MessageView) -> bool) {
        for person in [&self.alice, &self.laptop, &self.bob, &self.phone] {
            sees(person, message, what, &is_so).await;
        }
    }
}

async fn sees(person: &Person, message: EnvelopeId, what: &str, is_so: impl Fn(&MessageView) -> bool) {
    person
        .waits(what, async || {
            let found = person.device().find_message(message).await.expect("a look");
            match found {
                Some(found) if is_so(&found) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
}

fn says(view: &MessageView, text: &str) -> bool {
    view.body == BodyView::Text { text: text.into() }
}

fn is_deleted(view: &MessageView) -> bool {
    view.body == BodyView::Deleted { by_author: true }
}

fn reacted(view: &MessageView, wanted: &[(&str, u32)]) -> bool {
    let seen: Vec<(&str, u32)> = view
        .reactions
        .iter()
        .map(|one| (one.emoji.as_str(), one.count))
        .collect();
    seen == wanted
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_from_another_device_shows_everywhere_with_its_history_and_nobody_else_can_make_one() {
    let four = Four::meet().await;
    four.laptop
        .device()
        .edit_message(four.hello, "hello, bob")
        .await
        .expect("an edit");
    four.all_see(four.hello, "the edit", |view| {
        says(view, "hello, bob") && view.edited_at.is_some()
    })
    .await;
    four.alice
        .device()
        .edit_message(four.hello, "good morning, bob")
        .await
        .expect("an edit");
    four.all_see(four.hello, "the second edit", |view| {
        says(view, "good morning, bob")
    })
    .await;
    let edits = four.phone.device().list_edits(four.hello).await.expect("edits");
    let texts: Vec<&str> = edits.iter().map(|edit| edit.text.as_str()).collect();
    assert_eq!(texts, ["hello", "hello, bob", "good morning, bob"]);

    let refused = four.bob.device().edit_message(four.hello, "forged").await;
    assert!(format!("{refused:?}").contains("not_yours"), "{refused:?}");
    let view = four.bob.device().find_message(four.hello).await.unwrap().unwrap();
    assert!(
        !view.can.edit && !view.can.delete_for_everyone && view.can.react,
        "{view:?}"
    );
    // It is no news.
    assert_eq!(four.bob.unread_from(&four.alice).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_of_people_and_not_of_devices_are_counted_and_taken_back() {
    let four = Four::meet().await;
    for (person, emoji) in [
        (&four.bob, "👍"),
        (&four.phone, "👍"),
        (&four.alice, "👍"),
        (&four.laptop, "🎉"),
    ] {
        person
            .device()
            .react(four.hello, emoji, true)
            .await
            .expect("a reaction");
    }
    four.all_see(four.hello, "reactions", |view| {
        reacted(view, &[("👍", 2), ("🎉", 1)]) || reacted(view, &[("🎉", 1), ("👍", 2)])
    })
    .await;
    let view = four
        .phone
        .device()
        .find_message(four.hello)
        .await
        .unwrap()
        .unwrap();
    let thumb = view.reactions.iter().find(|one| one.emoji == "👍").unwrap();
    let mut names: Vec<&str> = thumb.people.iter().map(|one| one.username.as_str()).collect();
    names.sort_unstable();
    assert_eq!((names, thumb.mine), (vec!["alice", "bob"], true));
    // The other device takes back what the first one gave.
    four.phone
        .device()
        .react(four.hello, "👍", false)
        .await
        .expect("taken back");
    four.all_see(four.hello, "one reaction less", |view| {
        view.reactions.iter().all(|one| one.count == 1) && view.reactions.len() == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_deleted_for_everyone_is_gone_for_good_also_after_a_restart_and_for_who_quotes_it() {
    let four = Four::meet().await;
    let room = four.bob.room_with(&four.alice).await;
    let with = TextWith {
        reply_to: Some(four.hello),
        ..TextWith::default()
    };
    let reply = four
        .bob
        .device()
        .send_text_with(room, "hello yourself", with)
        .await
        .unwrap();
    four.all_see(reply, "the quote", |view| {
        view.reply
            .as_ref()
            .is_some_and(|quote| quote.excerpt == "hello" && quote.username == "alice")
    })
    .await;
    let refused = four.bob.device().delete_message(four.hello, true).await;
    assert!(format!("{refused:?}").contains("not_yours"), "{refused:?}");
    four.alice
        .device()
        .delete_message(four.hello, true)
        .await
        .expect("deleted");
    four.all_see(four.hello, "the deletion", is_deleted).await;
    four.all_see(reply, "the empty quote", |view| {
        view.reply
            .as_ref()
            .is_some_and(|quote| quote.excerpt.is_empty() && quote.state == QuoteState::Deleted)
    })
    .await;
    let bob = four.bob.begins_again().await;
    sees(&bob, four.hello, "the deletion after a restart", is_deleted).await;
    assert_eq!(bob.timeline_with(&four.alice).await.len(), 2);
    assert!(bob.device().react(four.hello, "👍", true).await.is_err());
    bob.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_for_oneself_goes_on_the_own_devices_alone_and_does_not_come_on_a_new_one() {
    let four = Four::meet().await;
    four.bob
        .device()
        .delete_message(four.hello, false)
        .await
        .expect("deleted");
    for person in [&four.bob, &four.phone] {
        person
            .waits("an empty chat", async || {
                let rows = person.timeline_with(&four.alice).await;
                if rows.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{rows:?}"))
                }
            })
            .await;
        assert_eq!(person.unread_from(&four.alice).await, 0);
    }
    four.alice.sees(&["hello"]).in_the_chat_with(&four.bob).await;
    four.alice.sends("still there?").to(&four.bob).await;
    four.bob
        .sees(&["still there?"])
        .in_the_chat_with(&four.alice)
        .await;
    all_is_recorded(&four.world, &[&four.bob, &four.phone]).await;
    let tablet = four.bob.adds_a_device("tablet").await;
    tablet.sees(&["still there?"]).in_the_chat_with(&four.alice).await;
}

/// Waits until everything that these devices know is in their account's vault. Each also records what another one would
/// have, had it been there.
async fn all_is_recorded(world: &World, devices: &[&Person]) {
    world.time_passes(Duration::from_mins(30));
    for device in devices {
        device.goes_offline().await;
        device.comes_back().await;
        device
            .waits("an empty queue", async || {
                match device.device().waits_for_the_vault().await {
                    Ok(0) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_shows_the_past_as_it_is_now() {
    let four = Four::meet().await;
    let room = four.alice.room_with(&four.bob).await;
    four.alice
        .device()
        .edit_message(four.hello, "hello, bob")
        .await
        .expect("an edit");
    four.bob
        .device()
        .react(four.hello, "👍", true)
        .await
        .expect("a reaction");
    four.bob.device().pin(four.hello, true).await.expect("a pin");
    let gone = four.alice.device().send_text(room, "never mind").await.unwrap();
    sees(&four.bob, gone, "the second message", |view| {
        says(view, "never mind")
    })
    .await;
    four.alice
        .device()
        .delete_message(gone, true)
        .await
        .expect("deleted");
    four.all_see(gone, "the deletion", is_deleted).await;
    four.all_see(four.hello, "all of it", |view| {
        view.pinned && reacted(view, &[("👍", 1)])
    })
    .await;
    all_is_recorded(&four.world, &[&four.alice, &four.laptop]).await;
    let tablet = four.alice.adds_a_device("tablet").await;
    sees(&tablet, four.hello, "the past", |view| {
        says(view, "hello, bob") && view.pinned && reacted(view, &[("👍", 1)])
    })
    .await;
    sees(&tablet, gone, "the deletion", is_deleted).await;
    let pinned = tablet.device().list_pinned(room).await.expect("pins");
    assert_eq!(pinned.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_counts_each_person_once_until_it_is_closed() {
    let four = Four::meet().await;
    let room = four.alice.room_with(&four.bob).await;
    let options = || vec!["now".to_owned(), "later".to_owned()];
    let short = four
        .alice
        .device()
        .create_poll(room, "When?", vec!["now".into()], false, None)
        .await;
    assert!(format!("{short:?}").contains("poll_invalid"), "{short:?}");
    let poll = four
        .alice
        .device()
        .create_poll(room, "When?", options(), false, None)
        .await
        .expect("a poll");
    let tally = |view: &MessageView| match &view.body {
        BodyView::Poll {
            options,
            voters,
            closed,
            ..
        } => {
            let votes: Vec<u32> = options.iter().map(|option| option.votes).collect();
            Some((votes, *voters, *closed))
        }
        _ => None,
    };
    four.all_see(poll, "the poll", |view| {
        tally(view) == Some((vec![0, 0], 0, false))
    })
    .await;
    assert_eq!(four.bob.unread_from(&four.alice).await, 2);
    four.bob.device().vote(poll, vec![0]).await.expect("a vote");
    four.laptop.device().vote(poll, vec![0]).await.expect("a vote");
    four.all_see(poll, "two votes", |view| {
        tally(view) == Some((vec![2, 0], 2, false))
    })
    .await;
    four.phone
        .device()
        .vote(poll, vec![1])
        .await
        .expect("another mind");
    four.all_see(poll, "a changed vote", |view| {
        tally(view) == Some((vec![1, 1], 2, false))
    })
    .await;
    let two = four.bob.device().vote(poll, vec![0, 1]).await;
    assert!(two.is_err(), "one answer only");
    assert!(four.bob.device().close_poll(poll).await.is_err(), "it is alice's");
    four.alice.device().close_poll(poll).await.expect("closed");
    four.all_see(poll, "the end", |view| tally(view) == Some((vec![1, 1], 2, true)))
        .await;
    let late = four.bob.device().vote(poll, vec![0]).await;
    assert!(format!("{late:?}").contains("poll_closed"), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_mentions_and_forwarding_arrive_with_the_text() {
    let four = Four::meet().await;
    let room = four.bob.room_with(&four.alice).await;
    let with = TextWith {
        thread: Some(four.hello),
        mentions: vec![four.alice.account().await],
        ..TextWith::default()
    };
    let first = four
        .bob
        .device()
        .send_text_with(room, "@alice here", with)
        .await
        .unwrap();
    sees(&four.alice, first, "a mention", |view| view.mentions_me).await;
    // Whoever answers in a thread answers in it, not beside it.
    let with = TextWith {
        thread: Some(first),
        ..TextWith::default()
    };
    let second = four
        .alice
        .device()
        .send_text_with(room, "yes", with)
        .await
        .unwrap();
    let root = four.hello.to_string();
    for message in [four.hello, first, second] {
        four.all_see(message, "the thread", |view| {
            view.thread
                .as_ref()
                .is_some_and(|thread| thread.root == root && thread.replies == 2)
        })
        .await;
    }
    let thread = four.phone.device().list_thread(second).await.expect("a thread");
    let ids: Vec<String> = thread.into_iter().map(|view| view.id).collect();
    assert_eq!(ids, [root, first.to_string(), second.to_string()]);

    let saved = four
        .bob
        .device()
        .open_chat(four.bob.account().await)
        .await
        .expect("saved messages");
    let kept = four
        .bob
        .device()
        .forward(four.hello, saved)
        .await
        .expect("forwarded");
    for person in [&four.bob, &four.phone] {
        sees(person, kept, "the forwarded message", |view| {
            says(view, "hello")
                && view
                    .forwarded
                    .as_ref()
                    .is_some_and(|from| from.username == "alice")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_disappear_from_when_they_were_sent_or_read_and_do_not_come_back() {
    let four = Four::meet().await;
    let room = four.alice.room_with(&four.bob).await;
    four.bob
        .device()
        .set_disappearing(room, 60)
        .await
        .expect("a timer");
    for (person, other) in [
        (&four.alice, &four.bob),
        (&four.laptop, &four.bob),
        (&four.phone, &four.alice),
    ] {
        person
            .waits("the timer", async || {
                let chats = person.device().list_chats().await.expect("chats");
                let chat = chats.iter().find(|chat| chat.room == room.to_string());
                match chat.map(|chat| chat.disappearing) {
                    Some(60) => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
        let last = person.timeline_with(other).await.pop().unwrap();
        assert_eq!(last.body, BodyView::Timer { seconds: 60 });
    }
    let soon_gone = four.alice.device().send_text(room, "soon gone").await.unwrap();
    four.all_see(soon_gone, "the message", |view| says(view, "soon gone"))
        .await;
    sees(&four.alice, soon_gone, "its end", |view| {
        view.expires_at.is_some()
    })
    .await;
    let unread = four.bob.device().find_message(soon_gone).await.unwrap().unwrap();
    assert_eq!(unread.expires_at, None);

    four.world.time_passes(Duration::from_secs(61));
    for person in [&four.alice, &four.laptop, &four.bob, &four.phone] {
        person.device().tick().await.unwrap();
    }
    for person in [&four.alice, &four.laptop] {
        gone(person, &four.bob, "soon gone").await;
    }
    sees(&four.bob, soon_gone, "still unread", |view| {
        says(view, "soon gone")
    })
    .await;
    four.bob.reads_everything_from(&four.alice).await;
    for person in [&four.bob, &four.phone] {
        sees(person, soon_gone, "its end", |view| view.expires_at.is_some()).await;
    }
    four.world.time_passes(Duration::from_secs(61));
    for person in [&four.bob, &four.phone] {
        person.device().tick().await.unwrap();
        gone(person, &four.alice, "soon gone").await;
    }
    let phone = four.phone.begins_again().await;
    phone.is_online().await;
    gone(&phone, &four.alice, "soon gone").await;
    // It has just begun and is at work: it ends before the program does.
    phone.closes().await;
}

/// Waits until a text is in the chat with somebody no more.
async fn gone(person: &Person, other: &Person, text: &str) {
    person
        .waits("that it is gone", async || {
            let rows = person.timeline_with(other).await;
            if rows.iter().any(|row| says(row, text)) {
                Err(format!("{rows:?}"))
            } else {
                Ok(())
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_without_a_connection_is_sent_later_and_the_other_is_told() {
    let four = Four::meet().await;
    four.bob.goes_offline().await;
    let device = four.bob.device();
    for on in [true, false, true] {
        device.react(four.hello, "👍", on).await.expect("a reaction");
    }
    let room = four.bob.room_with(&four.alice).await;
    let draft = device.send_text(room, "a draft").await.unwrap();
    device.edit_message(draft, "a text").await.expect("an edit");
    let bob = four.bob.begins_again().await;
    let mut events = four.alice.device().events();
    bob.is_online().await;
    for person in [&four.alice, &four.laptop, &four.phone] {
        sees(person, four.hello, "the reaction", |view| {
            reacted(view, &[("👍", 1)])
        })
        .await;
        sees(person, draft, "the text", |view| {
            says(view, "a text") && view.edited_at.is_some()
        })
        .await;
    }
    let mut told = 0;
    while let Ok(event) = events.try_recv() {
        told += usize::from(matches!(event, Event::Annotated { .. }));
    }
    // One reaction, though it was given, taken back and given again; and one edit.
    assert_eq!(told, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_that_overtakes_its_message_waits_for_it() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hello").to(&bob).await;
    bob.sees(&["hello"]).from(&alice).await;
    // The server keeps the text back, and hands it out only behind what was said about it.
    let reader = bob.account().await;
    let mut held = None;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Deliver(deliver) if whose.is_some_and(|whose| whose.account == reader) => {
            let is_annotation = matches!(&deliver.item, Item::Message(message) if message.target.is_some());
            if is_annotation {
                let held = held.take().map(ServerFrame::Deliver);
                return std::iter::once(ServerFrame::Deliver(deliver))
                    .chain(held)
                    .collect();
            }
            if matches!(deliver.item, Item::Message(_)) {
                held = Some(deliver);
                return Vec::new();
            }
            vec![ServerFrame::Deliver(deliver)]
        }
        frame => vec![frame],
    });
    let message = alice.sends("first").to(&bob).await;
    alice
        .device()
        .wait_until_sent(message, Duration::from_secs(30))
        .await
        .unwrap();
    alice
        .device()
        .edit_message(message, "second")
        .await
        .expect("an edit");
    sees(&bob, message, "the edited text", |view| says(view, "second")).await;
    bob.sees(&["hello", "second"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_turns_an_annotation_to_another_message_is_not_believed() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let first = alice.sends("first").to(&bob).await;
    let second = alice.sends("second").to(&bob).await;
    bob.sees(&["first", "second"]).from(&alice).await;
    let reader = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Deliver(mut deliver) if whose.is_some_and(|whose| whose.account == reader) => {
            if let Item::Message(message) = &mut deliver.item
                && message.target.is_some()
            {
                message.target = Some(second);
            }
            vec![ServerFrame::Deliver(deliver)]
        }
        frame => vec![frame],
    });
    alice.device().delete_message(first, true).await.expect("deleted");
    bob.waits("a placeholder", async || {
        let rows = bob.timeline_with(&alice).await;
        match rows.last() {
            Some(row) if row.body == BodyView::Unopened => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let rows = bob.timeline_with(&alice).await;
    assert!(says(&rows[0], "first") && says(&rows[1], "second"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_annotation_that_the_server_refuses_for_good_is_taken_back_and_said() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let hello = bob.sends("hello").to(&alice).await;
    alice.sees(&["hello"]).from(&bob).await;
    hostile.takes(|_, frame| match frame {
        ClientFrame::Send(mut send) if send.target.is_some() => {
            // Larger than anything may be.
            send.body.0.resize(60_000, 0);
            vec![ClientFrame::Send(send)]
        }
        frame => vec![frame],
    });
    alice
        .device()
        .react(hello, "👍", true)
        .await
        .expect("taken into the outbox");
    alice.is_warned("too_large").await;
    sees(&alice, hello, "no reaction", |view| view.reactions.is_empty()).await;
}
