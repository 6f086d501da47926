//! Notices find their place whatever order messages come in.

use conclave_protocol::{AccountId, DeviceAddress, DeviceId, EnvelopeId, PlaceId, RoomId, Timestamp};
use conclave_sigchain::room::{
    AccountHead, Permissions, PlaceKind, Policy, RoomAuthor, RoomBody, RoomChain, RoomEntry,
};

use super::following::Told;
use super::names::Names;
use super::notices::Notice;
use super::telling::{Draft, drafts};
use crate::machine::Engine;
use crate::rows::{Delivery, MessageBody, MessageRow, RoomKind, RoomRow};
use crate::work::Work;
use crate::work::testing::{Account, EmptyStore, rng, signing_key};

/// The first device of an account made of this seed.
fn author_of(account: &Account, seed: u8) -> RoomAuthor {
    RoomAuthor {
        account: account.id(),
        device: DeviceId(0),
        head: head_of(account),
        key: signing_key(seed, 0).public().to_bytes(),
    }
}

fn head_of(account: &Account) -> AccountHead {
    AccountHead {
        sequence: account.chain.head(),
        hash: account.chain.head_hash(),
    }
}

fn begins(account: &Account) -> (RoomChain, Vec<Draft>) {
    let author = author_of(account, 1);
    let body = RoomBody::Create {
        kind: PlaceKind::Group,
        nonce: [1; 16],
        everyone: Permissions::GROUP_DEFAULT,
        policy: Policy::default(),
    };
    let signing = signing_key(1, 0);
    let entry = RoomEntry::create(author, Timestamp(5), body).signed_with(|bytes| signing.sign(bytes));
    let (chain, change) = RoomChain::begin(&entry).unwrap();
    let told = drafts(chain.state(), &Names::new(chain.place(), []), &change);
    (chain, told)
}

fn group_row(place: PlaceId) -> RoomRow {
    RoomRow {
        room: RoomId::group(place),
        kind: RoomKind::Group { place },
        title: String::new(),
        active_at: Timestamp(1),
        read_up_to: 0,
    }
}

fn message(work: &mut Work<'_>, room: RoomId, sequence: u64) -> EnvelopeId {
    let id = work.make_id().unwrap();
    let ordinal = work.next_ordinal().unwrap();
    work.put_message(MessageRow {
        id,
        room,
        sequence: Some(sequence),
        ordinal,
        author: AccountId([9; 32]),
        device: DeviceId(0),
        mine: false,
        sent_at: Timestamp(1),
        counts: true,
        delivery: Delivery::Received,
        missing_before: 0,
        body: MessageBody::Text("hi".into()),
    });
    id
}

#[test]
fn a_notice_stands_before_the_first_message_that_knew_of_it_in_whatever_order_they_come() {
    let account = Account::new(1);
    let (chain, told) = begins(&account);
    let room = RoomId::group(chain.place());
    // Messages of senders who had seen the chain up to an entry, by sequence; the notice is that of entry 0.
    let heads = [(1, None), (2, None), (3, Some(0)), (4, Some(0))];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(10));
        work.put_own(&account.own(0));
        work.ensure_place_room(group_row(chain.place())).unwrap();
        let later: Vec<Draft> = told.iter().cloned().map(|draft| draft.of_entry(7)).collect();
        work.tell(later).unwrap();
        let notice = work
            .changed_messages()
            .find(|row| matches!(row.body, MessageBody::Notice(Notice::Created)))
            .map(|row| row.id)
            .unwrap();
        for at in order {
            let (sequence, seen) = heads[at];
            let id = message(&mut work, room, sequence);
            let head = seen.map_or(3, |_| 7);
            work.place_notices(room, sequence, head).unwrap();
            assert!(work.find_message(id).unwrap().is_some());
        }
        let row = work.find_message(notice).unwrap().unwrap();
        assert_eq!(row.sequence, Some(3), "{order:?}");
        assert!(
            row.ordinal < crate::own::ORDINALS_FROM,
            "it stands before the message of its sequence"
        );
    }
}

#[test]
fn having_seen_a_notice_reads_nothing_that_comes_behind_it() {
    let account = Account::new(1);
    let (chain, told) = begins(&account);
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(10));
    work.put_own(&account.own(0));
    work.ensure_place_room(group_row(chain.place())).unwrap();
    work.tell(told).unwrap();
    let room = RoomId::group(chain.place());
    let notice = work.changed_messages().next().map(|row| row.id).unwrap();
    let mut engine = Engine::new(true);
    engine.mark_read(&mut work, 1, room, notice).unwrap();
    assert_eq!(work.find_room(room).unwrap().unwrap().read_up_to, 0);
    let by = work.find_message(notice).unwrap().unwrap();
    assert_eq!(
        DeviceAddress {
            account: by.author,
            device: by.device
        },
        account.own(0).address()
    );
    assert!(!by.counts);
}

#[test]
fn what_was_told_of_an_earlier_stay_is_the_same_whether_the_return_was_heard_of_at_once_or_later() {
    let (alice, bob) = (Account::new(1), Account::new(2));
    let (mut chain, _) = begins(&alice);
    let add = RoomBody::Add {
        account: bob.id(),
        head: head_of(&bob),
        roles: Vec::new(),
    };
    let policy = |hours: u32| RoomBody::Policy {
        channel: None,
        policy: Policy {
            disappearing: hours * 3_600,
            ..Policy::default()
        },
    };
    let leave = RoomBody::Leave { closings: Vec::new() };
    let said = [
        (&alice, 1, policy(1)),
        (&alice, 1, add.clone()),
        (&alice, 1, policy(2)),
        (&bob, 2, leave),
        (&alice, 1, policy(3)),
        (&alice, 1, add),
    ];
    let names = Names::new(chain.place(), []);
    let mut at_once = Told::default();
    // A device that is there hears of its account's leaving, and of what follows only with its return.
    let (mut stay, mut back) = (Told::default(), Told::default());
    for (number, (by, seed, body)) in said.into_iter().enumerate() {
        let signing = signing_key(seed, 0);
        let entry = chain.next_entry(author_of(by, seed), Timestamp(6), body);
        let entry = entry.signed_with(|bytes| signing.sign(bytes));
        let change = chain.append(&entry).unwrap();
        at_once.take(&chain, &names, bob.id(), change.clone());
        let heard = if number < 4 { &mut stay } else { &mut back };
        heard.take(&chain, &names, bob.id(), change);
    }
    assert_eq!(at_once.entries(), [2, 3, 4, 6]);
    assert_eq!([stay.entries(), back.entries()].concat(), at_once.entries());
}
