//! Alice, bob and carol with their devices, and a group.

use std::time::Duration;

use conclave_client::Judgment;
use conclave_client::views::{PlaceChange, PlaceField};
use conclave_protocol::{AccountId, DeviceId, EnvelopeId, RoomId};
use conclave_sdk::SdkError;
use conclave_testing::{Group, Hostile, Person, World};

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
/// Who there is.
pub(crate) const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const NEW_PASSWORD: &str = "sechs laute Amseln im Schnee";
/// How long something is tried again that a bad network may have lost.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Somebody with all their devices.
pub(crate) struct Folk {
    pub(crate) name: &'static str,
    pub(crate) account: AccountId,
    pub(crate) words: Vec<String>,
    /// Never empty; those that were revoked are not among them.
    pub(crate) devices: Vec<Person>,
    /// Devices that they ever had, so that each has a folder of its own.
    made: u32,
}

/// Everybody.
pub(crate) struct Cast {
    pub(crate) world: World,
    pub(crate) hostile: Hostile,
    pub(crate) folk: Vec<Folk>,
    pub(crate) group: Group,
    /// Texts said so far, so that each is another one.
    said: u32,
}

impl Cast {
    /// Three people with two devices each; alice made a group with bob. All of them know each other.
    pub(crate) async fn meets() -> Self {
        let world = World::begin().await;
        let hostile = world.turns_hostile().await;
        let mut folk = Vec::new();
        for name in NAMES {
            let person = world.registers(name).await;
            let words = person.device().recovery_words().await.expect("words");
            folk.push(Folk {
                name,
                account: person.account().await,
                words,
                devices: vec![person],
                made: 1,
            });
        }
        let group = folk[0].devices[0]
            .makes_a_group("Otters", &[&folk[1].devices[0]])
            .await;
        let mut cast = Self {
            world,
            hostile,
            folk,
            group,
            said: 0,
        };
        for who in 0..NAMES.len() {
            for other in 0..NAMES.len() {
                if who != other {
                    cast.writes(who, 0, other).await;
                }
            }
        }
        for who in 0..NAMES.len() {
            cast.gains_a_device(who).await;
        }
        cast
    }

    pub(crate) fn device(&self, who: usize, at: usize) -> &Person {
        let devices = &self.folk[who].devices;
        &devices[at % devices.len()]
    }

    /// Every device of everybody.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &Person> {
        self.folk.iter().flat_map(|folk| &folk.devices)
    }

    fn words(&mut self, who: usize) -> String {
        self.said += 1;
        format!("{} from {}", self.said, NAMES[who])
    }

    /// Somebody writes to somebody.
    pub(crate) async fn writes(&mut self, who: usize, at: usize, other: usize) -> Option<EnvelopeId> {
        let text = self.words(who);
        let device = self.device(who, at).device();
        let account = self.folk[other].account;
        let room = RoomId::direct(self.folk[who].account, account);
        let chats = device.list_chats().await.expect("chats");
        if !chats.iter().any(|chat| chat.room == room.to_string()) {
            // Without a network nobody is found.
            heard(async || device.find_person(NAMES[other], None).await)
                .await
                .ok()?;
            device.open_chat(account).await.ok()?;
        }
        device.send_text(room, &text).await.ok()
    }

    /// Somebody says something in the group, where they are in it.
    pub(crate) async fn speaks(&mut self, who: usize, at: usize) -> Option<EnvelopeId> {
        let text = self.words(who);
        let device = self.device(who, at).device();
        device.send_text(self.group.room, &text).await.ok()
    }

    /// Somebody changes the group. What a bad network loses is tried again; what is refused is given up.
    pub(crate) async fn changes(&self, who: usize, at: usize, change: PlaceChange) -> bool {
        let device = self.device(who, at).device();
        let changed = heard(async || device.change_place(self.group.place, change.clone()).await).await;
        if let Err(error) = &changed {
            println!("{change:?} by {}: {:?}", NAMES[who], error.code());
        }
        changed.is_ok()
    }

    pub(crate) async fn renames_the_group(&self, who: usize, at: usize, text: &str) -> bool {
        let change = PlaceChange::SetText {
            field: PlaceField::Name,
            text: text.to_owned(),
        };
        self.changes(who, at, change).await
    }

    pub(crate) async fn lets_in(&self, who: usize, at: usize, other: usize) -> bool {
        let account = self.folk[other].account;
        let roles = Vec::new();
        let device = self.device(who, at).device();
        if heard(async || device.find_person(NAMES[other], None).await)
            .await
            .is_err()
        {
            return false;
        }
        self.changes(who, at, PlaceChange::AddMember { account, roles })
            .await
    }

    pub(crate) async fn throws_out(&self, who: usize, at: usize, other: usize) -> bool {
        let account = self.folk[other].account;
        let reason = String::new();
        self.changes(who, at, PlaceChange::Remove { account, reason })
            .await
    }

    /// Somebody compares somebody.
    pub(crate) async fn compares(&self, who: usize, at: usize, other: usize) {
        let account = self.folk[other].account;
        let judged = self.device(who, at).device().judge(account, Judgment::Verified);
        if let Err(error) = judged.await {
            // A device that came over a bad network may not have heard of them yet.
            assert_eq!(error.code(), Some("unknown_person"), "a mark");
        }
    }

    /// A person's first device brings in one more.
    pub(crate) async fn gains_a_device(&mut self, who: usize) {
        let folk = &mut self.folk[who];
        folk.made += 1;
        let label = format!("device-{}", folk.made);
        let new = folk.devices[0].adds_a_device_by_scan(&label).await;
        folk.devices.push(new);
    }

    /// A person's device takes another one out.
    pub(crate) async fn revokes(&mut self, who: usize, at: usize, lost: usize) {
        let lost = self.folk[who].devices.remove(lost);
        let number = number_of(&lost).await;
        let device = self.device(who, at).device();
        heard(async || device.revoke_device(number).await)
            .await
            .expect("taken out");
        lost.closes().await;
    }

    /// Somebody lost everything and comes back with the recovery key, on a new device that takes the old ones out.
    pub(crate) async fn comes_back_with_words(&mut self, who: usize) {
        for device in self.folk[who].devices.drain(..) {
            device.closes().await;
        }
        let folk = &mut self.folk[who];
        folk.made += 1;
        let device = self.world.new_device(folk.name, &format!("device-{}", folk.made));
        let words = folk.words.join(" ");
        let recovered = device
            .device()
            .recover(folk.name, &words, NEW_PASSWORD, false)
            .await;
        recovered.expect("a recovery");
        device.is_online().await;
        for old in device.device().list_devices().await.expect("devices") {
            if !old.this {
                let number = DeviceId(old.device);
                device.device().revoke_device(number).await.expect("taken out");
            }
        }
        folk.devices.push(device);
    }

    /// A program ends and begins again from its disk.
    pub(crate) async fn begins_again(&mut self, who: usize, at: usize) {
        let devices = &mut self.folk[who].devices;
        let at = at % devices.len();
        let device = devices.remove(at).begins_again().await;
        devices.insert(at, device);
    }

    /// Time passes for everybody, and everybody's program looks at its clock.
    pub(crate) async fn passes(&self, time: Duration) {
        self.world.time_passes_for_all(time);
        for device in self.devices() {
            device.device().tick().await.expect("a program that runs");
        }
    }

    /// The network is well, everybody is there, and what they have to say to each other was said.
    pub(crate) async fn calms_down(&self) {
        self.hostile.behaves();
        for device in self.devices() {
            device.device().go_online().await.expect("on the way");
        }
        for device in self.devices() {
            device.is_online().await;
        }
        for device in self.devices() {
            let limit = Duration::from_secs(30);
            let sent = device.device().wait_until_outbox_is_empty(limit).await;
            sent.unwrap_or_else(|error| panic!("{} still has something to send: {error}", device.name()));
        }
    }

    /// Waits until what somebody's devices have to record is in the vault, also what they record for one another.
    pub(crate) async fn is_recorded(&self, who: usize) {
        for _ in 0..TRIES {
            // What met something else on its way to the vault waits for its next turn.
            self.passes(HOUR).await;
            for _ in 0..TRIES {
                if self.has_nothing_for_the_vault(who).await {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        panic!("{} still has something for the vault", NAMES[who]);
    }

    async fn has_nothing_for_the_vault(&self, who: usize) -> bool {
        for device in &self.folk[who].devices {
            if device
                .device()
                .waits_for_the_vault()
                .await
                .expect("a program that runs")
                > 0
            {
                return false;
            }
        }
        true
    }
}

/// The number of a device in its account.
pub(crate) async fn number_of(person: &Person) -> DeviceId {
    let devices = person.device().list_devices().await.expect("devices");
    let this = devices.iter().find(|device| device.this).expect("this device");
    DeviceId(this.device)
}

/// Asks again what a bad network may have lost.
async fn heard<T, F>(ask: F) -> Result<T, SdkError>
where
    F: AsyncFn() -> Result<T, SdkError>,
{
    for _ in 0..TRIES {
        match ask().await {
            Err(error) if is_lost(error.code()) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
    ask().await
}

/// Whether something failed only for want of a network.
fn is_lost(code: Option<&str>) -> bool {
    matches!(
        code,
        Some("offline" | "busy" | "unavailable" | "answer_unreadable")
    )
}
