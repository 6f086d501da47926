//! Random acts of many people, judged by a second, simpler set of rules.
//!
//! `CONCLAVE_TEST_CHAIN_SEQUENCES` says how many sequences of acts are tried.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use conclave_protocol::{RoomId, Timestamp};
use ed25519_dalek::SigningKey;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::people::{
    Person, Place, add, ban, channel_definition, definition, leave, link, mute, observe, remove, set_roles,
    terms,
};
use crate::room::{
    Audience, ChannelId, ChannelKind, InviteId, InviteTerms, Permissions, PlaceKind, Policy, RoleId,
    RoomBody, RoomChain, RoomEvent,
};

const PEOPLE: usize = 7;

/// Permissions that the model's roles are made of.
const SETS: [Permissions; 4] = [
    Permissions::NONE,
    Permissions::KICK.union(Permissions::INVITE),
    Permissions::MANAGE_ROLES
        .union(Permissions::BAN)
        .union(Permissions::ADD_MEMBERS)
        .union(Permissions::APPROVE),
    Permissions::ALL.without(Permissions::BAN),
];

/// Everybody's permissions.
const EVERYONE: Permissions = Permissions::POST.union(Permissions::ADD_MEMBERS);

/// One random act: who, what, and three choices.
type Choice = (u8, u8, u8, u8, u8);

#[derive(Clone, Debug)]
struct Invite {
    maker: usize,
    uses: Option<u32>,
    expires: Option<u64>,
    approval: bool,
    roles: BTreeSet<u32>,
}

/// The second set of rules: plain sets, everything looked up anew each time.
#[derive(Clone, Debug)]
struct Model {
    is_community: bool,
    time: u64,
    closed: bool,
    owner: usize,
    members: BTreeMap<usize, BTreeSet<u32>>,
    /// Rank and permissions.
    roles: BTreeMap<u32, (u16, Permissions)>,
    bans: BTreeSet<usize>,
    invites: BTreeMap<u32, Invite>,
    requests: BTreeMap<usize, BTreeSet<u32>>,
    /// Roles that read it; none for all.
    channels: BTreeMap<u32, Option<BTreeSet<u32>>>,
    muted: BTreeMap<usize, u64>,
    observed: BTreeMap<usize, u32>,
    nicknames: BTreeMap<usize, u8>,
}

impl Model {
    fn rank(&self, who: usize) -> u16 {
        if who == self.owner {
            return u16::MAX;
        }
        let held = self.members.get(&who).into_iter().flatten();
        held.map(|role| self.roles[role].0).max().unwrap_or(0)
    }

    fn permissions(&self, who: usize) -> Permissions {
        if who == self.owner {
            return Permissions::ALL;
        }
        let held = self.members.get(&who).into_iter().flatten();
        held.fold(EVERYONE, |all, role| all.union(self.roles[role].1))
    }

    fn can(&self, who: usize, permission: Permissions) -> bool {
        self.members.contains_key(&who) && self.permissions(who).contains(permission)
    }

    fn is_above(&self, who: usize, other: usize) -> bool {
        who != other && self.rank(who) > self.rank(other)
    }

    fn gives(&self, who: usize, roles: &BTreeSet<u32>) -> bool {
        roles.iter().all(|role| {
            self.roles.get(role).is_some_and(|(rank, permissions)| {
                *rank < self.rank(who) && self.permissions(who).contains(*permissions)
            })
        })
    }

    fn lets_in(&self, who: usize, roles: &BTreeSet<u32>) -> bool {
        roles.is_empty() || (self.can(who, Permissions::MANAGE_ROLES) && self.gives(who, roles))
    }

    fn reads(&self, who: usize, channel: u32) -> bool {
        let Some(held) = self.members.get(&who) else {
            return false;
        };
        match &self.channels[&channel] {
            None => true,
            Some(roles) => who == self.owner || !roles.is_disjoint(held),
        }
    }

    /// Everybody who reads each room; 0 stands for the group's.
    fn readers(&self) -> BTreeMap<u32, BTreeSet<usize>> {
        if !self.is_community {
            return BTreeMap::from([(0, self.members.keys().copied().collect())]);
        }
        self.channels
            .keys()
            .map(|channel| {
                let readers = (0..PEOPLE).filter(|who| self.reads(*who, *channel));
                (*channel, readers.collect())
            })
            .collect()
    }

    fn usable(&self, invite: u32) -> Option<&Invite> {
        let found = self.invites.get(&invite)?;
        found
            .expires
            .is_none_or(|expires| self.time <= expires)
            .then_some(found)
    }

    fn spend(&mut self, invite: u32) -> BTreeSet<u32> {
        let found = self.invites.get_mut(&invite).unwrap();
        let roles = found.roles.clone();
        if let Some(uses) = &mut found.uses {
            *uses -= 1;
            if *uses == 0 {
                self.invites.remove(&invite);
            }
        }
        roles
    }

    fn admit(&mut self, who: usize, roles: BTreeSet<u32>) {
        self.requests.remove(&who);
        self.members.insert(who, roles);
        self.observed.entry(who).or_insert(0);
    }

    fn depart(&mut self, who: usize) {
        self.members.remove(&who);
        self.nicknames.remove(&who);
        self.invites.retain(|_, invite| invite.maker != who);
    }

    fn may_name(&self, who: usize, before: &BTreeSet<u32>, after: &BTreeSet<u32>) -> bool {
        let held = &self.members[&who];
        let below = |role: &u32| self.roles[role].0 < self.rank(who);
        after
            .difference(before)
            .all(|role| held.contains(role) || below(role))
            && before.difference(after).all(below)
    }
}

/// What somebody tries.
#[derive(Clone, Debug)]
enum Act {
    Define(u16, Permissions),
    Update(u32, u16, Permissions),
    RemoveRole(u32),
    Set(usize, BTreeSet<u32>),
    Invite(Invite),
    Revoke(u32),
    Join(u32),
    Request(u32),
    Approve(usize),
    Decline(usize),
    Add(usize, BTreeSet<u32>),
    Leave,
    Remove(usize),
    Ban(usize),
    Unban(usize),
    Mute(usize, u64),
    Nickname(usize, u8),
    CreateChannel(Option<BTreeSet<u32>>),
    UpdateChannel(u32, Option<BTreeSet<u32>>),
    DeleteChannel(u32),
    Transfer(usize),
    Observe(usize, u32),
    Checkpoint,
    Close,
}

/// The act of these choices. Mostly it names what exists, sometimes what does not.
fn act(model: &Model, who: usize, (_, what, a, b, c): Choice) -> Act {
    let pick = |keys: Vec<u32>, choice: u8| {
        if keys.is_empty() || choice == 255 {
            9_999
        } else {
            keys[usize::from(choice) % keys.len()]
        }
    };
    let role = |choice| pick(model.roles.keys().copied().collect(), choice);
    let invite = |choice| pick(model.invites.keys().copied().collect(), choice);
    let channel = |choice| pick(model.channels.keys().copied().collect(), choice);
    let some_roles = |choice: u8| -> BTreeSet<u32> {
        let bits = (0_u8..).zip(model.roles.keys());
        bits.filter(|(bit, _)| choice >> (bit % 8) & 1 == 1)
            .map(|(_, role)| *role)
            .collect()
    };
    let audience = |choice: u8| (!choice.is_multiple_of(3)).then(|| some_roles(choice));
    let members: Vec<usize> = model.members.keys().copied().collect();
    let other = if a.is_multiple_of(4) {
        usize::from(a / 4) % PEOPLE
    } else {
        members[usize::from(a) % members.len()]
    };
    let outsider = usize::from(a) % PEOPLE;
    // Mostly one of those for whom it can be meant.
    let one_of = |people: Vec<usize>| match people.len() {
        0 => other,
        _ if a.is_multiple_of(8) => other,
        count => people[usize::from(a) % count],
    };
    let asking = || one_of(model.requests.keys().copied().collect());
    match what % 40 {
        0 | 1 => Act::Define(u16::from(a % 6), SETS[usize::from(b) % 4]),
        2 | 3 => Act::Update(role(a), u16::from(b % 6), SETS[usize::from(c) % 4]),
        4 => Act::RemoveRole(role(a)),
        5..=9 => Act::Set(other, some_roles(b & c)),
        10..=12 => Act::Invite(Invite {
            maker: who,
            uses: (!a.is_multiple_of(3)).then_some(u32::from(a % 3)),
            expires: (b.is_multiple_of(3)).then_some(model.time + u64::from(b % 30)),
            approval: c.is_multiple_of(2),
            roles: if c.is_multiple_of(5) {
                some_roles(b)
            } else {
                BTreeSet::new()
            },
        }),
        13 => Act::Revoke(invite(a)),
        14..=16 => Act::Join(invite(a)),
        17 | 18 => Act::Request(invite(a)),
        19 => Act::Approve(asking()),
        20 => Act::Decline(asking()),
        21..=23 => Act::Add(
            other,
            if b.is_multiple_of(3) {
                some_roles(c)
            } else {
                BTreeSet::new()
            },
        ),
        24 => Act::Leave,
        25 | 26 => Act::Remove(other),
        27 => Act::Ban(outsider),
        28 => Act::Unban(one_of(model.bans.iter().copied().collect())),
        29 => Act::Mute(
            other,
            if b.is_multiple_of(4) {
                0
            } else {
                model.time + u64::from(b)
            },
        ),
        30 => Act::Nickname(other, b % 3),
        31 | 32 => Act::CreateChannel(audience(a)),
        33..=35 => Act::UpdateChannel(channel(a), audience(b)),
        36 => Act::DeleteChannel(channel(a)),
        37 => Act::Observe(other, u32::from(b % 4)),
        38 if a < 100 => Act::Transfer(usize::from(b) % PEOPLE),
        38 => Act::Checkpoint,
        39 if a < 20 => Act::Close,
        39 if a < 120 => Act::Leave,
        39 if a < 200 => Act::Nickname(who, b % 3),
        _ => Act::Add(outsider, BTreeSet::new()),
    }
}

fn ids(roles: &BTreeSet<u32>) -> Vec<RoleId> {
    roles.iter().map(|role| RoleId(*role)).collect()
}

fn audience(roles: Option<&BTreeSet<u32>>) -> Audience {
    roles.map_or(Audience::Everyone, |roles| Audience::Roles(ids(roles)))
}

/// Each invite has a link of its own.
fn link_of(invite: u32) -> SigningKey {
    link(u8::try_from(invite % 251).unwrap())
}

fn body(place: &Place, people: &[Person], who: usize, act: &Act) -> RoomBody {
    let account = |who: &usize| people[*who].id();
    match act {
        Act::Define(rank, permissions) => RoomBody::DefineRole(definition(*rank, *permissions)),
        Act::Update(role, rank, permissions) => RoomBody::UpdateRole {
            role: RoleId(*role),
            definition: definition(*rank, *permissions),
        },
        Act::RemoveRole(role) => RoomBody::RemoveRole { role: RoleId(*role) },
        Act::Set(who, roles) => set_roles(&people[*who], &ids(roles)),
        Act::Invite(invite) => RoomBody::Invite(InviteTerms {
            uses: invite.uses,
            expires: invite.expires.map(Timestamp),
            approval: invite.approval,
            roles: ids(&invite.roles),
            ..terms(&link_of(place.chain.head() + 1))
        }),
        Act::Revoke(invite) => RoomBody::RevokeInvite {
            invite: InviteId(*invite),
        },
        Act::Join(invite) => place.join(&people[who], InviteId(*invite), &link_of(*invite)),
        Act::Request(invite) => place.request(&people[who], InviteId(*invite), &link_of(*invite)),
        Act::Approve(who) => RoomBody::Approve {
            account: account(who),
        },
        Act::Decline(who) => RoomBody::Decline {
            account: account(who),
        },
        Act::Add(who, roles) => add(&people[*who], &ids(roles)),
        Act::Leave => leave(),
        Act::Remove(who) => remove(&people[*who]),
        Act::Ban(who) => ban(&people[*who]),
        Act::Unban(who) => RoomBody::Unban {
            account: account(who),
        },
        Act::Mute(who, until) => mute(&people[*who], *until),
        Act::Nickname(who, name) => RoomBody::Nickname {
            account: account(who),
            sealed: vec![*name; usize::from(*name)],
        },
        Act::CreateChannel(roles) => RoomBody::CreateChannel {
            kind: ChannelKind::Text,
            definition: channel_definition(audience(roles.as_ref())),
            policy: Policy::default(),
        },
        Act::UpdateChannel(channel, roles) => RoomBody::UpdateChannel {
            channel: ChannelId(*channel),
            definition: channel_definition(audience(roles.as_ref())),
        },
        Act::DeleteChannel(channel) => RoomBody::DeleteChannel {
            channel: ChannelId(*channel),
        },
        Act::Transfer(who) => RoomBody::Transfer {
            account: account(who),
        },
        // Head 0 is the real one that everybody began with.
        Act::Observe(who, 0) => RoomBody::Observe {
            account: account(who),
            head: people[*who].author.head,
            closings: Vec::new(),
        },
        Act::Observe(who, head) => observe(&people[*who], *head),
        Act::Checkpoint => place.chain.checkpoint(),
        Act::Close => RoomBody::Close,
    }
}

/// Whether the model allows the act, and what it does to the model. None: the model does not judge it.
fn judge(model: &mut Model, who: usize, act: &Act, sequence: u32) -> Option<bool> {
    if model.closed {
        return Some(false);
    }
    let before = model.clone();
    let is_member = before.members.contains_key(&who);
    let exists = |roles: &BTreeSet<u32>| roles.iter().all(|role| before.roles.contains_key(role));
    let can = |permission| before.can(who, permission);
    let allowed = match act {
        Act::Define(rank, permissions) => {
            let fits =
                *rank > 0 && *rank < before.rank(who) && before.permissions(who).contains(*permissions);
            let room = before.roles.len() < if before.is_community { 63 } else { 7 };
            let allowed = can(Permissions::MANAGE_ROLES) && fits && room;
            if allowed {
                model.roles.insert(sequence, (*rank, *permissions));
            }
            allowed
        }
        Act::Update(role, rank, permissions) => {
            let allowed = can(Permissions::MANAGE_ROLES)
                && before.roles.get(role).is_some_and(|(old, had)| {
                    let mine = before.rank(who);
                    *rank > 0
                        && *old < mine
                        && *rank < mine
                        && before.permissions(who).contains(permissions.without(*had))
                        && (*old, *had) != (*rank, *permissions)
                });
            if allowed {
                model.roles.insert(*role, (*rank, *permissions));
            }
            allowed
        }
        Act::RemoveRole(role) => {
            let allowed = can(Permissions::MANAGE_ROLES)
                && before
                    .roles
                    .get(role)
                    .is_some_and(|(rank, _)| *rank < before.rank(who));
            if allowed {
                model.roles.remove(role);
                let invites = model.invites.values_mut().map(|invite| &mut invite.roles);
                let channels = model.channels.values_mut().flatten();
                for set in model
                    .members
                    .values_mut()
                    .chain(model.requests.values_mut())
                    .chain(invites)
                    .chain(channels)
                {
                    set.remove(role);
                }
            }
            allowed
        }
        Act::Set(target, roles) => {
            let allowed = is_member
                && exists(roles)
                && before.members.get(target).is_some_and(|held| {
                    let given: BTreeSet<u32> = roles.difference(held).copied().collect();
                    let lays_down = who == *target && given.is_empty();
                    roles != held
                        && (lays_down
                            || ((who == *target || before.is_above(who, *target))
                                && can(Permissions::MANAGE_ROLES)
                                && before.gives(who, &given)))
                });
            if allowed {
                model.members.insert(*target, roles.clone());
            }
            allowed
        }
        Act::Invite(invite) => {
            let allowed = can(Permissions::INVITE)
                && invite.expires.is_none_or(|expires| expires > before.time)
                && exists(&invite.roles)
                && before.lets_in(who, &invite.roles);
            if allowed {
                model.invites.insert(sequence, invite.clone());
            }
            allowed
        }
        Act::Revoke(invite) => {
            let allowed = is_member
                && before
                    .invites
                    .get(invite)
                    .is_some_and(|found| found.maker == who || can(Permissions::MANAGE_INVITES));
            if allowed {
                model.invites.remove(invite);
            }
            allowed
        }
        Act::Join(invite) => {
            let allowed = !is_member
                && !before.bans.contains(&who)
                && before.usable(*invite).is_some_and(|found| !found.approval);
            if allowed {
                let roles = model.spend(*invite);
                model.admit(who, roles);
            }
            allowed
        }
        Act::Request(invite) => {
            let allowed = !is_member
                && !before.bans.contains(&who)
                && !before.requests.contains_key(&who)
                && before.usable(*invite).is_some_and(|found| found.approval);
            if allowed {
                let roles = model.spend(*invite);
                model.requests.insert(who, roles);
            }
            allowed
        }
        Act::Approve(target) => {
            let allowed = can(Permissions::APPROVE) && before.requests.contains_key(target);
            if allowed {
                let roles = before.requests[target].clone();
                model.admit(*target, roles);
            }
            allowed
        }
        Act::Decline(target) => can(Permissions::APPROVE) && model.requests.remove(target).is_some(),
        Act::Add(target, roles) => {
            let allowed = can(Permissions::ADD_MEMBERS)
                && !before.members.contains_key(target)
                && !before.bans.contains(target)
                // A head that was observed later makes the first one old.
                && before.observed.get(target).is_none_or(|head| *head == 0)
                && exists(roles)
                && before.lets_in(who, roles);
            if allowed {
                model.admit(*target, roles.clone());
            }
            allowed
        }
        Act::Leave => {
            let allowed = who != before.owner && (is_member || before.requests.contains_key(&who));
            if allowed {
                model.requests.remove(&who);
                model.depart(who);
            }
            allowed
        }
        Act::Remove(target) => {
            let allowed = can(Permissions::KICK)
                && before.members.contains_key(target)
                && before.is_above(who, *target);
            if allowed {
                model.depart(*target);
            }
            allowed
        }
        Act::Ban(target) => {
            let allowed = can(Permissions::BAN)
                && who != *target
                && !before.bans.contains(target)
                && (!before.members.contains_key(target) || before.is_above(who, *target));
            if allowed {
                model.requests.remove(target);
                model.bans.insert(*target);
                model.depart(*target);
            }
            allowed
        }
        Act::Unban(target) => can(Permissions::BAN) && model.bans.remove(target),
        Act::Mute(target, until) => {
            let muted = before.muted.get(target).copied().unwrap_or(0);
            let allowed = can(Permissions::TIMEOUT)
                && before.members.contains_key(target)
                && before.is_above(who, *target)
                && *until != muted
                && (*until == 0 || *until > before.time);
            if allowed {
                model.muted.insert(*target, *until);
            }
            allowed
        }
        Act::Nickname(target, name) => {
            let allowed = is_member
                && before.members.contains_key(target)
                && before.nicknames.get(target).copied().unwrap_or(0) != *name
                && if who == *target {
                    can(Permissions::CHANGE_NICKNAME)
                } else {
                    can(Permissions::MANAGE_NICKNAMES) && before.is_above(who, *target)
                };
            if allowed {
                model.nicknames.insert(*target, *name);
            }
            allowed
        }
        Act::CreateChannel(roles) => {
            let named = roles.clone().unwrap_or_default();
            let allowed = before.is_community
                && can(Permissions::MANAGE_CHANNELS)
                && before.may_name(who, &BTreeSet::new(), &named);
            if allowed {
                model.channels.insert(sequence, roles.clone());
            }
            allowed
        }
        Act::UpdateChannel(channel, roles) => {
            let allowed = can(Permissions::MANAGE_CHANNELS)
                && before.channels.get(channel).is_some_and(|old| {
                    let had = old.clone().unwrap_or_default();
                    before.reads(who, *channel)
                        && old != roles
                        && roles
                            .as_ref()
                            .is_none_or(|roles| before.may_name(who, &had, roles))
                });
            if allowed {
                model.channels.insert(*channel, roles.clone());
            }
            allowed
        }
        Act::DeleteChannel(channel) => {
            let allowed = can(Permissions::MANAGE_CHANNELS)
                && before.channels.contains_key(channel)
                && before.reads(who, *channel);
            if allowed {
                model.channels.remove(channel);
            }
            allowed
        }
        Act::Transfer(target) => {
            let allowed = who == before.owner && *target != who && before.members.contains_key(target);
            if allowed {
                model.owner = *target;
            }
            allowed
        }
        Act::Observe(target, head) => {
            let allowed = is_member && before.members.contains_key(target) && before.observed[target] < *head;
            if allowed {
                model.observed.insert(*target, *head);
            }
            allowed
        }
        Act::Checkpoint => return None,
        Act::Close => {
            model.closed = who == before.owner;
            model.closed
        }
    };
    Some(allowed)
}

/// How often each kind of act was accepted and refused.
type Seen = BTreeMap<String, (u32, u32)>;

fn name(act: &Act) -> String {
    let text = format!("{act:?}");
    text.split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// What each place begins with, by its owner: roles, members, invites, and channels in a community.
fn beginning(is_community: bool) -> Vec<Act> {
    let invite = |approval| {
        Act::Invite(Invite {
            maker: 0,
            uses: None,
            expires: None,
            approval,
            roles: BTreeSet::new(),
        })
    };
    let mut acts = vec![
        Act::Define(5, SETS[3]),
        Act::Define(3, SETS[2]),
        Act::Add(1, BTreeSet::from([1])),
        Act::Add(2, BTreeSet::from([2])),
        Act::Add(3, BTreeSet::new()),
        invite(false),
        invite(true),
    ];
    if is_community {
        acts.push(Act::CreateChannel(None));
        acts.push(Act::CreateChannel(Some(BTreeSet::from([1, 2]))));
    }
    acts
}

/// Plays the choices and holds all laws after each.
fn play(is_community: bool, choices: &[Choice], people: &[Person], seen: &mut Seen) {
    let kind = if is_community {
        PlaceKind::Community
    } else {
        PlaceKind::Group
    };
    let mut place = Place::new(&people[0], kind, EVERYONE);
    let mut model = Model {
        is_community,
        time: place.time,
        closed: false,
        owner: 0,
        members: BTreeMap::from([(0, BTreeSet::new())]),
        roles: BTreeMap::new(),
        bans: BTreeSet::new(),
        invites: BTreeMap::new(),
        requests: BTreeMap::new(),
        channels: BTreeMap::new(),
        muted: BTreeMap::new(),
        observed: BTreeMap::from([(0, 0)]),
        nicknames: BTreeMap::new(),
    };
    let mut epochs: BTreeMap<u32, u32> = BTreeMap::new();
    let mut vouched = None;
    let random = choices.iter().map(|choice| {
        let who = match choice.0 % 12 {
            chosen if usize::from(chosen) < PEOPLE => Some(usize::from(chosen)),
            // The owner more often than others, or little would ever happen.
            _ => None,
        };
        (who, None, *choice)
    });
    let beginning = beginning(is_community).into_iter();
    for (who, scripted, choice) in beginning
        .map(|act| (None, Some(act), (0, 0, 0, 0, 0)))
        .chain(random)
    {
        place.time += u64::from(choice.4 % 4);
        model.time = place.time;
        let who = who.unwrap_or(model.owner);
        // Mostly somebody from outside joins.
        let who = match choice.1 % 40 {
            14..=18 if scripted.is_none() && !choice.3.is_multiple_of(8) => (0..PEOPLE)
                .map(|step| (who + step) % PEOPLE)
                .find(|who| !model.members.contains_key(who))
                .unwrap_or(who),
            _ => who,
        };
        let act = scripted.unwrap_or_else(|| act(&model, who, choice));
        let body = body(&place, people, who, &act);
        // Everybody's devices know their newest head.
        let mut by = people[who].clone();
        if let Some(head) = model.observed.get(&who).filter(|head| **head > 0) {
            by = by.later(*head);
        }
        let body = match body {
            // The proof names the head.
            RoomBody::Join { invite, .. } => place.join(&by, invite, &link_of(invite.0)),
            RoomBody::Request { invite, .. } => place.request(&by, invite, &link_of(invite.0)),
            body => body,
        };
        let before = model.clone();
        let ranks: Vec<u16> = (0..PEOPLE).map(|who| before.rank(who)).collect();
        let sequence = place.chain.head() + 1;
        let expected = judge(&mut model, who, &act, sequence);
        let snapshot = place.chain.state().to_bytes();
        let at = place.entries.len();
        // A refusal that changes anything fails in here.
        let result = place.act(&by, body);
        if let Some(expected) = expected {
            assert_eq!(
                result.is_ok(),
                expected,
                "{act:?} by {who} in {before:?}: {result:?}"
            );
        } else if result.is_ok() {
            vouched = Some((snapshot, at));
        }
        let verdicts = seen.entry(name(&act)).or_default();
        if result.is_ok() {
            verdicts.0 += 1;
        } else {
            verdicts.1 += 1;
        }
        let Ok(change) = result else {
            continue;
        };
        hold(&model, &place, people);
        // Nobody's rank grows without somebody above what it becomes, or the owner handing over.
        for (other, rank) in ranks.iter().enumerate() {
            let has_grown = model.rank(other) > *rank && model.members.contains_key(&other);
            let by_invite = matches!(act, Act::Join(_) | Act::Approve(_));
            assert!(!has_grown || by_invite || before.rank(who) > model.rank(other) || who == before.owner);
        }
        // A room's epoch ends exactly when somebody who read it reads it no longer, or was observed.
        let now = model.readers();
        for (room, readers) in before.readers() {
            let Some(left) = now.get(&room) else {
                epochs.remove(&room);
                continue;
            };
            let observed = match &act {
                Act::Observe(target, _) => readers.contains(target),
                _ => false,
            };
            let ended = observed || !readers.is_subset(left);
            if ended {
                epochs.insert(room, sequence);
            }
            let id = room_id(&place, room);
            assert_eq!(
                place.epoch(id),
                epochs.get(&room).copied().unwrap_or(room),
                "{act:?}"
            );
            assert_eq!(
                change.events.contains(&RoomEvent::EpochEnded(id)),
                ended,
                "{act:?}"
            );
        }
    }
    // From bytes, from the store and from a checkpoint it is the same chain.
    assert_eq!(place.verified().as_ref(), Ok(&place.chain));
    assert_eq!(
        RoomChain::from_bytes(&place.chain.to_bytes()).as_ref(),
        Ok(&place.chain)
    );
    if let Some((snapshot, at)) = vouched {
        let later = place.entries[at + 1..].iter().map(Vec::as_slice);
        let mut chain =
            RoomChain::from_checkpoint(place.chain.place(), &snapshot, &place.entries[at], later).unwrap();
        assert_eq!(chain.state(), place.chain.state());
        chain.audit(place.entries.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(chain, place.chain);
    }
}

fn room_id(place: &Place, room: u32) -> RoomId {
    if room == 0 {
        place.group_room()
    } else {
        place.room(ChannelId(room))
    }
}

/// What holds of every state, and what the model says of this one.
fn hold(model: &Model, place: &Place, people: &[Person]) {
    let state = place.chain.state();
    assert_eq!(state.owner(), people[model.owner].id());
    assert!(state.member(state.owner()).is_some(), "the owner is a member");
    for (who, person) in people.iter().enumerate() {
        let id = person.id();
        assert!(!state.is_banned(id) || state.member(id).is_none());
        assert_eq!(state.is_banned(id), model.bans.contains(&who));
        let standing = state.standing(id);
        assert_eq!(standing.is_some(), model.members.contains_key(&who));
        if let Some(standing) = standing {
            assert_eq!(standing.rank.0, model.rank(who));
            assert_eq!(standing.permissions, model.permissions(who));
        }
    }
    for (room, readers) in model.readers() {
        let mut expected: Vec<_> = readers.iter().map(|who| people[*who].id()).collect();
        expected.sort();
        let found: Vec<_> = state.readers(room_id(place, room)).collect();
        assert_eq!(found, expected);
        for id in &found {
            assert!(state.history_from(*id, room_id(place, room)).is_some());
        }
    }
    assert_eq!(state.invites().count(), model.invites.len());
    assert_eq!(state.requests().count(), model.requests.len());
    let bytes = state.to_bytes();
    let again = crate::room::RoomState::from_bytes(&bytes).unwrap();
    assert_eq!(&again, state);
}

fn sequences() -> Option<u32> {
    std::env::var("CONCLAVE_TEST_CHAIN_SEQUENCES").ok()?.parse().ok()
}

#[test]
fn the_rules_and_a_second_simpler_set_of_them_agree() {
    let people: Vec<Person> = (1..).map(Person::new).take(PEOPLE).collect();
    let config = ProptestConfig {
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::with_cases(sequences().unwrap_or(128))
    };
    let cases = config.cases;
    // Every ordinary run tries the same, a long one something new.
    let mut runner = match sequences() {
        None => {
            let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, random)
        }
        Some(_) => TestRunner::new(config),
    };
    let seen = RefCell::new(Seen::new());
    runner
        .run(
            &(any::<bool>(), vec(any::<Choice>(), 1..70)),
            |(is_community, choices)| {
                play(is_community, &choices, &people, &mut seen.borrow_mut());
                Ok(())
            },
        )
        .unwrap();
    let seen = seen.into_inner();
    println!("accepted and refused: {seen:?}");
    assert_eq!(seen.len(), 24, "each kind of act was tried: {seen:?}");
    for (kind, (accepted, refused)) in &seen {
        assert!(
            *accepted > 0 && *refused > 0,
            "{kind} was never accepted or never refused"
        );
    }
    println!("cases: room chain sequences {cases}");
}
