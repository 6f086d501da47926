//! What the web app's files hold, beside what its own lint says of single lines.

use std::path::{Component, Path, PathBuf};

use crate::{expect_none, files_below, text};

const SOURCES: &str = "web/src";
const UI: &str = "web/src/lib/ui";
const WASM: &str = "web/src/lib/engine/wasm";

fn sources() -> impl Iterator<Item = PathBuf> {
    let ends = ["ts", "js", "svelte"];
    let files = files_below(SOURCES).into_iter();
    files.filter(move |path| {
        path.extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| ends.contains(&end))
    })
}

#[test]
fn the_worker_alone_imports_the_engine() {
    let mut found = Vec::new();
    for path in sources() {
        let is_worker = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("worker"));
        for import in imports(&text(&path))
            .into_iter()
            .filter(|import| !import.types_only)
        {
            let is_engine = resolve(&path, &import.from).is_some_and(|target| target.starts_with(WASM));
            if is_engine && !is_worker {
                found.push(format!("{} imports {}", path.display(), import.from));
            }
        }
    }
    expect_none(
        &found,
        "go through the facade of lib/engine: keys never leave the worker",
    );
}

#[test]
fn the_pieces_of_the_interface_import_nothing_of_ours() {
    let mut found = Vec::new();
    for path in sources().filter(|path| path.starts_with(UI)) {
        for import in imports(&text(&path)) {
            if resolve(&path, &import.from).is_some_and(|target| !target.starts_with(UI)) {
                found.push(format!("{} imports {}", path.display(), import.from));
            }
        }
    }
    expect_none(
        &found,
        "pass it in as a property, or move the component into its feature",
    );
}

#[test]
fn no_markup_is_made_from_text() {
    // Written in halves, so that a search for it finds no use.
    let forbidden = [
        concat!("{@", "html"),
        concat!("inner", "HTML"),
        concat!("outer", "HTML"),
        concat!("insertAdjacent", "HTML"),
    ];
    let mut found = Vec::new();
    for path in sources() {
        for (number, line) in (1..).zip(text(&path).lines()) {
            if let Some(way) = forbidden.iter().find(|way| line.contains(**way)) {
                found.push(format!("{}:{number} uses {way}", path.display()));
            }
        }
    }
    expect_none(
        &found,
        "draw it with components: what people write is never parsed as markup",
    );
}

#[derive(Debug, PartialEq, Eq)]
struct Import {
    from: String,
    types_only: bool,
}

/// Finds `import … from 'x'`, `export … from 'x'`, `import 'x'` and `import('x')`.
fn imports(source: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices(['\'', '"', '`']) {
        let (before, rest) = source.split_at(at);
        let quote = &rest[..1];
        let Some((from, _)) = rest[1..].split_once(quote) else {
            continue;
        };
        let before = before.trim_end();
        let is_call = before
            .strip_suffix('(')
            .is_some_and(|before| before.trim_end().ends_with("import"));
        let is_from = before.ends_with("from");
        if is_call || is_from || before.ends_with("import") {
            let statement = before
                .rfind("import ")
                .max(before.rfind("export "))
                .map(|start| &before[start..]);
            let types_only =
                is_from && statement.is_some_and(|words| words[6..].trim_start().starts_with("type "));
            found.push(Import {
                from: from.to_owned(),
                types_only,
            });
        }
    }
    found
}

/// The file of ours that an import names, or nothing when it names a package.
fn resolve(importer: &Path, from: &str) -> Option<PathBuf> {
    let target = if from.starts_with('.') {
        importer.parent()?.join(from)
    } else if let Some(rest) = from
        .strip_prefix("$lib/")
        .or_else(|| from.strip_prefix("/src/lib/"))
    {
        Path::new(SOURCES).join("lib").join(rest)
    } else if let Some(rest) = from.strip_prefix("@/").or_else(|| from.strip_prefix("/src/")) {
        Path::new(SOURCES).join(rest)
    } else {
        return None;
    };
    let mut path = PathBuf::new();
    for part in target.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    Some(path)
}

#[test]
fn imports_are_found_in_every_form() {
    let source = "import type { A } from './a';\nimport init, { B } from \"../b\";\nimport 'c.css';\n\
                  const d = await import('./d');\nexport { E } from '$lib/e';\nconst text = 'not one';";
    let froms: Vec<(String, bool)> = imports(source)
        .into_iter()
        .map(|import| (import.from, import.types_only))
        .collect();
    let expected = [
        ("./a", true),
        ("../b", false),
        ("c.css", false),
        ("./d", false),
        ("$lib/e", false),
    ];
    assert_eq!(froms, expected.map(|(from, types)| (from.to_owned(), types)));
}

#[test]
fn imports_resolve_to_files_from_the_top() {
    let importer = Path::new("web/src/lib/ui/button/Button.svelte");
    assert_eq!(resolve(importer, "../icon"), Some("web/src/lib/ui/icon".into()));
    assert_eq!(
        resolve(importer, "../../engine/wasm/x"),
        Some("web/src/lib/engine/wasm/x".into())
    );
    assert_eq!(
        resolve(importer, "$lib/engine"),
        Some("web/src/lib/engine".into())
    );
    assert_eq!(resolve(importer, "svelte"), None);
}
