//! The citizen's status page: six words, what happens next and who decides, what happened so far, and the questions to her, answered
//! right here. Around it what she may do: see her own data, hand in more, withdraw.
//!
//! Whoever has the code is the applicant of its run, and of no other: she answers what is put to her there, and may nothing else.

pub mod added;
mod answer;
pub mod decision;
pub mod own;
mod past;
pub mod withdraw;

use std::{collections::HashMap, sync::Arc};

pub use answer::answer;
use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
};
use laufzettel_domain::{Caller, Lang};
use laufzettel_engine::{self as engine, Run, State as RunState, StepState, Task, TaskKind, TaskState};
use laufzettel_process::{
    Process,
    applicant::Withdraw,
    model::{Automatisierung, StepKind},
};
use laufzettel_worker::{Loaded, status_key, task_title};
pub use past::recipients;

use crate::{
    form_data::Sent,
    intake::{KEY_CHARS, called, new_key},
    pages::{self, Answered, Filled, NextWords, Notice, Page, Question, Reached, Said, Shown, Station, StatusPage, Withdrawal, form::ReviewGroup},
    reply::Asked,
    session,
    site::{Closed, Site, TenantSite},
    tasks::form_of,
    whence,
};

/// Names in the address: the task that is answered, and the one that was.
const QUESTION: &str = "frage";
const ANSWERED: &str = "antwort";
/// What was just done: [`WITHDRAWN`] or [`ADDED`]; where the list of steps goes on.
const DONE: &str = "getan";
const WITHDRAWN: &str = "zurueckgezogen";
const ADDED: &str = "nachgereicht";
const FROM: &str = "ab";
/// Answers a minute to the questions of one run: somebody who corrects a form now and then sends three.
const OF_RUN_MAX: u32 = 10;
/// The same from one address: a counter hall behind it.
const OF_ADDRESS_MAX: u32 = 30;
/// Texts and files of one run opened in a day: each of twenty some ten times.
const OPENED_OF_RUN_MAX: u32 = 200;
/// The same from one address in a minute.
const OPENED_OF_ADDRESS_MAX: u32 = 60;
/// Why a code brings no run.
pub enum Unfound {
    /// A wrong code is like none.
    Missing,
    /// A code says nothing of its tenant: where one cannot be asked, nobody can say that there is no such code.
    Closed(Closed),
    Unreadable,
}

impl Unfound {
    pub fn told(self, nobody: &Asked) -> Response {
        match self {
            Self::Missing => nobody.missing(),
            Self::Closed(why) => nobody.closed(Some(why)),
            Self::Unreadable => nobody.unavailable(),
        }
    }
}

/// The run of a code.
pub async fn find<'s>(site: &'s Site, code: &str) -> Result<(&'s TenantSite, Loaded), Unfound> {
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

/// Somebody with the code of a run.
struct Visit<'s> {
    tenant: &'s TenantSite,
    loaded: Loaded,
    asked: Asked,
    code: String,
}

impl<'s> Visit<'s> {
    async fn of(site: &'s Site, code: &str, uri: &Uri, headers: &HeaderMap) -> Result<Self, Response> {
        match find(site, code).await {
            Ok((tenant, loaded)) => Ok(Self { tenant, loaded, asked: Asked::new(uri, headers, Some(tenant), None), code: code.to_owned() }),
            Err(unfound) => Err(unfound.told(&Asked::new(uri, headers, None, None))),
        }
    }

    /// For something she reads: only in a run somebody applied for, and not by somebody signed in as staff.
    fn reading(&self, site: &Site, request: &Request) -> Result<&Caller, Box<Response>> {
        let caller = self.loaded.run.applicant().ok_or_else(|| Box::new(self.asked.missing()))?;
        if session::of(site, request.headers()).is_some() {
            return Err(Box::new(self.asked.not_opened_by_staff()));
        }
        Ok(caller)
    }

    /// For something of hers that she opens, and knows from then on: not what somebody signed in as staff opens, who may have her link from a
    /// copy of a mail, and not without a bound, for each of it is a record that stays.
    fn opening(&self, site: &Site, request: &Request) -> Result<Caller, Box<Response>> {
        let caller = self.reading(site, request)?;
        opened(site, &self.loaded.run, request).map_err(|seconds| Box::new(self.asked.too_often(seconds)))?;
        Ok(caller.clone())
    }

    /// For something she does: only in a run somebody applied for, not by somebody signed in as staff, and not without a bound.
    fn acting(&self, site: &Site, request: &Request) -> Result<Caller, Box<Response>> {
        let Some(caller) = self.loaded.run.applicant() else { return Err(Box::new(self.asked.missing())) };
        if session::of(site, request.headers()).is_some() {
            // who does nothing here has typed nothing either: the other language is a page like any
            return Err(Box::new(match self.asked.switched {
                true => Redirect::to(&format!("{}?{}", self.asked.path, self.asked.query)).into_response(),
                false => self.asked.not_for_staff(),
            }));
        }
        counted(site, &self.loaded.run, request).map_err(|seconds| Box::new(self.asked.too_often(seconds)))?;
        Ok(caller.clone())
    }

    /// What she wished cannot be; the way back is beside it.
    fn told(&self, title: &str, text: &str) -> Response {
        let word = |key| pages::words::word(key, self.asked.lang).to_owned();
        let link = pages::Link { href: self.home(), text: word("back_to_status") };
        let message = match text {
            "answer_resting_text" => format!("{} {}", word(text), self.loaded.prepared.process.verantwortlich),
            text => word(text),
        };
        let status = StatusCode::CONFLICT;
        let page =
            pages::FehlerPage { status: status.as_u16(), title: word(title), message, typed: Vec::new(), advice: Some(word("told_advice")), link: Some(link) };
        self.asked.page(status, &Page::Fehler(page))
    }

    fn home(&self) -> String {
        format!("/status/{}", self.code)
    }
}

pub async fn page(
    State(site): State<Arc<Site>>,
    Path(code): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visit = match Visit::of(&site, &code, &uri, &headers).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let run = &visit.loaded.run;
    let answered = query.get(ANSWERED).and_then(|number| number.parse().ok()).and_then(|number| run.tasks.get(&number));
    let done = match query.get(DONE).map(String::as_str) {
        Some(WITHDRAWN) if run.withdrawn.is_some() => Some(Said::Withdrawn),
        Some(ADDED) if !run.added.is_empty() => Some(Said::Added),
        _ => None,
    };
    let said = answered.filter(|task| answered_by_her(task).is_some()).map(|_| Said::Arrived).or(done);
    let from = query.get(FROM).and_then(|from| from.parse().ok()).unwrap_or(0);
    let sight = Sight { said, from, ..Sight::plain(visit.tenant) };
    show(visit.tenant, &visit.loaded, &visit.asked, StatusCode::OK, sight).await
}

/// The page as the run stands by now.
async fn show(tenant: &TenantSite, loaded: &Loaded, asked: &Asked, status: StatusCode, sight: Sight<'_>) -> Response {
    let Ok(records) = tenant.desk.tenant.store.history(loaded.run.id).await else { return asked.unavailable() };
    let helpers = past::helpers(records.iter().map(|record| (record.draft.kind.as_str(), record.draft.body())));
    asked.page(status, &Page::Status(Box::new(view(tenant, loaded, asked, sight, &helpers))))
}

/// Counts an answer against the limits of its run and its address. `Err`: seconds until the next is taken.
fn counted(site: &Site, run: &Run, request: &Request) -> Result<(), i64> {
    let from = whence::counted(request);
    site.rates().count(&format!("antwort/{}", run.id), OF_RUN_MAX, site.now())?;
    site.rates().count(&format!("antwort von {from}"), OF_ADDRESS_MAX, site.now())
}

/// Counts something she opens against the limits of its run and its address. `Err`: seconds until the next is taken.
fn opened(site: &Site, run: &Run, request: &Request) -> Result<(), i64> {
    site.rates().count_daily(&format!("geöffnet/{}", run.id), OPENED_OF_RUN_MAX, site.now())?;
    site.rates().count(&format!("geöffnet von {}", whence::counted(request)), OPENED_OF_ADDRESS_MAX, site.now())
}

/// The key of a form that was sent; a new one where it names none.
fn key(tenant: &TenantSite, sent: &Sent) -> String {
    sent.get(pages::KEY).filter(|key| key.len() == KEY_CHARS).map_or_else(|| new_key(tenant), str::to_owned)
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
    /// What she typed and nobody takes any more.
    typed: Vec<ReviewGroup>,
    /// Where the list of steps begins.
    from: usize,
}

impl Sight<'_> {
    fn plain(tenant: &TenantSite) -> Self {
        Self { said: None, filled: BLANK, number: None, key: new_key(tenant), typed: Vec::new(), from: 0 }
    }
}

/// When she answered a question, if it was she.
fn answered_by_her(task: &Task) -> Option<jiff::Timestamp> {
    match &task.state {
        TaskState::Completed { by, at, .. } if by.is_applicant() => Some(*at),
        _ => None,
    }
}

fn view(tenant: &TenantSite, loaded: &Loaded, asked: &Asked, sight: Sight<'_>, helpers: &past::Helpers) -> StatusPage {
    let (process, run) = (&loaded.prepared.process, &loaded.run);
    let current = station(process, run);
    let mut reached = vec![Reached { station: Station::Eingegangen, at: tenant.civil(run.started_at) }];
    let asked_at = run.tasks.values().filter(|task| task.opened.assign.applicant).map(|task| task.opened_at).max();
    reached.extend(asked_at.map(|at| Reached { station: Station::Rueckfrage, at: tenant.civil(at) }));
    // one that has ended with something left to be done is not closed
    if let Some((_, at)) = run.ended.filter(|_| current == Station::Abgeschlossen) {
        reached.push(Reached { station: Station::Abgeschlossen, at: tenant.civil(at) });
    }
    let answered = run.tasks.values().filter_map(|task| {
        let at = answered_by_her(task)?;
        Some(Answered { title: task_title(process, &task.opened), at: tenant.civil(at) })
    });
    let (happened, all) = past::happened(tenant, loaded, helpers, sight.from, asked.lang);
    let (computed, happened) = happened.into_iter().partition(|step| step.kind.is_computed());
    let next = sight.from.saturating_add(past::PAGE);
    let open = run.ending.is_none() && run.ended.is_none() && run.applicant().is_some();
    StatusPage {
        title: called(&loaded.prepared),
        number: run.nummer.clone(),
        responsible: process.verantwortlich.clone(),
        contact: tenant.notes.contact(&process.verantwortlich),
        stations: StatusPage::stations(current, &reached),
        current,
        next: what_next(loaded),
        said: sight.said,
        typed: sight.typed.clone(),
        question: question(tenant, loaded, asked, sight),
        answered: answered.collect(),
        happened,
        computed,
        more_steps: (next < all).then(|| format!("{}?{FROM}={next}#geschehen", asked.path)),
        purpose: process.zweck.clone(),
        decides: Notice::of(process, asked.lang).decision,
        received: decision::list(run, &format!("{}/bescheid", asked.path), asked.lang),
        withdrawn: run.withdrawn.as_ref().map(|(at, _)| tenant.civil(*at)),
        ending: run.ending.is_some() && run.ended.is_none(),
        own: run.applicant().map(|_| format!("{}/angaben", asked.path)),
        add: open.then(|| format!("{}/nachreichen", asked.path)),
        added: added::list(tenant, run, &format!("{}/dateien", asked.path), asked.lang),
        withdraw: run.applicant().map(|_| withdrawal(process, run)),
        withdraw_link: format!("{}/zurueckziehen", asked.path),
    }
}

fn what_next(loaded: &Loaded) -> NextWords {
    let run = &loaded.run;
    let undecided = is_undecided(&loaded.prepared.process, run);
    match run.state() {
        RunState::Failed if undecided => NextWords::FailedUndecided,
        RunState::Failed => NextWords::Failed,
        RunState::Cancelled if undecided => NextWords::CancelledUndecided,
        RunState::Cancelled => NextWords::Cancelled,
        RunState::Completed if loaded.gone.is_some() => NextWords::Gone,
        RunState::Completed if run.received.as_object().is_some_and(|received| !received.is_empty()) => NextWords::Received,
        _ => NextWords::Station,
    }
}

/// Whether it is known that nothing has been decided: the step that decides is not done; or, where none is named, nobody of the staff has done
/// anything in it yet, and no program may decide.
fn is_undecided(process: &Process, run: &Run) -> bool {
    let by_staff = |task: &Task| task.opened.kind == TaskKind::Human && matches!(&task.state, TaskState::Completed { by, .. } if !by.is_applicant());
    match &process.applicant.withdraw {
        Withdraw::Until(step) => !matches!(run.steps.get(step), Some(StepState::Completed { .. })),
        Withdraw::Always | Withdraw::Never => process.automatisierung != Automatisierung::Voll && !run.tasks.values().any(by_staff),
    }
}

fn withdrawal(process: &Process, run: &Run) -> Withdrawal {
    match engine::withdrawable(process, run) {
        engine::Withdrawable::Yes => Withdrawal::Open,
        engine::Withdrawable::Never => Withdrawal::Never,
        engine::Withdrawable::Decided => Withdrawal::Decided,
        engine::Withdrawable::Over => Withdrawal::Over,
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
