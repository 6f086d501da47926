//! A new device, a device of the account, and whoever stands between them.

use rand_chacha::ChaCha20Rng;

use super::transcript::Agreement;
use super::*;
use crate::limits::{MAX_LINK_MESSAGE, MAX_LINK_MESSAGES, MAX_LINK_PAYLOAD};
use crate::tests::{Device, cases, rng, wanted};
use crate::{KeyError, LinkError, StateError, VerifyingKey, padded_length};

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

/// A whole link through somebody who may exchange each message, up to the payload that the new device opens. Both
/// devices do as their persons would: what the new one shows is typed in.
fn through(
    way: LinkWay,
    rng: &mut ChaCha20Rng,
    middle: &dyn Fn(usize, Vec<u8>) -> Vec<u8>,
) -> Result<Vec<u8>, LinkError> {
    let offer = offer(way, rng);
    let first = middle(1, offer.message().to_bytes());
    let answer = match offer.code() {
        None => LinkAnswer::to_commitment(&CommitmentMessage::from_bytes(&first)?, rng),
        Some(code) => LinkAnswer::to_code(&code, rng),
    };
    let second = middle(2, answer.message().to_bytes());
    let awaiting = offer.answered(&AnswerMessage::from_bytes(&second)?, rng)?;
    let third = middle(3, awaiting.message().to_bytes());
    let revealed = answer.revealed(&RevealMessage::from_bytes(&third)?)?;
    let confirmed = confirm(revealed, awaiting.digits())?;
    let (_, grant) = confirmed.grant(b"grant", rng)?;
    let fourth = middle(4, grant.to_bytes());
    let (_, payload) = awaiting.granted(&GrantMessage::from_bytes(&fourth)?)?;
    Ok(payload.to_vec())
}

/// Messages 1 to 4 of a link, and one behind it.
fn messages(way: LinkWay, rng: &mut ChaCha20Rng) -> [Vec<u8>; 5] {
    let offer = offer(way, rng);
    let answer = answer(&offer, rng);
    let first = offer.message().to_bytes();
    let second = answer.message().to_bytes();
    let awaiting = offer.answered(&answer.message(), rng).unwrap();
    let third = awaiting.message().to_bytes();
    let revealed = answer.revealed(&awaiting.message()).unwrap();
    let (mut old, grant) = confirm(revealed, awaiting.digits())
        .unwrap()
        .grant(b"grant", rng)
        .unwrap();
    let fifth = old.seal(b"more", rng).unwrap().to_bytes();
    [first, second, third, grant.to_bytes(), fifth]
}

/// Reads a message as the state reads it that it is for.
fn parsed(place: usize, bytes: &[u8]) -> Result<Vec<u8>, LinkError> {
    match place {
        0 => CommitmentMessage::from_bytes(bytes).map(|message| message.to_bytes()),
        1 => AnswerMessage::from_bytes(bytes).map(|message| message.to_bytes()),
        2 => RevealMessage::from_bytes(bytes).map(|message| message.to_bytes()),
        3 => GrantMessage::from_bytes(bytes).map(|message| message.to_bytes()),
        _ => LinkMessage::from_bytes(bytes).map(|message| message.to_bytes()),
    }
}

#[test]
fn whoever_stands_between_two_devices_shows_them_different_digits() {
    let mut rng = rng(2);
    let tries = wanted(200);
    for _ in 0..tries {
        let offer = offer(LinkWay::Code, &mut rng);
        // Towards each device the server plays the other, with keys of its own.
        let false_answer = LinkAnswer::to_commitment(&offer.message(), &mut rng);
        let false_offer = self::offer(LinkWay::Code, &mut rng);
        let answer = LinkAnswer::to_commitment(&false_offer.message(), &mut rng);
        let awaiting = offer.answered(&false_answer.message(), &mut rng).unwrap();
        let false_awaiting = false_offer.answered(&answer.message(), &mut rng).unwrap();
        let revealed = answer.revealed(&false_awaiting.message()).unwrap();
        assert_eq!(
            confirm(revealed, awaiting.digits()).err(),
            Some(LinkError::WrongDigits)
        );
    }
    cases("linking, somebody between", tries as usize);
}

#[test]
fn each_message_that_is_replaced_by_one_of_another_link_is_noticed() {
    let mut rng = rng(3);
    for way in WAYS {
        assert_eq!(
            through(way, &mut rng, &|_, message| message),
            Ok(b"grant".to_vec())
        );
        let others = messages(way, &mut rng);
        for place in 1..=4 {
            let outcome = through(way, &mut rng, &|number, message| {
                if number == place {
                    others[number - 1].clone()
                } else {
                    message
                }
            });
            let expected = match (way, place) {
                // Who scans does not look at the first message.
                (LinkWay::Scan, 1) => Ok(b"grant".to_vec()),
                // The digits are compared before anything is granted; what was scanned shows when nothing opens.
                (LinkWay::Code, 2) => Err(LinkError::WrongDigits),
                (_, 1 | 3) => Err(LinkError::OtherCommitment),
                _ => Err(LinkError::NotAuthentic),
            };
            assert_eq!(outcome, expected, "{way:?}, message {place}");
        }
    }
}

#[test]
fn without_the_scanned_secret_nothing_opens_and_nobody_takes_the_new_devices_place() {
    let mut rng = rng(4);
    // The server answers in the account's place. It knows the commitment and guesses at the secret, or has none.
    let offer = offer(LinkWay::Scan, &mut rng);
    let stored = offer.to_bytes();
    let mut code = offer.code().unwrap();
    code.secret = LinkSecret::from_bytes(&[0; 16]);
    for answer in [
        LinkAnswer::to_code(&code, &mut rng),
        LinkAnswer::to_commitment(&offer.message(), &mut rng),
    ] {
        let awaiting = LinkOffer::from_bytes(&stored)
            .unwrap()
            .answered(&answer.message(), &mut rng)
            .unwrap();
        let link = match answer.revealed(&awaiting.message()).unwrap() {
            RevealedLink::Confirmed(link) => link,
            RevealedLink::Unconfirmed(link) => ConfirmedLink(link.0),
        };
        let (_, grant) = link.grant(b"a false account", &mut rng).unwrap();
        assert_eq!(awaiting.granted(&grant).err(), Some(LinkError::NotAuthentic));
    }
    // The server reveals in the new device's place.
    let answer = LinkAnswer::to_code(&offer.code().unwrap(), &mut rng);
    let awaiting = self::offer(LinkWay::Scan, &mut rng)
        .answered(&answer.message(), &mut rng)
        .unwrap();
    assert_eq!(
        answer.revealed(&awaiting.message()).err(),
        Some(LinkError::OtherCommitment)
    );
}

#[test]
fn a_link_that_is_offered_for_scanning_does_not_go_on_by_digits() {
    let mut rng = rng(5);
    let offer = offer(LinkWay::Scan, &mut rng);
    let answer = LinkAnswer::to_commitment(&offer.message(), &mut rng);
    let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
    assert_eq!(awaiting.digits(), None);
    // Not even the digits that both would compute are the same.
    let revealed = answer.revealed(&awaiting.message()).unwrap();
    assert_eq!(
        confirm(revealed, Some(awaiting.agreement.digits())).err(),
        Some(LinkError::WrongDigits)
    );
}

#[test]
fn a_wrong_code_ends_the_link() {
    let mut rng = rng(6);
    let offer = offer(LinkWay::Code, &mut rng);
    let answer = answer(&offer, &mut rng);
    let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
    let shown = awaiting.digits().unwrap().to_string();
    let RevealedLink::Unconfirmed(link) = answer.revealed(&awaiting.message()).unwrap() else {
        panic!("digits are to be confirmed");
    };
    // What is not six digits is no try.
    for text in [
        "",
        "12345",
        "1234567",
        "12345a",
        "+12345",
        " 12345",
        "12345 ",
        "12 345",
        "１２３４５６",
        "١٢٣",
    ] {
        assert_eq!(LinkDigits::parse(text), Err(LinkError::NotDigits), "{text}");
    }
    let digits = LinkDigits::parse(&shown).unwrap();
    assert_eq!(Some(digits), awaiting.digits());
    assert_eq!(LinkDigits::parse("000042").unwrap().to_string(), "000042");
    let last = if shown.ends_with('0') { '1' } else { '0' };
    let wrong = LinkDigits::parse(&format!("{}{last}", &shown[..5])).unwrap();
    // The state is used up, so the type allows no second try.
    assert_eq!(link.confirm(wrong).err(), Some(LinkError::WrongDigits));
}

/// An agreement whose random bytes are these.
fn with_nonce(agreement: &mut Agreement, nonce: [u8; 32]) -> LinkDigits {
    agreement.old.nonce = nonce;
    agreement.digits()
}

#[test]
fn digits_are_as_likely_as_each_other() {
    let mut rng = rng(7);
    let (awaiting, _) = agreed(LinkWay::Code, &mut rng);
    let mut agreement = awaiting.agreement;
    let draws = 20_000;
    // Which of a hundred are the first two, the middle two, the last two.
    let mut counts = [[0_u32; 100]; 3];
    for draw in 0..draws {
        let mut nonce = [0; 32];
        nonce[..4].copy_from_slice(&u32::to_be_bytes(draw));
        let digits = with_nonce(&mut agreement, nonce).to_string();
        for (place, counts) in counts.iter_mut().enumerate() {
            counts[digits[2 * place..2 * place + 2].parse::<usize>().unwrap()] += 1;
        }
    }
    let expected = f64::from(draws) / 100.0;
    for counts in counts {
        let square: f64 = counts
            .iter()
            .map(|count| (f64::from(*count) - expected).powi(2) / expected)
            .sum();
        // Chi-square with 99 degrees of freedom: 95 % lie between 73 and 128, all but one in a million below 180.
        assert!((60.0..180.0).contains(&square), "{square}");
    }
}

#[test]
fn digits_follow_from_all_that_was_shown_but_the_ciphertext() {
    let mut rng = rng(8);
    let (awaiting, _) = agreed(LinkWay::Code, &mut rng);
    let (other, _) = agreed(LinkWay::Code, &mut rng);
    let stored = awaiting.to_bytes();
    let digits = awaiting.digits();
    let alterations: [fn(&mut Agreement, &Agreement); 8] = [
        |agreement, _| agreement.link[0] ^= 1,
        |agreement, _| agreement.old.nonce[0] ^= 1,
        |agreement, _| agreement.new.nonce[0] ^= 1,
        |agreement, other| agreement.old.public = other.old.public.clone(),
        |agreement, other| agreement.new.public = other.new.public.clone(),
        |agreement, other| agreement.keys.signing = other.keys.signing,
        |agreement, other| agreement.keys.identity = other.keys.identity,
        |agreement, _| agreement.secret = Some(LinkSecret::from_bytes(&[0; 16])),
    ];
    for alter in alterations {
        let mut altered = AwaitingGrant::from_bytes(&stored).unwrap().agreement;
        alter(&mut altered, &other.agreement);
        assert_ne!(Some(altered.digits()), digits);
    }
    let mut altered = awaiting.agreement;
    altered.to_old[0] ^= 1;
    altered.to_old_secret = LinkKey::from_bytes(&[0; 32]);
    assert_eq!(Some(altered.digits()), digits);
}

#[test]
fn nothing_else_is_revealed_than_was_committed_to() {
    // With a share chosen after the other's was seen, whoever stands between could choose the digits.
    let mut rng = rng(9);
    let offer = offer(LinkWay::Code, &mut rng);
    let answer = answer(&offer, &mut rng);
    let stored = answer.to_bytes();
    let reveal = offer
        .answered(&answer.message(), &mut rng)
        .unwrap()
        .message()
        .to_bytes();
    // All in front of the ciphertext, bit by bit.
    let mut tried = 0;
    for bit in 0..(reveal.len() - 1120) * 8 {
        let mut altered = reveal.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        // Many are no keys, or no message of this version: these do not come so far.
        if let Ok(message) = RevealMessage::from_bytes(&altered) {
            let answer = LinkAnswer::from_bytes(&stored).unwrap();
            assert_eq!(
                answer.revealed(&message).err(),
                Some(LinkError::OtherCommitment),
                "bit {bit}"
            );
            tried += 1;
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn no_byte_of_any_message_is_altered_unnoticed() {
    let mut rng = rng(10);
    let mut tried = 0;
    for way in WAYS {
        let lengths = messages(way, &mut rng).map(|message| message.len());
        for place in 1..=4 {
            // The first message is not looked at where its commitment was scanned.
            if way == LinkWay::Scan && place == 1 {
                continue;
            }
            let most = usize::try_from(wanted(u32::MAX)).unwrap();
            // Both ways are one but for the secret, so the second is tried more coarsely.
            let finest = if way == LinkWay::Code { 1 } else { 7 };
            let step = lengths[place - 1].div_ceil(most).max(finest);
            for position in (0..lengths[place - 1]).step_by(step) {
                let outcome = through(way, &mut rng, &|number, mut message| {
                    if number == place {
                        message[position] ^= 1 << (position % 8);
                    }
                    message
                });
                assert!(outcome.is_err(), "{way:?}, message {place}, byte {position}");
                tried += 1;
            }
        }
    }
    cases("linking, altered message", tried);
}

#[test]
fn every_bit_of_a_sealed_message_is_bound_and_a_refused_one_changes_nothing() {
    let mut rng = rng(11);
    let (mut new, mut old) = linked(LinkWay::Code, &mut rng);
    let message = new.seal(b"payload", &mut rng).unwrap();
    let bytes = message.to_bytes();
    let before = old.to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let outcome = LinkMessage::from_bytes(&altered).and_then(|message| old.open(&message));
        assert!(outcome.is_err(), "bit {bit}");
    }
    assert_eq!(old.to_bytes(), before);
    assert_eq!(*old.open(&message).unwrap(), b"payload");
}

#[test]
fn a_message_is_opened_once_in_its_order_and_by_the_other_device_only() {
    let mut rng = rng(12);
    for way in WAYS {
        let (mut new, mut old) = linked(way, &mut rng);
        let first = old.seal(b"first", &mut rng).unwrap();
        let second = old.seal(b"second", &mut rng).unwrap();
        assert_eq!(new.open(&second).err(), Some(LinkError::OutOfOrder));
        assert_eq!(*new.open(&first).unwrap(), b"first");
        assert_eq!(new.open(&first).err(), Some(LinkError::AlreadyOpened));
        assert_eq!(*new.open(&second).unwrap(), b"second");
        // Back to its sender.
        let own: Vec<LinkMessage> = (0..4).map(|_| new.seal(b"own", &mut rng).unwrap()).collect();
        assert_eq!(new.open(&own[3]).err(), Some(LinkError::NotAuthentic));
        // Into another link.
        let (mut other, _) = linked(way, &mut rng);
        assert_eq!(other.open(&first).err(), Some(LinkError::NotAuthentic));
    }
}

#[test]
fn a_message_is_none_of_another_kind_and_comes_back_from_its_bytes_only() {
    let mut rng = rng(13);
    for way in WAYS {
        let messages = messages(way, &mut rng);
        for (place, message) in messages.iter().enumerate() {
            for other in 0..messages.len() {
                if other == place {
                    assert_eq!(parsed(other, message).unwrap(), *message);
                } else {
                    // So one that is sent back to its sender is refused, too.
                    assert_eq!(parsed(other, message), Err(LinkError::OtherMessage));
                }
            }
            for length in 0..message.len() {
                assert!(parsed(place, &message[..length]).is_err());
            }
            assert!(parsed(place, &[&message[..], &[0]].concat()).is_err());
            let version = 1 + conclave_encoding::labels::LINK_MESSAGE.as_bytes().len();
            for offset in [version, version + 1] {
                let mut other = message.clone();
                other[offset] ^= 2;
                assert_eq!(parsed(place, &other), Err(LinkError::OtherVersion));
            }
        }
    }
}

#[test]
fn weak_keys_are_refused_in_every_message() {
    let mut rng = rng(14);
    let [_, second, third, ..] = messages(LinkWay::Code, &mut rng);
    let head = 1 + conclave_encoding::labels::LINK_MESSAGE.as_bytes().len() + 3;
    let put = |message: &[u8], at: usize, key: [u8; 32]| {
        let mut message = message.to_vec();
        message[at..at + 32].copy_from_slice(&key);
        message
    };
    let small = LinkError::Key(KeyError::SmallOrder);
    assert_eq!(
        AnswerMessage::from_bytes(&put(&second, head + 1184, [0; 32])).err(),
        Some(small)
    );
    assert_eq!(
        RevealMessage::from_bytes(&put(&third, head + 1184, [0; 32])).err(),
        Some(small)
    );
    let signing = put(&third, head + 1248, [0; 32]);
    assert_eq!(
        RevealMessage::from_bytes(&signing).err(),
        VerifyingKey::from_bytes(&[0; 32]).err().map(LinkError::Key)
    );
    assert_eq!(
        RevealMessage::from_bytes(&put(&third, head + 1280, [0; 32])).err(),
        Some(small)
    );
    assert_eq!(
        AnswerMessage::from_bytes(&put(&second, head, [0xff; 32])).err(),
        Some(LinkError::Key(KeyError::InvalidKemKey))
    );
    // In ciphertexts they are refused where these are opened.
    let outcome = through(LinkWay::Scan, &mut rng, &|number, mut message| {
        if number == 3 {
            let end = message.len();
            message[end - 32..].copy_from_slice(&[0; 32]);
        }
        message
    });
    assert_eq!(outcome, Err(small));
}

#[test]
fn a_code_has_one_text_and_no_other_is_taken() {
    let mut rng = rng(15);
    let offer = offer(LinkWay::Scan, &mut rng);
    let code = offer.code().unwrap();
    let text = code.to_text();
    let again = LinkCode::from_text(&text).unwrap();
    assert_eq!(*again.to_text(), *text);
    assert_eq!(again.link_id(), offer.link_id());
    assert_eq!(again.commitment, offer.message().commitment);
    assert_eq!(again.secret.as_bytes(), offer.secret.as_ref().unwrap().as_bytes());
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    for length in 0..text.len() {
        assert_eq!(
            LinkCode::from_text(&text[..length]).err(),
            Some(LinkError::NotACode)
        );
    }
    for other in [
        format!("{}=", *text),
        format!(" {}", *text),
        format!("{}\n", *text),
        format!("{}+", &text[..text.len() - 1]),
        format!("{} ", &text[..text.len() - 1]),
    ] {
        assert_eq!(LinkCode::from_text(&other).err(), Some(LinkError::NotACode));
    }
    // Every single character in every place: another code or none.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for place in 0..text.len() {
        for byte in alphabet {
            let mut other = text.as_bytes().to_vec();
            other[place] = *byte;
            let other = String::from_utf8(other).unwrap();
            if let Ok(code) = LinkCode::from_text(&other) {
                assert_eq!(*code.to_text(), other);
            }
        }
    }
    assert_eq!(
        (0..64)
            .filter(|last| {
                let mut other = text.as_bytes().to_vec();
                *other.last_mut().unwrap() = alphabet[*last];
                LinkCode::from_text(std::str::from_utf8(&other).unwrap()).is_ok()
            })
            .count(),
        64 >> (text.len() * 6 % 8),
        "bits behind the last byte are zero"
    );
    assert!(self::offer(LinkWay::Code, &mut rng).code().is_none());
}

#[test]
fn payloads_and_messages_are_bounded_and_padded() {
    let mut rng = rng(16);
    let (mut new, mut old) = linked(LinkWay::Scan, &mut rng);
    let too_long = vec![0; MAX_LINK_PAYLOAD + 1];
    assert_eq!(new.seal(&too_long, &mut rng).err(), Some(LinkError::TooLong));
    let (_, confirmed) = agreed(LinkWay::Code, &mut rng);
    assert_eq!(
        confirmed.grant(&too_long, &mut rng).err(),
        Some(LinkError::TooLong)
    );
    let (_, confirmed) = agreed(LinkWay::Code, &mut rng);
    let (_, grant) = confirmed.grant(&too_long[1..], &mut rng).unwrap();
    assert_eq!(grant.to_bytes().len(), MAX_LINK_MESSAGE);
    assert_eq!(
        GrantMessage::from_bytes(&grant.to_bytes()).unwrap().to_bytes(),
        grant.to_bytes()
    );
    let short = new.seal(b"", &mut rng).unwrap();
    let longer = new.seal(&[1; 63], &mut rng).unwrap();
    assert_eq!(short.to_bytes().len(), longer.to_bytes().len());
    let longest = new.seal(&too_long[1..], &mut rng).unwrap();
    assert_eq!(
        longest.to_bytes().len() - short.to_bytes().len(),
        padded_length(MAX_LINK_PAYLOAD) - padded_length(0)
    );
    for message in [short, longer, longest] {
        let parsed = LinkMessage::from_bytes(&message.to_bytes()).unwrap();
        old.open(&parsed).unwrap();
    }
    for _ in 3..MAX_LINK_MESSAGES {
        let message = new.seal(b"more", &mut rng).unwrap();
        old.open(&message).unwrap();
    }
    assert_eq!(new.seal(b"one more", &mut rng).err(), Some(LinkError::Exhausted));
    // The grant is one of the account's sixteen.
    for _ in 1..MAX_LINK_MESSAGES {
        let message = old.seal(b"more", &mut rng).unwrap();
        new.open(&message).unwrap();
    }
    assert_eq!(old.seal(b"one more", &mut rng).err(), Some(LinkError::Exhausted));
}

#[test]
fn a_restored_end_that_repeats_a_number_repeats_no_key() {
    let mut rng = rng(17);
    let (mut new, mut old) = linked(LinkWay::Code, &mut rng);
    let mut restored = LinkChannel::from_bytes(&new.to_bytes()).unwrap();
    let one = new.seal(&[0; 32], &mut rng).unwrap();
    let other = restored.seal(&[0; 32], &mut rng).unwrap();
    assert_eq!(one.number(), other.number());
    // Commitment and ciphertext would be equal under one key.
    assert_ne!(one.sealed.sealed[..32], other.sealed.sealed[..32]);
    assert_ne!(one.sealed.sealed[32..64], other.sealed.sealed[32..64]);
    old.open(&other).unwrap();
}

#[test]
fn a_link_that_is_stored_at_each_step_goes_like_one_that_never_is() {
    for way in WAYS {
        // All that was sent, with and without a restart behind each step, from the same randomness.
        let sent = [false, true].map(|stored| {
            let mut rng = rng(18);
            macro_rules! keep {
                ($type:ident, $state:expr) => {{
                    let state = $state;
                    if stored {
                        let bytes = state.to_bytes();
                        let again = $type::from_bytes(&bytes).unwrap();
                        assert_eq!(again.to_bytes(), bytes);
                        again
                    } else {
                        state
                    }
                }};
            }
            let offer = keep!(LinkOffer, offer(way, &mut rng));
            let first = offer.message().to_bytes();
            let answer = keep!(LinkAnswer, answer(&offer, &mut rng));
            let awaiting = keep!(
                AwaitingGrant,
                offer.answered(&answer.message(), &mut rng).unwrap()
            );
            let second = answer.message().to_bytes();
            let digits = awaiting.digits();
            let confirmed = match answer.revealed(&awaiting.message()).unwrap() {
                RevealedLink::Unconfirmed(link) => {
                    keep!(UnconfirmedLink, link).confirm(digits.unwrap()).unwrap()
                }
                RevealedLink::Confirmed(link) => link,
            };
            let confirmed = keep!(ConfirmedLink, confirmed);
            let third = awaiting.message().to_bytes();
            let (old, grant) = confirmed.grant(b"grant", &mut rng).unwrap();
            let (new, payload) = awaiting.granted(&grant).unwrap();
            assert_eq!(*payload, b"grant");
            let (mut old, mut new) = (keep!(LinkChannel, old), keep!(LinkChannel, new));
            let mut all = vec![first, second, third, grant.to_bytes()];
            for _ in 0..3 {
                let message = new.seal(b"possession", &mut rng).unwrap();
                new = keep!(LinkChannel, new);
                old.open(&message).unwrap();
                old = keep!(LinkChannel, old);
                let back = old.seal(b"welcome", &mut rng).unwrap();
                old = keep!(LinkChannel, old);
                new.open(&back).unwrap();
                new = keep!(LinkChannel, new);
                all.extend([message.to_bytes(), back.to_bytes()]);
            }
            all
        });
        assert_eq!(sent[0], sent[1]);
    }
}

/// Reads a state and writes it again.
type Read = fn(&[u8]) -> Result<Vec<u8>, StateError>;

#[test]
fn stored_states_are_read_exactly_and_never_as_one_another() {
    let mut rng = rng(19);
    let offer = offer(LinkWay::Code, &mut rng);
    let answer = answer(&offer, &mut rng);
    let mut states = vec![offer.to_bytes(), answer.to_bytes()];
    let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
    states.push(awaiting.to_bytes());
    let RevealedLink::Unconfirmed(unconfirmed) = answer.revealed(&awaiting.message()).unwrap() else {
        panic!("digits are to be confirmed");
    };
    states.push(unconfirmed.to_bytes());
    let confirmed = unconfirmed.confirm(awaiting.digits().unwrap()).unwrap();
    states.push(confirmed.to_bytes());
    states.push(confirmed.grant(b"", &mut rng).unwrap().0.to_bytes());
    let read: [Read; 6] = [
        |bytes| Ok(LinkOffer::from_bytes(bytes)?.to_bytes().to_vec()),
        |bytes| Ok(LinkAnswer::from_bytes(bytes)?.to_bytes().to_vec()),
        |bytes| Ok(AwaitingGrant::from_bytes(bytes)?.to_bytes().to_vec()),
        |bytes| Ok(UnconfirmedLink::from_bytes(bytes)?.to_bytes().to_vec()),
        |bytes| Ok(ConfirmedLink::from_bytes(bytes)?.to_bytes().to_vec()),
        |bytes| Ok(LinkChannel::from_bytes(bytes)?.to_bytes().to_vec()),
    ];
    for (place, state) in states.iter().enumerate() {
        for (other, read) in read.iter().enumerate() {
            let expected = if other == place {
                Ok(state.to_vec())
            } else {
                Err(StateError::OtherRecord)
            };
            assert_eq!(read(state), expected);
        }
        for length in 0..state.len() {
            assert!(read[place](&state[..length]).is_err());
        }
        assert!(read[place](&[&state[..], &[0]].concat()).is_err());
        for position in 0..state.len() {
            let mut altered = state.to_vec();
            altered[position] ^= 0xff;
            if let Ok(again) = read[place](&altered) {
                assert_eq!(again, altered);
            }
        }
    }
    // A channel beyond its bound, and a scanned link that waits for digits, do not exist.
    let mut over = states[5].to_vec();
    *over.last_mut().unwrap() = MAX_LINK_MESSAGES + 1;
    assert_eq!(read[5](&over), Err(StateError::OverLimit));
    let (_, scanned) = agreed(LinkWay::Scan, &mut rng);
    let waiting = UnconfirmedLink(scanned.0).to_bytes();
    assert!(UnconfirmedLink::from_bytes(&waiting).is_err());
}
