//! `bench`: the workloads of `docs/benchmarks.md` on this machine, each beside the limit measured in the same run.

mod pages;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use laufzettel_directory::Directory;
use laufzettel_domain::{Caller, Clock, EffectKey, EffectPath, Findings, Lang, RunId, Slot, StepId, TenantId, Via, names::Phase};
use laufzettel_doors::tools::{Reach, ServerOptions, ToolServer, ToolServers};
use laufzettel_policy::{Clearance, Cleared, Effect, Identity, Rules, ServiceAccount, ToolCall, ToolRule, Who, Yields, clear_tool};
use laufzettel_process::{
    Catalogue, Folder, Tools,
    model::RunAs,
    picture::{Drawing, Picture, svg},
    read,
};
use laufzettel_store::{Append, Sqlite, SqliteOptions, Store};
use laufzettel_worker::{Desk, Memory, RealDoors, StartRequest, SystemClock, SystemRandom, Tenant, Worker};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    house,
    out::{Out, code},
    proof::Prover,
};

const HEAD: &str = "version: 1.0.0\ntitle: Messung\nverantwortlich: FB\nrechtsgrundlage: [Messung]\nzweck: Messung\nschutzbedarf: kein\ndatenkategorien: []\naufbewahrung: { vorgang: P1D, inhalte: P1D }\nautomatisierung: assistenz\nrun_as: service:svc\ntriggers: [{ intake: { path: PATH, run_as: service:svc } }]\ninput: { type: object }\nsteps:\n";

/// `count` steps in a row.
fn process(id: &str, count: usize, step: &str) -> String {
    let mut text = format!("process: {id}\n{}", HEAD.replace("PATH", id));
    for n in 0..count {
        let needs = if n == 0 { String::new() } else { format!("needs: [s{}], ", n - 1) };
        text.push_str(&format!("  s{n}: {{ {needs}{step} }}\n"));
    }
    text
}

fn rule(effect: Effect) -> ToolRule {
    ToolRule {
        identity: Identity::None,
        effect,
        idempotent: true,
        groups: vec![],
        content: ["text".to_owned()].into(),
        yields: Yields::default(),
        clearance: Clearance::Level(laufzettel_domain::Schutzbedarf::Hoch),
        undo: None,
        recipient: None,
        settles: false,
    }
}

struct Bench {
    desk: Desk,
    echo: Arc<ToolServer>,
}

async fn open(dir: &Path) -> anyhow::Result<Bench> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn laufzettel_worker::Random> = Arc::new(SystemRandom);
    let store =
        Sqlite::open(SqliteOptions { file: dir.join("messung.sqlite"), tenant: "messung".to_owned(), now: 0, lane_above: 0 }).await.context("der Speicher")?;
    let files = [
        ("w1a.yaml", process("w1a", 10, "set: { x: 1 }")),
        ("w1b.yaml", process("w1b", 10, "tool: echo/echo, with: { text: hallo }")),
        ("w6.yaml", process("w6", 1, "tool: echo/echo, with: { text: hallo }")),
        ("w4.yaml", process("w4", 3, &format!("tool: echo/warten, with: {{ ms: 20, text: \"{}\" }}", "x".repeat(1024)))),
    ];
    let catalogue = Catalogue::load(&Folder { files: files.into_iter().map(|(n, t)| (n.to_owned(), t)).collect() });
    anyhow::ensure!(catalogue.processes.len() == 4, "{:?}", catalogue.findings);
    let echo = Arc::new(echo(dir).await?);
    let account = ServiceAccount { processes: vec!["*".to_owned()], groups: vec![], allow: vec!["tool.call:echo/*".to_owned()] };
    let tenant = Tenant {
        id: TenantId::parse("messung").context("ein Name")?,
        name: "Messung".to_owned(),
        store: Store::Sqlite(store),
        catalogue,
        directory: Directory::default(),
        rules: Rules { services: BTreeMap::from([("svc".to_owned(), account)]), ..Rules::default() },
        tools: BTreeMap::from([("echo/echo".to_owned(), rule(Effect::Read)), ("echo/warten".to_owned(), rule(Effect::Read))]),
        types: Tools::new(),
        zones: BTreeMap::new(),
        quotas: laufzettel_worker::Quotas::default(),
        release_required: false,
        own_domains: vec![],
        units: BTreeMap::new(),
        zeitzone: "UTC".to_owned(),
        public_url: String::new(),
        doors: Box::new(RealDoors {
            servers: ToolServers::from([("echo".to_owned(), echo.clone())]),
            endpoints: vec![],
            facts: vec![],
            types: Tools::new(),
            clock: clock.clone(),
            random: random.clone(),
        }),
        clock,
        random,
        places: laufzettel_worker::Places::default(),
        subjects: laufzettel_worker::SubjectSecret::new([0; 32]),
        witness: None,
        memory: Memory::default(),
    };
    Ok(Bench { desk: Desk::new(Arc::new(tenant)), echo })
}

/// The bundled echo server, with its own definitions approved.
async fn echo(dir: &Path) -> anyhow::Result<ToolServer> {
    let minter = house::minter();
    let options = |pins| ServerOptions {
        name: "echo".to_owned(),
        identity: Identity::None,
        reach: Reach::Stdio {
            command: Box::new(|| {
                let mut command = std::process::Command::new(std::env::current_exe()?);
                command.args(["mcp", "echo"]);
                Ok(command)
            }),
            cwd: dir.to_owned(),
        },
        pins,
    };
    let first = ToolServer::new(options(None), "messung", minter.clone());
    let found = first.definitions().await.map_err(|e| anyhow::anyhow!("{e}"))?;
    first.stop().await;
    Ok(ToolServer::new(options(Some(found)), "messung", minter))
}

async fn begin(desk: &Desk, process: &'static str, service: &str) -> anyhow::Result<RunId> {
    Ok(desk.start(application(process, service, false)).await?.run)
}

/// `status`: with a status page.
fn application(process: &str, service: &str, status: bool) -> StartRequest {
    StartRequest {
        process: process.to_owned(),
        caller: Caller { via: Via::Intake, ..Caller::applicant("messung") },
        run_as: Some(RunAs::Service(service.to_owned())),
        input: json!({}),
        zone: None,
        receipts: vec![],
        clock: None,
        facts: serde_json::Value::Null,
        status,
    }
}

/// One run, driven to its end. Seconds it took.
async fn one(desk: Desk, process: &'static str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let run = begin(&desk, process, "svc").await?;
    let row = desk.tenant.store.run(run).await?;
    if row.is_none_or(|row| row.ended_at.is_none()) {
        desk.drive(run).await?;
    }
    Ok(began.elapsed())
}

/// Runs that are open, each with a call under way, when the program ends without a word.
const OPEN_RUNS: u32 = 1000;

/// From opening the store until every open run has been taken up: its call made again, what came of it decided and written. Beside
/// it the same many appends of one record, as many at once as the worker drives.
async fn recovery(folder: &Path) -> anyhow::Result<(Duration, Duration)> {
    let dir = folder.join("wieder");
    std::fs::create_dir_all(&dir)?;
    let bench = open(&dir).await?;
    for _ in 0..OPEN_RUNS {
        begin(&bench.desk, "w6", "svc").await?;
    }
    bench.echo.stop().await;
    // no lane is closed, nothing is said: all that is left is what is durable
    drop(bench);
    let (began, bench) = loop {
        let began = Instant::now();
        match open(&dir).await {
            Err(error) if matches!(error.downcast_ref(), Some(laufzettel_store::Error::Held)) => tokio::time::sleep(Duration::from_millis(10)).await,
            other => break (began, other?),
        }
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let work = tokio::spawn(Worker::new(bench.desk.clone()).run(stop.clone()));
    while !bench.desk.tenant.store.claimable(0, 1).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    for _ in 0..OPEN_RUNS {
        if under_way.len() >= 128 {
            under_way.join_next().await.context("one of them")???;
        }
        let store = bench.desk.tenant.store.clone();
        under_way
            .spawn(async move { Ok::<_, anyhow::Error>(store.note(laufzettel_journal::Draft::new("bench", "engine", 0, json!({ "v": 1 }), None)).await?) });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    let bare = began.elapsed();
    stop.cancel();
    work.await?;
    bench.echo.stop().await;
    Ok((took, bare))
}

/// Runs per second with `at_once` in flight, and the median latency.
async fn load(desk: &Desk, process: &'static str, runs: usize, at_once: usize) -> anyhow::Result<(f64, Duration)> {
    let began = Instant::now();
    let mut under_way: JoinSet<anyhow::Result<Duration>> = JoinSet::new();
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        if under_way.len() >= at_once
            && let Some(done) = under_way.join_next().await
        {
            times.push(done??);
        }
        under_way.spawn(one(desk.clone(), process));
    }
    while let Some(done) = under_way.join_next().await {
        times.push(done??);
    }
    times.sort();
    Ok((rate(runs, began.elapsed()), times[times.len() / 2]))
}

fn rate(count: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// Commits of one record per second: what the disk allows whoever commits one by one.
async fn commits(desk: &Desk, count: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    for _ in 0..count {
        let draft = laufzettel_journal::Draft::new("bench", "engine", 0, json!({ "v": 1 }), None);
        desk.tenant.store.append(Append { drafts: vec![draft], ..Append::default() }).await?;
    }
    Ok(rate(count, began.elapsed()))
}

/// A call both doors' questions were asked about; there is no other kind the adapter takes.
fn cleared(tool: &str, arguments: &Value) -> anyhow::Result<Cleared<ToolCall>> {
    let account = ServiceAccount { processes: vec!["*".to_owned()], groups: vec![], allow: vec!["tool.call:echo/*".to_owned()] };
    let rules = Rules { services: BTreeMap::from([("svc".to_owned(), account)]), ..Rules::default() };
    let step = StepId::parse("s0").context("a name")?;
    let key = EffectKey {
        tenant: TenantId::parse("messung").context("a name")?,
        run: RunId::new(SystemClock.now(), [0; 10]),
        path: EffectPath::of(&Slot::of(step), Phase::Do),
        round: 0,
    };
    let call = ToolCall {
        key,
        attempt: 1,
        process: "w1b".to_owned(),
        zweck: "Messung".to_owned(),
        server: "echo".to_owned(),
        tool: tool.to_owned(),
        arguments: arguments.clone(),
        labels: BTreeMap::new(),
        listed: std::collections::BTreeSet::new(),
        contacts: std::collections::BTreeSet::new(),
        declared: std::collections::BTreeSet::new(),
        receipt: false,
        timeout_ms: 60_000,
        who: Who { caller: Caller::service("svc", Via::Intake), groups: vec![] },
    };
    clear_tool(call, &rule(Effect::Read), &[], &rules).map_err(|decision| anyhow::anyhow!("{}", decision.reason.de))
}

/// Calls of the echo server by the adapter alone, without engine or journal.
async fn bare(bench: &Bench, calls: usize, at_once: usize, tool: &'static str, arguments: Value) -> anyhow::Result<(f64, Duration)> {
    let began = Instant::now();
    let mut under_way: JoinSet<anyhow::Result<Duration>> = JoinSet::new();
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        if under_way.len() >= at_once
            && let Some(done) = under_way.join_next().await
        {
            times.push(done??);
        }
        let (echo, arguments) = (bench.echo.clone(), arguments.clone());
        under_way.spawn(async move {
            let began = Instant::now();
            let call = cleared(tool, &arguments)?;
            echo.call(&call, &SystemClock, 60, [0; 16]).await.map_err(|e| anyhow::anyhow!("{e}"))?;
            Ok(began.elapsed())
        });
    }
    while let Some(done) = under_way.join_next().await {
        times.push(done??);
    }
    times.sort();
    Ok((rate(calls, began.elapsed()), times[times.len() / 2]))
}

/// A process of 200 steps: read and proven, and drawn.
async fn large() -> anyhow::Result<(Duration, Duration)> {
    let folder = Folder { files: BTreeMap::from([("w7.yaml".to_owned(), process("w7", 200, "set: { n: 1 }"))]) };
    let prover = Prover::without_tenant();
    let began = Instant::now();
    let mut findings = Findings::new("w7.yaml");
    let process = read::read(&folder, "w7.yaml", &mut findings).context("W7 ist kein Prozess")?;
    prover.prove(&process, &mut findings).await;
    let checked = began.elapsed();
    let began = Instant::now();
    svg::alone(&Picture::of(&process, &Drawing { lang: Lang::De, effect: &|_| None, states: false })?);
    Ok((checked, began.elapsed()))
}

/// Resident memory of this process in MiB, as the kernel counts it.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

pub async fn bench(dir: &Path, short: bool, out: &Out) -> anyhow::Result<u8> {
    let folder = dir.join(format!("laufzettel-messung-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let done = measure(&folder, if short { 1 } else { 5 }, out).await;
    std::fs::remove_dir_all(&folder).ok();
    done?;
    Ok(code::DONE)
}

async fn measure(folder: &Path, scale: usize, out: &Out) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        out.note("Dies ist eine Fassung zur Fehlersuche; gemessen wird mit: cargo run --release -p laufzettel-cli -- bench").await;
    }
    let began = Instant::now();
    let bench = open(folder).await?;
    let opened = began.elapsed();
    one(bench.desk.clone(), "w1a").await?;
    let first = began.elapsed();
    let say = async |name: &str, value: String| out.data(format!("{name:<58} {value}")).await;
    say("W5 Speicher und Werkzeugserver offen / erster Vorgang fertig", format!("{:.0} / {:.0} ms, {} MiB", ms(opened), ms(first), memory_mib())).await;
    let limit = commits(&bench.desk, 200 * scale).await?;
    say("Grenze: Festschreibungen einzeln", format!("{limit:.0}/s")).await;
    let (_, alone) = load(&bench.desk, "w1a", 100 * scale, 1).await?;
    let (runs, _) = load(&bench.desk, "w1a", 2000 * scale, 64).await?;
    say("W1a zehn reine Schritte, 64 gleichzeitig", format!("{runs:.0} Vorgänge/s ({:.1} je einzelner Festschreibung)", runs / limit)).await;
    say("W1a einzeln, Median", format!("{:.2} ms", ms(alone))).await;
    let (calls1, call) = bare(&bench, 500 * scale, 1, "echo", json!({ "text": "hallo" })).await?;
    let (calls64, _) = bare(&bench, 2000 * scale, 64, "echo", json!({ "text": "hallo" })).await?;
    say("Grenze: Aufrufe des Echo-Servers allein, 1 / 64", format!("{calls1:.0}/s ({:.2} ms) / {calls64:.0}/s", ms(call))).await;
    let (_, alone) = load(&bench.desk, "w1b", 20 * scale, 1).await?;
    let (runs, _) = load(&bench.desk, "w1b", 100 * scale, 64).await?;
    say("W1b zehn Aufrufe, 64 gleichzeitig", format!("{runs:.0} Vorgänge/s = {:.0} % der Grenze", runs * 1000.0 / calls64)).await;
    say("W1b einzeln, Median", format!("{:.2} ms (zehn Aufrufe allein: {:.2} ms)", ms(alone), ms(call) * 10.0)).await;
    let waiting = json!({ "ms": 20, "text": "x".repeat(1024) });
    let (calls, _) = bare(&bench, 600 * scale, 60, "warten", waiting).await?;
    let (runs, _) = load(&bench.desk, "w4", 100 * scale, 60).await?;
    let (_, alone) = load(&bench.desk, "w4", 5 * scale, 1).await?;
    say("W4 drei Aufrufe zu 20 ms, 60 gleichzeitig", format!("{runs:.0} Vorgänge/s = {:.0} % der Grenze ({calls:.0} Aufrufe/s)", runs * 300.0 / calls)).await;
    say("W4 einzeln, Median", format!("{:.1} ms (60 ms wartet der Server)", ms(alone))).await;
    bench.echo.stop().await;
    let (took, bare) = recovery(folder).await?;
    let factor = took.as_secs_f64() / bare.as_secs_f64();
    say("W6 1000 offene Vorgänge nach einem Absturz wieder aufgenommen", format!("{:.0} ms = {factor:.1} × 1000 Einträge ({:.0} ms)", ms(took), ms(bare)))
        .await;
    for (name, value) in pages::lines(&pages::measure(&folder.join("seiten"), PAGE_RUNS * scale, out).await?) {
        say(&name, value).await;
    }
    let (checked, drawn) = large().await?;
    say("W7 Prozess mit 200 Schritten: gelesen und geprüft / gezeichnet", format!("{:.1} / {:.1} ms", ms(checked), ms(drawn))).await;
    Ok(())
}

/// Runs in the store while pages are measured: a hundred thousand in the long form.
const PAGE_RUNS: usize = 20_000;

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
