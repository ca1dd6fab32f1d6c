//! From rows of events to the frozen matrix.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::events::EventTable;
use crate::ids::{DenseIndex, UserIx};
use crate::interactions::history::HistoryEvent;
use crate::interactions::{InteractionConfig, InteractionReport, Interactions};
use crate::sparse::SparseMatrix;
use crate::time::Timestamp;

/// Users weighed as one piece of parallel work.
const USERS_PER_PART: usize = 512;

/// Builds [`Interactions`] from the rows of an [`EventTable`].
#[derive(Debug, Clone)]
pub struct InteractionsBuilder<'a> {
    config: &'a InteractionConfig,
    table: &'a EventTable,
}

/// The weighed histories of some users, one behind the other.
#[derive(Debug, Default)]
struct Part {
    /// Each user with the number of her entries.
    users: Vec<(UserIx, usize)>,
    items: Vec<u32>,
    weights: Vec<f32>,
    report: InteractionReport,
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
    /// [`Error::Config`] if a setting is out of range or a custom kind has no weight; [`Error::Data`] if the weights of
    /// one user and item add up to more than an `f32` holds.
    pub fn build(&self, rows: &[u32], items: usize) -> Result<Interactions> {
        self.config.validate()?;
        let table = self.table;
        let end = rows.par_iter().map(|&row| table.time(row as usize)).max();
        let end = end.unwrap_or_default();
        let groups: Vec<&[u32]> = rows
            .chunk_by(|&a, &b| table.user(a as usize) == table.user(b as usize))
            .collect();
        let parts: Vec<Part> = groups
            .par_chunks(USERS_PER_PART)
            .map(|groups| self.weigh(groups, end))
            .collect::<Result<_>>()?;
        let mut report = InteractionReport::default();
        for part in &parts {
            report.merge(&part.report);
        }
        let by_user = matrix(parts, table.users().len(), items)?;
        Ok(Interactions {
            by_item: by_user.transpose(),
            by_user,
            end,
            report,
        })
    }

    fn weigh(&self, groups: &[&[u32]], end: Timestamp) -> Result<Part> {
        let mut part = Part::default();
        let mut events: Vec<HistoryEvent> = Vec::new();
        for group in groups {
            let rows = group.iter().map(|&row| self.table.row(row as usize).into());
            events.clear();
            events.extend(rows);
            let history = self.config.weigh(&events, end)?;
            part.report.merge(&history.report);
            part.users
                .push((self.table.user(group[0] as usize), history.items.len()));
            for entry in history.items {
                part.items.push(entry.item.0);
                part.weights.push(entry.weight);
            }
        }
        Ok(part)
    }
}

/// Joins the parts, which must come in the order of their users.
fn matrix(parts: Vec<Part>, users: usize, items: usize) -> Result<SparseMatrix> {
    let entries = parts.iter().map(|part| part.items.len()).sum();
    let (mut indices, mut values) = (Vec::with_capacity(entries), Vec::with_capacity(entries));
    let mut offsets = Vec::with_capacity(users + 1);
    offsets.push(0u64);
    let mut total = 0;
    for part in parts {
        for (user, entries) in part.users {
            if user.position() + 1 < offsets.len() {
                return Err(Error::Internal("rows are not sorted by user".into()));
            }
            offsets.resize(user.position() + 1, total);
            total += entries as u64;
            offsets.push(total);
        }
        indices.extend(part.items);
        values.extend(part.weights);
    }
    offsets.resize(users + 1, total);
    SparseMatrix::try_new(items, offsets, indices, values)
}
