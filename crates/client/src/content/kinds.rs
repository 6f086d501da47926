//! The forms of contents, pinned.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const TARGET: EnvelopeId = EnvelopeId([9; 16]);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The bytes of a body behind its place in the chain.
fn bytes_of(body: &Body) -> String {
    let content = Content {
        counter: 3,
        previous: Hash([7; 32]),
        body: body.clone(),
    };
    let bytes = content.to_bytes();
    assert_eq!(
        Content::from_bytes(&bytes),
        Ok(content),
        "it reads as it was written"
    );
    let place = format!("83035820{}", "07".repeat(32));
    hex(&bytes).strip_prefix(&place).unwrap().to_owned()
}

fn said(revision: u32, act: Act) -> Body {
    Body::Annotation(Annotation {
        target: TARGET,
        revision,
        act,
    })
}

#[test]
fn a_text_has_one_form_and_what_does_not_go_with_it_takes_no_byte() {
    assert_eq!(bytes_of(&Body::Text("hi".into())), "8200626869");
    let with = With {
        reply: Some(EnvelopeId([1; 16])),
        thread: Some(EnvelopeId([2; 16])),
        mentions: Some(vec![AccountId([3; 32])]),
        everyone: Some(true),
        forwarded: Some("mia".into()),
        disappears: Some(60),
    };
    let all = Body::Text(Text {
        text: "hi".into(),
        with,
        expires_at: None,
    });
    let (reply, thread, mention) = ("01".repeat(16), "02".repeat(16), "03".repeat(32));
    assert_eq!(
        bytes_of(&all),
        format!("8300626869a60050{reply}0150{thread}02815820{mention}03f504636d696105183c")
    );
}

#[test]
fn a_poll_and_a_timer_have_one_form() {
    let poll = Poll {
        question: "When?".into(),
        options: vec!["a".into(), "b".into()],
        multiple: true,
        closes_at: Some(Timestamp(7)),
        ..Poll::default()
    };
    assert_eq!(
        bytes_of(&Body::Poll(poll.clone())),
        "8501655768656e3f8261616162f507"
    );
    let open = Poll {
        closes_at: None,
        with: With {
            disappears: Some(60),
            ..With::default()
        },
        ..poll
    };
    assert_eq!(
        bytes_of(&Body::Poll(open)),
        "8601655768656e3f8261616162f5f6a105183c"
    );
    let timer = Body::Timer {
        revision: 2,
        seconds: 60,
    };
    assert_eq!(bytes_of(&timer), "830202183c");
}

#[test]
fn annotations_have_one_form_each() {
    let target = format!("50{}", "09".repeat(16));
    assert_eq!(
        bytes_of(&said(4, Act::Edit("hi".into()))),
        format!("8410{target}04626869")
    );
    let mentions = Text {
        text: "hi".into(),
        with: With {
            everyone: Some(true),
            ..With::default()
        },
        expires_at: None,
    };
    assert_eq!(
        bytes_of(&said(4, Act::Edit(mentions))),
        format!("8510{target}04626869a103f5")
    );
    assert_eq!(bytes_of(&said(0, Act::Delete)), format!("8211{target}"));
    let thumb = Act::React("👍".into(), true);
    assert_eq!(bytes_of(&said(1, thumb)), format!("8512{target}0164f09f918df5"));
    assert_eq!(bytes_of(&said(0, Act::Pin(false))), format!("8413{target}00f4"));
    assert_eq!(
        bytes_of(&said(0, Act::Vote(vec![0, 11]))),
        format!("8414{target}0082000b")
    );
    assert_eq!(bytes_of(&said(0, Act::Close)), format!("8215{target}"));
}

#[test]
fn what_breaks_a_bound_reads_as_unsupported() {
    let text = |with: With| {
        Body::Text(Text {
            text: "hi".into(),
            with,
            expires_at: None,
        })
    };
    let poll = |options: &[&str]| {
        Body::Poll(Poll {
            question: "When?".into(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            ..Poll::default()
        })
    };
    let thirteen: Vec<String> = (0..13).map(|n| n.to_string()).collect();
    let thirteen: Vec<&str> = thirteen.iter().map(String::as_str).collect();
    let broken = [
        Body::Text("x".repeat(conclave_protocol::limits::TEXT_MAX + 1).into()),
        text(With {
            mentions: Some(vec![AccountId([1; 32]); MENTIONS_MAX + 1]),
            ..With::default()
        }),
        text(With {
            forwarded: Some("\u{1b}[2J".into()),
            ..With::default()
        }),
        text(With {
            disappears: Some(DISAPPEARS_MAX + 1),
            ..With::default()
        }),
        poll(&["one"]),
        poll(&["one", "one"]),
        poll(&["one", " "]),
        poll(&thirteen),
        Body::Timer {
            revision: 0,
            seconds: DISAPPEARS_MAX + 1,
        },
        said(0, Act::React(String::new(), true)),
        said(0, Act::React("two words".into(), true)),
        said(0, Act::React("👍".repeat(17), true)),
        said(0, Act::Vote(vec![1, 1])),
        said(0, Act::Vote(vec![2, 1])),
        said(0, Act::Edit(" ".into())),
    ];
    for body in broken {
        let bytes = Content {
            counter: 3,
            previous: Hash([7; 32]),
            body: body.clone(),
        }
        .to_bytes();
        let read = Content::from_bytes(&bytes).unwrap();
        assert_eq!((read.counter, read.body), (3, Body::Unsupported), "{body:?}");
    }
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    let mut bytes = Content {
        counter: 3,
        previous: Hash([7; 32]),
        body: Body::Text("hi".into()),
    }
    .to_bytes();
    let body = bytes.len() - 5;
    // A key of the map that nobody knows yet, and one more field.
    bytes[body] = 0x84;
    bytes.extend_from_slice(&[0xa2, 0x03, 0xf5, 0x18, 0x63, 0x01, 0x05]);
    let Body::Text(text) = Content::from_bytes(&bytes).unwrap().body else {
        panic!("a text");
    };
    assert_eq!((text.text.as_str(), text.with.everyone), ("hi", Some(true)));
}

#[test]
fn what_the_person_deleted_is_told_to_own_devices_in_one_form() {
    let bytes = minicbor::to_vec(Control::Removed(vec![TARGET])).unwrap();
    assert_eq!(hex(&bytes), format!("8206818150{}", "09".repeat(16)));
}

proptest! {
    #[test]
    fn every_annotation_survives_its_bytes(revision in any::<u32>(), text in "[a-z👍]{1,20}", on in any::<bool>(), choices in proptest::sample::subsequence((0..12_u32).collect::<Vec<_>>(), 0..12)) {
        for act in [
            Act::Edit(text.as_str().into()),
            Act::React(text.chars().take(4).collect(), on),
            Act::Pin(on),
            Act::Vote(choices),
        ] {
            bytes_of(&said(revision, act));
        }
        for act in [Act::Delete, Act::Close] {
            bytes_of(&said(0, act));
        }
    }
}
