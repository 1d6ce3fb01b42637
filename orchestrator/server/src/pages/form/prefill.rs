//! From a value back to what a browser would send: for proposals and for values known before.

use std::collections::BTreeSet;

use laufzettel_domain::{Lang, Value, money};

use super::{COUNT, FILE_REFERENCE, Field, Form, Kind, Line, parse, times};
use crate::pages::shown;

/// Endings of the names of a day's three parts.
const DATE_PARTS: [&str; 3] = [".tag", ".monat", ".jahr"];

impl Form {
    /// The pairs that would give `value`; fields it does not have are left out.
    pub fn pairs(&self, value: &Value) -> Vec<(String, String)> {
        let form = self.expanded_by(&|path| path.find(value).and_then(Value::as_array).map_or(0, Vec::len));
        let lists = form.lists().into_iter().filter(|list| !list.entries.is_empty());
        let counts: Vec<_> = lists.map(|list| (format!("{}{COUNT}", list.path), list.entries.len().to_string())).collect();
        let fields = form.fields().into_iter().filter_map(|f| f.path.find(value).map(|v| f.pairs(v))).flatten();
        counts.into_iter().chain(fields).collect()
    }

    /// What a page carries on beside what stands on it itself: everything asked elsewhere, and how long the lists are.
    pub fn carried(&self, part: &Self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let shown: Vec<String> = part.shown().into_iter().flat_map(Field::names).collect();
        self.own_pairs(pairs).into_iter().filter(|(name, _)| !shown.contains(name)).collect()
    }

    /// Names under which something is typed or chosen, other than a file.
    pub fn typed_names(&self, pairs: &[(String, String)]) -> BTreeSet<String> {
        let form = self.expanded(pairs);
        let typed = form.fields().into_iter().filter(|field| !matches!(field.kind, Kind::File(_) | Kind::Files { .. }));
        typed.flat_map(Field::names).collect()
    }

    /// The pairs that belong to this form, with the references of files; everything else a browser sent is dropped.
    pub fn own_pairs(&self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let form = self.expanded(pairs);
        let counts = form.lists().into_iter().map(|list| format!("{}{COUNT}", list.path));
        let names: BTreeSet<String> = form.fields().into_iter().flat_map(Field::names).chain(counts).collect();
        pairs.iter().filter(|(name, value)| names.contains(name) && !value.is_empty()).cloned().collect()
    }
}

impl Field {
    pub(super) fn pairs(&self, value: &Value) -> Vec<(String, String)> {
        let name = self.name();
        let plain = shown::plain(value);
        match &self.kind {
            Kind::File(_) => vec![(format!("{name}{FILE_REFERENCE}"), value.to_string())],
            Kind::Files { .. } => value.as_array().into_iter().flatten().map(|file| (format!("{name}{FILE_REFERENCE}"), file.to_string())).collect(),
            Kind::Date => plain.parse().map_or_else(|_| Vec::new(), |date| times::date_pairs(&name, date)),
            Kind::Moment(zone) => times::moment_pairs(&name, &plain, zone),
            Kind::Duration => times::duration_pairs(&name, &plain),
            Kind::Consent => value.as_bool().filter(|ticked| *ticked).map(|_| (name, "ja".to_owned())).into_iter().collect(),
            Kind::YesNo => vec![(name, if value == &Value::Bool(true) { "ja" } else { "nein" }.to_owned())],
            Kind::Many(_) => value.as_array().into_iter().flatten().map(|v| (name.clone(), shown::plain(v))).collect(),
            Kind::Lines(line) => {
                let typed = |item: &Value| match line {
                    Line::Money => euro(item),
                    Line::Date => shown::day(&shown::plain(item), Lang::De),
                    Line::Number => parse::typed(&shown::plain(item)),
                    Line::Text | Line::Whole => shown::plain(item),
                };
                let lines: Vec<String> = value.as_array().into_iter().flatten().map(typed).collect();
                vec![(name, lines.join("\n"))]
            }
            Kind::Money => vec![(name, euro(value))],
            Kind::Number { whole: false } => vec![(name, parse::typed(&plain))],
            Kind::Text { .. } | Kind::Area { .. } | Kind::Number { .. } | Kind::One(_) => vec![(name, plain)],
        }
    }

    /// Whether a proposal may stand in the field already; a choice is only shown beside it.
    pub(super) fn takes_proposal(&self) -> bool {
        matches!(
            self.kind,
            Kind::Text { .. } | Kind::Area { .. } | Kind::Number { .. } | Kind::Money | Kind::Date | Kind::Moment(_) | Kind::Duration | Kind::Lines(_)
        )
    }

    pub(super) fn names(&self) -> Vec<String> {
        let name = self.name();
        match self.kind {
            Kind::Date => DATE_PARTS.map(|part| format!("{name}{part}")).to_vec(),
            Kind::Moment(_) => DATE_PARTS.into_iter().chain([times::CLOCK]).map(|part| format!("{name}{part}")).collect(),
            Kind::Duration => vec![format!("{name}{}", times::UNIT), name],
            Kind::File(_) | Kind::Files { .. } => vec![format!("{name}{FILE_REFERENCE}")],
            _ => vec![name],
        }
    }
}

/// Cents as they are typed.
fn euro(value: &Value) -> String {
    value.as_i64().map_or_else(|| shown::plain(value), money::typed)
}
