//! The dependency arrows of the design, held over `cargo metadata`: each crate is
//! a room that uses only the rooms named here, and the pure ones know nothing of
//! runtimes, networks, clusters or terminals.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// Each room and the rooms it may use (ARCHITECTURE.md). Rooms that only tests
/// or measurements enter may use any that they need, and nobody uses them.
const ROOMS: &[(&str, &[&str])] = &[
    ("oci", &[]),
    ("chart", &["oci"]),
    ("package", &["oci", "chart"]),
    ("registry", &["oci"]),
    ("chartrepo", &["oci", "chart", "registry"]),
    ("transfer", &["oci", "chart", "package", "registry", "chartrepo"]),
    ("node", &["oci", "chart", "package", "registry", "transfer"]),
    ("release", &["oci", "chart", "package", "registry", "chartrepo", "transfer"]),
    ("depot", &["oci", "chart", "package"]),
    ("cli", &["oci", "chart", "package", "registry", "chartrepo", "transfer", "node", "release", "depot"]),
    ("testkit", &["oci"]),
    ("bench", &["oci", "testkit"]),
    (
        "fuzzing",
        &["oci", "chart", "package", "registry", "chartrepo", "transfer", "node", "release", "depot", "cli"],
    ),
];

/// Rooms without I/O of their own.
const PURE: &[&str] = &["oci", "chart", "package"];

/// What no pure room may contain, however deep: runtimes, HTTP, TLS, clusters, terminals.
const IMPURE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "reqwest",
    "hyper",
    "axum",
    "rustls",
    "kube",
    "k8s-openapi",
    "indicatif",
    "crossterm",
    "clap",
];

struct Workspace {
    metadata: Value,
}

impl Workspace {
    fn load() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            // of other systems' packages a build for this one fetched nothing
            .args(["--filter-platform", &host()])
            .current_dir(root)
            .output()
            .expect("cargo runs, since it built this test");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        Self { metadata }
    }

    /// The packages of the workspace by room.
    fn rooms(&self) -> BTreeMap<&str, &Value> {
        let members: BTreeSet<&str> = strings(&self.metadata["workspace_members"]).collect();
        self.packages()
            .filter(|package| members.contains(text(&package["id"])))
            .map(|package| (room(text(&package["name"])), package))
            .collect()
    }

    fn packages(&self) -> impl Iterator<Item = &Value> {
        list(&self.metadata["packages"]).iter()
    }

    fn name_of(&self, id: &str) -> &str {
        self.packages()
            .find(|package| text(&package["id"]) == id)
            .map(|package| text(&package["name"]))
            .expect("every id of the graph is a package")
    }

    /// Names of all packages that the package `id` links in, tests and build scripts left out.
    fn linked(&self, id: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(self.normal_dependencies(id));
            }
        }
        seen.into_iter().map(|id| self.name_of(id)).collect()
    }

    fn normal_dependencies(&self, id: &str) -> impl Iterator<Item = &str> {
        list(&self.metadata["resolve"]["nodes"])
            .iter()
            .filter(move |node| text(&node["id"]) == id)
            .flat_map(|node| list(&node["deps"]))
            .filter(|dependency| {
                let kinds = list(&dependency["dep_kinds"]);
                kinds.iter().any(|kind| kind["kind"].is_null())
            })
            .map(|dependency| text(&dependency["pkg"]))
    }
}

/// The triple that this toolchain builds for.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs, since it built this test");
    let text = String::from_utf8(output.stdout).expect("rustc prints text");
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.expect("rustc -vV names its host").to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata has a string there")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("cargo metadata has a list there")
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).iter().map(text)
}

fn room(package: &str) -> &str {
    package.strip_prefix("portolan-").unwrap_or_else(|| panic!("{package}: crates are named portolan-*"))
}

fn allowed(room: &str) -> BTreeSet<&'static str> {
    let (_, uses) = ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .unwrap_or_else(|| panic!("{room}: a room that the table of this test does not have"));
    uses.iter().copied().collect()
}

/// Names of our own rooms among a package's dependencies of one kind (`null` is normal).
fn own_dependencies<'a>(package: &'a Value, kind: &Value) -> BTreeSet<&'a str> {
    list(&package["dependencies"])
        .iter()
        .filter(|dependency| &dependency["kind"] == kind)
        .filter_map(|dependency| text(&dependency["name"]).strip_prefix("portolan-"))
        .collect()
}

#[test]
fn rooms_use_only_those_of_the_table() {
    for (room, package) in Workspace::load().rooms() {
        let used = own_dependencies(package, &Value::Null);
        let stray: Vec<_> = used.difference(&allowed(room)).copied().collect();
        assert_eq!(stray, Vec::<&str>::new(), "{room} uses what it may not");
    }
}

#[test]
fn tests_use_their_rooms_and_the_test_rooms() {
    for (room, package) in Workspace::load().rooms() {
        let mut may = allowed(room);
        may.extend(["testkit", "depot"]);
        let used = own_dependencies(package, &"dev".into());
        let stray: Vec<_> = used.difference(&may).copied().collect();
        assert_eq!(stray, Vec::<&str>::new(), "tests of {room}");
    }
}

#[test]
fn every_room_exists() {
    let workspace = Workspace::load();
    let found: BTreeSet<&str> = workspace.rooms().into_keys().collect();
    let expected: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    assert_eq!(found, expected);
}

#[test]
fn pure_rooms_know_no_runtime_network_cluster_or_terminal() {
    let workspace = Workspace::load();
    let rooms = workspace.rooms();
    for room in PURE {
        let linked = workspace.linked(text(&rooms[room]["id"]));
        let stray: Vec<_> = IMPURE.iter().filter(|name| linked.contains(*name)).collect();
        assert_eq!(stray, Vec::<&&str>::new(), "{room} links them in");
    }
}

#[test]
fn every_room_takes_folder_name_lints_and_version_from_the_workspace() {
    for (room, package) in Workspace::load().rooms() {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let folder = manifest.parent().unwrap().file_name().unwrap();
        assert_eq!(folder, room, "a room is named after its folder");
        let source = std::fs::read_to_string(&manifest).unwrap();
        for line in ["[lints]\nworkspace = true", "version.workspace = true"] {
            assert!(source.contains(line), "{}: no {line:?}", manifest.display());
        }
        assert_eq!(package["publish"], Value::Array(vec![]), "{room}: publish");
    }
}
