//! Journals to judge: written as a process would write them, and as somebody who holds the key might write them anew.

use laufzettel_domain::{RunId, digest::to_hex};
use laufzettel_journal::{Checkpoint, Draft, Head, LANE_CLOSED, LANE_OPENED, Record, Signer, genesis, seal};
use serde_json::{Value, json};

/// Everything a verifier is given.
#[derive(Clone)]
pub struct Case {
    pub tenant: String,
    pub records: Vec<Record>,
    pub table: Vec<String>,
    pub witness: Vec<String>,
    /// The line of the witness's `.vkey`.
    pub key: String,
    pub live: Option<u64>,
    /// The digest of the last note signed.
    tip: [u8; 32],
}

pub fn secret(tenant: &str) -> [u8; 32] {
    [u8::try_from(tenant.len()).expect("a short name"); 32]
}

pub fn run(n: u64) -> RunId {
    RunId::parse(&format!("0000abcd-0000-7000-8000-{n:012}")).expect("a UUID")
}

fn head(record: &Record) -> Head {
    Head { lane: record.lane, seq: record.seq, hash: record.hash }
}

impl Case {
    pub fn new(tenant: &str) -> Self {
        let key = Signer::new(tenant, &secret(tenant)).verify_key().to_text();
        Self { tenant: tenant.to_owned(), records: Vec::new(), table: Vec::new(), witness: Vec::new(), key, live: None, tip: [0; 32] }
    }

    /// A new lane that names the last record found.
    pub fn open(&mut self) {
        self.open_above(0);
    }

    /// The same, with a number above one that is lost.
    pub fn open_above(&mut self, above: u64) {
        let lane = self.records.last().map_or(0, |last| last.lane).max(above) + 1;
        let heads: Vec<Value> = self.records.last().map(|last| json!([last.lane, last.seq, to_hex(&last.hash)])).into_iter().collect();
        let draft = Draft::new(LANE_OPENED, "engine", 1_000, json!({ "heads": heads }), None);
        self.records.push(seal(&genesis(&self.tenant, lane), lane, 1, draft));
    }

    pub fn append(&mut self, draft: Draft) {
        let last = self.records.last().expect("an open lane");
        self.records.push(seal(&last.hash, last.lane, last.seq + 1, draft));
    }

    /// The next record of a run, or one beside runs.
    pub fn write(&mut self, kind: &str, of: Option<u64>, content: Option<&str>) {
        let n = self.records.len();
        let salt = [u8::try_from(n).expect("few records") ^ 0x5a; 16];
        let content = content.map(|text| json!({ "wert": text, "n": n }));
        let draft = Draft::new(kind, "engine", 1_000 + i64::try_from(n).expect("few"), json!({ "v": 1, "step": "a" }), content.as_ref().map(|c| (c, salt)));
        let Some(id) = of.map(run) else { return self.append(draft) };
        let before = self.records.iter().filter(|record| record.draft.run == Some(id)).count() as u64;
        self.append(draft.of_run(id, before + 1));
    }

    pub fn close(&mut self) {
        self.append(Draft::new(LANE_CLOSED, "engine", 9_000, json!({}), None));
    }

    /// A note that names the last record, in table and witness.
    pub fn checkpoint(&mut self) {
        let heads = self.records.last().map(head).into_iter().collect();
        self.sign(heads);
    }

    fn sign(&mut self, heads: Vec<Head>) {
        let checkpoint = Checkpoint { tenant: self.tenant.clone(), number: self.table.len() as u64 + 1, previous: self.tip, heads };
        self.tip = checkpoint.digest();
        let note = Signer::new(&self.tenant, &secret(&self.tenant)).sign(&checkpoint);
        self.table.push(note.clone());
        self.witness.push(note);
    }

    /// The place of a record in the list.
    pub fn at(&self, lane: u64, seq: u64) -> usize {
        self.records.iter().position(|r| (r.lane, r.seq) == (lane, seq)).expect("a record of the book")
    }

    /// Every hash anew, as somebody without the key can do it; with `follow`, openings name the new ones, too.
    pub fn reseal(&mut self, follow: bool) {
        let mut moved: Vec<(String, String)> = Vec::new();
        let mut last: Option<Record> = None;
        for record in &mut self.records {
            let previous = last.filter(|l| l.lane == record.lane).map_or(genesis(&self.tenant, record.lane), |l| l.hash);
            // of what was pruned nobody can make another hash
            if record.is_shrunk() {
                last = Some(record.clone());
                continue;
            }
            let mut draft = record.draft.clone();
            if follow && draft.kind == LANE_OPENED {
                moved.iter().for_each(|(old, new)| draft.body = draft.body.replace(old, new));
            }
            let sealed = seal(&previous, record.lane, record.seq, draft);
            moved.push((to_hex(&record.hash), to_hex(&sealed.hash)));
            *record = sealed;
            last = Some(record.clone());
        }
    }

    /// Notes past the first so many anew: they name the end of the last lane.
    pub fn resign_from(&mut self, count: usize) {
        self.table.truncate(count);
        self.witness.truncate(count);
        self.tip = checkpoint(&self.table[count - 1], &self.tenant).digest();
        self.checkpoint();
    }

    /// Everything anew, with the key: the end of each lane is witnessed, whatever is in it.
    pub fn forge(&mut self) {
        self.reseal(true);
        self.sign_ends();
    }

    /// New notes, of the end of each lane as it stands.
    pub fn sign_ends(&mut self) {
        (self.table, self.witness, self.tip) = (Vec::new(), Vec::new(), [0; 32]);
        let ends: Vec<Head> = self.records.chunk_by(|a, b| a.lane == b.lane).filter_map(|lane| lane.last()).map(head).collect();
        ends.into_iter().for_each(|end| self.sign(vec![end]));
    }
}

/// What a note of the tenant's own key says.
pub fn checkpoint(note: &str, tenant: &str) -> Checkpoint {
    laufzettel_journal::open_note(note, &[Signer::new(tenant, &secret(tenant)).verify_key()]).expect("an own note")
}

/// Three lanes: the first ended by a crash past its last note, runs that cross them, content of every form.
pub fn three_lanes(tenant: &str) -> Case {
    let mut book = Case::new(tenant);
    let long = "Hundesteuer ".repeat(80);
    book.open();
    book.write("run.started", Some(1), Some("Rex"));
    book.write("step.completed", Some(1), Some(&long));
    book.checkpoint();
    book.write("config.loaded", None, None);
    book.write("step.skipped", Some(1), None);
    book.checkpoint();
    book.write("run.started", Some(2), Some("Bello"));
    book.open();
    book.write("step.completed", Some(2), Some("grün"));
    book.checkpoint();
    book.write("event.received", None, Some("Eingang"));
    book.write("step.completed", Some(1), Some(&long));
    book.close();
    book.checkpoint();
    book.open();
    book.write("run.ended", Some(2), Some("fertig"));
    book.write("run.ended", Some(1), Some("auch"));
    book.close();
    book.checkpoint();
    book
}

/// One lane, ended in order.
pub fn one_lane(tenant: &str) -> Case {
    let mut book = Case::new(tenant);
    book.open();
    book.write("run.started", Some(1), Some("Rex"));
    book.checkpoint();
    book.write("run.ended", Some(1), None);
    book.close();
    book.checkpoint();
    book
}

/// A second lane whose writer is alive; the witness has its head.
pub fn living(tenant: &str) -> Case {
    let mut book = one_lane(tenant);
    book.open();
    book.write("run.started", Some(2), Some("Waldi"));
    book.checkpoint();
    book.write("signin", None, None);
    book.checkpoint();
    book.live = Some(2);
    book
}
