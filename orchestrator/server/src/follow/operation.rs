//! The operators' page as it changes: says only that it has, never what. Whoever is told looks at the page under her own rights.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Response, sse::Event},
};
use laufzettel_policy::Action;
use laufzettel_worker::{Desk, operation::Operation};
use tokio::sync::mpsc;

use super::{Place, busy, stream, while_followed};
use crate::{
    reply::Asked,
    site::{Session, Site},
};

/// Seconds between two looks: each costs as much as the page itself, and nobody acts faster on it.
const LOOK_S: u64 = 10;

pub async fn events(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::Admin]).await {
        return Asked::new(&uri, &headers, Some(tenant), Some(&session)).wish(&error);
    }
    let Some(place) = Place::take(&site, &session) else { return busy() };
    let desk = tenant.desk.clone();
    let (told, news) = mpsc::channel(1);
    tokio::spawn(async move {
        while_followed(&site, &told, follow(&site, &desk, &session, &told)).await;
        drop(place);
    });
    stream(news)
}

/// Until she is signed out, or may look no more.
async fn follow(site: &Site, desk: &Desk, session: &Session, told: &mpsc::Sender<Event>) {
    let mut known: Option<Operation> = None;
    while site.sessions().holds(session, site.now()) && desk.holds(&session.caller, &Action::Admin).await {
        // who does not answer now answers later
        if let Ok(found) = desk.operation().await {
            // room changes with every record, and how long a model has been silent with every look; both are shown anew with whatever else
            // has changed
            let mut now = Operation { room: None, ..found };
            let silent = now.models.iter_mut().filter_map(|model| model.load.as_mut()?.failing.as_mut());
            silent.for_each(|(_, seconds)| *seconds = 0);
            if known.as_ref().is_some_and(|known| *known != now) && told.send(Event::default().event("operation.changed").data("{}")).await.is_err() {
                return;
            }
            known = Some(now);
        }
        tokio::time::sleep(Duration::from_secs(LOOK_S)).await;
    }
}
