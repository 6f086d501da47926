//! What an entry changes beside the chain: who is in, which rooms there are, what has to be observed.

use std::collections::BTreeSet;

use conclave_db::{NewPlaceEntry, PlaceStanding};
use conclave_protocol::{AccountId, RoomId};
use conclave_sigchain::AccountChain;
use conclave_sigchain::room::{PlaceKind, RoomChain, RoomChange, RoomEvent, RoomState};

use super::judging::Chains;

/// What is stored with an entry that the chain has taken.
pub(super) fn of_entry(
    chain: &RoomChain,
    change: &RoomChange,
    bytes: Vec<u8>,
    chains: &Chains,
) -> NewPlaceEntry {
    let state = chain.state();
    let place = state.place();
    let mut new = NewPlaceEntry {
        place,
        sequence: change.sequence,
        bytes,
        judged_by: chains
            .iter()
            .map(|(account, chain)| (*account, chain.head()))
            .collect(),
        standings: touched(&change.events)
            .into_iter()
            .map(|account| (account, standing(state, account)))
            .collect(),
        opens: Vec::new(),
        ends: Vec::new(),
        owes: Vec::new(),
        settles: Vec::new(),
    };
    for event in &change.events {
        match event {
            RoomEvent::Created if state.kind() == PlaceKind::Group => {
                new.opens.push((RoomId::group(place), None));
            }
            RoomEvent::ChannelCreated(channel) => {
                new.opens
                    .push((RoomId::channel(place, channel.0), Some(channel.0)));
            }
            RoomEvent::ChannelDeleted(channel) => new.ends.push(RoomId::channel(place, channel.0)),
            RoomEvent::Joined(account, _) | RoomEvent::Observed(account, _) => {
                match chains.get(account).and_then(|chain| owed(state, chain)) {
                    Some(sequence) => new.owes.push((*account, sequence)),
                    None => new.settles.push(*account),
                }
            }
            RoomEvent::Departed(account, _) => new.settles.push(*account),
            _ => {}
        }
    }
    new
}

/// What an account is in a place.
pub(super) fn standing(state: &RoomState, account: AccountId) -> PlaceStanding {
    if state.member(account).is_some() {
        PlaceStanding::Member
    } else if state.request(account).is_some() {
        PlaceStanding::Waiting
    } else {
        PlaceStanding::Stranger
    }
}

/// The accounts that an entry brought in or out.
pub(super) fn touched(events: &[RoomEvent]) -> BTreeSet<AccountId> {
    let accounts = events.iter().filter_map(|event| match event {
        RoomEvent::Joined(account, _)
        | RoomEvent::Requested(account, _)
        | RoomEvent::RequestEnded(account)
        | RoomEvent::Departed(account, _) => Some(*account),
        _ => None,
    });
    accounts.collect()
}

/// The entry of a member's own chain that took its last device away, where nobody has observed that.
fn owed(state: &RoomState, chain: &AccountChain) -> Option<u32> {
    let revoked = chain.known_devices().filter_map(|(_, device)| device.revoked);
    state
        .owes_observation(chain)
        .then(|| revoked.max().unwrap_or_default())
}
