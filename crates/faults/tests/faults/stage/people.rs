//! People with devices and groups, over the real protocol and without the engine: what they seal is of no matter here.

use conclave_auth::client::{ClientLogin, ClientRegistration};
use conclave_auth::statements::{login_statement, registration_statement};
use conclave_protocol::accounts::{RegistrationFinish, RegistrationStart, RegistrationStarted};
use conclave_protocol::devices::{AppendEntry, EntryAppended};
use conclave_protocol::frames::{Class, Post};
use conclave_protocol::invites::InviteMade;
use conclave_protocol::logins::{
    DeviceLoginFinish, DeviceLoginStart, DeviceLoginStarted, LoggedIn, LoginFinish, LoginStart, LoginStarted,
};
use conclave_protocol::messages::{EnvelopesPage, StoredEnvelope};
use conclave_protocol::places::{AppendPlaceEntry, MakePlace, PlaceAppended};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, RoomId, Timestamp, Token};
use conclave_sigchain::room::{
    AccountHead, Permissions, PlaceKind, Policy, RoomAuthor, RoomBody, RoomChain, RoomEntry,
};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys};
use ed25519_dalek::{Signer, SigningKey};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::door::Door;
use super::random;

/// A device and what it is let in by.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) access: Token,
}

pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) account: AccountId,
    /// The first one has the person's key.
    pub(crate) devices: Vec<Device>,
    key: SigningKey,
    chain: AccountChain,
    now: Timestamp,
}

impl Person {
    pub(crate) async fn register(door: Door, name: &str, invite: &Token) -> Self {
        let password = password(name);
        let (registration, request) =
            ClientRegistration::start(password.as_bytes(), &mut UnwrapErr(SysRng)).expect("OPAQUE");
        let start = RegistrationStart {
            username: name.parse().expect("a username"),
            invite: invite.clone(),
            opaque: Bytes(request),
        };
        let path = "/api/v1/accounts/registration/start";
        let started: RegistrationStarted = door.post(path, None, &start).await.json();
        // Stretching the password takes a while.
        let upload = tokio::task::spawn_blocking(move || {
            let response = started.opaque.as_slice();
            registration.finish(password.as_bytes(), response, &mut UnwrapErr(SysRng))
        });
        let upload = upload.await.expect("no panic").expect("OPAQUE").message;
        let key = SigningKey::from_bytes(&random());
        let now = Timestamp(started.time);
        let recovery = SigningKey::from_bytes(&random()).verifying_key().to_bytes();
        let genesis = AccountEntry::genesis(keys_of(&key), recovery, now)
            .signed_with(|bytes| key.sign(bytes).to_bytes());
        let statement = registration_statement(name, invite.as_str(), &upload);
        let finish = RegistrationFinish {
            username: start.username,
            invite: invite.clone(),
            opaque: Bytes(upload),
            genesis: Bytes(genesis.to_bytes()),
            signature: Bytes(key.sign(&statement).to_bytes().to_vec()),
            native: true,
        };
        let path = "/api/v1/accounts/registration/finish";
        let logged_in: LoggedIn = door.post(path, None, &finish).await.json();
        Self {
            name: name.to_owned(),
            account: logged_in.account,
            devices: vec![device_of(logged_in)],
            key,
            chain: AccountChain::begin(&genesis).expect("a chain"),
            now,
        }
    }

    pub(crate) fn access(&self) -> &Token {
        &self.devices[0].access
    }

    pub(crate) async fn invite(&self, door: Door) -> Token {
        let made = door.post("/api/v1/invites", Some(self.access()), &()).await;
        made.json::<InviteMade>().token
    }

    /// One more device, signed in.
    pub(crate) async fn add_device(&mut self, door: Door) {
        let key = SigningKey::from_bytes(&random());
        let keys = keys_of(&key);
        let body = AccountBody::AddDevice {
            keys,
            possession: key.sign(&keys.possession_bytes(self.account)).to_bytes(),
        };
        let author = Author::Device(DeviceId(0));
        let entry = self.chain.next_entry(author, self.now, body);
        let entry = entry.signed_with(|bytes| self.key.sign(bytes).to_bytes());
        let body = AppendEntry {
            entry: Bytes(entry.to_bytes()),
        };
        let path = "/api/v1/account/entries";
        let appended: EntryAppended = door.post(path, Some(self.access()), &body).await.json();
        self.chain.append(&entry).expect("the server took it");
        let device = DeviceAddress {
            account: self.account,
            device: DeviceId(appended.sequence),
        };
        let path = "/api/v1/logins/device/start";
        let started: DeviceLoginStarted = door.post(path, None, &DeviceLoginStart { device }).await.json();
        let statement = login_statement(self.account.as_bytes(), device.device.0, started.attempt.as_str());
        let finish = DeviceLoginFinish {
            attempt: started.attempt,
            signature: Bytes(key.sign(&statement).to_bytes().to_vec()),
            native: true,
        };
        let answer = door.post("/api/v1/logins/device/finish", None, &finish).await;
        self.devices.push(device_of(answer.json()));
    }

    /// What a sign-in with the password begins with.
    pub(crate) fn prepare_sign_in(&self) -> (ClientLogin, LoginStart) {
        let password = password(&self.name);
        let (login, request) =
            ClientLogin::start(password.as_bytes(), &mut UnwrapErr(SysRng)).expect("OPAQUE");
        let start = LoginStart {
            username: self.name.parse().expect("a username"),
            opaque: Bytes(request),
        };
        (login, start)
    }

    /// What the sign-in ends with; stretching the password takes a while.
    pub(crate) async fn stretch(&self, login: ClientLogin, started: LoginStarted) -> LoginFinish {
        let password = password(&self.name);
        let response = started.opaque.0;
        let finished = tokio::task::spawn_blocking(move || {
            login.finish(password.as_bytes(), &response, &mut UnwrapErr(SysRng))
        });
        let finished = finished.await.expect("no panic").expect("OPAQUE");
        let statement = login_statement(self.account.as_bytes(), 0, started.attempt.as_str());
        LoginFinish {
            code: None,
            attempt: started.attempt,
            opaque: Bytes(finished.message),
            device: DeviceId(0),
            signature: Bytes(self.key.sign(&statement).to_bytes().to_vec()),
            native: true,
        }
    }

    fn head(&self) -> AccountHead {
        AccountHead {
            sequence: self.chain.head(),
            hash: self.chain.head_hash(),
        }
    }
}

/// A group of people, and its room.
#[derive(Clone)]
pub(crate) struct Group {
    chain: RoomChain,
    pub(crate) room: RoomId,
}

impl Group {
    /// Of these people; the first one makes it.
    pub(crate) async fn make(door: Door, people: &[&Person]) -> Self {
        let [owner, others @ ..] = people else {
            panic!("a group has an owner")
        };
        let author = RoomAuthor {
            account: owner.account,
            device: DeviceId(0),
            head: owner.head(),
            key: owner.key.verifying_key().to_bytes(),
        };
        let body = RoomBody::Create {
            kind: PlaceKind::Group,
            nonce: random(),
            everyone: Permissions::GROUP_DEFAULT,
            policy: Policy::default(),
        };
        let sign = |entry: RoomEntry| entry.signed_with(|bytes| owner.key.sign(bytes).to_bytes());
        let first = sign(RoomEntry::create(author, owner.now, body));
        let body = MakePlace {
            entry: Bytes(first.to_bytes()),
        };
        let made = door.post("/api/v1/places", Some(owner.access()), &body).await;
        let place = made.json::<PlaceAppended>().place;
        let (mut chain, _) = RoomChain::begin(&first).expect("a chain");
        for other in others {
            let body = RoomBody::Add {
                account: other.account,
                head: other.head(),
                roles: Vec::new(),
            };
            let entry = sign(chain.next_entry(author, owner.now, body));
            let body = AppendPlaceEntry {
                entry: Bytes(entry.to_bytes()),
            };
            let path = format!("/api/v1/places/{place}/entries");
            let appended = door.post(&path, Some(owner.access()), &body).await;
            assert!(appended.status.is_success(), "{appended:?}");
            chain.append(&entry).expect("the server took it");
        }
        Self {
            room: RoomId::group(place),
            chain,
        }
    }

    /// A message for it.
    pub(crate) fn post(&self, body: Vec<u8>) -> Post {
        Post {
            id: EnvelopeId::new(Timestamp(1_800_000_000_000), random()),
            room: self.room,
            class: Class::Message,
            epoch: self.chain.state().epoch(self.room).unwrap_or_default(),
            head: self.chain.head(),
            target: None,
            thread: None,
            expires: None,
            body: Bytes(body),
            blobs: Vec::new(),
        }
    }
}

/// Everything that the server has of a room behind `after`, by its pages; none when it goes away meanwhile.
pub(crate) async fn try_stored(
    door: Door,
    access: &Token,
    room: RoomId,
    mut after: u64,
) -> Option<Vec<StoredEnvelope>> {
    let mut stored = Vec::new();
    loop {
        let path = format!("/api/v1/rooms/{room}/envelopes?after={after}");
        let answer = door.try_get(&path, Some(access)).await?;
        if !answer.status.is_success() {
            return None;
        }
        let page: EnvelopesPage = answer.json();
        let Some(last) = page.envelopes.last() else {
            return Some(stored);
        };
        after = last.sequence;
        stored.extend(page.envelopes);
    }
}

fn keys_of(key: &SigningKey) -> DeviceKeys {
    DeviceKeys {
        signing: key.verifying_key().to_bytes(),
        identity: random(),
    }
}

fn device_of(logged_in: LoggedIn) -> Device {
    Device {
        access: logged_in.access_token,
    }
}

fn password(name: &str) -> String {
    format!("{name} has a long password")
}
