use conclave_db::{Login, LoginAttempt, Refreshed};
use conclave_protocol::limits::{ACCESS_TOKEN_LIFE_MS, REFRESH_TOKEN_IDLE_MS};

use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join};

on_both_engines! {
    what_is_over_goes_and_what_is_not_stays
    a_revoked_login_is_listed_as_long_as_its_access_tokens_may_live
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

    let rotated = stage.rotate_login(hash(2), hash(3), NOW.plus(50)).await.unwrap();
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
    stage.revoke_login([1; 16], NOW).await.unwrap();
    assert_eq!(stage.expire(NOW.plus(ACCESS_TOKEN_LIFE_MS)).await.unwrap(), 0);
    assert_eq!(stage.list_revoked_logins(NOW).await.unwrap(), [[1; 16]]);
    assert_eq!(stage.expire(NOW.plus(ACCESS_TOKEN_LIFE_MS * 5)).await.unwrap(), 1);
    assert!(stage.list_revoked_logins(NOW).await.unwrap().is_empty());
}
