//! Operation, for those who look after the house. Nothing of any case: whoever runs the machine reads no files.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use laufzettel_domain::Lang;
use laufzettel_policy::Action;
use laufzettel_store::Room;
use laufzettel_worker::operation::{COUNTED_MAX, ModelState, Operation, ServerFacts, ServerState, Used};

use crate::{
    audit::{anchored, sentences},
    pages::{
        Live, Page, Report,
        reports::{BetriebPage, Counted, DayRow, ModelRow, QuotaRow, ServerRow, Spent, TriggerRow},
    },
    reply::Asked,
    site::{Session, Site, TenantSite},
    view::cost_in_words,
};

/// Hundredths of a disk below which room is short.
const SHORT_PERCENT: u64 = 10;
/// Differences of a server that are named; the command names all.
const DRIFT_MAX: usize = 8;

pub async fn page(State(site): State<Arc<Site>>, Extension(session): Extension<Session>, uri: Uri, headers: HeaderMap) -> Response {
    let tenant = &site.tenants[&session.tenant];
    let asked = Asked::new(&uri, &headers, Some(tenant), Some(&session));
    if let Err(error) = tenant.desk.may_any(&session.caller, &[Action::Admin]).await {
        return asked.wish(&error);
    }
    let (Ok(found), Ok(chain)) = (tenant.desk.operation().await, tenant.desk.chain().await) else { return asked.unavailable() };
    let head = format!("{}/{}", chain.head.lane, chain.head.seq);
    let said = sentences(tenant, &session.caller, &found.troubles, asked.lang).await;
    let troubles = found.troubles.iter().map(|row| tenant.civil_micros(row.draft.at)).zip(said).collect();
    let page = BetriebPage { since: tenant.civil(site.began), head, anchored: anchored(&chain.checkpoint), troubles, ..view(tenant, found, asked.lang) };
    asked.ok(&Page::Report(Report::Betrieb(Box::new(page))))
}

fn view(tenant: &TenantSite, found: Operation, lang: Lang) -> BetriebPage {
    let count = |count: u64| if count > u64::from(COUNTED_MAX) { format!("> {COUNTED_MAX}") } else { count.to_string() };
    BetriebPage {
        now: tenant.civil(tenant.desk.tenant.clock.now()),
        live: Live { page: "/betrieb".to_owned(), follow: "/betrieb/ereignisse".to_owned(), seen: 0, counts: false },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: tenant.civil_micros(0),
        trouble: tenant.desk.tenant.store.trouble().map(|trouble| trouble.text().get(lang).to_owned()),
        head: String::new(),
        anchored: crate::pages::reports::Anchored::Never,
        short: found.room.is_some_and(is_short),
        room: found.room.map(|room| (gigabytes(room.free_bytes, lang), gigabytes(room.all_bytes, lang))),
        runs: found.runs.into_iter().map(|(state, n)| Counted { state, count: count(n) }).collect(),
        rests: found.rests.into_iter().map(|(state, n)| Counted { state, count: count(n) }).collect(),
        oldest: found.oldest.map(|(process, at)| (process, tenant.civil(at))),
        models: found.models.into_iter().map(|found| model(tenant, found, lang)).collect(),
        days: found.days.into_iter().map(|past| DayRow { day: past.day, name: past.name, zone: past.zone, used: spent(past.used, lang) }).collect(),
        servers: found.servers.into_iter().map(server).collect(),
        triggers: found
            .triggers
            .into_iter()
            .map(|trigger| TriggerRow {
                process: trigger.process,
                kind: trigger.kind,
                place: trigger.place,
                state: trigger.standing.0,
                since: trigger.standing.1.map(|at| tenant.civil(at)),
                dealt: trigger.dealt.map(|at| tenant.civil(at)),
                next: trigger.next.map(|at| tenant.civil(at)),
            })
            .collect(),
        quotas: found
            .quotas
            .into_iter()
            .map(|quota| QuotaRow { full: quota.used >= quota.allowed, what: quota.what, of: quota.of, used: quota.used, allowed: quota.allowed })
            .collect(),
        troubles: Vec::new(),
    }
}

fn model(tenant: &TenantSite, model: ModelState, lang: Lang) -> ModelRow {
    let load = model.load.map(|load| (load.busy, load.most, load.waiting));
    let now = tenant.desk.tenant.clock.now();
    let since = |seconds: i64| now.saturating_sub(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    let failing = model.load.and_then(|load| load.failing).map(|(why, seconds)| (why, tenant.civil(since(seconds))));
    ModelRow { name: model.name, zone: model.zone, load, failing, today: spent(model.today, lang) }
}

fn spent(used: Used, lang: Lang) -> Spent {
    let cost = (used.unpriced < used.calls || used.calls == 0).then(|| cost_in_words(used.cost_micro_eur, lang));
    Spent { calls: used.calls, tokens: used.tokens, cost, unpriced: used.unpriced }
}

fn server(facts: ServerFacts) -> ServerRow {
    let state = facts.state.word();
    let (mut drift, why) = match facts.state {
        ServerState::Connected { drift } => (drift, None),
        ServerState::Failed { why } => (Vec::new(), Some(why)),
        ServerState::Idle | ServerState::Gone | ServerState::Connecting => (Vec::new(), None),
    };
    drift.truncate(DRIFT_MAX);
    ServerRow { name: facts.name, state, why, pinned: facts.pinned, drift }
}

fn is_short(room: Room) -> bool {
    room.free_bytes.saturating_mul(100) < room.all_bytes.saturating_mul(SHORT_PERCENT)
}

/// `12,4 GB`
fn gigabytes(bytes: u64, lang: Lang) -> String {
    let tenths = bytes / 100_000_000;
    let point = if lang == Lang::De { ',' } else { '.' };
    format!("{}{point}{} GB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_in_words() {
        for (bytes, de, en) in [(0, "0,0 GB", "0.0 GB"), (12_400_000_000, "12,4 GB", "12.4 GB"), (99_999_999, "0,0 GB", "0.0 GB")] {
            assert_eq!((gigabytes(bytes, Lang::De), gigabytes(bytes, Lang::En)), (de.to_owned(), en.to_owned()));
        }
        for (free, all, short) in [(9, 100, true), (10, 100, false), (0, 0, false)] {
            assert_eq!(is_short(Room { free_bytes: free, all_bytes: all }), short, "{free} of {all}");
        }
    }
}
