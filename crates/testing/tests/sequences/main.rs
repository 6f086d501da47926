//! Random logs of accounts and places, judged by the server's code and followed by the devices': they always say the
//! same, and what must never happen never does.
//!
//! | module | owns |
//! |---|---|
//! | `chance` | one sequence's chance, and running many of them |
//! | `accounts` | people, their devices and their chains |
//! | `places` | what is tried in a group or community |
//! | `laws` | what holds after each entry |
//! | `desk` | a server and two devices of one member, side by side |
//!
//! Verdicts may differ in nothing but what only a server can know: its clock, and whether a device or an account has
//! ended since. What an entry claims of accounts a device compares with their chains ([`RoomChain::confirm`]), and has
//! to find what the server found.
//!
//! `CONCLAVE_TEST_CHAIN_SEQUENCES` says how many sequences are tried, on all cores; `CONCLAVE_TEST_CHAIN_SEQUENCE`
//! names one to try alone.
//!
//! [`RoomChain::confirm`]: conclave_sigchain::room::RoomChain::confirm

mod accounts;
mod chance;
mod desk;
mod laws;
mod places;

use tokio::time::Instant;

/// Sequences of an ordinary run.
const SEQUENCES: u64 = 1_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Tries sequences, and says how many entries were accepted and refused.
fn run(what: &str, play: fn(u64) -> (u64, u64)) {
    if let Some(one) = number("CONCLAVE_TEST_CHAIN_SEQUENCE") {
        play(one);
        return;
    }
    let count = number("CONCLAVE_TEST_CHAIN_SEQUENCES").unwrap_or(SEQUENCES);
    let begun = Instant::now();
    let (accepted, refused) = chance::all(count, play);
    println!("cases: {what} sequences at server and devices {count}");
    println!(
        "{accepted} entries were accepted, {refused} refused, in {:?}",
        begun.elapsed()
    );
    assert!(count < 100 || (accepted > count && refused > count));
}

#[test]
fn server_and_devices_judge_every_sequence_of_account_entries_the_same() {
    run("account chain", accounts::play);
}

#[test]
fn server_and_devices_judge_every_sequence_of_place_entries_the_same() {
    run("place chain", places::play);
}
