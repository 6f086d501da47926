//! Who may say what about a message, and that the order of arrival does not matter.

use conclave_protocol::frames::{Class, DirectMessage, Heads, Side};
use conclave_protocol::{AccountId, Bytes, DeviceId, EnvelopeId, RoomId, Timestamp};
use proptest::prelude::*;

use crate::content::{Act, Annotation, Body, Poll, Text, With};
use crate::mailbox::body_of;
use crate::rows::{Delivery, MessageBody, MessageRow, RoomKind, RoomRow};
use crate::timeline::Show;
use crate::views::{BodyView, Event, MessageView};
use crate::work::Work;
use crate::work::testing::{EmptyStore, rng, signed_up};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const OWN: AccountId = AccountId([1; 32]);
const PEER: AccountId = AccountId([2; 32]);

fn room() -> RoomId {
    RoomId::direct(OWN, PEER)
}

fn id(n: u8) -> EnvelopeId {
    EnvelopeId::new(Timestamp(NOW.0 - 1_000 + u64::from(n)), [n; 10])
}

fn row(n: u8, author: AccountId, body: MessageBody) -> MessageRow {
    let mine = author == OWN;
    MessageRow {
        id: id(n),
        room: room(),
        sequence: Some(n.into()),
        ordinal: n.into(),
        author,
        device: DeviceId(0),
        mine,
        sent_at: id(n).time(),
        counts: true,
        delivery: if mine { Delivery::Sent } else { Delivery::Received },
        missing_before: 0,
        body,
    }
}

fn text(n: u8, author: AccountId, text: &str) -> MessageRow {
    row(n, author, MessageBody::Text(text.into()))
}

fn poll(n: u8, author: AccountId) -> MessageRow {
    let poll = Poll {
        question: "When?".into(),
        options: vec!["now".into(), "later".into(), "never".into()],
        ..Poll::default()
    };
    row(n, author, MessageBody::Poll(poll))
}

fn said(n: u8, author: AccountId, target: u8, revision: u32, act: Act) -> MessageRow {
    let annotation = Annotation {
        target: id(target),
        revision,
        act,
    };
    row(n, author, MessageBody::Annotation(annotation))
}

fn edit(text: &str) -> Act {
    Act::Edit(text.into())
}

/// What a screen shows of these messages after all this came, in this order.
fn shown(rows: &[MessageRow], look_at: &[u8]) -> Vec<Option<MessageView>> {
    with_all(rows, |work| looked_at(work, look_at))
}

fn looked_at(work: &Work<'_>, look_at: &[u8]) -> Vec<Option<MessageView>> {
    let show = Show::new(work).unwrap();
    let view = |n: &u8| {
        let row = work.find_message(id(*n)).unwrap();
        row.filter(MessageRow::is_shown)
            .map(|row| show.message(&row).unwrap())
    };
    look_at.iter().map(view).collect()
}

fn with_all<T>(rows: &[MessageRow], look: impl FnOnce(&mut Work<'_>) -> T) -> T {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, NOW);
    signed_up(&mut work, OWN);
    work.put_room(RoomRow {
        room: room(),
        kind: RoomKind::Direct {
            peer: PEER,
            username: "mia".into(),
        },
        title: "mia".into(),
        active_at: NOW,
        read_up_to: 0,
    });
    for row in rows {
        work.take_in(row.clone(), false).unwrap();
    }
    look(&mut work)
}

fn one(rows: &[MessageRow]) -> MessageView {
    shown(rows, &[1]).pop().unwrap().unwrap()
}

fn body_text(view: &MessageView) -> &str {
    match &view.body {
        BodyView::Text { text } => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_its_author_writes_a_text_anew_and_the_highest_revision_holds() {
    let first = text(1, PEER, "first");
    let view = one(&[
        first.clone(),
        said(2, OWN, 1, 9, edit("forged")),
        said(3, PEER, 1, 1, edit("third")),
        said(4, PEER, 1, 0, edit("second")),
    ]);
    assert_eq!(body_text(&view), "third");
    assert_eq!(view.edited_at, Some(id(3).time().0));
    assert_eq!(
        body_text(&one(&[said(2, OWN, 1, 0, edit("forged")), first])),
        "first"
    );
}

#[test]
fn nobody_deletes_what_another_wrote_in_a_direct_chat() {
    let view = one(&[text(1, PEER, "mine"), said(2, OWN, 1, 0, Act::Delete)]);
    assert_eq!(body_text(&view), "mine");
    let view = one(&[said(2, OWN, 1, 0, Act::Delete), text(1, PEER, "mine")]);
    assert_eq!(body_text(&view), "mine");
}

#[test]
fn a_deletion_wins_over_edits_and_leaves_nothing_of_the_text() {
    let rows = [
        said(3, PEER, 1, 4, edit("second")),
        said(2, PEER, 1, 0, Act::Delete),
        text(1, PEER, "first"),
        said(4, PEER, 1, 5, edit("third")),
        said(5, OWN, 1, 0, Act::React("👍".into(), true)),
    ];
    with_all(&rows, |work| {
        let bodies: Vec<MessageBody> = (1..=5)
            .map(|n| work.find_message(id(n)).unwrap().unwrap().body)
            .collect();
        assert_eq!(bodies[0], MessageBody::Deleted(true));
        assert!(
            bodies[1..].iter().all(|body| *body == MessageBody::Removed),
            "{bodies:?}"
        );
        assert!(!work.find_message(id(1)).unwrap().unwrap().counts);
    });
}

#[test]
fn reactions_count_people_once_for_each_emoji_and_their_last_word_holds() {
    let react = |emoji: &str, on| Act::React(emoji.into(), on);
    let view = one(&[
        text(1, PEER, "hi"),
        said(2, OWN, 1, 0, react("👍", true)),
        said(3, OWN, 1, 0, react("🎉", true)),
        said(5, PEER, 1, 2, react("👍", true)),
        said(4, PEER, 1, 1, react("👍", false)),
        said(6, OWN, 1, 1, react("🎉", false)),
    ]);
    let reactions: Vec<(&str, u32, bool)> = view
        .reactions
        .iter()
        .map(|one| (one.emoji.as_str(), one.count, one.mine))
        .collect();
    assert_eq!(reactions, [("👍", 2, true)]);
    let names: Vec<&str> = view.reactions[0]
        .people
        .iter()
        .map(|one| one.account.as_str())
        .collect();
    assert_eq!(names, [OWN.to_string(), PEER.to_string()]);
}

#[test]
fn what_is_said_about_an_annotation_or_about_a_message_of_another_room_means_nothing() {
    let mut elsewhere = said(4, PEER, 1, 9, edit("from another room"));
    elsewhere.room = RoomId([9; 32]);
    let rows = [
        text(1, PEER, "hi"),
        said(2, PEER, 1, 0, Act::Pin(true)),
        said(3, PEER, 2, 0, Act::Delete),
        elsewhere,
        said(5, PEER, 5, 0, Act::Delete),
    ];
    let view = one(&rows);
    assert!(view.pinned);
    assert_eq!(body_text(&view), "hi");
    let mut turned = rows;
    turned.reverse();
    assert_eq!(one(&turned), view);
}

#[test]
fn a_reaction_to_a_message_that_is_not_here_waits_for_it() {
    let waits = said(2, PEER, 1, 0, Act::React("👍".into(), true));
    assert_eq!(shown(std::slice::from_ref(&waits), &[1, 2]), [None, None]);
    let view = one(&[waits, text(1, OWN, "hi")]);
    assert_eq!(view.reactions.len(), 1);
}

#[test]
fn votes_count_by_the_last_one_before_the_poll_was_closed_and_several_choices_only_where_allowed() {
    let view = one(&[
        poll(1, PEER),
        said(2, OWN, 1, 0, Act::Vote(vec![0])),
        said(3, OWN, 1, 1, Act::Vote(vec![2])),
        said(4, PEER, 1, 0, Act::Vote(vec![0, 2])),
        said(7, OWN, 1, 2, Act::Vote(vec![1])),
        said(5, OWN, 1, 0, Act::Close),
        said(6, PEER, 1, 0, Act::Close),
    ]);
    let BodyView::Poll {
        options,
        closed,
        voters,
        ..
    } = view.body
    else {
        panic!("a poll");
    };
    let votes: Vec<(u32, bool)> = options.iter().map(|option| (option.votes, option.mine)).collect();
    // Its author alone closed it; the own closing is of no weight.
    assert_eq!(
        (votes, closed, voters),
        (vec![(0, false), (0, false), (1, true)], true, 1)
    );
}

#[test]
fn a_quote_shows_what_the_original_says_here_and_nothing_that_the_reply_claims() {
    use crate::views::QuoteState::{Deleted, Here, Missing};

    let reply = |to: u8| {
        let with = With {
            reply: Some(id(to)),
            ..With::default()
        };
        let text = Text {
            text: "indeed".into(),
            with,
            expires_at: None,
        };
        row(3, PEER, MessageBody::Text(text))
    };
    let quote = |rows: &[MessageRow]| {
        let view = shown(rows, &[3]).pop().unwrap().unwrap().reply.unwrap();
        (view.excerpt, view.state)
    };
    let first = text(1, OWN, "first");
    assert_eq!(quote(&[first.clone(), reply(1)]), ("first".into(), Here));
    let edited = [first.clone(), reply(1), said(4, OWN, 1, 0, edit("second"))];
    assert_eq!(quote(&edited), ("second".into(), Here));
    let deleted = [first.clone(), reply(1), said(4, OWN, 1, 0, Act::Delete)];
    assert_eq!(quote(&deleted), (String::new(), Deleted));
    assert_eq!(quote(&[reply(1)]), (String::new(), Missing));
    let mut other = first;
    other.room = RoomId([9; 32]);
    assert_eq!(quote(&[other, reply(1)]), (String::new(), Missing));
}

#[test]
fn a_seal_that_says_something_else_than_its_envelope_is_refused() {
    let envelope = |class, target| DirectMessage {
        room: room(),
        sequence: 1,
        side: Side::Low,
        device: DeviceId(0),
        time: NOW,
        class,
        heads: Heads { low: 0, high: 0 },
        target,
        body: Bytes(Vec::new()),
    };
    let pin = || Annotation {
        target: id(1),
        revision: 0,
        act: Act::Pin(true),
    };
    let annotation = || Body::Annotation(pin());
    let refused = [
        (annotation(), envelope(Class::Annotation, Some(id(2)))),
        (annotation(), envelope(Class::Annotation, None)),
        (annotation(), envelope(Class::Message, Some(id(1)))),
        (Body::Text("hi".into()), envelope(Class::Annotation, Some(id(1)))),
        (Body::Unsupported, envelope(Class::Annotation, Some(id(1)))),
    ];
    for (body, envelope) in refused {
        assert_eq!(body_of(body, &envelope), MessageBody::Removed);
    }
    let fits = envelope(Class::Annotation, Some(id(1)));
    assert_eq!(body_of(annotation(), &fits), MessageBody::Annotation(pin()));
}

#[test]
fn what_is_missing_before_an_annotation_is_shown_all_the_same() {
    let mut gap = said(2, PEER, 1, 0, Act::Pin(true));
    gap.missing_before = 3;
    let views = shown(&[text(1, PEER, "hi"), gap], &[1, 2]);
    assert!(views[0].as_ref().unwrap().pinned);
    let placeholder = views[1].as_ref().unwrap();
    assert_eq!(
        (&placeholder.body, placeholder.missing_before),
        (&BodyView::Unopened, 2)
    );
}

#[test]
fn a_message_disappears_for_its_author_from_when_it_was_sent_and_for_others_from_when_they_read_it() {
    let with_timer = |n, author| {
        let mut row = text(n, author, "soon gone");
        if let MessageBody::Text(text) = &mut row.body {
            text.with.disappears = Some(60);
        }
        row
    };
    let rows = [with_timer(1, OWN), with_timer(2, PEER)];
    with_all(&rows, |work| {
        let expires = |work: &Work<'_>, n| work.find_message(id(n)).unwrap().unwrap().body.expires_at();
        assert_eq!(expires(work, 1), Some(id(1).time().plus(60_000)));
        assert_eq!(expires(work, 2), None);
        work.start_disappearing(room(), 2).unwrap();
        assert_eq!(expires(work, 2), Some(NOW.plus(60_000)));
        // Once more changes nothing.
        work.now = NOW.plus(5_000);
        work.start_disappearing(room(), 2).unwrap();
        assert_eq!(expires(work, 2), Some(NOW.plus(60_000)));
        work.now = NOW.plus(61_000);
        let mut engine = crate::machine::Engine::new(true);
        engine.expire(work).unwrap();
        for n in [1, 2] {
            assert_eq!(
                work.find_message(id(n)).unwrap().unwrap().body,
                MessageBody::Removed
            );
        }
        assert_eq!(engine.expiry_due, None);
    });
}

#[test]
fn what_the_person_deleted_before_it_came_never_shows() {
    with_all(&[], |work| {
        work.remove_here(id(1)).unwrap();
        let row = work.take_in(text(1, PEER, "hi"), false).unwrap();
        assert_eq!((row.body, row.counts), (MessageBody::Removed, false));
    });
}

#[test]
fn somebody_elses_annotation_is_told_where_it_holds_and_not_where_it_is_refused() {
    let told = |row: MessageRow| {
        with_all(&[text(1, PEER, "hi"), row.clone()], |work| {
            let count = |work: &Work<'_>| {
                let all = work.events().iter();
                all.filter(|event| matches!(event, Event::Annotated { .. }))
                    .count()
            };
            work.show_annotated(&row).unwrap();
            count(work)
        })
    };
    assert_eq!(told(said(2, PEER, 1, 0, edit("new"))), 1);
    assert_eq!(told(said(2, PEER, 1, 0, Act::Delete)), 1);
    assert_eq!(told(said(2, OWN, 1, 0, edit("forged"))), 0);
    assert_eq!(told(said(2, PEER, 7, 0, Act::Pin(true))), 0);
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => "[a-c]{1,2}".prop_map(|text| Act::Edit(text.as_str().into())),
        1 => Just(Act::Delete),
        4 => ("[👍🎉]", any::<bool>()).prop_map(|(emoji, on)| Act::React(emoji, on)),
        2 => any::<bool>().prop_map(Act::Pin),
        3 => proptest::sample::subsequence(vec![0_u32, 1, 2], 0..=3).prop_map(Act::Vote),
        1 => Just(Act::Close),
    ]
}

fn rows() -> impl Strategy<Value = Vec<MessageRow>> {
    let annotation = (any::<bool>(), 1..=6_u8, 0..4_u32, act());
    proptest::collection::vec(annotation, 0..14).prop_map(|all| {
        let mut rows = vec![
            text(1, PEER, "hi"),
            text(2, OWN, "ho"),
            poll(3, PEER),
            poll(4, OWN),
        ];
        for (n, (own, target, revision, act)) in (10_u8..).zip(all) {
            // 5 is never here, 6 is an annotation.
            let target = if target == 6 { 10 } else { target };
            rows.push(said(n, if own { OWN } else { PEER }, target, revision, act));
        }
        rows
    })
}

proptest! {
    #[test]
    fn any_order_of_arrival_leads_to_the_same_view(
        (in_order, shuffled) in rows().prop_flat_map(|rows| {
            (Just(rows.clone()), Just(rows).prop_shuffle())
        })
    ) {
        let all: Vec<u8> = (1..=40).collect();
        prop_assert_eq!(shown(&in_order, &all), shown(&shuffled, &all));
    }

    #[test]
    fn bringing_together_what_is_together_changes_nothing(rows in rows()) {
        let all: Vec<u8> = (1..=40).collect();
        let again = with_all(&rows, |work| {
            for row in &rows {
                let known = work.find_message(row.id).unwrap().unwrap();
                work.settle(&known).unwrap();
            }
            looked_at(work, &all)
        });
        prop_assert_eq!(shown(&rows, &all), again);
    }
}
