//! People with real account chains, and a place that checks its own laws at each act.

use conclave_protocol::{DeviceId, RoomId, Timestamp};
use ed25519_dalek::{Signer, SigningKey};

use crate::room::{
    AccountHead, Audience, ChannelDefinition, ChannelId, ChannelKind, InviteId, InviteTerms, Permissions,
    PlaceKind, Policy, Rank, RoleDefinition, RoleId, RoomAuthor, RoomBody, RoomChain, RoomChainError,
    RoomChange, RoomEntry, join_proof_bytes,
};
use crate::{AccountChain, AccountEntry, DeviceKeys};

/// When each place begins.
pub(super) const START: u64 = 1_000_000;

#[derive(Clone)]
pub(super) struct Person {
    pub(super) key: SigningKey,
    pub(super) author: RoomAuthor,
    pub(super) chain: AccountChain,
}

impl Person {
    pub(super) fn new(number: u16) -> Self {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let key = SigningKey::from_bytes(&seed);
        let keys = DeviceKeys {
            signing: key.verifying_key().to_bytes(),
            identity: [3; 32],
        };
        let recovery = SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
        let entry = AccountEntry::genesis(keys, recovery, Timestamp(1000))
            .signed_with(|bytes| key.sign(bytes).to_bytes());
        let chain = AccountChain::begin(&entry).unwrap();
        let author = RoomAuthor {
            account: chain.account(),
            device: DeviceId(0),
            head: AccountHead {
                sequence: 0,
                hash: entry.hash(),
            },
            key: keys.signing,
        };
        Self { key, author, chain }
    }

    pub(super) fn id(&self) -> conclave_protocol::AccountId {
        self.author.account
    }

    pub(super) fn sign(&self, entry: RoomEntry) -> RoomEntry {
        entry.signed_with(|bytes| self.key.sign(bytes).to_bytes())
    }

    /// The same person with a later head, made up.
    pub(super) fn later(&self, sequence: u32) -> Self {
        let mut later = self.clone();
        later.author.head = head(sequence);
        later
    }
}

pub(super) fn head(sequence: u32) -> AccountHead {
    AccountHead {
        sequence,
        hash: conclave_protocol::Hash([sequence.to_be_bytes()[3] ^ 0x5a; 32]),
    }
}

/// The key of an invite's link.
pub(super) fn link(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number ^ 0xa0; 32])
}

/// A first entry, unsigned.
pub(super) fn start_entry() -> RoomEntry {
    RoomEntry::create(Person::new(1).author, Timestamp(START), every_body().remove(0))
}

#[derive(Clone)]
pub(super) struct Place {
    pub(super) chain: RoomChain,
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) changes: Vec<RoomChange>,
    pub(super) time: u64,
}

impl Place {
    pub(super) fn new(owner: &Person, kind: PlaceKind, everyone: Permissions) -> Self {
        let entry = RoomEntry::create(
            owner.author,
            Timestamp(START),
            RoomBody::Create {
                kind,
                nonce: [4; 16],
                everyone,
                policy: Policy::default(),
            },
        );
        let entry = owner.sign(entry);
        let (chain, change) = RoomChain::begin(&entry).unwrap();
        Self {
            chain,
            entries: vec![entry.to_bytes()],
            changes: vec![change],
            time: START,
        }
    }

    pub(super) fn group(owner: &Person) -> Self {
        Self::new(owner, PlaceKind::Group, Permissions::GROUP_DEFAULT)
    }

    pub(super) fn community(owner: &Person) -> Self {
        Self::new(owner, PlaceKind::Community, Permissions::COMMUNITY_DEFAULT)
    }

    /// Does something now, and sees that a refusal changes nothing.
    pub(super) fn act(&mut self, by: &Person, body: RoomBody) -> Result<RoomChange, RoomChainError> {
        let entry = by.sign(self.chain.next_entry(by.author, Timestamp(self.time), body));
        self.offer(&entry)
    }

    pub(super) fn offer(&mut self, entry: &RoomEntry) -> Result<RoomChange, RoomChainError> {
        let bytes = entry.to_bytes();
        let before = self.chain.to_bytes();
        let result = self.chain.append(entry);
        match &result {
            Ok(change) => {
                assert_eq!(RoomEntry::from_bytes(&bytes).as_ref(), Ok(entry));
                self.entries.push(bytes);
                self.changes.push(change.clone());
            }
            Err(_) => assert_eq!(self.chain.to_bytes(), before, "a refusal changed the chain"),
        }
        result
    }

    pub(super) fn does(&mut self, by: &Person, body: RoomBody) -> RoomChange {
        self.act(by, body).unwrap()
    }

    pub(super) fn refuses(&mut self, by: &Person, body: RoomBody) -> RoomChainError {
        self.act(by, body).unwrap_err()
    }

    pub(super) fn add(&mut self, by: &Person, who: &Person) -> RoomChange {
        self.does(by, add(who, &[]))
    }

    pub(super) fn role(&mut self, by: &Person, rank: u16, permissions: Permissions) -> RoleId {
        RoleId(
            self.does(by, RoomBody::DefineRole(definition(rank, permissions)))
                .sequence,
        )
    }

    pub(super) fn give(&mut self, by: &Person, who: &Person, roles: &[RoleId]) -> RoomChange {
        self.does(by, set_roles(who, roles))
    }

    pub(super) fn channel(&mut self, by: &Person, access: Audience) -> (ChannelId, RoomId) {
        let id = ChannelId(self.does(by, channel(ChannelKind::Text, access)).sequence);
        (id, self.room(id))
    }

    pub(super) fn room(&self, channel: ChannelId) -> RoomId {
        RoomId::channel(self.chain.place(), channel.0)
    }

    pub(super) fn group_room(&self) -> RoomId {
        RoomId::group(self.chain.place())
    }

    pub(super) fn epoch(&self, room: RoomId) -> u32 {
        self.chain.state().epoch(room).unwrap()
    }

    pub(super) fn invite(&mut self, by: &Person, terms: InviteTerms) -> InviteId {
        InviteId(self.does(by, RoomBody::Invite(terms)).sequence)
    }

    pub(super) fn join(&self, who: &Person, invite: InviteId, link: &SigningKey) -> RoomBody {
        RoomBody::Join {
            invite,
            proof: self.proof(who, invite, link),
        }
    }

    pub(super) fn request(&self, who: &Person, invite: InviteId, link: &SigningKey) -> RoomBody {
        RoomBody::Request {
            invite,
            proof: self.proof(who, invite, link),
        }
    }

    fn proof(&self, who: &Person, invite: InviteId, link: &SigningKey) -> [u8; 64] {
        let bytes = join_proof_bytes(self.chain.place(), invite, who.id(), who.author.head);
        link.sign(&bytes).to_bytes()
    }

    pub(super) fn verified(&self) -> Result<RoomChain, RoomChainError> {
        RoomChain::verify(self.chain.place(), self.entries.iter().map(Vec::as_slice))
    }

    pub(super) fn is_member(&self, who: &Person) -> bool {
        self.chain.state().member(who.id()).is_some()
    }
}

pub(super) fn terms(link: &SigningKey) -> InviteTerms {
    InviteTerms {
        key: link.verifying_key().to_bytes(),
        uses: None,
        expires: None,
        approval: false,
        roles: Vec::new(),
    }
}

pub(super) fn definition(rank: u16, permissions: Permissions) -> RoleDefinition {
    RoleDefinition {
        rank: Rank(rank),
        permissions,
        sealed: vec![1, 2, 3],
    }
}

pub(super) fn channel(kind: ChannelKind, access: Audience) -> RoomBody {
    RoomBody::CreateChannel {
        kind,
        definition: channel_definition(access),
        policy: Policy::default(),
    }
}

pub(super) fn channel_definition(access: Audience) -> ChannelDefinition {
    ChannelDefinition {
        category: None,
        position: 1,
        access,
        sealed: vec![5; 20],
    }
}

pub(super) fn add(who: &Person, roles: &[RoleId]) -> RoomBody {
    RoomBody::Add {
        account: who.id(),
        head: who.author.head,
        roles: roles.to_vec(),
    }
}

pub(super) fn set_roles(who: &Person, roles: &[RoleId]) -> RoomBody {
    RoomBody::SetRoles {
        account: who.id(),
        roles: roles.to_vec(),
    }
}

pub(super) fn remove(who: &Person) -> RoomBody {
    RoomBody::Remove {
        account: who.id(),
        reason: Vec::new(),
        closings: Vec::new(),
    }
}

pub(super) fn ban(who: &Person) -> RoomBody {
    RoomBody::Ban {
        account: who.id(),
        reason: Vec::new(),
        closings: Vec::new(),
    }
}

pub(super) fn leave() -> RoomBody {
    RoomBody::Leave { closings: Vec::new() }
}

pub(super) fn mute(who: &Person, until: u64) -> RoomBody {
    RoomBody::MuteUntil {
        account: who.id(),
        until: Timestamp(until),
        reason: Vec::new(),
    }
}

pub(super) fn observe(who: &Person, sequence: u32) -> RoomBody {
    RoomBody::Observe {
        account: who.id(),
        head: head(sequence),
        closings: Vec::new(),
    }
}

/// One of each kind of body, for tests of form.
pub(super) fn every_body() -> Vec<RoomBody> {
    use crate::room::{CategoryDefinition, CategoryId, ClosedChain, MetadataField};
    use conclave_protocol::Hash;

    let who = Person::new(900);
    let account = who.id();
    let closings = vec![
        ClosedChain {
            chain: [1; 16],
            iteration: 5,
            hash: Hash([2; 32]),
        },
        ClosedChain {
            chain: [3; 16],
            iteration: 0,
            hash: Hash([4; 32]),
        },
    ];
    let policy = Policy {
        slow_mode: 10,
        posting: Audience::Roles(vec![RoleId(3)]),
        ..Policy::default()
    };
    vec![
        RoomBody::Create {
            kind: PlaceKind::Community,
            nonce: [8; 16],
            everyone: Permissions::COMMUNITY_DEFAULT,
            policy: Policy::default(),
        },
        RoomBody::DefineRole(definition(7, Permissions::POST)),
        RoomBody::UpdateRole {
            role: RoleId(3),
            definition: definition(7, Permissions::KICK),
        },
        RoomBody::RemoveRole { role: RoleId(3) },
        set_roles(&who, &[RoleId(3), RoleId(9)]),
        RoomBody::Invite(InviteTerms {
            uses: Some(4),
            expires: Some(Timestamp(START + 10)),
            approval: true,
            roles: vec![RoleId(3)],
            ..terms(&link(1))
        }),
        RoomBody::RevokeInvite { invite: InviteId(6) },
        RoomBody::Join {
            invite: InviteId(6),
            proof: [6; 64],
        },
        RoomBody::Request {
            invite: InviteId(6),
            proof: [6; 64],
        },
        RoomBody::Approve { account },
        RoomBody::Decline { account },
        add(&who, &[RoleId(3)]),
        RoomBody::Leave {
            closings: closings.clone(),
        },
        RoomBody::Remove {
            account,
            reason: vec![1; 30],
            closings: closings.clone(),
        },
        RoomBody::Ban {
            account,
            reason: vec![1; 30],
            closings: closings.clone(),
        },
        RoomBody::Unban { account },
        RoomBody::MuteUntil {
            account,
            until: Timestamp(START + 99),
            reason: vec![2],
        },
        RoomBody::Policy {
            channel: Some(ChannelId(5)),
            policy: policy.clone(),
        },
        RoomBody::Metadata {
            field: MetadataField::Topic,
            sealed: vec![9; 90],
        },
        RoomBody::Nickname {
            account,
            sealed: vec![9; 40],
        },
        RoomBody::CreateChannel {
            kind: ChannelKind::Announcement,
            definition: ChannelDefinition {
                category: Some(CategoryId(4)),
                ..channel_definition(Audience::Roles(vec![RoleId(3)]))
            },
            policy,
        },
        RoomBody::UpdateChannel {
            channel: ChannelId(5),
            definition: channel_definition(Audience::Everyone),
        },
        RoomBody::DeleteChannel {
            channel: ChannelId(5),
        },
        RoomBody::CreateCategory(CategoryDefinition {
            position: 2,
            sealed: vec![1],
        }),
        RoomBody::UpdateCategory {
            category: CategoryId(4),
            definition: CategoryDefinition {
                position: 2,
                sealed: vec![1],
            },
        },
        RoomBody::DeleteCategory {
            category: CategoryId(4),
        },
        RoomBody::Transfer { account },
        RoomBody::Observe {
            account,
            head: head(3),
            closings,
        },
        RoomBody::Checkpoint { state: Hash([1; 32]) },
        RoomBody::Close,
    ]
}

/// A community whose chain has an entry of each kind.
pub(super) fn one_of_each_kind() -> Place {
    use crate::room::{CategoryDefinition, CategoryId, ClosedChain, MetadataField};

    let [owner, one, two, guest] = [1, 2, 3, 4].map(Person::new);
    let mut place = Place::community(&owner);
    let closings = vec![ClosedChain {
        chain: [1; 16],
        iteration: 5,
        hash: conclave_protocol::Hash([2; 32]),
    }];
    let role = place.role(&owner, 7, Permissions::ALL);
    let low = place.role(&owner, 3, Permissions::NONE);
    place.does(
        &owner,
        RoomBody::UpdateRole {
            role: low,
            definition: definition(4, Permissions::PIN),
        },
    );
    place.does(&owner, add(&one, &[role]));
    let key = link(1);
    let invite = place.invite(
        &one,
        InviteTerms {
            uses: Some(9),
            expires: Some(Timestamp(START + 1000)),
            roles: vec![low],
            ..terms(&key)
        },
    );
    let asked = place.invite(
        &one,
        InviteTerms {
            approval: true,
            ..terms(&key)
        },
    );
    let body = place.join(&two, invite, &key);
    place.does(&two, body);
    let request = place.request(&guest, asked, &key);
    place.does(&guest, request.clone());
    let account = guest.id();
    place.does(&one, RoomBody::Decline { account });
    place.does(&guest, request);
    place.does(&one, RoomBody::Approve { account });
    place.does(&one, RoomBody::RevokeInvite { invite: asked });
    place.give(&one, &guest, &[low]);
    place.does(&one, RoomBody::RemoveRole { role: low });
    place.does(&one, mute(&guest, START + 50));
    let category = CategoryDefinition {
        position: 2,
        sealed: vec![1; 9],
    };
    let id = CategoryId(
        place
            .does(&one, RoomBody::CreateCategory(category.clone()))
            .sequence,
    );
    place.does(
        &one,
        RoomBody::UpdateCategory {
            category: id,
            definition: CategoryDefinition {
                position: 3,
                ..category
            },
        },
    );
    let (channel, _) = place.channel(&one, Audience::Roles(vec![role]));
    place.does(
        &one,
        RoomBody::UpdateChannel {
            channel,
            definition: ChannelDefinition {
                category: Some(id),
                ..channel_definition(Audience::Everyone)
            },
        },
    );
    place.does(
        &one,
        RoomBody::Policy {
            channel: Some(channel),
            policy: Policy {
                slow_mode: 9,
                posting: Audience::Roles(vec![role]),
                ..Policy::default()
            },
        },
    );
    place.does(&one, RoomBody::DeleteCategory { category: id });
    place.does(&one, RoomBody::DeleteChannel { channel });
    place.does(
        &one,
        RoomBody::Metadata {
            field: MetadataField::Icon,
            sealed: vec![3; 30],
        },
    );
    place.does(
        &two,
        RoomBody::Nickname {
            account: two.id(),
            sealed: vec![3; 30],
        },
    );
    let body = place.chain.checkpoint();
    place.does(&owner, body);
    place.does(
        &two,
        RoomBody::Observe {
            account,
            head: head(2),
            closings: closings.clone(),
        },
    );
    place.does(
        &two,
        RoomBody::Leave {
            closings: closings.clone(),
        },
    );
    place.does(
        &one,
        RoomBody::Ban {
            account,
            reason: vec![1; 20],
            closings: closings.clone(),
        },
    );
    place.does(&one, RoomBody::Unban { account });
    place.does(&owner, RoomBody::Transfer { account: one.id() });
    place.does(
        &one,
        RoomBody::Remove {
            account: owner.id(),
            reason: vec![1; 20],
            closings,
        },
    );
    place.does(&one, RoomBody::Close);
    let kinds: std::collections::HashSet<_> = place
        .entries
        .iter()
        .map(|entry| RoomEntry::from_bytes(entry).unwrap().body)
        .map(|body| std::mem::discriminant(&body))
        .collect();
    assert_eq!(kinds.len(), every_body().len());
    place
}
