//! Account chains on their way into the database: judged by the rules that every client runs, too, and what
//! follows from an entry once it is on disk.

use conclave_db::{EndedLogin, EntryStored, NewEntry};
use conclave_protocol::frames::{ChainMoved, Closing};
use conclave_protocol::limits::{ENTRIES_PAGE, ENTRY_CLOCK_SKEW_MS};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode, Timestamp};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, ChainError};

use crate::error::{ApiError, code_of};
use crate::places;
use crate::state::App;

/// An entry that the rules allow as the next one.
pub(crate) struct Judged {
    /// The chain with it.
    pub(crate) chain: AccountChain,
    /// What it changes.
    new: NewEntry,
}

/// What becomes of an entry that is offered.
pub(crate) enum Offered {
    /// It stands in the chain already.
    Stands(Box<AccountChain>),
    /// It may be stored.
    Next(Box<Judged>),
}

/// The stored chain of an account that exists.
pub(crate) async fn chain_of(app: &App, account: AccountId) -> Result<AccountChain, ApiError> {
    let mut all = Vec::new();
    loop {
        let after = u32::try_from(all.len()).unwrap_or(u32::MAX).checked_sub(1);
        let page = entries(app, account, after, ENTRIES_PAGE).await?;
        let last = page.len() < ENTRIES_PAGE;
        all.extend(page);
        if last {
            break;
        }
    }
    AccountChain::verify(account, all.iter().map(Bytes::as_slice)).map_err(|error| {
        tracing::error!(%error, "a stored account chain breaks its rules");
        ErrorCode::Internal.into()
    })
}

/// A chain's entries in order.
pub(crate) async fn entries(
    app: &App,
    account: AccountId,
    after: Option<u32>,
    limit: usize,
) -> Result<Vec<Bytes>, ApiError> {
    Ok(app
        .db
        .list_entries(account, after, u32::try_from(limit).unwrap_or(u32::MAX))
        .await?)
}

/// Whether an entry's time is near enough to the server's.
pub(crate) fn near(time: Timestamp, now: Timestamp) -> bool {
    time.since(now).max(now.since(time)) <= ENTRY_CLOCK_SKEW_MS
}

/// Judges an entry on the chain as it is stored. `password` is the record that takes the old one's place with it.
pub(crate) fn judge(
    mut chain: AccountChain,
    entry: &AccountEntry,
    password: Option<Vec<u8>>,
    now: Timestamp,
) -> Result<Offered, ApiError> {
    // The answer to an earlier try may have been lost: that comes before the clock, which has gone on.
    if chain.hash_at(entry.sequence) == Some(entry.hash()) {
        return Ok(Offered::Stands(Box::new(chain)));
    }
    if chain.is_closed() {
        return Err(ErrorCode::AccountClosed.into());
    }
    let before: Vec<DeviceId> = chain.devices().map(|(id, _)| id).collect();
    chain.append(entry).map_err(refusal)?;
    if !near(entry.time, now) {
        return Err(ErrorCode::ChainRefused.into());
    }
    let recovery = match &entry.body {
        AccountBody::RotateRecovery { recovery, .. } => Some(*recovery),
        _ => None,
    };
    let new = NewEntry {
        account: chain.account(),
        sequence: entry.sequence,
        bytes: entry.to_bytes(),
        adds: matches!(entry.body, AccountBody::AddDevice { .. }),
        revokes: before
            .into_iter()
            .filter(|id| chain.device(*id).is_none())
            .collect(),
        recovery,
        closes: chain.is_closed(),
        password,
        now,
    };
    Ok(Offered::Next(Box::new(Judged { chain, new })))
}

fn refusal(error: ChainError) -> ErrorCode {
    match error {
        ChainError::Gap | ChainError::Fork => ErrorCode::ChainMoved,
        ChainError::TooManyDevices => ErrorCode::DevicesFull,
        ChainError::Closed => ErrorCode::AccountClosed,
        _ => ErrorCode::ChainRefused,
    }
}

/// Stores a judged entry and, once it is on disk, ends what it ends and tells who has to know.
pub(crate) async fn store(app: &App, judged: Judged) -> Result<AccountChain, ApiError> {
    let Judged { chain, new } = judged;
    match app.db.append_entry(&new).await? {
        EntryStored::Done(ended) => follow(app, &new, &ended).await,
        EntryStored::Already => {}
        EntryStored::Moved => return Err(ErrorCode::ChainMoved.into()),
    }
    Ok(chain)
}

async fn follow(app: &App, new: &NewEntry, ended: &[EndedLogin]) {
    let why = if new.closes {
        ErrorCode::AccountClosed
    } else {
        ErrorCode::DeviceRevoked
    };
    // Invariant: refused first, closed second, as in `App::end_login`.
    for login in ended {
        app.revocations.add(login.id, why, app.now());
    }
    let moved = ChainMoved {
        account: new.account,
        head: new.sequence,
        entry: Bytes(new.bytes.clone()),
    };
    for device in &new.revokes {
        let address = DeviceAddress {
            account: new.account,
            device: *device,
        };
        let closing = Closing {
            code: why,
            retry_after: None,
        };
        app.hub.close_device(address, closing, &moved);
    }
    // A lost wake-up costs time only: whoever connects is told the head, whoever sends to stale devices is refused.
    let mut watchers = vec![new.account];
    match app.db.list_peers(new.account).await {
        Ok(peers) => watchers.extend(peers),
        Err(error) => {
            code_of(&error);
        }
    }
    if new.adds || !new.revokes.is_empty() {
        // Who shares a place seals to the account's devices.
        watchers.extend(places::fellows(app, new.account).await);
    }
    watchers.sort_unstable();
    watchers.dedup();
    app.bus.chain_moved(new.account, &watchers);
}
