//! Our access lists against Samba's own access check, over many random descriptors. Needs python3-samba, as `tests/run.sh`
//! installs it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{fmt::Write as _, path::Path, process::Command};

use laufzettel_mcp_dms::acl::{Entry, Right, may};
use serde_json::json;

/// Descriptors compared, each for reading and for writing.
const DESCRIPTORS: usize = 12_000;
const SEED: u64 = 20_261_124;

/// splitmix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }
}

fn sid(n: usize) -> String {
    format!("S-1-5-21-1-2-3-{}", 1_000 + n)
}

fn descriptor(dice: &mut Dice) -> Vec<Entry> {
    let entry = |dice: &mut Dice| Entry {
        sid: sid(dice.below(6)),
        allow: dice.below(2) == 0,
        rights: [vec![Right::Read], vec![Right::Write], vec![Right::Read, Right::Write]][dice.below(3)].clone(),
        inherited: dice.below(2) == 0,
    };
    let count = dice.below(9);
    (0..count).map(|_| entry(dice)).collect()
}

fn mask(entry: &Entry) -> u32 {
    entry.rights.iter().map(|right| if *right == Right::Read { 1 } else { 2 }).sum()
}

#[test]
fn as_samba_decides() {
    let mut dice = Dice(SEED);
    let cases: Vec<(Vec<Entry>, Vec<String>)> = (0..DESCRIPTORS)
        .map(|_| {
            let entries = descriptor(&mut dice);
            let count = 1 + dice.below(4);
            (entries, (0..count).map(|_| sid(dice.below(6))).collect())
        })
        .collect();
    let mut lines = String::new();
    for (entries, sids) in &cases {
        let entries: Vec<_> = entries.iter().map(|e| json!([e.sid, e.allow, mask(e), e.inherited])).collect();
        writeln!(lines, "{}", json!({ "entries": entries, "sids": sids })).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases");
    std::fs::write(&file, lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samba/access_check.py");
    let samba = Command::new("/usr/bin/python3").arg(script).arg(&file).output().expect("python3 runs");
    assert!(samba.status.success(), "{}", String::from_utf8_lossy(&samba.stderr));
    let theirs: Vec<&str> = std::str::from_utf8(&samba.stdout).unwrap().lines().collect();
    assert_eq!(theirs.len(), DESCRIPTORS);
    let mut seen = [0_usize; 4];
    for ((entries, sids), theirs) in cases.iter().zip(theirs) {
        let sids: Vec<&str> = sids.iter().map(String::as_str).collect();
        let bits = [Right::Read, Right::Write].map(|right| if may(entries, &sids, right) { '1' } else { '0' });
        assert_eq!(bits.iter().collect::<String>(), theirs, "{entries:?} for {sids:?}");
        seen[usize::from(bits[0] == '1') * 2 + usize::from(bits[1] == '1')] += 1;
    }
    println!("{DESCRIPTORS} descriptors decided as Samba does; nothing, writing, reading, both: {seen:?}");
    assert!(seen.iter().all(|n| *n > DESCRIPTORS / 20), "every answer occurs often: {seen:?}");
}
