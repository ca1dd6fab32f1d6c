//! What fitting reads, in one numbering, and the one way a history becomes a query.

mod change;
mod digest;

pub use change::Change;

use std::sync::Arc;

use rayon::prelude::*;

use crate::catalog::{Catalog, Product};
use crate::error::{Error, Result};
use crate::events::{EventRow, EventTable};
use crate::ids::{DenseIndex, ItemIx, PlaceIx, UserIx, Vocabulary};
use crate::interactions::{HistoryEvent, InteractionConfig, Interactions, InteractionsBuilder};
use crate::query::Query;
use crate::time::Timestamp;

/// The query of a shopper who did `events`, asked at `now`, for `limit` items.
///
/// Training rows, evaluation and serving all weigh events here, so a query's history is exactly
/// the matrix row the same events would have made; its timeline is the same events one by one. What she
/// [refuses](crate::events::refused) is excluded, and in neither.
///
/// # Errors
/// [`Error::Config`] for a custom kind without a weight.
pub fn query(
    config: &InteractionConfig,
    events: &[HistoryEvent],
    now: Timestamp,
    limit: usize,
) -> Result<Query> {
    let weighed = config.weigh(events, now)?;
    Ok(Query {
        timeline: weighed.timeline(events),
        history: weighed.items,
        exclusions: weighed.refused.into_iter().collect(),
        time: Some(now),
        limit,
        ..Query::default()
    })
}

/// Vocabularies, interactions and catalogue over one numbering.
///
/// ```
/// use recommender_core::{Dataset, InteractionConfig};
/// use recommender_core::events::{Event, EventKind, EventTable};
/// let mut table = EventTable::new();
/// for (visitor, item) in [("ann", "cup"), ("ann", "pot"), ("bob", "cup")] {
///     table.push(&Event { visitor: visitor.into(), item: Some(item.into()), quantity: 1.0,
///                         kind: EventKind::Purchase, ..Event::default() })?;
/// }
/// let dataset = Dataset::new(table, vec![], InteractionConfig::default())?;
/// assert_eq!(dataset.interactions().by_user().nnz(), 3);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    table: Arc<EventTable>,
    items: Vocabulary<ItemIx>,
    catalog: Catalog,
    config: InteractionConfig,
    interactions: Interactions,
    /// Rows of the table in use, sorted by user, time, row.
    rows: Vec<u32>,
    /// Where each user's rows begin in `rows`; one more than there are users.
    offsets: Vec<usize>,
}

impl Dataset {
    /// A dataset of all of `table`'s rows.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no row; [`Error::Config`] if a setting is wrong.
    pub fn new(
        table: impl Into<Arc<EventTable>>,
        products: Vec<Product>,
        config: InteractionConfig,
    ) -> Result<Self> {
        let table = table.into();
        let rows = (0..table.len()).map(row_number).collect();
        Self::of_rows(table, rows, products, config)
    }

    /// A dataset of some of `table`'s rows: the training part of a split. All keys of the table keep their numbers.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no row; [`Error::Config`] if a setting is wrong.
    pub fn of_rows(
        table: impl Into<Arc<EventTable>>,
        rows: Vec<u32>,
        products: Vec<Product>,
        config: InteractionConfig,
    ) -> Result<Self> {
        let table = table.into();
        let mut items = table.items().clone();
        let catalog = Catalog::align(products, &mut items)?;
        Self::assemble((table, items), rows, catalog, config)
    }

    /// The same events weighed by `config`.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is wrong.
    pub fn weighed_by(&self, config: InteractionConfig) -> Result<Self> {
        let builder = InteractionsBuilder::new(&config, &self.table);
        let interactions = builder.build(&self.rows, self.items.len())?;
        Ok(Self {
            table: Arc::clone(&self.table),
            items: self.items.clone(),
            catalog: self.catalog.clone(),
            config,
            interactions,
            rows: self.rows.clone(),
            offsets: self.offsets.clone(),
        })
    }

    fn assemble(
        (table, items): (Arc<EventTable>, Vocabulary<ItemIx>),
        rows: Vec<u32>,
        catalog: Catalog,
        config: InteractionConfig,
    ) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::data("dataset", "there is no event to learn from"));
        }
        let offsets = user_offsets(&table, &rows);
        let rows = sorted_by_user(&table, rows, &offsets);
        let interactions = InteractionsBuilder::new(&config, &table).build(&rows, items.len())?;
        Ok(Self {
            table,
            items,
            catalog,
            config,
            interactions,
            rows,
            offsets,
        })
    }

    /// Keys of users.
    #[must_use]
    pub fn users(&self) -> &Vocabulary<UserIx> {
        self.table.users()
    }

    /// Keys of items: those of the events, then those only the catalogue knows.
    #[must_use]
    pub fn items(&self) -> &Vocabulary<ItemIx> {
        &self.items
    }

    /// Keys of places.
    #[must_use]
    pub fn places(&self) -> &Vocabulary<PlaceIx> {
        self.table.places()
    }

    /// The user × item matrix.
    #[must_use]
    pub fn interactions(&self) -> &Interactions {
        &self.interactions
    }

    /// The products.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How events are weighed.
    #[must_use]
    pub fn config(&self) -> &InteractionConfig {
        &self.config
    }

    /// The table the rows stand in.
    #[must_use]
    pub fn table(&self) -> &Arc<EventTable> {
        &self.table
    }

    /// Every event in use, by user, then time.
    pub fn events(&self) -> impl ExactSizeIterator<Item = EventRow> + '_ {
        self.rows.iter().map(|&row| self.table.row(row as usize))
    }

    /// What `user` did, oldest first.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn history_of(&self, user: UserIx) -> Vec<HistoryEvent> {
        let range = self.offsets[user.position()]..self.offsets[user.position() + 1];
        self.rows[range]
            .iter()
            .map(|&row| self.table.row(row as usize).into())
            .collect()
    }

    /// The query of a known user, asked at the end of the data.
    ///
    /// # Errors
    /// As [`query`].
    pub fn query_of(&self, user: UserIx, limit: usize) -> Result<Query> {
        query(
            &self.config,
            &self.history_of(user),
            self.interactions.end(),
            limit,
        )
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a table refuses to grow past u32 rows"
)]
fn row_number(row: usize) -> u32 {
    row as u32
}

fn user_offsets(table: &EventTable, rows: &[u32]) -> Vec<usize> {
    let mut offsets = vec![0usize; table.users().len() + 1];
    for &row in rows {
        offsets[table.user(row as usize).position() + 1] += 1;
    }
    for user in 1..offsets.len() {
        offsets[user] += offsets[user - 1];
    }
    offsets
}

/// `rows` by user, then time, then row: dealt out to the users in one pass, then sorted user by user.
fn sorted_by_user(table: &EventTable, rows: Vec<u32>, offsets: &[usize]) -> Vec<u32> {
    let mut next = offsets[..offsets.len() - 1].to_vec();
    let mut sorted = vec![0u32; rows.len()];
    for row in rows {
        let place = &mut next[table.user(row as usize).position()];
        sorted[*place] = row;
        *place += 1;
    }
    let mut rest = sorted.as_mut_slice();
    let mut users = Vec::with_capacity(next.len());
    for range in offsets.windows(2) {
        let (user, others) = rest.split_at_mut(range[1] - range[0]);
        users.push(user);
        rest = others;
    }
    users.into_par_iter().for_each(|rows| {
        let key = |row: &u32| (table.time(*row as usize), *row);
        if !rows.is_sorted_by_key(key) {
            rows.sort_unstable_by_key(key);
        }
    });
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Event, EventKind};

    fn table() -> EventTable {
        let mut table = EventTable::new();
        for (visitor, item, day) in [
            ("bob", "pot", 3),
            ("ann", "cup", 2),
            ("ann", "pot", 1),
            ("ann", "cup", 5),
        ] {
            let event = Event {
                visitor: visitor.into(),
                item: Some(item.into()),
                quantity: 1.0,
                kind: EventKind::Purchase,
                time: Some(Timestamp::from_seconds(day * 86_400)),
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
        table
    }

    #[test]
    fn a_query_history_equals_the_matrix_row() {
        let config = InteractionConfig {
            half_life_days: Some(2.0),
            ..InteractionConfig::default()
        };
        let dataset = Dataset::new(table(), vec![], config).unwrap();
        for (user, _) in dataset.users().iter() {
            let query = dataset.query_of(user, 5).unwrap();
            let history: Vec<(u32, f32)> = query
                .history
                .iter()
                .map(|entry| (entry.item.0, entry.weight))
                .collect();
            let row: Vec<(u32, f32)> = dataset
                .interactions()
                .by_user()
                .row(user.position())
                .iter()
                .collect();
            assert_eq!(history, row);
        }
    }

    #[test]
    fn products_the_events_never_showed_get_numbers_of_their_own() {
        let lamp = Product {
            key: "lamp".into(),
            ..Product::default()
        };
        let dataset = Dataset::new(table(), vec![lamp], InteractionConfig::default()).unwrap();
        let item = dataset.items().get("lamp").unwrap();
        assert_eq!(dataset.catalog().product(item).unwrap().key, "lamp");
        assert_eq!(dataset.interactions().by_user().cols(), 3);
    }

    #[test]
    fn the_digest_tells_data_apart_and_nothing_else() {
        let digest = |table: EventTable, config: InteractionConfig| {
            let dataset = Dataset::new(table, vec![], config).unwrap();
            dataset.digest().unwrap()
        };
        let of_all = digest(table(), InteractionConfig::default());
        assert_eq!(of_all.len(), 64);
        assert_eq!(of_all, digest(table(), InteractionConfig::binary()));
        let mut other = table();
        let event = Event {
            visitor: "ann".into(),
            item: Some("cup".into()),
            quantity: 1.0,
            ..Event::default()
        };
        other.push(&event).unwrap();
        assert_ne!(of_all, digest(other, InteractionConfig::default()));
    }

    #[test]
    fn no_event_is_an_error() {
        assert!(Dataset::new(EventTable::new(), vec![], InteractionConfig::default()).is_err());
    }
}
