//! Signing in, staying signed in, signing out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use conclave_auth::server::finish_login;
use conclave_auth::statements::login_statement;
use conclave_db::{
    Account, DeviceAttempt, EndedLogin, Exchange, Login, LoginAttempt, PendingKind, PendingToken, Refreshed,
};
use conclave_encoding::{hash_parts, labels};
use conclave_protocol::accounts::EntriesPage;
use conclave_protocol::limits::{
    ACCESS_TOKEN_LIFE_MS, ENTRIES_PAGE, FIRST_LOGIN_WITHIN_MS, PENDING_LOGIN_LIFE_MS, REFRESH_TOKEN_IDLE_MS,
    TICKET_LIFE_MS,
};
use conclave_protocol::logins::{
    DeviceLoginFinish, DeviceLoginStart, DeviceLoginStarted, HeldLogin, LoggedIn, LoginFinish, LoginFound,
    LoginPending, LoginStart, LoginStarted, LoginsEnded, LoginsFound, PasswordProof, PendingLogin, Refresh,
    Ticket,
};
use conclave_protocol::{Bytes, DeviceAddress, ErrorCode, LoginId, Timestamp, Token, Username};
use http::StatusCode;

use crate::access::Holder;
use crate::api::accounts::{After, entries_page};
use crate::chains::{chain_of, entries};
use crate::error::ApiError;
use crate::extract::{AskedFrom, Body, PathOf, QueryOf, SameOrigin, SignedIn};
use crate::randomness;
use crate::revocations::refusal;
use crate::second_step;
use crate::state::{App, token_hash};
use crate::watch::{self, Refused};

/// The cookie that holds a browser's refresh token, where people reach the server without TLS: on this machine.
const COOKIE: &str = "conclave_refresh";
/// The same where they reach it by https: browsers take a cookie of such a name from there alone, so neither somebody
/// between nor a page without TLS can put another one in its place.
const SECURE_COOKIE: &str = "__Secure-conclave_refresh";
/// The only place it is sent to.
const COOKIE_PATH: &str = "/api/v1/logins";
/// Time between the two requests of a sign-in: stretching a password takes seconds on a slow device.
const ATTEMPT_LIFE_MS: u64 = 2 * 60 * 1000;

/// `POST /api/v1/logins/start`: the same answer, by the same work, for a handle that nobody has.
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    Body(asked): Body<LoginStart>,
) -> Result<Body<LoginStarted>, ApiError> {
    app.limits.sign_in(source)?;
    tokio::time::sleep(app.limits.slowing(&asked.username)).await;

    let account = app.db.find_account_by_username(&asked.username).await?;
    let started = app.opaque.start_login(
        asked.username.as_str(),
        account.as_ref().map(|account| account.opaque_record.as_slice()),
        asked.opaque.as_slice(),
        &mut randomness::system(),
    )?;
    let attempt = randomness::token();
    let kept = LoginAttempt {
        id: token_hash(&attempt),
        account: account.as_ref().map(|account| account.id),
        state: started.state.to_vec(),
        password: account.map(|account| account.password).unwrap_or_default(),
        expires: app.now().plus(ATTEMPT_LIFE_MS),
    };
    app.db.insert_login_attempt(&kept).await?;
    Ok(Body(LoginStarted {
        attempt,
        opaque: Bytes(started.response),
    }))
}

/// `POST /api/v1/logins/finish`: the password and the device, both, or one and the same refusal.
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    AskedFrom(source): AskedFrom,
    cookies: CookieJar,
    Body(asked): Body<LoginFinish>,
) -> Result<(CookieJar, Body<LoggedIn>), ApiError> {
    app.limits.sign_in(source)?;
    let account = of_password(&app, &asked.attempt, &asked.opaque).await?;
    let address = DeviceAddress {
        account: account.id,
        device: asked.device,
    };
    verify_device(&app, address, &asked.attempt, &asked.signature).await?;
    // Last, so that what is refused for another reason uses no code up.
    second_step::check(&app, &account, asked.code.as_deref()).await?;
    begin_login(
        &app,
        cookies,
        address,
        account.username,
        account.administrator,
        asked.native,
    )
    .await
}

/// `POST /api/v1/logins/pending`: the password alone, on a device that is not the account's yet.
pub(crate) async fn pending(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    Body(asked): Body<PendingLogin>,
) -> Result<Body<LoginPending>, ApiError> {
    app.limits.sign_in(source)?;
    let account = of_password(&app, &asked.attempt, &asked.opaque).await?;
    second_step::check(&app, &account, asked.code.as_deref()).await?;
    let token = randomness::token();
    app.db
        .insert_pending_token(&PendingToken {
            id: token_hash(&token),
            account: account.id,
            kind: PendingKind::Login,
            password: account.password,
            expires: app.now().plus(PENDING_LOGIN_LIFE_MS),
        })
        .await?;
    Ok(Body(LoginPending {
        account: account.id,
        username: account.username,
        entries: entries(&app, account.id, None, ENTRIES_PAGE).await?,
        token,
        expires_in: PENDING_LOGIN_LIFE_MS,
        time: app.now().0,
    }))
}

/// `POST /api/v1/logins/device/start`: the same answer for a device that does not exist.
pub(crate) async fn start_device(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    Body(asked): Body<DeviceLoginStart>,
) -> Result<Body<DeviceLoginStarted>, ApiError> {
    app.limits.sign_in(source)?;
    let attempt = randomness::token();
    let kept = DeviceAttempt {
        id: token_hash(&attempt),
        address: asked.device,
        expires: app.now().plus(ATTEMPT_LIFE_MS),
    };
    app.db.insert_device_attempt(&kept).await?;
    Ok(Body(DeviceLoginStarted { attempt }))
}

/// `POST /api/v1/logins/device/finish`: the first sign-in of a device that was just approved.
pub(crate) async fn finish_device(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    AskedFrom(source): AskedFrom,
    cookies: CookieJar,
    Body(asked): Body<DeviceLoginFinish>,
) -> Result<(CookieJar, Body<LoggedIn>), ApiError> {
    app.limits.sign_in(source)?;
    let attempt = app
        .db
        .claim_device_attempt(token_hash(&asked.attempt), app.now())
        .await?
        .ok_or(ErrorCode::WrongCredentials)?;
    let account = app.db.find_account(attempt.address.account).await?;
    let account = account
        .filter(|account| !account.closed && !account.suspended)
        .ok_or(ErrorCode::WrongCredentials)?;
    verify_device(&app, attempt.address, &asked.attempt, &asked.signature)
        .await
        .map_err(|error| match error.code {
            ErrorCode::DeviceRevoked => ErrorCode::WrongCredentials.into(),
            _ => error,
        })?;
    let (login, refresh) = new_login(&app, attempt.address);
    let added_since = Timestamp(app.now().0.saturating_sub(FIRST_LOGIN_WITHIN_MS));
    let first = app
        .db
        .insert_first_login(&login, token_hash(&refresh), added_since)
        .await?;
    let before = first.ok_or(ErrorCode::WrongCredentials)?;
    end_all(&app, &before, ErrorCode::SignInNeeded);
    Ok(answer(
        &app,
        cookies,
        &login,
        account.username,
        account.administrator,
        refresh,
        asked.native,
    ))
}

/// `POST /api/v1/logins/refresh`
pub(crate) async fn refresh(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    cookies: CookieJar,
    Body(asked): Body<Refresh>,
) -> Result<(CookieJar, Body<LoggedIn>), Response> {
    let refused = |cookies: &CookieJar, code: ErrorCode| {
        (forget_cookie(&app, cookies.clone()), ApiError::from(code)).into_response()
    };
    // The device still needs its token, to read by which entry it ended.
    let ended = |why| ApiError::from(refusal(why)).into_response();
    let native = asked.refresh_token.is_some();
    let Some(presented) = presented(asked.refresh_token, &cookies) else {
        return Err(refused(&cookies, ErrorCode::SignInNeeded));
    };
    let (exchange, fresh) = exchange(&app, &presented, &asked.attempt);
    let rotated = app.db.rotate_login(&exchange, app.now()).await;
    let (login, next) = match rotated.map_err(|error| ApiError::from(error).into_response())? {
        Refreshed::Rotated(login) => (login, fresh),
        Refreshed::Repeated(login, nonce) => (login, next_token(&presented, &asked.attempt, &nonce)),
        Refreshed::Reused(login) => {
            watch::note(Refused::ReusedToken);
            app.end_login(login.id, login.address, ErrorCode::LoginRevoked);
            return Err(refused(&cookies, ErrorCode::LoginRevoked));
        }
        Refreshed::Outlived(login) => {
            app.end_login(login.id, login.address, ErrorCode::SignInNeeded);
            return Err(refused(&cookies, ErrorCode::SignInNeeded));
        }
        Refreshed::Ended(why) => return Err(ended(why)),
        Refreshed::Unknown => return Err(refused(&cookies, ErrorCode::SignInNeeded)),
    };
    let account = app.db.find_account(login.address.account).await;
    let Some(account) = account.map_err(|error| ApiError::from(error).into_response())? else {
        return Err(refused(&cookies, ErrorCode::SignInNeeded));
    };
    Ok(answer(
        &app,
        cookies,
        &login,
        account.username,
        account.administrator,
        next,
        native,
    ))
}

/// `POST /api/v1/logins/ended/entries?after=…`: the own chain, for a device that was taken out of it while it was
/// away: what the server claims, the device can check, and forget everything only then.
pub(crate) async fn ended_entries(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    AskedFrom(source): AskedFrom,
    cookies: CookieJar,
    QueryOf(page): QueryOf<After>,
    Body(asked): Body<HeldLogin>,
) -> Result<Body<EntriesPage>, ApiError> {
    app.limits.sign_in(source)?;
    let presented = presented(asked.refresh_token, &cookies).ok_or(ErrorCode::SignInNeeded)?;
    let account = app.db.find_ended_device(token_hash(&presented)).await?;
    entries_page(&app, account.ok_or(ErrorCode::SignInNeeded)?, page.after)
        .await
        .map(Body)
}

/// `POST /api/v1/logins/sign-out`: also right for somebody who is signed out already.
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    _: SameOrigin,
    cookies: CookieJar,
    signed_in: Result<SignedIn, ApiError>,
    Body(asked): Body<HeldLogin>,
) -> Result<(CookieJar, StatusCode), ApiError> {
    let now = app.now();
    let mut ended = signed_in
        .ok()
        .map(|signed_in| (signed_in.login(), signed_in.address()));
    if let Some(presented) = presented(asked.refresh_token, &cookies) {
        // The successor is thrown away: what matters is whose token this was.
        let (exchange, _) = exchange(&app, &presented, &randomness::token());
        match app.db.rotate_login(&exchange, now).await? {
            Refreshed::Rotated(login)
            | Refreshed::Repeated(login, _)
            | Refreshed::Reused(login)
            | Refreshed::Outlived(login) => {
                ended = Some((login.id, login.address));
            }
            Refreshed::Ended(_) | Refreshed::Unknown => {}
        }
    }
    if let Some((login, address)) = ended {
        app.db.revoke_login(login, now).await?;
        app.end_login(login, address, ErrorCode::SignInNeeded);
    }
    Ok((forget_cookie(&app, cookies), StatusCode::NO_CONTENT))
}

/// `POST /api/v1/ws/ticket`
pub(crate) async fn ticket(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<Ticket>, ApiError> {
    let ticket = randomness::token();
    app.db
        .insert_ticket(
            token_hash(&ticket),
            signed_in.login(),
            app.now().plus(TICKET_LIFE_MS),
        )
        .await?;
    Ok(Body(Ticket { ticket }))
}

/// `POST /api/v1/logins/prove`: the password once more, for what asks for a fresh sign-in.
pub(crate) async fn prove(
    State(app): State<Arc<App>>,
    AskedFrom(source): AskedFrom,
    signed_in: SignedIn,
    Body(asked): Body<PasswordProof>,
) -> Result<StatusCode, ApiError> {
    app.limits.sign_in(source)?;
    let account = of_password(&app, &asked.attempt, &asked.opaque).await?;
    if account.id != signed_in.account() {
        return Err(ErrorCode::WrongCredentials.into());
    }
    second_step::check(&app, &account, asked.code.as_deref()).await?;
    if !app.db.prove_login(signed_in.login(), app.now()).await? {
        return Err(ErrorCode::SignInNeeded.into());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/logins`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<LoginsFound>, ApiError> {
    let in_force_since = Timestamp(app.now().0.saturating_sub(REFRESH_TOKEN_IDLE_MS));
    let logins = app.db.list_logins(signed_in.account(), in_force_since).await?;
    Ok(Body(listed(&app, logins, signed_in.login())))
}

/// `DELETE /api/v1/logins/{login}`: one of the own account's.
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    PathOf(login): PathOf<LoginId>,
) -> Result<StatusCode, ApiError> {
    let ended = app.db.end_login(signed_in.account(), login.0, app.now()).await?;
    let ended = ended.ok_or(ErrorCode::NotFound)?;
    end_all(&app, &[ended], ErrorCode::LoginRevoked);
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/logins`: every one of the own account's but the one that asks.
pub(crate) async fn end_others(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
) -> Result<Body<LoginsEnded>, ApiError> {
    let ended = app
        .db
        .end_other_logins(signed_in.account(), signed_in.login(), app.now())
        .await?;
    Ok(Body(end_all(&app, &ended, ErrorCode::LoginRevoked)))
}

/// Ends logins that the database ended: their access tokens and their connections.
pub(crate) fn end_all(app: &App, ended: &[EndedLogin], why: ErrorCode) -> LoginsEnded {
    for login in ended {
        app.end_login(login.id, login.address, why);
    }
    LoginsEnded {
        ended: u32::try_from(ended.len()).unwrap_or(u32::MAX),
    }
}

/// Logins as a person sees them.
pub(crate) fn listed(app: &App, logins: Vec<Login>, current: [u8; 16]) -> LoginsFound {
    let logins = logins.into_iter().map(|login| LoginFound {
        login: LoginId(login.id),
        device: login.address.device,
        created_at: login.created_at.0,
        refreshed_at: login.refreshed_at.0,
        connected: app.hub.is_connected_by(login.address, login.id),
        current: login.id == current,
    });
    LoginsFound {
        logins: logins.collect(),
    }
}

/// Makes a login and its answer.
pub(crate) async fn begin_login(
    app: &App,
    cookies: CookieJar,
    address: DeviceAddress,
    username: Username,
    administrator: bool,
    native: bool,
) -> Result<(CookieJar, Body<LoggedIn>), ApiError> {
    let (login, refresh) = new_login(app, address);
    // None where it was revoked while it signed in.
    let before = app.db.insert_login(&login, token_hash(&refresh)).await?;
    let before = before.ok_or(ErrorCode::DeviceRevoked)?;
    end_all(app, &before, ErrorCode::SignInNeeded);
    Ok(answer(
        app,
        cookies,
        &login,
        username,
        administrator,
        refresh,
        native,
    ))
}

fn new_login(app: &App, address: DeviceAddress) -> (Login, Token) {
    let now = app.now();
    let login = Login {
        id: randomness::bytes(),
        address,
        created_at: now,
        refreshed_at: now,
    };
    (login, randomness::token())
}

/// The account whose password a sign-in's second message proves. Uses the attempt up.
async fn of_password(app: &App, attempt: &Token, finalization: &Bytes) -> Result<Account, ApiError> {
    let attempt = app
        .db
        .claim_login_attempt(token_hash(attempt), app.now())
        .await?
        .ok_or(ErrorCode::WrongCredentials)?;
    finish_login(&attempt.state, finalization.as_slice()).map_err(|_| ErrorCode::WrongCredentials)?;
    let account = attempt.account.ok_or(ErrorCode::WrongCredentials)?;
    let account = app.db.find_account(account).await?;
    // A password that was replaced between the two requests is an old one.
    let account = account
        .filter(|account| account.password == attempt.password)
        .ok_or(ErrorCode::WrongCredentials)?;
    if account.closed {
        return Err(ErrorCode::AccountClosed.into());
    }
    if account.suspended {
        return Err(ErrorCode::AccountSuspended.into());
    }
    Ok(account)
}

/// The bytes of a signature.
pub(crate) fn signature(bytes: &Bytes) -> Result<[u8; 64], ApiError> {
    bytes
        .as_slice()
        .try_into()
        .map_err(|_| ErrorCode::Malformed.into())
}

/// The device stands in the account's chain and signed this very attempt. One that was revoked is told so, once
/// it has shown that it is the one.
async fn verify_device(
    app: &App,
    address: DeviceAddress,
    attempt: &Token,
    signed: &Bytes,
) -> Result<(), ApiError> {
    let chain = chain_of(app, address.account).await?;
    let device = chain
        .known_device(address.device)
        .ok_or(ErrorCode::WrongCredentials)?;
    let statement = login_statement(address.account.as_bytes(), address.device.0, attempt.as_str());
    let signature = signature(signed).map_err(|_| ErrorCode::WrongCredentials)?;
    device
        .verify(&statement, &signature)
        .map_err(|_| ErrorCode::WrongCredentials)?;
    if device.is_active() {
        Ok(())
    } else {
        Err(ErrorCode::DeviceRevoked.into())
    }
}

fn answer(
    app: &App,
    cookies: CookieJar,
    login: &Login,
    username: Username,
    administrator: bool,
    refresh: Token,
    native: bool,
) -> (CookieJar, Body<LoggedIn>) {
    let holder = Holder {
        address: login.address,
        login: login.id,
        administrator,
    };
    let body = LoggedIn {
        account: login.address.account,
        device: login.address.device,
        username,
        administrator,
        access_token: app.access.issue(&holder, app.now()),
        expires_in: ACCESS_TOKEN_LIFE_MS,
        refresh_token: native.then(|| refresh.clone()),
    };
    let cookies = if native {
        cookies
    } else {
        // First those under both names, so that none stays under the one of before.
        let cookies = forget_cookie(app, cookies);
        let mut cookie = cookie(app, cookie_name(app), refresh.0);
        cookie.set_max_age(
            std::time::Duration::from_millis(REFRESH_TOKEN_IDLE_MS)
                .try_into()
                .ok(),
        );
        cookies.add(cookie)
    };
    (cookies, Body(body))
}

/// An exchange of a refresh token by an attempt, and the token that it gives.
fn exchange(app: &App, presented: &Token, attempt: &Token) -> (Exchange, Token) {
    let nonce = randomness::bytes();
    let next = next_token(presented, attempt, &nonce);
    let exchange = Exchange {
        presented: token_hash(presented),
        attempt: token_hash(attempt),
        nonce,
        next: token_hash(&next),
        begun_since: begun_since(app),
    };
    (exchange, next)
}

/// The time before which no login in force began.
fn begun_since(app: &App) -> Timestamp {
    let days = u64::from(app.config.longest_login_days);
    let longest = days.saturating_mul(24 * 60 * 60 * 1000);
    match days {
        0 => Timestamp(0),
        _ => Timestamp(app.now().0.saturating_sub(longest)),
    }
}

/// The token for which one is exchanged. It is made of what the client showed and the server did not keep, so the
/// server can give it again to whoever shows both again, and to nobody else.
fn next_token(presented: &Token, attempt: &Token, nonce: &[u8; 32]) -> Token {
    let parts = [presented.as_str().as_bytes(), attempt.as_str().as_bytes(), nonce];
    Token::from_random(hash_parts(labels::TOKEN_HASH, &parts))
}

/// The token that was presented, in the body or as the cookie.
///
/// A browser that signed in before the cookie had its present name shows it under the old one, and gets it under the
/// present one with the answer. Such a login has moved, or was idle too long, 30 days after the update: the old name
/// need not be read any more then.
fn presented(in_body: Option<Token>, cookies: &CookieJar) -> Option<Token> {
    let of = |name| cookies.get(name).map(|cookie| Token(cookie.value().to_owned()));
    in_body.or_else(|| of(SECURE_COOKIE)).or_else(|| of(COOKIE))
}

fn forget_cookie(app: &App, cookies: CookieJar) -> CookieJar {
    // A removal is sent only for a cookie that came along; native clients have none.
    [COOKIE, SECURE_COOKIE]
        .into_iter()
        .fold(cookies, |cookies, name| {
            cookies.remove(cookie(app, name, String::new()))
        })
}

/// What the cookie is called here.
fn cookie_name(app: &App) -> &'static str {
    if app.public.is_https() {
        SECURE_COOKIE
    } else {
        COOKIE
    }
}

fn cookie(app: &App, name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path(COOKIE_PATH)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.public.is_https())
        .build()
}
