//! What a look of `poll` asks its tool, and what an answer brings. A function of the process, the cursor and the answer; refuses to
//! take an entry for a run that nothing tells from another.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Digest, Label, Trust, Value};
use laufzettel_process::{
    Process,
    arrival::asked_for,
    expression::{Expression, Outcome, Scope, Template},
    poll::{NAME_CHARS_MAX, Poll, entries},
};

use crate::{
    context::Context,
    labels::{Known, Labels, Source},
};

/// The arguments of one call, with the label of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub arguments: Value,
    pub labels: BTreeMap<String, Label>,
    /// Arguments the author wrote out.
    pub listed: BTreeSet<String>,
}

/// What an answer brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// Where to go on; null: where one was.
    pub cursor: Value,
}

/// One entry of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is recognised by: its key; of one without, all of it.
    pub mark: Value,
    /// The input of its run; `None`: it has no key, or is no object.
    pub input: Option<Value>,
}

/// Why a look gives nothing: the author's expressions do not fit the tool. Words of an expression, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}: {1}")]
    Expression(String, #[source] laufzettel_process::expression::Error),
    #[error("cursor is neither a number nor a text of at most {NAME_CHARS_MAX} characters")]
    Cursor,
    #[error("the answer has not exactly one list")]
    List,
}

/// `cursor`: null where there is none yet.
pub fn question(process: &Process, context: &Context, poll: &Poll, cursor: &Value) -> Result<Question, Error> {
    let scope = scope(context, "cursor", cursor);
    let mut arguments = serde_json::Map::new();
    for (name, template) in &poll.call.with {
        let value = template.evaluate(&scope).map_err(|error| Error::Expression(format!("with.{name}"), error))?;
        // as in a step, an argument that evaluates to none is left out
        if !value.is_null() {
            arguments.insert(name.clone(), value);
        }
    }
    let with = &poll.call.with;
    let labels = with.iter().map(|(name, template)| (name.clone(), of_argument(process, context, poll, template)));
    let listed = with.iter().filter(|(_, template)| template.expressions().is_empty()).map(|(name, _)| name.clone());
    Ok(Question { arguments: Value::Object(arguments), labels: labels.collect(), listed: listed.collect() })
}

/// The author's own words have no label; the cursor is what the tool said.
pub(crate) fn of_argument(process: &Process, context: &Context, poll: &Poll, template: &Template) -> Label {
    if template.expressions().is_empty() { Label::default() } else { yields(process, context, poll) }
}

/// What an entry brings into the house.
pub(crate) fn yields(process: &Process, context: &Context, poll: &Poll) -> Label {
    let nothing = BTreeMap::new();
    let labels = Labels { process, context, known: Known::Declared(&nothing), input: Source::Outside(Trust::Untrusted), reader: None };
    labels.of_yields(&poll.call.name())
}

pub fn page(process: &Process, context: &Context, poll: &Poll, answer: &Value) -> Result<Page, Error> {
    let definition = context.types.offered.get(&poll.call.name()).and_then(|types| types.output.as_ref());
    let entries = entries(answer, definition).ok_or(Error::List)?;
    let cursor = match &poll.cursor {
        None => Value::Null,
        Some(cursor) => match found(cursor, context, "result", answer).map_err(|error| Error::Expression("cursor".to_owned(), error))? {
            Value::Null => Value::Null,
            value if is_name(&value) => value,
            _ => return Err(Error::Cursor),
        },
    };
    Ok(Page { entries: entries.iter().map(|item| entry(process, context, poll, item)).collect(), cursor })
}

/// An entry without a key is one that cannot be taken: it holds up no other.
fn entry(process: &Process, context: &Context, poll: &Poll, item: &Value) -> Entry {
    let key = found(&poll.key, context, "item", item).ok().filter(is_name);
    let input = item.as_object().filter(|_| key.is_some()).map(|fields| asked_for(&process.input, fields.clone()));
    Entry { mark: key.unwrap_or_else(|| Digest::of_value(item).to_string().into()), input }
}

/// What is not there is null.
fn found(expression: &Expression, context: &Context, name: &str, value: &Value) -> Result<Value, laufzettel_process::expression::Error> {
    match expression.evaluate(&scope(context, name, value))? {
        Outcome::Value(value) => Ok(value),
        Outcome::Undefined => Ok(Value::Null),
    }
}

fn scope<'v>(context: &'v Context, name: &'v str, value: &'v Value) -> Scope<'v> {
    Scope { zeitzone: &context.zeitzone, roots: BTreeMap::from([(name, value)]), ..Scope::default() }
}

fn is_name(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX,
        value => value.is_number(),
    }
}
