//! Pages of runs: which ranges of which index a page reads, and how the ranges become one list. Pure; refuses to look further
//! than a page is worth, and says where to go on instead.

use std::{cmp::Reverse, collections::BTreeMap};

use laufzettel_domain::RunId;

use crate::contract::{RUNS_PAGE_MAX, RunFilter, RunPage, RunRow};

/// Rows a page looks at in all: some milliseconds of a reader, and four times the longest page. What fits a rare filter beyond
/// them is on a later page.
pub(crate) const EXAMINED_MAX: u32 = 2000;
/// Rows of one range at least: whoever is in more than forty units still gets on.
const RANGE_MIN: u32 = 50;

/// One range of one index, newest run first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Range {
    All,
    /// Column and value; there is an index over the column and the run.
    Of(&'static str, String),
}

/// The fewest rows that surely hold everything asked for.
pub(crate) fn ranges(filter: &RunFilter) -> Vec<Range> {
    let of = |column, value: &String| Range::Of(column, value.clone());
    if let Some(nummer) = &filter.nummer {
        return vec![of("nummer", nummer)];
    }
    // what has ended well is most of everything: any other range is shorter
    let rare = filter.state.as_ref().filter(|state| *state != "completed");
    match (rare, filter.processes.as_slice(), &filter.unit, &filter.sight) {
        (Some(state), _, _, None) => vec![of("state", state)],
        (_, [_, ..], _, _) => filter.processes.iter().map(|process| of("process", process)).collect(),
        (_, _, Some(unit), _) => vec![of("unit", unit)],
        (_, _, _, Some(sight)) => sight.units.iter().map(|unit| of("unit", unit)).chain([of("subject", &sight.subject)]).collect(),
        _ => match &filter.state {
            Some(state) => vec![of("state", state)],
            None => vec![Range::All],
        },
    }
}

/// Rows to read of each of so many ranges.
pub(crate) fn share(ranges: usize) -> u32 {
    let ranges = u32::try_from(ranges.max(1)).unwrap_or(u32::MAX);
    (EXAMINED_MAX / ranges).max(RANGE_MIN)
}

/// What was read of one range; `cut`: there may be more of it.
#[derive(Debug)]
pub(crate) struct Part {
    pub rows: Vec<RunRow>,
    pub cut: bool,
}

pub(crate) fn fits(filter: &RunFilter, row: &RunRow) -> bool {
    let is = |wanted: &Option<String>, value: &String| wanted.as_ref().is_none_or(|wanted| wanted == value);
    is(&filter.state, &row.state)
        && is(&filter.unit, &row.unit)
        && is(&filter.nummer, &row.nummer)
        && (filter.processes.is_empty() || filter.processes.contains(&row.process))
        && filter.sight.as_ref().is_none_or(|sight| sight.subject == row.subject || sight.units.contains(&row.unit))
        && filter.before.is_none_or(|before| row.run < before)
}

/// One list of several ranges, as far as all of them have been read.
pub(crate) fn page(filter: &RunFilter, parts: Vec<Part>, keep: &(dyn Fn(&RunRow) -> bool + Send + Sync)) -> RunPage {
    let examined = parts.iter().map(|part| part.rows.len() as u64).sum();
    // below it there is a range nobody has read yet
    let horizon = parts.iter().filter(|part| part.cut).filter_map(|part| part.rows.last()).map(|row| row.run).max();
    let all: BTreeMap<Reverse<RunId>, RunRow> = parts.into_iter().flat_map(|part| part.rows).map(|row| (Reverse(row.run), row)).collect();
    let mut found = all.into_values().filter(|row| horizon.is_none_or(|horizon| row.run >= horizon) && fits(filter, row) && keep(row));
    let rows: Vec<RunRow> = found.by_ref().take(filter.limit.clamp(1, RUNS_PAGE_MAX) as usize).collect();
    let next = if found.next().is_some() { rows.last().map(|row| row.run) } else { horizon };
    RunPage { rows, next, examined }
}
