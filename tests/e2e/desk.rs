//! What the suites share: the program, a demo tenant of their own, a running server.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{LazyLock, OnceLock},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the project").to_owned()
}

/// The program beside these tests, as the test command has built it. A build from here would be another one, with features of
/// its own; a program older than its sources is refused instead.
pub fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let tests = std::env::current_exe().expect("the tests are a program");
        let program = tests.parent().and_then(Path::parent).expect("deps lies in a folder").join("laufzettel");
        let built = std::fs::metadata(&program).and_then(|m| m.modified()).expect("built by: cargo build --workspace --all-targets");
        let newest = ["orchestrator", "mcp-servers", "sandbox"].iter().filter_map(|room| newest_source(&root().join(room))).max();
        assert!(newest.is_some_and(|newest| newest <= built), "older than its sources: cargo build --workspace --all-targets");
        program
    });
    &PROGRAM
}

fn newest_source(folder: &Path) -> Option<std::time::SystemTime> {
    let entries = std::fs::read_dir(folder).expect("a folder of the project").flatten();
    let of = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let source = path.extension().is_some_and(|e| e == "rs") && path.components().any(|part| part.as_os_str() == "src");
        if path.is_dir() { newest_source(&path) } else { entry.metadata().and_then(|m| m.modified()).ok().filter(|_| source) }
    };
    entries.filter_map(of).max()
}

/// A demo tenant in a folder of its own, copied from one that was laid out once.
pub struct Tenant {
    pub folder: tempfile::TempDir,
}

impl Tenant {
    pub fn new() -> Self {
        static PREPARED: OnceLock<tempfile::TempDir> = OnceLock::new();
        let prepared = PREPARED.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a scratch folder");
            let listed = Command::new(program()).args(["tools", "list"]).current_dir(&folder).output().expect("the program runs");
            assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
            folder
        });
        let folder = tempfile::tempdir().expect("a scratch folder");
        let copied = Command::new("cp").arg("-r").arg(prepared.path().join("laufzettel-data")).arg(folder.path()).status().expect("cp runs");
        assert!(copied.success());
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("laufzettel-data").join(name)
    }

    /// Writes a grant of the house's rules: `{ groups: […], allow: […] }`.
    pub fn grant(&self, grant: &str) {
        let config = std::fs::read_to_string(self.path("laufzettel.yaml")).expect("the configuration");
        let granted = config.replacen("    grants:\n", &format!("    grants:\n      - {grant}\n"), 1);
        assert_ne!(granted, config, "the configuration has grants");
        std::fs::write(self.path("laufzettel.yaml"), granted).expect("written");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(&self.folder).env_remove("LAUFZETTEL_FAILPOINT").stdin(Stdio::null());
        command
    }

    pub fn laufzettel(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program runs")
    }

    /// What a command with `--json` says, value by value.
    pub fn lines(&self, args: &[&str]) -> Vec<Value> {
        String::from_utf8_lossy(&self.laufzettel(args).stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The bodies of the records of one kind.
    pub fn bodies(&self, kind: &str) -> Vec<Value> {
        let records = self.lines(&["audit", "show", "--kind", kind, "--json"]);
        records.iter().filter_map(|record| serde_json::from_str(record["body"].as_str()?).ok()).collect()
    }

    /// The main job: a citizen's application to a filed letter.
    pub fn main_job(&self) -> Output {
        let (input, answer) = (demo("antrag.json"), demo("entscheidung.json"));
        self.laufzettel(&["run", "hundesteuer-anmeldung", "--input", &input, "--as", "applicant", "--answer", &format!("festsetzung={answer}"), "--json"])
    }

    /// Letters in the archive that were filed for the demo application.
    pub fn letters(&self) -> usize {
        self.count_letters("Hundesteuerbescheid Hofmann")
    }

    /// Letters this program filed in any of these files.
    pub fn letters_in(&self, akten: &[&str]) -> usize {
        akten.iter().map(|akte| self.count("SELECT count(*) FROM dokument WHERE akte = ?1 AND titel LIKE 'Hundesteuer%'", akte)).sum()
    }

    fn count_letters(&self, title: &str) -> usize {
        self.count("SELECT count(*) FROM dokument WHERE titel = ?1", title)
    }

    fn count(&self, query: &'static str, value: &str) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            use sqlx::{ConnectOptions as _, Row as _};
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path("dms/dms.sqlite")).read_only(true);
            let mut connection = options.connect().await.expect("the archive opens");
            let row = sqlx::query(query).bind(value).fetch_one(&mut connection).await.expect("the archive answers");
            usize::try_from(row.get::<i64, _>(0)).expect("a count")
        })
    }

    pub fn mails(&self) -> usize {
        std::fs::read_dir(self.path("mail/out/new")).map(|entries| entries.count()).unwrap_or(0)
    }

    pub fn secret(&self) -> String {
        std::fs::read_to_string(self.path("secrets/webhook-hundesteuer")).expect("up lays a secret out").trim().to_owned()
    }
}

/// A process of the tax office that has nothing but its name and what follows (`rest`: from `start` on).
pub fn process(name: &str, title: &str, rest: &str) -> String {
    let head = "verantwortlich: FB2-Steueramt\nrechtsgrundlage: [GeschO § 1]\nzweck: Prüfen\nschutzbedarf: normal\ndatenkategorien: []";
    let tail = "aufbewahrung: { vorgang: P1Y, inhalte: P1M }\nautomatisierung: assistenz";
    format!("process: {name}\nversion: 1.0.0\ntitle: {title}\n{head}\n{tail}\n{}\n", rest.trim())
}

pub fn demo(name: &str) -> String {
    root().join("orchestrator/cli/demo").join(name).display().to_string()
}

pub fn text(output: &Output) -> String {
    format!("exit {:?}\n{}{}", output.status.code(), String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running `up`. Killed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    pub fn start(tenant: &Tenant, failpoint: Option<&str>) -> Option<Self> {
        Self::launch(tenant, 0, failpoint)
    }

    /// At a port somebody else has been told of.
    pub fn start_at(tenant: &Tenant, port: u16) -> Option<Self> {
        Self::launch(tenant, port, None)
    }

    fn launch(tenant: &Tenant, port: u16, failpoint: Option<&str>) -> Option<Self> {
        let mut command = tenant.command(&["up", "--port", &port.to_string()]);
        if let Some(failpoint) = failpoint {
            command.env("LAUFZETTEL_FAILPOINT", failpoint);
        }
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| line.split("läuft auf http://").nth(1).map(|a| a.trim().to_owned()));
        // keep reading, so that the program never waits for a full pipe
        std::thread::spawn(move || lines.for_each(drop));
        let Some(address) = address else {
            child.wait().ok();
            return None;
        };
        Some(Self { child, address })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// As a terminal that is closed does.
    pub fn hang_up(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("it is there");
    }

    /// An orderly end.
    pub fn stop(mut self) {
        self.terminate();
        self.child.wait().ok();
    }

    /// SIGTERM, without waiting for what comes of it.
    pub fn terminate(&mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().ok().flatten().is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`.
#[expect(clippy::disallowed_methods, reason = "the other side of a webhook has its own clock")]
pub fn sign(secret: &str, id: &str, body: &str) -> Vec<(&'static str, String)> {
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    vec![("webhook-id", id.to_owned()), ("webhook-timestamp", at.to_string()), ("webhook-signature", signature)]
}

/// Posts to a running server; `None` if it is not there (any more).
pub async fn post(url: &str, headers: &[(&str, String)], body: &str) -> Option<(u16, Value)> {
    let client = client();
    let mut request = client.post(url).body(body.to_owned());
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.unwrap_or(Value::Null)))
}

pub fn client() -> reqwest::Client {
    // the program under test installs its own; this is another process
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the tests are the outside")]
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Looks again and again until something is so; at most half a minute.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never happened: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}
