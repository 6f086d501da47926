//! What the new device shows for scanning. Who has seen it can link it: it is shown to the account's owner alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_encoding::{Reader, Writer, labels};
use zeroize::Zeroizing;

use super::secrets::LinkSecret;
use crate::LinkError;
use crate::redacted::redacted;
use crate::suite::{SUITE, VERSION};

/// Bytes of a code: label, version and suite, link id, commitment, secret.
const LENGTH: usize = 1 + labels::LINK_CODE.as_bytes().len() + 2 + 16 + 32 + 16;
/// Characters of these bytes in base64url.
const TEXT_LENGTH: usize = (LENGTH * 4).div_ceil(3);

/// The new device's link id, commitment and secret.
pub struct LinkCode {
    pub(super) link: [u8; 16],
    pub(super) commitment: [u8; 32],
    pub(super) secret: LinkSecret,
}

redacted!(LinkCode);

impl LinkCode {
    /// Under which the server keeps the messages of this link.
    pub const fn link_id(&self) -> &[u8; 16] {
        &self.link
    }

    /// The code's text: base64url without padding. In a URL it stands behind `#`, so that no server receives it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(
            Writer::with_capacity(labels::LINK_CODE, LENGTH)
                .u8(VERSION)
                .u8(SUITE)
                .fixed(&self.link)
                .fixed(&self.commitment)
                .fixed(self.secret.as_bytes())
                .finish(),
        );
        let mut text = Zeroizing::new(String::with_capacity(TEXT_LENGTH));
        URL_SAFE_NO_PAD.encode_string(&*bytes, &mut text);
        text
    }

    /// Reads what was scanned. Each code has one text, and no other is taken.
    pub fn from_text(text: &str) -> Result<Self, LinkError> {
        if text.len() != TEXT_LENGTH {
            return Err(LinkError::NotACode);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH.saturating_add(2)));
        URL_SAFE_NO_PAD
            .decode_vec(text, &mut bytes)
            .map_err(|_| LinkError::NotACode)?;
        let mut reader = Reader::new(labels::LINK_CODE, &bytes).map_err(|_| LinkError::NotACode)?;
        if reader.u8()? != VERSION || reader.u8()? != SUITE {
            return Err(LinkError::OtherVersion);
        }
        let code = Self {
            link: reader.fixed()?,
            commitment: reader.fixed()?,
            secret: LinkSecret::from_bytes(&Zeroizing::new(reader.fixed()?)),
        };
        reader.finish()?;
        Ok(code)
    }
}
