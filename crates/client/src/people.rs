//! People: their handle, their verified chain, their devices. Nothing is ever sealed to a device that was not
//! found here.

use std::sync::Arc;

use conclave_crypto::{IdentityPublicKey, RemoteDevice, VerifyingKey};
use conclave_protocol::accounts::AccountFound;
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId};
use conclave_sigchain::{AccountChain, ChainError, Device};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::machine::Engine;
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

/// A device of a verified chain as a side of handshakes.
pub(crate) fn remote_of(chain: &AccountChain, id: DeviceId) -> Option<RemoteDevice> {
    remote_of_device(chain, id, chain.device(id)?)
}

/// A device that the caller found in a chain.
pub(crate) fn remote_of_device(chain: &AccountChain, id: DeviceId, device: &Device) -> Option<RemoteDevice> {
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
            Some(own) if own.account == account => {
                let chain = own.chain()?;
                Person {
                    username: own.username.clone(),
                    chain,
                    entries: own.entries.clone(),
                }
            }
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
    pub(crate) fn keep_person(
        &mut self,
        work: &mut Work<'_>,
        mut person: Person,
    ) -> Result<Result<(), ChainError>, ReadError> {
        let account = person.chain.account();
        if let Some(known) = self.person(work, account)? {
            // The name somebody was found by stays, whatever the server says later.
            person.username.clone_from(&known.username);
            let head = known.chain.head();
            if person.chain.hash_at(head) != known.chain.hash_at(head) {
                return Ok(Err(ChainError::Fork));
            }
        }
        if let Some((head, hash)) = work.pinned_head(account)?
            && person.chain.hash_at(head) != Some(hash)
        {
            // Another own device saw more of it, or another one.
            return Ok(Err(ChainError::Fork));
        }
        self.record_head(work, &person.chain)?;
        let record = ContactRecord {
            username: person.username.clone(),
            entries: person.entries.clone(),
        };
        if work.find_own()?.is_none_or(|own| own.account != account) {
            work.put(Table::Contacts, &account.0, &record);
        }
        // What waits for this chain is tried again.
        self.repair_soon(work.now);
        self.vault_soon(work.now);
        self.people.insert(account, Arc::new(person));
        Ok(Ok(()))
    }
}
