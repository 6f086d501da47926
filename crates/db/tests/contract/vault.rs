use conclave_db::{VaultAppended, VaultKey};
use conclave_protocol::limits::{VAULT_KEYS_MAX, VAULT_RECORDS_MAX};
use conclave_protocol::{Bytes, Hash};
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{account, hash, join};

on_both_engines! {
    records_are_appended_in_order_and_read_from_a_number
    the_same_records_in_the_same_place_are_in_already
    records_for_another_place_are_refused_without_effect
    of_ten_appends_for_one_place_one_is_stored
    a_full_vault_takes_nothing_more
    a_vault_takes_no_more_bytes_than_its_quota
    a_page_is_cut_by_bytes_but_never_empty
    each_account_has_a_vault_of_its_own
    keys_are_kept_and_the_oldest_that_are_not_in_force_are_forgotten
}

fn records(numbers: std::ops::Range<u8>) -> Vec<Bytes> {
    numbers.map(|number| Bytes(vec![number; 100])).collect()
}

async fn put(stage: &Stage, first: u64, numbers: std::ops::Range<u8>) -> VaultAppended {
    stage
        .append_vault_records(account(1), first, &records(numbers), u64::MAX)
        .await
        .unwrap()
}

async fn records_are_appended_in_order_and_read_from_a_number(stage: Stage) {
    join(&stage, [1]).await;
    assert_eq!(stage.count_vault_records(account(1)).await.unwrap(), 0);
    assert_eq!(put(&stage, 0, 0..70).await, VaultAppended::Done(70));
    assert_eq!(put(&stage, 70, 70..75).await, VaultAppended::Done(75));
    assert_eq!(put(&stage, 75, 0..0).await, VaultAppended::Done(75));
    assert_eq!(stage.count_vault_records(account(1)).await.unwrap(), 75);
    let page = stage
        .list_vault_records(account(1), 68, 4, 100_000)
        .await
        .unwrap();
    assert_eq!(page, records(68..72));
    let none = stage.list_vault_records(account(1), 75, 4, 100).await.unwrap();
    assert!(none.is_empty());
}

async fn the_same_records_in_the_same_place_are_in_already(stage: Stage) {
    join(&stage, [1]).await;
    put(&stage, 0, 0..5).await;
    put(&stage, 5, 5..8).await;
    assert_eq!(put(&stage, 0, 0..5).await, VaultAppended::Done(8));
    assert_eq!(put(&stage, 5, 5..8).await, VaultAppended::Done(8));
    assert_eq!(put(&stage, 2, 2..4).await, VaultAppended::Done(8));
    assert_eq!(put(&stage, 5, 6..8).await, VaultAppended::Moved);
}

async fn records_for_another_place_are_refused_without_effect(stage: Stage) {
    join(&stage, [1]).await;
    put(&stage, 0, 0..5).await;
    for (first, numbers) in [(0, 1..6), (3, 3..7), (6, 6..7), (u64::MAX, 6..7)] {
        assert_eq!(put(&stage, first, numbers).await, VaultAppended::Moved);
    }
    assert_eq!(stage.count_vault_records(account(1)).await.unwrap(), 5);
}

async fn of_ten_appends_for_one_place_one_is_stored(stage: Stage) {
    join(&stage, [1]).await;
    let tries = (0..10_u8).map(|number| {
        let stage = stage.clone();
        async move { put(&stage, 0, number..number + 3).await }
    });
    let outcomes = join_all(tries).await;
    let done = outcomes
        .iter()
        .filter(|outcome| **outcome == VaultAppended::Done(3))
        .count();
    let moved = outcomes
        .iter()
        .filter(|outcome| **outcome == VaultAppended::Moved)
        .count();
    assert_eq!((done, moved), (1, 9));
    assert_eq!(stage.number("SELECT count(*) FROM vault_records").await, 3);
}

async fn a_full_vault_takes_nothing_more(stage: Stage) {
    join(&stage, [1]).await;
    put(&stage, 0, 0..1).await;
    let nearly = VAULT_RECORDS_MAX - 1;
    stage
        .execute(&format!("UPDATE vaults SET records = {nearly}"))
        .await;
    assert_eq!(put(&stage, nearly, 0..2).await, VaultAppended::Full);
    assert_eq!(
        put(&stage, nearly, 0..1).await,
        VaultAppended::Done(VAULT_RECORDS_MAX)
    );
    assert_eq!(put(&stage, VAULT_RECORDS_MAX, 0..1).await, VaultAppended::Full);
}

async fn a_vault_takes_no_more_bytes_than_its_quota(stage: Stage) {
    join(&stage, [1, 2]).await;
    let put = async |person, first, numbers, quota| {
        let records = records(numbers);
        let appended = stage.append_vault_records(account(person), first, &records, quota);
        appended.await.unwrap()
    };
    assert_eq!(put(1, 0, 0..5, 1000).await, VaultAppended::Done(5));
    assert_eq!(put(1, 5, 5..11, 1000).await, VaultAppended::Full);
    assert_eq!(stage.count_vault_records(account(1)).await.unwrap(), 5);
    assert_eq!(put(1, 5, 5..10, 1000).await, VaultAppended::Done(10));
    assert_eq!(put(1, 10, 10..11, 1000).await, VaultAppended::Full);
    assert_eq!(
        put(1, 5, 5..10, 1000).await,
        VaultAppended::Done(10),
        "a repeat takes no room"
    );
    assert_eq!(put(2, 0, 0..1, 1000).await, VaultAppended::Done(1));
    assert_eq!(put(1, 10, 10..11, 1100).await, VaultAppended::Done(11));
    let summed = "SELECT count(*) FROM vaults v WHERE v.bytes <> (SELECT sum(length(r.record))
        FROM vault_records r WHERE r.account = v.account)";
    assert_eq!(stage.number(summed).await, 0);
}

async fn a_page_is_cut_by_bytes_but_never_empty(stage: Stage) {
    join(&stage, [1]).await;
    put(&stage, 0, 0..10).await;
    for (limit, count) in [(1, 1), (199, 1), (200, 2), (100_000, 10)] {
        let page = stage.list_vault_records(account(1), 0, 100, limit).await.unwrap();
        assert_eq!(page.len(), count);
    }
}

async fn each_account_has_a_vault_of_its_own(stage: Stage) {
    join(&stage, [1, 2]).await;
    put(&stage, 0, 0..3).await;
    assert_eq!(stage.count_vault_records(account(2)).await.unwrap(), 0);
    let other = stage
        .append_vault_records(account(2), 0, &records(9..10), u64::MAX)
        .await
        .unwrap();
    assert_eq!(other, VaultAppended::Done(1));
    stage.put_vault_keys(account(2), &[key(1, 1)], &[]).await.unwrap();
    assert!(stage.list_vault_keys(account(1)).await.unwrap().is_empty());
    let page = stage.list_vault_records(account(1), 0, 9, 9_999).await.unwrap();
    assert_eq!(page, records(0..3));
}

fn key(number: u64, byte: u8) -> VaultKey {
    VaultKey {
        hash: hash(number),
        bytes: vec![byte; 60],
    }
}

async fn keys_are_kept_and_the_oldest_that_are_not_in_force_are_forgotten(stage: Stage) {
    join(&stage, [1]).await;
    let put = |keys: Vec<VaultKey>, in_force: Vec<Hash>| {
        let stage = stage.clone();
        async move { stage.put_vault_keys(account(1), &keys, &in_force).await.unwrap() }
    };
    put(vec![key(1, 1), key(2, 2)], Vec::new()).await;
    put(vec![key(1, 3)], Vec::new()).await;
    assert_eq!(
        stage.list_vault_keys(account(1)).await.unwrap(),
        [key(2, 2), key(1, 1)],
        "put again, it is the newest, and what stands under a hash never changes"
    );
    let in_force = vec![hash(2)];
    for number in 0..100 {
        put(vec![key(1_000 + number, 5)], in_force.clone()).await;
    }
    let kept = stage.list_vault_keys(account(1)).await.unwrap();
    assert_eq!(kept.len(), VAULT_KEYS_MAX);
    assert_eq!(kept[0], key(2, 2), "in force, however old");
    assert_eq!(kept.last(), Some(&key(1_099, 5)));
    assert!(!kept.contains(&key(1, 1)));
}
