//! The one table of routes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use conclave_protocol::ErrorCode;
use conclave_protocol::limits::REQUEST_BODY_MAX;
use http::StatusCode;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

use crate::api::{
    accounts, admin, announcements, blobs, devices, health, invites, links, logins, messages, passwords,
    places, prekeys, presence, push, recoveries, reports, resets, rooms, second_step, vault,
};
use crate::error::{ApiError, TROUBLE_RETRY_SECONDS};
use crate::extract::Body;
use crate::realtime::upgrade::upgrade;
use crate::state::App;
use crate::{headers, telemetry, web_app};

/// The deadline of every request. A socket is not one: its request ends with the upgrade.
const DEADLINE: Duration = Duration::from_secs(30);

/// That of a chunk, which has to come through thin lines: 8 MiB at a quarter of a megabit a second.
const CHUNK_DEADLINE: Duration = Duration::from_mins(5);
/// Where it is put.
const CHUNKS: &str = "/blobs/{blob}/chunks/{chunk}";

/// All routes and what every request passes through.
pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/openapi.json", get(openapi))
        .route("/server", get(health::server))
        .route("/accounts/registration/start", post(accounts::start_registration))
        .route(
            "/accounts/registration/finish",
            post(accounts::finish_registration),
        )
        .route(
            "/accounts/by-username/{username}",
            get(accounts::find_by_username),
        )
        .route("/accounts/{account}", get(accounts::find))
        .route("/accounts/{account}/entries", get(accounts::list_entries))
        .route(
            "/accounts/{account}/devices/{device}/prekeys/claim",
            post(prekeys::claim),
        )
        .route("/logins", get(logins::list).delete(logins::end_others))
        .route("/logins/{login}", delete(logins::end))
        .route("/logins/prove", post(logins::prove))
        .route("/logins/start", post(logins::start))
        .route("/logins/finish", post(logins::finish))
        .route("/logins/pending", post(logins::pending))
        .route("/logins/device/start", post(logins::start_device))
        .route("/logins/device/finish", post(logins::finish_device))
        .route("/logins/refresh", post(logins::refresh))
        .route("/logins/ended/entries", post(logins::ended_entries))
        .route("/logins/sign-out", post(logins::sign_out))
        .route("/recoveries/start", post(recoveries::start))
        .route("/recoveries/prove", post(recoveries::prove))
        .route("/recoveries/finish", post(recoveries::finish))
        .route("/resets", post(resets::reset))
        .route("/links", get(links::list).post(links::open))
        .route("/links/{link}", delete(links::close))
        .route(
            "/links/{link}/messages",
            get(links::list_messages).post(links::add_message),
        )
        .route("/vault", get(vault::count))
        .route("/vault/records", get(vault::list).post(vault::append))
        .route("/vault/keys", get(vault::list_keys).put(vault::put_keys))
        .route("/ws/ticket", post(logins::ticket))
        .route("/ws", get(upgrade))
        .route("/invites", get(invites::list).post(invites::make))
        .route("/invites/{invite}", delete(invites::revoke))
        .route(
            "/account/second-step",
            get(second_step::find)
                .post(second_step::begin)
                .delete(second_step::end),
        )
        .route("/account/second-step/confirm", post(second_step::confirm))
        .route(
            "/account/second-step/backup-codes",
            post(second_step::renew_codes),
        )
        .route("/account/presence", get(presence::find).put(presence::choose))
        .route("/push", get(push::find))
        .route(
            "/push/subscription",
            put(push::subscribe).delete(push::unsubscribe),
        )
        .route("/account/password/start", post(passwords::start))
        .route("/account/password/finish", post(passwords::finish))
        .route(
            "/admin/registration",
            get(admin::registration).put(admin::set_registration),
        )
        .route("/admin/accounts", get(admin::list_accounts))
        .route("/admin/accounts/{account}/suspend", post(admin::suspend))
        .route("/admin/accounts/{account}/reactivate", post(admin::reactivate))
        .route("/admin/accounts/{account}/logins", get(admin::list_logins))
        .route(
            "/admin/accounts/{account}/logins/{login}",
            delete(admin::end_login),
        )
        .route("/admin/audit", get(admin::audit))
        .route("/admin/figures", get(admin::figures))
        .route("/reports", post(reports::report))
        .route("/admin/reports", get(reports::list))
        .route("/admin/reports/{report}/close", post(reports::close))
        .route(
            "/admin/announcements",
            get(announcements::list).post(announcements::announce),
        )
        .route(
            "/admin/announcements/{announcement}",
            delete(announcements::withdraw),
        )
        .route("/account/entries", post(devices::append_entry))
        .route("/devices", get(devices::list))
        .route("/devices/prekeys", get(prekeys::count).post(prekeys::upload))
        .route("/rooms/{room}", put(rooms::open).get(rooms::find))
        .route("/rooms/{room}/envelopes", get(messages::list))
        .route("/account/storage", get(blobs::storage))
        .route(
            "/blobs/{blob}",
            get(blobs::download).put(blobs::begin).delete(blobs::give_up),
        )
        .route("/blobs/{blob}/upload", get(blobs::find_upload))
        .route("/blobs/{blob}/chunks/{chunk}", put(blobs::put_chunk))
        .route("/blobs/{blob}/finish", post(blobs::finish))
        .route("/blobs/{blob}/links", get(blobs::links))
        .route("/places", get(places::list).post(places::make))
        .route(
            "/places/{place}/entries",
            get(places::list_entries).post(places::append),
        )
        .route(
            "/places/{place}/invited-entries",
            post(places::list_invited_entries),
        );

    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(web_app::serve)
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        // From the inside out: the last one sees a request first and its answer last.
        .layer(DefaultBodyLimit::max(REQUEST_BODY_MAX))
        .layer(from_fn_with_state(Arc::clone(&app), within_deadline))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(telemetry::log))
        .layer(from_fn_with_state(Arc::clone(&app), headers::add))
        .with_state(app)
}

/// What stands on the second listener, for whoever operates the server.
pub(crate) fn operators_router(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(from_fn_with_state(Arc::clone(&app), within_deadline))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app)
}

/// `GET /api/v1/openapi.json`: what this table has, for tools.
async fn openapi() -> Body<OpenApi> {
    Body(crate::openapi::document())
}

/// Answers in time, also where the database does not. What needs no database is answered at once, so that it never
/// comes to the second branch.
async fn within_deadline(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let deadline = match matched.map(MatchedPath::as_str) {
        Some(path) if path.ends_with(CHUNKS) => CHUNK_DEADLINE,
        _ => DEADLINE,
    };
    tokio::select! {
        biased;
        answered = timeout(deadline, next.run(request)) => match answered {
            Ok(response) => response,
            Err(_) => ApiError::from(ErrorCode::TimedOut).into_response(),
        },
        () = app.health.database_gone() => {
            ApiError::from(ErrorCode::Unavailable).retry_after(TROUBLE_RETRY_SECONDS).into_response()
        }
    }
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let what = panic.downcast_ref::<&str>().copied();
    let what = what.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(what = what.unwrap_or("unknown"), "a handler panicked");
    ApiError::from(ErrorCode::Internal).into_response()
}

#[cfg(test)]
mod tests {
    use conclave_db::DbError;
    use tower::ServiceExt as _;

    use super::*;
    use crate::telemetry::heard::Lines;

    /// A table of routes whose handlers fail, under what every request passes through.
    fn failing() -> Router {
        async fn panic() {
            panic!("an otter")
        }
        async fn database() -> Result<(), ApiError> {
            Err(DbError::Internal("23505: a key is there twice".to_owned()).into())
        }
        Router::new()
            .route("/panics/{name}", get(panic))
            .route("/fails/{name}", get(database))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(telemetry::log))
    }

    #[tokio::test]
    async fn an_unexpected_error_is_one_line_of_error_and_holds_nothing_of_the_request() {
        for (path, wanted) in [
            (
                "/panics/mia-kowalski?secret=tango",
                "a handler panicked what=\"an otter\"",
            ),
            (
                "/fails/mia-kowalski?secret=tango",
                "a statement failed error=the database failed: 23505: a key is there twice",
            ),
        ] {
            let (lines, _listening) = Lines::listen();
            let request = Request::builder()
                .uri(path)
                .header("authorization", "Bearer uniform")
                .header("user-agent", "whiskey")
                .header("x-request-id", "forged\tid")
                .body(axum::body::Body::from("yankee"))
                .expect("it is a request");
            let response = failing().oneshot(request).await.expect("it is answered");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let id = response.headers()["x-request-id"].to_str().expect("it is text");
            let told = lines.text();
            let errors: Vec<&str> = told.lines().filter(|line| line.contains("ERROR")).collect();
            assert_eq!(errors.len(), 1, "{told}");
            assert!(
                errors[0].contains(wanted) && errors[0].contains(id) && !id.contains("forged"),
                "{told}"
            );
            for secret in [
                "mia", "kowalski", "tango", "uniform", "whiskey", "yankee", "forged",
            ] {
                assert!(!told.contains(secret), "{secret} is in {told}");
            }
        }
    }
}
