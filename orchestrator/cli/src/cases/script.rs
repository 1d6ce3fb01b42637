//! Doors that answer from a case. An unlisted call fails the case.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use laufzettel_domain::Value;
use laufzettel_doors::{Class, Failure, Reply};
use laufzettel_policy::{Cleared, ModelCall, ToolCall};
use laufzettel_process::{Tools, model::Size};
use laufzettel_worker::{Answer, Doors, EndpointFacts, fits};

use super::read::Case;

#[derive(Default)]
struct Seen {
    counts: BTreeMap<String, usize>,
    calls: Vec<(String, Value)>,
    unlisted: Vec<String>,
    /// Answers of tools that their own definitions do not allow.
    unfit: Vec<String>,
}

#[derive(Clone, Default)]
pub struct Script {
    tools: BTreeMap<String, Value>,
    models: BTreeMap<String, Value>,
    children: BTreeMap<String, Value>,
    /// Pinned schemas by `server/tool`: a case may not let a tool say what the real one could not.
    types: Arc<Tools>,
    seen: Arc<Mutex<Seen>>,
}

impl Script {
    pub fn new(case: &Case, types: Tools) -> Self {
        let (tools, models, children) = (case.tools.clone(), case.models.clone(), case.processes.clone());
        Self { tools, models, children, types: Arc::new(types), seen: Arc::default() }
    }

    /// Tool calls in order, with their arguments.
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.seen.lock().expect("nobody panics while holding this lock").calls.clone()
    }

    /// Calls the case has no answer for.
    pub fn unlisted(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics while holding this lock").unlisted.clone()
    }

    /// Answers the case gives that no tool could give.
    pub fn unfit(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics while holding this lock").unfit.clone()
    }

    fn answer(&self, answers: &BTreeMap<String, Value>, name: &str, model: bool) -> Result<Reply, Failure> {
        let mut seen = self.seen.lock().expect("nobody panics while holding this lock");
        let count = seen.counts.entry(name.to_owned()).or_default();
        *count += 1;
        let answer = match answers.get(name) {
            Some(Value::Array(list)) => list.get(*count - 1).cloned(),
            other => other.cloned(),
        };
        let Some(value) = answer else {
            seen.unlisted.push(name.to_owned());
            return Err(Failure::new(Class::Refused, Some(false), format!("{name}: im Fall nicht aufgeführt")));
        };
        match value.get("error").and_then(Value::as_str).filter(|_| value.as_object().is_some_and(|m| m.len() == 1)) {
            None => Ok(Reply { bytes: value.to_string().len() as u64, value, tokens: None, model: Some("Fall".to_owned()) }),
            Some(class) => Err(failure(class, name, model)),
        }
    }
}

/// `unavailable` of a model means: it broke off. One that is not there at all is waited for, and no case has that much time.
fn failure(class: &str, name: &str, model: bool) -> Failure {
    let (class, happened) = match class {
        "timeout" => (Class::Timeout, None),
        "unavailable" if model => (Class::Unavailable, None),
        "unavailable" => (Class::Unavailable, Some(false)),
        "invalid_output" => (Class::InvalidOutput, Some(true)),
        _ => (Class::Refused, Some(false)),
    };
    Failure::new(class, happened, format!("{name}: im Fall so vorgesehen"))
}

impl Doors for Script {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let call = call.call();
        let name = format!("{}/{}", call.server, call.tool);
        self.seen.lock().expect("nobody panics while holding this lock").calls.push((name.clone(), call.arguments.clone()));
        let answer = self.answer(&self.tools, &name, false).and_then(|reply| {
            fits(&self.types, &name, reply)
                .inspect_err(|failure| self.seen.lock().expect("nobody panics while holding this lock").unfit.push(failure.message.clone()))
        });
        Box::pin(async move { answer })
    }

    fn model<'a>(&'a self, _: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a> {
        let answer = self.answer(&self.models, call.call().key.path.step.as_str(), true);
        Box::pin(async move { answer })
    }

    /// A list answers child by child.
    fn child(&self, step: &str) -> Option<Value> {
        match self.children.get(step)? {
            Value::Array(list) => {
                let mut seen = self.seen.lock().expect("nobody panics while holding this lock");
                let count = seen.counts.entry(format!("process:{step}")).or_default();
                *count += 1;
                list.get(*count - 1).cloned()
            }
            one => Some(one.clone()),
        }
    }

    /// One after the other: a list of answers is for the calls in the order of the items.
    fn at_once(&self) -> usize {
        1
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        vec![EndpointFacts { name: "Fall".to_owned(), zone: "gruen".to_owned(), size: Size::L, context: u64::MAX }]
    }
}
