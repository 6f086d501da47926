//! What the server says to everybody, signed by its own key. Rows are signed as they are read, so that what is in
//! force stands under the key that the server has now.

use std::sync::Arc;

use conclave_db::{AnnouncementInForce, Db, DbError};
use conclave_protocol::announcements::{Signed, Statement};
use conclave_protocol::{Bytes, ServerKey, Timestamp};
use ed25519_dalek::{Signer, SigningKey};
use tokio::sync::watch;

/// The key, and what is in force under it.
pub(crate) struct Announcements {
    key: SigningKey,
    current: watch::Sender<Arc<Vec<Signed>>>,
}

impl Announcements {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self {
            key: SigningKey::from_bytes(seed),
            current: watch::Sender::default(),
        }
    }

    /// The public half of the key.
    pub(crate) fn key(&self) -> ServerKey {
        ServerKey(self.key.verifying_key().to_bytes())
    }

    /// Reads what is in force; whoever follows is told where it changed.
    pub(crate) async fn load(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let found = db.list_announcements_in_force(now).await?;
        let signed: Vec<Signed> = found.into_iter().map(|one| self.sign(one)).collect();
        self.current.send_if_modified(|current| {
            let changed = **current != signed;
            if changed {
                *current = Arc::new(signed);
            }
            changed
        });
        Ok(())
    }

    /// What is in force, and every change of it.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Vec<Signed>>> {
        self.current.subscribe()
    }

    fn sign(&self, one: AnnouncementInForce) -> Signed {
        let statement = match one.withdrawn_at {
            None => Statement::Announcement(one.said),
            Some(at) => Statement::Withdrawal { id: one.said.id, at },
        };
        let statement = statement.to_bytes();
        let signature = self.key.sign(&statement).to_bytes().to_vec();
        Signed {
            statement: Bytes(statement),
            signature: Bytes(signature),
        }
    }
}
