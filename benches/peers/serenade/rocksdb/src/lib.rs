//! The part of the interface of RocksDB that the crate `serenade` names, over a map in memory. The peer keeps no running
//! sessions, so nothing measured goes through it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Settings that memory has no use for.
#[derive(Debug, Default)]
pub struct Options;

impl Options {
    /// Nothing to create.
    pub fn create_if_missing(&mut self, _wanted: bool) {}
    /// A map looks up points anyway.
    pub fn optimize_for_point_lookup(&mut self, _megabytes: u64) {}
    /// There is no file to map.
    pub fn set_allow_mmap_reads(&mut self, _wanted: bool) {}
    /// There is no file to map.
    pub fn set_allow_mmap_writes(&mut self, _wanted: bool) {}
}

/// Keys and values in memory.
#[derive(Debug, Default)]
pub struct DB(Mutex<HashMap<Vec<u8>, Vec<u8>>>);

impl DB {
    /// An empty map.
    ///
    /// # Errors
    /// None.
    pub fn open_with_ttl(
        _options: &Options,
        _path: impl AsRef<Path>,
        _ttl: Duration,
    ) -> Result<Self, Infallible> {
        Ok(Self::default())
    }

    /// The value of a key.
    ///
    /// # Errors
    /// None.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Infallible> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(map.get(key.as_ref()).cloned())
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// None.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Infallible> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(key.as_ref().to_vec(), value.as_ref().to_vec());
        Ok(())
    }
}
