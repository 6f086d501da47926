//! What the operator does at the machine itself, and no administrator over HTTP.

use conclave_db::{Db, Noted, verify_audit};
use conclave_protocol::limits::ADMIN_PAGE;
use conclave_protocol::{Hash, Username};

use crate::config::Config;
use crate::error::StartError;
use crate::lifecycle::open_database;

/// Switches somebody's second step off, for who lost the app, the backup codes and the recovery key; false where it was
/// not on. Whoever asks has to be known in another way: from here on the password alone is enough again.
pub async fn switch_second_step_off(config: &Config, username: &Username) -> Result<bool, StartError> {
    let db = open_database(config).await?;
    let account = db.find_account_by_username(username).await?;
    let account = account.ok_or(StartError::Account("nobody here has this name"))?;
    let noted = Noted {
        actor: None,
        act: "second step off",
        subject: account.id.to_string(),
        now: config.clock.now(),
    };
    let ended = db.end_second_step(account.id, &noted).await?;
    db.close().await;
    Ok(ended)
}

/// Verifies the whole audit log; answers how many lines it has.
pub async fn check_audit(config: &Config) -> Result<u64, StartError> {
    let db = open_database(config).await?;
    let checked = check(&db).await;
    db.close().await;
    checked
}

async fn check(db: &Db) -> Result<u64, StartError> {
    let mut last = (0, Hash([0; 32]));
    loop {
        let lines = db.list_audit(last.0, ADMIN_PAGE).await?;
        if lines.is_empty() {
            break;
        }
        last = verify_audit(last, &lines).map_err(StartError::Audit)?;
    }
    // The head says how many there have to be: a log that was cut is shorter.
    if db.find_audit_head().await? == last {
        Ok(last.0)
    } else {
        Err(StartError::AuditCut(last.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_whole_log_is_counted_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().to_owned(),
            ..Config::default()
        };
        let db = open_database(&config).await.unwrap();
        let noted = Noted {
            actor: None,
            act: "set",
            subject: "colour".to_owned(),
            now: config.clock.now(),
        };
        for value in ["red", "blue"] {
            db.put_setting("colour", value, &noted).await.unwrap();
        }
        assert_eq!(check(&db).await.unwrap(), 2);
        db.close().await;
        assert_eq!(check_audit(&config).await.unwrap(), 2);
    }
}
