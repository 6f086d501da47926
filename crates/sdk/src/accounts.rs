//! The own account's sign-in and the server's administration: one method for each goal.
//!
//! What is dangerous is refused as `fresh_sign_in_needed` unless the password was shown within the last ten minutes:
//! [`Device::prove_password`].

use conclave_client::views::{
    AccountIntent, AccountsView, AdminIntent, AnnouncementListedView, AnnouncementsView, AuditView,
    FiguresView, LoginView, Outcome, RegistrationInviteView, ReportPreviewView, ReportsView, SecondStepView,
};
use conclave_client::{Failure, Intent};
use conclave_protocol::{EnvelopeId, Timestamp};
use zeroize::Zeroizing;

use crate::{Device, Invite, SdkError};

/// What an authenticator app is given.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondStepSecret {
    /// The secret, base32.
    pub secret: String,
    /// The same as a link, for a QR code.
    pub link: String,
}

impl std::fmt::Debug for SecondStepSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondStepSecret(..)")
    }
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

impl Device {
    /// Shows the password once more, with the code of the second step where there is one.
    pub async fn prove_password(&self, password: &str, code: Option<&str>) -> Result<(), SdkError> {
        let intent = AccountIntent::Prove {
            password: secret(password),
            code: code.map(secret),
        };
        self.done(Intent::Account(intent)).await
    }

    /// Replaces the password that was just shown; answers how many other logins ended. Where the old one opened the
    /// history, a `strong` one does, too; `words` are the recovery key's, where this device does not have it.
    pub async fn change_password(
        &self,
        password: &str,
        strong: bool,
        words: Option<&str>,
        end_others: bool,
    ) -> Result<u32, SdkError> {
        let intent = AccountIntent::ChangePassword {
            password: secret(password),
            strong,
            words: words.map(secret),
            end_others,
        };
        self.ended(intent).await
    }

    /// Ends the account for good. Everything on this device is forgotten.
    pub async fn close_account(&self) -> Result<(), SdkError> {
        self.done(Intent::Account(AccountIntent::CloseAccount)).await
    }

    /// How the second step of sign-in stands.
    pub async fn second_step(&self) -> Result<SecondStepView, SdkError> {
        match self.ask(Intent::Account(AccountIntent::FindSecondStep)).await? {
            Outcome::SecondStep { second_step } => Ok(second_step),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Begins a second step: an authenticator app gets the secret, and its first code switches it on.
    pub async fn begin_second_step(&self) -> Result<SecondStepSecret, SdkError> {
        match self.ask(Intent::Account(AccountIntent::BeginSecondStep)).await? {
            Outcome::SecondStepBegun { secret, link } => Ok(SecondStepSecret { secret, link }),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Switches the second step on; answers its backup codes, which are shown this once.
    pub async fn confirm_second_step(&self, code: &str) -> Result<Vec<String>, SdkError> {
        self.codes(AccountIntent::ConfirmSecondStep { code: secret(code) })
            .await
    }

    /// Replaces the backup codes.
    pub async fn renew_backup_codes(&self) -> Result<Vec<String>, SdkError> {
        self.codes(AccountIntent::RenewBackupCodes).await
    }

    /// Switches the second step off.
    pub async fn end_second_step(&self) -> Result<(), SdkError> {
        self.done(Intent::Account(AccountIntent::EndSecondStep)).await
    }

    /// Where the account is signed in, the newest first.
    pub async fn list_logins(&self) -> Result<Vec<LoginView>, SdkError> {
        match self.ask(Intent::Account(AccountIntent::ListLogins)).await? {
            Outcome::Logins { logins } => Ok(logins),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Ends one login of the account.
    pub async fn end_login(&self, login: &str) -> Result<(), SdkError> {
        let login = login.to_owned();
        self.done(Intent::Account(AccountIntent::EndLogin { login }))
            .await
    }

    /// Ends every login of the account but this one; answers how many.
    pub async fn end_other_logins(&self) -> Result<u32, SdkError> {
        self.ended(AccountIntent::EndOtherLogins).await
    }

    /// The registration invites, the newest first.
    pub async fn list_invites(&self) -> Result<Vec<RegistrationInviteView>, SdkError> {
        match self.admin(AdminIntent::ListInvites).await? {
            Outcome::Invites { invites } => Ok(invites),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Makes a registration invite for so many people and days.
    pub async fn make_invite_for(&self, uses: u32, days: u32) -> Result<Invite, SdkError> {
        match self.admin(AdminIntent::MakeInvite { uses, days }).await? {
            Outcome::Invite { token, expires } => Ok(Invite {
                link: format!("{}/#/invite/{token}", self.server()),
                token,
                expires: Timestamp(expires),
            }),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Withdraws a registration invite.
    pub async fn revoke_invite(&self, invite: &str) -> Result<(), SdkError> {
        let invite = invite.to_owned();
        self.admin(AdminIntent::RevokeInvite { invite }).await.map(drop)
    }

    /// Who may register: `open`, `invite` or `closed`.
    pub async fn registration(&self) -> Result<String, SdkError> {
        match self.admin(AdminIntent::FindRegistration).await? {
            Outcome::Registration { registration } => Ok(registration),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Says who may register.
    pub async fn set_registration(&self, registration: &str) -> Result<(), SdkError> {
        let registration = registration.to_owned();
        self.admin(AdminIntent::SetRegistration { registration })
            .await
            .map(drop)
    }

    /// A page of the server's accounts whose handle contains a text, behind the one of this id.
    pub async fn list_accounts(&self, search: &str, after: Option<&str>) -> Result<AccountsView, SdkError> {
        let intent = AdminIntent::ListAccounts {
            search: search.to_owned(),
            after: after.map(str::to_owned),
        };
        match self.admin(intent).await? {
            Outcome::Accounts { page } => Ok(page),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Keeps an account out, at once, or lets it in again.
    pub async fn suspend(&self, account: &str, suspended: bool) -> Result<(), SdkError> {
        let account = account.to_owned();
        let intent = if suspended {
            AdminIntent::Suspend { account }
        } else {
            AdminIntent::Reactivate { account }
        };
        self.admin(intent).await.map(drop)
    }

    /// Where somebody is signed in.
    pub async fn list_logins_of(&self, account: &str) -> Result<Vec<LoginView>, SdkError> {
        let account = account.to_owned();
        match self.admin(AdminIntent::ListLoginsOf { account }).await? {
            Outcome::Logins { logins } => Ok(logins),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Ends a login of somebody.
    pub async fn end_login_of(&self, account: &str, login: &str) -> Result<(), SdkError> {
        let intent = AdminIntent::EndLoginOf {
            account: account.to_owned(),
            login: login.to_owned(),
        };
        self.admin(intent).await.map(drop)
    }

    /// A page of the audit log behind a number.
    pub async fn list_audit(&self, after: u64) -> Result<AuditView, SdkError> {
        match self.admin(AdminIntent::ListAudit { after }).await? {
            Outcome::Audit { page } => Ok(page),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// How much there is on the server.
    pub async fn figures(&self) -> Result<FiguresView, SdkError> {
        match self.admin(AdminIntent::Figures).await? {
            Outcome::Figures { figures } => Ok(figures),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Has the server say something to everybody: a `notice`, a `warning` or a `maintenance`. Answers what names it.
    pub async fn announce(&self, kind: &str, text: &str, ends_at: Option<u64>) -> Result<String, SdkError> {
        let intent = AdminIntent::Announce {
            kind: kind.to_owned(),
            text: text.to_owned(),
            ends_at,
        };
        match self.admin(intent).await? {
            Outcome::Announced { id, .. } => Ok(id),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// What the server says and said to everybody, the newest first.
    pub async fn list_announcements(&self) -> Result<Vec<AnnouncementListedView>, SdkError> {
        match self.admin(AdminIntent::ListAnnouncements).await? {
            Outcome::Announcements { announcements } => Ok(announcements),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Takes back what the server says.
    pub async fn withdraw_announcement(&self, id: &str) -> Result<(), SdkError> {
        let id = id.to_owned();
        self.admin(AdminIntent::WithdrawAnnouncement { id })
            .await
            .map(drop)
    }

    /// What a report of a message would reveal to the administrators.
    pub async fn preview_report(&self, message: EnvelopeId) -> Result<ReportPreviewView, SdkError> {
        let message = message.to_string();
        let intent = AccountIntent::PreviewReport { message };
        match self.ask(Intent::Account(intent)).await? {
            Outcome::ReportPreview { preview } => Ok(preview),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Reveals one message to the administrators, with the proof of what it said: for `spam`, `abuse`, `illegal` or
    /// `other`. True where it was reported before.
    pub async fn report(&self, message: EnvelopeId, reason: &str, note: &str) -> Result<bool, SdkError> {
        let intent = AccountIntent::Report {
            message: message.to_string(),
            reason: reason.to_owned(),
            note: note.to_owned(),
        };
        match self.ask(Intent::Account(intent)).await? {
            Outcome::Reported { repeated } => Ok(repeated),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Reports, open or closed ones, the newest first, behind so many.
    pub async fn list_reports(&self, closed: bool, skip: u32) -> Result<ReportsView, SdkError> {
        match self.admin(AdminIntent::ListReports { closed, skip }).await? {
            Outcome::Reports { page } => Ok(page),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Closes a report, with words about what came of it.
    pub async fn close_report(&self, id: &str, outcome: &str) -> Result<(), SdkError> {
        let intent = AdminIntent::CloseReport {
            id: id.to_owned(),
            outcome: outcome.to_owned(),
        };
        self.admin(intent).await.map(drop)
    }

    /// What the server says to this account; [`conclave_client::views::Event::Announcements`] tells when it changed.
    pub async fn announcements(&self) -> Result<AnnouncementsView, SdkError> {
        self.look(|engine, store| Ok(engine.announcements(store).map_err(|_| Failure::storage())?))
            .await
    }

    /// Shows one of them no more, on all devices of the account.
    pub async fn put_away_announcement(&self, id: &str) -> Result<(), SdkError> {
        let id = id.to_owned();
        self.done(Intent::Account(AccountIntent::PutAwayAnnouncement { id }))
            .await
    }

    /// Believes the key with which the server signs now, though it signed with another one before.
    pub async fn accept_server_key(&self) -> Result<(), SdkError> {
        self.done(Intent::Account(AccountIntent::AcceptServerKey)).await
    }

    async fn admin(&self, intent: AdminIntent) -> Result<Outcome, SdkError> {
        self.ask(Intent::Account(AccountIntent::Admin { intent })).await
    }

    async fn ended(&self, intent: AccountIntent) -> Result<u32, SdkError> {
        match self.ask(Intent::Account(intent)).await? {
            Outcome::Ended { count } => Ok(count),
            _ => Err(SdkError::Mismatch),
        }
    }

    async fn codes(&self, intent: AccountIntent) -> Result<Vec<String>, SdkError> {
        match self.ask(Intent::Account(intent)).await? {
            Outcome::BackupCodes { codes } => Ok(codes),
            _ => Err(SdkError::Mismatch),
        }
    }
}
