//! Random acts of five people in a group or a community, some of them false.

use std::sync::LazyLock;

use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use conclave_sigchain::room::{
    AccountHead, Audience, ChannelDefinition, ChannelId, ChannelKind, ClosedChain, History, InviteId,
    InviteTerms, MetadataField, Permissions, PlaceKind, Policy, Rank, RoleDefinition, RoleId, RoomAuthor,
    RoomBody, RoomChain, RoomEntry, join_proof_bytes,
};

use super::accounts::{Account, NOW, public, sign};
use super::chance::Chance;
use super::desk::Desk;

const PEOPLE: usize = 5;
const ACTS: usize = 16;
/// Keys of the invites' links.
const LINKS: usize = 150;
/// Numbers of keys from which each person takes theirs.
const KEYS_EACH: usize = 20;

/// Where a sequence begins: the people and the two kinds of place.
struct Beginning {
    people: Vec<Account>,
    group: Desk,
    community: Desk,
}

static BEGINNING: LazyLock<Beginning> = LazyLock::new(|| {
    let people: Vec<Account> = (0..PEOPLE)
        .map(|who| Account::new(20 + who * KEYS_EACH))
        .collect();
    Beginning {
        group: begin(&people, PlaceKind::Group),
        community: begin(&people, PlaceKind::Community),
        people,
    }
});

fn begin(people: &[Account], kind: PlaceKind) -> Desk {
    let everyone = Permissions::POST
        .union(Permissions::ADD_MEMBERS)
        .union(Permissions::CHANGE_NICKNAME);
    let owner = author(&people[0], 0);
    let body = RoomBody::Create {
        kind,
        nonce: [3; 16],
        everyone,
        policy: Policy::default(),
    };
    let time = Timestamp(NOW.0 - 500);
    let entry = RoomEntry::create(owner.0, time, body).signed_with(|bytes| sign(owner.1, bytes));
    let mut desk = Desk::begin(&entry);
    let role = definition(5, Permissions::ALL.without(Permissions::BAN));
    let add = |who: usize, roles: Vec<RoleId>| RoomBody::Add {
        account: people[who].id(),
        head: head(&people[who]),
        roles,
    };
    let mut beginning = vec![
        RoomBody::DefineRole(role),
        add(1, vec![RoleId(1)]),
        add(2, Vec::new()),
        RoomBody::Invite(terms(4, false)),
        RoomBody::Invite(terms(5, true)),
    ];
    if kind == PlaceKind::Community {
        beginning.push(channel(Audience::Everyone));
        beginning.push(channel(Audience::Roles(vec![RoleId(1)])));
    }
    for body in beginning {
        let entry = desk.server.next_entry(owner.0, time, body);
        let entry = entry.signed_with(|bytes| sign(owner.1, bytes));
        assert!(desk.offer(people, &entry), "{entry:?}");
    }
    desk
}

/// A device of somebody as an author, and the number of its key.
fn author(person: &Account, at: usize) -> (RoomAuthor, usize) {
    let (device, number) = person.devices[at % person.devices.len()];
    let author = RoomAuthor {
        account: person.id(),
        device,
        head: head(person),
        key: public(number),
    };
    (author, number)
}

fn head(person: &Account) -> AccountHead {
    AccountHead {
        sequence: person.chain.head(),
        hash: person.chain.head_hash(),
    }
}

/// An earlier head of somebody, or one that is not theirs.
fn some_head(person: &Account, chance: &mut Chance) -> AccountHead {
    let mut head = head(person);
    match chance.below(12) {
        0 => head.hash = Hash([9; 32]),
        1 => head.sequence += 1,
        2 | 3 => {
            let length = usize::try_from(head.sequence).expect("a short chain") + 1;
            head.sequence = u32::try_from(chance.below(length)).expect("a short chain");
            head.hash = person.chain.hash_at(head.sequence).expect("an entry");
        }
        _ => {}
    }
    head
}

/// Each invite has a link of its own, by its number.
fn terms(invite: u32, approval: bool) -> InviteTerms {
    InviteTerms {
        key: public(link(invite)),
        uses: None,
        expires: None,
        approval,
        roles: Vec::new(),
    }
}

fn link(invite: u32) -> usize {
    LINKS + usize::try_from(invite).expect("a small number") % 40
}

fn definition(rank: u16, permissions: Permissions) -> RoleDefinition {
    RoleDefinition {
        rank: Rank(rank),
        permissions,
        sealed: vec![1, 2],
    }
}

fn channel(access: Audience) -> RoomBody {
    RoomBody::CreateChannel {
        kind: ChannelKind::Text,
        definition: channel_definition(access),
        policy: Policy::default(),
    }
}

fn channel_definition(access: Audience) -> ChannelDefinition {
    ChannelDefinition {
        category: None,
        position: 1,
        access,
        sealed: vec![5; 8],
    }
}

/// Plays one sequence; gives how many entries were accepted and refused.
pub(crate) fn play(sequence: u64) -> (u64, u64) {
    let mut chance = Chance::of(sequence);
    let beginning = &*BEGINNING;
    let mut people = beginning.people.clone();
    let mut desk = if chance.one_in(2) {
        beginning.group.clone()
    } else {
        beginning.community.clone()
    };
    let mut stale = desk.server.clone();
    let (mut accepted, mut refused) = (0, 0);
    for act in 0..=chance.below(ACTS) {
        if chance.one_in(6) {
            // Somebody's own chain goes on, whatever the place says of them.
            let who = chance.below(PEOPLE);
            people[who].changes(&mut chance, 22 + who * KEYS_EACH + act);
        }
        let entry = match desk.entries.last() {
            // An answer was lost, and the newest entry is offered once more.
            Some(newest) if chance.one_in(30) => RoomEntry::from_bytes(newest.as_slice()).expect("an entry"),
            _ => entry(&desk.server, &stale, &people, &mut chance),
        };
        if chance.one_in(3) {
            stale = desk.server.clone();
        }
        if desk.offer(&people, &entry) {
            accepted += 1;
        } else {
            refused += 1;
        }
        desk.goes_on(&mut chance);
    }
    desk.agrees(&people, &mut chance);
    (accepted, refused)
}

/// Something that somebody might say, often wrong.
fn entry(chain: &RoomChain, stale: &RoomChain, people: &[Account], chance: &mut Chance) -> RoomEntry {
    let state = chain.state();
    // The owner more often than others, or little would ever happen.
    let owner = people.iter().position(|person| person.id() == state.owner());
    let who = match owner {
        Some(owner) if chance.one_in(2) => owner,
        _ => chance.below(PEOPLE),
    };
    let (mut author, number) = author(&people[who], chance.below(4));
    if chance.one_in(8) {
        author.head = some_head(&people[who], chance);
    }
    let body = body(chain, people, &author, chance);
    // Somebody else was faster.
    let on = if chance.one_in(14) { stale } else { chain };
    let time = Timestamp(NOW.0 + chance.next() % 4);
    let mut entry = on.next_entry(author, time, body);
    match chance.below(40) {
        0 => entry.time = Timestamp(NOW.0 + 1_000_000),
        1 => entry.time = Timestamp(NOW.0 - 9_000_000),
        2 => entry.author.key = public(0),
        3 => entry.author.device = DeviceId(77),
        4 => entry.previous = Some(Hash([8; 32])),
        5 => entry.sequence += 1,
        _ => {}
    }
    let signer = if chance.one_in(40) { 3 } else { number };
    entry.signed_with(|bytes| sign(signer, bytes))
}

fn body(chain: &RoomChain, people: &[Account], by: &RoomAuthor, chance: &mut Chance) -> RoomBody {
    let state = chain.state();
    let other = &people[chance.below(PEOPLE)];
    let account = other.id();
    let role_ids: Vec<RoleId> = state.roles().map(|role| role.id).filter(|id| id.0 > 0).collect();
    let role = chance.of_these(&role_ids).unwrap_or(RoleId(99));
    let mut roles: Vec<RoleId> = role_ids.into_iter().filter(|_| chance.one_in(3)).collect();
    roles.sort_unstable();
    let channels: Vec<ChannelId> = state.channels().map(|(id, _)| id).collect();
    let channel_id = chance.of_these(&channels).unwrap_or(ChannelId(99));
    let invites: Vec<(InviteId, bool)> = state
        .invites()
        .map(|(id, invite)| (id, invite.approval))
        .collect();
    let (invite, approval) = chance.of_these(&invites).unwrap_or((InviteId(99), false));
    let audience = |chance: &mut Chance, roles: &[RoleId]| {
        if chance.one_in(2) {
            Audience::Everyone
        } else {
            Audience::Roles(roles.to_vec())
        }
    };
    match chance.below(36) {
        0 | 1 => RoomBody::DefineRole(some_role(chance)),
        2 => RoomBody::UpdateRole {
            role,
            definition: some_role(chance),
        },
        3 => RoomBody::RemoveRole { role },
        4..7 => RoomBody::SetRoles { account, roles },
        7 | 8 => RoomBody::Invite(InviteTerms {
            uses: chance.one_in(2).then_some(1),
            expires: chance.one_in(3).then_some(Timestamp(NOW.0 + chance.next() % 6)),
            ..terms(chain.head() + 1, chance.one_in(2))
        }),
        9 => RoomBody::RevokeInvite { invite },
        10..14 => comes(chain, by, invite, approval != chance.one_in(10), chance),
        14 => RoomBody::Approve { account },
        15 => RoomBody::Decline { account },
        16..20 => RoomBody::Add {
            account,
            head: some_head(other, chance),
            roles: if chance.one_in(3) { roles } else { Vec::new() },
        },
        20 => RoomBody::Leave { closings: Vec::new() },
        21 | 22 => RoomBody::Remove {
            account,
            reason: Vec::new(),
            closings: closings(chance),
        },
        23 => RoomBody::Ban {
            account,
            reason: vec![1; 4],
            closings: Vec::new(),
        },
        24 => RoomBody::Unban { account },
        25 => RoomBody::MuteUntil {
            account,
            until: Timestamp(if chance.one_in(3) { 0 } else { NOW.0 + 50 }),
            reason: Vec::new(),
        },
        26 => RoomBody::Nickname {
            account,
            sealed: vec![1; chance.below(3)],
        },
        27 => channel(audience(chance, &roles)),
        28 => RoomBody::UpdateChannel {
            channel: channel_id,
            definition: channel_definition(audience(chance, &roles)),
        },
        29 => RoomBody::DeleteChannel { channel: channel_id },
        30 => RoomBody::Policy {
            channel: (!channels.is_empty() && chance.one_in(2)).then_some(channel_id),
            policy: Policy {
                history: if chance.one_in(2) {
                    History::All
                } else {
                    History::SinceJoining
                },
                slow_mode: u16::try_from(chance.below(9)).unwrap_or(0),
                ..Policy::default()
            },
        },
        31 => RoomBody::Metadata {
            field: MetadataField::Topic,
            sealed: vec![2; chance.below(4)],
        },
        32 | 33 => RoomBody::Observe {
            account,
            head: some_head(other, chance),
            closings: closings(chance),
        },
        34 if chance.one_in(2) => chain.checkpoint(),
        34 => RoomBody::Transfer { account },
        _ if chance.one_in(4) => RoomBody::Close,
        _ => RoomBody::Transfer { account },
    }
}

fn some_role(chance: &mut Chance) -> RoleDefinition {
    let sets = [
        Permissions::NONE,
        Permissions::KICK.union(Permissions::INVITE),
        Permissions::MANAGE_ROLES
            .union(Permissions::BAN)
            .union(Permissions::APPROVE),
        Permissions::ALL,
    ];
    let rank = u16::try_from(chance.below(8)).unwrap_or(0);
    definition(rank, sets[chance.below(sets.len())])
}

fn closings(chance: &mut Chance) -> Vec<ClosedChain> {
    let count = u8::try_from(chance.below(3)).unwrap_or(0);
    (0..count)
        .map(|chain| ClosedChain {
            chain: [chain; 16],
            iteration: 3,
            hash: Hash([chain; 32]),
        })
        .collect()
}

/// Joins or asks to, mostly with the link's proof for this very person.
fn comes(chain: &RoomChain, by: &RoomAuthor, invite: InviteId, asks: bool, chance: &mut Chance) -> RoomBody {
    let for_whom = if chance.one_in(12) {
        AccountId([4; 32])
    } else {
        by.account
    };
    let bytes = join_proof_bytes(chain.place(), invite, for_whom, by.head);
    let proof = sign(link(invite.0), &bytes);
    if asks {
        RoomBody::Request { invite, proof }
    } else {
        RoomBody::Join { invite, proof }
    }
}
