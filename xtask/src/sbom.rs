//! `cargo xtask sbom`: what is in what we ship, as CycloneDX.
//!
//! It is read from the two lock files and from cargo's own graph, without a network, and the same sources give the
//! same bytes: it holds no time and no random number.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};
use serde_json::{Value, json};

use crate::failure::{Context, Failure, Result};
use crate::{web, workspace};

/// What people get; what only tests and tools use is in none of these.
const SHIPPED: [&str; 3] = ["conclave-server", "conclave-cli", "conclave-wasm"];
/// Where it is written, below cargo's target folder.
const FILE: &str = "dist/conclave.cdx.json";

/// Writes it.
pub(crate) fn write() -> Result<()> {
    let path = workspace::target()?.join(FILE);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).context(format!("creating {}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(&document()?).context("writing JSON")?;
    fs::write(&path, text + "\n").context(format!("writing {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}

/// All of it.
fn document() -> Result<Value> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace::root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .exec()
        .context("reading the dependency graph")?;
    let lock =
        fs::read_to_string(workspace::root().join(web::LOCK)).context("reading the lock file of npm")?;
    let lock: Value = serde_json::from_str(&lock).context("reading the lock file of npm")?;
    let version = metadata
        .workspace_packages()
        .iter()
        .find(|package| package.name.as_str() == SHIPPED[0])
        .map(|package| package.version.to_string());
    let version = version.ok_or_else(|| Failure::new("the workspace has no server"))?;

    let mut components = crates(&metadata, &checksums()?);
    components.extend(packages(&lock)?);
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "conclave",
                "name": "conclave",
                "version": version,
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": components,
        "dependencies": dependencies(&metadata),
    }))
}

/// The hashes that `Cargo.lock` holds, by name and version.
fn checksums() -> Result<HashMap<(String, String), String>> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock")).context("reading Cargo.lock")?;
    let lock: toml::Table = lock.parse().context("reading Cargo.lock")?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let word = |package: &toml::Value, name: &str| Some(package.get(name)?.as_str()?.to_owned());
    let found = packages.into_iter().flatten().filter_map(|package| {
        let key = (word(package, "name")?, word(package, "version")?);
        Some((key, word(package, "checksum")?))
    });
    Ok(found.collect())
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

/// Crates that are not ours; those that are in nothing we ship are marked so.
fn crates(metadata: &Metadata, checksums: &HashMap<(String, String), String>) -> Vec<Value> {
    let shipped = shipped(metadata);
    let mut found = BTreeMap::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
    {
        let (name, version) = (package.name.to_string(), package.version.to_string());
        let reference = purl(&name, &version);
        let mut component = json!({
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
            "scope": if shipped.contains(&package.id) { "required" } else { "excluded" },
        });
        if let Some(licence) = &package.license {
            // An expression of SPDX; old packages divide by a stroke what one may choose from.
            component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
        }
        if let Some(checksum) = checksums.get(&(name, version)) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        found.insert(reference, component);
    }
    found.into_values().collect()
}

/// What the shipped packages are built with and from.
fn shipped(metadata: &Metadata) -> HashSet<PackageId> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: HashMap<&PackageId, _> = nodes.map(|node| (&node.id, node)).collect();
    let ours = metadata.workspace_packages().into_iter();
    let mut waiting: Vec<&PackageId> = ours
        .filter(|package| SHIPPED.contains(&package.name.as_str()))
        .map(|package| &package.id)
        .collect();
    let mut reached = HashSet::new();
    while let Some(id) = waiting.pop() {
        if !reached.insert(id.clone()) {
            continue;
        }
        let dependencies = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let used = dependencies.filter(|dependency| {
            let mut kinds = dependency.dep_kinds.iter();
            kinds.any(|kind| kind.kind != DependencyKind::Development)
        });
        waiting.extend(used.map(|dependency| &dependency.pkg));
    }
    reached
}

/// Who needs whom, among the crates.
fn dependencies(metadata: &Metadata) -> Vec<Value> {
    let foreign = |id: &PackageId| metadata[id].source.is_some();
    let reference = |id: &PackageId| {
        let package = &metadata[id];
        purl(package.name.as_str(), &package.version.to_string())
    };
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let mut found = BTreeMap::new();
    for node in nodes.filter(|node| foreign(&node.id)) {
        let mut on: Vec<String> = node
            .dependencies
            .iter()
            .filter(|id| foreign(id))
            .map(reference)
            .collect();
        on.sort();
        on.dedup();
        found.insert(reference(&node.id), on);
    }
    let listed = found.into_iter();
    listed
        .map(|(reference, on)| json!({ "ref": reference, "dependsOn": on }))
        .collect()
}

/// Packages of the web app. All of them are there to build it; what the bundler takes in is not told apart here.
fn packages(lock: &Value) -> Result<Vec<Value>> {
    let listed = lock.get("packages").and_then(Value::as_object);
    let mut found = BTreeMap::new();
    for (path, package) in listed.into_iter().flatten() {
        let Some((_, name)) = path.rsplit_once("node_modules/") else {
            continue;
        };
        let version = package.get("version").and_then(Value::as_str).unwrap_or("0");
        let reference = format!("pkg:npm/{}@{version}", name.replace('@', "%40"));
        let mut component = json!({
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
        });
        if let Some(licence) = package.get("license").and_then(Value::as_str) {
            component["licenses"] = json!([{ "expression": licence }]);
        }
        let integrity = package.get("integrity").and_then(Value::as_str);
        if let Some(hash) = integrity.and_then(|text| text.strip_prefix("sha512-")) {
            let bytes = STANDARD.decode(hash).context(format!("the hash of {name}"))?;
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            component["hashes"] = json!([{ "alg": "SHA-512", "content": hex }]);
        }
        found.insert(reference, component);
    }
    Ok(found.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_components_has_every_locked_package_with_its_hash_and_licence() {
        let document = document().expect("it can be made");
        assert_eq!(
            serde_json::to_string(&document).expect("it is JSON"),
            serde_json::to_string(&self::document().expect("it can be made again")).expect("it is JSON"),
            "the same sources give the same bytes"
        );
        let components = document["components"].as_array().expect("a list");
        let find = |prefix: &str| {
            components
                .iter()
                .find(|component| {
                    component["purl"]
                        .as_str()
                        .is_some_and(|purl| purl.starts_with(prefix))
                })
                .unwrap_or_else(|| panic!("{prefix} is there"))
        };
        let references: HashSet<&str> = components
            .iter()
            .filter_map(|component| component["bom-ref"].as_str())
            .collect();
        assert_eq!(references.len(), components.len(), "each stands there once");
        for dependency in document["dependencies"].as_array().expect("a list") {
            assert!(references.contains(dependency["ref"].as_str().expect("a name")));
        }
        for shipped in ["pkg:cargo/opaque-ke@", "pkg:cargo/rusqlite@", "pkg:cargo/axum@"] {
            assert_eq!(find(shipped)["scope"], "required", "{shipped}");
        }
        assert_eq!(
            find("pkg:cargo/proptest@")["scope"],
            "excluded",
            "only tests use it"
        );
        find("pkg:npm/svelte@");
        find("pkg:npm/%40zxcvbn-ts/core@");
        for component in components {
            assert!(component.get("licenses").is_some(), "{component}");
            let hash = component["hashes"][0]["content"].as_str().unwrap_or_default();
            let length = if component["hashes"][0]["alg"] == "SHA-256" {
                64
            } else {
                128
            };
            assert_eq!(hash.len(), length, "{component}");
        }
    }
}
