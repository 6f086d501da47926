use conclave_db::Noted;
use conclave_protocol::announcements::{Announcement, AnnouncementKind};
use conclave_protocol::limits::ANNOUNCEMENTS_MAX;
use conclave_protocol::{AnnouncementId, Timestamp};

use crate::support::Stage;
use crate::support::people::{NOW, account, join};

on_both_engines! {
    what_is_said_is_in_force_until_it_ends_and_taken_back_once
    no_more_is_said_at_a_time_than_may_be
}

fn said(number: u8, ends_at: Timestamp) -> Announcement {
    Announcement {
        id: AnnouncementId([number; 16]),
        kind: AnnouncementKind::Warning,
        said_at: NOW.plus(u64::from(number)),
        ends_at,
        text: format!("number {number}"),
    }
}

fn noted(now: Timestamp) -> Noted {
    Noted {
        actor: Some(account(1)),
        act: "announcement made",
        subject: "x".to_owned(),
        now,
    }
}

async fn what_is_said_is_in_force_until_it_ends_and_taken_back_once(stage: Stage) {
    join(&stage, [1]).await;
    let (one, two) = (said(1, NOW.plus(100)), said(2, NOW.plus(200)));
    for said in [&one, &two] {
        let noted = noted(said.said_at);
        assert!(stage.insert_announcement(said, account(1), &noted).await.unwrap());
    }
    let in_force = async |now: u64| -> Vec<(u8, bool)> {
        let found = stage.list_announcements_in_force(NOW.plus(now)).await.unwrap();
        let found = found.into_iter();
        found
            .map(|one| (one.said.id.0[0], one.withdrawn_at.is_some()))
            .collect()
    };
    assert_eq!(in_force(50).await, [(1, false), (2, false)]);
    assert_eq!(in_force(100).await, [(2, false)]);
    let later = noted(NOW.plus(150));
    for (id, done) in [(1, false), (2, true), (2, false), (9, false)] {
        let id = AnnouncementId([id; 16]);
        assert_eq!(stage.withdraw_announcement(id, &later).await.unwrap(), done);
    }
    assert_eq!(in_force(150).await, [(2, true)]);
    let listed = stage.list_announcements(10).await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|one| (one.text.as_str(), one.kind, one.withdrawn_at))
        .collect();
    let withdrawn = Some(NOW.plus(150).0);
    assert_eq!(
        listed,
        [
            ("number 2", AnnouncementKind::Warning, withdrawn),
            ("number 1", AnnouncementKind::Warning, None)
        ]
    );
    // Each act that was done has its line, and no other.
    assert_eq!(stage.find_audit_head().await.unwrap().0, 3);
}

async fn no_more_is_said_at_a_time_than_may_be(stage: Stage) {
    join(&stage, [1]).await;
    let most = u8::try_from(ANNOUNCEMENTS_MAX).unwrap();
    for number in 1..=most {
        let said = said(number, NOW.plus(1_000));
        let noted = noted(said.said_at);
        assert!(
            stage
                .insert_announcement(&said, account(1), &noted)
                .await
                .unwrap()
        );
    }
    let more = said(most + 1, NOW.plus(2_000));
    let early = noted(more.said_at);
    assert!(
        !stage
            .insert_announcement(&more, account(1), &early)
            .await
            .unwrap()
    );
    let later = Announcement {
        said_at: NOW.plus(1_500),
        ..more
    };
    let noted = noted(later.said_at);
    assert!(
        stage
            .insert_announcement(&later, account(1), &noted)
            .await
            .unwrap()
    );
}
