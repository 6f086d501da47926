use conclave_protocol::frames::ClientFrame;
use conclave_protocol::limits::TYPING_SHOWN_MS;
use conclave_protocol::presence::{Choices, Presence, PresenceState, Typing, TypingOf, Watched};
use conclave_protocol::{AccountId, RoomId, Timestamp};

use super::views::ChoiceChange;
use crate::connection::Link;
use crate::effects::Request;
use crate::machine::Engine;
use crate::work::Work;
use crate::work::testing::{Account, EmptyStore, rng};

const MIA: AccountId = AccountId([2; 32]);
const EVE: AccountId = AccountId([3; 32]);

/// An engine that is online, whose person wrote to Mia and got something of Eve.
fn begun(work: &mut Work<'_>) -> (Engine, RoomId, RoomId) {
    let account = Account::new(1);
    work.put_own(&account.own(0));
    let mut engine = Engine::new(true);
    engine.link = Link::Online;
    let rooms = [(MIA, "mia"), (EVE, "eve")].map(|(peer, name)| {
        let room = RoomId::direct(account.id(), peer);
        work.ensure_room(room, peer, name, true).unwrap();
        room
    });
    engine.accept_by_writing(work, rooms[0]).unwrap();
    (engine, rooms[0], rooms[1])
}

fn frames(work: &Work<'_>) -> Vec<ClientFrame> {
    let frames = work.requests().iter().filter_map(|request| match request {
        Request::Frame(bytes) => ClientFrame::from_bytes(bytes).ok(),
        _ => None,
    });
    frames.collect()
}

fn said(work: &Work<'_>) -> Vec<bool> {
    let typing = frames(work).into_iter().filter_map(|frame| match frame {
        ClientFrame::Typing(Typing { active, .. }) => Some(active),
        _ => None,
    });
    typing.collect()
}

fn writes(room: RoomId, account: AccountId) -> TypingOf {
    TypingOf {
        room,
        account,
        active: true,
    }
}

#[test]
fn keys_are_said_every_few_seconds_and_silence_once() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(0));
    let (mut engine, room, stranger) = begun(&mut work);
    for second in 0..7 {
        work.now = Timestamp(second * 1_000);
        engine.type_in(&mut work, 1, room, true).unwrap();
        engine.drive_typing(&mut work);
    }
    assert_eq!(said(&work), [true; 3], "at 0, 3 and 6 seconds");
    assert_eq!(engine.presence.typing.due(), Some(Timestamp(11_000)));
    work.now = Timestamp(11_000);
    engine.drive_typing(&mut work);
    engine.drive_typing(&mut work);
    assert_eq!(said(&work), [true, true, true, false]);
    // To a stranger, who was not accepted, nothing is said.
    engine.type_in(&mut work, 1, stranger, true).unwrap();
    assert_eq!(said(&work).len(), 4);
    // What is sent stops it, and in another room one writes no longer in the first.
    engine.type_in(&mut work, 1, room, true).unwrap();
    engine.stop_typing(&mut work, stranger);
    engine.stop_typing(&mut work, room);
    engine.stop_typing(&mut work, room);
    assert_eq!(said(&work)[4..], [true, false]);
}

#[test]
fn who_writes_is_shown_for_six_seconds_and_strangers_are_not() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(0));
    let (mut engine, room, stranger) = begun(&mut work);
    engine.take_typing(&work, writes(stranger, EVE)).unwrap();
    engine.take_typing(&work, writes(room, EVE)).unwrap();
    engine.take_typing(&work, writes(RoomId([9; 32]), MIA)).unwrap();
    assert!(engine.typing_views(&work).unwrap().is_empty());
    engine.take_typing(&work, writes(room, MIA)).unwrap();
    let views = engine.typing_views(&work).unwrap();
    assert_eq!((views.len(), views[0].people.len()), (1, 1));
    work.now = Timestamp(TYPING_SHOWN_MS - 1);
    engine.drive_typing(&mut work);
    assert_eq!(engine.typing_views(&work).unwrap().len(), 1);
    work.now = Timestamp(TYPING_SHOWN_MS);
    engine.drive_typing(&mut work);
    assert!(engine.typing_views(&work).unwrap().is_empty());
}

#[test]
fn whom_one_knows_is_watched_and_of_others_nothing_is_taken() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(0));
    let (mut engine, _, _) = begun(&mut work);
    let online = |account| Presence {
        account,
        state: PresenceState::Online,
        seen: None,
    };
    work.now = Timestamp(2_000);
    engine.drive_presence(&mut work).unwrap();
    let watch = frames(&work);
    let contact = Watched {
        account: MIA,
        contact: true,
    };
    assert_eq!(watch, [ClientFrame::Watch(vec![contact])]);
    engine.take_presence(&[online(MIA), online(EVE)]);
    let people = engine.signals_view(&work).unwrap().people;
    assert_eq!(people.len(), 1);
    assert_eq!(
        (people[0].account.clone(), people[0].state),
        (MIA.to_string(), "online")
    );
    // The same list is not said again.
    engine.watch_soon(&mut work);
    work.now = Timestamp(60_000);
    engine.drive_presence(&mut work).unwrap();
    assert_eq!(frames(&work).len(), 1);
    engine.set_active(&mut work, 1, false);
    engine.drive_presence(&mut work).unwrap();
    engine.drive_presence(&mut work).unwrap();
    assert_eq!(frames(&work)[1..], [ClientFrame::Active(false)]);
}

#[test]
fn what_was_closed_stays_closed_whatever_the_server_says() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(0));
    let (mut engine, room, _) = begun(&mut work);
    let off = ChoiceChange {
        receipts: Some(false),
        typing: Some(false),
        ..ChoiceChange::default()
    };
    assert!(engine.gives_receipts(&work).unwrap());
    engine.choose(&mut work, 1, &off).unwrap();
    assert!(!engine.gives_receipts(&work).unwrap(), "at once");
    engine.take_choices(Choices::default());
    assert!(!engine.gives_receipts(&work).unwrap());
    engine.type_in(&mut work, 2, room, true).unwrap();
    engine.take_typing(&work, writes(room, MIA)).unwrap();
    assert!(said(&work).is_empty() && engine.typing_views(&work).unwrap().is_empty());
    let on = Choices::default();
    engine
        .choices_put(&mut work, 3, on, Ok(crate::calls::Nothing))
        .unwrap();
    assert!(engine.gives_receipts(&work).unwrap());
}
