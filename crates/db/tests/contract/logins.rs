use conclave_db::{
    DeviceAttempt, Ended, EndedLogin, Exchange, Login, LoginAttempt, PendingKind, PendingToken, Refreshed,
};
use conclave_protocol::limits::REFRESH_TOKEN_IDLE_MS;
use conclave_protocol::{DeviceAddress, Timestamp};
use futures_util::future::join_all;

use crate::devices::add_device;
use crate::support::Stage;
use crate::support::people::{NOW, account, device, hash, join};

on_both_engines! {
    a_login_attempt_is_claimed_once_and_not_after_its_end
    an_attempt_for_an_unknown_name_is_kept_all_the_same
    ten_claims_of_one_attempt_give_it_to_one
    a_login_is_found_until_it_is_revoked
    revoked_logins_are_listed_since_a_time
    a_current_token_is_exchanged_for_the_next
    an_exchange_whose_answer_was_lost_is_repeated
    a_repeat_by_another_attempt_ends_the_login
    a_repeat_after_the_next_token_was_shown_ends_the_login
    an_attempt_may_be_used_for_the_next_token_too
    an_old_token_ends_the_login
    an_idle_or_revoked_or_unknown_login_is_not_refreshed
    twenty_exchanges_of_one_token_leave_one_token_in_force
    a_ticket_opens_one_connection_within_its_time
    a_ticket_of_a_revoked_login_opens_nothing
    ten_claims_of_one_ticket_give_it_to_one
    a_device_attempt_is_claimed_once_and_not_after_its_end
    a_device_that_is_not_active_gets_no_login
    a_newcomer_signs_in_once_without_the_password
    ten_first_logins_at_once_give_one
    a_pending_token_is_worth_something_until_its_end
    a_sign_in_ends_the_logins_that_its_device_had_before
    ten_sign_ins_of_one_device_at_once_leave_one_login
    a_login_that_began_before_the_longest_life_ends_at_its_refresh
    two_hundred_sign_ins_at_once_come_in_and_share_commits
}

const LATER: Timestamp = Timestamp(NOW.0 + 1000);

fn login(number: u8, address: DeviceAddress) -> Login {
    Login {
        id: [number; 16],
        address,
        created_at: NOW,
        refreshed_at: NOW,
    }
}

/// A person who is signed in with the token of hash 1.
async fn signed_in(stage: &Stage) -> Login {
    let [mia] = join(stage, [1]).await;
    let login = login(1, mia);
    stage.insert_login(&login, hash(1)).await.unwrap();
    login
}

/// An exchange of one refresh token for another, by an attempt of its own.
pub(crate) fn exchange(presented: u64, next: u64) -> Exchange {
    exchange_by(next, presented, next)
}

/// As [`exchange`], by the attempt of this number.
fn exchange_by(attempt: u64, presented: u64, next: u64) -> Exchange {
    Exchange {
        presented: hash(presented),
        attempt: hash(attempt),
        nonce: hash(next).0,
        next: hash(next),
        begun_since: Timestamp(0),
    }
}

async fn rotate(stage: &Stage, presented: u64, next: u64, now: Timestamp) -> Refreshed {
    stage.rotate_login(&exchange(presented, next), now).await.unwrap()
}

async fn rotate_by(stage: &Stage, attempt: u64, presented: u64, next: u64, now: Timestamp) -> Refreshed {
    let exchange = exchange_by(attempt, presented, next);
    stage.rotate_login(&exchange, now).await.unwrap()
}

fn attempt(number: u64) -> LoginAttempt {
    LoginAttempt {
        id: hash(number),
        account: Some(account(1)),
        state: vec![9; 64],
        password: 0,
        expires: NOW.plus(100),
    }
}

async fn a_login_attempt_is_claimed_once_and_not_after_its_end(stage: Stage) {
    join(&stage, [1]).await;
    stage.insert_login_attempt(&attempt(1)).await.unwrap();
    stage.insert_login_attempt(&attempt(2)).await.unwrap();
    let claimed = stage
        .claim_login_attempt(hash(1), NOW.plus(99))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.id, hash(1));
    assert_eq!(claimed.account, Some(account(1)));
    assert_eq!(claimed.state, vec![9; 64]);
    assert_eq!(claimed.expires, NOW.plus(100));
    assert!(stage.claim_login_attempt(hash(1), NOW).await.unwrap().is_none());
    assert!(
        stage
            .claim_login_attempt(hash(2), NOW.plus(100))
            .await
            .unwrap()
            .is_none()
    );
    assert!(stage.claim_login_attempt(hash(3), NOW).await.unwrap().is_none());
}

async fn an_attempt_for_an_unknown_name_is_kept_all_the_same(stage: Stage) {
    stage
        .insert_login_attempt(&LoginAttempt {
            account: None,
            ..attempt(1)
        })
        .await
        .unwrap();
    assert_eq!(
        stage
            .claim_login_attempt(hash(1), NOW)
            .await
            .unwrap()
            .unwrap()
            .account,
        None
    );
}

async fn ten_claims_of_one_attempt_give_it_to_one(stage: Stage) {
    join(&stage, [1]).await;
    stage.insert_login_attempt(&attempt(1)).await.unwrap();
    let claims = join_all((0..10).map(|_| stage.claim_login_attempt(hash(1), NOW))).await;
    assert_eq!(claims.into_iter().filter_map(Result::unwrap).count(), 1);
}

async fn a_login_is_found_until_it_is_revoked(stage: Stage) {
    let login = signed_in(&stage).await;
    assert_eq!(stage.find_login(login.id).await.unwrap(), Some(login.clone()));
    assert_eq!(stage.find_login([2; 16]).await.unwrap(), None);
    assert!(stage.revoke_login(login.id, LATER).await.unwrap());
    assert_eq!(stage.find_login(login.id).await.unwrap(), None);
    assert!(!stage.revoke_login(login.id, LATER).await.unwrap());
    assert!(!stage.revoke_login([2; 16], LATER).await.unwrap());
}

async fn revoked_logins_are_listed_since_a_time(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let devices = [
        mia,
        add_device(&stage, 1, 1).await,
        add_device(&stage, 1, 2).await,
    ];
    for (number, device) in (1..=3).zip(devices) {
        stage
            .insert_login(&login(number, device), hash(u64::from(number)))
            .await
            .unwrap();
    }
    stage.revoke_login([1; 16], NOW.plus(10)).await.unwrap();
    stage.revoke_login([2; 16], NOW.plus(20)).await.unwrap();
    assert_eq!(
        stage.list_revoked_logins(NOW).await.unwrap(),
        [([1; 16], Ended::SignedOut), ([2; 16], Ended::SignedOut)]
    );
    assert_eq!(
        stage.list_revoked_logins(NOW.plus(20)).await.unwrap(),
        [([2; 16], Ended::SignedOut)]
    );
    assert!(stage.list_revoked_logins(NOW.plus(21)).await.unwrap().is_empty());
}

async fn a_current_token_is_exchanged_for_the_next(stage: Stage) {
    let login = signed_in(&stage).await;
    let refreshed = Login {
        refreshed_at: LATER,
        ..login.clone()
    };
    assert_eq!(
        rotate(&stage, 1, 2, LATER).await,
        Refreshed::Rotated(refreshed.clone())
    );
    assert_eq!(stage.find_login(login.id).await.unwrap(), Some(refreshed));
    for token in 2..300 {
        let rotated = rotate(&stage, token, token + 1, LATER.plus(token)).await;
        assert!(matches!(rotated, Refreshed::Rotated(_)), "{token}");
    }
}

async fn an_exchange_whose_answer_was_lost_is_repeated(stage: Stage) {
    let login = signed_in(&stage).await;
    rotate_by(&stage, 70, 1, 2, NOW).await;
    // Every answer is lost, for as long as the login lives.
    let mut at = NOW;
    for next in 3..9 {
        at = at.plus(REFRESH_TOKEN_IDLE_MS);
        let refreshed = Login {
            refreshed_at: at,
            ..login.clone()
        };
        assert_eq!(
            rotate_by(&stage, 70, 1, next, at).await,
            Refreshed::Repeated(refreshed, hash(2).0)
        );
        assert_eq!(rotate(&stage, next, 99, at).await, Refreshed::Unknown);
    }
    assert!(matches!(rotate(&stage, 2, 50, at).await, Refreshed::Rotated(_)));
}

async fn a_repeat_by_another_attempt_ends_the_login(stage: Stage) {
    let login = signed_in(&stage).await;
    rotate_by(&stage, 70, 1, 2, NOW).await;
    assert!(
        matches!(rotate_by(&stage, 71, 1, 3, NOW).await, Refreshed::Reused(reused) if reused.id == login.id)
    );
    assert_eq!(stage.find_login(login.id).await.unwrap(), None);
    assert_eq!(
        stage.list_revoked_logins(NOW).await.unwrap(),
        [(login.id, Ended::SignedOut)]
    );
    for token in 1..=3 {
        assert_eq!(rotate_by(&stage, 70, token, 9, NOW).await, Refreshed::Unknown);
    }
}

async fn a_repeat_after_the_next_token_was_shown_ends_the_login(stage: Stage) {
    let login = signed_in(&stage).await;
    rotate_by(&stage, 70, 1, 2, NOW).await;
    rotate_by(&stage, 71, 2, 3, NOW).await;
    assert!(matches!(
        rotate_by(&stage, 70, 1, 4, NOW).await,
        Refreshed::Reused(_)
    ));
    assert_eq!(rotate(&stage, 3, 5, NOW).await, Refreshed::Unknown);
    assert_eq!(stage.find_login(login.id).await.unwrap(), None);
}

async fn an_attempt_may_be_used_for_the_next_token_too(stage: Stage) {
    // The answer came, and the client ended before it had noted that.
    signed_in(&stage).await;
    rotate_by(&stage, 70, 1, 2, NOW).await;
    assert!(matches!(
        rotate_by(&stage, 70, 2, 3, NOW).await,
        Refreshed::Rotated(_)
    ));
    assert!(matches!(
        rotate_by(&stage, 70, 2, 4, NOW).await,
        Refreshed::Repeated(_, nonce) if nonce == hash(3).0
    ));
    assert!(matches!(
        rotate_by(&stage, 70, 1, 5, NOW).await,
        Refreshed::Reused(_)
    ));
}

async fn an_old_token_ends_the_login(stage: Stage) {
    signed_in(&stage).await;
    for token in 1..50 {
        rotate(&stage, token, token + 1, NOW).await;
    }
    assert!(matches!(rotate(&stage, 1, 99, NOW).await, Refreshed::Reused(_)));
    assert_eq!(rotate(&stage, 50, 99, NOW).await, Refreshed::Unknown);
}

async fn an_idle_or_revoked_or_unknown_login_is_not_refreshed(stage: Stage) {
    let login = signed_in(&stage).await;
    assert_eq!(rotate(&stage, 7, 8, NOW).await, Refreshed::Unknown);
    assert_eq!(
        rotate(&stage, 1, 2, NOW.plus(REFRESH_TOKEN_IDLE_MS + 1)).await,
        Refreshed::Unknown
    );
    let at = NOW.plus(REFRESH_TOKEN_IDLE_MS);
    assert!(matches!(rotate(&stage, 1, 2, at).await, Refreshed::Rotated(_)));
    stage.revoke_login(login.id, at).await.unwrap();
    assert_eq!(rotate(&stage, 2, 3, at).await, Refreshed::Unknown);
    assert_eq!(rotate(&stage, 1, 3, at).await, Refreshed::Unknown);
}

async fn twenty_exchanges_of_one_token_leave_one_token_in_force(stage: Stage) {
    signed_in(&stage).await;
    let second = stage.second_node().await;
    let exchanges = (10..30).map(|next| {
        let node = if next % 2 == 0 {
            stage.db.clone()
        } else {
            second.clone()
        };
        async move {
            let exchange = exchange_by(70, 1, next);
            node.rotate_login(&exchange, NOW).await.unwrap()
        }
    });
    let outcomes = join_all(exchanges).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Refreshed::Rotated(_)))
            .count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Refreshed::Repeated(..)))
            .count(),
        19
    );
    let in_force = "SELECT count(*) FROM refresh_tokens t JOIN logins l ON l.id = t.login
        WHERE t.generation = l.generation";
    assert_eq!(stage.number(in_force).await, 1);
}

async fn a_ticket_opens_one_connection_within_its_time(stage: Stage) {
    let login = signed_in(&stage).await;
    stage
        .insert_ticket(hash(50), login.id, NOW.plus(10))
        .await
        .unwrap();
    stage
        .insert_ticket(hash(51), login.id, NOW.plus(10))
        .await
        .unwrap();
    assert_eq!(
        stage.claim_ticket(hash(50), NOW.plus(9)).await.unwrap(),
        Some(login)
    );
    assert_eq!(stage.claim_ticket(hash(50), NOW).await.unwrap(), None);
    assert_eq!(stage.claim_ticket(hash(51), NOW.plus(10)).await.unwrap(), None);
    assert_eq!(stage.claim_ticket(hash(52), NOW).await.unwrap(), None);
}

async fn a_ticket_of_a_revoked_login_opens_nothing(stage: Stage) {
    let login = signed_in(&stage).await;
    stage
        .insert_ticket(hash(50), login.id, NOW.plus(10))
        .await
        .unwrap();
    stage.revoke_login(login.id, NOW).await.unwrap();
    assert_eq!(stage.claim_ticket(hash(50), NOW).await.unwrap(), None);
}

async fn ten_claims_of_one_ticket_give_it_to_one(stage: Stage) {
    let login = signed_in(&stage).await;
    stage
        .insert_ticket(hash(50), login.id, NOW.plus(10))
        .await
        .unwrap();
    let claims = join_all((0..10).map(|_| stage.claim_ticket(hash(50), NOW))).await;
    assert_eq!(claims.into_iter().filter_map(Result::unwrap).count(), 1);
}

async fn a_device_attempt_is_claimed_once_and_not_after_its_end(stage: Stage) {
    // Of a device that nobody has, as well.
    let attempt = |number| DeviceAttempt {
        id: hash(number),
        address: device(9, 4),
        expires: NOW.plus(100),
    };
    stage.insert_device_attempt(&attempt(1)).await.unwrap();
    stage.insert_device_attempt(&attempt(2)).await.unwrap();
    let claims = join_all((0..10).map(|_| stage.claim_device_attempt(hash(1), NOW.plus(99)))).await;
    let claimed: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(claimed, [attempt(1)]);
    assert_eq!(
        stage.claim_device_attempt(hash(2), NOW.plus(100)).await.unwrap(),
        None
    );
    assert_eq!(stage.claim_device_attempt(hash(3), NOW).await.unwrap(), None);
}

async fn a_device_that_is_not_active_gets_no_login(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let insert = async |address| {
        let begun = stage.insert_login(&login(1, address), hash(1)).await;
        begun.unwrap()
    };
    assert_eq!(insert(device(1, 5)).await, None);
    assert_eq!(insert(device(9, 0)).await, None);
    stage.revoke_device(mia).await;
    assert_eq!(insert(mia).await, None);
    assert_eq!(stage.number("SELECT count(*) FROM refresh_tokens").await, 0);
}

async fn a_newcomer_signs_in_once_without_the_password(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let first = |number, since| {
        let stage = stage.clone();
        async move {
            stage
                .insert_first_login(&login(number, mia), hash(u64::from(number)), since)
                .await
                .unwrap()
                .is_some()
        }
    };
    assert!(!first(1, NOW.plus(1)).await, "it was added before that time");
    assert!(first(1, NOW).await);
    assert!(!first(2, NOW).await);
    stage.revoke_login([1; 16], NOW).await.unwrap();
    assert!(!first(2, NOW).await, "one that ended was one, too");
}

async fn ten_first_logins_at_once_give_one(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let tries = (1..=10).map(|number| {
        let stage = stage.clone();
        async move {
            stage
                .insert_first_login(&login(number, mia), hash(u64::from(number)), NOW)
                .await
                .unwrap()
                .is_some()
        }
    });
    let made = join_all(tries).await;
    assert_eq!(made.into_iter().filter(|made| *made).count(), 1);
    assert_eq!(stage.number("SELECT count(*) FROM logins").await, 1);
}

async fn a_pending_token_is_worth_something_until_its_end(stage: Stage) {
    join(&stage, [1]).await;
    for (number, kind, password) in [
        (1, PendingKind::Login, 0),
        (2, PendingKind::Recovery, 0),
        (3, PendingKind::Login, 7),
    ] {
        stage
            .insert_pending_token(&PendingToken {
                id: hash(number),
                account: account(1),
                kind,
                password,
                expires: NOW.plus(100),
            })
            .await
            .unwrap();
    }
    let find = |number, now| {
        let stage = stage.clone();
        async move { stage.find_pending_token(hash(number), now).await.unwrap() }
    };
    for _ in 0..2 {
        assert_eq!(
            find(1, NOW.plus(99)).await,
            Some((account(1), PendingKind::Login))
        );
    }
    assert_eq!(find(2, NOW).await, Some((account(1), PendingKind::Recovery)));
    assert_eq!(find(1, NOW.plus(100)).await, None);
    assert_eq!(find(3, NOW).await, None, "got by another password");
    assert_eq!(find(4, NOW).await, None);
}

async fn a_sign_in_ends_the_logins_that_its_device_had_before(stage: Stage) {
    let [mia, ben] = join(&stage, [1, 2]).await;
    let phone = add_device(&stage, 1, 1).await;
    for (number, address) in [(1, mia), (2, phone), (3, ben)] {
        let made = login(number, address);
        let begun = stage.insert_login(&made, hash(u64::from(number))).await.unwrap();
        assert_eq!(begun, Some(Vec::new()));
    }
    stage
        .insert_ticket(hash(50), [1; 16], NOW.plus(100))
        .await
        .unwrap();
    rotate(&stage, 1, 10, NOW).await;

    let again = stage.insert_login(&login(4, mia), hash(4)).await.unwrap();
    let before = EndedLogin {
        id: [1; 16],
        address: mia,
    };
    assert_eq!(again, Some(vec![before]));
    assert_eq!(stage.find_login([1; 16]).await.unwrap(), None);
    for token in [1, 10] {
        assert_eq!(rotate(&stage, token, 60, NOW).await, Refreshed::Unknown);
    }
    assert_eq!(stage.claim_ticket(hash(50), NOW).await.unwrap(), None);
    assert_eq!(
        stage.list_revoked_logins(NOW).await.unwrap(),
        [([1; 16], Ended::SignedOut)]
    );
    for (number, token) in [(2, 2), (3, 3), (4, 4)] {
        assert!(stage.find_login([number; 16]).await.unwrap().is_some());
        let rotated = rotate(&stage, token, 70 + token, NOW).await;
        assert!(matches!(rotated, Refreshed::Rotated(_)), "{number}");
    }
}

async fn ten_sign_ins_of_one_device_at_once_leave_one_login(stage: Stage) {
    let [mia] = join(&stage, [1]).await;
    let made = join_all((1..=10).map(|number| {
        let stage = stage.clone();
        async move {
            let made = login(number, mia);
            stage.insert_login(&made, hash(u64::from(number))).await.unwrap()
        }
    }))
    .await;
    let ended: usize = made.into_iter().map(|ended| ended.unwrap().len()).sum();
    assert_eq!(ended, 9);
    let left = stage.list_logins(account(1), NOW).await.unwrap();
    assert_eq!(left.len(), 1);
}

async fn a_login_that_began_before_the_longest_life_ends_at_its_refresh(stage: Stage) {
    let login = signed_in(&stage).await;
    let bounded = |presented, next, begun_since| Exchange {
        begun_since,
        ..exchange(presented, next)
    };
    let kept = stage.rotate_login(&bounded(1, 2, NOW), LATER).await.unwrap();
    assert!(matches!(kept, Refreshed::Rotated(_)), "it began just then");
    let ended = stage
        .rotate_login(&bounded(2, 3, NOW.plus(1)), LATER)
        .await
        .unwrap();
    assert!(matches!(ended, Refreshed::Outlived(outlived) if outlived.id == login.id));
    assert_eq!(stage.find_login(login.id).await.unwrap(), None);
    for token in 1..=3 {
        assert_eq!(rotate(&stage, token, 9, LATER).await, Refreshed::Unknown);
    }
}

async fn two_hundred_sign_ins_at_once_come_in_and_share_commits(stage: Stage) {
    const SIGN_INS: u64 = 200;

    let [mia] = join(&stage, [1]).await;
    let before = stage.commits();
    let sign_in = |number: u64| {
        let stage = stage.clone();
        async move {
            let attempt = LoginAttempt {
                id: hash(number),
                account: Some(mia.account),
                state: vec![7; 192],
                password: 0,
                expires: LATER,
            };
            stage.insert_login_attempt(&attempt).await.unwrap();
            assert!(
                stage
                    .claim_login_attempt(hash(number), NOW)
                    .await
                    .unwrap()
                    .is_some()
            );
            let mut login = login(1, mia);
            login.id[..8].copy_from_slice(&number.to_be_bytes());
            assert!(stage.insert_login(&login, hash(number)).await.unwrap().is_some());
        }
    };
    join_all((1..=SIGN_INS).map(sign_in)).await;
    let live = stage.list_logins(mia.account, Timestamp(0)).await.unwrap();
    // Each ends the one before.
    assert_eq!(live.len(), 1);
    // PostgreSQL shares flushes by itself, and nobody counts them.
    if let (Some(before), Some(after)) = (before, stage.commits()) {
        let commits = after - before;
        assert!(commits < 3 * SIGN_INS / 4, "{commits} commits");
    }
}
