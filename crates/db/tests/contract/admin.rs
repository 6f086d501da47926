use conclave_db::{Login, Noted, verify_audit};
use conclave_protocol::{AccountId, Hash, Timestamp};
use futures_util::future::join_all;

use crate::devices::add_device;
use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join};

on_both_engines! {
    accounts_are_listed_in_the_order_of_their_making_in_pages
    a_suspended_account_has_no_login_and_gets_none
    a_sign_in_and_a_suspension_at_once_leave_no_login
    a_password_is_changed_once_for_each_count
    a_setting_keeps_its_last_value
    twenty_lines_at_once_stand_one_behind_another
    every_login_of_an_account_is_listed_and_ends_on_its_own
    a_login_of_who_showed_the_password_is_fresh_until_it_ends
    figures_count_what_is_there
    an_invite_that_was_withdrawn_is_listed_and_admits_nobody
}

const BEGIN: (Timestamp, AccountId) = (Timestamp(0), AccountId([0; 32]));

fn noted(act: &'static str) -> Noted {
    Noted {
        actor: None,
        act,
        subject: "something".to_owned(),
        now: NOW,
    }
}

fn login(number: u8, address: conclave_protocol::DeviceAddress) -> Login {
    Login {
        id: [number; 16],
        address,
        created_at: NOW.plus(u64::from(number)),
        refreshed_at: NOW.plus(u64::from(number)),
    }
}

async fn accounts_are_listed_in_the_order_of_their_making_in_pages(stage: Stage) {
    join(&stage, [1, 2, 3]).await;
    let all = stage.list_accounts("", BEGIN, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| one.devices == 1 && !one.second_step));
    let first = &all[0];
    let behind = (Timestamp(first.created_at), first.account);
    let rest = stage.list_accounts("", behind, 10).await.unwrap();
    let ids = |listed: &[conclave_protocol::admin::AccountListed]| -> Vec<AccountId> {
        listed.iter().map(|one| one.account).collect()
    };
    assert_eq!(ids(&rest), ids(&all[1..]));
    let name = all[2].username.as_str();
    let found = stage.list_accounts(name, BEGIN, 10).await.unwrap();
    assert_eq!(ids(&found), ids(&all[2..]));
    assert!(stage.list_accounts("%", BEGIN, 10).await.unwrap().is_empty());
    assert_eq!(
        stage.find_place_in_list(first.account).await.unwrap(),
        Some(Timestamp(first.created_at))
    );
}

async fn a_suspended_account_has_no_login_and_gets_none(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    stage.insert_login(&login(1, mia), hash(1)).await.unwrap();
    let ended = stage
        .suspend_account(account(1), &noted("suspended"))
        .await
        .unwrap();
    assert_eq!(ended.unwrap().len(), 1);
    assert!(stage.find_login([1; 16]).await.unwrap().is_none());
    let refused = stage.insert_login(&login(2, mia), hash(2)).await.unwrap();
    assert!(refused.is_none());
    assert!(stage.find_account(account(1)).await.unwrap().unwrap().suspended);
    let again = stage
        .suspend_account(account(1), &noted("suspended"))
        .await
        .unwrap();
    assert!(again.is_none());
    assert!(
        stage
            .reactivate_account(account(1), &noted("back"))
            .await
            .unwrap()
    );
    assert!(
        !stage
            .reactivate_account(account(1), &noted("back"))
            .await
            .unwrap()
    );
    let begun = stage.insert_login(&login(2, mia), hash(2)).await.unwrap();
    assert!(begun.is_some());
}

async fn a_sign_in_and_a_suspension_at_once_leave_no_login(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let second = stage.second_node().await;
    for round in 0..10_u8 {
        let made = login(round + 1, mia);
        let suspension = noted("suspended");
        let (signed_in, suspended) = tokio::join!(
            stage.insert_login(&made, hash(u64::from(round) + 1)),
            second.suspend_account(account(1), &suspension)
        );
        signed_in.unwrap();
        suspended.unwrap().unwrap();
        assert!(stage.find_login(made.id).await.unwrap().is_none(), "{round}");
        stage
            .reactivate_account(account(1), &noted("back"))
            .await
            .unwrap();
    }
}

async fn a_password_is_changed_once_for_each_count(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let phone = add_device(&stage, 1, 1).await;
    stage.insert_login(&login(1, mia), hash(1)).await.unwrap();
    stage.insert_login(&login(2, phone), hash(2)).await.unwrap();
    let changed = stage
        .change_password(account(1), 0, b"new", Some([1; 16]), &noted("password"))
        .await
        .unwrap();
    let ended: Vec<_> = changed.unwrap().into_iter().map(|ended| ended.id).collect();
    assert_eq!(ended, [[2; 16]]);
    let found = stage.find_account(account(1)).await.unwrap().unwrap();
    assert_eq!(
        (found.opaque_record.as_slice(), found.password),
        (b"new".as_slice(), 1)
    );
    let late = stage
        .change_password(account(1), 0, b"late", None, &noted("password"))
        .await
        .unwrap();
    assert!(late.is_none());
    let kept = stage
        .change_password(account(1), 1, b"newer", None, &noted("password"))
        .await
        .unwrap();
    assert!(kept.unwrap().is_empty());
    assert!(stage.find_login([1; 16]).await.unwrap().is_some());
}

async fn a_setting_keeps_its_last_value(stage: Stage) {
    assert_eq!(stage.find_setting("colour").await.unwrap(), None);
    for value in ["red", "blue"] {
        stage.put_setting("colour", value, &noted("set")).await.unwrap();
    }
    assert_eq!(
        stage.find_setting("colour").await.unwrap().as_deref(),
        Some("blue")
    );
}

async fn twenty_lines_at_once_stand_one_behind_another(stage: Stage) {
    let second = stage.second_node().await;
    let writes = (0..20).map(|number| {
        let node = if number % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        async move {
            node.put_setting("number", &number.to_string(), &noted("set"))
                .await
                .unwrap();
        }
    });
    join_all(writes).await;
    let lines = stage.list_audit(0, 100).await.unwrap();
    assert_eq!(lines.len(), 20);
    let head = stage.find_audit_head().await.unwrap();
    assert_eq!(verify_audit((0, Hash([0; 32])), &lines), Ok(head));
    let page = stage.list_audit(5, 3).await.unwrap();
    assert_eq!(
        page.iter().map(|line| line.sequence).collect::<Vec<_>>(),
        [6, 7, 8]
    );
}

async fn every_login_of_an_account_is_listed_and_ends_on_its_own(stage: Stage) {
    let [mia, ben] = join(&stage, [1, 2]).await;
    let mut devices = vec![mia];
    for sequence in 1..3 {
        devices.push(add_device(&stage, 1, sequence).await);
    }
    for (number, device) in (1..4).zip(&devices) {
        stage
            .insert_login(&login(number, *device), hash(u64::from(number)))
            .await
            .unwrap();
    }
    stage.insert_login(&login(9, ben), hash(9)).await.unwrap();
    let ids = async || -> Vec<u8> {
        let listed = stage.list_logins(account(1), NOW).await.unwrap();
        listed.iter().map(|login| login.id[0]).collect()
    };
    assert_eq!(ids().await, [3, 2, 1]);
    assert!(stage.end_login(account(1), [9; 16], NOW).await.unwrap().is_none());
    let ended = stage.end_login(account(1), [2; 16], NOW).await.unwrap();
    assert_eq!(ended.unwrap().address, devices[1]);
    assert!(stage.end_login(account(1), [2; 16], NOW).await.unwrap().is_none());
    let noted = noted("ended");
    let by_other = stage.end_login_noted(account(1), [3; 16], &noted).await.unwrap();
    assert!(by_other.is_some());
    assert!(
        stage
            .end_login_noted(account(1), [3; 16], &noted)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(ids().await, [1]);
    let others = stage.end_other_logins(account(1), [1; 16], NOW).await.unwrap();
    assert!(others.is_empty());
    assert!(
        stage
            .list_logins(account(1), NOW.plus(2))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(stage.find_login([9; 16]).await.unwrap().is_some());
}

async fn a_login_of_who_showed_the_password_is_fresh_until_it_ends(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    stage
        .insert_first_login(&login(1, mia), hash(1), Timestamp(0))
        .await
        .unwrap();
    assert_eq!(stage.find_proof([1; 16]).await.unwrap(), None);
    assert!(stage.prove_login([1; 16], NOW.plus(5)).await.unwrap());
    assert_eq!(stage.find_proof([1; 16]).await.unwrap(), Some(NOW.plus(5)));
    stage.insert_login(&login(2, mia), hash(2)).await.unwrap();
    assert_eq!(stage.find_proof([2; 16]).await.unwrap(), Some(NOW.plus(2)));
    stage.revoke_login([2; 16], NOW).await.unwrap();
    assert_eq!(stage.find_proof([2; 16]).await.unwrap(), None);
    assert!(!stage.prove_login([2; 16], NOW).await.unwrap());
}

async fn figures_count_what_is_there(stage: Stage) {
    join(&stage, [1, 2]).await;
    let figures = stage.figures().await.unwrap();
    assert!(figures.database_bytes > 0);
    let count = |name: &str| {
        let found = figures.counts.iter().find(|figure| figure.name == name);
        found.unwrap().count
    };
    assert_eq!((count("accounts"), count("devices"), count("posts")), (2, 2, 0));
    assert!(stage.count_administrators().await.unwrap() <= 2);
}

async fn an_invite_that_was_withdrawn_is_listed_and_admits_nobody(stage: Stage) {
    join(&stage, [1]).await;
    stage
        .insert_invite_for(hash(50), account(1), NOW.plus(10), 2, NOW)
        .await
        .unwrap();
    assert!(stage.revoke_invite(hash(50), &noted("withdrawn")).await.unwrap());
    assert!(!stage.revoke_invite(hash(50), &noted("withdrawn")).await.unwrap());
    assert!(!stage.invite_is_open(hash(50), NOW).await.unwrap());
    let listed = stage.list_invites(NOW, 10).await.unwrap();
    let found = listed.iter().find(|invite| invite.hash == hash(50)).unwrap();
    assert_eq!((found.uses, found.uses_max, found.revoked_at), (0, 2, Some(NOW)));
    assert!(stage.list_invites(NOW.plus(10), 10).await.unwrap().is_empty());
}
