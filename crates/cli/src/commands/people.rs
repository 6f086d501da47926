//! contact-link, find, invite.

use serde_json::json;

use crate::args::Common;
use crate::error::CliError;
use crate::format;
use crate::links::WhoArg;
use crate::print::Printer;
use crate::session::Session;

pub(crate) async fn contact_link(common: &Common, printer: &Printer) -> Result<(), CliError> {
    let session = Session::open_offline(common)?;
    let person = session.person().await?;
    let server = session.device.server();
    let link = format!("{server}/#/contact/{}/{}", person.username, person.account);
    printer.result(&json!({ "link": link, "person": person }), || link.clone())?;
    session.close().await
}

pub(crate) async fn find(common: &Common, printer: &Printer, who: &WhoArg) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.check_link(who)?;
    let person = session
        .within(session.device.find_person(who.username.as_str(), who.account))
        .await?;
    let account = person.account.to_string();
    let value = json!({ "person": { "username": person.username, "account": account } });
    printer.result(&value, || format!("{} {account}", person.username))?;
    session.close().await
}

pub(crate) async fn invite(common: &Common, printer: &Printer) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    let invite = session.within(session.device.make_invite()).await?;
    let value = json!({ "link": invite.link, "token": invite.token, "expires": invite.expires });
    printer.result(&value, || invite.link.clone())?;
    let until = format::date_and_time(invite.expires.0, printer.zone());
    printer.hint(&format!("One person may register with it until {until}."));
    session.close().await
}
