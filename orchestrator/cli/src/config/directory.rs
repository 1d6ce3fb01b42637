//! `directory` of a tenant: a file, LDAP, or the claims of the sign-in. Exactly one of them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use laufzettel_domain::{
    Findings, Node, Text,
    document::{Fields, fields},
};

use super::{at, secret};

/// Milliseconds a domain controller may take: by default five seconds, a sign-in page is still worth waiting for.
const TIMEOUT_MS: (i64, i64, i64) = (100, 5_000, 60_000);
/// Milliseconds an answer counts: by default ten seconds. Beyond ten minutes a withdrawn right would live on for too long.
const CACHE_MS: (i64, i64, i64) = (0, 10_000, 600_000);
/// Connections at once: by default four; a controller serves many houses.
const POOL: (i64, usize, i64) = (1, 4, 64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryConfig {
    File(PathBuf),
    Ldap(LdapConfig),
    /// People are who the sign-in says they are. `cases`: a file with the people that cases of processes name, as nobody
    /// signs in for one.
    Claims {
        cases: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapConfig {
    pub urls: Vec<String>,
    pub starttls: bool,
    /// PEM file of the house's own CA.
    pub ca: Option<PathBuf>,
    pub bind_dn: String,
    /// File with the password.
    pub password: PathBuf,
    pub base: String,
    pub timeout: Duration,
    pub pool: usize,
    pub cache: Duration,
}

pub fn read(tenant: &mut Fields<'_, '_>, folder: &Path, secrets: &Path) -> Option<DirectoryConfig> {
    let node = tenant.req("directory")?;
    let key = tenant.path("directory");
    let mut inner = Fields::open(node, key.clone(), tenant.findings)?;
    let file = inner.text("file").map(|path| DirectoryConfig::File(at(folder, path)));
    let ldap = inner.opt("ldap").map(|node| ldap(node, format!("{key}.ldap"), folder, secrets, inner.findings).map(DirectoryConfig::Ldap));
    let claims = inner.opt("oidc").map(|node| {
        let mut fields = Fields::open(node, format!("{key}.oidc"), inner.findings)?;
        let cases = fields.text("cases").map(|path| at(folder, path));
        fields.close();
        Some(DirectoryConfig::Claims { cases })
    });
    let named = ["file", "ldap", "oidc"].iter().filter(|kind| node.get(kind).is_some()).count();
    if named == 0 {
        inner.missing("file", "LZ106");
    } else if named > 1 {
        let text = Text::new("Ein Mandant hat genau ein Verzeichnis: file, ldap oder oidc.", "A tenant has exactly one directory: file, ldap or oidc.");
        inner.findings.error("LZ108", node.at, key, text);
    }
    inner.close();
    file.or(ldap.flatten()).or(claims.flatten())
}

fn ldap(node: &Node, key: String, folder: &Path, secrets: &Path, findings: &mut Findings) -> Option<LdapConfig> {
    let mut inner = Fields::open(node, key.clone(), findings)?;
    let starttls = inner.boolean("starttls").unwrap_or(false);
    let urls = inner.req("url").map(|node| urls(node, &format!("{key}.url"), starttls, inner.findings)).unwrap_or_default();
    let ca = inner.text("ca").map(|path| at(folder, path));
    let bind_dn = inner.req_text("bind_dn").map(str::to_owned);
    let password = inner.req("password").and_then(|node| secret(node, &format!("{key}.password"), inner.findings)).map(|name| secrets.join(name));
    let base = inner.req_text("base").map(str::to_owned);
    let timeout = millis(&mut inner, "timeout", TIMEOUT_MS);
    let cache = millis(&mut inner, "cache", CACHE_MS);
    let pool = inner.integer("pool", POOL.0, POOL.2).and_then(|n| usize::try_from(n).ok()).unwrap_or(POOL.1);
    inner.close();
    Some(LdapConfig { urls, starttls, ca, bind_dn: bind_dn?, password: password?, base: base?, timeout, pool, cache })
}

/// One address or several, in the order they are asked. What would travel in the clear is refused.
fn urls(node: &Node, key: &str, starttls: bool, findings: &mut Findings) -> Vec<String> {
    let urls = fields::texts(node, key, findings);
    let mut wrong = |text: Text| {
        findings.error("LZ108", node.at, key, text);
    };
    if urls.is_empty() {
        wrong(Text::new("Mindestens ein Domänencontroller muss hier stehen.", "At least one domain controller must stand here."));
    }
    for url in &urls {
        match url.split_once("://") {
            Some(("ldaps", host)) if !host.is_empty() && !starttls => {}
            Some(("ldap", host)) if !host.is_empty() && starttls => {}
            Some(("ldap", _)) if !starttls => wrong(Text::new(
                format!("{url}: Kennwörter und Gruppen gehen nie im Klartext über das Netz. ldaps://… oder starttls: true."),
                format!("{url}: passwords and groups never travel in the clear. ldaps://… or starttls: true."),
            )),
            _ => wrong(Text::new(
                format!("{url}: hier steht ldaps://RECHNER, mit starttls: true ldap://RECHNER."),
                format!("{url}: write ldaps://HOST, or ldap://HOST with starttls: true."),
            )),
        }
    }
    urls
}

/// A duration between two bounds, in milliseconds.
fn millis(fields: &mut Fields<'_, '_>, name: &'static str, (min, usual, max): (i64, i64, i64)) -> Duration {
    let written = fields.span(name).map(|span| span.approx_millis());
    if written.is_some_and(|ms| !(min..=max).contains(&ms)) {
        let (place, key) = (fields.opt(name).map_or(fields.at(), |node| node.at), fields.path(name));
        let text = Text::new(format!("Möglich sind {min} bis {max} Millisekunden."), format!("{min} to {max} milliseconds are possible."));
        fields.findings.error("LZ108", place, key, text);
    }
    Duration::from_millis(u64::try_from(written.unwrap_or(usual)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings_of(text: &str) -> (Option<DirectoryConfig>, Vec<String>) {
        let mut findings = Findings::new("c.yaml");
        let document = laufzettel_domain::document::parse(text, &mut findings).unwrap();
        let mut fields = Fields::open(&document.root, "t", &mut findings).unwrap();
        let directory = read(&mut fields, Path::new("/etc/lz"), Path::new("/etc/lz/secrets"));
        fields.close();
        (directory, findings.into_sorted().into_iter().map(|f| format!("{} {} {}", f.code, f.line, f.key)).collect())
    }

    const REST: &str = "bind_dn: CN=svc, password: secret:ldap, base: DC=x";

    #[test]
    fn a_whole_one() {
        let text = format!("directory: {{ ldap: {{ url: [ldaps://dc1, ldaps://dc2:1636], ca: ./ca.pem, {REST}, timeout: PT2S, cache: PT0S, pool: 8 }} }}");
        let expected = LdapConfig {
            urls: vec!["ldaps://dc1".into(), "ldaps://dc2:1636".into()],
            starttls: false,
            ca: Some("/etc/lz/ca.pem".into()),
            bind_dn: "CN=svc".into(),
            password: "/etc/lz/secrets/ldap".into(),
            base: "DC=x".into(),
            timeout: Duration::from_secs(2),
            pool: 8,
            cache: Duration::ZERO,
        };
        assert_eq!(findings_of(&text), (Some(DirectoryConfig::Ldap(expected)), vec![]));
        assert_eq!(findings_of("directory: { oidc: {} }"), (Some(DirectoryConfig::Claims { cases: None }), vec![]));
        let cases = Some(DirectoryConfig::Claims { cases: Some("/etc/lz/p.yaml".into()) });
        assert_eq!(findings_of("directory: { oidc: { cases: ./p.yaml } }"), (cases, vec![]));
        assert_eq!(findings_of("directory: { file: ./d.yaml }"), (Some(DirectoryConfig::File("/etc/lz/d.yaml".into())), vec![]));
    }

    #[test]
    fn mistakes_are_found() {
        for (text, expected) in [
            ("directory: {}".to_owned(), "LZ106 1 t.directory.file"),
            ("directory: { file: a, oidc: {} }".to_owned(), "LZ108 1 t.directory"),
            (format!("directory: {{ ldap: {{ url: ldap://dc1, {REST} }} }}"), "LZ108 1 t.directory.ldap.url"),
            (format!("directory: {{ ldap: {{ url: ldaps://dc1, starttls: true, {REST} }} }}"), "LZ108 1 t.directory.ldap.url"),
            (format!("directory: {{ ldap: {{ url: [], {REST} }} }}"), "LZ108 1 t.directory.ldap.url"),
            (format!("directory: {{ ldap: {{ url: ldaps://dc1, cache: PT1H, {REST} }} }}"), "LZ108 1 t.directory.ldap.cache"),
            (format!("directory: {{ ldap: {{ url: ldaps://dc1, timeout: PT0S, {REST} }} }}"), "LZ108 1 t.directory.ldap.timeout"),
            (format!("directory: {{ ldap: {{ url: ldaps://dc1, filter: x, {REST} }} }}"), "LZ105 1 t.directory.ldap.filter"),
            ("directory: { ldap: { url: ldaps://dc1, bind_dn: CN=svc, password: geheim, base: DC=x } }".to_owned(), "LZ121 1 t.directory.ldap.password"),
        ] {
            assert_eq!(findings_of(&text).1, [expected], "{text}");
        }
    }
}
