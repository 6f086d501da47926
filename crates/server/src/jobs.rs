//! What is done from time to time. Each job is safe to run twice and says how much it did.
//!
//! One more job is one more line in [`JOBS`]. A job of the database is done by one process at a time, which holds
//! a lease in the database while it works; how the last run went stands beside it. A job of the process is done by
//! each for itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::{DbError, JobRun};
use conclave_protocol::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::blobs;
use crate::error::{code_of, kind_of};
use crate::measuring;
use crate::push;
use crate::state::App;
use crate::watch;

type Run = fn(Arc<App>) -> Pin<Box<dyn Future<Output = Result<u64, DbError>> + Send>>;

/// A job belongs to a process for so long; while it works, the process asks for more.
const LEASE: Duration = Duration::from_secs(30);
/// How often a process asks for more, several times within a lease.
const RENEWED_EVERY: Duration = Duration::from_secs(10);
/// Looks at whether a job is due, in one of its periods.
const LOOKS: u32 = 6;

struct Job {
    name: &'static str,
    period: Duration,
    scope: Scope,
    run: Run,
}

/// Whose work a job is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Of all processes on one database together.
    Database,
    /// Of each process: it looks after its own memory.
    Process,
}

const JOBS: &[Job] = &[
    Job {
        name: "expire",
        period: Duration::from_mins(1),
        scope: Scope::Database,
        run: |app| Box::pin(async move { app.db.expire(app.expired_until()).await }),
    },
    Job {
        name: "expire posts",
        period: Duration::from_secs(30),
        scope: Scope::Database,
        run: |app| Box::pin(async move { app.db.expire_posts(app.expired_until()).await }),
    },
    Job {
        name: "sweep files",
        period: Duration::from_mins(5),
        scope: Scope::Database,
        run: |app| Box::pin(async move { blobs::sweep(&app).await }),
    },
    Job {
        name: "find orphaned files",
        period: Duration::from_hours(6),
        scope: Scope::Database,
        run: |app| Box::pin(async move { blobs::find_orphans(&app).await }),
    },
    Job {
        name: "wake devices",
        // What another process left when it ended; what comes in is looked at when it comes.
        period: Duration::from_mins(1),
        scope: Scope::Database,
        run: |app| Box::pin(async move { push::deliver(&app).await }),
    },
    Job {
        name: "expire push",
        period: Duration::from_mins(1),
        scope: Scope::Database,
        run: |app| {
            Box::pin(async move {
                let before = Timestamp(app.expired_until().0.saturating_sub(push::LIFE_MS));
                app.db.expire_push(before).await
            })
        },
    },
    Job {
        name: "announcements",
        period: Duration::from_secs(30),
        scope: Scope::Process,
        run: |app| {
            Box::pin(async move {
                // Another process may have been told of one, and some have ended.
                app.announcements.load(&app.db, app.now()).await?;
                Ok(0)
            })
        },
    },
    Job {
        name: "forget",
        period: Duration::from_mins(1),
        scope: Scope::Process,
        run: |app| {
            Box::pin(async move {
                watch::tell();
                app.limits.forget_idle();
                app.revocations.forget_old(app.expired_until());
                app.signals.forget_old(app.now());
                Ok(0)
            })
        },
    },
];

/// Runs every job until the server stops.
pub(crate) fn spawn(app: &Arc<App>) {
    for job in JOBS {
        let app = Arc::clone(app);
        app.tasks.clone().spawn(async move {
            let stopping = app.stopping.clone();
            let mut ticks = interval(match job.scope {
                Scope::Database => job.period / LOOKS,
                Scope::Process => job.period,
            });
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
                let ran = match job.scope {
                    Scope::Database => lease_and_run(&app, job).await,
                    Scope::Process => (job.run)(Arc::clone(&app)).await.map(Some),
                };
                match ran {
                    Ok(None | Some(0)) => {}
                    Ok(Some(done)) => tracing::debug!(job = job.name, done, "job done"),
                    Err(error) => {
                        let code = code_of(&error);
                        tracing::warn!(job = job.name, %code, "job failed; it is tried again");
                    }
                }
            }
        });
    }
}

/// Runs a job when it is due and nobody else runs it; answers how much it did.
async fn lease_and_run(app: &Arc<App>, job: &Job) -> Result<Option<u64>, DbError> {
    let run = JobRun {
        name: job.name,
        holder: app.process,
        began: app.now(),
    };
    let (lease, period) = (milliseconds(LEASE), milliseconds(job.period));
    if !app.db.claim_job(run, lease, period).await? {
        return Ok(None);
    }
    let at = Instant::now();
    let mut work = (job.run)(Arc::clone(app));
    let mut renewals = interval(RENEWED_EVERY);
    renewals.reset();
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            _ = renewals.tick() => {
                // Where the lease was lost, two work at once, which harms nothing; the work goes on.
                let _ = app.db.renew_job(run, app.now().plus(lease)).await;
            }
        }
    };
    measuring::job(job.name, at.elapsed(), result.is_ok());
    let noted = match &result {
        Ok(done) => Ok(*done),
        Err(error) => Err(kind_of(error).as_str()),
    };
    let now = app.now();
    let ended = app.db.end_job(run, noted, now, run.began.plus(period)).await;
    app.health.wrote(ended.as_ref().err().map(kind_of));
    ended?;
    result.map(Some)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
