//! Where triggers may look lies apart from everything else: a folder two tenants share would give one the files of the other, and
//! around the store or the secrets every program that may lay down a file could reach for them.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use laufzettel_domain::{Findings, Node, Place, TenantId, Text};

use super::TenantConfig;

/// A folder of the house, by the key it is written under.
struct Folder {
    key: String,
    path: PathBuf,
}

/// Finds places of triggers that are, hold or lie in another one or a folder of the house. `house`: its folders by their keys.
pub(super) fn lie_apart(root: &Node, house: &[(&str, Option<&Path>)], tenants: &BTreeMap<TenantId, TenantConfig>, findings: &mut Findings) {
    let own = |(key, path): &(&str, Option<&Path>)| path.map(|path| Folder { key: (*key).to_owned(), path: real(path) });
    let mut others: Vec<Folder> = house.iter().filter_map(own).collect();
    for (id, tenant) in tenants {
        for (name, path) in [("processes", &tenant.processes), ("pins", &tenant.pins)] {
            others.push(Folder { key: format!("tenants.{id}.{name}"), path: real(path) });
        }
    }
    for (id, tenant) in tenants {
        for (name, path) in [("folder", &tenant.places.folder), ("mail", &tenant.places.mail)] {
            let Some(path) = path else { continue };
            let place = Folder { key: format!("tenants.{id}.eingang.{name}"), path: real(path) };
            if let Some(other) = others.iter().find(|other| other.path.starts_with(&place.path) || place.path.starts_with(&other.path)) {
                findings.error("LZ125", written(root, id, name), place.key.clone(), said(&place, other));
            }
            others.push(place);
        }
    }
}

fn written(root: &Node, id: &TenantId, name: &str) -> Place {
    let node = ["tenants", id.as_str(), "eingang", name].iter().try_fold(root, |node, key| node.get(key));
    node.map_or(root.at, |node| node.at)
}

fn said(place: &Folder, other: &Folder) -> Text {
    let (de, en) = if place.path == other.path {
        ("Dieser Ordner ist schon", "This folder already is")
    } else if place.path.starts_with(&other.path) {
        ("Dieser Ordner liegt in dem von", "This folder lies in that of")
    } else {
        ("Dieser Ordner enthält den von", "This folder contains that of")
    };
    let key = &other.key;
    Text::new(
        format!("{de} „{key}“. Wo Auslöser nachsehen, liegt nichts anderes; bitte einen eigenen Ordner nennen."),
        format!("{en} \"{key}\". Nothing else lies where triggers look; name a folder of its own."),
    )
}

/// Where a path really leads, as far as it is there: one folder may have two names.
fn real(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
        if let Ok(led) = plain.canonicalize() {
            plain = led;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use laufzettel_domain::Lang;

    use super::*;

    fn said(folder: &Path, a: &str, b: &str) -> Vec<String> {
        let tenant = |id: &str, eingang: &str| {
            format!("  {id}:\n    name: T\n    processes: ./w{id}\n    pins: ./p{id}\n    directory: {{ file: ./d.yaml }}\n    eingang: {eingang}\n")
        };
        let text = format!("store: {{ sqlite: ./data }}\nwitness: ./zeuge\ntenants:\n{}{}", tenant("a", a), tenant("b", b));
        let (_, findings) = crate::config::read(&text, Path::new("c.yaml"), folder);
        findings.iter().map(|finding| finding.line(Lang::De)).collect()
    }

    #[test]
    fn places_lie_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("x/ein")).unwrap();
        symlink("x/ein", folder.path().join("link")).unwrap();
        let (own, other) = ("{ folder: ./x/ein, mail: ./x/post }", "{ folder: ./y/ein }");
        assert_eq!(said(folder.path(), own, other), Vec::<String>::new());
        let (is, lies, holds) = ("ist schon", "liegt in dem von", "enthält den von");
        for (a, b, expected, how, key) in [
            (own, "{ folder: ./x/ein }", "c.yaml:15:24: Fehler LZ125 bei „tenants.b.eingang.folder“", is, "tenants.a.eingang.folder"),
            (own, "{ folder: ./x/ein/b }", "c.yaml:15:24", lies, "tenants.a.eingang.folder"),
            (own, "{ mail: ./x }", "c.yaml:15:22: Fehler LZ125 bei „tenants.b.eingang.mail“", holds, "tenants.a.eingang.folder"),
            (own, "{ folder: ./y/../x/ein }", "c.yaml:15:24", is, "tenants.a.eingang.folder"),
            (own, "{ folder: ./link/b }", "c.yaml:15:24", lies, "tenants.a.eingang.folder"),
            ("{ folder: ./x, mail: ./x/post }", other, "c.yaml:9:35", lies, "tenants.a.eingang.folder"),
            ("{ folder: . }", "{ folder: ../anderswo }", "c.yaml:9:24", holds, "store"),
            ("{ folder: ./data/ein }", other, "c.yaml:9:24", lies, "store"),
            ("{ folder: ./secrets }", other, "c.yaml:9:24", is, "secrets"),
            ("{ mail: ./zeuge/post }", other, "c.yaml:9:22", lies, "witness"),
            ("{ folder: ./wb/ein }", other, "c.yaml:9:24", lies, "tenants.b.processes"),
            ("{ folder: ./pa }", other, "c.yaml:9:24", is, "tenants.a.pins"),
        ] {
            let lines = said(folder.path(), a, b);
            let fits = lines.first().is_some_and(|line| line.starts_with(expected) && line.contains(how) && line.contains(&format!("„{key}“")));
            assert!(lines.len() == 1 && fits, "{a} {b}: {lines:?}");
        }
        // a name that only begins the same is another folder
        assert_eq!(said(folder.path(), own, "{ folder: ./x/einanders }"), Vec::<String>::new());
    }
}
