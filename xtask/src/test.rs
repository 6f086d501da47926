//! `cargo xtask test`: every check of the repository, added up into one last line.
//!
//! [`PARTS`] lists the parts in the order they run in: what is quick or fails most often comes first. All
//! parts run, also after one failed. Within a part, each program that counts its own tests is a suite, and
//! everything else is one check each.

use std::time::Duration;

use crate::clock;
use crate::command::{Ended, Run};
use crate::failure::{Failure, Result};
use crate::native::Whose;
use crate::setup::{self, Need};
use crate::tally::{self, Tally};
use crate::{advisories, bench, bindings, crypto, deny, native, python, wasm, web, workspace};

/// Some checks that belong together.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    needs: &'static [Need],
    run: fn(&mut Checks),
}

pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "format",
        about: "rustfmt and Prettier",
        needs: &[Need::Node],
        run: format,
    },
    Part {
        name: "invariants",
        about: "the crate graph and what else a machine must hold; xtask's own tests",
        needs: &[Need::CCompiler],
        run: invariants,
    },
    Part {
        name: "deny",
        about: "licences, bans and sources of dependencies, by deny.toml",
        needs: &[],
        run: dependencies,
    },
    Part {
        name: "advisories",
        about: "published weaknesses of dependencies, where they can be looked up",
        needs: &[],
        run: advisories,
    },
    Part {
        name: "compose",
        about: "docker-compose.yml as Compose reads it",
        needs: &[Need::Compose],
        run: compose,
    },
    Part {
        name: "lint",
        about: "clippy, for the machine and for the browser; ESLint and svelte-check",
        needs: &[
            Need::CCompiler,
            Need::Clang,
            Need::WasmTarget,
            Need::OpenSsl,
            Need::Node,
        ],
        run: lint,
    },
    Part {
        name: "server",
        about: "the server and its database, on SQLite and a real PostgreSQL",
        needs: &[Need::CCompiler, Need::OpenSsl, Need::Postgres],
        run: server,
    },
    Part {
        name: "rust",
        about: "the other Rust tests, and the examples in the documentation",
        needs: &[Need::CCompiler, Need::OpenSsl],
        run: rust,
    },
    Part {
        name: "engine",
        about: "the rules of the logs, the engine, its stories against honest and hostile servers; its generated types",
        needs: &[Need::CCompiler, Need::OpenSsl],
        run: engine,
    },
    Part {
        name: "api",
        about: "Schemathesis asks a real server what its OpenAPI description allows, and what it does not",
        needs: &[Need::CCompiler, Need::OpenSsl, Need::Python],
        run: api,
    },
    Part {
        name: "faults",
        about: "the server is killed, cut off, filled up and flooded; `--full` plays the whole of it",
        needs: &[Need::CCompiler, Need::OpenSsl, Need::Postgres],
        run: faults,
    },
    Part {
        name: "crypto",
        about: "the cryptography: its tests, its vectors in WASM, and a second implementation in Python",
        needs: crypto::NEEDS,
        run: crypto::check,
    },
    Part {
        name: "wasm",
        about: "the browser's engine and the cryptography alone build and stay small",
        needs: wasm::NEEDS,
        run: browser_engine,
    },
    Part {
        name: "web",
        about: "the web app builds; its unit tests",
        needs: &[Need::CCompiler, Need::Clang, Need::WasmTarget, Need::Node],
        run: web_app,
    },
    Part {
        name: "e2e",
        about: "real Chromium against a real server",
        needs: &[
            Need::CCompiler,
            Need::Clang,
            Need::WasmTarget,
            Need::OpenSsl,
            Need::Chromium,
            Need::Node,
        ],
        run: end_to_end,
    },
];

/// Plays the faults with the numbers of their table, which takes long.
const FULL: &str = "--full";

/// Runs the named parts, or all.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let (options, names): (Vec<String>, Vec<String>) =
        words.iter().cloned().partition(|word| word.starts_with("--"));
    if let Some(unknown) = options.iter().find(|option| *option != FULL) {
        return Err(Failure::new(format!(
            "there is no option `{unknown}`; there is {FULL}"
        )));
    }
    let parts = select(&names)?;
    let mut needs: Vec<Need> = Vec::new();
    for need in parts.iter().flat_map(|part| part.needs) {
        if !needs.contains(need) {
            needs.push(*need);
        }
    }
    if let Err(failure) = setup::ensure(&needs) {
        eprintln!("\nerror: set-up failed, so nothing was checked: {failure}");
        return finish(Tally::FAILED);
    }

    let mut rows = Vec::new();
    let mut checks = Checks {
        full: !options.is_empty(),
        ..Checks::default()
    };
    for part in parts {
        eprintln!("\n== {}: {}", part.name, part.about);
        let (started, before) = (clock::now(), checks.total);
        (part.run)(&mut checks);
        let passed = checks.total.passed - before.passed;
        let failed = checks.total.failed - before.failed;
        rows.push((part.name, Tally { passed, failed }, started.elapsed()));
    }
    print_table(&rows, &checks.failures);
    finish(checks.total)
}

/// `cargo xtask tidy`: formats what the part `format` checks.
pub(crate) fn tidy() -> Result<()> {
    setup::ensure(&[Need::Node])?;
    Run::cargo().args(["fmt", "--all"]).run()?;
    web::script("format")?.run()?;
    web::prettier("--write", bench::NODE_FOLDER)?.run()
}

fn select(names: &[String]) -> Result<Vec<&'static Part>> {
    if names.is_empty() {
        return Ok(PARTS.iter().collect());
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| !PARTS.iter().any(|part| part.name == name.as_str()))
    {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        return Err(Failure::new(format!(
            "there is no part `{unknown}`; the parts are {}",
            known.join(", ")
        )));
    }
    Ok(PARTS
        .iter()
        .filter(|part| names.iter().any(|name| name == part.name))
        .collect())
}

fn format(checks: &mut Checks) {
    checks.check("rustfmt (mend: cargo xtask tidy)", || {
        Run::cargo().args(["fmt", "--all", "--check"]).run()
    });
    checks.check("Prettier (mend: cargo xtask tidy)", || {
        web::script("format:check")?.run()
    });
    checks.check("Prettier for the benchmarks (mend: cargo xtask tidy)", || {
        web::prettier("--check", bench::NODE_FOLDER)?.run()
    });
}

fn invariants(checks: &mut Checks) {
    checks.suite("xtask's tests", tally::cargo, || {
        Run::cargo()
            .args(["test", "--no-fail-fast", "--package", "xtask"])
            .tee()
    });
}

fn dependencies(checks: &mut Checks) {
    for rule in deny::RULES {
        checks.check(rule.name, || deny::check(rule));
    }
}

fn advisories(checks: &mut Checks) {
    checks.check("advisories for crates", || {
        advisories::check("crates", advisories::crates()?)
    });
    checks.check("advisories for npm", || {
        advisories::check("npm", advisories::packages()?)
    });
}

fn compose(checks: &mut Checks) {
    checks.check("docker-compose.yml", || {
        let words = setup::compose().ok_or_else(|| Failure::new("docker compose is missing"))?;
        let (program, rest) = words
            .split_first()
            .expect("each way of calling Compose has a program");
        // Both the tunnel and the rest: a profile that nobody switched on is not read.
        Run::new(program)
            .args(rest)
            .args(["--profile", "tunnel", "config", "--quiet"])
            .run()
    });
}

fn lint(checks: &mut Checks) {
    checks.check("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets"];
        Run::cargo()
            .args(arguments)
            .args(bindings::features()?)
            .args(["--", "-D", "warnings"])
            .run()
    });
    checks.check("clippy for the browser", wasm::lint);
    // The web app's types come from the engine's bindings.
    checks.check("ESLint", || {
        wasm::build().and_then(|()| web::script("lint")?.run())
    });
    checks.check("svelte-check", || {
        wasm::build().and_then(|()| web::script("check")?.run())
    });
}

/// Whose tests the part `engine` runs.
const ENGINE: [&str; 3] = ["conclave-client", "conclave-sigchain", "conclave-testing"];

/// Whose tests the part `server` runs.
const SERVER: [&str; 4] = [
    "conclave-auth",
    "conclave-db",
    "conclave-protocol",
    "conclave-server",
];

/// Whose tests the part `faults` runs.
const FAULTS: [&str; 1] = ["conclave-faults"];

/// Whose tests are run by the parts that name them, and so not by the part `rust`.
fn elsewhere() -> Vec<&'static str> {
    [&crypto::PACKAGES[..], &ENGINE, &SERVER, &FAULTS].concat()
}

fn server(checks: &mut Checks) {
    checks.suite("cargo test", tally::cargo, || {
        native::tests(Whose::Of(&SERVER))?.tee()
    });
}

fn faults(checks: &mut Checks) {
    let size = if checks.full { &["--", FULL][..] } else { &[] };
    checks.suite("faults", tally::summary, || {
        native::tests(Whose::Of(&FAULTS))?.args(size).tee()
    });
}

fn rust(checks: &mut Checks) {
    let elsewhere = elsewhere();
    checks.suite("cargo test", tally::cargo, || {
        native::tests(Whose::AllBut(&elsewhere))?.tee()
    });
    checks.suite("examples in the documentation", tally::cargo, || {
        native::documentation()?.tee()
    });
}

fn engine(checks: &mut Checks) {
    let mut exported = None;
    checks.suite("cargo test", tally::cargo, || {
        let folder = bindings::fresh_folder()?;
        let ended = native::tests(Whose::Of(&ENGINE))?
            .env(bindings::VARIABLE, &folder)
            .tee()?;
        exported = Some(folder);
        Ok(ended)
    });
    checks.check("generated TypeScript types", || match &exported {
        Some(folder) => bindings::compare(folder),
        None => Err(Failure::new("the tests that export them did not run")),
    });
}

fn api(checks: &mut Checks) {
    checks.suite("schemathesis", tally::cargo, || {
        let folder = workspace::root().join("crates/server/tests/schemathesis");
        let programs = python::environment("schemathesis", &folder.join("requirements.txt"))?;
        native::tests(Whose::Of(&["conclave-server"]))?
            .args(["--", "--ignored", "--nocapture", "schemathesis::"])
            .env("CONCLAVE_TEST_SCHEMATHESIS", programs.join("schemathesis"))
            .tee()
    });
}

fn browser_engine(checks: &mut Checks) {
    checks.check("the engine builds for the browser", wasm::build);
    checks.check("the engine's size", || wasm::build().and_then(|()| wasm::weigh()));
    checks.check("the cryptography builds alone", wasm::build_crypto);
    checks.check("the cryptography's size", || {
        wasm::build_crypto().and_then(|()| wasm::weigh_crypto())
    });
}

fn web_app(checks: &mut Checks) {
    checks.check("the web app builds", web::build);
    checks.suite("Vitest", tally::summary, || web::script("test")?.tee());
}

fn end_to_end(checks: &mut Checks) {
    checks.suite("end to end", tally::summary, || {
        web::build()?;
        let programs = native::programs()?;
        let browser = setup::chromium().ok_or_else(|| Failure::new("Chromium is missing"))?;
        web::script("e2e")?
            .env(
                "CONCLAVE_TEST_SERVER",
                programs.join(format!("conclave-server{}", std::env::consts::EXE_SUFFIX)),
            )
            .env(
                "CONCLAVE_TEST_CLI",
                programs.join(format!("conclave{}", std::env::consts::EXE_SUFFIX)),
            )
            .env("CONCLAVE_TEST_CHROMIUM", browser)
            .tee()
    });
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Checks {
    /// Whether the faults are played with their full numbers.
    full: bool,
    total: Tally,
    failures: Vec<String>,
}

impl Checks {
    /// Something that is right or wrong, and counts as one.
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        match check() {
            Ok(()) => self.total += Tally::PASSED,
            Err(failure) => self.fail(name, Tally::FAILED, Some(&failure)),
        }
    }

    /// A program that counts its own tests.
    pub(crate) fn suite(
        &mut self,
        name: &str,
        count: impl FnOnce(&str) -> Option<Tally>,
        suite: impl FnOnce() -> Result<Ended>,
    ) {
        match suite() {
            Ok(ended) => {
                let tally = Tally::of_suite(ended.ok, count(&ended.output));
                if tally.failed == 0 {
                    self.total += tally;
                } else {
                    self.fail(name, tally, None);
                }
            }
            Err(failure) => self.fail(name, Tally::FAILED, Some(&failure)),
        }
    }

    fn fail(&mut self, name: &str, tally: Tally, failure: Option<&Failure>) {
        self.total += tally;
        if let Some(failure) = failure {
            eprintln!("error: {name}: {failure}");
        }
        self.failures.push(format!("{name}: {} failed", tally.failed));
    }
}

fn print_table(rows: &[(&str, Tally, Duration)], failures: &[String]) {
    println!("\n{:<12} {:>7} {:>7} {:>9}", "part", "passed", "failed", "time");
    for (name, tally, time) in rows {
        let seconds = time.as_secs();
        let time = format!("{}:{:02}", seconds / 60, seconds % 60);
        println!("{name:<12} {:>7} {:>7} {time:>9}", tally.passed, tally.failed);
    }
    for failure in failures {
        println!("failed: {failure}");
    }
    println!();
}

/// Prints the count, on a line of its own and as the last one.
fn finish(total: Tally) -> Result<()> {
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 {
        Ok(())
    } else {
        Err(Failure::silent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_order_whatever_order_they_are_asked_in() {
        let selected = select(&["rust".into(), "format".into()]).expect("both are parts");
        assert_eq!(
            selected.iter().map(|part| part.name).collect::<Vec<_>>(),
            ["format", "rust"]
        );
    }

    #[test]
    fn an_unknown_part_is_refused_with_the_known_ones() {
        let refusal = select(&["lnit".into()])
            .err()
            .expect("there is no such part")
            .to_string();
        assert!(refusal.contains("lnit") && refusal.contains("lint"), "{refusal}");
    }

    #[test]
    fn an_unknown_option_is_refused_with_the_known_one() {
        let refusal = run(&["--ful".into()])
            .expect_err("there is no such option")
            .to_string();
        assert!(refusal.contains("--ful`") && refusal.contains(FULL), "{refusal}");
    }

    #[test]
    fn no_package_is_tested_by_two_parts() {
        let mut packages = elsewhere();
        let count = packages.len();
        packages.sort_unstable();
        packages.dedup();
        assert_eq!(packages.len(), count);
    }

    #[test]
    fn checks_and_suites_add_up_and_name_what_failed() {
        let mut checks = Checks::default();
        checks.check("good", || Ok(()));
        checks.check("bad", || Err(Failure::new("no")));
        let output = "test result: FAILED. 3 passed; 2 failed; 0 ignored".to_owned();
        checks.suite("suite", tally::cargo, || Ok(Ended { ok: false, output }));
        assert_eq!(checks.total, Tally { passed: 4, failed: 3 });
        assert_eq!(checks.failures, ["bad: 1 failed", "suite: 2 failed"]);
    }
}
