//! What the server says to an entry of a place's chain, by what is in memory: nothing here reads or writes.
//!
//! An entry is judged in four steps, each cheaper than the next: what it is to the chain as it stands
//! ([`receive`]), what it claims of accounts ([`check_claims`], by the chains of those that [`named`] lists), and the
//! rules ([`append`]). Storing it compares once more that nothing moved in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_protocol::{AccountId, Bytes, ErrorCode, Timestamp};
use conclave_sigchain::AccountChain;
use conclave_sigchain::room::{
    RoomBody, RoomChain, RoomChainError, RoomChange, RoomEntry, RoomState, join_proof_bytes,
};

use crate::chains::near;

/// The account chains by which an entry is judged.
pub(crate) type Chains = BTreeMap<AccountId, Arc<AccountChain>>;

/// What an entry is to a chain.
#[derive(Debug)]
pub(crate) enum Offer {
    /// It stands there: the answer to an earlier try was lost.
    Stands,
    /// It may come next; whether its author is a member.
    Next { is_member: bool },
}

/// What an offered entry is to a chain as it stands.
pub(crate) fn receive(chain: &RoomChain, entry: &RoomEntry, now: Timestamp) -> Result<Offer, ErrorCode> {
    // That comes before everything that has gone on since.
    if chain.hash_at(entry.sequence) == Some(entry.hash()) {
        return Ok(Offer::Stands);
    }
    let state = chain.state();
    admit(state, entry)?;
    if chain.head().checked_add(1) != Some(entry.sequence) || entry.previous != Some(chain.head_hash()) {
        return Err(ErrorCode::ChainMoved);
    }
    if !near(entry.time, now) {
        return Err(ErrorCode::ChainRefused);
    }
    let is_member = state.member(entry.author.account).is_some();
    Ok(Offer::Next { is_member })
}

/// The accounts whose chains bear out what an entry says, its author first.
pub(crate) fn named(entry: &RoomEntry) -> Vec<AccountId> {
    let mut accounts = vec![entry.author.account];
    accounts.extend(entry.body.named_head().map(|(account, _)| account));
    if let RoomBody::Approve { account } = &entry.body {
        accounts.push(*account);
    }
    accounts
}

/// Compares what an entry says of accounts with their chains.
pub(crate) fn check_claims(entry: &RoomEntry, chains: &Chains) -> Result<(), ErrorCode> {
    let chain_of = |account: AccountId| chains.get(&account).ok_or(ErrorCode::ChainRefused);
    let author = entry.author;
    let chain = chain_of(author.account)?;
    author.check(chain).map_err(|_| ErrorCode::ChainRefused)?;
    // Its device spoke for the account at the head that it names, and still does.
    if chain.device(author.device).is_none() {
        return Err(ErrorCode::DeviceRevoked);
    }
    if let Some((account, head)) = entry.body.named_head() {
        head.check(chain_of(account)?)
            .map_err(|_| ErrorCode::ChainRefused)?;
    }
    if let RoomBody::Add { account, .. } | RoomBody::Approve { account } = &entry.body
        && chain_of(*account)?.is_closed()
    {
        return Err(ErrorCode::ChainRefused);
    }
    Ok(())
}

/// Appends an entry that is the next one by [`receive`], or refuses it and leaves the chain as it was.
pub(crate) fn append(
    chain: &mut RoomChain,
    entry: &RoomEntry,
    is_member: bool,
) -> Result<RoomChange, ErrorCode> {
    chain.append(entry).map_err(|error| refusal(error, is_member))
}

/// Takes stored entries behind a chain.
pub(crate) fn go_on(chain: &mut RoomChain, entries: &[Bytes]) -> Result<(), RoomChainError> {
    for entry in entries {
        chain.append_bytes(entry.as_slice())?;
    }
    Ok(())
}

/// The answer about a place that does not exist.
pub(crate) fn unknown(body: &RoomBody) -> ErrorCode {
    match body {
        RoomBody::Join { .. } | RoomBody::Request { .. } => ErrorCode::PlaceInviteInvalid,
        _ => ErrorCode::NotFound,
    }
}

/// Whether the author may offer anything to this place. Who has no part in it and holds no invite is told what they
/// would be told of a place that does not exist.
fn admit(state: &RoomState, entry: &RoomEntry) -> Result<(), ErrorCode> {
    let account = entry.author.account;
    if state.member(account).is_some() {
        return Ok(());
    }
    match &entry.body {
        RoomBody::Join { invite, proof } | RoomBody::Request { invite, proof } => {
            let bytes = join_proof_bytes(state.place(), *invite, account, entry.author.head);
            let is_invited = state
                .invite(*invite)
                .is_some_and(|terms| !terms.has_expired(entry.time) && terms.signed(&bytes, proof));
            if !is_invited {
                Err(ErrorCode::PlaceInviteInvalid)
            } else if state.is_banned(account) {
                Err(ErrorCode::Banned)
            } else {
                Ok(())
            }
        }
        _ if state.request(account).is_some() => Ok(()),
        body => Err(unknown(body)),
    }
}

fn refusal(error: RoomChainError, is_member: bool) -> ErrorCode {
    match error {
        RoomChainError::Gap | RoomChainError::Fork => ErrorCode::ChainMoved,
        RoomChainError::Banned if !is_member => ErrorCode::Banned,
        RoomChainError::NoSuchInvite
        | RoomChainError::InviteExpired
        | RoomChainError::InviteKind
        | RoomChainError::Proof
            if !is_member =>
        {
            ErrorCode::PlaceInviteInvalid
        }
        _ => ErrorCode::ChainRefused,
    }
}
