//! One process in full, on four pages: overview, flows, tables, text. Shown to whoever may start it, answers for it, may release
//! it, reads the journal or looks after the house; for everybody else there is no such page.

mod tried;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use laufzettel_domain::{Lang, Severity, StepId};
use laufzettel_engine::proof::{self, Flow, Setting};
use laufzettel_policy::{Action, Who, permit, permit_start};
use laufzettel_process::{
    Process,
    expression::Template,
    model::{Automatisierung, StepKind},
    table::{Row, Table},
};
use laufzettel_worker::Prepared;

use super::{may_start, public_form, way};
use crate::{
    api::catalogue::NEXT_TIMES,
    files::attachment,
    intake,
    pages::shown::plain,
    pages::{
        FindingRow, FlowRow, Link, Page, ProcessHead, ProzessFluessePage, ProzessPage, ProzessTabellenPage, ProzessTextPage, RuleRow, SourceLine, TableView,
        words,
    },
    picture,
    reply::Asked,
    site::{Session, Site, TenantSite},
};

/// Rows of a table on one page, of findings, and of cases: each at most a few hundred bytes, the page below 100 KB.
const ROWS: usize = 100;
/// Bytes of text on one page, and of one line: a longer one is cut there, and whole in the file.
const TEXT_BYTES: usize = 60_000;
const LINE_CHARS: usize = 2_000;
/// Characters of what an author wrote into a cell of a table.
const CELL_CHARS: usize = 300;
/// Lines above the one a link leads to.
const ABOVE: usize = 3;

/// Whether somebody may look into a process: denied unless one of these says otherwise.
pub async fn may_see(tenant: &TenantSite, who: &Who, process: &Process) -> bool {
    let (rules, id) = (&tenant.desk.tenant.rules, process.id.as_str());
    let rights = [Action::ProcessRelease(id.to_owned()), Action::AuditRead, Action::Admin];
    permit_start(who, id, &process.start.groups, rules).allow
        || rights.iter().any(|right| permit(who, right, Some(id), rules).allow)
        || who.is_in_any(&tenant.desk.tenant.unit_groups(&process.verantwortlich).await).is_some()
}

/// What every page here begins with.
struct Looked<'s> {
    tenant: &'s TenantSite,
    asked: Asked,
    who: Who,
    prepared: Arc<Prepared>,
}

async fn look<'s>(site: &'s Site, session: &Session, id: &str, uri: &Uri, headers: &HeaderMap) -> Result<Looked<'s>, Response> {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(uri, headers, Some(tenant), Some(session));
    let Some(prepared) = tenant.desk.tenant.current(id) else { return Err(asked.missing()) };
    match tenant.desk.who(&session.caller).await {
        Ok(who) if may_see(tenant, &who, &prepared.process).await => Ok(Looked { tenant, asked, who, prepared }),
        Ok(_) => Err(asked.missing()),
        Err(nobody) => Err(asked.wish(&nobody.into())),
    }
}

fn head(process: &Process, here: usize, lang: Lang) -> ProcessHead {
    let page = |(path, key): (&str, &str)| Link { href: format!("/prozesse/{}{path}", process.id), text: words::word(key, lang).to_owned() };
    let pages = [("", "process_overview"), ("/fluesse", "process_flows"), ("/tabellen", "process_tables"), ("/text", "process_text")];
    ProcessHead {
        id: process.id.to_string(),
        title: process.title.clone(),
        version: process.version.to_string(),
        pages: pages.into_iter().map(page).collect(),
        here,
    }
}

pub async fn page(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    match look(&site, &session, &id, &uri, &headers).await {
        Ok(looked) => looked.asked.ok(&Page::Prozess(Box::new(overview(&looked, &session.tenant)))),
        Err(answered) => answered,
    }
}

fn overview(looked: &Looked<'_>, tenant_name: &str) -> ProzessPage {
    let Looked { tenant, asked, who, prepared } = looked;
    let (process, lang, desk) = (&prepared.process, asked.lang, &tenant.desk);
    let findings = findings(tenant, process, lang);
    let tried = tried::of(tenant, process, lang, ROWS);
    let line = |id: &StepId| process.steps.get(id).map_or_else(String::new, |step| to_line(process, step.at.line));
    ProzessPage {
        head: head(process, 0, lang),
        description: process.description.clone(),
        responsible: process.verantwortlich.clone(),
        purpose: process.zweck.clone(),
        legal_basis: process.rechtsgrundlage.clone(),
        protection: process.default_label(laufzettel_domain::Trust::Trusted).to_string(),
        keep: (words::format_span(&process.aufbewahrung.vorgang, lang), words::format_span(&process.aufbewahrung.inhalte, lang)),
        automation: match process.automatisierung {
            Automatisierung::Assistenz => "process_assistenz",
            Automatisierung::Teil => "process_teil",
            Automatisierung::Voll => "process_voll",
        },
        ai: process.ki_verordnung.as_ref().map(|ai| (ai.klasse.clone(), ai.begruendung.clone())),
        digest: process.digest.to_string(),
        release: tried::release(tenant, process),
        released_before: tried::before(tenant, process),
        ways: process.triggers.iter().filter_map(|trigger| way(&trigger.kind)).map(|way| way.get(lang).to_owned()).collect(),
        next: process.next_times(desk.tenant.clock.now(), &desk.tenant.zone(), NEXT_TIMES).into_iter().map(|at| tenant.civil(at)).collect(),
        start: (may_start(tenant, who, process) && intake::has_form(process)).then(|| format!("/prozesse/{}/start", process.id)),
        public: public_form(process, tenant_name),
        picture: picture::of_process(process, &desk.tenant.tools, &line, lang),
        findings_more: findings.len().saturating_sub(ROWS),
        findings: findings.into_iter().take(ROWS).collect(),
        cases: tried.rows,
        cases_more: tried.more,
        played: tried.played,
    }
}

fn to_line(process: &Process, line: u32) -> String {
    let line = usize::try_from(line).unwrap_or(1);
    format!("/prozesse/{}/text?ab={}#z{line}", process.id, line.saturating_sub(ABOVE).max(1))
}

/// What was found when the process was loaded, in its own file and in those it reads.
fn findings(tenant: &TenantSite, process: &Process, lang: Lang) -> Vec<FindingRow> {
    let own = |file: &String| *file == process.file;
    let all = tenant.desk.tenant.catalogue.findings.iter().filter(|found| own(&found.file) || process.files.contains_key(&found.file));
    let row = |found: &laufzettel_domain::Finding| FindingRow {
        error: found.severity == Severity::Error,
        code: found.code.clone(),
        place: format!("{}:{}:{}", found.file, found.line, found.column),
        link: own(&found.file).then(|| to_line(process, found.line)),
        text: std::iter::once(&found.message).chain(&found.hint).map(|text| text.get(lang)).collect::<Vec<_>>().join(" "),
    };
    all.map(row).collect()
}

/// Where a list goes on: a number, counted from 0 or 1; what is none is the beginning.
fn from(query: &HashMap<String, String>) -> usize {
    query.get("ab").and_then(|ab| ab.parse().ok()).unwrap_or(0)
}

pub async fn flows(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let looked = match look(&site, &session, &id, &uri, &headers).await {
        Ok(looked) => looked,
        Err(answered) => return answered,
    };
    let Looked { tenant, asked, prepared, .. } = looked;
    let (desk, process) = (&tenant.desk.tenant, &prepared.process);
    let endpoints = desk.doors.endpoints();
    let setting = Setting { context: &prepared.context, zones: &desk.zones, endpoints: &endpoints, rules: Some(&desk.rules), members: &BTreeMap::new() };
    let (all, start) = (proof::flows(process, &setting), from(&query));
    let more = (start + ROWS < all.len()).then(|| format!("/prozesse/{}/fluesse?ab={}", process.id, start + ROWS));
    let flows = all.into_iter().skip(start).take(ROWS).map(flow).collect();
    asked.ok(&Page::ProzessFluesse(ProzessFluessePage { head: head(process, 1, asked.lang), flows, more }))
}

fn flow(flow: Flow) -> FlowRow {
    let Flow { sink, part, source, label, trust, via, cleared, gate } = flow;
    FlowRow { sink, cleared, part, source, label, trust, gate, via: cut(&via.join(" → "), CELL_CHARS) }
}

pub async fn tables(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let looked = match look(&site, &session, &id, &uri, &headers).await {
        Ok(looked) => looked,
        Err(answered) => return answered,
    };
    let (process, asked) = (&looked.prepared.process, &looked.asked);
    let mut by_file: BTreeMap<&str, (&Table, Vec<String>)> = BTreeMap::new();
    for step in process.order.iter().filter_map(|id| process.steps.get(id)) {
        if let StepKind::Rules(rules) = &step.kind {
            by_file.entry(&rules.table.file).or_insert_with(|| (&rules.table, Vec::new())).1.push(step.title.clone());
        }
    }
    let mut left = ROWS;
    let all: usize = by_file.values().map(|(table, _)| table.rows.len()).sum();
    let tables = by_file.into_values().map(|(table, steps)| table_view(table, steps, &mut left)).collect();
    let page = ProzessTabellenPage { head: head(process, 2, asked.lang), tables, rows_more: all.saturating_sub(ROWS) };
    asked.ok(&Page::ProzessTabellen(page))
}

fn table_view(table: &Table, steps: Vec<String>, left: &mut usize) -> TableView {
    let rows: Vec<RuleRow> = table.rows.iter().take(*left).map(|row| rule(table, row)).collect();
    *left -= rows.len();
    TableView { name: table.name.clone(), file: table.file.clone(), source: table.source.clone(), digest: table.digest.to_string(), steps, rows }
}

fn rule(table: &Table, row: &Row) -> RuleRow {
    let key = table.key.iter().zip(&row.key).map(|(name, value)| format!("{name}: {}", value.as_ref().map_or_else(|| "*".to_owned(), plain)));
    RuleRow {
        key: cut(&key.collect::<Vec<_>>().join(", "), CELL_CHARS),
        from: row.gueltig_ab,
        until: row.gueltig_bis,
        when: row.when.as_ref().map(|when| cut(&when.source, CELL_CHARS)),
        result: cut(&written(&row.result), CELL_CHARS),
    }
}

/// As the author wrote it, without the punctuation.
fn written(template: &Template) -> String {
    match template {
        Template::Const(value) => plain(value),
        Template::Expression(expression) => expression.source.clone(),
        Template::List(items) => items.iter().map(written).collect::<Vec<_>>().join(", "),
        Template::Map(map) => map.iter().map(|(name, inner)| format!("{name}: {}", written(inner))).collect::<Vec<_>>().join(", "),
    }
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub async fn text(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let looked = match look(&site, &session, &id, &uri, &headers).await {
        Ok(looked) => looked,
        Err(answered) => return answered,
    };
    let (process, asked) = (&looked.prepared.process, &looked.asked);
    if query.contains_key("datei") {
        return attachment(&format!("{id}.yaml"), "text/plain; charset=utf-8", process.text.clone().into_bytes());
    }
    asked.ok(&Page::ProzessText(text_page(process, from(&query).max(1), asked.lang)))
}

/// `first`: the line it begins with, counted from 1.
fn text_page(process: &Process, first: usize, lang: Lang) -> ProzessTextPage {
    let count = process.text.lines().count();
    let mut bytes = 0;
    let fits = |line: &SourceLine| {
        bytes += line.text.len();
        bytes <= TEXT_BYTES
    };
    let cut_line = |(n, text): (usize, &str)| SourceLine { n: n + 1, text: cut(text, LINE_CHARS) };
    let lines: Vec<SourceLine> = process.text.lines().enumerate().skip(first - 1).map(cut_line).take_while(fits).collect();
    let next = first + lines.len();
    let page = |ab: usize| format!("/prozesse/{}/text?ab={ab}", process.id);
    ProzessTextPage {
        head: head(process, 3, lang),
        file: process.file.clone(),
        count,
        whole: format!("/prozesse/{}/text?datei", process.id),
        before: (first > 1).then(|| page(1)),
        more: (next <= count && !lines.is_empty()).then(|| page(next)),
        lines,
    }
}
