//! `cargo xtask fuzz [target…] [--seconds N]`: hostile bytes for every parser and every opening.
//!
//! The targets and their laws are in `crates/fuzzing`, whose own test holds them near the committed seeds; here
//! libFuzzer searches on from there. What it finds interesting stays below cargo's target folder.

use std::fs;
use std::path::PathBuf;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::setup::{self, Need};
use crate::{tools, workspace};

/// How long each target runs where nothing else is said.
const SECONDS: u32 = 60;

/// Inputs longer than this teach nothing new; the largest format, a bundle, has 1.4 KB.
const LONGEST: u32 = 4096;

/// What to run, and for how long each.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    targets: Vec<String>,
    seconds: u32,
}

/// Runs the named targets, or all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let plan = Plan::of(arguments, &targets()?)?;
    setup::ensure(&[Need::CCompiler])?;
    let program = tools::FUZZ.ensure()?;
    let build = workspace::target()?.join("fuzz");
    let found = workspace::scratch()?.join("fuzz");
    let mut broken = Vec::new();
    for target in &plan.targets {
        let corpus = found.join(target);
        fs::create_dir_all(&corpus).context(format!("creating {}", corpus.display()))?;
        let artifacts = found.join(format!("{target}-"));
        let outcome = Run::new(&program)
            .args(["fuzz", "run", "--target-dir"])
            .args([&build])
            .args([target])
            .args([&corpus, &seeds(target)])
            .args(["--".to_owned()])
            .args([
                format!("-artifact_prefix={}", artifacts.display()),
                format!("-max_total_time={}", plan.seconds),
                format!("-max_len={LONGEST}"),
                "-timeout=20".to_owned(),
                "-print_final_stats=1".to_owned(),
            ])
            // The sanitizer's flags are not stable yet; nothing else of the compiler changes.
            .env("RUSTC_BOOTSTRAP", "1")
            .run();
        if let Err(failure) = outcome {
            eprintln!("error: {failure}");
            broken.push(target.as_str());
        }
    }
    if broken.is_empty() {
        println!("every law held: {}", plan.targets.join(", "));
        return Ok(());
    }
    Err(Failure::new(format!(
        "laws were broken in {}. The inputs are in {}; mend the code, then keep the input in fuzz/corpus under a \
         name that says what it broke",
        broken.join(", "),
        found.display()
    )))
}

fn seeds(target: &str) -> PathBuf {
    workspace::root().join("fuzz/corpus").join(target)
}

/// The targets that `fuzz/Cargo.toml` builds.
fn targets() -> Result<Vec<String>> {
    let manifest = workspace::root().join("fuzz/Cargo.toml");
    let text = fs::read_to_string(&manifest).context(format!("reading {}", manifest.display()))?;
    let table: toml::Table = text.parse().context("reading fuzz/Cargo.toml")?;
    let bins = table.get("bin").and_then(toml::Value::as_array);
    Ok(bins
        .into_iter()
        .flatten()
        .filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned()))
        .collect())
}

impl Plan {
    fn of(arguments: &[String], known: &[String]) -> Result<Self> {
        let mut plan = Self {
            targets: Vec::new(),
            seconds: SECONDS,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                let seconds = arguments.next().and_then(|text| text.parse().ok());
                plan.seconds = seconds
                    .ok_or_else(|| Failure::new("`--seconds` takes a number, as in `--seconds 300`"))?;
            } else if known.contains(argument) {
                plan.targets.push(argument.clone());
            } else {
                return Err(Failure::new(format!(
                    "there is no target `{argument}`; the targets are {}",
                    known.join(", ")
                )));
            }
        }
        if plan.targets.is_empty() {
            plan.targets = known.to_vec();
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(words: &str) -> Result<Plan> {
        let words: Vec<String> = words.split_whitespace().map(String::from).collect();
        Plan::of(&words, &["content".into(), "frames".into()])
    }

    #[test]
    fn all_targets_run_for_a_minute_unless_some_are_named() {
        let all = plan("").expect("nothing is asked for");
        assert_eq!((all.targets.len(), all.seconds), (2, SECONDS));
        let one = plan("frames --seconds 5").expect("a target and a number");
        assert_eq!((one.targets, one.seconds), (vec!["frames".to_owned()], 5));
    }

    #[test]
    fn an_unknown_target_is_refused_with_the_known_ones() {
        let refusal = plan("frame").expect_err("there is no such target").to_string();
        assert!(
            refusal.contains("`frame`") && refusal.contains("frames"),
            "{refusal}"
        );
        assert!(plan("--seconds soon").is_err());
    }

    #[test]
    fn every_target_is_in_the_manifest_and_has_seeds() {
        let targets = targets().expect("the manifest is readable");
        assert!(!targets.is_empty());
        for target in targets {
            assert!(seeds(&target).is_dir(), "{target} has no seeds");
        }
    }
}
