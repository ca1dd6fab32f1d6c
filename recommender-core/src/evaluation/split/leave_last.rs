//! Each user's last events are asked about.

use super::{Parts, rows_of_users, visits};
use crate::baskets::BasketConfig;
use crate::events::EventTable;

/// A user with no more than `events` events has nothing to be asked with and stays in the training part.
pub(super) fn parts(table: &EventTable, rows: &[u32], events: usize) -> Parts {
    let mut parts = Parts::default();
    for (_, rows) in rows_of_users(table, rows) {
        let kept = if rows.len() > events {
            rows.len() - events
        } else {
            rows.len()
        };
        parts.train.extend_from_slice(&rows[..kept]);
        parts.test.extend_from_slice(&rows[kept..]);
    }
    parts
}

/// The same of baskets, in the order they began.
pub(super) fn basket_parts(table: &EventTable, rows: &[u32], baskets: usize) -> Parts {
    let mut parts = Parts::default();
    for (_, rows) in rows_of_users(table, rows) {
        let all = visits(table, &rows, &BasketConfig::default());
        let kept = if all.len() > baskets {
            all.len() - baskets
        } else {
            all.len()
        };
        parts.train.extend(all[..kept].iter().flatten());
        parts.test.extend(all[kept..].iter().flatten());
    }
    parts
}

#[cfg(test)]
mod tests {
    use crate::evaluation::split::Splitter;
    use crate::evaluation::split::tests::table;

    #[test]
    fn the_last_events_by_time_then_row_are_held_out() {
        let table = table(&[
            ("ann", "late", 9),
            ("ann", "tie 1", 5),
            ("bob", "only", 1),
            ("ann", "tie 2", 5),
            ("ann", "early", 1),
        ]);
        let split = |events| Splitter::LeaveLast { events }.split(&table, 0).unwrap();
        assert_eq!(split(1).test(), &[0]);
        assert_eq!(split(2).test(), &[0, 3]);
        assert_eq!(split(3).test(), &[0, 1, 3]);
        assert_eq!(split(2).train(), &[1, 2, 4]);
    }

    #[test]
    fn the_last_baskets_are_held_out_whole() {
        let table = table(&[
            ("ann", "a", 0),
            ("ann", "b", 9_000),
            ("ann", "c", 9_100),
            ("bob", "only", 1),
        ]);
        let split = Splitter::LeaveLastBasket { baskets: 1 };
        assert_eq!(split.split(&table, 0).unwrap().test(), &[1, 2]);
    }

    #[test]
    fn a_table_in_which_nobody_has_enough_events_is_refused() {
        let table = table(&[("ann", "a", 1), ("bob", "b", 2)]);
        assert!(Splitter::LeaveLast { events: 1 }.split(&table, 0).is_err());
    }
}
