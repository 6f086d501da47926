//! group, community, join, members.

use std::collections::BTreeMap;

use conclave_protocol::{AccountId, PlaceId, RoomId};
use conclave_sdk::views::{
    BodyView, ChannelForm, ChannelSort, InviteForm, MemberView, MessageView, PlaceChange, PlaceField,
    PlaceSort, PlaceStateView, PlaceView,
};
use conclave_sdk::{Failure, SdkError};
use serde_json::json;

use crate::args::{Common, LocalArg, MembersCommand, PlaceCommand};
use crate::error::CliError;
use crate::format::{self, UNNAMED, plain};
use crate::links::WhoArg;
use crate::notices;
use crate::print::Printer;
use crate::session::{Session, spelled};

/// Milliseconds of an hour and a minute.
const HOUR_MS: u64 = 60 * 60 * 1000;
const MINUTE_MS: u64 = 60 * 1000;

pub(crate) async fn run(
    common: &Common,
    printer: &Printer,
    sort: PlaceSort,
    what: PlaceCommand,
) -> Result<(), CliError> {
    match what {
        PlaceCommand::Create { name, people } => create(common, printer, sort, &name, &people).await,
        PlaceCommand::List { local } => list(common, printer, sort, &local).await,
        PlaceCommand::Show { place, local } => show(common, printer, &place, &local).await,
        PlaceCommand::Invite {
            place,
            uses,
            hours,
            approval,
        } => {
            let terms = InviteForm {
                uses,
                life: hours.map(|hours| hours.saturating_mul(HOUR_MS)),
                approval,
                roles: Vec::new(),
            };
            invite(common, printer, &place, terms).await
        }
        PlaceCommand::RevokeInvite { place, invite } => {
            change(common, printer, &place, PlaceChange::RevokeInvite { invite }).await
        }
        PlaceCommand::Rename { place, name } => {
            let field = PlaceField::Name;
            change(
                common,
                printer,
                &place,
                PlaceChange::SetText { field, text: name },
            )
            .await
        }
        PlaceCommand::Topic { place, topic } => {
            let field = PlaceField::Topic;
            change(
                common,
                printer,
                &place,
                PlaceChange::SetText { field, text: topic },
            )
            .await
        }
        PlaceCommand::Channel {
            place,
            name,
            announcement,
        } => {
            let kind = if announcement {
                ChannelSort::Announcement
            } else {
                ChannelSort::Text
            };
            let channel = ChannelForm {
                name,
                ..ChannelForm::default()
            };
            change(
                common,
                printer,
                &place,
                PlaceChange::CreateChannel { kind, channel },
            )
            .await
        }
        PlaceCommand::Change {
            place,
            change: wanted,
        } => {
            let wanted = serde_json::from_str(&wanted).map_err(|_| CliError::NoChange)?;
            change(common, printer, &place, wanted).await
        }
        PlaceCommand::Send { place, text, channel } => {
            send(common, printer, &place, channel.as_deref(), &text.join(" ")).await
        }
        PlaceCommand::History {
            place,
            channel,
            limit,
            local,
        } => history(common, printer, &place, channel.as_deref(), limit, &local).await,
        PlaceCommand::Transfer { place, to } => {
            let session = online(common).await?;
            let found = find(&session, &place).await?;
            let account = account_of(&session, &to).await?;
            apply(&session, printer, &found, PlaceChange::Transfer { account }).await?;
            session.close().await
        }
        PlaceCommand::Leave { place } => change(common, printer, &place, PlaceChange::Leave).await,
        PlaceCommand::Close { place } => change(common, printer, &place, PlaceChange::Close).await,
    }
}

async fn online(common: &Common) -> Result<Session, CliError> {
    let session = Session::open(common).await?;
    if !session.has_news().await? {
        return Err(CliError::Unreachable);
    }
    Ok(session)
}

async fn create(
    common: &Common,
    printer: &Printer,
    sort: PlaceSort,
    name: &str,
    people: &[WhoArg],
) -> Result<(), CliError> {
    let session = online(common).await?;
    let mut accounts = Vec::new();
    for who in people {
        accounts.push(account_of(&session, who).await?);
    }
    let made = session
        .within(session.device.create_place(sort, name, &accounts))
        .await?;
    // Keys are handed to those who were added; what is not sent now is sent with the next command.
    session.has_news().await?;
    let value = json!({ "place": made.place.to_string(), "room": made.room.to_string() });
    printer.result(&value, || format!("{} {}", plain(name), made.place))?;
    session.close().await
}

async fn list(common: &Common, printer: &Printer, sort: PlaceSort, local: &LocalArg) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let mut places = session.device.list_places().await?;
    places.retain(|place| place.kind == sort);
    printer.result(&json!({ "places": places }), || {
        let line = |place: &PlaceView| {
            let state = state(place).map_or_else(String::new, |state| format!("  ({state})"));
            format!("{}  {} members{state}", title(place), place.members)
        };
        places.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}

async fn show(common: &Common, printer: &Printer, place: &str, local: &LocalArg) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let place = find(&session, place).await?;
    printer.result(&json!({ "place": place }), || described(&place))?;
    session.close().await
}

fn described(place: &PlaceView) -> String {
    let mut lines = vec![format!("{}  {}", title(place), place.place)];
    lines.extend(state(place).map(str::to_owned));
    lines.extend(place.disputed.iter().map(|failure| failure.message.clone()));
    lines.extend(place.topic.iter().map(|topic| format!("topic: {}", plain(topic))));
    lines.push(format!("members: {}", place.members));
    for channel in &place.channels {
        let name = channel.title.as_deref().map_or_else(|| "…".to_owned(), plain);
        lines.push(format!(
            "#{name}  {} members, {} new",
            channel.members, channel.unread
        ));
    }
    for request in &place.requests {
        let who = request
            .username
            .clone()
            .unwrap_or_else(|| notices::unnamed(&request.account));
        lines.push(format!("{who} asks to be let in"));
    }
    for one in &place.returned {
        let name = &one.person.username;
        lines.push(format!(
            "{name} started again under their name. Compare safety numbers, then: conclave members … let-back-in {name}"
        ));
    }
    for invite in &place.invites {
        let uses = invite
            .uses_left
            .map_or_else(|| "any number of".to_owned(), |uses| uses.to_string());
        lines.push(format!("invite {}: {uses} uses left", invite.invite));
    }
    lines.join("\n")
}

async fn invite(common: &Common, printer: &Printer, place: &str, terms: InviteForm) -> Result<(), CliError> {
    let session = online(common).await?;
    let place = find(&session, place).await?;
    let made = session
        .within(session.device.make_place_invite(id_of(&place)?, terms))
        .await?;
    let link = format!("{}{}", session.device.server(), made.link);
    printer.result(&json!({ "link": link, "invite": made.invite }), || link.clone())?;
    printer.hint("Whoever has the link can use it: give it to nobody else.");
    session.close().await
}

async fn change(
    common: &Common,
    printer: &Printer,
    place: &str,
    wanted: PlaceChange,
) -> Result<(), CliError> {
    let session = online(common).await?;
    let place = find(&session, place).await?;
    apply(&session, printer, &place, wanted).await?;
    session.close().await
}

async fn apply(
    session: &Session,
    printer: &Printer,
    place: &PlaceView,
    wanted: PlaceChange,
) -> Result<(), CliError> {
    let id = id_of(place)?;
    session.within(session.device.change_place(id, wanted)).await?;
    session.has_news().await?;
    let now = session.device.find_place(id).await?;
    printer.result(&json!({ "place": now }), || "Done.".to_owned())
}

pub(crate) async fn join(common: &Common, printer: &Printer, link: &str, look: bool) -> Result<(), CliError> {
    let session = online(common).await?;
    if look {
        let preview = session.within(session.device.preview_invite(link)).await?;
        printer.result(&json!({ "preview": preview }), || {
            let title = preview.title.as_deref().map_or_else(|| UNNAMED.to_owned(), plain);
            let inviter = preview.inviter.as_ref().map_or_else(String::new, |inviter| {
                format!(", {} invites you", inviter.username)
            });
            format!("{title}: {} members{inviter}", preview.members)
        })?;
        return session.close().await;
    }
    let joined = session.within(session.device.join_place(link)).await?;
    session.has_news().await?;
    let place = session.device.find_place(joined.place).await?;
    let value = json!({ "place": joined.place.to_string(), "waiting": joined.waiting });
    printer.result(&value, || {
        let title = place.as_ref().map_or_else(|| UNNAMED.to_owned(), title);
        if joined.waiting {
            format!("You asked to be let in to {title}. Somebody there has to agree.")
        } else {
            format!("You are in {title}.")
        }
    })?;
    session.close().await
}

pub(crate) async fn members(
    common: &Common,
    printer: &Printer,
    place: &str,
    what: Option<MembersCommand>,
) -> Result<(), CliError> {
    let session = online(common).await?;
    let place = find(&session, place).await?;
    let Some(what) = what else {
        let members = session.device.list_members(id_of(&place)?).await?;
        printer.result(&json!({ "members": members }), || {
            let line = |member: &MemberView| {
                let name = member
                    .username
                    .clone()
                    .unwrap_or_else(|| notices::unnamed(&member.account));
                let nickname = member
                    .nickname
                    .as_ref()
                    .map_or_else(String::new, |nickname| format!(" ({})", plain(nickname)));
                let owner = if member.is_owner { "  owner" } else { "" };
                format!("{name}{nickname}{owner}")
            };
            members.iter().map(line).collect::<Vec<_>>().join("\n")
        })?;
        return session.close().await;
    };
    let wanted = match what {
        MembersCommand::LetBackIn { name } => {
            let name = spelled(&name);
            let mut returned = place.returned.iter();
            let Some(one) = returned.find(|one| one.person.username == name) else {
                session.close().await?;
                return Err(CliError::NobodyReturned(name));
            };
            let former = one.former.parse().map_err(|_| SdkError::Mismatch)?;
            let asked = session.device.let_back_in(id_of(&place)?, former);
            session.within(asked).await?;
            printer.result(&json!({ "let_back_in": one.person }), || {
                let stays = if one.former_stays {
                    " The account that they had owns it and stays."
                } else {
                    ""
                };
                format!("{name} is in again.{stays}")
            })?;
            return session.close().await;
        }
        MembersCommand::Add { who } => PlaceChange::AddMember {
            account: account_of(&session, &who).await?,
            roles: Vec::new(),
        },
        MembersCommand::Remove { who, reason } => PlaceChange::Remove {
            account: account_of(&session, &who).await?,
            reason,
        },
        MembersCommand::Ban { who, reason } => PlaceChange::Ban {
            account: account_of(&session, &who).await?,
            reason,
        },
        MembersCommand::Unban { who } => PlaceChange::Unban {
            account: account_of(&session, &who).await?,
        },
        MembersCommand::Approve { who } => PlaceChange::Approve {
            account: account_of(&session, &who).await?,
        },
        MembersCommand::Decline { who } => PlaceChange::Decline {
            account: account_of(&session, &who).await?,
        },
        MembersCommand::Mute { who, minutes } => {
            let now = conclave_sdk::clock::system()().0;
            let until = match minutes {
                0 => 0,
                minutes => now.saturating_add(minutes.saturating_mul(MINUTE_MS)),
            };
            PlaceChange::Mute {
                account: account_of(&session, &who).await?,
                until,
                reason: String::new(),
            }
        }
    };
    apply(&session, printer, &place, wanted).await?;
    session.close().await
}

async fn send(
    common: &Common,
    printer: &Printer,
    place: &str,
    channel: Option<&str>,
    text: &str,
) -> Result<(), CliError> {
    let session = online(common).await?;
    let place = find(&session, place).await?;
    let room = room_of(&place, channel)?;
    let message = session.device.send_text(room, text).await?;
    session
        .within(session.device.wait_until_sent(message, session.timeout))
        .await?;
    let value = json!({ "message": message.to_string(), "room": room.to_string() });
    printer.result(&value, || "Sent.".to_owned())?;
    session.close().await
}

async fn history(
    common: &Common,
    printer: &Printer,
    place: &str,
    channel: Option<&str>,
    limit: u32,
    local: &LocalArg,
) -> Result<(), CliError> {
    let session = Session::open_with_news(common, local, printer).await?;
    let place = find(&session, place).await?;
    let room = room_of(&place, channel)?;
    let messages = session.device.list_messages(room, None, limit).await?;
    let names = names(&session, &messages).await?;
    printer.result(&json!({ "room": room.to_string(), "messages": messages }), || {
        let name = |account: &str| {
            names
                .get(account)
                .cloned()
                .unwrap_or_else(|| notices::unnamed(account))
        };
        let line = |message: &MessageView| match &message.body {
            BodyView::Notice { notice } => {
                let at = format::date_and_time(message.sent_at, printer.zone());
                format!(
                    "{at} {}: {}",
                    name(&message.author),
                    notices::notice(notice, &name)
                )
            }
            _ => format::remembered(message, &name(&message.author), printer.zone()),
        };
        messages.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    session.close().await
}

/// Who is named in messages, by account.
async fn names(session: &Session, messages: &[MessageView]) -> Result<BTreeMap<String, String>, CliError> {
    let mut accounts: Vec<AccountId> = Vec::new();
    for message in messages {
        accounts.extend(message.author.parse::<AccountId>());
        if let BodyView::Notice { notice } = &message.body {
            accounts.extend(
                notices::accounts(notice)
                    .into_iter()
                    .filter_map(|account| account.parse::<AccountId>().ok()),
            );
        }
    }
    accounts.sort_unstable();
    accounts.dedup();
    let people = session.device.list_people(accounts).await?;
    Ok(people
        .into_iter()
        .map(|person| (person.account, person.username))
        .collect())
}

/// A group or community by its id, or by its name where one alone has it.
async fn find(session: &Session, wanted: &str) -> Result<PlaceView, CliError> {
    let mut places = session.device.list_places().await?;
    places.retain(|place| {
        place.place == wanted
            || place
                .title
                .as_ref()
                .is_some_and(|title| title.to_lowercase() == wanted.to_lowercase())
    });
    match places.len() {
        0 => Err(CliError::Failed(Failure::unknown_place())),
        1 => places
            .pop()
            .ok_or_else(|| CliError::Failed(Failure::unknown_place())),
        _ => Err(CliError::SeveralPlaces(wanted.to_owned())),
    }
}

/// Somebody's account: known from a chat, or found by the server.
async fn account_of(session: &Session, who: &WhoArg) -> Result<AccountId, CliError> {
    session.check_link(who)?;
    let person = session
        .within(session.device.find_person(who.username.as_str(), who.account))
        .await?;
    Ok(person.account)
}

fn room_of(place: &PlaceView, channel: Option<&str>) -> Result<RoomId, CliError> {
    let room = match (&place.room, channel) {
        (Some(room), None) => Some(room.clone()),
        (_, None) => place.channels.first().map(|channel| channel.room.clone()),
        (_, Some(name)) => {
            let name = name.trim_start_matches('#').to_lowercase();
            let found = place.channels.iter().find(|channel| {
                channel
                    .title
                    .as_ref()
                    .is_some_and(|title| title.to_lowercase() == name)
            });
            found.map(|channel| channel.room.clone())
        }
    };
    room.and_then(|room| room.parse().ok())
        .ok_or_else(|| CliError::Failed(Failure::unknown_room()))
}

fn id_of(place: &PlaceView) -> Result<PlaceId, CliError> {
    place
        .place
        .parse()
        .map_err(|_| CliError::Failed(Failure::unknown_place()))
}

fn title(place: &PlaceView) -> String {
    place.title.as_deref().map_or_else(|| UNNAMED.to_owned(), plain)
}

/// How one stands to a place, where that is not simply being in it.
fn state(place: &PlaceView) -> Option<&'static str> {
    match &place.state {
        PlaceStateView::Member => None,
        PlaceStateView::Waiting => Some("you wait to be let in"),
        PlaceStateView::Left => Some("you left"),
        PlaceStateView::Removed { .. } => Some("you were removed"),
        PlaceStateView::Banned { .. } => Some("you were banned"),
        PlaceStateView::Declined => Some("you were not let in"),
        PlaceStateView::Unlisted => Some("the server says that you are no longer in it"),
        PlaceStateView::Closed => Some("closed"),
    }
}
