//! What a person is told about the data kept of her (Art. 15 GDPR): every run she is found in, with purpose, recipients, origin, how
//! long it is kept, which automated steps took part and by which logic, and the contents themselves. In the language it is asked for;
//! what an author wrote stays as it is. Who may ask for it is asked before; that it was made is on record before anything is said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Lang, RunId, Value, Via, file::File};
use laufzettel_engine::{Call, EffectStatus, Run, StepState, TaskState, Term};
use laufzettel_policy::Effect;
use laufzettel_process::{Process, model::StepKind};
use laufzettel_worker::{Desk, Loaded, WishError};
use serde::Serialize;
use serde_json::json;

use crate::{
    pages::words::{format_date, format_span},
    register::{automated, in_words, said},
    vouched::Vouched,
};

/// Runs of one person in one report: beyond, it says that there are more.
const RUNS_MAX: u32 = 100;
/// Fields somebody is looked for by, at least: a name alone is that of many.
const FIELDS_MIN: usize = 2;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectReport {
    pub erstellt: Timestamp,
    pub mandant: String,
    /// Names of the fields the person was looked for by.
    pub gesucht_nach: Vec<String>,
    pub vorgaenge: Vec<SubjectRun>,
    /// There are more than these.
    pub mehr: bool,
    /// Processes in which nobody is found, as they name no data subject; before them, that old runs are not searched yet.
    pub nicht_gefunden_in: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectRun {
    pub nummer: String,
    pub kennung: RunId,
    pub bezeichnung: String,
    pub prozess: String,
    pub stand: &'static str,
    pub begonnen: Timestamp,
    pub beendet: Option<Timestamp>,
    pub verantwortlich: String,
    pub zweck: String,
    pub rechtsgrundlage: Vec<String>,
    pub kategorien: Vec<String>,
    pub herkunft: Vec<String>,
    pub empfaenger: Vec<String>,
    pub aufbewahrung: Vec<String>,
    pub automatisierung: String,
    pub automatische_schritte: Vec<String>,
    /// What is kept. Fields of the input, values of the steps by name, what people entered.
    pub inhalte: Contents,
    pub dateien: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contents {
    pub eingabe: Value,
    /// What a provider vouched for when she signed in to apply; everything else she said herself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anmeldung: Option<Vouched>,
    pub schritte: BTreeMap<String, Value>,
    pub angaben_von_menschen: Vec<Value>,
    /// What she handed in without being asked, and what she said with it.
    pub nachgereicht: Vec<Value>,
    /// Why she withdrew, if she did.
    pub zurueckgezogen: Option<String>,
    /// What she got in the end, by name.
    pub erhalten: Value,
    pub ausgabe: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// Too little to tell one person from another.
    #[error("fewer than two fields")]
    TooVague,
    #[error(transparent)]
    Wish(#[from] WishError),
}

impl From<laufzettel_store::Error> for SubjectError {
    fn from(error: laufzettel_store::Error) -> Self {
        Self::Wish(error.into())
    }
}

/// Looks for a person and says what is kept of her. `fields`: what each detail is called, and its text; all of them must fit, in whichever
/// field of a process they stand.
pub async fn report(desk: &Desk, by: &Caller, fields: &[(String, String)], reason: &str, lang: Lang) -> Result<SubjectReport, SubjectError> {
    let details = fields.iter().map(|(name, text)| (name.trim().to_lowercase(), Term::sought(text)));
    let sought: Vec<(String, BTreeSet<Term>)> = details.filter(|(name, terms)| !name.is_empty() && !terms.is_empty()).collect();
    // a detail that says nothing more than another is none
    let adds =
        |n: usize, terms: &BTreeSet<Term>| !sought.iter().enumerate().any(|(m, (_, other))| m != n && terms.is_subset(other) && (terms != other || m < n));
    if sought.iter().enumerate().filter(|(n, (_, terms))| adds(*n, terms)).count() < FIELDS_MIN {
        return Err(SubjectError::TooVague);
    }
    let terms: BTreeSet<Term> = sought.iter().flat_map(|(_, terms)| terms.clone()).collect();
    let mut runs = desk.runs_of(&terms, RUNS_MAX + 1).await?;
    let more = runs.len() > RUNS_MAX as usize;
    runs.truncate(RUNS_MAX as usize);
    let runs = with_called(desk, runs).await?;
    let names: BTreeSet<&str> = sought.iter().map(|(name, _)| name.as_str()).collect();
    let body = json!({ "fields": names, "runs": runs.iter().map(ToString::to_string).collect::<Vec<_>>(), "reason": reason });
    desk.record("subject.reported", by, body).await.map_err(|error| WishError::Unavailable(error.to_string()))?;
    let mut told = Vec::new();
    for run in runs {
        if let Some(loaded) = desk.load(run).await? {
            told.push(of_run(desk, &loaded, lang).await?);
        }
    }
    let old = (!desk.is_indexed().await?).then(|| {
        said(
            lang,
            "ältere Vorgänge aller Prozesse, solange der Suchindex neu gebildet wird; bitte später noch einmal",
            "older cases of all processes while the search index is made again; please try again later",
        )
    });
    let unnamed = desk.tenant.catalogue.processes.values().filter(|process| process.betroffen.is_none());
    Ok(SubjectReport {
        erstellt: desk.tenant.clock.now(),
        mandant: desk.tenant.name.clone(),
        gesucht_nach: names.into_iter().map(str::to_owned).collect(),
        vorgaenge: told,
        mehr: more,
        nicht_gefunden_in: old.into_iter().chain(unnamed.map(|process| process.title.clone())).collect(),
    })
}

/// What a run has called holds her data, too, and names nobody itself.
async fn with_called(desk: &Desk, found: Vec<RunId>) -> Result<Vec<RunId>, SubjectError> {
    let mut all = Vec::new();
    for run in found {
        let family = desk.called_by(run).await.map_err(|error| WishError::Unavailable(error.to_string()))?;
        all.extend(family);
    }
    let mut seen = BTreeSet::new();
    all.retain(|run| seen.insert(*run));
    Ok(all)
}

async fn of_run(desk: &Desk, loaded: &Loaded, lang: Lang) -> Result<SubjectRun, SubjectError> {
    let (run, process) = (&loaded.run, &loaded.prepared.process);
    let records = desk.tenant.store.history(run.id).await?;
    let bodies: Vec<Value> = records.iter().filter_map(|record| record.draft.body()).collect();
    let contents = contents(run);
    let mut files = BTreeMap::new();
    collect(&serde_json::to_value(&contents).unwrap_or_default(), &mut files);
    Ok(SubjectRun {
        nummer: run.nummer.clone(),
        kennung: run.id,
        bezeichnung: process.title.clone(),
        prozess: format!("{} {}", process.id, run.version),
        stand: run.state().as_str(),
        begonnen: run.started_at,
        beendet: run.ended.map(|(_, at)| at),
        verantwortlich: process.verantwortlich.clone(),
        zweck: process.zweck.clone(),
        rechtsgrundlage: process.rechtsgrundlage.clone(),
        kategorien: process.datenkategorien.iter().map(|kategorie| kategorie.as_str().to_owned()).collect(),
        herkunft: origin(desk, run, lang),
        empfaenger: recipients(desk, run, &bodies, lang),
        aufbewahrung: kept(desk, loaded, lang).await?,
        automatisierung: automated(process.automatisierung, lang).to_owned(),
        automatische_schritte: automated_steps(process, run, &bodies, lang),
        inhalte: contents,
        dateien: files.into_values().collect(),
    })
}

/// How the run began, and which tools were asked about her.
fn origin(desk: &Desk, run: &Run, lang: Lang) -> Vec<String> {
    let began = match run.caller.via {
        Via::Intake => ("Angaben aus dem öffentlichen Formular", "details from the public form"),
        Via::Form | Via::Terminal => ("Angaben, die jemand im Haus eingegeben hat", "details somebody of the house entered"),
        Via::Webhook | Via::Api | Via::Mcp => ("Angaben eines anderen Programms", "details of another program"),
        Via::Folder => ("eine Datei in einem Eingangsordner", "a file in a folder"),
        Via::Mail => ("eine E-Mail", "an e-mail"),
        Via::Poll => ("ein Eintrag, den ein Werkzeug nannte", "an entry a tool named"),
        Via::Cron | Via::Engine => ("von selbst begonnen", "begun by itself"),
    };
    let asked = run.effects.values().filter(|effect| effect.intent.effect == Effect::Read && matches!(effect.status, EffectStatus::Settled { .. }));
    let tools: BTreeSet<&str> = asked.map(|effect| effect.intent.target.as_str()).filter(|target| desk.tenant.tools.contains_key(*target)).collect();
    let answered = tools.into_iter().map(|tool| said(lang, format!("Antwort des Werkzeugs {tool}"), format!("answer of the tool {tool}")));
    std::iter::once(said(lang, began.0, began.1)).chain(answered).collect()
}

/// Everything that was handed something, with what it was for; of what left the house, to whom, as far as that is still known.
fn recipients(desk: &Desk, run: &Run, bodies: &[Value], lang: Lang) -> Vec<String> {
    let mut all = BTreeSet::new();
    for effect in run.earlier.iter().map(|(_, effect)| effect).chain(run.effects.values()) {
        let (Call::Tool { arguments, .. }, Some(rule)) = (&effect.intent.call, desk.tenant.tools.get(&effect.intent.target)) else { continue };
        let what = match rule.effect {
            Effect::Read => said(lang, "gefragt", "asked"),
            Effect::Write => said(lang, "im Haus abgelegt oder geändert", "filed or changed in the house"),
            Effect::Send => said(lang, "gesendet", "sent"),
        };
        let to = rule
            .recipient
            .as_ref()
            .and_then(|name| arguments.get(name))
            .and_then(Value::as_str)
            .map(|to| said(lang, format!(" an {to}"), format!(" to {to}")))
            .unwrap_or_default();
        let stands = match &effect.status {
            EffectStatus::Settled { .. } => String::new(),
            EffectStatus::Doubt | EffectStatus::Settling => said(lang, ", ob es geschah, ist ungewiss", ", whether it happened is uncertain"),
            _ => continue,
        };
        all.insert(format!("{}: {what}{to}{stands}", effect.intent.target));
    }
    for body in bodies {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        if let (Some(model), Some(zone)) = (text("/meta/model"), text("/meta/zone")) {
            let place = desk.tenant.zones.get(zone).map(|zone| format!(" ({}, {})", zone.betreiber, zone.ort)).unwrap_or_default();
            all.insert(said(lang, format!("KI-Modell {model} in der Zone {zone}{place}"), format!("AI model {model} in the zone {zone}{place}")));
        }
    }
    all.into_iter().collect()
}

async fn kept(desk: &Desk, loaded: &Loaded, lang: Lang) -> Result<Vec<String>, SubjectError> {
    let kept = &loaded.prepared.process.aufbewahrung;
    let day = |at: Timestamp| format_date(at.to_zoned(desk.tenant.zone()).date(), lang);
    let Some(row) = desk.tenant.store.retention(loaded.run.id).await? else {
        let (contents, all) = (format_span(&kept.inhalte, lang), format_span(&kept.vorgang, lang));
        return Ok(vec![
            said(lang, format!("Inhalte: {contents} nach dem Ende des Vorgangs"), format!("Contents: {contents} after the end of the case")),
            said(lang, format!("Verlauf: {all} nach dem Ende des Vorgangs"), format!("Timeline: {all} after the end of the case")),
        ]);
    };
    let date = |at: i64| Timestamp::from_microsecond(at).map(day).unwrap_or_default();
    let contents = match &loaded.gone {
        None => said(lang, format!("Inhalte: bis {}", date(row.contents_until)), format!("Contents: until {}", date(row.contents_until))),
        Some(gone) => said(lang, format!("Inhalte: gelöscht am {}", day(gone.at)), format!("Contents: erased on {}", day(gone.at))),
    };
    let until = date(row.records_until);
    // once all of it was erased there is none left
    let vouchers = (!row.whole)
        .then(|| said(lang, format!("Entscheidungen und Berechnungen (Belege): bis {until}"), format!("Decisions and calculations (vouchers): until {until}")));
    let timeline = said(lang, format!("Verlauf: bis {until}"), format!("Timeline: until {until}"));
    Ok([Some(contents), vouchers, Some(timeline)].into_iter().flatten().collect())
}

/// Which steps ran without a person, and how they come to what they say (Art. 15 (1) h).
fn automated_steps(process: &Process, run: &Run, bodies: &[Value], lang: Lang) -> Vec<String> {
    let ran = process.order.iter().filter_map(|id| process.steps.get(id)).filter(|step| matches!(run.steps.get(&step.id), Some(StepState::Completed { .. })));
    let told = ran.filter(|step| !matches!(step.kind, StepKind::Human(_) | StepKind::Wait(_) | StepKind::Process(_))).map(|step| {
        let of_step = |body: &&Value| body.pointer("/path/step").and_then(Value::as_str) == Some(step.id.as_str());
        let model = bodies.iter().filter(of_step).filter_map(|body| body.pointer("/meta/model")?.as_str()).next_back();
        let words = in_words(step, lang);
        let model = model.map(|model| said(lang, format!(" Modell: {model}."), format!(" Model: {model}."))).unwrap_or_default();
        let table = words.tabelle.map(|table| said(lang, format!(" Tabelle {table}."), format!(" Table {table}."))).unwrap_or_default();
        format!("{}: {}{model}{table}", words.bezeichnung, words.was)
    });
    told.collect()
}

/// Without who of the staff answered (the report is about the person it is for), what that one was shown (it stands where it comes
/// from), and which row of a table spoke (said in words beside).
fn about_her(value: &Value, answered: bool) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        if answered {
            fields.retain(|name, _| !["by", "shown"].contains(&name.as_str()));
        }
        if fields.get("rule").is_some_and(|rule| rule.get("table").is_some() && rule.get("row").is_some()) {
            fields.remove("rule");
        }
    }
    value
}

fn contents(run: &Run) -> Contents {
    let steps = run.steps.iter().filter_map(|(id, state)| match state {
        StepState::Completed { value, .. } if !value.is_null() => {
            Some((id.to_string(), about_her(value, run.tasks.values().any(|task| task.opened.step == *id))))
        }
        _ => None,
    });
    let entered = run.tasks.values().filter_map(|task| match &task.state {
        TaskState::Completed { values, .. } if !values.is_null() => Some(json!({ "schritt": task.opened.step, "angaben": values })),
        _ => None,
    });
    let added = run.added.iter().filter(|added| !added.file.is_null()).map(|added| json!({ "datei": added.file, "notiz": added.note }));
    Contents {
        eingabe: run.input.clone(),
        anmeldung: Vouched::of(run),
        schritte: steps.collect(),
        angaben_von_menschen: entered.collect(),
        nachgereicht: added.collect(),
        zurueckgezogen: run.withdrawn.as_ref().map(|(_, reason)| reason.clone()),
        erhalten: run.received.clone(),
        ausgabe: run.output.clone(),
    }
}

fn collect(value: &Value, files: &mut BTreeMap<String, File>) {
    if let Some(file) = File::from_value(value) {
        files.insert(file.file.clone(), file);
        return;
    }
    match value {
        Value::Object(map) => map.values().for_each(|inner| collect(inner, files)),
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, files)),
        _ => {}
    }
}
