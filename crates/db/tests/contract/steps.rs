//! What only the contract's tests do to a database.

use conclave_db::{Db, Engine};
use conclave_protocol::DeviceAddress;

use crate::support::Stage;

impl Stage {
    /// A second node on the same database.
    pub(crate) async fn second_node(&self) -> Db {
        Db::open(&self.address).await.unwrap()
    }

    /// Bytes as a literal of this engine.
    pub(crate) fn literal(&self, bytes: &[u8]) -> String {
        let digits = bytes
            .iter()
            .fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
        match self.db.engine() {
            Engine::Sqlite => format!("x'{digits}'"),
            Engine::Postgres => format!("'\\x{digits}'::bytea"),
        }
    }

    /// A device that the account's chain would have added.
    pub(crate) async fn add_device(&self, address: DeviceAddress) {
        let account = self.literal(&address.account.0);
        let device = address.device.0;
        let rows = self
            .execute(&format!(
                "INSERT INTO devices (account, device, created_at, mailbox_head, acknowledged)
                VALUES ({account}, {device}, 0, 0, 0)"
            ))
            .await;
        assert_eq!(rows, 1);
    }

    /// What the account's chain would do to a device.
    pub(crate) async fn revoke_device(&self, address: DeviceAddress) {
        let account = self.literal(&address.account.0);
        let device = address.device.0;
        let rows = self
            .execute(&format!(
                "UPDATE devices SET revoked_at = 1 WHERE account = {account} AND device = {device}"
            ))
            .await;
        assert_eq!(rows, 1);
    }
}
