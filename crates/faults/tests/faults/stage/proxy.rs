//! A way to a server that breaks: it lets everything through to the server and cuts the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::door::Door;

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) door: Door,
    /// Bytes of answers that are still let back; then what is open is cut.
    allowed: Arc<AtomicU64>,
}

impl Proxy {
    /// A way to `to`.
    pub(crate) async fn open(to: Door) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let proxy = Self {
            door: Door(listener.local_addr().expect("its address")),
            allowed: Arc::new(AtomicU64::new(u64::MAX)),
        };
        let allowed = Arc::clone(&proxy.allowed);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let allowed = Arc::clone(&allowed);
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(to.0).await {
                        carry(near, far, &allowed).await;
                    }
                });
            }
        });
        proxy
    }

    /// From now on so many bytes of answers are let back.
    pub(crate) fn allow(&self, bytes: u64) {
        self.allowed.store(bytes, Ordering::Relaxed);
    }
}

/// Carries both ways until one side ends or the answers reach `allowed`.
async fn carry(near: TcpStream, far: TcpStream, allowed: &AtomicU64) {
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
    let forth = async { tokio::io::copy(&mut from_near, &mut to_far).await };
    let back = async {
        let mut bytes = vec![0; 4096];
        while let Ok(read @ 1..) = from_far.read(&mut bytes).await {
            let read = u64::try_from(read).expect("a few thousand");
            let through = allowed.load(Ordering::Relaxed).min(read);
            let bytes = &bytes[..usize::try_from(through).expect("no more than was read")];
            if to_near.write_all(bytes).await.is_err() {
                break;
            }
            // Only here it becomes less, and one connection is open at a time.
            if allowed.fetch_sub(through, Ordering::Relaxed) == through {
                break;
            }
        }
    };
    tokio::select! {
        _ = forth => {}
        () = back => {}
    }
}
