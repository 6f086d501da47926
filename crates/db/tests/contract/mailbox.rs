use conclave_db::DeviceState;
use conclave_protocol::DeviceAddress;
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, append, body, device, join, open_room, pairwise};

on_both_engines! {
    a_mailbox_is_listed_in_order_behind_a_sequence
    a_page_ends_at_its_bytes_but_has_one_message
    acknowledging_deletes_up_to_a_sequence_and_is_remembered
    nothing_is_acknowledged_beyond_the_last_message
    sequences_go_on_after_the_mailbox_was_emptied
    many_devices_acknowledge_in_one_commit
    acknowledging_at_once_counts_each_message_once
    a_device_that_nobody_knows_has_an_empty_state
}

/// Sends so many messages from the first person to the second, whose device is answered.
async fn with_messages(stage: &Stage, count: u64) -> DeviceAddress {
    let [mia, noah] = join(stage, [1, 2]).await;
    let direct = open_room(stage, mia, noah).await;
    let batch = (0..count)
        .map(|number| append(direct, mia, &[noah], number))
        .collect();
    stage.append(batch, NOW).await.unwrap();
    noah
}

async fn places(stage: &Stage, device: DeviceAddress, after: u64, limit: u32, bytes: usize) -> Vec<u64> {
    let items = stage.list_mailbox(device, after, limit, bytes).await.unwrap();
    items.iter().map(|item| item.mailbox).collect()
}

async fn a_mailbox_is_listed_in_order_behind_a_sequence(stage: Stage) {
    let noah = with_messages(&stage, 10).await;
    assert_eq!(places(&stage, noah, 0, 4, 1 << 20).await, [1, 2, 3, 4]);
    assert_eq!(places(&stage, noah, 4, 4, 1 << 20).await, [5, 6, 7, 8]);
    assert_eq!(places(&stage, noah, 8, 4, 1 << 20).await, [9, 10]);
    assert!(places(&stage, noah, 10, 4, 1 << 20).await.is_empty());
    assert!(places(&stage, noah, u64::MAX, 4, 1 << 20).await.is_empty());
    assert!(places(&stage, device(9, 0), 0, 4, 1 << 20).await.is_empty());
}

async fn a_page_ends_at_its_bytes_but_has_one_message(stage: Stage) {
    let noah = with_messages(&stage, 10).await;
    let size = pairwise(noah, 0).len() + body(0).len();
    assert_eq!(places(&stage, noah, 0, 10, size * 3).await, [1, 2, 3]);
    assert_eq!(places(&stage, noah, 0, 10, size * 4 - 1).await, [1, 2, 3]);
    assert_eq!(places(&stage, noah, 5, 10, size).await, [6]);
    assert_eq!(places(&stage, noah, 5, 10, 1).await, [6]);
    assert_eq!(places(&stage, noah, 5, 10, 0).await, [6]);
    assert_eq!(places(&stage, noah, 0, 10, usize::MAX).await.len(), 10);
}

async fn acknowledging_deletes_up_to_a_sequence_and_is_remembered(stage: Stage) {
    let noah = with_messages(&stage, 10).await;
    assert_eq!(stage.device_state(noah).await.unwrap().acknowledged, 0);
    assert_eq!(stage.acknowledge(noah, 4).await.unwrap(), 4);
    assert_eq!(places(&stage, noah, 0, 3, 1 << 20).await, [5, 6, 7]);
    assert_eq!(stage.device_state(noah).await.unwrap().acknowledged, 4);
    for repeated in [4, 2, 0] {
        assert_eq!(stage.acknowledge(noah, repeated).await.unwrap(), 0);
    }
    assert_eq!(stage.device_state(noah).await.unwrap().acknowledged, 4);
    assert_eq!(stage.acknowledge(noah, 10).await.unwrap(), 6);
    assert_eq!(stage.device_state(noah).await.unwrap().acknowledged, 10);
}

async fn nothing_is_acknowledged_beyond_the_last_message(stage: Stage) {
    let noah = with_messages(&stage, 3).await;
    for beyond in [4, u64::MAX] {
        assert_eq!(stage.acknowledge(noah, beyond).await.unwrap(), 0);
    }
    assert_eq!(stage.acknowledge(device(9, 0), 1).await.unwrap(), 0);
    assert_eq!(places(&stage, noah, 0, 10, 1 << 20).await, [1, 2, 3]);
    assert_eq!(stage.device_state(noah).await.unwrap().acknowledged, 0);
}

async fn sequences_go_on_after_the_mailbox_was_emptied(stage: Stage) {
    let noah = with_messages(&stage, 3).await;
    stage.acknowledge(noah, 3).await.unwrap();
    let mia = device(1, 0);
    let direct = open_room(&stage, mia, noah).await;
    stage
        .append(vec![append(direct, mia, &[noah], 50)], NOW)
        .await
        .unwrap();
    assert_eq!(places(&stage, noah, 0, 10, 1 << 20).await, [4]);
}

async fn many_devices_acknowledge_in_one_commit(stage: Stage) {
    let noah = with_messages(&stage, 5).await;
    let mia = device(1, 0);
    let direct = open_room(&stage, mia, noah).await;
    stage
        .append(
            (0..5)
                .map(|number| append(direct, noah, &[mia], number))
                .collect(),
            NOW,
        )
        .await
        .unwrap();
    assert_eq!(stage.acknowledge_all(&[]).await.unwrap(), 0);
    let batch = [(noah, 2), (mia, 5), (noah, 3), (noah, 99), (device(9, 9), 1)];
    assert_eq!(stage.acknowledge_all(&batch).await.unwrap(), 8);
    assert_eq!(places(&stage, noah, 0, 10, 1 << 20).await, [4, 5]);
    assert!(places(&stage, mia, 0, 10, 1 << 20).await.is_empty());
}

async fn acknowledging_at_once_counts_each_message_once(stage: Stage) {
    let noah = with_messages(&stage, 20).await;
    let tries = (0..20).map(|number| stage.acknowledge(noah, number % 20 + 1));
    let deleted: u64 = join_all(tries).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(deleted, 20);
    assert_eq!(stage.device_state(noah).await.unwrap().acknowledged, 20);
}

async fn a_device_that_nobody_knows_has_an_empty_state(stage: Stage) {
    let empty = DeviceState {
        last_accepted: None,
        acknowledged: 0,
        one_time_prekeys: 0,
    };
    assert_eq!(stage.device_state(device(9, 0)).await.unwrap(), empty);
    let [mia] = join(&stage, [1]).await;
    assert_eq!(stage.device_state(mia).await.unwrap(), empty);
    let prekey = conclave_db::Prekey {
        id: 1,
        bundle: vec![1],
    };
    stage.insert_prekeys(mia, &[prekey], None, false).await.unwrap();
    assert_eq!(stage.device_state(mia).await.unwrap().one_time_prekeys, 1);
}
