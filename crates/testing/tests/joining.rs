//! A new device of an account: approved by another one, or by the recovery key; and every way in which that ends
//! otherwise.

use std::path::Path;
use std::time::Duration;

use conclave_client::views::{AccountView, ApprovalStep};
use conclave_protocol::LinkId;
use conclave_testing::{PASSWORD, Person, World};
use rusqlite::Connection;

const NEW_PASSWORD: &str = "sieben laute Dohlen im Wind";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_joins_by_the_digits_that_it_shows() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = alice.adds_a_device("laptop").await;
    assert_eq!(laptop.account().await, alice.account().await);
    laptop.sees_devices(&[Some("laptop"), None]).await;
    alice.sees_devices(&[None, Some("laptop")]).await;
    // It has the account's password, and none of its recovery key.
    let refused = laptop
        .device()
        .recovery_words()
        .await
        .expect_err("no recovery key");
    assert_eq!(refused.code(), Some("recovery_key_elsewhere"));
    laptop.device().sign_out().await.unwrap();
    laptop.signs_in().await.unwrap();
    laptop.is_online().await;
    let laptop = laptop.begins_again().await;
    laptop.is_online().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_joins_by_being_scanned_and_brings_in_the_next_one() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let phone = alice.adds_a_device_by_scan("phone").await;
    let tablet = phone.adds_a_device("tablet").await;
    assert_eq!(tablet.account().await, alice.account().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_comes_online_later_is_told_who_waits() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    alice.goes_offline().await;
    let laptop = world.new_device("alice", "laptop");
    laptop.signs_in().await.unwrap();
    alice.comes_back().await;
    let link = alice.answers_who_waits().await;
    let digits = laptop.sees_digits().await;
    alice.types_digits(link, &digits).await.unwrap();
    laptop.joins().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_digits_end_the_approval_and_add_nothing() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = world.new_device("alice", "laptop");
    laptop.signs_in().await.unwrap();
    let link = alice.answers_who_waits().await;
    let digits = laptop.sees_digits().await;
    let wrong = if digits == "000000" { "000001" } else { "000000" };
    let refused = alice.types_digits(link, wrong).await.expect_err("wrong digits");
    assert_eq!(refused.code(), Some("digits_wrong"));
    let again = alice.types_digits(link, &digits).await.expect_err("one try");
    assert_eq!(again.code(), Some("link_gone"));
    assert_eq!(
        laptop.joins().await.expect_err("declined").code(),
        Some("link_declined")
    );
    assert_eq!(devices(&world), 1);
    // From the beginning it works.
    laptop.device().cancel_joining().await.unwrap();
    assert!(laptop.holds_nothing().await);
    laptop.signs_in().await.unwrap();
    let link = alice.answers_who_waits().await;
    let digits = laptop.sees_digits().await;
    alice.types_digits(link, &digits).await.unwrap();
    laptop.joins().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_may_give_up_and_the_other_learns_it() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;

    let laptop = world.new_device("alice", "laptop");
    laptop.signs_in().await.unwrap();
    let link = alice.answers_who_waits().await;
    laptop.device().cancel_joining().await.unwrap();
    assert_eq!(alice.sees_the_approval_end(link).await, "link_gone");
    assert!(laptop.holds_nothing().await);

    let code = laptop.device().show_link_code().await.unwrap();
    let link = alice.scans(&code).await;
    alice.device().decline_link(link).await.unwrap();
    assert_eq!(
        laptop.joins().await.expect_err("declined").code(),
        Some("link_declined")
    );
    assert_eq!(devices(&world), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_not_asked_for_is_not_answered() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = world.new_device("alice", "laptop");
    laptop.signs_in().await.unwrap();
    let link = alice.sees_who_waits().await;
    alice.device().decline_link(link).await.unwrap();
    // It was never answered, so it is as if nobody had been there.
    assert_eq!(
        laptop.joins().await.expect_err("nobody").code(),
        Some("link_expired")
    );
    assert!(alice.device().list_approvals().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_that_nobody_ends_is_over_by_itself() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = world.new_device("alice", "laptop");
    laptop.signs_in().await.unwrap();
    let link = alice.answers_who_waits().await;
    world.time_passes(Duration::from_mins(11));
    laptop.device().tick().await.unwrap();
    assert_eq!(
        laptop.joins().await.expect_err("too late").code(),
        Some("link_expired")
    );
    alice.device().tick().await.unwrap();
    let end = alice.sees_the_approval_end(link).await;
    assert!(["link_expired", "link_gone"].contains(&end.as_str()), "{end}");
    assert_eq!(devices(&world), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_answered_by_one_device() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = alice.adds_a_device("laptop").await;
    let phone = world.new_device("alice", "phone");
    let code = phone.device().show_link_code().await.unwrap();
    let link = alice.scans(&code).await;
    laptop.device().answer_link_code(&code).await.unwrap();
    assert_eq!(laptop.sees_the_approval_end(link).await, "link_taken");
    alice.device().confirm_link(link, None).await.unwrap();
    phone.joins().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_approve_two_others_at_once() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = alice.adds_a_device("laptop").await;
    let (phone, tablet) = (
        world.new_device("alice", "phone"),
        world.new_device("alice", "tablet"),
    );
    let code = phone.device().show_link_code().await.unwrap();
    let by_alice = alice.scans(&code).await;
    let code = tablet.device().show_link_code().await.unwrap();
    let by_laptop = laptop.scans(&code).await;
    let (one, other) = tokio::join!(
        alice.device().confirm_link(by_alice, None),
        laptop.device().confirm_link(by_laptop, None),
    );
    one.unwrap();
    other.unwrap();
    phone.joins().await.unwrap();
    tablet.joins().await.unwrap();
    assert_eq!(devices(&world), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_goes_on_after_both_programs_began_again() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = world.new_device("alice", "laptop");
    laptop.signs_in().await.unwrap();
    let link = alice.answers_who_waits().await;
    let digits = laptop.sees_digits().await;
    let laptop = laptop.begins_again().await;
    let alice = alice.begins_again().await;
    alice.is_online().await;
    alice
        .sees_step(link, |step| *step == ApprovalStep::DigitsNeeded)
        .await;
    assert_eq!(laptop.sees_digits().await, digits);
    alice.types_digits(link, &digits).await.unwrap();
    laptop.joins().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_changes_any_message_of_a_meeting_is_noticed() {
    for by_scan in [false, true] {
        for number in 1..=6 {
            // What was scanned takes the place of message 1.
            if by_scan && number == 1 {
                continue;
            }
            let what = format!("message {number}, by scan: {by_scan}");
            let world = World::begin().await;
            let alice = world.registers("alice").await;
            changes_messages(&world.server_data(), number);
            let laptop = world.new_device("alice", "laptop");
            let (link, digits) = if by_scan {
                let code = laptop.device().show_link_code().await.unwrap();
                alice.device().answer_link_code(&code).await.unwrap();
                (first_approval(&alice).await, None)
            } else {
                laptop.signs_in().await.unwrap();
                let link = alice.sees_who_waits().await;
                if alice.device().answer_link(link).await.is_err() {
                    assert_eq!(number, 1, "{what}");
                    continue;
                }
                (link, laptop.sees_digits().await.into())
            };
            let ready = |step: &ApprovalStep| {
                matches!(
                    step,
                    ApprovalStep::DigitsNeeded
                        | ApprovalStep::ConfirmationNeeded
                        | ApprovalStep::Ended { .. }
                )
            };
            alice.sees_step(link, ready).await;
            let confirmed = alice.device().confirm_link(link, digits.as_deref()).await;
            let joined = laptop.joins().await;
            assert!(joined.is_err(), "{what}: {confirmed:?}");
            alice
                .waits("the device to be out again", async || match devices(&world) {
                    1 => Ok(()),
                    more => Err(format!("{what}: {more} devices")),
                })
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recovery_key_alone_brings_the_account_back_and_the_old_password_opens_nothing() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let words = alice.device().recovery_words().await.unwrap();
    let account = alice.account().await;
    alice.closes().await;

    let laptop = world.new_device("alice", "laptop");
    let typed = words.join("\n ").to_uppercase();
    laptop
        .device()
        .recover("Alice", &typed, NEW_PASSWORD, false)
        .await
        .unwrap();
    laptop.is_online().await;
    assert_eq!(laptop.account().await, account);
    assert_eq!(laptop.device().recovery_words().await.unwrap(), words);
    let AccountView::SignedIn {
        offer_recovery_key, ..
    } = laptop.device().account().await.unwrap()
    else {
        panic!("signed in");
    };
    assert!(!offer_recovery_key, "whoever typed it has it");

    let stranger = world.new_device("alice", "stranger");
    let refused = stranger
        .device()
        .sign_in("alice", PASSWORD)
        .await
        .expect_err("the old password");
    assert_eq!(refused.code(), Some("wrong_credentials"));
    laptop.device().sign_out().await.unwrap();
    laptop.device().sign_in("alice", NEW_PASSWORD).await.unwrap();
    // The device from before is one still, until the person takes it out.
    assert_eq!(devices(&world), 2);
    let alice = world.opens_again("alice");
    alice.is_online().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_on_a_device_that_stays_what_it_is() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("hello").to(&bob).await;
    bob.sees(&["hello"]).from(&alice).await;
    let words = alice.device().recovery_words().await.unwrap().join(" ");
    alice.device().sign_out().await.unwrap();
    alice
        .device()
        .recover("alice", &words, NEW_PASSWORD, false)
        .await
        .unwrap();
    alice.is_online().await;
    alice.sees(&["hello"]).in_the_chat_with(&bob).await;
    alice.sends("again").to(&bob).await;
    bob.sees(&["hello", "again"]).from(&alice).await;
    alice
        .waits("the other device to be out again", async || {
            match devices(&world) {
                2 => Ok(()),
                more => Err(format!("{more} devices")),
            }
        })
        .await;
    alice.device().sign_out().await.unwrap();
    assert!(alice.signs_in().await.is_err(), "the old password");
    alice.device().sign_in("alice", NEW_PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovered_device_approves_others() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let words = alice.device().recovery_words().await.unwrap().join(" ");
    let laptop = world.new_device("alice", "laptop");
    laptop
        .device()
        .recover("alice", &words, NEW_PASSWORD, false)
        .await
        .unwrap();
    laptop.is_online().await;
    laptop.adds_a_device_by_scan("phone").await;
    assert_eq!(devices(&world), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_recovery_key_opens_nothing_and_leaves_nothing() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let right = alice.device().recovery_words().await.unwrap();
    let wrong = bob.device().recovery_words().await.unwrap().join(" ");
    let laptop = world.new_device("alice", "laptop");
    let recover = async |name: &str, words: &str, password: &str| {
        let refused = laptop
            .device()
            .recover(name, words, password, false)
            .await
            .expect_err("refused");
        refused.code().unwrap_or_default().to_owned()
    };
    assert_eq!(recover("alice", &wrong, NEW_PASSWORD).await, "recovery_refused");
    assert_eq!(recover("nobody", &wrong, NEW_PASSWORD).await, "recovery_refused");
    assert_eq!(
        recover("alice", &right[1..].join(" "), NEW_PASSWORD).await,
        "words_invalid"
    );
    assert_eq!(
        recover("alice", &right.join(" "), "short").await,
        "password_short"
    );
    assert!(laptop.holds_nothing().await);
    assert_eq!(devices(&world), 2);
    alice.device().sign_out().await.unwrap();
    alice.signs_in().await.expect("the password is what it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_meeting_is_readable_on_the_wire() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let laptop = world.new_device("alice", "laptop");
    let code = laptop.device().show_link_code().await.unwrap();
    let link = alice.scans(&code).await;
    alice.device().confirm_link(link, None).await.unwrap();
    laptop.joins().await.unwrap();
    // The last sixteen bytes of the code are the secret; the text's last characters hold them.
    let secret = code[code.len() - 20..].as_bytes();
    for wire in [alice.wire(), laptop.wire()] {
        for record in wire.records() {
            let found = record.bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "the secret of the code left the device");
        }
    }
}

async fn first_approval(person: &Person) -> LinkId {
    let approvals = person.device().list_approvals().await.unwrap();
    approvals.first().expect("an approval").link.parse().unwrap()
}

/// Active devices of all accounts, as the server has them.
fn devices(world: &World) -> i64 {
    let database = Connection::open(world.server_data().join("conclave.db")).unwrap();
    database
        .query_row(
            "SELECT count(*) FROM devices WHERE revoked_at IS NULL",
            [],
            |row| row.get(0),
        )
        .unwrap()
}

/// From now on the server changes one bit of each message with this number.
fn changes_messages(server: &Path, number: u32) {
    let database = Connection::open(server.join("conclave.db")).unwrap();
    database
        .execute_batch(&format!(
            "CREATE TRIGGER hostile AFTER INSERT ON link_messages WHEN NEW.number = {number} BEGIN
                UPDATE link_messages SET message =
                    CAST(substr(NEW.message, 1, length(NEW.message) - 1) ||
                         CASE WHEN substr(NEW.message, -1) = x'00' THEN x'01' ELSE x'00' END AS BLOB)
                WHERE link = NEW.link AND number = NEW.number;
            END"
        ))
        .unwrap();
}
