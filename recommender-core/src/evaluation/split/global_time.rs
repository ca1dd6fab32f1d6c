//! One moment for all users: what came before is learned from, what came at it or after is asked about.

use super::Parts;
use crate::error::{Error, Result};
use crate::events::EventTable;
use crate::time::Timestamp;

/// Splits at the time of the event with which the share of training events is full.
/// If many events have that very time, the training part is smaller than asked for, by those.
pub(super) fn by_share(table: &EventTable, rows: &[u32], share: f64) -> Result<Parts> {
    refuse_untimed(table)?;
    let mut times: Vec<Timestamp> = rows.iter().map(|&row| table.time(row as usize)).collect();
    times.sort_unstable();
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Err(Error::data("split by time", "there is no event"));
    };
    if first == last {
        let reason = format!("all events have the same time, {}", written(first));
        return Err(Error::data("split by time", reason));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let position = (times.len() as f64 * share).round() as usize;
    let wanted = times[position.min(times.len() - 1)];
    let after_first = times[times.partition_point(|&time| time == first)];
    at(table, rows, wanted.max(after_first))
}

/// Splits at `moment`.
pub(super) fn at(table: &EventTable, rows: &[u32], moment: Timestamp) -> Result<Parts> {
    refuse_untimed(table)?;
    let (train, test): (Vec<u32>, Vec<u32>) = rows
        .iter()
        .partition(|&&row| table.time(row as usize) < moment);
    if train.is_empty() || test.is_empty() {
        let times = || rows.iter().map(|&row| table.time(row as usize));
        let (first, last) = (times().min(), times().max());
        return Err(Error::data(
            "split by time",
            format!(
                "no event on one side of {}; the events reach from {} to {}",
                written(moment),
                written(first.unwrap_or_default()),
                written(last.unwrap_or_default())
            ),
        ));
    }
    Ok(Parts {
        train,
        test,
        time: Some(moment),
        ..Parts::default()
    })
}

pub(super) fn refuse_untimed(table: &EventTable) -> Result<()> {
    if table.has_times() {
        return Ok(());
    }
    Err(Error::data(
        "split by time",
        "the events carry no times; use leave-last:N, users:SHARE or random:SHARE",
    ))
}

/// Reads a date, a date with time and offset, or whole seconds since 1970.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_seconds(seconds));
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(moment.as_millisecond()));
    }
    let date: jiff::civil::DateTime = text.parse().ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(start.timestamp().as_millisecond()))
}

/// The moment as RFC 3339 in UTC, or as milliseconds where the calendar ends.
pub(super) fn written(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.0)
        .map_or_else(|_| format!("{} ms", moment.0), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::split::Splitter;
    use crate::evaluation::split::tests::table;

    fn split(share: f64, rows: &[(&str, &str, i64)]) -> Result<crate::evaluation::Split> {
        Splitter::TimeShare { train: share }.split(&table(rows), 0)
    }

    #[test]
    fn the_share_decides_the_moment_and_no_test_event_precedes_training() {
        let rows = [
            ("ann", "a", 50),
            ("bob", "b", 10),
            ("ann", "c", 30),
            ("cat", "d", 20),
            ("bob", "e", 40),
        ];
        let split = split(0.6, &rows).unwrap();
        assert_eq!(split.time(), Some(Timestamp::from_seconds(40)));
        assert_eq!((split.train(), split.test()), (&[1, 2, 3][..], &[0, 4][..]));
    }

    #[test]
    fn equal_times_never_stand_on_both_sides() {
        let rows = [
            ("ann", "a", 1),
            ("ann", "b", 2),
            ("ann", "c", 2),
            ("ann", "d", 2),
        ];
        let at_two = split(0.5, &rows).unwrap();
        assert_eq!(at_two.train(), &[0]);
        // The share would end among the first events: the moment moves to the next time.
        let rows = [("ann", "a", 1), ("ann", "b", 1), ("ann", "c", 2)];
        assert_eq!(split(0.1, &rows).unwrap().train(), &[0, 1]);
    }

    #[test]
    fn a_table_without_times_or_with_one_time_is_refused() {
        let untimed = split(0.5, &[("ann", "a", -1), ("ann", "b", -1)]).unwrap_err();
        assert!(untimed.to_string().contains("carry no times"), "{untimed}");
        assert!(split(0.5, &[("ann", "a", 7), ("ann", "b", 7)]).is_err());
    }

    #[test]
    fn a_moment_outside_the_data_names_the_range() {
        let table = table(&[("ann", "a", 0), ("ann", "b", 86_400)]);
        let outside = Splitter::Time {
            at: Timestamp::from_seconds(-5),
        };
        let error = outside.split(&table, 0).unwrap_err().to_string();
        assert!(error.contains("1970-01-02T00:00:00Z"), "{error}");
    }
}
