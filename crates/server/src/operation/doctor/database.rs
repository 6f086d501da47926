//! The database, and what it tells of clock and jobs.

use std::path::Path;

use conclave_db::{Db, DbError, Engine, Reach};
use conclave_protocol::Timestamp;

use super::{Finding, good, warning, wrong};
use crate::config::Config;

/// No clock that is right stands before this: 1 January 2025.
const CLOCK_MIN: Timestamp = Timestamp(1_735_689_600_000);
/// Clocks of machines that share a database may differ by so much.
const CLOCK_SKEW_MS: u64 = 60_000;
/// The oldest PostgreSQL that its makers still look after.
const POSTGRES_MIN: u32 = 14;

/// What is found about the database, and how many accounts it holds where it could be asked.
pub(super) async fn database(config: &Config) -> (Vec<Finding>, Option<u64>) {
    let subject = "database";
    let one = |finding| (vec![finding], None);
    let address = match config.database_address() {
        Ok(address) => address,
        Err(error) => return one(wrong(subject, error.to_string())),
    };
    if let Some(path) = address.strip_prefix("sqlite:")
        && !Path::new(path.strip_prefix("//").unwrap_or(path)).exists()
    {
        return one(warning(
            subject,
            format!(
                "{path} is not there; the first start makes it. If this server ran before, the configuration names another file than then"
            ),
        ));
    }
    let connection = connection(&address);
    let one = |finding| {
        let findings = std::iter::once(finding).chain(connection.clone());
        (findings.collect(), None)
    };
    let db = match Db::open_existing(&address).await {
        Ok(db) => db,
        Err(error @ DbError::Older { .. }) => {
            return one(warning(
                subject,
                format!(
                    "{error}. A start brings it up to date; make a backup before with the version that served it"
                ),
            ));
        }
        Err(error @ DbError::Newer { .. }) => return one(wrong(subject, error.to_string())),
        Err(error) => {
            let advice = "look whether it runs, whether `database` or `database_file` name the right host, user, password and name, and, with sslmode=verify-full, whether sslrootcert is the authority of its certificate and the certificate names the host";
            return one(wrong(subject, format!("{error}; {advice}")));
        }
    };
    let mut findings = Vec::new();
    match (db.version().await, db.engine()) {
        (Err(error), _) => findings.push(wrong(subject, error.to_string())),
        (Ok(version), Engine::Postgres) => {
            let major: u32 = version
                .split('.')
                .next()
                .and_then(|major| major.parse().ok())
                .unwrap_or_default();
            findings.push(if major < POSTGRES_MIN {
                warning(
                    subject,
                    format!("PostgreSQL {version} answers, but nobody mends it any more; move to 17"),
                )
            } else {
                good(
                    subject,
                    format!("PostgreSQL {version} answers, with the schema of this version"),
                )
            });
        }
        (Ok(version), Engine::Sqlite) => {
            findings.push(good(
                subject,
                format!("SQLite {version} opens the file, with the schema of this version"),
            ));
        }
    }
    findings.extend(connection);
    findings.push(clock(
        config.clock.now(),
        db.list_jobs()
            .await
            .ok()
            .iter()
            .flatten()
            .map(|job| job.began)
            .max(),
    ));
    if let Ok(jobs) = db.list_jobs().await {
        for job in jobs {
            if let Some(error) = &job.error {
                findings.push(warning(
                    "jobs",
                    format!("the job \"{}\" failed when it ran last: {error}", job.name),
                ));
            }
        }
    }
    let accounts = db.count_accounts().await.ok();
    db.close().await;
    (findings, accounts)
}

/// How the connection is kept from others, where it leaves this machine.
fn connection(address: &str) -> Option<Finding> {
    let subject = "connection";
    // An address that cannot be read is said at opening.
    match Reach::of(address).ok()? {
        Reach::Local => None,
        Reach::Verified => Some(good(
            subject,
            "to the database it is encrypted, and the certificate is checked",
        )),
        Reach::Unverified => Some(warning(
            subject,
            "to the database it is encrypted, but another machine could answer in its place: use sslmode=verify-full, with sslrootcert=FILE where the certificate is of an authority of your own",
        )),
        Reach::Plain => Some(warning(
            subject,
            "the database is on another machine, and nothing asks for encryption on the way to it: add ?sslmode=verify-full to the address, with &sslrootcert=FILE where the certificate is of an authority of your own. In the network that docker-compose.yml makes for the two there is nothing to do",
        )),
    }
}

fn clock(now: Timestamp, last_job: Option<Timestamp>) -> Finding {
    let subject = "clock";
    if now < CLOCK_MIN {
        return wrong(
            subject,
            "it stands years in the past; set it, best by NTP: invites, sign-ins and times of messages depend on it",
        );
    }
    match last_job {
        Some(job) if job.since(now) > CLOCK_SKEW_MS => wrong(
            subject,
            format!(
                "it stands {} s before something that this server did already; it went back, or another machine on this database has a wrong one. Set both by NTP",
                job.since(now) / 1000
            ),
        ),
        _ => good(subject, "it stands behind everything that this server did"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_database_elsewhere_without_tls_is_warned_of() {
        let level = |address: &str| connection(address).map(|finding| finding.level);
        assert_eq!(level("sqlite:/data/conclave.db"), None);
        assert_eq!(level("postgres://c:p@127.0.0.1/c"), None);
        assert_eq!(level("postgres://c:p@localhost/c?host=/run/postgresql"), None);
        assert_eq!(level("postgres://c:p@db.example.org/c"), Some(Level::Warning));
        assert_eq!(
            level("postgres://c:p@db.example.org/c?sslmode=require"),
            Some(Level::Warning)
        );
        assert_eq!(
            level("postgres://c:p@db.example.org/c?sslmode=verify-full"),
            Some(Level::Good)
        );
    }

    #[test]
    fn a_clock_that_went_back_is_wrong() {
        let now = CLOCK_MIN.plus(1_000_000);
        assert_eq!(clock(Timestamp(1), None).level, Level::Wrong);
        assert_eq!(clock(now, Some(now.plus(CLOCK_SKEW_MS + 1))).level, Level::Wrong);
        assert_eq!(clock(now, Some(now.plus(5))).level, Level::Good);
    }
}
