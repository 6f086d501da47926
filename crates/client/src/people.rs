//! People: their handle, their verified chain, their devices. Nothing is ever sealed to a device that was not
//! found here.

use std::sync::Arc;

use conclave_crypto::{IdentityPublicKey, RemoteDevice, VerifyingKey};
use conclave_protocol::accounts::AccountFound;
use conclave_protocol::limits::ENTRIES_PAGE;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId};
use conclave_sigchain::{AccountChain, ChainError, Device};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::views::PersonView;
use crate::work::Work;

/// A stored contact.
#[derive(Encode, Decode)]
struct ContactRecord {
    #[n(0)]
    username: String,
    #[n(1)]
    entries: Vec<Bytes>,
}

/// Somebody whose chain was verified here.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) username: String,
    pub(crate) chain: AccountChain,
    entries: Vec<Bytes>,
}

impl Person {
    /// Verifies what the server said about an account.
    pub(crate) fn verify(found: AccountFound) -> Result<Self, ChainError> {
        let chain = AccountChain::verify(found.account, found.entries.iter().map(Bytes::as_slice))?;
        Ok(Self {
            username: found.username.as_str().to_owned(),
            chain,
            entries: found.entries,
        })
    }

    /// The own account.
    pub(crate) fn of(own: &OwnIdentity) -> Result<Self, ReadError> {
        Ok(Self {
            username: own.username.clone(),
            chain: own.chain()?,
            entries: own.entries.clone(),
        })
    }

    /// The same person with a chain that goes on by these verified entries.
    pub(crate) fn with(&self, chain: AccountChain, more: Vec<Bytes>) -> Self {
        Self {
            username: self.username.clone(),
            chain,
            entries: [self.entries.as_slice(), &more].concat(),
        }
    }

    /// The entry of a sequence.
    pub(crate) fn entry_at(&self, sequence: u32) -> Option<&Bytes> {
        self.entries.get(usize::try_from(sequence).ok()?)
    }

    /// All entries, verified.
    pub(crate) fn entries(&self) -> &[Bytes] {
        &self.entries
    }

    /// The entries behind a sequence.
    pub(crate) fn entries_behind(&self, sequence: u32) -> Vec<Bytes> {
        let behind = usize::try_from(sequence).unwrap_or(usize::MAX).saturating_add(1);
        self.entries.iter().skip(behind).cloned().collect()
    }

    /// As many entries as the server shows at once: there may be more.
    fn may_go_on(&self) -> bool {
        self.entries.len() >= ENTRIES_PAGE
    }

    pub(crate) fn view(&self) -> PersonView {
        PersonView {
            account: self.chain.account().to_string(),
            username: self.username.clone(),
        }
    }

    /// Addresses of the active devices.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = DeviceAddress> {
        let account = self.chain.account();
        self.chain
            .devices()
            .map(move |(device, _)| DeviceAddress { account, device })
    }

    /// One device as a side of handshakes. None where the chain does not list it or names unusable keys.
    pub(crate) fn remote(&self, device: DeviceId) -> Option<RemoteDevice> {
        remote_of(&self.chain, device)
    }
}

impl Work<'_> {
    /// Somebody's handle, where it is known here.
    pub(crate) fn username_of(&self, account: AccountId) -> Result<Option<String>, ReadError> {
        if let Some(own) = self.find_own()?.filter(|own| own.account == account) {
            return Ok(Some(own.username.clone()));
        }
        let contact: Option<ContactRecord> = self.find(Table::Contacts, &account.0)?;
        Ok(contact.map(|contact| contact.username))
    }
}

/// An active device of a verified chain as a side of handshakes.
pub(crate) fn remote_of(chain: &AccountChain, id: DeviceId) -> Option<RemoteDevice> {
    side_of(chain, id, chain.device(id)?)
}

/// A device that was active when the chain ended with an entry, as a side of handshakes.
pub(crate) fn remote_at(chain: &AccountChain, id: DeviceId, head: u32) -> Option<RemoteDevice> {
    side_of(chain, id, chain.device_at(id, head)?)
}

pub(crate) fn side_of(chain: &AccountChain, id: DeviceId, device: &Device) -> Option<RemoteDevice> {
    Some(RemoteDevice {
        account: chain.account().0,
        device: id.0,
        entry_hash: device.entry.0,
        identity: IdentityPublicKey::from_bytes(&device.keys.identity).ok()?,
        signing: VerifyingKey::from_bytes(&device.keys.signing).ok()?,
    })
}

impl Engine {
    /// A contact of this device, or the own account.
    pub(crate) fn person(
        &mut self,
        work: &Work<'_>,
        account: AccountId,
    ) -> Result<Option<Arc<Person>>, ReadError> {
        if let Some(person) = self.people.get(&account) {
            return Ok(Some(Arc::clone(person)));
        }
        let person = match work.find_own()? {
            Some(own) if own.account == account => Person::of(&own)?,
            _ => {
                let Some(record) = work.find::<ContactRecord>(Table::Contacts, &account.0)? else {
                    return Ok(None);
                };
                let chain = AccountChain::verify(account, record.entries.iter().map(Bytes::as_slice))
                    .map_err(|_| ReadError("a contact's log is damaged".into()))?;
                Person {
                    username: record.username,
                    chain,
                    entries: record.entries,
                }
            }
        };
        let person = Arc::new(person);
        self.people.insert(account, Arc::clone(&person));
        Ok(Some(person))
    }

    /// Keeps a verified person. A chain that is shorter than, or another than, the one kept is refused: the
    /// server withholds or forks it.
    pub(crate) fn keep_person(&mut self, work: &mut Work<'_>, person: Person) -> Result<bool, ReadError> {
        let account = person.chain.account();
        let may_go_on = person.may_go_on();
        if !self.fits_pinned_head(work, &person.chain, may_go_on)? {
            return Ok(false);
        }
        if let Some(known) = self.person(work, account)? {
            if !self.take_whole_chain(work, &known, &person)? {
                return Ok(false);
            }
            if work.find_own()?.is_none() {
                return Ok(true);
            }
        } else {
            work.put_contact(&person);
            self.person_seen(work, &person)?;
            for (device, _) in person
                .chain
                .known_devices()
                .filter(|(_, device)| !device.is_active())
            {
                self.revoked(work, DeviceAddress { account, device });
            }
            self.record_head(work, &person.chain)?;
            self.people.insert(account, Arc::new(person));
        }
        if may_go_on {
            self.follow_chain(work, account)?;
        }
        // What waits for this chain is tried again.
        self.repair_soon(work.now);
        self.vault_soon(work.now);
        Ok(true)
    }

    /// Keeps whom somebody here found by their name or link, if anybody; as [`Engine::keep_person`]. Their chain may
    /// have grown since, here and on the server: then what was found is no news, and no sign of a shorter chain.
    pub(crate) fn keep_found(&mut self, work: &mut Work<'_>, account: AccountId) -> Result<bool, ReadError> {
        let Some(found) = self.found.remove(&account) else {
            return Ok(true);
        };
        let known = self.person(work, account)?;
        let has_grown = known.is_some_and(|known| {
            known.chain.head() > found.chain.head()
                && known.chain.hash_at(found.chain.head()) == Some(found.chain.head_hash())
        });
        if has_grown {
            return Ok(true);
        }
        self.keep_person(work, found)
    }
}

impl Work<'_> {
    /// The handle of somebody known here.
    pub(crate) fn username(&self, account: AccountId) -> Result<Option<String>, ReadError> {
        if let Some(own) = self.find_own()?.filter(|own| own.account == account) {
            return Ok(Some(own.username.clone()));
        }
        let record = self.find::<ContactRecord>(Table::Contacts, &account.0)?;
        Ok(record.map(|record| record.username))
    }

    /// Contacts of this handle; where there is none, those whose handle begins so.
    pub(crate) fn people_named(&self, name: &str) -> Result<Vec<AccountId>, ReadError> {
        let (mut same, mut begin) = (Vec::new(), Vec::new());
        for (key, record) in self.list::<ContactRecord>(Table::Contacts, u32::MAX)? {
            let Ok(account) = key.as_slice().try_into().map(AccountId) else {
                continue;
            };
            if record.username == name {
                same.push(account);
            } else if record.username.starts_with(name) {
                begin.push(account);
            }
        }
        Ok(if same.is_empty() { begin } else { same })
    }

    pub(crate) fn put_contact(&mut self, person: &Person) {
        let record = ContactRecord {
            username: person.username.clone(),
            entries: person.entries.clone(),
        };
        self.put(Table::Contacts, &person.chain.account().0, &record);
    }
}
