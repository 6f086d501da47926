//! A group or community as its members' devices see it, for tests: the chain, entries and posts.

use conclave_protocol::frames::{
    Accepted, Class, ClientFrame, Post, Refused, Restart, RoomMessage, ServerFrame,
};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::places::{
    AppendPlaceEntry, MakePlace, PlaceAppended, PlaceEntriesPage, PlaceFound, PlacesFound, ReadByInvite,
};
use conclave_protocol::{Bytes, DeviceId, EnvelopeId, ErrorCode, PlaceId, RoomId, Timestamp};
use conclave_sigchain::AccountChain;
use conclave_sigchain::room::{
    AccountHead, Audience, ChannelDefinition, ChannelId, ChannelKind, InviteId, InviteTerms, Permissions,
    PlaceKind, Policy, Rank, RoleDefinition, RoleId, RoomAuthor, RoomBody, RoomChain, RoomEntry,
    invite_read_bytes, join_proof_bytes,
};
use ed25519_dalek::{Signer, SigningKey};

use crate::harness::{Answer, Person, Server, Socket, random};

/// Life of invites here.
pub(crate) const INVITE_LIFE_MS: u64 = 5 * 60 * 1000;

pub(crate) struct Place {
    pub(crate) chain: RoomChain,
}

/// What a link holds.
pub(crate) struct Link {
    pub(crate) invite: InviteId,
    pub(crate) key: SigningKey,
}

impl Place {
    pub(crate) async fn group(server: &Server, owner: &Person) -> Self {
        Self::made(server, owner, PlaceKind::Group, Policy::default()).await
    }

    pub(crate) async fn community(server: &Server, owner: &Person) -> Self {
        Self::made(server, owner, PlaceKind::Community, Policy::default()).await
    }

    pub(crate) async fn made(server: &Server, owner: &Person, kind: PlaceKind, policy: Policy) -> Self {
        let entry = first_entry(server, owner, kind, policy).await;
        let appended: PlaceAppended = make(server, owner, &entry).await.json();
        let (chain, _) = RoomChain::begin(&entry).unwrap();
        assert_eq!((appended.place, appended.sequence), (chain.place(), 0));
        Self { chain }
    }

    pub(crate) fn id(&self) -> PlaceId {
        self.chain.place()
    }

    /// A group's room.
    pub(crate) fn room(&self) -> RoomId {
        RoomId::group(self.id())
    }

    /// The next entry of somebody's first device.
    pub(crate) async fn entry(&self, server: &Server, by: &Person, body: RoomBody) -> RoomEntry {
        let author = author(server, by).await;
        self.chain
            .next_entry(author, server.clock.now(), body)
            .signed_with(|bytes| by.key.sign(bytes).to_bytes())
    }

    pub(crate) async fn offer(&self, server: &Server, by: &Person, entry: &RoomEntry) -> Answer {
        offer(server, by, self.id(), entry).await
    }

    /// Something that is refused.
    pub(crate) async fn refused(&self, server: &Server, by: &Person, body: RoomBody) -> ErrorCode {
        let entry = self.entry(server, by, body).await;
        self.offer(server, by, &entry).await.code()
    }

    /// Something that is done.
    pub(crate) async fn act(&mut self, server: &Server, by: &Person, body: RoomBody) -> RoomEntry {
        let entry = self.entry(server, by, body).await;
        let appended: PlaceAppended = self.offer(server, by, &entry).await.json();
        assert_eq!((appended.place, appended.sequence), (self.id(), entry.sequence));
        self.chain.append(&entry).unwrap();
        entry
    }

    pub(crate) async fn add(&mut self, server: &Server, by: &Person, who: &Person) -> RoomEntry {
        let body = add(&who.chain(server).await);
        self.act(server, by, body).await
    }

    pub(crate) async fn remove(&mut self, server: &Server, by: &Person, who: &Person) -> RoomEntry {
        let body = RoomBody::Remove {
            account: who.account,
            reason: Vec::new(),
            closings: Vec::new(),
        };
        self.act(server, by, body).await
    }

    pub(crate) async fn ban(&mut self, server: &Server, by: &Person, who: &Person) -> RoomEntry {
        let body = RoomBody::Ban {
            account: who.account,
            reason: Vec::new(),
            closings: Vec::new(),
        };
        self.act(server, by, body).await
    }

    pub(crate) async fn channel(
        &mut self,
        server: &Server,
        by: &Person,
        access: Audience,
    ) -> (ChannelId, RoomId) {
        let body = RoomBody::CreateChannel {
            kind: ChannelKind::Text,
            definition: ChannelDefinition {
                category: None,
                position: 0,
                access,
                sealed: Vec::new(),
            },
            policy: Policy {
                history: conclave_sigchain::room::History::All,
                ..Policy::default()
            },
        };
        let channel = self.act(server, by, body).await.sequence;
        (ChannelId(channel), RoomId::channel(self.id(), channel))
    }

    pub(crate) async fn role(&mut self, server: &Server, by: &Person, permissions: Permissions) -> RoleId {
        let body = RoomBody::DefineRole(RoleDefinition {
            rank: Rank(10),
            permissions,
            sealed: Vec::new(),
        });
        RoleId(self.act(server, by, body).await.sequence)
    }

    pub(crate) async fn policy(&mut self, server: &Server, by: &Person, policy: Policy) {
        let body = RoomBody::Policy {
            channel: None,
            policy,
        };
        self.act(server, by, body).await;
    }

    pub(crate) async fn invite(
        &mut self,
        server: &Server,
        by: &Person,
        uses: Option<u32>,
        approval: bool,
    ) -> Link {
        let key = SigningKey::from_bytes(&random());
        let body = RoomBody::Invite(InviteTerms {
            key: key.verifying_key().to_bytes(),
            uses,
            expires: Some(server.clock.now().plus(INVITE_LIFE_MS)),
            approval,
            roles: Vec::new(),
        });
        let invite = InviteId(self.act(server, by, body).await.sequence);
        Link { invite, key }
    }

    /// What somebody joins by.
    pub(crate) async fn join(&self, server: &Server, who: &Person, link: &Link) -> RoomBody {
        let head = author(server, who).await.head;
        let bytes = join_proof_bytes(self.id(), link.invite, who.account, head);
        RoomBody::Join {
            invite: link.invite,
            proof: link.key.sign(&bytes).to_bytes(),
        }
    }

    /// What somebody asks by.
    pub(crate) async fn request(&self, server: &Server, who: &Person, link: &Link) -> RoomBody {
        match self.join(server, who, link).await {
            RoomBody::Join { invite, proof } => RoomBody::Request { invite, proof },
            other => other,
        }
    }

    /// Reads the chain by an invite.
    pub(crate) async fn read_invited(&self, server: &Server, who: &Person, link: &Link) -> Answer {
        let bytes = invite_read_bytes(self.id(), link.invite, who.account);
        let body = ReadByInvite {
            invite: link.invite.0,
            proof: Bytes(link.key.sign(&bytes).to_bytes().to_vec()),
            after: None,
        };
        let path = format!("/api/v1/places/{}/invited-entries", self.id());
        server.post(&path, Some(&who.access), &body).await
    }

    pub(crate) async fn entries(&self, server: &Server, who: &Person) -> Answer {
        let path = format!("/api/v1/places/{}/entries", self.id());
        server.get(&path, Some(&who.access)).await
    }

    /// The chain as the server hands it out.
    pub(crate) async fn verified(&self, server: &Server, who: &Person) -> RoomChain {
        let page: PlaceEntriesPage = self.entries(server, who).await.json();
        RoomChain::verify(self.id(), page.entries.iter().map(Bytes::as_slice)).unwrap()
    }

    /// A message of this moment.
    pub(crate) fn post(&self, room: RoomId, body: &[u8]) -> Post {
        Post {
            id: EnvelopeId::new(Timestamp(1_800_000_000_000), random()),
            room,
            class: Class::Message,
            epoch: self.chain.state().epoch(room).unwrap_or_default(),
            head: self.chain.head(),
            target: None,
            thread: None,
            expires: None,
            body: Bytes(body.to_vec()),
            blobs: Vec::new(),
        }
    }
}

pub(crate) fn add(chain: &AccountChain) -> RoomBody {
    RoomBody::Add {
        account: chain.account(),
        head: head(chain),
        roles: Vec::new(),
    }
}

pub(crate) fn head(chain: &AccountChain) -> AccountHead {
    AccountHead {
        sequence: chain.head(),
        hash: chain.head_hash(),
    }
}

pub(crate) async fn author(server: &Server, person: &Person) -> RoomAuthor {
    RoomAuthor {
        account: person.account,
        device: DeviceId(0),
        head: head(&person.chain(server).await),
        key: person.key.verifying_key().to_bytes(),
    }
}

pub(crate) async fn first_entry(
    server: &Server,
    owner: &Person,
    kind: PlaceKind,
    policy: Policy,
) -> RoomEntry {
    let everyone = match kind {
        PlaceKind::Group => Permissions::GROUP_DEFAULT,
        PlaceKind::Community => Permissions::COMMUNITY_DEFAULT,
    };
    let body = RoomBody::Create {
        kind,
        nonce: random(),
        everyone,
        policy,
    };
    RoomEntry::create(author(server, owner).await, server.clock.now(), body)
        .signed_with(|bytes| owner.key.sign(bytes).to_bytes())
}

pub(crate) async fn make(server: &Server, by: &Person, entry: &RoomEntry) -> Answer {
    let body = MakePlace {
        entry: Bytes(entry.to_bytes()),
    };
    server.post("/api/v1/places", Some(&by.access), &body).await
}

pub(crate) async fn offer(server: &Server, by: &Person, place: PlaceId, entry: &RoomEntry) -> Answer {
    let body = AppendPlaceEntry {
        entry: Bytes(entry.to_bytes()),
    };
    let path = format!("/api/v1/places/{place}/entries");
    server.post(&path, Some(&by.access), &body).await
}

pub(crate) async fn places(server: &Server, who: &Person) -> Vec<PlaceFound> {
    let found: PlacesFound = server.get("/api/v1/places", Some(&who.access)).await.json();
    found.places
}

/// A page of a room, as somebody gets it.
pub(crate) async fn page(server: &Server, who: &Person, room: RoomId, query: &str) -> Answer {
    let path = format!("/api/v1/rooms/{room}/envelopes{query}");
    server.get(&path, Some(&who.access)).await
}

/// Bodies of a room's history, as somebody gets it.
pub(crate) async fn bodies(server: &Server, who: &Person, room: RoomId) -> Vec<Vec<u8>> {
    let page: EnvelopesPage = page(server, who, room, "").await.json();
    page.envelopes
        .into_iter()
        .map(|envelope| envelope.body.0)
        .collect()
}

/// Posts and hears that it is on disk; news in between is passed over.
pub(crate) async fn accepted(socket: &mut Socket, post: &Post) -> Accepted {
    socket.say(&ClientFrame::Post(post.clone())).await;
    loop {
        match socket.hear().await {
            ServerFrame::Accepted(accepted) if accepted.id == post.id => return accepted,
            ServerFrame::Refused(refused) => panic!("{refused:?}"),
            _ => {}
        }
    }
}

/// Posts and hears why not, and begins the room anew.
pub(crate) async fn refusal(socket: &mut Socket, post: &Post) -> Refused {
    socket.say(&ClientFrame::Post(post.clone())).await;
    loop {
        match socket.hear().await {
            ServerFrame::Refused(refused) if refused.id == post.id => {
                socket
                    .say(&ClientFrame::Restart(Restart { room: post.room }))
                    .await;
                return refused;
            }
            ServerFrame::Accepted(accepted) => panic!("{accepted:?}"),
            _ => {}
        }
    }
}

/// The next message that is told.
pub(crate) async fn told(socket: &mut Socket) -> RoomMessage {
    loop {
        if let ServerFrame::Posted(message) = socket.hear().await {
            return message;
        }
    }
}

/// Waits until the device was told of the chain up to this entry.
pub(crate) async fn told_entry(socket: &mut Socket, entry: &RoomEntry) {
    loop {
        if let ServerFrame::PlaceMoved(moved) = socket.hear().await
            && moved.head == entry.sequence
        {
            assert_eq!(moved.entry.as_slice(), entry.to_bytes());
            return;
        }
    }
}
