//! Registration and finding people.

use std::sync::Arc;

use axum::extract::State;
use axum_extra::extract::CookieJar;
use conclave_auth::server::password_record;
use conclave_auth::statements::registration_statement;
use conclave_db::{Account, Door, NewAccount, Registered};
use conclave_protocol::accounts::{
    AccountFound, EntriesPage, Registration, RegistrationFinish, RegistrationStart, RegistrationStarted,
};
use conclave_protocol::limits::ENTRIES_PAGE;
use conclave_protocol::logins::LoggedIn;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode, Token, Username};
use conclave_sigchain::{AccountChain, AccountEntry};
use serde::Deserialize;

use crate::api::logins::{begin_login, signature};
use crate::chains::{entries, near};
use crate::error::ApiError;
use crate::extract::{AskedFrom, Body, OwnAccount, PathOf, QueryOf, SameOrigin, SignedIn};
use crate::settings;
use crate::state::{App, token_hash};

/// `POST /api/v1/accounts/registration/start`
pub(crate) async fn start_registration(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    Body(asked): Body<RegistrationStart>,
) -> Result<Body<RegistrationStarted>, ApiError> {
    app.limits.registration(source)?;
    let open = match door(&app, &asked.invite).await? {
        Door::Setup => app.needs_setup().await?,
        Door::Invite(hash) => app.db.invite_is_open(hash, app.now()).await?,
        Door::Open => true,
    };
    if !open {
        return Err(ErrorCode::InviteNeeded.into());
    }
    // Said this early only to the holder of an invite, who would find out in the next step.
    if app.db.find_account_by_username(&asked.username).await?.is_some() {
        return Err(ErrorCode::UsernameTaken.into());
    }
    let opaque = app
        .opaque
        .register(asked.username.as_str(), asked.opaque.as_slice())?;
    Ok(Body(RegistrationStarted {
        opaque: Bytes(opaque),
        time: app.now().0,
    }))
}

/// `POST /api/v1/accounts/registration/finish`
pub(crate) async fn finish_registration(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    AskedFrom(source): AskedFrom,
    cookies: CookieJar,
    Body(asked): Body<RegistrationFinish>,
) -> Result<(CookieJar, Body<LoggedIn>), ApiError> {
    app.limits.registration(source)?;
    let genesis = AccountEntry::from_bytes(asked.genesis.as_slice())?;
    let chain = AccountChain::begin(&genesis)?;
    let address = DeviceAddress {
        account: chain.account(),
        device: DeviceId(0),
    };

    let statement = registration_statement(
        asked.username.as_str(),
        asked.invite.as_str(),
        asked.opaque.as_slice(),
    );
    let device = chain.device(address.device).ok_or(ErrorCode::ChainRefused)?;
    device.verify(&statement, &signature(&asked.signature)?)?;

    // The answer to an earlier try may have been lost: that comes before the clock, which has gone on.
    if app.db.find_account(address.account).await?.is_some() {
        return Err(ErrorCode::AlreadyRegistered.into());
    }
    let now = app.now();
    if !near(genesis.time, now) {
        return Err(ErrorCode::ChainRefused.into());
    }
    let account = NewAccount {
        id: address.account,
        username: asked.username.clone(),
        opaque_record: password_record(asked.opaque.as_slice())?,
        genesis: asked.genesis.0,
        recovery: *chain.recovery(),
        door: door(&app, &asked.invite).await?,
        now,
    };
    match app.db.insert_account(&account).await? {
        Registered::Done => {}
        Registered::Already => return Err(ErrorCode::AlreadyRegistered.into()),
        Registered::UsernameTaken => return Err(ErrorCode::UsernameTaken.into()),
        Registered::DoorClosed => return Err(ErrorCode::InviteNeeded.into()),
    }
    let administrator = matches!(account.door, Door::Setup);
    begin_login(
        &app,
        cookies,
        address,
        asked.username,
        administrator,
        asked.native,
    )
    .await
}

/// `GET /api/v1/accounts/by-username/{username}`
pub(crate) async fn find_by_username(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    username: Result<PathOf<Username>, ApiError>,
) -> Result<Body<AccountFound>, ApiError> {
    app.limits.look_up(signed_in.account())?;
    let Ok(PathOf(username)) = username else {
        return Err(ErrorCode::UnknownPerson.into());
    };
    found(&app, app.db.find_account_by_username(&username).await?).await
}

/// `GET /api/v1/accounts/{account}`
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    _: SignedIn,
    PathOf(account): PathOf<AccountId>,
) -> Result<Body<AccountFound>, ApiError> {
    found(&app, app.db.find_account(account).await?).await
}

/// Where a page begins.
#[derive(Deserialize)]
pub(crate) struct After {
    pub(crate) after: Option<u32>,
}

/// `GET /api/v1/accounts/{account}/entries?after=…`
pub(crate) async fn list_entries(
    State(app): State<Arc<App>>,
    signed_in: Result<SignedIn, ApiError>,
    own: Result<OwnAccount, ApiError>,
    PathOf(account): PathOf<AccountId>,
    QueryOf(page): QueryOf<After>,
) -> Result<Body<EntriesPage>, ApiError> {
    if let Err(refusal) = signed_in {
        // Who has no device yet reads the own chain and no other.
        own?.0.eq(&account).then_some(()).ok_or(refusal)?;
    }
    let page = entries_page(&app, account, page.after).await?;
    if page.entries.is_empty() && app.db.find_account(account).await?.is_none() {
        return Err(ErrorCode::UnknownPerson.into());
    }
    Ok(Body(page))
}

/// A page of a chain behind a sequence.
pub(crate) async fn entries_page(
    app: &App,
    account: AccountId,
    after: Option<u32>,
) -> Result<EntriesPage, ApiError> {
    let mut entries = entries(app, account, after, ENTRIES_PAGE + 1).await?;
    let more = entries.len() > ENTRIES_PAGE;
    entries.truncate(ENTRIES_PAGE);
    Ok(EntriesPage { entries, more })
}

async fn found(app: &App, account: Option<Account>) -> Result<Body<AccountFound>, ApiError> {
    let account = account.ok_or(ErrorCode::UnknownPerson)?;
    let entries = entries(app, account.id, None, ENTRIES_PAGE).await?;
    Ok(Body(AccountFound {
        account: account.id,
        username: account.username,
        entries,
    }))
}

/// What a token opens. Whether it still does, the transaction that registers decides.
async fn door(app: &App, token: &Token) -> Result<Door, ApiError> {
    if app.is_setup_token(token) {
        return Ok(Door::Setup);
    }
    match settings::registration(&app.db).await? {
        Registration::Closed => Err(ErrorCode::RegistrationClosed.into()),
        Registration::Open if token.as_str().is_empty() => Ok(Door::Open),
        Registration::Open | Registration::Invite => Ok(Door::Invite(token_hash(token))),
    }
}
