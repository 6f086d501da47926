//! A new device, a device of the account, and whoever stands between them.

use rand_chacha::ChaCha20Rng;

use super::*;
use crate::limits::{MAX_LINK_MESSAGES, MAX_LINK_PAYLOAD};
use crate::tests::{Device, cases, for_all, rng, wanted};
use crate::{DeviceAddress, KeyError, LinkError, StateError};

const WAYS: [LinkWay; 2] = [LinkWay::Code, LinkWay::Scan];

fn keys(rng: &mut ChaCha20Rng) -> NewDeviceKeys {
    let device = Device::new(1, rng);
    NewDeviceKeys {
        signing: device.signing.public(),
        identity: device.identity.public(),
    }
}

fn offer(way: LinkWay, rng: &mut ChaCha20Rng) -> LinkOffer {
    let keys = keys(rng);
    LinkOffer::new(way, keys, rng)
}

/// What the account's device does with what the new one shows: by the server, or from its screen.
fn answer(offer: &LinkOffer, rng: &mut ChaCha20Rng) -> LinkAnswer {
    match offer.code() {
        None => LinkAnswer::to_commitment(&offer.message(), rng),
        Some(code) => LinkAnswer::to_code(&code, rng),
    }
}

fn confirm(revealed: RevealedLink, digits: Option<LinkDigits>) -> Result<ConfirmedLink, LinkError> {
    match revealed {
        RevealedLink::Unconfirmed(link) => link.confirm(digits.expect("the new device shows digits")),
        RevealedLink::Confirmed(link) => Ok(link),
    }
}

/// Both ends of a link, and the account's device before it granted.
fn agreed(way: LinkWay, rng: &mut ChaCha20Rng) -> (AwaitingGrant, ConfirmedLink) {
    let offer = offer(way, rng);
    let answer = answer(&offer, rng);
    let awaiting = offer.answered(&answer.message(), rng).unwrap();
    let revealed = answer.revealed(&awaiting.message()).unwrap();
    let confirmed = confirm(revealed, awaiting.digits()).unwrap();
    (awaiting, confirmed)
}

fn linked(way: LinkWay, rng: &mut ChaCha20Rng) -> (LinkChannel, LinkChannel) {
    let (awaiting, confirmed) = agreed(way, rng);
    let (old, grant) = confirmed.grant(b"grant", rng).unwrap();
    let (new, payload) = awaiting.granted(&grant).unwrap();
    assert_eq!(*payload, b"grant");
    (new, old)
}

#[test]
fn two_devices_link_both_ways_and_write_to_each_other() {
    let mut rng = rng(1);
    for way in WAYS {
        let offer = offer(way, &mut rng);
        let (keys, link) = (offer.keys, *offer.link_id());
        assert_eq!(offer.way(), way);
        let answer = answer(&offer, &mut rng);
        assert_eq!((answer.way(), answer.link_id()), (way, &link));
        let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
        assert_eq!(awaiting.digits().is_some(), way == LinkWay::Code);
        let revealed = answer.revealed(&awaiting.message()).unwrap();
        let confirmed = confirm(revealed, awaiting.digits()).unwrap();
        assert_eq!((confirmed.keys(), confirmed.link_id()), (&keys, &link));
        let (mut old, grant) = confirmed.grant(b"keys of the account", &mut rng).unwrap();
        let (mut new, payload) = awaiting.granted(&grant).unwrap();
        assert_eq!(*payload, b"keys of the account");
        assert_eq!(old.transcript(), new.transcript());
        for number in 0..3 {
            let message = new.seal(&[number; 100], &mut rng).unwrap();
            assert_eq!(message.number(), number);
            assert_eq!(*old.open(&message).unwrap(), [number; 100]);
            let message = old.seal(b"", &mut rng).unwrap();
            assert_eq!(message.number(), number + 1);
            assert_eq!(*new.open(&message).unwrap(), b"");
        }
    }
}
