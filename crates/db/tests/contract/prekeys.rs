use std::collections::HashSet;
use std::ops::Range;

use conclave_db::Prekey;
use conclave_protocol::limits::ONE_TIME_PREKEYS;
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{device, join};

on_both_engines! {
    each_one_time_bundle_is_claimed_once_and_then_the_last_resort_one
    without_bundles_nothing_is_claimed
    repeated_ids_are_ignored
    a_repeated_upload_never_offers_a_claimed_bundle_again
    replacing_drops_what_was_stored_but_never_revives_a_claimed_bundle
    no_more_than_a_hundred_one_time_bundles_are_kept
    the_newest_last_resort_bundle_counts
    a_device_that_is_not_active_stores_nothing
    each_device_has_bundles_of_its_own
    concurrent_claims_never_share_a_prekey
    claims_during_uploads_never_share_a_prekey
    uploads_at_once_keep_the_bound
}

/// A bundle's bytes say what it is.
fn bundle(id: u32, edition: u8) -> Prekey {
    Prekey {
        id,
        bundle: [&id.to_be_bytes()[..], &[edition; 1400]].concat(),
    }
}

fn bundles(ids: Range<u32>) -> Vec<Prekey> {
    ids.map(|id| bundle(id, 0)).collect()
}

async fn each_one_time_bundle_is_claimed_once_and_then_the_last_resort_one(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let last = bundle(900, 7);
    assert_eq!(
        stage
            .insert_prekeys(mia, &bundles(0..3), Some(&last), false)
            .await
            .unwrap(),
        (3, true)
    );
    let mut claimed = Vec::new();
    for _ in 0..3 {
        claimed.push(stage.claim_prekey(mia).await.unwrap().unwrap());
    }
    claimed.sort();
    assert_eq!(
        claimed,
        bundles(0..3)
            .into_iter()
            .map(|prekey| prekey.bundle)
            .collect::<Vec<_>>()
    );
    assert_eq!(stage.count_prekeys(mia).await.unwrap(), (0, true));
    for _ in 0..2 {
        assert_eq!(stage.claim_prekey(mia).await.unwrap(), Some(last.bundle.clone()));
    }
    assert_eq!(stage.find_last_resort(mia).await.unwrap(), Some(last.bundle));
}

async fn without_bundles_nothing_is_claimed(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    for owner in [mia, device(9, 0)] {
        assert_eq!(stage.count_prekeys(owner).await.unwrap(), (0, false));
        assert_eq!(stage.claim_prekey(owner).await.unwrap(), None);
        assert_eq!(stage.find_last_resort(owner).await.unwrap(), None);
    }
    assert_eq!(
        stage.insert_prekeys(mia, &[], None, true).await.unwrap(),
        (0, false)
    );
}

async fn repeated_ids_are_ignored(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    stage
        .insert_prekeys(mia, &[bundle(5, 1), bundle(5, 2)], None, false)
        .await
        .unwrap();
    assert_eq!(
        stage
            .insert_prekeys(mia, &[bundle(5, 3), bundle(6, 3)], None, false)
            .await
            .unwrap(),
        (2, false)
    );
    assert_eq!(stage.claim_prekey(mia).await.unwrap(), Some(bundle(5, 1).bundle));
}

async fn a_repeated_upload_never_offers_a_claimed_bundle_again(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    stage
        .insert_prekeys(mia, &bundles(0..4), None, false)
        .await
        .unwrap();
    let claimed = stage.claim_prekey(mia).await.unwrap();
    assert_eq!(
        stage
            .insert_prekeys(mia, &bundles(0..4), None, false)
            .await
            .unwrap(),
        (3, false)
    );
    for _ in 0..3 {
        assert_ne!(stage.claim_prekey(mia).await.unwrap(), claimed);
    }
    assert_eq!(stage.claim_prekey(mia).await.unwrap(), None);
}

async fn replacing_drops_what_was_stored_but_never_revives_a_claimed_bundle(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    stage
        .insert_prekeys(mia, &bundles(0..4), None, false)
        .await
        .unwrap();
    // The upload replaced everything, one bundle was claimed, and the answer was lost: the upload repeats.
    let fresh = [bundle(2, 1), bundle(3, 1), bundle(4, 1)];
    assert_eq!(
        stage.insert_prekeys(mia, &fresh, None, true).await.unwrap(),
        (3, false)
    );
    assert_eq!(stage.claim_prekey(mia).await.unwrap(), Some(bundle(2, 1).bundle));
    for _ in 0..2 {
        assert_eq!(
            stage.insert_prekeys(mia, &fresh, None, true).await.unwrap(),
            (2, false)
        );
    }
    // The device forgot everything and counts from the beginning: other bytes under the claimed id.
    let forgotten = [bundle(2, 2), bundle(2, 3)];
    assert_eq!(
        stage.insert_prekeys(mia, &forgotten, None, true).await.unwrap(),
        (1, false)
    );
    assert_eq!(stage.claim_prekey(mia).await.unwrap(), Some(bundle(2, 2).bundle));
    assert_eq!(
        stage.insert_prekeys(mia, &[], None, true).await.unwrap(),
        (0, false)
    );
}

async fn no_more_than_a_hundred_one_time_bundles_are_kept(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    assert_eq!(
        stage
            .insert_prekeys(mia, &bundles(0..60), None, false)
            .await
            .unwrap(),
        (60, false)
    );
    assert_eq!(
        stage
            .insert_prekeys(mia, &bundles(50..150), None, false)
            .await
            .unwrap(),
        (100, false)
    );
    assert_eq!(
        stage
            .insert_prekeys(mia, &bundles(150..151), None, false)
            .await
            .unwrap(),
        (100, false)
    );
    assert_eq!(
        stage
            .insert_prekeys(mia, &bundles(200..400), None, true)
            .await
            .unwrap(),
        (100, false)
    );
}

async fn the_newest_last_resort_bundle_counts(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    stage
        .insert_prekeys(mia, &[], Some(&bundle(1, 1)), false)
        .await
        .unwrap();
    stage
        .insert_prekeys(mia, &[], Some(&bundle(2, 2)), false)
        .await
        .unwrap();
    assert_eq!(
        stage.find_last_resort(mia).await.unwrap(),
        Some(bundle(2, 2).bundle)
    );
    // Replacing is about one-time bundles: people may still be writing to the last-resort one.
    assert_eq!(
        stage.insert_prekeys(mia, &[], None, true).await.unwrap(),
        (0, true)
    );
}

async fn a_device_that_is_not_active_stores_nothing(stage: Stage) {
    join(&stage, [1]).await;
    stage.add_device(device(1, 1)).await;
    stage.revoke_device(device(1, 1)).await;
    for owner in [device(1, 1), device(1, 2), device(9, 0)] {
        let left = stage
            .insert_prekeys(owner, &bundles(0..3), Some(&bundle(9, 9)), false)
            .await
            .unwrap();
        assert_eq!(left, (0, false));
        assert_eq!(stage.claim_prekey(owner).await.unwrap(), None);
    }
}

async fn each_device_has_bundles_of_its_own(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    stage
        .insert_prekeys(mia, &bundles(0..2), None, false)
        .await
        .unwrap();
    stage
        .insert_prekeys(noah, &bundles(0..5), None, false)
        .await
        .unwrap();
    stage.claim_prekey(mia).await.unwrap().unwrap();
    stage.insert_prekeys(mia, &[], None, true).await.unwrap();
    assert_eq!(stage.count_prekeys(noah).await.unwrap(), (5, false));
}

async fn concurrent_claims_never_share_a_prekey(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let last = bundle(900, 7);
    stage
        .insert_prekeys(mia, &bundles(0..40), Some(&last), false)
        .await
        .unwrap();
    let second = stage.second_node().await;
    let claims = (0..60).map(|number| {
        let node = if number % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        tokio::spawn(async move { node.claim_prekey(mia).await.unwrap().unwrap() })
    });
    let claimed: Vec<Vec<u8>> = join_all(claims).await.into_iter().map(Result::unwrap).collect();
    let one_time: Vec<&Vec<u8>> = claimed
        .iter()
        .filter(|claimed| **claimed != last.bundle)
        .collect();
    // A claimer that met only held bundles goes on with the last-resort one, so some may be left over.
    let (left, _) = stage.count_prekeys(mia).await.unwrap();
    assert_eq!(one_time.len() + left as usize, 40);
    assert_eq!(one_time.iter().collect::<HashSet<_>>().len(), one_time.len());
    assert!(one_time.len() >= 30, "only {} of 40 were claimed", one_time.len());
}

async fn claims_during_uploads_never_share_a_prekey(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let tasks = (0..40_u32).map(|number| {
        let stage = stage.clone();
        tokio::spawn(async move {
            if number % 2 == 0 {
                stage
                    .insert_prekeys(mia, &bundles(0..30), None, number % 4 == 0)
                    .await
                    .unwrap();
                None
            } else {
                stage.claim_prekey(mia).await.unwrap()
            }
        })
    });
    let mut claimed: Vec<_> = join_all(tasks)
        .await
        .into_iter()
        .filter_map(Result::unwrap)
        .collect();
    while let Some(bundle) = stage.claim_prekey(mia).await.unwrap() {
        claimed.push(bundle);
    }
    assert_eq!(claimed.len(), 30);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 30);
}

async fn uploads_at_once_keep_the_bound(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let uploads = (0..10_u32).map(|number| {
        let stage = stage.clone();
        tokio::spawn(async move {
            stage
                .insert_prekeys(mia, &bundles(number * 20..number * 20 + 20), None, false)
                .await
                .unwrap();
        })
    });
    join_all(uploads).await.into_iter().for_each(Result::unwrap);
    let (left, _) = stage.count_prekeys(mia).await.unwrap();
    assert_eq!(left as usize, ONE_TIME_PREKEYS);
}
