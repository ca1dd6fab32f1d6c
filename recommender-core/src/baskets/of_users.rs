//! The baskets of all users of a dataset.

use rayon::prelude::*;

use crate::baskets::{Basket, BasketConfig, Baskets, entry_number};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::events::EventRow;
use crate::ids::{DenseIndex, UserIx};
use crate::interactions::HistoryEvent;
use crate::query::HistoryItem;

/// The baskets of a dataset, user by user, oldest first.
///
/// Rows with a session key belong to the basket of that key, wherever they stand in time; rows without one are cut by
/// the gap. Returns have taken their pieces back, and a basket of which nothing is left is none.
#[derive(Debug, Clone, PartialEq)]
pub struct UserBaskets {
    /// Where each user's baskets begin; one more than there are users.
    offsets: Vec<u32>,
    baskets: Baskets,
}

impl UserBaskets {
    /// The baskets of `dataset`, its events weighed as its configuration says.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if the gap is out of range or a custom kind has no weight.
    pub fn of(dataset: &Dataset, config: &BasketConfig) -> Result<Self> {
        config.validate()?;
        let rows: Vec<EventRow> = dataset.events().collect();
        let groups: Vec<&[EventRow]> = rows.chunk_by(|a, b| a.user == b.user).collect();
        let parts: Vec<(UserIx, Baskets)> = groups
            .into_par_iter()
            .map(|rows| Ok((rows[0].user, baskets_of(dataset, rows, config)?)))
            .collect::<Result<_>>()?;
        let mut all = Self {
            offsets: vec![0],
            baskets: Baskets::default(),
        };
        for (user, baskets) in parts {
            let before = entry_number(all.baskets.len());
            all.offsets.resize(user.position() + 1, before);
            all.baskets.append(&baskets);
            all.offsets.push(entry_number(all.baskets.len()));
        }
        let last = entry_number(all.baskets.len());
        all.offsets.resize(dataset.users().len() + 1, last);
        Ok(all)
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The baskets of all users, one user behind the other.
    #[must_use]
    pub fn all(&self) -> &Baskets {
        &self.baskets
    }

    /// The baskets of `user`, oldest first.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn of_user(
        &self,
        user: UserIx,
    ) -> impl DoubleEndedIterator<Item = Basket<'_>> + ExactSizeIterator {
        let place = user.position();
        let range = self.offsets[place] as usize..self.offsets[place + 1] as usize;
        self.baskets.range(range)
    }
}

/// The baskets of one user, whose rows come in the order of time.
fn baskets_of(dataset: &Dataset, rows: &[EventRow], config: &BasketConfig) -> Result<Baskets> {
    let events: Vec<HistoryEvent> = rows.iter().cloned().map(HistoryEvent::from).collect();
    let end = dataset.interactions().end();
    let weighed = dataset.config().weigh(&events, end)?;
    let mut groups: Vec<(Option<u32>, Vec<HistoryItem>)> = Vec::new();
    for (row, &weight) in rows.iter().zip(&weighed.gains) {
        if weight <= 0.0 {
            continue;
        }
        let event = HistoryItem {
            item: row.item,
            weight,
            time: row.time,
        };
        let fits = |(key, events): &&mut (Option<u32>, Vec<HistoryItem>)| {
            *key == row.session
                && (key.is_some()
                    || events
                        .last()
                        .is_some_and(|last| config.joins(last.time, row.time)))
        };
        match groups.iter_mut().rev().find(fits) {
            Some((_, events)) => events.push(event),
            None => groups.push((row.session, vec![event])),
        }
    }
    let mut baskets = Baskets::default();
    for (_, events) in &groups {
        baskets.push(events);
    }
    Ok(baskets)
}
