//! Sessions with peer devices: begun with a claimed bundle, used to seal and open pairwise messages.

use conclave_crypto::limits::MAX_SKIPPED_PER_ACCOUNT;
use conclave_crypto::{
    OpenError, PairwiseMessage, PrekeyBundle, PrekeyMessage, Purpose, RemoteDevice, SealError, Sessions,
};
use conclave_protocol::prekeys::PrekeyClaimed;
use conclave_protocol::{DeviceAddress, Timestamp};
use zeroize::Zeroizing;

use crate::calls::{Need, NeedState};
use crate::changes::Table;
use crate::content::address_key;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::own::OwnIdentity;
use crate::people::remote_of;
use crate::reads::ReadError;
use crate::repair::{Stamp, again_at};
use crate::views::Event;
use crate::work::Work;

/// What is kept for a time is gone over once a day.
const TIDY_EVERY_MS: u64 = 24 * 60 * 60 * 1000;
/// When it was gone over last.
const TIDIED: &[u8] = b"sessions-tidied";
/// A bundle that is not genuine is asked for again after this.
const BAD_BUNDLE_RETRY_MS: u64 = 10 * 60 * 1000;

impl Work<'_> {
    pub(crate) fn sessions(&self, address: DeviceAddress) -> Result<Sessions, ReadError> {
        match self.find_bytes(Table::Sessions, &address_key(address))? {
            Some(bytes) => Sessions::from_bytes(&bytes).map_err(|_| ReadError("a session is damaged".into())),
            None => Ok(Sessions::default()),
        }
    }

    fn put_sessions(&mut self, address: DeviceAddress, sessions: &Sessions) {
        self.put_bytes(Table::Sessions, &address_key(address), sessions.to_bytes());
    }

    /// A device says that it began a session anew. One that was begun here and never answered is given up, since
    /// the device could not open it. Unless that one is new as well: then both began anew at once, their words
    /// crossed, and both settle on the same session by the rule for that.
    pub(crate) fn session_started(&mut self, address: DeviceAddress) -> Result<(), ReadError> {
        if self.began_anew_lately(address)? {
            return Ok(());
        }
        let mut sessions = self.sessions(address)?;
        if sessions.abandon_unanswered() {
            self.put_sessions(address, &sessions);
        }
        Ok(())
    }

    /// The daily round over what is kept for a time.
    fn daily_round(&mut self) -> Result<(), ReadError> {
        let last: Option<Timestamp> = self.find(Table::Own, TIDIED)?;
        if again_at(last, TIDY_EVERY_MS, self.now).is_some() {
            return Ok(());
        }
        let now = self.now;
        self.put(Table::Own, TIDIED, &now);
        self.tidy_sessions()?;
        self.forget_old_sent()?;
        self.forget_old_openings()?;
        self.forget_stamps()?;
        self.adopt_parked_of_earlier_versions()
    }

    /// Over all sessions: message keys kept for overtaken messages are dropped after their time, and beyond their
    /// number over the whole account.
    fn tidy_sessions(&mut self) -> Result<(), ReadError> {
        let now = self.now;
        let mut peers = Vec::new();
        for (key, bytes) in self.list_bytes(Table::Sessions, &[], u32::MAX)? {
            if let Ok(mut sessions) = Sessions::from_bytes(&bytes) {
                sessions.expire(now.0);
                peers.push((key, sessions));
            }
        }
        let most = fair_share(
            MAX_SKIPPED_PER_ACCOUNT,
            peers
                .iter()
                .map(|(_, sessions)| sessions.skipped_keys())
                .collect(),
        );
        for (key, mut sessions) in peers {
            sessions.drop_skipped_keys(sessions.skipped_keys().saturating_sub(most));
            self.put_bytes(Table::Sessions, &key, sessions.to_bytes());
        }
        Ok(())
    }

    /// Seals on the active session with a device and stores the session's next state.
    pub(crate) fn seal_pairwise(
        &mut self,
        to: DeviceAddress,
        purpose: Purpose,
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Result<Vec<u8>, SealError>, ReadError> {
        let mut sessions = self.sessions(to)?;
        let sealed = sessions.seal(purpose, context, plaintext, self.now.0, &mut self.rng);
        if sealed.is_ok() {
            self.put_sessions(to, &sessions);
        }
        Ok(sealed)
    }

    /// Opens a pairwise message from a device. What is refused changes nothing.
    pub(crate) fn open_pairwise(
        &mut self,
        own: &OwnIdentity,
        from: &RemoteDevice,
        address: DeviceAddress,
        purpose: Purpose,
        context: &[u8],
        bytes: &[u8],
    ) -> Result<Result<Zeroizing<Vec<u8>>, Unopened>, ReadError> {
        let Ok(message) = PairwiseMessage::from_bytes(bytes) else {
            return Ok(Err(Unopened::Malformed));
        };
        let mut sessions = self.sessions(address)?;
        let opened = match &message {
            PairwiseMessage::Ratchet(message) => sessions.open(purpose, context, message, self.now.0),
            PairwiseMessage::Prekey(message) => {
                match sessions.open_prekey(message, purpose, context, self.now.0) {
                    Some(opened) => opened,
                    None => {
                        return self.respond(own, from, address, sessions, message, purpose, context);
                    }
                }
            }
        };
        Ok(match opened {
            Ok(plaintext) => {
                self.put_sessions(address, &sessions);
                Ok(plaintext)
            }
            Err(error) => Err(Unopened::Refused(error)),
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one handshake, each of its own kind"
    )]
    fn respond(
        &mut self,
        own: &OwnIdentity,
        from: &RemoteDevice,
        address: DeviceAddress,
        mut sessions: Sessions,
        message: &PrekeyMessage,
        purpose: Purpose,
        context: &[u8],
    ) -> Result<Result<Zeroizing<Vec<u8>>, Unopened>, ReadError> {
        if self.is_replayed(message)? {
            return Ok(Err(Unopened::Replayed));
        }
        let Some((signed, secret)) = self.prekeys_for(message)? else {
            return Ok(Err(Unopened::PrekeyGone));
        };
        let chain = own.chain()?;
        let identity = own.identity_key();
        let local = own.local(&chain, &identity)?;
        let opened = sessions.respond(
            &local, from, &signed, &secret, message, purpose, context, self.now.0,
        );
        Ok(match opened {
            Ok(plaintext) => {
                self.put_sessions(address, &sessions);
                self.use_up_prekey(message);
                Ok(plaintext)
            }
            Err(error) => Err(Unopened::Refused(error)),
        })
    }
}

/// The most that each may keep so that all together keep at most `total`: who keeps much gives way, and nobody's
/// many keys cost others theirs.
fn fair_share(total: usize, mut counts: Vec<usize>) -> usize {
    counts.sort_unstable();
    let mut left = total;
    let mut others = counts.len();
    for count in counts {
        // Invariant: this one is still among the others, so there is one at least.
        let share = left.checked_div(others).unwrap_or(left);
        if count > share {
            return share;
        }
        left = left.saturating_sub(count);
        others = others.saturating_sub(1);
    }
    usize::MAX
}

/// Why a pairwise message stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// The bytes are not a pairwise message.
    Malformed,
    /// A first message that was opened before.
    Replayed,
    /// A first message for a prekey whose secret is gone.
    PrekeyGone,
    /// The cryptography refused it.
    Refused(OpenError),
}

impl Unopened {
    /// True when a new session would let the sender's next messages be opened.
    pub(crate) fn wants_fresh_session(self) -> bool {
        match self {
            Self::Malformed | Self::Replayed => false,
            Self::PrekeyGone => true,
            Self::Refused(error) => !matches!(error, OpenError::KeyGone | OpenError::WrongPurpose),
        }
    }
}

/// The devices that something goes to.
pub(crate) struct Sealable {
    /// They can be sealed to now.
    pub(crate) ready: Vec<DeviceAddress>,
    /// They have published no prekeys yet.
    pub(crate) without: Vec<DeviceAddress>,
}

impl Engine {
    /// A claimed bundle came: a session begins with it.
    pub(crate) fn needed_bundle(
        &mut self,
        work: &mut Work<'_>,
        need: Need,
        address: DeviceAddress,
        claimed: &PrekeyClaimed,
    ) -> Result<(), ReadError> {
        let own = work.own()?;
        let Some(person) = self.person(work, address.account)? else {
            return Ok(());
        };
        let Some(remote) = person.remote(address.device) else {
            return Ok(());
        };
        let verified = PrekeyBundle::from_bytes(claimed.bundle.as_slice())
            .ok()
            .and_then(|bundle| bundle.verify(&remote).ok());
        self.without_prekeys.remove(&address);
        let began = match verified {
            Some(bundle) => {
                let chain = own.chain()?;
                let identity = own.identity_key();
                let local = own.local(&chain, &identity)?;
                let mut sessions = work.sessions(address)?;
                let began = sessions.initiate(&local, &remote, &bundle, work.now.0, &mut work.rng);
                if began.is_ok() {
                    work.put_sessions(address, &sessions);
                }
                began.is_ok()
            }
            None => false,
        };
        if !began && matches!(need, Need::FreshBundle(_)) {
            // Nobody waits for it in this moment, and each try costs the device a one-time prekey.
            work.stamp(Stamp::Unusable, address);
            self.repair_soon(work.now);
            return Ok(());
        }
        if !began {
            let retry_at = work.now.plus(BAD_BUNDLE_RETRY_MS);
            self.needs.insert(need, NeedState::RetryAt(retry_at));
            work.show(Event::Warning {
                failure: Failure::prekeys_invalid(),
            });
            return Ok(());
        }
        if matches!(need, Need::FreshBundle(_)) {
            self.began_anew(work, address)?;
        }
        Ok(())
    }

    /// Once a day, also on a connection that lasts: what is kept for a time goes after its time.
    pub(crate) fn daily_round(&mut self, work: &mut Work<'_>) -> Result<(), ReadError> {
        if self.daily_due.is_some_and(|due| due <= work.now) {
            self.daily_due = Some(work.now.plus(TIDY_EVERY_MS));
            work.daily_round()?;
            Self::forget_old_tallies(work)?;
        }
        Ok(())
    }

    /// True when a device of a verified chain can be sealed to now; asks for what is missing.
    pub(crate) fn session_ready(
        &mut self,
        work: &mut Work<'_>,
        address: DeviceAddress,
    ) -> Result<bool, ReadError> {
        if work.sessions(address)?.has_active(work.now.0) {
            return Ok(true);
        }
        self.need(work, Need::Bundle(address))?;
        Ok(false)
    }

    /// Of the devices that something goes to: those that can be sealed to now, and those that have no prekeys yet.
    /// None while something is on its way, and where an account would get nothing at all on any device; `own` is
    /// one of them by itself.
    ///
    /// A device without prekeys must not hold up the others. It gets the message without its key, shows that, and
    /// asks for the key as for any other that it could not open: so a server that only claims it has none hides
    /// nothing.
    pub(crate) fn sealable(
        &mut self,
        work: &mut Work<'_>,
        own: DeviceAddress,
        addresses: &[DeviceAddress],
    ) -> Result<Option<Sealable>, ReadError> {
        let (mut ready, mut without) = (Vec::with_capacity(addresses.len()), Vec::new());
        let mut waits = false;
        for address in addresses {
            if self.session_ready(work, *address)? {
                ready.push(*address);
            } else if self.without_prekeys.contains(address) {
                without.push(*address);
            } else {
                waits = true;
            }
        }
        let reached = |left_out: &DeviceAddress| {
            let account = left_out.account;
            account == own.account || ready.iter().any(|address| address.account == account)
        };
        let all_reached = without.iter().all(reached);
        Ok((!waits && all_reached).then_some(Sealable { ready, without }))
    }

    /// The device behind an address, where its account's verified chain lists it.
    pub(crate) fn remote(
        &mut self,
        work: &Work<'_>,
        address: DeviceAddress,
    ) -> Result<Option<RemoteDevice>, ReadError> {
        Ok(self
            .person(work, address.account)?
            .and_then(|person| remote_of(&person.chain, address.device)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::KeyAndHash;
    use crate::sent::Sent;
    use crate::work::testing::{EmptyStore, rng};
    use conclave_protocol::{EnvelopeId, RoomId};

    #[test]
    fn a_clock_that_was_far_ahead_once_does_not_end_the_daily_rounds() {
        let mut rng = rng();
        let now = Timestamp(1_800_000_000_000);
        let mut work = Work::new(&EmptyStore, &mut rng, now);
        let old = EnvelopeId::new(Timestamp(1), [9; 10]);
        let sent = Sent {
            room: RoomId([7; 32]),
            key: KeyAndHash::from_slice(&[1; 64]).unwrap(),
        };
        work.put_sent(old, &sent);
        work.put(Table::Own, TIDIED, &now.plus(365 * TIDY_EVERY_MS));
        work.daily_round().unwrap();
        assert!(work.sent(old).unwrap().is_none());
    }

    #[test]
    fn who_keeps_most_skipped_keys_gives_way_first() {
        assert_eq!(fair_share(20, vec![]), usize::MAX);
        assert_eq!(fair_share(20, vec![5, 15]), usize::MAX);
        assert_eq!(fair_share(20, vec![12, 3, 12]), 8);
        assert_eq!(fair_share(20, vec![100, 0, 1]), 19);
        assert_eq!(fair_share(1, vec![9, 9]), 0);
    }
}
