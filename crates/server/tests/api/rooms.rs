//! Direct rooms.

use conclave_protocol::rooms::{DirectRoomFound, OpenDirectRoom};
use conclave_protocol::{AccountId, ErrorCode, RoomId};
use http::{Method, StatusCode};

use crate::harness::Server;

#[tokio::test]
async fn a_direct_room_is_opened_by_either_side_and_found_by_both() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let path = format!("/api/v1/rooms/{room}");
    let again = OpenDirectRoom { peer: mia.account };
    let opened = server
        .send(Method::PUT, &path, Some(&ben.access), &[], &again)
        .await;
    assert_eq!(opened.status, StatusCode::NO_CONTENT);
    for person in [&mia, &ben] {
        let found: DirectRoomFound = server.get(&path, Some(&person.access)).await.json();
        assert_eq!(RoomId::direct(found.low, found.high), room);
        assert!(found.low < found.high);
    }
}

#[tokio::test]
async fn others_do_not_learn_that_a_room_exists() {
    let server = Server::start().await;
    let (mia, _, room) = server.pair().await;
    let eve = server.person("eve", &mia).await;
    for path in [
        format!("/api/v1/rooms/{room}"),
        format!("/api/v1/rooms/{}", RoomId([1; 32])),
    ] {
        for path in [path.clone(), format!("{path}/envelopes")] {
            assert_eq!(
                server.get(&path, Some(&eve.access)).await.code(),
                ErrorCode::NotFound
            );
        }
    }
}

#[tokio::test]
async fn a_room_whose_id_does_not_follow_from_its_two_accounts_is_refused() {
    let server = Server::start().await;
    let (mia, ben, _) = server.pair().await;
    let eve = server.person("eve", &mia).await;
    let foreign = RoomId::direct(mia.account, ben.account);
    let path = format!("/api/v1/rooms/{foreign}");
    let body = OpenDirectRoom { peer: ben.account };
    let refused = server
        .send(Method::PUT, &path, Some(&eve.access), &[], &body)
        .await;
    assert_eq!(refused.code(), ErrorCode::Forbidden);

    let nobody = AccountId([9; 32]);
    let path = format!("/api/v1/rooms/{}", RoomId::direct(eve.account, nobody));
    let body = OpenDirectRoom { peer: nobody };
    let refused = server
        .send(Method::PUT, &path, Some(&eve.access), &[], &body)
        .await;
    assert_eq!(refused.code(), ErrorCode::UnknownPerson);
}
