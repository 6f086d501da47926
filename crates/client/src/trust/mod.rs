//! Whom a person believes to be whom: comparing safety numbers, the marks that say so, and what happens when a name
//! belongs to another identity than before.
//!
//! | file | owns |
//! |---|---|
//! | `marks` | what was compared or accepted, kept here, in the vault and on all own devices |
//! | `names` | which accounts were known under one name, and what follows from it |
//! | `comparing` | the safety number of two people, and what a person says about it |
//! | `profile` | what is shown of somebody, and what changed in their log |
//!
//! Invariant: an identity under the name of somebody who was compared gets nothing before the person compared or
//! accepted it. Which accounts share a name was pinned when each was first seen, so the server cannot part them later.

mod comparing;
mod marks;
mod names;
mod profile;
#[cfg(test)]
mod tests;

pub use marks::Judgment;
pub(crate) use marks::Mark;
pub(crate) use names::{Known, Standing};
