//! Blobs: uploads with their quota, claims, and the sweep that never takes what is claimed.

use std::sync::Arc;

use conclave_db::{
    Append, Appended, BlobDeleted, BlobFound, BlobQuota, ChunkStored, Db, DirectRoom, NewBlob, NewPost,
    SweptBlob, UploadBegun, UploadFinished,
};
use conclave_protocol::blobs::{blob_hash, chunk_count};
use conclave_protocol::limits::{BLOB_CHUNK, BLOB_UNCLAIMED_MS, UPLOADS_MAX};
use conclave_protocol::{BlobId, DeviceAddress, Timestamp};
use futures_util::future::join_all;

use crate::group::{ROOM, group, post};
use crate::posts::{send, stored};
use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join, message, open_room};

on_both_engines! {
    an_upload_begins_once_and_its_id_is_nobody_elses
    the_quota_counts_what_is_begun_and_uploads_are_bounded
    uploads_of_one_account_that_begin_at_once_stay_within_its_quota
    chunks_come_in_any_order_and_the_first_under_a_number_stays
    an_upload_ends_when_all_chunks_are_those_of_its_hash
    an_envelope_that_claims_what_is_not_there_whole_is_refused
    a_blob_is_found_through_the_envelopes_that_claim_it
    what_nothing_claims_is_swept_and_what_is_claimed_stays
    with_the_last_envelope_goes_the_blob
    the_claims_of_a_deleted_channel_go
    a_blob_that_is_claimed_at_the_moment_of_the_sweep_is_never_lost
    blobs_are_deleted_by_who_uploaded_them_while_nothing_claims_them
    names_of_the_store_are_told_apart_and_blobs_listed_in_order
    figures_count_files
}

const SIZE: u64 = 4_168;

fn blob(number: u8) -> BlobId {
    BlobId([number; 16])
}

fn new(number: u8, of: u8) -> NewBlob {
    NewBlob {
        id: blob(number),
        account: account(of),
        object: [number ^ 0xFF; 16],
        size: SIZE,
        now: NOW,
    }
}

fn begun(new: &NewBlob, finished: bool) -> UploadBegun {
    UploadBegun::Done(BlobFound {
        id: new.id,
        account: new.account,
        object: new.object,
        size: new.size,
        finished,
    })
}

async fn begin(db: &Db, new: &NewBlob) -> UploadBegun {
    db.begin_upload(new, &BlobQuota::default()).await.unwrap()
}

/// A whole blob of one chunk.
async fn uploaded(db: &Db, number: u8, of: u8) -> BlobId {
    let new = new(number, of);
    assert_eq!(begin(db, &new).await, begun(&new, false));
    let chunk = (0, hash(number.into()));
    let put = db
        .insert_blob_chunk(new.id, new.account, chunk, NOW)
        .await
        .unwrap();
    assert_eq!(put, ChunkStored::Done);
    let whole = blob_hash(SIZE, &[chunk.1]);
    let finished = db.finish_upload(new.id, new.account, whole, NOW).await.unwrap();
    assert_eq!(finished, UploadFinished::Done);
    new.id
}

fn claiming(sender: DeviceAddress, number: u64, blobs: &[BlobId]) -> NewPost {
    NewPost {
        blobs: blobs.to_vec(),
        ..post(sender, number)
    }
}

async fn send_direct(
    db: &Db,
    room: DirectRoom,
    from: DeviceAddress,
    to: DeviceAddress,
    number: u64,
    blob: BlobId,
) {
    let mut envelope = message(room, from, &[to], number);
    envelope.blobs = vec![blob];
    let appended = db.append(vec![Append::Envelope(envelope)], NOW).await.unwrap();
    assert!(
        matches!(appended[..], [Appended::Envelope { .. }]),
        "{appended:?}"
    );
}

async fn sweep(db: &Db, now: Timestamp) -> Vec<SweptBlob> {
    let mut all = Vec::new();
    loop {
        let (swept, more) = db.sweep_blobs(now).await.unwrap();
        all.extend(swept);
        if !more {
            return all;
        }
    }
}

const LATER: Timestamp = Timestamp(NOW.0 + BLOB_UNCLAIMED_MS);

async fn an_upload_begins_once_and_its_id_is_nobody_elses(stage: Stage) {
    join(&stage, [1, 2]).await;
    let first = new(1, 1);
    assert_eq!(begin(&stage, &first).await, begun(&first, false));
    let again = NewBlob {
        object: [9; 16],
        ..first
    };
    assert_eq!(begin(&stage, &again).await, begun(&first, false));
    for other in [
        NewBlob {
            size: SIZE + 256,
            ..first
        },
        NewBlob {
            account: account(2),
            ..again
        },
    ] {
        assert_eq!(begin(&stage, &other).await, UploadBegun::IdReused);
    }
    assert_eq!(begin(&stage, &new(2, 7)).await, UploadBegun::NoAccount);
    stage.execute("UPDATE accounts SET suspended_at = 1").await;
    assert_eq!(begin(&stage, &new(3, 1)).await, UploadBegun::NoAccount);
}

async fn the_quota_counts_what_is_begun_and_uploads_are_bounded(stage: Stage) {
    join(&stage, [1, 2]).await;
    let quota = BlobQuota {
        account: Some(2 * SIZE),
        all: Some(3 * SIZE),
    };
    for (number, of, expected) in [
        (1, 1, begun(&new(1, 1), false)),
        (2, 1, begun(&new(2, 1), false)),
        (3, 1, UploadBegun::QuotaFull),
        (4, 2, begun(&new(4, 2), false)),
        (5, 2, UploadBegun::StorageFull),
        // What was begun before goes on in a full house.
        (2, 1, begun(&new(2, 1), false)),
    ] {
        assert_eq!(
            stage.begin_upload(&new(number, of), &quota).await.unwrap(),
            expected
        );
    }
    let used = stage.count_storage_of(account(1)).await.unwrap();
    assert_eq!((used.bytes, used.uploads), (2 * SIZE, 2));
    for number in 10..8 + u8::try_from(UPLOADS_MAX).unwrap() {
        assert!(matches!(
            begin(&stage, &new(number, 1)).await,
            UploadBegun::Done(_)
        ));
    }
    assert_eq!(begin(&stage, &new(200, 1)).await, UploadBegun::UploadsFull);
}

async fn uploads_of_one_account_that_begin_at_once_stay_within_its_quota(stage: Stage) {
    join(&stage, [1]).await;
    let quota = BlobQuota {
        account: Some(3 * SIZE),
        all: None,
    };
    let begins = (1..=12).map(|number| {
        let db = stage.db.clone();
        async move { db.begin_upload(&new(number, 1), &quota).await.unwrap() }
    });
    let answers = join_all(begins).await;
    let done = answers
        .iter()
        .filter(|answer| matches!(answer, UploadBegun::Done(_)));
    assert_eq!(done.count(), 3, "{answers:?}");
}

async fn chunks_come_in_any_order_and_the_first_under_a_number_stays(stage: Stage) {
    join(&stage, [1, 2]).await;
    let long = NewBlob {
        size: 2 * BLOB_CHUNK + 1,
        ..new(1, 1)
    };
    begin(&stage, &long).await;
    for (number, chunk, expected) in [
        (2, 12, ChunkStored::Done),
        (0, 10, ChunkStored::Done),
        (0, 10, ChunkStored::Done),
        (0, 99, ChunkStored::Other),
    ] {
        let put = stage
            .insert_blob_chunk(long.id, long.account, (number, hash(chunk)), NOW)
            .await;
        assert_eq!(put.unwrap(), expected);
    }
    for (id, of) in [(blob(2), 1), (long.id, 2)] {
        let put = stage.insert_blob_chunk(id, account(of), (0, hash(10)), NOW).await;
        assert_eq!(put.unwrap(), ChunkStored::Gone);
    }
    let chunks = stage.list_blob_chunks(long.id).await.unwrap();
    assert_eq!(chunks, [(0, hash(10)), (2, hash(12))]);
}

async fn an_upload_ends_when_all_chunks_are_those_of_its_hash(stage: Stage) {
    join(&stage, [1, 2]).await;
    let long = NewBlob {
        size: BLOB_CHUNK + 1,
        ..new(1, 1)
    };
    assert_eq!(chunk_count(long.size), 2);
    begin(&stage, &long).await;
    let whole = blob_hash(long.size, &[hash(1), hash(2)]);
    let finish = async |of, hash| {
        stage
            .finish_upload(long.id, account(of), hash, NOW)
            .await
            .unwrap()
    };
    let put = async |chunk| {
        stage
            .insert_blob_chunk(long.id, long.account, chunk, NOW)
            .await
            .unwrap()
    };
    put((1, hash(2))).await;
    assert_eq!(finish(1, whole).await, UploadFinished::Incomplete);
    put((0, hash(1))).await;
    assert_eq!(finish(2, whole).await, UploadFinished::Gone);
    assert_eq!(
        finish(1, blob_hash(long.size, &[hash(2), hash(1)])).await,
        UploadFinished::Wrong
    );
    assert!(!stage.find_blob(long.id).await.unwrap().unwrap().finished);
    for _ in 0..2 {
        assert_eq!(finish(1, whole).await, UploadFinished::Done);
        assert_eq!(begin(&stage, &long).await, begun(&long, true));
    }
    // Nothing more goes into it.
    assert_eq!(put((0, hash(1))).await, ChunkStored::Done);
    assert_eq!(put((0, hash(9))).await, ChunkStored::Other);
}

async fn an_envelope_that_claims_what_is_not_there_whole_is_refused(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let whole = uploaded(&stage, 1, 1).await;
    begin(&stage, &new(2, 1)).await;
    for claims in [vec![blob(2)], vec![whole, blob(9)]] {
        let refused = send(&stage, claiming(mia, 1, &claims)).await;
        assert_eq!(refused, Appended::BlobMissing);
    }
    assert_eq!(stage.number("SELECT count(*) FROM blob_claims").await, 0);
    // The id was not used up, and the others of a batch are stored.
    let batch = [
        claiming(mia, 2, &[blob(2)]),
        claiming(mia, 1, &[whole]),
        post(mia, 3),
    ];
    let batch = batch
        .into_iter()
        .map(|post| Append::Post(Arc::new(post)))
        .collect();
    let answers = stage.append(batch, NOW).await.unwrap();
    assert_eq!(answers, [Appended::BlobMissing, stored(1), stored(2)]);
    // A repeat gets its answer, whatever became of the blob.
    stage.execute("DELETE FROM blob_claims; DELETE FROM blobs").await;
    let repeat = send(&stage, claiming(mia, 1, &[whole])).await;
    assert!(matches!(
        repeat,
        Appended::Envelope {
            sequence: 1,
            repeat: true,
            ..
        }
    ));
}

async fn a_blob_is_found_through_the_envelopes_that_claim_it(stage: Stage) {
    let [mia, ben, _] = group(&stage, [1, 2, 3]).await;
    let room = open_room(&stage, mia, ben).await;
    let (direct, posted) = (uploaded(&stage, 1, 1).await, uploaded(&stage, 2, 1).await);
    send_direct(&stage, room, mia, ben, 1, direct).await;
    send_direct(&stage, room, mia, ben, 2, direct).await;
    for head in [3, 5] {
        let mut post = claiming(mia, u64::from(head) + 10, &[posted]);
        (post.head, post.expires_in) = (head, (head == 5).then_some(1_000));
        assert!(matches!(send(&stage, post).await, Appended::Envelope { .. }));
    }
    for (number, may) in [(1, true), (2, true), (3, false)] {
        assert_eq!(stage.is_claimed_for(direct, account(number)).await.unwrap(), may);
        assert!(!stage.is_claimed_for(posted, account(number)).await.unwrap());
    }
    assert_eq!(stage.list_direct_claims(direct).await.unwrap(), [room]);
    let posts = async |number, now| {
        stage
            .list_post_claims(posted, account(number), now)
            .await
            .unwrap()
    };
    assert_eq!(posts(3, NOW).await, [(ROOM, 5)]);
    assert_eq!(posts(3, NOW.plus(1_000)).await, [(ROOM, 3)]);
    assert!(posts(4, NOW).await.is_empty());
    stage.execute("UPDATE place_members SET member = (1 = 0)").await;
    assert!(posts(3, NOW).await.is_empty());
}

async fn what_nothing_claims_is_swept_and_what_is_claimed_stays(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let (claimed, unclaimed) = (uploaded(&stage, 1, 1).await, uploaded(&stage, 2, 1).await);
    begin(&stage, &new(3, 1)).await;
    begin(&stage, &new(4, 1)).await;
    let late = (0, hash(4));
    stage
        .insert_blob_chunk(blob(4), account(1), late, NOW.plus(1))
        .await
        .unwrap();
    assert_eq!(send(&stage, claiming(mia, 1, &[claimed])).await, stored(1));

    assert!(sweep(&stage, Timestamp(LATER.0 - 1)).await.is_empty());
    let mut swept = sweep(&stage, LATER).await;
    swept.sort_by_key(|swept| swept.object);
    let expected = [3, 2].map(|number| SweptBlob {
        object: new(number, 1).object,
    });
    assert_eq!(swept, expected);
    assert!(sweep(&stage, LATER).await.is_empty());
    assert_eq!(sweep(&stage, LATER.plus(1)).await.len(), 1);
    assert_eq!(stage.find_blob(unclaimed).await.unwrap(), None);
    assert!(stage.list_blob_chunks(blob(4)).await.unwrap().is_empty());
    let century = 100 * 365 * BLOB_UNCLAIMED_MS;
    assert!(sweep(&stage, LATER.plus(century)).await.is_empty());
    assert!(stage.find_blob(claimed).await.unwrap().is_some());
    let refused = send(&stage, claiming(mia, 2, &[unclaimed])).await;
    assert_eq!(refused, Appended::BlobMissing);
}

async fn with_the_last_envelope_goes_the_blob(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let claimed = uploaded(&stage, 1, 1).await;
    for (number, life) in [(1, 1_000), (2, 2_000)] {
        let mut post = claiming(mia, number, &[claimed]);
        post.expires_in = Some(life);
        send(&stage, post).await;
    }
    stage.expire_posts(NOW.plus(1_000)).await.unwrap();
    assert!(sweep(&stage, NOW.plus(1_000)).await.is_empty());
    stage.expire_posts(NOW.plus(2_000)).await.unwrap();
    assert_eq!(stage.number("SELECT count(*) FROM blob_claims").await, 0);
    assert_eq!(sweep(&stage, NOW.plus(2_000)).await.len(), 1);
}

async fn the_claims_of_a_deleted_channel_go(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let claimed = uploaded(&stage, 1, 1).await;
    send(&stage, claiming(mia, 1, &[claimed])).await;
    stage.execute("UPDATE place_rooms SET gone = (1 = 1)").await;
    assert!(
        stage
            .list_post_claims(claimed, account(1), NOW)
            .await
            .unwrap()
            .is_empty()
    );
    stage.expire_posts(NOW).await.unwrap();
    assert_eq!(stage.number("SELECT count(*) FROM place_rooms").await, 0);
    assert_eq!(sweep(&stage, NOW).await.len(), 1);
}

/// Sweeps of two processes against claims, all of blobs whose time is over: each blob is either claimed and there, or
/// swept and its envelope refused.
async fn a_blob_that_is_claimed_at_the_moment_of_the_sweep_is_never_lost(stage: Stage) {
    const ROUNDS: u8 = 12;
    const BLOBS: u8 = 8;
    let [mia, ben] = group(&stage, [1, 2]).await;
    let other = Db::open(&stage.address).await.unwrap();
    let (mut kept, mut lost) = (0, 0);
    for round in 0..ROUNDS {
        let mut blobs = Vec::new();
        for number in 0..BLOBS {
            blobs.push(uploaded(&stage, round * BLOBS + number + 1, 1).await);
        }
        let claims = blobs.iter().enumerate().map(|(index, claimed)| {
            let (db, sender) = if index % 2 == 0 {
                (&stage.db, mia)
            } else {
                (&other, ben)
            };
            let number = u64::from(round) * 100 + u64::try_from(index).unwrap();
            let (db, claimed) = (db.clone(), *claimed);
            tokio::spawn(async move { (claimed, send(&db, claiming(sender, number, &[claimed])).await) })
        });
        let claims: Vec<_> = claims.collect();
        let sweeps = [&stage.db, &other].map(|db| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..round % 4 {
                    tokio::task::yield_now().await;
                }
                sweep(&db, LATER).await.len()
            })
        });
        let mut swept = 0;
        for sweep in sweeps {
            swept += sweep.await.unwrap();
        }
        for claim in claims {
            let (claimed, appended) = claim.await.unwrap();
            let there = stage.find_blob(claimed).await.unwrap().is_some();
            match appended {
                Appended::Envelope { .. } => {
                    assert!(there, "a claimed blob was swept");
                    kept += 1;
                }
                Appended::BlobMissing => {
                    assert!(!there, "a blob that is there was refused");
                    lost += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        swept += sweep(&stage, LATER).await.len();
        let left = stage.number("SELECT count(*) FROM blobs").await;
        assert_eq!(left, kept);
        assert!(swept <= usize::from(BLOBS), "something was swept twice");
    }
    assert_eq!(kept + lost, i64::from(ROUNDS * BLOBS));
    other.close().await;
}

async fn blobs_are_deleted_by_who_uploaded_them_while_nothing_claims_them(stage: Stage) {
    let [mia, _] = group(&stage, [1, 2]).await;
    let (claimed, unclaimed) = (uploaded(&stage, 1, 1).await, uploaded(&stage, 2, 1).await);
    send(&stage, claiming(mia, 1, &[claimed])).await;
    for (id, of, expected) in [
        (claimed, 1, BlobDeleted::Claimed),
        (unclaimed, 2, BlobDeleted::Gone),
        (
            unclaimed,
            1,
            BlobDeleted::Done(SweptBlob {
                object: new(2, 1).object,
            }),
        ),
        (unclaimed, 1, BlobDeleted::Gone),
    ] {
        assert_eq!(stage.delete_blob(id, account(of)).await.unwrap(), expected);
    }
}

async fn names_of_the_store_are_told_apart_and_blobs_listed_in_order(stage: Stage) {
    join(&stage, [1]).await;
    for number in [3, 1, 2] {
        begin(&stage, &new(number, 1)).await;
    }
    let names = [new(3, 1).object, [7; 16], new(1, 1).object];
    let mut known = stage.find_objects(&names).await.unwrap();
    known.sort_unstable();
    assert_eq!(known, [new(3, 1).object, new(1, 1).object]);
    let listed = async |after| -> Vec<BlobId> {
        let blobs = stage.list_blobs(after, 2).await.unwrap();
        blobs.into_iter().map(|blob| blob.id).collect()
    };
    assert_eq!(listed(BlobId([0; 16])).await, [blob(1), blob(2)]);
    assert_eq!(listed(blob(2)).await, [blob(3)]);
}

async fn figures_count_files(stage: Stage) {
    let [mia] = group(&stage, [1]).await;
    let claimed = uploaded(&stage, 1, 1).await;
    uploaded(&stage, 2, 1).await;
    begin(&stage, &new(3, 1)).await;
    send(&stage, claiming(mia, 1, &[claimed])).await;
    let figures = stage.figures().await.unwrap();
    let count = |name| {
        let figure = figures.counts.iter().find(|figure| figure.name == name);
        figure.map(|figure| figure.count)
    };
    assert_eq!(count("files"), Some(2));
    assert_eq!(count("files that no message claims"), Some(1));
    assert_eq!(count("uploads under way"), Some(1));
    assert_eq!(count("bytes of files"), Some(3 * SIZE));
    let accounts = stage
        .list_accounts("", (Timestamp(0), account(0)), 10)
        .await
        .unwrap();
    assert_eq!(accounts[0].stored_bytes, 3 * SIZE);
}
