//! One tenant of the configuration.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use laufzettel_domain::{
    Findings, Node, Text,
    document::{Fields, fields},
};
use laufzettel_policy::{Grant, Rules, ServiceAccount};

use super::{
    at,
    login::{self, Login},
    not_yet,
    tools::{self, ServerConfig},
};

#[derive(Debug, Clone)]
pub struct TenantConfig {
    pub name: String,
    /// Folder of the processes.
    pub processes: PathBuf,
    pub directory: PathBuf,
    pub login: Login,
    pub rules: Rules,
    pub zeitzone: String,
    pub pins: PathBuf,
    pub eigene_domains: Vec<String>,
    pub units: BTreeMap<String, Vec<String>>,
    pub servers: BTreeMap<String, ServerConfig>,
}

pub fn read(node: &Node, key: &str, folder: &Path, findings: &mut Findings) -> Option<TenantConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let name = inner.req_text("name").map(str::to_owned);
    let processes = inner.req_text("processes").map(|path| at(folder, path));
    let directory = directory(&mut inner, folder);
    let login = login::read(&mut inner, folder);
    let grants = grants(&mut inner);
    let services = services(&mut inner);
    let zeitzone = zeitzone(&mut inner);
    let pins = at(folder, inner.text("pins").unwrap_or("./pins"));
    let training = training(&mut inner);
    let eigene_domains = inner.texts("eigene_domains").unwrap_or_default();
    let units = units(&mut inner);
    let servers = tools::servers(&mut inner, folder);
    quotas(&mut inner);
    inner.close();
    let rules = Rules { grants, services, training };
    Some(TenantConfig { name: name?, processes: processes?, directory: directory?, login, rules, zeitzone, pins, eigene_domains, units, servers })
}

fn directory(fields: &mut Fields<'_, '_>, folder: &Path) -> Option<PathBuf> {
    let node = fields.req("directory")?;
    let key = fields.path("directory");
    let mut inner = Fields::open(node, key, fields.findings)?;
    not_yet(&mut inner, "ldap");
    not_yet(&mut inner, "oidc");
    let file = inner.text("file").map(|path| at(folder, path));
    inner.close();
    file
}

fn grants(fields: &mut Fields<'_, '_>) -> Vec<Grant> {
    let key = fields.path("grants");
    let mut grants = Vec::new();
    for (i, item) in fields.list("grants").iter().enumerate() {
        let Some(mut inner) = Fields::open(item, format!("{key}[{}]", i + 1), fields.findings) else { continue };
        inner.req("groups");
        inner.req("allow");
        let grant = Grant { groups: inner.texts("groups").unwrap_or_default(), allow: inner.texts("allow").unwrap_or_default() };
        inner.close();
        grants.push(grant);
    }
    grants
}

fn services(fields: &mut Fields<'_, '_>) -> BTreeMap<String, ServiceAccount> {
    let base = fields.path("services");
    let mut services = BTreeMap::new();
    for entry in fields.entries("services") {
        let Some(mut inner) = Fields::open(&entry.node, format!("{base}.{}", entry.key), fields.findings) else { continue };
        inner.req("processes");
        let account = ServiceAccount {
            processes: inner.texts("processes").unwrap_or_default(),
            groups: inner.texts("groups").unwrap_or_default(),
            allow: inner.texts("allow").unwrap_or_default(),
        };
        inner.close();
        services.insert(entry.key.clone(), account);
    }
    services
}

fn zeitzone(fields: &mut Fields<'_, '_>) -> String {
    let Some(node) = fields.opt("zeitzone") else { return "Europe/Berlin".to_owned() };
    let key = fields.path("zeitzone");
    let written = fields::text(node, &key, fields.findings).unwrap_or("Europe/Berlin");
    if jiff::tz::TimeZone::get(written).is_err() {
        fields.findings.error(
            "LZ108",
            node.at,
            key,
            Text::new(
                format!("Die Zeitzone „{written}“ gibt es nicht (z. B. Europe/Berlin)."),
                format!("There is no time zone \"{written}\" (Europe/Berlin)."),
            ),
        );
    }
    written.to_owned()
}

fn training(fields: &mut Fields<'_, '_>) -> Option<String> {
    let node = fields.opt("training")?;
    let key = fields.path("training");
    let mut inner = Fields::open(node, key, fields.findings)?;
    let group = inner.req_text("group").map(str::to_owned);
    inner.text("link");
    inner.close();
    group
}

fn units(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Vec<String>> {
    let base = fields.path("units");
    let mut units = BTreeMap::new();
    for entry in fields.entries("units") {
        let Some(mut inner) = Fields::open(&entry.node, format!("{base}.{}", entry.key), fields.findings) else { continue };
        let groups = inner.texts("groups").unwrap_or_default();
        inner.close();
        units.insert(entry.key.clone(), groups);
    }
    units
}

/// Quotas are read so that a mistake in them is found; they are not enforced yet, and the start says so.
fn quotas(fields: &mut Fields<'_, '_>) {
    let Some(node) = fields.opt("quotas") else { return };
    let key = fields.path("quotas");
    if let Some(mut inner) = Fields::open(node, key, fields.findings) {
        inner.integer("runs_per_hour", 0, i64::MAX);
        inner.integer("tokens_per_day", 0, i64::MAX);
        inner.close();
    }
    let at = node.at;
    let key = fields.path("quotas");
    fields.findings.warning(
        "LZ191",
        at,
        key,
        Text::new("Kontingente werden in dieser Version noch nicht durchgesetzt.", "Quotas are not enforced yet in this version."),
    );
}
