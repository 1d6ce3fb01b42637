//! The house's own laws: who may import whom, and where a network client may live.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::desk::root;

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo).args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(root()).output().expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let normal = package["dependencies"].as_array().expect("dependencies").iter().filter(|d| d["kind"].is_null());
            (package["name"].as_str().unwrap_or_default().to_owned(), normal.map(|d| d["name"].as_str().unwrap_or_default().to_owned()).collect())
        })
        .collect()
}

#[test]
fn imports_run_one_way() {
    let allowed: [(&str, &[&str]); 10] = [
        ("domain", &[]),
        ("process", &["domain"]),
        ("policy", &["domain"]),
        ("journal", &["domain"]),
        ("engine", &["domain", "process", "policy", "journal"]),
        ("store", &["domain", "process", "policy", "journal", "engine"]),
        ("doors", &["domain", "policy"]),
        ("directory", &["domain", "policy"]),
        ("worker", &["domain", "process", "policy", "journal", "engine", "store", "doors", "directory"]),
        ("server", &["domain", "process", "policy", "journal", "engine", "store", "directory", "worker"]),
    ];
    let all = dependencies();
    for (room, may) in allowed {
        let found: Vec<String> = all[&format!("laufzettel-{room}")].iter().filter_map(|d| d.strip_prefix("laufzettel-").map(str::to_owned)).collect();
        for other in found {
            assert!(may.contains(&other.as_str()), "{room} imports {other}");
        }
    }
}

#[test]
fn pure_rooms_know_nothing_of_the_outside() {
    let outside = ["tokio", "sqlx", "reqwest", "axum", "rmcp", "getrandom", "rand", "hyper", "tracing"];
    let all = dependencies();
    for room in ["domain", "process", "engine", "policy", "journal"] {
        for name in outside {
            assert!(!all[&format!("laufzettel-{room}")].contains(name), "{room} imports {name}");
        }
    }
}

/// Each network client, and the rooms that may hold it: the doors, who somebody is, who signs in, and
/// where a tool server learns whose delegations it believes.
#[test]
fn network_clients_live_behind_the_doors() {
    let clients: [(&str, &[&str]); 5] = [
        ("reqwest", &["doors", "server", "mcp-kit"]),
        ("ldap3", &["directory"]),
        ("openidconnect", &["server"]),
        ("rustls", &["doors", "directory", "server", "mcp-kit"]),
        // its server half: the pages' own connections
        ("hyper", &["server"]),
    ];
    for (package, dependencies) in dependencies() {
        for (client, rooms) in clients {
            let may = rooms.iter().any(|room| package == format!("laufzettel-{room}"));
            assert!(may || !dependencies.contains(client), "{package} holds the network client {client}");
        }
    }
}

/// The tool servers meet the orchestrator only through MCP: neither side imports the other, but for the one binary.
#[test]
fn tool_servers_are_foreign() {
    for (package, dependencies) in dependencies() {
        let server = package.starts_with("laufzettel-mcp-");
        for dependency in dependencies.iter().filter(|d| d.starts_with("laufzettel-")) {
            let to_server = dependency.starts_with("laufzettel-mcp-");
            assert!(server == to_server || package == "laufzettel-cli", "{package} imports {dependency}");
        }
    }
}
