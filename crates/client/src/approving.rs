//! Approving a new device of the own account: the old device's side of the meeting.
//!
//! A place is answered only because a person asked for it, and digits are judged once: before they are, the state that
//! judges them is deleted. What is stored holds the secrets of a meeting under way and goes with it; how a meeting
//! ended is shown from memory.

use conclave_crypto::linking::{
    CommitmentMessage, ConfirmedLink, LinkAnswer, LinkChannel, LinkCode, LinkDigits,
    LinkMessage as SealedMessage, NewDeviceKeys, RevealMessage, RevealedLink, UnconfirmedLink,
};
use conclave_crypto::{LinkError, StateError};
use conclave_protocol::devices::DevicesFound;
use conclave_protocol::limits::{DEVICES_MAX, LINK_LIFE_MS};
use conclave_protocol::links::{LinkMessages, LinksWaiting};
use conclave_protocol::{DeviceId, ErrorCode, LinkId, Timestamp};
use conclave_sigchain::DeviceKeys;
use minicbor::{Decode, Encode};

use crate::appending::{AfterAppend, OwnAct};
use crate::calls::{Call, Nothing, Refusal};
use crate::changes::Table;
use crate::codec::SecretBytes;
use crate::effects::Method;
use crate::failure::Failure;
use crate::input::LinkTarget;
use crate::machine::Engine;
use crate::meeting::{
    LinkAdded, LinkCall, LinkInvitation, LinkMore, LinkRequest, Place, fits_in_a_meeting, is_broken, is_gone,
    part_of, payload, stored,
};
use crate::reads::ReadError;
use crate::views::{ApprovalStep, ApprovalView, Event, Outcome};
use crate::work::Work;

/// Records of approvals under way begin with this, and the link's id follows.
const APPROVAL: &[u8] = b"approval/";
/// Approvals that are remembered here: those of an account that wait, and some that ended.
const APPROVALS_MAX: usize = 32;

/// A new device as this one shows it.
pub(crate) struct Approval {
    step: ApprovalStep,
    name: Option<String>,
    expires: Timestamp,
    /// Who waits for it to be a device of the account.
    ask: Option<u64>,
}

/// How far an approval is.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
enum Stage {
    /// The new device was answered. State: the answer.
    #[n(0)]
    Answered,
    /// It has revealed itself, and its digits are to be typed. State: what judges them.
    #[n(1)]
    Unconfirmed,
    /// It is the one whose code was scanned; the person has not said yes yet. State: what grants.
    #[n(2)]
    Scanned,
    /// It was granted, and its request is awaited. State: the channel.
    #[n(3)]
    Granted,
    /// It asked, and is being added to the account. State: the channel.
    #[n(4)]
    Adding,
    /// The account's log names it, and it is told so. State: the channel.
    #[n(5)]
    Telling,
    /// It was told all. Once it has left the place, it has signed in or never will. State: the channel.
    #[n(7)]
    Told,
    /// It has left the place, or cannot be told: whether it has signed in is looked up.
    #[n(6)]
    Unheard,
}

/// An approval under way.
#[derive(Encode, Decode)]
struct Approving {
    #[n(0)]
    place: Place,
    #[n(1)]
    stage: Stage,
    /// A state of the linking crate, by stage.
    #[n(2)]
    state: SecretBytes,
    #[cbor(n(3), with = "minicbor::bytes")]
    signing: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    identity: [u8; 32],
    #[n(5)]
    request: Option<LinkRequest>,
    /// The new device, once the log names it.
    #[n(6)]
    device: Option<DeviceId>,
    /// Entries of the log that it has or is being told.
    #[n(7)]
    told: u32,
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

impl Approving {
    fn new(answer: &LinkAnswer, now: Timestamp) -> Self {
        let mut place = Place::new(LinkId(*answer.link_id()), None, 1, now);
        place.say(answer.message().to_bytes());
        Self {
            place,
            stage: Stage::Answered,
            state: stored(answer.to_bytes()),
            signing: [0; 32],
            identity: [0; 32],
            request: None,
            device: None,
            told: 0,
        }
    }

    fn step(&self) -> ApprovalStep {
        match self.stage {
            Stage::Answered => ApprovalStep::Connecting,
            Stage::Unconfirmed => ApprovalStep::DigitsNeeded,
            Stage::Scanned => ApprovalStep::ConfirmationNeeded,
            Stage::Granted | Stage::Adding | Stage::Telling | Stage::Told | Stage::Unheard => {
                ApprovalStep::Adding
            }
        }
    }

    /// The new device's keys as the account's log will name them.
    fn keys(&self) -> DeviceKeys {
        DeviceKeys {
            signing: self.signing,
            identity: self.identity,
        }
    }

    /// Message 3: what was committed to.
    fn revealed(&mut self, message: &[u8]) -> Result<(), Broken> {
        let answer = LinkAnswer::from_bytes(&self.state.0)?;
        let (stage, state) = match answer.revealed(&RevealMessage::from_bytes(message)?)? {
            RevealedLink::Unconfirmed(link) => (Stage::Unconfirmed, link.to_bytes()),
            RevealedLink::Confirmed(link) => (Stage::Scanned, link.to_bytes()),
        };
        self.stage = stage;
        self.state = stored(state);
        Ok(())
    }

    /// Message 4, for the device that the person said yes to.
    fn grant(
        &mut self,
        link: ConfirmedLink,
        invitation: &LinkInvitation,
        work: &mut Work<'_>,
    ) -> Result<(), Broken> {
        let NewDeviceKeys { signing, identity } = link.keys();
        self.signing = signing.to_bytes();
        self.identity = identity.to_bytes();
        let (channel, message) = link.grant(&payload(invitation), &mut work.rng)?;
        self.stage = Stage::Granted;
        self.state = stored(channel.to_bytes());
        self.place.say(message.to_bytes());
        Ok(())
    }

    /// Message 5: the device wants to be added.
    fn requested(&mut self, message: &[u8]) -> Result<(), Broken> {
        let mut channel = LinkChannel::from_bytes(&self.state.0)?;
        let opened = channel.open(&SealedMessage::from_bytes(message)?)?;
        self.request = Some(minicbor::decode(&opened)?);
        self.state = stored(channel.to_bytes());
        self.stage = Stage::Adding;
        Ok(())
    }

    /// A later odd message: the device wants more of the log.
    fn wants_more(&mut self, message: &[u8], work: &mut Work<'_>) -> Result<(), ReadOr<Broken>> {
        let mut channel = LinkChannel::from_bytes(&self.state.0).map_err(Broken::from)?;
        let message = SealedMessage::from_bytes(message).map_err(Broken::from)?;
        let opened = channel.open(&message).map_err(Broken::from)?;
        let more: LinkMore = minicbor::decode(&opened).map_err(Broken::from)?;
        if more.have != self.told {
            return Err(ReadOr::Other(Broken));
        }
        self.tell(channel, work)
    }

    /// Message 6 and what may follow: the log, and with its end what every device of the account knows.
    fn tell(&mut self, mut channel: LinkChannel, work: &mut Work<'_>) -> Result<(), ReadOr<Broken>> {
        let own = work.own().map_err(ReadOr::Read)?;
        // What came into the log since is learned on the first connection.
        let last = self.device.map_or(0, |device| device.0).saturating_add(1);
        let up_to = usize::try_from(last).unwrap_or(usize::MAX);
        let entries = own.entries.get(..up_to).unwrap_or(&own.entries);
        let (entries, more) = part_of(entries, self.told);
        self.told = self
            .told
            .saturating_add(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let is_last = more == 0;
        let added = LinkAdded {
            entries,
            more,
            names: if is_last {
                work.device_names().map_err(ReadOr::Read)?
            } else {
                Vec::new()
            },
            vault: if is_last {
                work.vault_for_newcomer().map_err(ReadOr::Read)?
            } else {
                None
            },
        };
        let sealed = channel
            .seal(&payload(&added), &mut work.rng)
            .map_err(Broken::from)?;
        self.stage = Stage::Telling;
        self.state = stored(channel.to_bytes());
        self.place.say(sealed.to_bytes());
        Ok(())
    }

    /// The whole log was told.
    fn is_told(&self) -> bool {
        self.device.is_some_and(|device| self.told > device.0)
    }
}

/// The store could not be read, or something else.
enum ReadOr<E> {
    Read(ReadError),
    Other(E),
}

impl<E> From<E> for ReadOr<E> {
    fn from(error: E) -> Self {
        Self::Other(error)
    }
}

fn key_of(link: LinkId) -> Vec<u8> {
    [APPROVAL, &link.0].concat()
}

impl Work<'_> {
    fn find_approving(&self, link: LinkId) -> Result<Option<Approving>, ReadError> {
        self.find(Table::Own, &key_of(link))
    }

    fn put_approving(&mut self, approving: &Approving) {
        self.put(Table::Own, &key_of(approving.place.id), approving);
    }

    fn delete_approving(&mut self, link: LinkId) {
        self.delete(Table::Own, &key_of(link));
    }
}

impl Engine {
    /// New devices that wait for approval here, and how far each is.
    pub fn list_approvals(&self) -> Vec<ApprovalView> {
        self.approvals
            .iter()
            .map(|(link, approval)| ApprovalView {
                link: link.to_string(),
                name: approval.name.clone(),
                step: approval.step.clone(),
                expires: approval.expires.0,
            })
            .collect()
    }

    /// A new device waits for approval by one of the account's devices.
    pub(crate) fn link_waiting(&mut self, work: &mut Work<'_>, link: LinkId) -> Result<(), ReadError> {
        if !self.approvals.contains_key(&link) {
            let expires = work.now.plus(LINK_LIFE_MS);
            self.show_approval(work, link, ApprovalStep::Asked, expires);
        }
        Ok(())
    }

    /// After a welcome: who waits already.
    pub(crate) fn ask_who_waits(&mut self, work: &mut Work<'_>) {
        let path = "/api/v1/links".to_owned();
        self.call(work, Call::Link(LinkCall::Waiting), Method::Get, path, None);
    }

    pub(crate) fn links_listed(&mut self, work: &mut Work<'_>, answer: Result<LinksWaiting, Refusal>) {
        let Ok(LinksWaiting { links }) = answer else {
            return;
        };
        // Who waited and is not on the list any more, waits no longer.
        let gone: Vec<LinkId> = self
            .approvals
            .iter()
            .filter(|(link, approval)| {
                approval.step == ApprovalStep::Asked && links.iter().all(|waiting| waiting.id != **link)
            })
            .map(|(link, _)| *link)
            .collect();
        for link in gone {
            self.forget_approval(work, link);
        }
        for waiting in links {
            if !self.approvals.contains_key(&waiting.id) {
                let latest = work.now.plus(LINK_LIFE_MS);
                self.show_approval(work, waiting.id, ApprovalStep::Asked, waiting.expires.min(latest));
            }
        }
    }

    pub(crate) fn answer_link(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        link: LinkTarget,
    ) -> Result<(), ReadError> {
        match link {
            LinkTarget::Waiting(link) => {
                if work.find_approving(link)?.is_some() {
                    self.answer(work, ask, Outcome::Done);
                    return Ok(());
                }
                let path = format!("/api/v1/links/{link}/messages?after=0");
                let call = Call::Link(LinkCall::First { ask, link });
                self.call(work, call, Method::Get, path, None);
            }
            LinkTarget::Scanned(text) => {
                let code = text.trim().rsplit('/').next().unwrap_or_default();
                let Ok(code) = LinkCode::from_text(code) else {
                    self.fail(work, ask, Failure::link_unreadable());
                    return Ok(());
                };
                if work.find_approving(LinkId(*code.link_id()))?.is_none() {
                    let answer = LinkAnswer::to_code(&code, &mut work.rng);
                    self.begin_approval(work, &answer);
                }
                self.answer(work, ask, Outcome::Done);
            }
        }
        Ok(())
    }

    /// Message 1 came of a place that the person wants to answer.
    pub(crate) fn link_found(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        link: LinkId,
        answer: Result<LinkMessages, Refusal>,
    ) {
        let messages = match answer {
            Ok(found) => found.messages,
            Err(refusal) => {
                if is_gone(&refusal) {
                    self.forget_approval(work, link);
                }
                let failure = if is_gone(&refusal) {
                    Failure::server(ErrorCode::LinkGone, None)
                } else {
                    refusal.failure()
                };
                self.fail(work, ask, failure);
                return;
            }
        };
        let is_answered = messages.iter().any(|message| message.number > 1);
        let first = messages.iter().find(|message| message.number == 1);
        let commitment = first
            .and_then(|message| CommitmentMessage::from_bytes(message.message.as_slice()).ok())
            .filter(|commitment| *commitment.link_id() == link.0);
        match commitment {
            _ if is_answered => self.fail(work, ask, Failure::server(ErrorCode::LinkTaken, None)),
            None => self.fail(work, ask, Failure::link_broken()),
            Some(commitment) => {
                let answer = LinkAnswer::to_commitment(&commitment, &mut work.rng);
                self.begin_approval(work, &answer);
                self.answer(work, ask, Outcome::Done);
            }
        }
    }

    fn begin_approval(&mut self, work: &mut Work<'_>, answer: &LinkAnswer) {
        let approving = Approving::new(answer, work.now);
        let Place { id, expires, .. } = approving.place;
        work.put_approving(&approving);
        self.show_approval(work, id, ApprovalStep::Connecting, expires);
        self.meet(id, work.now);
    }

    pub(crate) fn confirm_link(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        link: LinkId,
        digits: Option<&str>,
    ) -> Result<(), ReadError> {
        let Some(mut approving) = work.find_approving(link)? else {
            self.fail(work, ask, Failure::server(ErrorCode::LinkGone, None));
            return Ok(());
        };
        let confirmed = match (approving.stage, digits) {
            (Stage::Unconfirmed, digits) => {
                let typed: String = digits.unwrap_or_default().split_whitespace().collect();
                let Ok(digits) = LinkDigits::parse(&typed) else {
                    self.fail(work, ask, Failure::digits_unreadable());
                    return Ok(());
                };
                // There is one try: whatever comes of it, this state is gone.
                work.delete_approving(link);
                match UnconfirmedLink::from_bytes(&approving.state.0).map(|link| link.confirm(digits)) {
                    Ok(Ok(confirmed)) => confirmed,
                    Ok(Err(_)) => {
                        self.end_approval(work, link, Failure::digits_wrong());
                        self.fail(work, ask, Failure::digits_wrong());
                        return Ok(());
                    }
                    Err(_) => return Err(ReadError("an approval is damaged".into())),
                }
            }
            (Stage::Scanned, _) => match ConfirmedLink::from_bytes(&approving.state.0) {
                Ok(confirmed) => confirmed,
                Err(_) => return Err(ReadError("an approval is damaged".into())),
            },
            _ => {
                self.fail(work, ask, Failure::busy());
                return Ok(());
            }
        };
        let own = work.own()?;
        let in_the_way = if own.chain()?.devices().count() >= DEVICES_MAX {
            Some(Failure::server(ErrorCode::DevicesFull, None))
        } else if !fits_in_a_meeting(&own.entries) {
            Some(Failure::link_log_long())
        } else {
            None
        };
        let invitation = LinkInvitation {
            account: own.account,
            username: own.username.clone(),
        };
        let failure = match in_the_way {
            Some(failure) => failure,
            None => match approving.grant(confirmed, &invitation, work) {
                Ok(()) => {
                    work.put_approving(&approving);
                    self.step_approval(work, &approving);
                    if let Some(approval) = self.approvals.get_mut(&link) {
                        approval.ask = Some(ask);
                    }
                    self.meet_now(work, link);
                    return Ok(());
                }
                Err(Broken) => Failure::link_broken(),
            },
        };
        self.end_approval(work, link, failure.clone());
        self.fail(work, ask, failure);
        Ok(())
    }

    pub(crate) fn decline_link(
        &mut self,
        work: &mut Work<'_>,
        ask: u64,
        link: LinkId,
    ) -> Result<(), ReadError> {
        let stage = work.find_approving(link)?.map(|approving| approving.stage);
        if matches!(
            stage,
            Some(Stage::Adding | Stage::Telling | Stage::Told | Stage::Unheard)
        ) {
            // It is in the account's log already or in a moment: there the person takes it out.
            self.fail(work, ask, Failure::busy());
            return Ok(());
        }
        if stage.is_some()
            || self
                .approvals
                .get(&link)
                .is_some_and(|approval| approval.step == ApprovalStep::Asked)
        {
            self.leave_meeting(work, link, None);
        }
        work.delete_approving(link);
        self.forget_approval(work, link);
        self.answer(work, ask, Outcome::Done);
        Ok(())
    }

    /// This device signs out: who waits for it waits no longer, unless the account's log names the new device
    /// already.
    pub(crate) fn leave_approvals(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let links: Vec<LinkId> = self.approvals.keys().copied().collect();
        for link in links {
            let stage = work.find_approving(link)?.map(|approving| approving.stage);
            match stage {
                Some(Stage::Adding | Stage::Telling | Stage::Told | Stage::Unheard) => {}
                Some(_) => self.end_approval(work, link, Failure::signed_out()),
                None => self.forget_approval(work, link),
            }
        }
        self.drive_leaving(work);
        Ok(())
    }

    /// Who waits no longer without having been answered is not shown any more.
    pub(crate) fn drop_stale_approvals(&mut self, work: &mut Work<'_>) {
        let now = work.now;
        let before = self.approvals.len();
        self.approvals
            .retain(|_, approval| approval.step != ApprovalStep::Asked || approval.expires > now);
        if self.approvals.len() != before {
            work.show(Event::Approvals);
        }
    }

    /// When somebody who waits unanswered is not shown any more.
    pub(crate) fn approvals_stale_at(&self) -> Option<Timestamp> {
        self.approvals
            .values()
            .filter(|approval| approval.step == ApprovalStep::Asked)
            .map(|approval| approval.expires)
            .min()
    }

    /// After a start: approvals under way go on.
    pub(crate) fn find_approvals_again(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        let limit = u32::try_from(APPROVALS_MAX).unwrap_or(u32::MAX);
        for (_, bytes) in work.list_bytes(Table::Own, APPROVAL, limit)? {
            let approving: Approving = crate::codec::decode(&bytes, "approval")?;
            let Place { id, expires, .. } = approving.place;
            self.show_approval(work, id, approving.step(), expires);
            self.name_approval(&approving);
            self.meet(id, work.now);
        }
        Ok(())
    }

    pub(crate) fn drive_approval(&mut self, work: &mut Work<'_>, link: LinkId) -> Result<(), ReadError> {
        let Some(approving) = work.find_approving(link)? else {
            self.forget_meeting(link);
            return Ok(());
        };
        let is_over = approving.place.expires <= work.now;
        match approving.stage {
            // What is in the log is seen to the end, whatever the time.
            Stage::Adding | Stage::Telling | Stage::Told | Stage::Unheard => {}
            _ if is_over => {
                self.end_approval(work, link, Failure::link_expired());
                return Ok(());
            }
            _ => {}
        }
        if !self.link.is_greeted() {
            return Ok(());
        }
        match approving.stage {
            Stage::Adding => self.add_device(work, &approving)?,
            Stage::Unheard => {
                self.run_meeting(link);
                let path = "/api/v1/devices".to_owned();
                self.call(work, Call::AddedDevice(link), Method::Get, path, None);
            }
            _ => self.go_on_at(work, &approving.place),
        }
        Ok(())
    }

    fn add_device(&mut self, work: &mut Work<'_>, approving: &Approving) -> Result<(), ReadError> {
        let link = approving.place.id;
        self.run_meeting(link);
        let Some(request) = &approving.request else {
            self.end_approval(work, link, Failure::link_broken());
            return Ok(());
        };
        let act = OwnAct::AddDevice {
            keys: approving.keys(),
            possession: request.possession,
        };
        self.append_own(work, act, AfterAppend::Link(link))
    }

    /// The account's log names the new device since an entry, or will not.
    pub(crate) fn link_appended(
        &mut self,
        work: &mut Work<'_>,
        link: LinkId,
        end: Result<u32, Failure>,
    ) -> Result<(), ReadError> {
        let Some(mut approving) = work
            .find_approving(link)?
            .filter(|approving| approving.stage == Stage::Adding)
        else {
            return Ok(());
        };
        let sequence = match end {
            Ok(sequence) => sequence,
            // Whether it arrived is not known: it is tried again, and found in the log if it did.
            Err(failure) if failure == Failure::offline() && approving.place.expires > work.now => {
                self.meet_again(work, link, None);
                return Ok(());
            }
            Err(failure) => {
                self.end_approval(work, link, failure);
                return Ok(());
            }
        };
        let device = DeviceId(sequence);
        approving.device = Some(device);
        if let Some(name) = approving
            .request
            .as_ref()
            .and_then(|request| request.name.clone())
        {
            work.take_device_names([(device, name)])?;
        }
        let told = match LinkChannel::from_bytes(&approving.state.0) {
            Ok(channel) => approving.tell(channel, work),
            Err(_) => return Err(ReadError("an approval is damaged".into())),
        };
        match told {
            Ok(()) => {}
            Err(ReadOr::Read(error)) => return Err(error),
            Err(ReadOr::Other(Broken)) => approving.stage = Stage::Unheard,
        }
        work.put_approving(&approving);
        work.show(Event::Devices);
        self.meet_now(work, link);
        Ok(())
    }

    pub(crate) fn approval_said(
        &mut self,
        work: &mut Work<'_>,
        link: LinkId,
        answer: Result<Nothing, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(mut approving) = work.find_approving(link)? else {
            return Ok(());
        };
        match answer {
            Ok(Nothing) => {
                approving.place.said();
                if approving.stage == Stage::Telling && approving.is_told() {
                    approving.stage = Stage::Told;
                    let ask = self
                        .approvals
                        .get_mut(&link)
                        .and_then(|approval| approval.ask.take());
                    if let Some(ask) = ask {
                        self.answer(work, ask, Outcome::Done);
                    }
                }
                work.put_approving(&approving);
                self.meet_again(work, link, None);
            }
            Err(refusal) => self.approval_refused(work, approving, &refusal),
        }
        Ok(())
    }

    pub(crate) fn approval_heard(
        &mut self,
        work: &mut Work<'_>,
        link: LinkId,
        answer: Result<LinkMessages, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(mut approving) = work.find_approving(link)? else {
            return Ok(());
        };
        let messages = match answer {
            Ok(heard) => heard.messages,
            Err(refusal) => {
                self.approval_refused(work, approving, &refusal);
                return Ok(());
            }
        };
        let awaits = matches!(approving.stage, Stage::Answered | Stage::Granted | Stage::Telling);
        let Some(message) = awaits.then(|| approving.place.hear(messages)).flatten() else {
            self.meet_again(work, link, None);
            return Ok(());
        };
        let taken = match approving.stage {
            Stage::Answered => approving.revealed(&message).map_err(ReadOr::Other),
            Stage::Granted => approving.requested(&message).map_err(ReadOr::Other),
            _ => approving.wants_more(&message, work),
        };
        match taken {
            Ok(()) => {
                work.put_approving(&approving);
                self.step_approval(work, &approving);
                self.meet_now(work, link);
            }
            Err(ReadOr::Read(error)) => return Err(error),
            Err(ReadOr::Other(Broken)) if approving.device.is_some() => self.not_heard(work, approving),
            Err(ReadOr::Other(Broken)) => self.end_approval(work, link, Failure::link_broken()),
        }
        Ok(())
    }

    fn approval_refused(&mut self, work: &mut Work<'_>, approving: Approving, refusal: &Refusal) {
        let link = approving.place.id;
        if refusal.is(ErrorCode::SignInNeeded) {
            self.access = None;
        }
        if refusal.is(ErrorCode::LinkTaken) {
            work.delete_approving(link);
            self.forget_meeting(link);
            let failure = Failure::server(ErrorCode::LinkTaken, None);
            self.finish_approval(work, link, ApprovalStep::Ended { failure });
        } else if is_broken(refusal) && approving.device.is_none() {
            self.end_approval(work, link, Failure::link_broken());
        } else if !is_gone(refusal) {
            self.meet_again(work, link, Some(refusal));
        } else if approving.device.is_some() {
            self.not_heard(work, approving);
        } else {
            self.end_approval(work, link, Failure::server(ErrorCode::LinkGone, None));
        }
    }

    /// The place is gone, and the new device may not know that it was added: either it has signed in, or it never
    /// will and is taken out again.
    fn not_heard(&mut self, work: &mut Work<'_>, mut approving: Approving) {
        let link = approving.place.id;
        approving.stage = Stage::Unheard;
        work.put_approving(&approving);
        self.meet_now(work, link);
    }

    pub(crate) fn added_device_found(
        &mut self,
        work: &mut Work<'_>,
        link: LinkId,
        answer: Result<DevicesFound, Refusal>,
    ) -> Result<(), ReadError> {
        let Some(device) = work.find_approving(link)?.and_then(|approving| approving.device) else {
            return Ok(());
        };
        let found = match answer {
            Ok(found) => found.devices.into_iter().find(|found| found.device == device),
            Err(refusal) => {
                self.meet_again(work, link, Some(&refusal));
                return Ok(());
            }
        };
        if found.is_some_and(|found| found.signed_in || found.connected || found.seen_at.is_some()) {
            self.approved(work, link);
            return Ok(());
        }
        self.end_approval(work, link, Failure::link_unheard());
        self.append_own(work, OwnAct::RevokeDevice(device), AfterAppend::Nobody)
    }

    /// The new device is one of the account's and knows it.
    fn approved(&mut self, work: &mut Work<'_>, link: LinkId) {
        work.delete_approving(link);
        self.forget_meeting(link);
        self.finish_approval(work, link, ApprovalStep::Added);
    }

    /// The meeting ends without success, and the other side is told.
    fn end_approval(&mut self, work: &mut Work<'_>, link: LinkId, failure: Failure) {
        work.delete_approving(link);
        self.leave_meeting(work, link, None);
        self.finish_approval(work, link, ApprovalStep::Ended { failure });
    }

    fn finish_approval(&mut self, work: &mut Work<'_>, link: LinkId, step: ApprovalStep) {
        let Some(approval) = self.approvals.get_mut(&link) else {
            return;
        };
        approval.step = step.clone();
        work.show(Event::Approvals);
        if let Some(ask) = approval.ask.take() {
            match step {
                ApprovalStep::Ended { failure } => self.fail(work, ask, failure),
                _ => self.answer(work, ask, Outcome::Done),
            }
        }
    }

    fn show_approval(&mut self, work: &mut Work<'_>, link: LinkId, step: ApprovalStep, expires: Timestamp) {
        let is_over = |approval: &Approval| approval.expires <= work.now;
        let under_way: Vec<LinkId> = self.meetings.keys().copied().collect();
        self.approvals
            .retain(|link, approval| under_way.contains(link) || !is_over(approval));
        while self.approvals.len() >= APPROVALS_MAX {
            let oldest = self
                .approvals
                .iter()
                .filter(|(link, _)| !under_way.contains(link))
                .min_by_key(|(_, approval)| approval.expires)
                .map(|(link, _)| *link);
            let Some(oldest) = oldest else { break };
            self.approvals.remove(&oldest);
        }
        let approval = Approval {
            step,
            name: None,
            expires,
            ask: None,
        };
        self.approvals.insert(link, approval);
        work.show(Event::Approvals);
    }

    fn step_approval(&mut self, work: &mut Work<'_>, approving: &Approving) {
        if let Some(approval) = self.approvals.get_mut(&approving.place.id) {
            approval.step = approving.step();
            work.show(Event::Approvals);
        }
        self.name_approval(approving);
    }

    fn name_approval(&mut self, approving: &Approving) {
        let name = approving
            .request
            .as_ref()
            .and_then(|request| request.name.clone());
        if let Some(approval) = self.approvals.get_mut(&approving.place.id) {
            approval.name = name;
        }
    }

    fn forget_approval(&mut self, work: &mut Work<'_>, link: LinkId) {
        if self.approvals.remove(&link).is_some() {
            work.show(Event::Approvals);
        }
    }
}
