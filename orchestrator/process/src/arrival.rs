//! What triggers wait for that nobody carries to a page: files in a folder, e-mail in a mailbox. Only what the author wrote and
//! what of the input they bring; where those places lie is the operator's word, and looking there is the worker's.

use laufzettel_domain::Value;

use crate::schema::{Schema, is_file};

/// Folders of one trigger, below the one the operator opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPaths {
    /// Where files are laid down.
    pub path: String,
    /// Where they go whose run has begun.
    pub done: String,
    /// Where they go that could not be taken.
    pub failed: String,
}

impl FolderPaths {
    /// Whether two triggers would reach for the same files, or one for what the other has put away.
    pub fn meets(&self, other: &Self) -> bool {
        let puts_away = |a: &Self, b: &Self| a.path == b.path || a.done == b.path || a.failed == b.path;
        puts_away(self, other) || puts_away(other, self)
    }
}

/// Which messages of a mailbox are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// A folder of the Maildir the operator opened; `None`: the inbox itself.
    pub folder: Option<String>,
    /// A pattern any sender's address fits, and one the subject fits; `*` stands for anything, large letters count as small ones.
    pub von: Option<String>,
    pub betreff: Option<String>,
}

/// What a message brings into the input; `message_id` only if it has one.
pub const MAIL_FIELDS: [&str; 7] = ["message_id", "von", "an", "betreff", "datum", "text", "anhaenge"];

impl Mailbox {
    /// How people call it.
    pub fn place(&self) -> &str {
        self.folder.as_deref().unwrap_or("Posteingang")
    }
}

/// What an input that describes its fields has no room for is left out: an author asks for what he needs.
pub fn asked_for(input: &Schema, mut brought: serde_json::Map<String, Value>) -> Value {
    if let Some(asked) = fields(input) {
        brought.retain(|name, _| asked.contains_key(name));
    }
    Value::Object(brought)
}

fn fields(input: &Schema) -> Option<&serde_json::Map<String, Value>> {
    input.resolve(&input.root)?.get("properties").and_then(Value::as_object)
}

/// Fields an input needs and none of these brings.
pub fn missing<'s>(input: &'s Schema, brought: &[&str]) -> Vec<&'s str> {
    let needed = input.resolve(&input.root).and_then(|root| root.get("required")).and_then(Value::as_array);
    needed.into_iter().flatten().filter_map(Value::as_str).filter(|name| !brought.contains(name)).collect()
}

/// The field that takes a file as it is: the only one at the top of the input that is a file. `None`: the input is what a
/// JSON file says, and other files cannot be taken.
pub fn file_field(input: &Schema) -> Option<&str> {
    let mut files = fields(input)?.iter().filter(|(_, declared)| input.resolve(declared).is_some_and(is_file));
    match (files.next(), files.next()) {
        (Some((name, _)), None) => Some(name),
        _ => None,
    }
}
