//! A real PostgreSQL server for the tests, thrown away afterwards.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::setup;

/// Names the server to the tests: the address of a superuser's database, in which each test makes its own.
pub(crate) const VARIABLE: &str = "CONCLAVE_TEST_POSTGRES";

const USER: &str = "conclave";

/// A running server; it stops, and its files go, when this is dropped.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    server: Child,
    url: String,
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        let missing =
            || Failure::new("PostgreSQL's server programs are missing; `cargo xtask setup` installs them");
        let programs = setup::postgres_programs().ok_or_else(missing)?;
        let folder = std::env::temp_dir().join(format!("conclave-postgres-{}", std::process::id()));
        fs::create_dir(&folder).context(format!("creating {}", folder.display()))?;
        let started = start_in(&programs, &folder);
        if started.is_err() {
            // What remains is an empty or half-made cluster; the error to show is the first one.
            let _ = fs::remove_dir_all(&folder);
        }
        started
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let stop = as_owner(&self.programs.join("pg_ctl"))
            .args(["-m", "immediate", "-w", "stop", "-D"])
            .args([&data]);
        if stop.quiet().is_none() {
            eprintln!("PostgreSQL did not stop by itself and is killed");
            // It may have ended in between; either way `wait` below returns.
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn start_in(programs: &Path, folder: &Path) -> Result<Postgres> {
    if setup::is_root() {
        // The server refuses to run as root; Debian's package makes this account for it.
        Run::new("chown").args(["postgres"]).args([folder]).capture()?;
    }
    let (data, password, secret) = (folder.join("data"), folder.join("password"), password()?);
    fs::write(&password, &secret).context("writing the test server's password")?;
    as_owner(&programs.join("initdb"))
        .args([
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
            "--username",
            USER,
        ])
        .args([
            format!("--pwfile={}", password.display()),
            format!("--pgdata={}", data.display()),
        ])
        .capture()?;

    let port = free_port()?;
    let log = fs::File::create(folder.join("log")).context("creating the test server's log")?;
    let errors = log.try_clone().context("opening the test server's log")?;
    let words = owner_words(&programs.join("postgres"));
    let (program, rest) = words
        .split_first()
        .expect("the server's program is among the words");
    // A child in our own process group: Ctrl-C stops it together with xtask.
    let server = Command::new(program)
        .args(rest)
        .arg("-D")
        .arg(&data)
        .args([
            "-p",
            &port.to_string(),
            "-k",
            &folder.display().to_string(),
            "-h",
            "127.0.0.1",
        ])
        // Thrown away with the test: nothing here has to survive a power cut.
        .args(["-c", "fsync=off", "-c", "max_connections=400"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .context("starting PostgreSQL")?;
    let url = format!("postgres://{USER}:{secret}@127.0.0.1:{port}/postgres");
    let mut postgres = Postgres {
        programs: programs.to_path_buf(),
        folder: folder.to_path_buf(),
        server,
        url,
    };
    wait_until_ready(&mut postgres)?;
    Ok(postgres)
}

fn wait_until_ready(postgres: &mut Postgres) -> Result<()> {
    // The server notes its state there, as `pg_ctl` reads it too.
    let state = postgres.folder.join("data/postmaster.pid");
    for _ in 0..300 {
        if fs::read_to_string(&state).is_ok_and(|text| text.lines().any(|line| line.trim() == "ready")) {
            return Ok(());
        }
        if !matches!(postgres.server.try_wait(), Ok(None)) {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string(postgres.folder.join("log")).unwrap_or_default();
    Err(Failure::new(format!(
        "PostgreSQL did not become ready; its log:\n{log}"
    )))
}

/// The program as the account that the server's files belong to.
fn as_owner(program: &Path) -> Run {
    let words = owner_words(program);
    let (program, rest) = words.split_first().expect("the program is among the words");
    // That account may not enter the folder of the repository.
    Run::new(program).args(rest).in_folder(std::env::temp_dir())
}

fn owner_words(program: &Path) -> Vec<String> {
    let program = program.display().to_string();
    if !setup::is_root() {
        return vec![program];
    }
    [
        "setpriv",
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        &program,
    ]
    .map(String::from)
    .to_vec()
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}

/// Other accounts of this machine can reach the port, so it asks for a password that nobody can guess.
fn password() -> Result<String> {
    use std::fmt::Write as _;
    let mut random = [0; 16];
    let mut source = fs::File::open("/dev/urandom").context("opening /dev/urandom")?;
    source.read_exact(&mut random).context("reading /dev/urandom")?;
    Ok(random.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_answers_until_it_is_dropped_and_leaves_nothing() {
        let server = Postgres::start().expect("PostgreSQL starts");
        let address = server
            .url()
            .split(['@', '/'])
            .nth(3)
            .expect("the URL names an address")
            .to_owned();
        let folder = server.folder.clone();
        assert!(TcpStream::connect(&address).is_ok());
        drop(server);
        assert!(TcpStream::connect(&address).is_err());
        assert!(!folder.exists());
    }
}
