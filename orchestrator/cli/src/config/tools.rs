//! Tool servers of a tenant: how they are started, confined, and what each tool may do.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use laufzettel_domain::{
    Findings, Kategorie, Node, Schutzbedarf, Text, Trust,
    document::{Fields, Kind, fields},
};
use laufzettel_policy::{Clearance, Effect, Identity, ToolRule, Yields};

#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Program and arguments.
    pub stdio: Vec<String>,
    pub identity: Identity,
    /// `None`: started without confinement, which the log says.
    pub sandbox: Option<SandboxConfig>,
    pub tools: BTreeMap<String, ToolRule>,
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
    super::not_yet(&mut inner, "http");
    let stdio = inner.texts("stdio").unwrap_or_default();
    if stdio.is_empty() && node.get("http").is_none() {
        inner.missing("stdio", "LZ106");
    }
    let identity = inner.one_of("identity", &[("delegation", Identity::Delegation), ("none", Identity::None)]);
    if identity.is_none() && inner.opt("identity").is_none() {
        inner.missing("identity", "LZ106");
    }
    let sandbox = inner.opt("sandbox").and_then(|n| sandbox(n, &format!("{key}.sandbox"), folder, inner.findings));
    let mut tools = BTreeMap::new();
    for entry in inner.entries("tools") {
        // without a readable identity the file is refused anyway; nobody is the stricter reading
        let told = identity.unwrap_or(Identity::None);
        if let Some(rule) = tool(&entry.node, &format!("{key}.tools.{}", entry.key), told, inner.findings) {
            tools.insert(entry.key.clone(), rule);
        }
    }
    inner.close();
    (!stdio.is_empty()).then_some(())?;
    Some(ServerConfig { stdio, identity: identity?, sandbox, tools })
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
    Some(ToolRule { identity, effect: effect?, idempotent, groups, content, yields, clearance, undo, recipient })
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
