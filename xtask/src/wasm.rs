//! Building the browser's engine: `crates/wasm` and its JavaScript bindings.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wasm_bindgen_cli_support::Bindgen;

use crate::command::Run;
use crate::compress;
use crate::failure::{Context, Failure, Result};
use crate::setup::{self, Need};
use crate::workspace::{self, Fingerprint, Stamp};

/// The package, and the stem of the files that it becomes.
const PACKAGE: &str = "conclave-wasm";
const STEM: &str = "conclave_wasm";

/// What the engine with its store may weigh on the wire, gzipped; more would be felt at the first visit.
const LIMIT_GZIPPED: usize = 900 * 1024;

/// How SQLite is compiled. Its shim is written with attributes that clang before 17 only takes when told so; and of
/// the ciphers that it could have, the store uses ChaCha20 alone.
const SQLITE_FLAGS: &[&str] = &[
    "-fdouble-square-bracket-attributes",
    "-DHAVE_CIPHER_AES_128_CBC=0",
    "-DHAVE_CIPHER_AES_256_CBC=0",
    "-DHAVE_CIPHER_SQLCIPHER=0",
    "-DHAVE_CIPHER_RC4=0",
    "-DHAVE_CIPHER_ASCON128=0",
    "-DHAVE_CIPHER_AEGIS=0",
];

pub(crate) const NEEDS: &[Need] = &[Need::CCompiler, Need::Clang, Need::WasmTarget];

/// Where the bindings go. Not committed: the web app imports them from its worker alone.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("web/src/lib/engine/wasm")
}

/// Builds the engine for the web app. Within one run of xtask, at most once.
pub(crate) fn build() -> Result<()> {
    static BUILT: OnceLock<Result<()>> = OnceLock::new();
    BUILT.get_or_init(build_now).clone()
}

/// Lints the engine as the browser's compiler sees it; shares its compiled C code with [`build`].
pub(crate) fn lint() -> Result<()> {
    let arguments = [
        "clippy",
        "--package",
        PACKAGE,
        "--target",
        setup::wasm_target(),
        "--profile",
        "wasm",
    ];
    Run::cargo()
        .args(arguments)
        .args(["--", "-D", "warnings"])
        .envs(environment()?)
        .run()
}

/// Prints what the engine weighs, and fails when it weighs too much.
pub(crate) fn weigh() -> Result<()> {
    let file = folder().join(format!("{STEM}_bg.wasm"));
    let content = fs::read(&file).context(format!("reading {}", file.display()))?;
    let gzipped = compress::gzip_size(&content)?;
    println!(
        "engine: {} KB, {} KB by brotli, {} KB by gzip (limit {} KB)",
        content.len() / 1024,
        compress::brotli(&content)?.len() / 1024,
        gzipped / 1024,
        LIMIT_GZIPPED / 1024
    );
    if gzipped <= LIMIT_GZIPPED {
        return Ok(());
    }
    Err(Failure::new(
        "the engine outgrew its limit: find what came in (cargo tree -p conclave-wasm --target \
         wasm32-unknown-unknown), or raise LIMIT_GZIPPED in xtask/src/wasm.rs with a reason",
    ))
}

fn build_now() -> Result<()> {
    setup::ensure(NEEDS)?;
    let arguments = [
        "build",
        "--package",
        PACKAGE,
        "--target",
        setup::wasm_target(),
        "--profile",
        "wasm",
    ];
    Run::cargo().args(arguments).envs(environment()?).run()?;

    let built = workspace::target()?
        .join(setup::wasm_target())
        .join("wasm")
        .join(format!("{STEM}.wasm"));
    if !built.is_file() {
        return Err(Failure::new(format!(
            "{PACKAGE} made no {STEM}.wasm: its crate-type must hold \"cdylib\""
        )));
    }
    bind(&built)
}

/// Generates the JavaScript side with the very version of wasm-bindgen that the lock file names.
fn bind(built: &Path) -> Result<()> {
    let folder = folder();
    let inputs = Fingerprint::default()
        .words(&workspace::locked_version("wasm-bindgen")?)
        // How the bindings are made counts as much as what they are made of.
        .words(include_str!("wasm.rs"))
        .file(built)?;
    fs::create_dir_all(&folder).context(format!("creating {}", folder.display()))?;
    let stamp = Stamp::new("wasm", inputs, folder.clone())?;
    if stamp.is_fresh() {
        return Ok(());
    }
    fs::remove_dir_all(&folder).context(format!("emptying {}", folder.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(built)
        .out_name(STEM)
        .typescript(true)
        // The worker loads the file beside the script; Vite finds it by that default.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(&folder))
        .map_err(|error| Failure::new(format!("wasm-bindgen: {error:#}")))?;
    stamp.write()
}

/// How C and Rust are compiled for the browser.
fn environment() -> Result<Vec<(&'static str, OsString)>> {
    let Some((clang, archiver)) = setup::wasm_compiler() else {
        return Err(Failure::new(
            "clang with the wasm32 target is missing; `cargo xtask setup` installs it",
        ));
    };
    Ok(vec![
        ("CC_wasm32_unknown_unknown", clang.into_os_string()),
        ("CFLAGS_wasm32_unknown_unknown", SQLITE_FLAGS.join(" ").into()),
        ("AR_wasm32_unknown_unknown", archiver.into_os_string()),
        // Every browser with OPFS's synchronous access has SIMD; the cfg is for getrandom 0.3, should one of
        // the dependencies bring it (0.4 goes by its feature alone).
        (
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            "-C target-feature=+simd128 --cfg getrandom_backend=\"wasm_js\"".into(),
        ),
    ])
}
