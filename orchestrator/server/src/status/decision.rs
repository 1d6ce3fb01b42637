//! What whoever applied gets in the end: texts and files the process names. A text reads as a letter on a page of its own; each of them is
//! there to be saved, byte for byte as it is on record.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::Method,
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, Lang, Value, digest::to_hex, file::File};
use laufzettel_engine::Run;
use serde_json::json;

use super::Visit;
use crate::{
    files::attachment,
    intake::called,
    pages::{BescheidPage, OwnFile, Page, markdown, shown},
    site::Site,
    view::received_letter,
};

/// Bytes of a text shown on a page: with its layout it stays below what a page may have. What is longer is saved.
const TEXT_BYTES_MAX: usize = 40_000;

/// What she got, in the order of its names, with where each is read or fetched.
pub fn list(run: &Run, base: &str, lang: Lang) -> Vec<OwnFile> {
    let received = run.received.as_object().into_iter().flatten();
    let row = |(name, value): (&String, &Value)| match File::from_value(value) {
        Some(file) => OwnFile { text: format!("{} ({})", shown::humanize(name), shown::file(&file, lang)), link: format!("{base}/{name}/datei") },
        None => OwnFile { text: shown::humanize(name), link: format!("{base}/{name}") },
    };
    received.map(row).collect()
}

/// A text as a letter; a file is fetched. That she read it is on record: from then on she knows it.
pub async fn page(State(site): State<Arc<Site>>, Path((code, name)): Path<(String, String)>, request: Request) -> Response {
    let visit = match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let run = &visit.loaded.run;
    let Some(value) = run.received.get(&name) else { return visit.asked.missing() };
    let file = format!("{}/bescheid/{name}/datei", visit.home());
    let Value::String(text) = value else { return Redirect::to(&file).into_response() };
    let caller = match visit.opening(&site, &request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    let whole = Some(text).filter(|text| text.len() <= TEXT_BYTES_MAX);
    // where only its length is told nothing was read, nor where the heads of an answer alone were asked for
    if whole.is_some() && request.method() == Method::GET {
        let body = json!({ "run": run.id.to_string(), "received": name, "sha256": to_hex(&Digest::of(text.as_bytes()).0) });
        if let Err(error) = visit.tenant.desk.record("content.viewed", &caller, body).await {
            return visit.asked.unwritten(&error);
        }
    }
    visit.asked.ok(&Page::Bescheid(BescheidPage {
        heading: shown::humanize(&name),
        title: called(&visit.loaded.prepared),
        number: run.nummer.clone(),
        back: visit.home(),
        html: whole.zip(received_letter(&visit.loaded, &name)).and_then(|(text, parts)| markdown::letter(text, &parts)),
        text: whole.cloned(),
        file,
    }))
}

/// That she fetched it is on record, too.
pub async fn fetch(State(site): State<Arc<Site>>, Path((code, name)): Path<(String, String)>, request: Request) -> Response {
    let visit = match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let run = &visit.loaded.run;
    let Some(value) = run.received.get(&name) else { return visit.asked.missing() };
    let caller = match visit.opening(&site, &request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    let (title, media_type, bytes) = match (value, File::from_value(value)) {
        (Value::String(text), _) => (format!("{name}-{}.txt", run.nummer), "text/plain; charset=utf-8", Ok(Some(text.clone().into_bytes()))),
        (_, Some(file)) => (file.name.clone(), "application/octet-stream", visit.tenant.desk.tenant.store.bytes(&file.file).await),
        _ => return visit.asked.missing(),
    };
    match bytes {
        Ok(Some(bytes)) => {
            let body = json!({ "run": run.id.to_string(), "received": name, "sha256": to_hex(&Digest::of(&bytes).0) });
            visit.handed(request.method(), &caller, body, || attachment(&title, media_type, bytes)).await
        }
        Ok(None) => visit.asked.missing(),
        Err(_) => visit.asked.unavailable(),
    }
}

impl Visit<'_> {
    /// A file of hers, once that she fetched it is on record; whoever asks for the heads of the answer alone has fetched nothing.
    pub(super) async fn handed(&self, method: &Method, caller: &Caller, body: Value, file: impl FnOnce() -> Response) -> Response {
        if *method != Method::GET {
            return file();
        }
        match self.tenant.desk.record("content.exported", caller, body).await {
            Ok(()) => file(),
            Err(error) => self.asked.unwritten(&error),
        }
    }
}
