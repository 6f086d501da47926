use conclave_db::{
    DeviceAttempt, Ended, LinkOpened, Login, LoginAttempt, NewLink, PendingKind, PendingToken,
    RecoveryAttempt, Refreshed,
};
use conclave_protocol::LinkId;
use conclave_protocol::limits::{ACCESS_TOKEN_LIFE_MS, REFRESH_TOKEN_IDLE_MS};
use conclave_protocol::links::LinkWay;

use crate::logins::exchange;
use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join};

on_both_engines! {
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
        stage.insert_ticket(hash(number), [1; 16], expires).await.unwrap();
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
    // The first login idles over its end, with its refresh token; the invite goes by the way.
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
    stage.revoke_login([1; 16], NOW).await.unwrap();
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
