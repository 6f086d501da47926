//! How far a room was applied, and how far the chain of messages of one device in it was seen: what follows what,
//! and what is missing.

use conclave_protocol::{EnvelopeId, Hash};
use minicbor::{Decode, Encode};

/// Missing messages remembered for each sender; more are counted as lost for good.
const MISSING_MAX: usize = 1_000;
/// Sequences remembered beyond a gap; a larger gap is fetched from its beginning.
const AHEAD_MAX: usize = 4_096;

/// A place in a sender's chain of messages: how many there were, and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Link {
    /// Counter of the next message.
    #[n(0)]
    pub(crate) next: u32,
    /// Hash of the last one; zeros before the first.
    #[n(1)]
    pub(crate) hash: Hash,
}

impl Link {
    /// Before the first message.
    pub(crate) const START: Self = Self {
        next: 0,
        hash: Hash([0; 32]),
    };
}

/// A message that was skipped, and the row that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Missing {
    #[n(0)]
    counter: u32,
    #[n(1)]
    pub(crate) shown_before: EnvelopeId,
}

impl Missing {
    /// Which of its device's messages it is.
    #[cfg(test)]
    pub(crate) fn counter(&self) -> u32 {
        self.counter
    }
}

/// What a message's place in its sender's chain says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It follows the last one, or begins a chain.
    Next,
    /// So many before it are missing.
    AfterGap(u32),
    /// It was missing before; the row that showed the gap now shows one less.
    Late(EnvelopeId),
}

/// How far one device's chain of messages in a room was seen.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(crate) struct Progress {
    #[n(0)]
    link: Link,
    #[n(1)]
    missing: Vec<Missing>,
    /// Room sequence of the newest message placed.
    #[n(2)]
    newest: Option<u64>,
    /// In a room of a place: the entry since which this account and the device's had both read there when a message was
    /// last placed.
    #[n(3)]
    stay: Option<u32>,
}

impl Progress {
    /// Before a device's first message, where nothing of it can be missing.
    pub(crate) const START: Self = Self {
        link: Link::START,
        missing: Vec::new(),
        newest: None,
        stay: None,
    };

    /// The first message of a device that is seen here. `expected` is the counter that it has where nothing is
    /// missing.
    pub(crate) fn begin(expected: u32, counter: u32, hash: Hash, id: EnvelopeId) -> (Self, Place) {
        let missing = (expected..counter).take(MISSING_MAX);
        let progress = Self {
            link: Link {
                next: counter.saturating_add(1),
                hash,
            },
            missing: missing
                .map(|counter| Missing {
                    counter,
                    shown_before: id,
                })
                .collect(),
            newest: None,
            stay: None,
        };
        let place = match counter.saturating_sub(expected) {
            0 => Place::Next,
            skipped => Place::AfterGap(skipped),
        };
        (progress, place)
    }

    /// Takes a message of the past, which comes in any order: what comes live goes on behind the newest of them. Gives
    /// the row that showed it as missing, if any did.
    pub(crate) fn take_past(&mut self, counter: u32, hash: Hash) -> Option<EnvelopeId> {
        if let Some(late) = self.missing.iter().position(|missing| missing.counter == counter) {
            return Some(self.missing.remove(late).shown_before);
        }
        if counter >= self.link.next {
            self.link = Link {
                next: counter.saturating_add(1),
                hash,
            };
        }
        None
    }

    /// Takes the next message that came.
    pub(crate) fn place(&mut self, counter: u32, previous: Hash, hash: Hash, id: EnvelopeId) -> Place {
        if let Some(late) = self.missing.iter().position(|missing| missing.counter == counter) {
            return Place::Late(self.missing.remove(late).shown_before);
        }
        let expected = self.link;
        if counter != 0 && counter < expected.next {
            // It was given up as missing and came after all; the chain has gone on.
            return Place::Next;
        }
        self.link = Link {
            next: counter.saturating_add(1),
            hash,
        };
        if counter == 0 {
            // The device begins anew; what was missing before will not come.
            self.missing.clear();
            return Place::Next;
        }
        let skipped = counter.saturating_sub(expected.next);
        if skipped == 0 {
            // A message that names another predecessor continues a history that was not shown here.
            return if previous == expected.hash {
                Place::Next
            } else {
                Place::AfterGap(1)
            };
        }
        let room = MISSING_MAX.saturating_sub(self.missing.len());
        let missing = (expected.next..counter).take(room);
        self.missing.extend(missing.map(|counter| Missing {
            counter,
            shown_before: id,
        }));
        Place::AfterGap(skipped)
    }

    /// A message is placed that was said while both accounts had read the room since that entry. What the device said
    /// between an earlier stay and this one was not for this account, or was cut off by its own account's departure: it
    /// is not missing.
    pub(crate) fn enters(&mut self, stay: u32, counter: u32, previous: Hash) {
        let was_away = self.stay.replace(stay).is_some_and(|before| before != stay);
        if was_away && counter > self.link.next {
            self.link = Link {
                next: counter,
                hash: previous,
            };
        }
    }

    /// Notes the room sequence of a message that was placed.
    pub(crate) fn note_placed(&mut self, sequence: u64) {
        self.newest = self.newest.max(Some(sequence));
    }

    /// Takes a message that stood closed before. Where later messages of the device were placed already, the chain
    /// goes on from them, and only what is counted as missing changes: `explained` is what was taken off that count
    /// when the closed message was found, and is put back where it was another one. Then the row that shows one more
    /// missing message is named as well.
    pub(crate) fn place_opened_later(
        &mut self,
        (counter, previous, hash): (u32, Hash, Hash),
        (id, sequence): (EnvelopeId, u64),
        explained: Option<Missing>,
    ) -> (Place, Option<EnvelopeId>) {
        if self.newest.is_none_or(|newest| newest <= sequence) {
            return (self.place(counter, previous, hash, id), None);
        }
        let Some(at) = self.missing.iter().position(|missing| missing.counter == counter) else {
            return (Place::Next, None);
        };
        let found = self.missing.remove(at);
        if let Some(other) = explained {
            self.missing.push(other);
            self.missing.sort_unstable_by_key(|missing| missing.counter);
        }
        (
            Place::Late(found.shown_before),
            explained.map(|other| other.shown_before),
        )
    }

    /// A missing message of this device was found, though it cannot be opened: it is shown in its own place now, and
    /// not counted before a later one.
    pub(crate) fn explain_missing(&mut self, sequence: u64) -> Option<Missing> {
        // What is newer than all that was opened was not missing before any of it.
        let was_skipped = self.newest.is_none_or(|newest| sequence < newest);
        (was_skipped && !self.missing.is_empty()).then(|| self.missing.remove(0))
    }
}

/// Notes that a sequence was applied: `cursor` is the end of those without a gap, `ahead` holds those beyond one.
pub(crate) fn apply(cursor: &mut u64, ahead: &mut Vec<u64>, sequence: u64) {
    if sequence <= *cursor || ahead.contains(&sequence) {
        return;
    }
    ahead.push(sequence);
    ahead.sort_unstable();
    close_up(cursor, ahead);
    ahead.truncate(AHEAD_MAX);
}

/// Notes that nothing more is to be had between the cursor and `sequence`.
pub(crate) fn apply_up_to(cursor: &mut u64, ahead: &mut Vec<u64>, sequence: u64) {
    *cursor = sequence.max(*cursor);
    ahead.retain(|ahead| *ahead > sequence);
    close_up(cursor, ahead);
}

fn close_up(cursor: &mut u64, ahead: &mut Vec<u64>) {
    ahead.retain(|sequence| {
        let next = *sequence == cursor.saturating_add(1);
        if next {
            *cursor = *sequence;
        }
        !next
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> EnvelopeId {
        EnvelopeId([n; 16])
    }

    #[test]
    fn what_comes_live_follows_the_newest_message_of_the_past_in_whatever_order_that_was_read() {
        let hash = |n: u8| Hash([n; 32]);
        for order in [[3, 4], [4, 3]] {
            let [first, second] = order;
            let counter = u32::from;
            let (mut progress, _) = Progress::begin(counter(first), counter(first), hash(first), id(first));
            assert_eq!(progress.take_past(counter(second), hash(second)), None);
            assert_eq!(
                progress.place(5, hash(4), hash(5), id(5)),
                Place::Next,
                "{order:?}"
            );
        }
    }

    #[test]
    fn a_message_of_the_past_that_a_live_one_missed_is_missing_no_longer() {
        let (mut progress, _) = Progress::begin(2, 2, Hash([2; 32]), id(2));
        let place = progress.place(4, Hash([3; 32]), Hash([4; 32]), id(4));
        assert_eq!(place, Place::AfterGap(1));
        assert_eq!(progress.take_past(3, Hash([3; 32])), Some(id(4)));
        assert_eq!(progress.take_past(3, Hash([3; 32])), None);
        assert_eq!(
            progress.place(5, Hash([4; 32]), Hash([5; 32]), id(5)),
            Place::Next
        );
    }
}
