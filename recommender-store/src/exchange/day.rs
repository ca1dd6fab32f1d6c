//! Days of UTC.

use std::fmt;

use recommender_core::Timestamp;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A day of UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(i64);

impl Day {
    /// The day of a time.
    pub(super) fn of(time: Timestamp) -> Self {
        Self(time.0.div_euclid(DAY_MS))
    }

    /// Its first moment.
    pub(super) fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY_MS))
    }
}

/// Prints as `2026-01-31`.
///
/// The calendar repeats every 400 years of 146,097 days; counted from March, a leap day is the last of its year.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        let days = self.0 + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // Five months from March on have 153 days, and so have the next five.
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        let year = era * 400 + year + next_year;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_names_in_the_calendar() {
        for (seconds, name) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (86_400, "1970-01-02"),
            (-1, "1969-12-31"),
            (951_782_400, "2000-02-29"),
            (1_709_164_800, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_798_761_599, "2026-12-31"),
            (4_107_542_400, "2100-03-01"),
            (-62_167_219_200, "0000-01-01"),
        ] {
            let day = Day::of(Timestamp::from_seconds(seconds));
            assert_eq!(day.to_string(), name);
            assert_eq!(Day::of(day.start()), day);
        }
    }
}
