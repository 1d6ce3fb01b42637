//! What is found in a value raises its label: whoever wrote it may have declared less.

use laufzettel_domain::{Label, Value};
use laufzettel_policy::{Labelled, detect, detect_field};

/// Raises a tree by what is found in the value: patterns of accounts, tax and insurance numbers, addresses.
pub fn raise_found(tree: &Labelled, value: &Value, own_domains: &[String]) -> Labelled {
    raise_named(None, tree, value, own_domains)
}

/// `name`: of the field the value stands in, which may announce what it is.
fn raise_named(name: Option<&String>, tree: &Labelled, value: &Value, own_domains: &[String]) -> Labelled {
    let Value::Object(map) = value else { return tree.raise(&found_in(name, value, own_domains)) };
    let rest: serde_json::Map<String, Value> = map.iter().filter(|(name, _)| !tree.fields.contains_key(*name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let fields = tree.fields.iter().map(|(name, inner)| {
        let raised = map.get(name).map_or_else(|| inner.clone(), |value| raise_named(Some(name), inner, value, own_domains));
        (name.clone(), raised)
    });
    Labelled { own: tree.own.join(&detect(&Value::Object(rest), own_domains)), fields: fields.collect() }
}

pub(super) fn found_in(name: Option<&String>, value: &Value, own_domains: &[String]) -> Label {
    match name {
        Some(name) => detect_field(name, value, own_domains),
        None => detect(value, own_domains),
    }
}
