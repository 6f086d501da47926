//! A way to a server that breaks: it lets everything through to the server and cuts the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::door::Door;

/// Bytes of answers that always come through: those of a connection's beginning.
pub(crate) const BEGINNING: u64 = 500;

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) door: Door,
    /// Bytes of answers that the next connection lets back before it is cut.
    allowed: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
}

impl Proxy {
    /// A way to `to`.
    pub(crate) async fn open(to: Door) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let proxy = Self {
            door: Door(listener.local_addr().expect("its address")),
            allowed: Arc::new(AtomicU64::new(u64::MAX)),
            cuts: Arc::default(),
        };
        let (allowed, cuts) = (Arc::clone(&proxy.allowed), Arc::clone(&proxy.cuts));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (allowed, cuts) = (allowed.load(Ordering::Relaxed), Arc::clone(&cuts));
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(to.0).await {
                        carry(near, far, allowed).await;
                        cuts.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        proxy
    }

    /// Connections from now on let so many bytes of answers back.
    pub(crate) fn allow(&self, bytes: u64) {
        self.allowed.store(bytes, Ordering::Relaxed);
    }

    /// Connections that ended.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// Carries both ways until one side ends or the answers reach `allowed`.
async fn carry(near: TcpStream, far: TcpStream, mut allowed: u64) {
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
    let forth = async { tokio::io::copy(&mut from_near, &mut to_far).await };
    let back = async {
        let mut bytes = vec![0; 4096];
        while let Ok(read @ 1..) = from_far.read(&mut bytes).await {
            let through = usize::try_from(allowed).map_or(read, |allowed| read.min(allowed));
            if to_near.write_all(&bytes[..through]).await.is_err() {
                break;
            }
            allowed -= u64::try_from(through).unwrap_or(allowed);
            if allowed == 0 {
                break;
            }
        }
    };
    tokio::select! {
        _ = forth => {}
        () = back => {}
    }
}
