//! From rows of events to the frozen matrix.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::events::EventTable;
use crate::ids::UserIx;
use crate::interactions::history::{HistoryEvent, WeighedHistory};
use crate::interactions::{InteractionConfig, Interactions};
use crate::sparse::SparseMatrix;
use crate::time::Timestamp;

/// Builds [`Interactions`] from the rows of an [`EventTable`].
#[derive(Debug, Clone)]
pub struct InteractionsBuilder<'a> {
    config: &'a InteractionConfig,
    table: &'a EventTable,
}

impl<'a> InteractionsBuilder<'a> {
    /// A builder that weighs events of `table` by `config`.
    #[must_use]
    pub fn new(config: &'a InteractionConfig, table: &'a EventTable) -> Self {
        Self { config, table }
    }

    /// Weighs `rows`, which must be sorted by user; `items` is the width of the matrix.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range or a custom kind has no weight.
    pub fn build(&self, rows: &[u32], items: usize) -> Result<Interactions> {
        self.config.validate()?;
        let table = self.table;
        let end = rows.iter().map(|&row| table.time(row as usize)).max();
        let end = end.unwrap_or_default();
        let groups: Vec<&[u32]> = rows
            .chunk_by(|&a, &b| table.user(a as usize) == table.user(b as usize))
            .collect();
        let weighed: Vec<(UserIx, WeighedHistory)> = groups
            .par_iter()
            .map(|group| Ok((table.user(group[0] as usize), self.weigh(group, end)?)))
            .collect::<Result<_>>()?;
        if weighed.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(Error::Internal("rows are not sorted by user".into()));
        }
        let unmatched_returns = weighed
            .iter()
            .map(|(_, history)| history.unmatched_returns)
            .sum();
        let by_user = matrix(&weighed, table.users().len(), items)?;
        Ok(Interactions {
            by_item: by_user.transpose(),
            by_user,
            end,
            unmatched_returns,
        })
    }

    fn weigh(&self, rows: &[u32], end: Timestamp) -> Result<WeighedHistory> {
        let events: Vec<HistoryEvent> = rows
            .iter()
            .map(|&row| self.table.row(row as usize).into())
            .collect();
        self.config.weigh(&events, end)
    }
}

fn matrix(
    weighed: &[(UserIx, WeighedHistory)],
    users: usize,
    items: usize,
) -> Result<SparseMatrix> {
    let mut rows = weighed.iter().peekable();
    let of_user = |user: usize| {
        let history = rows.next_if(|(known, _)| known.0 as usize == user);
        history.map_or_else(Vec::new, |(_, history)| {
            history
                .items
                .iter()
                .map(|entry| (entry.item.0, entry.weight))
                .collect()
        })
    };
    SparseMatrix::from_rows(items, (0..users).map(of_user))
}
