//! A child process as a transport: no message longer than one may be, and it ends when the connection does.

use std::{
    io::{Error, ErrorKind},
    pin::Pin,
    process::Stdio,
    task::{Context, Poll},
    time::Duration,
};

use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{Transport, async_rw::AsyncRwTransport},
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncRead, ReadBuf},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    guard::{Cut, Reason},
    tools::MESSAGE_BYTES_MAX,
};

/// Milliseconds a server has to end by itself when its input ends, and again when it is asked to (MCP, stdio shutdown).
const GRACE_MS: u64 = 3_000;

pub struct Process {
    child: Child,
    lines: AsyncRwTransport<RoleClient, Lines<ChildStdout>, ChildStdin>,
    reason: Reason,
}

impl Process {
    /// Starts it. `reason`: where it is told that it was cut off.
    pub fn start(command: std::process::Command, reason: Reason) -> std::io::Result<Self> {
        let mut child = Command::from(command).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err(Error::other("no pipes")) };
        let output = Lines { inner: output, bytes: 0, reason: reason.clone() };
        // the one bound is ours: the library would drop a line that is too long, and the call would wait for nothing
        let lines = AsyncRwTransport::new_client(output, input).with_max_line_length(usize::MAX);
        Ok(Self { child, lines, reason })
    }

    async fn ended(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(GRACE_MS), self.child.wait()).await.is_ok()
    }
}

impl Transport<RoleClient> for Process {
    type Error = Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleClient>) -> impl Future<Output = Result<(), Error>> + Send + 'static {
        self.lines.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        self.lines.receive().await
    }

    async fn close(&mut self) -> Result<(), Error> {
        // who was cut off may never look at its input again
        if self.reason.get().is_some() {
            return self.child.kill().await;
        }
        // nor who has long ceased to read it: a message still on its way there would hold up its end
        if tokio::time::timeout(Duration::from_millis(GRACE_MS), self.lines.close()).await.is_err() {
            return self.child.kill().await;
        }
        if self.ended().await {
            return Ok(());
        }
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // it may have ended just now
            kill_process(pid, Signal::TERM).ok();
        }
        if self.ended().await { Ok(()) } else { self.child.kill().await }
    }
}

/// Ends the stream as soon as a line is too long, not when it has been read: without a newline it never would have been.
struct Lines<R> {
    inner: R,
    /// Of the line that is being read.
    bytes: usize,
    reason: Reason,
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        let read = &buffer.filled()[before..];
        this.bytes = match read.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => read.len() - end - 1,
            None => this.bytes + read.len(),
        };
        if this.bytes < MESSAGE_BYTES_MAX {
            return Poll::Ready(Ok(()));
        }
        this.reason.set(Cut::Overlong).ok();
        Poll::Ready(Err(Error::new(ErrorKind::InvalidData, "a line without end")))
    }
}
