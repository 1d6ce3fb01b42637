//! The labels of values: one set of joins over the same reads, for the proof before a process runs and for the run itself.
//!
//! What differs is where a step's label comes from: from the run, or from what was declared ([`Known`]). Refuses to decide
//! anything: the doors and the proof do.

mod applicant;
mod found;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{Kategorie, Label, Path, Schutzbedarf, StepId, Trust, Value};
use laufzettel_policy::{Effect, Labelled, ToolRule};
use laufzettel_process::{
    Process, Types,
    expression::{Expression, Shape, Template},
    model::{Agent, AgentTool, Awaited, AwaitedEvent, ChildCall, Human, ModelCall, Rules, Step, StepKind, ToolCall, Wait},
    schema,
};

pub(crate) use applicant::before_her;
use found::found_in;
pub use found::raise_found;
pub(crate) use seen::rendered_chars;
use seen::{is_short, vouched};

use crate::{
    context::Context,
    run::{Run, StepState},
};

/// Values longer than this (rendered) were not surely read whole by the person who was shown them.
pub(crate) const SEEN_CHARS_MAX: usize = 500;

/// Tools whose results hold text of documents and mails: untrusted whatever the configuration says.
const FOREIGN_TEXT: [&str; 4] = ["lesen", "text_auslesen", "passagen", "posteingang"];

/// What is known of the steps so far.
#[derive(Clone, Copy)]
pub enum Known<'v> {
    /// A run: observed values with their labels.
    Run(&'v Run),
    /// The process alone: the declared label of each step whose turn it was, whatever the way there.
    Declared(&'v BTreeMap<StepId, Declared>),
}

/// What is declared of a step's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    pub tree: Labelled,
    /// What its being skipped tells, where it can be. Only who reads it although it was skipped learns that.
    pub skipped: Option<Label>,
}

/// Where the input comes from.
#[derive(Clone, Copy)]
pub enum Source<'v> {
    /// From outside: as trusted as the way it came in, labelled as declared.
    Outside(Trust),
    /// From the process that calls this one.
    Passed(&'v Labelled),
}

/// Where labels are looked up.
#[derive(Clone, Copy)]
pub struct Labels<'v> {
    pub process: &'v Process,
    pub context: &'v Context,
    pub known: Known<'v>,
    pub input: Source<'v>,
    /// The step that reads: it is skipped with those it needs, unless it marked them optional.
    pub reader: Option<&'v Step>,
}

impl<'v> Labels<'v> {
    pub fn of_run(process: &'v Process, context: &'v Context, run: &'v Run) -> Self {
        let input = run.passed.as_ref().map_or(Source::Outside(run.trust), Source::Passed);
        Self { process, context, known: Known::Run(run), input, reader: None }
    }

    /// The same as a step reads it.
    #[must_use]
    pub fn read_by(mut self, step: &'v Step) -> Self {
        self.reader = Some(step);
        self
    }

    fn types(&self) -> &Types {
        &self.context.types
    }

    /// The label of one path. A foreign value of a type that cannot carry an instruction is inert.
    pub fn of_path(&self, path: &Path) -> Label {
        let label = match (path.root(), path.step()) {
            (_, Some(step)) => self.of_step(step, &path.0[2..]),
            ("input", None) => self.of_input(&path.0[1..]),
            ("run", None) => of_run(path),
            // `result`: the step's own value, labelled by whoever evaluates it
            _ => Label::strictest(),
        };
        if label.trust == Trust::Untrusted && self.types().at(path).is_some_and(schema::is_inert) {
            return label.with_trust(Trust::Inert);
        }
        label
    }

    fn of_input(&self, below: &[String]) -> Label {
        let declared = match self.input {
            Source::Outside(trust) => self.process.input.label_whole(below, &self.process.default_label(trust)),
            // never below what its own file says, and as good as what was passed
            Source::Passed(labels) => self.process.input.label_whole(below, &self.process.default_label(Trust::Trusted)).join(&labels.at(below)),
        };
        match self.known {
            Known::Run(run) => {
                // of an element of a list that is not named: of all of them
                let named = below.iter().position(|part| part == Path::EACH).unwrap_or(below.len());
                match Path(below[..named].to_vec()).find(&run.input) {
                    Some(value) => declared.join(&found_in(below.last(), value, &self.context.own_domains)),
                    None => declared,
                }
            }
            Known::Declared(_) => declared,
        }
    }

    fn of_step(&self, step: &str, below: &[String]) -> Label {
        match self.known {
            Known::Declared(steps) => steps.get(step).map_or_else(Label::strictest, |declared| match &declared.skipped {
                Some(skipped) if !self.is_skipped_with(step) => declared.tree.at(below).join(skipped),
                _ => declared.tree.at(below),
            }),
            Known::Run(run) => match run.steps.get(step) {
                Some(StepState::Completed { labels, .. }) => labels.at(below),
                Some(StepState::Skipped { label, .. } | StepState::Failed { label, .. }) => label.clone(),
                _ => Label::strictest(),
            },
        }
    }

    fn is_skipped_with(&self, step: &str) -> bool {
        self.reader.is_some_and(|reader| reader.needs.get(step) == Some(&false))
    }

    /// The join over an expression's reads.
    pub fn of_expression(&self, expression: &Expression) -> Label {
        self.of_reads(expression, None)
    }

    /// `own`: the step's own value, which its undo reads as `result`.
    fn of_reads(&self, expression: &Expression, own: Option<&Labelled>) -> Label {
        let mut label = Label::default();
        for path in expression.analysis.paths() {
            if path.root() == "result" && own.is_none() {
                continue; // the step's own value, by whoever asks it
            }
            label = label.join(&match own.filter(|_| path.root() == "result") {
                Some(own) => own.at(&path.0[1..]),
                None => self.of_path(&path),
            });
        }
        for step in &expression.analysis.asked {
            label = label.join(&self.of_step(step, &[]).with_trust(Trust::Untrusted));
        }
        if label.trust == Trust::Untrusted && self.types().is_inert(expression) {
            label.trust = Trust::Inert;
        }
        label
    }

    pub fn of_template(&self, template: &Template) -> Label {
        template.expressions().into_iter().fold(Label::default(), |label, e| label.join(&self.of_expression(e)))
    }

    fn of_templates<'t>(&self, templates: impl IntoIterator<Item = &'t Template>) -> Label {
        templates.into_iter().fold(Label::default(), |label, t| label.join(&self.of_template(t)))
    }

    /// Field by field where the value is built field by field.
    pub fn tree(&self, template: &Template) -> Labelled {
        match template {
            Template::Map(map) => Labelled { own: Label::default(), fields: map.iter().map(|(name, inner)| (name.clone(), self.tree(inner))).collect() },
            other => Labelled::all(self.of_template(other)),
        }
    }

    /// Whether the author listed every value this template can take: enums of the process's own files and constants.
    pub fn is_listed(&self, template: &Template) -> bool {
        template.expressions().iter().all(|e| self.is_listed_by_reads(e) || (self.is_listed_shape(&e.shape) && self.is_chosen_by_inert(e)))
    }

    fn is_listed_by_reads(&self, expression: &Expression) -> bool {
        let listed = |path: &Path| self.of_path(path).trust == Trust::Trusted || self.is_own_enum(path);
        expression.analysis.asked.is_empty() && expression.analysis.paths().iter().all(listed)
    }

    /// As of a table's arguments: free text of an untrusted origin chooses nothing that steers.
    fn is_chosen_by_inert(&self, expression: &Expression) -> bool {
        expression.analysis.paths().iter().all(|path| self.of_path(path).trust >= Trust::Inert)
    }

    /// One of several constants: as those of a table's rows.
    fn is_listed_shape(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Const(_) => true,
            // a value nobody listed is steered by whatever chose it, whoever vouches for it
            Shape::Ref(path) => self.is_own_enum(path),
            Shape::Either(shapes) => shapes.iter().all(|s| self.is_listed_shape(s)),
            _ => false,
        }
    }

    fn is_own_enum(&self, path: &Path) -> bool {
        let listed = self.types().at(path).is_some_and(|schema| schema.get("enum").is_some() || schema.get("const").is_some());
        match path.step().and_then(|step| self.process.steps.get(step)).map(|step| &step.kind) {
            None => path.root() == "input" && listed,
            Some(StepKind::Tool(_)) => false,
            // what a `set` passes on was listed where it came from, or nowhere
            Some(StepKind::Set(template)) => listed && self.is_listed(part(template, self.below(path))),
            Some(StepKind::Human(_)) => listed && self.below(path).first().is_none_or(|field| field != "shown"),
            // listed in a file of the child's, if at all: it says so with its labels
            Some(StepKind::Process(_)) => false,
            Some(StepKind::Model(_) | StepKind::Agent(_) | StepKind::Rules(_) | StepKind::Wait(_)) => listed,
        }
    }

    /// The label of a text for an instruction: what a person was shown, she vouches for as data, never as an order.
    pub fn of_prompt(&self, template: &Template) -> Label {
        let mut label = self.of_template(template);
        for path in template.expressions().iter().flat_map(|e| e.analysis.paths()) {
            label.trust = label.trust.min(self.trust_as_order(&path));
        }
        label
    }

    fn trust_as_order(&self, path: &Path) -> Trust {
        let source = match path.step().and_then(|step| self.process.steps.get(step)).map(|step| &step.kind) {
            // a step read whole is read with all it showed
            Some(StepKind::Human(human)) => self.order_of_human(human, self.below(path)),
            Some(StepKind::Set(inner)) => self.of_prompt(part(inner, self.below(path))),
            // a table that computes passes on what it was given
            Some(StepKind::Rules(rules)) if !rules.table.is_constant() => rules.with.values().fold(Label::default(), |all, t| all.join(&self.of_prompt(t))),
            _ => return Trust::Trusted,
        };
        let inert = self.types().at(path).is_some_and(schema::is_inert);
        if inert { source.trust.max(Trust::Inert) } else { source.trust }
    }

    /// What a person was shown, or was proposed to choose: data, never an order. What she wrote herself is hers.
    fn order_of_human(&self, human: &Human, below: &[String]) -> Label {
        let all = |templates: &BTreeMap<String, Template>| templates.values().fold(Label::default(), |all, t| all.join(&self.of_prompt(t)));
        match (below.first().map(String::as_str), below.get(1).and_then(|name| human.show.get(name))) {
            (Some("shown"), Some(shown)) => self.of_prompt(part(shown, &below[2..])),
            (Some("shown"), None) => all(&human.show),
            (Some(field), _) => {
                let sources = [&human.vorschlag, &human.auswahl].into_iter().filter_map(|templates| templates.get(field));
                // whatever she made of it: somebody else's words were the pattern
                sources.fold(Label::default(), |label, template| label.join(&self.of_prompt(template).with_trust(Trust::Untrusted)))
            }
            // a step read whole is read with all it showed
            (None, _) => all(&human.show).join(&all(&human.vorschlag)).join(&all(&human.auswahl)),
        }
    }

    /// Whether every value at a path is read at a glance, as its type says.
    pub(crate) fn is_short_at(&self, path: &Path) -> bool {
        self.types().at(path).is_some_and(is_short)
    }

    fn below<'p>(&self, path: &'p Path) -> &'p [String] {
        path.step().and_then(|id| self.process.steps.get(id)).map_or(&[], |step| step.below(path))
    }

    /// What decides whether and how often a step is carried out: what skipping or running it tells.
    pub fn of_condition(&self, step: &StepId) -> Label {
        let Some(step) = self.process.steps.get(step) else { return Label::default() };
        conditions(step).fold(Label::default(), |label, expression| label.join(&self.of_expression(expression)))
    }

    /// The labels a step's value has, whatever gave it: its own call, a case of its table, or whoever repairs it.
    pub fn of_value(&self, step: &Step) -> Labelled {
        let id = &step.id;
        let one = match &step.kind {
            StepKind::Set(template) => self.of_set(id, template),
            StepKind::Wait(wait) => match &wait.what {
                Awaited::Time(length) => self.of_wait(id, length.template()),
                Awaited::Event(event) => self.of_event(id, wait, event),
            },
            StepKind::Rules(rules) => Labelled::all(self.of_rules(id, rules)),
            StepKind::Tool(call) => Labelled::all(self.of_tool(id, call)),
            StepKind::Model(call) => Labelled::all(self.of_model(id, call)),
            StepKind::Agent(agent) => Labelled::all(self.of_agent(id, agent)),
            StepKind::Process(call) => self.of_child(id, call),
            StepKind::Human(human) => self.of_human(id, human, &self.of_show(human), &self.of_proposed(human), None),
        };
        let Some(each) = &step.each else { return one };
        let list = Labelled::list(told(step, self.of_condition(id)), [one]);
        if each.continues { list.raise(&self.of_failed(step)) } else { list }
    }

    /// Below a step that did not run nothing is, and that tells of what skipped it.
    pub fn of_skipped(&self, step: &Step, cause: &Label) -> Label {
        told(step, cause.clone())
    }

    /// Below a failed step nothing is; that it failed tells of what went in.
    pub fn of_failed(&self, step: &Step) -> Label {
        let inputs = self.of_templates(step.kind.templates().into_iter().map(|(_, t)| t));
        let mut told = self.of_condition(&step.id).join(&inputs).join(&self.process.default_label(Trust::Trusted));
        if let StepKind::Agent(agent) = &step.kind {
            // it fails with words of its model's, which knows what its tools brought
            told = told.join(&self.of_agent(&step.id, agent));
        }
        self::told(step, told)
    }

    /// When a wait was over tells of how long it was to be, and of its condition; the clock itself is nobody's word.
    pub fn of_wait(&self, id: &StepId, length: &Template) -> Labelled {
        let told = self.of_template(length).join(&self.of_condition(id));
        // an instant carries no order, whoever chose it
        let trust = told.trust.max(Trust::Inert);
        Labelled::all(told.with_trust(trust))
    }

    /// What a child is given, field by field.
    pub fn of_passed(&self, call: &ChildCall) -> Labelled {
        Labelled { own: Label::default(), fields: call.input.iter().map(|(name, template)| (name.clone(), self.tree(template))).collect() }
    }

    /// What comes of a process, key by key.
    pub fn of_output(&self) -> Labelled {
        let fields = self.process.output.iter().map(|(name, template)| (name.clone(), self.tree(template)));
        Labelled { own: Label::default(), fields: fields.collect() }
    }

    /// What a child may bring: its output, with what it is given passed through it.
    pub fn of_child(&self, id: &StepId, call: &ChildCall) -> Labelled {
        let Some((process, types)) = self.process.children.get(&call.name).zip(self.types().children.get(&call.name)) else {
            return Labelled::all(Label::strictest());
        };
        let context = self.context.of_child(types);
        let passed = self.of_passed(call);
        let known = crate::proof::declared(process, &context, Source::Passed(&passed));
        let inner = Labels { process, context: &context, known: Known::Declared(&known), input: Source::Passed(&passed), reader: None };
        inner.of_output().raise(&self.of_condition(id))
    }

    /// What somebody sent: foreign, as protected as its schema says, raised by what it was asked for.
    pub fn of_event(&self, id: &StepId, wait: &Wait, event: &AwaitedEvent) -> Labelled {
        let asked = self.of_templates(wait.templates().into_iter().map(|(_, t)| t)).join(&self.of_condition(id));
        let default = self.process.default_label(Trust::Untrusted);
        let of = |path: &[String]| event.output.label_whole(path, &default).join(&asked).with_trust(Trust::Untrusted);
        let properties = event.output.root.get("properties").and_then(Value::as_object).into_iter().flatten();
        let fields = properties.map(|(name, _)| (name.clone(), Labelled::all(of(std::slice::from_ref(name)))));
        let came = ("timed_out".to_owned(), Labelled::all(asked.clone().with_trust(Trust::Untrusted)));
        Labelled { own: of(&[]), fields: fields.chain([came]).collect() }
    }

    /// A tool's result: `yields`, raised by what went in; its trust is `yields` alone.
    pub fn of_tool(&self, id: &StepId, call: &ToolCall) -> Label {
        let name = call.name();
        let yields = self.of_yields(&name);
        let trust = yields.trust;
        yields.join(&self.of_templates(call.with.values())).join(&self.of_condition(id)).with_trust(trust)
    }

    /// What a tool itself brings into the house. The strictest if its declaration is gone since the call was made.
    pub fn of_yields(&self, name: &str) -> Label {
        let Some(rule) = self.context.tools.get(name) else { return Label::strictest() };
        let kategorien = rule.yields.kategorien.clone().unwrap_or_else(|| self.process.datenkategorien.clone());
        Label { schutzbedarf: rule.yields.schutzbedarf, kategorien, trust: trust_of_tool(name, rule) }
    }

    /// A model's answer has the level of its material and is never trusted.
    pub fn of_model(&self, id: &StepId, call: &ModelCall) -> Label {
        self.of_templates(call.data.values().chain([&call.prompt])).join(&self.of_condition(id)).with_trust(Trust::Untrusted)
    }

    /// Whatever an agent says has the level of its material and of everything its tools and the people it asks may bring, in any
    /// order, and is never trusted.
    pub fn of_agent(&self, id: &StepId, agent: &Agent) -> Label {
        let asked = self.of_people(agent).unwrap_or_default();
        let tools = agent.tools.iter().map(|tool| self.of_agent_tool(tool));
        tools.fold(self.of_model(id, &agent.call).join(&asked), |all, tool| all.join(&tool)).with_trust(Trust::Untrusted)
    }

    /// What people say to an agent: answers to its questions, and why they decline a call.
    pub fn of_people(&self, agent: &Agent) -> Option<Label> {
        let approves = |tool: &AgentTool| self.context.tools.get(&tool.call.name()).is_none_or(|rule| rule.effect != Effect::Read);
        let heard = !agent.ask.is_empty() || agent.tools.iter().any(approves);
        heard.then(|| self.process.default_label(Trust::Untrusted))
    }

    /// What a tool of an agent brings: its yields, and what the author gave it.
    pub fn of_agent_tool(&self, tool: &AgentTool) -> Label {
        self.of_yields(&tool.call.name()).join(&self.of_templates(tool.call.with.values()))
    }

    /// Constants chosen by values that are at least inert are the author's own words.
    pub fn of_rules(&self, id: &StepId, rules: &Rules) -> Label {
        let arguments = self.of_templates(rules.with.values());
        let trust = if rules.table.is_constant() && arguments.trust >= Trust::Inert { Trust::Trusted } else { arguments.trust };
        arguments.join(&self.of_condition(id)).with_trust(trust)
    }

    pub fn of_set(&self, id: &StepId, template: &Template) -> Labelled {
        self.tree(template).raise(&self.of_condition(id))
    }

    /// What a person answered and was shown; of a staff member trusted. `shown` and `proposed`: labels of what was shown and offered,
    /// by name; `seen`: the values, if they are known.
    pub fn of_human(
        &self,
        id: &StepId,
        human: &Human,
        shown: &BTreeMap<String, Label>,
        proposed: &BTreeMap<String, Label>,
        seen: Option<&Seen<'_>>,
    ) -> Labelled {
        if human.asks_applicant() {
            return self.of_applicant(id, human, shown, proposed);
        }
        let condition = self.of_condition(id).with_trust(Trust::Trusted);
        let mut tree = self.of_form(&human.form);
        for (name, label) in proposed {
            // what she took over is what she was offered; she saw it
            let kind = human.form.root.pointer(&format!("/properties/{name}"));
            let value = seen.map(|seen| seen.values.get(name).unwrap_or(&Value::Null));
            let own = tree.fields.get(name).map_or_else(Label::default, Labelled::whole);
            tree.fields.insert(name.clone(), vouched(label, kind, value).raise(&own));
        }
        let mut tree = tree.raise(&condition);
        let fields = shown.iter().map(|(name, label)| {
            let lowered = human.release.as_ref().filter(|release| release.of.contains(name)).map_or_else(|| label.clone(), |release| release.lower(label));
            let kind = self.types().at(&self.shown_path(id, name));
            let value = seen.map(|seen| seen.show.get(name).unwrap_or(&Value::Null));
            (name.clone(), vouched(&lowered.join(&condition.clone().with_trust(Trust::Trusted)), kind, value))
        });
        let shown = Labelled { own: Label::default(), fields: fields.collect() };
        tree.fields.insert("shown".to_owned(), shown);
        tree.fields.insert("by".to_owned(), Labelled::all(of_staff()));
        tree
    }

    fn shown_path(&self, id: &StepId, name: &str) -> Path {
        let listed = self.process.steps.get(id).is_some_and(|step| step.each.is_some());
        let element = listed.then_some(Path::EACH);
        Path::new(["steps", id.as_str()].into_iter().chain(element).chain(["shown", name]))
    }

    /// A staff member's form values: trusted, with the labels the form declares; enums and booleans carry none.
    fn of_form(&self, form: &schema::Schema) -> Labelled {
        let default = self.process.default_label(Trust::Trusted);
        let properties = form.root.get("properties").and_then(Value::as_object).into_iter().flatten();
        let fields = properties.map(|(name, _)| {
            let path = [name.clone()];
            let label = match form.at(&path) {
                schema::At::Known { schema, .. } if schema.get("enum").is_some() || schema.get("type") == Some(&Value::from("boolean")) => {
                    form.label(&path, &Label::default())
                }
                _ => form.label_whole(&path, &default),
            };
            (name.clone(), Labelled::all(label.with_trust(Trust::Trusted)))
        });
        let closed = form.root.get("additionalProperties") == Some(&Value::Bool(false));
        Labelled { own: if closed { Label::default() } else { default.clone() }, fields: fields.collect() }
    }

    /// An argument of a call. `own`: the step's own value, which an undo reads as `result`.
    pub fn of_argument(&self, template: &Template, own: Option<&Labelled>) -> Label {
        template.expressions().into_iter().fold(Label::default(), |label, e| label.join(&self.of_reads(e, own)))
    }

    /// Whether whoever approves a value has surely read it whole: it is not foreign text, or it is made of short values only.
    pub fn is_read_at_a_glance(&self, template: &Template) -> bool {
        template.expressions().into_iter().all(|e| {
            let short = |path: &Path| self.types().at(path).is_some_and(is_short);
            self.of_reads(e, None).trust > Trust::Untrusted || is_short(&self.types().of_expression(e)) || e.analysis.paths().iter().all(short)
        })
    }

    /// The labels of what a task shows, by name.
    pub fn of_show(&self, human: &Human) -> BTreeMap<String, Label> {
        human.show.iter().map(|(name, t)| (name.clone(), self.of_template(t))).collect()
    }

    /// The labels of what a form proposes and offers, by field.
    pub fn of_proposed(&self, human: &Human) -> BTreeMap<String, Label> {
        let mut all: BTreeMap<String, Label> = BTreeMap::new();
        for (name, template) in human.vorschlag.iter().chain(&human.auswahl) {
            let label = self.of_template(template);
            all.entry(name.clone()).and_modify(|known| *known = known.join(&label)).or_insert(label);
        }
        all
    }
}

/// What decides whether and how often a step is carried out.
fn conditions(step: &Step) -> impl Iterator<Item = &Expression> {
    step.condition.iter().chain(step.each.iter().map(|each| &each.list)).chain(step.repeat.iter().map(|repeat| &repeat.until))
}

/// What a step's child may bring in this run, where it is not run.
pub fn labels_of_child(process: &Process, context: &Context, run: &Run, step: &StepId, call: &ChildCall) -> Labelled {
    Labels::of_run(process, context, run).of_child(step, call)
}

/// What a person had before her, and what she made of it.
pub struct Seen<'v> {
    pub show: &'v Value,
    pub values: &'v Value,
}

/// A value that a condition brought about tells of the condition; but it lowers nobody's word: not a tool's, not a
/// table's, not a staff member's.
pub fn told(step: &Step, condition: Label) -> Label {
    match &step.kind {
        StepKind::Human(human) if human.asks_applicant() => condition,
        StepKind::Tool(_) | StepKind::Rules(_) | StepKind::Human(_) => condition.with_trust(Trust::Trusted),
        StepKind::Set(_) | StepKind::Model(_) | StepKind::Agent(_) | StepKind::Wait(_) | StepKind::Process(_) => condition,
    }
}

/// The trust of a tool's result: as declared, but text of documents and mails is never more than data.
fn trust_of_tool(name: &str, rule: &ToolRule) -> Trust {
    if is_foreign_text(name) { Trust::Untrusted } else { rule.yields.trust }
}

pub fn is_foreign_text(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|tool| FOREIGN_TEXT.contains(&tool))
}

/// A staff member's name and number.
fn of_staff() -> Label {
    Label::new(Schutzbedarf::Niedrig, [Kategorie::Personenbezogen], Trust::Trusted)
}

fn of_run(path: &Path) -> Label {
    match path.0.get(1).map(String::as_str) {
        Some("caller") => of_staff(),
        Some("applicant") => Label::default().with_trust(Trust::Inert),
        Some(_) => Label::default(),
        None => of_staff().with_trust(Trust::Inert),
    }
}

/// The part of a template a path reaches; the whole where it is not built field by field.
pub fn part<'t>(template: &'t Template, path: &[String]) -> &'t Template {
    match (template, path.split_first()) {
        (Template::Map(map), Some((name, rest))) => map.get(name).map_or(template, |inner| part(inner, rest)),
        _ => template,
    }
}

/// Every path a template reads, for the record.
pub fn reads<'t>(templates: impl IntoIterator<Item = &'t Template>) -> BTreeSet<Path> {
    templates.into_iter().flat_map(Template::expressions).flat_map(|e| e.analysis.paths()).collect()
}
