use conclave_crypto::SigningKey;
use conclave_protocol::announcements::{Announcement, AnnouncementKind, Signed, Statement};
use conclave_protocol::limits::ANNOUNCEMENT_LIFE_MS;
use conclave_protocol::{AnnouncementId, Bytes, ServerKey, Timestamp};

use super::views::AnnouncementsView;
use crate::machine::Engine;
use crate::work::Work;
use crate::work::testing::{Account, EmptyStore, rng};

const NOW: u64 = 1_000_000;

fn key(seed: u8) -> (SigningKey, ServerKey) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let public = ServerKey(key.public().to_bytes());
    (key, public)
}

fn signed(key: &SigningKey, statement: &Statement) -> Signed {
    let statement = statement.to_bytes();
    Signed {
        signature: Bytes(key.sign(&statement).to_vec()),
        statement: Bytes(statement),
    }
}

fn said(id: u8, ends_at: u64) -> Statement {
    Statement::Announcement(Announcement {
        id: AnnouncementId([id; 16]),
        kind: AnnouncementKind::Notice,
        said_at: Timestamp(NOW - u64::from(id)),
        ends_at: Timestamp(ends_at),
        text: format!("words {id}"),
    })
}

fn texts(view: &AnnouncementsView) -> Vec<&str> {
    view.announcements.iter().map(|one| one.text.as_str()).collect()
}

/// An engine that came to the server whose key this is.
fn begun(work: &mut Work<'_>, public: ServerKey) -> Engine {
    work.put_own(&Account::new(1).own(0));
    let mut engine = Engine::new(true);
    engine.announcements_on_welcome(work, Some(public)).unwrap();
    engine
}

#[test]
fn what_the_kept_key_signed_is_shown_until_it_ends_or_is_taken_back() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(NOW));
    let (key, public) = key(1);
    let mut engine = begun(&mut work, public);
    let list = vec![
        signed(&key, &said(1, NOW + 100)),
        signed(&key, &said(2, NOW + 200)),
    ];
    engine.take_announcements(&mut work, list).unwrap();
    let view = engine.announcements_view(&work).unwrap();
    assert_eq!(
        (texts(&view), view.key_changed),
        (vec!["words 1", "words 2"], false)
    );
    assert_eq!(engine.announcements_due(), Some(Timestamp(NOW + 100)));

    work.now = Timestamp(NOW + 100);
    engine.drive_announcements(&mut work).unwrap();
    assert_eq!(texts(&engine.announcements_view(&work).unwrap()), ["words 2"]);

    let withdrawal = Statement::Withdrawal {
        id: AnnouncementId([2; 16]),
        at: Timestamp(NOW + 101),
    };
    // Somebody else's word takes nothing back.
    let (other, _) = self::key(2);
    engine
        .take_announcements(&mut work, vec![signed(&other, &withdrawal)])
        .unwrap();
    assert_eq!(texts(&engine.announcements_view(&work).unwrap()), ["words 2"]);
    engine
        .take_announcements(&mut work, vec![signed(&key, &withdrawal)])
        .unwrap();
    assert!(engine.announcements_view(&work).unwrap().announcements.is_empty());
}

#[test]
fn what_another_key_signed_or_what_was_altered_is_never_shown() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(NOW));
    let (own, public) = key(1);
    let mut engine = begun(&mut work, public);
    let (forger, _) = key(2);
    let genuine = signed(&own, &said(1, NOW + 100));
    let mut forged = vec![signed(&forger, &said(1, NOW + 100))];
    for at in 0..genuine.statement.0.len() {
        let mut altered = genuine.clone();
        altered.statement.0[at] ^= 1;
        forged.push(altered);
    }
    for at in 0..genuine.signature.0.len() {
        let mut altered = genuine.clone();
        altered.signature.0[at] ^= 1;
        forged.push(altered);
    }
    // A signature of another kind of statement is none of this.
    forged.push(Signed {
        statement: Bytes(b"something else".to_vec()),
        signature: Bytes(own.sign(b"something else").to_vec()),
    });
    for one in forged {
        engine.take_announcements(&mut work, vec![one]).unwrap();
        assert_eq!(
            engine.announcements_view(&work).unwrap(),
            AnnouncementsView::default()
        );
    }
}

#[test]
fn a_new_key_is_told_and_believed_only_once_the_person_accepts_it() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(NOW));
    let (_, first) = key(1);
    let mut engine = begun(&mut work, first);
    let (second, public) = key(2);
    engine.announcements_on_welcome(&mut work, Some(public)).unwrap();
    engine
        .take_announcements(&mut work, vec![signed(&second, &said(1, NOW + 100))])
        .unwrap();
    let view = engine.announcements_view(&work).unwrap();
    assert_eq!((texts(&view), view.key_changed), (vec![], true));

    engine.accept_server_key(&mut work, 1).unwrap();
    let view = engine.announcements_view(&work).unwrap();
    assert_eq!((texts(&view), view.key_changed), (vec!["words 1"], false));
    // And the first one counts no more.
    engine.announcements_on_welcome(&mut work, Some(first)).unwrap();
    assert!(engine.announcements_view(&work).unwrap().key_changed);
}

#[test]
fn what_was_put_away_stays_away_and_the_rest_stays() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(NOW));
    let (key, public) = key(1);
    let mut engine = begun(&mut work, public);
    let list = vec![
        signed(&key, &said(1, NOW + 100)),
        signed(&key, &said(2, NOW + 200)),
    ];
    engine.take_announcements(&mut work, list.clone()).unwrap();
    let id = AnnouncementId([1; 16]).to_string();
    engine.put_away_announcement(&mut work, 1, &id).unwrap();
    engine.take_announcements(&mut work, list).unwrap();
    assert_eq!(texts(&engine.announcements_view(&work).unwrap()), ["words 2"]);
    // What is no name of one puts nothing away.
    engine.put_away_announcement(&mut work, 2, "words 2").unwrap();
    assert_eq!(texts(&engine.announcements_view(&work).unwrap()), ["words 2"]);
}

#[test]
fn an_announcement_without_a_sensible_end_ends_after_ninety_days() {
    let mut rng = rng();
    let mut work = Work::new(&EmptyStore, &mut rng, Timestamp(NOW));
    let (key, public) = key(1);
    let mut engine = begun(&mut work, public);
    engine
        .take_announcements(&mut work, vec![signed(&key, &said(1, u64::MAX))])
        .unwrap();
    assert_eq!(
        engine.announcements_due(),
        Some(Timestamp(NOW - 1 + ANNOUNCEMENT_LIFE_MS))
    );
}
