//! The archive over MCP: every tool, with signed tokens, on a real database.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use laufzettel_mcp_dms::{Archive, Seed};
use laufzettel_mcp_kit::{Datei, Served, Trust};
use laufzettel_mcp_testing::{Caller, NOW, Person, TENANT, jwks, meta, now, sign};
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const WEBER: Person = Person { subject: "S-1-weber", groups: &["S-1-steueramt"], zweck: None };
const KLEIN: Person = Person { subject: "S-1-klein", groups: &["S-1-bauamt"], zweck: None };

const SEED: &str = "
akten:
  - akte: HUND-2026
    titel: Hundesteuer 2026
    acl: [{ sid: S-1-steueramt, allow: [read, write] }, { sid: S-1-leitung, allow: [read] }]
    dokumente:
      - titel: Satzung über die Hundesteuer
        art: satzung
        datum: 2020-03-01
        metadaten: { fundstelle: Amtsblatt 3/2020 }
        inhalt: |
          Die Steuer beträgt für den ersten Hund 72 Euro.

          Auf Antrag wird Befreiung gewährt für Blindenführhunde.
      - titel: Vermerk zur Prüfung
        inhalt: Ein Hund wurde nicht angemeldet. Streng vertraulich.
        acl: [{ sid: S-1-weber, deny: [read] }, { sid: S-1-bauamt, allow: [read] }]
";

struct House {
    caller: Caller,
    archive: Archive,
    _dir: TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let archive = Archive::open(dir.path()).await.unwrap();
        let seed: Seed = serde_saphyr::from_str(SEED).unwrap();
        for _ in 0..2 {
            archive.seed(&seed, NOW).await.unwrap();
        }
        let served = Served::with_clock(archive.clone(), Trust::new(&jwks(), "dms", TENANT).unwrap(), now);
        let caller = Caller::connect(served, "dms", ProtocolVersion::V_2026_07_28).await;
        Self { caller, archive, _dir: dir }
    }

    async fn ok(&self, person: &Person, tool: &str, arguments: Value) -> Value {
        self.caller.call(person, tool, &arguments).await.unwrap()
    }

    async fn art(&self, person: &Person, tool: &str, arguments: Value) -> String {
        art(self.caller.call(person, tool, &arguments).await)
    }
}

fn art(answer: Result<Value, Value>) -> String {
    answer.unwrap_err()["art"].as_str().unwrap().to_owned()
}

fn column(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn seeded_documents_are_found_read_and_quoted() {
    let house = House::new().await;
    let found = house.ok(&WEBER, "suchen", json!({ "frage": "Hund" })).await;
    assert_eq!(column(&found["treffer"], "dokument"), ["D-000001"]);
    assert_eq!(found["treffer"][0]["datum"], "2020-03-01");
    let read = house.ok(&WEBER, "lesen", json!({ "dokument": "D-000001" })).await;
    assert_eq!(read["metadaten"], json!({ "fundstelle": "Amtsblatt 3/2020" }));
    assert!(read["text"].as_str().unwrap().starts_with("Die Steuer"));
    let datei: Datei = serde_json::from_value(read["datei"].clone()).unwrap();
    assert_eq!(String::from_utf8(datei.bytes().unwrap()).unwrap(), read["text"]);
    let quoted = house.ok(&WEBER, "passagen", json!({ "frage": "Wann gibt es eine Befreiung?" })).await;
    assert_eq!(quoted["passagen"].as_array().unwrap().len(), 1);
    assert_eq!(quoted["passagen"][0]["place"], "Absatz 2");
    let all = house.ok(&WEBER, "passagen", json!({ "dokument": "D-000001" })).await;
    assert_eq!(column(&all["passagen"], "place"), ["Absatz 1", "Absatz 2"]);
    let akte = house.ok(&WEBER, "akte_lesen", json!({ "akte": "HUND-2026" })).await;
    assert_eq!((column(&akte["dokumente"], "dokument"), &akte["mehr"]), (vec!["D-000001".to_owned()], &json!(false)));
}

#[tokio::test]
async fn what_may_not_be_read_is_not_found_anywhere() {
    let house = House::new().await;
    // Weber is denied the second document, Klein may read only that one, the third person nothing.
    let nobody = Person { subject: "S-1-x", groups: &["S-1-y"], zweck: None };
    for (person, visible) in [(&WEBER, vec!["D-000001"]), (&KLEIN, vec!["D-000002"]), (&nobody, vec![])] {
        let found = house.ok(person, "suchen", json!({ "frage": "Hund" })).await;
        assert_eq!(column(&found["treffer"], "dokument"), visible);
        let quoted = house.ok(person, "passagen", json!({ "frage": "Hund" })).await;
        assert_eq!(column(&quoted["passagen"], "document"), visible);
    }
    let unread = house.caller.call(&WEBER, "lesen", &json!({ "dokument": "D-000002" })).await.unwrap_err();
    let missing = house.caller.call(&WEBER, "lesen", &json!({ "dokument": "D-000009" })).await.unwrap_err();
    let same = |failure: &Value, id: &str| failure.to_string().replace(id, "…");
    assert_eq!(same(&unread, "D-000002"), same(&missing, "D-000009"));
    for (tool, arguments) in [
        ("passagen", json!({ "dokument": "D-000002" })),
        ("dokument_stornieren", json!({ "dokument": "D-000002" })),
        ("metadaten_setzen", json!({ "dokument": "D-000002", "metadaten": {} })),
    ] {
        assert_eq!(house.art(&WEBER, tool, arguments).await, "not_found", "{tool}");
    }
    assert_eq!(house.art(&KLEIN, "akte_lesen", json!({ "akte": "HUND-2026" })).await, "not_found");
}

#[tokio::test]
async fn reading_is_not_writing() {
    let house = House::new().await;
    let leitung = Person { subject: "S-1-l", groups: &["S-1-leitung"], zweck: None };
    house.ok(&leitung, "lesen", json!({ "dokument": "D-000001" })).await;
    assert_eq!(house.art(&leitung, "dokument_stornieren", json!({ "dokument": "D-000001" })).await, "denied");
    let filed = json!({ "akte": "HUND-2026", "titel": "x", "inhalt": "y" });
    assert_eq!(house.art(&leitung, "dokument_ablegen", filed.clone()).await, "denied");
    assert_eq!(house.art(&KLEIN, "dokument_ablegen", filed).await, "denied");
    assert_eq!(house.art(&KLEIN, "akte_anlegen", json!({ "akte": "HUND-2026", "titel": "x" })).await, "denied");
}

#[tokio::test]
async fn a_key_is_one_effect() {
    let house = House::new().await;
    let first = json!({ "akte": "HUND-17", "titel": "Anmeldung", "inhalt": "Dackel Waldi" });
    let other = json!({ "akte": "HUND-17", "titel": "Anmeldung", "inhalt": "Dackel Fiffi" });
    let file = async |arguments: &Value| house.caller.call_with_key(&WEBER, "dokument_ablegen", arguments, "run/1").await;
    let answer = json!({ "dokument_id": "D-000003", "version": "1" });
    assert_eq!(file(&first).await, Ok(answer.clone()));
    assert_eq!(file(&first).await, Ok(answer));
    assert_eq!(art(file(&other).await), "conflict");
    let under = house.caller.call_with_key(&WEBER, "akte_anlegen", &json!({ "akte": "A", "titel": "T" }), "run/1").await;
    assert_eq!(art(under), "conflict");
    let akte = house.ok(&WEBER, "akte_lesen", json!({ "akte": "HUND-17" })).await;
    assert_eq!(column(&akte["dokumente"], "dokument"), ["D-000003"]);
    // The creator and the creator's groups, nobody else.
    house.ok(&Person { subject: "S-1-z", groups: &["S-1-steueramt"], zweck: None }, "lesen", json!({ "dokument": "D-000003" })).await;
    assert_eq!(house.art(&KLEIN, "lesen", json!({ "dokument": "D-000003" })).await, "not_found");
}

#[tokio::test]
async fn a_token_is_good_for_one_call() {
    let house = House::new().await;
    let arguments = Map::from_iter([("akte".to_owned(), json!("HUND-2026"))]);
    let token = sign(&house.caller.claims(&WEBER, "akte_lesen", &arguments, "k"));
    let call = async |arguments: &Map<String, Value>| house.caller.call_with_meta("akte_lesen", arguments.clone(), meta(&token, "k")).await;
    let other = Map::from_iter([("akte".to_owned(), json!("HUND-17"))]);
    assert_eq!(art(call(&other).await), "delegation");
    assert!(call(&arguments).await.is_ok());
    assert_eq!(art(call(&arguments).await), "delegation");
}

#[tokio::test]
async fn metadata_make_a_version_and_cancelling_hides() {
    let house = House::new().await;
    let set = json!({ "dokument": "D-000001", "metadaten": { "fundstelle": null, "datum": "2021-01-01", "n": 1 } });
    assert_eq!(house.ok(&WEBER, "metadaten_setzen", set.clone()).await, json!({ "version": "2" }));
    assert_eq!(house.ok(&WEBER, "metadaten_setzen", set).await, json!({ "version": "2" }));
    let read = house.ok(&WEBER, "lesen", json!({ "dokument": "D-000001" })).await;
    assert_eq!(read["metadaten"], json!({ "datum": "2021-01-01", "n": 1 }));
    let old = house.ok(&WEBER, "lesen", json!({ "dokument": "D-000001", "version": "1" })).await;
    assert_eq!(old["metadaten"], json!({ "fundstelle": "Amtsblatt 3/2020" }));
    assert_eq!(house.art(&WEBER, "lesen", json!({ "dokument": "D-000001", "version": "9" })).await, "not_found");
    let hits = async |extra: Value| {
        let mut arguments = json!({ "frage": "Steuer" });
        arguments.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
        column(&house.ok(&WEBER, "suchen", arguments).await["treffer"], "dokument").len()
    };
    assert_eq!(hits(json!({ "von": "2021-01-01", "bis": "2021-01-01", "art": "satzung", "akte": "HUND-2026" })).await, 1);
    assert_eq!(hits(json!({ "von": "2021-01-02" })).await, 0);
    for _ in 0..2 {
        let cancelled = house.ok(&WEBER, "dokument_stornieren", json!({ "dokument": "D-000001", "grund": "Irrtum" })).await;
        assert_eq!(cancelled, json!({ "storniert": true }));
    }
    assert_eq!(hits(json!({})).await, 0);
    let akte = house.ok(&WEBER, "akte_lesen", json!({ "akte": "HUND-2026" })).await;
    assert_eq!(akte["dokumente"][0]["storniert"], true);
    drop(house.archive);
}

#[tokio::test]
async fn files_are_kept_as_they_are_and_read_where_possible() {
    let house = House::new().await;
    let pdf = Datei::new("Antrag.pdf", "application/pdf", "x:1", b"%PDF-1.7");
    let filed = json!({ "akte": "A-1", "titel": "Antrag", "datei": pdf });
    assert_eq!(house.ok(&WEBER, "akte_anlegen", json!({ "akte": "A-1", "titel": "Akte" })).await["neu"], true);
    assert_eq!(house.ok(&WEBER, "akte_anlegen", json!({ "akte": "A-1", "titel": "Akte" })).await["neu"], false);
    let id = house.ok(&WEBER, "dokument_ablegen", filed).await["dokument_id"].clone();
    let read = house.ok(&WEBER, "lesen", json!({ "dokument": id })).await;
    assert_eq!((read["datei"]["sha256"].as_str(), read.get("text")), (Some(pdf.sha256.as_str()), None));
    assert_eq!(house.art(&WEBER, "text_auslesen", json!({ "datei": pdf })).await, "invalid");
    let text = Datei::new("a.txt", "text/plain", "x:2", "Seite eins\u{c}Seite zwei".as_bytes());
    let read = house.ok(&WEBER, "text_auslesen", json!({ "datei": text })).await;
    assert_eq!(read["seiten"][1], json!({ "seite": 2, "text": "Seite zwei" }));
    let mut spoiled = text.clone();
    spoiled.size += 1;
    for arguments in [
        json!({ "akte": "A-1", "titel": "x", "datei": spoiled }),
        json!({ "akte": "A-1", "titel": "x" }),
        json!({ "akte": "A-1", "titel": "x", "inhalt": "y", "datei": text }),
        json!({ "akte": "A-1", "titel": "a\nb", "inhalt": "y" }),
        json!({ "akte": "A-1", "titel": "x", "inhalt": "y", "metadaten": { "datum": "heute" } }),
    ] {
        assert_eq!(house.art(&WEBER, "dokument_ablegen", arguments).await, "invalid");
    }
}

#[tokio::test]
async fn every_tool_is_described_in_full() {
    let tools = House::new().await.caller.tools().await;
    assert_eq!(tools.len(), 9);
    for tool in tools {
        assert_eq!(tool.input_schema["additionalProperties"], json!(false), "{}", tool.name);
        assert!(tool.output_schema.is_some() && tool.annotations.unwrap().read_only_hint.is_some());
    }
}
