//! `jobs`: how the server's jobs went, as the database tells it.

use std::fmt;

use conclave_db::{Db, JobState};
use conclave_protocol::Timestamp;

use crate::config::Config;
use crate::error::StartError;

/// One job and the moment at which it is told of.
pub struct JobLine {
    job: JobState,
    now: Timestamp,
}

/// Every job that ever ran.
pub async fn list_jobs(config: &Config) -> Result<Vec<JobLine>, StartError> {
    let db = Db::open_existing(&config.database_address()?).await?;
    let jobs = db.list_jobs().await;
    db.close().await;
    let now = config.clock.now();
    Ok(jobs?.into_iter().map(|job| JobLine { job, now }).collect())
}

impl fmt::Display for JobLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, now } = self;
        let ago = |time: Timestamp| format!("{} s ago", now.since(time) / 1000);
        write!(f, "{:<16} began {}", job.name, ago(job.began))?;
        match (job.ended, job.took_ms) {
            (Some(ended), Some(took)) if ended >= job.began => write!(f, ", took {took} ms")?,
            _ => write!(f, ", runs")?,
        }
        if let (Some(succeeded), Some(done)) = (job.succeeded, job.done) {
            write!(f, ", succeeded {} ({done} done)", ago(succeeded))?;
        }
        if let Some(error) = &job.error {
            write!(f, ", FAILED: {error}")?;
        }
        write!(f, "; {} runs, {} failed", job.runs, job.failures)
    }
}
