//! A disk that is full or can only be read, and a database that is damaged: the tenant it belongs to is refused in plain words, the
//! others go on, nothing that was acknowledged is lost, and what passes passes without a restart.
//!
//! Real file systems: a small one of its own in a mount namespace (`unshare`, as root), in which the database of one of two
//! tenants lies behind a symbolic link.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::{
    desk::{Tenant, client, post, process, program, runtime, text, until},
    language::events::STEPS,
};

const SOUND: &str = "vg-bellheim";
const SMALL: &str = "vg-klein";

/// Two tenants in one configuration, with a process that waits for money.
pub fn house() -> Tenant {
    let tenant = Tenant::new();
    let steps = STEPS.replace("konto: { type: string, maxLength: 40 }", "konto: { type: string, maxLength: 40 }, text: { type: string }");
    assert_ne!(steps, STEPS);
    std::fs::write(tenant.path("workflows/kasse.yaml"), process("kasse", "Auf Geld warten", &steps)).expect("written");
    tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:kasse\", \"task.complete:kasse\"] }");
    let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
    let begin = config.find(&format!("  {SOUND}:\n")).expect("the tenant");
    let end = begin
        + config[begin..]
            .match_indices('\n')
            .map(|(at, _)| at + 1)
            .find(|at| config[begin + at..].starts_with(|c: char| c.is_ascii_lowercase()))
            .unwrap_or(config.len() - begin);
    let second = config[begin..end].replacen(SOUND, SMALL, 1);
    std::fs::write(tenant.path("laufzettel.yaml"), format!("{}{}\n{}", &config[..end], second.trim_end(), &config[end..])).expect("written");
    tenant
}

/// A mount namespace with a small file system in it; it goes with the process that holds it.
struct Room {
    holder: Child,
    small: PathBuf,
    folder: PathBuf,
}

impl Room {
    /// `size` as `mount` takes it.
    fn new(tenant: &Tenant, small: &str, size: &str) -> Self {
        let small = tenant.path(small);
        std::fs::create_dir_all(&small).expect("a folder");
        let script = format!("mount -t tmpfs -o size={size},mode=700 klein {} && echo da && exec sleep 600", small.display());
        let mut holder = Command::new("unshare").args(["-m", "sh", "-c", &script]).stdout(Stdio::piped()).spawn().expect("unshare runs (util-linux)");
        let mut said = String::new();
        BufReader::new(holder.stdout.take().expect("stdout is piped")).read_line(&mut said).expect("a line");
        assert_eq!(said, "da\n", "a namespace needs root: see tests/run.sh");
        Self { holder, small, folder: tenant.folder.path().to_owned() }
    }

    /// A command of the shell inside.
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        let script = format!("cd {} && exec {script}", self.folder.display());
        command.args(["-t", &self.holder.id().to_string(), "-m", "sh", "-c", &script]).env_remove("LAUFZETTEL_FAILPOINT").stdin(Stdio::null());
        command
    }

    fn laufzettel(&self, args: &str) -> Output {
        self.command(&format!("{} {args} --config laufzettel-data/laufzettel.yaml", program().display())).output().expect("the program runs")
    }

    fn sh(&self, script: &str) -> bool {
        self.command(script).output().expect("a shell").status.success()
    }

    /// Until not a byte more fits. What the database gives back meanwhile (its log, when that is emptied) is taken, too.
    fn fill(&self) {
        assert!(!self.sh(&format!("dd if=/dev/zero of={} bs=4k oflag=append conv=notrunc", self.small.join("voll").display())), "it fills up");
    }

    fn make_room(&self) {
        assert!(self.sh(&format!("rm {}", self.small.join("voll").display())));
    }

    fn remount(&self, how: &str) -> bool {
        self.sh(&format!("mount -o remount,{how} {}", self.small.display()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

/// A running `up`, and what it says.
struct Served {
    child: Child,
    address: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Served {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(Vec::new()));
        let address = lines.by_ref().find_map(|line| {
            let found = line.split("läuft auf http://").nth(1).map(|a| a.trim().to_owned());
            said.lock().expect("nobody panics here").push(line);
            found
        });
        let address = address.unwrap_or_else(|| panic!("up starts: {:?}", said.lock()));
        let hears = said.clone();
        std::thread::spawn(move || lines.for_each(|line| hears.lock().expect("nobody panics here").push(line)));
        Self { child, address, said }
    }

    fn in_room(room: &Room) -> Self {
        Self::start(room.command(&format!("{} up --port 0 --config laufzettel-data/laufzettel.yaml", program().display())))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often something was said.
    fn count(&self, words: &str) -> usize {
        self.said.lock().expect("nobody panics here").iter().filter(|line| line.contains(words)).count()
    }

    fn start_run(&self, key: &str, id: &str) -> (u16, Value) {
        self.start_big(key, id, 0)
    }

    fn start_big(&self, key: &str, id: &str, letters: usize) -> (u16, Value) {
        let headers = [("authorization", key.to_owned()), ("idempotency-key", id.to_owned())];
        let input = json!({ "konto": id, "text": noise(letters) });
        runtime().block_on(post(&self.url("/api/v1/processes/kasse/runs"), &headers, &input.to_string())).expect("an answer")
    }

    fn report(&self, tenant: &str, key: &str, konto: &str, letters: usize) -> (u16, Value) {
        let payload = if letters == 0 { json!({ "cent": 1 }) } else { json!({ "cent": noise(letters) }) };
        let message = json!({ "name": "zahlung", "key": konto, "payload": payload });
        runtime().block_on(post(&self.url(&format!("/events/{tenant}")), &[("authorization", key.to_owned())], &message.to_string())).expect("an answer")
    }

    fn get(&self, path: &str) -> (u16, String) {
        runtime().block_on(async {
            let answer = client().get(self.url(path)).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.unwrap_or_default())
        })
    }

    /// The demo's sign-in, which is a record: a redirect, or the page that says why not.
    fn sign_in(&self, tenant: &str) -> (u16, String) {
        runtime().block_on(async {
            let form = client().post(self.url("/anmelden")).header("origin", self.url("")).header("content-type", "application/x-www-form-urlencoded");
            let answer = form.body(format!("person={tenant}/a.klein")).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.unwrap_or_default())
        })
    }

    fn until_ready(&self) {
        until("everything is served", || (self.get("/readyz") == (200, "ok".to_owned())).then_some(()));
    }

    fn kill(mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// An orderly end, and how it went.
    fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        self.child.wait().ok().and_then(|status| status.code())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Letters no compression makes less than half of.
fn noise(letters: usize) -> String {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_digit(u32::try_from(state >> 60).unwrap_or(0), 16).unwrap_or('0')
    };
    (0..letters).map(|_| next()).collect()
}

fn key(made: &Output) -> String {
    let told: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", text(made)));
    format!("Bearer {}", told["token"].as_str().expect("a key"))
}

fn make_key(tenant: &str) -> String {
    format!("keys create --json --name kasse --as a.klein --process '*' --tenant {tenant}")
}

/// The small tenant's database on the small file system.
fn link(tenant: &Tenant, room: &Room) {
    std::fs::create_dir_all(tenant.path("data")).expect("a folder");
    std::os::unix::fs::symlink(room.small.join("store.sqlite"), tenant.path(&format!("data/{SMALL}.sqlite"))).expect("a link");
}

fn runs_of(listed: &Output) -> usize {
    assert!(listed.status.success(), "{}", text(listed));
    String::from_utf8_lossy(&listed.stdout).lines().count()
}

#[test]
fn a_full_disk_stops_one_tenant_until_there_is_room() {
    let tenant = house();
    let room = Room::new(&tenant, "klein", "3m");
    link(&tenant, &room);
    let server = Served::in_room(&room);
    let (sound, small) = (key(&room.laufzettel(&make_key(SOUND))), key(&room.laufzettel(&make_key(SMALL))));
    assert_eq!(server.start_run(&small, "vorher").0, 202);
    room.fill();
    let acknowledged = std::cell::Cell::new(1);
    let refuse = |server: &Served| {
        until("a start is refused", || {
            room.fill();
            let (status, problem) = server.start_big(&small, &format!("k-{}", acknowledged.get()), 200_000);
            acknowledged.set(acknowledged.get() + usize::from(status == 202));
            (status != 202).then_some((status, problem))
        })
    };
    let (status, problem) = refuse(&server);
    let words = "Der Datenträger ist voll";
    assert_eq!((status, &problem["reason"]), (503, &json!("full")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(words) && detail.contains("Platz schaffen")), "{problem}");
    // on every way, and for nobody else. What is small may find a place in the files that are there; this is not small
    until("reports are refused", || {
        room.fill();
        let (status, problem) = server.report(SMALL, &small, "K-9", 200_000);
        (status == 503).then(|| assert!(problem["detail"].to_string().contains(words), "{problem}"))
    });
    until("nobody is let in whose sign-in is not on record", || {
        room.fill();
        let (status, page) = server.sign_in(SMALL);
        (status == 503).then(|| assert!(page.contains(words), "{page}"))
    });
    std::fs::write(tenant.path("eingabe.json"), json!({ "konto": "befehl", "text": noise(200_000) }).to_string()).expect("written");
    until("the command is refused", || {
        room.fill();
        let told = room.laufzettel(&format!("run kasse --as a.klein --until-waiting --tenant {SMALL} --input laufzettel-data/eingabe.json"));
        acknowledged.set(acknowledged.get() + usize::from(told.status.code() == Some(7)));
        (told.status.code() == Some(1)).then(|| assert!(text(&told).contains(words), "{}", text(&told)))
    });
    assert_eq!((server.start_run(&sound, "daneben").0, server.report(SOUND, &sound, "K-9", 0).0, server.sign_in(SOUND).0), (202, 202, 303));
    let hindered = (200, json!({ "ready": true, "hindered": { SMALL: "full" } }).to_string());
    until("it is named", || {
        refuse(&server);
        (server.get("/readyz") == hindered).then_some(())
    });
    // by itself, once there is room
    room.make_room();
    server.until_ready();
    assert_eq!((server.start_run(&small, "nachher").0, server.report(SMALL, &small, "vorher", 0).0), (202, 202));
    acknowledged.set(acknowledged.get() + 1);
    until("the one that waited goes on", || {
        let listed = room.laufzettel(&format!("runs list --json --state completed --tenant {SMALL}"));
        (runs_of(&listed) == 1).then_some(())
    });
    assert!(server.count(words) < 20, "said when it changes, not with every wish: {}", server.count(words));

    // killed while it is full, and started again: the others are served, and this one as soon as there is room
    refuse(&server);
    server.kill();
    let server = Served::in_room(&room);
    assert_eq!(server.start_run(&sound, "wieder").0, 202);
    room.make_room();
    server.until_ready();
    assert_eq!(server.start_run(&small, "am Ende").0, 202);
    acknowledged.set(acknowledged.get() + 1);
    assert_eq!(runs_of(&room.laufzettel(&format!("runs list --json --limit 500 --tenant {SMALL}"))), acknowledged.get());
    assert_eq!(server.stop(), Some(0));
    for tenant in [SMALL, SOUND] {
        let verified = room.laufzettel(&format!("audit verify --tenant {tenant}"));
        assert!(matches!(verified.status.code(), Some(0 | 6)), "{}", text(&verified));
    }
}

#[test]
fn a_witness_without_room_or_read_only_catches_up() {
    let tenant = house();
    let room = Room::new(&tenant, "witness", "256k");
    let server = Served::in_room(&room);
    let sound = key(&room.laufzettel(&make_key(SOUND)));
    for (n, (hinder, free)) in [("fill", "free"), ("ro", "rw")].into_iter().enumerate() {
        match hinder {
            "fill" => room.fill(),
            _ => until("it can only be read", || room.remount(hinder).then_some(())),
        }
        let words = "no checkpoint was written";
        let before = server.count(words);
        until("a checkpoint is missing", || {
            assert_eq!(server.start_run(&sound, &format!("{hinder}-{}", server.count(""))).0, 202, "work goes on");
            (server.count(words) > before).then_some(())
        });
        assert_eq!(server.start_run(&sound, &format!("danach-{n}")).0, 202);
        let again = server.count("checkpoints are written again");
        match free {
            "free" => room.make_room(),
            _ => assert!(room.remount(free)),
        }
        until("the witness has caught up", || (server.count("checkpoints are written again") > again).then_some(()));
    }
    assert_eq!(server.stop(), Some(0));
    for tenant in [SMALL, SOUND] {
        let verified = room.laufzettel(&format!("audit verify --tenant {tenant}"));
        assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    }
    // it opens again: table and witness know the same
    let server = Served::in_room(&room);
    server.until_ready();
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_disk_that_can_only_be_read_closes_one_tenant_until_it_can_be_written() {
    let tenant = house();
    let room = Room::new(&tenant, "klein", "16m");
    link(&tenant, &room);
    let server = Served::in_room(&room);
    let (sound, small) = (key(&room.laufzettel(&make_key(SOUND))), key(&room.laufzettel(&make_key(SMALL))));
    assert_eq!(server.start_run(&small, "vorher").0, 202);
    server.kill();
    assert!(room.remount("ro"));
    let server = Served::in_room(&room);
    let words = "Der Datenträger lässt sich nur lesen";
    assert_eq!(server.start_run(&sound, "daneben").0, 202);
    let reported = server.report(SMALL, &small, "vorher", 0);
    assert!(reported.0 == 503 && reported.1["detail"].to_string().contains(words), "{reported:?}");
    let page = server.get(&format!("/antrag/{SMALL}/hundesteuer"));
    assert!(page.0 == 503 && page.1.contains(words), "{page:?}");
    assert!(server.get("/anmelden").1.contains(words), "whoever wants to sign in sees why she cannot");
    let told = room.laufzettel(&format!("runs list --tenant {SMALL}"));
    assert!(told.status.code() != Some(0) && text(&told).contains(words), "{}", text(&told));
    assert_eq!(serde_json::from_str::<Value>(&server.get("/readyz").1).ok(), Some(json!({ "ready": true, "hindered": { SMALL: "read_only" } })));
    assert!(room.remount("rw"));
    server.until_ready();
    assert_eq!(server.report(SMALL, &small, "vorher", 0).0, 202);
    until("what waited goes on", || (runs_of(&room.laufzettel(&format!("runs list --json --state completed --tenant {SMALL}"))) == 1).then_some(()));
    assert_eq!(server.stop(), Some(0));
    assert!(matches!(room.laufzettel(&format!("audit verify --tenant {SMALL}")).status.code(), Some(0 | 6)));
}

/// What may have become of a database while the program was off.
fn harm(file: &Path, how: &str) {
    let bytes = std::fs::read(file).expect("the database");
    let harmed = match how {
        "no database" => "Das ist kein SQLite.\n".repeat(1000).into_bytes(),
        "truncated" => bytes[..bytes.len() / 2].to_vec(),
        _ => bytes.iter().enumerate().map(|(at, byte)| if at > 8192 && at < bytes.len() - 8192 { 0x55 } else { *byte }).collect(),
    };
    std::fs::write(file, harmed).expect("written");
}

#[test]
fn a_damaged_database_stops_no_other_tenant() {
    let tenant = house();
    let laufzettel = |args: &str| {
        let args: Vec<&str> = args.split(' ').map(|arg| arg.trim_matches('\'')).chain(["--config", "laufzettel-data/laufzettel.yaml"]).collect();
        tenant.laufzettel(&args)
    };
    let up = || Served::start(tenant.command(&["up", "--port", "0", "--config", "laufzettel-data/laufzettel.yaml"]));
    let server = up();
    let (sound, small) = (key(&laufzettel(&make_key(SOUND))), key(&laufzettel(&make_key(SMALL))));
    for n in 0..20 {
        assert_eq!(server.start_run(&small, &format!("k-{n}")).0, 202);
    }
    assert_eq!(server.stop(), Some(0));
    let file = tenant.path(&format!("data/{SMALL}.sqlite"));
    let whole = std::fs::read(&file).expect("the database");
    // an orderly end leaves nothing in the log of pages; a missing one is no harm
    let log = file.with_extension("sqlite-wal");
    assert_eq!(std::fs::metadata(&log).map_or(0, |meta| meta.len()), 0);
    std::fs::remove_file(&log).ok();
    for how in ["no database", "truncated", "overwritten"] {
        std::fs::write(&file, &whole).expect("written");
        harm(&file, how);
        let server = up();
        let words = "Die Datenbank ist beschädigt";
        until("the damage is known", || server.get("/readyz").1.contains("damaged").then_some(()));
        assert_eq!(serde_json::from_str::<Value>(&server.get("/readyz").1).ok(), Some(json!({ "ready": true, "hindered": { SMALL: "damaged" } })), "{how}");
        assert_eq!((server.start_run(&sound, how).0, server.sign_in(SOUND).0), (202, 303), "{how}");
        let reported = server.report(SMALL, &small, "k-1", 0);
        assert!(reported.0 == 503 && reported.1["detail"].to_string().contains(words), "{how}: {reported:?}");
        let told = laufzettel(&format!("keys list --as a.klein --tenant {SMALL}"));
        assert!(told.status.code() != Some(0) && text(&told).contains(words), "{how}: {}", text(&told));
        assert!((1..4).contains(&server.count(words)), "{how}: {}", server.count(words));
        server.kill();
        for suffix in ["sqlite-wal", "sqlite-shm"] {
            std::fs::remove_file(file.with_extension(suffix)).ok();
        }
    }
    // the backup, put back
    std::fs::write(&file, &whole).expect("written");
    let server = up();
    server.until_ready();
    assert_eq!(server.report(SMALL, &small, "k-1", 0).0, 202);
    assert_eq!(server.stop(), Some(0));
}
