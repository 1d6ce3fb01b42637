//! A run as it happens: its records as server-sent events (WHATWG HTML § 9.2), without case content. Whoever may see the run may
//! follow it, and no longer than she may.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_core::Stream;
use laufzettel_domain::{RunId, Value};
use laufzettel_worker::Desk;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::{
    api::{not_hers, wish},
    reply::problem,
    site::{Session, Site},
};

/// Runs followed at once: each costs a look at one row every so often. Beyond, whoever asks is told to come back.
static FOLLOWED: Semaphore = Semaphore::const_new(200);
/// Milliseconds between two looks.
const LOOK_MS: u64 = 250;
/// Seconds one stream lasts; a client comes back by itself and names the last it saw, and is asked who it is again.
const STREAM_S_MAX: u64 = 600;
/// Looks between two questions whether she may still see it: ten seconds, as long as the directory's answers are believed.
const LOOKS_PER_QUESTION: u32 = 40;

pub async fn events(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let Some(id) = RunId::parse(&run) else { return problem(404, "Diesen Vorgang gibt es nicht.") };
    match tenant.desk.visible(&session.caller, id).await {
        Ok(Some(loaded)) if !session.covers(loaded.run.process.as_str()) => return not_hers(tenant, &session, &run, "view").await,
        Ok(Some(_)) => {}
        Ok(None) => return problem(404, "Diesen Vorgang gibt es nicht."),
        Err(error) => return wish(&error),
    }
    let Ok(place) = FOLLOWED.try_acquire() else { return problem(503, "Gerade werden zu viele Vorgänge verfolgt. Bitte später noch einmal.") };
    if let Err(error) = tenant.desk.record("content.viewed", &crate::api::as_api(&session.caller), json!({ "run": run })).await {
        tracing::error!(%error, "what cannot be recorded is not shown");
        return problem(503, "Gerade nicht möglich. Bitte später noch einmal.");
    }
    let seen = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok()).unwrap_or(0);
    // a few records ahead of a slow reader, no more
    let (told, stream) = mpsc::channel(16);
    let follower = Follower { desk: tenant.desk.clone(), session, run: id, seen, told };
    let closing = site.closing();
    tokio::spawn(async move {
        follower.follow(closing).await;
        drop(place);
    });
    Sse::new(Told(stream)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

struct Follower {
    desk: Desk,
    session: Session,
    run: RunId,
    /// The last record told.
    seen: u64,
    told: mpsc::Sender<Event>,
}

impl Follower {
    /// Until the run ends, she may not see it any more, nobody listens, the time is over, or the server stops.
    async fn follow(mut self, mut closing: watch::Receiver<bool>) {
        let ends = tokio::time::Instant::now() + Duration::from_secs(STREAM_S_MAX);
        for look in 0_u32.. {
            if look % LOOKS_PER_QUESTION == LOOKS_PER_QUESTION - 1 && !matches!(self.desk.visible(&self.session.caller, self.run).await, Ok(Some(_))) {
                return;
            }
            match self.tell_new().await {
                Some(false) => {}
                _ => return,
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
                () = tokio::time::sleep_until(ends) => return,
                _ = closing.changed() => return,
                () = self.told.closed() => return,
            }
        }
    }

    /// What has been written since. `true`: that was the end; `None`: nobody can be told.
    async fn tell_new(&mut self) -> Option<bool> {
        let store = &self.desk.tenant.store;
        // a store that does not answer now answers later
        let Ok(Some(row)) = store.run(self.run).await else { return Some(false) };
        if row.seq <= self.seen {
            return Some(row.ended_at.is_some());
        }
        let Ok(records) = store.history(self.run).await else { return Some(false) };
        for record in records {
            let (Some(seq), draft) = (record.draft.run_seq, &record.draft) else { continue };
            if seq <= self.seen {
                continue;
            }
            let mut body: Value = serde_json::from_str(&draft.body).unwrap_or_default();
            body.as_object_mut().map(|map| map.remove("mac"));
            let at = jiff::Timestamp::from_microsecond(draft.at).map(|at| at.to_string()).unwrap_or_default();
            let data = json!({ "at": at, "kind": draft.kind, "body": body, "satz": laufzettel_engine::sentence(&draft.kind, &body).de });
            let event = Event::default().id(seq.to_string()).event(&draft.kind).data(data.to_string());
            self.told.send(event).await.ok()?;
            self.seen = seq;
        }
        Some(row.ended_at.is_some() && row.seq <= self.seen)
    }
}

/// What a follower tells, as axum reads it.
struct Told(mpsc::Receiver<Event>);

impl Stream for Told {
    type Item = Result<Event, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
