//! Several devices that set things, in whatever order they hear of each other.

use conclave_protocol::push::{PushLevel, PushRoom};
use conclave_protocol::{AccountId, DeviceId, RoomId, Timestamp};
use proptest::prelude::*;

use super::entry::{Field, NAME_MAX, PersonField, VALUE_MAX, chat_name, person_name, setting_name};
use super::views::{ChatChange, FolderView, NotificationLevel};
use super::*;
use crate::views::{ChatKindView, ChatView, PostingView};
use crate::work::testing::{Account, EmptyStore, rng};

const START: Timestamp = Timestamp(1_800_000_000_000);
const PEER: AccountId = AccountId([2; 32]);

/// A device in one long handling: its work is all that it has.
fn with_device<T>(account: &Account, device: u32, work: impl FnOnce(&mut Engine, &mut Work<'_>) -> T) -> T {
    let mut rng = rng();
    let mut handling = Work::new(&EmptyStore, &mut rng, START);
    handling.put_own(&account.own(device));
    handling.ensure_room(room(account), PEER, "mia", true).unwrap();
    work(&mut Engine::new(true), &mut handling)
}

fn account() -> Account {
    let mut account = Account::new(1);
    account.adds(0);
    account.adds(0);
    account
}

fn room(account: &Account) -> RoomId {
    RoomId::direct(account.id(), PEER)
}

fn set_chat(engine: &mut Engine, work: &mut Work<'_>, room: RoomId, change: ChatChange) {
    engine.set_chat(work, 1, room, &change).unwrap();
}

/// A chat of which nothing is set.
pub(super) fn plain(room: RoomId, active_at: u64) -> ChatView {
    ChatView {
        room: room.to_string(),
        kind: ChatKindView::Direct,
        title: None,
        saved: false,
        person: None,
        place: None,
        posting: PostingView::Allowed,
        last: None,
        unread: 0,
        active_at,
        disappearing: 0,
        favourite: false,
        muted_until: None,
        archived: false,
        marked_unread: false,
        level: NotificationLevel::Everything,
        draft: None,
        request: false,
        blocked: false,
    }
}

/// How the chat is shown at a time, where something happened in it at another one.
fn shown(work: &Work<'_>, room: RoomId, active_at: u64, now: Timestamp) -> ChatView {
    let mut view = plain(room, active_at);
    if let Some(settings) = work.chat_settings().unwrap().remove(&room) {
        settings.show(&mut view, now);
    }
    view
}

pub(super) fn entry(name: Vec<u8>, value: Option<&[u8]>, at: u64, device: u32) -> Entry {
    Entry {
        name: Bytes(name),
        value: value.map(|value| Bytes(value.to_vec())),
        at: Timestamp(at),
        device: DeviceId(device),
    }
}

#[test]
fn what_is_set_of_a_chat_is_shown_until_it_is_taken_back() {
    let account = account();
    let room = room(&account);
    with_device(&account, 0, |engine, work| {
        let all = ChatChange {
            favourite: Some(true),
            muted_until: Some(START.0 + 1_000),
            marked_unread: Some(true),
            level: Some(NotificationLevel::Mentions),
            archived: None,
        };
        set_chat(engine, work, room, all);
        engine
            .save_draft(work, 1, room, Some("half a tho".into()))
            .unwrap();
        let view = shown(work, room, 0, START);
        assert!(view.favourite && view.marked_unread && !view.archived);
        assert_eq!(view.muted_until, Some(START.0 + 1_000));
        assert_eq!(view.level, NotificationLevel::Mentions);
        assert_eq!(view.draft.as_deref(), Some("half a tho"));
        // A mute ends by itself.
        assert_eq!(shown(work, room, 0, START.plus(1_000)).muted_until, None);

        engine.unmark(work, room).unwrap();
        engine.save_draft(work, 1, room, Some("  \n".into())).unwrap();
        let none = ChatChange {
            favourite: Some(false),
            muted_until: Some(0),
            level: Some(NotificationLevel::Everything),
            ..ChatChange::default()
        };
        set_chat(engine, work, room, none);
        assert_eq!(shown(work, room, 5, START), plain(room, 5));
    });
}

#[test]
fn an_archived_chat_comes_back_when_something_happens_in_it_unless_it_is_muted() {
    let account = account();
    let room = room(&account);
    with_device(&account, 0, |engine, work| {
        let archived = Some(true);
        set_chat(
            engine,
            work,
            room,
            ChatChange {
                archived,
                ..ChatChange::default()
            },
        );
        assert!(shown(work, room, START.0, START).archived);
        assert!(!shown(work, room, START.0 + 1, START).archived);
        let muted_until = Some(MUTED_FOREVER);
        set_chat(
            engine,
            work,
            room,
            ChatChange {
                muted_until,
                ..ChatChange::default()
            },
        );
        assert!(shown(work, room, START.0 + 1, START).archived);
    });
}

#[test]
fn a_chat_that_is_not_here_is_set_nothing() {
    let account = account();
    with_device(&account, 0, |engine, work| {
        engine.asks_are_open([7, 8]);
        let nowhere = RoomId([9; 32]);
        engine.set_chat(work, 7, nowhere, &ChatChange::default()).unwrap();
        engine.save_draft(work, 8, nowhere, Some("x".into())).unwrap();
        assert!(work.chat_settings().unwrap().is_empty());
    });
}

#[test]
fn what_was_set_waits_to_be_told_and_recorded_and_a_text_that_is_too_long_stays_here() {
    let account = account();
    let room = room(&account);
    with_device(&account, 0, |engine, work| {
        engine
            .save_draft(work, 1, room, Some("x".repeat(VALUE_MAX)))
            .unwrap();
        let waits = |work: &Work<'_>, table| work.list_bytes(table, &[], 100).unwrap().len();
        assert_eq!(waits(work, Table::UserStoreQueue), 0);
        assert_eq!(waits(work, Table::VaultQueue), 0);
        assert_eq!(
            shown(work, room, 0, START).draft.map(|draft| draft.len()),
            Some(VALUE_MAX)
        );
        // Of what is typed on and on one entry waits, and the one that was set last.
        for length in 1..5 {
            engine
                .save_draft(work, 1, room, Some("x".repeat(length)))
                .unwrap();
        }
        assert_eq!(waits(work, Table::UserStoreQueue), 1);
        assert_eq!(waits(work, Table::VaultQueue), 1);
    });
}

#[test]
fn what_is_set_anew_is_later_also_behind_a_clock_that_was_ahead() {
    let account = account();
    let room = room(&account);
    with_device(&account, 0, |engine, work| {
        let name = chat_name(room, Field::Favourite);
        let ahead = entry(name.clone(), Some(&[0xF5]), START.0 + 1_000_000, 2);
        engine.hear_set(work, vec![ahead]).unwrap();
        assert!(shown(work, room, 0, START).favourite);
        let favourite = Some(false);
        set_chat(
            engine,
            work,
            room,
            ChatChange {
                favourite,
                ..ChatChange::default()
            },
        );
        assert_eq!(
            work.entry(&name).unwrap().unwrap().at,
            Timestamp(START.0 + 1_000_001)
        );
        assert!(!shown(work, room, 0, START).favourite);
    });
}

#[test]
fn what_a_later_version_sets_is_kept_and_what_is_too_large_is_not() {
    let account = account();
    with_device(&account, 0, |engine, work| {
        let unknown = entry(b"x/something".to_vec(), Some(&[1, 2, 3]), 5, 1);
        let long_name = entry(vec![b'x'; NAME_MAX + 1], Some(&[]), 5, 1);
        let long_value = entry(b"y".to_vec(), Some(&[0; VALUE_MAX + 1]), 5, 1);
        let nameless = entry(Vec::new(), None, 5, 1);
        let told = vec![unknown.clone(), long_name, long_value, nameless];
        engine.hear_set(work, told).unwrap();
        let kept: Vec<(Vec<u8>, Entry)> = work.list(Table::UserStore, 100).unwrap();
        assert_eq!(kept, [(b"x/something".to_vec(), unknown)]);
        // A value of a form that is not known counts as not set.
        let room = room(&account);
        let odd = entry(chat_name(room, Field::Level), Some(b"odd"), 5, 1);
        engine.hear_set(work, vec![odd]).unwrap();
        assert_eq!(shown(work, room, 0, START).level, NotificationLevel::Everything);
    });
}

#[test]
fn folders_are_made_changed_and_deleted_within_their_bounds() {
    let account = account();
    with_device(&account, 0, |engine, work| {
        let rooms = vec![RoomId([2; 32]), RoomId([1; 32]), RoomId([2; 32])];
        engine.asks_are_open(1..20);
        engine.set_folder(work, 1, None, " Boats ", rooms).unwrap();
        let [FolderView { id, name, rooms }] = work.folders().unwrap().try_into().unwrap();
        assert_eq!((name.as_str(), rooms.len()), ("Boats", 2));
        let known = folder_id(&id).unwrap();
        engine
            .set_folder(work, 2, Some(known), "Ships", Vec::new())
            .unwrap();
        assert_eq!(work.folders().unwrap()[0].name, "Ships");
        for name in ["", " ", "a\nb", &"x".repeat(33)] {
            engine.set_folder(work, 3, None, name, Vec::new()).unwrap();
        }
        let many = (0..46).map(|n| RoomId([n; 32])).collect();
        engine.set_folder(work, 4, None, "Many", many).unwrap();
        engine
            .set_folder(work, 5, Some([9; 8]), "Gone", Vec::new())
            .unwrap();
        assert_eq!(work.folders().unwrap().len(), 1);
        engine.delete_folder(work, 6, known).unwrap();
        assert!(work.folders().unwrap().is_empty());
        assert_eq!(folder_id("00"), None);
        assert_eq!(folder_id("+00000000000000f"), None);
    });
}

#[test]
fn as_much_as_is_told_at_once_fits_one_pairwise_message() {
    let fits = |entries: Vec<Entry>| {
        let bytes = minicbor::to_vec(Control::UserStore(entries)).unwrap();
        conclave_crypto::pad(&bytes).len() < conclave_protocol::limits::PAIRWISE_MAX - 1_129 - 256
    };
    let longest = entry(vec![b'x'; NAME_MAX], Some(&[0; VALUE_MAX]), u64::MAX, u32::MAX);
    assert!(longest.size() <= BATCH_BYTES);
    assert!(fits(vec![longest]));
    let small = entry(vec![b'x'; 34], Some(&[0xF5]), u64::MAX, u32::MAX);
    assert!(fits(vec![small.clone(); BATCH_BYTES / small.size()]));
    // The largest folder is told, too.
    let rooms = minicbor::to_vec(("x".repeat(32 * 4), vec![RoomId([1; 32]); 45])).unwrap();
    assert!(rooms.len() <= VALUE_MAX, "{}", rooms.len());
}

#[test]
fn the_form_of_what_own_devices_tell_is_pinned() {
    use std::fmt::Write as _;

    let told = Control::UserStore(vec![entry(setting_name("a"), None, 5, 3)]);
    let bytes = minicbor::to_vec(told).unwrap();
    let hex: String = bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    });
    assert_eq!(hex, "82181e8181844273 61f60503".replace(' ', ""));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Each device sets some things; each then hears all of the others in an order of its own, some of it twice.
    #[test]
    fn devices_come_to_the_same_whatever_the_order_in_which_they_hear(
        sets in prop::collection::vec((0..3_usize, 0..4_u8, prop::option::of(0..3_u8), 0..3_u64), 1..24),
        order in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let account = account();
        let mut told: [Vec<Entry>; 3] = Default::default();
        for (device, told) in told.iter_mut().enumerate() {
            with_device(&account, u32::try_from(device).unwrap(), |engine, work| {
                for (_, name, value, later) in sets.iter().filter(|(by, ..)| *by == device) {
                    work.now = Timestamp(work.now.0 + later);
                    engine.set(work, vec![b'n', *name], value.map(|value| vec![value])).unwrap();
                    told.extend(work.entry(&[b'n', *name]).unwrap());
                }
            });
        }
        let mut ends = Vec::new();
        for device in 0..3 {
            let mut heard: Vec<Entry> = told.concat();
            for (at, index) in order.iter().enumerate().take(heard.len()) {
                let other = (index.index(heard.len()) + device) % heard.len();
                heard.swap(at, other);
            }
            let again: Vec<Entry> = heard.iter().take(3).cloned().collect();
            let end = with_device(&account, 0, |engine, work| {
                engine.hear_set(work, told[device].clone()).unwrap();
                for entry in heard.into_iter().chain(again) {
                    engine.hear_set(work, vec![entry]).unwrap();
                }
                work.list::<Entry>(Table::UserStore, 100).unwrap()
            });
            ends.push(end);
        }
        prop_assert_eq!(&ends[0], &ends[1]);
        prop_assert_eq!(&ends[0], &ends[2]);
    }

    #[test]
    fn no_value_of_a_field_makes_a_reader_panic(field in 0..8_u8, value in prop::collection::vec(any::<u8>(), 0..40)) {
        let account = account();
        let room = room(&account);
        with_device(&account, 0, |engine, work| {
            let name = [&b"r"[..], &room.0, &[field]].concat();
            engine.hear_set(work, vec![entry(name, Some(&value), 5, 1)]).unwrap();
            let _ = shown(work, room, 0, START);
        });
    }
}

#[test]
fn muted_chats_and_quiet_ones_do_not_wake_the_device_and_mentions_wake_it_softly() {
    let account = account();
    let room = room(&account);
    with_device(&account, 0, |engine, work| {
        let mut quiet = |change: ChatChange| {
            set_chat(engine, work, room, change);
            let found = work.quiet_rooms().unwrap();
            assert!(found.iter().all(|quiet| quiet.room == room));
            found
                .into_iter()
                .map(|quiet| (quiet.level, quiet.until))
                .collect::<Vec<_>>()
        };
        let level = |level| ChatChange {
            level: Some(level),
            ..ChatChange::default()
        };
        let muted = |until| ChatChange {
            muted_until: Some(until),
            ..ChatChange::default()
        };
        let (never, softly) = (PushLevel::Never, PushLevel::Softly);
        assert_eq!(quiet(ChatChange::default()), []);
        assert_eq!(quiet(level(NotificationLevel::Mentions)), [(softly, None)]);
        assert_eq!(quiet(level(NotificationLevel::Nothing)), [(never, None)]);
        assert_eq!(quiet(level(NotificationLevel::Everything)), []);
        assert_eq!(quiet(muted(START.0 + 9)), [(never, Some(START.0 + 9))]);
        assert_eq!(quiet(muted(MUTED_FOREVER)), [(never, None)]);
        assert_eq!(quiet(muted(START.0)), [], "a mute ends by itself");
    });
}

#[test]
fn who_is_blocked_does_not_wake_the_device() {
    let account = account();
    with_device(&account, 0, |engine, work| {
        let blocked = person_name(PEER, PersonField::Blocked);
        assert!(engine.set(work, blocked, minicbor::to_vec(true).ok()).unwrap());
        let expected = PushRoom {
            room: room(&account),
            level: PushLevel::Never,
            until: None,
        };
        assert_eq!(work.quiet_rooms().unwrap(), [expected]);
    });
}
