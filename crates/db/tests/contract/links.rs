use conclave_db::{InLink, LinkOpened, LinkSide, NewLink};
use conclave_protocol::limits::{LINK_MESSAGES_MAX, LINKS_MAX};
use conclave_protocol::links::{LinkMessage, LinkWay};
use conclave_protocol::{AccountId, Bytes, LinkId};
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, device, hash, join};

on_both_engines! {
    two_devices_exchange_messages_in_turn
    a_repeated_message_changes_nothing_and_another_under_its_number_is_refused
    one_place_wanted_by_ten_devices_goes_to_one
    who_is_nobody_in_a_place_finds_none
    a_place_by_code_is_for_its_account_and_waits_in_its_list
    a_place_is_over_after_its_time_and_when_a_side_ends_it
    an_account_has_eight_open_places_at_most
    an_answer_is_cut_but_never_empty
    a_place_holds_so_many_messages_and_no_more
}

const ID: LinkId = LinkId([7; 16]);
const NEWCOMER: u64 = 40;

fn newcomer() -> LinkSide {
    LinkSide::Newcomer(hash(NEWCOMER))
}

fn new(id: LinkId, account: Option<AccountId>) -> NewLink {
    NewLink {
        id,
        way: if account.is_some() {
            LinkWay::Code
        } else {
            LinkWay::Scan
        },
        token: hash(NEWCOMER),
        account,
        message: vec![1; 40],
        expires: NOW.plus(1000),
    }
}

async fn open(stage: &Stage, account: Option<AccountId>) {
    assert_eq!(
        stage.open_link(&new(ID, account), NOW).await.unwrap(),
        LinkOpened::Done
    );
}

async fn add(stage: &Stage, side: LinkSide, number: u32, byte: u8) -> InLink<()> {
    let message = LinkMessage {
        number,
        message: Bytes(vec![byte; 40]),
    };
    stage.add_link_message(ID, side, &message, NOW).await.unwrap()
}

async fn numbers(stage: &Stage, side: LinkSide, after: u32) -> InLink<Vec<u32>> {
    let listed = stage
        .list_link_messages(ID, side, after, 100_000, NOW)
        .await
        .unwrap();
    match listed {
        InLink::Done(messages) => InLink::Done(messages.into_iter().map(|message| message.number).collect()),
        InLink::Gone => InLink::Gone,
        InLink::Taken => InLink::Taken,
        InLink::OutOfTurn => InLink::OutOfTurn,
        InLink::NumberReused => InLink::NumberReused,
    }
}

async fn two_devices_exchange_messages_in_turn(stage: Stage) {
    open(&stage, None).await;
    let old = LinkSide::Device(device(1, 0));
    assert_eq!(numbers(&stage, old, 0).await, InLink::Done(vec![1]));
    assert_eq!(add(&stage, newcomer(), 3, 3).await, InLink::OutOfTurn);
    assert_eq!(add(&stage, newcomer(), 2, 3).await, InLink::OutOfTurn);
    assert_eq!(add(&stage, old, 3, 3).await, InLink::OutOfTurn);
    assert_eq!(add(&stage, old, 2, 2).await, InLink::Done(()));
    assert_eq!(add(&stage, old, 4, 4).await, InLink::OutOfTurn);
    assert_eq!(add(&stage, newcomer(), 3, 3).await, InLink::Done(()));
    assert_eq!(add(&stage, old, 4, 4).await, InLink::Done(()));
    assert_eq!(
        numbers(&stage, newcomer(), 0).await,
        InLink::Done(vec![1, 2, 3, 4])
    );
    assert_eq!(numbers(&stage, old, 2).await, InLink::Done(vec![3, 4]));
}

async fn a_repeated_message_changes_nothing_and_another_under_its_number_is_refused(stage: Stage) {
    open(&stage, None).await;
    let old = LinkSide::Device(device(1, 0));
    for _ in 0..2 {
        assert_eq!(add(&stage, old, 2, 2).await, InLink::Done(()));
    }
    assert_eq!(add(&stage, old, 2, 9).await, InLink::NumberReused);
    assert_eq!(add(&stage, newcomer(), 1, 1).await, InLink::Done(()));
    assert_eq!(add(&stage, newcomer(), 1, 9).await, InLink::NumberReused);
    assert_eq!(numbers(&stage, newcomer(), 0).await, InLink::Done(vec![1, 2]));
    assert_eq!(
        stage.open_link(&new(ID, None), NOW).await.unwrap(),
        LinkOpened::IdTaken
    );
}

async fn one_place_wanted_by_ten_devices_goes_to_one(stage: Stage) {
    open(&stage, None).await;
    let tries = (0..10_u8).map(|number| {
        let stage = stage.clone();
        // Of one account and of several.
        async move {
            add(
                &stage,
                LinkSide::Device(device(number / 2, u32::from(number))),
                2,
                number,
            )
            .await
        }
    });
    let outcomes = join_all(tries).await;
    let taken = outcomes
        .iter()
        .filter(|outcome| **outcome == InLink::Done(()))
        .count();
    assert_eq!(taken, 1);
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, InLink::Done(()) | InLink::Taken | InLink::Gone))
    );
    assert_eq!(numbers(&stage, newcomer(), 0).await, InLink::Done(vec![1, 2]));
}

async fn who_is_nobody_in_a_place_finds_none(stage: Stage) {
    open(&stage, None).await;
    let old = LinkSide::Device(device(1, 0));
    let strangers = [LinkSide::Newcomer(hash(41)), LinkSide::Device(device(2, 0))];
    assert_eq!(
        stage.close_link(ID, old, NOW).await.unwrap(),
        InLink::Gone,
        "not before it is in it"
    );
    add(&stage, old, 2, 2).await;
    for stranger in strangers {
        assert_eq!(numbers(&stage, stranger, 0).await, InLink::Gone);
        assert_eq!(add(&stage, stranger, 3, 3).await, InLink::Gone);
        assert_eq!(stage.close_link(ID, stranger, NOW).await.unwrap(), InLink::Gone);
    }
    let late = LinkSide::Device(device(1, 1));
    assert_eq!(numbers(&stage, late, 0).await, InLink::Taken);
    assert_eq!(stage.close_link(ID, late, NOW).await.unwrap(), InLink::Taken);
    assert_eq!(numbers(&stage, old, 1).await, InLink::Done(vec![2]));
}

async fn a_place_by_code_is_for_its_account_and_waits_in_its_list(stage: Stage) {
    join(&stage, [1, 2]).await;
    open(&stage, Some(account(1))).await;
    let later = NewLink {
        expires: NOW.plus(2000),
        ..new(LinkId([8; 16]), Some(account(1)))
    };
    stage.open_link(&later, NOW).await.unwrap();
    let ids = |number, now| {
        let stage = stage.clone();
        async move {
            let waiting = stage.list_links_waiting(account(number), now).await.unwrap();
            waiting.into_iter().map(|link| link.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(1, NOW).await, [LinkId([8; 16]), ID]);
    assert!(ids(2, NOW).await.is_empty());
    assert_eq!(
        add(&stage, LinkSide::Device(device(2, 0)), 2, 2).await,
        InLink::Gone
    );
    assert_eq!(
        add(&stage, LinkSide::Device(device(1, 3)), 2, 2).await,
        InLink::Done(())
    );
    assert_eq!(
        ids(1, NOW).await,
        [LinkId([8; 16])],
        "one that is answered waits no more"
    );
    // A device may decline one that nobody answers.
    let declined = stage
        .close_link(LinkId([8; 16]), LinkSide::Device(device(1, 0)), NOW)
        .await
        .unwrap();
    assert_eq!(declined, InLink::Done(()));
    assert!(ids(1, NOW).await.is_empty());
}

async fn a_place_is_over_after_its_time_and_when_a_side_ends_it(stage: Stage) {
    open(&stage, None).await;
    let old = LinkSide::Device(device(1, 0));
    add(&stage, old, 2, 2).await;
    let late = NOW.plus(1000);
    let message = LinkMessage {
        number: 3,
        message: Bytes(vec![3]),
    };
    assert_eq!(
        stage
            .add_link_message(ID, newcomer(), &message, late)
            .await
            .unwrap(),
        InLink::Gone
    );
    let listed = stage.list_link_messages(ID, newcomer(), 0, 1000, late).await;
    assert!(matches!(listed.unwrap(), InLink::Gone));
    for _ in 0..2 {
        assert_eq!(
            stage.close_link(ID, newcomer(), NOW).await.unwrap(),
            InLink::Done(())
        );
    }
    assert_eq!(numbers(&stage, old, 0).await, InLink::Gone);
    assert_eq!(stage.number("SELECT count(*) FROM link_messages").await, 0);
}

async fn an_account_has_eight_open_places_at_most(stage: Stage) {
    join(&stage, [1, 2]).await;
    let tries = (0..20_u8).map(|number| {
        let stage = stage.clone();
        async move {
            let link = new(LinkId([number; 16]), Some(account(1)));
            stage.open_link(&link, NOW).await.unwrap()
        }
    });
    let outcomes = join_all(tries).await;
    let opened = outcomes
        .iter()
        .filter(|outcome| **outcome == LinkOpened::Done)
        .count();
    assert_eq!(opened, LINKS_MAX);
    let other = new(LinkId([77; 16]), Some(account(2)));
    assert_eq!(stage.open_link(&other, NOW).await.unwrap(), LinkOpened::Done);
    let later = NewLink {
        expires: NOW.plus(5000),
        ..new(LinkId([78; 16]), Some(account(1)))
    };
    assert_eq!(
        stage.open_link(&later, NOW.plus(1000)).await.unwrap(),
        LinkOpened::Done,
        "those whose time is over do not count"
    );
}

async fn an_answer_is_cut_but_never_empty(stage: Stage) {
    open(&stage, None).await;
    let old = LinkSide::Device(device(1, 0));
    add(&stage, old, 2, 2).await;
    add(&stage, newcomer(), 3, 3).await;
    for (limit, count) in [(1, 1), (80, 2), (119, 2), (120, 3)] {
        let listed = stage.list_link_messages(ID, old, 0, limit, NOW).await.unwrap();
        assert!(
            matches!(&listed, InLink::Done(messages) if messages.len() == count),
            "{limit}: {listed:?}"
        );
    }
}

async fn a_place_holds_so_many_messages_and_no_more(stage: Stage) {
    open(&stage, None).await;
    let old = LinkSide::Device(device(1, 0));
    for number in 2..=LINK_MESSAGES_MAX {
        let side = if number % 2 == 0 { old } else { newcomer() };
        assert_eq!(add(&stage, side, number, 1).await, InLink::Done(()));
    }
    assert_eq!(
        add(&stage, newcomer(), LINK_MESSAGES_MAX + 1, 1).await,
        InLink::OutOfTurn
    );
}
