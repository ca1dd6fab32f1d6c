//! Things counted under names, of which there are never more than a few.

use std::sync::OnceLock;

/// Most names; what comes after them counts under the last.
const PLACES: usize = 32;

/// The name of all that found no place of its own.
const OTHER: &str = "other";

/// A `T` for each of a few names.
#[derive(Debug)]
pub(crate) struct Named<T> {
    places: [OnceLock<(&'static str, T)>; PLACES],
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self {
            places: std::array::from_fn(|_| OnceLock::new()),
        }
    }
}

impl<T: Default> Named<T> {
    /// What belongs to `name`, or to all names for which there was no place.
    pub(crate) fn of(&self, name: &'static str) -> &T {
        let (own, last) = self.places.split_at(PLACES - 1);
        for place in own {
            let (found, value) = place.get_or_init(|| (name, T::default()));
            if *found == name {
                return value;
            }
        }
        &last[0].get_or_init(|| (OTHER, T::default())).1
    }

    /// The names there are, in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &T)> {
        let taken = self.places.iter().filter_map(OnceLock::get);
        taken.map(|(name, value)| (*name, value))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn names_beyond_the_last_place_share_it() {
        let named = Named::<AtomicU64>::default();
        for number in 0..40 {
            let name: &'static str = Box::leak(format!("name-{number}").into_boxed_str());
            named.of(name).fetch_add(1, Ordering::Relaxed);
        }
        named.of("name-0").fetch_add(1, Ordering::Relaxed);
        let counts: Vec<_> = named.iter().collect();
        assert_eq!(counts.len(), PLACES);
        assert_eq!(counts[0].0, "name-0");
        assert_eq!(counts[0].1.load(Ordering::Relaxed), 2);
        assert_eq!(counts[31].0, OTHER);
        assert_eq!(counts[31].1.load(Ordering::Relaxed), 9);
    }
}
