//! From a value back to what a browser would send: for proposals and for values known before.

use laufzettel_domain::Value;

use super::{Field, Form, Kind};
use crate::pages::shown;

impl Form {
    /// The pairs that would give `value`; fields it does not have are left out, files too.
    pub fn pairs(&self, value: &Value) -> Vec<(String, String)> {
        let fields = self.fields();
        fields.into_iter().filter_map(|f| f.path.find(value).map(|v| f.pairs(v))).flatten().collect()
    }

    /// The pairs that belong to this form, with the references of files; everything else a browser sent is dropped.
    pub fn own_pairs(&self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let names: Vec<String> = self.fields().into_iter().flat_map(Field::names).collect();
        pairs.iter().filter(|(name, value)| names.contains(name) && !value.is_empty()).cloned().collect()
    }
}

impl Field {
    pub(super) fn pairs(&self, value: &Value) -> Vec<(String, String)> {
        let name = self.name();
        let plain = shown::plain(value);
        match &self.kind {
            Kind::File { .. } => Vec::new(),
            Kind::Date => date_parts(&name, &plain),
            Kind::Consent => value.as_bool().filter(|ticked| *ticked).map(|_| (name, "ja".to_owned())).into_iter().collect(),
            Kind::YesNo => vec![(name, if value == &Value::Bool(true) { "ja" } else { "nein" }.to_owned())],
            Kind::Many(_) => value.as_array().into_iter().flatten().map(|v| (name.clone(), shown::plain(v))).collect(),
            Kind::Lines { .. } => {
                let lines: Vec<String> = value.as_array().into_iter().flatten().map(shown::plain).collect();
                vec![(name, lines.join("\n"))]
            }
            Kind::Text { .. } | Kind::Area { .. } | Kind::Number { .. } | Kind::One(_) => vec![(name, plain)],
        }
    }

    /// Whether a proposal may stand in the field already; a choice is only shown beside it.
    pub(super) fn takes_proposal(&self) -> bool {
        matches!(self.kind, Kind::Text { .. } | Kind::Area { .. } | Kind::Number { .. } | Kind::Date | Kind::Lines { .. })
    }

    fn names(&self) -> Vec<String> {
        let name = self.name();
        match self.kind {
            Kind::Date => ["tag", "monat", "jahr"].map(|part| format!("{name}.{part}")).to_vec(),
            Kind::File { .. } => vec![format!("{name}{}", super::FILE_REFERENCE)],
            _ => vec![name],
        }
    }
}

fn date_parts(name: &str, iso: &str) -> Vec<(String, String)> {
    let Ok(date) = iso.parse::<jiff::civil::Date>() else { return Vec::new() };
    let parts = [("tag", date.day().to_string()), ("monat", date.month().to_string()), ("jahr", date.year().to_string())];
    parts.into_iter().map(|(part, value)| (format!("{name}.{part}"), value)).collect()
}
