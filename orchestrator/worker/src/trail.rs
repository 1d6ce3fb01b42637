//! The journal as people read it: pages of it by what is asked for, its lines for exports, and what is known of the chain. Who may
//! read is asked before (`may_any`); who read is written down here, before anything is shown.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use laufzettel_domain::{Caller, Lang, RunId, Value, digest::to_hex, file::File};
use laufzettel_engine::sentence;
use laufzettel_journal::{Draft, Record};
use laufzettel_store::{DENIALS, Error as StoreError, Place, TrailFilter, TrailPage, TrailRow};
use serde_json::json;

use crate::desk::{Desk, WishError};

/// Records an export reads at once: enough to keep the disk busy, little enough to hold.
pub const EXPORT_PAGE: u32 = 2_000;
/// Characters of a reason: two sentences in the journal.
pub const REASON_CHARS_MAX: usize = 500;

/// The verdict of a check of the whole chain, beside runs.
pub const VERIFIED: &str = "audit.verified";

/// Records whose decision somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    Allowed,
    Denied,
}

/// What somebody looks for in the journal. Texts are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailWish {
    pub run: Option<RunId>,
    /// Part of a name, or a whole subject.
    pub person: Option<String>,
    /// `server/tool`, a server, or a model.
    pub tool: Option<String>,
    /// A document's id, or a file's digest: looked for where a call or its answer names one, as far as that is still there.
    pub document: Option<String>,
    pub kind: Option<String>,
    pub decided: Option<Decided>,
    /// Microseconds since 1970, both included.
    pub from: Option<i64>,
    pub until: Option<i64>,
    pub before: Option<Place>,
}

impl TrailWish {
    fn filter(&self, limit: u32) -> TrailFilter {
        TrailFilter {
            run: self.run,
            kind: self.kind.clone(),
            denied: self.decided == Some(Decided::Denied),
            from: self.from,
            until: self.until,
            contents: self.document.is_some(),
            before: self.before,
            limit,
        }
    }

    fn fits(&self, row: &TrailRow) -> bool {
        let asks = self.person.is_some() || self.tool.is_some() || self.document.is_some() || self.decided == Some(Decided::Allowed);
        if !asks {
            return true;
        }
        let Some(body) = row.draft.body() else { return false };
        self.person.as_deref().is_none_or(|person| is_of(&row.draft, &body, person))
            && self.tool.as_deref().is_none_or(|tool| is_about(&body, tool))
            && self.document.as_deref().is_none_or(|document| row.draft.content().is_some_and(|content| has_document(&content, document)))
            && (self.decided != Some(Decided::Allowed) || is_allowed(&row.draft.kind, &body))
    }

    /// Names of what was filtered by; never what was typed, which may be anything.
    fn names(&self) -> Vec<&'static str> {
        let given = [
            ("person", self.person.is_some()),
            ("tool", self.tool.is_some()),
            ("document", self.document.is_some()),
            ("kind", self.kind.is_some()),
            ("decision", self.decided.is_some()),
            ("from", self.from.is_some()),
            ("until", self.until.is_some()),
        ];
        given.into_iter().filter_map(|(name, is)| is.then_some(name)).collect()
    }
}

/// Whether somebody acted, or had it done under her rights.
fn is_of(draft: &Draft, body: &Value, person: &str) -> bool {
    let wanted = person.to_lowercase();
    let named = ["/by", "/caller", "/who", "/over", "/holder"].into_iter().filter_map(|path| body.pointer(path));
    draft.actor.to_lowercase() == wanted
        || named.into_iter().any(|caller| {
            let text = |name: &str| caller.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
            text("name").contains(&wanted) || text("subject") == wanted || text("upn") == wanted
        })
}

fn is_about(body: &Value, tool: &str) -> bool {
    let wanted = tool.to_lowercase();
    let places = ["/target", "/meta/target", "/meta/model", "/place", "/server"];
    let mut named = places.iter().filter_map(|path| body.pointer(path)?.as_str()).map(str::to_lowercase);
    named.any(|name| name == wanted || name.split_once('/').is_some_and(|(server, _)| server == wanted) || name.strip_prefix("model:") == Some(&wanted))
}

fn is_allowed(kind: &str, body: &Value) -> bool {
    let decision = body.pointer("/decision/allow").or_else(|| body.pointer("/meta/decision/allow"));
    !DENIALS.contains(&kind) && decision == Some(&Value::Bool(true))
}

/// Where a call or an answer names a document or a file; any other text is nobody's to look through from here.
fn has_document(content: &Value, wanted: &str) -> bool {
    const NAMES: [&str; 4] = ["dokument", "dokument_id", "document", "message_id"];
    match content {
        Value::Object(map) => {
            File::from_value(content).is_some_and(|file| file.file == wanted || file.file.strip_prefix("blob:") == Some(wanted))
                || map.iter().any(|(name, value)| (NAMES.contains(&name.as_str()) && value.as_str() == Some(wanted)) || has_document(value, wanted))
        }
        Value::Array(items) => items.iter().any(|item| has_document(item, wanted)),
        _ => false,
    }
}

impl Desk {
    /// A page of the journal, newest first, for somebody who may read it and is on record as its reader.
    pub async fn trail(&self, by: &Caller, wish: &TrailWish, limit: u32) -> Result<TrailPage, WishError> {
        let body = json!({ "run": wish.run.map(|run| run.to_string()), "filter": wish.names() });
        self.record("audit.viewed", by, body).await.map_err(|error| WishError::Unavailable(error.to_string()))?;
        Ok(self.browse(wish, limit).await?)
    }

    /// The same for whoever is on record otherwise, or needs not be.
    pub async fn browse(&self, wish: &TrailWish, limit: u32) -> Result<TrailPage, StoreError> {
        self.tenant.store.trail(&wish.filter(limit), &|row| wish.fits(row)).await
    }

    /// One record.
    pub async fn record_at(&self, (lane, seq): Place) -> Result<Option<Record>, StoreError> {
        let found = self.tenant.store.records((lane, seq.saturating_sub(1)), 1).await?;
        Ok(found.into_iter().next().filter(|record| (record.lane, record.seq) == (lane, seq)))
    }
}

/// Microseconds at which a day begins.
pub fn begin(day: Date, zone: &TimeZone) -> Option<i64> {
    day.to_zoned(zone.clone()).ok().map(|at| at.timestamp().as_microsecond())
}

/// The last microsecond of a day.
pub fn end(day: Date, zone: &TimeZone) -> Option<i64> {
    begin(day.tomorrow().ok()?, zone).map(|at| at - 1)
}

/// When it was written; empty where nobody knows any more.
pub fn at(draft: &Draft) -> String {
    Timestamp::from_microsecond(draft.at).ok().filter(|_| *draft != Draft::shrunk()).map(|at| at.to_string()).unwrap_or_default()
}

/// What a record says, from its body alone.
pub fn said(draft: &Draft, lang: Lang) -> String {
    match (*draft == Draft::shrunk(), lang) {
        (true, Lang::De) => "Eintrag eines gelöschten Vorgangs: nur die Prüfsumme ist noch da.".to_owned(),
        (true, Lang::En) => "Record of a run that was removed: only its hash is left.".to_owned(),
        (false, lang) => sentence(&draft.kind, &draft.body().unwrap_or(Value::Null)).get(lang).to_owned(),
    }
}

/// One record of an export: everything the chain is computed from.
pub fn line(record: &Record) -> Value {
    let draft = &record.draft;
    if record.is_shrunk() {
        return json!({ "lane": record.lane, "seq": record.seq, "hash": to_hex(&record.hash) });
    }
    json!({ "lane": record.lane, "seq": record.seq, "run": draft.run.map(|r| r.to_string()), "run_seq": draft.run_seq, "at": draft.at,
        "kind": draft.kind, "actor": draft.actor, "body": draft.body, "salt": draft.salt.map(|s| to_hex(&s)),
        "content": draft.content.as_ref().map(|c| STANDARD.encode(c)), "hash": to_hex(&record.hash), "satz": said(draft, Lang::De) })
}

pub const CSV_HEAD: &str = "lane;seq;zeit;vorgang;art;handelnd;satz";

/// The same for a spreadsheet: no content.
pub fn csv_line(record: &Record) -> String {
    let draft = &record.draft;
    let run = draft.run.map(|run| run.to_string()).unwrap_or_default();
    let cells = [record.lane.to_string(), record.seq.to_string(), at(draft), run, draft.kind.clone(), draft.actor.clone(), said(draft, Lang::De)];
    cells.map(|cell| csv(&cell)).join(";")
}

/// Quoted, and never a formula: a cell that begins with one of these would be computed by a spreadsheet.
pub fn csv(cell: &str) -> String {
    let defused = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    format!("\"{}\"", defused.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, body: Value, content: Option<Value>) -> TrailRow {
        let draft = Draft::new(kind, "S-1", 7, body, content.as_ref().map(|content| (content, [0; 16])));
        TrailRow { lane: 1, seq: 2, kept: draft.content.is_some(), draft }
    }

    #[test]
    fn what_fits_a_wish() {
        let all = TrailWish::default();
        let wish = |person: &str, tool: &str, document: &str| TrailWish {
            person: Some(person.to_owned()).filter(|text| !text.is_empty()),
            tool: Some(tool.to_owned()).filter(|text| !text.is_empty()),
            document: Some(document.to_owned()).filter(|text| !text.is_empty()),
            ..all.clone()
        };
        let call = row(
            "effect.intended",
            json!({ "v": 1, "target": "dms/lesen", "who": { "subject": "S-2", "name": "Andreas Klein" } }),
            Some(json!({ "call": { "arguments": { "dokument": "D-7", "frage": "D-8" } } })),
        );
        let view = row("content.viewed", json!({ "v": 1, "by": { "subject": "S-9", "name": "Doris Braun" } }), None);
        for (name, wish, of_call, of_view) in [
            ("everything", all.clone(), true, true),
            ("part of a name", wish("klein", "", ""), true, false),
            ("a subject", wish("s-9", "", ""), false, true),
            ("the actor", wish("S-1", "", ""), true, true),
            ("part of a subject", wish("S-", "", ""), false, false),
            ("a tool", wish("", "dms/lesen", ""), true, false),
            ("its server", wish("", "DMS", ""), true, false),
            ("part of a server", wish("", "dm", ""), false, false),
            ("a document", wish("", "", "D-7"), true, false),
            ("any other text", wish("", "", "D-8"), false, false),
            ("all of it", wish("Braun", "dms", ""), false, false),
        ] {
            assert_eq!((wish.fits(&call), wish.fits(&view)), (of_call, of_view), "{name}");
        }
    }

    #[test]
    fn a_decision_is_allowed_where_it_says_so() {
        let allowed = TrailWish { decided: Some(Decided::Allowed), ..TrailWish::default() };
        for (kind, body, fits) in [
            ("task.completed", json!({ "decision": { "allow": true } }), true),
            ("effect.settled", json!({ "meta": { "decision": { "allow": true } } }), true),
            ("effect.refused", json!({ "decision": { "allow": false } }), false),
            ("step.completed", json!({ "v": 1 }), false),
        ] {
            assert_eq!(allowed.fits(&row(kind, body, None)), fits, "{kind}");
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [("a", "\"a\""), ("=1+1", "\"'=1+1\""), ("-1", "\"'-1\""), ("@x", "\"'@x\""), ("+", "\"'+\""), ("a\"b", "\"a\"\"b\"")] {
            assert_eq!(csv(cell), expected);
        }
    }
}
