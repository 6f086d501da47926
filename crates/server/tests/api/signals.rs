//! Who is there, who writes and who gives receipts: what each of those who look on is told, and what nobody is.

use std::time::Duration;

use conclave_protocol::frames::{ClientFrame, Distribute, Distributed, Item, Pairwise, Refused, ServerFrame};
use conclave_protocol::limits::WATCHED_MAX;
use conclave_protocol::presence::{
    Availability, Choices, LastSeen, Presence, PresenceState, Seen, Typing, TypingOf, Watched,
};
use conclave_protocol::{AccountId, Bytes, EnvelopeId, ErrorCode, RoomId};
use http::{Method, StatusCode};
use tokio::time::timeout;

use crate::harness::{Person, Server, Socket, random};
use crate::place::Place;

/// Longer than a change takes to be told, and than a connection that broke is waited for.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

fn watched(accounts: &[AccountId]) -> ClientFrame {
    let watched = |account: &AccountId| Watched {
        account: *account,
        contact: true,
    };
    ClientFrame::Watch(accounts.iter().map(watched).collect())
}

fn typing(room: RoomId, active: bool) -> ClientFrame {
    ClientFrame::Typing(Typing { room, active })
}

async fn choose(server: &Server, person: &Person, choices: Choices) {
    let path = "/api/v1/account/presence";
    let answer = server
        .send(Method::PUT, path, Some(&person.access), &[], &choices)
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

/// A connected device that has nothing more to read.
async fn connected(server: &Server, person: &Person) -> Socket {
    let (mut socket, _) = Socket::open(server, person).await;
    while socket.hear().await != ServerFrame::Drained {}
    socket
}

/// The next that is said of who is there.
async fn presence(socket: &mut Socket) -> Presence {
    let said = timeout(TOLD_WITHIN, async {
        loop {
            if let ServerFrame::Presence(list) = socket.hear_news().await {
                return list[0];
            }
        }
    });
    said.await.expect("nothing was said of anybody")
}

#[tokio::test]
async fn who_writes_in_a_direct_chat_is_told_to_the_other_one_and_to_nobody_else() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let eve = server.person("eve", &mia).await;
    let mut from = connected(&server, &mia).await;
    let mut to = connected(&server, &ben).await;
    let mut stranger = connected(&server, &eve).await;
    // Both are connected, and their choices are known.
    for active in [true, false] {
        from.say(&typing(room, active)).await;
        let expected = TypingOf {
            room,
            account: mia.account,
            active,
        };
        assert_eq!(to.hear_news().await, ServerFrame::Typing(expected));
    }
    stranger.say(&typing(room, true)).await;
    stranger.say(&typing(RoomId(random()), true)).await;
    assert!(to.is_quiet().await && from.is_quiet().await && stranger.is_quiet().await);
}

#[tokio::test]
async fn who_writes_in_a_group_is_told_to_who_reads_there_and_not_to_who_was_put_out() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    group.add(&server, &mia, &eve).await;
    group.remove(&server, &mia, &eve).await;
    let mut from = connected(&server, &mia).await;
    let mut reader = connected(&server, &ben).await;
    let mut former = connected(&server, &eve).await;
    from.say(&typing(group.room(), true)).await;
    let expected = TypingOf {
        room: group.room(),
        account: mia.account,
        active: true,
    };
    assert_eq!(reader.hear_news().await, ServerFrame::Typing(expected));
    former.say(&typing(group.room(), true)).await;
    assert!(reader.is_quiet().await && former.is_quiet().await && from.is_quiet().await);
}

#[tokio::test]
async fn who_says_nothing_of_writing_is_told_nothing_of_it_either() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let off = Choices {
        typing: false,
        ..Choices::default()
    };
    choose(&server, &mia, off).await;
    let mut one = connected(&server, &mia).await;
    let mut other = connected(&server, &ben).await;
    // A changed client sends all the same.
    one.say(&typing(room, true)).await;
    other.say(&typing(room, true)).await;
    assert!(other.is_quiet().await && one.is_quiet().await);
    choose(&server, &mia, Choices::default()).await;
    assert_eq!(
        one.hear_news().await,
        ServerFrame::Choices(Choices::default()),
        "in force at once"
    );
    one.say(&typing(room, true)).await;
    assert!(matches!(other.hear_news().await, ServerFrame::Typing(_)));
}

#[tokio::test]
async fn each_sees_only_who_sees_them_and_a_stranger_gets_the_answer_that_nobody_gets() {
    let server = Server::start().await;
    let (mia, ben, _) = server.pair().await;
    let eve = server.person("eve", &mia).await;
    let mut one = connected(&server, &mia).await;
    let mut other = connected(&server, &ben).await;
    let mut stranger = connected(&server, &eve).await;
    one.say(&watched(&[ben.account])).await;
    stranger.say(&watched(&[mia.account, AccountId(random())])).await;
    assert!(one.is_quiet().await, "ben lets nobody see him yet");
    other.say(&watched(&[mia.account])).await;
    for (socket, account) in [(&mut one, ben.account), (&mut other, mia.account)] {
        let expected = Presence {
            account,
            state: PresenceState::Online,
            seen: None,
        };
        assert_eq!(presence(socket).await, expected);
    }
    other.say(&ClientFrame::Active(false)).await;
    assert_eq!(presence(&mut one).await.state, PresenceState::Idle);
    let quiet = Choices {
        availability: Availability::DoNotDisturb,
        ..Choices::default()
    };
    choose(&server, &ben, quiet).await;
    assert_eq!(presence(&mut one).await.state, PresenceState::DoNotDisturb);
    other.say(&watched(&[])).await;
    let gone = presence(&mut one).await;
    assert_eq!((gone.state, gone.seen), (PresenceState::Offline, None));
    assert!(stranger.is_quiet().await);
}

/// All that somebody who looks on is told and answered of a person who hides, or leaves.
async fn looked_on(hides: bool) -> Vec<String> {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let open = Choices {
        last_seen: LastSeen::Everyone,
        ..Choices::default()
    };
    choose(&server, &ben, open).await;
    choose(&server, &mia, open).await;
    let mut looks = connected(&server, &mia).await;
    let mut other = connected(&server, &ben).await;
    looks.say(&watched(&[ben.account])).await;
    other.say(&watched(&[mia.account])).await;
    let mut seen = Vec::new();
    let mut heard = |frame: ServerFrame| {
        // Minutes of two servers may differ; whether there is one may not.
        if let ServerFrame::Presence(list) = &frame
            && let Some(Seen::At(at)) = list[0].seen
        {
            assert_eq!(at.0 % 60_000, 0);
            seen.push(format!("{:?} in a minute", list[0].state));
        } else {
            seen.push(match frame {
                ServerFrame::Presence(list) => format!("{:?}", list[0].state),
                frame => format!("{frame:?}"),
            });
        }
    };
    heard(timeout(TOLD_WITHIN, looks.hear_news()).await.unwrap());
    if hides {
        let hidden = Choices {
            availability: Availability::Invisible,
            ..open
        };
        choose(&server, &ben, hidden).await;
        other.say(&typing(room, true)).await;
        other.say(&typing(group.room(), true)).await;
        other.say(&ClientFrame::Active(false)).await;
        other.say(&ClientFrame::Active(true)).await;
        other.say(&watched(&[mia.account, AccountId([9; 32])])).await;
    } else {
        drop(other);
    }
    heard(timeout(TOLD_WITHIN, looks.hear_news()).await.unwrap());
    if hides {
        // Also when it comes back, and goes.
        drop(connected(&server, &ben).await);
    }
    // Asked anew, on this connection and on the next.
    looks.say(&watched(&[])).await;
    looks.say(&watched(&[ben.account])).await;
    heard(timeout(TOLD_WITHIN, looks.hear_news()).await.unwrap());
    while let Ok(frame) = timeout(Duration::from_secs(3), looks.hear_news()).await {
        heard(frame);
    }
    let mut again = connected(&server, &mia).await;
    again.say(&watched(&[ben.account])).await;
    while let Ok(frame) = timeout(Duration::from_secs(3), again.hear_news()).await {
        heard(frame);
    }
    let about = format!("/api/v1/accounts/{}", ben.account);
    let answer = server.get(&about, Some(&mia.access)).await;
    seen.push(format!("{}", answer.status));
    seen
}

#[tokio::test]
async fn who_is_invisible_is_told_apart_from_who_left_by_nothing() {
    let (hides, leaves) = tokio::join!(looked_on(true), looked_on(false));
    assert_eq!(hides, leaves);
    assert_eq!(hides[..2], ["Online", "Offline in a minute"]);
}

#[tokio::test]
async fn receipts_of_who_gives_none_are_refused_whatever_their_client_sends_and_none_come() {
    let server = Server::start().await;
    let (mia, ben, _) = server.pair().await;
    let off = Choices {
        receipts: false,
        ..Choices::default()
    };
    choose(&server, &ben, off).await;
    let mut one = connected(&server, &mia).await;
    let mut other = connected(&server, &ben).await;
    let to = |person: &Person| Distribute {
        id: EnvelopeId(random()),
        messages: vec![Pairwise {
            to: person.device(),
            bytes: Bytes(b"sealed".to_vec()),
        }],
    };
    let receipt = to(&mia);
    let id = receipt.id;
    other.say(&ClientFrame::Receipts(receipt.clone())).await;
    let refused = Refused {
        id,
        code: ErrorCode::ReceiptsOff,
        retry_after: None,
    };
    assert_eq!(other.hear_news().await, ServerFrame::Refused(refused));
    // As something else it goes through and says so: devices take no receipt that is not marked as one.
    other.say(&ClientFrame::Distribute(receipt)).await;
    assert_eq!(
        other.hear_news().await,
        ServerFrame::Distributed(Distributed { id })
    );
    let ServerFrame::Deliver(deliver) = one.hear_news().await else {
        panic!("nothing delivered")
    };
    assert_eq!(deliver.item, Item::Control(ben.device()));

    let receipt = to(&ben);
    let id = receipt.id;
    one.say(&ClientFrame::Receipts(receipt)).await;
    assert_eq!(
        one.hear_news().await,
        ServerFrame::Distributed(Distributed { id }),
        "whoever sends does not learn what was chosen"
    );
    assert!(other.is_quiet().await);
    choose(&server, &ben, Choices::default()).await;
    one.say(&ClientFrame::Receipts(to(&ben))).await;
    loop {
        if let ServerFrame::Deliver(deliver) = other.hear_news().await {
            assert_eq!(deliver.item, Item::Receipt(mia.device()));
            break;
        }
    }
}

#[tokio::test]
async fn what_was_chosen_is_kept_and_told_to_the_own_devices() {
    let server = Server::start().await;
    let (mia, _, _) = server.pair().await;
    let path = "/api/v1/account/presence";
    let found = server.get(path, Some(&mia.access)).await;
    assert_eq!(found.json::<Choices>(), Choices::default());
    let choices = Choices {
        availability: Availability::Invisible,
        last_seen: LastSeen::Nobody,
        receipts: false,
        typing: true,
    };
    let mut socket = connected(&server, &mia).await;
    choose(&server, &mia, choices).await;
    assert_eq!(socket.hear_news().await, ServerFrame::Choices(choices));
    drop(socket);
    let server = server.restart().await;
    let found = server.get(path, Some(&mia.access)).await;
    assert_eq!(found.json::<Choices>(), choices);
    let (mut socket, _) = Socket::open(&server, &mia).await;
    assert_eq!(socket.hear().await, ServerFrame::Choices(choices));
}

#[tokio::test]
async fn choices_have_a_pace_and_a_list_has_an_end() {
    let server = Server::start_with(|config| {
        config.limits.choices = conclave_server::config::LimitsConfig::default().choices;
    })
    .await;
    let (mia, _, _) = server.pair().await;
    for _ in 0..20 {
        choose(&server, &mia, Choices::default()).await;
    }
    let path = "/api/v1/account/presence";
    let answer = server
        .send(Method::PUT, path, Some(&mia.access), &[], &Choices::default())
        .await;
    assert_eq!(answer.code(), ErrorCode::TooFast);
    let mut socket = connected(&server, &mia).await;
    socket.say(&watched(&vec![mia.account; WATCHED_MAX + 1])).await;
    assert_eq!(socket.end().await.0.unwrap().code, ErrorCode::TooLarge);
}
