//! Groups and communities as front ends get them.

use serde::Serialize;

use super::intents::{ChannelSort, InviteForm, PlaceSort, PolicyForm};
use crate::failure::Failure;
use crate::views::PersonView;

/// A group or community with everything but its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PlaceView {
    /// Its id.
    pub place: String,
    /// What it is.
    pub kind: PlaceSort,
    /// What it is called; none while the key of its name is not here.
    pub title: Option<String>,
    /// What it is about now.
    pub topic: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its small picture: an emoji or a few letters.
    pub icon: Option<String>,
    /// How the own account stands to it.
    pub state: PlaceStateView,
    /// What is wrong with what the server shows of it: nothing is sent here while that lasts.
    pub disputed: Option<Failure>,
    /// Some names are not here yet; another member is asked for their keys.
    pub names_missing: bool,
    /// Who owns it.
    pub owner: String,
    /// The own account owns it.
    pub is_owner: bool,
    /// How high the own account stands.
    pub rank: u16,
    /// Roles of the own account, that of everyone aside.
    pub own_roles: Vec<u32>,
    /// What the own account may do, by name.
    pub permissions: Vec<String>,
    /// How many members there are.
    pub members: u32,
    /// The room of a group.
    pub room: Option<String>,
    /// The channels that the own account reads, in order.
    pub channels: Vec<ChannelView>,
    /// The categories, in order.
    pub categories: Vec<CategoryView>,
    /// All roles, the highest first; that of everyone is the last.
    pub roles: Vec<RoleView>,
    /// Who waits to be let in.
    pub requests: Vec<RequestView>,
    /// The invites in force.
    pub invites: Vec<InviteView>,
    /// Who is banned.
    pub bans: Vec<BanView>,
    /// The place's own policy.
    pub policy: PolicyForm,
    /// Unread messages in all its rooms.
    pub unread: u32,
    /// Members who started again under their name, where the own account may let them back in.
    pub returned: Vec<ReturnedView>,
}

/// A member who started again: the account in the place has ended, and another one has its name. That it is the same
/// person the server says and nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ReturnedView {
    /// The account that they had.
    pub former: String,
    /// Who they are now.
    pub person: PersonView,
    /// The old one had been compared: the new one is compared or accepted first.
    pub blocked: bool,
    /// The own account may let the new one in, and not remove the old one.
    pub former_stays: bool,
}

/// How the own account stands to a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum PlaceStateView {
    /// It is a member.
    Member,
    /// It waits to be let in.
    Waiting,
    /// It left.
    Left,
    /// It was removed.
    Removed {
        /// By whom.
        by: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// It was banned.
    Banned {
        /// By whom.
        by: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// It asked and was not let in.
    Declined,
    /// The server does not list it any more, and shows nothing that says why.
    Unlisted,
    /// The place has ended.
    Closed,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChannelView {
    /// Its number.
    pub channel: u32,
    /// Its room's id.
    pub room: String,
    /// What it is for.
    pub kind: ChannelSort,
    /// What it is called; none while the key of its name is not here.
    pub title: Option<String>,
    /// What it is about.
    pub topic: Option<String>,
    /// Where it is listed.
    pub category: Option<u32>,
    /// Its place in the list.
    pub position: u16,
    /// Only holders of these roles read it; none for every member.
    pub readers: Option<Vec<u32>>,
    /// How many members read it.
    pub members: u32,
    /// Its own policy, beside the community's.
    pub policy: PolicyForm,
    /// Whether one may write here.
    pub posting: PostingView,
    /// Unread messages.
    pub unread: u32,
}

/// Whether one may write in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum PostingView {
    /// One may.
    Allowed,
    /// Nobody writes: the room is read-only.
    ReadOnly,
    /// Nobody writes: the room is put away.
    Archived,
    /// The own account may not write for a time.
    Muted {
        /// Until when, Unix milliseconds.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        until: u64,
    },
    /// Others write here.
    Forbidden,
    /// The own account is no member, or does not read the room any more.
    NotMember,
    /// The place or the channel has ended.
    Closed,
    /// What the server shows of the place is not genuine or not whole.
    Disputed,
}

/// A category of channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct CategoryView {
    /// Its number.
    pub category: u32,
    /// What it is called; none while the key of its name is not here.
    pub title: Option<String>,
    /// Its place in the list.
    pub position: u16,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RoleView {
    /// Its number; 0 is that of everyone.
    pub role: u32,
    /// What it is called; none for everyone, and while the key of its name is not here.
    pub title: Option<String>,
    /// Its colour.
    pub colour: Option<String>,
    /// How high it stands.
    pub rank: u16,
    /// What its holders may do, by name.
    pub permissions: Vec<String>,
    /// How many members have it.
    pub members: u32,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct MemberView {
    /// Account id.
    pub account: String,
    /// Handle; none while their account is not known here.
    pub username: Option<String>,
    /// What they are called here.
    pub nickname: Option<String>,
    /// Their roles, that of everyone aside.
    pub roles: Vec<u32>,
    /// How high they stand.
    pub rank: u16,
    /// They own the place.
    pub is_owner: bool,
    /// May not write until then, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub muted_until: Option<u64>,
    /// The entry by which they joined.
    pub joined: u32,
    /// The own account stands above them.
    pub below_me: bool,
}

/// Somebody who waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct RequestView {
    /// Account id.
    pub account: String,
    /// Handle; none while their account is not known here.
    pub username: Option<String>,
    /// By which invite.
    pub invite: u32,
}

/// An invite in force.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct InviteView {
    /// Its number.
    pub invite: u32,
    /// Who made it.
    pub by: String,
    /// How many more people may use it; none for any number.
    pub uses_left: Option<u32>,
    /// When it ends, Unix milliseconds; none for never.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub expires: Option<u64>,
    /// Whether somebody has to agree.
    pub approval: bool,
    /// Roles that it gives.
    pub roles: Vec<u32>,
    /// The part of its link behind the server's address, `/#/join/…`, where this device made it.
    pub link: Option<String>,
}

/// Somebody who is banned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct BanView {
    /// Account id.
    pub account: String,
    /// Handle; none while their account is not known here.
    pub username: Option<String>,
    /// Who banned them.
    pub by: String,
}

/// What stands behind an invite's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PreviewView {
    /// The place.
    pub place: String,
    /// What it is.
    pub kind: PlaceSort,
    /// What it is called; none where the link cannot open the name any more.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its small picture.
    pub icon: Option<String>,
    /// How many members it has.
    pub members: u32,
    /// Who made the invite; none where their account could not be looked up.
    pub inviter: Option<PersonView>,
    /// Somebody has to agree.
    pub approval: bool,
    /// The own account is a member already.
    pub is_member: bool,
    /// The own account waits already.
    pub is_waiting: bool,
}

/// The place that a room is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChatPlaceView {
    /// The place's id.
    pub place: String,
    /// What it is.
    pub kind: PlaceSort,
    /// What it is called; none while the key of its name is not here.
    pub title: Option<String>,
    /// Its small picture.
    pub icon: Option<String>,
    /// The channel; none for a group.
    pub channel: Option<u32>,
    /// How many members read the room.
    pub members: u32,
    /// How the own account stands to the place.
    pub state: PlaceStateView,
}

/// What a chain's entry says that happened, in a room's timeline. Accounts are ids; who they are say
/// [`MemberView`] and [`PersonView`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum NoticeView {
    /// The place began.
    Created,
    /// Somebody became a member.
    Joined {
        /// Who.
        account: String,
        /// How.
        how: EntryView,
    },
    /// A member left.
    Left {
        /// Who.
        account: String,
    },
    /// A member was removed.
    Removed {
        /// Who.
        account: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// An account was banned.
    Banned {
        /// Who.
        account: String,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// A ban was lifted.
    Unbanned {
        /// Whose.
        account: String,
    },
    /// A member may not write for a time.
    Muted {
        /// Who.
        account: String,
        /// Until when, Unix milliseconds; zero: may again.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        until: u64,
        /// Why, where that was said.
        reason: Option<String>,
    },
    /// A member's roles changed.
    RolesChanged {
        /// Whose.
        account: String,
        /// What they got.
        given: Vec<String>,
        /// What they lost.
        taken: Vec<String>,
    },
    /// The place or channel has another name.
    Renamed {
        /// It; none where it could not be opened.
        title: Option<String>,
    },
    /// The place or channel is about something else now.
    TopicChanged {
        /// What; none for nothing.
        topic: Option<String>,
    },
    /// The place has another description.
    DescriptionChanged,
    /// The place has another picture.
    IconChanged,
    /// A member is called something else here.
    NicknameChanged {
        /// Who.
        account: String,
        /// What; none for nothing.
        nickname: Option<String>,
    },
    /// How the room is used changed.
    PolicyChanged,
    /// The channel began.
    ChannelCreated,
    /// Who reads the channel, or where it is listed, changed.
    ChannelChanged,
    /// The channel ended.
    ChannelDeleted,
    /// The place has another owner.
    OwnerChanged {
        /// Who was.
        from: String,
        /// Who is.
        to: String,
    },
    /// The place ended.
    Closed,
    /// What a later version knows.
    Other,
}

/// How somebody became a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum EntryView {
    /// By an invite's link.
    Invited,
    /// By an invite's link, and let in by the row's author.
    Approved,
    /// The row's author added them.
    Added,
}

/// An invite was made.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct InviteMadeView {
    /// Its number.
    pub invite: u32,
    /// The part of its link behind the server's address, `/#/join/…`.
    pub link: String,
    /// What it offers.
    pub terms: InviteForm,
}

impl std::fmt::Debug for InviteView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteView")
            .field("invite", &self.invite)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for InviteMadeView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteMadeView")
            .field("invite", &self.invite)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}
