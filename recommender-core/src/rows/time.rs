//! Reading points in time.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::rows::Cell;
use crate::time::Timestamp;

/// How times are written. In settings: `auto`, `seconds`, `milliseconds`, `iso8601`, or a pattern of `strptime`
/// such as `%d/%m/%Y %H:%M`. A time without an offset from UTC is taken as UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TimeFormat {
    /// Numbers below 10¹¹ are seconds, larger ones milliseconds; texts are ISO 8601.
    #[default]
    Auto,
    /// Seconds since 1970, possibly with a fraction.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// `2011-12-09`, `2011-12-09 12:50`, `2011-12-09T12:50:00.000Z`, `2011-12-09T12:50:00+01:00`.
    Iso8601,
    /// A pattern of `strptime`.
    Pattern(String),
}

/// From here on `auto` takes a number for milliseconds: the year 5138 in seconds, 1973 in milliseconds.
const FIRST_MILLISECONDS: f64 = 1e11;

impl From<TimeFormat> for String {
    fn from(format: TimeFormat) -> Self {
        match format {
            TimeFormat::Auto => "auto".into(),
            TimeFormat::Seconds => "seconds".into(),
            TimeFormat::Milliseconds => "milliseconds".into(),
            TimeFormat::Iso8601 => "iso8601".into(),
            TimeFormat::Pattern(pattern) => pattern,
        }
    }
}

impl TryFrom<String> for TimeFormat {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Ok(match text.as_str() {
            "auto" => Self::Auto,
            "seconds" => Self::Seconds,
            "milliseconds" => Self::Milliseconds,
            "iso8601" => Self::Iso8601,
            pattern if pattern.contains('%') => Self::Pattern(text),
            _ => {
                return Err(Error::config(
                    "time_format",
                    "auto, seconds, milliseconds, iso8601 or a pattern such as %d/%m/%Y",
                    format!("\"{text}\""),
                ));
            }
        })
    }
}

impl TimeFormat {
    /// The point in time a cell states, none if it states none in this format.
    #[inline]
    pub(crate) fn read(&self, cell: Cell<'_>) -> Option<Timestamp> {
        match cell {
            Cell::Time(time) => Some(time),
            Cell::Integer(number) => self.of_number(number as f64),
            Cell::Number(number) => self.of_number(number),
            Cell::Text(text) => self.of_text(text),
            Cell::Missing | Cell::Object(_) | Cell::Unreadable(_) => None,
        }
    }

    /// What messages expect.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Auto => "a time, as seconds, milliseconds or YYYY-MM-DD HH:MM:SS".into(),
            Self::Seconds => "a time in seconds since 1970".into(),
            Self::Milliseconds => "a time in milliseconds since 1970".into(),
            Self::Iso8601 => "a time as YYYY-MM-DD HH:MM:SS".into(),
            Self::Pattern(pattern) => format!("a time as {pattern}"),
        }
    }

    fn of_text(&self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Iso8601 => iso8601(text),
            Self::Pattern(pattern) => by_pattern(pattern, text),
            Self::Auto if looks_like_date(text) => iso8601(text),
            Self::Auto | Self::Seconds | Self::Milliseconds => {
                self.of_number(text.parse::<f64>().ok()?)
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to lie within the years jiff knows"
    )]
    fn of_number(&self, number: f64) -> Option<Timestamp> {
        let milliseconds = match self {
            Self::Seconds => number * 1000.0,
            Self::Auto if number.abs() < FIRST_MILLISECONDS => number * 1000.0,
            Self::Auto | Self::Milliseconds => number,
            Self::Iso8601 | Self::Pattern(_) => return None,
        };
        let range = jiff::Timestamp::MIN.as_millisecond() as f64
            ..=jiff::Timestamp::MAX.as_millisecond() as f64;
        range
            .contains(&milliseconds)
            .then_some(Timestamp(milliseconds.round() as i64))
    }
}

fn looks_like_date(text: &str) -> bool {
    text.len() >= 10 && text.as_bytes()[4] == b'-'
}

fn by_pattern(pattern: &str, text: &str) -> Option<Timestamp> {
    let parts = strtime::parse(pattern, text).ok()?;
    if parts.offset().is_some() {
        return Some(Timestamp(parts.to_timestamp().ok()?.as_millisecond()));
    }
    let date = parts.to_date().ok()?;
    let time = parts.to_time().unwrap_or_default();
    at_offset(date.to_datetime(time), Offset::UTC)
}

fn at_offset(local: DateTime, offset: Offset) -> Option<Timestamp> {
    Some(Timestamp(offset.to_timestamp(local).ok()?.as_millisecond()))
}

/// `YYYY-MM-DD`, then by choice a `T` or a blank and `HH:MM[:SS[.fraction]]`, then by choice `Z` or `±HH[[:]MM]`.
fn iso8601(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (
        i16::try_from(digits(&date[..4])?).ok()?,
        i8::try_from(digits(&date[5..7])?).ok()?,
        i8::try_from(digits(&date[8..])?).ok()?,
    );
    let Some((separator, rest)) = rest.split_first() else {
        return at_offset(
            DateTime::new(year, month, day, 0, 0, 0, 0).ok()?,
            Offset::UTC,
        );
    };
    if !matches!(separator, b'T' | b't' | b' ') {
        return None;
    }
    let (clock, rest) = clock(rest)?;
    let [hour, minute, second] = clock.parts;
    let local = DateTime::new(year, month, day, hour, minute, second, clock.nanoseconds);
    at_offset(local.ok()?, offset(rest)?)
}

/// A time of day.
struct Clock {
    /// Hours, minutes, seconds.
    parts: [i8; 3],
    nanoseconds: i32,
}

/// `HH:MM[:SS[.fraction]]` and what follows it.
fn clock(text: &[u8]) -> Option<(Clock, &[u8])> {
    let (hours_minutes, mut rest) = text.split_at_checked(5)?;
    if hours_minutes[2] != b':' {
        return None;
    }
    let mut clock = Clock {
        parts: [
            i8::try_from(digits(&hours_minutes[..2])?).ok()?,
            i8::try_from(digits(&hours_minutes[3..])?).ok()?,
            0,
        ],
        nanoseconds: 0,
    };
    if let [b':', tens, ones, after @ ..] = rest {
        clock.parts[2] = i8::try_from(digits(&[*tens, *ones])?).ok()?;
        rest = after;
        if let [b'.' | b',', after @ ..] = rest {
            let length = after
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let mut nanoseconds = *b"000000000";
            let shown = length.min(nanoseconds.len());
            nanoseconds[..shown].copy_from_slice(&after[..shown]);
            clock.nanoseconds = i32::try_from(digits(&nanoseconds)?).ok()?;
            rest = &after[length..];
        }
    }
    Some((clock, rest))
}

/// Nothing, `Z`, `±HH`, `±HHMM` or `±HH:MM`, after blanks.
fn offset(text: &[u8]) -> Option<Offset> {
    let text = text.trim_ascii_start();
    let (sign, hours, minutes) = match text {
        [] | [b'Z' | b'z'] | [b'U', b'T', b'C'] => return Some(Offset::UTC),
        [sign, h, o] => (sign, [*h, *o], [b'0', b'0']),
        [sign, h, o, m, i] | [sign, h, o, b':', m, i] => (sign, [*h, *o], [*m, *i]),
        _ => return None,
    };
    let seconds = i32::try_from(digits(&hours)? * 3600 + digits(&minutes)? * 60).ok()?;
    let signed = match sign {
        b'+' => seconds,
        b'-' => -seconds,
        _ => return None,
    };
    Offset::from_seconds(signed).ok()
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0u32, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(text: &str) -> Option<i64> {
        TimeFormat::Auto.read(Cell::Text(text)).map(|time| time.0)
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_told_apart() {
        let expected = Some(1_323_435_000_000);
        for text in [
            "1323435000",
            "1323435000.0",
            "1323435000000",
            "2011-12-09 12:50",
            "2011-12-09 12:50:00",
            "2011-12-09T12:50:00Z",
            "2011-12-09T12:50:00.000Z",
            "2011-12-09T13:50:00+01:00",
            "2011-12-09T07:50:00-0500",
            "2011-12-09 12:50:00 UTC",
        ] {
            assert_eq!(auto(text), expected, "{text}");
        }
        assert_eq!(auto("2011-12-09"), Some(1_323_388_800_000));
        assert_eq!(auto("2011-12-09T00:00:00.25"), Some(1_323_388_800_250));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "yesterday",
            "2011-13-09",
            "2011-02-30",
            "2011-12-09 25:00",
            "2011-12-09x",
            "2011-12-09 12:50:00 GMT+1",
            "NaN",
            "1e300",
            "2011-12-0é",
        ] {
            assert_eq!(auto(text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_reads_other_habits() {
        let format = TimeFormat::try_from("%d/%m/%Y %H:%M".to_owned()).unwrap();
        let time = format.read(Cell::Text("9/12/2011 12:50")).unwrap();
        assert_eq!(time, Timestamp(1_323_435_000_000));
        let day = TimeFormat::Pattern("%m/%d/%Y".into());
        assert_eq!(
            day.read(Cell::Text("12/09/2011")),
            Some(Timestamp(1_323_388_800_000))
        );
        assert!(TimeFormat::try_from("sometimes".to_owned()).is_err());
    }
}
