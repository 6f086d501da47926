//! A PostgreSQL of a row's own, to be stopped, killed and frozen. Unlike that of the contract tests it flushes.

#[expect(
    dead_code,
    reason = "the cluster of the contract tests; here only how it finds its programs is used"
)]
#[path = "../../../../db/tests/support/cluster.rs"]
mod cluster;

use std::fmt;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::keeper::Keeper;
use super::process::signal;

/// Which engine a server stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// One cluster with one database.
pub(crate) struct Postgres {
    programs: PathBuf,
    data: PathBuf,
    /// Of its socket; it listens nowhere else.
    sockets: PathBuf,
    user: Option<(u32, u32)>,
    _keeper: Keeper,
    _folder: TempDir,
}

impl Postgres {
    /// A new one that runs.
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // PostgreSQL refuses to run as root, and its user has to reach the folder.
        let user = (std::fs::metadata(folder.path()).expect("it is there").uid() == 0)
            .then(|| ["postgres", "nobody"].into_iter().find_map(cluster::unprivileged))
            .flatten();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).expect("it is ours to give");
        }
        let programs = cluster::programs();
        let data = folder.path().join("data");
        let keeper = Keeper::begin(
            r#"p=$(head -n 1 "$1/postmaster.pid") || exit 0
               kill -CONT "$p"; kill -QUIT "$p"; while kill -0 "$p"; do sleep 0.1; done"#,
            [data.as_os_str()],
        );
        let cluster = Self {
            programs,
            sockets: folder.path().to_owned(),
            data,
            user,
            _keeper: keeper,
            _folder: folder,
        };
        cluster.run(
            "initdb",
            &[
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
            ],
        );
        cluster.start();
        cluster
    }

    /// The address of its database.
    pub(crate) fn address(&self) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            self.sockets.display()
        )
    }

    /// The address of one more database.
    pub(crate) fn fresh(&self, name: &str) -> String {
        let made = Command::new(self.programs.join("createdb"))
            .arg("--host")
            .arg(&self.sockets)
            .args(["--username=postgres", name])
            .status();
        assert!(made.expect("PostgreSQL's programs are there").success());
        self.address().replace("/postgres?", &format!("/{name}?"))
    }

    /// Starts it and waits until it takes connections.
    pub(crate) fn start(&self) {
        let options = format!("-k {} -c listen_addresses=", self.sockets.display());
        let log = self.sockets.join("log").display().to_string();
        self.run(
            "pg_ctl",
            &["--wait", "--log", &log, "--options", &options, "start"],
        );
    }

    /// Ends it as a crash does.
    pub(crate) fn stop_at_once(&self) {
        self.run("pg_ctl", &["--wait", "--mode=immediate", "stop"]);
    }

    /// `pg_ctl restart -m immediate`
    pub(crate) fn restart_at_once(&self) {
        let options = format!("-k {} -c listen_addresses=", self.sockets.display());
        let log = self.sockets.join("log").display().to_string();
        self.run(
            "pg_ctl",
            &[
                "--wait",
                "--log",
                &log,
                "--mode=immediate",
                "--options",
                &options,
                "restart",
            ],
        );
    }

    /// Stops all its processes where they stand.
    pub(crate) fn freeze(&self) {
        self.processes()
            .into_iter()
            .for_each(|process| signal(process, "STOP"));
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) {
        self.processes()
            .into_iter()
            .for_each(|process| signal(process, "CONT"));
    }

    /// The first process and all that it started.
    fn processes(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid")).expect("it runs");
        let first: u32 = text
            .lines()
            .next()
            .and_then(|line| line.parse().ok())
            .expect("its id");
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        std::iter::once(first).chain(children).collect()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command
            .arg("--pgdata")
            .arg(&self.data)
            .args(arguments)
            .current_dir(Path::new("/"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let status = command.status().expect("PostgreSQL's programs are there");
        let log = || std::fs::read_to_string(self.sockets.join("log")).unwrap_or_default();
        assert!(status.success(), "{program} {arguments:?}: {status}\n{}", log());
    }
}
