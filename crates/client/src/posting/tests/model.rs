//! Whatever members, devices and the network do in whatever order: each message shows once to whom it is for, in its
//! place, and to nobody else.

use conclave_protocol::DeviceAddress;
use conclave_sigchain::room::Policy;
use proptest::collection::vec;
use proptest::prelude::*;

use super::sim::Sim;

const MINUTE: u64 = 60_000;

#[derive(Clone, Copy, Debug)]
enum Act {
    Posts(usize),
    Removes(u8),
    Adds(u8),
    AllLearn,
    Learns(usize),
    TurnsDeaf(usize),
    LosesKeys(usize),
    Restarts(usize),
    Leaves(usize),
    Returns(usize),
    Passes(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..8usize).prop_map(Act::Posts),
        1 => (2..5u8).prop_map(Act::Removes),
        1 => (2..5u8).prop_map(Act::Adds),
        3 => Just(Act::AllLearn),
        2 => (0..8usize).prop_map(Act::Learns),
        1 => (0..8usize).prop_map(Act::TurnsDeaf),
        1 => (0..8usize).prop_map(Act::LosesKeys),
        1 => (0..8usize).prop_map(Act::Restarts),
        1 => (0..8usize).prop_map(Act::Leaves),
        1 => (0..8usize).prop_map(Act::Returns),
        4 => (1..5_000u64).prop_map(Act::Passes),
    ]
}

fn does(sim: &mut Sim, act: Act, number: usize) {
    let room = sim.room();
    let member = |sim: &Sim, seed| sim.chain().state().is_reader(sim.id(seed), room);
    match act {
        Act::Posts(at) => sim.sends(at, &format!("{number} from {at}")),
        // The owner stays, and removes the others.
        Act::Removes(whom) if member(sim, whom) => sim.removes(1, whom),
        Act::Adds(whom) if !member(sim, whom) => sim.adds(1, whom),
        Act::Removes(..) | Act::Adds(..) => {}
        Act::AllLearn => sim.all_learn(),
        Act::Learns(at) => {
            if sim.devices[at].connected {
                sim.learns(at, u32::MAX);
            }
        }
        Act::TurnsDeaf(at) => toggle(&mut sim.server.deaf, sim.devices[at].address),
        Act::LosesKeys(at) => toggle(&mut sim.server.swallows, sim.devices[at].address),
        Act::Restarts(at) => sim.restarts(at),
        Act::Leaves(at) => sim.disconnects(at),
        Act::Returns(at) => {
            if !sim.devices[at].connected {
                sim.connects(at);
            }
        }
        Act::Passes(time) => sim.runs(time),
    }
}

fn toggle(set: &mut std::collections::BTreeSet<DeviceAddress>, address: DeviceAddress) {
    if !set.remove(&address) {
        set.insert(address);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_message_shows_once_to_whom_it_is_for_and_to_nobody_else(acts in vec(act(), 1..40)) {
        let mut sim = Sim::group(4, 2, Policy::default());
        sim.runs(1_000);
        for (number, act) in acts.into_iter().enumerate() {
            does(&mut sim, act, number);
        }
        // Everything is well again.
        sim.server.deaf.clear();
        sim.server.swallows.clear();
        for at in 0..sim.devices.len() {
            sim.restarts(at);
        }
        sim.all_learn();
        sim.runs(30 * MINUTE);
        // What was lost last shows with the next connection.
        for at in 0..sim.devices.len() {
            sim.restarts(at);
        }
        sim.runs(30 * MINUTE);

        let room = sim.room();
        let roll = sim.roll();
        for device in &sim.devices {
            let account = device.address.account;
            let rows = device.timeline(room);
            let reads_on = sim.chain().state().is_reader(account, room);
            let since = sim.chain().state().history_from(account, room);
            for envelope in &sim.server.envelopes {
                let shown: Vec<_> = rows.iter().filter(|row| row.id == envelope.id).collect();
                prop_assert!(shown.len() <= 1);
                let head = envelope.head.unwrap();
                let was_for_them = roll.was_reader(room, account, head);
                let is_text = shown.iter().any(|row| super::sim::words(row).contains(" from "));
                if is_text && envelope.account != account {
                    prop_assert!(was_for_them, "{account} reads what was said at {head}");
                }
                if let Some(row) = shown.first() {
                    prop_assert_eq!(row.sequence, Some(envelope.sequence));
                }
                // What somebody said before they were removed is taken as far as whoever removed them had seen it.
                let stayed = roll.reads_since(room, envelope.account).is_some_and(|since| head >= since);
                if stayed && reads_on && since.is_some_and(|since| head >= since) {
                    prop_assert!(is_text, "{:?} lacks {}: {:?}", device.address, envelope.sequence, device.texts(room));
                }
            }
            let missing: u32 = rows.iter().map(|row| row.missing_before).sum();
            if reads_on {
                prop_assert_eq!(missing, 0);
            }
        }
    }
}

#[test]
fn what_was_said_while_a_device_was_away_is_not_missing_when_it_is_back() {
    let mut sim = Sim::group(4, 2, Policy::default());
    sim.runs(1_000);
    for (number, act) in [
        Act::Leaves(6),
        Act::Posts(3),
        Act::Passes(1),
        Act::Posts(3),
        Act::Returns(6),
        Act::Passes(1),
        Act::Posts(3),
    ]
    .into_iter()
    .enumerate()
    {
        does(&mut sim, act, number);
    }
    sim.all_learn();
    sim.runs(30 * MINUTE);
    let room = sim.room();
    for device in &sim.devices {
        assert!(device.timeline(room).iter().all(|row| row.missing_before == 0));
    }
}

#[test]
fn an_own_device_whose_answers_were_lost_is_answered_in_the_end_with_nobody_else_left() {
    let mut sim = Sim::group(2, 2, Policy::default());
    sim.runs(1_000);
    toggle(&mut sim.server.swallows, sim.devices[1].address);
    sim.sends(0, "here");
    sim.runs(15_000);
    sim.removes(1, 2);
    sim.all_learn();
    let room = sim.room();
    assert_eq!(sim.devices[1].texts(room), ["Unopened"]);
    sim.server.swallows.clear();
    sim.runs(30 * MINUTE);
    assert_eq!(sim.devices[1].texts(room), ["here"]);
}

/// A group in which somebody's first device hears no more, and then their account is put out and let in again.
fn is_back(silence: Act, acts: &[Act]) -> Sim {
    let mut sim = Sim::group(4, 2, Policy::default());
    sim.runs(1_000);
    let before = [Act::Posts(7), Act::Passes(1), silence];
    for (number, act) in before.iter().chain(acts).enumerate() {
        does(&mut sim, *act, number);
    }
    sim.server.deaf.clear();
    for at in 0..sim.devices.len() {
        sim.restarts(at);
    }
    sim.all_learn();
    sim.runs(30 * MINUTE);
    sim
}

fn shows_nothing_as_missing(sim: &Sim) {
    for device in &sim.devices {
        let rows = device.timeline(sim.room());
        assert!(rows.iter().all(|row| row.missing_before == 0), "{rows:?}");
    }
}

#[test]
fn what_was_said_while_somebody_was_out_is_not_missing_when_they_are_back() {
    let out = [
        Act::Removes(3),
        Act::AllLearn,
        Act::Posts(7),
        Act::Posts(7),
        Act::Passes(1),
        Act::Adds(3),
        Act::AllLearn,
        Act::Posts(7),
        Act::Passes(1),
    ];
    let sim = is_back(Act::AllLearn, &out);
    shows_nothing_as_missing(&sim);
    let texts = sim.devices[4].texts(sim.room());
    assert_eq!(texts, ["0 from 7", "10 from 7"]);
}

#[test]
fn what_a_device_did_not_hear_before_its_account_was_out_is_not_missing_when_it_is_back() {
    let unheard = [
        Act::Posts(7),
        Act::Passes(1),
        Act::Removes(3),
        Act::Adds(3),
        Act::Posts(7),
    ];
    shows_nothing_as_missing(&is_back(Act::TurnsDeaf(4), &unheard));
}

#[test]
fn what_is_lost_after_a_return_is_missing() {
    let mut sim = is_back(
        Act::AllLearn,
        &[Act::Removes(3), Act::AllLearn, Act::Adds(3), Act::AllLearn],
    );
    sim.sends(7, "heard");
    sim.runs(1_000);
    let lost = sim.server.envelopes.len();
    sim.server.deaf.extend([sim.devices[4].address]);
    sim.sends(7, "lost");
    sim.runs(1_000);
    sim.server.envelopes.remove(lost);
    sim.server.deaf.clear();
    sim.sends(7, "after");
    sim.runs(30 * MINUTE);
    let room = sim.room();
    let rows = sim.devices[4].timeline(room);
    assert_eq!(rows.last().map(|row| row.missing_before), Some(1));
}

#[test]
fn what_a_departure_cut_off_is_not_missing_once_its_author_is_back() {
    let mut sim = Sim::group(4, 2, Policy::default());
    sim.runs(1_000);
    let acts = [
        Act::Posts(7),
        // Whoever removes them has not seen what they said.
        Act::Leaves(0),
        Act::Passes(1),
        Act::Removes(4),
        Act::Posts(7),
        Act::Adds(4),
    ];
    for (number, act) in acts.into_iter().enumerate() {
        does(&mut sim, act, number);
    }
    for at in 0..sim.devices.len() {
        sim.restarts(at);
    }
    sim.all_learn();
    sim.runs(30 * MINUTE);
    shows_nothing_as_missing(&sim);
}
