//! Administration over HTTP. Nothing here reveals content, and nothing adds a device or a member. What changes
//! something asks for a fresh sign-in and is noted in the audit log by the same transaction.

use std::sync::Arc;

use axum::extract::State;
use conclave_db::Noted;
use conclave_protocol::admin::{AccountsPage, AuditPage, Figures, RegistrationSetting};
use conclave_protocol::limits::{ADMIN_PAGE, REFRESH_TOKEN_IDLE_MS};
use conclave_protocol::logins::LoginsFound;
use conclave_protocol::{AccountId, ErrorCode, LoginId, Timestamp};
use http::StatusCode;
use serde::Deserialize;

use crate::api::logins::{end_all, listed};
use crate::error::ApiError;
use crate::extract::{Administrator, Body, FreshAdministrator, PathOf, QueryOf};
use crate::settings;
use crate::state::App;

/// `GET /api/v1/admin/registration`
pub(crate) async fn registration(
    State(app): State<Arc<App>>,
    _: Administrator,
) -> Result<Body<RegistrationSetting>, ApiError> {
    Ok(Body(RegistrationSetting {
        registration: settings::registration(&app.db).await?,
    }))
}

/// `PUT /api/v1/admin/registration`
pub(crate) async fn set_registration(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    Body(asked): Body<RegistrationSetting>,
) -> Result<StatusCode, ApiError> {
    let noted = Noted {
        actor: Some(administrator.account()),
        act: "registration set",
        subject: asked.registration.as_str().to_owned(),
        now: app.now(),
    };
    settings::set_registration(&app.db, asked.registration, &noted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which accounts.
#[derive(Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    search: String,
    after: Option<AccountId>,
}

/// `GET /api/v1/admin/accounts?search=…&after=…`
pub(crate) async fn list_accounts(
    State(app): State<Arc<App>>,
    _: Administrator,
    QueryOf(asked): QueryOf<Listing>,
) -> Result<Body<AccountsPage>, ApiError> {
    let behind = match asked.after {
        None => (Timestamp(0), AccountId([0; 32])),
        Some(after) => {
            let made = app.db.find_place_in_list(after).await?;
            (made.ok_or(ErrorCode::UnknownPerson)?, after)
        }
    };
    let limit = ADMIN_PAGE.saturating_add(1);
    let mut accounts = app.db.list_accounts(&asked.search, behind, limit).await?;
    let page = usize::try_from(ADMIN_PAGE).unwrap_or(usize::MAX);
    let more = accounts.len() > page;
    accounts.truncate(page);
    Ok(Body(AccountsPage { accounts, more }))
}

/// `POST /api/v1/admin/accounts/{account}/suspend`: its connections end at once.
pub(crate) async fn suspend(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    PathOf(account): PathOf<AccountId>,
) -> Result<StatusCode, ApiError> {
    let found = app.db.find_account(account).await?;
    let found = found.ok_or(ErrorCode::UnknownPerson)?;
    if found.administrator && app.db.count_administrators().await? <= 1 {
        return Err(ErrorCode::LastAdministrator.into());
    }
    let noted = noted(&app, administrator.account(), "account suspended", account);
    if let Some(ended) = app.db.suspend_account(account, &noted).await? {
        end_all(&app, &ended, ErrorCode::AccountSuspended);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/admin/accounts/{account}/reactivate`
pub(crate) async fn reactivate(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    PathOf(account): PathOf<AccountId>,
) -> Result<StatusCode, ApiError> {
    let found = app.db.find_account(account).await?;
    found.ok_or(ErrorCode::UnknownPerson)?;
    let noted = noted(&app, administrator.account(), "account reactivated", account);
    app.db.reactivate_account(account, &noted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/admin/accounts/{account}/logins`
pub(crate) async fn list_logins(
    State(app): State<Arc<App>>,
    Administrator(administrator): Administrator,
    PathOf(account): PathOf<AccountId>,
) -> Result<Body<LoginsFound>, ApiError> {
    let found = app.db.find_account(account).await?;
    found.ok_or(ErrorCode::UnknownPerson)?;
    let in_force_since = Timestamp(app.now().0.saturating_sub(REFRESH_TOKEN_IDLE_MS));
    let logins = app.db.list_logins(account, in_force_since).await?;
    Ok(Body(listed(&app, logins, administrator.login())))
}

/// `DELETE /api/v1/admin/accounts/{account}/logins/{login}`
pub(crate) async fn end_login(
    State(app): State<Arc<App>>,
    FreshAdministrator(administrator): FreshAdministrator,
    PathOf((account, login)): PathOf<(AccountId, LoginId)>,
) -> Result<StatusCode, ApiError> {
    let noted = noted(&app, administrator.account(), "login ended", account);
    let ended = app.db.end_login_noted(account, login.0, &noted).await?;
    let ended = ended.ok_or(ErrorCode::NotFound)?;
    end_all(&app, &[ended], ErrorCode::LoginRevoked);
    Ok(StatusCode::NO_CONTENT)
}

/// Where a page of the log begins.
#[derive(Deserialize)]
pub(crate) struct AfterLine {
    #[serde(default)]
    after: u64,
}

/// `GET /api/v1/admin/audit?after=…`
pub(crate) async fn audit(
    State(app): State<Arc<App>>,
    _: Administrator,
    QueryOf(asked): QueryOf<AfterLine>,
) -> Result<Body<AuditPage>, ApiError> {
    let (head, head_hash) = app.db.find_audit_head().await?;
    let lines = app.db.list_audit(asked.after, ADMIN_PAGE).await?;
    let last = lines.last().map_or(asked.after, |line| line.sequence);
    Ok(Body(AuditPage {
        more: last < head,
        lines,
        head,
        head_hash,
    }))
}

/// `GET /api/v1/admin/figures`
pub(crate) async fn figures(
    State(app): State<Arc<App>>,
    _: Administrator,
) -> Result<Body<Figures>, ApiError> {
    Ok(Body(app.db.figures().await?))
}

fn noted(app: &App, actor: AccountId, act: &'static str, account: AccountId) -> Noted {
    Noted {
        actor: Some(actor),
        act,
        subject: account.to_string(),
        now: app.now(),
    }
}
