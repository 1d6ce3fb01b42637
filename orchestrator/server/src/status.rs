//! The citizen's status page: six words, what happens next, which steps a machine did, and the questions to her, answered right here.
//!
//! Whoever has the code is the applicant of its run, and of no other: she answers what is put to her there, and may nothing else.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, Lang, TaskId};
use laufzettel_engine::{Rejection, Run, State as RunState, StepState, Task, TaskState};
use laufzettel_process::{Process, Schema, model::StepKind};
use laufzettel_worker::{Loaded, WishError, status_key, task_title};

use crate::{
    form_data::{self, Sent},
    intake::new_key,
    pages::{self, Answered, AutomatedStep, Filled, Form, Page, Question, Reached, Said, Shown, Station, StatusPage},
    reply::Asked,
    session,
    signin::password::address,
    site::{Closed, Site, TenantSite},
    tasks::form_of,
};

/// Names in the address: the task that is answered, and the one that was.
const QUESTION: &str = "frage";
const ANSWERED: &str = "antwort";
/// Answers a minute to the questions of one run: somebody who corrects a form now and then sends three.
const OF_RUN_MAX: u32 = 10;
/// The same from one address: a counter hall behind it.
const OF_ADDRESS_MAX: u32 = 30;
/// Characters of an idempotency key as [`new_key`] makes it: 16 bytes in hexadecimal.
const KEY_CHARS: usize = 32;

/// Why a code brings no run.
enum Unfound {
    /// A wrong code is like none.
    Missing,
    /// A code says nothing of its tenant: where one cannot be asked, nobody can say that there is no such code.
    Closed(Closed),
    Unreadable,
}

impl Unfound {
    fn told(self, nobody: &Asked) -> Response {
        match self {
            Self::Missing => nobody.missing(),
            Self::Closed(why) => nobody.closed(Some(why)),
            Self::Unreadable => nobody.unavailable(),
        }
    }
}

/// The run of a code.
async fn find<'s>(site: &'s Site, code: &str) -> Result<(&'s TenantSite, Loaded), Unfound> {
    let mut unfound = site.closed().into_values().next().map_or(Unfound::Missing, Unfound::Closed);
    for (name, tenant) in site.tenants.iter() {
        match tenant.desk.tenant.store.receipt(&status_key(code)).await {
            Ok(Some(run)) => {
                let loaded = tenant.desk.load(run).await.ok().flatten();
                return loaded.map(|loaded| (tenant, loaded)).ok_or(Unfound::Unreadable);
            }
            Ok(None) => {}
            Err(_) => unfound = Unfound::Closed(site.hindrance(name).unwrap_or(Closed::Other)),
        }
    }
    Err(unfound)
}

pub async fn page(
    State(site): State<Arc<Site>>,
    Path(code): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let nobody = Asked::new(&uri, &headers, None, None);
    match find(&site, &code).await {
        Ok((tenant, loaded)) => {
            let asked = Asked::new(&uri, &headers, Some(tenant), None);
            let answered = query.get(ANSWERED).and_then(|number| number.parse().ok()).and_then(|number| loaded.run.tasks.get(&number));
            let said = answered.filter(|task| answered_by_her(task).is_some()).map(|_| Said::Arrived);
            let sight = Sight { said, filled: BLANK, number: None, key: new_key(tenant) };
            asked.ok(&Page::Status(Box::new(view(tenant, &loaded, &asked, sight))))
        }
        Err(unfound) => unfound.told(&nobody),
    }
}

/// Takes an answer. Sent twice it is one answer, and the same confirmation.
pub async fn answer(State(site): State<Arc<Site>>, Path(code): Path<String>, Query(query): Query<HashMap<String, String>>, request: Request) -> Response {
    let nobody = Asked::new(request.uri(), request.headers(), None, None);
    let (tenant, loaded) = match find(&site, &code).await {
        Ok(found) => found,
        Err(unfound) => return unfound.told(&nobody),
    };
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), None);
    let number = query.get(QUESTION).and_then(|number| number.parse().ok());
    let asked_her = number.and_then(|number| loaded.run.tasks.get(&number)).filter(|task| task.opened.assign.applicant);
    let (Some(task), Some(caller)) = (asked_her, loaded.run.applicant()) else { return asked.missing() };
    if session::of(&site, request.headers()).is_some() {
        return asked.not_for_staff();
    }
    if let Err(seconds) = counted(&site, &loaded.run, &request) {
        return asked.too_often(seconds);
    }
    let question = Asking { tenant, asked: &asked, code: &code, id: TaskId { run: loaded.run.id, number: task.opened.number } };
    // what nobody asks any more is not read, and no file of it kept
    if task.state != TaskState::Open {
        return question.closed(request, &loaded).await;
    }
    let Some(form) = form_of(&loaded, task) else { return asked.unavailable() };
    let Ok(sent) = form_data::read(request, &tenant.desk, &form).await else { return asked.unreadable() };
    let key = key(tenant, &sent);
    match tell(tenant, question.id, caller, task, &form, &sent, &key).await {
        Ok(()) | Err(WishError::Repeated) => question.confirmed(),
        Err(error) => question.refused(error, &sent, key).await,
    }
}

/// Counts an answer against the limits of its run and its address. `Err`: seconds until the next is taken.
fn counted(site: &Site, run: &Run, request: &Request) -> Result<(), i64> {
    let from = address(request.extensions(), request.headers()).map_or_else(String::new, |address| address.to_string());
    site.rates().count(&format!("antwort/{}", run.id), OF_RUN_MAX, site.now())?;
    site.rates().count(&format!("antwort von {from}"), OF_ADDRESS_MAX, site.now())
}

fn key(tenant: &TenantSite, sent: &Sent) -> String {
    sent.get(pages::KEY).filter(|key| key.len() == KEY_CHARS).map_or_else(|| new_key(tenant), str::to_owned)
}

/// What an answer leaves in the store, to be known again.
fn receipt(id: TaskId, key: &str) -> String {
    format!("antwort:{}:{}:{key}", id.run, id.number)
}

/// An answer that is being taken.
struct Asking<'s> {
    tenant: &'s TenantSite,
    asked: &'s Asked,
    code: &'s str,
    id: TaskId,
}

impl Asking<'_> {
    fn confirmed(&self) -> Response {
        Redirect::to(&format!("/status/{}?{ANSWERED}={}", self.code, self.id.number)).into_response()
    }

    /// The question is over: by this very answer, sent twice, or by another.
    async fn closed(&self, request: Request, loaded: &Loaded) -> Response {
        let key = form_data::first(request, pages::KEY).await.filter(|key| key.len() == KEY_CHARS);
        if let Some(key) = key {
            match self.tenant.desk.tenant.store.receipt(&receipt(self.id, &key)).await {
                Ok(Some(_)) => return self.confirmed(),
                Ok(None) => {}
                Err(_) => return self.asked.unavailable(),
            }
        }
        let sight = Sight { said: Some(Said::TooLate), filled: BLANK, number: None, key: new_key(self.tenant) };
        self.asked.page(StatusCode::CONFLICT, &Page::Status(Box::new(view(self.tenant, loaded, self.asked, sight))))
    }

    /// What she typed comes back with why it was not taken, as the run stands by now: somebody else may have been faster.
    async fn refused(&self, error: WishError, sent: &Sent, key: String) -> Response {
        let (status, problems) = match error {
            WishError::Rejected(Rejection::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
            WishError::Rejected(Rejection::Stale(_)) => (StatusCode::CONFLICT, Vec::new()),
            WishError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
            error => return self.asked.wish(&error),
        };
        let Ok(Some(loaded)) = self.tenant.desk.load(self.id.run).await else { return self.asked.unavailable() };
        let open = open_questions(&loaded.run).any(|task| task.opened.number == self.id.number);
        let said = match (open, status) {
            (_, StatusCode::UNPROCESSABLE_ENTITY) => None,
            (false, _) => Some(Said::TooLate),
            (true, _) if loaded.run.is_parked() => Some(Said::Resting),
            // she answered what stood there before
            (true, StatusCode::CONFLICT) => Some(Said::Changed),
            (true, _) => Some(Said::Later),
        };
        let filled = Filled { pairs: &sent.pairs, problems: &problems, files: &sent.files, ..BLANK };
        let sight = Sight { said, filled: if open { filled } else { BLANK }, number: Some(self.id.number), key };
        self.asked.page(status, &Page::Status(Box::new(view(self.tenant, &loaded, self.asked, sight))))
    }
}

/// Nothing is filled in yet; what she fills in is her own.
const BLANK: Filled<'static> = Filled { pairs: &[], problems: &[], files: &[], proposal: None, proposed_by: None, own_data: true };

/// What she has before her beside the state of her run.
struct Sight<'s> {
    said: Option<Said>,
    filled: Filled<'s>,
    /// The question she was just answering; else the first that is open.
    number: Option<u32>,
    key: String,
}

/// Everything wrong with it at once, or the answer on record.
async fn tell(tenant: &TenantSite, id: TaskId, by: &Caller, task: &Task, form: &Form, sent: &Sent, key: &str) -> Result<(), WishError> {
    let (mut values, mut problems) = form.parse(&sent.pairs);
    form_data::insert_files(&tenant.desk, &mut values, &sent.files).await?;
    problems.extend(sent.problems.clone());
    let schema = Schema::compile(task.opened.form.clone()).map_err(WishError::Unavailable)?;
    for problem in schema.validate(&values) {
        if !problems.iter().any(|known| known.path == problem.path) {
            problems.push(problem);
        }
    }
    if !problems.is_empty() {
        return Err(WishError::Rejected(Rejection::Invalid(problems)));
    }
    let shown = sent.get(pages::SHOWN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
    let once = tenant.desk.once(vec![receipt(id, key)]);
    once.answer(id, by, &values, shown).await.map(drop)
}

/// When she answered a question, if it was she.
fn answered_by_her(task: &Task) -> Option<jiff::Timestamp> {
    match &task.state {
        TaskState::Completed { by, at, .. } if by.is_applicant() => Some(*at),
        _ => None,
    }
}

fn view(tenant: &TenantSite, loaded: &Loaded, asked: &Asked, sight: Sight<'_>) -> StatusPage {
    let (process, run) = (&loaded.prepared.process, &loaded.run);
    let current = station(process, run);
    let mut reached = vec![Reached { station: Station::Eingegangen, at: tenant.civil(run.started_at) }];
    let asked_at = run.tasks.values().filter(|task| task.opened.assign.applicant).map(|task| task.opened_at).max();
    reached.extend(asked_at.map(|at| Reached { station: Station::Rueckfrage, at: tenant.civil(at) }));
    if let Some((_, at)) = run.ended {
        reached.push(Reached { station: Station::Abgeschlossen, at: tenant.civil(at) });
    }
    let answered = run.tasks.values().filter_map(|task| {
        let at = answered_by_her(task)?;
        Some(Answered { title: task_title(process, &task.opened), at: tenant.civil(at) })
    });
    StatusPage {
        title: process.title.clone(),
        number: run.nummer.clone(),
        responsible: process.verantwortlich.clone(),
        stations: StatusPage::stations(current, &reached),
        current,
        next: None,
        said: sight.said,
        question: question(tenant, loaded, asked, sight),
        answered: answered.collect(),
        automated: automated(process, run),
        result: None,
    }
}

/// Questions to her that are open, in the order they were put.
fn open_questions(run: &Run) -> impl Iterator<Item = &Task> {
    run.open_tasks().filter(|task| task.opened.assign.applicant)
}

/// One of them, for one form stands on the page at a time.
fn question(tenant: &TenantSite, loaded: &Loaded, asked: &Asked, sight: Sight<'_>) -> Option<Question> {
    let Sight { filled, number, key, .. } = sight;
    let task = open_questions(&loaded.run).find(|task| Some(task.opened.number) == number).or_else(|| open_questions(&loaded.run).next())?;
    let opened = &task.opened;
    let filled = Filled { proposal: Some(&opened.vorschlag).filter(|_| filled.pairs.is_empty()), ..filled };
    Some(Question {
        action: format!("{}?{QUESTION}={}", asked.path, opened.number),
        title: task_title(&loaded.prepared.process, opened),
        shown: shown(loaded, task, asked.lang),
        digest: opened.shown.to_string(),
        form: form_of(loaded, task).map(|form| form.view(&filled, asked.lang)),
        due: opened.due.map(|at| tenant.civil(at)),
        overdue: opened.due.is_some_and(|at| at < tenant.desk.tenant.clock.now()),
        more: open_questions(&loaded.run).count() - 1,
        key,
    })
}

/// What she is shown, in the author's order; where it comes from and how it is protected is the house's own matter.
fn shown(loaded: &Loaded, task: &Task, lang: Lang) -> Vec<Shown> {
    let order = match loaded.prepared.process.steps.get(&task.opened.step).map(|step| &step.kind) {
        Some(StepKind::Human(human)) => human.show_order.as_slice(),
        _ => &[],
    };
    if task.opened.show.as_object().is_some_and(|show| !show.is_empty()) { Shown::list(&task.opened.show, order, lang) } else { Vec::new() }
}

/// A question to her first; received while only machines have looked at it, in progress from the first task a person has.
fn station(process: &Process, run: &Run) -> Station {
    if run.state().is_final() && run.state() != RunState::Stuck {
        return Station::Abgeschlossen;
    }
    if open_questions(run).next().is_some() {
        return Station::Rueckfrage;
    }
    let human = run.tasks.values().any(|t| t.opened.kind == laufzettel_engine::TaskKind::Human);
    let any_human = process.steps.values().any(|s| matches!(s.kind, StepKind::Human(_)));
    match (human, any_human) {
        (true, _) => Station::InBearbeitung,
        (false, true) => Station::Angenommen,
        (false, false) => Station::InBearbeitung,
    }
}

fn automated(process: &Process, run: &Run) -> Vec<AutomatedStep> {
    let done = process.order.iter().filter(|id| matches!(run.steps.get(*id), Some(StepState::Completed { .. })));
    let steps = done.filter_map(|id| {
        let step = &process.steps[id];
        match step.kind {
            StepKind::Human(_) => None,
            StepKind::Model(_) | StepKind::Agent(_) => Some(AutomatedStep { title: step.title.clone(), what: None, ai: true }),
            _ => Some(AutomatedStep { title: step.title.clone(), what: None, ai: false }),
        }
    });
    steps.collect()
}
