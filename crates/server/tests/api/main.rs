//! The server from outside: real HTTP, real sockets, a real database in a folder that goes away.

mod accounts;
mod faults;
mod harness;
mod logins;
mod mailbox;
mod messages;
mod prekeys;
mod rooms;
mod web;
