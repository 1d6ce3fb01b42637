//! A run as it happens: its records as server-sent events (WHATWG HTML § 9.2), without case content. Whoever may see the run may
//! follow it, and no longer than she may.

pub mod inbox;
pub mod operation;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_core::Stream;
use laufzettel_domain::{RunId, Value};
use laufzettel_worker::{Desk, WishError};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    api::{runs::not_hers, wish},
    problem::{later, no_run, problem, retry_after},
    site::{Session, Site},
};

/// Runs followed at once: each costs a look at one row every so often. Beyond, whoever asks is told to come back.
const FOLLOWED_MAX: usize = 200;
/// Of these by one caller: a desk full of windows. Pages follow only while they are seen.
const FOLLOWED_EACH_MAX: usize = 20;
/// Seconds a record waits for whoever reads slowly.
const SEND_S_MAX: u64 = 30;
/// Milliseconds between two looks.
const LOOK_MS: u64 = 250;
/// Seconds one stream lasts; a client comes back by itself and names the last it saw, and is asked who it is again.
const STREAM_S_MAX: u64 = 600;
/// Looks between two questions whether she may still see it: ten seconds, as long as the directory's answers are believed.
const LOOKS_PER_QUESTION: u32 = 40;

pub async fn events(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(run): Path<String>, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let seen = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok()).unwrap_or(0);
    let Some(id) = RunId::parse(&run) else { return no_run() };
    match tenant.desk.visible(&session.caller, id).await {
        Ok(Some(loaded)) if !session.covers(loaded.run.process.as_str()) => return not_hers(tenant, &session, &run, "view").await,
        // told to the end: whoever comes back is told not to
        Ok(Some(loaded)) if loaded.run.ended.is_some() && seen >= loaded.run.seq => return StatusCode::NO_CONTENT.into_response(),
        Ok(Some(_)) => {}
        Ok(None) => return no_run(),
        Err(error) => return wish(&error),
    }
    let Some(place) = Place::take(&site, &session) else { return busy() };
    if let Err(error) = tenant.desk.record("content.viewed", &crate::api::as_api(&session.caller), json!({ "run": run })).await {
        tracing::error!(%error, "what cannot be recorded is not shown");
        return later();
    }
    // a few records ahead of a slow reader, no more
    let (told, news) = mpsc::channel(16);
    let follower = Follower { site: site.clone(), desk: tenant.desk.clone(), shown: Shown::of(&headers), session, run: id, seen, told };
    tokio::spawn(async move {
        follower.follow().await;
        drop(place);
    });
    stream(news)
}

/// A place among those who follow, until it is dropped.
struct Place {
    site: Arc<Site>,
    who: String,
}

impl Place {
    fn take(site: &Arc<Site>, session: &Session) -> Option<Self> {
        let who = format!("{}/{}", session.tenant, session.caller.subject);
        let mut places = site.places();
        if places.values().sum::<usize>() >= FOLLOWED_MAX || places.get(&who).is_some_and(|own| *own >= FOLLOWED_EACH_MAX) {
            return None;
        }
        *places.entry(who.clone()).or_default() += 1;
        drop(places);
        Some(Self { site: site.clone(), who })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.site.places();
        if let Some(own) = places.get_mut(&self.who) {
            *own -= 1;
        }
        places.retain(|_, own| *own > 0);
    }
}

fn busy() -> Response {
    let (de, en) = ("Gerade werden zu viele Vorgänge verfolgt. Bitte später noch einmal.", "Too many runs are followed now. Please try again later.");
    retry_after(problem(503, de, en), "30")
}

/// Looks until that ends, nobody listens any more, the time is over, or the server stops.
async fn while_followed(site: &Site, told: &mpsc::Sender<Event>, looking: impl Future<Output = ()>) {
    let mut closing = site.closing();
    tokio::select! {
        () = looking => {}
        () = tokio::time::sleep(Duration::from_secs(STREAM_S_MAX)) => {}
        _ = closing.wait_for(|closed| *closed) => {}
        () = told.closed() => {}
    }
}

/// What is told as it comes; a sign of life every so often keeps proxies from ending it.
fn stream(told: mpsc::Receiver<Event>) -> Response {
    Sse::new(Told(told)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

/// What a follower showed when she came: it must still open the door.
enum Shown {
    Key(String),
    Session,
}

impl Shown {
    fn of(headers: &HeaderMap) -> Self {
        let key = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
        key.map_or(Self::Session, |key| Self::Key(key.trim().to_owned()))
    }
}

struct Follower {
    site: Arc<Site>,
    shown: Shown,
    desk: Desk,
    session: Session,
    run: RunId,
    /// The last record told.
    seen: u64,
    told: mpsc::Sender<Event>,
}

impl Follower {
    /// Until the run ends, she may not see it any more, nobody listens, the time is over, or the server stops.
    async fn follow(mut self) {
        let (site, told) = (self.site.clone(), self.told.clone());
        while_followed(&site, &told, self.look()).await;
    }

    async fn look(&mut self) {
        for look in 0_u32.. {
            if look % LOOKS_PER_QUESTION == LOOKS_PER_QUESTION - 1 && self.has_gone().await {
                return;
            }
            match self.tell_new().await {
                Some(false) => tokio::time::sleep(Duration::from_millis(LOOK_MS)).await,
                _ => return,
            }
        }
    }

    /// Signed out, her key revoked, or no longer allowed to see it. Who does not answer has not said so.
    async fn has_gone(&self) -> bool {
        let signed_in = match &self.shown {
            Shown::Session => self.site.sessions().holds(&self.session, self.site.now()),
            Shown::Key(token) => !matches!(self.desk.key(token).await, Ok(None)),
        };
        let Ok(Some(row)) = self.desk.tenant.store.run(self.run).await else { return !signed_in };
        !signed_in || matches!(self.desk.sees(&self.session.caller, &row).await, Ok(false) | Err(WishError::Denied(_)))
    }

    /// What has been written since. `true`: that was the end; `None`: nobody can be told.
    async fn tell_new(&mut self) -> Option<bool> {
        let store = &self.desk.tenant.store;
        // a store that does not answer now answers later
        let Ok(Some(row)) = store.run(self.run).await else { return Some(false) };
        if row.seq <= self.seen {
            return Some(row.ended_at.is_some());
        }
        let Ok(records) = store.history_after(self.run, self.seen).await else { return Some(false) };
        for record in records {
            let (Some(seq), draft) = (record.draft.run_seq, &record.draft) else { continue };
            let mut body: Value = serde_json::from_str(&draft.body).unwrap_or_default();
            body.as_object_mut().map(|map| map.remove("mac"));
            let at = jiff::Timestamp::from_microsecond(draft.at).map(|at| at.to_string()).unwrap_or_default();
            let data = json!({ "at": at, "kind": draft.kind, "body": body, "satz": laufzettel_engine::sentence(&draft.kind, &body).de });
            let event = Event::default().id(seq.to_string()).event(&draft.kind).data(data.to_string());
            // whoever takes no more is gone
            tokio::time::timeout(Duration::from_secs(SEND_S_MAX), self.told.send(event)).await.ok()?.ok()?;
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
