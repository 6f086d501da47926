//! `doctor`: looks at what a server stands on and says in plain words what is wrong and what to do. It changes
//! nothing, and shows no secret and nobody's name.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use conclave_auth::server::ServerSetup;
use conclave_db::{Db, DbError, Engine};
use conclave_protocol::Timestamp;

use crate::config::{Config, PublicUrl};

/// Less is reported, on the way to a full disk.
const DISK_LOW: u64 = 1024 * 1024 * 1024;
/// With less, sends are about to be refused.
const DISK_OUT: u64 = 100 * 1024 * 1024;
/// No clock that is right stands before this: 1 January 2025.
const CLOCK_MIN: Timestamp = Timestamp(1_735_689_600_000);
/// Clocks of machines that share a database may differ by so much.
const CLOCK_SKEW_MS: u64 = 60_000;
/// The oldest PostgreSQL that its makers still look after.
const POSTGRES_MIN: u32 = 14;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// The server runs, but somebody should look at it.
    Warning,
    /// The server does not start, loses something or is open to strangers.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found, and what to do.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.level {
            Level::Good => "ok     ",
            Level::Warning => "warning",
            Level::Wrong => "WRONG  ",
        };
        write!(f, "{mark}  {:<10}  {}", self.subject, self.text)
    }
}

fn good(subject: &'static str, text: impl Into<String>) -> Finding {
    finding(Level::Good, subject, text)
}

fn warning(subject: &'static str, text: impl Into<String>) -> Finding {
    finding(Level::Warning, subject, text)
}

fn wrong(subject: &'static str, text: impl Into<String>) -> Finding {
    finding(Level::Wrong, subject, text)
}

fn finding(level: Level, subject: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        level,
        subject,
        text: text.into(),
    }
}

/// Looks at everything.
pub async fn doctor(config: &Config) -> Vec<Finding> {
    let mut findings = vec![data_folder(&config.data)];
    let (database, accounts) = database(config).await;
    findings.extend(database);
    findings.extend(secrets(&config.secrets_folder(), accounts));
    findings.push(address(config));
    findings.push(proxies(config));
    findings.extend(metrics(config.metrics_listen));
    findings.extend(disk(&config.data));
    findings
}

fn data_folder(folder: &Path) -> Finding {
    let subject = "data";
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => warning(
            subject,
            format!(
                "{shown} is not there; the first start makes it. If this server ran before, the configuration names another folder than then"
            ),
        ),
        Err(error) => wrong(
            subject,
            format!("{shown} cannot be looked at ({error}); give it to the user that runs the server"),
        ),
        Ok(found) if !found.is_dir() => wrong(
            subject,
            format!("{shown} is not a folder; name another one with `data`"),
        ),
        Ok(found) if is_open(&found) => wrong(
            subject,
            format!("others on this machine can look into {shown}; type: chmod 700 {shown}"),
        ),
        Ok(_) => match tempfile_in(folder) {
            Ok(()) => good(subject, format!("{shown} can be written to, and by nobody else")),
            Err(error) => wrong(
                subject,
                format!(
                    "nothing can be written into {shown} ({error}); give it to the user that runs the server, and look whether the disk is full or read-only"
                ),
            ),
        },
    }
}

/// Makes a file and takes it away again.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

/// Whether others than the owner have any right.
#[cfg(unix)]
fn is_open(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

/// What is found about the database, and how many accounts it holds where it could be asked.
async fn database(config: &Config) -> (Vec<Finding>, Option<u64>) {
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
            let advice = "look whether it runs, and whether `database` or `database_file` name the right host, user, password and name";
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

fn secrets(folder: &Path, accounts: Option<u64>) -> Vec<Finding> {
    let subject = "secrets";
    let shown = folder.display();
    let has_accounts = accounts.is_some_and(|accounts| accounts > 0);
    let mut findings = Vec::new();
    match fs::metadata(folder) {
        Err(_) if has_accounts => {
            findings.push(wrong(subject, format!("{shown} is not there, and the passwords of all accounts depend on it: put it back from a backup")));
            return findings;
        }
        Err(_) => {
            findings.push(warning(
                subject,
                format!("{shown} is not there; the first start makes it"),
            ));
            return findings;
        }
        Ok(found) if is_open(&found) => {
            findings.push(wrong(
                subject,
                format!("others on this machine can look into {shown}; type: chmod 700 {shown}"),
            ));
        }
        Ok(_) => {}
    }
    let opaque = folder.join("opaque-setup");
    match fs::read(&opaque) {
        Ok(bytes) if ServerSetup::from_bytes(&bytes).is_ok() => {}
        Ok(_) => findings.push(wrong(
            subject,
            format!(
                "{} does not hold what it should: put it back from a backup",
                opaque.display()
            ),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !has_accounts => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => findings.push(wrong(
            subject,
            format!(
                "{} is missing, and the passwords of all accounts depend on it: put it back from a backup",
                opaque.display()
            ),
        )),
        Err(error) => findings.push(wrong(
            subject,
            format!(
                "{} cannot be read ({error}); give it to the user that runs the server",
                opaque.display()
            ),
        )),
    }
    let names = ["opaque-setup", "token-key", "token-key.previous", "setup-token"];
    for name in names {
        let path = folder.join(name);
        let Ok(found) = fs::metadata(&path) else { continue };
        if is_open(&found) {
            findings.push(wrong(
                subject,
                format!(
                    "others on this machine can read {0}; type: chmod 600 {0}",
                    path.display()
                ),
            ));
        }
        if name.starts_with("token-key") && found.len() != 32 {
            findings.push(wrong(subject, format!("{} has to hold 32 bytes; put it back from a backup, or take it away: then everybody is refreshed or signs in again", path.display())));
        }
    }
    if findings.is_empty() {
        findings.push(good(
            subject,
            format!("{shown} holds what it should, for nobody else to read"),
        ));
    }
    findings
}

fn address(config: &Config) -> Finding {
    let subject = "address";
    let public = match config.public(config.listen) {
        Ok(public) => public,
        Err(error) => return wrong(subject, error.to_string()),
    };
    let origin = public.origin();
    if config.public_url.is_none() {
        let text = format!(
            "public_url is not set, so links and origin checks go by {origin}; set it to what people type"
        );
        return if config.listen.ip().is_loopback() {
            warning(subject, text)
        } else {
            wrong(subject, text)
        };
    }
    if !public.is_https() && !is_local(&public) {
        return wrong(
            subject,
            format!(
                "people reach {origin} without TLS: browsers do not open the app there and passwords' proofs can be watched. Put a proxy that speaks TLS in front and begin public_url with https://"
            ),
        );
    }
    if !config.listen.ip().is_loopback() && public.is_https() {
        return warning(
            subject,
            format!(
                "{} takes connections without TLS from other machines; listen on 127.0.0.1 behind the proxy, unless the network between is your own",
                config.listen
            ),
        );
    }
    good(subject, format!("people reach this server at {origin}"))
}

fn is_local(public: &PublicUrl) -> bool {
    let host = public.origin().trim_start_matches("http://");
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn proxies(config: &Config) -> Finding {
    let subject = "proxies";
    if let Some(network) = config
        .trusted_proxies
        .iter()
        .find(|network| network.is_everybody())
    {
        return wrong(
            subject,
            format!(
                "trusted_proxies holds {network}, so anybody can write the address that limits go by; name the proxy alone"
            ),
        );
    }
    let is_https = config
        .public_url
        .as_deref()
        .is_some_and(|url| url.starts_with("https://"));
    if is_https && config.trusted_proxies.is_empty() {
        return warning(
            subject,
            "trusted_proxies is empty although something in front speaks TLS: all people then share its address in the limits. Name its address, for example 127.0.0.1",
        );
    }
    good(subject, format!("{} believed", config.trusted_proxies.len()))
}

fn metrics(listen: Option<SocketAddr>) -> Option<Finding> {
    let listen = listen?;
    Some(if listen.ip().is_loopback() {
        good(
            "metrics",
            format!("http://{listen}/metrics, for this machine alone"),
        )
    } else {
        warning(
            "metrics",
            format!(
                "metrics_listen is {listen}: whoever reaches it reads how busy this server is, without signing in. Use 127.0.0.1, or see that only your own machines reach it"
            ),
        )
    })
}

#[cfg(unix)]
fn disk(folder: &Path) -> Option<Finding> {
    let subject = "disk";
    // The folder, or the one in which it will be made.
    let there = folder
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."));
    let found = match rustix::fs::statvfs(there) {
        Ok(found) => found,
        Err(error) => {
            return Some(warning(
                subject,
                format!(
                    "nothing can be learnt of the disk of {} ({error})",
                    there.display()
                ),
            ));
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let mebibytes = free / 1024 / 1024;
    Some(if free < DISK_OUT {
        wrong(
            subject,
            format!(
                "{mebibytes} MiB are free for {}: messages are refused when it is full. Make room",
                there.display()
            ),
        )
    } else if free < DISK_LOW {
        warning(
            subject,
            format!(
                "{mebibytes} MiB are free for {}; make room in time",
                there.display()
            ),
        )
    } else {
        good(
            subject,
            format!("{mebibytes} MiB are free for {}", there.display()),
        )
    })
}

#[cfg(not(unix))]
fn disk(_: &Path) -> Option<Finding> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(change: impl FnOnce(&mut Config), look: fn(&Config) -> Finding) -> Level {
        let mut config = Config::default();
        change(&mut config);
        look(&config).level
    }

    fn set(url: &str) -> impl FnOnce(&mut Config) {
        move |config| config.public_url = Some(url.to_owned())
    }

    #[test]
    fn an_address_without_tls_is_wrong_unless_it_is_this_machine() {
        assert_eq!(level(|_| (), address), Level::Warning);
        assert_eq!(level(set("https://chat.example.org"), address), Level::Good);
        assert_eq!(level(set("http://localhost:8080"), address), Level::Good);
        assert_eq!(level(set("http://chat.example.org"), address), Level::Wrong);
        assert_eq!(level(set("http://localhost.example.org"), address), Level::Wrong);
        let open = |config: &mut Config| {
            config.public_url = Some("https://a.example".to_owned());
            config.listen = "0.0.0.0:8080".parse().unwrap();
        };
        assert_eq!(level(open, address), Level::Warning);
    }

    #[test]
    fn a_proxy_that_anybody_can_be_is_wrong() {
        let everybody = |config: &mut Config| config.trusted_proxies = vec!["::/0".parse().unwrap()];
        assert_eq!(level(everybody, proxies), Level::Wrong);
        assert_eq!(level(set("https://a.example"), proxies), Level::Warning);
        let named = |config: &mut Config| {
            config.public_url = Some("https://a.example".to_owned());
            config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        };
        assert_eq!(level(named, proxies), Level::Good);
    }

    #[test]
    fn a_clock_that_went_back_is_wrong() {
        let now = CLOCK_MIN.plus(1_000_000);
        assert_eq!(clock(Timestamp(1), None).level, Level::Wrong);
        assert_eq!(clock(now, Some(now.plus(CLOCK_SKEW_MS + 1))).level, Level::Wrong);
        assert_eq!(clock(now, Some(now.plus(5))).level, Level::Good);
    }
}
