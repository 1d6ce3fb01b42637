//! Lists the shipped processes, with everything they read, for the program to carry: nobody keeps that list by hand.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Schemas of files people write, not of an example's input: `laufzettel schema` prints them.
const OWN: [&str; 6] = ["cases", "config", "directory", "journal", "process", "registers"];

fn main() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["workflows", "schemas"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        collect(&root.join(folder), folder, &mut files);
    }
    files.retain(|(path, _)| !OWN.iter().any(|name| *path == format!("schemas/{name}.schema.json")));
    files.sort();
    let mut list = String::from("[\n");
    for (path, file) in &files {
        writeln!(list, "    ({path:?}, include_str!({:?})),", file.display().to_string()).expect("a text takes what is written");
    }
    list.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names it")).join("examples.rs");
    fs::write(out, list).expect("cargo's folder takes a file");
}

fn collect(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("the folder is part of the source") {
        let path = entry.expect("it can be read").path();
        let name = format!("{name}/{}", path.file_name().expect("an entry has a name").to_string_lossy());
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, &name, files);
        } else {
            files.push((name, fs::canonicalize(&path).expect("it is there")));
        }
    }
}
