//! Engines in one group, over a server of a page that does what a test tells it to.

mod ahead;
mod gathered;
mod model;
mod rolls;
mod sim;
mod speed;
mod stories;
mod told;

use conclave_sigchain::room::RoomChain;

use crate::machine::Engine;
use crate::places::record::Place;
use crate::rows::{RoomKind, RoomRow};
use crate::work::Work;

/// Keeps a chain as the engine has it once it followed it.
fn keep_chain(engine: &mut Engine, work: &mut Work<'_>, chain: &RoomChain) {
    engine.keep_place(work, Place::new(chain.clone()));
    for room in chain.state().rooms() {
        work.ensure_place_room(RoomRow {
            room,
            kind: RoomKind::Group { place: chain.place() },
            title: "a group".to_owned(),
            active_at: work.now,
            read_up_to: 0,
        })
        .unwrap();
    }
}
