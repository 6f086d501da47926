//! Which rooms do not wake this device while it is closed, by what is set of chats and people. The server is told no
//! more of it than it needs to leave a device asleep.

use conclave_protocol::limits::PUSH_ROOMS_MAX;
use conclave_protocol::push::{PushLevel, PushRoom};
use conclave_protocol::{AccountId, RoomId};

use super::chats::MUTED_FOREVER;
use super::views::NotificationLevel;
use crate::reads::ReadError;
use crate::work::Work;

impl Work<'_> {
    /// The rooms, those first that do not wake at all; beyond what a server takes they wake as others do.
    pub(crate) fn quiet_rooms(&self) -> Result<Vec<PushRoom>, ReadError> {
        let mut rooms: Vec<PushRoom> = Vec::new();
        for (room, settings) in self.chat_settings()? {
            let muted_until = settings.muted_until();
            let never = |until| {
                Some(PushRoom {
                    room,
                    level: PushLevel::Never,
                    until,
                })
            };
            let quiet = match settings.level() {
                NotificationLevel::Nothing => never(None),
                _ if muted_until >= MUTED_FOREVER => never(None),
                _ if muted_until > self.now.0 => never(Some(muted_until)),
                // Whether somebody is mentioned stands in the seal.
                NotificationLevel::Mentions => Some(PushRoom {
                    room,
                    level: PushLevel::Softly,
                    until: None,
                }),
                NotificationLevel::Everything => None,
            };
            rooms.extend(quiet);
        }
        if let Some(own) = self.find_own()? {
            for contact in self.list_contacts()?.iter().filter(|contact| contact.blocked) {
                let Ok(account) = contact.account.parse::<AccountId>() else {
                    continue;
                };
                let room = RoomId::direct(own.account, account);
                rooms.retain(|quiet| quiet.room != room);
                rooms.push(PushRoom {
                    room,
                    level: PushLevel::Never,
                    until: None,
                });
            }
        }
        rooms.sort_by_key(|quiet| (quiet.level == PushLevel::Softly, quiet.room));
        rooms.truncate(PUSH_ROOMS_MAX);
        Ok(rooms)
    }
}
