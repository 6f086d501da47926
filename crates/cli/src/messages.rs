//! Messages, times and choices as arguments.

use std::str::FromStr;

use conclave_protocol::EnvelopeId;
use thiserror::Error;

/// Why a text names no message, or no time.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum ArgError {
    #[error("a message is named by its place from the end of the chat, 1 for the newest, or by its id")]
    Message,
    #[error("a time is off, or a number with s, m, h, d or w behind it, such as 8h, and a year at most")]
    Time,
}

/// A message of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageArg {
    /// Its place from the end, from 1.
    Place(u32),
    Id(EnvelopeId),
}

impl FromStr for MessageArg {
    type Err = ArgError;

    fn from_str(text: &str) -> Result<Self, ArgError> {
        if let Ok(place) = text.parse::<u32>() {
            return if (1..=10_000).contains(&place) {
                Ok(Self::Place(place))
            } else {
                Err(ArgError::Message)
            };
        }
        text.parse().map(Self::Id).map_err(|_| ArgError::Message)
    }
}

/// How long new messages stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeArg(pub(crate) u32);

impl FromStr for TimeArg {
    type Err = ArgError;

    fn from_str(text: &str) -> Result<Self, ArgError> {
        if text == "off" {
            return Ok(Self(0));
        }
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            _ => return Err(ArgError::Time),
        };
        let count = text.get(..text.len() - 1).unwrap_or_default();
        let seconds = count
            .parse::<u32>()
            .ok()
            .and_then(|count| count.checked_mul(unit))
            .filter(|seconds| (1..=365 * 24 * 60 * 60).contains(seconds));
        seconds.map(Self).ok_or(ArgError::Time)
    }
}

/// Seconds in the largest unit that fits.
pub(crate) fn duration(seconds: u32) -> String {
    let units = [
        (7 * 24 * 60 * 60, "w"),
        (24 * 60 * 60, "d"),
        (60 * 60, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let fits = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = fits.unwrap_or((1, "s"));
    format!("{}{name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_place_from_the_end_or_an_id() {
        assert_eq!("1".parse(), Ok(MessageArg::Place(1)));
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert!(matches!(id.parse(), Ok(MessageArg::Id(_))));
        for wrong in ["", "0", "-1", "10001", "first"] {
            assert_eq!(wrong.parse::<MessageArg>(), Err(ArgError::Message), "{wrong}");
        }
    }

    #[test]
    fn a_time_reads_as_it_is_written() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("8h", 28_800),
            ("1d", 86_400),
            ("4w", 2_419_200),
        ] {
            assert_eq!(text.parse(), Ok(TimeArg(seconds)));
            assert_eq!(duration(seconds), text);
        }
        assert_eq!("off".parse(), Ok(TimeArg(0)));
        for wrong in ["", "5", "m", "0s", "-1h", "53w", "99999999999w", "1y", "ß"] {
            assert_eq!(wrong.parse::<TimeArg>(), Err(ArgError::Time), "{wrong}");
        }
    }
}
