//! Waking devices whose browsers are closed.

use serde::{Deserialize, Serialize};

/// Web Push.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Devices that ask for it are woken, where people reach the server by https. False: nobody is, and nothing of it is
    /// said to any push service.
    pub on: bool,
    /// Whom the operators of a push service may write to: `mailto:…` or `https://…`; `public_url` when absent. Push
    /// services see it with each wake.
    pub contact: Option<String>,
    /// Names of the push services that the server sends to; `*.` in front stands for all below. A browser's maker runs
    /// them, and nobody else is sent anything, because people name the address.
    pub services: Vec<String>,
    /// Sends to this machine, without TLS: for tests. No file, variable or option sets it.
    #[doc(hidden)]
    #[serde(skip)]
    pub loopback: bool,
}

impl Default for PushConfig {
    fn default() -> Self {
        let services = [
            "fcm.googleapis.com",
            "*.push.services.mozilla.com",
            "*.push.apple.com",
            "*.notify.windows.com",
        ];
        Self {
            on: true,
            contact: None,
            services: services.map(str::to_owned).to_vec(),
            loopback: false,
        }
    }
}
