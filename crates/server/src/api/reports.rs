//! Reports: a reader reveals the key of one message, and the server checks it against what it relayed. Nothing of a
//! report is believed but its words: which message it is, who sent it when and where, stands on record.

use std::sync::Arc;

use axum::extract::State;
use conclave_auth::franking::{Author, ProvesNothing, open_direct, open_room};
use conclave_db::{DirectRoom, NewReport, Noted, PageBound};
use conclave_encoding::{Writer, labels};
use conclave_protocol::frames::Class;
use conclave_protocol::limits::{ADMIN_PAGE, REPORT_NOTE_MAX};
use conclave_protocol::messages::StoredEnvelope;
use conclave_protocol::reports::{CloseReport, ReportMessage, ReportTaken, ReportsPage};
use conclave_protocol::{DeviceAddress, ErrorCode, PROTOCOL_VERSION, PlaceId, ReportId, Timestamp};
use http::StatusCode;
use serde::Deserialize;

use crate::api::rooms::of_reader;
use crate::chains::chain_of;
use crate::error::ApiError;
use crate::extract::{Administrator, Body, FreshAdministrator, PathOf, QueryOf, SignedIn};
use crate::state::App;
use crate::{places, randomness};

impl From<ProvesNothing> for ApiError {
    fn from(_: ProvesNothing) -> Self {
        ErrorCode::ReportRefused.into()
    }
}

/// `POST /api/v1/reports`
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(asked): Body<ReportMessage>,
) -> Result<Body<ReportTaken>, ApiError> {
    let reporter = signed_in.account();
    app.limits.report(reporter)?;
    let note = asked.note.trim();
    if note.len() > REPORT_NOTE_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    // Only what the reporter may read, as a page of history shows it.
    let before = asked.sequence.checked_sub(1).ok_or(ErrorCode::ReportGone)?;
    let (spot, page) = match of_reader(&app, reporter, asked.room).await {
        Ok(room) => {
            let page = app.db.list_envelopes(room.id, before, 1).await?;
            (Spot::Direct(room), page)
        }
        Err(refused) if refused.code == ErrorCode::NotFound => {
            let bound = PageBound::After(before);
            let page = places::history(&app, reporter, asked.room, bound, 1).await?;
            let place = app.places.of_room(&app.db, asked.room).await?;
            (Spot::Place(place.ok_or(ErrorCode::NotFound)?), page)
        }
        Err(failed) => return Err(failed),
    };
    let found = page.envelopes.into_iter().next();
    let envelope = found.filter(|found| found.sequence == asked.sequence && found.id == asked.message);
    let envelope = envelope.ok_or(ErrorCode::ReportGone)?;
    if envelope.account == reporter {
        return Err(ErrorCode::Forbidden.into());
    }
    let (content, place) = match spot {
        Spot::Direct(room) => (direct(&app, &room, &asked, &envelope).await?, None),
        Spot::Place(place) => (of_place(&app, place, &asked, &envelope).await?, Some(place)),
    };
    let new = NewReport {
        id: ReportId(randomness::bytes()),
        reporter,
        spot: (asked.room, envelope.sequence),
        message: envelope.id,
        place,
        accused: DeviceAddress {
            account: envelope.account,
            device: envelope.device,
        },
        sent_at: Timestamp(envelope.received_at),
        reported_at: app.now(),
        reason: asked.reason,
        note: note.to_owned(),
        content: content.to_vec(),
    };
    let (report, repeated) = app.db.insert_report(&new).await?;
    Ok(Body(ReportTaken { report, repeated }))
}

/// Where a message was written.
enum Spot {
    Direct(DirectRoom),
    Place(PlaceId),
}

type Content = zeroize::Zeroizing<Vec<u8>>;

/// Opens a direct message by what both account chains say of it.
async fn direct(
    app: &App,
    room: &DirectRoom,
    asked: &ReportMessage,
    envelope: &StoredEnvelope,
) -> Result<Content, ApiError> {
    let (low_head, high_head) = envelope.heads.ok_or(ErrorCode::ReportRefused)?;
    let mut bound = Writer::new(labels::DIRECT_MESSAGE)
        .u8(PROTOCOL_VERSION)
        .fixed(&asked.room.0);
    for (account, head) in [(room.low, low_head), (room.high, high_head)] {
        let chain = chain_of(app, account).await?;
        let hash = chain.hash_at(head).ok_or(ErrorCode::ReportRefused)?;
        bound = bound.u32(head).fixed(&hash.0);
    }
    let bound = bound
        .fixed(&envelope.account.0)
        .u32(envelope.device.0)
        .fixed(&envelope.id.0)
        .u8(class(envelope.class))
        .option_fixed(envelope.target.as_ref().map(|target| &target.0))
        .finish();
    Ok(open_direct(
        asked.proof.as_slice(),
        envelope.body.as_slice(),
        &bound,
    )?)
}

/// Opens a message of a place by what its chain says of it, and checks that its author's device signed it.
async fn of_place(
    app: &App,
    place: PlaceId,
    asked: &ReportMessage,
    envelope: &StoredEnvelope,
) -> Result<Content, ApiError> {
    let refused = || ApiError::from(ErrorCode::ReportRefused);
    let statement = asked.statement.as_ref().ok_or_else(refused)?;
    let (epoch, head) = (
        envelope.epoch.ok_or_else(refused)?,
        envelope.head.ok_or_else(refused)?,
    );
    let hash = {
        let found = app.places.read(&app.db, place).await?;
        found.and_then(|place| place.chain.hash_at(head))
    };
    let hash = hash.ok_or_else(refused)?;
    let expires = match envelope.expires_at {
        None => None,
        Some(at) => {
            let seconds = at.saturating_sub(envelope.received_at) / 1_000;
            Some(u32::try_from(seconds).map_err(|_| refused())?.to_be_bytes())
        }
    };
    let bound = Writer::new(labels::ROOM_MESSAGE)
        .u8(PROTOCOL_VERSION)
        .fixed(&asked.room.0)
        .u32(epoch)
        .u32(head)
        .fixed(&hash.0)
        .fixed(&envelope.id.0)
        .u8(class(envelope.class))
        .option_fixed(envelope.target.as_ref().map(|target| &target.0))
        .option_fixed(envelope.thread.as_ref().map(|thread| &thread.0))
        .option_fixed(expires.as_ref())
        .finish();
    let chain = chain_of(app, envelope.account).await?;
    // Also of a device that was taken out since: it was one when it sent this.
    let device = chain.known_device(envelope.device);
    let author = Author {
        account: envelope.account.0,
        device: envelope.device.0,
        signing: device.ok_or_else(refused)?.keys.signing,
    };
    Ok(open_room(
        asked.proof.as_slice(),
        statement.as_slice(),
        (&asked.room.0, epoch),
        &author,
        envelope.body.as_slice(),
        &bound,
    )?)
}

const fn class(class: Class) -> u8 {
    match class {
        Class::Message => 0,
        Class::Annotation => 1,
    }
}

/// Which reports.
#[derive(Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    state: Standing,
    #[serde(default)]
    skip: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    #[default]
    Open,
    Closed,
}

/// `GET /api/v1/admin/reports?state=…&skip=…`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Administrator,
    QueryOf(asked): QueryOf<Listing>,
) -> Result<Body<ReportsPage>, ApiError> {
    let closed = asked.state == Standing::Closed;
    let limit = ADMIN_PAGE.saturating_add(1);
    let mut reports = app.db.list_reports(closed, asked.skip, limit).await?;
    let page = usize::try_from(ADMIN_PAGE).unwrap_or(usize::MAX);
    let more = reports.len() > page;
    reports.truncate(page);
    Ok(Body(ReportsPage {
        reports,
        more,
        open: app.db.count_open_reports().await?,
    }))
}

/// `POST /api/v1/admin/reports/{report}/close`
pub(crate) async fn close(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    PathOf(report): PathOf<ReportId>,
    Body(asked): Body<CloseReport>,
) -> Result<StatusCode, ApiError> {
    let outcome = asked.outcome.trim();
    if outcome.len() > REPORT_NOTE_MAX {
        return Err(ErrorCode::TooLarge.into());
    }
    let by = administrator.account();
    let noted = Noted {
        actor: Some(by),
        act: "report closed",
        subject: report.to_string(),
        now: app.now(),
    };
    if !app.db.close_report(report, by, outcome, &noted).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(StatusCode::NO_CONTENT)
}
