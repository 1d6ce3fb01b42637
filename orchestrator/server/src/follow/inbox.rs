//! The inbox as it changes: says only that it has, never what is in it. Whoever is told looks at the list under her own rights.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::{Response, sse::Event},
};
use laufzettel_worker::{Desk, Wanted, WishError};
use tokio::sync::mpsc;

use super::{Place, busy, stream, while_followed};
use crate::{
    inbox,
    site::{Session, Site},
};

/// Seconds between two looks at an inbox, which costs more than a look at one run: [`super::FOLLOWED_MAX`] followers are twenty
/// looks a second at most.
const LOOK_S: u64 = 10;

pub async fn events(State(site): State<Arc<Site>>, Extension(session): Extension<Session>) -> Response {
    let Some(place) = Place::take(&site, &session) else { return busy() };
    let desk = site.tenants[&session.tenant].desk.clone();
    let (told, news) = mpsc::channel(1);
    tokio::spawn(async move {
        while_followed(&site, &told, follow(&site, &desk, &session, &told)).await;
        drop(place);
    });
    stream(news)
}

/// Until she is signed out, or may look no more. The first look is told, too: something may have come since the page was made.
async fn follow(site: &Site, desk: &Desk, session: &Session, told: &mpsc::Sender<Event>) {
    let mut known: Option<BTreeSet<String>> = None;
    while site.sessions().holds(session, site.now()) {
        let wanted = Wanted { limit: inbox::PAGE, ..Wanted::default() };
        match desk.inbox(&session.caller, &wanted, None).await {
            Ok((rows, _)) => {
                let now = Some(rows.into_iter().map(|row| row.task.to_string()).collect());
                if now != known && told.send(Event::default().event("inbox.changed").data("{}")).await.is_err() {
                    return;
                }
                known = now;
            }
            Err(WishError::Denied(_)) => return,
            // who does not answer now answers later
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_secs(LOOK_S)).await;
    }
}
