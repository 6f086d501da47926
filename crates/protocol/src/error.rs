//! Errors that cross a boundary: a code that code matches, a sentence that a person reads.

use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$meta:meta])* $number:literal $name:ident $text:literal $status:literal $sentence:literal;)*) => {
        /// What went wrong, as code matches it. Codes are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Encode, Decode)]
        #[cbor(index_only)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$meta])* #[n($number)] #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code, for documents and tests.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as it stands in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The HTTP status that carries it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// What happened and what to do, for a person.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

codes! {
    /// A bug or a failure on the server's side.
    0 Internal "internal" 500 "Something went wrong on the server. Try again in a moment.";
    /// The request or frame is not of its form.
    1 Malformed "malformed" 400 "The server did not understand this request. Reload to get the current version.";
    /// The body or frame is over its limit.
    2 TooLarge "too_large" 413 "This is larger than the server accepts.";
    /// Nothing stands at this address, or it may not be shown to the asker.
    3 NotFound "not_found" 404 "Nothing was found here.";
    /// Sign-in failed; deliberately the same for an unknown name and a wrong password.
    4 WrongCredentials "wrong_credentials" 401 "Name or password is wrong. Check both and try again.";
    /// The access token is missing, expired or revoked.
    5 SignInNeeded "sign_in_needed" 401 "You are signed out. Sign in again to go on; nothing was lost.";
    /// The asker may not do this.
    6 Forbidden "forbidden" 403 "You are not allowed to do this.";
    /// Another account has this username.
    7 UsernameTaken "username_taken" 409 "This name is taken. Choose another one.";
    /// The username breaks the rule.
    8 UsernameInvalid "username_invalid" 422 "A name has 2 to 32 small letters, digits, dots, dashes or underscores, and begins with a letter.";
    /// Registration needs an invite, and none, a used or an expired one came.
    9 InviteNeeded "invite_needed" 403 "This invite is used up, expired or not from this server. Ask for a new one.";
    /// This exact account exists already: the answer to an earlier try was lost.
    10 AlreadyRegistered "already_registered" 409 "This account exists already. Sign in.";
    /// A chain entry breaks a rule.
    11 ChainRefused "chain_refused" 422 "The account's log was refused because it breaks its rules.";
    /// The addressed devices are not exactly the active ones.
    12 StaleDevices "stale_devices" 409 "The list of devices has changed. The message is sealed anew and sent again.";
    /// An id was used before with other bytes.
    13 IdReused "id_reused" 409 "This message was sent before with other content.";
    /// An earlier send in the room was refused; the device has to start anew.
    14 OutOfOrder "out_of_order" 409 "An earlier message has to be sent first.";
    /// Too many requests; `retry_after` says when to go on.
    15 TooFast "too_fast" 429 "That was too fast. It goes on by itself in a moment.";
    /// The server cannot store anything more now.
    16 StorageFull "storage_full" 507 "The server's disk is full. Your message is kept here and sent when there is room.";
    /// The server is starting, stopping or cannot reach its database.
    17 Unavailable "unavailable" 503 "The server is busy or restarting. It is tried again by itself.";
    /// The client speaks a version that this server does not.
    18 VersionUnsupported "version_unsupported" 426 "This version no longer matches the server. Reload or update.";
    /// The ticket is unknown, used or expired.
    19 TicketInvalid "ticket_invalid" 401 "The connection's ticket has expired. A new one is fetched.";
    /// The refresh token was used twice, so the login was ended for safety.
    20 LoginRevoked "login_revoked" 401 "This sign-in was ended. Sign in again; nothing on this device was lost.";
    /// Too many deliveries or connections are open.
    21 Overloaded "overloaded" 503 "The server has no room for another connection right now.";
    /// No person has this handle or id.
    22 UnknownPerson "unknown_person" 404 "Nobody here has that name. Check the spelling or ask for their contact link.";
    /// The device has no prekey bundle on the server.
    23 NoPrekeys "no_prekeys" 409 "Their device has not finished setting up. The message is sent when it has.";
    /// The request took longer than its deadline.
    24 TimedOut "timed_out" 408 "The server took too long. Try again.";
    /// The request comes from another website.
    25 OriginRefused "origin_refused" 403 "This request came from another website and was refused.";
    /// The same device connected from somewhere else.
    26 Replaced "replaced" 409 "This device is connected from somewhere else, as a copy of its data would be. Close the other one.";
    /// The log has grown, so the entry or record is not the next one.
    27 ChainMoved "chain_moved" 409 "Another device was faster. This is tried again by itself.";
    /// The device was taken out of its account.
    28 DeviceRevoked "device_revoked" 401 "This device was removed from your account.";
    /// The meeting place of two devices is over.
    29 LinkGone "link_gone" 410 "This approval has ended. Start again on the new device.";
    /// Another device answers already.
    30 LinkTaken "link_taken" 409 "Another of your devices is approving this one.";
    /// The account has as many devices as it may.
    31 DevicesFull "devices_full" 409 "An account has 16 devices at most. Remove one that you no longer use.";
    /// The account was closed.
    32 AccountClosed "account_closed" 410 "This account has ended: it was closed, or started again as a new identity. What is on this device stays sealed.";
    /// The vault holds as many records as it may.
    33 VaultFull "vault_full" 507 "The vault of this account is full. New messages stay on your devices.";
    /// The room's keys were replaced, or are about to be; the message has to be sealed anew.
    34 EpochEnded "epoch_ended" 409 "Somebody left or a device was removed. The message is sealed anew and sent again.";
    /// A member's account lost a device, and nobody recorded it in the place's chain yet.
    35 ObservationOwed "observation_owed" 409 "A device of a member was removed. The message is sealed anew and sent again.";
    /// The room is closed to the sender for now: read-only, archived, muted, or for others to write.
    36 PostRefused "post_refused" 403 "You cannot write here at the moment.";
    /// The invite is unknown, used up, expired or revoked, or its proof is wrong.
    37 PlaceInviteInvalid "place_invite_invalid" 403 "This invite is used up, expired or was withdrawn. Ask for a new one.";
    /// The account was banned from the place.
    38 Banned "banned" 403 "You were banned here.";
    /// The account is in as many places as it may be.
    39 PlacesFull "places_full" 409 "An account is in 500 groups and communities at most. One has to be left first.";
    /// The addressed account has no device any more: it ended, or its person started again under its name.
    50 RecipientGone "recipient_gone" 410 "Nobody reads this chat any more: this account has no device left. If they started again, look them up by their name.";
    /// A device of the account was there not long ago, so its identity is not reset yet; `retry_after` says when.
    51 ResetTooSoon "reset_too_soon" 409 "A device of this account was used not long ago. For safety you can start again only after a pause; use that device until then, or ask the server's operator.";
    /// The password is right, and the account has a second step: its code has to come with it.
    60 SecondStepNeeded "second_step_needed" 401 "Type the code that your authenticator app shows, or one of your backup codes.";
    /// The code of the second step is wrong, or was used before.
    61 SecondStepWrong "second_step_wrong" 401 "This code is wrong or was used already. Wait for the next one, and check the clock of the device that shows it.";
    /// What is asked for needs a proof of the password that is not older than ten minutes.
    62 FreshSignInNeeded "fresh_sign_in_needed" 403 "Confirm with your password first.";
    /// An administrator of the server suspended the account.
    63 AccountSuspended "account_suspended" 403 "This account is suspended. Ask the people who run this server.";
    /// Nobody may register at the moment.
    64 RegistrationClosed "registration_closed" 403 "This server takes no new people at the moment. Ask the people who run it.";
    /// The second step is on already.
    65 SecondStepOn "second_step_on" 409 "The second step is on already. Switch it off first.";
    /// The blob is known, and its bytes are not there any more.
    80 BlobLost "blob_lost" 410 "This file is no longer on the server. Ask who sent it to send it again.";
    /// The account's blobs take as much room as they may.
    81 QuotaFull "quota_full" 507 "Your files take as much room on this server as they may. Delete messages with large files, or ask the people who run the server.";
    /// A chunk has another length than it should, or another hash than was said with it.
    82 ChunkWrong "chunk_wrong" 422 "A part of the file was damaged on its way. It is sent again by itself.";
    /// Chunks are missing.
    83 UploadIncomplete "upload_incomplete" 409 "Parts of the file have not arrived yet. They are sent by themselves.";
    /// The chunks are not those that the hash of the whole names.
    84 UploadWrong "upload_wrong" 422 "The file was damaged on its way. Send it again.";
    /// The account has begun as many uploads as it may.
    85 UploadsFull "uploads_full" 429 "Too many files are being sent at once. It goes on when one of them is done.";
    /// The range lies behind the blob's end, or is none.
    86 RangeInvalid "range_invalid" 416 "The file has no such part.";
    /// An envelope claims a blob that is not there whole, or that its sender may not read.
    87 BlobMissing "blob_missing" 409 "A file of this message is not on the server any more. Attach it again.";
    /// The blob is part of a message already.
    88 BlobClaimed "blob_claimed" 409 "This file is part of a message. Delete the message instead.";
    /// The server says as much to everybody at a time as it may.
    95 AnnouncementsFull "announcements_full" 409 "There are ten announcements already. Withdraw one that is no longer needed.";
    /// The proof of a report does not open the message that the server relayed, or not as its author signed it.
    96 ReportRefused "report_refused" 422 "This report does not prove what was said, so it was not taken.";
    /// The message of a report is not on record any more.
    97 ReportGone "report_gone" 410 "This message is no longer on the server, so nobody can prove what it said.";
    /// A setting lies outside of what is possible.
    98 SettingInvalid "setting_invalid" 422 "This value is outside of what is possible here. Choose another one.";
    /// The last administrator cannot go.
    66 LastAdministrator "last_administrator" 409 "This is the only administrator of the server. Make another one first.";
    /// The own account gives no receipts.
    89 ReceiptsOff "receipts_off" 403 "You chose to give no receipts, so none was sent.";
    /// The server wakes no device.
    90 PushOff "push_off" 409 "This server sends no notifications. Ask the people who run it.";
    /// The address is not one of a push service that the server sends to.
    91 PushServiceUnknown "push_service_unknown" 422 "Your browser's notification service is not one that this server sends to. Ask the people who run the server to allow it.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error body (RFC 9457, `application/problem+json`) with the code as its extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What went wrong, for code.
    pub code: ErrorCode,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What happened and what to do, for a person.
    pub title: String,
    /// Seconds after which to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// The body for a code.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            status: code.status(),
            title: code.sentence().to_owned(),
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_text_and_a_sentence_that_ends() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(code.sentence().ends_with('.'), "{code}");
            assert!((400..600).contains(&code.status()));
            assert!(
                ErrorCode::ALL[index + 1..]
                    .iter()
                    .all(|other| other.as_str() != code.as_str())
            );
        }
    }

    #[test]
    fn a_problem_reads_the_same_on_both_sides() {
        let problem = Problem::new(ErrorCode::TooFast);
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.contains("\"code\":\"too_fast\""));
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }
}
