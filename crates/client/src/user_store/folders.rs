//! Folders of chats, and settings by name.

use conclave_protocol::{RoomId, Timestamp};
use minicbor::{Decode, Encode};

use super::Entry;
use super::entry::{FOLDERS, SETTINGS, folder_name, setting_name};
use super::views::{FolderView, SettingView};
use crate::changes::Table;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::{ReadError, Reads};
use crate::views::Outcome;
use crate::work::Work;

/// Longest name of a folder, in characters.
const FOLDER_NAME_MAX: usize = 32;
/// Folders of one person.
const FOLDERS_MAX: usize = 50;
/// Chats in one folder: so many fit one entry.
const FOLDER_ROOMS_MAX: usize = 45;
/// Longest name and value of a setting, in bytes.
const SETTING_NAME_MAX: usize = 48;
const SETTING_VALUE_MAX: usize = 1_024;

/// A folder as it is kept.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Folder {
    #[n(0)]
    name: String,
    #[n(1)]
    rooms: Vec<RoomId>,
}

impl Engine {
    /// Makes a folder, or changes one.
    pub(crate) fn set_folder(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: Option<[u8; 8]>,
        name: &str,
        mut rooms: Vec<RoomId>,
    ) -> Result<(), ReadError> {
        let name = name.trim();
        let named =
            (1..=FOLDER_NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        rooms.sort_unstable();
        rooms.dedup();
        let failure = if !named {
            Some(Failure::folder_name())
        } else if rooms.len() > FOLDER_ROOMS_MAX {
            Some(Failure::folder_full())
        } else if let Some(id) = id {
            let known: Option<Folder> = work.setting(&folder_name(id))?;
            known.is_none().then(Failure::unknown_folder)
        } else {
            (work.folders()?.len() >= FOLDERS_MAX).then(Failure::folders_full)
        };
        if let Some(failure) = failure {
            self.fail(work, ask, failure);
            return Ok(());
        }
        let id = id.unwrap_or_else(|| work.random());
        let folder = Folder {
            name: name.to_owned(),
            rooms,
        };
        let value = minicbor::to_vec(&folder).ok();
        self.set_and_answer(work, ask, folder_name(id), value)
    }

    /// Deletes a folder. Its chats stay.
    pub(crate) fn delete_folder(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        id: [u8; 8],
    ) -> Result<(), ReadError> {
        self.set_and_answer(work, ask, folder_name(id), None)
    }

    pub(crate) fn set_setting(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        name: &str,
        value: Option<String>,
    ) -> Result<(), ReadError> {
        let fits = (1..=SETTING_NAME_MAX).contains(&name.len())
            && value
                .as_ref()
                .is_none_or(|value| value.len() <= SETTING_VALUE_MAX);
        if !fits {
            self.fail(work, ask, Failure::setting_long());
            return Ok(());
        }
        let value = value.and_then(|value| minicbor::to_vec(value).ok());
        self.set_and_answer(work, ask, setting_name(name), value)
    }

    /// Sets something by a name of the engine's own. Where nothing more fits, it is not kept.
    pub(crate) fn set_by_name(
        &mut self,
        work: &mut Work<'_>,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), ReadError> {
        let value = value.and_then(|value| minicbor::to_vec(value).ok());
        self.set(work, setting_name(name), value).map(|_| ())
    }

    fn set_and_answer(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        name: Vec<u8>,
        value: Option<Vec<u8>>,
    ) -> Result<(), ReadError> {
        if self.set(work, name, value)? {
            self.answer(work, ask, Outcome::Done);
        } else {
            self.fail(work, ask, Failure::settings_full());
        }
        Ok(())
    }

    /// The person's folders, by name.
    pub fn list_folders(&self, store: &dyn Reads) -> Result<Vec<FolderView>, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let mut folders = Work::new(store, &mut none, Timestamp(0)).folders()?;
        folders.sort_by_key(|folder| (folder.name.to_lowercase(), folder.id.clone()));
        Ok(folders)
    }

    /// The person's settings by name.
    pub fn list_settings(&self, store: &dyn Reads) -> Result<Vec<SettingView>, ReadError> {
        let mut none = crate::randomness::NoRandomness;
        let work = Work::new(store, &mut none, Timestamp(0));
        let mut settings = Vec::new();
        for (name, value) in work.values::<String>(SETTINGS)? {
            if let Ok(name) = String::from_utf8(name) {
                settings.push(SettingView { name, value });
            }
        }
        Ok(settings)
    }
}

impl Work<'_> {
    /// A setting by name.
    pub(crate) fn setting_by_name(&self, name: &str) -> Result<Option<String>, ReadError> {
        self.setting(&setting_name(name))
    }

    /// What is set under names that begin so; each with the rest of its name.
    fn values<T: for<'b> Decode<'b, ()>>(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, T)>, ReadError> {
        let mut values = Vec::new();
        for (name, bytes) in self.list_bytes(Table::UserStore, prefix, u32::MAX)? {
            let value = minicbor::decode::<Entry>(&bytes)
                .ok()
                .and_then(|entry| entry.value);
            let value = value.and_then(|value| minicbor::decode(&value.0).ok());
            if let (Some(rest), Some(value)) = (name.get(prefix.len()..), value) {
                values.push((rest.to_vec(), value));
            }
        }
        Ok(values)
    }

    pub(super) fn folders(&self) -> Result<Vec<FolderView>, ReadError> {
        let folders = self.values::<Folder>(FOLDERS)?.into_iter();
        let view = |(id, folder): (Vec<u8>, Folder)| FolderView {
            id: folder_text(&id),
            name: folder.name,
            rooms: folder.rooms.iter().map(ToString::to_string).collect(),
        };
        Ok(folders.map(view).collect())
    }
}

/// How a folder's id is written.
fn folder_text(id: &[u8]) -> String {
    use std::fmt::Write as _;
    id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a folder's id; none for what is none.
pub fn folder_id(text: &str) -> Option<[u8; 8]> {
    // A sign would be read as part of a number.
    let is_plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(text, 16).ok().filter(|_| is_plain)?;
    Some(number.to_be_bytes())
}
