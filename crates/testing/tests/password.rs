//! The password as a way to one's history, starting again with it, and being let back in.

use conclave_client::views::{BodyView, HistoryWaysView, PlaceChange, PlaceView, RoleForm};
use conclave_testing::{Group, PASSWORD, Person, World};

const NEW_PASSWORD: &str = "sechs laute Amseln im Schnee";

async fn ways(person: &Person) -> HistoryWaysView {
    person.device().history_ways().await.expect("the store is read")
}

/// Waits until the account's log says whether the password opens the history.
async fn opens(person: &Person, password: bool) {
    person
        .waits("what opens the history", async || {
            let ways = ways(person).await;
            if ways.known && !ways.changing && ways.password == password {
                Ok(())
            } else {
                Err(format!("{ways:?}"))
            }
        })
        .await;
}

async fn switches_on(person: &Person, password: &str) {
    person
        .device()
        .set_history_password(Some(password), None)
        .await
        .expect("it is the password, and the recovery key is here");
    opens(person, true).await;
}

/// Waits until what this device is to record is in the vault.
async fn has_recorded(person: &Person) {
    person
        .waits("an empty queue", async || {
            match person.device().waits_for_the_vault().await {
                Ok(0) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
}

/// Somebody who has nothing but name and password starts again.
async fn starts_again(world: &World, name: &str, password: &str) -> Person {
    let again = world.new_device(name, "again");
    let reset = again.device().reset_identity(name, password).await;
    reset.expect("the password is right");
    again.is_online().await;
    again
}

async fn texts_with(person: &Person, other: &Person) -> Vec<(bool, String)> {
    let rows = person.timeline_with(other).await;
    rows.into_iter()
        .filter_map(|row| match row.body {
            BodyView::Text { text } => Some((row.mine, text)),
            _ => None,
        })
        .collect()
}

async fn sees(person: &Person, other: &Person, wanted: &[(bool, &str)]) {
    person
        .waits("what was said", async || {
            let seen = texts_with(person, other).await;
            let seen: Vec<(bool, &str)> = seen.iter().map(|(mine, text)| (*mine, text.as_str())).collect();
            if seen == wanted {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
}

async fn two_who_talked(world: &World) -> (Person, Person) {
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    alice.sends("one").to(&bob).await;
    bob.sees(&["one"]).from(&alice).await;
    bob.sends("two").to(&alice).await;
    alice.sees(&["two"]).from(&bob).await;
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_let_open_the_history_brings_it_along_when_its_owner_starts_again() {
    let world = World::begin().await;
    let (alice, bob) = two_who_talked(&world).await;
    assert!(!ways(&bob).await.password, "nobody is asked to");
    switches_on(&bob, PASSWORD).await;
    alice.sends("three").to(&bob).await;
    bob.sees(&["one", "three"]).from(&alice).await;
    has_recorded(&bob).await;
    let old = bob.account().await;
    bob.closes().await;

    let again = starts_again(&world, "bob", PASSWORD).await;
    assert_ne!(
        again.account().await,
        old,
        "a password makes nobody the old account's device"
    );
    sees(&again, &alice, &[(false, "one"), (true, "two"), (false, "three")]).await;
    assert_eq!(again.unread_from(&alice).await, 0, "the past is not news");
    assert_eq!(again.warnings(), Vec::<String>::new());

    // The chat goes on behind it.
    again.sends("it is me").to(&alice).await;
    sees(&alice, &again, &[(false, "it is me")]).await;
    let all = [
        (false, "one"),
        (true, "two"),
        (false, "three"),
        (true, "it is me"),
    ];
    sees(&again, &alice, &all).await;

    // A further device of the new account reads it, too.
    has_recorded(&again).await;
    let phone = again.adds_a_device("phone").await;
    sees(&phone, &alice, &all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_that_or_after_it_was_taken_back_starting_again_brings_nothing_along() {
    let world = World::begin().await;
    let (alice, bob) = two_who_talked(&world).await;
    switches_on(&bob, PASSWORD).await;
    bob.device()
        .set_history_password(None, None)
        .await
        .expect("the recovery key is here");
    opens(&bob, false).await;
    has_recorded(&bob).await;
    bob.closes().await;
    let again = starts_again(&world, "bob", PASSWORD).await;
    alice
        .device()
        .find_person("bob", None)
        .await
        .expect("somebody has the name");
    again.sends("hello?").to(&alice).await;
    sees(&alice, &again, &[(false, "hello?")]).await;
    sees(&again, &alice, &[(true, "hello?")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_accounts_own_password_and_the_recovery_key_change_what_opens_the_history() {
    let world = World::begin().await;
    let (_, bob) = two_who_talked(&world).await;
    let code = |outcome: Result<(), conclave_sdk::SdkError>| match outcome {
        Err(conclave_sdk::SdkError::Failed(failure)) => failure.code,
        other => format!("{other:?}"),
    };
    let other = bob.device().set_history_password(Some(NEW_PASSWORD), None).await;
    assert_eq!(code(other), "wrong_credentials");
    let common = bob.device().set_history_password(Some("password123"), None).await;
    assert_eq!(code(common), "password_common");

    let words = bob.device().recovery_words().await.expect("words").join(" ");
    let phone = bob.adds_a_device("phone").await;
    assert!(ways(&phone).await.asks_for_words);
    let without = phone.device().set_history_password(Some(PASSWORD), None).await;
    assert_eq!(code(without), "recovery_key_wanted");
    let wrong = phone
        .device()
        .set_history_password(Some(PASSWORD), Some("abandon ability"))
        .await;
    assert_eq!(code(wrong), "words_invalid");
    assert!(!ways(&bob).await.password);
    phone
        .device()
        .set_history_password(Some(PASSWORD), Some(&words))
        .await
        .expect("the words are right");
    opens(&phone, true).await;
    opens(&bob, true).await;
    assert_eq!(bob.warnings(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strong_password_after_a_recovery_takes_the_place_of_the_old_one_and_a_weak_one_does_not() {
    let world = World::begin().await;
    let (alice, bob) = two_who_talked(&world).await;
    switches_on(&bob, PASSWORD).await;
    has_recorded(&bob).await;
    let words = bob.device().recovery_words().await.expect("words").join(" ");
    bob.closes().await;
    let back = world.new_device("bob", "back");
    let recovered = back.device().recover("bob", &words, NEW_PASSWORD, true).await;
    recovered.expect("a recovery");
    back.is_online().await;
    opens(&back, true).await;
    has_recorded(&back).await;
    back.closes().await;
    let again = starts_again(&world, "bob", NEW_PASSWORD).await;
    sees(&again, &alice, &[(false, "one"), (true, "two")]).await;

    switches_on(&again, NEW_PASSWORD).await;
    let words = again.device().recovery_words().await.expect("words").join(" ");
    again.closes().await;
    let weak = world.new_device("bob", "weak");
    let recovered = weak.device().recover("bob", &words, "zwei Amseln", false).await;
    recovered.expect("a recovery");
    weak.is_online().await;
    opens(&weak, false).await;
}

async fn place(person: &Person, group: Group) -> PlaceView {
    let found = person.device().find_place(group.place).await;
    found.expect("the store is read").expect("the group is here")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_started_again_is_let_back_in_at_once_with_the_roles_that_may_be_given() {
    let world = World::begin().await;
    let (alice, bob) = two_who_talked(&world).await;
    let carol = world.registers("carol").await;
    let group = alice.makes_a_group("Boats", &[&bob, &carol]).await;
    for person in [&bob, &carol] {
        person.is_in(group).await;
    }
    let role = RoleForm {
        name: "Crew".into(),
        colour: None,
        rank: 10,
        permissions: vec!["mention_everyone".into()],
    };
    alice.changes(group, PlaceChange::DefineRole { role }).await;
    let crew = place(&alice, group)
        .await
        .roles
        .iter()
        .map(|role| role.role)
        .max()
        .unwrap();
    let old = bob.account().await;
    let roles = vec![crew];
    alice
        .changes(group, PlaceChange::SetRoles { account: old, roles })
        .await;
    bob.closes().await;

    let again = starts_again(&world, "bob", PASSWORD).await;
    let new = again.account().await.to_string();
    alice
        .waits("word of who is back", async || {
            let returned = place(&alice, group).await.returned;
            match returned.as_slice() {
                [one] if one.former == old.to_string() && one.person.account == new => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    assert_eq!(
        place(&carol, group).await.returned,
        [],
        "whoever may let nobody in is not asked"
    );

    alice
        .device()
        .let_back_in(group.place, old)
        .await
        .expect("alice owns the group");
    again.is_in(group).await;
    let members = alice.device().list_members(group.place).await.unwrap();
    let bobs: Vec<_> = members
        .iter()
        .filter(|member| member.username.as_deref() == Some("bob"))
        .collect();
    assert_eq!(bobs.len(), 1, "the account that they had is out");
    assert_eq!((&bobs[0].account, &bobs[0].roles), (&new, &vec![crew]));
    assert_eq!(place(&alice, group).await.returned, []);
    again.says(group, "back again").await;
    carol.sees_in(group, &["back again"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_had_been_compared_is_let_back_in_only_once_they_were_compared_or_accepted_again() {
    let world = World::begin().await;
    let (alice, bob) = two_who_talked(&world).await;
    let group = alice.makes_a_group("Boats", &[&bob]).await;
    bob.is_in(group).await;
    let old = bob.account().await;
    let verified = conclave_client::Judgment::Verified;
    alice.device().judge(old, verified).await.expect("a mark");
    bob.closes().await;
    // Alice hears of it when she comes back.
    alice.goes_offline().await;
    let again = starts_again(&world, "bob", PASSWORD).await;
    alice.comes_back().await;
    alice
        .waits("word of who is back", async || {
            match place(&alice, group).await.returned.as_slice() {
                [one] if one.blocked => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    let refused = alice.device().let_back_in(group.place, old).await;
    assert!(matches!(
        refused,
        Err(conclave_sdk::SdkError::Failed(failure)) if failure.code == "identity_changed"
    ));
    let accepted = conclave_client::Judgment::Accepted;
    alice
        .device()
        .judge(again.account().await, accepted)
        .await
        .expect("a mark");
    alice
        .device()
        .let_back_in(group.place, old)
        .await
        .expect("alice owns the group");
    again.is_in(group).await;
}
