//! How people of a tenant sign in: pick a person (on loopback), name and password, or the house's identity provider.

use std::path::{Path, PathBuf};

use laufzettel_domain::{
    Findings, Node, Text,
    document::{Fields, fields},
};

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
