//! `audit …`: the journal checked, read, and carried out of the house.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_domain::{Lang, TenantId, Text, digest::to_hex};
use laufzettel_journal::{Record, Verdict, Verifier, VerifyKey};
use laufzettel_policy::Action;
use laufzettel_store::Store;
use laufzettel_worker::{read_witness, witness_file};
use serde_json::{Value, json};

use super::{Done, Failed, entitled, find_run};
use crate::{
    config::Config,
    house::House,
    out::{Out, code},
};

/// Records fetched at once: enough to keep the disk busy, little enough to hold.
const PAGE: u32 = 2_000;

const KEY_UNREADABLE: (&str, &str) = ("Der Prüfschlüssel beim Zeugen liest sich nicht.", "The witness's verifier key does not read.");

/// What a check of the journal looks at: a live store, or a file nobody holds.
pub struct Records<'a> {
    pub store: &'a Store,
    pub config: &'a Config,
    pub tenant: &'a TenantId,
    /// The lane a running server is still writing.
    pub live: Option<u64>,
}

impl<'a> Records<'a> {
    fn of(house: &'a House) -> Self {
        Self { store: &house.desk.tenant.store, config: &house.config, tenant: &house.tenant, live: Some(house.desk.tenant.store.head().lane) }
    }
}

/// On a running house: what moved is anchored first, then everything is recomputed.
pub async fn verify_live(house: &House, out: &Out) -> Done {
    house.checkpoint().await.map_err(|e| Failed::new(code::ENDED_BADLY, format!("{e:#}")))?;
    verify(&Records::of(house), out).await
}

pub async fn verify(records: &Records<'_>, out: &Out) -> Done {
    for name in records.store.names().await? {
        if let Err(laufzettel_store::Error::Corrupt(what)) = records.store.bytes(&name).await {
            return Err(Failed::new(
                code::BROKEN,
                format!("{} {what}", out.text("GEBROCHEN: Die Bytes passen nicht zum Namen der Datei", "BROKEN: the bytes do not fit the name of the file")),
            ));
        }
    }
    let stored = records.store.checkpoints().await?;
    let mut witnessed = Vec::new();
    let signer = crate::house::signer(records.config, records.tenant).map_err(|e| Failed::new(code::BROKEN, format!("{e:#}")))?;
    let mut keys = vec![signer.verify_key()];
    if let Some(folder) = &records.config.witness {
        let tenant = records.tenant.as_str();
        witnessed = read_witness(&witness_file(folder, tenant)).map_err(|e| Failed::new(code::BROKEN, e.to_string()))?;
        // the witness's own copy of the key is the one to believe
        match std::fs::read(folder.join(format!("{tenant}.vkey"))) {
            Ok(bytes) => {
                let key = std::str::from_utf8(&bytes).ok().and_then(VerifyKey::parse);
                keys = vec![key.ok_or_else(|| Failed::new(code::BROKEN, out.text(KEY_UNREADABLE.0, KEY_UNREADABLE.1)))?];
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failed::new(code::BROKEN, format!("{} ({error})", out.text(KEY_UNREADABLE.0, KEY_UNREADABLE.1)))),
        }
    }
    let mut verifier = Verifier::new(records.tenant.as_str(), &stored, &witnessed, &keys);
    let mut after = (0, 0);
    loop {
        let next = page(records.store, &mut after, out.lang).await?;
        if next.is_empty() {
            break;
        }
        next.iter().for_each(|record| verifier.push(record));
    }
    report(verifier.finish(records.live), records.config.witness.is_some(), out).await
}

/// The records after a position, which moves on; empty at the end.
pub(super) async fn page(store: &Store, after: &mut (u64, u64), lang: Lang) -> Result<Vec<Record>, Failed> {
    let page = match store.records(*after, PAGE).await {
        Ok(page) => page,
        Err(laufzettel_store::Error::Corrupt(what)) => {
            let (lane, seq) = *after;
            let text = Text::new(
                format!("GEBROCHEN: Ein Eintrag nach {lane}/{seq} liest sich nicht ({what})"),
                format!("BROKEN: a record after {lane}/{seq} does not read ({what})"),
            );
            return Err(Failed::new(code::BROKEN, text.get(lang)));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(last) = page.last() {
        *after = (last.lane, last.seq);
    }
    Ok(page)
}

fn places(places: &[(u64, u64)]) -> Vec<String> {
    places.iter().map(|(lane, seq)| format!("{lane}/{seq}")).collect()
}

/// What is missing since a backup was restored, and is on record as missing.
fn gap(lost: &[(u64, u64)], out: &Out) -> String {
    if lost.is_empty() {
        return String::new();
    }
    let (de, en) = ("Nach einer Wiederherstellung fehlt, was bis Eintrag", "Since a restore what happened up to record");
    let (end_de, end_en) = ("geschah; so steht es im Protokoll.", "is missing; the journal says so.");
    format!(". {} {} {}", out.text(de, en), places(lost).join(", "), out.text(end_de, end_en))
}

async fn report(verdict: Verdict, witness: bool, out: &Out) -> Done {
    let (value, line, exit) = match &verdict {
        Verdict::Intact { records, checkpoints, lost } => (
            json!({ "verdict": "intact", "records": records, "checkpoints": checkpoints, "lost": places(lost) }),
            format!(
                "{}: {records} {}, {checkpoints} {}{}",
                out.text("Unversehrt und verankert", "Intact and anchored"),
                out.text("Einträge", "records"),
                out.text("Prüfpunkte", "checkpoints"),
                gap(lost, out)
            ),
            code::DONE,
        ),
        Verdict::NotAnchored { records, checkpoints, beyond, lost } => {
            let (places, first) = (self::places(beyond), self::places(&beyond.iter().map(|(lane, seq)| (*lane, seq + 1)).collect::<Vec<_>>()));
            let why = if witness { "" } else { out.text(" (kein Zeuge eingerichtet)", " (no witness configured)") };
            (
                json!({ "verdict": "not_anchored", "records": records, "checkpoints": checkpoints, "beyond": places, "first": first, "lost": self::places(lost) }),
                format!(
                    "{} {}{why}. {}{}",
                    out.text("Unversehrt, aber nicht verankert, je Spur ab Eintrag", "Intact, but not anchored, in each lane from record"),
                    first.join(", "),
                    out.text("Was von dort an abgeschnitten wurde, kann niemand sehen.", "What was cut from there on nobody can see."),
                    gap(lost, out)
                ),
                code::NOT_ANCHORED,
            )
        }
        Verdict::Broken(found) => (
            json!({ "verdict": "broken", "record": format!("{}/{}", found.lane, found.seq), "what": found.what.name(), "sentence": found.what.text().get(out.lang) }),
            format!("{} {}/{}: {}", out.text("GEBROCHEN bei Eintrag", "BROKEN at record"), found.lane, found.seq, found.what.text().get(out.lang)),
            code::BROKEN,
        ),
    };
    if out.json {
        out.value(&value).await
    } else {
        out.data(line).await
    }
    Ok(exit)
}

pub async fn show(house: &House, run: Option<&str>, kind: Option<&str>, limit: u32, out: &Out) -> Done {
    let by = entitled(house, &[Action::AuditRead], out).await?;
    let run = match run {
        None => None,
        Some(written) => Some(find_run(house, written, out.lang).await?),
    };
    // the machine form carries the content
    if out.json {
        house.desk.record("content.exported", &by, json!({ "run": run.map(|r| r.to_string()), "kind": kind, "format": "show" })).await?;
    }
    let mut records = Vec::new();
    let mut after = (0, 0);
    loop {
        let next = page(&house.desk.tenant.store, &mut after, out.lang).await?;
        if next.is_empty() {
            break;
        }
        let fits = |record: &Record| run.is_none_or(|run| record.draft.run == Some(run)) && kind.is_none_or(|kind| record.draft.kind == kind);
        records.extend(next.into_iter().filter(fits));
    }
    let skip = records.len().saturating_sub(limit as usize);
    for record in records.into_iter().skip(skip) {
        let body = record.draft.body().unwrap_or(Value::Null);
        if out.json {
            out.value(&line(&record, &body)).await;
        } else {
            out.data(format!("{}/{}  {}  {}{}", record.lane, record.seq, at(&record), sentence(&record, &body, out.lang), erased(&record, out.lang))).await;
        }
    }
    Ok(code::DONE)
}

/// When; empty where nobody knows any more.
fn at(record: &Record) -> String {
    let at = jiff::Timestamp::from_microsecond(record.draft.at).ok().filter(|_| !record.is_shrunk());
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn sentence(record: &Record, body: &Value, lang: Lang) -> String {
    match (record.is_shrunk(), lang) {
        (true, Lang::De) => "Eintrag eines gelöschten Vorgangs: nur die Prüfsumme ist noch da.".to_owned(),
        (true, Lang::En) => "Record of a run that was removed: only its hash is left.".to_owned(),
        (false, lang) => laufzettel_engine::sentence(&record.draft.kind, body).get(lang).to_owned(),
    }
}

fn erased(record: &Record, lang: Lang) -> &'static str {
    match (record.lacks_content(), lang) {
        (true, Lang::De) => " [Inhalt gelöscht]",
        (true, Lang::En) => " [content erased]",
        (false, _) => "",
    }
}

/// One record of an export: everything the chain is computed from.
fn line(record: &Record, body: &Value) -> Value {
    let draft = &record.draft;
    if record.is_shrunk() {
        return json!({ "lane": record.lane, "seq": record.seq, "hash": to_hex(&record.hash) });
    }
    json!({ "lane": record.lane, "seq": record.seq, "run": draft.run.map(|r| r.to_string()), "run_seq": draft.run_seq, "at": draft.at,
        "kind": draft.kind, "actor": draft.actor, "body": draft.body, "salt": draft.salt.map(|s| to_hex(&s)),
        "content": draft.content.as_ref().map(|c| STANDARD.encode(c)), "hash": to_hex(&record.hash),
        "satz": laufzettel_engine::sentence(&draft.kind, body).de })
}

pub async fn export(house: &House, format: &str, out: &Out) -> Done {
    if !["jsonl", "csv"].contains(&format) {
        return Err(Failed::new(code::USAGE, out.text("Möglich sind: jsonl, csv.", "Possible: jsonl, csv.")));
    }
    let by = entitled(house, &[Action::AuditRead], out).await?;
    house.desk.record("content.exported", &by, json!({ "format": format })).await?;
    if format == "csv" {
        out.data("lane;seq;zeit;vorgang;art;handelnd;satz").await;
    }
    let mut after = (0, 0);
    let mut waiting = Vec::new();
    loop {
        if waiting.is_empty() {
            waiting = page(&house.desk.tenant.store, &mut after, out.lang).await?;
            waiting.reverse();
        }
        let Some(record) = waiting.pop() else { break };
        let body = record.draft.body().unwrap_or(Value::Null);
        if format == "jsonl" {
            out.value(&line(&record, &body)).await;
        } else {
            let cells = [
                record.lane.to_string(),
                record.seq.to_string(),
                at(&record),
                record.draft.run.map(|r| r.to_string()).unwrap_or_default(),
                record.draft.kind.clone(),
                record.draft.actor.clone(),
                sentence(&record, &body, Lang::De),
            ];
            out.data(cells.map(|cell| csv(&cell)).join(";")).await;
        }
    }
    Ok(code::DONE)
}

/// Quoted, and never a formula: a cell that begins with one of these would be computed by a spreadsheet.
pub(super) fn csv(cell: &str) -> String {
    let defused = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    format!("\"{}\"", defused.replace('"', "\"\""))
}

pub async fn checkpoint(house: &House, out: &Out) -> Done {
    if house.config.witness.is_none() {
        return Err(Failed::new(
            code::USAGE,
            out.text("Kein Zeuge eingerichtet (witness in der Konfiguration).", "No witness is configured (witness in the configuration)."),
        ));
    }
    let moved = house.checkpoint().await.map_err(|e| Failed::new(code::ENDED_BADLY, format!("{e:#}")))?;
    out.note(if moved { out.text("Prüfpunkt geschrieben.", "Checkpoint written.") } else { out.text("Nichts hat sich bewegt.", "Nothing moved.") }).await;
    Ok(code::DONE)
}
