//! Running other programs: each is printed before it runs, so that one can repeat it by hand.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Result};
use crate::workspace;

/// A program about to run at the top of the repository.
pub(crate) struct Run {
    command: Command,
    words: String,
}

/// What a program that has ended left behind.
pub(crate) struct Ended {
    pub(crate) ok: bool,
    pub(crate) output: String,
}

impl Run {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.current_dir(workspace::root());
        Self {
            command,
            words: program.as_ref().to_string_lossy().into_owned(),
        }
    }

    /// The same cargo that runs xtask.
    pub(crate) fn cargo() -> Self {
        let mut run = Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        run.words = "cargo".into();
        run
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        for argument in arguments {
            self.words.push(' ');
            self.words.push_str(&argument.as_ref().to_string_lossy());
            self.command.arg(argument);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn envs(mut self, pairs: impl IntoIterator<Item = (&'static str, OsString)>) -> Self {
        self.command.envs(pairs);
        self
    }

    pub(crate) fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it in sight of the person; fails when it does.
    pub(crate) fn run(mut self) -> Result<()> {
        self.announce();
        let status = self
            .command
            .status()
            .context(format!("`{}` did not start", self.words))?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(&status.to_string()))
        }
    }

    /// Runs it in sight of the person and also returns what it printed to standard output.
    pub(crate) fn tee(mut self) -> Result<Ended> {
        self.announce();
        let start = format!("`{}` did not start", self.words);
        let mut child = self.command.stdout(Stdio::piped()).spawn().context(start)?;
        let mut output = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .context("reading a program's output")?
                > 0
            {
                let mut terminal = std::io::stdout().lock();
                terminal
                    .write_all(&line)
                    .and_then(|()| terminal.flush())
                    .context("writing to the terminal")?;
                output.push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        }
        let status = child.wait().context(format!("`{}` was lost", self.words))?;
        Ok(Ended {
            ok: status.success(),
            output,
        })
    }

    /// Runs it out of sight and returns its standard output; `None` when it is missing or fails.
    pub(crate) fn quiet(mut self) -> Option<String> {
        let output = self
            .command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it out of sight and returns its standard output, however it ends; `None` when it is missing.
    pub(crate) fn said(mut self) -> Option<String> {
        let command = self.command.stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it out of sight; a failure carries what it printed.
    pub(crate) fn capture(mut self) -> Result<String> {
        let start = format!("`{}` did not start", self.words);
        let output = self.command.stdin(Stdio::null()).output().context(start)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(self.failed(&format!("{}\n{}", output.status, printed.trim_end())))
    }

    /// Becomes that program, so that signals reach it directly; returns only when that fails.
    #[cfg(unix)]
    pub(crate) fn replace(mut self) -> Failure {
        use std::os::unix::process::CommandExt;
        self.announce();
        let error = self.command.exec();
        Failure::new(format!("`{}` did not start: {error}", self.words))
    }

    fn announce(&self) {
        eprintln!("$ {}", self.words);
    }

    fn failed(&self, how: &str) -> Failure {
        Failure::new(format!("`{}` failed: {how}", self.words))
    }
}

/// Whether a program of that name is in the PATH.
pub(crate) fn exists(program: &str) -> bool {
    find(program).is_some()
}

/// Where a program of that name is.
pub(crate) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
