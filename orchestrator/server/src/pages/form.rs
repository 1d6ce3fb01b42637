//! A form made from a JSON Schema: what is asked, how an answer is read, how it is shown again.
//!
//! Pure. It checks only what the schema cannot say in plain words (a date that does not exist, a number that is none); the
//! schema itself is validated by `laufzettel_process::Schema`. Uploaded bytes are the caller's business.

mod branches;
mod browser;
mod build;
mod conditions;
mod lists;
mod parse;
mod places;
mod prefill;
mod review;
mod times;
mod view;

use jiff::tz::TimeZone;
use laufzettel_domain::{Path, Text, Value};

pub use parse::replace_files;
pub use places::{Part, Place};
pub use review::ReviewGroup;
pub use view::{Filled, FormView, UploadedFile};

/// Ending of the name that carries the reference of a file uploaded before.
pub const FILE_REFERENCE: &str = ".datei";
/// Ending of the name of the box that removes it; where a field takes several, its value says which.
pub const FILE_REMOVED: &str = ".entfernen";
/// Ending of the name that carries how many entries a list has. No field's name begins with an underscore.
const COUNT: &str = "._anzahl";

/// What the pages ask for, in the order they ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    pub title: Option<String>,
    pub description: Option<String>,
    /// One for each page, in order; a form that was not made for pages has one.
    sheets: Vec<Vec<Node>>,
    /// Nested objects, outermost first; `true` = required by the one above. Within a list their paths name each of its entries
    /// (`Path::EACH`) until it is known how many there are.
    objects: Vec<(Path, bool)>,
    /// What depends on other answers, by path (with `Path::EACH`).
    rules: Vec<(Path, conditions::Rule)>,
    /// What is no large field takes one line: whoever fills it in is somebody from outside, and a browser sends no more. Else a text that was
    /// proposed in several lines keeps them.
    one_line: bool,
}

/// Why a schema cannot be shown as a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field „{field}“ cannot be shown as a form: {}", reason.en)]
pub struct Error {
    /// Dotted path; empty for the schema as a whole.
    pub field: String,
    pub reason: Text,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Group(Group),
    Field(Field),
    List(List),
}

/// Blocks of the same fields, as many as there are: the members of a household.
#[derive(Debug, Clone, PartialEq)]
struct List {
    path: Path,
    title: String,
    hint: Option<String>,
    help: Option<String>,
    /// What one of them is called.
    entry: String,
    required: bool,
    min: usize,
    max: usize,
    /// The fields of any entry, their paths with `Path::EACH`.
    template: Vec<Node>,
    /// The fields of those that are there.
    entries: Vec<Vec<Node>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Group {
    /// Of a block; `None`: fields under one heading.
    path: Option<Path>,
    title: String,
    hint: Option<String>,
    help: Option<String>,
    /// All of it may be left empty.
    optional: bool,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    path: Path,
    title: String,
    hint: Option<String>,
    help: Option<String>,
    kind: Kind,
    /// Required by its own object.
    required: bool,
    /// Every object above it is required, too.
    reached: bool,
    /// Whether it is needed, or asked at all, other answers say.
    conditional: bool,
    /// It is required because of another answer.
    because: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Text {
        input: Input,
        pattern: Option<Pattern>,
        max: Option<u64>,
    },
    Area {
        max: Option<u64>,
    },
    Number {
        whole: bool,
    },
    /// Cents, asked for in euro.
    Money,
    /// `const: true`
    Consent,
    YesNo,
    One(Vec<Choice>),
    Many(Vec<Choice>),
    Date,
    /// A day and a time on the clock of the zone.
    Moment(TimeZone),
    /// A number and what it counts.
    Duration,
    File(Accepted),
    /// A list of files.
    Files {
        accepted: Accepted,
        min: usize,
        max: usize,
    },
    /// Scalars, one a line.
    Lines(Line),
}

/// What stands in each line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Text,
    Whole,
    Number,
    Money,
    Date,
}

/// What a text must look like, and how that is said.
#[derive(Debug, Clone, PartialEq)]
struct Pattern {
    pattern: String,
    told: Text,
}

/// Which files a field takes.
#[derive(Debug, Clone, PartialEq)]
struct Accepted {
    /// Empty = any.
    media_types: Vec<String>,
    max_bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Text,
    Email,
    Tel,
}

#[derive(Debug, Clone, PartialEq)]
struct Choice {
    value: Value,
    /// What the browser sends.
    key: String,
    text: String,
}

/// A file the form asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileField {
    /// Dotted path; also the name of the file input.
    pub path: String,
    pub title: String,
    /// Empty = any.
    pub media_types: Vec<String>,
    pub max_bytes: Option<u64>,
    pub required: bool,
    /// So many files; `None`: one, which the next one replaces.
    pub several: Option<usize>,
}

impl Form {
    /// Reads a schema for one page. `order` names the fields at the top in the order to ask them; what it does not name follows.
    /// A list of blocks has no place on it.
    pub fn of(schema: &Value, order: Option<&[String]>) -> Result<Self, Error> {
        build::form(schema, order, false)
    }

    /// Reads a schema for as many pages as it has groups; a small form stays on one.
    pub fn paged(schema: &Value) -> Result<Self, Error> {
        build::form(schema, None, true)
    }

    /// The same, asked of somebody from outside.
    #[must_use]
    pub fn in_one_line(self) -> Self {
        Self { one_line: true, ..self }
    }

    pub fn files(&self) -> Vec<FileField> {
        self.fields().into_iter().filter_map(file_field).collect()
    }

    /// The field a file input of this name belongs to; also of an entry of a list.
    pub fn file_field(&self, name: &str) -> Option<FileField> {
        let parts: Vec<&str> = name.split('.').collect();
        let fits = |path: &Path| path.0.len() == parts.len() && path.0.iter().zip(&parts).all(|(known, part)| is_part(known, part));
        let mut found = Vec::new();
        self.sheets.iter().for_each(|nodes| collect(nodes, Depth::Templates, &mut found));
        let field = found.into_iter().find(|field| fits(&field.path)).and_then(file_field)?;
        Some(FileField { path: name.to_owned(), ..field })
    }

    /// Every field, in the order asked, also those of the entries that are there.
    fn fields(&self) -> Vec<&Field> {
        let mut found = Vec::new();
        self.sheets.iter().for_each(|nodes| collect(nodes, Depth::Entries, &mut found));
        found
    }

    /// The fields before the person: those of entries have pages of their own.
    fn shown(&self) -> Vec<&Field> {
        let mut found = Vec::new();
        self.sheets.iter().for_each(|nodes| collect(nodes, Depth::Page, &mut found));
        found
    }
}

impl Field {
    /// The name its input carries.
    fn name(&self) -> String {
        self.path.to_string()
    }

    /// Whether an empty answer is a mistake whatever else is filled in.
    fn must(&self) -> bool {
        self.required && self.reached
    }
}

/// How far into lists one looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Page,
    Entries,
    Templates,
}

fn collect<'f>(nodes: &'f [Node], depth: Depth, found: &mut Vec<&'f Field>) {
    for node in nodes {
        match (node, depth) {
            (Node::Field(field), _) => found.push(field),
            (Node::Group(group), _) => collect(&group.nodes, depth, found),
            (Node::List(_), Depth::Page) => {}
            (Node::List(list), Depth::Entries) => list.entries.iter().for_each(|nodes| collect(nodes, depth, found)),
            (Node::List(list), Depth::Templates) => collect(&list.template, depth, found),
        }
    }
}

/// Whether a part of a path is the one known, or the number of an entry where each is meant.
fn is_part(known: &str, part: &str) -> bool {
    known == part || (known == Path::EACH && is_number(part))
}

/// The number of an entry as forms write it: no sign, no zeros in front.
fn is_number(part: &str) -> bool {
    part.parse::<usize>().is_ok_and(|number| number.to_string() == part)
}

fn file_field(field: &Field) -> Option<FileField> {
    let (accepted, several) = match &field.kind {
        Kind::File(accepted) => (accepted, None),
        Kind::Files { accepted, max, .. } => (accepted, Some(*max)),
        _ => return None,
    };
    Some(FileField {
        path: field.name(),
        title: field.title.clone(),
        media_types: accepted.media_types.clone(),
        max_bytes: accepted.max_bytes,
        required: field.must(),
        several,
    })
}

/// What was sent under a name; the last one counts.
fn sent<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
