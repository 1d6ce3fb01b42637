//! The processes this project ships have no findings.

use std::{collections::BTreeMap, fs, path::Path};

use laufzettel_domain::Lang;
use laufzettel_process::{Catalogue, Folder};

fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).expect("the folder is part of the project").flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.insert(name, text);
        }
    }
}

#[test]
fn no_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = BTreeMap::new();
    collect(&root.join("workflows"), "", &mut files);
    collect(&root.join("schemas"), "../schemas/", &mut files);
    let catalogue = Catalogue::load(&Folder { files });
    let lines: Vec<String> = catalogue.findings.iter().map(|f| f.line(Lang::De)).collect();
    assert_eq!(lines, Vec::<String>::new());
    assert!(catalogue.processes.contains_key("hundesteuer-anmeldung"));
}
