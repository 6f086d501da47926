//! Who may read a blob: its uploader, and whoever may read an envelope that claims it. Nothing else is known of it, so
//! nothing else can be asked; and everybody else is told what they are told of a blob that does not exist.

use conclave_db::BlobFound;
use conclave_protocol::limits::BLOBS_CLAIMED_MAX;
use conclave_protocol::{AccountId, BlobId, ErrorCode};

use crate::error::ApiError;
use crate::former::is_former_of;
use crate::state::App;

/// Whether an account may read a blob at this moment.
pub(crate) async fn may_read(app: &App, account: AccountId, blob: &BlobFound) -> Result<bool, ApiError> {
    if blob.account == account || app.db.is_claimed_for(blob.id, account).await? {
        return Ok(true);
    }
    for (room, head) in app.db.list_post_claims(blob.id, account, app.now()).await? {
        let Some(id) = app.places.of_room(&app.db, room).await? else {
            continue;
        };
        let Some(place) = app.places.read(&app.db, id).await? else {
            continue;
        };
        if place.hands_out(account, room, head) {
            return Ok(true);
        }
    }
    // Whoever started again reads on what they read before.
    if is_former_of(app, blob.account, account).await? {
        return Ok(true);
    }
    for room in app.db.list_direct_claims(blob.id).await? {
        if is_former_of(app, room.low, account).await? || is_former_of(app, room.high, account).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The blobs that an envelope of an account may claim, each once: whole ones that the account may read. So it can hand
/// on what it was sent, and nobody comes to read a blob by claiming it. That they are still there is looked at once
/// more, under a lock, when the envelope is stored.
pub(crate) async fn claimable(
    app: &App,
    account: AccountId,
    mut blobs: Vec<BlobId>,
) -> Result<Vec<BlobId>, ErrorCode> {
    if blobs.len() > BLOBS_CLAIMED_MAX {
        return Err(ErrorCode::TooLarge);
    }
    blobs.sort_unstable();
    blobs.dedup();
    for id in &blobs {
        let failed = |error| ApiError::from(error).code;
        let found = app.db.find_blob(*id).await.map_err(failed)?;
        let found = found.filter(|blob| blob.finished).ok_or(ErrorCode::BlobMissing)?;
        if !may_read(app, account, &found).await.map_err(|error| error.code)? {
            return Err(ErrorCode::BlobMissing);
        }
    }
    Ok(blobs)
}
