//! `conclave-crypto`: the linking of a device, between whose messages somebody stands.

use std::sync::LazyLock;

use conclave_crypto::linking::{
    AnswerMessage, AwaitingGrant, CommitmentMessage, ConfirmedLink, GrantMessage, LinkAnswer, LinkChannel,
    LinkCode, LinkMessage, LinkOffer, LinkWay, NewDeviceKeys, RevealMessage, RevealedLink, UnconfirmedLink,
};
use conclave_crypto::{LinkError, StateError};

use crate::people::{Person, rng};
use crate::script::Script;

/// A link by digits with every state and message of it, and the code of a link by scanning.
pub(crate) struct Link {
    /// Offer, answer, awaiting, unconfirmed, confirmed, and the new device's channel behind the grant.
    pub(crate) states: [Vec<u8>; 6],
    /// Commitment, answer, reveal, grant, and one behind it.
    pub(crate) messages: [Vec<u8>; 5],
    pub(crate) code: String,
}

pub(crate) static LINK: LazyLock<Link> = LazyLock::new(|| {
    let person = Person::new(1);
    let keys = NewDeviceKeys {
        signing: person.signing.public(),
        identity: person.identity.public(),
    };
    let offer = LinkOffer::new(LinkWay::Code, keys, &mut rng(80));
    let commitment = offer.message();
    let answer = LinkAnswer::to_commitment(&commitment, &mut rng(81));
    let mut states = vec![offer.to_bytes().to_vec(), answer.to_bytes().to_vec()];
    let (reply, stored) = (answer.message(), answer.to_bytes());
    let awaiting = offer.answered(&reply, &mut rng(82)).expect("an answer is taken");
    states.push(awaiting.to_bytes().to_vec());
    let answer = LinkAnswer::from_bytes(&stored).expect("a state comes back");
    let reveal = awaiting.message();
    let Ok(RevealedLink::Unconfirmed(link)) = answer.revealed(&reveal) else {
        panic!("what was committed to is revealed");
    };
    states.push(link.to_bytes().to_vec());
    let digits = awaiting.digits().expect("there are digits");
    let confirmed = link.confirm(digits).expect("the digits are right");
    states.push(confirmed.to_bytes().to_vec());
    let (mut old, grant) = confirmed
        .grant(b"grant", &mut rng(83))
        .expect("a short grant is sealed");
    let (new, _) = awaiting.granted(&grant).expect("a grant opens");
    states.push(new.to_bytes().to_vec());
    let message = old
        .seal(b"more", &mut rng(84))
        .expect("a short message is sealed");
    let code = LinkOffer::new(LinkWay::Scan, keys, &mut rng(85)).code();
    Link {
        states: states.try_into().expect("six states"),
        messages: [
            commitment.to_bytes(),
            reply.to_bytes(),
            reveal.to_bytes(),
            grant.to_bytes(),
            message.to_bytes(),
        ],
        code: code.expect("there is a code").to_text().to_string(),
    }
});

fn offer() -> LinkOffer {
    LinkOffer::from_bytes(&LINK.states[0]).expect("a state comes back")
}

fn answer() -> LinkAnswer {
    LinkAnswer::from_bytes(&LINK.states[1]).expect("a state comes back")
}

fn awaiting() -> AwaitingGrant {
    AwaitingGrant::from_bytes(&LINK.states[2]).expect("a state comes back")
}

/// What is left of a link once the new device waits: what it shows is typed in, whether or not it is right, and then
/// the grant goes to it.
fn finish(answer: LinkAnswer, awaiting: AwaitingGrant, reveal: &RevealMessage) -> Result<(), LinkError> {
    let confirmed = match answer.revealed(reveal)? {
        RevealedLink::Confirmed(link) => link,
        RevealedLink::Unconfirmed(link) => {
            // Digits that are equal by chance must not be enough, so they are not even asked.
            ConfirmedLink::from_bytes(&stored_as_confirmed(&link)).expect("a state comes back")
        }
    };
    let (_, grant) = confirmed.grant(b"grant", &mut rng(83))?;
    awaiting.granted(&grant).map(drop)
}

/// Both states hold the same, under another record number behind label, version and suite.
fn stored_as_confirmed(link: &UnconfirmedLink) -> Vec<u8> {
    let mut state = link.to_bytes().to_vec();
    let place = 1 + usize::from(state[0]) + 2;
    state[place] = LINK.states[4][place];
    state
}

/// The first byte chooses a message, or the code, and whether a real one is altered.
///
/// Laws: each message has one form; if somebody altered one of the first four, nothing opens, whatever digits come
/// out; an altered later one leaves its channel as it was.
pub(crate) fn link_messages(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*LINK;
    let choice = usize::from(script.byte());
    if choice % 8 == 7 {
        return code(script);
    }
    let place = choice % 5;
    let bytes = if choice & 0x80 == 0 {
        script.alter(&real.messages[place], &real.messages[(place + 1) % 5])
    } else {
        script.rest().to_vec()
    };
    let is_real = bytes == real.messages[place];
    let outcome = match place {
        0 => CommitmentMessage::from_bytes(&bytes).and_then(|message| {
            assert_eq!(message.to_bytes(), bytes, "a commitment has two forms");
            let answer = LinkAnswer::to_commitment(&message, &mut rng(81));
            finish(answer, awaiting(), &awaiting().message())
        }),
        1 => AnswerMessage::from_bytes(&bytes).and_then(|message| {
            assert_eq!(message.to_bytes(), bytes, "an answer has two forms");
            let awaiting = offer().answered(&message, &mut rng(82))?;
            let reveal = awaiting.message();
            finish(answer(), awaiting, &reveal)
        }),
        2 => RevealMessage::from_bytes(&bytes).and_then(|message| {
            assert_eq!(message.to_bytes(), bytes, "a reveal has two forms");
            finish(answer(), awaiting(), &message)
        }),
        3 => GrantMessage::from_bytes(&bytes).and_then(|message| {
            assert_eq!(message.to_bytes(), bytes, "a grant has two forms");
            awaiting().granted(&message).map(drop)
        }),
        _ => LinkMessage::from_bytes(&bytes).and_then(|message| {
            assert_eq!(message.to_bytes(), bytes, "a message has two forms");
            let mut channel = LinkChannel::from_bytes(&real.states[5]).expect("a state comes back");
            channel.open(&message).map(drop).inspect_err(|_| {
                assert_eq!(
                    *channel.to_bytes(),
                    real.states[5],
                    "a refused message changed the channel"
                );
            })
        }),
    };
    assert_eq!(outcome.is_ok(), is_real, "message {place}: {outcome:?}");
}

/// Law: a code has one text.
fn code(mut script: Script<'_>) {
    let bytes = script.alter(LINK.code.as_bytes(), &[b'_'; 118]);
    if let Ok(text) = core::str::from_utf8(&bytes)
        && let Ok(code) = LinkCode::from_text(text)
    {
        assert_eq!(*code.to_text(), text);
    }
}

/// The first byte chooses a state, and whether a real one is altered.
///
/// Laws: each state has one stored form and is read as itself alone; one that comes back works or refuses.
pub(crate) fn link_states(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*LINK;
    let choice = usize::from(script.byte());
    let place = choice % 6;
    let bytes = if choice & 0x80 == 0 {
        script.alter(&real.states[place], &real.states[(place + 1) % 6])
    } else {
        script.rest().to_vec()
    };
    let read = [
        LinkOffer::from_bytes(&bytes).map(|state| state.to_bytes()),
        LinkAnswer::from_bytes(&bytes).map(|state| state.to_bytes()),
        AwaitingGrant::from_bytes(&bytes).map(|state| state.to_bytes()),
        UnconfirmedLink::from_bytes(&bytes).map(|state| state.to_bytes()),
        ConfirmedLink::from_bytes(&bytes).map(|state| state.to_bytes()),
        LinkChannel::from_bytes(&bytes).map(|state| state.to_bytes()),
    ];
    assert!(
        read.iter().filter(|state| state.is_ok()).count() <= 1,
        "a state is two"
    );
    for state in read.iter().flatten() {
        assert_eq!(**state, bytes, "a state has two forms");
    }
    if bytes == real.states[place] {
        assert!(read[place].is_ok());
    }
    if let Ok(mut channel) = LinkChannel::from_bytes(&bytes) {
        let _ = channel.seal(b"", &mut rng(86));
        let sealed = LinkMessage::from_bytes(&real.messages[4]).expect("a real message parses");
        let _ = channel.open(&sealed);
    }
    let _: Result<(), StateError> = ConfirmedLink::from_bytes(&bytes).map(|link| {
        let _ = link.grant(b"", &mut rng(87));
    });
}
