//! What the engine is told.

use conclave_protocol::{AccountId, DeviceId, EnvelopeId, LinkId, RoomId, Timestamp};
use zeroize::Zeroizing;

use crate::account_intents::AccountIntent;
use crate::places::intents::PlaceIntent;
use crate::trust::Judgment;
use crate::user_store::views::{ChatChange, PersonChange};

/// One input.
pub enum Input {
    /// The engine starts, or the network came back: go online.
    Start,
    /// Somebody wants something. The answer is an [`crate::views::Event::Answer`] with the same `ask`.
    Intent {
        /// Names the answer.
        ask: u64,
        /// What is wanted.
        intent: Intent,
    },
    /// The outcome of an HTTP request.
    Http {
        /// The request's id.
        id: u64,
        /// What came of it.
        outcome: HttpOutcome,
    },
    /// The live connection is open.
    Connected,
    /// The live connection is closed or could not be opened.
    Disconnected,
    /// A frame arrived.
    Frame(Vec<u8>),
    /// Frames arrived while others were handled, in order. They are stored, answered and shown together.
    Frames(Vec<Vec<u8>>),
    /// A time asked for by `WakeAt` has come.
    Tick,
}

/// Outcome of an HTTP request.
pub enum HttpOutcome {
    /// The server answered.
    Answered {
        /// Status.
        status: u16,
        /// Body.
        body: Vec<u8>,
    },
    /// No answer: offline, refused, timed out.
    Unreachable,
}

/// What a person wants.
pub enum Intent {
    /// Make an account with a set-up token or a registration invite. Answer: `Done`.
    Register {
        /// The handle as typed.
        username: String,
        /// The password.
        password: Zeroizing<String>,
        /// Token from the link; `open` where registration is open to everybody.
        invite: String,
    },
    /// Sign in. Where this is no device of the account yet, it then waits for approval by one of them:
    /// [`crate::views::AccountView::Joining`]. Answer: `Done`.
    SignIn {
        /// The handle as typed.
        username: String,
        /// The password.
        password: Zeroizing<String>,
        /// The code of the second step, where the account has one: asked for once the password was right.
        code: Option<Zeroizing<String>>,
    },
    /// Become a device of an account by being scanned: shows a code, nobody has signed in here. Answer: `Done`,
    /// then [`crate::views::AccountView::Joining`].
    ShowLinkCode,
    /// Wait for approval no longer. Answer: `Done`.
    CancelJoining,
    /// Come back to an account with its recovery key, and give it a new password. Answer: `Done`.
    Recover {
        /// The handle as typed.
        username: String,
        /// The recovery key as typed.
        words: Zeroizing<String>,
        /// The new password.
        password: Zeroizing<String>,
        /// A strength meter found it strong: where the old password opened the history, this one does. Else none does.
        strong: bool,
    },
    /// Start again under one's name with the password alone, as a new identity: everything of the old one is lost.
    /// Answer: `Done`.
    ResetIdentity {
        /// The handle as typed.
        username: String,
        /// The password.
        password: Zeroizing<String>,
        /// The code of the second step, where the account has one.
        code: Option<Zeroizing<String>>,
    },
    /// Begin to approve a new device of the own account. Answer: `Done`; it goes on in
    /// [`crate::Engine::list_approvals`].
    AnswerLink {
        /// Which one.
        link: LinkTarget,
    },
    /// The person approves a new device: by code with the digits that it shows. Answer: `Done` once it is a
    /// device of the account. Wrong digits end the meeting.
    ConfirmLink {
        /// The meeting place.
        link: LinkId,
        /// The six digits; none where its code was scanned.
        digits: Option<String>,
    },
    /// The person does not know this device. Answer: `Done`.
    DeclineLink {
        /// The meeting place.
        link: LinkId,
    },
    /// The devices of the own account. Answer: `Devices`.
    ListDevices,
    /// Name a device of the own account, this one where none is given; sealed, for the own devices only. This
    /// device may be named before it has an account. Answer: `Done`.
    RenameDevice {
        /// Which one.
        device: Option<DeviceId>,
        /// The name.
        name: String,
    },
    /// Take a device out of the account, at once and for good. Answer: `Done`.
    RevokeDevice {
        /// Which one; this one signs out and forgets everything.
        device: DeviceId,
    },
    /// Sign out; keys and messages stay sealed on the device. Answer: `Done`.
    SignOut,
    /// Find a person by exact handle. With `expected`, from a contact link, the account must match. Answer:
    /// `Person`.
    FindPerson {
        /// The handle as typed.
        username: String,
        /// The account that a contact link names.
        expected: Option<AccountId>,
    },
    /// Open the direct chat with a person found before. Answer: `Room`.
    OpenChat {
        /// The person.
        account: AccountId,
    },
    /// Send a text. Repeating with the same id does nothing twice. Answer: `Queued`, once it is in the outbox.
    SendText {
        /// The room.
        room: RoomId,
        /// Made by the front end when it cannot know whether an earlier try arrived; else none.
        id: Option<EnvelopeId>,
        /// The text.
        text: String,
        /// What goes with it.
        with: TextWith,
    },
    /// Everything in the room up to this message was seen. Answer: `Done`.
    MarkRead {
        /// The room.
        room: RoomId,
        /// The newest message seen.
        message: EnvelopeId,
    },
    /// Send a failed message again. Answer: `Done`.
    Retry {
        /// The message.
        message: EnvelopeId,
    },
    /// Remove a failed message. Answer: `Done`.
    Discard {
        /// The message.
        message: EnvelopeId,
    },
    /// Make a registration invite (administrators). Answer: `Invite`.
    MakeInvite,
    /// The recovery key as words. Answer: `RecoveryWords`.
    ShowRecoveryKey,
    /// The person has kept the recovery key; do not offer it again. Answer: `Done`.
    RecoveryKeyKept,
    /// How somebody's identity stands, the number to compare, and what changed in their log; of the own account
    /// what changed. Answer: `Profile`, from what is here; the server is asked for more.
    Profile {
        /// Who.
        account: AccountId,
    },
    /// Compare the safety code or number that another person shows. Where it fits, they are marked as verified.
    /// Answer: `Done`.
    CompareSafetyCode {
        /// Who.
        account: AccountId,
        /// Their code, the link that holds it, or the 60 digits.
        typed: String,
    },
    /// Say something about somebody's identity. Answer: `Done`.
    Judge {
        /// Who.
        account: AccountId,
        /// What.
        judgment: Judgment,
    },
    /// Write an own text anew. Answer: `Done`.
    EditMessage {
        /// The message.
        message: EnvelopeId,
        /// The new text.
        text: String,
    },
    /// Delete a message. Answer: `Done`.
    DeleteMessage {
        /// The message.
        message: EnvelopeId,
        /// For everyone in the room; else on the own devices alone.
        for_everyone: bool,
    },
    /// React to a message, or take that back. Answer: `Done`.
    React {
        /// The message.
        message: EnvelopeId,
        /// An emoji or another short text.
        emoji: String,
        /// React; else take it back.
        on: bool,
    },
    /// Pin a message in its room, or unpin it. Answer: `Done`.
    Pin {
        /// The message.
        message: EnvelopeId,
        /// Pin; else unpin.
        on: bool,
    },
    /// Ask a room a question. Answer: `Queued`.
    CreatePoll {
        /// The room.
        room: RoomId,
        /// As for `SendText`.
        id: Option<EnvelopeId>,
        /// What is asked.
        question: String,
        /// What may be answered.
        options: Vec<String>,
        /// Several answers may be chosen.
        multiple: bool,
        /// When it closes by itself.
        closes_at: Option<Timestamp>,
    },
    /// Vote in a poll; replaces the own vote before, and no choice takes it back. Answer: `Done`.
    Vote {
        /// The poll.
        message: EnvelopeId,
        /// Places of the chosen options, from 0.
        choices: Vec<u32>,
    },
    /// Close an own poll. Answer: `Done`.
    ClosePoll {
        /// The poll.
        message: EnvelopeId,
    },
    /// Send a text again to a room, and say whose it was. Answer: `Queued`.
    Forward {
        /// The message.
        message: EnvelopeId,
        /// Where to.
        room: RoomId,
        /// As for `SendText`.
        id: Option<EnvelopeId>,
    },
    /// Set after how long new messages of a direct chat disappear. Answer: `Done`.
    SetDisappearing {
        /// The room.
        room: RoomId,
        /// Seconds; 0 for never.
        seconds: u32,
    },
    /// Something about the own account's sign-in, or the server's administration.
    Account(AccountIntent),
    /// Something about groups and communities.
    Place(PlaceIntent),
    /// Set something of a chat on all own devices. Answer: `Done`.
    SetChat {
        /// The room.
        room: RoomId,
        /// What is set.
        change: ChatChange,
    },
    /// Keep what was begun to write in a chat, on all own devices. Answer: `Done`.
    SaveDraft {
        /// The room.
        room: RoomId,
        /// The text; none once it was sent or given up.
        text: Option<String>,
    },
    /// Make a folder of chats, or change one. Answer: `Done`.
    SetFolder {
        /// Which one; none for a new one.
        id: Option<[u8; 8]>,
        /// Its name.
        name: String,
        /// The rooms in it.
        rooms: Vec<RoomId>,
    },
    /// Delete a folder; its chats stay. Answer: `Done`.
    DeleteFolder {
        /// Which one.
        id: [u8; 8],
    },
    /// Set something by name on all own devices. Answer: `Done`.
    SetSetting {
        /// The name.
        name: String,
        /// The value; none to take it back.
        value: Option<String>,
    },
    /// Let the password open the account's history, too, or, with none, no longer. Answer: `Done` once it is kept here;
    /// [`crate::Engine::history_ways`] says when the account's log has it.
    SetHistoryPassword {
        /// The account's password, which a strength meter found strong.
        password: Option<Zeroizing<String>>,
        /// The recovery key as typed, where this device does not have it.
        words: Option<Zeroizing<String>>,
    },
    /// Set something of a person on all own devices: accept, block, name them. Answer: `Done`.
    SetPerson {
        /// Who.
        account: AccountId,
        /// What is set.
        change: PersonChange,
    },
    /// Delete a request with all of its messages, on all own devices. Answer: `Done`.
    DeleteRequest {
        /// Its room.
        room: RoomId,
    },
}

/// What goes with a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextWith {
    /// The message that it replies to.
    pub reply_to: Option<EnvelopeId>,
    /// The message whose thread it belongs to: its root, or any other one in it.
    pub thread: Option<EnvelopeId>,
    /// Accounts that it mentions.
    pub mentions: Vec<AccountId>,
    /// It mentions everyone in the room.
    pub mentions_everyone: bool,
}

/// A new device that is to be approved.
pub enum LinkTarget {
    /// It waits, as the server said.
    Waiting(LinkId),
    /// What was scanned or pasted from its screen.
    Scanned(Zeroizing<String>),
}
