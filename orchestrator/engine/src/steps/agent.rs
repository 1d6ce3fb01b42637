//! `agent`: a bounded loop. The model says what it does next, the engine has it done or asks a person, and asks the model again.
//!
//! Every turn and every call is an effect of its own, so a crash resumes in the middle. What was said is not written again with
//! each turn: it is read from the effects before it ([`request`]). What changes anything or leaves the house is approved by a
//! person first, call by call: no model's word steers.

mod offer;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Caller, EffectPath, Label, Slot, Text, Trust, Value, names::Phase};
use laufzettel_policy::{Dialogue, Effect, Labelled, Offer, ToolRule, Turn, detect};
use laufzettel_process::{
    Schema, cite,
    model::{Agent, FailureClass, Size, StepKind},
};
use serde_json::{Map, json};

use super::{acting, human, model, tool};
use crate::{
    command::{Answer, Rejection},
    deadline,
    decide::Sheet,
    event::{Call, Disposition, EffectIntended, Event, TaskKind},
    labels,
    run::{EffectStatus, Run, Task, TaskState},
    settle,
};

/// Calls in one turn at most: more at once no person reads, and no server is asked.
const CALLS_MAX: usize = 8;
/// Characters of a name the model made up that are repeated to people.
const NAME_CHARS_MAX: usize = 60;
/// Characters of a question to people.
const QUESTION_CHARS_MAX: usize = 2_000;

pub(crate) fn begin(sheet: &mut Sheet<'_>, slot: &Slot, agent: &Agent) {
    match first(sheet, slot, agent) {
        Ok(intent) => sheet.emit(Event::EffectIntended(intent)),
        Err(message) => sheet.fail(slot, FailureClass::Invalid, message),
    }
}

fn first(sheet: &Sheet<'_>, slot: &Slot, agent: &Agent) -> Result<EffectIntended, String> {
    let mut intent = model::intend(sheet, slot, &agent.call)?;
    intent.path.turn = 1;
    intent.labels.extend(agent.tools.iter().map(|tool| {
        let name = tool.call.name();
        let label = sheet.labels().of_agent_tool(tool);
        (format!("steps.{} [{name}]", slot.step), label)
    }));
    intent.labels.extend(sheet.labels().of_people(agent).map(|label| (format!("steps.{} [Menschen]", slot.step), label)));
    let tools = agent.tools.iter().map(|tool| offer::offered(sheet, slot, tool)).collect::<Result<_, _>>()?;
    if let Call::Model { offer, .. } = &mut intent.call {
        *offer = Some(Offer { tools, ask: !agent.ask.is_empty(), closing: agent.max_turns == 1 });
    }
    Ok(intent)
}

/// The label of whatever an agent says: what was declared, and what patterns find in everything it has been told.
fn label(sheet: &Sheet<'_>, slot: &Slot, agent: &Agent) -> Label {
    sheet.labels().of_agent(&slot.step, agent).join(&found(sheet, slot))
}

/// What patterns find in what came of a slot's calls, and in what people and the model said.
fn found(sheet: &Sheet<'_>, slot: &Slot) -> Label {
    let own = &sheet.context.own_domains;
    let values = sheet.run.effects.iter().filter(|(path, _)| path.slot() == *slot && path.phase == Phase::Do).filter_map(|(_, effect)| match &effect.status {
        EffectStatus::Settled { value } => Some(value),
        _ => None,
    });
    let told = sheet.run.tasks.values().filter(|task| is_agents(task) && task.opened.path.as_ref().is_some_and(|path| path.slot() == *slot));
    let told = told.filter_map(|task| match &task.state {
        TaskState::Completed { values, .. } => Some(values),
        _ => None,
    });
    values.chain(told).fold(Label::default(), |all, value| all.join(&detect(value, own)))
}

/// What a model says in a turn.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    Calls(Vec<Picked>),
    Ask(String),
    Answer(Value),
}

#[derive(Debug, Clone, PartialEq)]
struct Picked {
    tool: String,
    with: Map<String, Value>,
}

impl Said {
    /// As it is kept.
    fn to_value(&self) -> Value {
        match self {
            Self::Calls(calls) => json!({ "calls": calls.iter().map(|picked| json!({ "tool": picked.tool, "with": picked.with })).collect::<Vec<_>>() }),
            Self::Ask(question) => json!({ "ask": question }),
            Self::Answer(answer) => json!({ "answer": answer }),
        }
    }

    /// Of what was kept.
    fn of(value: &Value) -> Self {
        match (value.get("calls").and_then(Value::as_array), value.get("ask").and_then(Value::as_str)) {
            (Some(calls), _) => Self::Calls(calls.iter().filter_map(|call| Picked::read(call).ok()).collect()),
            (None, Some(question)) => Self::Ask(question.to_owned()),
            (None, None) => Self::Answer(value.get("answer").cloned().unwrap_or_default()),
        }
    }
}

impl Picked {
    fn read(value: &Value) -> Result<Self, String> {
        let tool = value.get("tool").and_then(Value::as_str).ok_or("„tool“ fehlt.")?.to_owned();
        match value.get("with").unwrap_or(&json!({})) {
            Value::Object(with) => Ok(Self { tool, with: with.clone() }),
            _ => Err(format!("{tool}: „with“ ist kein Block von Argumenten.")),
        }
    }
}

fn has_only(value: &Value, keys: &[&str]) -> bool {
    value.as_object().is_some_and(|map| map.contains_key(keys[0]) && map.keys().all(|key| keys.contains(&key.as_str())))
}

/// Checks what the model said; gives it as it is kept. `Err` is a sentence for the model.
pub(crate) fn accept(sheet: &Sheet<'_>, path: &EffectPath, agent: &Agent, value: &Value) -> Result<Value, String> {
    let Some(Request { data, dialogue: Some(dialogue), .. }) = request(&sheet.run, path) else {
        return Err("Der Anfang dieses Gesprächs fehlt.".to_owned());
    };
    let value = match value {
        Value::String(text) => serde_json::from_str(model::unfenced(text)).map_err(|e| format!("Die Antwort ist kein JSON: {e}"))?,
        other => other.clone(),
    };
    let said = match &value {
        calls if has_only(calls, &["calls"]) => Said::Calls(calls["calls"].as_array().into_iter().flatten().map(Picked::read).collect::<Result<_, _>>()?),
        call if has_only(call, &["tool", "with"]) => Said::Calls(vec![Picked::read(call)?]),
        question if has_only(question, &["ask"]) => Said::Ask(question["ask"].as_str().ok_or("„ask“ ist kein Text.")?.to_owned()),
        answer => {
            let found = cite::sources_of(data.get(cite::SOURCES), dialogue.turns.iter().flat_map(|turn| &turn.results));
            let material = BTreeMap::from([(cite::SOURCES.to_owned(), found)]);
            Said::Answer(model::accept(&agent.call, answer, &material)?)
        }
    };
    match &said {
        Said::Answer(_) => {}
        _ if dialogue.closing => return Err("Jetzt ist nur noch die Antwort nach dem Schema möglich.".to_owned()),
        Said::Ask(_) if !dialogue.offer.ask => return Err("Fragen an Menschen sind hier nicht möglich.".to_owned()),
        Said::Ask(question) if question.trim().is_empty() || question.chars().count() > QUESTION_CHARS_MAX => {
            return Err(format!("Eine Frage hat 1 bis {QUESTION_CHARS_MAX} Zeichen."));
        }
        Said::Ask(_) => {}
        Said::Calls(calls) => {
            let left = (agent.max_tool_calls as usize).saturating_sub(dialogue.turns.iter().map(|turn| calls_in(&turn.said)).sum());
            if calls.is_empty() || calls.len() > CALLS_MAX.min(left) {
                return Err(format!("Auf einmal sind 1 bis {} Aufrufe möglich.", CALLS_MAX.min(left)));
            }
            calls.iter().try_for_each(|picked| may_be_called(sheet, agent, &dialogue.offer, picked))?;
        }
    }
    Ok(said.to_value())
}

fn calls_in(said: &Value) -> usize {
    said.get("calls").and_then(Value::as_array).map_or(0, Vec::len)
}

fn may_be_called(sheet: &Sheet<'_>, agent: &Agent, offer: &Offer, picked: &Picked) -> Result<(), String> {
    let name = &picked.tool;
    let Some(offered) = offer.tools.iter().find(|tool| tool.name == *name) else {
        let said: String = name.chars().take(NAME_CHARS_MAX).collect();
        return Err(format!("Das Werkzeug „{said}“ gibt es hier nicht; möglich sind nur die angebotenen."));
    };
    // what the author fixed to nothing is fixed, too
    let own = agent.tools.iter().find(|tool| tool.call.name() == *name).map(|tool| &tool.call.with);
    if let Some(argument) = picked.with.keys().find(|argument| own.is_some_and(|with| with.contains_key(*argument))) {
        return Err(format!("{name}: „{argument}“ steht fest."));
    }
    let schema = Schema::compile(offered.parameters.clone())?;
    if let Some(problem) = schema.validate(&Value::Object(picked.with.clone())).into_iter().next() {
        return Err(format!("{name}: Argument „{}“: {}", problem.path, problem.message.de));
    }
    let Some(rule) = sheet.context.tools.get(name).filter(|rule| rule.effect != Effect::Read) else { return Ok(()) };
    // what a person cannot read at a glance she cannot vouch for
    let long = picked.with.iter().find(|(argument, value)| rule.steers(argument) && labels::rendered_chars(value) > labels::SEEN_CHARS_MAX);
    long.map_or(Ok(()), |(argument, _)| Err(format!("{name}: „{argument}“ ist länger als {} Zeichen.", labels::SEEN_CHARS_MAX)))
}

/// A turn or a call of an agent has its value.
pub(crate) fn settled(sheet: &mut Sheet<'_>, path: &EffectPath, agent: &Agent, value: &Value) {
    let slot = path.slot();
    if path.call > 0 {
        return go_on(sheet, &slot, path.turn, agent);
    }
    match Said::of(value) {
        Said::Answer(answer) => {
            let label = label(sheet, &slot, agent);
            sheet.complete(&slot, answer, Labelled::all(label), BTreeSet::new());
        }
        // who ends, or is over her time, begins nothing new
        _ if sheet.run.ending.is_some() => {}
        _ if settle::is_over(sheet, path) => sheet.fail(&slot, FailureClass::Timeout, deadline::PASSED.to_owned()),
        Said::Ask(question) => tasks::ask(sheet, path, agent, &question),
        // all of them can be made, or none is
        Said::Calls(calls) => {
            let numbered = (1..).zip(calls).map(|(n, picked)| (EffectPath { iteration: 0, call: n, ..path.clone() }, picked));
            match numbered.map(|(path, picked)| plan(sheet, path, agent, picked)).collect::<Result<Vec<_>, _>>() {
                Ok(plans) => plans.into_iter().for_each(|plan| act(sheet, agent, plan)),
                Err(message) => sheet.fail(&slot, FailureClass::Invalid, message),
            }
        }
    }
}

/// How a call is made: at once if it only reads, else when a person has approved it.
enum Plan {
    Make(Box<EffectIntended>),
    Approve { path: EffectPath, picked: Picked, effect: Effect, arguments: Value },
}

fn plan(sheet: &Sheet<'_>, path: EffectPath, agent: &Agent, picked: Picked) -> Result<Plan, String> {
    let rule = sheet.context.tools.get(&picked.tool).ok_or_else(|| format!("das Werkzeug „{}“ ist nicht mehr freigegeben", picked.tool))?;
    let mut arguments = picked.with.clone();
    if let Some(Value::Object(fixed)) = opening(&sheet.run, &path.slot()).and_then(|call| fixed_of(call, &picked.tool)) {
        arguments.extend(fixed.clone());
    }
    let arguments = Value::Object(arguments);
    let intent = call(sheet, &path, agent, &picked.tool, rule, arguments.clone(), false)?;
    Ok(if rule.effect == Effect::Read { Plan::Make(Box::new(intent)) } else { Plan::Approve { path, picked, effect: rule.effect, arguments } })
}

fn act(sheet: &mut Sheet<'_>, agent: &Agent, plan: Plan) {
    let event = match plan {
        Plan::Make(intent) => Event::EffectIntended(*intent),
        Plan::Approve { path, picked, effect, arguments } => Event::TaskOpened(tasks::approval(sheet, &path, agent, &picked, effect, &arguments)),
    };
    sheet.emit(event);
}

fn fixed_of<'c>(call: &'c Call, tool: &str) -> Option<&'c Value> {
    let Call::Model { offer: Some(offer), .. } = call else { return None };
    offer.tools.iter().find(|offered| offered.name == tool).map(|offered| &offered.fixed)
}

/// The exact call. `approved`: a person has read it, and vouches for what steers.
fn call(sheet: &Sheet<'_>, path: &EffectPath, agent: &Agent, name: &str, rule: &ToolRule, arguments: Value, approved: bool) -> Result<EffectIntended, String> {
    let (server, tool) = name.split_once('/').unwrap_or((name, ""));
    let own = agent.tools.iter().find(|tool| tool.call.name() == name).map(|tool| &tool.call.with);
    let whole = self::label(sheet, &path.slot(), agent);
    let label = |argument: &String, value: &Value| {
        let label = own.and_then(|with| with.get(argument)).map_or_else(|| whole.clone(), |template| sheet.labels().of_argument(template, None));
        let seen = approved && rule.steers(argument) && labels::rendered_chars(value) <= labels::SEEN_CHARS_MAX;
        if seen { label.with_trust(Trust::Trusted) } else { label }
    };
    Ok(EffectIntended {
        path: path.clone(),
        round: sheet.run.round_of(&path.step),
        target: name.to_owned(),
        effect: rule.effect,
        repeatable: rule.is_repeatable(),
        settles: rule.settles(),
        who: who(sheet, &path.slot())?,
        labels: arguments.as_object().into_iter().flatten().map(|(argument, value)| (argument.clone(), label(argument, value))).collect(),
        listed: BTreeSet::new(),
        receipt: false,
        reads: labels::reads(own.into_iter().flat_map(BTreeMap::values)),
        timeout_ms: tool::timeout_ms(sheet.step(&path.step)),
        not_before: None,
        call: Call::Tool { server: server.to_owned(), tool: tool.to_owned(), arguments },
    })
}

/// A person has approved, declined or answered.
pub(crate) fn answer(sheet: &mut Sheet<'_>, task: &Task, answer: Answer) -> Result<(), Rejection> {
    human::check_form(sheet, task, &answer)?;
    let gone = || Rejection::stale("Diese Aufgabe gehört zu keinem Agenten mehr.", "This task belongs to no agent any more.");
    let (Some(path), StepKind::Agent(agent)) = (task.opened.path.clone(), &sheet.step(&task.opened.step).kind) else { return Err(gone()) };
    if !sheet.run.is_active(&path.slot()) {
        return Err(gone());
    }
    let approved = task.opened.kind == TaskKind::Approval && answer.values["entscheidung"] == "freigeben";
    let intent = if approved { Some(granted(sheet, &path, agent, task).map_err(|why| Rejection::Stale(Text::new(why.clone(), why)))?) } else { None };
    human::record(sheet, task, answer);
    match intent {
        Some(intent) => sheet.emit(Event::EffectIntended(intent)),
        None => go_on(sheet, &path.slot(), path.turn, agent),
    }
    Ok(())
}

fn granted(sheet: &Sheet<'_>, path: &EffectPath, agent: &Agent, task: &Task) -> Result<EffectIntended, String> {
    let name = task.opened.show["werkzeug"].as_str().unwrap_or_default();
    let rule = sheet.context.tools.get(name).ok_or_else(|| format!("das Werkzeug „{name}“ ist nicht mehr freigegeben"))?;
    call(sheet, path, agent, name, rule, task.opened.show["argumente"].clone(), true)
}

/// A call has failed for good: the model is told, and decides what it does about it.
pub(crate) fn call_failed(sheet: &mut Sheet<'_>, path: &EffectPath, agent: &Agent) {
    go_on(sheet, &path.slot(), path.turn, agent);
}

/// Tokens of all turns of a slot, with every repetition.
pub(crate) fn spent(sheet: &Sheet<'_>, slot: &Slot) -> u64 {
    let own = |path: &EffectPath| path.slot() == *slot && path.phase == Phase::Do && path.call == 0 && path.turn > 0;
    sheet.run.effects.iter().filter(|(path, _)| own(path)).map(|(_, effect)| effect.tokens).sum()
}

/// Who acts; whoever took a call of this step over answers for what follows from it.
fn who(sheet: &Sheet<'_>, slot: &Slot) -> Result<Caller, String> {
    let own = acting(sheet, &slot.step)?;
    let others = sheet.run.effects.iter().filter(|(path, effect)| path.slot() == *slot && path.phase == Phase::Do && effect.intent.who != own);
    let last = others.max_by_key(|(path, _)| (path.turn, path.call, path.iteration)).map(|(_, effect)| effect.intent.who.clone());
    Ok(last.filter(Caller::is_person).unwrap_or(own))
}

/// The next turn, when everything of this one is in.
fn go_on(sheet: &mut Sheet<'_>, slot: &Slot, turn: u32, agent: &Agent) {
    let path = EffectPath { turn, ..EffectPath::of(slot, Phase::Do) };
    if sheet.run.ending.is_some() || !sheet.run.is_active(slot) || sheet.run.has_open_effects(slot) {
        return;
    }
    if settle::is_over(sheet, &path) {
        return sheet.fail(slot, FailureClass::Timeout, deadline::PASSED.to_owned());
    }
    if turn_at(&sheet.run, slot, turn).is_none() {
        return;
    }
    match next(sheet, slot, turn + 1, agent) {
        Ok(intent) => sheet.emit(Event::EffectIntended(intent)),
        Err(message) => sheet.fail(slot, FailureClass::Refused, message),
    }
}

fn next(sheet: &Sheet<'_>, slot: &Slot, turn: u32, agent: &Agent) -> Result<EffectIntended, String> {
    let spent = spent(sheet, slot);
    if spent >= agent.max_tokens {
        return Err(format!("nach {spent} Token noch keine Antwort (max_tokens: {})", agent.max_tokens));
    }
    let turns = turns(&sheet.run, slot, turn);
    let called: usize = turns.iter().map(|turn| calls_in(&turn.said)).sum();
    let closing = turn >= agent.max_turns || called >= agent.max_tool_calls as usize;
    let first = EffectPath { turn: 1, ..EffectPath::of(slot, Phase::Do) };
    let mut intent = sheet.run.effects.get(&first).map(|effect| effect.intent.clone()).ok_or("der Anfang dieses Gesprächs fehlt")?;
    intent.path.turn = turn;
    intent.who = who(sheet, slot)?;
    intent.labels.insert(format!("steps.{} [gefunden]", slot.step), found(sheet, slot));
    intent.call = Call::Turn { closing, repairs: Vec::new() };
    Ok(intent)
}

/// The call an agent began with: goal, material and the frozen tools.
fn opening<'r>(run: &'r Run, slot: &Slot) -> Option<&'r Call> {
    let first = EffectPath { turn: 1, ..EffectPath::of(slot, Phase::Do) };
    run.effects.get(&first).map(|effect| &effect.intent.call)
}

fn turns(run: &Run, slot: &Slot, before: u32) -> Vec<Turn> {
    (1..before).map_while(|turn| turn_at(run, slot, turn)).collect()
}

/// A turn that is over; `None` while something of it is under way.
fn turn_at(run: &Run, slot: &Slot, turn: u32) -> Option<Turn> {
    let at = |iteration: u32, call: u32| EffectPath { iteration, turn, call, ..EffectPath::of(slot, Phase::Do) };
    // what it said when it was asked for the last time
    let said = (0..=REPAIRS_MAX).rev().find_map(|iteration| match &run.effects.get(&at(iteration, 0))?.status {
        EffectStatus::Settled { value } => Some(value.clone()),
        _ => None,
    })?;
    let count = match Said::of(&said) {
        Said::Calls(calls) => u32::try_from(calls.len()).unwrap_or(0),
        Said::Ask(_) => 1,
        Said::Answer(_) => return None,
    };
    let results = (1..=count).map(|call| result(run, &at(0, call))).collect::<Option<_>>()?;
    Some(Turn { said, results })
}

/// As often as the language lets a model be asked again.
const REPAIRS_MAX: u32 = 5;

/// What came of a call, or of a question.
fn result(run: &Run, path: &EffectPath) -> Option<Value> {
    if let Some(effect) = run.effects.get(path) {
        return match &effect.status {
            // somebody has seen that it happened, and no more
            EffectStatus::Settled { value } if *value == json!({}) => Some(json!({ "geschehen": "ja" })),
            EffectStatus::Settled { value } => Some(value.clone()),
            EffectStatus::GaveUp { message, disposition, .. } => Some(match disposition {
                Disposition::DidNotHappen => json!({ "error": message }),
                Disposition::Unknown => json!({ "error": message, "geschehen": "ungewiss" }),
                Disposition::Happened => json!({ "error": message, "geschehen": "ja" }),
            }),
            _ => None,
        };
    }
    let task = run.tasks.values().rev().find(|task| task.opened.path.as_ref() == Some(path) && is_agents(task))?;
    match (&task.state, &task.opened.kind) {
        (TaskState::Completed { values, .. }, TaskKind::Ask) => Some(json!({ "antwort": values["antwort"] })),
        (TaskState::Completed { values, .. }, _) => {
            let why = values["grund"].as_str().filter(|why| !why.is_empty()).map_or(String::new(), |why| format!(": {why}"));
            Some(json!({ "error": format!("Ein Mensch hat diesen Aufruf abgelehnt{why}") }))
        }
        _ => None,
    }
}

fn is_agents(task: &Task) -> bool {
    matches!(task.opened.kind, TaskKind::Approval | TaskKind::Ask)
}

/// Everything a model is asked with.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub size: Size,
    pub prompt: String,
    pub data: BTreeMap<String, Value>,
    pub output: Option<Value>,
    pub repairs: Vec<(String, String)>,
    /// Of an agent: its tools, and what has been said before this turn.
    pub dialogue: Option<Dialogue>,
}

/// The request of a model effect, an agent's with all that was said before it. `None` if it is none, or its beginning is gone.
pub fn request(run: &Run, path: &EffectPath) -> Option<Request> {
    let call = &run.effects.get(path)?.intent.call;
    let (opening, closing, repairs) = match call {
        Call::Model { repairs, offer, .. } => (call, offer.as_ref().is_some_and(|offer| offer.closing), repairs),
        Call::Turn { closing, repairs } => (opening(run, &path.slot())?, *closing, repairs),
        Call::Tool { .. } => return None,
    };
    let Call::Model { size, prompt, data, output, offer, .. } = opening else { return None };
    let dialogue = offer.clone().map(|offer| Dialogue { offer, turns: turns(run, &path.slot(), path.turn), closing });
    Some(Request { size: *size, prompt: prompt.clone(), data: data.clone(), output: output.clone(), repairs: repairs.clone(), dialogue })
}
