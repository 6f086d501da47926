use conclave_db::{ActiveDevice, Door, Registered};
use conclave_protocol::{Bytes, DeviceId, Username};
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, device, hash, join, registration};

on_both_engines! {
    a_registration_stores_the_account_its_genesis_and_its_first_device
    the_set_up_link_makes_the_first_administrator_and_nobody_else
    the_set_up_link_followed_by_ten_at_once_makes_one_administrator
    a_repeated_registration_changes_nothing_and_is_told_from_a_new_one
    the_same_registration_sent_ten_times_at_once_is_stored_once
    a_username_belongs_to_one_account_and_who_wanted_it_keeps_the_invite
    one_username_wanted_by_ten_at_once_goes_to_one
    an_account_keeps_its_username
    nobody_is_found_under_an_unknown_id_or_username
    entries_come_in_order_behind_a_sequence
    a_revoked_device_is_no_longer_listed
}

async fn a_registration_stores_the_account_its_genesis_and_its_first_device(stage: Stage) {
    join(&stage, [7]).await;
    let found = stage.find_account(account(7)).await.unwrap().unwrap();
    assert_eq!(found.id, account(7));
    assert_eq!(found.username.as_str(), "person7");
    assert!(found.administrator);
    assert_eq!(found.opaque_record, vec![7; 192]);
    let by_name = stage
        .find_account_by_username(&found.username)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(by_name.id, account(7));
    let entries = stage.list_entries(account(7), None, 10).await.unwrap();
    assert_eq!(entries, [Bytes(vec![7; 280])]);
    let devices = stage.list_devices(account(7)).await.unwrap();
    assert_eq!(devices, [ActiveDevice { device: DeviceId(0) }]);
    assert_eq!(stage.count_accounts().await.unwrap(), 1);
}

async fn the_set_up_link_makes_the_first_administrator_and_nobody_else(stage: Stage) {
    join(&stage, [1, 2]).await;
    assert!(
        !stage
            .find_account(account(2))
            .await
            .unwrap()
            .unwrap()
            .administrator
    );
    let late = stage.insert_account(&registration(3, Door::Setup)).await.unwrap();
    assert_eq!(late, Registered::DoorClosed);
    assert_eq!(stage.count_accounts().await.unwrap(), 2);
}

async fn the_set_up_link_followed_by_ten_at_once_makes_one_administrator(stage: Stage) {
    let tries = (1..=10).map(|number| {
        let stage = stage.clone();
        async move {
            stage
                .insert_account(&registration(number, Door::Setup))
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
        9
    );
    assert_eq!(stage.count_accounts().await.unwrap(), 1);
}

async fn a_repeated_registration_changes_nothing_and_is_told_from_a_new_one(stage: Stage) {
    join(&stage, [1]).await;
    let mut again = registration(1, Door::Setup);
    again.opaque_record = vec![0; 5];
    assert_eq!(stage.insert_account(&again).await.unwrap(), Registered::Already);
    assert_eq!(
        stage
            .find_account(account(1))
            .await
            .unwrap()
            .unwrap()
            .opaque_record,
        vec![1; 192]
    );
    assert_eq!(stage.list_entries(account(1), None, 10).await.unwrap().len(), 1);
}

async fn the_same_registration_sent_ten_times_at_once_is_stored_once(stage: Stage) {
    join(&stage, [1]).await;
    stage
        .insert_invite(hash(5), account(1), NOW.plus(1000), NOW)
        .await
        .unwrap();
    let tries = (0..10).map(|_| {
        let stage = stage.clone();
        async move {
            stage
                .insert_account(&registration(2, Door::Invite(hash(5))))
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
            .filter(|outcome| **outcome == Registered::Already)
            .count(),
        9
    );
    assert_eq!(stage.list_entries(account(2), None, 10).await.unwrap().len(), 1);
}

async fn a_username_belongs_to_one_account_and_who_wanted_it_keeps_the_invite(stage: Stage) {
    join(&stage, [1]).await;
    stage
        .insert_invite(hash(5), account(1), NOW.plus(1000), NOW)
        .await
        .unwrap();
    let mut second = registration(2, Door::Invite(hash(5)));
    second.username = "person1".parse().unwrap();
    assert_eq!(
        stage.insert_account(&second).await.unwrap(),
        Registered::UsernameTaken
    );
    assert!(stage.find_account(account(2)).await.unwrap().is_none());
    assert!(stage.list_entries(account(2), None, 10).await.unwrap().is_empty());
    assert!(stage.invite_is_open(hash(5), NOW).await.unwrap());
    second.username = "person2".parse().unwrap();
    assert_eq!(stage.insert_account(&second).await.unwrap(), Registered::Done);
}

async fn one_username_wanted_by_ten_at_once_goes_to_one(stage: Stage) {
    join(&stage, [1]).await;
    for number in 10..20 {
        stage
            .insert_invite(hash(number), account(1), NOW.plus(1000), NOW)
            .await
            .unwrap();
    }
    let tries = (10..20).map(|number| {
        let stage = stage.clone();
        async move {
            let mut wanted = registration(number, Door::Invite(hash(u64::from(number))));
            wanted.username = "wanted".parse().unwrap();
            stage.insert_account(&wanted).await.unwrap()
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
            .filter(|outcome| **outcome == Registered::UsernameTaken)
            .count(),
        9
    );
    let mut open = 0;
    for number in 10..20 {
        open += u32::from(stage.invite_is_open(hash(number), NOW).await.unwrap());
    }
    assert_eq!(open, 9);
}

async fn an_account_keeps_its_username(stage: Stage) {
    join(&stage, [1]).await;
    let mut renamed = registration(1, Door::Setup);
    renamed.username = "other".parse().unwrap();
    assert_eq!(
        stage.insert_account(&renamed).await.unwrap(),
        Registered::UsernameTaken
    );
    assert_eq!(
        stage
            .find_account(account(1))
            .await
            .unwrap()
            .unwrap()
            .username
            .as_str(),
        "person1"
    );
}

async fn nobody_is_found_under_an_unknown_id_or_username(stage: Stage) {
    let nobody: Username = "nobody".parse().unwrap();
    assert!(stage.find_account(account(9)).await.unwrap().is_none());
    assert!(stage.find_account_by_username(&nobody).await.unwrap().is_none());
    assert!(stage.list_entries(account(9), None, 10).await.unwrap().is_empty());
    assert!(stage.list_devices(account(9)).await.unwrap().is_empty());
}

async fn entries_come_in_order_behind_a_sequence(stage: Stage) {
    join(&stage, [1]).await;
    let owner = stage.literal(&account(1).0);
    for sequence in 1..=5_u8 {
        let bytes = stage.literal(&[sequence]);
        stage
            .execute(&format!(
                "INSERT INTO entries VALUES ({owner}, {sequence}, {bytes})"
            ))
            .await;
    }
    let page = stage.list_entries(account(1), Some(1), 3).await.unwrap();
    assert_eq!(page, [Bytes(vec![2]), Bytes(vec![3]), Bytes(vec![4])]);
    assert_eq!(stage.list_entries(account(1), None, 2).await.unwrap().len(), 2);
    assert_eq!(
        stage.list_entries(account(1), Some(0), 100).await.unwrap().len(),
        5
    );
    assert!(
        stage
            .list_entries(account(1), Some(5), 100)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_revoked_device_is_no_longer_listed(stage: Stage) {
    join(&stage, [1]).await;
    stage.add_device(device(1, 2)).await;
    stage.add_device(device(1, 1)).await;
    let ids = |devices: Vec<ActiveDevice>| devices.iter().map(|active| active.device.0).collect::<Vec<_>>();
    assert_eq!(ids(stage.list_devices(account(1)).await.unwrap()), [0, 1, 2]);
    stage.revoke_device(device(1, 1)).await;
    assert_eq!(ids(stage.list_devices(account(1)).await.unwrap()), [0, 2]);
}
