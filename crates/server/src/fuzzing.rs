//! The server's judging of chains without its database, for `crates/testing` alone. Nothing that ships switches this
//! on.

use std::sync::Arc;

use conclave_protocol::{AccountId, Bytes, ErrorCode, Timestamp};
use conclave_sigchain::room::{RoomChain, RoomEntry};
use conclave_sigchain::{AccountChain, AccountEntry};

use crate::chains::{Offered, judge};
use crate::places::judging::{self, Chains, Offer};

/// Judges an entry of an account's chain as the server does; the chain with it, where it is accepted.
pub fn judge_account(
    chain: &AccountChain,
    entry: &AccountEntry,
    now: Timestamp,
) -> Result<AccountChain, ErrorCode> {
    match judge(chain.clone(), entry, None, now).map_err(|error| error.code)? {
        Offered::Stands(chain) => Ok(*chain),
        Offered::Next(judged) => Ok(judged.chain),
    }
}

/// Judges an entry of a place's chain as the server does. `account` gives the chain of an account that exists.
pub fn judge_place(
    chain: &mut RoomChain,
    entry: &RoomEntry,
    account: impl Fn(AccountId) -> Option<Arc<AccountChain>>,
    now: Timestamp,
) -> Result<(), ErrorCode> {
    let Offer::Next { is_member } = judging::receive(chain, entry, now)? else {
        return Ok(());
    };
    let named = judging::named(entry).into_iter();
    let chains: Chains = named.filter_map(|id| Some((id, account(id)?))).collect();
    judging::check_claims(entry, &chains)?;
    judging::append(chain, entry, is_member).map(|_| ())
}

/// A place's chain as it stands after a start: the kept one, and the stored entries behind it.
pub fn start_again(kept: &[u8], behind: &[Bytes]) -> Option<RoomChain> {
    let mut chain = RoomChain::from_bytes(kept).ok()?;
    judging::go_on(&mut chain, behind).ok()?;
    Some(chain)
}
