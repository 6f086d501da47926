//! What the command line may say.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand};
use conclave_protocol::presence::{Availability, LastSeen};
use conclave_sdk::ServerAddress;
use conclave_sdk::views::ChoiceChange;

use crate::links::{InviteArg, LinkArg, WhoArg};
use crate::messages::{MessageArg, TimeArg};

const AFTER_HELP: &str = "\
Exit codes:
   0  done
   1  it did not work; the reason is printed
   2  the command line is not right
  69  the server cannot be reached
  75  the message waits in the outbox of this device
  77  sign in first

Passwords are asked for, or read from CONCLAVE_PASSWORD or, with --password-stdin, from standard input.
CONCLAVE_LOG=debug says on standard error what goes on.";

/// End-to-end encrypted chat on a server of your own.
///
/// One folder holds one device: an account's keys, its messages and what waits to be sent, all encrypted. Begin
/// with the invite that you were given: conclave register NAME LINK
#[derive(Debug, Parser)]
#[command(name = "conclave", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Common {
    /// Folder of this device [default: conclave in the platform's folder for data]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CONCLAVE_HOME",
        hide_env_values = true
    )]
    pub(crate) data: Option<PathBuf>,
    /// Address of the server; remembered when you register or sign in
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<ServerAddress>,
    /// Speak plain HTTP to another machine; remembered with the address. Texts stay sealed, but who writes to
    /// whom does not, and whoever listens can take over the connection
    #[arg(long, global = true)]
    pub(crate) allow_plain_http: bool,
    /// How long to wait for the server
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Print JSON: one object, and for listen one in each line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Common {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Something that is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account with an invite, or the first one with the server's set-up link
    Register {
        /// Name by which people find you: 2 to 32 small letters, digits, dots, dashes or underscores
        name: String,
        /// The link that you were given, or only the token at its end; where a server is open to everybody: open
        invite: InviteArg,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Sign in: again, or on a new device, which one of your other devices then approves
    ///
    /// A new device prints six digits. Type them on a device that is signed in, in its window or with
    /// conclave approve.
    SignIn {
        /// Your name [default: the one of this device]
        name: Option<String>,
        /// The code of your authenticator app, or a backup code [default: asked for]
        #[arg(long, value_name = "CODE")]
        code: Option<String>,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Say whether a code is asked for after your password, switch that on or off, or get new backup codes
    SecondStep {
        #[command(subcommand)]
        what: Option<SecondStepCommand>,
        #[command(flatten)]
        proof: ProofArg,
    },
    /// List where you are signed in, or end that
    Logins {
        #[command(subcommand)]
        what: Option<LoginsCommand>,
    },
    /// Replace your password
    ///
    /// The old one is asked for, then the new one; with --password-stdin they are the first two lines.
    ChangePassword {
        /// Sign out everywhere else
        #[arg(long)]
        end_others: bool,
        /// Type the recovery key, where your password opens your history and this device does not have the key
        #[arg(long)]
        words: bool,
        #[command(flatten)]
        proof: ProofArg,
    },
    /// End your account for good
    ///
    /// Every device is signed out and forgets everything, your vault is deleted, and nobody gets your name. What you
    /// wrote stays with whom you wrote it to.
    CloseAccount {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        proof: ProofArg,
    },
    /// Administer the server (administrators)
    ///
    /// What changes something asks for your password unless you showed it within the last ten minutes. Nothing here
    /// shows what people write.
    Admin {
        #[command(subcommand)]
        what: AdminCommand,
        #[command(flatten)]
        proof: ProofArg,
    },
    /// Reveal one message to the people who run the server, with the proof of what it said
    ///
    /// They learn this one message, who sent it and when, and that you reported it. Nothing else that was written
    /// becomes readable. What is revealed is shown first.
    Report {
        /// The message's id, as conclave history --json prints it
        message: conclave_protocol::EnvelopeId,
        /// Why
        #[arg(long, value_parser = ["spam", "abuse", "illegal", "other"])]
        reason: String,
        /// What you want to say to it
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show what the server says to everybody, signed by its key
    Announcements {
        /// Show this one no more, on all your devices
        #[arg(long, value_name = "ID")]
        put_away: Option<String>,
        /// Believe the key with which the server signs now, though it was another one before
        #[arg(long)]
        accept_key: bool,
    },
    /// Make this a device of your account without a password: print a code that another of your devices scans
    ///
    /// Whoever has the code can take this device into their account until it is approved: show it to nobody else.
    Link,
    /// Approve a new device of yours: by the six digits that it shows, or by its link
    Approve {
        /// What conclave link printed on the new device [default: the device that waits]
        link: Option<LinkArg>,
        /// The six digits that the new device shows
        #[arg(long, value_name = "DIGITS", conflicts_with = "link")]
        digits: Option<String>,
        /// Do not ask whether the device of the link is yours
        #[arg(long, requires = "link")]
        yes: bool,
    },
    /// Come back to your account with the recovery key alone, and choose a new password
    ///
    /// The 24 words are asked for, or read from the first line of standard input; then the password, with
    /// --password-stdin from the next line.
    Recover {
        /// Your name
        name: String,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Start again under your name as a new identity, without a device and without the recovery key
    ///
    /// Everything of the old identity is lost: its messages, its chats, its groups; but for what was said with people,
    /// where you had let your password open your history. Your password proves that the name is yours. People who knew you are told that you are somebody new until they compare again.
    ResetIdentity {
        /// Your name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The code of your authenticator app, or a backup code [default: asked for]
        #[arg(long, value_name = "CODE")]
        code: Option<String>,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Say whether your password opens your history, too, or change it
    ///
    /// Without it the history opens with the recovery key, or with the approval of another of your devices only. With
    /// it, a strong password is enough to read it; it never adds a device. Changing it needs the recovery key: the
    /// device that has it, or its words with --words.
    HistoryPassword {
        /// on: the password opens it, too; off: no longer
        change: Option<Switch>,
        /// Ask for the 24 words of the recovery key, which this device does not have
        #[arg(long, requires = "change")]
        words: bool,
        #[command(flatten)]
        password: PasswordArg,
    },
    /// Sign out; keys and messages stay on this device, encrypted
    SignOut {
        /// Take this device out of your account, too, and delete what is stored on it
        #[arg(long)]
        delete: bool,
        /// Do not ask before it is deleted
        #[arg(long, requires = "delete")]
        yes: bool,
    },
    /// Send a text, and wait until the server has stored it
    ///
    /// The message is in this device's outbox before anything is sent. If the server does not answer in time,
    /// the exit code is 75 and the message is sent by the next command that reaches the server.
    Send {
        /// To whom: a name, or a contact link
        to: WhoArg,
        /// The text; words are joined by spaces, and - reads it from standard input
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// Print messages as they arrive, until Ctrl-C
    Listen {
        /// Tell their senders that they were read
        #[arg(long)]
        read: bool,
        /// First print what is unread already
        #[arg(long)]
        unread: bool,
    },
    /// List the chats, newest first
    Chats {
        #[command(flatten)]
        local: LocalArg,
    },
    /// Print the last messages of a chat
    History {
        /// With whom: a name, or a contact link
        with: WhoArg,
        /// How many messages
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        local: LocalArg,
    },
    /// Reply to a message of a chat; the other sees what you reply to
    ///
    /// MESSAGE is the place of a message from the end of the chat as conclave history prints it, 1 for the newest, or
    /// its id from --json. The same for the commands below.
    Reply {
        /// With whom: a name, or a contact link
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// The text, as for send
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
        /// Reply in the thread that hangs from the message
        #[arg(long)]
        thread: bool,
    },
    /// Write a text of yours anew; the other can look at what it said before
    Edit {
        /// With whom
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// The new text, as for send
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// Delete a message of yours for everyone, or any message on your devices alone
    Delete {
        /// With whom
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// On your devices alone
        #[arg(long)]
        for_me: bool,
    },
    /// React to a message with an emoji
    React {
        /// With whom
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// The emoji
        emoji: String,
        /// Take it back
        #[arg(long)]
        off: bool,
    },
    /// Pin a message in its chat, for both
    Pin {
        /// With whom
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// Unpin it
        #[arg(long)]
        off: bool,
    },
    /// Print the pinned messages of a chat
    Pins {
        /// With whom
        with: WhoArg,
    },
    /// Ask a question with 2 to 12 answers to choose from
    Poll {
        /// Whom: a name, or a contact link
        with: WhoArg,
        /// The question
        question: String,
        /// The answers
        #[arg(required = true, num_args = 2..=12, value_name = "ANSWER")]
        options: Vec<String>,
        /// Let several answers be chosen
        #[arg(long)]
        multiple: bool,
    },
    /// Vote in a poll; without an answer, take your vote back
    Vote {
        /// With whom
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// Numbers of the answers, from 1
        #[arg(value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=12))]
        choices: Vec<u32>,
    },
    /// Close a poll of yours; later votes do not count
    ClosePoll {
        /// With whom
        with: WhoArg,
        /// Which message
        message: MessageArg,
    },
    /// Send a text again to somebody else, and say whose it was
    Forward {
        /// With whom the message is
        with: WhoArg,
        /// Which message
        message: MessageArg,
        /// To whom
        to: WhoArg,
    },
    /// Let new messages of a chat disappear: so long after they were sent or read
    ///
    /// Both see it, and both devices follow it. Who wants to keep a message can still copy it.
    Timer {
        /// With whom: a name, or a contact link
        with: WhoArg,
        /// How long they stay: 30s, 5m, 8h, 1d, 4w, or off
        time: TimeArg,
    },
    /// Print the link by which others find you, and only you
    ContactLink,
    /// Find a person by exact name or contact link
    Find {
        /// Whom: a name, or a contact link
        who: WhoArg,
    },
    /// Print the safety number of you and a person, and the code that they scan or paste
    ///
    /// Both of you see the same 60 digits, unless somebody stands between you. Compare them where nobody else can
    /// change what you see or hear, best when you meet.
    SafetyNumber {
        /// Whose: a name, or a contact link
        who: WhoArg,
    },
    /// Mark a person as verified, after comparing your safety number
    ///
    /// Without a code it shows the number and asks whether both of you see the same.
    Verify {
        /// Whom: a name, or a contact link
        who: WhoArg,
        /// What the other person shows: their code, their link or their 60 digits
        code: Vec<String>,
        /// Write to them without comparing, though you had compared another identity under this name
        #[arg(long, conflicts_with_all = ["code", "remove"])]
        accept: bool,
        /// Take the mark away
        #[arg(long, conflicts_with = "code")]
        remove: bool,
        /// Do not ask: you have compared the number already
        #[arg(long)]
        yes: bool,
    },
    /// Print what changed in somebody's account, or in yours: which devices came and went, and when
    Changes {
        /// Whose: a name, or a contact link [default: yours]
        who: Option<WhoArg>,
    },
    /// Make an invite for one new person (administrators)
    Invite,
    /// Print the recovery key: 24 words that prove the account is yours. Keep them where nobody else looks
    RecoveryKey {
        /// Note that you have kept the words, so that nothing reminds you of them again
        #[arg(long)]
        kept: bool,
    },
    /// List the devices of your account, name them, or take one out
    Devices {
        #[command(subcommand)]
        what: Option<DevicesCommand>,
    },
    /// Make groups, and do things in them
    Group {
        #[command(subcommand)]
        what: PlaceCommand,
    },
    /// Make communities, and do things in them
    Community {
        #[command(subcommand)]
        what: PlaceCommand,
    },
    /// Join a group or community by an invite's link, or ask to be let in where it says so
    Join {
        /// The link
        link: String,
        /// Only say what stands behind the link
        #[arg(long)]
        look: bool,
    },
    /// List the members of a group or community, let people in, or put them out
    Members {
        /// Which: its name, or its id
        place: String,
        #[command(subcommand)]
        what: Option<MembersCommand>,
    },
    /// Search the messages on this device, newest first; nothing of it leaves the device
    ///
    /// Words are found by their beginnings, and "several words" as they stand. from:NAME, in:CHAT, has:link,
    /// before:DATE and after:DATE narrow it; dates are 2026-11-30, 2026-11 or 2026.
    Search {
        /// What to search for
        #[arg(required = true, num_args = 1.., value_name = "WORD")]
        words: Vec<String>,
        /// How many messages
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        local: LocalArg,
    },
    /// Mute a chat on all of your devices
    Mute {
        /// With whom: a name, or a contact link
        with: WhoArg,
        /// For so many hours [default: for good]
        #[arg(long = "for", value_name = "HOURS")]
        hours: Option<u32>,
        /// Hear of it again
        #[arg(long, conflicts_with = "hours")]
        off: bool,
    },
    /// Make a chat a favourite on all of your devices: it stands above the others
    Favourite {
        /// With whom: a name, or a contact link
        with: WhoArg,
        /// Make it none any more
        #[arg(long)]
        off: bool,
    },
    /// Put a chat into the archive on all of your devices, until something happens in it
    Archive {
        /// With whom: a name, or a contact link
        with: WhoArg,
        /// Take it out
        #[arg(long)]
        off: bool,
    },
    /// Say how you are seen and who of your people is there, or choose that
    ///
    /// Each sees only who sees them. Whoever gives no receipts, or does not say when they write, is told neither by
    /// others.
    Presence(PresenceArgs),
    /// List the chats that strangers began and you have not accepted yet
    ///
    /// They hear nothing of you before: neither that their message arrived nor that you saw it. Writing to them
    /// accepts, too.
    Requests {
        #[command(flatten)]
        local: LocalArg,
    },
    /// Accept the request of a stranger
    Accept {
        /// Whose: a name, or a contact link
        who: WhoArg,
    },
    /// Delete the request of a stranger, on all of your devices; they are told nothing
    Decline {
        /// Whose: a name, or a contact link
        who: WhoArg,
    },
    /// Block a person: what they write reaches none of your devices any more, and they are told nothing
    Block {
        /// Whom: a name, or a contact link
        who: WhoArg,
        /// Hear of them again
        #[arg(long)]
        off: bool,
    },
    /// List the people whom you blocked
    Blocked {
        #[command(flatten)]
        local: LocalArg,
    },
    /// Give a person a name that only you see; without one, take it back
    Nickname {
        /// Whom: a name, or a contact link
        who: WhoArg,
        /// What you call them; words are joined by spaces
        name: Vec<String>,
    },
    /// Say who is on this device and how it is connected
    Status {
        #[command(flatten)]
        local: LocalArg,
    },
}

/// How one is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SeenAs {
    /// As your devices say: online, idle or offline
    Online,
    /// Online, and not to be disturbed
    DoNotDisturb,
    /// As if you were offline
    Invisible,
}

/// Who is told when one was there last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LastSeenBy {
    /// Everybody who may see whether you are there
    Everyone,
    /// Of these, whom you have a chat with
    Contacts,
    /// All of these, but only whether it was within a day, a week or a month
    Approximate,
    /// Nobody
    Nobody,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PresenceArgs {
    /// How you are seen
    #[arg(value_name = "STATE")]
    seen_as: Option<SeenAs>,
    /// Who is told when you were there last; you are told no more of others
    #[arg(long, value_name = "WHO")]
    last_seen: Option<LastSeenBy>,
    /// Whether others learn that their messages arrived and were read, and you of yours
    #[arg(long, value_name = "SWITCH")]
    receipts: Option<Switch>,
    /// Whether others learn that you write, and you that they do
    #[arg(long, value_name = "SWITCH")]
    typing: Option<Switch>,
}

impl PresenceArgs {
    /// What is to be chosen.
    pub(crate) fn change(&self) -> ChoiceChange {
        ChoiceChange {
            availability: self.seen_as.map(|seen_as| match seen_as {
                SeenAs::Online => Availability::Automatic,
                SeenAs::DoNotDisturb => Availability::DoNotDisturb,
                SeenAs::Invisible => Availability::Invisible,
            }),
            last_seen: self.last_seen.map(|by| match by {
                LastSeenBy::Everyone => LastSeen::Everyone,
                LastSeenBy::Contacts => LastSeen::Contacts,
                LastSeenBy::Approximate => LastSeen::Approximate,
                LastSeenBy::Nobody => LastSeen::Nobody,
            }),
            receipts: self.receipts.map(|switch| switch == Switch::On),
            typing: self.typing.map(|switch| switch == Switch::On),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlaceCommand {
    /// Make one, and add people
    Create {
        /// What it is called
        name: String,
        /// Whom to add: names, or contact links
        people: Vec<WhoArg>,
    },
    /// List those that you are in
    List {
        #[command(flatten)]
        local: LocalArg,
    },
    /// Say everything about one
    Show {
        /// Which: its name, or its id
        place: String,
        #[command(flatten)]
        local: LocalArg,
    },
    /// Make a link by which people join
    Invite {
        /// Which: its name, or its id
        place: String,
        /// How many people may use it [default: any number]
        #[arg(long, value_name = "COUNT")]
        uses: Option<u32>,
        /// After how many hours it ends [default: never]
        #[arg(long, value_name = "HOURS")]
        hours: Option<u64>,
        /// Somebody has to agree to each
        #[arg(long)]
        approval: bool,
    },
    /// Make a link useless
    RevokeInvite {
        /// Which: its name, or its id
        place: String,
        /// The invite's number
        invite: u32,
    },
    /// Give it another name
    Rename {
        /// Which: its name, or its id
        place: String,
        /// The new name
        name: String,
    },
    /// Say what it is about now; nothing for an empty topic
    Topic {
        /// Which: its name, or its id
        place: String,
        /// The topic
        topic: String,
    },
    /// Make a channel in a community
    Channel {
        /// Which community: its name, or its id
        place: String,
        /// What the channel is called
        name: String,
        /// Written by some, read by all
        #[arg(long)]
        announcement: bool,
    },
    /// Change anything that one entry of its log can change, as JSON
    Change {
        /// Which: its name, or its id
        place: String,
        /// The change, as front ends say it: {"type":"set_text","field":"icon","text":"⛵"}
        change: String,
    },
    /// Send a text to a group, or to a channel with --channel
    Send {
        /// Which: its name, or its id
        place: String,
        /// The text; words are joined by spaces
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
        /// Which channel [default: the first]
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
    },
    /// Print the last messages of a group, or of a channel with --channel
    History {
        /// Which: its name, or its id
        place: String,
        /// Which channel [default: the first]
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
        /// How many messages
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        local: LocalArg,
    },
    /// Hand it over to another member
    Transfer {
        /// Which: its name, or its id
        place: String,
        /// To whom: a name, or a contact link
        to: WhoArg,
    },
    /// Leave it; what was written stays readable here
    Leave {
        /// Which: its name, or its id
        place: String,
    },
    /// End it for everybody
    Close {
        /// Which: its name, or its id
        place: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// Add somebody
    Add {
        /// Whom: a name, or a contact link
        who: WhoArg,
    },
    /// Remove somebody, who may come back
    Remove {
        /// Whom: a name, or a contact link
        who: WhoArg,
        /// Why; they and the others read it
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Remove somebody and keep them out
    Ban {
        /// Whom: a name, or a contact link
        who: WhoArg,
        /// Why; the others read it
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Lift a ban
    Unban {
        /// Whose: a name, or a contact link
        who: WhoArg,
    },
    /// Let somebody in who asked
    Approve {
        /// Whom: a name, or a contact link
        who: WhoArg,
    },
    /// Do not let somebody in who asked
    Decline {
        /// Whom: a name, or a contact link
        who: WhoArg,
    },
    /// Let somebody write nothing for a time
    Mute {
        /// Whom: a name, or a contact link
        who: WhoArg,
        /// For how many minutes; 0 lifts it
        minutes: u64,
    },
    /// Let somebody back in who started again under their name, with the roles that they had and you may give
    ///
    /// Compare safety numbers first: that it is the same person, the server says and nobody else.
    LetBackIn {
        /// Whom: the name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// Name a device; only your devices learn the name
    Rename {
        /// The name
        name: String,
        /// Which device, by its number in the list [default: this one]
        #[arg(long, value_name = "NUMBER")]
        device: Option<u32>,
    },
    /// Take a device out of your account, at once and for good
    ///
    /// It is signed out and gets nothing more, and what is on it is deleted as soon as it hears of it. Your
    /// messages stay on your other devices.
    Revoke {
        /// Which device, by its number in the list
        #[arg(value_name = "NUMBER")]
        device: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecondStepCommand {
    /// Make a secret for an authenticator app; it counts once it is confirmed
    Begin,
    /// Switch it on by a code of the app, and get backup codes
    Confirm {
        /// The six digits that the app shows
        digits: String,
    },
    /// Switch it off
    Off,
    /// Get new backup codes in the place of the old ones
    Codes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoginsCommand {
    /// End one of them
    End {
        /// Which, as the list names it
        login: String,
    },
    /// End all but this one
    EndOthers,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RegistrationArg {
    /// Everybody
    Open,
    /// Who has an invite
    Invite,
    /// Nobody
    Closed,
}

impl RegistrationArg {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Say who may register, or change it
    Registration {
        /// Who
        set: Option<RegistrationArg>,
    },
    /// List the invites that have not expired
    Invites,
    /// Make an invite
    Invite {
        /// How many people may register with it
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        uses: u32,
        /// For how many days
        #[arg(long, value_name = "DAYS", default_value_t = 7)]
        days: u32,
    },
    /// Withdraw an invite
    RevokeInvite {
        /// Which, as the list names it
        invite: String,
    },
    /// List accounts
    Accounts {
        /// A part of their names
        search: Option<String>,
        /// Behind the account of this id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
    },
    /// Keep somebody out, at once
    Suspend {
        /// A name, or an account's id
        who: String,
    },
    /// Let somebody in again
    Reactivate {
        /// A name, or an account's id
        who: String,
    },
    /// List where somebody is signed in
    Logins {
        /// A name, or an account's id
        who: String,
    },
    /// End a login of somebody
    EndLogin {
        /// A name, or an account's id
        who: String,
        /// Which, as the list names it
        login: String,
    },
    /// Print the audit log
    Audit {
        /// Behind this line
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
    },
    /// Print how much there is on the server
    Figures,
    /// Say something to everybody on the server, signed by its key
    Announce {
        /// What sort of announcement it is
        #[arg(long, value_name = "KIND", default_value = "notice", value_parser = ["notice", "warning", "maintenance"])]
        kind: String,
        /// For how many hours it is shown [default: 90 days]
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=2160))]
        hours: Option<u32>,
        /// The words; they are joined by spaces
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// List what the server says and said to everybody
    Announcements,
    /// List reported messages, each with who reported it and who sent it
    Reports {
        /// Those that were closed
        #[arg(long)]
        closed: bool,
        /// Behind so many
        #[arg(long, value_name = "COUNT", default_value_t = 0)]
        skip: u32,
    },
    /// Close a report
    CloseReport {
        /// Which, as the list names it
        id: String,
        /// What came of it; the words are joined by spaces
        outcome: Vec<String>,
    },
    /// Take back an announcement
    WithdrawAnnouncement {
        /// Which, as the list names it
        id: String,
    },
}

/// What shows that you are there.
#[derive(Debug, ClapArgs)]
pub(crate) struct ProofArg {
    #[command(flatten)]
    pub(crate) password: PasswordArg,
    /// The code of your authenticator app, or a backup code [default: asked for]
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PasswordArg {
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LocalArg {
    /// Show what is on this device without asking the server for news
    #[arg(long)]
    pub(crate) offline: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_help_says_what_it_says() {
        let mut command = Args::command();
        command.build();
        let mut text = command.render_help().to_string();
        for command in command.get_subcommands_mut() {
            if command.get_name() != "help" {
                text.push_str("\n==== ");
                text.push_str(&command.render_long_help().to_string());
            }
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn words_of_a_text_need_no_quotes_and_a_dash_is_a_text() {
        let text = |line: &[&str]| match Args::try_parse_from(line).unwrap().command {
            Command::Send { text, .. } => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(&["conclave", "send", "mia", "good", "morning"]),
            ["good", "morning"]
        );
        assert_eq!(text(&["conclave", "send", "mia", "-"]), ["-"]);
        assert_eq!(
            text(&["conclave", "send", "--json", "mia", "--", "--json"]),
            ["--json"]
        );
    }

    #[test]
    fn a_safety_number_may_be_typed_in_groups() {
        match Args::try_parse_from(["conclave", "verify", "mia", "12345", "67890"])
            .unwrap()
            .command
        {
            Command::Verify { code, .. } => assert_eq!(code, ["12345", "67890"]),
            other => panic!("{other:?}"),
        }
        for line in [
            &["conclave", "verify", "mia", "12345", "--accept"][..],
            &["conclave", "verify", "mia", "--remove", "--accept"],
        ] {
            assert!(Args::try_parse_from(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn no_password_is_taken_from_the_command_line() {
        for line in [
            &["conclave", "sign-in", "mia", "secret"][..],
            &["conclave", "sign-in", "mia", "--password", "secret"],
            &["conclave", "register", "mia", "token", "secret"],
            &["conclave", "recover", "mia", "abandon", "ability"],
            &["conclave", "recover", "mia", "--words", "abandon"],
        ] {
            assert!(Args::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
