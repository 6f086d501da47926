//! One PostgreSQL cluster for the whole test process, made from nothing and gone with it.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex};

/// Runs until its standard input closes, which happens when the test process ends in whatever way; then it
/// stops the cluster that it started, by its id, and clears the folder away.
const KEEPER: &str = r#"
trap '' INT TERM HUP
programs=$1 folder=$2
shift 2
"$programs/initdb" --pgdata="$folder/data" --auth=trust --username=postgres --encoding=UTF8 --locale=C --no-sync \
    >"$folder/log" 2>&1 || exit 1
"$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=300 -c fsync=off \
    -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off "$@" \
    >>"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

pub(crate) struct Cluster {
    folder: PathBuf,
    /// Its open standard input is what keeps the cluster alive.
    keeper: Mutex<Child>,
}

/// The cluster, started by the first test that asks.
pub(crate) fn running() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
    &CLUSTER
}

impl Cluster {
    /// Address of a database in the cluster.
    pub(crate) fn address(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.folder.display()
        )
    }

    /// Fails with what PostgreSQL said when it did not start.
    pub(crate) fn check(&self) {
        if let Some(status) = self.keeper.lock().unwrap().try_wait().unwrap() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("PostgreSQL did not start ({status}):\n{log}");
        }
    }

    fn start() -> Self {
        Self::start_with(|_| Vec::new())
    }

    /// A cluster of its own: `prepare` puts files into its folder, which then belong to it, and gives further
    /// arguments for PostgreSQL.
    pub(crate) fn start_with(prepare: impl FnOnce(&Path) -> Vec<String>) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("conclave-postgres-")
            .tempdir()
            .unwrap()
            .keep();
        let arguments = prepare(&folder);
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .args([&programs, &folder])
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        // PostgreSQL refuses to run as root.
        if std::fs::metadata(&folder).unwrap().uid() == 0 {
            let (user, group) = ["postgres", "nobody"].into_iter().find_map(unprivileged).unwrap();
            let files = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            for path in files.chain([folder.clone()]) {
                chown(&path, Some(user), Some(group)).unwrap();
            }
            keeper.uid(user).gid(group);
        }
        Self {
            keeper: Mutex::new(keeper.spawn().unwrap()),
            folder,
        }
    }
}

/// The folder with the newest PostgreSQL's programs.
pub(crate) fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let installed = versions.filter_map(|entry| {
        let version: f32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path)
        .map(|folder| (0.0, folder))
        .collect::<Vec<_>>();
    installed
        .chain(on_path)
        .filter(|(_, folder)| is_complete(folder))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, folder)| folder)
        .expect("these tests need PostgreSQL's programs: type\n\n    apt-get install postgresql\n\n")
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// Numbers of a user and its group.
pub(crate) fn unprivileged(name: &str) -> Option<(u32, u32)> {
    let number = |option| {
        let output = Command::new("id").args([option, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    Some((number("-u")?, number("-g")?))
}
