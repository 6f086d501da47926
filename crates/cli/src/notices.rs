//! What happened in a group or community, as a line of a timeline.

use conclave_sdk::views::{EntryView, NoticeView};

use crate::format::plain;

/// What a notice says. `name` tells who an account is.
pub(crate) fn notice(notice: &NoticeView, name: &dyn Fn(&str) -> String) -> String {
    let because = |reason: &Option<String>| match reason {
        Some(reason) if !reason.is_empty() => format!(": {}", plain(reason)),
        _ => String::new(),
    };
    match notice {
        NoticeView::Created => "began".to_owned(),
        NoticeView::Joined { account, how } => match how {
            EntryView::Invited => format!("{} joined", name(account)),
            EntryView::Approved => format!("{} was let in", name(account)),
            EntryView::Added => format!("{} was added", name(account)),
        },
        NoticeView::Left { account } => format!("{} left", name(account)),
        NoticeView::Removed { account, reason } => {
            format!("{} was removed{}", name(account), because(reason))
        }
        NoticeView::Banned { account, reason } => format!("{} was banned{}", name(account), because(reason)),
        NoticeView::Unbanned { account } => format!("{} may come back", name(account)),
        NoticeView::Muted {
            account, until: 0, ..
        } => format!("{} may write again", name(account)),
        NoticeView::Muted { account, reason, .. } => {
            format!("{} may not write for a time{}", name(account), because(reason))
        }
        NoticeView::RolesChanged {
            account,
            given,
            taken,
        } => {
            let list = |roles: &[String]| {
                roles
                    .iter()
                    .map(|role| plain(role))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            match (given.is_empty(), taken.is_empty()) {
                (false, true) => format!("{} is now {}", name(account), list(given)),
                (true, false) => format!("{} is no longer {}", name(account), list(taken)),
                _ => format!("the roles of {} changed", name(account)),
            }
        }
        NoticeView::Renamed { title: Some(title) } => format!("is now called {}", plain(title)),
        NoticeView::Renamed { title: None } => "has another name".to_owned(),
        NoticeView::TopicChanged { topic: Some(topic) } => format!("is now about {}", plain(topic)),
        NoticeView::TopicChanged { topic: None } => "has another topic".to_owned(),
        NoticeView::DescriptionChanged => "has another description".to_owned(),
        NoticeView::IconChanged => "has another picture".to_owned(),
        NoticeView::NicknameChanged {
            account,
            nickname: Some(nickname),
        } => format!("{} is called {} here", name(account), plain(nickname)),
        NoticeView::NicknameChanged {
            account,
            nickname: None,
        } => {
            format!("{} has no other name here any more", name(account))
        }
        NoticeView::PolicyChanged => "is used in another way now".to_owned(),
        NoticeView::ChannelCreated => "the channel began".to_owned(),
        NoticeView::ChannelChanged => "the channel changed".to_owned(),
        NoticeView::ChannelDeleted => "the channel ended".to_owned(),
        NoticeView::OwnerChanged { from, to } => format!("{} handed over to {}", name(from), name(to)),
        NoticeView::Closed => "was closed".to_owned(),
        NoticeView::Other => "changed in a way that this version does not know".to_owned(),
    }
}

/// Stands for somebody whose name is not here: the beginning of their account.
pub(crate) fn unnamed(account: &str) -> String {
    account.chars().take(8).collect()
}

/// The accounts that a notice names.
pub(crate) fn accounts(notice: &NoticeView) -> Vec<&str> {
    match notice {
        NoticeView::Joined { account, .. }
        | NoticeView::Left { account }
        | NoticeView::Removed { account, .. }
        | NoticeView::Banned { account, .. }
        | NoticeView::Unbanned { account }
        | NoticeView::Muted { account, .. }
        | NoticeView::RolesChanged { account, .. }
        | NoticeView::NicknameChanged { account, .. } => vec![account],
        NoticeView::OwnerChanged { from, to } => vec![from, to],
        NoticeView::Created
        | NoticeView::Renamed { .. }
        | NoticeView::TopicChanged { .. }
        | NoticeView::DescriptionChanged
        | NoticeView::IconChanged
        | NoticeView::PolicyChanged
        | NoticeView::ChannelCreated
        | NoticeView::ChannelChanged
        | NoticeView::ChannelDeleted
        | NoticeView::Closed
        | NoticeView::Other => Vec::new(),
    }
}
