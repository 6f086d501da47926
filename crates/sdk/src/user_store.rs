//! What a person sets for themselves, on all of their devices alike.

use std::time::Duration;

pub use conclave_client::user_store::MUTED_FOREVER;
use conclave_client::user_store::folder_id;
pub use conclave_client::user_store::views::{
    ChatChange, ContactView, FolderView, NotificationLevel, PersonChange, SettingView,
};
use conclave_client::{Failure, Intent, Reads as _, Table};
use conclave_protocol::{AccountId, RoomId};
use tokio::time::{sleep, timeout};

use crate::{Device, SdkError};

/// How often it is looked whether own devices were told.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Device {
    /// Sets something of a chat: favourite, muted, archived, marked as unread, how loud it is.
    pub async fn set_chat(&self, room: RoomId, change: ChatChange) -> Result<(), SdkError> {
        self.done(Intent::SetChat { room, change }).await
    }

    /// Keeps what was begun to write in a chat.
    pub async fn save_draft(&self, room: RoomId, text: Option<String>) -> Result<(), SdkError> {
        self.done(Intent::SaveDraft { room, text }).await
    }

    /// The person's folders, by name.
    pub async fn list_folders(&self) -> Result<Vec<FolderView>, SdkError> {
        self.look(|engine, store| Ok(engine.list_folders(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// Makes a folder of chats, or changes the one of this id.
    pub async fn set_folder(&self, id: Option<&str>, name: &str, rooms: Vec<RoomId>) -> Result<(), SdkError> {
        let id = id
            .map(|id| folder_id(id).ok_or_else(Failure::unknown_folder))
            .transpose()?;
        let name = name.to_owned();
        self.done(Intent::SetFolder { id, name, rooms }).await
    }

    /// Deletes a folder; its chats stay.
    pub async fn delete_folder(&self, id: &str) -> Result<(), SdkError> {
        let id = folder_id(id).ok_or_else(Failure::unknown_folder)?;
        self.done(Intent::DeleteFolder { id }).await
    }

    /// The person's settings by name.
    pub async fn list_settings(&self) -> Result<Vec<SettingView>, SdkError> {
        self.look(|engine, store| Ok(engine.list_settings(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// Sets something by name; none takes it back.
    pub async fn set_setting(&self, name: &str, value: Option<&str>) -> Result<(), SdkError> {
        let (name, value) = (name.to_owned(), value.map(str::to_owned));
        self.done(Intent::SetSetting { name, value }).await
    }

    /// Sets something of a person: accepts their request, blocks them, names them.
    pub async fn set_person(&self, account: AccountId, change: PersonChange) -> Result<(), SdkError> {
        self.done(Intent::SetPerson { account, change }).await
    }

    /// Deletes a request with all of its messages; nobody is told.
    pub async fn delete_request(&self, room: RoomId) -> Result<(), SdkError> {
        self.done(Intent::DeleteRequest { room }).await
    }

    /// Whom the person blocked or gave a name, by name.
    pub async fn list_contacts(&self) -> Result<Vec<ContactView>, SdkError> {
        self.look(|engine, store| Ok(engine.list_contacts(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// Waits until the server has everything that waits to be told to own devices and others. False where it has not
    /// in time; then it is told later.
    pub async fn wait_until_told(&self, limit: Duration) -> Result<bool, SdkError> {
        let told = async {
            loop {
                let waits = self
                    .look(|_, store| {
                        let one = |table| {
                            let waiting = store
                                .list_records(table, &[], 1)
                                .map_err(|_| Failure::storage())?;
                            Ok::<bool, SdkError>(!waiting.is_empty())
                        };
                        Ok(one(Table::UserStoreQueue)? || one(Table::Outbox)?)
                    })
                    .await?;
                if !waits {
                    return Ok(true);
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(limit, told).await.unwrap_or(Ok(false))
    }
}
