//! Compressing the web app once, at build time, so that the server never does at run time.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::{Context, Result};
use crate::workspace;

/// What shrinks; pictures and fonts are compressed already.
const EXTENSIONS: &[&str] = &[
    "css",
    "html",
    "js",
    "json",
    "mjs",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
    "xml",
];

/// Above this size the highest quality takes longer than it gains.
const LARGE: usize = 512 * 1024;

/// The highest quality.
const BEST: u32 = 11;

/// Writes `name.br` beside each file of a folder that gets smaller by it.
pub(crate) fn write_siblings(folder: &Path) -> Result<()> {
    let (mut before, mut after) = (0, 0);
    for path in workspace::files_below(folder, &[])? {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        if !EXTENSIONS.contains(&extension) {
            continue;
        }
        let content = fs::read(&path).context(format!("reading {}", path.display()))?;
        let compressed = brotli(&content)?;
        before += content.len();
        after += compressed.len().min(content.len());
        if compressed.len() < content.len() {
            let sibling = path.with_extension(format!("{extension}.br"));
            fs::write(&sibling, compressed).context(format!("writing {}", sibling.display()))?;
        }
    }
    eprintln!("web app: {} KB, {} KB by brotli", before / 1024, after / 1024);
    Ok(())
}

pub(crate) fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    brotli_at(if content.len() > LARGE { 9 } else { BEST }, content)
}

/// How small brotli gets it, however long that takes.
pub(crate) fn brotli_size(content: &[u8]) -> Result<usize> {
    Ok(brotli_at(BEST, content)?.len())
}

fn brotli_at(quality: u32, content: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 64 * 1024, quality, 22);
    writer
        .write_all(content)
        .and_then(|()| writer.flush())
        .context("compressing")?;
    drop(writer);
    Ok(compressed)
}

pub(crate) fn gzip_size(content: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    encoder.write_all(content).context("compressing")?;
    Ok(encoder.finish().context("compressing")?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_opens_to_the_same_bytes() {
        let content = b"a quiet room, good light; ".repeat(100);
        let compressed = brotli(&content).expect("memory is writable");
        assert!(compressed.len() < content.len() / 10);
        let mut opened = Vec::new();
        brotli::BrotliDecompress(&mut compressed.as_slice(), &mut opened).expect("it is brotli");
        assert_eq!(opened, content);
        assert!(gzip_size(&content).expect("memory is writable") < content.len() / 10);
    }
}
