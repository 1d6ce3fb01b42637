//! May this caller do that to this object? The order of a file server: explicit deny, explicit allow, inherited deny,
//! inherited allow, and without any entry no. Pure; which entries an object has is the archive's matter.

use serde::Deserialize;

/// What can be done to an Akte or a Dokument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    Read,
    Write,
}

/// One line of an access list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub sid: String,
    /// Allow, else deny.
    pub allow: bool,
    pub rights: Vec<Right>,
    /// From the Akte, or marked so by the house.
    pub inherited: bool,
}

impl Entry {
    fn covers(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }
}

/// Whether someone known under `sids` may, by these entries.
pub fn may(entries: &[Entry], sids: &[&str], right: Right) -> bool {
    let decided = |inherited, allow| {
        entries.iter().any(|entry| entry.inherited == inherited && entry.allow == allow && entry.covers(right) && sids.contains(&entry.sid.as_str()))
    };
    for (inherited, allow) in [(false, false), (false, true), (true, false), (true, true)] {
        if decided(inherited, allow) {
            return allow;
        }
    }
    false
}

/// A row of the database as an entry: sid, allow, read, write, inherited.
pub(crate) type Row = (String, i64, i64, i64, i64);

impl From<Row> for Entry {
    fn from((sid, allow, read, write, inherited): Row) -> Self {
        let rights = [(Right::Read, read), (Right::Write, write)];
        Self { sid, allow: allow != 0, rights: rights.into_iter().filter(|(_, has)| *has != 0).map(|(right, _)| right).collect(), inherited: inherited != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Right, may};

    /// `+` allow, `-` deny; `r`, `w`, `rw`; `^` before: inherited; then the SID.
    fn entry(text: &str) -> Entry {
        let (signs, sid) = text.split_once(' ').unwrap();
        let flag = |sign| i64::from(signs.contains(sign));
        Entry::from((sid.to_owned(), flag('+'), flag('r'), flag('w'), flag('^')))
    }

    #[test]
    fn the_order_of_a_file_server() {
        // The caller is `me` in groups `A` and `B`. Entries; may read; may write.
        let table: &[(&[&str], bool, bool)] = &[
            (&[], false, false),
            (&["+rw C"], false, false),
            (&["+r me"], true, false),
            (&["+w A"], false, true),
            (&["+rw A", "-w B"], true, false),
            (&["-rw A", "+rw me"], false, false),
            (&["^+rw A"], true, true),
            (&["^+rw A", "^-r B"], false, true),
            (&["^-rw A", "+r B"], true, false),
            (&["^+rw A", "-r me"], false, true),
            (&["-r C", "^+r B"], true, false),
            (&["^-r A", "^+r B", "+r me", "-r B"], false, false),
            (&["+r a"], false, false),
        ];
        for (entries, read, write) in table {
            let entries: Vec<Entry> = entries.iter().map(|text| entry(text)).collect();
            let sids = ["me", "A", "B"];
            let got = (may(&entries, &sids, Right::Read), may(&entries, &sids, Right::Write));
            assert_eq!(got, (*read, *write), "{entries:?}");
        }
    }
}
