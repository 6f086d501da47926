use conclave_protocol::{AccountId, RoomId, Timestamp};

use super::comparing::{compare, shown};
use super::names::Standing;
use super::*;
use crate::effects::Request;
use crate::input::TextWith;
use crate::machine::Engine;
use crate::people::Person;
use crate::rows::MessageBody;
use crate::views::{Event, Outcome};
use crate::work::Work;
use crate::work::testing::{Account, EmptyStore, rng, signed_up};

const OWN: AccountId = AccountId([1; 32]);

/// Somebody under a name that is known here.
fn meets(engine: &mut Engine, work: &mut Work<'_>, seed: u8) -> AccountId {
    let person = Person::verify(Account::new(seed).found()).unwrap();
    let account = person.chain.account();
    assert!(engine.keep_person(work, person).unwrap());
    work.ensure_room(RoomId::direct(OWN, account), account, "mia", true)
        .unwrap();
    account
}

fn engine_and_work(rng: &mut rand_chacha::ChaCha20Rng) -> (Engine, Work<'_>) {
    let mut work = Work::new(&EmptyStore, rng, Timestamp(1_000));
    signed_up(&mut work, OWN);
    let mut engine = Engine::new(true);
    // A genuine chain stands for the own account's, of which these tests need nothing but that it is there.
    let own = Person::verify(Account::new(99).found()).unwrap();
    engine.people.insert(OWN, std::sync::Arc::new(own));
    (engine, work)
}

fn failure_of(events: &[Event], ask: u64) -> Option<&str> {
    events.iter().find_map(|event| match event {
        Event::Answer {
            ask: answered,
            outcome: Outcome::Failed { failure },
        } if *answered == ask => Some(failure.code.as_str()),
        _ => None,
    })
}

/// Sends a text and says why it was refused, if it was.
fn sending_fails(engine: &mut Engine, work: Work<'_>, peer: AccountId) -> Option<String> {
    let mut work = work;
    engine.asks_are_open([7]);
    engine
        .send_text(
            &mut work,
            7,
            RoomId::direct(OWN, peer),
            None,
            "hello".into(),
            TextWith::default(),
        )
        .unwrap();
    let effects = work.finish();
    failure_of(&effects.events, 7).map(str::to_owned)
}

#[test]
fn a_code_a_link_and_the_digits_of_the_other_side_fit_and_nothing_else_does() {
    let (mia, noa, eve) = (AccountId([1; 32]), AccountId([2; 32]), AccountId([3; 32]));
    let (number, code) = shown(noa, mia);
    let spaced: String = number
        .as_bytes()
        .chunks(5)
        .flat_map(|five| [std::str::from_utf8(five).unwrap(), " "])
        .collect();
    let link = format!("https://chat.example/#/verify/noa/{noa}/{code}");
    for typed in [&number, &spaced, &code, &link, &format!(" {code}\n")] {
        assert_eq!(compare(mia, noa, typed), Ok(()), "{typed}");
    }
    let code_of = |result: Result<(), crate::Failure>| result.unwrap_err().code;
    let (others, _) = shown(noa, eve);
    assert_eq!(code_of(compare(mia, noa, &others)), "safety_number_differs");
    assert_eq!(
        code_of(compare(mia, noa, &shown(eve, mia).1)),
        "safety_number_differs"
    );
    assert_eq!(code_of(compare(mia, noa, &shown(mia, noa).1)), "safety_code_own");
    for typed in [
        "",
        "12345",
        &number[..59],
        "hello",
        &code[1..],
        &"1".repeat(3_000),
    ] {
        assert_eq!(
            code_of(compare(mia, noa, typed)),
            "safety_code_unreadable",
            "{typed}"
        );
    }
}

#[test]
fn a_second_identity_under_a_name_is_marked_by_one_line_and_may_be_written_to() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let first = meets(&mut engine, &mut work, 10);
    work.now = Timestamp(2_000);
    let second = meets(&mut engine, &mut work, 11);
    assert_eq!(work.standing(first).unwrap(), Standing::Unchecked);
    assert_eq!(work.standing(second).unwrap(), Standing::Changed);
    assert_eq!(work.successor(first).unwrap(), Some(second));
    assert_eq!(work.successor(second).unwrap(), None);
    assert_eq!(sending_fails(&mut engine, work, second), None);
}

#[test]
fn the_line_stands_once_in_the_new_chat_and_not_in_the_old_one() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let first = meets(&mut engine, &mut work, 10);
    work.now = Timestamp(2_000);
    let second = meets(&mut engine, &mut work, 11);
    work.ensure_room(RoomId::direct(OWN, second), second, "mia", true)
        .unwrap();
    let lines: Vec<RoomId> = work
        .finish()
        .changes
        .into_iter()
        .filter_map(|change| match change {
            crate::Change::PutMessage(row) if row.body == MessageBody::IdentityChanged => Some(row.room),
            _ => None,
        })
        .collect();
    assert_eq!(lines, [RoomId::direct(OWN, second)]);
    assert_ne!(first, second);
}

#[test]
fn nothing_is_sent_to_an_identity_behind_a_compared_one_until_it_is_compared_or_accepted() {
    for judgment in [Judgment::Accepted, Judgment::Verified] {
        let mut rng = rng();
        let (mut engine, mut work) = engine_and_work(&mut rng);
        let first = meets(&mut engine, &mut work, 10);
        engine.mark(&mut work, first, "mia", Judgment::Verified).unwrap();
        work.now = Timestamp(2_000);
        let second = meets(&mut engine, &mut work, 11);
        assert_eq!(work.standing(first).unwrap(), Standing::Verified);
        assert_eq!(work.standing(second).unwrap(), Standing::Blocked);
        let room = RoomId::direct(OWN, second);
        engine.asks_are_open([3]);
        assert!(engine.refuses_to_send(&mut work, 3, room).unwrap());

        engine.mark(&mut work, second, "mia", judgment).unwrap();
        assert!(!work.is_blocked(second).unwrap(), "{judgment:?}");
        assert_eq!(sending_fails(&mut engine, work, second), None);
    }
}

#[test]
fn a_text_to_a_blocked_identity_is_refused_with_its_own_code() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let first = meets(&mut engine, &mut work, 10);
    engine.mark(&mut work, first, "mia", Judgment::Verified).unwrap();
    let second = meets(&mut engine, &mut work, 11);
    let failed = sending_fails(&mut engine, work, second);
    assert_eq!(failed.as_deref(), Some("identity_changed"));
}

#[test]
fn what_waits_in_the_outbox_stays_there_when_a_mark_of_another_device_blocks_its_receiver() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let account = Account::new(1);
    work.put_own(&account.own(0));
    let own = account.id();
    let first = meets(&mut engine, &mut work, 10);
    let second = meets(&mut engine, &mut work, 11);
    let room = RoomId::direct(own, second);
    work.ensure_room(room, second, "mia", true).unwrap();
    engine.asks_are_open([7]);
    engine
        .send_text(&mut work, 7, room, None, "hello".into(), TextWith::default())
        .unwrap();
    let told = Mark {
        account: first,
        username: "mia".into(),
        judgment: Judgment::Verified,
        at: Timestamp(1_500),
    };
    engine.take_mark(&mut work, &told).unwrap();
    engine.flush_outbox(&mut work).unwrap();
    // Neither a frame nor a claim of prekeys leaves.
    let sent = work
        .requests()
        .iter()
        .any(|request| matches!(request, Request::Frame(_) | Request::Http(_)));
    assert!(!sent && engine.held.is_empty());
    assert_eq!(work.list_bytes(crate::Table::Outbox, &[], 10).unwrap().len(), 1);
}

#[test]
fn of_two_marks_the_later_one_counts_whichever_is_heard_first() {
    let mark = |judgment, at| Mark {
        account: AccountId([9; 32]),
        username: "mia".into(),
        judgment,
        at: Timestamp(at),
    };
    let (one, two) = (mark(Judgment::Verified, 5), mark(Judgment::None, 6));
    for order in [[&one, &two], [&two, &one]] {
        let mut rng = rng();
        let (mut engine, mut work) = engine_and_work(&mut rng);
        for mark in order {
            engine.take_mark(&mut work, mark).unwrap();
        }
        assert_eq!(work.judgment(one.account).unwrap(), Judgment::None);
    }
}

#[test]
fn the_name_that_an_own_device_saw_first_counts_against_what_the_server_says_later() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    // This device is new: the server calls the compared account otherwise, to part it from its namesake.
    let mut found = Account::new(10).found();
    found.username = "somebody".parse().unwrap();
    let first = Person::verify(found).unwrap();
    let compared = first.chain.account();
    assert!(engine.keep_person(&mut work, first).unwrap());
    let second = meets(&mut engine, &mut work, 11);
    assert_eq!(work.standing(second).unwrap(), Standing::Unchecked);
    let told = Mark {
        account: compared,
        username: "mia".into(),
        judgment: Judgment::Verified,
        at: Timestamp(500),
    };
    engine.take_mark(&mut work, &told).unwrap();
    assert_eq!(work.pinned_name(compared).unwrap().as_deref(), Some("mia"));
    assert_eq!(work.standing(second).unwrap(), Standing::Blocked);
    assert_eq!(work.namesakes(second).unwrap().len(), 1);
}

#[test]
fn an_older_word_about_a_name_changes_nothing_and_one_of_no_name_is_passed_over() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let account = meets(&mut engine, &mut work, 10);
    for (username, since) in [("other", 2_000), ("No Name/x", 1)] {
        let known = Known {
            account,
            username: username.into(),
            since: Timestamp(since),
        };
        engine.take_known(&mut work, &known).unwrap();
        assert_eq!(work.pinned_name(account).unwrap().as_deref(), Some("mia"));
    }
}

#[test]
fn a_profile_says_in_order_what_changed_in_a_log() {
    use crate::views::WhatChangedView as What;

    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let mut account = Account::new(10);
    let added = account.adds(0);
    account.revokes(0, added);
    let person = Person::verify(account.found()).unwrap();
    engine.found.insert(account.id(), person);
    engine.asks_are_open([4]);
    engine.profile(&mut work, 4, account.id()).unwrap();
    let effects = work.finish();
    let profile = effects.events.iter().find_map(|event| match event {
        Event::Answer {
            outcome: Outcome::Profile { profile },
            ..
        } => Some(profile),
        _ => None,
    });
    let profile = profile.expect("a profile");
    let what: Vec<_> = profile.changes.iter().map(|change| &change.what).collect();
    let device = added.0;
    assert_eq!(
        what,
        [
            &What::DeviceRemoved { device, name: None },
            &What::DeviceAdded { device, name: None },
            &What::Made
        ]
    );
    assert_eq!(profile.devices, 1);
    assert_eq!(profile.safety_number.as_ref().map(String::len), Some(60));
}

#[test]
fn whom_somebody_found_before_their_log_grew_is_shown_and_kept_as_they_are_now() {
    let mut rng = rng();
    let (mut engine, mut work) = engine_and_work(&mut rng);
    let mut account = Account::new(10);
    let found = Person::verify(account.found()).unwrap();
    account.adds(0);
    let now = Person::verify(account.found()).unwrap();
    assert!(engine.keep_person(&mut work, now).unwrap());
    engine.found.insert(account.id(), found);
    engine.asks_are_open([4]);
    engine.profile(&mut work, 4, account.id()).unwrap();
    assert!(engine.keep_found(&mut work, account.id()).unwrap());
    assert!(!work.is_disputed(account.id()).unwrap());
    let effects = work.finish();
    let devices = effects.events.iter().find_map(|event| match event {
        Event::Answer {
            outcome: Outcome::Profile { profile },
            ..
        } => Some(profile.devices),
        _ => None,
    });
    assert_eq!(devices, Some(2));
}
