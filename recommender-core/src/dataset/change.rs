//! The same dataset a moment later: more events, or a person's events given back.

use std::sync::Arc;

use crate::dataset::{Dataset, row_number};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::ids::{DenseIndex, UserIx, Vocabulary};

impl Dataset {
    /// This dataset and `events`, in the same numbering: new users and items come after those known.
    ///
    /// An event whose id the table has seen, even outside the rows in use, counts as a duplicate and is left out.
    ///
    /// # Errors
    /// [`Error::Data`] if a number of an event is not finite or a vocabulary is full; [`Error::Config`] for a custom
    /// kind without a weight.
    pub fn with(&self, events: &[Event]) -> Result<Self> {
        let mut table = (*self.table).clone();
        // Items that only the catalogue knows keep their numbers too.
        for (_, key) in self.items.iter() {
            table.know_item(key)?;
        }
        let known = table.len();
        for event in events {
            table.push(event)?;
        }
        let added = (known..table.len()).map(row_number);
        let rows = self.rows.iter().copied().chain(added).collect();
        let items = table.items().clone();
        Self::assemble(
            (Arc::new(table), items),
            rows,
            self.catalog.clone(),
            self.config.clone(),
        )
    }

    /// This dataset without anything `users` did, in the same numbering.
    ///
    /// # Errors
    /// [`Error::Data`] if nothing is left.
    pub fn without(&self, users: &[UserIx]) -> Result<Self> {
        let gone = |row: &u32| users.contains(&self.table.user(*row as usize));
        let rows = self.rows.iter().copied().filter(|row| !gone(row)).collect();
        Self::assemble(
            (self.table.clone(), self.items.clone()),
            rows,
            self.catalog.clone(),
            self.config.clone(),
        )
    }
}

/// Two states of one dataset, and whose rows differ: what a fitted model needs to follow.
///
/// With a half-life every weight moves when the end of the data does; then every user has changed.
///
/// ```
/// use recommender_core::dataset::Change;
/// use recommender_core::events::{Event, EventKind, EventTable};
/// use recommender_core::{Dataset, InteractionConfig, UserIx};
/// let bought = |visitor: &str, item: &str| Event {
///     visitor: visitor.into(), item: Some(item.into()), quantity: 1.0,
///     kind: EventKind::Purchase, ..Event::default()
/// };
/// let mut table = EventTable::new();
/// table.push(&bought("ann", "cup"))?;
/// let before = Dataset::new(table, vec![], InteractionConfig::default())?;
/// let after = before.with(&[bought("bob", "pot")])?;
/// assert_eq!(Change::between(&before, &after)?.users(), [UserIx(1)]);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Change<'a> {
    before: &'a Dataset,
    after: &'a Dataset,
    users: Vec<UserIx>,
}

impl<'a> Change<'a> {
    /// What differs between two datasets of one numbering.
    ///
    /// # Errors
    /// [`Error::Data`] if a user or an item of `before` has another number in `after`, or is not there.
    pub fn between(before: &'a Dataset, after: &'a Dataset) -> Result<Self> {
        extends("users", before.users(), after.users())?;
        extends("items", before.items(), after.items())?;
        let (old, new) = (
            before.interactions().by_user(),
            after.interactions().by_user(),
        );
        let users = (0..new.rows())
            .filter(|&user| {
                let row = new.row(user);
                if user < old.rows() {
                    row != old.row(user)
                } else {
                    !row.is_empty()
                }
            })
            .map(UserIx::at)
            .collect();
        Ok(Self {
            before,
            after,
            users,
        })
    }

    /// What the model was fitted to.
    #[must_use]
    pub fn before(&self) -> &'a Dataset {
        self.before
    }

    /// What it shall know now.
    #[must_use]
    pub fn after(&self) -> &'a Dataset {
        self.after
    }

    /// Users whose rows differ, ascending; those only `after` has too.
    #[must_use]
    pub fn users(&self) -> &[UserIx] {
        &self.users
    }
}

fn extends<I: DenseIndex>(what: &str, before: &Vocabulary<I>, after: &Vocabulary<I>) -> Result<()> {
    for (index, key) in before.iter() {
        if index.position() >= after.len() || after.key(index) != key {
            let reason = format!("\"{key}\" has not the number it had; fit the model anew");
            return Err(Error::data(format!("changed {what}"), reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Product;
    use crate::events::{EventKind, EventTable};
    use crate::interactions::InteractionConfig;

    fn bought(visitor: &str, item: &str) -> Event {
        Event {
            visitor: visitor.into(),
            item: Some(item.into()),
            quantity: 1.0,
            kind: EventKind::Purchase,
            ..Event::default()
        }
    }

    fn dataset(events: &[(&str, &str)]) -> Dataset {
        let mut table = EventTable::new();
        for (visitor, item) in events {
            table.push(&bought(visitor, item)).unwrap();
        }
        let lamp = Product {
            key: "lamp".into(),
            ..Product::default()
        };
        Dataset::new(table, vec![lamp], InteractionConfig::default()).unwrap()
    }

    #[test]
    fn numbers_stay_when_events_come() {
        let before = dataset(&[("ann", "cup"), ("bob", "pot")]);
        let after = before
            .with(&[bought("bob", "lamp"), bought("eve", "fan")])
            .unwrap();
        let keys: Vec<&str> = after.items().iter().map(|(_, key)| key).collect();
        assert_eq!(keys, ["cup", "pot", "lamp", "fan"]);
        let change = Change::between(&before, &after).unwrap();
        assert_eq!(change.users(), [UserIx(1), UserIx(2)]);
        assert_eq!(after.interactions().by_user().row(1).indices, [1, 2]);
        assert_eq!(after.catalog(), before.catalog());
    }

    #[test]
    fn a_person_given_back_leaves_an_empty_row() {
        let before = dataset(&[("ann", "cup"), ("bob", "pot"), ("bob", "cup")]);
        let after = before.without(&[UserIx(1)]).unwrap();
        assert!(after.interactions().by_user().row(1).is_empty());
        let change = Change::between(&before, &after).unwrap();
        assert_eq!(change.users(), [UserIx(1)]);
        assert!(before.without(&[UserIx(0), UserIx(1)]).is_err());
    }

    #[test]
    fn another_numbering_is_refused() {
        let before = dataset(&[("ann", "cup"), ("bob", "pot")]);
        let after = dataset(&[("bob", "pot"), ("ann", "cup")]);
        let error = Change::between(&before, &after).unwrap_err().to_string();
        assert!(error.contains("\"ann\""), "{error}");
    }
}
