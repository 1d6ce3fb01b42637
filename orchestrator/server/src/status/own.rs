//! „Ihre Angaben“: what whoever applied sent, as she sent it, with her files to fetch again, until the contents go: then nobody is known to
//! have applied. Refuses every file that is not hers.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use laufzettel_domain::{Lang, Value, file::File};
use laufzettel_engine::{Run, Task, TaskState};
use laufzettel_worker::task_title;
use serde_json::json;

use super::{Visit, added, answered_by_her};
use crate::{
    files::{attachment, collect},
    intake,
    pages::{AngabenPage, AnswerView, OwnFile, Page, form::ReviewGroup, shown},
    site::Site,
    tasks::form_of,
    vouched::Vouched,
};

/// What she sent is shown to her alone: whoever is signed in as staff looks at it with the case, where that is on record.
pub async fn page(State(site): State<Arc<Site>>, Path(code): Path<String>, request: Request) -> Response {
    match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => match visit.reading(&site, &request) {
            Ok(_) => visit.asked.ok(&Page::Angaben(visit.own())),
            Err(answer) => *answer,
        },
        Err(answer) => answer,
    }
}

impl Visit<'_> {
    fn own(&self) -> AngabenPage {
        let (run, lang) = (&self.loaded.run, self.asked.lang);
        let base = format!("{}/dateien", self.home());
        AngabenPage {
            responsible: self.loaded.prepared.process.verantwortlich.clone(),
            title: intake::called(&self.loaded.prepared),
            number: run.nummer.clone(),
            back: self.home(),
            received: self.tenant.civil(run.started_at),
            vouched: Vouched::of(run).map(|vouched| vouched.view(self.tenant, true, lang)),
            groups: intake::form_of(&self.loaded.prepared).map(|form| form.review(&run.input, lang)).unwrap_or_default(),
            answers: run.tasks.values().filter_map(|task| self.answer_of(task, lang)).collect(),
            files: asked_for(run).into_iter().filter_map(|file| own_file(&file, &base, lang)).collect(),
            added: added::list(self.tenant, run, &base, lang),
        }
    }

    fn answer_of(&self, task: &Task, lang: Lang) -> Option<AnswerView> {
        let (at, values) = (answered_by_her(task)?, values(task)?);
        let groups: Vec<ReviewGroup> = form_of(&self.loaded, task).map(|form| form.review(values, lang)).unwrap_or_default();
        Some(AnswerView { title: task_title(&self.loaded.prepared.process, &task.opened), at: self.tenant.civil(at), groups })
    }
}

fn values(task: &Task) -> Option<&Value> {
    match &task.state {
        TaskState::Completed { values, .. } => Some(values),
        _ => None,
    }
}

/// Files of her application and of her answers, each once.
fn asked_for(run: &Run) -> Vec<File> {
    let mut found = Vec::new();
    collect(&run.input, &mut found);
    run.tasks.values().filter(|task| answered_by_her(task).is_some()).filter_map(values).for_each(|values| collect(values, &mut found));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|file| seen.insert(file.file.clone()));
    found
}

/// All files she sent.
fn hers(run: &Run) -> Vec<File> {
    let added = run.added.iter().filter_map(|added| File::from_value(&added.file));
    asked_for(run).into_iter().chain(added).collect()
}

fn own_file(file: &File, base: &str, lang: Lang) -> Option<OwnFile> {
    Some(OwnFile { text: shown::file(file, lang), link: format!("{base}/{}", file.file.strip_prefix("blob:")?) })
}

/// One of her own files, byte for byte.
pub async fn fetch(State(site): State<Arc<Site>>, Path((code, name)): Path<(String, String)>, request: Request) -> Response {
    let visit = match Visit::of(&site, &code, request.uri(), request.headers()).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let run = &visit.loaded.run;
    let wanted = format!("blob:{name}");
    let Some(file) = hers(run).into_iter().find(|file| file.file == wanted) else { return visit.asked.missing() };
    let caller = match visit.opening(&site, &request) {
        Ok(caller) => caller,
        Err(answer) => return *answer,
    };
    match visit.tenant.desk.tenant.store.bytes(&file.file).await {
        Ok(Some(bytes)) => {
            let body = json!({ "run": run.id.to_string(), "file": file.file });
            visit.handed(request.method(), &caller, body, || attachment(&file.name, "application/octet-stream", bytes)).await
        }
        Ok(None) => visit.asked.missing(),
        Err(_) => visit.asked.unavailable(),
    }
}
