//! The record of processing (Art. 30 GDPR) and the procedure documentation, from the process files and the configuration as they are
//! now. Always in German: it goes to the authority's own register. Says nothing that neither of both says; what a person has to add is
//! named as missing.

use std::{collections::BTreeSet, fmt::Write as _};

use laufzettel_domain::{Kategorie, Lang, Path, Span, Trust};
use laufzettel_policy::{Effect, ToolRule, zone_refusal};
use laufzettel_process::{
    Process,
    expression::Template,
    model::{Automatisierung, Awaited, Human, Length, RunAs, Step, StepKind, TriggerKind},
    schema::At,
};
use laufzettel_worker::{Tenant, trail::csv};
use serde::Serialize;

use crate::pages::words::format_span;

/// One process as an entry of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Processing {
    pub prozess: String,
    pub fassung: String,
    pub fingerabdruck: String,
    pub bezeichnung: String,
    pub beschreibung: String,
    pub mandant: String,
    pub verantwortlich: String,
    pub zweck: String,
    pub rechtsgrundlage: Vec<String>,
    pub kategorien: Vec<String>,
    pub schutzbedarf: String,
    /// The expression the data subject is found by; `None`: nobody is found.
    pub betroffen: Option<String>,
    pub empfaenger: Vec<Recipient>,
    pub loeschfristen: Periods,
    pub automatisierung: String,
    pub ki_verordnung: Option<String>,
    pub massnahmen: Vec<String>,
    pub ausloeser: Vec<String>,
    pub schritte: Vec<StepWords>,
    /// What a register needs and neither process nor configuration says.
    pub fehlt: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    pub name: String,
    /// What happens there, in words.
    pub was: String,
    /// Of a model: operator, place and law of its zone.
    pub wo: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Periods {
    pub inhalte: String,
    pub vorgang: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepWords {
    pub schritt: String,
    pub bezeichnung: String,
    pub was: String,
    /// Of a decision table: where its rows come from, and how many there are.
    pub tabelle: Option<String>,
}

/// Every process, or the one that is named.
pub fn register(tenant: &Tenant, only: Option<&str>) -> Vec<Processing> {
    let processes = tenant.catalogue.processes.values().filter(|process| only.is_none_or(|only| process.id.as_str() == only));
    processes.map(|process| processing(tenant, process)).collect()
}

fn processing(tenant: &Tenant, process: &Process) -> Processing {
    Processing {
        prozess: process.id.to_string(),
        fassung: process.version.to_string(),
        fingerabdruck: process.digest.to_string(),
        bezeichnung: process.title.clone(),
        beschreibung: process.description.clone(),
        mandant: tenant.name.clone(),
        verantwortlich: process.verantwortlich.clone(),
        zweck: process.zweck.clone(),
        rechtsgrundlage: process.rechtsgrundlage.clone(),
        kategorien: categories(process),
        schutzbedarf: process.schutzbedarf.as_str().to_owned(),
        betroffen: process.betroffen.as_ref().map(|template| subjects(process, template)),
        empfaenger: recipients(tenant, process),
        loeschfristen: Periods { inhalte: period(&process.aufbewahrung.inhalte), vorgang: period(&process.aufbewahrung.vorgang) },
        automatisierung: automated(process.automatisierung).to_owned(),
        ki_verordnung: process.ki_verordnung.as_ref().map(|ki| format!("{}: {}", ki.klasse, ki.begruendung)),
        massnahmen: measures(tenant, process),
        ausloeser: process.triggers.iter().map(|trigger| way_in(&trigger.kind)).collect(),
        schritte: process.order.iter().filter_map(|id| process.steps.get(id)).map(in_words).collect(),
        fehlt: missing(process),
    }
}

/// Of the process, and of every field of its input and of what a model may answer.
fn categories(process: &Process) -> Vec<String> {
    let default = process.default_label(Trust::Untrusted);
    let answers = process.steps.values().filter_map(|step| step.kind.asks()?.output.as_ref());
    let fields = std::iter::once(&process.input).chain(answers).flat_map(|schema| schema.label_whole(&[], &default).kategorien);
    let all: BTreeSet<Kategorie> = process.datenkategorien.iter().copied().chain(fields).collect();
    all.into_iter().map(|kategorie| kategorie.as_str().to_owned()).collect()
}

/// Whose data it is, as the fields are called that name them; as it is written where they are not called anything.
fn subjects(process: &Process, template: &Template) -> String {
    let title = |path: &Path| match path.0.split_first() {
        Some((first, below)) if first == "input" => match process.input.at(below) {
            At::Known { schema, .. } => schema.get("title")?.as_str().map(str::to_owned),
            _ => None,
        },
        _ => None,
    };
    let expressions = template.expressions();
    let named = expressions.iter().flat_map(|e| e.analysis.paths()).map(|path| title(&path).unwrap_or_else(|| path.to_string()));
    named.collect::<Vec<_>>().join(", ")
}

fn period(span: &Span) -> String {
    format!("{} nach dem Ende des Vorgangs", format_span(span, Lang::De))
}

pub fn automated(how: Automatisierung) -> &'static str {
    match how {
        Automatisierung::Assistenz => "Assistenz: Menschen entscheiden",
        Automatisierung::Teil => "teilweise automatisiert",
        Automatisierung::Voll => "vollständig automatisiert (§ 35a VwVfG, Art. 22 DSGVO)",
    }
}

/// Tools the process calls, also to undo something, and models its material may go to.
fn recipients(tenant: &Tenant, process: &Process) -> Vec<Recipient> {
    let mut tools: BTreeSet<String> = BTreeSet::new();
    for step in process.steps.values() {
        match &step.kind {
            StepKind::Tool(call) => drop(tools.insert(call.name())),
            StepKind::Agent(agent) => tools.extend(agent.tools.iter().map(|tool| tool.call.name())),
            _ => {}
        }
        tools.extend(step.undo.iter().map(laufzettel_process::model::ToolCall::name));
    }
    let tools = tools.into_iter().map(|name| {
        let was = tenant.tools.get(&name).map_or("nicht eingerichtet".to_owned(), |rule| effect(rule).to_owned());
        Recipient { name, was, wo: None }
    });
    let models = if process.asks_a_model() { models(tenant, process) } else { Vec::new() };
    tools.chain(models).collect()
}

pub fn effect(rule: &ToolRule) -> &'static str {
    match rule.effect {
        Effect::Read => "wird gefragt",
        Effect::Write => "legt im Haus ab oder ändert",
        Effect::Send => "verlässt das Haus oder ist endgültig",
    }
}

/// Models of zones that may take what the process declares of its input; a field with a label of its own may be taken less far.
fn models(tenant: &Tenant, process: &Process) -> Vec<Recipient> {
    let label = process.default_label(Trust::Untrusted);
    let mut models = Vec::new();
    for facts in tenant.doors.endpoints() {
        let zone = tenant.zones.get(&facts.zone);
        if zone.is_some_and(|zone| zone_refusal(&label, zone).is_some()) {
            continue;
        }
        let wo = zone.map(|zone| [&zone.betreiber, &zone.ort, &zone.recht].into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", "));
        models.push(Recipient { name: facts.name, was: format!("KI-Modell in der Zone {}", facts.zone), wo: wo.filter(|wo| !wo.is_empty()) });
    }
    models
}

/// Technical and organisational measures, as far as process and configuration show them.
fn measures(tenant: &Tenant, process: &Process) -> Vec<String> {
    let mut all = vec![
        "Jeder Aufruf und jede Ansicht steht mit Person und Begründung im Protokoll; die Einträge sind durch Prüfsummen verkettet.".to_owned(),
        match tenant.witness {
            Some(_) => "Signierte Prüfpunkte liegen außerhalb der Datenbank (Zeuge).".to_owned(),
            None => "Ein Zeuge außerhalb der Datenbank ist nicht eingerichtet.".to_owned(),
        },
        "Inhalte und Vorgänge werden nach Ablauf der Fristen von selbst gelöscht; die Löschung steht im Protokoll.".to_owned(),
        "Die Datenbank selbst verschlüsselt das Programm nicht.".to_owned(),
    ];
    if !process.start.groups.is_empty() {
        all.push(format!("Von Hand beginnen dürfen nur: {}.", process.start.groups.join(", ")));
    }
    let humans = process.steps.values().filter_map(|step| if let StepKind::Human(human) = &step.kind { Some(human) } else { None });
    let groups: BTreeSet<&str> = humans.clone().flat_map(|human| human.assign.groups.iter().map(String::as_str)).collect();
    if !groups.is_empty() {
        all.push(format!("Entscheiden dürfen nur: {}.", groups.into_iter().collect::<Vec<_>>().join(", ")));
    }
    if humans.clone().any(|human| !human.not_by.is_empty()) {
        all.push("Vier Augen: Wer einen Schritt erledigt hat, darf einen anderen nicht erledigen.".to_owned());
    }
    if process.asks_a_model() {
        let zones: Vec<String> = tenant.zones.values().map(|zone| format!("{} bis Schutzbedarf {}", zone.name, zone.max_schutzbedarf.as_str())).collect();
        all.push(format!("Modelle bekommen nur, was ihre Zone nehmen darf: {}.", zones.join("; ")));
    }
    if let RunAs::Service(name) = &process.run_as {
        all.push(format!("Bis ein Mensch entscheidet, handelt das Dienstkonto {name} mit eigenen, begrenzten Rechten."));
    }
    all
}

fn way_in(kind: &TriggerKind) -> String {
    match kind {
        TriggerKind::Intake { public: true, .. } => "öffentliches Formular".to_owned(),
        TriggerKind::Intake { .. } => "Formular".to_owned(),
        TriggerKind::Webhook { path, .. } => format!("Fachverfahren über /hooks/…/{path}"),
        TriggerKind::Cron { .. } => "nach Zeitplan".to_owned(),
        TriggerKind::Folder(paths) => format!("Dateien im Ordner {}", paths.path),
        TriggerKind::Mail(mailbox) => format!("E-Mail in {}", mailbox.place()),
        TriggerKind::Poll(poll) => format!("neue Einträge von {}", poll.call.name()),
    }
}

/// A step as the procedure documentation tells it.
pub fn in_words(step: &Step) -> StepWords {
    let mut was = match &step.kind {
        StepKind::Tool(call) => format!("Das Werkzeug {} wird aufgerufen.", call.name()),
        StepKind::Model(_) => "Ein KI-Modell beantwortet eine fest vorgegebene Anweisung; seine Antwort muss in ein festes Schema passen.".to_owned(),
        StepKind::Agent(agent) => {
            let tools = agent.tools.iter().map(|tool| tool.call.name()).collect::<Vec<_>>().join(", ");
            format!("Ein KI-Modell arbeitet auf ein Ziel hin, höchstens {} Runden, und darf dafür nur diese Werkzeuge benutzen: {tools}.", agent.max_turns)
        }
        StepKind::Human(human) => decides(human),
        StepKind::Rules(_) => "Eine Entscheidungstabelle rechnet; dieselben Angaben ergeben immer dasselbe.".to_owned(),
        StepKind::Set(_) => "Werte werden zusammengestellt oder nach fester Formel berechnet.".to_owned(),
        StepKind::Wait(wait) => match &wait.what {
            Awaited::Time(Length::For(_)) => "Es vergeht eine festgelegte Zeit.".to_owned(),
            Awaited::Time(Length::Until(_)) => "Es wird bis zu einem Tag gewartet.".to_owned(),
            Awaited::Event(event) => format!("Es wird auf das Ereignis „{}“ gewartet.", event.name),
        },
        StepKind::Process(call) => format!("Ein weiterer Vorgang beginnt: {}.", call.name),
    };
    if step.each.is_some() {
        was.push_str(" Das geschieht für jeden Eintrag einer Liste.");
    }
    if step.condition.is_some() {
        was.push_str(" Nur unter einer Bedingung.");
    }
    let tabelle = match &step.kind {
        StepKind::Rules(rules) => Some(format!("„{}“, {} Zeilen, Quelle: {}", rules.table.name, rules.table.rows.len(), rules.table.source)),
        _ => None,
    };
    StepWords { schritt: step.id.to_string(), bezeichnung: step.title.clone(), was, tabelle }
}

fn decides(human: &Human) -> String {
    let who = if human.assign.groups.is_empty() { "der zuständigen Stelle".to_owned() } else { human.assign.groups.join(", ") };
    match (human.asks_applicant(), human.ermessen) {
        (true, _) => "Die antragstellende Person wird gefragt.".to_owned(),
        (false, true) => format!("Ein Mensch ({who}) entscheidet nach Ermessen."),
        (false, false) => format!("Ein Mensch ({who}) prüft und entscheidet."),
    }
}

fn missing(process: &Process) -> Vec<String> {
    let mut all = vec!["Name und Kontakt der verantwortlichen Stelle und der oder des Datenschutzbeauftragten (Art. 30 Abs. 1 Buchst. a DSGVO)".to_owned()];
    if process.betroffen.is_none() {
        all.push("Kategorien betroffener Personen; ohne `betroffen` findet die Auskunft niemanden in diesem Prozess".to_owned());
    }
    if process.ki_verordnung.is_none() && process.asks_a_model() {
        all.push("Einordnung nach der KI-Verordnung".to_owned());
    }
    all
}

/// One document for all of them.
pub fn markdown(entries: &[Processing]) -> String {
    let mut text = "# Verzeichnis von Verarbeitungstätigkeiten\n".to_owned();
    for entry in entries {
        let _ = writeln!(text, "\n## {}\n\n{}\n", entry.bezeichnung, entry.beschreibung.trim());
        for (name, told) in rows(entry) {
            let _ = writeln!(text, "- **{name}:** {told}");
        }
        let _ = writeln!(text, "\n### Verfahren\n");
        for (n, step) in entry.schritte.iter().enumerate() {
            let table = step.tabelle.as_ref().map(|table| format!(" Tabelle {table}.")).unwrap_or_default();
            let _ = writeln!(text, "{}. **{}** (`{}`): {}{table}", n + 1, step.bezeichnung, step.schritt, step.was);
        }
    }
    text
}

/// An entry without its steps, name by name.
pub fn rows(entry: &Processing) -> Vec<(&'static str, String)> {
    let recipient = |recipient: &Recipient| {
        let wo = recipient.wo.as_ref().map(|wo| format!(", {wo}")).unwrap_or_default();
        format!("{} ({}{wo})", recipient.name, recipient.was)
    };
    let listed = |list: &[String]| if list.is_empty() { "–".to_owned() } else { list.join("; ") };
    vec![
        ("Prozess", format!("{} {}, {}", entry.prozess, entry.fassung, entry.fingerabdruck)),
        ("Mandant", entry.mandant.clone()),
        ("Verantwortlich", entry.verantwortlich.clone()),
        ("Zweck", entry.zweck.clone()),
        ("Rechtsgrundlage", listed(&entry.rechtsgrundlage)),
        ("Kategorien von Daten", format!("{}; Schutzbedarf {}", listed(&entry.kategorien), entry.schutzbedarf)),
        ("Betroffene Personen", entry.betroffen.clone().unwrap_or_else(|| "im Prozess nicht angegeben".to_owned())),
        ("Empfänger", listed(&entry.empfaenger.iter().map(recipient).collect::<Vec<_>>())),
        ("Löschfrist der Inhalte", entry.loeschfristen.inhalte.clone()),
        ("Löschfrist des Vorgangs", entry.loeschfristen.vorgang.clone()),
        ("Beginnt durch", listed(&entry.ausloeser)),
        ("Automatisierung", entry.automatisierung.clone()),
        ("KI-Verordnung", entry.ki_verordnung.clone().unwrap_or_else(|| "im Prozess nicht angegeben".to_owned())),
        ("Technische und organisatorische Maßnahmen", listed(&entry.massnahmen)),
        ("Hier nicht bekannt", listed(&entry.fehlt)),
    ]
}

/// A table, one process a line.
pub fn table(entries: &[Processing]) -> String {
    let mut text = String::new();
    if let Some(first) = entries.first() {
        let _ = writeln!(text, "\"Bezeichnung\";{}", rows(first).into_iter().map(|(name, _)| csv(name)).collect::<Vec<_>>().join(";"));
    }
    for entry in entries {
        let _ = writeln!(text, "{};{}", csv(&entry.bezeichnung), rows(entry).into_iter().map(|(_, told)| csv(&told)).collect::<Vec<_>>().join(";"));
    }
    text
}
