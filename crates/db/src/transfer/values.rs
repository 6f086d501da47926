//! Values as they stand between the engines, and what sums a table of them up.

use sha2::{Digest, Sha256};

use crate::tables::{Kind, Table};

/// One value of a row.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Absent.
    Null,
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// A number or a time.
    Number(i64),
    /// True or false.
    Truth(bool),
}

/// The values of one row, in the order of the table's columns.
pub type Row = Vec<Value>;

/// What stands in a table: the same for the same rows, on either engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSum {
    /// The table's name.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of its columns and rows, in the order of its key.
    pub hash: [u8; 32],
}

impl Value {
    /// The value for hashes and files: its kind, the length of what can be long, the value.
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        let long = |bytes: &mut Vec<u8>, kind: u8, value: &[u8]| {
            bytes.push(kind);
            // No engine holds a value of 4 GiB.
            bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(value);
        };
        match self {
            Self::Null => bytes.push(0),
            Self::Bytes(value) => long(bytes, 1, value),
            Self::Text(value) => long(bytes, 2, value.as_bytes()),
            Self::Number(value) => {
                bytes.push(3);
                bytes.extend(value.to_be_bytes());
            }
            Self::Truth(value) => bytes.extend([4, u8::from(*value)]),
        }
    }

    pub(super) fn fits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Null, _)
                | (Self::Bytes(_), Kind::Bytes)
                | (Self::Text(_), Kind::Text)
                | (Self::Number(_), Kind::Number)
                | (Self::Truth(_), Kind::Truth)
        )
    }
}

/// Sums a table up, row by row.
pub struct Summing {
    table: &'static Table,
    rows: u64,
    hash: Sha256,
    buffer: Vec<u8>,
}

impl Summing {
    /// Of a table without rows.
    pub fn new(table: &'static Table) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"conclave table\0");
        hash.update(table.name);
        for (column, kind) in table.columns {
            hash.update([0]);
            hash.update(column);
            hash.update([0]);
            hash.update(kind.word());
        }
        hash.update([0, 0]);
        Self {
            table,
            rows: 0,
            hash,
            buffer: Vec::new(),
        }
    }

    /// One more row.
    pub fn add(&mut self, row: &[Value]) {
        self.buffer.clear();
        for value in row {
            value.append_to(&mut self.buffer);
        }
        self.hash.update(&self.buffer);
        self.rows = self.rows.saturating_add(1);
    }

    /// The sum.
    pub fn end(self) -> TableSum {
        TableSum {
            table: self.table.name.to_owned(),
            rows: self.rows,
            hash: self.hash.finalize().into(),
        }
    }
}
