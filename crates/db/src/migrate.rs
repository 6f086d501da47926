//! The schema's versions and the step from one to the next.
//!
//! One more version is one file in `migrations/sqlite`, its twin in `migrations/postgres` and one line in
//! [`VERSIONS`]. A version that was released is never edited.

use std::cmp::Ordering;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr, SqlitePool};

use crate::{DbError, Engine};

struct Version {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! versions {
    ($($number:literal $file:literal;)*) => {
        const VERSIONS: &[Version] = &[$(Version {
            number: $number,
            name: $file,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $file, ".sql")),
        }),*];
    };
}

versions! {
    1 "0001_first";
    2 "0002_devices";
    3 "0003_places";
    4 "0004_identities";
    5 "0005_refresh";
    6 "0006_sign_in";
    7 "0007_operation";
    8 "0008_blobs";
    9 "0009_presence";
    10 "0010_push";
    11 "0011_console";
    12 "0012_vault_bytes";
}

/// Where the applied versions are noted.
const TABLE: &str = "_sqlx_migrations";

/// Newest schema version that this build knows.
pub fn newest_schema() -> i64 {
    VERSIONS
        .iter()
        .map(|version| version.number)
        .max()
        .unwrap_or_default()
}

/// Names of the schema's versions, which are those of their files.
pub fn schema_versions() -> impl Iterator<Item = &'static str> {
    VERSIONS.iter().map(|version| version.name)
}

pub(crate) async fn run_sqlite(pool: &SqlitePool) -> Result<(), DbError> {
    let mut connection = pool.acquire().await?;
    refuse_newer(&mut *connection).await?;
    migrator(Engine::Sqlite)
        .run_direct(None, &mut *connection, false)
        .await?;
    Ok(())
}

pub(crate) async fn run_postgres(pool: &PgPool) -> Result<(), DbError> {
    let mut connection = pool.acquire().await?;
    // Several nodes may start at once: the first one migrates, the others wait.
    connection.lock().await?;
    let migrated = async {
        refuse_newer(&mut *connection).await?;
        let mut migrator = migrator(Engine::Postgres);
        migrator.set_locking(false);
        Ok(migrator.run_direct(None, &mut *connection, false).await?)
    }
    .await;
    connection.unlock().await?;
    migrated
}

/// Refuses a schema of another version and changes nothing.
pub(crate) async fn check_sqlite(pool: &SqlitePool) -> Result<(), DbError> {
    check(&mut *pool.acquire().await?).await
}

/// As [`check_sqlite`].
pub(crate) async fn check_postgres(pool: &PgPool) -> Result<(), DbError> {
    check(&mut *pool.acquire().await?).await
}

async fn check<C: Migrate>(connection: &mut C) -> Result<(), DbError> {
    let found = match connection.list_applied_migrations(TABLE).await {
        Ok(applied) => applied.iter().map(|migration| migration.version).max(),
        // Nothing was ever applied, so there is no list of it.
        Err(MigrateError::Execute(sqlx::Error::Database(_))) => None,
        Err(error) => return Err(error.into()),
    };
    let (found, known) = (found.unwrap_or_default(), newest_schema());
    match found.cmp(&known) {
        Ordering::Less => Err(DbError::Older { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(DbError::Newer { found, known }),
    }
}

fn migrator(engine: Engine) -> Migrator {
    let migrations = VERSIONS.iter().map(|version| {
        let text = match engine {
            Engine::Sqlite => version.sqlite,
            Engine::Postgres => version.postgres,
        };
        Migration::new(
            version.number,
            version.name.into(),
            MigrationType::Simple,
            text.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

async fn refuse_newer<C: Migrate>(connection: &mut C) -> Result<(), DbError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    let found = applied
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default();
    let known = newest_schema();
    if found > known {
        return Err(DbError::Newer { found, known });
    }
    if found < known {
        tracing::info!(
            from = found,
            to = known,
            "bringing the database's schema up to date"
        );
    }
    Ok(())
}
