//! The registers over MCP: who gets what, and that a blocked person cannot be told from one who is not there.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use laufzettel_mcp_kit::{Served, Trust};
use laufzettel_mcp_registry::{Config, Registry, Written};
use laufzettel_mcp_testing::{Caller, Person, TENANT, jwks, now};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use sqlx::Connection;
use tempfile::TempDir;

const CONFIG: &str = "
groups: { GG-Steueramt: S-1-steuer, GG-Meldeamt: S-1-melde }
registers:
  person:
    source: { sqlite: person.sqlite, table: person }
    search: [familienname, vornamen, geburtsdatum, anschrift]
    fields: { GG-Steueramt: [familienname, anschrift], GG-Meldeamt: [familienname, vornamen, geburtsdatum] }
    purposes: [Hundesteuer]
    limit: 3
    block: { field: auskunftssperre, inbox: inbox.jsonl }
  hund:
    source: { yaml: hunde.yaml }
    search: [marke, rasse]
    fields: { S-1-1-steuer: [marke, rasse, jahr] }
    purposes: ['*']
";

const PERSONS: &str = "
CREATE TABLE person (familienname TEXT, vornamen TEXT, geburtsdatum TEXT, anschrift TEXT, auskunftssperre INTEGER);
INSERT INTO person VALUES
  ('Müller', 'Anna', '1980-02-01', 'Am Bach 1', 0), ('Muller', 'Otto', '1981-02-01', 'Am Bach 2', NULL),
  ('Geheim', 'Eva', '1990-01-01', 'Unbekannt 3', 1),
  ('Klein', 'A', '1', 'x', 0), ('Klein', 'B', '2', 'x', 0), ('KLEIN', 'C', '3', 'x', 0), ('Klein', 'D', '4', 'x', 0);
";

const WEBER: Person = Person { subject: "S-1-weber", groups: &["S-1-steuer"], zweck: Some("Hundesteuer") };

struct House {
    caller: Caller,
    written: Written,
    dir: TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("sqlite:{}?mode=rwc", dir.path().join("person.sqlite").display());
        let mut db = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(PERSONS).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
        fs::write(dir.path().join("hunde.yaml"), "[{ marke: 17, rasse: Dackel, jahr: 2024, halter: Geheim }]").unwrap();
        let config = Config::parse(CONFIG, dir.path().to_owned(), Path::new("r.yaml")).unwrap();
        let (registry, written) = Registry::open(&config).await.unwrap();
        let served = Served::with_clock(registry, Trust::new(&jwks(), "registry", TENANT).unwrap(), now);
        let caller = Caller::connect(served, "registry", ProtocolVersion::V_2026_07_28).await;
        Self { caller, written, dir }
    }

    async fn persons(&self, person: &Person, arguments: Value) -> Result<Value, Value> {
        self.caller.call(person, "person_suchen", &arguments).await
    }

    /// Stops the server; what stands in the inbox then.
    async fn inbox(self) -> Vec<Value> {
        self.caller.leave().await;
        self.written.all().await;
        let path: PathBuf = self.dir.path().join("inbox.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn art(answer: Result<Value, Value>) -> String {
    answer.unwrap_err()["art"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_group_gets_its_fields_and_both_together_all() {
    let house = House::new().await;
    let ask = json!({ "familienname": "MÜLLER", "vornamen": "", "geburtsdatum": null });
    let both = Person { groups: &["S-1-melde", "S-1-steuer"], ..WEBER };
    for (person, hit) in [
        (&WEBER, json!({ "familienname": "Müller", "anschrift": "Am Bach 1" })),
        (&both, json!({ "familienname": "Müller", "vornamen": "Anna", "geburtsdatum": "1980-02-01", "anschrift": "Am Bach 1" })),
    ] {
        let answer = house.persons(person, ask.clone()).await;
        assert_eq!(answer, Ok(json!({ "anzahl": 1, "treffer": [hit], "mehr": false })));
    }
}

#[tokio::test]
async fn group_and_purpose_must_be_listed() {
    let house = House::new().await;
    let ask = json!({ "familienname": "Müller" });
    for person in [
        Person { groups: &["S-1-bauamt"], ..WEBER },
        Person { groups: &[], ..WEBER },
        Person { zweck: Some("Neugier"), ..WEBER },
        Person { zweck: None, ..WEBER },
    ] {
        assert_eq!(art(house.persons(&person, ask.clone()).await), "denied", "{person:?}");
    }
    let hund = Person { groups: &["S-1-1-steuer"], zweck: None, ..WEBER };
    let answer = house.caller.call(&hund, "hund_suchen", &json!({ "marke": "17" })).await;
    assert_eq!(answer, Ok(json!({ "anzahl": 1, "treffer": [{ "marke": 17, "rasse": "Dackel", "jahr": 2024 }], "mehr": false })));
}

#[tokio::test]
async fn a_blocked_person_is_as_one_not_there_and_noted_apart() {
    let house = House::new().await;
    let blocked = house.persons(&WEBER, json!({ "familienname": "Geheim" })).await;
    let missing = house.persons(&WEBER, json!({ "familienname": "Niemand" })).await;
    assert_eq!(blocked, Ok(json!({ "anzahl": 0, "treffer": [], "mehr": false })));
    assert_eq!(blocked, missing);
    let notes = house.inbox().await;
    assert_eq!(notes.len(), 1);
    assert_eq!((&notes[0]["subject"], &notes[0]["zweck"]), (&json!("S-1-weber"), &json!("Hundesteuer")));
    assert_eq!(notes[0]["search"], json!({ "familienname": "Geheim" }));
    assert_eq!(notes[0]["blocked"][0]["vornamen"], "Eva");
}

#[tokio::test]
async fn a_search_shows_no_more_than_the_limit() {
    let house = House::new().await;
    let page = async |ab: u32, anzahl: u32| {
        let answer = house.persons(&WEBER, json!({ "familienname": "klein", "ab": ab, "anzahl": anzahl })).await.unwrap();
        (answer["anzahl"].clone(), answer["treffer"].as_array().unwrap().len(), answer["mehr"].clone())
    };
    assert_eq!(page(0, 100).await, (json!(3), 3, json!(true)));
    assert_eq!(page(0, 2).await, (json!(3), 2, json!(true)));
    assert_eq!(page(3, 2).await, (json!(3), 0, json!(true)));
}

#[tokio::test]
async fn what_is_no_search_is_refused() {
    let house = House::new().await;
    for ask in [
        json!({}),
        json!({ "vornamen": "Anna" }),
        json!({ "familienname": " " }),
        json!({ "familienname": 1 }),
        json!({ "familienname": "x", "auskunftssperre": "1" }),
        json!({ "familienname": "x".repeat(300) }),
        json!({ "familienname": "x", "anzahl": 101 }),
        json!({ "familienname": "x", "ab": -1 }),
    ] {
        assert_eq!(art(house.persons(&WEBER, ask.clone()).await), "invalid", "{ask}");
    }
    let hund = Person { groups: &["S-1-1-steuer"], ..WEBER };
    assert_eq!(art(house.caller.call(&hund, "hund_suchen", &json!({})).await), "invalid");
    assert_eq!(art(house.caller.call(&hund, "katze_suchen", &json!({})).await), "not_found");
    let tools = house.caller.tools().await;
    assert_eq!(tools[1].input_schema["required"], json!(["familienname"]));
    assert!(tools.iter().all(|tool| tool.input_schema["additionalProperties"] == json!(false)));
}

#[tokio::test]
async fn a_misspelt_column_stops_the_server() {
    let house = House::new().await;
    let text = CONFIG.replace("field: auskunftssperre", "field: sperre");
    let config = Config::parse(&text, house.dir.path().to_owned(), Path::new("r.yaml")).unwrap();
    assert!(Registry::open(&config).await.is_err());
}
