//! Doors that answer from a case. An unlisted call fails the case. One call may be disturbed, and then the other side knows keys as a
//! real one does: what was done under one is not done again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use laufzettel_domain::{EffectKey, EffectPath, RunId, StepId, Text, Value, names::Phase};
use laufzettel_doors::{Class, Failure, Reply};
use laufzettel_policy::{Cleared, ModelCall, ToolCall};
use laufzettel_process::{Tools, model::Size};
use laufzettel_worker::{Answer, Doors, EndpointFacts, fits};
use tokio::sync::Notify;

use super::{
    fault::{Fault, Harm},
    read::Case,
    smallest::smallest,
};

/// A call whatever the ids of its run: the number of the run, and where in it.
pub type Place = (usize, EffectPath);
/// Answers by call, attempt by attempt.
pub type Given = BTreeMap<Place, Vec<Value>>;

#[derive(Default)]
struct Seen {
    /// Answers given out by name.
    counts: BTreeMap<String, usize>,
    /// How many items the lists have.
    items: BTreeMap<(RunId, StepId), usize>,
    /// Where the answers for the items of a list begin among all of their name.
    begins: BTreeMap<(String, usize, StepId), usize>,
    /// Calls that came to a door so far, repetitions included.
    made: Vec<Place>,
    /// Runs in the order of their first calls.
    runs: Vec<RunId>,
    /// What was answered to which call.
    given: Given,
    /// What the other side has done, in order.
    done: Vec<(EffectKey, Reply)>,
    /// Calls it was asked for once more, and knew.
    repeated: Vec<EffectKey>,
    /// What it answered to the call the fault met, and nobody heard.
    unheard: Option<Result<Reply, Failure>>,
    /// The call the fault met, and what it was to be.
    struck: Option<(EffectKey, String)>,
    calls: Vec<(String, Value)>,
    unlisted: Vec<String>,
    /// Answers of tools that their own definitions do not allow.
    unfit: Vec<Text>,
}

impl Seen {
    /// Which answer of a list of them is for this call. Under `each` the first call of every item takes the one at its place, however many
    /// go at once; what comes after that (repairs, further attempts) takes the next behind them.
    fn turn(&mut self, name: &str, place: &Place, key: &EffectKey, again: bool) -> usize {
        let (number, path) = place;
        let single = path.iteration == 0 && path.turn == 0 && path.call == 0 && path.phase == Phase::Do;
        let items = self.items.get(&(key.run, path.step.clone())).copied().filter(|_| path.item > 0 && single);
        let next = self.counts.entry(name.to_owned()).or_default();
        if let (Some(items), false) = (items, again) {
            let begins = self.begins.entry((name.to_owned(), *number, path.step.clone())).or_insert_with(|| {
                *next += items;
                *next - items
            });
            return *begins + path.item as usize - 1;
        }
        *next += 1;
        *next - 1
    }
}

#[derive(Clone, Default)]
pub struct Script {
    tools: BTreeMap<String, Value>,
    models: BTreeMap<String, Value>,
    children: BTreeMap<String, Value>,
    /// Pinned schemas by `server/tool`: a case may not let a tool say what the real one could not.
    types: Arc<Tools>,
    seen: Arc<Mutex<Seen>>,
    fault: Option<Fault>,
    /// What each call is answered when nothing befalls any: a list of answers goes by order, and a call that is made once more must not
    /// take the answer of another.
    rehearsed: Arc<Given>,
    stop: Arc<Notify>,
}

impl Script {
    pub fn new(case: &Case, types: Tools) -> Self {
        let (tools, models, children) = (case.tools.clone(), case.models.clone(), case.processes.clone());
        Self { tools, models, children, types: Arc::new(types), ..Self::default() }
    }

    /// The same case once more, with one call disturbed.
    #[must_use]
    pub fn disturbed(self, fault: Fault, rehearsed: Arc<Given>) -> Self {
        Self { fault: Some(fault), rehearsed, ..self }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while holding this lock")
    }

    /// Tool calls in order, with their arguments.
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.seen().calls.clone()
    }

    /// Calls the case has no answer for.
    pub fn unlisted(&self) -> Vec<String> {
        self.seen().unlisted.clone()
    }

    /// Answers the case gives that no tool could give.
    pub fn unfit(&self) -> Vec<Text> {
        self.seen().unfit.clone()
    }

    /// The calls that came to a door, in order.
    pub fn made(&self) -> Vec<Place> {
        self.seen().made.clone()
    }

    /// The runs that made them, by their number.
    pub fn runs(&self) -> Vec<RunId> {
        self.seen().runs.clone()
    }

    /// What was answered to them.
    pub fn given(&self) -> Given {
        self.seen().given.clone()
    }

    /// The keys under which something was done, in order.
    pub fn done(&self) -> Vec<EffectKey> {
        self.seen().done.iter().map(|(key, _)| key.clone()).collect()
    }

    pub fn repeated(&self) -> Vec<EffectKey> {
        self.seen().repeated.clone()
    }

    pub fn struck(&self) -> Option<EffectKey> {
        self.seen().struck.as_ref().map(|(key, _)| key.clone())
    }

    /// What the call was to be that the fault met.
    pub fn struck_name(&self) -> Option<String> {
        self.seen().struck.as_ref().map(|(_, name)| name.clone())
    }

    /// What the other side did under a key, whoever has heard of it.
    pub fn truth(&self, key: &EffectKey) -> Option<Reply> {
        self.seen().done.iter().find(|(known, _)| known == key).map(|(_, reply)| reply.clone())
    }

    /// Whether the fault is one that stops the program.
    pub fn is_stopped(&self) -> bool {
        self.fault.is_some_and(|fault| fault.harm.stops())
    }

    /// Resolves when the fault stops the program.
    pub async fn stopped(&self) {
        self.stop.notified().await;
    }

    /// A call at its door: what comes of it; `None` where the program stops over it.
    fn meet(&self, key: &EffectKey, name: &str, answer: impl FnOnce(&Place) -> Result<Reply, Failure>) -> Option<Result<Reply, Failure>> {
        let (place, harm) = self.arrive(key, name);
        if let Some(unheard) = self.unheard(key).filter(|_| harm.is_none()) {
            return Some(unheard);
        }
        let acted = harm.is_none_or(Harm::acts).then(|| self.act(key, || answer(&place)));
        let Some(harm) = harm else { return acted };
        self.seen().unheard = acted;
        if harm.stops() {
            self.stop.notify_one();
            return None;
        }
        Some(Err(befallen(harm, name)))
    }

    /// Which call it is, and what befalls it.
    fn arrive(&self, key: &EffectKey, name: &str) -> (Place, Option<Harm>) {
        let mut seen = self.seen();
        let known = seen.runs.iter().position(|run| *run == key.run);
        let number = known.unwrap_or_else(|| {
            seen.runs.push(key.run);
            seen.runs.len() - 1
        });
        let place = (number, key.path.clone());
        seen.made.push(place.clone());
        let met = self.fault.filter(|fault| fault.call == seen.made.len()).map(|fault| fault.harm);
        if met.is_some() {
            seen.struck = Some((key.clone(), name.to_owned()));
        }
        (place, met)
    }

    /// The call the fault met comes once more: what was done under its key is not done again.
    fn unheard(&self, key: &EffectKey) -> Option<Result<Reply, Failure>> {
        let mut seen = self.seen();
        let unheard = seen.unheard.clone().filter(|_| seen.struck.as_ref().is_some_and(|(struck, _)| struck == key))?;
        match &unheard {
            Ok(_) => seen.repeated.push(key.clone()),
            // it said no, and says so once
            Err(_) => seen.unheard = None,
        }
        Some(unheard)
    }

    fn act(&self, key: &EffectKey, answer: impl FnOnce() -> Result<Reply, Failure>) -> Result<Reply, Failure> {
        let answer = answer()?;
        self.seen().done.push((key.clone(), answer.clone()));
        Ok(answer)
    }

    /// Nobody has written down what happens beside the way the case goes: there a tool gives the least its definition allows.
    fn unforeseen(&self, name: &str) -> Option<Reply> {
        self.fault?;
        let output = self.types.get(name)?.output.as_ref()?;
        let value = smallest(&output.root);
        Some(Reply { bytes: value.to_string().len() as u64, value, tokens: None, model: None })
    }

    fn answer(&self, answers: &BTreeMap<String, Value>, name: &str, place: &Place, key: &EffectKey) -> Result<Reply, Failure> {
        // a tool is named server/tool, a model by its step
        let model = !name.contains('/');
        let mut seen = self.seen();
        let times = seen.given.get(place).map_or(0, Vec::len);
        let turn = seen.turn(name, place, key, times > 0);
        let in_order = match answers.get(name) {
            Some(Value::Array(list)) => list.get(turn).cloned(),
            other => other.cloned(),
        };
        let answer = self.rehearsed.get(place).and_then(|given| given.get(times).or(given.last())).cloned().or(in_order);
        seen.given.entry(place.clone()).or_default().extend(answer.clone());
        let Some(value) = answer else {
            if let Some(reply) = self.unforeseen(name).filter(|_| !model) {
                return Ok(reply);
            }
            seen.unlisted.push(name.to_owned());
            return Err(Failure::new(Class::Refused, Some(false), format!("{name}: im Fall nicht aufgeführt")));
        };
        match value.get("error").and_then(Value::as_str).filter(|_| value.as_object().is_some_and(|m| m.len() == 1)) {
            None => Ok(Reply { bytes: value.to_string().len() as u64, value, tokens: None, model: Some("Fall".to_owned()) }),
            Some(class) => Err(failure(class, name, model)),
        }
    }
}

/// A server refuses arguments its own definition does not take. What is not pinned is not known.
fn takes(types: &Tools, tool: &str, arguments: &Value) -> Result<(), Failure> {
    let problem = types.get(tool).and_then(|types| types.input.validate(arguments).into_iter().next());
    problem.map_or(Ok(()), |problem| {
        let message = format!("{tool}: die Argumente passen nicht zu seiner Definition, Feld „{}“: {}", problem.path, problem.message.de);
        Err(Failure::new(Class::Refused, Some(false), message))
    })
}

/// An answer of the case that the tool's definition does not allow.
fn unfit(types: &Tools, tool: &str, answer: &Value) -> Option<Text> {
    let problem = types.get(tool)?.output.as_ref()?.validate(answer).into_iter().next()?;
    let Text { de, en } = problem.message;
    Some(Text::new(
        format!("{tool}: die Antwort passt nicht zu ihrer Definition, Feld „{}“: {de}", problem.path),
        format!("{tool}: the answer does not fit its definition, field \"{}\": {en}", problem.path),
    ))
}

fn befallen(harm: Harm, name: &str) -> Failure {
    let (class, happened) = match harm {
        Harm::Unavailable => (Class::Unavailable, Some(false)),
        Harm::Refused => (Class::Refused, Some(false)),
        _ => (Class::Timeout, None),
    };
    Failure::new(class, happened, format!("{name}: {}", harm.words().de))
}

/// The answer of a door; none ever where the program stops over it.
async fn come(met: Option<Result<Reply, Failure>>) -> Result<Reply, Failure> {
    match met {
        Some(answer) => answer,
        None => std::future::pending().await,
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
        let met = self.meet(&call.key, &name, |place| {
            self.seen().calls.push((name.clone(), call.arguments.clone()));
            takes(&self.types, &name, &call.arguments)?;
            let reply = self.answer(&self.tools, &name, place, &call.key)?;
            if let Some(unfit) = unfit(&self.types, &name, &reply.value) {
                self.seen().unfit.push(unfit);
            }
            fits(&self.types, &name, reply)
        });
        Box::pin(come(met))
    }

    fn model<'a>(&'a self, _: &'a str, call: &'a Cleared<ModelCall>) -> Answer<'a> {
        let call = call.call();
        let step = call.key.path.step.as_str();
        Box::pin(come(self.meet(&call.key, &format!("Modell in {step}"), |place| self.answer(&self.models, step, place, &call.key))))
    }

    /// A list answers child by child.
    fn child(&self, step: &str) -> Option<Value> {
        match self.children.get(step)? {
            Value::Array(list) => {
                let mut seen = self.seen();
                let count = seen.counts.entry(format!("process:{step}")).or_default();
                *count += 1;
                list.get(*count - 1).cloned()
            }
            one => Some(one.clone()),
        }
    }

    fn of_list(&self, key: &EffectKey, items: usize) {
        self.seen().items.insert((key.run, key.path.step.clone()), items);
    }

    /// One after the other: a list of answers is for the calls in the order of the items.
    fn at_once(&self) -> usize {
        1
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        vec![EndpointFacts { name: "Fall".to_owned(), zone: "gruen".to_owned(), size: Size::L, context: u64::MAX }]
    }
}
