//! A server with its data folder, and the people who register on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conclave_protocol::Timestamp;
use conclave_sdk::{Device, Options};
use conclave_server::config::LimitsConfig;
use conclave_server::{Config, Running};
use tempfile::TempDir;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Mutex;

use crate::hostile::Hostile;
use crate::person::Person;
use crate::wire::Wire;

/// The password of everybody in a story.
pub const PASSWORD: &str = "vier ruhige Otter im Regen";

/// A running server.
pub struct World {
    folder: TempDir,
    config: Config,
    address: SocketAddr,
    server: Mutex<Option<Running>>,
    door: Mutex<Door>,
    place: Place,
}

/// Where devices are: their server, their folders, their clock.
#[derive(Clone)]
pub(crate) struct Place {
    /// Where devices reach the server, or what stands in its place.
    reached: Arc<std::sync::Mutex<SocketAddr>>,
    folder: PathBuf,
    /// How far the clocks of all devices are ahead of the system's, in milliseconds.
    ahead: Arc<AtomicU64>,
}

impl Place {
    pub(crate) fn data_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn options(&self, name: &str, wire: &Wire) -> Options {
        let reached = *self.reached.lock().expect("nobody panics with the address");
        let mut options = Options::new(format!("http://{reached}"), self.data_of(name));
        options.tap = Some(wire.tap());
        let ahead = Arc::clone(&self.ahead);
        options.clock = Some(Arc::new(move || system_time().plus(ahead.load(Ordering::SeqCst))));
        options
    }

    /// A device of somebody, from what is in its folder, if anything.
    pub(crate) fn opens(&self, name: &str, folder: &str) -> Person {
        let wire = Wire::default();
        let device = Device::open(self.options(folder, &wire)).expect("a device opens");
        Person::new(name, device, wire, folder, self.clone())
    }
}

/// How the next person gets in.
enum Door {
    Setup(String),
    InviteBy(Box<Device>),
    /// The story is over.
    Closed,
}

impl World {
    /// A fresh server on a free port with a SQLite database in a temporary folder.
    pub async fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: folder.path().join("server"),
            limits: LimitsConfig::unlimited(),
            reset_pause_hours: 0,
            ..Config::default()
        };
        let server = conclave_server::start(config.clone())
            .await
            .expect("the server starts");
        let address = server.address;
        let setup = server
            .setup_link
            .clone()
            .expect("a fresh server prints a set-up link");
        let config = Config {
            listen: address,
            ..config
        };
        let place = Place {
            reached: Arc::new(std::sync::Mutex::new(address)),
            folder: folder.path().to_owned(),
            ahead: Arc::default(),
        };
        Self {
            folder,
            config,
            address,
            server: Mutex::new(Some(server)),
            door: Mutex::new(Door::Setup(token_of(&setup))),
            place,
        }
    }

    /// A new person on a device of their own, online. The first one is the administrator.
    pub async fn registers(&self, name: &str) -> Person {
        let person = self.place.opens(name, name);
        let device = person.device();
        let mut door = self.door.lock().await;
        let token = match &*door {
            Door::Setup(token) => token.clone(),
            Door::InviteBy(administrator) => {
                administrator
                    .make_invite()
                    .await
                    .expect("an administrator invites")
                    .token
            }
            Door::Closed => panic!("the story is over"),
        };
        device
            .register(name, PASSWORD, &token)
            .await
            .expect("registration");
        if matches!(*door, Door::Setup(_)) {
            *door = Door::InviteBy(Box::new(device.clone()));
        }
        drop(door);
        person.is_online().await;
        person
    }

    /// The same device again, from what is on its disk.
    pub fn opens_again(&self, name: &str) -> Person {
        self.place.opens(name, name)
    }

    /// Somebody on a device that holds nothing yet. `label` tells it from their others.
    pub fn new_device(&self, name: &str, label: &str) -> Person {
        self.place.opens(name, &format!("{name}-{label}"))
    }

    /// A registration invite, or the set-up token while nobody has registered.
    pub async fn invite(&self) -> String {
        match &*self.door.lock().await {
            Door::Setup(token) => token.clone(),
            Door::InviteBy(administrator) => {
                administrator
                    .make_invite()
                    .await
                    .expect("an administrator invites")
                    .token
            }
            Door::Closed => panic!("the story is over"),
        }
    }

    /// What a device of this name is opened with.
    pub fn options(&self, name: &str, wire: &Wire) -> Options {
        self.place.options(name, wire)
    }

    /// Time passes on all devices. The server's clock stands out of it.
    pub fn time_passes(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).expect("a time that a story can have");
        self.place.ahead.fetch_add(time, Ordering::SeqCst);
    }

    /// Time passes on all devices and on the server.
    pub fn time_passes_for_all(&self, time: Duration) {
        let milliseconds = i64::try_from(time.as_millis()).expect("a time that a story can have");
        self.config.clock.shift(milliseconds);
        self.time_passes(time);
    }

    /// From now on devices that are opened reach a server that does what a story tells it to. To begin with, it
    /// does what the real one does.
    pub async fn turns_hostile(&self) -> Hostile {
        let hostile = Hostile::before(self.address).await;
        *self.place.reached.lock().expect("nobody panics with the address") = hostile.address();
        hostile
    }

    /// The server stops in good order.
    pub async fn server_stops(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }

    /// The server starts again on the same folder and port.
    pub async fn server_starts(&self) {
        let server = conclave_server::start(self.config.clone())
            .await
            .expect("the server starts again");
        *self.server.lock().await = Some(server);
    }

    /// Folder of the server's data.
    pub fn server_data(&self) -> PathBuf {
        self.config.data.clone()
    }

    /// Folder of a device's data.
    pub fn data_of(&self, name: &str) -> PathBuf {
        self.place.data_of(name)
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The temporary folder that holds everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The server ends before the program does: the threads of its database, too.
impl Drop for World {
    fn drop(&mut self) {
        // Its devices end as nobody holds them any more; they wait for their threads.
        *self.door.get_mut() = Door::Closed;
        let Some(server) = self.server.get_mut().take() else {
            return;
        };
        let several = |runtime: &Handle| runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
        // A story on a single thread cannot wait here, and stops its server itself.
        if let Some(runtime) = Handle::try_current().ok().filter(several) {
            tokio::task::block_in_place(|| runtime.block_on(server.stop()));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock that devices in a story are given"
)]
fn system_time() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock that was set");
    Timestamp(u64::try_from(since.as_millis()).expect("a year that fits"))
}

/// The secret at the end of a link.
pub(crate) fn token_of(link: &str) -> String {
    link.rsplit('/').next().unwrap_or(link).to_owned()
}
