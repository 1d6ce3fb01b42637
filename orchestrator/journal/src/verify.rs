//! Recomputes everything and names the first break. Streams: records come in the order (lane, seq).

use std::collections::{BTreeMap, HashMap};

use laufzettel_domain::RunId;
use laufzettel_domain::digest::to_hex;
use serde_json::{Map, Value};

use crate::{
    Checkpoint, NoteError, Record, VerifyKey, content, genesis,
    members::members,
    open_note,
    record::{hash_of, is_place},
    removal::Removals,
    restored::{Restored, STORE_RESTORED, forgive},
};

/// The first thing found wrong, at the record where it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// 0 where no record but a checkpoint is wrong.
    pub lane: u64,
    pub seq: u64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum What {
    #[error("a record is missing before this one")]
    Gap,
    #[error("a record stands twice or out of order")]
    Order,
    #[error("the hash does not fit: this record or the one before it was changed, or it belongs elsewhere")]
    Hash,
    #[error("the body is no JSON object")]
    Body,
    #[error("the content does not fit its commitment")]
    Content,
    #[error("the content is missing and no erasure says so")]
    ContentMissing,
    #[error("only the hash of this record is left and no pruning says so")]
    Shrunk,
    #[error("it tells of an erasure that is not so")]
    Erasure,
    #[error("the lane does not begin with the heads it found")]
    Opening,
    #[error("a lane was changed after another one had seen it")]
    Fork,
    #[error("records of this run are missing or doubled")]
    RunSequence,
    #[error("checkpoint {number}: {error}")]
    Note { number: u64, error: NoteError },
    #[error("checkpoint {0} is missing or out of order")]
    CheckpointOrder(u64),
    #[error("checkpoint {0} of the database differs from the witnessed one")]
    CheckpointFork(u64),
    #[error("checkpoint {0} says something else about this record")]
    CheckpointHead(u64),
    #[error("checkpoint {0} names a record that is not there: the end was cut off")]
    Truncated(u64),
    /// Found by whoever has the bytes beside the records; this crate has not.
    #[error("a file its content describes is missing, and its content was not erased")]
    FileMissing,
    #[error("a file does not have the bytes its name stands for")]
    FileBytes,
    #[error("the process the run goes by is missing")]
    ProcessMissing,
    #[error("a kept process is not the one its name stands for")]
    ProcessText,
    #[error("the list of runs or of tasks says something else than this record")]
    ListRow,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is in order, and witnessed checkpoints reach the end of every lane.
    Intact {
        records: u64,
        checkpoints: u64,
        /// Heads that were lost when a backup was restored, and are on record as lost.
        lost: Vec<(u64, u64)>,
    },
    /// In order, but past these records nothing witnessed says how far the lane went. What was cut there cannot be seen.
    NotAnchored {
        records: u64,
        checkpoints: u64,
        beyond: Vec<(u64, u64)>,
        lost: Vec<(u64, u64)>,
    },
    Broken(Break),
}

/// Kind of the record a lane begins with; its body names the heads found: `{ heads: [[lane, seq, hash], …] }`.
pub const LANE_OPENED: &str = "lane.opened";
/// Kind of the record an orderly shutdown ends a lane with.
pub const LANE_CLOSED: &str = "lane.closed";

/// A record's hash as a checkpoint has it, and that checkpoint's number (0: not witnessed).
type Expected = ([u8; 32], u64);

#[derive(Clone)]
pub struct Verifier {
    tenant: String,
    /// What witnessed checkpoints say of single records: expected hash and checkpoint number.
    expected: BTreeMap<(u64, u64), Vec<Expected>>,
    checkpoints: u64,
    /// How far later lanes found a lane to go.
    seen_heads: BTreeMap<u64, u64>,
    lane: Option<Lane>,
    done: BTreeMap<u64, Lane>,
    runs: HashMap<RunId, RunSeqs>,
    removals: Removals,
    restored: Vec<Restored>,
    broken: Option<Break>,
    records: u64,
}

#[derive(Debug, Clone)]
struct Lane {
    number: u64,
    seq: u64,
    /// Of every record, in order: a later opening may name any of them.
    hashes: Vec<[u8; 32]>,
    anchored: u64,
    closed: bool,
    heads_named: Vec<(u64, u64, [u8; 32])>,
}

impl Lane {
    /// The hash of the record with this number, if the lane has one.
    fn hash_at(&self, seq: u64) -> Option<[u8; 32]> {
        self.hashes.get(usize::try_from(seq.checked_sub(1)?).ok()?).copied()
    }
}

#[derive(Clone, Default)]
struct RunSeqs {
    next: u64,
    /// Numbers past a hole, and where they stand.
    early: BTreeMap<u64, (u64, u64)>,
}

impl Verifier {
    /// `witnessed` and `stored` are the notes in order; a note the witness has must be the same in the table.
    pub fn new(tenant: &str, stored: &[String], witnessed: &[String], keys: &[VerifyKey]) -> Self {
        let mut verifier = Self {
            tenant: tenant.to_owned(),
            expected: BTreeMap::new(),
            checkpoints: 0,
            seen_heads: BTreeMap::new(),
            lane: None,
            done: BTreeMap::new(),
            runs: HashMap::new(),
            removals: Removals::default(),
            restored: Vec::new(),
            broken: None,
            records: 0,
        };
        if let Err(what) = verifier.read_notes(stored, witnessed, keys) {
            verifier.fail(0, 0, what);
        }
        verifier
    }

    fn fail(&mut self, lane: u64, seq: u64, what: What) {
        self.broken.get_or_insert(Break { lane, seq, what });
    }

    /// Both in one pass: a note that stands in both is opened once.
    fn read_notes(&mut self, stored: &[String], witnessed: &[String], keys: &[VerifyKey]) -> Result<(), What> {
        let mut previous = [0; 32];
        for (number, index) in (1..).zip(0..stored.len().max(witnessed.len())) {
            let kept = stored.get(index).map(|note| self.open(note, number, previous, keys)).transpose()?;
            let seen = match witnessed.get(index) {
                Some(note) if stored.get(index) == Some(note) => kept.clone(),
                Some(note) => Some(self.open(note, number, previous, keys)?),
                None => None,
            };
            if seen.is_some() && seen != kept {
                return Err(if kept.is_some() { What::CheckpointFork(number) } else { What::Truncated(number) });
            }
            // the table's own checkpoints must hold, too, but they anchor nothing
            let witness = if seen.is_some() { number } else { 0 };
            self.checkpoints += u64::from(seen.is_some());
            let Some(checkpoint) = kept else { break };
            for head in &checkpoint.heads {
                self.expected.entry((head.lane, head.seq)).or_default().push((head.hash, witness));
            }
            previous = checkpoint.digest();
        }
        Ok(())
    }

    fn open(&self, note: &str, number: u64, previous: [u8; 32], keys: &[VerifyKey]) -> Result<Checkpoint, What> {
        let checkpoint = open_note(note, keys).map_err(|error| What::Note { number, error })?;
        let fits = checkpoint.number == number && checkpoint.previous == previous && checkpoint.tenant == self.tenant;
        if fits { Ok(checkpoint) } else { Err(What::CheckpointOrder(number)) }
    }

    /// Takes the next record. After a break nothing more is looked at.
    pub fn push(&mut self, record: &Record) {
        if self.broken.is_some() {
            return;
        }
        self.records += 1;
        let same_lane = self.lane.as_ref().is_some_and(|lane| lane.number == record.lane);
        if !same_lane {
            self.finish_lane();
            if record.lane <= self.done.keys().next_back().copied().unwrap_or(0) {
                return self.fail(record.lane, record.seq, What::Order);
            }
            self.lane = Some(Lane { number: record.lane, seq: 0, hashes: Vec::new(), anchored: 0, closed: false, heads_named: Vec::new() });
        }
        if let Err(what) = self.check(record) {
            self.fail(record.lane, record.seq, what);
        }
    }

    fn check(&mut self, record: &Record) -> Result<(), What> {
        let lane = self.lane.as_mut().ok_or(What::Order)?;
        match record.seq {
            seq if seq <= lane.seq => return Err(What::Order),
            seq if seq > lane.seq + 1 => return Err(What::Gap),
            _ => {}
        }
        let previous = lane.hashes.last().copied().unwrap_or_else(|| genesis(&self.tenant, record.lane));
        if record.is_shrunk() {
            return self.check_shrunk(record);
        }
        if hash_of(&previous, record.lane, record.seq, &record.draft) != record.hash {
            return Err(What::Hash);
        }
        let body = members(record.draft.body.as_bytes()).ok_or(What::Body)?;
        if is_missing(record, &body)? {
            self.removals.content_is_missing(record);
        }
        if (record.seq == 1) != (record.draft.kind == LANE_OPENED) {
            return Err(What::Opening);
        }
        if record.seq == 1 {
            lane.heads_named = heads(&body).ok_or(What::Opening)?;
        }
        lane.closed = record.draft.kind == LANE_CLOSED;
        self.take(record)?;
        self.removals.told(record, &body).ok_or(What::Erasure)?;
        if let (None, STORE_RESTORED, Some(heads)) = (record.draft.run, record.draft.kind.as_str(), heads(&body)) {
            self.restored.push(Restored { at: (record.lane, record.seq), heads });
        }
        self.check_run(record)
    }

    /// Its hash is taken as given: what follows and what was witnessed still pin it. What it was of is not known any more.
    fn check_shrunk(&mut self, record: &Record) -> Result<(), What> {
        if record.seq == 1 {
            return Err(What::Opening);
        }
        self.lane.as_mut().ok_or(What::Order)?.closed = false;
        self.removals.record_is_shrunk(record);
        self.take(record)
    }

    /// A record stands at its place in the lane, and is the one the checkpoints know there.
    fn take(&mut self, record: &Record) -> Result<(), What> {
        let lane = self.lane.as_mut().ok_or(What::Order)?;
        lane.seq = record.seq;
        lane.hashes.push(record.hash);
        for (hash, number) in self.expected.remove(&(record.lane, record.seq)).unwrap_or_default() {
            if hash != record.hash {
                return Err(What::CheckpointHead(number));
            }
            if number > 0 {
                lane.anchored = record.seq;
            }
        }
        Ok(())
    }

    fn check_run(&mut self, record: &Record) -> Result<(), What> {
        let (Some(run), Some(seq)) = (record.draft.run, record.draft.run_seq) else {
            return if record.draft.run.is_none() && record.draft.run_seq.is_none() { Ok(()) } else { Err(What::RunSequence) };
        };
        let seqs = self.runs.entry(run).or_insert(RunSeqs { next: 1, early: BTreeMap::new() });
        if seq < seqs.next || seqs.early.insert(seq, (record.lane, record.seq)).is_some() {
            return Err(What::RunSequence);
        }
        while seqs.early.remove(&seqs.next).is_some() {
            seqs.next += 1;
        }
        Ok(())
    }

    fn finish_lane(&mut self) {
        if let Some(lane) = self.lane.take() {
            for (other, seq, hash) in &lane.heads_named {
                // a lane alive beside this one may have gone on after it was seen
                if self.done.get(other).and_then(|found| found.hash_at(*seq)) == Some(*hash) {
                    let furthest = self.seen_heads.entry(*other).or_default();
                    *furthest = (*furthest).max(*seq);
                } else {
                    self.fail(lane.number, 1, What::Fork);
                }
            }
            self.done.insert(lane.number, lane);
        }
    }

    /// The verdict once every record was pushed. `live` is the lane a running server is still writing, if any.
    pub fn finish(mut self, live: Option<u64>) -> Verdict {
        self.finish_lane();
        let done = &self.done;
        let lost = forgive(&mut self.expected, &self.restored, |(lane, seq)| done.get(&lane).is_some_and(|lane| lane.anchored >= seq));
        if self.broken.is_none()
            && let Some(((lane, seq), numbers)) = self.expected.iter().next()
        {
            let number = numbers.iter().map(|(_, n)| *n).max().unwrap_or(0);
            self.broken = Some(Break { lane: *lane, seq: *seq, what: What::Truncated(number) });
        }
        if self.broken.is_none()
            && let Some((lane, seq)) = self.runs.values().filter_map(|run| run.early.values().next()).min().copied()
        {
            self.broken = Some(Break { lane, seq, what: What::RunSequence });
        }
        if self.broken.is_none()
            && let Some(((lane, seq), whole)) = self.removals.unnamed()
        {
            self.broken = Some(Break { lane, seq, what: if whole { What::Shrunk } else { What::ContentMissing } });
        }
        if let Some(found) = self.broken {
            return Verdict::Broken(found);
        }
        let beyond: Vec<(u64, u64)> =
            self.done.values().filter(|lane| !is_anchored(lane, &self.seen_heads, live)).map(|lane| (lane.number, lane.anchored)).collect();
        if beyond.is_empty() {
            Verdict::Intact { records: self.records, checkpoints: self.checkpoints, lost }
        } else {
            Verdict::NotAnchored { records: self.records, checkpoints: self.checkpoints, beyond, lost }
        }
    }
}

/// A lane is anchored when its end is known: witnessed to its last record, and either closed, or found just so by a
/// later lane, or still being written.
fn is_anchored(lane: &Lane, seen: &BTreeMap<u64, u64>, live: Option<u64>) -> bool {
    let found_later = seen.get(&lane.number) == Some(&lane.seq);
    found_later || (lane.anchored == lane.seq && (lane.closed || live == Some(lane.number)))
}

/// Whether content the body commits to is not there; an error where it is there and does not fit.
fn is_missing(record: &Record, body: &Map<String, Value>) -> Result<bool, What> {
    match (body.get("mac"), &record.draft.salt, &record.draft.content) {
        (None, None, None) => Ok(false),
        (Some(Value::String(mac)), Some(salt), Some(packed)) if content::mac_of(salt, packed) == *mac => {
            content::unpack(packed).and_then(|json| members(&json)).map(|_| false).ok_or(What::Content)
        }
        (Some(_), None, None) => Ok(true),
        _ => Err(What::Content),
    }
}

fn heads(body: &Map<String, Value>) -> Option<Vec<(u64, u64, [u8; 32])>> {
    body.get("heads")?
        .as_array()?
        .iter()
        .map(|head| {
            let [lane, seq, text] = head.as_array()?.as_slice() else { return None };
            let (lane, seq, text) = (lane.as_u64()?, seq.as_u64()?, text.as_str()?);
            let hash: [u8; 32] = laufzettel_domain::digest::from_hex(text)?.try_into().ok()?;
            (is_place(lane, seq) && to_hex(&hash) == text).then_some((lane, seq, hash))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Draft, Head, Signer, seal};

    fn run() -> RunId {
        RunId::parse("00000000-0000-7000-8000-000000000001").unwrap()
    }

    /// A lane of eight records, closed; one checkpoint in the middle and one at the end.
    fn journal(tenant: &str) -> (Vec<Record>, Vec<String>, Vec<VerifyKey>) {
        let signer = Signer::new(tenant, &[3; 32]);
        let mut records = vec![seal(&genesis(tenant, 1), 1, 1, Draft::new(LANE_OPENED, "engine", 0, json!({"heads": []}), None))];
        for n in 1..=6u64 {
            let content = json!({ "wert": n });
            let draft = Draft::new("step.completed", "engine", i64::try_from(n).unwrap(), json!({ "step": "a" }), Some((&content, [9; 16]))).of_run(run(), n);
            let last = records.last().unwrap().hash;
            records.push(seal(&last, 1, n + 1, draft));
        }
        let last = records.last().unwrap().hash;
        records.push(seal(&last, 1, 8, Draft::new(LANE_CLOSED, "engine", 9, json!({}), None)));
        let mut notes = Vec::new();
        let mut previous = [0; 32];
        for (number, upto) in [(1, 4usize), (2, 8)] {
            let record = &records[upto - 1];
            let checkpoint = Checkpoint { tenant: tenant.into(), number, previous, heads: vec![Head { lane: 1, seq: record.seq, hash: record.hash }] };
            previous = checkpoint.digest();
            notes.push(signer.sign(&checkpoint));
        }
        (records, notes, vec![signer.verify_key()])
    }

    fn verdict(records: &[Record], stored: &[String], witnessed: &[String], keys: &[VerifyKey]) -> Verdict {
        let mut verifier = Verifier::new("vg", stored, witnessed, keys);
        records.iter().for_each(|r| verifier.push(r));
        verifier.finish(None)
    }

    fn broken(verdict: Verdict) -> String {
        match verdict {
            Verdict::Broken(b) => format!("{}/{} {:?}", b.lane, b.seq, b.what).split([' ', '(']).take(2).collect::<Vec<_>>().join(" "),
            Verdict::Intact { .. } => "intact".into(),
            Verdict::NotAnchored { beyond, .. } => format!("not anchored beyond {beyond:?}"),
        }
    }

    type Harm<'h> = &'h dyn Fn(&mut Vec<Record>, &mut Vec<String>, &mut Vec<String>);

    #[test]
    fn what_is_done_to_a_journal_is_found() {
        let (records, notes, keys) = journal("vg");
        let check = |f: Harm<'_>| {
            let (mut r, mut s, mut w) = (records.clone(), notes.clone(), notes.clone());
            f(&mut r, &mut s, &mut w);
            broken(verdict(&r, &s, &w, &keys))
        };
        let other = journal("anderer").0;
        assert_eq!(check(&|_, _, _| {}), "intact");
        assert_eq!(check(&|r, _, _| r[3].draft.body = r[3].draft.body.replace('a', "b")), "1/4 Hash");
        assert_eq!(
            check(&|r, _, _| {
                r.remove(3);
            }),
            "1/5 Gap"
        );
        assert_eq!(check(&|r, _, _| r.swap(3, 4)), "1/5 Gap");
        assert_eq!(check(&|r, _, _| r.insert(4, records[3].clone())), "1/4 Order");
        assert_eq!(check(&|r, _, _| r[3].draft.content = Some(vec![0, b'1'])), "1/4 Content");
        assert_eq!(
            check(&|r, _, _| {
                r[3].draft.content = None;
                r[3].draft.salt = None;
            }),
            "1/4 ContentMissing"
        );
        assert_eq!(check(&|r, _, _| r[5] = other[5].clone()), "1/6 Hash");
        assert_eq!(check(&|r, _, _| r.truncate(6)), "1/8 Truncated");
        assert_eq!(
            check(&|r, s, _| {
                r.truncate(6);
                s.truncate(1);
            }),
            "0/0 Truncated"
        );
        // cut after the last witnessed checkpoint: nobody can see it, and that is said
        assert_eq!(
            check(&|r, s, w| {
                r.truncate(6);
                s.truncate(1);
                w.truncate(1);
            }),
            "not anchored beyond [(1, 4)]"
        );
        assert_eq!(
            check(&|r, s, w| {
                r.truncate(4);
                s.truncate(1);
                w.truncate(1);
            }),
            "not anchored beyond [(1, 4)]"
        );
        assert_eq!(check(&|_, s, _| s[0] = s[1].clone()), "0/0 CheckpointOrder");
        let stranger = Signer::new("vg", &[4; 32]).verify_key();
        assert_eq!(broken(verdict(&records, &notes, &notes, &[stranger])), "0/0 Note");
        let forged: Vec<Record> = {
            let mut forged = vec![records[0].clone()];
            for record in &records[1..] {
                let mut draft = record.draft.clone();
                draft.body = draft.body.replace("\"a\"", "\"z\"");
                let last = forged.last().unwrap().hash;
                forged.push(seal(&last, 1, record.seq, draft));
            }
            forged
        };
        assert_eq!(broken(verdict(&forged, &notes, &notes, &keys)), "1/4 CheckpointHead");
    }
}
