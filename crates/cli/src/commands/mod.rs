//! What each command does. One more command is one more variant of [`Command`] and one more arm here.

mod accounts;
mod admin;
mod announcements;
mod chats;
mod contents;
mod devices;
mod history_password;
mod keeping;
mod linking;
mod listen;
mod people;
mod places;
mod presence;
mod report;
mod requests;
mod search;
mod send;
mod sign_in;
mod verify;

use conclave_sdk::views::PlaceSort;

use crate::args::{Args, Command};
use crate::error::CliError;
use crate::print::Printer;

/// Runs a command.
pub(crate) async fn run(args: Args, printer: &Printer) -> Result<(), CliError> {
    let Args { common, command } = args;
    match command {
        Command::Register {
            name,
            invite,
            password,
        } => accounts::register(&common, printer, &name, &invite, &password).await,
        Command::SignIn { name, code, password } => {
            accounts::sign_in(&common, printer, name.as_deref(), code.as_deref(), &password).await
        }
        Command::SecondStep { what, proof } => sign_in::second_step(&common, printer, what, &proof).await,
        Command::Logins { what } => sign_in::logins(&common, printer, what).await,
        Command::ChangePassword {
            end_others,
            words,
            proof,
        } => sign_in::change_password(&common, printer, end_others, words, &proof).await,
        Command::CloseAccount { yes, proof } => sign_in::close_account(&common, printer, yes, &proof).await,
        Command::Admin { what, proof } => admin::run(&common, printer, what, &proof).await,
        Command::Report {
            message,
            reason,
            note,
            yes,
        } => report::run(&common, printer, message, &reason, &note, yes).await,
        Command::Announcements { put_away, accept_key } => {
            announcements::run(&common, printer, put_away.as_deref(), accept_key).await
        }
        Command::Link => linking::link(&common, printer).await,
        Command::Approve { link, digits, yes } => {
            linking::approve(&common, printer, link.as_ref(), digits.as_deref(), yes).await
        }
        Command::Recover { name, password } => linking::recover(&common, printer, &name, &password).await,
        Command::ResetIdentity {
            name,
            yes,
            code,
            password,
        } => linking::reset_identity(&common, printer, &name, yes, code.as_deref(), &password).await,
        Command::HistoryPassword {
            change,
            words,
            password,
        } => history_password::run(&common, printer, change, words, &password).await,
        Command::SignOut { delete: true, yes } => devices::leave(&common, printer, yes).await,
        Command::SignOut { .. } => accounts::sign_out(&common, printer).await,
        Command::Send { to, text } => send::send(&common, printer, &to, &text).await,
        Command::Listen { read, unread } => listen::listen(&common, printer, read, unread).await,
        Command::Chats { local } => chats::list(&common, printer, &local).await,
        Command::History { with, limit, local } => {
            chats::history(&common, printer, &with, limit, &local).await
        }
        Command::ContactLink => people::contact_link(&common, printer).await,
        Command::Find { who } => people::find(&common, printer, &who).await,
        Command::SafetyNumber { who } => verify::safety_number(&common, printer, &who).await,
        Command::Verify {
            who,
            code,
            accept,
            remove,
            yes,
        } => {
            let how = verify::How {
                code: code.join(" "),
                accept,
                remove,
                yes,
            };
            verify::verify(&common, printer, &who, &how).await
        }
        Command::Changes { who } => verify::changes(&common, printer, who.as_ref()).await,
        Command::Invite => people::invite(&common, printer).await,
        Command::RecoveryKey { kept } => accounts::recovery_key(&common, printer, kept).await,
        Command::Devices { what } => devices::devices(&common, printer, what).await,
        Command::Group { what } => places::run(&common, printer, PlaceSort::Group, what).await,
        Command::Community { what } => places::run(&common, printer, PlaceSort::Community, what).await,
        Command::Join { link, look } => places::join(&common, printer, &link, look).await,
        Command::Members { place, what } => places::members(&common, printer, &place, what).await,
        Command::Search { words, limit, local } => {
            search::search(&common, printer, &words, limit, &local).await
        }
        Command::Mute { with, hours, off } => keeping::mute(&common, printer, &with, hours, off).await,
        Command::Favourite { with, off } => keeping::favourite(&common, printer, &with, off).await,
        Command::Archive { with, off } => keeping::archive(&common, printer, &with, off).await,
        Command::Reply {
            with,
            message,
            text,
            thread,
        } => contents::reply(&common, printer, (&with, message), &text, thread).await,
        Command::Edit { with, message, text } => {
            contents::edit(&common, printer, (&with, message), &text).await
        }
        Command::Delete {
            with,
            message,
            for_me,
        } => contents::delete(&common, printer, (&with, message), for_me).await,
        Command::React {
            with,
            message,
            emoji,
            off,
        } => contents::react(&common, printer, (&with, message), &emoji, off).await,
        Command::Pin { with, message, off } => contents::pin(&common, printer, (&with, message), off).await,
        Command::Pins { with } => contents::pins(&common, printer, &with).await,
        Command::Poll {
            with,
            question,
            options,
            multiple,
        } => contents::poll(&common, printer, &with, (&question, options), multiple).await,
        Command::Vote {
            with,
            message,
            choices,
        } => contents::vote(&common, printer, (&with, message), &choices).await,
        Command::ClosePoll { with, message } => {
            contents::close_poll(&common, printer, (&with, message)).await
        }
        Command::Forward { with, message, to } => {
            contents::forward(&common, printer, (&with, message), &to).await
        }
        Command::Timer { with, time } => contents::timer(&common, printer, &with, time).await,
        Command::Presence(args) => presence::run(&common, printer, &args).await,
        Command::Requests { local } => requests::list(&common, printer, &local).await,
        Command::Accept { who } => requests::accept(&common, printer, &who).await,
        Command::Decline { who } => requests::decline(&common, printer, &who).await,
        Command::Block { who, off } => requests::block(&common, printer, &who, off).await,
        Command::Blocked { local } => requests::blocked(&common, printer, &local).await,
        Command::Nickname { who, name } => requests::nickname(&common, printer, &who, &name).await,
        Command::Status { local } => accounts::status(&common, printer, &local).await,
    }
}
