//! The web app is embedded from `web/dist`. A server that is built without it still builds: it then shows a
//! plain page that says so.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let dist = Path::new(&root).join("../../web/dist");
    if let Err(error) = std::fs::create_dir_all(&dist) {
        println!("cargo::warning=web/dist cannot be made, so the web app is left out: {error}");
    }
}
