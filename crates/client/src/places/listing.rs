//! Views of places, made from what is stored.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, PlaceId, RoomId, Timestamp};
use conclave_sigchain::room::{
    Audience, ChannelKind, History, MetadataField, Permissions, PlaceKind, Policy, PostRefusal, RoleId,
    RoomChain, RoomState,
};

use super::intents::{ChannelSort, PlaceSort, PolicyForm};
use super::notices::{Entry, Notice};
use super::record::{Dispute, DisputeKind, Place, Standing};
use super::returning::returned_views;
use super::views::{
    BanView, CategoryView, ChannelView, ChatPlaceView, EntryView, InviteView, MemberView, NoticeView,
    PlaceStateView, PlaceView, PostingView, RequestView, RoleView,
};
use crate::failure::Failure;
use crate::machine::Engine;
use crate::randomness::NoRandomness;
use crate::reads::{ReadError, Reads};
use crate::rows::{MessageRow, RoomKind, RoomRow};
use crate::user_store::views::NotificationLevel;
use crate::views::{ChatKindView, ChatView, MessageView, PersonView};
use crate::work::Work;

impl Engine {
    /// The list of chats, from the store's rows: each room with its newest message and how many are unread.
    pub fn list_chats(
        &self,
        store: &dyn Reads,
        chats: &[(RoomRow, Option<MessageRow>, u32)],
    ) -> Result<Vec<ChatView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, self.now);
        let Some(own) = work.find_own()?.map(|own| own.account) else {
            return Ok(Vec::new());
        };
        let mut places = BTreeMap::new();
        let mut views = Vec::with_capacity(chats.len());
        for (row, last, unread) in chats {
            let place = match row.place() {
                None => None,
                Some(id) => {
                    if let std::collections::btree_map::Entry::Vacant(e) = places.entry(id) {
                        e.insert(self.look_at(&work, id)?);
                    }
                    match places.get(&id) {
                        Some(Some(shown)) => Some(shown),
                        _ => continue,
                    }
                }
            };
            views.extend(chat_view(row, last.as_ref(), *unread, own, place, self.now));
        }
        Ok(views)
    }

    /// All groups and communities, by what they are called. `unread` says how many messages are unread in a room.
    pub fn list_places(
        &self,
        store: &dyn Reads,
        unread: &BTreeMap<RoomId, u32>,
    ) -> Result<Vec<PlaceView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, self.now);
        let Some(own) = work.find_own()?.map(|own| own.account) else {
            return Ok(Vec::new());
        };
        let mut views = Vec::new();
        for id in work.list_place_ids()? {
            if let Some(shown) = self.look_at(&work, id)? {
                views.push(place_view(&work, &shown, own, unread)?);
            }
        }
        views.sort_by_key(|view| {
            (
                view.title.as_ref().map(|title| title.to_lowercase()),
                view.place.clone(),
            )
        });
        Ok(views)
    }

    /// One group or community.
    pub fn find_place(
        &self,
        store: &dyn Reads,
        place: PlaceId,
        unread: &BTreeMap<RoomId, u32>,
    ) -> Result<Option<PlaceView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, self.now);
        let Some(own) = work.find_own()?.map(|own| own.account) else {
            return Ok(None);
        };
        match self.look_at(&work, place)? {
            Some(shown) => place_view(&work, &shown, own, unread).map(Some),
            None => Ok(None),
        }
    }

    /// The members of a place: the owner, then the highest, then by name.
    pub fn list_members(&self, store: &dyn Reads, place: PlaceId) -> Result<Vec<MemberView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let (Some(own), Some(shown)) = (work.find_own()?, self.look_at(&work, place)?) else {
            return Ok(Vec::new());
        };
        let state = shown.place.chain.state();
        let own_rank = state.standing(own.account).map(|standing| standing.rank);
        let mut views = Vec::with_capacity(state.member_count());
        for (account, member) in state.members() {
            let standing = state.standing(account);
            let rank = standing.map_or(0, |standing| standing.rank.0);
            let is_owner = state.owner() == account;
            let muted = state.account(account).map_or(0, |known| known.muted_until.0);
            views.push(MemberView {
                account: account.to_string(),
                username: work.username(account)?,
                nickname: member
                    .nickname
                    .as_ref()
                    .and_then(|value| shown.names.nickname(account, &value.sealed)),
                roles: role_numbers(state.roles_of(account).map(|(role, _)| role)),
                rank,
                is_owner,
                muted_until: (muted != 0).then_some(muted),
                joined: member.joined,
                below_me: account != own.account && own_rank.is_some_and(|own| own.0 > rank),
            });
        }
        views.sort_by(|one, other| {
            let order = |view: &MemberView| (!view.is_owner, std::cmp::Reverse(view.rank));
            let name = |view: &MemberView| {
                let name = view.nickname.as_ref().or(view.username.as_ref());
                (name.is_none(), name.map(|name| name.to_lowercase()))
            };
            (order(one), name(one)).cmp(&(order(other), name(other)))
        });
        Ok(views)
    }

    /// People known here by their accounts: who they are in notices and beside messages. Unknown ones are left out.
    pub fn list_people(
        &self,
        store: &dyn Reads,
        accounts: &[AccountId],
    ) -> Result<Vec<PersonView>, ReadError> {
        let mut none = NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let mut views = Vec::new();
        for account in accounts {
            views.extend(work.username(*account)?.map(|username| PersonView {
                account: account.to_string(),
                username,
            }));
        }
        Ok(views)
    }
}

/// A place with what opens its names.
pub(crate) struct Shown {
    pub(crate) place: std::sync::Arc<Place>,
    pub(crate) names: super::names::Names,
}

impl Engine {
    /// A place with what opens its names, without changing what is in memory.
    pub(crate) fn look_at(&self, work: &Work<'_>, place: PlaceId) -> Result<Option<Shown>, ReadError> {
        let found = match self.places.known.get(&place) {
            Some(known) => std::sync::Arc::clone(known),
            None => match work.find_place(place)? {
                Some(found) => std::sync::Arc::new(found),
                None => return Ok(None),
            },
        };
        Ok(Some(Shown {
            names: work.place_names(place)?,
            place: found,
        }))
    }
}

/// A row of the list of chats; none for a channel that ended while its community goes on.
fn chat_view(
    row: &RoomRow,
    last: Option<&MessageRow>,
    unread: u32,
    own: AccountId,
    shown: Option<&Shown>,
    now: Timestamp,
) -> Option<ChatView> {
    let direct = match &row.kind {
        RoomKind::Direct { peer, username } => Some(PersonView {
            account: peer.to_string(),
            username: username.clone(),
        }),
        RoomKind::Group { .. } | RoomKind::Channel { .. } => None,
    };
    let place = shown.map(|shown| chat_place(row, shown));
    if let (Some(shown), RoomKind::Channel { channel, .. }) = (shown, &row.kind) {
        let state = shown.place.chain.state();
        let goes_on = shown.place.kept.standing == Standing::Member && !state.is_closed();
        if goes_on
            && state
                .channel(conclave_sigchain::room::ChannelId(*channel))
                .is_none()
        {
            return None;
        }
    }
    Some(ChatView {
        room: row.room.to_string(),
        kind: match row.kind {
            RoomKind::Direct { .. } => ChatKindView::Direct,
            RoomKind::Group { .. } => ChatKindView::Group,
            RoomKind::Channel { .. } => ChatKindView::Channel,
        },
        title: (!row.title.is_empty()).then(|| row.title.clone()),
        saved: row.peer() == Some(own),
        person: direct,
        place,
        posting: shown.map_or(PostingView::Allowed, |shown| {
            posting(&shown.place, own, row.room, now)
        }),
        last: last.map(MessageView::of),
        unread,
        active_at: row.active_at.0,
        disappearing: 0,
        favourite: false,
        muted_until: None,
        archived: false,
        marked_unread: false,
        level: NotificationLevel::default(),
        draft: None,
        request: false,
        blocked: false,
    })
}

fn chat_place(row: &RoomRow, shown: &Shown) -> ChatPlaceView {
    let state = shown.place.chain.state();
    ChatPlaceView {
        place: shown.place.id().to_string(),
        kind: sort_of(state.kind()),
        title: shown.names.text(state, MetadataField::Name),
        icon: shown.names.text(state, MetadataField::Icon),
        channel: match row.kind {
            RoomKind::Channel { channel, .. } => Some(channel),
            RoomKind::Direct { .. } | RoomKind::Group { .. } => None,
        },
        members: count(state.readers(row.room).count()),
        state: state_view(&shown.place),
    }
}

fn place_view(
    work: &Work<'_>,
    shown: &Shown,
    own: AccountId,
    unread: &BTreeMap<RoomId, u32>,
) -> Result<PlaceView, ReadError> {
    let (place, names) = (&shown.place, &shown.names);
    let state = place.chain.state();
    let standing = state.standing(own);
    let unread_in = |room: RoomId| unread.get(&room).copied().unwrap_or(0);
    let room = (state.kind() == PlaceKind::Group).then(|| RoomId::group(place.id()));
    let channels = channel_views(shown, own, work.now, &unread_in);
    Ok(PlaceView {
        place: place.id().to_string(),
        kind: sort_of(state.kind()),
        title: names.text(state, MetadataField::Name),
        topic: names.text(state, MetadataField::Topic),
        description: names.text(state, MetadataField::Description),
        icon: names.text(state, MetadataField::Icon),
        state: state_view(place),
        disputed: place.kept.disputed.as_ref().map(dispute_failure),
        names_missing: super::names::sealed_values(state)
            .filter_map(|(_, sealed)| conclave_crypto::place_key_of(sealed))
            .any(|key| names.key(key).is_none()),
        owner: state.owner().to_string(),
        is_owner: state.owner() == own,
        rank: standing.map_or(0, |standing| standing.rank.0),
        own_roles: role_numbers(state.roles_of(own).map(|(role, _)| role)),
        permissions: standing.map_or_else(Vec::new, |standing| permission_names(standing.permissions)),
        members: count(state.member_count()),
        unread: room
            .map_or(0, unread_in)
            .saturating_add(channels.iter().map(|channel| channel.unread).sum()),
        room: room.map(|room| room.to_string()),
        channels,
        categories: category_views(shown),
        roles: role_views(shown),
        requests: request_views(work, state)?,
        invites: invite_views(work, &place.chain)?,
        bans: ban_views(work, state)?,
        policy: policy_form(&state.place_policy()),
        returned: returned_views(work, shown, own)?,
    })
}

fn channel_views(
    shown: &Shown,
    own: AccountId,
    now: Timestamp,
    unread_in: &dyn Fn(RoomId) -> u32,
) -> Vec<ChannelView> {
    let state = shown.place.chain.state();
    let mut views: Vec<ChannelView> = state
        .channels()
        .filter(|(_, channel)| state.is_reader(own, channel.room))
        .map(|(id, channel)| {
            let words = shown.names.open(super::names::Value::Channel, &channel.sealed);
            ChannelView {
                channel: id.0,
                room: channel.room.to_string(),
                kind: channel_sort(channel.kind),
                title: words.as_ref().map(|words| words.text.clone()),
                topic: words.and_then(|words| words.more),
                category: channel.category.map(|category| category.0),
                position: channel.position,
                readers: state.channel_roles(id).map(role_numbers),
                members: count(state.readers(channel.room).count()),
                policy: state
                    .channel_policy(id)
                    .map_or_else(PolicyForm::default, |policy| policy_form(&policy)),
                posting: posting(&shown.place, own, channel.room, now),
                unread: unread_in(channel.room),
            }
        })
        .collect();
    views.sort_by_key(|view| (view.position, view.channel));
    views
}

fn category_views(shown: &Shown) -> Vec<CategoryView> {
    let mut views: Vec<CategoryView> = shown
        .place
        .chain
        .state()
        .categories()
        .map(|(id, category)| CategoryView {
            category: id.0,
            title: shown
                .names
                .open(super::names::Value::Category, &category.definition.sealed)
                .map(|words| words.text),
            position: category.definition.position,
        })
        .collect();
    views.sort_by_key(|view| (view.position, view.category));
    views
}

fn role_views(shown: &Shown) -> Vec<RoleView> {
    let state = shown.place.chain.state();
    let mut holders: BTreeMap<RoleId, u32> = BTreeMap::new();
    for (account, _) in state.members() {
        for (role, _) in state.roles_of(account) {
            let held = holders.entry(role).or_default();
            *held = held.saturating_add(1);
        }
    }
    let mut views: Vec<RoleView> = state
        .roles()
        .map(|role| {
            let words = shown
                .names
                .open(super::names::Value::Role, &role.definition.sealed);
            RoleView {
                role: role.id.0,
                title: words.as_ref().map(|words| words.text.clone()),
                colour: words.and_then(|words| words.more),
                rank: role.definition.rank.0,
                permissions: permission_names(role.definition.permissions),
                members: if role.id == RoleId::EVERYONE {
                    count(state.member_count())
                } else {
                    holders.get(&role.id).copied().unwrap_or(0)
                },
            }
        })
        .collect();
    views.sort_by_key(|view| (std::cmp::Reverse(view.rank), view.role));
    views
}

fn request_views(work: &Work<'_>, state: &RoomState) -> Result<Vec<RequestView>, ReadError> {
    let mut requests: Vec<_> = state.requests().collect();
    requests.sort_by_key(|(_, request)| request.sequence);
    requests
        .into_iter()
        .map(|(account, request)| {
            Ok(RequestView {
                account: account.to_string(),
                username: work.username(account)?,
                invite: request.invite.0,
            })
        })
        .collect()
}

fn invite_views(work: &Work<'_>, chain: &RoomChain) -> Result<Vec<InviteView>, ReadError> {
    let state = chain.state();
    let live = state
        .invites()
        .filter(|(_, invite)| invite.expires.is_none_or(|expires| expires > work.now));
    live.map(|(id, invite)| {
        Ok(InviteView {
            invite: id.0,
            by: invite.by.to_string(),
            uses_left: invite.uses_left,
            expires: invite.expires.map(|expires| expires.0),
            approval: invite.approval,
            roles: role_numbers(state.roles_of_invite(id)),
            link: work.invite_link(chain, id)?,
        })
    })
    .collect()
}

fn ban_views(work: &Work<'_>, state: &RoomState) -> Result<Vec<BanView>, ReadError> {
    state
        .bans()
        .map(|(account, ban)| {
            Ok(BanView {
                account: account.to_string(),
                username: work.username(account)?,
                by: ban.by.to_string(),
            })
        })
        .collect()
}

/// How the own account stands to a place.
pub(crate) fn state_view(place: &Place) -> PlaceStateView {
    if place.chain.state().is_closed() && place.kept.standing == Standing::Member {
        return PlaceStateView::Closed;
    }
    match &place.kept.standing {
        Standing::Member => PlaceStateView::Member,
        Standing::Waiting => PlaceStateView::Waiting,
        Standing::Left => PlaceStateView::Left,
        Standing::Removed(by, reason) => PlaceStateView::Removed {
            by: by.to_string(),
            reason: reason.clone(),
        },
        Standing::Banned(by, reason) => PlaceStateView::Banned {
            by: by.to_string(),
            reason: reason.clone(),
        },
        Standing::Declined => PlaceStateView::Declined,
        Standing::Unlisted => PlaceStateView::Unlisted,
    }
}

/// Whether the own account may write in a room of a place.
pub(crate) fn posting(place: &Place, own: AccountId, room: RoomId, now: Timestamp) -> PostingView {
    if place.kept.disputed.is_some() {
        return PostingView::Disputed;
    }
    if place.kept.standing != Standing::Member {
        return PostingView::NotMember;
    }
    match place.chain.state().may_post(own, room, now) {
        Ok(()) => PostingView::Allowed,
        Err(PostRefusal::ReadOnly) => PostingView::ReadOnly,
        Err(PostRefusal::Archived) => PostingView::Archived,
        Err(PostRefusal::Muted(until)) => PostingView::Muted { until: until.0 },
        Err(PostRefusal::Forbidden) => PostingView::Forbidden,
        Err(PostRefusal::NotReader) => PostingView::NotMember,
        Err(PostRefusal::NoSuchRoom | PostRefusal::Closed) => PostingView::Closed,
    }
}

pub(crate) fn dispute_failure(dispute: &Dispute) -> Failure {
    match dispute.why {
        DisputeKind::Fork => Failure::place_forked(),
        DisputeKind::Shorter => Failure::place_shorter(),
        DisputeKind::Refused => Failure::place_refused(),
        DisputeKind::FalseClaim => Failure::place_false_claim(),
        DisputeKind::Withheld => Failure::place_withheld(),
    }
}

/// A notice as front ends get it.
pub(crate) fn notice_view(notice: &Notice) -> NoticeView {
    match notice.clone() {
        Notice::Created => NoticeView::Created,
        Notice::Joined(account, how) => NoticeView::Joined {
            account: account.to_string(),
            how: match how {
                Entry::Invited => EntryView::Invited,
                Entry::Approved => EntryView::Approved,
                Entry::Added => EntryView::Added,
            },
        },
        Notice::Left(account) => NoticeView::Left {
            account: account.to_string(),
        },
        Notice::Removed(account, reason) => NoticeView::Removed {
            account: account.to_string(),
            reason,
        },
        Notice::Banned(account, reason) => NoticeView::Banned {
            account: account.to_string(),
            reason,
        },
        Notice::Unbanned(account) => NoticeView::Unbanned {
            account: account.to_string(),
        },
        Notice::Muted(account, until, reason) => NoticeView::Muted {
            account: account.to_string(),
            until: until.0,
            reason,
        },
        Notice::RolesChanged(account, given, taken) => NoticeView::RolesChanged {
            account: account.to_string(),
            given,
            taken,
        },
        Notice::Renamed(title) => NoticeView::Renamed { title },
        Notice::TopicChanged(topic) => NoticeView::TopicChanged { topic },
        Notice::DescriptionChanged => NoticeView::DescriptionChanged,
        Notice::IconChanged => NoticeView::IconChanged,
        Notice::NicknameChanged(account, nickname) => NoticeView::NicknameChanged {
            account: account.to_string(),
            nickname,
        },
        Notice::PolicyChanged => NoticeView::PolicyChanged,
        Notice::ChannelCreated => NoticeView::ChannelCreated,
        Notice::ChannelChanged => NoticeView::ChannelChanged,
        Notice::ChannelDeleted => NoticeView::ChannelDeleted,
        Notice::OwnerChanged(from, to) => NoticeView::OwnerChanged {
            from: from.to_string(),
            to: to.to_string(),
        },
        Notice::Closed => NoticeView::Closed,
        Notice::Other => NoticeView::Other,
    }
}

/// The names of permissions as front ends have them: `change_metadata`.
pub(crate) fn permission_names(permissions: Permissions) -> Vec<String> {
    Permissions::NAMED
        .iter()
        .filter(|(_, permission)| permissions.contains(*permission))
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect()
}

pub(crate) fn sort_of(kind: PlaceKind) -> PlaceSort {
    match kind {
        PlaceKind::Group => PlaceSort::Group,
        PlaceKind::Community => PlaceSort::Community,
    }
}

fn channel_sort(kind: ChannelKind) -> ChannelSort {
    match kind {
        ChannelKind::Text => ChannelSort::Text,
        ChannelKind::Announcement => ChannelSort::Announcement,
        ChannelKind::Gallery => ChannelSort::Gallery,
        ChannelKind::Voice => ChannelSort::Voice,
    }
}

fn policy_form(policy: &Policy) -> PolicyForm {
    PolicyForm {
        history: policy.history == History::All,
        disappearing: policy.disappearing,
        slow_mode: policy.slow_mode,
        posting: match &policy.posting {
            Audience::Everyone => None,
            Audience::Roles(roles) => Some(role_numbers(roles.iter().copied())),
        },
        read_only: policy.read_only,
        archived: policy.archived,
        keep_nothing: policy.keep_nothing,
    }
}

fn role_numbers(roles: impl IntoIterator<Item = RoleId>) -> Vec<u32> {
    let mut numbers: Vec<u32> = roles.into_iter().map(|role| role.0).collect();
    numbers.sort_unstable();
    numbers
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
