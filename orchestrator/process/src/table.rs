//! Decision tables: versioned rows outside the flow, chosen by key, validity and condition. Pure.

use std::collections::BTreeMap;

use jiff::civil::Date;
use laufzettel_domain::{
    Digest, Document, Findings, Node, Place, Text, Value,
    document::{self, Fields, Kind},
    finding,
};

use crate::{
    expression::{self, Expression, Scope, Template},
    schema::Schema,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub name: String,
    pub source: String,
    pub key: Vec<String>,
    pub hit: Hit,
    pub result: Option<Schema>,
    pub rows: Vec<Row>,
    /// The file it was read from, and the digest of its text: changing a row asks for a new release.
    pub file: String,
    pub digest: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    Unique,
    First,
    Collect,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Values of the key columns in the table's order; `None` = `"*"`, any other: such a row speaks for keys no row names wholly, whether
    /// or not that row holds on the day. A fee that has run out is a gap, and no case for the rest.
    pub key: Vec<Option<Value>>,
    pub gueltig_ab: Date,
    pub gueltig_bis: Option<Date>,
    pub when: Option<Expression>,
    pub result: Template,
    pub at: Place,
}

/// Why a table gave no result. The texts name key and date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("Tabelle {table}: keine Zeile für {key} am {stichtag}")]
    NoRow { table: String, key: String, stichtag: String },
    #[error("Tabelle {table}: mehr als eine Zeile für {key} am {stichtag} (Zeilen {first} und {second})")]
    TwoRows { table: String, key: String, stichtag: String, first: usize, second: usize },
    #[error("Tabelle {table}: das Argument „{name}“ fehlt")]
    MissingArgument { table: String, name: String },
    #[error("Tabelle {table}: „{0}“ ist kein Stichtag (ISO-Datum)", table = .1)]
    BadDay(String, String),
    #[error("Tabelle {table}, Zeile {row}: {message}")]
    Row { table: String, row: usize, message: String },
}

impl Table {
    /// Reads a table. `None` when nothing usable stands there; the findings say why.
    pub fn read(text: &str, findings: &mut Findings) -> Option<Self> {
        let document = document::parse(text, findings)?;
        let table = read_table(&document, text, findings);
        if let Some(table) = &table {
            table.check(findings);
        }
        table
    }

    /// The result for `with` (object of arguments). `today` is the day of the run's start, used when no `stichtag` is given.
    pub fn decide(&self, with: &Value, today: Date, zeitzone: &str) -> Result<Value, Error> {
        let key = self.key_of(with)?;
        let stichtag = self.stichtag(with, today)?;
        let rows = self.matching(&key, stichtag, with, zeitzone)?;
        let shown = || self.key.iter().zip(&key).map(|(name, v)| format!("{name}={}", plain(v))).collect::<Vec<_>>().join(", ");
        match (self.hit, rows.as_slice()) {
            (Hit::Unique | Hit::First, []) => Err(Error::NoRow { table: self.name.clone(), key: shown(), stichtag: stichtag.to_string() }),
            (Hit::Unique, [first, second, ..]) => {
                Err(Error::TwoRows { table: self.name.clone(), key: shown(), stichtag: stichtag.to_string(), first: first + 1, second: second + 1 })
            }
            (Hit::Unique | Hit::First, [row, ..]) => self.result_of(*row, with, zeitzone),
            (Hit::Collect, rows) => {
                let all: Result<Vec<_>, _> = rows.iter().map(|row| self.result_of(*row, with, zeitzone)).collect();
                Ok(serde_json::json!({ "zeilen": all?, "rule": { "table": self.name, "version": self.digest.to_string() } }))
            }
        }
    }

    fn key_of(&self, with: &Value) -> Result<Vec<Value>, Error> {
        self.key.iter().map(|name| with.get(name).cloned().ok_or_else(|| Error::MissingArgument { table: self.name.clone(), name: name.clone() })).collect()
    }

    fn stichtag(&self, with: &Value, today: Date) -> Result<Date, Error> {
        match with.get("stichtag") {
            None | Some(Value::Null) => Ok(today),
            Some(Value::String(text)) => text.get(..10).and_then(|day| day.parse().ok()).ok_or_else(|| Error::BadDay(text.clone(), self.name.clone())),
            Some(other) => Err(Error::BadDay(other.to_string(), self.name.clone())),
        }
    }

    fn matching(&self, key: &[Value], day: Date, with: &Value, zeitzone: &str) -> Result<Vec<usize>, Error> {
        let named = self.rows.iter().any(|row| !row.is_wildcard() && row.fits(key));
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| row.is_wildcard() != named && row.fits(key)) {
            let valid = row.gueltig_ab <= day && row.gueltig_bis.is_none_or(|until| day <= until);
            if !valid {
                continue;
            }
            if let Some(when) = &row.when {
                let scope = row_scope(with, zeitzone);
                if !when.is_true(&scope).map_err(|e| self.row_error(index, &e))? {
                    continue;
                }
            }
            found.push(index);
        }
        Ok(found)
    }

    fn result_of(&self, index: usize, with: &Value, zeitzone: &str) -> Result<Value, Error> {
        let row = &self.rows[index];
        let mut result = row.result.evaluate(&row_scope(with, zeitzone)).map_err(|e| self.row_error(index, &e))?;
        if let Some(schema) = &self.result
            && let Some(problem) = schema.validate(&result).into_iter().next()
        {
            return Err(Error::Row { table: self.name.clone(), row: index + 1, message: format!("{}: {}", problem.path, problem.message.de) });
        }
        if let Value::Object(map) = &mut result {
            let rule = serde_json::json!({ "table": self.name, "version": self.digest.to_string(), "row": index + 1 });
            map.insert("rule".to_owned(), rule);
        }
        Ok(result)
    }

    fn row_error(&self, index: usize, error: &expression::Error) -> Error {
        Error::Row { table: self.name.clone(), row: index + 1, message: error.to_string() }
    }

    /// Whether every result is constant: then an inert choice among them is the author's own words.
    pub fn is_constant(&self) -> bool {
        self.rows.iter().all(|row| matches!(row.result, Template::Const(_)))
    }

    /// Rows that can never speak, or not as the table says; gaps and overlaps in validity, per key, among rows without a condition
    /// of their own.
    fn check(&self, findings: &mut Findings) {
        for (index, row) in self.rows.iter().enumerate() {
            self.check_row(index, row, findings);
        }
        let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.when.is_none()) {
            let key = row.key.iter().map(|k| k.as_ref().map_or("*".to_owned(), plain)).collect::<Vec<_>>().join(", ");
            groups.entry(key).or_default().push(row);
        }
        for (key, mut rows) in groups {
            rows.sort_by_key(|row| row.gueltig_ab);
            for pair in rows.windows(2) {
                self.check_pair(&key, pair[0], pair[1], findings);
            }
        }
    }

    fn check_row(&self, index: usize, row: &Row, findings: &mut Findings) {
        let key = format!("rows[{}]", index + 1);
        if let Some(until) = row.gueltig_bis.filter(|until| *until < row.gueltig_ab) {
            let text = Text::new(
                format!("Diese Zeile gilt nie: gueltig_bis ({until}) liegt vor gueltig_ab ({}).", row.gueltig_ab),
                format!("This row never holds: gueltig_bis ({until}) is before gueltig_ab ({}).", row.gueltig_ab),
            );
            findings.error("LZ322", row.at, key.clone(), text);
        }
        if let (Some(schema), Template::Const(value)) = (&self.result, &row.result)
            && let Some(problem) = schema.validate(value).into_iter().next()
        {
            let text = Text::new(
                format!("Das Ergebnis dieser Zeile passt nicht zu „result“ der Tabelle: {}: {}", problem.path, problem.message.de),
                format!("The result of this row does not fit the table's `result`: {}: {}", problem.path, problem.message.en),
            );
            findings.error("LZ323", row.at, key, text);
        }
    }

    fn check_pair(&self, key: &str, earlier: &Row, later: &Row, findings: &mut Findings) {
        let overlap = earlier.gueltig_bis.is_none_or(|until| until >= later.gueltig_ab);
        let gap = earlier.gueltig_bis.and_then(|until| until.tomorrow().ok()).is_some_and(|next| next < later.gueltig_ab);
        if overlap && self.hit == Hit::Unique {
            findings.error(
                "LZ320",
                later.at,
                format!("rows ({key})"),
                Text::new(
                    format!(
                        "Für {key} gelten am {} zwei Zeilen zugleich (die andere steht in Zeile {}). Die ältere braucht ein „gueltig_bis“ davor.",
                        later.gueltig_ab, earlier.at.line
                    ),
                    format!(
                        "Two rows hold for {key} on {} (the other is in line {}). The older one needs a `gueltig_bis` before it.",
                        later.gueltig_ab, earlier.at.line
                    ),
                ),
            );
        }
        if gap {
            let until = earlier.gueltig_bis.unwrap_or(earlier.gueltig_ab);
            findings.error(
                "LZ321",
                later.at,
                format!("rows ({key})"),
                Text::new(
                    format!("Für {key} gilt zwischen {until} und {} keine Zeile.", later.gueltig_ab),
                    format!("No row holds for {key} between {until} and {}.", later.gueltig_ab),
                ),
            );
        }
    }
}

impl Row {
    fn is_wildcard(&self) -> bool {
        self.key.iter().any(Option::is_none)
    }

    fn fits(&self, key: &[Value]) -> bool {
        self.key.iter().zip(key).all(|(cell, value)| cell.as_ref().is_none_or(|cell| same(cell, value)))
    }

    /// Everything this row computes.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.when.iter().chain(self.result.expressions())
    }
}

fn row_scope<'v>(with: &'v Value, zeitzone: &'v str) -> Scope<'v> {
    let arguments = with.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    Scope { roots: arguments.chain([("with", with)]).collect(), zeitzone, ..Scope::default() }
}

/// Keys are compared as written: 1 and "1" are the same key, as YAML authors expect of an ags.
fn same(cell: &Value, value: &Value) -> bool {
    cell == value || plain(cell) == plain(value)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn read_table(document: &Document, text: &str, findings: &mut Findings) -> Option<Table> {
    let file = findings.file().to_owned();
    let mut fields = Fields::open(&document.root, "", findings)?;
    let name = fields.req_text("table").map(str::to_owned);
    let source = fields.req_text("source").unwrap_or_default().to_owned();
    let key = fields.texts("key").unwrap_or_default();
    if key.is_empty() {
        fields.missing("key", "LZ106");
    }
    let hit = fields.one_of("hit", &[("unique", Hit::Unique), ("first", Hit::First), ("collect", Hit::Collect)]).unwrap_or(Hit::Unique);
    let result = fields.opt("result").and_then(|node| crate::read::inline_schema(node, "result", fields.findings));
    let rows = fields.req("rows").map(|node| read_rows(node, &key, fields.findings)).unwrap_or_default();
    fields.opt("title");
    fields.close();
    Some(Table { name: name?, source, key, hit, result, rows, file, digest: Digest::of(text.as_bytes()) })
}

fn read_rows(node: &Node, key: &[String], findings: &mut Findings) -> Vec<Row> {
    if !matches!(node.kind, Kind::List(_)) {
        document::fields::wrong_type(node, "rows", &Text::new("eine Liste von Zeilen", "a list of rows"), findings);
    }
    node.items().iter().enumerate().filter_map(|(i, row)| read_row(row, i, key, findings)).collect()
}

fn read_row(node: &Node, index: usize, key: &[String], findings: &mut Findings) -> Option<Row> {
    let path = format!("rows[{}]", index + 1);
    if !matches!(node.kind, Kind::Map(_)) {
        document::fields::wrong_type(node, &path, &Text::new("eine Zeile mit Schlüsseln", "a row with keys"), findings);
        return None;
    }
    let legal: Vec<&str> = key.iter().map(String::as_str).chain(["gueltig_ab", "gueltig_bis", "when", "result", "source"]).collect();
    for entry in node.entries().iter().filter(|e| !legal.contains(&e.key.as_str())) {
        findings
            .error(
                "LZ105",
                entry.at,
                format!("{path}.{}", entry.key),
                Text::new(format!("Der Schlüssel „{}“ ist hier nicht bekannt.", entry.key), format!("The key \"{}\" is not known here.", entry.key)),
            )
            .hint = Some(finding::hint(&entry.key, legal.iter().copied()));
    }
    let mut need = |name: &str| {
        let found = node.get(name);
        if found.is_none() {
            findings.error(
                "LZ106",
                node.at,
                format!("{path}.{name}"),
                Text::new(format!("In dieser Zeile fehlt „{name}“."), format!("\"{name}\" is missing in this row.")),
            );
        }
        found
    };
    let cells: Vec<Option<Value>> = key.iter().filter_map(|name| need(name)).map(|cell| Some(cell.to_value()).filter(|v| v != "*")).collect();
    let from = need("gueltig_ab");
    let result = need("result");
    let gueltig_ab = from.and_then(|n| day(n, &path, findings));
    let gueltig_bis = node.get("gueltig_bis").filter(|n| n.kind != Kind::Null).map(|n| day(n, &path, findings));
    let mut errors = Vec::new();
    // the braces may be left out: `when` is nothing but an expression
    let when = node.get("when").and_then(|n| n.text().map(|text| (text, n.at))).and_then(|(text, at)| {
        let wrapped = if text.contains("{{") { text.to_owned() } else { format!("{{{{ {text} }}}}") };
        Expression::compile(&wrapped, at).map_err(|e| errors.push(e)).ok()
    });
    let result = result.map(|node| Template::compile(node, &mut errors));
    for expression in when.iter().chain(result.iter().flat_map(Template::expressions)) {
        crate::check::expression_problems(expression, &path, findings);
    }
    crate::read::syntax_errors(errors, &path, findings);
    (cells.len() == key.len()).then_some(())?;
    Some(Row {
        key: cells,
        gueltig_ab: gueltig_ab?,
        gueltig_bis: match gueltig_bis {
            Some(day) => Some(day?),
            None => None,
        },
        when,
        result: result?,
        at: node.at,
    })
}

fn day(node: &Node, path: &str, findings: &mut Findings) -> Option<Date> {
    let day = node.text().and_then(|text| text.parse().ok());
    if day.is_none() {
        findings.error("LZ117", node.at, path, Text::new("Hier wird ein Datum erwartet (z. B. 2026-01-01).", "A date is expected here (2026-01-01)."));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "table: t
source: s
key: [ags, art]
rows:
  - { ags: '1', art: a, gueltig_ab: 2020-01-01, gueltig_bis: 2024-12-31, result: { n: 1 } }
  - { ags: '1', art: b, gueltig_ab: 2020-01-01, when: n > 5, result: { n: 2 } }
  - { ags: '1', art: '*', gueltig_ab: 2020-01-01, result: { n: 3 } }
  - { ags: '*', art: c, gueltig_ab: 2020-01-01, result: { n: 4 } }
";

    /// What is named speaks or nothing does: a row for any other key is none for a key whose own row has run out or whose condition fails.
    #[test]
    fn any_other_is_no_other_that_is_named() {
        let mut findings = Findings::new("t.yaml");
        let table = Table::read(TABLE, &mut findings).unwrap();
        assert!(!findings.has_errors());
        let decide = |ags: &str, art: &str, n: i64| {
            let with = serde_json::json!({ "ags": ags, "art": art, "n": n });
            table.decide(&with, jiff::civil::date(2026, 5, 3), "UTC").map(|value| value["n"].as_i64().unwrap()).map_err(|e| e.to_string())
        };
        let none = |art: &str| Err(format!("Tabelle t: keine Zeile für ags=1, art={art} am 2026-05-03"));
        let expected = [("1", "a", 9, none("a")), ("1", "b", 9, Ok(2)), ("1", "b", 1, none("b")), ("1", "x", 1, Ok(3)), ("2", "c", 1, Ok(4))];
        for (ags, art, n, expected) in expected {
            assert_eq!(decide(ags, art, n), expected, "{ags} {art} {n}");
        }
        assert_eq!(decide("1", "c", 1), Err("Tabelle t: mehr als eine Zeile für ags=1, art=c am 2026-05-03 (Zeilen 3 und 4)".to_owned()));
    }
}
