use super::*;
use crate::appending::AfterAppend;
use crate::calls::Call;
use crate::changes::Change;
use crate::effects::HttpCall;
use crate::input::HttpOutcome;
use crate::own::OwnLogin;
use crate::work::testing::{Account, EmptyStore, rng};
use conclave_protocol::Timestamp;
use conclave_protocol::devices::{AppendEntry, EntryAppended};
use conclave_protocol::frames::Welcome;
use conclave_protocol::{ErrorCode, Problem, RestoreEpoch};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn welcome(head: Option<u32>) -> Welcome {
    Welcome {
        time: NOW,
        moved: Vec::new(),
        last_accepted: None,
        one_time_prekeys: 100,
        acknowledged: 0,
        head,
        restore: None,
        server_key: None,
    }
}

fn moved(account: &Account) -> ChainMoved {
    ChainMoved {
        account: account.id(),
        head: account.chain.head(),
        entry: account.entries.last().unwrap().clone(),
    }
}

/// This device is one of an account's, signed in and online.
fn online(work: &mut Work<'_>, account: &Account, device: u32) -> Engine {
    let mut own = account.own(device);
    own.registered = true;
    work.put_own(&own);
    work.put_login(&OwnLogin {
        signed_in: true,
        ..OwnLogin::default()
    });
    let mut engine = Engine::new(true);
    engine.link = Link::Online;
    engine.asks_are_open([7]);
    engine
}

fn events(work: Work<'_>) -> Vec<Event> {
    work.finish().events
}

fn warns(events: &[Event], code: &str) -> bool {
    let warns = |event: &Event| matches!(event, Event::Warning { failure } if failure.code == code);
    events.iter().any(warns)
}

fn posts(work: &Work<'_>) -> Vec<HttpCall> {
    let calls = work.requests().iter().filter_map(|request| match request {
        Request::Http(call) => Some(call.clone()),
        _ => None,
    });
    calls.collect()
}

/// Answers the engine's newest HTTP request of a path.
fn answers(engine: &mut Engine, work: &mut Work<'_>, part: &str, status: u16, body: &impl serde::Serialize) {
    let call = posts(work)
        .into_iter()
        .rev()
        .find(|call| call.path.contains(part));
    let id = call.expect("such a request").id;
    let outcome = HttpOutcome::Answered {
        status,
        body: serde_json::to_vec(body).unwrap(),
    };
    engine.http_outcome(work, id, outcome).unwrap();
}

fn posted(work: &Work<'_>) -> AccountEntry {
    let call = posts(work)
        .into_iter()
        .rev()
        .find(|call| call.path == "/api/v1/account/entries");
    let body: AppendEntry = serde_json::from_slice(&call.unwrap().body.unwrap().0).unwrap();
    AccountEntry::from_bytes(body.entry.as_slice()).unwrap()
}

fn has_access(engine: &mut Engine) {
    let logged_in = conclave_protocol::logins::LoggedIn {
        account: AccountId([0; 32]),
        device: DeviceId(0),
        username: "bob".parse().unwrap(),
        administrator: false,
        access_token: conclave_protocol::Token("token".into()),
        expires_in: 900_000,
        refresh_token: None,
    };
    engine.take_access(NOW, &logged_in);
}

#[test]
fn an_entry_of_another_device_is_verified_kept_and_told() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    let laptop = account.adds(0);
    engine.chain_moved(&mut work, &moved(&account)).unwrap();
    let phone = account.adds(laptop.0);
    engine.chain_moved(&mut work, &moved(&account)).unwrap();
    assert_eq!(work.own().unwrap().entries, account.entries);
    let person = engine.person(&work, account.id()).unwrap().unwrap();
    assert!(person.chain.device(phone).is_some());
    let events = events(work);
    assert!(events.contains(&Event::Devices));
    let added = events
        .iter()
        .filter(|event| matches!(event, Event::DeviceAdded { .. }));
    assert_eq!(added.count(), 1, "what this device added itself is no news");
}

#[test]
fn a_shorter_own_chain_is_a_warning_and_nothing_is_sealed_until_the_server_shows_it_again() {
    let mut rng = rng();
    let mut account = Account::new(1);
    account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    engine.own_chain_on_welcome(&mut work, Some(0), None).unwrap();
    assert!(engine.sealing_waits_for(&work, account.id()).unwrap());
    assert!(engine.person(&work, account.id()).unwrap().is_some());

    engine.own_chain_on_welcome(&mut work, Some(1), None).unwrap();
    assert!(
        engine.sealing_waits_for(&work, account.id()).unwrap(),
        "its word alone is not enough"
    );
    engine
        .needed_person(&mut work, account.id(), account.found())
        .unwrap();
    assert!(!engine.sealing_waits_for(&work, account.id()).unwrap());
    assert!(warns(&events(work), "chain_invalid"));
}

#[test]
fn what_a_restored_server_lacks_of_the_own_chain_is_given_back_once_and_a_second_time_is_a_warning() {
    let epoch = Some(RestoreEpoch([7; 16]));
    let mut rng = rng();
    let mut account = Account::new(1);
    account.adds(0);
    account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    has_access(&mut engine);
    engine.own_chain_on_welcome(&mut work, Some(0), epoch).unwrap();
    assert!(engine.sealing_waits_for(&work, account.id()).unwrap());
    for sequence in [1, 2] {
        assert_eq!(posted(&work).sequence, sequence);
        let answer = EntryAppended { sequence };
        answers(&mut engine, &mut work, "/account/entries", 200, &answer);
    }
    engine
        .needed_person(&mut work, account.id(), account.found())
        .unwrap();
    assert!(!engine.sealing_waits_for(&work, account.id()).unwrap());

    engine.own_chain_on_welcome(&mut work, Some(1), epoch).unwrap();
    assert!(engine.sealing_waits_for(&work, account.id()).unwrap());
    let warnings = events(work);
    let warnings = warnings
        .iter()
        .filter(|event| matches!(event, Event::Warning { .. }));
    assert_eq!(warnings.count(), 1);
}

#[test]
fn a_restored_server_that_refuses_what_it_lacks_is_a_warning() {
    let mut rng = rng();
    let mut account = Account::new(1);
    account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    has_access(&mut engine);
    let epoch = Some(RestoreEpoch([7; 16]));
    engine.own_chain_on_welcome(&mut work, Some(0), epoch).unwrap();
    let refusal = Problem::new(ErrorCode::ChainRefused);
    answers(
        &mut engine,
        &mut work,
        "/account/entries",
        refusal.status,
        &refusal,
    );
    assert!(engine.sealing_waits_for(&work, account.id()).unwrap());
    assert!(warns(&events(work), "chain_invalid"));
}

#[test]
fn a_forked_chain_of_a_contact_is_a_warning_and_nothing_is_sealed_to_them() {
    let mut rng = rng();
    let own = Account::new(1);
    let mut contact = Account::new(2);
    contact.adds(0);
    let mut other = contact.clone();
    contact.adds(0);
    other.revokes(0, DeviceId(1));
    for way in 0..3 {
        let mut work = Work::new(&EmptyStore, &mut rng, NOW);
        let mut engine = online(&mut work, &own, 0);
        engine
            .needed_person(&mut work, contact.id(), contact.found())
            .unwrap();
        assert!(!engine.sealing_waits_for(&work, contact.id()).unwrap());
        match way {
            0 => engine.chain_moved(&mut work, &moved(&other)).unwrap(),
            1 => engine
                .needed_person(&mut work, contact.id(), other.found())
                .unwrap(),
            _ => {
                other.adds(0);
                let page = EntriesPage {
                    entries: other.entries[3..].to_vec(),
                    more: false,
                };
                engine.needed_entries(&mut work, contact.id(), &page).unwrap();
            }
        }
        assert!(
            engine.sealing_waits_for(&work, contact.id()).unwrap(),
            "way {way}"
        );
        let person = engine.person(&work, contact.id()).unwrap().unwrap();
        assert_eq!(person.chain, contact.chain, "the known chain stays");
        assert!(warns(&events(work), "chain_invalid"));
    }
}

#[test]
fn a_long_chain_is_fetched_page_by_page_and_nothing_is_sealed_before_it_is_here() {
    let mut rng = rng();
    let own = Account::new(1);
    let mut contact = Account::new(2);
    let laptop = contact.adds(0);
    contact.revokes(0, laptop);
    let phone = contact.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &own, 0);
    has_access(&mut engine);
    let mut found = contact.found();
    found.entries.truncate(2);
    engine.needed_person(&mut work, contact.id(), found).unwrap();
    engine.follow_chain(&mut work, contact.id()).unwrap();
    let page = |at: usize| EntriesPage {
        entries: contact.entries[at..=at].to_vec(),
        more: at < 3,
    };
    answers(&mut engine, &mut work, "entries?after=1", 200, &page(2));
    assert!(engine.sealing_waits_for(&work, contact.id()).unwrap());
    answers(&mut engine, &mut work, "entries?after=2", 200, &page(3));
    assert!(!engine.sealing_waits_for(&work, contact.id()).unwrap());
    let person = engine.person(&work, contact.id()).unwrap().unwrap();
    let devices: Vec<_> = person.addresses().map(|address| address.device).collect();
    assert_eq!(devices, [DeviceId(0), phone]);
}

#[test]
fn a_proven_revocation_leaves_nothing_and_a_claimed_one_signs_out_alone() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let before = account.clone();
    account.revokes(0, laptop);

    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &before, laptop.0);
    engine.chain_moved(&mut work, &moved(&account)).unwrap();
    assert!(work.find_own().unwrap().is_none());
    let effects = work.finish();
    assert!(
        matches!(effects.changes.as_slice(), [Change::Wipe]),
        "{:?}",
        effects.changes
    );
    assert!(effects.requests.contains(&Request::Disconnect));
    assert!(warns(&effects.events, "device_removed"));
    let open = |event: &Event| {
        matches!(
            event,
            Event::Answer {
                ask: 7,
                outcome: Outcome::Failed { .. }
            }
        )
    };
    assert!(effects.events.iter().any(open), "whoever waited hears of it");

    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &before, laptop.0);
    has_access(&mut engine);
    engine.need(&mut work, Need::Prekeys).unwrap();
    let problem = Problem::new(ErrorCode::DeviceRevoked);
    answers(&mut engine, &mut work, "prekeys", 401, &problem);
    assert!(work.find_own().unwrap().is_some());
    assert!(!work.login().unwrap().signed_in);
    assert!(warns(&events(work), "device_revoked_unproven"));
}

#[test]
fn an_entry_that_is_not_genuine_revokes_nothing() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let before = account.clone();
    account.revokes(0, laptop);
    let mut entry = AccountEntry::from_bytes(account.entries.last().unwrap().as_slice()).unwrap();
    entry.signature = [9; 64];
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &before, laptop.0);
    let claimed = ChainMoved {
        entry: Bytes(entry.to_bytes()),
        ..moved(&account)
    };
    engine.chain_moved(&mut work, &claimed).unwrap();
    assert!(work.find_own().unwrap().is_some());
    assert!(warns(&events(work), "chain_invalid"));
}

#[test]
fn an_act_is_judged_anew_where_another_device_was_faster() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let phone = account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    has_access(&mut engine);
    let act = OwnAct::RevokeDevice(phone);
    engine.append_own(&mut work, act, AfterAppend::Answer(7)).unwrap();
    assert_eq!(posted(&work).sequence, 3);

    // The laptop added a device meanwhile.
    account.adds(laptop.0);
    let refused = Problem::new(ErrorCode::ChainMoved);
    answers(&mut engine, &mut work, "account/entries", 409, &refused);
    let page = EntriesPage {
        entries: account.entries[3..].to_vec(),
        more: false,
    };
    answers(&mut engine, &mut work, "entries?after=2", 200, &page);
    assert_eq!(posted(&work).sequence, 4, "it still makes sense");

    // And now the phone was revoked by the laptop.
    account.revokes(laptop.0, phone);
    answers(&mut engine, &mut work, "account/entries", 409, &refused);
    let page = EntriesPage {
        entries: account.entries[4..].to_vec(),
        more: false,
    };
    answers(&mut engine, &mut work, "entries?after=3", 200, &page);
    assert!(engine.appends.is_empty());
    assert_eq!(work.own().unwrap().entries, account.entries);
    let answer = Event::Answer {
        ask: 7,
        outcome: Outcome::Done,
    };
    assert!(events(work).contains(&answer));
}

#[test]
fn an_entry_whose_answer_was_lost_is_found_in_the_chain() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    has_access(&mut engine);
    engine
        .append_own(&mut work, OwnAct::RevokeDevice(laptop), AfterAppend::Answer(7))
        .unwrap();
    let entry = posted(&work);
    let lost = posts(&work).last().unwrap().id;
    engine
        .http_outcome(&mut work, lost, HttpOutcome::Unreachable)
        .unwrap();
    let page = EntriesPage {
        entries: vec![Bytes(entry.to_bytes())],
        more: false,
    };
    answers(&mut engine, &mut work, "entries?after=1", 200, &page);
    let own = work.own().unwrap();
    assert!(own.chain().unwrap().device(laptop).is_none());
    assert!(events(work).contains(&Event::Answer {
        ask: 7,
        outcome: Outcome::Done
    }));
}

#[test]
fn a_server_that_always_says_that_another_was_faster_is_not_believed_for_ever() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    has_access(&mut engine);
    engine
        .append_own(&mut work, OwnAct::RevokeDevice(laptop), AfterAppend::Answer(7))
        .unwrap();
    let mut rounds = 0;
    while engine
        .calls
        .values()
        .any(|call| matches!(call, Call::Append { .. }))
    {
        rounds += 1;
        answers(
            &mut engine,
            &mut work,
            "account/entries",
            409,
            &Problem::new(ErrorCode::ChainMoved),
        );
        let nothing = EntriesPage {
            entries: Vec::new(),
            more: false,
        };
        answers(&mut engine, &mut work, "entries?after=1", 200, &nothing);
    }
    assert_eq!(rounds, 8);
    let failed = |event: &Event| {
        matches!(
            event,
            Event::Answer {
                ask: 7,
                outcome: Outcome::Failed { .. }
            }
        )
    };
    assert!(events(work).iter().any(failed));
}

#[test]
fn acts_that_wait_go_one_after_the_other_and_offline_all_of_them_fail() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let phone = account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    has_access(&mut engine);
    engine.asks_are_open([8]);
    for (ask, device) in [(7, laptop), (8, phone)] {
        let then = AfterAppend::Answer(ask);
        engine
            .append_own(&mut work, OwnAct::RevokeDevice(device), then)
            .unwrap();
    }
    assert_eq!(posts(&work).len(), 1);
    answers(
        &mut engine,
        &mut work,
        "account/entries",
        200,
        &EntryAppended { sequence: 3 },
    );
    assert_eq!(posts(&work).len(), 2);
    for _ in 0..2 {
        let lost = posts(&work).last().unwrap().id;
        engine
            .http_outcome(&mut work, lost, HttpOutcome::Unreachable)
            .unwrap();
    }
    assert!(engine.appends.is_empty());
    let events = events(work);
    assert!(events.contains(&Event::Answer {
        ask: 7,
        outcome: Outcome::Done
    }));
    let failed = Outcome::Failed {
        failure: Failure::offline(),
    };
    assert!(events.contains(&Event::Answer {
        ask: 8,
        outcome: failed
    }));
}

#[test]
fn the_only_device_and_one_that_is_not_there_cannot_be_taken_out() {
    let mut rng = rng();
    let account = Account::new(1);
    for (device, code) in [(0, "last_device"), (5, "unknown_device")] {
        let mut work = Work::new(&EmptyStore, &mut rng, NOW);
        let mut engine = online(&mut work, &account, 0);
        let act = OwnAct::RevokeDevice(DeviceId(device));
        engine.append_own(&mut work, act, AfterAppend::Answer(7)).unwrap();
        let failure = events(work).into_iter().find_map(|event| match event {
            Event::Answer {
                outcome: Outcome::Failed { failure },
                ..
            } => Some(failure.code),
            _ => None,
        });
        assert_eq!(failure.as_deref(), Some(code));
    }
}

#[test]
fn once_all_that_may_be_on_its_way_is_here_nothing_is_left_of_a_revoked_device() {
    let mut rng = rng();
    let own = Account::new(1);
    let mut contact = Account::new(2);
    let laptop = contact.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &own, 0);
    engine
        .needed_person(&mut work, contact.id(), contact.found())
        .unwrap();
    let address = DeviceAddress {
        account: contact.id(),
        device: laptop,
    };
    let key = address_key(address);
    work.put_bytes(Table::Sessions, &key, zeroize::Zeroizing::new(vec![1]));
    engine.fresh_wanted.insert(address);
    contact.revokes(0, laptop);
    engine.chain_moved(&mut work, &moved(&contact)).unwrap();
    engine.forget_revoked(&mut work).unwrap();
    assert!(!engine.fresh_wanted.contains(&address));
    assert!(
        work.find_bytes(Table::Sessions, &key).unwrap().is_some(),
        "it may have written before"
    );
    work.now = NOW.plus(ON_ITS_WAY_MS);
    engine.forget_revoked(&mut work).unwrap();
    assert!(work.find_bytes(Table::Sessions, &key).unwrap().is_none());
    assert!(work.is_forgotten(address).unwrap());
}

#[test]
fn a_message_is_of_its_device_where_that_spoke_for_the_account_at_the_head_it_names() {
    use crate::mailbox::Standing;
    use conclave_protocol::frames::Heads;
    let mut rng = rng();
    let own = Account::new(1);
    let mut contact = Account::new(2);
    contact.adds(0);
    let laptop = contact.adds(0);
    contact.adds(0);
    contact.revokes(0, laptop);
    contact.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &own, 0);
    engine
        .needed_person(&mut work, contact.id(), contact.found())
        .unwrap();
    let mut stood = |device: u32, head: u32| {
        let from = DeviceAddress {
            account: contact.id(),
            device: DeviceId(device),
        };
        let heads = if contact.id() < own.id() {
            Heads { low: head, high: 0 }
        } else {
            Heads { low: 0, high: head }
        };
        match engine.author(&work, from, own.id(), contact.id(), heads).unwrap() {
            Standing::Spoke(_) => "spoke",
            Standing::Revoked => "revoked",
            Standing::Unknown => "unknown",
        }
    };
    let laptops: Vec<_> = (0..6).map(|head| stood(laptop.0, head)).collect();
    assert_eq!(
        laptops,
        ["unknown", "unknown", "spoke", "spoke", "revoked", "revoked"]
    );
    assert_eq!(stood(0, 5), "spoke");
    assert_eq!(stood(77, 5), "unknown");
    assert_eq!(stood(0, 6), "unknown", "a head that is not known here");
}

#[test]
fn a_name_given_by_a_clock_that_was_ahead_can_be_changed() {
    let mut rng = rng();
    let account = Account::new(1);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW.plus(1_000_000_000));
    let mut engine = online(&mut work, &account, 0);
    engine.rename_device(&mut work, 7, None, "Zoo").unwrap();
    work.now = NOW;
    engine.rename_device(&mut work, 8, None, "Attic").unwrap();
    assert_eq!(work.device_name(DeviceId(0)).unwrap().as_deref(), Some("Attic"));
}

#[test]
fn a_chain_that_grows_twice_on_one_connection_is_fetched_twice() {
    let mut rng = rng();
    let own = Account::new(1);
    let mut contact = Account::new(2);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &own, 0);
    engine
        .needed_person(&mut work, contact.id(), contact.found())
        .unwrap();
    for _ in 0..2 {
        assert!(
            engine.longer_chains_asked.insert(contact.id()),
            "it may be asked for"
        );
        contact.adds(0);
        let page = EntriesPage {
            entries: vec![contact.entries.last().unwrap().clone()],
            more: false,
        };
        engine.needed_entries(&mut work, contact.id(), &page).unwrap();
    }
}

#[test]
fn each_device_that_comes_is_told_this_devices_name_once() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, 0);
    engine.rename_device(&mut work, 7, None, " Kitchen ").unwrap();
    let told = |work: &Work<'_>| work.list_bytes(Table::Outbox, &[], 100).unwrap().len();
    engine.tell_own_name(&mut work).unwrap();
    let before = told(&work);
    for _ in 0..2 {
        account.adds(0);
        engine.chain_moved(&mut work, &moved(&account)).unwrap();
        engine.tell_own_name(&mut work).unwrap();
    }
    assert_eq!(told(&work) - before, 2);
    assert_eq!(work.device_name(DeviceId(0)).unwrap().as_deref(), Some("Kitchen"));
}

#[test]
fn of_two_names_given_at_once_every_device_keeps_the_same() {
    use crate::content::DeviceName;
    let mut rng = rng();
    let account = Account::new(1);
    let name = |name: &str| DeviceName {
        device: DeviceId(0),
        name: name.into(),
        at: NOW,
    };
    for order in [["Den", "Hall"], ["Hall", "Den"]] {
        let mut work = Work::new(&EmptyStore, &mut rng, NOW);
        let mut engine = online(&mut work, &account, 0);
        for each in order {
            engine.take_device_name(&mut work, &name(each)).unwrap();
        }
        assert_eq!(work.device_name(DeviceId(0)).unwrap().as_deref(), Some("Hall"));
    }
}

#[test]
fn a_name_given_before_there_was_an_account_is_this_devices_name_then() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = Engine::new(true);
    engine.rename_device(&mut work, 7, None, "Laptop").unwrap();
    assert_eq!(work.name_here().unwrap().as_deref(), Some("Laptop"));
    work.put_joined(&account.own(laptop.0));
    assert_eq!(work.device_name(laptop).unwrap().as_deref(), Some("Laptop"));
    engine.rename_device(&mut work, 8, None, "a\nb").unwrap();
    engine.rename_device(&mut work, 9, None, &"x".repeat(65)).unwrap();
    assert_eq!(work.device_name(laptop).unwrap().as_deref(), Some("Laptop"));
}

#[test]
fn a_new_device_begins_where_its_accounts_rooms_stand_at_its_first_welcome() {
    let mut rng = rng();
    let mut account = Account::new(1);
    let laptop = account.adds(0);
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    let mut engine = online(&mut work, &account, laptop.0);
    work.put_joined(&account.own(laptop.0));
    let room = conclave_protocol::RoomId([5; 32]);
    engine.link = Link::Greeting { since: NOW };
    let moved = vec![conclave_protocol::frames::Cursor { room, sequence: 12 }];
    engine
        .welcome(
            &mut work,
            &Welcome {
                moved,
                ..welcome(Some(1))
            },
        )
        .unwrap();
    assert_eq!(work.joins_at(room).unwrap(), Some(12));
    work.ensure_room(room, AccountId([9; 32]), "mia", true).unwrap();
    let state = work.room_state(room).unwrap().unwrap();
    assert_eq!((state.cursor, state.history_from), (12, Some(12)));
    assert_eq!(work.find_room(room).unwrap().unwrap().read_up_to, 12);
    assert!(!work.take_joined().unwrap());
}
