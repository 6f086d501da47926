//! What goes wrong has a typed error, says what to do, and loses nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use conclave_client::views::{AccountView, BodyView, Event, LossView};
use conclave_sdk::{Device, SdkError};
use conclave_testing::{Wire, World};

fn code(result: Result<impl Sized, SdkError>) -> String {
    match result {
        Ok(_) => "nothing went wrong".into(),
        Err(SdkError::Failed(failure)) => failure.code,
        Err(other) => format!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_refuses_bad_names_bad_passwords_taken_names_and_used_invites_each_in_its_own_words() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let invite = world.invite().await;
    let stranger = Device::open(world.options("stranger", &Wire::default())).unwrap();
    let good = "vier ruhige Otter im Regen";
    assert_eq!(
        code(stranger.register("No Such Name!", good, &invite).await),
        "username_invalid"
    );
    assert_eq!(
        code(stranger.register("carol", "short", &invite).await),
        "password_short"
    );
    assert_eq!(
        code(stranger.register("carol", "password123", &invite).await),
        "password_common"
    );
    assert_eq!(
        code(stranger.register("alice", good, &invite).await),
        "username_taken"
    );
    assert_eq!(
        code(stranger.register("carol", good, "no-such-invite").await),
        "invite_needed"
    );
    stranger
        .register("carol", good, &invite)
        .await
        .expect("after all that the invite still works");

    let late = Device::open(world.options("late", &Wire::default())).unwrap();
    assert_eq!(code(late.register("dave", good, &invite).await), "invite_needed");
    alice.is_online().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_an_unknown_name_and_a_foreign_device_are_told_apart_only_where_that_is_safe() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    alice.device().sign_out().await.unwrap();
    assert!(matches!(
        alice.device().account().await.unwrap(),
        AccountView::SignedOut { .. }
    ));
    assert_eq!(
        code(alice.device().sign_in("alice", "not the password").await),
        "wrong_credentials"
    );

    let fresh = Device::open(world.options("fresh", &Wire::default())).unwrap();
    assert_eq!(
        code(fresh.sign_in("nobody", "vier ruhige Otter im Regen").await),
        "wrong_credentials"
    );
    assert_eq!(
        code(fresh.sign_in("alice", "not the password").await),
        "wrong_credentials"
    );
    fresh
        .sign_in("alice", "vier ruhige Otter im Regen")
        .await
        .expect("it may ask to become one of the account's devices");
    assert!(matches!(
        fresh.account().await.unwrap(),
        AccountView::Joining { .. }
    ));

    alice
        .device()
        .sign_in("alice", "vier ruhige Otter im Regen")
        .await
        .unwrap();
    alice.is_online().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_and_in_again_keeps_every_message() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("before").to(&bob).await;
    bob.sees(&["before"]).from(&alice).await;
    bob.device().sign_out().await.unwrap();
    alice.sends("while signed out").to(&bob).await;
    bob.device()
        .sign_in("bob", "vier ruhige Otter im Regen")
        .await
        .unwrap();
    bob.sees(&["before", "while signed out"]).from(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_person_and_a_link_of_somebody_else_are_refused_in_words() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    assert_eq!(
        code(alice.device().find_person("nobody", None).await),
        "unknown_person"
    );
    assert_eq!(
        code(
            alice
                .device()
                .find_person("bob", Some(alice.account().await))
                .await
        ),
        "link_mismatch"
    );
    let found = alice
        .device()
        .find_person("bob", Some(bob.account().await))
        .await
        .unwrap();
    assert_eq!(found.account, bob.account().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_and_an_endless_text_are_refused_and_nothing_is_queued() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let room = alice.room_with(&alice).await;
    assert_eq!(code(alice.device().send_text(room, "  \n ").await), "text_empty");
    assert_eq!(
        code(alice.device().send_text(room, &"x".repeat(17_000)).await),
        "text_long"
    );
    assert!(alice.timeline_with(&alice).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_restored_from_an_older_copy_notices_gets_back_what_it_missed_and_the_chat_goes_on() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("one").to(&bob).await;
    bob.sees(&["one"]).from(&alice).await;
    bob.sends("two").to(&alice).await;
    alice.sees(&["two"]).from(&bob).await;
    bob.device()
        .wait_until_quiet(Duration::from_secs(20))
        .await
        .unwrap();

    // Bob's disk is copied, used on, and put back.
    let folder = bob.data().to_owned();
    let copy = world.folder().join("copy-of-bob");
    bob.closes().await;
    copy_folder(&folder, &copy);
    let bob = world.opens_again("bob");
    bob.is_online().await;
    bob.sends("three, later forgotten").to(&alice).await;
    alice.sees(&["two", "three, later forgotten"]).from(&bob).await;
    // Only now, or the server might take it in first.
    alice.sends("four, later forgotten").to(&bob).await;
    bob.sees(&["one", "four, later forgotten"]).from(&alice).await;
    bob.device()
        .wait_until_quiet(Duration::from_secs(20))
        .await
        .unwrap();
    bob.closes().await;
    fs::remove_dir_all(&folder).unwrap();
    copy_folder(&copy, &folder);

    // The copy's refresh token was used since, as if somebody had stolen it: the login ends, and bob shows his password.
    let bob = world.opens_again("bob");
    bob.waits("the end of the login", async || {
        match bob.device().account().await {
            Ok(AccountView::SignedOut { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let mut events = bob.device().events();
    bob.signs_in().await.expect("signed in");
    bob.is_online().await;
    bob.waits("the notice in the chat", async || {
        let timeline = bob.timeline_with(&alice).await;
        let noticed = timeline.iter().any(|row| row.body == BodyView::RestoredHere);
        if noticed {
            Ok(())
        } else {
            Err(format!("{timeline:?}"))
        }
    })
    .await;
    while let Ok(event) = events.try_recv() {
        if let Event::Warning { failure } = event {
            assert_eq!(failure.code, "restored");
        }
    }
    bob.sends("back again").to(&alice).await;
    alice
        .sees(&["two", "three, later forgotten", "back again"])
        .from(&bob)
        .await;
    alice.sends("welcome back").to(&bob).await;
    // What alice wrote in the time that was lost is repeated; what bob wrote then, nobody can give him back.
    bob.waits("what was missed and what is new", async || {
        let timeline = bob.timeline_with(&alice).await;
        let seen: Vec<BodyView> = timeline
            .into_iter()
            .map(|row| row.body)
            .filter(|body| *body != BodyView::RestoredHere)
            .collect();
        let lost = BodyView::Lost {
            why: LossView::SentHere,
        };
        let wanted = [
            text("one"),
            text("two"),
            lost,
            text("four, later forgotten"),
            text("back again"),
            text("welcome back"),
        ];
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

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}
