//! Facts: all of them in memory, and in files sorted by table and key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::bytes::{Cursor, put_varint};
use super::payload::{put_stored_fact, stored_fact};
use crate::disk;
use crate::error::{Result, StoreError};
use crate::record::{Fact, Position, StoredFact, Table};

/// Facts as they stand.
#[derive(Debug, Default)]
pub(super) struct FactTable {
    by_key: BTreeMap<(Table, String), Standing>,
    live: u64,
}

#[derive(Debug)]
struct Standing {
    position: Position,
    version: i64,
    value: Option<Vec<u8>>,
}

impl FactTable {
    /// The version that stands under a key.
    pub(super) fn version(&self, table: Table, key: &str) -> Option<i64> {
        let standing = self.by_key.get(&(table, key.to_owned()));
        standing.map(|standing| standing.version)
    }

    /// Lets a fact stand, unless one of a later position does.
    pub(super) fn put(&mut self, stored: StoredFact) {
        let StoredFact { position, fact } = stored;
        let key = (fact.table, fact.key);
        if let Some(standing) = self.by_key.get(&key)
            && standing.position > position
        {
            return;
        }
        self.live += u64::from(fact.value.is_some());
        let standing = Standing {
            position,
            version: fact.version,
            value: fact.value,
        };
        let before = self.by_key.insert(key, standing);
        self.live -= u64::from(before.is_some_and(|before| before.value.is_some()));
    }

    /// Forgets a key, if what stands is not later than `until`. Says whether it had a value or a version.
    pub(super) fn forget(&mut self, table: Table, key: &str, until: Position) -> bool {
        let key = (table, key.to_owned());
        if self
            .by_key
            .get(&key)
            .is_none_or(|standing| standing.position > until)
        {
            return false;
        }
        let before = self.by_key.remove(&key);
        self.live -= u64::from(before.is_some_and(|before| before.value.is_some()));
        true
    }

    /// How many keys have a value.
    pub(super) fn live(&self) -> u64 {
        self.live
    }

    /// Up to `limit` facts of `table` that have a value, from the first key after `after`.
    pub(super) fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Vec<StoredFact> {
        let from = match after {
            Some(key) => Bound::Excluded((table, key.to_owned())),
            None => Bound::Included((table, String::new())),
        };
        self.by_key
            .range((from, Bound::Unbounded))
            .take_while(|((found, _), _)| *found == table)
            .filter(|(_, standing)| standing.value.is_some())
            .take(limit)
            .map(|((table, key), standing)| standing.stored(*table, key))
            .collect()
    }

    /// Everything that came to stand after `after`, in the order it did.
    pub(super) fn after(&self, after: Position) -> Vec<StoredFact> {
        let mut changed: Vec<StoredFact> = self
            .by_key
            .iter()
            .filter(|(_, standing)| standing.position > after)
            .map(|((table, key), standing)| standing.stored(*table, key))
            .collect();
        changed.sort_by_key(|stored| stored.position);
        changed
    }
}

impl Standing {
    fn stored(&self, table: Table, key: &str) -> StoredFact {
        StoredFact {
            position: self.position,
            fact: Fact {
                table,
                key: key.to_owned(),
                version: self.version,
                value: self.value.clone(),
            },
        }
    }
}

/// The head of a file of facts: what it is, and its format.
const HEAD: &[u8; 16] = b"recommender fct1";

/// Bytes of facts after which a block ends.
const BLOCK_BYTES: usize = 64 << 10;

/// Writes facts, which must come by table and key. A file is a head, blocks (length, checksum, Snappy) and an empty
/// block with the number of facts.
pub(super) fn write(path: &Path, facts: impl Iterator<Item = Result<StoredFact>>) -> Result<()> {
    disk::write_whole(path, |file| {
        let mut out = BufWriter::new(file);
        write_blocks(&mut out, path, facts)?;
        out.flush().map_err(|error| StoreError::io(path, error))
    })
}

fn write_blocks(
    out: &mut BufWriter<&mut File>,
    path: &Path,
    facts: impl Iterator<Item = Result<StoredFact>>,
) -> Result<()> {
    let failed = |error| StoreError::io(path, error);
    out.write_all(HEAD).map_err(failed)?;
    let (mut block, mut count) = (Vec::new(), 0u64);
    for stored in facts {
        put_stored_fact(&mut block, &stored?);
        count += 1;
        if block.len() >= BLOCK_BYTES {
            write_block(out, &block).map_err(failed)?;
            block.clear();
        }
    }
    if !block.is_empty() {
        write_block(out, &block).map_err(failed)?;
    }
    let mut end = Vec::new();
    put_varint(&mut end, count);
    write_block(out, &[]).map_err(failed)?;
    write_block(out, &end).map_err(failed)
}

fn write_block(out: &mut impl Write, block: &[u8]) -> std::io::Result<()> {
    let bytes = snap::raw::Encoder::new()
        .compress_vec(block)
        .map_err(std::io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
    let length = length.to_le_bytes();
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&length);
    checksum.update(&bytes);
    out.write_all(&length)?;
    out.write_all(&checksum.finalize().to_le_bytes())?;
    out.write_all(&bytes)
}

/// Facts of a file in order, a block at a time.
#[derive(Debug)]
pub(super) struct Facts {
    file: std::io::BufReader<File>,
    path: PathBuf,
    facts: std::vec::IntoIter<StoredFact>,
    count: u64,
    ended: bool,
}

impl Facts {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| StoreError::io(path, error))?;
        let mut facts = Self {
            file: std::io::BufReader::with_capacity(1 << 17, file),
            path: path.to_owned(),
            facts: Vec::new().into_iter(),
            count: 0,
            ended: false,
        };
        let mut head = [0; HEAD.len()];
        facts.read(&mut head)?;
        if head != *HEAD {
            return Err(facts.damaged("it does not begin as a file of facts"));
        }
        Ok(facts)
    }

    fn damaged(&self, reason: &str) -> StoreError {
        StoreError::damaged(&self.path, reason)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        std::io::Read::read_exact(&mut self.file, bytes).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                return self.damaged("it ends too early");
            }
            StoreError::io(&self.path, error)
        })
    }

    fn block(&mut self) -> Result<Vec<u8>> {
        let (mut length, mut checksum) = ([0; 4], [0; 4]);
        self.read(&mut length)?;
        self.read(&mut checksum)?;
        // A damaged length must not ask for more memory than the file could fill.
        let left = disk::length(&self.path)?;
        if u64::from(u32::from_le_bytes(length)) > left {
            return Err(self.damaged("a block is longer than the file"));
        }
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.read(&mut bytes)?;
        let mut found = crc32fast::Hasher::new();
        found.update(&length);
        found.update(&bytes);
        if found.finalize().to_le_bytes() != checksum {
            return Err(self.damaged("a block is not what was written"));
        }
        let block = snap::raw::Decoder::new().decompress_vec(&bytes);
        block.map_err(|_| self.damaged("a block can't be decompressed"))
    }

    fn next_block(&mut self) -> Result<()> {
        let block = self.block()?;
        if block.is_empty() {
            return self.end();
        }
        let mut cursor = Cursor(&block);
        let mut facts = Vec::new();
        while !cursor.is_empty() {
            let fact = stored_fact(&mut cursor);
            facts.push(fact.map_err(|error| self.damaged(error.0))?);
        }
        self.count += facts.len() as u64;
        self.facts = facts.into_iter();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let block = self.block()?;
        let count = Cursor(&block).varint();
        self.ended = true;
        if count != Ok(self.count) {
            return Err(self.damaged("it has not the number of facts it says"));
        }
        let mut rest = [0];
        match std::io::Read::read(&mut self.file, &mut rest) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("something follows its end")),
            Err(error) => Err(StoreError::io(&self.path, error)),
        }
    }
}

impl Iterator for Facts {
    type Item = Result<StoredFact>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(fact) = self.facts.next() {
                return Some(Ok(fact));
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.next_block() {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }
}

/// Facts of several files by table and key, of each key the one of the latest position.
pub(super) fn merged(files: Vec<Facts>) -> impl Iterator<Item = Result<StoredFact>> {
    let mut heads: Vec<_> = files.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        for head in &mut heads {
            if let Some(Err(_)) = head.peek() {
                return head.next();
            }
        }
        let keys = heads.iter_mut().filter_map(|head| match head.peek() {
            Some(Ok(stored)) => Some((stored.fact.table, stored.fact.key.clone())),
            Some(Err(_)) | None => None,
        });
        let least = keys.min()?;
        let same = |stored: &StoredFact| stored.fact.table == least.0 && stored.fact.key == least.1;
        heads
            .iter_mut()
            .filter_map(|head| head.next_if(|next| next.as_ref().is_ok_and(same)))
            .filter_map(Result::ok)
            .max_by_key(|stored| stored.position)
            .map(Ok)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(key: &str, position: u64, value: Option<&str>) -> StoredFact {
        StoredFact {
            position: Position(position),
            fact: Fact {
                table: Table::Product,
                key: key.into(),
                version: 0,
                value: value.map(|value| value.as_bytes().to_vec()),
            },
        }
    }

    #[test]
    fn files_merge_to_what_stands() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("1.facts"), dir.path().join("2.facts"));
        let first = [fact("a", 1, Some("old")), fact("b", 2, Some("kept"))];
        let second = [fact("a", 3, None), fact("c", 4, Some("new"))];
        write(&old, first.iter().cloned().map(Ok)).unwrap();
        write(&new, second.iter().cloned().map(Ok)).unwrap();
        let files = vec![Facts::open(&new).unwrap(), Facts::open(&old).unwrap()];
        let read: Vec<StoredFact> = merged(files).map(Result::unwrap).collect();
        assert_eq!(
            read,
            [second[0].clone(), first[1].clone(), second[1].clone()]
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.facts");
        let facts = [fact("a", 1, Some("one")), fact("b", 2, None)];
        write(&path, facts.iter().cloned().map(Ok)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let read = || Facts::open(&path)?.collect::<Result<Vec<StoredFact>>>();
        assert_eq!(read().unwrap(), facts);
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, flipped).unwrap();
            let error = read().unwrap_err().to_string();
            assert!(error.contains("1.facts is damaged"), "{bit}: {error}");
        }
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read().is_err(), "{length}");
        }
    }

    #[test]
    fn only_facts_with_a_value_are_listed_and_counted() {
        let mut table = FactTable::default();
        for stored in [
            fact("a", 1, Some("x")),
            fact("b", 2, Some("y")),
            fact("a", 3, None),
        ] {
            table.put(stored);
        }
        table.put(fact("b", 1, Some("late news of something older")));
        assert_eq!(
            (table.live(), table.version(Table::Product, "a")),
            (1, Some(0))
        );
        let keys = |after| -> Vec<String> {
            let page = table.page(Table::Product, after, 9);
            page.into_iter().map(|stored| stored.fact.key).collect()
        };
        assert_eq!(keys(None), ["b"]);
        assert!(keys(Some("b")).is_empty());
        assert_eq!(table.after(Position(2)), [fact("a", 3, None)]);
        assert!(!table.forget(Table::Product, "b", Position(1)));
        assert!(table.forget(Table::Product, "b", Position(2)));
        assert_eq!(table.live(), 0);
    }
}
