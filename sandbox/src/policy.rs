//! What a tool server may touch. Pure: looks at no file.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// The grant for one tool server. Everything not named here does not exist for it, apart from a read-only system
/// (`/usr`, `/lib`, the linker's cache, certificates, the local time zone), an empty `/tmp` and its own `/proc`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Files and folders to read, and to execute from.
    pub read: Vec<PathBuf>,
    /// Folders (or files) to read and change. Nothing in them can be executed; no links, pipes, sockets or devices
    /// can be made in them. A path in both lists is writable.
    pub write: Vec<PathBuf>,
    pub network: Network,
    /// Address space of each process. JavaScript engines reserve far more than they use: give them more.
    pub memory_bytes_max: u64,
    /// Processes and threads together, as the kernel counts them.
    pub processes_max: u64,
    /// Whether it may start other programs. Off, `memory_bytes_max` bounds the whole tool server.
    pub subprocesses: bool,
    pub open_files_max: u64,
    /// The largest file it may write.
    pub file_bytes_max: u64,
    /// The size of its `/tmp`, which is memory.
    pub tmp_bytes_max: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            read: Vec::new(),
            write: Vec::new(),
            network: Network::None,
            memory_bytes_max: 1024 * MIB,
            processes_max: 256,
            subprocesses: false,
            open_files_max: 512,
            file_bytes_max: 8192 * MIB,
            tmp_bytes_max: 64 * MIB,
        }
    }
}

/// `none`, or `{ allow: ["host:port"] }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    #[default]
    None,
    /// Understood, and refused: nothing here can hold a program to a list of hosts yet.
    Allow(Vec<String>),
}

/// Why a path cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Relative,
    Parent,
    Reserved,
}

/// Grants are absolute, free of `..`, and leave alone what the sandbox itself provides.
pub(crate) fn fit(path: &Path) -> Result<(), Unfit> {
    const PROVIDED: [&str; 3] = ["/proc", "/sys", "/dev"];
    if !path.is_absolute() {
        return Err(Unfit::Relative);
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(Unfit::Parent);
    }
    let whole = path == Path::new("/") || path == Path::new("/tmp") || path == Path::new("/etc");
    if whole || PROVIDED.iter().any(|own| path.starts_with(own)) {
        return Err(Unfit::Reserved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_judged() {
        let table = [
            ("/work/data", Ok(())),
            ("/tmp/data", Ok(())),
            ("/etc/laufzettel", Ok(())),
            ("data", Err(Unfit::Relative)),
            ("/work/../etc", Err(Unfit::Parent)),
            ("/", Err(Unfit::Reserved)),
            ("/etc", Err(Unfit::Reserved)),
            ("/tmp", Err(Unfit::Reserved)),
            ("/proc/1", Err(Unfit::Reserved)),
            ("/dev/sda", Err(Unfit::Reserved)),
            ("/sys", Err(Unfit::Reserved)),
        ];
        for (path, expected) in table {
            assert_eq!(fit(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn reads_the_configuration_key() {
        let policy: Policy = serde_json::from_str(r#"{"write":["./data/dms"],"read":[],"network":"none"}"#).unwrap();
        assert_eq!(policy, Policy { write: vec!["./data/dms".into()], ..Policy::default() });
        let allowed: Policy = serde_json::from_str(r#"{"network":{"allow":["a:1"]}}"#).unwrap();
        assert_eq!(allowed.network, Network::Allow(vec!["a:1".to_owned()]));
        assert!(serde_json::from_str::<Policy>(r#"{"wirte":[]}"#).is_err());
    }
}
