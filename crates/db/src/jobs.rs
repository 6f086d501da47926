//! Leases of jobs, and what jobs do to the database. Each is safe to run twice and at the same time as anything
//! else: a lease keeps work from being done for nothing, and is not what keeps it right.

use conclave_protocol::Timestamp;
use conclave_protocol::limits::{ACCESS_TOKEN_LIFE_MS, REFRESH_TOKEN_IDLE_MS};
use sqlx::Row as _;

use crate::column::Column;
use crate::engine::on_engine;
use crate::statements::{
    CLAIM_JOB, EXPIRE_DEVICE_ATTEMPTS, EXPIRE_IDLE_LOGINS, EXPIRE_INVITES, EXPIRE_LINKS,
    EXPIRE_LOGIN_ATTEMPTS, EXPIRE_PENDING_TOKENS, EXPIRE_RECOVERY_ATTEMPTS, EXPIRE_REVOKED_LOGINS,
    EXPIRE_TICKETS, FAIL_JOB, FINISH_JOB, LIST_JOBS, RENEW_JOB,
};
use crate::{Db, DbError};

/// A revoked login is listed for this long: four lives of the access tokens that it must stop.
const REVOKED_KEPT_MS: u64 = 4 * ACCESS_TOKEN_LIFE_MS;

/// One run of a job: whose it is and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobRun<'a> {
    /// The job.
    pub name: &'a str,
    /// Who runs it: a number that no other process has.
    pub holder: [u8; 16],
    /// When it began.
    pub began: Timestamp,
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    /// Its name.
    pub name: String,
    /// Until when somebody runs it, unless they say that they are done before.
    pub leased_until: Option<Timestamp>,
    /// Not before.
    pub due: Timestamp,
    /// When the last run began.
    pub began: Timestamp,
    /// When the last run that ended did so.
    pub ended: Option<Timestamp>,
    /// Milliseconds that it took.
    pub took_ms: Option<u64>,
    /// How much the last successful run did.
    pub done: Option<u64>,
    /// When a run succeeded last.
    pub succeeded: Option<Timestamp>,
    /// When a run failed last.
    pub failed: Option<Timestamp>,
    /// Why the last run failed; absent when it succeeded.
    pub error: Option<String>,
    /// Runs that were begun.
    pub runs: u64,
    /// Runs that failed.
    pub failures: u64,
}

impl Db {
    /// Takes a job that is due and that nobody holds, for `lease_ms`. True when it is this holder's now.
    pub async fn claim_job(&self, run: JobRun<'_>, lease_ms: u64, period_ms: u64) -> Result<bool, DbError> {
        let statement = CLAIM_JOB.on(self.engine());
        let claimed = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(run.name)
                    .bind(Column(run.holder))
                    .bind(Column(run.began))
                    .bind(Column(run.began.plus(lease_ms)))
                    .bind(Column(run.began.plus(period_ms)))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(claimed == 1)
    }

    /// Holds a job longer. False when it is no longer this holder's: somebody else runs it by now.
    pub async fn renew_job(&self, run: JobRun<'_>, until: Timestamp) -> Result<bool, DbError> {
        let statement = RENEW_JOB.on(self.engine());
        let renewed = on_engine!(
            self,
            write | connection | {
                sqlx::query(statement)
                    .bind(run.name)
                    .bind(Column(run.holder))
                    .bind(Column(until))
                    .execute(&mut *connection)
                    .await?
                    .rows_affected()
            }
        );
        Ok(renewed == 1)
    }

    /// Gives a job back and notes how it went: how much it did, or why it failed. It is due again at `due`. False
    /// when it is no longer this holder's; then nothing is noted.
    pub async fn end_job(
        &self,
        run: JobRun<'_>,
        result: Result<u64, &str>,
        now: Timestamp,
        due: Timestamp,
    ) -> Result<bool, DbError> {
        let statement = match result {
            Ok(_) => FINISH_JOB,
            Err(_) => FAIL_JOB,
        };
        let statement = statement.on(self.engine());
        let noted = on_engine!(
            self,
            write | connection | {
                let query = sqlx::query(statement)
                    .bind(run.name)
                    .bind(Column(run.holder))
                    .bind(Column(now))
                    .bind(Column(now.0.saturating_sub(run.began.0)))
                    .bind(Column(due));
                let query = match result {
                    Ok(done) => query.bind(Column(done)),
                    Err(reason) => query.bind(reason),
                };
                query.execute(&mut *connection).await?.rows_affected()
            }
        );
        Ok(noted == 1)
    }

    /// What is known of every job that ever ran, in order of their names.
    pub async fn list_jobs(&self) -> Result<Vec<JobState>, DbError> {
        let statement = LIST_JOBS.on(self.engine());
        let mut jobs: Vec<JobState> = on_engine!(
            self,
            read | connection | {
                let rows = sqlx::query(statement).fetch_all(&mut *connection).await?;
                let mut jobs = Vec::with_capacity(rows.len());
                for row in rows {
                    let time = |at: usize| -> Result<Option<Timestamp>, sqlx::Error> {
                        Ok(row
                            .try_get::<Option<Column<Timestamp>>, _>(at)?
                            .map(|time| time.0))
                    };
                    let number = |at: usize| -> Result<Option<u64>, sqlx::Error> {
                        Ok(row.try_get::<Option<Column<u64>>, _>(at)?.map(|number| number.0))
                    };
                    jobs.push(JobState {
                        name: row.try_get(0)?,
                        leased_until: time(2)?,
                        due: time(3)?.unwrap_or_default(),
                        began: time(4)?.unwrap_or_default(),
                        ended: time(5)?,
                        took_ms: number(6)?,
                        done: number(7)?,
                        succeeded: time(8)?,
                        failed: time(9)?,
                        error: row.try_get(10)?,
                        runs: number(11)?.unwrap_or_default(),
                        failures: number(12)?.unwrap_or_default(),
                    });
                }
                jobs
            }
        );
        jobs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(jobs)
    }

    /// Deletes attempts, tickets, pending tokens, meeting places, invites and logins whose time is over;
    /// answers how many. A device's last login stays, unusable, as what says when the device was seen.
    pub async fn expire(&self, now: Timestamp) -> Result<u64, DbError> {
        let engine = self.engine();
        let before = |milliseconds| Timestamp(now.0.saturating_sub(milliseconds));
        let steps = [
            (EXPIRE_LOGIN_ATTEMPTS, now),
            (EXPIRE_DEVICE_ATTEMPTS, now),
            (EXPIRE_RECOVERY_ATTEMPTS, now),
            (EXPIRE_PENDING_TOKENS, now),
            (EXPIRE_LINKS, now),
            (EXPIRE_TICKETS, now),
            (EXPIRE_INVITES, now),
            (EXPIRE_IDLE_LOGINS, before(REFRESH_TOKEN_IDLE_MS)),
            (EXPIRE_REVOKED_LOGINS, before(REVOKED_KEPT_MS)),
        ];
        let mut expired = 0;
        for (statement, bound) in steps {
            // One transaction each, so that none holds its locks for the others.
            expired += on_engine!(
                self,
                write | connection | {
                    sqlx::query(statement.on(engine))
                        .bind(Column(bound))
                        .execute(&mut *connection)
                        .await?
                        .rows_affected()
                }
            );
        }
        Ok(expired)
    }
}
