//! Asking what became of a call: whatever was lost, it happened once or not at all, and who asks is told which.
#![expect(clippy::unwrap_used, reason = "helpers of tests; a failure is a failed test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use laufzettel_mcp_kit::{
    Begun, Call, Deed, Failure, Notes, Served, Tools, Trust,
    describe::{Effect, tool},
    notes::name_of,
    settling,
};
use laufzettel_mcp_testing::{Caller, Person, TENANT, jwks, now};
use rmcp::model::{ProtocolVersion, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

const WEBER: Person = Person { subject: "S-1-weber", groups: &[], zweck: None };
/// Of the run every test token names.
const KEY: &str = "vg-schweich/0198-run/ablegen/0";

/// Adds a line to a file for every stamp: a repetition is seen. Of the kind that cannot look, it does not know either.
struct Stamps {
    folder: PathBuf,
    notes: Notes,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stempel {
    text: String,
    /// Whether what became of it can be found out.
    #[serde(default)]
    blind: bool,
}

#[derive(Serialize, JsonSchema)]
struct Gestempelt {
    nummer: usize,
}

struct Stamp {
    folder: PathBuf,
    given: Stempel,
}

fn stamped(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("stempel")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

impl Deed for Stamp {
    fn prepare(&self) -> Result<Value, Failure> {
        Ok(json!({ "text": self.given.text, "blind": self.given.blind }))
    }

    fn act(&self) -> Result<Value, Failure> {
        if self.given.text == "klemmt" {
            return Err(Failure::unavailable("Der Stempel klemmt."));
        }
        let mut all = stamped(&self.folder);
        all.push(self.given.text.clone());
        fs::write(self.folder.join("stempel"), all.join("\n")).unwrap();
        Ok(json!(Gestempelt { nummer: all.len() }))
    }
}

impl Tools for Stamps {
    const NAME: &'static str = "stamps";

    fn list(&self) -> Vec<Tool> {
        vec![tool::<Stempel, Gestempelt>("stempeln", "Stempeln", "Stempelt", Effect::Send), settling::settle()]
    }

    async fn call(&self, mut call: Call) -> Result<Value, Failure> {
        let folder = self.folder.clone();
        let came_of = move |begun: &Begun| {
            if begun.memo["blind"] == true {
                return Err(Failure::unavailable("Das lässt sich nicht nachsehen.").in_doubt());
            }
            let place = stamped(&folder).iter().position(|text| begun.memo["text"] == **text);
            Ok(place.map(|place| json!(Gestempelt { nummer: place + 1 })))
        };
        if call.tool() == settling::NAME {
            return settling::answer(&self.notes, call, came_of).await;
        }
        let deed = Stamp { folder: self.folder.clone(), given: call.take()? };
        self.notes.once(&call, deed, came_of).await
    }
}

struct House {
    dir: TempDir,
    caller: Caller,
}

async fn open(dir: &Path) -> Caller {
    fs::create_dir_all(dir.join("notizen")).unwrap();
    let stamps = Stamps { folder: dir.to_owned(), notes: Notes::at(&dir.join("notizen")) };
    let served = Served::with_clock(stamps, Trust::new(&jwks(), "stamps", TENANT).unwrap(), now);
    Caller::connect(served, "stamps", ProtocolVersion::V_2025_11_25).await
}

impl House {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let caller = open(dir.path()).await;
        Self { dir, caller }
    }

    /// The server ends, and begins anew on the same data.
    async fn again(self) -> Self {
        let Self { dir, caller } = self;
        caller.leave().await;
        let caller = open(dir.path()).await;
        Self { dir, caller }
    }

    async fn stamp(&self, text: &str, attempt: u32) -> Result<Value, String> {
        self.made(&json!({ "text": text }), attempt).await
    }

    async fn made(&self, arguments: &Value, attempt: u32) -> Result<Value, String> {
        self.caller.attempt(&WEBER, "stempeln", arguments, KEY, attempt).await.map_err(said)
    }

    async fn settle(&self, arguments: &Value) -> Result<Value, String> {
        self.caller.call_with_key(&WEBER, "settle", arguments, KEY).await.map_err(said)
    }

    fn stamps(&self) -> Vec<String> {
        stamped(self.dir.path())
    }

    /// What a server leaves that died after the deed was done, or at least begun.
    fn forget_result(&self) {
        let file = self.dir.path().join("notizen").join(name_of(KEY));
        let mut note: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        note.as_object_mut().unwrap().remove("result").unwrap();
        fs::write(file, note.to_string()).unwrap();
    }
}

fn said(failure: Value) -> String {
    format!("{} {}", failure["art"].as_str().unwrap(), failure["geschehen"])
}

fn asked(attempt: u32) -> Value {
    json!({ "key": KEY, "attempt": attempt })
}

const REFUSED: &str = "conflict false";

#[tokio::test]
async fn a_call_whose_answer_was_lost_has_happened_and_stays_so() {
    let house = House::new().await;
    let first = house.stamp("eins", 1).await.unwrap();
    let happened = json!({ "happened": true, "result": first });
    for arguments in [asked(1), asked(1), json!({ "key": KEY }), asked(9)] {
        assert_eq!(house.settle(&arguments).await.unwrap(), happened, "{arguments}");
    }
    // asked about, it is still the same call
    assert_eq!(house.stamp("eins", 2).await.unwrap(), first);
    assert_eq!(house.stamps(), ["eins"]);
}

#[tokio::test]
async fn what_is_refused_acts_no_more() {
    let not = json!({ "happened": false });
    for (settled, attempts) in [
        // up to that attempt; whoever counts none is refused with them
        (asked(2), [(1, Err(REFUSED.to_owned())), (2, Err(REFUSED.to_owned())), (3, Ok(json!({ "nummer": 1 })))]),
        // for ever
        (json!({ "key": KEY }), [(1, Err(REFUSED.to_owned())), (2, Err(REFUSED.to_owned())), (99, Err(REFUSED.to_owned()))]),
    ] {
        let house = House::new().await;
        assert_eq!(house.settle(&settled).await.unwrap(), not);
        let unnumbered = house.caller.call_with_key(&WEBER, "stempeln", &json!({ "text": "x" }), KEY).await;
        assert_eq!(unnumbered.map_err(said), Err(REFUSED.to_owned()));
        let house = house.again().await;
        for (attempt, expected) in attempts {
            assert_eq!(house.stamp("eins", attempt).await, expected, "{settled} {attempt}");
        }
    }
}

/// What was refused once is not let act again by asking for less.
#[tokio::test]
async fn a_refusal_is_never_taken_back() {
    let house = House::new().await;
    for arguments in [asked(3), asked(1)] {
        house.settle(&arguments).await.unwrap();
    }
    assert_eq!(house.stamp("eins", 3).await, Err(REFUSED.to_owned()));
    for arguments in [json!({ "key": KEY }), asked(1)] {
        house.settle(&arguments).await.unwrap();
    }
    assert_eq!(house.stamp("eins", 9).await, Err(REFUSED.to_owned()));
}

#[tokio::test]
async fn a_server_that_died_in_between_finds_out() {
    // after the deed
    let house = House::new().await;
    let first = house.stamp("eins", 1).await.unwrap();
    house.forget_result();
    let house = house.again().await;
    assert_eq!(house.settle(&asked(1)).await.unwrap(), json!({ "happened": true, "result": first }));
    house.forget_result();
    assert_eq!(house.again().await.stamp("eins", 2).await.unwrap(), first);
    // before it
    let house = House::new().await;
    assert_eq!(house.stamp("klemmt", 1).await, Err("unavailable false".to_owned()));
    let house = house.again().await;
    assert_eq!(house.settle(&asked(1)).await.unwrap(), json!({ "happened": false }));
    assert_eq!(house.stamp("klemmt", 1).await, Err(REFUSED.to_owned()));
    // where it cannot be found out nothing is claimed, and nothing done again
    let house = House::new().await;
    let blind = json!({ "text": "eins", "blind": true });
    house.made(&blind, 1).await.unwrap();
    house.forget_result();
    let house = house.again().await;
    assert_eq!(house.settle(&asked(1)).await, Err("unavailable null".to_owned()));
    assert_eq!(house.made(&blind, 2).await, Err("unavailable null".to_owned()));
    assert_eq!(house.stamps(), ["eins"]);
}

#[tokio::test]
async fn another_runs_key_is_nobodys_business() {
    let house = House::new().await;
    for key in ["vg-schweich/0198-other/ablegen/0", "trier/0198-run/ablegen/0", "vg-schweich/0198-run/", "vg-schweich/0198-run2/a/0", "", &"x".repeat(600)] {
        assert_eq!(house.settle(&json!({ "key": key })).await, Err("denied false".to_owned()), "{key}");
    }
    assert_eq!(house.settle(&json!({ "key": KEY, "attempt": 0 })).await.unwrap(), json!({ "happened": false }));
    assert_eq!(house.settle(&json!({ "attempt": 1 })).await, Err("invalid false".to_owned()));
    assert_eq!(fs::read_dir(house.dir.path().join("notizen")).unwrap().count(), 1);
}

/// A call and a question at once: whichever comes first, both say the same.
#[tokio::test]
async fn a_call_and_a_question_at_once_agree() {
    let house = House::new().await;
    for n in 0..50 {
        let key = format!("vg-schweich/0198-run/ablegen.i{n}/0");
        let (text, question) = (json!({ "text": n.to_string() }), json!({ "key": key, "attempt": 1 }));
        let (call, settled) =
            tokio::join!(house.caller.attempt(&WEBER, "stempeln", &text, &key, 1), house.caller.call_with_key(&WEBER, "settle", &question, &key));
        let stands = house.stamps().contains(&n.to_string());
        let settled = settled.unwrap();
        assert_eq!(settled["happened"], stands, "{n}");
        match call {
            Ok(result) => assert_eq!(settled["result"], result),
            Err(failure) => assert_eq!((said(failure), stands), (REFUSED.to_owned(), false)),
        }
    }
}
