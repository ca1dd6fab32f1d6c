//! Days of UTC.

use std::fmt;

use recommender_core::Timestamp;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A day of UTC, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(i64);

impl Day {
    /// The day of a time.
    pub(crate) fn of(time: Timestamp) -> Self {
        Self(time.0.div_euclid(DAY_MS))
    }

    /// The day of a date of the calendar, if it is one, within the years 0 to 9999.
    ///
    /// Counted as [`fmt::Display`] does, and read back: a date that is none, such as 31 April, prints as another.
    pub(crate) fn of_date((year, month, day): (i64, i64, i64)) -> Option<Self> {
        if !(0..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let (year, from_march) = match month {
            1 | 2 => (year - 1, month + 9),
            _ => (year, month - 3),
        };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let leap_days = year_of_era / 4 - year_of_era / 100;
        let day_of_year = (153 * from_march + 2) / 5 + day - 1;
        let found = Self(era * 146_097 + year_of_era * 365 + leap_days + day_of_year - 719_468);
        let printed = found.to_string();
        printed
            .ends_with(&format!("-{month:02}-{day:02}"))
            .then_some(found)
    }

    /// Its first moment.
    pub(crate) fn start(self) -> Timestamp {
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
            let part = |from: usize, upto: usize| name[from..upto].parse().unwrap();
            let date = (part(0, 4), part(5, 7), part(8, 10));
            assert_eq!(Day::of_date(date), Some(day));
        }
    }

    #[test]
    fn a_date_that_is_none_is_no_day() {
        for date in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 4, 31),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 1, 0),
            (2024, 1, 32),
            (10_000, 1, 1),
            (-1, 12, 31),
        ] {
            assert_eq!(Day::of_date(date), None, "{date:?}");
        }
    }
}
