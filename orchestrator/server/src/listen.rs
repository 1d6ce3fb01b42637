//! Connections: how many there may be, and how long each may keep the house waiting. What sends a head, a body or nothing too slowly is
//! cut; an answer takes the time it takes (a page that follows a case, a call that waits for its result). Refuses to know what is asked.

mod watched;

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tower::Service as _;

use watched::{Answer, Request, Stream, Watch};

/// How long a connection may take for what, and how many there may be.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For a whole head, and for its first byte on a new connection.
    pub head: Duration,
    /// For each [`PROGRESS_BYTES`] of a body, and for what is left of it.
    pub body: Duration,
    /// Between an answer and the next request.
    pub idle: Duration,
    /// For the other side to take anything of an answer.
    pub take: Duration,
    pub connections: usize,
}

/// Bytes of a body that count as progress (8 KiB, what one packet of a few brings): one byte now and then does not.
pub const PROGRESS_BYTES: usize = 8 * 1024;

/// Connections at most, however many files the process may open: as many people as a large house has, each with a browser's two.
const CONNECTIONS_MAX: u64 = 4_000;

impl Patience {
    /// `files`: how many the process may open. Half of them are for connections, the other half for stores (a few dozen each),
    /// tool servers and what is asked elsewhere.
    pub fn for_files(files: u64) -> Self {
        Self {
            // a head is one packet or two: who needs longer is not a browser
            head: Duration::from_secs(10),
            // 8 KiB in 20 s are 400 bytes a second: a tenth of what the worst mobile network brings
            body: Duration::from_secs(20),
            // longer than proxies keep one (60 s), so that none sends into a connection that is just being closed
            idle: Duration::from_secs(75),
            // a phone in a tunnel comes back within a minute
            take: Duration::from_secs(60),
            connections: usize::try_from((files / 2).clamp(8, CONNECTIONS_MAX)).unwrap_or(8),
        }
    }

    /// How often a connection is looked at: a time is overrun by a quarter of the shortest at most.
    fn look(&self) -> Duration {
        self.head.min(self.body).min(self.idle).min(self.take) / 4
    }
}

/// Milliseconds until the next try to accept when the process has no file left for it.
const AGAIN_MS: u64 = 200;

/// Every connection that is open, in the order they came.
#[derive(Default)]
struct Open(Mutex<BTreeMap<u64, Arc<Watch>>>);

impl Open {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Watch>>> {
        self.0.lock().expect("nobody panics while holding this lock")
    }

    /// Makes room: cuts the connection that has kept the house waiting for longest. None does: everybody is being answered.
    fn cut_slowest(&self) {
        let all = self.all();
        if let Some((_, watch)) = all.values().filter_map(|watch| Some((watch.waited_since()?, watch))).min_by_key(|(since, _)| *since) {
            watch.cut();
        }
    }
}

/// A connection that is open; whatever ends it, a panic of what it asks for too, it is open no longer.
struct Entry(Arc<Open>, u64);

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.all().remove(&self.1);
    }
}

/// Serves until `stop`, then lets every request that has begun come to its end. Dropped earlier, all connections are cut.
pub async fn listen(listener: TcpListener, app: Router, patience: Patience, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(patience.connections));
    let (open, ending) = (Arc::new(Open::default()), tokio_util::sync::CancellationToken::new());
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    for number in 0.. {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener) => accepted,
        };
        let place = tokio::select! {
            () = &mut stop => break,
            place = place(&places, &open, patience.look()) => place,
        };
        let watch = Arc::new(Watch::new());
        open.all().insert(number, watch.clone());
        let (app, patience, entry, ending) = (app.clone(), patience.clone(), Entry(open.clone(), number), ending.clone());
        connections.spawn(async move {
            let _held: (OwnedSemaphorePermit, Entry) = (place, entry);
            converse(stream, peer, app, &watch, &patience, ending).await;
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    ending.cancel();
    while connections.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_theirs(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection is accepted just now");
                tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
            }
        }
    }
}

/// The other side went away before it was accepted.
fn is_theirs(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A place for one more connection. Whoever keeps the house waiting makes room; while everybody is being answered one waits.
async fn place(places: &Arc<Semaphore>, open: &Open, look: Duration) -> OwnedSemaphorePermit {
    loop {
        if let Ok(place) = places.clone().try_acquire_owned() {
            return place;
        }
        open.cut_slowest();
        if let Ok(Ok(place)) = tokio::time::timeout(look, places.clone().acquire_owned()).await {
            return place;
        }
    }
}

/// One connection, until either side has enough of it.
async fn converse(stream: TcpStream, peer: SocketAddr, app: Router, watch: &Arc<Watch>, patience: &Patience, ending: tokio_util::sync::CancellationToken) {
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let mut app = app.clone();
        let mut request = request.map(|body| Body::new(Request::new(body, watch.clone())));
        request.extensions_mut().insert(ConnectInfo(peer));
        let watch = watch.clone();
        async move { app.call(request).await.map(|answer| answer.map(|body| Answer::new(body, watch))) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(Stream::new(stream, watch.clone())), service);
    let mut connection = std::pin::pin!(connection);
    let mut looks = tokio::time::interval(patience.look());
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => return drop(ended),
            () = watch.is_cut() => return,
            _ = looks.tick() => if watch.is_over(patience) { return },
            () = ending.cancelled(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests;
