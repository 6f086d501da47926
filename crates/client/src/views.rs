//! What a front end sees: events of the engine and rows of the store in the shape that JavaScript and JSON get.

mod contents;

use std::fmt;

use serde::Serialize;

pub use crate::announcements::views::{AnnouncementListedView, AnnouncementView, AnnouncementsView};
pub use crate::presence::views::{ChoiceChange, ChoicesView, PresenceView, SignalsView, TypingView};
pub use crate::reporting::{ReportPreviewView, ReportView, ReportsView};
pub use crate::views_of_people::{
    ChangeAuthorView, ChangeView, EarlierView, HistoryWaysView, ProfileView, StandingView, TrustView,
    WhatChangedView,
};

pub use crate::account_intents::{AccountIntent, AdminIntent};
pub use crate::account_views::{
    AccountListedView, AccountsView, AuditLineView, AuditView, FigureView, FiguresView, LoginView, PushView,
    RegistrationInviteView, SecondStepView,
};

pub use self::contents::{
    ActionView, AnnotationView, EditView, ForwardedView, PollOptionView, QuoteState, QuoteView, ReactionView,
    ThreadView,
};
use crate::failure::Failure;
pub use crate::places::intents::{
    ChannelForm, ChannelSort, InviteForm, PlaceChange, PlaceField, PlaceSort, PolicyForm, RoleForm,
};
use crate::places::listing::notice_view;
pub use crate::places::views::{
    BanView, CategoryView, ChannelView, ChatPlaceView, EntryView, InviteMadeView, InviteView, MemberView,
    NoticeView, PlaceStateView, PlaceView, PostingView, PreviewView, RequestView, ReturnedView, RoleView,
};
use crate::rows::{Delivery, Loss, MessageBody, MessageRow};
use crate::user_store::views::NotificationLevel;

/// Something changed that a front end may show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum Event {
    /// The answer to an intent.
    Answer {
        /// Names the intent.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        ask: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// Who is signed in here changed.
    Account,
    /// The connection changed.
    Connection {
        /// How it stands.
        state: ConnectionState,
    },
    /// The list of chats changed.
    Chats,
    /// A room's timeline changed.
    Timeline {
        /// The room's id.
        room: String,
    },
    /// A message of somebody else arrived (for notifications).
    Arrived {
        /// The room's id.
        room: String,
        /// The message's id.
        message: String,
        /// Of somebody whose request was not accepted: nothing is told of it but that it is there.
        request: bool,
    },
    /// The own account's devices or their names changed.
    Devices,
    /// A device was added to the own account by another one of its devices.
    DeviceAdded {
        /// Its name, where it is known already.
        name: Option<String>,
    },
    /// What is to be approved changed.
    Approvals,
    /// How people's identities stand, or what is known of them, changed.
    People,
    /// Folders or settings of the person changed.
    Settings,
    /// A group or community changed.
    Places {
        /// Its id.
        place: String,
    },
    /// Who is there, who writes, or what the account chose about both changed.
    Signals {
        /// Everything of it as it is now.
        signals: SignalsView,
    },
    /// What the server says to everybody changed.
    Announcements {
        /// Everything of it as it is now.
        announcements: AnnouncementsView,
    },
    /// Something a person has to know, once.
    Warning {
        /// What and what to do.
        failure: Failure,
    },
    /// Somebody else did something to a message: edited it, reacted, and the like.
    Annotated {
        /// The room's id.
        room: String,
        /// Id of the message that it was done to.
        message: String,
        /// Who did it.
        by: PersonView,
        /// What was done.
        what: AnnotationView,
    },
}

/// What came of an intent. Its `Debug` shows no secrets.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum Outcome {
    /// It is done.
    Done,
    /// A person was found.
    Person {
        /// Who.
        person: PersonView,
    },
    /// A room is open.
    Room {
        /// Its id.
        room: String,
    },
    /// A registration invite was made.
    Invite {
        /// The secret part of the link `/#/invite/{token}`.
        token: String,
        /// When it ends, Unix milliseconds.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        expires: u64,
    },
    /// The recovery key.
    RecoveryWords {
        /// 24 words.
        words: Vec<String>,
    },
    /// The own account's devices, this one first.
    Devices {
        /// Each active one.
        devices: Vec<DeviceView>,
    },
    /// A text was taken into the outbox.
    Queued {
        /// The message's id.
        message: String,
    },
    /// What is known of somebody.
    Profile {
        /// It.
        profile: Box<ProfileView>,
    },
    /// A group or community was made.
    Place {
        /// Its id.
        place: String,
        /// The room to open first: the group's, or the community's first channel.
        room: String,
    },
    /// What stands behind an invite's link.
    Preview {
        /// It.
        preview: PreviewView,
    },
    /// An invite's link was followed.
    Joined {
        /// The place.
        place: String,
        /// Somebody has to agree first.
        waiting: bool,
    },
    /// An invite to a group or community was made.
    PlaceInvite {
        /// It.
        invite: InviteMadeView,
    },
    /// How the second step of sign-in stands.
    SecondStep {
        /// It.
        second_step: SecondStepView,
    },
    /// A second step was begun.
    SecondStepBegun {
        /// What the authenticator app is given, base32.
        secret: String,
        /// The same as a link, for a QR code.
        link: String,
    },
    /// Whether this device is woken while it is closed.
    Push {
        /// It.
        push: PushView,
    },
    /// Backup codes, shown once.
    BackupCodes {
        /// Each for one sign-in.
        codes: Vec<String>,
    },
    /// Where an account is signed in.
    Logins {
        /// The newest first.
        logins: Vec<LoginView>,
    },
    /// Logins were ended.
    Ended {
        /// How many.
        count: u32,
    },
    /// The registration invites.
    Invites {
        /// The newest first.
        invites: Vec<RegistrationInviteView>,
    },
    /// Who may register.
    Registration {
        /// `open`, `invite` or `closed`.
        registration: String,
    },
    /// Accounts of the server.
    Accounts {
        /// A page of them.
        page: AccountsView,
    },
    /// The audit log.
    Audit {
        /// A page of it.
        page: AuditView,
    },
    /// How much there is on the server.
    Figures {
        /// It.
        figures: FiguresView,
    },
    /// The server says something to everybody.
    Announced {
        /// Names it.
        id: String,
        /// Until when, Unix milliseconds.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        ends_at: u64,
    },
    /// What the server says and said to everybody.
    Announcements {
        /// The newest first.
        announcements: Vec<AnnouncementListedView>,
    },
    /// What a report would reveal.
    ReportPreview {
        /// It.
        preview: ReportPreviewView,
    },
    /// A message was reported.
    Reported {
        /// It was before, by the same person; that report stands.
        repeated: bool,
    },
    /// Reports of the server.
    Reports {
        /// A page of them.
        page: ReportsView,
    },
    /// It did not happen.
    Failed {
        /// Why and what to do.
        failure: Failure,
    },
}

/// How the live connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum ConnectionState {
    /// Not connected; tried again by itself.
    Offline,
    /// On the way.
    Connecting,
    /// Connected, the mailbox is being read.
    CatchingUp,
    /// Everything that the server has is here.
    Online,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PersonView {
    /// Account id.
    pub account: String,
    /// Handle.
    pub username: String,
}

/// Who is signed in on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum AccountView {
    /// No account was made on this device.
    None,
    /// Waits to become a device of an account.
    Joining {
        /// How that stands.
        joining: JoiningView,
    },
    /// The device has an account and is signed out.
    SignedOut {
        /// Whose device it is.
        person: PersonView,
    },
    /// Signed in.
    SignedIn {
        /// Who.
        person: PersonView,
        /// Administers the server.
        administrator: bool,
        /// The recovery key was not kept yet and a first message was sent: time to show it.
        offer_recovery_key: bool,
        /// For a contact link: `/#/contact/{username}/{account}`.
        contact_link: String,
    },
}

/// How a new device stands that waits to be approved. Its `Debug` shows neither its link nor its digits.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct JoiningView {
    /// Whose device it will be; none while nobody has scanned its code.
    pub username: Option<String>,
    /// What an old device scans: the part of a link behind the server's address, `/#/link/{code}`.
    pub link: Option<String>,
    /// The six digits to type on an old device, once it answered.
    pub digits: Option<String>,
    /// How far it is.
    pub step: JoiningStep,
    /// When the meeting ends by itself, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub expires: u64,
}

/// How far a new device is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum JoiningStep {
    /// No device of the account has answered yet.
    Waiting,
    /// One has; the person confirms there.
    Confirming,
    /// It was approved and is being added.
    Adding,
    /// It ended without success; start again.
    Ended {
        /// Why.
        failure: Failure,
    },
}

/// A new device that waits for approval on this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ApprovalView {
    /// Names the meeting place.
    pub link: String,
    /// The new device's name for itself, once it is known.
    pub name: Option<String>,
    /// How far it is.
    pub step: ApprovalStep,
    /// When it ends by itself, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub expires: u64,
}

/// How far an approval is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum ApprovalStep {
    /// The device waits; nobody has answered here.
    Asked,
    /// On the way.
    Connecting,
    /// The person types the digits that the new device shows.
    DigitsNeeded,
    /// The code was scanned; the person confirms.
    ConfirmationNeeded,
    /// It is being added.
    Adding,
    /// It is a device of the account.
    Added,
    /// It ended without success.
    Ended {
        /// Why.
        failure: Failure,
    },
}

/// A device of the own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DeviceView {
    /// Its number in the account.
    pub device: u32,
    /// Its name, where it is known here.
    pub name: Option<String>,
    /// This very device.
    pub this: bool,
    /// When it was added, as the account's log says, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub added_at: u64,
    /// When the server last saw it, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub seen_at: Option<u64>,
    /// Connected now, as the server says.
    pub connected: bool,
    /// Signed in, as the server says.
    pub signed_in: bool,
}

/// How much of a room's past is on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct HistoryView {
    /// More of it is on its way.
    pub loading: bool,
    /// Messages from before this device was there that are not here.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub missing: u64,
    /// Why they will not come; none while it loads, or where none is missing.
    pub why: Option<HistoryLossView>,
}

/// Why a message from before this device was there cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum HistoryLossView {
    /// No device of the account recorded its key.
    NotRecorded,
    /// Its key is here, and the server does not show the message that it opens.
    Withheld,
    /// What the server shows of the account's records is not genuine or not whole.
    NotGenuine,
}

/// A row of the list of chats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChatView {
    /// Room id.
    pub room: String,
    /// Whose room it is.
    pub kind: ChatKindView,
    /// What it is called: the other person's handle, the name of a group or channel. None while the key of that
    /// name is not here.
    pub title: Option<String>,
    /// The other person of a direct room.
    pub person: Option<PersonView>,
    /// The room of the own saved messages.
    pub saved: bool,
    /// The group or community that it is of.
    pub place: Option<ChatPlaceView>,
    /// Whether one may write here.
    pub posting: PostingView,
    /// Its newest message.
    pub last: Option<MessageView>,
    /// Unread messages.
    pub unread: u32,
    /// When something last happened, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub active_at: u64,
    /// Seconds after which new messages disappear; 0 for never.
    pub disappearing: u32,
    /// Stands above the others.
    pub favourite: bool,
    /// Says nothing until then, Unix milliseconds; none where it is not muted.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub muted_until: Option<u64>,
    /// Stands apart.
    pub archived: bool,
    /// The person wants it to look unread.
    pub marked_unread: bool,
    /// What is told of it.
    pub level: NotificationLevel,
    /// What was begun to write there.
    pub draft: Option<String>,
    /// Somebody wrote whom the person never wrote to nor accepted.
    pub request: bool,
    /// The person blocked the other one.
    pub blocked: bool,
}

/// Whose room it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum ChatKindView {
    /// Of two people, or of one with their saved messages.
    Direct,
    /// A group's.
    Group,
    /// A channel of a community.
    Channel,
}

/// A message of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct MessageView {
    /// Message id.
    pub id: String,
    /// Room id.
    pub room: String,
    /// Account id of its author.
    pub author: String,
    /// Sent by the own account.
    pub mine: bool,
    /// When it was sent, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub sent_at: u64,
    /// How far an own message got.
    pub delivery: DeliveryView,
    /// Messages of the same sender missing just before this one.
    pub missing_before: u32,
    /// What it says.
    pub body: BodyView,
    /// Place for paging: ask for what lies before the first one shown.
    pub position: Position,
    /// What it replies to.
    pub reply: Option<QuoteView>,
    /// When it was last written anew, Unix milliseconds.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub edited_at: Option<u64>,
    /// Reactions, in the order in which each emoji came first.
    pub reactions: Vec<ReactionView>,
    /// Pinned in its room.
    pub pinned: bool,
    /// The thread that it belongs to or begins.
    pub thread: Option<ThreadView>,
    /// Where it was forwarded from.
    pub forwarded: Option<ForwardedView>,
    /// When it disappears here, Unix milliseconds; none for never, and for one that was not read yet.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub expires_at: Option<u64>,
    /// It mentions the own account, or everyone.
    pub mentions_me: bool,
    /// What the person may do with it now.
    pub can: ActionView,
    /// In a group or community, of somebody whom the person blocked.
    pub blocked: bool,
}

/// A place in a timeline, for paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Position {
    /// Room sequence; none while the message waits in the outbox.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub sequence: Option<u64>,
    /// Order on this device.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub ordinal: u64,
}

/// How far an own message got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum DeliveryView {
    /// Waits to be sent.
    Queued,
    /// On the server's disk.
    Sent,
    /// On a device of the other person.
    Delivered,
    /// Seen by the other person.
    Read,
    /// Refused; waits for a retry.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Somebody else's.
    Received,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum BodyView {
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// Of a kind that this version does not know.
    Unsupported,
    /// Arrived and could not be opened here yet; its sender is asked for its key again.
    Unopened,
    /// Arrived and cannot be opened here any more.
    Lost {
        /// Why its key will not come.
        why: LossView,
    },
    /// This device was restored from an older copy at this point.
    RestoredHere,
    /// The person's name belonged to another identity before.
    IdentityChanged,
    /// A poll.
    Poll {
        /// What is asked.
        question: String,
        /// What may be answered.
        options: Vec<PollOptionView>,
        /// Several answers may be chosen.
        multiple: bool,
        /// No more votes count.
        closed: bool,
        /// When it closes by itself, Unix milliseconds.
        #[cfg_attr(feature = "ts", ts(type = "number | null"))]
        closes_at: Option<u64>,
        /// People who voted.
        voters: u32,
    },
    /// Deleted for everyone.
    Deleted {
        /// By its author; else by somebody who may delete what others wrote.
        by_author: bool,
    },
    /// Its author set after how long new messages disappear.
    Timer {
        /// Seconds; 0 for never.
        seconds: u32,
    },
    /// What the chain of a group or community says that happened.
    Notice {
        /// What.
        notice: NoticeView,
    },
}

/// Why a message cannot be opened any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub enum LossView {
    /// It is too old to be repeated.
    TooOld,
    /// It was sent from this device before the device was restored from an older copy.
    SentHere,
    /// It is not what its sender sealed, or is shown where it does not belong.
    NotGenuine,
    /// Nobody who was asked gave its key.
    KeyNotGiven,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Person { person } => f.debug_tuple("Person").field(person).finish(),
            Self::Room { room } => f.debug_tuple("Room").field(room).finish(),
            Self::Invite { expires, .. } => write!(f, "Invite(.., {expires})"),
            Self::RecoveryWords { .. } => f.write_str("RecoveryWords(..)"),
            Self::Devices { devices } => f.debug_tuple("Devices").field(devices).finish(),
            Self::Queued { message } => f.debug_tuple("Queued").field(message).finish(),
            Self::Profile { profile } => f.debug_tuple("Profile").field(&profile.person).finish(),
            Self::Place { place, .. } => f.debug_tuple("Place").field(place).finish(),
            Self::Preview { preview } => f.debug_tuple("Preview").field(preview).finish(),
            Self::Joined { place, waiting } => f.debug_tuple("Joined").field(place).field(waiting).finish(),
            Self::PlaceInvite { invite } => f.debug_tuple("PlaceInvite").field(invite).finish(),
            Self::SecondStep { second_step } => f.debug_tuple("SecondStep").field(second_step).finish(),
            Self::SecondStepBegun { .. } => f.write_str("SecondStepBegun(..)"),
            Self::Push { push } => write!(f, "Push({})", push.subscribed),
            Self::BackupCodes { codes } => write!(f, "BackupCodes({})", codes.len()),
            Self::Logins { logins } => f.debug_tuple("Logins").field(logins).finish(),
            Self::Ended { count } => write!(f, "Ended({count})"),
            Self::Invites { invites } => f.debug_tuple("Invites").field(invites).finish(),
            Self::Registration { registration } => f.debug_tuple("Registration").field(registration).finish(),
            Self::Accounts { page } => write!(f, "Accounts({})", page.accounts.len()),
            Self::Audit { page } => write!(f, "Audit({})", page.lines.len()),
            Self::Figures { figures } => f.debug_tuple("Figures").field(figures).finish(),
            Self::Announced { id, .. } => f.debug_tuple("Announced").field(id).finish(),
            Self::Announcements { announcements } => write!(f, "Announcements({})", announcements.len()),
            Self::ReportPreview { .. } => f.write_str("ReportPreview(..)"),
            Self::Reported { repeated } => write!(f, "Reported({repeated})"),
            Self::Reports { page } => write!(f, "Reports({})", page.reports.len()),
            Self::Failed { failure } => f.debug_tuple("Failed").field(failure).finish(),
        }
    }
}

impl fmt::Debug for JoiningView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoiningView")
            .field("username", &self.username)
            .field("step", &self.step)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl MessageView {
    /// The view of a stored row alone; what else is known of it is added by whoever looks.
    pub(crate) fn of(row: &MessageRow) -> Self {
        Self {
            id: row.id.to_string(),
            room: row.room.to_string(),
            author: row.author.to_string(),
            mine: row.mine,
            sent_at: row.sent_at.0,
            delivery: match row.delivery {
                Delivery::Queued => DeliveryView::Queued,
                Delivery::Sent => DeliveryView::Sent,
                Delivery::Delivered => DeliveryView::Delivered,
                Delivery::Read => DeliveryView::Read,
                Delivery::Failed(code) => DeliveryView::Failed {
                    failure: Failure::server(code, None),
                },
                Delivery::Received => DeliveryView::Received,
            },
            missing_before: row.missing_before,
            body: match &row.body {
                MessageBody::Text(text) => BodyView::Text {
                    text: text.text.clone(),
                },
                MessageBody::Poll(poll) => BodyView::Poll {
                    question: poll.question.clone(),
                    options: Vec::new(),
                    multiple: poll.multiple,
                    closed: false,
                    closes_at: poll.closes_at.map(|at| at.0),
                    voters: 0,
                },
                MessageBody::Timer(_, seconds) => BodyView::Timer { seconds: *seconds },
                MessageBody::Deleted(by_author) => BodyView::Deleted {
                    by_author: *by_author,
                },
                MessageBody::Unsupported | MessageBody::Annotation(_) | MessageBody::Removed => {
                    BodyView::Unsupported
                }
                MessageBody::Unopened => BodyView::Unopened,
                MessageBody::RestoredHere => BodyView::RestoredHere,
                MessageBody::IdentityChanged => BodyView::IdentityChanged,
                MessageBody::Notice(notice) => BodyView::Notice {
                    notice: notice_view(notice),
                },
                MessageBody::Lost(why) => BodyView::Lost {
                    why: match why {
                        Loss::TooOld => LossView::TooOld,
                        Loss::SentHere => LossView::SentHere,
                        Loss::NotGenuine => LossView::NotGenuine,
                        Loss::KeyNotGiven => LossView::KeyNotGiven,
                    },
                },
            },
            position: Position {
                sequence: row.sequence,
                ordinal: row.ordinal,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_invites_links_and_digits_are_never_printed() {
        let outcomes = [
            Outcome::RecoveryWords {
                words: vec!["secret".to_owned()],
            },
            Outcome::Invite {
                token: "secret".to_owned(),
                expires: 7,
            },
            Outcome::PlaceInvite {
                invite: InviteMadeView {
                    invite: 7,
                    link: "/#/join/secret".to_owned(),
                    terms: InviteForm::default(),
                },
            },
        ];
        let joining = AccountView::Joining {
            joining: JoiningView {
                username: Some("mia".to_owned()),
                link: Some("/#/link/secret".to_owned()),
                digits: Some("secret".to_owned()),
                step: JoiningStep::Waiting,
                expires: 7,
            },
        };
        let printed = format!("{outcomes:?} {joining:?}");
        assert!(printed.contains("mia"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
