//! Faults: the real server is killed, cut off, filled up and flooded, and what it acknowledged has to be there.
//!
//! [`ROWS`] is the table; each row is a module in `rows`, played one after another, because each wants the machine for
//! itself. `cargo xtask test faults` plays short versions, `cargo xtask test faults --full` the whole of it and prints
//! what was seen. A row asserts what must hold; how long something took it reports. `docs/reliability.md` says how
//! each is played and what was seen.
//!
//! One more row is one more module and one more line in [`ROWS`].

mod rows;
mod stage;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;

use futures_util::FutureExt;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// How much of a row is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Short,
    Full,
}

impl Size {
    pub(crate) fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }
}

/// How a row ended that did not fail.
pub(crate) enum Outcome {
    /// With what was seen.
    Played(String),
    /// The machine does not let it be played, and why.
    NotPlayed(String),
}

type Playing = Pin<Box<dyn Future<Output = Outcome>>>;

pub(crate) struct Row {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// What has to hold.
    pub(crate) says: &'static str,
    pub(crate) play: fn(Size) -> Playing,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = if arguments.iter().any(|argument| argument == "--full") {
        Size::Full
    } else {
        Size::Short
    };
    // Other options are those of cargo's usual runner.
    let wanted: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted =
        |row: &&Row| wanted.is_empty() || wanted.iter().any(|word| row.name.contains(word.as_str()));

    let runtime = Runtime::new().expect("a runtime");
    let (mut passed, mut failed, mut not_played) = (0, 0, 0);
    let mut table = Vec::new();
    for row in rows::ROWS.iter().filter(is_wanted) {
        println!("{}: {}", row.name, row.says);
        let ended = runtime.block_on(async {
            let began = Instant::now();
            let ended = AssertUnwindSafe((row.play)(size)).catch_unwind().await;
            (ended, began.elapsed())
        });
        let (seen, took) = match ended {
            (Ok(Outcome::Played(seen)), took) => {
                passed += 1;
                (seen, took)
            }
            (Ok(Outcome::NotPlayed(why)), took) => {
                not_played += 1;
                (format!("not played: {why}"), took)
            }
            (Err(_), took) => {
                failed += 1;
                ("FAILED".to_owned(), took)
            }
        };
        println!("    {seen} [{} s]", took.as_secs());
        table.push(format!("| {} | {seen} | {} s |", row.name, took.as_secs()));
    }
    if size == Size::Full {
        println!("\n| row | seen | took |\n|---|---|---|\n{}\n", table.join("\n"));
    }
    println!("{passed} passed, {failed} failed, {not_played} not played");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
