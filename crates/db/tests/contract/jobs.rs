use conclave_db::{
    DeviceAttempt, Ended, JobRun, LinkOpened, Login, LoginAttempt, NewLink, PendingKind, PendingToken,
    RecoveryAttempt, Refreshed,
};
use conclave_protocol::limits::{ACCESS_TOKEN_LIFE_MS, REFRESH_TOKEN_IDLE_MS};
use conclave_protocol::links::LinkWay;
use conclave_protocol::{LinkId, Timestamp};

use crate::logins::exchange;
use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join};

on_both_engines! {
    of_many_who_come_for_a_job_one_gets_it
    a_job_that_was_done_waits_for_its_time
    a_job_whose_holder_died_is_taken_over_and_the_late_one_changes_nothing
    a_clock_that_went_back_holds_no_job_up
    how_the_last_run_of_a_job_went_is_told
    two_that_expire_at_once_delete_each_thing_once
    what_is_over_goes_and_what_is_not_stays
    a_revoked_login_is_listed_as_long_as_its_access_tokens_may_live
    the_last_login_of_a_device_stays_and_opens_nothing
    attempts_tokens_and_meeting_places_go_when_their_time_is_over
}

async fn what_is_over_goes_and_what_is_not_stays(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let login = |number| Login {
        id: [number; 16],
        address: mia,
        created_at: NOW,
        refreshed_at: NOW,
    };
    stage.insert_login(&login(1), hash(1)).await.unwrap();
    stage.insert_login(&login(2), hash(2)).await.unwrap();
    for (number, expires) in [(10, NOW.plus(10)), (11, NOW.plus(11))] {
        let attempt = LoginAttempt {
            id: hash(number),
            account: None,
            state: vec![1],
            password: 0,
            expires,
        };
        stage.insert_login_attempt(&attempt).await.unwrap();
        stage.insert_ticket(hash(number), [2; 16], expires).await.unwrap();
        stage
            .insert_invite(hash(number), account(1), expires, NOW)
            .await
            .unwrap();
    }
    assert_eq!(stage.expire(NOW).await.unwrap(), 0);
    assert_eq!(stage.expire(NOW.plus(10)).await.unwrap(), 3);
    assert_eq!(stage.expire(NOW.plus(10)).await.unwrap(), 0);
    assert!(stage.claim_login_attempt(hash(10), NOW).await.unwrap().is_none());
    assert!(stage.claim_login_attempt(hash(11), NOW).await.unwrap().is_some());
    assert!(!stage.invite_is_open(hash(10), NOW).await.unwrap());
    assert!(stage.invite_is_open(hash(11), NOW).await.unwrap());
    assert!(stage.claim_ticket(hash(11), NOW).await.unwrap().is_some());

    let rotated = stage.rotate_login(&exchange(2, 3), NOW.plus(50)).await.unwrap();
    assert!(matches!(rotated, Refreshed::Rotated(_)));
    // The first login ended with the second one's beginning, and goes with its refresh token; the invite by the way.
    assert_eq!(
        stage.expire(NOW.plus(REFRESH_TOKEN_IDLE_MS + 1)).await.unwrap(),
        2
    );
    assert!(stage.find_login([1; 16]).await.unwrap().is_none());
    assert!(stage.find_login([2; 16]).await.unwrap().is_some());
    assert_eq!(stage.number("SELECT count(*) FROM refresh_tokens").await, 2);
}

async fn a_revoked_login_is_listed_as_long_as_its_access_tokens_may_live(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let login = Login {
        id: [1; 16],
        address: mia,
        created_at: NOW,
        refreshed_at: NOW,
    };
    stage.insert_login(&login, hash(1)).await.unwrap();
    let later = Login {
        id: [2; 16],
        refreshed_at: NOW.plus(1),
        ..login
    };
    stage.insert_login(&later, hash(2)).await.unwrap();
    assert_eq!(stage.expire(NOW.plus(ACCESS_TOKEN_LIFE_MS)).await.unwrap(), 0);
    assert_eq!(
        stage.list_revoked_logins(NOW).await.unwrap(),
        [([1; 16], Ended::SignedOut)]
    );
    assert_eq!(stage.expire(NOW.plus(ACCESS_TOKEN_LIFE_MS * 5)).await.unwrap(), 1);
    assert!(stage.list_revoked_logins(NOW).await.unwrap().is_empty());
}

async fn the_last_login_of_a_device_stays_and_opens_nothing(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let login = Login {
        id: [1; 16],
        address: mia,
        created_at: NOW,
        refreshed_at: NOW,
    };
    stage.insert_login(&login, hash(1)).await.unwrap();
    let late = NOW.plus(REFRESH_TOKEN_IDLE_MS + 1);
    assert_eq!(stage.expire(late).await.unwrap(), 0);
    assert_eq!(
        stage.rotate_login(&exchange(1, 2), late).await.unwrap(),
        Refreshed::Unknown
    );
    let described = stage.describe_devices(mia.account, NOW.plus(1)).await.unwrap();
    assert_eq!((described[0].seen_at, described[0].signed_in), (Some(NOW), false));
}

async fn attempts_tokens_and_meeting_places_go_when_their_time_is_over(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    for (number, expires) in [(10, NOW.plus(10)), (11, NOW.plus(11))] {
        let id = hash(number);
        stage
            .insert_device_attempt(&DeviceAttempt {
                id,
                address: mia,
                expires,
            })
            .await
            .unwrap();
        stage
            .insert_recovery_attempt(&RecoveryAttempt {
                id,
                account: None,
                key: [3; 32],
                expires,
            })
            .await
            .unwrap();
        stage
            .insert_pending_token(&PendingToken {
                id,
                account: mia.account,
                kind: PendingKind::Login,
                password: 0,
                expires,
            })
            .await
            .unwrap();
        let link = NewLink {
            id: LinkId([u8::try_from(number).unwrap(); 16]),
            way: LinkWay::Scan,
            token: id,
            account: None,
            message: vec![1],
            expires,
        };
        assert_eq!(stage.open_link(&link, NOW).await.unwrap(), LinkOpened::Done);
    }
    assert_eq!(stage.expire(NOW).await.unwrap(), 0);
    assert_eq!(stage.expire(NOW.plus(10)).await.unwrap(), 4);
    assert_eq!(stage.number("SELECT count(*) FROM link_messages").await, 1);
    assert_eq!(stage.expire(NOW.plus(11)).await.unwrap(), 4);
}

const LEASE: u64 = 1000;
const PERIOD: u64 = 60_000;

fn run(holder: u8, began: Timestamp) -> JobRun<'static> {
    JobRun {
        name: "expire",
        holder: [holder; 16],
        began,
    }
}

async fn of_many_who_come_for_a_job_one_gets_it(stage: Stage) {
    for round in 0..5 {
        let now = NOW.plus(round * PERIOD);
        let claims = (1..=12).map(|holder| {
            let stage = stage.clone();
            tokio::spawn(async move { stage.claim_job(run(holder, now), LEASE, PERIOD).await.unwrap() })
        });
        let mut winners = Vec::new();
        for (holder, claim) in (1_u8..).zip(claims.collect::<Vec<_>>()) {
            if claim.await.unwrap() {
                winners.push(holder);
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let won = run(winners[0], now);
        assert!(
            stage
                .end_job(won, Ok(1), now.plus(1), now.plus(PERIOD))
                .await
                .unwrap()
        );
    }
    assert_eq!(stage.list_jobs().await.unwrap()[0].runs, 5);
}

async fn a_job_that_was_done_waits_for_its_time(stage: Stage) {
    assert!(stage.claim_job(run(1, NOW), LEASE, PERIOD).await.unwrap());
    let due = NOW.plus(PERIOD);
    assert!(stage.end_job(run(1, NOW), Ok(0), NOW.plus(5), due).await.unwrap());
    assert!(
        !stage
            .claim_job(run(1, NOW.plus(PERIOD - 1)), LEASE, PERIOD)
            .await
            .unwrap()
    );
    assert!(
        !stage
            .claim_job(run(2, NOW.plus(PERIOD - 1)), LEASE, PERIOD)
            .await
            .unwrap()
    );
    assert!(stage.claim_job(run(2, due), LEASE, PERIOD).await.unwrap());
}

async fn a_job_whose_holder_died_is_taken_over_and_the_late_one_changes_nothing(stage: Stage) {
    assert!(stage.claim_job(run(1, NOW), LEASE, PERIOD).await.unwrap());
    assert!(stage.renew_job(run(1, NOW), NOW.plus(LEASE * 2)).await.unwrap());
    let within = run(2, NOW.plus(LEASE * 2 - 1));
    assert!(!stage.claim_job(within, LEASE, PERIOD).await.unwrap());
    let later = run(2, NOW.plus(LEASE * 2));
    assert!(stage.claim_job(later, LEASE, PERIOD).await.unwrap());

    let before = stage.list_jobs().await.unwrap();
    let late = NOW.plus(LEASE * 3);
    assert!(!stage.renew_job(run(1, NOW), late).await.unwrap());
    assert!(!stage.end_job(run(1, NOW), Ok(7), late, late).await.unwrap());
    assert!(!stage.end_job(run(1, NOW), Err("late"), late, late).await.unwrap());
    assert_eq!(stage.list_jobs().await.unwrap(), before);
    assert!(
        stage
            .end_job(later, Ok(3), late, late.plus(PERIOD))
            .await
            .unwrap()
    );
}

async fn a_clock_that_went_back_holds_no_job_up(stage: Stage) {
    let wrong = NOW.plus(1_000_000_000);
    assert!(stage.claim_job(run(1, wrong), LEASE, PERIOD).await.unwrap());
    assert!(stage.claim_job(run(2, NOW), LEASE, PERIOD).await.unwrap());
    let due = wrong.plus(PERIOD);
    assert!(stage.end_job(run(2, NOW), Ok(0), NOW, due).await.unwrap());
    assert!(stage.claim_job(run(2, NOW.plus(1)), LEASE, PERIOD).await.unwrap());
}

async fn how_the_last_run_of_a_job_went_is_told(stage: Stage) {
    assert!(stage.list_jobs().await.unwrap().is_empty());
    assert!(stage.claim_job(run(1, NOW), LEASE, PERIOD).await.unwrap());
    let begun = &stage.list_jobs().await.unwrap()[0];
    assert_eq!((begun.name.as_str(), begun.began, begun.runs), ("expire", NOW, 1));
    assert_eq!((begun.leased_until, begun.ended), (Some(NOW.plus(LEASE)), None));

    let (failed, due) = (NOW.plus(40), NOW.plus(PERIOD));
    assert!(
        stage
            .end_job(run(1, NOW), Err("storage_full"), failed, due)
            .await
            .unwrap()
    );
    let told = &stage.list_jobs().await.unwrap()[0];
    assert_eq!(
        (told.error.as_deref(), told.failed),
        (Some("storage_full"), Some(failed))
    );
    assert_eq!(
        (told.took_ms, told.failures, told.leased_until),
        (Some(40), 1, None)
    );
    assert_eq!((told.done, told.succeeded, told.due), (None, None, due));

    assert!(stage.claim_job(run(2, due), LEASE, PERIOD).await.unwrap());
    let ended = due.plus(7);
    assert!(
        stage
            .end_job(run(2, due), Ok(12), ended, due.plus(PERIOD))
            .await
            .unwrap()
    );
    let told = &stage.list_jobs().await.unwrap()[0];
    assert_eq!((told.error.as_deref(), told.done), (None, Some(12)));
    assert_eq!(
        (told.succeeded, told.failed, told.ended),
        (Some(ended), Some(failed), Some(ended))
    );
    assert_eq!((told.took_ms, told.runs, told.failures), (Some(7), 2, 1));
}

async fn two_that_expire_at_once_delete_each_thing_once(stage: Stage) {
    const INVITES: u64 = 40;
    join(&stage, [1]).await;
    for number in 0..INVITES {
        let id = hash(100 + number);
        stage
            .insert_invite(id, account(1), NOW.plus(10), NOW)
            .await
            .unwrap();
    }
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let stage = stage.clone();
            tokio::spawn(async move { stage.expire(NOW.plus(10)).await.unwrap() })
        })
        .collect();
    let mut expired = 0;
    for run in runs {
        expired += run.await.unwrap();
    }
    assert_eq!(expired, INVITES);
}
