//! Headers on every answer that keep a browser strict.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::state::App;

/// Nothing but our own files; scripts only from files, markup only through Trusted Types. `'self'` in
/// `connect-src` covers the socket of the same origin too.
const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
    img-src 'self' data: blob:; media-src blob:; worker-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types conclave svelte-trusted-html";

/// Of what a page could ask the browser for, only what calls and copying need.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(self), clipboard-read=(self), \
    clipboard-write=(self), display-capture=(self), geolocation=(), gyroscope=(), magnetometer=(), \
    microphone=(self), midi=(), payment=(), usb=()";

const ALWAYS: &[(&str, &str)] = &[
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", PERMISSIONS),
];

/// Two years. Other hosts below this one are not ours to decide about.
const HSTS: &str = "max-age=63072000";

/// Adds the headers.
pub(crate) async fn add(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if app.public.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    keep_out_of_caches(headers);
    response
}

/// What does not say that it may be kept is not kept: answers hold tokens and who knows whom.
fn keep_out_of_caches(headers: &mut HeaderMap) {
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
