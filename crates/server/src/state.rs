//! What every handler and connection shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_auth::server::ServerSetup;
use conclave_db::{Db, DbError, Restore};
use conclave_encoding::{hash, labels};
use conclave_protocol::frames::Closing;
use conclave_protocol::{DeviceAddress, ErrorCode, Hash, Timestamp, Token};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{AccessKeys, LoginId};
use crate::announcements::Announcements;
use crate::blobs::{BlobStore, Slots};
use crate::bus::Bus;
use crate::clock::Expiry;
use crate::config::{Config, PublicUrl, Secrets};
use crate::error::StartError;
use crate::health::Health;
use crate::limits::Limits;
use crate::places::Places;
use crate::push::Push;
use crate::randomness;
use crate::realtime::{Acknowledgements, Hub, Membership, Signals, Writer};
use crate::revocations::Revocations;
use crate::second_step::SecondStepKeys;

/// Chunks that are received at a time: each is in memory as a whole until its hash was compared.
const UPLOADS_AT_ONCE: usize = 16;
/// Those of one account.
const UPLOADS_OF_ONE: u32 = 3;
/// Blobs that are read at a time: each holds a file or a connection, and little memory.
const DOWNLOADS_AT_ONCE: usize = 512;
/// Those of one account, on all its devices.
const DOWNLOADS_OF_ONE: u32 = 24;

/// The running server.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) public: PublicUrl,
    pub(crate) db: Db,
    pub(crate) opaque: ServerSetup,
    pub(crate) second_steps: SecondStepKeys,
    pub(crate) access: AccessKeys,
    /// What the server says to everybody.
    pub(crate) announcements: Announcements,
    pub(crate) revocations: Revocations,
    pub(crate) limits: Limits,
    pub(crate) hub: Arc<Hub>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) writer: Writer,
    pub(crate) acknowledgements: Acknowledgements,
    pub(crate) membership: Membership,
    pub(crate) places: Places,
    /// Where the bytes of blobs lie.
    pub(crate) blobs: BlobStore,
    /// Chunks that are being received.
    pub(crate) uploads: Slots,
    /// Blobs that are being read.
    pub(crate) downloads: Slots,
    pub(crate) signals: Signals,
    /// What wakes devices; absent where the server wakes none.
    pub(crate) push: Option<Push>,
    pub(crate) health: Health,
    /// The restore from a backup that this server lives behind.
    pub(crate) restore: Option<Restore>,
    /// Tells this process from others that work on the same database.
    pub(crate) process: [u8; 16],
    /// Until when things have expired.
    expiry: Expiry,
    /// Ends with the server: no new connection, the open ones are told.
    pub(crate) stopping: CancellationToken,
    /// Connections and jobs, to be waited for.
    pub(crate) tasks: TaskTracker,
    setup: Token,
    set_up: AtomicBool,
}

impl App {
    pub(crate) fn new(
        config: Config,
        public: PublicUrl,
        (db, restore): (Db, Option<Restore>),
        blobs: BlobStore,
        secrets: Secrets,
        (hub, bus): (Arc<Hub>, Arc<Bus>),
        writer: Writer,
    ) -> Result<Self, StartError> {
        Ok(Self {
            push: Push::new(&config.push, &public, secrets.push)?,
            limits: Limits::new(&config.limits),
            health: writer.health(),
            config,
            public,
            db,
            second_steps: SecondStepKeys::of(&secrets.opaque),
            opaque: secrets.opaque,
            access: secrets.access,
            announcements: Announcements::new(&secrets.server_key),
            revocations: Revocations::default(),
            hub,
            bus,
            writer,
            acknowledgements: Acknowledgements::default(),
            membership: Membership::default(),
            places: Places::default(),
            blobs,
            uploads: Slots::new(UPLOADS_AT_ONCE, UPLOADS_OF_ONE),
            downloads: Slots::new(DOWNLOADS_AT_ONCE, DOWNLOADS_OF_ONE),
            signals: Signals::default(),
            restore,
            process: randomness::bytes(),
            expiry: Expiry::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            setup: secrets.setup,
            set_up: AtomicBool::new(false),
        })
    }

    /// Now, by the server's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    /// What lies before this may be deleted for good.
    pub(crate) fn expired_until(&self) -> Timestamp {
        self.expiry.until(self.now(), Instant::now())
    }

    /// True until the first account exists.
    pub(crate) async fn needs_setup(&self) -> Result<bool, DbError> {
        if self.set_up.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let empty = self.db.count_accounts().await? == 0;
        self.set_up.store(!empty, Ordering::Relaxed);
        Ok(empty)
    }

    /// Whether a token is the set-up link's. Hashes are compared, so that the time says nothing about it.
    pub(crate) fn is_setup_token(&self, token: &Token) -> bool {
        token_hash(token) == token_hash(&self.setup)
    }

    /// The set-up link.
    pub(crate) fn setup_link(&self) -> String {
        self.public.link("setup", self.setup.as_str())
    }

    /// Ends a login everywhere in this process: its access tokens and its connection.
    pub(crate) fn end_login(&self, login: LoginId, address: DeviceAddress, why: ErrorCode) {
        // Invariant: refused first, closed second; a connection looks for its login here after it has
        // registered, so none slips between.
        self.revocations.add(login, ErrorCode::SignInNeeded, self.now());
        self.hub.close_login(
            address,
            login,
            Closing {
                code: why,
                retry_after: None,
            },
        );
    }
}

/// What the server keeps of a token.
pub(crate) fn token_hash(token: &Token) -> Hash {
    Hash(hash(labels::TOKEN_HASH, token.as_str().as_bytes()))
}
