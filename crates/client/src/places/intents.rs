//! What a person wants of a group or community.
//!
//! Everything that becomes one entry of the chain is a [`PlaceChange`]; the rest has an intent of its own. One more
//! act is one more variant here and its arm in `acts`.

use conclave_protocol::{AccountId, PlaceId};
use serde::{Deserialize, Serialize};

/// An intent about places.
#[derive(Clone, Debug)]
pub enum PlaceIntent {
    /// Make a group or community. Answer: `Place`, once everybody was added who could be.
    Create {
        /// Which.
        kind: PlaceSort,
        /// What it is called.
        name: String,
        /// People to add, found before or known here.
        people: Vec<AccountId>,
    },
    /// Look at the place behind an invite's link. Answer: `Preview`.
    Preview {
        /// The link, or what stands behind `/#/join/`.
        link: String,
    },
    /// Join by an invite's link, or ask to be let in where it says so. Answer: `Joined`.
    Join {
        /// The link, or what stands behind `/#/join/`.
        link: String,
    },
    /// Make an invite's link. Answer: `PlaceInvite`.
    Invite {
        /// To which place.
        place: PlaceId,
        /// What it offers.
        terms: InviteForm,
    },
    /// Change something by one entry of the place's chain. Answer: `Done`.
    Change {
        /// In which place.
        place: PlaceId,
        /// What.
        change: PlaceChange,
    },
    /// Let somebody back in who started again: the account that they have now is added, with the roles of the one that
    /// they had which the own account may give, and that one is removed. Answer: `Done`.
    LetBackIn {
        /// Into which place.
        place: PlaceId,
        /// The account that they had.
        former: AccountId,
    },
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum PlaceSort {
    /// One room and its members.
    Group,
    /// Members and channels.
    Community,
}

/// What an invite's link offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct InviteForm {
    /// How many people may use it; none for any number.
    pub uses: Option<u32>,
    /// Milliseconds until it ends; none for never.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub life: Option<u64>,
    /// Whether somebody has to agree.
    pub approval: bool,
    /// Roles that it gives.
    pub roles: Vec<u32>,
}

/// One change of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum PlaceChange {
    /// Somebody becomes a member without asking.
    AddMember {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
        /// Roles that they get.
        roles: Vec<u32>,
    },
    /// An invite's link ends.
    RevokeInvite {
        /// Which.
        invite: u32,
    },
    /// Somebody who asked is let in.
    Approve {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
    },
    /// Somebody who asked is not let in.
    Decline {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
    },
    /// The person leaves, or takes a request back.
    Leave,
    /// A member is removed and may come back.
    Remove {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
        /// Why; empty for no word.
        reason: String,
    },
    /// An account is removed, or kept out, until the ban is lifted.
    Ban {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
        /// Why; empty for no word.
        reason: String,
    },
    /// A ban is lifted.
    Unban {
        /// Whose.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
    },
    /// A member may not write for a time.
    Mute {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
        /// Until when, Unix milliseconds; zero lifts it.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        until: u64,
        /// Why; empty for no word.
        reason: String,
    },
    /// A new role.
    DefineRole {
        /// What it is.
        role: RoleForm,
    },
    /// A role becomes another.
    UpdateRole {
        /// Which; 0 is that of everyone.
        id: u32,
        /// What it is from now on.
        role: RoleForm,
    },
    /// A role ends, and everybody loses it.
    RemoveRole {
        /// Which.
        id: u32,
    },
    /// A member has these roles and no others.
    SetRoles {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
        /// The roles, without that of everyone.
        roles: Vec<u32>,
    },
    /// The place has another owner.
    Transfer {
        /// Who, a member.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
    },
    /// How the place or a channel is used.
    SetPolicy {
        /// The channel; none for the place.
        channel: Option<u32>,
        /// What holds from now on.
        policy: PolicyForm,
    },
    /// A text about the place.
    SetText {
        /// Which.
        field: PlaceField,
        /// What it is from now on; empty for nothing.
        text: String,
    },
    /// What a member is called here.
    SetNickname {
        /// Who.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        account: AccountId,
        /// What; empty for nothing.
        nickname: String,
    },
    /// A new channel.
    CreateChannel {
        /// What it is for.
        kind: ChannelSort,
        /// What it is.
        channel: ChannelForm,
    },
    /// A channel changes.
    UpdateChannel {
        /// Which.
        id: u32,
        /// What it is from now on.
        channel: ChannelForm,
    },
    /// A channel ends.
    DeleteChannel {
        /// Which.
        id: u32,
    },
    /// A new category.
    CreateCategory {
        /// What it is called.
        name: String,
        /// Its place in the list.
        position: u16,
    },
    /// A category changes.
    UpdateCategory {
        /// Which.
        id: u32,
        /// What it is called.
        name: String,
        /// Its place in the list.
        position: u16,
    },
    /// A category ends; its channels stay.
    DeleteCategory {
        /// Which.
        id: u32,
    },
    /// The place ends for everybody.
    Close,
}

/// A role as a person fills it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RoleForm {
    /// What it is called; of no meaning for the role of everyone.
    pub name: String,
    /// Its colour, as front ends name colours.
    pub colour: Option<String>,
    /// How high it stands, from 1 to 1,000; 0 for the role of everyone.
    pub rank: u16,
    /// What its holders may do, by the names of permissions.
    pub permissions: Vec<String>,
}

/// How a room is used, as a person fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PolicyForm {
    /// Newcomers read what was sent before they came.
    pub history: bool,
    /// Seconds after which messages disappear; 0 for never.
    pub disappearing: u32,
    /// Seconds between two messages of one member; 0 for none.
    pub slow_mode: u16,
    /// Only holders of these roles write; none for everyone who may.
    pub posting: Option<Vec<u32>>,
    /// Nobody writes.
    pub read_only: bool,
    /// Put away: nobody writes, and lists do not show it.
    pub archived: bool,
    /// Devices keep nothing in their vaults.
    pub keep_nothing: bool,
}

/// Which text of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum PlaceField {
    /// What it is called.
    Name,
    /// What it is about now.
    Topic,
    /// What it is for.
    Description,
    /// Its small picture: an emoji or a few letters.
    Icon,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum ChannelSort {
    /// Conversation.
    Text,
    /// Written by some, read by all.
    Announcement,
    /// Pictures and films.
    Gallery,
    /// Talk.
    Voice,
}

/// A channel as a person fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChannelForm {
    /// What it is called.
    pub name: String,
    /// What it is about; empty for nothing.
    pub topic: String,
    /// Where it is listed.
    pub category: Option<u32>,
    /// Its place in the list.
    pub position: u16,
    /// Only holders of these roles read it; none for every member.
    pub readers: Option<Vec<u32>>,
}
