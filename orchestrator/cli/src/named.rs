//! Whether what a process or a configuration names is there: groups and units of the directory, service accounts, secrets, pins. Only a
//! directory that is a file says that something is not in it; of any other nothing is said here.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use laufzettel_directory::Directory;
use laufzettel_domain::{
    Finding, Findings, Node, Path as Key, Place, TenantId, Text, Via,
    document::{self, Kind},
    finding::{hint, nearest},
};
use laufzettel_process::{
    Process,
    model::{HookAuth, RunAs, StepKind, TriggerKind},
};
use laufzettel_worker::{Clock as _, SystemClock};

use crate::{
    config::{Reach, ServerConfig, TenantConfig},
    house,
};

/// What of a tenant its processes name.
pub struct Named {
    services: BTreeSet<String>,
    /// Groups by unit: the configuration's, and the directory's own.
    units: BTreeMap<String, Vec<String>>,
    /// Folder of the secrets.
    secrets: PathBuf,
}

impl Named {
    pub fn of(own: &TenantConfig, secrets: &Path) -> Self {
        Self { services: own.rules.services.keys().cloned().collect(), units: own.units.clone(), secrets: secrets.to_owned() }
    }

    pub async fn check(&self, process: &Process, directory: &Directory, findings: &mut Findings) {
        // it has been read before, so it is a document
        let Some(document) = document::parse(&process.text, &mut Findings::new(process.file.as_str())) else { return };
        let root = &document.root;
        self.accounts(process, root, findings);
        self.secrets(process, findings);
        if directory.is_listed() {
            self.unit(process, root, directory, findings).await;
            for (key, names) in groups(process) {
                for name in names {
                    unknown_group(&name, root.nearest(&Key::new(key.split('.'))), &key, "LZ706", directory, findings).await;
                }
            }
        }
    }

    /// Of the process, and of steps that call nothing: where something is called, the proof of the call says it.
    fn accounts(&self, process: &Process, root: &Node, findings: &mut Findings) {
        let quiet = |kind: &StepKind| !matches!(kind, StepKind::Tool(_) | StepKind::Model(_) | StepKind::Agent(_));
        let steps = process.steps.iter().filter(|(_, step)| quiet(&step.kind));
        let steps = steps.filter_map(|(id, step)| Some((format!("steps.{id}.run_as"), step.run_as.as_ref()?)));
        for (key, run_as) in std::iter::once(("run_as".to_owned(), &process.run_as)).chain(steps) {
            let RunAs::Service(name) = run_as else { continue };
            if !self.services.contains(name) {
                let text = Text::new(format!("Das Dienstkonto „{name}“ gibt es nicht."), format!("There is no service account \"{name}\"."));
                let at = root.nearest(&Key::new(key.split('.'))).at;
                findings.error("LZ701", at, key, text).hint = Some(hint(name, self.services.iter().map(String::as_str))).filter(|_| !self.services.is_empty());
            }
        }
    }

    fn secrets(&self, process: &Process, findings: &mut Findings) {
        for (i, trigger) in process.triggers.iter().enumerate() {
            let TriggerKind::Webhook { auth: HookAuth::Signature { secret }, .. } = &trigger.kind else { continue };
            let file = self.secrets.join(secret);
            if !file.is_file() {
                let file = file.display();
                let text = Text::new(
                    format!("Das Geheimnis „{secret}“ gibt es nicht ({file}): Jeder Aufruf dieses Webhooks würde abgewiesen."),
                    format!("There is no secret \"{secret}\" ({file}): every call of this webhook would be refused."),
                );
                findings.error("LZ708", trigger.at, format!("triggers[{}].webhook.secret", i + 1), text);
            }
        }
    }

    /// The unit that answers for a process gets its repair tasks: somebody must be in it.
    async fn unit(&self, process: &Process, root: &Node, directory: &Directory, findings: &mut Findings) {
        let name = &process.verantwortlich;
        let mut units = directory.units().await;
        units.extend(self.units.clone());
        if let Some(groups) = units.get(name)
            && has_members(directory, groups).await
        {
            return;
        }
        let at = root.nearest(&Key::new(["verantwortlich"])).at;
        let text = Text::new(
            format!("Zu „{name}“ gehört niemand: Aufgaben zur Reparatur bekäme keiner zu sehen."),
            format!("Nobody belongs to \"{name}\": repair tasks would reach no one."),
        );
        findings.error("LZ707", at, "verantwortlich", text).hint =
            Some(hint(name, units.keys().map(String::as_str))).filter(|_| !units.contains_key(name) && !units.is_empty());
    }
}

async fn has_members(directory: &Directory, groups: &[String]) -> bool {
    for person in directory.people() {
        // a disabled account is nobody who sees a task
        let Ok(who) = directory.resolve(&person.caller(Via::Form), &[], SystemClock.now()).await else { continue };
        if who.groups.iter().any(|group| groups.iter().any(|name| *name == group.name || *name == group.sid)) {
            return true;
        }
    }
    false
}

/// Groups a process names, by the key they stand at.
fn groups(process: &Process) -> Vec<(String, Vec<String>)> {
    let mut all = vec![("start.groups".to_owned(), process.start.groups.clone())];
    for (id, step) in &process.steps {
        match &step.kind {
            StepKind::Human(human) => {
                all.push((format!("steps.{id}.human.assign.groups"), human.assign.groups.clone()));
                all.extend(human.escalate.iter().map(|escalate| (format!("steps.{id}.human.escalate.to.groups"), escalate.groups.clone())));
            }
            StepKind::Agent(agent) => all.push((format!("steps.{id}.agent.ask.groups"), agent.ask.clone())),
            _ => {}
        }
    }
    all
}

/// `node`: the list the group stands in, or what is there instead of it.
async fn unknown_group(name: &str, node: &Node, key: &str, code: &str, directory: &Directory, findings: &mut Findings) {
    if !matches!(directory.memberships(name).await, Ok(None)) {
        return;
    }
    let at = node.items().iter().find(|item| item.text() == Some(name)).map_or(node.at, |item| item.at);
    let text = Text::new(format!("Die Gruppe „{name}“ steht nicht im Verzeichnis."), format!("The group \"{name}\" is not in the directory."));
    let known = directory.group_names();
    let near = nearest(name, known.iter().map(String::as_str));
    findings.error(code, at, key, text).hint = near.map(|near| Text::new(format!("Meinten Sie „{near}“?"), format!("Did you mean \"{near}\"?")));
}

/// A server whose tools nobody has approved.
pub const NOT_PINNED: &str = "LZ143";

/// The same of a tenant's part of a configuration, and servers that cannot be started or that nobody has approved.
/// `folder`: from which relative paths start.
pub async fn in_configuration(text: &str, file: &Path, folder: &Path, (tenant, own): (&TenantId, &TenantConfig), directory: &Directory) -> Vec<Finding> {
    let mut findings = Findings::new(file.display().to_string());
    // it has been read before, so it is a document
    let Some(document) = document::parse(text, &mut Findings::new("")) else { return Vec::new() };
    let base = format!("tenants.{tenant}");
    let Some(root) = document.root.get("tenants").and_then(|all| all.get(tenant.as_str())) else { return Vec::new() };
    if directory.is_listed() {
        for (key, list) in named_groups(root) {
            let names = if matches!(list.kind, Kind::List(_)) { list.items() } else { std::slice::from_ref(list) };
            for name in names.iter().filter_map(Node::text) {
                unknown_group(name, list, &format!("{base}.{key}"), "LZ120", directory, &mut findings).await;
            }
        }
    }
    for (name, server) in &own.servers {
        let Some(text) = unusable(server, folder) else { continue };
        let at = root.get("tools").and_then(|tools| tools.get(name)).map_or(root.at, |server| server.get("stdio").map_or(server.at, |stdio| stdio.at));
        findings.warning("LZ144", at, format!("{base}.tools.{name}.stdio"), text);
    }
    for name in own.servers.keys().filter(|name| !own.pins.join(format!("{name}.json")).is_file()) {
        let at = root.get("tools").map_or(Place { line: 1, column: 1 }, |tools| tools.entry(name).map_or(tools.at, |entry| entry.at));
        findings.warning(NOT_PINNED, at, format!("{base}.tools.{name}"), not_pinned(name, &own.pins)).hint =
            Some(Text::new(format!("Mit „laufzettel tools pin {name}“ wird er freigegeben."), format!("\"laufzettel tools pin {name}\" approves it.")));
    }
    findings.into_sorted()
}

/// Why the program of a tool server cannot be started: every step that calls it would fail. A bare name is looked for by the system.
fn unusable(server: &ServerConfig, folder: &Path) -> Option<Text> {
    let Reach::Stdio(words) = &server.reach else { return None };
    let program = house::program_of(words.first()?, folder).ok()?;
    let name = program.display();
    if !program.is_absolute() && server.sandbox.is_some() {
        return Some(Text::new(
            format!("Das Programm „{name}“ läuft in der Sandbox: Bitte den ganzen Pfad angeben, mit „/“ am Anfang."),
            format!("The program \"{name}\" runs in the sandbox: please give its whole path, beginning with \"/\"."),
        ));
    }
    let missing = program.is_absolute() && !program.is_file();
    missing.then(|| Text::new(format!("Das Programm „{name}“ gibt es nicht."), format!("There is no program \"{name}\".")))
}

fn not_pinned(name: &str, pins: &Path) -> Text {
    let pins = pins.display();
    Text::new(
        format!(
            "Für den Werkzeugserver „{name}“ ist nichts freigegeben ({pins}/{name}.json fehlt): Argumente und Ergebnisse seiner Werkzeuge sind nicht geprüft."
        ),
        format!("Nothing of the tool server \"{name}\" is approved ({pins}/{name}.json is missing): arguments and results of its tools are not checked."),
    )
}

/// Every list of groups of a tenant's part of a configuration.
fn named_groups(tenant: &Node) -> Vec<(String, &Node)> {
    let mut all = Vec::new();
    for (i, grant) in tenant.get("grants").map(Node::items).unwrap_or_default().iter().enumerate() {
        all.extend(grant.get("groups").map(|list| (format!("grants[{}].groups", i + 1), list)));
    }
    for of in ["units", "services"] {
        for entry in tenant.get(of).map(Node::entries).unwrap_or_default() {
            all.extend(entry.node.get("groups").map(|list| (format!("{of}.{}.groups", entry.key), list)));
        }
    }
    for server in tenant.get("tools").map(Node::entries).unwrap_or_default() {
        for tool in server.node.get("tools").map(Node::entries).unwrap_or_default() {
            all.extend(tool.node.get("groups").map(|list| (format!("tools.{}.tools.{}.groups", server.key, tool.key), list)));
        }
    }
    all.extend(tenant.get("training").and_then(|training| training.get("group")).map(|group| ("training.group".to_owned(), group)));
    all
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::Lang;
    use laufzettel_process::{Folder, read};

    use super::*;

    const CONFIG: &str = include_str!("../demo/laufzettel.yaml");

    fn people() -> Directory {
        let mut findings = Findings::new("directory.yaml");
        let document = document::parse(include_str!("../demo/directory.yaml"), &mut findings).unwrap();
        Directory::read(&document, &mut findings).unwrap()
    }

    fn tenant(text: &str) -> (TenantId, TenantConfig) {
        let (config, findings) = crate::config::read(text, Path::new("c.yaml"), Path::new("/nonexistent"));
        let config = config.unwrap_or_else(|| panic!("{findings:?}"));
        config.tenants.into_iter().next().unwrap()
    }

    fn lines(findings: Vec<Finding>) -> Vec<String> {
        findings
            .iter()
            .map(|f| format!("{} {} {}", f.code, f.key, f.message.get(Lang::De)) + &f.hint.as_ref().map_or(String::new(), |h| format!(" {}", h.de)))
            .collect()
    }

    #[tokio::test]
    async fn what_a_process_names_is_there() {
        let head = |unit: &str, groups: &str, more: &str| {
            format!(
                "process: probe\nversion: 1.0.0\ntitle: Probe\nverantwortlich: {unit}\nrechtsgrundlage: [Satzung]\nzweck: Prüfen\nschutzbedarf: normal\ndatenkategorien: []\naufbewahrung: {{ vorgang: P1Y, inhalte: P1M }}\nautomatisierung: assistenz\nstart: {{ groups: [{groups}] }}\n{more}input: {{ type: object }}\n"
            )
        };
        let plain = "steps: { s: { set: { x: 1 } } }\n";
        let asks = "steps: { h: { human: { assign: { groups: [GG-Kasse, GG-Kase] }, escalate: { after: P1D, to: { groups: [GG-Unbekannt] } }, form: { type: object, properties: {} } } } }\n";
        let hook = "triggers: [{ webhook: { path: probe, auth: signature, secret: fehlt, respond: accepted, run_as: service:svc-intake } }]\n";
        let nobody = "LZ707 verantwortlich Zu „FB2-Steueramtt“ gehört niemand: Aufgaben zur Reparatur bekäme keiner zu sehen. Meinten Sie „FB2-Steueramt“?";
        for (unit, groups, more, steps, expected) in [
            ("FB2-Steueramt", "GG-Steueramt", "", plain, vec![]),
            ("FB2-Steueramtt", "GG-Steueramt", "", plain, vec![nobody]),
            (
                "FB2-Steueramt",
                "GG-Steuerampt",
                "",
                plain,
                vec!["LZ706 start.groups Die Gruppe „GG-Steuerampt“ steht nicht im Verzeichnis. Meinten Sie „GG-Steueramt“?"],
            ),
            (
                "FB2-Steueramt",
                "GG-Steueramt",
                "",
                asks,
                vec![
                    "LZ706 steps.h.human.assign.groups Die Gruppe „GG-Kase“ steht nicht im Verzeichnis. Meinten Sie „GG-Kasse“?",
                    "LZ706 steps.h.human.escalate.to.groups Die Gruppe „GG-Unbekannt“ steht nicht im Verzeichnis.",
                ],
            ),
            (
                "FB2-Steueramt",
                "GG-Steueramt",
                "run_as: service:svc-intak\n",
                plain,
                vec!["LZ701 run_as Das Dienstkonto „svc-intak“ gibt es nicht. Meinten Sie „svc-intake“?"],
            ),
            (
                "FB2-Steueramt",
                "GG-Steueramt",
                hook,
                plain,
                vec![
                    "LZ708 triggers[1].webhook.secret Das Geheimnis „fehlt“ gibt es nicht (/nonexistent/fehlt): Jeder Aufruf dieses Webhooks würde abgewiesen.",
                ],
            ),
        ] {
            let folder = Folder { files: BTreeMap::from([("p.yaml".to_owned(), head(unit, groups, more) + steps)]) };
            let mut findings = Findings::new("p.yaml");
            let process = read::read(&folder, "p.yaml", &mut findings).unwrap_or_else(|| panic!("{findings:?}"));
            let (_, own) = tenant(CONFIG);
            let mut findings = Findings::new("p.yaml");
            Named::of(&own, Path::new("/nonexistent")).check(&process, &people(), &mut findings).await;
            assert_eq!(lines(findings.into_sorted()), expected, "{unit} {groups} {more}{steps}");
            // a directory that cannot be listed says of nobody that he is not there
            let mut findings = Findings::new("p.yaml");
            Named::of(&own, Path::new("/nonexistent")).check(&process, &Directory::claims(), &mut findings).await;
            assert!(lines(findings.into_sorted()).iter().all(|line| !line.starts_with("LZ706") && !line.starts_with("LZ707")));
        }
    }

    #[tokio::test]
    async fn what_a_configuration_names_is_there() {
        let wrong = CONFIG
            .replace("{ groups: [GG-Bauen], allow:", "{ groups: [GG-Baun], allow:")
            .replace("DSB: { groups: [GG-DSB] }", "DSB: { groups: [GG-DBS] }")
            .replace("groups: [GG-Poststelle, GG-Steueramt]", "groups: [GG-Postelle]");
        let (id, own) = tenant(&wrong);
        let found = in_configuration(&wrong, Path::new("c.yaml"), Path::new("/nonexistent"), (&id, &own), &people()).await;
        let groups: Vec<String> = found.iter().filter(|f| f.code == "LZ120").map(|f| f.key.clone()).collect();
        assert_eq!(
            groups,
            [
                "tenants.vg-bellheim.units.DSB.groups",
                "tenants.vg-bellheim.grants[6].groups",
                "tenants.vg-bellheim.tools.mail.tools.posteingang.groups",
                "tenants.vg-bellheim.tools.mail.tools.lesen.groups",
            ]
        );
        let pins: Vec<String> = lines(found).into_iter().filter(|line| line.starts_with(NOT_PINNED)).collect();
        assert_eq!(pins.len(), own.servers.len(), "{pins:?}");
        assert!(pins[0].ends_with("Mit „laufzettel tools pin dms“ wird er freigegeben."), "{pins:?}");
        for (program, expected) in [
            ("./mein-mail", "LZ144 tenants.vg-bellheim.tools.mail.stdio Das Programm „/nonexistent/./mein-mail“ gibt es nicht."),
            ("/bin/fehlt", "LZ144 tenants.vg-bellheim.tools.mail.stdio Das Programm „/bin/fehlt“ gibt es nicht."),
            ("mail", "LZ144 tenants.vg-bellheim.tools.mail.stdio Das Programm „mail“ läuft in der Sandbox: Bitte den ganzen Pfad angeben, mit „/“ am Anfang."),
            ("/bin/true", ""),
        ] {
            let wrong = CONFIG.replace("stdio: [laufzettel, mcp, mail,", &format!("stdio: [{program}, mcp, mail,"));
            assert_ne!(wrong, CONFIG);
            let (id, own) = tenant(&wrong);
            let found = in_configuration(&wrong, Path::new("c.yaml"), Path::new("/nonexistent"), (&id, &own), &people()).await;
            let programs: Vec<String> = lines(found).into_iter().filter(|line| !line.starts_with(NOT_PINNED)).collect();
            assert_eq!(programs.join(" "), expected, "{program}");
        }
        let (id, own) = tenant(CONFIG);
        let found = in_configuration(CONFIG, Path::new("c.yaml"), Path::new("/nonexistent"), (&id, &own), &people()).await;
        assert!(found.iter().all(|f| f.code == NOT_PINNED), "{found:?}");
    }
}
