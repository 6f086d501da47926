//! Engines in one group, over a server of a page that does what a test tells it to.

mod model;
mod sim;
mod stories;

use conclave_sigchain::room::RoomChain;

use crate::machine::Engine;
use crate::work::Work;

/// Keeps a chain as the engine has it once it followed it.
fn keep_chain(_engine: &mut Engine, work: &mut Work<'_>, chain: &RoomChain) {
    use conclave_protocol::Bytes;
    work.put(crate::changes::Table::Places, &[b"place/", &chain.place().0[..]].concat(), &Bytes(chain.to_bytes()));
    for room in chain.state().rooms() {
        work.put(crate::changes::Table::Places, &[b"room/", &room.0[..]].concat(), &chain.place());
    }
}
