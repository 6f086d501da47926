//! search.

use conclave_protocol::Timestamp;
use conclave_sdk::search::{Day, SearchHitView};
use conclave_sdk::views::ChatView;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::args::{Common, LocalArg};
use crate::error::CliError;
use crate::format;
use crate::print::Printer;
use crate::session::Session;

pub(crate) async fn search(
    common: &Common,
    printer: &Printer,
    words: &[String],
    limit: u32,
    local: &LocalArg,
) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let zone = printer.zone().clone();
    let calendar = move |day| begins(day, &zone);
    let typed = words.join(" ");
    let (mut hits, mut behind) = (Vec::new(), None);
    while hits.len() < limit as usize {
        let calendar = calendar.clone();
        let left = limit - u32::try_from(hits.len()).unwrap_or(limit);
        let page = session.device.search(&typed, calendar, behind, left).await?;
        hits.extend(page.hits);
        behind = page.next;
        if behind.is_none() {
            break;
        }
    }
    let chats = session.device.list_chats().await?;
    printer.result(&json!({ "hits": hits, "more": behind.is_some() }), || {
        if hits.is_empty() {
            return "Nothing was found.".to_owned();
        }
        let line = |hit| line(hit, &chats, printer.zone());
        hits.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}

fn line(hit: &SearchHitView, chats: &[ChatView], zone: &TimeZone) -> String {
    let chat = chats.iter().find(|chat| chat.room == hit.room);
    let chat = chat.map_or_else(|| "?".to_owned(), format::name);
    format::found(hit, &chat, zone)
}

/// When a day begins where this machine is.
fn begins(day: Day, zone: &TimeZone) -> Option<Timestamp> {
    let (year, month, day) = (
        i16::try_from(day.year).ok()?,
        i8::try_from(day.month).ok()?,
        i8::try_from(day.day).ok()?,
    );
    let begin = Date::new(year, month, day).ok()?.to_zoned(zone.clone()).ok()?;
    Some(Timestamp(
        u64::try_from(begin.timestamp().as_millisecond()).unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_person_is_and_the_thirtieth_of_february_never() {
        let day = |year, month, day| Day { year, month, day };
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(
            begins(day(1970, 1, 2), &TimeZone::UTC),
            Some(Timestamp(86_400_000))
        );
        assert_eq!(begins(day(1970, 1, 2), &east), Some(Timestamp(79_200_000)));
        assert_eq!(begins(day(1970, 1, 1), &east), Some(Timestamp(0)));
        assert_eq!(begins(day(2026, 2, 30), &TimeZone::UTC), None);
    }
}
