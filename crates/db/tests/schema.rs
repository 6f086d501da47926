//! What compile-time checking of SQL would give, and what the schema must hold beyond single methods.

mod support;

use std::collections::BTreeMap;

use conclave_db::{Appended, Db, DbError, Engine, known_schemas, newest_schema};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::support::Stage;
use crate::support::people::{NOW, append, body, join, message, open_room};

#[tokio::test]
async fn every_statement_prepares_on_sqlite() {
    let stage = support::sqlite().await;
    assert!(stage.prepare_every_statement().await.unwrap() > 70);
    stage.end().await;
}

#[tokio::test]
async fn every_statement_prepares_on_postgres() {
    let stage = support::postgres().await;
    assert!(stage.prepare_every_statement().await.unwrap() > 70);
    stage.end().await;
}

#[test]
fn sql_stands_in_the_list_of_statements_and_nowhere_else() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path == source.join("statements.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for word in ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE ", "\"WITH "] {
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                assert!(
                    code.into_iter().all(|line| !line.contains(word)),
                    "{word} in {}",
                    path.display()
                );
            }
        }
    }
}

/// A column as both engines tell of it.
#[derive(Debug, PartialEq, Eq)]
struct Column {
    kind: &'static str,
    nullable: bool,
}

/// Columns by table and name.
type Schema = BTreeMap<(String, String), Column>;

/// Truth has no type of its own in SQLite; a column of it has a CHECK instead, which names the column.
async fn sqlite_schema(stage: &Stage) -> Schema {
    let path = stage.address.trim_start_matches("sqlite:");
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap();
    let rows = sqlx::query(
        "SELECT t.name, t.sql, c.name, c.type, c.\"notnull\" FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '_sqlx_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.iter()
        .map(|row| {
            let (table, text, name): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            assert!(text.contains("STRICT"), "{table} is not STRICT");
            let is_truth = text.contains(&format!("CHECK ({name} IN (0, 1))"));
            let kind = match row.get::<String, _>(3).as_str() {
                "BLOB" => "bytes",
                "TEXT" => "text",
                "INTEGER" if is_truth => "truth",
                "INTEGER" => "number",
                other => panic!("{table}.{name} is {other}"),
            };
            (
                (table, name),
                Column {
                    kind,
                    nullable: row.get::<i64, _>(4) == 0,
                },
            )
        })
        .collect()
}

async fn postgres_schema(stage: &Stage) -> Schema {
    let options: sqlx::postgres::PgConnectOptions = stage.address.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let rows = sqlx::query(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.iter()
        .map(|row| {
            let (table, name): (String, String) = (row.get(0), row.get(1));
            let kind = match row.get::<String, _>(2).as_str() {
                "bytea" => "bytes",
                "text" => "text",
                "boolean" => "truth",
                "bigint" => "number",
                other => panic!("{table}.{name} is {other}"),
            };
            (
                (table, name),
                Column {
                    kind,
                    nullable: row.get(3),
                },
            )
        })
        .collect()
}

/// Names of the indexes that were made by name, with their tables.
async fn indexes(stage: &Stage) -> Vec<(String, String)> {
    match stage.engine() {
        Engine::Sqlite => {
            let path = stage.address.trim_start_matches("sqlite:");
            let mut connection = SqliteConnectOptions::new()
                .filename(path)
                .connect()
                .await
                .unwrap();
            let text = "SELECT tbl_name, name FROM sqlite_schema
                WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
            sqlx::query_as(text).fetch_all(&mut connection).await.unwrap()
        }
        Engine::Postgres => {
            let options: sqlx::postgres::PgConnectOptions = stage.address.parse().unwrap();
            let mut connection = options.connect().await.unwrap();
            let text = "SELECT tablename::text, indexname::text FROM pg_indexes i
                WHERE schemaname = 'public'
                    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)
                ORDER BY indexname";
            sqlx::query_as(text).fetch_all(&mut connection).await.unwrap()
        }
    }
}

#[tokio::test]
async fn the_two_schemas_are_twins() {
    let (sqlite, postgres) = (support::sqlite().await, support::postgres().await);
    let schema = sqlite_schema(&sqlite).await;
    assert!(schema.len() > 60);
    assert_eq!(schema, postgres_schema(&postgres).await);
    let names = indexes(&sqlite).await;
    assert!(names.len() >= 7);
    assert_eq!(names, indexes(&postgres).await);
    sqlite.end().await;
    postgres.end().await;
}

/// The threat model says that it lists every column: "What the server sees".
#[tokio::test]
async fn every_column_stands_in_the_threat_model() {
    let stage = support::sqlite().await;
    let text = include_str!("../../../docs/threat-model.md");
    for (table, column) in sqlite_schema(&stage).await.into_keys() {
        let told = text.lines().any(|line| {
            let mut cells = line.split('|').skip(1);
            let (Some(tables), Some(columns)) = (cells.next(), cells.next()) else {
                return false;
            };
            let mut words = columns.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            tables.contains(&format!("`{table}`")) && words.any(|word| word == column)
        });
        assert!(told, "{table}.{column}");
    }
    stage.end().await;
}

#[test]
fn every_migration_has_its_twin() {
    let files = |engine: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../migrations")
            .join(engine);
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(files("sqlite"), files("postgres"));
    assert_eq!(files("sqlite").len(), known_schemas());
    let newest = format!("{:04}_", newest_schema());
    assert!(files("sqlite").last().unwrap().starts_with(&newest));
}

/// The step that the second schema takes over what is there, on accounts as the first one left them.
async fn accounts_of_the_first_schema_get_their_recovery_key(stage: Stage, text: &str) {
    join(&stage, [1]).await;
    let genesis = [[3; 120].as_slice(), &[8; 32], &[9; 64]].concat();
    let digits = genesis
        .iter()
        .fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    let literal = match stage.engine() {
        Engine::Sqlite => format!("x'{digits}'"),
        Engine::Postgres => format!("'\\x{digits}'::bytea"),
    };
    stage
        .execute(&format!("UPDATE entries SET bytes = {literal}"))
        .await;
    stage.execute("DELETE FROM recovery_keys").await;
    let step = text.split("INSERT INTO recovery_keys").nth(1).unwrap();
    let step = step.split(';').next().unwrap();
    assert_eq!(
        stage.execute(&format!("INSERT INTO recovery_keys{step}")).await,
        1
    );
    let found = stage.find_recovery(&"person1".parse().unwrap()).await.unwrap();
    assert_eq!(found.map(|(_, key)| key), Some([8; 32]));
    stage.end().await;
}

#[tokio::test]
async fn accounts_of_the_first_sqlite_schema_get_their_recovery_key() {
    let text = include_str!("../../../migrations/sqlite/0002_devices.sql");
    accounts_of_the_first_schema_get_their_recovery_key(support::sqlite().await, text).await;
}

#[tokio::test]
async fn accounts_of_the_first_postgres_schema_get_their_recovery_key() {
    let text = include_str!("../../../migrations/postgres/0002_devices.sql");
    accounts_of_the_first_schema_get_their_recovery_key(support::postgres().await, text).await;
}

async fn a_newer_database_is_refused(stage: Stage) {
    join(&stage, [1]).await;
    stage
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 4711, description, success, checksum, execution_time FROM _sqlx_migrations
            WHERE version = 1",
        )
        .await;
    let refusal = Db::open(&stage.address).await.unwrap_err();
    let known = newest_schema();
    assert!(
        matches!(refusal, DbError::Newer { found: 4711, known: ours } if ours == known),
        "{refusal}"
    );
    stage.end().await;
}

#[tokio::test]
async fn a_newer_sqlite_database_is_refused() {
    a_newer_database_is_refused(support::sqlite().await).await;
}

#[tokio::test]
async fn a_newer_postgres_database_is_refused() {
    a_newer_database_is_refused(support::postgres().await).await;
}

#[tokio::test]
async fn on_a_full_disk_sends_fail_whole_reads_go_on_and_nothing_is_lost() {
    let stage = support::sqlite().await;
    let [mia, noah] = join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    let pages = stage.number("PRAGMA page_count").await;
    let limit = u32::try_from(pages).unwrap() + 40;
    stage.close().await;

    let db = Db::open_limited(&stage.address, Some(limit)).await.unwrap();
    let mut accepted = Vec::new();
    let mut refused = 0;
    for number in 0..60_u64 {
        // A batch whose beginning would still find room must not be stored by halves.
        let batch = (0..8)
            .map(|part| append(direct, mia, &[noah], number * 8 + part))
            .collect();
        match db.append(batch, NOW).await {
            Ok(answers) => accepted.extend(answers),
            Err(DbError::Full) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        db.ping().await.unwrap();
    }
    assert!(
        refused > 5 && !accepted.is_empty(),
        "{refused} refused, {} accepted",
        accepted.len()
    );
    let sequences: Vec<u64> = accepted
        .iter()
        .map(|answer| match answer {
            Appended::Envelope { sequence, .. } => *sequence,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sequences, (1..=accepted.len() as u64).collect::<Vec<_>>());
    let page = db.list_envelopes(direct.id, 0, 10_000).await.unwrap();
    assert_eq!(page.envelopes.len(), accepted.len());
    assert!(page.envelopes.iter().all(|envelope| {
        (0..480).any(|number| {
            message(direct, mia, &[noah], number).id == envelope.id && body(number) == envelope.body.0
        })
    }));
    assert_eq!(
        db.list_mailbox(noah, 0, 10_000, usize::MAX).await.unwrap().len(),
        accepted.len()
    );

    // Room comes back and the same connection goes on, without a restart.
    db.acknowledge(noah, accepted.len() as u64).await.unwrap();
    let answers = db
        .append(vec![append(direct, mia, &[noah], 9000)], NOW)
        .await
        .unwrap();
    let next = accepted.len() as u64 + 1;
    assert_eq!(
        answers,
        [Appended::Envelope {
            sequence: next,
            time: NOW,
            repeat: false
        }]
    );
    db.close().await;

    let again = Db::open(&stage.address).await.unwrap();
    assert_eq!(
        again.list_envelopes(direct.id, 0, 10_000).await.unwrap().head,
        next
    );
    again.close().await;
}
