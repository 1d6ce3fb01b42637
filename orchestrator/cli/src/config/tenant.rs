//! One tenant of the configuration.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use laufzettel_domain::{
    Digest, Findings, Node, Text,
    document::{Fields, fields},
};
use laufzettel_policy::{Grant, Rules, ServiceAccount, Training};
use laufzettel_server::Notes;
use laufzettel_worker::{Limits, Places, Quotas};

use super::{
    Sections, at,
    directory::{self, DirectoryConfig},
    login::{self, ApplicantConfig, Login},
    notes, rights, sections,
    tools::{self, ServerConfig},
};

#[derive(Debug, Clone)]
pub struct TenantConfig {
    pub name: String,
    /// Folder of the processes.
    pub processes: PathBuf,
    pub directory: DirectoryConfig,
    pub login: Login,
    /// Where applicants sign in, by the name processes use.
    pub applicants: BTreeMap<String, ApplicantConfig>,
    pub rules: Rules,
    pub zeitzone: String,
    pub pins: PathBuf,
    pub eigene_domains: Vec<String>,
    pub units: BTreeMap<String, Vec<String>>,
    pub notes: Notes,
    pub servers: BTreeMap<String, ServerConfig>,
    pub quotas: Quotas,
    /// Where triggers may look.
    pub places: Places,
    pub sections: Sections,
    /// Digests of the grants, in order.
    pub grants: Vec<Digest>,
}

pub fn read(node: &Node, key: &str, folder: &Path, secrets: &Path, findings: &mut Findings) -> Option<TenantConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let name = inner.req_text("name").map(str::to_owned);
    let processes = inner.req_text("processes").map(|path| at(folder, path));
    let directory = directory::read(&mut inner, folder, secrets);
    let login = login::read(&mut inner, folder);
    fits_directory(node, &inner.path("login"), directory.as_ref(), &login, inner.findings);
    let applicants = login::applicants(&mut inner, folder);
    let grants = grants(&mut inner);
    let services = services(&mut inner);
    let zeitzone = zeitzone(&mut inner);
    let pins = at(folder, inner.text("pins").unwrap_or("./pins"));
    let training = training(&mut inner);
    let eigene_domains = inner.texts("eigene_domains").unwrap_or_default();
    let (units, contacts) = units(&mut inner);
    let notes = notes::read(&mut inner, contacts);
    let servers = tools::servers(&mut inner, folder);
    let quotas = quotas(&mut inner);
    let places = places(&mut inner, folder);
    inner.close();
    let digests = node.get("grants").map(Node::items).unwrap_or_default().iter().map(|grant| Digest::of_value(&grant.to_value())).collect();
    let rules = Rules { grants, services, training };
    Some(TenantConfig {
        name: name?,
        processes: processes?,
        directory: directory?,
        login,
        applicants,
        rules,
        zeitzone,
        pins,
        eigene_domains,
        units,
        notes,
        servers,
        quotas,
        places,
        sections: sections(node),
        grants: digests,
    })
}

/// A sign-in that the directory cannot answer lets nobody in, and one that asks for no password opens a real directory to all.
fn fits_directory(node: &Node, key: &str, directory: Option<&DirectoryConfig>, login: &Login, findings: &mut Findings) {
    let text = match (login, directory) {
        (Login::Ldap, Some(DirectoryConfig::File(_) | DirectoryConfig::Claims { .. })) => Text::new(
            "login: ldap braucht directory: ldap; nur ein LDAP-Verzeichnis prüft Passwörter.",
            "login: ldap needs directory: ldap; only LDAP checks passwords.",
        ),
        (Login::Demo, Some(DirectoryConfig::Ldap(_) | DirectoryConfig::Claims { .. })) => Text::new(
            "login: demo gibt es nur mit directory: file; es fragt kein Passwort, und echte Konten sind nicht zum Ausprobieren.",
            "login: demo exists only with directory: file; it asks no password, and real accounts are not for trying.",
        ),
        _ => return,
    };
    findings.error("LZ108", node.get("login").map_or(node.at, |login| login.at), key.to_owned(), text);
}

fn grants(fields: &mut Fields<'_, '_>) -> Vec<Grant> {
    let key = fields.path("grants");
    let mut grants = Vec::new();
    for (i, item) in fields.list("grants").iter().enumerate() {
        let Some(mut inner) = Fields::open(item, format!("{key}[{}]", i + 1), fields.findings) else { continue };
        inner.req("groups");
        inner.req("allow");
        let grant = Grant { groups: inner.texts("groups").unwrap_or_default(), allow: rights::read(&mut inner) };
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
            allow: rights::read(&mut inner),
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

fn training(fields: &mut Fields<'_, '_>) -> Option<Training> {
    let node = fields.opt("training")?;
    let key = fields.path("training");
    let mut inner = Fields::open(node, &key, fields.findings)?;
    let group = inner.req_text("group").map(str::to_owned);
    let link = notes::address(&mut inner, "link");
    inner.close();
    Some(Training { group: group?, link })
}

/// Groups of each unit, and how it is reached.
fn units(fields: &mut Fields<'_, '_>) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<String>>) {
    let base = fields.path("units");
    let (mut units, mut contacts) = (BTreeMap::new(), BTreeMap::new());
    for entry in fields.entries("units") {
        let Some(mut inner) = Fields::open(&entry.node, format!("{base}.{}", entry.key), fields.findings) else { continue };
        let groups = inner.texts("groups").unwrap_or_default();
        let contact = notes::contact(&mut inner);
        inner.close();
        units.insert(entry.key.clone(), groups);
        contacts.insert(entry.key.clone(), contact);
    }
    (units, contacts)
}

/// Where triggers may look. What is not opened here no process can watch.
fn places(fields: &mut Fields<'_, '_>, folder: &Path) -> Places {
    let Some(node) = fields.opt("eingang") else { return Places::default() };
    let key = fields.path("eingang");
    let Some(mut inner) = Fields::open(node, key, fields.findings) else { return Places::default() };
    let mut place = |name| inner.text(name).map(|path| at(folder, path));
    let places = Places { folder: place("folder"), mail: place("mail") };
    inner.close();
    places
}

/// What the tenant may use up, and what its processes may, by pattern.
fn quotas(fields: &mut Fields<'_, '_>) -> Quotas {
    let Some(node) = fields.opt("quotas") else { return Quotas::default() };
    let key = fields.path("quotas");
    let Some(mut inner) = Fields::open(node, key, fields.findings) else { return Quotas::default() };
    let tenant = limits(&mut inner);
    let base = inner.path("processes");
    let mut processes = BTreeMap::new();
    for entry in inner.entries("processes") {
        let Some(mut own) = Fields::open(&entry.node, format!("{base}.{}", entry.key), inner.findings) else { continue };
        processes.insert(entry.key.clone(), limits(&mut own));
        own.close();
    }
    inner.close();
    Quotas { tenant, processes }
}

fn limits(fields: &mut Fields<'_, '_>) -> Limits {
    let mut limit = |name| fields.integer(name, 0, i64::MAX).and_then(|n| u64::try_from(n).ok());
    Limits { runs_per_hour: limit("runs_per_hour"), tokens_per_day: limit("tokens_per_day") }
}
