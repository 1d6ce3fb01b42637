//! What is removed for good, and what stays.

use std::path::Path;

use laufzettel_domain::file::File;
use laufzettel_journal::{CONTENT_ERASED, Draft, Place, RECORDS_PRUNED, Range, Record, Verdict, Verifier};
use laufzettel_store::{Append, Erasure, Pruning, RemovalError, RetentionRow, RunFilter, Store};
use serde_json::json;

use super::{append, run};

async fn places(store: &Store, n: u8, wanted: impl Fn(&Record) -> bool) -> Vec<Place> {
    let mut places: Vec<Place> = store.history(run(n)).await.unwrap().iter().filter(|r| wanted(r)).map(|r| (r.lane, r.seq)).collect();
    places.sort_unstable();
    places
}

/// Contents of all records of a run but some.
async fn erasure(store: &Store, n: u8, but: &[&str], files: &[&str]) -> Erasure {
    let ranges = Range::over(places(store, n, |r| r.draft.content.is_some() && !but.contains(&r.draft.kind.as_str())).await);
    let body = json!({ "v": 1, "reason": "aufbewahrung", "run": run(n).to_string(), "ranges": Range::to_json(&ranges) });
    let draft = Draft::new(CONTENT_ERASED, "service:engine", 50, body, None);
    Erasure { run: Some(run(n)), ranges, files: files.iter().map(|f| (*f).to_owned()).collect(), whole: but.is_empty(), draft }
}

async fn pruning(store: &Store, n: u8) -> Pruning {
    let ranges = Range::over(places(store, n, |_| true).await);
    let body = json!({ "v": 1, "reason": "aufbewahrung", "ranges": Range::to_json(&ranges) });
    Pruning { run: run(n), ranges, draft: Draft::new(RECORDS_PRUNED, "service:engine", 60, body, None) }
}

/// A run's end, with how long it is kept.
fn end(n: u8, expected: u64, parent: Option<u8>, contents_until: i64, records_until: i64) -> Append {
    let mut append = append(n, expected, &["end"]);
    let row = RetentionRow { run: run(n), parent: parent.map(run), contents_until, records_until, erased_at: None, whole: false };
    append.projection.as_mut().unwrap().retention = Some(row);
    append
}

async fn kinds(store: &Store, n: u8) -> Vec<(String, bool)> {
    store.history(run(n)).await.unwrap().into_iter().map(|r| (r.draft.kind.clone(), r.draft.content.is_some())).collect()
}

pub async fn what_is_over_goes(store: &Store) {
    let kept = |kind: &str, there: bool| (kind.to_owned(), there);
    store.append(Append { receipt: Some(vec!["hook/removed".into()]), ..append(40, 0, &["start", "a"]) }).await.unwrap();
    store.append(append(41, 0, &["start"])).await.unwrap();
    // what goes on loses nothing
    assert_eq!(store.erase(erasure(store, 40, &[], &[]).await).await, Err(RemovalError::Open));
    assert_eq!(store.prune(pruning(store, 40).await).await, Err(RemovalError::Open));
    assert_eq!(store.erase(erasure(store, 99, &[], &[]).await).await, Err(RemovalError::Stale));
    assert_eq!(kinds(store, 40).await, [kept("start", true), kept("a", true)]);
    // a child that has ended waits for its caller
    store.append(end(40, 2, Some(41), 100, 200)).await.unwrap();
    assert_eq!((store.contents_due(150, 9).await.unwrap(), store.records_due(250, 9).await.unwrap()), (vec![], vec![]));
    store.append(end(41, 1, None, 120, 300)).await.unwrap();
    assert_eq!(store.contents_due(99, 9).await.unwrap(), []);
    assert_eq!(store.contents_due(150, 9).await.unwrap(), [run(40), run(41)]);
    assert_eq!(store.contents_due(150, 1).await.unwrap(), [run(40)]);
    // all of it or nothing
    let mut wrong = erasure(store, 40, &["a"], &[]).await;
    wrong.ranges.push(Range { lane: 1, first: 1, last: 1 });
    assert_eq!(store.erase(wrong).await, Err(RemovalError::Stale));
    assert_eq!(kinds(store, 40).await, [kept("start", true), kept("a", true), kept("end", true)]);
    let before = store.head();
    let erase = erasure(store, 40, &["a"], &[]).await;
    store.erase(erase.clone()).await.unwrap();
    assert_eq!(store.erase(erase).await, Err(RemovalError::Stale), "once");
    assert_eq!((store.head().seq, store.head().lane), (before.seq + 1, before.lane));
    assert_eq!(kinds(store, 40).await, [kept("start", false), kept("a", true), kept("end", false)]);
    let row = store.retention(run(40)).await.unwrap().unwrap();
    assert_eq!(row, RetentionRow { run: run(40), parent: Some(run(41)), contents_until: 100, records_until: 200, erased_at: Some(50), whole: false });
    assert_eq!(store.contents_due(150, 9).await.unwrap(), [run(41)]);
    // the rest, on request
    store.erase(erasure(store, 40, &[], &[]).await).await.unwrap();
    assert!(store.retention(run(40)).await.unwrap().unwrap().whole);
    // and then all of it
    assert_eq!(store.records_due(250, 9).await.unwrap(), [run(40)]);
    let highest = store.last_number(2026).await.unwrap();
    store.prune(pruning(store, 40).await).await.unwrap();
    store.prune(pruning(store, 41).await).await.unwrap();
    assert_eq!(store.records_due(999, 9).await.unwrap(), []);
    assert_eq!((kinds(store, 40).await, store.run(run(40)).await.unwrap(), store.retention(run(40)).await.unwrap()), (vec![], None, None));
    assert_eq!((store.receipt("hook/removed").await.unwrap(), store.last_number(2026).await.unwrap()), (None, highest));
    let listed = store.runs(&RunFilter { limit: 500, ..RunFilter::default() }, &|_| true).await.unwrap().rows;
    assert!(listed.iter().all(|row| ![run(40), run(41)].contains(&row.run)));
    let shrunk = store.records((0, 0), 10_000).await.unwrap().into_iter().filter(Record::is_shrunk).count();
    assert_eq!(shrunk, 5);
    beside(store).await;
}

/// Content beside runs goes like any other.
async fn beside(store: &Store) {
    let old = store.contents_beside(6, 500).await.unwrap();
    let named: Vec<Place> = old.iter().map(|r| (r.lane, r.seq)).collect();
    assert!(!named.is_empty());
    let ranges = Range::over(named);
    let body = json!({ "v": 1, "reason": "aufbewahrung", "ranges": Range::to_json(&ranges) });
    let draft = Draft::new(CONTENT_ERASED, "service:engine", 70, body, None);
    store.erase(Erasure { run: None, ranges, files: [].into(), whole: false, draft }).await.unwrap();
    assert_eq!(store.contents_beside(6, 500).await.unwrap(), []);
}

pub async fn files_go_with_their_last_holder(store: &Store) {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    let files: Vec<(String, &[u8])> = [&b"eins"[..], b"zwei", b"drei", b"vier"].map(|b| (File::describe("f", "text/plain", b).file, b)).into();
    for (name, bytes) in &files {
        store.put_bytes(name, bytes, 10).await.unwrap();
    }
    let name = |n: usize| files[n].0.clone();
    let there = || async {
        let mut there = Vec::new();
        for (n, (name, _)) in files.iter().enumerate() {
            there.extend(store.bytes(name).await.unwrap().map(|_| n));
        }
        there
    };
    store.append(Append { files: vec![name(0), name(1), name(2)], ..append(50, 0, &["start"]) }).await.unwrap();
    store.append(Append { files: vec![name(1), name(1)], ..append(51, 0, &["start"]) }).await.unwrap();
    // nobody took the fourth; the others are runs' now
    store.sweep(9 + DAY).await.unwrap();
    assert_eq!(there().await, [0, 1, 2, 3]);
    store.sweep(11 + DAY).await.unwrap();
    assert_eq!(there().await, [0, 1, 2]);
    store.append(end(50, 1, None, 100, 200)).await.unwrap();
    store.append(end(51, 1, None, 100, 200)).await.unwrap();
    // the third is part of what stays
    store.erase(erasure(store, 50, &[], &[&name(2)]).await).await.unwrap();
    assert_eq!(there().await, [1, 2]);
    // somebody has just sent the same bytes for a run to come
    store.put_bytes(&name(1), files[1].1, 20 + DAY).await.unwrap();
    store.erase(erasure(store, 51, &[], &[]).await).await.unwrap();
    assert_eq!(there().await, [1, 2]);
    store.sweep(21 + 2 * DAY).await.unwrap();
    assert_eq!(there().await, [2]);
    store.prune(pruning(store, 50).await).await.unwrap();
    assert_eq!(there().await, Vec::<usize>::new());
    store.prune(pruning(store, 51).await).await.unwrap();
    kept_since_before(store).await;
}

/// Runs that ended before anybody wrote down how long they are kept.
async fn kept_since_before(store: &Store) {
    let (file, bytes) = (File::describe("f", "text/plain", b"alt").file, b"alt");
    store.put_bytes(&file, bytes, 10).await.unwrap();
    store.append(append(60, 0, &["start"])).await.unwrap();
    store.append(append(60, 1, &["end"])).await.unwrap();
    assert!(store.unkept(500).await.unwrap().contains(&run(60)));
    let row = RetentionRow { run: run(60), parent: None, contents_until: 100, records_until: 200, erased_at: None, whole: false };
    store.keep(row.clone(), vec![file.clone()]).await.unwrap();
    assert_eq!((store.retention(run(60)).await.unwrap(), store.unkept(500).await.unwrap().contains(&run(60))), (Some(row), false));
    store.erase(erasure(store, 60, &[], &[]).await).await.unwrap();
    assert_eq!(store.bytes(&file).await.unwrap(), None);
}

/// A person is found by all of her keys together, until the last content of her run is gone; a run that has gone gets none again.
pub async fn subjects_go_with_the_last_content(store: &Store) {
    let (name, day, other) = ([1; 32], [2; 32], [3; 32]);
    for (n, keys) in [(70, vec![name, day]), (71, vec![name, other]), (72, vec![name, day])] {
        let mut start = append(n, 0, &["start"]);
        start.projection.as_mut().unwrap().subjects = keys;
        store.append(start).await.unwrap();
        store.append(end(n, 1, None, 100, 200)).await.unwrap();
    }
    let found = |keys: Vec<[u8; 32]>| async move { store.runs_with(&keys, 9).await.unwrap() };
    assert_eq!(found(vec![name]).await, [run(72), run(71), run(70)]);
    assert_eq!(found(vec![name, day]).await, [run(72), run(70)]);
    assert_eq!((found(vec![day, other]).await, found(vec![]).await), (vec![], vec![]));
    // while something is kept of her she can be told of it
    store.erase(Erasure { whole: false, ..erasure(store, 70, &["end"], &[]).await }).await.unwrap();
    assert_eq!(found(vec![name, day]).await, [run(72), run(70)]);
    store.erase(erasure(store, 72, &[], &[]).await).await.unwrap();
    assert_eq!(found(vec![name, day]).await, [run(70)]);
    store.prune(pruning(store, 70).await).await.unwrap();
    let cursor = ("subjects:x".to_owned(), Some("done".to_owned()));
    store.index(vec![(run(70), vec![name]), (run(71), vec![day]), (run(72), vec![name])], cursor).await.unwrap();
    assert_eq!((found(vec![name]).await, found(vec![day]).await), (vec![run(71)], vec![run(71)]));
    assert_eq!(store.cursor("subjects:x").await.unwrap().as_deref(), Some("done"));
}

fn is_in(needle: &[u8], folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

pub async fn leaves_no_trace(store: &Store, folder: &Path) {
    const CANARY: &str = "Kanarienvogel-4711";
    let content = |n: usize| json!({ "wert": format!("{CANARY} {n}"), "lang": "x".repeat(if n.is_multiple_of(3) { 40 } else { 9_000 + n * 37 }) });
    for n in 1..=40u8 {
        let mut start = append(n, 0, &[]);
        // short ones as they are, long ones that do not pack: over many pages
        let salt = [n; 16];
        start.drafts = (0..6).map(|i| Draft::new("a", "engine", 5, json!({ "v": 1 }), Some((&content(usize::from(n) * 6 + i), salt)))).collect();
        start.drafts.push(Draft { content: Some([&[0], CANARY.as_bytes(), &vec![n; 30_000][..]].concat()), ..start.drafts[0].clone() });
        start.projection.as_mut().unwrap().run.seq = 7;
        store.append(start).await.unwrap();
        let file = format!("{CANARY} Datei {n} {}", "y".repeat(20_000));
        let name = File::describe("f", "text/plain", file.as_bytes()).file;
        store.put_bytes(&name, file.as_bytes(), 5).await.unwrap();
        store.append(Append { files: vec![name], ..end(n, 7, None, 100, 200) }).await.unwrap();
    }
    assert!(is_in(CANARY.as_bytes(), folder));
    for n in 1..=40u8 {
        store.erase(erasure(store, n, &["end"], &[]).await).await.unwrap();
        if n.is_multiple_of(2) {
            store.prune(pruning(store, n).await).await.unwrap();
        }
    }
    assert!(!is_in(CANARY.as_bytes(), folder));
    let mut verifier = Verifier::new("vg", &[], &[], &[]);
    store.records((0, 0), 10_000).await.unwrap().iter().for_each(|record| verifier.push(record));
    assert!(matches!(verifier.finish(None), Verdict::NotAnchored { .. }));
}
