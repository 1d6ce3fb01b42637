//! The journal for those who may read it: by pages, by record, and carried out as a file. Whoever reads is on record first.

mod entries;
mod export;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::civil::Date;
use laufzettel_domain::{Lang, RunId};
use laufzettel_policy::Action;
use laufzettel_store::{Place, RunFilter, Store, TrailPage, TrailRow};
use laufzettel_worker::{
    chain::{Chain, Checkpointed},
    trail::{self, Decided, TrailWish},
};
use serde_json::json;

use crate::{
    pages::{
        Link, Page, Report, escape,
        reports::{Anchored, ChainView, Checked, Choice, EintragPage, FilterView, ProtokollPage},
        words::word,
    },
    reply::Asked,
    site::{Session, Site, TenantSite},
};

pub use entries::sentences;
pub use export::{export, reason};

/// Records on a page: with their machine forms they stay below what a page may weigh.
const PAGE: u32 = 25;
/// Characters of a machine form in the list; on its own page a record stands whole.
const MACHINE_CHARS_MAX: usize = 1_200;
/// Characters of one field of the filter.
const FIELD_CHARS_MAX: usize = 200;
type Sent = HashMap<String, String>;

pub async fn list(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, Query(query): Query<Sent>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    page(tenant, &session, &asked, &query, None).await
}

/// `missing`: an export was asked for in this format, without a reason.
async fn page(tenant: &TenantSite, session: &Session, asked: &Asked, query: &Sent, missing: Option<&str>) -> Response {
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        return asked.wish(&error);
    }
    let (wish, filter) = match wish(tenant, query, asked.lang).await {
        Ok(read) => read,
        Err(_) => return asked.unavailable(),
    };
    let found = match filter.wrong.is_empty() {
        true => tenant.desk.trail(&session.caller, &wish, PAGE).await,
        // a page of everything would look like an answer
        false => Ok(TrailPage::default()),
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return asked.wish(&error),
    };
    let Ok(chain) = tenant.desk.chain().await else { return asked.unavailable() };
    let views = wish.run.filter(|_| wish.kind.is_none()).map(|run| format!("/protokoll?run={run}&kind=content.viewed"));
    let entries = entries::entries(tenant, &session.caller, &found.rows, asked.lang, MACHINE_CHARS_MAX).await;
    let page = ProtokollPage {
        chain: chain_view(tenant, chain, asked.lang),
        searching: found.next.is_some() && entries.len() < PAGE as usize,
        entries,
        examined: found.examined,
        reached: found.reached.map(|at| tenant.civil_micros(at)),
        more: found.next.map(|place| older(query, place)),
        filter,
        views,
        reason_missing: missing.is_some(),
        formats: first(missing, [("jsonl", "export_jsonl"), ("csv", "export_csv")], asked.lang),
        reports: reports(tenant, session, asked.lang).await,
    };
    let status = if page.problems() == 0 { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    asked.page(status, &Page::Report(Report::Protokoll(Box::new(page))))
}

/// Ways to the other reports.
async fn reports(tenant: &TenantSite, session: &Session, lang: Lang) -> Vec<Link> {
    let erases = tenant.desk.holds(&session.caller, &Action::ContentErase).await;
    let all = [("auskunft", "subject_heading", true), ("verzeichnis", "register_heading", true), ("loeschen", "erase_heading", erases)];
    let may = all.into_iter().filter(|(.., may)| *may);
    may.map(|(path, key, _)| Link { href: format!("/protokoll/{path}"), text: word(key, lang).to_owned() }).collect()
}

/// What was typed, as a wish; what cannot be used is named, and nothing is looked for by it.
async fn wish(tenant: &TenantSite, query: &Sent, lang: Lang) -> Result<(TrailWish, FilterView), laufzettel_store::Error> {
    let text = |name: &str| query.get(name).map(|text| text.trim().chars().take(FIELD_CHARS_MAX).collect::<String>()).unwrap_or_default();
    let given = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let mut wrong = Vec::new();
    let run = match given("run") {
        None => None,
        Some(written) => {
            let found = run_of(&tenant.desk.tenant.store, &written).await?;
            wrong.extend(found.is_none().then_some("run"));
            found
        }
    };
    let [from, until] = ["from", "until"].map(|name| {
        let day = given(name).map(|written| parse_day(&written));
        wrong.extend((day == Some(None)).then_some(name));
        day.flatten()
    });
    let reversed = from.zip(until).is_some_and(|(from, until)| until < from);
    wrong.extend(reversed.then_some("until"));
    let zone = tenant.desk.tenant.zone();
    let decided = match text("decision").as_str() {
        "denied" => Some(Decided::Denied),
        "allowed" => Some(Decided::Allowed),
        _ => None,
    };
    let wish = TrailWish {
        run,
        person: given("person"),
        tool: given("tool"),
        document: given("document"),
        kind: given("kind"),
        decided,
        from: from.and_then(|day| trail::begin(day, &zone)),
        until: until.and_then(|day| trail::end(day, &zone)),
        before: query.get("vor").and_then(|place| parse_place(place)),
    };
    let active = ["run", "person", "tool", "document", "kind", "from", "until", "decision"].iter().any(|name| given(name).is_some());
    let decisions = [("", "audit_every_decision"), ("denied", "audit_only_denied"), ("allowed", "audit_only_allowed")];
    let filter = FilterView {
        run: text("run"),
        person: text("person"),
        tool: text("tool"),
        document: text("document"),
        kind: text("kind"),
        from: text("from"),
        until: text("until"),
        decisions: first(given("decision").as_deref(), decisions, lang),
        wrong,
        reversed,
        active,
    };
    Ok((wish, filter))
}

pub async fn run_of(store: &Store, written: &str) -> Result<Option<RunId>, laufzettel_store::Error> {
    if let Some(run) = RunId::parse(written) {
        return Ok(Some(run));
    }
    let filter = RunFilter { nummer: Some(written.to_owned()), limit: 1, ..RunFilter::default() };
    Ok(store.runs(&filter, &|_| true).await?.rows.first().map(|row| row.run))
}

fn parse_day(written: &str) -> Option<Date> {
    written.parse().ok().or_else(|| Date::strptime("%d.%m.%Y", written).ok())
}

/// `3-1204`
fn parse_place(written: &str) -> Option<Place> {
    let (lane, seq) = written.split_once('-')?;
    Some((lane.parse().ok()?, seq.parse().ok()?))
}

/// The same question, from a place on.
fn older(query: &Sent, (lane, seq): Place) -> String {
    let mut pairs: Vec<(&String, &String)> = query.iter().filter(|(name, text)| !["vor", "lang"].contains(&name.as_str()) && !text.is_empty()).collect();
    pairs.sort();
    let kept: String = pairs.into_iter().map(|(name, text)| format!("{}={}&", escape(name), escape(text))).collect();
    format!("/protokoll?{kept}vor={lane}-{seq}")
}

/// Words to choose from; what was chosen stands first, as nothing is marked as chosen beforehand.
fn first<const N: usize>(chosen: Option<&str>, mut words: [(&str, &str); N], lang: Lang) -> Vec<Choice> {
    words.sort_by_key(|(value, _)| Some(*value) != chosen);
    words.map(|(value, key)| Choice { value: value.to_owned(), text: word(key, lang).to_owned() }).into()
}

fn chain_view(tenant: &TenantSite, chain: Chain, lang: Lang) -> ChainView {
    let checked = chain.verified.map(|(at, body)| Checked {
        at: tenant.civil(at),
        text: laufzettel_engine::sentence(trail::VERIFIED, &body).get(lang).to_owned(),
        intact: body["verdict"] != "broken",
    });
    let anchored = anchored(&chain.checkpoint);
    let checkpoint = match chain.checkpoint {
        Checkpointed::Known { number, lane, seq, .. } => Some((number, format!("{lane}/{seq}"))),
        _ => None,
    };
    ChainView { head: format!("{}/{}", chain.head.lane, chain.head.seq), checked, anchored, checkpoint }
}

pub fn anchored(checkpoint: &Checkpointed) -> Anchored {
    match checkpoint {
        Checkpointed::NoWitness => Anchored::NoWitness,
        Checkpointed::Never => Anchored::Never,
        Checkpointed::Unreadable => Anchored::Unreadable,
        Checkpointed::Known { witnessed: true, .. } => Anchored::Witnessed,
        Checkpointed::Known { .. } => Anchored::Behind,
    }
}

pub async fn record(
    State(site): State<Arc<Site>>,
    Extension(session): Extension<Session>,
    Path(place): Path<(u64, u64)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::AuditRead]).await {
        return asked.wish(&error);
    }
    let record = match tenant.desk.record_at(place).await {
        Ok(Some(record)) => record,
        Ok(None) => return asked.missing(),
        Err(_) => return asked.unavailable(),
    };
    let body = json!({ "run": record.draft.run.map(|run| run.to_string()), "record": format!("{}/{}", record.lane, record.seq) });
    if let Err(error) = tenant.desk.record("audit.viewed", &session.caller, body).await {
        return asked.unwritten(&error);
    }
    let kept = record.draft.content.is_some();
    let (hash, run_seq) = (laufzettel_domain::digest::to_hex(&record.hash), record.draft.run_seq);
    let row = TrailRow { lane: record.lane, seq: record.seq, draft: record.draft, kept };
    let Some(mut entry) = entries::entries(tenant, &session.caller, std::slice::from_ref(&row), asked.lang, usize::MAX).await.pop() else {
        return asked.missing();
    };
    if let Some(pretty) = row.draft.body().and_then(|body| serde_json::to_string_pretty(&body).ok()) {
        entry.machine = pretty;
    }
    let at = |seq: u64| format!("/protokoll/eintrag/{}/{seq}", row.lane);
    let head = tenant.desk.tenant.store.head();
    let page = EintragPage {
        entry,
        hash,
        run_seq,
        earlier: (row.seq > 1).then(|| at(row.seq - 1)),
        later: ((row.lane, row.seq) < (head.lane, head.seq)).then(|| at(row.seq + 1)),
    };
    asked.ok(&Page::Report(Report::Eintrag(page)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_places_as_people_write_them() {
        let day = jiff::civil::date(2026, 5, 3);
        for (written, expected) in [("03.05.2026", Some(day)), ("3.5.2026", Some(day)), ("2026-05-03", Some(day)), ("31.2.2026", None), ("gestern", None)] {
            assert_eq!(parse_day(written), expected, "{written}");
        }
        for (written, expected) in [("3-1204", Some((3, 1204))), ("3", None), ("a-1", None), ("3--1", None)] {
            assert_eq!(parse_place(written), expected, "{written}");
        }
    }

    #[test]
    fn the_next_page_asks_the_same() {
        let query =
            Sent::from([("person", "Müller & Söhne"), ("kind", ""), ("vor", "1-2"), ("lang", "en")].map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(older(&query, (3, 7)), "/protokoll?person=M%C3%BCller%20%26%20S%C3%B6hne&vor=3-7");
    }
}
