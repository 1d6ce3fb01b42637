//! What must be found before anything runs: references (LZ3xx) and what surrounds them.
//!
//! Shape (LZ1xx) is found while reading, the graph (LZ2xx) while connecting. Labels, rights and budgets need the
//! tenant's configuration and are proven elsewhere.

mod applicant;
mod poll;
mod tables;
mod tools;

use laufzettel_domain::{Findings, Node, Path, Place, StepId, Text, finding};

pub use tools::check_tools;

use crate::{
    expression::{Analysis, Expression, FILTERS, FUNCTIONS, Problem, Read, Shape, TESTS, Template},
    graph,
    model::{Automatisierung, Human, Process, RunAs, Step, StepKind},
    schema::At,
    types::{Tools, Types},
};

/// Every expression of a process with the key it stands at.
pub fn expressions(process: &Process) -> Vec<(String, &Expression)> {
    let mut all: Vec<(String, &Expression)> = process.steps.values().flat_map(step_expressions).collect();
    all.extend(process.output.iter().flat_map(|(name, t)| t.expressions().into_iter().map(move |e| (format!("output.{name}"), e))));
    let receives = process.applicant.receives.iter();
    all.extend(receives.flat_map(|(name, t)| t.expressions().into_iter().map(move |e| (format!("applicant.receives.{name}"), e))));
    all.extend(process.betroffen.iter().flat_map(Template::expressions).map(|e| ("betroffen".to_owned(), e)));
    all
}

pub fn step_expressions(step: &Step) -> Vec<(String, &Expression)> {
    let base = format!("steps.{}", step.id);
    let mut all = Vec::new();
    all.extend(step.condition.iter().map(|e| (format!("{base}.if"), e)));
    all.extend(step.each.iter().map(|e| (format!("{base}.each"), &e.list)));
    all.extend(step.repeat.iter().map(|e| (format!("{base}.repeat.until"), &e.until)));
    all.extend(step.end_if.iter().map(|e| (format!("{base}.end_if"), e)));
    for (key, template) in step.kind.templates() {
        all.extend(template.expressions().into_iter().map(|e| (format!("{base}.{key}"), e)));
    }
    if let Some(undo) = &step.undo {
        let inner = undo.with.iter().flat_map(|(k, t)| t.expressions().into_iter().map(move |e| (k, e)));
        all.extend(inner.map(|(k, e)| (format!("{base}.undo.with.{k}"), e)));
    }
    all
}

/// Expressions of a step in which `item` and `index` mean something: its own and its undo's.
pub fn item_expressions_mut(step: &mut Step) -> impl Iterator<Item = &mut Expression> {
    let Step { kind, undo, repeat, .. } = step;
    let undo = undo.iter_mut().flat_map(|u| u.with.values_mut()).flat_map(Template::expressions_mut);
    kind_expressions_mut(kind).into_iter().chain(undo).chain(repeat.iter_mut().map(|e| &mut e.until))
}

fn kind_expressions_mut(kind: &mut StepKind) -> Vec<&mut Expression> {
    let templates: Vec<&mut Template> = match kind {
        StepKind::Tool(call) => call.with.values_mut().collect(),
        StepKind::Rules(rules) => rules.with.values_mut().collect(),
        StepKind::Set(template) => vec![template],
        StepKind::Process(call) => call.input.values_mut().collect(),
        StepKind::Wait(wait) => wait.templates_mut(),
        StepKind::Model(call) => std::iter::once(&mut call.prompt).chain(call.data.values_mut()).collect(),
        StepKind::Agent(agent) => {
            let fixed = agent.tools.iter_mut().flat_map(|tool| tool.call.with.values_mut());
            std::iter::once(&mut agent.call.prompt).chain(agent.call.data.values_mut()).chain(fixed).collect()
        }
        StepKind::Human(human) => {
            let moments = human.due.iter_mut().chain(human.escalate.iter_mut().map(|e| &mut e.after));
            human.show.values_mut().chain(human.vorschlag.values_mut()).chain(human.auswahl.values_mut()).chain(moments).collect()
        }
    };
    templates.into_iter().flat_map(Template::expressions_mut).collect()
}

pub fn expressions_mut(process: &mut Process) -> Vec<&mut Expression> {
    let mut all: Vec<&mut Expression> = Vec::new();
    for step in process.steps.values_mut() {
        let Step { kind, condition, end_if, each, repeat, undo, .. } = step;
        all.extend(condition.iter_mut());
        all.extend(end_if.iter_mut());
        all.extend(each.iter_mut().map(|e| &mut e.list));
        all.extend(repeat.iter_mut().map(|e| &mut e.until));
        all.extend(undo.iter_mut().flat_map(|u| u.with.values_mut()).flat_map(Template::expressions_mut));
        all.extend(kind_expressions_mut(kind));
    }
    all.extend(process.output.iter_mut().flat_map(|(_, t)| t.expressions_mut()));
    all.extend(process.applicant.receives.iter_mut().flat_map(|(_, t)| t.expressions_mut()));
    all.extend(process.betroffen.iter_mut().flat_map(Template::expressions_mut));
    all
}

/// Findings that need nothing but the process itself. `root` is its tree, for places.
pub fn check(process: &Process, root: &Node, findings: &mut Findings) {
    let types = Types::of(process, &Tools::new());
    for (key, expression) in expressions(process) {
        expression_problems(expression, &key, findings);
        roots(expression, &key, findings);
        references(process, &types, expression, &key, findings);
    }
    for step in process.steps.values() {
        guards(process, step, findings);
        list(step, &types, findings);
        tools::input(process, step, &types, findings);
        run_as(process, step, root, findings);
        not_by(process, step, root, findings);
        tables::arguments(step, findings);
    }
    applicant::check(process, root, findings);
    poll::check(process, findings);
    output(process, findings);
    automation(process, root, findings);
}

fn at_read(expression: &Expression, read: &Read) -> Place {
    expression.place(read.offset)
}

/// Unknown functions, filters, tests, and computed names.
pub fn expression_problems(expression: &Expression, key: &str, findings: &mut Findings) {
    for (offset, problem) in &expression.analysis.problems {
        report(problem, expression.place(*offset), key, findings);
    }
}

/// The same for the text of a template.
pub fn template_problems(analysis: &Analysis, text: &str, path: &str, findings: &mut Findings) {
    let mut own = Findings::new(path);
    for (offset, problem) in &analysis.problems {
        let before = text.get(..*offset).unwrap_or_default();
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap_or(1);
        let column = u32::try_from(before.rsplit('\n').next().unwrap_or_default().chars().count() + 1).unwrap_or(1);
        report(problem, Place { line, column }, "", &mut own);
    }
    findings.add(own.into_sorted());
}

fn report(problem: &Problem, at: Place, key: &str, findings: &mut Findings) {
    let (de, en, hint) = match problem {
        Problem::UnknownFunction(name) => (
            format!("Die Funktion „{name}“ gibt es nicht."),
            format!("There is no function \"{name}\"."),
            Some(finding::hint(name, FUNCTIONS.map(|(name, _)| name))),
        ),
        Problem::UnknownFilter(name) => {
            (format!("Den Filter „{name}“ gibt es nicht."), format!("There is no filter \"{name}\"."), Some(finding::hint(name, FILTERS)))
        }
        Problem::UnknownTest(name) => {
            (format!("Die Prüfung „is {name}“ gibt es nicht."), format!("There is no test \"is {name}\"."), Some(finding::hint(name, TESTS)))
        }
        Problem::NotLiteral("steps") => {
            ("Schritte werden mit ihrem Namen angesprochen: steps.<name>.".to_owned(), "Steps are addressed by their name: steps.<name>.".to_owned(), None)
        }
        Problem::NotLiteral(name) => {
            (format!("„{name}“ braucht einen festen Text in Anführungszeichen."), format!("\"{name}\" needs a literal text in quotes."), None)
        }
        Problem::Arguments(name, takes) => {
            let (de, en) = if *takes == 1 { ("einen Wert", "one value") } else { ("Werte", "values") };
            let count = if *takes == 1 { String::new() } else { format!("{takes} ") };
            (format!("„{name}“ braucht {count}{de} in Klammern."), format!("\"{name}\" needs {count}{en} in brackets."), None)
        }
    };
    findings.error("LZ303", at, key, Text::new(de, en)).hint = hint;
}

/// Names in scope at a key.
fn roots(expression: &Expression, key: &str, findings: &mut Findings) {
    // whose data it is must be known when a run begins: by then there is nothing but its input
    let mut legal = if key == "betroffen" { vec!["input"] } else { vec!["input", "steps", "run"] };
    if key.contains(".undo.") || key.ends_with(".end_if") || key.ends_with(".repeat.until") {
        legal.push("result");
    }
    for read in &expression.analysis.reads {
        let root = read.path.root();
        if !legal.contains(&root) {
            findings
                .error(
                    "LZ302",
                    at_read(expression, read),
                    key,
                    Text::new(format!("Den Namen „{root}“ gibt es hier nicht."), format!("The name \"{root}\" does not exist here.")),
                )
                .hint = Some(finding::hint(root, legal.iter().copied()));
        }
    }
}

/// Fields of `run` an expression may read.
const RUN_FIELDS: [&str; 10] = ["id", "nummer", "started_at", "due_at", "status_link", "tenant", "process", "version", "caller", "applicant"];

/// `input.x` and `steps.x.y` that no schema has.
pub(crate) fn references(process: &Process, types: &Types, expression: &Expression, key: &str, findings: &mut Findings) {
    for read in &expression.analysis.reads {
        let at = at_read(expression, read);
        if read.path.root() == "run" {
            if let Some(name) = read.path.0.get(1).filter(|name| !RUN_FIELDS.contains(&name.as_str())) {
                unknown_field(&read.path, name, &RUN_FIELDS.map(str::to_owned), at, key, findings);
            }
            continue;
        }
        if read.path.root() == "result" {
            result(process, types, read, at, key, findings);
            continue;
        }
        if read.path.step().is_some_and(|step| !process.steps.contains_key(step)) {
            if !key.starts_with("steps.") {
                unknown_step(process, read.path.step().unwrap_or_default(), at, key, findings);
            }
            continue;
        }
        if let Some(At::Unknown { depth, legal }) = types.look(&read.path) {
            let skip = if read.path.step().is_some() { 2 } else { 1 };
            let name = read.path.0.get(skip + depth).cloned().unwrap_or_default();
            if name == Path::EACH {
                continue; // what is no list has no elements: said where the list stands
            }
            unknown_field(&read.path, &name, &legal, at, key, findings);
        }
    }
    for step in expression.analysis.asked.iter().filter(|s| !process.steps.contains_key(s.as_str())) {
        if !key.starts_with("steps.") {
            unknown_step(process, step, expression.at, key, findings);
        }
    }
}

/// `result.x`: a field the step's own value does not have; of a list of steps an item's.
fn result(process: &Process, types: &Types, read: &Read, at: Place, key: &str, findings: &mut Findings) {
    let id = key.split('.').nth(1).unwrap_or_default();
    let Some(step) = process.steps.get(id) else { return };
    let whole = step.each.is_some() && key.ends_with(".end_if");
    let of_item = (step.each.is_some() && !whole).then_some(Path::EACH);
    let parts = ["steps", id].into_iter().chain(of_item).chain(read.path.0.iter().skip(1).map(String::as_str));
    let path = Path::new(parts);
    if let Some(At::Unknown { depth, legal }) = types.look(&path) {
        let name = path.0.get(2 + depth).cloned().unwrap_or_default();
        if name != Path::EACH {
            unknown_field(&read.path, &name, &legal, at, key, findings);
        }
    }
}

fn unknown_step(process: &Process, step: &str, at: Place, key: &str, findings: &mut Findings) {
    findings
        .error(
            "LZ204",
            at,
            key,
            Text::new(
                format!("Das kann nie einen Wert haben: einen Schritt „{step}“ gibt es nicht."),
                format!("This can never have a value: there is no step \"{step}\"."),
            ),
        )
        .hint = Some(finding::hint(step, process.steps.keys().map(StepId::as_str)));
}

fn unknown_field(path: &Path, name: &str, legal: &[String], at: Place, key: &str, findings: &mut Findings) {
    let finding = findings.error(
        "LZ301",
        at,
        key,
        Text::new(format!("„{path}“: ein Feld „{name}“ gibt es dort nicht."), format!("\"{path}\": there is no field \"{name}\".")),
    );
    if !legal.is_empty() {
        finding.hint = Some(finding::hint(name, legal.iter().map(String::as_str)));
    }
}

/// Values of steps that may have none, used without asking.
fn guards(process: &Process, step: &Step, findings: &mut Findings) {
    let lacking = graph::may_lack_value(process);
    let asked_in_if: Vec<&str> = step
        .condition
        .iter()
        .flat_map(|e| e.analysis.asked.iter().map(String::as_str).chain(e.analysis.reads.iter().filter(|r| r.guarded).filter_map(|r| r.path.step())))
        .collect();
    for (key, expression) in step_expressions(step) {
        for read in expression.analysis.reads.iter().filter(|r| !r.guarded) {
            let Some(id) = read.path.step().and_then(StepId::parse).filter(|id| lacking.contains(id)) else { continue };
            if id == step.id || graph::skips_reader(process, step, &id) || asked_in_if.contains(&id.as_str()) {
                continue;
            }
            unguarded(&read.path, &id, at_read(expression, read), &key, findings);
        }
    }
}

fn unguarded(path: &Path, id: &StepId, at: Place, key: &str, findings: &mut Findings) {
    let finding = findings.error(
        "LZ330",
        at,
        key,
        Text::new(
            format!("„{path}“ kann fehlen: der Schritt „{id}“ wird vielleicht übersprungen oder schlägt fehl."),
            format!("\"{path}\" may be missing: the step \"{id}\" may be skipped or fail."),
        ),
    );
    finding.hint = Some(Text::new(
        format!("Fragen Sie vorher: {{{{ {path} | default('…') }}}} oder if: \"{{{{ not skipped('{id}') }}}}\"."),
        format!("Ask first: {{{{ {path} | default('…') }}}} or if: \"{{{{ not skipped('{id}') }}}}\"."),
    ));
}

/// An `output` that is one reference may end undefined; a computed one may not.
fn output(process: &Process, findings: &mut Findings) {
    let lacking = graph::may_lack_value(process);
    for (name, template) in &process.output {
        for expression in template.expressions() {
            let lone = matches!(template, Template::Expression(_)) && ends_in_reference(&expression.shape);
            for read in expression.analysis.reads.iter().filter(|r| !r.guarded && !lone) {
                if let Some(id) = read.path.step().and_then(StepId::parse).filter(|id| lacking.contains(id)) {
                    unguarded(&read.path, &id, at_read(expression, read), &format!("output.{name}"), findings);
                }
            }
        }
    }
}

/// Whether an expression gives a value of the run as it is, whichever branch it takes.
fn ends_in_reference(shape: &Shape) -> bool {
    match shape {
        Shape::Ref(_) | Shape::Const(_) => true,
        Shape::Either(shapes) => shapes.iter().all(ends_in_reference),
        _ => false,
    }
}

/// `each` goes over a list.
pub(crate) fn list(step: &Step, types: &Types, findings: &mut Findings) {
    let Some(each) = &step.each else { return };
    let schema = each.list.elements.as_ref().and_then(|path| types.at(path));
    let Some(found) = schema.and_then(tools::words_for).filter(|found| !found.is_list) else { return };
    let text = Text::new(format!("each braucht eine Liste und bekommt {}.", found.de), format!("each needs a list and gets {}.", found.en));
    findings.error("LZ314", each.list.at, format!("steps.{}.each", step.id), text);
}

/// `run_as: steps.x` names a person only if `x` is a human step.
fn run_as(process: &Process, step: &Step, root: &Node, findings: &mut Findings) {
    let Some(RunAs::Step(id)) = &step.run_as else { return };
    let Some(target) = process.steps.get(id) else { return };
    let key = format!("steps.{}.run_as", step.id);
    let at = root.nearest(&Path::new(["steps", step.id.as_str(), "run_as"])).at;
    if target.each.is_some() {
        let text = Text::new(
            format!("„{id}“ erledigen mehrere: run_as braucht einen Menschen, und each hat viele."),
            format!("\"{id}\" is done by several: run_as takes one person, and each has many."),
        );
        findings.error("LZ205", at, key, text);
    } else if !matches!(target.kind, StepKind::Human(_)) {
        findings.error(
            "LZ205",
            at,
            key,
            Text::new(
                format!("„{id}“ erledigt kein Mensch: run_as kann nur einen human-Schritt nennen."),
                format!("\"{id}\" is done by no person: run_as can only name a human step."),
            ),
        );
    } else if is_for_applicant(target) {
        findings.error(
            "LZ205",
            at,
            key,
            Text::new(
                format!("„{id}“ erledigt die antragstellende Person, und sie hat keine Rechte im Haus: unter ihr läuft nichts."),
                format!("\"{id}\" is done by the applicant, who holds no rights in the house: nothing runs under her."),
            ),
        );
    } else if graph::may_lack_value(process).contains(id) && !graph::skips_reader(process, step, id) {
        unguarded(&Path::new(["steps", id.as_str(), "by"]), id, at, &key, findings);
    }
}

/// `not_by: [steps.x]` means a person only if `x` is a human step.
fn not_by(process: &Process, step: &Step, root: &Node, findings: &mut Findings) {
    let StepKind::Human(human) = &step.kind else { return };
    let at = root.nearest(&Path::new(["steps", step.id.as_str(), "human", "not_by"])).at;
    for id in &human.not_by {
        if process.steps.get(id).is_some_and(|target| !matches!(target.kind, StepKind::Human(_))) {
            let text = Text::new(
                format!("„{id}“ erledigt kein Mensch: not_by kann nur human-Schritte nennen."),
                format!("\"{id}\" is done by no person: not_by can only name human steps."),
            );
            findings.error("LZ205", at, format!("steps.{}.human.not_by", step.id), text);
        } else if process.steps.get(id).is_some_and(is_for_applicant) {
            let text = Text::new(
                format!("„{id}“ erledigt die antragstellende Person: vier Augen sind die zweier Menschen im Haus."),
                format!("\"{id}\" is done by the applicant: four eyes are those of two people of the house."),
            );
            findings.error("LZ205", at, format!("steps.{}.human.not_by", step.id), text);
        }
    }
}

fn is_for_applicant(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Human(human) if human.asks_applicant())
}

/// § 35a VwVfG: fully automated only by law and without discretion.
fn automation(process: &Process, root: &Node, findings: &mut Findings) {
    if process.automatisierung != Automatisierung::Voll {
        return;
    }
    let at = root.nearest(&Path::new(["automatisierung"])).at;
    if process.rechtsgrundlage.is_empty() {
        findings.error(
            "LZ602",
            at,
            "automatisierung",
            Text::new("„voll“ braucht eine Rechtsgrundlage (§ 35a VwVfG).", "\"voll\" needs a legal basis (§ 35a VwVfG)."),
        );
    }
    for step in process.steps.values() {
        if let StepKind::Human(human) = &step.kind
            && is_discretionary(human)
        {
            findings.error(
                "LZ604",
                step.at,
                format!("steps.{}.human.ermessen", step.id),
                Text::new(
                    "Wo ein Mensch Ermessen ausübt, darf der Prozess nicht „voll“ automatisiert sein (§ 35a VwVfG).",
                    "Where a person exercises discretion the process must not be fully automated (§ 35a VwVfG).",
                ),
            );
        }
    }
}

fn is_discretionary(human: &Human) -> bool {
    human.ermessen
}
