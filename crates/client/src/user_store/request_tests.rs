//! Strangers who write, people who are blocked, and what they hear of it.

use conclave_protocol::{AccountId, DeviceId, EnvelopeId, RoomId, Timestamp};

use super::entry::{Field, PersonField, chat_name, person_name};
use super::tests::{entry, plain};
use super::views::{ContactView, PersonChange};
use crate::changes::Table;
use crate::input::TextWith;
use crate::machine::Engine;
use crate::people::Person;
use crate::rows::{Delivery, MessageBody, MessageRow};
use crate::views::{ChatView, Event, MessageView, Outcome};
use crate::work::Work;
use crate::work::testing::{Account, EmptyStore, rng};

const START: Timestamp = Timestamp(1_800_000_000_000);
const TRUE: &[u8] = &[0xF5];

/// A device of an account, in one long handling, and somebody who wrote to it first.
struct Story<'w> {
    engine: Engine,
    work: Work<'w>,
    peer: AccountId,
    room: RoomId,
}

fn with_stranger(tell: impl FnOnce(&mut Story<'_>)) {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, START);
    let own = Account::new(1);
    work.put_own(&own.own(0));
    let mut engine = Engine::new(true);
    let stranger = Person::verify(Account::new(2).found()).unwrap();
    let peer = stranger.chain.account();
    assert!(engine.keep_person(&mut work, stranger).unwrap());
    let room = RoomId::direct(own.id(), peer);
    work.ensure_room(room, peer, "mia", true).unwrap();
    tell(&mut Story {
        engine,
        work,
        peer,
        room,
    });
}

impl Story<'_> {
    /// A message of the stranger comes.
    fn arrives(&mut self, sequence: u8) -> MessageRow {
        let mut state = self.work.room_state(self.room).unwrap().unwrap();
        state.apply(sequence.into());
        self.work.put_room_state(self.room, &state);
        let row = MessageRow {
            id: EnvelopeId([sequence; 16]),
            room: self.room,
            sequence: Some(sequence.into()),
            ordinal: sequence.into(),
            author: self.peer,
            device: DeviceId(0),
            mine: false,
            sent_at: START,
            counts: true,
            delivery: Delivery::Received,
            missing_before: 0,
            body: MessageBody::Text("hello".into()),
        };
        let row = self.work.take_in(row, false).unwrap();
        if row.body.is_shown() {
            self.engine
                .owe_delivered(&mut self.work, self.room, row.id)
                .unwrap();
        }
        row
    }

    /// The chat's row, where it is listed.
    fn listed(&self) -> Option<ChatView> {
        let mut view = plain(self.room, 0);
        let find = |n: u8| self.work.find_message(EnvelopeId([n; 16])).unwrap();
        let last = (1..=9).rev().filter_map(find).find(MessageRow::is_shown);
        view.last = last.map(|row| MessageView::of(&row));
        let listed = self.work.show_acquaintance(self.peer, self.room, &mut view);
        listed.unwrap().then_some(view)
    }

    fn is_request(&self) -> bool {
        self.listed().is_some_and(|view| view.request)
    }

    fn set(&mut self, change: &PersonChange) -> Outcome {
        let peer = self.peer;
        self.engine.asks_are_open([77]);
        self.engine.set_person(&mut self.work, 77, peer, change).unwrap();
        self.answer(77)
    }

    fn answer(&self, asked: u64) -> Outcome {
        let answers = self.work.events().iter().rev().find_map(|event| match event {
            Event::Answer { ask, outcome } if *ask == asked => Some(outcome.clone()),
            _ => None,
        });
        answers.unwrap()
    }

    fn deletes_the_request(&mut self) -> Outcome {
        self.engine.asks_are_open([78]);
        self.engine.delete_request(&mut self.work, 78, self.room).unwrap();
        self.answer(78)
    }

    fn writes(&mut self) -> Outcome {
        self.engine.asks_are_open([79]);
        let (room, with) = (self.room, TextWith::default());
        self.engine
            .send_text(&mut self.work, 79, room, None, "hi".into(), with)
            .unwrap();
        self.answer(79)
    }

    /// How many payloads wait to be sent once everything that is owed was looked at.
    fn tells(&mut self) -> usize {
        self.work.now = self.work.now.plus(60_000);
        self.engine.send_receipts(&mut self.work).unwrap();
        self.work.list_bytes(Table::Outbox, &[], 100).unwrap().len()
    }
}

fn accept() -> PersonChange {
    PersonChange {
        accepted: true,
        ..PersonChange::default()
    }
}

fn block(on: bool) -> PersonChange {
    PersonChange {
        blocked: Some(on),
        ..PersonChange::default()
    }
}

fn nickname(name: &str) -> PersonChange {
    PersonChange {
        nickname: Some(name.into()),
        ..PersonChange::default()
    }
}

fn failure(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { failure } => &failure.code,
        _ => "none",
    }
}

#[test]
fn what_a_stranger_writes_is_a_request_until_it_is_accepted() {
    with_stranger(|story| {
        assert!(story.listed().is_none(), "nothing has come yet");
        story.arrives(1);
        assert!(story.is_request());
        assert_eq!(story.set(&accept()), Outcome::Done);
        assert!(!story.is_request() && story.listed().is_some());
    });
}

#[test]
fn writing_accepts_and_so_does_what_was_written_on_another_own_device() {
    with_stranger(|story| {
        story.arrives(1);
        assert!(matches!(story.writes(), Outcome::Queued { .. }));
        assert!(!story.is_request());
        let name = person_name(story.peer, PersonField::Accepted);
        assert_eq!(
            story.work.setting(&name).unwrap(),
            Some(true),
            "own devices hear of it"
        );
    });
    with_stranger(|story| {
        story.arrives(1);
        story.engine.wrote_in(&mut story.work, story.room).unwrap();
        assert!(!story.is_request());
    });
}

#[test]
fn a_chat_that_the_person_opened_is_a_request_once_the_other_one_writes_first() {
    with_stranger(|story| {
        story.engine.asks_are_open([1]);
        let peer = story.peer;
        story.engine.open_chat(&mut story.work, 1, peer).unwrap();
        assert!(story.listed().is_some_and(|view| !view.request));
        story.arrives(1);
        assert!(story.is_request(), "to open a chat is no word to anybody");
    });
}

#[test]
fn saved_messages_are_never_a_request() {
    with_stranger(|story| {
        let own = story.work.own().unwrap().account;
        let known = story.work.acquaintance(own).unwrap();
        assert!(known.accepted && !known.blocked);
        assert_eq!(
            failure(&{
                story.engine.asks_are_open([5]);
                story
                    .engine
                    .set_person(&mut story.work, 5, own, &block(true))
                    .unwrap();
                story.answer(5)
            }),
            "person_own"
        );
    });
}

#[test]
fn a_stranger_hears_nothing_before_they_are_accepted_and_then_all_that_is_owed() {
    with_stranger(|story| {
        let row = story.arrives(1);
        story.engine.asks_are_open([2]);
        story
            .engine
            .mark_read(&mut story.work, 2, story.room, row.id)
            .unwrap();
        assert_eq!(story.tells(), 0);
        story.set(&accept());
        assert_eq!(story.tells(), 1);
    });
}

#[test]
fn who_is_blocked_hears_nothing_also_not_what_was_owed_before() {
    with_stranger(|story| {
        story.set(&accept());
        story.arrives(1);
        story.set(&block(true));
        assert_eq!(story.tells(), 0);
        story.set(&block(false));
        assert_eq!(story.tells(), 0, "what was owed then is owed no more");
        story.arrives(2);
        assert_eq!(story.tells(), 1);
    });
}

#[test]
fn a_stranger_who_is_blocked_is_listed_nowhere_but_among_the_blocked() {
    with_stranger(|story| {
        story.arrives(1);
        story.set(&block(true));
        assert!(story.listed().is_none());
        assert!(story.work.hides_room(story.room).unwrap(), "nor found");
        let blocked = ContactView {
            account: story.peer.to_string(),
            username: "mia".into(),
            nickname: None,
            blocked: true,
        };
        assert_eq!(story.contacts(), [blocked]);
        story.set(&block(false));
        assert!(story.is_request());
        assert!(story.contacts().is_empty());
    });
}

#[test]
fn a_chat_with_somebody_who_was_accepted_stays_when_they_are_blocked_and_nothing_is_sent_in_it() {
    with_stranger(|story| {
        story.arrives(1);
        story.writes();
        story.set(&block(true));
        assert!(story.listed().is_some_and(|view| view.blocked && !view.request));
        assert!(!story.work.hides_room(story.room).unwrap());
        assert_eq!(failure(&story.writes()), "person_blocked");
        story.set(&block(false));
        assert!(matches!(story.writes(), Outcome::Queued { .. }));
    });
}

#[test]
fn a_deleted_request_is_gone_and_what_comes_later_is_a_request_again() {
    with_stranger(|story| {
        story.arrives(1);
        assert_eq!(story.deletes_the_request(), Outcome::Done);
        assert!(story.listed().is_none());
        let again = story.arrives(1);
        assert!(!again.body.is_shown(), "what was deleted comes back on no way");
        assert!(story.listed().is_none());
        story.arrives(2);
        assert!(story.is_request());
        story.set(&accept());
        assert_eq!(failure(&story.deletes_the_request()), "not_a_request");
    });
}

#[test]
fn what_another_own_device_decided_holds_here() {
    with_stranger(|story| {
        story.arrives(1);
        let accepted = entry(person_name(story.peer, PersonField::Accepted), Some(TRUE), 9, 1);
        story.engine.hear_set(&mut story.work, vec![accepted]).unwrap();
        assert!(!story.is_request());
        let blocked = entry(person_name(story.peer, PersonField::Blocked), Some(TRUE), 9, 1);
        story.engine.hear_set(&mut story.work, vec![blocked]).unwrap();
        assert!(story.work.blocks(story.peer).unwrap());
    });
    with_stranger(|story| {
        story.arrives(1);
        let cleared = entry(chat_name(story.room, Field::ClearedUpTo), Some(&[1]), 9, 1);
        story.engine.hear_set(&mut story.work, vec![cleared]).unwrap();
        assert!(story.work.find_message(EnvelopeId([1; 16])).unwrap().is_none());
    });
}

#[test]
fn a_new_identity_of_somebody_who_was_written_to_is_no_stranger() {
    with_stranger(|story| {
        story.set(&accept());
        let again = Person::verify(Account::new(3).found()).unwrap();
        let account = again.chain.account();
        assert!(story.engine.keep_person(&mut story.work, again).unwrap());
        assert!(story.work.acquaintance(account).unwrap().accepted);
        story.set(&block(true));
        assert!(!story.work.acquaintance(account).unwrap().accepted);
    });
}

#[test]
fn a_name_of_ones_own_stands_in_the_list_until_it_is_taken_back() {
    with_stranger(|story| {
        story.writes();
        assert_eq!(story.set(&nickname(" Mia from the harbour ")), Outcome::Done);
        let title = |story: &Story<'_>| story.listed().and_then(|view| view.title);
        assert_eq!(title(story).as_deref(), Some("Mia from the harbour"));
        for wrong in ["x".repeat(65), "two\nlines".into()] {
            assert_eq!(failure(&story.set(&nickname(&wrong))), "nickname_invalid");
        }
        story.set(&nickname(" "));
        assert_eq!(title(story), None);
    });
}

#[test]
fn nothing_is_set_of_somebody_who_is_not_known_here() {
    with_stranger(|story| {
        story.engine.asks_are_open([6]);
        let nobody = AccountId([9; 32]);
        story
            .engine
            .set_person(&mut story.work, 6, nobody, &block(true))
            .unwrap();
        assert_eq!(failure(&story.answer(6)), "nobody_known");
        assert!(!story.work.blocks(nobody).unwrap());
    });
}

impl Story<'_> {
    fn contacts(&self) -> Vec<ContactView> {
        self.work.list_contacts().unwrap()
    }
}
