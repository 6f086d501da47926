use conclave_db::Noted;
use conclave_protocol::Timestamp;
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join};

on_both_engines! {
    a_second_step_counts_once_it_is_confirmed
    a_secret_that_was_begun_is_replaced_and_one_that_is_on_is_not
    the_code_of_a_step_is_taken_once_and_none_from_before
    ten_takers_of_one_code_give_it_to_one
    a_backup_code_is_taken_once_by_its_own_account
    new_backup_codes_take_the_place_of_the_old
    a_second_step_that_is_off_leaves_nothing
}

fn noted(act: &'static str) -> Noted {
    Noted {
        actor: Some(account(1)),
        act,
        subject: "mia".to_owned(),
        now: NOW,
    }
}

async fn switched_on(stage: &Stage) {
    join(stage, [1, 2]).await;
    assert!(stage.begin_second_step(account(1), b"sealed").await.unwrap());
    let codes = [hash(1), hash(2)];
    let noted = noted("on");
    assert!(
        stage
            .confirm_second_step(account(1), 10, &codes, &noted)
            .await
            .unwrap()
    );
}

async fn a_second_step_counts_once_it_is_confirmed(stage: Stage) {
    join(&stage, [1]).await;
    let none = stage.confirm_second_step(account(1), 10, &[], &noted("on")).await;
    assert!(!none.unwrap());
    assert!(stage.find_second_step(account(1)).await.unwrap().is_none());
    stage.begin_second_step(account(1), b"sealed").await.unwrap();
    let begun = stage.find_second_step(account(1)).await.unwrap().unwrap();
    assert_eq!(
        (begun.secret.as_slice(), begun.on_since),
        (b"sealed".as_slice(), None)
    );
    assert!(!stage.take_step(account(1), 11).await.unwrap());
    let codes = [hash(1), hash(2)];
    stage
        .confirm_second_step(account(1), 10, &codes, &noted("on"))
        .await
        .unwrap();
    let on = stage.find_second_step(account(1)).await.unwrap().unwrap();
    assert_eq!((on.on_since, on.last_step, on.backup_codes), (Some(NOW), 10, 2));
    let lines = stage.list_audit(0, 10).await.unwrap();
    assert_eq!(lines.last().unwrap().act, "on");
}

async fn a_secret_that_was_begun_is_replaced_and_one_that_is_on_is_not(stage: Stage) {
    join(&stage, [1]).await;
    stage.begin_second_step(account(1), b"one").await.unwrap();
    assert!(stage.begin_second_step(account(1), b"two").await.unwrap());
    let begun = stage.find_second_step(account(1)).await.unwrap().unwrap();
    assert_eq!(begun.secret, b"two");
    stage
        .confirm_second_step(account(1), 1, &[], &noted("on"))
        .await
        .unwrap();
    assert!(!stage.begin_second_step(account(1), b"three").await.unwrap());
    let on = stage.find_second_step(account(1)).await.unwrap().unwrap();
    assert_eq!(on.secret, b"two");
}

async fn the_code_of_a_step_is_taken_once_and_none_from_before(stage: Stage) {
    switched_on(&stage).await;
    for (step, taken) in [(10, false), (12, true), (12, false), (11, false), (13, true)] {
        assert_eq!(stage.take_step(account(1), step).await.unwrap(), taken, "{step}");
    }
    assert!(!stage.take_step(account(2), 20).await.unwrap());
}

async fn ten_takers_of_one_code_give_it_to_one(stage: Stage) {
    switched_on(&stage).await;
    let second = stage.second_node().await;
    let tries = (0..10).map(|number| {
        let node = if number % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        async move { node.take_step(account(1), 20).await.unwrap() }
    });
    let taken = join_all(tries).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 1);
}

async fn a_backup_code_is_taken_once_by_its_own_account(stage: Stage) {
    switched_on(&stage).await;
    assert!(!stage.take_backup_code(account(2), hash(1)).await.unwrap());
    assert!(stage.take_backup_code(account(1), hash(1)).await.unwrap());
    assert!(!stage.take_backup_code(account(1), hash(1)).await.unwrap());
    let left = stage.find_second_step(account(1)).await.unwrap().unwrap();
    assert_eq!(left.backup_codes, 1);
}

async fn new_backup_codes_take_the_place_of_the_old(stage: Stage) {
    switched_on(&stage).await;
    let noted = noted("codes");
    let renewed = stage.replace_backup_codes(account(1), &[hash(3)], &noted).await;
    assert!(renewed.unwrap());
    assert!(!stage.take_backup_code(account(1), hash(1)).await.unwrap());
    assert!(stage.take_backup_code(account(1), hash(3)).await.unwrap());
    let none = stage.replace_backup_codes(account(2), &[hash(4)], &noted).await;
    assert!(!none.unwrap());
}

async fn a_second_step_that_is_off_leaves_nothing(stage: Stage) {
    switched_on(&stage).await;
    let off = Noted {
        now: Timestamp(NOW.0 + 1),
        ..noted("off")
    };
    assert!(stage.end_second_step(account(1), &off).await.unwrap());
    assert!(!stage.end_second_step(account(1), &off).await.unwrap());
    assert!(stage.find_second_step(account(1)).await.unwrap().is_none());
    assert!(!stage.take_backup_code(account(1), hash(1)).await.unwrap());
    let (head, _) = stage.find_audit_head().await.unwrap();
    let lines = stage.list_audit(0, 100).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.act == "off").count(), 1);
    assert_eq!(lines.last().unwrap().sequence, head);
}
