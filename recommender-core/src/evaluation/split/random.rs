//! A random part of each user's events is asked about.

use super::{Parts, part_of, rows_of_users, shuffle_first};
use crate::events::EventTable;

/// Each user draws from a random stream of her own, so her part does not depend on who else is in the table.
pub(super) fn parts(table: &EventTable, rows: &[u32], share: f64, seed: u64) -> Parts {
    let mut parts = Parts::default();
    for (user, mut rows) in rows_of_users(table, rows) {
        if rows.len() < 2 {
            parts.train.extend(rows);
            continue;
        }
        let held_out = part_of(rows.len(), share);
        shuffle_first(&mut rows, held_out, seed, u64::from(user.0));
        parts.test.extend_from_slice(&rows[..held_out]);
        parts.train.extend_from_slice(&rows[held_out..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use crate::evaluation::split::Splitter;
    use crate::evaluation::split::tests::table;

    #[test]
    fn every_user_gives_her_share_and_the_seed_decides_which() {
        let mut rows: Vec<(&str, &str, i64)> = (0..10).map(|_| ("ann", "a", -1)).collect();
        rows.extend((0..5).map(|_| ("bob", "b", -1)));
        rows.push(("cat", "c", -1));
        let table = table(&rows);
        let split = |seed| Splitter::Random { test: 0.2 }.split(&table, seed).unwrap();
        let once = split(7);
        assert_eq!(once, split(7));
        assert_ne!(once, split(8));
        let of = |range: std::ops::Range<u32>| {
            once.test().iter().filter(|row| range.contains(row)).count()
        };
        assert_eq!((of(0..10), of(10..15), of(15..16)), (2, 1, 0));
        assert_eq!(once.train().len(), 13);
    }
}
