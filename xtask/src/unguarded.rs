//! `cargo xtask unguarded [word…]`: switches off one check at a time and sees that its attack then succeeds.
//!
//! A test in which an attack fails proves little while nobody knows that it would notice a success. For each attack
//! of `crates/testing/tests/hostile`, `checks.toml` there names the lines that stop it and what they are replaced
//! by; in a copy of the repository with the replacement the attack's test has to fail. It takes some minutes for
//! each.

use std::fs;
use std::path::Path;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::setup::{self, Need};
use crate::workspace;

/// Where the checks are listed, from the top.
const LIST: &str = "crates/testing/tests/hostile/checks.toml";
/// What the copy has no need of.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "dist", "data"];

/// A check and the attack that it stops.
struct Check {
    attack: String,
    edits: Vec<Edit>,
}

/// One place of the code without its check.
struct Edit {
    file: String,
    find: String,
    replace: String,
}

/// Tries all attacks, or those whose names contain a word.
pub(crate) fn run(words: &[String]) -> Result<()> {
    setup::ensure(&[Need::CCompiler, Need::OpenSsl])?;
    let checks = list(workspace::root())?;
    let chosen: Vec<&Check> = checks
        .iter()
        .filter(|check| !check.edits.is_empty())
        .filter(|check| words.is_empty() || words.iter().any(|word| check.attack.contains(word)))
        .collect();
    let folder = workspace::scratch()?.join("unguarded");
    let copy = folder.join("tree");
    copy_tree(&copy)?;
    let mut unnoticed = Vec::new();
    for check in &chosen {
        let before = edit(&copy, check)?;
        let ended = Run::cargo()
            .args(["test", "--package", "conclave-testing", "--test", "hostile", "--"])
            .args(["--exact", check.attack.as_str()])
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .in_folder(&copy)
            .tee()?;
        for (path, text) in before {
            fs::write(&path, text).context(format!("writing {}", path.display()))?;
        }
        let noticed = ended
            .output
            .contains(&format!("test {} ... FAILED", check.attack));
        println!(
            "{} {}",
            if noticed { "noticed  " } else { "UNNOTICED" },
            check.attack
        );
        if !noticed {
            unnoticed.push(check.attack.as_str());
        }
    }
    println!(
        "\n{} checks switched off, {} unnoticed",
        chosen.len(),
        unnoticed.len()
    );
    if unnoticed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!(
            "without their checks these tests still pass, or do not build: {}",
            unnoticed.join(", ")
        )))
    }
}

fn copy_tree(copy: &Path) -> Result<()> {
    let root = workspace::root();
    for path in workspace::files_below(root, SKIPPED)? {
        let Ok(inside) = path.strip_prefix(root) else {
            continue;
        };
        let to = copy.join(inside);
        let text = fs::read(&path).context(format!("reading {}", path.display()))?;
        // What did not change keeps its time, so that it is not compiled again.
        if fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).context(format!("creating {}", folder.display()))?;
        }
        fs::write(&to, text).context(format!("writing {}", to.display()))?;
    }
    Ok(())
}

/// Takes a check out of the copy, and gives the files as they were.
fn edit(copy: &Path, check: &Check) -> Result<Vec<(std::path::PathBuf, String)>> {
    let mut before = Vec::new();
    for edit in &check.edits {
        let path = copy.join(&edit.file);
        let text = fs::read_to_string(&path).context(format!("reading {}", path.display()))?;
        if text.matches(&edit.find).count() != 1 {
            return Err(Failure::new(format!(
                "the check of {} does not stand exactly once in {}",
                check.attack, edit.file
            )));
        }
        fs::write(&path, text.replace(&edit.find, &edit.replace))
            .context(format!("writing {}", path.display()))?;
        before.push((path, text));
    }
    // Two edits of one file: the first one's text is the original.
    before.reverse();
    Ok(before)
}

fn list(root: &Path) -> Result<Vec<Check>> {
    let path = root.join(LIST);
    let text = fs::read_to_string(&path).context(format!("reading {}", path.display()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error| Failure::new(format!("{LIST}: {error}")))?;
    let word = |table: &toml::Value, key: &str| {
        table
            .get(key)
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(format!("{LIST}: `{key}` is missing")))
    };
    let checks = table.get("check").and_then(toml::Value::as_array);
    checks
        .into_iter()
        .flatten()
        .map(|check| {
            let edits = check.get("edit").and_then(toml::Value::as_array);
            Ok(Check {
                attack: word(check, "attack")?,
                edits: edits
                    .into_iter()
                    .flatten()
                    .map(|edit| {
                        Ok(Edit {
                            file: word(edit, "file")?,
                            find: word(edit, "find")?,
                            replace: word(edit, "replace")?,
                        })
                    })
                    .collect::<Result<_>>()?,
            })
        })
        .collect()
}
