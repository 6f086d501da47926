//! What is set: the address, proxies, the listener of metrics.

use std::net::SocketAddr;

use super::{Finding, good, warning, wrong};
use crate::config::{Config, PublicUrl};

pub(super) fn address(config: &Config) -> Finding {
    let subject = "address";
    let public = match config.public(config.listen) {
        Ok(public) => public,
        Err(error) => return wrong(subject, error.to_string()),
    };
    let origin = public.origin();
    if config.public_url.is_none() {
        let text = format!(
            "public_url is not set, so links and origin checks go by {origin}; set it to what people type"
        );
        return if config.listen.ip().is_loopback() {
            warning(subject, text)
        } else {
            wrong(subject, text)
        };
    }
    if !public.is_https() && !is_local(&public) {
        return wrong(
            subject,
            format!(
                "people reach {origin} without TLS: browsers do not open the app there and passwords' proofs can be watched. Put a proxy that speaks TLS in front and begin public_url with https://"
            ),
        );
    }
    if !config.listen.ip().is_loopback() && public.is_https() {
        return warning(
            subject,
            format!(
                "{} takes connections without TLS from other machines; listen on 127.0.0.1 behind the proxy, unless the network between is your own",
                config.listen
            ),
        );
    }
    good(subject, format!("people reach this server at {origin}"))
}

fn is_local(public: &PublicUrl) -> bool {
    let host = public.origin().trim_start_matches("http://");
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

pub(super) fn proxies(config: &Config) -> Finding {
    let subject = "proxies";
    if let Some(network) = config
        .trusted_proxies
        .iter()
        .find(|network| network.is_everybody())
    {
        return wrong(
            subject,
            format!(
                "trusted_proxies holds {network}, so anybody can write the address that limits go by; name the proxy alone"
            ),
        );
    }
    let is_https = config
        .public_url
        .as_deref()
        .is_some_and(|url| url.starts_with("https://"));
    if is_https && config.trusted_proxies.is_empty() {
        return warning(
            subject,
            "trusted_proxies is empty although something in front speaks TLS: all people then share its address in the limits. Name its address, for example 127.0.0.1",
        );
    }
    good(subject, format!("{} believed", config.trusted_proxies.len()))
}

pub(super) fn metrics(listen: Option<SocketAddr>) -> Option<Finding> {
    let listen = listen?;
    Some(if listen.ip().is_loopback() {
        good(
            "metrics",
            format!("http://{listen}/metrics, for this machine alone"),
        )
    } else {
        warning(
            "metrics",
            format!(
                "metrics_listen is {listen}: whoever reaches it reads how busy this server is, without signing in. Use 127.0.0.1, or see that only your own machines reach it"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn level(change: impl FnOnce(&mut Config), look: fn(&Config) -> Finding) -> Level {
        let mut config = Config::default();
        change(&mut config);
        look(&config).level
    }

    fn set(url: &str) -> impl FnOnce(&mut Config) {
        move |config| config.public_url = Some(url.to_owned())
    }

    #[test]
    fn an_address_without_tls_is_wrong_unless_it_is_this_machine() {
        assert_eq!(level(|_| (), address), Level::Warning);
        assert_eq!(level(set("https://chat.example.org"), address), Level::Good);
        assert_eq!(level(set("http://localhost:8080"), address), Level::Good);
        assert_eq!(level(set("http://chat.example.org"), address), Level::Wrong);
        assert_eq!(level(set("http://localhost.example.org"), address), Level::Wrong);
        let open = |config: &mut Config| {
            config.public_url = Some("https://a.example".to_owned());
            config.listen = "0.0.0.0:8080".parse().unwrap();
        };
        assert_eq!(level(open, address), Level::Warning);
    }

    #[test]
    fn a_proxy_that_anybody_can_be_is_wrong() {
        let everybody = |config: &mut Config| config.trusted_proxies = vec!["::/0".parse().unwrap()];
        assert_eq!(level(everybody, proxies), Level::Wrong);
        assert_eq!(level(set("https://a.example"), proxies), Level::Warning);
        let named = |config: &mut Config| {
            config.public_url = Some("https://a.example".to_owned());
            config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        };
        assert_eq!(level(named, proxies), Level::Good);
    }
}
