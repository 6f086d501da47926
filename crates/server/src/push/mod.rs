//! Wakes devices whose browsers are closed, by Web Push: contentless, from a durable queue.
//!
//! | module | owns |
//! |---|---|
//! | [`keys`] | the server's key for it, and the token that names the server to a push service (RFC 8292) |
//! | [`sealing`] | what is pushed, sealed for one browser (RFC 8291) |
//! | [`services`] | to which addresses the server sends at all |
//! | [`client`] | one request, which leads nowhere else |
//! | [`delivering`] | the queue: who has to be woken, who is there already, what is tried again |
//!
//! Nothing here knows what was written, nor could: it reads who wrote in which room, which the server knows.

mod client;
mod delivering;
mod keys;
mod sealing;
mod services;

use conclave_protocol::Bytes;

use crate::config::{PublicUrl, PushConfig};
use crate::error::StartError;
use client::Client;
use services::Services;

pub(crate) use delivering::{LIFE_MS, deliver, run};
pub(crate) use keys::PushKey;

/// What sends; absent where the server wakes nobody.
pub(crate) struct Push {
    key: PushKey,
    services: Services,
    client: Client,
    /// Whom a push service may write to about this server.
    contact: String,
}

impl Push {
    /// By the configuration; none where it is off or no browser would take part: they ask for TLS.
    pub(crate) fn new(
        config: &PushConfig,
        public: &PublicUrl,
        key: PushKey,
    ) -> Result<Option<Self>, StartError> {
        let services = Services::parse(config)?;
        let contact = contact(config, public)?;
        if !is_on(config, public) {
            return Ok(None);
        }
        Ok(Some(Self {
            key,
            services,
            client: Client::new(config.loopback).map_err(|_| StartError::Push)?,
            contact,
        }))
    }

    /// The public key, as browsers take it.
    pub(crate) fn public_key(&self) -> Bytes {
        Bytes(self.key.public().to_vec())
    }

    /// Whether the server sends to this address.
    pub(crate) fn sends_to(&self, endpoint: &str) -> bool {
        self.services.parse_endpoint(endpoint).is_some()
    }
}

/// Whether anybody is woken.
pub(crate) fn is_on(config: &PushConfig, public: &PublicUrl) -> bool {
    config.on && (public.is_https() || config.loopback)
}

/// Whether a browser's public key is one.
pub(crate) fn is_public_key(bytes: &[u8]) -> bool {
    sealing::public_key(bytes).is_some()
}

fn contact(config: &PushConfig, public: &PublicUrl) -> Result<String, StartError> {
    let Some(contact) = &config.contact else {
        return Ok(public.origin().to_owned());
    };
    let is_address = contact
        .strip_prefix("mailto:")
        .is_some_and(|address| address.contains('@'))
        || contact.starts_with("https://");
    if !is_address || contact.contains(['"', '\\']) || contact.chars().any(char::is_control) {
        return Err(StartError::Config(format!(
            "push.contact has to look like mailto:somebody@example.org or https://example.org, but is {contact:?}"
        )));
    }
    Ok(contact.clone())
}
