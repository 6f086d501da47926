//! To which addresses the server sends: people name them, so that without a list a stranger could have the server ask
//! whatever it reaches.

use std::net::IpAddr;

use conclave_protocol::limits::PUSH_ENDPOINT_MAX;
use http::Uri;

use crate::config::PushConfig;
use crate::error::StartError;

/// The known push services.
pub(super) struct Services {
    hosts: Vec<Host>,
    /// This machine, without TLS: for tests.
    loopback: bool,
}

enum Host {
    /// This one.
    One(String),
    /// Every one below it; begins with a dot.
    Below(String),
}

/// An address that the server sends to.
pub(super) struct Endpoint {
    pub(super) uri: Uri,
    /// The push service, as a token names it: scheme and authority.
    pub(super) audience: String,
}

impl Services {
    /// The list of the configuration.
    pub(super) fn parse(config: &PushConfig) -> Result<Self, StartError> {
        let hosts = config.services.iter().map(|text| {
            let (name, below) = match text.strip_prefix("*.") {
                Some(name) => (name, true),
                None => (text.as_str(), false),
            };
            let name = name.to_ascii_lowercase();
            let is_name = name.contains('.')
                && !name.starts_with('.')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
                && name.parse::<IpAddr>().is_err();
            match (is_name, below) {
                (true, false) => Ok(Host::One(name)),
                (true, true) => Ok(Host::Below(format!(".{name}"))),
                (false, _) => Err(StartError::Config(format!(
                    "push.services has to hold names like push.example.org or *.push.example.org, but holds {text:?}"
                ))),
            }
        });
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            loopback: config.loopback,
        })
    }

    /// The address, where the server sends to it: https, no port but its own, a name of the list.
    pub(super) fn parse_endpoint(&self, text: &str) -> Option<Endpoint> {
        if text.len() > PUSH_ENDPOINT_MAX || text.contains('#') {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let host = authority.host().to_ascii_lowercase();
        if authority.as_str().contains('@') {
            return None;
        }
        let is_known = match (scheme, uri.port_u16()) {
            ("https", None | Some(443)) => self.hosts.iter().any(|known| match known {
                Host::One(name) => *name == host,
                Host::Below(end) => host.ends_with(end.as_str()) && host.len() > end.len(),
            }),
            ("http", Some(_)) => self.loopback && host == "127.0.0.1",
            _ => false,
        };
        let audience = match uri.port_u16().filter(|port| *port != 443) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        is_known.then_some(Endpoint { uri, audience })
    }
}

/// Whether an address is one of the public internet. A name of the list that leads elsewhere is not followed there.
#[expect(
    clippy::unnested_or_patterns,
    reason = "one line for each network, as the registries list them"
)]
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let special = matches!(
                (a, b, c),
                (0 | 10 | 127, ..)
                    | (100, 64..=127, _)
                    | (169, 254, _)
                    | (172, 16..=31, _)
                    | (192, 168, _)
                    | (192, 0, 0 | 2)
                    | (192, 88, 99)
                    | (198, 18 | 19, _)
                    | (198, 51, 100)
                    | (203, 0, 113)
                    | (224.., ..)
            );
            !special
        }
        IpAddr::V6(address) => {
            let segments = address.segments();
            // Networks that translate to IPv4: what stands behind decides.
            if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = segments {
                let bits = (u32::from(high) << 16) | u32::from(low);
                return is_public(IpAddr::V4(bits.into()));
            }
            let [first, second, ..] = segments;
            let special = matches!(
                (first, second),
                (0x2001, 0..=0x01ff | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0x0fff)
            );
            (0x2000..0x4000).contains(&first) && !special
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_sends_to_the_known_push_services_and_to_nobody_else() {
        let services = Services::parse(&PushConfig::default()).unwrap();
        for known in [
            "https://fcm.googleapis.com/fcm/send/abc:DEF",
            "https://FCM.googleapis.com:443/wp/abc",
            "https://updates.push.services.mozilla.com/wpush/v2/abc",
            "https://web.push.apple.com/abc",
            "https://wns2-par02p.notify.windows.com/w/?token=abc",
        ] {
            assert!(services.parse_endpoint(known).is_some(), "{known}");
        }
        for refused in [
            "",
            "abc",
            "http://fcm.googleapis.com/a",
            "https://fcm.googleapis.com:8443/a",
            "https://fcm.googleapis.com@evil.example/a",
            "https://evil@fcm.googleapis.com/a",
            "https://fcm.googleapis.com.evil.example/a",
            "https://evilfcm.googleapis.com/a",
            "https://push.apple.com/a",
            "https://.push.apple.com/a",
            "https://evilpush.apple.com/a",
            "https://127.0.0.1/a",
            "http://127.0.0.1:80/a",
            "https://[::1]/a",
            "https://localhost/a",
            "https://169.254.169.254/latest",
            "https://fcm.googleapis.com/a#b",
            "file:///etc/passwd",
        ] {
            assert!(services.parse_endpoint(refused).is_none(), "{refused}");
        }
        let long = format!("https://fcm.googleapis.com/{}", "a".repeat(PUSH_ENDPOINT_MAX));
        assert!(services.parse_endpoint(&long).is_none());
    }

    #[test]
    fn a_token_names_the_push_service_alone() {
        let services = Services::parse(&PushConfig::default()).unwrap();
        let endpoint = services
            .parse_endpoint("https://FCM.googleapis.com:443/wp/abc")
            .unwrap();
        assert_eq!(endpoint.audience, "https://fcm.googleapis.com");
    }

    #[test]
    fn the_list_holds_names() {
        let parse = |name: &str| {
            Services::parse(&PushConfig {
                services: vec![name.to_owned()],
                ..PushConfig::default()
            })
        };
        assert!(parse("push.example.org").is_ok() && parse("*.example.org").is_ok());
        for refused in [
            "",
            "*",
            "*.",
            "localhost",
            "127.0.0.1",
            "https://a.example",
            "a.*.example",
            "[::1]",
        ] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn no_name_leads_into_an_inner_network() {
        for inner in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2001:db8::1",
            "2002:a00:1::",
            "2001::1",
            "100::1",
        ] {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
        for public in [
            "8.8.8.8",
            "142.250.1.1",
            "172.32.0.1",
            "2a00:1450:4001::1",
            "2620::1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
