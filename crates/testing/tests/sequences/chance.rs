//! Chance that can be had again by its number, and running very many sequences.

use std::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn of(sequence: u64) -> Self {
        Self(sequence.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("a small number");
        usize::try_from(self.next() % bound).expect("a small number")
    }

    /// One time in so many.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn of_these<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        let at = self.below(list.len());
        list.get(at).cloned()
    }
}

/// Says which sequence was tried when it panics.
struct Trying(u64);

impl Drop for Trying {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was CONCLAVE_TEST_CHAIN_SEQUENCE={}", self.0);
        }
    }
}

/// Plays so many sequences on all cores, and adds up what `play` counts.
pub(crate) fn all(count: u64, play: fn(u64) -> (u64, u64)) -> (u64, u64) {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = || {
        let mut sums = (0, 0);
        loop {
            let sequence = next.fetch_add(1, Ordering::Relaxed);
            if sequence >= count {
                return sums;
            }
            let trying = Trying(sequence);
            let (accepted, refused) = play(sequence);
            drop(trying);
            sums = (sums.0 + accepted, sums.1 + refused);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().fold((0, 0), |all, thread| {
            let (accepted, refused) = thread.join().expect("a sequence holds");
            (all.0 + accepted, all.1 + refused)
        })
    })
}
