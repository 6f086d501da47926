//! Months as chance has them: who says, joins, leaves, loses and recovers what and when, over a network that loses
//! what is under way. In the end the network is well, everybody is let in, and everybody has the same.

use std::time::Duration;

use conclave_client::views::PlaceChange;

use super::cast::{Cast, DAY, HOUR, NAMES};
use super::ending::{
    agree_but_for, everybody_reads_everything, logs_are_the_servers, what_was_said_by_those_put_out,
};
use super::told::everybody_is_in_and_reads_the_same;

/// Months that an ordinary run tries; not every other one ends well yet.
const ORDINARY: [u64; 1] = [0];
/// What happens in a month.
const ACTS: u32 = 40;
const ALICE: usize = 0;

/// SplitMix64: the same months again for the same number.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small number");
        usize::try_from(self.next() % bound).expect("a small number")
    }
}

/// One in so many requests, answers and frames gets lost while the network is bad.
const LOST: usize = 40;

fn turns_bad(cast: &Cast, chance: &Chance) {
    let mut chance = chance.clone();
    cast.hostile.loses(move || chance.below(LOST) == 0);
}

async fn happens(cast: &mut Cast, chance: &mut Chance) {
    let (what, who, at) = (chance.below(100), chance.below(3), chance.below(2));
    let other = (who + 1 + chance.below(2)) % 3;
    print!("{what}:{}{at}>{} ", NAMES[who], NAMES[other]);
    match what {
        0..22 => {
            cast.speaks(who, at).await;
        }
        22..42 => {
            cast.writes(who, at, other).await;
        }
        42..47 => {
            // The owner stays, and puts the others out.
            cast.throws_out(ALICE, at, 1 + chance.below(2)).await;
        }
        47..55 => {
            cast.lets_in(ALICE, at, 1 + chance.below(2)).await;
        }
        55..57 => {
            if who != ALICE {
                cast.changes(who, at, PlaceChange::Leave).await;
            }
        }
        57..60 => {
            let name = format!("Otters {}", chance.below(1000));
            cast.renames_the_group(who, at, &name).await;
        }
        60..62 => cast.compares(who, at, other).await,
        62..68 => cast.device(who, at).goes_offline().await,
        68..75 => {
            let back = cast.device(who, at).device().go_online().await;
            back.expect("on the way");
        }
        75..80 => cast.begins_again(who, at).await,
        80..83 => {
            cast.world.server_stops().await;
            cast.world.server_starts().await;
        }
        83..95 => {
            let hours = u32::try_from(1 + chance.below(20)).expect("a small number");
            cast.passes(HOUR * hours).await;
        }
        // Who brings in and takes out devices sits at a good network, and does so with what is recorded.
        95..98 => {
            cast.calms_down().await;
            cast.is_recorded(who).await;
            if cast.folk[who].devices.len() > 1 {
                cast.revokes(who, 0, 1).await;
            }
            cast.gains_a_device(who).await;
            turns_bad(cast, chance);
        }
        _ => {
            cast.calms_down().await;
            cast.is_recorded(who).await;
            cast.comes_back_with_words(who).await;
            cast.gains_a_device(who).await;
            turns_bad(cast, chance);
        }
    }
}

async fn month(seed: u64) {
    println!("month {seed}");
    let mut chance = Chance(seed);
    let mut cast = Cast::meets().await;
    cast.device(ALICE, 0).shares_the_past(cast.group).await;
    turns_bad(&cast, &chance);
    for _ in 0..ACTS {
        happens(&mut cast, &mut chance).await;
    }
    println!("and then all is well");
    cast.calms_down().await;
    for (other, name) in NAMES.iter().enumerate().skip(1) {
        let account = cast.folk[other].account;
        cast.lets_in(ALICE, 0, other).await;
        let members = cast
            .device(ALICE, 0)
            .device()
            .list_members(cast.group.place)
            .await;
        let is_in = members
            .expect("members")
            .iter()
            .any(|member| member.account == account.to_string());
        assert!(is_in, "{name} is let in");
    }
    // That somebody's devices changed is told live to whoever is there. Others hear of it when it matters: by the next
    // message of theirs, or when they write themselves.
    for (who, name) in NAMES.iter().enumerate() {
        for other in (0..NAMES.len()).filter(|other| *other != who) {
            let said = cast.writes(who, 0, other).await;
            assert!(said.is_some(), "{name} writes to {}", NAMES[other]);
        }
    }
    cast.calms_down().await;
    // What is asked again only after a while is asked again.
    for _ in 0..4 {
        cast.passes(DAY / 8).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    agree_but_for(
        &cast,
        what_was_said_by_those_put_out,
        everybody_is_in_and_reads_the_same,
    )
    .await;
    everybody_reads_everything(&cast).await;
    agree_but_for(
        &cast,
        what_was_said_by_those_put_out,
        everybody_is_in_and_reads_the_same,
    )
    .await;
    logs_are_the_servers(cast).await;
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_in_a_month_everybody_ends_with_the_same() {
    if let Some(one) = number("CONCLAVE_TEST_MONTH") {
        return month(one).await;
    }
    if let Some(months) = number("CONCLAVE_TEST_MONTHS") {
        for seed in 0..months {
            month(seed).await;
        }
        return;
    }
    for seed in ORDINARY {
        month(seed).await;
    }
}
