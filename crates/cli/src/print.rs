//! What goes to standard output and to standard error.
//!
//! Results go to standard output, as text or as JSON. What only accompanies them (the connection, warnings,
//! hints) goes to standard error. Errors go there too, with `--json` to standard output.

use std::io::{self, Write as _};

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use crate::error::CliError;

/// Prints for people or for programs.
pub(crate) struct Printer {
    json: bool,
    zone: TimeZone,
}

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            zone: TimeZone::system(),
        }
    }

    /// The zone in which times are printed for people.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Prints a result: as one line of JSON, or as the text, unless that is empty.
    pub(crate) fn result(
        &self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json {
            return self.line(&serde_json::to_string(value).map_err(io::Error::other)?);
        }
        let text = text();
        if text.is_empty() { Ok(()) } else { self.line(&text) }
    }

    /// Says something beside the results.
    pub(crate) fn note(&self, value: &impl Serialize, text: &str) {
        let line = if self.json {
            serde_json::to_string(value).unwrap_or_default()
        } else {
            text.to_owned()
        };
        // Nobody to tell it to is nothing to stop for.
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Says something to a program that looks on, and nothing to a person.
    pub(crate) fn program_note(&self, value: &impl Serialize) {
        if self.json {
            self.note(value, "");
        }
    }

    /// Says something to a person who looks on, and nothing to a program.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json && io::IsTerminal::is_terminal(&io::stderr()) {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Says why a command ends.
    pub(crate) fn failed(&self, error: &CliError) {
        if error.is_broken_pipe() {
            return;
        }
        if self.json {
            let _ = self.result(&json!({ "error": error.view() }), String::new);
        } else {
            let _ = writeln!(io::stderr(), "{error}");
        }
    }

    #[expect(clippy::unused_self, reason = "only who has the printer prints")]
    fn line(&self, line: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        // A program that reads line by line gets each one when it is there.
        out.flush()?;
        Ok(())
    }
}
