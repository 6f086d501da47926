//! Groups and communities: their chains as they are followed, what a person does in them, and what is shown.
//!
//! A *place* is a group or a community. What its chain says is decided by `conclave_sigchain::room` alone; this
//! module follows chains, keeps the keys of what is sealed in them, and says things in them. It must never take the
//! server's word for who is a member.
//!
//! | module | owns |
//! |---|---|
//! | `record` | what is kept of a place, and which room is of which place |
//! | `intents` | what a person may want |
//! | `names` | what is sealed in a chain, as words |
//! | `links` | invites' links |
//! | `notices` | what happened, as rows of timelines |
//! | `views`, `listing` | what front ends see |

pub mod intents;
pub(crate) mod links;
pub(crate) mod listing;
pub(crate) mod names;
pub(crate) mod notices;
pub(crate) mod record;
pub mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_protocol::PlaceId;

use record::Place;

/// What the engine has in memory of places. Nothing of it is needed after a crash.
#[derive(Default)]
pub(crate) struct PlacesRun {
    /// Places that were read from the store.
    pub(crate) known: BTreeMap<PlaceId, Arc<Place>>,
}

use conclave_protocol::ErrorCode;

use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;
use intents::PlaceIntent;

impl Engine {
    /// Something that a person wants of a group or community.
    pub(crate) fn place_intent(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        intent: PlaceIntent,
    ) -> Result<(), ReadError> {
        let PlaceIntent::Change { place, .. } = intent else {
            self.fail(work, ask, Failure::server(ErrorCode::Unavailable, None));
            return Ok(());
        };
        if self.place(work, place)?.is_none() {
            self.fail(work, ask, Failure::unknown_place());
        }
        Ok(())
    }
}
