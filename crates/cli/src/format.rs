//! How things are written for people.
//!
//! Invariant: whatever somebody else wrote passes through [`plain`] before it reaches a terminal. A text can
//! neither command the terminal nor look like the line of another person.

use std::fmt::Write as _;

use conclave_protocol::presence::{Availability, LastSeen};
use conclave_sdk::search::SearchHitView;
use conclave_sdk::views::{
    AnnotationView, AnnouncementsView, BodyView, ChangeAuthorView, ChangeView, ChatKindView, ChatView,
    ChoicesView, ConnectionState, DeliveryView, DeviceView, LossView, MessageView, PollOptionView,
    PresenceView, QuoteState, WhatChangedView,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{messages, notices};

/// Continuation lines of a message stand in from the margin, where times stand.
const INDENT: &str = "      ";
/// Longest excerpt in the list of chats.
const EXCERPT: usize = 60;

/// A time of day.
pub(crate) fn time(milliseconds: u64, zone: &TimeZone) -> String {
    format(milliseconds, zone, "%H:%M")
}

/// A date and a time of day.
pub(crate) fn date_and_time(milliseconds: u64, zone: &TimeZone) -> String {
    format(milliseconds, zone, "%Y-%m-%d %H:%M")
}

fn format(milliseconds: u64, zone: &TimeZone, format: &str) -> String {
    i64::try_from(milliseconds)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .map_or_else(
            || "?".to_owned(),
            |time| time.to_zoned(zone.clone()).strftime(format).to_string(),
        )
}

/// A message as it arrives: `12:31 mia: text`.
pub(crate) fn arrived(message: &MessageView, from: &str, zone: &TimeZone) -> String {
    format!("{} {from}: {}", time(message.sent_at, zone), body(message))
}

/// A message in a history, with its date, and how far it got if it is an own one.
pub(crate) fn remembered(message: &MessageView, peer: &str, zone: &TimeZone) -> String {
    let at = date_and_time(message.sent_at, zone);
    let from = if message.mine { "you" } else { peer };
    format!("{at} {from}: {}{}", body(message), delivery(&message.delivery))
}

/// A line of the list of chats.
pub(crate) fn chat(chat: &ChatView, width: usize, zone: &TimeZone) -> String {
    let name = name(chat);
    let unread = match chat.unread {
        0 => String::new(),
        unread => format!("{unread} new"),
    };
    let at = date_and_time(chat.active_at, zone);
    let last = chat.last.as_ref().map(last).unwrap_or_default();
    let marks = marks(chat);
    format!("{name:width$}  {at}  {unread:>7}  {marks}{last}")
        .trim_end()
        .to_owned()
}

/// A message that was found: `2026-07-14 12:31 mia › noa: …the text`.
pub(crate) fn found(hit: &SearchHitView, chat: &str, zone: &TimeZone) -> String {
    let at = date_and_time(hit.sent_at, zone);
    let from = match &hit.username {
        _ if hit.mine => "you",
        Some(name) => name,
        None => "somebody",
    };
    let text = plain(&hit.excerpt);
    if from == chat {
        format!("{at} {from}: {text}")
    } else {
        format!("{at} {chat} › {from}: {text}")
    }
}

/// What the person set of a chat.
fn marks(chat: &ChatView) -> String {
    let marks = [
        (chat.favourite, "favourite"),
        (chat.muted_until.is_some(), "muted"),
        (chat.archived, "archived"),
        (chat.marked_unread, "unread"),
        (chat.draft.is_some(), "draft"),
        (chat.request, "request"),
        (chat.blocked, "blocked"),
    ];
    let set = marks.into_iter().filter(|(set, _)| *set);
    set.flat_map(|(_, mark)| ["[", mark, "] "]).collect()
}

fn last(message: &MessageView) -> String {
    let from = if message.mine { "you: " } else { "" };
    format!(
        "{from}{}{}",
        excerpt(&body(message)),
        if waits(message) { " (waits)" } else { "" }
    )
}

fn waits(message: &MessageView) -> bool {
    message.mine && message.delivery == DeliveryView::Queued
}

/// How a chat is called.
pub(crate) fn name(chat: &ChatView) -> String {
    let title = chat.title.as_deref().map(plain);
    let place = chat.place.as_ref();
    match chat.kind {
        ChatKindView::Direct if chat.saved => format!("{} (saved messages)", title.unwrap_or_default()),
        ChatKindView::Direct => title.unwrap_or_default(),
        ChatKindView::Group => title.unwrap_or_else(|| UNNAMED.to_owned()),
        ChatKindView::Channel => {
            let community = place.and_then(|place| place.title.as_deref()).map(plain);
            let community = community.unwrap_or_else(|| UNNAMED.to_owned());
            format!("{community} #{}", title.unwrap_or_else(|| "…".to_owned()))
        }
    }
}

/// Stands for a name whose key is not here yet.
pub(crate) const UNNAMED: &str = "(name on its way)";

/// How a device is called.
pub(crate) fn device_name(device: &DeviceView) -> String {
    match &device.name {
        Some(name) => plain(name),
        None => format!("device {}", device.device),
    }
}

/// A device was added by another one.
pub(crate) fn device_added(name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!(": {}", plain(name)));
    format!(
        "A device was added to your account{name}. If that was not you, remove it: conclave devices revoke"
    )
}

/// A line of the list of devices.
pub(crate) fn device(device: &DeviceView, width: usize, zone: &TimeZone) -> String {
    let name = device_name(device);
    let added = date_and_time(device.added_at, zone);
    let seen = match device.seen_at {
        _ if device.this => "this device".to_owned(),
        _ if device.connected => "connected".to_owned(),
        Some(at) => format!("last seen {}", date_and_time(at, zone)),
        None => "never seen".to_owned(),
    };
    let number = device.device;
    format!("{number:>4}  {name:width$}  added {added}  {seen}")
}

/// A safety number in twelve groups of five, four in each line.
pub(crate) fn safety_number(digits: &str) -> String {
    let groups: Vec<&str> = digits
        .as_bytes()
        .chunks(5)
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    let lines: Vec<String> = groups.chunks(4).map(|line| line.join(" ")).collect();
    lines.join("\n")
}

/// Something that changed in an account.
pub(crate) fn change(change: &ChangeView, zone: &TimeZone) -> String {
    let at = date_and_time(change.at, zone);
    let named = |device: u32, name: &Option<String>| match name {
        Some(name) => plain(name),
        None => format!("device {device}"),
    };
    let what = match &change.what {
        WhatChangedView::Made => "the account was made".to_owned(),
        WhatChangedView::DeviceAdded { device, name } => format!("{} was added", named(*device, name)),
        WhatChangedView::DeviceRemoved { device, name } => format!("{} was removed", named(*device, name)),
        WhatChangedView::RecoveryReplaced { all_removed: false } => {
            "the recovery key was replaced".to_owned()
        }
        WhatChangedView::RecoveryReplaced { all_removed: true } => {
            "the recovery key was replaced and all devices were removed".to_owned()
        }
        WhatChangedView::Closed => "the account ended".to_owned(),
    };
    let by = match &change.by {
        // The first device made it.
        _ if change.what == WhatChangedView::Made => String::new(),
        ChangeAuthorView::Device { device, name } => format!(", by {}", named(*device, name)),
        ChangeAuthorView::RecoveryKey => ", with the recovery key".to_owned(),
    };
    format!("{at}  {what}{by}")
}

/// How the connection stands.
/// What the account chose, in lines.
pub(crate) fn choices(own: &ChoicesView) -> Vec<String> {
    let seen = match own.availability {
        Availability::Automatic => "You are seen as your devices say.",
        Availability::DoNotDisturb => "You are seen as not to be disturbed.",
        Availability::Invisible => "You are seen as offline.",
    };
    let last = match own.last_seen {
        LastSeen::Everyone => "Everyone who may see you is told when you were there last.",
        LastSeen::Contacts => "Your contacts are told when you were there last.",
        LastSeen::Approximate => "People are told about when you were there last.",
        LastSeen::Nobody => "Nobody is told when you were there last.",
    };
    let switch = |on: bool| if on { "on" } else { "off" };
    let (receipts, typing) = (switch(own.receipts), switch(own.typing));
    vec![
        seen.to_owned(),
        last.to_owned(),
        format!("Receipts: {receipts}. Typing: {typing}."),
    ]
}

/// Whether somebody is there.
pub(crate) fn presence(name: &str, found: &PresenceView, zone: &TimeZone) -> String {
    let how = match (found.state, found.seen_at, found.seen_within) {
        ("do_not_disturb", ..) => "do not disturb".to_owned(),
        ("offline", Some(at), _) => format!("offline, last there {}", date_and_time(at, zone)),
        ("offline", None, Some(span)) => format!("offline, there within the last {span}"),
        (state, ..) => state.to_owned(),
    };
    format!("{name}: {how}")
}

pub(crate) fn connection(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Offline => "offline",
        ConnectionState::Connecting => "connecting",
        ConnectionState::CatchingUp => "catching up",
        ConnectionState::Online => "online",
    }
}

/// Words in numbered columns, read from left to right.
pub(crate) fn words(words: &[String]) -> String {
    let mut text = String::new();
    for (row, four) in words.chunks(4).enumerate() {
        for (column, word) in four.iter().enumerate() {
            let _ = write!(text, "{:>4} {word:<10}", row * 4 + column + 1);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// A QR code of two rows in each line, dark on light whatever the terminal's colours: nothing if it does not fit one.
pub(crate) fn qr_code(text: &str) -> String {
    let Ok(code) = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L) else {
        return String::new();
    };
    code.render::<qrcode::render::unicode::Dense1x2>()
        .dark_color(qrcode::render::unicode::Dense1x2::Light)
        .light_color(qrcode::render::unicode::Dense1x2::Dark)
        .build()
}

fn body(message: &MessageView) -> String {
    if message.blocked {
        return "[of somebody you blocked]".to_owned();
    }
    let text = match &message.body {
        BodyView::Text { text } => plain(text),
        BodyView::Unsupported => "[of a kind that this version does not know]".to_owned(),
        BodyView::Unopened => "[could not be opened yet; it was asked for again]".to_owned(),
        BodyView::Lost {
            why: LossView::TooOld,
        } => "[could not be opened, and is too old to be repeated]".to_owned(),
        BodyView::Lost {
            why: LossView::SentHere,
        } => "[sent from here before this device was restored]".to_owned(),
        BodyView::Lost {
            why: LossView::NotGenuine,
        } => "[not genuine; it was refused]".to_owned(),
        BodyView::Lost {
            why: LossView::KeyNotGiven,
        } => "[could not be opened, and nobody has its key any more]".to_owned(),
        BodyView::RestoredHere => "[this device was restored from an older copy here]".to_owned(),
        BodyView::IdentityChanged => {
            "[this name belonged to another identity before; check with: conclave safety-number]".to_owned()
        }
        BodyView::Poll {
            question,
            options,
            closed,
            ..
        } => poll(question, options, *closed),
        BodyView::Deleted { by_author: true } => "[deleted]".to_owned(),
        BodyView::Deleted { by_author: false } => "[deleted by a moderator]".to_owned(),
        BodyView::Timer { seconds: 0 } => "[new messages do not disappear any more]".to_owned(),
        BodyView::Timer { seconds } => {
            format!("[new messages disappear after {}]", messages::duration(*seconds))
        }
        BodyView::Notice { notice } => format!("[{}]", notices::notice(notice, &notices::unnamed)),
    };
    let text = format!("{}{text}{}", before(message), behind(message));
    match message.missing_before {
        0 => text,
        1 => format!("[1 message before this one is missing] {text}"),
        missing => format!("[{missing} messages before this one are missing] {text}"),
    }
}

fn poll(question: &str, options: &[PollOptionView], closed: bool) -> String {
    let mut text = format!(
        "[poll{}] {}",
        if closed { ", closed" } else { "" },
        plain(question)
    );
    for (place, option) in (1..).zip(options) {
        let mine = if option.mine { ", yours" } else { "" };
        let _ = write!(
            text,
            "\n{INDENT}{place}. {} ({}{mine})",
            plain(&option.text),
            option.votes
        );
    }
    text
}

/// Where a message comes from and what it replies to.
fn before(message: &MessageView) -> String {
    let mut text = String::new();
    if let Some(from) = &message.forwarded {
        let _ = write!(text, "[from {}] ", plain(&from.username));
    }
    if let Some(quote) = &message.reply {
        let said = match quote.state {
            QuoteState::Here => format!("{}: {}", plain(&quote.username), excerpt(&plain(&quote.excerpt))),
            QuoteState::Missing => "a message that is not here".to_owned(),
            QuoteState::Deleted => "a deleted message".to_owned(),
            QuoteState::Blocked => "a message of somebody you blocked".to_owned(),
        };
        let _ = write!(text, "[to {said}] ");
    } else if message
        .thread
        .as_ref()
        .is_some_and(|thread| thread.root != message.id)
    {
        text.push_str("[in a thread] ");
    }
    text
}

/// What happened to a message since.
fn behind(message: &MessageView) -> String {
    let mut text = String::new();
    if message.edited_at.is_some() {
        text.push_str(" [edited]");
    }
    if message.pinned {
        text.push_str(" [pinned]");
    }
    for reaction in &message.reactions {
        let _ = write!(text, " {}", plain(&reaction.emoji));
        if reaction.count > 1 {
            let _ = write!(text, "×{}", reaction.count);
        }
    }
    text
}

/// What somebody did to a message: `mia reacted with 👍 to: text`.
pub(crate) fn annotated(who: &str, what: &AnnotationView, message: Option<&MessageView>) -> String {
    let what = match what {
        AnnotationView::Edited => "edited".to_owned(),
        AnnotationView::Deleted => "deleted a message".to_owned(),
        AnnotationView::Reacted { emoji, on: true } => format!("reacted with {} to", plain(emoji)),
        AnnotationView::Reacted { emoji, on: false } => format!("took {} back from", plain(emoji)),
        AnnotationView::Pinned { on: true } => "pinned".to_owned(),
        AnnotationView::Pinned { on: false } => "unpinned".to_owned(),
        AnnotationView::Voted => "voted in".to_owned(),
        AnnotationView::PollClosed => "closed".to_owned(),
    };
    let said = message.map(|message| match &message.body {
        BodyView::Text { text } => excerpt(&plain(text)),
        BodyView::Poll { question, .. } => excerpt(&plain(question)),
        _ => String::new(),
    });
    match said.filter(|said| !said.is_empty()) {
        Some(said) => format!("[{who} {what}: {said}]"),
        None => format!("[{who} {what}]"),
    }
}

fn delivery(delivery: &DeliveryView) -> String {
    match delivery {
        DeliveryView::Received => String::new(),
        DeliveryView::Queued => " (waits)".to_owned(),
        DeliveryView::Sent => " (sent)".to_owned(),
        DeliveryView::Delivered => " (delivered)".to_owned(),
        DeliveryView::Read => " (read)".to_owned(),
        DeliveryView::Failed { failure } => format!(" (not sent: {})", failure.message),
    }
}

/// A text without what commands a terminal or turns the direction of writing, its lines set in.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => {
                plain.push('\n');
                plain.push_str(INDENT);
            }
            '\t' => plain.push_str("    "),
            '\r' => {}
            c if c.is_control() || is_direction(c) || is_line_end(c) => plain.push('\u{FFFD}'),
            c => plain.push(c),
        }
    }
    plain
}

/// Characters that embed, override or isolate a direction. The marks that only hint at one are harmless.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

fn excerpt(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() <= EXCERPT {
        return one_line;
    }
    let mut cut: String = one_line.chars().take(EXCERPT - 1).collect();
    cut.push('…');
    cut
}

/// What the server says, each on a line; nothing where it says nothing.
pub(crate) fn announcements(view: &AnnouncementsView) -> String {
    let changed = view.key_changed.then(|| {
        "The server signs its announcements with another key than before. Ask the people who run it before you believe \
         them: conclave announcements --accept-key"
            .to_owned()
    });
    let said = view.announcements.iter();
    let said = said.map(|one| format!("The server says ({}): {}", one.kind, plain(&one.text)));
    changed.into_iter().chain(said).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use conclave_sdk::Failure;
    use conclave_sdk::user_store::NotificationLevel;
    use conclave_sdk::views::{
        ActionView, ForwardedView, PersonView, Position, PostingView, QuoteView, ReactionView,
    };

    use super::*;

    fn message(text: &str) -> MessageView {
        MessageView {
            id: "id".into(),
            room: "room".into(),
            author: "author".into(),
            mine: false,
            sent_at: 1_784_032_260_000,
            delivery: DeliveryView::Received,
            missing_before: 0,
            body: BodyView::Text { text: text.into() },
            position: Position {
                sequence: Some(1),
                ordinal: 1,
            },
            reply: None,
            edited_at: None,
            reactions: Vec::new(),
            pinned: false,
            thread: None,
            forwarded: None,
            expires_at: None,
            mentions_me: false,
            can: ActionView::default(),
            blocked: false,
        }
    }

    #[test]
    fn what_goes_with_a_message_is_printed_and_commands_nothing() {
        let mut row = message("yes");
        row.reply = Some(QuoteView {
            message: "id".into(),
            author: "author".into(),
            username: "mia".into(),
            excerpt: "shall\u{1b}[2J we?".into(),
            state: QuoteState::Here,
        });
        row.edited_at = Some(1);
        row.reactions = vec![ReactionView {
            emoji: "👍".into(),
            count: 2,
            mine: true,
            people: Vec::new(),
        }];
        assert_eq!(
            arrived_utc(&row),
            "12:31 mia: [to mia: shall\u{FFFD}[2J we?] yes [edited] 👍×2"
        );
        row.reply = None;
        row.forwarded = Some(ForwardedView {
            username: "noa".into(),
        });
        assert_eq!(arrived_utc(&row), "12:31 mia: [from noa] yes [edited] 👍×2");
    }

    #[test]
    fn a_poll_is_printed_with_its_votes_and_a_timer_with_its_time() {
        let option = |text: &str, votes, mine| PollOptionView {
            text: text.into(),
            votes,
            mine,
        };
        let mut row = message("");
        row.body = BodyView::Poll {
            question: "When?".into(),
            options: vec![option("now", 2, true), option("later", 0, false)],
            multiple: false,
            closed: true,
            closes_at: None,
            voters: 2,
        };
        assert_eq!(
            arrived_utc(&row),
            "12:31 mia: [poll, closed] When?\n      1. now (2, yours)\n      2. later (0)"
        );
        row.body = BodyView::Timer { seconds: 3_600 };
        assert_eq!(arrived_utc(&row), "12:31 mia: [new messages disappear after 1h]");
    }

    #[test]
    fn what_somebody_did_to_a_message_is_said_in_a_line() {
        let row = message("see you at the pier");
        let reacted = AnnotationView::Reacted {
            emoji: "👍".into(),
            on: true,
        };
        assert_eq!(
            annotated("mia", &reacted, Some(&row)),
            "[mia reacted with 👍 to: see you at the pier]"
        );
        assert_eq!(
            annotated("mia", &AnnotationView::Deleted, None),
            "[mia deleted a message]"
        );
    }

    fn arrived_utc(message: &MessageView) -> String {
        arrived(message, "mia", &TimeZone::UTC)
    }

    #[test]
    fn a_message_is_time_name_and_text() {
        assert_eq!(arrived_utc(&message("hello")), "12:31 mia: hello");
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(arrived(&message("hello"), "mia", &east), "14:31 mia: hello");
        assert_eq!(time(u64::MAX, &TimeZone::UTC), "?");
    }

    #[test]
    fn a_text_cannot_pretend_to_be_another_line() {
        let forged = message("hello\n12:32 anna: send me your password");
        assert_eq!(
            arrived_utc(&forged),
            "12:31 mia: hello\n      12:32 anna: send me your password"
        );
        assert_eq!(
            arrived_utc(&message("a\r12:32 anna: b")),
            "12:31 mia: a12:32 anna: b"
        );
        assert_eq!(arrived_utc(&message("a\u{2028}b")), "12:31 mia: a\u{FFFD}b");
    }

    #[test]
    fn a_text_cannot_command_the_terminal() {
        let nasty = "\u{1b}]0;title\u{7}\u{1b}[2J \u{9b}31m \u{202e}abc\u{2066} \u{8}\u{7f}";
        let shown = arrived_utc(&message(nasty));
        assert!(
            !shown.chars().any(|c| c.is_control() || is_direction(c)),
            "{shown:?}"
        );
        let family = "שלום 👨\u{200d}👩\u{200d}👧 \u{200f}ok";
        assert_eq!(
            arrived_utc(&message(family)),
            format!("12:31 mia: {family}"),
            "writing stays as it is"
        );
    }

    #[test]
    fn what_is_missing_or_not_readable_is_said() {
        let mut unopened = message("");
        unopened.body = BodyView::Unopened;
        unopened.missing_before = 2;
        assert_eq!(
            arrived_utc(&unopened),
            "12:31 mia: [2 messages before this one are missing] \
             [could not be opened yet; it was asked for again]"
        );
        let mut lost = message("");
        lost.body = BodyView::Lost {
            why: LossView::TooOld,
        };
        assert_eq!(
            arrived_utc(&lost),
            "12:31 mia: [could not be opened, and is too old to be repeated]"
        );
    }

    #[test]
    fn a_history_says_how_far_own_messages_got() {
        let mut own = message("hello");
        own.mine = true;
        own.delivery = DeliveryView::Delivered;
        assert_eq!(
            remembered(&own, "mia", &TimeZone::UTC),
            "2026-07-14 12:31 you: hello (delivered)"
        );
        own.delivery = DeliveryView::Failed {
            failure: Failure::text_long(),
        };
        let shown = remembered(&own, "mia", &TimeZone::UTC);
        assert!(
            shown.ends_with(&format!("(not sent: {})", Failure::text_long().message)),
            "{shown}"
        );
        assert_eq!(
            remembered(&message("hi"), "mia", &TimeZone::UTC),
            "2026-07-14 12:31 mia: hi"
        );
    }

    #[test]
    fn a_chat_is_one_line() {
        let row = ChatView {
            room: "room".into(),
            kind: ChatKindView::Direct,
            title: Some("mia".into()),
            person: Some(PersonView {
                account: "account".into(),
                username: "mia".into(),
            }),
            saved: false,
            place: None,
            posting: PostingView::Allowed,
            last: Some(message("one\ntwo   three")),
            unread: 12,
            active_at: 1_784_032_260_000,
            disappearing: 0,
            favourite: false,
            muted_until: None,
            archived: false,
            marked_unread: false,
            level: NotificationLevel::Everything,
            draft: None,
            request: false,
            blocked: false,
        };
        assert_eq!(
            chat(&row, 6, &TimeZone::UTC),
            "mia     2026-07-14 12:31   12 new  one two three"
        );
        let mut own = message("hi");
        (own.mine, own.delivery) = (true, DeliveryView::Queued);
        let row = ChatView {
            unread: 0,
            last: Some(own),
            ..row
        };
        assert_eq!(
            chat(&row, 6, &TimeZone::UTC),
            "mia     2026-07-14 12:31           you: hi (waits)"
        );
        let marked = ChatView {
            favourite: true,
            muted_until: Some(1),
            ..row.clone()
        };
        assert_eq!(
            chat(&marked, 6, &TimeZone::UTC),
            "mia     2026-07-14 12:31           [favourite] [muted] you: hi (waits)"
        );
        let strange = ChatView {
            request: true,
            last: Some(message("hi")),
            ..row.clone()
        };
        assert_eq!(
            chat(&strange, 6, &TimeZone::UTC),
            "mia     2026-07-14 12:31           [request] hi"
        );
        let quiet = ChatView {
            last: None,
            saved: true,
            ..row
        };
        assert_eq!(
            chat(&quiet, 6, &TimeZone::UTC),
            "mia (saved messages)  2026-07-14 12:31"
        );
        assert_eq!(excerpt(&"x".repeat(200)).chars().count(), EXCERPT);
    }

    #[test]
    fn a_safety_number_stands_in_three_lines_of_four_groups() {
        let shown = safety_number(&"12345".repeat(12));
        assert_eq!(shown, ["12345 12345 12345 12345"; 3].join("\n"));
    }

    #[test]
    fn a_change_says_when_what_and_by_whom() {
        let of = |what, by| ChangeView {
            at: 1_784_032_260_000,
            what,
            by,
        };
        let phone = || WhatChangedView::DeviceAdded {
            device: 3,
            name: Some("Phone\u{1b}".into()),
        };
        let first = || ChangeAuthorView::Device {
            device: 0,
            name: None,
        };
        assert_eq!(
            change(&of(phone(), first()), &TimeZone::UTC),
            "2026-07-14 12:31  Phone\u{FFFD} was added, by device 0"
        );
        assert_eq!(
            change(&of(phone(), ChangeAuthorView::RecoveryKey), &TimeZone::UTC),
            "2026-07-14 12:31  Phone\u{FFFD} was added, with the recovery key"
        );
        assert_eq!(
            change(&of(WhatChangedView::Made, first()), &TimeZone::UTC),
            "2026-07-14 12:31  the account was made"
        );
    }

    #[test]
    fn what_was_found_says_when_where_and_who_and_commands_no_terminal() {
        let hit = SearchHitView {
            message: "id".into(),
            room: "room".into(),
            author: "author".into(),
            username: Some("mia".into()),
            mine: false,
            sent_at: 1_784_032_260_000,
            excerpt: "the boat\u{1b}[2J".into(),
            matches: vec![(4, 8)],
            position: Position {
                sequence: Some(1),
                ordinal: 1,
            },
        };
        assert_eq!(
            found(&hit, "mia", &TimeZone::UTC),
            "2026-07-14 12:31 mia: the boat\u{FFFD}[2J"
        );
        let own = SearchHitView {
            mine: true,
            ..hit.clone()
        };
        assert!(found(&own, "mia", &TimeZone::UTC).starts_with("2026-07-14 12:31 mia › you: "));
        let unknown = SearchHitView {
            username: None,
            ..hit
        };
        assert!(found(&unknown, "harbour", &TimeZone::UTC).contains("harbour › somebody: "));
    }

    #[test]
    fn the_recovery_key_is_numbered() {
        let list: Vec<String> = (1..=24).map(|n| format!("word{n}")).collect();
        let shown = words(&list);
        assert_eq!(shown.lines().count(), 6);
        assert_eq!(
            shown.lines().next(),
            Some("   1 word1        2 word2        3 word3        4 word4")
        );
        assert!(shown.ends_with("24 word24"));
    }
}
