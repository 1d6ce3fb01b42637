//! Whether what a case names exists: tools its process calls, steps of the right kind, people of the directory. A name that is nothing
//! promises a test and tests nothing. It decides nothing about how a case goes.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_directory::{Directory, Person};
use laufzettel_domain::{
    Finding, Findings, Node, Place, StepId, Text, Value,
    document::{self, Kind},
    finding::{self, hint},
};
use laufzettel_process::{
    Folder, Process,
    catalogue::declares_process,
    model::{OnError, Step, StepKind, ToolCall},
};

use super::read::{Case, read, resolved};

/// What a configuration knows that cases name. Without one nothing is known of it, and no name is wrong.
#[derive(Debug, Clone, Default)]
pub struct World {
    tools: Option<BTreeSet<String>>,
    people: Option<Vec<Person>>,
}

impl World {
    /// `tools`: by `server/tool`. A directory that lists nobody (LDAP, claims) is not asked: a case needs no network.
    pub fn of<'t>(tools: impl Iterator<Item = &'t String>, directory: Option<&Directory>) -> Self {
        Self { tools: Some(tools.cloned().collect()), people: directory.filter(|directory| directory.is_listed()).map(Directory::people) }
    }
}

/// The file of a process's cases.
pub fn file_of(process: &str) -> String {
    let stem = process.strip_suffix(".yaml").or_else(|| process.strip_suffix(".yml")).unwrap_or(process);
    format!("{stem}.cases.yaml")
}

/// The file of the process whose cases these are; where there is none, what it would be called.
pub fn process_of(folder: &Folder, cases: &str) -> String {
    let stem = cases.strip_suffix(".cases.yaml").unwrap_or(cases);
    let short = format!("{stem}.yml");
    if folder.get(&short).is_some() { short } else { format!("{stem}.yaml") }
}

/// Files of cases without a process: nobody would ever run them.
pub fn orphans(folder: &Folder) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in folder.files.keys().filter(|file| file.ends_with(".cases.yaml") && !file.starts_with("../")) {
        found.extend(orphan(folder, file));
    }
    found
}

/// The finding, if a file of cases has no process.
pub fn orphan(folder: &Folder, file: &str) -> Option<Finding> {
    let process = process_of(folder, file);
    if folder.get(&process).is_some_and(|text| declares_process(&process, text)) {
        return None;
    }
    let text = Text::new(
        format!("Diese Fälle haben keinen Prozess: „{process}“ gibt es daneben nicht."),
        format!("These cases have no process: there is no \"{process}\" beside them."),
    );
    let mut findings = Findings::new(file);
    let legal = folder.candidates().filter(|(name, text)| declares_process(name, text)).map(|(name, _)| name);
    let near = finding::nearest(&process, legal);
    findings.error("LZ118", Place { line: 1, column: 1 }, "", text).hint = near.map(|name| {
        let name = file_of(name);
        Text::new(format!("Meinten Sie „{name}“?"), format!("Did you mean \"{name}\"?"))
    });
    findings.into_sorted().pop()
}

/// The cases of a file, and everything wrong with them. `process`: whose cases they are, if it could be read.
pub fn read_checked(folder: &Folder, file: &str, process: Option<&Process>, world: &World, findings: &mut Findings) -> Vec<Case> {
    let cases = read(folder, file, findings);
    // what is no document has been said just now
    let document = folder.get(file).and_then(|text| document::parse(text, &mut Findings::new(file)));
    if let (Some(document), Some(process)) = (document, process) {
        let names = Names { process, world, folder, file, called: called(process), steps: steps(process) };
        let items = document.root.get("cases").map(Node::items).unwrap_or_default();
        items.iter().enumerate().for_each(|(i, item)| names.case(item, &format!("cases[{}]", i + 1), findings));
    }
    cases
}

/// Tools a process calls, its children included.
fn called(process: &Process) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for step in process.steps.values() {
        match &step.kind {
            StepKind::Tool(call) => drop(names.insert(call.name())),
            StepKind::Agent(agent) => names.extend(agent.tools.iter().map(|tool| tool.call.name())),
            _ => {}
        }
        names.extend(step.undo.iter().map(ToolCall::name));
    }
    names.extend(process.children.values().flat_map(|child| called(child)));
    names
}

/// Steps of a process and of its children by their name: a case speaks of all of them alike.
fn steps(process: &Process) -> BTreeMap<&str, Vec<&Step>> {
    let mut all: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for (id, step) in &process.steps {
        all.entry(id.as_str()).or_default().push(step);
    }
    for (id, more) in process.children.values().flat_map(|child| steps(child)) {
        all.entry(id).or_default().extend(more);
    }
    all
}

/// Where people may be asked about a step: by itself, or when it has gone wrong (takeover, doubt, repair).
fn is_asked_about(step: &Step) -> bool {
    let own = matches!(step.kind, StepKind::Human(_) | StepKind::Agent(_));
    own || matches!(step.kind, StepKind::Tool(_) | StepKind::Model(_)) || step.on_error == OnError::Human
}

/// Where a run may rest: somebody is asked, or an event, a time or a child is waited for.
fn may_rest(step: &Step) -> bool {
    is_asked_about(step) || matches!(step.kind, StepKind::Wait(_) | StepKind::Process(_))
}

/// A key of a block: its name, where it stands, what stands under it.
type Named = (String, Place, Value);

struct Names<'n> {
    process: &'n Process,
    world: &'n World,
    folder: &'n Folder,
    file: &'n str,
    called: BTreeSet<String>,
    steps: BTreeMap<&'n str, Vec<&'n Step>>,
}

impl Names<'_> {
    fn case(&self, case: &Node, key: &str, findings: &mut Findings) {
        for (name, at, _) in self.block(case, "tools") {
            self.tool(&name, at, format!("{key}.tools.{name}"), false, findings);
        }
        let answers = |step: &Step| matches!(step.kind, StepKind::Model(_) | StepKind::Agent(_));
        self.steps_of(case, key, "models", "model, agent", answers, findings);
        self.steps_of(case, key, "processes", "process", |step| matches!(step.kind, StepKind::Process(_)), findings);
        self.steps_of(case, key, "humans", "human, agent, tool, model, on_error: human", is_asked_about, findings);
        for (name, at, value) in self.block(case, "humans") {
            let answers = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
            for by in answers.iter().filter_map(|answer| answer.get("by").and_then(Value::as_str)) {
                let place = case.get("humans").and_then(|all| place_of(all.get(&name)?, by)).unwrap_or(at);
                self.person(by, place, format!("{key}.humans.{name}.by"), findings);
            }
        }
        for (by, at) in texts(case.get("as")) {
            self.person(by, at, format!("{key}.as"), findings);
        }
        if let Some(expect) = case.get("expect") {
            self.expect(expect, &format!("{key}.expect"), findings);
        }
    }

    fn expect(&self, expect: &Node, key: &str, findings: &mut Findings) {
        for (i, call) in expect.get("calls").map(Node::items).unwrap_or_default().iter().enumerate() {
            for (name, at) in texts(call.get("tool")) {
                self.tool(name, at, format!("{key}.calls[{}].tool", i + 1), false, findings);
            }
        }
        for (name, at) in texts(expect.get("not_called")) {
            self.tool(name, at, format!("{key}.not_called"), true, findings);
        }
        let own = texts(expect.get("skipped")).into_iter().map(|found| ("skipped", found));
        let own = own.chain(texts(expect.get("waiting")).into_iter().map(|found| ("waiting", found)));
        let values = expect.get("steps").map(Node::entries).unwrap_or_default().iter().map(|entry| ("steps", (entry.key.as_str(), entry.at)));
        for (of, (name, at)) in own.chain(values) {
            match self.process.steps.get(name) {
                None => {
                    let legal: Vec<&str> = self.process.steps.keys().map(StepId::as_str).collect();
                    no_step(name, at, format!("{key}.{of}"), &legal, findings);
                }
                Some(step) if of == "waiting" && !may_rest(step) => {
                    let kind = step.kind.word();
                    let text = Text::new(
                        format!("„{name}“ ist ein Schritt der Art {kind}; an ihm wartet ein Vorgang nie."),
                        format!("\"{name}\" is a step of the kind {kind}; no run ever waits at it."),
                    );
                    findings.error("LZ341", at, format!("{key}.{of}"), text);
                }
                Some(_) => {}
            }
        }
    }

    /// The keys of a block of the case; of one that lies in another file they all stand where it is named.
    fn block(&self, case: &Node, name: &str) -> Vec<Named> {
        let Some(node) = case.get(name) else { return Vec::new() };
        // what cannot be read has been said where it was read
        let value = |node: &Node| resolved(node, "", self.folder, self.file, &mut Findings::new(self.file));
        if node.get("$ref").is_none() {
            return node.entries().iter().map(|entry| (entry.key.clone(), entry.at, value(&entry.node))).collect();
        }
        match value(node) {
            Value::Object(map) => map.into_iter().map(|(name, value)| (name, node.at, value)).collect(),
            _ => Vec::new(),
        }
    }

    /// `never`: the case says that it is not called, which is true of what nobody calls, and worth nothing.
    fn tool(&self, name: &str, at: Place, key: String, never: bool, findings: &mut Findings) {
        let (known, called) = (self.world.tools.as_ref().is_none_or(|tools| tools.contains(name)), self.called.contains(name));
        let hint = || Some(hint(name, self.called.iter().map(String::as_str))).filter(|_| !self.called.is_empty());
        if !known {
            let text = Text::new(
                format!("Das Werkzeug „{name}“ ist für diesen Mandanten nicht freigegeben."),
                format!("The tool \"{name}\" is not declared for this tenant."),
            );
            findings.error("LZ340", at, key, text).hint = hint();
        } else if !called {
            let text = Text::new(format!("Der Prozess ruft „{name}“ nie auf."), format!("The process never calls \"{name}\"."));
            let found = if never { findings.warning("LZ340", at, key, text) } else { findings.error("LZ340", at, key, text) };
            found.hint = hint();
        }
    }

    fn steps_of(&self, case: &Node, key: &str, block: &str, kinds: &str, fits: impl Fn(&Step) -> bool, findings: &mut Findings) {
        let is_legal = |steps: &Vec<&Step>| steps.iter().any(|step| fits(step));
        let legal: Vec<&str> = self.steps.iter().filter(|(_, steps)| is_legal(steps)).map(|(name, _)| *name).collect();
        for (name, at, _) in self.block(case, block) {
            let key = format!("{key}.{block}.{name}");
            match self.steps.get(name.as_str()) {
                None => no_step(&name, at, key, &legal, findings),
                Some(steps) if !is_legal(steps) => {
                    let kind = steps.first().map_or("", |step| step.kind.word());
                    let text = Text::new(
                        format!("„{name}“ ist ein Schritt der Art {kind}; unter {block} stehen: {kinds}."),
                        format!("\"{name}\" is a step of the kind {kind}; {block} takes: {kinds}."),
                    );
                    findings.error("LZ341", at, key, text);
                }
                Some(_) => {}
            }
        }
    }

    fn person(&self, name: &str, at: Place, key: String, findings: &mut Findings) {
        let Some(people) = self.world.people.as_ref().filter(|_| name != "applicant") else { return };
        if people.iter().any(|person| [&person.user, &person.sid, &person.upn].into_iter().any(|known| known == name)) {
            return;
        }
        let text = Text::new(format!("„{name}“ steht nicht im Verzeichnis."), format!("\"{name}\" is not in the directory."));
        findings.error("LZ342", at, key, text).hint = Some(hint(name, people.iter().map(|person| person.user.as_str())));
    }
}

fn no_step(name: &str, at: Place, key: String, legal: &[&str], findings: &mut Findings) {
    let text = Text::new(format!("Einen Schritt „{name}“ gibt es hier nicht."), format!("There is no step \"{name}\" here."));
    findings.error("LZ341", at, key, text).hint = Some(hint(name, legal.iter().copied())).filter(|_| !legal.is_empty());
}

/// Where in an answer, or a list of them, this person is named.
fn place_of(answer: &Node, by: &str) -> Option<Place> {
    let all = if matches!(answer.kind, Kind::List(_)) { answer.items() } else { std::slice::from_ref(answer) };
    all.iter().filter_map(|one| one.get("by")).find(|node| node.text() == Some(by)).map(|node| node.at)
}

/// A text, or a list of them, each with its place.
fn texts(node: Option<&Node>) -> Vec<(&str, Place)> {
    let Some(node) = node else { return Vec::new() };
    let all = if matches!(node.kind, Kind::List(_)) { node.items() } else { std::slice::from_ref(node) };
    all.iter().filter_map(|node| Some((node.text()?, node.at))).collect()
}
