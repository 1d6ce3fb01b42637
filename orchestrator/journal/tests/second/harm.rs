//! What can be done to a journal, as a list that is the same every time. Says nothing of what ought to be found.

use laufzettel_domain::digest::from_hex;
use laufzettel_journal::{Checkpoint, Head, Record, Signer, mac_of, seal};

use crate::{
    book::{Case, checkpoint, run, secret},
    columns::{COLUMNS, bytes, put, turned},
};

type Spelling = (&'static str, fn(&str) -> String);
type Retold = (&'static str, fn(&mut Checkpoint));

/// Variants of one journal, each with a name.
pub struct Variants<'b> {
    pub base: &'b Case,
    prefix: &'static str,
    pub made: Vec<(String, Case)>,
}

impl<'b> Variants<'b> {
    pub fn of(prefix: &'static str, base: &'b Case) -> Self {
        let mut variants = Self { base, prefix, made: Vec::new() };
        variants.with("as it is", |_| {});
        variants
    }

    pub fn with(&mut self, name: impl Into<String>, harm: impl FnOnce(&mut Case)) {
        let mut case = self.base.clone();
        harm(&mut case);
        self.made.push((format!("{}, {}", self.prefix, name.into()), case));
    }

    /// The same harm to the table's notes, to the witness's, and to both.
    fn with_notes(&mut self, name: &str, harm: impl Fn(&mut Vec<String>)) {
        self.with(format!("table: {name}"), |c| harm(&mut c.table));
        self.with(format!("witness: {name}"), |c| harm(&mut c.witness));
        self.with(format!("notes: {name}"), |c| {
            harm(&mut c.table);
            harm(&mut c.witness);
        });
    }
}

/// One bit of every column of every record, and every column that can be without a value without it.
pub fn columns(v: &mut Variants<'_>) {
    for (index, record) in v.base.records.iter().enumerate() {
        for (nth, column) in COLUMNS.into_iter().enumerate() {
            let Some(stored) = bytes(record, column) else { continue };
            let places = stored.len() * 8;
            // the first bit from a place of its own on that still makes a row
            let changed = (0..places).map(|bit| (bit + index * 13 + nth * 7) % places).find_map(|bit| {
                let mut changed = record.clone();
                put(&mut changed, column, turned(&stored, bit)).map(|()| changed)
            });
            v.with(format!("{index} {column}: a bit"), |c| {
                c.records[index] = changed.expect("some bit of every column");
                c.records.sort_by_key(|record| (record.lane, record.seq));
            });
        }
        nothing(v, index);
    }
}

fn nothing(v: &mut Variants<'_>, index: usize) {
    v.with(format!("{index}: no salt"), |c| c.records[index].draft.salt = None);
    v.with(format!("{index}: no content"), |c| c.records[index].draft.content = None);
    v.with(format!("{index}: neither salt nor content"), |c| {
        c.records[index].draft.salt = None;
        c.records[index].draft.content = None;
    });
    v.with(format!("{index}: no run, forged"), |c| {
        c.records[index].draft.run = None;
        c.forge();
    });
    v.with(format!("{index}: no run_seq, forged"), |c| {
        c.records[index].draft.run_seq = None;
        c.forge();
    });
}

/// Records taken away, doubled, exchanged, cut off, brought from elsewhere, rewritten.
pub fn order(v: &mut Variants<'_>, stranger: &Case) {
    let count = v.base.records.len();
    for index in 0..count {
        v.with(format!("{index}: removed"), |c| drop(c.records.remove(index)));
        v.with(format!("{index}: doubled"), |c| c.records.insert(index, c.records[index].clone()));
        v.with(format!("{index}: once more at the end"), |c| c.records.push(c.records[index].clone()));
        v.with(format!("{index}: exchanged with the next"), |c| c.records.swap(index, (index + 1) % count));
        v.with(format!("{index}: the end cut off before it"), |c| c.records.truncate(index));
        v.with(format!("{index}: of another tenant"), |c| c.records[index] = stranger.records[index].clone());
        v.with(format!("{index}: of another tenant from here on"), |c| c.records[index..].clone_from_slice(&stranger.records[index..]));
        for (name, follow) in [("rehashed", false), ("rehashed with openings", true)] {
            v.with(format!("{index}: changed and {name}"), |c| {
                c.records[index].draft.at += 1;
                c.reseal(follow);
            });
        }
        v.with(format!("{index}: removed, renumbered and rehashed"), |c| remove(c, index));
        v.with(format!("{index}: removed, renumbered, and the unwitnessed rest of notes dropped"), |c| {
            remove(c, index);
            c.table.truncate(1);
            c.witness.truncate(1);
        });
        v.with(format!("{index}: end and notes cut off alike"), |c| cut_alike(c, index));
    }
}

/// Without one record, the numbers closed up.
fn remove(case: &mut Case, index: usize) {
    let gone = case.records.remove(index);
    for record in case.records[index..].iter_mut().filter(|record| record.lane == gone.lane) {
        record.seq -= 1;
    }
    for record in &mut case.records[index..] {
        if record.draft.run.is_some() && record.draft.run == gone.draft.run {
            record.draft.run_seq = record.draft.run_seq.map(|n| n - 1);
        }
    }
    case.reseal(true);
}

/// The records before `index`, and only the notes that name one of them.
fn cut_alike(case: &mut Case, index: usize) {
    case.records.truncate(index);
    let known: Vec<(u64, u64)> = case.records.iter().map(|record| (record.lane, record.seq)).collect();
    let tenant = case.tenant.clone();
    let stays = |note: &String| checkpoint(note, &tenant).heads.iter().all(|head| known.contains(&(head.lane, head.seq)));
    case.table.retain(stays);
    case.witness.retain(stays);
}

/// Whole lanes: away, exchanged, renumbered, gone on, forked, begun at none.
pub fn lanes(v: &mut Variants<'_>, stranger: &Case) {
    for lane in 1..=3 {
        v.with(format!("lane {lane}: away"), |c| c.records.retain(|record| record.lane != lane));
        v.with(format!("lane {lane}: away, forged"), |c| {
            c.records.retain(|record| record.lane != lane);
            c.forge();
        });
        v.with(format!("lane {lane}: last"), |c| c.records.sort_by_key(|record| record.lane == lane));
        v.with(format!("lane {lane}: of another tenant"), |c| {
            let theirs = stranger.records.iter().filter(|record| record.lane == lane).cloned();
            c.records = c.records.iter().filter(|record| record.lane != lane).cloned().chain(theirs).collect();
            c.records.sort_by_key(|record| record.lane);
        });
        for to in [0, lane + 10] {
            v.with(format!("lane {lane}: numbered {to}"), |c| renumber(c, lane, to));
            v.with(format!("lane {lane}: numbered {to}, forged"), |c| {
                renumber(c, lane, to);
                c.forge();
            });
        }
        for more in [1, 2] {
            v.with(format!("lane {lane}: {more} beyond its end"), |c| extend(c, lane, more));
            v.with(format!("lane {lane}: {more} beyond its end, forged"), |c| {
                extend(c, lane, more);
                c.forge();
            });
            v.with(format!("lane {lane}: rewritten past its last note, and {more} longer"), |c| {
                let last = c.records.iter().rposition(|record| record.lane == lane).expect("the lane");
                c.records[last].draft.at += 1;
                c.reseal(false);
                extend(c, lane, more);
            });
        }
        for live in [None, Some(lane), Some(99)] {
            v.with(format!("lane {lane}: not closed, {live:?} alive, forged"), |c| {
                let last = c.records.iter().rposition(|record| record.lane == lane).expect("the lane");
                c.records[last].draft.kind = "signout".to_owned();
                c.live = live;
                c.forge();
            });
        }
    }
}

fn renumber(case: &mut Case, lane: u64, to: u64) {
    case.records.iter_mut().filter(|record| record.lane == lane).for_each(|record| record.lane = to);
    case.records.sort_by_key(|record| record.lane);
}

/// Records that fit behind the last one of a lane.
fn extend(case: &mut Case, lane: u64, more: usize) {
    let at = case.records.iter().rposition(|record| record.lane == lane).expect("the lane");
    for n in 0..more {
        let last: &Record = &case.records[at + n];
        let mut draft = last.draft.clone();
        (draft.run, draft.run_seq) = (None, None);
        let next = seal(&last.hash, lane, last.seq + 1, draft);
        case.records.insert(at + n + 1, next);
    }
}

/// Notes changed by a bit, away, doubled, exchanged, cut off; in the table, at the witness, in both.
pub fn notes(v: &mut Variants<'_>) {
    v.with_notes("none", Vec::clear);
    for index in 0..v.base.table.len() {
        let size = v.base.table[index].len();
        for nth in 0..6 {
            let bit = (nth * size / 6 + index) * 8 + nth;
            v.with_notes(&format!("{index}: bit {bit}"), |notes| {
                let changed = turned(notes[index].as_bytes(), bit);
                notes[index] = String::from_utf8(changed).unwrap_or_default();
            });
        }
        v.with_notes(&format!("{index}: away"), |notes| drop(notes.remove(index)));
        v.with_notes(&format!("{index}: doubled"), |notes| notes.insert(index, notes[index].clone()));
        v.with_notes(&format!("{index}: exchanged"), |notes| {
            let last = notes.len() - 1;
            notes.swap(index, (index + 1).min(last));
        });
        v.with_notes(&format!("{index}: cut off before it"), |notes| notes.truncate(index));
        v.with_notes(&format!("{index}: a line feed too many"), |notes| notes[index].push('\n'));
    }
    spelling(v);
}

/// Other spellings of the last note, which its signature would bear.
fn spelling(v: &mut Variants<'_>) {
    let spellings: [Spelling; 10] = [
        ("two signatures", |note| format!("{note}{}\n", note.lines().last().unwrap_or_default())),
        ("no line feed", |note| note.trim_end().to_owned()),
        ("a hyphen", |note| note.replace('—', "-")),
        ("no padding", |note| note.replace('=', "")),
        ("two blank lines", |note| note.replace("\n\n", "\n\n\n")),
        ("no blank line", |note| note.replace("\n\n", "\n")),
        ("carriage returns", |note| note.replace('\n', "\r\n")),
        ("a blank in front", |note| format!(" {note}")),
        ("two blanks", |note| note.replace("— ", "—  ")),
        ("no signature", |note| note.split('—').next().unwrap_or_default().to_owned()),
    ];
    for (name, spell) in spellings {
        v.with_notes(name, |notes| {
            let last = notes.len() - 1;
            notes[last] = spell(&notes[last]);
        });
    }
}

/// Another key, or the own one for what it must not sign.
pub fn keys(v: &mut Variants<'_>, stranger: &Case) {
    v.with("another key at the witness", |c| c.key = Signer::new("vg", &[9; 32]).verify_key().to_text());
    v.with("the key of another tenant", |c| c.key.clone_from(&stranger.key));
    v.with("no key that reads", |c| c.key = c.key.replace('+', "-"));
    v.with("a key with another id", |c| c.key = c.key.replacen('+', "+0", 1));
    v.with("notes of another tenant", |c| (c.table, c.witness) = (stranger.table.clone(), stranger.witness.clone()));
    let count = v.base.table.len();
    for index in 0..count {
        v.with_notes(&format!("{index}: signed by another key"), |notes| {
            let told = checkpoint(&notes[index], "vg");
            notes[index] = Signer::new("vg", &[9; 32]).sign(&told);
        });
        let retold: [Retold; 11] = [
            ("another number", |told| told.number += 1),
            ("number 0", |told| told.number = 0),
            ("another predecessor", |told| told.previous[0] ^= 1),
            ("another tenant", |told| told.tenant = "anderer".to_owned()),
            ("another hash", |told| told.heads[0].hash[31] ^= 1),
            ("another place", |told| told.heads[0].seq += 40),
            ("another lane", |told| told.heads[0].lane += 40),
            ("place 0", |told| told.heads[0].seq = 0),
            ("beyond any column", |told| told.heads[0].seq = 1 << 63),
            ("no head", |told| told.heads.clear()),
            ("a lane twice", |told| told.heads.push(Head { hash: [7; 32], ..told.heads[0].clone() })),
        ];
        for (name, retell) in retold {
            v.with_notes(&format!("{index}: {name}, and the rest after it, signed"), |notes| {
                retell_from(notes, index, retell);
            });
        }
    }
    v.with("two notes of one record, one of them wrong", |c| {
        let mut told = checkpoint(&c.table[count - 1], "vg");
        (told.number, told.previous) = (told.number + 1, told.digest());
        told.heads[0].hash[0] ^= 1;
        let note = Signer::new("vg", &secret("vg")).sign(&told);
        c.table.push(note.clone());
        c.witness.push(note);
    });
    v.with("a note that names all lanes", |c| {
        c.forge();
        let heads = c.table.iter().flat_map(|note| checkpoint(note, "vg").heads).rev().collect();
        let note = Signer::new("vg", &secret("vg")).sign(&Checkpoint { tenant: "vg".to_owned(), number: 1, previous: [0; 32], heads });
        (c.table, c.witness) = (vec![note.clone()], vec![note]);
    });
}

/// One note says something else; those after it follow, so that only that is wrong.
fn retell_from(notes: &mut [String], index: usize, retell: fn(&mut Checkpoint)) {
    let signer = Signer::new("vg", &secret("vg"));
    let mut previous = None;
    for (at, note) in notes.iter_mut().enumerate().skip(index) {
        let mut told = checkpoint(note, "vg");
        told.previous = previous.unwrap_or(told.previous);
        if at == index {
            retell(&mut told);
        }
        previous = Some(told.digest());
        *note = signer.sign(&told);
    }
}

/// Runs: a number left out, doubled, none, or another run's.
pub fn runs(v: &mut Variants<'_>) {
    for index in 0..v.base.records.len() {
        if v.base.records[index].draft.run.is_none() {
            continue;
        }
        for (name, by) in [("later", 1i64), ("earlier", -1), ("much later", 5)] {
            v.with(format!("{index}: {name} in its run, forged"), |c| {
                let seq = &mut c.records[index].draft.run_seq;
                *seq = seq.and_then(|n| n.checked_add_signed(by));
                c.forge();
            });
        }
        v.with(format!("{index}: of another run, forged"), |c| {
            c.records[index].draft.run = Some(run(3));
            c.forge();
        });
    }
    v.with("a run of its own number twice, exchanged, forged", |c| {
        let (a, b) = (c.at(1, 2), c.at(1, 3));
        (c.records[a].draft.run_seq, c.records[b].draft.run_seq) = (Some(2), Some(1));
        c.forge();
    });
}

/// Content and salt of one record in another; a commitment to something else.
pub fn contents(v: &mut Variants<'_>) {
    let with: Vec<usize> = (0..v.base.records.len()).filter(|at| v.base.records[*at].draft.content.is_some()).collect();
    for pair in with.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let swap = |c: &mut Case, salt: bool, content: bool| {
            let (mut x, mut y) = (c.records[a].draft.clone(), c.records[b].draft.clone());
            if salt {
                std::mem::swap(&mut x.salt, &mut y.salt);
            }
            if content {
                std::mem::swap(&mut x.content, &mut y.content);
            }
            (c.records[a].draft, c.records[b].draft) = (x, y);
        };
        v.with(format!("{a} and {b}: salts exchanged"), |c| swap(c, true, false));
        v.with(format!("{a} and {b}: contents exchanged"), |c| swap(c, false, true));
        v.with(format!("{a} and {b}: both exchanged"), |c| swap(c, true, true));
    }
}

/// The body of a record, everything after it written anew with the key.
pub fn rebody(case: &mut Case, index: usize, body: &str) {
    case.records[index].draft.body = body.to_owned();
    case.forge();
}

/// Other packed content, committed to, everything after it written anew with the key.
pub fn recontent(case: &mut Case, index: usize, packed: &[u8]) {
    let mac = mac_of(&[1; 16], packed);
    assert!(from_hex(&mac).is_some());
    case.records[index].draft.salt = Some([1; 16]);
    case.records[index].draft.content = Some(packed.to_vec());
    rebody(case, index, &format!("{{\"mac\":\"{mac}\",\"v\":1}}"));
}
