//! The reports for the data protection officer, on pages: what is kept of a person, the record of processing, erasure. What they say
//! is made by `subject`, `register` and the desk; this file only asks and shows.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Form,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use laufzettel_domain::{Lang, StepId, Value};
use laufzettel_policy::Action;
use laufzettel_process::model::{Step, StepKind};
use laufzettel_store::TrailFilter;
use laufzettel_worker::{EraseError, Erased, WishError};

use crate::{
    audit::{reason, run_of},
    files::attachment,
    origin::Voices,
    pages::{
        self, Link, Page, Report, Shown,
        reports::{AuskunftPage, ErasedRow, LoeschenPage, ReportView, SearchField, SubjectRunView, TableRow, VerarbeitungPage, VerzeichnisPage},
        words::{format_moment, word},
    },
    register,
    reply::Asked,
    site::{Session, Site, TenantSite},
    subject::{self, SubjectError, SubjectReport, SubjectRun},
    view::Matter,
};

type Sent = HashMap<String, String>;

/// Fields that have a place of their own in the form.
const FIELDS: [&str; 5] = ["familienname", "vornamen", "geburtsdatum", "email", "iban"];
/// Cases on one page of a report: with all their contents they stay below what a page may weigh.
const CASES: usize = 3;
/// Records of an erasure that are named.
const PROOFS: u32 = 20;

pub async fn subject_form(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    match tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        Ok(()) => asked.ok(&Page::Report(Report::Auskunft(Box::new(filled(&Sent::new()))))),
        Err(error) => asked.wish(&error),
    }
}

fn filled(sent: &Sent) -> AuskunftPage {
    let text = |name: &str| sent.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    AuskunftPage {
        fields: FIELDS.map(|name| SearchField { name, value: text(name) }).into(),
        field: text("feld"),
        value: text("wert"),
        reason: text(pages::REASON),
        ..AuskunftPage::default()
    }
}

/// Sent by POST: whom somebody looks for stands in no address and no log.
pub async fn subject_report(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<Sent>,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        return asked.wish(&error);
    }
    let page = filled(&sent);
    let mut fields: Vec<(String, String)> = page.fields.iter().map(|field| (field.name.to_owned(), field.value.clone())).collect();
    fields.push((page.field.clone(), page.value.clone()));
    let Some(why) = reason(&sent) else { return refused(&asked, page, "reason") };
    match subject::report(&tenant.desk, &session.caller, &fields, &why, asked.lang).await {
        Ok(report) if sent.get("format").is_some_and(|format| format == "json") => {
            attachment("auskunft.json", "application/json", serde_json::to_vec_pretty(&report).unwrap_or_default())
        }
        Ok(report) => {
            let from = sent.get("ab").and_then(|from| from.parse().ok()).unwrap_or(0);
            match view(tenant, report, from, asked.lang).await {
                Ok(view) => asked.ok(&Page::Report(Report::Auskunft(Box::new(AuskunftPage { report: Some(view), ..page })))),
                Err(error) => asked.wish(&error),
            }
        }
        Err(SubjectError::TooVague) => refused(&asked, page, "vague"),
        Err(SubjectError::Wish(error)) => asked.wish(&error),
    }
}

fn refused(asked: &Asked, page: AuskunftPage, why: &'static str) -> Response {
    asked.page(StatusCode::UNPROCESSABLE_ENTITY, &Page::Report(Report::Auskunft(Box::new(AuskunftPage { wrong: vec![why], ..page }))))
}

async fn view(tenant: &TenantSite, report: SubjectReport, from: usize, lang: Lang) -> Result<ReportView, WishError> {
    let found = report.vorgaenge.len();
    let mut runs = Vec::new();
    for run in report.vorgaenge.into_iter().skip(from).take(CASES) {
        // what its fields are called its process says
        let loaded = tenant.desk.load(run.kennung).await?.ok_or(WishError::Unknown)?;
        runs.push(run_view(tenant, run, &Matter::new(&loaded, &Voices::default(), lang)));
    }
    Ok(ReportView {
        made: tenant.civil(report.erstellt),
        tenant: report.mandant,
        searched: report.gesucht_nach.join(", "),
        found,
        cut: report.mehr,
        runs,
        next: Some(from.saturating_add(CASES)).filter(|next| *next < found),
        unnamed: report.nicht_gefunden_in,
    })
}

/// What is kept, under the names the pages have for it, without the ways into the house.
fn contents(tenant: &TenantSite, run: &SubjectRun, matter: &Matter<'_>) -> Vec<(String, Vec<Shown>)> {
    let (lang, process, inhalte) = (matter.lang, &matter.loaded.prepared.process, &run.inhalte);
    let shown = |value: &Value| Shown::list(value, &[], lang);
    let named = |word_key: &str, id: &str| {
        let step = StepId::parse(id).and_then(|id| process.steps.get(&id));
        (format!("{} {}", word(word_key, lang), step.map_or(id, |step| step.title.as_str())), step)
    };
    let rows = |step: Option<&Step>, value: &Value| match step {
        Some(Step { kind: StepKind::Wait(wait), .. }) if wait.event().is_none() => waited(tenant, value, lang),
        Some(step) => matter.result(&step.id, value),
        None => shown(value),
    };
    let mut all = vec![(word("subject_input", lang).to_owned(), matter.input(&inhalte.eingabe))];
    all.extend(inhalte.anmeldung.as_ref().map(|vouched| (word("subject_vouched", lang).to_owned(), vouched.rows(tenant, lang))));
    all.extend(inhalte.schritte.iter().map(|(id, value)| {
        let (name, step) = named("subject_step", id);
        (name, rows(step, value))
    }));
    all.extend(inhalte.angaben_von_menschen.iter().map(|entered| {
        let (name, step) = named("subject_entered", entered["schritt"].as_str().unwrap_or_default());
        (name, rows(step, &entered["angaben"]))
    }));
    all.extend(inhalte.nachgereicht.iter().map(|value| (word("subject_added", lang).to_owned(), shown(value))));
    let withdrawn = inhalte.zurueckgezogen.iter().map(|reason| (word("subject_withdrawn", lang).to_owned(), shown(&serde_json::json!({ "grund": reason }))));
    all.extend(withdrawn);
    all.push((word("subject_received", lang).to_owned(), shown(&inhalte.erhalten)));
    all.push((word("subject_output", lang).to_owned(), matter.spelt(&inhalte.ausgabe)));
    all.retain(|(_, rows)| !rows.is_empty());
    all.iter_mut().flat_map(|(_, rows)| rows).for_each(|row| row.lines.iter_mut().for_each(|line| line.link = None));
    all
}

/// When a time to wait for was over, by the clock of the house.
fn waited(tenant: &TenantSite, value: &Value, lang: Lang) -> Vec<Shown> {
    let at = value.get("at").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    let text = |at: Timestamp| Value::String(format_moment(tenant.civil(at), lang));
    at.map_or_else(|| Shown::list(value, &[], lang), |at| vec![Shown { label: word("subject_at", lang).to_owned(), ..Shown::of("at", &text(at), lang) }])
}

fn run_view(tenant: &TenantSite, run: SubjectRun, matter: &Matter<'_>) -> SubjectRunView {
    let lang = matter.lang;
    let contents = contents(tenant, &run, matter);
    let moment = |at: Timestamp| format_moment(tenant.civil(at), lang);
    let state = word(&format!("run_{}", run.stand), lang).to_owned();
    let facts = [
        ("process", Some(run.prozess), false),
        ("subject_state", Some(state), false),
        ("subject_began", Some(moment(run.begonnen)), false),
        ("subject_ended", run.beendet.map(moment), false),
        ("subject_responsible", Some(run.verantwortlich), true),
        ("subject_purpose", Some(run.zweck), true),
        ("subject_basis", Some(run.rechtsgrundlage.join("; ")), true),
        ("subject_categories", Some(run.kategorien.join("; ")), true),
        ("subject_automation", Some(run.automatisierung), false),
    ];
    SubjectRunView {
        number: run.nummer,
        title: run.bezeichnung,
        facts: facts.into_iter().filter_map(|(name, text, authored)| Some((name, text?, authored))).collect(),
        lists: vec![
            ("subject_origin", run.herkunft),
            ("subject_recipients", run.empfaenger),
            ("subject_retention", run.aufbewahrung),
            ("subject_steps", run.automatische_schritte),
        ],
        contents,
        files: run.dateien.iter().map(|file| format!("{} ({}, {} Byte)", file.name, file.media_type, file.size)).collect(),
    }
}

/// The list of processes, or all of it as a file.
pub async fn register_list(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Query(query): Query<Sent>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        return asked.wish(&error);
    }
    let entries = register::register(&tenant.desk.tenant, None, Lang::De);
    let file = |kind: &'static str, name: &str, text: String| attachment(&format!("verzeichnis.{name}"), kind, text.into_bytes());
    match query.get("format").map(String::as_str) {
        Some("md") => file("text/markdown; charset=utf-8", "md", register::markdown(&entries)),
        Some("csv") => file("text/csv; charset=utf-8", "csv", register::table(&entries)),
        Some("json") => file("application/json", "json", serde_json::to_string_pretty(&entries).unwrap_or_default()),
        _ => {
            let link = |entry: register::Processing| Link { href: format!("/protokoll/verzeichnis/{}", entry.prozess), text: entry.bezeichnung };
            asked.ok(&Page::Report(Report::Verzeichnis(VerzeichnisPage { processes: entries.into_iter().map(link).collect() })))
        }
    }
}

pub async fn register_entry(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        return asked.wish(&error);
    }
    let Some(entry) = register::register(&tenant.desk.tenant, Some(&id), asked.lang).pop() else { return asked.missing() };
    let rows = register::rows(&entry, asked.lang).into_iter().map(|row| (row.name, row.text, row.authored)).collect();
    let table = |table: register::TableWords| TableRow { name: table.name, rows: table.rows, source: table.source };
    let steps = entry.schritte.into_iter().map(|step| (step.bezeichnung, step.was, step.table.map(table))).collect();
    asked.ok(&Page::Report(Report::Verarbeitung(VerarbeitungPage {
        id: entry.prozess,
        title: entry.bezeichnung,
        description: entry.beschreibung,
        rows,
        steps,
    })))
}

pub async fn erase_form(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Query(query): Query<Sent>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    match tenant.desk.may_any(&session.caller, &[Action::ContentErase]).await {
        Ok(()) => {
            let number = query.get("run").cloned().unwrap_or_default();
            asked.ok(&Page::Report(Report::Loeschen(LoeschenPage { number, ..LoeschenPage::default() })))
        }
        Err(error) => asked.wish(&error),
    }
}

/// First what would go, then, once that was confirmed, what has gone.
pub async fn erase(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::ContentErase]).await {
        return asked.wish(&error);
    }
    let (why, whole) = (reason(&sent), sent.contains_key("belege"));
    let number = sent.get("run").map(|run| run.trim().to_owned()).unwrap_or_default();
    let page = LoeschenPage { number: number.clone(), reason: why.clone().unwrap_or_default(), whole, ..LoeschenPage::default() };
    let wrong = |why| asked.page(StatusCode::UNPROCESSABLE_ENTITY, &Page::Report(Report::Loeschen(LoeschenPage { wrong: vec![why], ..page.clone() })));
    let Some(why) = why else { return wrong("reason") };
    let run = match run_of(&tenant.desk.tenant.store, &number).await {
        Ok(Some(run)) => run,
        Ok(None) => return wrong("number"),
        Err(_) => return asked.unavailable(),
    };
    let confirmed = sent.contains_key("bestaetigt");
    let told = match confirmed {
        true => tenant.desk.erase_on_request(run, &session.caller, whole, &why).await,
        false => tenant.desk.erasure_of(run, whole).await,
    };
    let told = match told {
        Ok(told) => told,
        Err(EraseError::Unknown) => return wrong("number"),
        Err(EraseError::Open(_)) => return wrong("open"),
        Err(EraseError::Denied(decision)) => return asked.denied(&decision),
        Err(error @ (EraseError::Witness(_) | EraseError::Unavailable(_))) => return asked.unwritten(&error),
    };
    let rows: Vec<ErasedRow> = told.iter().map(|one| row(tenant, one)).collect();
    let page =
        if confirmed { LoeschenPage { done: rows, proof: proof(tenant, &session, &told).await, ..page } } else { LoeschenPage { preview: rows, ..page } };
    asked.ok(&Page::Report(Report::Loeschen(page)))
}

fn row(tenant: &TenantSite, one: &Erased) -> ErasedRow {
    let until = Some(one.until).filter(|at| *at != Timestamp::MAX).map(|at| tenant.civil(at));
    ErasedRow { number: one.nummer.clone(), gone: one.gone, kept: one.kept, until }
}

/// The records that say so; a way to each for whoever may read them.
async fn proof(tenant: &TenantSite, session: &Session, told: &[Erased]) -> Vec<Link> {
    let reads = tenant.desk.holds(&session.caller, &Action::AuditRead).await;
    let mut proof = Vec::new();
    for one in told {
        let filter = TrailFilter { run: Some(one.run), kind: Some("content.erased".to_owned()), limit: PROOFS, ..TrailFilter::default() };
        let rows = tenant.desk.tenant.store.trail(&filter, &|_| true).await.map(|page| page.rows).unwrap_or_default();
        let link = |row: &laufzettel_store::TrailRow| Link {
            href: if reads { format!("/protokoll/eintrag/{}/{}", row.lane, row.seq) } else { String::new() },
            text: format!("{}/{}", row.lane, row.seq),
        };
        proof.extend(rows.iter().map(link));
    }
    proof
}
