//! Where passwords and recovery keys come from: never from the command line, which every program on the machine can read.

use std::io::{self, BufRead as _};

use zeroize::Zeroizing;

use crate::args::PasswordArg;
use crate::error::CliError;

const VARIABLE: &str = "CONCLAVE_PASSWORD";
/// More than any password may have; what is longer is refused later with a sentence.
const LINE_MAX: u64 = 8 * 1024;

/// Reads a password. A new one that is typed is asked for twice.
pub(crate) fn read(arg: &PasswordArg, new: bool) -> Result<Zeroizing<String>, CliError> {
    if arg.password_stdin {
        return first_line(io::stdin().lock());
    }
    if let Ok(password) = std::env::var(VARIABLE) {
        return Ok(Zeroizing::new(password));
    }
    let password = ask("Password: ")?;
    if new && *ask("The same again: ")? != *password {
        return Err(CliError::PasswordsDiffer);
    }
    Ok(password)
}

/// Reads a new password that takes the place of an old one: typed twice, or the next line of standard input.
pub(crate) fn read_new(arg: &PasswordArg) -> Result<Zeroizing<String>, CliError> {
    if arg.password_stdin {
        return first_line(io::stdin().lock());
    }
    let password = ask("New password: ")?;
    if *ask("The same again: ")? != *password {
        return Err(CliError::PasswordsDiffer);
    }
    Ok(password)
}

/// Reads the code of the second step: asked for, or the next line of standard input.
pub(crate) fn read_code(arg: &PasswordArg) -> Result<Zeroizing<String>, CliError> {
    if arg.password_stdin {
        first_line(io::stdin().lock())
    } else {
        ask("Code of your authenticator app, or a backup code: ")
    }
}

/// Reads the words of a recovery key: asked for, or the first line of standard input.
pub(crate) fn read_words() -> Result<Zeroizing<String>, CliError> {
    if io::IsTerminal::is_terminal(&io::stdin()) {
        ask("Recovery key, 24 words: ")
    } else {
        first_line(io::stdin().lock())
    }
}

/// Whether a password may open the history: more than 10^10 guesses, as zxcvbn estimates. Whoever has the server's seed
/// can try them, slowed by Argon2id alone.
pub(crate) fn is_strong(password: &str, username: &str) -> bool {
    zxcvbn::zxcvbn(password, &[username, "conclave"]).score() >= zxcvbn::Score::Four
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, CliError> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error.into(),
            _ => CliError::NoTerminal,
        })
}

fn first_line(input: impl io::BufRead) -> Result<Zeroizing<String>, CliError> {
    let mut line = Zeroizing::new(String::with_capacity(256));
    input
        .take(LINE_MAX)
        .read_line(&mut line)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => CliError::NotText,
            _ => error.into(),
        })?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    Ok(Zeroizing::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_a_patterned_and_a_name_password_are_too_weak_to_open_the_history() {
        for weak in [
            "password123",
            "Tr0ub4dour&3",
            "noa.berger noa.berger",
            "qwertzuiop12",
        ] {
            assert!(!is_strong(weak, "noa.berger"), "{weak}");
        }
        assert!(is_strong("vier ruhige Otter im Nebel", "noa.berger"));
    }

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        let read = |text: &str| first_line(text.as_bytes()).unwrap().to_string();
        assert_eq!(read("vier ruhige Otter\n"), "vier ruhige Otter");
        assert_eq!(read("vier ruhige Otter\r\nmore"), "vier ruhige Otter");
        assert_eq!(read(" spaces stay "), " spaces stay ");
        assert_eq!(read(""), "");
    }
}
