//! Finding messages on this device.

use conclave_client::Failure;
pub use conclave_client::search::Day;
pub use conclave_client::search::views::{SearchHitView, SearchPageView, SearchPosition};
use conclave_client::views::MessageView;
use conclave_protocol::{EnvelopeId, RoomId, Timestamp};
use conclave_store::SearchError;

use crate::{Device, SdkError};

impl Device {
    /// Messages that fit what was typed, newest first: words, "phrases", `from:`, `in:`, `has:link`, `before:` and
    /// `after:`. `calendar` says when a day begins where the person is. Nothing of it leaves the device.
    pub async fn search(
        &self,
        typed: &str,
        calendar: impl Fn(Day) -> Option<Timestamp> + Send + 'static,
        behind: Option<SearchPosition>,
        limit: u32,
    ) -> Result<SearchPageView, SdkError> {
        let typed = typed.to_owned();
        self.look(move |engine, store| {
            store
                .search(engine, &typed, &calendar, behind, limit)
                .map_err(|error| match error {
                    SearchError::Asked(failure) => failure.into(),
                    SearchError::Store(error) => error.into(),
                    SearchError::Read(_) => Failure::storage().into(),
                })
        })
        .await
    }

    /// A message with up to `each` ones before and behind it; oldest first.
    pub async fn list_messages_around(
        &self,
        room: RoomId,
        message: EnvelopeId,
        each: u32,
    ) -> Result<Vec<MessageView>, SdkError> {
        let now = self.now();
        self.look(move |engine, store| {
            let rows = store
                .list_messages_around(room, message, each)?
                .ok_or_else(Failure::unknown_message)?;
            Ok(engine
                .show_messages(store, &rows, now)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }
}
