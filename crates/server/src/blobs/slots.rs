//! How many chunks are received, and blobs read, at a time: by everybody together and by each account, so that memory
//! stays bounded and nobody takes all of it.

use std::sync::Arc;

use conclave_protocol::{AccountId, ErrorCode};
use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Seconds after which to try again.
const RETRY_SECONDS: u32 = 1;

/// A number of slots.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    each: u32,
    taken: Arc<DashMap<AccountId, u32>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    account: AccountId,
    taken: Arc<DashMap<AccountId, u32>>,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(crate) fn new(all: usize, each: u32) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            each,
            taken: Arc::default(),
        }
    }

    /// A slot for an account, or when to come again.
    pub(crate) fn take(&self, account: AccountId) -> Result<Slot, ApiError> {
        let permit = Arc::clone(&self.all)
            .try_acquire_owned()
            .map_err(|_| ApiError::from(ErrorCode::Unavailable).retry_after(RETRY_SECONDS))?;
        let mut taken = self.taken.entry(account).or_insert(0);
        if *taken >= self.each {
            return Err(ApiError::from(ErrorCode::TooFast).retry_after(RETRY_SECONDS));
        }
        *taken += 1;
        Ok(Slot {
            account,
            taken: Arc::clone(&self.taken),
            _permit: permit,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(mut taken) = self.taken.get_mut(&self.account) {
            *taken = taken.saturating_sub(1);
        }
        self.taken.remove_if(&self.account, |_, taken| *taken == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_takes_all_it_may_leaves_some_to_others() {
        let slots = Slots::new(3, 2);
        let (one, other) = (AccountId([1; 32]), AccountId([2; 32]));
        let held = [slots.take(one).unwrap(), slots.take(one).unwrap()];
        assert_eq!(slots.take(one).unwrap_err().code, ErrorCode::TooFast);
        let last = slots.take(other).unwrap();
        assert_eq!(slots.take(other).unwrap_err().code, ErrorCode::Unavailable);
        drop(held);
        assert!(slots.take(one).is_ok());
        drop(last);
        assert!(slots.taken.is_empty());
    }
}
