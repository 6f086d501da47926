//! What a message in a room of a place is bound to: sealed and opened with exactly these bytes, beside what the sender
//! key itself binds (room, epoch, device, chain, number).

use conclave_encoding::{Writer, labels};
use conclave_protocol::frames::{Class, RoomMessage};
use conclave_protocol::{EnvelopeId, Hash, RoomId};

/// A message's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostContext {
    pub(crate) room: RoomId,
    pub(crate) epoch: u32,
    /// The newest entry of the place's chain that the sender saw, and its hash as the chain known here has it.
    pub(crate) head: u32,
    pub(crate) head_hash: Hash,
    pub(crate) id: EnvelopeId,
    pub(crate) class: Class,
    pub(crate) target: Option<EnvelopeId>,
    pub(crate) thread: Option<EnvelopeId>,
    /// Seconds after which it disappears.
    pub(crate) expires: Option<u32>,
}

impl PostContext {
    /// That of a message as the server tells it. None where what it says of the time until it disappears cannot be.
    pub(crate) fn of(message: &RoomMessage, head_hash: Hash) -> Option<Self> {
        let expires = match message.expires {
            None => None,
            Some(at) => {
                let left = at.0.checked_sub(message.time.0)?;
                let seconds = left
                    .checked_div(1_000)
                    .filter(|_| left.checked_rem(1_000) == Some(0))?;
                Some(u32::try_from(seconds).ok()?)
            }
        };
        Some(Self {
            room: message.room,
            epoch: message.epoch,
            head: message.head,
            head_hash,
            id: message.id,
            class: message.class,
            target: message.target,
            thread: message.thread,
            expires,
        })
    }

    /// The associated data.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        Writer::new(labels::ROOM_MESSAGE)
            .u8(conclave_protocol::PROTOCOL_VERSION)
            .fixed(&self.room.0)
            .u32(self.epoch)
            .u32(self.head)
            .fixed(&self.head_hash.0)
            .fixed(&self.id.0)
            .u8(match self.class {
                Class::Message => 0,
                Class::Annotation => 1,
            })
            .option_fixed(self.target.as_ref().map(|target| &target.0))
            .option_fixed(self.thread.as_ref().map(|thread| &thread.0))
            .option_fixed(self.expires.map(u32::to_be_bytes).as_ref())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, Timestamp};

    fn message() -> RoomMessage {
        RoomMessage {
            room: RoomId([1; 32]),
            sequence: 3,
            id: EnvelopeId([2; 16]),
            sender: DeviceAddress {
                account: AccountId([3; 32]),
                device: DeviceId(4),
            },
            time: Timestamp(1_000_500),
            class: Class::Message,
            epoch: 5,
            head: 6,
            target: None,
            thread: None,
            expires: None,
            body: Bytes(Vec::new()),
        }
    }

    #[test]
    fn whatever_the_server_changes_changes_what_a_message_is_bound_to() {
        let hash = Hash([7; 32]);
        let bytes = |message: &RoomMessage, hash| PostContext::of(message, hash).unwrap().to_bytes();
        let all = [
            bytes(&message(), hash),
            bytes(&message(), Hash([8; 32])),
            bytes(
                &RoomMessage {
                    room: RoomId([9; 32]),
                    ..message()
                },
                hash,
            ),
            bytes(
                &RoomMessage {
                    id: EnvelopeId([9; 16]),
                    ..message()
                },
                hash,
            ),
            bytes(
                &RoomMessage {
                    epoch: 6,
                    ..message()
                },
                hash,
            ),
            bytes(&RoomMessage { head: 7, ..message() }, hash),
            bytes(
                &RoomMessage {
                    class: Class::Annotation,
                    ..message()
                },
                hash,
            ),
            bytes(
                &RoomMessage {
                    target: Some(EnvelopeId([9; 16])),
                    ..message()
                },
                hash,
            ),
            bytes(
                &RoomMessage {
                    thread: Some(EnvelopeId([9; 16])),
                    ..message()
                },
                hash,
            ),
            bytes(
                &RoomMessage {
                    expires: Some(Timestamp(1_060_500)),
                    ..message()
                },
                hash,
            ),
            bytes(
                &RoomMessage {
                    expires: Some(Timestamp(1_061_500)),
                    ..message()
                },
                hash,
            ),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn a_message_disappears_whole_seconds_after_it_came() {
        for (expires, of) in [
            (1_060_500, Some(Some(60))),
            (1_060_501, None),
            (1_000_499, None),
            (u64::MAX, None),
        ] {
            let message = RoomMessage {
                expires: Some(Timestamp(expires)),
                ..message()
            };
            let context = PostContext::of(&message, Hash([7; 32]));
            assert_eq!(context.map(|context| context.expires), of);
        }
    }
}
