//! What one connection is at, seen from its bytes: the socket, the body of a request and the body of an answer each say when something
//! begins and ends. Refuses to do anything about it but to tell.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::{PROGRESS_BYTES, Patience};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A head is being sent, or the first byte of the first one awaited.
    Head,
    /// A body is awaited, of which so much has come since.
    Body(usize),
    /// It is the house's turn.
    Answering,
    /// Between an answer and the next head.
    Idle,
}

#[derive(Debug)]
struct At {
    phase: Phase,
    since: Instant,
    /// Since when the other side takes nothing.
    stuck: Option<Instant>,
}

#[derive(Debug)]
pub struct Watch {
    at: Mutex<At>,
    cut: CancellationToken,
}

impl Watch {
    pub fn new() -> Self {
        Self { at: Mutex::new(At { phase: Phase::Head, since: Instant::now(), stuck: None }), cut: CancellationToken::new() }
    }

    fn at(&self) -> std::sync::MutexGuard<'_, At> {
        self.at.lock().expect("nobody panics while holding this lock")
    }

    fn enter(&self, phase: Phase) {
        let mut at = self.at();
        (at.phase, at.since) = (phase, Instant::now());
    }

    /// Since when the house waits for the other side; `None`: it is the house's turn.
    pub fn waited_since(&self) -> Option<Instant> {
        let at = self.at();
        at.stuck.or_else(|| (at.phase != Phase::Answering).then_some(at.since))
    }

    /// Whether a time is over.
    pub fn is_over(&self, patience: &Patience) -> bool {
        let at = self.at();
        let max = match at.phase {
            Phase::Head => Some(patience.head),
            Phase::Body(_) => Some(patience.body),
            Phase::Idle => Some(patience.idle),
            Phase::Answering => None,
        };
        max.is_some_and(|max| at.since.elapsed() > max) || at.stuck.is_some_and(|since| since.elapsed() > patience.take)
    }

    pub fn cut(&self) {
        self.cut.cancel();
    }

    pub async fn is_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Bytes came, whatever they are of: after an answer they are of the next head. What came with the request before is not seen again
    /// and has the time of an idle connection.
    fn heard(&self) {
        if self.at().phase == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    fn progressed(&self, bytes: usize) {
        let mut at = self.at();
        if let Phase::Body(before) = at.phase {
            let all = before + bytes;
            if all >= PROGRESS_BYTES {
                (at.phase, at.since) = (Phase::Body(0), Instant::now());
            } else {
                at.phase = Phase::Body(all);
            }
        }
    }

    fn wrote<T>(&self, told: &Poll<T>) {
        let mut at = self.at();
        match told {
            Poll::Ready(_) => at.stuck = None,
            Poll::Pending => {
                at.stuck.get_or_insert_with(Instant::now);
            }
        }
    }
}

/// The socket.
pub struct Stream {
    inner: TcpStream,
    watch: Arc<Watch>,
}

impl Stream {
    pub fn new(inner: TcpStream, watch: Arc<Watch>) -> Self {
        Self { inner, watch }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, into));
        if into.filled().len() > before {
            self.watch.heard();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let told = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch.wrote(&told);
        told
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let told = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.watch.wrote(&told);
        told
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The body of a request: from when it is read to its end, the house waits for it.
pub struct Request {
    inner: Incoming,
    watch: Arc<Watch>,
    begun: bool,
}

impl Request {
    pub fn new(inner: Incoming, watch: Arc<Watch>) -> Self {
        // until somebody reads it, it is the house's turn
        watch.enter(Phase::Answering);
        Self { inner, watch, begun: false }
    }
}

impl hyper::body::Body for Request {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if !std::mem::replace(&mut self.begun, true) {
            self.watch.enter(Phase::Body(0));
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.watch.progressed(frame.data_ref().map_or(0, Bytes::len));
        }
        if frame.is_none() || self.inner.is_end_stream() {
            self.watch.enter(Phase::Answering);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Request {
    /// Not read to its end: whoever wanted it has enough of it.
    fn drop(&mut self) {
        let reading = matches!(self.watch.at().phase, Phase::Body(_));
        if reading {
            self.watch.enter(Phase::Answering);
        }
    }
}

/// The body of an answer: with its end the connection is idle.
pub struct Answer {
    inner: Body,
    watch: Arc<Watch>,
}

impl Answer {
    pub fn new(inner: Body, watch: Arc<Watch>) -> Self {
        Self { inner, watch }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.watch.enter(Phase::Idle);
    }
}
