//! Files in a folder, e-mail in a mailbox: each is one run, once, whatever the store does; what cannot be taken lies aside with the reason, and nothing
//! outside the opened folder is ever seen.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use laufzettel_domain::{Caller, Clock, Via};
use laufzettel_store::{Faults, Memory as MemoryStore};
use laufzettel_worker::{Desk, Limits, Places, Quotas, Worker};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{PROCESS, Seeded, desk_of, time::Slow};

/// tokio's clock, from an instant on.
pub struct From(pub Timestamp, pub tokio::time::Instant);

impl Clock for From {
    fn now(&self) -> Timestamp {
        self.0 + jiff::SignedDuration::try_from(self.1.elapsed()).unwrap()
    }
}

const STEPS: &str = r#"
steps:
  da: { set: { da: ja } }
output: { da: "{{ steps.da.da }}" }
"#;

const TAGGED: &str = "{ type: object, additionalProperties: false, required: [tag], properties: { tag: { type: string, maxLength: 8 } } }";
const WITH_FILE: &str = "{ type: object, required: [datei], properties: { tag: { type: string }, datei: { type: object, format: file } } }";

/// The probe, begun by that trigger with that input.
fn process(trigger: &str, input: &str) -> String {
    let (head, _) = PROCESS.split_once("triggers:").unwrap();
    format!("{head}triggers: [{{ {trigger} }}]\ninput: {input}\n{STEPS}")
}

const FOLDER: &str = "folder: { path: ein/kasse, done: fertig, failed: fehler, run_as: service:svc }";

pub struct House {
    pub root: tempfile::TempDir,
    pub memory: MemoryStore,
    dice: u64,
}

impl House {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["ein/kasse", "post/new", "post/cur"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        Self { root, memory: MemoryStore::open("t", 0), dice: 0 }
    }

    pub fn lay(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.root.path().join("ein/kasse").join(name), bytes).unwrap();
    }

    /// A desk whose triggers look below this house's folder.
    pub fn desk(&mut self, process: &str, from: &str, quotas: Quotas) -> Desk {
        self.dice += 1;
        let clock = Arc::new(From(from.parse().unwrap(), tokio::time::Instant::now()));
        let desk = desk_of(process, self.memory.clone(), &Arc::new(Seeded(Mutex::new(self.dice))), clock, Box::new(Slow));
        let mut tenant = Arc::into_inner(desk.tenant).unwrap();
        tenant.places = Places { folder: Some(self.root.path().to_owned()), mail: Some(self.root.path().join("post")) };
        tenant.quotas = quotas;
        Desk::new(Arc::new(tenant))
    }

    /// All files below, with what they say.
    pub fn tree(&self) -> BTreeMap<String, String> {
        fn walk(root: &Path, at: &Path, found: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(at).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    walk(root, &path, found);
                } else {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    found.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.root.path(), self.root.path(), &mut found);
        found
    }

    pub fn names(&self) -> Vec<String> {
        self.tree().into_keys().collect()
    }

    /// What the journal says of arrivals and starts.
    pub async fn story(&self) -> Vec<String> {
        let mut told = Vec::new();
        for record in self.memory.records((0, 0), u32::MAX).await.unwrap() {
            let (body, content) = (record.draft.body().unwrap(), record.draft.content().unwrap_or_default());
            told.extend(match record.draft.kind.as_str() {
                "run.started" => Some(format!("started {} {} {}", body["caller"]["subject"], body["trust"], content["input"])),
                "input.refused" => Some(format!("refused {} {}", content["name"], body["fields"])),
                kind @ ("input.repeated" | "trigger.failed" | "trigger.recovered" | "start.denied" | "quota.exceeded") => Some(kind.to_owned()),
                _ => None,
            });
        }
        told
    }
}

/// A program that runs for so many seconds.
pub async fn live(desk: Desk, seconds: u64) {
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(desk).run(stop.clone()));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.cancel();
    worker.await.unwrap();
}

const NOW: &str = "2026-11-23T08:00:00Z";

#[tokio::test(start_paused = true)]
async fn each_file_is_one_run_and_what_does_not_fit_lies_aside() {
    let mut house = House::new();
    let begun = |tag: &str| format!(r#"started "service:svc" "untrusted" {{"tag":"{tag}"}}"#);
    house.lay("a.json", r#"{ "tag": "eins" }"#);
    house.lay("b.json", "{ \"tag\":\n }");
    house.lay("c.json", r#"{ "tag": "viel zu lang", "mehr": 1 }"#);
    house.lay("d.txt", "Text");
    for left in [".versteckt.json", "e.json.part", "leer.json"] {
        house.lay(left, if left == "leer.json" { "" } else { r#"{ "tag": "nie" }"# });
    }
    fs::write(house.root.path().join("geheim.json"), r#"{ "tag": "geheim" }"#).unwrap();
    symlink(house.root.path().join("geheim.json"), house.root.path().join("ein/kasse/f.json")).unwrap();
    fs::create_dir(house.root.path().join("ein/kasse/g.json")).unwrap();
    // replies are lost, commits refused
    house.memory.inject(vec![Faults::LostReply, Faults::Refused, Faults::LostReply, Faults::Refused]);
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 60).await;
    let mut story = house.story().await;
    story.sort();
    story.retain(|line| line != "input.repeated");
    assert_eq!(story, [r#"refused "b.json" []"#.to_owned(), r#"refused "c.json" ["tag"]"#.into(), r#"refused "d.txt" []"#.into(), begun("eins")]);
    let left = ["ein/kasse/.versteckt.json", "ein/kasse/e.json.part", "ein/kasse/f.json", "ein/kasse/leer.json"];
    let aside = ["fehler/b.json", "fehler/b.json.fehler.txt", "fehler/c.json", "fehler/c.json.fehler.txt", "fehler/d.txt", "fehler/d.txt.fehler.txt"];
    assert_eq!(house.names(), [&left[..], &aside, &["fertig/a.json", "geheim.json"]].concat());
    let said = &house.tree()["fehler/c.json.fehler.txt"];
    assert!(said.contains("tag: Höchstens 8 Zeichen sind möglich") && said.contains("Unbekanntes Feld: mehr.") && said.contains("„ein/kasse“"), "{said}");
    assert!(house.tree()["fehler/b.json.fehler.txt"].contains("kein gültiges JSON: Zeile 2, Spalte 2"));

    // another one under the same name is another one; the same once more is the same
    house.memory = house.memory.reopen(0);
    house.lay("a.json", r#"{ "tag": "zwei" }"#);
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 10).await;
    house.lay("a.json", r#"{ "tag": "eins" }"#);
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 10).await;
    let story = house.story().await;
    assert_eq!(story[story.len() - 2..], [begun("zwei"), "input.repeated".into()]);
    assert_eq!(story.iter().filter(|line| line.starts_with("started")).count(), 2);
    let done: Vec<_> = house.names().into_iter().filter(|name| name.starts_with("fertig/")).collect();
    assert_eq!((done.len(), done.iter().all(|name| name.starts_with("fertig/a.") && name.ends_with("json"))), (3, true), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn any_other_file_is_the_one_the_input_asks_for() {
    let mut house = House::new();
    house.lay("Antrag 1.PDF", b"%PDF-1.7");
    live(house.desk(&process(FOLDER, WITH_FILE), NOW, Quotas::default()), 10).await;
    let file = laufzettel_domain::file::File::describe("Antrag 1.PDF", "application/pdf", b"%PDF-1.7");
    assert_eq!(house.story().await, [format!(r#"started "service:svc" "untrusted" {}"#, json!({ "datei": file }))]);
    assert_eq!(house.names(), ["fertig/Antrag 1.PDF"]);
}

/// A file is taken when nobody writes to it any more: never half of it.
#[tokio::test(start_paused = true)]
async fn a_file_that_grows_is_waited_for() {
    let mut house = House::new();
    let desk = house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default());
    let path = house.root.path().join("ein/kasse/langsam.json");
    let writing = tokio::spawn(async move {
        // what stands there is valid all the time
        for spaces in 1..30 {
            fs::write(&path, format!("{}{{ \"tag\": \"{spaces}\" }}", " ".repeat(spaces))).unwrap();
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
    });
    live(desk, 40).await;
    writing.await.unwrap();
    assert_eq!(house.story().await, [r#"started "service:svc" "untrusted" {"tag":"29"}"#]);
}

/// Nothing is lost and nothing tried for ever: over a quota it waits for its hour, without the right it waits for somebody to mend that.
#[tokio::test(start_paused = true)]
async fn what_may_not_begin_now_stays_where_it_is() {
    let mut house = House::new();
    house.lay("1.json", r#"{ "tag": "eins" }"#);
    house.lay("2.json", r#"{ "tag": "zwei" }"#);
    let quotas = Quotas { tenant: Limits { runs_per_hour: Some(1), tokens_per_day: None }, ..Quotas::default() };
    live(house.desk(&process(FOLDER, TAGGED), NOW, quotas.clone()), 1800).await;
    assert_eq!(house.names(), ["ein/kasse/2.json", "fertig/1.json"]);
    live(house.desk(&process(FOLDER, TAGGED), "2026-11-23T08:30:00Z", quotas), 1900).await;
    assert_eq!(house.names(), ["fertig/1.json", "fertig/2.json"]);

    let mut house = House::new();
    house.lay("1.json", r#"{ "tag": "eins" }"#);
    let nobody = FOLDER.replace("service:svc", "service:niemand");
    live(house.desk(&process(&nobody, TAGGED), NOW, Quotas::default()), 1800).await;
    assert_eq!((house.names(), house.story().await), (vec!["ein/kasse/1.json".to_owned()], vec!["start.denied".to_owned(); 3]));
}

/// No link leads out of the opened folder, neither on the way nor as a file; that nobody can look is told once.
#[tokio::test(start_paused = true)]
async fn a_place_that_leads_elsewhere_is_no_place() {
    let mut house = House::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x.json"), r#"{ "tag": "fremd" }"#).unwrap();
    fs::remove_dir(house.root.path().join("ein/kasse")).unwrap();
    symlink(outside.path(), house.root.path().join("ein/kasse")).unwrap();
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 30).await;
    assert_eq!((house.story().await, outside.path().join("x.json").exists()), (vec!["trigger.failed".to_owned()], true));
    let desk = house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default());
    let (root, memory) = (house.root.path().to_owned(), house.memory.clone());
    let mending = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        fs::remove_file(root.join("ein/kasse")).unwrap();
        fs::create_dir(root.join("ein/kasse")).unwrap();
        drop(memory);
    });
    live(desk, 30).await;
    mending.await.unwrap();
    assert_eq!(house.story().await, ["trigger.failed", "trigger.failed", "trigger.recovered"]);
}

/// Of what lay there when the database was restored nobody knows whether it had begun; what came afterwards is taken.
#[tokio::test(start_paused = true)]
async fn what_lay_there_at_a_restore_is_not_begun() {
    for (restored, expected) in [("2999-01-01T00:00:00Z", "fehler/1.json"), ("2001-01-01T00:00:00Z", "fertig/1.json")] {
        let mut house = House::new();
        house.lay("1.json", r#"{ "tag": "eins" }"#);
        let desk = house.desk(&process(FOLDER, TAGGED), restored, Quotas::default());
        desk.record("store.restored", &Caller::service("engine", Via::Engine), Value::Object(serde_json::Map::new())).await.unwrap();
        live(desk, 10).await;
        assert!(house.names().contains(&expected.to_owned()), "{:?}", house.names());
        assert_eq!(house.story().await.len(), 1);
    }
}

const MAIL: &str = r#"mail: { match: { von: "*@kasse.example", betreff: "Buchung*" }, run_as: service:svc }"#;
const BOOKED: &str = "{ type: object, additionalProperties: false, required: [von, text], properties: { von: { type: string, format: email }, \
                      betreff: { type: string, maxLength: 12 }, text: { type: string }, anhaenge: { type: array, items: { type: object, format: file } } } }";

/// A message as mail programs write it; `via`: what a server on the way added.
fn message(via: &str, from: &str, subject: &str, text: &str) -> String {
    format!(
        "Received: {via}\r\nMessage-ID: <{subject}@kasse.example>\r\nFrom: Kasse <{from}>\r\nTo: amt@vg.example\r\nSubject: {subject}\r\n\
         Date: Mon, 23 Nov 2026 07:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--x\r\nContent-Type: application/pdf\r\n\
         Content-Disposition: attachment; filename=\"../b.pdf\"\r\n\r\n%PDF-1\r\n--x--\r\n"
    )
}

#[tokio::test(start_paused = true)]
async fn each_message_that_fits_is_one_run_and_is_marked() {
    let mut house = House::new();
    let deliver = |house: &House, name: &str, text: &str| fs::write(house.root.path().join("post").join(name), text).unwrap();
    deliver(&house, "new/1.host", &message("a", "Meldung@Kasse.example", "Buchung 1", "Zahl ein."));
    deliver(&house, "new/2.host", &message("a", "meldung@kasse.example", "Mahnung", "Zahl ein."));
    deliver(&house, "new/3.host", &message("a", "x@anders.example", "Buchung 3", "Zahl ein."));
    deliver(&house, "new/4.host", &message("a", "meldung@kasse.example", "Buchung mit langem Betreff", "Zahl ein."));
    deliver(&house, "new/5.host", "kein Brief");
    deliver(&house, "cur/6.host:2,", &message("a", "meldung@kasse.example", "Buchung 6", "Sechs."));
    deliver(&house, "cur/7.host:2,S", &message("a", "meldung@kasse.example", "Buchung 7", "Gelesen."));
    symlink(house.root.path().join("post/cur/7.host:2,S"), house.root.path().join("post/new/8.host")).unwrap();
    // the same once more, on another way
    deliver(&house, "new/9.host", &message("b", "Meldung@Kasse.example", "Buchung 1", "Zahl ein."));
    // the same id, and another message
    deliver(&house, "new/A.host", &message("b", "Meldung@Kasse.example", "Buchung 1", "Zahl zwei."));
    house.memory.inject(vec![Faults::LostReply, Faults::Refused]);
    live(house.desk(&process(MAIL, BOOKED), NOW, Quotas::default()), 60).await;
    let file = laufzettel_domain::file::File::describe("b.pdf", "application/pdf", b"%PDF-1");
    let begun = |from: &str, subject: &str, text: &str| {
        let input = json!({ "anhaenge": [file], "betreff": subject, "text": text, "von": from });
        format!(r#"started "service:svc" "untrusted" {input}"#)
    };
    let mut story = house.story().await;
    story.sort();
    story.retain(|line| line != "input.repeated");
    assert_eq!(
        story,
        [
            r#"refused "4.host" ["betreff"]"#.into(),
            begun("Meldung@Kasse.example", "Buchung 1", "Zahl ein."),
            begun("Meldung@Kasse.example", "Buchung 1", "Zahl zwei."),
            begun("meldung@kasse.example", "Buchung 6", "Sechs."),
        ]
    );
    let left = ["cur/1.host:2,S", "cur/4.host:2,F", "cur/6.host:2,S", "cur/7.host:2,S", "cur/9.host:2,S", "cur/A.host:2,S"];
    let untouched = ["new/2.host", "new/3.host", "new/5.host", "new/8.host"];
    assert_eq!(house.names(), left.iter().chain(&untouched).map(|name| format!("post/{name}")).collect::<Vec<_>>());
}

/// Names and reasons of what was refused are content, and go by themselves like everything that stands beside runs; that it was refused
/// stays.
#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_refused_file_goes_after_thirty_days() {
    let mut house = House::new();
    house.lay("Müller, Anna.txt", "Text");
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 10).await;
    for (day, expected) in [("2026-12-23T07:00:00Z", r#"refused "Müller, Anna.txt" []"#), ("2026-12-23T09:00:00Z", "refused null []")] {
        house.memory = house.memory.reopen(0);
        live(house.desk(&process(FOLDER, TAGGED), day, Quotas::default()), 10).await;
        assert_eq!(house.story().await, [expected], "{day}");
    }
}

/// What is broken rests by itself: more of it than one look takes holds up nothing that came later, and that it is there is said once.
#[tokio::test(start_paused = true)]
async fn a_hundred_files_nobody_can_put_away_hold_up_no_other() {
    let mut house = House::new();
    let report = |n: u32| house.root.path().join(format!("fehler/{n}.txt.fehler.txt"));
    fs::create_dir(house.root.path().join("fehler")).unwrap();
    for n in 0..130 {
        house.lay(&format!("{n}.txt"), "Text");
        // the disk takes no report: a thousand names of it are taken
        let digits = &laufzettel_domain::digest::to_hex(&laufzettel_domain::Digest::of(b"Text").0)[..8];
        fs::create_dir(report(n)).unwrap();
        for turn in 1..1_000 {
            let number = if turn == 1 { String::new() } else { format!("-{turn}") };
            symlink("nirgends", house.root.path().join(format!("fehler/{n}.{digits}{number}.txt"))).unwrap();
        }
    }
    house.lay("zuletzt.json", r#"{ "tag": "zuletzt" }"#);
    let late = fs::File::open(house.root.path().join("ein/kasse/zuletzt.json")).unwrap();
    let laid = late.metadata().unwrap().modified().unwrap();
    late.set_modified(laid + Duration::from_secs(60)).unwrap();
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 30).await;
    assert!(house.root.path().join("fertig/zuletzt.json").exists());
    let story = house.story().await;
    let count = |kind: &str| story.iter().filter(|told| told.starts_with(kind)).count();
    assert_eq!((count("refused"), count("started"), count("trigger.failed"), count("trigger.recovered")), (130, 1, 1, 0));
}

/// Names from outside say nothing but themselves, wherever people read them.
#[tokio::test(start_paused = true)]
async fn names_of_files_are_shown_without_what_is_not_seen() {
    let mut house = House::new();
    house.lay("Antrag\n\u{202e}fdp.txt", "Text");
    live(house.desk(&process(FOLDER, WITH_FILE), NOW, Quotas::default()), 10).await;
    let file = laufzettel_domain::file::File::describe("Antragfdp.txt", "text/plain", b"Text");
    assert_eq!(house.story().await, [format!(r#"started "service:svc" "untrusted" {}"#, json!({ "datei": file }))]);

    let mut house = House::new();
    house.lay("Antrag\n\u{202e}fdp.txt", "Text");
    live(house.desk(&process(FOLDER, TAGGED), NOW, Quotas::default()), 10).await;
    assert_eq!(house.story().await, [r#"refused "Antragfdp.txt" []"#]);
    let said = house.tree().into_iter().find(|(name, _)| name.ends_with(".fehler.txt")).unwrap().1;
    assert!(said.contains("Datei:   Antragfdp.txt\n"), "{said}");
}

/// Whoever moves back all of `failed` moves the reports, too: they are no files for anybody.
#[tokio::test(start_paused = true)]
async fn a_report_begins_no_run() {
    let mut house = House::new();
    house.lay("kaputt.txt", "Text");
    house.lay("kaputt.txt.fehler.txt", "Diese Datei wurde nicht angenommen.");
    live(house.desk(&process(FOLDER, WITH_FILE), NOW, Quotas::default()), 10).await;
    assert_eq!((house.story().await.len(), house.names()), (1, vec!["ein/kasse/kaputt.txt.fehler.txt".to_owned(), "fertig/kaputt.txt".to_owned()]));
}

/// Ten thousand messages of others are no reason not to see the one that is meant.
#[tokio::test(start_paused = true)]
async fn messages_of_others_hide_none() {
    let mut house = House::new();
    let new = house.root.path().join("post/new");
    for n in 0..10_050 {
        fs::write(new.join(format!("{n}.fremd")), "From: x@anders.example\r\n\r\nText").unwrap();
    }
    fs::write(new.join("meint"), message("a", "meldung@kasse.example", "Buchung 1", "Zahl ein.")).unwrap();
    live(house.desk(&process(MAIL, BOOKED), NOW, Quotas::default()), 400).await;
    assert!(house.root.path().join("post/cur/meint:2,S").exists());
    assert_eq!(fs::read_dir(new).unwrap().count(), 10_050);
}

/// What is longer than any head of a message is refused, and begins nothing.
#[tokio::test(start_paused = true)]
async fn a_subject_of_megabytes_is_refused() {
    let mut house = House::new();
    let subject = format!("Buchung {}", "x".repeat(7_000_000));
    fs::write(house.root.path().join("post/new/1.host"), message("a", "meldung@kasse.example", &subject, "Text")).unwrap();
    live(house.desk(&process(MAIL, &BOOKED.replace(", maxLength: 12", "")), NOW, Quotas::default()), 10).await;
    assert_eq!((house.story().await, house.names()), (vec![r#"refused "1.host" []"#.to_owned()], vec!["post/cur/1.host:2,F".to_owned()]));
}

/// A message of that name that lies there already is not written over.
#[tokio::test(start_paused = true)]
async fn marking_a_message_replaces_none() {
    let mut house = House::new();
    let post = house.root.path().join("post");
    fs::write(post.join("cur/1.host:2,S"), "die frühere").unwrap();
    fs::write(post.join("new/1.host"), message("a", "meldung@kasse.example", "Buchung 1", "Zahl ein.")).unwrap();
    live(house.desk(&process(MAIL, BOOKED), NOW, Quotas::default()), 10).await;
    assert_eq!(house.names(), ["post/cur/1.host-1:2,S", "post/cur/1.host:2,S"]);
    assert_eq!((house.tree()["post/cur/1.host:2,S"].as_str(), house.story().await.len()), ("die frühere", 1));
}
