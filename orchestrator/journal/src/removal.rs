//! What may be missing from a journal: contents that were erased and records that were pruned. Missing is fine exactly where a
//! later record beside runs names it; this file keeps the account. It removes nothing itself.

use std::collections::BTreeMap;

use laufzettel_domain::RunId;
use serde_json::{Map, Value, json};

use crate::{Record, record::is_place};

/// Kind of the record beside runs that names contents erased: `{ by, reason, run?, ranges: [[lane, first, last], …] }`.
pub const CONTENT_ERASED: &str = "content.erased";
/// Kind of the record beside runs that names records shrunk to lane, seq and hash: `{ by, reason, ranges }`.
pub const RECORDS_PRUNED: &str = "records.pruned";

/// Where a record stands: lane and seq.
pub type Place = (u64, u64);

/// Records of one lane that follow each other, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub lane: u64,
    pub first: u64,
    pub last: u64,
}

impl Range {
    /// The fewest ranges over places that come in ascending order.
    pub fn over(places: impl IntoIterator<Item = Place>) -> Vec<Self> {
        let mut ranges: Vec<Self> = Vec::new();
        for (lane, seq) in places {
            match ranges.last_mut() {
                Some(range) if range.lane == lane && range.last + 1 == seq => range.last = seq,
                _ => ranges.push(Self { lane, first: seq, last: seq }),
            }
        }
        ranges
    }

    /// How many records it names.
    pub fn count(&self) -> u64 {
        self.last - self.first + 1
    }

    /// As a body has it.
    pub fn to_json(ranges: &[Self]) -> Value {
        ranges.iter().map(|range| json!([range.lane, range.first, range.last])).collect()
    }

    fn read(body: &Map<String, Value>) -> Option<Vec<Self>> {
        let one = |range: &Value| {
            let [lane, first, last] = range.as_array()?.as_slice() else { return None };
            let range = Self { lane: lane.as_u64()?, first: first.as_u64()?, last: last.as_u64()? };
            (is_place(range.lane, range.first) && is_place(range.lane, range.last) && range.first <= range.last).then_some(range)
        };
        body.get("ranges")?.as_array()?.iter().map(one).collect()
    }
}

/// Something missing, and whether a record has named it.
#[derive(Debug, Clone)]
struct Gone {
    run: Option<RunId>,
    named: bool,
}

/// Everything missing so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removals {
    contents: BTreeMap<Place, Gone>,
    records: BTreeMap<Place, Gone>,
}

impl Removals {
    pub fn content_is_missing(&mut self, record: &Record) {
        self.contents.insert((record.lane, record.seq), Gone { run: record.draft.run, named: false });
    }

    pub fn record_is_shrunk(&mut self, record: &Record) {
        self.records.insert((record.lane, record.seq), Gone { run: None, named: false });
    }

    /// Takes the word of a record that tells of a removal. `None`: it tells of something that is not so.
    pub fn told(&mut self, record: &Record, body: &Map<String, Value>) -> Option<()> {
        match (record.draft.run, record.draft.kind.as_str()) {
            (None, CONTENT_ERASED) => {
                let run = named_run(body)?;
                Range::read(body)?.iter().try_for_each(|range| self.erased(range, run))
            }
            (None, RECORDS_PRUNED) => Range::read(body)?.iter().try_for_each(|range| self.pruned(range)),
            _ => Some(()),
        }
    }

    /// Each record named is one of that run without its content, or has been pruned since.
    fn erased(&mut self, range: &Range, run: Option<RunId>) -> Option<()> {
        let (from, to) = ((range.lane, range.first), (range.lane, range.last));
        let mut found = self.records.range(from..=to).count() as u64;
        for (_, gone) in self.contents.range_mut(from..=to).filter(|(_, gone)| gone.run == run) {
            gone.named = true;
            found += 1;
        }
        (found == range.count()).then_some(())
    }

    fn pruned(&mut self, range: &Range) -> Option<()> {
        let mut found = 0;
        for (_, gone) in self.records.range_mut((range.lane, range.first)..=(range.lane, range.last)) {
            gone.named = true;
            found += 1;
        }
        (found == range.count()).then_some(())
    }

    /// The first thing missing that no record has named, and whether it is a whole record.
    pub fn unnamed(&self) -> Option<(Place, bool)> {
        let first = |gone: &BTreeMap<Place, Gone>| gone.iter().find(|(_, gone)| !gone.named).map(|(place, _)| *place);
        let (content, record) = (first(&self.contents).map(|place| (place, false)), first(&self.records).map(|place| (place, true)));
        content.into_iter().chain(record).min()
    }
}

/// The run an erasure is about; records beside runs where it names none. `None` where that does not read.
fn named_run(body: &Map<String, Value>) -> Option<Option<RunId>> {
    match body.get("run") {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => RunId::parse(text).filter(|run| run.to_string() == *text).map(Some),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_the_fewest_ranges() {
        let range = |lane, first, last| Range { lane, first, last };
        for (places, expected) in [
            (vec![], vec![]),
            (vec![(1, 2)], vec![range(1, 2, 2)]),
            (vec![(1, 2), (1, 3), (1, 5)], vec![range(1, 2, 3), range(1, 5, 5)]),
            (vec![(1, 2), (2, 3), (2, 4)], vec![range(1, 2, 2), range(2, 3, 4)]),
        ] {
            assert_eq!(Range::over(places.clone()), expected, "{places:?}");
        }
    }
}
