//! Frames from anybody: every byte string is either a frame or refused, and a frame has one meaning.

use conclave_protocol::frames::{
    Accepted, Ack, Class, ClientFrame, Cursor, Distribute, Heads, Hello, MessageKey, Pairwise, PlaceMoved,
    Post, Restart, Returned, RoomMessage, Send, ServerFrame, Side,
};
use conclave_protocol::{
    AccountId, BlobId, Bytes, DeviceAddress, DeviceId, EnvelopeId, PlaceId, RoomId, Timestamp, Token,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes)
}

fn blobs() -> impl Strategy<Value = Vec<BlobId>> {
    vec(any::<[u8; 16]>().prop_map(BlobId), 0..3)
}

fn frame() -> impl Strategy<Value = ClientFrame> {
    let id = any::<[u8; 16]>().prop_map(EnvelopeId);
    let room = any::<[u8; 32]>().prop_map(RoomId);
    let side = prop_oneof![Just(Side::Low), Just(Side::High)];
    let key = (side, any::<u32>(), bytes(300)).prop_map(|(side, device, pairwise)| MessageKey {
        side,
        device: DeviceId(device),
        pairwise,
    });
    let cursor = (room.clone(), any::<u64>()).prop_map(|(room, sequence)| Cursor { room, sequence });
    let to = (any::<[u8; 32]>(), any::<u32>(), bytes(300)).prop_map(|(account, device, bytes)| Pairwise {
        to: DeviceAddress {
            account: AccountId(account),
            device: DeviceId(device),
        },
        bytes,
    });
    prop_oneof![
        (any::<u8>(), "[a-zA-Z0-9_-]{0,60}", vec(cursor, 0..5)).prop_map(|(version, ticket, cursors)| {
            ClientFrame::Hello(Hello {
                version,
                ticket: Token(ticket),
                cursors,
            })
        }),
        (
            id.clone(),
            room.clone(),
            any::<(u32, u32)>(),
            proptest::option::of(id.clone()),
            bytes(500),
            vec(key, 0..4),
            blobs()
        )
            .prop_map(|(id, room, (low, high), target, body, keys, blobs)| {
                let heads = Heads { low, high };
                ClientFrame::Send(Send {
                    id,
                    room,
                    class: Class::Message,
                    heads,
                    target,
                    body,
                    keys,
                    blobs,
                })
            }),
        (id, vec(to, 0..4)).prop_map(|(id, messages)| ClientFrame::Distribute(Distribute { id, messages })),
        any::<u64>().prop_map(|mailbox| ClientFrame::Ack(Ack { mailbox })),
        room.prop_map(|room| ClientFrame::Restart(Restart { room })),
        any::<u32>().prop_map(ClientFrame::Ping),
        post().prop_map(ClientFrame::Post),
    ]
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Message), Just(Class::Annotation)]
}

fn post() -> impl Strategy<Value = Post> {
    let id = any::<[u8; 16]>().prop_map(EnvelopeId);
    let other = proptest::option::of(id.clone());
    (
        (id, any::<[u8; 32]>(), class()),
        any::<(u32, u32)>(),
        (other.clone(), other, any::<Option<u32>>()),
        bytes(500),
        blobs(),
    )
        .prop_map(
            |((id, room, class), (epoch, head), (target, thread, expires), body, blobs)| Post {
                id,
                room: RoomId(room),
                class,
                epoch,
                head,
                target,
                thread,
                expires,
                body,
                blobs,
            },
        )
}

/// What the server says of places.
fn told() -> impl Strategy<Value = ServerFrame> {
    let sender = any::<([u8; 32], u32)>().prop_map(|(account, device)| DeviceAddress {
        account: AccountId(account),
        device: DeviceId(device),
    });
    prop_oneof![
        (post(), sender, any::<(u64, u64)>()).prop_map(|(post, sender, (sequence, time))| {
            ServerFrame::Posted(RoomMessage {
                room: post.room,
                sequence,
                id: post.id,
                sender,
                time: Timestamp(time),
                class: post.class,
                epoch: post.epoch,
                head: post.head,
                target: post.target,
                thread: post.thread,
                expires: post.expires.map(|expires| Timestamp(expires.into())),
                body: post.body,
            })
        }),
        any::<([u8; 32], u64)>().prop_map(|(room, sequence)| {
            ServerFrame::RoomMoved(Cursor {
                room: RoomId(room),
                sequence,
            })
        }),
        any::<([u8; 32], [u8; 32])>().prop_map(|(former, account)| {
            ServerFrame::Returned(Returned {
                former: AccountId(former),
                account: AccountId(account),
            })
        }),
        (any::<([u8; 32], u32)>(), bytes(500)).prop_map(|((place, head), entry)| {
            ServerFrame::PlaceMoved(PlaceMoved {
                place: PlaceId(place),
                head,
                entry,
            })
        }),
        any::<([u8; 16], u64, u64)>().prop_map(|(id, sequence, time)| {
            ServerFrame::Accepted(Accepted {
                id: EnvelopeId(id),
                sequence,
                time: Timestamp(time),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn every_frame_survives_its_bytes(frame in frame()) {
        prop_assert_eq!(ClientFrame::from_bytes(&frame.to_bytes()), Ok(frame));
    }

    #[test]
    fn what_is_told_of_places_survives_its_bytes(frame in told()) {
        prop_assert_eq!(ServerFrame::from_bytes(&frame.to_bytes()), Ok(frame));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = ClientFrame::from_bytes(&bytes);
        let _ = ServerFrame::from_bytes(&bytes);
    }

    #[test]
    fn a_frame_with_a_changed_byte_is_another_frame_or_refused(frame in frame(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = frame.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = ClientFrame::from_bytes(&bytes) {
            // CBOR has longer forms of some lengths; what is read must still be writable again.
            prop_assert_eq!(ClientFrame::from_bytes(&read.to_bytes()), Ok(read));
        }
    }
}
