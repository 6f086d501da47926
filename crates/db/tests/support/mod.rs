//! A fresh database on either engine for each test, and people to fill it with.

pub(crate) mod cluster;
pub(crate) mod people;

use std::io::ErrorKind;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conclave_db::{Db, Engine};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tempfile::TempDir;

/// A database of its own, and where it stands.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) address: String,
    _folder: Option<Arc<TempDir>>,
}

impl Deref for Stage {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

pub(crate) async fn sqlite() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}", folder.path().join("conclave.db").display());
    Stage {
        db: Db::open(&address).await.unwrap(),
        address,
        _folder: Some(Arc::new(folder)),
    }
}

pub(crate) async fn postgres() -> Stage {
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    let cluster = cluster::running();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster.execute(&format!("CREATE DATABASE {name}")).await;
    let address = cluster.address(&name);
    Stage {
        db: Db::open(&address).await.unwrap(),
        address,
        _folder: None,
    }
}

impl Stage {
    /// Runs statements of the test's own, past every rule of the crate.
    pub(crate) async fn execute(&self, text: &str) -> u64 {
        let text = AssertSqlSafe(text);
        match self.db.engine() {
            Engine::Sqlite => {
                let path = self.address.trim_start_matches("sqlite:");
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = options.connect().await.unwrap();
                connection
                    .execute(sqlx::raw_sql(text))
                    .await
                    .unwrap()
                    .rows_affected()
            }
            Engine::Postgres => {
                let options: sqlx::postgres::PgConnectOptions = self.address.parse().unwrap();
                let mut connection = options.connect().await.unwrap();
                connection
                    .execute(sqlx::raw_sql(text))
                    .await
                    .unwrap()
                    .rows_affected()
            }
        }
    }

    /// The number that a query of the test's own gives.
    pub(crate) async fn number(&self, text: &str) -> i64 {
        let query = AssertSqlSafe(text);
        match self.db.engine() {
            Engine::Sqlite => {
                let path = self.address.trim_start_matches("sqlite:");
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                sqlx::query_scalar(query)
                    .fetch_one(&mut options.connect().await.unwrap())
                    .await
                    .unwrap()
            }
            Engine::Postgres => {
                let options: sqlx::postgres::PgConnectOptions = self.address.parse().unwrap();
                sqlx::query_scalar(query)
                    .fetch_one(&mut options.connect().await.unwrap())
                    .await
                    .unwrap()
            }
        }
    }

    /// Closes the database and clears it away.
    pub(crate) async fn end(self) {
        self.db.close().await;
        if self.db.engine() == Engine::Postgres {
            let options: sqlx::postgres::PgConnectOptions = self.address.parse().unwrap();
            let name = options.get_database().unwrap();
            cluster::running()
                .execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .await;
        }
    }
}

impl cluster::Cluster {
    /// Runs a statement outside every test's database.
    pub(crate) async fn execute(&self, text: &str) {
        self.execute_at(&self.address("postgres"), text).await;
    }

    /// As [`Self::execute`], by another address of the cluster.
    pub(crate) async fn execute_at(&self, address: &str, text: &str) {
        let options: PgConnectOptions = address.parse().unwrap();
        let mut connection = loop {
            match options.connect().await {
                Ok(connection) => break connection,
                Err(error) => {
                    self.check();
                    // Starting: no socket yet, nobody listening yet, or not yet ready for connections.
                    let starting = match &error {
                        sqlx::Error::Io(error) => {
                            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
                        }
                        sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
                        _ => false,
                    };
                    assert!(starting, "{error}");
                    tokio::time::sleep(Duration::from_millis(30)).await;
                }
            }
        };
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(text)))
            .await
            .unwrap();
    }
}
