//! The inbox: the tasks of somebody's own units, most urgent first, by process, unit and holder, a page at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, Uri},
    response::Response,
};
use laufzettel_domain::{Caller, Lang};
use laufzettel_store::{RunFilter, TaskPlace, TaskRow as Row};
use laufzettel_worker::{Held, Named, Wanted, WishError};

use crate::{
    api::page,
    pages::{
        self, AufgabenPage, Link, Live, Page, TaskRow,
        sieve::{Facet, Pick, Sieve},
        tasks::Next,
        words::{own_title, word},
    },
    reply::Asked,
    site::{Session, Site, TenantSite},
};

/// Tasks on one page: two screens, and far below the size of a page.
pub const PAGE: usize = 50;
/// Choices of one filter at most: whoever has more processes searches by number.
const CHOICES_MAX: usize = 30;

/// What the start page says of the inbox: how many tasks are to be done now, and how many of them are overdue. It counts as far as one look
/// into the store goes.
pub async fn count(tenant: &TenantSite, by: &Caller) -> (usize, usize) {
    let wanted = Wanted { limit: usize::MAX, ..Wanted::default() };
    let (rows, _) = tenant.desk.inbox(by, &wanted, None).await.unwrap_or_default();
    let now = laufzettel_worker::micros(tenant.desk.tenant.clock.now());
    let rows: Vec<_> = rows.into_iter().filter(|row| !is_aside(row, by, now)).collect();
    (rows.len(), rows.iter().filter(|r| r.due.is_some_and(|due| due < now)).count())
}

/// What just came of a task, as the address says it, with its wording.
const NOTICES: [(&str, &str); 3] = [("weitergegeben", "task_handed"), ("vorgelegt", "task_put_aside"), ("vorgenommen", "task_taken_up")];

/// In whose hands, as the address says it, with its wording.
const HOLDERS: [(&str, &str); 4] = [("frei", "held_free"), ("ich", "held_mine"), ("andere", "held_others"), ("vertretung", "held_deputy")];

/// What is asked for, as it stands in the address.
#[derive(Clone, Default)]
struct Filter {
    held: Option<String>,
    process: Option<String>,
    unit: Option<String>,
    number: String,
}

impl Filter {
    fn of(query: &HashMap<String, String>) -> Self {
        let text = |name: &str| query.get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            held: text("bei").filter(|held| HOLDERS.iter().any(|(word, _)| word == held)),
            process: text("prozess"),
            unit: text("einheit"),
            number: text("nummer").unwrap_or_default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.held.is_none() && self.process.is_none() && self.unit.is_none()
    }

    fn link(&self, after: Option<&str>) -> String {
        let named = [("bei", self.held.as_deref()), ("prozess", self.process.as_deref()), ("einheit", self.unit.as_deref()), ("nach", after)];
        let pairs: Vec<String> = named.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", pages::escape(value?)))).collect();
        if pairs.is_empty() { "/aufgaben".to_owned() } else { format!("/aufgaben?{}", pairs.join("&")) }
    }

    fn wanted(&self, reader: &Reader<'_>) -> Wanted {
        let mine = || reader.by.subject.clone();
        let held = match self.held.as_deref() {
            Some("frei") => Held::Nobody,
            Some("ich") => Held::By(mine()),
            Some("andere") => Held::NotBy(mine()),
            Some("vertretung") => Held::For(reader.names()),
            _ => Held::Anybody,
        };
        let of_unit = |unit: &String| reader.units.iter().filter(|(_, of)| *of == unit).map(|(process, _)| process.clone()).collect();
        Wanted { process: self.process.clone(), patterns: self.unit.as_ref().map(of_unit), held, limit: PAGE, ..Wanted::default() }
    }
}

/// Who reads, and what puts her rows into words.
struct Reader<'r> {
    tenant: &'r TenantSite,
    by: &'r Caller,
    /// Whom she stands in for now.
    people: Vec<Named>,
    /// By process: the unit that answers for it.
    units: BTreeMap<String, String>,
    lang: Lang,
}

impl<'r> Reader<'r> {
    async fn new(tenant: &'r TenantSite, by: &'r Caller, lang: Lang) -> Result<Self, WishError> {
        let processes = &tenant.desk.tenant.catalogue.processes;
        let units = processes.iter().map(|(id, process)| (id.to_string(), process.verantwortlich.clone())).collect();
        Ok(Self { tenant, by, people: tenant.desk.stands_in_for(by).await?, units, lang })
    }

    fn names(&self) -> BTreeSet<String> {
        self.people.iter().flat_map(|person| [&person.subject, &person.user, &person.upn]).filter(|name| !name.is_empty()).cloned().collect()
    }

    fn process(&self, id: &str) -> String {
        self.tenant.desk.tenant.catalogue.processes.get(id).map_or_else(|| id.to_owned(), |process| process.title.clone())
    }

    /// Whose task it is, if that one is away and she stands in.
    fn stands_for(&self, row: &Row) -> Option<&str> {
        let holder = row.claimed.as_ref().map(|claimed| &claimed.subject).or(row.user.as_ref())?;
        let person = self.people.iter().find(|person| [&person.subject, &person.user, &person.upn].contains(&holder))?;
        Some(&person.name)
    }

    fn row(&self, row: &Row) -> TaskRow {
        let mine = row.claimed.as_ref().is_some_and(|claimed| claimed.subject == self.by.subject);
        TaskRow {
            mark: mark(&row.kind),
            link: format!("/aufgaben/{}", row.task),
            process: self.process(&row.process),
            title: own_title(&row.kind, self.lang).map_or_else(|| row.title.clone(), str::to_owned),
            number: row.nummer.clone(),
            due: row.due.map(|at| self.tenant.civil_micros(at)),
            overdue: false,
            mine,
            stands_for: self.stands_for(row).map(str::to_owned),
            holder: row.claimed.as_ref().filter(|_| !mine).map(|claimed| claimed.name.clone()),
            again: again(row, self.by).map(|at| self.tenant.civil_micros(at).date()),
        }
    }

    /// The ways to ask for fewer tasks, with how many each would show of those that were looked at.
    fn facets(&self, rows: &[Row], filter: &Filter) -> Vec<Facet> {
        let mut facets = vec![self.holders(rows, filter)];
        let mut processes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut units: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows {
            *processes.entry(&row.process).or_default() += 1;
            if let Some(unit) = self.units.get(&row.process) {
                *units.entry(unit).or_default() += 1;
            }
        }
        let all =
            |name: &str, counts: BTreeMap<&str, usize>, chosen: &Option<String>, title: &dyn Fn(&str) -> String, with: &dyn Fn(Option<String>) -> Filter| {
                let none = Pick { text: word("all", self.lang).to_owned(), link: with(None).link(None), count: None, chosen: chosen.is_none() };
                let some = counts.into_iter().take(CHOICES_MAX).map(|(id, count)| Pick {
                    text: title(id),
                    link: with(Some(id.to_owned())).link(None),
                    count: Some(count),
                    chosen: chosen.as_deref() == Some(id),
                });
                Facet { name: word(name, self.lang).to_owned(), picks: std::iter::once(none).chain(some).collect() }
            };
        let of_process = |process| Filter { process, ..filter.clone() };
        let of_unit = |unit| Filter { unit, ..filter.clone() };
        if processes.len() > 1 || filter.process.is_some() {
            facets.push(all("process", processes, &filter.process, &|id| self.process(id), &of_process));
        }
        if units.len() > 1 || filter.unit.is_some() {
            facets.push(all("unit", units, &filter.unit, &str::to_owned, &of_unit));
        }
        facets
    }

    fn holders(&self, rows: &[Row], filter: &Filter) -> Facet {
        let deputy = |word: &str| word == "vertretung";
        let with = |held: Option<&str>| Filter { held: held.map(str::to_owned), ..filter.clone() }.link(None);
        let all = Pick { text: word("all", self.lang).to_owned(), link: with(None), count: Some(rows.len()), chosen: filter.held.is_none() };
        let known = HOLDERS.into_iter().filter(|(held, _)| !deputy(held) || !self.people.is_empty());
        let some = known.map(|(held, key)| {
            let wanted = Filter { held: Some(held.to_owned()), ..Filter::default() }.wanted(self);
            Pick {
                text: word(key, self.lang).to_owned(),
                link: with(Some(held)),
                count: Some(rows.iter().filter(|row| wanted.held.fits(row)).count()),
                chosen: filter.held.as_deref() == Some(held),
            }
        });
        Facet { name: word("holder", self.lang).to_owned(), picks: std::iter::once(all).chain(some).collect() }
    }
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
    let found = match Reader::new(tenant, &session.caller, asked.lang).await {
        Ok(reader) => read(&reader, &query).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(page) => asked.ok(&Page::Aufgaben(page)),
        Err(error) => asked.wish(&error),
    }
}

async fn read(reader: &Reader<'_>, query: &HashMap<String, String>) -> Result<AufgabenPage, WishError> {
    let (desk, filter) = (&reader.tenant.desk, Filter::of(query));
    let now = reader.tenant.civil(desk.tenant.clock.now());
    let everything = Wanted { limit: usize::MAX, ..Wanted::default() };
    let (all, beyond) = desk.inbox(reader.by, &everything, None).await?;
    // a place nobody knows is the beginning
    let after = query.get("nach").and_then(|place| page::place(Some(place)).ok().flatten());
    // what is new stands on the first page, or is not urgent
    let live = (filter.is_empty() && filter.number.is_empty() && after.is_none()).then(|| Live {
        page: "/aufgaben".to_owned(),
        follow: "/aufgaben/ereignisse".to_owned(),
        seen: 0,
        counts: true,
    });
    let (rows, next) = if !filter.number.is_empty() {
        (desk.inbox_of_number(reader.by, &filter.number).await?, None)
    } else if filter.is_empty() && after.is_none() {
        first(&all, beyond.clone())
    } else {
        desk.inbox(reader.by, &filter.wanted(reader), after).await?
    };
    let halted = if live.is_some() { desk.halted(reader.by).await? } else { Vec::new() };
    // one that she put aside has its place below
    let is_above = |row: &Row| halted.iter().any(|above| above.task == row.task) && again(row, reader.by).is_none();
    let tasks = rows.iter().filter(|row| !is_above(row)).map(|row| reader.row(row)).collect();
    Ok(AufgabenPage {
        halted: halted.iter().filter(|row| is_above(row)).map(|row| reader.row(row)).collect(),
        gone_wrong: if live.is_some() { gone_wrong(reader).await? } else { Vec::new() },
        live,
        more: next.map(|place| filter.link(Some(&page::cursor(&place)))),
        sieve: Sieve { list: "/aufgaben", facets: reader.facets(&all, &filter), number: filter.number.clone() },
        // what lies beyond one look is not counted
        counted: beyond.is_some().then_some(all.len()),
        notice: NOTICES.into_iter().find(|(key, _)| query.contains_key(*key)).map(|(_, notice)| notice),
        next: query.contains_key("erledigt").then(|| most_urgent(reader, &all)),
        ..AufgabenPage::new(tasks, now)
    })
}

/// Days for which the inbox speaks of a case that went wrong: nobody is asked about it, and somebody must hear of it.
const GONE_WRONG_DAYS: i64 = 30;
/// Of all of them the newest that are looked at: where more than these are of other offices, something else is wrong.
const GONE_WRONG_MAX: u32 = 50;

/// Ways to the cases she may see that ended without doing what they were for.
async fn gone_wrong(reader: &Reader<'_>) -> Result<Vec<Link>, WishError> {
    let desk = &reader.tenant.desk;
    let since = laufzettel_worker::micros(desk.tenant.clock.now()) - GONE_WRONG_DAYS * 24 * 3600 * 1_000_000;
    let mut links = Vec::new();
    for state in ["failed", "stuck"] {
        // by their state, which few have: her own are among them, if there are any
        let newest = RunFilter { limit: GONE_WRONG_MAX, state: Some(state.to_owned()), ..RunFilter::default() };
        for row in desk.tenant.store.runs(&newest, &|row| row.ended_at.is_some_and(|at| at >= since)).await?.rows {
            if desk.sees(reader.by, &row).await? {
                links.push(Link { href: format!("/vorgaenge?stand={state}"), text: word(&format!("run_{state}"), reader.lang).to_owned() });
                break;
            }
        }
    }
    Ok(links)
}

/// When she wants to see a task of hers again.
fn again(row: &Row, by: &Caller) -> Option<i64> {
    row.claimed.as_ref().filter(|claimed| claimed.subject == by.subject)?.again
}

/// Whether a task waits for a later day of hers. One that is overdue does not wait.
fn is_aside(row: &Row, by: &Caller, now: i64) -> bool {
    again(row, by).is_some_and(|again| again > now) && row.due.is_none_or(|due| due >= now)
}

/// A task the engine asks by itself.
fn mark(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "takeover" => "mark_takeover",
        "doubt" => "mark_doubt",
        "repair" => "mark_repair",
        "approval" => "mark_approval",
        "ask" => "mark_ask",
        "restored" => "mark_restored",
        _ => return None,
    })
}

/// The first page of what was looked at anyway.
fn first(all: &[Row], beyond: Option<TaskPlace>) -> (Vec<Row>, Option<TaskPlace>) {
    let rows: Vec<Row> = all.iter().take(PAGE).cloned().collect();
    let next = if all.len() > PAGE { rows.last().map(Row::place) } else { beyond };
    (rows, next)
}

/// What to do next: hers, or nobody's.
fn most_urgent(reader: &Reader<'_>, all: &[Row]) -> Next {
    let now = laufzettel_worker::micros(reader.tenant.desk.tenant.clock.now());
    let hers = |row: &&Row| row.claimed.as_ref().is_none_or(|claimed| claimed.subject == reader.by.subject) && !is_aside(row, reader.by, now);
    Next { task: all.iter().find(hers).map(|row| reader.row(row)) }
}
