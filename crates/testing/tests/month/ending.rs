//! What each device shows at the end, and what of it has to be equal.
//!
//! All devices of a person show the same of everything. People show the same of what they share: what was said between
//! two of them, the group's members, roles, texts and messages, each other's devices. And each device holds the logs
//! that the server holds, to the last entry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use conclave_client::views::{
    BodyView, ChangeAuthorView, DeliveryView, LossView, MemberView, MessageView, NoticeView, PlaceStateView,
    PlaceView, ProfileView, StandingView, WhatChangedView,
};
use conclave_client::{Reads as _, Table};
use conclave_protocol::{AccountId, Hash, RoomId};
use conclave_sigchain::AccountChain;
use conclave_sigchain::room::RoomChain;
use conclave_store::{Store, StoreKey};
use conclave_testing::Person;
use rusqlite::Connection;

use super::cast::{Cast, HOUR, NAMES, number_of};

/// A message that was said, as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: String,
    author: String,
    pub(crate) body: BodyView,
    edited: bool,
    reactions: Vec<(String, u32)>,
    sequence: Option<u64>,
}

/// A message as the devices of one person see it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnLine {
    line: Line,
    sent_at: u64,
    delivery: DeliveryView,
    missing_before: u32,
}

/// What is known of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    standing: StandingView,
    safety_number: Option<String>,
    disputed: bool,
    devices: u32,
    changes: Vec<(u64, WhatChangedView, ChangeAuthorView)>,
}

/// A device at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    chats: BTreeMap<String, Option<String>>,
    said: BTreeMap<&'static str, Vec<OwnLine>>,
    in_group: Vec<OwnLine>,
    notices: Vec<NoticeView>,
    place: Option<PlaceView>,
    members: Vec<MemberView>,
    known: BTreeMap<&'static str, Known>,
    devices: BTreeSet<(u32, Option<String>)>,
    /// When the device was added: how far earlier messages got was told to those that were there.
    since: u64,
}

impl Shown {
    async fn on(cast: &Cast, who: usize, device: &Person) -> Self {
        let own = cast.folk[who].account;
        let api = device.device();
        let list = async |room| {
            let rows = api.list_messages(room, None, 10_000).await;
            rows.expect("a timeline")
        };
        let mut said = BTreeMap::new();
        let mut known = BTreeMap::new();
        for folk in &cast.folk {
            let profile = api.profile(folk.account).await.expect("a profile");
            known.insert(folk.name, Known::of(profile));
            if folk.account != own {
                let rows = list(RoomId::direct(own, folk.account)).await;
                said.insert(folk.name, rows.iter().map(OwnLine::of).collect());
            }
        }
        let rows = list(cast.group.room).await;
        let (notices, lines): (Vec<_>, Vec<_>) = rows
            .iter()
            .partition(|row| matches!(row.body, BodyView::Notice { .. }));
        let place = api.find_place(cast.group.place).await.expect("a place");
        let members = match &place {
            Some(_) => api.list_members(cast.group.place).await.expect("members"),
            None => Vec::new(),
        };
        let chats = api.list_chats().await.expect("chats");
        let devices = api.list_devices().await.unwrap_or_default();
        let this = devices.iter().find(|device| device.this);
        Self {
            since: this.map_or(u64::MAX, |this| this.added_at),
            chats: chats.into_iter().map(|chat| (chat.room, chat.title)).collect(),
            said,
            in_group: lines.into_iter().map(OwnLine::of).collect(),
            notices: notices.into_iter().filter_map(notice).collect(),
            place: place.map(without_own),
            members,
            known,
            devices: devices
                .into_iter()
                .map(|device| (device.device, device.name))
                .collect(),
        }
    }

    /// Messages in the group, as everybody sees them.
    pub(crate) fn group_lines(&self) -> Vec<Line> {
        self.in_group.iter().map(|own| own.line.clone()).collect()
    }

    /// The words of the group's messages; of what has none, what it is.
    pub(crate) fn group_texts(&self) -> Vec<String> {
        self.in_group.iter().map(|own| words(&own.line.body)).collect()
    }

    /// As it is compared with another device of the same person.
    fn beside(&self, other: &Self) -> Self {
        let since = self.since.max(other.since);
        let mut beside = self.clone();
        beside.since = since;
        let rows = beside.said.values_mut().flatten().chain(&mut beside.in_group);
        for row in rows.filter(|row| row.sent_at < since) {
            row.delivery = DeliveryView::Received;
        }
        // A name that was replaced stands under a key that nothing in the log asks for any more: a device that came
        // later may lack it, and then says only that there was another name.
        for (notice, other) in beside.notices.iter_mut().zip(&other.notices) {
            if let (NoticeView::Renamed { title }, NoticeView::Renamed { title: None }) = (notice, other) {
                *title = None;
            }
        }
        beside
    }

    /// Of what was said before a device was there it hears only what came later: it shows no more than a device that
    /// was there before it.
    fn claims_no_more_than_an_older(&self, other: &Self) -> Result<(), String> {
        let (older, newer) = if self.since <= other.since {
            (self, other)
        } else {
            (other, self)
        };
        let rows = |shown: &Self| {
            let rows = shown.said.values().flatten().chain(&shown.in_group);
            let far = rows.map(|row| (row.line.id.clone(), how_far(&row.delivery)));
            far.collect::<BTreeMap<_, _>>()
        };
        let known = rows(older);
        let more = rows(newer)
            .into_iter()
            .find(|(id, far)| known.get(id).is_some_and(|known| far > known));
        match more {
            None => Ok(()),
            Some((id, _)) => Err(format!("the newer one shows {id} as further than the older one")),
        }
    }

    fn with(&self, other: &str) -> Vec<Line> {
        let said = self.said.get(other).into_iter().flatten();
        said.map(|own| own.line.clone()).collect()
    }

    pub(crate) fn is_member(&self) -> bool {
        let state = self.place.as_ref().map(|place| &place.state);
        state == Some(&PlaceStateView::Member)
    }

    pub(crate) fn standing(&self, other: &str) -> StandingView {
        self.known[other].standing
    }
}

impl Line {
    fn of(row: &MessageView) -> Self {
        Self {
            id: row.id.clone(),
            author: row.author.clone(),
            body: row.body.clone(),
            edited: row.edited_at.is_some(),
            reactions: row
                .reactions
                .iter()
                .map(|reaction| (reaction.emoji.clone(), reaction.count))
                .collect(),
            sequence: row.position.sequence,
        }
    }
}

impl OwnLine {
    fn of(row: &MessageView) -> Self {
        Self {
            line: Line::of(row),
            sent_at: row.sent_at,
            delivery: row.delivery.clone(),
            missing_before: row.missing_before,
        }
    }
}

impl Known {
    fn of(profile: ProfileView) -> Self {
        Self {
            standing: profile.standing,
            safety_number: profile.safety_number,
            disputed: profile.disputed,
            devices: profile.devices,
            changes: profile
                .changes
                .into_iter()
                .map(|change| (change.at, change.what, change.by))
                .collect(),
        }
    }
}

fn how_far(delivery: &DeliveryView) -> u8 {
    match delivery {
        DeliveryView::Delivered => 1,
        DeliveryView::Read => 2,
        _ => 0,
    }
}

fn words(body: &BodyView) -> String {
    match body {
        BodyView::Text { text } => text.clone(),
        other => format!("{other:?}"),
    }
}

fn notice(row: &MessageView) -> Option<NoticeView> {
    match &row.body {
        BodyView::Notice { notice } => Some(notice.clone()),
        _ => None,
    }
}

/// Links of invites are known where they were made; what came before a device was there is not news to it.
fn without_own(mut place: PlaceView) -> PlaceView {
    place.unread = 0;
    for invite in &mut place.invites {
        invite.link = None;
    }
    place
}

/// What all members see of a group.
fn shared(place: &PlaceView) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (place.title.clone(), place.topic.clone(), place.owner.clone()),
        (place.members, place.roles.clone(), place.policy.clone()),
        place.disputed.clone(),
    )
}

/// Says where two things differ.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, one: &T, other: &T) -> Result<(), String> {
    if one == other {
        Ok(())
    } else {
        Err(format!("{what}:\n  {one:?}\n  {other:?}"))
    }
}

/// What everybody's devices show, by person.
pub(crate) async fn shown(cast: &Cast) -> Vec<Vec<Shown>> {
    let mut all = Vec::new();
    for (who, folk) in cast.folk.iter().enumerate() {
        let mut devices = Vec::new();
        for device in &folk.devices {
            devices.push(Shown::on(cast, who, device).await);
        }
        all.push(devices);
    }
    all
}

/// Whether all is equal that has to be.
pub(crate) fn compare(all: &[Vec<Shown>]) -> Result<(), String> {
    for (name, devices) in NAMES.iter().zip(all) {
        let [first, others @ ..] = devices.as_slice() else {
            return Err(format!("{name} has no device"));
        };
        for (at, other) in others.iter().enumerate() {
            let what = |what: &str| format!("{name}'s devices 0 and {}: {what}", at + 1);
            first
                .claims_no_more_than_an_older(other)
                .map_err(|claim| what(&claim))?;
            let (first, other) = (&first.beside(other), &other.beside(first));
            same(&what("own devices"), &first.devices, &other.devices)?;
            for with in first.said.keys() {
                same(
                    &what(&format!("what was said with {with}")),
                    &first.said[with],
                    &other.said[with],
                )?;
                same(&what(with), &first.known[with], &other.known[with])?;
            }
            same(&what("the group"), &first.place, &other.place)?;
            same(&what("members"), &first.members, &other.members)?;
            same(&what("group messages"), &first.in_group, &other.in_group)?;
            same(&what("notices"), &first.notices, &other.notices)?;
            same(&what("chats"), &first.chats, &other.chats)?;
            same(&what("anything"), first, other)?;
        }
        let rows = first.said.values().flatten().chain(&first.in_group);
        if let Some(gap) = rows.into_iter().find(|row| row.missing_before > 0) {
            return Err(format!("{name} misses something before {gap:?}"));
        }
    }
    for (who, name) in NAMES.iter().enumerate() {
        for (other, with) in NAMES.iter().enumerate().skip(who + 1) {
            let (one, two) = (&all[who][0], &all[other][0]);
            same(
                &format!("what {name} and {with} said"),
                &one.with(with),
                &two.with(name),
            )?;
            let numbers = |shown: &Shown, of: &str| shown.known[of].safety_number.clone();
            same("the safety number", &numbers(one, with), &numbers(two, name))?;
            for of in NAMES {
                let count = |shown: &Shown| (shown.known[of].devices, shown.known[of].changes.len());
                same(
                    &format!("{of}'s log at {name} and {with}"),
                    &count(one),
                    &count(two),
                )?;
            }
            if one.is_member() && two.is_member() {
                let view = |shown: &Shown| shown.place.as_ref().map(shared);
                same(&format!("the group of {name} and {with}"), &view(one), &view(two))?;
                let members = |shown: &Shown| {
                    let members = shown.members.iter();
                    let seen =
                        members.map(|member| (member.account.clone(), member.roles.clone(), member.joined));
                    seen.collect::<Vec<_>>()
                };
                same(
                    &format!("members at {name} and {with}"),
                    &members(one),
                    &members(two),
                )?;
            }
        }
    }
    Ok(())
}

/// Waits until all is equal that has to be, and `more` holds; gives what is shown then.
pub(crate) async fn agree(
    cast: &Cast,
    more: impl Fn(&[Vec<Shown>]) -> Result<(), String>,
) -> Vec<Vec<Shown>> {
    agree_but_for(cast, |_| {}, more).await
}

/// What somebody said who was put out by a device that had not seen it yet, or left by another device of their own:
/// whoever opened it before keeps it, others refuse it or never show it, as `docs/protocol.md` says. It is left out
/// everywhere.
fn what_was_cut_off(all: &mut [Vec<Shown>]) {
    let not_genuine = BodyView::Lost {
        why: LossView::NotGenuine,
    };
    let rows = all.iter().flatten().flat_map(|shown| &shown.in_group);
    let cut: BTreeSet<String> = rows
        .filter(|row| row.line.body == not_genuine)
        .map(|row| row.line.id.clone())
        .collect();
    let departed: BTreeSet<String> = all
        .iter()
        .flatten()
        .flat_map(|shown| &shown.notices)
        .filter_map(|notice| match notice {
            NoticeView::Left { account } | NoticeView::Removed { account, .. } => Some(account.clone()),
            _ => None,
        })
        .collect();
    let everywhere = all
        .iter()
        .flatten()
        .map(|shown| shown.in_group.iter().map(|row| row.line.id.clone()).collect())
        .reduce(|one: BTreeSet<String>, other| &one & &other)
        .unwrap_or_default();
    for shown in all.iter_mut().flatten() {
        shown.in_group.retain(|row| {
            let may_be_cut = departed.contains(&row.line.author) && !everywhere.contains(&row.line.id);
            !cut.contains(&row.line.id) && !may_be_cut
        });
    }
}

/// Besides [`what_was_cut_off`], what somebody wrote who was put out before it left their device: it was refused, and
/// stays on that device until it is tried again or discarded.
pub(crate) fn what_was_said_by_those_put_out(all: &mut [Vec<Shown>]) {
    what_was_cut_off(all);
    for shown in all.iter_mut().flatten() {
        shown
            .in_group
            .retain(|row| !matches!(row.delivery, DeliveryView::Failed { .. }));
    }
}

/// As [`agree`], but for what `leave_out` takes away before.
pub(crate) async fn agree_but_for(
    cast: &Cast,
    leave_out: impl Fn(&mut [Vec<Shown>]),
    more: impl Fn(&[Vec<Shown>]) -> Result<(), String>,
) -> Vec<Vec<Shown>> {
    let found = std::cell::RefCell::new(Vec::new());
    cast.device(0, 0)
        .waits("the same on all devices", async || {
            let mut all = shown(cast).await;
            leave_out(&mut all);
            compare(&all)?;
            more(&all)?;
            *found.borrow_mut() = all;
            Ok(())
        })
        .await;
    found.into_inner()
}

/// Each person reads all chats on one device: then nothing is unread on any.
pub(crate) async fn everybody_reads_everything(cast: &Cast) {
    for folk in &cast.folk {
        let [reader, ..] = folk.devices.as_slice() else {
            panic!("{} has no device", folk.name);
        };
        for chat in reader.device().list_chats().await.expect("chats") {
            let room: RoomId = chat.room.parse().expect("a room");
            let rows = reader.device().list_messages(room, None, 10_000).await;
            let rows = rows.expect("a timeline");
            let last = rows.iter().rev().find(|row| row.position.sequence.is_some());
            if let Some(last) = last {
                let id = last.id.parse().expect("an id");
                reader.device().mark_read(room, id).await.expect("read");
            }
        }
    }
    cast.passes(HOUR).await;
    for folk in &cast.folk {
        for device in &folk.devices {
            device
                .waits("everything to be read", async || {
                    is_read(device, &folk.devices[0]).await
                })
                .await;
        }
    }
}

/// Whether nothing is unread on a device but what the reader's refused, as [`what_was_cut_off`] says: there it cannot be
/// read.
async fn is_read(device: &Person, reader: &Person) -> Result<(), String> {
    for chat in device.device().list_chats().await.expect("chats") {
        let room: RoomId = chat.room.parse().expect("a room");
        let shown = async |on: &Person| {
            let rows = on.device().list_messages(room, None, 10_000).await;
            let rows = rows.expect("a timeline").into_iter();
            let said = rows.filter(|row| !row.mine && notice(row).is_none());
            said.map(|row| row.id).collect::<BTreeSet<_>>()
        };
        let unread = usize::try_from(chat.unread).expect("a small number");
        if unread > 0 {
            let (here, there) = (shown(device).await, shown(reader).await);
            if unread > here.difference(&there).count() {
                return Err(format!(
                    "{:?}: {unread} unread at {}, which shows {} that the reader does not; the reader has {} more",
                    chat.title,
                    device.name(),
                    here.difference(&there).count(),
                    there.difference(&here).count(),
                ));
            }
        }
    }
    Ok(())
}

/// Closes everything and compares the logs on each disk with the server's.
pub(crate) async fn logs_are_the_servers(cast: Cast) {
    let Cast {
        world, folk, group, ..
    } = cast;
    let accounts: Vec<_> = folk.iter().map(|folk| (folk.name, folk.account)).collect();
    let mut disks = Vec::new();
    for folk in folk {
        for device in folk.devices {
            let number = number_of(&device).await;
            disks.push((folk.name, folk.account, number, device.data().to_owned()));
            device.closes().await;
        }
    }
    world.server_stops().await;
    let database = Connection::open(world.server_data().join("conclave.db")).expect("the database");
    for (name, own, number, disk) in disks {
        let store = open_store(&disk);
        for (other, account) in &accounts {
            let bytes = entries(&database, "entries WHERE account", &account.0);
            let server = AccountChain::verify(*account, bytes.iter().map(Vec::as_slice)).expect("a chain");
            let here = account_here(&store, own, *account);
            let what = format!("the log of {other} at {name}'s device {}", number.0);
            assert_eq!(here, Some((server.head(), server.head_hash())), "{what}");
        }
        let bytes = entries(&database, "place_entries WHERE place", &group.place.0);
        let server = RoomChain::verify(group.place, bytes.iter().map(Vec::as_slice)).expect("a chain");
        let key = [b"place/", group.place.0.as_slice()].concat();
        let record = store.find_record(Table::Places, &key).expect("the store is read");
        let here = record.map(|record| {
            let chain = first_bytes(&record);
            let chain = RoomChain::from_bytes(&chain).expect("a chain");
            (chain.head(), chain.head_hash())
        });
        let is_member = server.state().member(own).is_some();
        if is_member {
            let what = format!("the group's log at {name}'s device {}", number.0);
            assert_eq!(here, Some((server.head(), server.head_hash())), "{what}");
        }
    }
}

fn entries(database: &Connection, of: &str, id: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut statement = database
        .prepare(&format!("SELECT bytes FROM {of} = ?1 ORDER BY sequence"))
        .expect("a statement");
    let rows = statement.query_map([id.as_slice()], |row| row.get(0));
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

fn open_store(folder: &Path) -> Store {
    let key: [u8; 32] = std::fs::read(folder.join("device.key"))
        .expect("a key")
        .try_into()
        .expect("of 32 bytes");
    Store::open_native(&folder.join("device.db"), &StoreKey::from_bytes(key)).expect("a store")
}

/// Head of an account's log on a disk.
fn account_here(store: &Store, own: AccountId, account: AccountId) -> Option<(u32, Hash)> {
    let entries = if account == own {
        own_entries(store)
    } else {
        let record = store.find_record(Table::Contacts, &account.0);
        contact_entries(&record.expect("the store is read")?)
    };
    let chain = AccountChain::verify(account, entries.iter().map(Vec::as_slice)).expect("a chain");
    Some((chain.head(), chain.head_hash()))
}

/// The entries of the own account, as `client/own.rs` stores them.
fn own_entries(store: &Store) -> Vec<Vec<u8>> {
    let record = store.find_record(Table::Own, b"identity");
    let record = record.expect("the store is read").expect("an account");
    list_at(&record, 6)
}

/// The entries of somebody, as `client/people.rs` stores them.
fn contact_entries(record: &[u8]) -> Vec<Vec<u8>> {
    list_at(record, 1)
}

/// The bytes that are a record's first field.
fn first_bytes(record: &[u8]) -> Vec<u8> {
    let mut decoder = minicbor::Decoder::new(record);
    decoder.array().expect("a record");
    decoder.bytes().expect("bytes").to_vec()
}

/// The list of byte strings at a field of a record.
fn list_at(record: &[u8], field: usize) -> Vec<Vec<u8>> {
    let mut decoder = minicbor::Decoder::new(record);
    decoder.array().expect("a record");
    for _ in 0..field {
        decoder.skip().expect("a field");
    }
    let count = decoder.array().expect("a list").expect("of known length");
    let items = (0..count).map(|_| decoder.bytes().expect("bytes").to_vec());
    items.collect()
}
