//! What stands inside a backup's seal: parts, each with its kind and length. Rows follow their table one by one, so
//! that neither side holds more than one batch.
//!
//! ```text
//! head      JSON: the format, the version that wrote it, the schema, when it was made
//! secret    its name, a zero, its bytes
//! table     JSON: the name and the columns with their kinds
//! row       its values, in the order of the columns
//! table end JSON: how many rows, and the hash over them
//! end       JSON: how many parts stood before it, and a hash over them all
//! ```

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use conclave_db::{Kind, Row, Table, TableSum, Value};
use conclave_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::sealing::damaged;

/// Of this format.
pub(super) const FORMAT: u32 = 1;
/// Longer than the longest row: an envelope's body is at most 256 KiB.
const PART_MAX: u32 = 16 * 1024 * 1024;

/// The beginning of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The format of what follows.
    pub format: u32,
    /// The version of Conclave that wrote it.
    pub version: String,
    /// The database's schema.
    pub schema: i64,
    /// When its view of the database was taken.
    pub made_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct TableHead {
    name: String,
    columns: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct TableEnd {
    rows: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct End {
    parts: u64,
    sha256: String,
}

const HEAD: u8 = 1;
const SECRET: u8 = 2;
const TABLE: u8 = 3;
const ROW: u8 = 4;
const TABLE_END: u8 = 5;
const END: u8 = 6;

/// A part of a backup, as it is read.
pub(super) enum Part {
    Head(Head),
    Secret { name: String, bytes: Zeroizing<Vec<u8>> },
    Table(&'static Table),
    Row(Row),
    TableEnd(TableSum),
    End,
}

/// Writes parts.
pub(super) struct Writing<W: Write> {
    inner: W,
    hash: Sha256,
    parts: u64,
    buffer: Zeroizing<Vec<u8>>,
}

impl<W: Write> Writing<W> {
    pub(super) fn begin(inner: W, head: &Head) -> io::Result<Self> {
        let mut writing = Self {
            inner,
            hash: Sha256::new(),
            parts: 0,
            buffer: Zeroizing::new(Vec::new()),
        };
        writing.part(HEAD, &serde_json::to_vec(head)?)?;
        Ok(writing)
    }

    pub(super) fn secret(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let part = Zeroizing::new([name.as_bytes(), &[0], bytes].concat());
        self.part(SECRET, &part)
    }

    pub(super) fn table(&mut self, table: &Table) -> io::Result<()> {
        let columns = table.columns.iter();
        let head = TableHead {
            name: table.name.to_owned(),
            columns: columns
                .map(|(name, kind)| ((*name).to_owned(), kind.word().to_owned()))
                .collect(),
        };
        self.part(TABLE, &serde_json::to_vec(&head)?)
    }

    pub(super) fn row(&mut self, row: &[Value]) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        for value in row {
            value.append_to(&mut buffer);
        }
        let written = self.part(ROW, &buffer);
        self.buffer = buffer;
        written
    }

    pub(super) fn table_end(&mut self, sum: &TableSum) -> io::Result<()> {
        let end = TableEnd {
            rows: sum.rows,
            sha256: hex(&sum.hash),
        };
        self.part(TABLE_END, &serde_json::to_vec(&end)?)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        let end = End {
            parts: self.parts,
            sha256: hex(&self.hash.clone().finalize()),
        };
        self.part(END, &serde_json::to_vec(&end)?)?;
        Ok(self.inner)
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length > PART_MAX {
            return Err(io::Error::other("a row is too long for a backup"));
        }
        let mut head = [kind, 0, 0, 0, 0];
        head[1..].copy_from_slice(&length.to_be_bytes());
        self.hash.update(head);
        self.hash.update(bytes);
        self.parts += 1;
        self.inner.write_all(&head)?;
        self.inner.write_all(bytes)
    }
}

/// Reads parts.
pub(super) struct Reading<R: Read> {
    inner: R,
    hash: Sha256,
    parts: u64,
    table: Option<&'static Table>,
}

impl<R: Read> Reading<R> {
    pub(super) fn begin(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            parts: 0,
            table: None,
        }
    }

    /// The next part. Behind [`Part::End`] there is none.
    pub(super) fn next(&mut self) -> io::Result<Part> {
        let mut head = [0; 5];
        self.inner.read_exact(&mut head).map_err(cut)?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > PART_MAX {
            return Err(damaged("a part of it is longer than any part is"));
        }
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or_default()]);
        self.inner.read_exact(&mut bytes).map_err(cut)?;
        let part = match (kind, self.table) {
            (HEAD, None) => Part::Head(parse(&bytes)?),
            (SECRET, None) => secret(&bytes)?,
            (TABLE, None) => {
                let table = table_of(&parse(&bytes)?)?;
                self.table = Some(table);
                Part::Table(table)
            }
            (ROW, Some(table)) => Part::Row(row(&bytes, table)?),
            (TABLE_END, Some(table)) => {
                self.table = None;
                let end: TableEnd = parse(&bytes)?;
                Part::TableEnd(TableSum {
                    table: table.name.to_owned(),
                    rows: end.rows,
                    hash: from_hex(&end.sha256)?,
                })
            }
            (END, None) => {
                let end: End = parse(&bytes)?;
                let found = hex(&self.hash.clone().finalize());
                if end.parts != self.parts || end.sha256 != found {
                    return Err(damaged("its checksum is another one"));
                }
                let mut more = [0];
                if self.inner.read(&mut more)? != 0 {
                    return Err(damaged("something follows its end"));
                }
                Part::End
            }
            _ => return Err(damaged("its parts are not in their order")),
        };
        self.hash.update(head);
        self.hash.update(&bytes);
        self.parts += 1;
        Ok(part)
    }
}

fn cut(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        damaged("it ends too early")
    } else {
        error
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|_| damaged("a part of it cannot be read"))
}

fn secret(bytes: &[u8]) -> io::Result<Part> {
    let mut halves = bytes.splitn(2, |byte| *byte == 0);
    let (Some(name), Some(bytes)) = (halves.next(), halves.next()) else {
        return Err(damaged("a secret in it has no name"));
    };
    let name = std::str::from_utf8(name).map_err(|_| damaged("a secret's name cannot be read"))?;
    // It becomes a file's name.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(damaged("a secret's name is not one"));
    }
    Ok(Part::Secret {
        name: name.to_owned(),
        bytes: Zeroizing::new(bytes.to_vec()),
    })
}

fn table_of(head: &TableHead) -> io::Result<&'static Table> {
    let same = |table: &&'static Table| {
        let columns = table.columns.iter().map(|(name, kind)| (*name, kind.word()));
        columns.eq(head
            .columns
            .iter()
            .map(|(name, kind)| (name.as_str(), kind.as_str())))
    };
    conclave_db::find_table(&head.name)
        .filter(same)
        .ok_or_else(|| damaged("it holds a table that this version does not know"))
}

fn row(mut bytes: &[u8], table: &Table) -> io::Result<Row> {
    let wrong = || damaged("a row in it cannot be read");
    let mut row = Vec::with_capacity(table.columns.len());
    for (_, kind) in table.columns {
        let (&[tag], rest) = bytes.split_first_chunk::<1>().ok_or_else(wrong)?;
        bytes = rest;
        let value = match (tag, kind) {
            (0, _) => Value::Null,
            (1, Kind::Bytes) => Value::Bytes(long(&mut bytes).ok_or_else(wrong)?),
            (2, Kind::Text) => {
                let text = long(&mut bytes).ok_or_else(wrong)?;
                Value::Text(String::from_utf8(text).map_err(|_| wrong())?)
            }
            (3, Kind::Number) => {
                let (number, rest) = bytes.split_first_chunk().ok_or_else(wrong)?;
                bytes = rest;
                Value::Number(i64::from_be_bytes(*number))
            }
            (4, Kind::Truth) => {
                let (&[truth], rest) = bytes.split_first_chunk::<1>().ok_or_else(wrong)?;
                bytes = rest;
                Value::Truth(truth == 1)
            }
            _ => return Err(wrong()),
        };
        row.push(value);
    }
    if bytes.is_empty() { Ok(row) } else { Err(wrong()) }
}

fn long(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (value, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(value.to_vec())
}

/// Bytes as small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a text does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn from_hex(text: &str) -> io::Result<[u8; 32]> {
    let wrong = || damaged("a checksum in it is not one");
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
