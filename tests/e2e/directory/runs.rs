//! Runs whose answer to "may she?" changes under them: worker, engine and store as they are, tools that are a script.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use laufzettel_directory::Directory;
use laufzettel_domain::{Actor, Caller, RunId, Schutzbedarf, TaskId, TenantId, Trust};
use laufzettel_doors::{Failure, Reply};
use laufzettel_engine::{Command, EffectStatus, State, TaskKind};
use laufzettel_policy::{Clearance, Cleared, Effect, Grant, ModelCall, Rules, ToolCall, ToolRule, Yields};
use laufzettel_process::{Catalogue, Folder, Tools, model::Size};
use laufzettel_store::{Memory as MemoryStore, Store};
use laufzettel_worker::{Answer, Desk, Doors, EndpointFacts, Loaded, Memory, StartError, StartRequest, SystemClock, SystemRandom, Tenant, WishError, Worker};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::controller::{Controller, PASSWORD, caller, change, dn};
use crate::desk::{self, demo, text};

/// Retried for a minute: as long as a controller takes to come back here.
const RETRYING: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object }
steps:
  eins: { tool: t/eins, retry: { attempts: 20, delay: PT3S, backoff: 1.0 } }
  zwei: { needs: [eins], tool: t/zwei, retry: { attempts: 20, delay: PT3S, backoff: 1.0 } }
output: { fertig: "{{ steps.zwei.id }}" }
"#;

/// A form for a clerk, so that there is something to answer.
const ASKING: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object }
steps:
  fragen: { human: { assign: { groups: [GG-Steueramt] }, form: { type: object, required: [ja], properties: { ja: { type: boolean } } } } }
output: { ja: "{{ steps.fragen.ja }}" }
"#;

/// What happens in the house while the first tool is at work.
type Meanwhile = Box<dyn Fn() + Send + Sync>;

struct Script {
    meanwhile: Meanwhile,
    called: Arc<Mutex<Vec<String>>>,
}

impl Doors for Script {
    fn tool<'a>(&'a self, call: &'a Cleared<ToolCall>) -> Answer<'a> {
        let call = call.call();
        self.called.lock().expect("no panic").push(format!("{} for {}", call.tool, call.who.caller.name));
        if call.tool == "eins" {
            tokio::task::block_in_place(|| (self.meanwhile)());
        }
        Box::pin(async { Ok(Reply { value: json!({ "id": "1" }), bytes: 1, tokens: None, model: None }) })
    }

    fn model<'a>(&'a self, _: &'a str, _: &'a Cleared<ModelCall>) -> Answer<'a> {
        Box::pin(async { Err(Failure::new(laufzettel_doors::Class::Refused, Some(false), "kein Modell")) })
    }

    fn endpoints(&self) -> Vec<EndpointFacts> {
        vec![EndpointFacts { name: "m".into(), zone: "gruen".into(), size: Size::L, context: 1 }]
    }
}

struct House {
    desk: Desk,
    called: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    worker: tokio::task::JoinHandle<()>,
}

fn rule() -> ToolRule {
    ToolRule {
        effect: Effect::Read,
        identity: laufzettel_policy::Identity::Delegation,
        idempotent: true,
        groups: vec!["GG-Steueramt".into()],
        content: BTreeSet::new(),
        yields: Yields { trust: Trust::Trusted, ..Yields::default() },
        clearance: Clearance::Level(Schutzbedarf::Hoch),
        undo: None,
        recipient: None,
        settles: false,
    }
}

fn open(directory: Directory, meanwhile: Meanwhile) -> House {
    let files = [("p.yaml", desk::process("probe", "Probe", RETRYING)), ("f.yaml", desk::process("frage", "Frage", ASKING))];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    let catalogue = Catalogue::load(&Folder { files: BTreeMap::from(files) });
    assert_eq!(catalogue.processes.len(), 2, "{:?}", catalogue.findings);
    let called = Arc::default();
    let allow = ["process.start:*", "run.view:all"].map(str::to_owned).to_vec();
    let desk = Desk::new(Arc::new(Tenant {
        id: TenantId::parse("stadt").expect("a name"),
        name: "Stadt".into(),
        store: Store::Memory(MemoryStore::open("stadt", 0)),
        catalogue,
        directory,
        rules: Rules { grants: vec![Grant { groups: vec!["GG-Steueramt".into()], allow }], ..Rules::default() },
        tools: BTreeMap::from([("t/eins".to_owned(), rule()), ("t/zwei".to_owned(), rule())]),
        types: Tools::new(),
        zones: BTreeMap::new(),
        own_domains: vec![],
        units: BTreeMap::from([("FB2-Steueramt".to_owned(), vec!["GG-Steueramt".to_owned()])]),
        zeitzone: "UTC".into(),
        public_url: String::new(),
        doors: Box::new(Script { meanwhile, called: Arc::clone(&called) }),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        quotas: laufzettel_worker::Quotas::default(),
        release_required: false,
        places: laufzettel_worker::Places::default(),
        subjects: laufzettel_worker::SubjectSecret::new([0; 32]),
        witness: None,
        memory: Memory::default(),
    }));
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(desk.clone()).run(stop.clone()));
    House { desk, called, stop, worker }
}

impl House {
    async fn start(&self, process: &str, caller: &Caller) -> Result<RunId, StartError> {
        let request = StartRequest {
            process: process.into(),
            caller: caller.clone(),
            run_as: None,
            input: json!({}),
            zone: None,
            receipts: Vec::new(),
            clock: None,
            facts: serde_json::Value::Null,
            status: false,
        };
        self.desk.start(request).await.map(|started| started.run)
    }

    /// Looks at a run again and again until something is so; two minutes at most.
    async fn until(&self, run: RunId, what: &str, is: impl Fn(&Loaded) -> bool) -> Loaded {
        let began = Instant::now();
        loop {
            let loaded = self.desk.load(run).await.expect("the store answers").expect("the run is there");
            if is(&loaded) {
                return loaded;
            }
            let effects: Vec<_> = loaded.run.effects.values().map(|e| &e.status).collect();
            assert!(began.elapsed() < Duration::from_secs(120), "never {what}: {effects:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn parked(&self, run: RunId) -> Loaded {
        let parked = |l: &Loaded| l.run.effects.values().any(|e| matches!(e.status, EffectStatus::Parked(_)));
        let loaded = self.until(run, "parked", parked).await;
        let open: Vec<TaskKind> = loaded.run.open_tasks().map(|t| t.opened.kind.clone()).collect();
        assert_eq!((loaded.run.state(), &open[..]), (State::Waiting, &[TaskKind::Takeover][..]), "a takeover task, and nothing undone");
        loaded
    }

    async fn take_over(&self, run: RunId, by: &Caller) -> Result<Loaded, WishError> {
        let loaded = self.desk.load(run).await.expect("the store answers").expect("the run is there");
        self.desk.needs_unit(&loaded, by).await?;
        let parked = |l: &Loaded| l.run.effects.iter().find(|(_, e)| matches!(e.status, EffectStatus::Parked(_))).map(|(path, _)| path.clone());
        let path = parked(&loaded).ok_or(WishError::Unknown)?;
        self.desk.tell_loaded(loaded, &Actor::Caller(by.clone()), |_| Ok(Command::TakeOver { path: path.clone(), by: by.clone() })).await
    }

    /// Kinds of all records that tell of a no.
    async fn denials(&self) -> Vec<String> {
        let records = self.desk.tenant.store.records((0, 0), u32::MAX).await.expect("the store answers");
        let kinds = records.into_iter().map(|r| r.draft.kind);
        kinds.filter(|kind| kind.contains("denied") || kind.contains("refused") || kind.contains("parked")).collect()
    }

    async fn close(self) -> Vec<String> {
        self.stop.cancel();
        self.worker.await.expect("the worker ends");
        std::mem::take(&mut *self.called.lock().expect("no panic"))
    }
}

fn again(controller: &Controller) -> Controller {
    Controller { folder: controller.folder.clone() }
}

pub async fn a_right_withdrawn_between_two_steps(controller: &Controller) {
    let admin = again(controller);
    let house = open(controller.directory(), Box::new(move || admin.write(&change("GG-Steueramt", "delete", "member", &dn("anna")))));
    let anna = caller(&house.desk.tenant.directory, "anna").await;
    let bernd = caller(&house.desk.tenant.directory, "bernd").await;
    let run = house.start("probe", &anna).await.expect("she may");
    house.parked(run).await;
    assert!(matches!(house.take_over(run, &anna).await, Err(WishError::Denied(_))), "her right is gone for this as well");
    controller.write(&change("GG-Steueramt", "add", "member", &dn("anna")));
    house.take_over(run, &bernd).await.expect("Bernd may");
    let ended = house.until(run, "completed", |l| l.run.ended.is_some()).await;
    assert_eq!(ended.run.state(), State::Completed);
    assert_eq!(house.close().await, ["eins for anna Test", "zwei for bernd Test"]);
}

pub async fn a_caller_disabled_in_the_middle(controller: &Controller) {
    let admin = again(controller);
    let house = open(controller.directory(), Box::new(move || admin.write(&change("anna", "replace", "userAccountControl", "514"))));
    let anna = caller(&house.desk.tenant.directory, "anna").await;
    let bernd = caller(&house.desk.tenant.directory, "bernd").await;
    let run = house.start("probe", &anna).await.expect("she may");
    let parked = house.parked(run).await;
    let why: Vec<_> = parked.run.effects.values().filter_map(|e| if let EffectStatus::Parked(d) = &e.status { Some(d.rule.clone()) } else { None }).collect();
    assert_eq!(why, ["directory"]);
    assert!(matches!(house.start("probe", &anna).await, Err(StartError::Denied(_))), "an account that has ended is a no");
    house.take_over(run, &bernd).await.expect("Bernd may");
    assert_eq!(house.until(run, "completed", |l| l.run.ended.is_some()).await.run.state(), State::Completed);
    controller.write(&change("anna", "replace", "userAccountControl", "512"));
    assert_eq!(house.close().await, ["eins for anna Test", "zwei for bernd Test"]);
}

pub async fn a_silent_directory_denies_nobody(controller: &Controller) {
    let admin = again(controller);
    let house = open(controller.directory(), Box::new(move || admin.stop()));
    let anna = caller(&house.desk.tenant.directory, "anna").await;
    let asked = house.start("frage", &anna).await.expect("she may");
    let task = house.until(asked, "asked", |l| l.run.open_tasks().next().is_some()).await;
    let (number, shown) = task.run.open_tasks().next().map(|t| (t.opened.number, t.opened.shown)).expect("a task");
    let run = house.start("probe", &anna).await.expect("she may");
    let retried = |l: &Loaded| laufzettel_engine::wake_at(&l.run).is_some() || l.run.effects.values().any(|e| e.attempt > 1);
    house.until(run, "tried again", retried).await;
    // what people wish meanwhile is neither done nor denied
    let (id, yes) = (TaskId { run: asked, number }, json!({ "ja": true }));
    assert!(matches!(house.start("probe", &anna).await, Err(StartError::Unavailable(_))));
    assert!(matches!(house.desk.answer(id, &anna, &yes, shown).await, Err(WishError::Unavailable(_))));
    assert!(matches!(house.desk.cancel(run, &anna, "Irrtum").await, Err(WishError::Unavailable(_))));
    tokio::task::block_in_place(|| controller.start());
    let ended = house.until(run, "completed", |l| l.run.ended.is_some()).await;
    assert_eq!(ended.run.state(), State::Completed, "{}", ended.run.message);
    house.desk.answer(id, &anna, &yes, shown).await.expect("the directory is back");
    assert_eq!(house.denials().await, Vec::<String>::new());
    assert_eq!(house.close().await, ["eins for anna Test", "zwei for anna Test"]);
}

/// The real program with this directory in its configuration: a service account's groups come from there.
pub fn the_program_asks_the_directory(controller: &Controller) {
    let tenant = desk::Tenant::new();
    std::fs::write(tenant.path("secrets/ldap"), format!("{PASSWORD}\n")).expect("written");
    std::fs::copy(controller.folder.join("ca.pem"), tenant.path("ca.pem")).expect("copied");
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let with = |url: &str| {
        let ldap =
            format!("{{ ldap: {{ url: {url}, ca: ./ca.pem, bind_dn: \"{}\", password: secret:ldap, base: \"DC=stadt,DC=test\" }} }}", dn("svc-laufzettel"));
        let changed: Vec<String> =
            config.lines().map(|line| if line.trim_start().starts_with("directory:") { format!("    directory: {ldap}") } else { line.to_owned() }).collect();
        let rights = "    grants:\n      - { groups: [GG-Steueramt], allow: [\"process.release:klein\", \"process.start:klein\"] }\n";
        let text = changed.join("\n").replace("login: { demo: {} }", "login: { ldap: {} }").replacen("    grants:\n", rights, 1);
        std::fs::write(tenant.path("laufzettel.yaml"), text).expect("written");
    };
    with("ldap://dc1.stadt.test");
    let refused = tenant.laufzettel(&["runs", "list"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("gehen nie im Klartext"), "{}", text(&refused));
    with("ldaps://dc1.stadt.test");
    let applicant = tenant.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &demo("antrag.json"), "--as", "applicant", "--until-waiting"]);
    assert_eq!(applicant.status.code(), Some(2), "nobody plays a citizen in operation: {}", text(&applicant));
    std::fs::write(tenant.path("workflows/klein.yaml"), desk::process("klein", "Klein", SMALL)).expect("written");
    std::fs::write(tenant.path("workflows/klein.cases.yaml"), SMALL_CASE).expect("written");
    for (file, password) in [("falsch", "falsch"), ("richtig", PASSWORD)] {
        std::fs::write(tenant.path(file), password).expect("written");
    }
    let file = |name: &str| tenant.path(name).display().to_string();
    let act = |command: &[&str]| tenant.laufzettel(&[command, &[if command[0] == "run" { "--as" } else { "--by" }, "anna"]].concat());
    for (command, code, words) in [
        (&["release", "klein"][..], 2, "Das Passwort von „anna“ fehlt"),
        (&["release", "klein", "--password-file", &file("falsch")], 4, "oder das Passwort stimmt nicht"),
        (&["run", "klein", "--password-file", &file("richtig")], 4, "nicht freigegeben"),
        (&["release", "klein", "--password-file", &file("richtig")], 0, "freigegeben von anna"),
        (&["run", "klein", "--password-file", &file("falsch")], 4, "oder das Passwort stimmt nicht"),
        (&["run", "klein", "--password-file", &file("richtig")], 0, "\"x\": 1"),
    ] {
        let done = act(command);
        assert_eq!(done.status.code(), Some(code), "{command:?}: {}", text(&done));
        assert!(text(&done).contains(words), "{command:?}: {}", text(&done));
    }
    the_form_asks_the_directory(&tenant);
}

/// Name and password on the page, checked by the controller: who is let in, and what a stranger hears.
fn the_form_asks_the_directory(tenant: &desk::Tenant) {
    let server = desk::Server::start(tenant, None).expect("up starts");
    desk::runtime().block_on(async {
        let sign_in = async |user: &str, password: &str| {
            let url = server.url("/anmelden/passwort/vg-bellheim");
            let form = desk::client().post(url).header("origin", server.url("")).header("content-type", "application/x-www-form-urlencoded");
            let answer = form.body(format!("benutzer={user}&passwort={}", password.replace('!', "%21"))).send().await.expect("an answer");
            let cookie = answer.headers().get("set-cookie").and_then(|v| v.to_str().ok()?.split(';').next().map(str::to_owned));
            (answer.status().as_u16(), cookie, answer.text().await.unwrap_or_default())
        };
        let words = "Name oder Passwort stimmt nicht, oder das Konto ist gesperrt.";
        for (user, password) in [("anna", "falsch"), ("niemand", PASSWORD), ("*", PASSWORD), ("anna", "")] {
            let (status, cookie, page) = sign_in(user, password).await;
            assert_eq!((status, cookie, page.contains(words)), (422, None, !password.is_empty()), "{user}");
            assert!(!page.contains(PASSWORD), "a password is never shown again");
        }
        let (status, cookie, page) = sign_in("anna", PASSWORD).await;
        assert_eq!(status, 303, "{page}");
        let cookie = cookie.expect("a session");
        let page = desk::client().get(server.url("/aufgaben")).header("cookie", cookie).send().await.expect("an answer");
        assert!(page.status().is_success() && page.text().await.expect("a page").contains("anna Test"));
        let mut last = 0;
        for _ in 0..6 {
            last = sign_in("anna", "falsch").await.0;
        }
        assert_eq!(last, 429, "an account is not guessed at for long");
    });
    server.stop();
}

const SMALL: &str = "ki_verordnung: { klasse: minimal, begruendung: Test }
start: { groups: [GG-Steueramt] }
input: { type: object, additionalProperties: false, properties: {} }
steps:
  eins: { set: { x: 1 } }
output: { x: \"{{ steps.eins.x }}\" }
";

const SMALL_CASE: &str = "cases:
  - name: Eins
    as: anna
    expect: { state: completed, output: { x: 1 } }
";
