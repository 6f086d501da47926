//! What is measured, and what it shall reach.

use std::hint::black_box;
use std::time::Duration;

use crate::clock;

/// One row of the table: the same work, whoever does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    EncryptSteady,
    DecryptSteady,
    PingPong,
    GroupEncrypt,
    GroupDecrypt,
    FirstInitiator,
    FirstResponder,
    Seal1K,
    Open1K,
    SealLargest,
    OpenLargest,
    SealFile,
    OpenFile,
}

impl Row {
    pub(crate) const ALL: [Self; 13] = [
        Self::EncryptSteady,
        Self::DecryptSteady,
        Self::PingPong,
        Self::GroupEncrypt,
        Self::GroupDecrypt,
        Self::FirstInitiator,
        Self::FirstResponder,
        Self::Seal1K,
        Self::Open1K,
        Self::SealLargest,
        Self::OpenLargest,
        Self::SealFile,
        Self::OpenFile,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EncryptSteady => "encrypt steady 100 B",
            Self::DecryptSteady => "decrypt steady 100 B",
            Self::PingPong => "ping-pong, both directions with agreement",
            Self::GroupEncrypt => "group encrypt 100 B",
            Self::GroupDecrypt => "group decrypt 100 B",
            Self::FirstInitiator => "first message, initiator",
            Self::FirstResponder => "first message, responder",
            Self::Seal1K => "AEAD seal 1 KB",
            Self::Open1K => "AEAD open 1 KB",
            Self::SealLargest => "AEAD seal 28 KiB",
            Self::OpenLargest => "AEAD open 28 KiB",
            Self::SealFile => "AEAD seal 64 KiB, as a file",
            Self::OpenFile => "AEAD open 64 KiB, as a file",
        }
    }

    /// How many times the peer's duration ours may take at most; nothing where the two do different work.
    pub(crate) const fn limit_to_peer(self) -> Option<f64> {
        match self {
            // At least five times faster.
            Self::EncryptSteady => Some(0.2),
            Self::PingPong | Self::GroupEncrypt | Self::GroupDecrypt => Some(1.1),
            _ => None,
        }
    }
}

/// How many times the sum of its primitives each row may take at most.
pub(crate) const LIMIT_TO_PRIMITIVES: f64 = 1.25;

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Ours,
    Vodozemac,
    /// The calls into the primitives' crates and nothing between them.
    Primitives,
}

impl By {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Vodozemac => "vodozemac",
            Self::Primitives => "primitives",
        }
    }
}

/// One row's work by one of the parties.
pub(crate) struct Operation {
    pub(crate) row: Row,
    pub(crate) by: By,
    measured: Box<dyn FnMut(u64) -> Duration>,
}

/// Inputs prepared at once. They are dropped outside of what is measured, and few enough to stay in the caches.
const BATCH: u64 = 16;

impl Operation {
    /// An operation whose inputs are made outside of what is measured. What it gives is dropped inside.
    pub(crate) fn prepared<I, O>(
        row: Row,
        by: By,
        mut prepare: impl FnMut() -> I + 'static,
        mut work: impl FnMut(&I) -> O + 'static,
    ) -> Self {
        let measured = move |count: u64| {
            let (mut left, mut spent) = (count, Duration::ZERO);
            while left > 0 {
                let batch = left.min(BATCH);
                let inputs: Vec<I> = (0..batch).map(|_| prepare()).collect();
                let started = clock::now();
                for input in &inputs {
                    black_box(work(black_box(input)));
                }
                spent += started.elapsed();
                left -= batch;
            }
            spent
        };
        Self {
            row,
            by,
            measured: Box::new(measured),
        }
    }

    /// An operation that needs nothing but its own state.
    pub(crate) fn repeated<O>(row: Row, by: By, mut work: impl FnMut() -> O + 'static) -> Self {
        Self::prepared(row, by, || (), move |()| work())
    }

    pub(crate) fn name(&self) -> String {
        format!("{}: {}", self.by.name(), self.row.name())
    }

    /// Does the work so many times and tells how long it took.
    pub(crate) fn run(&mut self, count: u64) -> Duration {
        (self.measured)(count)
    }
}

/// What is encrypted in every row of messages.
pub(crate) const TEXT: [u8; 100] = [0x61; 100];
