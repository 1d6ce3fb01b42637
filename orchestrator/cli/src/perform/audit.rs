//! `audit …`: the journal checked, read, and carried out of the house.

use laufzettel_domain::{Lang, TenantId, Text};
use laufzettel_journal::{Break, NoteError, Record, Verdict, Verifier, VerifyKey, What};
use laufzettel_policy::Action;
use laufzettel_store::{Store, TrailRow};
use laufzettel_worker::{
    Beside, read_witness,
    trail::{self, Decided, EXPORT_PAGE, TrailWish},
    witness_file,
};
use serde_json::json;

use super::{Done, Failed, entitled, find_run, operator};
use crate::{
    config::Config,
    house::House,
    out::{Out, code},
    wish::ShowWish,
};

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
    let verdict = recompute(&Records::of(house), out).await?;
    // for whoever asks later when it was checked last; a store that takes nothing is checked all the same
    let by = out.signed_in().await.unwrap_or_else(|| operator(out));
    house.desk.note(trail::VERIFIED, &by, machine(&verdict, Lang::De)).await;
    report(&verdict, house.config.witness.is_some(), out).await
}

pub async fn verify(records: &Records<'_>, out: &Out) -> Done {
    report(&recompute(records, out).await?, records.config.witness.is_some(), out).await
}

async fn recompute(records: &Records<'_>, out: &Out) -> Result<Verdict, Failed> {
    let mut witnessed = Vec::new();
    let mut keys = Vec::new();
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
    // whoever only checks needs no key that signs
    if keys.is_empty() {
        let signer = crate::house::signer(records.config, records.tenant).map_err(|e| Failed::new(code::USAGE, format!("{e:#}")))?;
        keys.push(signer.verify_key());
    }
    // the table last: a running server writes a note there first, and then to the witness
    let stored = match records.store.checkpoints().await {
        Err(laufzettel_store::Error::Corrupt(_)) => {
            let what = What::Note { number: 0, error: NoteError::Malformed };
            return Ok(Verdict::Broken(Break { lane: 0, seq: 0, what }));
        }
        stored => stored?,
    };
    let tenant = records.tenant.as_str().to_owned();
    // every note's signature is computed: a minute of a million
    let opened = tokio::task::spawn_blocking(move || Verifier::new(&tenant, &stored, &witnessed, &keys)).await;
    let mut verifier = opened.map_err(|e| Failed::new(code::ENDED_BADLY, e.to_string()))?;
    let mut beside = Beside::look(records.store).await?;
    let mut after = (0, 0);
    loop {
        let next = page(records.store, &mut after, out.lang).await?;
        if next.is_empty() {
            break;
        }
        for record in &next {
            verifier.push(record);
            beside.push(record).await?;
        }
    }
    // of a chain that does not hold nobody knows what belongs to it
    Ok(match (verifier.finish(records.live), beside.finish().await?) {
        (Verdict::Intact { .. } | Verdict::NotAnchored { .. }, Some(found)) => Verdict::Broken(found),
        (verdict, _) => verdict,
    })
}

/// The records after a position, which moves on; empty at the end.
pub(super) async fn page(store: &Store, after: &mut (u64, u64), lang: Lang) -> Result<Vec<Record>, Failed> {
    let page = match store.records(*after, EXPORT_PAGE).await {
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

/// The first record of each lane that no checkpoint a witness has speaks for.
fn firsts(beyond: &[(u64, u64)]) -> Vec<(u64, u64)> {
    beyond.iter().map(|(lane, seq)| (*lane, seq + 1)).collect()
}

fn machine(verdict: &Verdict, lang: Lang) -> serde_json::Value {
    match verdict {
        Verdict::Intact { records, checkpoints, lost } => {
            json!({ "verdict": "intact", "records": records, "checkpoints": checkpoints, "lost": places(lost) })
        }
        Verdict::NotAnchored { records, checkpoints, beyond, lost } => {
            let first = places(&firsts(beyond));
            json!({ "verdict": "not_anchored", "records": records, "checkpoints": checkpoints, "beyond": places(beyond), "first": first, "lost": places(lost) })
        }
        Verdict::Broken(found) => {
            let sentence = found.what.text();
            json!({ "verdict": "broken", "record": format!("{}/{}", found.lane, found.seq), "what": found.what.name(), "sentence": sentence.get(lang) })
        }
    }
}

async fn report(verdict: &Verdict, witness: bool, out: &Out) -> Done {
    let (line, exit) = match verdict {
        Verdict::Intact { records, checkpoints, lost } => (
            format!(
                "{}: {records} {}, {checkpoints} {}{}",
                out.text("Unversehrt und verankert", "Intact and anchored"),
                out.text("Einträge", "records"),
                out.text("Prüfpunkte", "checkpoints"),
                gap(lost, out)
            ),
            code::DONE,
        ),
        Verdict::NotAnchored { beyond, lost, .. } => {
            let why = if witness { "" } else { out.text(" (kein Zeuge eingerichtet)", " (no witness configured)") };
            (
                format!(
                    "{} {}{why}. {}{}",
                    out.text("Unversehrt, aber nicht verankert, je Spur ab Eintrag", "Intact, but not anchored, in each lane from record"),
                    places(&firsts(beyond)).join(", "),
                    out.text("Was von dort an abgeschnitten wurde, kann niemand sehen.", "What was cut from there on nobody can see."),
                    gap(lost, out)
                ),
                code::NOT_ANCHORED,
            )
        }
        Verdict::Broken(found) => (
            format!("{} {}/{}: {}", out.text("GEBROCHEN bei Eintrag", "BROKEN at record"), found.lane, found.seq, found.what.text().get(out.lang)),
            code::BROKEN,
        ),
    };
    if out.json {
        out.value(&machine(verdict, out.lang)).await;
    } else {
        out.data(line).await;
    }
    Ok(exit)
}

/// Records at most, the newest of what is asked for; oldest first, as they happened.
pub async fn show(house: &House, asked: &ShowWish, out: &Out) -> Done {
    let by = entitled(house, &[Action::AuditRead], out).await?;
    let run = match &asked.run {
        None => None,
        Some(written) => Some(find_run(house, written, out.lang).await?),
    };
    // the machine form carries the content
    if out.json {
        house.desk.record("content.exported", &by, json!({ "run": run.map(|r| r.to_string()), "kind": asked.kind, "format": "show" })).await?;
    }
    let zone = house.desk.tenant.zone();
    let wish = TrailWish {
        run,
        person: asked.person.clone(),
        tool: asked.tool.clone(),
        document: asked.document.clone(),
        kind: asked.kind.clone(),
        decided: asked.denied.then_some(Decided::Denied),
        from: asked.from.and_then(|day| trail::begin(day, &zone)),
        until: asked.until.and_then(|day| trail::end(day, &zone)),
        before: None,
    };
    for row in newest(house, wish, asked.limit as usize).await?.iter().rev() {
        if !out.json {
            out.data(format!("{}/{}  {}  {}{}", row.lane, row.seq, trail::at(&row.draft), trail::said(&row.draft, out.lang), erased(row, out.lang))).await;
        } else if let Some(record) = house.desk.record_at(row.place()).await? {
            out.value(&trail::line(&record)).await;
        }
    }
    Ok(code::DONE)
}

/// So many rows, page after page; the newest first.
async fn newest(house: &House, mut wish: TrailWish, limit: usize) -> Result<Vec<TrailRow>, Failed> {
    let mut rows = Vec::new();
    while rows.len() < limit {
        let want = u32::try_from(limit - rows.len()).unwrap_or(u32::MAX);
        let page = match house.desk.browse(&wish, want).await {
            Err(laufzettel_store::Error::Corrupt(what)) => {
                return Err(Failed::new(code::BROKEN, format!("GEBROCHEN: ein Eintrag liest sich nicht ({what})")));
            }
            page => page?,
        };
        rows.extend(page.rows);
        wish.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    Ok(rows)
}

fn erased(row: &TrailRow, lang: Lang) -> &'static str {
    match (row.lacks_content(), lang) {
        (true, Lang::De) => " [Inhalt gelöscht]",
        (true, Lang::En) => " [content erased]",
        (false, _) => "",
    }
}

pub async fn export(house: &House, format: &str, out: &Out) -> Done {
    if !["jsonl", "csv"].contains(&format) {
        return Err(Failed::new(code::USAGE, out.text("Möglich sind: jsonl, csv.", "Possible: jsonl, csv.")));
    }
    let by = entitled(house, &[Action::AuditRead], out).await?;
    house.desk.record("content.exported", &by, json!({ "format": format })).await?;
    if format == "csv" {
        out.data(trail::CSV_HEAD).await;
    }
    let mut after = (0, 0);
    let mut waiting = Vec::new();
    loop {
        if waiting.is_empty() {
            waiting = page(&house.desk.tenant.store, &mut after, out.lang).await?;
            waiting.reverse();
        }
        let Some(record) = waiting.pop() else { break };
        if format == "jsonl" {
            out.value(&trail::line(&record)).await;
        } else {
            out.data(trail::csv_line(&record)).await;
        }
    }
    Ok(code::DONE)
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
