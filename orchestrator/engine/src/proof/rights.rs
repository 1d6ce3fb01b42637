//! Whether whoever acts in a step may (LZ7xx): service accounts by their own list, people by every group they could come from.

use laufzettel_domain::{Caller, Findings, Place, StepId, Text, Via};
use laufzettel_policy::{Action, Decision, Group, Rules, Who, glob, permit, permit_tool};
use laufzettel_process::{
    Process,
    model::{Human, RunAs, Step, StepKind, TriggerKind},
};

use super::{Setting, sinks::calls};

/// Who may act in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acting {
    Service(String),
    /// Anybody of these groups and users; `from`: where they are named.
    People {
        names: Vec<String>,
        from: String,
    },
    /// Whoever applies, who holds no rights at all.
    Applicant,
}

/// Everybody a step may act as: its own `run_as`, who the calling step acts as, or each way the process begins.
pub fn acting(process: &Process, run_as: Option<&RunAs>, called: Option<&[Acting]>) -> Vec<Acting> {
    match (run_as, called) {
        (None | Some(RunAs::Caller), Some(called)) => called.to_vec(),
        (Some(run_as), _) => meant(process, run_as),
        (None, None) => {
            let by_hand = (!process.start.groups.is_empty()).then_some(&process.run_as);
            let mut all: Vec<&RunAs> = by_hand.into_iter().collect();
            for trigger in process.triggers.iter().filter(|trigger| Some(&trigger.run_as) != by_hand) {
                if !all.contains(&&trigger.run_as) {
                    all.push(&trigger.run_as);
                }
            }
            if all.is_empty() {
                all.push(&process.run_as);
            }
            all.into_iter().flat_map(|run_as| meant(process, run_as)).collect()
        }
    }
}

fn meant(process: &Process, run_as: &RunAs) -> Vec<Acting> {
    match run_as {
        RunAs::Service(name) => vec![Acting::Service(name.clone())],
        RunAs::Step(id) => match process.steps.get(id).map(|step| &step.kind) {
            Some(StepKind::Human(human)) => assignees(id, human),
            _ => Vec::new(),
        },
        RunAs::Caller => {
            let people = Acting::People { names: process.start.groups.clone(), from: "start.groups".to_owned() };
            let citizens = process.triggers.iter().any(|t| matches!(t.kind, TriggerKind::Intake { .. }));
            [people].into_iter().chain(citizens.then_some(Acting::Applicant)).collect()
        }
    }
}

fn assignees(id: &StepId, human: &Human) -> Vec<Acting> {
    if human.asks_applicant() {
        return vec![Acting::Applicant];
    }
    let names = human.assign.groups.iter().chain(&human.assign.user).cloned().collect();
    let assigned = Acting::People { names, from: format!("steps.{id}.human.assign") };
    let more = human.escalate.iter().map(|e| Acting::People { names: e.groups.clone(), from: format!("steps.{id}.human.escalate") });
    [assigned].into_iter().chain(more).collect()
}

/// `called`: of a child, who acts where its steps name nobody.
pub fn check(process: &Process, setting: &Setting<'_>, rules: &Rules, called: Option<&[Acting]>, findings: &mut Findings) {
    // who has had the training is asked at the door: a group says nothing of each of its members
    let rules = Rules { training: None, ..rules.clone() };
    let proof = Rights { process, setting, rules, called };
    for id in &process.order {
        let step = &process.steps[id];
        if step.kind.asks().is_some() {
            proof.acts(step, step.at, &format!("steps.{id}.{}", step.kind.word()), &Asked::Model, findings);
        }
        for call in calls(step) {
            if setting.context.tools.contains_key(&call.call.name()) {
                proof.acts(step, call.call.at, &format!("{}.tool", call.key), &Asked::Tool(call.call.name()), findings);
            }
        }
        if let StepKind::Human(human) = &step.kind {
            proof.release(step, human, findings);
        }
    }
    for trigger in &process.triggers {
        if let RunAs::Service(name) = &trigger.run_as {
            match &trigger.kind {
                // it acts before there is a run, too
                TriggerKind::Poll(poll) if setting.context.tools.contains_key(&poll.call.name()) => {
                    proof.service(name, trigger.at, "triggers", &Asked::Tool(poll.call.name()), findings);
                }
                _ => drop(proof.serves(name, trigger.at, "triggers", findings)),
            }
        }
    }
}

enum Asked {
    Model,
    Tool(String),
}

impl Asked {
    fn action(&self) -> Action {
        match self {
            Self::Model => Action::ModelsUse,
            Self::Tool(name) => Action::ToolCall(name.clone()),
        }
    }
}

struct Rights<'r> {
    process: &'r Process,
    setting: &'r Setting<'r>,
    rules: Rules,
    called: Option<&'r [Acting]>,
}

impl Rights<'_> {
    fn acts(&self, step: &Step, at: Place, key: &str, asked: &Asked, findings: &mut Findings) {
        for actor in acting(self.process, step.run_as.as_ref(), self.called) {
            match actor {
                Acting::Service(name) => self.service(&name, at, key, asked, findings),
                Acting::People { names, from } => self.groups(&names, &from, at, key, asked, findings),
                Acting::Applicant => no_citizen(at, key, asked, findings),
            }
        }
    }

    fn serves(&self, name: &str, at: Place, key: &str, findings: &mut Findings) -> bool {
        let account = self.rules.services.get(name);
        let serves = account.is_some_and(|a| a.processes.iter().any(|pattern| glob(pattern, self.process.id.as_str())));
        if !serves {
            let text = if account.is_some() {
                Text::new(
                    format!("Das Dienstkonto „{name}“ dient diesem Prozess nicht (services.{name}.processes)."),
                    format!("The service account \"{name}\" does not serve this process (services.{name}.processes)."),
                )
            } else {
                Text::new(format!("Das Dienstkonto „{name}“ gibt es nicht."), format!("There is no service account \"{name}\"."))
            };
            findings.error("LZ701", at, key, text);
        }
        serves
    }

    fn service(&self, name: &str, at: Place, key: &str, asked: &Asked, findings: &mut Findings) {
        if !self.serves(name, at, key, findings) {
            return;
        }
        let who = Who { caller: Caller::service(name, Via::Engine), groups: vec![] };
        let decision = permit(&who, &asked.action(), Some(self.process.id.as_str()), &self.rules);
        if !decision.allow {
            let action = asked.action();
            let finding = findings.error(
                "LZ702",
                at,
                key,
                Text::new(
                    format!("Das Dienstkonto „{name}“ darf „{action}“ nicht, und hier handelt es."),
                    format!("The service account \"{name}\" may not \"{action}\", and it acts here."),
                ),
            );
            finding.hint = Some(Text::new(format!("services.{name}.allow um „{action}“ ergänzen."), format!("Add \"{action}\" to services.{name}.allow.")));
        }
    }

    /// Each group for itself: whoever is in one of them may come.
    fn groups(&self, names: &[String], from: &str, at: Place, key: &str, asked: &Asked, findings: &mut Findings) {
        for name in names {
            let Some(groups) = self.setting.members.get(name) else { continue };
            let decision = groups.as_ref().map(|groups| self.person(name, groups, asked));
            let action = asked.action();
            let text = match decision {
                Some(decision) if decision.allow => continue,
                Some(_) => Text::new(
                    format!("„{name}“ ({from}) darf „{action}“ nicht, und dieser Schritt läuft unter den Rechten dieser Personen."),
                    format!("\"{name}\" ({from}) may not \"{action}\", and this step runs under those people's rights."),
                ),
                None => Text::new(
                    format!("„{name}“ ({from}) steht nicht im Verzeichnis; niemand von dort darf „{action}“."),
                    format!("\"{name}\" ({from}) is not in the directory; nobody of it may \"{action}\"."),
                ),
            };
            findings.error("LZ703", at, key, text);
        }
    }

    fn person(&self, name: &str, groups: &[Group], asked: &Asked) -> Decision {
        let who = Who {
            caller: Caller { subject: name.to_owned(), name: name.to_owned(), upn: String::new(), via: Via::Form, os_user: None },
            groups: groups.to_vec(),
        };
        let process = self.process.id.as_str();
        match asked {
            Asked::Model => permit(&who, &Action::ModelsUse, Some(process), &self.rules),
            Asked::Tool(tool) => permit_tool(&who, tool, &self.setting.context.tools[tool], process, &self.rules),
        }
    }

    fn release(&self, step: &Step, human: &Human, findings: &mut Findings) {
        if human.release.is_none() {
            return;
        }
        let may = |name: &String| {
            let groups = self.setting.members.get(name).and_then(Option::as_ref);
            groups.is_some_and(|groups| {
                let caller = Caller { subject: name.clone(), name: name.clone(), upn: String::new(), via: Via::Form, os_user: None };
                permit(&Who { caller, groups: groups.clone() }, &Action::LabelRelease, Some(self.process.id.as_str()), &self.rules).allow
            })
        };
        if !human.assign.groups.iter().chain(&human.assign.user).any(may) {
            findings.error(
                "LZ704",
                step.at,
                format!("steps.{}.human.release", step.id),
                Text::new(
                    "Niemand, dem diese Aufgabe zugewiesen ist, hat das Recht label.release: diese Freigabe kann keiner geben.",
                    "Nobody this task is assigned to has the right label.release: nobody can give this release.",
                ),
            );
        }
    }
}

/// `caller` in a process citizens start: they hold no rights at all.
fn no_citizen(at: Place, key: &str, asked: &Asked, findings: &mut Findings) {
    let action = asked.action();
    findings.error(
        "LZ703",
        at,
        key,
        Text::new(
            format!("run_as: caller ist hier auch, wer den Antrag stellt, und Antragstellende dürfen „{action}“ nicht."),
            format!("run_as: caller is also whoever applies here, and applicants may not \"{action}\"."),
        ),
    );
}
