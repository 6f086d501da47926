//! Licences, bans and sources of what we depend on.
//!
//! `deny.toml` is written for cargo-deny, which also knows published advisories and runs on the forge. What
//! needs no network is read from the same file and checked here, in seconds and with nothing to install.

use std::collections::{HashMap, HashSet};
use std::fs;

use cargo_metadata::{Metadata, MetadataCommand, Package, PackageId};
use spdx::{Expression, ParseMode};
use toml::{Table, Value};

use crate::failure::{Context, Failure, Result};
use crate::workspace;

/// A section of `deny.toml`, and what the graph has against it.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    problems: fn(&Table, &Graph) -> Vec<String>,
}

pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "licenses",
        problems: licences,
    },
    Rule {
        name: "bans",
        problems: bans,
    },
    Rule {
        name: "sources",
        problems: sources,
    },
];

/// What is in use: every package of the graph with all features, on every platform.
struct Graph {
    metadata: Metadata,
}

/// Fails with everything that breaks a rule.
pub(crate) fn check(rule: &Rule) -> Result<()> {
    let text = fs::read_to_string(workspace::root().join("deny.toml")).context("reading deny.toml")?;
    let rules: Table = text.parse().context("reading deny.toml")?;
    let section = rules.get(rule.name).and_then(Value::as_table);
    let section = section.ok_or_else(|| Failure::new(format!("deny.toml has no section [{}]", rule.name)))?;
    let problems = (rule.problems)(section, &Graph::read()?);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("\n  {}", problems.join("\n  "))))
    }
}

impl Graph {
    fn read() -> Result<Self> {
        let all = cargo_metadata::CargoOpt::AllFeatures;
        let manifest = workspace::root().join("Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(manifest)
            .features(all)
            .exec();
        Ok(Self {
            metadata: metadata.context("reading the dependency graph")?,
        })
    }

    /// The packages that are not ours.
    fn foreign(&self) -> impl Iterator<Item = &Package> {
        let ours: HashSet<&PackageId> = self.metadata.workspace_members.iter().collect();
        let used: HashSet<&PackageId> = self
            .metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| &node.id)
            .collect();
        self.metadata
            .packages
            .iter()
            .filter(move |package| used.contains(&package.id) && !ours.contains(&package.id))
    }

    /// The names of the packages that depend directly on each package.
    fn dependents(&self) -> HashMap<&PackageId, Vec<&str>> {
        let mut dependents: HashMap<&PackageId, Vec<&str>> = HashMap::new();
        for node in self.metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            for dependency in &node.dependencies {
                dependents
                    .entry(dependency)
                    .or_default()
                    .push(self.metadata[&node.id].name.as_str());
            }
        }
        dependents
    }
}

fn licences(section: &Table, graph: &Graph) -> Vec<String> {
    let allowed = words(section.get("allow"));
    let mut problems = Vec::new();
    for package in graph.foreign() {
        let exceptions = tables(section.get("exceptions"))
            .filter(|exception| crate_name(exception) == Some(package.name.as_str()))
            .flat_map(|exception| words(exception.get("allow")));
        let allowed: Vec<&str> = allowed.iter().copied().chain(exceptions).collect();
        let clarified = tables(section.get("clarify"))
            .find(|clarify| crate_name(clarify) == Some(package.name.as_str()))
            .and_then(|clarify| clarify.get("expression")?.as_str());
        match clarified.or(package.license.as_deref()) {
            Some(licence) if is_allowed(licence, &allowed) => {}
            Some(licence) => problems.push(format!(
                "{} {} is under `{licence}`, which deny.toml does not allow: use another crate, or add the \
                 licence to licenses.allow after reading it",
                package.name, package.version
            )),
            None => problems.push(format!(
                "{} {} names no licence: use another crate, or read it and say so in licenses.clarify",
                package.name, package.version
            )),
        }
    }
    problems
}

/// Whether the allowed licences satisfy this expression; what is no expression is not allowed.
fn is_allowed(licence: &str, allowed: &[&str]) -> bool {
    Expression::parse_mode(licence, ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|requirement| allowed.contains(&requirement.to_string().as_str()))
    })
}

fn bans(section: &Table, graph: &Graph) -> Vec<String> {
    let dependents = graph.dependents();
    let mut problems = Vec::new();
    for ban in tables(section.get("deny")) {
        let Some(name) = crate_name(ban) else {
            problems.push(format!("a ban of deny.toml names no crate: {ban}"));
            continue;
        };
        let reason = ban
            .get("reason")
            .and_then(Value::as_str)
            .unwrap_or("see deny.toml");
        let wrappers = words(ban.get("wrappers"));
        for package in graph.foreign().filter(|package| package.name.as_str() == name) {
            let by = dependents.get(&package.id).into_iter().flatten();
            for dependent in by.filter(|dependent| !wrappers.contains(dependent)) {
                problems.push(format!("{dependent} brings {name}, which is banned: {reason}"));
            }
        }
    }
    if section.get("wildcards").and_then(Value::as_str) == Some("deny") {
        for package in graph.metadata.workspace_packages() {
            let foreign = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.path.is_none());
            for dependency in foreign.filter(|dependency| dependency.req.to_string() == "*") {
                problems.push(format!(
                    "{} takes any version of {}: name one",
                    package.name, dependency.name
                ));
            }
        }
    }
    problems
}

fn sources(section: &Table, graph: &Graph) -> Vec<String> {
    let registries = words(section.get("allow-registry"));
    let repositories = words(section.get("allow-git"));
    let is_known = |source: &str| {
        let registry = source
            .strip_prefix("registry+")
            .or_else(|| source.strip_prefix("sparse+"));
        let repository = source
            .strip_prefix("git+")
            .and_then(|url| url.split(['?', '#']).next());
        registry.is_some_and(|url| registries.contains(&url))
            || repository.is_some_and(|url| repositories.contains(&url))
    };
    let mut problems = Vec::new();
    for package in graph.foreign() {
        let source = package
            .source
            .as_ref()
            .map_or("a folder outside the workspace", |source| &source.repr);
        if !is_known(source) {
            problems.push(format!(
                "{} comes from {source}, which deny.toml does not know",
                package.name
            ));
        }
    }
    problems
}

fn words(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn tables(list: Option<&Value>) -> impl Iterator<Item = &Table> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_table)
}

/// cargo-deny accepts `crate = "name"` and `crate = "name@1"`.
fn crate_name(table: &Table) -> Option<&str> {
    let name = table.get("crate").or_else(|| table.get("name"))?.as_str()?;
    Some(name.split(['@', ':']).next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(licence: &str) -> bool {
        is_allowed(licence, &["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"])
    }

    #[test]
    fn one_allowed_licence_of_several_to_choose_from_is_enough() {
        assert!(allowed("MIT OR GPL-3.0-only"));
        assert!(allowed("GPL-3.0-only/MIT"));
        assert!(allowed("Apache-2.0 WITH LLVM-exception"));
    }

    #[test]
    fn each_of_several_licences_that_hold_together_must_be_allowed() {
        assert!(!allowed("MIT AND GPL-3.0-only"));
        assert!(!allowed("GPL-3.0-only"));
        assert!(!allowed("MIT WITH Classpath-exception-2.0"));
        assert!(!allowed("as you like"));
    }

    #[test]
    fn a_crate_is_named_with_or_without_its_version() {
        let table: Table = "crate = \"ring@0.17\"".parse().expect("it is TOML");
        assert_eq!(crate_name(&table), Some("ring"));
    }
}
