//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ::http::Uri;
use ::http::uri::{Authority, PathAndQuery, Scheme};
use thiserror::Error;

/// The origin of a server: `https://host` or `http://host`, with a port if it is not the usual one.
///
/// Without a scheme it is `https`, and on this machine `http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    scheme: Scheme,
    authority: Authority,
}

/// Why a text is no address of a server, or one that is not spoken to.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// It has not the form.
    #[error("This is not a server's address. It looks like https://chat.example.org.")]
    Malformed,
    /// Something stands behind the host.
    #[error("A server's address ends with its host: leave out what comes behind it.")]
    Path,
    /// Plain HTTP to another machine.
    #[error("This address is not protected. Use https:// in front of it.")]
    Plain,
}

impl ServerAddress {
    /// Whether the connection is protected by TLS.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Whether the server is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.authority.host())
    }

    /// Refuses plain HTTP to another machine.
    pub(crate) fn checked(self, allow_plain: bool) -> Result<Self, AddressError> {
        if self.is_secure() || self.is_loopback() || allow_plain {
            Ok(self)
        } else {
            Err(AddressError::Plain)
        }
    }

    /// Its host.
    pub(crate) fn host(&self) -> &str {
        self.authority.host()
    }

    /// The address of something on the server.
    pub(crate) fn http(&self, path: &str) -> Option<Uri> {
        self.uri(self.scheme.clone(), path)
    }

    /// The address of a socket on the server.
    pub(crate) fn socket(&self, path: &str) -> Option<Uri> {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        self.uri(scheme.parse().ok()?, path)
    }

    fn uri(&self, scheme: Scheme, path: &str) -> Option<Uri> {
        Uri::builder()
            .scheme(scheme)
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_str(path).ok()?)
            .build()
            .ok()
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(Scheme::HTTPS), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(Scheme::HTTP), rest),
            Some(_) => return Err(AddressError::Malformed),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(AddressError::Path);
        }
        if rest.contains('@') {
            return Err(AddressError::Malformed);
        }
        let authority =
            Authority::from_str(&rest.to_ascii_lowercase()).map_err(|_| AddressError::Malformed)?;
        if authority.host().is_empty() {
            return Err(AddressError::Malformed);
        }
        let scheme = scheme.unwrap_or(if is_loopback(authority.host()) {
            Scheme::HTTP
        } else {
            Scheme::HTTPS
        });
        let usual = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let port = match (
            authority.port_u16(),
            authority.host().len() < authority.as_str().len(),
        ) {
            (Some(port), _) => (port != usual).then_some(port),
            (None, true) => return Err(AddressError::Malformed),
            (None, false) => None,
        };
        let written = match port {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let authority = Authority::from_str(&written).map_err(|_| AddressError::Malformed)?;
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, AddressError> {
        text.parse::<ServerAddress>().map(|address| address.to_string())
    }

    #[test]
    fn an_address_has_one_spelling() {
        for (text, expected) in [
            ("https://chat.example.org", "https://chat.example.org"),
            (" HTTPS://Chat.Example.org:443/ ", "https://chat.example.org"),
            ("chat.example.org", "https://chat.example.org"),
            ("chat.example.org:8443", "https://chat.example.org:8443"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost", "http://localhost"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(parsed(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "https://",
            "ftp://chat.example.org",
            "mia@chat.example.org",
            "a b",
            "host:99999",
            "host:",
        ] {
            assert_eq!(parsed(text), Err(AddressError::Malformed), "{text}");
        }
        assert_eq!(parsed("https://chat.example.org/app"), Err(AddressError::Path));
        assert_eq!(
            parsed("https://chat.example.org/#/invite/x"),
            Err(AddressError::Path)
        );
    }

    #[test]
    fn plain_http_is_for_this_machine_unless_somebody_insists() {
        let checked = |text: &str, allow| text.parse::<ServerAddress>().unwrap().checked(allow).map(|_| ());
        assert_eq!(checked("http://127.0.0.1:9", false), Ok(()));
        assert_eq!(checked("http://app.localhost", false), Ok(()));
        assert_eq!(checked("https://chat.example.org", false), Ok(()));
        for text in [
            "http://chat.example.org",
            "http://192.168.1.5:8080",
            "http://localhost.example.org",
        ] {
            assert_eq!(checked(text, false), Err(AddressError::Plain), "{text}");
            assert_eq!(checked(text, true), Ok(()), "{text}");
        }
    }

    #[test]
    fn paths_are_put_behind_the_origin() {
        let address: ServerAddress = "https://chat.example.org:8443".parse().unwrap();
        let path = "/api/v1/rooms/x/envelopes?after=0";
        assert_eq!(
            address.http(path).unwrap().to_string(),
            format!("https://chat.example.org:8443{path}")
        );
        assert_eq!(
            address.socket("/api/v1/ws").unwrap().to_string(),
            "wss://chat.example.org:8443/api/v1/ws"
        );
    }
}
