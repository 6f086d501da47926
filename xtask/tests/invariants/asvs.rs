//! The table of OWASP ASVS 5.0 stays true: every requirement has its row, and what a row names exists.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{expect_none, files_below, root, text};

const PAGE: &str = "docs/security/asvs.md";

/// How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has. They stand first in their section, so that
/// they are numbered from 1 without gaps.
const SECTIONS: &[(&str, usize)] = &[
    ("1.1", 2),
    ("1.2", 9),
    ("1.3", 11),
    ("1.4", 3),
    ("1.5", 2),
    ("2.1", 3),
    ("2.2", 3),
    ("2.3", 4),
    ("2.4", 1),
    ("3.2", 2),
    ("3.3", 4),
    ("3.4", 6),
    ("3.5", 5),
    ("3.7", 2),
    ("4.1", 3),
    ("4.2", 1),
    ("4.3", 2),
    ("4.4", 4),
    ("5.1", 1),
    ("5.2", 3),
    ("5.3", 2),
    ("5.4", 3),
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 4),
    ("6.4", 4),
    ("6.5", 5),
    ("6.6", 3),
    ("6.8", 4),
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 2),
    ("7.6", 2),
    ("8.1", 2),
    ("8.2", 3),
    ("8.3", 1),
    ("8.4", 1),
    ("9.1", 3),
    ("9.2", 4),
    ("10.1", 2),
    ("10.2", 2),
    ("10.3", 4),
    ("10.4", 11),
    ("10.5", 5),
    ("10.6", 2),
    ("10.7", 3),
    ("11.1", 2),
    ("11.2", 3),
    ("11.3", 3),
    ("11.4", 4),
    ("11.5", 1),
    ("11.6", 1),
    ("12.1", 3),
    ("12.2", 2),
    ("12.3", 4),
    ("13.1", 1),
    ("13.2", 5),
    ("13.3", 2),
    ("13.4", 5),
    ("14.1", 2),
    ("14.2", 4),
    ("14.3", 3),
    ("15.1", 3),
    ("15.2", 3),
    ("15.3", 7),
    ("16.1", 1),
    ("16.2", 5),
    ("16.3", 4),
    ("16.4", 3),
    ("16.5", 3),
    ("17.1", 1),
    ("17.2", 4),
    ("17.3", 2),
];

/// Requirements of level 1 among them.
const FIRST_LEVEL: usize = 70;

/// What the page says of requirements without a test, and of those that need none.
const NO_TEST: &str = "no test";
const NOTHING: &str = "–";

/// One requirement.
struct Row {
    number: String,
    level: String,
    applies: String,
    place: String,
    shown: String,
}

/// The rows of all tables whose first cell is a number.
fn rows(page: &str) -> Vec<Row> {
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line
        .strip_prefix("| ")?
        .strip_suffix(" |")?
        .split(" | ")
        .collect();
    let is_number = cells
        .first()?
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number {
        return None;
    }
    let [number, level, _, applies, place, shown] = cells.as_slice() else {
        panic!("{PAGE}: six cells in the row {line}");
    };
    Some(Row {
        number: (*number).to_owned(),
        level: (*level).to_owned(),
        applies: (*applies).to_owned(),
        place: (*place).to_owned(),
        shown: (*shown).to_owned(),
    })
}

/// What stands between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// How far a requirement is met, in the words of the page's table of counts; an error where a row says none of them.
fn status(row: &Row) -> Result<&'static str, &'static str> {
    let tests = quoted(&row.shown).count();
    let named = if tests > 0 { "" } else { row.shown.as_str() };
    if row.applies.starts_with("no: ") {
        let is_empty = row.place == NOTHING && row.shown == NOTHING;
        return is_empty
            .then_some("does not apply")
            .ok_or("what does not apply is met nowhere");
    }
    if row.applies != "yes" {
        return Err("it applies (`yes`) or not (`no: ` and why)");
    }
    let begins = |word: &str| row.place.starts_with(&format!("{word}: "));
    match named {
        "" | NO_TEST if begins("not met") => Ok("not met"),
        "" | NO_TEST if begins("in part") => Ok("met in part"),
        "" | NOTHING if begins("operator") => Ok("the operator's"),
        _ if ["not met", "in part", "operator"].into_iter().any(begins) => {
            Err("a test, `no test`, or – where it is the operator's")
        }
        "" => Ok("met, with a test"),
        NO_TEST => Ok("met, no test"),
        _ => Err("a test, or `no test`"),
    }
}

#[test]
fn every_requirement_of_asvs_has_its_row_in_order() {
    let rows = rows(&text(Path::new(PAGE)));
    let wanted: Vec<String> = SECTIONS
        .iter()
        .flat_map(|(section, count)| (1..=*count).map(move |number| format!("{section}.{number}")))
        .collect();
    let found: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    assert_eq!(found, wanted, "{PAGE} has one row for each requirement, in order");
    let first = rows.iter().filter(|row| row.level == "1").count();
    let second = rows.iter().filter(|row| row.level == "2").count();
    assert_eq!((first, second), (FIRST_LEVEL, wanted.len() - FIRST_LEVEL));
}

#[test]
fn every_test_and_path_that_the_table_of_asvs_names_exists() {
    let with = |folder: &str, end: &'static str| -> String {
        files_below(folder)
            .iter()
            .filter(move |path| path.to_string_lossy().ends_with(end))
            .map(|path| text(path))
            .collect()
    };
    let rust = with("crates", ".rs") + &with("xtask", ".rs");
    let web = with("web/src", ".test.ts") + &with("web/e2e", ".test.ts");
    let mut found = Vec::new();
    for row in rows(&text(Path::new(PAGE))) {
        let paths = quoted(&row.place).filter(|path| !root().join(path).exists());
        found.extend(paths.map(|path| format!("{}: there is no {path}", row.number)));
        let tests = quoted(&row.shown)
            .filter(|name| !rust.contains(&format!("fn {name}(")) && !web.contains(&format!("'{name}'")));
        found.extend(tests.map(|name| format!("{}: there is no test {name}", row.number)));
    }
    expect_none(
        &found,
        "name the file from the top of the repository, a Rust test by its function, a test of the web app by its sentence",
    );
}

#[test]
fn the_counts_of_asvs_are_those_of_its_rows() {
    let page = text(Path::new(PAGE));
    let (mut counts, mut found) = (BTreeMap::new(), Vec::new());
    for row in rows(&page) {
        match status(&row) {
            Ok(status) => *counts.entry(status).or_insert(0_usize) += 1,
            Err(wanted) => found.push(format!("{}: {wanted}", row.number)),
        }
    }
    for (status, count) in &counts {
        let line = format!("| {status} | {count} |");
        if !page.lines().any(|said| said == line) {
            found.push(format!("the counts lack `{line}`"));
        }
    }
    expect_none(&found, "put the row or the table of counts right");
}
