//! The server from outside: real HTTP, real sockets, a real database in a folder that goes away.

mod accounts;
mod devices;
mod faults;
mod harness;
mod joining;
mod killed;
mod links;
mod logins;
mod mailbox;
mod messages;
mod operation;
mod place;
mod places;
mod postgres;
mod posting;
mod prekeys;
mod recoveries;
mod resets;
mod restoring;
mod rooms;
mod schemathesis;
mod vault;
mod web;
