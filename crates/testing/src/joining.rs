//! Becoming a device of an account, in words of a story.

use conclave_client::views::{AccountView, ApprovalStep, ApprovalView};
use conclave_protocol::LinkId;
use conclave_sdk::SdkError;

use crate::person::{PATIENCE, Person};
use crate::world::PASSWORD;

impl Person {
    /// Adds a device by the digits that it shows. `self` stays the person at this device; the answer is them at the
    /// new one, online.
    pub async fn adds_a_device(&self, label: &str) -> Person {
        let new = self.at_a_new_device(label);
        new.device().rename_device(None, label).await.expect("a name");
        new.signs_in().await.expect("the password is right");
        let link = self.answers_who_waits().await;
        let digits = new.sees_digits().await;
        self.types_digits(link, &digits).await.expect("approved");
        new.joins().await.expect("joined");
        new.is_online().await;
        new
    }

    /// Adds a device by scanning what it shows.
    pub async fn adds_a_device_by_scan(&self, label: &str) -> Person {
        let new = self.at_a_new_device(label);
        new.device().rename_device(None, label).await.expect("a name");
        let code = new.device().show_link_code().await.expect("a code");
        let link = self.scans(&code).await;
        self.device().confirm_link(link, None).await.expect("approved");
        new.joins().await.expect("joined");
        new.is_online().await;
        new
    }

    /// Signs in with everybody's password; a new device then waits for approval.
    pub async fn signs_in(&self) -> Result<(), SdkError> {
        self.device().sign_in(self.name(), PASSWORD).await
    }

    /// Waits for a new device that asks, and begins to approve it.
    pub async fn answers_who_waits(&self) -> LinkId {
        let link = self.sees_who_waits().await;
        self.device().answer_link(link).await.expect("answered");
        self.sees_step(link, |step| *step == ApprovalStep::DigitsNeeded)
            .await;
        link
    }

    /// Waits for a new device that asks.
    pub async fn sees_who_waits(&self) -> LinkId {
        let asked = |approvals: &[ApprovalView]| {
            let waiting = approvals
                .iter()
                .find(|approval| approval.step == ApprovalStep::Asked)?;
            Some(Ok(waiting.link.parse().expect("an id")))
        };
        self.device()
            .wait_for_approval(PATIENCE, asked)
            .await
            .expect("a device that waits")
    }

    /// Scans the code of a new device.
    pub async fn scans(&self, code: &str) -> LinkId {
        self.device().answer_link_code(code).await.expect("a code");
        let scanned = |approvals: &[ApprovalView]| {
            let waiting = approvals
                .iter()
                .find(|approval| approval.step == ApprovalStep::ConfirmationNeeded)?;
            Some(Ok(waiting.link.parse().expect("an id")))
        };
        self.device()
            .wait_for_approval(PATIENCE, scanned)
            .await
            .expect("a device that was scanned")
    }

    /// Waits until an approval here is as wanted.
    pub async fn sees_step(&self, link: LinkId, wanted: impl Fn(&ApprovalStep) -> bool) {
        let there = |approvals: &[ApprovalView]| {
            let link = link.to_string();
            let step = &approvals.iter().find(|approval| approval.link == link)?.step;
            wanted(step).then_some(Ok(()))
        };
        self.device()
            .wait_for_approval(PATIENCE, there)
            .await
            .expect("the approval goes on");
    }

    /// Waits for how an approval here ends, and says the reason.
    pub async fn sees_the_approval_end(&self, link: LinkId) -> String {
        let ended = |approvals: &[ApprovalView]| {
            let link = link.to_string();
            match &approvals.iter().find(|approval| approval.link == link)?.step {
                ApprovalStep::Ended { failure } => Some(Ok(failure.code.clone())),
                ApprovalStep::Added => Some(Ok("added".to_owned())),
                _ => None,
            }
        };
        self.device()
            .wait_for_approval(PATIENCE, ended)
            .await
            .expect("the approval ends")
    }

    /// Reads the digits on a new device.
    pub async fn sees_digits(&self) -> String {
        self.device().wait_for_digits(PATIENCE).await.expect("digits")
    }

    /// Types digits, and waits until the new device is added.
    pub async fn types_digits(&self, link: LinkId, digits: &str) -> Result<(), SdkError> {
        self.device().confirm_link(link, Some(digits)).await
    }

    /// Waits until this device is one of the account's, or learns why not.
    pub async fn joins(&self) -> Result<(), SdkError> {
        self.device().wait_until_joined(PATIENCE).await
    }

    /// Waits until the devices of the account have these names here, this one first; none for one without a name.
    pub async fn sees_devices(&self, names: &[Option<&str>]) {
        self.waits("devices", async || {
            let devices = self.device().list_devices().await.expect("the devices");
            let seen: Vec<Option<&str>> = devices.iter().map(|device| device.name.as_deref()).collect();
            if seen == names {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    }

    /// True while this device holds no account and waits for none.
    pub async fn holds_nothing(&self) -> bool {
        self.device().account().await.expect("an answer") == AccountView::None
    }
}
