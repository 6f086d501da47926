use conclave_db::{Db, Engine, Kind, LEAP, Restore, Row, TABLES, Table, TransferError, Value};
use conclave_protocol::RestoreEpoch;

use crate::support::people::{NOW, account, hash, join};
use crate::support::{self, Stage};

on_both_engines! {
    every_table_goes_to_the_other_engine_and_back_with_equal_hashes
    a_target_that_holds_something_is_refused_and_stays_as_it_is
    what_is_interrupted_leaves_an_empty_target_that_can_be_filled
    what_reads_differently_than_it_should_is_not_kept
    a_snapshot_sees_one_moment_while_others_write
    what_does_not_fit_a_table_is_refused
    two_that_expire_posts_at_once_delete_each_once_and_leave_none
    a_restore_drops_what_is_used_once_and_goes_on_behind_every_number
}

/// More rows than one batch reads, and not a multiple of it.
const ROWS: u8 = 150;

/// A row that every constraint of the schema lets stand.
fn row(table: &Table, number: u8) -> Row {
    let bytes = |length: usize| Value::Bytes(vec![number; length]);
    let columns = table.columns.iter();
    columns
        .map(|(column, kind)| match (table.name, *column) {
            (_, "username" | "former") => Value::Text(format!("person{number}")),
            ("jobs" | "settings", "name") => Value::Text(format!("Job \u{e9} {number:03}")),
            (_, "class") => Value::Text("annotation".to_owned()),
            ("announcements", "kind") => Value::Text("maintenance".to_owned()),
            (_, "kind") => Value::Text("recovery".to_owned()),
            ("reports", "reason") => Value::Text("abuse".to_owned()),
            (_, "way") => Value::Text("scan".to_owned()),
            (_, "availability") => Value::Text("invisible".to_owned()),
            ("push_subscriptions", "key") => bytes(65),
            ("push_subscriptions", "secret") => bytes(16),
            ("push_levels", "level") => Value::Text("softly".to_owned()),
            ("presence", "last_seen") => Value::Text("nobody".to_owned()),
            ("mailbox", "id" | "sender_account" | "sender_device") => Value::Null,
            (
                "logins" | "links" | "envelopes" | "sends" | "posts" | "blobs" | "announcements" | "reports",
                "id",
            )
            | ("reports", "message")
            | (
                _,
                "login" | "link" | "target" | "thread" | "last_accepted" | "holder" | "epoch" | "blob"
                | "object",
            ) if *kind == Kind::Bytes => bytes(16),
            (_, "state" | "body" | "bundle" | "pairwise" | "opaque_record") => {
                Value::Bytes((0..number).collect())
            }
            (_, "slot") => Value::Number(1),
            (_, "device" | "acknowledged") => Value::Number(0),
            (_, "created_at") => Value::Number(i64::MAX - i64::from(number)),
            (_, "revoked_at" | "closed_at" | "channel" | "expires_at") if number.is_multiple_of(2) => {
                let absent =
                    matches!(*column, "revoked_at" | "closed_at" | "channel") || table.name == "posts";
                if absent { Value::Null } else { Value::Number(-1) }
            }
            _ => match kind {
                Kind::Bytes => bytes(32),
                Kind::Text => Value::Text(format!("text {number}")),
                Kind::Number => Value::Number(i64::from(number)),
                Kind::Truth => Value::Truth(number.is_multiple_of(3)),
            },
        })
        .collect()
}

async fn fill_every_table(db: &Db) {
    fill_with(db, |table| {
        let single = table.columns.iter().any(|(column, _)| *column == "slot");
        (1..=if single { 1 } else { ROWS })
            .map(|number| row(table, number))
            .collect()
    })
    .await;
}

/// Fills an empty database with what `rows` gives for each table, in the order of the key.
async fn fill_with(db: &Db, rows: impl Fn(&Table) -> Vec<Row>) {
    let mut filling = db.fill().await.unwrap();
    let mut sums = Vec::new();
    for table in TABLES {
        let rows = rows(table);
        filling.insert(table, &rows).await.unwrap();
        let mut summing = conclave_db::Summing::new(table);
        for row in &rows {
            summing.add(row);
        }
        sums.push(summing.end());
    }
    filling.commit(&sums).await.unwrap();
}

async fn fresh(engine: Engine) -> Stage {
    match engine {
        Engine::Sqlite => support::sqlite().await,
        Engine::Postgres => support::postgres().await,
    }
}

async fn other(engine: Engine) -> Stage {
    fresh(match engine {
        Engine::Sqlite => Engine::Postgres,
        Engine::Postgres => Engine::Sqlite,
    })
    .await
}

async fn every_table_goes_to_the_other_engine_and_back_with_equal_hashes(stage: Stage) {
    fill_every_table(&stage).await;
    let sums = stage.snapshot().await.unwrap().sums().await.unwrap();
    assert_eq!(sums.len(), TABLES.len());
    assert!(
        sums.iter()
            .all(|sum| sum.rows == 1 || sum.rows == u64::from(ROWS))
    );

    let there = other(stage.engine()).await;
    assert_eq!(there.take_over(&stage).await.unwrap(), sums);
    assert_eq!(there.snapshot().await.unwrap().sums().await.unwrap(), sums);
    let back = fresh(stage.engine()).await;
    assert_eq!(back.take_over(&there).await.unwrap(), sums);
    assert_eq!(back.snapshot().await.unwrap().sums().await.unwrap(), sums);

    for table in TABLES {
        assert!(
            back.number(&format!("SELECT count(*) FROM {}", table.name)).await > 0,
            "{}",
            table.name
        );
    }
    there.end().await;
    back.end().await;
}

async fn a_target_that_holds_something_is_refused_and_stays_as_it_is(stage: Stage) {
    join(&stage, [1, 2]).await;
    let target = other(stage.engine()).await;
    join(&target, [3]).await;
    let before = target.snapshot().await.unwrap().sums().await.unwrap();
    let refusal = target.take_over(&stage).await.unwrap_err();
    assert!(
        matches!(refusal, TransferError::NotEmpty("accounts")),
        "{refusal}"
    );
    assert_eq!(target.snapshot().await.unwrap().sums().await.unwrap(), before);
    target.end().await;
}

async fn what_is_interrupted_leaves_an_empty_target_that_can_be_filled(stage: Stage) {
    join(&stage, [1, 2]).await;
    let target = other(stage.engine()).await;
    for _ in 0..2 {
        let mut filling = target.fill().await.unwrap();
        filling.insert(&TABLES[0], &[row(&TABLES[0], 9)]).await.unwrap();
        drop(filling);
    }
    let sums = target.take_over(&stage).await.unwrap();
    assert_eq!(target.snapshot().await.unwrap().sums().await.unwrap(), sums);
    assert_eq!(target.count_accounts().await.unwrap(), 2);
    target.end().await;
}

async fn what_reads_differently_than_it_should_is_not_kept(stage: Stage) {
    let sums = stage.snapshot().await.unwrap().sums().await.unwrap();
    let mut filling = stage.fill().await.unwrap();
    filling.insert(&TABLES[0], &[row(&TABLES[0], 9)]).await.unwrap();
    let refusal = filling.commit(&sums).await.unwrap_err();
    assert!(
        matches!(&refusal, TransferError::Differs(table) if table == "accounts"),
        "{refusal}"
    );
    assert_eq!(stage.count_accounts().await.unwrap(), 0);
}

async fn a_snapshot_sees_one_moment_while_others_write(stage: Stage) {
    join(&stage, [1]).await;
    let mut snapshot = stage.snapshot().await.unwrap();
    let before = snapshot.sums().await.unwrap();
    stage
        .insert_invite(hash(5), account(1), NOW.plus(10), NOW)
        .await
        .unwrap();
    assert_eq!(snapshot.sums().await.unwrap(), before);
    assert_ne!(stage.snapshot().await.unwrap().sums().await.unwrap(), before);
}

async fn what_does_not_fit_a_table_is_refused(stage: Stage) {
    let accounts = &TABLES[0];
    let mut filling = stage.fill().await.unwrap();
    let mut long = row(accounts, 1);
    long.push(Value::Null);
    let mut other = row(accounts, 1);
    other[0] = Value::Number(1);
    for misfit in [long, other] {
        let refusal = filling.insert(accounts, &[misfit]).await.unwrap_err();
        assert!(matches!(refusal, TransferError::Misfit("accounts")), "{refusal}");
    }
}

async fn a_restore_drops_what_is_used_once_and_goes_on_behind_every_number(stage: Stage) {
    assert_eq!(stage.find_restore().await.unwrap(), None);
    fill_every_table(&stage).await;
    let heads = "SELECT CAST(sum(head) AS BIGINT) FROM rooms";
    let before = stage.number(heads).await;

    let target = fresh(stage.engine()).await;
    let mut snapshot = stage.snapshot().await.unwrap();
    let mut filling = target.fill().await.unwrap();
    for table in TABLES {
        let mut after = None;
        loop {
            let rows = snapshot.read(table, after.as_ref()).await.unwrap();
            filling.insert(table, &rows).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = Some(last.clone());
        }
    }
    let sums = snapshot.sums().await.unwrap();
    let restore = Restore {
        epoch: RestoreEpoch([7; 16]),
        restored_at: NOW,
        made_at: NOW,
    };
    filling.commit_restored(&sums, &restore).await.unwrap();
    assert_eq!(target.find_restore().await.unwrap(), Some(restore));

    for gone in [
        "prekeys",
        "tickets",
        "login_attempts",
        "device_attempts",
        "recovery_attempts",
        "pending_tokens",
        "links",
        "link_messages",
        "jobs",
    ] {
        assert_eq!(
            target.number(&format!("SELECT count(*) FROM {gone}")).await,
            0,
            "{gone}"
        );
    }
    let leap = i64::try_from(LEAP).unwrap();
    let rows = i64::from(ROWS);
    assert_eq!(target.number(heads).await, before + rows * leap);
    for (table, column) in [("place_rooms", "head"), ("devices", "mailbox_head")] {
        let text = format!("SELECT count(*) FROM {table} WHERE {column} > {leap}");
        assert_eq!(target.number(&text).await, rows, "{table}");
    }
    let kept = [
        "accounts",
        "last_resort_prekeys",
        "claimed_prekeys",
        "envelopes",
        "logins",
    ];
    for kept in kept {
        assert_eq!(
            target.number(&format!("SELECT count(*) FROM {kept}")).await,
            rows,
            "{kept}"
        );
    }
    target.end().await;
}

/// Stands here because it needs more posts than one step deletes.
async fn two_that_expire_posts_at_once_delete_each_once_and_leave_none(stage: Stage) {
    const POSTS: i64 = 1_200;
    fill_with(&stage, |table| match table.name {
        "place_rooms" => (1..=9).map(|number| row(table, number)).collect(),
        "posts" => (1..=POSTS)
            .map(|sequence| {
                // In a room of a deleted channel.
                let mut row = row(table, 9);
                row[1] = Value::Number(sequence);
                row[11] = Value::Null;
                row
            })
            .collect(),
        _ => Vec::new(),
    })
    .await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let stage = stage.clone();
            tokio::spawn(async move { stage.expire_posts(NOW).await.unwrap() })
        })
        .collect();
    let mut deleted = 0;
    for run in runs {
        deleted += run.await.unwrap();
    }
    assert_eq!(deleted, u64::try_from(POSTS).unwrap());
    assert_eq!(stage.number("SELECT count(*) FROM posts").await, 0);
    assert_eq!(stage.number("SELECT count(*) FROM place_rooms").await, 6);
}
