//! `cargo xtask bench`: how fast things are, against others of their kind and against their goals.
//!
//! Nothing of it is part of `cargo xtask test`: durations judge a machine as much as they judge code. One more
//! subject is one more row in [`SUBJECTS`].

use crate::command::Run;
use crate::failure::{Failure, Result};
use crate::setup::{self, Need};
use crate::{wasm, web, workspace};

/// Something that is measured.
struct Subject {
    name: &'static str,
    run: fn() -> Result<()>,
}

const SUBJECTS: &[Subject] = &[
    Subject {
        name: "crypto",
        run: crypto,
    },
    Subject {
        name: "engine",
        run: engine,
    },
];

/// Measures the named subjects, or all.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let is_known = |name: &&String| SUBJECTS.iter().any(|subject| subject.name == name.as_str());
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
        return Err(Failure::new(format!(
            "there is nothing called `{unknown}` to measure; there is {}",
            known.join(", ")
        )));
    }
    SUBJECTS
        .iter()
        .filter(|subject| names.is_empty() || names.iter().any(|name| name == subject.name))
        .try_for_each(|subject| (subject.run)())
}

/// The benchmarks in Node, from the top.
pub(crate) const NODE_FOLDER: &str = "benches/crypto/node";

/// The cryptography: native against vodozemac, then WASM against what runs in Node.
fn crypto() -> Result<()> {
    setup::ensure(&[Need::CCompiler, Need::WasmTarget, Need::Node])?;
    Run::cargo()
        .args(["bench", "--package", "conclave-bench-crypto"])
        .run()?;
    wasm::build_crypto()?;
    wasm::weigh_crypto()?;
    let folder = workspace::root().join(NODE_FOLDER);
    web::install_packages_of(&folder)?;
    // Here and not with the lints: the types come with a hundred megabytes of other people's programs.
    web::node()?
        .args(["node_modules/typescript/bin/tsc", "--noEmit"])
        .in_folder(&folder)
        .run()?;
    web::node()?
        .args(["bench.ts"])
        .env("CONCLAVE_CRYPTO_WASM", wasm::crypto_folder()?)
        .in_folder(folder)
        .run()
}

/// Writing in a large group, measured inside the crate over devices that have no network and no disk.
const LARGE_GROUP: &str = "posting::tests::speed::first_and_later_messages_to_a_thousand_members";

/// The engine: what it takes to write in a large group, natively and in WASM, to verify a large community, and to have
/// been used for a while.
fn engine() -> Result<()> {
    setup::ensure(&[Need::CCompiler, Need::OpenSsl, Need::Node])?;
    engine_in_wasm()?;
    for (package, target, test) in [
        ("conclave-client", &["--lib"][..], LARGE_GROUP),
        (
            "conclave-sigchain",
            &["--lib"],
            "room::tests::speed::a_large_community_is_verified_at_this_speed",
        ),
        (
            "conclave-testing",
            &["--test", "memory"],
            "an_engine_with_many_rooms_and_messages_takes_this_much_memory",
        ),
    ] {
        Run::cargo()
            .args(["test", "--release", "--package", package])
            .args(target)
            .args(["--", "--ignored", "--nocapture", "--exact", test])
            .run()?;
    }
    Ok(())
}

/// The same test program in the WASM machine of Node, built as the browser's engine is. The target is another one,
/// because a test program wants a clock and a console.
fn engine_in_wasm() -> Result<()> {
    const TARGET: &str = "wasm32-wasip1";
    setup::install_target(TARGET)?;
    let runner = workspace::root().join("benches/engine/wasi.mjs");
    let runner = format!(
        "{} --no-warnings {}",
        web::node_path().display(),
        runner.display()
    );
    println!("in WASM:");
    Run::cargo()
        .args(["test", "--profile", "wasm", "--target", TARGET])
        .args(["--package", "conclave-client", "--lib"])
        .args(["--", "--ignored", "--nocapture", "--exact", LARGE_GROUP])
        .env("CARGO_TARGET_WASM32_WASIP1_RUNNER", runner)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_subject_is_refused_with_the_known_ones() {
        let refusal = run(&["cripto".into()])
            .expect_err("there is no such subject")
            .to_string();
        assert!(
            refusal.contains("cripto") && refusal.contains("crypto") && refusal.contains("engine"),
            "{refusal}"
        );
    }
}
