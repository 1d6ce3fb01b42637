//! Runs for staff: the list, and one run with its steps and the reason of each decision.

mod dossier;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    Extension, Form,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::{IntoResponse, Redirect, Response},
};
pub use dossier::page as dossier;
use laufzettel_domain::{Lang, RunId};
use laufzettel_store::RunFilter;
use laufzettel_worker::{Loaded, Record, WishError};
use serde_json::json;

use crate::{
    origin::Voices,
    pages::{
        self, Cancel, Gone, Live, Page, RunRow, RunState, Shown, StepView, VorgaengePage, VorgangPage, Withdrawn,
        calls::Timeline,
        citation::Beyond,
        shown::{bound, foreign},
        sieve::{Facet, Pick, Sieve},
        words::word,
    },
    picture,
    reply::Asked,
    site::{Session, Site, TenantSite},
    status,
    view::{self, Book, Look, Matter, Opened},
    vouched::Vouched,
};

/// Runs on one page of the list.
const PAGE: u32 = 50;

/// States as the store names them, in the order of what somebody may have to do.
const STATES: [(&str, RunState); 6] = [
    ("stuck", RunState::Stuck),
    ("failed", RunState::Failed),
    ("waiting", RunState::Waiting),
    ("running", RunState::Running),
    ("completed", RunState::Completed),
    ("cancelled", RunState::Cancelled),
];

fn state(text: &str) -> RunState {
    STATES.into_iter().find(|(name, _)| *name == text).map_or(RunState::Running, |(_, state)| state)
}

pub async fn list(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let before = query.get("vor").and_then(|v| RunId::parse(v));
    let number = query.get("nummer").map_or("", |text| text.trim()).to_owned();
    let state_asked = query.get("stand").filter(|wish| STATES.iter().any(|(name, _)| name == wish));
    let filter = RunFilter { before, limit: PAGE, nummer: Some(number.clone()).filter(|n| !n.is_empty()), state: state_asked.cloned(), ..RunFilter::default() };
    let page = match tenant.desk.runs(&session.caller, filter, None).await {
        Ok(page) => page,
        Err(error) => return asked.wish(&error),
    };
    let of_state = state_asked.map(|state| format!("&stand={state}")).unwrap_or_default();
    let more = page.next.map(|run| format!("/vorgaenge?vor={run}{of_state}"));
    let runs = page.rows.into_iter().map(|row| RunRow {
        link: format!("/vorgaenge/{}", row.run),
        number: row.nummer,
        title: row.title,
        state: state(&row.state),
        started: tenant.civil_micros(row.started_at),
        note: None,
    });
    let sieve = Sieve { list: "/vorgaenge", facets: vec![by_state(state_asked.map_or("", String::as_str), asked.lang)], number };
    asked.ok(&Page::Vorgaenge(VorgaengePage { sieve, runs: runs.collect(), more }))
}

/// Links to the runs of one state.
fn by_state(chosen: &str, lang: Lang) -> Facet {
    let all = Pick { text: word("all", lang).to_owned(), link: "/vorgaenge".to_owned(), count: None, chosen: chosen.is_empty() };
    let of = |(state, _): (&str, RunState)| Pick {
        text: word(&format!("run_{state}"), lang).to_owned(),
        link: format!("/vorgaenge?stand={state}"),
        count: None,
        chosen: state == chosen,
    };
    Facet { name: word("state", lang).to_owned(), picks: std::iter::once(all).chain(STATES.map(of)).collect() }
}

/// Records of the timeline on one page.
const RECORDS: usize = 50;

pub async fn page(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    sighted(&site, &session, &run, &query, (&uri, &headers), |sight, beyond| {
        let page = sight.page(beyond);
        let shown = page.steps.iter().flat_map(rows).flatten().cloned().collect();
        (Page::Vorgang(page), shown)
    })
    .await
}

/// A page of one case, for whoever may see it; that she looked is on record. `made`: the page, and the values on it, of which some may quote
/// what lies in cases this one has called: it is made once more with what of them she may see.
async fn sighted(
    site: &Site,
    session: &Session,
    written: &str,
    query: &HashMap<String, String>,
    (uri, headers): (&Uri, &HeaderMap),
    made: impl Fn(&Sight<'_>, Vec<Beyond>) -> (Page, Vec<Shown>) + Send,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(uri, headers, Some(tenant), Some(session));
    let Some(run) = RunId::parse(written) else { return asked.missing() };
    let (loaded, records) = match tenant.desk.visible_traced(&session.caller, run).await {
        Ok(Some(found)) => found,
        Ok(None) => return asked.missing(),
        Err(error) => return asked.wish(&error),
    };
    if let Err(error) = tenant.desk.record("content.viewed", &session.caller, json!({ "run": run.to_string() })).await {
        return asked.unwritten(&error);
    }
    let hers = match open_to(tenant, &loaded, session).await {
        Ok(hers) => hers,
        Err(error) => return asked.wish(&error),
    };
    let may_cancel = loaded.run.ended.is_none() && tenant.desk.needs_unit(&loaded, &session.caller).await.is_ok();
    let voices = Voices::of(&records);
    let number = |name: &str| query.get(name).and_then(|n| n.parse::<usize>().ok()).unwrap_or(1).max(1);
    let opened = Opened { step: query.get("schritt").cloned().unwrap_or_default(), from: number("ab") };
    let sight = Sight { tenant, loaded: &loaded, records: &records, voices: &voices, opened, hers, from: number("verlauf"), may_cancel, lang: asked.lang };
    let (mut page, mut shown) = made(&sight, Vec::new());
    if !loaded.run.children.is_empty() && view::is_lost(&shown) {
        (page, shown) = match view::beyond(tenant, &session.caller, &loaded.run).await {
            Ok(beyond) => made(&sight, beyond),
            Err(error) => return asked.wish(&error),
        };
        if let Err(answered) = view::record(tenant, &session.caller, &asked, &view::quoted(&shown)).await {
            return answered;
        }
    }
    asked.ok(&page)
}

/// What a page of one case is made from.
struct Sight<'s> {
    tenant: &'s TenantSite,
    loaded: &'s Loaded,
    records: &'s [Record],
    voices: &'s Voices,
    opened: Opened,
    /// Open tasks that are for whoever looks.
    hers: BTreeSet<u32>,
    /// The first record of the timeline shown, counted from 1.
    from: usize,
    may_cancel: bool,
    lang: Lang,
}

impl Sight<'_> {
    /// `beyond`: what lies in cases this one has called.
    fn page(&self, beyond: Vec<Beyond>) -> VorgangPage {
        let civil = |at| self.tenant.civil_micros(at);
        let book = Book::new(&self.loaded.prepared.process, self.records, &civil, self.lang);
        let mut matter = Matter::new(self.loaded, self.voices, self.lang);
        matter.beyond = beyond;
        let look = Look { book: &book, opened: &self.opened, hers: &self.hers };
        let steps = steps(&matter, &look);
        let picture = picture::of_run(&self.loaded.prepared.process, &self.tenant.desk.tenant.tools, &steps, self.lang);
        VorgangPage { picture, ..self.case(&matter, &book, steps, timeline(self.loaded.run.id, &book, self.from)) }
    }

    /// The case with these steps and this part of its timeline, without a picture.
    fn case(&self, matter: &Matter<'_>, book: &Book<'_>, steps: Vec<StepView>, timeline: Timeline) -> VorgangPage {
        let loaded = matter.loaded;
        let (run, process) = (&loaded.run, &loaded.prepared.process);
        VorgangPage {
            number: run.nummer.clone(),
            title: process.title.clone(),
            process: process.id.to_string(),
            version: run.version.clone(),
            state: state(run.state().as_str()),
            started: self.tenant.civil(run.started_at),
            ended: run.ended.map(|(_, at)| self.tenant.civil(at)),
            by: run.caller.name.clone(),
            vouched: Vouched::of(run).map(|vouched| vouched.view(self.tenant, false, matter.lang)),
            // a child's number is its parent's and its own
            called_by: run.parent.as_ref().map(|parent| view::called(parent.run, run.nummer.rsplit_once('/').map_or("", |(number, _)| number))),
            unit: process.verantwortlich.clone(),
            // why an applicant withdrew is nobody's work; why something could not be taken back is
            message: Some(run.message.clone())
                .filter(|message| !message.is_empty() && run.withdrawn.as_ref().is_none_or(|(_, reason)| reason != message))
                .map(|message| foreign(&message)),
            withdrawn: run.withdrawn.as_ref().map(|(at, reason)| Withdrawn { at: self.tenant.civil(*at), reason: reason.clone() }),
            added: status::added::list(self.tenant, run, &format!("/vorgaenge/{}/dateien", run.id), matter.lang),
            live: run.ended.is_none().then(|| Live {
                page: format!("/vorgaenge/{}", run.id),
                follow: format!("/api/v1/runs/{}/events", run.id),
                seen: run.seq,
                counts: false,
            }),
            picture: None,
            steps,
            timeline,
            leaving: view::leaving(book, matter.lang),
            shares: view::shares(matter),
            dossier: format!("/vorgaenge/{}/akte", run.id),
            gone: loaded.gone.map(|gone| Gone { at: self.tenant.civil(gone.at), belege_until: gone.belege_until.map(|at| self.tenant.civil(at)) }),
            cancel: self.may_cancel.then(|| Cancel { action: format!("/vorgaenge/{}/abbrechen", run.id), missing: false }),
        }
    }
}

/// Every step, as much of each as one page takes.
fn steps(matter: &Matter<'_>, look: &Look<'_>) -> Vec<StepView> {
    let loaded = matter.loaded;
    let mut steps: Vec<StepView> = loaded.prepared.process.order.iter().map(|id| view::step(matter, look, id)).collect();
    steps.iter_mut().flat_map(rows_mut).for_each(|rows| bound(rows, false));
    within(&mut steps, &format!("/vorgaenge/{}", loaded.run.id));
    steps
}

/// The open tasks of a run that are for whoever looks.
async fn open_to(tenant: &TenantSite, loaded: &Loaded, session: &Session) -> Result<BTreeSet<u32>, WishError> {
    let mut hers = BTreeSet::new();
    for task in loaded.run.open_tasks() {
        if tenant.desk.may_complete(loaded, task.opened.number, &session.caller).await?.allow {
            hers.insert(task.opened.number);
        }
    }
    Ok(hers)
}

fn timeline(run: RunId, book: &Book<'_>, from: usize) -> Timeline {
    let link = |from: usize| format!("/vorgaenge/{run}?verlauf={from}#verlauf");
    Timeline {
        entries: book.told(from - 1, RECORDS),
        before: (from > 1).then(|| link(from.saturating_sub(RECORDS).max(1))),
        more: (from - 1 + RECORDS < book.count()).then(|| link(from + RECORDS)),
    }
}

/// Bytes of what steps hold on one page, before it is laid out, when it is about twice as much: beside the picture and the timeline there
/// is room for that in the 100 KB a page may have.
const STEPS_BYTES_MAX: usize = 9 * 1024;

/// The same of a step that was asked for: with the picture beside it the page stays below 100 KB.
const OPEN_BYTES_MAX: usize = 24 * 1024;

/// The contents of as many steps as one page takes; the others lead to a page that has theirs. What was asked for comes first; where that alone
/// is too much, it is read in the dossier.
fn within(steps: &mut [StepView], page: &str) {
    let size = |step: &StepView| serde_json::to_vec(step).map_or(usize::MAX, |bytes| bytes.len());
    for step in steps.iter_mut().filter(|step| step.open && size(step) > OPEN_BYTES_MAX) {
        (step.input, step.output, step.calls, step.items) = (Vec::new(), Vec::new(), Vec::new(), None);
        step.elsewhere = Some(format!("{page}/akte?schritt={id}#schritt-{id}", id = step.id));
    }
    let mut room = steps.iter().filter(|step| step.open).fold(STEPS_BYTES_MAX, |room, step| room.saturating_sub(size(step)));
    for step in steps.iter_mut().filter(|step| !step.open) {
        match room.checked_sub(size(step)) {
            Some(left) => room = left,
            None => {
                (step.input, step.output, step.calls, step.items) = (Vec::new(), Vec::new(), Vec::new(), None);
                step.elsewhere = Some(format!("{page}?schritt={id}#schritt-{id}", id = step.id));
            }
        }
    }
}

/// Values wherever they stand in a step.
fn rows(step: &StepView) -> Vec<&Vec<Shown>> {
    let items: Vec<_> = step.items.iter().flat_map(|items| &items.items).collect();
    let calls = step.calls.iter().chain(items.iter().flat_map(|item| &item.calls)).flat_map(|call| [&call.input, &call.output]);
    let found = [&step.input, &step.output].into_iter().chain(calls);
    found.chain(items.iter().flat_map(|item| [&item.element, &item.output])).collect()
}

fn rows_mut(step: &mut StepView) -> Vec<&mut Vec<Shown>> {
    let mut found = vec![&mut step.input, &mut step.output];
    let mut calls: Vec<_> = step.calls.iter_mut().collect();
    for item in step.items.iter_mut().flat_map(|items| &mut items.items) {
        found.extend([&mut item.element, &mut item.output]);
        calls.extend(&mut item.calls);
    }
    found.extend(calls.into_iter().flat_map(|call| [&mut call.input, &mut call.output]));
    found
}

pub async fn cancel(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(run): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<HashMap<String, String>>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    let Some(id) = RunId::parse(&run) else { return asked.missing() };
    let reason = sent.get(pages::REASON).map(|r| r.trim().to_owned()).filter(|r| !r.is_empty());
    let Some(reason) = reason else { return Redirect::to(&format!("/vorgaenge/{run}")).into_response() };
    match tenant.desk.cancel(id, &session.caller, &reason).await {
        Ok(_) => Redirect::to(&format!("/vorgaenge/{run}")).into_response(),
        Err(error) => asked.wish(&error),
    }
}
