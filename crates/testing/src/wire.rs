//! Everything that one device sent and received, for tests that look for what must not be there.

use std::sync::{Arc, Mutex};

use conclave_sdk::{Direction, Tap};

/// One frame or body as it went over the wire.
#[derive(Clone, Debug)]
pub struct WireRecord {
    /// Which way.
    pub direction: Direction,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A recording of one device's traffic.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Vec<WireRecord>>>);

impl Wire {
    /// What was recorded so far.
    pub fn records(&self) -> Vec<WireRecord> {
        self.0.lock().expect("no recorder panics").clone()
    }

    /// What was recorded so far is forgotten.
    pub fn forget(&self) {
        self.0.lock().expect("no recorder panics").clear();
    }

    pub(crate) fn tap(&self) -> Tap {
        let records = Arc::clone(&self.0);
        Arc::new(move |direction, bytes| {
            let record = WireRecord {
                direction,
                bytes: bytes.to_vec(),
            };
            records.lock().expect("no recorder panics").push(record);
        })
    }
}
