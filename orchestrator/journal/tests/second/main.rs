//! Two verifiers, one verdict: hundreds of journals, whole and harmed, are judged by this crate and by
//! `tests/verifier/verify.py`, which was written from `docs/journal.md` alone.

mod bits;
mod book;
mod columns;
mod files;
mod forms;
mod gone;
mod harm;

use std::collections::BTreeMap;

use laufzettel_journal::{Break, Verdict, Verifier, VerifyKey};

use crate::{
    book::{Case, living, one_lane, three_lanes},
    files::{Trial, second_opinions, unreadable},
    harm::Variants,
};

/// What a verifier says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    exit: u64,
    /// Of a break: lane, place, kind.
    broken: Option<(i64, i64, String)>,
    unanchored: Vec<String>,
    lost: Vec<String>,
}

impl Found {
    pub fn broken(lane: i64, seq: i64, what: &str) -> Self {
        Self { exit: 5, broken: Some((lane, seq, what.to_owned())), unanchored: Vec::new(), lost: Vec::new() }
    }

    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Intact { lost, .. } => Self { exit: 0, broken: None, unanchored: Vec::new(), lost: places(&lost) },
            Verdict::NotAnchored { beyond, lost, .. } => Self { exit: 6, broken: None, unanchored: places(&beyond), lost: places(&lost) },
            Verdict::Broken(Break { lane, seq, what }) => Self::broken(lane.cast_signed(), seq.cast_signed(), what.name()),
        }
    }

    fn is_whole_but_for_a_gap(&self) -> bool {
        self.exit == 0 && !self.lost.is_empty()
    }

    fn class(&self) -> &str {
        match (&self.broken, self.exit) {
            (Some((_, _, what)), _) => what,
            (None, 0) => "intact",
            _ => "not_anchored",
        }
    }
}

fn places(places: &[(u64, u64)]) -> Vec<String> {
    places.iter().map(|(lane, seq)| format!("{lane}/{seq}")).collect()
}

/// Every name, and `unreadable`, which only a file can be.
const CLASSES: [&str; 19] = [
    "body",
    "checkpoint_fork",
    "checkpoint_head",
    "checkpoint_order",
    "content",
    "content_missing",
    "erasure",
    "fork",
    "gap",
    "hash",
    "intact",
    "not_anchored",
    "note",
    "opening",
    "order",
    "run_sequence",
    "shrunk",
    "truncated",
    "unreadable",
];

fn judge(case: &Case) -> Found {
    // as whoever calls the verifier must: a key that does not read opens nothing
    let Some(key) = VerifyKey::parse(&case.key) else { return Found::broken(0, 0, "note") };
    let mut verifier = Verifier::new(&case.tenant, &case.table, &case.witness, &[key]);
    case.records.iter().for_each(|record| verifier.push(record));
    Found::of(verifier.finish(case.live))
}

fn cases() -> Vec<(String, Case)> {
    let (book, stranger, one, living) = (three_lanes("vg"), three_lanes("anderer"), one_lane("vg"), living("vg"));
    let mut lanes = Variants::of("three lanes", &book);
    harm::columns(&mut lanes);
    harm::order(&mut lanes, &stranger);
    harm::lanes(&mut lanes, &stranger);
    harm::notes(&mut lanes);
    harm::keys(&mut lanes, &stranger);
    harm::runs(&mut lanes);
    harm::contents(&mut lanes);
    forms::bodies(&mut lanes);
    forms::contents(&mut lanes);
    forms::openings(&mut lanes);
    let mut small = Variants::of("one lane", &one);
    harm::notes(&mut small);
    let mut alive = Variants::of("a living writer", &living);
    harm::notes(&mut alive);
    for live in [None, Some(1), Some(3)] {
        alive.with(format!("{live:?} alive"), |c| c.live = live);
    }
    let empty = Case::new("vg");
    let mut others = Variants::of("an empty store", &empty);
    others.with("the key of another tenant", |c| c.key.clone_from(&stranger.key));
    others.with("a key of nothing", |c| c.key.clear());
    let (erased, pruned) = (gone::erased("vg"), gone::pruned("vg"));
    let mut without = Variants::of("contents erased", &erased);
    gone::contents(&mut without);
    let mut shrunk = Variants::of("records pruned", &pruned);
    gone::records(&mut shrunk);
    let restored = gone::restored("vg");
    let mut gap = Variants::of("restored", &restored);
    gone::gap(&mut gap);
    let whole = Variants::of("another tenant", &stranger);
    [lanes.made, small.made, alive.made, others.made, without.made, shrunk.made, gap.made, whole.made].concat()
}

#[test]
fn two_verifiers_come_to_the_same_verdict() {
    let mut trials: Vec<Trial> = cases().into_iter().map(|(name, case)| Trial::of(name, &case, judge(&case))).collect();
    trials.extend(unreadable(&three_lanes("vg")));
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    trials.iter().for_each(|trial| *classes.entry(trial.expected.class()).or_default() += 1);
    println!("{} cases: {classes:?}", trials.len());
    assert!(trials.len() >= 500);
    assert!(trials.iter().any(|trial| trial.expected.is_whole_but_for_a_gap()));
    assert_eq!(classes.keys().copied().collect::<Vec<_>>(), CLASSES);
    let second = second_opinions(&trials);
    let differing: Vec<_> = trials.iter().zip(&second).filter(|(trial, second)| trial.expected != **second).map(|(t, s)| (&t.name, &t.expected, s)).collect();
    assert_eq!(differing, []);
}
