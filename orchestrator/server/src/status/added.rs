//! „Unterlagen nachreichen“: a file nobody asked for, handed in while the run goes on. It is kept with the run and shown to people; no step
//! reads it.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use laufzettel_domain::{Digest, Lang, Value, file::File};
use laufzettel_engine::{NOTE_CHARS_MAX, Rejection, Run};
use laufzettel_process::{Schema, schema::Problem};
use laufzettel_worker::WishError;
use serde_json::json;

use super::{ADDED, BLANK, DONE, Visit, key};
use crate::{
    form_data::{self, Sent},
    intake::{called, new_key},
    pages::{AddedFile, Filled, Form, INTENT, INTENT_STAY, NachreichenPage, Page, shown, words::word},
    site::{Site, TenantSite},
};

/// Bytes of one file (10 MiB: a scanned letter of a dozen pages).
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// A file, and what it is.
fn form_in(lang: Lang) -> Option<Form> {
    Form::of(&schema(lang), Some(&["datei".to_owned(), "hinweis".to_owned()])).ok()
}

fn schema(lang: Lang) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": ["datei"], "properties": {
        "datei": { "type": "object", "format": "file", "title": word("add_file", lang), "x-hilfe": word("add_file_help", lang),
            "x-media-types": ["application/pdf", "image/jpeg", "image/png", "text/plain"], "x-max-bytes": FILE_BYTES_MAX },
        "hinweis": { "type": "string", "title": word("add_note", lang), "maxLength": NOTE_CHARS_MAX } } })
}

/// Files of a run that nobody asked for, with where each is fetched.
pub fn list(tenant: &TenantSite, run: &Run, base: &str, lang: Lang) -> Vec<AddedFile> {
    let row = |added: &laufzettel_engine::Added| {
        let file = File::from_value(&added.file);
        let link = file.as_ref().and_then(|file| Some(format!("{base}/{}", file.file.strip_prefix("blob:")?)));
        AddedFile { at: tenant.civil(added.at), file: file.map(|file| shown::file(&file, lang)), note: added.note.clone(), link }
    };
    run.added.iter().map(row).collect()
}

pub async fn page(State(site): State<Arc<Site>>, Path(code): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    match Visit::of(&site, &code, &uri, &headers).await {
        Ok(visit) if visit.loaded.run.applicant().is_none() => visit.asked.missing(),
        Ok(visit) if is_over(&visit.loaded.run) => visit.over(),
        Ok(visit) => visit.form(StatusCode::OK, &BLANK, new_key(visit.tenant), false),
        Err(answer) => answer,
    }
}

fn is_over(run: &Run) -> bool {
    run.ending.is_some() || run.ended.is_some()
}

pub async fn send(State(site): State<Arc<Site>>, Path(code): Path<String>, request: Request) -> Response {
    let visit = match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let caller = match visit.acting(&site, &request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    // what nobody takes any more is not read, and no file of it kept
    if is_over(&visit.loaded.run) {
        return visit.over();
    }
    let Some(form) = form_in(visit.asked.lang) else { return visit.asked.unavailable() };
    if let Err(answer) = form_data::weighed(&site, &visit.asked, &request) {
        return *answer;
    }
    let sent = match form_data::read(request, visit.tenant, &form).await {
        Ok(sent) => sent,
        Err(why) => return visit.asked.unread(why),
    };
    let key = key(visit.tenant, &sent);
    if sent.get(INTENT) == Some(INTENT_STAY) {
        let filled = Filled { pairs: &sent.pairs, problems: &sent.problems, files: &sent.files, ..BLANK };
        return visit.form(StatusCode::OK, &filled, key, false);
    }
    let (file, note) = match visit.read(&form, &sent).await {
        Ok(read) => read,
        Err(error) => return visit.refused(error, &sent, key),
    };
    // the same file sent twice is one; another one is another, though a browser shows the form of the first once more
    let what = Digest::of_value(&json!({ "file": file.file, "name": file.name, "note": note }));
    let once = visit.tenant.desk.once(vec![format!("nachgereicht:{}:{key}:{what}", visit.loaded.run.id)]);
    match once.add_file(visit.loaded.run.id, &caller, &file, &note).await {
        Ok(_) | Err(WishError::Repeated) => Redirect::to(&format!("{}?{DONE}={ADDED}", visit.home())).into_response(),
        Err(error) => visit.refused(error, &sent, key),
    }
}

impl Visit<'_> {
    /// The file and what is said of it, or everything wrong with them.
    async fn read(&self, form: &Form, sent: &Sent) -> Result<(File, String), WishError> {
        let (mut values, mut problems) = form.parse(&sent.pairs);
        problems.extend(form_data::insert_files(self.tenant, &mut values, &sent.files).await?);
        problems.retain(|problem| !sent.problems.iter().any(|known| known.path == problem.path));
        problems.extend(sent.problems.clone());
        let file = values.get("datei").and_then(File::from_value);
        if file.is_none() && !problems.iter().any(|problem| problem.path.0 == ["datei"]) {
            let message = laufzettel_domain::Text::new("Bitte wählen Sie eine Datei aus.", "Please choose a file.");
            problems.push(Problem { path: laufzettel_domain::Path::new(["datei"]), message });
        }
        let schema = Schema::compile(schema(self.asked.lang)).map_err(WishError::Unavailable)?;
        form_data::all_of(&schema, &values, self.tenant.today(), &mut problems);
        match file {
            Some(file) if problems.is_empty() => Ok((file, values.get("hinweis").and_then(Value::as_str).unwrap_or_default().trim().to_owned())),
            _ => Err(WishError::Rejected(Rejection::Invalid(problems))),
        }
    }

    fn refused(&self, error: WishError, sent: &Sent, key: String) -> Response {
        match error {
            WishError::Rejected(Rejection::Invalid(problems)) => {
                let filled = Filled { pairs: &sent.pairs, problems: &problems, files: &sent.files, ..BLANK };
                self.form(StatusCode::UNPROCESSABLE_ENTITY, &filled, key, false)
            }
            WishError::Rejected(Rejection::Stale(_)) => self.over(),
            WishError::Unavailable(_) => {
                let filled = Filled { pairs: &sent.pairs, files: &sent.files, ..BLANK };
                self.form(StatusCode::SERVICE_UNAVAILABLE, &filled, key, true)
            }
            error => self.asked.wish(&error),
        }
    }

    fn form(&self, status: StatusCode, filled: &Filled<'_>, key: String, later: bool) -> Response {
        let Some(form) = form_in(self.asked.lang) else { return self.asked.unavailable() };
        let run = &self.loaded.run;
        let page = NachreichenPage {
            title: called(&self.loaded.prepared),
            number: run.nummer.clone(),
            action: self.asked.path.clone(),
            back: self.home(),
            form: form.view(filled, self.asked.lang).spoken(|_| true),
            added: list(self.tenant, run, &format!("{}/dateien", self.home()), self.asked.lang),
            key,
            later,
        };
        self.asked.page(status, &Page::Nachreichen(page))
    }

    /// The run takes nothing any more.
    fn over(&self) -> Response {
        self.told("add_over", "add_over_text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_can_be_shown() {
        for lang in [Lang::De, Lang::En] {
            assert_eq!(form_in(lang).map(|form| form.files().len()), Some(1));
        }
    }
}
