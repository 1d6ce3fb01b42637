//! The head of a process file: its name, who answers for it, on what ground, for how long; then its steps.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_domain::{
    Digest, Document, Findings, Kategorie, ProcessId, Schutzbedarf, StepId, Text, Via,
    document::{self, Fields, fields},
};

use super::{Reader, step, syntax_errors, trigger};
use crate::{
    expression::{Analysis, Template},
    folder::Folder,
    graph,
    model::{Aufbewahrung, Automatisierung, KiVerordnung, Process, RunAs, Start, Step},
    schema::Schema,
};

/// What the law wants known of every process.
pub struct Governance {
    verantwortlich: Option<String>,
    rechtsgrundlage: Vec<String>,
    zweck: Option<String>,
    schutzbedarf: Option<Schutzbedarf>,
    datenkategorien: BTreeSet<Kategorie>,
    aufbewahrung: Option<Aufbewahrung>,
    automatisierung: Option<Automatisierung>,
    ki_verordnung: Option<KiVerordnung>,
}

/// Reads and checks the process in `file`. `None` if it cannot be run; then `findings` has at least one error.
pub fn read(folder: &Folder, file: &str, findings: &mut Findings) -> Option<Process> {
    read_below(folder, file, Vec::new(), findings)
}

/// The same for whoever only looks for what is wrong: also a process with errors, as long as every step and their order could be read. It
/// is never run.
pub fn read_whole(folder: &Folder, file: &str, findings: &mut Findings) -> Option<Process> {
    let (process, complete) = read_any(folder, file, Vec::new(), findings)?;
    // a circle, or a step that could not be read: what would be said of the rest is guesswork
    Some(process).filter(|process| complete && process.order.len() == process.steps.len())
}

/// `above`: the processes that call this one, from the outermost in.
pub(super) fn read_below(folder: &Folder, file: &str, above: Vec<ProcessId>, findings: &mut Findings) -> Option<Process> {
    let (process, _) = read_any(folder, file, above, findings)?;
    Some(process).filter(|_| !findings.has_errors())
}

fn read_any(folder: &Folder, file: &str, above: Vec<ProcessId>, findings: &mut Findings) -> Option<(Process, bool)> {
    let text = folder.get(file)?;
    let document = document::parse(text, findings)?;
    let mut reader = Reader { folder, file, used: BTreeMap::new(), above, children: BTreeMap::new() };
    read_document(&document, text, &mut reader, findings)
}

/// The process, and whether every one of its steps could be read.
fn read_document(document: &Document, text: &str, reader: &mut Reader<'_>, findings: &mut Findings) -> Option<(Process, bool)> {
    let mut fields = Fields::open(&document.root, "", findings)?;
    let id = process_id(&mut fields);
    reader.above.extend(id.clone());
    let version = version(&mut fields);
    let title = fields.req_text("title").map(str::to_owned);
    let description = fields.text("description").unwrap_or_default().to_owned();
    let governance = governance(&mut fields);
    let betroffen = betroffen(&mut fields);
    check_fim(&mut fields);
    let start = start(&mut fields);
    let run_as = fields.opt("run_as").map_or(Some(RunAs::Caller), |n| trigger::first_run_as(n, fields.findings));
    let triggers = trigger::triggers(&mut fields);
    let input = fields.req("input").and_then(|n| reader.schema(n, "input", fields.findings));
    if let Some(input) = &input {
        trigger::check_inputs(&triggers, input, fields.findings);
    }
    let (steps, complete) = steps(&mut fields, reader);
    let output = output(&mut fields);
    let applicant = super::applicant::applicant(&mut fields);
    fields.close();
    let uses_model = steps.values().any(|s| s.kind.asks().is_some());
    let children = std::mem::take(&mut reader.children);
    if uses_model && governance.ki_verordnung.is_none() && document.root.get("ki_verordnung").is_none() {
        missing_governance(&document.root, "ki_verordnung", findings);
    }
    let mut process = Process {
        id: id?,
        version: version?,
        title: title?,
        description,
        verantwortlich: governance.verantwortlich?,
        rechtsgrundlage: governance.rechtsgrundlage,
        zweck: governance.zweck?,
        schutzbedarf: governance.schutzbedarf?,
        datenkategorien: governance.datenkategorien,
        betroffen,
        aufbewahrung: governance.aufbewahrung?,
        automatisierung: governance.automatisierung?,
        ki_verordnung: governance.ki_verordnung,
        start,
        run_as: run_as?,
        triggers,
        input: input.unwrap_or_else(Schema::any),
        steps,
        order: Vec::new(),
        output,
        applicant,
        templates: BTreeMap::new(),
        file: reader.file.to_owned(),
        text: text.to_owned(),
        files: BTreeMap::new(),
        children,
        digest: Digest::of(b""),
    };
    load_templates(&mut process, reader, findings);
    process.files = std::mem::take(&mut reader.used);
    process.digest = digest_of(&process.text, &process.files);
    graph::connect(&mut process, findings);
    if complete && !findings.is_kept() {
        crate::check::check(&process, &document.root, findings);
    }
    Some((process, complete))
}

/// What a process is known by: its text with everything it reads.
pub fn digest_of(text: &str, files: &BTreeMap<String, String>) -> Digest {
    Digest::of_parts([("process", text.as_bytes())].into_iter().chain(files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()))))
}

fn process_id(fields: &mut Fields<'_, '_>) -> Option<ProcessId> {
    let node = fields.req("process")?;
    let written = fields::text(node, "process", fields.findings)?;
    let id = ProcessId::parse(written);
    if id.is_none() {
        fields.findings.error(
            "LZ109",
            node.at,
            "process",
            Text::new(
                format!("„{written}“ ist kein Name eines Prozesses: nur a–z, 0–9 und -."),
                format!("\"{written}\" is no name of a process: only a–z, 0–9 and -."),
            ),
        );
    }
    id
}

fn version(fields: &mut Fields<'_, '_>) -> Option<semver::Version> {
    let node = fields.req("version")?;
    let parsed = node.text().and_then(|text| semver::Version::parse(text).ok());
    if parsed.is_none() {
        fields.findings.error(
            "LZ111",
            node.at,
            "version",
            Text::new("Die Version hat drei Zahlen: 1.0.0 (semver.org).", "The version has three numbers: 1.0.0 (semver.org)."),
        );
    }
    parsed
}

fn missing_governance(root: &laufzettel_domain::Node, name: &str, findings: &mut Findings) {
    findings.error(
        "LZ601",
        root.at,
        name,
        Text::new(
            format!("Hier fehlt „{name}“: ohne diese Angabe darf kein Prozess laufen."),
            format!("\"{name}\" is missing: no process may run without it."),
        ),
    );
}

fn governance(fields: &mut Fields<'_, '_>) -> Governance {
    for name in ["verantwortlich", "rechtsgrundlage", "zweck", "schutzbedarf", "datenkategorien", "aufbewahrung", "automatisierung"] {
        if fields.opt(name).is_none() {
            fields.missing(name, "LZ601");
        }
    }
    let levels = Schutzbedarf::ALL;
    Governance {
        verantwortlich: fields.text("verantwortlich").map(str::to_owned),
        rechtsgrundlage: fields.texts("rechtsgrundlage").unwrap_or_default(),
        zweck: fields.text("zweck").map(str::to_owned),
        schutzbedarf: fields.one_of("schutzbedarf", &levels),
        datenkategorien: kategorien(fields),
        aufbewahrung: aufbewahrung(fields),
        automatisierung: fields
            .one_of("automatisierung", &[("assistenz", Automatisierung::Assistenz), ("teil", Automatisierung::Teil), ("voll", Automatisierung::Voll)]),
        ki_verordnung: ki_verordnung(fields),
    }
}

fn kategorien(fields: &mut Fields<'_, '_>) -> BTreeSet<Kategorie> {
    fields.many_of("datenkategorien", &Kategorie::ALL).unwrap_or_default().into_iter().collect()
}

fn aufbewahrung(fields: &mut Fields<'_, '_>) -> Option<Aufbewahrung> {
    let node = fields.opt("aufbewahrung")?;
    let mut inner = Fields::open(node, "aufbewahrung", fields.findings)?;
    inner.req("vorgang");
    inner.req("inhalte");
    let (vorgang, inhalte) = (inner.span("vorgang"), inner.span("inhalte"));
    inner.close();
    Some(Aufbewahrung { vorgang: vorgang?, inhalte: inhalte? })
}

fn ki_verordnung(fields: &mut Fields<'_, '_>) -> Option<KiVerordnung> {
    let node = fields.opt("ki_verordnung")?;
    let mut inner = Fields::open(node, "ki_verordnung", fields.findings)?;
    inner.req("klasse");
    let klasse = inner.one_of("klasse", &[("minimal", "minimal"), ("begrenzt", "begrenzt"), ("hoch", "hoch")]);
    let begruendung = inner.req_text("begruendung").map(str::to_owned);
    inner.text("ausnahme_6_3");
    inner.close();
    Some(KiVerordnung { klasse: klasse?.to_owned(), begruendung: begruendung? })
}

fn betroffen(fields: &mut Fields<'_, '_>) -> Option<Template> {
    let node = fields.opt("betroffen")?;
    let mut errors = Vec::new();
    let template = Template::compile(node, &mut errors);
    syntax_errors(errors, "betroffen", fields.findings);
    Some(template)
}

fn check_fim(fields: &mut Fields<'_, '_>) {
    let Some(node) = fields.opt("fim") else { return };
    if let Some(mut inner) = Fields::open(node, "fim", fields.findings) {
        for name in ["leistung", "stammprozess", "schema"] {
            inner.text(name);
        }
        inner.close();
    }
}

fn start(fields: &mut Fields<'_, '_>) -> Start {
    let Some(node) = fields.opt("start") else { return Start::default() };
    let Some(mut inner) = Fields::open(node, "start", fields.findings) else { return Start::default() };
    let groups = inner.texts("groups").unwrap_or_default();
    let via = inner.many_of("via", &[("form", Via::Form), ("api", Via::Api), ("mcp", Via::Mcp)]);
    inner.close();
    Start { groups, via: via.unwrap_or_default().into_iter().collect() }
}

/// The steps, and whether every one of them could be read.
fn steps(fields: &mut Fields<'_, '_>, reader: &mut Reader<'_>) -> (BTreeMap<StepId, Step>, bool) {
    fields.req("steps");
    let entries = fields.entries("steps");
    let mut steps = BTreeMap::new();
    for entry in entries {
        let Some(id) = StepId::parse(&entry.key) else {
            fields.findings.error(
                "LZ109",
                entry.at,
                format!("steps.{}", entry.key),
                Text::new(
                    format!("„{}“ ist kein Name eines Schritts: er beginnt mit a–z, danach a–z, 0–9 und _.", entry.key),
                    format!("\"{}\" is no name of a step: it begins with a–z, then a–z, 0–9 and _.", entry.key),
                ),
            );
            continue;
        };
        if let Some(step) = step::step(id.clone(), &entry.node, reader, fields.findings) {
            steps.insert(id, Step { at: entry.at, ..step });
        }
    }
    if entries.is_empty() && fields.opt("steps").is_some() {
        fields.missing("steps", "LZ106");
    }
    let complete = steps.len() == entries.len();
    (steps, complete)
}

fn output(fields: &mut Fields<'_, '_>) -> Vec<(String, Template)> {
    let mut errors = Vec::new();
    let output = fields.entries("output").iter().map(|e| (e.key.clone(), Template::compile(&e.node, &mut errors))).collect();
    syntax_errors(errors, "output", fields.findings);
    output
}

/// Loads every file named in `render` and adds its reads to the expression that renders it.
fn load_templates(process: &mut Process, reader: &mut Reader<'_>, findings: &mut Findings) {
    let mut analyses: BTreeMap<String, Analysis> = BTreeMap::new();
    let mut texts = BTreeMap::new();
    let wanted: BTreeMap<String, (laufzettel_domain::Place, String)> = crate::check::expressions(process)
        .into_iter()
        .flat_map(|(key, e)| e.analysis.renders.iter().map(move |file| (file.clone(), (e.at, key.clone()))))
        .collect();
    for (written, (at, key)) in wanted {
        let node = laufzettel_domain::Node { kind: document::Kind::Null, at, block: false };
        let Some((path, text)) = reader.open(&node, &key, &written, findings) else { continue };
        match crate::expression::parse_template(text, laufzettel_domain::Place { line: 1, column: 1 }) {
            Ok(analysis) => {
                crate::check::template_problems(&analysis, text, &path, findings);
                analyses.insert(written.clone(), analysis);
            }
            Err(error) => {
                let mut own = Findings::new(path.clone());
                syntax_errors(vec![error], &written, &mut own);
                findings.add(own.into_sorted());
            }
        }
        texts.insert(written, text.to_owned());
    }
    process.templates = texts;
    for expression in crate::check::expressions_mut(process) {
        expression.add_rendered(&analyses);
    }
    for step in process.steps.values_mut() {
        let Some(each) = step.each.as_ref().map(|each| each.list.clone()) else { continue };
        crate::check::item_expressions_mut(step).for_each(|expression| expression.bind_item(&each));
    }
}
