//! Who speaks in an entry.

use conclave_protocol::DeviceId;

/// The number that stands for the recovery key where devices have their ids. No chain grows so long that it could
/// be a device's.
const RECOVERY: u32 = u32::MAX;

/// Who signs an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Author {
    /// A device of the account.
    Device(DeviceId),
    /// The recovery key in force.
    Recovery,
}

impl Author {
    pub(super) const fn to_wire(self) -> u32 {
        match self {
            Self::Device(device) => device.0,
            Self::Recovery => RECOVERY,
        }
    }

    pub(super) const fn from_wire(number: u32) -> Self {
        match number {
            RECOVERY => Self::Recovery,
            device => Self::Device(DeviceId(device)),
        }
    }
}
