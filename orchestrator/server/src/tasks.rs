//! One task: what is shown, where it comes from, what is asked. What is typed into the answer stays, whatever becomes of the answer, of taking,
//! returning or handing it over, and in the other language; to whom it is handed over it does not go.

mod hand;
mod supply;

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use laufzettel_domain::{Caller, Digest, Lang, TaskId, Text, Value};
use laufzettel_engine::{EffectStatus, Rejection, Run, Task, TaskKind, TaskState};
use laufzettel_policy::Decision;
use laufzettel_process::{Schema, model::StepKind, schema::Problem};
use laufzettel_worker::{Loaded, WishError, task_kind};
use serde_json::json;

pub use hand::{hand_over, put_aside};
use supply::Asking;

use crate::{
    form_data::{self, Sent},
    origin::Voices,
    pages::{
        self, AufgabePage, Filled, Form, Page, UploadedFile,
        shown::{bound, common_label, foreign},
        words::{format_moment, own_title, word},
    },
    reply::Asked,
    site::{Session, Site, TenantSite},
    view::{self, Matter},
};

/// A task somebody asked for. What is not hers does not exist for her; the journal knows better.
enum Found {
    Hers(TaskId, Box<(Loaded, Voices)>),
    Denied(TaskId, Decision),
    /// Whoever could have done it, or may see what became of it: she did it, or somebody else before her.
    Done {
        by: Caller,
    },
    /// Nobody asks it any more.
    Withdrawn,
    Nothing,
}

async fn find(tenant: &TenantSite, by: &Caller, written: &str) -> Result<Found, WishError> {
    let Some(id) = TaskId::parse(written) else { return Ok(Found::Nothing) };
    let Some((loaded, records)) = tenant.desk.retrace(id.run).await? else { return Ok(Found::Nothing) };
    let Some(state) = loaded.run.tasks.get(&id.number).map(|task| &task.state) else { return Ok(Found::Nothing) };
    let decision = tenant.desk.may_complete(&loaded, id.number, by).await?;
    let settled = match state {
        TaskState::Open => None,
        TaskState::Completed { by: whoever, .. } if whoever.subject == by.subject => return Ok(Found::Done { by: whoever.clone() }),
        TaskState::Completed { by: whoever, .. } => Some(Found::Done { by: whoever.clone() }),
        TaskState::Withdrawn => Some(Found::Withdrawn),
    };
    if let Some(settled) = settled {
        let hers = decision.allow || tenant.desk.needs_unit(&loaded, by).await.is_ok();
        return Ok(if hers { settled } else { Found::Nothing });
    }
    Ok(if decision.allow { Found::Hers(id, Box::new((loaded, Voices::of(&records)))) } else { Found::Denied(id, decision) })
}

/// The form of a task, in the author's order.
pub fn form_of(loaded: &Loaded, task: &Task) -> Option<Form> {
    let order = match loaded.prepared.process.steps.get(&task.opened.step).map(|s| &s.kind) {
        Some(StepKind::Human(human)) if task.opened.kind == TaskKind::Human => Some(human.form_order.as_slice()),
        _ => None,
    };
    let form = Form::of(&task.opened.form, order).ok()?.in_zone(&loaded.prepared.context.zone());
    Some(if task.opened.assign.applicant { form.in_one_line() } else { form })
}

/// An open task before somebody who may complete it.
struct Seat<'s> {
    tenant: &'s TenantSite,
    by: &'s Caller,
    asked: Asked,
    id: TaskId,
    loaded: Loaded,
    voices: Voices,
}

impl<'s> Seat<'s> {
    /// `Err`: the answer to somebody for whom there is no such task. `acts`: she means to do something with it; that she may not is
    /// then a record.
    async fn take(tenant: &'s TenantSite, session: &'s Session, asked: Asked, written: &str, acts: bool) -> Result<Self, Response> {
        let by = &session.caller;
        match find(tenant, by, written).await {
            Ok(Found::Hers(id, found)) => {
                let (loaded, voices) = *found;
                Ok(Self { tenant, by, asked, id, loaded, voices })
            }
            Ok(Found::Denied(id, decision)) => {
                if acts {
                    tenant.desk.note("task.denied", by, json!({ "task": id.to_string(), "decision": decision })).await;
                }
                Err(asked.missing())
            }
            Ok(Found::Done { by: whoever }) => Err(done(&asked, by, &whoever, acts)),
            Ok(Found::Withdrawn) => Err(asked.wish(&WishError::Rejected(Rejection::Stale(withdrawn(acts))))),
            Ok(Found::Nothing) => Err(asked.missing()),
            Err(error) => Err(asked.wish(&error)),
        }
    }

    /// The task as it stands by now.
    async fn anew(self, session: &'s Session) -> Result<Self, Response> {
        Self::take(self.tenant, session, self.asked, &self.id.to_string(), true).await
    }

    fn task(&self) -> Option<&Task> {
        self.loaded.run.tasks.get(&self.id.number)
    }

    fn asking(&self) -> Option<Asking> {
        Asking::of(&self.loaded, self.task()?, self.asked.lang)
    }
}

/// A task that is settled, before somebody who has filled it in: a colleague was faster, or she was herself, in another window.
struct Over {
    asked: Asked,
    asking: Asking,
    why: Text,
    /// What is on record as her own answer.
    hers: Option<Value>,
    /// The case, for whoever may see it.
    case: Option<String>,
}

impl Over {
    async fn of(tenant: &TenantSite, by: &Caller, asked: Asked, written: &str) -> Option<Self> {
        let id = TaskId::parse(written)?;
        let whoever = match find(tenant, by, written).await {
            Ok(Found::Done { by }) => Some(by),
            Ok(Found::Withdrawn) => None,
            _ => return None,
        };
        let loaded = tenant.desk.load(id.run).await.ok()??;
        let task = loaded.run.tasks.get(&id.number)?;
        let asking = Asking::of(&loaded, task, asked.lang)?;
        let hers = match &task.state {
            TaskState::Completed { values, by: whoever, .. } if whoever.subject == by.subject => Some(values.clone()),
            _ => None,
        };
        let why = match &whoever {
            Some(_) if hers.is_some() => pages::words::said("task_answered_before"),
            Some(whoever) => faster(whoever, true),
            None => withdrawn(true),
        };
        let seen = tenant.desk.sees_case(by, &loaded).await.ok()?;
        Some(Self { asked, asking, why, hers, case: seen.then(|| format!("/vorgaenge/{}", id.run)) })
    }

    /// What is answered to a form of a task that is settled, if it is that; else what was going to be answered.
    async fn instead(tenant: &TenantSite, session: &Session, request: Request, written: &str, answered: Response) -> Response {
        let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(session));
        let Some(over) = Self::of(tenant, &session.caller, asked, written).await else { return answered };
        match form_data::read(request, tenant, &over.asking.form).await {
            Ok(sent) => over.told(tenant, &sent).await,
            Err(_) => answered,
        }
    }

    /// The same answer twice is one answer. What she entered else is kept nowhere: it stands here, to be copied, with the way to what became
    /// of the task.
    async fn told(&self, tenant: &TenantSite, sent: &Sent) -> Response {
        let word = |key| word(key, self.asked.lang).to_owned();
        let (mut values, mut problems) = self.asking.form.parse(&sent.pairs);
        let stored = form_data::insert_files(tenant, &mut values, &sent.files).await;
        let mut settled = values.clone();
        self.asking.settle(&sent.pairs, &mut settled, &mut problems);
        let beside = hand::typed_beside(&self.asking.form, &sent.pairs, self.asked.lang);
        if stored.is_ok() && beside.is_empty() && self.hers == Some(with_defaults(settled)) {
            return Redirect::to(SETTLED).into_response();
        }
        let (href, text) = match &self.case {
            Some(case) => (case.clone(), word("to_case")),
            None => ("/aufgaben".to_owned(), word("back_to_tasks")),
        };
        let typed = !self.asking.form.own_pairs(&sent.pairs).is_empty();
        let page = pages::FehlerPage {
            status: StatusCode::CONFLICT.as_u16(),
            title: word("error_settled"),
            message: self.why.get(self.asked.lang).to_owned(),
            advice: Some(pages::words::advice(StatusCode::CONFLICT.as_u16(), true, self.asked.lang).to_owned()),
            link: Some(pages::Link { href, text }),
            typed: if typed { self.asking.form.review(&values, self.asked.lang) } else { Vec::new() }.into_iter().chain(beside).collect(),
        };
        self.asked.page(StatusCode::CONFLICT, &Page::Fehler(page))
    }
}

/// Where somebody who has completed a task comes out.
const SETTLED: &str = "/aufgaben?erledigt=1";

/// Who looks for what she has done finds her list; what somebody else answered is said.
fn done(asked: &Asked, by: &Caller, whoever: &Caller, acts: bool) -> Response {
    if whoever.subject == by.subject {
        return Redirect::to(SETTLED).into_response();
    }
    asked.wish(&WishError::Rejected(Rejection::Stale(faster(whoever, acts))))
}

fn withdrawn(acts: bool) -> Text {
    pages::words::said(if acts { "task_withdrawn_typed" } else { "task_withdrawn" })
}

fn faster(whoever: &Caller, acts: bool) -> Text {
    let name = &whoever.name;
    let lost = |text| if acts { text } else { "" };
    Text::new(
        format!(
            "Diese Aufgabe hat inzwischen {name} erledigt. {}Was daraus wurde, steht am Vorgang.",
            lost("Was Sie eingetragen haben, wurde nicht übernommen. ")
        ),
        format!("{name} has completed this task meanwhile. {}What became of it stands with the case.", lost("What you entered was not taken. ")),
    )
}

pub async fn page(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(written): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let seat = match Seat::take(tenant, &session, asked, &written, false).await {
        Ok(seat) => seat,
        Err(answered) => return answered,
    };
    let everything = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == EVERYTHING));
    seat.show(&Again { everything, ..Again::default() }, StatusCode::OK).await
}

/// What was sent and is shown once more.
#[derive(Default)]
struct Again<'s> {
    pairs: &'s [(String, String)],
    problems: &'s [Problem],
    files: &'s [UploadedFile],
    /// Somebody else has it, and she gave no reason to take it over.
    no_reason: bool,
    /// What just came of it: the wording that says so.
    notice: Option<&'static str>,
    /// Why what she wished was not done.
    refused: Option<&'s Text>,
    /// Long texts in full length.
    everything: bool,
    /// Of the form that hands it on: what was sent, and what is wrong with that.
    handing: &'s [(String, String)],
    unhanded: &'s [Problem],
}

/// How a page is asked for with its long texts in full length.
const EVERYTHING: &str = "ganz=1";

impl Seat<'_> {
    /// The page, and that it was looked at: whatever led to it.
    async fn show(&self, again: &Again<'_>, status: StatusCode) -> Response {
        let (tenant, asked, id, loaded) = (self.tenant, &self.asked, self.id, &self.loaded);
        let Some(task) = self.task() else { return asked.missing() };
        if let Err(error) = tenant.desk.record("content.viewed", self.by, json!({ "run": id.run.to_string(), "task": id.to_string() })).await {
            return asked.unwritten(&error);
        }
        let hand = match self.hand(again).await {
            Ok(hand) => hand,
            Err(error) => return asked.wish(&error),
        };
        let Some(asking) = self.asking() else { return asked.unavailable() };
        // whoever may answer it need not be one who may look into the case
        let seen = match tenant.desk.sees_case(self.by, loaded).await {
            Ok(seen) => seen,
            Err(error) => return asked.wish(&error),
        };
        let process = &loaded.prepared.process;
        let mut matter = Matter::new(loaded, &self.voices, asked.lang);
        let mut shown = view::shown(&matter, task);
        if view::is_lost(&shown) && !loaded.run.children.is_empty() {
            matter.beyond = match view::beyond(tenant, self.by, &loaded.run).await {
                Ok(beyond) => beyond,
                Err(error) => return asked.wish(&error),
            };
            shown = view::shown(&matter, task);
            if let Err(answered) = view::record(tenant, self.by, asked, &view::quoted(&shown)).await {
                return answered;
            }
        }
        bound(&mut shown, again.everything);
        let label = common_label(&mut shown);
        let proposed_by = view::proposals(&matter, task);
        let (pairs, problems, files) = (again.pairs, again.problems, again.files);
        let filled = Filled { pairs, problems, files, proposal: Some(&task.opened.vorschlag), proposed_by: Some(&proposed_by), ..Filled::default() };
        let page = AufgabePage {
            action: format!("/aufgaben/{id}"),
            title: own_title(task_kind(&task.opened), asked.lang).map_or_else(|| laufzettel_worker::task_title(process, &task.opened), str::to_owned),
            process: process.title.clone(),
            number: loaded.run.nummer.clone(),
            case_link: seen.then(|| format!("/vorgaenge/{}", loaded.run.id)),
            escalated: task.escalated_at.map(|at| tenant.civil(at)),
            due: task.opened.due.map(|at| tenant.civil(at)),
            overdue: task.opened.due.is_some_and(|at| at < tenant.desk.tenant.clock.now()),
            message: again.refused.map(|text| text.get(asked.lang).to_owned()).or_else(|| message(&loaded.run, task, asked.lang)),
            note: note(task, asked.lang),
            notice: again.notice,
            told: view::told(&matter, task, &|at| format_moment(tenant.civil(at), asked.lang)),
            everything: shown.iter().flat_map(|row| &row.lines).any(|line| line.cut).then(|| format!("/aufgaben/{id}?{EVERYTHING}")),
            vouched: crate::vouched::Vouched::of(&loaded.run).map(|vouched| vouched.view(tenant, false, asked.lang)),
            shown,
            label,
            added: crate::status::added::list(tenant, &loaded.run, &format!("/vorgaenge/{}/dateien", loaded.run.id), asked.lang),
            digest: task.opened.shown.to_string(),
            form: asking.view(&filled, asked.lang),
            hand,
        };
        asked.page(status, &Page::Aufgabe(page))
    }

    /// Takes the answer, or says what is wrong with it.
    async fn complete(&self, asking: &Asking, sent: &Sent) -> Result<(), WishError> {
        // she decides on what she saw: a document that came meanwhile may be the one that was missing
        let seen = sent.get(pages::ADDED).and_then(|count| count.parse::<usize>().ok());
        if seen.is_some_and(|seen| seen < self.loaded.run.added.len()) {
            return Err(WishError::Rejected(Rejection::Stale(pages::words::said("task_added_since"))));
        }
        let (mut values, mut problems) = asking.form.parse(&sent.pairs);
        problems.extend(form_data::insert_files(self.tenant, &mut values, &sent.files).await?);
        problems.extend(sent.problems.clone());
        asking.settle(&sent.pairs, &mut values, &mut problems);
        // of a value that is supplied, its own schema has said it
        if let Some(task) = self.task().filter(|_| asking.is_plain()) {
            let schema = Schema::compile(task.opened.form.clone()).map_err(WishError::Unavailable)?;
            form_data::all_of(&schema, &values, self.tenant.today(), &mut problems);
        }
        if !problems.is_empty() {
            return Err(WishError::Rejected(Rejection::Invalid(problems)));
        }
        let digest = sent.get(pages::SHOWN).and_then(Digest::parse).unwrap_or(Digest::of(b""));
        self.tenant.desk.answer(self.id, self.by, &with_defaults(values), digest).await.map(drop)
    }
}

/// What must be known before anything is answered.
fn message(run: &Run, task: &Task, lang: Lang) -> Option<String> {
    if run.is_parked() && task.opened.kind != TaskKind::Restored {
        return Some(word("task_resting", lang).to_owned());
    }
    if task.opened.assign.applicant {
        return Some(word("answers_for_applicant", lang).to_owned());
    }
    match task.opened.kind {
        TaskKind::Approval if !task.opened.note.is_empty() => Some(word("eigen_approval_wieder", lang).to_owned()),
        // the record of the refusal has the reason in both languages
        TaskKind::Takeover => match &run.effects.get(task.opened.path.as_ref()?)?.status {
            EffectStatus::Parked(decision) => Some(decision.reason.get(lang).to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// Why the task is there, as whoever failed has put it; of what the page says itself nothing.
fn note(task: &Task, lang: Lang) -> Option<String> {
    let said = match task.opened.kind {
        TaskKind::Approval | TaskKind::Takeover => true,
        // written by us, in German; in English what happened stands below
        TaskKind::Restored => lang == Lang::En,
        _ => false,
    };
    Some(&task.opened.note).filter(|note| !said && !note.is_empty()).map(|note| foreign(note))
}

/// One form for everything that can be done with a task: which button was pressed says what.
pub async fn answer(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(written): Path<String>, request: Request) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(request.uri(), request.headers(), Some(tenant), Some(&session));
    let seat = match Seat::take(tenant, &session, asked, &written, true).await {
        Ok(seat) => seat,
        Err(answered) => return Over::instead(tenant, &session, request, &written, answered).await,
    };
    let Some(asking) = seat.asking() else { return seat.asked.unavailable() };
    let sent = match form_data::read(request, tenant, &asking.form).await {
        Ok(sent) => sent,
        Err(why) => return seat.asked.unread(why),
    };
    let notice = match sent.get(pages::INTENT) {
        // in the other language
        Some(pages::INTENT_STAY) => return seat.still(&sent).await,
        Some(pages::INTENT_CLAIM) => match seat.claim(&sent).await {
            Ok(notice) => notice,
            Err(error) => return seat.refused(&session, error, &sent).await,
        },
        Some(pages::INTENT_RETURN) => match tenant.desk.give_back(seat.id, seat.by).await {
            Ok(_) => "task_returned",
            Err(error) => return seat.refused(&session, error, &sent).await,
        },
        // Enter in a field of the other business: which of the two was meant nobody knows
        _ if seat.is_begun(&sent.pairs) => return seat.undecided(&sent).await,
        _ => match seat.complete(&asking, &sent).await {
            Ok(()) => return Redirect::to(SETTLED).into_response(),
            Err(error) => return seat.refused(&session, error, &sent).await,
        },
    };
    match seat.anew(&session).await {
        Ok(seat) => seat.show(&Again { notice: Some(notice), ..seat.kept(&sent) }, StatusCode::OK).await,
        Err(answered) => answered,
    }
}

impl<'s> Seat<'s> {
    /// What was wished was not done: the page once more, with what was typed, as the task stands by now.
    async fn refused(self, session: &'s Session, error: WishError, sent: &Sent) -> Response {
        match error {
            WishError::Rejected(Rejection::Invalid(problems)) => {
                self.show(&Again { problems: &problems, no_reason: hand::no_reason(&problems), ..self.kept(sent) }, StatusCode::UNPROCESSABLE_ENTITY).await
            }
            WishError::Rejected(Rejection::Stale(why)) => self.stale(session, &why, sent, &[]).await,
            error => self.asked.wish(&error),
        }
    }

    /// As the task stands by now: with why it was not done, and what was typed into it; `handing`: also into the forms beside it.
    async fn stale(self, session: &'s Session, why: &Text, sent: &Sent, handing: &[(String, String)]) -> Response {
        let (tenant, asked, written) = (self.tenant, self.asked.clone(), self.id.to_string());
        match self.anew(session).await {
            Ok(seat) => seat.show(&Again { refused: Some(why), handing, ..seat.kept(sent) }, StatusCode::CONFLICT).await,
            Err(answered) => match Over::of(tenant, &session.caller, asked, &written).await {
                Some(over) => over.told(tenant, sent).await,
                None => answered,
            },
        }
    }
}

impl Seat<'_> {
    /// What was typed once more, and nothing done with it.
    async fn still(&self, sent: &Sent) -> Response {
        let status = if sent.problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        self.show(&Again { problems: &sent.problems, handing: &sent.pairs, ..self.kept(sent) }, status).await
    }

    /// She has named a colleague and pressed the button that completes: the colleague is taken out, and she presses once more what she means.
    async fn undecided(&self, sent: &Sent) -> Response {
        let why = pages::words::said("task_or_hand_over");
        self.show(&Again { refused: Some(&why), ..self.kept(sent) }, StatusCode::UNPROCESSABLE_ENTITY).await
    }
}

impl Seat<'_> {
    /// What was typed. Nothing was, where only a button was pressed: what is proposed stands in the fields then.
    fn kept<'x>(&self, sent: &'x Sent) -> Again<'x> {
        let own = |name: &str| name.starts_with('_') || name == pages::SHOWN || self.is_beside(name);
        let typed = sent.pairs.iter().any(|(name, _)| !own(name)) || !sent.files.is_empty();
        Again { pairs: if typed { &sent.pairs } else { &[] }, files: &sent.files, ..Again::default() }
    }
}

/// Nothing is added to what a person answered; an empty form is an empty object.
fn with_defaults(values: Value) -> Value {
    if values.is_null() { Value::Object(serde_json::Map::new()) } else { values }
}
