//! The device's database: one SQLite file, encrypted, the same in a browser and everywhere else.
//!
//! [`Store`] is how the engine looks into the device ([`Reads`](conclave_client::Reads)), where its changes
//! become durable ([`Applies`](conclave_client::Applies): one transaction, all or nothing), and where front
//! ends get their pages from (`list_chats`, `list_messages`). It must never talk to a network, decide anything
//! or look into a record's value.
//!
//! | home | file | encryption | journal |
//! |---|---|---|---|
//! | native | [`Store::open_native`] | SQLCipher (AES-256, HMAC), raw key | write-ahead log |
//! | browser | `Store::open_in_browser`: OPFS in a dedicated worker | ChaCha20-Poly1305, raw key | rollback, truncated |
//! | memory | [`Store::open_in_memory`]: tests, private windows | none, nothing is written | none |
//!
//! Schema, queries and tests are the same in all of them. One more column or table is one more migration at
//! the end of [`schema`], never a change of an old one; one more question of the engine goes into the file of
//! its word.
#![forbid(unsafe_code)]

mod annotations;
mod apply;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;
mod error;
mod key;
mod messages;
mod number;
mod open;
mod reads;
mod records;
mod rooms;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod timeline;

pub use error::StoreError;
pub use key::StoreKey;
pub use open::Store;
pub use rooms::Chat;
pub use search::SearchError;
