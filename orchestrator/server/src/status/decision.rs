//! What whoever applied gets in the end: texts and files the process names, byte for byte as they are on record.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use laufzettel_domain::{Lang, Value, digest::to_hex, file::File};
use laufzettel_engine::Run;
use serde_json::json;

use super::Visit;
use crate::{
    files::attachment,
    pages::{OwnFile, shown},
    site::Site,
};

/// What she got, in the order of its names, with where each is fetched.
pub fn list(run: &Run, base: &str, lang: Lang) -> Vec<OwnFile> {
    let received = run.received.as_object().into_iter().flatten();
    let row = |(name, value): (&String, &Value)| {
        let kind = File::from_value(value).map_or_else(|| "Text".to_owned(), |file| shown::file(&file, lang));
        OwnFile { text: format!("{} ({kind})", shown::humanize(name)), link: format!("{base}/{name}") }
    };
    received.map(row).collect()
}

/// That she fetched it is on record: from then on she knows it.
pub async fn fetch(State(site): State<Arc<Site>>, Path((code, name)): Path<(String, String)>, uri: Uri, headers: HeaderMap) -> Response {
    let visit = match Visit::of(&site, &code, &uri, &headers).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let run = &visit.loaded.run;
    let (Some(caller), Some(value)) = (run.applicant(), run.received.get(&name)) else { return visit.asked.missing() };
    let (title, media_type, bytes) = match (value, File::from_value(value)) {
        (Value::String(text), _) => (format!("{name}-{}.txt", run.nummer), "text/plain; charset=utf-8", Ok(Some(text.clone().into_bytes()))),
        (_, Some(file)) => (file.name.clone(), "application/octet-stream", visit.tenant.desk.tenant.store.bytes(&file.file).await),
        _ => return visit.asked.missing(),
    };
    match bytes {
        Ok(Some(bytes)) => {
            let body = json!({ "run": run.id.to_string(), "received": name, "sha256": to_hex(&laufzettel_domain::Digest::of(&bytes).0) });
            match visit.tenant.desk.record("content.exported", caller, body).await {
                Ok(()) => attachment(&title, media_type, bytes),
                Err(error) => visit.asked.unwritten(&error),
            }
        }
        Ok(None) => visit.asked.missing(),
        Err(_) => visit.asked.unavailable(),
    }
}
