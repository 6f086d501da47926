//! What is shown of somebody: how their identity stands, the number to compare, and what changed in their log.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, ErrorCode, Timestamp};
use conclave_sigchain::{AccountBody, AccountEntry, Author};

use super::comparing::shown;
use super::marks::MARK;
use super::names::{KNOWN, Known, Standing};
use super::{Judgment, Mark};
use crate::calls::Need;
use crate::changes::Table;
use crate::codec;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::people::Person;
use crate::reads::{ReadError, Reads};
use crate::views::{
    ChangeAuthorView, ChangeView, EarlierView, Outcome, PersonView, ProfileView, StandingView, TrustView,
    WhatChangedView,
};
use crate::work::Work;

/// Changes that are shown of a log, the newest first; a log may hold thousands.
const CHANGES_MAX: usize = 200;

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Unchecked => Self::Unchecked,
            Standing::Changed => Self::Changed,
            Standing::Blocked => Self::Blocked,
            Standing::Verified => Self::Verified,
        }
    }
}

/// What an entry says to people, if anything.
fn change_of(entry: &AccountEntry, names: &BTreeMap<u32, String>) -> Option<ChangeView> {
    let name = |device: u32| names.get(&device).cloned();
    let what = match &entry.body {
        AccountBody::Genesis { .. } => WhatChangedView::Made,
        AccountBody::AddDevice { .. } => WhatChangedView::DeviceAdded {
            device: entry.sequence,
            name: name(entry.sequence),
        },
        AccountBody::RevokeDevice { device } => WhatChangedView::DeviceRemoved {
            device: device.0,
            name: name(device.0),
        },
        AccountBody::RotateRecovery { revoke_all, .. } => WhatChangedView::RecoveryReplaced {
            all_removed: *revoke_all,
        },
        AccountBody::Close {} => WhatChangedView::Closed,
        AccountBody::Vault(_) => return None,
    };
    let by = match entry.author {
        Author::Device(device) => ChangeAuthorView::Device {
            device: device.0,
            name: name(device.0),
        },
        Author::Recovery => ChangeAuthorView::RecoveryKey,
    };
    Some(ChangeView {
        at: entry.time.0,
        what,
        by,
    })
}

fn changes_of(person: &Person, names: &BTreeMap<u32, String>) -> Vec<ChangeView> {
    person
        .entries()
        .iter()
        .rev()
        .filter_map(|bytes| AccountEntry::from_bytes(bytes.as_slice()).ok())
        .filter_map(|entry| change_of(&entry, names))
        .take(CHANGES_MAX)
        .collect()
}

impl Engine {
    /// Everybody whose identity stands otherwise than believed at first sight, or whose name is another's now.
    pub fn list_trust(&self, store: &dyn Reads) -> Result<Vec<TrustView>, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let mut names: BTreeMap<String, Vec<AccountId>> = BTreeMap::new();
        for (_, bytes) in work.list_bytes(Table::Verified, KNOWN, u32::MAX)? {
            let known: Known = codec::decode(&bytes, "name")?;
            names.entry(known.username).or_default().push(known.account);
        }
        let marked = work.list_bytes(Table::Verified, MARK, u32::MAX)?;
        let mut all: Vec<AccountId> = names
            .into_values()
            .filter(|accounts| accounts.len() > 1)
            .flatten()
            .collect();
        for (_, bytes) in marked {
            let mark: Mark = codec::decode(&bytes, "mark")?;
            if mark.judgment == Judgment::Verified {
                all.push(mark.account);
            }
        }
        all.sort_unstable();
        all.dedup();
        let mut views = Vec::with_capacity(all.len());
        for account in all {
            views.push(TrustView {
                account: account.to_string(),
                standing: work.standing(account)?.into(),
                successor: work.successor(account)?.map(|other| other.to_string()),
            });
        }
        Ok(views)
    }

    /// Answers with what is known here of somebody, or of the own account, and asks the server for more.
    pub(crate) fn profile(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        account: AccountId,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        // Whom this device knows it follows; what was found by a name stays as it was found.
        let profile = match (self.person(work, account)?, self.found.get(&account)) {
            (Some(person), _) => self.profile_of(work, own.account, &person)?,
            (None, Some(found)) => self.profile_of(work, own.account, found)?,
            (None, None) => {
                self.fail(work, ask, Failure::server(ErrorCode::UnknownPerson, None));
                return Ok(());
            }
        };
        self.answer(
            work,
            ask,
            Outcome::Profile {
                profile: Box::new(profile),
            },
        );
        if account != own.account && self.link.is_greeted() && self.person(work, account)?.is_some() {
            self.need(work, Need::Entries(account))?;
            self.look_up_name(work, account)?;
        }
        Ok(())
    }

    fn profile_of(&self, work: &Work<'_>, own: AccountId, person: &Person) -> Result<ProfileView, ReadError> {
        let account = person.chain.account();
        let is_own = account == own;
        let names = if is_own {
            let names = work.device_names()?;
            names.into_iter().map(|(device, name)| (device.0, name)).collect()
        } else {
            BTreeMap::new()
        };
        let mark = work.mark_of(account)?;
        let (safety_number, safety_code) = if is_own {
            (None, None)
        } else {
            let (number, code) = shown(own, account);
            (Some(number), Some(code))
        };
        let mut earlier = Vec::new();
        for (other, since) in work.namesakes(account)? {
            earlier.push(EarlierView {
                account: other.to_string(),
                since: since.0,
                verified: work.judgment(other)? == Judgment::Verified,
            });
        }
        earlier.sort_by_key(|one| one.since);
        let username = work
            .pinned_name(account)?
            .unwrap_or_else(|| person.username.clone());
        Ok(ProfileView {
            person: PersonView {
                account: account.to_string(),
                username,
            },
            own: is_own,
            standing: work.standing(account)?.into(),
            verified_at: mark
                .filter(|mark| mark.judgment == Judgment::Verified)
                .map(|mark| mark.at.0),
            safety_number,
            safety_code,
            disputed: work.is_disputed(account)?,
            successor: work.successor(account)?.map(|other| other.to_string()),
            others: earlier,
            devices: u32::try_from(person.chain.devices().count()).unwrap_or(u32::MAX),
            changes: changes_of(person, &names),
        })
    }
}
