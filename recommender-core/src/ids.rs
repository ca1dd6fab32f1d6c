//! Dense indices and the two-way map between them and the keys clients know.

use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::error::{Error, Result};

/// A dense index: a `u32` that names a row or a column.
pub trait DenseIndex: Copy + Eq + Ord + fmt::Debug {
    /// The index at a position below 2³².
    ///
    /// # Panics
    /// If the position does not fit; a [`Vocabulary`] refuses to grow that far.
    fn at(position: usize) -> Self;
    /// The position this index names.
    fn position(self) -> usize;
}

macro_rules! dense_index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl DenseIndex for $name {
            #[inline]
            fn at(position: usize) -> Self {
                Self(u32::try_from(position).expect("a vocabulary holds fewer than 2^32 keys"))
            }
            #[inline]
            fn position(self) -> usize {
                self.0 as usize
            }
        }
    };
}

dense_index! {
    /// Row of a user in the matrices of one dataset or artefact.
    UserIx
}
dense_index! {
    /// Column of an item in the matrices of one dataset or artefact.
    ItemIx
}
dense_index! {
    /// Number of a place (store, warehouse) in one dataset or artefact.
    PlaceIx
}

/// Two-way map between keys, as clients know them, and dense indices in order of first insertion.
///
/// An index never changes once given.
///
/// ```
/// use recommender_core::{ItemIx, Vocabulary};
/// let mut items = Vocabulary::<ItemIx>::new();
/// let cup = items.insert("cup")?;
/// assert_eq!(items.get("cup"), Some(cup));
/// assert_eq!(items.key(cup), "cup");
/// assert_eq!(items.get("saucer"), None);
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Vocabulary<I> {
    keys: IndexSet<Box<str>, FxBuildHasher>,
    index: PhantomData<I>,
}

impl<I> Default for Vocabulary<I> {
    fn default() -> Self {
        Self {
            keys: IndexSet::default(),
            index: PhantomData,
        }
    }
}

impl<I> PartialEq for Vocabulary<I> {
    fn eq(&self, other: &Self) -> bool {
        self.keys.iter().eq(other.keys.iter())
    }
}

impl<I: DenseIndex> Vocabulary<I> {
    /// An empty vocabulary.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The index of `key`, given now if it is new.
    ///
    /// # Errors
    /// [`Error::Data`] once 2³² − 1 keys are held.
    pub fn insert(&mut self, key: &str) -> Result<I> {
        if let Some(position) = self.keys.get_index_of(key) {
            return Ok(I::at(position));
        }
        if self.keys.len() >= u32::MAX as usize {
            return Err(Error::data(
                "vocabulary",
                "more than 2^32 - 1 distinct keys",
            ));
        }
        let (position, _) = self.keys.insert_full(key.into());
        Ok(I::at(position))
    }

    /// The index of `key`, if it is known.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<I> {
        self.keys.get_index_of(key).map(I::at)
    }

    /// The key of `index`.
    ///
    /// # Panics
    /// If the index was not given by this vocabulary.
    #[must_use]
    pub fn key(&self, index: I) -> &str {
        &self.keys[index.position()]
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys in the order of their indices.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (I, &str)> {
        self.keys
            .iter()
            .enumerate()
            .map(|(position, key)| (I::at(position), &**key))
    }
}

impl<I: DenseIndex> serde::Serialize for Vocabulary<I> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.keys.iter())
    }
}

impl<'de, I: DenseIndex> serde::Deserialize<'de> for Vocabulary<I> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Vec::<Box<str>>::deserialize(deserializer)?;
        let expected = keys.len();
        let keys: IndexSet<Box<str>, FxBuildHasher> = keys.into_iter().collect();
        if keys.len() != expected {
            return Err(serde::de::Error::custom("a vocabulary holds a key twice"));
        }
        Ok(Self {
            keys,
            index: PhantomData,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_first_insertion_and_survive_serde() {
        let mut items = Vocabulary::<ItemIx>::new();
        for key in ["b", "a", "b", "c"] {
            items.insert(key).unwrap();
        }
        assert_eq!(items.len(), 3);
        let text = serde_json::to_string(&items).unwrap();
        assert_eq!(text, r#"["b","a","c"]"#);
        assert_eq!(
            serde_json::from_str::<Vocabulary<ItemIx>>(&text).unwrap(),
            items
        );
    }

    #[test]
    fn a_key_held_twice_is_refused() {
        assert!(serde_json::from_str::<Vocabulary<ItemIx>>(r#"["a","a"]"#).is_err());
    }
}
