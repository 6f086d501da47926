//! Every target over its corpus and over what lies near it, in every ordinary test run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use conclave_fuzzing::{TARGETS, seeds};

/// The most that lies in one folder of the corpus, and the size of one file.
const MOST_FILES: usize = 30;
const MOST_BYTES: usize = 4096;

/// Altered forms of one input that are tried at most. Longer inputs are altered at places spread over them.
const MOST_ALTERATIONS: usize = 60;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = seeds::folder(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The input itself, then altered: a bit flipped, cut, extended.
fn nearby(input: &[u8]) -> Vec<Vec<u8>> {
    let step = (input.len() / (MOST_ALTERATIONS / 3)).max(1);
    let mut all = vec![input.to_vec(), Vec::new()];
    for place in (0..input.len()).step_by(step) {
        let mut flipped = input.to_vec();
        flipped[place] ^= 1 << (place % 8);
        all.push(flipped);
        all.push(input[..place].to_vec());
        let mut set = input.to_vec();
        set[place] = 0xff;
        all.push(set);
    }
    for tail in [&[0][..], &[0xff; 3], &[0x80; 70]] {
        all.push([input, tail].concat());
    }
    all
}

fn holds(target: &str) {
    let files = corpus(target);
    assert!(!files.is_empty(), "{target} has no corpus");
    let mut count = 0;
    for (_, input) in &files {
        for input in nearby(input) {
            conclave_fuzzing::run(target, &input);
            count += 1;
        }
    }
    println!("cases: fuzzing regression {count}");
}

macro_rules! every_target {
    ($($target:ident)*) => {
        mod the_laws_hold_near_the_corpus_of {
            $(
                #[test]
                fn $target() {
                    super::holds(stringify!($target));
                }
            )*
        }

        #[test]
        fn every_target_has_its_test() {
            let tested = [$(stringify!($target)),*];
            assert_eq!(TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), tested);
        }
    };
}

every_target! {
    account_chain
    account_entry
    attachments
    client_content
    client_control
    content
    conversation
    first_message
    frames
    ids
    link_messages
    link_states
    padding
    pairwise_message
    place_chain
    place_entry
    place_state
    prekey_bundle
    prekey_secrets
    public_keys
    ratchet_message
    reader
    rest_bodies
    safety_numbers
    sender_key_forms
    sender_key_message
    sessions_state
    vault
}

#[test]
fn the_committed_seeds_are_those_that_are_made_and_stay_small() {
    for (target, _) in TARGETS {
        let files = corpus(target);
        assert!(files.len() <= MOST_FILES, "{target} has {} files", files.len());
        for (number, seed) in seeds::of(target).iter().enumerate() {
            let name = format!("seed-{number:02}");
            let (_, committed) = files
                .iter()
                .find(|(file, _)| *file == name)
                .unwrap_or_else(|| panic!("{target}/{name} lacks: cargo run -p conclave-fuzzing"));
            assert!(
                committed == seed,
                "{target}/{name} is another: cargo run -p conclave-fuzzing"
            );
        }
        for (name, bytes) in files {
            assert!(
                bytes.len() <= MOST_BYTES,
                "{target}/{name} has {} bytes",
                bytes.len()
            );
        }
    }
}

#[test]
fn every_target_is_built_for_the_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let named: BTreeSet<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix(".rs\""))
        .collect();
    let targets: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, targets, "fuzz/Cargo.toml names other targets");
    for target in targets {
        let source = fs::read_to_string(fuzz.join(format!("targets/{target}.rs"))).unwrap();
        assert!(source.contains(&format!("run(\"{target}\"")), "{target}");
    }
}
