//! What stands in a box, in words: what kind of step it is, who is asked, what it depends on, by what a process begins.

use laufzettel_domain::Text;

use super::Symbol;
use crate::{
    expression::{Expression, Template},
    model::{Awaited, Human, Length, Process, Step, StepKind, Trigger, TriggerKind},
};

pub fn kind(kind: &StepKind) -> (Symbol, Text) {
    let (symbol, de, en) = match kind {
        StepKind::Tool(_) => (Symbol::Tool, "Werkzeug", "Tool"),
        StepKind::Model(_) => (Symbol::Model, "KI-Modell", "AI model"),
        StepKind::Human(_) => (Symbol::Human, "Mensch", "Person"),
        StepKind::Rules(_) => (Symbol::Rules, "Regeltabelle", "Rule table"),
        StepKind::Set(_) => (Symbol::Set, "Berechnung", "Calculation"),
        StepKind::Wait(_) => (Symbol::Wait, "Warten", "Wait"),
        StepKind::Process(_) => (Symbol::Process, "Vorgang", "Case"),
        StepKind::Agent(_) => (Symbol::Agent, "KI-Agent", "AI agent"),
    };
    (symbol, Text::new(de, en))
}

/// The tool a step calls.
pub fn tool(step: &Step) -> Option<String> {
    match &step.kind {
        StepKind::Tool(call) => Some(call.name()),
        _ => None,
    }
}

/// The particulars of a step, then what every step may carry.
pub fn notes(step: &Step) -> Vec<(Symbol, Text)> {
    let mut notes = own(step);
    let same = |symbol, text: String| (symbol, Text::new(text.clone(), text));
    if let Some(condition) = &step.condition {
        let source = inner(condition);
        notes.push((Symbol::Condition, Text::new(format!("nur wenn {source}"), format!("only if {source}"))));
    }
    if let Some(each) = &step.each {
        let source = inner(&each.list);
        notes.push((Symbol::Again, Text::new(format!("für jeden Eintrag von {source}"), format!("for each of {source}"))));
    }
    if let Some(repeat) = &step.repeat {
        let source = inner(&repeat.until);
        notes.push((Symbol::Again, Text::new(format!("wiederholt, bis {source}"), format!("repeated until {source}"))));
    }
    if let Some(undo) = &step.undo {
        notes.push((Symbol::Undo, Text::new(format!("rücknehmbar: {}", undo.name()), format!("can be undone: {}", undo.name()))));
    }
    if let Some(end) = &step.end_if {
        let source = inner(end);
        notes.push((Symbol::Stop, Text::new(format!("beendet den Vorgang, wenn {source}"), format!("ends the case if {source}"))));
    }
    if let StepKind::Tool(call) = &step.kind {
        notes.insert(0, same(Symbol::Tool, call.name()));
    }
    notes
}

fn own(step: &Step) -> Vec<(Symbol, Text)> {
    match &step.kind {
        StepKind::Human(human) => vec![(Symbol::Human, asked(human))],
        StepKind::Process(call) => vec![(Symbol::Process, Text::new(call.name.to_string(), call.name.to_string()))],
        StepKind::Rules(rules) => vec![(Symbol::Rules, Text::new(rules.table.name.clone(), rules.table.name.clone()))],
        StepKind::Agent(agent) => {
            let tools: Vec<String> = agent.tools.iter().map(|tool| tool.call.name()).collect();
            let tools = tools.join(", ");
            vec![(Symbol::Tool, Text::new(format!("darf rufen: {tools}"), format!("may call: {tools}")))]
        }
        StepKind::Wait(wait) => {
            let what = match &wait.what {
                Awaited::Time(Length::For(length)) => Text::new(format!("für {}", written(length)), format!("for {}", written(length))),
                Awaited::Time(Length::Until(until)) => Text::new(format!("bis {}", written(until)), format!("until {}", written(until))),
                Awaited::Event(event) => Text::new(format!("auf „{}“", event.name), format!("for \"{}\"", event.name)),
            };
            let ends = wait.unless.iter().map(|step| (Symbol::Stop, Text::new(format!("endet mit „{step}“"), format!("ends with \"{step}\""))));
            std::iter::once((Symbol::Wait, what)).chain(ends).collect()
        }
        StepKind::Tool(_) | StepKind::Model(_) | StepKind::Set(_) => Vec::new(),
    }
}

fn asked(human: &Human) -> Text {
    let hers = human.assign.applicant.then(|| Text::new("antragstellende Person", "applicant"));
    let others = human.assign.groups.iter().chain(&human.assign.user).map(|name| Text::new(name.clone(), name.clone()));
    let all: Vec<Text> = hers.into_iter().chain(others).collect();
    let join = |of: &dyn Fn(&Text) -> String| all.iter().map(of).collect::<Vec<_>>().join(", ");
    Text::new(join(&|text| text.de.clone()), join(&|text| text.en.clone()))
}

/// Without the braces around it.
fn inner(expression: &Expression) -> String {
    let source = expression.source.trim();
    source.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map_or(source, str::trim).to_owned()
}

fn written(template: &Template) -> String {
    match template {
        Template::Const(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        other => other.expressions().into_iter().map(inner).collect::<Vec<_>>().join(", "),
    }
}

/// By what a process begins.
pub fn ways(process: &Process) -> Vec<Text> {
    let mut ways: Vec<Text> = process.triggers.iter().map(way).collect();
    if !process.start.groups.is_empty() {
        let groups = process.start.groups.join(", ");
        ways.push(Text::new(format!("von Hand: {groups}"), format!("by hand: {groups}")));
    }
    if ways.is_empty() {
        ways.push(Text::new("nur in anderen Vorgängen", "only within other cases"));
    }
    ways
}

fn way(trigger: &Trigger) -> Text {
    match &trigger.kind {
        TriggerKind::Intake { path, public: true, .. } => Text::new(format!("öffentliches Formular „{path}“"), format!("public form \"{path}\"")),
        TriggerKind::Intake { path, .. } => Text::new(format!("Formular „{path}“"), format!("form \"{path}\"")),
        TriggerKind::Webhook { path, .. } => Text::new(format!("Fachverfahren über „{path}“"), format!("other program by \"{path}\"")),
        TriggerKind::Cron { schedule, .. } => Text::new(format!("nach der Uhr: {}", schedule.text), format!("by the clock: {}", schedule.text)),
        TriggerKind::Folder(paths) => Text::new(format!("Dateien im Ordner {}", paths.path), format!("files in the folder {}", paths.path)),
        TriggerKind::Mail(mailbox) => Text::new(format!("E-Mail in {}", mailbox.place()), format!("e-mail in {}", mailbox.place())),
        TriggerKind::Poll(poll) => Text::new(format!("Einträge von {}", poll.call.name()), format!("entries of {}", poll.call.name())),
    }
}
