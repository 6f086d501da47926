//! Building what becomes WASM, with its JavaScript bindings: the browser's engine (`crates/wasm`), the cryptography
//! alone (`crates/crypto-wasm`), which is measured and weighed, and the check of its test vectors (`crates/vectors`).

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

/// Who loads a module.
#[derive(Clone, Copy)]
enum Loader {
    Browser,
    Node,
}

/// A package that becomes a WASM module.
struct Module {
    package: &'static str,
    /// Stem of the files that it becomes.
    stem: &'static str,
    /// What else cargo must be told.
    arguments: &'static [&'static str],
    /// Whether C is compiled into it.
    holds_c: bool,
    loader: Loader,
}

const ENGINE: Module = Module {
    package: "conclave-wasm",
    stem: "conclave_wasm",
    arguments: &[],
    holds_c: true,
    loader: Loader::Browser,
};

const CRYPTO: Module = Module {
    package: "conclave-crypto-wasm",
    stem: "conclave_crypto_wasm",
    arguments: &[],
    holds_c: false,
    loader: Loader::Node,
};

const VECTORS: Module = Module {
    package: "conclave-vectors",
    stem: "conclave_vectors",
    // Its program is for the machine itself.
    arguments: &["--lib", "--features", "wasm"],
    holds_c: false,
    loader: Loader::Browser,
};

/// What the engine with its store may weigh on the wire, gzipped; more would be felt at the first visit. The goal is
/// 900 KB; several devices, recovery, the vault, groups and communities, contents, search, requests, the history of
/// before starting again, a second step of sign-in, administration, signals, being woken, announcements and reports
/// brought it far over, and it has to come down. Three of it are the set of common passwords, which no compression
/// makes smaller.
/// `wasm-opt -Oz` takes a fourteenth off the module and nothing off the wire.
const LIMIT_GZIPPED: usize = 1_430 * 1024;

/// What the cryptography alone may weigh on the wire, by brotli: a tenth of what others of its kind weigh.
const CRYPTO_LIMIT_BROTLI: usize = 150 * 1024;

/// How SQLite is compiled. Its shim is written with attributes that clang before 17 only takes when told so; of the
/// ciphers that it could have, the store uses ChaCha20 alone; and of its extensions, full-text search alone.
const SQLITE_FLAGS: &[&str] = &[
    "-fdouble-square-bracket-attributes",
    "-Oz",
    "-DSQLITE_OMIT_COMPILEOPTION_DIAGS",
    "-DSQLITE_OMIT_GET_TABLE",
    "-DSQLITE_OMIT_JSON",
    "-DSQLITE_OMIT_PROGRESS_CALLBACK",
    "-DSQLITE_OMIT_TRACE",
    "-USQLITE_ENABLE_API_ARMOR",
    "-USQLITE_ENABLE_BYTECODE_VTAB",
    "-USQLITE_ENABLE_DBPAGE_VTAB",
    "-USQLITE_ENABLE_DBSTAT_VTAB",
    "-USQLITE_ENABLE_MATH_FUNCTIONS",
    "-USQLITE_ENABLE_OFFSET_SQL_FUNC",
    "-USQLITE_ENABLE_PREUPDATE_HOOK",
    "-USQLITE_ENABLE_RTREE",
    "-USQLITE_ENABLE_SESSION",
    "-USQLITE_ENABLE_STMTVTAB",
    "-USQLITE_ENABLE_UNLOCK_NOTIFY",
    "-DHAVE_CIPHER_AES_128_CBC=0",
    "-DHAVE_CIPHER_AES_256_CBC=0",
    "-DHAVE_CIPHER_SQLCIPHER=0",
    "-DHAVE_CIPHER_RC4=0",
    "-DHAVE_CIPHER_ASCON128=0",
    "-DHAVE_CIPHER_AEGIS=0",
];

/// How Rust is compiled.
const RUST_FLAGS: &[&str] = &[
    // Every browser with OPFS's synchronous access has SIMD.
    "-C target-feature=+simd128",
    // Should a dependency bring getrandom 0.3; 0.4 goes by its feature alone.
    "--cfg getrandom_backend=\"wasm_js\"",
    // Today's choice for a 32-bit target, and not to change by itself: 64-bit limbs are slower in V8, which
    // multiplies 128-bit numbers in software.
    "--cfg curve25519_dalek_bits=\"32\"",
];

pub(crate) const NEEDS: &[Need] = &[Need::CCompiler, Need::Clang, Need::WasmTarget];

/// What the cryptography alone needs.
pub(crate) const CRYPTO_NEEDS: &[Need] = &[Need::CCompiler, Need::WasmTarget];

/// Where the bindings go. Not committed: the web app imports them from its worker alone.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("web/src/lib/engine/wasm")
}

/// Where the bindings of the cryptography alone go, for Node.
pub(crate) fn crypto_folder() -> Result<PathBuf> {
    Ok(workspace::scratch()?.join("crypto-wasm"))
}

/// `cargo xtask wasm`: the engine, or what is named.
pub(crate) fn run(names: &[String]) -> Result<()> {
    match names {
        [] => build(),
        [name] if name == "crypto" => build_crypto().and_then(|()| weigh_crypto()),
        _ => Err(Failure::new("`cargo xtask wasm` takes nothing, or `crypto`")),
    }
}

/// Builds the engine for the web app. Within one run of xtask, at most once.
pub(crate) fn build() -> Result<()> {
    static BUILT: OnceLock<Result<()>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            setup::ensure(NEEDS)?;
            let built = ENGINE.build()?;
            ENGINE.bind(&built, &folder())
        })
        .clone()
}

/// Builds the cryptography alone for Node. Within one run of xtask, at most once.
pub(crate) fn build_crypto() -> Result<()> {
    static BUILT: OnceLock<Result<()>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            setup::ensure(CRYPTO_NEEDS)?;
            let built = CRYPTO.build()?;
            CRYPTO.bind(&built, &crypto_folder()?)
        })
        .clone()
}

/// Builds the check of the test vectors, for Node and browsers alike; gives the folder of its bindings.
pub(crate) fn build_vectors() -> Result<PathBuf> {
    let built = VECTORS.build()?;
    let folder = workspace::scratch()?.join("vectors-wasm");
    VECTORS.bind(&built, &folder)?;
    Ok(folder)
}

/// Lints what becomes WASM as its compiler sees it; shares the engine's compiled C code with [`build`].
pub(crate) fn lint() -> Result<()> {
    Run::cargo()
        .args(["clippy", "--package", ENGINE.package, "--package", CRYPTO.package])
        .args(["--target", setup::wasm_target(), "--profile", "wasm"])
        .args(["--", "-D", "warnings"])
        .envs(ENGINE.environment()?)
        .run()
}

/// Prints what the engine weighs, and fails when it weighs too much.
pub(crate) fn weigh() -> Result<()> {
    let content = ENGINE.bytes(&folder())?;
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

/// Prints what the cryptography alone weighs, and fails when it weighs too much.
pub(crate) fn weigh_crypto() -> Result<()> {
    let content = CRYPTO.bytes(&crypto_folder()?)?;
    let compressed = compress::brotli_size(&content)?;
    println!(
        "cryptography alone: {} KB, {} KB by brotli (limit {} KB)",
        content.len() / 1024,
        compressed / 1024,
        CRYPTO_LIMIT_BROTLI / 1024
    );
    if compressed <= CRYPTO_LIMIT_BROTLI {
        return Ok(());
    }
    Err(Failure::new(
        "the cryptography outgrew its limit: find what came in (cargo tree -p conclave-crypto-wasm --target \
         wasm32-unknown-unknown), or raise CRYPTO_LIMIT_BROTLI in xtask/src/wasm.rs with a reason",
    ))
}

impl Module {
    /// Compiles the module and says where it is.
    fn build(&self) -> Result<PathBuf> {
        Run::cargo()
            .args(["build", "--package", self.package])
            .args(self.arguments)
            .args(["--target", setup::wasm_target(), "--profile", "wasm"])
            .envs(self.environment()?)
            .run()?;
        let built = workspace::target()?
            .join(setup::wasm_target())
            .join("wasm")
            .join(format!("{}.wasm", self.stem));
        if !built.is_file() {
            return Err(Failure::new(format!(
                "{} made no {}.wasm: its crate-type must hold \"cdylib\"",
                self.package, self.stem
            )));
        }
        Ok(built)
    }

    /// Generates the JavaScript side with the very version of wasm-bindgen that the lock file names.
    fn bind(&self, built: &Path, folder: &Path) -> Result<()> {
        let inputs = Fingerprint::default()
            .words(&workspace::locked_version("wasm-bindgen")?)
            // How the bindings are made counts as much as what they are made of.
            .words(include_str!("wasm.rs"))
            .file(built)?;
        fs::create_dir_all(folder).context(format!("creating {}", folder.display()))?;
        let stamp = Stamp::new(self.stem, inputs, folder.to_path_buf())?;
        if stamp.is_fresh() {
            return Ok(());
        }
        fs::remove_dir_all(folder).context(format!("emptying {}", folder.display()))?;
        let mut bindgen = Bindgen::new();
        bindgen
            .input_path(built)
            .out_name(self.stem)
            .typescript(true)
            // The worker loads the file beside the script; Vite finds it by that default.
            .omit_default_module_path(false)
            .remove_name_section(true)
            .remove_producers_section(true);
        match self.loader {
            Loader::Browser => bindgen.web(true),
            Loader::Node => bindgen.nodejs(true),
        }
        .and_then(|bindgen| bindgen.generate(folder))
        .map_err(|error| Failure::new(format!("wasm-bindgen: {error:#}")))?;
        stamp.write()
    }

    /// The module as it is loaded.
    fn bytes(&self, folder: &Path) -> Result<Vec<u8>> {
        let file = folder.join(format!("{}_bg.wasm", self.stem));
        fs::read(&file).context(format!("reading {}", file.display()))
    }

    /// How C and Rust are compiled for the browser.
    fn environment(&self) -> Result<Vec<(&'static str, OsString)>> {
        let mut variables = vec![(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            RUST_FLAGS.join(" ").into(),
        )];
        if self.holds_c {
            let Some((clang, archiver)) = setup::wasm_compiler() else {
                return Err(Failure::new(
                    "clang with the wasm32 target is missing; `cargo xtask setup` installs it",
                ));
            };
            variables.extend([
                ("CC_wasm32_unknown_unknown", clang.into_os_string()),
                ("CFLAGS_wasm32_unknown_unknown", SQLITE_FLAGS.join(" ").into()),
                ("AR_wasm32_unknown_unknown", archiver.into_os_string()),
            ]);
        }
        Ok(variables)
    }
}
