//! What an operator does to a server beside running it. Each command is one file; none of them asks for content.

mod archive;
mod backup;
mod doctor;
mod jobs;
mod moving;
mod restore;
mod sealing;

pub use archive::Head;
pub use backup::{Backup, PassphraseFrom, backup, verify_backup};
pub use doctor::{Finding, Level, doctor};
pub use jobs::{JobLine, list_jobs};
pub use moving::{Moving, move_database};
pub use restore::restore;
