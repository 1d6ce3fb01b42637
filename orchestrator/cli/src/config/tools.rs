//! Tool servers of a tenant: how they are started, confined, and what each tool may do.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use laufzettel_domain::{
    Findings, Kategorie, Node, Schutzbedarf, Text, Trust,
    document::{Fields, Kind, fields},
    names::SETTLE,
};
use laufzettel_policy::{Clearance, Effect, Identity, ToolRule, Yields};

#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub reach: Reach,
    pub identity: Identity,
    /// `None`: started without confinement, which the log says.
    pub sandbox: Option<SandboxConfig>,
    pub tools: BTreeMap<String, ToolRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Program and arguments.
    Stdio(Vec<String>),
    /// `https://…/mcp`, or `http://` to an address of the house.
    Http {
        url: String,
        /// Certificate of the authority its address is believed by.
        ca: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SandboxConfig {
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
}

pub fn servers(fields: &mut Fields<'_, '_>, folder: &Path) -> BTreeMap<String, ServerConfig> {
    let base = fields.path("tools");
    let mut servers = BTreeMap::new();
    for entry in fields.entries("tools") {
        if let Some(server) = server(&entry.node, &format!("{base}.{}", entry.key), folder, fields.findings) {
            servers.insert(entry.key.clone(), server);
        }
    }
    servers
}

fn server(node: &Node, key: &str, folder: &Path, findings: &mut Findings) -> Option<ServerConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let reach = reach(&mut inner, node, key, folder);
    let identity = inner.one_of("identity", &[("delegation", Identity::Delegation), ("none", Identity::None)]);
    if identity.is_none() && inner.opt("identity").is_none() {
        inner.missing("identity", "LZ106");
    }
    let sandbox = inner.opt("sandbox").and_then(|n| sandbox(n, &format!("{key}.sandbox"), folder, inner.findings));
    let mut tools = BTreeMap::new();
    for entry in inner.entries("tools") {
        if entry.key == SETTLE {
            let text = Text::new(
                "settle wird nicht eingetragen: Danach fragt nur das Programm selbst, sobald der Server es anbietet und es freigegeben ist.",
                "settle is not listed: only the program itself asks it, once the server offers it and it is pinned.",
            );
            inner.findings.error("LZ108", entry.node.at, format!("{key}.tools.{SETTLE}"), text);
            continue;
        }
        // without a readable identity the file is refused anyway; nobody is the stricter reading
        let told = identity.unwrap_or(Identity::None);
        if let Some(rule) = tool(&entry.node, &format!("{key}.tools.{}", entry.key), told, inner.findings) {
            tools.insert(entry.key.clone(), rule);
        }
    }
    if let (Some(_), Some(Reach::Http { .. })) = (&sandbox, &reach) {
        let text = Text::new(
            "Ein Server über HTTP läuft anderswo: Abschotten muss ihn, wer ihn dort betreibt. Bitte sandbox streichen.",
            "A server over HTTP runs elsewhere: whoever runs it there must confine it. Remove sandbox.",
        );
        inner.findings.error("LZ108", node.at, format!("{key}.sandbox"), text);
    }
    inner.close();
    Some(ServerConfig { reach: reach?, identity: identity?, sandbox, tools })
}

/// A program of this machine, or an address. Exactly one of them.
fn reach(inner: &mut Fields<'_, '_>, node: &Node, key: &str, folder: &Path) -> Option<Reach> {
    let stdio = inner.texts("stdio").filter(|words| !words.is_empty()).map(Reach::Stdio);
    let url = inner.opt("http").and_then(|n| super::url(n, &format!("{key}.http"), inner.findings));
    let ca = inner.text("ca").map(|path| super::at(folder, path));
    if ca.is_some() && node.get("http").is_none() {
        let text = Text::new(
            "ca gehört zu http; ein Programm dieses Rechners hat kein Zertifikat.",
            "ca belongs to http; a program of this machine has no certificate.",
        );
        inner.findings.error("LZ108", node.at, format!("{key}.ca"), text);
    }
    match (node.get("stdio").is_some(), node.get("http").is_some()) {
        (true, true) => {
            let text = Text::new("Ein Werkzeugserver hat genau einen Weg: stdio oder http.", "A tool server has exactly one way: stdio or http.");
            inner.findings.error("LZ108", node.at, key, text);
        }
        (_, false) if stdio.is_none() => inner.missing("stdio", "LZ106"),
        _ => {}
    }
    stdio.or_else(|| url.map(|url| Reach::Http { url, ca }))
}

fn sandbox(node: &Node, key: &str, folder: &Path, findings: &mut Findings) -> Option<SandboxConfig> {
    let mut inner = Fields::open(node, key, findings)?;
    let mut paths = |name| inner.texts(name).unwrap_or_default().iter().map(|p| super::at(folder, p)).collect();
    let (write, read) = (paths("write"), paths("read"));
    match inner.opt("network") {
        Some(node) if node.text() != Some("none") => super::unsupported(node.at, &format!("{key}.network"), "network: allow", inner.findings),
        _ => {}
    }
    inner.close();
    Some(SandboxConfig { read, write })
}

fn tool(node: &Node, key: &str, identity: Identity, findings: &mut Findings) -> Option<ToolRule> {
    let mut inner = Fields::open(node, key, findings)?;
    let effect = inner.one_of("effect", &[("read", Effect::Read), ("write", Effect::Write), ("send", Effect::Send)]);
    if inner.opt("effect").is_none() {
        inner.missing("effect", "LZ106");
    }
    let idempotent = inner.boolean("idempotent").unwrap_or(false);
    let groups = inner.texts("groups").unwrap_or_default();
    let content: BTreeSet<String> = inner.texts("content").unwrap_or_default().into_iter().collect();
    let yields = inner.opt("yields").and_then(|n| yields(n, &format!("{key}.yields"), inner.findings)).unwrap_or_default();
    let clearance = inner.opt("clearance").and_then(|n| clearance(n, &format!("{key}.clearance"), inner.findings)).unwrap_or_default();
    let undo = inner.text("undo").map(str::to_owned);
    let recipient = inner.text("recipient").map(str::to_owned);
    if effect == Some(Effect::Send) && recipient.is_none() && matches!(clearance, Clearance::Recipients { .. }) {
        let at = node.at;
        inner.findings.error(
            "LZ106",
            at,
            format!("{key}.recipient"),
            Text::new(
                "Ein Werkzeug, das sendet, nennt mit recipient das Argument, in dem der Empfänger steht.",
                "A tool that sends names with `recipient` the argument that holds the receiver.",
            ),
        );
    }
    inner.close();
    Some(ToolRule { identity, effect: effect?, idempotent, groups, content, yields, clearance, undo, recipient, settles: false })
}

fn yields(node: &Node, key: &str, findings: &mut Findings) -> Option<Yields> {
    let default = Yields::default();
    let mut inner = Fields::open(node, key, findings)?;
    let schutzbedarf = inner.one_of("schutzbedarf", &Schutzbedarf::ALL).unwrap_or(default.schutzbedarf);
    let trust = inner.one_of("trust", &Trust::ALL).unwrap_or(default.trust);
    // a list that cannot be read must not become an empty one: it would lower the label
    let kategorien = inner.many_of("kategorien", &Kategorie::ALL).map(|list| list.into_iter().collect());
    inner.close();
    Some(Yields { schutzbedarf, kategorien, trust })
}

fn clearance(node: &Node, key: &str, findings: &mut Findings) -> Option<Clearance> {
    if matches!(node.kind, Kind::Text(_)) {
        return fields::one_of(node, key, &Schutzbedarf::ALL, findings).map(Clearance::Level);
    }
    let mut inner = Fields::open(node, key, findings)?;
    let mut level = |name| inner.one_of(name, &Schutzbedarf::ALL).unwrap_or(Schutzbedarf::Kein);
    let (haus, beteiligte, andere) = (level("haus"), level("beteiligte"), level("andere"));
    inner.close();
    Some(Clearance::Recipients { haus, beteiligte, andere })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Reach>, Vec<String>) {
        let mut findings = Findings::new("c.yaml");
        let text = format!("tools: {{ dms: {{ {text}, identity: delegation, tools: {{}} }} }}");
        let document = laufzettel_domain::document::parse(&text, &mut findings).unwrap();
        let mut fields = Fields::open(&document.root, "t", &mut findings).unwrap();
        let reach = servers(&mut fields, Path::new("/etc/lz")).remove("dms").map(|server| server.reach);
        fields.close();
        (reach, findings.into_sorted().into_iter().map(|f| format!("{} {}", f.code, f.key)).collect())
    }

    #[test]
    fn a_server_has_one_way() {
        let http = |url: &str, ca: Option<&str>| Some(Reach::Http { url: url.into(), ca: ca.map(PathBuf::from) });
        for (text, reach, findings) in [
            ("stdio: [laufzettel, mcp, dms]", Some(Reach::Stdio(vec!["laufzettel".into(), "mcp".into(), "dms".into()])), vec![]),
            ("http: https://akten.vg.example/mcp, ca: ./hausca.pem", http("https://akten.vg.example/mcp", Some("/etc/lz/hausca.pem")), vec![]),
            ("http: http://10.1.2.3:8090/mcp", http("http://10.1.2.3:8090/mcp", None), vec![]),
            ("http: http://akten.vg.example/mcp", None, vec!["LZ124 t.tools.dms.http"]),
            ("http: ftp://akten.vg.example/mcp", None, vec!["LZ108 t.tools.dms.http"]),
            ("http: https://a.example/mcp, stdio: [x]", Some(Reach::Stdio(vec!["x".into()])), vec!["LZ108 t.tools.dms"]),
            ("http: https://a.example/mcp, sandbox: { write: [] }", http("https://a.example/mcp", None), vec!["LZ108 t.tools.dms.sandbox"]),
            ("stdio: [x], ca: ./a.pem", Some(Reach::Stdio(vec!["x".into()])), vec!["LZ108 t.tools.dms.ca"]),
            ("stdio: []", None, vec!["LZ106 t.tools.dms.stdio"]),
        ] {
            assert_eq!(read(text), (reach, findings.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }
}
