use conclave_db::{Door, Registered};
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join, registration};

on_both_engines! {
    an_invite_is_open_until_its_time_or_its_use
    an_unknown_or_expired_invite_admits_nobody
    an_invite_used_by_twenty_at_once_admits_one
}

async fn an_invite_is_open_until_its_time_or_its_use(stage: Stage) {
    join(&stage, [1]).await;
    assert!(!stage.invite_is_open(hash(5), NOW).await.unwrap());
    stage
        .insert_invite(hash(5), account(1), NOW.plus(10), NOW)
        .await
        .unwrap();
    assert!(stage.invite_is_open(hash(5), NOW.plus(9)).await.unwrap());
    assert!(!stage.invite_is_open(hash(5), NOW.plus(10)).await.unwrap());
    let guest = registration(2, Door::Invite(hash(5)));
    assert_eq!(stage.insert_account(&guest).await.unwrap(), Registered::Done);
    assert!(!stage.invite_is_open(hash(5), NOW).await.unwrap());
    let next = registration(3, Door::Invite(hash(5)));
    assert_eq!(stage.insert_account(&next).await.unwrap(), Registered::DoorClosed);
}

async fn an_unknown_or_expired_invite_admits_nobody(stage: Stage) {
    join(&stage, [1]).await;
    let unknown = registration(2, Door::Invite(hash(6)));
    assert_eq!(
        stage.insert_account(&unknown).await.unwrap(),
        Registered::DoorClosed
    );
    stage.insert_invite(hash(5), account(1), NOW, NOW).await.unwrap();
    let late = registration(2, Door::Invite(hash(5)));
    assert_eq!(stage.insert_account(&late).await.unwrap(), Registered::DoorClosed);
    assert_eq!(stage.count_accounts().await.unwrap(), 1);
}

async fn an_invite_used_by_twenty_at_once_admits_one(stage: Stage) {
    join(&stage, [1]).await;
    stage
        .insert_invite(hash(5), account(1), NOW.plus(10), NOW)
        .await
        .unwrap();
    let second = stage.second_node().await;
    let tries = (100..120).map(|number| {
        let node = if number % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        async move {
            node.insert_account(&registration(number, Door::Invite(hash(5))))
                .await
                .unwrap()
        }
    });
    let outcomes = join_all(tries).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Registered::Done)
            .count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Registered::DoorClosed)
            .count(),
        19
    );
    assert_eq!(stage.count_accounts().await.unwrap(), 2);
}
