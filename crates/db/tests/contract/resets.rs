use conclave_db::{Appended, Reset};
use conclave_protocol::{AccountId, Bytes, DeviceId, Username};
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, append, device, join, open_room};

on_both_engines! {
    a_new_account_takes_the_name_and_the_password_and_the_old_one_ends
    the_vault_of_the_old_account_stays
    of_ten_who_start_again_at_once_one_does
    whose_password_was_replaced_meanwhile_does_not_start_again
}

fn name(number: u8) -> Username {
    format!("person{number}").parse().unwrap()
}

async fn reset(stage: &Stage, number: u8) -> Reset {
    Reset {
        before: stage.find_account(account(1)).await.unwrap().unwrap(),
        id: AccountId([number; 32]),
        genesis: vec![number],
        recovery: [number; 32],
        now: NOW.plus(10),
    }
}

async fn a_new_account_takes_the_name_and_the_password_and_the_old_one_ends(stage: Stage) {
    let [one, two] = join(&stage, [1, 2]).await;
    let room = open_room(&stage, one, two).await;
    let reset = reset(&stage, 9).await;
    assert_eq!(stage.reset_account(&reset).await.unwrap(), Some(Vec::new()));
    let now = stage.find_account_by_username(&name(1)).await.unwrap().unwrap();
    assert_eq!((now.id, now.closed, now.administrator), (reset.id, false, false));
    assert_eq!(now.opaque_record, reset.before.opaque_record);
    let old = stage.find_account(account(1)).await.unwrap().unwrap();
    assert!(old.closed);
    assert_eq!(old.username, name(1), "it is called as it was");
    assert!(stage.list_devices(old.id).await.unwrap().is_empty());
    let devices = stage.list_devices(now.id).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].device, DeviceId(0));
    assert!(!stage.list_entries(old.id, None, 10).await.unwrap().is_empty());
    let key = stage.find_recovery(&name(1)).await.unwrap();
    assert_eq!(key, Some((reset.id, [9; 32])));
    // Nothing can be sent to the old one any more, and the sender is told so.
    let sent = stage
        .append(vec![append(room, two, &[device(1, 0)], 1)], NOW.plus(20))
        .await
        .unwrap();
    assert_eq!(sent, [Appended::Deserted]);
    assert_eq!(stage.reset_account(&reset).await.unwrap(), None);
    assert_eq!(stage.find_successor(old.id).await.unwrap(), Some(now.id));
    assert_eq!(stage.find_successor(now.id).await.unwrap(), None);
    assert_eq!(stage.find_successor(AccountId([77; 32])).await.unwrap(), None);
}

async fn the_vault_of_the_old_account_stays(stage: Stage) {
    join(&stage, [1]).await;
    let records = [Bytes(vec![1; 40])];
    stage
        .append_vault_records(account(1), 0, &records, u64::MAX)
        .await
        .unwrap();
    stage.reset_account(&reset(&stage, 9).await).await.unwrap();
    assert_eq!(stage.count_vault_records(account(1)).await.unwrap(), 1);
    assert_eq!(stage.count_vault_records(AccountId([9; 32])).await.unwrap(), 0);
}

async fn of_ten_who_start_again_at_once_one_does(stage: Stage) {
    join(&stage, [1]).await;
    let resets = join_all((10..20).map(|number| reset(&stage, number))).await;
    let done = join_all(resets.iter().map(|reset| stage.reset_account(reset))).await;
    let done = done.into_iter().filter(|done| done.as_ref().unwrap().is_some());
    assert_eq!(done.count(), 1);
}

async fn whose_password_was_replaced_meanwhile_does_not_start_again(stage: Stage) {
    join(&stage, [1]).await;
    let mut reset = reset(&stage, 9).await;
    reset.before.password += 1;
    assert_eq!(stage.reset_account(&reset).await.unwrap(), None);
    let still = stage.find_account_by_username(&name(1)).await.unwrap().unwrap();
    assert_eq!((still.id, still.closed), (account(1), false));
}
