//! Links that people send each other, as arguments.

use std::str::FromStr;

use conclave_protocol::{AccountId, Username};
use conclave_sdk::{AddressError, ServerAddress};
use thiserror::Error;

/// Why a text is not what a command asks for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum LinkError {
    #[error(
        "this is not an invite: it looks like https://chat.example.org/#/invite/…, or only what comes last"
    )]
    Invite,
    #[error("this is an invite, not a contact link")]
    NotAContact,
    #[error("this is a contact link, not an invite")]
    NotAnInvite,
    #[error("this is not a contact link: it looks like https://chat.example.org/#/contact/mia/…")]
    Contact,
    #[error("this is not the code of a new device: it looks like https://chat.example.org/#/link/…")]
    Code,
    #[error(
        "a name has 2 to 32 small letters, digits, dots, dashes or underscores, and begins with a letter"
    )]
    Name,
    #[error(transparent)]
    Server(#[from] AddressError),
}

/// The secret that lets somebody register, and the server that gave it if a whole link was given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct InviteArg {
    pub(crate) server: Option<ServerAddress>,
    pub(crate) token: String,
}

impl std::fmt::Debug for InviteArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteArg")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl FromStr for InviteArg {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let (server, token) = match Link::split(text)? {
            None => (None, text),
            Some(Link { server, route }) => match route.split_once('/') {
                Some(("invite" | "setup", token)) => (server, token),
                Some(("contact", _)) => return Err(LinkError::NotAnInvite),
                _ => return Err(LinkError::Invite),
            },
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if token.is_empty() || token.len() > 128 || !token.chars().all(allowed) {
            return Err(LinkError::Invite);
        }
        Ok(Self {
            server,
            token: token.to_owned(),
        })
    }
}

/// Somebody: a name, or a contact link, which also says which account has to stand behind the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WhoArg {
    pub(crate) server: Option<ServerAddress>,
    pub(crate) username: Username,
    pub(crate) account: Option<AccountId>,
}

impl FromStr for WhoArg {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let Some(Link { server, route }) = Link::split(text)? else {
            let username = text.parse().map_err(|_| LinkError::Name)?;
            return Ok(Self {
                server: None,
                username,
                account: None,
            });
        };
        let mut parts = route.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("contact"), Some(username), Some(account), None) => Ok(Self {
                server,
                username: username.parse().map_err(|_| LinkError::Contact)?,
                account: Some(account.parse().map_err(|_| LinkError::Contact)?),
            }),
            (Some("invite" | "setup"), ..) => Err(LinkError::NotAContact),
            _ => Err(LinkError::Contact),
        }
    }
}

/// What a new device shows: its code, and its server if a whole link was given.
#[derive(Clone)]
pub(crate) struct LinkArg {
    pub(crate) server: Option<ServerAddress>,
    pub(crate) code: String,
}

impl std::fmt::Debug for LinkArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkArg")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl FromStr for LinkArg {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        let (server, code) = match Link::split(text)? {
            None => (None, text),
            Some(Link { server, route }) => match route.split_once('/') {
                Some(("link", code)) => (server, code),
                _ => return Err(LinkError::Code),
            },
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if code.is_empty() || code.len() > 256 || !code.chars().all(allowed) {
            return Err(LinkError::Code);
        }
        Ok(Self {
            server,
            code: code.to_owned(),
        })
    }
}

/// A link into the web app: its origin, if it is there, and what stands behind the `#/`.
struct Link<'a> {
    server: Option<ServerAddress>,
    route: &'a str,
}

impl<'a> Link<'a> {
    fn split(text: &'a str) -> Result<Option<Self>, LinkError> {
        let Some((origin, route)) = text.split_once("#/") else {
            return Ok(None);
        };
        let server = match origin.trim_end_matches('/') {
            "" => None,
            origin => Some(origin.parse()?),
        };
        Ok(Some(Self {
            server,
            route: route.trim_end_matches('/'),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";

    fn server(text: &str) -> Option<ServerAddress> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_invite_is_a_whole_link_its_path_or_its_token() {
        for (text, from) in [
            (
                format!("https://chat.example.org/#/invite/{TOKEN}"),
                server("https://chat.example.org"),
            ),
            (
                format!(" http://127.0.0.1:8080/#/setup/{TOKEN} "),
                server("http://127.0.0.1:8080"),
            ),
            (
                format!("chat.example.org/#/invite/{TOKEN}/"),
                server("https://chat.example.org"),
            ),
            (format!("/#/invite/{TOKEN}"), None),
            (format!("/#/setup/{TOKEN}"), None),
            (TOKEN.to_owned(), None),
        ] {
            let expected = InviteArg {
                server: from,
                token: TOKEN.to_owned(),
            };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_invite_is_told_apart() {
        let refused = |text: &str| text.parse::<InviteArg>().unwrap_err();
        for text in [
            "",
            "two words",
            "https://chat.example.org",
            "/#/invite/",
            "/#/rooms/x",
            "/#/invite/a/b",
            "/#/invite/ä",
        ] {
            assert_eq!(refused(text), LinkError::Invite, "{text}");
        }
        assert_eq!(refused("/#/contact/mia/x"), LinkError::NotAnInvite);
        assert_eq!(
            refused("https://a b/#/invite/x"),
            LinkError::Server(AddressError::Malformed)
        );
        assert_eq!(
            refused("https://chat.example.org/app/#/invite/x"),
            LinkError::Server(AddressError::Path)
        );
    }

    #[test]
    fn an_invite_is_never_printed() {
        let arg: InviteArg = format!("https://chat.example.org/#/invite/{TOKEN}")
            .parse()
            .unwrap();
        assert!(!format!("{arg:?}").contains(TOKEN));
    }

    #[test]
    fn the_code_of_a_new_device_is_a_whole_link_its_path_or_itself_and_never_printed() {
        for (text, from) in [
            (
                format!("https://chat.example.org/#/link/{TOKEN}"),
                server("https://chat.example.org"),
            ),
            (format!("/#/link/{TOKEN}"), None),
            (format!(" {TOKEN} "), None),
        ] {
            let arg: LinkArg = text.parse().unwrap();
            assert_eq!((arg.code.as_str(), &arg.server), (TOKEN, &from), "{text}");
            assert!(!format!("{arg:?}").contains(TOKEN));
        }
        for text in ["", "two words", "/#/invite/abc", "/#/link/", "/#/link/a/b"] {
            assert_eq!(text.parse::<LinkArg>().unwrap_err(), LinkError::Code, "{text}");
        }
    }

    #[test]
    fn a_person_is_a_name_or_a_contact_link() {
        let account = AccountId([7; 32]);
        let named: WhoArg = " @Mia.K ".parse().unwrap();
        assert_eq!(
            (named.username.as_str(), named.account, named.server),
            ("mia.k", None, None)
        );

        let linked: WhoArg = format!("https://chat.example.org/#/contact/mia/{account}")
            .parse()
            .unwrap();
        assert_eq!((linked.username.as_str(), linked.account), ("mia", Some(account)));
        assert_eq!(linked.server, server("https://chat.example.org"));

        let short: WhoArg = format!("/#/contact/mia/{account}").parse().unwrap();
        assert_eq!((short.account, short.server), (Some(account), None));
    }

    #[test]
    fn what_is_nobody_is_told_apart() {
        let refused = |text: &str| text.parse::<WhoArg>().unwrap_err();
        assert_eq!(refused("m"), LinkError::Name);
        assert_eq!(refused("https://chat.example.org"), LinkError::Name);
        assert_eq!(refused("/#/contact/mia"), LinkError::Contact);
        assert_eq!(refused("/#/contact/mia/short"), LinkError::Contact);
        assert_eq!(
            refused(&format!("/#/contact/m/{}", AccountId([7; 32]))),
            LinkError::Contact
        );
        assert_eq!(refused("/#/invite/abc"), LinkError::NotAContact);
    }
}
