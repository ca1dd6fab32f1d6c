//! Strong generalisation: some users are held out entirely and asked with a part of their events.

use super::{FoldInOrder, Parts, part_of, rows_of_users, shuffle_first};
use crate::events::EventTable;
use crate::ids::UserIx;

/// Stream of the draw of users; a user's own stream is her index, which stays below it.
pub(super) const USER_DRAW: u64 = u64::MAX;

/// How users are held out.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldOutUsers {
    pub(super) held_out: f64,
    pub(super) fold_in: f64,
    pub(super) order: FoldInOrder,
}

impl HeldOutUsers {
    /// Users with one event can't be asked anything, so all of them are learned from.
    pub(super) fn parts(&self, table: &EventTable, rows: &[u32], seed: u64) -> Parts {
        let mut parts = Parts::default();
        let (mut eligible, rest): (Vec<_>, Vec<_>) = rows_of_users(table, rows)
            .into_iter()
            .partition(|(_, rows)| rows.len() > 1);
        parts
            .train
            .extend(rest.into_iter().flat_map(|(_, rows)| rows));
        if eligible.len() < 2 {
            parts
                .train
                .extend(eligible.into_iter().flat_map(|(_, rows)| rows));
            return parts;
        }
        let count = part_of(eligible.len(), self.held_out);
        shuffle_first(&mut eligible, count, seed, USER_DRAW);
        let by_time = self.order == FoldInOrder::Time && table.has_times();
        for (position, (user, rows)) in eligible.into_iter().enumerate() {
            if position >= count {
                parts.train.extend(rows);
                continue;
            }
            let order = if by_time { None } else { Some((seed, user)) };
            hold_out(&mut parts, rows, self.fold_in, order);
        }
        parts
    }
}

/// Adds the rows of one user, who has two or more: `fold_in` of them are her history, the rest is asked about. Which
/// come first is drawn by the seed, or as they stand if there is none.
pub(super) fn hold_out(
    parts: &mut Parts,
    mut rows: Vec<u32>,
    fold_in: f64,
    order: Option<(u64, UserIx)>,
) {
    let known = part_of(rows.len(), fold_in);
    if let Some((seed, user)) = order {
        shuffle_first(&mut rows, known, seed, u64::from(user.0));
    }
    parts.fold_in.extend_from_slice(&rows[..known]);
    parts.test.extend_from_slice(&rows[known..]);
}

#[cfg(test)]
mod tests {
    use crate::evaluation::split::tests::table;
    use crate::evaluation::split::{FoldInOrder, Splitter};

    fn rows(time: impl Fn(i64) -> i64) -> Vec<(&'static str, &'static str, i64)> {
        let mut rows = Vec::new();
        for (place, visitor) in ["ann", "bob", "cat", "dan"].into_iter().enumerate() {
            rows.extend((0..5).map(|event| (visitor, "item", time(100 * place as i64 - event))));
        }
        rows.push(("eve", "item", time(1)));
        rows
    }

    #[test]
    fn held_out_users_are_in_no_training_row_and_split_by_time() {
        let table = table(&rows(|time| time + 10));
        let splitter: Splitter = "users:0.25".parse().unwrap();
        let split = splitter.split(&table, 3).unwrap();
        assert_eq!((split.fold_in().len(), split.test().len()), (4, 1));
        let user = table.user(split.test()[0] as usize);
        assert!(
            split
                .train()
                .iter()
                .all(|&row| table.user(row as usize) != user)
        );
        // Each user's events run backwards in time, so her last event is her first row.
        assert!(split.fold_in().iter().all(|&row| row > split.test()[0]));
        assert_eq!(split.train().len(), 16);
    }

    #[test]
    fn the_seed_decides_who_is_held_out_and_untimed_histories() {
        let table = table(&rows(|_| -1));
        let splitter = Splitter::Users {
            held_out: 0.5,
            fold_in: 0.4,
            order: FoldInOrder::Time,
        };
        let once = splitter.split(&table, 1).unwrap();
        assert_eq!(once, splitter.split(&table, 1).unwrap());
        assert!((2..9).any(|seed| splitter.split(&table, seed).unwrap() != once));
        assert_eq!((once.fold_in().len(), once.test().len()), (4, 6));
    }
}
