//! What goes by itself, looked for once an hour: messages nobody asked for, files no run took, and what is past its time. All of it
//! holds content.

use jiff::Timestamp;

use crate::desk::Desk;

/// When it was last done.
#[derive(Default)]
pub(crate) struct Sweep {
    swept: Option<Timestamp>,
}

impl Sweep {
    /// One portion, if an hour is over or the last one left something.
    pub async fn look(&mut self, desk: &Desk) {
        let now = desk.tenant.clock.now();
        if self.swept.is_some_and(|at| now.duration_since(at).as_hours() < 1) {
            return;
        }
        if let Err(error) = desk.tenant.store.sweep(crate::micros(now)).await {
            tracing::warn!(%error, "old messages are still there");
            return;
        }
        if let Err(error) = desk.repeat_erasures().await {
            tracing::error!(%error, "erasures the witness knows were not repeated");
        }
        match desk.let_go().await {
            Ok(true) => {}
            Ok(false) => self.swept = Some(now),
            Err(error) => {
                tracing::error!(%error, "what is past its time is still there");
                self.swept = Some(now);
            }
        }
    }
}
