//! Whether devices can be woken.

use super::{Finding, good, warning, wrong};
use crate::config::Config;
use crate::push::{Push, PushKey, is_on};

const SUBJECT: &str = "push";

pub(super) fn push(config: &Config) -> Option<Finding> {
    // Without an address the finding about it says what to do.
    let public = config.public(config.listen).ok()?;
    if !config.push.on {
        return Some(good(
            SUBJECT,
            "off by push.on: people hear of messages only while the app is open",
        ));
    }
    // Any key does: whether the rest can be used is what is asked.
    let key = PushKey::from_bytes(&PushKey::generate())?;
    Some(match Push::new(&config.push, &public, key) {
        Err(error) => wrong(SUBJECT, error.to_string()),
        Ok(_) if !is_on(&config.push, &public) => good(
            SUBJECT,
            "off, because public_url does not begin with https://: browsers take part only there",
        ),
        Ok(_) if config.push.services.is_empty() => warning(
            SUBJECT,
            "push.services is empty, so no browser can be woken; leave it out for the known services, or set push.on = false",
        ),
        Ok(_) if config.push.contact.is_none() => good(
            SUBJECT,
            format!(
                "{} push services; they are told {} as whom to write to, push.contact can name an address instead",
                config.push.services.len(),
                public.origin()
            ),
        ),
        Ok(_) => good(SUBJECT, format!("{} push services", config.push.services.len())),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn look(change: impl FnOnce(&mut Config)) -> Finding {
        let mut config = Config {
            public_url: Some("https://chat.example.org".to_owned()),
            ..Config::default()
        };
        change(&mut config);
        push(&config).unwrap()
    }

    #[test]
    fn it_says_whether_devices_can_be_woken_and_why_not() {
        let found = look(|_| ());
        assert_eq!(found.level, Level::Good);
        assert!(found.text.contains("https://chat.example.org"), "{}", found.text);
        let found = look(|config| config.public_url = Some("http://localhost:8080".to_owned()));
        assert!(
            found.level == Level::Good && found.text.starts_with("off"),
            "{}",
            found.text
        );
        let found = look(|config| config.push.on = false);
        assert!(
            found.level == Level::Good && found.text.starts_with("off"),
            "{}",
            found.text
        );
        assert_eq!(look(|config| config.push.services.clear()).level, Level::Warning);
    }

    #[test]
    fn a_contact_that_is_none_and_a_service_that_is_no_name_are_wrong() {
        let contact = |text: &str| look(|config| config.push.contact = Some(text.to_owned())).level;
        assert_eq!(contact("mailto:admin@example.org"), Level::Good);
        assert_eq!(contact("admin@example.org"), Level::Wrong);
        assert_eq!(contact("mailto:a@b\",\"x"), Level::Wrong);
        assert_eq!(
            look(|config| config.push.services = vec!["*".to_owned()]).level,
            Level::Wrong
        );
    }
}
