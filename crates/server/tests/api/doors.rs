//! What holds for every door, whatever stands behind it: over the table of routes.

use conclave_db::{Db, TableSum};
use conclave_protocol::accounts::AccountFound;
use conclave_protocol::{ErrorCode, Token};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;

use crate::harness::{Server, random};
use crate::matrix::{ROWS, filled};

const FOREIGN: &str = "https://evil.example";

fn allows_others(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn no_route_allows_another_origin() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    for (method, path, _) in ROWS {
        let path = filled(path);
        let asks_first = server
            .request(Method::OPTIONS, &path)
            .header("origin", FOREIGN)
            .header("access-control-request-method", *method)
            .header("access-control-request-headers", "authorization, content-type")
            .body(Full::default())
            .unwrap();
        let answer = server.ask(asks_first).await;
        assert!(!allows_others(&answer.headers), "OPTIONS {path}");
        assert!(!answer.status.is_success(), "OPTIONS {path}");

        let method: Method = method.parse().unwrap();
        let headers = [("origin", FOREIGN)];
        let body = serde_json::json!({});
        let answer = server
            .send(method.clone(), &path, Some(&mia.access), &headers, &body)
            .await;
        assert!(!allows_others(&answer.headers), "{method} {path}");
    }
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/api/v1/nothing",
        "/assets/nothing.js",
    ] {
        let asked = server
            .request(Method::GET, path)
            .header("origin", FOREIGN)
            .body(Full::default())
            .unwrap();
        assert!(!allows_others(&server.ask(asked).await.headers), "{path}");
    }
}

/// What stands in the database, but for when jobs ran.
async fn contents(server: &Server) -> Vec<TableSum> {
    let address = format!("sqlite:{}", server.folder.path().join("conclave.db").display());
    let db = Db::open_existing(&address).await.unwrap();
    let sums = db.snapshot().await.unwrap().sums().await.unwrap();
    db.close().await;
    sums.into_iter().filter(|sum| sum.table != "jobs").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_get_changes_anything() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    server.invite(&mia).await;
    let before = contents(&server).await;
    let real = |path: &str| {
        let path = path
            .replace("{account}", &ben.account.to_string())
            .replace("{room}", &room.to_string())
            .replace("{username}", "ben");
        filled(&path)
    };
    let (mut asked, mut answered) = (0, 0);
    for (_, path, _) in ROWS.iter().filter(|(method, ..)| *method == "GET") {
        for access in [None, Some(&ben.access), Some(&mia.access)] {
            let answer = server.get(&real(path), access).await;
            asked += 1;
            answered += u32::from(answer.status.is_success());
        }
    }
    assert!(asked > 60 && answered > 20, "{answered} of {asked} had an answer");
    for path in ["/", "/healthz", "/readyz", "/metrics", "/api/v1/nothing"] {
        server.get(path, Some(&mia.access)).await;
    }
    assert_eq!(contents(&server).await, before);
    server.post("/api/v1/ws/ticket", Some(&mia.access), &()).await;
    assert_ne!(contents(&server).await, before, "a change would have been seen");
}

#[tokio::test]
async fn a_method_that_no_route_has_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let of_path = |wanted: &str| -> Vec<&str> {
        let rows = ROWS.iter().filter(|(_, path, _)| *path == wanted);
        rows.map(|(method, ..)| *method).collect()
    };
    for (_, path, _) in ROWS {
        let known = of_path(path);
        for method in [
            "TRACE", "TRACK", "PROPFIND", "PATCH", "PUT", "DELETE", "POST", "GET",
        ] {
            if known.contains(&method) {
                continue;
            }
            let path = filled(path);
            let body = serde_json::json!({});
            let marker = [("x-marker", "seen by nobody")];
            let parsed: Method = method.parse().unwrap();
            let answer = server
                .send(parsed, &path, Some(&mia.access), &marker, &body)
                .await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(
                !said.contains("seen by nobody"),
                "{method} {path} gives back what was sent"
            );
        }
    }
    for path in ["/", "/index.html", "/api", "/api/v1/nothing", "/nothing"] {
        for method in ["TRACE", "TRACK", "PROPFIND", "PUT", "DELETE"] {
            let asked = server
                .request(method.parse().unwrap(), path)
                .header("x-marker", "seen by nobody")
                .body(Full::default())
                .unwrap();
            let answer = server.ask(asked).await;
            assert!(!answer.status.is_success(), "{method} {path}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("seen by nobody"));
        }
    }
}

/// The answer to a path exactly as it is written here.
async fn at(server: &Server, path: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .uri(path)
        .header("host", server.address.to_string())
        .header("accept", "*/*")
        .body(Full::default())
        .unwrap();
    let answer = server.ask(request).await;
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

#[tokio::test]
async fn a_path_that_climbs_finds_no_file_of_the_machine() {
    let server = Server::start().await;
    // Beside the database, where a path that climbs out of the web app's files might come out.
    std::fs::write(
        server.folder.path().join("otter.txt"),
        "an otter that nobody sees",
    )
    .unwrap();
    let folder = server.folder.path().display().to_string();
    for path in [
        "/../otter.txt",
        "/assets/../../otter.txt",
        "/assets/..%2f..%2fotter.txt",
        "/%2e%2e/%2e%2e/otter.txt",
        "/..%5c..%5cotter.txt",
        "/./otter.txt",
        "//otter.txt",
        &format!("/{folder}/otter.txt"),
        &format!("/assets/../../../../../../../..{folder}/otter.txt"),
        &format!("/%2e%2e{}", folder.replace('/', "%2f")),
        "/../../../../../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%00/etc/passwd",
        "/api/v1/../../../etc/passwd",
        "/api/v1/blobs/..%2f..%2fotter.txt",
        "/Cargo.toml",
        "/secrets/opaque-setup",
        "/conclave.db",
        "/.git/config",
    ] {
        let (status, said) = at(&server, path).await;
        assert!(
            status == StatusCode::NOT_FOUND || status.is_client_error(),
            "{path}: {status}"
        );
        for secret in ["otter that", "root:", "[package]", "SQLite format"] {
            assert!(!said.contains(secret), "{path}: {said}");
        }
    }
}

#[tokio::test]
async fn a_value_that_is_given_twice_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let send = async |path: &str, body: &str| {
        let request = server
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", mia.access.as_str()))
            .body(Full::from(body.to_owned()))
            .unwrap();
        server.ask(request).await
    };
    let attempt = Token::from_random(random());
    let (one, other) = (mia.refresh.as_str(), "a-token-of-somebody-else");
    for (first, second) in [(one, other), (other, one)] {
        let twice = format!(
            "{{\"refresh_token\":\"{first}\",\"refresh_token\":\"{second}\",\"attempt\":\"{}\"}}",
            attempt.as_str()
        );
        let answer = send("/api/v1/logins/refresh", &twice).await;
        assert_eq!(answer.code(), ErrorCode::Malformed);
    }
    let entries = format!("/api/v1/accounts/{}/entries", mia.account);
    for query in ["?after=0&after=1", "?after=1&after=0"] {
        let answer = server.get(&format!("{entries}{query}"), Some(&mia.access)).await;
        assert_eq!(answer.code(), ErrorCode::Malformed, "{query}");
    }
    let once = server.get(&format!("{entries}?after=0"), Some(&mia.access)).await;
    assert!(once.status.is_success());
    let bearers = server
        .request(Method::GET, "/api/v1/logins")
        .header("authorization", "Bearer somebody")
        .header("authorization", format!("Bearer {}", mia.access.as_str()))
        .body(Full::default())
        .unwrap();
    let answer = server.ask(bearers).await;
    assert_eq!(answer.code(), ErrorCode::SignInNeeded, "the first one counts");
}

#[tokio::test]
async fn fields_that_nobody_asked_for_change_nothing() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let presence = server.get("/api/v1/account/presence", Some(&ben.access)).await;
    let mut chosen: serde_json::Value = presence.json();
    let fields = chosen.as_object_mut().unwrap();
    fields.insert("administrator".into(), true.into());
    fields.insert("account".into(), mia.account.to_string().into());
    fields.insert("suspended".into(), false.into());
    fields.insert("username".into(), "mia".into());
    let put = server
        .send(
            Method::PUT,
            "/api/v1/account/presence?administrator=true&account=x",
            Some(&ben.access),
            &[],
            &chosen,
        )
        .await;
    assert!(put.status.is_success(), "{put:?}");
    let forbidden = server.get("/api/v1/admin/accounts", Some(&ben.access)).await;
    assert_eq!(forbidden.code(), ErrorCode::Forbidden);
    let found: AccountFound = server
        .get("/api/v1/accounts/by-username/ben", Some(&mia.access))
        .await
        .json();
    assert_eq!(found.account, ben.account);
}
