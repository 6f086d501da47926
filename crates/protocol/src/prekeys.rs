//! The directory of prekey bundles. The server stores and hands them out; it does not look inside.

use serde::{Deserialize, Serialize};

use crate::Bytes;

/// A bundle as its device made it, with the id by which the device finds its secret half.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PrekeyUpload {
    /// The device's number for it; unique among the device's bundles.
    pub id: u32,
    /// The signed bundle.
    pub bundle: Bytes,
}

/// `POST /api/v1/devices/prekeys`: adds one-time bundles and replaces the last-resort one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PrekeysUpload {
    /// One-time bundles to add.
    pub one_time: Vec<PrekeyUpload>,
    /// The last-resort bundle to use from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<PrekeyUpload>,
    /// Drops every one-time bundle stored before, in the same step: the device no longer holds their secrets.
    #[serde(default)]
    pub replace: bool,
}

/// Answer to [`PrekeysUpload`] and to `GET /api/v1/devices/prekeys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PrekeysLeft {
    /// One-time bundles that are left.
    pub one_time: u32,
    /// Whether a last-resort bundle is stored.
    pub last_resort: bool,
}

/// Answer to `POST /api/v1/accounts/{account}/devices/{device}/prekeys/claim`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PrekeyClaimed {
    /// A one-time bundle, used up by this claim, or the last-resort one.
    pub bundle: Bytes,
}
