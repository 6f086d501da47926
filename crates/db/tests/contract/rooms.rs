use conclave_protocol::RoomId;
use conclave_protocol::frames::Cursor;
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, append, device, join, open_room, room};

on_both_engines! {
    a_direct_room_opens_once_however_often_it_is_asked_for
    a_room_with_somebody_who_does_not_exist_is_not_opened
    an_account_has_a_room_with_itself
    only_rooms_beyond_their_cursor_have_moved
}

async fn a_direct_room_opens_once_however_often_it_is_asked_for(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = room(mia, noah);
    let tries = (0..10).map(|_| stage.insert_direct_room(&direct, NOW));
    assert!(join_all(tries).await.into_iter().all(|opened| opened.unwrap()));
    assert_eq!(stage.find_direct_room(direct.id).await.unwrap(), Some(direct));
    let sent = stage
        .append(vec![append(direct, mia, &[noah], 1)], NOW)
        .await
        .unwrap();
    assert_eq!(sent.len(), 1);
    assert!(stage.insert_direct_room(&direct, NOW.plus(5)).await.unwrap());
    assert_eq!(stage.list_envelopes(direct.id, 0, 10).await.unwrap().head, 1);
}

async fn a_room_with_somebody_who_does_not_exist_is_not_opened(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let direct = room(mia, device(9, 0));
    assert!(!stage.insert_direct_room(&direct, NOW).await.unwrap());
    assert_eq!(stage.find_direct_room(direct.id).await.unwrap(), None);
}

async fn an_account_has_a_room_with_itself(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let saved = open_room(&stage, mia, mia).await;
    assert_eq!(saved.id, RoomId::direct(account(1), account(1)));
    assert_eq!(stage.find_direct_room(saved.id).await.unwrap(), Some(saved));
}

async fn only_rooms_beyond_their_cursor_have_moved(stage: Stage) {
    let [mia, noah, zoe] = join(&stage, [1, 2, 3]).await;
    let with_noah = open_room(&stage, mia, noah).await;
    let with_zoe = open_room(&stage, mia, zoe).await;
    let saved = open_room(&stage, mia, mia).await;
    let others = open_room(&stage, noah, zoe).await;
    open_room(&stage, noah, noah).await;
    let batch = vec![
        append(with_noah, mia, &[noah], 1),
        append(with_noah, noah, &[mia], 1),
        append(with_zoe, zoe, &[mia], 1),
        append(saved, mia, &[], 2),
        append(others, zoe, &[noah], 2),
    ];
    stage.append(batch, NOW).await.unwrap();

    let at = |room: RoomId, sequence| Cursor { room, sequence };
    let moved = stage.list_moved(account(1), &[]).await.unwrap();
    assert_eq!(moved.len(), 3);
    assert!(moved.contains(&at(with_noah.id, 2)));
    assert!(moved.contains(&at(with_zoe.id, 1)));
    assert!(moved.contains(&at(saved.id, 1)));

    let cursors = [
        at(with_noah.id, 1),
        at(with_zoe.id, 1),
        at(saved.id, 7),
        at(others.id, 0),
    ];
    assert_eq!(
        stage.list_moved(account(1), &cursors).await.unwrap(),
        [at(with_noah.id, 2)]
    );
    assert!(stage.list_moved(account(9), &[]).await.unwrap().is_empty());
}
