//! `conclave-encoding`: what a reader accepts is exactly what a writer writes.

use conclave_encoding::{Reader, Writer, labels};

use crate::script::Script;

/// The first 16 bytes say in which order to read fields, the rest is read.
///
/// Law: the fields that were read, written again, are the bytes that were read.
pub(crate) fn reader(input: &[u8]) {
    let mut script = Script::new(input);
    let fields: [u8; 16] = std::array::from_fn(|_| script.byte());
    let bytes = script.rest();
    let Ok(mut reader) = Reader::new(labels::LOGIN, bytes) else {
        return;
    };
    let mut writer = Writer::new(labels::LOGIN);
    for field in fields {
        let Some(written) = copy(field, &mut reader, writer) else {
            return;
        };
        writer = written;
    }
    let is_all = reader.finish().is_ok();
    let written = writer.finish();
    assert!(bytes.starts_with(&written), "a field has two encodings");
    assert_eq!(is_all, bytes.len() == written.len());
}

fn copy(field: u8, reader: &mut Reader<'_>, writer: Writer) -> Option<Writer> {
    Some(match field % 8 {
        0 => writer,
        1 => writer.u8(reader.u8().ok()?),
        2 => writer.u16(reader.u16().ok()?),
        3 => writer.u32(reader.u32().ok()?),
        4 => writer.u64(reader.u64().ok()?),
        5 => writer.fixed::<32>(&reader.fixed().ok()?),
        6 => {
            let limit = usize::from(field);
            let bytes = reader.bytes(limit).ok()?;
            assert!(bytes.len() <= limit);
            writer.bytes(bytes)
        }
        _ => writer.option_fixed::<16>(reader.option_fixed().ok()?.as_ref()),
    })
}
