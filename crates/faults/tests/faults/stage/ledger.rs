//! Compares everybody's own books with what the server has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use conclave_protocol::RoomId;
use conclave_protocol::messages::StoredEnvelope;

use super::writer::{Writer, written_by};

/// What a server has of each room, in its order.
pub(crate) type Kept = BTreeMap<RoomId, Vec<StoredEnvelope>>;

/// What a comparison shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Messages whose acknowledgement a writer has.
    pub(crate) acknowledged: usize,
    /// Messages that the server has.
    pub(crate) stored: usize,
    /// Acknowledged messages that are not where the acknowledgement said.
    pub(crate) lost: usize,
    /// Messages that are there more than once, and sequences that were given twice.
    pub(crate) doubled: usize,
    /// Messages that stand before one that their writer wrote earlier, or behind a gap.
    pub(crate) reordered: usize,
}

impl Found {
    /// Nothing is lost, doubled or out of order.
    pub(crate) fn assert_whole(&self) {
        assert_eq!(
            (self.lost, self.doubled, self.reordered),
            (0, 0, 0),
            "lost, doubled, reordered: {self:?}"
        );
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            lost,
            doubled,
            reordered,
            ..
        } = self;
        write!(
            f,
            "{acknowledged} acknowledged: {lost} lost, {doubled} doubled, {reordered} reordered"
        )
    }
}

pub(crate) fn compare(writers: &[Writer], kept: &Kept) -> Found {
    let mut found = Found::default();
    let mut written: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for envelopes in kept.values() {
        found.stored += envelopes.len();
        let ids: BTreeSet<_> = envelopes.iter().map(|envelope| envelope.id).collect();
        let sequences: BTreeSet<_> = envelopes.iter().map(|envelope| envelope.sequence).collect();
        found.doubled += 2 * envelopes.len() - ids.len() - sequences.len();
        found.reordered += envelopes
            .windows(2)
            .filter(|pair| pair[0].sequence >= pair[1].sequence)
            .count();
        for envelope in envelopes {
            let (writer, number) = written_by(envelope.body.as_slice());
            written.entry(writer).or_default().push(number);
        }
    }
    for numbers in written.values() {
        found.doubled += numbers.len() - numbers.iter().collect::<BTreeSet<_>>().len();
        found.reordered += (0..)
            .zip(numbers)
            .filter(|(place, number)| place != *number)
            .count();
    }
    for writer in writers {
        found.acknowledged += writer.acknowledged.len();
        let envelopes = kept.get(&writer.room()).map(Vec::as_slice).unwrap_or_default();
        let places: BTreeMap<_, _> = envelopes
            .iter()
            .map(|envelope| (envelope.id, envelope.sequence))
            .collect();
        found.lost += writer
            .acknowledged
            .iter()
            .filter(|acknowledged| places.get(&acknowledged.id) != Some(&acknowledged.sequence))
            .count();
    }
    found
}
