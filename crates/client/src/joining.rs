//! A new device that waits to become one of an account's: its side of the meeting, and its first sign-in.
//!
//! Everything that it needs to go on is in its record, written before a step's message leaves. Its keys are made for
//! this meeting alone: whatever ends it before the account's log names them deletes them. From then on they are the
//! device's own, whatever becomes of the meeting.

use conclave_auth::statements::login_statement;
use conclave_crypto::linking::{
    AnswerMessage, AwaitingGrant, GrantMessage, LinkChannel, LinkMessage as SealedMessage, LinkOffer,
    LinkWay as Way, NewDeviceKeys,
};
use conclave_crypto::{IdentityKey, LinkError, SigningKey, StateError};
use conclave_protocol::limits::FIRST_LOGIN_WITHIN_MS;
use conclave_protocol::links::{LinkMessages, LinkOpened, LinkWay, OpenLink};
use conclave_protocol::logins::{
    DeviceLoginFinish, DeviceLoginStart, DeviceLoginStarted, LoggedIn, LoginPending,
};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode, LinkId, Username};
use conclave_sigchain::{AccountChain, DeviceKeys};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::calls::{Call, LoginForm, Nothing, Refusal, json};
use crate::changes::Table;
use crate::codec::{Secret32, SecretBytes};
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::meeting::{
    LinkAdded, LinkInvitation, LinkMore, LinkRequest, Place, is_broken, is_gone, payload, stored,
};
use crate::own::OwnIdentity;
use crate::reads::ReadError;
use crate::views::{Event, JoiningStep, JoiningView, Outcome};
use crate::work::Work;

const JOINING: &[u8] = b"joining";

/// How far a new device is.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
enum Stage {
    /// The place is open; nobody has answered. State: the offer.
    #[n(0)]
    Offered,
    /// A device has answered and was shown what was committed to. State: what waits for its grant.
    #[n(1)]
    Revealed,
    /// An account wants this device, and was asked to add it. State: the channel.
    #[n(2)]
    Granted,
    /// The account's log names this device; it has not signed in yet. There is no state any more.
    #[n(3)]
    Added,
}

/// A new device that waits.
#[derive(Encode, Decode)]
struct Joining {
    #[n(0)]
    place: Place,
    #[n(1)]
    stage: Stage,
    /// A state of the linking crate, by stage.
    #[n(2)]
    state: SecretBytes,
    #[n(3)]
    signing: Secret32,
    #[n(4)]
    identity: Secret32,
    /// The account that granted; by code the one that the password opened.
    #[n(5)]
    account: Option<AccountId>,
    #[n(6)]
    username: Option<String>,
    /// The account's log as far as it came.
    #[n(7)]
    entries: Vec<Bytes>,
}

/// Why a meeting cannot go on: what came is not of its form, not authentic, or says what cannot be.
struct Broken;

impl From<LinkError> for Broken {
    fn from(_: LinkError) -> Self {
        Self
    }
}

impl From<StateError> for Broken {
    fn from(_: StateError) -> Self {
        Self
    }
}

impl From<minicbor::decode::Error> for Broken {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

impl Joining {
    fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.signing.0)
    }

    fn identity_key(&self) -> IdentityKey {
        IdentityKey::from_bytes(&self.identity.0)
    }

    /// The keys as the account's log names them.
    fn keys(&self) -> DeviceKeys {
        DeviceKeys {
            signing: self.signing_key().public().to_bytes(),
            identity: self.identity_key().public().to_bytes(),
        }
    }

    fn view(&self) -> JoiningView {
        let offer = || LinkOffer::from_bytes(&self.state.0).ok()?.code();
        let awaiting = || AwaitingGrant::from_bytes(&self.state.0).ok()?.digits();
        let (link, digits) = match self.stage {
            Stage::Offered => (offer().map(|code| format!("/#/link/{}", &*code.to_text())), None),
            Stage::Revealed => (None, awaiting().map(|digits| digits.to_string())),
            Stage::Granted | Stage::Added => (None, None),
        };
        JoiningView {
            username: self.username.clone(),
            link,
            digits,
            step: match self.stage {
                Stage::Offered => JoiningStep::Waiting,
                Stage::Revealed => JoiningStep::Confirming,
                Stage::Granted | Stage::Added => JoiningStep::Adding,
            },
            expires: self.place.expires.0,
        }
    }

    /// Message 2: shows what was committed to, once.
    fn answered(&mut self, message: &[u8], work: &mut Work<'_>) -> Result<(), Broken> {
        let offer = LinkOffer::from_bytes(&self.state.0)?;
        let awaiting = offer.answered(&AnswerMessage::from_bytes(message)?, &mut work.rng)?;
        self.state = stored(awaiting.to_bytes());
        self.stage = Stage::Revealed;
        self.place.say(awaiting.message().to_bytes());
        Ok(())
    }

    /// Message 4: an account grants; the device asks to be added to it.
    fn granted(&mut self, message: &[u8], name: Option<String>, work: &mut Work<'_>) -> Result<(), Broken> {
        let awaiting = AwaitingGrant::from_bytes(&self.state.0)?;
        let (mut channel, invitation) = awaiting.granted(&GrantMessage::from_bytes(message)?)?;
        let invitation: LinkInvitation = minicbor::decode(&invitation)?;
        let username: Username = invitation.username.parse().map_err(|_| Broken)?;
        let fits = self.account.is_none_or(|account| account == invitation.account)
            && self
                .username
                .as_ref()
                .is_none_or(|name| name == username.as_str());
        if !fits {
            return Err(Broken);
        }
        let possession = self
            .signing_key()
            .sign(&self.keys().possession_bytes(invitation.account));
        let request = payload(&LinkRequest { name, possession });
        let sealed = channel.seal(&request, &mut work.rng)?;
        self.account = Some(invitation.account);
        self.username = Some(username.as_str().to_owned());
        self.state = stored(channel.to_bytes());
        self.stage = Stage::Granted;
        self.place.say(sealed.to_bytes());
        Ok(())
    }

    /// Message 6 and what may follow: the log that names this device. Says what came with the last part.
    fn added(
        &mut self,
        message: &[u8],
        work: &mut Work<'_>,
    ) -> Result<Option<(LinkAdded, DeviceId)>, Broken> {
        let mut channel = LinkChannel::from_bytes(&self.state.0)?;
        let opened = channel.open(&SealedMessage::from_bytes(message)?)?;
        let mut added: LinkAdded = minicbor::decode(&opened)?;
        if added.entries.is_empty() {
            return Err(Broken);
        }
        self.entries.append(&mut added.entries);
        if added.more > 0 {
            let have = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            let sealed = channel.seal(&payload(&LinkMore { have }), &mut work.rng)?;
            self.state = stored(channel.to_bytes());
            self.place.say(sealed.to_bytes());
            return Ok(None);
        }
        let device = self.device_in(&self.entries)?;
        Ok(Some((added, device)))
    }

    /// The device that this log names with exactly these keys.
    fn device_in(&self, entries: &[Bytes]) -> Result<DeviceId, Broken> {
        let account = self.account.ok_or(Broken)?;
        let chain = AccountChain::verify(account, entries.iter().map(Bytes::as_slice)).map_err(|_| Broken)?;
        let keys = self.keys();
        chain
            .devices()
            .find(|(_, device)| device.keys == keys)
            .map(|(id, _)| id)
            .ok_or(Broken)
    }
}

impl Work<'_> {
    fn find_joining(&self) -> Result<Option<Joining>, ReadError> {
        self.find(Table::Own, JOINING)
    }

    fn put_joining(&mut self, joining: &Joining) {
        self.put(Table::Own, JOINING, joining);
        self.show(Event::Account);
    }

    fn delete_joining(&mut self) {
        self.delete(Table::Own, JOINING);
        self.show(Event::Account);
    }
}

impl Engine {
    /// How this device stands that waits to become one of an account's.
    pub(crate) fn joining(&self, work: &Work<'_>) -> Result<Option<JoiningView>, ReadError> {
        match work.find_joining()? {
            // A place without a token is not open yet.
            Some(joining) if joining.place.token.is_some() => Ok(Some(joining.view())),
            _ => Ok(self.joining_ended.clone()),
        }
    }

    pub(crate) fn show_link_code(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        if work.login()?.signed_in {
            self.fail(work, ask, Failure::signed_in());
        } else if work.find_own()?.is_some_and(|own| own.registered) {
            self.fail(work, ask, Failure::other_account());
        } else if self.signing_in() {
            self.fail(work, ask, Failure::busy());
        } else {
            self.open_place(work, ask, Way::Scan, None)?;
        }
        Ok(())
    }

    /// The password is right, and this is no device of the account: it asks one of them for approval.
    pub(crate) fn pending_login(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        form: &LoginForm,
        pending: LoginPending,
    ) -> Result<(), ReadError> {
        let chain = AccountChain::verify(pending.account, pending.entries.iter().map(Bytes::as_slice));
        if pending.username != form.username {
            self.fail(work, ask, Failure::answer_unreadable());
            return Ok(());
        }
        if let Some(own) = work.find_own()?
            && own.registered
            && own.account == pending.account
        {
            return self.look_for_proof(work, ask, &pending);
        }
        match chain {
            Err(_) => self.fail(work, ask, Failure::chain_invalid()),
            Ok(chain) if chain.is_closed() => {
                self.fail(work, ask, Failure::server(ErrorCode::AccountClosed, None));
            }
            Ok(_) => self.open_place(work, ask, Way::Code, Some(pending))?,
        }
        Ok(())
    }

    /// The server said at sign-in that this device is out of its account. The log that comes with the right
    /// password is the proof, or there is none.
    fn look_for_proof(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        pending: &LoginPending,
    ) -> Result<(), ReadError> {
        self.take_entries(work, pending.account, &pending.entries)?;
        if work.find_own()?.is_some() {
            self.fail(work, ask, Failure::device_revoked_unproven());
        }
        // Else everything is forgotten, and whoever asked was told.
        Ok(())
    }

    fn open_place(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        way: Way,
        pending: Option<LoginPending>,
    ) -> Result<(), ReadError> {
        self.leave_joining(work)?;
        let signing = SigningKey::generate(&mut work.rng);
        let identity = IdentityKey::generate(&mut work.rng);
        let keys = NewDeviceKeys {
            signing: signing.public(),
            identity: identity.public(),
        };
        let offer = LinkOffer::new(way, keys, &mut work.rng);
        let link = LinkId(*offer.link_id());
        let (account, username, token) = match pending {
            Some(pending) => (
                Some(pending.account),
                Some(pending.username.as_str().to_owned()),
                Some(pending.token),
            ),
            None => (None, None, None),
        };
        let joining = Joining {
            place: Place::new(link, None, 1, work.now),
            stage: Stage::Offered,
            state: stored(offer.to_bytes()),
            signing: Secret32(*signing.to_bytes()),
            identity: Secret32(*identity.to_bytes()),
            account,
            username,
            entries: Vec::new(),
        };
        work.put_joining(&joining);
        let body = OpenLink {
            id: link,
            way: match way {
                Way::Code => LinkWay::Code,
                Way::Scan => LinkWay::Scan,
            },
            message: Bytes(offer.message().to_bytes()),
        };
        let (call, path) = (Call::OpenLink { ask, link }, "/api/v1/links");
        match &token {
            Some(_) => self.call_as(
                work,
                call,
                Method::Post,
                path.to_owned(),
                Some(json(&body)),
                token.as_ref(),
            ),
            None => self.call_open(work, call, path, &body),
        }
        Ok(())
    }

    pub(crate) fn link_opened(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        link: LinkId,
        answer: Result<LinkOpened, Refusal>,
    ) -> Result<(), ReadError> {
        let joining = work.find_joining()?.filter(|joining| joining.place.id == link);
        match (joining, answer) {
            (Some(mut joining), Ok(opened)) => {
                joining.place.token = Some(opened.token);
                work.put_joining(&joining);
                self.meet(link, work.now);
                self.answer(work, ask, Outcome::Done);
            }
            (None, Ok(opened)) => {
                // Cancelled in the meantime.
                self.leave_meeting(work, link, Some(opened.token));
                self.fail(work, ask, Failure::server(ErrorCode::LinkGone, None));
            }
            (joining, Err(refusal)) => {
                if joining.is_some() {
                    work.delete_joining();
                }
                self.ask_refused(work, ask, &refusal)?;
            }
        }
        Ok(())
    }

    pub(crate) fn cancel_joining(&mut self, work: &mut Work<'_>, ask: u64) -> Result<(), ReadError> {
        self.leave_joining(work)?;
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// Waits for approval no longer. A device that the account's log names already keeps its keys and is signed
    /// out.
    pub(crate) fn leave_joining(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.joining_ended.take().is_some() {
            work.show(Event::Account);
        }
        let Some(joining) = work.find_joining()? else {
            return Ok(());
        };
        if joining.stage == Stage::Added {
            return self.stay_signed_out(work);
        }
        self.end_joining(work, &joining);
        Ok(())
    }

    /// Nothing of the meeting stays here, and the other side is told.
    fn end_joining(&mut self, work: &mut Work<'_>, joining: &Joining) {
        work.delete_joining();
        self.forget_meeting(joining.place.id);
        if let Some(token) = &joining.place.token {
            self.leave_meeting(work, joining.place.id, Some(token.clone()));
        }
    }

    /// The meeting ends without success; the reason is shown until something new begins.
    fn fail_joining(&mut self, work: &mut Work<'_>, joining: &Joining, failure: Failure) {
        self.end_joining(work, joining);
        self.joining_ended = Some(JoiningView {
            link: None,
            digits: None,
            step: JoiningStep::Ended { failure },
            ..joining.view()
        });
    }

    /// After a start: a meeting that was open goes on, one that was not is forgotten.
    pub(crate) fn find_joining_again(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        match work.find_joining()? {
            Some(joining) if joining.place.token.is_some() => self.meet(joining.place.id, work.now),
            Some(_) => work.delete_joining(),
            None => {}
        }
        Ok(())
    }

    pub(crate) fn drive_joining(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let Some(joining) = work.find_joining()? else {
            self.meetings.clear();
            return Ok(());
        };
        if joining.stage == Stage::Added {
            return self.first_login(work, &joining);
        }
        if joining.place.expires <= work.now {
            self.fail_joining(work, &joining, Failure::link_expired());
            return Ok(());
        }
        self.go_on_at(work, &joining.place);
        Ok(())
    }

    pub(crate) fn joining_said(
        &mut self,
        work: &mut Work<'_>,
        link: LinkId,
        answer: Result<Nothing, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(mut joining) = self.joining_at(work, link)? else {
            return Ok(());
        };
        match answer {
            Ok(Nothing) => {
                joining.place.said();
                work.put_joining(&joining);
                self.meet_again(work, link, None);
            }
            Err(refusal) => self.joining_refused(work, &joining, &refusal),
        }
        Ok(())
    }

    pub(crate) fn joining_heard(
        &mut self,
        work: &mut Work<'_>,
        link: LinkId,
        answer: Result<LinkMessages, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(mut joining) = self.joining_at(work, link)? else {
            return Ok(());
        };
        let messages = match answer {
            Ok(heard) => heard.messages,
            Err(refusal) => {
                self.joining_refused(work, &joining, &refusal);
                return Ok(());
            }
        };
        let Some(message) = joining.place.hear(messages) else {
            self.meet_again(work, link, None);
            return Ok(());
        };
        let taken = match joining.stage {
            Stage::Offered => joining.answered(&message, work).map(|()| None),
            Stage::Revealed => {
                let name = work.name_here()?;
                joining.granted(&message, name, work).map(|()| None)
            }
            Stage::Granted => joining.added(&message, work),
            Stage::Added => Ok(None),
        };
        match taken {
            Ok(None) => {
                work.put_joining(&joining);
                self.meet_now(work, link);
            }
            Ok(Some((added, device))) => self.become_a_device(work, joining, added, device)?,
            Err(Broken) => self.fail_joining(work, &joining, Failure::link_broken()),
        }
        Ok(())
    }

    fn joining_at(&self, work: &Work<'_>, link: LinkId) -> Result<Option<Joining>, ReadError> {
        Ok(work
            .find_joining()?
            .filter(|joining| joining.place.id == link && joining.stage != Stage::Added))
    }

    fn joining_refused(&mut self, work: &mut Work<'_>, joining: &Joining, refusal: &Refusal) {
        // The token ends with its place.
        if is_gone(refusal) || refusal.is(ErrorCode::SignInNeeded) {
            let failure = if joining.stage == Stage::Offered {
                Failure::link_expired()
            } else {
                Failure::link_declined()
            };
            self.fail_joining(work, joining, failure);
        } else if is_broken(refusal) {
            self.fail_joining(work, joining, Failure::link_broken());
        } else {
            self.meet_again(work, joining.place.id, Some(refusal));
        }
    }

    /// The account's log names this device: its keys are stored as its own, and it signs in.
    fn become_a_device(
        &mut self,
        work: &mut Work<'_>,
        mut joining: Joining,
        added: LinkAdded,
        device: DeviceId,
    ) -> Result<(), ReadError> {
        let (Some(account), Some(username)) = (joining.account, username_of(&joining)) else {
            self.fail_joining(work, &joining, Failure::link_broken());
            return Ok(());
        };
        let own = OwnIdentity::joined(
            &username,
            account,
            device,
            &joining.signing_key(),
            &joining.identity_key(),
            std::mem::take(&mut joining.entries),
        );
        work.put_joined(&own);
        self.people.clear();
        work.take_device_names(added.names)?;
        if let Some(vault) = added.vault {
            work.put_vault_key(vault.generation, &vault.key.0)?;
        }
        joining.stage = Stage::Added;
        joining.state = SecretBytes(Zeroizing::new(Vec::new()));
        joining.place.expires = work.now.plus(FIRST_LOGIN_WITHIN_MS);
        work.put_joining(&joining);
        self.meet_now(work, joining.place.id);
        Ok(())
    }

    fn first_login(&mut self, work: &mut Work<'_>, joining: &Joining) -> Result<(), ReadError> {
        if joining.place.expires <= work.now {
            return self.first_login_is_over(work);
        }
        self.run_meeting(joining.place.id);
        let device = work.own()?.address();
        self.call_open(
            work,
            Call::FirstLoginStart,
            "/api/v1/logins/device/start",
            &DeviceLoginStart { device },
        );
        Ok(())
    }

    pub(crate) fn first_login_started(
        &mut self,
        work: &mut Work<'_>,
        answer: Result<DeviceLoginStarted, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(joining) = work
            .find_joining()?
            .filter(|joining| joining.stage == Stage::Added)
        else {
            return Ok(());
        };
        match answer {
            Ok(started) => {
                let own = work.own()?;
                let DeviceAddress { account, device } = own.address();
                let statement = login_statement(&account.0, device.0, started.attempt.as_str());
                let body = DeviceLoginFinish {
                    attempt: started.attempt,
                    signature: Bytes(own.signing_key().sign(&statement).to_vec()),
                    native: self.native,
                };
                self.call_open(
                    work,
                    Call::FirstLoginFinish,
                    "/api/v1/logins/device/finish",
                    &body,
                );
            }
            Err(refusal) => self.meet_again(work, joining.place.id, Some(&refusal)),
        }
        Ok(())
    }

    pub(crate) fn first_login_finished(
        &mut self,
        work: &mut Work<'_>,
        answer: Result<LoggedIn, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(joining) = work
            .find_joining()?
            .filter(|joining| joining.stage == Stage::Added)
        else {
            return Ok(());
        };
        match answer {
            Ok(logged_in) if self.enter(work, &logged_in)? => {
                let Place { id, token, .. } = joining.place;
                work.delete_joining();
                self.leave_meeting(work, id, token);
            }
            // An earlier try arrived, its answer lost, or the time is over.
            Err(refusal) if refusal.is(ErrorCode::WrongCredentials) => self.first_login_is_over(work)?,
            Ok(_) => self.first_login_is_over(work)?,
            Err(refusal) => self.meet_again(work, joining.place.id, Some(&refusal)),
        }
        Ok(())
    }

    /// The device is in the account and signs in with the password.
    fn first_login_is_over(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        work.show(Event::Warning {
            failure: Failure::link_sign_in(),
        });
        self.stay_signed_out(work)
    }

    fn stay_signed_out(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if let Some(joining) = work.find_joining()? {
            self.end_joining(work, &joining);
        }
        let mut own = work.own()?;
        own.registered = true;
        work.put_own(&own);
        Ok(())
    }
}

fn username_of(joining: &Joining) -> Option<Username> {
    joining.username.as_deref()?.parse().ok()
}
