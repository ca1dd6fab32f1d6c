//! Words of a segment by number: an item's key stands in the file once.

use std::collections::BTreeSet;
use std::sync::Arc;

use recommender_core::events::Event;
use rustc_hash::FxHashMap;

use super::super::bytes::{Cursor, Decoded, Malformed, put_front_coded, put_varint};
use super::super::row::{GetWord, PutWord};

/// Words in byte order; a word's number is its place.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Dictionary(Arc<[Box<str>]>);

impl Dictionary {
    /// The words of `events`.
    pub(in super::super) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut words = BTreeSet::new();
        for event in events {
            words.extend(event.item.as_deref());
            words.extend(event.place.as_deref());
            words.extend(event.attributes.keys().map(String::as_str));
        }
        Self(words.into_iter().map(Into::into).collect())
    }

    /// The words of all `parts`.
    pub(in super::super) fn union<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let words: BTreeSet<&Box<str>> = parts.flat_map(|part| part.0.iter()).collect();
        Self(words.into_iter().cloned().collect())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, self.0.len() as u64);
        let mut previous = "";
        for word in &*self.0 {
            put_front_coded(&mut out, word, previous);
            previous = word;
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut cursor = Cursor(bytes);
        let mut words: Vec<Box<str>> = Vec::new();
        for _ in 0..cursor.size()? {
            let previous = words.last().map_or("", |word| word);
            let word = cursor.front_coded(previous)?;
            words.push(word.into());
        }
        Ok(Self(words.into()))
    }
}

impl GetWord for Dictionary {
    fn get(&self, cursor: &mut Cursor<'_>) -> Decoded<String> {
        let word = self.0.get(cursor.size()?);
        let word = word.ok_or(Malformed("an event names a word that is not there"))?;
        Ok(word.to_string())
    }
}

/// Finds the numbers of words.
#[derive(Debug)]
pub(super) struct Numbers(FxHashMap<Box<str>, u32>);

impl Numbers {
    pub(super) fn of(dictionary: &Dictionary) -> Self {
        Self(dictionary.0.iter().cloned().zip(0..).collect())
    }
}

impl PutWord for Numbers {
    fn put(&self, out: &mut Vec<u8>, word: &str) {
        let number = self.0.get(word).copied();
        let number = number.expect("the dictionary was made of all events that are written");
        put_varint(out, u64::from(number));
    }
}
