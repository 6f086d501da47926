//! Which package may depend on which.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::{expect_none, root};

/// Which of our crates each crate may use; exactly the table of ARCHITECTURE.md.
const ALLOWED: &[(&str, &[&str])] = &[
    ("encoding", &[]),
    ("auth", &["encoding"]),
    ("protocol", &["encoding"]),
    ("crypto", &["encoding"]),
    ("sigchain", &["encoding", "protocol"]),
    ("client", &["auth", "crypto", "encoding", "protocol", "sigchain"]),
    ("store", &["client", "protocol"]),
    ("sdk", &["client", "protocol", "store"]),
    ("wasm", &["client", "protocol", "store"]),
    ("crypto-wasm", &["crypto", "encoding"]),
    ("cli", &["client", "protocol", "sdk"]),
    ("vectors", &["crypto", "encoding", "protocol", "sigchain"]),
    ("db", &["protocol"]),
    ("server", &["auth", "db", "encoding", "protocol", "sigchain"]),
];

/// Which of our crates the benchmarks may use. They ship nothing, so nothing may depend on them.
const MEASURED: &[(&str, &[&str])] = &[("bench-crypto", &["crypto"])];

/// What is measured, compared or attacked with, and no part of what people run.
const NOT_SHIPPED: [&str; 6] = [
    TESTING,
    "fuzzing",
    "faults",
    "vectors",
    "crypto-wasm",
    "bench-crypto",
];

/// The harness with a real server in it.
const TESTING: &str = "testing";

/// May use all of ours and are used by tests alone.
const TESTS_ONLY: [&str; 3] = [TESTING, "fuzzing", "faults"];

/// Libraries that one crate alone may name, and the harness, which looks into what was stored.
const RESERVED: &[(&str, &[&str])] = &[("sqlx", &["db", TESTING]), ("rusqlite", &["store", TESTING])];

/// What the server must not even be able to name, as it would then know plaintext or private keys.
const SECRET: [&str; 2] = ["crypto", "client"];

fn metadata(whole: bool) -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    if whole {
        command.features(CargoOpt::AllFeatures);
    } else {
        command.no_deps();
    }
    command.exec().expect("cargo metadata works")
}

/// The short name of one of our crates.
fn ours(name: &str) -> Option<&str> {
    name.strip_prefix("conclave-")
}

fn crates(metadata: &Metadata) -> impl Iterator<Item = (&str, &Package)> {
    metadata
        .workspace_packages()
        .into_iter()
        .filter_map(|package| Some((ours(&package.name)?, package)))
}

/// What a package depends on outside its tests, by the dependencies' own names.
fn shipped(package: &Package) -> BTreeSet<&str> {
    let dependencies = package.dependencies.iter();
    dependencies
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn crates_depend_only_on_the_layers_below_them() {
    let (metadata, allowed) = (
        metadata(false),
        ALLOWED.iter().copied().collect::<BTreeMap<_, _>>(),
    );
    let mut found = Vec::new();
    let others =
        |name: &str| TESTS_ONLY.contains(&name) || MEASURED.iter().any(|(measured, _)| *measured == name);
    for (name, package) in crates(&metadata).filter(|(name, _)| !others(name)) {
        let Some(allowed) = allowed.get(name) else {
            found.push(format!("crates/{name} is not in the table"));
            continue;
        };
        for used in shipped(package)
            .into_iter()
            .filter_map(ours)
            .filter(|used| !allowed.contains(used))
        {
            found.push(format!("crates/{name} depends on crates/{used}"));
        }
    }
    let mend = "move the code to the layer that may hold it. A new crate or edge is a decision: write it into \
                ARCHITECTURE.md and into ALLOWED in xtask/tests/invariants/graph.rs";
    expect_none(&found, mend);
}

#[test]
fn nothing_that_ships_depends_on_what_only_tests_use() {
    let metadata = metadata(false);
    let mut found = Vec::new();
    for (name, package) in crates(&metadata) {
        let used = shipped(package).into_iter().filter_map(ours);
        let used = used.filter(|used| NOT_SHIPPED.contains(used) && !TESTS_ONLY.contains(&name));
        found.extend(used.map(|used| format!("crates/{name} ships conclave-{used}")));
    }
    expect_none(&found, "name it under [dev-dependencies]; use no benchmark");
}

#[test]
fn benchmarks_use_what_they_measure_and_nothing_else_of_ours() {
    let metadata = metadata(false);
    let mut found = Vec::new();
    for (name, package) in crates(&metadata) {
        let Some((_, allowed)) = MEASURED.iter().find(|(measured, _)| *measured == name) else {
            continue;
        };
        // Theirs are development dependencies: a benchmark has nothing else.
        let used = package
            .dependencies
            .iter()
            .filter_map(|dependency| ours(&dependency.name));
        found.extend(
            used.filter(|used| !allowed.contains(used))
                .map(|used| format!("{name} depends on crates/{used}")),
        );
    }
    expect_none(
        &found,
        "measure one layer at a time, or name it in MEASURED with its reason",
    );
}

#[test]
fn a_library_that_belongs_to_one_layer_is_named_in_that_layer_alone() {
    let metadata = metadata(false);
    let mut found = Vec::new();
    for (name, package) in crates(&metadata) {
        let strange = RESERVED.iter().filter(|(library, owners)| {
            let named = package
                .dependencies
                .iter()
                .any(|dependency| dependency.name == *library);
            named && !owners.contains(&name)
        });
        found.extend(strange.map(|(library, owners)| {
            format!(
                "crates/{name} names {library}, which belongs to crates/{}",
                owners.join(" and crates/")
            )
        }));
    }
    expect_none(&found, "go through the crate that owns the library, in tests too");
}

#[test]
fn the_server_cannot_name_plaintext_or_private_keys() {
    let metadata = metadata(true);
    let mut found = Vec::new();
    for (name, package) in crates(&metadata).filter(|(name, _)| ["server", "db"].contains(name)) {
        for reached in reachable(&metadata, &package.id) {
            if let Some(secret) = ours(&metadata[reached].name).filter(|reached| SECRET.contains(reached)) {
                found.push(format!("crates/{name} reaches crates/{secret}"));
            }
        }
    }
    let mend = "`cargo tree -p conclave-server -e normal,build -i conclave-client` shows the way; cut it. What \
                both sides share goes into protocol, encoding, auth or sigchain";
    expect_none(&found, mend);
}

/// All that a package is built from, directly or not, its tests aside.
fn reachable<'a>(metadata: &'a Metadata, from: &'a PackageId) -> BTreeSet<&'a PackageId> {
    let nodes = metadata
        .resolve
        .as_ref()
        .map(|resolve| resolve.nodes.as_slice())
        .unwrap_or_default();
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(id) = open.pop() {
        let node = nodes
            .iter()
            .find(|node| node.id == *id)
            .expect("each package is in the graph");
        for dependency in &node.deps {
            let kinds = &dependency.dep_kinds;
            let is_shipped = kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
            if is_shipped && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen
}
