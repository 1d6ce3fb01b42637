//! The configuration file: read key by key, every mistake with line and column. Refuses unknown keys and `${ENV}`.

mod directory;
mod eingang;
mod login;
mod notes;
mod rights;
mod tenant;
mod tools;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use laufzettel_domain::{
    Finding, Findings, Kategorie, Node, Place, Schutzbedarf, TenantId, Text,
    document::{self, Fields, Kind, fields},
};
use laufzettel_policy::{Kategorien, Zone};
use laufzettel_process::model::Size;

pub use directory::{DirectoryConfig, LdapConfig};
pub use login::{ApplicantConfig, Login, OidcConfig};
pub use tenant::TenantConfig;
pub use tools::{Reach, SandboxConfig, ServerConfig};

#[derive(Debug, Clone)]
pub struct Config {
    /// The folder relative paths start from.
    pub folder: PathBuf,
    pub listen: String,
    pub public_url: String,
    /// Folder of the SQLite files.
    pub data: PathBuf,
    pub secrets: PathBuf,
    pub witness: Option<PathBuf>,
    pub zones: BTreeMap<String, Zone>,
    pub models: Vec<ModelConfig>,
    pub tenants: BTreeMap<TenantId, TenantConfig>,
    /// SHA-256 of the file.
    pub digest: laufzettel_domain::Digest,
    /// Digests of its parts, but of the tenants.
    pub sections: Sections,
}

/// Digests of the parts of a configuration by their key: enough to say what changed, too little to tell what it says.
pub type Sections = BTreeMap<String, laufzettel_domain::Digest>;

pub(super) fn sections(node: &Node) -> Sections {
    let digest = |node: &Node| laufzettel_domain::Digest::of_value(&node.to_value());
    node.entries().iter().filter(|entry| entry.key != "tenants").map(|entry| (entry.key.clone(), digest(&entry.node))).collect()
}

#[derive(Debug, Clone)]
pub struct ModelConfig {
    pub name: String,
    pub url: String,
    pub model: String,
    /// Name of a file in `secrets`.
    pub key: Option<String>,
    /// Certificate of the authority its address is believed by.
    pub ca: Option<PathBuf>,
    pub zone: String,
    pub size: Size,
    pub context: u64,
    pub concurrency: usize,
    pub price: (f64, f64),
}

/// Reads the text of a configuration. `None` if it cannot be used; the findings say why.
pub fn read(text: &str, file: &Path, folder: &Path) -> (Option<Config>, Vec<Finding>) {
    let mut findings = Findings::new(file.display().to_string());
    let config = document::parse(text, &mut findings).and_then(|document| {
        no_environment(&document.root, "", &mut findings);
        read_root(&document.root, folder, text, &mut findings)
    });
    let broken = findings.has_errors();
    (config.filter(|_| !broken), findings.into_sorted())
}

fn read_root(root: &Node, folder: &Path, text: &str, findings: &mut Findings) -> Option<Config> {
    let mut fields = Fields::open(root, "", findings)?;
    let listen = fields.text("listen").unwrap_or("127.0.0.1:8080").to_owned();
    let public_url = fields.text("public_url").map_or_else(|| format!("http://{listen}"), |url| url.trim_end_matches('/').to_owned());
    let data = store(&mut fields, folder);
    let hybrid = fields.one_of("profile", &[("offline", false), ("hybrid", true)]).unwrap_or(false);
    let secrets = at(folder, fields.text("secrets").unwrap_or("./secrets"));
    let witness = fields.text("witness").map(|path| at(folder, path));
    let zones = zones(&mut fields, hybrid);
    let models = models(&mut fields, &zones, folder);
    fields.req("tenants");
    let mut tenants = BTreeMap::new();
    for entry in fields.entries("tenants") {
        let Some(id) = TenantId::parse(&entry.key) else {
            fields.findings.error(
                "LZ109",
                entry.at,
                format!("tenants.{}", entry.key),
                Text::new("Ein Mandant heißt nur mit a–z, 0–9 und -.", "A tenant's name has only a–z, 0–9 and -."),
            );
            continue;
        };
        if let Some(tenant) = tenant::read(&entry.node, &format!("tenants.{id}"), folder, &secrets, fields.findings) {
            tenants.insert(id, tenant);
        }
    }
    fields.close();
    eingang::lie_apart(root, &[("store", data.as_deref()), ("secrets", Some(&secrets)), ("witness", witness.as_deref())], &tenants, findings);
    let digest = laufzettel_domain::Digest::of(text.as_bytes());
    Some(Config { folder: folder.to_owned(), listen, public_url, data: data?, secrets, witness, zones, models, tenants, digest, sections: sections(root) })
}

/// A path of the configuration, from its folder.
pub(super) fn at(folder: &Path, written: &str) -> PathBuf {
    folder.join(written.strip_prefix("./").unwrap_or(written))
}

/// `${ENV}` looks as if it worked and does not: refused by name.
fn no_environment(node: &Node, key: &str, findings: &mut Findings) {
    match &node.kind {
        Kind::Text(text) if text.contains("${") => {
            findings.error(
                "LZ121",
                node.at,
                key,
                Text::new(
                    "„${…}“ wird nicht ersetzt. Geheimnisse stehen als Datei im Ordner secrets und heißen hier secret:<name>.",
                    "\"${…}\" is not replaced. Secrets are files in the folder secrets and are named secret:<name> here.",
                ),
            );
        }
        Kind::List(items) => items.iter().for_each(|item| no_environment(item, key, findings)),
        Kind::Map(entries) => entries.iter().for_each(|e| no_environment(&e.node, &e.key, findings)),
        _ => {}
    }
}

/// Refuses what this version cannot do, by its name.
pub(super) fn not_yet(fields: &mut Fields<'_, '_>, name: &'static str) {
    if let Some(node) = fields.opt(name) {
        let (at, key) = (node.at, fields.path(name));
        unsupported(at, &key, name, fields.findings);
    }
}

pub(super) fn unsupported(at: Place, key: &str, name: &str, findings: &mut Findings) {
    findings.error(
        "LZ190",
        at,
        key,
        Text::new(format!("„{name}“ wird in dieser Version noch nicht unterstützt."), format!("\"{name}\" is not supported yet in this version.")),
    );
}

fn store(fields: &mut Fields<'_, '_>, folder: &Path) -> Option<PathBuf> {
    let Some(node) = fields.opt("store") else { return Some(at(folder, "data")) };
    let mut inner = Fields::open(node, "store", fields.findings)?;
    not_yet(&mut inner, "postgres");
    let sqlite = inner.text("sqlite").map(|path| at(folder, path));
    if sqlite.is_none() && node.get("postgres").is_none() {
        inner.missing("sqlite", "LZ106");
    }
    inner.close();
    sqlite
}

fn zones(fields: &mut Fields<'_, '_>, hybrid: bool) -> BTreeMap<String, Zone> {
    let mut zones = BTreeMap::new();
    for entry in fields.entries("zones") {
        let key = format!("zones.{}", entry.key);
        if entry.key != "gruen" && !hybrid {
            fields.findings.error(
                "LZ122",
                entry.at,
                key.clone(),
                Text::new(
                    format!("Im Profil offline gibt es nur die Zone gruen, nicht „{}“.", entry.key),
                    format!("In the profile offline only the zone gruen exists, not \"{}\".", entry.key),
                ),
            );
        }
        if let Some(zone) = zone(&entry.key, &entry.node, key, fields.findings) {
            zones.insert(entry.key.clone(), zone);
        }
    }
    zones.entry("gruen".to_owned()).or_insert_with(|| Zone {
        name: "gruen".to_owned(),
        max_schutzbedarf: Schutzbedarf::Hoch,
        kategorien: Kategorien::Alle,
        betreiber: String::new(),
        ort: String::new(),
        recht: "DE".to_owned(),
    });
    zones
}

fn zone(name: &str, node: &Node, key: String, findings: &mut Findings) -> Option<Zone> {
    let shipped = Zone::shipped(name);
    let mut inner = Fields::open(node, key, findings)?;
    let max = inner.one_of("max_schutzbedarf", &Schutzbedarf::ALL).or(shipped.as_ref().map(|s| s.0));
    let kategorien = match inner.opt("kategorien") {
        None => shipped.map(|s| s.1),
        Some(node) if node.text() == Some("alle") => Some(Kategorien::Alle),
        Some(_) => inner.many_of("kategorien", &Kategorie::ALL).map(|list| Kategorien::Nur(list.into_iter().collect())),
    };
    if max.is_none() {
        inner.missing("max_schutzbedarf", "LZ106");
    }
    if kategorien.is_none() {
        inner.missing("kategorien", "LZ106");
    }
    let mut text = |name| inner.text(name).unwrap_or_default().to_owned();
    let (betreiber, ort, recht) = (text("betreiber"), text("ort"), text("recht"));
    inner.close();
    Some(Zone { name: name.to_owned(), max_schutzbedarf: max?, kategorien: kategorien?, betreiber, ort, recht })
}

fn models(fields: &mut Fields<'_, '_>, zones: &BTreeMap<String, Zone>, folder: &Path) -> Vec<ModelConfig> {
    fields.list("models").iter().enumerate().filter_map(|(i, item)| model(item, &format!("models[{}]", i + 1), zones, folder, fields.findings)).collect()
}

fn model(node: &Node, key: &str, zones: &BTreeMap<String, Zone>, folder: &Path, findings: &mut Findings) -> Option<ModelConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let name = inner.req_text("name").map(str::to_owned);
    let url = inner.req("url").and_then(|n| url(n, &format!("{key}.url"), inner.findings));
    let model = inner.req_text("model").map(str::to_owned);
    let secret = inner.opt("key").and_then(|n| secret(n, &format!("{key}.key"), inner.findings));
    let ca = inner.text("ca").map(|path| at(folder, path));
    let zone = inner.req("zone").and_then(|n| {
        let written = fields::text(n, &format!("{key}.zone"), inner.findings)?;
        if !zones.contains_key(written) {
            let finding = inner.findings.error(
                "LZ123",
                n.at,
                format!("{key}.zone"),
                Text::new(format!("Die Zone „{written}“ ist nicht eingerichtet."), format!("The zone \"{written}\" is not configured.")),
            );
            finding.hint = Some(laufzettel_domain::finding::hint(written, zones.keys().map(String::as_str)));
        }
        Some(written.to_owned())
    });
    let size = inner.one_of("size", &[("s", Size::S), ("m", Size::M), ("l", Size::L)]).unwrap_or(Size::S);
    let kinds = inner.many_of("kinds", &[("chat", "chat"), ("embedding", "embedding")]).unwrap_or_else(|| vec!["chat"]);
    let context = inner.integer("context", 256, 10_000_000).unwrap_or(8_000);
    let concurrency = inner.integer("concurrency", 1, 10_000).unwrap_or(8);
    let price = price(&mut inner);
    inner.close();
    if !kinds.contains(&"chat") {
        unsupported(node.at, &format!("{key}.kinds"), "kinds ohne chat", findings);
        return None;
    }
    Some(ModelConfig {
        name: name?,
        url: url?,
        model: model?,
        key: secret,
        ca,
        zone: zone?,
        size,
        context: u64::try_from(context).unwrap_or(8_000),
        concurrency: usize::try_from(concurrency).unwrap_or(8),
        price,
    })
}

pub(super) fn url(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let written = fields::text(node, key, findings)?;
    if written.starts_with("https://") {
        return Some(written.to_owned());
    }
    let Some(rest) = written.strip_prefix("http://") else {
        findings.error("LZ108", node.at, key, Text::new("Eine Adresse beginnt mit https:// oder http://.", "An address begins with https:// or http://."));
        return None;
    };
    if !is_near(rest) {
        findings.error(
            "LZ124",
            node.at,
            key,
            Text::new(
                "Ohne TLS nur zu localhost oder einer privaten IP-Adresse: Ein Name sagt nicht, wohin er führt. Bitte https://, bei eigener Zertifizierungsstelle mit ca: DATEI.",
                "Without TLS only to localhost or a private IP address: a name does not say where it leads. Use https://, with ca: FILE for an authority of your own.",
            ),
        );
        return None;
    }
    Some(written.to_owned())
}

/// Whether what follows `http://` is this machine, or an address of the house's own network (RFC 1918, RFC 4193).
fn is_near(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(four)) => four.is_loopback() || four.is_private(),
        Ok(std::net::IpAddr::V6(six)) => six.is_loopback() || six.is_unique_local(),
        Err(_) => host == "localhost",
    }
}

/// `secret:<name>`: a file in the folder of secrets, never the secret itself.
pub(super) fn secret(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let written = fields::text(node, key, findings)?;
    let name = written.strip_prefix("secret:");
    if name.is_none() {
        findings.error(
            "LZ121",
            node.at,
            key,
            Text::new(
                "Ein Geheimnis steht nie hier, sondern als Datei im Ordner secrets; hier steht secret:<name>.",
                "A secret never stands here but as a file in the folder secrets; write secret:<name>.",
            ),
        );
    }
    name.map(str::to_owned)
}

fn price(fields: &mut Fields<'_, '_>) -> (f64, f64) {
    let Some(node) = fields.opt("price") else { return (0.0, 0.0) };
    let key = fields.path("price");
    let Some(mut inner) = Fields::open(node, key, fields.findings) else { return (0.0, 0.0) };
    let pair = (inner.number("input").unwrap_or(0.0), inner.number("output").unwrap_or(0.0));
    inner.close();
    pair
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn plain_http_stays_in_the_house() {
        for (address, expected) in [
            ("127.0.0.1:8000/v1", true),
            ("localhost/v1", true),
            ("[::1]:8000/v1", true),
            ("10.1.2.3:8000", true),
            ("192.168.0.7", true),
            ("172.16.0.1:1", true),
            ("[fd00::1]/v1", true),
            ("172.32.0.1", false),
            ("169.254.169.254/v1", false),
            ("8.8.8.8/v1", false),
            ("modelle.intern:8000/v1", false),
            ("127.0.0.1@evil.example/v1", false),
            ("127.0.0.1.evil.example/v1", false),
            ("localhost.evil.example", false),
            ("0.0.0.0:80", false),
            ("", false),
        ] {
            assert_eq!(is_near(address), expected, "{address}");
        }
    }
}
