//! A published split: a file to learn from and a file to predict, as adjacency lists with numbers for keys.

use std::path::Path;

use recommender_core::events::EventTable;
use recommender_core::rows::Format;
use recommender_core::{
    Dataset, DenseIndex, Error, InteractionConfig, ItemIx, Query, Ranked, Result, UserIx,
};
use recommender_files::{EventOptions, read_events};

/// Both parts over one numbering.
#[derive(Debug)]
pub struct Split {
    /// What is learned from: each pair of a user and an item weighs one.
    pub dataset: Dataset,
    /// What each user did besides, in the numbers of the file.
    pub held_out: Vec<Vec<u32>>,
    /// The number of each item in the files.
    numbers: Vec<u32>,
    /// Users of the training file; they come first.
    users: usize,
}

impl Split {
    /// Reads both files; gzip is transparent.
    ///
    /// # Errors
    /// [`Error::Input`] if a file can't be read or holds something that is no number.
    pub fn read(train: &Path, test: &Path) -> Result<Self> {
        let options = EventOptions {
            format: Some(Format::Adjacency),
            ..EventOptions::default()
        };
        let mut table = EventTable::new();
        read_events(train, &options, &mut table)?;
        let (rows, users) = (table.len(), table.users().len());
        read_events(test, &options, &mut table)?;
        let number = |(_, key): (ItemIx, &str)| {
            let wrong = |_| Error::data("split", format!("item \"{key}\" is no number"));
            key.parse().map_err(wrong)
        };
        let numbers: Vec<u32> = table.items().iter().map(number).collect::<Result<_>>()?;
        let mut held_out = vec![Vec::new(); users];
        for row in rows..table.len() {
            if let Some(items) = held_out.get_mut(table.user(row).position()) {
                items.push(numbers[table.item(row).position()]);
            }
        }
        let training = (0u32..).take(rows).collect();
        let dataset = Dataset::of_rows(table, training, vec![], InteractionConfig::binary())?;
        Ok(Self {
            dataset,
            held_out,
            numbers,
            users,
        })
    }

    /// What to recommend to each user of the training file, in its order, besides what she has.
    ///
    /// # Errors
    /// As [`Dataset::query_of`].
    pub fn queries(&self, limit: usize) -> Result<Vec<Query>> {
        (0..self.users)
            .map(|user| {
                Ok(self
                    .dataset
                    .query_of(UserIx::at(user), limit)?
                    .excluding_seen())
            })
            .collect()
    }

    /// The number in the files of the item at `position`.
    #[must_use]
    pub fn number(&self, position: usize) -> u32 {
        self.numbers[position]
    }

    /// The items of a user of the training file, by her place in it, in the numbers of the files.
    #[must_use]
    pub fn history(&self, user: usize) -> Vec<u32> {
        let row = self.dataset.interactions().by_user().row(user);
        row.iter()
            .map(|(item, _)| self.numbers[item as usize])
            .collect()
    }

    /// An answer in the numbers of the files.
    #[must_use]
    pub fn numbers(&self, ranked: &Ranked) -> Vec<u32> {
        ranked
            .items()
            .map(|item| self.numbers[item.position()])
            .collect()
    }
}
