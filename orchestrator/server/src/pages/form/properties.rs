//! For any value of a schema: spelled into the form and read back it is the same, and no page loses what stands on another.

use std::collections::BTreeSet;

use laufzettel_domain::{Value, file::File};
use laufzettel_process::{
    Schema,
    schema::{flat, is_file},
};
use proptest::{prelude::*, string::string_regex, test_runner::TestCaseResult};
use serde_json::{Map, json};

use super::*;

const SCHEMAS: [&str; 4] = [
    include_str!("../../../../../schemas/hundesteuer-anmeldung.schema.json"),
    include_str!("../../../../../schemas/gewerbeanmeldung.schema.json"),
    include_str!("../../../../../schemas/wohngeld-vollstaendigkeit.schema.json"),
    r##"{ "type": "object", "required": ["beginn"], "properties": {
        "beginn": { "$ref": "#/$defs/moment", "title": "Beginn" }, "ende": { "$ref": "#/$defs/moment" },
        "dauer": { "type": "string", "format": "duration" }, "tage": { "type": "array", "items": { "type": "string", "format": "date" } },
        "masse": { "type": "array", "items": { "type": "number" } } },
        "$defs": { "moment": { "type": "string", "format": "date-time" } } }"##,
];

fn any_of(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return proptest::sample::select(values.clone()).boxed();
    }
    if let Some(only) = schema.get("const") {
        return Just(only.clone()).boxed();
    }
    let number = |key: &str, usual: i64| schema.get(key).and_then(Value::as_i64).unwrap_or(usual);
    match schema["type"].as_str().expect("schemas of forms say their types") {
        _ if is_file(schema) => string_regex("[a-z]{1,9}").unwrap().prop_map(|name| file(&name)).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" => (number("minimum", -1_000)..=number("maximum", 1_000_000)).prop_map(Value::from).boxed(),
        "number" => (100 * number("minimum", -10)..=100 * number("maximum", 10_000)).prop_map(hundredths).boxed(),
        "array" => some_of(schema, number("minItems", 0), number("maxItems", 3).min(3)),
        "object" => object_of(schema),
        _ => text_of(schema),
    }
}

/// Whole numbers are whole however they are written.
fn hundredths(n: i64) -> Value {
    if n % 100 == 0 { json!(n / 100) } else { format!("{}{}.{:02}", if n < 0 { "-" } else { "" }, n.abs() / 100, n.abs() % 100).parse::<f64>().unwrap().into() }
}

fn file(name: &str) -> Value {
    serde_json::to_value(File::describe(&format!("{name} (1).pdf"), "application/pdf", name.as_bytes())).unwrap()
}

fn some_of(schema: &Value, min: i64, max: i64) -> BoxedStrategy<Value> {
    let (min, max) = (usize::try_from(min).unwrap(), usize::try_from(max).unwrap());
    proptest::collection::vec(any_of(&schema["items"]), min..=max).prop_map(Value::from).boxed()
}

/// Optional fields are there or not; one that is there and holds nothing is the same as one that is not.
fn object_of(schema: &Value) -> BoxedStrategy<Value> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let field = |(name, schema): (&String, &Value)| {
        let (name, must) = (name.clone(), required.contains(&name.as_str()));
        let empty = |value: &Value| value == &json!([]) || value == &json!({});
        let kept = move |(value, there): (Value, bool)| (must || (there && !empty(&value))).then(|| (name.clone(), value));
        (any_of(schema), any::<bool>()).prop_map(kept).boxed()
    };
    let fields: Vec<_> = schema["properties"].as_object().unwrap().iter().map(field).collect();
    fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>())).boxed()
}

fn text_of(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        let inner = pattern.trim_start_matches('^').trim_end_matches('$');
        return string_regex(inner).unwrap().prop_filter("blanks at the ends go", |text| text.trim() == text).prop_map(Value::from).boxed();
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => (0_i64..40_000).prop_map(|days| (jiff::civil::date(1920, 1, 1) + jiff::Span::new().days(days)).to_string().into()).boxed(),
        // a form that was told no zone asks by the clock of UTC
        Some("date-time") => {
            (0_i64..2_000_000_000).prop_map(|at| jiff::Timestamp::from_second(at).unwrap().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into()).boxed()
        }
        Some("duration") => (0_u32..100_000, proptest::sample::select(vec!["PT_M", "PT_H", "P_D", "P_W", "P_M", "P_Y"]))
            .prop_map(|(number, unit)| unit.replace('_', &number.to_string()).into())
            .boxed(),
        Some("email") => string_regex("[a-z]{1,9}@[a-z]{1,9}\\.example").unwrap().prop_map(Value::from).boxed(),
        _ => string_regex("[A-Za-zÄß0-9\"'<>&.=+%-]([ -~]{0,15}[A-Za-zÄß0-9\"'<>&.;])?").unwrap().prop_map(with_minimum(schema)).boxed(),
    }
}

fn with_minimum(schema: &Value) -> impl Fn(String) -> Value + use<> {
    let min = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let max = schema.get("maxLength").and_then(Value::as_u64).unwrap_or(u64::MAX);
    move |text| {
        let padded = text.clone() + &"x".repeat(usize::try_from(min).unwrap().saturating_sub(text.chars().count()));
        padded.chars().take(usize::try_from(max).unwrap_or(usize::MAX)).collect::<String>().trim_end().into()
    }
}

/// Every place of a form, entries too.
fn places(form: &Form) -> Vec<Place> {
    let entries = form.lists().into_iter().flat_map(|list| (0..list.entries.len()).map(|n| Place::Entry(list.path.child(&n.to_string()))));
    form.pages().into_iter().map(Place::Page).chain(entries).collect()
}

fn holds(schema: &Value, value: &Value) -> TestCaseResult {
    let form = Form::paged(schema).unwrap();
    let pairs = form.pairs(value);
    let (back, problems) = form.parse(&pairs);
    prop_assert_eq!((&back, problems), (value, vec![]));
    prop_assert_eq!(Schema::compile(schema.clone()).unwrap().validate(value), vec![]);
    let expanded = form.expanded(&pairs);
    let all: BTreeSet<&(String, String)> = pairs.iter().collect();
    for place in places(&expanded) {
        let part = expanded.part(&place).unwrap().form;
        let names: Vec<String> = part.shown().into_iter().flat_map(Field::names).collect();
        let carried = expanded.carried(&part, &pairs);
        let shown = pairs.iter().filter(|(name, _)| names.contains(name));
        prop_assert_eq!(carried.iter().chain(shown).collect::<BTreeSet<_>>(), all.clone(), "{}", place);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_goes_through_the_form_and_back((which, value) in (0..SCHEMAS.len()).prop_flat_map(|n| {
        (Just(n), any_of(&flat(&serde_json::from_str(SCHEMAS[n]).unwrap()).unwrap()))
    })) {
        holds(&serde_json::from_str(SCHEMAS[which]).unwrap(), &value)?;
    }
}
