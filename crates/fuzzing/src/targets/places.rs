//! `conclave-sigchain`, groups and communities: one form of each entry and state, no refusal that changes anything,
//! and nothing that stops the rules, whatever state they begin from.

use std::sync::LazyLock;

use conclave_protocol::{AccountId, DeviceId, Hash, PlaceId, Timestamp};
use conclave_sigchain::room::{
    AccountHead, Audience, CategoryDefinition, ChannelDefinition, ChannelKind, ClosedChain, InviteId,
    InviteTerms, MetadataField, Permissions, PlaceKind, Policy, Rank, RoleDefinition, RoleId, RoomAuthor,
    RoomBody, RoomChain, RoomEntry, RoomState, join_proof_bytes,
};

use crate::people::{NOW, Person};
use crate::script::Script;

/// A real community, its entries, and its state before the checkpoint.
pub(crate) struct Place {
    people: Vec<Person>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) snapshot: Vec<u8>,
    checkpoint: usize,
    id: PlaceId,
}

fn author(person: &Person) -> RoomAuthor {
    RoomAuthor {
        account: AccountId(person.account),
        device: DeviceId(0),
        head: AccountHead {
            sequence: 0,
            hash: Hash(person.account),
        },
        key: person.signing.public().to_bytes(),
    }
}

fn signed(entry: RoomEntry, by: &Person) -> RoomEntry {
    entry.signed_with(|bytes| by.signing.sign(bytes))
}

fn sealed(byte: u8) -> Vec<u8> {
    vec![byte; 12]
}

fn join(place: PlaceId, invite: u32, by: &Person, link: &Person) -> RoomBody {
    let author = author(by);
    let invite = InviteId(invite);
    let proof = link
        .signing
        .sign(&join_proof_bytes(place, invite, author.account, author.head));
    RoomBody::Join { invite, proof }
}

/// What happens in the community: who, and what.
fn story(place: PlaceId, people: &[Person]) -> Vec<(usize, RoomBody)> {
    let account = |who: usize| AccountId(people[who].account);
    let role = |rank| RoleDefinition {
        rank: Rank(rank),
        permissions: Permissions::ALL,
        sealed: sealed(1),
    };
    let channel = |access| RoomBody::CreateChannel {
        kind: ChannelKind::Text,
        definition: ChannelDefinition {
            category: None,
            position: 3,
            access,
            sealed: sealed(2),
        },
        policy: Policy::default(),
    };
    let closings = vec![ClosedChain {
        chain: [1; 16],
        iteration: 4,
        hash: Hash([5; 32]),
    }];
    vec![
        (0, RoomBody::DefineRole(role(9))),
        (0, RoomBody::DefineRole(role(3))),
        (
            0,
            RoomBody::CreateCategory(CategoryDefinition {
                position: 1,
                sealed: sealed(3),
            }),
        ),
        (0, channel(Audience::Everyone)),
        (0, channel(Audience::Roles(vec![RoleId(1), RoleId(2)]))),
        (
            0,
            RoomBody::Add {
                account: account(1),
                head: author(&people[1]).head,
                roles: vec![RoleId(1)],
            },
        ),
        (
            1,
            RoomBody::Invite(InviteTerms {
                key: people[3].signing.public().to_bytes(),
                uses: Some(5),
                expires: Some(Timestamp(NOW + 1000)),
                approval: false,
                roles: vec![RoleId(2)],
            }),
        ),
        (2, join(place, 7, &people[2], &people[3])),
        (
            1,
            RoomBody::Nickname {
                account: account(1),
                sealed: sealed(4),
            },
        ),
        (
            1,
            RoomBody::Metadata {
                field: MetadataField::Name,
                sealed: sealed(5),
            },
        ),
        (
            1,
            RoomBody::MuteUntil {
                account: account(2),
                until: Timestamp(NOW + 50),
                reason: Vec::new(),
            },
        ),
        (
            0,
            RoomBody::Policy {
                channel: None,
                policy: Policy {
                    slow_mode: 5,
                    ..Policy::default()
                },
            },
        ),
        (
            1,
            RoomBody::SetRoles {
                account: account(2),
                roles: Vec::new(),
            },
        ),
        (
            2,
            RoomBody::Observe {
                account: account(1),
                head: AccountHead {
                    sequence: 1,
                    hash: Hash([6; 32]),
                },
                closings: closings.clone(),
            },
        ),
        (
            0,
            RoomBody::UpdateRole {
                role: RoleId(2),
                definition: role(4),
            },
        ),
        (
            0,
            RoomBody::Ban {
                account: AccountId([9; 32]),
                reason: sealed(6),
                closings: closings.clone(),
            },
        ),
        // The checkpoint comes here.
        (2, RoomBody::Leave { closings }),
    ]
}

pub(crate) static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let people: Vec<Person> = (1..5).map(Person::new).collect();
    let create = RoomBody::Create {
        kind: PlaceKind::Community,
        nonce: [7; 16],
        everyone: Permissions::COMMUNITY_DEFAULT,
        policy: Policy::default(),
    };
    let first = signed(
        RoomEntry::create(author(&people[0]), Timestamp(NOW), create),
        &people[0],
    );
    let (mut chain, _) = RoomChain::begin(&first).expect("a real first entry begins a chain");
    let mut entries = vec![first.to_bytes()];
    let mut story = story(chain.place(), &people);
    let last = story.pop();
    let mut say = |chain: &mut RoomChain, who: usize, body: RoomBody| {
        let entry = chain.next_entry(author(&people[who]), Timestamp(NOW), body);
        let entry = signed(entry, &people[who]);
        chain.append(&entry).expect("a real entry is accepted");
        entries.push(entry.to_bytes());
    };
    for (who, body) in story {
        say(&mut chain, who, body);
    }
    let snapshot = chain.state().to_bytes();
    let body = chain.checkpoint();
    say(&mut chain, 0, body);
    if let Some((who, body)) = last {
        say(&mut chain, who, body);
    }
    Place {
        checkpoint: entries.len() - 2,
        id: chain.place(),
        people,
        entries,
        snapshot,
    }
});

/// The first byte chooses between arbitrary bytes and an altered real entry.
///
/// Laws: an entry that parses has these bytes and no other; in its place in the chain the real one alone is
/// accepted, and a refused one leaves no trace.
pub(crate) fn place_entry(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*PLACE;
    let number = usize::from(script.byte());
    let bytes = match real.entries.get(number) {
        None => script.rest().to_vec(),
        Some(entry) => {
            let other = script.pick(&real.entries);
            script.alter(entry, other)
        }
    };
    let Ok(entry) = RoomEntry::from_bytes(&bytes) else {
        return;
    };
    assert_eq!(entry.to_bytes(), bytes, "an entry has two forms");
    let index = number % real.entries.len();
    if index == 0 {
        if let Ok((chain, _)) = RoomChain::begin(&entry) {
            // Whoever changes anything makes another place.
            assert_eq!(chain.place() == real.id, bytes == real.entries[0]);
        }
        return;
    }
    let before = real.entries[..index].iter().map(Vec::as_slice);
    let mut chain = RoomChain::verify(real.id, before).expect("the real chain verifies");
    let state = chain.to_bytes();
    let is_accepted = chain.append(&entry).is_ok();
    assert_eq!(is_accepted, bytes == real.entries[index]);
    if !is_accepted {
        assert_eq!(chain.to_bytes(), state, "a refusal changed the chain");
    }
}

/// Acts behind a part of the real chain: bodies as the script alters them, truly signed by one of the people.
///
/// Laws: a refused act leaves no trace; the owner is always a member and no banned account is; what was accepted one
/// by one is accepted again from bytes and leads to the same state, which has one form.
pub(crate) fn place_chain(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*PLACE;
    let length = 1 + script.below(real.entries.len());
    let mut entries = real.entries[..length].to_vec();
    let mut chain =
        RoomChain::verify(real.id, entries.iter().map(Vec::as_slice)).expect("the real chain verifies");
    for _ in 0..8 {
        if script.is_over() {
            break;
        }
        let by = script.pick(&real.people);
        let base = script.pick(&real.entries);
        let other = script.pick(&real.entries);
        let Ok(altered) = RoomEntry::from_bytes(&script.alter(base, other)) else {
            continue;
        };
        let time = Timestamp(NOW + u64::from(script.byte()));
        let mut author = author(by);
        if let Some(known) = chain.state().account(author.account) {
            author.head = known.head;
        }
        let rebase = chain.state().rebase(&author, time, &altered.body, []);
        let entry = signed(chain.next_entry(author, time, altered.body), by);
        let before = chain.to_bytes();
        match chain.append(&entry) {
            Ok(_) => entries.push(entry.to_bytes()),
            Err(_) => assert_eq!(chain.to_bytes(), before, "a refusal changed the chain"),
        }
        let _ = rebase;
        ask(chain.state());
    }
    let again = RoomChain::verify(real.id, entries.iter().map(Vec::as_slice))
        .expect("what was accepted once is accepted again");
    assert_eq!(again, chain);
    let stored = chain.to_bytes();
    assert_eq!(RoomChain::from_bytes(&stored).as_ref(), Ok(&chain));
}

/// The first byte chooses between arbitrary bytes, an altered state and an altered stored chain.
///
/// Laws: a state and a stored chain have one form each; only the state that the checkpoint names begins a chain;
/// whatever loads can be asked and gone on with.
pub(crate) fn place_state(input: &[u8]) {
    let mut script = Script::new(input);
    let real = &*PLACE;
    let choice = script.byte() % 4;
    let bytes = match choice {
        0 => script.rest().to_vec(),
        1 | 2 => script.alter(&real.snapshot, &real.entries[0]),
        _ => {
            let chain = RoomChain::verify(real.id, real.entries.iter().map(Vec::as_slice))
                .expect("the real chain verifies");
            script.alter(&chain.to_bytes(), &real.snapshot)
        }
    };
    if let Ok(mut chain) = RoomChain::from_bytes(&bytes) {
        assert_eq!(chain.to_bytes(), bytes, "a stored chain has two forms");
        go_on(&mut chain);
    }
    if let Ok(state) = RoomState::from_bytes(&bytes) {
        assert_eq!(state.to_bytes(), bytes, "a state has two forms");
        ask(&state);
    }
    let checkpoint = &real.entries[real.checkpoint];
    let later = real.entries[real.checkpoint + 1..].iter().map(Vec::as_slice);
    match RoomChain::from_checkpoint(real.id, &bytes, checkpoint, later) {
        Ok(mut chain) => {
            assert_eq!(bytes, real.snapshot, "a checkpoint vouched for another state");
            assert!(!chain.is_audited());
            chain
                .audit(real.entries.iter().map(Vec::as_slice))
                .expect("the real chain leads to its checkpoint");
            assert!(chain.is_audited());
        }
        Err(_) => assert_ne!(bytes, real.snapshot),
    }
    // A checkpoint that somebody made for these very bytes, so that the rules run on them.
    if let Ok(state) = RoomState::from_bytes(&bytes) {
        for person in &real.people {
            let mut author = author(person);
            if let Some(known) = state.account(author.account) {
                author.head = known.head;
            }
            let entry = RoomEntry {
                place: Some(state.place()),
                sequence: state.sequence().saturating_add(1),
                previous: Some(state.head_hash()),
                author,
                time: state.time(),
                body: RoomBody::Checkpoint { state: state.hash() },
                signature: [0; 64],
            };
            let entry = signed(entry, person).to_bytes();
            if let Ok(mut chain) = RoomChain::from_checkpoint(state.place(), &bytes, &entry, []) {
                assert!(!chain.is_audited());
                go_on(&mut chain);
            }
        }
    }
}

/// Everybody tries everything.
fn go_on(chain: &mut RoomChain) {
    let real = &*PLACE;
    for entry in &real.entries {
        let body = RoomEntry::from_bytes(entry).expect("a real entry parses").body;
        for person in &real.people {
            let mut author = author(person);
            if let Some(known) = chain.state().account(author.account) {
                author.head = known.head;
            }
            let entry = signed(chain.next_entry(author, Timestamp(NOW), body.clone()), person);
            let before = chain.to_bytes();
            if chain.append(&entry).is_err() {
                assert_eq!(chain.to_bytes(), before, "a refusal changed the chain");
            }
        }
    }
    ask(chain.state());
}

/// Every question, and what holds of every state.
fn ask(state: &RoomState) {
    assert!(state.member(state.owner()).is_some(), "the owner is not a member");
    let rooms: Vec<_> = state.rooms().collect();
    for (account, _) in state.members() {
        assert!(!state.is_banned(account), "a banned account is a member");
        let _ = state.roles_of(account).count();
        for room in &rooms {
            let reads = state.is_reader(account, *room);
            assert_eq!(state.history_from(account, *room).is_some(), reads);
            let _ = state.may_post(account, *room, state.time());
            assert!(reads || !state.may(account, Permissions::POST, Some(*room)));
        }
    }
    for room in &rooms {
        assert!(state.epoch(*room).is_some() && state.policy(*room).is_some());
        let _ = state.readers(*room).count();
    }
    let bytes = state.to_bytes();
    let again = RoomState::from_bytes(&bytes).expect("what was stored loads");
    assert_eq!(again, *state);
}
