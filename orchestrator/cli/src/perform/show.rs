//! A run and its parts as a person reads them on a terminal.

use laufzettel_domain::Lang;
use laufzettel_engine::{EffectStatus, Run, StepState, TaskKind};
use laufzettel_process::Process;
use laufzettel_worker::{Gone, veil};

pub fn state(state: laufzettel_engine::State, lang: Lang) -> &'static str {
    use laufzettel_engine::State as S;
    match (state, lang) {
        (S::Running, Lang::De) => "läuft",
        (S::Waiting, Lang::De) => "wartet",
        (S::Completed, Lang::De) => "abgeschlossen",
        (S::Failed, Lang::De) => "fehlgeschlagen",
        (S::Cancelled, Lang::De) => "abgebrochen",
        (S::Stuck, Lang::De) => "steckt fest",
        (state, Lang::En) => state.as_str(),
    }
}

/// What has gone of a run, and what has not.
pub fn gone(gone: &Gone, lang: Lang) -> Vec<String> {
    let (at, until) = (gone.at, gone.belege_until);
    match lang {
        Lang::De => [Some(format!("Inhalte gelöscht am {at}.")), until.map(|until| format!("Entscheidungen und Berechnungen (Belege) bleiben bis {until}."))],
        Lang::En => [Some(format!("Content erased on {at}.")), until.map(|until| format!("Decisions and calculations are kept until {until}."))],
    }
    .into_iter()
    .flatten()
    .collect()
}

/// `✓ Satz der Ortsgemeinde`: one line for a step that has settled; `None` while it has not.
pub fn step_line(process: &Process, run: &Run, step: &laufzettel_domain::StepId, lang: Lang) -> Option<String> {
    let title = process.steps.get(step).map_or(step.as_str(), |s| s.title.as_str());
    let german = lang == Lang::De;
    match run.steps.get(step)? {
        StepState::Active => None,
        StepState::Completed { .. } => Some(format!("  ✓ {title}")),
        StepState::Skipped { .. } => Some(format!("  – {title} ({})", if german { "übersprungen" } else { "skipped" })),
        StepState::Failed { message, continues, .. } => {
            let word = match (german, continues) {
                (true, true) => "fehlgeschlagen, es geht weiter",
                (true, false) => "fehlgeschlagen",
                (false, true) => "failed, going on",
                (false, false) => "failed",
            };
            // a reason that was erased is none
            Some(if message.is_empty() { format!("  ✗ {title} ({word})") } else { format!("  ✗ {title} ({word}): {}", veil::text(message)) })
        }
    }
}

/// Why a run stands still, if it does.
pub fn obstacles(process: &Process, run: &Run, lang: Lang) -> Vec<String> {
    let title = |step: &laufzettel_domain::StepId| process.steps.get(step).map_or(step.to_string(), |s| s.title.clone());
    let effects = run.effects.iter().filter_map(|(path, effect)| match &effect.status {
        EffectStatus::Parked(decision) => Some(match lang {
            Lang::De => format!("  ! {}: verweigert. {} ({})", title(&path.step), decision.reason.de, decision.rule),
            Lang::En => format!("  ! {}: refused. {} ({})", title(&path.step), decision.reason.en, decision.rule),
        }),
        EffectStatus::RetryAt(until) if effect.deferred.is_some() => {
            let reason = effect.deferred.as_ref().map(|(_, reason)| reason.get(lang)).unwrap_or_default();
            Some(match lang {
                Lang::De => format!("  … {}: wartet, nächster Versuch {until}. {reason}", title(&path.step)),
                Lang::En => format!("  … {}: waits, next try {until}. {reason}", title(&path.step)),
            })
        }
        EffectStatus::Settling => Some(match lang {
            Lang::De => format!("  … {}: der Server von {} wird gefragt, ob der Aufruf geschehen ist", title(&path.step), effect.intent.target),
            Lang::En => format!("  … {}: the server of {} is asked whether the call happened", title(&path.step), effect.intent.target),
        }),
        EffectStatus::Doubt => Some(match lang {
            Lang::De => format!(
                "  ? {}: niemand weiß, ob der Aufruf von {} geschehen ist (laufzettel runs resolve {} {} …)",
                title(&path.step),
                effect.intent.target,
                run.nummer,
                path
            ),
            Lang::En => format!(
                "  ? {}: nobody knows whether the call of {} happened (laufzettel runs resolve {} {} …)",
                title(&path.step),
                effect.intent.target,
                run.nummer,
                path
            ),
        }),
        _ => None,
    });
    let mut lines: Vec<String> = effects.collect();
    lines.extend(run.expects.iter().map(|(slot, expected)| match lang {
        Lang::De => format!("  … {}: wartet auf das Ereignis „{}“ ({})", title(&slot.step), expected.name, expected.key),
        Lang::En => format!("  … {}: waits for the event \"{}\" ({})", title(&slot.step), expected.name, expected.key),
    }));
    lines.extend(run.waits.iter().map(|(slot, until)| match lang {
        Lang::De => format!("  … {}: wartet bis {until}", title(&slot.step)),
        Lang::En => format!("  … {}: waits until {until}", title(&slot.step)),
    }));
    for task in run.open_tasks().filter(|t| t.opened.kind.is_own() || matches!(t.opened.kind, TaskKind::Repair | TaskKind::Restored)) {
        let opened = &task.opened;
        let applicant = opened.assign.applicant.then(|| if lang == Lang::De { "die antragstellende Person" } else { "the applicant" });
        let asked = opened.unit.iter().chain(&opened.assign.groups).map(String::as_str);
        let groups = applicant.into_iter().chain(asked).collect::<Vec<_>>().join(", ");
        let title = match (&task.opened.kind, lang) {
            (TaskKind::Restored, Lang::De) => "Ruht nach einer Wiederherstellung".to_owned(),
            (TaskKind::Restored, Lang::En) => "Rests after a restore".to_owned(),
            _ => title(&task.opened.step),
        };
        // nobody at a terminal answers for her
        let alone = opened.assign.applicant && opened.assign.groups.is_empty();
        let command = if alone { String::new() } else { format!(" (laufzettel tasks complete {}.{})", run.id, opened.number) };
        lines.push(match lang {
            Lang::De => format!("  … {title}: wartet auf {groups}{command}"),
            Lang::En => format!("  … {title}: waits for {groups}{command}"),
        });
    }
    lines
}
