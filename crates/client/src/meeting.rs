//! The meeting place of two devices, as either of them sees it: what it says next, what it has heard, and when it
//! asks again.
//!
//! What is said and heard is stored by [`crate::joining`] and [`crate::approving`] before it leaves; here is only
//! what a device that starts again finds out anew. A place is asked once a second while it lasts, and never after.

use conclave_protocol::limits::{LINK_LIFE_MS, LINK_MESSAGES_MAX};
use conclave_protocol::links::{LinkMessage, LinkMessages};
use conclave_protocol::{AccountId, Bytes, DeviceId, ErrorCode, LinkId, Timestamp, Token};
use minicbor::{Decode, Encode};

use crate::calls::{Call, Nothing, Refusal, json};
use crate::codec::SecretBytes;
use crate::effects::Method;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// How often a place is asked for news.
const ASK_EVERY_MS: u64 = 1_000;
/// Bytes of entries that one message carries: a sealed payload has 64 KiB.
const PART_BYTES: usize = 56 * 1024;

/// A meeting place, in the stored record of either side.
#[derive(Encode, Decode)]
pub(crate) struct Place {
    /// Which one.
    #[n(0)]
    pub(crate) id: LinkId,
    /// When it ends by itself, by this device's clock.
    #[n(1)]
    pub(crate) expires: Timestamp,
    /// Opens the new device's side; a device of the account comes with its access token.
    #[n(2)]
    pub(crate) token: Option<Token>,
    /// Number of the newest message that this device knows and that the server has.
    #[n(3)]
    pub(crate) number: u32,
    /// The next message, until the server has it.
    #[n(4)]
    outgoing: Option<Bytes>,
}

impl Place {
    /// A place that is about to be opened or answered. The time is counted by the own clock, which may be off; the
    /// server says earlier where it thinks otherwise.
    pub(crate) fn new(id: LinkId, token: Option<Token>, number: u32, now: Timestamp) -> Self {
        Self {
            id,
            expires: now.plus(LINK_LIFE_MS),
            token,
            number,
            outgoing: None,
        }
    }

    /// The next message, to be sent until the server has it.
    pub(crate) fn say(&mut self, message: Vec<u8>) {
        self.outgoing = Some(Bytes(message));
    }

    /// The server has what was said.
    pub(crate) fn said(&mut self) {
        if self.outgoing.take().is_some() {
            self.number = self.number.saturating_add(1);
        }
    }

    /// The next message of the other side, if it is among these. What stands out of order is as good as not there.
    pub(crate) fn hear(&mut self, messages: Vec<LinkMessage>) -> Option<Vec<u8>> {
        if self.outgoing.is_some() {
            return None;
        }
        let next = self.number.saturating_add(1);
        let heard = messages.into_iter().find(|message| message.number == next)?;
        self.number = next;
        Some(heard.message.0)
    }
}

/// When a place is looked at next.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) due: Timestamp,
    running: bool,
}

/// A request about a meeting place.
pub(crate) enum LinkCall {
    /// What was said is on the server.
    Said(LinkId),
    /// News of the place.
    Heard(LinkId),
    /// Message 1 of a new device that waits.
    First { ask: u64, link: LinkId },
    /// New devices that wait.
    Waiting,
    /// The place is left.
    Left { link: LinkId, token: Option<Token> },
}

/// A place that was left and may not know it yet.
pub(crate) struct Leaving {
    pub(crate) token: Option<Token>,
    pub(crate) round: Round,
    until: Timestamp,
}

/// Message 4: the account that grants. The new device's keys are not named: both sides know them.
#[derive(Encode, Decode)]
pub(crate) struct LinkInvitation {
    #[n(0)]
    pub(crate) account: AccountId,
    #[n(1)]
    pub(crate) username: String,
}

/// Message 5: the new device wants to be added.
#[derive(Encode, Decode)]
pub(crate) struct LinkRequest {
    #[n(0)]
    pub(crate) name: Option<String>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) possession: [u8; 64],
}

/// Message 6, and each later even one: the new device is in the account. A long log comes in parts, which the new
/// device asks for with [`LinkMore`].
#[derive(Encode, Decode)]
pub(crate) struct LinkAdded {
    /// The account's log up to the new device's entry, or the next part of it.
    #[n(0)]
    pub(crate) entries: Vec<Bytes>,
    /// Entries that are still to come.
    #[n(1)]
    pub(crate) more: u32,
    /// Names of the account's devices, in the last part.
    #[n(2)]
    pub(crate) names: Vec<(DeviceId, String)>,
    /// The vault's generation and key, in the last part.
    #[n(3)]
    pub(crate) vault: Option<VaultKey>,
}

/// Message 7, and each later odd one: this many entries are here.
#[derive(Encode, Decode)]
pub(crate) struct LinkMore {
    #[n(0)]
    pub(crate) have: u32,
}

/// A key of the account's vault.
#[derive(Encode, Decode)]
pub(crate) struct VaultKey {
    #[n(0)]
    pub(crate) generation: u32,
    #[n(1)]
    pub(crate) key: crate::codec::Secret32,
}

/// As many entries behind `have` as one message carries, and how many are left then.
pub(crate) fn part_of(entries: &[Bytes], have: u32) -> (Vec<Bytes>, u32) {
    let have = usize::try_from(have).unwrap_or(usize::MAX);
    let mut room = PART_BYTES;
    let part: Vec<Bytes> = entries
        .iter()
        .skip(have)
        .take_while(|entry| {
            // Four bytes for the length of each.
            let fits = room.checked_sub(entry.as_slice().len().saturating_add(4));
            room = fits.unwrap_or_default();
            fits.is_some()
        })
        .cloned()
        .collect();
    let left = entries.len().saturating_sub(have).saturating_sub(part.len());
    (part, u32::try_from(left).unwrap_or(u32::MAX))
}

/// Whether a log of these entries reaches the new device before the place is full.
pub(crate) fn fits_in_a_meeting(entries: &[Bytes]) -> bool {
    let mut have = 0_u32;
    // Even messages from the sixth on.
    for _ in 0..LINK_MESSAGES_MAX.saturating_sub(4) / 2 {
        let (part, left) = part_of(entries, have);
        if left == 0 {
            return true;
        }
        have = have.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
    }
    false
}

/// A payload as CBOR, wiped when it was sealed.
pub(crate) fn payload<T: Encode<()>>(value: &T) -> zeroize::Zeroizing<Vec<u8>> {
    let mut out = zeroize::Zeroizing::new(Vec::with_capacity(PART_BYTES.saturating_add(8 * 1024)));
    // Invariant: encoding into a vector cannot fail.
    let _ = minicbor::encode(value, &mut *out);
    out
}

/// A state of the linking crate as it is stored.
pub(crate) fn stored(bytes: zeroize::Zeroizing<Vec<u8>>) -> SecretBytes {
    SecretBytes(bytes)
}

/// The place is over, whoever ended it.
pub(crate) fn is_gone(refusal: &Refusal) -> bool {
    [ErrorCode::LinkGone, ErrorCode::NotFound]
        .into_iter()
        .any(|code| refusal.is(code))
}

/// Saying the same again will not help: the server or somebody at the place keeps to other rules.
pub(crate) fn is_broken(refusal: &Refusal) -> bool {
    [
        ErrorCode::Malformed,
        ErrorCode::IdReused,
        ErrorCode::Forbidden,
        ErrorCode::TooLarge,
    ]
    .into_iter()
    .any(|code| refusal.is(code))
}

impl Engine {
    /// Looks at a place soon, and once a second from then on.
    pub(crate) fn meet(&mut self, link: LinkId, due: Timestamp) {
        self.meetings.insert(link, Round { due, running: false });
    }

    /// Nothing is asked about a place any more.
    pub(crate) fn forget_meeting(&mut self, link: LinkId) {
        self.meetings.remove(&link);
    }

    /// Leaves a place: nothing more is asked, and the other side is told.
    pub(crate) fn leave_meeting(&mut self, work: &Work<'_>, link: LinkId, token: Option<Token>) {
        self.forget_meeting(link);
        let round = Round {
            due: work.now,
            running: false,
        };
        let until = work.now.plus(LINK_LIFE_MS);
        self.leaving.insert(link, Leaving { token, round, until });
    }

    /// Whatever can be said or asked now.
    pub(crate) fn drive_meetings(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if !self.meetings_looked_for {
            self.meetings_looked_for = true;
            self.find_joining_again(work)?;
            self.find_approvals_again(work)?;
        }
        let due: Vec<LinkId> = self
            .meetings
            .iter()
            .filter(|(_, round)| !round.running && round.due <= work.now)
            .map(|(link, _)| *link)
            .collect();
        for link in due {
            if self.approvals.contains_key(&link) {
                self.drive_approval(work, link)?;
            } else {
                self.drive_joining(work)?;
            }
        }
        self.drop_stale_approvals(work);
        self.drive_leaving(work);
        Ok(())
    }

    /// Says or asks what comes next at a place.
    pub(crate) fn go_on_at(&mut self, work: &mut Work<'_>, place: &Place) {
        let link = place.id;
        self.run_meeting(link);
        let path = format!("/api/v1/links/{link}/messages");
        let (call, method, path, body) = if let Some(message) = &place.outgoing {
            let message = LinkMessage {
                number: place.number.saturating_add(1),
                message: message.clone(),
            };
            (LinkCall::Said(link), Method::Post, path, Some(json(&message)))
        } else {
            let path = format!("{path}?after={}", place.number);
            (LinkCall::Heard(link), Method::Get, path, None)
        };
        self.call_as(work, Call::Link(call), method, path, body, place.token.as_ref());
    }

    /// A request about the place is under way.
    pub(crate) fn run_meeting(&mut self, link: LinkId) {
        if let Some(round) = self.meetings.get_mut(&link) {
            round.running = true;
        }
    }

    /// The request about a place has ended; the next one waits a little.
    pub(crate) fn meet_again(&mut self, work: &Work<'_>, link: LinkId, refusal: Option<&Refusal>) {
        let pause = refusal.and_then(Refusal::retry_after_ms).unwrap_or(ASK_EVERY_MS);
        if let Some(round) = self.meetings.get_mut(&link) {
            *round = Round {
                due: work.now.plus(pause),
                running: false,
            };
        }
    }

    /// The request about a place has ended, and there is something to say at once.
    pub(crate) fn meet_now(&mut self, work: &Work<'_>, link: LinkId) {
        if self.meetings.contains_key(&link) {
            self.meet(link, work.now);
        }
    }

    pub(crate) fn link_outcome(
        &mut self,
        work: &mut Work<'_>,
        call: LinkCall,
        answer: Result<Vec<u8>, Refusal>,
    ) -> Result<(), ReadError> {
        match call {
            LinkCall::Said(link) => {
                let answer = crate::calls::parse::<Nothing>(answer);
                if self.approvals.contains_key(&link) {
                    self.approval_said(work, link, answer)
                } else {
                    self.joining_said(work, link, answer)
                }
            }
            LinkCall::Heard(link) => {
                let answer = crate::calls::parse::<LinkMessages>(answer);
                if self.approvals.contains_key(&link) {
                    self.approval_heard(work, link, answer)
                } else {
                    self.joining_heard(work, link, answer)
                }
            }
            LinkCall::First { ask, link } => {
                self.link_found(work, ask, link, crate::calls::parse::<LinkMessages>(answer));
                Ok(())
            }
            LinkCall::Waiting => {
                self.links_listed(work, crate::calls::parse(answer));
                Ok(())
            }
            LinkCall::Left { link, token } => {
                let again = match &answer {
                    Ok(_) => None,
                    Err(Refusal::Unreachable) => Some(ASK_EVERY_MS),
                    Err(refusal) => refusal.retry_after_ms(),
                };
                match self.leaving.get_mut(&link) {
                    Some(leaving) if again.is_some() => {
                        leaving.token = token;
                        leaving.round = Round {
                            due: work.now.plus(again.unwrap_or(ASK_EVERY_MS)),
                            running: false,
                        };
                    }
                    _ => {
                        self.leaving.remove(&link);
                    }
                }
                Ok(())
            }
        }
    }

    /// A request about a place was never made.
    pub(crate) fn link_call_failed(&mut self, work: &mut Work<'_>, call: LinkCall, failure: &Failure) {
        match call {
            LinkCall::Said(link) | LinkCall::Heard(link) => self.meet_again(work, link, None),
            LinkCall::First { ask, .. } => self.fail(work, ask, failure.clone()),
            LinkCall::Waiting => {}
            LinkCall::Left { link, .. } => {
                if let Some(leaving) = self.leaving.get_mut(&link) {
                    leaving.round = Round {
                        due: work.now.plus(ASK_EVERY_MS),
                        running: false,
                    };
                }
            }
        }
    }

    /// When meetings want to be looked at: those of a signed-in device need its connection.
    pub(crate) fn meetings_due(&self, live: bool) -> Option<Timestamp> {
        let rounds = self.meetings.iter().filter_map(|(link, round)| {
            let possible = live || !self.approvals.contains_key(link);
            (possible && !round.running).then_some(round.due)
        });
        let leaving = self
            .leaving
            .values()
            .filter(|leaving| !leaving.round.running && (live || leaving.token.is_some()))
            .map(|leaving| leaving.round.due);
        rounds.chain(leaving).chain(self.approvals_stale_at()).min()
    }

    pub(crate) fn drive_leaving(&mut self, work: &mut Work<'_>) {
        self.leaving.retain(|_, leaving| leaving.until > work.now);
        let live = self.link.is_greeted();
        let due: Vec<(LinkId, Option<Token>)> = self
            .leaving
            .iter_mut()
            .filter(|(_, leaving)| {
                let possible = live || leaving.token.is_some();
                possible && !leaving.round.running && leaving.round.due <= work.now
            })
            .map(|(link, leaving)| {
                leaving.round.running = true;
                (*link, leaving.token.clone())
            })
            .collect();
        for (link, token) in due {
            let call = Call::Link(LinkCall::Left {
                link,
                token: token.clone(),
            });
            let path = format!("/api/v1/links/{link}");
            self.call_as(work, call, Method::Delete, path, None, token.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32) -> LinkMessage {
        LinkMessage {
            number,
            message: Bytes(vec![u8::try_from(number).unwrap()]),
        }
    }

    #[test]
    fn only_the_next_message_is_heard_and_only_while_nothing_is_to_be_said() {
        let mut place = Place::new(LinkId([1; 16]), None, 1, Timestamp(5));
        assert_eq!(place.hear(vec![message(1), message(3), message(4)]), None);
        assert_eq!(place.hear(vec![message(3), message(2)]), Some(vec![2]));
        place.say(vec![9]);
        assert_eq!(place.hear(vec![message(3)]), None, "the third is the own one");
        place.said();
        place.said();
        assert_eq!(place.number, 3, "said once");
    }

    #[test]
    fn a_long_log_comes_in_parts_and_one_too_long_for_a_place_is_known_before() {
        let entry = Bytes(vec![7; 300]);
        for count in [1_usize, 100, 500, 1_000] {
            let entries = vec![entry.clone(); count];
            let (mut have, mut left) = (0, 1);
            while left > 0 {
                let (part, now_left) = part_of(&entries, have);
                let bytes: usize = part.iter().map(|entry| entry.0.len() + 4).sum();
                assert!(bytes <= PART_BYTES);
                have += u32::try_from(part.len()).unwrap();
                left = now_left;
            }
            assert_eq!(usize::try_from(have).unwrap(), count);
            assert!(fits_in_a_meeting(&entries), "{count} entries");
        }
        assert!(!fits_in_a_meeting(&vec![entry; 4_000]));
    }
}
