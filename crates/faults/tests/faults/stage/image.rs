//! A small disk of one's own: a file that is mounted as an ext4 file system.
//!
//! What a program wrote and did not flush lies in the page cache of the mounted system, and the file does not have it;
//! what it flushed, the file has. So a copy of the file is what a power cut leaves of a disk that keeps what it was
//! told to keep.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::keeper::Keeper;

/// Copies of a file that goes on changing while it is copied are none that a power cut could leave.
const TRIES: usize = 20;

/// A mounted image; dropped, it is unmounted.
pub(crate) struct Disk {
    pub(crate) image: PathBuf,
    pub(crate) folder: PathBuf,
    /// Nothing while it is not mounted.
    keeper: Option<Keeper>,
}

/// Why there are no disks here.
pub(crate) fn impossible() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("disks of one's own need Linux");
    }
    let folder = tempfile::tempdir().expect("a folder");
    match Disk::try_make(folder.path(), "probe", 8) {
        Some(_) => None,
        None => Some("an image cannot be mounted here: it takes root and a loop device"),
    }
}

impl Disk {
    /// A new one of `mebibytes` in `folder`, mounted.
    pub(crate) fn make(folder: &Path, name: &str, mebibytes: u64) -> Self {
        Self::try_make(folder, name, mebibytes).expect("it was possible before")
    }

    fn try_make(folder: &Path, name: &str, mebibytes: u64) -> Option<Self> {
        let image = folder.join(name).with_extension("img");
        let file = std::fs::File::create(&image).ok()?;
        file.set_len(mebibytes * 1024 * 1024).ok()?;
        // No blocks are kept back for root, who writes here.
        let made = run(
            "mkfs.ext4",
            &["-q", "-F", "-m", "0", &image.display().to_string()],
        );
        made.then(|| Self::try_mount(&image)).flatten()
    }

    /// Mounts an image that is there.
    pub(crate) fn mount(image: &Path) -> Self {
        Self::try_mount(image).expect("it was possible before")
    }

    fn try_mount(image: &Path) -> Option<Self> {
        let folder = image.with_extension("disk");
        std::fs::create_dir_all(&folder).ok()?;
        let (from, to) = (image.display().to_string(), folder.display().to_string());
        run("mount", &["-o", "loop", &from, &to]).then(|| Self {
            image: image.to_owned(),
            // However these tests end, nothing stays mounted. Lazily: a killed server may not be gone yet.
            keeper: Some(Keeper::begin(r#"umount "$1" || umount --lazy "$1""#, [&folder])),
            folder,
        })
    }

    /// Unmounts, which flushes.
    pub(crate) fn unmount(mut self) -> PathBuf {
        self.keeper.take();
        self.image.clone()
    }

    /// Copies the image as it is, flushing nothing. Nobody may write meanwhile but the system, of its own accord:
    /// when it did, the copy is made again.
    pub(crate) fn cut(&self, name: &str) -> PathBuf {
        let copy = self.image.with_file_name(name).with_extension("img");
        for _ in 0..TRIES {
            let before = self.written();
            copy_file(&self.image, &copy);
            if self.written() == before {
                return copy;
            }
        }
        panic!("somebody goes on writing to {}", self.image.display());
    }

    /// Sectors that were written to the disk so far.
    fn written(&self) -> u64 {
        let listed = Command::new("losetup")
            .args(["--noheadings", "--output", "NAME", "--associated"])
            .arg(&self.image)
            .output()
            .expect("losetup");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let device = listed.trim().trim_start_matches("/dev/");
        let counts = std::fs::read_to_string(format!("/sys/block/{device}/stat")).expect("a loop device");
        let written = counts
            .split_whitespace()
            .nth(6)
            .and_then(|count| count.parse().ok());
        written.expect("Linux counts sectors")
    }
}

/// Copies what is not zeros: an image is mostly empty.
fn copy_file(from: &Path, to: &Path) {
    const CHUNK: usize = 256 * 1024;
    let (from, to) = (
        std::fs::File::open(from).expect("the image"),
        std::fs::File::create(to).expect("a copy"),
    );
    let length = from.metadata().expect("its size").len();
    to.set_len(length).expect("room");
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < length {
        let read = from.read_at(&mut chunk, at).expect("it can be read");
        let bytes = &chunk[..read];
        if bytes.iter().any(|byte| *byte != 0) {
            to.write_all_at(bytes, at).expect("room");
        }
        at += u64::try_from(read).expect("a chunk is small");
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
