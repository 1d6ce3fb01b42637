//! The citizen's way in: a form made from the process's input, on as many pages as it needs, a summary, a receipt.

mod draft;
pub mod later;
pub mod sight;
pub mod walk;

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::Response,
};
use laufzettel_domain::{Caller, Lang, RunId, Value, Via, digest::to_hex};
use laufzettel_engine::Run;
use laufzettel_process::{
    Process,
    model::{RunAs, TriggerKind},
};
use laufzettel_store::Over;
use laufzettel_worker::{Prepared, StartError, StartRequest, WishError};

use crate::{
    form_data,
    pages::{
        self, AbgelaufenPage, Filled, Form, Page, QuittungPage,
        stand::Vouching,
        words::{minutes, word},
    },
    reply::Asked,
    signin::applicant::{SignedIn, admit, ended, guard, spent},
    site::{Site, TenantSite},
    status,
    vouched::Vouched,
    whence,
};
use sight::{Sight, read_value};
use walk::{Intent, Lead, Position, Say};

/// Pages of one form sent from one address in a minute: a counter hall of people behind it, each of them quick.
const PAGES_PER_MINUTE_MAX: u32 = 120;
/// Applications sent by one form from one address in a minute.
const SENT_PER_MINUTE_MAX: u32 = 20;
/// Characters of an idempotency key as [`new_key`] makes it: 16 bytes in hexadecimal.
pub const KEY_CHARS: usize = 32;

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
    let prepared = tenant.desk.tenant.current(process.id.as_str())?;
    let form = said(process, Form::paged(&process.input.root))?.in_zone(&prepared.context.zone());
    Some(Entrance { prepared, run_as: trigger.run_as.clone(), form })
}

/// The form of a process's input, as staff start it. What no pages can be made for (a condition over the whole) may still be asked on one.
pub fn form_of(prepared: &Prepared) -> Option<Form> {
    Some(readable(&prepared.process)?.in_zone(&prepared.context.zone()))
}

pub fn has_form(process: &Process) -> bool {
    readable(process).is_some()
}

fn readable(process: &Process) -> Option<Form> {
    said(process, Form::paged(&process.input.root).or_else(|_| Form::of(&process.input.root, None)))
}

/// A schema that cannot be shown is said in the log: its author must hear of it.
fn said(process: &Process, form: Result<Form, pages::form::Error>) -> Option<Form> {
    form.inspect_err(|error| tracing::warn!(process = %process.id, %error, "this process has no form")).ok()
}

pub async fn form(State(site): State<Arc<Site>>, Path((name, path)): Path<(String, String)>, request: Request) -> Response {
    let tenant = site.tenants.get(&name);
    let asked = Asked::new(request.uri(), request.headers(), tenant, None);
    let Some((tenant, entrance)) = tenant.and_then(|t| Some((t, entrance(t, &path)?))) else { return asked.missing() };
    let signed_in = match guard(&site, (&name, tenant), &path, &asked, &request) {
        Ok(signed_in) => signed_in,
        Err(answer) => return *answer,
    };
    if let Some(signed_in) = &signed_in {
        match tenant.desk.tenant.store.receipt(&signed_in.receipt()).await {
            Ok(None) => {}
            Ok(Some(_)) => return spent(&asked, (&name, tenant), &path),
            Err(_) => return asked.unavailable(),
        }
    }
    let vouched = vouching(tenant, signed_in.as_ref(), asked.lang);
    let sight = Sight { vouched, ..Sight::new(&entrance.prepared.process, &entrance.form, &asked, new_key(tenant)) };
    let filled = Filled { own_data: true, ..Filled::default() };
    asked.ok(&sight.page(Position::start(), Say::Nothing, &filled))
}

fn vouching(tenant: &TenantSite, signed_in: Option<&SignedIn>, lang: Lang) -> Option<Vouching> {
    signed_in.map(|signed_in| signed_in.vouched.view(tenant, true, lang))
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
    let from = whence::counted(&request);
    let counter = format!("antrag {name}/{path} von {from}");
    if let Err(seconds) = site.rates().count(&counter, PAGES_PER_MINUTE_MAX, site.now()) {
        return asked.too_often(seconds);
    }
    if asked.query.split('&').any(|pair| pair == pages::RECEIPT) {
        return again(&site, tenant, &asked, request).await;
    }
    let (request, signed_in) = match admit(&site, (&name, tenant), &path, &asked, request).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    if let Err(answer) = form_data::weighed(&site, &asked, &request) {
        return *answer;
    }
    let mut sent = match form_data::read(request, tenant, &entrance.form).await {
        Ok(sent) => sent,
        Err(why) => return asked.unread(why),
    };
    // a field people do not see: whoever fills it in is a program, and is told nothing
    if sent.get(pages::HONEYPOT).is_some_and(|text| !text.is_empty()) {
        return asked.missing();
    }
    let key = sent.get(pages::KEY).filter(|key| key.len() == KEY_CHARS).map_or_else(|| new_key(tenant), str::to_owned);
    let (intent, position) = walk::step(&entrance.form, &mut sent);
    let Ok((value, problems)) = read_value(tenant, &entrance.prepared.process, &entrance.form, &sent).await else { return asked.unavailable() };
    let place = format!("{name}/{path}");
    let mut draft = match later::carried(&site, tenant, &asked, &place, &sent, &from).await {
        Ok(draft) => draft,
        Err(refused) => return refused,
    };
    if intent == Intent::Discard
        && let Some(draft) = draft.take()
        && later::discard(tenant, &place, &draft.code, Over::Anything).await.is_err()
    {
        return asked.unavailable();
    }
    let form = entrance.form.laid(&sent.pairs);
    let vouched = vouching(tenant, signed_in.as_ref(), asked.lang);
    let sight = Sight { form, problems: &problems, place, draft, vouched, ..Sight::new(&entrance.prepared.process, &entrance.form, &asked, key) };
    if let Intent::Save(how) = intent {
        return later::save(&site, tenant, sight, (&position, &sent), how, &from).await;
    }
    match walk::lead(&sight.form, &intent, &position.clone().settled(&sight.form), &sent.pairs, &problems) {
        Lead::Show { position, say } => sight.shown(position, say, &sent),
        Lead::Summary => asked.ok(&sight.summary(&sent, &value)),
        Lead::Send => {
            let sending = Sending { site: &site, name: &name, tenant, path: &path, entrance: &entrance, signed_in, position, sent: &sent, input: value };
            match site.rates().count(&format!("abgesendet {counter}"), SENT_PER_MINUTE_MAX, site.now()) {
                Ok(()) => {}
                Err(seconds) => return sending.later(&sight, StatusCode::TOO_MANY_REQUESTS, Some(seconds)),
            }
            sending.submit(sight).await
        }
    }
}

/// An application that is being sent.
struct Sending<'s> {
    site: &'s Site,
    name: &'s str,
    tenant: &'s TenantSite,
    path: &'s str,
    entrance: &'s Entrance,
    signed_in: Option<SignedIn>,
    position: Position,
    sent: &'s form_data::Sent,
    input: Value,
}

/// What was sent before with the same form, or the same sign-in.
enum Before {
    /// The very same application.
    This(RunId),
    /// Another one, with this sign-in; its run, if it was begun with this form.
    WithSignIn(Option<RunId>),
    /// Another one with this form: with other data, or by somebody else.
    WithForm,
}

impl Sending<'_> {
    /// Starts the run and gives the receipt. Sent twice with the same key, it is one run and the same receipt. What is not taken is given back.
    async fn submit(self, sight: Sight<'_>) -> Response {
        let asked = sight.asked;
        let run = match self.tenant.desk.start(self.request(&sight)).await {
            Ok(started) => started.run,
            Err(StartError::Duplicate(run)) => match self.before(run, &sight.key).await {
                Ok(Before::This(run)) => run,
                Ok(Before::WithSignIn(first)) => return self.spent(&sight, first).await,
                Ok(Before::WithForm) => {
                    let sight = Sight { key: new_key(self.tenant), ..sight };
                    return asked.ok(&sight.summary_told(word("sent_before", asked.lang).to_owned(), self.sent, &self.input));
                }
                Err(_) => return self.later(&sight, StatusCode::SERVICE_UNAVAILABLE, None),
            },
            Err(StartError::Denied(decision)) => return asked.denied(&decision),
            Err(StartError::Quota(exceeded)) => return self.later(&sight, StatusCode::TOO_MANY_REQUESTS, i64::try_from(exceeded.retry_after_s).ok()),
            Err(StartError::Invalid(problems)) => match walk::lead(&sight.form, &Intent::Send, &self.position, &self.sent.pairs, &problems) {
                Lead::Show { position, say } => return Sight { problems: &problems, ..sight }.shown(position, say, self.sent),
                Lead::Summary | Lead::Send => return self.later(&sight, StatusCode::SERVICE_UNAVAILABLE, None),
            },
            Err(StartError::UnknownProcess | StartError::Unavailable(_)) => return self.later(&sight, StatusCode::SERVICE_UNAVAILABLE, None),
        };
        // sent is sent; a draft that stays behind goes with its time, as does one that somebody else has changed meanwhile
        if let Some(draft) = &sight.draft
            && let Err(error) = later::discard(self.tenant, &sight.place, &draft.code, Over::Seen(draft.seen)).await
        {
            tracing::warn!(%error, "the draft of an application that was sent stays until its time is over");
        }
        let answer = receipt(self.tenant, asked, run).await;
        // what the sign-in was for is done: whoever sits down here next does not apply as her
        if self.signed_in.is_some() && answer.status().is_success() { ended(self.site, answer) } else { answer }
    }

    fn request(&self, sight: &Sight<'_>) -> StartRequest {
        let signed_in = self.signed_in.as_ref();
        StartRequest {
            process: sight.process.id.to_string(),
            // who applies is known by nothing of the form: whoever reads the journal could send it as she did, and get her receipt
            caller: Caller { via: Via::Intake, ..Caller::applicant(&new_key(self.tenant)) },
            run_as: Some(self.entrance.run_as.clone()),
            input: self.input.clone(),
            zone: None,
            // the form first: sent twice it is the same application, with the same sign-in
            receipts: std::iter::once(form_receipt(self.path, &sight.key)).chain(signed_in.map(SignedIn::receipt)).collect(),
            clock: None,
            facts: signed_in.map_or(Value::Null, |signed_in| signed_in.vouched.facts()),
            status: true,
        }
    }

    /// `run`: what stands for the form in the store, or else for the sign-in. Somebody else's receipt is given to nobody: at a computer others
    /// use, who signs in next may find the form still open.
    async fn before(&self, run: RunId, key: &str) -> Result<Before, WishError> {
        let store = &self.tenant.desk.tenant.store;
        let with_form = store.receipt(&form_receipt(self.path, key)).await?;
        let with_sign_in = match &self.signed_in {
            Some(signed_in) => store.receipt(&signed_in.receipt()).await?,
            None => None,
        };
        if with_form == Some(run) && self.is_hers(run, with_sign_in).await? && !other_data(self.tenant, run, &self.input).await? {
            return Ok(Before::This(run));
        }
        Ok(with_sign_in.map_or(Before::WithForm, |first| Before::WithSignIn(with_form.filter(|run| *run == first))))
    }

    /// Whether whoever is signed in began this run: with this sign-in, or one that names the same person.
    async fn is_hers(&self, run: RunId, with_sign_in: Option<RunId>) -> Result<bool, WishError> {
        let Some(signed_in) = &self.signed_in else { return Ok(true) };
        if with_sign_in == Some(run) {
            return Ok(true);
        }
        let began = self.tenant.desk.load(run).await?.and_then(|loaded| Vouched::of(&loaded.run));
        Ok(began.is_some_and(|began| began.names_same(&signed_in.vouched)))
    }

    /// The sign-in has begun an application already: what was sent now is held, with the ways to that one and to another sign-in.
    async fn spent(&self, sight: &Sight<'_>, first: Option<RunId>) -> Response {
        let (asked, action) = (sight.asked, format!("/antrag/{}/{}", self.name, self.path));
        let loaded = match first {
            Some(run) => self.tenant.desk.load(run).await.ok().flatten(),
            None => None,
        };
        let mut pairs = sight.whole.own_pairs(&self.sent.pairs);
        pairs.extend(sight.draft_pairs());
        pairs.extend([(pages::KEY.to_owned(), new_key(self.tenant)), (pages::INTENT.to_owned(), pages::INTENT_REVIEW.to_owned())]);
        let first = loaded.map(|loaded| status_link(&loaded.run)).filter(|link| !link.is_empty());
        let sign_in = format!("{action}/anmelden");
        asked.page(StatusCode::FORBIDDEN, &Page::Abgelaufen(AbgelaufenPage { action, pairs, files: false, sign_in, spent: true, arrived: false, first }))
    }

    /// It could not be taken: the summary stands there again, under the same key.
    fn later(&self, sight: &Sight<'_>, status: StatusCode, seconds: Option<i64>) -> Response {
        let lang = sight.asked.lang;
        let time = seconds.map_or_else(|| word("send_later_some", lang).to_owned(), |seconds| minutes(seconds, lang));
        let message = word("send_later", lang).replace("{}", &time);
        let mut response = sight.asked.page(status, &sight.summary_told(message, self.sent, &self.input));
        if let Some(seconds) = seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The same key with other data is another case: it is shown once more under a key of its own, never dropped.
pub async fn other_data(tenant: &TenantSite, run: RunId, input: &Value) -> Result<bool, WishError> {
    Ok(tenant.desk.load(run).await?.is_some_and(|loaded| loaded.gone.is_none() && loaded.run.input != *input))
}

/// The receipt once more, as in the other language: for whoever has the code of the status page, which stands on it.
async fn again(site: &Site, tenant: &TenantSite, asked: &Asked, request: Request) -> Response {
    if let Err(answer) = form_data::weighed(site, asked, &request) {
        return *answer;
    }
    let code = form_data::first(request, pages::CODE).await.unwrap_or_default();
    match status::find(site, &code).await {
        Ok((of, loaded)) if std::ptr::eq(of, tenant) => receipt(tenant, asked, loaded.run.id).await,
        Ok(_) => asked.missing(),
        Err(unfound) => unfound.told(asked),
    }
}

/// What a form that was sent leaves in the store, to be known again.
pub fn form_receipt(path: &str, key: &str) -> String {
    format!("form:{path}:{key}")
}

/// What whoever applies calls it: as her form does.
pub fn called(prepared: &Prepared) -> String {
    form_of(prepared).and_then(|form| form.title).unwrap_or_else(|| prepared.process.title.clone())
}

/// Where the status page of a run is; empty once its contents are gone.
fn status_address(run: &Run) -> String {
    run.facts.get("status_link").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The same without the name of this server.
fn status_link(run: &Run) -> String {
    let address = status_address(run);
    address.find("/status/").map_or_else(|| address.clone(), |at| address[at..].to_owned())
}

async fn receipt(tenant: &TenantSite, asked: &Asked, run: RunId) -> Response {
    let loaded = match tenant.desk.load(run).await {
        // the address of its status page went with its contents
        Ok(Some(loaded)) if loaded.gone.is_some() => return asked.missing(),
        Ok(Some(loaded)) => loaded,
        _ => return asked.unavailable(),
    };
    let (address, link) = (status_address(&loaded.run), status_link(&loaded.run));
    asked.ok(&Page::Quittung(QuittungPage {
        action: asked.path.clone(),
        code: link.rsplit('/').next().unwrap_or_default().to_owned(),
        title: called(&loaded.prepared),
        number: loaded.run.nummer.clone(),
        received: tenant.civil(loaded.run.started_at),
        responsible: loaded.prepared.process.verantwortlich.clone(),
        status_link: link,
        status_address: address,
        mail: None,
        next: None,
        vouched: Vouched::of(&loaded.run).map(|vouched| vouched.view(tenant, true, asked.lang)),
    }))
}
