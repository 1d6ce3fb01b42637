//! Erasures at the witness: one line each, synced before anything is erased. Whoever restores the database from a backup brings
//! back what was erased since; this file remembers that it was. It names runs and who ordered it, never content.

use std::{
    fs::OpenOptions,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use crate::erasure::Order;

#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error("{0}: cannot be read or written")]
    Io(PathBuf, #[source] std::io::Error),
    /// Not torn by a crash: a person must look.
    #[error("{0}, line {1}: is no erasure")]
    Line(PathBuf, usize),
}

fn file(folder: &Path, tenant: &str) -> PathBuf {
    folder.join(format!("{tenant}.erasures.jsonl"))
}

/// Appends an order. Durable when it returns.
pub(crate) fn tell(folder: &Path, tenant: &str, order: &Order) -> Result<(), WitnessError> {
    let file = file(folder, tenant);
    let line = serde_json::to_string(order).map_err(std::io::Error::other).map_err(|error| WitnessError::Io(file.clone(), error))?;
    let write = || {
        let mut out = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&file)?;
        cut_torn_line(&mut out)?;
        out.write_all(format!("{line}\n").as_bytes())?;
        out.sync_all()
    };
    write().map_err(|error| WitnessError::Io(file.clone(), error))
}

/// A line without its end was never told to anybody. Leaves the file at its end.
fn cut_torn_line(out: &mut std::fs::File) -> std::io::Result<()> {
    let length = out.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(());
    }
    let mut last = [0];
    out.seek(SeekFrom::Start(length - 1))?;
    out.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(());
    }
    let mut all = Vec::new();
    out.seek(SeekFrom::Start(0))?;
    out.read_to_end(&mut all)?;
    let whole = all.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
    out.set_len(whole)?;
    out.seek(SeekFrom::Start(whole)).map(drop)
}

/// Every order told, oldest first. A last line without its end counts as not written.
pub(crate) fn orders(folder: &Path, tenant: &str) -> Result<Vec<Order>, WitnessError> {
    let file = file(folder, tenant);
    let text = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(WitnessError::Io(file, error)),
    };
    let whole = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = text[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(n, line)| serde_json::from_slice(line).map_err(|_| WitnessError::Line(file.clone(), n + 1))).collect()
}

#[cfg(test)]
mod tests {
    use laufzettel_domain::{Caller, RunId, Via};

    use super::*;
    use crate::erasure::Reason;

    fn order(n: u8) -> Order {
        let run = RunId::parse(&format!("00000000-0000-7000-8000-0000000000{n:02x}")).unwrap();
        Order { run, reason: Reason::Art17, whole: n == 2, by: Caller::service("engine", Via::Engine), note: (n == 2).then(|| "Antrag".to_owned()) }
    }

    #[test]
    fn what_was_told_is_known_and_a_torn_line_was_not_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(orders(folder.path(), "vg").unwrap(), []);
        tell(folder.path(), "vg", &order(1)).unwrap();
        let path = file(folder.path(), "vg");
        for torn in ["{\"run", "{}"] {
            let before = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, format!("{before}{torn}")).unwrap();
            assert_eq!(orders(folder.path(), "vg").unwrap(), [order(1)]);
            std::fs::write(&path, before).unwrap();
        }
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"run")).unwrap();
        tell(folder.path(), "vg", &order(2)).unwrap();
        assert_eq!(orders(folder.path(), "vg").unwrap(), [order(1), order(2)]);
        std::fs::write(&path, format!("kaputt\n{whole}")).unwrap();
        assert!(matches!(orders(folder.path(), "vg"), Err(WitnessError::Line(_, 1))));
    }
}
