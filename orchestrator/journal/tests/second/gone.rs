//! Journals whose contents were erased and whose records were pruned, in order and otherwise.

use laufzettel_domain::digest::to_hex;
use laufzettel_journal::{CONTENT_ERASED, Draft, Head, Place, RECORDS_PRUNED, Range, STORE_RESTORED};
use serde_json::{Value, json};

use crate::{
    book::{Case, run, three_lanes},
    harm::{Variants, rebody},
};

fn places(case: &Case, of: Option<u64>) -> Vec<Place> {
    let own = case.records.iter().filter(|record| record.draft.run == of.map(run) && record.draft.content.is_some());
    own.map(|record| (record.lane, record.seq)).collect()
}

fn erase(case: &mut Case, places: &[Place]) {
    for (lane, seq) in places {
        let at = case.at(*lane, *seq);
        (case.records[at].draft.salt, case.records[at].draft.content) = (None, None);
    }
}

fn shrink(case: &mut Case, places: &[Place]) {
    for (lane, seq) in places {
        let at = case.at(*lane, *seq);
        case.records[at].draft = Draft::shrunk();
    }
}

fn told(run_id: Option<u64>, ranges: &[Range]) -> Value {
    json!({ "v": 1, "reason": "aufbewahrung", "run": run_id.map(|n| run(n).to_string()), "ranges": Range::to_json(ranges) })
}

/// Two runs without their contents, and a record beside runs; the erasures stand in the lane of the last and in one of their own.
pub fn erased(tenant: &str) -> Case {
    let mut book = three_lanes(tenant);
    book.open();
    for of in [Some(1), None] {
        let places = places(&book, of);
        erase(&mut book, &places);
        book.append(Draft::new(CONTENT_ERASED, "service:engine", 10_000, told(of, &Range::over(places)), None));
    }
    book.write("signin", None, None);
    book.checkpoint();
    book.open();
    let second = places(&book, Some(2));
    erase(&mut book, &second);
    book.append(Draft::new(CONTENT_ERASED, "S-1", 11_000, told(Some(2), &Range::over(second)), None));
    book.close();
    book.checkpoint();
    book
}

/// The same with one run pruned since, among it the last record of a lane that was not closed.
pub fn pruned(tenant: &str) -> Case {
    let mut book = erased(tenant);
    book.open();
    let all: Vec<Place> = book.records.iter().filter(|record| record.draft.run == Some(run(2))).map(|record| (record.lane, record.seq)).collect();
    shrink(&mut book, &all);
    let body = json!({ "v": 1, "reason": "aufbewahrung", "ranges": Range::to_json(&Range::over(all)) });
    book.append(Draft::new(RECORDS_PRUNED, "service:engine", 12_000, body, None));
    book.close();
    book.checkpoint();
    book
}

/// The index of every record that tells of a removal.
fn tellers(case: &Case) -> Vec<usize> {
    let kinds = [CONTENT_ERASED, RECORDS_PRUNED];
    (0..case.records.len()).filter(|at| kinds.contains(&case.records[*at].draft.kind.as_str())).collect()
}

/// What a record that tells of a removal may say instead.
fn other_words(v: &mut Variants<'_>) {
    for index in tellers(v.base) {
        let body: Value = v.base.records[index].draft.body().expect("a body");
        let mut say = |name: &str, change: &dyn Fn(&mut Value)| {
            let mut changed = body.clone();
            change(&mut changed);
            v.with(format!("{index}: {name}, forged"), |c| rebody(c, index, &changed.to_string()));
        };
        let (lane, first, last) = (body["ranges"][0][0].clone(), body["ranges"][0][1].clone(), body["ranges"][0][2].as_u64().expect("a place"));
        say("no ranges", &|b| drop(b.as_object_mut().expect("an object").remove("ranges")));
        say("ranges of nothing", &|b| b["ranges"] = json!([]));
        say("one range too few", &|b| drop(b["ranges"].as_array_mut().expect("a list").remove(0)));
        say("a range twice", &|b| b["ranges"].as_array_mut().expect("a list").push(json!([lane, first, last])));
        for (name, range) in [
            ("a record too many", json!([lane, first, last + 1])),
            ("one too early", json!([lane, first.as_u64().expect("a place") - 1, last])),
            ("another lane", json!([77, first, last])),
            ("lane 0", json!([0, first, last])),
            ("backwards", json!([lane, last + 1, first])),
            ("to the end of time", json!([lane, first, i64::MAX])),
            ("beyond any column", json!([lane, first, u64::MAX])),
            ("a fraction", json!([lane, 2.0, last])),
            ("two numbers", json!([lane, first])),
            ("four numbers", json!([lane, first, last, last])),
            ("a text", json!("1/2")),
            ("an object", json!({ "lane": lane })),
            ("its own place", json!([v_lane(&body), 1, 1])),
        ] {
            say(&format!("range: {name}"), &|b| b["ranges"][0] = range.clone());
        }
        for (name, value) in [
            ("another run", json!(run(3).to_string())),
            ("no run", Value::Null),
            ("a run in capitals", json!(run(1).to_string().to_uppercase())),
            ("a number", json!(7)),
        ] {
            say(&format!("run: {name}"), &|b| b["run"] = value.clone());
        }
        v.with(format!("{index}: of a run, forged"), |c| {
            (c.records[index].draft.run, c.records[index].draft.run_seq) = (Some(run(9)), Some(1));
            c.forge();
        });
        v.with(format!("{index}: of another kind, forged"), |c| {
            c.records[index].draft.kind = "signin".to_owned();
            c.forge();
        });
    }
}

fn v_lane(body: &Value) -> Value {
    body["ranges"][0][0].clone()
}

/// Erased contents: told of wrongly, told of too early, not told of, still there.
pub fn contents(v: &mut Variants<'_>) {
    other_words(v);
    let whole = three_lanes("vg");
    for index in 0..whole.records.len() {
        if whole.records[index].draft.content.is_some() {
            v.with(format!("{index}: the content is still there"), |c| c.records[index] = whole.records[index].clone());
            v.with(format!("{index}: the content of another"), |c| {
                c.records[index].draft.content = whole.records[1].draft.content.clone();
                c.records[index].draft.salt = Some([1; 16]);
            });
        }
    }
    v.with("erased before it was written, forged", |c| {
        let (teller, target) = (c.at(4, 2), c.at(4, 4));
        let body = told(None, &[Range { lane: 4, first: 4, last: 4 }]);
        c.records[teller].draft.body = body.to_string();
        c.records[target].draft.body = json!({ "v": 1, "mac": "00" }).to_string();
        c.forge();
    });
    v.with("its own content, forged", |c| {
        let teller = c.at(4, 2);
        let mut body = told(None, &[Range { lane: 4, first: 2, last: 2 }]);
        body["mac"] = json!("00");
        rebody(c, teller, &body.to_string());
    });
}

/// Pruned records: another hash, not told of, at places where none may be.
pub fn records(v: &mut Variants<'_>) {
    other_words(v);
    for index in 0..v.base.records.len() {
        v.with(format!("{index}: shrunk"), |c| c.records[index].draft = Draft::shrunk());
        v.with(format!("{index}: shrunk, the notes anew"), |c| {
            c.records[index].draft = Draft::shrunk();
            c.sign_ends();
        });
        if v.base.records[index].is_shrunk() {
            v.with(format!("{index}: another hash"), |c| c.records[index].hash[0] ^= 1);
            v.with(format!("{index}: another hash, the notes anew"), |c| {
                c.records[index].hash[0] ^= 1;
                c.sign_ends();
            });
            v.with(format!("{index}: away"), |c| drop(c.records.remove(index)));
            v.with(format!("{index}: doubled"), |c| c.records.insert(index, c.records[index].clone()));
        }
    }
}

/// Three lanes of which a backup has the first and a piece of the second; then it was restored, and goes on in a lane of its own.
pub fn restored(tenant: &str) -> Case {
    let whole = three_lanes(tenant);
    let mut book = whole.clone();
    let lost: Vec<Head> =
        [(2, 5), (3, 4)].map(|(lane, seq)| whole.at(lane, seq)).map(|at| &whole.records[at]).map(|r| Head { lane: r.lane, seq: r.seq, hash: r.hash }).into();
    book.records.truncate(whole.at(2, 3));
    book.open_above(3);
    let heads: Vec<Value> = lost.iter().map(|head| json!([head.lane, head.seq, to_hex(&head.hash)])).collect();
    book.append(Draft::new(STORE_RESTORED, "service:engine", 20_000, json!({ "v": 1, "from": 3, "to": 5, "heads": heads }), None));
    book.checkpoint();
    book.write("run.ended", Some(2), None);
    book.close();
    book.checkpoint();
    book
}

/// The gap named otherwise, or by a record nobody witnessed.
pub fn gap(v: &mut Variants<'_>) {
    let teller = v.base.at(4, 2);
    let body: Value = v.base.records[teller].draft.body().expect("a body");
    let mut say = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = body.clone();
        change(&mut changed);
        v.with(name, |c| {
            c.records[teller].draft.body = changed.to_string();
            c.reseal(true);
            c.resign_from(5);
        });
    };
    say("as it is, signed anew", &|_| {});
    say("no heads", &|b| drop(b.as_object_mut().expect("an object").remove("heads")));
    say("one lane only", &|b| drop(b["heads"].as_array_mut().expect("a list").remove(0)));
    say("the other lane only", &|b| drop(b["heads"].as_array_mut().expect("a list").remove(1)));
    say("another hash", &|b| b["heads"][0][2] = json!("00".repeat(32)));
    say("capitals", &|b| b["heads"][0][2] = json!("AB".repeat(32)));
    say("an earlier head", &|b| b["heads"][0][1] = json!(2));
    say("a later head", &|b| b["heads"][1][1] = json!(40));
    say("a head that is there", &|b| b["heads"][0] = json!([1, 3, "00".repeat(32)]));
    say("two numbers", &|b| b["heads"][0] = json!([2, 5]));
    say("the same twice", &|b| {
        let head = b["heads"][0].clone();
        b["heads"].as_array_mut().expect("a list").push(head);
    });
    v.with("of another kind", |c| {
        c.records[teller].draft.kind = "signin".to_owned();
        c.reseal(true);
        c.resign_from(5);
    });
    v.with("of a run", |c| {
        (c.records[teller].draft.run, c.records[teller].draft.run_seq) = (Some(run(9)), Some(1));
        c.reseal(true);
        c.resign_from(5);
    });
    for notes in [5, 6, 7] {
        v.with(format!("only {notes} notes at the witness"), |c| c.witness.truncate(notes));
        v.with(format!("only {notes} notes"), |c| {
            c.witness.truncate(notes);
            c.table.truncate(notes);
        });
    }
    v.with("the end cut off", |c| drop(c.records.pop()));
    v.with("more lost than is named", |c| c.records.retain(|record| (record.lane, record.seq) != (2, 2)));
}
