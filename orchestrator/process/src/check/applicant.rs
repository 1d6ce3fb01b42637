//! `applicant` and `assign: applicant`: whether there is anybody it is about. Refuses to know whether she may see what she is shown: the proof does.

use std::collections::BTreeSet;

use laufzettel_domain::{Findings, Node, Path, Text};

use crate::{
    applicant::{Applicant, Withdraw},
    model::{Process, Step, StepKind, TriggerKind},
};

pub fn check(process: &Process, root: &Node, findings: &mut Findings) {
    let intake = process.triggers.iter().any(|trigger| matches!(trigger.kind, TriggerKind::Intake { public: true, .. }));
    let others = ways_beside_intake(process);
    withdrawal(process, root, intake, findings);
    for step in process.steps.values().filter(|step| super::is_for_applicant(step)) {
        let (at, key) = (root.nearest(&Path::new(["steps", step.id.as_str(), "human", "assign"])).at, format!("steps.{}.human.assign", step.id));
        if !intake {
            let text = Text::new(
                "Hier gibt es niemanden zu fragen: Der Prozess hat keinen Eingang für Bürgerinnen und Bürger (intake), und nur wer darüber kommt, hat eine Statusseite.",
                "There is nobody to ask here: the process has no way in for citizens (intake), and only who comes through it has a status page.",
            );
            findings.error("LZ608", at, key, text);
        } else if !others.is_empty() && !is_guarded(process, step) {
            let (unit, ways) = (&process.verantwortlich, others.join(", "));
            let text = Text::new(
                format!("Ein Vorgang kann auch anders beginnen ({ways}); dann ist niemand zu fragen, und die Aufgabe bekommt {unit}."),
                format!("A run may begin in other ways, too ({ways}); then there is nobody to ask, and {unit} gets the task."),
            );
            findings.warning("LZ609", at, key, text).hint = Some(Text::new(
                "Soll der Schritt dann entfallen: if: \"{{ run.status_link is defined }}\".",
                "If the step is to be left out then: if: \"{{ run.status_link is defined }}\".",
            ));
        }
    }
}

/// How a run begins that nobody applied for, by the keys the author wrote.
fn ways_beside_intake(process: &Process) -> Vec<&'static str> {
    let by_hand = !process.start.groups.is_empty();
    let by_itself = process.triggers.iter().any(|trigger| !matches!(trigger.kind, TriggerKind::Intake { .. }));
    [("start", by_hand), ("triggers", by_itself)].into_iter().filter(|(_, open)| *open).map(|(key, _)| key).collect()
}

/// The author has asked whether there is a status page: here, or in a step that skips this one. Steps may still wait for each other
/// in a circle.
fn is_guarded(process: &Process, step: &Step) -> bool {
    let asks = |step: &Step| step.condition.iter().flat_map(|e| e.analysis.paths()).any(|path| path == Path::new(["run", "status_link"]));
    let (mut open, mut seen) = (vec![step], BTreeSet::new());
    while let Some(step) = open.pop() {
        if asks(step) {
            return true;
        }
        if seen.insert(&step.id) {
            open.extend(step.needs.iter().filter(|(_, optional)| !**optional).filter_map(|(need, _)| process.steps.get(need)));
        }
    }
    false
}

/// Until when she may withdraw: a step there is, in which somebody or something decides.
fn withdrawal(process: &Process, root: &Node, intake: bool, findings: &mut Findings) {
    let place = |key: &[&str]| root.nearest(&Path::new(key.iter().copied())).at;
    if process.applicant != Applicant::default() && !intake {
        let text = Text::new(
            "Hier gibt es keine antragstellende Person: Der Prozess hat keinen Eingang für Bürgerinnen und Bürger (intake).",
            "There is no applicant here: the process has no way in for citizens (intake).",
        );
        findings.error("LZ608", place(&["applicant"]), "applicant", text);
    }
    let Withdraw::Until(id) = &process.applicant.withdraw else { return };
    let (at, key) = (place(&["applicant", "withdraw", "until"]), "applicant.withdraw.until");
    match process.steps.get(id).map(|step| &step.kind) {
        None => {
            let text = Text::new(format!("Einen Schritt „{id}“ gibt es nicht."), format!("There is no step \"{id}\"."));
            let known = process.steps.keys().map(laufzettel_domain::StepId::as_str);
            findings.error("LZ201", at, key, text).hint = Some(laufzettel_domain::finding::hint(id.as_str(), known));
        }
        Some(StepKind::Human(human)) if human.asks_applicant() => {
            let text = Text::new(
                format!("„{id}“ beantwortet sie selbst; entschieden wird in einem anderen Schritt."),
                format!("\"{id}\" she answers herself; another step decides."),
            );
            findings.error("LZ611", at, key, text);
        }
        Some(_) => {}
    }
}
