//! The baskets of all users of a dataset.

use std::collections::BTreeMap;
use std::hash::Hash;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

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
        let users = groups_of_users(dataset, config, |_| Some(()))?;
        let mut all = Self {
            offsets: vec![0],
            baskets: Baskets::default(),
        };
        for (user, groups) in users {
            let before = entry_number(all.baskets.len());
            all.offsets.resize(user.position() + 1, before);
            for ((), events) in &groups {
                all.baskets.push(events);
            }
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

impl Baskets {
    /// The baskets of all users of `dataset`, shared out: an event belongs to the part that `part_of` names, and one
    /// without a part is left out. A basket that reaches over several parts is one in each, of what belongs there.
    /// Events are weighed and returns matched before, over all parts; within a part, baskets come by user, then oldest
    /// first.
    ///
    /// # Errors
    /// As [`UserBaskets::of`].
    pub fn parted<P: Copy + Ord + Hash + Send>(
        dataset: &Dataset,
        config: &BasketConfig,
        part_of: impl Fn(&EventRow) -> Option<P> + Sync,
    ) -> Result<BTreeMap<P, Self>> {
        config.validate()?;
        let mut parts: BTreeMap<P, Self> = BTreeMap::new();
        for (_, groups) in groups_of_users(dataset, config, part_of)? {
            for (part, events) in groups {
                parts.entry(part).or_default().push(&events);
            }
        }
        Ok(parts)
    }
}

/// The events of one basket and the part it belongs to.
type Group<P> = (P, Vec<HistoryItem>);

/// The events of each user's baskets, users ascending.
fn groups_of_users<P: Copy + Eq + Hash + Send>(
    dataset: &Dataset,
    config: &BasketConfig,
    part_of: impl Fn(&EventRow) -> Option<P> + Sync,
) -> Result<Vec<(UserIx, Vec<Group<P>>)>> {
    let rows: Vec<EventRow> = dataset.events().collect();
    let users: Vec<&[EventRow]> = rows.chunk_by(|a, b| a.user == b.user).collect();
    users
        .into_par_iter()
        .map(|rows| Ok((rows[0].user, groups_of(dataset, rows, config, &part_of)?)))
        .collect()
}

/// The events of one user's baskets, whose rows come in the order of time.
fn groups_of<P: Copy + Eq + Hash>(
    dataset: &Dataset,
    rows: &[EventRow],
    config: &BasketConfig,
    part_of: impl Fn(&EventRow) -> Option<P>,
) -> Result<Vec<Group<P>>> {
    let events: Vec<HistoryEvent> = rows.iter().cloned().map(HistoryEvent::from).collect();
    let end = dataset.interactions().end();
    let weighed = dataset.config().weigh(&events, end)?;
    let mut groups: Vec<Group<P>> = Vec::new();
    // Where the latest group of a part and a session key, or of no key, stands.
    let mut latest: FxHashMap<(P, Option<u32>), usize> = FxHashMap::default();
    for (row, &weight) in rows.iter().zip(&weighed.gains) {
        let Some(part) = part_of(row).filter(|_| weight > 0.0) else {
            continue;
        };
        let EventRow { item, time, .. } = *row;
        let event = HistoryItem { item, weight, time };
        let key = (part, row.session);
        let open = latest.get(&key).copied().filter(|&at| {
            let last = groups[at].1.last();
            row.session.is_some() || last.is_some_and(|last| config.joins(last.time, time))
        });
        match open {
            Some(at) => groups[at].1.push(event),
            None => {
                latest.insert(key, groups.len());
                groups.push((part, vec![event]));
            }
        }
    }
    Ok(groups)
}
