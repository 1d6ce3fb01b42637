//! The citizen's way in: a form made from the process's input, on as many pages as it needs, a summary, a receipt.

mod draft;
pub mod later;
mod walk;

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
};
use laufzettel_domain::{Caller, RunId, Value, Via, digest::to_hex};
use laufzettel_process::{
    Process,
    model::{RunAs, TriggerKind},
    schema::Problem,
};
use laufzettel_worker::{Prepared, StartError, StartRequest};

use crate::{
    form_data::{self, Sent},
    pages::{
        self, AntragPage, Filled, Form, Notice, Page, QuittungPage, ReviewSection, Step, StepProgress, StepRow, ZusammenfassungPage,
        form::{Part, Place},
        words::word,
    },
    reply::Asked,
    signin::{
        applicant::{Identity, guard},
        password::address,
    },
    site::{Site, TenantSite},
};
use walk::{Intent, Lead, Position, Say};

/// Pages of one form sent from one address in a minute: a counter hall of people behind it, each of them quick.
const PAGES_PER_MINUTE_MAX: u32 = 120;
/// Applications sent by one form from one address in a minute.
const SENT_PER_MINUTE_MAX: u32 = 20;
/// Characters of an idempotency key as [`new_key`] makes it: 16 bytes in hexadecimal.
const KEY_CHARS: usize = 32;

/// A public process with the trigger it is reached through.
struct Entrance {
    prepared: Arc<Prepared>,
    run_as: RunAs,
    form: Form,
}

fn entrance(tenant: &TenantSite, path: &str) -> Option<Entrance> {
    let processes = &tenant.desk.tenant.catalogue.processes;
    let (process, trigger) = processes.values().find_map(|process| {
        let trigger = process.triggers.iter().find(|t| matches!(&t.kind, TriggerKind::Intake { path: p, public: true, .. } if p == path))?;
        Some((process, trigger))
    })?;
    let form = said(process, Form::paged(&process.input.root))?;
    Some(Entrance { prepared: tenant.desk.tenant.current(process.id.as_str())?, run_as: trigger.run_as.clone(), form })
}

/// The form of a process's input on one page, as staff start it.
pub fn form_of(process: &Process) -> Option<Form> {
    said(process, Form::of(&process.input.root, None))
}

/// A schema that cannot be shown is said in the log: its author must hear of it.
fn said(process: &Process, form: Result<Form, pages::form::Error>) -> Option<Form> {
    form.inspect_err(|error| tracing::warn!(process = %process.id, %error, "this process has no form")).ok()
}

pub async fn form(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    if let Err(answer) = guard(&site, (&name, tenant), &path, &asked, &request) {
        return *answer;
    }
    let sight = Sight {
        entrance: &entrance,
        asked: &asked,
        form: entrance.form.laid(&[]),
        problems: &[],
        key: new_key(tenant),
        action: asked.path.clone(),
        place: String::new(),
        draft: None,
    };
    let filled = Filled { own_data: true, ..Filled::default() };
    asked.ok(&sight.page(Position::start(), Say::Nothing, &filled))
}

pub fn new_key(tenant: &TenantSite) -> String {
    let mut random = [0; 16];
    tenant.desk.tenant.random.fill(&mut random);
    to_hex(&random)
}

pub async fn send(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    let from = address(request.extensions(), request.headers()).map_or_else(String::new, |address| address.to_string());
    let counter = format!("antrag {name}/{path} von {from}");
    if let Err(seconds) = site.rates().count(&counter, PAGES_PER_MINUTE_MAX, site.now()) {
        return asked.too_often(seconds);
    }
    let identity = match guard(&site, (&name, tenant), &path, &asked, &request) {
        Ok(identity) => identity,
        Err(answer) => return *answer,
    };
    let Ok(mut sent) = form_data::read(request, tenant, &entrance.form).await else {
        return asked.unreadable();
    };
    // a field people do not see: whoever fills it in is a program, and is told nothing
    if sent.get(pages::HONEYPOT).is_some_and(|text| !text.is_empty()) {
        return asked.missing();
    }
    let key = sent.get(pages::KEY).filter(|key| key.len() == KEY_CHARS).map_or_else(|| new_key(tenant), str::to_owned);
    let mut position = Position::of(&sent);
    let intent = walk::change(&entrance.form, Intent::of(&sent), &mut position, &mut sent.pairs);
    sent.files.retain(|file| sent.pairs.iter().any(|(_, reference)| *reference == file.reference));
    let Ok((value, problems)) = read_value(tenant, &entrance, &sent).await else { return asked.unavailable() };
    let place = format!("{name}/{path}");
    let mut draft = match later::carried(&site, tenant, &asked, &place, &sent, &from).await {
        Ok(draft) => draft,
        Err(refused) => return refused,
    };
    if intent == Intent::Discard
        && let Some(code) = draft.take()
        && later::discard(tenant, &place, &code).await.is_err()
    {
        return asked.unavailable();
    }
    let form = entrance.form.laid(&sent.pairs);
    let sight = Sight { entrance: &entrance, asked: &asked, form, problems: &problems, key, action: asked.path.clone(), place, draft };
    if intent == Intent::Save {
        return later::save(&site, tenant, sight, &position, &sent, &from).await;
    }
    match walk::lead(&sight.form, &intent, &position.settled(&sight.form), &sent.pairs, &problems) {
        Lead::Show { position, say } => sight.shown(position, say, &sent),
        Lead::Summary => asked.ok(&sight.summary(&sent, &value)),
        Lead::Send => {
            if let Err(seconds) = site.rates().count(&format!("abgesendet {counter}"), SENT_PER_MINUTE_MAX, site.now()) {
                return asked.too_often(seconds);
            }
            once(tenant, sight, (&path, identity), &sent, value).await
        }
    }
}

/// The value with everything wrong about it.
async fn read_value(tenant: &TenantSite, entrance: &Entrance, sent: &Sent) -> Result<(Value, Vec<Problem>), ()> {
    let (mut value, mut problems) = entrance.form.parse(&sent.pairs);
    problems.extend(form_data::insert_files(tenant, &mut value, &sent.files).await.map_err(|_| ())?);
    problems.extend(sent.problems.clone());
    for problem in entrance.prepared.process.input.validate(&value) {
        if !problems.iter().any(|p| p.path == problem.path) {
            problems.push(problem);
        }
    }
    Ok((value, problems))
}

/// What a page of this form is made of.
struct Sight<'s> {
    entrance: &'s Entrance,
    asked: &'s Asked,
    /// With as many entries as there are.
    form: Form,
    problems: &'s [Problem],
    key: String,
    /// Where the form goes.
    action: String,
    /// Tenant and form: what drafts are sealed for.
    place: String,
    /// Of the draft this was taken from or put away as.
    draft: Option<draft::Code>,
}

impl Sight<'_> {
    /// What the application is called to whoever makes it; the process has a name for the house.
    fn title(&self) -> String {
        self.entrance.form.title.clone().unwrap_or_else(|| self.entrance.prepared.process.title.clone())
    }

    /// A place again, or the next; a file that was not taken is told in any case.
    fn shown(&self, position: Position, say: Say, sent: &Sent) -> Response {
        let told = say == Say::Wrong;
        let problems = if told { self.problems } else { sent.problems.as_slice() };
        let here = |problem: &&Problem| match self.form.place_of(&problem.path) {
            Some(place) => self.form.within(&place, &position.place),
            None => told,
        };
        let problems: Vec<Problem> = problems.iter().filter(here).cloned().collect();
        let filled = Filled { pairs: &sent.pairs, problems: &problems, files: &sent.files, proposal: None, proposed_by: None, own_data: true };
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        self.asked.page(status, &self.page(position, say, &filled))
    }

    fn page(&self, position: Position, say: Say, filled: &Filled<'_>) -> Page {
        let (process, lang) = (&self.entrance.prepared.process, self.asked.lang);
        let position = position.settled(&self.form);
        let Position { place, to_summary, .. } = &position;
        let first = self.form.pages().first().is_none_or(|first| *place == Place::Page(*first));
        let last = self.form.pages().last().is_none_or(|last| *place == Place::Page(*last));
        let page_place = Place::Page(self.form.page_of(place));
        let Part { title, number, hint, help, form } =
            self.form.part(place).unwrap_or_else(|| Part { title: None, number: None, hint: None, help: None, form: self.form.clone() });
        Page::Antrag(Box::new(AntragPage {
            action: self.action.clone(),
            title: self.title(),
            description: self.entrance.form.description.clone().unwrap_or_else(|| process.description.clone()),
            notice: first.then(|| Notice::of(process, lang)),
            step: (self.form.pages().len() > 1).then(|| self.step(&page_place, position.farthest)),
            entry: number.map(|number| format!("{} {number}", title.unwrap_or_default())),
            hint,
            help,
            message: say.word(),
            hidden: self.hidden(&position, &form, filled.pairs),
            form: form.view(filled, lang),
            back: !(first || (*to_summary && matches!(place, Place::Page(_)))),
            forward: if matches!(place, Place::Page(_)) && (last || *to_summary) { pages::INTENT_REVIEW } else { pages::INTENT_NEXT },
            to_summary: *to_summary,
            key: self.key.clone(),
        }))
    }

    fn hidden(&self, position: &Position, part: &Form, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let shown = part.shown_branches().into_iter().map(|path| path.to_string());
        let seen: BTreeSet<String> = position.seen.iter().cloned().chain(shown).collect();
        let position = Position { seen: seen.into_iter().collect(), ..position.clone() };
        self.entrance.form.carried(part, pairs).into_iter().chain(position.pairs()).chain(self.draft_pair()).collect()
    }

    fn draft_pair(&self) -> Option<(String, String)> {
        self.draft.as_ref().map(|code| (pages::DRAFT.to_owned(), code.written()))
    }

    fn step(&self, here: &Place, farthest: usize) -> Step {
        let pages = self.form.pages();
        let faulty = |page: usize| self.problems.iter().any(|p| self.form.place_of(&p.path).is_some_and(|place| self.form.page_of(&place) == page));
        let row = |page: &usize| StepRow {
            title: self.page_title(*page),
            state: match () {
                () if Place::Page(*page) == *here => StepProgress::Here,
                () if *page > farthest => StepProgress::Open,
                () if faulty(*page) => StepProgress::Unfinished,
                () => StepProgress::Done,
            },
        };
        let number = pages.iter().position(|page| Place::Page(*page) == *here).map_or(1, |at| at + 1);
        let all: Vec<StepRow> = pages.iter().map(row).collect();
        let title = all.get(number - 1).map(|row| row.title.clone()).unwrap_or_default();
        Step { number, title, all }
    }

    fn page_title(&self, page: usize) -> String {
        self.form.part(&Place::Page(page)).and_then(|part| part.title).unwrap_or_else(|| word("further_details", self.asked.lang).to_owned())
    }

    fn summary(&self, sent: &Sent, value: &Value) -> Page {
        let (pages, lang) = (self.form.pages(), self.asked.lang);
        let section = |page: &usize| ReviewSection {
            title: (pages.len() > 1).then(|| self.page_title(*page)),
            change: (pages.len() > 1).then(|| Place::Page(*page).to_string()),
            groups: self.form.review_page(*page, value, lang),
        };
        let mut hidden = self.entrance.form.own_pairs(&sent.pairs);
        hidden.extend(self.draft_pair());
        hidden.extend(pages.last().map(|last| (pages::FARTHEST.to_owned(), last.to_string())));
        Page::Zusammenfassung(ZusammenfassungPage {
            action: self.action.clone(),
            title: self.title(),
            sections: pages.iter().map(section).collect(),
            hidden,
            key: self.key.clone(),
        })
    }
}

/// The same key with other data is another application: it is shown once more under a key of its own, never dropped.
async fn once(tenant: &TenantSite, sight: Sight<'_>, (path, identity): (&str, Identity), sent: &Sent, value: Value) -> Response {
    if let Ok(Some(run)) = tenant.desk.tenant.store.receipt(&format!("form:{path}:{}", sight.key)).await
        && let Ok(Some(loaded)) = tenant.desk.load(run).await
        && loaded.gone.is_none()
        && loaded.run.input != value
    {
        let sight = Sight { key: new_key(tenant), ..sight };
        return sight.asked.ok(&sight.summary(sent, &value));
    }
    submit(tenant, &sight, (path, identity), value).await
}

/// Starts the run and gives the receipt. Sent twice with the same key, it is one run and the same receipt.
async fn submit(tenant: &TenantSite, sight: &Sight<'_>, (path, identity): (&str, Identity), input: Value) -> Response {
    let Sight { entrance, asked, key, .. } = sight;
    let process = &entrance.prepared.process;
    let request = StartRequest {
        process: process.id.to_string(),
        // who applies is known by nothing of the form: whoever reads the journal could send it as she did, and get her receipt
        caller: Caller { via: Via::Intake, ..Caller::applicant(&new_key(tenant)) },
        run_as: Some(entrance.run_as.clone()),
        input,
        zone: None,
        receipts: vec![format!("form:{path}:{key}")],
        clock: None,
        facts: identity.facts(),
        status: true,
    };
    let run = match tenant.desk.start(request).await {
        Ok(started) => started.run,
        Err(StartError::Duplicate(run)) => run,
        Err(StartError::Denied(decision)) => return asked.denied(&decision),
        Err(StartError::Quota(exceeded)) => return asked.too_many(&exceeded),
        Err(_) => return asked.unavailable(),
    };
    // sent is sent; a draft that stays behind goes with its time
    if let Some(code) = &sight.draft
        && let Err(error) = later::discard(tenant, &sight.place, code).await
    {
        tracing::warn!(%error, "the draft of an application that was sent stays until its time is over");
    }
    receipt(tenant, asked, run).await
}

async fn receipt(tenant: &TenantSite, asked: &Asked, run: RunId) -> Response {
    let loaded = match tenant.desk.load(run).await {
        // the address of its status page went with its contents
        Ok(Some(loaded)) if loaded.gone.is_some() => return asked.missing(),
        Ok(Some(loaded)) => loaded,
        _ => return asked.unavailable(),
    };
    let address = loaded.run.facts.get("status_link").and_then(Value::as_str).unwrap_or_default().to_owned();
    let link = address.find("/status/").map_or_else(|| address.clone(), |at| address[at..].to_owned());
    asked.ok(&Page::Quittung(QuittungPage {
        title: loaded.prepared.process.title.clone(),
        number: loaded.run.nummer.clone(),
        received: tenant.civil(loaded.run.started_at),
        responsible: loaded.prepared.process.verantwortlich.clone(),
        status_link: link,
        status_address: address,
        mail: None,
        next: None,
    }))
}
