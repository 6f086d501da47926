//! What is found, and what is not any more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use conclave_client::search::views::{SearchHitView, SearchPosition};
use conclave_client::search::{Search, Term};
use conclave_client::{Act, Annotation, Applies as _, Change, Delivery, MessageBody, MessageRow, ReadError};
use conclave_protocol::{AccountId, RoomId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{FRIEND, ROOM, file_store, message, room};
use crate::{SearchError, Store};

const OWN: AccountId = AccountId([1; 32]);
const OTHER: RoomId = RoomId([8; 32]);
const BEGIN: u64 = 1_700_000_000_000;

fn search() -> Search {
    Search {
        own: OWN,
        terms: Vec::new(),
        authors: Vec::new(),
        rooms: Vec::new(),
        link: false,
        after: None,
        before: None,
    }
}

fn words(words: &str) -> Search {
    let terms = words.split_whitespace().map(|word| Term::Word(word.into()));
    Search {
        terms: terms.collect(),
        ..search()
    }
}

fn phrase(phrase: &str) -> Search {
    Search {
        terms: vec![Term::Phrase(phrase.into())],
        ..search()
    }
}

/// Messages of one minute after the other, numbered from 1.
fn store_of(texts: &[&str]) -> Store {
    let mut store = Store::open_in_memory().unwrap();
    let rows = (1..)
        .zip(texts)
        .map(|(number, text)| Change::PutMessage(said(number, text)));
    store.apply(rows.collect()).unwrap();
    store
}

fn said(number: u64, text: &str) -> MessageRow {
    MessageRow {
        sent_at: Timestamp(BEGIN + number * 60_000),
        body: MessageBody::Text(text.into()),
        ..message(number, Some(number))
    }
}

fn hits(store: &Store, search: &Search) -> Vec<SearchHitView> {
    store
        .carry_out(search, None, 100, |_| Ok(false), |_| Ok(None))
        .unwrap()
        .hits
}

/// Numbers of the messages that are found, in order.
fn found(store: &Store, search: &Search) -> Vec<u64> {
    hits(store, search)
        .iter()
        .map(|hit| hit.position.ordinal)
        .collect()
}

/// The words that are shown as found.
fn matched(hit: &SearchHitView) -> Vec<String> {
    let units: Vec<u16> = hit.excerpt.encode_utf16().collect();
    let part = |(from, to): &(u32, u32)| String::from_utf16(&units[*from as usize..*to as usize]).unwrap();
    hit.matches.iter().map(part).collect()
}

/// The index holds exactly what the messages say.
fn is_whole(store: &Store) -> bool {
    let check = "INSERT INTO search (search, rank) VALUES ('integrity-check', 1)";
    store.connection.execute_batch(check).is_ok()
}

#[test]
fn words_are_found_by_their_beginnings_newest_first_whatever_their_case_and_accents() {
    let store = store_of(&["The early BOAT", "no bôats today", "a coat", "früh, sehr früh"]);
    assert_eq!(found(&store, &words("boat")), [2, 1]);
    assert_eq!(found(&store, &words("BOÄT early")), [1]);
    assert_eq!(found(&store, &words("fruh")), [4]);
    assert_eq!(matched(&hits(&store, &words("boat"))[0]), ["bôats"]);
    assert_eq!(matched(&hits(&store, &words("früh"))[0]), ["früh", "früh"]);
    // One letter is a word and no beginning.
    assert_eq!(found(&store, &words("a")), [3]);
    assert!(found(&store, &words("boat coat")).is_empty());
}

#[test]
fn a_phrase_is_found_as_it_stands() {
    let store = store_of(&[
        "see you at the pier",
        "at you the pier see",
        "See you, at the pier!",
    ]);
    assert_eq!(found(&store, &phrase("you at the pier")), [3, 1]);
    assert!(found(&store, &phrase("you at pier")).is_empty());
    assert!(found(&store, &phrase("the pie")).is_empty());
}

#[test]
fn a_part_of_a_word_is_found_where_no_word_begins_so() {
    let store = store_of(&["Das Hausboot liegt", "zwei Hausböote", "ein Boot", "nichts"]);
    assert_eq!(found(&store, &words("boot")), [3], "whole words come first");
    assert_eq!(found(&store, &words("ausBOO liegt")), [1]);
    assert_eq!(found(&store, &words("böot liegt")), [1]);
    assert_eq!(matched(&hits(&store, &words("sboo"))[0]), ["Hausböote"]);
    assert!(found(&store, &words("usb xyz")).is_empty());
    assert!(
        found(&store, &words("au")).is_empty(),
        "two letters are inside of everything"
    );
    // What stands in the index beside texts is not found.
    assert!(found(&store, &words("070707")).is_empty());
}

#[test]
fn writing_without_spaces_is_found_by_any_part_and_pictures_too() {
    let store = store_of(&[
        "東京タワーへ行きます",
        "京都に行く",
        "ฉันไปตลาด",
        "서울에서 만나요",
        "good 👍🏽 morning",
    ]);
    assert_eq!(found(&store, &words("京")), [2, 1]);
    assert_eq!(found(&store, &words("東京")), [1]);
    assert_eq!(found(&store, &words("タワー")), [1]);
    assert_eq!(matched(&hits(&store, &words("行き"))[0]), ["行き"]);
    assert_eq!(found(&store, &words("ตลาด")), [3]);
    assert_eq!(found(&store, &words("에서")), [4]);
    assert_eq!(found(&store, &words("👍")), [5]);
    assert!(found(&store, &words("京東")).is_empty());
}

#[test]
fn nothing_that_is_typed_is_syntax() {
    let store = store_of(&[
        "NOT a AND b OR c NEAR d",
        "text : star* ^first {x} (y) \"quoted\" -minus a:b",
    ]);
    assert_eq!(found(&store, &words("NOT AND OR NEAR")), [1]);
    assert_eq!(found(&store, &words("text:star* \"quoted\" {x} (y)")), [2]);
    assert_eq!(found(&store, &phrase("first {x} (y) \"quoted\" -minus")), [2]);
    for typed in ["\"", "*", "^", "(", "a\"b", "a\0b", "scope:", "\u{1}\u{2}\u{1f}"] {
        let _ = found(&store, &words(typed));
        let _ = found(&store, &phrase(typed));
    }
}

#[test]
fn people_chats_links_and_times_narrow_what_is_found() {
    let mut store = store_of(&[
        "boat one",
        "boat two https://example.org/x",
        "boat three",
        "other",
    ]);
    let row = |number: u64, text: &str, room, author, mine| MessageRow {
        room,
        author,
        mine,
        delivery: if mine { Delivery::Sent } else { Delivery::Received },
        ..said(number, text)
    };
    store
        .apply(vec![
            Change::PutRoom(room(ROOM, 1, 0)),
            Change::PutRoom(conclave_client::RoomRow {
                kind: conclave_client::RoomKind::Direct {
                    peer: OWN,
                    username: "me".into(),
                },
                ..room(OTHER, 1, 0)
            }),
            Change::PutMessage(row(5, "boat five", ROOM, OWN, true)),
            Change::PutMessage(row(6, "boat six", OTHER, OWN, true)),
        ])
        .unwrap();
    let by = |author| Search {
        authors: vec![author],
        ..words("boat")
    };
    assert_eq!(found(&store, &by(OWN)), [6, 5]);
    assert_eq!(found(&store, &by(FRIEND)), [3, 2, 1]);
    let both = Search {
        authors: vec![OWN, FRIEND],
        ..search()
    };
    assert_eq!(found(&store, &both), [6, 5, 4, 3, 2, 1]);
    let within = |name: &str| Search {
        rooms: vec![name.into()],
        ..words("boat")
    };
    assert_eq!(found(&store, &within("mia")), [5, 3, 2, 1]);
    assert_eq!(found(&store, &within("ia")), [5, 3, 2, 1]);
    assert_eq!(found(&store, &within("saved")), [6]);
    let unknown = store.carry_out(&within("nobody"), None, 10, |_| Ok(false), |_| Ok(None));
    assert!(matches!(unknown, Err(SearchError::Asked(failure)) if failure.code == "search_in"));
    let links = Search {
        link: true,
        ..search()
    };
    assert_eq!(found(&store, &links), [2]);
    let minute = |number: u64| Some(Timestamp(BEGIN + number * 60_000));
    let between = Search {
        after: minute(2),
        before: minute(5),
        ..search()
    };
    assert_eq!(found(&store, &between), [4, 3, 2]);
    assert_eq!(
        found(
            &store,
            &Search {
                before: minute(2),
                ..words("boat")
            }
        ),
        [1]
    );
    assert!(
        found(
            &store,
            &Search {
                after: minute(7),
                ..search()
            }
        )
        .is_empty()
    );
}

#[test]
fn a_text_that_changes_or_goes_is_not_found_any_more() {
    let mut store = store_of(&["early boat", "late boat"]);
    store
        .apply(vec![Change::PutMessage(said(1, "early coat"))])
        .unwrap();
    assert_eq!(found(&store, &words("boat")), [2]);
    assert_eq!(found(&store, &words("coat")), [1]);
    // A message that was opened later, and one whose text is taken away.
    let closed = |number| MessageRow {
        body: MessageBody::Unopened,
        ..said(number, "")
    };
    store
        .apply(vec![Change::PutMessage(closed(3)), Change::PutMessage(closed(2))])
        .unwrap();
    assert!(found(&store, &words("boat")).is_empty());
    store
        .apply(vec![Change::PutMessage(said(3, "third boat"))])
        .unwrap();
    assert_eq!(found(&store, &words("boat")), [3]);
    // How far it got changes nothing.
    let read = MessageRow {
        delivery: Delivery::Read,
        mine: true,
        ..said(3, "third boat")
    };
    store.apply(vec![Change::PutMessage(read)]).unwrap();
    assert_eq!(found(&store, &words("boat")), [3]);
    store
        .apply(vec![
            Change::DeleteMessage(said(3, "").id),
            Change::DeleteMessage(said(3, "").id),
        ])
        .unwrap();
    assert!(found(&store, &words("boat")).is_empty());
    assert!(is_whole(&store));
    let row = said(4, "fourth boat");
    let clears = Change::ClearRoom {
        room: row.room,
        up_to: row.sequence.unwrap(),
    };
    store.apply(vec![Change::PutMessage(row)]).unwrap();
    assert_eq!(found(&store, &words("boat")), [4]);
    store.apply(vec![clears]).unwrap();
    assert!(found(&store, &words("boat")).is_empty());
    assert!(is_whole(&store));
    store
        .apply(vec![Change::Wipe, Change::PutMessage(said(9, "new boat"))])
        .unwrap();
    assert_eq!(found(&store, &words("boat")), [9]);
    assert!(found(&store, &words("coat")).is_empty());
    assert!(is_whole(&store));
}

/// A message that says how another one was written anew.
fn edit(number: u64, target: u64, revision: u32, text: &str) -> MessageRow {
    let annotation = Annotation {
        target: said(target, "").id,
        revision,
        act: Act::Edit(text.into()),
    };
    MessageRow {
        body: MessageBody::Annotation(annotation),
        ..said(number, "")
    }
}

#[test]
fn of_a_text_that_was_written_anew_the_last_version_is_found() {
    let mut store = store_of(&["early boat", "late boat"]);
    let put = |store: &mut Store, row| {
        store.apply(vec![Change::PutMessage(row)]).unwrap();
        assert!(is_whole(store));
    };
    put(&mut store, edit(11, 1, 0, "early coat"));
    assert_eq!(found(&store, &words("boat")), [2]);
    assert_eq!(found(&store, &words("coat")), [1]);
    assert_eq!(hits(&store, &words("coat"))[0].excerpt, "early coat");
    put(&mut store, edit(13, 1, 1, "early ferry"));
    // An earlier version that comes late, and one by somebody else.
    put(&mut store, edit(12, 1, 0, "early train"));
    put(
        &mut store,
        MessageRow {
            author: OWN,
            ..edit(14, 1, 9, "not theirs")
        },
    );
    assert_eq!(found(&store, &words("early")), [1]);
    assert_eq!(found(&store, &words("ferry")), [1]);
    assert!(found(&store, &words("train")).is_empty());
    assert!(found(&store, &words("theirs")).is_empty());
    // It was refused after all, or is gone.
    let refused = MessageRow {
        body: MessageBody::Removed,
        ..said(13, "")
    };
    put(&mut store, refused);
    assert_eq!(found(&store, &words("train")), [1]);
    store.apply(vec![Change::DeleteMessage(said(12, "").id)]).unwrap();
    assert_eq!(found(&store, &words("coat")), [1]);
    assert!(is_whole(&store));
    // A version that comes before its message.
    put(&mut store, edit(15, 3, 0, "third ferry"));
    assert!(found(&store, &words("ferry")).is_empty());
    put(&mut store, said(3, "third boat"));
    assert_eq!(found(&store, &words("ferry")), [3]);
    put(
        &mut store,
        MessageRow {
            body: MessageBody::Deleted(true),
            ..said(3, "")
        },
    );
    assert!(found(&store, &words("ferry third")).is_empty());
}

#[test]
fn what_was_deleted_is_gone_from_the_index_itself() {
    let mut store = store_of(&["alpha secretword", "alpha beta"]);
    store.apply(vec![Change::DeleteMessage(said(1, "").id)]).unwrap();
    let words = store
        .connection
        .prepare("SELECT term FROM search_words WHERE length(term) < 17 AND term <> 'any'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<Vec<String>, _>>()
        .unwrap();
    assert_eq!(words, ["alpha", "beta"]);
    let mut blocks = store.connection.prepare("SELECT block FROM search_data").unwrap();
    let blocks = blocks.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    for block in blocks {
        let block = block.unwrap();
        assert!(!block.windows(6).any(|part| part == b"secret"), "{block:?}");
    }
}

#[test]
fn a_change_that_fails_leaves_index_and_messages_as_they_were() {
    let mut store = store_of(&["early boat"]);
    let transaction = store.connection.unchecked_transaction().unwrap();
    store.upsert_message(&said(1, "late coat")).unwrap();
    store.upsert_message(&said(2, "late boat")).unwrap();
    transaction.rollback().unwrap();
    assert_eq!(found(&store, &words("boat")), [1]);
    assert!(found(&store, &words("late")).is_empty());
    assert!(is_whole(&store));
    store
        .apply(vec![Change::PutMessage(said(2, "late boat"))])
        .unwrap();
    assert_eq!(found(&store, &words("boat")), [2, 1]);
}

#[test]
fn messages_of_one_moment_are_all_found_also_when_somebody_dates_hundreds_so() {
    let mut store = Store::open_in_memory().unwrap();
    let same = |number| MessageRow {
        sent_at: Timestamp(BEGIN),
        ..said(number, "boat")
    };
    let rows = (1..=600).map(|number| Change::PutMessage(same(number)));
    store.apply(rows.collect()).unwrap();
    let far = MessageRow {
        sent_at: Timestamp(u64::MAX),
        ..said(601, "boat")
    };
    let early = MessageRow {
        sent_at: Timestamp(0),
        ..said(602, "boat")
    };
    store
        .apply(vec![Change::PutMessage(far), Change::PutMessage(early)])
        .unwrap();
    let mut all = pages(&store, &words("boat"), 100);
    assert_eq!((all.first(), all.last()), (Some(&601), Some(&602)));
    all.sort_unstable();
    assert_eq!(all, (1..=602).collect::<Vec<_>>());
    assert!(is_whole(&store));
}

fn pages(store: &Store, search: &Search, limit: u32) -> Vec<u64> {
    let mut all = Vec::new();
    let mut behind: Option<SearchPosition> = None;
    loop {
        let page = store
            .carry_out(search, behind, limit, |_| Ok(false), |_| Ok(None))
            .unwrap();
        assert!(page.hits.len() <= limit as usize);
        all.extend(page.hits.iter().map(|hit| hit.position.ordinal));
        behind = page.next;
        if behind.is_none() {
            return all;
        }
    }
}

#[test]
fn what_was_said_in_a_chat_that_is_in_no_list_is_on_no_page_and_no_page_is_short_for_it() {
    let mut store = store_of(&[]);
    let hidden = RoomId([99; 32]);
    let rows = (1..=30).map(|number| {
        let row = said(number, "boat");
        let room = if number % 3 == 0 { row.room } else { hidden };
        Change::PutMessage(MessageRow { room, ..row })
    });
    store.apply(rows.collect()).unwrap();
    let hides = |room| Ok(room == hidden);
    let mut all = Vec::new();
    let mut behind = None;
    loop {
        let page = store
            .carry_out(&words("boat"), behind, 4, hides, |_| Ok(None))
            .unwrap();
        all.push(
            page.hits
                .iter()
                .map(|hit| hit.position.ordinal)
                .collect::<Vec<_>>(),
        );
        behind = page.next;
        if behind.is_none() {
            break;
        }
    }
    assert_eq!(all, [vec![30, 27, 24, 21], vec![18, 15, 12, 9], vec![6, 3]]);
}

#[test]
fn a_search_that_cannot_look_up_whether_a_chat_is_hidden_says_so_and_shows_nothing() {
    let store = store_of(&["the boat"]);
    let unread = || ReadError("away".into());
    let failed = store.carry_out(&words("boat"), None, 10, |_| Err(unread()), |_| Ok(None));
    assert_eq!(failed, Err(SearchError::Read(unread())));
}

#[test]
fn a_store_from_before_there_was_a_search_is_searched_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut store = Store::open_native(&path, &super::key()).unwrap();
    let rows = (1..=3).map(|number| {
        let row = MessageRow {
            sent_at: Timestamp(BEGIN),
            ..said(number, "early boat")
        };
        Change::PutMessage(row)
    });
    store.apply(rows.collect()).unwrap();
    store
        .connection
        .execute_batch(&format!(
            "DROP TABLE search_words; DROP TABLE search; DROP VIEW searched; DROP TABLE texts;
             PRAGMA user_version = {}",
            crate::schema::VERSION - 1
        ))
        .unwrap();
    store.close().unwrap();
    let store = Store::open_native(&path, &super::key()).unwrap();
    let mut all = found(&store, &words("boat"));
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3]);
    assert!(is_whole(&store));
}

/// A few words that overlap, so that they are found together.
fn texts() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            "[ab]{1,3}",
            Just("東京".to_owned()),
            Just("É!".to_owned()),
            Just("http://a".to_owned())
        ],
        0..6,
    )
    .prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_changes_index_and_messages_stay_one(
        steps in vec((0..12_u64, prop_oneof![texts().prop_map(Some), Just(None)], any::<bool>(), 0..4_u64), 1..60),
        limit in 1..7_u32,
    ) {
        let mut store = Store::open_in_memory().unwrap();
        let mut kept: BTreeMap<u64, (u64, String)> = BTreeMap::new();
        for (number, text, open, time) in steps {
            let change = match &text {
                None => Change::DeleteMessage(said(number, "").id),
                Some(text) => {
                    let body = if open { MessageBody::Text(text.as_str().into()) } else { MessageBody::Unopened };
                    // The time of a message never changes.
                    let time = kept.get(&number).map_or(BEGIN + time * 100_000 + number * 1000, |(time, _)| *time);
                    Change::PutMessage(MessageRow { body, sent_at: Timestamp(time), ..said(number, "") })
                }
            };
            match text {
                None => { kept.remove(&number); }
                Some(text) => {
                    let known = kept.get(&number).map(|(time, _)| *time);
                    let time = known.unwrap_or(BEGIN + time * 100_000 + number * 1000);
                    kept.insert(number, (time, if open { text } else { String::new() }));
                }
            }
            store.apply(vec![change]).unwrap();
            prop_assert!(is_whole(&store));
        }
        for wanted in ["a", "ab", "b", "e", "東", "http"] {
            let fits = |text: &str| text.split_whitespace().any(|word| {
                if wanted.chars().count() == 1 && wanted.is_ascii() {
                    word.trim_end_matches('!').to_lowercase().replace('é', "e") == wanted
                        || wanted == "a" && word == "http://a"
                } else {
                    word.starts_with(wanted)
                }
            });
            let mut expected: Vec<(u64, u64)> = kept.iter()
                .filter(|(_, (_, text))| fits(text))
                .map(|(number, (time, _))| (*time, *number))
                .collect();
            expected.sort_unstable();
            let expected: Vec<u64> = expected.into_iter().rev().map(|(_, number)| number).collect();
            prop_assert_eq!(pages(&store, &words(wanted), limit), expected, "{}", wanted);
        }
    }

    #[test]
    fn no_typed_word_is_an_error_of_the_index(typed in ".{0,40}", other in "[a\"*^():{}\\- \u{1}\u{1f}é東]{0,20}") {
        let store = store_of(&["early boat", "東京 https://example.org"]);
        for text in [typed, other] {
            for term in [Term::Word(text.clone()), Term::Phrase(text)] {
                let asked = Search { terms: vec![term], ..search() };
                prop_assert!(store.carry_out(&asked, None, 10, |_| Ok(false), |_| Ok(None)).is_ok());
            }
        }
    }
}

/// `cargo test -p conclave-store --release -- --ignored --nocapture search_in_a_hundred_thousand`
#[test]
#[ignore = "a measurement"]
#[expect(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a measurement"
)]
fn search_in_a_hundred_thousand_messages() {
    const MESSAGES: u64 = 100_000;
    let (folder, mut store) = file_store();
    let mut chance = 88_172_645_463_325_252_u64;
    let mut draw = |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    let syllables = [
        "ka", "lo", "mi", "ten", "bar", "sul", "or", "we", "ing", "pre", "do", "an", "shi", "vel", "ro", "ti",
    ];
    // Twenty thousand words, some much more frequent than others.
    let lexicon: Vec<String> = (0..20_000)
        .map(|_| (0..2 + draw(3)).map(|_| syllables[draw(16) as usize]).collect())
        .collect();
    let begin = Instant::now();
    for chunk in 0..MESSAGES / 100 {
        let rows = (chunk * 100..chunk * 100 + 100).map(|number| {
            let words: Vec<&str> = (0..4 + draw(14))
                .map(|_| {
                    let most = 1 + draw(20_000);
                    lexicon[draw(most) as usize].as_str()
                })
                .collect();
            let room = RoomId([(number % 200) as u8; 32]);
            Change::PutMessage(MessageRow {
                room,
                ..said(number, &words.join(" "))
            })
        });
        store.apply(rows.collect()).unwrap();
    }
    let rate = MESSAGES as f64 / begin.elapsed().as_secs_f64();
    let size = std::fs::metadata(folder.path().join("device.db")).unwrap().len();
    println!(
        "stored and indexed: {rate:.0} messages a second, {} MB",
        size >> 20
    );
    for (id, name) in [(0_u8, "mia"), (1, "noa")] {
        let row = conclave_client::RoomRow {
            title: name.into(),
            ..room(RoomId([id; 32]), 1, 0)
        };
        store.apply(vec![Change::PutRoom(row)]).unwrap();
    }
    let common = lexicon[0].as_str();
    let rare = lexicon[19_990].as_str();
    let minute = |number: u64| Some(Timestamp(BEGIN + number * 60_000));
    let rows = [
        ("a common word", words(common)),
        ("a rare word", words(rare)),
        ("two words", words(&format!("{common} {}", lexicon[1]))),
        ("a beginning of two letters", words(&common[..2])),
        ("a phrase", phrase(&format!("{common} {}", lexicon[2]))),
        (
            "a word in one chat",
            Search {
                rooms: vec!["mia".into()],
                ..words(common)
            },
        ),
        (
            "one chat, no word",
            Search {
                rooms: vec!["noa".into()],
                ..search()
            },
        ),
        (
            "everything of one person before a day",
            Search {
                authors: vec![FRIEND],
                before: minute(50_000),
                ..search()
            },
        ),
        ("a part of words", words("ngpreka")),
        ("nothing at all", words("xyzzyx")),
    ];
    for (what, asked) in rows {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let begin = Instant::now();
                let page = store
                    .carry_out(&asked, None, 50, |_| Ok(false), |_| Ok(None))
                    .unwrap();
                std::hint::black_box(page);
                begin.elapsed()
            })
            .collect();
        let first = times[0];
        times.sort_unstable();
        let count = pages(&store, &asked, 100).len();
        println!("{what}: first {first:.1?}, then {:.1?}; {count} found", times[4]);
    }
}
