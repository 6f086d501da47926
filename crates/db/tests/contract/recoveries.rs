use conclave_db::RecoveryAttempt;
use conclave_protocol::Username;
use futures_util::future::join_all;

use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join};

on_both_engines! {
    a_recovery_attempt_is_claimed_once_and_not_after_its_end
    a_handle_that_nobody_has_has_no_recovery_key
}

async fn a_recovery_attempt_is_claimed_once_and_not_after_its_end(stage: Stage) {
    join(&stage, [1]).await;
    let attempt = |number, account| RecoveryAttempt {
        id: hash(number),
        account,
        key: [4; 32],
        expires: NOW.plus(100),
    };
    stage
        .insert_recovery_attempt(&attempt(1, Some(account(1))))
        .await
        .unwrap();
    stage.insert_recovery_attempt(&attempt(2, None)).await.unwrap();
    let claims = join_all((0..10).map(|_| stage.claim_recovery_attempt(hash(1), NOW.plus(99)))).await;
    let claimed: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(claimed, [attempt(1, Some(account(1)))]);
    assert_eq!(
        stage
            .claim_recovery_attempt(hash(2), NOW.plus(100))
            .await
            .unwrap(),
        None
    );
    assert_eq!(stage.claim_recovery_attempt(hash(3), NOW).await.unwrap(), None);
}

async fn a_handle_that_nobody_has_has_no_recovery_key(stage: Stage) {
    join(&stage, [1]).await;
    let nobody: Username = "nobody".parse().unwrap();
    assert_eq!(stage.find_recovery(&nobody).await.unwrap(), None);
}
