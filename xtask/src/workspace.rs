//! Where things are, and whether a step has to run again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cargo_metadata::{Metadata, MetadataCommand};
use sha2::{Digest, Sha256};

use crate::failure::{Context, Failure, Result};

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        own.parent().unwrap_or(own).to_path_buf()
    })
}

/// The workspace as cargo sees it, without other people's packages.
pub(crate) fn metadata() -> Result<&'static Metadata> {
    static METADATA: OnceLock<Result<Metadata>> = OnceLock::new();
    METADATA
        .get_or_init(|| {
            let manifest = root().join("Cargo.toml");
            MetadataCommand::new()
                .manifest_path(manifest)
                .no_deps()
                .exec()
                .context("reading the workspace")
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// Cargo's target folder.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(metadata()?.target_directory.clone().into_std_path_buf())
}

/// xtask's own folder below cargo's target folder.
pub(crate) fn scratch() -> Result<PathBuf> {
    let folder = target()?.join("xtask");
    fs::create_dir_all(&folder).context(format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// Remembers what a step read and what it wrote.
///
/// Invariant: a step is skipped only when both are as the last run left them, so a file deleted or written by
/// someone else makes it run again.
pub(crate) struct Stamp {
    file: PathBuf,
    inputs: String,
    outputs: PathBuf,
}

impl Stamp {
    pub(crate) fn new(step: &str, inputs: Fingerprint, outputs: PathBuf) -> Result<Self> {
        Ok(Self {
            file: scratch()?.join(format!("{step}.stamp")),
            inputs: inputs.finish(),
            outputs,
        })
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.line()
            .is_ok_and(|line| fs::read_to_string(&self.file).is_ok_and(|written| written == line))
    }

    pub(crate) fn write(&self) -> Result<()> {
        fs::write(&self.file, self.line()?).context(format!("writing {}", self.file.display()))
    }

    fn line(&self) -> Result<String> {
        let outputs = Fingerprint::default().tree(&self.outputs, &[])?.finish();
        Ok(format!("{} {outputs}\n", self.inputs))
    }
}

/// A hash over names and contents.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.field(words.as_bytes());
        self
    }

    pub(crate) fn file(mut self, path: &Path) -> Result<Self> {
        let content = fs::read(path).context(format!("reading {}", path.display()))?;
        self.field(&content);
        Ok(self)
    }

    /// Every file below a folder but those under the names to skip.
    pub(crate) fn tree(mut self, folder: &Path, skip: &[&str]) -> Result<Self> {
        for path in files_below(folder, skip)? {
            let name = path.strip_prefix(folder).unwrap_or(&path);
            self.field(name.to_string_lossy().as_bytes());
            self = self.file(&path)?;
        }
        Ok(self)
    }

    pub(crate) fn finish(self) -> String {
        use std::fmt::Write as _;
        self.0.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

/// The files below a folder, sorted; files and folders with the names to skip are left out.
pub(crate) fn files_below(folder: &Path, skip: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).context(format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry.context(format!("reading {}", folder.display()))?;
            let name = entry.file_name();
            if skip.iter().any(|skipped| name == *skipped) {
                continue;
            }
            let kind = entry
                .file_type()
                .context(format!("reading {}", entry.path().display()))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The version of a package in the lock file, such as the pinned `wasm-bindgen`.
pub(crate) fn locked_version(package: &str) -> Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).context("reading Cargo.lock")?;
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line == format!("name = \"{package}\"")
            && let Some(version) = lines.next().and_then(|line| line.strip_prefix("version = "))
        {
            return Ok(version.trim_matches('"').to_owned());
        }
    }
    Err(Failure::new(format!("Cargo.lock names no {package}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_sees_where_one_field_ends() {
        let one = Fingerprint::default().words("ab").words("c").finish();
        let other = Fingerprint::default().words("a").words("bc").finish();
        assert_ne!(one, other);
    }

    #[test]
    fn a_tree_leaves_out_what_it_is_told_to_skip() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let all = files_below(own, &[]).expect("xtask's own folder is readable");
        let some = files_below(own, &["src"]).expect("xtask's own folder is readable");
        assert!(all.iter().any(|path| path.ends_with("src/main.rs")));
        assert!(!some.iter().any(|path| path.ends_with("src/main.rs")));
    }
}
