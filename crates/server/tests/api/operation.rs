//! What an operator does with the program: moving the database, backup, restore, jobs.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use conclave_db::{Db, Row, Summing, TABLES, Value};
use conclave_protocol::accounts::ServerInfo;
use conclave_protocol::admin::AuditPage;
use conclave_protocol::frames::{ClientFrame, ServerFrame};
use conclave_protocol::logins::Refresh;
use conclave_protocol::{DeviceId, ErrorCode, Token};
use conclave_server::config::LimitsConfig;
use conclave_server::{Config, StartError, start};
use http::StatusCode;

use crate::harness::{FreshDevice, Server, Socket, offer, random};
use crate::postgres;

const PASSPHRASE: &str = "sieben stille Steine am See";

/// Runs the program to its end.
pub(crate) fn program(data: &Path, arguments: &[&str]) -> Output {
    program_with(data, PASSPHRASE, arguments)
}

fn program_with(data: &Path, passphrase: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave-server"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .env("CONCLAVE_BACKUP_PASSPHRASE", passphrase)
        .output()
        .unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn succeeds(output: Output) -> String {
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

fn fails(output: Output) -> String {
    assert!(!output.status.success(), "{}", text(&output));
    text(&output)
}

/// The lines that name a table, its rows and its hash.
fn sums(said: &str) -> Vec<String> {
    let table = |line: &&str| {
        TABLES
            .iter()
            .any(|table| line.starts_with(&format!("{} ", table.name)))
    };
    said.lines().filter(table).map(str::to_owned).collect()
}

fn sqlite(data: &Path) -> String {
    format!("sqlite:{}", data.join("conclave.db").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_moves_to_postgres_and_back_with_equal_hashes_and_people_stay_signed_in() {
    let server = Server::start().await;
    let (mia, _, _) = server.pair().await;
    let server = server.stopped().await;
    let data = server.folder.path();
    let (here, there) = (sqlite(data), postgres::fresh());

    let moved = succeeds(program(data, &["move-database", "--from", &here, "--to", &there]));
    assert!(sums(&moved).len() > 5, "{moved}");
    let again = fails(program(data, &["move-database", "--from", &here, "--to", &there]));
    assert!(again.contains("not empty"), "{again}");

    let back = data.join("back.db");
    let back = format!("sqlite:{}", back.display());
    let returned = succeeds(program(data, &["move-database", "--from", &there, "--to", &back]));
    assert_eq!(sums(&moved), sums(&returned));

    for address in [there, back] {
        let served = Server::start_with(|config| {
            config.database = Some(address);
            config.secrets = Some(data.join("secrets"));
        })
        .await;
        let found = served.get("/api/v1/devices", Some(&mia.access)).await;
        assert_eq!(found.status, StatusCode::OK);
        served.stopped().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_moved_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (missing, target) = (
        sqlite(&data.join("none")),
        format!("sqlite:{}/b.db", data.display()),
    );
    let said = fails(program(
        data,
        &["move-database", "--from", &missing, "--to", &target],
    ));
    assert!(said.contains("is not there"), "{said}");
    assert!(!data.join("b.db").exists());
    let said = fails(program(
        data,
        &["move-database", "--from", "mysql://x", "--to", &target],
    ));
    assert!(said.contains("sqlite: nor with postgres://"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_running_server_goes_into_an_empty_folder_or_another_engine() {
    let server = Server::start().await;
    let (mia, _, _) = server.pair().await;
    let data = server.folder.path().to_owned();
    let file = data.join("night.backup");
    let name = file.to_str().unwrap();

    let written = succeeds(program(&data, &["backup", name]));
    assert!(written.contains("opaque-setup"), "{written}");
    let again = fails(program(&data, &["backup", name]));
    assert!(again.contains("already"), "{again}");
    // The server served all the time.
    let found = server.get("/api/v1/devices", Some(&mia.access)).await;
    assert_eq!(found.status, StatusCode::OK);
    let info = server.get("/api/v1/server", None).await.json::<ServerInfo>();
    assert_eq!(info.restore, None);

    let verified = succeeds(program(&data, &["verify-backup", name]));
    assert_eq!(sums(&written), sums(&verified));
    let content = std::fs::read(&file).unwrap();
    assert!(!content.windows(3).any(|window| window == b"mia"), "it is sealed");

    let mut epochs = Vec::new();
    let empty = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let postgres = postgres::fresh();
    let targets = [(empty.path(), None), (elsewhere.path(), Some(postgres))];
    for (folder, address) in targets {
        let mut arguments = vec!["restore", name];
        if let Some(address) = &address {
            arguments.extend(["--database", address.as_str()]);
        }
        let restored = succeeds(program(folder, &arguments));
        assert_eq!(sums(&written), sums(&restored));
        let again = fails(program(folder, &arguments));
        assert!(again.contains("not empty"), "{again}");

        let served = Server::start_with(|config| {
            config.data = folder.to_owned();
            config.database.clone_from(&address);
        })
        .await;
        let found = served.get("/api/v1/devices", Some(&mia.access)).await;
        assert_eq!(found.status, StatusCode::OK);
        let info = served.get("/api/v1/server", None).await.json::<ServerInfo>();
        epochs.push(info.restore.expect("it says that it was put back"));

        // PostgreSQL is backed up while it serves, too.
        let second = folder.join("second.backup");
        let mut arguments = vec!["backup", second.to_str().unwrap()];
        if let Some(address) = &address {
            arguments.extend(["--database", address.as_str()]);
        }
        let written = succeeds(program(folder, &arguments));
        let verified = succeeds(program(folder, &["verify-backup", second.to_str().unwrap()]));
        assert_eq!(sums(&written), sums(&verified));
        served.stopped().await;
    }
    assert_ne!(epochs[0], epochs[1], "each restore is another one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_backup_or_a_wrong_passphrase_changes_nothing() {
    let server = Server::start().await;
    server.administrator().await;
    let data = server.folder.path().to_owned();
    let file = data.join("a.backup");
    let name = file.to_str().unwrap();
    let said = fails(program_with(&data, "short", &["backup", name]));
    assert!(
        said.contains("12 characters") && !said.contains("short"),
        "{said}"
    );
    assert!(!file.exists());
    succeeds(program(&data, &["backup", name]));

    let target = tempfile::tempdir().unwrap();
    let refused = |passphrase: &str| {
        let said = fails(program_with(&data, passphrase, &["verify-backup", name]));
        assert!(said.contains("cannot be opened"), "{said}");
        let said = fails(program_with(target.path(), passphrase, &["restore", name]));
        assert!(said.contains("cannot be opened"), "{said}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
    };
    refused("another passphrase");
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&file, changed).unwrap();
    refused(PASSPHRASE);
    std::fs::write(&file, &whole[..whole.len() - 20]).unwrap();
    refused(PASSPHRASE);

    // Secrets of another server are not written over.
    std::fs::write(&file, &whole).unwrap();
    std::fs::create_dir(target.path().join("secrets")).unwrap();
    std::fs::write(target.path().join("secrets/token-key"), [9; 32]).unwrap();
    let said = fails(program(target.path(), &["restore", name]));
    assert!(said.contains("token-key is there already"), "{said}");
    let left = Db::open(&sqlite(target.path())).await.unwrap();
    assert_eq!(left.count_accounts().await.unwrap(), 0);
    left.close().await;
    // The interrupted attempt is no obstacle to the next one.
    std::fs::remove_file(target.path().join("secrets/token-key")).unwrap();
    succeeds(program(target.path(), &["restore", name]));
}

/// Jobs that one process does for all on a database.
const SHARED_JOBS: usize = 6;

async fn two_servers_run_each_job_once(address: String) {
    let one = Server::start_with(|config| config.database = Some(address.clone())).await;
    one.administrator().await;
    let mut jobs = Vec::new();
    for _ in 0..600 {
        let db = Db::open_existing(&address).await.unwrap();
        jobs = db.list_jobs().await.unwrap();
        db.close().await;
        if jobs.len() == SHARED_JOBS && jobs.iter().all(|job| job.ended.is_some()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(jobs.len(), SHARED_JOBS, "{jobs:?}");
    let secrets = one.folder.path().join("secrets");
    let two = Server::start_with(|config| {
        config.database = Some(address.clone());
        config.secrets = Some(secrets);
    })
    .await;
    // Its first looks are over when it has answered some requests.
    for _ in 0..20 {
        assert_eq!(two.get("/readyz", None).await.status, StatusCode::OK);
    }
    let said = succeeds(program(one.folder.path(), &["jobs", "--database", &address]));
    for job in jobs {
        let line = said
            .lines()
            .find(|line| line.starts_with(&format!("{} ", job.name)));
        let line = line.unwrap_or_else(|| panic!("{} in {said}", job.name));
        assert!(line.contains("; 1 runs, 0 failed"), "{line}");
        assert!(line.contains(" took ") && line.contains("succeeded"), "{line}");
    }
    two.stopped().await;
    one.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_postgres_database_run_each_job_once() {
    two_servers_run_each_job_once(postgres::fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_sqlite_file_is_refused_until_the_first_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let config = |data: &str| Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: folder.path().join(data),
        database: Some(sqlite(folder.path())),
        ..Config::default()
    };
    let first = start(config("first")).await.unwrap();
    let refused = start(config("second")).await.err().unwrap();
    assert!(matches!(refused, StartError::AlreadyServed { .. }), "{refused}");
    first.stop().await;
    start(config("second")).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_stand_on_a_listener_of_their_own_and_name_nobody() {
    let server =
        Server::start_with(|config| config.metrics_listen = Some("127.0.0.1:0".parse().unwrap())).await;
    let (mia, ben, room) = server.pair().await;
    let (mut socket, _) = Socket::open(&server, &mia).await;
    let message = mia.message(&ben, room, b"sealed");
    socket.say(&ClientFrame::Send(message)).await;
    let ServerFrame::Accepted(_) = socket.hear_news().await else {
        panic!("not accepted")
    };
    let health = server.get("/api/v1/nothing/at/all", None).await;
    assert!(health.headers.contains_key("x-request-id"));

    let operators = server.running.as_ref().unwrap().metrics_address.unwrap();
    let said = server.ask_at(operators, "/metrics").await;
    assert_eq!(said.status, StatusCode::OK);
    let text = String::from_utf8(said.body.to_vec()).unwrap();
    for wanted in [
        "conclave_http_requests_total{method=\"POST\",route=\"/api/v1/ws/ticket\",status=\"200\"}",
        "route=\"other\"",
        "conclave_http_request_seconds_bucket",
        "conclave_connections ",
        "conclave_frames_total{way=\"received\"}",
        "conclave_frames_total{way=\"sent\"}",
        "conclave_writer_commit_appends_bucket{le=\"1\"}",
        "conclave_writer_commit_seconds_count",
        "conclave_writer_queue 0",
        "conclave_job_runs_total{job=\"expire\",result=\"succeeded\"}",
        "conclave_job_seconds_count{job=\"expire\"}",
        "conclave_database_up 1",
        "conclave_database_ping_seconds_count",
        "conclave_storage_full 0",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    for secret in [
        "mia",
        "ben",
        "nothing",
        &mia.account.to_string(),
        &room.to_string(),
    ] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    assert_eq!(server.ask_at(operators, "/readyz").await.status, StatusCode::OK);
    // Nothing else is there, and metrics are nowhere else.
    assert_eq!(
        server.ask_at(operators, "/api/v1/server").await.status,
        StatusCode::NOT_FOUND
    );
    let elsewhere = server.get("/metrics", None).await;
    assert!(!String::from_utf8_lossy(&elsewhere.body).contains("conclave_http"));
    server.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_counted_by_reason_and_names_nobody() {
    let server = Server::start_with(|config| {
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        config.limits.look_ups = LimitsConfig::default().look_ups;
    })
    .await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let wrong = ben.sign_in(&server, true, DeviceId(7)).await;
    assert_eq!(wrong.code(), ErrorCode::WrongCredentials);
    let forbidden = server.get("/api/v1/admin/accounts", Some(&ben.access)).await;
    assert_eq!(forbidden.code(), ErrorCode::Forbidden);
    let nobody = server.get("/api/v1/devices", None).await;
    assert_eq!(nobody.code(), ErrorCode::SignInNeeded);
    for _ in 0..100 {
        server
            .get("/api/v1/accounts/by-username/mia", Some(&ben.access))
            .await;
    }
    for last in [false, true] {
        let refresh = Refresh {
            refresh_token: Some(ben.refresh.clone()),
            attempt: Token::from_random(random()),
        };
        let answer = server.post("/api/v1/logins/refresh", None, &refresh).await;
        assert_eq!(answer.status.is_success(), !last);
    }

    let operators = server.running.as_ref().unwrap().metrics_address.unwrap();
    let said = server.ask_at(operators, "/metrics").await;
    let text = String::from_utf8(said.body.to_vec()).unwrap();
    for wanted in [
        "conclave_sign_ins_refused_total{reason=\"wrong_credentials\"}",
        "conclave_requests_refused_total{reason=\"forbidden\"}",
        "conclave_requests_refused_total{reason=\"sign_in_needed\"}",
        "conclave_limits_reached_total{limit=\"look_ups\"}",
        "conclave_refresh_tokens_reused_total",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    for secret in ["mia", "ben", &ben.account.to_string()] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    // Whose token it was stands where administrators look for what happened to accounts.
    let log: AuditPage = server.get("/api/v1/admin/audit", Some(&mia.access)).await.json();
    let line = log
        .lines
        .iter()
        .find(|line| line.act == "used refresh token shown")
        .unwrap();
    assert_eq!((line.actor, &line.subject), (None, &ben.account.to_string()));
    server.stopped().await;
}

/// The line about a subject, or all of it.
fn line<'a>(said: &'a str, subject: &str) -> &'a str {
    let about = |line: &&str| line.split_whitespace().nth(1) == Some(subject);
    said.lines().find(about).unwrap_or(said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_a_sound_server_sound_and_names_what_is_wrong() {
    let server = Server::start().await;
    server.administrator().await;
    let server = server.stopped().await;
    let data = server.folder.path();
    let arguments = ["--public-url", "http://localhost:8080", "doctor"];
    #[cfg(unix)]
    std::fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let sound = program(data, &arguments);
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound));

    let elsewhere = tempfile::tempdir().unwrap();
    let nothing = program(&elsewhere.path().join("none"), &arguments);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing));

    let database = format!("postgres://nobody:geheim@127.0.0.1:{}/none", free_port());
    let away = program(data, &["--database", &database, "doctor"]);
    assert_eq!(away.status.code(), Some(1), "{}", text(&away));
    assert!(
        line(&text(&away), "database").starts_with("WRONG"),
        "{}",
        text(&away)
    );
    assert!(!text(&away).contains("geheim"), "{}", text(&away));

    let opaque = data.join("secrets/opaque-setup");
    let kept = std::fs::read(&opaque).unwrap();
    std::fs::remove_file(&opaque).unwrap();
    let said = program(data, &arguments);
    assert_eq!(said.status.code(), Some(1), "{}", text(&said));
    assert!(
        line(&text(&said), "secrets").contains("is missing"),
        "{}",
        text(&said)
    );
    std::fs::write(&opaque, kept).unwrap();

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&opaque, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o755)).unwrap();
        let said = program(data, &arguments);
        assert_eq!(said.status.code(), Some(1), "{}", text(&said));
        assert!(
            line(&text(&said), "secrets").contains("chmod 600"),
            "{}",
            text(&said)
        );
        assert!(
            line(&text(&said), "data").contains("chmod 700"),
            "{}",
            text(&said)
        );
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restored_server_lacks_of_a_log_any_device_of_the_account_gives_back() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let laptop = mia.device_added(&server).await;
    let data = server.folder.path().to_owned();
    let file = data.join("a.backup");
    let name = file.to_str().unwrap();
    succeeds(program(&data, &["backup", name]));

    let lost = mia.entry(&server, FreshDevice::new().added_to(mia.account)).await;
    // Where nothing was lost, a device speaks for itself alone.
    let refused = offer(&server, &laptop.access, &lost).await;
    assert_eq!(refused.code(), ErrorCode::ChainRefused);
    assert_eq!(mia.offer(&server, &lost).await.status, StatusCode::OK);
    let _stopped = server.stopped().await;

    let folder = tempfile::tempdir().unwrap();
    succeeds(program(folder.path(), &["restore", name]));
    let served = Server::start_with(|config| {
        config.data = folder.path().to_owned();
        // Later than the clock of an entry may differ.
        config.clock.shift(10 * 60 * 1000);
    })
    .await;
    assert_eq!(mia.chain(&served).await.head(), 1);
    let given = offer(&served, &laptop.access, &lost).await;
    assert_eq!(given.status, StatusCode::OK);
    assert_eq!(mia.chain(&served).await.head(), 2);
    let newer = mia.entry(&served, FreshDevice::new().added_to(mia.account)).await;
    let refused = offer(&served, &laptop.access, &newer).await;
    assert_eq!(refused.code(), ErrorCode::ChainRefused);
    served.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_killed_half_way_leaves_an_empty_target_and_can_be_run_again() {
    const ROWS: u32 = 60_000;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (from, to) = (sqlite(data), format!("sqlite:{}/target.db", data.display()));
    let source = Db::open(&from).await.unwrap();
    let mut filling = source.fill().await.unwrap();
    let mut sums = Vec::new();
    for table in TABLES {
        let mut summing = Summing::new(table);
        if table.name == "sends" {
            let rows: Vec<Row> = (0..ROWS)
                .map(|number| {
                    let mut id = [0; 16];
                    id[..4].copy_from_slice(&number.to_be_bytes());
                    vec![
                        Value::Bytes(id.to_vec()),
                        Value::Bytes(vec![1; 32]),
                        Value::Number(0),
                        Value::Bytes(vec![2; 32]),
                        Value::Null,
                        Value::Null,
                        Value::Number(1),
                    ]
                })
                .collect();
            for row in &rows {
                summing.add(row);
            }
            filling.insert(table, &rows).await.unwrap();
        }
        sums.push(summing.end());
    }
    filling.commit(&sums).await.unwrap();
    source.close().await;

    let mut child = Command::new(env!("CARGO_BIN_EXE_conclave-server"))
        .args(["--data", &data.display().to_string()])
        .args(["move-database", "--from", &from, "--to", &to])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Rows are on their way into the target's file.
    let log = data.join("target.db-wal");
    while std::fs::metadata(&log).map_or(0, |found| found.len()) < 1024 * 1024 {
        assert!(child.try_wait().unwrap().is_none(), "it was faster");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();

    let target = Db::open(&to).await.unwrap();
    let held = target.snapshot().await.unwrap().sums().await.unwrap();
    assert!(held.iter().all(|sum| sum.rows == 0));
    target.close().await;
    let moved = succeeds(program(data, &["move-database", "--from", &from, "--to", &to]));
    assert!(moved.contains(&format!("{ROWS} rows")), "{moved}");
}
