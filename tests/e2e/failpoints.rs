//! Every failpoint there is: the program dies there, the place fails, the place dawdles. Whatever it makes of that, what was asked of
//! it is done in the end, once, and the journal holds. One house is disturbed again and again, so that each stop meets what the
//! ones before have left.

mod results;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use laufzettel_store::failpoint::NAMES;
use serde_json::{Value, json};

use results::results;

use crate::{
    crash::{decide, send},
    desk::{Server, Tenant, post, process, runtime, text, until},
    sheet::Sheet,
};

/// A job that passes a place, from its begin to its end: it restarts what died and repeats what was not acknowledged.
type Job = fn(&mut House);

/// Each place, the passings it dies at (counted within the job, so that some are in its middle), and the job.
const PLACES: [(&str, &[u64], Job); 81] = [
    ("store.before_schema", &[1], restart),
    ("store.before_lane", &[1], restart),
    ("store.after_lane", &[1], restart),
    ("store.opened", &[1], restart),
    ("store.before_close", &[1], restart),
    ("store.before_sweep", &[1], restart),
    ("unsent.before_write", &[1], unsent),
    ("unsent.after_write", &[1], unsent),
    ("store.before_history", &[1, 3], application),
    ("store.before_check", &[1, 5], application),
    ("store.before_begin", &[1, 4], application),
    ("store.before_insert", &[3], application),
    ("store.after_records", &[1, 4], application),
    ("store.after_projections", &[2], application),
    ("store.after_receipts", &[1, 3], application),
    ("store.before_commit", &[2, 5], application),
    ("store.after_commit", &[2, 6], application),
    ("store.before_reply", &[2, 6], application),
    ("store.before_bytes", &[1], round),
    ("store.after_bytes", &[1], round),
    ("store.before_index", &[1], index),
    ("removal.before_commit", &[1], erase),
    ("removal.after_commit", &[1], erase),
    ("checkpoint.before_table", &[1], application),
    ("checkpoint.before_witness", &[1], application),
    ("checkpoint.half_witnessed", &[1], application),
    ("checkpoint.after_witness", &[1], application),
    ("worker.started", &[1], restart),
    ("worker.stopping", &[1], restart),
    ("worker.before_claim", &[1, 3], application),
    ("worker.claimed", &[1, 2], application),
    ("worker.folded", &[1, 2], application),
    ("worker.before_decide", &[2], application),
    ("worker.after_append", &[1, 4], application),
    ("worker.before_wake", &[1], round),
    ("worker.before_append", &[2, 4], application),
    ("worker.before_door", &[1, 3], application),
    ("worker.after_door", &[1, 3, 4], application),
    ("worker.intended", &[1, 4], application),
    ("worker.after_write", &[1, 4], application),
    ("family.before_begin", &[1, 2], round),
    ("family.before_tell", &[1], round),
    ("family.before_call_off", &[1], round),
    ("door.before_resolve", &[3], application),
    ("door.before_embed", &[3], application),
    ("door.before_call", &[3], application),
    ("door.after_call", &[3, 4], application),
    ("door.before_keep", &[1], round),
    ("door.before_model", &[1], round),
    ("door.after_model", &[1], round),
    ("door.before_ask", &[1], doubt),
    ("door.after_ask", &[1], doubt),
    ("start.before_number", &[1], application),
    ("start.before_append", &[1], application),
    ("start.after_append", &[1], application),
    ("wish.before_decide", &[1], application),
    ("wish.after_append", &[1], application),
    ("answer.before_permit", &[1], application),
    ("answer.after_append", &[1], application),
    ("record.before_append", &[1], key),
    ("record.after_append", &[1], key),
    ("release.before_results", &[1], results),
    ("hook.before_start", &[1], application),
    ("hook.after_start", &[1], application),
    ("arrival.before_done", &[1], arrival),
    ("arrival.before_mark", &[1, 2], arrival),
    ("arrival.before_report", &[1], arrival),
    ("arrival.before_move", &[1, 2], arrival),
    ("event.before_append", &[1, 2], round),
    ("event.after_append", &[1, 2], round),
    ("event.before_take", &[1, 2], round),
    ("event.before_aside", &[1], round),
    ("event.after_aside", &[1], round),
    ("schedule.before_start", &[1], clock),
    ("schedule.after_start", &[1], clock),
    ("schedule.before_record", &[1], clock),
    ("erasure.before_witness", &[1], erase),
    ("erasure.after_witness", &[1], erase),
    ("erasure.after_commit", &[1], erase),
    ("erasure.before_repeat", &[1], erase_again),
    ("erasure.before_prune", &[1], prune),
];

/// Passed only while a backup is taken up (`restore.rs`).
pub const RESTORING: [&str; 3] = ["restore.recorded", "restore.parked", "restore.before_note"];

#[test]
fn every_place_is_disturbed() {
    let visited: BTreeSet<&str> = PLACES.iter().map(|(place, ..)| *place).chain(RESTORING).collect();
    assert_eq!(visited, BTreeSet::from(NAMES));
}

#[test]
fn it_dies_there() {
    let crashes = |(place, passings, job): (&'static str, &[u64], Job)| passings.iter().map(move |at| (place, format!("crash@{at}"), job)).collect::<Vec<_>>();
    disturb(PLACES.into_iter().flat_map(crashes));
}

#[test]
fn it_fails_there() {
    disturb(PLACES.into_iter().map(|(place, _, job)| (place, "error@1".to_owned(), job)));
}

#[test]
fn it_dawdles_there() {
    disturb(PLACES.into_iter().map(|(place, _, job)| (place, "delay:300@1".to_owned(), job)));
}

/// One house through all of it. A place nobody passes proves nothing.
fn disturb(all: impl Iterator<Item = (&'static str, String, Job)>) {
    let (mut house, mut never) = (House::new(), Vec::new());
    for (place, action, job) in all {
        let what = format!("{place}={action}");
        house.begin(&what);
        let lives = house.lives;
        job(&mut house);
        if !house.has_fired(place) {
            never.push(what);
        } else if action.starts_with("crash") {
            // it has said that it dies; until it has, it looks alive
            until("it is dead", || (house.lives > lives || house.server.as_mut().is_none_or(Server::has_ended)).then_some(()));
        }
        house.end();
    }
    assert_eq!(never, Vec::<String>::new(), "places their jobs never passed");
    house.stop();
    let verified = house.tenant.laufzettel(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
}

/// What a round does: an attachment is kept, a model asked, a child called, an event awaited that first does not fit, a while
/// waited; at last a child waits for a person, and all of it is called off.
const ROUND: &str = r#"
start: { groups: [GG-Steueramt] }
ki_verordnung: { klasse: minimal, begruendung: "ordnet vor, ein Mensch entscheidet" }
input: { type: object, additionalProperties: false, required: [konto], properties: { konto: { type: string, pattern: "^[0-9]+$" } } }
steps:
  ruhe: { wait: { for: PT1S } }
  post: { tool: mail/lesen, with: { id: rundlauf }, retry: { attempts: 3, delay: PT1S } }
  art:
    retry: { attempts: 3, delay: PT1S }
    model:
      size: s
      prompt: Worum geht es? Antworte nur nach dem Schema.
      data: { text: "{{ steps.post.text }}" }
      output: { type: object, additionalProperties: false, required: [art], properties: { art: { enum: [marke, anderes] } } }
  brief: { process: { name: einzelbrief, input: {} } }
  zahlung:
    wait: { event: zahlung, key: "{{ input.konto }}", output: { type: object, additionalProperties: false, required: [cent], properties: { cent: { type: integer } } } }
  frage: { needs: [ruhe, art, brief, zahlung], process: { name: einzelfrage, input: {} } }
"#;

const LETTER: &str = r#"
input: { type: object, additionalProperties: false, properties: {} }
steps:
  brief: { tool: dms/dokument_ablegen, with: { akte: HST-800, titel: "Hundesteuer: Gruß", inhalt: Guten Tag } }
"#;

const QUESTION: &str = r#"
input: { type: object, additionalProperties: false, properties: {} }
steps:
  frage: { human: { assign: { groups: [GG-Steueramt] }, form: { type: object, properties: { gut: { type: boolean } } } } }
"#;

/// A letter that may not be sent twice: its server is asked what became of it.
const DOUBT: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object }
steps:
  brief: { tool: mail/senden, with: { an: poststelle@vg-bellheim.example, betreff: Marken, text: Die Marken sind da. } }
"#;

const CLOCK: &str = r#"
triggers: [ { cron: { schedule: "0 3 1 1 *", zone: Europe/Berlin, catch_up: last, run_as: "service:svc-fachverfahren", input: { n: 0 } } } ]
input: { type: object }
steps:
  a: { set: { wert: 1 } }
"#;

/// What is looked for: files in a folder, messages in a mailbox.
const FILES: &str = r#"
triggers: [ { folder: { path: ein, done: fertig, failed: fehler, run_as: "service:svc-fachverfahren" } } ]
input: { type: object, additionalProperties: false, required: [n], properties: { n: { type: integer } } }
steps:
  a: { set: { n: "{{ input.n }}" } }
"#;

const LETTERS: &str = r#"
triggers: [ { mail: { folder: kasse, match: { von: "*@kasse.example" }, run_as: "service:svc-fachverfahren" } } ]
input: { type: object, additionalProperties: false, required: [betreff], properties: { betreff: { type: string, maxLength: 20 } } }
steps:
  a: { set: { betreff: "{{ input.betreff }}" } }
"#;

const SHORT: &str = r#"
start: { groups: [GG-Steueramt] }
input: { type: object }
steps:
  a: { set: { wert: 1 } }
"#;

const MESSAGE: &str = "From: Anna <anna@example.org>\r\nTo: x@y.example\r\nSubject: Marken\r\nDate: 3 Jan 2027 10:00:00 +0100\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nEine Marke fehlt.\r\n\
    --b\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nAnlage\r\n--b--\r\n";

/// A tenant, its server, and the file that arms it.
struct House {
    tenant: Tenant,
    server: Option<Server>,
    what: String,
    token: String,
    /// Jobs done so far, by what they leave behind.
    applications: usize,
    rounds: usize,
    doubts: usize,
    clocks: usize,
    arrivals: usize,
    fired: usize,
    /// How often it was started.
    lives: usize,
}

impl House {
    fn new() -> Self {
        let tenant = Tenant::new();
        for (name, rest) in [
            ("rundlauf", ROUND),
            ("einzelbrief", LETTER),
            ("einzelfrage", QUESTION),
            ("zweifel", DOUBT),
            ("hundesteuer-uhr", CLOCK),
            ("hundesteuer-dateien", FILES),
            ("hundesteuer-post", LETTERS),
            ("hundesteuer-kurz", SHORT),
        ] {
            let kept = if name == "hundesteuer-kurz" { "{ vorgang: PT0S, inhalte: PT0S }" } else { "{ vorgang: P1Y, inhalte: P1M }" };
            let file = process(name, name, rest).replace("{ vorgang: P1Y, inhalte: P1M }", kept);
            std::fs::write(tenant.path(&format!("workflows/{name}.yaml")), file).expect("written");
        }
        tenant.grant("{ groups: [GG-Steueramt], allow: [\"process.start:rundlauf\", \"process.start:zweifel\", models.use] }");
        let config = std::fs::read_to_string(tenant.path("laufzettel.yaml")).expect("the configuration");
        let (before, sends) = config.split_once("          senden:\n").expect("mail is sent");
        let once = sends.replacen("idempotent: true", "idempotent: false", 1);
        let open = "    eingang: { folder: ./eingang, mail: ./post }\n    services:\n";
        let config = format!("{before}          senden:\n{once}").replacen("    services:\n", open, 1);
        std::fs::write(tenant.path("laufzettel.yaml"), config).expect("written");
        for folder in ["eingang/ein", "post/.kasse/new", "post/.kasse/cur"] {
            std::fs::create_dir_all(tenant.path(folder)).expect("made");
        }
        let patient = std::fs::read_to_string(tenant.path("workflows/hundesteuer.yaml")).expect("the process");
        std::fs::write(tenant.path("workflows/hundesteuer.yaml"), patient.replace("delay: PT1M", "delay: PT1S")).expect("written");
        std::fs::create_dir_all(tenant.path("mail/eingang/new")).expect("the inbox");
        std::fs::write(tenant.path("mail/eingang/new/rundlauf"), MESSAGE).expect("written");
        let mut house = Self {
            tenant,
            server: None,
            what: String::new(),
            token: String::new(),
            applications: 0,
            rounds: 0,
            doubts: 0,
            clocks: 0,
            arrivals: 0,
            fired: 0,
            lives: 0,
        };
        house.arm("");
        house.alive();
        let made = house.tenant.laufzettel(&["keys", "create", "--json", "--name", "programm", "--as", "a.klein", "--process", "*"]);
        let told: Value = serde_json::from_slice(&made.stdout).unwrap_or_else(|_| panic!("{}", text(&made)));
        house.token = format!("Bearer {}", told["token"].as_str().expect("a key"));
        house
    }

    fn trap(&self) -> PathBuf {
        self.tenant.path("falle")
    }

    /// Puts in place what is to happen, whole.
    fn arm(&self, what: &str) {
        std::fs::write(self.tenant.path("falle.neu"), what).and_then(|()| std::fs::rename(self.tenant.path("falle.neu"), self.trap())).expect("armed");
    }

    fn begin(&mut self, what: &str) {
        // what died over the place before stands again
        self.alive();
        self.fired = self.log().len();
        what.clone_into(&mut self.what);
        self.arm(what);
    }

    fn end(&mut self) {
        self.arm("");
    }

    fn log(&self) -> Vec<String> {
        std::fs::read_to_string(self.tenant.path("falle.fired")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn fires(&self, place: &str) -> bool {
        self.log()[self.fired..].iter().any(|fired| fired == place)
    }

    /// A checkpoint may be a second away.
    fn has_fired(&self, place: &str) -> bool {
        (0..60).any(|_| {
            self.fires(place) || {
                std::thread::park_timeout(Duration::from_millis(50));
                false
            }
        })
    }

    /// Starts what has died; then nothing is armed any more.
    fn alive(&mut self) {
        if self.server.as_mut().is_none_or(Server::has_ended) {
            self.end();
            self.server = self.start();
            assert!(self.server.is_some(), "{}: does not start again", self.what);
        }
    }

    /// With what is armed; `None`: it died over it.
    fn start(&mut self) -> Option<Server> {
        self.lives += 1;
        Server::start(&self.tenant, Some(&format!("@{}", self.trap().display())))
    }

    /// An orderly end, as far as what is armed lets it be one.
    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Looks again and again, at a server that is there.
    fn until<T>(&mut self, what: &str, mut step: impl FnMut(&mut Self) -> Option<T>) -> T {
        let what = format!("{}: {what}", self.what);
        until(&what, || {
            self.alive();
            step(self)
        })
    }

    /// Sends until somebody acknowledges it; the same request every time.
    fn told(&mut self, path: &str, id: &str, body: &Value) -> Value {
        self.until(path, |house| {
            let headers = [("authorization", house.token.clone()), ("idempotency-key", id.to_owned())];
            let url = house.server.as_ref()?.url(path);
            let answer = runtime().block_on(post(&url, &headers, &body.to_string()));
            answer.filter(|(status, _)| (200..300).contains(status)).map(|(_, body)| body)
        })
    }

    fn rests(&self) -> bool {
        let runs = self.tenant.lines(&["runs", "list", "--limit", "6", "--json"]);
        !runs.is_empty() && runs.iter().all(|run| !matches!(run["state"].as_str(), Some("running" | "waiting")))
    }

    /// Everything that was asked for is done, once.
    fn tally(&self) {
        let done = (self.tenant.letters(), self.tenant.letters_in(&["HST-800"]), self.tenant.mails());
        assert_eq!(done, (self.applications, self.rounds, self.applications + self.doubts), "{}", self.what);
    }
}

/// Where it stands when a test gives up.
impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.arm("");
            for args in [&["runs", "list", "--limit", "3"][..], &["runs", "show", &newest(self)], &["tasks", "list", "--as", "a.klein"]] {
                eprintln!("{args:?}: {}", text(&self.tenant.laufzettel(args)));
            }
        }
    }
}

fn application(house: &mut House) {
    house.applications += 1;
    let id = format!("m-{}", house.applications);
    house.until("the application is done", |house| {
        let taken = send(house.server.as_ref()?, &house.tenant, &id);
        decide(&house.tenant);
        (taken && house.rests()).then_some(())
    });
    house.tally();
}

/// Somebody saves what she has begun, until she has a code; the code opens it.
fn unsent(house: &mut House) {
    const FORM: &str = "/antrag/vg-bellheim/hundesteuer";
    let code = house.until("a draft is saved", |house| {
        let server = house.server.as_ref()?;
        runtime().block_on(async { Sheet::try_open(server, FORM).await.filter(|page| page.status == 200)?.try_press(server, "speichern").await?.code() })
    });
    house.until("it is opened", |house| {
        let server = house.server.as_ref()?;
        runtime().block_on(async {
            let mut page = Sheet::try_open(server, &format!("{FORM}/weiter")).await.filter(|page| page.status == 200)?;
            page.enter("code", &code);
            page.try_press(server, "weiter").await.filter(|page| page.status == 200).map(drop)
        })
    });
}

fn restart(house: &mut House) {
    house.stop();
    house.server = house.start();
    application(house);
}

/// Under another secret the index of data subjects is made again.
fn index(house: &mut House) {
    house.stop();
    std::fs::remove_file(house.tenant.path("secrets/subjects-vg-bellheim.key")).expect("a secret was drawn");
    house.server = house.start();
    application(house);
}

fn round(house: &mut House) {
    house.rounds += 1;
    let (konto, expected) = ((1000 + house.rounds).to_string(), house.rounds);
    let started = house.told("/api/v1/processes/rundlauf/runs", &format!("r-{konto}"), &json!({ "konto": konto }));
    let pay = |cent: Value| json!({ "name": "zahlung", "key": konto, "payload": { "cent": cent } });
    house.told("/events/vg-bellheim", &format!("a-{konto}"), &pay(json!("viel")));
    house.until("it was refused", |house| (house.tenant.lines(&["audit", "show", "--kind", "event.refused", "--json"]).len() == expected).then_some(()));
    house.told("/events/vg-bellheim", &format!("b-{konto}"), &pay(json!(700)));
    house.until("a person is asked", |house| house.tenant.lines(&["tasks", "list", "--as", "a.klein", "--json"]).pop());
    let run = started["run"].as_str().expect("an id").to_owned();
    house.until("it is called off", |house| {
        house.tenant.laufzettel(&["runs", "cancel", &run, "--reason", "Probe", "--as", "a.klein"]);
        house.rests().then_some(())
    });
    house.tally();
}

fn doubt(house: &mut House) {
    house.doubts += 1;
    house.arm(&format!("{}\ndoor.after_call=error", house.what));
    let id = format!("d-{}", house.doubts);
    house.told("/api/v1/processes/zweifel/runs", &id, &json!({}));
    house.until("the server has said what became of it", |house| house.rests().then_some(()));
    house.tally();
}

fn key(house: &mut House) {
    house.until("a key is there", |house| {
        let made = house.tenant.laufzettel(&["keys", "create", "--json", "--name", "probe", "--as", "a.klein", "--process", "rundlauf"]);
        made.status.success().then_some(())
    });
}

/// A schedule of its own, of which the store knows then that it stands two of its years back: one time is passed over and said, the
/// last is made up for.
fn clock(house: &mut House) {
    house.stop();
    house.clocks += 1;
    let expected = house.clocks;
    let file = process("hundesteuer-uhr", "Uhr", &CLOCK.replace("n: 0", &format!("n: {expected}"))).replace("1.0.0", &format!("1.0.{expected}"));
    std::fs::write(house.tenant.path("workflows/hundesteuer-uhr.yaml"), file).expect("written");
    house.server = house.start();
    // the one of the beginning, and one for each job
    house.until("it counts from now", |house| (house.tenant.lines(&["audit", "show", "--kind", "schedule.began", "--json"]).len() > expected).then_some(()));
    house.stop();
    runtime().block_on(async {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(house.tenant.path("data/vg-bellheim.sqlite"));
        let mut store = options.connect().await.expect("the store opens");
        let sql = "UPDATE clocks SET at = at - 2 * 365 * 86400000000 WHERE name LIKE 'hundesteuer-uhr:%'";
        assert_eq!(sqlx::query(sql).execute(&mut store).await.expect("set back").rows_affected(), 1);
    });
    house.server = house.start();
    let begun =
        |house: &House| house.tenant.lines(&["runs", "list", "--limit", "500", "--json"]).iter().filter(|run| run["process"] == "hundesteuer-uhr").count();
    house.until("what was due is done", |house| (begun(house) >= expected && house.rests()).then_some(()));
    assert_eq!(begun(house), expected, "{}", house.what);
}

/// A file and a message that are taken, one of each that are not: put away with their reason, each of them once.
fn arrival(house: &mut House) {
    house.arrivals += 1;
    let n = house.arrivals;
    let letter = |subject: &str| format!("From: Kasse <a@kasse.example>\r\nMessage-ID: <{subject}>\r\nSubject: {subject}\r\n\r\nText\r\n");
    for (name, text) in [
        (format!("eingang/ein/{n}.json"), format!("{{ \"n\": {n} }}")),
        (format!("eingang/ein/{n}.falsch.json"), r#"{ "n": "viele" }"#.to_owned()),
        (format!("post/.kasse/new/{n}.host"), letter(&format!("Buchung {n}"))),
        (format!("post/.kasse/new/{n}.falsch"), letter(&format!("Buchung mit langem Betreff {n}"))),
    ] {
        let path = house.tenant.path(&name);
        let hidden = path.with_file_name(".neu");
        std::fs::write(&hidden, text).and_then(|()| std::fs::rename(&hidden, path)).expect("laid down");
    }
    let away = [
        format!("eingang/fertig/{n}.json"),
        format!("eingang/fehler/{n}.falsch.json"),
        format!("eingang/fehler/{n}.falsch.json.fehler.txt"),
        format!("post/.kasse/cur/{n}.host:2,S"),
        format!("post/.kasse/cur/{n}.falsch:2,F"),
    ];
    house.until("all of it is put away", |house| away.iter().all(|name| house.tenant.path(name).exists()).then_some(()));
    house.until("the runs end", |house| house.rests().then_some(()));
    let count = |folder: &str| std::fs::read_dir(house.tenant.path(folder)).expect("a folder").count();
    let left = ["eingang/ein", "eingang/fertig", "eingang/fehler", "post/.kasse/new", "post/.kasse/cur"].map(count);
    assert_eq!(left, [0, n, 2 * n, 0, 2 * n], "{}", house.what);
    let runs = house.tenant.lines(&["runs", "list", "--limit", "500", "--json"]);
    let begun = |process: &str| runs.iter().filter(|run| run["process"] == process && run["state"] == "completed").count();
    assert_eq!((begun("hundesteuer-dateien"), begun("hundesteuer-post")), (n, n), "{}", house.what);
    assert_eq!(house.tenant.lines(&["audit", "show", "--kind", "input.refused", "--json"]).len(), 2 * n, "{}", house.what);
}

fn newest(house: &House) -> String {
    house.tenant.lines(&["runs", "list", "--limit", "1", "--json"])[0]["nummer"].as_str().expect("a number").to_owned()
}

fn is_erased(house: &House, nummer: &str) -> bool {
    text(&house.tenant.laufzettel(&["runs", "show", nummer])).contains("Inhalte gelöscht am")
}

fn erase(house: &mut House) {
    application(house);
    let nummer = newest(house);
    house.until("it is erased", |house| {
        house.tenant.laufzettel(&["audit", "erase", &nummer, "--reason", "Verlangen", "--as", "d.braun"]);
        is_erased(house, &nummer).then_some(())
    });
}

/// The witness was told, and then the program died: it is carried out at the next start, or the one after that.
fn erase_again(house: &mut House) {
    application(house);
    let nummer = newest(house);
    house.arm("erasure.after_witness=crash");
    house.tenant.laufzettel(&["audit", "erase", &nummer, "--reason", "Verlangen", "--as", "d.braun"]);
    until("it has died", || house.server.as_mut().is_none_or(Server::has_ended).then_some(()));
    house.arm(&house.what);
    house.server = house.start();
    again(house, "it is erased", |house| is_erased(house, &nummer));
}

/// A run past its time goes at the start, or at the one after that.
fn prune(house: &mut House) {
    house.stop();
    let done = house.tenant.laufzettel(&["run", "hundesteuer-kurz", "--as", "a.klein"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let nummer = newest(house);
    house.server = house.start();
    again(house, "it is gone", |house| {
        let left = house.tenant.lines(&["runs", "list", "--limit", "500", "--json"]);
        !left.is_empty() && left.iter().all(|run| run["nummer"] != nummer.as_str())
    });
}

/// What failed at a start is tried again in an hour, or at the next.
fn again(house: &mut House, what: &str, is_so: impl Fn(&House) -> bool) {
    let place = house.what.split('=').next().unwrap_or_default().to_owned();
    house.until(what, |house| {
        if is_so(house) {
            return Some(());
        }
        if house.fires(&place) {
            house.end();
            house.stop();
        }
        None
    });
}
