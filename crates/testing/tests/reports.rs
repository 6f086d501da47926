//! Reports: one message is revealed with the proof of what it said, and nothing can be made up.

use std::sync::{Arc, Mutex};

use conclave_client::views::{MessageView, ReportsView};
use conclave_protocol::EnvelopeId;
use conclave_sdk::SdkError;
use conclave_testing::{Person, World};
use serde_json::{Value, json};

async fn reports(administrator: &Person) -> ReportsView {
    administrator
        .device()
        .list_reports(false, 0)
        .await
        .expect("reports")
}

fn id_of(rows: &[MessageView], text: &str) -> EnvelopeId {
    let found = rows.iter().find(|row| format!("{:?}", row.body).contains(text));
    found.expect("the message").id.parse().expect("an id")
}

/// How a report is refused.
fn code(refused: Result<bool, SdkError>) -> String {
    match refused {
        Err(SdkError::Failed(failure)) => failure.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_message_of_a_chat_is_shown_with_who_sent_it_and_no_other_is() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let (bob, carol) = (world.registers("bob").await, world.registers("carol").await);
    bob.sends("a harmless start").to(&carol).await;
    bob.sends("a nasty remark").to(&carol).await;
    carol
        .sees(&["a harmless start", "a nasty remark"])
        .from(&bob)
        .await;
    carol.sends("leave me alone").to(&bob).await;
    bob.sees(&["leave me alone"]).from(&carol).await;
    let rows = carol.timeline_with(&bob).await;
    let nasty = id_of(&rows, "nasty");

    let preview = carol.device().preview_report(nasty).await.expect("a preview");
    assert_eq!(
        (
            preview.username.as_str(),
            preview.words.as_str(),
            preview.provable
        ),
        ("bob", "a nasty remark", true)
    );
    let report = async || carol.device().report(nasty, "abuse", "it goes on for days").await;
    assert!(!report().await.expect("a report"));
    assert!(report().await.expect("the same report"), "the same twice is one");

    let page = reports(&alice).await;
    assert_eq!((page.reports.len(), page.open), (1, 1));
    let shown = &page.reports[0];
    assert_eq!(shown.words.as_deref(), Some("a nasty remark"));
    assert_eq!(
        (shown.reporter.as_str(), shown.accused_name.as_str()),
        ("carol", "bob")
    );
    assert_eq!((shown.reason.as_str(), shown.in_place), ("abuse", false));
    assert_eq!(shown.note, "it goes on for days");
    // Others see no reports, and nobody reports themselves.
    assert!(carol.device().list_reports(false, 0).await.is_err());
    let own = id_of(&rows, "leave me");
    assert_eq!(
        code(carol.device().report(own, "spam", "").await),
        "report_unprovable"
    );

    alice
        .device()
        .close_report(&shown.id, "bob was warned")
        .await
        .expect("closed");
    assert_eq!(reports(&alice).await.open, 0);
    let closed = alice
        .device()
        .list_reports(true, 0)
        .await
        .expect("closed reports");
    let outcome = &closed.reports[0];
    assert_eq!(outcome.outcome.as_deref(), Some("bob was warned"));
    assert_eq!(outcome.closed_by.as_deref(), Some("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_message_of_a_group_is_signed_by_whom_it_names() {
    let world = World::begin().await;
    let alice = world.registers("alice").await;
    let (bob, carol) = (world.registers("bob").await, world.registers("carol").await);
    let group = alice.makes_a_group("Otters", &[&bob, &carol]).await;
    for person in [&bob, &carol] {
        person.is_in(group).await;
    }
    bob.says(group, "one").await;
    bob.says(group, "two is nasty").await;
    carol.sees_in(group, &["one", "two is nasty"]).await;
    let nasty = id_of(&carol.timeline_of(group).await, "nasty");
    carol
        .device()
        .report(nasty, "illegal", "")
        .await
        .expect("a report");
    let page = reports(&alice).await;
    let shown = &page.reports[0];
    assert_eq!(shown.words.as_deref(), Some("two is nasty"));
    assert_eq!((shown.accused_name.as_str(), shown.in_place), ("bob", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_was_altered_anywhere_is_refused_and_pins_nothing_on_anybody() {
    let world = World::begin().await;
    let hostile = world.turns_hostile().await;
    let alice = world.registers("alice").await;
    let (bob, carol) = (world.registers("bob").await, world.registers("carol").await);
    let group = alice.makes_a_group("Otters", &[&bob, &carol]).await;
    for person in [&bob, &carol] {
        person.is_in(group).await;
    }
    alice.says(group, "from alice").await;
    carol.sees_in(group, &["from alice"]).await;
    bob.says(group, "from bob").await;
    carol.sees_in(group, &["from alice", "from bob"]).await;
    bob.sends("direct from bob").to(&carol).await;
    bob.sends("one more from bob").to(&carol).await;
    carol
        .sees(&["direct from bob", "one more from bob"])
        .from(&bob)
        .await;
    let rows = carol.timeline_of(group).await;
    let (of_alice, of_bob) = (id_of(&rows, "from alice"), id_of(&rows, "from bob"));
    let direct = carol.timeline_with(&bob).await;
    let (first, second) = (id_of(&direct, "direct from"), id_of(&direct, "one more"));

    // What true reports would say, for taking parts of one into another.
    let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
    let mut true_reports = Vec::new();
    for message in [of_alice, of_bob, first, second] {
        let keep = Arc::clone(&heard);
        hostile.hears(move |_, path, body| {
            if path.ends_with("/reports") {
                keep.lock().unwrap().push(body.clone());
                // This one gets nowhere.
                body["sequence"] = json!(999);
            }
        });
        assert_eq!(
            code(carol.device().report(message, "abuse", "").await),
            "report_gone"
        );
        true_reports.push(heard.lock().unwrap().pop().expect("a report was sent"));
    }
    let [alices, bobs, firsts, seconds] = &true_reports[..] else {
        panic!("{true_reports:?}")
    };
    let with = |base: &Value, parts: &[&str], of: &Value| {
        let mut made = base.clone();
        for part in parts {
            made[*part] = of[*part].clone();
        }
        made
    };
    let mut forged = vec![
        // Alice's words under Bob's name, with her proof and statement or with his.
        with(bobs, &["proof"], alices),
        with(bobs, &["proof", "statement"], alices),
        with(bobs, &["statement"], alices),
        with(alices, &["message"], bobs),
        with(alices, &["sequence"], bobs),
        // One direct message for another, or for one of a group.
        with(firsts, &["proof"], seconds),
        with(firsts, &["sequence"], seconds),
        with(firsts, &["message"], seconds),
        with(firsts, &["room"], bobs),
        with(firsts, &["proof"], bobs),
        with(bobs, &["proof"], firsts),
        with(bobs, &["room"], firsts),
    ];
    let mut without = bobs.clone();
    without.as_object_mut().unwrap().remove("statement");
    forged.push(without);
    for base in [bobs, firsts] {
        let mut altered = base.clone();
        let proof = altered["proof"].as_str().unwrap().to_owned();
        let end = if proof.ends_with('A') { "g" } else { "A" };
        altered["proof"] = json!(format!("{}{end}", &proof[..proof.len() - 1]));
        forged.push(altered);
    }
    for made in forged {
        let body_of = made.clone();
        hostile.hears(move |_, path, body| {
            if path.ends_with("/reports") {
                *body = body_of.clone();
            }
        });
        let code = code(carol.device().report(first, "abuse", "").await);
        assert!(
            ["report_refused", "report_gone", "not_found"].contains(&code.as_str()),
            "{code}: {made}"
        );
    }
    hostile.behaves();
    assert_eq!(reports(&alice).await.open, 0);
    for message in [of_bob, first] {
        carol
            .device()
            .report(message, "abuse", "")
            .await
            .expect("a true report");
    }
    assert_eq!(reports(&alice).await.open, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_for_everyone_is_forgotten_with_its_proof() {
    let world = World::begin().await;
    let (alice, bob) = (world.registers("alice").await, world.registers("bob").await);
    let message = alice.sends("a slip").to(&bob).await;
    bob.sees(&["a slip"]).from(&alice).await;
    alice
        .device()
        .delete_message(message, true)
        .await
        .expect("a deletion");
    bob.waits("the deletion", async || {
        let preview = bob.device().preview_report(message).await;
        match preview {
            Ok(preview) if !preview.provable && preview.words.is_empty() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(
        code(bob.device().report(message, "spam", "").await),
        "report_unprovable"
    );
}
