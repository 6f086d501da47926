//! The server from outside: real HTTP, real sockets, a real database in a folder that goes away.

mod accounts;
mod admin;
mod by_device;
mod devices;
mod faults;
mod harness;
mod joining;
mod killed;
mod links;
mod login_list;
mod logins;
mod mailbox;
mod matrix;
mod messages;
mod passwords;
mod place;
mod places;
mod posting;
mod prekeys;
mod recoveries;
mod resets;
mod rooms;
mod second_step;
mod vault;
mod web;
