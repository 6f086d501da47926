//! A message to a place's room on its way to the writer: judged by the place's chain, and anew where that has moved
//! before the commit.

use std::sync::Arc;

use conclave_db::{Append, Appended};
use conclave_protocol::frames::Post;
use conclave_protocol::{DeviceAddress, ErrorCode, Hash};

use super::sending::UnderWay;
use super::writer::Outcome;
use crate::error::code_of;
use crate::places;
use crate::state::App;

/// How often a post is judged: each time the place's chain moved between judging and commit.
const JUDGEMENTS_MAX: u32 = 8;

/// Has a post stored, or says why it is refused.
pub(super) async fn store(app: &App, sender: DeviceAddress, post: Box<Post>, digest: Hash) -> UnderWay {
    UnderWay {
        id: post.id,
        room: Some(post.room),
        outcome: decide(app, sender, &post, digest).await,
    }
}

async fn decide(app: &App, sender: DeviceAddress, post: &Post, digest: Hash) -> Outcome {
    for _ in 0..JUDGEMENTS_MAX {
        let judged = match places::judge(app, sender, post, digest).await {
            Ok(judged) => judged,
            // A repeat of what was stored gets its answer again, whatever has changed since.
            Err(code) => {
                let before = app.db.find_send(post.id, sender, digest).await;
                return before.map_err(|error| code_of(&error))?.ok_or(code);
            }
        };
        let (place, revision) = (judged.place, judged.revision);
        let outcome = app.writer.submit(Append::Post(Arc::new(judged))).await?;
        // A dropped answer means that the writer has stopped: the server is ending.
        match outcome.await.unwrap_or(Err(ErrorCode::Unavailable)) {
            Ok(Appended::Outdated) => {
                let refreshed = app.places.refresh(&app.db, place, revision).await;
                refreshed.map_err(|error| code_of(&error))?;
            }
            outcome => return outcome,
        }
    }
    Err(ErrorCode::Unavailable)
}
