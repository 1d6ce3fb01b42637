//! Recorded histories, kept for ever: whatever this program becomes, it folds what was once written to what it meant then.
//!
//! `*.jsonl` are records as they stand in the journal, without their commitments; `*.json` beside each says what becomes of them.
//! New ones are recorded by `cargo test -p laufzettel-engine --test histories -- --ignored record`, from `stories.rs`; a
//! file that is there is never written again.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../decisions/desk.rs"]
#[expect(dead_code, reason = "the stories told here need less of it than the decisions do")]
mod desk;
mod stories;
mod told;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use laufzettel_domain::{TenantId, Value};
use laufzettel_engine::{Event, fold};
use serde_json::json;

const RULE: &str = "A recorded history is never edited and never recorded anew: journals hold such records. A changed event gets a new \
                    version (`v`) under its kind, and the old one is still read.";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

/// Every history: its name, and its records.
fn recorded() -> Vec<(String, Vec<Value>)> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).collect();
    all.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let records = |path: &Path| fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    all.iter().map(|path| (name(path), records(path))).collect()
}

fn content(record: &Value) -> Option<Value> {
    Some(record["content"].clone()).filter(|content| !content.is_null())
}

fn read(name: &str, line: usize, record: &Value) -> (Event, Timestamp) {
    let event = Event::join(record["kind"].as_str().unwrap(), &record["body"], content(record));
    let event = event.unwrap_or_else(|error| panic!("{name}.jsonl:{}: {} does not read any more: {error}\n{RULE}", line + 1, record["kind"]));
    (event, record["at"].as_str().unwrap().parse().unwrap())
}

/// Whether everything that was written is still there: a member may have come to it, none may have gone.
fn covers(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => then.iter().all(|(name, value)| now.get(name).is_some_and(|now| covers(now, value))),
        (Value::Array(now), Value::Array(then)) => now.len() == then.len() && now.iter().zip(then).all(|(now, then)| covers(now, then)),
        (now, then) => now == then,
    }
}

#[test]
fn every_history_reads_and_folds_to_what_it_meant() {
    let all = recorded();
    assert!(all.len() >= 10, "the histories are gone: {all:?}\n{RULE}");
    for (name, records) in all {
        let events: Vec<(Event, Timestamp)> = records.iter().enumerate().map(|(line, record)| read(&name, line, record)).collect();
        let id = events.first().and_then(|(event, _)| told::run_of(event)).unwrap();
        let run = fold(&TenantId::parse("t").unwrap(), id, &events);
        let run = run.unwrap_or_else(|error| panic!("{name}.jsonl does not fold any more: {error}\n{RULE}")).unwrap();
        let meant: Value = serde_json::from_str(&fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()).unwrap();
        let means = told::told(&run);
        for (member, meant) in meant.as_object().unwrap() {
            assert!(means[member] == *meant, "{name}.jsonl: {member} is now\n{:#}\nand was\n{meant:#}\n{RULE}", means[member]);
        }
    }
}

/// Of a run whose contents were erased, the bodies alone still say how it went.
#[test]
fn every_history_folds_without_its_contents() {
    for (name, records) in recorded() {
        let bare = |record: &Value| Event::join_erased(record["kind"].as_str().unwrap(), &record["body"]).unwrap_or_else(|e| panic!("{name}: {record}: {e}"));
        let events: Vec<(Event, Timestamp)> = records.iter().map(|record| (bare(record), record["at"].as_str().unwrap().parse().unwrap())).collect();
        let id = told::run_of(&read(&name, 0, &records[0]).0).unwrap();
        let run = fold(&TenantId::parse("t").unwrap(), id, &events).unwrap().unwrap();
        let meant: Value = serde_json::from_str(&fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()).unwrap();
        assert_eq!((&told::told(&run)["state"], &told::told(&run)["seq"]), (&meant["state"], &meant["seq"]), "{name}");
    }
}

/// A field that was renamed or removed may still read, as nothing. That is a loss, too.
#[test]
fn nothing_that_was_written_is_read_over() {
    for (name, records) in recorded() {
        for (line, record) in records.iter().enumerate() {
            let (event, _) = read(&name, line, record);
            let (body, again) = event.split();
            // what is written in a newer version now is another record: that the old one reads is all that can be asked
            let same = body["v"] != record["body"]["v"] || (covers(&body, &record["body"]) && covers(&json!(again), &record["content"]));
            assert!(same, "{name}.jsonl:{}: of {} something is read over\n{record:#}\nis read as\n{body:#}\n{again:#?}\n{RULE}", line + 1, record["kind"]);
        }
    }
}

#[test]
fn every_kind_of_event_stands_in_a_history() {
    let all = recorded();
    let seen: BTreeSet<&str> = all.iter().flat_map(|(_, records)| records).filter_map(|record| record["kind"].as_str()).collect();
    let missing: Vec<&&str> = Event::KINDS.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(missing.is_empty(), "no history has {missing:?}: tell one in stories.rs, and record it (see the top of this file)");
}

/// What the stories tell today is what was recorded, as far as it was: a new one is not forgotten.
#[test]
fn every_story_is_recorded() {
    let known: BTreeSet<String> = recorded().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<&str> = stories::all().into_iter().map(|(name, _)| name).filter(|name| !known.contains(*name)).collect();
    assert!(missing.is_empty(), "not recorded: {missing:?}; see the top of this file");
}

#[test]
#[ignore = "writes files: `-- --ignored record`, once for every new story"]
fn record() {
    for (name, desk) in stories::all() {
        let line = |(event, at): &(Event, Timestamp)| {
            let (body, content) = event.split();
            json!({ "kind": event.kind(), "at": at, "body": body, "content": content }).to_string() + "\n"
        };
        let records: String = desk.history.iter().map(line).collect();
        let (history, meaning) = (folder().join(format!("{name}.jsonl")), folder().join(format!("{name}.json")));
        if history.exists() || meaning.exists() {
            println!("{name} is recorded already, and stays as it is");
            continue;
        }
        fs::write(history, records).unwrap();
        fs::write(meaning, format!("{:#}\n", told::told(&desk.run))).unwrap();
    }
}
