//! First contact: X3DH with ML-KEM-768, after PQXDH revision 3. Two devices agree on a root key, one of them being
//! away.
//!
//! `IKM = 0xFF×32 ‖ DH(IK_A, SPK_B) ‖ DH(EK_A, IK_B) ‖ DH(EK_A, SPK_B) [‖ DH(EK_A, OPK_B)] ‖ ss`, then HKDF-SHA-256
//! with 32 zero bytes of salt and `label ‖ SHA-256(transcript)` as info. The transcript's hash is also the
//! session's associated data, so both sides agree on all of it or open nothing.
//!
//! Nothing here keeps state: the caller deletes one-time secrets, and only after the first message opened.

mod header;
mod transcript;

use conclave_encoding::labels;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub(crate) use self::header::PrekeyHeader;
use self::transcript::{Side, Transcript};
use crate::kdf::hkdf;
use crate::keys::X25519Secret;
use crate::prekeys::{PrekeySecret, SignedPrekey, VerifiedBundle, encapsulate};
use crate::ratchet::RootKey;
use crate::{HandshakeError, LocalDevice, RemoteDevice};

/// What both sides hold after a handshake.
pub(crate) struct Agreement {
    pub(crate) root: RootKey,
    /// Hash of the transcript.
    pub(crate) associated_data: [u8; 32],
}

/// The initiator's side.
pub(crate) fn initiate(
    local: &LocalDevice<'_>,
    remote: &RemoteDevice,
    bundle: &VerifiedBundle,
    rng: &mut impl CryptoRng,
) -> Result<(Agreement, PrekeyHeader), HandshakeError> {
    refuse_own_device(local, remote)?;
    if bundle.owner != *remote {
        return Err(HandshakeError::WrongOwner);
    }
    let ephemeral = X25519Secret::generate(rng);
    let (kem_ciphertext, kem_secret) = encapsulate(&bundle.kem, rng);
    let header = PrekeyHeader {
        kind: bundle.kind,
        prekey_id: bundle.id,
        signed_prekey_id: bundle.signed_prekey_id,
        ephemeral: ephemeral.public(),
        kem_ciphertext,
    };
    let associated_data = Transcript {
        initiator: Side::local(local),
        responder: Side::remote(remote),
        signed_prekey: &bundle.signed_prekey,
        one_time: bundle.one_time.as_ref(),
        kem: &bundle.kem,
        header: &header,
    }
    .hash();
    let root = Shares {
        identity_to_signed: local.identity.secret().agree(&bundle.signed_prekey)?,
        ephemeral_to_identity: ephemeral.agree(remote.identity.point())?,
        ephemeral_to_signed: ephemeral.agree(&bundle.signed_prekey)?,
        ephemeral_to_one_time: bundle
            .one_time
            .as_ref()
            .map(|key| ephemeral.agree(key))
            .transpose()?,
        kem: Some(kem_secret),
    }
    .root_key(labels::HANDSHAKE_KEY.as_bytes(), &associated_data);
    Ok((
        Agreement {
            root,
            associated_data,
        },
        header,
    ))
}

/// The responder's side, from the header of the first message.
pub(crate) fn respond(
    local: &LocalDevice<'_>,
    remote: &RemoteDevice,
    signed: &SignedPrekey,
    secret: &PrekeySecret,
    header: &PrekeyHeader,
) -> Result<Agreement, HandshakeError> {
    refuse_own_device(local, remote)?;
    if header.signed_prekey_id != signed.id()
        || header.prekey_id != secret.id()
        || header.kind != secret.kind()
    {
        return Err(HandshakeError::WrongPrekey);
    }
    let kem = secret.expand_kem();
    let associated_data = Transcript {
        initiator: Side::remote(remote),
        responder: Side::local(local),
        signed_prekey: &signed.public(),
        one_time: secret.one_time_public().as_ref(),
        kem: kem.public(),
        header,
    }
    .hash();
    let root = Shares {
        identity_to_signed: signed.secret().agree(remote.identity.point())?,
        ephemeral_to_identity: local.identity.secret().agree(&header.ephemeral)?,
        ephemeral_to_signed: signed.secret().agree(&header.ephemeral)?,
        ephemeral_to_one_time: secret
            .one_time()
            .map(|key| key.agree(&header.ephemeral))
            .transpose()?,
        kem: Some(kem.decapsulate(&header.kem_ciphertext)),
    }
    .root_key(labels::HANDSHAKE_KEY.as_bytes(), &associated_data);
    Ok(Agreement {
        root,
        associated_data,
    })
}

/// The secrets that go into the root key, in the order of the input key material.
struct Shares {
    identity_to_signed: Zeroizing<[u8; 32]>,
    ephemeral_to_identity: Zeroizing<[u8; 32]>,
    ephemeral_to_signed: Zeroizing<[u8; 32]>,
    ephemeral_to_one_time: Option<Zeroizing<[u8; 32]>>,
    /// Always present but in the test that compares with plain X3DH.
    kem: Option<Zeroizing<[u8; 32]>>,
}

impl Shares {
    fn root_key(&self, label: &[u8], transcript_hash: &[u8]) -> RootKey {
        // As X3DH asks for: the prefix keeps this input apart from that of XEdDSA, which uses the same curve.
        let mut ikm = Zeroizing::new(Vec::with_capacity(6 * 32));
        ikm.extend_from_slice(&[0xff; 32]);
        ikm.extend_from_slice(self.identity_to_signed.as_slice());
        ikm.extend_from_slice(self.ephemeral_to_identity.as_slice());
        ikm.extend_from_slice(self.ephemeral_to_signed.as_slice());
        for share in [&self.ephemeral_to_one_time, &self.kem].into_iter().flatten() {
            ikm.extend_from_slice(share.as_slice());
        }
        RootKey::from_bytes(&hkdf(&[0; 32], &ikm, &[label, transcript_hash]))
    }
}

fn refuse_own_device(local: &LocalDevice<'_>, remote: &RemoteDevice) -> Result<(), HandshakeError> {
    if local.address() == remote.address() {
        Err(HandshakeError::OwnDevice)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
