//! The journal carried out as a file, told while it is read; who does it, and why, is on record first.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Extension, Form,
    body::Body,
    extract::State,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use laufzettel_policy::Action;
use laufzettel_store::Store;
use laufzettel_worker::trail::{self, EXPORT_PAGE, REASON_CHARS_MAX};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use super::{Sent, page};
use crate::{
    pages,
    reply::Asked,
    site::{Session, Site},
};

/// Exports at once: each keeps one reader of the store busy, and pages need the others.
static EXPORTS: Semaphore = Semaphore::const_new(2);

/// The whole journal as a file. It is told while it is read: nothing of it is held.
pub async fn export(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let format = if sent.get("format").is_some_and(|format| format == "csv") { "csv" } else { "jsonl" };
    let Some(reason) = reason(&sent) else { return page(tenant, &session, &asked, &Sent::new(), Some(format)).await };
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        return asked.wish(&error);
    }
    let Ok(place) = EXPORTS.try_acquire() else { return asked.busy() };
    if let Err(error) = tenant.desk.record("content.exported", &session.caller, json!({ "format": format, "reason": reason })).await {
        return asked.unwritten(&error);
    }
    // a page of records ahead of a slow reader, no more
    let (told, stream) = mpsc::channel(1);
    let (store, mut closing) = (tenant.desk.tenant.store.clone(), site.closing());
    tokio::spawn(async move {
        tokio::select! {
            () = tell(&store, format, &told) => {}
            _ = closing.wait_for(|closed| *closed) => {}
        }
        drop(place);
    });
    let kind = if format == "csv" { "text/csv; charset=utf-8" } else { "application/jsonl" };
    let name = format!("attachment; filename=\"protokoll-{}.{format}\"", session.tenant);
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], Body::from_stream(Told(stream))).into_response()
}

/// Why something is carried out, in so many characters as a record takes.
pub fn reason(sent: &Sent) -> Option<String> {
    let reason = sent.get(pages::REASON)?.trim().to_owned();
    (1..=REASON_CHARS_MAX).contains(&reason.chars().count()).then_some(reason)
}

type Piece = Result<String, std::io::Error>;

async fn tell(store: &Store, format: &str, told: &mpsc::Sender<Piece>) {
    let mut after = (0, 0);
    let mut text = if format == "csv" { format!("{}\n", trail::CSV_HEAD) } else { String::new() };
    loop {
        let page = match store.records(after, EXPORT_PAGE).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "an export broke off");
                // whoever reads must not take half of it for all of it
                drop(told.send(Err(std::io::Error::other("the journal does not read on"))).await);
                return;
            }
        };
        for record in &page {
            text.push_str(&if format == "csv" { trail::csv_line(record) } else { trail::line(record).to_string() });
            text.push('\n');
        }
        let over = page.last().map(|last| after = (last.lane, last.seq)).is_none();
        // whoever takes no more is gone
        if told.send(Ok(std::mem::take(&mut text))).await.is_err() || over {
            return;
        }
    }
}

struct Told(mpsc::Receiver<Piece>);

impl Stream for Told {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_there() {
        let sent = |text: &str| Sent::from([(pages::REASON.to_owned(), text.to_owned())]);
        assert_eq!(reason(&Sent::new()), None);
        for (text, expected) in [("  ", None), (" Prüfung ", Some("Prüfung".to_owned())), (&"x".repeat(501), None)] {
            assert_eq!(reason(&sent(text)), expected);
        }
    }
}
