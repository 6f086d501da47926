//! The test vectors: writing them, and running them in WASM.

use std::path::PathBuf;

use wasm_bindgen_cli_support::Bindgen;

use crate::command::Run;
use crate::failure::{Context, Failure, Result};
use crate::{setup, workspace};

/// The package that makes and checks them, and its program.
pub(crate) const PACKAGE: &str = "conclave-vectors";
const STEM: &str = "conclave_vectors";

/// How Rust is compiled for WASM: as for the engine, so that both share what is compiled.
const RUST_FLAGS: &str = "-C target-feature=+simd128 --cfg getrandom_backend=\"wasm_js\"";

/// Where the committed vectors are.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("crates/crypto/vectors")
}

/// Writes the committed vectors anew.
pub(crate) fn generate() -> Result<()> {
    Run::new(program()?).args(["write"]).args([folder()]).run()
}

/// The native program, built.
pub(crate) fn program() -> Result<PathBuf> {
    Run::cargo().args(["build", "--package", PACKAGE]).run()?;
    let name = format!("{PACKAGE}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace::target()?.join("debug").join(name))
}

/// Builds the checks for WASM; gives the folder of their JavaScript bindings.
pub(crate) fn build_wasm() -> Result<PathBuf> {
    let arguments = ["build", "--package", PACKAGE, "--lib", "--features", "wasm"];
    let target = ["--target", setup::wasm_target(), "--profile", "wasm"];
    Run::cargo()
        .args(arguments)
        .args(target)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", RUST_FLAGS)
        .run()?;
    let built = workspace::target()?
        .join(setup::wasm_target())
        .join("wasm")
        .join(format!("{STEM}.wasm"));
    let folder = workspace::scratch()?.join("vectors");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&built).out_name(STEM).typescript(false);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(&folder))
        .map_err(|error| Failure::new(format!("wasm-bindgen: {error:#}")))
        .context(format!("binding {}", built.display()))?;
    Ok(folder)
}
