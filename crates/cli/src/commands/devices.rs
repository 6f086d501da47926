//! devices.

use std::io::{self, BufRead as _};

use conclave_protocol::DeviceId;
use conclave_sdk::Failure;
use conclave_sdk::views::DeviceView;
use serde_json::json;

use crate::args::{Common, DevicesCommand};
use crate::error::CliError;
use crate::format;
use crate::print::Printer;
use crate::session::Session;

pub(crate) async fn devices(
    common: &Common,
    printer: &Printer,
    what: Option<DevicesCommand>,
) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    // What other devices said meanwhile comes first: their names, and whether they are still there.
    session.has_news().await?;
    match what {
        None => {}
        Some(DevicesCommand::Rename { name, device }) => {
            let device = device.map(DeviceId);
            session
                .within(session.device.rename_device(device, &name))
                .await?;
            // What is not sent now is sent with the next command.
            session.has_news().await?;
        }
        Some(DevicesCommand::Revoke { device, yes }) => {
            return revoke(&session, printer, device, yes).await;
        }
    }
    let devices = session.within(session.device.list_devices()).await?;
    printer.result(&json!({ "devices": devices }), || list(&devices, printer))?;
    session.close().await
}

/// Takes this device out of its account, with everything that is stored on it. The only one stays: with it would go
/// what opens the account.
pub(crate) async fn leave(common: &Common, printer: &Printer, yes: bool) -> Result<(), CliError> {
    let session = Session::open(common).await?;
    session.signed_in().await?;
    let devices = session.within(session.device.list_devices()).await?;
    let this = devices.iter().find(|device| device.this);
    let this = this
        .ok_or_else(|| CliError::Failed(Failure::unknown_device()))?
        .device;
    revoke(&session, printer, this, yes).await
}

async fn revoke(session: &Session, printer: &Printer, device: u32, yes: bool) -> Result<(), CliError> {
    let devices = session.within(session.device.list_devices()).await?;
    let found = devices
        .iter()
        .find(|found| found.device == device)
        .ok_or_else(|| CliError::Failed(Failure::unknown_device()))?;
    let name = format::device_name(found);
    if !yes {
        printer.hint(&format!(
            "{name} is taken out of your account, and what is on it is deleted. Type {device} to go on:"
        ));
        if typed()?.trim() != device.to_string() {
            return Err(CliError::NotConfirmed);
        }
    }
    session
        .within(session.device.revoke_device(DeviceId(device)))
        .await?;
    printer.result(&json!({ "removed": device }), || {
        format!("{name} was taken out of your account.")
    })?;
    Ok(session.device.close().await?)
}

fn typed() -> Result<String, CliError> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

fn list(devices: &[DeviceView], printer: &Printer) -> String {
    let width = devices
        .iter()
        .map(|device| format::device_name(device).chars().count());
    let width = width.max().unwrap_or_default();
    let lines: Vec<String> = devices
        .iter()
        .map(|device| format::device(device, width, printer.zone()))
        .collect();
    lines.join("\n")
}
