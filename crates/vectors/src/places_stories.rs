//! Chains of places for `places.json`: a community in which everything happens once, and a group.

use conclave_crypto::SigningKey;
use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, PlaceId, Timestamp};
use conclave_sigchain::room::{
    AccountHead, Audience, CategoryDefinition, CategoryId, ChannelDefinition, ChannelId, ChannelKind,
    ClosedChain, History, InviteId, InviteTerms, MetadataField, Permissions, PlaceKind, Policy, Rank,
    RoleDefinition, RoleId, RoomAuthor, RoomBody, RoomChain, RoomEntry, join_proof_bytes,
};

use crate::Refusal;
use crate::random::Fixed;
use crate::refusal::Context;

const START: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;

/// Somebody at their device. Their account is made up: a place's chain verifies without it.
#[derive(Clone, Copy)]
struct Person {
    seed: [u8; 32],
    author: RoomAuthor,
}

/// A chain with the secrets of those who wrote it.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) about: &'static str,
    pub(crate) chain: RoomChain,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) what: &'static str,
    pub(crate) seed: [u8; 32],
    /// The bytes in the link by which somebody came.
    pub(crate) link: Option<[u8; 16]>,
    pub(crate) entry: RoomEntry,
    /// Hash of the state behind it.
    pub(crate) state: Hash,
}

/// What was done wrong, the place, and the chain that is refused for it.
pub(crate) type RefusedChain = (&'static str, [u8; 32], Vec<Vec<u8>>);

impl Person {
    fn new(random: &mut Fixed) -> Self {
        let seed = random.array();
        let key = SigningKey::from_bytes(&seed).public().to_bytes();
        let author = RoomAuthor {
            account: AccountId(random.array()),
            device: DeviceId(0),
            head: AccountHead {
                sequence: 2,
                hash: Hash(random.array()),
            },
            key,
        };
        Self { seed, author }
    }

    fn id(&self) -> AccountId {
        self.author.account
    }

    fn sign(&self, entry: RoomEntry) -> RoomEntry {
        entry.signed_with(|bytes| SigningKey::from_bytes(&self.seed).sign(bytes))
    }
}

/// The seed of an invite's key, from the bytes in its link.
pub(crate) fn invite_seed(link: [u8; 16]) -> [u8; 32] {
    *SigningKey::from_invite_secret(&link).to_bytes()
}

fn terms(link: [u8; 16]) -> InviteTerms {
    InviteTerms {
        key: SigningKey::from_bytes(&invite_seed(link)).public().to_bytes(),
        uses: None,
        expires: None,
        approval: false,
        roles: Vec::new(),
    }
}

fn proof(place: PlaceId, invite: InviteId, who: &Person, link: [u8; 16]) -> [u8; 64] {
    let bytes = join_proof_bytes(place, invite, who.id(), who.author.head);
    SigningKey::from_bytes(&invite_seed(link)).sign(&bytes)
}

fn role(rank: u16, permissions: Permissions, sealed: &[u8]) -> RoleDefinition {
    RoleDefinition {
        rank: Rank(rank),
        permissions,
        sealed: sealed.to_vec(),
    }
}

fn channel(category: Option<u32>, position: u16, access: Audience, sealed: &[u8]) -> ChannelDefinition {
    ChannelDefinition {
        category: category.map(CategoryId),
        position,
        access,
        sealed: sealed.to_vec(),
    }
}

impl Story {
    fn begin(
        about: &'static str,
        owner: &Person,
        kind: PlaceKind,
        everyone: Permissions,
        nonce: [u8; 16],
    ) -> Result<Self, Refusal> {
        let body = RoomBody::Create {
            kind,
            nonce,
            everyone,
            policy: Policy::default(),
        };
        let entry = owner.sign(RoomEntry::create(owner.author, Timestamp(START), body));
        let (chain, _) = RoomChain::begin(&entry).context(about)?;
        let steps = vec![Step {
            what: "create",
            seed: owner.seed,
            link: None,
            entry,
            state: chain.state().hash(),
        }];
        Ok(Self { about, chain, steps })
    }

    fn place(&self) -> PlaceId {
        self.chain.place()
    }

    fn entry(&self, by: &Person, body: RoomBody) -> RoomEntry {
        let time = Timestamp(self.chain.state().time().0.saturating_add(MINUTE));
        by.sign(self.chain.next_entry(by.author, time, body))
    }

    /// Somebody says something; gives the number of what it made.
    fn say(&mut self, what: &'static str, by: &Person, body: RoomBody) -> Result<u32, Refusal> {
        self.say_with(what, by, body, None)
    }

    fn say_with(
        &mut self,
        what: &'static str,
        by: &Person,
        body: RoomBody,
        link: Option<[u8; 16]>,
    ) -> Result<u32, Refusal> {
        let entry = self.entry(by, body);
        self.chain.append(&entry).context(what)?;
        self.steps.push(Step {
            what,
            seed: by.seed,
            link,
            entry,
            state: self.chain.state().hash(),
        });
        Ok(self.chain.head())
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        self.steps.iter().map(|step| step.entry.to_bytes()).collect()
    }

    /// The chain with one more entry, whatever it is.
    fn and(&self, entry: &RoomEntry) -> Vec<Vec<u8>> {
        let mut all = self.bytes();
        all.push(entry.to_bytes());
        all
    }
}

/// The chains that are accepted.
pub(crate) fn all() -> Result<Vec<Story>, Refusal> {
    let mut random = Fixed::new("places");
    let [community, open] = community(&mut random)?;
    let group = group(&mut random)?;
    Ok(vec![community, open, group])
}

/// A community whose chain has an entry of each kind, and the same before much of it ended again.
fn community(random: &mut Fixed) -> Result<[Story; 2], Refusal> {
    let [owner, mia, noa, guest] = [(); 4].map(|()| Person::new(random));
    let closings = closings(random);
    let about = "a community in which everything happens once";
    let mut story = Story::begin(
        about,
        &owner,
        PlaceKind::Community,
        Permissions::COMMUNITY_DEFAULT,
        random.array(),
    )?;
    let name = random.bytes(90);
    let field = MetadataField::Name;
    story.say("metadata", &owner, RoomBody::Metadata { field, sealed: name })?;
    let high = role(7, Permissions::ALL, &random.bytes(40));
    let high = RoleId(story.say("define role", &owner, RoomBody::DefineRole(high))?);
    let low = role(3, Permissions::NONE, &[]);
    let low = RoleId(story.say("define role without a name", &owner, RoomBody::DefineRole(low))?);
    let definition = role(4, Permissions::PIN, &random.bytes(40));
    story.say(
        "update role",
        &owner,
        RoomBody::UpdateRole {
            role: low,
            definition,
        },
    )?;
    let add = RoomBody::Add {
        account: mia.id(),
        head: mia.author.head,
        roles: vec![high],
    };
    story.say("add", &owner, add)?;
    let (open, asked) = (random.array(), random.array());
    let invite = InviteTerms {
        uses: Some(9),
        expires: Some(Timestamp(START + 1000 * MINUTE)),
        roles: vec![low],
        ..terms(open)
    };
    let invite = InviteId(story.say("invite for nine", &mia, RoomBody::Invite(invite))?);
    let other = InviteTerms {
        approval: true,
        ..terms(asked)
    };
    let other = InviteId(story.say("invite that needs approval", &mia, RoomBody::Invite(other))?);
    let joins = RoomBody::Join {
        invite,
        proof: proof(story.place(), invite, &noa, open),
    };
    story.say_with("join", &noa, joins, Some(open))?;
    let account = guest.id();
    let asks = RoomBody::Request {
        invite: other,
        proof: proof(story.place(), other, &guest, asked),
    };
    story.say_with("request", &guest, asks.clone(), Some(asked))?;
    story.say("decline", &mia, RoomBody::Decline { account })?;
    story.say_with("request once more", &guest, asks, Some(asked))?;
    story.say("approve", &mia, RoomBody::Approve { account })?;
    story.say("revoke invite", &mia, RoomBody::RevokeInvite { invite: other })?;
    let roles = vec![low];
    story.say("set roles", &mia, RoomBody::SetRoles { account, roles })?;
    story.say("remove role", &mia, RoomBody::RemoveRole { role: low })?;
    let mute = RoomBody::MuteUntil {
        account,
        until: Timestamp(START + 9000 * MINUTE),
        reason: random.bytes(60),
    };
    story.say("mute until", &mia, mute)?;
    let category = CategoryDefinition {
        position: 2,
        sealed: random.bytes(50),
    };
    let category = CategoryId(story.say("create category", &mia, RoomBody::CreateCategory(category))?);
    let definition = CategoryDefinition {
        position: 3,
        sealed: random.bytes(50),
    };
    story.say(
        "update category",
        &mia,
        RoomBody::UpdateCategory { category, definition },
    )?;
    let of_all = RoomBody::CreateChannel {
        kind: ChannelKind::Announcement,
        definition: channel(None, 1, Audience::Everyone, &random.bytes(60)),
        policy: Policy {
            history: History::All,
            disappearing: 3600,
            ..Policy::default()
        },
    };
    story.say("create channel for all", &mia, of_all)?;
    let private = RoomBody::CreateChannel {
        kind: ChannelKind::Text,
        definition: channel(
            Some(category.0),
            2,
            Audience::Roles(vec![high]),
            &random.bytes(60),
        ),
        policy: Policy::default(),
    };
    let private = ChannelId(story.say("create private channel", &mia, private)?);
    let gone = RoomBody::CreateChannel {
        kind: ChannelKind::Voice,
        definition: channel(None, 3, Audience::Everyone, &[]),
        policy: Policy::default(),
    };
    let gone = ChannelId(story.say("create voice channel", &mia, gone)?);
    let definition = channel(None, 4, Audience::Everyone, &random.bytes(60));
    story.say(
        "update channel",
        &mia,
        RoomBody::UpdateChannel {
            channel: gone,
            definition,
        },
    )?;
    let policy = Policy {
        slow_mode: 9,
        posting: Audience::Roles(vec![high]),
        keep_nothing: true,
        ..Policy::default()
    };
    let of_channel = RoomBody::Policy {
        channel: Some(private),
        policy: policy.clone(),
    };
    story.say("policy of a channel", &mia, of_channel)?;
    let of_place = RoomBody::Policy {
        channel: None,
        policy: Policy {
            history: History::All,
            ..policy
        },
    };
    story.say("policy of the place", &owner, of_place)?;
    story.say("delete channel", &mia, RoomBody::DeleteChannel { channel: gone })?;
    let nickname = RoomBody::Nickname {
        account: noa.id(),
        sealed: random.bytes(70),
    };
    story.say("nickname", &noa, nickname)?;
    let checkpoint = story.chain.checkpoint();
    story.say("checkpoint", &owner, checkpoint)?;
    let observes = RoomBody::Observe {
        account,
        head: AccountHead {
            sequence: 3,
            hash: Hash(random.array()),
        },
        closings: closings.clone(),
    };
    story.say("observe", &noa, observes)?;
    let closed = closings.clone();
    story.say("leave", &noa, RoomBody::Leave { closings: closed })?;
    let bans = RoomBody::Ban {
        account,
        reason: random.bytes(60),
        closings: closings.clone(),
    };
    story.say("ban", &mia, bans)?;
    let open = Story {
        about: "the same community with all that it had",
        ..story.clone()
    };
    story.say("unban", &mia, RoomBody::Unban { account })?;
    story.say("delete category", &mia, RoomBody::DeleteCategory { category })?;
    story.say("transfer", &owner, RoomBody::Transfer { account: mia.id() })?;
    let removes = RoomBody::Remove {
        account: owner.id(),
        reason: random.bytes(60),
        closings,
    };
    story.say("remove", &mia, removes)?;
    story.say("close", &mia, RoomBody::Close)?;
    Ok([story, open])
}

/// A group: it is made, grows, and somebody with two devices leaves it.
fn group(random: &mut Fixed) -> Result<Story, Refusal> {
    let [owner, mia, noa] = [(); 3].map(|()| Person::new(random));
    let mut story = Story::begin(
        "a group of three, one of whom writes from two devices and leaves",
        &owner,
        PlaceKind::Group,
        Permissions::GROUP_DEFAULT,
        random.array(),
    )?;
    for who in [&mia, &noa] {
        let add = RoomBody::Add {
            account: who.id(),
            head: who.author.head,
            roles: Vec::new(),
        };
        story.say("add", &owner, add)?;
    }
    let admin = role(
        500,
        Permissions::GROUP_DEFAULT.union(Permissions::KICK),
        &random.bytes(40),
    );
    let admin = RoleId(story.say("define role", &owner, RoomBody::DefineRole(admin))?);
    let roles = vec![admin];
    let account = mia.id();
    story.say("set roles", &owner, RoomBody::SetRoles { account, roles })?;
    let field = MetadataField::Topic;
    let sealed = random.bytes(100);
    story.say("metadata", &mia, RoomBody::Metadata { field, sealed })?;
    // A second device of noa's, which her chain names at a later head.
    let seed = random.array();
    let second = Person {
        seed,
        author: RoomAuthor {
            device: DeviceId(3),
            head: AccountHead {
                sequence: 3,
                hash: Hash(random.array()),
            },
            key: SigningKey::from_bytes(&seed).public().to_bytes(),
            ..noa.author
        },
    };
    let nickname = RoomBody::Nickname {
        account: noa.id(),
        sealed: random.bytes(70),
    };
    story.say("nickname, from a second device", &second, nickname)?;
    let closings = closings(random);
    story.say("leave", &second, RoomBody::Leave { closings })?;
    Ok(story)
}

fn closings(random: &mut Fixed) -> Vec<ClosedChain> {
    let mut all: Vec<ClosedChain> = [0_u32, 500]
        .into_iter()
        .map(|iteration| ClosedChain {
            chain: random.array(),
            iteration,
            hash: Hash(random.array()),
        })
        .collect();
    all.sort_unstable_by_key(|closing| closing.chain);
    all
}

/// A fault of an entry's frame and how it is made.
type Change = (&'static str, fn(&mut RoomEntry));

/// Chains whose last entry is refused, each for another reason.
pub(crate) fn refused() -> Result<Vec<RefusedChain>, Refusal> {
    let mut random = Fixed::new("places refused");
    let [owner, mia, stranger] = [(); 3].map(|()| Person::new(&mut random));
    let mut story = Story::begin(
        "refused",
        &owner,
        PlaceKind::Group,
        Permissions::GROUP_DEFAULT,
        random.array(),
    )?;
    let add = |who: &Person| RoomBody::Add {
        account: who.id(),
        head: who.author.head,
        roles: Vec::new(),
    };
    story.say("add", &owner, add(&mia))?;
    let link = random.array();
    let invite = InviteId(story.say("invite", &owner, RoomBody::Invite(terms(link)))?);
    let place = story.place().0;
    let mut found: Vec<RefusedChain> = Vec::new();

    found.push(("no entry", place, Vec::new()));
    found.push(("the chain of another place", [5; 32], story.bytes()));
    let topic = RoomBody::Metadata {
        field: MetadataField::Topic,
        sealed: random.bytes(50),
    };
    let sound = story.entry(&owner, topic.clone());
    let bytes = sound.to_bytes();
    for position in [0, 5, 23, 26, 27, 45, 50, 51, 83, 90, 130, 170, 210, 240, 250] {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        found.push(("a byte altered", place, [story.bytes(), vec![altered]].concat()));
    }
    let short = bytes[..bytes.len() - 1].to_vec();
    found.push(("a byte too few", place, [story.bytes(), vec![short]].concat()));
    let long = [&bytes[..], &[0]].concat();
    found.push(("a byte too many", place, [story.bytes(), vec![long]].concat()));

    let frames: [Change; 6] = [
        ("an entry of another place", |entry| {
            entry.place = Some(PlaceId([1; 32]));
        }),
        ("an entry of no place", |entry| entry.place = None),
        ("a gap", |entry| entry.sequence = 9),
        ("a fork", |entry| entry.previous = Some(Hash([1; 32]))),
        ("no entry before", |entry| entry.previous = None),
        ("time that goes back", |entry| entry.time = Timestamp(START)),
    ];
    for (why, change) in frames {
        let mut odd = sound.clone();
        change(&mut odd);
        found.push((why, place, story.and(&owner.sign(odd))));
    }
    let forged = stranger.sign(sound.clone());
    found.push(("signed by another key", place, story.and(&forged)));
    let mut other_key = sound.clone();
    other_key.author.key = stranger.author.key;
    let other_key = stranger.sign(other_key);
    found.push((
        "a device with another key than before",
        place,
        story.and(&other_key),
    ));
    let mut older = sound.clone();
    older.author.head.sequence = 1;
    found.push((
        "a head older than a known one",
        place,
        story.and(&owner.sign(older)),
    ));

    let says: [(&'static str, &Person, RoomBody); 8] = [
        ("somebody who is no member", &stranger, topic),
        ("a member added twice", &owner, add(&mia)),
        ("a second beginning", &owner, story.steps[0].entry.body.clone()),
        (
            "an owner who leaves",
            &owner,
            RoomBody::Leave { closings: Vec::new() },
        ),
        ("a member who closes the place", &mia, RoomBody::Close),
        (
            "a member who removes the owner",
            &mia,
            RoomBody::Remove {
                account: owner.id(),
                reason: Vec::new(),
                closings: Vec::new(),
            },
        ),
        (
            "a join without the link",
            &stranger,
            RoomBody::Join {
                invite,
                proof: proof(story.place(), invite, &stranger, [3; 16]),
            },
        ),
        (
            "a join by a proof for somebody else",
            &stranger,
            RoomBody::Join {
                invite,
                proof: proof(story.place(), invite, &mia, link),
            },
        ),
    ];
    for (why, by, body) in says {
        found.push((why, place, story.and(&story.entry(by, body))));
    }
    let mut unsorted = closings(&mut random);
    unsorted.reverse();
    let leaves = story.entry(&mia, RoomBody::Leave { closings: unsorted });
    found.push(("closed chains out of order", place, story.and(&leaves)));
    let mut closed = story.clone();
    closed.say("close", &owner, RoomBody::Close)?;
    let late = closed.entry(&owner, add(&stranger));
    found.push(("an entry behind the end", place, closed.and(&late)));
    found.push((
        "an unknown kind",
        place,
        [story.bytes(), vec![unknown(&owner, &sound)]].concat(),
    ));
    Ok(found)
}

/// An entry of a kind that no version knows, signed as it should be.
fn unknown(by: &Person, like: &RoomEntry) -> Vec<u8> {
    let mut signed = like.signed_bytes();
    // The kind stands before the field, the length and the 50 bytes.
    let kind = signed.len() - 56;
    signed[kind] = 200;
    let signature = SigningKey::from_bytes(&by.seed).sign(&signed);
    Writer::new(labels::ENTRY_HASH)
        .bytes(&signed)
        .fixed(&signature)
        .finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_community_has_an_entry_of_each_kind() {
        let story = super::all().unwrap().remove(0);
        let kinds: BTreeSet<_> = story
            .steps
            .iter()
            .map(|step| format!("{:?}", std::mem::discriminant(&step.entry.body)))
            .collect();
        assert_eq!(kinds.len(), 30);
    }
}
