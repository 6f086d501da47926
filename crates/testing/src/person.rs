//! Somebody in a story, at one of their devices.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_client::user_store::views::PersonChange;
use conclave_client::views::{AccountView, BodyView, ChatView, DeliveryView, Event, MessageView};
use conclave_protocol::{AccountId, EnvelopeId, RoomId};
use conclave_sdk::Device;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep};

use crate::wire::Wire;
use crate::world::Place;

/// How long a story waits for what has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const GLANCE: Duration = Duration::from_millis(20);

/// A person.
pub struct Person {
    name: String,
    device: Device,
    wire: Wire,
    folder: String,
    place: Place,
    data: PathBuf,
    /// Codes of the warnings that were shown.
    warnings: Arc<Mutex<Vec<String>>>,
}

/// A sentence that waits for its recipient.
pub struct Sends<'a> {
    person: &'a Person,
    text: String,
}

/// A sentence that waits for its author.
pub struct Sees<'a> {
    person: &'a Person,
    texts: Vec<String>,
}

impl Person {
    pub(crate) fn new(name: &str, device: Device, wire: Wire, folder: &str, place: Place) -> Self {
        let warnings = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(note_warnings(device.events(), Arc::clone(&warnings)));
        Self {
            name: name.to_owned(),
            device,
            wire,
            warnings,
            folder: folder.to_owned(),
            data: place.data_of(folder),
            place,
        }
    }

    /// The same person at another device, which holds nothing yet.
    pub(crate) fn at_a_new_device(&self, label: &str) -> Self {
        self.place.opens(&self.name, &format!("{}-{label}", self.name))
    }

    /// The program is closed and begins again, from what is on the disk.
    pub async fn begins_again(self) -> Self {
        let (name, folder, place) = (self.name.clone(), self.folder.clone(), self.place.clone());
        self.closes().await;
        place.opens(&name, &folder)
    }

    /// Their handle.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Their device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What their device sent and received.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Where their device keeps its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Their account.
    pub async fn account(&self) -> AccountId {
        let (AccountView::SignedIn { person, .. } | AccountView::SignedOut { person }) =
            self.device.account().await.expect("an account")
        else {
            panic!("{} has no account on this device", self.name);
        };
        person.account.parse().expect("an account id")
    }

    /// Waits until everything the server has is here.
    pub async fn is_online(&self) {
        self.device.wait_until_online(PATIENCE).await.expect("online");
    }

    /// Begins a sentence: `alice.sends("hi").to(&bob)`.
    pub fn sends(&self, text: &str) -> Sends<'_> {
        Sends {
            person: self,
            text: text.to_owned(),
        }
    }

    /// Begins a sentence: `bob.sees(&["hi"]).from(&alice)`.
    pub fn sees(&self, texts: &[&str]) -> Sees<'_> {
        Sees {
            person: self,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    /// The room with somebody, found by handle the first time.
    pub async fn room_with(&self, other: &Person) -> RoomId {
        let room = RoomId::direct(self.account().await, other.account().await);
        let chats = self.device.list_chats().await.expect("the list of chats");
        if chats.iter().any(|chat| chat.room == room.to_string()) {
            return room;
        }
        let person = self
            .device
            .find_person(&other.name, None)
            .await
            .expect("a person");
        self.device.open_chat(person.account).await.expect("a chat")
    }

    /// The whole timeline with somebody.
    pub async fn timeline_with(&self, other: &Person) -> Vec<MessageView> {
        let room = RoomId::direct(self.account().await, other.account().await);
        self.device
            .list_messages(room, None, 10_000)
            .await
            .expect("a timeline")
    }

    /// Takes somebody for no stranger: they are told what arrived and what was seen. Where nobody is signed in, nothing
    /// changes.
    pub async fn accepts(&self, other: &Person) {
        let change = PersonChange {
            accepted: true,
            ..PersonChange::default()
        };
        let account = other.account().await;
        if let Ok(AccountView::SignedIn { person, .. }) = self.device.account().await
            && person.account != account.to_string()
        {
            self.device
                .set_person(account, change)
                .await
                .expect("somebody is accepted");
        }
    }

    /// Blocks somebody, or does so no more.
    pub async fn blocks(&self, other: &Person, on: bool) {
        let change = PersonChange {
            blocked: Some(on),
            ..PersonChange::default()
        };
        let account = other.account().await;
        self.device
            .set_person(account, change)
            .await
            .expect("somebody is blocked");
    }

    /// The row of the chat with somebody, where it is listed.
    pub async fn chat_with(&self, other: &Person) -> Option<ChatView> {
        let room = RoomId::direct(self.account().await, other.account().await).to_string();
        let chats = self.device.list_chats().await.expect("the list of chats");
        chats.into_iter().find(|chat| chat.room == room)
    }

    /// Unread messages from somebody.
    pub async fn unread_from(&self, other: &Person) -> u32 {
        let room = RoomId::direct(self.account().await, other.account().await).to_string();
        let chats = self.device.list_chats().await.expect("the list of chats");
        chats
            .iter()
            .find(|chat| chat.room == room)
            .map_or(0, |chat| chat.unread)
    }

    /// Waits until an own message got this far.
    pub async fn sees_delivery(&self, other: &Person, message: EnvelopeId, wanted: &DeliveryView) {
        self.waits("a delivery state", async || {
            let timeline = self.timeline_with(other).await;
            let row = timeline.iter().find(|row| row.id == message.to_string());
            match row {
                Some(row) if row.delivery == *wanted => Ok(()),
                other => Err(format!("{:?}", other.map(|row| &row.delivery))),
            }
        })
        .await;
    }

    /// Has seen everything from somebody.
    pub async fn reads_everything_from(&self, other: &Person) {
        let room = self.room_with(other).await;
        let timeline = self.timeline_with(other).await;
        if let Some(last) = timeline
            .iter()
            .rev()
            .find(|row| !row.mine && row.position.sequence.is_some())
        {
            let id = last.id.parse().expect("an id");
            self.device.mark_read(room, id).await.expect("marked as read");
        }
    }

    /// Waits until a warning of this code was shown.
    pub async fn is_warned(&self, code: &str) {
        self.waits("a warning", async || {
            let warnings = self.warnings();
            if warnings.iter().any(|warning| warning == code) {
                Ok(())
            } else {
                Err(format!("{warnings:?}"))
            }
        })
        .await;
    }

    /// Codes of the warnings that were shown so far.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().expect("nobody panics with the list").clone()
    }

    /// Loses the network.
    pub async fn goes_offline(&self) {
        self.device.go_offline().await.expect("offline");
    }

    /// Has the network again, and waits until it is caught up.
    pub async fn comes_back(&self) {
        self.device.go_online().await.expect("on the way");
        self.is_online().await;
    }

    /// Closes the program; what is on the disk stays.
    pub async fn closes(self) {
        self.device.close().await.expect("closed");
    }

    /// Waits until a check holds, and says what it saw last when it never does.
    pub async fn waits<F>(&self, what: &str, check: F)
    where
        F: AsyncFn() -> Result<(), String>,
    {
        let until = Instant::now() + PATIENCE;
        loop {
            match check().await {
                Ok(()) => return,
                Err(seen) if Instant::now() > until => {
                    panic!("{} waited in vain for {what}; saw {seen}", self.name)
                }
                Err(_) => sleep(GLANCE).await,
            }
        }
    }
}

impl Sends<'_> {
    /// Sends it to somebody who knows the sender; returns when it is in the outbox.
    pub async fn to(self, other: &Person) -> EnvelopeId {
        other.accepts(self.person).await;
        self.unasked_to(other).await
    }

    /// Sends it to somebody who may never have heard of the sender; returns when it is in the outbox.
    pub async fn unasked_to(self, other: &Person) -> EnvelopeId {
        let room = self.person.room_with(other).await;
        self.person
            .device
            .send_text(room, &self.text)
            .await
            .expect("taken into the outbox")
    }
}

impl Sees<'_> {
    /// Waits until the texts of somebody are exactly these, in this order.
    pub async fn from(self, other: &Person) {
        let author = other.account().await.to_string();
        self.of(other, |row| row.author == author).await;
    }

    /// Waits until the texts of both are exactly these, in this order.
    pub async fn in_the_chat_with(self, other: &Person) {
        self.of(other, |_| true).await;
    }

    async fn of(self, other: &Person, wanted: impl Fn(&MessageView) -> bool) {
        self.person
            .waits("messages", async || {
                let timeline = self.person.timeline_with(other).await;
                let seen: Vec<String> = timeline.iter().filter(|row| wanted(row)).map(text_of).collect();
                if seen == self.texts {
                    Ok(())
                } else {
                    Err(format!("{seen:?}"))
                }
            })
            .await;
    }
}

async fn note_warnings(mut events: broadcast::Receiver<Event>, warnings: Arc<Mutex<Vec<String>>>) {
    loop {
        match events.recv().await {
            Ok(Event::Warning { failure }) => {
                let mut warnings = warnings.lock().expect("nobody panics with the list");
                warnings.push(failure.code);
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn text_of(row: &MessageView) -> String {
    match &row.body {
        BodyView::Text { text } => text.clone(),
        other => format!("{other:?}"),
    }
}
