//! What is done from time to time. Each job is safe to run twice and says how much it did.
//!
//! One more job is one more line in [`JOBS`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::DbError;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::code_of;
use crate::state::App;

type Run = fn(Arc<App>) -> Pin<Box<dyn Future<Output = Result<u64, DbError>> + Send>>;

struct Job {
    name: &'static str,
    period: Duration,
    run: Run,
}

const JOBS: &[Job] = &[
    Job {
        name: "expire",
        period: Duration::from_mins(1),
        run: |app| Box::pin(async move { app.db.expire(app.now()).await }),
    },
    Job {
        name: "expire posts",
        period: Duration::from_secs(30),
        run: |app| Box::pin(async move { app.db.expire_posts(app.now()).await }),
    },
    Job {
        name: "forget",
        period: Duration::from_mins(1),
        run: |app| {
            Box::pin(async move {
                app.limits.forget_idle();
                app.revocations.forget_old(app.now());
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
            let mut ticks = interval(job.period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
                match (job.run)(Arc::clone(&app)).await {
                    Ok(0) => {}
                    Ok(done) => tracing::debug!(job = job.name, done, "job done"),
                    Err(error) => {
                        let code = code_of(&error);
                        tracing::warn!(job = job.name, %code, "job failed; it is tried again");
                    }
                }
            }
        });
    }
}
