//! Ways into a place and out of it, and what those outside learn: nothing.

use conclave_protocol::frames::ServerFrame;
use conclave_protocol::places::{PlaceAppended, PlaceEntriesPage};
use conclave_protocol::{Bytes, ErrorCode};
use conclave_sigchain::room::{InviteId, RoomBody, RoomChain};
use ed25519_dalek::SigningKey;
use futures_util::future::join_all;
use http::StatusCode;

use crate::harness::{Person, Server, Socket, random};
use crate::place::{INVITE_LIFE_MS, Link, Place, accepted, bodies, page, places, refusal, told_entry};

#[tokio::test]
async fn an_invite_shows_the_chain_and_lets_in_and_all_that_is_wrong_with_one_is_wrong_alike() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    let link = group.invite(&server, &mia, Some(1), false).await;
    let ended = group.invite(&server, &mia, None, false).await;
    let body = RoomBody::RevokeInvite { invite: ended.invite };
    group.act(&server, &mia, body).await;
    let forged = Link {
        invite: link.invite,
        key: SigningKey::from_bytes(&random()),
    };
    let unknown = Link {
        invite: InviteId(77),
        key: link.key.clone(),
    };
    for wrong in [&forged, &unknown, &ended] {
        assert_eq!(
            group.read_invited(&server, &ben, wrong).await.code(),
            ErrorCode::PlaceInviteInvalid
        );
        let body = group.join(&server, &ben, wrong).await;
        assert_eq!(
            group.refused(&server, &ben, body).await,
            ErrorCode::PlaceInviteInvalid
        );
    }
    let page: PlaceEntriesPage = group.read_invited(&server, &ben, &link).await.json();
    assert_eq!((page.entries.len(), page.head), (4, 3));
    assert_eq!(group.entries(&server, &ben).await.code(), ErrorCode::NotFound);
    // The proof is for one account: another one has none by it.
    let eve = server.person("eve", &mia).await;
    let stolen = group.join(&server, &ben, &link).await;
    assert_eq!(
        group.refused(&server, &eve, stolen.clone()).await,
        ErrorCode::PlaceInviteInvalid
    );
    group.act(&server, &ben, stolen).await;
    assert_eq!(places(&server, &ben).await.len(), 1);
    let used_up = group.join(&server, &eve, &link).await;
    assert_eq!(
        group.refused(&server, &eve, used_up).await,
        ErrorCode::PlaceInviteInvalid
    );

    let late = group.invite(&server, &mia, None, false).await;
    server.clock.shift(i64::try_from(INVITE_LIFE_MS).unwrap() + 1_000);
    let body = group.join(&server, &eve, &late).await;
    assert_eq!(
        group.refused(&server, &eve, body).await,
        ErrorCode::PlaceInviteInvalid
    );
    assert_eq!(
        group.read_invited(&server, &eve, &late).await.code(),
        ErrorCode::PlaceInviteInvalid
    );
}

#[tokio::test]
async fn who_waits_to_be_let_in_reads_the_chain_and_no_message() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    let link = group.invite(&server, &mia, None, true).await;
    let (mut from, _) = Socket::open(&server, &mia).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    to.drain().await;
    for person in [&ben, &eve] {
        let body = group.request(&server, person, &link).await;
        group.act(&server, person, body).await;
    }
    assert!(places(&server, &ben).await.iter().all(|place| !place.member));
    assert_eq!(group.verified(&server, &ben).await.head(), 3);
    accepted(&mut from, &group.post(group.room(), b"inside")).await;
    assert_eq!(
        page(&server, &ben, group.room(), "").await.code(),
        ErrorCode::NotFound
    );
    let refused = refusal(&mut to, &group.post(group.room(), b"outside")).await;
    assert_eq!(refused.code, ErrorCode::NotFound);
    let (_, welcome) = Socket::open(&server, &eve).await;
    assert!(welcome.moved.is_empty());

    let body = RoomBody::Decline { account: eve.account };
    let declined = group.act(&server, &mia, body).await;
    let body = RoomBody::Approve { account: ben.account };
    let approved = group.act(&server, &mia, body).await;
    told_entry(&mut to, &approved).await;
    let page: PlaceEntriesPage = group.entries(&server, &eve).await.json();
    assert_eq!(page.head, declined.sequence, "the answer, and nothing behind it");
    accepted(&mut from, &group.post(group.room(), b"welcome")).await;
    // What was said before somebody came is not theirs, as the policy is.
    assert_eq!(bodies(&server, &ben, group.room()).await, [b"welcome"]);
}

#[tokio::test]
async fn who_was_banned_is_kept_out_until_the_ban_is_lifted() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let link = group.invite(&server, &mia, None, false).await;
    let banned = group.ban(&server, &mia, &ben).await;
    assert_eq!(
        group.read_invited(&server, &ben, &link).await.code(),
        ErrorCode::PlaceInviteInvalid
    );
    let body = group.join(&server, &ben, &link).await;
    assert_eq!(group.refused(&server, &ben, body).await, ErrorCode::Banned);
    assert_eq!(banned.sequence, group.chain.head());
    let body = RoomBody::Unban { account: ben.account };
    group.act(&server, &mia, body).await;
    let body = group.join(&server, &ben, &link).await;
    group.act(&server, &ben, body).await;
    assert_eq!(group.verified(&server, &ben).await.state(), group.chain.state());
}

#[tokio::test]
async fn who_leaves_hears_it_and_is_out_and_may_ask_again_what_came_of_it() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    let (mut to, _) = Socket::open(&server, &ben).await;
    to.drain().await;
    let body = RoomBody::Leave { closings: Vec::new() };
    let left = group.act(&server, &ben, body).await;
    told_entry(&mut to, &left).await;
    let again: PlaceAppended = group.offer(&server, &ben, &left).await.json();
    assert_eq!(again.sequence, left.sequence);
    assert!(places(&server, &ben).await.is_empty());
}

/// What somebody is told who tries everything.
async fn tries(server: &Server, group: &Place, who: &Person) -> Vec<(StatusCode, ErrorCode)> {
    let room = group.room();
    let chain: &RoomChain = &group.chain;
    let mut told = Vec::new();
    let nickname = RoomBody::Nickname {
        account: who.account,
        sealed: vec![1],
    };
    let leave = RoomBody::Leave { closings: Vec::new() };
    for body in [nickname, leave] {
        for wrong in [false, true] {
            let mut entry = group.entry(server, who, body.clone()).await;
            if wrong {
                entry.sequence = chain.head() + 9;
                let again =
                    entry.signed_with(|bytes| ed25519_dalek::Signer::sign(&who.key, bytes).to_bytes());
                entry = again;
            }
            let answer = group.offer(server, who, &entry).await;
            told.push((answer.status, answer.code()));
        }
    }
    for answer in [
        page(server, who, room, "").await,
        page(server, who, room, "?before=5").await,
        server
            .get(&format!("/api/v1/rooms/{room}"), Some(&who.access))
            .await,
    ] {
        told.push((answer.status, answer.code()));
    }
    let (mut socket, welcome) = Socket::open(server, who).await;
    assert!(welcome.moved.is_empty());
    let refused = refusal(&mut socket, &group.post(room, b"x")).await;
    told.push((StatusCode::NOT_FOUND, refused.code));
    told
}

#[tokio::test]
async fn strangers_and_those_put_out_learn_no_more_of_a_place_than_of_one_that_does_not_exist() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut group = Place::group(&server, &mia).await;
    let mut outside = Vec::new();
    for name in ["ben", "eve", "noa", "kim"] {
        outside.push(server.person(name, &mia).await);
    }
    let [ben, eve, noa, kim] = outside.as_slice() else {
        unreachable!()
    };
    for person in [ben, eve] {
        group.add(&server, &mia, person).await;
    }
    group.remove(&server, &mia, ben).await;
    group.ban(&server, &mia, eve).await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    accepted(&mut socket, &group.post(group.room(), b"inside")).await;

    let elsewhere = Server::start().await;
    let other_mia = elsewhere.administrator().await;
    let mut nowhere = Place::group(&elsewhere, &other_mia).await;
    let of_nowhere = elsewhere.person("noa", &other_mia).await;
    nowhere.add(&elsewhere, &other_mia, &of_nowhere).await;
    let expected = tries(&server, &nowhere, noa).await;
    assert!(expected.iter().all(|(_, code)| *code == ErrorCode::NotFound));
    for person in [ben, eve, kim] {
        assert_eq!(tries(&server, &group, person).await, expected, "{}", person.name);
    }
    for (place, person) in [(&nowhere, kim), (&group, kim)] {
        assert_eq!(place.entries(&server, person).await.code(), ErrorCode::NotFound);
    }
    let link = Link {
        invite: InviteId(1),
        key: SigningKey::from_bytes(&random()),
    };
    for (place, person) in [(&nowhere, kim), (&group, kim), (&group, eve), (&group, ben)] {
        let answer = place.read_invited(&server, person, &link).await;
        assert_eq!(answer.code(), ErrorCode::PlaceInviteInvalid);
        let body = place.join(&server, person, &link).await;
        assert_eq!(
            place.refused(&server, person, body).await,
            ErrorCode::PlaceInviteInvalid
        );
    }
}

#[tokio::test]
async fn whoever_is_put_out_reads_the_log_up_to_the_entry_that_did_it_and_no_further() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut group = Place::group(&server, &mia).await;
    let mut people = Vec::new();
    for name in ["ben", "eve"] {
        let person = server.person(name, &mia).await;
        group.add(&server, &mia, &person).await;
        people.push(person);
    }
    let removed = group.remove(&server, &mia, &people[0]).await;
    let banned = group.ban(&server, &mia, &people[1]).await;
    let late = server.person("noa", &mia).await;
    group.add(&server, &mia, &late).await;
    for (person, entry) in people.iter().zip([&removed, &banned]) {
        let page: PlaceEntriesPage = group.entries(&server, person).await.json();
        assert_eq!(page.head, entry.sequence);
        assert_eq!(page.entries.last(), Some(&Bytes(entry.to_bytes())));
    }
    // Back in, and out again: the last time counts.
    group.add(&server, &mia, &people[0]).await;
    assert_eq!(group.verified(&server, &people[0]).await, group.chain);
    let again = group.remove(&server, &mia, &people[0]).await;
    let page: PlaceEntriesPage = group.entries(&server, &people[0]).await.json();
    assert_eq!(page.head, again.sequence);
}

#[tokio::test]
async fn an_invite_for_one_that_many_use_at_once_lets_one_in() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut group = Place::group(&server, &mia).await;
    let link = group.invite(&server, &mia, Some(1), false).await;
    let mut people = Vec::new();
    for number in 0..100 {
        people.push(server.person(&format!("person{number}"), &mia).await);
    }
    let mut entries = Vec::new();
    for person in &people {
        let body = group.join(&server, person, &link).await;
        entries.push((person, group.entry(&server, person, body).await));
    }
    let offers = entries
        .iter()
        .map(|(person, entry)| group.offer(&server, person, entry));
    let answers = join_all(offers).await;
    let in_now = answers.iter().filter(|answer| answer.status.is_success());
    assert_eq!(in_now.count(), 1);
    let refused = answers.iter().filter(|answer| !answer.status.is_success());
    assert!(
        refused
            .into_iter()
            .all(|answer| answer.code() == ErrorCode::PlaceInviteInvalid)
    );
    assert_eq!(group.verified(&server, &mia).await.state().member_count(), 2);
}

#[tokio::test]
async fn of_two_administrators_who_act_at_once_one_is_told_that_the_log_has_moved() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let mut group = Place::group(&server, &mia).await;
    group.add(&server, &mia, &ben).await;
    for round in 0..5_u8 {
        let nickname = |who: &Person| RoomBody::Nickname {
            account: who.account,
            sealed: vec![round; 8],
        };
        let one = group.entry(&server, &mia, nickname(&mia)).await;
        let other = group.entry(&server, &ben, nickname(&ben)).await;
        let answers = join_all([
            group.offer(&server, &mia, &one),
            group.offer(&server, &ben, &other),
        ])
        .await;
        let (won, lost) = if answers[0].status.is_success() {
            (&one, 1)
        } else {
            (&other, 0)
        };
        assert!(answers[1 - lost].status.is_success());
        assert_eq!(answers[lost].code(), ErrorCode::ChainMoved);
        group.chain.append(won).unwrap();
    }
    let server = server.restart().await;
    assert_eq!(group.verified(&server, &ben).await.state(), group.chain.state());
}

#[tokio::test]
async fn news_of_a_place_goes_to_members_and_to_those_who_wait_and_to_nobody_else() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (ben, eve) = (server.person("ben", &mia).await, server.person("eve", &mia).await);
    let mut group = Place::group(&server, &mia).await;
    let link = group.invite(&server, &mia, None, true).await;
    let body = group.request(&server, &ben, &link).await;
    group.act(&server, &ben, body).await;
    let (mut waits, _) = Socket::open(&server, &ben).await;
    let (mut stranger, _) = Socket::open(&server, &eve).await;
    stranger.drain().await;
    let renamed = RoomBody::Nickname {
        account: mia.account,
        sealed: vec![1],
    };
    let entry = group.act(&server, &mia, renamed).await;
    told_entry(&mut waits, &entry).await;
    let declined = group
        .act(&server, &mia, RoomBody::Decline { account: ben.account })
        .await;
    told_entry(&mut waits, &declined).await;
    let body = RoomBody::Nickname {
        account: mia.account,
        sealed: vec![2],
    };
    group.act(&server, &mia, body).await;
    let body = RoomBody::Ban {
        account: eve.account,
        reason: Vec::new(),
        closings: Vec::new(),
    };
    // Who was never in is not told of a place that keeps them out.
    group.act(&server, &mia, body).await;
    assert!(waits.is_quiet().await && stranger.is_quiet().await);
    let (mut again, _) = Socket::open(&server, &ben).await;
    assert_eq!(again.hear().await, ServerFrame::Drained);
}
