//! People, their devices, their rooms and what they send.

use conclave_db::{Append, Db, DirectRoom, Door, NewAccount, NewEnvelope, Registered};
use conclave_protocol::frames::{Class, Heads};
use conclave_protocol::{AccountId, DeviceAddress, DeviceId, EnvelopeId, Hash, RoomId, Timestamp};

/// A moment well after zero, so that tests can go back from it.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// The account of the person with this number.
pub(crate) fn account(number: u8) -> AccountId {
    AccountId([number; 32])
}

/// A device of the person with this number.
pub(crate) fn device(number: u8, device: u32) -> DeviceAddress {
    DeviceAddress {
        account: account(number),
        device: DeviceId(device),
    }
}

/// A hash that no other number has.
pub(crate) fn hash(number: u64) -> Hash {
    let mut bytes = [0xC0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

/// An id that no other pair of numbers has.
pub(crate) fn id(sender: DeviceAddress, number: u64) -> EnvelopeId {
    let mut random = [0; 10];
    random[0] = sender.account.0[0];
    random[2..].copy_from_slice(&number.to_be_bytes());
    EnvelopeId::new(NOW, random)
}

/// What the person with this number would register.
pub(crate) fn registration(number: u8, door: Door) -> NewAccount {
    NewAccount {
        id: account(number),
        username: format!("person{number}").parse().unwrap(),
        opaque_record: vec![number; 192],
        genesis: vec![number; 280],
        recovery: [number; 32],
        door,
        now: NOW,
    }
}

/// Registers people; the first of all by the set-up link, the others by invites of the first.
pub(crate) async fn join<const N: usize>(db: &Db, numbers: [u8; N]) -> [DeviceAddress; N] {
    for number in numbers {
        let door = if db.count_accounts().await.unwrap() == 0 {
            Door::Setup
        } else {
            let invite = hash(1_000_000 + u64::from(number));
            db.insert_invite(invite, account(numbers[0]), NOW.plus(1000), NOW)
                .await
                .unwrap();
            Door::Invite(invite)
        };
        assert_eq!(
            db.insert_account(&registration(number, door)).await.unwrap(),
            Registered::Done
        );
    }
    numbers.map(|number| device(number, 0))
}

/// Opens the direct room of two people, or of one with itself.
pub(crate) async fn open_room(db: &Db, one: DeviceAddress, other: DeviceAddress) -> DirectRoom {
    let room = room(one, other);
    assert!(db.insert_direct_room(&room, NOW).await.unwrap());
    room
}

/// The direct room of two people.
pub(crate) fn room(one: DeviceAddress, other: DeviceAddress) -> DirectRoom {
    let (low, high) = (one.account.min(other.account), one.account.max(other.account));
    DirectRoom {
        id: RoomId::direct(low, high),
        low,
        high,
    }
}

/// A message with a number, from a device to devices.
pub(crate) fn message(
    room: DirectRoom,
    sender: DeviceAddress,
    to: &[DeviceAddress],
    number: u64,
) -> NewEnvelope {
    NewEnvelope {
        id: id(sender, number),
        room,
        sender,
        class: Class::Message,
        heads: Heads { low: 0, high: 0 },
        target: None,
        body: body(number),
        keys: to.iter().map(|to| (*to, pairwise(*to, number))).collect(),
        blobs: Vec::new(),
        digest: hash(number),
    }
}

/// As [`message`], for a batch.
pub(crate) fn append(room: DirectRoom, sender: DeviceAddress, to: &[DeviceAddress], number: u64) -> Append {
    Append::Envelope(message(room, sender, to, number))
}

/// The body of the message with this number.
pub(crate) fn body(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(24)
}

/// What the message with this number carries for a device.
pub(crate) fn pairwise(to: DeviceAddress, number: u64) -> Vec<u8> {
    [&to.account.0[..4], &number.to_be_bytes()].concat().repeat(12)
}
