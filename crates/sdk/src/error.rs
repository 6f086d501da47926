//! Why something did not happen.

use std::io;

use conclave_client::Failure;
use conclave_store::StoreError;
use thiserror::Error;

use crate::AddressError;

/// Why something did not happen. What it displays is a sentence for people.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SdkError {
    /// The engine or the server says why and what to do.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// The server's address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Another process has this device's folder open.
    #[error("Another program is using this device's data. Close it, or choose another folder.")]
    InUse,
    /// The device's folder cannot be used.
    #[error("This device's folder cannot be used: {0}.")]
    Folder(#[source] io::Error),
    /// The system's list of trusted certificates cannot be read.
    #[error("This system's trusted certificates cannot be read: {0}.")]
    Roots(#[source] io::Error),
    /// The store failed in a way that the engine has no word for.
    #[error("This device's storage does not work: {0}.")]
    Store(#[source] StoreError),
    /// What was waited for did not happen in time. It may still happen.
    #[error("That took too long. It may still happen by itself.")]
    TimedOut,
    /// The device was closed.
    #[error("This device was closed.")]
    Closed,
    /// [`crate::Device::open`] was called outside of a tokio runtime.
    #[error("A device needs a tokio runtime with time and I/O to be opened in.")]
    NoRuntime,
    /// The engine gave an answer of another kind than the intent has: a bug.
    #[error("The program made a mistake: an answer does not fit its question.")]
    Mismatch,
}

impl SdkError {
    /// The engine's own words for it, with a code to match, where there are any.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// The engine's or the server's code, where there is one.
    pub fn code(&self) -> Option<&str> {
        self.failure().map(|failure| failure.code.as_str())
    }
}

impl From<Failure> for SdkError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for SdkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Newer { .. } => Self::Failed(Failure::storage_newer()),
            StoreError::Locked => Self::Failed(Failure::storage_locked()),
            StoreError::Full => Self::Failed(Failure::storage()),
            StoreError::InUse => Self::InUse,
            other => Self::Store(other),
        }
    }
}
