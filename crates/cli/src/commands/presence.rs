//! presence: how one is seen, who gets receipts, and who is there.

use std::time::Duration;

use conclave_sdk::views::{ChoiceChange, PresenceView, SignalsView};
use serde_json::json;
use tokio::time::sleep;

use crate::args::{Common, PresenceArgs};
use crate::error::CliError;
use crate::format;
use crate::print::Printer;
use crate::session::Session;

/// The server says within this who is there.
const SAID_WITHIN: Duration = Duration::from_millis(1_500);

pub(crate) async fn run(common: &Common, printer: &Printer, args: &PresenceArgs) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.has_news().await?;
    let change = args.change();
    if change == ChoiceChange::default() {
        sleep(SAID_WITHIN).await;
    } else {
        session.within(session.device.choose(change)).await?;
    }
    let signals = session.device.signals().await?;
    let mut people = Vec::new();
    for chat in session.device.list_chats().await? {
        let Some(person) = chat.person else { continue };
        if let Some(found) = (signals.people.iter()).find(|found| found.account == person.account) {
            people.push((person.username, found.clone()));
        }
    }
    let value = json!({
        "own": signals.own,
        "people": people.iter().map(|(name, found)| json!({
            "username": name, "account": found.account, "state": found.state,
            "seen_at": found.seen_at, "seen_within": found.seen_within,
        })).collect::<Vec<_>>(),
    });
    printer.result(&value, || lines(&signals, &people, printer))?;
    session.close().await
}

fn lines(signals: &SignalsView, people: &[(String, PresenceView)], printer: &Printer) -> String {
    let mut lines = format::choices(&signals.own);
    lines.extend(
        people
            .iter()
            .map(|(name, found)| format::presence(name, found, printer.zone())),
    );
    lines.join("\n")
}
