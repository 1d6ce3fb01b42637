//! The record of processing (Art. 30 GDPR) and the procedure documentation, from the process files and the configuration as they are
//! now. Files and the command line say it in German, as it goes to the authority's own register; a page in the language it is read in.
//! What an author wrote stays as it is. Says nothing that neither of both says; what a person has to add is named as missing.

use std::{collections::BTreeSet, fmt::Write as _};

use laufzettel_domain::{Kategorie, Lang, Path, Span, Text, Trust};
use laufzettel_policy::{Effect, ToolRule, zone_refusal};
use laufzettel_process::{
    Process,
    expression::Template,
    model::{Automatisierung, Awaited, Human, Length, RunAs, Step, StepKind, TriggerKind},
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
    /// The same in parts: name and source are the author's.
    #[serde(skip)]
    pub table: Option<TableWords>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableWords {
    pub name: String,
    pub rows: usize,
    pub source: String,
}

/// A sentence of ours in one language.
pub(crate) fn said(lang: Lang, de: impl Into<String>, en: impl Into<String>) -> String {
    let Text { de, en } = Text::new(de, en);
    if lang == Lang::De { de } else { en }
}

/// Every process, or the one that is named.
pub fn register(tenant: &Tenant, only: Option<&str>, lang: Lang) -> Vec<Processing> {
    let processes = tenant.catalogue.processes.values().filter(|process| only.is_none_or(|only| process.id.as_str() == only));
    processes.map(|process| processing(tenant, process, lang)).collect()
}

fn processing(tenant: &Tenant, process: &Process, lang: Lang) -> Processing {
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
        empfaenger: recipients(tenant, process, lang),
        loeschfristen: Periods { inhalte: period(&process.aufbewahrung.inhalte, lang), vorgang: period(&process.aufbewahrung.vorgang, lang) },
        automatisierung: automated(process.automatisierung, lang).to_owned(),
        ki_verordnung: process.ki_verordnung.as_ref().map(|ki| format!("{}: {}", ki.klasse, ki.begruendung)),
        massnahmen: measures(tenant, process, lang),
        ausloeser: process.triggers.iter().map(|trigger| way_in(&trigger.kind, lang)).collect(),
        schritte: process.order.iter().filter_map(|id| process.steps.get(id)).map(|step| in_words(step, lang)).collect(),
        fehlt: missing(process, lang),
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
        Some((first, below)) if first == "input" => process.input.field(below)?.get("title")?.as_str().map(str::to_owned),
        _ => None,
    };
    let expressions = template.expressions();
    let named = expressions.iter().flat_map(|e| e.analysis.paths()).map(|path| title(&path).unwrap_or_else(|| path.to_string()));
    named.collect::<Vec<_>>().join(", ")
}

fn period(span: &Span, lang: Lang) -> String {
    let span = format_span(span, lang);
    said(lang, format!("{span} nach dem Ende des Vorgangs"), format!("{span} after the end of the case"))
}

pub fn automated(how: Automatisierung, lang: Lang) -> &'static str {
    let (de, en) = match how {
        Automatisierung::Assistenz => ("Assistenz: Menschen entscheiden", "assistance: people decide"),
        Automatisierung::Teil => ("teilweise automatisiert", "partly automated"),
        Automatisierung::Voll => ("vollständig automatisiert (§ 35a VwVfG, Art. 22 DSGVO)", "fully automated (§ 35a VwVfG, Art. 22 GDPR)"),
    };
    if lang == Lang::De { de } else { en }
}

/// Tools the process calls, also to undo something, and models its material may go to.
fn recipients(tenant: &Tenant, process: &Process, lang: Lang) -> Vec<Recipient> {
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
        let was = tenant.tools.get(&name).map_or_else(|| said(lang, "nicht eingerichtet", "not configured"), |rule| effect(rule, lang));
        Recipient { name, was, wo: None }
    });
    let models = if process.asks_a_model() { models(tenant, process, lang) } else { Vec::new() };
    tools.chain(models).collect()
}

fn effect(rule: &ToolRule, lang: Lang) -> String {
    match rule.effect {
        Effect::Read => said(lang, "wird gefragt", "is asked"),
        Effect::Write => said(lang, "legt im Haus ab oder ändert", "files or changes something in the house"),
        Effect::Send => said(lang, "verlässt das Haus oder ist endgültig", "leaves the house or is final"),
    }
}

/// Models of zones that may take what the process declares of its input; a field with a label of its own may be taken less far.
fn models(tenant: &Tenant, process: &Process, lang: Lang) -> Vec<Recipient> {
    let label = process.default_label(Trust::Untrusted);
    let mut models = Vec::new();
    for facts in tenant.doors.endpoints() {
        let zone = tenant.zones.get(&facts.zone);
        if zone.is_some_and(|zone| zone_refusal(&label, zone).is_some()) {
            continue;
        }
        let wo = zone.map(|zone| [&zone.betreiber, &zone.ort, &zone.recht].into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", "));
        let was = said(lang, format!("KI-Modell in der Zone {}", facts.zone), format!("AI model in the zone {}", facts.zone));
        models.push(Recipient { name: facts.name, was, wo: wo.filter(|wo| !wo.is_empty()) });
    }
    models
}

/// Technical and organisational measures, as far as process and configuration show them.
fn measures(tenant: &Tenant, process: &Process, lang: Lang) -> Vec<String> {
    let mut all = of_the_house(tenant, lang);
    if !process.start.groups.is_empty() {
        let groups = process.start.groups.join(", ");
        all.push(said(lang, format!("Von Hand beginnen dürfen nur: {groups}."), format!("Only these may begin it by hand: {groups}.")));
    }
    let humans = process.steps.values().filter_map(|step| if let StepKind::Human(human) = &step.kind { Some(human) } else { None });
    let groups: BTreeSet<&str> = humans.clone().flat_map(|human| human.assign.groups.iter().map(String::as_str)).collect();
    if !groups.is_empty() {
        let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
        all.push(said(lang, format!("Entscheiden dürfen nur: {groups}."), format!("Only these may decide: {groups}.")));
    }
    if humans.clone().any(|human| !human.not_by.is_empty()) {
        let (de, en) =
            ("Vier Augen: Wer einen Schritt erledigt hat, darf einen anderen nicht erledigen.", "Four eyes: who completed one step may not complete another.");
        all.push(said(lang, de, en));
    }
    if process.asks_a_model() {
        let zone = |zone: &laufzettel_policy::Zone| {
            let level = zone.max_schutzbedarf.as_str();
            said(lang, format!("{} bis Schutzbedarf {level}", zone.name), format!("{} up to the level {level}", zone.name))
        };
        let zones = tenant.zones.values().map(zone).collect::<Vec<_>>().join("; ");
        all.push(said(
            lang,
            format!("Modelle bekommen nur, was ihre Zone nehmen darf: {zones}."),
            format!("Models get only what their zone may take: {zones}."),
        ));
    }
    if let RunAs::Service(name) = &process.run_as {
        all.push(said(
            lang,
            format!("Bis ein Mensch entscheidet, handelt das Dienstkonto {name} mit eigenen, begrenzten Rechten."),
            format!("Until a person decides, the service account {name} acts with limited rights of its own."),
        ));
    }
    all
}

/// What holds for every process.
fn of_the_house(tenant: &Tenant, lang: Lang) -> Vec<String> {
    let witness = match tenant.witness {
        Some(_) => ("Signierte Prüfpunkte liegen außerhalb der Datenbank (Zeuge).", "Signed checkpoints lie outside the database (witness)."),
        None => ("Ein Zeuge außerhalb der Datenbank ist nicht eingerichtet.", "No witness outside the database is configured."),
    };
    let all = [
        (
            "Jeder Aufruf und jede Ansicht steht mit Person und Begründung im Protokoll; die Einträge sind durch Prüfsummen verkettet.",
            "Every call and every view stands in the journal with person and reason; its records are chained by hashes.",
        ),
        witness,
        (
            "Inhalte und Vorgänge werden nach Ablauf der Fristen von selbst gelöscht; die Löschung steht im Protokoll.",
            "Contents and cases are erased by themselves when their time is over; the erasure stands in the journal.",
        ),
        ("Die Datenbank selbst verschlüsselt das Programm nicht.", "The program does not encrypt the database itself."),
    ];
    all.into_iter().map(|(de, en)| said(lang, de, en)).collect()
}

fn way_in(kind: &TriggerKind, lang: Lang) -> String {
    match kind {
        TriggerKind::Intake { public: true, .. } => said(lang, "öffentliches Formular", "public form"),
        TriggerKind::Intake { .. } => said(lang, "Formular", "form"),
        TriggerKind::Webhook { path, .. } => said(lang, format!("Fachverfahren über /hooks/…/{path}"), format!("another program by /hooks/…/{path}")),
        TriggerKind::Cron { .. } => said(lang, "nach Zeitplan", "by a schedule"),
        TriggerKind::Folder(paths) => said(lang, format!("Dateien im Ordner {}", paths.path), format!("files in the folder {}", paths.path)),
        TriggerKind::Mail(mailbox) => said(lang, format!("E-Mail in {}", mailbox.place()), format!("e-mail in {}", mailbox.place())),
        TriggerKind::Poll(poll) => said(lang, format!("neue Einträge von {}", poll.call.name()), format!("new entries of {}", poll.call.name())),
    }
}

/// A step as the procedure documentation tells it.
pub fn in_words(step: &Step, lang: Lang) -> StepWords {
    let mut was = happens(&step.kind, lang);
    if step.each.is_some() {
        was.push_str(&said(lang, " Das geschieht für jeden Eintrag einer Liste.", " This happens for every entry of a list."));
    }
    if step.condition.is_some() {
        was.push_str(&said(lang, " Nur unter einer Bedingung.", " Only under a condition."));
    }
    let table = match &step.kind {
        StepKind::Rules(rules) => Some(TableWords { name: rules.table.name.clone(), rows: rules.table.rows.len(), source: rules.table.source.clone() }),
        _ => None,
    };
    let tabelle = table.as_ref().map(|TableWords { name, rows, source }| {
        said(lang, format!("„{name}“, {rows} Zeilen, Quelle: {source}"), format!("“{name}”, {rows} rows, source: {source}"))
    });
    StepWords { schritt: step.id.to_string(), bezeichnung: step.title.clone(), was, tabelle, table }
}

fn happens(kind: &StepKind, lang: Lang) -> String {
    match kind {
        StepKind::Tool(call) => said(lang, format!("Das Werkzeug {} wird aufgerufen.", call.name()), format!("The tool {} is called.", call.name())),
        StepKind::Model(_) => said(
            lang,
            "Ein KI-Modell beantwortet eine fest vorgegebene Anweisung; seine Antwort muss in ein festes Schema passen.",
            "An AI model answers a fixed instruction; its answer must fit a fixed schema.",
        ),
        StepKind::Agent(agent) => {
            let (tools, turns) = (agent.tools.iter().map(|tool| tool.call.name()).collect::<Vec<_>>().join(", "), agent.max_turns);
            said(
                lang,
                format!("Ein KI-Modell arbeitet auf ein Ziel hin, höchstens {turns} Runden, und darf dafür nur diese Werkzeuge benutzen: {tools}."),
                format!("An AI model works towards a goal, {turns} turns at most, and may use only these tools for it: {tools}."),
            )
        }
        StepKind::Human(human) => decides(human, lang),
        StepKind::Rules(_) => said(
            lang,
            "Eine Entscheidungstabelle rechnet; dieselben Angaben ergeben immer dasselbe.",
            "A decision table computes; the same details always give the same.",
        ),
        StepKind::Set(_) => {
            said(lang, "Werte werden zusammengestellt oder nach fester Formel berechnet.", "Values are put together or computed by a fixed formula.")
        }
        StepKind::Wait(wait) => match &wait.what {
            Awaited::Time(Length::For(_)) => said(lang, "Es vergeht eine festgelegte Zeit.", "A fixed time passes."),
            Awaited::Time(Length::Until(_)) => said(lang, "Es wird bis zu einem Tag gewartet.", "It waits until a day."),
            Awaited::Event(event) => {
                said(lang, format!("Es wird auf das Ereignis „{}“ gewartet.", event.name), format!("It waits for the event “{}”.", event.name))
            }
        },
        StepKind::Process(call) => said(lang, format!("Ein weiterer Vorgang beginnt: {}.", call.name), format!("Another case begins: {}.", call.name)),
    }
}

fn decides(human: &Human, lang: Lang) -> String {
    let who = if human.assign.groups.is_empty() { said(lang, "der zuständigen Stelle", "of the unit in charge") } else { human.assign.groups.join(", ") };
    match (human.asks_applicant(), human.ermessen) {
        (true, _) => said(lang, "Die antragstellende Person wird gefragt.", "The applicant is asked."),
        (false, true) => said(lang, format!("Ein Mensch ({who}) entscheidet nach Ermessen."), format!("A person ({who}) decides at discretion.")),
        (false, false) => said(lang, format!("Ein Mensch ({who}) prüft und entscheidet."), format!("A person ({who}) checks and decides.")),
    }
}

fn missing(process: &Process, lang: Lang) -> Vec<String> {
    let mut all = vec![(
        "Name und Kontakt der verantwortlichen Stelle und der oder des Datenschutzbeauftragten (Art. 30 Abs. 1 Buchst. a DSGVO)",
        "name and contact of the controller and of the data protection officer (Art. 30 (1) (a) GDPR)",
    )];
    if process.betroffen.is_none() {
        all.push((
            "Kategorien betroffener Personen; ohne `betroffen` findet die Auskunft niemanden in diesem Prozess",
            "categories of data subjects; without `betroffen` the report under Art. 15 finds nobody in this process",
        ));
    }
    if process.ki_verordnung.is_none() && process.asks_a_model() {
        all.push(("Einordnung nach der KI-Verordnung", "classification under the AI act"));
    }
    all.into_iter().map(|(de, en)| said(lang, de, en)).collect()
}

/// One document for all of them; of entries in German.
pub fn markdown(entries: &[Processing]) -> String {
    let mut text = "# Verzeichnis von Verarbeitungstätigkeiten\n".to_owned();
    for entry in entries {
        let _ = writeln!(text, "\n## {}\n\n{}\n", entry.bezeichnung, entry.beschreibung.trim());
        for row in rows(entry, Lang::De) {
            let _ = writeln!(text, "- **{}:** {}", row.name, row.text);
        }
        let _ = writeln!(text, "\n### Verfahren\n");
        for (n, step) in entry.schritte.iter().enumerate() {
            let table = step.tabelle.as_ref().map(|table| format!(" Tabelle {table}.")).unwrap_or_default();
            let _ = writeln!(text, "{}. **{}** (`{}`): {}{table}", n + 1, step.bezeichnung, step.schritt, step.was);
        }
    }
    text
}

/// Name and content of a row.
pub struct Row {
    pub name: &'static str,
    pub text: String,
    /// Whether the words are the author's, or the configuration's, and so in German in every language.
    pub authored: bool,
}

/// An entry without its steps, name by name.
pub fn rows(entry: &Processing, lang: Lang) -> Vec<Row> {
    let recipient = |recipient: &Recipient| {
        let wo = recipient.wo.as_ref().map(|wo| format!(", {wo}")).unwrap_or_default();
        format!("{} ({}{wo})", recipient.name, recipient.was)
    };
    let listed = |list: &[String]| if list.is_empty() { "–".to_owned() } else { list.join("; ") };
    let unsaid = || said(lang, "im Prozess nicht angegeben", "the process does not say");
    let level = &entry.schutzbedarf;
    let kategorien = listed(&entry.kategorien);
    let kategorien = said(lang, format!("{kategorien}; Schutzbedarf {level}"), format!("{kategorien}; level of protection {level}"));
    let row = |de: &'static str, en: &'static str, text: String, authored: bool| Row { name: if lang == Lang::De { de } else { en }, text, authored };
    vec![
        row("Prozess", "Process", format!("{} {}, {}", entry.prozess, entry.fassung, entry.fingerabdruck), false),
        row("Mandant", "Tenant", entry.mandant.clone(), true),
        row("Verantwortlich", "Responsible", entry.verantwortlich.clone(), true),
        row("Zweck", "Purpose", entry.zweck.clone(), true),
        row("Rechtsgrundlage", "Legal basis", listed(&entry.rechtsgrundlage), true),
        row("Kategorien von Daten", "Categories of data", kategorien, false),
        row("Betroffene Personen", "Data subjects", entry.betroffen.clone().unwrap_or_else(unsaid), entry.betroffen.is_some()),
        row("Empfänger", "Recipients", listed(&entry.empfaenger.iter().map(recipient).collect::<Vec<_>>()), false),
        row("Löschfrist der Inhalte", "Contents are erased", entry.loeschfristen.inhalte.clone(), false),
        row("Löschfrist des Vorgangs", "The case is erased", entry.loeschfristen.vorgang.clone(), false),
        row("Beginnt durch", "Begins by", listed(&entry.ausloeser), false),
        row("Automatisierung", "Automation", entry.automatisierung.clone(), false),
        row("KI-Verordnung", "AI act", entry.ki_verordnung.clone().unwrap_or_else(unsaid), entry.ki_verordnung.is_some()),
        row("Technische und organisatorische Maßnahmen", "Technical and organisational measures", entry.massnahmen.join(" "), false),
        row("Hier nicht bekannt", "Not known here", listed(&entry.fehlt), false),
    ]
}

/// A table, one process a line; of entries in German.
pub fn table(entries: &[Processing]) -> String {
    let mut text = String::new();
    if let Some(first) = entries.first() {
        let _ = writeln!(text, "\"Bezeichnung\";{}", rows(first, Lang::De).into_iter().map(|row| csv(row.name)).collect::<Vec<_>>().join(";"));
    }
    for entry in entries {
        let _ = writeln!(text, "{};{}", csv(&entry.bezeichnung), rows(entry, Lang::De).into_iter().map(|row| csv(&row.text)).collect::<Vec<_>>().join(";"));
    }
    text
}
