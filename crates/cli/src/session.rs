//! The open device of a command.

use std::path::PathBuf;
use std::time::Duration;

use conclave_protocol::{AccountId, RoomId, Username};
use conclave_sdk::views::{AccountView, ConnectionState, PersonView};
use conclave_sdk::{Device, Failure, Options, SdkError, ServerAddress};
use serde_json::json;

use crate::args::{Common, LocalArg};
use crate::error::CliError;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::settings::{self, Settings};

/// A command that shows what is on the device asks for news no longer than this.
const NEWS_WITHIN: Duration = Duration::from_secs(10);

/// An open device and what it was opened with.
pub(crate) struct Session {
    pub(crate) device: Device,
    pub(crate) folder: PathBuf,
    pub(crate) timeout: Duration,
    allow_plain_http: bool,
}

/// Somebody with whom there is a chat.
pub(crate) struct Peer {
    pub(crate) room: RoomId,
    pub(crate) username: String,
}

impl Session {
    /// Opens the device for a command that may make an account on it. `linked` is the server of a link.
    pub(crate) fn open_or_make(common: &Common, linked: Option<&ServerAddress>) -> Result<Self, CliError> {
        let folder = settings::folder(common.data.as_deref())?;
        let settings = Settings::read(&folder)?;
        let server = match (linked, &common.server) {
            (Some(link), Some(here)) if link != here => {
                return Err(CliError::OtherServer {
                    link: link.clone(),
                    here: here.clone(),
                });
            }
            (Some(server), _) | (None, Some(server)) => server.clone(),
            (None, None) => settings.server()?.ok_or(CliError::NoServer)?,
        };
        Self::open_at(common, folder, &settings, &server, false)
    }

    /// Whether there is a device in the folder that a command line names.
    pub(crate) fn exists(common: &Common) -> Result<bool, CliError> {
        Ok(Device::exists(&settings::folder(common.data.as_deref())?))
    }

    /// Opens the device for a command that needs an account; offline until it goes online.
    pub(crate) fn open_offline(common: &Common) -> Result<Self, CliError> {
        let folder = settings::folder(common.data.as_deref())?;
        if !Device::exists(&folder) {
            return Err(CliError::NoAccount);
        }
        let settings = Settings::read(&folder)?;
        let server = match &common.server {
            Some(server) => server.clone(),
            None => settings.server()?.ok_or(CliError::NoServer)?,
        };
        Self::open_at(common, folder, &settings, &server, true)
    }

    /// Opens the device for a command that needs somebody who is signed in, and goes online.
    pub(crate) async fn open(common: &Common) -> Result<Self, CliError> {
        let session = Self::open_offline(common)?;
        session.signed_in().await?;
        session.device.go_online().await?;
        Ok(session)
    }

    /// Opens the device for a command that shows what is on it, if possible with the news.
    pub(crate) async fn open_with_news(
        common: &Common,
        local: &LocalArg,
        printer: &Printer,
    ) -> Result<Self, CliError> {
        let session = Self::open_offline(common)?;
        if local.offline {
            session.person().await?;
            return Ok(session);
        }
        session.signed_in().await?;
        session.device.go_online().await?;
        if !session.has_news().await? {
            let unreachable = CliError::Unreachable;
            printer.note(
                &json!({ "type": "warning", "failure": unreachable.view() }),
                &unreachable.to_string(),
            );
        }
        Ok(session)
    }

    fn open_at(
        common: &Common,
        folder: PathBuf,
        settings: &Settings,
        server: &ServerAddress,
        start_offline: bool,
    ) -> Result<Self, CliError> {
        let allow_plain_http = common.allow_plain_http || settings.allow_plain_http;
        let device = Device::open(Options {
            allow_plain_http,
            start_offline,
            ..Options::new(server.to_string(), folder.clone())
        })?;
        Ok(Self {
            device,
            folder,
            timeout: common.timeout(),
            allow_plain_http,
        })
    }

    /// Remembers the server for the next commands.
    pub(crate) fn remember(&self) -> Result<(), CliError> {
        let server = Some(self.device.server().to_string());
        Settings {
            server,
            allow_plain_http: self.allow_plain_http,
        }
        .write(&self.folder)
    }

    /// Whose device it is, signed in or not.
    pub(crate) async fn person(&self) -> Result<PersonView, CliError> {
        match self.device.account().await? {
            AccountView::None | AccountView::Joining { .. } => Err(CliError::NoAccount),
            AccountView::SignedOut { person } | AccountView::SignedIn { person, .. } => Ok(person),
        }
    }

    /// Who is signed in.
    pub(crate) async fn signed_in(&self) -> Result<PersonView, CliError> {
        match self.device.account().await? {
            AccountView::None | AccountView::Joining { .. } => Err(CliError::NoAccount),
            AccountView::SignedOut { .. } => Err(CliError::SignedOut),
            AccountView::SignedIn { person, .. } => Ok(person),
        }
    }

    /// Waits until everything that the server has is here and was looked up, or it shows that it cannot be
    /// reached.
    pub(crate) async fn has_news(&self) -> Result<bool, CliError> {
        let limit = self.timeout.min(NEWS_WITHIN);
        match self.device.wait_until_settled(limit).await {
            Ok(ConnectionState::Online) => {}
            Ok(_) | Err(SdkError::TimedOut) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        match self.device.wait_until_quiet(limit).await {
            Ok(()) | Err(SdkError::TimedOut) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// The chat with somebody that is on this device.
    pub(crate) async fn find_chat(&self, who: &WhoArg) -> Result<Option<Peer>, CliError> {
        let Some((room, PersonView { username, .. })) = self.find_chat_and_person(who).await? else {
            return Ok(None);
        };
        let room = room.parse().map_err(|_| CliError::NoChat(username.clone()))?;
        Ok(Some(Peer { room, username }))
    }

    /// The account of somebody with whom a chat is on this device.
    pub(crate) async fn find_person_of_chat(&self, who: &WhoArg) -> Result<Option<AccountId>, CliError> {
        let found = self.find_chat_and_person(who).await?;
        Ok(found.and_then(|(_, person)| person.account.parse().ok()))
    }

    async fn find_chat_and_person(&self, who: &WhoArg) -> Result<Option<(String, PersonView)>, CliError> {
        self.check_link(who)?;
        let chats = self.device.list_chats().await?;
        let mut named: Vec<(String, PersonView)> = chats
            .into_iter()
            .filter_map(|chat| Some((chat.room, chat.person?)))
            .filter(|(_, person)| person.username == who.username.as_str())
            .collect();
        if named.len() > 1 {
            // One name, several identities: the one that the link names, or the one that has the name now.
            let trust = self.device.list_trust().await?;
            let wanted = who.account.map(|account| account.to_string());
            named.retain(|(_, person)| match &wanted {
                Some(account) => person.account == *account,
                None => trust
                    .iter()
                    .all(|one| one.account != person.account || one.successor.is_none()),
            });
        }
        let Some((room, person)) = named.into_iter().next() else {
            return Ok(None);
        };
        check_account(&person.account, who.account)?;
        Ok(Some((room, person)))
    }

    /// The chat with somebody, found by the server if there is none yet.
    pub(crate) async fn open_chat(&self, who: &WhoArg) -> Result<Peer, CliError> {
        if let Some(peer) = self.find_chat(who).await? {
            return Ok(peer);
        }
        let person = self
            .within(self.device.find_person(who.username.as_str(), who.account))
            .await?;
        let room = self.within(self.device.open_chat(person.account)).await?;
        Ok(Peer {
            room,
            username: person.username,
        })
    }

    /// Refuses a contact link of another server.
    pub(crate) fn check_link(&self, who: &WhoArg) -> Result<(), CliError> {
        self.check_server(who.server.as_ref())
    }

    /// Refuses a link of another server.
    pub(crate) fn check_server(&self, server: Option<&ServerAddress>) -> Result<(), CliError> {
        match server {
            Some(link) if link != self.device.server() => Err(CliError::OtherServer {
                link: link.clone(),
                here: self.device.server().clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Waits for the server no longer than the command line says.
    pub(crate) async fn within<T>(
        &self,
        doing: impl Future<Output = Result<T, SdkError>>,
    ) -> Result<T, CliError> {
        let timed_out = || Err(SdkError::TimedOut);
        Ok(tokio::time::timeout(self.timeout, doing)
            .await
            .unwrap_or_else(|_| timed_out())?)
    }

    /// Closes the device.
    pub(crate) async fn close(self) -> Result<(), CliError> {
        Ok(self.device.close().await?)
    }
}

/// The name is known here, so it is the account that this device knows under it, or the link is not genuine.
fn check_account(account: &str, expected: Option<AccountId>) -> Result<(), CliError> {
    match expected {
        Some(expected) if account != expected.to_string() => Err(CliError::Failed(Failure::link_mismatch())),
        _ => Ok(()),
    }
}

/// A name in the one spelling that it has.
pub(crate) fn spelled(name: &str) -> String {
    name.parse::<Username>()
        .map_or_else(|_| name.to_owned(), |name| name.to_string())
}
