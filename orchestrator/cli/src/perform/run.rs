//! `run`: starts one run, takes it as far as it goes, and tells a line per step.

use std::{collections::BTreeSet, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_domain::{Caller, Digest, RunId, StepId, TaskId, Value, Via, finding};
use laufzettel_engine::{EffectRun, EffectStatus, State};
use laufzettel_process::{
    Process, Schema,
    model::{RunAs, StepKind, TriggerKind},
    schema,
};
use laufzettel_worker::{Loaded, StartError, StartRequest};
use serde_json::json;

use super::{APPLICANT, Done, Failed, caller, denied, named, problem_lines, show, wish_failed};
use crate::{
    config::DirectoryConfig,
    house::House,
    out::{Out, code},
    wish::RunWish,
};

/// Milliseconds between looks at a run that somebody else drives.
const LOOK_MS: u64 = 100;

pub async fn run(house: &House, wish: RunWish, out: &Out) -> Done {
    let run = start(house, &wish, out).await?;
    let mut told = BTreeSet::new();
    loop {
        house.desk.drive(run).await.map_err(|e| wish_failed(e, out.lang))?;
        let family = house.desk.family(run).await.map_err(|e| wish_failed(e, out.lang))?;
        let loaded = &family[0];
        tell(loaded, &mut told, out).await;
        if loaded.run.ended.is_some() {
            return finish(loaded, out).await;
        }
        if answer_one(house, &family, &wish, out).await? {
            continue;
        }
        match pause(&family, house, wish.until_waiting) {
            Some(time) => tokio::time::sleep(time).await,
            None => return stopped(&family, &wish, out).await,
        }
    }
}

async fn start(house: &House, wish: &RunWish, out: &Out) -> Result<RunId, Failed> {
    // a server that holds the store has its own processes: another text must not run in the name of this one
    let other = house.desk.tenant.current(&wish.process).filter(|p| wish.file.is_some_and(|file| file != p.process.digest));
    if let Some(other) = other {
        let version = &other.process.version;
        let id = &wish.process;
        let text = out.told(
            format!("Der Server, der schon läuft, hat „{id}“ in anderer Fassung ({version}). Beenden Sie ihn, oder legen Sie die Datei in seinen Ordner und starten Sie ihn neu."),
            format!("The server that is running has \"{id}\" in another version ({version}). End it, or put the file into its folder and start it anew."),
        );
        return Err(Failed::new(code::USAGE, text));
    }
    if wish.file.is_some() && !house.desk.tenant.release_required {
        out.note(out.text("Probe: ein Prozess aus einer Datei läuft ohne Freigabe.", "Trial: a process from a file runs without a release.")).await;
    }
    answers_fit(house, wish, out)?;
    let (by, run_as) = starter(house, wish, out).await?;
    // whoever applies has a status page
    let status = by.is_applicant();
    let input = laufzettel_worker::files::brought(&house.desk.tenant, wish.input.clone()).await.map_err(|e| Failed::new(code::USAGE, e.to_string()))?;
    let request = StartRequest {
        process: wish.process.clone(),
        caller: by,
        run_as,
        input,
        zone: wish.zone.clone(),
        receipts: Vec::new(),
        clock: None,
        facts: serde_json::Value::Null,
        status,
    };
    match house.desk.start(request).await {
        Ok(started) => {
            let title = house.desk.tenant.current(&wish.process).map(|p| p.process.title.clone()).unwrap_or_default();
            out.note(format!("{} {} · {title}", out.text("Vorgang", "Run"), started.nummer)).await;
            if let Some(code) = &started.status_code {
                out.note(format!("{} {}/status/{code}", out.text("Statusseite:", "Status page:"), house.desk.tenant.public_url)).await;
            }
            Ok(started.run)
        }
        Err(error) => not_begun(error, house, wish, out).await,
    }
}

/// The run that was there already, or why none began, in words.
async fn not_begun(error: StartError, house: &House, wish: &RunWish, out: &Out) -> Result<RunId, Failed> {
    match error {
        StartError::UnknownProcess if wish.file.is_some() && out.is_remote() => {
            let id = &wish.process;
            let text = out.told(
                format!("Der Server, der schon läuft, kennt den Prozess „{id}“ nicht. Legen Sie die Datei in seinen Ordner und starten Sie ihn neu, oder beenden Sie ihn und versuchen Sie es noch einmal."),
                format!("The server that is running does not know the process \"{id}\". Put the file into its folder and start it anew, or end it and try again."),
            );
            Err(Failed::new(code::USAGE, text))
        }
        StartError::UnknownProcess => {
            // a file with errors is in no catalogue: what is wrong with it is said here, too
            let findings = &house.desk.tenant.catalogue.findings;
            for finding in findings {
                out.note(finding.line(out.lang)).await;
            }
            let exit = if findings.is_empty() { code::USAGE } else { code::FINDINGS };
            let id = &wish.process;
            let text =
                out.told(format!("Einen Prozess „{id}“, der laufen darf, gibt es hier nicht."), format!("There is no process \"{id}\" here that may run."));
            Err(Failed::new(exit, text))
        }
        StartError::Denied(decision) => Err(denied(&decision, out.lang)),
        StartError::Invalid(problems) => Err(Failed::new(
            code::USAGE,
            format!("{}\n{}", out.text("Die Eingabe passt nicht zum Prozess:", "The input does not fit the process:"), problem_lines(&problems, out.lang)),
        )),
        StartError::Quota(exceeded) => {
            let again = format!("{} {} s.", out.text("Frühestens in", "At the earliest in"), exceeded.retry_after_s);
            Err(Failed::new(code::ENDED_BADLY, format!("{} {again}", exceeded.reason.get(out.lang))))
        }
        StartError::Duplicate(run) => Ok(run),
        StartError::Unavailable(why) => Err(Failed::new(code::ENDED_BADLY, why)),
    }
}

/// An answer to a step that asks nobody would never be given, and nobody would know.
fn answers_fit(house: &House, wish: &RunWish, out: &Out) -> Result<(), Failed> {
    // what is not there is said by the start
    let Some(prepared) = house.desk.tenant.current(&wish.process) else { return Ok(()) };
    let asked = asking(&prepared.process);
    let Some(unknown) = wish.answers.keys().find(|step| !asked.contains(step.as_str())) else { return Ok(()) };
    let text = out.told(
        format!("--answer: Einen Schritt „{unknown}“, der jemanden fragt, gibt es hier nicht."),
        format!("--answer: there is no step \"{unknown}\" here that asks anybody."),
    );
    let hint = if asked.is_empty() { String::new() } else { finding::hint(unknown, asked.iter().copied()).get(out.lang).to_owned() };
    Err(Failed::new(code::USAGE, format!("{text} {hint}").trim_end()))
}

/// Steps of a process and of its children that ask people.
fn asking(process: &Process) -> BTreeSet<&str> {
    let own = process.steps.iter().filter(|(_, step)| matches!(step.kind, StepKind::Human(_) | StepKind::Agent(_))).map(|(id, _)| id.as_str());
    own.chain(process.children.values().flat_map(|child| asking(child))).collect()
}

/// A person of the directory, or `applicant`: as if it had come through the process's own intake.
async fn starter(house: &House, wish: &RunWish, out: &Out) -> Result<(Caller, Option<RunAs>), Failed> {
    if out.asker.by.as_deref() != Some(APPLICANT) {
        return Ok((caller(house, out).await?, None));
    }
    if !matches!(house.directory(), DirectoryConfig::File(_)) {
        return Err(Failed::new(
            code::USAGE,
            out.text(
                "--as applicant ist zum Ausprobieren (directory: file); im Betrieb stellen Bürgerinnen und Bürger ihren Antrag selbst.",
                "--as applicant is for trying out (directory: file); in operation citizens apply themselves.",
            ),
        ));
    }
    let applicant = Caller { via: Via::Intake, ..Caller::applicant("terminal") };
    // what is not there, or does not hold, has no intake either: the start says why
    let Some(prepared) = house.desk.tenant.current(&wish.process) else { return Ok((applicant, None)) };
    let trigger = Some(&prepared).and_then(|p| p.process.triggers.iter().find(|t| matches!(t.kind, TriggerKind::Intake { .. })));
    let trigger = trigger.ok_or_else(|| {
        let en = "This process has no way in for citizens (intake).";
        Failed::new(code::USAGE, out.text("Dieser Prozess hat keinen Eingang für Bürgerinnen und Bürger (intake).", en))
    })?;
    Ok((applicant, Some(trigger.run_as.clone())))
}

/// Says each settled step once, in the order of the graph.
async fn tell(loaded: &Loaded, told: &mut BTreeSet<StepId>, out: &Out) {
    for id in &loaded.prepared.process.order {
        if told.contains(id) {
            continue;
        }
        if let Some(line) = show::step_line(&loaded.prepared.process, &loaded.run, id, out.lang) {
            told.insert(id.clone());
            out.note(line).await;
        }
    }
}

/// Answers the first open human task there is an answer for, of the run or of a child of its. `false` if there is none.
async fn answer_one(house: &House, family: &[Loaded], wish: &RunWish, out: &Out) -> Result<bool, Failed> {
    for loaded in family {
        for task in loaded.run.open_tasks().filter(|task| task.opened.kind.is_own()) {
            let step = task.opened.step.as_str();
            let id = TaskId { run: loaded.run.id, number: task.opened.number };
            // a question to whoever applies is hers: whoever tries this out as an applicant answers as one
            let applicant = loaded.run.applicant().filter(|_| task.opened.assign.applicant && out.asker.by.as_deref() == Some(APPLICANT));
            let (by, values) = match wish.answers.get(step) {
                Some(values) => answerer(house, values, applicant, out).await?,
                // the one terminal here is the server's, if the command is its client
                None if wish.interactive && !out.is_remote() => {
                    let by = match applicant {
                        Some(applicant) => applicant.clone(),
                        None => caller(house, out).await?,
                    };
                    (by, crate::ask::ask(&loaded.prepared.process, task, out).map_err(|e| Failed::new(code::USAGE, e.to_string()))?)
                }
                None => continue,
            };
            let values = laufzettel_worker::files::brought(&house.desk.tenant, values).await.map_err(|e| Failed::new(code::USAGE, e.to_string()))?;
            house.desk.answer(id, &by, &values, task.opened.shown).await.map_err(|e| wish_failed(e, out.lang))?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// An answer may name who gives it: `{ "by": "a.klein", … }`; otherwise it is whoever is asked as applicant, or the person who
/// started the run.
async fn answerer(house: &House, values: &Value, applicant: Option<&Caller>, out: &Out) -> Result<(Caller, Value), Failed> {
    let mut values = values.clone();
    let by = values.as_object_mut().and_then(|map| map.remove("by")).and_then(|by| by.as_str().map(str::to_owned));
    let by = match (by, applicant) {
        (None, Some(applicant)) => applicant.clone(),
        (Some(user), Some(applicant)) if user == APPLICANT => applicant.clone(),
        (Some(user), _) => named(house, &user, out).await?,
        (None, None) => caller(house, out).await?,
    };
    Ok((by, values))
}

/// How long until the run, or a child of its, goes on by itself; `None` if it waits for somebody who is not here. Nobody is
/// waited for until her task is handed on or its time is up. Whoever asked not to wait sees short retries through, no more.
fn pause(family: &[Loaded], house: &House, until_waiting: bool) -> Option<Duration> {
    let effects = || family.iter().flat_map(|member| member.run.effects.values());
    if effects().any(EffectRun::is_due) {
        return Some(Duration::from_millis(LOOK_MS));
    }
    // what is not there is put off, again and again
    let retries = effects().filter(|effect| !until_waiting || effect.deferred.is_none()).filter_map(|effect| match effect.status {
        EffectStatus::RetryAt(at) => Some(at),
        EffectStatus::Settling => effect.question.as_ref()?.at,
        _ => None,
    });
    let waits = family.iter().filter(|_| !until_waiting).flat_map(|member| member.run.waits.values().copied());
    let at = retries.chain(waits).min()?;
    let wait = at.duration_since(house.desk.tenant.clock.now()).as_millis().clamp(1, 60_000);
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(LOOK_MS)))
}

/// The run waits for somebody who is not here.
async fn stopped(family: &[Loaded], wish: &RunWish, out: &Out) -> Done {
    let loaded = &family[0];
    for member in family {
        for line in show::obstacles(&member.prepared.process, &member.run, out.lang) {
            out.note(line).await;
        }
    }
    out.note(format!("{} {}: {}", out.text("Vorgang", "Run"), loaded.run.nummer, show::state(State::Waiting, out.lang))).await;
    if out.json {
        out.value(&json!({ "run": loaded.run.id.to_string(), "nummer": loaded.run.nummer, "state": "waiting" })).await;
    }
    let refused = family.iter().flat_map(|member| member.run.effects.values()).any(|e| matches!(e.status, EffectStatus::Parked(_)));
    Ok(if refused && !wish.until_waiting { code::DENIED } else { code::WAITING })
}

async fn finish(loaded: &Loaded, out: &Out) -> Done {
    let state = loaded.run.state();
    out.note(format!("{} {}: {}", out.text("Vorgang", "Run"), loaded.run.nummer, show::state(state, out.lang))).await;
    if !loaded.run.message.is_empty() {
        out.note(format!("  {}", loaded.run.message)).await;
    }
    if out.json {
        out.value(&json!({ "run": loaded.run.id.to_string(), "nummer": loaded.run.nummer, "state": state.as_str(), "output": loaded.run.output })).await;
    } else if state == State::Completed {
        out.data(serde_json::to_string_pretty(&loaded.run.output).unwrap_or_default()).await;
    }
    Ok(if state == State::Completed { code::DONE } else { code::ENDED_BADLY })
}

/// `{ "file": path }` where the schema wants a file: its bytes are put beside it. Paths start at `base`.
pub fn attach_files(schema: &Schema, value: &mut Value, base: &Path) -> anyhow::Result<()> {
    attach(schema, value, &mut Vec::new(), base)
}

fn attach(schema: &Schema, value: &mut Value, path: &mut Vec<String>, base: &Path) -> anyhow::Result<()> {
    let wants_file = schema.field(path).is_some_and(schema::is_file);
    if wants_file && value.get("sha256").is_none() {
        if let Some(name) = value.get("file").and_then(Value::as_str) {
            *value = file_at(name, base)?;
        }
        return Ok(());
    }
    if let Value::Object(map) = value {
        for (name, inner) in map.iter_mut() {
            path.push(name.clone());
            attach(schema, inner, path, base)?;
            path.pop();
        }
    }
    for (n, inner) in value.as_array_mut().into_iter().flatten().enumerate() {
        path.push(n.to_string());
        attach(schema, inner, path, base)?;
        path.pop();
    }
    Ok(())
}

/// The same of an answer, whose form nobody knows yet: a field that is `{ "file": path }` and nothing else.
pub fn attach_to_answer(values: &mut Value, base: &Path) -> anyhow::Result<()> {
    for value in values.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
        let Some(name) = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.get("file")).and_then(Value::as_str) else { continue };
        *value = file_at(name, base)?;
    }
    Ok(())
}

/// A file as a value, with its bytes beside it.
pub fn file_at(name: &str, base: &Path) -> anyhow::Result<Value> {
    let bytes = std::fs::read(base.join(name)).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
    Ok(file_value(name, &bytes))
}

fn file_value(name: &str, bytes: &[u8]) -> Value {
    let short = Path::new(name).file_name().map_or(name.to_owned(), |n| n.to_string_lossy().into_owned());
    let media_type = laufzettel_domain::file::media_type(&short, bytes);
    json!({ "file": short, "name": short, "media_type": media_type, "size": bytes.len(), "sha256": Digest::of(bytes).to_string(),
        "resource": { "uri": format!("file:{short}"), "mimeType": media_type, "blob": STANDARD.encode(bytes) } })
}
