//! What holds after each entry that was accepted, whatever it was.

use conclave_protocol::{AccountId, RoomId};
use conclave_sigchain::room::{Permissions, RoomChain, RoomState};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author};

/// Devices that an account may have at a time.
const DEVICES_MAX: usize = 16;

/// Laws of an account's chain, by what it was and what an entry made of it.
pub(crate) fn account(before: &AccountChain, after: &AccountChain, entry: &AccountEntry) {
    assert_eq!(after.account(), before.account(), "the account stays");
    assert_eq!(after.head(), before.head() + 1, "a chain grows by one entry");
    assert!(after.time() >= before.time(), "time never goes back");
    assert!(!before.is_closed(), "nothing follows the end");
    let active = after.devices().count();
    assert!(active <= DEVICES_MAX, "too many devices");
    assert!(
        !after.is_closed() || active == 0,
        "an ended account has no device"
    );
    // Who spoke was allowed to at that moment.
    match entry.author {
        Author::Recovery => {}
        Author::Device(id) => assert!(before.device(id).is_some(), "a revoked device spoke"),
    }
    for (id, device) in before.known_devices() {
        let now = after.known_device(id).expect("no device is forgotten");
        assert_eq!(now.keys, device.keys, "a device keeps its keys");
        assert!(
            device.is_active() || !now.is_active(),
            "a revoked device came back"
        );
    }
    if before.recovery() != after.recovery() {
        assert!(
            matches!(entry.author, Author::Recovery),
            "only the recovery key replaces itself"
        );
    }
    if let (Some(old), Some(new)) = (before.vault(), after.vault()) {
        assert!(new.generation >= old.generation, "a vault key came back");
        assert!(new.records >= old.records, "records of the vault went away");
    }
    let mut keys: Vec<_> = after
        .known_devices()
        .flat_map(|(_, device)| [device.keys.signing, device.keys.identity])
        .chain([*after.recovery()])
        .collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count, "no key stands twice");
    if active == 0 && before.devices().next().is_some() {
        let by_recovery = matches!(entry.author, Author::Recovery);
        let ends = matches!(entry.body, AccountBody::Close {});
        assert!(by_recovery || ends, "a device took out the last one");
    }
}

/// Laws of a place's chain, by what it was and what an entry made of it. `people` are all there are.
pub(crate) fn place(before: &RoomState, after: &RoomChain, people: &[AccountId], by: AccountId) {
    let state = after.state();
    assert_eq!(state.place(), before.place(), "the place stays");
    assert_eq!(after.head(), before.sequence() + 1, "a chain grows by one entry");
    assert!(state.time() >= before.time(), "time never goes back");
    assert!(!before.is_closed(), "nothing follows the end");
    assert!(
        state.member(state.owner()).is_some(),
        "no place is without an owner"
    );
    if state.owner() != before.owner() {
        assert_eq!(by, before.owner(), "the owner alone hands over");
    }
    assert!(
        state.place_epoch() >= before.place_epoch(),
        "the place's epoch fell"
    );
    for room in state.rooms() {
        epochs(before, state, room);
    }
    for account in people {
        let is_member = state.member(*account).is_some();
        assert!(!(is_member && state.is_banned(*account)), "a banned member");
        assert!(
            !(is_member && state.request(*account).is_some()),
            "a member who waits to be let in"
        );
        if !is_member {
            assert!(state.standing(*account).is_none(), "a rank without membership");
            for (name, permission) in Permissions::NAMED {
                assert!(
                    !state.may(*account, *permission, None),
                    "somebody outside may {name}"
                );
            }
            for room in state.rooms() {
                assert!(!state.is_reader(*account, room), "somebody outside reads");
                assert!(
                    state.may_post(*account, room, state.time()).is_err(),
                    "somebody outside writes"
                );
            }
        }
    }
    for (_, invite) in state.invites() {
        assert!(state.member(invite.by).is_some(), "an invite outlived its maker");
    }
}

/// Epochs never fall, and end whenever somebody who read a room reads it no longer.
fn epochs(before: &RoomState, state: &RoomState, room: RoomId) {
    let now = state.epoch(room).expect("a room has an epoch");
    assert!(now <= state.sequence(), "an epoch of the future");
    let Some(then) = before.epoch(room) else { return };
    assert!(now >= then, "an epoch fell");
    let lost = before
        .readers(room)
        .any(|account| !state.is_reader(account, room));
    if lost {
        assert_eq!(now, state.sequence(), "an epoch went on after somebody was out");
    }
    for account in state.readers(room) {
        assert!(state.member(account).is_some(), "a reader who is no member");
        let from = state
            .history_from(account, room)
            .expect("a reader reads from somewhere on");
        assert!(from <= state.sequence(), "a history of the future");
    }
}
