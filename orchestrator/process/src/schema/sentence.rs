//! What a schema finds wrong, as a sentence for the person who typed it: what is expected here, and what to do.

use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind as Kind};
use laufzettel_domain::{Lang, Path, Text, Value, money};

use super::{is_cent, is_file, keywords::PATTERN_HINT, plain};

/// What is known of a field beside the keyword that is not met.
#[derive(Clone, Copy, Default)]
pub(super) struct Told<'s> {
    /// The schema the keyword stands in.
    pub own: Option<&'s Value>,
    /// Where the field is declared.
    pub declared: Option<&'s Value>,
}

impl<'s> Told<'s> {
    fn each(&self) -> impl Iterator<Item = &'s Value> {
        self.own.into_iter().chain(self.declared)
    }

    fn text(&self, key: &str) -> Option<&'s str> {
        self.each().find_map(|schema| schema.get(key)?.as_str())
    }

    /// A bound as it is written in the field.
    fn number(&self, limit: &Value, lang: Lang) -> String {
        match limit.as_i64().filter(|_| self.each().any(is_cent)) {
            Some(cent) => money::spelled(cent, lang),
            None if lang == Lang::De => plain(limit).replace('.', ","),
            None => plain(limit),
        }
    }

    fn lists_files(&self) -> bool {
        self.each().filter_map(|schema| schema.get("items")).any(is_file)
    }

    /// Whether what is listed is chosen, not written.
    fn is_choice(&self) -> bool {
        self.each().filter_map(|schema| schema.get("items")).any(|items| items.get("enum").is_some() || items.get("oneOf").is_some())
    }
}

pub(super) fn sentence(error: &ValidationError<'_>, told: &Told<'_>, path: &Path) -> Text {
    match error.kind() {
        Kind::Required { .. } if told.each().any(is_file) => Text::new("Bitte wählen Sie eine Datei aus.", "Please choose a file."),
        Kind::Required { .. } | Kind::MinLength { limit: 1 } => Text::new("Bitte ausfüllen.", "Please fill in."),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let list = unexpected.join(", ");
            Text::new(format!("Unbekanntes Feld: {list}."), format!("Unknown field: {list}."))
        }
        Kind::Enum { options } => {
            let list = options.as_array().map(|o| o.iter().map(plain).collect::<Vec<_>>().join(", ")).unwrap_or_default();
            Text::new(format!("Möglich sind: {list}."), format!("Possible: {list}."))
        }
        Kind::Constant { expected_value } if **expected_value == Value::Bool(true) => Text::new("Bitte bestätigen Sie das.", "Please confirm this."),
        Kind::Constant { expected_value } => {
            let value = plain(expected_value);
            Text::new(format!("Hier muss „{value}“ stehen."), format!("\"{value}\" must stand here."))
        }
        Kind::Type { kind } => of_type(kind),
        Kind::Format { format } => of_format(format),
        Kind::Pattern { pattern } => expected(told.text(PATTERN_HINT).or_else(|| told.text("description")), pattern),
        Kind::MinLength { .. } | Kind::MaxLength { .. } => length(error),
        Kind::Minimum { .. } | Kind::Maximum { .. } | Kind::ExclusiveMinimum { .. } | Kind::ExclusiveMaximum { .. } | Kind::MultipleOf { .. } => {
            range(error.kind(), told)
        }
        Kind::MinItems { .. } | Kind::MaxItems { .. } | Kind::UniqueItems => entries(error, told),
        _ => other(told, path),
    }
}

fn other(told: &Told<'_>, path: &Path) -> Text {
    let name = told.text("title").or_else(|| path.0.last().map(String::as_str)).unwrap_or_default();
    if name.is_empty() {
        return Text::new("Die Angaben passen so nicht zusammen. Bitte prüfen Sie sie.", "The details do not fit together. Please check them.");
    }
    Text::new(format!("„{name}“ passt so nicht. Bitte prüfen Sie die Angabe."), format!("\"{name}\" does not fit. Please check it."))
}

fn of_type(kind: &TypeKind) -> Text {
    // the library names its types for programs only
    let expected = format!("{kind:?}");
    let (de, en) = if expected.contains("Integer") {
        ("eine ganze Zahl", "a whole number")
    } else if expected.contains("Number") {
        ("eine Zahl", "a number")
    } else if expected.contains("Boolean") {
        ("ja oder nein", "yes or no")
    } else if expected.contains("Object") {
        ("ein Block mit Feldern", "an object")
    } else if expected.contains("Array") {
        ("eine Liste", "a list")
    } else {
        ("ein Text", "a text")
    };
    Text::new(format!("Hier wird {de} erwartet."), format!("Expected {en}."))
}

/// What each format looks like, by an example.
const FORMATS: [(&str, &str, &str, &str); 9] = [
    ("date", "ein Datum an: Jahr-Monat-Tag,", "a date: year-month-day,", "2026-05-10"),
    ("date-time", "Tag und Uhrzeit an,", "day and time,", "2026-05-10T09:30:00+02:00"),
    ("time", "eine Uhrzeit an,", "a time,", "09:30:00+02:00"),
    ("duration", "eine Dauer an,", "a duration,", "P14D"),
    ("email", "eine E-Mail-Adresse an,", "an e-mail address,", "name@beispiel.de"),
    ("idn-email", "eine E-Mail-Adresse an,", "an e-mail address,", "name@beispiel.de"),
    ("uri", "eine vollständige Internetadresse an,", "a whole web address,", "https://www.beispiel.de"),
    ("uuid", "eine Kennung an,", "an identifier,", "123e4567-e89b-12d3-a456-426614174000"),
    ("ipv4", "eine IP-Adresse an,", "an IP address,", "192.0.2.1"),
];

fn of_format(format: &str) -> Text {
    match FORMATS.iter().find(|(name, ..)| *name == format) {
        Some((_, de, en, example)) => Text::new(format!("Bitte geben Sie {de} zum Beispiel {example}."), format!("Please give {en} for example {example}.")),
        None => Text::new(format!("Das hat nicht die verlangte Form („{format}“)."), format!("This does not have the required form (\"{format}\").")),
    }
}

/// What the author says of a pattern beside it: `x-muster-hinweis`, else the description.
pub fn of_pattern(schema: &Value) -> Text {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    expected(text(PATTERN_HINT).or_else(|| text("description")), text("pattern").unwrap_or_default())
}

fn expected(hint: Option<&str>, pattern: &str) -> Text {
    let checked =
        |de: &str, en: &str| Text::new(format!("Bitte prüfen Sie die Eingabe. Erwartet wird: {de}"), format!("Please check what you entered. Expected: {en}"));
    match (hint, digits(pattern)) {
        (Some(hint), _) => checked(hint, hint),
        (None, Some((de, en))) => checked(&de, &en),
        (None, None) => checked(&format!("die Form {pattern}"), &format!("the form {pattern}")),
    }
}

/// „5 Ziffern“ of `^[0-9]{5}$`, the one pattern that says itself what it wants.
fn digits(pattern: &str) -> Option<(String, String)> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let count = inner.strip_prefix("[0-9]").or_else(|| inner.strip_prefix("\\d"))?.strip_prefix('{')?.strip_suffix('}')?;
    let (least, most) = count.split_once(',').unwrap_or((count, count));
    let (least, most) = (least.parse::<u32>().ok()?, most.parse::<u32>().ok()?);
    let told = |to: &str| if least == most { least.to_string() } else { format!("{least} {to} {most}") };
    Some((format!("{} Ziffern.", told("bis")), format!("{} digits.", told("to"))))
}

fn length(error: &ValidationError<'_>) -> Text {
    let chars = error.instance().as_str().map_or(0, |text| text.chars().count());
    match error.kind() {
        Kind::MinLength { limit } => Text::new(
            format!("Bitte schreiben Sie mindestens {limit} Zeichen. Bisher sind es {chars}."),
            format!("Please write at least {limit} characters. So far there are {chars}."),
        ),
        Kind::MaxLength { limit } => Text::new(
            format!("Höchstens {limit} Zeichen sind möglich, es sind {chars}. Bitte kürzen Sie den Text."),
            format!("At most {limit} characters are possible, there are {chars}. Please shorten the text."),
        ),
        _ => Text::new("Bitte prüfen Sie die Länge.", "Please check the length."),
    }
}

fn range(kind: &Kind, told: &Told<'_>) -> Text {
    let of = |limit: &Value, de: &str, en: &str| Text::new(de.replace("{}", &told.number(limit, Lang::De)), en.replace("{}", &told.number(limit, Lang::En)));
    match kind {
        Kind::Minimum { limit } => of(limit, "Bitte geben Sie mindestens {} an.", "Please give at least {}."),
        Kind::Maximum { limit } => of(limit, "Bitte geben Sie höchstens {} an.", "Please give at most {}."),
        Kind::ExclusiveMinimum { limit } => of(limit, "Bitte geben Sie mehr als {} an.", "Please give more than {}."),
        Kind::ExclusiveMaximum { limit } => of(limit, "Bitte geben Sie weniger als {} an.", "Please give less than {}."),
        Kind::MultipleOf { multiple_of } => {
            // whole steps are written as whole numbers
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole")]
            let step = if multiple_of.fract() == 0.0 { Value::from(*multiple_of as i64) } else { Value::from(*multiple_of) };
            of(&step, "Möglich sind hier nur Vielfache von {}.", "Only multiples of {} are possible here.")
        }
        _ => Text::new("Bitte prüfen Sie die Zahl.", "Please check the number."),
    }
}

fn entries(error: &ValidationError<'_>, told: &Told<'_>) -> Text {
    let items = error.instance().as_array().map_or(&[][..], Vec::as_slice);
    let there = items.len();
    match error.kind() {
        Kind::MinItems { limit: 1 } if told.is_choice() => Text::new("Bitte wählen Sie mindestens eine Möglichkeit aus.", "Please choose at least one."),
        Kind::MinItems { limit } if told.is_choice() => {
            Text::new(format!("Bitte wählen Sie mindestens {limit} Möglichkeiten aus."), format!("Please choose at least {limit}."))
        }
        Kind::MaxItems { limit: 1 } if told.is_choice() => Text::new("Bitte wählen Sie höchstens eine Möglichkeit aus.", "Please choose at most one."),
        Kind::MaxItems { limit } if told.is_choice() => Text::new(
            format!("Bitte wählen Sie höchstens {limit} Möglichkeiten aus, es sind {there}."),
            format!("Please choose at most {limit}; there are {there}."),
        ),
        Kind::MaxItems { limit: 1 } => {
            Text::new("Hier ist nur ein Eintrag möglich. Bitte streichen Sie die übrigen.", "Only one entry is possible here. Please remove the others.")
        }
        Kind::MinItems { limit: 1 } if told.lists_files() => Text::new("Bitte wählen Sie mindestens eine Datei aus.", "Please choose at least one file."),
        Kind::MinItems { limit } if told.lists_files() => Text::new(
            format!("Bitte wählen Sie mindestens {limit} Dateien aus. Bisher sind es {there}."),
            format!("Please choose at least {limit} files. So far there are {there}."),
        ),
        Kind::MinItems { limit: 1 } => Text::new("Bitte tragen Sie hier mindestens einen Eintrag ein.", "Please enter at least one entry here."),
        Kind::MinItems { limit } => Text::new(
            format!("Bitte tragen Sie hier mindestens {limit} Einträge ein. Bisher sind es {there}."),
            format!("Please enter at least {limit} entries here. So far there are {there}."),
        ),
        Kind::MaxItems { limit } => Text::new(
            format!("Höchstens {limit} Einträge sind möglich, es sind {there}. Bitte streichen Sie welche."),
            format!("At most {limit} entries are possible, there are {there}. Please remove some."),
        ),
        _ => {
            let twice = items.iter().enumerate().find(|(n, item)| items[..*n].contains(item)).map(|(_, item)| plain(item)).unwrap_or_default();
            Text::new(
                format!("Jeder Eintrag darf nur einmal vorkommen. Doppelt ist: {twice}"),
                format!("Each entry may stand here once. Twice there is: {twice}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::Schema;

    /// Every keyword a form takes: what is said where it is not met.
    #[test]
    fn each_keyword_says_what_is_expected() {
        let cent = |more: serde_json::Value| {
            let mut schema = json!({ "type": "integer", "x-einheit": "cent" });
            schema.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
            schema
        };
        for (field, value, expected) in [
            (json!({ "type": "string", "minLength": 1 }), json!(""), "Bitte ausfüllen."),
            (json!({ "type": "string", "minLength": 3 }), json!("äb"), "Bitte schreiben Sie mindestens 3 Zeichen. Bisher sind es 2."),
            (json!({ "type": "string", "maxLength": 3 }), json!("äöüß"), "Höchstens 3 Zeichen sind möglich, es sind 4. Bitte kürzen Sie den Text."),
            (
                json!({ "type": "string", "pattern": "^[0-9]{5}$", "description": "Fünf Ziffern." }),
                json!("1"),
                "Bitte prüfen Sie die Eingabe. Erwartet wird: Fünf Ziffern.",
            ),
            (
                json!({ "type": "string", "pattern": "^[0-9 ]+$", "description": "Nur für Rückfragen.", "x-muster-hinweis": "Ziffern und Leerzeichen." }),
                json!("x"),
                "Bitte prüfen Sie die Eingabe. Erwartet wird: Ziffern und Leerzeichen.",
            ),
            (json!({ "type": "string", "pattern": "^\\d{5}$" }), json!("1"), "Bitte prüfen Sie die Eingabe. Erwartet wird: 5 Ziffern."),
            (json!({ "type": "string", "pattern": "^[0-9]{3,5}$" }), json!("1"), "Bitte prüfen Sie die Eingabe. Erwartet wird: 3 bis 5 Ziffern."),
            (json!({ "type": "string", "pattern": "^[A-Z]$" }), json!("1"), "Bitte prüfen Sie die Eingabe. Erwartet wird: die Form ^[A-Z]$"),
            (json!({ "type": "string", "format": "email" }), json!("x"), "Bitte geben Sie eine E-Mail-Adresse an, zum Beispiel name@beispiel.de."),
            (json!({ "type": "string", "format": "date" }), json!("x"), "Bitte geben Sie ein Datum an: Jahr-Monat-Tag, zum Beispiel 2026-05-10."),
            (
                json!({ "type": "string", "format": "uri" }),
                json!("x"),
                "Bitte geben Sie eine vollständige Internetadresse an, zum Beispiel https://www.beispiel.de.",
            ),
            (json!({ "type": "string" }), json!(1), "Hier wird ein Text erwartet."),
            (json!({ "type": "integer" }), json!(1.5), "Hier wird eine ganze Zahl erwartet."),
            (json!({ "type": "number" }), json!("1"), "Hier wird eine Zahl erwartet."),
            (json!({ "type": "boolean" }), json!("ja"), "Hier wird ja oder nein erwartet."),
            (json!({ "type": "object" }), json!(1), "Hier wird ein Block mit Feldern erwartet."),
            (json!({ "type": "integer", "minimum": 2 }), json!(1), "Bitte geben Sie mindestens 2 an."),
            (json!({ "type": "number", "maximum": 2.5 }), json!(3), "Bitte geben Sie höchstens 2,5 an."),
            (json!({ "type": "integer", "exclusiveMinimum": 2 }), json!(2), "Bitte geben Sie mehr als 2 an."),
            (json!({ "type": "integer", "exclusiveMaximum": 2 }), json!(2), "Bitte geben Sie weniger als 2 an."),
            (json!({ "type": "integer", "multipleOf": 5 }), json!(2), "Möglich sind hier nur Vielfache von 5."),
            (cent(json!({ "minimum": 0 })), json!(-1), "Bitte geben Sie mindestens 0,00 € an."),
            (cent(json!({ "maximum": 123_456 })), json!(123_457), "Bitte geben Sie höchstens 1.234,56 € an."),
            (cent(json!({ "multipleOf": 100 })), json!(5), "Möglich sind hier nur Vielfache von 1,00 €."),
            (json!({ "enum": ["a", "b"] }), json!("c"), "Möglich sind: a, b."),
            (json!({ "const": true }), json!(false), "Bitte bestätigen Sie das."),
            (json!({ "const": "x" }), json!(false), "Hier muss „x“ stehen."),
            (json!({ "oneOf": [{ "const": 1 }], "title": "Zahl" }), json!(2), "„Zahl“ passt so nicht. Bitte prüfen Sie die Angabe."),
            (json!({ "type": "array", "minItems": 1 }), json!([]), "Bitte tragen Sie hier mindestens einen Eintrag ein."),
            (json!({ "type": "array", "minItems": 3 }), json!([1, 2]), "Bitte tragen Sie hier mindestens 3 Einträge ein. Bisher sind es 2."),
            (json!({ "type": "array", "maxItems": 1 }), json!([1, 2]), "Hier ist nur ein Eintrag möglich. Bitte streichen Sie die übrigen."),
            (json!({ "type": "array", "maxItems": 2 }), json!([1, 2, 3]), "Höchstens 2 Einträge sind möglich, es sind 3. Bitte streichen Sie welche."),
            (json!({ "type": "array", "uniqueItems": true }), json!(["a", "b", "a"]), "Jeder Eintrag darf nur einmal vorkommen. Doppelt ist: a"),
            (json!({ "type": "array", "minItems": 2, "items": { "enum": [1, 2] } }), json!([1]), "Bitte wählen Sie mindestens 2 Möglichkeiten aus."),
            (json!({ "type": "array", "maxItems": 1, "items": { "enum": [1, 2] } }), json!([1, 2]), "Bitte wählen Sie höchstens eine Möglichkeit aus."),
        ] {
            let schema = Schema::compile(json!({ "type": "object", "properties": { "f": field } })).unwrap();
            let told: Vec<_> = schema.validate(&json!({ "f": value })).into_iter().map(|p| (p.path.to_string(), p.message.de)).collect();
            assert_eq!(told, [("f".to_owned(), expected.to_owned())], "{field}");
        }
    }

    /// A bound in a branch is spoken of as where the field is declared.
    #[test]
    fn a_branch_knows_the_unit_and_the_reference_the_hint() {
        let schema = Schema::compile(json!({ "type": "object",
            "properties": { "betrag": { "type": "integer", "x-einheit": "cent" }, "plz": { "$ref": "#/$defs/plz" } },
            "if": { "required": ["plz"] }, "then": { "properties": { "betrag": { "maximum": 500 } } },
            "$defs": { "plz": { "type": "string", "pattern": "^[0-9]{5}$", "description": "Fünf Ziffern." } } }))
        .unwrap();
        let mut told: Vec<_> = schema.validate(&json!({ "betrag": 501, "plz": "x" })).into_iter().map(|p| p.message.de).collect();
        told.sort();
        assert_eq!(told, ["Bitte geben Sie höchstens 5,00 € an.", "Bitte prüfen Sie die Eingabe. Erwartet wird: Fünf Ziffern."]);
    }
}
