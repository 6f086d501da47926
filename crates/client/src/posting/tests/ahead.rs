//! A server that has less of a place's chain than its members: set up from an old copy, or a little late.

use conclave_protocol::ErrorCode;
use conclave_protocol::places::PlaceEntriesPage;
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

#[test]
fn an_answer_that_was_read_before_an_entry_came_another_way_is_no_shorter_chain() {
    let mut sim = Sim::group(2, 1, Policy::default());
    sim.runs(1_000);
    let (place, head) = (sim.chain().place(), sim.chain().head());
    let asks = |sim: &mut Sim| {
        let now = sim.now;
        sim.devices[0].with(now, |engine, work| engine.place_page_after(work, place).unwrap());
    };
    let is_disputed = |sim: &mut Sim| {
        let now = sim.now;
        let page = PlaceEntriesPage {
            entries: Vec::new(),
            head,
        };
        sim.devices[0].with(now, |engine, work| {
            engine.needed_place_entries(work, place, &page).unwrap();
            engine
                .place(work, place)
                .unwrap()
                .unwrap()
                .kept
                .disputed
                .is_some()
        })
    };
    // Twice in a row, as when two entries come close behind each other.
    for slow_mode in [1, 2] {
        asks(&mut sim);
        let policy = Policy {
            slow_mode,
            ..Policy::default()
        };
        sim.says(
            1,
            RoomBody::Policy {
                channel: None,
                policy,
            },
        );
        sim.all_learn();
        sim.runs(1_000);
        if slow_mode == 1 {
            assert!(!is_disputed(&mut sim));
        }
    }
    assert_eq!(sim.chain().head(), head + 2);
    asks(&mut sim);
    assert!(is_disputed(&mut sim), "it was longer before it was asked for");
}
