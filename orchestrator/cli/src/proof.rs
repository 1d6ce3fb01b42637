//! The proof of a tenant's processes for its configuration: gathers what the proof depends on, asks the directory, and hands
//! it to the pure rules. Without a configuration only what needs none is proven, against the shipped tools' declarations.

use std::collections::{BTreeMap, BTreeSet};

use laufzettel_directory::Directory;
use laufzettel_domain::{Findings, Place, Severity, Text, Via};
use laufzettel_engine::{
    Context, EndpointFacts,
    proof::{self, Flow, Setting},
};
use laufzettel_policy::{Group, Rules, ToolRule, Zone};
use laufzettel_process::{Catalogue, Process, Tools, Types, check::check_tools, model::TriggerKind};
use laufzettel_worker::{Clock as _, Places, SystemClock};

use crate::{
    askable,
    config::{Config, TenantConfig},
    demo, house,
    named::Named,
};

/// Everything a proof depends on, once for all processes of a tenant.
pub struct Prover {
    tools: BTreeMap<String, ToolRule>,
    types: Tools,
    own_domains: Vec<String>,
    zeitzone: String,
    zones: BTreeMap<String, Zone>,
    endpoints: Vec<EndpointFacts>,
    places: Places,
    /// Names of providers applicants sign in at.
    applicants: BTreeSet<String>,
    /// `None` without a configuration.
    tenant: Option<(Rules, Directory)>,
    /// What processes name of it.
    named: Option<Named>,
}

impl Prover {
    pub fn of(config: &Config, own: &TenantConfig, directory: Directory) -> anyhow::Result<Self> {
        let house::Approved { types, rules } = house::approved(own)?;
        Ok(Self {
            tools: rules,
            types,
            own_domains: own.eigene_domains.clone(),
            zeitzone: own.zeitzone.clone(),
            zones: config.zones.clone(),
            endpoints: house::endpoint_facts(config),
            places: own.places.clone(),
            applicants: own.applicants.keys().cloned().collect(),
            tenant: Some((own.rules.clone(), directory)),
            named: Some(Named::of(own, &config.secrets)),
        })
    }

    /// Against the declarations of the shipped tools: no definitions, no zones, no rights.
    pub fn without_tenant() -> Self {
        Self {
            tools: demo::shipped_tools(),
            types: Tools::new(),
            own_domains: Vec::new(),
            zeitzone: "Europe/Berlin".to_owned(),
            zones: BTreeMap::new(),
            endpoints: Vec::new(),
            places: Places::default(),
            applicants: BTreeSet::new(),
            tenant: None,
            named: None,
        }
    }

    fn context(&self, process: &Process) -> Context {
        Context { types: Types::of(process, &self.types), tools: self.tools.clone(), own_domains: self.own_domains.clone(), zeitzone: self.zeitzone.clone() }
    }

    /// Everything found beyond what the file alone shows.
    pub async fn prove(&self, process: &Process, findings: &mut Findings) {
        if self.tenant.is_some() {
            let known: Vec<String> = self.tools.keys().cloned().collect();
            check_tools(process, &self.types, Some(&known), findings);
            check_places(process, &self.places, findings);
            check_logins(process, &self.applicants, findings);
        }
        if let (Some((_, directory)), Some(named)) = (&self.tenant, &self.named) {
            named.check(process, directory, findings).await;
        }
        askable::check(process, findings);
        let context = self.context(process);
        let members = self.members(process, findings).await;
        proof::prove(process, &self.setting(&context, &members), findings);
    }

    pub async fn flows(&self, process: &Process) -> Vec<Flow> {
        let context = self.context(process);
        proof::flows(process, &self.setting(&context, &BTreeMap::new()))
    }

    fn setting<'c>(&'c self, context: &'c Context, members: &'c BTreeMap<String, Option<Vec<Group>>>) -> Setting<'c> {
        let rules = self.tenant.as_ref().map(|(rules, _)| rules);
        Setting { context, zones: &self.zones, endpoints: &self.endpoints, rules, members }
    }

    /// The groups behind every name a process assigns to. What the directory does not say now is not proven, and is said.
    async fn members(&self, process: &Process, findings: &mut Findings) -> BTreeMap<String, Option<Vec<Group>>> {
        let mut members = BTreeMap::new();
        let Some((_, directory)) = &self.tenant else { return members };
        for name in proof::names(process) {
            match groups_of(directory, &name).await {
                Ok(groups) => {
                    members.insert(name, groups);
                }
                Err(error) => {
                    let text = Text::new(
                        format!("Die Rechte sind nicht geprüft: das Verzeichnis antwortet nicht ({error})."),
                        format!("Rights are not proven: the directory does not answer ({error})."),
                    );
                    findings.warning("LZ790", Place { line: 1, column: 1 }, "start.groups", text);
                    break;
                }
            }
        }
        members
    }

    /// The processes of a catalogue that hold: the others leave it, with their findings in it. Rights change from day to day
    /// and are asked at every door, so what is found of them is told and stops nothing here.
    pub async fn keep_proven(&self, catalogue: &mut Catalogue) {
        let ids: Vec<String> = catalogue.processes.keys().cloned().collect();
        for id in ids {
            let mut findings = Findings::new(catalogue.processes[&id].file.clone());
            self.prove(&catalogue.processes[&id], &mut findings).await;
            let found = findings.into_sorted();
            if found.iter().any(|f| f.severity == Severity::Error && !f.code.starts_with("LZ7")) {
                catalogue.processes.remove(&id);
            }
            catalogue.findings.extend(found);
        }
    }
}

/// A trigger that waits where the operator opened nothing would wait for ever.
fn check_places(process: &Process, places: &Places, findings: &mut Findings) {
    for (i, trigger) in process.triggers.iter().enumerate() {
        let (name, key) = match &trigger.kind {
            TriggerKind::Folder(_) if places.folder.is_none() => ("Ein Ordner", "eingang.folder"),
            TriggerKind::Mail(_) if places.mail.is_none() => ("Ein Postfach", "eingang.mail"),
            _ => continue,
        };
        let text = Text::new(
            format!("Dieser Auslöser sieht nirgends nach: {name} ist für den Mandanten nicht geöffnet ({key} in der Konfiguration)."),
            format!("This trigger looks nowhere: the tenant has opened no place for it ({key} in the configuration)."),
        );
        findings.error("LZ705", trigger.at, format!("triggers[{}]", i + 1), text);
    }
}

/// A form whose sign-in the tenant does not offer nobody can open.
fn check_logins(process: &Process, known: &BTreeSet<String>, findings: &mut Findings) {
    for (i, trigger) in process.triggers.iter().enumerate() {
        let TriggerKind::Intake { login: Some(login), .. } = &trigger.kind else { continue };
        if known.contains(&login.oidc) {
            continue;
        }
        let name = &login.oidc;
        let text = Text::new(
            format!("Einen Anmeldedienst „{name}“ für Antragstellende hat der Mandant nicht (applicants in der Konfiguration)."),
            format!("The tenant has no sign-in \"{name}\" for applicants (applicants in the configuration)."),
        );
        let hint = laufzettel_domain::finding::hint(name, known.iter().map(String::as_str));
        findings.error("LZ709", trigger.at, format!("triggers[{}].intake.login.oidc", i + 1), text).hint = Some(hint);
    }
}

/// Of a group: what its members are in by it. Of a person: what she is in.
async fn groups_of(directory: &Directory, name: &str) -> Result<Option<Vec<Group>>, laufzettel_directory::Error> {
    if let Some(groups) = directory.memberships(name).await? {
        return Ok(Some(groups));
    }
    let Some(person) = directory.person(name).await? else { return Ok(None) };
    let caller = laufzettel_domain::Caller { subject: person.sid, name: person.name, upn: person.upn, via: Via::Form, os_user: None };
    match directory.resolve(&caller, &[], SystemClock.now()).await {
        Ok(who) => Ok(Some(who.groups)),
        Err(laufzettel_directory::Error::Unavailable) => Err(laufzettel_directory::Error::Unavailable),
        Err(_) => Ok(None),
    }
}
