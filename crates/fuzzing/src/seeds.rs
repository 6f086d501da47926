//! The corpus that is committed: small inputs made from real values, the same on each run.
//!
//! `cargo run -p conclave-fuzzing` writes it to `fuzz/corpus`. Files there that nothing here makes are kept: an
//! input that once broke a law stays for good, under a name that says what it broke.

use std::path::{Path, PathBuf};

use conclave_client::fuzzing::text_content;
use conclave_crypto::{ContentKey, PrekeyBundle, pad, seal_content};
use conclave_encoding::{Writer, labels};
use conclave_protocol::frames::{
    Accepted, Ack, Class, ClientFrame, Closing, Cursor, Deliver, DirectMessage, Distribute, Distributed,
    Heads, Hello, Item, MessageKey, Pairwise, PlaceMoved, Post, Refused, Restart, Returned, RoomMessage,
    Send, ServerFrame, Side, Welcome,
};
use conclave_protocol::{
    AccountId, BlobId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, PlaceId, Problem, RestoreEpoch,
    RoomId, Timestamp, Token,
};

use crate::people::{AD, NOW, STORY};
use crate::targets::keeping::VAULT;
use crate::targets::linking::LINK;
use crate::targets::places::PLACE;
use crate::targets::rooms::REAL;
use crate::targets::sigchain::CHAIN;

/// The folder of a target's corpus.
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target)
}

/// The seeds of a target, in order. Each is at most a few kilobytes.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let story = &*STORY;
    let behind = |choice: &[u8], bytes: &[u8]| [choice, bytes].concat();
    let first: Vec<&[u8]> = story.first.iter().map(|(bytes, _)| bytes.as_slice()).collect();
    match target {
        "account_chain" => vec![
            vec![0, 0],
            vec![1, 0, 5],
            vec![1, 0, 0],
            vec![0, 4],
            vec![0, 6, 2, 0, 40, 3, 0],
            vec![2, 0, 7, 3, 0, 30, 1, 0],
            behind(&[0, 3, 1, 0], &CHAIN.genesis),
            vec![5, 0, 8, 8, 8, 8, 8],
            vec![3, 0, 8, 8, 14, 1, 120, 3, 0],
            vec![2, 0, 13, 4, 13, 1],
        ],
        "account_entry" => vec![
            behind(&[0], &CHAIN.genesis),
            behind(&[0], &CHAIN.strays[1]),
            vec![1],
            vec![1, 8, 0, 60, 5],
            vec![2, 9, 0, 70, 32],
            vec![3, 4, 0, 99],
            behind(&[0], &CHAIN.following[0]),
            behind(&[0], &CHAIN.following[1]),
            behind(&[0], &CHAIN.following[2]),
            behind(&[0], &CHAIN.following[3]),
            behind(&[0], &CHAIN.following[4]),
            vec![4, 1, 120, 3],
            vec![5, 8, 120, 7],
        ],
        "client_content" => vec![
            text_content(0, ""),
            text_content(23, "hello"),
            text_content(u32::MAX, "Grüße, 世界"),
            vec![0x83, 0, 0x40, 0x82, 0x17, 0x60],
            vec![0x9f, 0xff],
        ],
        "client_control" => vec![
            // `[0, [receipt]]` with ids and without, and the start of a session.
            [&[0x82, 0, 0x81, 0x82, 0x81, 0x50][..], &[9; 16], &[0xf6]].concat(),
            [&[0x82, 0, 0x81, 0x82, 0x80, 0x50][..], &[9; 16]].concat(),
            vec![0x82, 1, 0x80],
            vec![0x82, 2, 0x80],
        ],
        "content" => {
            let key = ContentKey::from_bytes(&[7; 32]);
            let sealed = seal_content(&key, AD, b"").expect("a short text is sealed");
            vec![
                behind(&[0, 0, 0], &sealed),
                behind(&[1, 0, 5], b"hello"),
                behind(&[1, 0, 5], b"hello\x01\x00\x02\x03"),
                behind(&[1, 0, 5], b"hello\x04\x00\x20"),
                behind(&[1, 0, 5], b"hello\x05\x04abcd"),
                behind(&[1, 0, 5], b"hello\x09\x00\x00\x20"),
            ]
        }
        "conversation" => vec![
            // Alice and Bob in turns; what is behind 10 chooses a letter.
            vec![1, 0x80, 11, 0, 0, 11, 0, 0x80, 11, 0],
            vec![2, 0x80, 0x80, 0x80, 10, 2, 10, 0, 10, 1, 0, 11, 0],
            vec![3, 0x80, 0x00, 11, 0, 11, 0, 0x80, 0x00, 11, 1, 11, 0],
            vec![4, 0x85, 0x80, 5, 0, 10, 1, 10, 0, 10, 1, 6, 0x86],
            vec![5, 0x80, 11, 0, 0, 8, 0, 0, 11, 0, 0x80, 0x80, 0x80, 11, 2],
            vec![6, 0x80, 9, 0, 1, 0, 60, 3, 0x80, 9, 0, 2, 4, 0, 7],
            vec![
                7, 0x80, 0x80, 11, 0, 0, 11, 1, 9, 0, 8, 0, 33, 5, 7, 0x87, 0x80, 11, 0,
            ],
        ],
        "first_message" => vec![
            vec![0, 0, 0],
            vec![1, 0, 0],
            vec![0, 1, 2],
            vec![0, 0, 0, 1, 0, 1, 0],
            vec![0, 1, 0, 9, 0, 42, 64],
            vec![1, 0, 0, 3, 4, 0x6a, 0x10],
            vec![1, 0, 0, 8, 0, 2, 7],
            vec![0, 0, 0, 4, 4, 0],
        ],
        "frames" => frames()
            .iter()
            .map(|frame| behind(&[0], frame))
            .chain([vec![1, 0, 1, 2, 0, 3, 4], vec![2, 3, 9, 9, 0, 2, 8]])
            .collect(),
        "ids" => [
            AccountId([0xab; 32]).to_string(),
            EnvelopeId::new(Timestamp(NOW), [9; 10]).to_string(),
            "@mia.k".into(),
            "\"AAAA\"".into(),
            "A".repeat(43),
            "B".repeat(43),
        ]
        .map(String::into_bytes)
        .to_vec(),
        "link_messages" => vec![
            vec![0],
            vec![1],
            vec![2],
            vec![3],
            vec![4],
            vec![7],
            behind(&[0x80], &LINK.messages[0]),
            behind(&[0x84], &LINK.messages[4]),
            vec![0, 1, 30, 2],
            vec![1, 1, 4, 220, 2],
            vec![2, 9, 0, 80, 40],
            vec![3, 1, 4, 110, 3],
            vec![7, 3, 60, 65],
            vec![7, 4, 100],
        ],
        "link_states" => LINK
            .states
            .iter()
            .zip(0x80..)
            .map(|(state, place)| behind(&[place], state))
            .chain([
                vec![0],
                vec![1],
                vec![2],
                vec![3],
                vec![4],
                vec![5],
                vec![2, 1, 0, 60, 2],
                vec![3, 8, 0, 44, 1],
                vec![5, 3, 127, 17],
            ])
            .collect(),
        "padding" => [0, 63, 64, 200, 1000]
            .map(|length| vec![0x80; length])
            .into_iter()
            .flat_map(|content| [pad(&content).to_vec(), content])
            .collect(),
        "pairwise_message" => {
            let real = story.open.iter().map(|(bytes, _)| bytes.clone());
            real.chain(first.iter().map(|bytes| bytes.to_vec()))
                .take(12)
                .collect()
        }
        "place_chain" => vec![
            vec![0],
            vec![17, 0, 1, 0, 0, 0],
            vec![16, 1, 14, 0, 0, 5],
            vec![9, 0, 13, 1, 0, 0, 2, 17, 3, 0, 0],
            vec![12, 2, 3, 4, 1, 0, 170, 2, 0, 0, 1, 16, 0, 0, 0],
            vec![8, 1, 8, 8, 9, 0, 20, 40, 0, 0, 7, 7, 7, 0, 0],
        ],
        "place_entry" => (0..PLACE.entries.len())
            .step_by(3)
            .filter_map(|number| u8::try_from(number).ok())
            .map(|number| vec![number, 0])
            .chain([
                behind(&[255], &PLACE.entries[1]),
                behind(&[255], &PLACE.entries[5]),
                vec![7, 2, 1, 0, 200, 3],
                vec![14, 1, 8, 0, 180, 7],
                vec![17, 3, 9, 0, 33, 30],
            ])
            .collect(),
        "place_state" => vec![
            behind(&[0], &PLACE.snapshot),
            vec![1],
            vec![3],
            vec![1, 1, 0, 60, 2],
            vec![2, 8, 0, 90, 5],
            vec![3, 1, 1, 200, 3],
            vec![1, 7, 2, 0, 8],
        ],
        "prekey_bundle" => {
            let bob = &story.bob;
            let bundle = PrekeyBundle::sign(
                &bob.account,
                1,
                &bob.signing,
                &bob.signed,
                &bob.secrets[0],
                NOW + 7,
            );
            vec![
                behind(&[0], &bundle.to_bytes()),
                vec![1],
                vec![2],
                vec![1, 1, 0, 80, 1],
                vec![2, 9, 0, 70, 40],
                vec![1, 8, 0, 66, 7],
            ]
        }
        "prekey_secrets" => vec![
            behind(&[0], &story.bob.signed.to_bytes()),
            behind(&[0], &story.bob.secrets[0].to_bytes()),
            vec![1],
            vec![2],
            vec![3],
            vec![2, 1, 70, 3],
            vec![3, 8, 30, 7],
        ],
        "public_keys" => {
            let key = |bytes: [u8; 32]| behind(&bytes, &[0x55; 70]);
            vec![
                key([0; 32]),
                key([1; 32]),
                key([0xff; 32]),
                key(story.bob.signing.public().to_bytes()),
                key(story.bob.identity.public().to_bytes()),
                vec![1, 5, 3],
                vec![9, 0, 64],
            ]
        }
        "ratchet_message" => {
            let mut seeds: Vec<Vec<u8>> = (0..10).map(|number| vec![number, 1, 0]).collect();
            seeds.extend((0..4).map(|number| vec![0, 0, number, 1]));
            seeds.extend([
                vec![0, 1, 0, 1, 0, 33, 2],
                vec![5, 1, 0, 8, 0, 34, 5],
                vec![6, 1, 2, 9, 0, 1, 40],
                vec![8, 1, 9, 1, 4, 10, 6],
                vec![4, 1, 0, 4, 0, 60],
                vec![4, 1, 0, 5, 8, 1, 2, 3],
            ]);
            seeds
        }
        "reader" => {
            let bytes = Writer::new(labels::LOGIN)
                .u8(7)
                .u16(8)
                .u32(9)
                .u64(10)
                .fixed(&[3; 32])
                .bytes(b"xyz")
                .option_fixed(Some(&[4; 16]))
                .option_fixed::<16>(None)
                .finish();
            let fields = [1, 2, 3, 4, 5, 6, 7, 15, 0, 0, 0, 0, 0, 0, 0, 0];
            vec![
                behind(&fields, &bytes),
                behind(&fields, &bytes[..30]),
                behind(&[6; 16], &bytes),
            ]
        }
        "rest_bodies" => rest_bodies(),
        "sessions_state" => vec![
            behind(&[0], &story.bob_state),
            behind(&[0], &story.alice_state),
            vec![1],
            vec![2],
            vec![1, 1, 0, 40, 3],
            vec![1, 8, 1, 90, 7],
            vec![2, 9, 1, 0, 64],
            vec![2, 7, 0, 200, 32],
        ],
        "attachments" => vec![
            vec![0],
            vec![3],
            vec![0x80],
            vec![0x81, 8, 33, 1],
            vec![2, 1, 0, 30, 2],
            vec![2, 4, 0, 50],
            vec![3, 5, 16, 1, 2, 3],
        ],
        "safety_numbers" => vec![
            vec![1],
            vec![1, 1, 40, 2],
            vec![1, 9, 20, 40],
            vec![1, 4, 10],
            vec![0, 1, 2],
        ],
        "sender_key_forms" => vec![
            behind(&[7], &REAL.statement),
            behind(&[7], &REAL.distribution),
            behind(&[7], &REAL.receiving_state),
            behind(&[7], &REAL.sending_state),
            behind(&[7], &REAL.seed),
            vec![0],
            vec![1],
            vec![2],
            vec![3],
            vec![4],
            vec![5],
            vec![4, 8, 0, 90, 7],
            vec![1, 1, 0, 70, 3],
        ],
        "sender_key_message" => vec![
            vec![0, 1, 0],
            vec![1, 1, 0],
            vec![2, 1, 0],
            vec![0, 0, 0],
            vec![0, 1, 0, 1, 0, 18, 1],
            vec![1, 1, 2, 9, 0, 17, 40],
            vec![2, 1, 0, 4, 0, 90],
            vec![2, 1, 0, 8, 0, 17, 7],
        ],
        "vault" => vec![
            behind(&[0], &VAULT.slot),
            behind(&[0], &VAULT.wrapped),
            behind(&[0], &VAULT.record),
            vec![1],
            vec![2],
            vec![3],
            vec![3, 1, 100, 2],
            vec![1, 1, 0, 60, 2],
            vec![2, 9, 0, 80, 40],
        ],
        other => panic!("the target {other} has no seeds"),
    }
}

/// One of each frame.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let (id, room) = (EnvelopeId([7; 16]), RoomId([8; 32]));
    let heads = Heads { low: 0, high: 3 };
    let to = DeviceAddress {
        account: AccountId([5; 32]),
        device: DeviceId(1),
    };
    let cursor = Cursor { room, sequence: 9 };
    let client = [
        ClientFrame::Hello(Hello {
            version: 1,
            ticket: Token("ticket".into()),
            cursors: vec![cursor],
        }),
        ClientFrame::Send(Send {
            id,
            room,
            class: Class::Message,
            heads,
            target: Some(id),
            body: Bytes(vec![1; 60]),
            keys: vec![MessageKey {
                side: Side::High,
                device: DeviceId(0),
                pairwise: Bytes(vec![2; 60]),
            }],
            blobs: vec![BlobId([8; 16]), BlobId([9; 16])],
        }),
        ClientFrame::Distribute(Distribute {
            id,
            messages: vec![Pairwise {
                to,
                bytes: Bytes(vec![3; 30]),
            }],
        }),
        ClientFrame::Ack(Ack { mailbox: 1 << 40 }),
        ClientFrame::Restart(Restart { room }),
        ClientFrame::Ping(7),
        ClientFrame::Post(Post {
            id,
            room,
            class: Class::Message,
            epoch: 3,
            head: 4,
            target: Some(id),
            thread: None,
            expires: Some(3_600),
            body: Bytes(vec![6; 40]),
            blobs: vec![BlobId([8; 16])],
        }),
    ];
    let server = [
        ServerFrame::Welcome(Welcome {
            time: Timestamp(NOW),
            moved: vec![cursor],
            last_accepted: Some(id),
            one_time_prekeys: 100,
            acknowledged: 5,
            head: Some(1),
            restore: Some(RestoreEpoch([7; 16])),
            server_key: None,
        }),
        ServerFrame::Accepted(Accepted {
            id,
            sequence: 4,
            time: Timestamp(NOW),
        }),
        ServerFrame::Distributed(Distributed { id }),
        ServerFrame::Refused(Refused {
            id,
            code: ErrorCode::TooFast,
            retry_after: Some(3),
        }),
        ServerFrame::Deliver(Deliver {
            mailbox: 3,
            id,
            pairwise: Bytes(vec![4; 40]),
            item: Item::Message(DirectMessage {
                room,
                sequence: 2,
                side: Side::Low,
                device: DeviceId(0),
                time: Timestamp(NOW),
                class: Class::Annotation,
                heads,
                target: None,
                body: Bytes(vec![5; 40]),
            }),
        }),
        ServerFrame::Closing(Closing {
            code: ErrorCode::TooFast,
            retry_after: None,
        }),
        ServerFrame::Posted(RoomMessage {
            room,
            sequence: 9,
            id,
            sender: DeviceAddress {
                account: AccountId([5; 32]),
                device: DeviceId(1),
            },
            time: Timestamp(NOW),
            class: Class::Message,
            epoch: 3,
            head: 4,
            target: None,
            thread: Some(id),
            expires: Some(Timestamp(NOW)),
            body: Bytes(vec![6; 40]),
        }),
        ServerFrame::RoomMoved(cursor),
        ServerFrame::PlaceMoved(PlaceMoved {
            place: PlaceId([6; 32]),
            head: 4,
            entry: Bytes(vec![7; 40]),
        }),
        ServerFrame::Returned(Returned {
            former: AccountId([1; 32]),
            account: AccountId([2; 32]),
        }),
    ];
    let client = client.iter().map(ClientFrame::to_bytes);
    client.chain(server.iter().map(ServerFrame::to_bytes)).collect()
}

/// One of each REST body, in the order of the target's table.
fn rest_bodies() -> Vec<Vec<u8>> {
    let account = AccountId([5; 32]);
    let envelope = EnvelopeId([7; 16]);
    let stored = format!(
        r#"{{"sequence":1,"id":"{envelope}","account":"{account}","device":0,"received_at":5,"class":"message","heads":[0,1],"body":"AAEC"}}"#
    );
    let bodies = [
        r#"{"username":"mia","invite":"t","opaque":"AAEC"}"#.to_owned(),
        r#"{"opaque":"AAEC","time":1}"#.to_owned(),
        r#"{"username":"mia","invite":"t","opaque":"AA","genesis":"AA","signature":"AA","native":true}"#
            .to_owned(),
        format!(r#"{{"account":"{account}","username":"mia","entries":["AAEC"]}}"#),
        r#"{"entries":["AAEC"],"more":false}"#.to_owned(),
        r#"{"name":"x","version":"1","protocol":1}"#.to_owned(),
        r#"{"token":"t","expires":9}"#.to_owned(),
        r#"{"username":"mia","opaque":"AA"}"#.to_owned(),
        r#"{"attempt":"t","opaque":"AA"}"#.to_owned(),
        r#"{"attempt":"t","opaque":"AA","device":0,"signature":"AA","native":false}"#.to_owned(),
        format!(
            r#"{{"account":"{account}","device":0,"username":"mia","administrator":false,"access_token":"t","expires_in":5}}"#
        ),
        r#"{"refresh_token":"t"}"#.to_owned(),
        r#"{"ticket":"t"}"#.to_owned(),
        stored.clone(),
        format!(r#"{{"envelopes":[{stored}],"head":1}}"#),
        r#"{"id":1,"bundle":"AA"}"#.to_owned(),
        r#"{"one_time":[{"id":1,"bundle":"AA"}],"replace":true}"#.to_owned(),
        r#"{"one_time":3,"last_resort":true}"#.to_owned(),
        r#"{"bundle":"AA"}"#.to_owned(),
        format!(r#"{{"peer":"{account}"}}"#),
        format!(r#"{{"low":"{account}","high":"{account}"}}"#),
        serde_json::to_string(&Problem::new(ErrorCode::TooFast)).expect("a problem is written"),
    ];
    (0u8..)
        .zip(bodies)
        .map(|(place, body)| [&[place][..], body.as_bytes()].concat())
        .collect()
}
