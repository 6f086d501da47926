//! Invites' links: what stands in the part of the address that no server sees.
//!
//! `/#/join/` and base64url of: version 1 ‖ place (32) ‖ invite (`u32`) ‖ secret (16) ‖ at most two place keys (32
//! each), by which the name is read before joining.

use conclave_crypto::{PlaceKey, SigningKey, place_key_of};
use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, Bytes, PlaceId};
use conclave_sigchain::room::{InviteId, MetadataField, RoomChain};
use minicbor::{Decode, Encode};
use zeroize::{Zeroize, Zeroizing};

use super::names::{Names, sealed_values};
use crate::changes::Table;
use crate::reads::ReadError;
use crate::work::Work;

/// Form of what stands in a link.
const VERSION: u8 = 1;
/// Keys in one link: that of the name, and the one that is in force.
const KEYS_MAX: usize = 2;
const SECRET: usize = 16;
const PATH: &str = "/#/join/";
const INVITE: &[u8] = b"invite/";

/// What an invite's link holds. No `Debug`; its secret is cleared on drop.
pub(crate) struct InviteLink {
    pub(crate) place: PlaceId,
    pub(crate) invite: InviteId,
    pub(crate) secret: InviteSecret,
    pub(crate) keys: Vec<PlaceKey>,
}

/// What an invite's key grows from.
#[derive(Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct InviteSecret(#[cbor(n(0), with = "minicbor::bytes")] pub(crate) [u8; SECRET]);

impl Drop for InviteSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl InviteSecret {
    /// The invite's key.
    pub(crate) fn key(&self) -> SigningKey {
        SigningKey::from_invite_secret(&self.0)
    }
}

impl InviteLink {
    /// The part behind the server's address.
    pub(crate) fn to_text(&self) -> String {
        let mut bytes = Zeroizing::new(vec![VERSION]);
        bytes.extend_from_slice(&self.place.0);
        bytes.extend_from_slice(&self.invite.0.to_be_bytes());
        bytes.extend_from_slice(&self.secret.0);
        for key in self.keys.iter().take(KEYS_MAX) {
            bytes.extend_from_slice(key.as_bytes());
        }
        format!("{PATH}{}", Bytes(bytes.to_vec()).to_text())
    }

    /// From a whole link, or what stands behind `/#/join/`.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let code = text.rsplit_once(PATH).map_or(text, |(_, code)| code);
        let bytes = Zeroizing::new(Bytes::from_text(code)?.0);
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (place, rest) = rest.split_first_chunk()?;
        let (invite, rest) = rest.split_first_chunk()?;
        let (secret, rest) = rest.split_first_chunk()?;
        let keys = rest.chunks_exact(32);
        if !keys.remainder().is_empty() || keys.len() > KEYS_MAX {
            return None;
        }
        Some(Self {
            place: PlaceId(*place),
            invite: InviteId(u32::from_be_bytes(*invite)),
            secret: InviteSecret(*secret),
            keys: keys
                .filter_map(|key| Some(PlaceKey::from_bytes(key.try_into().ok()?)))
                .collect(),
        })
    }

    /// What shows the server that somebody holds the link, before they join.
    pub(crate) fn read_proof(&self, account: AccountId) -> [u8; 64] {
        let bytes = Writer::new(labels::PLACE_INVITE_READ)
            .fixed(self.place.as_bytes())
            .u32(self.invite.0)
            .fixed(account.as_bytes())
            .finish();
        self.secret.key().sign(&bytes)
    }
}

impl Work<'_> {
    /// The link of an invite that this device made, with the keys that are right now.
    pub(crate) fn invite_link(
        &self,
        chain: &RoomChain,
        invite: InviteId,
    ) -> Result<Option<String>, ReadError> {
        let place = chain.place();
        let Some(secret) = self.find(Table::Places, &invite_key(place, invite))? else {
            return Ok(None);
        };
        let link = InviteLink {
            place,
            invite,
            secret,
            keys: keys_of_name(chain, self.place_names(place)?),
        };
        Ok(Some(link.to_text()))
    }

    /// Keeps what an invite's key grows from.
    pub(crate) fn put_invite_secret(&mut self, place: PlaceId, invite: InviteId, secret: &InviteSecret) {
        self.put(Table::Places, &invite_key(place, invite), secret);
    }

    pub(crate) fn forget_invite(&mut self, place: PlaceId, invite: InviteId) {
        self.delete(Table::Places, &invite_key(place, invite));
    }
}

/// The key of a place's name, and the one in force where that is another.
fn keys_of_name(chain: &RoomChain, names: Names) -> Vec<PlaceKey> {
    let state = chain.state();
    let name = state.metadata().find(|(field, _)| *field == MetadataField::Name);
    let of_name = name.and_then(|(_, value)| place_key_of(&value.sealed));
    let in_force = sealed_values(state)
        .max_by_key(|(sequence, _)| *sequence)
        .and_then(|(_, sealed)| place_key_of(sealed));
    let mut wanted: Vec<_> = of_name.into_iter().chain(in_force).collect();
    wanted.dedup();
    wanted
        .into_iter()
        .filter_map(|id| Some(PlaceKey::from_bytes(names.key(id)?.as_bytes())))
        .collect()
}

fn invite_key(place: PlaceId, invite: InviteId) -> Vec<u8> {
    [INVITE, &place.0, &invite.0.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(keys: usize) -> InviteLink {
        InviteLink {
            place: PlaceId([7; 32]),
            invite: InviteId(9),
            secret: InviteSecret([5; 16]),
            keys: (0..keys).map(|_| PlaceKey::from_bytes(&[3; 32])).collect(),
        }
    }

    #[test]
    fn a_link_comes_back_whole_from_an_address_or_alone() {
        for keys in 0..=2 {
            let text = link(keys).to_text();
            let code = text.strip_prefix("/#/join/").unwrap();
            for shown in [
                text.clone(),
                code.to_owned(),
                format!(" https://chat.example{text} "),
            ] {
                let read = InviteLink::from_text(&shown).unwrap();
                assert_eq!((read.place, read.invite), (PlaceId([7; 32]), InviteId(9)));
                assert_eq!(read.secret.0, [5; 16]);
                assert_eq!(read.keys.len(), keys);
                assert!(read.keys.iter().all(|key| key.as_bytes() == &[3; 32]));
            }
        }
    }

    #[test]
    fn what_is_no_link_is_refused() {
        let whole = link(1).to_text();
        for length in 0..whole.len() - 1 {
            // A prefix may end between two keys; every other one is refused.
            let read = InviteLink::from_text(&whole[..length]);
            assert!(read.is_none_or(|read| read.keys.is_empty()), "{length}");
        }
        let mut other = vec![2_u8];
        other.extend_from_slice(&[0; 52]);
        assert!(
            InviteLink::from_text(&Bytes(other).to_text()).is_none(),
            "another version"
        );
        assert!(InviteLink::from_text(&link(3).to_text()).is_some_and(|read| read.keys.len() == 2));
        assert!(InviteLink::from_text("https://chat.example/#/invite/abc").is_none());
    }
}
