//! What both sides must have seen alike, and what follows from it: commitment, digits, keys.

use conclave_encoding::{Writer, labels};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::channel::{LinkChannel, Side};
use super::secrets::{LinkKey, LinkSecret};
use super::{LinkDigits, NewDeviceKeys};
use crate::kdf::hkdf;
use crate::suite::{SUITE, VERSION};
use crate::vault::x_wing::{CIPHERTEXT_LENGTH, PUBLIC_KEY_LENGTH, XWingPublic};

/// How the two devices know that nobody stands between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkWay {
    /// A person reads six digits on the new device and types them in on the other.
    Code,
    /// The other device scans a code from the new one's screen.
    Scan,
}

impl LinkWay {
    const fn to_u8(self) -> u8 {
        match self {
            Self::Code => 0,
            Self::Scan => 1,
        }
    }

    /// A link has a secret exactly where a code was scanned.
    pub(super) const fn of(secret: Option<&LinkSecret>) -> Self {
        match secret {
            None => Self::Code,
            Some(_) => Self::Scan,
        }
    }
}

/// What a side shows of itself: a public key and random bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LinkShare {
    pub(super) public: XWingPublic,
    pub(super) nonce: [u8; 32],
}

/// Hash of what the new device will reveal.
pub(super) fn commitment(share: &LinkShare, keys: &NewDeviceKeys) -> [u8; 32] {
    let writer = Writer::with_capacity(labels::LINK_COMMITMENT, PUBLIC_KEY_LENGTH.saturating_add(192))
        .u8(VERSION)
        .u8(SUITE)
        .fixed(&share.public.to_bytes())
        .fixed(&share.nonce);
    Sha256::digest(keys.write(writer).finish()).into()
}

/// What both sides know once the new device has revealed its share. The secrets in it are types of their own.
pub(super) struct Agreement {
    pub(super) link: [u8; 16],
    pub(super) secret: Option<LinkSecret>,
    pub(super) old: LinkShare,
    pub(super) new: LinkShare,
    pub(super) keys: NewDeviceKeys,
    /// The new device's ciphertext to the old one's key, and what it carries.
    pub(super) to_old: Box<[u8; CIPHERTEXT_LENGTH]>,
    pub(super) to_old_secret: LinkKey,
}

impl Agreement {
    /// Messages 1 to 3 but for the ciphertext in the third, on which the digits must not depend: whoever makes it knows
    /// all the rest by then.
    fn shown(&self) -> Writer {
        let way = LinkWay::of(self.secret.as_ref());
        let writer = Writer::with_capacity(labels::LINK_TRANSCRIPT, 5 * 1024)
            .u8(VERSION)
            .u8(SUITE)
            .u8(way.to_u8())
            .fixed(&self.link)
            .fixed(&commitment(&self.new, &self.keys))
            .fixed(&self.old.public.to_bytes())
            .fixed(&self.old.nonce)
            .fixed(&self.new.public.to_bytes())
            .fixed(&self.new.nonce);
        self.keys.write(writer)
    }

    pub(super) fn digits(&self) -> LinkDigits {
        LinkDigits::of(&self.shown().finish())
    }

    /// The keys of both directions, from both shared secrets and the scanned one.
    pub(super) fn channel(
        &self,
        side: Side,
        to_new: &[u8; CIPHERTEXT_LENGTH],
        to_new_secret: &[u8; 32],
    ) -> LinkChannel {
        let transcript = self.shown().fixed(&self.to_old).fixed(to_new).finish();
        let transcript: [u8; 32] = Sha256::digest(transcript).into();
        let mut secrets = Zeroizing::new(Vec::with_capacity(80));
        secrets.extend_from_slice(self.to_old_secret.as_bytes());
        secrets.extend_from_slice(to_new_secret);
        if let Some(secret) = &self.secret {
            secrets.extend_from_slice(secret.as_bytes());
        }
        let key = |label: conclave_encoding::Label| {
            LinkKey::from_bytes(&hkdf(&[], &secrets, &[label.as_bytes(), &transcript]))
        };
        LinkChannel::new(
            side,
            transcript,
            key(labels::LINK_KEY_TO_NEW),
            key(labels::LINK_KEY_TO_OLD),
        )
    }
}
