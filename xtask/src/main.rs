//! `cargo xtask`: everything that a contributor or the continuous integration asks of this repository.
//!
//! [`COMMANDS`] lists the commands. Each sets up what it needs ([`setup`]), skips the steps whose inputs did
//! not change ([`workspace::Stamp`]) and prints the commands that it runs, so that one can repeat a step by
//! hand. One more command is one more row in [`COMMANDS`]; one more check is one more row in
//! [`test::PARTS`].

mod advisories;
mod bench;
mod bindings;
mod clock;
mod command;
mod compress;
mod crypto;
mod deny;
mod explore;
mod failure;
mod fuzz;
mod mutants;
mod native;
mod passwords;
mod python;
mod run;
mod sbom;
mod setup;
mod tally;
mod test;
mod tools;
mod unguarded;
mod vectors;
mod wasm;
mod web;
mod workspace;

use std::process::ExitCode;

use crate::failure::{Failure, Result};

/// A command of `cargo xtask`.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        about: "build everything and serve Conclave at http://localhost:8080",
        run: run::run,
    },
    Command {
        name: "test",
        about: "run every check; `test <part>…` runs parts",
        run: test::run,
    },
    Command {
        name: "dist",
        about: "build the web app and the release programs into target/dist",
        run: run::dist,
    },
    Command {
        name: "wasm",
        about: "build only the browser's engine; `wasm crypto` the cryptography alone, for Node",
        run: wasm::run,
    },
    Command {
        name: "web",
        about: "build only the web app, with its engine",
        run: |_| web::build(),
    },
    Command {
        name: "bench",
        about: "measure against others of its kind and against goals: `bench crypto`, `bench engine`",
        run: bench::run,
    },
    Command {
        name: "generate",
        about: "write the TypeScript types and the test vectors anew from Rust",
        run: |_| bindings::generate().and_then(|()| vectors::generate()),
    },
    Command {
        name: "passwords",
        about: "take the list of common passwords from its package, and write the set that clients carry",
        run: |_| passwords::write(),
    },
    Command {
        name: "explore",
        about: "property tests and random months on inputs that no ordinary run tries; `explore <rounds>`",
        run: explore::run,
    },
    Command {
        name: "fuzz",
        about: "hostile bytes for every parser; `fuzz <target>… --seconds N`",
        run: fuzz::run,
    },
    Command {
        name: "mutants",
        about: "change the deciding code and see that a test notices; takes hours",
        run: mutants::run,
    },
    Command {
        name: "unguarded",
        about: "switch off one check at a time and see that its attack succeeds; takes long",
        run: unguarded::run,
    },
    Command {
        name: "advisories",
        about: "look up published weaknesses of what we depend on; `--must` fails where that is not possible",
        run: advisories::run,
    },
    Command {
        name: "sbom",
        about: "write what is in what we ship, as CycloneDX, to target/dist",
        run: |_| sbom::write(),
    },
    Command {
        name: "tidy",
        about: "format all code",
        run: |_| test::tidy(),
    },
    Command {
        name: "setup",
        about: "install whatever the other commands need",
        run: |_| setup::ensure(setup::ALL),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print_help();
        return ExitCode::FAILURE;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print_help();
        return ExitCode::SUCCESS;
    }
    if name == native::RUNNER {
        return match native::run(rest) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                if !failure.is_silent() {
                    eprintln!("error: {failure}");
                }
                ExitCode::FAILURE
            }
        };
    }
    let outcome = match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => setup::check_toolchain().and_then(|()| (command.run)(rest)),
        None => Err(Failure::new(format!(
            "there is no command `{name}`; `cargo xtask --help` lists them"
        ))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // `test` has said everything already: its last line is the count.
        Err(failure) if failure.is_silent() => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn print_help() {
    println!("Usage: cargo xtask <command>\n\nCommands:");
    for command in COMMANDS {
        println!("  {:<12} {}", command.name, command.about);
    }
    println!("\nParts of `cargo xtask test`:");
    for part in test::PARTS {
        println!("  {:<12} {}", part.name, part.about);
    }
}
