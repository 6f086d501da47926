//! `doctor`: looks at what a server stands on and says in plain words what is wrong and what to do. It changes
//! nothing, and shows no secret and nobody's name.

mod blobs;
mod database;
mod folders;
mod push;
mod settings;

use std::fmt;

use crate::config::Config;

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
    let mut findings = vec![folders::data_folder(&config.data)];
    let (database, accounts) = database::database(config).await;
    findings.extend(database);
    findings.extend(folders::secrets(&config.secrets_folder(), accounts));
    findings.push(settings::address(config));
    findings.push(settings::proxies(config));
    findings.extend(settings::metrics(config.metrics_listen));
    findings.extend(push::push(config));
    findings.extend(blobs::files(config).await);
    findings.extend(folders::disk(&config.data));
    findings
}
