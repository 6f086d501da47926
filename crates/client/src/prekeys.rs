//! The device's prekeys: made here, published signed, found again when somebody used one.

use conclave_crypto::{PrekeyBundle, PrekeyKind, PrekeyMessage, PrekeySecret, SignedPrekey};
use conclave_protocol::limits::ONE_TIME_PREKEYS;
use conclave_protocol::prekeys::{PrekeyUpload, PrekeysUpload};
use conclave_protocol::{Bytes, Timestamp};
use minicbor::{Decode, Encode};

use crate::changes::Table;
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::work::Work;

/// Signed prekey and last-resort prekey are renewed after this long.
const ROTATE_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Replaced secrets are kept this much longer, for messages on their way.
const KEEP_REPLACED_MS: u64 = 30 * 24 * 60 * 60 * 1000;

const META: &[u8] = b"meta";

/// What this device has published.
#[derive(Encode, Decode)]
pub(crate) struct PrekeyMeta {
    /// The signed prekey in use.
    #[n(0)]
    signed: u32,
    /// The last-resort prekey in use.
    #[n(1)]
    last_resort: u32,
    /// When both were made.
    #[n(2)]
    created_at: Timestamp,
    /// The next number.
    #[n(3)]
    next: u32,
    /// The server has confirmed that it holds them.
    #[n(4)]
    pub(crate) uploaded: bool,
    /// Replaced secrets: record key and when they were replaced.
    #[n(5)]
    replaced: Vec<Replaced>,
    /// The server still holds bundles from before the last renewal; the next upload drops them.
    #[n(6)]
    replace: bool,
    /// One-time prekeys made and not confirmed yet; the next upload offers them again.
    #[n(7)]
    unconfirmed: Vec<u32>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Replaced {
    #[n(0)]
    key: Bytes,
    #[n(1)]
    at: Timestamp,
}

/// A first message that was opened. What is left of it here is its ephemeral key, which is the record's key. A
/// store of an earlier version may hold the bare time, and keeps that.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Opened {
    /// When.
    #[n(0)]
    at: Timestamp,
    /// The signed prekey that it named. Once that is gone, the message opens nowhere.
    #[n(1)]
    signed: u32,
}

fn record_key(kind: u8, id: u32) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&id.to_be_bytes());
    key
}

fn secret_key(kind: PrekeyKind, id: u32) -> Vec<u8> {
    record_key(
        match kind {
            PrekeyKind::OneTime => b'o',
            PrekeyKind::LastResort => b'l',
        },
        id,
    )
}

impl Work<'_> {
    pub(crate) fn prekey_meta(&self) -> Result<Option<PrekeyMeta>, ReadError> {
        self.find(Table::Prekeys, META)
    }

    /// True when the signed and the last-resort prekey are due for renewal.
    pub(crate) fn prekeys_are_old(&self) -> Result<bool, ReadError> {
        Ok(self
            .prekey_meta()?
            .is_none_or(|meta| self.now.since(meta.created_at) > ROTATE_AFTER_MS))
    }

    /// Makes what an upload needs and stores the secrets: with `renew` (or the first time) everything anew,
    /// else one-time prekeys to fill up from `left`.
    pub(crate) fn make_prekeys(
        &mut self,
        own: &OwnIdentity,
        left: u32,
        renew: bool,
    ) -> Result<PrekeysUpload, ReadError> {
        let signing = own.signing_key();
        let meta = self.prekey_meta()?;
        let renew = renew || meta.is_none();
        let now = self.now;
        let mut meta = meta.unwrap_or(PrekeyMeta {
            signed: 0,
            last_resort: 0,
            created_at: now,
            next: 1,
            uploaded: false,
            replaced: Vec::new(),
            replace: true,
            unconfirmed: Vec::new(),
        });
        // Soft: clients renew long before, and secrets outlive it (see the design of prekeys).
        let expires = now.plus(ROTATE_AFTER_MS).plus(KEEP_REPLACED_MS).0;

        if renew {
            if meta.signed != 0 {
                let retired = [record_key(b's', meta.signed), record_key(b'l', meta.last_resort)];
                meta.replaced.extend(retired.map(|key| Replaced {
                    key: Bytes(key),
                    at: now,
                }));
            }
            meta.signed = take_id(&mut meta.next);
            meta.last_resort = take_id(&mut meta.next);
            meta.created_at = now;
            meta.uploaded = false;
            meta.replace = true;
            meta.unconfirmed.clear();
            let signed = SignedPrekey::generate(meta.signed, now.0, &mut self.rng);
            self.put_bytes(Table::Prekeys, &record_key(b's', meta.signed), signed.to_bytes());
            let last = PrekeySecret::generate(PrekeyKind::LastResort, meta.last_resort, now.0, &mut self.rng);
            self.put_bytes(
                Table::Prekeys,
                &record_key(b'l', meta.last_resort),
                last.to_bytes(),
            );
        }
        let Some(signed) = self.find_signed_prekey(meta.signed)? else {
            return Err(ReadError("the signed prekey is missing".into()));
        };
        let last_resort = if meta.uploaded && !meta.replace {
            None
        } else {
            let Some(last) = self.find_prekey(PrekeyKind::LastResort, meta.last_resort)? else {
                return Err(ReadError("the last-resort prekey is missing".into()));
            };
            let bundle = PrekeyBundle::sign(&own.account.0, own.device.0, &signing, &signed, &last, expires);
            Some(PrekeyUpload {
                id: last.id(),
                bundle: Bytes(bundle.to_bytes()),
            })
        };

        let left = if meta.replace {
            0
        } else {
            usize::try_from(left).unwrap_or(usize::MAX)
        };
        let wanted = ONE_TIME_PREKEYS.saturating_sub(left);
        let mut one_time = Vec::with_capacity(wanted);
        let mut offered = Vec::with_capacity(wanted);
        let mut again = std::mem::take(&mut meta.unconfirmed).into_iter();
        while one_time.len() < wanted {
            // Made for an upload that was not confirmed, they are offered again; one that is gone was claimed.
            let secret = if let Some(id) = again.next() {
                let Some(secret) = self.find_prekey(PrekeyKind::OneTime, id)? else {
                    continue;
                };
                secret
            } else {
                let id = take_id(&mut meta.next);
                let secret = PrekeySecret::generate(PrekeyKind::OneTime, id, now.0, &mut self.rng);
                self.put_bytes(Table::Prekeys, &record_key(b'o', id), secret.to_bytes());
                secret
            };
            let bundle =
                PrekeyBundle::sign(&own.account.0, own.device.0, &signing, &signed, &secret, expires);
            one_time.push(PrekeyUpload {
                id: secret.id(),
                bundle: Bytes(bundle.to_bytes()),
            });
            offered.push(secret.id());
        }
        meta.unconfirmed = offered;
        self.put(Table::Prekeys, META, &meta);
        Ok(PrekeysUpload {
            one_time,
            last_resort,
            replace: renew,
        })
    }

    /// The server holds what was uploaded.
    pub(crate) fn prekeys_uploaded(&mut self) -> Result<(), ReadError> {
        if let Some(mut meta) = self.prekey_meta()? {
            meta.uploaded = true;
            meta.replace = false;
            meta.unconfirmed.clear();
            self.put(Table::Prekeys, META, &meta);
        }
        Ok(())
    }

    /// The mailbox was drained: secrets that were replaced long enough ago can no longer be needed.
    pub(crate) fn drop_replaced_prekeys(&mut self) -> Result<(), ReadError> {
        let Some(mut meta) = self.prekey_meta()? else {
            return Ok(());
        };
        let now = self.now;
        let (old, kept): (Vec<_>, Vec<_>) = meta
            .replaced
            .into_iter()
            .partition(|replaced| now.since(replaced.at) > KEEP_REPLACED_MS);
        if old.is_empty() {
            return Ok(());
        }
        for replaced in old {
            self.delete(Table::Prekeys, &replaced.key.0);
        }
        self.forget_ephemerals()?;
        meta.replaced = kept;
        self.put(Table::Prekeys, META, &meta);
        Ok(())
    }

    /// The secrets that a first message names, if they are still held.
    pub(crate) fn prekeys_for(
        &self,
        message: &PrekeyMessage,
    ) -> Result<Option<(SignedPrekey, PrekeySecret)>, ReadError> {
        let Some(signed) = self.find_signed_prekey(message.signed_prekey_id())? else {
            return Ok(None);
        };
        let secret = self.find_prekey(message.prekey_kind(), message.prekey_id())?;
        Ok(secret.map(|secret| (signed, secret)))
    }

    /// A first message was opened: its one-time secret dies, and its ephemeral key is never accepted again.
    pub(crate) fn use_up_prekey(&mut self, message: &PrekeyMessage) {
        if message.prekey_kind() == PrekeyKind::OneTime {
            self.delete(
                Table::Prekeys,
                &secret_key(PrekeyKind::OneTime, message.prekey_id()),
            );
        }
        self.note_ephemeral(&message.ephemeral(), message.signed_prekey_id());
    }

    fn note_ephemeral(&mut self, ephemeral: &[u8; 32], signed: u32) {
        let at = self.now;
        self.put(Table::Ephemerals, ephemeral, &Opened { at, signed });
    }

    /// What can be opened no second time, since the signed prekey that it needs is gone, need not be known by its
    /// ephemeral key any more.
    fn forget_ephemerals(&mut self) -> Result<(), ReadError> {
        for (key, bytes) in self.list_bytes(Table::Ephemerals, &[], u32::MAX)? {
            if let Ok(opened) = minicbor::decode::<Opened>(&bytes)
                && self.find_signed_prekey(opened.signed)?.is_none()
            {
                self.delete(Table::Ephemerals, &key);
            }
        }
        Ok(())
    }

    /// True when this first message was opened before.
    pub(crate) fn is_replayed(&self, message: &PrekeyMessage) -> Result<bool, ReadError> {
        Ok(self
            .find_bytes(Table::Ephemerals, &message.ephemeral())?
            .is_some())
    }

    fn find_signed_prekey(&self, id: u32) -> Result<Option<SignedPrekey>, ReadError> {
        self.find_bytes(Table::Prekeys, &record_key(b's', id))?
            .map(|bytes| SignedPrekey::from_bytes(&bytes).map_err(|_| damaged()))
            .transpose()
    }

    fn find_prekey(&self, kind: PrekeyKind, id: u32) -> Result<Option<PrekeySecret>, ReadError> {
        self.find_bytes(Table::Prekeys, &secret_key(kind, id))?
            .map(|bytes| PrekeySecret::from_bytes(&bytes).map_err(|_| damaged()))
            .transpose()
    }
}

fn take_id(next: &mut u32) -> u32 {
    let id = *next;
    *next = id.saturating_add(1);
    id
}

fn damaged() -> ReadError {
    ReadError("a prekey is damaged".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::testing::{EmptyStore, rng, signed_up};
    use conclave_protocol::AccountId;

    #[test]
    fn an_ephemeral_key_is_known_for_as_long_as_its_message_could_be_opened_again() {
        let mut rng = rng();
        let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(1_800_000_000_000));
        signed_up(&mut work, AccountId([1; 32]));
        let own = work.own().unwrap();
        work.make_prekeys(&own, 0, true).unwrap();
        let first = work.prekey_meta().unwrap().unwrap().signed;
        work.make_prekeys(&own, 0, true).unwrap();
        let second = work.prekey_meta().unwrap().unwrap().signed;
        work.note_ephemeral(&[1; 32], first);
        work.note_ephemeral(&[2; 32], second);
        let of_earlier_version = work.now;
        work.put(Table::Ephemerals, &[3; 32], &of_earlier_version);

        let known = |work: &Work<'_>| {
            [1, 2, 3].map(|n| work.find_bytes(Table::Ephemerals, &[n; 32]).unwrap().is_some())
        };
        work.now = work.now.plus(KEEP_REPLACED_MS);
        work.drop_replaced_prekeys().unwrap();
        assert_eq!(known(&work), [true; 3]);
        work.now = work.now.plus(1);
        work.drop_replaced_prekeys().unwrap();
        assert_eq!(known(&work), [false, true, true]);
    }
}
