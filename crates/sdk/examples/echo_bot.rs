//! A bot that repeats what people write to it: in direct chats everything, in groups and channels only what
//! mentions it. The shortest complete program on the SDK.
//!
//! ```sh
//! conclave --data ./bot register echo 'https://chat.example.org/#/invite/…'
//! cargo run -p conclave-sdk --example echo_bot -- https://chat.example.org ./bot
//! ```
//!
//! It may be killed at any time. What came meanwhile is answered at the next start; an answer that was on disk is
//! sent once, and between the answer and the note that it was given at most one message is answered twice.

use std::error::Error;

use conclave_sdk::views::{BodyView, ChatKindView};
use conclave_sdk::{Arrived, Device, Inbox, Options, SdkError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, folder] = arguments.as_slice() else {
        return Err("usage: echo_bot SERVER FOLDER".into());
    };
    let device = Device::open(Options::new(server, folder))?;
    tokio::select! {
        ended = run(&device) => ended?,
        asked = tokio::signal::ctrl_c() => asked?,
    }
    Ok(device.close().await?)
}

/// Answers until the device is closed.
pub(crate) async fn run(device: &Device) -> Result<(), SdkError> {
    let mut inbox = Inbox::new(device);
    loop {
        let arrived = inbox.next().await?;
        if let Some(answer) = answer(&arrived) {
            match device.send_text(arrived.room, answer).await {
                Ok(_) => {}
                // Such as a room in which the bot may not write: the next message may be elsewhere.
                Err(SdkError::Failed(failure)) => eprintln!("not answered: {}", failure.message),
                Err(other) => return Err(other),
            }
        }
        inbox.done(&arrived).await?;
    }
}

fn answer(arrived: &Arrived) -> Option<&str> {
    let meant = arrived.chat.kind == ChatKindView::Direct || arrived.message.mentions_me;
    match &arrived.message.body {
        BodyView::Text { text } if meant => Some(text),
        _ => None,
    }
}
