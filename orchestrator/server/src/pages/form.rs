//! A form made from a JSON Schema: what is asked, how an answer is read, how it is shown again.
//!
//! Pure. It checks only what the schema cannot say in plain words (a date that does not exist, a number that is none); the
//! schema itself is validated by `laufzettel_process::Schema`. Uploaded bytes are the caller's business.

mod browser;
mod build;
mod parse;
mod prefill;
mod review;
mod view;

use laufzettel_domain::{Path, Value};

pub use parse::insert;
pub use review::ReviewGroup;
pub use view::{Filled, FormView, UploadedFile};

/// Ending of the name that carries the reference of a file uploaded before.
pub const FILE_REFERENCE: &str = ".datei";
/// Ending of the name of the box that removes it.
pub const FILE_REMOVED: &str = ".entfernen";

/// What the pages ask for, in the order they ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    pub title: Option<String>,
    pub description: Option<String>,
    nodes: Vec<Node>,
    /// Nested objects, outermost first; `true` = required by the one above.
    objects: Vec<(Path, bool)>,
}

/// Why a schema cannot be shown as a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field „{field}“ cannot be shown as a form: {reason}")]
pub struct Error {
    /// Dotted path; empty for the schema as a whole.
    pub field: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Group(Group),
    Field(Field),
}

#[derive(Debug, Clone, PartialEq)]
struct Group {
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
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Text {
        input: Input,
        pattern: Option<String>,
        max: Option<u64>,
    },
    Area {
        max: Option<u64>,
    },
    Number {
        whole: bool,
    },
    /// `const: true`
    Consent,
    YesNo,
    One(Vec<Choice>),
    Many(Vec<Choice>),
    Date,
    File {
        media_types: Vec<String>,
        max_bytes: Option<u64>,
    },
    /// Scalars, one a line.
    Lines {
        whole_numbers: bool,
    },
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
}

impl Form {
    /// Reads a schema. `order` names the fields at the top in the order to ask them; what it does not name follows.
    pub fn of(schema: &Value, order: Option<&[String]>) -> Result<Self, Error> {
        build::form(schema, order)
    }

    pub fn files(&self) -> Vec<FileField> {
        self.fields().into_iter().filter_map(file_field).collect()
    }

    /// Every field, in the order asked.
    fn fields(&self) -> Vec<&Field> {
        let mut found = Vec::new();
        collect(&self.nodes, &mut found);
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

fn collect<'f>(nodes: &'f [Node], found: &mut Vec<&'f Field>) {
    for node in nodes {
        match node {
            Node::Field(field) => found.push(field),
            Node::Group(group) => collect(&group.nodes, found),
        }
    }
}

fn file_field(field: &Field) -> Option<FileField> {
    let Kind::File { media_types, max_bytes } = &field.kind else { return None };
    Some(FileField { path: field.name(), title: field.title.clone(), media_types: media_types.clone(), max_bytes: *max_bytes, required: field.must() })
}

/// What was sent under a name; the last one counts.
fn sent<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests;
