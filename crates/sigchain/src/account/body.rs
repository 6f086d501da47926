//! What an entry of an account chain says, and the bytes of each body.
//!
//! Only the form is known here; who may say what, and when, is in `rules`. To add a body: the next number that
//! was never used, both directions here, its rule there, its effect in the chain, a row in `docs/protocol.md`.

use conclave_encoding::{DecodeError, Reader, Writer, labels};
use conclave_protocol::{AccountId, DeviceId, Hash};

use crate::ChainError;
use crate::limits::VAULT_SLOTS_MAX;

const KIND_GENESIS: u8 = 0;
const KIND_ADD_DEVICE: u8 = 1;
const KIND_REVOKE_DEVICE: u8 = 2;
const KIND_ROTATE_RECOVERY: u8 = 3;
const KIND_VAULT: u8 = 4;
// 5 was meant for checkpoints, which account chains do not need; see decision 0014.
const KIND_CLOSE: u8 = 6;

/// Public keys of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    /// Ed25519: entries, prekey bundles, logins.
    pub signing: [u8; 32],
    /// X25519: handshakes.
    pub identity: [u8; 32],
}

impl DeviceKeys {
    /// What a new device signs with its signing key to join `account`: that it has that key, that the identity
    /// key is its own, and whose device it becomes.
    pub fn possession_bytes(&self, account: AccountId) -> Vec<u8> {
        Writer::new(labels::DEVICE_POSSESSION)
            .fixed(account.as_bytes())
            .fixed(&self.signing)
            .fixed(&self.identity)
            .finish()
    }
}

/// What a new recovery key signs to become the one of `account`.
pub fn recovery_possession_bytes(account: AccountId, recovery: &[u8; 32]) -> Vec<u8> {
    Writer::new(labels::RECOVERY_POSSESSION)
        .fixed(account.as_bytes())
        .fixed(recovery)
        .finish()
}

/// One way into the vault that counts, with the vault key wrapped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VaultSlotInForce {
    /// Hash of the slot.
    pub slot: Hash,
    /// Hash of the vault key of the vault's generation, wrapped to it.
    pub wrapped: Hash,
}

/// Which keys of the vault are in force, and how far its records reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Generation of the vault key. Records behind `head` have this one or a later one.
    pub generation: u32,
    /// The ways in, strictly ascending by slot, at most [`VAULT_SLOTS_MAX`]. All others count no more.
    pub slots: Vec<VaultSlotInForce>,
    /// Number of records.
    pub records: u64,
    /// Hash of the last record; zeros where there is none.
    pub head: Hash,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountBody {
    /// The first device and the public half of the recovery signing key.
    Genesis {
        /// Keys of the first device.
        device: DeviceKeys,
        /// Ed25519 key derived from the recovery key; it outranks devices.
        recovery: [u8; 32],
    },
    /// One more device. Its id is the entry's sequence.
    AddDevice {
        /// Its keys, which never stood in this chain.
        keys: DeviceKeys,
        /// Its own signature over [`DeviceKeys::possession_bytes`].
        possession: [u8; 64],
    },
    /// A device speaks for the account no more.
    RevokeDevice {
        /// Which.
        device: DeviceId,
    },
    /// Another recovery key takes over. Only the one before may say so.
    RotateRecovery {
        /// The new key, which never stood in this chain.
        recovery: [u8; 32],
        /// Its own signature over [`recovery_possession_bytes`].
        possession: [u8; 64],
        /// Whether every device is revoked at the same time.
        revoke_all: bool,
    },
    /// The vault's keys in force, and its head.
    Vault(Vault),
    /// The account ends.
    Close {},
}

impl AccountBody {
    pub(super) fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Genesis { device, recovery } => write_keys(writer.u8(KIND_GENESIS), device).fixed(recovery),
            Self::AddDevice { keys, possession } => {
                write_keys(writer.u8(KIND_ADD_DEVICE), keys).fixed(possession)
            }
            Self::RevokeDevice { device } => writer.u8(KIND_REVOKE_DEVICE).u32(device.0),
            Self::RotateRecovery {
                recovery,
                possession,
                revoke_all,
            } => writer
                .u8(KIND_ROTATE_RECOVERY)
                .fixed(recovery)
                .fixed(possession)
                .u8(u8::from(*revoke_all)),
            Self::Vault(vault) => write_vault(writer.u8(KIND_VAULT), vault),
            Self::Close {} => writer.u8(KIND_CLOSE),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ChainError> {
        Ok(match reader.u8()? {
            KIND_GENESIS => Self::Genesis {
                device: read_keys(reader)?,
                recovery: reader.fixed()?,
            },
            KIND_ADD_DEVICE => Self::AddDevice {
                keys: read_keys(reader)?,
                possession: reader.fixed()?,
            },
            KIND_REVOKE_DEVICE => Self::RevokeDevice {
                device: DeviceId(reader.u32()?),
            },
            KIND_ROTATE_RECOVERY => Self::RotateRecovery {
                recovery: reader.fixed()?,
                possession: reader.fixed()?,
                revoke_all: match reader.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(DecodeError::InvalidValue.into()),
                },
            },
            KIND_VAULT => Self::Vault(read_vault(reader)?),
            KIND_CLOSE => Self::Close {},
            _ => return Err(ChainError::Unsupported),
        })
    }
}

fn write_keys(writer: Writer, keys: &DeviceKeys) -> Writer {
    writer.fixed(&keys.signing).fixed(&keys.identity)
}

fn read_keys(reader: &mut Reader<'_>) -> Result<DeviceKeys, DecodeError> {
    Ok(DeviceKeys {
        signing: reader.fixed()?,
        identity: reader.fixed()?,
    })
}

fn write_vault(writer: Writer, vault: &Vault) -> Writer {
    // Invariant: a chain takes no entry with more than VAULT_SLOTS_MAX slots; more than fit a byte parse nowhere.
    let count = u8::try_from(vault.slots.len()).unwrap_or(u8::MAX);
    let writer = vault
        .slots
        .iter()
        .fold(writer.u32(vault.generation).u8(count), |writer, slot| {
            writer.fixed(slot.slot.as_bytes()).fixed(slot.wrapped.as_bytes())
        });
    writer.u64(vault.records).fixed(vault.head.as_bytes())
}

fn read_vault(reader: &mut Reader<'_>) -> Result<Vault, DecodeError> {
    let generation = reader.u32()?;
    let count = usize::from(reader.u8()?);
    if count > VAULT_SLOTS_MAX {
        return Err(DecodeError::TooLong);
    }
    let slots = (0..count)
        .map(|_| {
            Ok(VaultSlotInForce {
                slot: Hash(reader.fixed()?),
                wrapped: Hash(reader.fixed()?),
            })
        })
        .collect::<Result<_, DecodeError>>()?;
    Ok(Vault {
        generation,
        slots,
        records: reader.u64()?,
        head: Hash(reader.fixed()?),
    })
}
