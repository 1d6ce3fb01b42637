//! How people of a tenant sign in: pick a person (on loopback), name and password, or the house's identity provider. And where
//! applicants do, which is another place: nobody becomes staff there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use laufzettel_domain::{
    Findings, Node, Text,
    document::{Fields, fields},
};

use laufzettel_process::applicant::Loa;

use super::{at, secret};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Pick a person; on loopback only.
    Demo,
    /// Name and password, checked by the directory.
    Ldap,
    Oidc(Box<OidcConfig>),
    /// Nobody can sign in on pages.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    pub issuer: String,
    pub client: String,
    /// Name of a file in `secrets`; without it a public client.
    pub secret: Option<String>,
    pub scopes: Vec<String>,
    pub ca: Option<PathBuf>,
    pub groups: Option<String>,
    pub sid: Option<String>,
}

/// A provider applicants sign in at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicantConfig {
    pub oidc: OidcConfig,
    /// What its `acr` means; what is not listed is refused.
    pub levels: BTreeMap<String, Loa>,
}

/// `applicants: { bundid: { oidc: { … }, levels: { <acr>: hoch } } }`
pub fn applicants(fields: &mut Fields<'_, '_>, folder: &Path) -> BTreeMap<String, ApplicantConfig> {
    let base = fields.path("applicants");
    let mut all = BTreeMap::new();
    for entry in fields.entries("applicants") {
        let key = format!("{base}.{}", entry.key);
        if laufzettel_domain::ProcessId::parse(&entry.key).is_none() {
            let text = Text::new("Der Name wird Teil einer Adresse: nur a–z, 0–9 und -.", "The name becomes part of an address: only a–z, 0–9 and -.");
            fields.findings.error("LZ109", entry.at, key.clone(), text);
        }
        all.extend(applicant(&entry.node, &key, folder, fields.findings).map(|read| (entry.key.clone(), read)));
    }
    all
}

fn applicant(node: &Node, key: &str, folder: &Path, findings: &mut Findings) -> Option<ApplicantConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let oidc = inner.req("oidc").and_then(|n| provider(n, &format!("{key}.oidc"), folder, inner.findings));
    if oidc.as_ref().is_some_and(|oidc| oidc.groups.is_some() || oidc.sid.is_some()) {
        let text = Text::new("Wer einen Antrag stellt, hat hier weder Gruppen noch eine SID.", "Whoever applies has neither groups nor a SID here.");
        inner.findings.error("LZ108", node.at, format!("{key}.oidc"), text);
    }
    inner.req("levels");
    let mut levels = BTreeMap::new();
    for entry in inner.entries("levels") {
        match entry.node.text().and_then(Loa::parse) {
            Some(level) => drop(levels.insert(entry.key.clone(), level)),
            None => {
                let text = Text::new("Möglich sind basis, substanziell und hoch.", "Possible are basis, substanziell and hoch.");
                inner.findings.error("LZ108", entry.at, format!("{key}.levels.{}", entry.key), text);
            }
        }
    }
    inner.close();
    Some(ApplicantConfig { oidc: oidc?, levels })
}

pub fn read(fields: &mut Fields<'_, '_>, folder: &Path) -> Login {
    let Some(node) = fields.opt("login") else { return Login::None };
    let key = fields.path("login");
    let Some(mut inner) = Fields::open(node, key.clone(), fields.findings) else { return Login::None };
    let (demo, ldap, oidc) = (inner.opt("demo"), inner.opt("ldap"), inner.opt("oidc"));
    if let Some(ldap) = ldap {
        empty(ldap, &format!("{key}.ldap"), inner.findings);
    }
    let provider = oidc.and_then(|node| provider(node, &format!("{key}.oidc"), folder, inner.findings));
    inner.close();
    let given = [demo, ldap, oidc].into_iter().flatten().count();
    if given != 1 {
        let text = Text::new("Eine Anmeldung hat genau eine Art (oidc, ldap, demo).", "A sign-in has exactly one kind (oidc, ldap, demo).");
        fields.findings.error("LZ116", node.at, key, text);
        return Login::None;
    }
    match (demo, ldap, provider) {
        (Some(_), _, _) => Login::Demo,
        (_, Some(_), _) => Login::Ldap,
        (_, _, Some(provider)) => Login::Oidc(Box::new(provider)),
        _ => Login::None,
    }
}

/// `ldap: {}`: the directory says everything else.
fn empty(node: &Node, key: &str, findings: &mut Findings) {
    if let Some(fields) = Fields::open(node, key, findings) {
        fields.close();
    }
}

fn provider(node: &Node, key: &str, folder: &Path, findings: &mut Findings) -> Option<OidcConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let issuer = inner.req("issuer").and_then(|n| issuer(n, &format!("{key}.issuer"), inner.findings));
    let client = inner.req_text("client").map(str::to_owned);
    let secret = inner.opt("secret").and_then(|n| secret(n, &format!("{key}.secret"), inner.findings));
    let scopes = inner.texts("scopes").unwrap_or_else(|| vec!["profile".to_owned(), "email".to_owned()]);
    let ca = inner.text("ca").map(|path| at(folder, path));
    let (groups, sid) = (inner.text("groups").map(str::to_owned), inner.text("sid").map(str::to_owned));
    inner.close();
    Some(OidcConfig { issuer: issuer?, client: client?, secret, scopes, ca, groups, sid })
}

/// https, or this very machine: codes and secrets travel there.
fn issuer(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let written = fields::text(node, key, findings)?;
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let name =
        |host: &str| host.rsplit_once(':').filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit())).map_or(host.to_owned(), |(name, _)| name.to_owned());
    let loopback = written.strip_prefix("http://").is_some_and(|rest| ["127.0.0.1", "localhost", "[::1]"].contains(&name(&host(rest)).as_str()));
    if written.starts_with("https://") || loopback {
        return Some(written.to_owned());
    }
    let text = Text::new(
        "Ein Anmeldedienst beginnt mit https://; http:// nur auf diesem Rechner (127.0.0.1, localhost).",
        "An issuer begins with https://; http:// on this machine only (127.0.0.1, localhost).",
    );
    findings.error("LZ108", node.at, key, text);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_login(text: &str) -> (Login, Vec<String>) {
        let mut findings = Findings::new("laufzettel.yaml");
        let document = laufzettel_domain::document::parse(text, &mut findings).unwrap();
        let mut fields = Fields::open(&document.root, "", &mut findings).unwrap();
        let login = read(&mut fields, Path::new("/etc/laufzettel"));
        fields.close();
        (login, findings.into_sorted().into_iter().map(|f| format!("{} {}:{} {}", f.code, f.line, f.column, f.key)).collect())
    }

    #[test]
    fn where_applicants_sign_in() {
        for (text, levels, told) in [
            (
                "applicants: { b: { oidc: { issuer: https://b.example, client: lz }, levels: { \"3\": substanziell, \"4\": hoch } } }",
                vec![("3", Loa::Substanziell), ("4", Loa::Hoch)],
                vec![],
            ),
            (
                "applicants: { b: { oidc: { issuer: https://b.example, client: lz }, levels: { \"3\": mittel } } }",
                vec![],
                vec!["LZ108 1:79 applicants.b.levels.3"],
            ),
            ("applicants: { b: { oidc: { issuer: https://b.example, client: lz, sid: s }, levels: {} } }", vec![], vec!["LZ108 1:18 applicants.b.oidc"]),
            ("applicants: { b: { oidc: { issuer: https://b.example, client: lz } } }", vec![], vec!["LZ106 1:18 applicants.b.levels"]),
        ] {
            let mut findings = Findings::new("laufzettel.yaml");
            let document = laufzettel_domain::document::parse(text, &mut findings).unwrap();
            let mut fields = Fields::open(&document.root, "", &mut findings).unwrap();
            let read = applicants(&mut fields, Path::new("/etc/laufzettel"));
            fields.close();
            let expected: BTreeMap<String, Loa> = levels.into_iter().map(|(acr, level)| (acr.to_owned(), level)).collect();
            assert_eq!(read.get("b").map(|b| b.levels.clone()), Some(expected), "{text}");
            let found: Vec<String> = findings.into_sorted().into_iter().map(|f| format!("{} {}:{} {}", f.code, f.line, f.column, f.key)).collect();
            assert_eq!(found, told, "{text}");
        }
    }

    #[test]
    fn ways_and_mistakes() {
        let provider = |issuer: &str, secret: Option<&str>| {
            Login::Oidc(Box::new(OidcConfig {
                issuer: issuer.into(),
                client: "lz".into(),
                secret: secret.map(str::to_owned),
                scopes: vec!["profile".into(), "email".into()],
                ca: None,
                groups: None,
                sid: None,
            }))
        };
        for (text, login, findings) in [
            ("login: { demo: {} }", Login::Demo, vec![]),
            ("login: { ldap: {} }", Login::Ldap, vec![]),
            ("login: { ldap: { url: x } }", Login::Ldap, vec!["LZ105 1:18 login.ldap.url"]),
            ("login: { oidc: { issuer: https://l.example/, client: lz, secret: secret:o } }", provider("https://l.example/", Some("o")), vec![]),
            ("login: { oidc: { issuer: http://127.0.0.1:9, client: lz } }", provider("http://127.0.0.1:9", None), vec![]),
            ("login: { oidc: { issuer: http://l.example, client: lz } }", Login::None, vec!["LZ108 1:26 login.oidc.issuer"]),
            ("login: { oidc: { issuer: http://127.0.0.1.l.example, client: lz } }", Login::None, vec!["LZ108 1:26 login.oidc.issuer"]),
            ("login: { oidc: { issuer: https://l.example } }", Login::None, vec!["LZ106 1:16 login.oidc.client"]),
            (
                "login: { oidc: { issuer: https://l.example, client: lz, secret: offen } }",
                provider("https://l.example", None),
                vec!["LZ121 1:65 login.oidc.secret"],
            ),
            ("login: { demo: {}, ldap: {} }", Login::None, vec!["LZ116 1:8 login"]),
            ("login: {}", Login::None, vec!["LZ116 1:8 login"]),
        ] {
            let (found, told) = read_login(text);
            assert_eq!((found, told), (login, findings.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }
}
