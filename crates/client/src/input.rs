//! What the engine is told.

use conclave_protocol::{AccountId, EnvelopeId, RoomId};
use zeroize::Zeroizing;

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
        /// Token from the link.
        invite: String,
    },
    /// Sign in on this device, which belongs to the account already. Answer: `Done`.
    SignIn {
        /// The handle as typed.
        username: String,
        /// The password.
        password: Zeroizing<String>,
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
}
