//! All SQL of the server, for both engines: embedded SQLite and PostgreSQL.
//!
//! One concrete [`Db`] over an enum of two pools; one SQL text per statement where the engines agree. This
//! crate must never know HTTP, sockets or keys.

pub use stubs::*;
pub use types::*;

mod stubs;
mod types;
