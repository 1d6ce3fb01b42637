//! The tenant's folder of processes as text: read once at the edge, looked at here.

use std::collections::BTreeMap;

/// Text files by path relative to the folder; files of the sibling `schemas` folder under `../schemas/…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    pub files: BTreeMap<String, String>,
}

/// Folders beside processes whose files are not processes.
pub const SIDE_FOLDERS: [&str; 4] = ["rules", "schemas", "templates", "cases"];

impl Folder {
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Files that may be processes: YAML, no cases, not in a side folder.
    pub fn candidates(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).filter(|(path, _)| is_candidate(path))
    }
}

pub fn is_candidate(path: &str) -> bool {
    let yaml = path.ends_with(".yaml") || path.ends_with(".yml");
    let cases = path.ends_with(".cases.yaml") || path.ends_with(".cases.yml");
    let side = path.split('/').rev().skip(1).any(|part| SIDE_FOLDERS.contains(&part) || part == "..");
    yaml && !cases && !side
}

/// Resolves `written` against the file it stands in. `None` if it leaves the folder (and its sibling `schemas`).
pub fn resolve(file: &str, written: &str) -> Option<String> {
    if written.starts_with('/') || written.contains('\\') || written.contains('\0') || written.contains("://") {
        return None;
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    let mut above = 0;
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => above += 1,
            ".." => {}
            part => parts.push(part),
        }
    }
    match above {
        0 => Some(parts.join("/")),
        1 if parts.len() > 1 && parts[0] == "schemas" => Some(format!("../{}", parts.join("/"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_stay_inside() {
        for (file, written, expected) in [
            ("a.yaml", "rules/x.yaml", Some("rules/x.yaml")),
            ("steuern/a.yaml", "../schemas/x.json", Some("schemas/x.json")),
            ("a.yaml", "../schemas/x.json", Some("../schemas/x.json")),
            ("a.yaml", "../geheim.txt", None),
            ("a.yaml", "../../etc/passwd", None),
            ("a.yaml", "/etc/passwd", None),
            ("a.yaml", "https://x/y", None),
            ("a.yaml", "../schemas/../x", None),
        ] {
            assert_eq!(super::resolve(file, written).as_deref(), expected, "{file} {written}");
        }
    }
}
