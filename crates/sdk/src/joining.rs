//! Becoming a device of an account, approving one, and coming back with the recovery key.

use std::time::Duration;

use conclave_client::views::{AccountView, ApprovalView, Event, HistoryWaysView, JoiningStep, JoiningView};
use conclave_client::{Failure, Intent, LinkTarget};
use conclave_protocol::LinkId;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{Device, SdkError};

impl Device {
    /// Becomes a device of an account by being scanned: opens a meeting place and gives the link that a signed-in
    /// device of the account scans or is given. Whoever has the link can take this device into their account, so it
    /// is shown to its owner alone.
    pub async fn show_link_code(&self) -> Result<Zeroizing<String>, SdkError> {
        self.done(Intent::ShowLinkCode).await?;
        let joining = self.joining().await?.ok_or(SdkError::Mismatch)?;
        let code = Zeroizing::new(joining.link.ok_or(SdkError::Mismatch)?);
        Ok(Zeroizing::new(format!("{}{}", self.server(), *code)))
    }

    /// How this device stands that waits to become one of an account's. None where it does not.
    pub async fn joining(&self) -> Result<Option<JoiningView>, SdkError> {
        match self.account().await? {
            AccountView::Joining { joining } => Ok(Some(joining)),
            _ => Ok(None),
        }
    }

    /// Waits for approval no longer.
    pub async fn cancel_joining(&self) -> Result<(), SdkError> {
        self.done(Intent::CancelJoining).await
    }

    /// Waits for the six digits that the person types on a device of the account. After a link code there are none.
    pub async fn wait_for_digits(&self, limit: Duration) -> Result<String, SdkError> {
        self.wait_joining(limit, |account| match account {
            AccountView::Joining { joining } => joining.digits.clone().map(Ok),
            _ => Some(Err(SdkError::Mismatch)),
        })
        .await
    }

    /// Waits until this device is one of an account's and signed in, or the meeting has ended: then with the reason.
    pub async fn wait_until_joined(&self, limit: Duration) -> Result<(), SdkError> {
        self.wait_joining(limit, |account| match account {
            AccountView::Joining { .. } => None,
            AccountView::SignedIn { .. } => Some(Ok(())),
            AccountView::SignedOut { .. } => Some(Err(Failure::link_sign_in().into())),
            AccountView::None => Some(Err(Failure::link_expired().into())),
        })
        .await
    }

    async fn wait_joining<T>(
        &self,
        limit: Duration,
        reached: impl Fn(&AccountView) -> Option<Result<T, SdkError>>,
    ) -> Result<T, SdkError> {
        let waiting = async {
            // Listens before it looks, so that nothing happens unseen in between.
            let mut events = self.events();
            loop {
                let account = self.account().await?;
                if let AccountView::Joining { joining } = &account
                    && let JoiningStep::Ended { failure } = &joining.step
                {
                    return Err(failure.clone().into());
                }
                if let Some(outcome) = reached(&account) {
                    return outcome;
                }
                loop {
                    match events.recv().await {
                        Ok(Event::Account) | Err(RecvError::Lagged(_)) => break,
                        Ok(_) => {}
                        Err(RecvError::Closed) => return Err(SdkError::Closed),
                    }
                }
            }
        };
        timeout(limit, waiting).await.unwrap_or(Err(SdkError::TimedOut))
    }

    /// New devices that wait for approval by this one, and how far each is.
    pub async fn list_approvals(&self) -> Result<Vec<ApprovalView>, SdkError> {
        self.look(|engine, _| Ok(engine.list_approvals())).await
    }

    /// Begins to approve a new device that waits.
    pub async fn answer_link(&self, link: LinkId) -> Result<(), SdkError> {
        let link = LinkTarget::Waiting(link);
        self.done(Intent::AnswerLink { link }).await
    }

    /// Begins to approve the new device whose link was scanned or pasted.
    pub async fn answer_link_code(&self, text: &str) -> Result<(), SdkError> {
        let link = LinkTarget::Scanned(Zeroizing::new(text.to_owned()));
        self.done(Intent::AnswerLink { link }).await
    }

    /// Approves a new device, by code with the digits that it shows. Done once it is a device of the account. Wrong
    /// digits end the meeting.
    pub async fn confirm_link(&self, link: LinkId, digits: Option<&str>) -> Result<(), SdkError> {
        let digits = digits.map(str::to_owned);
        self.done(Intent::ConfirmLink { link, digits }).await
    }

    /// Declines a new device.
    pub async fn decline_link(&self, link: LinkId) -> Result<(), SdkError> {
        self.done(Intent::DeclineLink { link }).await
    }

    /// Waits until an approval is as wanted. `reached` says so, or why not.
    pub async fn wait_for_approval<T>(
        &self,
        limit: Duration,
        reached: impl Fn(&[ApprovalView]) -> Option<Result<T, SdkError>>,
    ) -> Result<T, SdkError> {
        let waiting = async {
            let mut events = self.events();
            loop {
                if let Some(outcome) = reached(&self.list_approvals().await?) {
                    return outcome;
                }
                loop {
                    match events.recv().await {
                        Ok(Event::Approvals) | Err(RecvError::Lagged(_)) => break,
                        Ok(Event::Account) => {
                            if !matches!(self.account().await?, AccountView::SignedIn { .. }) {
                                return Err(Failure::signed_out().into());
                            }
                        }
                        Ok(_) => {}
                        Err(RecvError::Closed) => return Err(SdkError::Closed),
                    }
                }
            }
        };
        timeout(limit, waiting).await.unwrap_or(Err(SdkError::TimedOut))
    }

    /// Comes back to an account with its recovery key, 24 words, and gives it a new password. The old password opens
    /// nothing after it.
    ///
    /// Where the old password opened the history, the new one does if it is `strong`, as a strength meter finds.
    pub async fn recover(
        &self,
        username: &str,
        words: &str,
        password: &str,
        strong: bool,
    ) -> Result<(), SdkError> {
        let intent = Intent::Recover {
            username: username.to_owned(),
            words: Zeroizing::new(words.to_owned()),
            password: Zeroizing::new(password.to_owned()),
            strong,
        };
        self.done(intent).await
    }

    /// Lets the account's password open its history, too, or, with none, no longer. Ask for it only with a password that
    /// a strength meter finds strong. Where this device does not have the recovery key, its words are needed.
    pub async fn set_history_password(
        &self,
        password: Option<&str>,
        words: Option<&str>,
    ) -> Result<(), SdkError> {
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        let intent = Intent::SetHistoryPassword {
            password: password.map(secret),
            words: words.map(secret),
        };
        self.done(intent).await
    }

    /// What opens the account's history.
    pub async fn history_ways(&self) -> Result<HistoryWaysView, SdkError> {
        self.look(|engine, store| Ok(engine.history_ways(store).map_err(|_| Failure::storage())?))
            .await
    }
}
