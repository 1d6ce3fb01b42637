//! One file a command. What needs the open store becomes a wish: carried out here, or by the server that holds it.

mod bench;
mod check;
mod graph;
mod release;
mod schema;
mod serve;
mod tenants;
mod test;
mod tools;

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use laufzettel_domain::{Digest, Findings, Lang, TenantId, Value};
use laufzettel_mcp_kit::edge;
use laufzettel_store::{Sqlite, Store};

use crate::{
    args::{Args, Audit, Command, Keys, Language, Mcp, Runs, Tasks, Tenants, Users, Where, Who},
    config::{Config, DirectoryConfig},
    demo,
    house::{self, House, Opening},
    out::{Out, code},
    password,
    perform::{self, perform},
    socket,
    wish::{KeysCreate, LedgerWish, RunWish, ShowWish, SubjectWish, Wish},
};

pub async fn carry_out(args: Args) -> anyhow::Result<u8> {
    let lang = match args.lang {
        Language::De => Lang::De,
        Language::En => Lang::En,
    };
    let out = Out::new(lang, args.json);
    match args.command {
        Command::Up { at, port } => serve::up(at, port, &out).await,
        Command::Serve { config, after_restore } => serve::serve(&config, after_restore, &out).await,
        Command::Run { process, input, who, zone, answers, until_waiting, at } => run(process, input, who, zone, answers, until_waiting, at, &out).await,
        Command::Check { paths, flows, at } => check::check(&paths, flows, &at, &out).await,
        Command::Graph { path, format, at } => graph::graph(&path, format, &at, &out).await,
        Command::Test { paths, faults, at } => test::test(&paths, faults, &at, &out).await,
        Command::Release { process, by, password_file, at } => release::release(&process, Who { by, password_file }, &at, &out).await,
        Command::Login { at } => at_server(&at, Wish::Login, &out).await,
        Command::Logout { at } => at_server(&at, Wish::Logout, &out).await,
        Command::Tenants(Tenants::List { config }) => tenants::list(config, &out).await,
        Command::Runs(runs) => runs_wish(runs, &out).await,
        Command::Tasks(tasks) => tasks_wish(tasks, &out).await,
        Command::Audit(audit) => audit_wish(audit, &out).await,
        Command::Tools(tools) => tools::tools(tools, &out).await,
        Command::Keys(keys) => keys_wish(keys, &out).await,
        Command::Users(users) => users_wish(users, &out).await,
        Command::Schema { name } => schema::schema(name, &out).await,
        Command::Mcp(mcp) => serve_tools(mcp).await,
        Command::Other(words) => refuse(&words, &out),
        Command::Bench { dir, short } => bench::bench(&dir, short, &out).await,
    }
}

/// Commands that are promised and not built yet.
const NOT_YET: [&str; 1] = ["doctor"];

fn refuse(words: &[String], out: &Out) -> anyhow::Result<u8> {
    let name = words.first().map_or("", String::as_str);
    if NOT_YET.contains(&name) {
        bail!("{}", out.told(format!("„{name}“ wird in dieser Version noch nicht unterstützt."), format!("\"{name}\" is not supported yet in this version.")));
    }
    let known = [
        "up", "serve", "run", "check", "graph", "test", "release", "login", "logout", "runs", "tasks", "audit", "tools", "tenants", "keys", "users", "schema",
        "mcp", "bench",
    ];
    let hint = laufzettel_domain::finding::hint(name, known);
    bail!("{}", out.told(format!("Den Befehl „{name}“ gibt es nicht. {}", hint.de), format!("There is no command \"{name}\". {}", hint.en)))
}

async fn serve_tools(mcp: Mcp) -> anyhow::Result<u8> {
    let stop = edge::stop_signal();
    match mcp {
        Mcp::Dms(options) => laufzettel_mcp_dms::run(options, stop).await?,
        Mcp::Registry(options) => laufzettel_mcp_registry::run(options, stop).await?,
        Mcp::Mail(options) => laufzettel_mcp_mail::run(options, stop).await?,
        Mcp::Echo(options) => laufzettel_mcp_echo::run(options, stop).await?,
    }
    Ok(code::DONE)
}

/// Reads the configuration, the demo tenant's if none is named. Findings are said; errors among them end here.
pub async fn configuration(at: &Where, out: &Out) -> anyhow::Result<Config> {
    let (file, is_demo) = match &at.config {
        Some(file) => (file.clone(), false),
        None => (demo::ensure(Path::new(demo::FOLDER)).await?, true),
    };
    let config = read_configuration(&file, out).await?;
    if is_demo {
        demo::pin_bundled(&config).await?;
    }
    Ok(config)
}

pub async fn read_configuration(file: &Path, out: &Out) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(file).with_context(|| {
        let file = file.display();
        out.told(format!("Die Konfiguration {file} lässt sich nicht lesen"), format!("The configuration {file} cannot be read"))
    })?;
    let folder = std::fs::canonicalize(file)?.parent().map(Path::to_owned).context("die Konfiguration liegt in keinem Ordner")?;
    let (config, findings) = crate::config::read(&text, file, &folder);
    for finding in findings.iter().filter(|f| config.is_none() || f.severity == laufzettel_domain::Severity::Error) {
        out.note(finding.line(out.lang)).await;
    }
    config.with_context(|| out.text("Die Konfiguration ist so nicht brauchbar", "The configuration cannot be used like this"))
}

pub fn tenant_of(config: &Config, at: &Where, out: &Out) -> anyhow::Result<TenantId> {
    match &at.tenant {
        Some(name) => config
            .tenants
            .keys()
            .find(|id| id.as_str() == name)
            .cloned()
            .with_context(|| out.told(format!("Den Mandanten „{name}“ gibt es nicht"), format!("There is no tenant \"{name}\""))),
        None if config.tenants.len() == 1 => Ok(config.tenants.keys().next().cloned().expect("one tenant")),
        None => {
            let names = config.tenants.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            bail!("{} {names}", out.text("Bitte --tenant angeben:", "Please give --tenant:"))
        }
    }
}

/// Opens the store and carries the wish out, or hands it to the server that holds the store.
async fn wish(at: &Where, who: &Who, folder: Option<&Path>, wish: Wish, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let mut out = out.clone();
    out.asker.by.clone_from(&who.by);
    if let (Some(person), DirectoryConfig::Ldap(_)) = (&who.by, &config.tenants[&tenant].directory) {
        out.asker.password = Some(password::read(person, who.password_file.as_deref())?);
    }
    let out = &out;
    match House::open(&config, &tenant, folder, false).await? {
        Opening::Held(socket) => socket::ask(&socket, wish, out).await,
        Opening::Open(house) => {
            let exit = perform(&house, wish, out).await;
            house.close().await?;
            Ok(exit)
        }
    }
}

/// A wish only a running server can grant.
async fn at_server(at: &Where, wish: Wish, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let socket = house::socket_file(&config, &tenant_of(&config, at, out)?);
    // a socket a killed server has left behind is nobody's
    if tokio::net::UnixStream::connect(&socket).await.is_err() {
        bail!("{}", perform::NO_SERVER);
    }
    socket::ask(&socket, wish, out).await
}

#[expect(clippy::too_many_arguments, reason = "the options of one command")]
async fn run(
    process: String,
    input: Option<String>,
    who: Who,
    zone: Option<String>,
    answers: Vec<String>,
    until_waiting: bool,
    at: Where,
    out: &Out,
) -> anyhow::Result<u8> {
    let Found { id, file, schema } = match process_of(&process, &at, out).await? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let mut value = match &input {
        None => Value::Object(serde_json::Map::new()),
        Some(file) => read_json(file, out)?,
    };
    let base = input.as_deref().filter(|f| *f != "-").and_then(|f| Path::new(f).parent()).unwrap_or(Path::new("."));
    if let Some(schema) = schema {
        perform::attach_files(&schema, &mut value, base)?;
    }
    let mut given = BTreeMap::new();
    for answer in &answers {
        let (step, file) = answer
            .split_once('=')
            .with_context(|| out.told(format!("--answer SCHRITT=DATEI, nicht „{answer}“"), format!("--answer STEP=FILE, not \"{answer}\"")))?;
        given.insert(step.to_owned(), read_answer(file, out)?);
    }
    let interactive = answers.is_empty() && !until_waiting && std::io::stdin().is_terminal() && input.as_deref() != Some("-");
    let asked =
        Wish::Run(RunWish { process: id, file: file.as_ref().map(|(_, digest)| *digest), input: value, zone, answers: given, until_waiting, interactive });
    wish(&at, &who, file.as_ref().map(|(folder, _)| folder.as_path()), asked, out).await
}

/// What is to run.
struct Found {
    id: String,
    /// The folder of the file that was named, and what the file is.
    file: Option<(PathBuf, Digest)>,
    schema: Option<laufzettel_process::Schema>,
}

/// A process file (its id, its folder, its input), or the name of a process of the tenant. Findings end the command with 3.
async fn process_of(written: &str, at: &Where, out: &Out) -> anyhow::Result<Result<Found, u8>> {
    let path = Path::new(written);
    if !(path.is_file() || written.ends_with(".yaml") || written.ends_with(".yml")) {
        let config = configuration(at, out).await?;
        let own = &config.tenants[&tenant_of(&config, at, out)?];
        let catalogue = laufzettel_process::Catalogue::load(&house::read_folder(&own.processes)?);
        let schema = catalogue.processes.get(written).map(|p| p.input.clone());
        return Ok(Ok(Found { id: written.to_owned(), file: None, schema }));
    }
    let (folder, name) = check::folder_of(path, out)?;
    let mut findings = Findings::new(path.display().to_string());
    let process = laufzettel_process::read::read(&house::read_folder(&folder)?, &name, &mut findings);
    let Some(process) = process else {
        for finding in findings.into_sorted() {
            out.note(finding.line(out.lang)).await;
        }
        return Ok(Err(code::FINDINGS));
    };
    Ok(Ok(Found { id: process.id.to_string(), file: Some((folder, process.digest)), schema: Some(process.input) }))
}

/// An answer to a task, with the bytes of the files it names: their paths start where it lies.
fn read_answer(file: &str, out: &Out) -> anyhow::Result<Value> {
    let mut values = read_json(file, out)?;
    let base = Some(file).filter(|file| *file != "-").and_then(|file| Path::new(file).parent()).unwrap_or(Path::new("."));
    perform::attach_to_answer(&mut values, base)?;
    Ok(values)
}

fn read_json(file: &str, out: &Out) -> anyhow::Result<Value> {
    let text = if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| out.told(format!("{file} lässt sich nicht lesen"), format!("{file} cannot be read")))?
    };
    serde_json::from_str(&text).with_context(|| out.told(format!("{file} ist kein JSON"), format!("{file} is no JSON")))
}

async fn runs_wish(runs: Runs, out: &Out) -> anyhow::Result<u8> {
    let (at, who, asked) = match runs {
        Runs::List { state, process, unit, nummer, limit, who, at } => (at, who, Wish::RunsList { state, process, unit, nummer, limit }),
        Runs::Show { run, who, at } => (at, who, Wish::RunsShow { run }),
        Runs::Cancel { run, who, reason, at } => (at, who, Wish::RunsCancel { run, reason }),
        Runs::Retry { run, step, who, at } => (at, who, Wish::RunsRetry { run, step }),
        Runs::Resolve { run, step, who, happened, did_not_happen, at } => {
            if happened.is_none() && !did_not_happen {
                bail!("{}", out.text("Was war? --happened DATEI oder --did-not-happen", "What was it? --happened FILE or --did-not-happen"));
            }
            let happened = happened.map(|file| read_json(&file.display().to_string(), out)).transpose()?;
            (at, who, Wish::RunsResolve { run, step, happened })
        }
        Runs::Replay { run, who, at } => (at, who, Wish::RunsReplay { run }),
    };
    wish(&at, &who, None, asked, out).await
}

async fn tasks_wish(tasks: Tasks, out: &Out) -> anyhow::Result<u8> {
    let (at, who, asked) = match tasks {
        Tasks::List { step, process, closed, who, at } => (at, who, Wish::TasksList { step, process, closed }),
        Tasks::Show { task, who, at } => (at, who, Wish::TasksShow { task }),
        Tasks::Claim { task, reason, who, at } => (at, who, Wish::TasksClaim { task, reason }),
        Tasks::HandOver { task, to, note, who, at } => (at, who, Wish::TasksHandOver { task, to, note }),
        Tasks::Return { task, who, at } => (at, who, Wish::TasksReturn { task }),
        Tasks::Complete { task, who, input, at } => (at, who, Wish::TasksComplete { task, values: read_answer(&input, out)? }),
    };
    wish(&at, &who, None, asked, out).await
}

/// A file nobody holds is looked at as it lies there: opening it for writing would vouch for its end.
async fn verify(at: &Where, out: &Out) -> anyhow::Result<u8> {
    let config = configuration(at, out).await?;
    let tenant = tenant_of(&config, at, out)?;
    let file = house::store_file(&config, &tenant);
    if !file.exists() {
        let file = file.display();
        // where a witness knows of it, it was there
        if let Some(known) = house::witnessed(&config, &tenant)? {
            out.note(out.told(
                format!("GEBROCHEN: die Datenbank {file} fehlt, aber der Zeuge kennt {known} Prüfpunkte. Bitte eine Sicherung zurückspielen."),
                format!("BROKEN: the database {file} is missing, but the witness knows {known} checkpoints. Please restore a backup."),
            ))
            .await;
            return Ok(code::BROKEN);
        }
        bail!("{}", out.told(format!("{file} gibt es noch nicht"), format!("{file} does not exist yet")));
    }
    match Sqlite::read_only(&file).await {
        Err(laufzettel_store::Error::Held) => socket::ask(&house::socket_file(&config, &tenant), Wish::AuditVerify, out).await,
        Err(error) => {
            let why = error.trouble().map_or_else(|| error.to_string(), |trouble| trouble.text().get(out.lang).to_owned());
            out.note(format!("{}: {why}", out.text("GEBROCHEN: die Datei lässt sich nicht lesen", "BROKEN: the file does not read"))).await;
            Ok(code::BROKEN)
        }
        Ok(store) => {
            let store = Store::Sqlite(store);
            let records = perform::audit::Records { store: &store, config: &config, tenant: &tenant, live: None };
            match perform::audit::verify(&records, out).await {
                Ok(exit) => Ok(exit),
                Err(failed) => {
                    out.note(failed.message).await;
                    Ok(failed.code)
                }
            }
        }
    }
}

async fn audit_wish(audit: Audit, out: &Out) -> anyhow::Result<u8> {
    let (at, who, asked) = match audit {
        Audit::Verify { at } => return verify(&at, out).await,
        Audit::Show { run, kind, acted, tool, document, denied, from, until, limit, who, at } => {
            (at, who, Wish::AuditShow(ShowWish { run, kind, person: acted, tool, document, denied, from, until, limit }))
        }
        Audit::Export { format, who, at } => (at, who, Wish::AuditExport { format }),
        Audit::Ledger { from, to, by, format, who, at } => (at, who, Wish::AuditLedger(LedgerWish { from, to, by, format })),
        Audit::Subject { familienname, vornamen, geburtsdatum, email, fields, reason, who, at } => {
            let named = [("familienname", familienname), ("vornamen", vornamen), ("geburtsdatum", geburtsdatum), ("email", email)];
            let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            (at, who, Wish::AuditSubject(SubjectWish { fields: named.chain(fields).collect(), reason }))
        }
        Audit::Processing { process, format, who, at } => (at, who, Wish::AuditProcessing { process, format }),
        Audit::Erase { run, reason, with_decisions, who, at } => (at, who, Wish::AuditErase { run, reason, with_decisions }),
        // a checkpoint tells nothing and changes nothing: whoever runs the program may write one
        Audit::Checkpoint { at } => (at, Who::default(), Wish::AuditCheckpoint),
    };
    wish(&at, &who, None, asked, out).await
}

async fn keys_wish(keys: Keys, out: &Out) -> anyhow::Result<u8> {
    let (at, who, asked) = match keys {
        Keys::Create { name, service, who, processes, per_minute, expires, at } => {
            (at, who, Wish::KeysCreate(KeysCreate { name, service, processes, per_minute, expires }))
        }
        Keys::List { who, at } => (at, who, Wish::KeysList),
        Keys::Revoke { key, who, at } => (at, who, Wish::KeysRevoke { key }),
    };
    wish(&at, &who, None, asked, out).await
}

async fn users_wish(users: Users, out: &Out) -> anyhow::Result<u8> {
    let (at, who, asked) = match users {
        Users::List { who, at } => (at, who, Wish::UsersList),
        Users::Show { user, who, at } => (at, who, Wish::UsersShow { user }),
    };
    wish(&at, &who, None, asked, out).await
}
