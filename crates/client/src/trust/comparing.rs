//! The safety number of two people, and what a person says about it: it fits, it need not be compared, or no longer.

use std::sync::Arc;

use conclave_crypto::SafetyCodeError;
use conclave_crypto::safety_numbers::{SAFETY_NUMBER_LENGTH, SafetyNumber};
use conclave_protocol::AccountId;
use conclave_protocol::ErrorCode;
use conclave_protocol::bytes::{from_base64, to_base64};

use super::Judgment;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::people::Person;
use crate::reads::ReadError;
use crate::views::Outcome;
use crate::work::Work;

/// Longest text that is looked at as a code or a number.
const TYPED_MAX: usize = 2_048;

/// Compares what was typed, pasted or scanned: the other side's code, the link that holds it, or the 60 digits.
pub(super) fn compare(own: AccountId, other: AccountId, typed: &str) -> Result<(), Failure> {
    if typed.len() > TYPED_MAX {
        return Err(Failure::safety_code_unreadable());
    }
    let number = SafetyNumber::new(own.as_bytes(), other.as_bytes());
    let tight: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if !tight.is_empty() && tight.bytes().all(|digit| digit.is_ascii_digit()) {
        return match tight.len() {
            SAFETY_NUMBER_LENGTH if tight == number.digits() => Ok(()),
            SAFETY_NUMBER_LENGTH => Err(Failure::safety_number_differs()),
            _ => Err(Failure::safety_code_unreadable()),
        };
    }
    let code = tight.rsplit('/').next().and_then(from_base64);
    let code = code.ok_or_else(Failure::safety_code_unreadable)?;
    match number.compare(&code) {
        Ok(()) => Ok(()),
        Err(SafetyCodeError::OtherPeople) if code == number.code() => Err(Failure::safety_code_own()),
        Err(SafetyCodeError::OtherPeople) => Err(Failure::safety_number_differs()),
        Err(_) => Err(Failure::safety_code_unreadable()),
    }
}

/// The number as people read it, and the code that this side shows.
pub(super) fn shown(own: AccountId, other: AccountId) -> (String, String) {
    let number = SafetyNumber::new(own.as_bytes(), other.as_bytes());
    (number.digits(), to_base64(&number.code()))
}

impl Engine {
    /// Somebody who is known here, or was found and is kept now.
    pub(super) fn known_person(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
    ) -> Result<Option<Arc<Person>>, ReadError> {
        if !self.keep_found(work, account)? {
            return Ok(None);
        }
        self.person(work, account)
    }

    /// Compares a typed, pasted or scanned code with what is known here; where they fit, the person is marked.
    pub(crate) fn compare_safety_code(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        account: AccountId,
        typed: &str,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        match compare(own, account, typed) {
            Ok(()) => self.judge_identity(work, ask, account, Judgment::Verified),
            Err(failure) => {
                self.fail(work, ask, failure);
                Ok(())
            }
        }
    }

    pub(crate) fn judge_identity(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        account: AccountId,
        judgment: Judgment,
    ) -> Result<(), ReadError> {
        let own = work.own()?.account;
        let person = self.known_person(work, account)?.filter(|_| account != own);
        let Some(person) = person else {
            self.fail(work, ask, Failure::server(ErrorCode::UnknownPerson, None));
            return Ok(());
        };
        if judgment == Judgment::Verified && work.is_disputed(account)? {
            self.fail(work, ask, Failure::chain_invalid());
            return Ok(());
        }
        let username = work
            .pinned_name(account)?
            .unwrap_or_else(|| person.username.clone());
        self.mark(work, account, &username, judgment)?;
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }
}
