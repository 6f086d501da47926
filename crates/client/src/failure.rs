//! An error as a front end gets it: a code to match, a sentence to show.

use conclave_protocol::ErrorCode;
use serde::Serialize;

/// Something a person asked for did not happen, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Failure {
    /// A server's [`ErrorCode`] or one of the client's own codes below.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
}

macro_rules! own_failures {
    ($($(#[$meta:meta])* $name:ident $code:literal $sentence:literal;)*) => {
        impl Failure {
            $($(#[$meta])* pub fn $name() -> Self { Self::own($code, $sentence) })*

            /// The client's own codes with their sentences, for documents and tests.
            pub const OWN: &[(&str, &str)] = &[$(($code, $sentence)),*];
        }
    };
}

own_failures! {
    /// The server cannot be reached.
    offline "offline" "The server cannot be reached. Check your connection and try again.";
    /// The password is too short.
    password_short "password_short" "A password needs at least 8 characters; 15 or more are better. A few unrelated words work well.";
    /// The password is one of the most common ones.
    password_common "password_common" "This password is among the first that anybody tries. Choose another one.";
    /// The password is too long.
    password_long "password_long" "A password may have 1,024 characters at most.";
    /// The digits do not fit.
    digits_wrong "digits_wrong" "These are not the digits on the new device. For safety this approval has ended; start again on the new device, and approve only a device that you hold.";
    /// What was typed is not six digits.
    digits_unreadable "digits_unreadable" "The new device shows six digits. Type all of them.";
    /// What was scanned or pasted is not a link code.
    link_unreadable "link_unreadable" "This is not the code of a new device. Show it again on the new device and scan it from there.";
    /// The link was opened by somebody who does not know its secret, or its messages were altered.
    link_broken "link_broken" "The two devices did not understand each other, or somebody interfered. Nothing was added. Start again on the new device.";
    /// The meeting ended by itself.
    link_expired "link_expired" "Nobody approved this device in time. Start again.";
    /// The other device declined.
    link_declined "link_declined" "Your other device declined. If that was you, start again; if not, change your password.";
    /// The account's log is too long to be handed over.
    link_log_long "link_log_long" "The log of your account is too long to be handed to a new device this way. Use the recovery key on the new device.";
    /// The device was added, and its first sign-in was used up or came too late.
    link_sign_in "link_sign_in" "This device is in your account now. Sign in with your password to go on.";
    /// The device was added, and did not hear of it.
    link_unheard "link_unheard" "The new device went away before it heard that it was added, so it was taken out again. Start again on the new device.";
    /// The recovery key is not one.
    words_invalid "words_invalid" "These are not the words of a recovery key. Check the spelling and the order; there are 24.";
    /// Handle and recovery key do not fit.
    recovery_refused "recovery_refused" "Name and recovery key do not fit together. Check both; a recovery key that was replaced opens nothing any more.";
    /// The vault's records or keys are not whole or not genuine.
    vault_broken "vault_broken" "The server showed a history of your account that is not genuine or not whole. Nothing of what does not fit was believed. Ask the server's operator.";
    /// This device has no recovery key.
    recovery_key_elsewhere "recovery_key_elsewhere" "The recovery key is kept on the device where you made the account, or by you.";
    /// What is to be done needs the recovery key, which this device does not have.
    recovery_key_wanted "recovery_key_wanted" "This device does not have your recovery key. Type its 24 words.";
    /// The device was taken out of its account.
    device_removed "device_removed" "This device was removed from your account, and everything on it was deleted.";
    /// The server says so, and shows no proof.
    device_revoked_unproven "device_revoked_unproven" "The server says that this device was removed from your account. What is on it stays sealed; look at your devices on another one.";
    /// There is no such device in the account.
    unknown_device "unknown_device" "This device is not in your account any more.";
    /// The only device stays.
    last_device "last_device" "This is the only device of your account. Add another one first, or keep your recovery key at hand and sign out.";
    /// The name is empty or too long.
    device_name "device_name" "A device's name has 1 to 64 characters.";
    /// The device belongs to another account.
    other_account "other_account" "This device holds another account. Sign in with that one.";
    /// Not signed in.
    signed_out "signed_out" "You are signed out. Sign in again to go on; nothing was lost.";
    /// Something like it is under way.
    busy "busy" "This is under way already. Wait a moment.";
    /// The text is empty.
    text_empty "text_empty" "Write something first.";
    /// The text is too long.
    text_long "text_long" "This text is too long for one message. Split it in two.";
    /// The room is not known here.
    unknown_room "unknown_room" "This chat is not on this device.";
    /// What would prove the message is not here.
    report_unprovable "report_unprovable" "This device no longer holds what proves this message: it is older than thirty days, or from before reports. You can still block this person, and tell the people who run the server.";
    /// The message is not known here.
    unknown_message "unknown_message" "This message is no longer here.";
    /// The contact link names another account than the handle does.
    link_mismatch "link_mismatch" "This link does not fit the person whom the server names. Do not write to them before you asked how they got it.";
    /// The server presented an account log that is not valid.
    chain_invalid "chain_invalid" "The server showed a log for this person that is not genuine. Nothing was sent. Ask the server's operator.";
    /// The server answered in a form that this version does not know.
    answer_unreadable "answer_unreadable" "The server answered in a way that this version does not understand. Reload or update.";
    /// The device's store failed.
    storage "storage" "This device could not store that; nothing was sent. Make room on the disk and try again.";
    /// The store was made by a newer version.
    storage_newer "storage_newer" "The data on this device was made by a newer version. Reload or update to that version; nothing was changed.";
    /// The store cannot be opened with this key.
    storage_locked "storage_locked" "The data on this device cannot be opened.";
    /// The password could not be stretched.
    stretching "stretching" "This device has not enough memory to protect your password. Close other programs and try again.";
    /// The device was restored from an older copy.
    restored "restored" "This device was restored from an older copy. Messages from the time between may be missing here; your chats go on with new keys.";
    /// The server handed out prekeys that are not genuine.
    prekeys_invalid "prekeys_invalid" "The server showed keys for this person that are not genuine. Nothing was sent. Ask the server's operator.";
    /// Only its author may do that.
    not_yours "not_yours" "This cannot be changed by you. Ask whoever wrote it.";
    /// What was given is no reaction.
    emoji_invalid "emoji_invalid" "A reaction is one emoji or a very short word. Choose another one.";
    /// Too many reactions.
    reactions_many "reactions_many" "You gave this message 20 different reactions. Take one back first.";
    /// Too many people are mentioned.
    mentions_many "mentions_many" "One message can mention 50 people. Mention everyone, or write two.";
    /// The poll is not one.
    poll_invalid "poll_invalid" "A poll needs a question, 2 to 12 different answers that are not too long, and a closing time that lies ahead. Change it and try again.";
    /// The poll takes no more votes.
    poll_closed "poll_closed" "This poll is closed. Ask whoever made it for a new one.";
    /// The time is too long.
    timer_long "timer_long" "Messages can stay for a year at most. Choose a shorter time.";
    /// The person's name belongs to another identity than the one that was compared.
    identity_changed "identity_changed" "This is another identity than the one you compared. Compare the safety number again, or accept it; until then nothing is sent.";
    /// What was typed, pasted or scanned is neither a safety code nor a safety number.
    safety_code_unreadable "safety_code_unreadable" "This is neither a safety code nor a safety number of 60 digits. Take it from the other person's screen once more.";
    /// It is the code that this side shows.
    safety_code_own "safety_code_own" "This is the code that you show. Scan or paste the one that the other person shows.";
    /// The numbers do not fit.
    safety_number_differs "safety_number_differs" "The numbers do not match. This may be the code of somebody else; if it is not, somebody stands between you. Write nothing that matters before you have met and compared again.";
    /// The device belongs to the account that is to be given up.
    device_is_here "device_is_here" "This device belongs to your account, so nothing has to be lost. Sign in with your password, or use the recovery key.";
    /// Already signed in.
    signed_in "signed_in" "You are signed in already.";
    /// The place is not known here.
    unknown_place "unknown_place" "This group or community is not on this device.";
    /// The server shows a place's log in another version.
    place_forked "place_forked" "The server shows members different versions of this group's log. Nothing is sent here. Compare with another member, and ask the server's operator.";
    /// The server shows a place's log shorter than it was.
    place_shorter "place_shorter" "The server hides the newest changes of this group. Nothing is sent here until it shows them again. Ask the server's operator.";
    /// An entry breaks the rules or is of a later version.
    place_refused "place_refused" "The server shows a change of this group that is not genuine, or that a newer version made. Nothing is sent here. Update; if it stays, ask the server's operator.";
    /// An entry in the name of somebody who did not make it.
    place_false_claim "place_false_claim" "The server shows a change of this group in the name of somebody whose devices did not make it. Nothing is sent here. Ask the server's operator.";
    /// Members name entries that the server does not show.
    place_withheld "place_withheld" "Members know of changes in this group that the server does not show. Nothing is sent here until it does. Ask the server's operator.";
    /// The server does not list a place any more, without proof.
    place_unlisted "place_unlisted" "The server says that you are no longer in this group, and shows nothing that proves it. What was written stays readable here; ask a member.";
    /// The name is empty or too long.
    place_name "place_name" "A name has 1 to 100 characters.";
    /// A text is too long.
    place_text "place_text" "This text is too long. Shorten it.";
    /// A word that is no permission.
    place_permission "place_permission" "This version does not know one of these permissions. Update or leave it out.";
    /// What was pasted is no invite link.
    invite_unreadable "invite_unreadable" "This is not an invite's link. Copy it again, whole.";
    /// Somebody changed the same thing meanwhile.
    place_overtaken "place_overtaken" "Somebody changed the same thing at the same moment. Look at it and decide again.";
    /// What the act was about is gone.
    place_moot "place_moot" "This is gone meanwhile, so there was nothing to do.";
    /// The rules do not allow it.
    place_not_allowed "place_not_allowed" "Your role does not allow this. Ask somebody who may.";
    /// The place has as many of these as it may have.
    place_full "place_full" "There are as many of these here as there may be. Remove one first.";
    /// The owner does not leave.
    place_owner "place_owner" "You own this. Hand it over to another member before you leave, or close it.";
    /// The place has ended.
    place_closed "place_closed" "This was closed. What was written stays readable.";
    /// The own account is no member.
    place_not_member "place_not_member" "You are no longer a member here.";
    /// Nothing to search for.
    search_empty "search_empty" "Type a word to search for.";
    /// The query is too long.
    search_long "search_long" "This is too much to search for at once. Use fewer words.";
    /// An operator without its value.
    search_unfinished "search_unfinished" "Something is missing behind the colon. Write it without a space, as in from:mia.";
    /// Nobody by that name.
    search_from "search_from" "Nobody by that name is known on this device. Check the name behind from:.";
    /// No chat by that name.
    search_in "search_in" "No chat by that name is on this device. Check the name behind in:.";
    /// A kind of content that is not searched for.
    search_has "search_has" "Messages can be searched for links. Write has:link.";
    /// No more can be set.
    settings_full "settings_full" "There is no room for more settings of chats. Take some back first.";
    /// A setting's name or value is too long.
    setting_long "setting_long" "This setting is too long to be kept. Shorten it.";
    /// The folder's name is empty or too long.
    folder_name "folder_name" "A folder's name has 1 to 32 characters.";
    /// The folder is full.
    folder_full "folder_full" "A folder holds 45 chats at most. Make another one for the rest.";
    /// Too many folders.
    folders_full "folders_full" "There are 50 folders already. Delete one first.";
    /// The folder is not there.
    unknown_folder "unknown_folder" "This folder is not there any more.";
    /// The person blocked them.
    person_blocked "person_blocked" "You blocked this person. Unblock them to write.";
    /// Nothing of the kind can be said of oneself.
    person_own "person_own" "That is you. Choose somebody else.";
    /// Nobody of that account is known here.
    unknown_person "nobody_known" "This person is not known on this device. Find them by their name first.";
    /// The name is too long.
    nickname_invalid "nickname_invalid" "A name for somebody has 64 characters at most, in one line. Shorten it.";
    /// The chat was accepted.
    not_a_request "not_a_request" "This is no request any more. Delete its messages one by one, or block the person.";
    /// Not a date.
    search_date "search_date" "This is no date. Write it like 2026-11-30, 2026-11 or 2026.";
}

impl Failure {
    /// From a server's error.
    pub fn server(code: ErrorCode, retry_after: Option<u32>) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: code.sentence().to_owned(),
            retry_after,
        }
    }

    fn own(code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
            retry_after: None,
        }
    }
}
