//! `audit ledger`: what models and tools were given and what they used up, from the journal's own records, read once through.
//! A number nobody told is counted as unknown, never as nothing.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use laufzettel_domain::{Lang, RunId};
use laufzettel_journal::Record;
use laufzettel_policy::Action;
use laufzettel_worker::trail::csv;
use serde_json::{Value, json};

use super::{Done, Failed, audit::page, entitled};
use crate::{
    house::House,
    out::{Out, code},
    wish::{LedgerWish, Period},
};

/// Lines of a ledger: a tenant with a hundred processes, a hundred targets and a year of days stays far below.
const LINES_MAX: usize = 1_000_000;
/// Runs whose process is kept in mind; beyond, it is looked up again.
const RUNS_MAX: usize = 50_000;
/// The own house by the shipped table of zones.
const OWN_HOUSE: &str = "gruen";

/// What a line speaks of, in the order of its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    period: String,
    process: String,
    /// `modell`, `werkzeug`
    kind: &'static str,
    target: String,
    zone: String,
    recipient: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sums {
    calls: u64,
    failed: u64,
    prompt: u64,
    answer: u64,
    /// Calls whose tokens nobody counted.
    tokens_unknown: u64,
    cost_micro_eur: u64,
    cost_unknown: u64,
    sent: u64,
    sent_unknown: u64,
    received: u64,
}

pub async fn ledger(house: &House, wish: &LedgerWish, out: &Out) -> Done {
    entitled(house, &[Action::AuditRead], out).await?;
    let format = match (wish.format.as_deref(), out.json) {
        (Some(format @ ("csv" | "jsonl")), _) => format,
        (None, true) => "jsonl",
        (None, false) => "text",
        _ => return Err(Failed::new(code::USAGE, "Möglich sind: csv, jsonl.")),
    };
    let lines = read(house, wish, out.lang).await?;
    if format == "csv" {
        out.data(COLUMNS.join(";")).await;
    }
    for (key, sums) in &lines {
        match format {
            "csv" => out.data(cells(key, sums).map(|cell| csv(&cell)).join(";")).await,
            "jsonl" => out.value(&object(key, sums)).await,
            _ => out.data(sentence(key, sums)).await,
        }
    }
    let summary = summary(&lines);
    match format {
        "jsonl" => out.value(&json!({ "summary": summary.0 })).await,
        "csv" => out.note(summary.1).await,
        _ => out.data(summary.1).await,
    }
    Ok(code::DONE)
}

async fn read(house: &House, wish: &LedgerWish, lang: Lang) -> Result<BTreeMap<Key, Sums>, Failed> {
    let zone = house.desk.tenant.zone();
    let mut processes: BTreeMap<RunId, String> = BTreeMap::new();
    let mut lines: BTreeMap<Key, Sums> = BTreeMap::new();
    let mut after = (0, 0);
    loop {
        let records = page(&house.desk.tenant.store, &mut after, lang).await?;
        if records.is_empty() {
            return Ok(lines);
        }
        for record in records {
            let Some((body, period)) = in_question(&record, wish, &zone) else { continue };
            // a trigger asks before there is a run, and says for which process
            let process = match record.draft.run {
                None => body["process"].as_str().unwrap_or_default().to_owned(),
                Some(run) => process_of(house, run, &mut processes).await?,
            };
            let process = process.as_str();
            for (key, sums) in unanswered(&body, &period, process).into_iter().chain(call(&record.draft.kind, &body, period, process)) {
                if lines.len() >= LINES_MAX && !lines.contains_key(&key) {
                    return Err(Failed::new(code::USAGE, "Das ergibt zu viele Zeilen; bitte mit --from und --to eingrenzen."));
                }
                lines.entry(key).or_default().add(&sums);
            }
        }
    }
}

/// By run, as far as they were asked for already.
async fn process_of(house: &House, run: RunId, known: &mut BTreeMap<RunId, String>) -> Result<String, Failed> {
    if let Some(process) = known.get(&run) {
        return Ok(process.clone());
    }
    if known.len() >= RUNS_MAX {
        known.clear();
    }
    let process = house.desk.tenant.store.run(run).await?.map_or_else(String::new, |row| row.process);
    known.insert(run, process.clone());
    Ok(process)
}

/// The body and the period of a record that tells what became of a call in the days asked for.
fn in_question(record: &Record, wish: &LedgerWish, zone: &TimeZone) -> Option<(Value, String)> {
    if !["effect.settled", "effect.failed", "effect.unanswered", "effect.deferred", "trigger.polled"].contains(&record.draft.kind.as_str()) {
        return None;
    }
    let day = Timestamp::from_microsecond(record.draft.at).ok()?.to_zoned(zone.clone()).date();
    if wish.from.is_some_and(|from| day < from) || wish.to.is_some_and(|to| day > to) {
        return None;
    }
    let period = match wish.by {
        None => String::new(),
        Some(Period::Day) => day.to_string(),
        Some(Period::Month) => format!("{:04}-{:02}", day.year(), day.month()),
    };
    Some((record.draft.body()?, period))
}

/// Models that were handed a request and answered that they cannot now: what became of it there nobody knows.
fn unanswered(body: &Value, period: &str, process: &str) -> Vec<(Key, Sums)> {
    let handed = body.get("sent").or_else(|| body.pointer("/meta/tried")).and_then(Value::as_array);
    let line = |handed: &Value| {
        let text = |name: &str| handed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (target, zone) = (text("model"), text("zone"));
        let key = Key { period: period.to_owned(), process: process.to_owned(), kind: "modell", target, zone, recipient: String::new() };
        let sent = handed.get("bytes").and_then(Value::as_u64);
        let unknown = Sums { calls: 1, failed: 1, tokens_unknown: 1, cost_unknown: 1, ..Sums::default() };
        (key, Sums { sent: sent.unwrap_or_default(), sent_unknown: u64::from(sent.is_none()), ..unknown })
    };
    handed.into_iter().flatten().map(line).collect()
}

/// One call with what it used up; `None` for a record no door was passed for, as of a request too large for every model.
fn call(kind: &str, body: &Value, period: String, process: &str) -> Option<(Key, Sums)> {
    let meta = body.get("meta")?;
    let text = |name: &str| meta.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| meta.get(name).and_then(Value::as_u64);
    let target = text("target")?;
    let is_model = target.starts_with("model:");
    let tokens = meta.get("tokens").and_then(Value::as_array).and_then(|t| Some((t.first()?.as_u64()?, t.get(1)?.as_u64()?)));
    let did_not_happen = body.get("disposition").and_then(Value::as_str) == Some("did_not_happen");
    if is_model && did_not_happen && text("zone").is_none() {
        return None;
    }
    let key = Key {
        period,
        process: process.to_owned(),
        kind: if is_model { "modell" } else { "werkzeug" },
        target: if is_model { text("model").unwrap_or(target) } else { target },
        zone: text("zone").unwrap_or_default(),
        recipient: text("recipient").unwrap_or_default(),
    };
    // a call that surely did not happen used nothing up, and that is known; what was sent was sent all the same
    let unknown = |known: bool| u64::from(!known && !did_not_happen);
    let (prompt, answer) = tokens.unwrap_or_default();
    let sums = Sums {
        calls: 1,
        // a server that says no has answered
        failed: u64::from(!["effect.settled", "trigger.polled"].contains(&kind) && body.get("asked").is_none()),
        prompt,
        answer,
        tokens_unknown: if is_model { unknown(tokens.is_some()) } else { 0 },
        cost_micro_eur: number("cost_micro_eur").unwrap_or_default(),
        cost_unknown: if is_model { unknown(number("cost_micro_eur").is_some()) } else { 0 },
        sent: number("sent").unwrap_or_default(),
        sent_unknown: unknown(number("sent").is_some()),
        received: number("bytes").unwrap_or_default(),
    };
    Some((key, sums))
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.prompt += other.prompt;
        self.answer += other.answer;
        self.tokens_unknown += other.tokens_unknown;
        self.cost_micro_eur += other.cost_micro_eur;
        self.cost_unknown += other.cost_unknown;
        self.sent += other.sent;
        self.sent_unknown += other.sent_unknown;
        self.received += other.received;
    }
}

const COLUMNS: [&str; 16] = [
    "zeitraum",
    "prozess",
    "art",
    "ziel",
    "zone",
    "empfaenger",
    "aufrufe",
    "misslungen",
    "token_anfrage",
    "token_antwort",
    "token_unbekannt",
    "kosten_eur",
    "kosten_unbekannt",
    "byte_hinaus",
    "byte_hinaus_unbekannt",
    "byte_zurueck",
];

/// Millionths of a euro as euros.
fn euros(micro: u64) -> String {
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

fn cells(key: &Key, sums: &Sums) -> [String; 16] {
    [
        key.period.clone(),
        key.process.clone(),
        key.kind.to_owned(),
        key.target.clone(),
        key.zone.clone(),
        key.recipient.clone(),
        sums.calls.to_string(),
        sums.failed.to_string(),
        sums.prompt.to_string(),
        sums.answer.to_string(),
        sums.tokens_unknown.to_string(),
        euros(sums.cost_micro_eur),
        sums.cost_unknown.to_string(),
        sums.sent.to_string(),
        sums.sent_unknown.to_string(),
        sums.received.to_string(),
    ]
}

/// The same as an object: texts as texts, numbers as numbers; the euros stay exact as text.
fn object(key: &Key, sums: &Sums) -> Value {
    let cells = COLUMNS.iter().zip(cells(key, sums));
    let value = |name: &str, cell: String| match cell.parse::<u64>() {
        Ok(number) if !["zeitraum", "prozess", "ziel"].contains(&name) => json!(number),
        _ => json!(cell),
    };
    Value::Object(cells.map(|(name, cell)| ((*name).to_owned(), value(name, cell))).collect())
}

fn sentence(key: &Key, sums: &Sums) -> String {
    let unknown = |n: u64, what: &str| if n == 0 { String::new() } else { format!(", {what} von {n} Aufrufen unbekannt") };
    let place = if key.zone.is_empty() { String::new() } else { format!(" (Zone {})", key.zone) };
    let to = if key.recipient.is_empty() { String::new() } else { format!(" an {}", key.recipient) };
    let period = if key.period.is_empty() { String::new() } else { format!("{}  ", key.period) };
    let tokens = if key.kind == "modell" {
        let (tokens, cost) = (unknown(sums.tokens_unknown, "Token"), unknown(sums.cost_unknown, "Kosten"));
        format!(", {} + {} Token{tokens}, {} EUR{cost}", sums.prompt, sums.answer, euros(sums.cost_micro_eur))
    } else {
        String::new()
    };
    let sent = unknown(sums.sent_unknown, "Byte hinaus");
    format!(
        "{period}{}  {}{place}{to}: {} Aufrufe, davon {} misslungen{tokens}, {} Byte hinaus{sent}",
        key.process, key.target, sums.calls, sums.failed, sums.sent
    )
}

/// What left the house: calls of models in other zones than its own, and what was sent to whom. A call of unknown zone counts as outside.
fn summary(lines: &BTreeMap<Key, Sums>) -> (Value, String) {
    let mut outside = Sums::default();
    let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, sums) in lines {
        if key.kind == "modell" && key.zone != OWN_HOUSE {
            outside.add(sums);
        }
        if !key.recipient.is_empty() {
            *sent.entry(key.recipient.as_str()).or_default() += sums.calls;
        }
    }
    let classes: Vec<String> = sent.iter().map(|(class, calls)| format!("{class} {calls}")).collect();
    let classes = if classes.is_empty() { "keine".to_owned() } else { classes.join(", ") };
    let value = json!({ "outside_calls": outside.calls, "outside_bytes": outside.sent, "outside_bytes_unknown": outside.sent_unknown, "sent": sent });
    (value, format!("Modellaufrufe außerhalb des Hauses: {} ({} Byte). Sendungen nach Empfänger: {classes}.", outside.calls, outside.sent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_counted_is_unknown() {
        let told = |meta: Value, more: Value| {
            let mut body = json!({ "meta": meta });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            call(if more.get("disposition").is_some() { "effect.failed" } else { "effect.settled" }, &body, String::new(), "p")
                .map(|(key, sums)| (key.target, key.zone, sums))
        };
        let model = json!({ "target": "model:m", "model": "glm", "zone": "gruen", "tokens": [200, 10], "cost_micro_eur": 220, "sent": 900, "bytes": 50 });
        let full = Sums { calls: 1, prompt: 200, answer: 10, cost_micro_eur: 220, sent: 900, received: 50, ..Sums::default() };
        assert_eq!(told(model, json!({})), Some(("glm".into(), "gruen".into(), full)));
        let silent = json!({ "target": "model:m", "model": "glm", "zone": "gruen", "sent": 900, "bytes": 50 });
        let unknown = Sums { calls: 1, tokens_unknown: 1, cost_unknown: 1, sent: 900, received: 50, ..Sums::default() };
        assert_eq!(told(silent, json!({})), Some(("glm".into(), "gruen".into(), unknown)));
        let lost = Sums { calls: 1, failed: 1, sent_unknown: 1, ..Sums::default() };
        assert_eq!(told(json!({ "target": "mail/senden" }), json!({ "disposition": "unknown" })), Some(("mail/senden".into(), String::new(), lost)));
        let never = Sums { calls: 1, failed: 1, ..Sums::default() };
        assert_eq!(told(json!({ "target": "dms/suchen" }), json!({ "disposition": "did_not_happen" })), Some(("dms/suchen".into(), String::new(), never)));
        assert_eq!(told(json!({}), json!({ "disposition": "did_not_happen" })), None);
        let no = json!({ "target": "model:m", "model": "glm", "zone": "gelb", "sent": 900 });
        let refused = Sums { calls: 1, failed: 1, sent: 900, ..Sums::default() };
        assert_eq!(told(no, json!({ "disposition": "did_not_happen" })), Some(("glm".into(), "gelb".into(), refused)));
        let too_large = json!({ "target": "model:m" });
        assert_eq!(told(too_large, json!({ "disposition": "did_not_happen" })), None, "no model was handed it");
    }

    #[test]
    fn a_model_that_cannot_now_has_read_it() {
        let handed = json!([{ "model": "glm", "zone": "gelb", "bytes": 900 }]);
        let sums = Sums { calls: 1, failed: 1, tokens_unknown: 1, cost_unknown: 1, sent: 900, ..Sums::default() };
        for body in [json!({ "sent": handed }), json!({ "meta": { "tried": handed, "sent": 900 } })] {
            let lines: Vec<_> = unanswered(&body, "", "p").into_iter().map(|(key, sums)| (key.target, key.zone, sums)).collect();
            assert_eq!(lines, [("glm".to_owned(), "gelb".to_owned(), sums.clone())]);
        }
        assert_eq!(unanswered(&json!({ "meta": { "sent": 900 } }), "", "p"), []);
    }

    #[test]
    fn the_own_house_is_the_green_zone_and_nothing_else() {
        let key =
            |zone: &str| Key { period: String::new(), process: "p".into(), kind: "modell", target: "m".into(), zone: zone.into(), recipient: String::new() };
        let one = Sums { calls: 1, sent: 7, ..Sums::default() };
        for (zone, calls) in [("gruen", 0), ("gelb", 1), ("", 1)] {
            assert_eq!(summary(&BTreeMap::from([(key(zone), one.clone())])).0["outside_calls"], json!(calls), "{zone}");
        }
        assert_eq!(euros(440), "0.000440");
    }
}
