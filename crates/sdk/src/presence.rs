//! Who is there, who writes, and what the own account chose about both and about receipts.

use conclave_client::views::{AccountIntent, ChoiceChange, SignalsView};
use conclave_client::{Failure, Intent};
use conclave_protocol::RoomId;

use crate::{Device, SdkError};

impl Device {
    /// What is known of signals now; [`conclave_client::views::Event::Signals`] tells when it changed.
    pub async fn signals(&self) -> Result<SignalsView, SdkError> {
        self.look(|engine, store| Ok(engine.signals(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// Chooses how the account is seen, and what of receipts and typing.
    pub async fn choose(&self, change: ChoiceChange) -> Result<(), SdkError> {
        self.done(Intent::Account(AccountIntent::Choose { change })).await
    }

    /// Says that somebody uses this device, or that nobody does: then its account is shown as idle.
    pub async fn set_active(&self, active: bool) -> Result<(), SdkError> {
        self.done(Intent::Account(AccountIntent::Active { active })).await
    }

    /// Says that the person writes in a room, or stopped. It may be said at each key.
    pub async fn set_typing(&self, room: RoomId, active: bool) -> Result<(), SdkError> {
        let room = room.to_string();
        self.done(Intent::Account(AccountIntent::Typing { room, active }))
            .await
    }
}
