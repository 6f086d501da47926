//! `conclave-vectors`: writes and checks the files of vectors, and talks to the independent implementation.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use conclave_vectors::{FILES, Peer, check};

const USAGE: &str = "conclave-vectors write <folder> | check <folder> | exchange";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["write", folder] => write(Path::new(folder)),
        ["check", folder] => check_folder(Path::new(folder)),
        ["exchange"] => exchange(),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in FILES {
        let text = file
            .generate()
            .map_err(|refusal| format!("{}: {refusal}", file.name))?;
        let path = folder.join(file.name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn check_folder(folder: &Path) -> Result<(), String> {
    for file in FILES {
        let path = folder.join(file.name);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let counts = check(file.name, &text).map_err(|refusal| format!("{}: {refusal}", file.name))?;
        for (kind, count) in counts.iter() {
            println!("vectors: {kind} {count}");
        }
    }
    Ok(())
}

/// Answers each line of standard input by one of standard output, until the input ends.
fn exchange() -> Result<(), String> {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let mut peer = Peer::default();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("reading a request: {error}"))?;
        let answer = peer
            .answer(&line, &mut rng)
            .map_err(|refusal| refusal.to_string())?;
        writeln!(output, "{answer}")
            .and_then(|()| output.flush())
            .map_err(|error| format!("writing an answer: {error}"))?;
    }
    Ok(())
}
