//! What administrators have the server say to everybody.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::Noted;
use conclave_protocol::announcements::{Announce, Announced, Announcement, AnnouncementsFound};
use conclave_protocol::limits::{ADMIN_PAGE, ANNOUNCEMENT_LIFE_MS, ANNOUNCEMENT_MAX};
use conclave_protocol::{AnnouncementId, ErrorCode, Timestamp};
use http::StatusCode;

use crate::error::ApiError;
use crate::extract::{Administrator, Body, FreshAdministrator, PathOf};
use crate::randomness;
use crate::state::App;

/// `GET /api/v1/admin/announcements`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Administrator,
) -> Result<Body<AnnouncementsFound>, ApiError> {
    Ok(Body(AnnouncementsFound {
        announcements: app.db.list_announcements(ADMIN_PAGE).await?,
    }))
}

/// `POST /api/v1/admin/announcements`: shown at once to who is there, and to everybody else when they come.
pub(crate) async fn announce(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    Body(asked): Body<Announce>,
) -> Result<Body<Announced>, ApiError> {
    let now = app.now();
    let text = asked.text.trim();
    // A banner is a few lines: nothing in it may look like something else.
    let plain = text.chars().all(|letter| letter == '\n' || !letter.is_control());
    if text.is_empty() || !plain {
        return Err(ErrorCode::SettingInvalid.into());
    }
    if text.len() > ANNOUNCEMENT_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    let last = now.plus(ANNOUNCEMENT_LIFE_MS);
    let ends_at = asked.ends_at.map_or(last, Timestamp);
    if ends_at <= now || ends_at > last {
        return Err(ErrorCode::SettingInvalid.into());
    }
    let said = Announcement {
        id: AnnouncementId(randomness::bytes()),
        kind: asked.kind,
        said_at: now,
        ends_at,
        text: text.to_owned(),
    };
    let noted = noted(administrator.account(), "announcement made", said.id, now);
    if !app
        .db
        .insert_announcement(&said, administrator.account(), &noted)
        .await?
    {
        return Err(ErrorCode::AnnouncementsFull.into());
    }
    app.announcements.load(&app.db, now).await?;
    Ok(Body(Announced {
        announcement: said.id,
        ends_at: ends_at.0,
    }))
}

/// `DELETE /api/v1/admin/announcements/{announcement}`
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    PathOf(announcement): PathOf<AnnouncementId>,
) -> Result<StatusCode, ApiError> {
    let now = app.now();
    let noted = noted(
        administrator.account(),
        "announcement withdrawn",
        announcement,
        now,
    );
    if !app.db.withdraw_announcement(announcement, &noted).await? {
        return Err(ErrorCode::NotFound.into());
    }
    app.announcements.load(&app.db, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn noted(
    actor: conclave_protocol::AccountId,
    act: &'static str,
    announcement: AnnouncementId,
    now: Timestamp,
) -> Noted {
    Noted {
        actor: Some(actor),
        act,
        subject: announcement.to_string(),
        now,
    }
}
