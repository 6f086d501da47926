//! What arrives together is stored, answered and shown together.

use conclave_sigchain::room::Policy;

use super::sim::Sim;

/// So many messages were said while a device was busy.
const MANY: u32 = 50;

/// Two people in a group; the second one takes what waits for it together, or one by one.
fn two(gathers: bool) -> Sim {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.devices[1].gathers = gathers;
    sim.runs(1_000);
    sim.sends(0, "first");
    sim.runs(5_000);
    sim
}

/// Transactions and looks at the room that it takes the second one to have what was said.
fn costs_of_many(sim: &mut Sim) -> (u32, u32) {
    let before = (sim.devices[1].commits, sim.devices[1].looks);
    for n in 0..MANY {
        sim.sends(0, &format!("number {n}"));
    }
    sim.runs(0);
    let room = sim.room();
    let mut wanted = vec!["first".to_owned()];
    wanted.extend((0..MANY).map(|n| format!("number {n}")));
    assert_eq!(sim.devices[1].texts(room), wanted, "once each and in order");
    (sim.devices[1].commits - before.0, sim.devices[1].looks - before.1)
}

#[test]
fn messages_that_arrive_together_are_stored_and_shown_together() {
    let (commits, looks) = costs_of_many(&mut two(false));
    assert!(commits >= MANY && looks >= MANY, "one by one");
    let (commits, looks) = costs_of_many(&mut two(true));
    assert!(commits <= 5, "{commits} transactions");
    assert!(looks <= 5, "{looks} looks at the room");
}

#[test]
fn what_was_told_of_a_group_is_not_told_again() {
    let mut sim = two(false);
    assert!(!sim.devices[1].owes_receipts());
    let bob = sim.devices[1].address;
    let told = sim.server.distributed[&bob];
    sim.sends(0, "second");
    sim.runs(5_000);
    assert!(!sim.devices[1].owes_receipts());
    assert!(sim.server.distributed[&bob] <= told + 1);
}
