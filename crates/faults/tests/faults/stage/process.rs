//! The server as a process of its own, to be killed, stopped and looked at.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use conclave_protocol::Token;
use tokio::time::{Instant, sleep};

use super::door::{Door, PATIENCE};

/// Limits that many devices behind one address never meet.
const LIMITS: [&str; 11] = [
    "sign_in",
    "sign_in_handle",
    "second_step",
    "registration",
    "links",
    "entries",
    "look_ups",
    "place_entries",
    "prekey_claims",
    "prekey_claims_of_device",
    "frames",
];

/// Which program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The one that people run.
    Real,
    /// The one of this package, as it is: its clock can be moved.
    Moved,
    /// The one of this package, which does not flush what it commits.
    Unflushed,
}

impl Program {
    fn command(self, config: &Path) -> Command {
        let mut command = match self {
            Self::Real => Command::new(real()),
            Self::Moved | Self::Unflushed => Command::new(env!("CARGO_BIN_EXE_conclave-faults")),
        };
        command.arg("--config").arg(config);
        match self {
            Self::Real => command.arg("serve"),
            Self::Moved => &mut command,
            Self::Unflushed => command.arg("--unflushed"),
        };
        command
    }
}

/// The server's own program: what `CONCLAVE_TEST_SERVER` names, or the one that cargo built beside this test.
pub(crate) fn real() -> PathBuf {
    if let Some(named) = std::env::var_os("CONCLAVE_TEST_SERVER") {
        return named.into();
    }
    let own = std::env::current_exe().expect("this program is somewhere");
    let beside = own.parent().and_then(Path::parent).expect("cargo's folder");
    let program = beside.join("conclave-server");
    assert!(
        program.is_file(),
        "{} is not built: `cargo xtask test faults` builds it",
        program.display()
    );
    program
}

/// A folder with a configuration; servers begin over it one after another.
#[derive(Clone, Debug)]
pub(crate) struct House {
    folder: PathBuf,
    pub(crate) address: SocketAddr,
}

impl House {
    /// One in `folder`, whose data lies in `data` there, over a database; SQLite in the data where none is named.
    pub(crate) fn build(folder: &Path, database: Option<&str>) -> Self {
        Self::build_with(folder, database, "")
    }

    /// As [`Self::build`], with further limits.
    pub(crate) fn build_with(folder: &Path, database: Option<&str>, limits: &str) -> Self {
        let address = free_address();
        let database = database.map(|database| format!("database = \"{database}\"\n"));
        let unlimited: Vec<String> = LIMITS
            .iter()
            .map(|limit| format!("{limit} = {{ burst = 1000000, every_ms = 1 }}\n"))
            .collect();
        let text = format!(
            "listen = \"{address}\"\ndata = \"{}\"\n{}log = \"warn\"\n[limits]\n{}{limits}",
            folder.join("data").display(),
            database.unwrap_or_default(),
            unlimited.concat(),
        );
        std::fs::write(folder.join("conclave.toml"), text).expect("a configuration");
        Self {
            folder: folder.to_owned(),
            address,
        }
    }

    pub(crate) fn door(&self) -> Door {
        Door(self.address)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The token of the set-up link.
    pub(crate) fn setup_token(&self) -> Token {
        let text = std::fs::read_to_string(self.data().join("secrets/setup-token"));
        Token(text.expect("a set-up token").trim().to_owned())
    }

    /// Everything that servers over this folder said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        // Beside the folder: it may lie on a disk that is to be full or cut off.
        self.folder.with_extension("log")
    }

    /// Starts a program and does not wait for it.
    pub(crate) fn start(&self, program: Program) -> Server {
        let log = OpenOptions::new().create(true).append(true).open(self.log_file());
        let log: File = log.expect("a log");
        let child = program
            .command(&self.folder.join("conclave.toml"))
            .env_remove("CONCLAVE_CONFIG")
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the log once more"))
            .stderr(log)
            .spawn();
        Server {
            child: Some(child.expect("the server starts")),
            house: self.clone(),
            began: Instant::now(),
        }
    }

    /// Starts a program and waits until it is ready; also says how long that took.
    pub(crate) async fn open(&self, program: Program) -> (Server, Duration) {
        let mut server = self.start(program);
        let took = server.ready().await;
        (server, took)
    }

    /// Nothing in the server panicked; a handler that does is answered and logged.
    pub(crate) fn assert_no_panic(&self) {
        let log = self.log();
        let panicked: Vec<&str> = log.lines().filter(|line| line.contains("panicked")).collect();
        assert!(panicked.is_empty(), "{panicked:#?}");
    }
}

/// A running server; dropped, it is killed.
pub(crate) struct Server {
    child: Option<Child>,
    house: House,
    began: Instant,
}

impl Server {
    /// Waits until it can do its work; says how long after its start that was.
    pub(crate) async fn ready(&mut self) -> Duration {
        loop {
            if self.is_ready().await {
                return self.began.elapsed();
            }
            if let Some(status) = self.ended() {
                panic!("the server ended ({status}):\n{}", self.house.log());
            }
            assert!(
                self.began.elapsed() < PATIENCE,
                "never ready:\n{}",
                self.house.log()
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.house.door().try_get("/readyz", None).await;
        answer.is_some_and(|answer| answer.status.is_success())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// How it ended, where it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("a child can be asked")
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) {
        signal(self.id(), "TERM");
        if let Some(mut child) = self.child.take() {
            child.wait().expect("it ends");
        }
    }

    /// Stops it where it stands, so that it can be looked at.
    pub(crate) fn freeze(&self) {
        signal(self.id(), "STOP");
    }

    /// Moves the clock of a [`Program::Moved`].
    pub(crate) fn move_clock(&mut self, milliseconds: i64) {
        let child = self.child.as_mut().expect("it runs");
        let input = child.stdin.as_mut().expect("its input is open");
        writeln!(input, "{milliseconds}").expect("it listens");
    }

    /// Bytes of memory that it holds.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        kibibytes.expect("Linux says it") * 1024
    }

    /// Time that it had of the processors.
    pub(crate) fn computed(&self) -> Duration {
        /// Linux counts in these, whatever it does inside.
        const TICKS_A_SECOND: u64 = 100;

        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // Behind the name, which may hold anything; there, its own time and the system's for it.
        let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
        let times = rest.split_whitespace().skip(11).take(2);
        let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_A_SECOND)
    }

    /// Bytes on their way to clients that the system holds for it.
    pub(crate) fn under_way(&self) -> u64 {
        let listed = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let port = format!(":{:04X}", self.house.address.port());
        let mut bytes = 0;
        for line in listed.lines().skip(1) {
            let mut words = line.split_whitespace().skip(1);
            let is_ours = words.next().is_some_and(|local| local.ends_with(&port));
            // Behind the other end's address and the state.
            let queues = words.nth(2).and_then(|queues| queues.split_once(':'));
            if let Some((sent, _)) = queues.filter(|_| is_ours) {
                bytes += u64::from_str_radix(sent, 16).unwrap_or_default();
            }
        }
        bytes
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("kill").success(), "{process} takes no {name}");
}

/// An address that nobody listens at.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
