//! Which events are learned from and which are asked about: explicit values with a digest.

mod folds;
mod global_time;
mod leave_last;
mod random;
mod splitter;
mod stored;
mod users;
mod visits;
mod windows;

pub use folds::UserFolds;
pub use splitter::{FoldInOrder, Splitter};
pub(super) use visits::visits;
pub use windows::SlidingWindows;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::events::EventTable;
use crate::ids::UserIx;
use crate::time::Timestamp;

/// The rows of one [`EventTable`] that are learned from, given as context, and asked about.
///
/// Every list is ascending, and no row stands in two of them. Serialises as JSON with the digest of the lists;
/// what was altered since is refused on reading.
///
/// ```
/// use recommender_core::evaluation::{Split, Splitter};
/// # use recommender_core::events::{Event, EventTable};
/// # let mut table = EventTable::new();
/// # for (visitor, item) in [("ann", "cup"), ("ann", "pot"), ("bob", "cup")] {
/// #     table.push(&Event { visitor: visitor.into(), item: Some(item.into()), quantity: 1.0,
/// #                         ..Event::default() })?;
/// # }
/// let splitter: Splitter = "leave-last:1".parse()?;
/// let split = splitter.split(&table, 0)?;
/// assert_eq!((split.train(), split.test()), (&[0, 2][..], &[1][..]));
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "stored::StoredSplit", try_from = "stored::StoredSplit")]
pub struct Split {
    kind: String,
    table_rows: usize,
    parts: Parts,
}

/// What a splitter decides.
#[derive(Debug, Clone, PartialEq, Default)]
struct Parts {
    train: Vec<u32>,
    fold_in: Vec<u32>,
    test: Vec<u32>,
    time: Option<Timestamp>,
}

impl Split {
    /// A split someone else made: `train` and `test` are rows of one table, so both share its numbering.
    ///
    /// # Errors
    /// [`Error::Data`] if a part is empty, a row comes twice, stands in both parts or is not in the table.
    pub fn given(table: &EventTable, train: Vec<u32>, test: Vec<u32>) -> Result<Self> {
        let parts = Parts {
            train,
            test,
            ..Parts::default()
        };
        Self::checked("given", table.len(), parts)
    }

    /// The given split of a table into which the training events were read first:
    /// rows from `first_test_row` on are the test part.
    ///
    /// # Errors
    /// [`Error::Data`] if one of the parts would be empty.
    pub fn given_at(table: &EventTable, first_test_row: usize) -> Result<Self> {
        let (train, test) = all_rows(table)
            .into_iter()
            .partition(|&row| (row as usize) < first_test_row);
        Self::given(table, train, test)
    }

    fn checked(kind: &str, table_rows: usize, mut parts: Parts) -> Result<Self> {
        let wrong = |reason: String| Err(Error::data(format!("split {kind}"), reason));
        for (name, rows) in [("training", &parts.train), ("test", &parts.test)] {
            if rows.is_empty() {
                return wrong(format!("the {name} part holds no event"));
            }
        }
        let mut all = Vec::new();
        for rows in [&mut parts.train, &mut parts.fold_in, &mut parts.test] {
            rows.sort_unstable();
            all.extend_from_slice(rows);
        }
        all.sort_unstable();
        if let Some(pair) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("row {} is used twice", pair[0]));
        }
        if let Some(&row) = all.last().filter(|&&row| row as usize >= table_rows) {
            return wrong(format!(
                "row {row} is outside the {table_rows} of the table"
            ));
        }
        Ok(Self {
            kind: kind.into(),
            table_rows,
            parts,
        })
    }

    /// A part of the training rows set aside to choose settings by, so that the test part stays unseen:
    /// the split that `splitter` makes of this split's training part alone.
    ///
    /// # Errors
    /// As [`Splitter::split`].
    pub fn validation(&self, table: &EventTable, splitter: &Splitter, seed: u64) -> Result<Self> {
        self.check_table(table)?;
        splitter.split_rows(table, &self.parts.train, seed)
    }

    /// The same split with only those rows asked about that `keep` says: what is learned from, and what is known of who
    /// is asked, stay.
    ///
    /// # Errors
    /// [`Error::Data`] if none is left.
    pub fn asking(&self, keep: impl Fn(u32) -> bool) -> Result<Self> {
        let mut parts = self.parts.clone();
        parts.test.retain(|&row| keep(row));
        Self::checked(&self.kind, self.table_rows, parts)
    }

    /// Refuses a table that this split can't be of.
    ///
    /// # Errors
    /// [`Error::Data`] if the table's number of rows differs from that of the table split.
    pub fn check_table(&self, table: &EventTable) -> Result<()> {
        if table.len() == self.table_rows {
            return Ok(());
        }
        let (found, expected) = (table.len(), self.table_rows);
        Err(Error::data(
            format!("split {}", self.kind),
            format!("made of a table of {expected} events, used with one of {found}"),
        ))
    }

    /// Refuses a dataset that learned from anything but the training part.
    ///
    /// # Errors
    /// [`Error::Data`] if its rows are not exactly the training rows.
    pub fn check_dataset(&self, dataset: &Dataset) -> Result<()> {
        self.check_table(dataset.table())?;
        self.check_order(dataset.table())?;
        let leaks = self
            .parts
            .time
            .is_some_and(|time| dataset.interactions().end() >= time);
        if leaks || dataset.events().len() != self.parts.train.len() {
            return Err(Error::data(
                format!("split {}", self.kind),
                "the dataset does not hold exactly the training events; build it with Dataset::of_rows(table, split.train().to_vec(), ...)",
            ));
        }
        Ok(())
    }

    /// Refuses a split by time that is none: a context event at or after the moment, a test event before it.
    fn check_order(&self, table: &EventTable) -> Result<()> {
        let Some(moment) = self.parts.time else {
            return Ok(());
        };
        let is_late = |&&row: &&u32| table.time(row as usize) >= moment;
        let late_context = self.train().iter().chain(self.fold_in()).find(is_late);
        let early_test = self.test().iter().find(|row| !is_late(row));
        let Some(row) = late_context.or(early_test) else {
            return Ok(());
        };
        Err(Error::data(
            format!("split {}", self.kind),
            format!("row {row} stands on the wrong side of the split's moment"),
        ))
    }

    /// How the split was made, in the words [`Splitter`] reads, or `given`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Rows learned from, ascending.
    #[must_use]
    pub fn train(&self) -> &[u32] {
        &self.parts.train
    }

    /// Rows of held-out users that are their history when asked, ascending; never learned from.
    #[must_use]
    pub fn fold_in(&self) -> &[u32] {
        &self.parts.fold_in
    }

    /// Rows asked about, ascending.
    #[must_use]
    pub fn test(&self) -> &[u32] {
        &self.parts.test
    }

    /// The moment of a split by global time: all training is before it, all of the test part at it or after.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.parts.time
    }
}

fn all_rows(table: &EventTable) -> Vec<u32> {
    let rows = u32::try_from(table.len()).expect("a table refuses to grow past u32 rows");
    (0..rows).collect()
}

/// The rows of each user, users ascending; within a user by time, equal times by row.
pub(super) fn rows_of_users(table: &EventTable, rows: &[u32]) -> Vec<(UserIx, Vec<u32>)> {
    let mut order = rows.to_vec();
    order.sort_unstable_by_key(|&row| (table.user(row as usize), table.time(row as usize), row));
    order
        .chunk_by(|&a, &b| table.user(a as usize) == table.user(b as usize))
        .map(|group| (table.user(group[0] as usize), group.to_vec()))
        .collect()
}

/// Puts `count` random entries first, all equally likely: a partial Fisher-Yates shuffle
/// whose outcome depends on seed and stream alone.
fn shuffle_first<T>(entries: &mut [T], count: usize, seed: u64, stream: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    for position in 0..count.min(entries.len()) {
        let left = (entries.len() - position) as u64;
        // Lists are far shorter than 2^32, which keeps the bias of the multiplication below any notice.
        let step = (u64::from(rng.next_u32()) * left) >> 32;
        let step = usize::try_from(step).expect("the step is below the length of a list");
        entries.swap(position, position + step);
    }
}

/// `share` of `count`, rounded, but at least one and never all: for `count` of two and more.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length is a length"
)]
fn part_of(count: usize, share: f64) -> usize {
    ((count as f64 * share).round() as usize).clamp(1, count - 1)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::events::{Event, EventKind};

    /// A table of purchases (visitor, item, second); a negative second stands for no time.
    pub(crate) fn table(rows: &[(&str, &str, i64)]) -> EventTable {
        let mut table = EventTable::new();
        for &(visitor, item, second) in rows {
            let event = Event {
                visitor: visitor.into(),
                item: Some(item.into()),
                quantity: 1.0,
                kind: EventKind::Purchase,
                time: (second >= 0).then(|| Timestamp::from_seconds(second)),
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
        table
    }

    #[test]
    fn given_parts_must_be_apart_inside_and_not_empty() {
        let table = table(&[("ann", "cup", -1), ("bob", "cup", -1), ("bob", "pot", -1)]);
        let split = Split::given_at(&table, 2).unwrap();
        assert_eq!((split.train(), split.test()), (&[0, 1][..], &[2][..]));
        for (train, test) in [
            (vec![0, 1], vec![1]),
            (vec![0], vec![3]),
            (vec![], vec![1]),
            (vec![0, 0], vec![1]),
        ] {
            assert!(Split::given(&table, train, test).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn every_splitter_parts_all_rows_and_keeps_their_order(
            events in proptest::collection::vec((0usize..4, 0i64..6), 6..60),
            seed: u64,
        ) {
            let visitors = ["ann", "bob", "cat", "dan"];
            let rows: Vec<_> = events
                .iter()
                .map(|&(visitor, second)| (visitors[visitor], "item", second))
                .collect();
            let table = table(&rows);
            for words in ["time:0.7", "leave-last:2", "users:0.4", "random:0.3"] {
                // A few tables can't be split: all at one time, or nobody with events enough.
                let Ok(split) = words.parse::<Splitter>().unwrap().split(&table, seed) else {
                    continue;
                };
                let mut all = [split.train(), split.fold_in(), split.test()].concat();
                all.sort_unstable();
                proptest::prop_assert_eq!(all, all_rows(&table));
                proptest::prop_assert!(split.check_order(&table).is_ok());
                if words.starts_with("random") {
                    continue;
                }
                for &test in split.test() {
                    let place = |row: u32| (table.time(row as usize), row);
                    let hers = |&&row: &&u32| table.user(row as usize) == table.user(test as usize);
                    let context = split.train().iter().chain(split.fold_in()).filter(hers);
                    proptest::prop_assert!(context.into_iter().all(|&row| place(row) < place(test)));
                }
            }
        }
    }

    #[test]
    fn a_moment_that_does_not_fit_the_rows_is_refused() {
        let table = table(&[("ann", "a", 1), ("ann", "b", 2), ("bob", "a", 1)]);
        let split = "time:2"
            .parse::<Splitter>()
            .unwrap()
            .split(&table, 0)
            .unwrap();
        let text = serde_json::to_string(&split).unwrap();
        let moved = text.replace("\"time\":2000", "\"time\":3000");
        assert_ne!(moved, text);
        let moved: Split = serde_json::from_str(&moved).unwrap();
        let config = crate::InteractionConfig::default();
        let dataset = Dataset::of_rows(table, split.train().to_vec(), vec![], config).unwrap();
        assert!(split.check_dataset(&dataset).is_ok());
        assert!(moved.check_dataset(&dataset).is_err());
    }

    #[test]
    fn a_split_that_asks_less_keeps_the_rest() {
        let table = table(&[
            ("ann", "a", 1),
            ("bob", "a", 2),
            ("ann", "b", 3),
            ("bob", "c", 4),
        ]);
        let split = "time:3".parse::<Splitter>().unwrap();
        let split = split.split(&table, 0).unwrap();
        let asking = split.asking(|row| row == 3).unwrap();
        assert_eq!((asking.train(), asking.test()), (split.train(), &[3][..]));
        assert_eq!((asking.time(), asking.kind()), (split.time(), split.kind()));
        assert_ne!(asking.digest(), split.digest());
        assert!(split.asking(|_| false).is_err());
    }

    #[test]
    fn a_validation_part_comes_from_train_alone() {
        let table = table(&[
            ("ann", "a", 1),
            ("ann", "b", 2),
            ("ann", "c", 3),
            ("ann", "d", 4),
        ]);
        let last = Splitter::LeaveLast { events: 1 };
        let split = last.split(&table, 0).unwrap();
        let validation = split.validation(&table, &last, 0).unwrap();
        assert_eq!(validation.train(), &[0, 1]);
        assert_eq!(validation.test(), &[2]);
    }

    #[test]
    fn a_dataset_that_learned_from_the_test_part_is_refused() {
        let table = table(&[("ann", "a", 1), ("ann", "b", 2)]);
        let split = Split::given_at(&table, 1).unwrap();
        let all = Dataset::new(table.clone(), vec![], crate::InteractionConfig::default()).unwrap();
        assert!(split.check_dataset(&all).is_err());
        let config = crate::InteractionConfig::default();
        let train = Dataset::of_rows(table, split.train().to_vec(), vec![], config).unwrap();
        assert!(split.check_dataset(&train).is_ok());
    }
}
