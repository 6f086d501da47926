//! The native runtime around the engine: socket, timers, store. Command line, bots, desktop, load generator and
//! tests are made of it.
//!
//! ```no_run
//! use conclave_sdk::{Device, Options};
//!
//! # async fn example() -> Result<(), conclave_sdk::SdkError> {
//! let device = Device::open(Options::new("https://chat.example.org", "/home/mia/.local/share/conclave"))?;
//! device.sign_in("mia", "vier ruhige Otter").await?;
//! let anna = device.find_person("anna", None).await?;
//! let room = device.open_chat(anna.account).await?;
//! let message = device.send_text(room, "hello").await?;
//! device.wait_until_sent(message, std::time::Duration::from_secs(30)).await?;
//! device.close().await
//! # }
//! ```
//!
//! Two programs to begin from are in `examples`: `echo_bot` answers what people write to it, `webhook_gateway` posts
//! what other programs tell it into a room, as a member that everybody sees.
//!
//! | file | what it does |
//! |---|---|
//! | `device` | the handle that people use: one method for each goal |
//! | `contents` | the same for what people do with messages |
//! | `places` | the same for groups and communities |
//! | `search`, `user_store` | the same for finding messages, and for what people set for themselves |
//! | `inbox` | what others wrote and nobody dealt with yet: the loop of a bot |
//! | `joining` | the same for becoming a device of an account, and for approving one |
//! | `driver` | the thread that owns engine and store and takes one input at a time |
//! | `http`, `socket`, `timer` | the outside world, each a task that turns requests into inputs |
//! | `folder` | the device's folder: lock, key, store |
//!
//! Invariant: nothing here decides what the engine decides. What the engine requests is done, what comes of it
//! is told to the engine, and nothing leaves before the changes that belong to it are on disk.
#![forbid(unsafe_code)]

mod accounts;
mod address;
pub mod clock;
mod contents;
mod device;
mod driver;
mod error;
mod folder;
mod http;
mod inbox;
mod joining;
mod options;
mod places;
mod presence;
mod randomness;
pub mod search;
mod socket;
mod timer;
mod tls;
pub mod user_store;

pub use conclave_client::{Failure, Judgment, TextWith, views};

pub use accounts::SecondStepSecret;
pub use address::{AddressError, ServerAddress};
pub use clock::Clock;
pub use device::{Device, Invite, Person};
pub use error::SdkError;
pub use inbox::{Arrived, Inbox};
pub use options::{Direction, Options, Tap};
pub use places::{JoinedPlace, MadePlace};
