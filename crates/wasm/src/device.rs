//! The engine and its store, as the worker holds them.

use conclave_client::views::Position;
use conclave_client::{Engine, Failure, HttpOutcome, Input, Intent, Judgment, LinkTarget, MessageRow};
use conclave_protocol::{AccountId, DeviceId, EnvelopeId, ErrorCode, LinkId, RoomId};
use conclave_store::{Store, StoreError, StoreKey};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use zeroize::Zeroizing;

use crate::clock;
use crate::failure::{of_store, thrown, to_js};
use crate::released::{
    JsAccount, JsApprovals, JsChats, JsConnection, JsHistory, JsHistoryWays, JsMessages, JsPosition,
    JsReleased, JsTrust, released,
};

/// A device: its store and the engine over it. The worker has one and gives it one input at a time.
#[wasm_bindgen]
pub struct Device {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
}

/// Opening.
#[wasm_bindgen]
impl Device {
    /// Opens the device of this name with its key of 32 bytes.
    pub async fn open(name: String, key: Vec<u8>) -> Result<Device, JsValue> {
        let key = Zeroizing::new(key);
        let Ok(key) = <[u8; 32]>::try_from(key.as_slice()).map(StoreKey::from_bytes) else {
            return Err(thrown(&Failure::storage_locked()));
        };
        Self::over(Store::open_in_browser(&name, &key).await)
    }

    /// A device that is forgotten with the page.
    #[wasm_bindgen(js_name = openInMemory)]
    pub fn open_in_memory() -> Result<Device, JsValue> {
        Self::over(Store::open_in_memory())
    }

    fn over(store: Result<Store, StoreError>) -> Result<Device, JsValue> {
        let store = store.map_err(|error| thrown(&of_store(&error)))?;
        // A browser keeps the refresh token as a cookie that no script can read.
        Ok(Self {
            engine: Engine::new(false).of_server(&host()),
            store,
        })
    }
}

/// What happens around the engine.
#[wasm_bindgen]
impl Device {
    /// The engine starts, or the network came back.
    pub fn start(&mut self) -> Result<JsReleased, JsValue> {
        self.handle(Input::Start)
    }

    /// The outcome of an HTTP request; without a status there was no answer.
    pub fn http(&mut self, id: f64, status: Option<u16>, body: Vec<u8>) -> Result<JsReleased, JsValue> {
        let outcome = match status {
            Some(status) => HttpOutcome::Answered { status, body },
            None => HttpOutcome::Unreachable,
        };
        self.handle(Input::Http {
            id: number(id),
            outcome,
        })
    }

    /// The live connection is open.
    pub fn connected(&mut self) -> Result<JsReleased, JsValue> {
        self.handle(Input::Connected)
    }

    /// The live connection is closed or could not be opened.
    pub fn disconnected(&mut self) -> Result<JsReleased, JsValue> {
        self.handle(Input::Disconnected)
    }

    /// Frames arrived together.
    pub fn frames(&mut self, frames: Vec<Uint8Array>) -> Result<JsReleased, JsValue> {
        self.handle(Input::Frames(frames.iter().map(Uint8Array::to_vec).collect()))
    }

    /// A time asked for has come.
    pub fn tick(&mut self) -> Result<JsReleased, JsValue> {
        self.handle(Input::Tick)
    }
}

/// What people want; the answer is an event with the same `ask`.
#[wasm_bindgen]
impl Device {
    /// Make an account.
    pub fn register(
        &mut self,
        ask: u32,
        username: String,
        password: String,
        invite: String,
    ) -> Result<JsReleased, JsValue> {
        let password = Zeroizing::new(password);
        self.intend(
            ask,
            Intent::Register {
                username,
                password,
                invite,
            },
        )
    }

    /// Sign in on this device.
    #[wasm_bindgen(js_name = signIn)]
    pub fn sign_in(
        &mut self,
        ask: u32,
        username: String,
        password: String,
        code: Option<String>,
    ) -> Result<JsReleased, JsValue> {
        let (password, code) = (Zeroizing::new(password), code.map(Zeroizing::new));
        self.intend(
            ask,
            Intent::SignIn {
                username,
                password,
                code,
            },
        )
    }

    /// Something about the own account's sign-in or the server's administration: an `AccountIntent` in JSON.
    #[wasm_bindgen(js_name = askAccount)]
    pub fn ask_account(&mut self, ask: u32, intent: String) -> Result<JsReleased, JsValue> {
        let intent = Zeroizing::new(intent);
        let intent = serde_json::from_str(&intent).map_err(|_| thrown(&Failure::answer_unreadable()))?;
        self.intend(ask, Intent::Account(intent))
    }

    /// Sign out; everything stays sealed on the device.
    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::SignOut)
    }

    /// Find a person by handle, and by account when a contact link names one.
    #[wasm_bindgen(js_name = findPerson)]
    pub fn find_person(
        &mut self,
        ask: u32,
        username: String,
        expected: Option<String>,
    ) -> Result<JsReleased, JsValue> {
        let expected = expected.map(|text| text.parse().map_err(|_| thrown(&Failure::link_mismatch())));
        self.intend(
            ask,
            Intent::FindPerson {
                username,
                expected: expected.transpose()?,
            },
        )
    }

    /// Open the direct chat with a person.
    #[wasm_bindgen(js_name = openChat)]
    pub fn open_chat(&mut self, ask: u32, account: &str) -> Result<JsReleased, JsValue> {
        let account = account_id(account)?;
        self.intend(ask, Intent::OpenChat { account })
    }

    /// Everything up to this message was seen.
    #[wasm_bindgen(js_name = markRead)]
    pub fn mark_read(&mut self, ask: u32, room: &str, message: &str) -> Result<JsReleased, JsValue> {
        let (room, message) = (room_id(room)?, message_id(message)?);
        self.intend(ask, Intent::MarkRead { room, message })
    }

    /// Send a failed message again.
    pub fn retry(&mut self, ask: u32, message: &str) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::Retry { message })
    }

    /// Remove a failed message.
    pub fn discard(&mut self, ask: u32, message: &str) -> Result<JsReleased, JsValue> {
        let message = message_id(message)?;
        self.intend(ask, Intent::Discard { message })
    }

    /// Make a registration invite.
    #[wasm_bindgen(js_name = makeInvite)]
    pub fn make_invite(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::MakeInvite)
    }

    /// What is known of somebody.
    pub fn profile(&mut self, ask: u32, account: &str) -> Result<JsReleased, JsValue> {
        let account = account_id(account)?;
        self.intend(ask, Intent::Profile { account })
    }

    /// Compare the safety code or number that another person shows.
    #[wasm_bindgen(js_name = compareSafetyCode)]
    pub fn compare_safety_code(
        &mut self,
        ask: u32,
        account: &str,
        typed: String,
    ) -> Result<JsReleased, JsValue> {
        let account = account_id(account)?;
        self.intend(ask, Intent::CompareSafetyCode { account, typed })
    }

    /// Say something about somebody's identity: `verified`, `accepted` or `none`.
    pub fn judge(&mut self, ask: u32, account: &str, judgment: &str) -> Result<JsReleased, JsValue> {
        let account = account_id(account)?;
        let judgment = match judgment {
            "verified" => Judgment::Verified,
            "accepted" => Judgment::Accepted,
            _ => Judgment::None,
        };
        self.intend(ask, Intent::Judge { account, judgment })
    }

    /// The recovery key as words.
    #[wasm_bindgen(js_name = recoveryWords)]
    pub fn recovery_words(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::ShowRecoveryKey)
    }

    /// The person has kept the recovery key.
    #[wasm_bindgen(js_name = recoveryKeyKept)]
    pub fn recovery_key_kept(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::RecoveryKeyKept)
    }
}

/// What people want of their devices; answered as above.
#[wasm_bindgen]
impl Device {
    /// Become a device of an account by being scanned.
    #[wasm_bindgen(js_name = showLinkCode)]
    pub fn show_link_code(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::ShowLinkCode)
    }

    /// Wait for approval no longer.
    #[wasm_bindgen(js_name = cancelJoining)]
    pub fn cancel_joining(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::CancelJoining)
    }

    /// Come back to an account with its recovery key.
    pub fn recover(
        &mut self,
        ask: u32,
        username: String,
        words: String,
        password: String,
        strong: bool,
    ) -> Result<JsReleased, JsValue> {
        let (words, password) = (Zeroizing::new(words), Zeroizing::new(password));
        self.intend(
            ask,
            Intent::Recover {
                username,
                words,
                password,
                strong,
            },
        )
    }

    /// Let the password open the history, too, or no longer.
    #[wasm_bindgen(js_name = setHistoryPassword)]
    pub fn set_history_password(
        &mut self,
        ask: u32,
        password: Option<String>,
        words: Option<String>,
    ) -> Result<JsReleased, JsValue> {
        let (password, words) = (password.map(Zeroizing::new), words.map(Zeroizing::new));
        self.intend(ask, Intent::SetHistoryPassword { password, words })
    }

    /// What opens the account's history.
    #[wasm_bindgen(js_name = historyWays)]
    pub fn history_ways(&self) -> Result<JsHistoryWays, JsValue> {
        let ways = self.engine.history_ways(&self.store);
        let ways = ways.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&ways)?.unchecked_into())
    }

    /// Start again under one's name with the password alone, as a new identity.
    #[wasm_bindgen(js_name = resetIdentity)]
    pub fn reset_identity(
        &mut self,
        ask: u32,
        username: String,
        password: String,
        code: Option<String>,
    ) -> Result<JsReleased, JsValue> {
        let (password, code) = (Zeroizing::new(password), code.map(Zeroizing::new));
        self.intend(
            ask,
            Intent::ResetIdentity {
                username,
                password,
                code,
            },
        )
    }

    /// Begin to approve a new device that waits.
    #[wasm_bindgen(js_name = answerLink)]
    pub fn answer_link(&mut self, ask: u32, link: &str) -> Result<JsReleased, JsValue> {
        let link = LinkTarget::Waiting(link_id(link)?);
        self.intend(ask, Intent::AnswerLink { link })
    }

    /// Begin to approve a new device whose code was scanned or pasted.
    #[wasm_bindgen(js_name = answerCode)]
    pub fn answer_code(&mut self, ask: u32, code: String) -> Result<JsReleased, JsValue> {
        let link = LinkTarget::Scanned(Zeroizing::new(code));
        self.intend(ask, Intent::AnswerLink { link })
    }

    /// Approve a new device; with its digits, unless its code was scanned.
    #[wasm_bindgen(js_name = confirmLink)]
    pub fn confirm_link(
        &mut self,
        ask: u32,
        link: &str,
        digits: Option<String>,
    ) -> Result<JsReleased, JsValue> {
        let link = link_id(link)?;
        self.intend(ask, Intent::ConfirmLink { link, digits })
    }

    /// Send a new device away.
    #[wasm_bindgen(js_name = declineLink)]
    pub fn decline_link(&mut self, ask: u32, link: &str) -> Result<JsReleased, JsValue> {
        let link = link_id(link)?;
        self.intend(ask, Intent::DeclineLink { link })
    }

    /// The devices of the own account.
    #[wasm_bindgen(js_name = listDevices)]
    pub fn list_devices(&mut self, ask: u32) -> Result<JsReleased, JsValue> {
        self.intend(ask, Intent::ListDevices)
    }

    /// Name a device of the own account, this one where none is given.
    #[wasm_bindgen(js_name = renameDevice)]
    pub fn rename_device(
        &mut self,
        ask: u32,
        device: Option<u32>,
        name: String,
    ) -> Result<JsReleased, JsValue> {
        let device = device.map(DeviceId);
        self.intend(ask, Intent::RenameDevice { device, name })
    }

    /// Take a device out of the account.
    #[wasm_bindgen(js_name = revokeDevice)]
    pub fn revoke_device(&mut self, ask: u32, device: u32) -> Result<JsReleased, JsValue> {
        let device = DeviceId(device);
        self.intend(ask, Intent::RevokeDevice { device })
    }
}

/// What front ends look at.
#[wasm_bindgen]
impl Device {
    /// Who is signed in here.
    pub fn account(&self) -> Result<JsAccount, JsValue> {
        let account = self
            .engine
            .account(&self.store)
            .map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&account)?.unchecked_into())
    }

    /// How the live connection stands.
    pub fn connection(&self) -> Result<JsConnection, JsValue> {
        Ok(to_js(&self.engine.connection())?.unchecked_into())
    }

    /// The list of chats, the newest first.
    #[wasm_bindgen(js_name = listChats)]
    pub fn list_chats(&self) -> Result<JsChats, JsValue> {
        let chats = self
            .store
            .list_chats()
            .map_err(|error| thrown(&of_store(&error)))?;
        let views = self
            .engine
            .show_chats(&self.store, &chats, clock::now())
            .map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&views)?.unchecked_into())
    }

    /// Everybody whose identity stands otherwise than believed at first sight.
    #[wasm_bindgen(js_name = listTrust)]
    pub fn list_trust(&self) -> Result<JsTrust, JsValue> {
        let trust = self.engine.list_trust(&self.store);
        let trust = trust.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&trust)?.unchecked_into())
    }

    /// New devices that wait for approval here.
    #[wasm_bindgen(js_name = listApprovals)]
    pub fn list_approvals(&self) -> Result<JsApprovals, JsValue> {
        Ok(to_js(&self.engine.list_approvals())?.unchecked_into())
    }

    /// The places, counted from 0, of typed words that no recovery key has.
    #[wasm_bindgen(js_name = unknownWords)]
    pub fn unknown_words(&self, typed: String) -> Vec<u32> {
        let typed = Zeroizing::new(typed);
        conclave_client::unknown_words(&typed)
            .into_iter()
            .filter_map(|place| u32::try_from(place).ok())
            .collect()
    }

    /// The newest messages of a room, or those before a position; oldest first.
    #[wasm_bindgen(js_name = listMessages)]
    pub fn list_messages(&self, room: &str, before: JsPosition, limit: u32) -> Result<JsMessages, JsValue> {
        let room = room_id(room)?;
        let before = position(&before);
        let rows = self
            .store
            .list_messages(room, before, limit)
            .map_err(|error| thrown(&of_store(&error)))?;
        self.show(&rows)
    }

    /// How much of a room's past, from before this device was one of the account's, is here.
    pub fn history(&self, room: &str) -> Result<JsHistory, JsValue> {
        let history = self.engine.history(&self.store, room_id(room)?);
        let history = history.map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&history)?.unchecked_into())
    }
}

impl Device {
    /// Rows as screens get them.
    pub(crate) fn show(&self, rows: &[MessageRow]) -> Result<JsMessages, JsValue> {
        let views = self
            .engine
            .show_messages(&self.store, rows, clock::now())
            .map_err(|_| thrown(&Failure::storage()))?;
        Ok(to_js(&views)?.unchecked_into())
    }

    pub(crate) fn intend(&mut self, ask: u32, intent: Intent) -> Result<JsReleased, JsValue> {
        self.handle(Input::Intent {
            ask: ask.into(),
            intent,
        })
    }

    fn handle(&mut self, input: Input) -> Result<JsReleased, JsValue> {
        let now = clock::now();
        let effects = self
            .engine
            .handle(&self.store, input, now, &mut clock::randomness());
        let stored = match effects {
            Ok(effects) => effects.commit(&mut self.store).map_err(|error| of_store(&error)),
            Err(_) => Err(Failure::storage()),
        };
        released(&stored.unwrap_or_else(|failure| self.engine.storage_failed(&failure, now)))
    }
}

pub(crate) fn account_id(text: &str) -> Result<AccountId, JsValue> {
    text.parse()
        .map_err(|_| thrown(&Failure::server(ErrorCode::UnknownPerson, None)))
}

pub(crate) fn room_id(text: &str) -> Result<RoomId, JsValue> {
    text.parse().map_err(|_| thrown(&Failure::unknown_room()))
}

/// The host that this worker came from, which is the server's; empty where there is no such thing, as in Node.
fn host() -> String {
    let field = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into()).ok();
    field(&js_sys::global(), "location")
        .filter(JsValue::is_object)
        .and_then(|location| field(&location, "hostname"))
        .and_then(|host| host.as_string())
        .unwrap_or_default()
}

fn link_id(text: &str) -> Result<LinkId, JsValue> {
    text.parse()
        .map_err(|_| thrown(&Failure::server(ErrorCode::LinkGone, None)))
}

pub(crate) fn message_id(text: &str) -> Result<EnvelopeId, JsValue> {
    text.parse().map_err(|_| thrown(&Failure::unknown_message()))
}

/// A position that a view held before.
pub(crate) fn position(value: &JsValue) -> Option<Position> {
    let field = |name: &str| {
        js_sys::Reflect::get(value, &name.into())
            .ok()?
            .as_f64()
            .map(number)
    };
    field("ordinal").map(|ordinal| Position {
        sequence: field("sequence"),
        ordinal,
    })
}

/// A number that went to JavaScript and came back.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "anything else is held at the ends"
)]
pub(crate) fn number(number: f64) -> u64 {
    number as u64
}
