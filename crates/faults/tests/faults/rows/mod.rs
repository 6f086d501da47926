//! The table, in the order in which it is played.

mod clock_jumps;
mod database_away;
mod disk_full;
mod killed;
mod malformed;
mod power_cut;
mod reply_lost;
mod sign_ins;
mod slow_reader;
mod started_twice;
mod storm;

use crate::Row;
use crate::stage::database::Engine;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "killed, SQLite",
        says: "kill -9 under load: nothing that was acknowledged is lost, doubled or out of order",
        play: |size| Box::pin(killed::play(size, Engine::Sqlite)),
    },
    Row {
        name: "killed, PostgreSQL",
        says: "the same on PostgreSQL",
        play: |size| Box::pin(killed::play(size, Engine::Postgres)),
    },
    Row {
        name: "power cut",
        says: "a power cut loses nothing that was acknowledged",
        play: |size| Box::pin(power_cut::play(size)),
    },
    Row {
        name: "power cut without flushing",
        says: "the same cut of a server that does not flush is noticed: it loses something",
        play: |size| Box::pin(power_cut::play_unflushed(size)),
    },
    Row {
        name: "disk full",
        says: "a full disk refuses sends with a clear code, reads go on, and room is enough to recover",
        play: |size| Box::pin(disk_full::play(size)),
    },
    Row {
        name: "database away",
        says: "without its database the server says to come back, and is well again with it",
        play: |size| Box::pin(database_away::play(size)),
    },
    Row {
        name: "reply lost, SQLite",
        says: "sends that are repeated because their answers were lost are there once",
        play: |size| Box::pin(reply_lost::play(size, Engine::Sqlite)),
    },
    Row {
        name: "reply lost, PostgreSQL",
        says: "the same on PostgreSQL",
        play: |size| Box::pin(reply_lost::play(size, Engine::Postgres)),
    },
    Row {
        name: "slow reader",
        says: "little is held for a reader that does not read, and nobody else waits for it",
        play: |size| Box::pin(slow_reader::play(size)),
    },
    Row {
        name: "reconnect storm",
        says: "everybody comes back, and is told nothing on the way but when",
        play: |size| Box::pin(storm::play(size)),
    },
    Row {
        name: "malformed",
        says: "what nobody should send ends its own connection and harms nothing",
        play: |size| Box::pin(malformed::play(size)),
    },
    Row {
        name: "clock jumps",
        says: "a clock that jumps changes no order and takes nothing away",
        play: |size| Box::pin(clock_jumps::play(size)),
    },
    Row {
        name: "sign-ins",
        says: "many sign-ins at once cost little memory and little of others' time",
        play: |size| Box::pin(sign_ins::play(size)),
    },
    Row {
        name: "killed in migration, SQLite",
        says: "a start that is killed on the way leaves a database that starts",
        play: |size| Box::pin(started_twice::killed_in_migration(size, Engine::Sqlite)),
    },
    Row {
        name: "killed in migration, PostgreSQL",
        says: "the same on PostgreSQL",
        play: |size| Box::pin(started_twice::killed_in_migration(size, Engine::Postgres)),
    },
    Row {
        name: "two processes",
        says: "a second server on one SQLite file says why it does not start",
        play: |size| Box::pin(started_twice::beside_another(size)),
    },
];
