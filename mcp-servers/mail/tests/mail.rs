//! Mail over MCP: every tool, with signed tokens, in real folders.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use std::{fs, path::PathBuf};

use laufzettel_mcp_kit::{Datei, Served, Trust};
use laufzettel_mcp_mail::Mail;
use laufzettel_mcp_testing::{Caller, Person, TENANT, jwks, now};
use mail_parser::{MessageParser, MimeHeaders};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use tempfile::TempDir;

const WEBER: Person = Person { subject: "S-1-weber", groups: &[], zweck: None };

struct House {
    caller: Caller,
    dir: TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mail = Mail::open(dir.path(), "steueramt@vg-schweich.example").unwrap();
        let served = Served::with_clock(mail, Trust::new(&jwks(), "mail", TENANT).unwrap(), now);
        let caller = Caller::connect(served, "mail", ProtocolVersion::V_2025_11_25).await;
        Self { caller, dir }
    }

    async fn call(&self, tool: &str, arguments: &Value) -> Result<Value, Value> {
        self.caller.call(&WEBER, tool, arguments).await
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        fs::read_dir(self.dir.path().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn art(answer: Result<Value, Value>) -> String {
    answer.unwrap_err()["art"].as_str().unwrap().to_owned()
}

fn brief() -> Value {
    let datei = Datei::new("Bescheid „Müller“ \"1\".txt", "text/plain; charset=utf-8", "x:1", "Grüße\n".as_bytes());
    json!({
        "an": ["a.mueller@example.org", "b@example.org"],
        "betreff": "Ihre Anmeldung – Hündin Waldi",
        "text": "Guten Tag,\n.\nanbei der Bescheid über 72 €.\n",
        "anhaenge": [datei],
        "antwort_auf": "<frage-1@example.org>",
    })
}

#[tokio::test]
async fn a_message_is_written_once_however_often_it_is_sent() {
    let house = House::new().await;
    let send = async |tool: &str, arguments: &Value| house.caller.call_with_key(&WEBER, tool, arguments, "run/1").await;
    let first = send("senden", &brief()).await.unwrap();
    assert_eq!(send("senden", &brief()).await.unwrap(), first);
    assert_eq!(house.files("out/new").len(), 1);
    let mut other = brief();
    other["text"] = json!("Etwas anderes");
    assert_eq!(art(send("senden", &other).await), "conflict");
    assert_eq!(art(send("entwurf", &brief()).await), "conflict");
    // Carried on by the mail system: still nothing happens.
    fs::remove_file(house.files("out/new").remove(0)).unwrap();
    assert_eq!(send("senden", &brief()).await.unwrap(), first);
    assert_eq!(house.files("out/new").len(), 0);
    assert_eq!(house.files("belege").len(), 1);
}

/// Of the run every test token names.
const KEY: &str = "vg-schweich/0198-run/senden/0";

/// What a server leaves that died before it noted that the letter lies there.
fn forget_result(note: &PathBuf) {
    let mut kept: Value = serde_json::from_slice(&fs::read(note).unwrap()).unwrap();
    kept.as_object_mut().unwrap().remove("result").unwrap();
    fs::write(note, kept.to_string()).unwrap();
}

#[tokio::test]
async fn a_letter_whose_answer_was_lost_was_sent_once() {
    for tool in ["senden", "entwurf"] {
        let house = House::new().await;
        let folder = if tool == "senden" { "out/new" } else { "entwuerfe/new" };
        let settle = async |attempt: u32| house.caller.call_with_key(&WEBER, "settle", &json!({ "key": KEY, "attempt": attempt }), KEY).await.unwrap();
        let first = house.caller.attempt(&WEBER, tool, &brief(), KEY, 1).await.unwrap();
        let happened = json!({ "happened": true, "result": first });
        assert_eq!(settle(1).await, happened);
        // the server died before it noted that, and the mail system has carried the letter on meanwhile
        forget_result(&house.files("belege").remove(0));
        fs::remove_file(house.files(folder).remove(0)).unwrap();
        assert_eq!(settle(1).await, happened);
        assert_eq!(house.caller.attempt(&WEBER, tool, &brief(), KEY, 2).await.unwrap(), first);
        assert_eq!((house.files(folder).len(), house.files("belege").len()), (0, 1));
    }
}

#[tokio::test]
async fn a_letter_that_was_not_sent_is_not_sent_late() {
    let house = House::new().await;
    let settle = async |attempt: u32| house.caller.call_with_key(&WEBER, "settle", &json!({ "key": KEY, "attempt": attempt }), KEY).await.unwrap();
    let send = async |attempt: u32| house.caller.attempt(&WEBER, "senden", &brief(), KEY, attempt).await;
    // never asked for
    assert_eq!(settle(1).await, json!({ "happened": false }));
    assert_eq!(art(send(1).await), "conflict");
    // written, and not laid down when the server died
    let first = send(2).await.unwrap();
    let note = house.files("belege").remove(0);
    fs::rename(house.files("out/new").remove(0), note.with_extension("brief")).unwrap();
    forget_result(&note);
    assert_eq!(settle(2).await, json!({ "happened": false }));
    assert_eq!(art(send(2).await), "conflict");
    assert_eq!(house.files("out/new").len(), 0);
    // the next attempt may
    assert_eq!(send(3).await.unwrap(), first);
    assert_eq!((house.files("out/new").len(), house.files("belege").len()), (1, 1));
}

#[tokio::test]
async fn what_was_written_is_what_is_read() {
    let house = House::new().await;
    let answer = house.call("senden", &brief()).await.unwrap();
    let bytes = fs::read(house.files("out/new").remove(0)).unwrap();
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(format!("<{}>", message.message_id().unwrap()), answer["message_id"]);
    assert_eq!(message.subject().unwrap(), "Ihre Anmeldung – Hündin Waldi");
    assert_eq!(message.in_reply_to().as_text().unwrap(), "frage-1@example.org");
    assert_eq!(message.from().unwrap().first().unwrap().address().unwrap(), "steueramt@vg-schweich.example");
    assert_eq!(message.attachment(0).unwrap().attachment_name().unwrap(), "Bescheid „Müller“ \"1\".txt");
    // The same bytes as incoming mail.
    fs::write(house.dir.path().join("eingang/new/1.m.host"), &bytes).unwrap();
    let read = house.call("lesen", &json!({ "id": "1.m.host" })).await.unwrap();
    assert_eq!(read["an"], json!(["a.mueller@example.org", "b@example.org"]));
    assert_eq!(read["text"].as_str().unwrap().replace("\r\n", "\n"), brief()["text"]);
    assert_eq!(read["datum"], "2027-01-15T08:00:00Z");
    let datei: Datei = serde_json::from_value(read["anhaenge"][0].clone()).unwrap();
    assert_eq!((datei.name.as_str(), datei.bytes().unwrap()), ("Bescheid „Müller“ \"1\".txt", "Grüße\n".as_bytes().to_vec()));
}

#[tokio::test]
async fn a_draft_goes_nowhere() {
    let house = House::new().await;
    let answer = house.call("entwurf", &brief()).await.unwrap();
    assert_eq!((house.files("entwuerfe/new").len(), house.files("out/new").len()), (1, 0));
    assert!(house.files("entwuerfe/new")[0].ends_with(answer["entwurf_id"].as_str().unwrap()));
}

#[tokio::test]
async fn nothing_adds_a_header_or_a_recipient() {
    let house = House::new().await;
    let datei = |name: &str| json!([Datei::new(name, "text/plain", "x:1", b"x")]);
    for (field, value, expected) in [
        ("betreff", json!("x\r\nBcc: c@example.org"), "invalid"),
        ("betreff", json!("x\ny"), "invalid"),
        ("betreff", json!(""), "invalid"),
        ("an", json!("a@example.org\r\nBcc: c@example.org"), "invalid"),
        ("an", json!("a@example.org, c@example.org"), "invalid"),
        ("an", json!([]), "invalid"),
        ("an", json!(["a@example.org", 1]), "invalid"),
        ("an", json!({ "adresse": "a@example.org" }), "invalid"),
        ("antwort_auf", json!("<a@b>\r\nBcc: c@example.org"), "invalid"),
        ("antwort_auf", json!("a"), "invalid"),
        ("anhaenge", datei("a\r\nX: y"), "invalid"),
        ("anhaenge", json!([{ "name": "x" }]), "invalid"),
        ("anhaenge", json!(["D-000001"]), "unsupported"),
        ("bcc", json!("c@example.org"), "invalid"),
    ] {
        let mut arguments = brief();
        arguments[field] = value.clone();
        assert_eq!(art(house.call("senden", &arguments).await), expected, "{field} {value}");
    }
    assert_eq!(house.files("out/new").len(), 0);
    let mut one = brief();
    one["an"] = json!("a@example.org");
    assert!(house.call("senden", &one).await.is_ok());
}

#[tokio::test]
async fn incoming_mail_is_listed_newest_first_and_left_alone() {
    let house = House::new().await;
    let message =
        |day: u32| format!("From: Anna <anna@example.org>\r\nTo: x@y.example\r\nSubject: Tag {day}\r\nDate: {day} Jan 2027 10:00:00 +0100\r\n\r\nHallo\r\n");
    let eingang = house.dir.path().join("eingang");
    fs::create_dir_all(eingang.join(".Erledigt/cur")).unwrap();
    for (file, day) in [("new/a", 3), ("cur/b:2,S", 5), ("cur/c:2,", 4), (".Erledigt/cur/d:2,S", 1)] {
        fs::write(eingang.join(file), message(day)).unwrap();
    }
    let ids = async |arguments: Value| {
        let answer = house.call("posteingang", &arguments).await.unwrap();
        let list = answer["nachrichten"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned());
        (list.collect::<Vec<_>>().join(" "), answer["mehr"].as_bool().unwrap())
    };
    assert_eq!(ids(json!({})).await, ("b c a".to_owned(), false));
    assert_eq!(ids(json!({ "seit": "2027-01-04" })).await, ("b c".to_owned(), false));
    assert_eq!(ids(json!({ "seit": "2027-01-04T09:00:01Z" })).await, ("b".to_owned(), false));
    assert_eq!(ids(json!({ "ab": 1, "anzahl": 1 })).await, ("c".to_owned(), true));
    assert_eq!(ids(json!({ "ordner": "Erledigt" })).await, ("Erledigt/d".to_owned(), false));
    let read = house.call("lesen", &json!({ "id": "Erledigt/d" })).await.unwrap();
    assert_eq!((&read["von"], &read["betreff"]), (&json!("anna@example.org"), &json!("Tag 1")));
    for id in ["x", "../out/x", "..", "a/b/c", "Gibtesnicht/d", ""] {
        assert_eq!(art(house.call("lesen", &json!({ "id": id })).await), "not_found", "{id}");
    }
    assert_eq!(art(house.call("posteingang", &json!({ "ordner": "../.." })).await), "invalid");
    assert_eq!(art(house.call("posteingang", &json!({ "ordner": "Neu" })).await), "not_found");
    assert_eq!(art(house.call("posteingang", &json!({ "seit": "gestern" })).await), "invalid");
}

#[tokio::test]
async fn every_tool_is_described_in_full() {
    let tools = House::new().await.caller.tools().await;
    let send = tools.iter().find(|tool| tool.name == "senden").unwrap();
    assert_eq!(send.annotations.as_ref().unwrap().open_world_hint, Some(true));
    for tool in tools {
        assert_eq!(tool.input_schema["additionalProperties"], json!(false), "{}", tool.name);
        assert!(tool.output_schema.is_some());
    }
}

#[test]
fn the_sender_must_be_an_address() {
    let dir = TempDir::new().unwrap();
    assert!(Mail::open(dir.path(), "Steueramt <x@y.example>").is_err());
}
