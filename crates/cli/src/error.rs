//! Why a command did not do what it was asked for.

use std::io;

use conclave_sdk::{Failure, SdkError, ServerAddress};
use serde::Serialize;
use thiserror::Error;

/// Why a command did not do what it was asked for. What it displays is a sentence for people.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Sdk(#[from] SdkError),
    #[error("{}", .0.message)]
    Failed(Failure),
    #[error("There is no account on this device. Make one with: conclave register NAME INVITE")]
    NoAccount,
    #[error("You are signed out. Sign in again with: conclave sign-in")]
    SignedOut,
    #[error("Which server? Add --server https://…, or give the whole link.")]
    NoServer,
    #[error("This link is of {link}, but the server here is {here}.")]
    OtherServer {
        link: ServerAddress,
        here: ServerAddress,
    },
    #[error(
        "The message waits in the outbox. It is sent as soon as a command reaches the server; conclave listen does."
    )]
    Queued,
    #[error("The server cannot be reached. What is shown is what this device has.")]
    Unreachable,
    #[error("There is no chat with {0} on this device.")]
    NoChat(String),
    #[error("Several groups or communities are called {0}. Name one by its id: conclave group list --json")]
    SeveralPlaces(String),
    #[error("This is not a change that this version knows.")]
    NoChange,
    #[error("Nothing was changed.")]
    NotConfirmed,
    #[error("That is you. Name the person with whom you compare.")]
    OwnAccount,
    #[error("No new device of yours waits for approval. Sign in there first, or run there: conclave link")]
    NobodyWaits,
    #[error(
        "{0} devices wait for approval. Stop those that should not, wait until they are gone after ten minutes, or approve one by its link: conclave link"
    )]
    SeveralWait(usize),
    #[error("Nothing was added.")]
    GivenUp,
    #[error("The two passwords are not the same.")]
    PasswordsDiffer,
    #[error("The server says of no {0} here that they started again, or you may not let them in.")]
    NobodyReturned(String),
    #[error(
        "This password is not strong enough to open your history: a server could guess it. Nothing was changed."
    )]
    PasswordWeak,
    #[error("There is no terminal to ask for the password. Use CONCLAVE_PASSWORD or --password-stdin.")]
    NoTerminal,
    #[error("The text on standard input is not UTF-8.")]
    NotText,
    #[error("There is no folder for data on this platform. Name one with --data.")]
    NoFolder,
    #[error("The settings in {path} cannot be read: {reason}.")]
    Settings { path: String, reason: String },
    #[error("{0}.")]
    Io(#[from] io::Error),
}

/// How an error stands in JSON.
#[derive(Serialize)]
pub(crate) struct ErrorView<'a> {
    code: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl CliError {
    /// The exit code, after sysexits.h where it has one.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.code() {
            "usage" => 2,
            "offline" | "unavailable" | "overloaded" | "timed_out" => 69,
            "queued" => 75,
            "no_account" | "signed_out" | "sign_in_needed" | "login_revoked" => 77,
            _ => 1,
        }
    }

    /// True when somebody closed the other end of a pipe, who does not want to hear of it.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn view(&self) -> ErrorView<'_> {
        let retry_after = self.failure().and_then(|failure| failure.retry_after);
        ErrorView {
            code: self.code(),
            message: self.to_string(),
            retry_after,
        }
    }

    /// Whether it is a failure of this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.failure().is_some_and(|failure| failure.code == code)
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Sdk(error) => error.failure(),
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    fn code(&self) -> &str {
        if let Some(failure) = self.failure() {
            return &failure.code;
        }
        match self {
            Self::Sdk(SdkError::Address(_))
            | Self::NoServer
            | Self::OtherServer { .. }
            | Self::NoTerminal
            | Self::NoChange
            | Self::NoFolder => "usage",
            Self::Sdk(SdkError::TimedOut) | Self::Unreachable => "offline",
            Self::Sdk(SdkError::InUse) => "in_use",
            Self::Queued => "queued",
            Self::NoAccount => "no_account",
            Self::SignedOut => "signed_out",
            Self::NoChat(_) => "unknown_room",
            Self::SeveralPlaces(_) => "several_places",
            Self::NotConfirmed => "not_confirmed",
            Self::NobodyWaits => "nobody_waits",
            Self::SeveralWait(_) => "several_wait",
            Self::GivenUp => "given_up",
            Self::PasswordsDiffer => "passwords_differ",
            _ => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_can_tell_what_happened() {
        for (error, expected) in [
            (CliError::NoServer, 2),
            (SdkError::Failed(Failure::offline()).into(), 69),
            (SdkError::TimedOut.into(), 69),
            (CliError::Unreachable, 69),
            (CliError::Queued, 75),
            (CliError::NoAccount, 77),
            (SdkError::Failed(Failure::signed_out()).into(), 77),
            (CliError::Failed(Failure::link_mismatch()), 1),
            (SdkError::InUse.into(), 1),
        ] {
            assert_eq!(error.exit_code(), expected, "{error:?}");
        }
    }

    #[test]
    fn what_the_engine_says_is_what_people_read() {
        let failure = Failure::text_empty();
        let error = CliError::from(SdkError::Failed(failure.clone()));
        assert_eq!(error.to_string(), failure.message);
        assert_eq!(serde_json::to_value(error.view()).unwrap()["code"], "text_empty");
    }
}
