//! From configuration to a running server, and back.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use conclave_db::Db;
use conclave_protocol::invites::InviteMade;
use conclave_protocol::limits::ACCESS_TOKEN_LIFE_MS;
use conclave_protocol::{Timestamp, Username};
use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

use crate::api::invites;
use crate::blobs::{self, BlobStore};
use crate::bus::Bus;
use crate::config::{Config, Secrets};
use crate::error::StartError;
use crate::jobs;
use crate::measuring;
use crate::push;
use crate::realtime::{Hub, Telling, Writer, tell_signals};
use crate::revocations::refusal;
use crate::router::{operators_router, router};
use crate::state::App;

/// Time for a request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a request's headers, as read before they are parsed.
const HEADERS_MAX: usize = 64 * 1024;
/// Pause when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes on their way to a client that the system holds; Linux takes twice as many with its own book-keeping, and
/// without a bound some four million for each client that stopped reading. It still fills a line of 20 Mbit/s at 100 ms.
const SEND_BUFFER: u32 = 256 * 1024;
/// Connections that wait to be taken: a restart has everybody come back at once.
const BACKLOG: u32 = 4096;
/// Time for connections and requests to end.
const GOODBYE: Duration = Duration::from_secs(5);

/// A server that runs until [`Running::stop`] or until it is dropped.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where metrics are read, if anywhere.
    pub metrics_address: Option<SocketAddr>,
    /// The link that makes the first administrator, while no account exists.
    pub setup_link: Option<String>,
    app: Arc<App>,
    accepting: JoinHandle<()>,
    writing: JoinHandle<()>,
    stop_writer: DropGuard,
    _stop: DropGuard,
    _lock: Option<File>,
}

/// Starts a server; it listens when this returns.
pub async fn start(config: Config) -> Result<Running, StartError> {
    let lock = lock(&config)?;
    let db = open_database(&config).await?;
    let fresh = db.count_accounts().await? == 0;
    let secrets = Secrets::open(&config.secrets_folder(), fresh)?;
    let blobs = BlobStore::open(&config.blobs, &config.data)?;

    let (listener, address) = listen(config.listen)?;
    let operators = match config.metrics_listen {
        Some(address) => {
            measuring::begin().ok_or(StartError::Metrics)?;
            Some(listen(address)?)
        }
        None => None,
    };
    let public = config.public(address)?;

    let hub = Arc::new(Hub::default());
    let telling = Telling::default();
    let bus = Arc::new(Bus::local(Arc::clone(&hub), telling.clone()));
    let (writer, writer_task) = Writer::new(db.clone(), Arc::clone(&bus), config.clock.clone());
    let restore = db.find_restore().await?;
    let app = Arc::new(App::new(
        config,
        public,
        (db, restore),
        blobs,
        secrets,
        (hub, bus),
        writer,
    )?);
    let since = Timestamp(app.now().0.saturating_sub(ACCESS_TOKEN_LIFE_MS));
    for (login, ended) in app.db.list_revoked_logins(since).await? {
        app.revocations.add(login, refusal(ended), app.now());
    }

    let stop_writer = CancellationToken::new();
    let stop = stop_writer.clone();
    let acknowledging = app
        .acknowledgements
        .clone()
        .run(app.db.clone(), stop_writer.clone());
    let writing = tokio::spawn(async move {
        tokio::join!(writer_task.run(stop), acknowledging);
    });
    jobs::spawn(&app);
    if app.push.is_some() {
        app.tasks.spawn(push::run(Arc::clone(&app)));
    }
    if let Some(pulse) = app.db.pulse() {
        let watching = app.health.clone().watch(pulse, app.stopping.clone());
        app.tasks.spawn(watching);
    }
    app.tasks
        .spawn(telling.run(Arc::clone(&app), app.stopping.clone()));
    app.tasks
        .spawn(tell_signals(Arc::clone(&app), app.stopping.clone()));
    let accepting = tokio::spawn(accept(listener, router(Arc::clone(&app)), app.stopping.clone()));
    let metrics_address = operators.as_ref().map(|(_, address)| *address);
    if let Some((listener, _)) = operators {
        let router = operators_router(Arc::clone(&app));
        app.tasks.spawn(accept(listener, router, app.stopping.clone()));
    }
    Ok(Running {
        address,
        metrics_address,
        setup_link: fresh.then(|| app.setup_link()),
        _stop: app.stopping.clone().drop_guard(),
        app,
        accepting,
        writing,
        stop_writer: stop_writer.drop_guard(),
        _lock: lock,
    })
}

/// Makes sure that no other server serves the same file: their wake-ups stay inside each, so that people on one would
/// not hear those on the other. The system gives the lock back however the process ends.
fn lock(config: &Config) -> Result<Option<File>, StartError> {
    let address = config.database_address()?;
    let Some(path) = address.strip_prefix("sqlite:") else {
        return Ok(None);
    };
    crate::config::make_folder(&config.data)?;
    let path = PathBuf::from(format!("{}.lock", path.strip_prefix("//").unwrap_or(path)));
    let refused = |error| StartError::File {
        path: path.clone(),
        error,
    };
    let file = File::create(&path).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::AlreadyServed { path }),
        Err(TryLockError::Error(error)) => Err(refused(error)),
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |error| StartError::Listen { address, error };
    let listener = bind(address).map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// As `TcpListener::bind` does, but with a bound on what the system holds for each connection.
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Running {
    /// Deletes blobs that nothing claims any more, as the job does, at once: how many, and how many names of the store
    /// were nobody's.
    pub async fn clear_files(&self) -> Result<(u64, u64), StartError> {
        Ok((blobs::sweep(&self.app).await?, self.find_orphaned_files().await?))
    }

    /// Deletes files that no row names, as the job does, at once: how many names.
    pub async fn find_orphaned_files(&self) -> Result<u64, StartError> {
        Ok(blobs::find_orphans(&self.app).await?)
    }

    /// Stops: takes nothing new, tells connections to come back, finishes what is being written.
    pub async fn stop(self) {
        self.app.stopping.cancel();
        self.app.tasks.close();
        let ended = async {
            let _ = self.accepting.await;
            self.app.tasks.wait().await;
        };
        if timeout(GOODBYE, ended).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        // Last, so that nothing that a connection was told to be accepted is still to be committed.
        drop(self.stop_writer);
        let _ = self.writing.await;
        self.app.db.close().await;
    }
}

/// Opens the database and brings its tables up to date.
pub async fn open_database(config: &Config) -> Result<Db, StartError> {
    crate::config::make_folder(&config.data)?;
    #[cfg(feature = "faults")]
    if config.unflushed {
        return Ok(Db::open_unflushed(&config.database_address()?).await?);
    }
    Ok(Db::open(&config.database_address()?).await?)
}

/// What [`invite`] made.
pub struct InviteLink {
    /// The link.
    pub link: String,
    /// When it ends; the set-up link has no such time.
    pub expires: Option<Timestamp>,
}

/// Makes a link that opens registration: in the name of the administrator `by`, or, while no account exists,
/// the set-up link.
pub async fn invite(config: &Config, by: Option<&Username>) -> Result<InviteLink, StartError> {
    let db = open_database(config).await?;
    let public = config.public(config.listen)?;
    if db.count_accounts().await? == 0 {
        let secrets = Secrets::open(&config.secrets_folder(), true)?;
        return Ok(InviteLink {
            link: public.link("setup", secrets.setup.as_str()),
            expires: None,
        });
    }
    let by = by.ok_or(StartError::Invite(
        "say in whose name: --by <an administrator's name>",
    ))?;
    let account = db
        .find_account_by_username(by)
        .await?
        .filter(|account| account.administrator);
    let account = account.ok_or(StartError::Invite("no administrator has this name"))?;
    let InviteMade { token, expires } = invites::insert(&db, account.id, config.clock.now()).await?;
    db.close().await;
    Ok(InviteLink {
        link: public.link("invite", token.as_str()),
        expires: Some(Timestamp(expires)),
    })
}

/// Takes connections until told to stop, then lets open requests finish.
async fn accept(listener: TcpListener, router: Router, stopping: CancellationToken) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_MAX);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024);
    let graceful = GracefulShutdown::new();
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => serve(&server, &graceful, &router, stream, peer),
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "no connection could be taken");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

fn serve(
    server: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
) {
    // Small frames go out at once.
    let _ = stream.set_nodelay(true);
    let service = router.clone().map_request(move |mut request: Request<_>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let connection =
        server.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    // A connection that breaks concerns its other end only.
    let connection = graceful.watch(connection.into_owned());
    tokio::spawn(async move {
        let _ = connection.await;
    });
}
