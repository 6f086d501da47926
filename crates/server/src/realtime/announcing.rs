//! Tells a device what the server says to everybody: what is in force when it comes, and whatever changes.

use conclave_protocol::frames::ServerFrame;

use super::outgoing::{End, Outgoing};
use crate::state::App;

/// Tells until the connection ends.
pub(super) async fn run(app: &App, outgoing: &Outgoing) -> End {
    let mut current = app.announcements.follow();
    let mut begun = false;
    loop {
        let said = current.borrow_and_update().clone();
        // Of nothing nothing is said, unless something was.
        if begun || !said.is_empty() {
            begun = true;
            let frame = ServerFrame::Announcements(said.to_vec());
            if outgoing.send(frame).await.is_err() {
                return End::GONE;
            }
        }
        if current.changed().await.is_err() {
            return End::GONE;
        }
    }
}
