//! Permissions: person, action, resource → allow or deny, with the rule that said so.

use std::collections::BTreeMap;

use laufzettel_domain::{Caller, Text};
use serde::{Deserialize, Serialize};

use crate::{Action, Identity, ToolRule, action::glob};

/// A directory group: its name, and the SID that stands for it outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub sid: String,
}

/// A caller with the groups the directory names *now*. Never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    pub caller: Caller,
    pub groups: Vec<Group>,
}

impl Who {
    /// Membership by name or by SID.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g.name == group || g.sid == group)
    }

    pub fn is_in_any<'g>(&self, groups: impl IntoIterator<Item = &'g String>) -> Option<&'g String> {
        groups.into_iter().find(|group| self.is_in(group))
    }
}

/// The answer, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub allow: bool,
    /// For the person who reads the run later.
    pub reason: Text,
    /// Which rule spoke: `grant[2]`, `service:svc-intake`, `tool:dms/suchen.groups`, `none`.
    pub rule: String,
}

impl Decision {
    fn allow(rule: impl Into<String>, de: impl Into<String>, en: impl Into<String>) -> Self {
        Self { allow: true, reason: Text::new(de, en), rule: rule.into() }
    }

    /// Refused for what a value is, not for who asks: whoever asks again is refused again.
    pub fn is_of_labels(&self) -> bool {
        !self.allow && self.rule.starts_with("tool:") && (self.rule.ends_with(".clearance") || self.rule.ends_with(".steering"))
    }

    pub fn deny(rule: impl Into<String>, de: impl Into<String>, en: impl Into<String>) -> Self {
        Self { allow: false, reason: Text::new(de, en), rule: rule.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    pub groups: Vec<String>,
    pub allow: Vec<String>,
}

/// Who a trigger acts as. Serves only the processes it names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceAccount {
    pub processes: Vec<String>,
    /// For document ACLs.
    pub groups: Vec<String>,
    pub allow: Vec<String>,
}

/// A tenant's rules. The empty value allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    pub grants: Vec<Grant>,
    pub services: BTreeMap<String, ServiceAccount>,
    /// Needed besides `models.use`.
    pub training: Option<Training>,
}

/// The training without which nobody uses a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Training {
    pub group: String,
    /// Where to take it; told to whom it is missing.
    pub link: Option<String>,
}

/// May `who` do `action`? `process` is the one in whose run it happens, if any: service accounts serve only theirs.
pub fn permit(who: &Who, action: &Action, process: Option<&str>, rules: &Rules) -> Decision {
    if let Some(name) = who.caller.service_name() {
        return permit_service(name, action, process, rules);
    }
    if who.caller.is_applicant() {
        return Decision::deny("none", "Antragstellende haben keine Rechte im Haus.", "Applicants hold no rights in the house.");
    }
    let hit = rules.grants.iter().enumerate().find_map(|(i, grant)| {
        let group = who.is_in_any(&grant.groups)?;
        grant.allow.iter().any(|pattern| action.matches(pattern)).then_some((i, group))
    });
    let Some((index, group)) = hit else {
        return Decision::deny(
            "none",
            format!("{} hat kein Recht „{action}“: keine der Gruppen dieser Person erlaubt es.", who.caller.name),
            format!("{} has no right \"{action}\": none of this person's groups allows it.", who.caller.name),
        );
    };
    match &rules.training {
        Some(training) if *action == Action::ModelsUse && !who.is_in(&training.group) => untrained(who, training),
        _ => Decision::allow(format!("grant[{}]", index + 1), format!("Gruppe {group} darf „{action}“."), format!("Group {group} may \"{action}\".")),
    }
}

fn untrained(who: &Who, Training { group, link }: &Training) -> Decision {
    let (name, link) = (&who.caller.name, link.as_deref());
    let de = link.map(|link| format!(" Zur Schulung: {link}")).unwrap_or_default();
    let en = link.map(|link| format!(" To the training: {link}")).unwrap_or_default();
    Decision::deny(
        "training",
        format!("Für KI-Schritte ist die Schulung „{group}“ nötig; {name} ist nicht in dieser Gruppe.{de}"),
        format!("AI steps need the training \"{group}\"; {name} is not in that group.{en}"),
    )
}

fn permit_service(name: &str, action: &Action, process: Option<&str>, rules: &Rules) -> Decision {
    let Some(account) = rules.services.get(name) else {
        return Decision::deny("none", format!("Das Dienstkonto „{name}“ gibt es nicht."), format!("There is no service account \"{name}\"."));
    };
    let rule = format!("service:{name}");
    let Some(process) = process.filter(|p| account.processes.iter().any(|pattern| glob(pattern, p))) else {
        return Decision::deny(
            rule,
            format!("Das Dienstkonto „{name}“ dient diesem Prozess nicht."),
            format!("The service account \"{name}\" does not serve this process."),
        );
    };
    if account.allow.iter().any(|pattern| action.matches(pattern)) {
        return Decision::allow(
            rule,
            format!("Das Dienstkonto „{name}“ darf „{action}“ im Prozess {process}."),
            format!("The service account \"{name}\" may \"{action}\" in the process {process}."),
        );
    }
    Decision::deny(rule, format!("Das Dienstkonto „{name}“ hat kein Recht „{action}“."), format!("The service account \"{name}\" has no right \"{action}\"."))
}

/// Starting by hand takes a grant *and* one of the process's `start.groups`.
pub fn permit_start(who: &Who, process: &str, start_groups: &[String], rules: &Rules) -> Decision {
    let granted = permit(who, &Action::ProcessStart(process.to_owned()), Some(process), rules);
    if !granted.allow {
        return granted;
    }
    match who.is_in_any(start_groups) {
        Some(group) => Decision::allow(granted.rule, format!("Gruppe {group} darf diesen Prozess starten."), format!("Group {group} may start this process.")),
        None => Decision::deny(
            "process.start.groups",
            format!("{} ist in keiner der Gruppen, die diesen Prozess von Hand starten dürfen ({}).", who.caller.name, list(start_groups)),
            format!("{} is in none of the groups that may start this process by hand ({}).", who.caller.name, list(start_groups)),
        ),
    }
}

/// Answering a question that was put to an applicant: she herself, of this very run, and once nobody answered in time the groups
/// asked besides. No other right reaches it: nobody of the house says for her what she has not said.
pub fn permit_asked(who: &Who, applicant: Option<&Caller>, also: &[String]) -> Decision {
    if applicant.is_some_and(|applicant| applicant.is_applicant() && applicant.subject == who.caller.subject) {
        return Decision::allow("assign.applicant", "Frage an die antragstellende Person dieses Vorgangs", "question to the applicant of this run");
    }
    match who.is_in_any(also).filter(|_| who.caller.is_person()) {
        Some(group) => Decision::allow("assign.groups", format!("Gruppe {group} ist zugewiesen."), format!("Group {group} is assigned.")),
        None => only_applicant(),
    }
}

pub fn only_applicant() -> Decision {
    Decision::deny(
        "assign.applicant",
        "Diese Frage geht an die antragstellende Person; beantworten kann sie nur, wer die Statusseite dieses Vorgangs hat.",
        "This question is for the applicant; only who has the status page of this run answers it.",
    )
}

/// Looking at a run: everybody's, or those of one's own unit. `own_unit`: whether the run belongs to a unit of `who`.
pub fn permit_view(who: &Who, own_unit: bool, rules: &Rules) -> Decision {
    let all = permit(who, &Action::RunViewAll, None, rules);
    if all.allow || !own_unit { all } else { permit(who, &Action::RunViewOwnUnit, None, rules) }
}

/// A person needs the tool's `groups` or a `tool.call` grant; a service its `allow`. A server that is not told who calls
/// cannot keep to anybody's rights: it serves service accounts only.
pub fn permit_tool(who: &Who, name: &str, rule: &ToolRule, process: &str, rules: &Rules) -> Decision {
    if rule.identity == Identity::None && who.caller.service_name().is_none() {
        return Decision::deny(
            format!("tool:{name}.identity"),
            format!("Der Server von {name} erfährt nicht, für wen er handelt (identity: none), und dient nur Dienstkonten."),
            format!("The server of {name} is not told for whom it acts (identity: none) and serves service accounts only."),
        );
    }
    if who.caller.is_person()
        && let Some(group) = who.is_in_any(&rule.groups)
    {
        return Decision::allow(
            format!("tool:{name}.groups"),
            format!("Gruppe {group} darf das Werkzeug {name} benutzen."),
            format!("Group {group} may use the tool {name}."),
        );
    }
    permit(who, &Action::ToolCall(name.to_owned()), Some(process), rules)
}

fn list(groups: &[String]) -> String {
    if groups.is_empty() { "–".to_owned() } else { groups.join(", ") }
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::Via;

    use super::*;

    fn person(groups: &[&str]) -> Who {
        Who {
            caller: Caller { subject: "S-1".into(), name: "Anna Klein".into(), upn: "a.klein".into(), via: Via::Form, os_user: None },
            groups: groups.iter().map(|g| Group { name: (*g).to_owned(), sid: format!("S-1-5-{g}") }).collect(),
        }
    }

    fn rules() -> Rules {
        Rules {
            grants: vec![
                Grant { groups: vec!["GG-Mitarbeiter".into()], allow: vec!["models.use".into()] },
                Grant { groups: vec!["GG-Steueramt".into()], allow: vec!["process.start:hundesteuer-*".into(), "tool.call:dms/*".into()] },
                Grant { groups: vec!["S-1-5-GG-DSB".into()], allow: vec!["audit.read".into()] },
            ],
            services: BTreeMap::from([(
                "svc-intake".to_owned(),
                ServiceAccount {
                    processes: vec!["hundesteuer-*".into()],
                    groups: vec![],
                    allow: vec!["tool.call:registry/person_suchen".into(), "models.use".into()],
                },
            )]),
            training: Some(Training { group: "KI-Seepferdchen".into(), link: Some("https://schulung.example/ki".into()) }),
        }
    }

    #[test]
    fn every_rule_allows_and_denies() {
        let rules = rules();
        let service = |name: &str| Who { caller: Caller::service(name, Via::Intake), groups: vec![] };
        let applicant = Who { caller: Caller::applicant("k1"), groups: vec![] };
        let suchen = Action::ToolCall("registry/person_suchen".into());
        for (who, action, process, expected) in [
            (person(&["GG-Steueramt"]), Action::ProcessStart("hundesteuer-anmeldung".into()), None, "grant[2]"),
            (person(&["GG-Bau"]), Action::ProcessStart("hundesteuer-anmeldung".into()), None, "deny none"),
            (person(&["GG-DSB"]), Action::AuditRead, None, "grant[3]"),
            (person(&["GG-Mitarbeiter"]), Action::ModelsUse, None, "deny training"),
            (person(&["GG-Mitarbeiter", "KI-Seepferdchen"]), Action::ModelsUse, None, "grant[1]"),
            (service("svc-intake"), suchen.clone(), Some("hundesteuer-anmeldung"), "service:svc-intake"),
            (service("svc-intake"), suchen.clone(), Some("wohngeld"), "deny service:svc-intake"),
            (service("svc-intake"), suchen.clone(), None, "deny service:svc-intake"),
            (service("svc-intake"), Action::AuditRead, Some("hundesteuer-anmeldung"), "deny service:svc-intake"),
            (service("unbekannt"), suchen.clone(), Some("hundesteuer-anmeldung"), "deny none"),
            (applicant, suchen, Some("hundesteuer-anmeldung"), "deny none"),
        ] {
            let decision = permit(&who, &action, process, &rules);
            let shown = format!("{}{}", if decision.allow { "" } else { "deny " }, decision.rule);
            assert_eq!(shown, expected, "{} {action}", who.caller.subject);
            let nothing = permit(&who, &action, process, &Rules::default());
            assert!(!nothing.allow, "no rules mean nothing is allowed");
        }
    }

    /// Who lacks the training is told where to take it; without a link, only that it is missing.
    #[test]
    fn the_way_to_the_training_is_told() {
        let mut rules = rules();
        let ask = |rules: &Rules| permit(&person(&["GG-Mitarbeiter"]), &Action::ModelsUse, None, rules).reason;
        assert_eq!(
            ask(&rules),
            Text::new(
                "Für KI-Schritte ist die Schulung „KI-Seepferdchen“ nötig; Anna Klein ist nicht in dieser Gruppe. Zur Schulung: https://schulung.example/ki",
                "AI steps need the training \"KI-Seepferdchen\"; Anna Klein is not in that group. To the training: https://schulung.example/ki",
            )
        );
        rules.training = Some(Training { group: "KI-Seepferdchen".into(), link: None });
        assert!(ask(&rules).de.ends_with("nicht in dieser Gruppe."));
        assert!(ask(&rules).en.ends_with("not in that group."));
    }

    #[test]
    fn starting_needs_grant_and_group() {
        let rules = rules();
        let groups = vec!["GG-Steueramt".to_owned()];
        assert!(permit_start(&person(&["GG-Steueramt"]), "hundesteuer-anmeldung", &groups, &rules).allow);
        assert!(!permit_start(&person(&["GG-Steueramt"]), "hundesteuer-anmeldung", &[], &rules).allow);
        assert!(!permit_start(&person(&["GG-Steueramt"]), "wohngeld", &groups, &rules).allow);
        assert!(!permit_start(&person(&["GG-Bau"]), "hundesteuer-anmeldung", &groups, &rules).allow);
        let told = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
            permit_start(&person(&["GG-Steueramt"]), "hundesteuer-anmeldung", &groups, &rules).reason.de
        };
        assert!(told(&["GG-Bau", "GG-Kasse"]).ends_with("(GG-Bau, GG-Kasse)."));
        assert!(told(&[]).ends_with("(–)."));
    }
}
