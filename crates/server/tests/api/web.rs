//! What every answer has in common, and the web app.

use conclave_protocol::limits::REQUEST_BODY_MAX;
use conclave_protocol::{ErrorCode, Problem};
use http::{Method, StatusCode};
use http_body_util::Full;

use crate::harness::{Answer, Server};

fn is_strict(answer: &Answer) {
    let csp = answer.headers["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval';",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(csp.contains(part), "{part} in {csp}");
    }
    assert!(!csp.contains("unsafe-inline") && !csp.contains("'unsafe-eval'"));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(answer.headers["cross-origin-resource-policy"], "same-origin");
    assert!(answer.headers.contains_key("permissions-policy"));
    assert!(answer.headers.contains_key("cache-control"));
    assert!(answer.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn every_answer_is_strict() {
    let server = Server::start().await;
    let paths = [
        "/",
        "/healthz",
        "/readyz",
        "/api/v1/server",
        "/api/v1/nothing",
        "/nothing.js",
        "/api/v1/ws",
        "/api/v1/devices/prekeys",
    ];
    for path in paths {
        is_strict(&server.get(path, None).await);
    }
    is_strict(&server.post("/api/v1/server", None, &()).await);
    is_strict(&server.post("/api/v1/logins/refresh", None, &1).await);
}

#[tokio::test]
async fn transport_security_is_promised_only_where_there_is_any() {
    let plain = Server::start().await;
    assert!(
        !plain
            .get("/healthz", None)
            .await
            .headers
            .contains_key("strict-transport-security")
    );
    let secure = Server::start_with(|config| config.public_url = Some("https://a.example".to_owned())).await;
    assert!(
        secure
            .get("/healthz", None)
            .await
            .headers
            .contains_key("strict-transport-security")
    );
}

#[tokio::test]
async fn refusals_are_problems_with_a_sentence() {
    let server = Server::start().await;
    assert_eq!(
        server.get("/api/v1/nothing", None).await.code(),
        ErrorCode::NotFound
    );
    let answer = server.post("/api/v1/logins/refresh", None, &1).await;
    assert_eq!(answer.code(), ErrorCode::Malformed);
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem.title, ErrorCode::Malformed.sentence());
    assert_eq!(
        server.post("/api/v1/server", None, &()).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused() {
    let server = Server::start().await;
    let mut body = vec![b' '; REQUEST_BODY_MAX];
    body.push(b'1');
    let request = server
        .request(Method::POST, "/api/v1/logins/refresh")
        .header("content-type", "application/json")
        .body(Full::from(body))
        .unwrap();
    assert_eq!(server.ask(request).await.code(), ErrorCode::TooLarge);
}

#[tokio::test]
async fn a_body_that_a_form_could_send_is_refused() {
    let server = Server::start().await;
    let request = server
        .request(Method::POST, "/api/v1/logins/refresh")
        .header("content-type", "text/plain")
        .body(Full::from("{}"))
        .unwrap();
    assert_eq!(server.ask(request).await.code(), ErrorCode::Malformed);
}

#[tokio::test]
async fn an_address_inside_the_app_is_the_app_and_a_missing_file_is_missing() {
    let server = Server::start().await;
    let page = server
        .request(Method::GET, "/rooms/abc")
        .header("accept", "text/html,*/*")
        .body(Full::default());
    let page = server.ask(page.unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(
        server.get("/assets/missing.js", None).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        server.post("/rooms/abc", None, &()).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz", None).await.status, StatusCode::OK);
    assert_eq!(server.get("/readyz", None).await.status, StatusCode::OK);
}
