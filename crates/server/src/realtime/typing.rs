//! Who writes: told on to the connected readers of the room, as far as the choices of both sides go.
//!
//! A hint that nobody waits for: what cannot be told at once is not told, and no refusal says why.

use conclave_protocol::limits::TYPING_READERS_MAX;
use conclave_protocol::presence::{Typing, TypingOf};
use conclave_protocol::{AccountId, DeviceAddress, RoomId};

use crate::error::code_of;
use crate::state::App;

/// Tells the readers of a room that somebody writes in it, or stopped.
pub(super) async fn tell(app: &App, sender: DeviceAddress, typing: Typing) {
    if !app.signals.tells_typing(sender.account) {
        return;
    }
    let of = TypingOf {
        room: typing.room,
        account: sender.account,
        active: typing.active,
    };
    for reader in readers(app, sender.account, typing.room).await {
        if reader != sender.account && app.signals.hears_typing(reader) {
            app.hub.tell_typing(reader, of);
        }
    }
}

/// Who reads what an account writes in a room; nobody where it may not write there, or where they are too many.
async fn readers(app: &App, account: AccountId, room: RoomId) -> Vec<AccountId> {
    let found = async {
        if let Some(room) = app.membership.room(&app.db, room).await? {
            let is_member = room.low == account || room.high == account;
            return Ok(if is_member {
                vec![room.low, room.high]
            } else {
                Vec::new()
            });
        }
        let Some(place) = app.places.of_room(&app.db, room).await? else {
            return Ok(Vec::new());
        };
        let Some(place) = app.places.read(&app.db, place).await? else {
            return Ok(Vec::new());
        };
        let state = place.chain.state();
        if state.may_post(account, room, app.now()).is_err() {
            return Ok(Vec::new());
        }
        let readers: Vec<_> = state.readers(room).take(TYPING_READERS_MAX + 1).collect();
        Ok(if readers.len() > TYPING_READERS_MAX {
            Vec::new()
        } else {
            readers
        })
    };
    found.await.unwrap_or_else(|error| {
        code_of(&error);
        Vec::new()
    })
}
