//! A connection that is cut when the other side goes too far, and what it did.

use std::sync::{Arc, OnceLock};

use rmcp::{
    RoleClient,
    model::JsonRpcMessage,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

/// Requests a server may have of us in a row without answering anything itself. Each waits in memory until our reply is taken, and who
/// only asks need not take it. We offer servers nothing but `ping`.
const REQUESTS_MAX: u32 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A message longer than one may be.
    Overlong,
    /// More requests than anybody has.
    Flood,
}

/// Set once, when it happens.
pub type Reason = Arc<OnceLock<Cut>>;

pub struct Guard<T> {
    inner: T,
    requests: u32,
    reason: Reason,
}

impl<T> Guard<T> {
    pub fn new(inner: T, reason: Reason) -> Self {
        Self { inner, requests: 0, reason }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Guard<T> {
    type Error = T::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleClient>) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        if self.reason.get().is_none() {
            let message = self.inner.receive().await;
            match &message {
                Some(JsonRpcMessage::Request(_)) => self.requests += 1,
                Some(JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)) => self.requests = 0,
                Some(JsonRpcMessage::Notification(_)) | None => {}
            }
            if self.requests > REQUESTS_MAX {
                self.reason.set(Cut::Flood).ok();
            }
            if self.reason.get().is_none() {
                return message;
            }
        }
        // at once: what is still on its way to the other side would otherwise be waited for
        self.inner.close().await.ok();
        None
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.inner.close().await
    }
}
