//! Journals as files, and the second verifier over a folder of them.

use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use laufzettel_domain::digest::to_hex;
use laufzettel_journal::Record;
use serde_json::{Value, json};

use crate::{Found, book::Case};

/// One folder, and what ought to be found in it.
pub struct Trial {
    pub name: String,
    pub expected: Found,
    case: Case,
    records: Vec<u8>,
    witness: Vec<u8>,
}

/// A record as `laufzettel audit export` prints it.
fn line(record: &Record) -> String {
    if record.is_shrunk() {
        return format!("{}\n", json!({ "lane": record.lane, "seq": record.seq, "hash": to_hex(&record.hash) }));
    }
    let draft = &record.draft;
    let value = json!({
        "lane": record.lane, "seq": record.seq, "run": draft.run.map(|run| run.to_string()), "run_seq": draft.run_seq, "at": draft.at,
        "kind": draft.kind, "actor": draft.actor, "body": draft.body, "salt": draft.salt.map(|salt| to_hex(&salt)),
        "content": draft.content.as_ref().map(|packed| STANDARD.encode(packed)), "hash": to_hex(&record.hash), "satz": "Ein Satz.",
    });
    format!("{value}\n")
}

fn lines(notes: &[String]) -> String {
    notes.iter().map(|note| format!("{}\n", Value::String(note.clone()))).collect()
}

impl Trial {
    pub fn of(name: String, case: &Case, expected: Found) -> Self {
        let records = case.records.iter().map(line).collect::<String>().into_bytes();
        Self { name, expected, case: case.clone(), records, witness: lines(&case.witness).into_bytes() }
    }

    fn write(&self, folder: &Path) -> std::io::Result<()> {
        let witness = folder.join("witness");
        fs::create_dir_all(&witness)?;
        fs::write(folder.join("tenant"), &self.case.tenant)?;
        if let Some(live) = self.case.live {
            fs::write(folder.join("live"), live.to_string())?;
        }
        fs::write(folder.join("records.jsonl"), &self.records)?;
        fs::write(folder.join("checkpoints.jsonl"), lines(&self.case.table))?;
        fs::write(witness.join(format!("{}.vkey", self.case.tenant)), format!("{}\n", self.case.key))?;
        fs::write(witness.join(format!("{}.checkpoints.jsonl", self.case.tenant)), &self.witness)
    }
}

/// What the second verifier says of each, in order.
#[expect(clippy::disallowed_methods, reason = "PYTHON names the interpreter of the second verifier")]
pub fn second_opinions(trials: &[Trial]) -> Vec<Found> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for (index, trial) in trials.iter().enumerate() {
        trial.write(&folder.path().join(format!("{index:05}"))).expect("a case written");
    }
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/verifier/verify.py");
    let output = Command::new(&python).arg("-B").arg(script).arg("--batch").arg(folder.path()).output();
    let output = output.unwrap_or_else(|error| panic!("{python} does not start ({error}): install python3 and python3-cryptography, or set PYTHON"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the second verifier needs Python 3.11 and the package cryptography (python3-cryptography): {said}");
    let found: Vec<Found> = String::from_utf8_lossy(&output.stdout).lines().map(found).collect();
    assert_eq!(found.len(), trials.len(), "one line for each case: {said}");
    found
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn found(line: &str) -> Found {
    let said: Value = serde_json::from_str(line).expect("a line of JSON");
    let place = said["lane"].as_i64().zip(said["seq"].as_i64());
    Found {
        exit: said["exit"].as_u64().expect("an exit code"),
        broken: place.map(|(lane, seq)| (lane, seq, said["what"].as_str().unwrap_or_default().to_owned())),
        unanchored: texts(&said["unanchored"]),
        lost: texts(&said["lost"]),
    }
}

/// Files no store would print: the fourth line of the export, and the witness's file, in other spellings.
pub fn unreadable(case: &Case) -> Vec<Trial> {
    let (index, intact) = (3, crate::judge(case));
    let good = line(&case.records[index]);
    let swap = |old: &str, new: &str| {
        assert!(good.contains(old), "{old} in {good}");
        good.replacen(old, new, 1).into_bytes()
    };
    let hash = to_hex(&case.records[index].hash);
    let at = case.records[index].draft.at;
    let lines: [(&str, Vec<u8>, (i64, i64)); 26] = [
        ("empty", b"\n".to_vec(), (0, 0)),
        ("no JSON", b"{\n".to_vec(), (0, 0)),
        ("no object", b"[]\n".to_vec(), (0, 0)),
        ("no UTF-8", vec![b'"', 0xff, b'"', b'\n'], (0, 0)),
        ("a name twice", swap("\"seq\":4", "\"seq\":4,\"seq\":4"), (0, 0)),
        ("a number too long", swap("\"seq\":4", "\"seq\":99999999999999999999"), (1, 0)),
        ("a fraction", swap("\"seq\":4", "\"seq\":4.0"), (1, 0)),
        ("a text for a number", swap("\"lane\":1", "\"lane\":\"1\""), (0, 4)),
        ("true for a number", swap("\"lane\":1", "\"lane\":true"), (0, 4)),
        ("null for a number", swap(&format!("\"at\":{at}"), "\"at\":null"), (1, 4)),
        ("an exponent", swap(&format!("\"at\":{at}"), "\"at\":1e3"), (1, 4)),
        ("a number for a text", swap("\"config.loaded\"", "7"), (1, 4)),
        ("half a surrogate pair", swap("config.loaded", "\\ud800"), (0, 0)),
        ("a column too few", swap("\"run\":null,", ""), (1, 4)),
        ("a column too many", swap("\"run\":null,", "\"run\":null,\"rum\":null,"), (1, 4)),
        ("capitals in the hash", swap(&hash, &hash.to_uppercase()), (1, 4)),
        ("a short hash", swap(&hash, &hash[2..]), (1, 4)),
        ("no hash", swap(&format!("\"{hash}\""), "null"), (1, 4)),
        ("a short salt", swap("\"salt\":null", "\"salt\":\"00\""), (1, 4)),
        ("content in no base64", swap("\"content\":null", "\"content\":\"*\""), (1, 4)),
        ("content without padding", swap("\"content\":null", "\"content\":\"AA\""), (1, 4)),
        ("shrunk, with a sentence", format!("{{\"lane\":1,\"seq\":4,\"hash\":\"{hash}\",\"satz\":\"\"}}\n").into_bytes(), (1, 4)),
        ("shrunk, without a hash", b"{\"lane\":1,\"seq\":4}\n".to_vec(), (1, 4)),
        ("shrunk, a short hash", format!("{{\"lane\":1,\"seq\":4,\"hash\":\"{}\"}}\n", &hash[2..]).into_bytes(), (1, 4)),
        ("shrunk, a text for a number", format!("{{\"lane\":\"1\",\"seq\":4,\"hash\":\"{hash}\"}}\n").into_bytes(), (0, 4)),
        ("content in another spelling", swap("\"content\":null", "\"content\":\"AB==\""), (1, 4)),
    ];
    let mut trials: Vec<Trial> = lines
        .into_iter()
        .map(|(name, bytes, (lane, seq))| {
            let mut trial = Trial::of(format!("export: {name}"), case, Found::broken(lane, seq, "unreadable"));
            let parts = case.records.iter().enumerate().map(|(at, record)| if at == index { bytes.clone() } else { line(record).into_bytes() });
            trial.records = parts.collect::<Vec<_>>().concat();
            trial
        })
        .collect();
    let mut witness = |name: &str, harm: &dyn Fn(&mut Vec<u8>), expected: Found| {
        let mut trial = Trial::of(format!("witness: {name}"), case, expected);
        harm(&mut trial.witness);
        trials.push(trial);
    };
    let mut shorter = case.clone();
    shorter.witness.pop();
    witness("torn last line", &|bytes| bytes.truncate(bytes.len() - 9), crate::judge(&shorter));
    witness("torn line behind the last", &|bytes| bytes.extend(b"\"laufz"), intact.clone());
    witness("half a character behind the last", &|bytes| bytes.extend(b"\"\xe2"), intact.clone());
    witness("a last line without its end", &|bytes| bytes.truncate(bytes.len() - 1), intact);
    witness("a line that is none", &|bytes| bytes.splice(0..0, *b"\"\n").for_each(drop), Found::broken(0, 0, "note"));
    witness("an empty line", &|bytes| bytes.splice(0..0, *b"\n").for_each(drop), Found::broken(0, 0, "note"));
    trials
}
