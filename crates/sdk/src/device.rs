//! The handle of a device: one method for each goal.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_client::views::{
    AccountView, ChatView, ConnectionState, DeliveryView, DeviceView, Event, HistoryView, MessageView,
    Outcome, PersonView, Position, ProfileView, TrustView,
};
use conclave_client::{Engine, Failure, Intent, Judgment, Reads as _, Table, TextWith};
use conclave_protocol::{AccountId, DeviceId, EnvelopeId, RoomId, Timestamp};
use conclave_store::Store;
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::driver::{Driver, INBOX, Message, Parts, Shown};
use crate::folder::Folder;
use crate::http::HttpDoor;
use crate::socket::{CLOSE_WITHIN, SocketDoor};
use crate::{Clock, Options, SdkError, ServerAddress, clock, timer, tls};

/// Events that wait for a listener. One who falls further behind is told so and looks at the store instead.
const EVENTS: usize = 4_096;
/// How long the last handle waits for its device's thread. It ends within milliseconds; more than this means that a
/// task still sends to it, on a runtime that this very wait holds up.
const DROP_WITHIN: Duration = Duration::from_secs(5);

/// An open device: an account's keys, its store and its connection to the server.
///
/// Clones are the same device. It goes on while there is a clone; [`Device::close`] ends it for all of them and
/// is done when its folder can be opened again. Dropping the last clone waits for that, too, so that no program
/// ends while its store is being closed.
///
/// A future that is dropped takes nothing back: what was asked for goes on.
#[derive(Clone)]
pub struct Device {
    // Invariant: dropped before `_ended`, which waits until nobody sends any more.
    inbox: mpsc::Sender<Message>,
    _ended: Arc<Ended>,
    events: broadcast::WeakSender<Event>,
    state: watch::Receiver<ConnectionState>,
    calls: watch::Receiver<usize>,
    server: Arc<ServerAddress>,
    clock: Clock,
}

/// Waits on drop until the device's thread has closed the store. SQLite's encryption is taken down when the process
/// exits, and a thread that closes a store at that moment crashes.
struct Ended(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Ok(ended) = self.0.get_mut()
            && ended.recv_timeout(DROP_WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            tracing::warn!("the device's thread did not end in time");
        }
    }
}

/// Somebody who was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// Its handle.
    pub username: String,
}

/// A registration invite: one person may register with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// The secret.
    pub token: String,
    /// The link that opens it in a browser.
    pub link: String,
    /// When it ends.
    pub expires: Timestamp,
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Device {
    /// Opens a device, or makes a new one, and goes online if it is signed in.
    ///
    /// Has to be called inside a tokio runtime with time and I/O. It reads the disk before it returns.
    pub fn open(options: Options) -> Result<Self, SdkError> {
        let runtime = Handle::try_current().map_err(|_| SdkError::NoRuntime)?;
        let address = options
            .server
            .parse::<ServerAddress>()?
            .checked(options.allow_plain_http)?;
        let connector = tls::connector(&address)?;
        let (folder, store) = Folder::open(&options.data)?;

        let (inbox, messages) = mpsc::channel(INBOX);
        let (events, _) = broadcast::channel(EVENTS);
        let (state_shown, state) = watch::channel(ConnectionState::Offline);
        let (calls_shown, calls) = watch::channel(0);
        let (wake, due) = watch::channel(None);
        let clock = options.clock.unwrap_or_else(clock::system);
        let (ending, ended) = std::sync::mpsc::channel();
        let device = Self {
            inbox,
            _ended: Arc::new(Ended(std::sync::Mutex::new(ended))),
            events: events.downgrade(),
            state,
            calls,
            server: Arc::new(address.clone()),
            clock: Arc::clone(&clock),
        };
        runtime.spawn(timer::run(due, Arc::clone(&clock), device.inbox.downgrade()));
        let driver = Driver::new(Parts {
            store,
            folder,
            host: address.host().to_owned(),
            clock,
            http: HttpDoor::new(connector.clone(), address.clone(), options.tap.clone()),
            socket: SocketDoor::new(connector, address, options.tap),
            runtime,
            inbox: device.inbox.downgrade(),
            shown: Shown {
                events,
                state: state_shown,
                calls: calls_shown,
                wake,
            },
            offline: options.start_offline,
        });
        std::thread::Builder::new()
            .name("conclave-device".to_owned())
            .spawn(move || {
                driver.run(messages);
                drop(ending);
            })
            .map_err(SdkError::Folder)?;
        Ok(device)
    }

    /// Whether there is a device in a folder.
    pub fn exists(data: &Path) -> bool {
        Folder::exists(data)
    }

    /// The server it belongs to.
    pub fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// Makes an account with a set-up token or an invite (the token, not the link; `open` where registration is open to
    /// everybody), and signs in.
    pub async fn register(&self, username: &str, password: &str, invite: &str) -> Result<(), SdkError> {
        let intent = Intent::Register {
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            invite: invite.to_owned(),
        };
        self.done(intent).await
    }

    /// Signs in. On a device that is none of the account's yet it then waits for approval by one of them: see
    /// [`Device::joining`].
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<(), SdkError> {
        self.sign_in_with_code(username, password, None).await
    }

    /// Like [`Device::sign_in`], with the code of the second step: asked for, as `second_step_needed`, once the
    /// password was right.
    pub async fn sign_in_with_code(
        &self,
        username: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<(), SdkError> {
        let intent = Intent::SignIn {
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            code: code.map(|code| Zeroizing::new(code.to_owned())),
        };
        self.done(intent).await
    }

    /// Starts again under one's name with the password alone, as a new identity: for somebody who has no device and no
    /// recovery key any more. Everything of the old identity is lost.
    pub async fn reset_identity(&self, username: &str, password: &str) -> Result<(), SdkError> {
        self.reset_identity_with_code(username, password, None).await
    }

    /// Like [`Device::reset_identity`], with the code of the second step.
    pub async fn reset_identity_with_code(
        &self,
        username: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<(), SdkError> {
        let intent = Intent::ResetIdentity {
            username: username.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            code: code.map(|code| Zeroizing::new(code.to_owned())),
        };
        self.done(intent).await
    }

    /// Signs out. Keys and messages stay sealed on the device.
    pub async fn sign_out(&self) -> Result<(), SdkError> {
        self.done(Intent::SignOut).await
    }

    /// Finds a person by exact handle. `expected` is the account that a contact link names.
    pub async fn find_person(&self, username: &str, expected: Option<AccountId>) -> Result<Person, SdkError> {
        let intent = Intent::FindPerson {
            username: username.to_owned(),
            expected,
        };
        match self.ask(intent).await? {
            Outcome::Person {
                person: PersonView { account, username },
            } => Ok(Person {
                account: account.parse().map_err(|_| SdkError::Mismatch)?,
                username,
            }),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Opens the direct chat with a person, or the own saved messages.
    pub async fn open_chat(&self, account: AccountId) -> Result<RoomId, SdkError> {
        match self.ask(Intent::OpenChat { account }).await? {
            Outcome::Room { room } => room.parse().map_err(|_| SdkError::Mismatch),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Takes a text into the outbox. It is on this device's disk then, and sent as soon as that is possible.
    pub async fn send_text(&self, room: RoomId, text: &str) -> Result<EnvelopeId, SdkError> {
        self.send(room, None, text, TextWith::default()).await
    }

    /// Like [`Device::send_text`], with an id made by the caller: a repetition with the same id does nothing.
    pub async fn send_text_once(
        &self,
        room: RoomId,
        id: EnvelopeId,
        text: &str,
    ) -> Result<EnvelopeId, SdkError> {
        self.send(room, Some(id), text, TextWith::default()).await
    }

    /// Marks everything in a room up to a message as seen.
    pub async fn mark_read(&self, room: RoomId, message: EnvelopeId) -> Result<(), SdkError> {
        self.done(Intent::MarkRead { room, message }).await
    }

    /// Sends a message again that was refused.
    pub async fn retry(&self, message: EnvelopeId) -> Result<(), SdkError> {
        self.done(Intent::Retry { message }).await
    }

    /// Removes a message that was refused.
    pub async fn discard(&self, message: EnvelopeId) -> Result<(), SdkError> {
        self.done(Intent::Discard { message }).await
    }

    /// Makes a registration invite, if the account administers the server.
    pub async fn make_invite(&self) -> Result<Invite, SdkError> {
        match self.ask(Intent::MakeInvite).await? {
            Outcome::Invite { token, expires } => {
                let link = format!("{}/#/invite/{token}", self.server);
                Ok(Invite {
                    token,
                    link,
                    expires: Timestamp(expires),
                })
            }
            _ => Err(SdkError::Mismatch),
        }
    }

    /// The recovery key, as 24 words.
    pub async fn recovery_words(&self) -> Result<Vec<String>, SdkError> {
        match self.ask(Intent::ShowRecoveryKey).await? {
            Outcome::RecoveryWords { words } => Ok(words),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Notes that the person has kept the recovery key.
    pub async fn recovery_key_kept(&self) -> Result<(), SdkError> {
        self.done(Intent::RecoveryKeyKept).await
    }

    /// What is known of somebody, or of the own account: how their identity stands, the safety number, what changed.
    /// The server is asked for more, which [`Event::People`] tells of.
    pub async fn profile(&self, account: AccountId) -> Result<ProfileView, SdkError> {
        match self.ask(Intent::Profile { account }).await? {
            Outcome::Profile { profile } => Ok(*profile),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Compares the safety code or number that another person shows. Where it fits, they are marked as verified.
    pub async fn compare_safety_code(&self, account: AccountId, typed: &str) -> Result<(), SdkError> {
        let typed = typed.to_owned();
        self.done(Intent::CompareSafetyCode { account, typed }).await
    }

    /// Says something about somebody's identity: compared, accepted without comparing, or neither any more.
    pub async fn judge(&self, account: AccountId, judgment: Judgment) -> Result<(), SdkError> {
        self.done(Intent::Judge { account, judgment }).await
    }

    /// Everybody whose identity stands otherwise than believed at first sight.
    pub async fn list_trust(&self) -> Result<Vec<TrustView>, SdkError> {
        self.look(|engine, store| Ok(engine.list_trust(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// The devices of the own account, this one first. Without the server it says what the account's log says.
    pub async fn list_devices(&self) -> Result<Vec<DeviceView>, SdkError> {
        match self.ask(Intent::ListDevices).await? {
            Outcome::Devices { devices } => Ok(devices),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Names a device of the own account, this one where none is given; also before it has an account.
    pub async fn rename_device(&self, device: Option<DeviceId>, name: &str) -> Result<(), SdkError> {
        let name = name.to_owned();
        self.done(Intent::RenameDevice { device, name }).await
    }

    /// Takes a device out of the own account, at once and for good. Of this one nothing stays.
    pub async fn revoke_device(&self, device: DeviceId) -> Result<(), SdkError> {
        self.done(Intent::RevokeDevice { device }).await
    }

    /// Who is on this device.
    pub async fn account(&self) -> Result<AccountView, SdkError> {
        self.look(|engine, store| Ok(engine.account(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// The chats, the one in which something last happened first.
    pub async fn list_chats(&self) -> Result<Vec<ChatView>, SdkError> {
        let now = self.now();
        self.look(move |engine, store| {
            let chats = store.list_chats()?;
            Ok(engine
                .show_chats(store, &chats, now)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// How much of a room's past, from before this device was one of the account's, is here.
    pub async fn history(&self, room: RoomId) -> Result<HistoryView, SdkError> {
        self.look(move |engine, store| Ok(engine.history(store, room).map_err(|_| Failure::storage())?))
            .await
    }

    /// How much waits to be recorded in the account's vault, for other devices.
    pub async fn waits_for_the_vault(&self) -> Result<usize, SdkError> {
        self.look(|_, store| {
            let waiting = conclave_client::Reads::list_records(store, Table::VaultQueue, &[], u32::MAX);
            Ok(waiting.map_err(|_| Failure::storage())?.len())
        })
        .await
    }

    /// The newest `limit` messages of a room, or of what lies before a position; oldest first.
    pub async fn list_messages(
        &self,
        room: RoomId,
        before: Option<Position>,
        limit: u32,
    ) -> Result<Vec<MessageView>, SdkError> {
        let now = self.now();
        self.look(move |engine, store| {
            let rows = store.list_messages(room, before, limit)?;
            Ok(engine
                .show_messages(store, &rows, now)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// Messages by their ids; those that are not here are left out.
    pub async fn list_messages_by_id(&self, ids: Vec<EnvelopeId>) -> Result<Vec<MessageView>, SdkError> {
        let now = self.now();
        self.look(move |engine, store| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(store.find_message(id).map_err(|_| Failure::storage())?);
            }
            Ok(engine
                .show_messages(store, &found, now)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// One message.
    pub async fn find_message(&self, id: EnvelopeId) -> Result<Option<MessageView>, SdkError> {
        Ok(self.list_messages_by_id(vec![id]).await?.pop())
    }

    /// How the live connection stands.
    pub fn connection(&self) -> ConnectionState {
        *self.state.borrow()
    }

    /// What changes from now on; answers to own questions are not among it. A listener that falls far behind
    /// gets [`RecvError::Lagged`] and should look at the store.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        match self.events.upgrade() {
            Some(events) => events.subscribe(),
            // Closed: a receiver that says so.
            None => broadcast::channel(1).1,
        }
    }

    /// Waits until everything that the server has is here.
    pub async fn wait_until_online(&self, limit: Duration) -> Result<(), SdkError> {
        let mut state = self.state.clone();
        match timeout(limit, state.wait_for(|state| *state == ConnectionState::Online)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(SdkError::Closed),
            Err(_) => Err(SdkError::TimedOut),
        }
    }

    /// Waits until the connection is no longer on its way: everything is here, or it could not be opened.
    /// Which of the two is the answer.
    pub async fn wait_until_settled(&self, limit: Duration) -> Result<ConnectionState, SdkError> {
        // What was begun when the device was opened is behind this question.
        self.account().await?;
        let settled =
            |state: &ConnectionState| matches!(state, ConnectionState::Online | ConnectionState::Offline);
        let mut state = self.state.clone();
        match timeout(limit, state.wait_for(settled)).await {
            Ok(Ok(state)) => Ok(*state),
            Ok(Err(_)) => Err(SdkError::Closed),
            Err(_) => Err(SdkError::TimedOut),
        }
    }

    /// Waits until the server has stored a message, or the person has it. After [`SdkError::TimedOut`] it still
    /// waits in the outbox; after [`SdkError::Failed`] it was refused and waits for a retry.
    pub async fn wait_until_sent(&self, message: EnvelopeId, limit: Duration) -> Result<(), SdkError> {
        let sent = |delivery: &DeliveryView| match delivery {
            DeliveryView::Queued => None,
            DeliveryView::Failed { failure } => Some(Err(failure.clone())),
            _ => Some(Ok(())),
        };
        self.wait_until(message, limit, sent).await
    }

    /// Waits until a device of the other person has stored a message.
    pub async fn wait_until_delivered(&self, message: EnvelopeId, limit: Duration) -> Result<(), SdkError> {
        let delivered = |delivery: &DeliveryView| match delivery {
            DeliveryView::Queued | DeliveryView::Sent => None,
            DeliveryView::Failed { failure } => Some(Err(failure.clone())),
            _ => Some(Ok(())),
        };
        self.wait_until(message, limit, delivered).await
    }

    /// Waits until no HTTP request is under way.
    pub async fn wait_until_quiet(&self, limit: Duration) -> Result<(), SdkError> {
        let mut calls = self.calls.clone();
        match timeout(limit, calls.wait_for(|calls| *calls == 0)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(SdkError::Closed),
            Err(_) => Err(SdkError::TimedOut),
        }
    }

    /// Drops the connection as a lost network does, and reaches nothing until [`Device::go_online`].
    pub async fn go_offline(&self) -> Result<(), SdkError> {
        self.tell(Message::Offline).await
    }

    /// The network is back: connects at once. Also for a network that was away without this device being told.
    pub async fn go_online(&self) -> Result<(), SdkError> {
        self.tell(Message::Online).await
    }

    /// Lets the engine look at the clock now: for tests that move it.
    pub async fn tick(&self) -> Result<(), SdkError> {
        self.inbox.send(Message::Tick).await.map_err(|_| SdkError::Closed)
    }

    /// Ends the device for all its clones. What was acknowledged is on disk; what waits is sent the next time.
    pub async fn close(&self) -> Result<(), SdkError> {
        if let Some(last) = self.tell(Message::Close).await? {
            let abort = last.abort_handle();
            if timeout(CLOSE_WITHIN, last).await.is_err() {
                abort.abort();
            }
        }
        Ok(())
    }

    pub(crate) async fn send(
        &self,
        room: RoomId,
        id: Option<EnvelopeId>,
        text: &str,
        with: TextWith,
    ) -> Result<EnvelopeId, SdkError> {
        let text = text.to_owned();
        self.queued(Intent::SendText { room, id, text, with }).await
    }

    /// What time it is for this device.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn wait_until(
        &self,
        message: EnvelopeId,
        limit: Duration,
        reached: impl Fn(&DeliveryView) -> Option<Result<(), Failure>>,
    ) -> Result<(), SdkError> {
        let waiting = async {
            // Listens before it looks, so that nothing happens unseen in between.
            let mut events = self.events();
            loop {
                let found = self
                    .find_message(message)
                    .await?
                    .ok_or_else(Failure::unknown_message)?;
                if let Some(outcome) = reached(&found.delivery) {
                    return Ok(outcome?);
                }
                loop {
                    match events.recv().await {
                        Ok(Event::Timeline { room }) if room == found.room => break,
                        Ok(Event::Account) => {
                            if !matches!(self.account().await?, AccountView::SignedIn { .. }) {
                                return Err(Failure::signed_out().into());
                            }
                        }
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return Err(SdkError::Closed),
                    }
                }
            }
        };
        timeout(limit, waiting).await.unwrap_or(Err(SdkError::TimedOut))
    }

    pub(crate) async fn done(&self, intent: Intent) -> Result<(), SdkError> {
        match self.ask(intent).await? {
            Outcome::Done => Ok(()),
            _ => Err(SdkError::Mismatch),
        }
    }

    pub(crate) async fn ask(&self, intent: Intent) -> Result<Outcome, SdkError> {
        match self.tell(|answer| Message::Intent { intent, answer }).await? {
            Outcome::Failed { failure } => Err(failure.into()),
            outcome => Ok(outcome),
        }
    }

    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine, &Store) -> Result<T, SdkError> + Send + 'static,
    ) -> Result<T, SdkError> {
        self.tell(|answer| {
            Message::Look(Box::new(move |engine, store| {
                // Whoever asked may have gone.
                let _ = answer.send(look(engine, store));
            }))
        })
        .await?
    }

    async fn tell<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, SdkError> {
        let (answer, answered) = oneshot::channel();
        self.inbox
            .send(message(answer))
            .await
            .map_err(|_| SdkError::Closed)?;
        answered.await.map_err(|_| SdkError::Closed)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
