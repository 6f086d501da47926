//! The table, in the order in which it is played.

mod database_away;
mod disk_full;
mod killed;
mod power_cut;
mod reply_lost;
mod slow_reader;

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
    Row {
        name: "disk full",
        says: "a full disk refuses sends with a clear code, reads go on, and room is enough to recover",
        play: |size| Box::pin(disk_full::play(size)),
        full_only: false,
    },
    Row {
        name: "database away",
        says: "without its database the server says to come back, and is well again with it",
        play: |size| Box::pin(database_away::play(size)),
        full_only: false,
    },
    Row {
        name: "reply lost, SQLite",
        says: "sends that are repeated because their answers were lost are there once",
        play: |size| Box::pin(reply_lost::play(size, Engine::Sqlite)),
        full_only: false,
    },
    Row {
        name: "reply lost, PostgreSQL",
        says: "the same on PostgreSQL",
        play: |size| Box::pin(reply_lost::play(size, Engine::Postgres)),
        full_only: false,
    },
    Row {
        name: "slow reader",
        says: "little is held for a reader that does not read, and nobody else waits for it",
        play: |size| Box::pin(slow_reader::play(size)),
        full_only: false,
    },
];
