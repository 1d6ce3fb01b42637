//! What goes by itself, looked for once an hour: messages nobody asked for, files no run took, and what is past its time. All of it
//! holds content.

use jiff::Timestamp;

use crate::{desk::Desk, erasure::EraseError};

/// When it was last done.
#[derive(Default)]
pub(crate) struct Sweep {
    swept: Option<Timestamp>,
    /// The last portion left something.
    more: bool,
}

impl Sweep {
    /// One portion, if an hour is over or the last one left something.
    pub async fn look(&mut self, desk: &Desk) {
        let now = desk.tenant.clock.now();
        let first = self.swept.is_none();
        if !self.more && self.swept.is_some_and(|at| now.duration_since(at).as_hours() < 1) {
            return;
        }
        if !self.more {
            self.swept = Some(now);
            begin(desk, first).await;
        }
        self.more = desk.let_go().await.unwrap_or_else(|error| {
            tracing::error!(%error, "what is past its time is still there");
            false
        });
    }
}

/// What comes before the portions. What fails is said, and tried again in an hour.
async fn begin(desk: &Desk, first: bool) {
    if let Err(error) = desk.tenant.store.sweep(crate::micros(desk.tenant.clock.now())).await {
        tracing::warn!(%error, "old messages are still there");
    }
    let repeated = async {
        if first {
            desk.keep_old_runs().await?;
        }
        desk.repeat_erasures().await
    };
    let repeated: Result<u64, EraseError> = repeated.await;
    if let Err(error) = repeated {
        tracing::error!(%error, "erasures the witness knows were not repeated");
    }
    // after them: what has just gone for good gets no key again
    if let Err(error) = desk.index_old_runs().await {
        tracing::error!(%error, "not everybody is found by what was kept before");
    }
}
