//! What a person has surely read whole: for that she vouches.

use std::collections::BTreeMap;

use laufzettel_domain::{Label, Trust, Value};
use laufzettel_policy::Labelled;
use laufzettel_process::schema;

use super::SEEN_CHARS_MAX;

/// What a person saw whole is hers to vouch for: level and categories stay, trust rises. Of an object each leaf for itself.
/// Without a value its type must say that it is short.
pub(super) fn vouched(label: &Label, kind: Option<&Value>, value: Option<&Value>) -> Labelled {
    let short = match value {
        Some(value) => rendered_chars(value) <= SEEN_CHARS_MAX,
        None => kind.is_some_and(is_short),
    };
    let own = if short { label.clone().with_trust(Trust::Trusted) } else { label.clone() };
    let properties = kind.and_then(|k| k.get("properties")).and_then(Value::as_object).into_iter().flatten();
    let fields = properties.map(|(name, inner)| {
        let value = value.map(|v| v.get(name).unwrap_or(&Value::Null));
        (name.clone(), vouched(label, Some(inner), value))
    });
    Labelled { fields: if short && value.is_some() { BTreeMap::new() } else { fields.collect() }, own }
}

pub(crate) fn rendered_chars(value: &Value) -> usize {
    value.as_str().map_or_else(|| value.to_string().chars().count(), |text| text.chars().count())
}

/// Types whose every value a person reads at a glance: numbers, booleans, dates, enums, addresses, texts declared short.
pub(super) fn is_short(kind: &Value) -> bool {
    let text = kind.get("type") == Some(&Value::from("string"));
    let bounded = kind.get("maxLength").and_then(Value::as_u64).is_some_and(|max| max <= SEEN_CHARS_MAX as u64);
    is_value(kind) || (text && (bounded || kind.get("format") == Some(&Value::from("email"))))
}

fn is_value(kind: &Value) -> bool {
    schema::is_inert(kind) && kind.get("pattern").is_none_or(|_| kind.get("enum").is_some() || kind.get("maxLength").is_some() || bounded_pattern(kind))
}

/// Digits without `+` or `*` are as many as the pattern counts.
fn bounded_pattern(kind: &Value) -> bool {
    kind.get("pattern").and_then(Value::as_str).is_some_and(|pattern| !pattern.contains(['+', '*']) && !pattern.contains(",}"))
}
