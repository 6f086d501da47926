//! What the server counts and times, for Prometheus: names and labels stand here and nowhere else.
//!
//! No label holds an address, a name, an account, a device or a room: each has a few values that are known before.
//! Where nothing is to be measured (`metrics_listen` is unset) every call here does nothing.

use std::sync::OnceLock;
use std::time::Duration;

use http::Method;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds, from a lookup in memory to a request's deadline.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Appends in one commit, up to the most.
const APPENDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

const REQUESTS: &str = "conclave_http_requests_total";
const REQUEST_SECONDS: &str = "conclave_http_request_seconds";
const CONNECTIONS: &str = "conclave_connections";
const FRAMES: &str = "conclave_frames_total";
const COMMIT_APPENDS: &str = "conclave_writer_commit_appends";
const COMMIT_SECONDS: &str = "conclave_writer_commit_seconds";
const COMMITS_FAILED: &str = "conclave_writer_commits_failed_total";
const WRITER_QUEUE: &str = "conclave_writer_queue";
const JOB_RUNS: &str = "conclave_job_runs_total";
const JOB_SECONDS: &str = "conclave_job_seconds";
const DATABASE_SECONDS: &str = "conclave_database_ping_seconds";
const DATABASE_UP: &str = "conclave_database_up";
const STORAGE_FULL: &str = "conclave_storage_full";
const SIGN_INS_REFUSED: &str = "conclave_sign_ins_refused_total";
const REQUESTS_REFUSED: &str = "conclave_requests_refused_total";
const LIMITS_REACHED: &str = "conclave_limits_reached_total";
const TOKENS_REUSED: &str = "conclave_refresh_tokens_reused_total";
const PUSHES: &str = "conclave_pushes_total";
const MEMORY: &str = "process_resident_memory_bytes";

static HANDLE: OnceLock<Result<PrometheusHandle, ()>> = OnceLock::new();

/// Begins to measure, once for the process.
pub(crate) fn begin() -> Option<&'static PrometheusHandle> {
    let handle = HANDLE.get_or_init(|| {
        let recorder = builder().map_err(|_| ())?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| ())?;
        describe();
        Ok(handle)
    });
    handle.as_ref().ok()
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(SECONDS)?
        .set_buckets_for_metric(Matcher::Full(COMMIT_APPENDS.to_owned()), APPENDS)
}

fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered, by method, route and status.");
    metrics::describe_histogram!(REQUEST_SECONDS, "Seconds until a request was answered.");
    metrics::describe_gauge!(CONNECTIONS, "Open connections of devices.");
    metrics::describe_counter!(FRAMES, "Frames received from devices and sent to them.");
    metrics::describe_histogram!(COMMIT_APPENDS, "Messages in one commit.");
    metrics::describe_histogram!(COMMIT_SECONDS, "Seconds that a commit of messages took.");
    metrics::describe_counter!(COMMITS_FAILED, "Commits of messages that failed.");
    metrics::describe_gauge!(WRITER_QUEUE, "Messages that wait to be committed.");
    metrics::describe_counter!(JOB_RUNS, "Runs of jobs in this process, by result.");
    metrics::describe_histogram!(JOB_SECONDS, "Seconds that a run of a job took.");
    metrics::describe_histogram!(
        DATABASE_SECONDS,
        "Seconds until the database answered when asked for its state."
    );
    metrics::describe_gauge!(DATABASE_UP, "1 while the database answers.");
    metrics::describe_gauge!(STORAGE_FULL, "1 while the database has no room to write.");
    metrics::describe_counter!(
        SIGN_INS_REFUSED,
        "Sign-ins, recoveries and proofs of the password that were refused, by reason."
    );
    metrics::describe_counter!(
        REQUESTS_REFUSED,
        "Requests of somebody who may not make them, by reason."
    );
    metrics::describe_counter!(LIMITS_REACHED, "Times that a limit was reached, by limit.");
    metrics::describe_counter!(
        TOKENS_REUSED,
        "Refresh tokens that were shown although they had been used."
    );
    metrics::describe_counter!(
        PUSHES,
        "Wakes handed to push services, by what was said: taken, gone, later, refused."
    );
    metrics::describe_gauge!(MEMORY, "Memory that the process holds.");
}

/// A request was answered. Unknown methods are one label, or anybody could make labels.
pub(crate) fn request(method: &Method, route: &str, status: u16, took: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    };
    let route = route.to_owned();
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(took);
}

/// A sign-in was refused.
pub(crate) fn sign_in_refused(reason: &'static str) {
    counter!(SIGN_INS_REFUSED, "reason" => reason).increment(1);
}

/// A request was refused to somebody who may not make it.
pub(crate) fn request_refused(reason: &'static str) {
    counter!(REQUESTS_REFUSED, "reason" => reason).increment(1);
}

/// A limit was reached.
pub(crate) fn limit_reached(limit: &'static str) {
    counter!(LIMITS_REACHED, "limit" => limit).increment(1);
}

/// A refresh token was shown that had been used.
pub(crate) fn token_reused() {
    counter!(TOKENS_REUSED).increment(1);
}

/// Counts a connection for as long as it is held.
pub(crate) struct Connected(());

impl Connected {
    pub(crate) fn begin() -> Self {
        gauge!(CONNECTIONS).increment(1.0);
        Self(())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1.0);
    }
}

/// A frame came from a device.
pub(crate) fn frame_received() {
    counter!(FRAMES, "way" => "received").increment(1);
}

/// A frame went to a device.
pub(crate) fn frame_sent() {
    counter!(FRAMES, "way" => "sent").increment(1);
}

/// The writer committed, or failed to.
pub(crate) fn commit(appends: usize, took: Duration, succeeded: bool) {
    histogram!(COMMIT_APPENDS).record(f64::from(u32::try_from(appends).unwrap_or(u32::MAX)));
    histogram!(COMMIT_SECONDS).record(took);
    if !succeeded {
        counter!(COMMITS_FAILED).increment(1);
    }
}

/// A job ran.
pub(crate) fn job(name: &'static str, took: Duration, succeeded: bool) {
    let result = if succeeded { "succeeded" } else { "failed" };
    counter!(JOB_RUNS, "job" => name, "result" => result).increment(1);
    histogram!(JOB_SECONDS, "job" => name).record(took);
}

/// A push service was asked to wake a device.
pub(crate) fn push(said: &'static str) {
    counter!(PUSHES, "said" => said).increment(1);
}

/// What is looked at when it is asked for.
pub(crate) struct Moment {
    pub(crate) writer_queue: usize,
    /// How long the database took to answer, when it did.
    pub(crate) database: Option<Duration>,
    pub(crate) storage_full: bool,
}

/// Everything as text.
pub(crate) fn render(handle: &PrometheusHandle, moment: &Moment) -> String {
    gauge!(WRITER_QUEUE).set(f64::from(u32::try_from(moment.writer_queue).unwrap_or(u32::MAX)));
    gauge!(DATABASE_UP).set(f64::from(u8::from(moment.database.is_some())));
    gauge!(STORAGE_FULL).set(f64::from(u8::from(moment.storage_full)));
    if let Some(took) = moment.database {
        histogram!(DATABASE_SECONDS).record(took);
    }
    if let Some(kibibytes) = resident_kibibytes() {
        gauge!(MEMORY).set(f64::from(kibibytes) * 1024.0);
    }
    handle.run_upkeep();
    handle.render()
}

/// As Linux tells it; elsewhere it is left out.
fn resident_kibibytes() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
