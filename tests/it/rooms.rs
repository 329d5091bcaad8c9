//! The walls of the house: who may depend on whom, and in which room an outer library lives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Every room, and the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("sumac-policy", &[]),
    ("sumac-privacy", &["sumac-policy"]),
    ("sumac-keys", &["sumac-policy"]),
    ("sumac-protocol", &["sumac-policy"]),
    ("sumac-node", &["sumac-policy", "sumac-privacy", "sumac-keys", "sumac-protocol"]),
    ("sumac-backbone", &["sumac-policy", "sumac-privacy", "sumac-keys", "sumac-protocol"]),
    (
        "sumac",
        &[
            "sumac-policy",
            "sumac-privacy",
            "sumac-keys",
            "sumac-protocol",
            "sumac-node",
            "sumac-backbone",
        ],
    ),
];

/// Outer libraries that live in these rooms alone.
const LIVES_IN: &[(&str, &[&str])] = &[
    ("sqlparser", &["sumac-policy"]),
    ("toml_edit", &["sumac-policy", "sumac-node"]),
    ("opendp", &["sumac-privacy"]),
    ("prio", &["sumac-privacy"]),
    ("libm", &["sumac-privacy"]),
    ("openssl", &["sumac-keys"]),
    ("rustls", &["sumac-keys"]),
    ("prost", &["sumac-protocol"]),
    ("tonic-types", &["sumac-protocol"]),
    ("tonic-prost", &["sumac-protocol"]),
    ("tonic", &["sumac-protocol", "sumac-node", "sumac-backbone"]),
    ("tokio-rustls", &["sumac-node", "sumac-backbone"]),
    ("arrow", &["sumac-node"]),
    ("parquet", &["sumac-node"]),
    ("datafusion", &["sumac-node"]),
    ("ballista", &["sumac-node"]),
    ("ballista-core", &["sumac-node"]),
    ("ballista-executor", &["sumac"]),
    ("ballista-scheduler", &["sumac"]),
    ("encoding_rs", &["sumac-node"]),
    ("tokio-postgres", &["sumac-node"]),
    ("tokio-postgres-rustls", &["sumac-node"]),
    ("sled", &["sumac-node"]),
    ("aws-lc-rs", &["sumac-node"]),
    ("oxjsonld", &["sumac-node"]),
    ("oxrdf", &["sumac-node"]),
    ("png", &["sumac-node"]),
    ("quick-xml", &["sumac-node"]),
    ("zip", &["sumac-node"]),
    ("ct-merkle", &["sumac-protocol", "sumac-node"]),
    ("age", &["sumac"]),
    ("tar", &["sumac"]),
    ("clap", &["sumac"]),
    ("anyhow", &["sumac"]),
    ("rpassword", &["sumac"]),
];

/// Pure rooms: no async, no files, no network, no clock.
const PURE: &[&str] = &["sumac-policy", "sumac-privacy"];

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

/// Each member's ordinary dependencies; tests may use what they like.
fn dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let of = |package: &cargo_metadata::Package| {
        let ordinary = package.dependencies.iter().filter(|on| on.kind == DependencyKind::Normal);
        ordinary.map(|on| on.name.clone()).collect()
    };
    let members = metadata.packages.iter();
    members.map(|package| (package.name.to_string(), of(package))).collect()
}

#[test]
fn arrows_between_rooms_go_down_only() {
    let found = dependencies(&metadata());
    let rooms: BTreeSet<_> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), rooms, "every room is in the table");
    for (room, may_use) in ROOMS {
        let ours = found[*room].iter().filter(|name| name.starts_with("sumac"));
        for used in ours {
            assert!(may_use.contains(&used.as_str()), "`{room}` may not use `{used}`");
        }
    }
}

#[test]
fn each_outer_library_lives_in_its_room() {
    let found = dependencies(&metadata());
    for (library, homes) in LIVES_IN {
        let users: BTreeSet<_> = found
            .iter()
            .filter(|(_, on)| on.contains(*library))
            .map(|(room, _)| room.as_str())
            .collect();
        assert_eq!(users, homes.iter().copied().collect(), "who uses `{library}`");
    }
}

#[test]
fn pure_rooms_touch_no_world() {
    let found = dependencies(&metadata());
    for room in PURE {
        for worldly in ["tokio", "tonic", "tokio-rustls", "sled", "openssl", "tracing"] {
            assert!(!found[*room].contains(worldly), "`{room}` uses `{worldly}`");
        }
        let folder = room.trim_start_matches("sumac-");
        let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("src"));
        for (path, text) in sources {
            for worldly in [
                "std::fs",
                "TcpStream",
                "UdpSocket",
                "std::env",
                "async fn",
                "Timestamp::now",
                "SystemTime",
            ] {
                assert!(!text.contains(worldly), "{path} touches the world: `{worldly}`");
            }
        }
    }
}

#[test]
fn one_file_names_the_index_database() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/src");
    let naming: Vec<_> = sources(&root)
        .into_iter()
        .filter(|(_, text)| text.contains("sled::"))
        .map(|(path, _)| path)
        .collect();
    assert!(naming.len() == 1 && naming[0].ends_with("store/index.rs"), "{naming:?}");
}

#[test]
fn decisions_are_numbered_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decisions");
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let number = name.split('-').next().unwrap().to_owned();
        assert!(number.len() == 4 && number.parse::<u16>().is_ok(), "{name} has no number");
        assert!(numbers.insert(number), "{name} has another's number");
    }
    assert!(numbers.len() >= 6);
}

/// Every Rust file under a folder, with its text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    found
}
