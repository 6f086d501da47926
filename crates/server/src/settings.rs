//! What an administrator sets at run time. It is read where it is needed: rarely, and every node has to agree.

use conclave_db::{Db, DbError, Noted};
use conclave_protocol::accounts::Registration;

const REGISTRATION: &str = "registration";

/// Who may register: who has an invite, unless an administrator said otherwise.
pub(crate) async fn registration(db: &Db) -> Result<Registration, DbError> {
    let value = db.find_setting(REGISTRATION).await?;
    Ok(value.and_then(|value| value.parse().ok()).unwrap_or_default())
}

/// Says who may register.
pub(crate) async fn set_registration(
    db: &Db,
    registration: Registration,
    noted: &Noted,
) -> Result<(), DbError> {
    db.put_setting(REGISTRATION, registration.as_str(), noted).await
}
