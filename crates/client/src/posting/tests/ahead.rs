//! A server that has less of a place's chain than its members: set up from an old copy, or a little late.

use conclave_protocol::ErrorCode;
use conclave_sigchain::room::{Policy, RoomBody};

use super::sim::Sim;
use crate::Delivery;

const MINUTE: u64 = 60_000;

/// Two people in a group, both of whom know an entry more than the server.
fn ahead_of_the_server() -> (Sim, conclave_protocol::Bytes) {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.says(
        1,
        RoomBody::Policy {
            channel: None,
            policy: Policy {
                slow_mode: 1,
                ..Policy::default()
            },
        },
    );
    sim.all_learn();
    let forgotten = sim.goes_back();
    (sim, forgotten)
}

#[test]
fn a_message_that_is_ahead_of_the_servers_chain_is_sent_again_once_the_server_has_caught_up() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    sim.server.refuse_next = Some(ErrorCode::ChainMoved);
    sim.sends(1, "one");
    sim.sends(1, "two");
    sim.runs(5_000);
    let room = sim.room();
    for at in [0, 1] {
        assert_eq!(sim.devices[at].texts(room), ["one", "two"]);
    }
    assert_eq!(sim.devices[1].warnings, Vec::<String>::new());
}

#[test]
fn while_the_server_shows_a_shorter_chain_a_message_waits_and_the_person_is_told_why() {
    let (mut sim, forgotten) = ahead_of_the_server();
    sim.sends(1, "one");
    sim.runs(10 * MINUTE);
    let room = sim.room();
    assert_eq!(sim.server.posts, 0);
    assert_eq!(sim.devices[1].warnings, ["place_shorter"]);
    let waits = sim.devices[1].timeline(room)[0].delivery;
    assert_eq!(waits, Delivery::Queued, "nothing is lost, and nothing failed");

    // The server has the whole chain again.
    sim.has_again(forgotten);
    sim.disconnects(1);
    sim.connects(1);
    sim.runs(MINUTE);
    assert_eq!(sim.devices[0].texts(room), ["one"]);
}
