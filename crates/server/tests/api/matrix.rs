//! Who gets past the door of which route: every route, every role. A route without a row here fails the test.

use std::collections::BTreeSet;

use conclave_protocol::{ErrorCode, Problem, Token};
use http::Method;

use crate::harness::{Answer, Person, Server};

/// The table of routes itself.
const ROUTER: &str = include_str!("../../src/router.rs");

/// What a route asks of who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Nothing, or something that stands in the body and that the handler itself judges.
    Open,
    /// A signed-in device.
    SignedIn,
    /// A signed-in device with a fresh proof of the password.
    Fresh,
    /// An administrator.
    Administrator,
    /// An administrator with a fresh proof of the password.
    FreshAdministrator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Nobody,
    Person,
    Suspended,
    Administrator,
    /// An administrator whose proof of the password is older than ten minutes.
    StaleAdministrator,
}

use Door::{Administrator, Fresh, FreshAdministrator, Open, SignedIn};

#[rustfmt::skip]
pub(crate) const ROWS: &[(&str, &str, Door)] = &[
    ("GET", "/openapi.json", Open),
    ("GET", "/server", Open),
    ("POST", "/accounts/registration/start", Open),
    ("POST", "/accounts/registration/finish", Open),
    ("GET", "/accounts/by-username/{username}", SignedIn),
    ("GET", "/accounts/{account}", SignedIn),
    ("GET", "/accounts/{account}/entries", SignedIn),
    ("POST", "/accounts/{account}/devices/{device}/prekeys/claim", SignedIn),
    ("GET", "/logins", SignedIn),
    ("DELETE", "/logins", SignedIn),
    ("DELETE", "/logins/{login}", SignedIn),
    ("POST", "/logins/prove", SignedIn),
    ("POST", "/logins/start", Open),
    ("POST", "/logins/finish", Open),
    ("POST", "/logins/pending", Open),
    ("POST", "/logins/device/start", Open),
    ("POST", "/logins/device/finish", Open),
    ("POST", "/logins/refresh", Open),
    ("POST", "/logins/ended/entries", Open),
    ("POST", "/logins/sign-out", Open),
    ("POST", "/recoveries/start", Open),
    ("POST", "/recoveries/prove", Open),
    ("POST", "/recoveries/finish", Open),
    ("POST", "/resets", Open),
    ("GET", "/links", SignedIn),
    ("POST", "/links", Open),
    ("DELETE", "/links/{link}", SignedIn),
    ("GET", "/links/{link}/messages", SignedIn),
    ("POST", "/links/{link}/messages", SignedIn),
    ("GET", "/vault", SignedIn),
    ("GET", "/vault/records", SignedIn),
    ("POST", "/vault/records", SignedIn),
    ("GET", "/vault/keys", SignedIn),
    ("PUT", "/vault/keys", SignedIn),
    ("POST", "/ws/ticket", SignedIn),
    ("GET", "/ws", Open),
    ("GET", "/invites", Administrator),
    ("POST", "/invites", Administrator),
    ("DELETE", "/invites/{invite}", Administrator),
    ("GET", "/account/presence", SignedIn),
    ("PUT", "/account/presence", SignedIn),
    ("GET", "/push", SignedIn),
    ("PUT", "/push/subscription", SignedIn),
    ("DELETE", "/push/subscription", SignedIn),
    ("GET", "/account/second-step", SignedIn),
    ("POST", "/account/second-step", Fresh),
    ("DELETE", "/account/second-step", Fresh),
    ("POST", "/account/second-step/confirm", Fresh),
    ("POST", "/account/second-step/backup-codes", Fresh),
    ("POST", "/account/password/start", Fresh),
    ("POST", "/account/password/finish", Fresh),
    ("GET", "/admin/registration", Administrator),
    ("PUT", "/admin/registration", FreshAdministrator),
    ("GET", "/admin/accounts", Administrator),
    ("POST", "/admin/accounts/{account}/suspend", FreshAdministrator),
    ("POST", "/admin/accounts/{account}/reactivate", FreshAdministrator),
    ("GET", "/admin/accounts/{account}/logins", Administrator),
    ("DELETE", "/admin/accounts/{account}/logins/{login}", FreshAdministrator),
    ("GET", "/admin/audit", Administrator),
    ("GET", "/admin/figures", Administrator),
    ("POST", "/reports", SignedIn),
    ("GET", "/admin/reports", Administrator),
    ("POST", "/admin/reports/{report}/close", FreshAdministrator),
    ("GET", "/admin/announcements", Administrator),
    ("POST", "/admin/announcements", FreshAdministrator),
    ("DELETE", "/admin/announcements/{announcement}", FreshAdministrator),
    ("POST", "/account/entries", SignedIn),
    ("GET", "/devices", SignedIn),
    ("GET", "/devices/prekeys", SignedIn),
    ("POST", "/devices/prekeys", SignedIn),
    ("PUT", "/rooms/{room}", SignedIn),
    ("GET", "/rooms/{room}", SignedIn),
    ("GET", "/rooms/{room}/envelopes", SignedIn),
    ("GET", "/account/storage", SignedIn),
    ("PUT", "/blobs/{blob}", SignedIn),
    ("GET", "/blobs/{blob}", SignedIn),
    ("DELETE", "/blobs/{blob}", SignedIn),
    ("GET", "/blobs/{blob}/upload", SignedIn),
    ("PUT", "/blobs/{blob}/chunks/{chunk}", SignedIn),
    ("POST", "/blobs/{blob}/finish", SignedIn),
    ("GET", "/blobs/{blob}/links", SignedIn),
    ("GET", "/places", SignedIn),
    ("POST", "/places", SignedIn),
    ("GET", "/places/{place}/entries", SignedIn),
    ("POST", "/places/{place}/entries", SignedIn),
    ("POST", "/places/{place}/invited-entries", SignedIn),
];

/// Those that end the login which asks, or others of its account: asked for last.
const ENDING: [(&str, &str); 2] = [("DELETE", "/logins"), ("POST", "/logins/sign-out")];

/// How a role is turned away at a door; none where it gets in, whatever is then said about what it asked for.
fn refusal(door: Door, role: Role) -> Option<ErrorCode> {
    match (door, role) {
        (Open, _) => None,
        (_, Role::Nobody | Role::Suspended) => Some(ErrorCode::SignInNeeded),
        (Administrator | FreshAdministrator, Role::Person) => Some(ErrorCode::Forbidden),
        (Fresh | FreshAdministrator, Role::StaleAdministrator) => Some(ErrorCode::FreshSignInNeeded),
        (SignedIn | Fresh, Role::Person) | (_, Role::Administrator | Role::StaleAdministrator) => None,
    }
}

/// Methods and paths as the table of routes has them.
fn routes() -> BTreeSet<(&'static str, &'static str)> {
    let api = ROUTER.split("Router::new()").nth(1).unwrap();
    let mut routes = BTreeSet::new();
    for route in api.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let handlers = route.split('"').nth(2).unwrap();
        for (word, method) in [
            ("get(", "GET"),
            ("post(", "POST"),
            ("put(", "PUT"),
            ("delete(", "DELETE"),
        ] {
            let starts = |before: &str| {
                let last = before.chars().next_back();
                last.is_none_or(|last| !last.is_alphanumeric() && last != '_')
            };
            let mut found = handlers.match_indices(word);
            if found.any(|(at, _)| starts(&handlers[..at])) {
                routes.insert((method, path));
            }
        }
    }
    routes
}

#[test]
fn every_route_has_its_row() {
    let rows: BTreeSet<_> = ROWS.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row stands twice");
    assert_eq!(routes(), rows);
}

/// The path with ids that name nothing.
pub(crate) fn filled(path: &str) -> String {
    let short = "CQkJCQkJCQkJCQkJCQkJCQ";
    let long = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";
    let path = ["{account}", "{room}", "{place}", "{invite}"]
        .iter()
        .fold(path.to_owned(), |path, word| path.replace(word, long));
    let path = ["{link}", "{login}", "{blob}", "{announcement}", "{report}"]
        .iter()
        .fold(path, |path, word| path.replace(word, short));
    let path = path
        .replace("{device}", "7")
        .replace("{chunk}", "0")
        .replace("{username}", "nobody");
    assert!(!path.contains('{'), "{path}");
    format!("/api/v1{path}")
}

fn code_of(answer: &Answer) -> Option<ErrorCode> {
    let problem: Result<Problem, _> = serde_json::from_slice(&answer.body);
    problem.ok().map(|problem| problem.code)
}

async fn try_door(server: &Server, role: Role, access: Option<&Token>, row: &(&str, &str, Door)) {
    let (method, path, door) = row;
    let method: Method = method.parse().unwrap();
    let body = serde_json::json!({});
    let path = filled(path);
    let answer = if method == Method::GET {
        server.get(&path, access).await
    } else {
        server.send(method, &path, access, &[], &body).await
    };
    assert!(!answer.status.is_server_error(), "{role:?} {row:?}: {answer:?}");
    let code = code_of(&answer);
    match refusal(*door, role) {
        Some(refusal) => assert_eq!(code, Some(refusal), "{role:?} {row:?}"),
        None if *door == Open => assert!(
            !matches!(code, Some(ErrorCode::Forbidden | ErrorCode::FreshSignInNeeded)),
            "{role:?} {row:?}: {code:?}"
        ),
        None => assert!(
            !matches!(
                code,
                Some(ErrorCode::SignInNeeded | ErrorCode::Forbidden | ErrorCode::FreshSignInNeeded)
            ),
            "{role:?} {row:?}: {code:?}"
        ),
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let zoe: Person = server.person("zoe", &mia).await;
    let suspend = format!("/api/v1/admin/accounts/{}/suspend", zoe.account);
    assert!(
        server
            .post(&suspend, Some(&mia.access), &())
            .await
            .status
            .is_success()
    );
    let ends = |row: &&(&str, &str, Door)| ENDING.contains(&(row.0, row.1));

    let pause = 11 * 60 * 1000;
    server.clock.shift(pause);
    for row in ROWS.iter().filter(|row| !ends(row)) {
        try_door(&server, Role::StaleAdministrator, Some(&mia.access), row).await;
    }
    server.clock.shift(-pause);
    let roles = [
        (Role::Nobody, None),
        (Role::Suspended, Some(&zoe.access)),
        (Role::Person, Some(&ben.access)),
        (Role::Administrator, Some(&mia.access)),
    ];
    for (role, access) in roles {
        for row in ROWS.iter().filter(|row| !ends(row)) {
            try_door(&server, role, access, row).await;
        }
        for row in ROWS.iter().filter(ends) {
            try_door(&server, role, access, row).await;
        }
    }
}
