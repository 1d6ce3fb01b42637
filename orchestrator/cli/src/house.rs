//! Opening a tenant: files, store, doors, keys. Everything here touches the machine; nothing here decides.

mod beside;
mod secrets;

use std::{
    collections::BTreeMap,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
pub use beside::witnessed;
use beside::{Looked, anchor, gap};
use laufzettel_directory::{Directory, LdapOptions};
use laufzettel_domain::{Clock, Finding, Findings, Place, TenantId, Text};
use laufzettel_doors::{
    delegation::Minter,
    model::{Endpoint, EndpointOptions},
    pins::Pins,
    settling,
    tools::{Reach, ServerOptions, ToolServer, ToolServers},
};
use laufzettel_engine::EndpointFacts;
use laufzettel_journal::Signer;
use laufzettel_policy::ToolRule;
use laufzettel_process::{Catalogue, Folder, Schema, Tools, model::Size, types::ToolTypes};
use laufzettel_server::{ApplicantLogin, Oidc, OidcOptions};
use laufzettel_store::{Sqlite, SqliteOptions, Store};
use laufzettel_worker::{Anchor, Desk, Doors, Gap, Memory, Random as _, RealDoors, SubjectSecret, SystemClock, SystemRandom, Tenant};
use secrets::key;
pub use secrets::{signer, write_secret};

use crate::{
    books,
    config::{self, ApplicantConfig, Config, DirectoryConfig, LdapConfig, Login, ModelConfig, OidcConfig, SandboxConfig, ServerConfig, TenantConfig},
    proof::Prover,
    shut,
};

/// Text files larger than this are no part of a process (letters, tables and schemas are far smaller).
const TEXT_BYTES_MAX: u64 = 1024 * 1024;
/// Files in a tenant's folder; more is a mistaken path.
const FILES_MAX: usize = 5_000;

/// Reads the text files of a folder, and of the folder `schemas` beside it. Symbolic links are not followed.
pub fn read_folder(folder: &Path) -> anyhow::Result<Folder> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    if let Some(schemas) = folder.parent().map(|p| p.join("schemas")).filter(|p| p.is_dir()) {
        collect(&schemas, "../schemas/", &mut files)?;
    }
    Ok(Folder { files })
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("Der Ordner {} lässt sich nicht lesen", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let (name, kind) = (entry.file_name().to_string_lossy().into_owned(), entry.file_type()?);
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if files.len() >= FILES_MAX {
            bail!("{} enthält mehr als {FILES_MAX} Dateien; ist das der Ordner der Prozesse?", folder.display());
        }
        if kind.is_dir() {
            collect(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file()
            && is_text(&name)
            && entry.metadata()?.len() <= TEXT_BYTES_MAX
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.insert(format!("{prefix}{name}"), text);
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| ["yaml", "yml", "json", "md", "txt"].iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// The tenant's directory. It is not asked yet; what is wrong with its own files is a finding.
pub fn directory(config: &TenantConfig, findings: &mut Vec<Finding>) -> Option<Directory> {
    match &config.directory {
        DirectoryConfig::File(file) => directory_file(file, findings),
        DirectoryConfig::Ldap(ldap) => directory_ldap(ldap, findings),
        DirectoryConfig::Claims { .. } => Some(Directory::claims()),
    }
}

/// The same where something is wrong with it, or with its file: a directory that says of nobody that he is not in it. What is wrong has been said, and
/// is not said once more of every group.
pub fn directory_or_silent(config: &TenantConfig, findings: &mut Vec<Finding>) -> Directory {
    directory(config, findings).unwrap_or_else(Directory::claims)
}

/// The people cases of processes name: those of the directory, where it knows people without a sign-in.
pub fn case_directory(config: &TenantConfig, findings: &mut Vec<Finding>) -> Option<Directory> {
    match &config.directory {
        DirectoryConfig::Claims { cases: Some(file) } => directory_file(file, findings),
        _ => directory(config, findings),
    }
}

fn directory_file(file: &Path, findings: &mut Vec<Finding>) -> Option<Directory> {
    let mut own = Findings::new(file.display().to_string());
    let directory = match std::fs::read_to_string(file) {
        Err(error) => {
            unusable(&mut own, "directory", &error);
            None
        }
        Ok(text) => laufzettel_domain::document::parse(&text, &mut own).and_then(|document| Directory::read(&document, &mut own)),
    };
    let broken = own.has_errors();
    findings.extend(own.into_sorted());
    directory.filter(|_| !broken)
}

fn directory_ldap(ldap: &LdapConfig, findings: &mut Vec<Finding>) -> Option<Directory> {
    let mut read = |file: &Path, key: &str| {
        let bytes = std::fs::read(file);
        if let Err(error) = &bytes {
            let mut own = Findings::new(file.display().to_string());
            unusable(&mut own, key, error);
            findings.extend(own.into_sorted());
        }
        bytes.ok()
    };
    let password = read(&ldap.password, "directory.ldap.password");
    let ca = ldap.ca.as_deref().map(|file| read(file, "directory.ldap.ca"));
    let ca_missing = matches!(ca, Some(None));
    let password = password.filter(|_| !ca_missing)?;
    let options = LdapOptions {
        urls: ldap.urls.clone(),
        starttls: ldap.starttls,
        ca: ca.flatten(),
        bind_dn: ldap.bind_dn.clone(),
        // a file written by an editor ends with a line break no password has
        password: String::from_utf8_lossy(&password).trim_end_matches(['\r', '\n']).to_owned(),
        base: ldap.base.clone(),
        timeout: ldap.timeout,
        pool: ldap.pool,
        cache: ldap.cache,
    };
    let directory = Directory::ldap(options);
    if let Err(error) = &directory {
        let file = ldap.ca.as_deref().unwrap_or(&ldap.password);
        let mut own = Findings::new(file.display().to_string());
        unusable(&mut own, "directory.ldap", error);
        findings.extend(own.into_sorted());
    }
    directory.ok()
}

fn unusable(findings: &mut Findings, key: &str, error: &dyn std::error::Error) {
    let text = Text::new(format!("Das Verzeichnis lässt sich so nicht benutzen: {error}."), format!("The directory cannot be used like this: {error}."));
    findings.error("LZ100", Place { line: 1, column: 1 }, key, text);
}

/// The approved definitions of a server, if there are any.
pub fn pins(config: &TenantConfig, server: &str) -> anyhow::Result<Option<Pins>> {
    let file = config.pins.join(format!("{server}.json"));
    match std::fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).map(Some).with_context(|| format!("{} ist keine Liste freigegebener Werkzeuge", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| file.display().to_string()),
    }
}

/// What is known of the tools a tenant lists: how they are approved, and what may be done with them.
#[derive(Clone)]
pub struct Approved {
    /// By `server/tool`, as `rules`.
    pub types: Tools,
    pub rules: BTreeMap<String, ToolRule>,
}

pub fn approved(config: &TenantConfig) -> anyhow::Result<Approved> {
    Ok(Approved { types: tool_types(config)?, rules: tool_rules(config)? })
}

/// Schemas of the tools a tenant lists, from their pins.
fn tool_types(config: &TenantConfig) -> anyhow::Result<Tools> {
    let mut types = Tools::new();
    for (server, listed) in &config.servers {
        let Some(pins) = pins(config, server)? else { continue };
        for definition in pins.tools.iter().filter(|d| listed.tools.contains_key(&d.name)) {
            let Ok(input) = Schema::compile(definition.input_schema.clone()) else { continue };
            let output = definition.output_schema.clone().and_then(|schema| Schema::compile(schema).ok());
            types.insert(format!("{server}/{}", definition.name), ToolTypes { input, output });
        }
    }
    Ok(types)
}

/// The rule of every listed tool, as the check and the door see it: what is declared, tightened by what the approved
/// definition says of itself.
pub fn tool_rules(config: &TenantConfig) -> anyhow::Result<BTreeMap<String, ToolRule>> {
    let mut rules = BTreeMap::new();
    for (server, listed) in &config.servers {
        let pins = pins(config, server)?.unwrap_or_default();
        let settles = settling::is_offered(&pins);
        for (tool, rule) in &listed.tools {
            rules.insert(format!("{server}/{tool}"), ToolRule { settles, ..tightened(rule, &pins, tool) });
        }
    }
    Ok(rules)
}

fn tightened(rule: &ToolRule, pins: &Pins, tool: &str) -> ToolRule {
    pins.get(tool).and_then(|definition| definition.annotations.as_ref()).map_or_else(|| rule.clone(), |annotations| rule.tightened(annotations))
}

/// Where the server's own word made a declared rule stricter: a warning each, so that nobody wonders at the door.
pub fn tightenings(config: &TenantConfig) -> anyhow::Result<Vec<Finding>> {
    let mut all = Vec::new();
    for (server, listed) in &config.servers {
        let Some(pins) = pins(config, server)? else { continue };
        let mut findings = Findings::new(config.pins.join(format!("{server}.json")).display().to_string());
        for (tool, rule) in &listed.tools {
            for change in rule.changes_to(&tightened(rule, &pins, tool)) {
                let message = laufzettel_domain::Text::new(
                    format!("{server}/{tool} {}: So sagt es der Server selbst, und seine Angaben dürfen nur verschärfen.", change.de),
                    format!("{server}/{tool} {}: the server says so itself, and its word may only tighten.", change.en),
                );
                findings.warning("LZ142", laufzettel_domain::Place { line: 1, column: 1 }, tool.as_str(), message);
            }
        }
        all.extend(findings.into_sorted());
    }
    Ok(all)
}

/// Zones the configuration has opened wider than they are shipped: a warning each, for whoever approves it.
pub fn loosened(config: &Config) -> Vec<Finding> {
    let mut findings = Findings::new("zones");
    for zone in config.zones.values().filter(|zone| zone.is_looser_than_shipped()) {
        let text = Text::new(
            format!("Die Zone {} nimmt mehr als in der ausgelieferten Tabelle. Wer hat das entschieden?", zone.name),
            format!("The zone {} takes more than in the shipped table. Who decided that?", zone.name),
        );
        findings.warning("LZ125", Place { line: 1, column: 1 }, format!("zones.{}", zone.name), text);
    }
    findings.into_sorted()
}

/// The command of a stdio server. `laufzettel` means this very program.
fn command(stdio: &[String], sandbox: Option<&SandboxConfig>, folder: &Path) -> std::io::Result<std::process::Command> {
    let (program, args) = stdio.split_first().ok_or_else(|| std::io::Error::other("kein Programm"))?;
    // the archive reads PDF through a program of the system
    let programs = program == "laufzettel" && args.starts_with(&["mcp".to_owned(), "dms".to_owned()]);
    confined(sandbox, programs, &program_of(program, folder)?, args, folder)
}

/// A bare name is looked for by the system.
pub fn program_of(word: &str, folder: &Path) -> std::io::Result<PathBuf> {
    if word == "laufzettel" {
        return std::env::current_exe();
    }
    Ok(if word.contains('/') { folder.join(word) } else { PathBuf::from(word) })
}

/// Without the confinement that is asked for, a server does not start.
fn confined(sandbox: Option<&SandboxConfig>, programs: bool, program: &Path, args: &[String], folder: &Path) -> std::io::Result<std::process::Command> {
    let Some(sandbox) = sandbox else {
        let mut command = std::process::Command::new(program);
        command.args(args).env_clear().current_dir(folder);
        return Ok(command);
    };
    crate::confine::command(sandbox, programs, program, args, folder)
}

/// The tool servers of a tenant, not started yet.
pub fn servers(config: &Config, tenant: &TenantId, own: &TenantConfig, minter: &Arc<Minter>) -> anyhow::Result<ToolServers> {
    let mut servers = ToolServers::new();
    for (name, server) in &own.servers {
        let options = ServerOptions { name: name.clone(), identity: server.identity, reach: reach(name, server, &config.folder)?, pins: pins(own, name)? };
        servers.insert(name.clone(), Arc::new(ToolServer::new(options, tenant.as_str(), minter.clone())));
    }
    Ok(servers)
}

/// Signs what tool servers are told. Drawn at every start; it is kept nowhere.
pub fn minter() -> Arc<Minter> {
    let mut secret = [0; 32];
    SystemRandom.fill(&mut secret);
    Arc::new(Minter::new(&secret))
}

fn reach(name: &str, server: &ServerConfig, folder: &Path) -> anyhow::Result<Reach> {
    match &server.reach {
        config::Reach::Stdio(words) => {
            if server.sandbox.is_none() {
                tracing::warn!(server = %name, "this tool server has no sandbox in its configuration and runs unconfined");
            }
            let (words, sandbox, cwd) = (words.clone(), server.sandbox.clone(), folder.to_owned());
            let started_in = cwd.clone();
            Ok(Reach::Stdio { command: Box::new(move || command(&words, sandbox.as_ref(), &started_in)), cwd })
        }
        config::Reach::Http { url, ca } => {
            let ca = ca.as_ref().map(|file| std::fs::read(file).with_context(|| file.display().to_string())).transpose()?;
            Reach::http(url, ca.as_deref()).with_context(|| format!("Werkzeugserver {name}"))
        }
    }
}

/// Models as routing sees them. Without any the built-in stand-in answers: in the own house, of every size, and nothing is sent
/// anywhere.
pub fn endpoint_facts(config: &Config) -> Vec<EndpointFacts> {
    if config.models.is_empty() {
        return vec![EndpointFacts { name: laufzettel_doors::standin::NAME.to_owned(), zone: "gruen".to_owned(), size: Size::L, context: u64::MAX }];
    }
    let facts = |m: &ModelConfig| EndpointFacts { name: m.name.clone(), zone: m.zone.clone(), size: m.size, context: m.context };
    config.models.iter().map(facts).collect()
}

fn endpoints(config: &Config) -> anyhow::Result<Vec<Arc<Endpoint>>> {
    let mut endpoints = Vec::new();
    for model in &config.models {
        let key = match &model.key {
            None => None,
            Some(name) => Some(std::fs::read_to_string(config.secrets.join(name)).with_context(|| format!("secret:{name}"))?.trim().to_owned()),
        };
        let ca = model.ca.as_ref().map(|file| std::fs::read(file).with_context(|| file.display().to_string())).transpose()?;
        let options = EndpointOptions {
            ca,
            name: model.name.clone(),
            url: model.url.clone(),
            model: model.model.clone(),
            key,
            concurrency: model.concurrency,
            price: model.price,
        };
        endpoints.push(Arc::new(Endpoint::new(options).with_context(|| format!("Modell {}", model.name))?));
    }
    Ok(endpoints)
}

/// The identity provider of a tenant. Nothing is asked of it yet.
fn oidc(config: &Config, own: &TenantConfig) -> anyhow::Result<Option<Arc<Oidc>>> {
    let Login::Oidc(given) = &own.login else { return Ok(None) };
    provider(config, given).context("login.oidc").map(Some)
}

/// Where applicants of a tenant sign in.
fn applicants(config: &Config, own: &TenantConfig) -> anyhow::Result<BTreeMap<String, ApplicantLogin>> {
    let one = |(name, given): (&String, &ApplicantConfig)| {
        let oidc = provider(config, &given.oidc).with_context(|| format!("applicants.{name}.oidc"))?;
        Ok((name.clone(), ApplicantLogin { oidc, levels: given.levels.clone() }))
    };
    own.applicants.iter().map(one).collect()
}

fn provider(config: &Config, given: &OidcConfig) -> anyhow::Result<Arc<Oidc>> {
    let secret = match &given.secret {
        None => None,
        Some(name) => Some(std::fs::read_to_string(config.secrets.join(name)).with_context(|| format!("secret:{name}"))?.trim().to_owned()),
    };
    let options = OidcOptions {
        issuer: given.issuer.clone(),
        client: given.client.clone(),
        secret,
        scopes: given.scopes.clone(),
        ca: given.ca.clone(),
        groups: given.groups.clone(),
        sid: given.sid.clone(),
    };
    Ok(Arc::new(Oidc::new(options)?))
}

/// A folder only its owner enters: the store holds what nobody else may read.
fn private_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    // on a file system that can only be read, what is right already is not set again
    if std::fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o700) {
        return Ok(());
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).with_context(|| folder.display().to_string())
}

/// One tenant, open: its desk, its servers, its anchor.
pub struct House {
    pub desk: Desk,
    pub servers: ToolServers,
    pub anchor: tokio::sync::Mutex<Option<Anchor>>,
    /// The identity provider, where people sign in at one.
    pub oidc: Option<Arc<Oidc>>,
    /// Those applicants sign in at.
    pub applicants: BTreeMap<String, ApplicantLogin>,
    /// Signs our delegations.
    pub minter: Arc<Minter>,
    pub config: Config,
    pub tenant: TenantId,
    /// Of a store that was restored just now: how many runs rest.
    pub resting: Option<usize>,
}

/// What a house is built around.
struct Begun {
    store: Store,
    directory: Directory,
    catalogue: Catalogue,
    clock: Arc<dyn Clock>,
    signer: Signer,
    gap: Option<Gap>,
}

/// Why a store could not be opened: somebody else holds it, or something is wrong.
pub enum Opening {
    Open(Box<House>),
    /// The server that holds it answers at this socket.
    Held(PathBuf),
}

pub fn store_file(config: &Config, tenant: &TenantId) -> PathBuf {
    config.data.join(format!("{tenant}.sqlite"))
}

pub fn socket_file(config: &Config, tenant: &TenantId) -> PathBuf {
    config.data.join(format!("{tenant}.sock"))
}

impl House {
    /// Opens a tenant. `folder`: processes from another folder than the configured one (a file named on the command line).
    /// `after_restore`: a store older than its witness is taken as it is; otherwise it is refused.
    pub async fn open(config: &Config, tenant: &TenantId, folder: Option<&Path>, after_restore: bool) -> anyhow::Result<Opening> {
        let own = config.tenants.get(tenant).with_context(|| format!("Den Mandanten „{tenant}“ gibt es nicht"))?;
        let mut findings = Vec::new();
        let directory = directory(own, &mut findings);
        if let Some(finding) = findings.first() {
            bail!("{}", finding.line(laufzettel_domain::Lang::De));
        }
        let directory = directory.unwrap_or_default();
        let mut catalogue = Catalogue::load(&read_folder(folder.unwrap_or(&own.processes))?);
        Prover::of(config, own, directory.clone())?.keep_proven(&mut catalogue).await;
        private_folder(&config.data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let signer = signer(config, tenant)?;
        let gap = match gap(config, tenant, &signer).await? {
            Looked::Held => return Ok(Opening::Held(socket_file(config, tenant))),
            Looked::Gap(gap) if !after_restore => bail!(
                "Die Datenbank von {tenant} ist älter als ihr Zeuge: Sie kennt {} von {} Prüfpunkten. Wurde eine Sicherung zurückgespielt, dann: \
                 laufzettel serve --config … --after-restore (docs/betrieb.md, Zurückspielen). Sonst fehlt, was danach geschah.",
                gap.from,
                gap.to()
            ),
            Looked::Gap(gap) => Some(gap),
            Looked::Whole => None,
        };
        let options = SqliteOptions {
            file: store_file(config, tenant),
            tenant: tenant.to_string(),
            now: laufzettel_worker::micros(clock.now()),
            lane_above: gap.as_ref().map_or(0, |gap| gap.lane_above),
        };
        let store = match Sqlite::open(options).await {
            Ok(store) => Store::Sqlite(store),
            Err(laufzettel_store::Error::Held) => return Ok(Opening::Held(socket_file(config, tenant))),
            Err(error) => return Err(shut::not_open(tenant, error)),
        };
        let kept = store.clone();
        let opened = Self::furnish(config, tenant, Begun { store, directory, catalogue, clock, signer, gap }).await;
        opened.map(|house| Opening::Open(Box::new(house))).map_err(|error| shut::beset(error, &kept))
    }

    /// Everything around an open store.
    async fn furnish(config: &Config, tenant: &TenantId, begun: Begun) -> anyhow::Result<Self> {
        let Begun { store, directory, catalogue, clock, signer, gap } = begun;
        let own = &config.tenants[tenant];
        let minter = minter();
        let servers = servers(config, tenant, own, &minter)?;
        for finding in tightenings(own)?.into_iter().chain(loosened(config)) {
            tracing::warn!("{}", finding.line(laufzettel_domain::Lang::De));
        }
        let random: Arc<dyn laufzettel_worker::Random> = Arc::new(SystemRandom);
        let approved = approved(own)?;
        let doors = RealDoors {
            servers: servers.clone(),
            endpoints: endpoints(config)?,
            facts: endpoint_facts(config),
            types: approved.types.clone(),
            clock: clock.clone(),
            random: random.clone(),
        };
        let (oidc, applicants) = (oidc(config, own)?, applicants(config, own)?);
        let subjects = SubjectSecret::new(key(&config.secrets.join(format!("subjects-{tenant}.key")))?);
        let mut opened = self::tenant(config, tenant, own, approved, store, catalogue, directory, Box::new(doors), clock, random, subjects);
        // the demo is for trial; in operation a file that is named on the command line is asked for its release like any other
        opened.release_required = own.login != Login::Demo;
        let desk = Desk::new(Arc::new(opened));
        desk.read_releases().await?;
        let resting = match &gap {
            None => None,
            Some(gap) => Some(desk.restored(gap).await.context("Die zurückgespielte Datenbank lässt sich nicht übernehmen")?),
        };
        let anchor = anchor(config, tenant, &desk.tenant.store, signer).await?;
        let house =
            Self { desk, servers, anchor: tokio::sync::Mutex::new(anchor), oidc, applicants, minter, config: config.clone(), tenant: tenant.clone(), resting };
        books::keep(&house, false).await?;
        Ok(house)
    }

    pub fn directory(&self) -> &DirectoryConfig {
        &self.config.tenants[&self.tenant].directory
    }

    /// Writes a checkpoint if anything moved.
    pub async fn checkpoint(&self) -> anyhow::Result<bool> {
        match self.anchor.lock().await.as_mut() {
            Some(anchor) => Ok(anchor.tick(&self.desk.tenant.store).await?),
            None => Ok(false),
        }
    }

    /// Ends in order: tool servers, the lane, its last checkpoint.
    pub async fn close(&self) -> anyhow::Result<()> {
        for server in self.servers.values() {
            server.stop().await;
        }
        self.desk.tenant.store.close(laufzettel_worker::micros(self.desk.tenant.clock.now())).await?;
        self.checkpoint().await?;
        Ok(())
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a tenant, put together in one place")]
pub fn tenant(
    config: &Config,
    id: &TenantId,
    own: &TenantConfig,
    approved: Approved,
    store: Store,
    catalogue: Catalogue,
    directory: Directory,
    doors: Box<dyn Doors>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn laufzettel_worker::Random>,
    subjects: SubjectSecret,
) -> Tenant {
    Tenant {
        id: id.clone(),
        name: own.name.clone(),
        store,
        catalogue,
        directory,
        rules: own.rules.clone(),
        tools: approved.rules,
        types: approved.types,
        zones: config.zones.clone(),
        quotas: own.quotas.clone(),
        release_required: false,
        own_domains: own.eigene_domains.clone(),
        units: own.units.clone(),
        zeitzone: own.zeitzone.clone(),
        public_url: config.public_url.clone(),
        doors,
        clock,
        random,
        places: own.places.clone(),
        subjects,
        witness: config.witness.clone(),
        memory: Memory::default(),
    }
}
