//! The web app: files that are part of this program, so that a server is one file.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use conclave_protocol::ErrorCode;
use conclave_protocol::bytes::to_base64;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
struct Files;

const INDEX: &str = "index.html";
/// Shown by a server that was built without the web app.
const MISSING: &str = "<!doctype html><meta charset=\"utf-8\"><title>Conclave</title>\
    <p>The web app was not built; run <code>cargo xtask run</code>.</p>\n";
/// Where the build puts files whose name holds their hash. They never change.
const HASHED: &[&str] = &["assets/", "_app/immutable/"];
/// What the build leaves beside a file, best first.
const ENCODINGS: &[(&str, &str)] = &[("br", ".br"), ("gzip", ".gz")];

/// Everything that no route answers: a file of the web app, or the app itself for an address inside it.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return ApiError::from(ErrorCode::NotFound).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = if path.is_empty() { INDEX } else { path };
    if let Some(file) = Files::get(path) {
        return answer(path, file, &headers);
    }
    if !wants_page(&headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Files::get(INDEX) {
        Some(file) => answer(INDEX, file, &headers),
        None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], MISSING).into_response(),
    }
}

fn answer(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let (file, encoding) = encoded(path, asked).unwrap_or((file, None));
    let tag = format!("\"{}\"", to_base64(&file.metadata.sha256_hash()[..18]));
    let unchanged = list(asked, header::IF_NONE_MATCH).any(|known| known.trim_start_matches("W/") == tag);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match file.data {
            Cow::Borrowed(bytes) => bytes.into_response(),
            Cow::Owned(bytes) => bytes.into_response(),
        }
    };
    let headers = response.headers_mut();
    let kept = if HASHED.iter().any(|folder| path.starts_with(folder)) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The compressed sibling that the browser takes, where the build left one.
fn encoded(path: &str, asked: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    ENCODINGS.iter().find_map(|(name, ending)| {
        let taken = list(asked, header::ACCEPT_ENCODING).any(|part| takes(part, name));
        let file = Files::get(&format!("{path}{ending}")).filter(|_| taken)?;
        Some((file, Some(*name)))
    })
}

/// Whether one part of an `Accept-Encoding` takes an encoding.
fn takes(part: &str, encoding: &str) -> bool {
    let (name, quality) = part.split_once(';').unwrap_or((part, ""));
    let refused = quality
        .trim()
        .strip_prefix("q=")
        .is_some_and(|q| q.trim().parse() == Ok(0.0));
    name.trim().eq_ignore_ascii_case(encoding) && !refused
}

fn wants_page(headers: &HeaderMap) -> bool {
    list(headers, header::ACCEPT).any(|part| part.starts_with("text/html"))
}

/// The parts of a header that lists with commas.
fn list(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Content types of what the build makes. WebAssembly compiles while it loads only under its own type.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "ogg" | "opus" => "audio/ogg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_taken_unless_it_is_refused() {
        assert!(takes("br", "br") && takes("BR;q=0.5", "br"));
        assert!(!takes("br;q=0", "br") && !takes("gzip", "br"));
    }

    #[test]
    fn webassembly_and_scripts_have_their_own_type() {
        assert_eq!(kind("assets/engine-ab12.wasm"), "application/wasm");
        assert_eq!(kind("assets/main.js"), "text/javascript; charset=utf-8");
    }
}
