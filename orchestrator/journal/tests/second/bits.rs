//! Every single bit of a journal, in every column and every note: turned, it is found.

use laufzettel_journal::{Record, Verdict, Verifier, VerifyKey};

use crate::{
    book::Case,
    columns::{COLUMNS, bytes, put, turned},
};

/// Fifty records in two lanes, with two notes: the first lane ended by a crash.
fn fifty() -> Case {
    let mut book = Case::new("vg");
    book.open();
    (0..24).for_each(|n| book.write("step.completed", Some(n % 3), (n % 2 == 0).then_some("Rex")));
    book.open();
    (0..11).for_each(|n| book.write("step.completed", Some(n % 3), (n % 4 == 0).then_some("Bello")));
    book.checkpoint();
    (0..12).for_each(|_| book.write("signin", None, None));
    book.close();
    book.checkpoint();
    assert_eq!(book.records.len(), 50);
    book
}

fn keys(case: &Case) -> [VerifyKey; 1] {
    [VerifyKey::parse(&case.key).expect("the book's own key")]
}

/// The verdict from a verifier that has seen what comes before.
fn is_broken<'r>(mut verifier: Verifier, rest: impl IntoIterator<Item = &'r Record>) -> bool {
    rest.into_iter().for_each(|record| verifier.push(record));
    matches!(verifier.finish(None), Verdict::Broken(_))
}

/// Whether a changed record is found; the table is read in the order of lane and place.
fn is_found(case: &Case, index: usize, changed: &Record, blank: &Verifier, before: &Verifier) -> bool {
    let old = &case.records[index];
    let (ahead, behind) = (&case.records[..index], &case.records[index + 1..]);
    if (old.lane, old.seq) == (changed.lane, changed.seq) {
        return is_broken(before.clone(), std::iter::once(changed).chain(behind));
    }
    let mut all: Vec<&Record> = ahead.iter().chain([changed]).chain(behind).collect();
    all.sort_by_key(|record| (record.lane, record.seq));
    is_broken(blank.clone(), all)
}

#[test]
fn every_bit_of_fifty_records_is_found() {
    let case = fifty();
    let blank = Verifier::new("vg", &case.table, &case.witness, &keys(&case));
    assert!(!is_broken(blank.clone(), &case.records));
    let (mut turns, mut unseen, mut before) = (0, Vec::new(), blank.clone());
    for (index, record) in case.records.iter().enumerate() {
        for column in COLUMNS {
            let stored = bytes(record, column).unwrap_or_default();
            for bit in 0..stored.len() * 8 {
                turns += 1;
                let mut changed = record.clone();
                // a row that cannot be read is refused before anything is verified
                let reads = put(&mut changed, column, turned(&stored, bit)).is_some();
                if reads && !is_found(&case, index, &changed, &blank, &before) {
                    unseen.push(format!("record {index}, {column}, bit {bit}"));
                }
            }
        }
        before.push(record);
    }
    println!("{turns} bits of records turned");
    assert_eq!(unseen, Vec::<String>::new());
}

#[test]
fn every_bit_of_the_notes_is_found() {
    let case = fifty();
    let (mut turns, mut unseen) = (0, Vec::new());
    for (index, note) in case.table.iter().enumerate() {
        for bit in 0..note.len() * 8 {
            turns += 1;
            let Ok(changed) = String::from_utf8(turned(note.as_bytes(), bit)) else { continue };
            let mut notes = case.table.clone();
            notes[index] = changed;
            for (list, table, witness) in [("table", &notes, &case.witness), ("witness", &case.table, &notes), ("both", &notes, &notes)] {
                if !is_broken(Verifier::new("vg", table, witness, &keys(&case)), &case.records) {
                    unseen.push(format!("note {index}, bit {bit}, {list}"));
                }
            }
        }
    }
    println!("{turns} bits of notes turned");
    assert_eq!(unseen, Vec::<String>::new());
}
