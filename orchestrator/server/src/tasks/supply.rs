//! What a person is asked in a task, and how her answer is read. Where she may supply the value of a step that failed, or of a call nobody
//! knows the outcome of, it is asked for field by field, by that step's own schema, and handed on as the text the engine takes. Where no
//! schema is known, or a form cannot ask by it, the text itself is asked for.
//!
//! The engine holds the value against the same schema once more; nothing here is trusted.

use laufzettel_domain::{Lang, Path, Value, names::Phase};
use laufzettel_engine::{Task, TaskKind};
use laufzettel_process::{Schema, model::StepKind, schema::Problem};
use laufzettel_worker::{Loaded, task_kind};
use serde_json::{Map, json};

use super::form_of;
use crate::pages::{
    Filled, Form,
    form::FormView,
    words::{said, word, worded},
};

/// The field of the engine's own forms that takes a value, as JSON in a text.
const VALUE: &str = "wert";
/// Characters of a free text: as many as the engine takes of the whole value (`repair::value_field`).
const TEXT_CHARS_MAX: u64 = 20_000;
/// Names of fields the hint of the text names: more than a value people write by hand has.
const NAMES_MAX: usize = 12;

/// A task's form, and what becomes of its answer.
pub struct Asking {
    pub form: Form,
    /// Titles of what the page words itself, in the reader's language; all others are an author's.
    own: Vec<String>,
    /// The value is asked for field by field.
    value: Option<Supplied>,
}

struct Supplied {
    /// Which choice asks for it: a field of the form, and what stands in it.
    field: &'static str,
    choice: Value,
    schema: Schema,
    /// What nobody is asked: the engine's own, beside what the author declared.
    implied: Option<(&'static str, Value)>,
    /// The engine takes it for nothing if nothing is filled in.
    may_lack: bool,
}

impl Asking {
    /// `None`: the task cannot be shown as a form at all.
    pub fn of(loaded: &Loaded, task: &Task, lang: Lang) -> Option<Self> {
        let own = worded(&task.opened.form, task_kind(&task.opened), lang);
        if task.opened.form.pointer(&format!("/properties/{VALUE}")).is_none() || !matches!(task.opened.kind, TaskKind::Repair | TaskKind::Doubt) {
            if task.opened.kind == TaskKind::Human {
                return Some(Self { form: form_of(loaded, task)?, own: Vec::new(), value: None });
            }
            return Self::plain(&own);
        }
        // of what was taken back there is no value
        if task.opened.path.as_ref().is_some_and(|path| path.phase == Phase::Undo) {
            let mut form = own;
            without(&mut form, VALUE);
            return Self::plain(&form);
        }
        let Some((schema, implied)) = schema_of(loaded, task) else { return in_text(&own, None, lang) };
        let may_lack = task.opened.path.as_ref().is_some_and(|path| path.call > 0);
        let asking = by_field(&own, &task.opened.kind, &schema, implied, may_lack).or_else(|| in_text(&own, Some(&schema), lang))?;
        Some(Self { form: asking.form.in_zone(&loaded.prepared.context.zone()), ..asking })
    }

    /// What the engine asks and nothing beside.
    fn plain(form: &Value) -> Option<Self> {
        Some(Self { form: Form::of(form, None).ok()?, own: titles(form), value: None })
    }

    /// As it is read.
    pub fn view(&self, filled: &Filled<'_>, lang: Lang) -> FormView {
        self.form.view(filled, lang).spoken(|title| self.own.iter().any(|own| own == title))
    }

    /// It asks for what the author's form asks for, and for no value beside.
    pub fn is_plain(&self) -> bool {
        self.value.is_none()
    }

    /// The value out of its fields, as the engine takes it; what is wrong with it stands at its fields. `pairs` as they were sent.
    pub fn settle(&self, pairs: &[(String, String)], values: &mut Value, problems: &mut Vec<Problem>) {
        let Some(supplied) = &self.value else { return };
        let given = values.as_object_mut().and_then(|map| map.remove(VALUE));
        let of_value = |problem: &Problem| problem.path.root() == VALUE;
        if values.get(supplied.field) != Some(&supplied.choice) {
            // whoever chose something else is not asked for it; what she filled in all the same nobody throws away, whether it reads or not
            problems.retain(|problem| !of_value(problem));
            let filled = self.form.first_filled(&Path::new([VALUE]), pairs);
            let chosen = values.get(supplied.field).is_some();
            problems.extend(filled.filter(|_| chosen).map(|path| Problem { path, message: said("supplied_unasked") }));
            return;
        }
        let Some(value) = supplied.whole(given) else { return };
        let known: Vec<Path> = problems.iter().map(|problem| problem.path.clone()).collect();
        let wrong = supplied.schema.validate(&value).into_iter().map(|problem| Problem { path: below(&problem.path), ..problem });
        problems.extend(wrong.filter(|problem| !known.contains(&problem.path)));
        if !problems.iter().any(of_value) {
            values[VALUE] = value.to_string().into();
        }
    }
}

impl Supplied {
    /// `None`: nothing is filled in, and nothing needs to be.
    fn whole(&self, given: Option<Value>) -> Option<Value> {
        if given.is_none() && self.may_lack {
            return None;
        }
        let mut value = given.unwrap_or_else(|| if self.schema.root["type"] == "array" { json!([]) } else { json!({}) });
        if let (Some((name, implied)), Some(map)) = (&self.implied, value.as_object_mut()) {
            map.insert((*name).to_owned(), implied.clone());
        }
        Some(value)
    }
}

/// A place in the value as a place in the form.
fn below(path: &Path) -> Path {
    Path::new(std::iter::once(VALUE.to_owned()).chain(path.0.iter().cloned()))
}

/// What the value looks like, as far as anybody declared it; and what of it is the engine's own.
fn schema_of(loaded: &Loaded, task: &Task) -> Option<(Schema, Option<(&'static str, Value)>)> {
    let (id, types) = (&task.opened.step, &loaded.prepared.context.types);
    let of_step = || types.steps.get(id).cloned();
    let schema = match &task.opened.path {
        None => of_step()?,
        Some(path) if path.call > 0 => {
            let target = &loaded.run.effects.get(path)?.intent.target;
            types.offered.get(target).and_then(|tool| tool.output.clone())?
        }
        // of `each` the step's value is the list
        Some(path) if path.item > 0 => Schema::compile(of_step()?.root.get("items")?.clone()).ok()?,
        Some(_) => of_step()?,
    };
    let implied = match &loaded.prepared.process.steps.get(id)?.kind {
        StepKind::Rules(_) => Some(("rule", json!({}))),
        StepKind::Wait(_) => Some(("timed_out", Value::Bool(false))),
        _ => None,
    };
    let implied = implied.filter(|(name, _)| schema.root.pointer(&format!("/properties/{name}")).is_some());
    (schema.root != Value::Bool(true)).then_some((schema, implied))
}

/// `None`: a form cannot ask by this schema, or it would have to take files, whose bytes nobody would keep.
fn by_field(form: &Value, kind: &TaskKind, schema: &Schema, implied: Option<(&'static str, Value)>, may_lack: bool) -> Option<Asking> {
    let (field, choice) = match kind {
        TaskKind::Repair => ("entscheidung", json!("wert")),
        _ => ("geschehen", json!(true)),
    };
    let said = |key: &str| form["properties"][VALUE][key].as_str().unwrap_or_default();
    let (title, hint) = (said("title"), said("description"));
    let mut asked = schema.root.clone();
    if let Some((name, _)) = &implied {
        without(&mut asked, name);
    }
    let definitions = asked.as_object_mut().and_then(|map| map.remove("$defs"));
    let map = asked.as_object_mut()?;
    map.insert("title".to_owned(), title.into());
    let own = map.get("description").and_then(Value::as_str).map_or_else(|| hint.to_owned(), |own| format!("{hint} {own}"));
    map.insert("description".to_owned(), own.into());
    widen(&mut asked);
    let mut form = form.clone();
    form["properties"][VALUE] = asked;
    if let Some(definitions) = definitions {
        form["$defs"] = definitions;
    }
    if !may_lack {
        form["allOf"] = json!([{ "if": { "required": [field], "properties": { field: { "const": choice } } }, "then": { "required": [VALUE] } }]);
    }
    let own = titles(&form);
    let form = Form::of(&form, Some(&[field.to_owned(), VALUE.to_owned()])).ok().filter(|form| form.files().is_empty())?;
    Some(Asking { form, own, value: Some(Supplied { field, choice, schema: schema.clone(), implied, may_lack }) })
}

/// Of the fields the engine asks by itself.
fn titles(form: &Value) -> Vec<String> {
    let fields = form.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    fields.filter_map(|field| Some(field.get("title")?.as_str()?.to_owned())).collect()
}

/// What is called a text has several lines, where nothing says otherwise.
fn widen(schema: &mut Value) {
    let free = |field: &Value| field["type"] == "string" && ["maxLength", "format", "pattern", "enum", "const"].iter().all(|key| field.get(key).is_none());
    if let Some(field) = schema.pointer_mut("/properties/text").filter(|field| free(field)) {
        field["maxLength"] = TEXT_CHARS_MAX.into();
    }
}

fn without(schema: &mut Value, name: &str) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove(name);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|known| known != name);
    }
}

/// The text itself, with the names of the fields it needs.
fn in_text(form: &Value, schema: Option<&Schema>, lang: Lang) -> Option<Asking> {
    let mut form = form.clone();
    let field = form.pointer_mut(&format!("/properties/{VALUE}"))?;
    let own = |key: &str| word(key, lang);
    field["title"] = format!("{}, {}", field["title"].as_str().unwrap_or_default(), own("eigen_wert_json")).into();
    let hint = format!("{} {}", field["description"].as_str().unwrap_or_default(), own("eigen_wert_json_hinweis"));
    field["description"] = match schema.map(shape).filter(|shape| !shape.is_empty()) {
        Some(shape) => format!("{hint} {} {shape}", own("eigen_wert_json_form")).into(),
        None => hint.into(),
    };
    Asking::plain(&form)
}

/// `{"art": …, "betrag": …}`
fn shape(schema: &Schema) -> String {
    let empty = Map::new();
    let (one, list) = match schema.root.get("items") {
        Some(items) => (items, true),
        None => (&schema.root, false),
    };
    let names = one.get("properties").and_then(Value::as_object).unwrap_or(&empty).keys().take(NAMES_MAX).map(|name| format!("\"{name}\": …"));
    let names: Vec<String> = names.collect();
    match (names.is_empty(), list) {
        (true, _) => String::new(),
        (false, true) => format!("[{{{}}}, …]", names.join(", ")),
        (false, false) => format!("{{{}}}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repair() -> Value {
        json!({ "type": "object", "additionalProperties": false, "required": ["entscheidung"], "properties": {
            "entscheidung": { "title": "Was soll geschehen?", "enum": ["erneut", "wert"] },
            "wert": { "title": "Wert", "type": "string", "maxLength": 20_000 } } })
    }

    fn doubt() -> Value {
        json!({ "type": "object", "required": ["geschehen"], "properties": { "geschehen": { "type": "boolean" }, "wert": { "type": "string" } } })
    }

    fn schema(root: Value) -> Schema {
        Schema::compile(root).unwrap()
    }

    fn sent(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The value as the engine takes it, or where it is wrong.
    fn settled(asking: &Asking, pairs: &[(&str, &str)]) -> Result<Option<Value>, Vec<String>> {
        let (mut values, mut problems) = asking.form.parse(&sent(pairs));
        asking.settle(&sent(pairs), &mut values, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.message.de)).collect());
        }
        Ok(values.get(VALUE).map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap()))
    }

    #[test]
    fn a_value_is_asked_for_field_by_field() {
        let declared = schema(
            json!({ "type": "object", "additionalProperties": false, "required": ["art", "am"], "$defs": { "tag": { "type": "string", "format": "date" } },
            "properties": { "art": { "enum": ["bestimmt", "unklar"] }, "am": { "$ref": "#/$defs/tag" }, "text": { "type": "string" },
                "orte": { "type": "array", "items": { "type": "string" } }, "innen": { "type": "object", "required": ["zahl"], "properties": { "zahl": { "type": "integer", "minimum": 1 } } } } }),
        );
        let asking = by_field(&repair(), &TaskKind::Repair, &declared, None, false).unwrap();
        let whole = [
            ("entscheidung", "wert"),
            ("wert.art", "bestimmt"),
            ("wert.am.tag", "1"),
            ("wert.am.monat", "2"),
            ("wert.am.jahr", "2026"),
            ("wert.text", "eins\r\nzwei"),
            ("wert.orte", "Bellheim\nZeiskam"),
            ("wert.innen.zahl", "7"),
        ];
        let expected = json!({ "art": "bestimmt", "am": "2026-02-01", "text": "eins\nzwei", "orte": ["Bellheim", "Zeiskam"], "innen": { "zahl": 7 } });
        for (pairs, expected) in [
            (whole.to_vec(), Ok(Some(expected))),
            (vec![("entscheidung", "erneut"), ("wert.am.tag", " "), ("wert.art", "")], Ok(None)),
            // half a day is a value that was begun
            (vec![("entscheidung", "erneut"), ("wert.am.tag", "31")], Err(vec![format!("wert.am: {}", said("supplied_unasked").de)])),
            (
                vec![("entscheidung", "wert"), ("wert.am.tag", "31"), ("wert.am.monat", "2"), ("wert.am.jahr", "2026"), ("wert.innen.zahl", "0")],
                Err(vec![
                    "wert.art: Bitte wählen Sie eine der Möglichkeiten aus.".to_owned(),
                    "wert.am: Dieses Datum gibt es nicht. Bitte prüfen Sie Tag und Monat.".to_owned(),
                    "wert.innen.zahl: Bitte geben Sie mindestens 1 an.".to_owned(),
                ]),
            ),
        ] {
            assert_eq!(settled(&asking, &pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn what_the_engine_adds_by_itself_is_asked_of_nobody() {
        let declared =
            schema(json!({ "type": "object", "required": ["cent", "rule"], "properties": { "cent": { "type": "integer" }, "rule": { "type": "object" } } }));
        let asking = by_field(&repair(), &TaskKind::Repair, &declared, Some(("rule", json!({}))), false).unwrap();
        let whole = settled(&asking, &[("entscheidung", "wert"), ("wert.cent", "7000")]);
        assert_eq!(whole, Ok(Some(json!({ "cent": 7000, "rule": {} }))));
    }

    #[test]
    fn of_what_happened_the_outcome_may_be_told() {
        let declared = schema(json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" }, "cent": { "type": "integer" } } }));
        for (may_lack, pairs, expected) in [
            (false, vec![("geschehen", "ja"), ("wert.id", "D-1")], Ok(Some(json!({ "id": "D-1" })))),
            // a number of a receipt, and that it never happened: a second call would follow
            (false, vec![("geschehen", "nein"), ("wert.id", "D-1")], Err(vec![format!("wert.id: {}", said("supplied_unasked").de)])),
            (false, vec![("geschehen", "nein"), ("wert.cent", "viel")], Err(vec![format!("wert.cent: {}", said("supplied_unasked").de)])),
            (false, vec![("geschehen", "nein")], Ok(None)),
            (false, vec![("geschehen", "ja")], Err(vec!["wert.id: Bitte ausfüllen.".to_owned()])),
            (true, vec![("geschehen", "ja")], Ok(None)),
        ] {
            let asking = by_field(&doubt(), &TaskKind::Doubt, &declared, None, may_lack).unwrap();
            assert_eq!(settled(&asking, &pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn where_no_form_can_ask_the_text_is_asked_for_and_says_what_it_is() {
        let blocks = json!({ "type": "array", "items": { "type": "object", "properties": { "wer": { "type": "string" } } } });
        let file = json!({ "type": "object", "properties": { "datei": { "type": "object", "format": "file" } } });
        for (root, shape) in [
            (json!({ "type": "object", "properties": { "treffer": blocks.clone() } }), "So sieht der Wert aus: {\"treffer\": …}"),
            (blocks, "So sieht der Wert aus: [{\"wer\": …}, …]"),
            (file, "So sieht der Wert aus: {\"datei\": …}"),
            (json!({ "type": "object" }), "hilft."),
        ] {
            let declared = schema(root.clone());
            assert!(by_field(&repair(), &TaskKind::Repair, &declared, None, false).is_none(), "{root}");
            let view = in_text(&worded(&repair(), "repair", Lang::De), Some(&declared), Lang::De).unwrap().form.view(&Filled::default(), Lang::De);
            let json = serde_json::to_string(&view).unwrap();
            assert!(json.contains("technischer Schreibweise (JSON)") && json.contains(&shape.replace('"', "\\\"")), "{json}");
        }
    }
}
