//! What is done to messages of groups, and to who is said to be in them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_protocol::frames::{Class, ClientFrame, Post, RoomMessage, ServerFrame};
use conclave_protocol::{DeviceAddress, DeviceId, EnvelopeId, Timestamp};
use conclave_testing::{Group, Hostile, Person, World};
use tokio::time::sleep;

/// Long enough for what a device does at once.
const A_MOMENT: Duration = Duration::from_millis(1_500);

/// Alice, bob and carol in a group, on a server that will turn on them, and have said hello.
async fn three_who_met(world: &World) -> (Hostile, Person, Person, Person, Group) {
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    let group = alice.makes_a_group("Otters", &[&bob, &carol]).await;
    for person in [&bob, &carol] {
        person.is_in(group).await;
    }
    alice.says(group, "hello").await;
    bob.sees_in(group, &["hello"]).await;
    carol.sees_in(group, &["hello"]).await;
    carol.says(group, "hi").await;
    for person in [&alice, &bob] {
        person.sees_in(group, &["hello", "hi"]).await;
    }
    (hostile, alice, bob, carol, group)
}

/// Changes the messages of a group that are told to somebody.
async fn changes_posts_to(
    hostile: &Hostile,
    reader: &Person,
    change: impl Fn(&mut RoomMessage) + Send + 'static,
) {
    let reader = reader.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Posted(mut message) if whose.is_some_and(|whose| whose.account == reader) => {
            change(&mut message);
            vec![ServerFrame::Posted(message)]
        }
        frame => vec![frame],
    });
}

async fn first_device(person: &Person) -> DeviceAddress {
    DeviceAddress {
        account: person.account().await,
        device: DeviceId(0),
    }
}

/// Waits until something stands in a group that shows no words, behind what was said.
async fn shows_no_words(reader: &Person, group: Group, said: usize) {
    reader
        .waits("a placeholder", async || {
            let seen = reader.texts_of(group).await;
            match seen.get(said) {
                Some(text) if text.contains("NotGenuine") || text == "Unopened" => Ok(()),
                _ => Err(format!("{seen:?}")),
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_said_to_be_of_another_member_shows_no_words() {
    let world = World::begin().await;
    let (hostile, alice, bob, carol, group) = three_who_met(&world).await;
    let alices = first_device(&alice).await;
    changes_posts_to(&hostile, &bob, move |message| message.sender = alices).await;
    carol.says(group, "I am alice").await;
    shows_no_words(&bob, group, 2).await;
    assert!(!bob.texts_of(group).await.contains(&"I am alice".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_told_in_another_group_shows_no_words_there() {
    let world = World::begin().await;
    let (hostile, alice, bob, carol, group) = three_who_met(&world).await;
    let other = alice.makes_a_group("Weasels", &[&bob, &carol]).await;
    bob.is_in(other).await;
    carol.is_in(other).await;
    carol.says(other, "here").await;
    bob.sees_in(other, &["here"]).await;
    let to = other.room;
    changes_posts_to(&hostile, &bob, move |message| {
        message.room = to;
        message.sequence = 2;
    })
    .await;
    carol.says(group, "only here").await;
    sleep(A_MOMENT).await;
    assert!(!bob.texts_of(other).await.contains(&"only here".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_group_passed_off_as_an_annotation_shows_no_words() {
    let world = World::begin().await;
    let (hostile, alice, bob, _carol, group) = three_who_met(&world).await;
    changes_posts_to(&hostile, &bob, |message| {
        message.class = Class::Annotation;
        message.target = Some(EnvelopeId([1; 16]));
    })
    .await;
    alice.says(group, "as I wrote it").await;
    shows_no_words(&bob, group, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_told_twice_shows_once() {
    let world = World::begin().await;
    let (hostile, alice, bob, _carol, group) = three_who_met(&world).await;
    let reader = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::Posted(message) if whose.is_some_and(|whose| whose.account == reader) => {
            let mut again = message.clone();
            again.sequence += 1;
            vec![ServerFrame::Posted(message), ServerFrame::Posted(again)]
        }
        frame => vec![frame],
    });
    alice.says(group, "once").await;
    bob.sees_in(group, &["hello", "hi", "once"]).await;
    sleep(A_MOMENT).await;
    bob.sees_in(group, &["hello", "hi", "once"]).await;
}

/// Keeps back what somebody posts, and gives it out.
async fn keeps_back(hostile: &Hostile, person: &Person) -> Arc<Mutex<Vec<Post>>> {
    let author = person.account().await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let posts = Arc::clone(&kept);
    hostile.takes(move |whose, frame| match frame {
        ClientFrame::Post(post) if whose.is_some_and(|whose| whose.account == author) => {
            posts.lock().expect("nobody panics with the list").push(post);
            Vec::new()
        }
        frame => vec![frame],
    });
    kept
}

fn told(post: &Post, sender: DeviceAddress, sequence: u64) -> ServerFrame {
    ServerFrame::Posted(RoomMessage {
        room: post.room,
        sequence,
        id: post.id,
        sender,
        time: Timestamp(post.id.time().0),
        class: post.class,
        epoch: post.epoch,
        head: post.head,
        target: post.target,
        thread: post.thread,
        expires: None,
        body: post.body.clone(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_member_wrote_is_not_slipped_into_the_past() {
    let world = World::begin().await;
    let (hostile, alice, bob, carol, group) = three_who_met(&world).await;
    let kept = keeps_back(&hostile, &carol).await;
    carol.says(group, "as if I were still there").await;
    carol
        .waits("a message on its way", async || {
            match kept.lock().expect("nobody panics with the list").len() {
                0 => Err("nothing".into()),
                _ => Ok(()),
            }
        })
        .await;
    alice.throws_out(group, &carol).await;
    alice.says(group, "she is gone").await;
    bob.sees_in(group, &["hello", "hi", "she is gone"]).await;
    let post = kept.lock().expect("nobody panics with the list")[0].clone();
    let (carols, bobs) = (first_device(&carol).await, first_device(&bob).await);
    hostile.says(bobs, told(&post, carols, 4)).await;
    sleep(A_MOMENT).await;
    bob.sees_in(group, &["hello", "hi", "she is gone"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_somebody_who_never_was_in_the_group_is_not_shown() {
    let world = World::begin().await;
    let (hostile, alice, bob, carol, group) = three_who_met(&world).await;
    // Bob knows him, so nothing but the group's log says that he was not in it.
    let dave = world.registers("dave").await;
    bob.sends("hello, dave").to(&dave).await;
    dave.sees(&["hello, dave"]).from(&bob).await;
    let kept = keeps_back(&hostile, &carol).await;
    carol.says(group, "a message").await;
    carol
        .waits("a message on its way", async || {
            match kept.lock().expect("nobody panics with the list").len() {
                0 => Err("nothing".into()),
                _ => Ok(()),
            }
        })
        .await;
    let post = kept.lock().expect("nobody panics with the list")[0].clone();
    let stranger = first_device(&dave).await;
    hostile
        .says(first_device(&bob).await, told(&post, stranger, 3))
        .await;
    sleep(A_MOMENT).await;
    bob.sees_in(group, &["hello", "hi"]).await;
    alice.sees_in(group, &["hello", "hi"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_kept_from_somebody_shows_with_the_next_message() {
    let world = World::begin().await;
    let (hostile, alice, bob, carol, group) = three_who_met(&world).await;
    let reader = bob.account().await;
    hostile.delivers(move |whose, frame| match frame {
        ServerFrame::PlaceMoved(_) if whose.is_some_and(|whose| whose.account == reader) => Vec::new(),
        frame => vec![frame],
    });
    let place = group.place.to_string();
    hostile.answers(move |whose, path, answer| {
        if whose.is_some_and(|whose| whose.account == reader)
            && path.ends_with("/entries")
            && path.contains(&place)
        {
            answer["entries"] = serde_json::json!([]);
        }
    });
    alice.throws_out(group, &carol).await;
    alice.says(group, "she is gone").await;
    bob.waits("a warning, or a placeholder", async || {
        let (texts, warnings) = (bob.texts_of(group).await, bob.warnings());
        if texts.contains(&"she is gone".to_owned()) {
            return Err("it was shown".into());
        }
        if !warnings.is_empty() && texts.len() > 2 {
            Ok(())
        } else {
            Err(format!("{texts:?}, {warnings:?}"))
        }
    })
    .await;
}
