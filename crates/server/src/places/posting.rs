//! Whether a message may be posted, by the place's chain as it is now.

use conclave_db::NewPost;
use conclave_protocol::frames::{Class, Post};
use conclave_protocol::limits::BODY_MAX;
use conclave_protocol::{AccountId, DeviceAddress, ErrorCode, Hash, Timestamp};
use conclave_sigchain::room::{Permissions, PostRefusal};

use super::memory::Place;
use crate::blobs;
use crate::error::code_of;
use crate::state::App;

/// A post as the writer takes it, or why it is refused.
pub(crate) async fn judge(
    app: &App,
    sender: DeviceAddress,
    post: &Post,
    digest: Hash,
) -> Result<NewPost, ErrorCode> {
    if post.body.as_slice().len() > BODY_MAX {
        return Err(ErrorCode::TooLarge);
    }
    let failed = |error| code_of(&error);
    let id = app.places.of_room(&app.db, post.room).await.map_err(failed)?;
    let id = id.ok_or(ErrorCode::NotFound)?;
    let place = app.places.read(&app.db, id).await.map_err(failed)?;
    let place = place.ok_or(ErrorCode::NotFound)?;
    let (pause, revision) = (judge_by(&place, sender.account, post, app.now())?, place.revision);
    // The place is let go before other places are looked at.
    drop(place);
    let blobs = blobs::claimable(app, sender.account, post.blobs.clone()).await?;
    Ok(NewPost {
        id: post.id,
        room: post.room,
        place: id,
        revision,
        sender,
        class: post.class,
        epoch: post.epoch,
        head: post.head,
        target: post.target,
        thread: post.thread,
        expires_in: post.expires.map(milliseconds),
        pause,
        body: post.body.0.clone(),
        blobs,
        digest,
    })
}

/// The pause that slow mode asks of the account, in milliseconds.
fn judge_by(
    place: &Place,
    account: AccountId,
    post: &Post,
    now: Timestamp,
) -> Result<Option<u64>, ErrorCode> {
    let state = place.chain.state();
    match state.may_post(account, post.room, now) {
        Ok(()) => {}
        // A member who does not read a channel is told what strangers are told.
        Err(PostRefusal::NoSuchRoom | PostRefusal::NotReader) => return Err(ErrorCode::NotFound),
        Err(PostRefusal::Closed) if !state.is_reader(account, post.room) => return Err(ErrorCode::NotFound),
        Err(_) => return Err(ErrorCode::PostRefused),
    }
    let (Some(policy), Some(epoch)) = (state.policy(post.room), state.epoch(post.room)) else {
        return Err(ErrorCode::NotFound);
    };
    if post.head > place.chain.head() {
        return Err(ErrorCode::ChainMoved);
    }
    if post.epoch != epoch {
        return Err(ErrorCode::EpochEnded);
    }
    if place.owed.keys().any(|owing| state.is_reader(*owing, post.room)) {
        return Err(ErrorCode::ObservationOwed);
    }
    let lives_as_long_as_it_may = match (post.expires, policy.disappearing) {
        (Some(0), _) => false,
        (_, 0) => true,
        (None, _) => false,
        (Some(expires), most) => expires <= most,
    };
    if !lives_as_long_as_it_may {
        // Who has seen all of the chain should have known; others seal anew by it.
        return Err(if post.head < place.chain.head() {
            ErrorCode::EpochEnded
        } else {
            ErrorCode::PostRefused
        });
    }
    let is_slowed = policy.slow_mode > 0
        && post.class == Class::Message
        && !state.may(account, Permissions::SKIP_SLOW_MODE, Some(post.room));
    Ok(is_slowed.then(|| milliseconds(policy.slow_mode.into())))
}

fn milliseconds(seconds: u32) -> u64 {
    u64::from(seconds) * 1000
}
