//! Dense indices and the two-way map between them and the keys clients know.

use std::fmt;
use std::hash::BuildHasher;
use std::marker::PhantomData;

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
#[derive(Clone)]
pub struct Vocabulary<I> {
    /// All keys, one behind the other.
    text: String,
    /// Where each key ends in `text`.
    ends: Vec<usize>,
    /// Open addressing over the keys' hashes: a power of two, or nothing yet.
    slots: Vec<Slot>,
    index: PhantomData<I>,
}

/// A place of the hash table.
///
/// A lookup of a known key touches the table, the key's end and its text: three places in memory. Logs of events are
/// read at the speed of these misses.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// Hash of the key.
    hash: u32,
    /// One more than the key's position; 0 if the place is free.
    number: u32,
}

/// The fewest places of a table that holds a key.
const FIRST_SLOTS: usize = 16;

impl<I> Default for Vocabulary<I> {
    fn default() -> Self {
        Self {
            text: String::new(),
            ends: Vec::new(),
            slots: Vec::new(),
            index: PhantomData,
        }
    }
}

impl<I> PartialEq for Vocabulary<I> {
    fn eq(&self, other: &Self) -> bool {
        self.ends == other.ends && self.text == other.text
    }
}

impl<I> fmt::Debug for Vocabulary<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

impl<I> Vocabulary<I> {
    fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|position| self.key_at(position))
    }

    #[inline]
    fn key_at(&self, position: usize) -> &str {
        let start = position
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[position]]
    }

    /// The slot of `key`, or the free one where it belongs. The table must have a free slot.
    #[inline]
    fn slot_of(&self, key: &str, hash: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot.number == 0
                || (slot.hash == hash && self.key_at(slot.number as usize - 1) == key)
            {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    /// Makes room so that at most two thirds of the slots are taken.
    fn grow(&mut self) {
        let count = (self.slots.len() * 2).max(FIRST_SLOTS);
        let mut slots = vec![Slot::default(); count];
        for &slot in self.slots.iter().filter(|slot| slot.number > 0) {
            let mut place = slot.hash as usize & (count - 1);
            while slots[place].number > 0 {
                place = (place + 1) & (count - 1);
            }
            slots[place] = slot;
        }
        self.slots = slots;
    }
}

/// The low half of the hash, whose bits [`FxBuildHasher`] mixes best.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "half of the hash is meant")]
fn hash_of(key: &str) -> u32 {
    FxBuildHasher.hash_one(key) as u32
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
        Ok(self.insert_full(key)?.0)
    }

    /// As [`Vocabulary::insert`], with whether the key is new.
    ///
    /// # Errors
    /// As [`Vocabulary::insert`].
    pub fn insert_full(&mut self, key: &str) -> Result<(I, bool)> {
        if self.ends.len() * 3 >= self.slots.len() * 2 {
            self.grow();
        }
        let hash = hash_of(key);
        let place = self.slot_of(key, hash);
        let known = self.slots[place].number;
        if known > 0 {
            return Ok((I::at(known as usize - 1), false));
        }
        let position = self.ends.len();
        let Some(number) = u32::try_from(position + 1).ok() else {
            let reason = "more than 2^32 - 1 distinct keys";
            return Err(Error::data("vocabulary", reason));
        };
        self.text.push_str(key);
        self.ends.push(self.text.len());
        self.slots[place] = Slot { hash, number };
        Ok((I::at(position), true))
    }

    /// The index of `key`, if it is known.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<I> {
        if self.slots.is_empty() {
            return None;
        }
        let number = self.slots[self.slot_of(key, hash_of(key))].number;
        (number > 0).then(|| I::at(number as usize - 1))
    }

    /// The key of `index`.
    ///
    /// # Panics
    /// If the index was not given by this vocabulary.
    #[must_use]
    pub fn key(&self, index: I) -> &str {
        self.key_at(index.position())
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Keys in the order of their indices.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (I, &str)> {
        self.keys()
            .enumerate()
            .map(|(position, key)| (I::at(position), key))
    }
}

impl<I: DenseIndex> serde::Serialize for Vocabulary<I> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.keys())
    }
}

impl<'de, I: DenseIndex> serde::Deserialize<'de> for Vocabulary<I> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Vec::<Box<str>>::deserialize(deserializer)?;
        let mut vocabulary = Self::new();
        for key in keys {
            let (_, new) = vocabulary
                .insert_full(&key)
                .map_err(serde::de::Error::custom)?;
            if !new {
                let reason = "a vocabulary holds a key twice";
                return Err(serde::de::Error::custom(reason));
            }
        }
        Ok(vocabulary)
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
    fn many_keys_keep_their_indices() {
        let keys: Vec<String> = (0..50_000)
            .map(|number| format!("{:x}", number * 7))
            .collect();
        let mut items = Vocabulary::<ItemIx>::new();
        for key in keys.iter().chain(&keys) {
            items.insert(key).unwrap();
        }
        assert_eq!(items.len(), keys.len());
        for (position, key) in keys.iter().enumerate() {
            assert_eq!(items.get(key), Some(ItemIx::at(position)));
            assert_eq!(items.key(ItemIx::at(position)), key);
        }
        assert!(items.get("").is_none() && items.get("zz").is_none());
        let empty = items.insert("").unwrap();
        assert_eq!((items.key(empty), items.get("")), ("", Some(empty)));
    }

    #[test]
    fn a_key_held_twice_is_refused() {
        assert!(serde_json::from_str::<Vocabulary<ItemIx>>(r#"["a","a"]"#).is_err());
    }
}
