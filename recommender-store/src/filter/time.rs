//! Times as RFC 3339 writes them.

use std::ops::RangeInclusive;

use recommender_core::Timestamp;

use crate::day::Day;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Reads a time such as `2026-11-22T12:50:00Z`; what is below a millisecond is left out. None if it is no time of the
/// years 0 to 9999 in UTC.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let date = (
        number(&mut rest, 4, 0..=9_999)?,
        separated(&mut rest, "-", 1..=12)?,
        separated(&mut rest, "-", 1..=31)?,
    );
    let day = Day::of_date(date)?;
    let hours = separated(&mut rest, "Tt ", 0..=23)?;
    let minutes = separated(&mut rest, ":", 0..=59)?;
    // A leap second is the first one of the next minute.
    let seconds = separated(&mut rest, ":", 0..=60)?;
    let milliseconds = fraction(&mut rest)?;
    let offset = offset(rest)?;
    let time = hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1_000 + milliseconds;
    let time = Timestamp(day.start().0 + time - offset);
    years().contains(&time).then_some(time)
}

/// Writes it such that it is read back.
pub(super) fn written(time: Timestamp) -> String {
    let day = Day::of(time);
    let within = time.0 - day.start().0;
    let (hours, minutes) = (within / HOUR_MS, within % HOUR_MS / MINUTE_MS);
    let (seconds, milliseconds) = (within % MINUTE_MS / 1_000, within % 1_000);
    let fraction = if milliseconds == 0 {
        String::new()
    } else {
        format!(".{milliseconds:03}")
    };
    format!("{day}T{hours:02}:{minutes:02}:{seconds:02}{fraction}Z")
}

/// The years 0 to 9999, which four digits write.
fn years() -> RangeInclusive<Timestamp> {
    Timestamp(-62_167_219_200_000)..=Timestamp(253_402_300_799_999)
}

fn number(rest: &mut &str, digits: usize, within: RangeInclusive<i64>) -> Option<i64> {
    let (number, after) = rest.split_at_checked(digits)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = after;
    let number = number.parse().ok()?;
    within.contains(&number).then_some(number)
}

fn separated(rest: &mut &str, separators: &str, within: RangeInclusive<i64>) -> Option<i64> {
    *rest = rest.strip_prefix(|c| separators.contains(c))?;
    number(rest, 2, within)
}

fn fraction(rest: &mut &str) -> Option<i64> {
    let Some(digits) = rest.strip_prefix('.') else {
        return Some(0);
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return None;
    }
    let (digits, after) = digits.split_at(length);
    *rest = after;
    format!("{digits:0<3}")[..3].parse().ok()
}

/// Milliseconds ahead of UTC.
fn offset(mut rest: &str) -> Option<i64> {
    if rest.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    let hours = separated(&mut rest, "+-", 0..=23)?;
    let minutes = separated(&mut rest, ":", 0..=59)?;
    rest.is_empty()
        .then_some(sign * (hours * HOUR_MS + minutes * MINUTE_MS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_with_fraction_and_offset() {
        for (text, milliseconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2012-04-21T11:30:00-04:00", 1_335_022_200_000),
            ("2012-04-21t11:30:00.5z", 1_335_007_800_500),
            ("2012-04-21 11:30:00.123999+00:30", 1_335_006_000_123),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ] {
            assert_eq!(read(text), Some(Timestamp(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2012-04-21",
            "2012-04-31T00:00:00Z",
            "2012-04-21T24:00:00Z",
            "2012-04-21T11:30:00",
            "2012-04-21T11:30:00.Z",
            "2012-04-21T11:30:00+1:00",
            "2012-04-21T11:30:00Zz",
            "+012-04-21T11:30:00Z",
            "2012\u{e9}4-21T11:30:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:60Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milliseconds in -62_167_219_200_000i64..=253_402_300_799_999) {
            let time = Timestamp(milliseconds);
            prop_assert_eq!(read(&written(time)), Some(time));
        }
    }
}
