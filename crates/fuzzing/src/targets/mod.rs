//! The laws, one file for each crate that is put to the test.

pub(crate) mod client;
pub(crate) mod crypto;
pub(crate) mod encoding;
pub(crate) mod keeping;
pub(crate) mod linking;
pub(crate) mod places;
pub(crate) mod protocol;
pub(crate) mod rooms;
pub(crate) mod sigchain;
pub(crate) mod stories;
