//! The table, in the order in which it is played.

mod killed;
mod power_cut;

use crate::Row;
use crate::stage::database::Engine;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "killed, SQLite",
        says: "kill -9 under load: nothing that was acknowledged is lost, doubled or out of order",
        play: |size| Box::pin(killed::play(size, Engine::Sqlite)),
        full_only: false,
    },
    Row {
        name: "killed, PostgreSQL",
        says: "the same on PostgreSQL",
        play: |size| Box::pin(killed::play(size, Engine::Postgres)),
        full_only: false,
    },
    Row {
        name: "power cut",
        says: "a power cut loses nothing that was acknowledged",
        play: |size| Box::pin(power_cut::play(size)),
        full_only: false,
    },
    Row {
        name: "power cut without flushing",
        says: "the same cut of a server that does not flush is noticed: it loses something",
        play: |size| Box::pin(power_cut::play_unflushed(size)),
        full_only: false,
    },
];
