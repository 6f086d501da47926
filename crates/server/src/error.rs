//! How a request fails: a code for the client, a line in the log when it is our fault.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::response::{IntoResponse, Response};
use conclave_auth::AuthError;
use conclave_db::{AuditBroken, DbError, TransferError};
use conclave_protocol::{ErrorCode, Problem};
use conclave_sigchain::ChainError;
use http::{HeaderValue, StatusCode, header};
use thiserror::Error;

/// Seconds after which a client tries again when the database or the disk is the trouble.
pub(crate) const TROUBLE_RETRY_SECONDS: u32 = 2;

/// A refused or failed request.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{code}")]
pub(crate) struct ApiError {
    /// What the client is told.
    pub(crate) code: ErrorCode,
    /// Seconds after which to try again.
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    /// The same refusal with the time after which to try again.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            retry_after: None,
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let code = code_of(&error);
        let error = Self::from(code);
        if code == ErrorCode::Internal {
            error
        } else {
            error.retry_after(TROUBLE_RETRY_SECONDS)
        }
    }
}

impl From<ChainError> for ApiError {
    fn from(_: ChainError) -> Self {
        ErrorCode::ChainRefused.into()
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Malformed => ErrorCode::Malformed.into(),
            AuthError::WrongCredentials | AuthError::Stretching => ErrorCode::WrongCredentials.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            retry_after: self.retry_after,
            ..Problem::new(self.code)
        };
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        // For whoever counts refusals; it does not leave the process.
        response.extensions_mut().insert(self.code);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// As [`code_of`], for whoever looks at an error that somebody else logs.
pub(crate) fn kind_of(error: &DbError) -> ErrorCode {
    match error {
        DbError::Full => ErrorCode::StorageFull,
        DbError::Unavailable(_) => ErrorCode::Unavailable,
        DbError::Newer { .. } | DbError::Older { .. } | DbError::Address(_) | DbError::Internal(_) => {
            ErrorCode::Internal
        }
    }
}

/// The code that a database error crosses the boundary as. What is our fault is logged here, once.
pub(crate) fn code_of(error: &DbError) -> ErrorCode {
    let code = kind_of(error);
    match code {
        ErrorCode::StorageFull => {}
        ErrorCode::Unavailable => tracing::warn!(%error, "the database is away"),
        _ => tracing::error!(%error, "a statement failed"),
    }
    code
}

/// Why the server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used: {0}")]
    Config(String),
    /// The database cannot be used.
    #[error("{0}")]
    Database(#[from] DbError),
    /// A file or folder cannot be used.
    #[error("{} cannot be used: {error}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A secret's file holds something else.
    #[error("{} does not hold what it should; restore it from a backup", path.display())]
    Secret {
        /// Which one.
        path: PathBuf,
    },
    /// The OPAQUE seed is gone although accounts exist.
    #[error(
        "{} is missing, and without it no password of this server works; restore it from a backup",
        path.display()
    )]
    SecretMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Metrics were asked for and cannot be kept.
    #[error("metrics cannot be kept in this process; unset metrics_listen to start without")]
    Metrics,
    /// Nothing can be sent to push services.
    #[error(
        "notifications cannot be sent: the system's list of certificate authorities cannot be read; install ca-certificates, or set push.on = false"
    )]
    Push,
    /// Another process serves the database.
    #[error(
        "another conclave-server serves this database (it holds {}); stop it first, or give this one a data folder of its own",
        path.display()
    )]
    AlreadyServed {
        /// What it holds.
        path: PathBuf,
    },
    /// The address is taken or not ours.
    #[error("the server cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The database was not taken over as a whole.
    #[error("{0}")]
    Transfer(#[from] TransferError),
    /// A backup cannot be written, read or put back.
    #[error("{0}")]
    Backup(String),
    /// No such account.
    #[error("{0}")]
    Account(&'static str),
    /// The audit log is not the one that was written.
    #[error("{0}; somebody wrote to the database by another way than this server")]
    Audit(AuditBroken),
    /// Lines are missing at the end of the audit log.
    #[error(
        "the audit log was cut behind line {0}; somebody wrote to the database by another way than this server"
    )]
    AuditCut(u64),
    /// No account to make an invite in the name of.
    #[error("{0}")]
    Invite(&'static str),
}
