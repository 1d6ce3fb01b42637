//! From a schema to the fields of a form; what cannot be shown is refused by name.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use laufzettel_domain::{Lang, Path, Text, Value, money};
use laufzettel_process::schema::{Knot, flat, is_cent, is_file, of_pattern};

use super::{Accepted, Choice, Depth, Error, Field, Form, Group, Input, Kind, Line, List, Node, Pattern, collect};
use super::{
    branches::{Extra, in_order},
    conditions::Rule,
};
use crate::pages::shown::humanize;

/// Deepest nesting of objects a page can show.
const GROUP_DEPTH_MAX: usize = 4;
/// A text that may be longer gets several lines.
const LINE_CHARS_MAX: u64 = 200;
/// Fields of a form that stays on one page: what fits on three screens of a telephone, and is seen whole before it is sent.
const ONE_PAGE_FIELDS_MAX: usize = 10;
/// Entries of a list whose schema names no bound: more than any household or board has, few enough to go through one by one.
const ENTRIES_USUAL_MAX: usize = 20;
/// Entries of any list: the overview of fifty fits a page, and two lists within each other stay within what one form may send.
const ENTRIES_MAX: usize = 50;
/// Lists of blocks within each other: houses, their flats, who lives there, and what each earns. A reader loses the thread earlier.
const LISTS_DEPTH_MAX: usize = 4;

pub(super) struct Builder<'s> {
    /// Flat: no references but within conditions.
    pub root: &'s Value,
    objects: Vec<(Path, bool)>,
    pub rules: Vec<(Path, Rule)>,
    pub paged: bool,
}

pub(super) fn form(schema: &Value, order: Option<&[String]>, paged: bool) -> Result<Form, Error> {
    let top = &flat(schema).map_err(|Knot { path, reason }| Error { field: path.to_string(), reason })?;
    let mut builder = Builder { root: top, objects: Vec::new(), rules: Vec::new(), paged };
    let nodes = builder.object(top, &Path::default(), true, order)?;
    let sheets = if paged { sheets(nodes) } else { vec![nodes] };
    let (title, description) = (text(top, "title"), text(top, "description"));
    // several pages are asked of whoever begins something, and nothing is proposed there
    Ok(Form { title, description, sheets, objects: builder.objects, rules: builder.rules, one_line: paged })
}

/// A page for every group at the top, and one for the loose fields between two of them.
fn sheets(nodes: Vec<Node>) -> Vec<Vec<Node>> {
    let mut fields = Vec::new();
    collect(&nodes, Depth::Templates, &mut fields);
    if fields.len() <= ONE_PAGE_FIELDS_MAX && !nodes.iter().any(has_list) {
        return vec![nodes];
    }
    let (mut sheets, mut loose) = (Vec::new(), Vec::new());
    for node in nodes {
        if !matches!(node, Node::Group(_)) {
            loose.push(node);
            continue;
        }
        sheets.extend((!loose.is_empty()).then(|| std::mem::take(&mut loose)));
        sheets.push(vec![node]);
    }
    sheets.extend((!loose.is_empty()).then_some(loose));
    sheets
}

fn has_list(node: &Node) -> bool {
    match node {
        Node::Field(_) => false,
        Node::Group(group) => group.nodes.iter().any(has_list),
        Node::List(_) => true,
    }
}

impl<'s> Builder<'s> {
    fn object(&mut self, schema: &'s Value, path: &Path, reached: bool, order: Option<&[String]>) -> Result<Vec<Node>, Error> {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return if accepts_nothing(schema) {
                Ok(Vec::new())
            } else {
                Err(refuse(path, "ein Objekt ohne erklärte Felder (properties)", "an object without declared properties"))
            };
        };
        if path.0.iter().filter(|part| *part != Path::EACH).count() > GROUP_DEPTH_MAX {
            return Err(refuse(path, "zu tief ineinander", "nested too deeply"));
        }
        let required = strings(schema, "required");
        let extra = self.branches(schema, path)?;
        let further = extra.iter().map(|field| (field.name.clone(), field.schema));
        let all: BTreeMap<String, &'s Value> = properties.iter().map(|(name, schema)| (name.clone(), schema)).chain(further).collect();
        if let Some(lost) = required.iter().find(|name| !all.contains_key(*name)) {
            let (de, en) = (
                "es wird verlangt und steht nicht in properties: Niemand könnte es angeben",
                "it is required and does not stand in properties: nobody could give it",
            );
            return Err(refuse(&path.child(lost), de, en));
        }
        let own = strings(schema, "x-reihenfolge");
        let order = order.or((!own.is_empty()).then_some(own.as_slice()));
        let mut nodes = Vec::new();
        for name in ordered(&all, &required, order, &extra) {
            let inner = path.child(&name);
            check_name(&name, &inner)?;
            let place = Place { must: required.contains(&name), reached };
            if is_read_only(all[&name], &inner, place)? {
                continue;
            }
            self.property(all[&name], inner, place, &mut nodes)?;
        }
        Ok(nodes)
    }

    fn property(&mut self, schema: &'s Value, path: Path, place: Place, nodes: &mut Vec<Node>) -> Result<(), Error> {
        if !is_object(schema) {
            let group = text(schema, "x-gruppe");
            if let Some(items) = blocks(schema) {
                let list = Node::List(self.entries(schema, items, path, place)?);
                put(nodes, group, list);
                return Ok(());
            }
            let field = Node::Field(self.field(schema, path, place)?);
            put(nodes, group, field);
            return Ok(());
        }
        self.objects.push((path.clone(), place.must));
        let title = text(schema, "x-gruppe").or_else(|| text(schema, "title")).unwrap_or_else(|| named(&path));
        let inner = self.object(schema, &path, place.reached && place.must, None)?;
        if let Some(group) = group_mut(nodes, &title) {
            group.nodes.extend(inner);
            return Ok(());
        }
        let (hint, help) = (text(schema, "description"), text(schema, "x-hilfe"));
        nodes.push(Node::Group(Group { path: Some(path), title, hint, help, optional: !place.must, nodes: inner }));
        Ok(())
    }

    fn field(&self, schema: &'s Value, path: Path, place: Place) -> Result<Field, Error> {
        let kind = self.kind(schema, &path)?;
        Ok(Field {
            title: text(schema, "title").unwrap_or_else(|| named(&path)),
            hint: text(schema, "description"),
            help: text(schema, "x-hilfe"),
            kind,
            required: place.must,
            reached: place.reached,
            conditional: !place.must && self.rules.iter().any(|(known, _)| *known == path),
            because: false,
            path,
        })
    }

    fn entries(&mut self, schema: &'s Value, items: &'s Value, path: Path, place: Place) -> Result<List, Error> {
        if !self.paged {
            return Err(refuse(
                &path,
                "eine Liste von Blöcken braucht eigene Seiten, und die hat nur ein Antrag",
                "a list of blocks needs pages of its own, which only an application has",
            ));
        }
        if path.0.iter().filter(|part| *part == Path::EACH).count() >= LISTS_DEPTH_MAX {
            return Err(refuse(
                &path,
                format!("Listen von Blöcken ineinander, mehr als {LISTS_DEPTH_MAX}"),
                format!("lists of blocks within each other, more than {LISTS_DEPTH_MAX}"),
            ));
        }
        let (min, max) = bounds(schema, &path)?;
        let title = text(schema, "title").unwrap_or_else(|| named(&path));
        Ok(List {
            entry: text(items, "title").unwrap_or_else(|| title.clone()),
            title,
            hint: text(schema, "description"),
            help: text(schema, "x-hilfe"),
            required: place.must && place.reached,
            min,
            max,
            template: self.object(items, &path.child(Path::EACH), true, None)?,
            entries: Vec::new(),
            path,
        })
    }

    fn kind(&self, schema: &'s Value, path: &Path) -> Result<Kind, Error> {
        if is_file(schema) {
            return Ok(Kind::File(accepted(schema)));
        }
        if kind_word(schema) == Some("array") {
            return self.list(schema, path);
        }
        if let Some(choices) = choices(schema, path)? {
            return Ok(Kind::One(choices));
        }
        match kind_word(schema) {
            Some("boolean") if schema.get("const") == Some(&Value::Bool(true)) => Ok(Kind::Consent),
            _ if schema.get("const").is_some() => Err(refuse(path, "ein fester Wert (const) ist keine Frage", "a constant is not a question")),
            Some("boolean") => Ok(Kind::YesNo),
            Some("integer") if is_cent(schema) => Ok(Kind::Money),
            Some("integer") => Ok(Kind::Number { whole: true }),
            Some("number") => Ok(Kind::Number { whole: false }),
            Some("string") => string(schema, path),
            Some(other) => Err(refuse(path, format!("für den Typ „{other}“ gibt es keine Eingabe"), format!("there is no input for the type „{other}“"))),
            None => Err(refuse(path, "es hat weder einen Typ noch eine Auswahl", "it has neither a type nor choices")),
        }
    }

    fn list(&self, schema: &'s Value, path: &Path) -> Result<Kind, Error> {
        if let Some(choices) = choices(schema, path)? {
            return Ok(Kind::Many(choices));
        }
        let items = schema.get("items").ok_or_else(|| refuse(path, "eine Liste, deren Einträge kein Schema haben", "a list whose items have no schema"))?;
        if let Some(choices) = choices(items, path)? {
            return Ok(Kind::Many(choices));
        }
        if is_file(items) {
            let (min, max) = bounds(schema, path)?;
            return Ok(Kind::Files { accepted: accepted(items), min, max });
        }
        match (kind_word(items), items.get("format").and_then(Value::as_str)) {
            (Some("string"), None | Some("email" | "uri")) => Ok(Kind::Lines(Line::Text)),
            (Some("integer"), _) if is_cent(items) => Ok(Kind::Lines(Line::Money)),
            (Some("integer"), _) => Ok(Kind::Lines(Line::Whole)),
            (Some("number"), _) => Ok(Kind::Lines(Line::Number)),
            (Some("string"), Some("date")) => Ok(Kind::Lines(Line::Date)),
            _ => Err(refuse(
                path,
                "eine Liste von anderem als kurzen Texten, Zahlen, Tagen, Dateien, Blöcken oder einer Auswahl; was sonst in ihr steht, geht als Feld eines Blocks",
                "a list of anything but short texts, numbers, days, files, blocks or choices; what else stands in it can be a field of a block",
            )),
        }
    }
}

fn accepted(schema: &Value) -> Accepted {
    Accepted { media_types: strings(schema, "x-media-types"), max_bytes: schema.get("x-max-bytes").and_then(Value::as_u64) }
}

/// Least and most entries of a list.
fn bounds(schema: &Value, path: &Path) -> Result<(usize, usize), Error> {
    let number = |key: &str| schema.get(key).and_then(Value::as_u64).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let (min, max) = (number("minItems").unwrap_or(0), number("maxItems").unwrap_or(ENTRIES_USUAL_MAX).min(ENTRIES_MAX));
    if min > max {
        return Err(refuse(
            path,
            format!("eine Liste, die {min} Einträge braucht; ein Formular nimmt höchstens {max}"),
            format!("a list that needs {min} entries; a form takes at most {max}"),
        ));
    }
    Ok((min, max))
}

#[derive(Clone, Copy)]
struct Place {
    must: bool,
    reached: bool,
}

fn string(schema: &Value, path: &Path) -> Result<Kind, Error> {
    let max = schema.get("maxLength").and_then(Value::as_u64);
    let input = match schema.get("format").and_then(Value::as_str) {
        Some("date") => return Ok(Kind::Date),
        Some("date-time") => return Ok(Kind::Moment(TimeZone::UTC)),
        Some("duration") => return Ok(Kind::Duration),
        // RFC 3339 wants an offset with it, and a time on no day has none
        Some("time") => {
            return Err(refuse(
                path,
                "eine Uhrzeit ohne Tag hat keine Zeitzone, und „format: time“ verlangt eine; nehmen Sie „date-time“ oder einen Text mit „pattern“ und „x-muster-hinweis“",
                "a time without a day has no time zone, and „format: time“ wants one; use „date-time“ or a text with „pattern“ and „x-muster-hinweis“",
            ));
        }
        Some("email") => Input::Email,
        _ if matches!(path.0.last().map(String::as_str), Some("telefon" | "telefonnummer" | "mobil")) => Input::Tel,
        _ => Input::Text,
    };
    if input == Input::Text && max.is_some_and(|max| max > LINE_CHARS_MAX) {
        return Ok(Kind::Area { max });
    }
    let pattern = text(schema, "pattern").map(|pattern| Pattern { pattern, told: of_pattern(schema) });
    Ok(Kind::Text { input, pattern, max })
}

/// `x-auswahl` (resolved to a list), `oneOf` or `anyOf` of constants, or `enum`; titles from `oneOf` where an enum has none.
fn choices(schema: &Value, path: &Path) -> Result<Option<Vec<Choice>>, Error> {
    match schema.get("x-auswahl") {
        Some(Value::Array(items)) => return Ok(Some(items.iter().map(offered).collect())),
        Some(_) => return Err(refuse(path, "die Auswahl aus „x-auswahl“ ist noch keine Liste", "the choices of „x-auswahl“ are not a list yet")),
        None => {}
    }
    let Some(titled) = constants(schema) else {
        let (de, en) = ("„oneOf“ und „anyOf“ an einem Feld müssen Werte nennen (const)", "„oneOf“ and „anyOf“ at a field must name values (const)");
        return Err(refuse(path, de, en));
    };
    let Some(values) = schema.get("enum").and_then(Value::as_array) else {
        return Ok((!titled.is_empty()).then_some(titled));
    };
    if values.is_empty() {
        return Err(refuse(path, "seine Auswahl ist leer", "it has nothing to choose from"));
    }
    let amount = |value: &Value| value.as_i64().filter(|_| is_cent(schema)).map(|cent| money::spelled(cent, Lang::De));
    let label = |value: &Value| titled.iter().find(|c| c.value == *value).cloned().unwrap_or_else(|| choice(value, amount(value)));
    let choices: Vec<Choice> = values.iter().filter(|v| !v.is_null()).map(label).collect();
    // what would read the same is told apart as the author wrote it
    let apart = |choice: &Choice| match choices.iter().filter(|other| other.text == choice.text).count() {
        1 => choice.clone(),
        _ => Choice { text: choice.key.clone(), ..choice.clone() },
    };
    Ok(Some(choices.iter().map(apart).collect()))
}

/// The values that `oneOf` or `anyOf` name. `None`: something else stands there, too, which nobody could be asked.
fn constants(schema: &Value) -> Option<Vec<Choice>> {
    ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten().map(titled).collect()
}

/// Another sets it (JSON Schema 2020-12, Validation 9.4): nobody is asked.
fn is_read_only(schema: &Value, path: &Path, place: Place) -> Result<bool, Error> {
    let fixed = schema.get("readOnly") == Some(&Value::Bool(true));
    if fixed && place.must {
        let (de, en) = ("es ist nur zu lesen (readOnly) und doch Pflicht: Niemand könnte es angeben", "it is readOnly and yet required: nobody could give it");
        return Err(refuse(path, de, en));
    }
    Ok(fixed)
}

/// What the entries of a list of blocks are, where it is one.
fn blocks(schema: &Value) -> Option<&Value> {
    schema.get("items").filter(|items| kind_word(schema) == Some("array") && schema.get("x-auswahl").is_none() && is_object(items))
}

fn offered(item: &Value) -> Choice {
    match item.get("wert") {
        Some(value) => choice(value, text(item, "text")),
        None => choice(item, Some(key(item))),
    }
}

fn titled(item: &Value) -> Option<Choice> {
    item.get("const").map(|value| choice(value, text(item, "title")))
}

fn choice(value: &Value, title: Option<String>) -> Choice {
    Choice { key: key(value), text: title.unwrap_or_else(|| humanize(&key(value))), value: value.clone() }
}

fn key(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Into the group of this name, which is made where it is first named.
fn put(nodes: &mut Vec<Node>, group: Option<String>, node: Node) {
    let Some(title) = group else { return nodes.push(node) };
    match group_mut(nodes, &title) {
        Some(group) => group.nodes.push(node),
        None => nodes.push(Node::Group(Group { path: None, title, hint: None, help: None, optional: false, nodes: vec![node] })),
    }
}

fn group_mut<'n>(nodes: &'n mut [Node], title: &str) -> Option<&'n mut Group> {
    nodes.iter_mut().find_map(|node| match node {
        Node::Group(group) if group.title == title => Some(group),
        _ => None,
    })
}

/// The given order; else what is required as listed there, then the rest by name, consent last of all. What stands in a branch only follows
/// what decides about it.
fn ordered(properties: &BTreeMap<String, &Value>, required: &[String], order: Option<&[String]>, extra: &[Extra<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let given = order.unwrap_or_default().iter();
    for name in given.chain(required).chain(properties.keys()) {
        if properties.contains_key(name) && !names.contains(name) {
            names.push(name.clone());
        }
    }
    if order.is_none() {
        names.sort_by_key(|name| properties[name].get("const") == Some(&Value::Bool(true)));
        in_order(&mut names, extra);
    }
    names
}

/// Names become parts of dotted paths and of ids; those with an underscore in front are the pages' own.
fn check_name(name: &str, path: &Path) -> Result<(), Error> {
    let plain = !name.is_empty() && !name.starts_with('_') && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain {
        Ok(())
    } else {
        Err(refuse(
            path,
            "sein Name darf nur Buchstaben, Ziffern, „_“ und „-“ haben und nicht mit „_“ beginnen",
            "its name may hold letters, digits, „_“ and „-“ only, and no „_“ in front",
        ))
    }
}

pub(super) fn is_object(schema: &Value) -> bool {
    !is_file(schema) && (kind_word(schema) == Some("object") || (kind_word(schema).is_none() && schema.get("properties").is_some()))
}

fn accepts_nothing(schema: &Value) -> bool {
    schema == &Value::Bool(true) || schema.get("additionalProperties") == Some(&Value::Bool(false)) || schema.as_object().is_some_and(serde_json::Map::is_empty)
}

/// The one type beside `null`.
fn kind_word(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(word) => Some(word),
        Value::Array(words) => {
            let mut words = words.iter().filter_map(Value::as_str).filter(|w| *w != "null");
            words.next().filter(|_| words.next().is_none())
        }
        _ => None,
    }
}

fn text(schema: &Value, key: &str) -> Option<String> {
    schema.get(key).and_then(Value::as_str).map(str::to_owned)
}

pub(super) fn strings(schema: &Value, key: &str) -> Vec<String> {
    schema.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn named(path: &Path) -> String {
    humanize(path.0.last().map_or("", String::as_str))
}

pub(super) fn refuse(path: &Path, de: impl Into<String>, en: impl Into<String>) -> Error {
    Error { field: path.to_string(), reason: Text::new(de, en) }
}
