//! The devices of the own account: who they are, their names, taking one out.
//!
//! The chain says which devices there are. Their names are told among them, sealed; the server learns none. When
//! a device was last seen is the server's word and shown as such.

use std::collections::BTreeMap;

use conclave_protocol::devices::DevicesFound;
use conclave_protocol::{DeviceId, Timestamp};
use minicbor::{Decode, Encode};

use crate::appending::{AfterAppend, OwnAct};
use crate::calls::{Call, Refusal};
use crate::changes::Table;
use crate::content::{Control, DeviceName};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::views::{DeviceView, Event, Outcome};
use crate::work::Work;

const NAMES: &[u8] = b"device-names";
/// Longest name, in characters.
const NAME_MAX: usize = 64;

/// Names of the own account's devices, as far as they are known here.
#[derive(Default, Encode, Decode)]
struct Names {
    /// Name and when it was given, by device.
    #[n(0)]
    given: BTreeMap<u32, Named>,
    /// A name for this device from before it was one of an account.
    #[n(1)]
    here: Option<String>,
    /// This device's name was told to every device up to this entry of the chain.
    #[n(2)]
    told: Option<u32>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Named {
    #[n(0)]
    name: String,
    #[n(1)]
    at: Timestamp,
}

/// A name as it is kept: 1 to 64 characters, none of them a control character.
fn tidy(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = (1..=NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

impl Work<'_> {
    fn names(&self) -> Result<Names, ReadError> {
        let mut names: Names = self.find(Table::Own, NAMES)?.unwrap_or_default();
        if names.here.is_some()
            && let Some(own) = self.find_own()?.filter(|own| own.registered)
        {
            // What it was called before it was a device of the account, it is called now.
            if let Some(name) = names.here.take() {
                names.given.entry(own.device.0).or_insert(Named {
                    name,
                    at: Timestamp(0),
                });
            }
        }
        Ok(names)
    }

    /// The name of a device, where it is known here.
    pub(crate) fn device_name(&self, device: DeviceId) -> Result<Option<String>, ReadError> {
        Ok(self.names()?.given.remove(&device.0).map(|named| named.name))
    }

    /// This device's name from before it belongs to an account, for the request to be added to one.
    pub(crate) fn name_here(&self) -> Result<Option<String>, ReadError> {
        Ok(self.names()?.here)
    }

    /// All names known here, for a device that was just added.
    pub(crate) fn device_names(&self) -> Result<Vec<(DeviceId, String)>, ReadError> {
        let names = self.names()?.given.into_iter();
        Ok(names
            .map(|(device, named)| (DeviceId(device), named.name))
            .collect())
    }

    /// Takes names that another device of the account told when it added this one, or of one that it added.
    /// What is known already stays.
    pub(crate) fn take_device_names(
        &mut self,
        told: impl IntoIterator<Item = (DeviceId, String)>,
    ) -> Result<(), ReadError> {
        for (device, name) in told {
            self.name_device(device, &name, Timestamp(0))?;
        }
        Ok(())
    }

    /// Takes a name unless a newer one is known. False where nothing changed.
    fn name_device(&mut self, device: DeviceId, name: &str, at: Timestamp) -> Result<bool, ReadError> {
        let Some(name) = tidy(name) else {
            return Ok(false);
        };
        let mut names = self.names()?;
        // Of two names given at once both devices keep the same one.
        let is_newer = |known: &Named| (known.at, &known.name) < (at, &name);
        if !names.given.get(&device.0).is_none_or(is_newer) {
            return Ok(false);
        }
        names.given.insert(device.0, Named { name, at });
        self.put(Table::Own, NAMES, &names);
        self.show(Event::Devices);
        Ok(true)
    }
}

impl Engine {
    pub(crate) fn list_devices(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        let path = "/api/v1/devices".to_owned();
        self.call(work, Call::Devices { ask }, Method::Get, path, None);
        Ok(())
    }

    /// Answers with the devices that the chain names, and what the server adds about them.
    pub(crate) fn devices_found(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        found: Result<DevicesFound, Refusal>,
    ) -> Result<(), ReadError> {
        let found = match found {
            Ok(found) => found.devices,
            // Who they are is known here.
            Err(Refusal::Unreachable) => Vec::new(),
            Err(refusal) => return self.ask_refused(work, ask, &refusal),
        };
        let own = work.own()?;
        let chain = own.chain()?;
        let mut names = work.names()?.given;
        let mut devices: Vec<DeviceView> = chain
            .devices()
            .map(|(id, device)| {
                let found = found.iter().find(|found| found.device == id);
                DeviceView {
                    device: id.0,
                    name: names.remove(&id.0).map(|named| named.name),
                    this: id == own.device,
                    added_at: device.added_at.0,
                    seen_at: found.and_then(|found| found.seen_at).map(|at| at.0),
                    connected: found.is_some_and(|found| found.connected),
                    signed_in: found.is_some_and(|found| found.signed_in),
                }
            })
            .collect();
        devices.sort_by_key(|device| (!device.this, device.device));
        self.answer(work, ask, Outcome::Devices { devices });
        Ok(())
    }

    pub(crate) fn rename_device(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        device: Option<DeviceId>,
        name: &str,
    ) -> Result<(), ReadError> {
        let Some(name) = tidy(name) else {
            self.fail(work, ask, Failure::device_name());
            return Ok(());
        };
        match (work.find_own()?.filter(|own| own.registered), device) {
            (Some(own), device) => {
                let device = device.unwrap_or(own.device);
                if own.chain()?.device(device).is_none() {
                    self.fail(work, ask, Failure::unknown_device());
                    return Ok(());
                }
                // Also behind a name that was given by a clock that was ahead.
                let known = work
                    .names()?
                    .given
                    .get(&device.0)
                    .map_or(Timestamp(0), |known| known.at);
                let at = work.now.max(known.plus(1));
                work.name_device(device, &name, at)?;
                let named = DeviceName { device, name, at };
                self.enqueue_control(work, own.account, None, &Control::DeviceNamed(named))?;
            }
            (None, None) => {
                let mut names = work.names()?;
                names.here = Some(name);
                work.put(Table::Own, NAMES, &names);
                work.show(Event::Devices);
            }
            (None, Some(_)) => {
                self.fail(work, ask, Failure::unknown_device());
                return Ok(());
            }
        }
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// Another device of the account says what a device is called.
    pub(crate) fn take_device_name(
        &mut self,
        work: &mut Work<'_>,
        named: &DeviceName,
    ) -> Result<(), ReadError> {
        if work.own()?.chain()?.device(named.device).is_some() {
            work.name_device(named.device, &named.name, named.at)?;
        }
        Ok(())
    }

    /// Devices that do not know this one's name yet are told it: those that came since it was told last.
    pub(crate) fn tell_own_name(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let own = work.own()?;
        let chain = own.chain()?;
        let mut names = work.names()?;
        if names.told == Some(chain.head()) {
            return Ok(());
        }
        let told = names.told.replace(chain.head());
        work.put(Table::Own, NAMES, &names);
        let Some(named) = names.given.remove(&own.device.0) else {
            return Ok(());
        };
        for (id, device) in chain.devices() {
            if id != own.device && told.is_none_or(|told| device.added > told) {
                let named = DeviceName {
                    device: own.device,
                    name: named.name.clone(),
                    at: named.at,
                };
                self.enqueue_control(work, own.account, Some(id), &Control::DeviceNamed(named))?;
            }
        }
        Ok(())
    }

    pub(crate) fn revoke_device(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        device: DeviceId,
    ) -> Result<(), ReadError> {
        self.append_own(work, OwnAct::RevokeDevice(device), AfterAppend::Answer(ask))
    }
}
