//! Plays a case again and again, each time with another of its calls disturbed in another way, and holds what came of it against what
//! the engine promises (`docs/engine.md`): nothing is lost, nothing is done twice, and nobody is left waiting for nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use laufzettel_domain::{EffectKey, ProcessId, Slot, StepId, Text, names::Phase};
use laufzettel_engine::{EffectStatus, Event, Run, State, StepState};
use laufzettel_journal::{Verdict, Verifier};
use laufzettel_process::model::StepKind;
use laufzettel_worker::{Loaded, decode};

use super::{
    Report,
    compare::compare,
    fault::{Fault, Harm},
    read::Case,
    script::Given,
    stage::{Setting, Stage, alike},
};

/// Calls of one case that are disturbed, in order: more is a list whose items are alike.
const CALLS_MAX: usize = 60;
/// Records of one case at most.
const RECORDS_MAX: u32 = 100_000;

/// Which calls are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Faults {
    /// Each call of each step once, in the first case that makes it.
    Each,
    /// Every call of every case.
    All,
}

/// A step whose calls were disturbed, of the process or of a child.
type Known = BTreeSet<(ProcessId, StepId, Phase)>;

/// The cases as they are, and then once more for each of their calls and each harm. With them the steps whose call no case makes.
pub async fn disturb(setting: &Setting, cases: &[Case], faults: Faults) -> (Vec<Report>, Vec<StepId>) {
    let mut known = Known::new();
    let mut reports = Vec::new();
    for case in cases {
        let mut report = super::perform(setting, case).await;
        if report.differences.is_empty() {
            disturb_one(setting, case, faults, &mut known, &mut report).await;
        }
        reports.push(report);
    }
    let calls = |kind: &StepKind| matches!(kind, StepKind::Tool(_) | StepKind::Model(_) | StepKind::Agent(_));
    let process = &setting.process;
    let unreached = process.steps.iter().filter(|(id, step)| calls(&step.kind) && !known.contains(&(process.id.clone(), (*id).clone(), Phase::Do)));
    (reports, unreached.map(|(id, _)| id.clone()).collect())
}

/// `known`: steps whose calls were disturbed in a case before.
async fn disturb_one(setting: &Setting, case: &Case, faults: Faults, known: &mut Known, report: &mut Report) {
    let mut stage = Stage::set(setting, case);
    let Ok(run) = stage.start().await else { return };
    if stage.play(run).await.is_err() {
        return;
    }
    let rehearsed = Arc::new(stage.script.given());
    let mut processes = Vec::new();
    for run in stage.script.runs() {
        let Ok(Some(loaded)) = stage.desk.load(run).await else { return };
        processes.push(loaded.run.process);
    }
    report.left_out = stage.script.made().len().saturating_sub(CALLS_MAX);
    for (n, (run, path)) in stage.script.made().into_iter().enumerate().take(CALLS_MAX) {
        if !known.insert((processes[run].clone(), path.step, path.phase)) && faults == Faults::Each {
            continue;
        }
        for harm in Harm::ALL {
            report.faults += 1;
            let (what, found) = disturbed(setting, case, Fault { call: n + 1, harm }, rehearsed.clone()).await;
            let of = |line: Text| Text::new(format!("{}. Aufruf, {}: {}", n + 1, what.de, line.de), format!("call {}, {}: {}", n + 1, what.en, line.en));
            report.differences.extend(found.into_iter().map(of));
        }
    }
}

/// What befell which call, and what is wrong with what came of it.
async fn disturbed(setting: &Setting, case: &Case, fault: Fault, rehearsed: Arc<Given>) -> (Text, Vec<Text>) {
    let mut stage = Stage::disturbed(setting, case, fault, rehearsed);
    let played = match stage.start().await {
        Ok(run) => stage.play(run).await,
        Err(why) => Err(why.0),
    };
    let (name, harm) = (stage.script.struck_name().unwrap_or_else(|| "?".to_owned()), fault.harm.words());
    let what = Text::new(format!("{name}, {}", harm.de), format!("{name}, {}", harm.en));
    let found = match played {
        Ok(loaded) => judge(case, fault.harm, &stage, &loaded).await.unwrap_or_else(|error| vec![error]),
        Err(error) => vec![error],
    };
    (what, found)
}

async fn judge(case: &Case, harm: Harm, stage: &Stage<'_>, loaded: &Loaded) -> Result<Vec<Text>, Text> {
    let Some(struck) = stage.script.struck() else {
        return Ok(vec![Text::new("der Aufruf kam nicht wieder vor", "the call did not come again")]);
    };
    let hit = stage.desk.load(struck.run).await.map_err(alike)?;
    let hit = hit.ok_or_else(|| Text::new("der Vorgang des Aufrufs ist verschwunden", "the run of the call is gone"))?;
    let mut found = journal(stage).await?;
    found.extend(done_twice(&stage.script.done()));
    found.extend(repeated(&stage.script.repeated(), &hit.run));
    found.extend(undone(loaded));
    if rests_unseen(stage, loaded).await? {
        found.push(Text::new("nichts geht mehr weiter, und niemand wird gefragt", "nothing goes on any more, and nobody is asked"));
    }
    // what was only interrupted goes on as if nothing had been
    if harm.stops() || passed_over(&hit.run, &struck) {
        found.extend(compare(&case.expect, &loaded.run, &stage.script));
    }
    Ok(found)
}

/// Whether the call was made good: tried again, or found to have happened.
fn passed_over(run: &Run, struck: &EffectKey) -> bool {
    run.effects.get(&struck.path).is_some_and(|effect| matches!(effect.status, EffectStatus::Settled { .. }))
}

/// The chain holds, and no step was completed twice in a round.
async fn journal(stage: &Stage<'_>) -> Result<Vec<Text>, Text> {
    let tenant = &stage.desk.tenant;
    let records = tenant.store.records((0, 0), RECORDS_MAX).await.map_err(alike)?;
    let mut verifier = Verifier::new(tenant.id.as_str(), &[], &[], &[]);
    records.iter().for_each(|record| verifier.push(record));
    if let Verdict::Broken(found) = verifier.finish(None) {
        let (lane, seq, Text { de, en }) = (found.lane, found.seq, found.what.text());
        return Ok(vec![Text::new(format!("das Journal ist gebrochen bei {lane}/{seq}: {de}"), format!("the journal is broken at {lane}/{seq}: {en}"))]);
    }
    let runs: BTreeSet<_> = records.iter().filter_map(|record| record.draft.run).collect();
    let mut found = Vec::new();
    for run in runs {
        let history = tenant.store.history(run).await.map_err(alike)?;
        found.extend(completed_twice(decode(&history).map_err(alike)?.iter().map(|(event, _)| event)));
    }
    Ok(found)
}

fn completed_twice<'e>(events: impl Iterator<Item = &'e Event>) -> Vec<Text> {
    let mut completed: BTreeSet<Slot> = BTreeSet::new();
    let mut found = Vec::new();
    for event in events {
        match event {
            Event::StepCompleted(e) if !completed.insert(Slot { step: e.step.clone(), item: e.item }) => {
                found.push(Text::new(format!("der Schritt {} wurde zweimal abgeschlossen", e.step), format!("the step {} was completed twice", e.step)));
            }
            Event::StepRetried(e) => completed.retain(|slot| slot.step != e.step),
            _ => {}
        }
    }
    found
}

/// The other side acts once under a key, and in a new round only on what was not done.
fn done_twice(done: &[EffectKey]) -> Vec<Text> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for key in done {
        *times.entry(format!("{}/{}", key.run, key.path)).or_default() += 1;
    }
    times
        .into_iter()
        .filter(|(_, n)| *n > 1)
        .map(|(name, n)| Text::new(format!("{name} ist {n}-mal geschehen"), format!("{name} was done {n} times")))
        .collect()
}

/// Only what may be repeated is.
fn repeated(repeated: &[EffectKey], run: &Run) -> Vec<Text> {
    let once = |key: &&EffectKey| run.effects.get(&key.path).is_none_or(|effect| !effect.intent.repeatable);
    let said = |path: &laufzettel_domain::EffectPath| {
        let en = format!("{path} was repeated without anybody knowing whether it had been done");
        Text::new(format!("{path} wurde wiederholt, ohne dass jemand wusste, ob es geschehen war"), en)
    };
    repeated.iter().filter(once).map(|key| said(&key.path)).collect()
}

/// A run that has failed or was cancelled has taken back what can be, or says that it could not.
fn undone(loaded: &Loaded) -> Vec<Text> {
    let run = &loaded.run;
    if !matches!(run.state(), State::Failed | State::Cancelled) {
        return Vec::new();
    }
    let stands = |slot: &&Slot| {
        let of_item = |key: &laufzettel_domain::EffectPath, phase| key.step == slot.step && key.item == slot.item && key.phase == phase;
        let declared = loaded.prepared.process.steps.get(&slot.step).is_some_and(|step| step.undo.is_some());
        let did = run.effects.iter().any(|(path, e)| of_item(path, Phase::Do) && matches!(e.status, EffectStatus::Settled { .. }));
        let undid = run.effects.iter().any(|(path, e)| of_item(path, Phase::Undo) && matches!(e.status, EffectStatus::Settled { .. }));
        declared && did && !undid
    };
    let completed = |slot: &&Slot| {
        let state = if slot.item > 0 { run.items.get(slot) } else { run.steps.get(&slot.step) };
        matches!(state, Some(StepState::Completed { .. }))
    };
    let state = run.state().as_str();
    let said = |slot: &Slot| Text::new(format!("{slot} steht noch, obwohl der Vorgang {state} ist"), format!("{slot} still stands though the run is {state}"));
    run.completed.iter().filter(completed).filter(stands).map(said).collect()
}

/// Whether the run has stopped without an end, and neither a person nor an event is waited for.
async fn rests_unseen(stage: &Stage<'_>, loaded: &Loaded) -> Result<bool, Text> {
    if loaded.run.ended.is_some() {
        return Ok(false);
    }
    let family = stage.desk.family(loaded.run.id).await.map_err(alike)?;
    Ok(!family.iter().any(|member| member.run.open_tasks().next().is_some() || !member.run.waits.is_empty() || !member.run.expects.is_empty()))
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::{EffectPath, RunId, TenantId};

    use super::*;

    fn key(step: &str, round: u32) -> EffectKey {
        let run = RunId::parse("00000000-0000-7000-8000-000000000001").unwrap();
        EffectKey { tenant: TenantId::parse("vg").unwrap(), run, path: EffectPath::of(&Slot::of(StepId::parse(step).unwrap()), Phase::Do), round }
    }

    #[test]
    fn what_happens_twice_is_found_whatever_its_round() {
        assert_eq!(done_twice(&[key("a", 0), key("b", 0)]), Vec::new());
        assert_eq!(
            done_twice(&[key("a", 0), key("b", 0), key("a", 1)]),
            [Text::new("00000000-0000-7000-8000-000000000001/a ist 2-mal geschehen", "00000000-0000-7000-8000-000000000001/a was done 2 times")]
        );
    }
}
