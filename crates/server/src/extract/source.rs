//! Where a request comes from, for limits only.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::HeaderMap;
use http::request::Parts;

use crate::config::Network;
use crate::error::ApiError;
use crate::limits::Source;
use crate::state::App;

/// The counter of the asker's address.
pub(crate) struct AskedFrom(pub(crate) Source);

impl FromRequestParts<Arc<App>> for AskedFrom {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0.ip());
        let address = behind_proxies(peer, &parts.headers, &app.config.trusted_proxies);
        Ok(Self(app.limits.source(address)))
    }
}

/// Walks back from the socket through the proxies that are believed. Each adds the address it heard from at
/// the end, so the first from the end that is not a believed proxy is the asker; what stands before it the
/// asker may have written.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let believed = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer;
    let named = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|part| part.trim().parse::<IpAddr>());
    for named in named.collect::<Vec<_>>().into_iter().rev() {
        let (true, Ok(named)) = (believed(address), named) else {
            break;
        };
        address = named;
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
        assert_eq!(asked("10.0.0.1", "192.0.2.7"), "192.0.2.7");
        assert_eq!(asked("203.0.113.9", "192.0.2.7"), "203.0.113.9");
    }

    #[test]
    fn what_the_asker_wrote_before_the_proxy_is_not_believed() {
        assert_eq!(asked("10.0.0.1", "1.1.1.1, 192.0.2.7"), "192.0.2.7");
        assert_eq!(asked("10.0.0.1", "1.1.1.1, 192.0.2.7, 10.0.0.2"), "192.0.2.7");
        assert_eq!(asked("10.0.0.1", "nonsense"), "10.0.0.1");
    }
}
