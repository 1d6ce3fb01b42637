//! The columns of a record as the table keeps them, bit by bit.

use laufzettel_domain::RunId;
use laufzettel_journal::Record;

pub const COLUMNS: [&str; 11] = ["lane", "seq", "run", "run_seq", "at", "kind", "actor", "body", "salt", "content", "hash"];

/// The bytes of a column; `None` where it is NULL.
pub fn bytes(record: &Record, column: &str) -> Option<Vec<u8>> {
    let draft = &record.draft;
    match column {
        "lane" => Some(record.lane.to_be_bytes().to_vec()),
        "seq" => Some(record.seq.to_be_bytes().to_vec()),
        "run" => draft.run.map(|run| run.to_string().into_bytes()),
        "run_seq" => draft.run_seq.map(|n| n.to_be_bytes().to_vec()),
        "at" => Some(draft.at.to_be_bytes().to_vec()),
        "kind" => Some(draft.kind.clone().into_bytes()),
        "actor" => Some(draft.actor.clone().into_bytes()),
        "body" => Some(draft.body.clone().into_bytes()),
        "salt" => draft.salt.map(|salt| salt.to_vec()),
        "content" => draft.content.clone(),
        _ => Some(record.hash.to_vec()),
    }
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

/// A column counts in 63 bits.
fn count(bytes: Vec<u8>) -> Option<u64> {
    i64::from_be_bytes(bytes.try_into().ok()?).try_into().ok()
}

fn run(bytes: Vec<u8>) -> Option<RunId> {
    let text = text(bytes)?;
    RunId::parse(&text).filter(|run| run.to_string() == text)
}

/// Puts other bytes into a column; `None` where they are nothing a row can be read from.
pub fn put(record: &mut Record, column: &str, bytes: Vec<u8>) -> Option<()> {
    let draft = &mut record.draft;
    match column {
        "lane" => record.lane = count(bytes)?,
        "seq" => record.seq = count(bytes)?,
        "run" => draft.run = Some(run(bytes)?),
        "run_seq" => draft.run_seq = Some(count(bytes)?),
        "at" => draft.at = i64::from_be_bytes(bytes.try_into().ok()?),
        "kind" => draft.kind = text(bytes)?,
        "actor" => draft.actor = text(bytes)?,
        "body" => draft.body = text(bytes)?,
        "salt" => draft.salt = Some(bytes.try_into().ok()?),
        "content" => draft.content = Some(bytes),
        _ => record.hash = bytes.try_into().ok()?,
    }
    Some(())
}

/// One bit of some bytes, turned.
pub fn turned(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}
