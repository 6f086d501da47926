//! Clears away what would outlive these tests, in whatever way they end.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that waits until its standard input closes, which happens at the latest when this process ends, and then
/// does what it was told.
pub(crate) struct Keeper(Child);

impl Keeper {
    /// `script` finds its words in `$1`, `$2`, ….
    pub(crate) fn begin<S: AsRef<OsStr>>(script: &str, words: impl IntoIterator<Item = S>) -> Self {
        let waiting = format!("trap '' INT TERM HUP; cat >/dev/null; {script}");
        let keeper = Command::new("sh")
            .args(["-c", &waiting, "keeper"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at a terminal is for the tests, not for who clears up behind them.
            .process_group(0)
            .spawn();
        Self(keeper.expect("a shell"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
