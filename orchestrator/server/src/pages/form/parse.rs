//! From what a browser sent to the JSON value the schema describes.
//!
//! Forgiving in form, not in meaning: blanks around and between digits go, a comma may stand in a number; nothing is guessed: what can be read
//! in two ways is asked again.

use std::collections::BTreeSet;

use laufzettel_domain::{Lang, Path, Text, Value, file::File, money};
use laufzettel_process::{Schema, schema::Problem};
use serde_json::{Map, json};

use super::{Choice, FILE_REFERENCE, Field, Form, Input, Kind, Line, List, Pattern, sent, times};
use crate::pages::{
    unseen,
    words::{said, word},
};

/// An answer, or why it is none.
pub(super) enum Answer {
    Empty,
    Given(Value),
    Wrong(Text),
}

impl Form {
    /// Builds the value. Problems found here come before those of the schema at the same field.
    pub fn parse(&self, pairs: &[(String, String)]) -> (Value, Vec<Problem>) {
        self.laid(pairs).read(pairs)
    }

    pub(super) fn read(&self, pairs: &[(String, String)]) -> (Value, Vec<Problem>) {
        let lined = self.one_line.then(|| self.lined(pairs));
        let pairs = lined.as_deref().unwrap_or(pairs);
        let (mut value, mut problems) = (Value::Object(Map::new()), Vec::new());
        for list in self.lists().into_iter().filter(|list| !list.entries.is_empty()) {
            let blank = vec![Value::Object(Map::new()); list.entries.len()];
            insert(&mut value, &list.path.to_string(), blank.into());
        }
        for field in self.fields() {
            let mut wrong = |message| problems.push(Problem { path: field.path.clone(), message });
            match field.read(pairs) {
                Answer::Given(answer) => insert(&mut value, &field.name(), answer),
                Answer::Wrong(message) => wrong(message),
                Answer::Empty if field.must() => field.missing().into_iter().for_each(wrong),
                Answer::Empty => {}
            }
        }
        self.add_required(&mut value);
        problems.extend(self.lists().into_iter().filter_map(few));
        (value, problems)
    }

    /// Ends of lines in a field of one line are blanks: a paragraph in a name would be one of whatever letter names it.
    fn lined(&self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let fields = self.fields();
        let lines: BTreeSet<String> = fields.into_iter().filter(|field| matches!(field.kind, Kind::Text { .. })).map(Field::name).collect();
        let one = |text: &str| {
            text.split(['\r', '\n', '\u{2028}', '\u{2029}', '\u{85}']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let line = |(name, text): &(String, String)| (name.clone(), if lines.contains(name) { one(text) } else { text.clone() });
        pairs.iter().map(line).collect()
    }

    /// The first field below `under` something was sent for, whether it can be read or not.
    pub fn first_filled(&self, under: &Path, pairs: &[(String, String)]) -> Option<Path> {
        let filled = |field: &&Field| under.covers(&field.path) && !matches!(field.read(pairs), Answer::Empty);
        self.expanded(pairs).fields().into_iter().find(filled).map(|field| field.path.clone())
    }

    /// A required object nobody filled in is there and empty: its fields, not the object, are what is missing. So is a required list.
    fn add_required(&self, value: &mut Value) {
        let objects = self.objects.iter().filter(|(_, required)| *required).map(|(path, _)| (path, Value::Object(Map::new())));
        objects.for_each(|(path, empty)| add(value, path, empty));
        let lists = self.lists().into_iter().filter(|list| list.required).map(|list| &list.path);
        let files = self.fields().into_iter().filter(|field| field.must() && matches!(field.kind, Kind::Files { .. })).map(|field| &field.path);
        for path in lists.chain(files) {
            add(value, path, Value::Array(Vec::new()));
        }
    }
}

/// Puts it there unless something is, or nothing to put it in.
fn add(value: &mut Value, path: &Path, empty: Value) {
    let above = Path(path.0[..path.0.len().saturating_sub(1)].to_vec());
    if above.find(value).is_some() && path.find(value).is_none() {
        insert(value, &path.to_string(), empty);
    }
}

/// A list with fewer entries than it needs; one that may be left out needs none.
fn few(list: &List) -> Option<Problem> {
    let entries = list.entries.len();
    if entries >= list.min || (entries == 0 && !list.required) {
        return None;
    }
    let text = |lang| word(if list.min == 1 { "list_one_missing" } else { "list_missing" }, lang).replace("{min}", &list.min.to_string());
    Some(Problem { path: list.path.clone(), message: Text::new(text(Lang::De), text(Lang::En)) })
}

impl Field {
    /// The answer, if there is one and it can be read.
    pub(super) fn answer(&self, pairs: &[(String, String)]) -> Option<Value> {
        match self.read(pairs) {
            Answer::Given(value) => Some(value),
            Answer::Empty | Answer::Wrong(_) => None,
        }
    }

    fn read(&self, pairs: &[(String, String)]) -> Answer {
        let name = self.name();
        let typed = sent(pairs, &name).map(unseen::dropped).unwrap_or_default();
        let raw = typed.trim();
        match &self.kind {
            Kind::File(_) => files(pairs, &name).pop().map_or(Answer::Empty, Answer::Given),
            Kind::Files { .. } => Some(files(pairs, &name)).filter(|files| !files.is_empty()).map_or(Answer::Empty, |files| Answer::Given(files.into())),
            Kind::Date => times::date(pairs, &name),
            Kind::Moment(zone) => times::moment(pairs, &name, zone),
            Kind::Duration => times::duration(pairs, &name),
            Kind::Many(choices) => many(pairs, &name, choices),
            _ if raw.is_empty() => Answer::Empty,
            Kind::Text { pattern: Some(pattern), .. } => patterned(raw, pattern),
            Kind::Text { input: Input::Email, .. } => email(raw),
            Kind::Text { .. } | Kind::Area { .. } => Answer::Given(raw.replace("\r\n", "\n").replace('\r', "\n").into()),
            Kind::Number { whole } => number(raw, *whole),
            Kind::Money => amount(raw).map_or_else(Answer::Wrong, |cent| Answer::Given(cent.into())),
            Kind::Consent => Answer::Given(true.into()),
            Kind::YesNo => yes_no(raw),
            Kind::One(choices) => one(raw, choices),
            Kind::Lines(line) => lines(raw, *line),
        }
    }

    /// What to say where the schema would only say that something is missing.
    fn missing(&self) -> Option<Text> {
        if self.because && !matches!(self.kind, Kind::Consent | Kind::File(_) | Kind::Files { .. }) {
            return Some(said("missing_because"));
        }
        match self.kind {
            Kind::Date => Some(said("missing_date")),
            Kind::Moment(_) => Some(said("missing_moment")),
            Kind::Consent => Some(said("missing_consent")),
            Kind::YesNo | Kind::One(_) => Some(said("missing_choice")),
            // why a file was not taken is said by whoever looked at it
            _ => None,
        }
    }
}

/// „276 0981 0423“ is what stands on the card; the pattern wants it without blanks.
fn patterned(raw: &str, Pattern { pattern, told }: &Pattern) -> Answer {
    let Ok(schema) = Schema::compile(json!({ "type": "string", "pattern": pattern })) else { return Answer::Given(raw.into()) };
    let tight: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
    for candidate in [raw, &tight, &tight.to_uppercase()] {
        if schema.is_valid(&candidate.into()) {
            return Answer::Given(candidate.into());
        }
    }
    Answer::Wrong(told.clone())
}

/// RFC 5321 allows `a@b`; no mail from here reaches anybody there. What is no address at all, the schema says.
fn email(raw: &str) -> Answer {
    match raw.rsplit_once('@') {
        Some((_, domain)) if !domain.trim_end_matches('.').contains('.') => Answer::Wrong(said("email_domain")),
        _ => Answer::Given(raw.into()),
    }
}

/// Cents of what was typed in euro.
fn amount(raw: &str) -> Result<i64, Text> {
    money::read(raw).map_err(|unread| {
        said(match unread {
            money::Unread::NoAmount => "money_none",
            money::Unread::Ambiguous => "money_ambiguous",
            money::Unread::TooFine => "money_fine",
            money::Unread::TooLarge => "money_large",
        })
    })
}

/// The files whose references came along; whether their bytes are there, the caller looks.
fn files(pairs: &[(String, String)], name: &str) -> Vec<Value> {
    let name = format!("{name}{FILE_REFERENCE}");
    let references = pairs.iter().filter(|(key, _)| *key == name);
    references.filter_map(|(_, reference)| serde_json::from_str::<File>(reference).ok()).filter_map(|file| serde_json::to_value(file).ok()).collect()
}

fn number(raw: &str, whole: bool) -> Answer {
    let tight: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
    match (tight.parse::<i64>(), whole) {
        (Ok(number), _) => Answer::Given(number.into()),
        (Err(_), _) if is_digits(tight.trim_start_matches('-')) => Answer::Wrong(said("number_large")),
        (Err(_), true) => Answer::Wrong(said("number_whole")),
        (Err(_), false) => decimal(&tight).map_or_else(|unread| Answer::Wrong(said(unread.0)), Answer::Given),
    }
}

/// Why a number is none, as a word of ours.
struct Unread(&'static str);

/// A number with a comma or a point; whole ones are whole. A mark before exactly three digits may part thousands, or be the decimal one.
fn decimal(text: &str) -> Result<Value, Unread> {
    let none = Unread("number_any");
    if let Ok(number) = text.parse::<i64>() {
        return Ok(number.into());
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let Some(last) = digits.rfind(['.', ',']) else { return Err(none) };
    let (whole, behind) = (&digits[..last], &digits[last + 1..]);
    let mark = if digits[last..].starts_with('.') { '.' } else { ',' };
    if !digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return Err(none);
    }
    let plain = match whole.find(['.', ',']) {
        None if may_be_thousands(whole, behind) => return Err(Unread("number_ambiguous")),
        None => format!("{sign}{whole}.{behind}"),
        // the same mark again and again parts thousands
        Some(_) if whole.contains(mark) && is_grouped(digits, mark) => format!("{sign}{}", digits.replace(mark, "")),
        Some(_) if !whole.contains(mark) && is_grouped(whole, if mark == '.' { ',' } else { '.' }) => {
            format!("{sign}{}.{behind}", whole.replace(['.', ','], ""))
        }
        Some(_) => return Err(none),
    };
    if let Ok(number) = plain.parse::<i64>() {
        return Ok(number.into());
    }
    let number = plain.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    number.map(Value::Number).ok_or(none)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

fn may_be_thousands(whole: &str, behind: &str) -> bool {
    (1..=3).contains(&whole.len()) && !whole.starts_with('0') && behind.len() == 3
}

fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && is_digits(first));
    first && groups.all(|group| group.len() == 3 && is_digits(group))
}

/// A number as it is typed, so that it reads in one way only.
pub(super) fn typed(number: &str) -> String {
    let parted = number.trim_start_matches('-').split_once('.');
    if parted.is_some_and(|(whole, behind)| may_be_thousands(whole, behind)) { format!("{number}0") } else { number.to_owned() }
}

fn yes_no(raw: &str) -> Answer {
    match raw {
        "ja" => Answer::Given(true.into()),
        "nein" => Answer::Given(false.into()),
        _ => Answer::Wrong(said("missing_choice")),
    }
}

fn one(raw: &str, choices: &[Choice]) -> Answer {
    match choices.iter().find(|c| c.key == raw).or_else(|| choices.iter().find(|c| as_sent(&c.key) == as_sent(raw))) {
        Some(choice) => Answer::Given(choice.value.clone()),
        None => Answer::Wrong(said("missing_choice")),
    }
}

/// A browser writes ends of lines in its own way, and what nobody sees is dropped from what is sent.
pub(super) fn as_sent(key: &str) -> String {
    unseen::dropped(key).replace("\r\n", "\n").trim().to_owned()
}

fn many(pairs: &[(String, String)], name: &str, choices: &[Choice]) -> Answer {
    let ticked = |choice: &&Choice| pairs.iter().any(|(key, value)| key == name && as_sent(value) == as_sent(&choice.key));
    let values: Vec<Value> = choices.iter().filter(ticked).map(|c| c.value.clone()).collect();
    if values.is_empty() { Answer::Empty } else { Answer::Given(values.into()) }
}

fn lines(raw: &str, line: Line) -> Answer {
    let lines = raw.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |text: &str| match line {
        Line::Text => Ok(Value::from(text)),
        Line::Whole => text.parse::<i64>().map(Value::from).map_err(|_| said("number_lines")),
        Line::Number => decimal(text).map_err(|unread| said(if unread.0 == "number_any" { "decimal_lines" } else { unread.0 })),
        Line::Date => times::line(text).map(|date| date.to_string().into()),
        Line::Money => amount(text).map(Value::from),
    };
    lines.map(read).collect::<Result<Vec<Value>, Text>>().map_or_else(Answer::Wrong, |list| Answer::Given(list.into()))
}

/// Puts files where a value speaks of some: one, or a list of them. `None` left: the field goes with them.
pub fn replace_files(value: &mut Value, path: &str, mut files: Vec<Value>) {
    let path = Path::new(path.split('.'));
    match path.find(value) {
        None => return,
        Some(Value::Array(_)) => return insert(value, &path.to_string(), files.into()),
        Some(_) => {}
    }
    if let Some(file) = files.pop() {
        return insert(value, &path.to_string(), file);
    }
    let pointer: String = path.0[..path.0.len().saturating_sub(1)].iter().map(|part| format!("/{part}")).collect();
    if let (Some(Value::Object(map)), Some(last)) = (value.pointer_mut(&pointer), path.0.last()) {
        map.remove(last);
    }
}

/// Puts `part` at a dotted path, making the objects above it; a list grows to the entry that is named. A value in the way that is
/// neither stays as it is.
pub(super) fn insert(value: &mut Value, path: &str, part: Value) {
    let mut place = value;
    for name in path.split('.') {
        let below = match place {
            Value::Object(map) => map.entry(name).or_insert(Value::Null),
            Value::Array(entries) => {
                let Some(index) = name.parse::<usize>().ok().filter(|index| *index <= entries.len()) else { return };
                if index == entries.len() {
                    entries.push(Value::Null);
                }
                &mut entries[index]
            }
            _ => return,
        };
        if below.is_null() {
            *below = Value::Object(Map::new());
        }
        place = below;
    }
    *place = part;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(schema: &Value, sent: &[(&str, &str)]) -> (Value, Vec<String>) {
        let schema = json!({ "type": "object", "properties": { "f": schema } });
        let sent: Vec<(String, String)> = sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (value, problems) = Form::of(&schema, None).unwrap().parse(&sent);
        (value["f"].clone(), problems.into_iter().map(|problem| problem.message.en).collect())
    }

    /// A German point and an English comma part thousands; nobody's number becomes a thousandth of it.
    #[test]
    fn numbers_read_in_one_way_only() {
        let (any, twice, large) = (
            "Please give a number, for example 12.5.",
            "This number can be read in two ways. Please write a whole number without point and comma, for example 1234; after a decimal point please add a zero, for example 1.2340.",
            "This number is too large. Please check it.",
        );
        for (typed, expected) in [
            ("12,5", Ok(json!(12.5))),
            ("-12.5", Ok(json!(-12.5))),
            ("1 234", Ok(json!(1234))),
            ("1.234,56", Ok(json!(1234.56))),
            ("1,234.56", Ok(json!(1234.56))),
            ("-1.234.567", Ok(json!(-1_234_567))),
            ("1.234.567,8", Ok(json!(1_234_567.8))),
            ("0,125", Ok(json!(0.125))),
            ("1,2340", Ok(json!(1.234))),
            ("1234,567", Ok(json!(1234.567))),
            ("1.234", Err(twice)),
            ("-1,234", Err(twice)),
            ("12.34,5", Err(any)),
            ("1.234,5,6", Err(any)),
            ("1.23.456", Err(any)),
            ("1e9", Err(any)),
            (".", Err(any)),
            ("99999999999999999999", Err(large)),
        ] {
            let expected = expected.map_or_else(|told: &str| (Value::Null, vec![told.to_owned()]), |value| (value, Vec::new()));
            assert_eq!(parsed(&json!({ "type": "number" }), &[("f", typed)]), expected, "{typed}");
        }
        assert_eq!(parsed(&json!({ "type": "integer" }), &[("f", "-99999999999999999999")]).1, [large]);
        assert_eq!(parsed(&json!({ "type": "array", "items": { "type": "number" } }), &[("f", "1,5\n1.234")]).1, [twice]);
        // and what stands there before reads as it is
        for number in [1.234, -12.345, 0.125, 1234.5, 1.2345] {
            assert_eq!(parsed(&json!({ "type": "number" }), &[("f", &typed(&json!(number).to_string()))]).0, json!(number));
        }
    }

    /// Whoever applies writes no paragraphs where a line is asked for: they would be paragraphs of the letter that names it.
    #[test]
    fn a_line_from_outside_is_one() {
        let schema = json!({ "type": "object", "properties": { "f": { "type": "string" }, "g": { "type": "string", "maxLength": 500 } } });
        let sent: Vec<(String, String)> =
            [("f", "Rex |\r\n\r\nZu zahlen ist nichts.\u{2028}"), ("g", "eins\r\n\r\nzwei")].map(|(name, text)| (name.into(), text.into())).into();
        for (form, line) in [(Form::paged(&schema), "Rex | Zu zahlen ist nichts."), (Form::of(&schema, None), "Rex |\n\nZu zahlen ist nichts.")] {
            assert_eq!(form.unwrap().parse(&sent).0, json!({ "f": line, "g": "eins\n\nzwei" }));
        }
    }

    /// Values of a register are as they are; a browser sends the ends of their lines in its own way, and blanks at their ends go.
    #[test]
    fn a_choice_is_known_again_however_it_is_sent() {
        let values = json!(["Hauptstr. 3 ", "oben\nunten"]);
        let one = json!({ "enum": values });
        assert_eq!(parsed(&one, &[("f", "Hauptstr. 3")]).0, json!("Hauptstr. 3 "));
        assert_eq!(parsed(&one, &[("f", "oben\r\nunten")]).0, json!("oben\nunten"));
        assert_eq!(parsed(&json!({ "type": "array", "items": one }), &[("f", "Hauptstr. 3 "), ("f", "oben\r\nunten")]).0, values);
        assert_eq!(parsed(&one, &[("f", "oben")]).1, ["Please choose one of the options."]);
    }
}
