//! A server in this process, and people with a device each who talk to it.

use std::net::SocketAddr;
use std::time::Duration;

use conclave_auth::client::{ClientLogin, ClientRegistration};
use conclave_auth::statements::{login_statement, registration_statement};
use conclave_protocol::accounts::{EntriesPage, RegistrationFinish, RegistrationStart, RegistrationStarted};
use conclave_protocol::devices::{AppendEntry, EntryAppended};
use conclave_protocol::frames::{
    Class, ClientFrame, Closing, Deliver, Heads, Hello, MessageKey, Send, ServerFrame, Side, Welcome,
};
use conclave_protocol::invites::InviteMade;
use conclave_protocol::logins::{
    DeviceLoginFinish, DeviceLoginStart, DeviceLoginStarted, LoggedIn, LoginFinish, LoginPending, LoginStart,
    LoginStarted, PasswordProof, PendingLogin, Ticket,
};
use conclave_protocol::rooms::OpenDirectRoom;
use conclave_protocol::{
    AccountId, Bytes, DeviceAddress, DeviceId, EnvelopeId, ErrorCode, PROTOCOL_VERSION, Problem, RoomId,
    Timestamp, Token,
};
use conclave_server::clock::Clock;
use conclave_server::config::LimitsConfig;
use conclave_server::{Config, Running, start};
use conclave_sigchain::{AccountBody, AccountChain, AccountEntry, Author, DeviceKeys};
use ed25519_dalek::{Signer, SigningKey};
use futures_util::{SinkExt, StreamExt};
use getrandom::SysRng;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rand_core::{Rng, UnwrapErr};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).fill_bytes(&mut bytes);
    bytes
}

pub(crate) struct Server {
    /// None once its data was handed over to a process of its own.
    pub(crate) running: Option<Running>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) clock: Clock,
    config: Config,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().to_owned(),
            limits: LimitsConfig::unlimited(),
            ..Config::default()
        };
        change(&mut config);
        let running = start(config.clone()).await.unwrap();
        Self {
            address: running.address,
            running: Some(running),
            folder,
            clock: config.clock.clone(),
            config,
        }
    }

    /// Stops the server and starts it again over the same folder.
    pub(crate) async fn restart(self) -> Self {
        let stopped = self.stopped().await;
        let running = start(stopped.config.clone()).await.unwrap();
        Self {
            address: running.address,
            running: Some(running),
            ..stopped
        }
    }

    /// Stops the server; its data and its address stay.
    pub(crate) async fn stopped(mut self) -> Self {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        self
    }

    pub(crate) fn setup_token(&self) -> Token {
        let link = self.running.as_ref().unwrap().setup_link.as_deref().unwrap();
        Token(link.rsplit('/').next().unwrap().to_owned())
    }

    pub(crate) async fn ask(&self, request: Request<Full<bytes::Bytes>>) -> Answer {
        Self::ask_of(self.address, request).await
    }

    /// A request to another of its listeners.
    pub(crate) async fn ask_at(&self, address: SocketAddr, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Full::default()).unwrap();
        Self::ask_of(address, request).await
    }

    /// A request to whoever listens there.
    pub(crate) async fn ask_of(address: SocketAddr, request: Request<Full<bytes::Bytes>>) -> Answer {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let response = timeout(PATIENCE, sender.send_request(request))
            .await
            .unwrap()
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
    }

    /// A request without a body.
    pub(crate) async fn get(&self, path: &str, access: Option<&Token>) -> Answer {
        let mut request = self.request(Method::GET, path);
        if let Some(access) = access {
            request = request.header("authorization", format!("Bearer {}", access.as_str()));
        }
        self.ask(request.body(Full::default()).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str, access: Option<&Token>) -> Answer {
        self.send(Method::DELETE, path, access, &[], &()).await
    }

    pub(crate) async fn post(&self, path: &str, access: Option<&Token>, body: &impl Serialize) -> Answer {
        self.send(Method::POST, path, access, &[], body).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        access: Option<&Token>,
        headers: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Answer {
        let mut request = self
            .request(method, path)
            .header("content-type", "application/json");
        if let Some(access) = access {
            request = request.header("authorization", format!("Bearer {}", access.as_str()));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = serde_json::to_vec(body).unwrap();
        self.ask(request.body(Full::from(body)).unwrap()).await
    }

    /// The first person, who administers.
    pub(crate) async fn administrator(&self) -> Person {
        Person::register(self, "mia", &self.setup_token()).await.unwrap()
    }

    pub(crate) async fn invite(&self, administrator: &Person) -> Token {
        let made = self
            .post("/api/v1/invites", Some(&administrator.access), &())
            .await;
        made.json::<InviteMade>().token
    }

    /// One more person.
    pub(crate) async fn person(&self, name: &str, administrator: &Person) -> Person {
        let invite = self.invite(administrator).await;
        Person::register(self, name, &invite).await.unwrap()
    }

    /// Two people and their room.
    pub(crate) async fn pair(&self) -> (Person, Person, RoomId) {
        let mia = self.administrator().await;
        let ben = self.person("ben", &mia).await;
        let room = RoomId::direct(mia.account, ben.account);
        let opened = self
            .send(
                Method::PUT,
                &format!("/api/v1/rooms/{room}"),
                Some(&mia.access),
                &[],
                &OpenDirectRoom { peer: ben.account },
            )
            .await;
        assert_eq!(opened.status, StatusCode::NO_CONTENT);
        (mia, ben, room)
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a refusal, which is a well-formed problem.
    pub(crate) fn code(&self) -> ErrorCode {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{self:?}"
        );
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        problem.code
    }

    /// The refresh cookie's whole text.
    pub(crate) fn cookie(&self) -> Option<String> {
        Some(self.headers.get("set-cookie")?.to_str().unwrap().to_owned())
    }
}

/// A person with one device.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) account: AccountId,
    pub(crate) access: Token,
    pub(crate) refresh: Token,
    pub(crate) genesis: Vec<u8>,
    pub(crate) key: SigningKey,
    pub(crate) recovery: SigningKey,
}

impl Person {
    pub(crate) async fn register(server: &Server, name: &str, invite: &Token) -> Result<Self, ErrorCode> {
        let finish = Registration::begin(server, name, invite).await?;
        let answer = server
            .post("/api/v1/accounts/registration/finish", None, &finish.body(true))
            .await;
        if !answer.status.is_success() {
            return Err(answer.code());
        }
        let logged_in: LoggedIn = answer.json();
        Ok(Self {
            name: name.to_owned(),
            password: finish.password,
            account: logged_in.account,
            access: logged_in.access_token,
            refresh: logged_in.refresh_token.unwrap(),
            genesis: finish.genesis,
            key: finish.key,
            recovery: finish.recovery,
        })
    }

    pub(crate) fn device(&self) -> DeviceAddress {
        DeviceAddress {
            account: self.account,
            device: DeviceId(0),
        }
    }

    /// Signs in anew as `device`.
    pub(crate) async fn sign_in(&self, server: &Server, native: bool, device: DeviceId) -> Answer {
        self.sign_in_with(server, native, device, None).await
    }

    /// Signs in anew with a code of the second step.
    pub(crate) async fn sign_in_with(
        &self,
        server: &Server,
        native: bool,
        device: DeviceId,
        code: Option<&str>,
    ) -> Answer {
        let (attempt, opaque) = self.password_shown(server).await;
        let statement = login_statement(self.account.as_bytes(), device.0, attempt.as_str());
        let finish = LoginFinish {
            code: code.map(str::to_owned),
            attempt,
            opaque,
            device,
            signature: Bytes(self.key.sign(&statement).to_bytes().to_vec()),
            native,
        };
        server.post("/api/v1/logins/finish", None, &finish).await
    }

    /// A sign-in up to its second message, which proves the password.
    pub(crate) async fn password_shown(&self, server: &Server) -> (Token, Bytes) {
        let (login, request) = ClientLogin::start(self.password.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
        let start = LoginStart {
            username: self.name.parse().unwrap(),
            opaque: Bytes(request),
        };
        let started: LoginStarted = server.post("/api/v1/logins/start", None, &start).await.json();
        let finished = login
            .finish(
                self.password.as_bytes(),
                started.opaque.as_slice(),
                &mut UnwrapErr(SysRng),
            )
            .unwrap();
        (started.attempt, Bytes(finished.message))
    }

    /// Shows the password once more on the login of an access token.
    pub(crate) async fn prove(&self, server: &Server, access: &Token, code: Option<&str>) -> Answer {
        let (attempt, opaque) = self.password_shown(server).await;
        let proof = PasswordProof {
            attempt,
            opaque,
            code: code.map(str::to_owned),
        };
        server.post("/api/v1/logins/prove", Some(access), &proof).await
    }

    /// Signed in with the password where there is no device yet.
    pub(crate) async fn pending(&self, server: &Server) -> LoginPending {
        let (attempt, opaque) = self.password_shown(server).await;
        server
            .post(
                "/api/v1/logins/pending",
                None,
                &PendingLogin {
                    attempt,
                    opaque,
                    code: None,
                },
            )
            .await
            .json()
    }

    /// The own chain as the server has it.
    pub(crate) async fn chain(&self, server: &Server) -> AccountChain {
        let path = format!("/api/v1/accounts/{}/entries", self.account);
        let page: EntriesPage = server.get(&path, Some(&self.access)).await.json();
        AccountChain::verify(self.account, page.entries.iter().map(Bytes::as_slice)).unwrap()
    }

    /// The next entry, signed by the person's device 0.
    pub(crate) async fn entry(&self, server: &Server, body: AccountBody) -> AccountEntry {
        let chain = self.chain(server).await;
        chain
            .next_entry(Author::Device(DeviceId(0)), server.clock.now(), body)
            .signed_with(|bytes| self.key.sign(bytes).to_bytes())
    }

    /// Offers an entry for the own chain.
    pub(crate) async fn offer(&self, server: &Server, entry: &AccountEntry) -> Answer {
        offer(server, &self.access, entry).await
    }

    /// One more device of the person, added and signed in.
    pub(crate) async fn device_added(&self, server: &Server) -> Device {
        let fresh = FreshDevice::new();
        let entry = self.entry(server, fresh.added_to(self.account)).await;
        let appended: EntryAppended = self.offer(server, &entry).await.json();
        let address = DeviceAddress {
            account: self.account,
            device: DeviceId(appended.sequence),
        };
        let logged_in: LoggedIn = fresh.first_login(server, address).await.json();
        Device {
            key: fresh.key,
            access: logged_in.access_token,
            refresh: logged_in.refresh_token.unwrap(),
        }
    }

    /// A message to a room, sealed for one device of the peer.
    pub(crate) fn message(&self, peer: &Self, room: RoomId, body: &[u8]) -> Send {
        Send {
            id: EnvelopeId::new(Timestamp(1_800_000_000_000), random()),
            room,
            class: Class::Message,
            heads: Heads { low: 0, high: 0 },
            target: None,
            body: Bytes(body.to_vec()),
            keys: vec![MessageKey {
                side: if peer.account < self.account {
                    Side::Low
                } else {
                    Side::High
                },
                device: DeviceId(0),
                pairwise: Bytes(b"key".to_vec()),
            }],
            blobs: Vec::new(),
        }
    }
}

/// A device of somebody beside the first.
pub(crate) struct Device {
    pub(crate) key: SigningKey,
    pub(crate) access: Token,
    pub(crate) refresh: Token,
}

/// A device that belongs to nobody yet.
pub(crate) struct FreshDevice {
    pub(crate) key: SigningKey,
    keys: DeviceKeys,
}

impl FreshDevice {
    pub(crate) fn new() -> Self {
        let key = SigningKey::from_bytes(&random());
        let keys = DeviceKeys {
            signing: key.verifying_key().to_bytes(),
            identity: random(),
        };
        Self { key, keys }
    }

    /// What adds it to an account.
    pub(crate) fn added_to(&self, account: AccountId) -> AccountBody {
        AccountBody::AddDevice {
            keys: self.keys,
            possession: self.key.sign(&self.keys.possession_bytes(account)).to_bytes(),
        }
    }

    /// Its first sign-in, without the password.
    pub(crate) async fn first_login(&self, server: &Server, device: DeviceAddress) -> Answer {
        let start = DeviceLoginStart { device };
        let started: DeviceLoginStarted = server
            .post("/api/v1/logins/device/start", None, &start)
            .await
            .json();
        let statement = login_statement(
            device.account.as_bytes(),
            device.device.0,
            started.attempt.as_str(),
        );
        let finish = DeviceLoginFinish {
            attempt: started.attempt,
            signature: Bytes(self.key.sign(&statement).to_bytes().to_vec()),
            native: true,
        };
        server.post("/api/v1/logins/device/finish", None, &finish).await
    }
}

/// Offers an entry in the name of whoever holds this access token.
pub(crate) async fn offer(server: &Server, access: &Token, entry: &AccountEntry) -> Answer {
    let body = AppendEntry {
        entry: Bytes(entry.to_bytes()),
    };
    server.post("/api/v1/account/entries", Some(access), &body).await
}

/// A registration before its last step, so that a test can spoil it.
pub(crate) struct Registration {
    pub(crate) key: SigningKey,
    pub(crate) recovery: SigningKey,
    pub(crate) genesis: Vec<u8>,
    pub(crate) password: String,
    name: String,
    invite: Token,
    upload: Vec<u8>,
}

impl Registration {
    pub(crate) async fn begin(server: &Server, name: &str, invite: &Token) -> Result<Self, ErrorCode> {
        let password = format!("{name} has a long password");
        let (registration, request) =
            ClientRegistration::start(password.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
        let start = RegistrationStart {
            username: name.parse().unwrap(),
            invite: invite.clone(),
            opaque: Bytes(request),
        };
        let answer = server
            .post("/api/v1/accounts/registration/start", None, &start)
            .await;
        if !answer.status.is_success() {
            return Err(answer.code());
        }
        let started: RegistrationStarted = answer.json();
        let upload = registration
            .finish(
                password.as_bytes(),
                started.opaque.as_slice(),
                &mut UnwrapErr(SysRng),
            )
            .unwrap()
            .message;
        let key = SigningKey::from_bytes(&random());
        let recovery = SigningKey::from_bytes(&random());
        let genesis = genesis_of(&key, &recovery, Timestamp(started.time));
        Ok(Self {
            key,
            recovery,
            genesis,
            password,
            name: name.to_owned(),
            invite: invite.clone(),
            upload,
        })
    }

    pub(crate) fn body(&self, native: bool) -> RegistrationFinish {
        let statement = registration_statement(&self.name, self.invite.as_str(), &self.upload);
        RegistrationFinish {
            username: self.name.parse().unwrap(),
            invite: self.invite.clone(),
            opaque: Bytes(self.upload.clone()),
            genesis: Bytes(self.genesis.clone()),
            signature: Bytes(self.key.sign(&statement).to_bytes().to_vec()),
            native,
        }
    }

    pub(crate) fn account(&self) -> AccountId {
        AccountChain::begin(&AccountEntry::from_bytes(&self.genesis).unwrap())
            .unwrap()
            .account()
    }
}

pub(crate) fn genesis(key: &SigningKey, time: Timestamp) -> Vec<u8> {
    genesis_of(key, &SigningKey::from_bytes(&random()), time)
}

fn genesis_of(key: &SigningKey, recovery: &SigningKey, time: Timestamp) -> Vec<u8> {
    let recovery = recovery.verifying_key().to_bytes();
    let keys = DeviceKeys {
        signing: key.verifying_key().to_bytes(),
        identity: random(),
    };
    let mut entry = AccountEntry::genesis(keys, recovery, time);
    entry.signature = key.sign(&entry.signed_bytes()).to_bytes();
    entry.to_bytes()
}

/// A device's live connection.
pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// An upgraded connection that has not said anything.
    pub(crate) async fn silent(server: &Server) -> Self {
        let url = format!("ws://{}/api/v1/ws", server.address);
        Self(connect_async(url.into_client_request().unwrap()).await.unwrap().0)
    }

    pub(crate) async fn open(server: &Server, person: &Person) -> (Self, Welcome) {
        Self::open_with(server, &person.access).await
    }

    pub(crate) async fn open_with(server: &Server, access: &Token) -> (Self, Welcome) {
        let ticket = ticket(server, access).await;
        let mut socket = Self::silent(server).await;
        socket.say(&hello(ticket)).await;
        let ServerFrame::Welcome(welcome) = socket.hear().await else {
            panic!("no welcome")
        };
        (socket, welcome)
    }

    pub(crate) async fn say(&mut self, frame: &ClientFrame) {
        self.0
            .send(Message::Binary(frame.to_bytes().into()))
            .await
            .unwrap();
    }

    /// The next frame.
    pub(crate) async fn hear(&mut self) -> ServerFrame {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a frame in time") {
                Some(Ok(Message::Binary(bytes))) => return ServerFrame::from_bytes(&bytes).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("the connection ended: {other:?}"),
            }
        }
    }

    /// The next frame that is not part of the beginning.
    pub(crate) async fn hear_news(&mut self) -> ServerFrame {
        loop {
            let frame = self.hear().await;
            if frame != ServerFrame::Drained {
                return frame;
            }
        }
    }

    /// Everything up to the end of the catching up.
    pub(crate) async fn drain(&mut self) -> Vec<Deliver> {
        let mut delivered = Vec::new();
        loop {
            match self.hear().await {
                ServerFrame::Deliver(deliver) => delivered.push(deliver),
                ServerFrame::Drained => return delivered,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Whether nothing comes for a moment.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.0.next()).await.is_err()
    }

    /// How the connection ends: the last frame's word and the close code.
    pub(crate) async fn end(&mut self) -> (Option<Closing>, u16) {
        let mut closing = None;
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("an end in time") {
                Some(Ok(Message::Binary(bytes))) => {
                    if let Ok(ServerFrame::Closing(said)) = ServerFrame::from_bytes(&bytes) {
                        closing = Some(said);
                    }
                }
                Some(Ok(Message::Close(close))) => {
                    return (closing, close.map_or(0, |close| close.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (closing, 0),
            }
        }
    }
}

pub(crate) async fn ticket(server: &Server, access: &Token) -> Token {
    server
        .post("/api/v1/ws/ticket", Some(access), &())
        .await
        .json::<Ticket>()
        .ticket
}

pub(crate) fn hello(ticket: Token) -> ClientFrame {
    ClientFrame::Hello(Hello {
        version: PROTOCOL_VERSION,
        ticket,
        cursors: Vec::new(),
    })
}
