//! The table of operations: one line for each route of `router.rs` and each of its methods.

use conclave_protocol::accounts::{
    AccountFound, EntriesPage, PasswordChangeFinish, PasswordChangeStart, PasswordChangeStarted,
    RegistrationFinish, RegistrationStart, RegistrationStarted, ServerInfo,
};
use conclave_protocol::admin::{AccountsPage, AuditPage, Figures, RegistrationSetting};
use conclave_protocol::announcements::{Announce, Announced, AnnouncementsFound};
use conclave_protocol::blobs::{BeginUpload, BlobLinks, FinishUpload, StorageFound, UploadState};
use conclave_protocol::devices::{AppendEntry, DevicesFound, EntryAppended};
use conclave_protocol::invites::{InviteMade, InvitesFound};
use conclave_protocol::links::{LinkMessage, LinkMessages, LinkOpened, LinksWaiting, OpenLink};
use conclave_protocol::logins::{
    DeviceLoginFinish, DeviceLoginStart, DeviceLoginStarted, HeldLogin, LoggedIn, LoginFinish, LoginPending,
    LoginStart, LoginStarted, LoginsEnded, LoginsFound, PasswordProof, PendingLogin, Refresh, Ticket,
};
use conclave_protocol::messages::EnvelopesPage;
use conclave_protocol::places::{
    AppendPlaceEntry, MakePlace, PlaceAppended, PlaceEntriesPage, PlacesFound, ReadByInvite,
};
use conclave_protocol::prekeys::{PrekeyClaimed, PrekeysLeft, PrekeysUpload};
use conclave_protocol::presence::Choices;
use conclave_protocol::push::{PushState, PushSubscribe};
use conclave_protocol::recoveries::{
    RecoveryFinish, RecoveryProof, RecoveryProved, RecoveryStart, RecoveryStarted,
};
use conclave_protocol::reports::{CloseReport, ReportMessage, ReportTaken, ReportsPage};
use conclave_protocol::resets::ResetIdentity;
use conclave_protocol::rooms::{DirectRoomFound, OpenDirectRoom};
use conclave_protocol::second_step::{BackupCodes, SecondStepBegun, SecondStepConfirm, SecondStepFound};
use conclave_protocol::vault::{AppendVaultRecords, VaultCount, VaultKeys, VaultRecordsPage};
use utoipa::openapi::HttpMethod::{Delete, Get, Post, Put};
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::QueryKind::{Account, Text, U32, U64};
use super::Who::{Anybody, Bearer};
use super::{Operation, QueryKind};

/// Entries behind one that is known.
const AFTER: &[(&str, QueryKind)] = &[("after", U32)];

/// This description.
struct Description;

impl PartialSchema for Description {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("An OpenAPI document."))
            .into()
    }
}

impl ToSchema for Description {}

#[rustfmt::skip]
pub(super) fn all() -> impl Iterator<Item = Operation> {
    let of = Operation::new;
    [
        of(Get, "/openapi.json", "This description.").by(Anybody).answers::<Description>(),
        of(Get, "/server", "What a client has to know of the server before anybody signs in.").by(Anybody).answers::<ServerInfo>(),
        of(Post, "/accounts/registration/start", "Begins a registration: the first half of OPAQUE.").by(Anybody).takes::<RegistrationStart>().answers::<RegistrationStarted>(),
        of(Post, "/accounts/registration/finish", "Makes an account with its first device, and signs it in.").by(Anybody).takes::<RegistrationFinish>().answers::<LoggedIn>(),
        of(Get, "/accounts/by-username/{username}", "Finds a person by their exact handle.").answers::<AccountFound>(),
        of(Get, "/accounts/{account}", "Finds a person with the beginning of their log.").answers::<AccountFound>(),
        of(Get, "/accounts/{account}/entries", "Reads a person's log on.").by(Bearer).with(AFTER).answers::<EntriesPage>(),
        of(Post, "/accounts/{account}/devices/{device}/prekeys/claim", "Claims a prekey bundle of a device.").answers::<PrekeyClaimed>(),
        of(Post, "/logins/start", "Begins a sign-in: the first half of OPAQUE.").by(Anybody).takes::<LoginStart>().answers::<LoginStarted>(),
        of(Post, "/logins/finish", "Signs a device of the account in.").by(Anybody).takes::<LoginFinish>().answers::<LoggedIn>(),
        of(Post, "/logins/pending", "Proves the password on what is no device of the account yet.").by(Anybody).takes::<PendingLogin>().answers::<LoginPending>(),
        of(Post, "/logins/device/start", "Begins the first sign-in of a device that was approved.").by(Anybody).takes::<DeviceLoginStart>().answers::<DeviceLoginStarted>(),
        of(Post, "/logins/device/finish", "Signs a device in that was approved.").by(Anybody).takes::<DeviceLoginFinish>().answers::<LoggedIn>(),
        of(Post, "/logins/refresh", "Exchanges the refresh token.").by(Anybody).takes::<Refresh>().answers::<LoggedIn>(),
        of(Post, "/logins/ended/entries", "Reads the own log on, for a device that was taken out of it.").by(Anybody).with(AFTER).takes::<HeldLogin>().answers::<EntriesPage>(),
        of(Post, "/logins/sign-out", "Ends the login.").by(Anybody).takes::<HeldLogin>(),
        of(Post, "/recoveries/start", "Begins to prove the recovery key.").by(Anybody).takes::<RecoveryStart>().answers::<RecoveryStarted>(),
        of(Post, "/recoveries/prove", "Proves the recovery key.").by(Anybody).takes::<RecoveryProof>().answers::<RecoveryProved>(),
        of(Post, "/recoveries/finish", "Adds a device by the recovery key, sets a new password, and signs in.").by(Anybody).takes::<RecoveryFinish>().answers::<LoggedIn>(),
        of(Post, "/resets", "Starts again under the same name with a new identity.").by(Anybody).takes::<ResetIdentity>().answers::<LoggedIn>(),
        of(Get, "/links", "Lists newcomers that wait to be approved.").answers::<LinksWaiting>(),
        of(Post, "/links", "Opens a meeting place of two devices; with the token of a proof, one of a known account.").by(Anybody).takes::<OpenLink>().answers::<LinkOpened>(),
        of(Delete, "/links/{link}", "Closes a meeting place.").by(Bearer),
        of(Get, "/links/{link}/messages", "Reads what the other device said.").by(Bearer).with(AFTER).answers::<LinkMessages>(),
        of(Post, "/links/{link}/messages", "Says something to the other device.").by(Bearer).takes::<LinkMessage>(),
        of(Get, "/vault", "Counts the records of the account's vault.").by(Bearer).with(&[("of", Account)]).answers::<VaultCount>(),
        of(Get, "/vault/records", "Reads records of the vault.").by(Bearer).with(&[("first", U64), ("limit", U32), ("of", Account)]).answers::<VaultRecordsPage>(),
        of(Post, "/vault/records", "Adds records to the vault.").takes::<AppendVaultRecords>().answers::<VaultCount>(),
        of(Get, "/vault/keys", "Reads the wrapped keys of the vault.").by(Bearer).answers::<VaultKeys>(),
        of(Put, "/vault/keys", "Replaces wrapped keys of the vault.").takes::<VaultKeys>(),
        of(Post, "/ws/ticket", "Makes a ticket for the socket.").answers::<Ticket>(),
        of(Get, "/logins", "Lists where the account is signed in.").answers::<LoginsFound>(),
        of(Delete, "/logins", "Ends every other login.").answers::<LoginsEnded>(),
        of(Delete, "/logins/{login}", "Ends a login."),
        of(Post, "/logins/prove", "Shows the password again, for what asks for a fresh sign-in.").takes::<PasswordProof>(),
        of(Get, "/account/presence", "Says what the own account chose about presence and receipts.").answers::<Choices>(),
        of(Put, "/account/presence", "Chooses how the own account is seen, and who gets receipts.").takes::<Choices>(),
        of(Get, "/push", "Says whether the own device is woken, and by which key.").answers::<PushState>(),
        of(Put, "/push/subscription", "Says where the own device is woken, and which rooms do not wake it.").takes::<PushSubscribe>(),
        of(Delete, "/push/subscription", "Has the own device woken no more."),
        of(Get, "/account/second-step", "Says whether a second step of sign-in is on.").answers::<SecondStepFound>(),
        of(Post, "/account/second-step", "Begins a second step: makes its secret.").answers::<SecondStepBegun>(),
        of(Delete, "/account/second-step", "Switches the second step off."),
        of(Post, "/account/second-step/confirm", "Switches the second step on by a code of it.").takes::<SecondStepConfirm>().answers::<BackupCodes>(),
        of(Post, "/account/second-step/backup-codes", "Makes new backup codes; the old ones end.").answers::<BackupCodes>(),
        of(Post, "/account/password/start", "Begins to replace the password.").takes::<PasswordChangeStart>().answers::<PasswordChangeStarted>(),
        of(Post, "/account/password/finish", "Replaces the password.").takes::<PasswordChangeFinish>().answers::<LoginsEnded>(),
        of(Get, "/admin/registration", "Says who may register.").answers::<RegistrationSetting>(),
        of(Put, "/admin/registration", "Sets who may register.").takes::<RegistrationSetting>(),
        of(Get, "/admin/accounts", "Lists accounts.").with(&[("search", Text), ("after", Account)]).answers::<AccountsPage>(),
        of(Post, "/admin/accounts/{account}/suspend", "Keeps an account out, at once."),
        of(Post, "/admin/accounts/{account}/reactivate", "Lets a suspended account in again."),
        of(Get, "/admin/accounts/{account}/logins", "Lists where an account is signed in.").answers::<LoginsFound>(),
        of(Delete, "/admin/accounts/{account}/logins/{login}", "Ends a login of an account."),
        of(Get, "/admin/audit", "Reads the audit log.").with(&[("after", U64)]).answers::<AuditPage>(),
        of(Get, "/admin/figures", "Says how much there is.").answers::<Figures>(),
        of(Post, "/reports", "Reveals one message to the administrators, with the proof of what it said.").takes::<ReportMessage>().answers::<ReportTaken>(),
        of(Get, "/admin/reports", "Lists reports.").with(&[("state", Text), ("skip", U32)]).answers::<ReportsPage>(),
        of(Post, "/admin/reports/{report}/close", "Closes a report.").takes::<CloseReport>(),
        of(Get, "/admin/announcements", "Lists what the server says and said to everybody.").answers::<AnnouncementsFound>(),
        of(Post, "/admin/announcements", "Says something to everybody, signed by the server.").takes::<Announce>().answers::<Announced>(),
        of(Delete, "/admin/announcements/{announcement}", "Takes back what the server says."),
        of(Get, "/invites", "Lists invites; for administrators.").answers::<InvitesFound>(),
        of(Delete, "/invites/{invite}", "Withdraws an invite; for administrators."),
        of(Post, "/invites", "Makes an invite to register here; for administrators.").with(&[("uses", U32), ("days", U32)]).answers::<InviteMade>(),
        of(Post, "/account/entries", "Adds an entry to the own log.").takes::<AppendEntry>().answers::<EntryAppended>(),
        of(Get, "/devices", "Lists the own devices with when they were seen.").answers::<DevicesFound>(),
        of(Get, "/devices/prekeys", "Counts the own device's prekeys.").answers::<PrekeysLeft>(),
        of(Post, "/devices/prekeys", "Publishes prekeys of the own device.").takes::<PrekeysUpload>().answers::<PrekeysLeft>(),
        of(Put, "/rooms/{room}", "Opens the direct room with a person.").takes::<OpenDirectRoom>(),
        of(Get, "/rooms/{room}", "Finds a direct room.").answers::<DirectRoomFound>(),
        of(Get, "/rooms/{room}/envelopes", "Reads a room's history.").with(&[("after", U64), ("before", U64), ("limit", U32)]).answers::<EnvelopesPage>(),
        of(Get, "/account/storage", "Says what the account's files take, and how much they may.").answers::<StorageFound>(),
        of(Put, "/blobs/{blob}", "Begins an upload, or goes on with it.").takes::<BeginUpload>().answers::<UploadState>(),
        of(Get, "/blobs/{blob}", "Reads a blob or a part of it.").answers_bytes(),
        of(Delete, "/blobs/{blob}", "Gives up an upload, or a blob that no message claims."),
        of(Get, "/blobs/{blob}/upload", "Says how far an upload is.").answers::<UploadState>(),
        of(Put, "/blobs/{blob}/chunks/{chunk}", "Stores a chunk of an upload.").takes_bytes(),
        of(Post, "/blobs/{blob}/finish", "Ends an upload.").takes::<FinishUpload>().answers::<UploadState>(),
        of(Get, "/blobs/{blob}/links", "Says where a blob's chunks can be fetched past the server.").answers::<BlobLinks>(),
        of(Get, "/places", "Lists the places that the account is in or was put out of.").answers::<PlacesFound>(),
        of(Post, "/places", "Makes a group or community.").takes::<MakePlace>().answers::<PlaceAppended>(),
        of(Get, "/places/{place}/entries", "Reads a place's log on.").with(AFTER).answers::<PlaceEntriesPage>(),
        of(Post, "/places/{place}/entries", "Adds an entry to a place's log.").takes::<AppendPlaceEntry>().answers::<PlaceAppended>(),
        of(Post, "/places/{place}/invited-entries", "Reads a place's log by an invite.").takes::<ReadByInvite>().answers::<PlaceEntriesPage>(),
    ]
    .into_iter()
}
