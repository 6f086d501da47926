//! Why a vector does not hold.

use core::fmt::{Debug, Display};

use thiserror::Error;

/// What differs, in words for whoever changed the code or the file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// Says which vector or step something belongs to.
pub(crate) trait Context<T> {
    fn context(self, place: impl Display) -> Result<T, Refusal>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn context(self, place: impl Display) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::new(format!("{place}: {error}")))
    }
}

/// Compares what came out with what the vector says.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), Refusal> {
    if found == expected {
        Ok(())
    } else {
        Err(Refusal::new(format!(
            "{what} is {found:?} and should be {expected:?}"
        )))
    }
}

/// What must be refused, for the reason that the vector gives.
pub(crate) fn refused<T, E: Display>(result: Result<T, E>, reason: &str) -> Result<(), Refusal> {
    match result {
        Ok(_) => Err(Refusal::new(format!(
            "is accepted, and should be refused: {reason}"
        ))),
        Err(error) => same("the reason", error.to_string().as_str(), reason),
    }
}
