use conclave_db::{Db, DbError, Engine};

use crate::support::Stage;
use crate::support::people::{account, join};

on_both_engines! {
    a_database_is_opened_again_as_it_was
    a_closed_database_is_unavailable
    a_database_that_may_be_away_has_a_pulse
    several_nodes_open_a_new_database_at_once
}

async fn a_database_is_opened_again_as_it_was(stage: Stage) {
    join(&stage, [1, 2]).await;
    stage.ping().await.unwrap();
    stage.close().await;
    let again = Db::open(&stage.address).await.unwrap();
    assert_eq!(again.engine(), stage.engine());
    again.ping().await.unwrap();
    assert!(again.find_account(account(2)).await.unwrap().is_some());
    again.close().await;
}

async fn a_closed_database_is_unavailable(stage: Stage) {
    stage.close().await;
    assert!(matches!(stage.ping().await, Err(DbError::Unavailable(_))));
    assert!(matches!(
        stage.count_accounts().await,
        Err(DbError::Unavailable(_))
    ));
}

async fn a_database_that_may_be_away_has_a_pulse(stage: Stage) {
    let Some(mut pulse) = stage.pulse() else {
        // A file is not away by itself.
        assert_eq!(stage.engine(), Engine::Sqlite);
        return;
    };
    pulse.beat().await.unwrap();
    pulse.beat().await.unwrap();
    // It has a connection of its own.
    stage.close().await;
    pulse.beat().await.unwrap();
}

async fn several_nodes_open_a_new_database_at_once(stage: Stage) {
    // SQLite serves one node; a second process on its file is a tool of the operator, never the first one.
    if stage.engine() == Engine::Sqlite {
        return;
    }
    stage
        .execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await;
    let (one, two, three) = tokio::join!(
        Db::open(&stage.address),
        Db::open(&stage.address),
        Db::open(&stage.address)
    );
    for node in [one, two, three] {
        let node = node.unwrap();
        assert_eq!(node.count_accounts().await.unwrap(), 0);
        node.close().await;
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_without_repeating_it() {
    for address in [
        "mysql://root:secret@host/db",
        "",
        "sqlite:",
        "sqlite::memory:",
        "secret",
    ] {
        let refusal = Db::open(address).await.unwrap_err();
        assert!(matches!(refusal, DbError::Address(_)), "{refusal}");
        assert!(!refusal.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_unavailable() {
    let nowhere = Db::open("postgres://nobody@127.0.0.1:1/none").await.unwrap_err();
    assert!(matches!(nowhere, DbError::Unavailable(_)), "{nowhere}");
    let nowhere = Db::open("sqlite:/nonexistent/folder/conclave.db")
        .await
        .unwrap_err();
    assert!(matches!(nowhere, DbError::Unavailable(_)), "{nowhere}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conclave.db");
    let db = Db::open(&format!("sqlite:{}", path.display())).await.unwrap();
    join(&db, [1]).await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            file.path()
        );
    }
}
